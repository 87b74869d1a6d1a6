"""What is special about a curve: the places, and what is said of each."""

from __future__ import annotations

from math import isfinite
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


class Jump(NamedTuple):
    """A jump of the value: the limits from both sides, and the value there; None where there is none."""

    x: float
    left: float
    right: float
    value: float | None


class Vertical(NamedTuple):
    """Where the slope grows beyond all bounds and the value does not: a vertical tangent, a cusp or a kink.

    Attributes:
        x: Where.
        y: The value there.
        left: The slope on its left, perhaps infinite; nan where there is no value.
        right: The same on its right.
    """

    x: float
    y: float
    left: float
    right: float

    @property
    def kind(self) -> str:
        """What it is called: a kink has an end of its slope on one side."""
        if isfinite(self.left) or isfinite(self.right):
            return "kink"
        return "cusp" if self.left == -self.right else "vertical tangent"


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
        verticals: Where the slope is infinite, and the value is not.
    """

    criticals: list[Critical]
    poles: list[float]
    jumps: list[Step]
    kinks: list[Step]
    holes: list[float]
    flats: list[tuple[float, float]]
    inflections: list[Inflection]
    verticals: list[Vertical]
