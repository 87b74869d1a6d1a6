"""Forms number by number: ``sum_j 2*(y[j] - t[j])*W[j,i]/n`` for ``2*W'@(y - t)/n``."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial
from typing import Any, NamedTuple

import sympy

from ...language.indices import free_letters
from ...language.operators import ATOM, PRODUCT
from ...language.written import TEXTBOOK, Piece, bracketed, call, signed, spell
from .forms import DIAGONAL, PLAIN, ArrayPrinter, Chain, Factor, Form, Forms, shortest
from .printer import _place

FIRST = "0"
"""The place on an axis of length 1."""

Places = tuple[str, ...]


class ByIndex(NamedTuple):
    """A form number by number.

    Attributes:
        text: For a reader: ``sum_j A[i,j]*x[j]``.
        read: In the language, ``sum(j, A[i,j]*x[j])``.
    """

    text: str
    read: str


class Indices:
    """Writes forms by index.

    Args:
        forms: Whose they are.
        taken: Names that no index has.
    """

    def __init__(self, forms: Forms, taken: Collection[str]) -> None:
        self.forms = forms
        self.taken = taken
        self.printer = _PlacePrinter(forms, forms.printer.decimal)

    def written(self, x: Form, places: Places) -> ByIndex | None:
        """Return a form with a place on each axis; None where there are two cases, as on a diagonal."""
        letters = iter(c for c in free_letters(self.taken) if c not in places)
        terms: list[tuple[Places, Any]] = [((), self._at(x.whole, places))] if x.whole != 0 else []
        for chain, coefficient in x.chains.items():
            if all(f.kind == DIAGONAL for f in chain):
                return None
            summed, product = self._product(chain, places, letters)
            terms.append((summed, coefficient * product))
        shown: Piece | None = None
        read: Piece | None = None
        for summed, e in sorted(terms, key=lambda term: term[1].could_extract_minus_sign()):
            minus = e.could_extract_minus_sign() and (bool(summed) or shown is not None)
            body = self.printer.piece(shortest(-e if minus else e))
            inner = body
            for letter in reversed(summed):
                inner = call("sum", [Piece(letter), inner])
            sums = "".join(f"sum_{letter} " for letter in summed)
            outer = Piece((sums, bracketed(body, PRODUCT).parts), PRODUCT) if sums else body
            shown, read = _joined(shown, outer, minus=minus), _joined(read, inner, minus=minus)
        if shown is None or read is None:
            return ByIndex("0", "0")
        return ByIndex(shown.text, read.text)

    def _product(self, chain: Chain, places: Places, letters: Iterator[str]) -> tuple[Places, Any]:
        """Return the letters that a product is summed over, and the product."""
        lies = not _stands(chain[0])
        at: str | None = None if lies else places[0] if places else FIRST
        last = places[1] if len(places) == 2 else places[0] if places and lies else FIRST
        summed: list[str] = []
        product: Any = sympy.S.One
        for k, f in enumerate(chain):
            if f.kind == DIAGONAL:
                product *= self._at(f.expr, (at or FIRST,))
                continue
            vector = len(f.shape) == 1
            if vector and f.kind == PLAIN:
                product *= self._at(f.expr, (at or FIRST,))
                at = None
                continue
            after = [g for g in chain[k + 1 :] if g.kind != DIAGONAL]
            if not after:
                right = last
            elif _stands(after[0]):
                right = next(letters)
                summed.append(right)
            else:
                right = FIRST
            sides = (right,) if vector else (at or FIRST, right)
            product *= self._at(f.expr, sides if f.kind == PLAIN or vector else sides[::-1])
            at = right
        return tuple(summed), product

    def _at(self, e: Any, places: Places) -> Any:
        """Return what is computed number by number at a place: arrays with fewer axes lie along rows."""
        found = {}
        for s in sorted(self.forms.array_symbols(e), key=lambda s: s.name):
            own = places[len(places) - len(self.forms.shapes[s]) :]
            found[s] = self._number(s, own)
        return e.xreplace(found)

    def _number(self, s: Any, places: Places) -> Any:
        form = self.forms.formed.get(s)
        if form is not None and all(len(chain) == 1 and chain[0].kind != DIAGONAL for chain in form.chains):
            total = self._at(form.whole, places)
            for (f,), coefficient in form.chains.items():
                turned = f.kind != PLAIN and len(f.shape) == 2
                total += coefficient * self._at(f.expr, places[::-1] if turned else places)
            return total
        piece = bracketed(self.forms.pieces[s](), ATOM)
        text = f"{piece.text}[{','.join(places)}]"
        found = self.forms.symbol(("place", text), (), partial(Piece, text))
        self.printer.places.add(found)
        return found


def _stands(f: Factor) -> bool:
    """Whether a factor has an axis on its left."""
    return f.kind in (PLAIN, DIAGONAL) or len(f.shape) == 2


def _joined(before: Piece | None, x: Piece, *, minus: bool) -> Piece:
    if before is None:
        return signed(("-", x.parts)) if minus else x
    return spell(TEXTBOOK, "subtract" if minus else "add", [before, x])


class _PlacePrinter(ArrayPrinter):
    """Writes numbers of arrays last: ``2*(y[j] - t[j])*W[j,i]``."""

    def __init__(self, forms: Forms, decimal: bool) -> None:
        super().__init__(forms, decimal)
        self.places: set[Any] = set()

    def _place(self, factor: Any) -> tuple[bool, int]:
        base = factor.base if factor.is_Pow else factor
        return base in self.places, _place(factor)
