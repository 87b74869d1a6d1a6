"""Vectors and matrices as values of the language: kinds of values, and the rows that programs apply to them.

A row says which kinds of operands it takes, what it comes to number by number (the side of the witnesses),
how it is computed over arrays, and how a cotangent is pulled back. Every product, sum and transpose is one
rule, a contraction by labels: ``ij,j->i``. Storage is NumPy's: a vector and a row are both (n,); which one it
is belongs to the kind, never to the numbers.

Source:
    Laue, Mitterreiter and Giesen, A simple and efficient tensor calculus (2020), on labels as the only rule;
    Petersen and Pedersen, The Matrix Cookbook (2012), sections 2.1 and 2.2, on determinants and inverses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from itertools import combinations
from math import prod
from operator import add, mul
from typing import Any, NamedTuple

from .elementwise import PRIMITIVES
from .primitive import Primitive, Shape, broadcast
from .tensor import Pull, Samples, TensorPrimitive

MATRICES: dict[str, MatrixRow] = {}


class Kind(NamedTuple):
    """What a value is: a number, a vector, a row or a matrix.

    Attributes:
        shape: Of its numbers; () of a single one.
        row: It is a vector lying down, as only a transpose makes it.
    """

    shape: Shape = ()
    row: bool = False

    def __str__(self) -> str:
        """Say it in words: ``a 2x3 matrix``."""
        if len(self.shape) == 2:
            return f"a {self.size} matrix"
        return f"a {'row' if self.row else 'vector'} of {self.size}" if self.shape else "a number"

    @property
    def size(self) -> str:
        """The shape as people write it: ``2x3``, ``3``; ``-`` of a number."""
        return "x".join(map(str, self.shape)) or "-"


NUMBER = Kind()
TOO_DEEP = "an array has rows and columns, no more"


class Operand(NamedTuple):
    """What an operation is applied to.

    Attributes:
        kind: What it is.
        text: As it is written.
        value: The number that it is by its making; None for any other.
    """

    kind: Kind
    text: str
    value: float | None = None

    @property
    def axes(self) -> int:
        """How many its numbers have."""
        return len(self.kind.shape)


class Clash(Exception):
    """Operands that do not go together.

    Attributes:
        message: Why.
        hint: What to write; None where there is nothing to say.
        unequal: Lengths that would have to be equal, in pairs; none where that is not what is wrong.
    """

    def __init__(self, message: str, hint: str | None = None, unequal: Sequence[Sequence[int]] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.unequal: Sequence[Sequence[int]] = unequal


class TwoReadings(Clash):
    """Operands between which a sign has two meanings."""


class Applied(NamedTuple):
    """What an operation is over operands of known kinds.

    Attributes:
        row: The primitive.
        kind: Of its value.
        static: What the primitive is told besides.
    """

    row: Primitive
    kind: Kind
    static: Mapping[str, Any] = {}


Typed = Callable[..., Applied]
"""``(*operands) -> what is applied``; raises a `Clash`."""


class Rowwise(NamedTuple):
    """An operand of a step over many examples, a row each.

    Attributes:
        id: Its node.
        shape: Of its value for one example.
        varies: It changes with the row: the axis of rows stands before the others.
    """

    id: int
    shape: Shape
    varies: bool


class MatrixRow(TensorPrimitive):
    """A row over vectors and matrices.

    Attributes:
        typed: What it is over operands; None for a row that only rules apply.
        number: The row over numbers that it is element by element; None of any other.
        definition: The same number by number, over a namespace of arrays of single numbers.
        batched: The same for many examples at once: ``(at, row, *operands, **static)`` -> its node, of which
            ``at`` appends nodes (`engine.batched`); None where it goes by one example alone.
        entry: The same in index notation, for a reader: ``sum_j A[i,j]*B[j,k]``.
        written: How it is written, where that is no call.

    Derivatives in ``local`` are by index where they can be: ``g`` is that by the value ``y``, ``[*]`` the
    place of a number, ``[*k]`` another one of its row, ``[r]`` the row.
    """

    __slots__ = ("batched", "definition", "entry", "number", "typed", "written")

    def __init__(
        self,
        name: str,
        *,
        typed: Typed | None,
        definition: Callable[..., Any] | None = None,
        number: Primitive | None = None,
        batched: Callable[..., int] | None = None,
        entry: str = "",
        written: str = "",
        **row: Any,
    ) -> None:
        super().__init__(name, **row)
        self.batched = batched
        self.number = number
        self.entry = entry
        self.written = written
        self.typed = typed
        self.definition = definition or self.forward

    @property
    def signature(self) -> str:
        """How it is written: ``A @ B``, ``sum(x)``, ``A'``."""
        return self.written or super().signature.replace(" of an array", "")


def _row(name: str, *, own_name: str | None = None, **row: Any) -> None:
    """Enter one row; it has another name of its own where engines have that one for something else."""
    MATRICES[name] = MatrixRow(own_name or name, **row)


# Contractions


def labels(spec: str) -> tuple[list[str], str]:
    """Return the labels of the operands and of the value of ``ij,j->i``."""
    operands, value = spec.split("->")
    return operands.split(","), value


def sizes_of(words: Sequence[str], shapes: Sequence[Shape]) -> dict[str, int]:
    """Return the length of every label's axis."""
    pairs = zip(words, shapes, strict=True)
    return {c: n for word, shape in pairs for c, n in zip(word, shape, strict=True)}


def _contracted(*shapes: Shape, spec: str) -> Shape:
    words, value = labels(spec)
    sizes = sizes_of(words, shapes)
    return tuple(sizes[c] for c in value)


def _spread(xp: Any, g: Any, have: str, want: str, shape: Shape) -> Any:
    """Return an array with axes for labels that it lacks, in the order of ``want``."""
    if have == want:
        return g
    if have:
        g = xp.contract(f"{have}->{''.join(c for c in want if c in have)}", g)
        g = xp.reshape(g, tuple(n if c in have else 1 for c, n in zip(want, shape, strict=True)))
    return xp.expand(g, shape)


def _pulled(xp: Any, operands: Sequence[Any], spec: str, position: int) -> Pull:
    """Swap the labels of the value and of an operand: what nobody has is spread, a trace is a diagonal."""
    words, value = labels(spec)
    own = words[position]
    others = [(word, x) for k, (word, x) in enumerate(zip(words, operands, strict=True)) if k != position]
    shape = operands[position].shape

    def transpose(g: Any) -> Any:
        seen = value + "".join(word for word, _ in others)
        there = "".join(c for c in dict.fromkeys(own) if c in seen)
        terms = ",".join([value, *(word for word, _ in others)])
        found = xp.contract(f"{terms}->{there}", g, *(x for _, x in others))
        once = "".join(dict.fromkeys(own))
        sizes = dict(zip(own, shape, strict=True))
        found = _spread(xp, found, there, once, tuple(sizes[c] for c in once))
        return xp.apart(found) if once != own else found

    return Pull(transpose)


