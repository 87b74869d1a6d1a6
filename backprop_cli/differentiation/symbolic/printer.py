"""SymPy expressions in the user's notation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sympy

from ...language.operators import ATOM, COMPARISON, POWER, PRODUCT, SUM, UNARY
from ...ops import PRIMITIVES
from .functions import COMPARE, OUR_NAMES


class _Piece(NamedTuple):
    """A text and how tightly it holds together."""

    precedence: int
    text: str
    quotient: bool = False

    def at_least(self, precedence: int) -> str:
        """Return the text, in brackets where it holds together less tightly than that.

        A sign needs brackets everywhere but in front.
        """
        bare = self.precedence >= precedence and self.precedence != UNARY
        return self.text if bare else f"({self.text})"


class Printer:
    """SymPy expressions in the user's notation.

    Args:
        decimal: Write fractions with a short decimal form as decimals, as the user did.
        precedence: Of the symbols that stand for more than a name or a number.
    """

    def __init__(self, decimal: bool, precedence: Mapping[Any, int]) -> None:
        self.decimal = decimal
        self.precedence = precedence

    def write(self, groups: Sequence[Any]) -> str:
        """Write a product of groups; one group when none has a function in it."""
        kept: list[Any] = []
        minus = [not g.is_Add and g.could_extract_minus_sign() for g in groups]
        sign = -1 if sum(minus) % 2 else 1
        for g in (-g if m else g for g, m in zip(groups, minus, strict=True)):
            if kept and not kept[-1].has(sympy.Function) and not g.has(sympy.Function):
                kept[-1] *= g
            elif g != 1:
                kept.append(g)
        if len(kept) < 2:
            return self.piece(sign * (kept[0] if kept else sympy.S.One)).text
        first, *others = (self.piece(g) for g in kept)
        texts = [g.at_least(ATOM if g.quotient else PRODUCT) for g in others]
        return ("-" if sign < 0 else "") + "*".join([first.at_least(PRODUCT), *texts])

    def piece(self, e: Any) -> _Piece:
        """Write an expression."""
        if e.is_Rational:
            return self.number(e)
        if e.is_Symbol:
            precedence = self.precedence.get(e, ATOM)
            return _Piece(precedence, e.name, quotient=precedence == PRODUCT)
        if e.is_Add:
            return self.sum(e)
        if e.is_Mul:
            return self.product(e)
        if e.is_Pow:
            return self.power(e.base, e.exp)
        if e is sympy.pi or e is sympy.E or e is sympy.EulerGamma:
            return _Piece(ATOM, {"pi": "pi", "E": "e"}.get(str(e), "0.5772156649015329"))
        name = type(e).__name__
        if name in COMPARE:
            a, b = (self.piece(x).text for x in e.args)
            if name == "less" and not e.args[0].free_symbols:
                return _Piece(COMPARISON, f"{b} > {a}")
            return _Piece(COMPARISON, f"{a} {PRIMITIVES[name].infix} {b}")
        if name == "polygamma" and e.args[0] == 0:
            return _Piece(ATOM, f"digamma({self.piece(e.args[1]).text})")
        name = OUR_NAMES.get(name, name)
        args = list(e.args)
        row = PRIMITIVES.get(name)
        if row and row.defaults and args[1] == sympy.nsimplify(row.defaults[0], rational=True):
            args.pop()
        return _Piece(ATOM, f"{name}({', '.join(self.piece(x).text for x in args)})")

    def number(self, e: Any) -> _Piece:
        if e.is_Integer:
            return _Piece(UNARY if e < 0 else ATOM, str(e))
        if self.decimal:
            q = int(e.q)
            while q % 2 == 0:
                q //= 2
            while q % 5 == 0:
                q //= 5
            text = repr(float(e))
            if q == 1 and len(text) <= 10 and "e" not in text:
                return _Piece(UNARY if e < 0 else ATOM, text)
        return _Piece(UNARY if e < 0 else PRODUCT, f"{e.p}/{e.q}", quotient=True)

    def sum(self, e: Any) -> _Piece:
        terms = e.as_ordered_terms()
        # a sum that can start with a plus does
        front = next((t for t in terms if not t.could_extract_minus_sign()), terms[0])
        text = self.piece(front).text
        rest = list(terms)
        rest.remove(front)
        for term in rest:
            if term.could_extract_minus_sign():
                text += f" - {self.piece(-term).at_least(PRODUCT)}"
            else:
                text += f" + {self.piece(term).at_least(SUM)}"
        return _Piece(SUM, text)

    def product(self, e: Any) -> _Piece:
        if e.args[0].is_Rational and e.args[0] < 0:
            return _Piece(UNARY, "-" + self.piece(-e).at_least(PRODUCT))
        above: list[Any] = []
        below: list[Any] = []
        for factor in sorted(e.as_ordered_factors(), key=_place):
            if factor.is_Rational and self.number(factor).quotient:
                above += [sympy.Integer(factor.p)] if factor.p != 1 else []
                below += [sympy.Integer(factor.q)] if factor.q != 1 else []
            elif factor.is_Pow and factor.exp.could_extract_minus_sign():
                below.append(factor.base ** (-factor.exp))
            else:
                above.append(factor)
        top = "*".join(self.factor(f) for f in above) or "1"
        if not below:
            return _Piece(PRODUCT, top)
        bottom = "*".join(self.factor(f) for f in below)
        return _Piece(PRODUCT, f"{top}/{bottom}" if len(below) == 1 else f"{top}/({bottom})", quotient=True)

    def factor(self, e: Any) -> str:
        return self.piece(e).at_least(POWER)

    def power(self, base: Any, exponent: Any) -> _Piece:
        if exponent == sympy.Rational(1, 2):
            return _Piece(ATOM, f"sqrt({self.piece(base).text})")
        if exponent.could_extract_minus_sign():
            return _Piece(PRODUCT, f"1/{self.factor(base**-exponent)}", quotient=True)
        return _Piece(POWER, f"{self.piece(base).at_least(ATOM)}^{self.piece(exponent).at_least(ATOM)}")


def _place(factor: Any) -> int:
    """Numbers lead, then symbols and their powers, then functions, then sums."""
    base = factor.base if factor.is_Pow and factor.exp.is_number else factor
    return 0 if base.is_number else 1 if base.is_Symbol else 3 if base.is_Add else 2
