"""The JAX engine: a tape said in jax.numpy, and compiled by XLA for whatever devices there are (``[jax]``).

Importing this module imports JAX and makes its numbers float64 where they are asked for, in this process.

Source:
    Frostig, Johnson and Leary, Compiling machine learning programs via high-level tracing (2018), on programs
    that are traced once and compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.scipy import special

from ..graph import Graph, Node
from ..ops.matrices import Key
from ..ops.namespaces import MAPPED, ufuncs
from ..ops.primitive import Shape
from ..ops.tensor import windows_over
from .numpy import NATIVE, NDArray, mapped, needed
from .record import Cotangent
from .rolling import Along, Loop, Operand, Own, read_outside, rolled
from .tape import Tape

jax.config.update("jax_enable_x64", True)

Array = Any  # JAX's: types are checked where it is not installed, too

# Spellings. XLA's own are used where they have all digits; sinh, cosh, log1p, atanh and erfc lose up to 500
# units in the last place there.


def _sinh(x: Array) -> Array:
    """exp(x)/2 in two factors, which overflow no earlier than sinh does; near 0 by what exp is above 1."""
    half = jnp.exp(0.5 * jnp.abs(x))
    less = jnp.expm1(jnp.minimum(jnp.abs(x), 1.0))
    near = 0.5 * (less + less / (less + 1.0))
    return jnp.copysign(jnp.where(jnp.abs(x) < 1.0, near, (0.5 * half) * half - 0.5 / half / half), x)


def _cosh(x: Array) -> Array:
    half = jnp.exp(0.5 * jnp.abs(x))
    return (0.5 * half) * half + 0.5 / half / half


def _log1p(x: Array) -> Array:
    """Kahan's: what 1 + x loses is given back.

    Source:
        Goldberg, What every computer scientist should know about floating-point arithmetic (1991), theorem 4.
    """
    above = jax.lax.optimization_barrier(1.0 + x)  # XLA would take 1 off again without rounding
    found = jnp.log(above) - ((above - 1.0) - x) / above
    return jnp.where(jnp.isfinite(above) & (above > 0.0), jnp.where(x == 0.0, x, found), jnp.log(above))


def _atanh(x: Array) -> Array:
    size = jnp.abs(x)
    return jnp.copysign(0.5 * _log1p(2.0 * size / (1.0 - size)), x)


def _erfc(x: Array) -> Array:
    """XLA's takes exp of a rounded square: what the rounding left off is given back.

    Source:
        Dekker, A floating-point technique for extending the available precision (1971), on the product.
    """
    near = jnp.clip(x, -40.0, 40.0)
    scaled = near * (2.0 ** (27 if x.dtype == np.float64 else 12) + 1.0)
    high = scaled - (scaled - near)
    low = near - high
    square = near * near
    left = ((high * high - square) + 2.0 * high * low) + low * low
    return special.erfc(x) * jnp.where(x > 1.0, 1.0 - left, 1.0)


def _on_host(name: str, arity: int) -> Callable[..., Array]:
    """Return the function of floats, called element by element from wherever the program runs."""
    function = mapped(name, arity)

    def run(*operands: Any) -> NDArray:
        arrays = np.broadcast_arrays(*(np.asarray(x) for x in operands))
        out = np.empty(arrays[0].shape, arrays[0].dtype)
        with np.errstate(all="ignore"):  # the caller's is another thread's
            function(*arrays, out=out)
        return out

    def call(*operands: Any) -> Array:
        shape = jnp.broadcast_shapes(*(jnp.shape(x) for x in operands))
        kind = jax.ShapeDtypeStruct(shape, jnp.result_type(*operands))
        return jax.pure_callback(run, kind, *operands, vmap_method="broadcast_all")

    return call


def _truth(name: str) -> Callable[..., Array]:
    """Return a comparison, whose truth is a number."""
    compare = getattr(jnp, name)
    return lambda a, b: compare(a, b).astype(jnp.result_type(a, b))


def _strided(at: Sequence[int], counts: Sequence[int], stride: int) -> tuple[Any, ...]:
    """Return the places of so many numbers along the last axes, every ``stride`` from ``at`` on."""
    return (..., *(slice(i, i + stride * (n - 1) + 1, stride) for i, n in zip(at, counts, strict=True)))


def _window(x: Array, *, i: int, j: int, kernel: int, stride: int) -> Array:
    return x[_strided((i, j), windows_over(x.shape, kernel, stride), stride)]


def _spread(part: Array, sides: Shape, at: Sequence[int], stride: int) -> Array:
    """Put an array's last axes into larger ones, every ``stride`` from ``at`` on, between zeros."""
    inner = part.shape[part.ndim - len(sides) :]
    lead = [(0, 0, 0)] * (part.ndim - len(sides))
    edges = [
        (start, size - start - (stride * (count - 1) + 1), stride - 1)
        for size, count, start in zip(sides, inner, at, strict=True)
    ]
    return jax.lax.pad(part, np.zeros((), part.dtype), [*lead, *edges])