def index_text(own: str, factors: Sequence[tuple[str, str]], over: Sequence[str] | None = None) -> str:
    """Write a product of arrays number by number: ``sum_j A[i,j]*B[j,k]``.

    Args:
        own: The labels of the number that it is.
        factors: Names, and the labels of their numbers.
        over: The labels that are summed over; None for all others, as they come.
    """
    if over is None:
        over = [c for c in dict.fromkeys("".join(word for _, word in factors)) if c not in own]
    product = "*".join(name + (f"[{','.join(word)}]" if word else "") for name, word in factors)
    return "".join(f"sum_{c} " for c in over) + (product or "1")


def _over_rows(at: Any, row: MatrixRow, *operands: Rowwise, spec: str) -> int:
    """Contract with a label for the rows before those of what changes with them, which comes first.

    In that order a dense layer is the product that `linear` makes of rows and weights. A diagonal is a
    product with the identity.
    """
    words, value = labels(spec)
    if words[0][:2] == "ii":
        words, operands = ["ij", "ij"], (*operands, _identity(at, operands[0].shape))
    pairs = sorted(zip(words, operands, strict=True), key=lambda pair: not pair[1].varies)
    terms = ",".join("r" * x.varies + word for word, x in pairs)
    return int(at.apply(row, *(x.id for _, x in pairs), spec=f"{terms}->r{value}"))


def _identity(at: Any, shape: Shape) -> Rowwise:
    return Rowwise(at.apply(MATRICES["eye"], shape=shape), shape, varies=False)


def _along_last(at: Any, row: MatrixRow, *operands: Rowwise) -> int:
    """Apply a row that goes along the last axis whatever is before it."""
    return int(at.apply(row, *map(at.whole, operands)))


def _contraction(
    name: str, typed: Typed, samples: Samples, params: tuple[str, ...], entry: str = "", **row: Any
) -> None:
    spec = samples[0][1]["spec"]
    words, value = labels(spec)
    pairs = list(zip(params, words, strict=True))
    local = [
        index_text(own, [("g", value), *(pair for j, pair in enumerate(pairs) if j != k)])
        if len(set(own)) == len(own)
        else f"g{f'[{value}]' if value else ''} where i = j, else 0"
        for k, own in enumerate(words)
    ]
    _row(
        name,
        typed=typed,
        entry=entry or index_text(value, pairs),
        forward=lambda xp, *operands, spec: xp.contract(spec, *operands),
        partials=lambda xp, y, *operands, spec: tuple(
            _pulled(xp, operands, spec, k) for k in range(len(operands))
        ),
        shape=_contracted,
        batched=_over_rows,
        local=tuple(local),
        params=params,
        samples=samples,
        **row,
    )


def _applied(name: str, spec: str, kind: Kind) -> Applied:
    return Applied(MATRICES[name], kind, {"spec": spec})


def _wanted(name: str, what: str, x: Operand) -> Clash:
    return Clash(f"{name} takes {what}, not {x.kind}")


def _square(name: str, a: Operand) -> int:
    if a.axes != 2 or len(set(a.kind.shape)) > 1:
        clash = _wanted(name, "a square matrix", a)
        clash.unequal = [a.kind.shape] if len(a.kind.shape) == 2 else ()
        raise clash
    return a.kind.shape[0]


def _array(name: str, x: Operand, what: str = "a vector or a matrix") -> Kind:
    if not x.axes:
        raise _wanted(name, what, x)
    return x.kind


def matrix_product(a: Operand, b: Operand) -> Applied:
    """Return what ``a@b`` is: the kinds say where a vector stands and where it lies."""
    for x in (a, b):
        if not x.axes:
            raise Clash(f"@ is the product of arrays, and {x.text} is {x.kind}", f"{a.text}*{b.text}")
    m, n = a.kind.shape, b.kind.shape
    lies, stands = a.kind.row or b.axes == 2, not b.kind.row
    if a.axes == 1 and b.axes == 1:
        if not a.kind.row and b.kind.row:
            return _applied("@", "i,j->ij", Kind((m[0], n[0])))
        if a.kind.row and b.kind.row:
            raise Clash(f"{a.kind} times {b.kind} is no product", f"{a.text}@{_turned(b.text)} is a number")
        return _applied("@", "i,i->", NUMBER) if m == n else _clash(a, b, m[0], n[0])
    if a.axes == 1 and lies:
        return _applied("@", "i,ij->j", Kind((n[1],), row=True)) if m[0] == n[0] else _clash(a, b, m[0], n[0])
    if b.axes == 1:
        if stands:
            return _applied("@", "ij,j->i", Kind((m[0],))) if m[1] == n[0] else _clash(a, b, m[1], n[0])
        raise Clash(f"{a.kind} times {b.kind}: {m[1]} columns meet 1 row", f"{a.text}@{_turned(b.text)}")
    return _applied("@", "ij,jk->ik", Kind((m[0], n[1]))) if m[1] == n[0] else _clash(a, b, m[1], n[0])


def _turned(text: str) -> str:
    """Return a text with a transpose behind it, or without the one that is there."""
    if text.endswith("'"):
        return text[:-1]
    closed = text.replace("_", "").isalnum() or (text[0] in "([" and text[-1] in ")]")
    return f"{text}'" if closed else f"({text})'"


def _pairs(a: Shape, b: Shape) -> Sequence[tuple[int, int]]:
    """Return the lengths of axes that would have to be equal; none where shapes have unlike many."""
    return list(zip(a, b, strict=True)) if len(a) == len(b) else ()


def _clash(a: Operand, b: Operand, columns: int, rows: int) -> Applied:
    unequal = [(columns, rows)]
    if a.axes == 1 and b.axes == 1:
        raise Clash(f"{a.kind} times {b.kind}: {columns} numbers meet {rows}", unequal=unequal)
    hint = None
    if a.axes == 2 and a.kind.shape[0] == rows:
        hint = f"{_turned(a.text)}@{b.text} would fit"
    elif b.axes == 2 and b.kind.shape[1] == columns:
        hint = f"{a.text}@{_turned(b.text)} would fit"
    raise Clash(f"{a.kind} times {b.kind}: {columns} columns meet {rows} rows", hint, unequal)


def _transposed(x: Operand) -> Applied:
    if not x.axes:
        raise Clash(f"numbers have no transpose, and {x.text} is one", "f' of a function is what grad takes")
    if x.axes == 1:
        return _applied("'", "i->i", Kind(x.kind.shape, not x.kind.row))
    return _applied("'", "ij->ji", Kind(x.kind.shape[::-1]))


