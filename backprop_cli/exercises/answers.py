"""Answers as they are printed: exactly where few digits do, else rounded, and to how much is said."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import NamedTuple

from ..language.numbers import scientific

DIGITS = 4
"""Significant digits of an answer, where nobody says how many."""

NEARLY = 12
"""Digits to which floats have a short number that comes out of some steps."""


MOST_WHOLE = 7
"""Digits of a whole number that are all printed."""

LONGEST = 10
"""Characters from which on a number is written with an exponent."""


class Printing(NamedTuple):
    """To how much answers are rounded.

    Attributes:
        digits: Significant digits, where ``decimals`` is None.
        decimals: Places behind the point.
    """

    digits: int = DIGITS
    decimals: int | None = None


class Printed(NamedTuple):
    """An answer as it is printed.

    Attributes:
        text: The number, or the formula.
        unit: One in its last digit; of an exact number, too, and 0 of a formula.
        exact: Nothing was rounded.
    """

    text: str
    unit: float
    exact: bool

    @property
    def number(self) -> float:
        """What the text says, of a number."""
        return float(self.text)

    @property
    def is_zero(self) -> bool:
        """Whether nothing but zeros is left of a number."""
        return not self.text.strip("-0.")

    @property
    def digits(self) -> int:
        """Significant digits of a number; the zeros at the end of an exact whole one are none."""
        if not self.exact:  # 9999.96 is 10000 to four
            return Decimal(self.text).adjusted() - Decimal(repr(self.unit)).adjusted() + 1
        digits = self.text.lstrip("-").partition("e")[0]
        return len(digits.replace(".", "").lstrip("0").rstrip("" if "." in digits else "0"))


def printed(x: float, printing: Printing) -> Printed:
    """Round a number as it is printed; a whole number that is not long is left as it is.

    What needs no more digits has no zeros at its end.
    """
    short = Decimal(f"{x:.{NEARLY}g}") + 0  # no number is -0
    whole = short == short.to_integral_value() and short.adjusted() < MOST_WHOLE
    if printing.decimals is not None:
        last = -printing.decimals
    else:
        last = Context(printing.digits, ROUND_HALF_UP).plus(short).adjusted() + 1 - printing.digits
    unit = Decimal(1).scaleb(min(last, 0) if whole else last)
    rounded = short.quantize(unit, ROUND_HALF_UP) if short else short
    exact = rounded == short
    return Printed(_text(rounded.normalize() if exact else rounded), float(unit), exact)


def _text(number: Decimal) -> str:
    """Write a number without an exponent where that is not long."""
    plain = f"{number:f}"
    return plain if len(plain) <= LONGEST else scientific(float(number), len(number.as_tuple().digits))
