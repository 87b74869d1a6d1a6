"""What became of a descent, and why."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import hypot, log
from typing import Literal, NamedTuple

import numpy as np

from ..differentiation.finite import Probe, sides, touches_kink
from ..differentiation.forward import hessian_product
from ..engine.run import evaluate, kinked, pieces
from ..errors import NoSuchNumber, RangeError
from ..language.format import node_text
from ..language.numbers import brief
from .descent import Coordinates, Function, Trace
from .settings import Sgd

Kind = Literal[
    "converged", "left-basin", "stuck", "bouncing", "diverging", "left-domain", "no-slope", "not-finished"
]

LAST = 10  # moves that are looked at
MOST_VARIABLES = 60  # for a matrix of second derivatives
FLAT = 1e-6  # curvature relative to the largest that counts as none
NEAR = 1e-3  # distance that two minima are apart at least
FLOW = 600  # small steps downhill at most
WORK = 4_000_000  # primitives that looking around may run: some seconds


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

    def __init__(self, function: Function, trace: Trace) -> None:
        self.function = function
        self.trace = trace
        self.up = trace.ascend
        self.sign = -1.0 if trace.ascend else 1.0  # times f: what falls
        self.extremum = "maximum" if trace.ascend else "minimum"
        self.falls = "rises" if trace.ascend else "falls"
        self.slope = "f'" if len(function.names) == 1 else "|grad f|"
        self.length = "|f'|" if len(function.names) == 1 else "|grad f|"
        self.moves = [hypot(*(trace.update(k) or ())) for k in range(trace.updates)]
        self.scale = max(1.0, *(abs(x) for x in trace.points[0]))
        self.affordable = WORK // max(1, len(function.graph))

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
        found = np.linalg.eigh((matrix + matrix.T) / 2.0)
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
                    return node_text(graph, found.at), found.left, found.right, convention
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
                return node_text(graph, node.id)
        return None

    def flow(self, start: Coordinates) -> _Flow:
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
                return _Flow(point, False) if steep <= 1e-5 * max(first, 1e-3) else _Flow(None, False)
            if size > 1e6 * scale:
                return _Flow(None, True)
            while length >= 1e-13 * size:
                move = min(length, 0.05 * size) / steep
                there = tuple(x - self.sign * move * d for x, d in zip(point, g, strict=True))
                if self.sign * (self.function.value(there) - f) <= -0.6 * move * steep * steep:
                    point, length = there, min(length, 0.05 * size) * 1.5
                    break
                length /= 3.0
                self.affordable -= 1
        return _Flow(None, False)

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
        found = self.hessian(minimum) if minimum is not None else None
        if found is not None and minimum is not None:
            low, high = found[0][0], found[0][-1]
            curvature = (low, high)
            choice = self.trace.optimizer
            s = choice.settings
            bowl = high > 0.0 and low >= -FLAT * high
            steady = s if isinstance(s, Sgd) and not (s.weight_decay or s.nesterov or s.dampening) else None
            if bowl and steady is not None and self.curved(high, minimum):
                stable = 2.0 * (1.0 + steady.momentum) / high
                if choice.plain:
                    predicted = max(abs(1.0 - choice.rate * c) for c in (low, high))
                lines.append(self.stability(stable, steady.momentum, high, minimum))
        if factor is not None and kind in ("converged", "left-basin") and factor < 1.0 and not self.slowing():
            why = ""
            if predicted is not None and abs(predicted - factor) < 0.002 * (1.0 + factor):
                why = self.predicted_by(predicted, curvature)
            lines.insert(1, f"each update leaves {brief(factor, 3)} of the distance{why}")
        return Verdict(kind, tuple(lines), factor, predicted, stable, curvature, minimum)

    def curved(self, high: float, minimum: Coordinates) -> bool:
        """Whether the curvature at a minimum says something about f as far as the start."""
        fall = abs(self.trace.values[0] - self.function.value(minimum))
        return high * self.scale**2 > FLAT * fall

    def stability(self, stable: float, momentum: float, high: float, minimum: Coordinates) -> str:
        rate = self.trace.optimizer.rate
        one = len(self.function.names) == 1
        curved = ("|f''|" if self.up else "f''") if one else "the largest curvature"
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
        curved = ("|f''|" if self.up else "f''") if len(self.function.names) == 1 else "curvature"
        return f", as |1 - rate*{curved}| = |1 - {brief(rate)}*{brief(worst)}| = {brief(predicted, 3)}"

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
        least = FLAT * max(abs(low), abs(high), 1e-3 * abs(trace.values[-1]) / self.scale**2)
        if found is not None and low < -least:
            return self.saddle(end, zero, at, found)
        if trace.end == "still" and steep > max(trace.until, 1e-6 * abs(high) * self.scale):
            why = f"the rate {brief(trace.optimizer.rate)} is so small that an update changes nothing"
            return Verdict("stuck", (f"stuck at {here} ({zero}, {at}): {why}",), curvature=curvature)
        lower = self.lower_nearby(end, high, found[1][0] if found is not None else None)
        if lower is not None:
            than = "higher" if self.up else "lower"
            beside = f"f = {brief(function.value(lower))} at {function.described(lower)}"
            jump = self.crossed(end, lower)
            faint = (
                f"{jump} jumps in between" if jump else "the slope on the way there is too faint to follow"
            )
            why = f"no {self.extremum}, as {beside} is {than}; {faint}"
            return Verdict("stuck", (f"stuck at {here} ({zero}, {at}): {why}",), curvature=curvature)
        if max(abs(low), abs(high)) <= least:
            why = "f is flat there, so nothing says where to go"
            return Verdict("stuck", (f"stuck at {here} ({zero}, {at}): {why}",), curvature=curvature)
        if trace.end == "still" and steep > trace.until:
            why = f"no further update changes {' or '.join(function.names[:3])},"
        elif steep == 0.0:
            why = zero
        else:
            why = f"{self.length} <= {brief(trace.until)}"
        says = [f"converged to a {self.extremum} at {here}, f = {brief(trace.values[-1])}: {why} {at}"]
        return self.basin(says, end)

    def saddle(
        self, end: Coordinates, zero: str, at: str, found: tuple[list[float], list[Coordinates]]
    ) -> Verdict:
        here = self.function.described(_tidy(end, self.scale))
        curvatures, directions = found
        curvature = (curvatures[0], curvatures[-1])
        opposite = "minimum" if self.up else "maximum"
        if curvatures[-1] <= 0.0:
            bends = "curved so in every direction"
            if len(curvatures) == 1:
                bends = f"f'' = {brief(self.sign * curvatures[0])}"
            text = f"a {opposite} ({bends}), where the slope is 0 as well"
            out = f"; from a point beside it f {self.falls} away"
        else:
            way = ", ".join(brief(c, 3) for c in _tidy(directions[0], 1.0))
            bend = brief(self.sign * curvatures[0])
            text = f"a saddle: along ({way}) f {self.falls} on both sides (curvature {bend})"
            out = ", but the slope there is 0"
        return Verdict("stuck", (f"stuck at {here} ({zero}, {at}): {text}{out}",), curvature=curvature)

    def on_kink(self, end: Coordinates, kink: tuple[str, float | None, float | None, str | None]) -> Verdict:
        text, left, right, convention = kink
        here = self.function.described(end)
        slopes = ", ".join(
            f"{side} {'infinite' if x is None else brief(x)}"
            for side, x in (("left", left), ("right", right))
        )
        says = f"stuck on the kink of {text} at {here}: slopes {slopes}, and 0 is the convention"
        if convention:
            says += f" ({convention})"
        one = len(self.function.names) == 1 and left is not None and right is not None
        if one and self.sign * (left or 0.0) <= 0.0 <= self.sign * (right or 0.0):
            says += f"; it is a {self.extremum} all the same"
        return Verdict("stuck", (says,))

    def lower_nearby(self, end: Coordinates, high: float, flattest: Coordinates | None) -> Coordinates | None:
        """Return a point a little off, down the slope or along ``flattest``, where f is clearly lower.

        How far off: many times the distance to the minimum of a parabola of this slope and curvature.
        """
        f, g = self.trace.values[-1], self.trace.gradients[-1]
        steep = hypot(*g)
        off = 100.0 * steep / high if high > 0.0 else 0.01 * self.scale
        off = min(max(off, 1e-6 * self.scale), 0.01 * self.scale)
        ways = [tuple(-self.sign * d / steep for d in g)] if steep else []
        if flattest is not None:
            ways += [flattest, tuple(-d for d in flattest)]
        for way in ways:
            there = tuple(x + off * d for x, d in zip(end, way, strict=True))
            if self.sign * (f - self.function.value(there)) > 1e-10 * abs(f):
                return there
        return None

    def basin(self, says: list[str], end: Coordinates) -> Verdict:
        """Tell whether the minimum that was reached is the one downhill from the start."""
        if self.trace.updates < 2:
            return self.rate_says("converged", says, end)
        downhill = self.flow(self.trace.points[0]).point
        if downhill is None or self.near(downhill, end):
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
        return hypot(*(x - y for x, y in zip(a, b, strict=True))) <= NEAR * max(1.0, hypot(*a))

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
            says.append(self.endless())
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
        trace = self.trace
        steep = hypot(*trace.gradients[-1])
        last = self.moves[-LAST:]
        turns = [self.turned(k) for k in range(max(1, trace.updates - 2 * LAST), trace.updates)]
        turning = sum(turns) >= 0.6 * len(turns) and len(turns) >= 2
        growing = len(last) >= 3 and all(b > a * (1.0 + 1e-9) for a, b in pairwise(last))
        worse = self.sign * (trace.values[-1] - trace.values[-len(last) - 1]) > 0.0
        factor = self.factor()
        far = max(map(abs, trace.points[-1])) > 1e6 * self.scale
        if growing and (worse or far) and factor is not None and factor > 1.0005:
            swings = "swinging wider and wider" if turning else "running away"
            return self.diverging(
                f"{swings}: every update is {brief(factor, 4)} times as long as the one before"
            )
        half = self.moves[-2 * LAST :]
        shrinks = bool(half) and max(half[len(half) // 2 :]) < 0.5 * max(half[: max(1, len(half) // 2)])
        if len(self.moves) >= 4 and not shrinks and (factor is None or factor > 0.999) and turning:
            return self.bouncing()
        if len(self.moves) >= LAST and not shrinks and factor is None and trace.optimizer.plain:
            return self.bouncing()
        says = [f"not finished after {_updates(trace.updates)}: {self.slope} = {brief(self.shown_slope())}"]
        flow = self.flow(trace.points[-1])
        if flow.endless:
            says.append(self.endless())
        if growing:
            says[0] += ", and the updates are still growing"
        elif factor is not None and 0.999 < factor < 1.001 and not self.slowing():
            says[0] += ", and the updates do not get shorter"
        elif factor is not None and factor < 1.0 and self.slowing():
            says[0] += ", and the updates get shorter and shorter: slower than any constant factor"
        elif factor is not None and factor < 1.0 and self.moves[-1] > self.moves[-2] * (1.0 + 1e-9):
            says[0] += ", and the updates have begun to grow again"
        elif factor is not None and factor < 1.0:
            more = log(trace.until / steep) / log(factor) if trace.until > 0.0 else 0.0
            says[0] += f"; each update leaves {brief(factor, 3)} of the distance"
            if 0.5 < more < 1e9:
                says[0] += f": about {more:,.0f} more to {self.length} <= {brief(trace.until)}"
        return self.rate_says("not-finished", says, flow.point)

    def slowing(self) -> bool:
        """Whether the ratio of neighbouring moves is on its way to 1, as where f'' = 0."""
        m = len(self.moves)
        if m < 4 * LAST:
            return False
        late, middle = (self.moves[k + LAST] / self.moves[k] for k in (m - LAST - 1, m // 2 - LAST))
        return 0.0 < middle < late < 1.0 and log(middle) < 1.5 * log(late)

    def endless(self) -> str:
        """Return that there is nothing to reach."""
        way = "uphill" if self.up else "downhill"
        return (
            f"f {self.falls} without end in that direction: there is no {self.extremum} {way} from the start"
        )

    def shown_slope(self) -> float:
        g = self.trace.gradients[-1]
        return g[0] if len(g) == 1 else hypot(*g)

    def turned(self, k: int) -> bool:
        """Whether update ``k`` goes back against the one before."""
        before, after = self.trace.update(k - 1), self.trace.update(k)
        assert before is not None
        assert after is not None
        return sum(a * b for a, b in zip(before, after, strict=True)) < 0.0

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
        kink = self.crossed(trace.points[-2], trace.points[-1])
        if kink is not None:
            says.append(
                f"they cross the kink of {kink}, where the slope changes its sign but not its size: no "
                "constant rate comes to rest there, only one that falls"
            )
            return Verdict("bouncing", tuple(says))
        return self.rate_says(
            "bouncing", says, self.flow(trace.points[0]).point or self.flow(trace.points[-1]).point
        )


def _updates(count: int) -> str:
    return f"{count:,} update" + ("" if count == 1 else "s")


def _tidy(point: Coordinates, scale: float) -> Coordinates:
    """Return a point without rounding noise around 0."""
    return tuple(0.0 if abs(x) < 1e-7 * scale else x for x in point)


def judge(function: Function, trace: Trace) -> Verdict:
    """Say what became of a descent and why.

    Args:
        function: What was descended.
        trace: How.
    """
    return _Judge(function, trace).judge()
