"""A graph with arrays at its nodes as one list of array instructions over fixed buffers.

Forward pass and reverse sweep are `run.run` and `sweep.sweep`: run once over
`Array` values, which write down what is done to them, they leave a list of NumPy calls with every
buffer in place. Replaying it allocates nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..graph import Graph
from ..ops.namespaces import MAPPED
from ..ops.primitive import Shape, broadcast
from ..ops.tensor import Pull, filled, windows_along
from .plan import FUNCTIONS, Operand, Recorded, Tape, mapped
from .run import run
from .sweep import sweep

NDArray = npt.NDArray[Any]


class Array(Recorded):
    """The result of an instruction, of a known shape."""

    __slots__ = ()

    @property
    def shape(self) -> Shape:
        return self.tape.shapes[self.index]  # type: ignore[attr-defined, no-any-return]

    def __mul__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, (Pull, Cotangent)) else super().__mul__(other)

    __rmul__ = __mul__


class Share(NamedTuple):
    """What a user of ``shape`` sends back; constant along the axes that it lacks."""

    value: Any
    shape: Shape


class Cotangent:
    """The sum of what the users of a node send back, in the shape of the node.

    The one place where broadcasting is undone: what comes in the shape of a larger user is summed
    over the axes the node lacks. What is constant along an axis may lack it until it is needed.
    """

    __slots__ = ("shape", "tape", "value")

    def __init__(self, tape: TensorTape, shape: Shape) -> None:
        self.tape = tape
        self.shape = shape
        self.value: Any = None

    def __bool__(self) -> bool:
        return self.value is not None

    def __iadd__(self, g: Any) -> Cotangent:
        if isinstance(g, Share):
            g = self.tape.narrowed(g, self.shape)
        if isinstance(g, float) and g == 0.0:
            return self
        self.value = g if self.value is None else self.value + g
        return self

    def __mul__(self, partial: Any) -> Any:
        if isinstance(partial, Pull):
            return partial.transpose(self.value if partial.lazy else self.full())
        return Share(self.value * partial, self.shape)

    def full(self) -> Array:
        """Return the cotangent with every axis of its node."""
        return self.tape.expanded(self.value, self.shape)


class TensorTape(Tape):
    """Instructions over arrays: ``(name, operands)`` with the shape of each result."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[Shape] = []
        self.static: list[dict[str, Any]] = []
        self.namespace.__dict__.update(
            matmul=self.matmul,
            transpose=self.transpose,
            reshape=self.reshape,
            sum=self.sum,
            largest=self.largest,
            expand=self.expanded,
            patches=self.patches,
            unpatches=self.unpatches,
            window=self.window,
            place=self.place,
        )

    def recorded(self, index: int, masked: bool = False) -> Array:
        return Array(self, index, masked)

    def write(self, name: str, operands: tuple[Operand, ...]) -> int:
        """Write an elementwise instruction: its shape is that of its operands, broadcast."""
        index = super().write(name, operands)
        if index == len(self.shapes):
            self.shapes.append(broadcast(*(self.shapes[o] for o in operands if isinstance(o, int))))
            self.static.append({})
        return index

    def structural(
        self, name: str, arrays: Sequence[Array], shape: Shape, masked: bool = False, **static: Any
    ) -> Array:
        """Write an instruction that is not elementwise."""
        operands = tuple(a.index for a in arrays)
        key = (name, repr((operands, shape, static)))
        index = self.known.get(key)
        if index is None:
            index = self.known[key] = len(self.code)
            self.code.append((name, operands))
            self.shapes.append(shape)
            self.static.append(static)
        return self.recorded(index, masked)

    def leaf(self, shape: Shape) -> Array:
        """Write an array that comes from outside."""
        return self.structural("leaf", (), shape, number=len(self.code))

    # the functions that only arrays have

    def matmul(self, a: Array, b: Array) -> Array:
        batch = broadcast(a.shape[:-2], b.shape[:-2])
        return self.structural("matmul", (a, b), (*batch, a.shape[-2], b.shape[-1]))

    def transpose(self, a: Array, axes: tuple[int, ...]) -> Array:
        name, operands = self.code[a.index]
        if name == "transpose" and tuple(self.static[a.index]["axes"][i] for i in axes) == tuple(
            range(len(axes))
        ):
            return self.recorded(int(operands[0]), a.masked)  # turned back
        return self.structural("transpose", (a,), tuple(a.shape[i] for i in axes), a.masked, axes=axes)

    def reshape(self, a: Array, shape: Shape) -> Array:
        shape = filled(shape, prod(a.shape))
        if shape == a.shape:
            return a
        name, operands = self.code[a.index]
        if name == "reshape":
            return self.reshape(self.recorded(int(operands[0]), a.masked), shape)
        return self.structural("reshape", (a,), shape, a.masked)

    def sum(self, a: Array, axes: tuple[int, ...] | None, keep: bool = False) -> Array:
        axes = tuple(range(len(a.shape)) if axes is None else (i % len(a.shape) for i in axes))
        shape = tuple(1 if i in axes else s for i, s in enumerate(a.shape) if keep or i not in axes)
        return self.structural("sum", (a,), shape, a.masked, axes=axes, keep=keep)

    def largest(self, a: Array, axis: int) -> Array:
        axis %= len(a.shape)
        shape = (*a.shape[:axis], 1, *a.shape[axis + 1 :])
        return self.structural("largest", (a,), shape, axis=axis)

    def patches(self, x: Array, kernel: int, stride: int, padding: int) -> Array:
        n, channels, height, width = x.shape
        high, wide = (windows_along(size, kernel, stride, padding) for size in (height, width))
        shape = (channels * kernel * kernel, high * wide * n)
        return self.structural("patches", (x,), shape, kernel=kernel, stride=stride, padding=padding)

    def unpatches(self, columns: Array, shape: Shape, kernel: int, stride: int, padding: int) -> Array:
        return self.structural("unpatches", (columns,), shape, kernel=kernel, stride=stride, padding=padding)

    def window(self, x: Array, i: int, j: int, kernel: int, stride: int) -> Array:
        n, channels, height, width = x.shape
        high, wide = (windows_along(size, kernel, stride) for size in (height, width))
        return self.structural("window", (x,), (n, channels, high, wide), i=i, j=j, stride=stride)

    def place(
        self, parts: Sequence[Array], shape: Shape, at: Sequence[tuple[int, int]], kernel: int, stride: int
    ) -> Array:
        return self.structural("place", parts, shape, at=tuple(at), stride=stride)

    # cotangents

    def narrowed(self, share: Share, shape: Shape) -> Any:
        """Sum over the axes of a user that a node of ``shape`` lacks or has once."""
        g, user = share
        have, extra = _shape(g), len(user) - len(shape)
        lost = [i for i, s in enumerate(user) if i < extra or (s != 1 and shape[i - extra] == 1)]
        there = [i - len(user) + len(have) for i in lost]
        axes = tuple(i for i in there if i >= 0 and have[i] != 1)
        # an axis that a constant lacks is as many times the same
        times = prod(user[i] for i, k in zip(lost, there, strict=True) if k not in axes)
        if axes:
            g = self.sum(g, axes, keep=True)
        if len(have) > len(shape):
            g = self.reshape(g, g.shape[len(have) - len(shape) :])
        return g if times == 1 else g * float(times)

    def expanded(self, g: Any, shape: Shape) -> Array:
        """Give a cotangent every axis of its node."""
        if isinstance(g, Array) and g.shape == shape:
            return g
        arrays = (g,) if isinstance(g, Array) else ()
        return self.structural("fill", arrays, shape, value=None if arrays else float(g))


