"""What stands at a place of a curve, told by slopes beside it in many digits.

In floats the slope beside a double root is rounding: its sign, and whether it jumps, mean nothing there.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import copysign, inf, isinf, nan
from typing import Any, NamedTuple

from ..engine.run import run_exactly
from ..engine.sweep import sweep
from ..errors import NoSuchNumber
from ..graph import Graph
from ..ops.precision import digits
from .features import Vertical

DIGITS = 60
BESIDE = 1e-8, 1e-10, 1e-12
"""Distances at which sides are compared, times the width of the range."""

CLOSEST = 1e-13
"""First distance at which a change of sign is looked for around a guess, times the width."""

OPENS = 8.0
"""Ratio of that distance and the next."""

HALVINGS = 64
"""Of the way to a change of sign, down to 1e-30 of the width."""

CHANGE = 1e-15
"""Half the distance of the two slopes whose difference is a second derivative, times the width."""

LASTS = 0.9
"""Of a jump of the slope so much is left a hundred times as close; of a bend, less."""

LEFT = 1e-3
"""Share of a jump of the slope, at the nearest of these distances, that stays however near."""

ENDLESS = tuple(1e-10 * 1e-3**k for k in range(6))
"""Distances, times the width, at which a slope is looked at that may grow without end."""

STEADY = 0.95
"""Of the growth from one of these distances to the next so much is left at the one after; a slope that
settles, however slowly, keeps less, and a logarithm all of it."""

POLE = 0.999
"""Power of 1/distance from which a slope is that of a pole or a jump."""

CERTAIN = 1e-40
"""Width, in ranges, of what holds the place of an infinite slope."""

SETTLED = 1e-6
"""Relative difference up to which slope and chord are one, at the nearest of these distances."""

POLISHED = 20
"""Steps of Newton's method to a pole."""

EVALUATIONS = 120
"""Slopes taken for one place, about."""

Number = Callable[[Any], Any]


class Place(NamedTuple):
    """A place where the slope changes its sign, or is 0 without it.

    Attributes:
        x: Where.
        before: Sign of the slope on its left.
        after: Sign of the slope on its right.
        sharp: The slope jumps there, or is infinite.
    """

    x: float
    before: int
    after: int
    sharp: bool


