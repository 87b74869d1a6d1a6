"""Numbers as people read them, in the shortest form that the language reads back."""

from __future__ import annotations


def brief(x: float, digits: int = 6, form: str = "g") -> str:
    """Write a number with so many digits: ``4.4e-9``."""
    return tidy(f"{x + 0.0:.{digits}{form}}")


def exact_text(x: float) -> str:
    """Write a number with all the digits it has: ``3``, ``1e10``."""
    return tidy(repr(x + 0.0).removesuffix(".0"))


def tidy(text: str) -> str:
    """Return a number with its exponent as it is written by hand: ``1e10`` for ``1e+10``."""
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if e else mantissa
