"""Derivatives of what equations define: Cramer's rule over SymPy's partial derivatives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import sympy

from ...engine.run import evaluate
from ...graph import Graph
from .constants import Constants, inlined
from .functions import defined, is_formula, shown
from .higher import WRITTEN_LIMIT
from .printer import Printer
from .simpler import Simpler
from .tracked import Points, evaluate_formula

MOST_EQUATIONS = 4


def implicit(
    graph: Graph,
    equations: Sequence[int],
    solved: Sequence[str],
    by: Sequence[str],
    order: int,
    inputs: Mapping[str, float] | None,
    found: dict[str, Any],
) -> None:
    """Differentiate the variables that equations are solved for.

    Args:
        graph: The nodes of all equations.
        equations: The node of each: left minus right side.
        solved: As many variables.
        by: Variables to differentiate by.
        order: 1, or 2 for one equation.
        inputs: A value for every input; None for formulas alone.
        found: Gets formulas and numbers by position: of order 1, variable by variable, and then of order 2.
    """
    if len(equations) > MOST_EQUATIONS:
        found["failure"] = f"{len(equations)} equations are too many for formulas"
        return
    constants = Constants(graph)
    symbols = {name: sympy.Dummy(name, real=True) for name in graph.inputs}
    leaves = {id: symbols[name] for name, id in graph.inputs.items()}

    def slopes(apply: Any) -> list[Any]:
        built = inlined(graph, constants, leaves, apply)
        sides = [built[id] for id in equations]
        matrix = sympy.Matrix([[side.diff(symbols[y]) for y in solved] for side in sides])
        minus = sympy.Matrix([[-side.diff(symbols[x]) for x in by] for side in sides])
        determinant = matrix.det(method="berkowitz")
        if determinant == 0:
            return []
        first = list((matrix.adjugate() * minus) / determinant)
        if order == 1:
            return first
        (y,) = solved
        return first + [
            slope.diff(symbols[x]) + slope.diff(symbols[y]) * slope
            for x, slope in zip(by, first, strict=True)
        ]

    if inputs is not None:
        numbers = slopes(defined)
        names = {symbols[name]: id for name, id in graph.inputs.items()} | constants.values
        whole = graph.replaced(outputs=tuple(equations), defaults={})
        points = Points(whole, inputs, evaluate(whole, inputs)[1])
        for k, slope in enumerate(numbers):
            found["numbers"][k] = points.settle(partial(evaluate_formula, slope, names))
    decimal = any(n.label and "." in n.label for n in graph.nodes)
    write = Printer(decimal, constants.written).write
    texts, built_up = found["formulas"], {}
    for k, slope in enumerate(slopes(shown)):
        if is_formula(slope) and slope.count_ops(visual=False) <= WRITTEN_LIMIT:
            texts[k], built_up[k] = write((slope,)), slope
    # on the curve its own sides are equal: -(x^2 + y^2)/y^3 is -25/y^3
    built = inlined(graph, constants, leaves, shown)
    sides = [tuple(built[i] for i in graph.nodes[id].inputs) for id in equations]

    def shorten() -> None:
        simpler, names = Simpler({}), {symbols[name] for name in (*solved, *by)}
        for k, slope in built_up.items():
            texts[k] = simpler.shortest(texts[k], slope, lambda e: write((e,)))
            factored = sympy.factor(slope)
            for left, right in sides:
                for one, other in ((left, right), (right, left)):
                    if not other.free_symbols & names:
                        equal = factored.subs(one, other)
                        texts[k] = min(
                            texts[k], simpler.shortest(write((equal,)), equal, lambda e: write((e,))), key=len
                        )

    found["later"] = shorten