class Nature:
    """Slopes of a curve in many digits.

    Args:
        graph: The computation.
        variable: What runs.
        inputs: Values of the inputs; that of the variable does not count.
        width: Of the range.
    """

    def __init__(self, graph: Graph, variable: str, inputs: dict[str, float], width: float) -> None:
        self.graph = graph
        self.variable = variable
        self.inputs = inputs
        self.width = width
        self.id = graph.inputs[variable]
        self.active = graph.depends_on([self.id])

    def slope(self, x: Any) -> Any:
        """Return the slope, in the digits that hold now; nan where there is none."""
        from mpmath import mp

        from ..ops.namespaces import multiprecision

        graph, xp = self.graph, multiprecision()
        try:
            values = self._values(x)
            found = sweep(graph, values, self.active, xp, mp.one, [mp.zero] * len(graph))[self.id]
        except (NoSuchNumber, ArithmeticError, ValueError):
            return mp.nan
        return found if abs(found) < mp.inf else mp.nan

    def _values(self, x: Any) -> list[Any]:
        return run_exactly(self.graph, self.inputs | {self.variable: x}, self.graph.needed())

    def is_level(self, x: float) -> bool:
        """Whether a slope that floats have as 0 is that: it may have underflowed."""
        from mpmath import mpf

        with digits(DIGITS):
            return not self.slope(mpf(x))

    def bend(self, x: Any) -> Any:
        """Return the change of the slope around a point."""
        return self.slope(x + CHANGE * self.width) - self.slope(x - CHANGE * self.width)

    def critical(self, guess: float, room: float) -> Place | None:
        """Return the zero, or the change of sign, of the slope near a guess; None where it is neither.

        Args:
            guess: About where.
            room: As far from it at most.
        """
        from mpmath import mpf

        with digits(DIGITS):
            x = self._change(self.slope, mpf(guess), room)
            if x is None:
                # without a change of sign it is 0 at a change of the bend, or at the guess
                x = mpf(guess) if not self.slope(mpf(guess)) else self._change(self.bend, mpf(guess), room)
            if x is None:
                return None
            sides = [(self.slope(x - e * self.width), self.slope(x + e * self.width)) for e in BESIDE]
            if any(s != s for pair in sides for s in pair):
                return None
            (left, right), sharp = sides[-1], self._jumps(sides)
            before, after = ((s > 0) - (s < 0) for s in (left, right))
            if not before or not after:
                return None
            fades = abs(left) < LASTS * abs(sides[-2][0]) and abs(right) < LASTS * abs(sides[-2][1])
            if before == after and (sharp or not fades):
                return None
            return Place(float(x), before, after, sharp)

    def pole(self, guess: float, room: float) -> float:
        """Return the zero of 1/f near a guess, or the guess: by Newton's method, once its order is known."""
        from mpmath import mpf

        with digits(DIGITS):
            x, order, before = mpf(guess), 1, None
            for _ in range(POLISHED):
                slope = self.slope(x)
                try:
                    step = self._values(x)[self.graph.output] / slope
                except (NoSuchNumber, ArithmeticError, ValueError):
                    return float(x)  # at the pole itself
                if not abs(x + order * step - guess) <= room:
                    break
                if before and 0 < step / before < 1:
                    order = max(order, round(1 / (1 - step / before)))
                before = step if order == 1 else None
                x += order * step
                if abs(step) <= CLOSEST**2 * self.width:
                    return float(x)
        return guess

    def is_kink(self, x: float) -> bool:
        """Whether the slope jumps at a place, or is infinite."""
        from mpmath import mpf

        with digits(DIGITS):
            at = mpf(x)
            sides = [(self.slope(at - e * self.width), self.slope(at + e * self.width)) for e in BESIDE]
            return any(s != s for pair in sides for s in pair) or self._jumps(sides)

    def is_turn(self, x: float, sign: int) -> bool:
        """Whether values beside a point are larger than its own, smaller for a sign of -1, and near it."""
        from mpmath import mpf

        with digits(DIGITS):
            at = mpf(f"{x:.15g}") if float(f"{x:.15g}") == x else mpf(x)  # 0.3 is the decimal in a program
            try:
                own = self._values(at)[self.graph.output]
                rises = [
                    sign * (self._values(at + way * share * self.width)[self.graph.output] - own)
                    for share in ENDLESS
                    for way in (-1, 1)
                ]
            except (NoSuchNumber, ArithmeticError, ValueError):
                return False
            return all(rise > 0 for rise in rises) and rises[-1] + rises[-2] < LASTS * (rises[0] + rises[1])

    def vertical(self, low: float, high: float) -> Vertical | None:
        """Return what stands where the slope is infinite and the value is not; None for nothing of that kind.

        Args:
            low: Where a stretch begins on which the slope grows towards one place.
            high: Where it ends.
        """
        from mpmath import mpf

        with digits(DIGITS):
            return self._vertical(self._steepest(mpf(low), mpf(high)), STEADY)

    def vertical_edge(self, inside: float, outside: float) -> Vertical | None:
        """Return the same at an edge of the domain.

        Args:
            inside: A point with a slope, or beside one.
            outside: One without, or beside one.
        """
        from mpmath import mpf

        with digits(DIGITS):
            room = (CLOSEST if inside > outside else -CLOSEST) * self.width  # floats may be off by a digit
            a, b = mpf(inside) + room, mpf(outside) - room
            while abs(b - a) > CERTAIN * self.width:
                middle = (a + b) / 2
                a, b = (middle, b) if self.slope(middle) == self.slope(middle) else (a, middle)
            # what grows as a logarithm is u*log(u) at 0 as a rule, which has no value there
            return self._vertical(a, 1.0 / STEADY)

    def _vertical(self, x: Any, steady: float) -> Vertical | None:
        from mpmath import mp, mpf

        exact = next((r for r in (mpf(0), mpf(float(x))) if abs(x - r) <= ENDLESS[-1] * self.width), None)
        # a decimal is rounded in any number of digits, and may then lie outside
        decimal = mpf(f"{float(x):.15g}")
        if abs(x - decimal) > ENDLESS[-1] * self.width or not self._has_value(decimal):
            decimal = x
        x = decimal if exact is None else exact
        try:
            y = self._values(x)[self.graph.output]
        except (NoSuchNumber, ArithmeticError, ValueError):
            return None
        if not abs(y) < mp.inf:
            return None
        left, right = (self._endless(x, y, way, steady) for way in (-1, 1))
        if left is None or right is None or not (isinf(left) or isinf(right)):
            return None
        return Vertical(float(x), float(y), left, right)

    def _has_value(self, x: Any) -> bool:
        try:
            y = self._values(x)[self.graph.output]
        except (NoSuchNumber, ArithmeticError, ValueError):
            return False
        return bool(y == y)

    def _endless(self, x: Any, y: Any, way: int, steady: float) -> float | None:
        """Return the slope on one side of a place, infinite where it grows without end.

        Returns:
            nan where there is no value; None where the slope goes up and down, or is a pole's or a jump's.
        """
        from mpmath import log

        slopes, chords = [], []
        for share in ENDLESS:
            h = way * share * self.width
            try:
                rise = self._values(x + h)[self.graph.output] - y
            except (NoSuchNumber, ArithmeticError, ValueError):
                return nan
            slopes.append(self.slope(x + h))
            chords.append(rise / h)
        if any(n != n for n in chords):
            return nan
        level = float(slopes[-1]), float(chords[-1])
        if abs(level[0] - level[1]) <= SETTLED * (1.0 + abs(level[0])):
            return level[0]
        for numbers in (slopes, chords):
            if any(n != n or not n * slopes[0] > 0 for n in numbers):
                return None
            growth = [abs(b) - abs(a) for a, b in pairwise(numbers)]
            if not growth[0] > 0 or any(b < steady * a for a, b in pairwise(growth)):
                return None
            if log(numbers[-1] / numbers[-2]) > POLE * log(ENDLESS[-2] / ENDLESS[-1]):
                return None
        return copysign(inf, slopes[0])

    def _steepest(self, a: Any, b: Any) -> Any:
        """Return where the slope is farthest from that at the ends of a stretch, by the golden section."""
        from mpmath import mp

        base, golden = (self.slope(a) + self.slope(b)) / 2, (mp.sqrt(5) - 1) / 2

        def steep(x: Any) -> Any:
            found = abs(self.slope(x) - base)
            return found if found == found else inf

        turns = [b - golden * (b - a), a + golden * (b - a)]
        inner = [steep(turn) for turn in turns]
        while b - a > CERTAIN * self.width and inf not in inner:
            near = 0 if inner[0] >= inner[1] else 1
            if near == 0:
                b, x = turns[1], turns[0]
            else:
                a, x = turns[0], turns[1]
            new = a + b - x
            turns, kept = [new, x], inner[near]
            inner = [steep(new), kept]
            if x < new:
                turns.reverse()
                inner.reverse()
        return turns[inner.index(max(inner))]

    def inflection(self, low: float, high: float) -> float | None:
        """Return where the curve changes from bending up to bending down between two points."""
        from mpmath import mpf

        with digits(DIGITS):
            a, b = mpf(low), mpf(high)
            if not self.bend(a) * self.bend(b) < 0:
                return None
            x = self._halved(self.bend, a, b)
            sides = [(self.slope(x - e * self.width), self.slope(x + e * self.width)) for e in BESIDE]
            bends = [self.bend(x + turn * BESIDE[0] * self.width) for turn in (-1, 1)]
            if any(s != s for pair in sides for s in pair) or self._jumps(sides):
                return None
            if any(abs(near) > 2 * abs(far) for far, near in zip(sides[0], sides[-1], strict=True)):
                return None  # a vertical tangent
            return float(x) if bends[0] * bends[1] < 0 else None

    @staticmethod
    def _jumps(sides: list[tuple[Any, Any]]) -> bool:
        apart = [abs(right - left) for left, right in sides]
        first, before, last = apart
        if not LASTS * before < last < before:
            return bool(last >= before > 0)
        # of abs(x)^1.01 little is gone at these distances, and nothing is left in the end (Aitken)
        fall = (last - before) - (before - first)
        return bool(not fall or last - (last - before) ** 2 / fall > LEFT * last)

    def _change(self, number: Number, guess: Any, room: float) -> Any:
        """Return where a number changes its sign around a guess; None where it keeps it."""
        distance = CLOSEST * self.width
        while distance <= room:
            a, b = guess - distance, guess + distance
            ends = number(a), number(b)
            if ends[0] * ends[1] < 0:
                return self._halved(number, a, b)
            distance *= OPENS
        return None

    def _halved(self, number: Number, a: Any, b: Any) -> Any:
        first = number(a)
        for _ in range(HALVINGS):
            middle = (a + b) / 2
            here = number(middle)
            if not here:
                return middle
            a, b = (a, middle) if here * first < 0 else (middle, b)
        return (a + b) / 2


