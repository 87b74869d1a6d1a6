"""What stands at a place of a curve, told by slopes beside it in many digits.

In floats the slope beside a double root is rounding: its sign, and whether it jumps, mean nothing there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..engine.run import run_exactly
from ..engine.sweep import sweep
from ..errors import NoSuchNumber
from ..graph import Graph
from ..ops.precision import digits

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
            return float(x) if bends[0] * bends[1] < 0 else None

    @staticmethod
    def _jumps(sides: list[tuple[Any, Any]]) -> bool:
        apart = [abs(right - left) for left, right in sides]
        return bool(apart[-1] > LASTS * apart[-2] > 0)

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
