"""A function of two variables over a rectangle: heights, gradients, and where the gradient is zero."""

from __future__ import annotations

from collections.abc import Mapping
from math import hypot, isfinite
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..differentiation.forward import hessian
from ..engine.plan import Plan
from ..engine.point import Point
from ..engine.run import bind, value_at
from ..errors import NoSuchNumber
from ..graph import Graph
from .line import DEEP_UP_TO, check_range, grid_of, neat
from .nature import kind_around

HEIGHTS = 121  # samples along each side
ARROWS = (17, 13)
CELLS = 49  # along each side, in which a zero of the gradient is looked for
STARTS = 400
NEWTON = 40  # steps
FLATS = 4

Span = tuple[float, float]
Floats = npt.NDArray[np.float64]


class Stationary(NamedTuple):
    """Where the gradient is zero; ``kind`` is minimum, maximum, saddle or flat (it cannot be said)."""

    x: float
    y: float
    value: float
    kind: str


class Surface(NamedTuple):
    """A function over a rectangle.

    Attributes:
        variables: What runs to the right, and upwards.
        x: Coordinate of every column.
        y: Of every row.
        z: Rows of heights; nan where there is none.
        arrows: Point and gradient: ``(x, y, dx, dy)``.
        stationary: Where the gradient is zero.
        missing: How many of the heights there are not.
        reason: Why, for one of them.
        notes: What was left out.
    """

    variables: tuple[str, str]
    x: list[float]
    y: list[float]
    z: list[list[float]]
    arrows: list[tuple[float, float, float, float]]
    stationary: list[Stationary]
    missing: int
    reason: str
    notes: list[str]


def survey(
    graph: Graph, variables: tuple[str, str], spans: tuple[Span, Span], fixed: Mapping[str, float]
) -> Surface:
    """Return a function over a rectangle.

    Args:
        graph: The computation.
        variables: What runs to the right, and upwards.
        spans: The range of each.
        fixed: Values of the other inputs.
    Raises:
        BindingError: for a range that is none.
        NoSuchNumber: where there is no value anywhere.
    """
    for name, span in zip(variables, spans, strict=True):
        check_range(name, *span)
    with np.errstate(all="ignore"):
        return _survey(graph, variables, spans, fixed)