def kind_around(
    graph: Graph, names: tuple[str, str], inputs: dict[str, float], radii: tuple[float, float]
) -> str:
    """Return what a zero of the gradient is, by the values on an ellipse around it.

    Args:
        graph: The computation.
        names: The two variables.
        inputs: Values of all inputs, at the point.
        radii: Of the ellipse, along each variable.
    Returns:
        ``minimum``, ``maximum``, ``saddle`` or ``flat``.
    """
    from mpmath import mp, mpf

    needed = graph.needed()
    with digits(DIGITS):

        def value(point: list[Any]) -> Any:
            return run_exactly(graph, inputs | dict(zip(names, point, strict=True)), needed)[graph.output]

        centre = [mpf(inputs[name]) for name in names]
        own = value(centre)

        def height(turn: Any) -> Any:
            across, up = mp.cos(2 * mp.pi * turn), mp.sin(2 * mp.pi * turn)
            return value([centre[0] + radii[0] * across, centre[1] + radii[1] * up]) - own

        turns = [mpf(k) / AROUND for k in range(AROUND)]
        heights = [height(turn) for turn in turns]
        if any(h != h for h in heights):
            return "flat"
        largest = max(map(abs, heights))
        if not largest:
            return "flat"
        low, high = (sign * _lowest(height, heights, sign) for sign in (1, -1))
        low, high = (0 if abs(h) <= NOTHING * largest else h for h in (low, high))
        if low < 0 < high:
            return "saddle"
        return "minimum" if low > 0 else "maximum" if high < 0 else "flat"


