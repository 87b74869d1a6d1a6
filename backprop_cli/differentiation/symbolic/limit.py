"""What a function tends to, by SymPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, isinf, pi, ulp
from typing import Any

import sympy

from ...graph import Graph
from ...ops import PRIMITIVES
from ...ops.namespaces import FLOATS
from .constants import Constants, inlined
from .functions import Extremum, Flat, Where, defined
from .printer import Printer

CLOSE = (30, 45)
"""Decimals of the distances at which pieces are looked at."""
MOST_TURNS = 100
"""Twelfths of pi up to which a float is taken for one of them."""


def limits(
    graph: Graph, name: str, x: float, inputs: Mapping[str, float], ways: Sequence[int], found: dict[str, Any]
) -> None:
    """Find the one-sided limits of the output.

    Args:
        graph: The computation.
        name: The input that moves.
        x: Where to; may be infinite.
        inputs: Values of the others.
        ways: -1 for the limit from below, 1 for that from above.
        found: Gets numbers, and texts where they are finite, by way.
    """
    write = Printer(False, {}).write
    for way in ways:
        f = _beside(graph, name, x, inputs, way, near := sympy.Dummy(name, positive=True))
        if f is None or f.free_symbols - {near}:
            continue
        limit = sympy.limit(f, near, sympy.oo) if isinf(x) else sympy.limit(f, near, 0, "+")
        if limit in (sympy.oo, -sympy.oo):
            found["numbers"][way] = inf if limit == sympy.oo else -inf
        elif limit.is_number and limit.is_finite and limit.is_real:
            found["numbers"][way] = float(limit)
            found["formulas"][way] = write((limit,))


def _beside(graph: Graph, name: str, x: float, inputs: Mapping[str, float], way: int, near: Any) -> Any:
    """Return the output over the distance from x on one side; over the input's size, where that is infinite.

    Conditions, steps and extrema are what they are next to the point: SymPy is not asked about them. None
    where they change there.
    """
    start, sign = (sympy.S.Zero, -way) if isinf(x) else (_exact(x), way)
    leaves = {id: _exact(inputs[n]) if n != name else start + sign * near for n, id in graph.inputs.items()}
    whole = inlined(graph, Constants(graph), leaves, defined, graph.needed())[graph.output]
    sizes = [sympy.Integer(10) ** (k if isinf(x) else -k) / 3 for k in CLOSE]

    def piece(*args: Any, kind: Any) -> Any:
        if issubclass(kind, Where):
            return args[1] if args[0] else args[2]
        first, second = ([a.subs(near, size).evalf(CLOSE[-1] * 3) for a in args] for size in sizes)
        if issubclass(kind, Extremum):
            largest = max if kind.__name__ == "max" else min
            at = {values.index(largest(values)) for values in (first, second)}
            return args[at.pop()] if len(at) == 1 else sympy.nan
        if kind.__name__ == "floor":
            found = {sympy.floor(values[0]) for values in (first, second)}
        else:
            forward = PRIMITIVES[kind.__name__].forward
            found = {int(forward(FLOATS, *values)) for values in (first, second)}
        return sympy.Integer(found.pop()) if len(found) == 1 else sympy.nan

    whole = whole.replace(
        lambda e: isinstance(e, (Where, Flat, Extremum)), lambda e: piece(*e.args, kind=type(e))
    )
    return None if whole.has(sympy.nan) else whole


def _exact(x: float) -> Any:
    """Return a number as it is meant: a decimal, or a part of pi."""
    if isinf(x):
        return sympy.oo if x > 0 else -sympy.oo
    twelfths = round(x / (pi / 12.0))
    if twelfths and abs(twelfths) <= MOST_TURNS and abs(x - twelfths * pi / 12.0) <= ulp(x):
        return sympy.Rational(twelfths, 12) * sympy.pi
    return sympy.Rational(repr(x))
