"""A graph with arrays at its nodes as a graph of single numbers.

The rows' own forward rules run over arrays of numbers that write down what is done to them. A product of
matrices is recorded as one sum of products an entry; an elementwise primitive as itself, so that its
kinks, its domain and its derivative are those of its row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from math import nan, prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import Span
from ..graph import CONSTANT, INPUT, NOWHERE, Graph, Node
from ..language.format import node_text
from ..language.numbers import exact_text
from ..ops import PRIMITIVES, Primitive, Shape
from ..ops.matrices import Key, MatrixRow, labels, sizes_of
from ..ops.namespaces import Lifted
from ..ops.sums import DOT, LARGEST, PICK, SUM
from ..ops.tensor import TensorPrimitive, windows_along
from .record import Recorder, Written
from .run import run

Numbers = npt.NDArray[Any]
"""An array of written numbers."""

ADD, MULTIPLY = PRIMITIVES["add"], PRIMITIVES["multiply"]
DIVIDE, IDENTITY = PRIMITIVES["divide"], PRIMITIVES["identity"]


class Scalars(Recorder):
    """Writes single numbers: every operation as a node of its own, for that is what a reader is shown.

    Attributes:
        span: Where in the source stands what is written.
    """

    span: Span = NOWHERE

    def apply(self, op: Primitive, *operands: Any, **static: Any) -> Written:
        """Apply a primitive to numbers."""
        count = 0 if isinstance(operands[-1], Written) else _count(operands[-1])
        if op is MULTIPLY and count:  # a mean is a sum over a count
            op, operands = DIVIDE, (operands[0], float(count))
        elif op is ADD and 0.0 in operands:  # what `dot` gives for a window that lies in padding
            op, operands = SUM, tuple(x for x in operands if isinstance(x, Written))
        return Written(self, self.builder.apply(op, tuple(map(self.id, operands)), self.span))

    def own(self, x: Written, owned: Collection[int]) -> Written:
        """Return a number as a node that nothing else is."""
        if self.is_own(x, owned):
            x = Written(self, self.builder.apply(IDENTITY, (x.id,), self.span))
        return x

    def is_own(self, x: Written, owned: Collection[int]) -> bool:
        """Whether a number is a node already: that of another array, or a constant."""
        return x.id in owned or self.builder.nodes[x.id].kind == CONSTANT

    def constant(self, value: float) -> Written:
        """Return a number of a program, which no rule is told."""
        return Written(self, self.id(value))

    def leaves(self, node: Node) -> Numbers:
        """Return numbers that come from outside, in place of a node."""
        kind = node.kind if node.op is None else INPUT
        names = (f"{node.name}{list(index)}" for index in np.ndindex(node.shape))
        return _array((Written(self, self.builder.input(name, NOWHERE, kind)) for name in names), node.shape)

    def dot(self, row: Sequence[Any], column: Sequence[Any]) -> Written | float:
        """Multiply a row by a column, what is 0 by its making (the border of an image) left out."""
        pairs = [ab for ab in zip(row, column, strict=True) if all(isinstance(x, Written) for x in ab)]
        if not pairs:
            return 0.0
        return self.apply(DOT, *(x for half in zip(*pairs, strict=True) for x in half))


def _count(factor: float) -> int:
    """Return n for 1/n as a rule writes it; 0 for any other number."""
    count = round(1.0 / factor) if factor else 0
    return count if count and 1.0 / count == factor else 0


class _Arrays(Lifted):
    """The namespace of arrays of recorded numbers.

    Attributes:
        order: Of rows in which the next matrix is eliminated; None where cofactors do.
        shifted: Exponents of the next row are written with the largest taken out, against overflow.
    """

    order: Sequence[int] | None = None
    shifted: bool = False

    def __init__(self, recorder: Scalars) -> None:
        super().__init__("arrays of recorded numbers", self.each)
        self.recorder = recorder

    def each(self, op: Primitive, *operands: Any, **static: Any) -> Any:
        """Apply a row of the registry to every number, with the operands broadcast."""
        if isinstance(op, MatrixRow):
            if op.number is None:
                write = op.forward if self.shifted else op.definition
                return write(self, *operands, **static)
            op = op.number
        if isinstance(op, TensorPrimitive):
            return op.forward(self, *operands, **static)
        arrays = [np.asarray(x, object) for x in operands]
        shape = np.broadcast_shapes(*(a.shape for a in arrays))
        rows = zip(*(np.broadcast_to(a, shape).reshape(-1) for a in arrays), strict=True)
        return _array((self.recorder.apply(op, *xs) for xs in rows), shape)

    def matmul(self, a: Numbers, b: Numbers) -> Numbers:
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        rows = np.broadcast_to(a, (*batch, *a.shape[-2:]))
        columns = np.broadcast_to(b, (*batch, *b.shape[-2:])).swapaxes(-1, -2)
        entries = (self.recorder.dot(r, c) for i in np.ndindex(batch) for r in rows[i] for c in columns[i])
        return _array(entries, (*batch, a.shape[-2], b.shape[-1]))

    def sum(self, a: Numbers, axes: tuple[int, ...] | None, keep: bool = False) -> Numbers:
        return self._over(SUM, a, range(a.ndim) if axes is None else axes, keep)

    def largest(self, a: Numbers, axis: int) -> Numbers:
        # of one number there is nothing to choose
        return a if a.shape[axis] == 1 else self._over(LARGEST, a, (axis,), keep=True)

    def _over(self, op: Primitive, a: Numbers, axes: Iterable[int], keep: bool) -> Numbers:
        gone = [i % a.ndim for i in axes]
        kept = [i for i in range(a.ndim) if i not in gone]
        rows = a.transpose(*kept, *gone).reshape(prod(a.shape[i] for i in kept), -1)
        shape = tuple(1 if i in gone else a.shape[i] for i in range(a.ndim) if keep or i in kept)
        return _array((self.recorder.apply(op, *row) for row in rows), shape)

    transpose = staticmethod(np.transpose)
    reshape = staticmethod(np.reshape)

    def expand(self, x: Any, shape: Shape) -> Numbers:
        return np.broadcast_to(np.asarray(x, object), shape)

    def patches(self, x: Numbers, kernel: int, stride: int, padding: int) -> Numbers:
        n, channels, *sides = x.shape
        every, places = slice(None), range(2, x.ndim)
        padded = np.zeros((n, channels, *(size + 2 * padding for size in sides)), object)
        padded[(every, every, *(slice(padding, padding + size) for size in sides))] = x
        windows = np.lib.stride_tricks.sliding_window_view(padded, [kernel for _ in sides], tuple(places))
        seen = windows[(every, every, *(slice(None, None, stride) for _ in sides))]
        columns = seen.transpose(1, *(len(sides) + i for i in places), *places, 0)
        return columns.reshape(channels * kernel ** len(sides), -1)

    def window(self, x: Numbers, i: int, j: int, kernel: int, stride: int) -> Numbers:
        high, wide = (windows_along(size, kernel, stride) for size in x.shape[2:])
        return x[:, :, i : i + stride * (high - 1) + 1 : stride, j : j + stride * (wide - 1) + 1 : stride]

    def contract(self, spec: str, *operands: Numbers) -> Numbers:
        words, value = labels(spec)
        sizes = sizes_of(words, [x.shape for x in operands])
        summed = [c for c in sizes if c not in value]

        def entry(place: tuple[int, ...]) -> Written | float:
            at = dict(zip(value, place, strict=True))
            rows: list[list[Any]] = [[] for _ in operands]
            for inner in np.ndindex(*(sizes[c] for c in summed)):
                full = at | dict(zip(summed, inner, strict=True))
                for row, word, x in zip(rows, words, operands, strict=True):
                    row.append(x[tuple(full[c] for c in word)])
            if len(rows) == 1:
                return rows[0][0] if len(rows[0]) == 1 else self.recorder.apply(SUM, *rows[0])
            if len(rows[0]) == 1:
                return self.recorder.apply(MULTIPLY, rows[0][0], rows[1][0])
            return self.recorder.apply(DOT, *rows[0], *rows[1])

        shape = tuple(sizes[c] for c in value)
        return _array((entry(place) for place in np.ndindex(*shape)), shape)

    def filled(self, shape: Shape, entry: Callable[..., Any]) -> Numbers:
        """Return an array of what a function of the place has: written numbers and plain ones."""
        made = (entry(*place) for place in np.ndindex(*shape))
        return _array((x if isinstance(x, Written) else self.recorder.constant(x) for x in made), shape)

    def apart(self, x: Numbers) -> Numbers:
        return self.filled((len(x), len(x)), lambda i, j: x[i] if i == j else 0.0)

    def index(self, x: Numbers, key: Key) -> Numbers:
        return np.asarray(x[tuple(k if isinstance(k, int) else slice(*k) for k in key)], object)

    def placed(self, x: Numbers, shape: Shape, key: Key) -> Numbers:
        found = self.filled(shape, lambda *_: 0.0)
        found[tuple(k if isinstance(k, int) else slice(*k) for k in key)] = x
        return found

    def lookup(self, table: Numbers, k: Any, rows: int = 0) -> Numbers:
        if rows:
            return self.stack(*(self.lookup(*pair) for pair in zip(table, k, strict=True)))
        return self.stack(*(self.lookup(table, i) for i in k)) if np.ndim(k) else self._picked(table, k)

    def _picked(self, table: Numbers, k: Any) -> Numbers:
        columns = table.reshape(len(table), -1).T
        index = np.asarray(k, object)[()]
        return _array((self.recorder.apply(PICK, index, *column) for column in columns), table.shape[1:])

    def stack(self, *parts: Any) -> Numbers:
        return np.stack([np.asarray(x, object) for x in parts])

    def extremum(self, name: str, x: Numbers) -> Written:
        """Return the largest or smallest number of an array."""
        flat = x.reshape(-1)
        return flat[0] if len(flat) == 1 else self.recorder.apply(PRIMITIVES[name], *flat)

    def max(self, *parts: Any) -> Any:
        return parts[0] if len(parts) == 1 else self.each(PRIMITIVES["max"], *parts)


def _array(numbers: Iterable[Written | float], shape: Shape) -> Numbers:
    array = np.empty(prod(shape), object)
    array[:] = list(numbers)
    return array.reshape(shape)


class Unrolled(NamedTuple):
    """A graph of single numbers.

    Attributes:
        recorder: Where its nodes are; further ones may be added before the graph is built.
        numbers: Node of the array graph -> its numbers, in its shape; nodes left out are missing.
    """

    recorder: Scalars
    numbers: dict[int, Numbers]

    def ids(self, node: int) -> npt.NDArray[np.int64]:
        """Return the nodes of an array's numbers, in its shape."""
        numbers = self.numbers[node]
        return np.array([x.id for x in numbers.reshape(-1)], np.int64).reshape(numbers.shape)

    def graph(self, output: int) -> Graph:
        """Return the graph of all that is recorded, with one output."""
        return self.recorder.builder.build([output])

    def graph_of(self, graph: Graph) -> Graph:
        """Return it with every number of a program's output for an output."""
        return self.recorder.builder.build([int(k) for k in self.ids(graph.output).reshape(-1)])