AROUND = 64
"""Points of an ellipse."""

MOST_LOWS = 4
"""Lowest points of it whose surroundings are searched."""

NARROWINGS = 55
"""Of the arc that holds a lowest point, by the golden section each."""

GOLDEN = (5.0**0.5 - 1.0) / 2.0

NOTHING = 1e-22
"""Height that is none, times the largest on the ellipse."""


def _lowest(height: Number, heights: list[Any], sign: int) -> Any:
    """Return the least of ``sign`` times a height on an ellipse, given some heights all around it."""
    from mpmath import mpf

    signed = [sign * h for h in heights]
    lows = [k for k in range(AROUND) if signed[k - 1] >= signed[k] <= signed[(k + 1) % AROUND]]
    found = [min(signed)]
    for k in sorted(lows, key=lambda k: signed[k])[:MOST_LOWS]:
        if min(found) < 0:
            break
        a, b = mpf(k - 1) / AROUND, mpf(k + 1) / AROUND
        turns = [b - GOLDEN * (b - a), a + GOLDEN * (b - a)]
        inner = [sign * height(turn) for turn in turns]
        for _ in range(NARROWINGS):
            if inner[0] <= inner[1]:
                b, turns, inner = turns[1], [turns[0], turns[0]], [inner[0], inner[0]]
                turns[0] = b - GOLDEN * (b - a)
                inner[0] = sign * height(turns[0])
            else:
                a, turns, inner = turns[0], [turns[1], turns[1]], [inner[1], inner[1]]
                turns[1] = a + GOLDEN * (b - a)
                inner[1] = sign * height(turns[1])
        found += inner
    return min(found)