def _dot(x: Operand, y: Operand) -> Applied:
    if x.axes != 1 or y.axes != 1:
        raise _wanted("dot", "two vectors", y if x.axes == 1 else x)
    if x.kind.shape != y.kind.shape:
        _clash(x, y, *x.kind.shape, *y.kind.shape)
    return _applied("dot", "i,i->", NUMBER)


def _outer(x: Operand, y: Operand) -> Applied:
    if x.axes != 1 or y.axes != 1:
        raise _wanted("outer", "two vectors", y if x.axes == 1 else x)
    return _applied("outer", "i,j->ij", Kind((*x.kind.shape, *y.kind.shape)))


def _trace(a: Operand) -> Applied:
    _square("trace", a)
    return _applied("trace", "ii->", NUMBER)


def _sum(x: Operand) -> Applied:
    return _applied("sum", f"{'ij'[: len(_array('sum', x).shape)]}->", NUMBER)


def _along(name: str, keep: int) -> Typed:
    def typed(a: Operand) -> Applied:
        if a.axes != 2:
            raise _wanted(name, "a matrix", a)
        return _applied(name, f"ij->{'ij'[keep]}", Kind((a.kind.shape[keep],)))

    return typed


def _diagonal(a: Operand) -> Applied:
    if a.axes == 1:
        return Applied(MATRICES["apart"], Kind(a.kind.shape * 2))
    _square("diag", a)
    return _applied("diag", "ii->i", Kind(a.kind.shape[:1]))


_contraction(
    "@",
    matrix_product,
    (
        (((2, 3), (3, 4)), {"spec": "ij,jk->ik"}),
        (((2, 3), (3,)), {"spec": "ij,j->i"}),
        (((2,), (2, 3)), {"spec": "i,ij->j"}),
        (((3,), (3,)), {"spec": "i,i->"}),
        (((2,), (3,)), {"spec": "i,j->ij"}),
    ),
    params=("A", "B"),
    infix="@",
    says="matrix product; of two vectors the dot product",
)
_contraction(
    "'",
    _transposed,
    ((((2, 3),), {"spec": "ij->ji"}), (((3,),), {"spec": "i->i"})),
    params=("A",),
    infix="'",
    written="A'",
    entry="A[j,i]",
    says="transpose; of a vector a row",
)
_contraction("dot", _dot, ((((3,), (3,)), {"spec": "i,i->"}),), params=("x", "y"), says="dot product")
_contraction(
    "outer",
    _outer,
    ((((2,), (3,)), {"spec": "i,j->ij"}),),
    params=("x", "y"),
    says="outer product x@y'",
)
_contraction("trace", _trace, ((((3, 3),), {"spec": "ii->"}),), params=("A",), says="trace")
_contraction(
    "sum",
    _sum,
    ((((2, 3),), {"spec": "ij->"}), (((3,),), {"spec": "i->"})),
    own_name="sum of an array",
    params=("x",),
    says="the sum of all numbers",
)
_contraction(
    "rowsum",
    _along("rowsum", 0),
    ((((2, 3),), {"spec": "ij->i"}),),
    params=("A",),
    says="the sum of each row",
)
_contraction(
    "colsum",
    _along("colsum", 1),
    ((((2, 3),), {"spec": "ij->j"}),),
    params=("A",),
    says="the sum of each column",
)
_contraction(
    "diag",
    _diagonal,
    ((((3, 3),), {"spec": "ii->i"}),),
    params=("A",),
    says="the diagonal of a matrix; the matrix with a vector as its diagonal",
)


def _set_apart(xp: Any, x: Any) -> Any:
    n = len(x)
    return xp.filled((n, n), lambda i, j: x[i] if i == j else 0.0)


_row(
    "apart",
    typed=None,
    params=("x",),
    batched=lambda at, row, x: _over_rows(at, MATRICES["@"], x, _identity(at, x.shape * 2), spec="i,ij->ij"),
    forward=lambda xp, x: xp.apart(x),
    definition=_set_apart,
    partials=lambda xp, y, x: (Pull(lambda g: xp.contract("ii->i", g)),),
    shape=lambda x: x * 2,
    local=("diag(g)",),
    samples=((((3,),), {}),),
    says="the matrix with a vector as its diagonal",
)

# Number by number, where a sign has one reading


def _by_number(sign: str, name: str) -> None:
    """Enter ``.*`` for ``*``: the same row under the sign that matrices need."""
    row = PRIMITIVES[name]
    _row(
        sign,
        typed=lambda a, b: Applied(MATRICES[sign], together(a, b)),
        number=row,
        params=row.params,
        infix=sign,
        forward=row.forward if name != "power" else lambda xp, a, b: xp.power(a, b),
        partials=row.partials,
        shape=broadcast,
        local=row.local,
        samples=((((2, 3), (2, 3)), {}), (((2, 3), (3,)), {}), (((2, 3), ()), {})),
        entry=f"a[i]{sign[1:]}b[i]",
        says=f"{row.says}, element by element",
    )


def together(*operands: Operand) -> Kind:
    """Return the kind of what is computed number by number: numbers go with all, alike ones with each other.

    A vector or a row goes onto each row of a matrix; no axis of length 1 is stretched.
    """
    found = operands[0]
    for x in operands[1:]:
        a, b = found.kind, x.kind
        if not x.axes or a == b:
            continue
        if not found.axes or (x.axes == 2 and found.axes == 1 and b.shape[1] == a.shape[0]):
            found = x
        elif not (found.axes == 2 and x.axes == 1 and a.shape[1] == b.shape[0]):
            unequal = () if a.row != b.row else list(zip(a.shape[::-1], b.shape[::-1], strict=False))
            raise Clash(f"{a} and {b} do not go together element by element", _fitting(found, x), unequal)
    return found.kind


def _fitting(x: Operand, y: Operand) -> str | None:
    if x.axes == y.axes == 1 and x.kind.shape == y.kind.shape:
        vector = x if x.kind.row else y
        return f"{_turned(vector.text)} is {Kind(vector.kind.shape)}"
    if {x.axes, y.axes} == {1, 2}:
        a, b = (x, y) if x.axes == 2 else (y, x)
        if a.kind.shape[0] == b.kind.shape[0]:
            return f"({_turned(a.text)} + {b.text})' goes column by column"
    if x.axes == y.axes == 2 and x.kind.shape == y.kind.shape[::-1]:
        return f"{_turned(y.text)} is {Kind(x.kind.shape)}"
    return None


_by_number(".*", "multiply")
_by_number("./", "divide")
_by_number(".^", "power")

# Reductions


def _of_array(name: str, kind: Callable[[Kind], Kind]) -> Typed:
    return lambda x: Applied(MATRICES[name], kind(_array(name, x)))


def _number(_: Kind) -> Kind:
    return NUMBER