def _place(*parts: Array, shape: Shape, at: Sequence[tuple[int, int]], kernel: int, stride: int) -> Array:
    return sum(
        (_spread(part, shape[2:], place, stride) for part, place in zip(parts, at, strict=True)),
        jnp.zeros(shape, parts[0].dtype),
    )


def _patches(x: Array, *, kernel: int, stride: int, padding: int) -> Array:
    """(rows, channels, *sides) -> (channels x kernel, places x rows)."""
    sides = x.ndim - 2
    places = windows_over(x.shape, kernel, stride, padding)
    padded = jnp.pad(x, [(0, 0), (0, 0), *[(padding, padding)] * sides])
    seen = [padded[_strided(at, places, stride)] for at in np.ndindex(*(kernel,) * sides)]
    windows = jnp.stack(seen)  # (kernel, rows, channels, *places)
    order = (2, 0, *range(3, 3 + sides), 1)
    return jnp.transpose(windows, order).reshape(x.shape[1] * kernel**sides, -1)


def _unpatches(columns: Array, *, shape: Shape, kernel: int, stride: int, padding: int) -> Array:
    n, channels, *sides = shape
    places = windows_over(shape, kernel, stride, padding)
    count = len(sides)
    windows = columns.reshape(channels, -1, *places, n)
    windows = jnp.transpose(windows, (1, count + 2, 0, *range(2, count + 2)))
    larger = tuple(size + 2 * padding for size in sides)
    found = jnp.zeros((n, channels, *larger), columns.dtype)
    for k, at in enumerate(np.ndindex(*(kernel,) * count)):
        found = found + _spread(windows[k], larger, at, stride)
    inner = tuple(slice(padding, padding + size) for size in sides)
    return found[(..., *inner)]


def _part(x: Array, *, key: Key) -> Array:
    return x[tuple(slice(*k) if isinstance(k, tuple) else k for k in key)]


def _placed(x: Array, *, shape: Shape, key: Key) -> Array:
    places = tuple(slice(*k) if isinstance(k, tuple) else k for k in key)
    return jnp.zeros(shape, x.dtype).at[places].set(x)


def _at(k: Array, size: int, rows: int) -> Any:
    """Return the places of an index of floats; behind the last one where it is none."""
    index = jnp.where((k >= 0) & (k < size) & (k == jnp.floor(k)), k, size).astype(int)
    return (jnp.arange(len(k)).reshape(-1, *[1] * (k.ndim - 1)), index) if rows else index


def _lookup(table: Array, k: Array, *, rows: int = 0) -> Array:
    return table.at[_at(k, table.shape[rows > 0], rows)].get(mode="fill", fill_value=np.nan)


def _scattered(x: Array, k: Array, *, shape: Shape, rows: int = 0) -> Array:
    return jnp.zeros(shape, x.dtype).at[_at(k, shape[rows > 0], rows)].add(x, mode="drop")


def _adjugate(a: Array) -> Array:
    """See `numpy._adjugate`."""
    u, s, v = jnp.linalg.svd(a)
    others = jnp.stack([jnp.prod(jnp.delete(s, k)) for k in range(len(s))])
    return jnp.linalg.det(u) * jnp.linalg.det(v) * (v.T * others) @ u.T


def _logdet(a: Array) -> Array:
    sign, size = jnp.linalg.slogdet(a)
    return jnp.where(sign > 0, size, np.nan)


def _solved(function: Callable[..., Array]) -> Callable[..., Array]:
    """Return a function of matrices with nan for those that are singular."""

    def call(*operands: Array) -> Array:
        found = function(*operands)
        return jnp.where(jnp.isfinite(found).all(), found, np.nan)

    return call


