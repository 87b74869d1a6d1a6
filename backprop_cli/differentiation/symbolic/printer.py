"""SymPy expressions in the user's notation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import sympy

from ...language.operators import POWER, PRODUCT
from ...language.written import TEXTBOOK, Piece, behind, call, number, signed, spell
from ...ops import PRIMITIVES
from .functions import COMPARE, OUR_NAMES, Share, Unknown, gathered


def _by_polygamma(n: Any, *more: Any) -> Any:
    """Return a zeta function, which SymPy makes of polygamma at some numbers, by what users can write."""
    if more or not n.is_Integer:
        return sympy.zeta(n, *more)
    return (-1) ** n * sympy.polygamma(n - 1, 1, evaluate=False) / sympy.factorial(n - 1)


class Printer:
    """SymPy expressions in the user's notation.

    Args:
        decimal: Write fractions with a short decimal form as decimals, as the user did.
        written: The symbols that stand for more than a name or a number.
        unknown: Names of unknown functions, in the order of the factors that have them.
    """

    def __init__(self, decimal: bool, written: Mapping[Any, Piece], unknown: Sequence[str] = ()) -> None:
        self.decimal = decimal
        self.written = written
        self.unknown = {name: k for k, name in enumerate(unknown)}

    def write(self, groups: Sequence[Any]) -> str:
        """Write a product of groups; one group when none has a function in it."""
        groups = list(map(gathered, groups))
        for k, g in enumerate(groups):
            if isinstance(g, Share) and 0 in g.args[1:]:
                c, *branches = g.args
                texts = ["0" if x == 0 else self.write([*groups[:k], x, *groups[k + 1 :]]) for x in branches]
                return call("where", [self.piece(c), *map(Piece, texts)]).text
        kept: list[Any] = []
        groups = [g.replace(sympy.zeta, _by_polygamma) if g.has(sympy.zeta) else g for g in groups]
        minus = [not g.is_Add and g.could_extract_minus_sign() for g in groups]
        sign = -1 if sum(minus) % 2 else 1
        for g in (-g if m else g for g, m in zip(groups, minus, strict=True)):
            if kept and not kept[-1].has(sympy.Function) and not g.has(sympy.Function):
                kept[-1] *= g
            elif g != 1:
                kept.append(g)
        if len(kept) < 2:
            return self.piece(sign * (kept[0] if kept else sympy.S.One)).text
        first, *others = kept
        product = _factor(self.piece(first), PRODUCT)
        for g in others:
            above, below = self.fraction(g)
            product = _product([product, *map(_factor, [self.piece(g)] if below else above)])
        return (product if sign > 0 else _minus(product)).text

    def piece(self, e: Any) -> Piece:
        """Write an expression."""
        if e.is_Rational:
            return self.number(e)
        if e.is_Symbol:
            return self.written.get(e) or Piece(e.name)
        if e.is_Add:
            return self.sum(e)
        if e.is_Mul:
            return self.product(e)
        if e.is_Pow:
            return self.power(e.base, e.exp)
        if e.is_NumberSymbol:
            return Piece({"pi": "pi", "E": "e"}.get(str(e)) or repr(float(e)))
        name = type(e).__name__
        if name in COMPARE:
            operands = [self.piece(x) for x in e.args]
            if name == "less" and not e.args[0].free_symbols:
                return spell(TEXTBOOK, "greater", operands[::-1])
            return spell(TEXTBOOK, name, operands)
        if name == "polygamma" and e.args[0] == 0:
            return call("digamma", [self.piece(e.args[1])])
        name = OUR_NAMES.get(name, name)
        args = list(e.args)
        row = PRIMITIVES.get(name)
        if row and row.defaults and args[1] == sympy.nsimplify(row.defaults[0], rational=True):
            args.pop()
        return call(name, [self.piece(x) for x in args])

    def number(self, e: Any) -> Piece:
        text = self.plain(e)
        if text is not None:
            return number(text)
        return signed(f"{e.p}/{e.q}") if e < 0 else Piece(f"{e.p}/{e.q}", PRODUCT)

    def plain(self, e: Any) -> str | None:
        """Return a number that is written without a line; None for a fraction."""
        if e.is_Integer:
            return str(e)
        q = int(e.q)
        while q % 2 == 0:
            q //= 2
        while q % 5 == 0:
            q //= 5
        text = repr(float(e))
        return text if self.decimal and q == 1 and len(text) <= 10 and "e" not in text else None

    def sum(self, e: Any) -> Piece:
        terms = e.as_ordered_terms()
        if self.unknown:
            terms.sort(key=self._orders)
        # a sum that can start with a plus does
        front = next((t for t in terms if not t.could_extract_minus_sign()), terms[0])
        written = self.piece(front)
        rest = list(terms)
        rest.remove(front)
        for term in rest:
            if term.could_extract_minus_sign():
                written = spell(TEXTBOOK, "subtract", [written, self.piece(-term)])
            else:
                written = spell(TEXTBOOK, "add", [written, self.piece(term)])
        return written

    def product(self, e: Any) -> Piece:
        if e.args[0].is_Rational and e.args[0] < 0:
            return _minus(self.piece(-e))
        above, below = self.fraction(e)
        top = _product([*map(_factor, above)]) if above else Piece("1")
        return spell(TEXTBOOK, "divide", [top, _product([*map(_factor, below)])]) if below else top

    def fraction(self, e: Any) -> tuple[list[Piece], list[Piece]]:
        """Return the factors of a product above and below the line; of anything else the whole, above."""
        if not e.is_Mul:
            return [self.piece(e)], []
        above, below = self.factors(e, self._place)
        return [*map(self.piece, above)], [*map(self.piece, below)]

    def _place(self, factor: Any) -> tuple[Any, ...]:
        base = factor.base if factor.is_Pow and factor.exp.is_number else factor
        if not isinstance(base, Unknown):
            return _place(factor), -1
        return _place(factor), self.unknown[base.row.function], -len(base.atoms(Unknown))

    def _orders(self, term: Any) -> list[int]:
        """Order the terms of a product rule: what is differentiated most of the first function leads."""
        found = [0] * len(self.unknown)
        for e in term.atoms(Unknown):
            k = self.unknown[e.row.function]
            found[k] = min(found[k], -sum(e.row.orders))
        return found

    def factors(self, e: Any, place: Callable[[Any], Any]) -> tuple[list[Any], list[Any]]:
        """Return the factors of a product above and below the line, each in the order of their places."""
        above: list[Any] = []
        below: list[Any] = []
        for factor in sorted(e.as_ordered_factors(), key=place):
            if factor.is_Rational and self.plain(factor) is None:
                above += [sympy.Integer(factor.p)] if factor.p != 1 else []
                below += [sympy.Integer(factor.q)] if factor.q != 1 else []
            elif factor.is_Pow and factor.exp.could_extract_minus_sign():
                below.append(factor.base ** (-factor.exp))
            else:
                above.append(factor)
        return above, below

    def power(self, base: Any, exponent: Any) -> Piece:
        if exponent == sympy.Rational(1, 2):
            return call("sqrt", [self.piece(base)])
        if exponent.could_extract_minus_sign():
            return spell(TEXTBOOK, "divide", [Piece("1"), _factor(self.piece(base**-exponent))])
        return spell(TEXTBOOK, "power", [self.piece(base), self.piece(exponent)])


def _factor(x: Piece, least: int = POWER) -> Piece:
    """Return a factor; a sign needs brackets everywhere but in front."""
    return behind(x, least)


def _product(factors: Sequence[Piece]) -> Piece:
    return reduce(lambda a, b: spell(TEXTBOOK, "multiply", [a, b]), factors)


def _minus(x: Piece) -> Piece:
    """Return a product with its sign in front of all factors."""
    return signed(("-", _factor(x, PRODUCT).parts))


def _place(factor: Any) -> int:
    """Numbers lead, then symbols and their powers, then functions, then sums."""
    base = factor.base if factor.is_Pow and factor.exp.is_number else factor
    return 0 if base.is_number else 1 if base.is_Symbol else 3 if base.is_Add else 2
