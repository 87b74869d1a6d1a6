"""Reverse mode: the cotangent of every node in one sweep from the output back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

from ..graph import CONSTANT, Graph, Node
from ..ops.namespaces import FLOATS


def active_nodes(graph: Graph, wrt: Sequence[str] | None = None) -> list[bool]:
    """Return for every node whether the gradient asked for goes through it.

    Args:
        graph: The computation.
        wrt: Inputs and steps asked for; None for all.
    """
    if wrt is None:
        return [node.kind != CONSTANT for node in graph.nodes]
    return graph.depends_on([graph.id_of(name) for name in wrt])


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


def is_steep(node: Node, values: Sequence[float], active: Sequence[bool]) -> bool:
    """Whether a node has an infinite local derivative, by an operand that the gradient goes through."""
    if node.op is None:
        return False
    partials = node.op.partials(FLOATS, values[node.id], *[values[i] for i in node.inputs], **node.static)
    return any(active[i] and not isfinite(p) for i, p in zip(node.inputs, partials, strict=True))
