"""A function of two variables over a rectangle: heights, gradients, and where the gradient is zero."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from math import hypot, isfinite
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..differentiation.forward import hessian
from ..engine.plan import Plan
from ..engine.point import Point
from ..engine.run import bind, run_exactly, value_at
from ..engine.sweep import sweep
from ..errors import NoSuchNumber
from ..graph import Graph
from ..ops.precision import digits
from .line import DEEP_UP_TO, check_range, grid_of, neat
from .nature import DIGITS, kind_around

HEIGHTS = 121  # samples along each side
FINER = 2  # times as many, where a valley or a ridge is thin
ENDS = 0.02  # of the heights are that of its floor or its crest
WITHIN = 0.3  # of the points of one that is not thin have it on all four sides
ARROWS = (17, 13)
CELLS = 49  # along each side, in which a zero of the gradient is looked for
NEWTON = 100  # steps: where a zero is one of order 8, each leaves 6/7 of the way
DIFFERENCE = 1e-5  # of a cell, for second derivatives
SINGULAR = 1e-7  # curvature, of the largest on the way, that counts as none
ROUNDED = 1e-18  # of the largest at a point
SETTLED = 1e-9  # of the gradient on the way, that counts as zero
CLOSEST = 1e-18  # the same in many digits: its last step
RESTS = 1e-3  # of a cell: a step of Newton's method where it has come near a zero
DIRECTIONS = 16  # around a zero, in which others are looked for
BESIDE = 0.02, 0.0054  # of the range: how far
ROUNDINGS = 1e-3, 1e-6, 1e-9  # of a cell, that a coordinate with fewer digits may be off
EXACT = 1e-20  # of the gradient beside it, that is zero in many digits
MOST_ZEROS = 400  # that are looked into
MOST_SINGULAR = 24  # of those without curvature

Span = tuple[float, float]
Floats = npt.NDArray[np.float64]


class Stationary(NamedTuple):
    """Where the gradient is zero; ``kind`` is minimum, maximum, saddle or flat (it cannot be said)."""

    x: float
    y: float
    value: float
    kind: str


class Contact(NamedTuple):
    """A point of a surface with its gradient: the line at right angles to it touches the level line there."""

    x: float
    y: float
    value: float
    dx: float
    dy: float


def contact_at(
    graph: Graph, variables: tuple[str, str], fixed: Mapping[str, float], x: float, y: float
) -> Contact:
    """Return a point with its gradient.

    Raises:
        NoSuchNumber: where there is none.
    """
    there = Point.at(graph, {**fixed, variables[0]: x, variables[1]: y}, variables)
    dx, dy = there.gradient(variables).values()
    return Contact(x, y, there.value, dx, dy)


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
    if deep and _thin(z):
        x, y = (grid_of(*span, FINER * HEIGHTS) for span in spans)
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
        stationary, stretches = _Zeros(graph, slopes, variables, spans, fixed).found()
        if stretches:
            notes.append("the gradient is 0 not in points alone, but on whole stretches")
    else:
        notes.append(f"{len(graph):,} nodes: zeros of the gradient are not looked for")
    return Surface(
        variables, x.tolist(), y.tolist(), z.tolist(), arrows, stationary, missing, reason, notes
    )  # fmt: skip


def _thin(z: Floats) -> bool:
    """Whether the lowest heights, or the highest, lie along a line, which contours on a coarse grid tear."""
    known = z[np.isfinite(z)]
    if not known.size:
        return False
    low, high = np.quantile(known, (ENDS, 1.0 - ENDS))
    for inside in (z <= low, z >= high):
        around = inside[1:-1, :-2] & inside[1:-1, 2:] & inside[:-2, 1:-1] & inside[2:, 1:-1]
        if np.count_nonzero(inside[1:-1, 1:-1] & around) < WITHIN * np.count_nonzero(inside[1:-1, 1:-1]):
            return True
    return False


def _over(plan: Plan, names: tuple[str, str], x: Floats, y: Floats) -> list[Floats]:
    """Return the plan's outputs on a grid, a row for every y; nan where there is no number."""
    right, above = np.meshgrid(x, y)
    columns = {names[0]: np.ravel(right), names[1]: np.ravel(above)}
    results, bad = plan.run(columns, right.size)
    for result in results:
        result[bad] = np.nan
    return [result.reshape(right.shape) for result in results]