def _same(kind: Kind) -> Kind:
    return kind


def _a_row(kind: Kind) -> Kind:
    """A number a row."""
    return Kind(kind.shape[:-1])


def _summed(at: Any, x: Rowwise) -> int:
    """Sum over all axes of one example."""
    return _over_rows(at, MATRICES["sum"], x, spec=f"{'ij'[: len(x.shape)]}->")


def _norms(at: Any, row: MatrixRow, x: Rowwise) -> int:
    squares = Rowwise(at.step("multiply", x.id, x.id), x.shape, True)
    return int(at.step("sqrt", _summed(at, squares)))


_row(
    "mean",
    typed=_of_array("mean", _number),
    params=("x",),
    batched=lambda at, row, x: at.step("divide", _summed(at, x), at.number(float(prod(x.shape)))),
    forward=lambda xp, x: xp.divide(xp.sum(x, None), float(prod(x.shape))),
    partials=lambda xp, y, x: (1.0 / prod(x.shape),),
    shape=lambda x: (),
    local=("g/n",),
    samples=((((2, 3),), {}), (((3,),), {})),
    entry="sum_i x[i]/n",
    says="the mean of all numbers",
)
_row(
    "norm",
    typed=_of_array("norm", _number),
    params=("x",),
    batched=_norms,
    forward=lambda xp, x: xp.sqrt(xp.sum(x * x, None)),
    definition=lambda xp, x: reduce(xp.hypot, x.reshape(-1)) if prod(x.shape) > 1 else xp.abs(x.reshape(())),
    partials=lambda xp, y, x: (Pull(lambda g: xp.divide(g, y) * x),),
    shape=lambda x: (),
    local=("g*x[*]/y",),
    samples=((((2, 3),), {}), (((3,),), {})),
    kinks="0",
    entry="sqrt(sum_i x[i]^2)",
    says="the length: the root of the sum of squares",
)


def _kept(xp: Any, g: Any, x: Any) -> Any:
    """Return a number a row with the last axis again, of length 1."""
    return xp.reshape(g, (*x.shape[:-1], 1)) if len(x.shape) > 1 else g


def _total(xp: Any, x: Any) -> Any:
    return xp.sum(x, (-1,), keep=True)


def _softmax(xp: Any, z: Any) -> Any:
    e = xp.exp(z - xp.largest(z, -1))
    return xp.divide(e, _total(xp, e))


def _log_softmax(xp: Any, z: Any) -> Any:
    shifted = z - xp.largest(z, -1)
    return shifted - xp.log(_total(xp, xp.exp(shifted)))


def _logsumexp(xp: Any, z: Any) -> Any:
    top = xp.largest(z, -1)
    return xp.reshape(top + xp.log(_total(xp, xp.exp(z - top))), z.shape[:-1])


# definitions: without the largest taken out, which is there against overflow alone


def _ratios(xp: Any, z: Any) -> Any:
    e = xp.exp(z)
    return xp.divide(e, _total(xp, e))


def _log_total(xp: Any, z: Any) -> Any:
    return xp.log(xp.sum(xp.exp(z), (-1,)))


_ROWS_OF_Z: Samples = ((((3, 4),), {}), (((3,),), {}))
_row(
    "softmax",
    typed=_of_array("softmax", _same),
    params=("z",),
    batched=_along_last,
    forward=_softmax,
    definition=_ratios,
    partials=lambda xp, y, z: (Pull(lambda g: y * (g - _total(xp, g * y))),),
    local=("y[*]*(g[*] - sum_k g[*k]*y[*k])",),
    samples=_ROWS_OF_Z,
    entry="exp(z[i])/sum_k exp(z[k])",
    says="e^z over the sum of e^z, row by row",
)
_row(
    "log_softmax",
    typed=_of_array("log_softmax", _same),
    params=("z",),
    batched=_along_last,
    forward=_log_softmax,
    definition=lambda xp, z: z - _kept(xp, _log_total(xp, z), z),
    partials=lambda xp, y, z: (Pull(lambda g: g - xp.exp(y) * _total(xp, g)),),
    local=("g[*] - exp(y[*])*sum_k g[*k]",),
    samples=_ROWS_OF_Z,
    entry="z[i] - log(sum_k exp(z[k]))",
    says="log(softmax(z)), row by row",
)
_row(
    "logsumexp",
    typed=_of_array("logsumexp", _a_row),
    params=("z",),
    batched=_along_last,
    forward=_logsumexp,
    definition=_log_total,
    partials=lambda xp, y, z: (Pull(lambda g: _kept(xp, g, z) * _softmax(xp, z)),),
    shape=lambda z: z[:-1],
    local=("g[r]*softmax(z)[*]",),
    samples=_ROWS_OF_Z,
    entry="log(sum_k exp(z[k]))",
    says="log(sum(e^z)), row by row",
)


def _cross_entropy(z: Operand, t: Operand) -> Applied:
    kind = _array("cross_entropy", z)
    if t.kind.shape != kind.shape:
        raise Clash(
            f"cross_entropy takes scores and targets of one shape, not {kind} and {t.kind}",
            unequal=_pairs(kind.shape, t.kind.shape),
        )
    return Applied(MATRICES["cross_entropy"], Kind(kind.shape[:-1]))


_row(
    "cross_entropy",
    typed=_cross_entropy,
    params=("z", "t"),
    batched=_along_last,
    forward=lambda xp, z, t: -xp.sum(t * _log_softmax(xp, z), (-1,)),
    definition=lambda xp, z, t: xp.sum(t * (_kept(xp, _log_total(xp, z), z) - z), (-1,)),
    partials=lambda xp, y, z, t: (
        Pull(lambda g: _kept(xp, g, z) * (_total(xp, t) * _softmax(xp, z) - t)),
        Pull(lambda g: -(_kept(xp, g, z) * _log_softmax(xp, z))),
    ),
    shape=lambda z, t: z[:-1],
    local=("g[r]*(softmax(z)[*]*sum_k t[*k] - t[*])", "-g[r]*log_softmax(z)[*]"),
    samples=((((3, 4), (3, 4)), {}), (((3,), (3,)), {})),
    entry="-sum_k t[k]*log_softmax(z)[k]",
    says="-sum(t*log_softmax(z)), row by row",
)


EPS = 1e-5
"""What is added to a variance where nothing else is said."""


def _standardized(x: Operand, eps: Operand | None = None) -> Applied:
    found = EPS if eps is None else eps.value
    if found is None or not found > 0.0:
        text = eps.text if eps else ""
        raise Clash(f"standardize adds a number above 0 to the variance, not {text}", "standardize(x, 1e-5)")
    return Applied(MATRICES["standardize"], _array("standardize", x), {"eps": found})


