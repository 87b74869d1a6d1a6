"""The NumPy engine: a tape as a list of NumPy calls with every buffer in place.

Replaying the list allocates nothing. A buffer is given on as soon as its numbers are read no more.

Source:
    Buffers by liveness, the last given back first: Poletto and Sarkar, Linear Scan Register Allocation
    (1999), for straight code; Griewank and Walther, Evaluating Derivatives (2008), section 4.1, on the
    locations of intermediate values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..graph import Node
from ..ops import Shape
from ..ops.error_function import erf, erfc
from ..ops.matrices import ENTRIES, Key
from ..ops.namespaces import FLOATS, MAPPED, ufuncs
from ..ops.tensor import windows_over

NDArray = npt.NDArray[Any]
Calls = list[tuple[Callable[..., Any], tuple[Any, ...]]]


def mapped(name: str, arity: int) -> Callable[..., None]:
    """Return the function of floats, run over arrays element by element; it raises no flags."""
    scalar = np.frompyfunc(getattr(FLOATS, name), arity, 1)

    def function(*operands: Any, out: NDArray) -> None:
        out[...] = scalar(*operands)

    return function


def choose(c: Any, a: Any, b: Any, out: NDArray) -> None:
    """Write a where c holds, else b."""
    np.copyto(out, b)
    np.copyto(out, a, where=np.not_equal(c, 0.0))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "negative": np.negative,
    "power": np.power,
    "power_n": np.power,
    "min": np.minimum,
    "max": np.maximum,
    "where": choose,
    **{name: getattr(np, name) for name in "less less_equal greater greater_equal equal not_equal".split()},
    **ufuncs(),
    "erf": erf,
    "erfc": erfc,
    **{name: mapped(name, arity) for name, arity in MAPPED.items()},
}
"""What is computed number by number; the result goes to ``out``."""

FEW = 1024
ONE_BY_ONE = {name: mapped(name, 1) for name in ("erf", "erfc")}
"""What is faster number by number where there are few: calls of NumPy cost more than they compute."""

TOGETHER = {"sin": "cos", "cos": "sin"}
TOGETHER_FROM = 4096
"""Numbers from which the two of one operand are computed in one go: more calls, each of them faster."""

BY_KEYWORD = {*MAPPED, *ONE_BY_ONE, "min", "max"}
"""Functions that take ``out`` by keyword; NumPy 2.4 warns of another way for minimum and maximum."""


class Steps:
    """Instructions bound to buffers.

    Args:
        nodes: The instructions, in order; what no output needs is left out.
        outputs: Instructions whose results stay readable after a run.
        homes: Leaf -> the array it is read from; output -> the array that its result is written to.
        lead: Axes before those of every instruction: rows that are computed at once.
        dtype: Of all arrays.
        images: Instructions whose results are laid out with their rows innermost.
        few: Arrays up to this size may be computed number by number.
    Attributes:
        homes: Where the result of every instruction is, while it is needed.
        floats: How many numbers the buffers hold.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        outputs: Collection[int],
        homes: Mapping[int, NDArray],
        *,
        lead: Shape = (),
        dtype: npt.DTypeLike = np.float64,
        images: Collection[int] = (),
        few: int = FEW,
    ) -> None:
        self.homes: dict[int, NDArray] = dict(homes)
        self.lead = lead
        self.dtype = np.dtype(dtype)
        self.few = few
        self._free: dict[int, list[NDArray]] = {}
        self._memory: dict[int, NDArray] = {}
        self._calls: Calls = []
        self._together: set[int] = set()
        # a view keeps what it looks at alive: liveness is that of the base
        self._base = list(range(len(nodes)))
        order = needed(nodes, outputs)
        turned: dict[tuple[str, int], int] = {}
        for k in order:
            op = nodes[k].op
            if op is not None and op.name in TOGETHER and k not in images:
                turned[op.name, nodes[k].inputs[0]] = k
        partners = {k: turned.get((TOGETHER[name], operand)) for (name, operand), k in turned.items()}
        self._parts = {} if lead else _parts(nodes, order, {*outputs, *homes, *images})
        whole = {part for part, _ in self._parts.values()}
        last: dict[int, int] = {}
        for k in order:
            if _is_view(nodes[k]):
                self._base[k] = self._base[nodes[k].inputs[0]]
            for i in (*nodes[k].inputs, *self._parts.get(k, ())):
                last[self._base[i]] = k
        forever = {self._base[i] for i in outputs}
        for k in order:
            if k in self._parts:
                self._add_part(nodes, nodes[k], last, forever)
            elif nodes[k].op is not None and k not in whole:
                self._enter(nodes, nodes[k], last, forever, k in images, partners.get(k))
        self.floats = sum({id(block): block.size for block in self._memory.values()}.values())

    def run(self) -> None:
        """Compute everything from what the leaves hold now; the caller sets ``numpy.errstate``."""
        for function, arguments in self._calls:
            function(*arguments)

    def _enter(
        self,
        nodes: Sequence[Node],
        node: Node,
        last: Mapping[int, int],
        forever: set[int],
        image: bool,
        partner: int | None,
    ) -> None:
        """Give an instruction its buffer and its calls, and the one that is computed with it."""
        assert node.op is not None
        k, name = node.id, node.op.name
        shape = (*self.lead, *node.shape)
        arguments = tuple(self._operand(nodes[i], name, shape) for i in node.inputs)
        if name in VIEWS:
            view = VIEWS[name](*arguments, **{**node.static, "shape": shape})
            if view is not None:
                self.homes[k] = view
                return
            self._base[k] = k  # a copy after all
            forever.add(k)
        dying = dict.fromkeys(self._base[i] for i in node.inputs if last.get(self._base[i]) == k)
        blocks = [self._memory[b] for b in dying if b in self._memory and b not in forever]
        if name in KERNELS:
            out = self._buffer(k, shape, image)
            self._calls += KERNELS[name](out, *arguments, **node.static)
            self._give_back(blocks)
            return
        if partner is not None and (
            partner in self._together or self._pair(node, partner, shape, *arguments)
        ):
            self._give_back(blocks)
            return
        # number by number a result may take the place of an operand
        self._give_back(blocks)
        out = self._buffer(k, shape, image)
        function = ONE_BY_ONE.get(name) if out.size <= self.few else None
        function = function or FUNCTIONS[name]
        if name in BY_KEYWORD:
            self._calls.append((partial(function, out=out), arguments))
        else:
            self._calls.append((function, (*arguments, out)))

    def _add_part(
        self, nodes: Sequence[Node], node: Node, last: Mapping[int, int], forever: set[int]
    ) -> None:
        """Add numbers to a part of an array, in its place where nothing else reads it."""
        part, x = self._parts[node.id]
        (before,) = (i for i in node.inputs if i != part)
        whole, added = (self._operand(nodes[i], "add", nodes[i].shape) for i in (before, x))
        dying = {self._base[i] for i in (before, x) if last.get(self._base[i]) == node.id} - forever
        if before in dying and before in self._memory and node.id not in self.homes:
            dying.remove(before)
            self.homes[node.id], self._memory[node.id] = whole, self._memory[before]
        else:
            out = self._buffer(node.id, node.shape, False)
            self._calls.append((np.copyto, (out, whole)))
        place = _part(self.homes[node.id], nodes[part].static["key"])
        self._calls.append((np.add, (place, added, place)))
        self._give_back([self._memory[b] for b in dying if b in self._memory])

    def _pair(self, node: Node, partner: int, shape: Shape, x: NDArray) -> bool:
        """Compute sine and cosine together, where it pays."""
        if x.size < TOGETHER_FROM or self.dtype != np.float64:
            return False
        outs = [self._buffer(k, shape, False) for k in (node.id, partner)]
        if not all(out.flags.c_contiguous for out in outs):
            return False
        from .sine_cosine import SineCosine

        assert node.op is not None
        self._together.add(node.id)
        self._calls.append((SineCosine(x.size), (x, *(outs if node.op.name == "sin" else outs[::-1]))))
        return True

    def _give_back(self, blocks: Sequence[NDArray]) -> None:
        for block in blocks:
            self._free.setdefault(block.size, []).append(block)

    def _operand(self, node: Node, user: str, shape: Shape) -> NDArray:
        """Return the array an operand is read from; a number as an array, which NumPy takes faster.

        Extrema run three times as fast over two full arrays as over an array and a number.
        """
        if node.id in self.homes or node.op is not None:
            return self.homes[node.id]
        with np.errstate(over="ignore"):
            return np.full(shape if user in ("max", "min") else (), node.value, self.dtype)

    def _buffer(self, k: int, shape: Shape, image: bool) -> NDArray:
        """Return the array that a result is written to: given, free or new."""
        if k not in self.homes:
            size = prod(shape)
            free = self._free.get(size)
            block = self._memory[k] = free.pop() if free else np.empty(size, self.dtype)
            self.homes[k] = _rows_innermost(block, shape) if image else block.reshape(shape)
        return self.homes[k]