class _Zeros:
    """The zeros of a gradient: Newton's method from every cell that may hold one, all at once."""

    def __init__(
        self, graph: Graph, plan: Plan, names: tuple[str, str], spans: tuple[Span, Span],
        fixed: Mapping[str, float],
    ) -> None:  # fmt: skip
        self.graph, self.plan, self.names, self.spans, self.fixed = graph, plan, names, spans, fixed
        self.ids = [graph.inputs[name] for name in names]
        self.active = graph.depends_on(self.ids)
        self.width = np.array([high - low for low, high in spans])
        self.cell = self.width / CELLS

    def found(self) -> tuple[list[Stationary], bool]:
        """Return the zeros that are points, and whether others fill whole stretches."""
        x, y = (np.linspace(*span, CELLS + 1) for span in self.spans)
        _, dx, dy = _over(self.plan, self.names, x, y)
        rows, columns = np.nonzero(_may_vanish(dx) & _may_vanish(dy))
        starts = np.stack((x[columns] + x[columns + 1], y[rows] + y[rows + 1]), axis=1) / 2
        if not len(starts):
            return [], False
        points, curved, settled = self.settle(starts)
        low, high = np.array(self.spans).T
        settled &= ((points >= low) & (points <= high)).all(axis=1)
        regular = self._apart(points[settled & curved], 1e-6)[:MOST_ZEROS]
        singular = points[settled & ~curved]
        singular = self._apart(singular[:: len(singular) // MOST_ZEROS + 1], 1e-3)
        singular = singular[:: len(singular) // MOST_SINGULAR + 1]
        stretches = self._on_stretches(singular)
        alone = [
            exact
            for p, filled in zip(singular, stretches, strict=True)
            if not filled and (exact := self._polished(p)) is not None
        ]
        judged = [
            point
            for several, level in ((regular, False), (alone, True))
            for p in several
            if (point := self._judged(*p.tolist(), level=level)) is not None
        ]
        real = any(self._vanishes(p) for p, filled in zip(singular, stretches, strict=True) if filled)
        # one that seems curved from here and not from there has been found twice
        near = 1e-6 * self.width
        twice = [
            any((np.abs(np.subtract(p[:2], q[:2])) <= near).all() for q in judged[:i])
            for i, p in enumerate(judged)
        ]
        return sorted(p for p, again in zip(judged, twice, strict=True) if not again), real

    def gradients(self, points: Floats) -> Floats:
        """Return the gradient at every point, nan where there is none."""
        columns = {name: points[:, k] for k, name in enumerate(self.names)}
        (_, dx, dy), bad = self.plan.run(columns, len(points))
        found = np.stack((dx, dy), axis=1)
        found[bad] = np.nan
        return found

    def settle(self, starts: Floats, rounds: int = NEWTON) -> tuple[Floats, Any, Any]:
        """Follow Newton's method from every start.

        Returns:
            The points on the way with the shortest gradients, whether there is curvature in every direction,
            and whether that is a zero near the start.
        """
        beside = [self.gradients(starts + h) / h.sum() for h in (*np.diag(self.cell), *np.diag(-self.cell))]
        bent = np.fmax.reduce([np.hypot(*part.T) for part in beside])
        points, best = starts, starts
        least, largest = np.full(len(starts), np.inf), np.zeros(len(starts))
        curved, rests = np.zeros((2, len(starts)), dtype=bool)
        steps = DIFFERENCE * np.diag(self.cell)
        for _ in range(rounds):
            g = self.gradients(points)
            second = np.stack(
                [(self.gradients(points + h) - self.gradients(points - h)) / (2 * h.sum()) for h in steps],
                axis=2,
            )
            second[~np.isfinite(second).all(axis=(1, 2))] = 0.0
            curvatures, ways = np.linalg.eigh((second + second.transpose(0, 2, 1)) / 2)
            sizes = np.abs(curvatures)
            there = sizes > ROUNDED * sizes.max(axis=1, keepdims=True)
            along = np.einsum("nij,ni->nj", ways, np.nan_to_num(g))
            along = np.where(there, along / np.where(there, curvatures, 1.0), 0.0)
            move = np.einsum("nij,nj->ni", ways, along)
            long = np.abs(move / self.cell).max(axis=1)
            steep, bent = np.hypot(*g.T), np.fmax(bent, sizes.max(axis=1))
            largest = np.fmax(largest, steep)
            near = (np.abs(points - starts) <= 2 * self.cell).all(axis=1)
            better = (steep < least) & near
            best, least = np.where(better[:, None], points, best), np.where(better, steep, least)
            curved = np.where(better, sizes.min(axis=1) > SINGULAR * bent, curved)
            rests = np.where(better, long <= RESTS, rests)
            points = points - move / np.fmax(1.0, long)[:, None]
            if ((long <= 1e-13) | ~near).all():
                break
        return best, curved, rests & (least <= SETTLED * largest)

    def _apart(self, points: Floats, share: float) -> Floats:
        """Return each of several points once; two so near, of the range, are one."""
        kept: list[Any] = []
        for point in points:
            if not any((np.abs(point - other) <= share * self.width).all() for other in kept):
                kept.append(point)
        return np.array(kept).reshape(-1, 2)

    def _on_stretches(self, points: Floats) -> list[bool]:
        """Return which zeros have others all along some way from them, nearer and farther off."""
        turns = np.linspace(0.0, 2 * np.pi, DIRECTIONS, endpoint=False)
        around = np.stack((np.cos(turns), np.sin(turns)), axis=1)
        filled = np.ones(len(points), dtype=bool)
        for share in BESIDE if len(points) else ():
            starts = (points[:, None, :] + share * self.width * around).reshape(-1, 2)
            ends, _, settled = self.settle(starts, NEWTON // 3)
            off = np.abs((ends - np.repeat(points, DIRECTIONS, axis=0)) / self.width).max(axis=1)
            other = settled & (off >= 0.3 * share) & (off <= 2.0 * share)
            filled &= other.reshape(-1, DIRECTIONS).any(axis=1)
        return filled.tolist()

    def _exactly(self, x: Any, y: Any) -> list[Any]:
        """Return the gradient, in the digits that hold now; nan where there is none."""
        from mpmath import mp

        from ..ops.namespaces import multiprecision

        graph = self.graph
        inputs: dict[str, Any] = bind(graph, {**self.fixed, **dict.fromkeys(self.names, 0.0)})
        try:
            values = run_exactly(graph, inputs | dict(zip(self.names, (x, y), strict=True)), graph.needed())
            swept = sweep(graph, values, self.active, multiprecision(), mp.one, [mp.zero] * len(graph))
        except (NoSuchNumber, ArithmeticError, ValueError):
            return [mp.nan, mp.nan]
        return [swept[id] for id in self.ids]

    def _vanishes(self, point: Floats) -> bool:
        """Whether a gradient that floats have as 0 is that in many digits, too: it may have underflowed."""
        with digits(DIGITS):
            return bool(self.gradients(point[None]).any()) or not any(self._exactly(*point.tolist()))

    def _polished(self, point: Floats) -> Floats | None:
        """Return a zero that rounding hides, by Newton's method in many digits; None where there is none."""
        from mpmath import mpf

        with digits(DIGITS):
            x, y = map(mpf, point.tolist())
            h, size = mpf(10) ** (-DIGITS // 3), float(max(self.cell))
            beside = max(map(abs, self._exactly(x + size, y) + self._exactly(x, y + size)))
            for _ in range(NEWTON):
                g = self._exactly(x, y)
                (a, b), (c, d) = (
                    [
                        (p - q) / (2 * h)
                        for p, q in zip(self._exactly(*right), self._exactly(*left), strict=True)
                    ]
                    for right, left in (((x + h, y), (x - h, y)), ((x, y + h), (x, y - h)))
                )
                a, d = a + h * (abs(a) + abs(d)), d + h * (abs(a) + abs(d))  # where one of them is 0
                if not a * d - b * c:
                    break
                move = (g[0] * d - c * g[1]) / (a * d - b * c), (a * g[1] - b * g[0]) / (a * d - b * c)
                x, y = x - move[0], y - move[1]
                if not max(map(abs, move)) > CLOSEST * size:
                    break
            left = max(map(abs, self._exactly(x, y)))
            return np.array([float(x), float(y)]) if left <= EXACT * beside else None

    def _judged(self, x: float, y: float, *, level: bool) -> Stationary | None:
        """Return what a zero of the gradient is."""
        graph, names, cell = self.graph, self.names, self.cell.tolist()
        try:
            gradient, second = _second(graph, names, x, y, self.fixed)
            for share, turn in product(ROUNDINGS, (0, 1)):
                round_ = [x, y]
                round_[turn] = neat(round_[turn], share * cell[turn])
                at_round = _second(graph, names, round_[0], round_[1], self.fixed)
                if hypot(*at_round[0]) <= hypot(*gradient):
                    (x, y), (gradient, second) = round_, at_round
            at = bind(graph, {**self.fixed, names[0]: x, names[1]: y})
            value = value_at(graph, at)
        except NoSuchNumber:
            return None
        if not isfinite(value) or not all(isfinite(number) for row in second for number in row):
            return None
        determinant = _determinant(second)
        kind = "saddle" if determinant < 0 else "minimum" if second[0][0] > 0 else "maximum"
        if level or not determinant:
            kind = kind_around(graph, names, at, (0.05 * cell[0], 0.05 * cell[1]))
        return Stationary(x, y, value, kind)


def _may_vanish(d: Floats) -> Any:
    """Return in which cells a number may be 0, by the corners of each and of those around it."""
    around = np.pad(d, 1, mode="edge")
    size = len(d) - 1
    corners = np.stack([around[i : i + size, j : j + size] for i in range(4) for j in range(4)])
    low, high = np.fmin.reduce(corners), np.fmax.reduce(corners)
    room = (high - low) / 2
    return (low - room <= 0.0) & (high + room >= 0.0)


def _determinant(second: tuple[Span, Span]) -> float:
    """Return the determinant in units of the largest second derivative; 0 for one that says nothing."""
    (a, b), (_, d) = second
    largest = max(abs(a), abs(b), abs(d))
    found = (a / largest) * (d / largest) - (b / largest) ** 2 if largest else 0.0
    return found if abs(found) > 1e-6 else 0.0


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
