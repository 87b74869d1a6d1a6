"""Scales: how far apart values stand on an axis."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, isfinite, log10
from typing import NamedTuple

WIDE = 30.0  # from this ratio of largest to smallest on, equal differences hide how a run ends
DECADES = 6  # of the largest value, on either side of 0
FEW = 0.05  # of the values may lie in the linear part about 0


class Scale(NamedTuple):
    """Equal lengths are equal differences or, with ``log``, equal ratios.

    Attributes:
        log: Equal ratios.
        linear: Values that are no larger stand at equal differences even then, so that there are both signs
            and 0; 0 for positive values alone.
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
        if abs(value) <= self.linear:
            return value / self.linear
        far = 1.0 + log10(abs(value)) - log10(self.linear)
        return far if value > 0.0 else -far

    def back(self, height: float) -> float:
        """Return the value that stands there."""
        if not self.log:
            return height
        if self.linear and abs(height) <= 1.0:
            return height * self.linear
        sign = -1.0 if self.linear and height < 0.0 else 1.0
        power = abs(height) - 1.0 + log10(self.linear) if self.linear else height
        return sign * float(10.0 ** min(max(power, -323.0), 308.0))


LINEAR = Scale()
LOG = Scale(log=True)


def scale_of_fall(low: float, high: float) -> Scale:
    """Return the scale for what falls from one value to the other, such as a loss."""
    return LOG if low > 0.0 and high / low >= WIDE else LINEAR


def scale_for(values: Sequence[float]) -> Scale:
    """Return the logarithmic scale that has a place for all of these values."""
    sizes = sorted(abs(v) for v in values if v and isfinite(v))
    if not sizes or (min(values) > 0.0):
        return LOG
    largest = sizes[-1]
    least = max(sizes[int(FEW * len(sizes))], largest * 10.0**-DECADES)
    return Scale(log=True, linear=10.0 ** min(floor(log10(least)), floor(log10(largest)) - 1))
