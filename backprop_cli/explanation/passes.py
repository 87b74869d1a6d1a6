"""The forward and the backward pass, line by line: data, not text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ..engine.point import Edge
from ..graph import CONSTANT
from ..ops.kinks import Kink
from .expr import Expr
from .point import WrittenPoint


class Forward(NamedTuple):
    """A step and its number.

    Attributes:
        id: The step.
        operation: How it is computed, over names with their numbers.
        value: Its number.
        branch: The operand that a choice took, or None.
        condition: Of the choice, with whether it holds.
        edge: The condition is just about to change.
    """

    id: int
    operation: Expr
    value: float
    branch: int | None = None
    condition: tuple[Expr, bool] | None = None
    edge: bool = False


class Use(NamedTuple):
    """What one use of a node brings to its cotangent: the one above times the local derivative.

    Attributes:
        edge: Which use.
        local: The local derivative, over names with their numbers.
        number: The same worked out.
        above: d output / d user.
        amount: Their product.
        shared: The node is used elsewhere too, so this is one of several amounts.
        twin: Which of several operands of the user that are the same node, from 1; 0 when it is one.
        kink: What is different on the two sides, or None.
    """

    edge: Edge
    local: Expr
    number: float
    above: float
    amount: float
    shared: bool
    twin: int
    kink: Kink | None


class Total(NamedTuple):
    """The cotangent of a node that is used several times: the sum of the amounts."""

    id: int
    amounts: tuple[float, ...]
    value: float


class Stop(NamedTuple):
    """A step with cotangent 0: it passes nothing back."""

    id: int
    sources: tuple[int, ...]


Backward = Use | Total | Stop


def forward_lines(point: WrittenPoint, ids: Sequence[int]) -> list[Forward]:
    """Return the lines of the forward pass for these steps."""
    graph, lines = point.graph, []
    for id in ids:
        branch = point.branch(id)
        condition, edge = None, False
        if branch is not None:
            first = graph.nodes[id].inputs[0]
            condition = point.operand(first), bool(point.here.values[first])
            edge = any(point.kink(first, i) for i in graph.nodes[first].inputs)
        lines.append(Forward(id, point.operation(id), point.here.values[id], branch, condition, edge))
    return lines


def backward_lines(point: WrittenPoint, ids: Sequence[int]) -> list[Backward]:
    """Return the lines of the backward pass through these steps, last step first."""
    lines: list[Backward] = []
    uses = {id: point.edges(id) for id in ids}
    # how many amounts each node still waits for; those of steps that are not written count for none
    expected: dict[int, int] = {}
    for id in ids:
        for edge in uses[id]:
            if point.here.cotangents[id]:
                expected[edge.source] = expected.get(edge.source, 0) + 1
    waiting = dict(expected)
    amounts: dict[int, list[float]] = {}
    for id in sorted(ids, reverse=True):
        if not uses[id]:
            continue
        above = point.here.cotangents[id]
        if not above:
            if id in expected:  # where what is above is 0 already, that was said
                lines.append(Stop(id, tuple(dict.fromkeys(e.source for e in uses[id]))))
            continue
        numbers = point.local_derivatives(id)
        several = Counter(edge.source for edge in uses[id])
        seen: Counter[int] = Counter()
        for edge in uses[id]:
            source = edge.source
            seen[source] += 1
            amount = point.paper(above * numbers[edge.position])
            kink = point.kink(id, source) if seen[source] == 1 else None
            twin = seen[source] if several[source] > 1 else 0
            lines.append(
                Use(
                    edge,
                    point.local(edge),
                    numbers[edge.position],
                    above,
                    amount,
                    expected[source] > 1,
                    twin,
                    kink,
                )
            )
            amounts.setdefault(source, []).append(amount)
        for source in sorted(several, reverse=True):
            waiting[source] -= several[source]
            if waiting[source] == 0 and expected[source] > 1:
                lines.append(Total(source, tuple(amounts[source]), point.here.cotangents[source]))
    return lines


def steps_to_write(point: WrittenPoint) -> list[int]:
    """Return the steps that the output needs, conditions without a name and constants left out."""
    return [
        node.id
        for node in point.graph.nodes
        if node.op is not None
        and node.kind != CONSTANT
        and point.here.needed[node.id]
        and point.is_step(node.id)
        and not (node.op.truth and node.name is None)
    ]


def idle_steps(point: WrittenPoint) -> tuple[list[int], list[int]]:
    """Return the steps and inputs that the output does not read at all, and those it does not need here."""
    reached = point.graph.needed()
    moving = [n for n in point.graph.nodes if n.kind != CONSTANT and point.is_step(n.id)]
    never = [n.id for n in moving if not reached[n.id]]
    here = [n.id for n in moving if reached[n.id] and not point.here.needed[n.id]]
    return never, here
