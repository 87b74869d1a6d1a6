"""The same formula, shorter: sums over one line, common factors in front, steps by their names.

SymPy's ``simplify`` may take for ever and prefers other forms than people do. Here are the few rewritings of
a textbook, tried on formulas that are small enough for them; the shortest text is taken. None makes a formula
lose a point at which it had a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import sympy

from .functions import Share, is_formula

MOST_OPERATIONS = 100
"""Of a formula that is rewritten: above, factors are looked for too long, and nobody reads it."""
MOST_EXPONENT = 12
MOST_SYMBOLS = 12
MOST_WORK = 1_000
"""Operations of the formulas of one program that are rewritten."""

RATIOS = ((sympy.sin, sympy.cos, sympy.tan, 1), (sympy.sinh, sympy.cosh, sympy.tanh, -1))
"""Functions a, b and a/b, and the sign in b^2 + sign*a^2 = 1."""


class Simpler:
    """Rewrites formulas of one program.

    Args:
        bodies: What steps with names are computed by, over the names before them, by their symbols.
    """

    def __init__(self, bodies: Mapping[Any, Any]) -> None:
        self.functions: dict[Any, Any] = {}
        self.shares: dict[Any, tuple[Any, Any]] = {}
        for symbol, body in bodies.items():
            if isinstance(body, sympy.Function) or (body.is_Pow and not body.exp.is_Integer):
                self.functions[symbol] = body
            elif body.is_Mul:
                above, below = sympy.fraction(body)
                if isinstance(above, sympy.exp) and (below.is_Add or below.is_Symbol):
                    self.shares[symbol] = above, below
        self.work = MOST_WORK
        self.known: dict[Any, str] = {}

    def shortest(self, written: str, e: Any, write: Callable[[Any], str]) -> str:
        """Return the shortest text of a formula; of two as long, that with fewer operations.

        Args:
            written: How it is written as it is.
            e: The formula.
            write: Writes another form of it.
        """
        if e in self.known:
            return min(written, self.known[e], key=len)
        best = _size(written, e)
        for other in dict.fromkeys(self.forms(e)):
            if not is_formula(other) or _turns_exponents(other, e):
                continue
            text = write(other)
            if (size := _size(text, other)) < best:
                written, best = text, size
        self.known[e] = written
        return written

    def forms(self, e: Any) -> Iterator[Any]:
        """Yield other forms of a formula; none where it is too large, or nothing can become shorter."""
        if not self._fits(e):
            return
        yield e
        yield from _rewritten(e)
        named = self._by_names(e)
        if named != e:
            yield named
            yield from _rewritten(named)
        for symbol, (above, below) in self.shares.items():
            if e.has(above):
                # p = exp(a)/s: exp(a) is p*s, in which s is one thing
                one = sympy.Dummy(real=True)
                e = sympy.factor(e.xreplace({below: one}).subs(above, symbol * one))
                yield from (form.xreplace({one: below}) for form in _rewritten(e))
                e = e.xreplace({one: below})
                yield e

    def _fits(self, e: Any) -> bool:
        """Whether a formula may be rewritten; it is then counted."""
        size = e.count_ops(visual=False)
        if (
            not 2 <= size <= min(MOST_OPERATIONS, self.work)
            or len(e.free_symbols) > MOST_SYMBOLS
            or any(p.exp.is_Integer and abs(p.exp) > MOST_EXPONENT for p in e.atoms(sympy.Pow))
            or e.has(Share)  # what it multiplies has a value in one branch alone
        ):
            return False
        self.work -= size
        return True

    def _by_names(self, e: Any) -> Any:
        """Return a formula with the names of steps in the place of what they are computed by."""
        for symbol, body in self.functions.items():
            if e.has(body.base if body.is_Pow else body):
                e = e.subs(body, symbol)
        return e


def _size(text: str, e: Any) -> tuple[int, int, int]:
    """Return how long a formula is, how many operations it has, and how many signs in brackets."""
    return len(text), e.count_ops(visual=False), text.count("(-")


def _turns_exponents(e: Any, before: Any) -> bool:
    """Whether ``exp(-u)`` has become ``exp(u)``, which is too large for a float where that one is small."""
    exps = before.atoms(sympy.exp)
    return any(f not in exps and sympy.exp(-f.args[0]) in exps for f in e.atoms(sympy.exp))


def _rewritten(e: Any) -> Iterator[Any]:
    """Yield a formula in the ways in which people write one."""
    if not e.has(sympy.Add) and not e.has(*(f for row in RATIOS for f in row[:2])):
        return
    e = sympy.powsimp(e)
    for form in (e, *_squares(e)):
        yield form
        if form.has(sympy.Add):
            yield sympy.together(form)
            form = sympy.factor(form)
            yield form
            above, below = sympy.fraction(form)
            yield sympy.factor_terms(sympy.expand(above)) / below  # (x - 1)*(x + 1) is x^2 - 1
        yield _ratios(form)


def _squares(e: Any) -> Iterator[Any]:
    """Yield a formula with sin(u)^2 + cos(u)^2 = 1 put in, or cosh(u)^2 - sinh(u)^2 = 1."""
    for a, b, _, sign in RATIOS:
        for u in {f.args[0] for f in e.atoms(a)} & {f.args[0] for f in e.atoms(b)}:
            yield sympy.expand(e).subs(b(u) ** 2, 1 - sign * a(u) ** 2)


def _ratios(e: Any) -> Any:
    """Return a formula with sin(u)/cos(u) written tan(u)."""
    for a, b, ratio, _ in RATIOS:
        for f in e.atoms(a):
            e = e.subs(f / b(*f.args), ratio(*f.args))
    return e
