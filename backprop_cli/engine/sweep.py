"""Reverse mode: the cotangent of every node in one sweep from the output back."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from ..errors import SlopeError
from ..graph import CONSTANT, Graph
from ..ops import Primitive
from ..ops.namespaces import FLOATS
from .run import operands_text, written


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
) -> list[Any]:
    """Return the cotangent of every active node, 0.0 for the others.

    A cotangent that is exactly zero is not pulled back, so 0*inf is never formed.

    Args:
        graph: The computation.
        values: One value per node, from `run.run` over the same namespace.
        active: From `active_nodes`.
        xp: The namespace.
        seed: Cotangent of the output.
        start: A zero per node, for numbers that are added to in a way of their own.
    Source:
        Griewank and Walther, Evaluating Derivatives (2008), section 3.2.
    """
    nodes = graph.nodes
    cotangents: list[Any] = [0.0] * len(nodes) if start is None else start
    if not active[graph.output]:
        return cotangents
    cotangents[graph.output] = seed
    plain = not graph.shaped
    for k in range(graph.output, -1, -1):
        g = cotangents[k]
        if not g:
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
            partials = op.partials(xp, values[k], *[values[i] for i in inputs], **node.static)
            for i, p in zip(inputs, partials, strict=True):
                if active[i]:
                    cotangents[i] += g * p
    return cotangents


def reverse(graph: Graph, values: Sequence[float], active: Sequence[bool]) -> list[float]:
    """Return the float cotangents, all finite.

    Raises:
        SlopeError: at the first slope that the gradient needs and that does not exist.
    """
    cotangents = sweep(graph, values, active)
    if not all(map(isfinite, cotangents)):
        raise _no_slope(graph, values, active)
    return cotangents


def _no_slope(graph: Graph, values: Sequence[float], active: Sequence[bool]) -> SlopeError:
    """Repeat the sweep edge by edge and name the one that breaks it."""
    cotangents = [0.0] * len(graph)
    cotangents[graph.output] = 1.0
    for node in reversed(graph.nodes[: graph.output + 1]):
        g = cotangents[node.id]
        if g == 0.0 or node.op is None:
            continue
        operands = [values[i] for i in node.inputs]
        partials = node.op.partials(FLOATS, values[node.id], *operands)
        for position, (i, p) in enumerate(zip(node.inputs, partials, strict=True)):
            if not active[i]:
                continue
            cotangents[i] += g * p
            if isfinite(cotangents[i]):
                continue
            text, name = written(graph, node.id), written(graph, i)
            where = operands_text(graph, values, node.id)
            fault = "overflows" if isfinite(p) or _exists(node.op, operands, position) else "does not exist"
            return SlopeError(
                f"the slope of {text} in {name} {fault} at {where}",
                source=graph.source,
                span=node.span,
                hint=node.op.slope_hint,
            )
    raise AssertionError("every slope is finite")


def _exists(op: Primitive, operands: Sequence[float], position: int) -> bool:
    """Whether a slope that is no finite float is a number all the same."""
    from mpmath import isfinite as is_number
    from mpmath import mpf

    from ..ops.namespaces import multiprecision

    xp, exact = multiprecision(), [mpf(x) for x in operands]
    return bool(is_number(op.partials(xp, op.forward(xp, *exact), *exact)[position]))
