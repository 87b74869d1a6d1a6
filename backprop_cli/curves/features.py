"""What is special about a curve: the places, and what is said of each."""

from __future__ import annotations

from typing import NamedTuple

MINIMUM, MAXIMUM, INFLECTION = "minimum", "maximum", "inflection"


class Critical(NamedTuple):
    """Where the slope is zero, or changes its sign at a kink.

    Attributes:
        x: Where.
        y: The value there.
        kind: ``minimum``, ``maximum``, or ``inflection``: level, with the same sign on both sides.
        kink: The slope jumps from one sign to the other and is nowhere zero.
    """

    x: float
    y: float
    kind: str
    kink: bool = False


class Step(NamedTuple):
    """A jump of the value, or of the slope (a kink): the limits from both sides."""

    x: float
    left: float
    right: float


class Inflection(NamedTuple):
    """Where a curve changes from bending up to bending down, or back: the value and the slope there."""

    x: float
    y: float
    slope: float


class Gap(NamedTuple):
    """An interval without a value, or one point, and why."""

    start: float
    end: float
    reason: str


class Features(NamedTuple):
    """What is special about a curve, of each kind from left to right.

    Attributes:
        criticals: Where the slope is zero or changes its sign.
        poles: Where the value grows beyond all bounds.
        jumps: Where it jumps.
        kinks: Where the slope does.
        holes: Points without a value, with one on both sides.
        flats: Stretches on which the slope is zero.
        inflections: Where the curve changes the side to which it bends, with a slope.
    """

    criticals: list[Critical]
    poles: list[float]
    jumps: list[Step]
    kinks: list[Step]
    holes: list[float]
    flats: list[tuple[float, float]]
    inflections: list[Inflection]