def _survey(
    graph: Graph, variables: tuple[str, str], spans: tuple[Span, Span], fixed: Mapping[str, float]
) -> Surface:
    deep = len(graph) <= DEEP_UP_TO
    heights = Plan(graph, variables, fixed, ())
    x, y = (grid_of(*span, HEIGHTS if deep else HEIGHTS // 3) for span in spans)
    z = _over(heights, variables, x, y)[0]
    missing = int(np.count_nonzero(~np.isfinite(z)))
    reason = ""
    if missing:
        row, column = np.argwhere(~np.isfinite(z))[missing // 2]
        point = {variables[0]: float(x[column]), variables[1]: float(y[row])}
        try:
            value_at(graph, bind(graph, {**fixed, **point}))
        except NoSuchNumber as error:
            reason = error.message
            if missing == z.size:
                error.message = f"there is no value anywhere in these ranges: {reason}"
                error.args = (error.message,)
                raise
    slopes = Plan(graph, variables, fixed, variables)
    across, up = (
        np.linspace(span[0], span[1], 2 * n + 1)[1::2] for span, n in zip(spans, ARROWS, strict=True)
    )
    _, dx, dy = _over(slopes, variables, across, up)
    arrows = [
        (float(across[i]), float(up[j]), float(dx[j, i]), float(dy[j, i]))
        for j in range(len(up))
        for i in range(len(across))
        if np.isfinite(dx[j, i]) and np.isfinite(dy[j, i])
    ]
    notes: list[str] = []
    stationary: list[Stationary] = []
    if deep:
        stationary = _stationary(graph, slopes, variables, spans, fixed)
        level = [point for point in stationary if point.kind == "flat"]
        if len(level) > FLATS:
            notes.append("the gradient is 0 not in points alone, but on whole stretches")
            stationary = [point for point in stationary if point.kind != "flat"]
    else:
        notes.append(f"{len(graph):,} nodes: zeros of the gradient are not looked for")
    return Surface(
        variables, x.tolist(), y.tolist(), z.tolist(), arrows, stationary, missing, reason, notes
    )  # fmt: skip


def _over(plan: Plan, names: tuple[str, str], x: Floats, y: Floats) -> list[Floats]:
    """Return the plan's outputs on a grid, a row for every y; nan where there is no number."""
    right, above = np.meshgrid(x, y)
    columns = {names[0]: np.ravel(right), names[1]: np.ravel(above)}
    results, bad = plan.run(columns, right.size)
    for result in results:
        result[bad] = np.nan
    return [result.reshape(right.shape) for result in results]


def _stationary(
    graph: Graph, plan: Plan, variables: tuple[str, str], spans: tuple[Span, Span], fixed: Mapping[str, float]
) -> list[Stationary]:
    """Find the zeros of the gradient: cells in which both parts change sign, then Newton's method."""
    x, y = (np.linspace(*span, CELLS + 1) for span in spans)
    _, dx, dy = _over(plan, variables, x, y)
    cells = _crosses(dx) & _crosses(dy)
    found: list[Stationary] = []
    for row, column in np.argwhere(cells)[:STARTS].tolist():
        start = float(x[column] + x[column + 1]) / 2, float(y[row] + y[row + 1]) / 2
        size = float(x[1] - x[0]), float(y[1] - y[0])
        point = _newton(graph, variables, start, size, fixed)
        if point is None or any(
            abs(point.x - p.x) < 1e-6 * size[0] * CELLS and abs(point.y - p.y) < 1e-6 * size[1] * CELLS
            for p in found
        ):
            continue
        if spans[0][0] <= point.x <= spans[0][1] and spans[1][0] <= point.y <= spans[1][1]:
            found.append(point)
    return sorted(found)


def _crosses(d: Floats) -> Any:
    corners = np.stack((d[:-1, :-1], d[:-1, 1:], d[1:, :-1], d[1:, 1:]))
    return (corners.min(axis=0) <= 0.0) & (corners.max(axis=0) >= 0.0)


def _newton(
    graph: Graph, names: tuple[str, str], start: Span, size: Span, fixed: Mapping[str, float]
) -> Stationary | None:
    """Return the zero of the gradient near a cell, None where there is none."""
    x, y = start
    scale = 0.0
    try:
        for _ in range(NEWTON):
            gradient, second = _second(graph, names, x, y, fixed)
            scale = max(scale, hypot(*gradient))
            if gradient == (0.0, 0.0):
                break
            step = _solved(second, gradient)
            if step is None:
                return None
            if abs(x - step[0] - start[0]) > 2 * size[0] or abs(y - step[1] - start[1]) > 2 * size[1]:
                return None
            before, (x, y) = (x, y), (x - step[0], y - step[1])
            if (x, y) == before:
                break
        gradient, second = _second(graph, names, x, y, fixed)
        round_ = neat(x, 1e-9 * size[0]), neat(y, 1e-9 * size[1])
        at_round = _second(graph, names, *round_, fixed)
        if hypot(*at_round[0]) <= hypot(*gradient):
            (x, y), (gradient, second) = round_, at_round
        if not hypot(*gradient) <= 1e-8 * scale:
            return None
        value = value_at(graph, bind(graph, {**fixed, names[0]: x, names[1]: y}))
    except NoSuchNumber:
        return None
    largest = max(abs(number) for row in second for number in row)
    if not isfinite(value) or not isfinite(largest):
        return None
    (a, b), (_, d) = second
    determinant = (a / largest) * (d / largest) - (b / largest) ** 2 if largest else 0.0
    small = 1e-6
    kind = "saddle" if determinant < 0 else "minimum" if a > 0 else "maximum"
    if not abs(determinant) > small:
        at = bind(graph, {**fixed, names[0]: x, names[1]: y})
        kind = kind_around(graph, names, at, (0.05 * size[0], 0.05 * size[1]))
    return Stationary(x, y, value, kind)


def _second(
    graph: Graph, names: tuple[str, str], x: float, y: float, fixed: Mapping[str, float]
) -> tuple[Span, tuple[Span, Span]]:
    """Return the gradient and the second derivatives at a point."""
    point = Point.at(graph, {**fixed, names[0]: x, names[1]: y}, names)
    gradient = point.gradient(names)
    rows = hessian(graph, point.inputs)
    first, last = names
    second = (rows[first][first], rows[first][last]), (rows[last][first], rows[last][last])
    return (gradient[first], gradient[last]), second


def _solved(matrix: tuple[Span, Span], right: Span) -> Span | None:
    (a, b), (c, d) = matrix
    determinant = a * d - b * c
    if not determinant or not isfinite(determinant):
        return None
    return (right[0] * d - b * right[1]) / determinant, (a * right[1] - c * right[0]) / determinant
