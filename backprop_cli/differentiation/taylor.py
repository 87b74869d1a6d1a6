"""The Taylor polynomial at a point: its terms, with coefficients that are exact where they are fractions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

LARGEST_DENOMINATOR = 10**7
"""Of a fraction that a coefficient is taken for: 10! is below that."""

SURE = 1e-50
"""How near in 80 digits it has to be: two such fractions are 1e-14 apart."""


class Term(NamedTuple):
    """A coefficient times powers of what the inputs have moved.

    Attributes:
        powers: By input; those that are 0 are left out.
        coefficient: The number.
        exact: The fraction that it is; None where it is none.
    """

    powers: dict[str, int]
    coefficient: float
    exact: Fraction | None


def exponents(count: int, order: int) -> Iterator[tuple[int, ...]]:
    """Yield the powers of every term by order, each falling in the first variables."""
    for total in range(1, order + 1):
        yield from _adding_up(count, total)


def _adding_up(count: int, total: int) -> Iterator[tuple[int, ...]]:
    if count == 1:
        yield (total,)
        return
    for first in range(total, -1, -1):
        for rest in _adding_up(count - 1, total - first):
            yield (first, *rest)


def fraction(x: Any) -> Fraction | None:
    """Return the fraction that a number of mpmath's is in many digits; None where it is no simple one.

    Source:
        Hardy and Wright, An Introduction to the Theory of Numbers, chapter 10: continued fractions.
    """
    from mpmath import mp

    if not abs(x) < mp.inf:
        return None
    rest = x
    p, q, before = 1, 0, (0, 1)
    while q <= LARGEST_DENOMINATOR:
        whole = int(mp.floor(rest))
        (p, q), before = (whole * p + before[0], whole * q + before[1]), (p, q)
        if abs(x * q - p) <= SURE * q * max(1, abs(x)):
            return Fraction(p, q) if q <= LARGEST_DENOMINATOR else None
        rest = 1 / (rest - whole)
    return None


def terms(
    names: Sequence[str], numbers: Sequence[tuple[tuple[int, ...], float, Fraction | None]]
) -> tuple[Term, ...]:
    """Return the terms that are not 0."""
    return tuple(
        Term({n: k for n, k in zip(names, powers, strict=True) if k}, x, exact)
        for powers, x, exact in numbers
        if (exact is None and x) or exact
    )
