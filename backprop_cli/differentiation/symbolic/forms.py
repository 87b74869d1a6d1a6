"""Vectors and matrices in symbols: sums of products of matrices, and what goes number by number in them.

A `Form` is what a reader would write: ``2*A'@(A@x - b)``. Its terms are chains of factors; a factor is an
expression of SymPy's, computed number by number, transposed or set on a diagonal. Vectors stand; a row is its
transpose. Equal forms share a symbol, so that expressions of them are compared as those of numbers are.

Source:
    Laue, Mitterreiter and Giesen, Computing Higher Order Derivatives of Matrix and Tensor Expressions (2018),
    on matrix notation where products of labels reduce to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from math import prod
from typing import Any, NamedTuple

import sympy

from ...language.operators import ATOM, POWER, PRODUCT
from ...language.written import TEXTBOOK, Piece, behind, bracketed, call, spell
from ...ops import Shape
from ...ops.matrices import Kind, Operand, matrix_product
from .printer import Printer, _minus, _place

PLAIN, TURNED, DIAGONAL = "", "'", "diag"
PRODUCTS, ATOMS, LAST = "p", "s", "t"
"""Places in a sum: ``X'@(p - y) + lam*w``, ``2*A' + eye(2)``."""

LONG = 60  # operations of an expression from which none shorter is looked for


class Factor(NamedTuple):
    """A matrix in a product: an expression as it stands, transposed, or on a diagonal."""

    expr: Any
    shape: Shape
    kind: str = PLAIN

    @property
    def sides(self) -> tuple[int, int]:
        """Rows and columns; a vector is a column."""
        if self.kind == DIAGONAL:
            return self.shape[0], self.shape[0]
        rows, columns = (*self.shape, 1, 1)[:2]
        return (columns, rows) if self.kind == TURNED else (rows, columns)

    @property
    def ones(self) -> bool:
        """Whether it is a vector of ones."""
        return self.expr == 1 and len(self.shape) == 1

    def turned(self) -> Factor:
        """Return the transpose."""
        if self.kind == DIAGONAL:
            return self
        return self._replace(kind=PLAIN if self.kind == TURNED else TURNED)


Chain = tuple[Factor, ...]


class Form(NamedTuple):
    """A number, a vector or a matrix in symbols.

    Attributes:
        shape: () of a number, in which case ``whole`` is all.
        whole: An expression computed number by number.
        chains: Products of matrices with their coefficients, expressions of single numbers.
    """

    shape: Shape
    whole: Any
    chains: Mapping[Chain, Any] = {}

    @property
    def zero(self) -> bool:
        """Whether it is nothing."""
        return not self.chains and self.whole == 0


class Forms:
    """What forms are made of: symbols with their shapes, and how each is written."""

    def __init__(self, decimal: bool = False) -> None:
        self.shapes: dict[Any, Shape] = {}
        self.pieces: dict[Any, Callable[[], Piece]] = {}
        self.formed: dict[Any, Form] = {}
        self.numbers: set[Any] = set()
        self.units: dict[Any, int] = {}  # columns of the identity, by their symbols
        self._symbols: dict[Any, Any] = {}
        self.printer = ArrayPrinter(self, decimal)

    # symbols

    def symbol(self, key: Any, shape: Shape, piece: Callable[[], Piece], place: str = ATOMS) -> Any:
        """Return the symbol of what has a key, a new one where there is none.

        Args:
            key: What it is.
            shape: Of its value.
            piece: How it is written.
            place: Where it stands in a sum: its name is what SymPy sorts by.
        """
        if key not in self._symbols:
            found = sympy.Dummy(f"{place}{len(self._symbols):04d}", real=True)
            self._symbols[key] = found
            self.shapes[found], self.pieces[found] = shape, piece
        return self._symbols[key]

    def named(self, name: str, shape: Shape) -> Form:
        """Return what has a name."""
        return Form(shape, self.symbol(name, shape, lambda: Piece(name)))

    def size(self, name: str) -> Any:
        """Return the length of an axis as a symbol: the number of that name, where the program has one."""
        return self.named(name, ()).whole

    def called(self, function: str, shape: Shape, *operands: Any) -> Form:
        """Return a function of forms, or of sizes."""
        key = (function, *(self.key(x) if isinstance(x, Form) else x for x in operands))

        def written() -> Piece:
            return call(
                function, [self.piece(x) if isinstance(x, Form) else self._written_size(x) for x in operands]
            )

        return Form(shape, self.symbol(key, shape, written))

    def _written_size(self, n: Any) -> Piece:
        return Piece(str(n)) if isinstance(n, int) else self.printer.piece(n)

    def part(self, x: Form, index: str, shape: Shape) -> Form:
        """Return a part of a form."""

        def written() -> Piece:
            return Piece((bracketed(self.piece(x), ATOM).parts, index))

        return Form(shape, self.symbol((index, self.key(x)), shape, written))

    def key(self, x: Form) -> Any:
        """Return what equal forms have in common."""
        return x.shape, x.whole, frozenset(x.chains.items())

    def expr(self, x: Form) -> Any:
        """Return a form as an expression of numbers of its own."""
        if not x.chains:
            return x.whole
        place = PRODUCTS if any(len(chain) > 1 for chain in x.chains) else ATOMS
        found = self.symbol(self.key(x), x.shape, lambda: self.piece(x), place)
        self.formed[found] = x
        return found

    def array_symbols(self, e: Any) -> list[Any]:
        """Return the symbols in an expression that are arrays."""
        return [s for s in e.free_symbols if self.shapes.get(s)]

    def shape(self, e: Any) -> Shape:
        """Return the shape of an expression."""
        return max((self.shapes.get(s, ()) for s in e.free_symbols), key=len, default=())

    # algebra

    def split(self, e: Any) -> tuple[Any, Any]:
        """Return what an expression has of factors that are single numbers, and the rest."""
        if not self.array_symbols(e):
            return e, sympy.S.One
        scalar, rest = e.as_independent(*self.array_symbols(e), as_Add=False)
        return scalar, rest

    def add(self, x: Form, y: Form) -> Form:
        """Add forms of one shape."""
        chains = dict(x.chains)
        for chain, coefficient in y.chains.items():
            total = chains.get(chain, 0) + coefficient
            if total == 0:
                chains.pop(chain, None)
            else:
                chains[chain] = total
        return Form(x.shape, x.whole + y.whole, chains)

    def scaled(self, x: Form, by: Any) -> Form:
        """Multiply by an expression of single numbers."""
        if by == 0:
            return Form(x.shape, sympy.S.Zero)
        return Form(x.shape, x.whole * by, {chain: c * by for chain, c in x.chains.items()})

    def turned(self, x: Form) -> Form:
        """Return the transpose of a matrix."""
        if len(x.shape) < 2:
            return x
        return self.product_of(((c, _back(chain)) for c, chain in self.terms(x)), x.shape[::-1])

    def terms(self, x: Form) -> list[tuple[Any, Chain]]:
        """Return a form as products with coefficients; what is computed number by number is one of them."""
        found = [(c, chain) for chain, c in x.chains.items()]
        if x.whole != 0:
            scalar, rest = self.split(x.whole)
            found.insert(0, (scalar, (Factor(rest, x.shape),)))
        return found

    def multiply(
        self, x: Form, y: Form, shape: Shape, *, x_turned: bool = False, y_turned: bool = False
    ) -> Form:
        """Return the product of two matrices, vectors as columns; a turned one is transposed first."""
        pairs = [
            (a * b, (*(_back(left) if x_turned else left), *(_back(right) if y_turned else right)))
            for a, left in self.terms(x)
            for b, right in self.terms(y)
        ]
        return self.product_of(pairs, shape)

    def product_of(self, pairs: Iterable[tuple[Any, Chain]], shape: Shape) -> Form:
        """Return a sum of products, each brought to its shortest form."""
        total = Form(shape, sympy.S.Zero)
        for coefficient, chain in pairs:
            total = self.add(total, self.reduced(coefficient, chain, shape))
        return total

    def reduced(self, coefficient: Any, chain: Chain, shape: Shape) -> Form:
        """Return one product: numbers in front, sums over what is one everywhere, no identity."""
        factors = [f for f in chain if f.kind != DIAGONAL or f.expr != 1] or [chain[0]]
        pieces: list[list[Factor]] = [[]]
        for f in factors:
            pieces[-1].append(f)
            if len(f.shape) < 2 and f.kind == PLAIN:  # a matrix of one column is no vector
                pieces.append([])
        if not pieces[-1]:
            pieces.pop()
        kept: list[Factor] = []
        for piece in pieces:
            row = len(piece[0].shape) < 2 and piece[0].kind == TURNED
            if (row and len(piece[-1].shape) < 2 and piece[-1].kind == PLAIN) or shape == ():
                coefficient = coefficient * self._number(piece)
            else:
                kept += self._summed(piece)
        if not kept:
            return Form(shape, coefficient)
        first = kept[0]
        plain = first.kind == PLAIN or (first.kind == TURNED and len(shape) == 1)
        if plain and len(kept) == 1 and len(first.shape) == len(shape):
            return Form(shape, coefficient * first.expr)
        if len(kept) == 1 and first.kind == TURNED and len(first.shape) == 2:
            if first.expr in self.formed:  # the transpose of a transpose
                return self.scaled(self.turned(self.formed[first.expr]), coefficient)
            if first.expr.is_number:
                return Form(shape, coefficient * first.expr)
        return Form(shape, sympy.S.Zero, {tuple(kept): coefficient})

    def _summed(self, piece: list[Factor]) -> list[Factor]:
        """Replace products with ones by sums of rows and columns."""
        while len(piece) > 1 and piece[-1].ones and piece[-1].kind == PLAIN:
            piece = [*piece[:-2], self._along(piece[-2], rows=True)]
        while len(piece) > 1 and piece[0].ones and piece[0].kind == TURNED:
            piece = [self._along(piece[1], rows=False).turned(), *piece[2:]]
        return piece

    def _along(self, f: Factor, *, rows: bool) -> Factor:
        """Return the sum of each row, or of each column, of a factor, as a vector."""
        if f.kind == DIAGONAL or len(f.shape) == 1:
            return Factor(f.expr, f.shape)
        by_rows = rows != (f.kind == TURNED)
        scalar, rest = self.split(f.expr)
        size = f.shape[0 if by_rows else 1]
        if rest == 1:
            return Factor(scalar * f.shape[1 if by_rows else 0], (size,))
        found = self.called("rowsum" if by_rows else "colsum", (size,), Form(f.shape, rest))
        return Factor(scalar * found.whole, (size,))

    def _number(self, piece: list[Factor]) -> Any:
        """Return the number that a product of a row with what follows is."""
        for _ in range(2):
            if len(piece) == 1:
                f = piece[0]
                return f.expr if not f.shape else self.total(Form(f.shape, f.expr))
            if len(piece) == 2 and all(len(f.shape) == 1 for f in piece):
                return self.total(Form(piece[0].shape, piece[0].expr * piece[1].expr))
            piece = self._summed(piece)
        return self._bilinear(tuple(piece))

    def _bilinear(self, chain: Chain) -> Any:
        """Return the symbol of a number ``x'@A@y``, which is its own transpose."""
        least = min(chain, _back(chain), key=lambda c: [(f.kind == TURNED, str(f.expr)) for f in c[1:-1]])
        found = self.symbol(("number", least), (), lambda: self._chain(least, ()))
        self.numbers.add(found)
        return found

    def total(self, x: Form) -> Any:
        """Return the sum of all numbers of a form."""
        if not x.shape:
            return x.whole
        found: Any = sympy.S.Zero
        for coefficient, chain in self.terms(x):
            if len(chain) > 1 or chain[0].kind != PLAIN:
                inner = Form(x.shape, sympy.S.Zero, {chain: sympy.S.One})
                found += coefficient * self.called("sum", (), inner).whole
                continue
            e = chain[0].expr
            if e == 1:
                found += coefficient * prod(x.shape)
                continue
            arrays = list(sympy.Mul.make_args(e))
            if len(x.shape) == 1 and len(arrays) == 2 and all(not f.is_Pow for f in arrays):
                pair = sorted(arrays, key=lambda f: f.sort_key())
                found += coefficient * self._dot(pair[0], pair[1], x.shape)
            elif len(x.shape) == 1 and e.is_Pow and e.exp == 2:
                found += coefficient * self._dot(e.base, e.base, x.shape)
            else:
                found += coefficient * self.called("sum", (), Form(x.shape, e)).whole
        return found

    def _dot(self, a: Any, b: Any, shape: Shape) -> Any:
        if a in self.formed or b in self.formed:  # x'@(A@y) is x'@A@y
            x, y = (self.formed.get(e, Form(shape, e)) for e in (a, b))
            pairs = [
                (c * d, (*_back(left), *right)) for c, left in self.terms(x) for d, right in self.terms(y)
            ]
            return self.product_of(pairs, ()).whole
        return self._bilinear((Factor(a, shape, TURNED), Factor(b, shape)))

    def times(self, x: Form, e: Any, shape: Shape) -> Form:
        """Multiply a form number by number by an expression, to a shape."""
        if e == 0 or x.zero:
            return Form(shape, sympy.S.Zero)
        found = Form(shape, x.whole * e)
        for chain, coefficient in x.chains.items():
            if not self.array_symbols(e):
                found = self.add(found, Form(shape, sympy.S.Zero, {chain: coefficient * e}))
                continue
            first, last = chain[0], chain[-1]
            outer = len(chain) == 2 and len(first.shape) == len(last.shape) == 1 and last.kind == TURNED
            if outer and len(shape) == 2:
                inner = Factor(e, shape) if self.shape(e) == shape else None
                if inner is not None and 1 in (first.expr, last.expr):
                    scalar, rest = self.split(e)
                    sides = (Factor(first.expr, first.shape, DIAGONAL), Factor(rest, shape),
                             Factor(last.expr, last.shape, DIAGONAL))  # fmt: skip
                    found = self.add(found, self.reduced(coefficient * scalar, sides, shape))
                    continue
            one = Form(x.shape, sympy.S.Zero, {chain: sympy.S.One})
            found = self.add(found, Form(shape, coefficient * self.expr(one) * e))
        return found

    def tidy(self, x: Form) -> Form:
        """Return the same as it is written in fewest signs."""
        whole = shortest(x.whole)
        chains = {chain: shortest(c) for chain, c in x.chains.items()}
        chains = self._gathered(chains, lambda c: (c[1:], c[0].sides), 0)
        chains = self._gathered(chains, lambda c: (c[:-1], c[-1].sides), -1)
        return Form(x.shape, whole, chains)

    def _gathered(
        self, chains: Mapping[Chain, Any], key: Callable[[Chain], Any], at: int
    ) -> dict[Chain, Any]:
        """Write products that differ in one factor as one product with a sum: ``(A + A')@x``."""
        groups: dict[Any, list[Chain]] = {}
        for chain in chains:
            groups.setdefault(key(chain), []).append(chain)
        found: dict[Chain, Any] = {}
        for (rest, _), members in groups.items():
            if len(members) == 1 or any(chain[at].kind == DIAGONAL for chain in members) or not rest:
                found.update((chain, chains[chain]) for chain in members)
                continue
            first = chains[members[0]]
            ratios = [sympy.cancel(chains[c] / first) for c in members]
            alike = all(ratio.is_Rational for ratio in ratios)
            common = first * reduce(sympy.gcd, ratios) if alike else sympy.S.One
            sides = members[0][at].sides
            vector = len(members[0][at].shape) == 1
            shape = members[0][at].shape if vector else sides
            total = Form(shape, sympy.S.Zero)
            for chain in members:
                f = chain[at]
                kind = PLAIN if vector else f.kind
                total = self.add(total, self.reduced(chains[chain] / common, (f._replace(kind=kind),), shape))
            one = Factor(self.expr(total), shape, members[0][at].kind if vector else PLAIN)
            merged = (one, *rest) if at == 0 else (*rest, one)
            found[merged] = found.get(merged, 0) + common
        return found

    # writing

    def text(self, x: Form) -> str:
        """Write a form in our language."""
        x = self.tidy(x)
        return self._listed(x) or self.piece(x).text

    def _listed(self, x: Form) -> str | None:
        """Write a vector that has a number in each of its places as a list of them."""
        units = {
            k: s for s, k in self.units.items() if s in x.whole.free_symbols and self.shapes[s] == x.shape
        }
        if x.chains or len(x.shape) != 1 or not units or not isinstance(x.shape[0], int):
            return None
        whole = sympy.expand(x.whole)
        found = [whole.coeff(units[k]) if k in units else sympy.S.Zero for k in range(x.shape[0])]
        rest = sympy.expand(whole - sum(found[k] * s for k, s in units.items()))
        if rest != 0 or any(map(self.array_symbols, found)):
            return None
        if len(found) == 1:  # brackets around a number are no vector
            return self.piece(Form(x.shape, shortest(found[0]))).text
        return f"[{', '.join(self.printer.piece(shortest(e)).text for e in found)}]"

    def called_sizes(self, name: str, shape: Shape) -> Any:
        """Return the symbol of an array of one number."""
        return self.symbol((name, shape), shape, lambda: call(name, [*map(self._written_size, shape)]))

    def piece(self, x: Form) -> Piece:
        """Write a form."""
        total: Any = x.whole if x.chains else self._spread(x.whole, x.shape)
        for chain, coefficient in x.chains.items():
            total += coefficient * self._stand_in(chain, x.shape)
        return self.printer.piece(total)

    def _stand_in(self, chain: Chain, shape: Shape) -> Any:
        place = PRODUCTS if len(chain) > 1 else LAST if chain[0].kind == DIAGONAL else ATOMS
        return self.symbol(("chain", chain, shape), shape, lambda: self._chain(chain, shape), place)

    def _chain(self, chain: Chain, shape: Shape) -> Piece:
        """Write a product; where an axis has length 1, what stands and what is a matrix is made plain."""
        written = [self._factor(f) for f in chain]
        kinds = [_kind_of(f) for f in chain]
        for k, kind in enumerate(kinds[:-1]):
            after = kinds[k + 1]
            if len(kind.shape) == 1 and not kind.row and len(after.shape) == 2:
                written[k], kinds[k] = self._as(written[k], kind, (*kind.shape, 1)), Kind((*kind.shape, 1))
            if len(kinds[k].shape) == 2 and after.row:
                shape_ = (1, *after.shape)
                written[k + 1], kinds[k + 1] = self._as(written[k + 1], after, shape_), Kind(shape_)
        found, kind = written[0], kinds[0]
        for piece, after in zip(written[1:], kinds[1:], strict=True):
            found = Piece((found.parts, "@", bracketed(piece, POWER).parts), PRODUCT)
            kind = matrix_product(Operand(kind, ""), Operand(after, "")).kind
        return self._as(found, kind, shape)

    def _as(self, x: Piece, kind: Kind, shape: Shape) -> Piece:
        """Write a product as a number, a vector or a matrix, whichever it is to be."""
        if kind == Kind(shape):
            return x
        if not shape:
            return call("sum", [x])
        if not kind.shape:
            ones = call("ones", [*map(self._written_size, shape)])
            return spell(TEXTBOOK, "multiply", [behind(x, PRODUCT), ones])
        if len(shape) == 1:
            if len(kind.shape) == 1:
                return Piece((bracketed(x, ATOM).parts, "'"))
            return call("rowsum" if kind.shape[1] == 1 else "colsum", [x])
        ones = call("ones", [Piece("1")])
        if kind.row:
            return Piece((ones.parts, "@", bracketed(x, POWER).parts), PRODUCT)
        return Piece((bracketed(x, PRODUCT).parts, "@", ones.parts, "'"), PRODUCT)

    def _factor(self, f: Factor) -> Piece:
        if f.kind == DIAGONAL:
            if f.expr == 1:
                return call("eye", [self._written_size(f.shape[0])])
            return call("diag", [self._array(f)])
        piece = self._array(f)
        if f.kind == TURNED:
            return Piece((bracketed(piece, ATOM).parts, "'"))
        return bracketed(behind(piece, POWER), POWER)

    def _array(self, f: Factor) -> Piece:
        """Write a factor's expression."""
        return self.printer.piece(self._spread(f.expr, f.shape))

    def _spread(self, e: Any, shape: Shape) -> Any:
        """Return an expression with every axis of a shape: it may be one number, or a row, everywhere."""
        if len(self.shape(e)) >= len(shape):
            return e
        return self.called_sizes("zeros", shape) if e == 0 else e * self.called_sizes("ones", shape)


