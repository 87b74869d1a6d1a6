"""What a function does around a point and far off, judged by its values in many digits.

Second derivatives say nothing where they are 0: there the values along lines through the point decide,
with so many digits that no difference of two of them is rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log, log1p
from typing import Any, Literal, NamedTuple

from ..engine.run import run_exactly, value_at
from ..errors import NoSuchNumber, RangeError
from ..ops.precision import digits
from .descent import Coordinates, Function

DIGITS = 60
NEAREST = 1e-9
"""First distance that is looked at, times the scale of the point; larger than a float's last digit."""

CLOSE = 1e-4
"""Distance, times the scale, within which the bottom of a valley is that of the point."""

GROWTH = 4.0
"""Ratio of neighbouring distances."""

FAR = 40
"""Doublings of a distance after which something that still falls has no end."""

PINNED = 1e-10
"""Width of what holds a lowest point, times how far off it may be."""

PIECES = 400
"""Of the way to a minimum, for a forecast."""

CONTRACTS = 1e-12
"""An update must shorten the slope by such a share at least for a forecast."""


class Shape(NamedTuple):
    """A function around a point, in the sense that is asked for: what falls is wanted.

    Attributes:
        kind: ``slope`` where it goes down on one side of a line alone, and further than was looked.
        reach: A minimum is no farther off than this.
        lower: A point of a slope where the function is lower.
    """

    kind: Literal["minimum", "maximum", "saddle", "slope", "level"]
    reach: float = 0.0
    lower: Coordinates | None = None


def _precise(function: Function) -> Callable[[Sequence[Any]], Any]:
    """Return f in the digits that hold when it is called."""
    needed = function.graph.needed()

    def value(point: Sequence[Any]) -> Any:
        inputs = {**function.inputs, **dict(zip(function.names, point, strict=True))}
        return run_exactly(function.graph, inputs, needed)[function.graph.output]

    return value


def shape_of(
    function: Function,
    point: Coordinates,
    ways: Sequence[Coordinates],
    *,
    sign: float,
    scale: float,
    far: float,
    across: Sequence[Coordinates] = (),
) -> Shape:
    """Return what a function does along lines through a point.

    Floats lie beside the bottom of a valley and beside its level lines: what falls along a line by no more
    than it does straight down to the bottom is level.

    Args:
        function: The function.
        point: Where its slope is short, or 0.
        ways: Unit vectors along the lines.
        sign: Times f: what falls.
        scale: Of the point.
        far: Distance up to which is looked.
        across: Directions across the valley that the point is in, where it is in one.
    """
    from mpmath import mpf

    reach, peaks, rises = 0.0, 0, 0
    with digits(DIGITS):
        value = _precise(function)
        centre = [mpf(x) for x in point]
        own = value(centre)
        spare = max(sign * (own - value(_bottom(value, centre, across, scale))), 0) if across else 0

        def side(way: Coordinates, turn: int) -> tuple[int, float, float]:
            """Return how it begins, where what falls comes up again (0: nowhere), and how far it is seen."""
            begins, last, distance, least = 0, 0.0, NEAREST * scale, 0
            while distance <= far:
                there = value([x + turn * distance * d for x, d in zip(centre, way, strict=True)])
                height = sign * (there - own)
                if height != height:
                    break
                begins = begins or (height > 0) - (height < 0)
                if begins < 0 < height:
                    return begins, distance, distance
                least = min(least, height)
                last, distance = distance, distance * GROWTH
            if begins < 0 and -least <= spare:
                begins = 0
            return begins, 0.0, far if distance > far else last

        for way in ways:
            (left, back, before), (right, forth, beyond) = side(way, -1), side(way, 1)
            if left < 0 and right < 0:
                peaks += 1
            elif min(left, right) < 0 and not max(back, forth):
                move = -before if left < 0 else beyond
                lower = tuple(x + move * d for x, d in zip(point, way, strict=True))
                return Shape("slope", lower=lower)
            elif max(left, right) > 0:
                rises += 1
                reach = max(reach, back, forth)
    if peaks:
        return Shape("saddle" if rises else "maximum")
    return Shape("minimum", reach) if rises else Shape("level")


def _bottom(
    value: Callable[[Sequence[Any]], Any], point: list[Any], across: Sequence[Coordinates], scale: float
) -> list[Any]:
    """Return the bottom of a valley close by, by Newton's method along each direction across it."""
    step = NEAREST * scale
    for way in across:
        before, own, after = (
            value([x + k * step * d for x, d in zip(point, way, strict=True)]) for k in (-1, 0, 1)
        )
        bend = before - 2 * own + after
        move = step * (before - after) / (2 * bend) if bend else 0
        if abs(move) <= CLOSE * scale:
            point = [x + move * d for x, d in zip(point, way, strict=True)]
    return point


