"""Values along one side of a chart: where each stands, and which are written there."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10

from ..curves.scale import LINEAR, Scale
from ..language.numbers import brief

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
FAR = 1e9  # lengths of the axis; what is further out is as good as there


class Axis:
    """Values along one side.

    Args:
        low: Smallest value.
        high: Largest.
        scale: How far apart they stand.
        margin: Room beyond both, as a share of the length.
        bottom: No room below this value.
    """

    def __init__(
        self,
        low: float,
        high: float,
        *,
        scale: Scale = LINEAR,
        margin: float = 0.0,
        bottom: float | None = None,
    ) -> None:
        self.scale = scale
        start, end = scale.of(low), scale.of(high)
        room = (end - start) * margin or (0.0 if end > start else max(abs(start) * 0.5, 0.5))
        self._start, self._end = start - room, end + room
        if bottom is not None and low >= bottom and not scale.log:
            self._start = max(self._start, bottom)

    @property
    def low(self) -> float:
        """The value at the start."""
        return self.scale.back(self._start)

    @property
    def high(self) -> float:
        """The value at the end."""
        return self.scale.back(self._end)

    def at(self, value: float) -> float:
        """Return where a value stands: 0 at the start, 1 at the end, at most `FAR` beyond."""
        share = (self.scale.of(value) - self._start) / (self._end - self._start)
        return min(max(share, -FAR), FAR)

    def shows(self, value: float) -> bool:
        """Whether a value stands between the ends."""
        return self.scale.holds(value) and -1e-9 <= self.at(value) <= 1.0 + 1e-9

    def crosses(self, value: float) -> bool:
        """Whether a value stands between the ends, and at neither of them."""
        return self.scale.holds(value) and 0.0 < self.at(value) < 1.0

    def value(self, share: float) -> float:
        """Return what stands somewhere from 0 to 1."""
        return self.scale.back(self._start + share * (self._end - self._start))

    def ticks(self, most: int, *, whole: bool = False) -> list[tuple[float, str]]:
        """Return at most so many round values with their texts.

        Args:
            most: How many fit.
            whole: Whole numbers alone.
        """
        if self.scale.log:
            return self._log_ticks(most) if not self.scale.linear else self._signed_ticks(most)
        step = round_step((self._end - self._start) / max(most, 1))
        step = max(step, 1.0) if whole else step
        values = self._multiples(step)
        while len(values) > most > 0:
            step = round_step(step * 1.5)
            values = self._multiples(step)
        return list(zip(values, tick_texts(values, step), strict=True))

    def _multiples(self, step: float) -> list[float]:
        first, last = ceil(self._start / step - 1e-9), floor(self._end / step + 1e-9)
        return [_decimal(i, step) for i in range(first, last + 1)]

    def _log_ticks(self, most: int) -> list[tuple[float, str]]:
        low, high = ceil(self._start - 1e-9), floor(self._end + 1e-9)
        fine = []
        if high - low < most:
            fine = [float(f"{m}e{d}") for d in range(low - 1, high + 1) for m in (1, 2, 5)]
            fine = [v for v in fine if v > 0.0 and -1e-9 <= self.at(v) <= 1.0 + 1e-9]
        if 0 < len(fine) <= most:
            return [(v, brief(v)) for v in fine]
        every = max(1, ceil(round_step((high - low + 1) / max(most, 1))))
        decades = [d for d in range(low, high + 1) if d % every == 0]
        values = [v for v in (float(f"1e{d}") for d in decades) if v > 0.0]  # 1e-324 is 0
        return list(zip(values, power_texts(values), strict=True))

    def _signed_ticks(self, most: int) -> list[tuple[float, str]]:
        """Return 0 and powers of ten of both signs, from the end of the linear part on."""
        first, last = round(log10(self.scale.linear)) + 1, floor(log10(max(-self.low, self.high)) + 1e-9)
        for every in range(1, last - first + 2):
            sizes = [float(f"1e{d}") for d in range(first + every - 1, last + 1, every)]
            values = [v for v in (*(-size for size in reversed(sizes)), 0.0, *sizes) if self.shows(v)]
            if len(values) <= most:
                break
        return list(zip(values, power_texts(values), strict=True))


def round_step(least: float) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that is not below."""
    power = 10.0 ** floor(log10(least))
    return next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= least * (1 - 1e-9))


def _decimal(i: int, step: float) -> float:
    """i*step without the rounding that decimals bring: 3*0.1 is 0.3."""
    return float(f"{i * step:.12g}") if abs(i) < 1e9 else i * step


def tick_texts(values: Sequence[float], step: float) -> list[str]:
    """Return the values of an axis with as many digits as their distance needs."""
    largest = max(map(abs, values), default=0.0)
    if largest and not 1e-3 <= largest < 1e6:
        digits = max(0, floor(log10(largest)) - floor(log10(step) + 1e-9)) + 1
        return [brief(v + 0.0, digits) for v in values]
    decimals = max(0, -floor(log10(step) + 1e-9))
    return [f"{v + 0.0:.{decimals}f}" for v in values]


def power_texts(values: Sequence[float]) -> list[str]:
    """Return powers of ten of either sign, and 0: as ``10^-5`` where one of them is that far from 1."""
    if all(1e-4 <= abs(v) < 1e5 for v in values if v):
        return [brief(v) for v in values]
    return [
        brief(v) if abs(v) in (0.0, 1.0, 10.0) else f"{'-' if v < 0 else ''}10^{round(log10(abs(v)))}"
        for v in values
    ]


def raised(text: str) -> str:
    """Return ``10^-5`` as it is printed."""
    base, power, exponent = text.partition("10^")
    return base + "10" + exponent.translate(RAISED) if power and base in ("", "-") else text