def _centred(xp: Any, x: Any) -> Any:
    return x - xp.divide(_total(xp, x), float(x.shape[-1]))


def _deviation(xp: Any, centred: Any, eps: float) -> Any:
    return xp.sqrt(xp.divide(_total(xp, centred * centred), float(centred.shape[-1])) + eps)


def _standard(xp: Any, x: Any, *_: Any, eps: float) -> Any:
    centred = _centred(xp, x)
    return xp.divide(centred, _deviation(xp, centred, eps))


_row(
    "standardize",
    typed=_standardized,
    params=("x", "eps"),
    arity=(1, 2),
    batched=lambda at, row, x, *_, eps: at.apply(row, x.id, eps=eps),
    forward=_standard,
    # of Ba, Kiros and Hinton (2016), without gain and bias
    partials=lambda xp, y, x, *others, eps: (
        Pull(
            lambda g: xp.divide(
                _centred(xp, g) - y * xp.divide(_total(xp, g * y), float(x.shape[-1])),
                _deviation(xp, _centred(xp, x), eps),
            )
        ),
        *(xp.nan for _ in others),
    ),
    shape=lambda x, *_, eps: x,
    local=("(g[*] - sum_k g[*k]/n - y[*]*sum_k g[*k]*y[*k]/n)/s[r]", ""),
    samples=((((3, 4),), {"eps": 0.25}), (((4,),), {"eps": EPS})),
    written="standardize(x), standardize(x, eps)",
    entry="(x[i] - m)/s where m = sum_k x[k]/n, s = sqrt(sum_k (x[k] - m)^2/n + eps)",
    says="mean 0 and variance 1, row by row",
)


def _scaled(w: Operand, a: Operand) -> Applied:
    if w.axes != 1 or a.axes != 2 or w.kind.shape[0] != a.kind.shape[0]:
        raise Clash(
            f"scale_rows takes a number for each row of a matrix, not {w.kind} and {a.kind}",
            f"{w.text}*{a.text} goes number by number" if w.axes <= 1 and a.axes == 1 else None,
            _pairs(w.kind.shape, a.kind.shape[:1]),
        )
    return Applied(MATRICES["scale_rows"], a.kind)


_row(
    "scale_rows",
    typed=_scaled,
    params=("w", "A"),
    batched=lambda at, row, w, a: at.step(
        "multiply", at.step("shaped", w.id, shape=(*(-1,) * w.varies, *w.shape, 1)), a.id
    ),
    forward=lambda xp, w, a: xp.reshape(w, (*w.shape, 1)) * a,
    partials=lambda xp, y, w, a: (
        Pull(lambda g: xp.contract("ij,ij->i", g, a)),
        Pull(lambda g: xp.reshape(w, (*w.shape, 1)) * g),
    ),
    shape=lambda w, a: a,
    local=("sum_j g[i,j]*A[i,j]", "g[i,j]*w[i]"),
    samples=((((3,), (3, 2)), {}),),
    entry="w[i]*A[i,j]",
    says="each row times its own number: diag(w)@A",
)


def _extremum(name: str, sign: float) -> None:
    """The largest or smallest number of an array, or of each row; ties share equally."""

    def forward(xp: Any, x: Any, *, rows: bool = False) -> Any:
        lines = xp.reshape(x, (x.shape[0], -1) if rows else (-1,)) * sign
        return xp.reshape(xp.largest(lines, -1), x.shape[:1] if rows else ()) * sign

    def shares(xp: Any, y: Any, x: Any, rows: bool) -> Any:
        if rows:
            y = xp.reshape(y, (x.shape[0], *(1 for _ in x.shape[1:])))
        ties = xp.equal(x, y)
        return xp.divide(ties, xp.sum(ties, tuple(range(int(rows), len(x.shape))), keep=rows))

    def pull(xp: Any, y: Any, x: Any, rows: bool) -> Pull:
        def transpose(g: Any) -> Any:
            back = xp.reshape(g, (x.shape[0], *(1 for _ in x.shape[1:]))) if rows else g
            return back * shares(xp, y, x, rows)

        return Pull(transpose)

    _row(
        f"{name} of an array",
        typed=lambda x: Applied(MATRICES[f"{name} of an array"], NUMBER),
        params=("x",),
        batched=lambda at, row, x: at.apply(row, x.id, rows=True),
        forward=forward,
        definition=lambda xp, x, *, rows=False: (
            xp.filled(x.shape[:1], lambda i: xp.extremum(name, x[i])) if rows else xp.extremum(name, x)
        ),
        partials=lambda xp, y, x, *, rows=False: (pull(xp, y, x, rows),),
        shape=lambda x, *, rows=False: x[:1] if rows else (),
        local=(f"g at the {'largest' if sign > 0 else 'smallest'} number, else 0",),
        samples=((((2, 3),), {}), (((3,),), {})),
        kinks="ties",
        convention="ties share equally: 1/n each",
        entry=f"the {'largest' if sign > 0 else 'smallest'} x[i]",
        says=f"the {'largest' if sign > 0 else 'smallest'} number of an array",
    )


_extremum("max", 1.0)
_extremum("min", -1.0)

# Square matrices


def _minors(a: Any) -> Callable[[tuple[int, ...], tuple[int, ...]], Any]:
    """Return the determinant of some rows and columns, by expansion along the first row; equal ones once."""
    known: dict[tuple[tuple[int, ...], tuple[int, ...]], Any] = {}

    def minor(rows: tuple[int, ...], columns: tuple[int, ...]) -> Any:
        if not rows:
            return 1.0
        if (rows, columns) not in known:
            total: Any = None
            for k, j in enumerate(columns):
                rest = minor(rows[1:], columns[:k] + columns[k + 1 :])
                term = a[rows[0], j] if isinstance(rest, float) else a[rows[0], j] * rest
                total = term if total is None else total - term if k % 2 else total + term
            known[rows, columns] = total
        return known[rows, columns]

    return minor


def _leibniz(a: Any) -> Any:
    every = tuple(range(len(a)))
    return _minors(a)(every, every)


def _cofactors(xp: Any, a: Any) -> Any:
    """Return the transposed matrix of cofactors: inv(A)*det(A), for singular matrices, too."""
    minor, every = _minors(a), tuple(range(len(a)))

    def entry(i: int, j: int) -> Any:
        found = minor(every[:j] + every[j + 1 :], every[:i] + every[i + 1 :])
        return -found if (i + j) % 2 else found

    return xp.filled(a.shape, entry)


def _triangle(xp: Any, a: Any, right: Any, order: Sequence[int]) -> list[list[Any]]:
    """Return the rows of a matrix and what stands right of it, with 0 below the diagonal.

    Source: Golub and Van Loan, Matrix Computations (2013), section 3.4.
    """
    n = len(a)
    rows = [[*a[k], *right[k]] for k in order]
    for k in range(n):
        for i in range(k + 1, n):
            factor = xp.divide(rows[i][k], rows[k][k])[()]
            rows[i][k + 1 :] = [
                _less(x, factor, y) for x, y in zip(rows[i][k + 1 :], rows[k][k + 1 :], strict=True)
            ]
    return rows


