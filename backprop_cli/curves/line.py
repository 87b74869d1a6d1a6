"""A function of one variable over a range: its samples, and what is special in them.

A grid is computed first; whatever happens between two of its points (the edge of a domain, a pole, a
jump, a kink, a zero of the slope) is then found by bisection down to neighbouring floats, all places
at once. Slopes are reverse mode's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import floor, isfinite, isinf, log10, nan, ulp
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..differentiation.forward import hessian_product
from ..engine.plan import Plan
from ..engine.point import Point
from ..engine.run import bind, kinked, leaf_values, pieces, run, value_at
from ..errors import BindingError, NoSuchNumber
from ..graph import Graph
from ..language.numbers import exact_text
from .features import INFLECTION, MAXIMUM, MINIMUM, Critical, Features, Gap, Inflection, Jump, Step, Vertical
from .nature import EVALUATIONS, Nature, Place
from .rational import asymptotes, features
from .scale import LINEAR, Scale, scale_for, scale_over

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

GRID = 1000  # samples at most, before anything is refined
FINE_GRID = 20_000  # for what oscillates
MOST_POINTS = 30_000
# in steps of the grid, where values beside a place are compared; with fewer sin(1/x) may grow by chance
DISTANCES = 2.0**-6, 2.0**-10, 2.0**-14, 2.0**-18, 2.0**-22
ROUNDS = 64  # of bisection: from a step of the grid to neighbouring floats
PLACES = 400  # that are looked into, of each kind
DEEP_UP_TO = 5_000  # nodes; in larger programs nothing is looked for between samples
HUGE = 1e300
LARGEST = 1e307  # that is shown: lengths must be finite, too
WORK = 150_000  # primitives that may run in many digits: about a second
STANDS_OUT = 1.5  # times the slope's change two samples away, or far off, may be that of a vertical tangent
POLE = 1e9  # times the spread of the samples, beside a break, is one
PIXELS = 1200, 800  # of the picture that the samples are dense enough for
FAR_APART = 1e5  # times as large as its start, a range's end hides what happens at the start
HIDDEN = 1e-3  # of the largest value: where half of them are smaller, they cannot be told from 0
DEVIATION = 0.2  # pixels that a chord may be off the curve


class Tangent(NamedTuple):
    """The tangent at a point.

    Attributes:
        x: Where it touches.
        y: The value there.
        slope: By reverse mode.
        sides: The slopes from the left and the right, where they differ.
    """

    x: float
    y: float
    slope: float
    sides: tuple[float, float] | None = None

    @property
    def intercept(self) -> float:
        """Where it meets the axis upwards: the line is ``slope*x + intercept``."""
        return self.y - self.slope * self.x


class Curve(NamedTuple):
    """A function over a range.

    Attributes:
        variable: What runs.
        low: Where the range begins.
        high: Where it ends.
        points: Samples from left to right; None where the line is broken.
        slopes: The same of the derivative.
        criticals: From left to right.
        poles: Where the value grows beyond all bounds.
        jumps: Where it jumps.
        kinks: Where the slope does.
        gaps: Where there is no value.
        flats: Stretches on which the slope is zero.
        inflections: Where the curve changes the side to which it bends, with a slope.
        verticals: Where the slope is infinite, and the value is not.
        view: The values that a picture shows.
        slope_view: The derivatives that it shows.
        lowest: The smallest value among the samples.
        highest: The largest.
        notes: What the samples cannot show.
        scales: Of the variable, the values and the derivatives.
        levels: Horizontal asymptotes.
    """

    variable: str
    low: float
    high: float
    points: list[tuple[float, float] | None]
    slopes: list[tuple[float, float] | None]
    criticals: list[Critical]
    poles: list[float]
    jumps: list[Jump]
    kinks: list[Step]
    gaps: list[Gap]
    flats: list[tuple[float, float]]
    inflections: list[Inflection]
    verticals: list[Vertical]
    view: tuple[float, float]
    slope_view: tuple[float, float]
    lowest: float
    highest: float
    notes: list[str]
    scales: tuple[Scale, Scale, Scale] = (LINEAR, LINEAR, LINEAR)
    levels: Sequence[float] = ()


class Sampler:
    """Values and slopes of a program along one of its inputs.

    Args:
        graph: The computation.
        variable: The input that runs.
        fixed: Values of the others.
    """

    def __init__(self, graph: Graph, variable: str, fixed: Mapping[str, float]) -> None:
        self.graph = graph
        self.variable = variable
        self.fixed = dict(fixed)
        self.active = graph.depends_on([graph.inputs[variable]])
        self._plans: dict[bool, Plan] = {}

    def values(self, x: Floats) -> Floats:
        """Return the value at every point, nan where there is none."""
        return self._run(x, slopes=False)

    def slopes(self, x: Floats) -> Floats:
        """Return the derivative at every point, nan where there is none."""
        return self._run(x, slopes=True)

    def _run(self, x: Floats, *, slopes: bool) -> Floats:
        if slopes not in self._plans:
            wrt = [self.variable] if slopes else []
            self._plans[slopes] = Plan(self.graph, [self.variable], self.fixed, wrt)
        plan = self._plans[slopes]
        results, bad = plan.run({self.variable: x}, len(x))
        found = results[-1]
        found[bad] = np.nan
        if plan.hopeless:  # a constant without a value, perhaps in a branch not taken
            found[:] = [self._number(float(t), slopes) for t in x]
        return found

    def _number(self, x: float, slopes: bool) -> float:
        try:
            tangent = self.at(x) if slopes else None
            return tangent.slope if tangent else self.value(x)
        except NoSuchNumber:
            return np.nan

    def inputs(self, x: float) -> dict[str, float]:
        """Return the bindings at a point."""
        return bind(self.graph, {**self.fixed, self.variable: x})

    def value(self, x: float) -> float:
        """Return the value at a point.

        Raises:
            NoSuchNumber: where there is none.
        """
        return value_at(self.graph, self.inputs(x))

    def at(self, x: float) -> Tangent:
        """Return value and slope at a point.

        Raises:
            NoSuchNumber: where one of them does not exist.
        """
        point = Point.of(self.graph, self.inputs(x), self.active)
        return Tangent(x, point.value, point.cotangents[self.graph.inputs[self.variable]])

    def reason(self, x: float) -> str:
        """Say why there is no value at a point."""
        try:
            self.value(x)
        except NoSuchNumber as error:
            return error.message
        return ""


def tangent_at(sampler: Sampler, x: float, width: float) -> Tangent:
    """Return the tangent at a point, with both one-sided slopes at a kink.

    Raises:
        NoSuchNumber: where value or slope does not exist.
    """
    tangent = sampler.at(x)
    near = np.array([1e-6, 1e-8]) * width
    left, right = sampler.slopes(x - near), sampler.slopes(x + near)
    apart = np.abs(right - left)
    # a bend smooths out as one comes nearer; a kink does not
    if apart[1] > 0.5 * apart[0] and apart[1] > 1e-6 * max(abs(left[1]), abs(right[1])):
        return tangent._replace(sides=(neat(float(left[1]), 1e-7), neat(float(right[1]), 1e-7)))
    return tangent


def sample(
    sampler: Sampler, low: float, high: float, *, include: Sequence[float] = (), log: str = ""
) -> Curve:
    """Return a function over a range.

    Args:
        sampler: The function.
        low: Where the range begins.
        high: Where it ends.
        include: Points that the picture must show.
        log: Which axes are logarithmic: ``x``, ``y``, both or none.
    Raises:
        BindingError: for a range that holds too few floats.
        NoSuchNumber: where there is no value anywhere in it.
    """
    check_range(sampler.variable, low, high)
    with np.errstate(all="ignore"):  # infinities and what comes of them stand for "no value" here
        return _Search(sampler, low, high, log).curve(include)


def check_range(variable: str, low: float, high: float) -> None:
    """Refuse a range that is no range, or that floats cannot fill."""
    shown = f"the range of {variable}, {exact_text(low)}:{exact_text(high)},"
    if low == high:
        raise BindingError(f"{shown} is empty", hint=f"a range is start:stop, such as {variable}=-3:4")
    if low > high:
        raise BindingError(f"{shown} runs backwards", hint=f"{variable}={exact_text(high)}:{exact_text(low)}")
    if max(-low, high) > HUGE:
        raise BindingError(f"{shown} is too wide", hint="up to 1e300 on both sides can be drawn")
    if high - low < 1e-12 * max(abs(low), abs(high)) or high - low < 1e-290:
        raise BindingError(f"{shown} is too narrow", hint="there are too few floats in it to draw")


def grid_of(low: float, high: float, most: int = GRID) -> Floats:
    """Return points between two ends: round ones, so that poles and kinks at round numbers are met."""
    least = (high - low) / most
    power = 10.0 ** floor(log10(least))
    step = next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= least * (1 - 1e-9))
    whole = np.arange(np.ceil(low / step), np.floor(high / step) + 1)
    round_ = [float(f"{k * step:.12g}") for k in whole.tolist()] if abs(whole).max(initial=0) < 1e9 else []
    if not round_:
        round_ = list(np.linspace(low, high, most // 2))
    points = np.array([low, *(x for x in round_ if low < x < high), high])
    return np.unique(points)


def neat(x: float, tolerance: float) -> float:
    """Return the number with the fewest digits that is as near as that."""
    if abs(x) <= tolerance:
        return 0.0
    for digits in range(1, 17):
        short = float(f"{x:.{digits}g}")
        if abs(short - x) <= tolerance:
            return short
    return x


class _Search:
    """The samples of one curve, and what is found between them."""

    def __init__(self, sampler: Sampler, low: float, high: float, log: str = "") -> None:
        self.sampler = sampler
        self.log = log
        self.scale = scale_over(low, high) if "x" in log else LINEAR
        self.low, self.high = low, high
        self.width = high - low
        self.tolerance = 1e-11 * max(self.width, 1e-3 * max(abs(low), abs(high)))
        self.deep = len(sampler.graph) <= DEEP_UP_TO
        self.notes: list[str] = []
        self.x = grid_of(low, high, GRID if self.deep else GRID // 3)
        self.y = sampler.values(self.x)
        self.slope = sampler.slopes(self.x)
        self.step = self.width / len(self.x)
        self.extra: list[float] = []  # points beside a break
        self.breaks: list[tuple[float, float]] = []  # the line is open between neighbours
        self.folds: list[tuple[float, float]] = []  # so is the derivative's
        self.poles: list[float] = []
        self.jumps: list[Step] = []
        self.kinks: list[Step] = []
        self.gaps: list[Gap] = []
        self.flats: list[tuple[float, float]] = []
        self.criticals: list[Critical] = []
        self.inflections: list[Inflection] = []
        self.edges: list[tuple[float, float]] = []  # of the domain: the last point inside, the first outside
        self.verticals: list[Vertical] = []
        self.nature = Nature(sampler.graph, sampler.variable, sampler.inputs(low), self.width)
        self.affordable = WORK

    def curve(self, include: Sequence[float]) -> Curve:
        if not np.isfinite(self.y).any():
            self._nowhere()
        self._oscillation()
        grid = self.y[np.isfinite(self.y)]
        exact = self._exactly()
        if exact is not None:
            self._take(exact)
        elif self.deep:
            self._edges()
            self._jumps()
            self._criticals()
            self._kinks()
            self._level()
            self._inflections()
            self._verticals()
            self._merge()
        else:
            self._coarse_gaps()
            self.notes.append(f"{len(self.sampler.graph):,} nodes: nothing is looked for between the samples")
        known = self.slope[np.isfinite(self.slope)]
        if "y" in self.log:
            values, derivatives = scale_for(grid.tolist()), scale_for(known.tolist())
            view, slope_view = _held_by(values, grid), _held_by(derivatives, known)
        else:
            values = derivatives = LINEAR
            view, slope_view = self._view(grid, include), self._slope_view()
        points, slopes = self._refined(view, values)
        heights = [p[1] for p in points if p is not None]
        return Curve(
            self.sampler.variable, self.low, self.high, points, slopes, self.criticals, self.poles,
            self._valued(), self.kinks, self.gaps, self.flats, self.inflections, self.verticals, view,
            slope_view, min(heights), max(heights), self.notes, (self.scale, values, derivatives),
            self._asymptotes() if exact is not None else (),
        )  # fmt: skip

    def _asymptotes(self) -> list[float]:
        sampler = self.sampler
        return asymptotes(sampler.graph, sampler.variable, sampler.inputs(self.low), self.low, self.high)

    def _valued(self) -> list[Jump]:
        """Return the jumps with their values."""
        values = self.sampler.values(np.array([jump.x for jump in self.jumps])).tolist() if self.jumps else []
        return [Jump(*jump, y if isfinite(y) else None) for jump, y in zip(self.jumps, values, strict=True)]

    def _nowhere(self) -> None:
        name = self.sampler.variable
        middle = neat(self.low + self.width / 2, self.step)
        try:
            self.sampler.value(middle)
        except NoSuchNumber as error:
            error.message = (
                f"there is no value anywhere for {name} from {exact_text(self.low)} to"
                f" {exact_text(self.high)}: {error.message}"
            )
            error.args = (error.message,)
            raise

    def _exactly(self) -> Features | None:
        """Return what is special where exact arithmetic tells all of it."""
        sampler = self.sampler
        found = features(sampler.graph, sampler.variable, sampler.inputs(self.low), self.low, self.high)
        if found is None:
            return None
        away = np.isnan(self.y) | np.isinf(self.y)
        for x in [*found.poles, *found.holes]:
            away &= np.abs(self.x - x) > 2.0 * self.step
        return None if away.any() else found  # beside a pole floats may end; elsewhere they overflow

    def _take(self, found: Features) -> None:
        self.criticals, self.poles, jumps, self.kinks, holes, self.flats, self.inflections, _ = found
        self.jumps = [jump for jump in jumps if self.low < jump.x < self.high]
        self.gaps = [Gap(x, x, why) for x in holes if (why := self.sampler.reason(x))]
        # at an edge the line is torn where its end has the value of what lies outside
        ends = {self.low: float(self.y[0]), self.high: float(self.y[-1])}
        torn = [j.x for j in jumps if ends.get(j.x) != (j.right if j.x == self.low else j.left)]
        for x in [*self.poles, *torn]:
            # the point itself stands alone, whichever of the sides has its value
            around = float(np.nextafter(x, -np.inf)), x, float(np.nextafter(x, np.inf))
            self.breaks += pairwise(t for t in around if self.low <= t <= self.high)
        self.folds = [(k.x - 4 * self.tolerance, k.x + 4 * self.tolerance) for k in self.kinks]
        self.extra = [x for fold in self.folds for x in fold]

    def _oscillation(self) -> None:
        """Take a finer grid where the slope changes its sign every few samples."""
        if not self.deep or _changes(self.slope) < len(self.x) / 8:
            return
        self.x = grid_of(self.low, self.high, FINE_GRID)
        self.y, self.slope = self.sampler.values(self.x), self.sampler.slopes(self.x)
        self.step = self.width / len(self.x)
        if _changes(self.slope) > len(self.x) / 8:
            self.notes.append(
                f"the function goes up and down faster than {len(self.x):,} samples can show: zoom in"
            )

    # what is between the samples

    def _edges(self) -> None:
        """Find the ends of the domain: bisect between a sample with a value and one without."""
        known = np.isfinite(self.y)
        at = np.flatnonzero(known[1:] != known[:-1])[:PLACES]
        if not len(at):
            return
        inside = np.where(known[at], self.x[at], self.x[at + 1])
        outside = np.where(known[at], self.x[at + 1], self.x[at])
        for _ in range(ROUNDS):
            middle = inside + (outside - inside) / 2
            values = self.sampler.values(middle)
            inside = np.where(np.isfinite(values), middle, inside)
            outside = np.where(np.isfinite(values), outside, middle)
        self.extra += inside.tolist()
        self.edges = list(zip(inside.tolist(), outside.tolist(), strict=True))
        growing = self._grows(inside, inside)
        ends = [neat(float(x), self.tolerance) for x in outside]
        self.poles += [x for x, grows in zip(ends, growing, strict=True) if grows]
        left = dict(zip((at + 1).tolist(), ends, strict=True))  # by the first sample of another kind
        starts = np.flatnonzero(~known & np.concatenate(([True], known[:-1])))
        for start in starts.tolist():
            stop = start
            while stop < len(known) and not known[stop]:
                stop += 1
            begin = left.get(start, float(self.x[start]))
            end = left.get(stop, float(self.x[stop - 1]))
            if begin == end and begin in self.poles:
                continue
            # a sample may be the one point of a pole beside which floats overflow
            why = self.sampler.reason(begin + 0.5 * (end - begin)) or self.sampler.reason(
                float(self.x[start])
            )
            self.gaps.append(Gap(begin, end, why))

    def _coarse_gaps(self) -> None:
        known = np.isfinite(self.y)
        starts = np.flatnonzero(~known & np.concatenate(([True], known[:-1])))
        for start in starts[:PLACES].tolist():
            stop = start
            while stop + 1 < len(known) and not known[stop + 1]:
                stop += 1
            begin, end = float(self.x[start]), float(self.x[stop])
            self.gaps.append(Gap(begin, end, self.sampler.reason(begin)))

    def _bisect(
        self, left: Floats, right: Floats, number: Callable[[Floats], Floats], choose: Callable[..., Bools]
    ) -> tuple[Floats, Floats]:
        """Narrow places down: ``choose`` says by the numbers at three points which half, here the left."""
        a, b = number(left), number(right)
        for _ in range(ROUNDS):
            middle = left + (right - left) / 2
            m = number(middle)
            take, none = choose(a, m, b), np.isnan(m)
            # no number in the middle: that is the place, and both ends come nearer to it
            ends = left + (middle - left) / 2, middle + (right - middle) / 2
            left, a = np.where(none, ends[0], np.where(take, left, middle)), np.where(take | none, a, m)
            right, b = np.where(none, ends[1], np.where(take, middle, right)), np.where(take & ~none, m, b)
        return left, right

    def _diverges(self, left: Floats, right: Floats) -> Bools:
        """Whether two neighbours stand beside a pole: the value grows, or has grown, without end."""
        last = np.fmax(np.abs(self.sampler.values(left)), np.abs(self.sampler.values(right)))
        return self._grows(left, right) | np.asarray(last > POLE * _spread(self.y))

    def _grows(self, left: Floats, right: Floats) -> Bools:
        """Whether the value grows without end as one of the sides is approached.

        What converges changes ever less from distance to distance; a logarithm always by as much.
        """

        def largest(distance: float) -> Floats:
            return np.fmax(
                np.abs(self.sampler.values(left - distance)), np.abs(self.sampler.values(right + distance))
            )

        sizes = np.array([largest(self.step * share) for share in DISTANCES])
        growth = np.diff(sizes, axis=0)
        lasting = (growth > 0.0).all(axis=0) & (growth[1:] > 0.9 * growth[:-1]).all(axis=0)
        return np.asarray(lasting & (sizes[-1] - sizes[len(sizes) // 2] > 1e-6 * sizes[0]))

    def _jumps(self) -> None:
        """Find where the value jumps, or leaves upwards and comes back from below."""
        change = np.abs(np.diff(self.y))
        steepest = np.fmax(np.abs(self.slope[1:]), np.abs(self.slope[:-1])) * np.diff(self.x)
        spread = _spread(self.y)
        doubtful = (change > 3.0 * steepest + 1e-9 * spread) | (change > 0.2 * spread)
        # what the slopes at both ends do not account for, beside what they leave over nearby
        mean = 0.5 * (self.slope[1:] + self.slope[:-1])
        left_over = np.abs(np.diff(self.y) - mean * np.diff(self.x))
        wide = np.concatenate((left_over[2:4], left_over, left_over[-4:-2]))
        doubtful |= left_over > 8.0 * np.fmax(wide[:-4], wide[4:]) + 1e-9 * spread
        doubtful &= np.isfinite(change)
        at = _largest(np.flatnonzero(doubtful), change)
        if not len(at):
            return
        values = self.sampler.values
        left, right = self._bisect(
            self.x[at], self.x[at + 1], values, lambda a, m, b: np.abs(m - a) >= np.abs(b - m)
        )
        below, above = values(left), values(right)
        growing = self._diverges(left, right)
        for k, i in enumerate(at.tolist()):
            stays = abs(above[k] - below[k]) > 1e-3 * change[i]
            if not stays and np.isfinite(above[k] - below[k]):
                continue
            place = neat(float(right[k]), self.tolerance)
            self.breaks.append((float(left[k]), float(right[k])))
            if growing[k] or not np.isfinite(above[k] - below[k]):
                self.poles.append(place)
            else:
                self.jumps.append(Step(place, self._limit(below[k]), self._limit(above[k])))

    def _limit(self, y: float) -> float:
        return neat(float(y), 1e-9 * max(abs(float(y)), 1e-3 * _spread(self.y)))

    def _broken(self) -> Bools:
        """Return between which samples the line is open."""
        ends = np.array(sorted(left for left, _ in self.breaks))
        counts = np.searchsorted(ends, self.x, side="left")
        return np.asarray(np.diff(counts) > 0) | ~np.isfinite(np.diff(self.y))

    def _criticals(self) -> None:
        """Find where the slope changes its sign between two samples."""
        sign = np.sign(self.slope)
        at = np.flatnonzero((sign[1:] * sign[:-1] < 0) & ~self._broken())
        if len(at) > PLACES:
            self.notes.append(f"{len(at):,} places where the slope is 0; the first {PLACES} are looked into")
            at = at[:PLACES]
        if len(at):
            left, right = self._bisect(
                self.x[at], self.x[at + 1], self.sampler.slopes,
                lambda a, m, b: np.sign(m) != np.sign(a),
            )  # fmt: skip
            growing = self._diverges(left, right)
            for k, i in enumerate(at.tolist()):
                self._critical(float(left[k]), float(right[k]), i, bool(growing[k]))
        # floats have no slope at a sample itself: a cusp, or 0 times infinity
        missing = np.flatnonzero(~np.isfinite(self.slope[1:-1]) & np.isfinite(self.y[1:-1])) + 1
        for i in missing.tolist()[:PLACES]:
            if sign[i - 1] * sign[i + 1] < 0:
                x, rising = float(self.x[i]), bool(sign[i - 1] < 0)
                if self.nature.is_turn(x, 1 if rising else -1):
                    kind, sharp = MINIMUM if rising else MAXIMUM, self.nature.is_kink(x)
                    y = neat(float(self.y[i]), 1e-15 * _spread(self.y))
                    self.criticals.append(Critical(x, y, kind, sharp))

    def _critical(self, left: float, right: float, i: int, growing: bool) -> None:
        """Say what a change of the slope's sign between two neighbouring floats is."""
        slopes = self.sampler.slopes(np.array([left, right]))
        below, above = self.sampler.values(np.array([left, right])).tolist()
        if abs(above - below) > 16.0 * np.max(np.abs(slopes)) * (right - left) + 1e-9 * _spread(self.y):
            return  # a jump turns nothing
        if growing:
            self.poles.append(neat(right, self.tolerance))
            self.breaks.append((left, right))
            return
        before = min(abs(self.slope[i]), abs(self.slope[i + 1]))
        # at a kink the slope itself may be 0 by convention, never on both sides
        sharp = not np.max(np.abs(slopes)) <= 1e-6 * before
        best = left if abs(slopes[0]) <= abs(slopes[1]) else right
        rising = bool(self.slope[i] < 0)
        place = self._place(best)
        if place is not None:
            best, sharp, rising = place.x, place.sharp, place.before < 0
            if place.before == place.after:
                return
        elif self.precise:
            return
        x = neat(best, self.tolerance)
        if place is None:
            level = self.sampler.slopes(np.array([x]))[0]
            if not sharp and not abs(level) <= max(np.nanmin(np.abs(slopes)), 1e-10 * before):
                x = best
        y = float(self.sampler.values(np.array([best if sharp else x]))[0])
        if isfinite(y):
            if sharp:  # beside a kink the value changes with its place
                y = neat(
                    y,
                    2.0 * float(np.nanmax(np.abs(slopes), initial=0.0)) * ulp(best) + 1e-15 * _spread(self.y),
                )
            self.criticals.append(Critical(x, y, MINIMUM if rising else MAXIMUM, sharp))
        self.extra += [left, right]

    @property
    def precise(self) -> bool:
        """Whether there is time for another place in many digits."""
        return self.affordable >= 0

    def _place(self, x: float) -> Place | None:
        """Return what is at a zero of the slope, in many digits; None for nothing, or for no time."""
        self.affordable -= EVALUATIONS * len(self.sampler.graph)
        return self.nature.critical(x, self.step) if self.precise else None

    def _kinks(self) -> None:
        """Find where the slope jumps."""
        change = np.abs(np.diff(self.slope))
        around = np.full(len(change), 0.0)
        around[2:] = np.fmax(around[2:], change[:-2])
        around[:-2] = np.fmax(around[:-2], change[2:])
        doubtful = (
            change > 4.0 * around + 1e-9 * np.nanmax(np.abs(self.slope), initial=0.0)
        ) & ~self._broken()
        at = _largest(np.flatnonzero(doubtful), change)
        if not len(at):
            return
        left, right = self._bisect(
            self.x[at], self.x[at + 1], self.sampler.slopes,
            lambda a, m, b: np.abs(m - a) >= np.abs(b - m),
        )  # fmt: skip
        left, right = left - 4 * self.tolerance, right + 4 * self.tolerance
        before, after = self.sampler.slopes(left), self.sampler.slopes(right)
        for k, i in enumerate(at.tolist()):
            # the slope at the kink itself is a convention: both sides are told
            a, b, one, other = float(left[k]), float(right[k]), float(before[k]), float(after[k])
            if not abs(other - one) > 1e-3 * change[i]:
                continue
            self.affordable -= 8 * len(self.sampler.graph)
            if self.precise and not self.nature.is_kink(a + (b - a) / 2):
                continue
            self.folds.append((a, b))
            self.extra += [a, b]
            small = 1e-9 * max(abs(one), abs(other))
            self.kinks.append(Step(neat(a + (b - a) / 2, b - a), neat(one, small), neat(other, small)))

    def _verticals(self) -> None:
        """Find where the slope is infinite and the value is not: at samples, between them, at edges."""
        nature, room = self.nature, 1e-12 * self.width
        found: list[Vertical | None] = []
        without = np.flatnonzero(np.isfinite(self.y) & ~np.isfinite(self.slope))[:PLACES]
        stretches = [(x - room, x + room) for x in self.x[without].tolist()]
        stretches += [(a - room, b + room) for a, b in self._steep()]
        for low, high in stretches:
            if self._again():
                found.append(nature.vertical(low, high))
        for inside, outside in self.edges:
            if self._again():
                found.append(nature.vertical_edge(inside, outside))
        near = 4 * self.tolerance
        kept: list[Vertical] = []
        for v in sorted(v for v in found if v is not None):
            x = next((c.x for c in self.criticals if abs(c.x - v.x) <= near), neat(v.x, self.tolerance))
            if all(abs(x - k.x) > near for k in kept):
                kept.append(v._replace(x=x, y=self._limit(v.y)))
        self.verticals = kept
        self.kinks = [k for k in self.kinks if all(abs(k.x - v.x) > 2 * near for v in kept)]
        # a short way off such a place the value is another
        heights = {v.x: v.y for v in kept}
        self.criticals = [c._replace(y=heights.get(c.x, c.y)) for c in self.criticals]
        for v in kept:
            for way, side in ((-1, v.left), (1, v.right)):
                if isinf(side):
                    self._hidden(v.x, way, side)
        known = {c.x for c in self.criticals}
        for v in kept:
            if v.left * v.right < 0 and v.x not in known:
                self.criticals.append(Critical(v.x, v.y, MINIMUM if v.left < 0 else MAXIMUM, kink=True))

    def _hidden(self, x: float, way: int, side: float) -> None:
        """Find where the slope changes its sign between a place where it is infinite and the next sample."""
        known = np.flatnonzero(np.isfinite(self.slope) & (way * (self.x - x) > 4 * self.tolerance))
        if not len(known):
            return
        i = int(known[0 if way > 0 else -1])
        if self.slope[i] * side >= 0.0 or abs(self.x[i] - x) > 3.0 * self.step:
            return
        ends = np.array(sorted((x + way * 4 * self.tolerance, float(self.x[i]))))
        left, right = self._bisect(
            ends[:1], ends[1:], self.sampler.slopes, lambda a, m, b: np.sign(m) != np.sign(a)
        )
        self._critical(float(left[0]), float(right[0]), min(i, len(self.x) - 2), False)

    def _again(self) -> bool:
        """Whether there is time for another place in many digits, which is then taken."""
        self.affordable -= 2 * EVALUATIONS * len(self.sampler.graph)
        return self.precise

    def _steep(self) -> list[tuple[float, float]]:
        """Return short stretches between samples on which the slope grows, the nearer to a place the more."""
        change = np.abs(np.diff(self.slope))
        change[self._broken() | ~np.isfinite(change)] = 0.0
        wide = np.concatenate(([0.0, 0.0], change, [0.0, 0.0]))
        beside = np.fmin(wide[:-4], wide[4:])
        size = np.fmax(np.abs(self.slope[1:]), np.abs(self.slope[:-1]))
        top = (change >= np.fmax(wide[1:-3], wide[3:-1])) & (change > STANDS_OUT * beside + 1e-9 * size)
        stretches = []
        for i in np.flatnonzero(top)[:PLACES].tolist():
            a, b = float(self.x[max(i - 1, 0)]), float(self.x[min(i + 2, len(self.x) - 1)])
            base = float(np.mean(self.sampler.slopes(np.array([a, b]))))
            heights = []
            for _ in range(ROUNDS // 2):
                inner = np.linspace(a, b, 9)
                off = np.abs(self.sampler.slopes(inner) - base)
                k = int(np.argmax(np.where(np.isfinite(off), off, np.inf)))
                heights.append(float(off[k]))
                if not isfinite(heights[-1]):
                    break
                a, b = float(inner[max(k - 1, 0)]), float(inner[min(k + 1, 8)])
            # beside a kink it is the same however near
            if not heights[-1] <= STANDS_OUT * heights[0]:
                stretches.append((a, b))
        return stretches

    def _level(self) -> None:
        """Find where the slope is exactly 0 at samples, and where it touches 0 without changing its sign."""
        zero = self.slope == 0.0
        broken = self._broken()
        starts = np.flatnonzero(zero & ~np.concatenate(([False], zero[:-1] & ~broken)))
        for start in starts.tolist():
            stop = start
            while stop + 1 < len(zero) and zero[stop + 1] and not broken[stop]:
                stop += 1
            if stop > start:
                self._flat(start, stop, broken)
            else:
                self._level_at(float(self.x[start]), float(self.y[start]))
        self._touching()

    def _flat(self, start: int, stop: int, broken: Bools) -> None:
        """Note a stretch without slope, its ends by bisection."""
        ends = []
        beside = [x for pair in self.breaks for x in pair] + self.extra
        for inside, outside in ((start, start - 1), (stop, stop + 1)):
            a = float(self.x[inside])
            if 0 <= outside < len(self.x):
                b = float(self.x[outside])
                if broken[min(inside, outside)]:
                    between = [x for x in beside if min(a, b) <= x <= max(a, b)]
                    a = min(between, key=lambda x: abs(x - a), default=a)
                else:
                    for _ in range(ROUNDS):
                        middle = a + (b - a) / 2
                        level = self.sampler.slopes(np.array([middle]))[0] == 0.0
                        a, b = (middle, b) if level else (a, middle)
                a = neat(a, self.tolerance)
            ends.append(a)
        if self.nature.is_level(ends[0] + 0.5 * (ends[1] - ends[0])):
            self.flats.append((ends[0], ends[1]))

    def _level_at(self, x: float, y: float) -> None:
        place = self._place(x)
        if place is None or abs(place.x - x) > self.tolerance:
            return
        kind = INFLECTION if place.before == place.after else MINIMUM if place.before < 0 else MAXIMUM
        self.criticals.append(Critical(x, y, kind, place.sharp))

    def _touching(self) -> None:
        """Find zeros of the slope without a change of sign, by bisection of the second derivative."""
        size = np.abs(self.slope)
        lower = (size[1:-1] <= size[:-2]) & (size[1:-1] <= size[2:]) & (size[1:-1] > 0.0)
        lower &= (np.sign(self.slope[:-2]) == np.sign(self.slope[2:])) & (
            size[1:-1] < 0.01 * np.nanmax(size, initial=0.0)
        )
        for i in (np.flatnonzero(lower) + 1).tolist()[:12]:
            a, b = float(self.x[i - 1]), float(self.x[i + 1])
            first, last = self._bend(a), self._bend(b)
            if not first * last < 0.0:
                continue
            for _ in range(ROUNDS):
                middle = a + (b - a) / 2
                bend = self._bend(middle)
                a, b = (a, middle) if bend * first < 0.0 else (middle, b)
            place = self._place(a)
            if place is None or place.before != place.after:
                continue
            x = neat(place.x, self.tolerance)
            value = self.sampler.values(np.array([x]))[0]
            if isfinite(value):
                self.criticals.append(Critical(x, float(value), INFLECTION))

    def _inflections(self) -> None:
        """Find where the slope is largest or least between two samples."""
        change = np.diff(self.slope)
        size = np.fmax(np.abs(self.slope[1:]), np.abs(self.slope[:-1]))
        sign = np.sign(np.where(np.abs(change) > 1e-9 * size, change, 0.0))
        open_ = self._broken()
        turns = [k for k in range(len(sign) - 1) if sign[k] * sign[k + 1] < 0 and not open_[k : k + 2].any()]
        turns += [
            k for k in range(len(sign) - 2)
            if sign[k + 1] == 0 and sign[k] * sign[k + 2] < 0 and not open_[k : k + 3].any()
        ]  # fmt: skip
        levels = [c.x for c in self.criticals if c.kind == INFLECTION]
        found = []
        for k in sorted(turns):
            self.affordable -= 2 * EVALUATIONS * len(self.sampler.graph)
            if not self.precise:
                self.notes.append(f"{len(turns):,} inflections or so: there are too many to look into")
                return
            x = self.nature.inflection(float(self.x[k]), float(self.x[k + 2 if sign[k + 1] else k + 3]))
            if x is None or any(abs(x - level) <= 4 * self.tolerance for level in levels):
                continue
            at = np.array([x])
            y, slope = float(self.sampler.values(at)[0]), float(self.sampler.slopes(at)[0])
            if isfinite(y) and isfinite(slope):
                y = neat(y, 2.0 * abs(slope) * ulp(x) + 1e-15 * _spread(self.y))
                found.append(Inflection(neat(x, self.tolerance), y, slope))
        self.inflections = found

    def _bend(self, x: float) -> float:
        name = self.sampler.variable
        product = hessian_product(self.sampler.graph, self.sampler.inputs(x), {name: 1.0})[1][name]
        return product if isfinite(product) else 0.0

    def _merge(self) -> None:
        """Put what was found in order, each once."""
        near = 4 * self.tolerance
        self.poles = _distinct([self._polished(pole) for pole in _distinct(self.poles, near)], near)
        self.jumps = _joined(self.jumps, near)
        self.kinks = _joined(self.kinks, 2 * near)
        kept: list[Critical] = []
        for critical in sorted(self.criticals):
            if kept and critical.x - kept[-1].x <= near:
                continue
            if all(abs(critical.x - pole) > near for pole in self.poles):
                kept.append(critical)
        self.criticals = kept
        self.kinks = [k for k in self.kinks if all(abs(k.x - pole) > near for pole in self.poles)]

    def _polished(self, pole: float) -> float:
        """Return a pole without the rounding of the floats around it."""
        self.affordable -= EVALUATIONS * len(self.sampler.graph)
        return neat(self.nature.pole(pole, self.step), self.tolerance) if self.precise else pole

    # the picture

    def _view(self, grid: Floats, include: Sequence[float]) -> tuple[float, float]:
        """Return the values to show: all, or without what runs away to a pole."""
        low, high = float(np.min(grid)), float(np.max(grid))
        shown = [c.y for c in self.criticals] + [
            float(y) for y in self.sampler.values(np.array(include or [self.low]))
        ]
        first, last = np.quantile(grid, (0.1, 0.9))
        room = 0.4 * (last - first)
        if self.poles and high - low > 10.0 * room:
            if not room:
                # most of it is flat: what is not tells how high the picture is
                first, last = np.quantile(grid[grid != first], (0.2, 0.8))
                first, last = min(first, *grid[grid == np.median(grid)][:1]), max(last, np.median(grid))
                room = 0.4 * (last - first)
            low, high = max(low, float(first - room)), min(high, float(last + room))
            near = [y for y in shown if low - 3 * room <= y <= high + 3 * room]
        else:
            near = [y for y in shown if isfinite(y)]
        return _opened(min([low, *near]), max([high, *near]))

    def _slope_view(self) -> tuple[float, float]:
        """Return the derivatives to show: all, or without what runs away where the curve is steep."""
        return _held(self.slope)

    def _refined(self, view: tuple[float, float], scale: Scale) -> tuple[list[Any], list[Any]]:
        """Add samples where the curve bends, and open it where it is broken."""
        beside = [x for pair in self.breaks for x in pair] + [c.x for c in self.criticals]
        even: list[float] = []
        left, right = self.scale.of(self.low), self.scale.of(self.high)
        if self.scale.log:
            even = [self.scale.back(t) for t in np.linspace(left, right, GRID // 2).tolist()[1:-1]]
        x = np.unique(np.concatenate((self.x, self.extra, beside, even)))
        y = self.sampler.values(x)
        low, high = map(scale.of, view)
        for _ in range(8 if self.deep else 0):
            u = (_scaled(x, self.scale) - left) / (right - left) * PIXELS[0]
            v = np.clip((_scaled(y, scale) - low) / (high - low), -1.0, 2.0) * PIXELS[1]
            du, dv = u[2:] - u[:-2], v[2:] - v[:-2]
            off = np.abs(du * (v[1:-1] - v[:-2]) - dv * (u[1:-1] - u[:-2])) / np.hypot(du, dv)
            bent = np.isfinite(off) & (off > DEVIATION)
            wanted = np.zeros(len(x) - 1, dtype=bool)
            wanted[:-1] |= bent
            wanted[1:] |= bent
            wanted &= np.diff(u) > 0.02
            if not wanted.any() or len(x) > MOST_POINTS:
                break
            middle = x[:-1][wanted] + np.diff(x)[wanted] / 2
            more = self.sampler.values(middle)
            order = np.argsort(np.concatenate((x, middle)), kind="stable")
            x, y = np.concatenate((x, middle))[order], np.concatenate((y, more))[order]
        slope = self.sampler.slopes(x)
        slope[[any(a < t < b for a, b in self.folds) for t in x.tolist()] if self.folds else []] = np.nan
        points = _broken_line(x, y, self.breaks)
        return points, _broken_line(x, slope, self.breaks + self.folds)


def offers(curve: Curve) -> str:
    """Return which logarithmic axes would show what equal differences hide; "" where they hide nothing."""
    across, up, _ = curve.scales
    far = not across.log and curve.low > 0.0 and curve.high / curve.low >= FAR_APART
    sizes = np.abs([p[1] for p in curve.points if p is not None and p[1]])
    inside = sizes[sizes <= max(map(abs, curve.view))]
    steep = not up.log and len(inside) > 2 and bool(np.median(inside) < HIDDEN * np.max(inside))
    if not (far or steep):
        return ""
    axes = "x" * (far or across.log) + "y" * (steep or up.log)
    told = "range and values go" if far and steep else "the range goes" if far else "the values go"
    return f"{told} over powers of ten, which --log {axes} shows"


def _scaled(numbers: Floats, scale: Scale) -> Floats:
    """Return how far up numbers stand; nan for those without a place."""
    if not scale.log:
        return numbers
    return np.array([scale.of(t) if scale.holds(t) else np.nan for t in numbers.tolist()])


def _held_by(scale: Scale, numbers: Floats) -> tuple[float, float]:
    """Return the range of the numbers that have a place."""
    held = [t for t in numbers.tolist() if scale.holds(t)]
    low, high = (min(held), max(held)) if held else (0.1, 1.0)
    return (low, high) if low < high else (low - abs(low) / 2, high + abs(high) / 2)


def _held(numbers: Floats) -> tuple[float, float]:
    """Return the range of numbers to show: all, or without what runs away at the ends."""
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return -1.0, 1.0
    low, high = float(np.min(known)), float(np.max(known))
    first, last = np.quantile(known, (0.1, 0.9))
    room = 0.4 * (last - first)
    if high - low > 10.0 * room > 0.0:
        low, high = max(low, float(first - room)), min(high, float(last + room))
    return _opened(low, high)


def _opened(low: float, high: float) -> tuple[float, float]:
    """Return ends that are apart: what is constant, but for rounding, stands in the middle."""
    low, high = max(low, -LARGEST), min(high, LARGEST)
    if high - low <= 1e-13 * max(abs(low), abs(high)):
        half = max(abs(low) * 0.5, 0.5)
        return low - half, high + half
    return low, high


def _broken_line(x: Floats, y: Floats, breaks: Sequence[tuple[float, float]]) -> list[Any]:
    """Return points, None between the two of a break and for those without a value."""
    starts = {left for left, _ in breaks}
    line: list[tuple[float, float] | None] = []
    for a, b in zip(x.tolist(), y.tolist(), strict=True):
        if isfinite(b):
            line.append((a, b))
        elif line and line[-1] is not None:
            line.append(None)
        if a in starts and line and line[-1] is not None:
            line.append(None)
    return line


def _changes(slope: Floats) -> int:
    sign = np.sign(slope[np.isfinite(slope)])
    return int(np.count_nonzero(sign[1:] * sign[:-1] < 0))


def _spread(y: Floats) -> float:
    """Return how far the middle four fifths of the values reach."""
    known = y[np.isfinite(y)]
    if not len(known):
        return 0.0
    first, last = np.quantile(known, (0.1, 0.9))
    return float(min(last - first, HUGE)) or float(min(np.max(known) - np.min(known), HUGE))


def _largest(at: npt.NDArray[Any], size: Floats) -> npt.NDArray[Any]:
    return np.sort(at[np.argsort(-size[at], kind="stable")[:PLACES]])


def _joined(steps: Sequence[Step], near: float) -> list[Step]:
    """Return steps in order; two at one place are one, with the sides of both."""
    kept: list[Step] = []
    for step in sorted(steps):
        if kept and step.x - kept[-1].x <= near:
            kept[-1] = kept[-1]._replace(right=step.right)
        else:
            kept.append(step)
    return [step for step in kept if step.left != step.right]


def _distinct(values: Sequence[float], near: float) -> list[float]:
    kept: list[float] = []
    for value in sorted(values):
        if not kept or value - kept[-1] > near:
            kept.append(value)
    return kept


def bends(
    graph: Graph, fixed: Mapping[str, float], curve: Curve
) -> tuple[list[tuple[float, float] | None], tuple[float, float]]:
    """Return the second derivative at the samples of a curve's slope, and the range of it to show.

    The line is open where a step goes over to another of its pieces: the second derivative may jump there.
    """
    kinks, steps = {kink.x for kink in curve.kinks}, kinked(graph)
    found: list[tuple[float, float] | None] = []
    before: object = None
    for point in curve.slopes:
        bend = nan
        if point is not None and isfinite(point[1]) and point[0] not in kinks:
            inputs = {**fixed, curve.variable: point[0]}
            bend = hessian_product(graph, inputs, {curve.variable: 1.0})[1][curve.variable]
            here = pieces(steps, run(graph, leaf_values(graph, inputs))) if steps else None
            if found and here != before:
                found.append(None)
            before = here
        found.append((point[0], bend) if point is not None and isfinite(bend) else None)
    return found, _held(np.array([p[1] for p in found if p is not None]))