def _parts(nodes: Sequence[Node], order: Sequence[int], kept: Collection[int]) -> dict[int, tuple[int, int]]:
    """Return the sums with zeros in which a part is put, with the node of these, and what is put there.

    The slopes by the steps of a sequence add up so: each would go over all steps.
    """
    readers = Counter(i for k in order for i in nodes[k].inputs)
    found: dict[int, tuple[int, int]] = {}
    for k in order:
        node = nodes[k]
        if node.op is None or node.op.name != "add" or k in kept:
            continue
        for i in node.inputs:
            part, (other,) = nodes[i], [j for j in node.inputs if j != i] or (i,)
            placed = part.op is not None and part.op.name == "placed" and readers[i] == 1 and i not in kept
            if placed and nodes[other].op is not None and nodes[other].shape == part.shape == node.shape:
                found[k] = i, part.inputs[0]
                break
    return found


def _is_view(node: Node) -> bool:
    return node.op is not None and node.op.name in VIEWS


def needed(nodes: Sequence[Node], outputs: Collection[int]) -> list[int]:
    """Return what must be computed for outputs, in order."""
    used = set(outputs)
    for node in reversed(nodes):
        if node.id in used:
            used.update(node.inputs)
    return sorted(used)


def _rows_innermost(block: NDArray, shape: Shape) -> NDArray:
    """Lay out a buffer of images so that every window is made of long runs."""
    n, *rest = shape
    return block.reshape(*rest, n).transpose(-1, *range(len(rest)))