def _less(x: Any, factor: Any, y: Any) -> Any:
    """Return x - factor*y; an entry of the identity is a float, which no operation is spent on."""
    if isinstance(y, float):
        term = -factor if y else 0.0
        return term if isinstance(x, float) and not x else x + term if y else x
    return -(factor * y) if isinstance(x, float) and not x else x - factor * y


def _solved(xp: Any, a: Any, b: Any) -> Any:
    """Return the x of a@x = b: by elimination where the order of rows is given, else by cofactors."""
    n, columns = len(a), len(b[0])
    if xp.order is None:
        return xp.divide(xp.contract("ij,jk->ik", _cofactors(xp, a), b), _leibniz(a))
    rows = _triangle(xp, a, b, xp.order)
    found: list[list[Any]] = [[] for _ in rows]
    for i in reversed(range(n)):
        for k in range(n, n + columns):
            x = rows[i][k]
            for j in range(i + 1, n):
                x = _less(x, rows[i][j], found[j][k - n])
            found[i].append(xp.divide(x, rows[i][i])[()])
    # others are made of these: the numbers of the step itself are nodes of their own
    return xp.filled((n, columns), lambda i, j: xp.identity(found[i][j])[()])


def _inverse(xp: Any, a: Any) -> Any:
    if xp.order is None:
        return xp.divide(_cofactors(xp, a), _leibniz(a))
    n = len(a)
    return _solved(xp, a, [[float(i == j) for j in range(n)] for i in range(n)])


def _determinant(xp: Any, a: Any) -> Any:
    if xp.order is None:
        return _leibniz(a)
    rows = _triangle(xp, a, [[] for _ in a], xp.order)
    found = reduce(mul, (rows[k][k] for k in range(len(a))))
    return -found if sum(x > y for x, y in combinations(xp.order, 2)) % 2 else found


def _of_square(name: str, *, number: bool) -> Typed:
    def typed(a: Operand) -> Applied:
        n = _square(name, a)
        return Applied(MATRICES[name], NUMBER if number else Kind((n, n)))

    return typed


def _solve(a: Operand, b: Operand) -> Applied:
    n = _square("solve", a)
    if not b.axes or b.kind.row or b.kind.shape[0] != n:
        raise Clash(
            f"solve takes a matrix and a right side of as many rows, not {a.kind} and {b.kind}",
            unequal=_pairs((n,), () if b.kind.row else b.kind.shape[:1]),
        )
    return Applied(MATRICES["solve"], b.kind)


_SQUARES: Samples = ((((3, 3),), {}), (((2, 2),), {}))
INVERTIBLE = "an invertible matrix"
_row(
    "inv",
    typed=_of_square("inv", number=False),
    params=("A",),
    forward=lambda xp, a: xp.inv(a),
    definition=_inverse,
    partials=lambda xp, y, a: (
        Pull(lambda g: -xp.contract("ij,jk->ik", xp.contract("ji,jk->ik", y, g), xp.contract("ij->ji", y))),
    ),
    shape=lambda a: a,
    local=("-inv(A)' g inv(A)'",),
    samples=_SQUARES,
    defined=INVERTIBLE,
    entry="the y of A@y = eye(n)",
    says="inverse",
)
_row(
    "adjugate",
    typed=None,
    params=("A",),
    forward=lambda xp, a: xp.adjugate(a),
    definition=_cofactors,
    # of an invertible matrix: det(A)*inv(A)
    partials=lambda xp, y, a: (
        Pull(
            lambda g: (
                xp.contract("ij->ji", xp.inv(a)) * xp.contract("ij,ij->", g, y)
                + MATRICES["inv"].partials(xp, xp.inv(a), a)[0].transpose(g * xp.det(a))
            )
        ),
    ),
    shape=lambda a: a,
    local=("",),
    samples=_SQUARES,
    says="det(A)*inv(A)",
)
_row(
    "det",
    typed=_of_square("det", number=True),
    params=("A",),
    forward=lambda xp, a: xp.det(a),
    definition=_determinant,
    partials=lambda xp, y, a: (Pull(lambda g: g * xp.contract("ij->ji", xp.adjugate(a))),),
    shape=lambda a: (),
    local=("g*det(A)*inv(A)'",),
    samples=_SQUARES,
    entry="sum_j (-1)^j*A[0,j]*det(A without row 0 and column j)",
    says="determinant",
)
_row(
    "logdet",
    typed=_of_square("logdet", number=True),
    params=("A",),
    forward=lambda xp, a: xp.logdet(a),
    definition=lambda xp, a: xp.log(_determinant(xp, a)),
    partials=lambda xp, y, a: (Pull(lambda g: g * xp.contract("ij->ji", xp.inv(a))),),
    shape=lambda a: (),
    local=("g*inv(A)'",),
    samples=_SQUARES,
    defined="a matrix with a positive determinant",
    entry="log(det(A))",
    says="log(det(A))",
)
_row(
    "solve",
    typed=_solve,
    params=("A", "b"),
    forward=lambda xp, a, b: xp.solve(a, b),
    definition=lambda xp, a, b: xp.reshape(_solved(xp, a, xp.reshape(b, (len(a), -1))), b.shape),
    partials=lambda xp, y, a, b: (
        Pull(lambda g: -_outer_of(xp, xp.solve(xp.contract("ij->ji", a), g), y)),
        Pull(lambda g: xp.solve(xp.contract("ij->ji", a), g)),
    ),
    shape=lambda a, b: b,
    local=("-solve(A', g) y'", "solve(A', g)"),
    samples=((((3, 3), (3,)), {}), (((2, 2), (2, 3)), {})),
    defined=INVERTIBLE,
    entry="the y of A@y = b",
    says="the x of A@x = b",
)


def _outer_of(xp: Any, g: Any, y: Any) -> Any:
    return xp.contract("i,j->ij" if len(y.shape) == 1 else "ik,jk->ij", g, y)


# Parts

Key = tuple[int | tuple[int, int], ...]
"""What is picked along each axis: a place, or places from ... to."""


def _entry(xp: Any, key: Key) -> Pull:
    return Pull(lambda g: xp.index(g, key))


def _stacked(*entries: Operand) -> Applied:
    first = entries[0]
    for x in entries[1:]:
        if x.kind.shape != first.kind.shape:
            raise Clash(
                f"the rows of an array are alike, but here {first.kind} meets {x.kind}",
                unequal=_pairs(first.kind.shape, x.kind.shape),
            )
    if first.axes > 1:
        raise Clash(TOO_DEEP)
    return Applied(MATRICES["stack"], Kind((len(entries), *first.kind.shape)))


