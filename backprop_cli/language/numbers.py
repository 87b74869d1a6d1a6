"""Numbers as people read them, in the shortest form that the language reads back."""

from __future__ import annotations

import re
from collections.abc import Sequence

_POINT = re.compile(r"(?<![A-Za-z_\])])\.(?=\d)")
_COMMA = re.compile(r"(?<![\d.,])(\d+),(\d+)(?![\d.,])")


def exact_text(x: float) -> str:
    """Write a number with all the digits it has: ``3``, ``1e10``."""
    return tidy(repr(x + 0.0).removesuffix(".0"))


def brief(x: float | None, digits: int = 6) -> str:
    """Write a number with so many significant digits: ``2.1e-8``, ``0.421``; ``-`` for none."""
    return "-" if x is None else tidy(f"{x + 0.0:.{digits}g}")


def rounded(x: float | None, digits: int) -> str:
    """Write a number with so many significant digits, or exactly where that is shorter; ``-`` for none."""
    if x is None:
        return "-"
    return tidy(min(f"{x + 0.0:.{digits}g}", repr(x + 0.0).removesuffix(".0"), key=len))


def scientific(x: float | None, digits: int) -> str:
    """Write a number with an exponent: ``-4.208e-4``; ``-`` for none."""
    if x is None:
        return "-"
    if x == 0.0:
        return "0"
    return tidy(f"{x:.{digits - 1}e}")


def fixed(x: float | None, digits: int) -> str:
    """Write a number with so many significant digits, zeros at its end included; ``-`` for none."""
    if x is None:
        return "-"
    return tidy(f"{x + 0.0:#.{digits}g}").removesuffix(".")


def column(xs: Sequence[float | None], digits: int) -> list[str]:
    """Write a column of numbers, with zeros at their ends where some number needs all digits."""
    exact = all(x is None or float(f"{x:.{digits}g}") == x for x in xs)
    return [brief(x, digits) if exact else fixed(x, digits) for x in xs]


def with_commas(text: str, comma: str = ",") -> str:
    """Write the decimals of a text with a comma."""
    return _POINT.sub(comma, text)


def with_points(text: str) -> str:
    """Return a text whose commas between digits are decimal ones as our language has it."""
    return _COMMA.sub(r"\1.\2", text)


def tidy(text: str) -> str:
    """Return a number with its exponent as it is written by hand: ``1e10`` for ``1e+10``."""
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if e else mantissa
