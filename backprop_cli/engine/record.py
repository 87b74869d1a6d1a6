"""Rules as nodes: what is done to written numbers is appended to a graph.

Rules that run over the namespace of a `Recorder` leave a graph behind: a forward pass, the reverse sweep,
the sweep over what an earlier sweep left. Derivatives are programs, then, which can be run over any number
system, printed and differentiated again.

Source:
    Griewank and Walther, Evaluating Derivatives (2008), section 6.2, on derivatives by transformation of
    programs; autodidax of JAX's documentation, whose gradients are programs of the same kind.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from math import prod
from typing import Any, ClassVar, NamedTuple

from ..errors import Source
from ..graph import CONSTANT, NO_STATIC, NOWHERE, ArrayBuilder, Graph, Node
from ..language.numbers import exact_text
from ..ops import PRIMITIVES, Primitive, Shape
from ..ops.arrays import ARRAYS
from ..ops.matrices import MATRICES, Key, labels, sizes_of
from ..ops.namespaces import FLOATS, Lifted
from ..ops.primitive import broadcast
from ..ops.tensor import TENSORS, Pull, TensorPrimitive, filled
from .run import constants, single_constants
from .sweep import sweep

ADD, SUBTRACT, MULTIPLY, NEGATIVE, WHERE = (
    PRIMITIVES[name] for name in ("add", "subtract", "multiply", "negative", "where")
)
KEEP_ZEROS = ("where", "add", "multiply", "negative", "transpose", "shaped", "sum")
"""What is exactly 0 in some rows is so after these, too."""


class Written:
    """A number, or an array of them, that is written down as a node.

    ``masked`` marks what is exactly 0 in the rows that did not take a branch: such a cotangent is not
    pulled back there, so 0*inf is never formed.
    """

    __slots__ = ("id", "masked", "recorder")

    def __init__(self, recorder: Recorder, id: int, masked: bool = False) -> None:
        self.recorder = recorder
        self.id = id
        self.masked = masked

    @property
    def shape(self) -> Shape:
        """Of the array; () of a single number."""
        return self.recorder.builder.nodes[self.id].shape

    def __neg__(self) -> Any:
        return self.recorder.apply(NEGATIVE, self)

    def __add__(self, other: Any) -> Any:
        return self.recorder.apply(ADD, self, other)

    def __radd__(self, other: Any) -> Any:
        return self.recorder.apply(ADD, other, self)

    def __sub__(self, other: Any) -> Any:
        return self.recorder.apply(SUBTRACT, self, other)

    def __rsub__(self, other: Any) -> Any:
        return self.recorder.apply(SUBTRACT, other, self)

    def __mul__(self, other: Any) -> Any:
        return self.recorder.apply(MULTIPLY, self, other)

    def __rmul__(self, other: Any) -> Any:
        return self.recorder.apply(MULTIPLY, other, self)


def _is(x: Any, value: float) -> bool:
    return not isinstance(x, Written) and x == value


# What an operation comes to where it needs no node of its own, else None. The result is the same to the
# last bit but for the sign of a zero.


def _sum(recorder: Recorder, a: Any, b: Any) -> Any:
    if _is(a, 0.0) or _is(b, 0.0):
        return b if _is(a, 0.0) else a
    return 2.0 * a if isinstance(a, Written) and isinstance(b, Written) and a.id == b.id else None


def _difference(recorder: Recorder, a: Any, b: Any) -> Any:
    if _is(b, 0.0):
        return a
    return -b if _is(a, 0.0) else None


def _negated(recorder: Recorder, a: Any) -> Any:
    node = recorder.builder.nodes[a.id]
    return recorder.operand(node, 0) if node.op is NEGATIVE else None


def _product(recorder: Recorder, a: Any, b: Any) -> Any:
    if not isinstance(b, Written):
        a, b = b, a
    if not isinstance(a, Written):
        if a in (1.0, -1.0):
            return b if a == 1.0 else -b
        if a == 0.0 and recorder.pulling:
            return 0.0
    first = a if isinstance(a, Written) else b
    product = recorder.write(MULTIPLY, (a, b))
    return recorder.apply(WHERE, first, product, 0.0) if first.masked else product


def _quotient(recorder: Recorder, a: Any, b: Any) -> Any:
    if _is(a, 0.0) and recorder.pulling:
        return 0.0
    return a if _is(b, 1.0) else None


def _power(recorder: Recorder, a: Any, n: float) -> Any:
    if n == 0.0:
        return recorder.full(1.0, a)
    return a if n == 1.0 else None


def _choice(recorder: Recorder, c: Any, a: Any, b: Any) -> Any:
    if not isinstance(c, Written):
        return recorder.full(a if c else b, a, b)
    same = not isinstance(a, Written) and not isinstance(b, Written) and a == b
    return recorder.full(a, c) if same else None


class Recorder:
    """Writes what rules do to numbers as nodes of a graph, equal ones once.

    Args:
        graph: A program whose nodes stay in front; None begins with none.
        limit: Largest number of nodes.
    Attributes:
        builder: Where to.
        xp: The namespace of written numbers, for rules.
        pulling: What is recorded is linear in cotangents: times a factor 0 there is nothing to pull back.
    """

    short: ClassVar[Mapping[str, Callable[..., Any]]] = {
        "add": _sum,
        "subtract": _difference,
        "negative": _negated,
        "multiply": _product,
        "divide": _quotient,
        "power_n": _power,
        "where": _choice,
    }

    def __init__(self, graph: Graph | None = None, limit: int = sys.maxsize) -> None:
        self.graph = graph
        self.builder = ArrayBuilder(graph.source if graph else Source(""), limit)
        self.xp = WrittenNumbers(self)
        self.pulling = False
        self._known: dict[tuple[Any, ...], int] = {}
        self._constants: dict[str, int] = {}
        self._values: dict[int, float] = {}
        if graph is not None:
            self.builder.nodes, self.builder.shaped = list(graph.nodes), graph.shaped
            self.builder.inputs, self.builder.named = dict(graph.inputs), dict(graph.named)
            values = zip(constants(graph), single_constants(graph), strict=True)
            self._values = {k: x for k, (x, single) in enumerate(values) if single}

    def node(self, id: int) -> Any:
        """Return a node of the program; what is built from numbers alone is a number."""
        return self._values[id] if id in self._values else Written(self, id)

    def operand(self, node: Node, k: int) -> Any:
        """Return an operand of a node that is there."""
        operand = self.builder.nodes[node.inputs[k]]
        return operand.value if operand.kind == CONSTANT and operand.op is None else Written(self, operand.id)

    def apply(self, op: Primitive, *operands: Any, **static: Any) -> Any:
        """Apply a primitive to written numbers and plain ones, in short where that is the same."""
        if op.literal_form and not isinstance(operands[-1], Written):
            op = PRIMITIVES[op.literal_form]
        for x in operands:
            if isinstance(x, Written):
                break
        else:
            if not isinstance(op, TensorPrimitive):
                return op.forward(FLOATS, *operands, **static)
        short = self.short.get(op.name)
        found = None if short is None else short(self, *operands)
        return self.write(op, operands, static) if found is None else found

    def write(self, op: Primitive, operands: Sequence[Any], static: Mapping[str, Any] = NO_STATIC) -> Written:
        """Return the node of a primitive applied to operands, appended unless it is there."""
        ids = tuple([x.id if isinstance(x, Written) else self.id(x) for x in operands])
        key = (op, ids, *sorted(static.items())) if static else (op, ids)
        id = self._known.get(key)
        if id is None:
            id = self._known[key] = self.builder.apply(op, ids, NOWHERE, static)
        masked = False
        if op.name in KEEP_ZEROS:
            masked = any(isinstance(x, Written) and x.masked for x in operands)
            if op is WHERE:
                masked = masked or _is(operands[1], 0.0) or _is(operands[2], 0.0)
        return Written(self, id, masked)

    def id(self, x: Any) -> int:
        """Return the node of a written number, or of a plain one."""
        if isinstance(x, Written):
            return x.id
        key = repr(float(x))  # tells 0.0 from -0.0
        id = self._constants.get(key)
        if id is None:
            id = self._constants[key] = self.builder.constant(float(x), exact_text(float(x)), NOWHERE)
        return id

    def done(self, *outputs: Any) -> Graph:
        """Return the program with all that is written, and these for its outputs."""
        graph, ids = self.graph, [self.id(x) for x in outputs]
        return self.builder.build(ids, graph.defaults, graph.euler) if graph else self.builder.build(ids)

    # cotangents

    def pull(
        self,
        graph: Graph,
        values: Sequence[Any],
        leaves: Collection[int],
        seed: Any = 1.0,
        *,
        force: Mapping[int, Any] | None = None,
        partials: Callable[[Node], Sequence[Any]] | None = None,
    ) -> list[Any]:
        """Write the reverse sweep; what is recorded from here on is linear in cotangents.

        What is 0 by its making is left out, what a branch not taken sends back is masked; a cotangent that
        is 0 at one point alone is pulled back like any other, where `sweep` over floats stops.

        Args:
            graph: The computation.
            values: Its nodes, written.
            leaves: Nodes whose cotangents are asked for.
            seed: Cotangent of the output.
            force: Of arrays, cotangents that nodes pass on whatever their users bring.
            partials: Of arrays, the local derivatives of a step; None for its primitive's.
        Returns:
            The cotangent of every node, 0.0 where it is 0 by its making.
        """
        active = graph.depends_on(list(leaves))
        self.pulling = True
        if not graph.shaped:
            return sweep(graph, values, active, self.xp, seed)
        zeros = [
            Cotangent(self, node.shape) if moves else 0.0
            for node, moves in zip(graph.nodes, active, strict=True)
        ]

        def whole(id: int, value: Any) -> Cotangent:
            found = Cotangent(self, graph.nodes[id].shape)
            found.value = value
            return found

        first = whole(graph.output, seed)
        if force is None and partials is None:
            return sweep(graph, values, active, self.xp, first, zeros)
        forced = {id: whole(id, value) for id, value in (force or {}).items()}
        return sweep(
            graph, values, active, self.xp, first, zeros, force=forced, partials=partials,
            join=lambda before, amount, *_: before.__iadd__(amount),
        )  # fmt: skip

    def whole(self, g: Any, shape: Shape) -> Any:
        """Return what `pull` gives for a node in the shape of the node."""
        value = g.value if isinstance(g, Cotangent) else g
        return self.expanded(0.0 if value is None else value, shape)

    def expanded(self, g: Any, shape: Shape) -> Any:
        """Return a number or an array with every axis of a shape."""
        if (g.shape if isinstance(g, Written) else ()) == shape:
            return g
        return self.write(ARRAYS["expand"], (g,), {"shape": shape})

    def full(self, value: Any, *operands: Any) -> Any:
        """Return what an operation comes to with every axis of its operands; a cotangent may lack some."""
        if self.pulling:
            return value
        return self.expanded(value, broadcast(*(x.shape if isinstance(x, Written) else () for x in operands)))

    def narrowed(self, share: Share, shape: Shape) -> Any:
        """Sum over the axes of a user that a node of ``shape`` lacks or has once."""
        g, user = share
        have = g.shape if isinstance(g, Written) else ()
        extra = len(user) - len(shape)
        lost = [i for i, s in enumerate(user) if i < extra or (s != 1 and shape[i - extra] == 1)]
        there = [i - len(user) + len(have) for i in lost]
        axes = tuple(i for i in there if i >= 0 and have[i] != 1)
        # an axis that a constant lacks is as many times the same
        times = prod(user[i] for i, k in zip(lost, there, strict=True) if k not in axes)
        if axes:
            g = self.xp.sum(g, axes, keep=True)
        if len(have) > len(shape):
            g = self.xp.reshape(g, g.shape[len(have) - len(shape) :])
        return g if times == 1 else g * float(times)


class WrittenNumbers(Lifted):
    """The namespace of written numbers: elementwise rows, and what is done to arrays besides.

    Each method writes the row of its name (see `ops.arrays`), or what comes to the same.
    """

    def __init__(self, recorder: Recorder) -> None:
        super().__init__("written numbers", recorder.apply)
        self.recorder = recorder

    def matmul(self, a: Written, b: Written) -> Any:
        return self.apply(ARRAYS["matmul"], a, b)

    def transpose(self, a: Written, axes: tuple[int, ...]) -> Any:
        node = self.recorder.builder.nodes[a.id]
        if node.op is ARRAYS["transpose"]:
            first = tuple(node.static["axes"][i] for i in axes)
            if first == tuple(range(len(axes))):  # turned back
                return Written(self.recorder, node.inputs[0], a.masked)
        return self.apply(ARRAYS["transpose"], a, axes=axes)

    def reshape(self, a: Written, shape: Shape) -> Any:
        shape = filled(shape, prod(a.shape))
        if shape == a.shape:
            return a
        node = self.recorder.builder.nodes[a.id]
        if node.op is TENSORS["shaped"]:
            return self.reshape(Written(self.recorder, node.inputs[0], a.masked), shape)
        return self.apply(TENSORS["shaped"], a, shape=shape)

    def sum(self, a: Written, axes: tuple[int, ...] | None, keep: bool = False) -> Any:
        count = len(a.shape)
        axes = tuple(range(count) if axes is None else (i % count for i in axes))
        return self.apply(TENSORS["sum"], a, axes=axes, keep=keep)

    def largest(self, a: Written, axis: int) -> Any:
        return self.apply(ARRAYS["largest"], a, axis=axis % len(a.shape))

    def expand(self, a: Any, shape: Shape) -> Any:
        return self.recorder.expanded(a, shape)

    def patches(self, x: Written, kernel: int, stride: int, padding: int) -> Any:
        return self.apply(ARRAYS["patches"], x, kernel=kernel, stride=stride, padding=padding)

    def unpatches(self, columns: Written, shape: Shape, kernel: int, stride: int, padding: int) -> Any:
        row = ARRAYS["unpatches"]
        return self.apply(row, columns, shape=shape, kernel=kernel, stride=stride, padding=padding)

    def window(self, x: Written, i: int, j: int, kernel: int, stride: int) -> Any:
        return self.apply(ARRAYS["window"], x, i=i, j=j, kernel=kernel, stride=stride)

    def place(
        self,
        parts: Sequence[Written],
        shape: Shape,
        at: Sequence[tuple[int, int]],
        kernel: int,
        stride: int,
    ) -> Any:
        return self.apply(ARRAYS["place"], *parts, shape=shape, at=tuple(at), kernel=kernel, stride=stride)

    # of vectors and matrices

    def contract(self, spec: str, *operands: Any) -> Any:
        """Write a contraction by labels as products of matrices over views."""
        words, value = labels(spec)
        factors = [x for word, x in zip(words, operands, strict=True) if not word]
        arrays = [(word, x) for word, x in zip(words, operands, strict=True) if word]
        sizes = sizes_of([word for word, _ in arrays], [x.shape for _, x in arrays])
        while len(arrays) > 1:
            (a, x), (b, y), *rest = arrays
            later = value + "".join(word for word, _ in rest)
            arrays = [self._pair(a, x, b, y, later, sizes), *rest]
        found = self._single(*arrays[0], value) if arrays else factors.pop()
        for factor in factors:
            found = found * factor
        return found

    def _single(self, word: str, x: Any, value: str) -> Any:
        """Write the diagonal, the sum and the order of axes that lead from some labels to others."""
        once = "".join(dict.fromkeys(word))
        if once != word:
            x, word = self.apply(MATRICES["diag"], x, spec="ii->i"), once
        axes = tuple(i for i, c in enumerate(word) if c not in value)
        if axes:
            x, word = self.sum(x, axes), "".join(c for c in word if c in value)
        order = tuple(map(word.index, value))
        return x if order == tuple(range(len(order))) else self.transpose(x, order)

    def _pair(self, a: str, x: Any, b: str, y: Any, later: str, sizes: Mapping[str, int]) -> tuple[str, Any]:
        """Write the product of two arrays, summed over what nothing later has: ``matmul`` of two views."""
        a, x = self._needed(a, x, b + later)
        b, y = self._needed(b, y, a + later)
        batch = "".join(c for c in a if c in b and c in later)
        summed = "".join(c for c in a if c in b and c not in later)
        left, right = ("".join(c for c in word if c not in other) for word, other in ((a, b), (b, a)))
        if not summed and not left and not right:
            return batch, self._single(a, x, batch) * self._single(b, y, batch)

        def blocks(word: str, z: Any, *groups: str) -> Any:
            shape = tuple(prod(sizes[c] for c in group) for group in groups)
            z = self._single(word, z, batch + "".join(groups))
            return self.reshape(z, (*(sizes[c] for c in batch), *shape))

        found = self.matmul(blocks(a, x, left, summed), blocks(b, y, summed, right))
        value = batch + left + right
        return value, self.reshape(found, tuple(sizes[c] for c in value))

    def _needed(self, word: str, x: Any, others: str) -> tuple[str, Any]:
        """Sum over the labels that nothing else has."""
        kept = "".join(dict.fromkeys(c for c in word if c in others))
        return kept, self._single(word, x, kept)

    def stack(self, *parts: Any) -> Any:
        return self.apply(MATRICES["stack"], *parts)

    def index(self, x: Any, key: Key) -> Any:
        return self.apply(MATRICES["index"], x, key=key)

    def placed(self, x: Any, shape: Shape, key: Key) -> Any:
        return self.apply(MATRICES["placed"], x, shape=shape, key=key)

    def lookup(self, table: Any, k: Any, rows: int = 0) -> Any:
        return self.apply(MATRICES["lookup"], table, k, rows=rows)

    def scattered(self, x: Any, k: Any, shape: Shape, rows: int = 0) -> Any:
        return self.apply(MATRICES["scattered"], x, k, shape=shape, rows=rows)

    def made(self, name: str, shape: Shape) -> Any:
        """Write an array of a size: ``eye``, ``ones``, ``zeros``."""
        return self.recorder.write(MATRICES[name], (), {"shape": shape})

    def apart(self, x: Any) -> Any:
        return self.apply(MATRICES["apart"], x)

    def inv(self, a: Any) -> Any:
        return self.apply(MATRICES["inv"], a)

    def adjugate(self, a: Any) -> Any:
        return self.apply(MATRICES["adjugate"], a)

    def det(self, a: Any) -> Any:
        return self.apply(MATRICES["det"], a)

    def logdet(self, a: Any) -> Any:
        return self.apply(MATRICES["logdet"], a)

    def solve(self, a: Any, b: Any) -> Any:
        return self.apply(MATRICES["solve"], a, b)


class Share(NamedTuple):
    """What a user of ``shape`` sends back; constant along the axes that it lacks."""

    value: Any
    shape: Shape


class Cotangent:
    """The sum of what the users of a node send back, in the shape of the node.

    The one place where broadcasting is undone: what comes in the shape of a larger user is summed
    over the axes the node lacks. What is constant along an axis may lack it until it is needed.
    """

    __slots__ = ("recorder", "shape", "value")

    def __init__(self, recorder: Recorder, shape: Shape) -> None:
        self.recorder = recorder
        self.shape = shape
        self.value: Any = None

    def __bool__(self) -> bool:
        return self.value is not None

    def __iadd__(self, g: Any) -> Cotangent:
        if isinstance(g, Share):
            g = self.recorder.narrowed(g, self.shape)
        if _is(g, 0.0):
            return self
        self.value = g if self.value is None else self.value + g
        return self

    def __mul__(self, partial: Any) -> Any:
        if isinstance(partial, Pull):
            value = self.value if partial.lazy else self.recorder.expanded(self.value, self.shape)
            return partial.transpose(value)
        return Share(self.value * partial, self.shape)
