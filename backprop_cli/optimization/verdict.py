"""What became of a descent, and why."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import cos, dist, hypot, inf, log, pi, sin
from typing import Literal, NamedTuple

import numpy as np

from ..differentiation.finite import Probe, sides, touches_kink
from ..differentiation.forward import hessian_product
from ..engine.run import evaluate, kinked, pieces
from ..errors import NoSuchNumber, RangeError
from ..language.format import own_text
from ..language.numbers import brief
from .descent import Coordinates, Function, Trace, descend
from .settings import Sgd
from .terrain import Shape, endless, lowest_along, shape_of, updates_left

Kind = Literal[
    "converged", "left-basin", "stuck", "bouncing", "diverging", "left-domain", "no-slope", "not-finished"
]

LAST = 10  # moves that are looked at
MOST_VARIABLES = 60  # for a matrix of second derivatives
FLAT = 1e-6  # curvature relative to the largest that counts as none
NEAR = 1e-3  # distance that two minima are apart at least
FLOW = 600  # small steps downhill at most
WORK = 4_000_000  # primitives that looking around may run: some seconds
FURTHER = 2_000  # updates that a run which has not ended is carried on
BLOCKS = 8  # of it, whose longest updates are compared
STEADY = 0.1  # relative difference of two rates of convergence that are one
BESIDE = 1e-9  # share of the way across a kink that is beside it
REST = 1e-9  # length of an update, times the scale, that is none
CLOSE = 1e-6  # distance, times the scale, at which a curvature is that of the point
NEWTON = 20  # steps to a minimum; one where the curvature is 0 is not reached in them
AROUND = 16  # directions between two axes, half a turn
LINES = 8  # through a point, along which values are compared


class Verdict(NamedTuple):
    """What became of a descent.

    Attributes:
        kind: In one word.
        says: Sentences, the reason first.
        factor: What an update leaves of the distance, measured; None where it is not steady.
        predicted: The same from the curvature, for plain descent.
        stable: Largest stable learning rate at ``minimum``; None where there is none to say.
        curvature: Smallest and largest second derivative at ``minimum``, along their directions.
        minimum: Where those are: the end of the trace, or the minimum downhill from the start.
    """

    kind: Kind
    says: tuple[str, ...]
    factor: float | None = None
    predicted: float | None = None
    stable: float | None = None
    curvature: tuple[float, float] | None = None
    minimum: Coordinates | None = None

    @property
    def answered(self) -> bool:
        """Whether the descent ended at, or is on its way to, a number."""
        return self.kind not in ("diverging", "left-domain", "no-slope")


class _Flow(NamedTuple):
    """Where small steps downhill lead: to a point, or on without end."""

    point: Coordinates | None
    endless: bool


class _Judge:
    """One trace and what is asked about it."""

    def __init__(self, function: Function, trace: Trace, further: int) -> None:
        self.function = function
        self.trace = trace
        self.up = trace.ascend
        self.sign = -1.0 if trace.ascend else 1.0  # times f: what falls
        self.extremum = "maximum" if trace.ascend else "minimum"
        self.falls = "rises" if trace.ascend else "falls"
        self.f = function.called
        self.slope = f"{self.f}'" if len(function.names) == 1 else f"|grad {self.f}|"
        self.length = f"|{self.f}'|" if len(function.names) == 1 else f"|grad {self.f}|"
        self.moves = _moves(trace)
        self.scale = max(1.0, *(abs(x) for x in trace.points[0]))
        self.kinked = any(function.active[node.id] for node in kinked(function.graph))
        self.affordable = WORK // max(1, len(function.graph))
        self.further = min(further, self.affordable)

    # around a point

    def hessian(self, point: Coordinates) -> tuple[list[float], list[Coordinates]] | None:
        """Return curvatures, rising, and their directions; of -f when ascending."""
        names = self.function.names
        if len(names) > MOST_VARIABLES or len(names) * len(self.function.graph) > WORK:
            return None
        inputs = self.function.at(point)
        rows = [hessian_product(self.function.graph, inputs, {name: 1.0})[1] for name in names]
        matrix = self.sign * np.array([[row[name] for name in names] for row in rows])
        if not np.isfinite(matrix).all():
            return None
        if len(names) == 1:
            return [float(matrix[0, 0])], [(1.0,)]
        found = np.linalg.eigh(0.5 * matrix + 0.5 * matrix.T)
        return found.eigenvalues.tolist(), [tuple(v) for v in found.eigenvectors.T.tolist()]

    def kink(self, point: Coordinates) -> tuple[str, float | None, float | None, str | None] | None:
        """Return the kinked node that a point lies on, its slopes beside, and its convention."""
        graph = self.function.graph
        values, _ = evaluate(graph, self.function.at(point))
        for id in self.function.ids:
            probe = Probe(graph, values, 0.0, id)
            if touches_kink(probe):
                found = sides(probe)
                if found.kind != "smooth" and found.at is not None:
                    op = graph.nodes[found.at].op
                    convention = op.convention if op is not None else None
                    return own_text(graph, found.at), found.left, found.right, convention
        return None

    def crossed(self, before: Coordinates, after: Coordinates) -> str | None:
        """Return the first kinked node that is on another piece at ``after``."""
        graph = self.function.graph
        try:
            here, _ = evaluate(graph, self.function.at(before))
            there, _ = evaluate(graph, self.function.at(after))
        except NoSuchNumber:
            return None
        active = [node for node in kinked(graph) if self.function.active[node.id]]
        for node, p, q in zip(active, pieces(active, here), pieces(active, there), strict=True):
            if p != q:
                return own_text(graph, node.id)
        return None

    def turns_sharply(self, before: Coordinates, after: Coordinates) -> bool:
        """Whether the slope along the way between two points jumps from one sign to the other."""

        def slope(share: float) -> float:
            point = tuple(a + share * (b - a) for a, b in zip(before, after, strict=True))
            return sum(g * (b - a) for g, a, b in zip(self.function(point)[1], before, after, strict=True))

        try:
            low, high = 0.0, 1.0
            first, last = slope(low), slope(high)
            if not first * last < 0.0:
                return False
            while low < (middle := 0.5 * (low + high)) < high:
                low, high = (middle, high) if slope(middle) * first > 0.0 else (low, middle)
            beside = slope(low - BESIDE), slope(high + BESIDE)  # at a kink itself a convention holds
            return min(map(abs, beside)) > NEAR * min(abs(first), abs(last))
        except NoSuchNumber:
            return False

    def flow(self, start: Coordinates) -> _Flow:
        """Follow the slope downhill to a minimum, or as far as it goes."""
        found = self.glide(start)
        if found.point is not None and self.shape(found.point).kind == "minimum":
            return found
        last = found.point or start
        return _Flow(None, endless(self.function, last, sign=self.sign, scale=self.scale))

    def glide(self, start: Coordinates) -> _Flow:
        """Go downhill in small steps: no step is longer than a slope that falls on the way allows."""
        scale = max(1.0, *(abs(x) for x in start))
        point, length = start, 1e-3 * scale
        first = None
        for _ in range(min(FLOW, self.affordable)):
            self.affordable -= 1
            try:
                f, g = self.function(point)
            except NoSuchNumber:
                return _Flow(None, False)
            steep = hypot(*g)
            first = steep if first is None else first
            size = max(scale, *(abs(x) for x in point))
            if steep <= 1e-9 * min(1.0, first or 1.0) or length < 1e-13 * size:
                # where f rounds, its values lead no further; what is there the second derivatives tell
                short = steep <= 1e-5 * max(first, 1e-3) or not self.kinked
                return _Flow(point if short else None, False)
            if size > 1e6 * scale:
                return _Flow(point, False)
            while length >= 1e-13 * size:
                move = min(length, 0.05 * size) / steep
                there = tuple(x - self.sign * move * d for x, d in zip(point, g, strict=True))
                if self.sign * (self.function.value(there) - f) <= -0.6 * move * steep * steep:
                    point, length = there, min(length, 0.05 * size) * 1.5
                    break
                length /= 3.0
                self.affordable -= 1
        return _Flow(None, False)

    def shape(self, point: Coordinates) -> Shape:
        """Return what the function does around a point whose slope is short."""
        bottom = self.bowl(point)
        if bottom is not None and not self.kinked:
            there, low, high = bottom
            if low > max(FLAT * high, self.least(low, high)) and dist(point, there) <= 1e-4 * self.scale:
                return Shape("minimum")
        return self.by_values(point)

    def by_values(self, point: Coordinates) -> Shape:
        """Return the same by what the function comes to beside the point."""
        g = self.function(point)[1]
        steep = hypot(*g)
        found = self.hessian(point)
        ways = [tuple(d / steep for d in g)] if steep else []
        if found is not None:
            ways += [found[1][0], *found[1][: -LINES + 1 : -1]] if len(found[1]) > 1 else found[1]
        bend = 0.0
        if found is not None and steep:
            shares = [sum(a * b for a, b in zip(g, way, strict=True)) / steep for way in found[1]]
            bend = sum(c * share * share for c, share in zip(found[0], shares, strict=True))
        # many times the distance to the minimum of a parabola of this slope and curvature along it
        far = min(100.0 * steep / bend, 1e3 * self.scale) if bend > 0.0 else 0.0
        far = max(far, 0.01 * self.scale, *(0.01 * abs(x) for x in point))
        return self.around(ways, point, far, self.walls(found) if found is not None else ())

    def walls(self, found: tuple[list[float], list[Coordinates]]) -> list[Coordinates]:
        """Return the directions across a valley: f is curved along them, and level along others."""
        low, high = found[0][0], found[0][-1]
        curved = [way for c, way in zip(*found, strict=True) if c > FLAT * high]
        return curved if low <= FLAT * high else []

    def lowest(self, point: Coordinates) -> bool:
        """Whether f rises from a point along every axis, and between any two of them."""
        n = len(point)
        units = [tuple(float(i == k) for i in range(n)) for k in range(n)]
        pairs = [(a, b) for k, a in enumerate(units) for b in units[k + 1 :]]
        if len(pairs) > MOST_VARIABLES:
            return False
        turns = [(cos(k * pi / AROUND), sin(k * pi / AROUND)) for k in range(1, AROUND) if 2 * k != AROUND]
        ways = units + [
            tuple(c * x + s * y for x, y in zip(a, b, strict=True)) for a, b in pairs for c, s in turns
        ]
        return all(
            self.around([way], point, 0.01 * self.scale) == Shape("minimum") for way in ways
        )  # each by itself: along one of them f may be level

    def around(
        self,
        ways: Sequence[Coordinates],
        point: Coordinates,
        far: float,
        across: Sequence[Coordinates] = (),
    ) -> Shape:
        """Return what f does along lines through a point."""
        return shape_of(self.function, point, ways, sign=self.sign, scale=self.scale, far=far, across=across)

    def least(self, low: float, high: float) -> float:
        """Return the curvature up to which there is none."""
        return FLAT * max(abs(low), abs(high), 1e-3 * abs(self.trace.values[-1]) / self.scale / self.scale)

    def bowl(self, point: Coordinates) -> tuple[Coordinates, float, float] | None:
        """Return the minimum at a point, with its curvatures; None where it has none, or they are 0.

        By Newton's method: where there is no curvature in the end, it falls at every step.
        """
        first, before, moved = 0.0, 0.0, inf
        for _ in range(NEWTON):
            found = self.hessian(point)
            if found is None:
                return None
            curvatures, directions = found
            low, high = curvatures[0], curvatures[-1]
            if high <= 0.0 or low < -FLAT * high:
                return None
            g = self.function(point)[1]
            first = first or high
            steady = abs(high - before) <= 0.01 * high and high >= 0.1 * first
            if moved <= 1e-10 * self.scale and steady:
                if not self.even(point, directions[-1], high):
                    return None
                level = [way for c, way in zip(curvatures, directions, strict=True) if c <= FLAT * high]
                pinned = self.pinned(point, level) if level else point
                return (pinned, low, high) if pinned is not None else None
            move = [0.0] * len(point)
            for curvature, way in zip(curvatures, directions, strict=True):
                if curvature > FLAT * high:
                    share = self.sign * sum(a * b for a, b in zip(g, way, strict=True)) / curvature
                    move = [m - share * d for m, d in zip(move, way, strict=True)]
            point = tuple(x + m for x, m in zip(point, move, strict=True))
            before, moved = high, hypot(*move)
        return None

    def even(self, point: Coordinates, way: Coordinates, high: float) -> bool:
        """Whether the largest curvature is the same close by: at a kink it is a convention."""
        for step in (-CLOSE, CLOSE):
            found = self.hessian(tuple(x + step * self.scale * d for x, d in zip(point, way, strict=True)))
            if found is None or not abs(found[0][-1] - high) <= STEADY * high:
                return False
        return True

    def pinned(self, point: Coordinates, level: Sequence[Coordinates]) -> Coordinates | None:
        """Return the minimum near a point that it is not curved around in every direction; None for no such.

        Slopes do not lead there: they are short all around.
        """
        for _ in range(2):
            shape = self.by_values(point)
            if shape.kind != "minimum" or not shape.reach:
                return point if shape.kind == "minimum" else None
            for way in level:
                point = lowest_along(self.function, point, way, sign=self.sign, reach=shape.reach)
        shape = self.by_values(point)
        return point if shape.kind == "minimum" and shape.reach <= 1e-6 * self.scale else None

    def barred(self, a: Coordinates, b: Coordinates) -> bool:
        """Whether the straight way between two points leads over something higher."""
        top = max(self.sign * self.function.value(a), self.sign * self.function.value(b))
        for k in range(1, 100):
            between = tuple(x + k / 100.0 * (y - x) for x, y in zip(a, b, strict=True))
            height = self.sign * self.function.value(between)
            if not height <= top + 1e-12 * abs(top):
                return True
        return False

    # the run carried on

    def beyond(self) -> Trace | None:
        """Return the run carried on: from its end on where that is all there is to know; None for no time."""
        trace = self.trace
        fresh = trace.optimizer.plain
        more = self.further if fresh else self.further - trace.updates
        if more < 2 * LAST:
            return None
        found = descend(
            self.function,
            trace.points[-1] if fresh else trace.points[0],
            trace.optimizer,
            steps=more if fresh else trace.updates + more,
            until=trace.until,
            ascend=trace.ascend,
        )
        gone = 0 if fresh else trace.updates
        return found._replace(
            points=found.points[gone:], values=found.values[gone:], gradients=found.gradients[gone:]
        )

    # verdicts

    def judge(self) -> Verdict:
        trace = self.trace
        if trace.error is not None:
            return self.failed()
        return self.unfinished() if trace.end == "steps" else self.at_rest()

    def rate_says(self, kind: Kind, says: Sequence[str], minimum: Coordinates | None) -> Verdict:
        """Return a verdict with what the curvature at a minimum says about the rate."""
        lines = list(says)
        factor, predicted, stable, curvature = self.factor(), None, None, None
        found = self.bowl(minimum) if minimum is not None else None
        if found is not None:
            minimum, low, high = found
            curvature = (low, high)
            choice = self.trace.optimizer
            s = choice.settings
            steady = s if isinstance(s, Sgd) and not (s.weight_decay or s.nesterov or s.dampening) else None
            if steady is not None and self.curved(high, minimum):
                stable = 2.0 * (1.0 + steady.momentum) / high
                if choice.plain:
                    predicted = max(abs(1.0 - choice.rate * c) for c in (low, high))
                lines.append(self.stability(stable, steady.momentum, high, minimum))
        if kind in ("converged", "left-basin") and factor is not None and self.lasting(factor, self.moves):
            why = ""
            if predicted is not None and abs(predicted - factor) < 0.002 * (1.0 + factor):
                why = self.predicted_by(predicted, curvature)
            lines.insert(1, f"each update leaves {_share(factor)} of the distance{why}")
        return Verdict(kind, tuple(lines), factor, predicted, stable, curvature, minimum)

    def lasting(self, factor: float, moves: Sequence[float]) -> bool:
        """Whether a factor is that of the last half of a run, too: one that creeps up to 1 is none.

        Steps of adaptive rules depend on the past, and their ratios say nothing of the distance.
        """
        floor = 1e-12 * self.scale
        sizes = [s for s in moves if s > floor]
        half = sizes[len(sizes) // 2 :]
        if not factor < 1.0 or len(half) < 2 or self.trace.optimizer.settings.adaptive:
            return False
        mean = log(half[-1] / half[0]) / (len(half) - 1)
        return abs(mean - log(factor)) <= 2.0 * STEADY * -log(factor)

    def curved(self, high: float, minimum: Coordinates) -> bool:
        """Whether the curvature at a minimum says something about f as far as the start."""
        fall = abs(self.trace.values[0] - self.function.value(minimum))
        return high * self.scale * self.scale > FLAT * fall

    def stability(self, stable: float, momentum: float, high: float, minimum: Coordinates) -> str:
        rate = self.trace.optimizer.rate
        one = len(self.function.names) == 1
        curved = (f"|{self.f}''|" if self.up else f"{self.f}''") if one else "the largest curvature"
        top = "2" if not momentum else f"2*(1 + {brief(momentum, 4)})"
        verb = (
            "is larger"
            if rate > stable * (1.0 + 1e-12)
            else "is smaller"
            if rate < stable
            else "is that very rate"
        )
        return (
            f"largest stable rate at {self.function.described(_tidy(minimum, self.scale))}: {top}/{curved} = "
            f"{top}/{brief(high)} = {brief(stable)}; the rate {brief(rate)} {verb}"
        )

    def predicted_by(self, predicted: float, curvature: tuple[float, float] | None) -> str:
        rate = self.trace.optimizer.rate
        if curvature is None:
            return ""
        low, high = curvature
        worst = low if abs(1.0 - rate * low) >= abs(1.0 - rate * high) else high
        curved = (
            (f"|{self.f}''|" if self.up else f"{self.f}''") if len(self.function.names) == 1 else "curvature"
        )
        return f", as |1 - rate*{curved}| = |1 - {brief(rate)}*{brief(worst)}| = {_share(predicted)}"

    def factor(self) -> float | None:
        """Return the ratio of neighbouring moves over the last ones, where it is steady."""
        floor = 1e-12 * self.scale
        sizes = [s for s in self.moves if s > floor][-LAST - 1 :]
        if len(sizes) < 3:
            return None
        ratios = [b / a for a, b in pairwise(sizes)]
        mean = (sizes[-1] / sizes[0]) ** (1.0 / len(ratios))
        return mean if all(abs(r - mean) <= 0.1 * mean for r in ratios[-4:]) else None

    def at_rest(self) -> Verdict:
        trace, function = self.trace, self.function
        end = trace.points[-1]
        here = function.described(end)
        steep = hypot(*trace.gradients[-1])
        if steep == 0.0:
            kink = self.kink(end)
            if kink is not None:
                return self.on_kink(end, kink)
        found = self.hessian(end)
        low, high = (found[0][0], found[0][-1]) if found is not None else (0.0, 0.0)
        curvature = (low, high) if found is not None else None
        zero = f"{self.slope} = {brief(steep, 3)}"
        at = "there from the start" if trace.updates == 0 else f"after {_updates(trace.updates)}"
        if trace.end == "still" and steep > max(trace.until, 1e-6 * abs(high) * self.scale):
            why = f"the rate {brief(trace.optimizer.rate)} is so small that an update changes nothing"
            return Verdict("stuck", (f"stuck at {here} ({zero}, {at}): {why}",), curvature=curvature)
        shape = self.shape(end)
        if shape.kind in ("maximum", "saddle"):
            return self.peak(end, zero, at, shape.kind, found)
        lower = shape.lower
        if lower is not None and function.value(lower) != trace.values[-1]:
            return self.on_slope(end, lower, zero, at, curvature)
        if shape.kind == "level" or lower is not None:
            why = f"{self.f} is flat there, so nothing says where to go"
            return Verdict("stuck", (f"stuck at {here} ({zero}, {at}): {why}",), curvature=curvature)
        if trace.end == "still" and steep > trace.until:
            why = f"no further update changes {' or '.join(function.names[:3])},"
        elif steep == 0.0:
            why = zero
        else:
            why = f"{self.length} <= {brief(trace.until)}"
        bottom = self.bowl(end)
        early = bottom is not None and dist(bottom[0], end) > NEAR * self.scale
        where = f"{'near' if early else 'to'} a {self.extremum}{',' if early else ''} at {here}"
        says = [f"converged {where}, {self.f} = {brief(trace.values[-1])}: {why} {at}"]
        if bottom is not None and early:
            says.append(
                f"the {self.extremum} itself is {brief(dist(bottom[0], end), 3)} away, at "
                f"{function.described(_tidy(bottom[0], self.scale))}: a smaller slope to stop at leads nearer"
            )
        elif bottom is None and shape.reach > NEAR * self.scale:
            says.append(
                f"so short a slope says little of the distance here, as {self.f} is flat around the "
                f"{self.extremum}: that is less than {brief(shape.reach, 3)} away"
            )
        return self.basin(says, end)

    def on_slope(
        self, end: Coordinates, lower: Coordinates, zero: str, at: str, curvature: tuple[float, float] | None
    ) -> Verdict:
        """Return the verdict on an end that is no extremum: the slope is short, and goes on."""
        function = self.function
        than = "higher" if self.up else "lower"
        beside = f"{self.f} = {brief(function.value(lower))} at {function.described(lower)}"
        jump = self.crossed(end, lower)
        faint = f"{jump} jumps in between" if jump else "the slope on the way there is too faint to follow"
        why = f"no {self.extremum}, as {beside} is {than}; {faint}"
        says = [f"stuck at {function.described(end)} ({zero}, {at}): {why}"]
        if endless(function, end, sign=self.sign, scale=self.scale):
            says.append(self.endless())
        return Verdict("stuck", tuple(says), curvature=curvature)

    def peak(
        self,
        end: Coordinates,
        zero: str,
        at: str,
        kind: str,
        found: tuple[list[float], list[Coordinates]] | None,
    ) -> Verdict:
        """Return the verdict on an end from which f falls on both sides of a line at least."""
        here = self.function.described(_tidy(end, self.scale))
        curvature = (found[0][0], found[0][-1]) if found is not None else None
        low = found[0][0] if found is not None else 0.0
        curved = low < -self.least(low, found[0][-1] if found is not None else 0.0)
        if kind == "maximum":
            opposite = "minimum" if self.up else "maximum"
            bends = f"{self.f} {self.falls} on both sides"
            if len(end) > 1:
                bends = (
                    "curved so in every direction" if curved else f"{self.f} {self.falls} in every direction"
                )
            elif curved:
                bends = f"{self.f}'' = {brief(self.sign * low)}"
            text = f"a {opposite} ({bends}), where the slope is 0 as well"
            out = f"; from a point beside it {self.f} {self.falls} away"
        else:
            text, out = f"a saddle: {self.f} {self.falls} on both sides of it", ", but the slope there is 0"
            if curved and found is not None:
                way = ", ".join(brief(c, 3) for c in _tidy(found[1][0], 1.0))
                bend = brief(self.sign * low)
                text = f"a saddle: along ({way}) {self.f} {self.falls} on both sides (curvature {bend})"
        return Verdict("stuck", (f"stuck at {here} ({zero}, {at}): {text}{out}",), curvature=curvature)

    def on_kink(self, end: Coordinates, kink: tuple[str, float | None, float | None, str | None]) -> Verdict:
        text, left, right, convention = kink
        here = self.function.described(end)
        slopes = ", ".join(
            f"{side} {'infinite' if x is None else brief(x)}"
            for side, x in (("left", left), ("right", right))
        )
        rule = f"slopes {slopes}, and 0 is the convention" + (f" ({convention})" if convention else "")
        one = len(self.function.names) == 1 and left is not None and right is not None
        least = one and self.sign * (left or 0.0) <= 0.0 <= self.sign * (right or 0.0)
        if (least and left and right) or (len(end) > 1 and self.lowest(end)):
            updates = (
                "there from the start" if not self.trace.updates else f"after {_updates(self.trace.updates)}"
            )
            value = f"{self.f} = {brief(self.trace.values[-1])}"
            says = f"converged to a {self.extremum} at {here}, {value}, {updates}"
            return Verdict("converged", (f"{says}: it is the kink of {text}: {rule}",), minimum=end)
        says = f"stuck on the kink of {text} at {here}: {rule}"
        if least:
            says += f"; it is a {self.extremum} all the same"
        return Verdict("stuck", (says,))

    def basin(self, says: list[str], end: Coordinates) -> Verdict:
        """Tell whether the minimum that was reached is the one downhill from the start."""
        if self.trace.updates < 2:
            return self.rate_says("converged", says, end)
        downhill = self.flow(self.trace.points[0]).point
        if downhill is None or self.near(downhill, end) or self.along_a_valley(downhill, end):
            return self.rate_says("converged", says, end)
        if not self.barred(downhill, end):
            return self.rate_says("converged", says, end)
        k = self.left_at(downhill)
        target = self.function.described(_tidy(downhill, self.scale))
        where = (
            f"update {k}, from {self.function.described(self.trace.points[k - 1])} to "
            f"{self.function.described(self.trace.points[k])}, left its basin"
            if k is not None
            else "a step on the way left its basin"
        )
        says.append(f"the {self.extremum} downhill from the start is another one, at {target}: {where}")
        return self.rate_says("left-basin", says, end)

    def along_a_valley(self, a: Coordinates, b: Coordinates) -> bool:
        """Whether two minima are equally low, and the first is level in some direction: a valley may bend."""
        found = self.hessian(a)
        if found is None or not self.walls(found):
            return False
        gap = abs(self.function.value(a) - self.function.value(b))
        return gap <= 1e-9 * max(1.0, abs(self.trace.values[0]))

    def left_at(self, downhill: Coordinates) -> int | None:
        """Return the first update after which small steps lead elsewhere."""
        for k, point in enumerate(self.trace.points[1:100], start=1):
            if self.affordable <= 0 or max(map(abs, point)) > 1e3 * self.scale:
                return None  # too far off for small steps to say
            reached = self.flow(point)
            if reached.endless or (reached.point is not None and not self.near(reached.point, downhill)):
                return k
        return None

    def near(self, a: Coordinates, b: Coordinates) -> bool:
        return dist(a, b) <= NEAR * max(1.0, hypot(*a))

    def failed(self) -> Verdict:
        error = self.trace.error
        assert error is not None
        if isinstance(error, RangeError):
            return self.diverging(f"{error.message}")
        kind: Kind = "left-domain" if error.code == "domain" else "no-slope"
        return Verdict(kind, (error.message,))

    def diverging(self, how: str) -> Verdict:
        says = [f"diverging: {how}"]
        flow = self.flow(self.trace.points[0])
        if flow.endless:
            says.append(self.endless("the start"))
            return Verdict("diverging", tuple(says))
        if flow.point is None:
            return Verdict("diverging", tuple(says))
        k = self.left_at(flow.point)
        if k is not None:
            says.append(
                f"update {k}, from {self.function.described(self.trace.points[k - 1])} to "
                f"{self.function.described(self.trace.points[k])}, left the basin of the {self.extremum} at "
                f"{self.function.described(_tidy(flow.point, self.scale))}"
            )
        return self.rate_says("diverging", says, flow.point)

    def unfinished(self) -> Verdict:
        """Return the verdict on a run whose updates are used up, by what it does when it is carried on."""
        trace = self.trace
        beyond = self.beyond()
        rests = beyond is not None and beyond.end in ("until", "still")
        moves = self.moves if beyond is None else [*self.moves, *_moves(beyond)]
        last = self.moves[-LAST:]
        growing = len(last) >= 3 and all(b > a * (1.0 + 1e-9) for a, b in pairwise(last))
        worse = self.sign * (trace.values[-1] - trace.values[-len(last) - 1]) > 0.0
        factor = self.factor()
        far = max(map(abs, trace.points[-1])) > 1e6 * self.scale
        swings = self.turns() >= 0.6
        lost = beyond is None or isinstance(beyond.error, RangeError) or _farther(beyond, trace, swings)
        if not rests and growing and (worse or far) and lost and factor is not None and factor > 1.0005:
            how = "swinging wider and wider" if swings else "running away"
            longer = f"{brief(factor, 4)} times as long as the one before"
            return self.diverging(f"{how}: every update is {longer}")
        if beyond is not None and not rests and beyond.error is None and self.held(beyond):
            return self.between(beyond)
        if beyond is not None and not rests and beyond.error is None and self.jumps_about(beyond):
            return self.bouncing()
        says = [f"not finished after {_updates(trace.updates)}: {self.slope} = {brief(self.shown_slope())}"]
        flow = self.flow(trace.points[-1])
        if flow.endless:
            says.append(self.endless())
        nears = flow.point is not None and factor is not None and 0.0 < factor < 1.0
        steady = nears and factor is not None and self.lasting(factor, moves)
        if growing:
            says[0] += ", and the updates are still growing"
        elif factor is not None and 0.999 < factor < 1.001 and not steady and not _slowing(moves):
            says[0] += ", and the updates do not get shorter"
        elif factor is not None and factor < 1.0 and _slowing(moves):
            says[0] += ", and the updates get shorter and shorter: slower than any constant factor"
        elif factor is not None and factor < 1.0 and self.moves[-1] > self.moves[-2] * (1.0 + 1e-9):
            says[0] += ", and the updates have begun to grow again"
        elif factor is not None and steady:
            says[0] += f"; each update leaves {_share(factor)} of the distance"
        verdict = self.rate_says("not-finished", says, flow.point)
        more = self.forecast(beyond, moves, verdict) if not flow.endless else None
        if more is not None and 0.5 < more < 1e9:
            says[0] += f": about {more:,.0f} more to {self.length} <= {brief(trace.until)}"
            return verdict._replace(says=(says[0], *verdict.says[1:]))
        return verdict

    def held(self, beyond: Trace) -> bool:
        """Whether weight decay brings a run to rest where the slope is not 0."""
        return self.trace.optimizer.settings.weight_decay > 0.0 and _moves(beyond)[-1] <= REST * self.scale

    def between(self, beyond: Trace) -> Verdict:
        """Return the verdict on a run that weight decay holds."""
        end, slopes, f = beyond.points[-1], beyond.gradients[-1], self.f
        steep = f"{self.slope} = {brief(slopes[0] if len(slopes) == 1 else hypot(*slopes))}"
        decay = brief(self.trace.optimizer.settings.weight_decay)
        why = f"the weight decay {decay} pulls to 0 as much as the slope away: no {self.extremum} of {f}"
        here, after = f"{self.function.described(end)} ({steep}", f"after {_updates(self.trace.updates)}"
        if self.moves[-1] <= REST * self.scale:
            return Verdict("stuck", (f"stuck at {here}, {after}): {why}",))
        return Verdict("not-finished", (f"not finished {after}: on the way to {here}): {why}",))

    def forecast(self, beyond: Trace | None, moves: Sequence[float], verdict: Verdict) -> float | None:
        """Return how many more updates it takes: counted, or worked out on the way to a known minimum."""
        trace = self.trace
        if beyond is None or trace.until == 0.0 or beyond.error is not None:
            return None
        if beyond.end != "steps":
            return float(beyond.updates)
        steep, rate = hypot(*beyond.gradients[-1]), trace.optimizer.rate
        if not trace.optimizer.plain or steep <= trace.until:
            return None
        sizes, predicted = moves[-LAST - 1 :], verdict.predicted
        if predicted is not None and 0.0 < predicted < 1.0 and all(sizes):
            measured = log(sizes[-1] / sizes[0]) / (len(sizes) - 1)
            if abs(measured - log(predicted)) <= STEADY * -log(predicted):
                return beyond.updates + log(trace.until / steep) / log(predicted)
        if len(trace.points[0]) > 1:
            return None
        left = updates_left(self.function, beyond.points[-1], sign=self.sign, rate=rate, until=trace.until)
        return None if left is None else beyond.updates + left

    def turns(self) -> float:
        """Return the share of the last updates that go back against the one before; 0 for a single one."""
        ends = range(max(1, self.trace.updates - 2 * LAST), self.trace.updates)
        count = sum(_turned(self.trace, k) for k in ends)
        return count / len(ends) if count > 1 else 0.0

    def jumps_about(self, beyond: Trace) -> bool:
        """Whether the run turns again and again, and goes on so without getting slower."""
        longest = _longest(_moves(beyond))
        shrinks = all(b < a for a, b in pairwise(longest)) or longest[-1] < 0.5 * longest[0]
        settled = max(map(abs, beyond.points[-1])) <= 1e6 * self.scale
        turns = sum(_turned(beyond, k) for k in range(1, beyond.updates))
        return self.turns() >= 0.1 and turns >= 0.1 * beyond.updates and settled and not shrinks

    def endless(self, start: str = "there") -> str:
        """Return that there is nothing to reach."""
        way = "uphill" if self.up else "downhill"
        none = f"there is no {self.extremum} {way} from {start}"
        return f"{self.f} {self.falls} without end in that direction: {none}"

    def shown_slope(self) -> float:
        g = self.trace.gradients[-1]
        return g[0] if len(g) == 1 else hypot(*g)

    def bouncing(self) -> Verdict:
        trace, function = self.trace, self.function
        low = [min(xs) for xs in zip(*trace.points[-2 * LAST :], strict=True)]
        high = [max(xs) for xs in zip(*trace.points[-2 * LAST :], strict=True)]
        between = ", ".join(
            f"{name} from {brief(a)} to {brief(b)}"
            for name, a, b in list(zip(function.names, low, high, strict=True))[:3]
        )
        which = "last updates" if len(trace.points) > 2 * LAST else "updates"
        says = [f"bouncing: the {which} jump about ({between}) without coming to rest"]
        across = [pair for pair in pairwise(trace.points[-LAST:]) if self.turns_sharply(*pair)]
        kink = self.crossed(*across[-1]) if across else None
        if kink is not None:
            says.append(
                f"they cross the kink of {kink}, where the slope jumps from one sign to the other: no "
                "constant rate comes to rest there, only one that falls"
            )
            return Verdict("bouncing", tuple(says))
        return self.rate_says(
            "bouncing", says, self.flow(trace.points[0]).point or self.flow(trace.points[-1]).point
        )


def _moves(trace: Trace) -> list[float]:
    """Return the lengths of the updates."""
    return [hypot(*(trace.update(k) or ())) for k in range(trace.updates)]


def _turned(trace: Trace, k: int) -> bool:
    """Whether update ``k`` goes back against the one before."""
    before, after = trace.update(k - 1), trace.update(k)
    assert before is not None
    assert after is not None
    return sum(a * b for a, b in zip(before, after, strict=True)) < 0.0


def _farther(beyond: Trace, trace: Trace, swings: bool) -> bool:
    """Whether a run that is carried on ends with longer updates than it had; swings must go on growing."""
    moves = _moves(beyond)
    longest = _longest(moves)
    if swings and len(longest) > 2 and longest[-1] < longest[-2] * max(longest[1] / longest[0], 1.001) ** 0.5:
        return False
    return bool(moves) and moves[-1] > max(_moves(trace), default=0.0)


def _longest(moves: Sequence[float]) -> list[float]:
    """Return the longest of each of some blocks of moves."""
    block = max(1, len(moves) // BLOCKS)
    return [max(moves[k : k + block]) for k in range(0, len(moves) - block + 1, block)]


def _slowing(moves: Sequence[float]) -> bool:
    """Whether the ratio of neighbouring moves is on its way to 1, as where f'' = 0."""
    m = len(moves)
    if m < 4 * LAST or not all(moves[m // 2 - LAST :]):
        return False
    late, middle = (moves[k + LAST] / moves[k] for k in (m - LAST - 1, m // 2 - LAST))
    return 0.0 < middle < late < 1.0 and log(middle) < 1.5 * log(late)


def _share(factor: float) -> str:
    """Return a factor in so many digits that one below 1 does not read as 1."""
    digits = 3
    while factor < 1.0 and float(brief(factor, digits)) >= 1.0:
        digits += 1
    return brief(factor, digits)


def _updates(count: int) -> str:
    return f"{count:,} update" + ("" if count == 1 else "s")


def _tidy(point: Coordinates, scale: float) -> Coordinates:
    """Return a point without rounding noise around 0."""
    return tuple(0.0 if abs(x) < 1e-7 * scale else x for x in point)


def judge(function: Function, trace: Trace, further: int = FURTHER) -> Verdict:
    """Say what became of a descent and why.

    Args:
        function: What was descended.
        trace: How.
        further: Updates that a run which has not ended is carried on, to see what it comes to.
    """
    return _Judge(function, trace, further).judge()