SPELLINGS: dict[str, Callable[..., Array]] = {
    "add": jnp.add,
    "subtract": jnp.subtract,
    "multiply": jnp.multiply,
    "divide": jnp.divide,
    "negative": jnp.negative,
    "power": jnp.power,
    "power_n": jnp.power,
    "min": jnp.minimum,
    "max": jnp.maximum,
    "where": lambda c, a, b: jnp.where(c != 0.0, a, b),
    **{name: _truth(name) for name in "less less_equal greater greater_equal equal not_equal".split()},
    **{ours: getattr(jnp, theirs.__name__) for ours, theirs in ufuncs().items()},
    "sinh": _sinh,
    "cosh": _cosh,
    "log1p": _log1p,
    "atanh": _atanh,
    "erf": special.erf,
    "erfc": _erfc,
    **{name: _on_host(name, arity) for name, arity in MAPPED.items()},
    "matmul": partial(jnp.matmul, precision="highest"),
    "sum": lambda a, *, axes, keep: jnp.sum(a, axis=axes, keepdims=keep),
    "largest": lambda a, *, axis: jnp.max(a, axis=axis, keepdims=True),
    "expand": lambda x, *, shape: jnp.broadcast_to(x, shape),
    "transpose": lambda a, *, axes: jnp.transpose(a, axes),
    "shaped": lambda a, *, shape: jnp.reshape(a, shape),
    "window": _window,
    "place": _place,
    "patches": _patches,
    "unpatches": _unpatches,
    "stack": lambda *parts: jnp.stack(parts),
    "index": _part,
    "placed": _placed,
    "lookup": _lookup,
    "scattered": _scattered,
    "diag": lambda a, **_: jnp.diagonal(a),
    "apart": lambda x, **_: jnp.diag(x),
    "eye": lambda *, shape: jnp.eye(*shape),
    "tril": lambda *, shape: jnp.tri(*shape),
    "ones": lambda *, shape: jnp.ones(shape),
    "zeros": lambda *, shape: jnp.zeros(shape),
    "inv": _solved(jnp.linalg.inv),
    "det": jnp.linalg.det,
    "adjugate": _adjugate,
    "logdet": _logdet,
    "solve": _solved(jnp.linalg.solve),
}
"""Every instruction of a tape; those of `MAPPED` are computed by the host's floats."""


class _Done(dict[int, Array]):
    """Results of instructions; those of a loop are rows of one array.

    Attributes:
        rows: The array, and which of its rows, by instruction.
    """

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.rows: dict[int, tuple[Array, int]] = {}

    def __missing__(self, id: int) -> Array:
        array, at = self.rows[id]
        found = self[id] = array[at]
        return found

    def row(self, ids: Sequence[int]) -> Array:
        """Return results one behind the other."""
        parts: list[Array] = []
        waiting: list[tuple[Array, int]] = []

        def taken() -> None:
            if waiting:
                at = [k for _, k in waiting]
                way = at[1] - at[0] if len(at) > 1 else 1
                end = at[-1] + way
                parts.append(waiting[0][0][at[0] : end if end >= 0 else None : way])
                waiting.clear()

        for id in ids:
            found = self.rows.get(id)
            if found is None:
                taken()
                parts.append(self[id][None])
                continue
            if waiting and waiting[0][0] is not found[0]:
                taken()
            if len(waiting) > 1 and found[1] - waiting[-1][1] != waiting[1][1] - waiting[0][1]:
                taken()
            waiting.append(found)
        taken()
        return jnp.concatenate(parts)


def _scanned(
    body: Callable[..., Any], first: Mapping[Any, Array], along: Mapping[Any, Array], count: int
) -> tuple[dict[Any, Array], list[Array]]:
    """Return what a loop leaves, and what it gives at each step; of a dictionary JAX would sort the keys."""
    names, beside = list(first), list(along)

    def step(before: list[Array], given: tuple[Array, list[Array]]) -> tuple[list[Array], list[Array]]:
        number, rows = given
        after, found = body(
            dict(zip(names, before, strict=True)), (number, dict(zip(beside, rows, strict=True)))
        )
        return [after[name] for name in names], found

    after, found = jax.lax.scan(step, list(first.values()), (jnp.arange(count), list(along.values())))
    return dict(zip(names, after, strict=True)), found