_row(
    "stack",
    typed=_stacked,
    params=("x",),
    arity=(1, None),
    batched=lambda at, row, *parts: at.step(
        "transpose", at.apply(row, *map(at.whole, parts)), axes=(1, 0, *range(2, 2 + len(parts[0].shape)))
    ),
    forward=lambda xp, *parts: xp.stack(*parts),
    partials=lambda xp, y, *parts: tuple(_entry(xp, (k,)) for k in range(len(parts))),
    shape=lambda *parts: (len(parts), *parts[0]),
    local=("the part of g",),
    samples=((((3,), (3,)), {}), (((), (), ()), {})),
    written="[x, ...]",
    entry="the i-th of the entries",
    says="the list of its entries",
)


def picked(shape: Shape, key: Key) -> Shape:
    """Return the shape of what an index picks."""
    left = tuple(stop - start for start, stop in (k for k in key if not isinstance(k, int)))
    return (*left, *shape[len(key) :])


def _of_rows(shape: Shape, key: Key, rows: bool) -> Key:
    """Return what is picked of every row, or of the array itself."""
    return ((0, shape[0]), *key) if rows else key


_row(
    "index",
    typed=None,
    params=("x",),
    batched=lambda at, row, x, key: at.apply(row, x.id, key=key, rows=True),
    forward=lambda xp, x, *, key, rows=False: xp.index(x, _of_rows(x.shape, key, rows)),
    partials=lambda xp, y, x, *, key, rows=False: (
        Pull(lambda g: xp.placed(g, x.shape, _of_rows(x.shape, key, rows))),
    ),
    shape=lambda x, *, key, rows=False: picked(x, _of_rows(x, key, rows)),
    local=("g at the part, else 0",),
    samples=((((3, 4),), {"key": (1, (0, 2))}), (((4,),), {"key": ((1, 3),)}), (((4,),), {"key": (2,)})),
    written="x[0], x[1:3], x[:, 0]",
    entry="the numbers at these places",
    says="a part of an array",
)
_row(
    "placed",
    typed=None,
    params=("x",),
    forward=lambda xp, x, *, shape, key: xp.placed(x, shape, key),
    partials=lambda xp, y, x, *, shape, key: (Pull(lambda g: xp.index(g, key)),),
    shape=lambda x, *, shape, key: shape,
    local=("the part of g",),
    samples=((((2,),), {"shape": (3, 4), "key": (1, (0, 2))}),),
    says="zeros with a part put in its place",
)


def indexed(text: str) -> Typed:
    """Return what an index such as ``[0, :]`` does to an operand."""

    def typed(x: Operand) -> Applied:
        if not x.axes:
            raise Clash(f"{x.text} is a number and has no parts", "a name may have digits: x1")
        parts = [part.strip() for part in text[1:-1].split(",")]
        if len(parts) > x.axes:
            raise Clash(f"{len(parts)} indices for {x.kind}")
        key: list[int | tuple[int, int]] = []
        for axis, (part, size) in enumerate(zip(parts, x.kind.shape, strict=False)):
            what = "" if x.axes == 1 else ("rows of " if axis == 0 else "columns of ")
            if ":" in part:
                ends = [int(end) if end else None for end in part.split(":")]
                start, stop, _ = slice(*ends).indices(size)
                if stop <= start:
                    raise Clash(f"[{part}] is empty: {what}{x.kind} goes from 0 to {size - 1}")
                key.append((start, stop))
            else:
                k = int(part)
                if not -size <= k < size:
                    owner = str(x.kind) if x.axes == 1 else f"the {'column' if axis else 'row'} of {x.kind}"
                    raise Clash(f"index {k} is outside: {owner} goes from 0 to {size - 1}")
                key.append(k % size)
        shape = picked(x.kind.shape, tuple(key))
        kept = x.kind.row and len(shape) == 1
        return Applied(MATRICES["index"], Kind(shape, kept), {"key": tuple(key)})

    return typed


def _beside(shapes: Sequence[Shape], position: int) -> Key:
    """Return where one of several arrays is that stand side by side along the last axis."""
    start = sum(shape[-1] for shape in shapes[:position])
    whole = tuple((0, n) for n in shapes[position][:-1])
    return (*whole, (start, start + shapes[position][-1]))


def _side_by_side(*shapes: Shape) -> Shape:
    return (*shapes[0][:-1], sum(shape[-1] for shape in shapes))


def _concatenated(*parts: Operand) -> Applied:
    first = parts[0]
    for x in parts:
        if not x.axes:
            raise _wanted("concat", "vectors or matrices", x)
        if x.axes != first.axes or x.kind.row != first.kind.row or x.kind.shape[:-1] != first.kind.shape[:-1]:
            raise Clash(
                f"concat puts vectors one behind the other, or matrices of as many rows side by side, not"
                f" {first.kind} and {x.kind}",
                unequal=_pairs(first.kind.shape[:-1], x.kind.shape[:-1]),
            )
    return Applied(MATRICES["concat"], Kind(_side_by_side(*(x.kind.shape for x in parts)), first.kind.row))


def _joined(xp: Any, *parts: Any) -> Any:
    shapes = [x.shape for x in parts]
    shape = _side_by_side(*shapes)
    return reduce(add, (xp.placed(x, shape, _beside(shapes, k)) for k, x in enumerate(parts)))


def _number_of(parts: Sequence[Any], *place: int) -> Any:
    *before, at = place
    for x in parts:
        if at < x.shape[-1]:
            return x[(*before, at)]
        at -= x.shape[-1]
    raise IndexError(place)


_row(
    "concat",
    typed=_concatenated,
    params=("x",),
    arity=(2, None),
    batched=_along_last,
    forward=_joined,
    definition=lambda xp, *parts: xp.filled(
        _side_by_side(*(x.shape for x in parts)), lambda *place: _number_of(parts, *place)
    ),
    partials=lambda xp, y, *parts: tuple(
        _entry(xp, _beside([x.shape for x in parts], k)) for k in range(len(parts))
    ),
    shape=_side_by_side,
    local=("the part of g",),
    samples=((((3,), (2,)), {}), (((2, 3), (2, 1)), {}), (((2,), (1,), (3,)), {})),
    written="concat(x, y)",
    entry="the numbers of x, then those of y",
    says="vectors one behind the other, matrices side by side",
)


def _reshaped(x: Operand, *sizes: Operand) -> Applied:
    shape = _lengths("reshape(x, ...)", sizes)
    if prod(shape) != prod(_array("reshape", x).shape):
        raise Clash(f"{x.kind} has {prod(x.kind.shape)} numbers, {Kind(shape)} {prod(shape)}")
    return Applied(MATRICES["reshape"], Kind(shape), {"shape": shape})


