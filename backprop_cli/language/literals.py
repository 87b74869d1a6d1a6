"""What the literals of a program stand for, beyond the float that each is read as."""

from __future__ import annotations

from typing import Any

from .operators import named_constant


def exact_literal(label: str) -> Any:
    """Return a literal or a constant by its name to mpmath's working precision."""
    from mpmath import mp, mpf

    constant = named_constant(label)
    # mpmath reads no ".0"
    return (
        mpf(label.replace(".", "0.", 1) if label[:1] == "." else label)
        if constant is None
        else +constant.exact(mp)
    )


def is_float(label: str, value: float) -> bool:
    """Whether a literal is exactly the float it was read as."""
    if named_constant(label) is not None:
        return False
    if value.is_integer() and abs(value) < 2.0**53:
        return True
    from fractions import Fraction  # only where one is asked for: start-up time

    try:
        return Fraction(label) == Fraction(value)
    except (ValueError, ZeroDivisionError):
        return False
