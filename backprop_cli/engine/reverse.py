"""Reverse mode in floats: a gradient that is one, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING

from ..errors import SlopeError
from ..graph import Graph, Node
from ..ops import Primitive
from ..ops.namespaces import FLOATS
from .run import edges, operands_text, written
from .sweep import is_steep, sweep

if TYPE_CHECKING:
    from .beside import Beside


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
    ending: dict[int, list[int]] = {}
    for node, operand, ends in edges(graph):
        if active[operand] and ends(FLOATS, *(values[i] for i in node.inputs)):
            ending.setdefault(node.id, []).append(operand)
    if lost or odd or ending:
        from .beside import settle

        found, fault = settle(graph, values, active, cotangents, lost, odd, ending)
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
