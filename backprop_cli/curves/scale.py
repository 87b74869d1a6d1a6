"""Scales: how far apart values stand on an axis."""

from __future__ import annotations

from collections.abc import Sequence
from math import asinh, floor, isfinite, log, log10, sinh
from typing import NamedTuple

from ..language.numbers import brief

LOGS = "x", "y", "xy"  # axes that can be logarithmic
WIDE = 30.0  # from this ratio of largest to smallest on, equal differences hide how a run ends
DECADES = 30  # of the largest value, on either side of 0
PLACES = 3  # the same, of what runs to the right
FEW = 0.05  # of the values may lie in the linear part about 0
FARTHEST = 300.0  # powers of ten
LOST = 0.02  # of the values may be 0, and have no place


class Scale(NamedTuple):
    """Equal lengths are equal differences or, with ``log``, equal ratios.

    Attributes:
        log: Equal ratios.
        linear: Smaller values stand at nearly equal differences even then, so that there are both signs and
            0: the inverse hyperbolic sine, which has no kink; 0 for positive values alone.
    """

    log: bool = False
    linear: float = 0.0

    def holds(self, value: float) -> bool:
        """Whether a value has a place."""
        return isfinite(value) and (value > 0.0 or not self.log or self.linear > 0.0)

    def of(self, value: float) -> float:
        """Return how far up a value stands."""
        if not self.log:
            return value
        if not self.linear:
            return log10(value)
        return asinh(value / self.linear) / log(10.0)

    @property
    def says(self) -> str:
        """What stands beside the name of an axis."""
        if not self.log:
            return ""
        return ", log scale" + (f", linear within ±{brief(self.linear)}" if self.linear else "")

    def back(self, height: float) -> float:
        """Return the value that stands there."""
        if not self.log:
            return height
        if self.linear:
            return self.linear * sinh(min(max(height, -FARTHEST), FARTHEST) * log(10.0))
        return float(10.0 ** min(max(height, -323.0), 308.0))


LINEAR = Scale()
LOG = Scale(log=True)


def scale_of_fall(low: float, high: float) -> Scale:
    """Return the scale for what falls from one value to the other, such as a loss."""
    return LOG if low > 0.0 and high / low >= WIDE else LINEAR


def scale_for(values: Sequence[float]) -> Scale:
    """Return the logarithmic scale that has a place for values: for those of both signs linear about 0."""
    sizes = sorted(abs(v) for v in values if v and isfinite(v))
    zeros = sum(v == 0.0 for v in values)
    if not sizes or (min(values) >= 0.0 and zeros <= LOST * len(values)):
        return LOG
    few = FEW if max(values) > 0.0 else 0.0
    least = max(sizes[int(few * len(sizes))], sizes[-1] * 10.0**-DECADES) / (1.0 if few else 10.0)
    return Scale(log=True, linear=10.0 ** min(floor(log10(least)), floor(log10(sizes[-1])) - 1))


def scale_over(low: float, high: float) -> Scale:
    """Return the logarithmic scale of a range: that of a positive one, else linear about 0."""
    if low > 0.0:
        return LOG
    return Scale(log=True, linear=10.0 ** (floor(log10(max(-low, high))) - PLACES))