def lowest_along(
    function: Function, point: Coordinates, way: Coordinates, *, sign: float, reach: float
) -> Coordinates:
    """Return the lowest point of a line around a point, by the golden section: f itself may be flat there.

    Args:
        function: The function.
        point: On the line.
        way: The line's unit vector.
        sign: Times f: what falls.
        reach: The lowest point is no farther off than this.
    """
    from mpmath import mp, mpf

    with digits(DIGITS):
        value, golden = _precise(function), (mp.sqrt(5) - 1) / 2
        centre = [mpf(x) for x in point]

        def at(t: Any) -> list[Any]:
            return [x + t * d for x, d in zip(centre, way, strict=True)]

        a, b = -mpf(reach), mpf(reach)
        low, high = b - golden * (b - a), a + golden * (b - a)
        below, above = sign * value(at(low)), sign * value(at(high))
        while b - a > PINNED * reach:
            if below <= above:
                b, high, above = high, low, below
                low = b - golden * (b - a)
                below = sign * value(at(low))
            else:
                a, low, below = low, high, above
                high = a + golden * (b - a)
                above = sign * value(at(high))
        return tuple(float(x) for x in at((a + b) / 2))


def endless(function: Function, point: Coordinates, *, sign: float, scale: float) -> bool:
    """Whether a function falls from a point on along its slope, as far as floats can tell."""
    try:
        f, g = function(point)
    except NoSuchNumber:
        return False
    steep = max(map(abs, g))
    if not steep:
        return False

    def at(distance: float) -> list[float]:
        return [x - sign * distance * d / steep for x, d in zip(point, g, strict=True)]

    distance, falls, nears = 1e-3 * max(scale, *map(abs, point)), False, False
    with digits(DIGITS):
        value = _precise(function)
        for _ in range(FAR):
            try:
                there = value_at(function.graph, function.at(tuple(at(distance))))
            except RangeError:
                return falls
            except NoSuchNumber:
                return False
            change: Any = sign * (there - f)
            if not change:
                # what floats no longer tell apart may still fall, as tanh does, or be level, as relu
                change = sign * (value(at(distance)) - value(at(0.5 * distance)))
                if not change:
                    return nears
                nears = True
            if not change < 0:
                return False
            f, distance, falls = there, 2.0 * distance, True
    return True


def updates_left(
    function: Function, point: Coordinates, *, sign: float, rate: float, until: float
) -> float | None:
    """Return how many updates of plain descent it takes along a line until the slope is short.

    An update takes the slope g at x to g*(1 - rate*(difference quotient of g over the step)), so between
    neighbouring points of the way it takes log(g1/g2)/-log(1 - rate*quotient) of them.

    Args:
        function: Of one variable.
        point: The last one.
        sign: Times f: what falls.
        rate: The learning rate.
        until: Length of the slope at the end.
    Returns:
        None where the slope does not fall on the whole way, or updates overshoot the minimum.
    """
    try:
        return _updates_left(function, point[0], sign, rate, until)
    except NoSuchNumber:
        return None


def _updates_left(function: Function, x: float, sign: float, rate: float, until: float) -> float | None:
    def slope(at: float) -> float:
        return sign * function((at,))[1][0]

    here = slope(x)
    way = -1.0 if here > 0.0 else 1.0
    inside, outside = 0.0, rate * abs(here)
    for _ in range(FAR):
        if slope(x + way * outside) * here <= 0.0:
            break
        inside, outside = outside, 2.0 * outside
    else:
        return None
    for _ in range(60):
        middle = 0.5 * (inside + outside)
        inside, outside = (middle, outside) if slope(x + way * middle) * here > 0.0 else (inside, middle)
    bottom, total = outside, 0.0
    distance, before = bottom, abs(here)
    for _ in range(3 * PIECES):
        nearer = distance * 10.0 ** (-12.0 / PIECES)
        after = abs(slope(x + way * (bottom - nearer)))
        shrinks = rate * (before - after) / (distance - nearer)
        if not CONTRACTS < shrinks < 1.0 or after <= 0.0:
            return None
        share = min(1.0, log(before / until) / log(before / after)) if before > until else 0.0
        total += share * log(before / after) / -log1p(-shrinks)
        if after <= until:
            return total
        distance, before = nearer, after
    return None