def _back(chain: Chain) -> Chain:
    """Return the transpose of a product."""
    return tuple(f.turned() for f in reversed(chain))


def _kind_of(f: Factor) -> Kind:
    if len(f.shape) == 1 and f.kind != DIAGONAL:
        return Kind(f.shape, row=f.kind == TURNED)
    return Kind(f.sides)


def shortest(e: Any) -> Any:
    """Return an expression as it is written with fewest operations."""
    if not isinstance(e, sympy.Expr) or e.is_Atom or e.count_ops() > LONG:
        return e
    ways = [way(e) for way in (sympy.expand, sympy.cancel, sympy.factor)]
    ways = [e, sympy.factor_terms(e), *ways, *map(sympy.factor_terms, ways)]
    # SymPy counts 2*y - 2*t and 2*(y - t) alike
    return min(ways, key=lambda w: (w.count_ops(), len(str(w))))


class ArrayPrinter(Printer):
    """Writes what is computed number by number: with dots where a matrix has a part in it."""

    def __init__(self, forms: Forms, decimal: bool) -> None:
        self.written: dict[Any, Piece] = {}
        super().__init__(decimal, self.written)
        self.forms = forms

    def piece(self, e: Any) -> Piece:
        if e.is_Symbol and e in self.forms.pieces:
            return self.forms.pieces[e]()
        return super().piece(e)

    def _axes(self, e: Any) -> int:
        return len(self.forms.shape(e))

    def product(self, e: Any) -> Piece:
        scalar = e.args[0]
        if scalar.is_Rational and scalar < 0:
            return _minus(self.piece(-e))
        above, below = self.factors(e, self._place)
        top, axes = self._joined(above)
        if not below:
            return top
        bottom, lower = self._joined(below)
        dotted = lower == 2 or (axes == 2 and lower)
        return spell(TEXTBOOK, "./" if dotted else "divide", [top, bottom])

    def _place(self, factor: Any) -> tuple[Any, ...]:
        """Numbers lead, then single numbers, then arrays, sums last."""
        return self._axes(factor) > 0, _place(factor)

    def _joined(self, factors: Sequence[Any]) -> tuple[Piece, int]:
        found, axes = Piece("1"), 0
        for k, factor in enumerate(factors):
            piece, own = self.piece(factor), self._axes(factor)
            if factor in self.forms.numbers and len(factors) > 1:
                piece = bracketed(piece, ATOM)  # x'@y*z is no product of x'@y
            if k == 0:
                found, axes = (piece if len(factors) == 1 else behind(piece, PRODUCT)), own
                continue
            dotted = axes and own and 2 in (axes, own)
            factor = behind(piece, POWER if dotted else PRODUCT)
            found = spell(TEXTBOOK, ".*" if dotted else "multiply", [found, factor])
            axes = max(axes, own)
        return found, axes

    def power(self, base: Any, exponent: Any) -> Piece:
        if self._axes(base) < 2 and self._axes(exponent) < 2:
            return super().power(base, exponent)
        if exponent == sympy.Rational(1, 2):
            return call("sqrt", [self.piece(base)])
        if exponent.could_extract_minus_sign():
            return spell(TEXTBOOK, "./", [Piece("1 "), behind(self.piece(base**-exponent), POWER)])
        return spell(TEXTBOOK, ".^", [self.piece(base), self.piece(exponent)])