class Program:
    """Instructions as a function of arrays, for JAX to trace.

    Args:
        nodes: The instructions, in order.
        leaves: Those that are given, in the order of the arguments.
        outputs: Those whose results are asked for.
        dtype: Of all arrays.
    """

    def __init__(
        self, nodes: Sequence[Node], leaves: Sequence[int], outputs: Sequence[int], dtype: npt.DTypeLike
    ) -> None:
        self.nodes = nodes
        self.leaves = leaves
        self.outputs = outputs
        self.dtype = np.dtype(dtype)
        self.order = needed(nodes, outputs)

    def __call__(self, *arrays: Array) -> list[Array]:
        done = self._given(arrays)
        for stretch in rolled(self.nodes, self.order):
            if isinstance(stretch, Loop):
                self._scan(stretch, done)
            else:
                done[stretch] = self._made(stretch, [done[i] for i in self.nodes[stretch].inputs])
        return [done[k] for k in self.outputs]

    def every(self, *arrays: Array) -> dict[int, Array]:
        """Return the results of all instructions."""
        done = self._given(arrays)
        for k in self.order:
            if self.nodes[k].op is not None:
                done[k] = self._made(k, [done[i] for i in self.nodes[k].inputs])
        return done

    def _given(self, arrays: Sequence[Array]) -> _Done:
        done = _Done(zip(self.leaves, arrays, strict=True))
        for k in self.order:
            if self.nodes[k].op is None and k not in done:
                with np.errstate(over="ignore"):
                    done[k] = jnp.asarray(self.nodes[k].value, self.dtype)
        return done

    def _made(self, k: int, operands: Sequence[Array], moved: Sequence[Any] = ()) -> Array:
        """Return the result of an instruction; places that it picks may have moved."""
        op, static = self.nodes[k].primitive, self.nodes[k].static
        if moved:
            by = iter(moved)
            key = tuple(i if isinstance(i, tuple) else i + next(by) for i in static["key"])
            static = {**static, "key": key}
        return SPELLINGS[op.name](*operands, **static).astype(self.dtype)

    def _scan(self, loop: Loop, done: _Done) -> None:
        """Make the steps of a loop by one compiled step; what others read of them is done then."""
        nodes, ids, count = self.nodes, loop.ids, len(loop.ids)
        first: dict[tuple[int, int], Array] = {}
        for id, operands in enumerate(loop.operands):
            for k, x in enumerate(operands):
                if isinstance(x, Own):
                    for step in range(x.back):
                        first[x.at, x.back - step] = done[nodes[ids[step][id]].inputs[k]]
        outside = read_outside(nodes, self.order, self.outputs, loop)
        last = [k for k, steps in outside.items() if steps == {count - 1}]
        for k in last:
            first.setdefault((k, 1), jnp.zeros(nodes[ids[0][k]].shape, self.dtype))
        kept = [k for k in outside if k not in last]
        along = {x: done.row(x.ids) for operands in loop.operands for x in operands if isinstance(x, Along)}

        def body(before: dict[Any, Array], given: tuple[Array, dict[Along, Array]]) -> Any:
            number, beside = given
            own: list[Array] = []

            def read(x: Operand) -> Array:
                if isinstance(x, Own):
                    return before[x] if x.back else own[x.at]
                return beside[x] if isinstance(x, Along) else done[x.id]

            for k, operands in enumerate(loop.operands):
                moved = [number * by for by in loop.keys[k]]
                own.append(self._made(ids[0][k], [read(x) for x in operands], moved))
            after = {(k, back): own[k] if back == 1 else before[k, back - 1] for k, back in before}
            return after, [own[k] for k in kept]

        after, rows = _scanned(body, first, along, count)
        for k in last:
            done[ids[-1][k]] = after[k, 1]
        for k, row in zip(kept, rows, strict=True):
            done.rows |= {step[k]: (row, at) for at, step in enumerate(ids)}


class Traced:
    """A graph of arrays, and cotangents of some of its leaves, as one function.

    Args:
        graph: The computation; its last output is what cotangents are of.
        leaves: Shape of every leaf that is no constant, by its id.
        wanted: Leaves whose cotangents are computed.
        dtype: Of all arrays.
    """

    def __init__(
        self, graph: Graph, leaves: Mapping[int, Shape], wanted: Collection[int], dtype: npt.DTypeLike
    ) -> None:
        self.dtype = dtype
        self.tape = tape = Tape(NATIVE)
        given = {id: tape.leaf(graph.name(id), shape) for id, shape in leaves.items()}
        self.leaves = [x.id for x in given.values()]
        tape.record(graph, {**graph.constant_values(), **given}, wanted)

    def value(self, id: int) -> Any:
        """Return the value of a node, written."""
        return self.tape.values[id]

    def cotangent(self, id: int, shape: Shape) -> Any:
        """Return the cotangent of a node in its shape, written."""
        return self.tape.whole(self.tape.cotangents[id], shape)

    def program(self, outputs: Sequence[Any]) -> Program:
        """Return the function of the leaves, in their order; outputs are written, or numbers."""
        ids = [self.tape.id(x) for x in outputs]
        return Program(self.tape.builder.nodes, self.leaves, ids, self.dtype)


