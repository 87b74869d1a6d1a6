"""Polynomials, their quotients and their square roots: what a limit is worked out with by hand."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import gcd, lcm
from typing import Any, NamedTuple

from ..ops.namespaces import Namespace

MOST_TERMS = 40
HIGHEST_POWER = 12
DIGITS = 15


class NotAlgebraic(Exception):
    """The program is none of these, or too large a one."""


Monomial = tuple[tuple[str, int], ...]


class Polynomial:
    """A polynomial with exact coefficients: powers by name, sorted, to their coefficient."""

    __slots__ = ("terms",)

    def __init__(self, terms: Mapping[Monomial, Fraction]) -> None:
        self.terms = {m: c for m, c in terms.items() if c}
        if len(self.terms) > MOST_TERMS:
            raise NotAlgebraic

    @classmethod
    def of(cls, x: Any) -> Polynomial:
        """Return a number as a polynomial."""
        return x if isinstance(x, Polynomial) else cls({(): Fraction(x)})

    @classmethod
    def named(cls, name: str) -> Polynomial:
        """Return a variable."""
        return cls({((name, 1),): Fraction(1)})

    @property
    def number(self) -> Fraction | None:
        """Its value, where it is a number."""
        if not self.terms:
            return Fraction(0)
        return self.terms.get(()) if len(self.terms) == 1 else None

    @property
    def decimal(self) -> bool:
        """Whether its coefficients are decimals that end, which are written without rounding."""
        return all(10**DIGITS % c.denominator == 0 for c in self.terms.values())

    def __neg__(self) -> Polynomial:
        return Polynomial({m: -c for m, c in self.terms.items()})

    def __add__(self, other: Any) -> Polynomial:
        terms = dict(self.terms)
        for m, c in Polynomial.of(other).terms.items():
            terms[m] = terms.get(m, Fraction(0)) + c
        return Polynomial(terms)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Polynomial:
        return self + -Polynomial.of(other)

    def __rsub__(self, other: Any) -> Polynomial:
        return Polynomial.of(other) - self

    def __mul__(self, other: Any) -> Polynomial:
        terms: dict[Monomial, Fraction] = {}
        for m, c in self.terms.items():
            for n, d in Polynomial.of(other).terms.items():
                powers = dict(m)
                for name, power in n:
                    powers[name] = powers.get(name, 0) + power
                if max(powers.values(), default=0) > HIGHEST_POWER:
                    raise NotAlgebraic
                key = tuple(sorted(powers.items()))
                terms[key] = terms.get(key, Fraction(0)) + c * d
        return Polynomial(terms)

    __rmul__ = __mul__

    def powers_of(self, name: str) -> dict[int, Polynomial]:
        """Return it sorted by the powers of one name."""
        found: dict[int, dict[Monomial, Fraction]] = {}
        for m, c in self.terms.items():
            rest = tuple((n, p) for n, p in m if n != name)
            found.setdefault(dict(m).get(name, 0), {})[rest] = c
        return {power: Polynomial(found[power]) for power in sorted(found)}

    def at(self, name: str, number: int) -> Polynomial:
        """Return it with a number for one name."""
        total = Polynomial({})
        for power, coefficient in self.powers_of(name).items():
            total = total + coefficient * Fraction(number) ** power
        return total

    def divided_by(self, name: str) -> Polynomial:
        """Return it divided by a name that every term has."""
        return Polynomial(
            {tuple((n, p - (n == name)) for n, p in m if p > (n == name)): c for m, c in self.terms.items()}
        )

    def over(self, other: Polynomial) -> Polynomial | None:
        """Return it divided by another polynomial; None where that leaves a rest.

        Source: Cox, Little & O'Shea, Ideals, Varieties, and Algorithms, section 2.3.
        """
        names = sorted({n for m in (*self.terms, *other.terms) for n, _ in m})

        def leading(p: Polynomial) -> Monomial:
            return max(p.terms, key=lambda m: [dict(m).get(n, 0) for n in names])

        rest, found, first = self, Polynomial({}), leading(other)
        while rest.terms:
            top = leading(rest)
            powers = {n: dict(top).get(n, 0) - dict(first).get(n, 0) for n in names}
            if min(powers.values(), default=0) < 0:
                return None
            monomial = tuple((n, k) for n, k in powers.items() if k)
            term = Polynomial({monomial: rest.terms[top] / other.terms[first]})
            found, rest = found + term, rest - term * other
        return found


class Quotient(NamedTuple):
    """One polynomial over another."""

    above: Polynomial
    below: Polynomial

    @property
    def reduced(self) -> Quotient:
        """The same in whole numbers, without what all terms have, the leading sign below positive."""
        terms = [*self.above.terms.items(), *self.below.terms.items()]
        whole = lcm(*(c.denominator for _, c in terms))
        common = gcd(*(int(c * whole) for _, c in terms))
        if next(iter(self.below.terms.values())) < 0:
            common = -common
        names = {n for m, _ in terms for n, _ in m}
        least = {n: min(dict(m).get(n, 0) for m, _ in terms) for n in names}

        def without(p: Polynomial) -> Polynomial:
            return Polynomial(
                {
                    tuple((n, k - least[n]) for n, k in m if k > least[n]): c * whole / common
                    for m, c in p.terms.items()
                }
            )

        return Quotient(without(self.above), without(self.below))


class Algebraic:
    """A quotient of polynomials, or a number times the square root of a polynomial, above or below.

    Attributes:
        above: Of the quotient; the number before the root.
        below: Of the quotient; what the number is divided by.
        radicand: Under the root; None without one.
        inverse: The root stands below.
    """

    __slots__ = ("above", "below", "inverse", "radicand")

    def __init__(
        self,
        above: Polynomial,
        below: Polynomial,
        radicand: Polynomial | None = None,
        *,
        inverse: bool = False,
    ) -> None:
        if not below.terms:
            raise NotAlgebraic
        number = below.number
        if number is not None:
            above, below = above * (1 / number), Polynomial.of(1)
        self.above, self.below, self.radicand, self.inverse = above, below, radicand, inverse

    @classmethod
    def of(cls, x: Any) -> Algebraic:
        """Return a number or a polynomial as one."""
        return x if isinstance(x, Algebraic) else cls(Polynomial.of(x), Polynomial.of(1))

    @property
    def polynomial(self) -> Polynomial | None:
        """The polynomial, where it is one."""
        return self.above if self.radicand is None and self.below.number is not None else None

    def _plain(self) -> Algebraic:
        if self.radicand is not None:
            raise NotAlgebraic
        return self

    def __neg__(self) -> Algebraic:
        return Algebraic(-self.above, self.below, self.radicand, inverse=self.inverse)

    def __add__(self, other: Any) -> Algebraic:
        a, b = self._plain(), Algebraic.of(other)._plain()
        if a.below.terms == b.below.terms:
            return Algebraic(a.above + b.above, a.below)
        return Algebraic(a.above * b.below + b.above * a.below, a.below * b.below)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Algebraic:
        return self + -Algebraic.of(other)

    def __rsub__(self, other: Any) -> Algebraic:
        return Algebraic.of(other) - self

    def __mul__(self, other: Any) -> Algebraic:
        a, b = self, Algebraic.of(other)
        if b.radicand is not None:
            a, b = b, a
        if a.radicand is not None:  # numbers alone stand before a root
            number = b._plain().above.number
            if number is None or b.below.number is None:
                raise NotAlgebraic
            return Algebraic(a.above * number, a.below, a.radicand, inverse=a.inverse)
        return Algebraic(a.above * b.above, a.below * b.below)

    __rmul__ = __mul__

    def inverted(self) -> Algebraic:
        """Return 1 over it."""
        if self.radicand is not None:
            number = self.above.number
            if not number:
                raise NotAlgebraic
            return Algebraic(Polynomial.of(1 / number), self.below, self.radicand, inverse=not self.inverse)
        return Algebraic(self.below, self.above)


class _Algebra(Namespace):
    """What a rule may do with them; all else says that it leaves them."""

    def __getattr__(self, name: str) -> Any:
        raise NotAlgebraic


def _power(a: Any, n: Any) -> Algebraic:
    exponent = _number(n)
    if exponent is not None and exponent.denominator == 2 and abs(exponent) == Fraction(1, 2):
        return _root(a) if exponent > 0 else _root(a).inverted()
    if exponent is None or exponent.denominator != 1 or abs(exponent) > HIGHEST_POWER:
        raise NotAlgebraic
    result = Algebraic.of(1)
    for _ in range(abs(int(exponent))):
        result = result * a
    return result if exponent >= 0 else result.inverted()


def _number(x: Any) -> Fraction | None:
    polynomial = Algebraic.of(x).polynomial
    return None if polynomial is None else polynomial.number


def _root(a: Any) -> Algebraic:
    radicand = Algebraic.of(a).polynomial
    if radicand is None:
        raise NotAlgebraic
    return Algebraic(Polynomial.of(1), Polynomial.of(1), radicand)


ALGEBRA = _Algebra(
    "polynomials",
    {
        "divide": lambda a, b: Algebraic.of(a) * Algebraic.of(b).inverted(),
        "power": _power,
        "sqrt": _root,
        "nan": None,
    },
)