def _shape(x: Any) -> Shape:
    return x.shape if isinstance(x, Array) else ()


class TensorPlan:
    """Values of a graph, and cotangents of some of its leaves, over fixed buffers.

    Args:
        graph: The computation; its last output is what cotangents are of, a single number.
        leaves: Id of every leaf that is no constant -> its array; the plan reads them where they are.
        gradients: Id of a leaf -> the array that its cotangent is written to.
        keep: Nodes whose values (and cotangents, where there is a sweep) stay readable after `run`.
        dtype: Of all arrays.
    """

    def __init__(
        self,
        graph: Graph,
        leaves: Mapping[int, NDArray],
        gradients: Mapping[int, NDArray] | None = None,
        keep: Collection[int] = (),
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        self.graph = graph
        self.dtype = np.dtype(dtype)
        self.tape = tape = TensorTape()
        self._homes: dict[int, NDArray] = {}
        start: dict[int, Any] = dict(graph.constant_values())
        for id, array in leaves.items():
            start[id] = tape.leaf(array.shape)
            self._homes[start[id].index] = array
        self._values = run(graph, start, tape.namespace)
        self._cotangents: list[Any] = [0.0] * len(graph)
        wanted: dict[int, NDArray] = dict(gradients or {})
        if wanted:
            active = graph.depends_on(list(wanted))
            tape.pulling = True
            zeros = [
                Cotangent(tape, _shape(v)) if a else 0.0 for v, a in zip(self._values, active, strict=True)
            ]
            seed = Cotangent(tape, _shape(self._values[graph.output]))
            seed.value = 1.0
            self._cotangents = sweep(graph, self._values, active, tape.namespace, seed, zeros)
        targets = {}
        for id, array in wanted.items():
            g = self._cotangents[id]
            full = tape.expanded(g.value if g else 0.0, array.shape)
            if tape.code[full.index][0] == "reshape":
                full = tape.recorded(int(tape.code[full.index][1][0]))
                array = array.reshape(full.shape)
            if full.index in targets or full.index in self._homes or tape.code[full.index][0] in VIEWS:
                full = tape.structural("copy", (full,), array.shape, target=id)
            targets[full.index] = array
        self._homes.update(targets)
        outputs = {self._index(self._values[i]) for i in (*graph.outputs, *keep)}
        for id in keep:
            g = self._cotangents[id]
            if isinstance(g, Cotangent) and g:
                outputs.add(self._index(g.value))
        outputs.discard(None)
        self._calls = self._schedule({*targets, *(o for o in outputs if o is not None)})

    @staticmethod
    def _index(value: Any) -> int | None:
        return value.index if isinstance(value, Array) else None

    def run(self) -> None:
        """Compute everything from what the leaves hold now; the caller sets ``numpy.errstate``."""
        for function, arguments in self._calls:
            function(*arguments)

    def value(self, id: int) -> NDArray:
        """Return the value of an output or kept node, a view that the next run changes."""
        return self._array(self._values[id])

    def cotangent(self, id: int) -> NDArray:
        """Return the cotangent of a kept node, in the node's shape."""
        g = self._cotangents[id]
        shape = _shape(self._values[id])
        if not isinstance(g, Cotangent):
            return np.full(shape, float(g), self.dtype)
        return np.broadcast_to(self._array(g.value), shape) if g else np.zeros(shape, self.dtype)

    def _array(self, value: Any) -> NDArray:
        return self._homes[value.index] if isinstance(value, Array) else np.asarray(value, self.dtype)

    def _constant(self, name: str, value: float, shape: Shape) -> NDArray:
        """Return a number as an array, which NumPy takes faster than a Python float.

        Its extrema run three times as fast over two full arrays as over an array and a number.
        """
        with np.errstate(over="ignore"):
            return np.full(shape if name in ("max", "min") else (), value, self.dtype)

    def _schedule(self, outputs: set[int]) -> list[tuple[Callable[..., Any], tuple[Any, ...]]]:
        """Give every instruction that is needed a buffer, reusing what is read no more."""
        tape = self.tape
        code, shapes = tape.code, tape.shapes
        # a view keeps what it looks at alive
        base = list(range(len(code)))
        last: dict[int, int] = {}
        used = set(outputs)
        for k in range(len(code) - 1, -1, -1):
            if k in used:
                used.update(o for o in code[k][1] if isinstance(o, int))
        order = sorted(used)
        for k in order:
            name, operands = code[k]
            if name in VIEWS:
                base[k] = base[int(operands[0])]
            for o in operands:
                if isinstance(o, int):
                    last[base[o]] = k
        forever = {base[o] for o in outputs}
        free: dict[int, list[NDArray]] = {}
        memory: dict[int, NDArray] = {}
        calls: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        for k in order:
            name, operands = code[k]
            if name == "leaf":
                continue
            arguments = tuple(
                self._homes[o] if isinstance(o, int) else self._constant(name, o, shapes[k]) for o in operands
            )
            static = tape.static[k]
            if name in VIEWS:
                view = VIEWS[name](*arguments, shape=shapes[k], **static)
                if view is not None:
                    self._homes[k] = view
                    continue
                base[k] = k  # a copy after all
                forever.add(k)
            dying = [
                base[o] for o in dict.fromkeys(operands) if isinstance(o, int) and last.get(base[o]) == k
            ]
            dying = [b for b in dict.fromkeys(dying) if b in memory and b not in forever]
            elementwise = name not in KERNELS
            if elementwise:
                for b in dying:
                    free.setdefault(memory[b].size, []).append(memory[b])
            out = self._homes.get(k)
            if out is None:
                size = prod(shapes[k])
                pool = free.get(size)
                # an elementwise result may take the place of an operand only in the same layout
                block = pool.pop() if pool else np.empty(size, self.dtype)
                memory[k] = block
                out = self._homes[k] = _shaped(block, shapes[k])
            if not elementwise:
                for b in dying:
                    free.setdefault(memory[b].size, []).append(memory[b])
            if name in KERNELS:
                calls += KERNELS[name](out, *arguments, **static)
            else:
                function = ONE_BY_ONE.get(name) if out.size <= FEW else None
                function = function or FUNCTIONS[name]
                calls.append(
                    (partial(function, out=out), arguments)
                    if name in BY_KEYWORD
                    else (function, (*arguments, out))
                )
        self.floats = sum({id(block): block.size for block in memory.values()}.values())
        return calls


FEW = 1024
ONE_BY_ONE = {name: mapped(name, 1) for name in ("erf", "erfc")}
"""What is faster number by number where there are few: calls of NumPy cost more than they compute."""

BY_KEYWORD = {*MAPPED, *ONE_BY_ONE, "min", "max"}
"""Functions that take ``out`` by keyword; NumPy 2.4 warns of another way for minimum and maximum."""


def _shaped(block: NDArray, shape: Shape) -> NDArray:
    """Lay out a buffer: images with their rows innermost, so that every window is made of long runs."""
    if len(shape) == 4:
        n, *rest = shape
        return block.reshape(*rest, n).transpose(3, 0, 1, 2)
    return block.reshape(shape)


# Views: None where the layout allows none


def _reshaped(a: NDArray, shape: Shape) -> NDArray | None:
    view = a.reshape(shape)
    return view if np.may_share_memory(view, a) else None


def _window(x: NDArray, shape: Shape, i: int, j: int, stride: int) -> NDArray:
    high, wide = shape[2:]
    return x[:, :, i : i + stride * (high - 1) + 1 : stride, j : j + stride * (wide - 1) + 1 : stride]


VIEWS: dict[str, Callable[..., NDArray | None]] = {
    "transpose": lambda a, shape, axes: a.transpose(axes),
    "reshape": _reshaped,
    "window": _window,
}

# Kernels: from buffers to calls

Calls = list[tuple[Callable[..., Any], tuple[Any, ...]]]


def _where(out: NDArray, c: NDArray, a: NDArray, b: NDArray) -> Calls:
    holds = np.empty(c.shape, bool)
    return [(np.not_equal, (c, 0.0, holds)), (np.copyto, (out, b)), (np.copyto, (out, a, "same_kind", holds))]


def _matmul(out: NDArray, a: NDArray, b: NDArray) -> Calls:
    return [(np.matmul, (a, b, out))]


def _sum(out: NDArray, a: NDArray, axes: tuple[int, ...], keep: bool) -> Calls:
    if a.ndim == 2 and a.flags.c_contiguous and axes in ((0,), (1,)):
        # a matrix product adds rows and columns faster than a reduction does
        ones = np.ones(a.shape[axes[0]], a.dtype)
        operands = (ones, a) if axes == (0,) else (a, ones)
        return [(np.matmul, (*operands, out.reshape(-1)))]
    return [(np.add.reduce, (a, axes, None, out, keep))]


def _largest(out: NDArray, a: NDArray, axis: int) -> Calls:
    return [(np.maximum.reduce, (a, axis, None, out, True))]


def _copy(out: NDArray, a: NDArray, **_: Any) -> Calls:
    return [(np.copyto, (out, a))]


def _fill(out: NDArray, *a: NDArray, value: float | None) -> Calls:
    return [(np.copyto, (out, a[0] if a else value))]


def _by_place(x: NDArray) -> NDArray:
    """(rows, channels, height, width) -> (channels, height, width, rows)."""
    return x.transpose(1, 2, 3, 0)


def _sliding(padded: NDArray, kernel: int, stride: int, high: int, wide: int) -> NDArray:
    """Return the view (channels, kernel, kernel, high, wide, rows) of all windows."""
    c, h, w, n = padded.strides
    return np.lib.stride_tricks.as_strided(
        padded,
        (padded.shape[0], kernel, kernel, high, wide, padded.shape[3]),
        (c, h, w, h * stride, w * stride, n),
    )


def _patches(out: NDArray, x: NDArray, kernel: int, stride: int, padding: int) -> Calls:
    n, channels, height, width = x.shape
    high, wide = (windows_along(size, kernel, stride, padding) for size in (height, width))
    padded = np.zeros((channels, height + 2 * padding, width + 2 * padding, n), out.dtype)
    inner = padded[:, padding : padding + height, padding : padding + width]
    columns = out.reshape(channels, kernel, kernel, high, wide, n)
    return [
        (np.copyto, (inner, _by_place(x))),
        (np.copyto, (columns, _sliding(padded, kernel, stride, high, wide))),
    ]


def _unpatches(out: NDArray, columns: NDArray, kernel: int, stride: int, padding: int) -> Calls:
    n, channels, height, width = out.shape
    high, wide = (windows_along(size, kernel, stride, padding) for size in (height, width))
    padded = np.zeros((channels, height + 2 * padding, width + 2 * padding, n), out.dtype)
    parts = columns.reshape(channels, kernel, kernel, high, wide, n)
    windows = _sliding(padded, kernel, stride, high, wide)
    calls: Calls = [(padded.fill, (0.0,))]
    for i in range(kernel):
        for j in range(kernel):
            calls.append((np.add, (windows[:, i, j], parts[:, i, j], windows[:, i, j])))
    inner = padded[:, padding : padding + height, padding : padding + width]
    return [*calls, (np.copyto, (_by_place(out), inner))]


def _regrouped(out: NDArray, a: NDArray) -> Calls:
    """Copy between two layouts, of which one is plain rows."""
    view = _reshaped(out, a.shape)
    return [(np.copyto, (out, a.reshape(out.shape)) if view is None else (view, a))]


def _place(out: NDArray, *parts: NDArray, at: Sequence[tuple[int, int]], stride: int) -> Calls:
    calls: Calls = [(out.fill, (0.0,))]
    for part, (i, j) in zip(parts, at, strict=True):
        view = _window(out, part.shape, i, j, stride)
        calls.append((np.add, (view, part, view)))
    return calls


KERNELS: dict[str, Callable[..., Calls]] = {
    "where": _where,
    "matmul": _matmul,
    "sum": _sum,
    "largest": _largest,
    "copy": _copy,
    "fill": _fill,
    "reshape": _regrouped,
    "patches": _patches,
    "unpatches": _unpatches,
    "place": _place,
}
