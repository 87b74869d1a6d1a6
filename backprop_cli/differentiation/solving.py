"""Equations solved: a scan for roots in floats, and Newton's method in many digits, which knows no rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import copysign, isfinite, nextafter, ulp
from typing import Any

from ..engine.run import exact_leaves, leaf_values, matched, run
from ..graph import Graph
from ..language.equations import Equations
from ..ops.precision import digits

Curve = Callable[[float], float]

FINE = 4_000
"""Points between -100 and 100, which is where people's numbers are."""
WIDE = 160
"""Points from there to 1e6 on either side, each further from 0 by the same factor."""
DIGITS = 100
"""Of the arithmetic in which equations are solved again."""
STEPS = 60
"""Of Newton's method."""
TOUCHES = 1e-7
"""Part of the neighbours' values that a curve may keep from 0 where it touches it."""


def roots(graph: Graph, inputs: Mapping[str, float], name: str) -> list[float]:
    """Return where the output is 0 as one input moves, in order.

    Roots closer together than a twentieth, or further out than 1e6, may be missed.

    Args:
        graph: The computation.
        inputs: A value for every other input.
        name: The input that moves.
    """
    leaves = leaf_values(graph, {**dict.fromkeys(graph.inputs, 0.0), **inputs})
    id = graph.inputs[name]

    def at(x: float) -> float:
        leaves[id] = x
        return float(run(graph, leaves)[graph.output])

    scanned = _grid()
    values = [at(x) for x in scanned]
    found: list[float] = []
    for k, (x, f) in enumerate(zip(scanned, values, strict=True)):
        if f == 0.0:
            found.append(x)
        if k == 0:
            continue
        before = values[k - 1]
        if isfinite(f) and isfinite(before) and f and before and (f > 0.0) != (before > 0.0):
            root = _between(at, scanned[k - 1], x, before, f)
            if root is not None:
                found.append(root)
        if k >= 2:
            low = _touching(at, scanned[k - 2 : k + 1], values[k - 2 : k + 1])
            if low is not None:
                found.append(low)
    merged: list[float] = []
    for x in sorted(x + 0.0 for x in found):
        if not merged or abs(x - merged[-1]) > 1e-6 * max(1.0, abs(x)):
            merged.append(x)
    return merged


def _grid() -> list[float]:
    fine = [-100.0 + 200.0 * k / FINE for k in range(FINE + 1)]
    wide = [100.0 * 10.0 ** (4.0 * k / WIDE) for k in range(1, WIDE + 1)]
    return [*(-x for x in reversed(wide)), *fine, *wide]


def _between(at: Curve, a: float, b: float, fa: float, fb: float) -> float | None:
    """Halve an interval until nothing is between; None for a pole, where the values grow."""
    largest = max(abs(fa), abs(fb))
    while True:
        middle = a + (b - a) / 2.0
        if middle in (a, b) or b - a <= ulp(middle):
            break
        f = at(middle)
        if f == 0.0:
            return middle
        if not isfinite(f):
            return None
        if (f > 0.0) == (fa > 0.0):
            a, fa = middle, f
        else:
            b, fb = middle, f
    if min(abs(fa), abs(fb)) > largest:
        return None
    return a if abs(fa) <= abs(fb) else b


def _touching(at: Curve, xs: list[float], values: list[float]) -> float | None:
    """Return where a curve touches 0 without crossing it, near the lowest of three points."""
    a, _, b = xs
    left, middle, right = values
    if not all(map(isfinite, values)) or not middle or (left > 0.0) != (middle > 0.0) != (right > 0.0):
        return None
    if (left > 0.0) != (right > 0.0) or abs(middle) > min(abs(left), abs(right)):
        return None
    sign = copysign(1.0, middle)
    for _ in range(200):
        third = (b - a) / 3.0
        c, d = a + third, b - third
        if third <= 1e-9 * max(1.0, abs(a)):
            break
        if sign * at(c) < sign * at(d):
            b = d
        else:
            a = c
    x = a + (b - a) / 2.0
    for near in (float(f"{x:.6g}"), float(f"{x:.9g}"), x, nextafter(x, a), nextafter(x, b)):
        f = at(near)
        if f == 0.0 or abs(f) <= TOUCHES**2 * min(abs(left), abs(right)):
            return near
    return None


def inverse_of(matrix: Sequence[Sequence[Any]]) -> list[list[Any]] | None:
    """Return the inverse by elimination with the largest pivot; None where there is none."""
    n = len(matrix)
    rows = [[*row, *(1 if i == k else 0 for i in range(n))] for k, row in enumerate(matrix)]
    for k in range(n):
        pivot = max(range(k, n), key=lambda i: abs(rows[i][k]))
        if not rows[pivot][k]:
            return None
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [a / rows[k][k] for a in rows[k]]
        for i in range(n):
            if i != k and rows[i][k]:
                rows[i] = [a - rows[i][k] * b for a, b in zip(rows[i], rows[k], strict=True)]
    return [row[n:] for row in rows]


def values_of(equations: Equations, point: Mapping[str, Any]) -> list[Any]:
    """Return left minus right side of each equation, in mpmath's digits."""
    from ..ops.namespaces import multiprecision

    graph = equations.graph
    values = run(graph, exact_leaves(graph, point), multiprecision())
    return [values[g.output] for g in equations.graphs]


def solved_exactly(equations: Equations, point: Mapping[str, Any], solved: Sequence[str]) -> Any:
    """Solve from a point nearby, by Newton's method over difference quotients; None where it fails."""
    from mpmath import mp, mpf

    with digits(DIGITS):
        here = (
            dict(matched(equations.graph, point)) if all(isinstance(x, float) for x in point.values()) else {}
        )
        here = {**point, **here}
        here = {name: mpf(x) for name, x in here.items()}
        tiny, small = mpf(10) ** (5 - DIGITS), mpf(10) ** (-DIGITS // 2)
        for _ in range(STEPS):
            f = values_of(equations, here)
            if not all(map(mp.isfinite, f)):
                return None
            columns = []
            for y in solved:
                h = small * max(1, abs(here[y]))
                above = values_of(equations, {**here, y: here[y] + h})
                columns.append([(b - a) / h for a, b in zip(f, above, strict=True)])
            inverse = inverse_of([list(row) for row in zip(*columns, strict=True)])
            if inverse is None or not all(mp.isfinite(a) for row in inverse for a in row):
                return None
            largest = mpf(0)
            for y, row in zip(solved, inverse, strict=True):
                step = mp.fsum(a * b for a, b in zip(row, f, strict=True))
                here[y] -= step
                largest = max(largest, abs(step) / max(1, abs(here[y])))
            if largest <= tiny:
                return here
        return None
