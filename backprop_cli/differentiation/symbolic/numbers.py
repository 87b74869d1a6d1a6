"""Derivatives to 17 digits, from SymPy's formulas.

The inlined function of each node is differentiated by SymPy as a whole and evaluated by a loop of ours
in mpmath at rising precision, so that the numbers share neither our rules, nor our path sums, nor our
rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any

import sympy
from mpmath import mp, mpf

from ...engine.sweep import sweep
from ...graph import CONSTANT, Graph, Node
from ...ops import Primitive
from .constants import Constants, guarded
from .functions import closed, defined
from .tracked import Points, Tracked, evaluate_formula

INLINE_LIMIT = 4_000  # node visits that the inlined functions may take together


def numbers(
    graph: Graph,
    inputs: Mapping[str, float],
    wanted: Sequence[int],
    needed: Sequence[bool],
    *,
    chain: bool = False,
) -> tuple[dict[int, float | None], str]:
    """Return the derivative by each wanted node to 17 digits, None where the formula is unusable.

    Args:
        graph: The computation.
        inputs: A value for every input, taken as exact.
        wanted: Node ids.
        needed: Whether the output needs a node's value.
        chain: Chain the derivatives of steps, however small the program.
    Returns:
        Numbers by node id, and the route: ``function``, or ``chain`` for large programs.
    """
    affected = None if chain else _affected(graph, wanted)
    constants = Constants(graph)
    points = Points(graph, inputs, needed)
    if affected is None:
        return _chain(graph, wanted, constants, points), "chain"
    symbols: dict[int, Any] = {}
    results: dict[int, float | None] = {}
    for k in wanted:
        if k == graph.output:
            results[k] = 1.0
            continue
        if not needed[k] or graph.output not in affected[k]:
            results[k] = 0.0
            continue
        here = sympy.Dummy("t", real=True)
        moved: dict[int, Any] = {k: here}
        for j in affected[k]:
            node = graph.nodes[j]
            assert node.op is not None
            operands = []
            for i in node.inputs:
                if i in moved:
                    operands.append(moved[i])
                elif graph.nodes[i].kind == CONSTANT:
                    operands.append(constants(i))
                else:
                    operands.append(symbols.setdefault(i, sympy.Dummy(f"v{i}", real=True)))
            moved[j] = closed(node.op, guarded(node.op, operands, constants, node.inputs))
        derivative = moved[graph.output].diff(here)
        names = {s: i for i, s in symbols.items()} | constants.values | {here: k}
        results[k] = points.settle(partial(evaluate_formula, derivative, names))
    return results, "function"


def _affected(graph: Graph, wanted: Sequence[int]) -> dict[int, list[int]] | None:
    """Return the steps downstream of each wanted node; None when there are too many in all."""
    result: dict[int, list[int]] = {}
    total = 0
    reaches = graph.needed()
    for k in wanted:
        moved = {k}
        steps = []
        for node in graph.nodes[k + 1 : graph.output + 1]:
            if node.op is not None and reaches[node.id] and not moved.isdisjoint(node.inputs):
                moved.add(node.id)
                steps.append(node.id)
        total += len(steps)
        if total > INLINE_LIMIT or len(steps) > 250:
            return None
        result[k] = steps
    return result


def _chain(
    graph: Graph, wanted: Sequence[int], constants: Constants, points: Points
) -> dict[int, float | None]:
    """Chain SymPy's derivative of each step in multi-precision: path sums as in the sweep."""
    active = graph.depends_on(list(wanted))

    @cache
    def derived(op: Primitive, position: int, fixed: tuple[Any, ...]) -> tuple[list[Any], Any]:
        """Return the derivative of a step by one operand, over symbols for those that are not fixed."""
        places = [sympy.Dummy(f"u{k}", real=True) if f is None else f for k, f in enumerate(fixed)]
        return places, defined(op, places).diff(places[position])

    def partials(values: list[Any], node: Node) -> list[Any]:
        assert node.op is not None
        fixed = tuple(constants(k) if graph.nodes[k].kind == CONSTANT else None for k in node.inputs)
        found: list[Any] = []
        for position, i in enumerate(node.inputs):
            if not active[i]:
                found.append(None)
                continue
            places, derivative = derived(node.op, position, fixed)
            names = dict(constants.values)
            names.update((p, k) for p, k, f in zip(places, node.inputs, fixed, strict=True) if f is None)
            found.append(evaluate_formula(derivative, names, values))
        return found

    @cache
    def swept(digits: int) -> list[Any]:
        """Return the cotangent of every node at a working precision."""
        values, start = points.at(digits), [Tracked(mpf(0), mpf(0))] * len(graph)
        seed = Tracked(mpf(1), mpf(0))
        return sweep(graph, values, active, seed=seed, start=start, partials=partial(partials, values))

    def number(id: int, values: list[Any]) -> Any:
        return swept(mp.dps)[id]

    return {k: points.settle(partial(number, k)) for k in wanted}
