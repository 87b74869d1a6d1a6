"""Reverse mode: the cotangent of every node in one sweep from the output back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from ..errors import SlopeError
from ..graph import CONSTANT, Graph, Node
from ..ops import Primitive
from ..ops.namespaces import FLOATS
from .run import operands_text, written

if TYPE_CHECKING:
    from .beside import Beside


def active_nodes(graph: Graph, wrt: Sequence[str] | None = None) -> list[bool]:
    """Return for every node whether the gradient asked for goes through it.

    Args:
        graph: The computation.
        wrt: Inputs asked for; None for all, with every step.
    """
    if wrt is None:
        return [node.kind != CONSTANT for node in graph.nodes]
    return graph.depends_on([graph.inputs[name] for name in wrt])


def sweep(
    graph: Graph,
    values: Sequence[Any],
    active: Sequence[bool],
    xp: Any = FLOATS,
    seed: Any = 1.0,
    start: list[Any] | None = None,
    *,
    force: Mapping[int, Any] | None = None,
    join: Callable[[Any, Any, Node, int], Any] | None = None,
    partials: Callable[[Node], Sequence[Any]] | None = None,
    zeros: list[int] | None = None,
) -> list[Any]:
    """Return the cotangent of every active node, 0.0 for the others.

    A cotangent of 0 is not pulled back, so 0*inf is never formed: that of a branch not taken stays 0 whatever
    lies behind. Where the 0 is a number and the slope infinite, what comes out is no derivative; ``zeros``
    has those places among it, and `point.Point` looks at them.

    Args:
        graph: The computation.
        values: One value per node, from `run.run` over the same namespace.
        active: From `active_nodes`.
        xp: The namespace.
        seed: Cotangent of the output.
        start: A zero per node, for numbers that are added to in a way of their own.
        force: Cotangents that nodes pass on whatever their users bring.
        join: How a node's cotangent so far and what one use brings become one, ``join(before, amount, user,
            position)``; None adds.
        partials: The local derivatives of a step by its operands; None for its primitive's.
        zeros: Where to note the nodes whose cotangent is 0.
    Source:
        Griewank and Walther, Evaluating Derivatives (2008), section 3.2.
    """
    nodes = graph.nodes
    cotangents: list[Any] = [0.0] * len(nodes) if start is None else start
    if active[graph.output]:
        cotangents[graph.output] = seed
    elif not force:
        return cotangents
    if force or join is not None or partials is not None:
        return _sweep_by(graph, values, active, xp, cotangents, force or {}, join, partials)
    plain = not graph.shaped
    for k in range(graph.output, -1, -1):
        g = cotangents[k]
        if not g:
            if zeros is not None:
                zeros.append(k)
            continue
        node = nodes[k]
        op = node.op
        if op is None:
            continue
        inputs = node.inputs
        if plain and len(inputs) == 2:
            i, j = inputs
            p, q = op.partials(xp, values[k], values[i], values[j])
            if active[i]:
                cotangents[i] += g * p
            if active[j]:
                cotangents[j] += g * q
        elif plain and len(inputs) == 1:
            i = inputs[0]
            if active[i]:
                cotangents[i] += g * op.partials(xp, values[k], values[i])[0]
        else:
            found = op.partials(xp, values[k], *[values[i] for i in inputs], **node.static)
            for i, p in zip(inputs, found, strict=True):
                if active[i]:
                    cotangents[i] += g * p
    return cotangents


def _sweep_by(
    graph: Graph,
    values: Sequence[Any],
    active: Sequence[bool],
    xp: Any,
    cotangents: list[Any],
    force: Mapping[int, Any],
    join: Callable[[Any, Any, Node, int], Any] | None,
    partials: Callable[[Node], Sequence[Any]] | None,
) -> list[Any]:
    """Sweep by a caller's rules: apart from `sweep`, whose loop is most of the work of a float."""
    for node in reversed(graph.nodes[: graph.output + 1]):
        if node.id in force:
            cotangents[node.id] = force[node.id]
        g, op = cotangents[node.id], node.op
        if not g or op is None:
            continue
        if partials is not None:
            found = partials(node)
        else:
            found = op.partials(xp, values[node.id], *[values[i] for i in node.inputs], **node.static)
        for position, (i, p) in enumerate(zip(node.inputs, found, strict=True)):
            if active[i]:
                before, amount = cotangents[i], g * p
                cotangents[i] = before + amount if join is None else join(before, amount, node, position)
    return cotangents


def reverse(
    graph: Graph, values: Sequence[float], active: Sequence[bool], limits: dict[int, Beside] | None = None
) -> list[float]:
    """Return the float cotangents; those of what is differentiated by are finite.

    Where the chain rule has no number, or one that means nothing, the difference quotients beside the point
    have the word; a step for which they have none has the cotangent nan.

    Args:
        graph: The computation.
        values: One value per node.
        active: From `active_nodes`.
        limits: Where to note the nodes whose cotangent is not by the chain rule, and what stands beside them.
    Raises:
        SlopeError: at the first slope that the gradient needs and that does not exist.
    """
    zeros: list[int] = []
    cotangents = sweep(graph, values, active, zeros=zeros)
    lost = [k for k, g in enumerate(cotangents) if not isfinite(g)]
    odd = [k for k in zeros if active[k] and _is_odd(graph.nodes[k], values, active)]
    if lost or odd:
        from .beside import settle

        found, fault = settle(graph, values, active, cotangents, lost, odd)
        if fault:
            _raise_fault(graph, values, active)
        if limits is not None:
            limits.update(found)
    return cotangents


def _is_odd(node: Node, values: Sequence[float], active: Sequence[bool]) -> bool:
    """Whether a node that passes on nothing has an infinite slope, or is a condition that just holds."""
    if node.op is not None and node.op.truth:
        return values[node.inputs[0]] == values[node.inputs[1]]
    return is_steep(node, values, active)


def is_steep(node: Node, values: Sequence[float], active: Sequence[bool]) -> bool:
    """Whether a node has an infinite local derivative, by an operand that the gradient goes through."""
    if node.op is None:
        return False
    partials = node.op.partials(FLOATS, values[node.id], *[values[i] for i in node.inputs], **node.static)
    return any(active[i] and not isfinite(p) for i, p in zip(node.inputs, partials, strict=True))


def _raise_fault(graph: Graph, values: Sequence[float], active: Sequence[bool]) -> None:
    """Repeat a sweep that does not come to numbers and name the use that breaks it.

    Raises:
        SlopeError: there.
    """

    def join(before: float, amount: float, node: Node, position: int) -> float:
        total = before + amount
        if isfinite(total):
            return total
        assert node.op is not None
        operands = [values[i] for i in node.inputs]
        p = node.op.partials(FLOATS, values[node.id], *operands)[position]
        text, name = written(graph, node.id), written(graph, node.inputs[position])
        where = operands_text(graph, values, node.id)
        fault = "overflows" if isfinite(p) or _exists(node.op, operands, position) else "does not exist"
        raise SlopeError(
            f"the slope of {text} in {name} {fault} at {where}",
            source=graph.source,
            span=node.span,
            hint=node.op.slope_hint,
        )

    sweep(graph, values, active, join=join)


def _exists(op: Primitive, operands: Sequence[float], position: int) -> bool:
    """Whether a slope that is no finite float is a number all the same."""
    from mpmath import isfinite as is_number
    from mpmath import mpf

    from ..ops.namespaces import multiprecision

    xp, exact = multiprecision(), [mpf(x) for x in operands]
    return bool(is_number(op.partials(xp, op.forward(xp, *exact), *exact)[position]))