class JaxPlan:
    """A graph compiled by XLA: an `Executor` beside `TensorPlan`.

    It is given NumPy's arrays and gives such; numbers go to the device and back at every run.
    """

    def __init__(
        self,
        graph: Graph,
        leaves: Mapping[int, NDArray],
        gradients: Mapping[int, NDArray] | None = None,
        keep: Collection[int] = (),
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        self._given = list(leaves.values())
        self._wanted = dict(gradients or {})
        traced = Traced(graph, {id: a.shape for id, a in leaves.items()}, self._wanted, dtype)
        kept = list(dict.fromkeys((*graph.outputs, *keep)))
        pulled = [i for i in kept if isinstance(traced.tape.cotangents[i], Cotangent)]
        shapes = {i: graph.nodes[i].shape for i in kept}
        outputs = [traced.value(i) for i in kept]
        outputs += [traced.cotangent(i, shapes[i]) for i in pulled]
        outputs += [traced.cotangent(i, a.shape) for i, a in self._wanted.items()]
        self._kept, self._pulled, self._shapes = kept, pulled, shapes
        self._function = jax.jit(traced.program(outputs))
        self._values: dict[int, NDArray] = {}
        self._cotangents: dict[int, NDArray] = {}

    def run(self) -> None:
        """See `Compiled`."""
        found = iter([np.asarray(x) for x in self._function(*self._given)])
        self._values = {i: next(found) for i in self._kept}
        self._cotangents = {i: next(found) for i in self._pulled}
        for array in self._wanted.values():
            array[...] = next(found)

    def value(self, id: int) -> NDArray:
        """See `Compiled`."""
        return self._values[id]

    def cotangent(self, id: int) -> NDArray:
        """See `Compiled`."""
        return self._cotangents.get(id, np.zeros(self._shapes[id]))


# Points

PIECE = 1 << 17
"""Rows at once; fewer are filled up to a power of two, so that few sizes are compiled."""

TINY = float(np.finfo(np.float64).tiny)
EXACT = {
    *("where", "min", "max", "floor", "ceil", "round", "sign", "mod"),
    *("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"),
}
"""Rows whose results are 0 without having been flushed to it."""


class Points:
    """Instructions over rows, as `llvm.Points` has them: rows that XLA has no sure number for are flagged.

    XLA takes what lies below the least normal number for 0. Rows with such a number on the way are flagged,
    and with one that is not finite.
    """

    how = "XLA's"

    def __init__(
        self,
        nodes: Sequence[Node],
        columns: Sequence[int],
        outputs: Sequence[int],
        watched: Sequence[int],
        apart: Sequence[tuple[int, int]],
        enough: int,
    ) -> None:
        program = Program(nodes, columns, [*outputs, *watched, *(k for k, _ in apart)], np.float64)
        steps = [k for k in program.order if nodes[k].op is not None]
        self._flushed = any(
            0.0 < abs(nodes[k].value) < TINY for k in program.order if k not in {*columns, *steps}
        )

        def run(*arrays: Array) -> tuple[list[Array], Array]:
            done = program.every(*arrays)
            flags = jnp.zeros(arrays[0].shape, bool)
            for k in steps:
                op, operands = nodes[k].op, nodes[k].inputs
                flags |= ~jnp.isfinite(done[k])
                if op is not None and op.name not in EXACT:
                    lost = jnp.abs(done[k]) < TINY
                    for i in operands:
                        lost &= done[i] != 0.0
                    flags |= lost
            weights = sum(weight * (done[truth] != 0.0) for truth, weight in apart)
            # + 0: sums of contributions begin with 0, so no slope is -0.0
            value, *slopes = (jnp.broadcast_to(done[k], arrays[0].shape) for k in outputs)
            return [value, *(slope + 0.0 for slope in slopes)], flags | (weights >= enough)

        self._function = jax.jit(run)

    def run(self, columns: Sequence[NDArray], results: Sequence[NDArray], threads: int = 1) -> NDArray:
        """Compute results, (rows,) each, and return the rows for which they mean nothing or others decide."""
        rows = len(results[0])
        flags = np.zeros(rows, bool)
        if self._flushed:
            return np.arange(rows)
        size = min(PIECE, 1 << (rows - 1).bit_length())
        for start in range(0, rows, size):
            part = slice(start, min(start + size, rows))
            given = [np.resize(column[part], size) for column in columns]
            found, flagged = self._function(*given)
            count = part.stop - start
            for result, piece in zip(results, found, strict=True):
                result[part] = np.asarray(piece)[:count]
            flags[part] = np.asarray(flagged)[:count]
        for column in columns:
            flags |= (column != 0.0) & (np.abs(column) < TINY)
        return np.flatnonzero(flags)