_row(
    "reshape",
    typed=_reshaped,
    params=("x", "m", "n"),
    arity=(2, 3),
    batched=lambda at, row, x, *_, shape: at.step("shaped", x.id, shape=(-1, *shape)),
    forward=lambda xp, x, *_, shape: xp.reshape(x, shape),
    partials=lambda xp, y, x, *sizes, shape: (
        Pull(lambda g: xp.reshape(g, x.shape)),
        *(xp.nan for _ in sizes),
    ),
    shape=lambda x, *_, shape: shape,
    local=("g in the shape of x", "", ""),
    samples=((((6,),), {"shape": (2, 3)}), (((2, 3),), {"shape": (6,)}), (((2, 3),), {"shape": (3, 2)})),
    written="reshape(x, m), reshape(x, m, n)",
    entry="the numbers of x, row after row",
    says="the same numbers as a vector of m, or as m rows of n",
)


def _looked_up(table: Operand, k: Operand) -> Applied:
    if not table.axes:
        raise Clash(f"{table.text} is a number and has no parts")
    if table.axes + k.axes > 3 or k.axes > 1:
        raise Clash(f"an index is a number, or a vector of them, not {k.kind}")
    return Applied(MATRICES["lookup"], Kind((*k.kind.shape, *table.kind.shape[1:])))


_row(
    "lookup",
    typed=_looked_up,
    params=("E", "k"),
    batched=lambda at, row, table, k: at.apply(
        row,
        table.id,
        at.whole(k) if table.varies else k.id,
        **{"rows": 1 + len(k.shape)} if table.varies else {},
    ),
    forward=lambda xp, table, k, *, rows=0: xp.lookup(table, k, rows),
    # between whole numbers there is no index: as floor, it has the slope 0
    partials=lambda xp, y, table, k, *, rows=0: (
        Pull(lambda g: xp.scattered(g, k, table.shape, rows)),
        0.0,
    ),
    shape=lambda table, k, *, rows=0: (*k, *table[1 + (rows > 0) :]),
    local=("g added to row k, else 0", ""),
    samples=(),
    written="E[k]",
    entry="the k-th of the rows of E",
    says="the rows that an index of the data picks, from 0",
)
_row(
    "scattered",
    typed=None,
    params=("x", "k"),
    forward=lambda xp, x, k, *, shape, rows=0: xp.scattered(x, k, shape, rows),
    partials=lambda xp, y, x, k, *, shape, rows=0: (Pull(lambda g: xp.lookup(g, k, rows)), 0.0),
    shape=lambda x, k, *, shape, rows=0: shape,
    local=("the rows of g", ""),
    samples=(),
    says="zeros with rows added where an index says",
)


# Arrays of a size


def _lengths(call: str, sizes: Sequence[Operand]) -> Shape:
    for x in sizes:
        if x.value is None or x.value != x.value // 1 or not 1 <= x.value <= 10_000:
            name = call.partition("(")[0]
            hint = call.replace("...", "3")
            raise Clash(f"{name} takes sizes: whole numbers from 1 to 10,000, not {x.text}", hint)
    return tuple(int(x.value or 0) for x in sizes)


ENTRIES: dict[str, Callable[..., float]] = {
    "eye": lambda shape, i, j: float(i == j),
    "tril": lambda shape, i, j: float(i >= j),
    "ones": lambda *_: 1.0,
    "zeros": lambda *_: 0.0,
}
"""Arrays of a size: what stands in a place, by the shape."""


def _sized(name: str, *sizes: Operand, square: bool) -> Applied:
    shape = _lengths(f"{name}(...)", sizes) * (1 + square)
    return Applied(MATRICES[name], Kind(shape), {"shape": shape})


def _constant_array(name: str, entry: str, says: str, *, square: bool = True) -> None:
    _row(
        name,
        typed=lambda *sizes: _sized(name, *sizes, square=square),
        params=("n",) if square else ("m", "n"),
        arity=(1, 1 if square else 2),
        forward=lambda xp, *_, shape: xp.made(name, shape),
        definition=lambda xp, *_, shape: xp.filled(shape, partial(ENTRIES[name], shape)),
        partials=lambda xp, y, *sizes, shape: (xp.nan,) * len(sizes),
        shape=lambda *_, shape: shape,
        local=("",) if square else ("", ""),
        samples=(),
        entry=entry,
        written="" if square else f"{name}(m), {name}(m, n)",
        says=says,
    )


_constant_array("eye", "1 where i = j, else 0", "the identity matrix")
_constant_array("tril", "1 where i >= j, else 0", "ones on and below the diagonal")
_constant_array("ones", "1", "an array of ones", square=False)
_constant_array("zeros", "0", "an array of zeros", square=False)

MATRICES["transpose"] = MatrixRow(
    "transpose",
    typed=_transposed,
    params=("A",),
    forward=MATRICES["'"].forward,
    partials=MATRICES["'"].partials,
    shape=_contracted,
    samples=(),
    says="A'",
)

CALLED = (
    "sum mean norm dot outer trace det logdet inv solve diag transpose rowsum colsum eye tril ones "
    "zeros softmax log_softmax logsumexp cross_entropy concat standardize scale_rows reshape"
).split()
"""Rows that are functions of the language where arrays are."""


def by_index(row: MatrixRow, position: int, names: Mapping[str, str], axes: int) -> str:
    """Return a row's derivative by an operand, number by number; empty where it is not so simple.

    Args:
        row: The row.
        position: Of the operand.
        names: What ``g``, ``y`` and the row's parameters are called.
        axes: Of the operand.
    """
    text = row.local[position] if position < len(row.local) else ""
    if "[" not in text and text != "g/n":
        return ""
    text = at_places(text, axes)
    return re.sub(r"(?<![\w])([a-zA-Z])(?!\w)(?![\]])", lambda match: names.get(match[1], match[1]), text)


def by_number(row: Primitive) -> Primitive | None:
    """Return the row over numbers that a row is element by element; None where it is none."""
    return row.number if isinstance(row, MatrixRow) else row


def at_places(text: str, axes: int = 1) -> str:
    """Return a derivative by index with the places of an array of so many axes: ``y[i]`` or ``y[i,j]``."""
    for sign, place in (("[*]", ("[i]", "[i,j]")), ("[*k]", ("[k]", "[i,k]")), ("[r]", ("", "[i]"))):
        text = text.replace(sign, place[axes - 1])
    return text


def written_rows() -> list[MatrixRow]:
    """Return the rows that programs write, each once."""
    left_out = ("apart", "adjugate", "placed", "scattered", "transpose")  # another's, or a rule's alone
    return [row for name, row in MATRICES.items() if name not in left_out]