# Views: None where the layout allows none


def _reshaped(a: NDArray, shape: Shape) -> NDArray | None:
    view = a.reshape(shape)
    return view if np.may_share_memory(view, a) else None


def _window(x: NDArray, shape: Shape, i: int, j: int, stride: int, **_: Any) -> NDArray:
    high, wide = shape[2:]
    return x[:, :, i : i + stride * (high - 1) + 1 : stride, j : j + stride * (wide - 1) + 1 : stride]


def _part(x: NDArray, key: Key, **_: Any) -> NDArray:
    # an ellipsis at the end makes a view of a single number, too
    part: NDArray = x[(*(k if isinstance(k, int) else slice(*k) for k in key), ...)]
    return part


VIEWS: dict[str, Callable[..., NDArray | None]] = {
    "diag": lambda a, **_: np.einsum("ii->i", a),
    "index": _part,
    "transpose": lambda a, shape, axes: a.transpose(axes),
    "shaped": _reshaped,
    "window": _window,
}

# Kernels: from buffers to calls


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


def _expand(out: NDArray, a: NDArray, **_: Any) -> Calls:
    return [(np.copyto, (out, a))]


def _by_place(x: NDArray) -> NDArray:
    """(rows, channels, *sides) -> (channels, *sides, rows)."""
    return x.transpose(*range(1, x.ndim), 0)


class _Padded(NamedTuple):
    """Room for arrays (rows, channels, *sides) between zeros, rows last.

    Attributes:
        array: All of it, (channels, *sides, rows).
        inner: The part between the zeros.
        windows: The view of all windows, (channels, *kernel, *places, rows).
    """

    array: NDArray
    inner: NDArray
    windows: NDArray


def _padded(shape: Shape, dtype: np.dtype[Any], kernel: int, stride: int, padding: int) -> _Padded:
    n, channels, *sides = shape
    array = np.zeros((channels, *(size + 2 * padding for size in sides), n), dtype)
    inner = array[(slice(None), *(slice(padding, padding + size) for size in sides))]
    c, *along, row = array.strides
    windows = np.lib.stride_tricks.as_strided(
        array,
        (channels, *(kernel for _ in sides), *windows_over(shape, kernel, stride, padding), n),
        (c, *along, *(step * stride for step in along), row),
    )
    return _Padded(array, inner, windows)


def _patches(out: NDArray, x: NDArray, kernel: int, stride: int, padding: int) -> Calls:
    padded = _padded(x.shape, out.dtype, kernel, stride, padding)
    return [
        (np.copyto, (padded.inner, _by_place(x))),
        (np.copyto, (out.reshape(padded.windows.shape), padded.windows)),
    ]


def _unpatches(out: NDArray, columns: NDArray, kernel: int, stride: int, padding: int, **_: Any) -> Calls:
    padded = _padded(out.shape, out.dtype, kernel, stride, padding)
    parts = columns.reshape(padded.windows.shape)
    calls: Calls = [(padded.array.fill, (0.0,))]
    for place in np.ndindex(*(kernel for _ in out.shape[2:])):
        seen = (slice(None), *place)
        calls.append((np.add, (padded.windows[seen], parts[seen], padded.windows[seen])))
    return [*calls, (np.copyto, (_by_place(out), padded.inner))]


def _regrouped(out: NDArray, a: NDArray, **_: Any) -> Calls:
    """Copy between two layouts, of which one is plain rows."""
    view = _reshaped(out, a.shape)
    return [(np.copyto, (out, a.reshape(out.shape)) if view is None else (view, a))]