def elements(
    graph: Graph,
    orders: Mapping[int, Sequence[int]] = {},
    shifted: Container[int] = (),
    *,
    each: bool = False,
) -> Unrolled:
    """Unroll a program with arrays so that every number of every step is a node of its own.

    A part or a transpose has the numbers of what it is made of; here they are other nodes, of the same value:
    a step's slope goes through that step alone. Numbers are called by the names of their arrays, ``A[0,1]``.

    Args:
        graph: With the shape of every node.
        orders: Of rows, in which elimination is safe, by the nodes that it is for: `singular.orders`.
        shifted: Nodes with the largest number taken out of their exponents: `singular.shifted`.
        each: A number is what it is computed from, not which step of the program it is of; parts and
            transposes without a name are no steps then.
    """
    recorder = Scalars()
    builder = recorder.builder
    builder.source = graph.source
    xp = _Arrays(recorder)
    values: list[Any] = []
    owned: set[int] = set()
    for node in graph.nodes:
        recorder.span = node.span
        if node.op is None and node.kind == CONSTANT:
            id = builder.constant(node.value, node.label or exact_text(node.value), node.span)
            values.append(Written(recorder, id))
            continue
        own = graph.own_name(node.id)
        names = (own + place_text(place) for place in np.ndindex(node.shape))
        if node.op is None:
            found: Any = [Written(recorder, builder.input(name, node.span, node.kind)) for name in names]
        else:
            operands, before = [values[i] for i in node.inputs], len(builder.nodes)
            xp.order, xp.shifted = orders.get(node.id), node.id in shifted
            found = list(np.asarray(xp.each(node.op, *operands, **node.static), object).reshape(-1))
            part = each and node.name is None and all(recorder.is_own(x, owned) for x in found)
            if node.kind != CONSTANT and not part:
                found = [recorder.own(x, owned) for x in found]
                # a single number that is the output is called f, as of any program
                if node.name is not None or node.id != graph.output or node.shape:
                    for x, name in zip(found, names, strict=True):
                        builder.name(x.id, name)
            if not each and isinstance(node.op, MatrixRow):  # what it comes to is not what anybody wrote
                for step in builder.nodes[before:]:
                    step.label = node_text(graph, node.id) if step.op is not None else step.label
        owned.update(x.id for x in found)
        values.append(_array(found, node.shape) if node.shape else found[0])
    return Unrolled(recorder, {id: np.asarray(v, object) for id, v in enumerate(values)})


def place_text(place: Sequence[int]) -> str:
    """Return how a number of an array is told from the others: ``[0,1]``; nothing for a single one."""
    return f"[{','.join(map(str, place))}]" if place else ""


def unroll(
    graph: Graph,
    needed: Sequence[bool] | None = None,
    given: Callable[[Scalars], Mapping[int, Numbers]] = lambda _: {},
) -> Unrolled:
    """Unroll a graph of arrays.

    Args:
        graph: The computation.
        needed: Nodes to unroll; None unrolls all.
        given: Makes arrays of leaves that stand for nodes, in place of how these are computed.
    """
    recorder = Scalars()
    leaves: dict[int, Any] = {id: recorder.constant(x) for id, x in graph.constant_values().items()}
    force = given(recorder)
    for id in graph.inputs.values():
        wanted = id not in force and (needed is None or needed[id])
        leaves[id] = recorder.leaves(graph.nodes[id]) if wanted else nan
    xp = _Arrays(recorder)
    values = run(graph, leaves, xp, needed, apply=xp.each, force=force)
    numbers = {id: np.asarray(v, object) for id, v in enumerate(values) if not isinstance(v, float)}
    return Unrolled(recorder, numbers)