def _place(out: NDArray, *parts: NDArray, at: Sequence[tuple[int, int]], stride: int, **_: Any) -> Calls:
    calls: Calls = [(out.fill, (0.0,))]
    for part, (i, j) in zip(parts, at, strict=True):
        view = _window(out, part.shape, i, j, stride)
        calls.append((np.add, (view, part, view)))
    return calls


def _stack(out: NDArray, *parts: NDArray) -> Calls:
    return [(np.copyto, (out[k, ...], part)) for k, part in enumerate(parts)]


def _placed(out: NDArray, x: NDArray, key: Key, **_: Any) -> Calls:
    return [(out.fill, (0.0,)), (np.copyto, (_part(out, key), x))]


class _Places:
    """Rows of a table as an index of floats says; where it says none, there is no number.

    Args:
        k: The index.
        size: How many rows there are.
        rows: Of each example's own table.
    """

    def __init__(self, k: NDArray, size: int, rows: bool) -> None:
        self.k, self.size = k, size
        self.whole, self.index = np.empty_like(k), np.empty(k.shape, np.intp)
        self.none = np.empty(k.shape, bool)
        example = np.arange(len(k)).reshape(-1, *[1] * (k.ndim - 1)) if rows else None
        self.at = (self.index,) if example is None else (np.broadcast_to(example, k.shape), self.index)

    def find(self) -> bool:
        """Read the index; return whether some of it is none."""
        np.fmax(self.k, 0.0, out=self.whole)
        np.fmin(self.whole, self.size - 1.0, out=self.whole)
        np.copyto(self.index, self.whole, casting="unsafe")
        np.not_equal(self.index, self.k, out=self.none)
        return bool(self.none.any())


def _lookup(out: NDArray, table: NDArray, k: NDArray, rows: int = 0) -> Calls:
    places = _Places(k, table.shape[rows > 0], rows > 0)

    def run() -> None:
        none = places.find()
        if rows:
            np.copyto(out, table[places.at])
        else:
            np.take(table, places.index, 0, out, "clip")
        if none:
            out[places.none] = np.nan

    return [(run, ())]


def _scattered(out: NDArray, x: NDArray, k: NDArray, rows: int = 0, **_: Any) -> Calls:
    places = _Places(k, out.shape[rows > 0], rows > 0)

    def run() -> None:
        out.fill(0.0)
        if places.find():
            some = ~places.none
            np.add.at(out, tuple(index[some] for index in places.at), x[some])
        else:
            np.add.at(out, places.at, x)

    return [(run, ())]


def _apart(out: NDArray, x: NDArray) -> Calls:
    return [(out.fill, (0.0,)), (np.copyto, (np.einsum("ii->i", out), x))]


def _filled(entry: Callable[..., float]) -> Callable[..., Calls]:
    def calls(out: NDArray, *_: Any, **__: Any) -> Calls:
        made = np.fromfunction(np.vectorize(partial(entry, out.shape), otypes=[float]), out.shape)
        return [(np.copyto, (out, made))]

    return calls


def _of_matrix(function: Callable[..., Any]) -> Callable[..., Calls]:
    """Return the calls of a function of NumPy's that makes an array of its own: nan where it has no value."""

    def run(out: NDArray, *operands: NDArray) -> None:
        try:
            np.copyto(out, function(*operands))
        except np.linalg.LinAlgError:
            out.fill(np.nan)

    return lambda out, *operands, **_: [(run, (out, *operands))]


def _adjugate(a: NDArray) -> NDArray:
    """Return det(A)*inv(A), of singular matrices, too, by the singular value decomposition.

    Source: Stewart, On the adjugate matrix (1998).
    """
    u, s, v = np.linalg.svd(a)
    others = np.array([np.prod(np.delete(s, k)) for k in range(len(s))])
    found: NDArray = np.linalg.det(u) * np.linalg.det(v) * (v.T * others) @ u.T
    return found


def _logdet(a: NDArray) -> Any:
    sign, size = np.linalg.slogdet(a)
    return size if sign > 0 else np.nan


KERNELS: dict[str, Callable[..., Calls]] = {
    "stack": _stack,
    "placed": _placed,
    "lookup": _lookup,
    "scattered": _scattered,
    "apart": _apart,
    "inv": _of_matrix(np.linalg.inv),
    "det": _of_matrix(np.linalg.det),
    "adjugate": _of_matrix(_adjugate),
    "logdet": _of_matrix(_logdet),
    "solve": _of_matrix(np.linalg.solve),
    **{name: _filled(entry) for name, entry in ENTRIES.items()},
    "where": _where,
    "matmul": _matmul,
    "sum": _sum,
    "largest": _largest,
    "expand": _expand,
    "shaped": _regrouped,
    "patches": _patches,
    "unpatches": _unpatches,
    "place": _place,
}

NATIVE = {*FUNCTIONS, *VIEWS, *KERNELS}
"""Rows that are instructions of this engine."""
