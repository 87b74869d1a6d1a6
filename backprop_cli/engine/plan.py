"""A program and its gradient as one list of array instructions over reused buffers.

The rules are recorded once: forward pass and reverse sweep run over `Recorded` values, which
write down what they do, fold constants and share what is computed twice. The list then replays
for block after block of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from ..graph import CONSTANT, Graph
from ..ops.error_function import erf, erfc
from ..ops.namespaces import FLOATS, MAPPED, Namespace, ufuncs
from .run import run
from .sweep import sweep

Floats = npt.NDArray[np.float64]

BLOCK_ROWS = 8192
"""Rows per replay: some ten buffers of them stay in a core's second-level cache."""

AUDIT_NUMBERS = 4_000_000
THREADS_FROM = 1 << 18  # rows that are worth starting threads for

_UFUNCS: dict[str, Any] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "negative": np.negative,
    "power": np.power,
    "min": np.minimum,
    "max": np.maximum,
    **{name: getattr(np, name) for name in "less less_equal greater greater_equal equal not_equal".split()},
    **ufuncs(),
    "erf": erf,
    "erfc": erfc,
}
Operand = int | float
"""The number of an earlier instruction (int), or a constant (float)."""


class Recorded:
    """The result of an instruction while a rule is recorded.

    ``masked`` marks what is exactly 0 in the rows that did not take a branch: such a cotangent
    is not pulled back there, so 0*inf is never formed.
    """

    __slots__ = ("index", "masked", "tape")

    def __init__(self, tape: Tape, index: int, masked: bool = False) -> None:
        self.tape = tape
        self.index = index
        self.masked = masked

    def __neg__(self) -> Any:
        return self.tape.emit("negative", self)

    def __add__(self, other: Any) -> Any:
        return self if _is(other, 0.0) else self.tape.emit("add", self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self if _is(other, 0.0) else self.tape.emit("subtract", self, other)

    def __rsub__(self, other: Any) -> Any:
        return -self if _is(other, 0.0) else self.tape.emit("subtract", other, self)

    def __mul__(self, other: Any) -> Any:
        if _is(other, 1.0):
            return self
        if _is(other, -1.0):
            return -self
        if _is(other, 0.0) and self.tape.pulling:
            return 0.0  # a cotangent that is exactly 0 is not pulled back
        product = self.tape.emit("multiply", self, other)
        return self.tape.emit("where", self, product, 0.0) if self.masked else product

    __rmul__ = __mul__


def _is(x: Any, number: float) -> bool:
    return isinstance(x, float) and x == number


_KEEP_MASK = ("where", "add", "multiply", "negative")


class Tape:
    """The instructions: ``(function, operands)``, equal ones written once."""

    def __init__(self) -> None:
        self.code: list[tuple[str, tuple[Operand, ...]]] = []
        self.known: dict[tuple[str, str], int] = {}
        self.pulling = False  # recording the reverse sweep
        self.namespace = Namespace(
            "recorded numbers",
            {
                "nan": float("nan"),
                "where": self.where,
                "power": self.power,
                "divide": self.divide,
                "min": lambda *xs: self.chain("min", xs),
                "max": lambda *xs: self.chain("max", xs),
                **{
                    name: self.function(name)
                    for name in (*_UFUNCS, *MAPPED)
                    if name
                    not in ("power", "divide", "min", "max", "add", "subtract", "multiply", "negative")
                },
            },
        )

    def function(self, name: str) -> Callable[..., Any]:
        return lambda *xs: self.emit(name, *xs)

    def emit(self, name: str, *operands: Any) -> Any:
        """Write one instruction, or fold it when all operands are constants."""
        if not any(isinstance(x, Recorded) for x in operands):
            return getattr(FLOATS, name)(*operands)
        plain = tuple(x.index if isinstance(x, Recorded) else float(x) for x in operands)
        masked = any(isinstance(x, Recorded) and x.masked for x in operands)
        if name == "where":
            masked = masked or 0.0 in (operands[1:])
        return self.recorded(self.write(name, plain), masked and name in _KEEP_MASK)

    def recorded(self, index: int, masked: bool = False) -> Recorded:
        """Return an instruction's result as the rules see it."""
        return Recorded(self, index, masked)

    def write(self, name: str, operands: tuple[Operand, ...]) -> int:
        """Return the number of an instruction, writing it unless it is there."""
        # repr tells 0.0 from -0.0 and the constant 1.0 from instruction 1
        key = (name, repr(operands))
        index = self.known.get(key)
        if index is None:
            index = self.known[key] = len(self.code)
            self.code.append((name, operands))
        return index

    def divide(self, a: Any, b: Any) -> Any:
        return a if _is(b, 1.0) else self.emit("divide", a, b)

    def power(self, a: Any, n: Any) -> Any:
        """Powers by multiplication where that is as exact."""
        if isinstance(a, Recorded) and isinstance(n, float):
            if n == 0.0:
                return 1.0
            if n == 1.0:
                return a
            if n in (2.0, 3.0, 4.0):
                square = a * a
                return square if n == 2.0 else square * (a if n == 3.0 else square)
            if n in (-1.0, -2.0):
                return self.divide(1.0, self.power(a, -n))
            if n == 0.5:
                return self.emit("sqrt", a)
        return self.emit("power", a, n)

    def chain(self, name: str, xs: Sequence[Any]) -> Any:
        result = xs[0]
        for x in xs[1:]:
            result = self.emit(name, result, x)
        return result

    def where(self, c: Any, a: Any, b: Any) -> Any:
        if not isinstance(c, Recorded):
            return a if c else b
        if not isinstance(a, Recorded) and not isinstance(b, Recorded) and a == b:
            return a
        return self.emit("where", c, a, b)


class Plan:
    """The value of a program, and its gradient, for blocks of rows.

    Args:
        graph: The computation.
        columns: Inputs that vary from row to row.
        fixed: Values of the others.
        wrt: Inputs to differentiate by; empty for the value alone.
    """

    def __init__(
        self, graph: Graph, columns: Sequence[str], fixed: Mapping[str, float], wrt: Sequence[str]
    ) -> None:
        self.graph = graph
        self.columns = list(columns)
        tape = Tape()
        leaves: dict[int, Any] = dict(graph.constant_values())
        for name, id in graph.inputs.items():
            if name in self.columns:
                leaves[id] = Recorded(tape, tape.write("input", (self.columns.index(name),)))
            else:
                leaves[id] = fixed[name]
        self.needed = graph.needed()
        constants = run(graph, {n.id: n.value for n in graph.nodes if n.op is None})
        faulty = (n.id for n in graph.nodes if n.kind == CONSTANT and not isfinite(constants[n.id]))
        # which rows need a constant without a value is for the float engine to say
        self.hopeless = any(faulty)
        values = run(graph, leaves, tape.namespace, self.needed)
        results = [values[graph.output]]
        if wrt:
            active = graph.depends_on([graph.inputs[name] for name in wrt])
            tape.pulling = True
            cotangents = sweep(graph, values, active, tape.namespace)
            results += [cotangents[graph.inputs[name]] for name in wrt]
        self.values = [_operand(v) for v in values]
        self.outputs = [_operand(r) for r in results]
        self.code = tape.code
        # functions run element by element raise no flags
        self.silent = any(name in MAPPED for name, _ in self.code)
        self._schedule()

    def _schedule(self) -> None:
        """Give every instruction that the outputs need a buffer, reusing what is read no more."""
        last: dict[int, int] = {}
        used = {o for o in self.outputs if isinstance(o, int)}
        for k in range(len(self.code) - 1, -1, -1):
            if k in used:
                name, operands = self.code[k]
                for o in operands if name != "input" else ():
                    if isinstance(o, int):
                        used.add(o)
                        last.setdefault(o, k)
        forever = {o for o in self.outputs if isinstance(o, int)}
        self.steps: list[tuple[str, tuple[Operand, ...], int]] = []
        self.home: dict[int, int] = {}
        free: list[int] = []
        count = 0
        for k in sorted(used):
            name, operands = self.code[k]
            dying = [
                self.home[o]
                for o in dict.fromkeys(operands if name != "input" else ())
                if isinstance(o, int) and last[o] == k and o not in forever
            ]
            # `where` writes its result in two passes, so it cannot overwrite what it reads
            if name != "where":
                free += dying
            if free:
                self.home[k] = free.pop()
            else:
                self.home[k], count = count, count + 1
            if name == "where":
                free += dying
            self.steps.append((name, operands, self.home[k]))
        self.buffers = count

    def run(
        self, columns: Mapping[str, Floats], rows: int, threads: int = 1
    ) -> tuple[list[Floats], list[int]]:
        """Compute the outputs for every row.

        Args:
            columns: One array (rows,) per varying input.
            rows: Number of rows.
            threads: How many cores to use.
        Returns:
            Value and derivatives, (rows,) each, and the rows in which a value or slope that the
            answer needs is not finite; what their outputs hold means nothing.
        """
        results = [np.empty(rows) for _ in self.outputs]
        if self.hopeless:
            return results, list(range(rows))
        inputs = [columns[name] for name in self.columns]
        starts = range(0, rows, BLOCK_ROWS)
        if threads > 1 and rows >= THREADS_FROM:
            from concurrent.futures import ThreadPoolExecutor

            parts = [starts[i::threads] for i in range(threads)]
            with ThreadPoolExecutor(threads) as pool:
                bad = list(pool.map(lambda part: self._replay(inputs, results, rows, part), parts))
        else:
            bad = [self._replay(inputs, results, rows, starts)]
        return results, sorted(r for part in bad for r in part)

    def _replay(
        self, inputs: list[Floats], results: list[Floats], rows: int, starts: Sequence[int]
    ) -> list[int]:
        flags: list[str] = []
        bad: list[int] = []
        zeros = [-0.0, *[0.0] * (len(self.outputs) - 1)]  # the value itself may be -0.0
        sizes: dict[int, tuple[list[tuple[Any, ...]], dict[int, Floats]]] = {}
        buffers = np.empty((self.buffers, min(rows, BLOCK_ROWS)))
        with np.errstate(
            divide="call",
            over="call",
            invalid="call",
            under="ignore",
            call=lambda kind, _: flags.append(kind),
        ):
            for start in starts:
                size = min(BLOCK_ROWS, rows - start)
                if size not in sizes:
                    sizes[size] = self._bound(buffers[:, :size])
                calls, homes = sizes[size]
                flags.clear()
                for function, arguments, out in calls:
                    if function is None:
                        np.copyto(out, inputs[arguments][start : start + size])
                    else:
                        function(*arguments, out=out)
                suspicious = bool(flags) or self.silent
                for zero, output, result in zip(zeros, self.outputs, results, strict=True):
                    part = result[start : start + size]
                    # + 0: sums of contributions begin with 0, so no slope is -0.0
                    np.add(homes[output] if isinstance(output, int) else output, zero, out=part)
                    suspicious = suspicious or not np.isfinite(part).all()
                if suspicious:
                    # the audit keeps every instruction's result: fewer rows at a time for large programs
                    rows_at_once = max(64, AUDIT_NUMBERS // max(1, len(self.code)))
                    for first in range(start, start + size, rows_at_once):
                        last = min(first + rows_at_once, start + size)
                        block = [column[first:last] for column in inputs]
                        bad += [first + int(r) for r in np.flatnonzero(self._audit(block, last - first))]
        return bad

    def _bound(self, buffers: Floats) -> tuple[list[tuple[Any, ...]], dict[int, Floats]]:
        """Return the calls with their buffers in place, and where each output stands."""
        calls: list[tuple[Any, ...]] = []
        rows_of: dict[int, Floats] = {k: buffers[h] for k, h in self.home.items()}
        for name, operands, home in self.steps:
            out = buffers[home]
            if name == "input":
                calls.append((None, operands[0], out))
                continue
            arguments = tuple(rows_of[o] if isinstance(o, int) else o for o in operands)
            calls.append((FUNCTIONS[name], arguments, out))
        return calls, {k: rows_of[k] for k in self.outputs if isinstance(k, int)}

    def _audit(self, inputs: list[Floats], size: int) -> npt.NDArray[np.bool_]:
        """Compute a block again, node by node, and return the rows without an answer."""
        done: list[Any] = []
        with np.errstate(all="ignore"):
            for name, operands in self.code:
                if name == "input":
                    done.append(inputs[int(operands[0])])
                    continue
                out = np.empty(size)
                FUNCTIONS[name](*(done[o] if isinstance(o, int) else o for o in operands), out=out)
                done.append(out)
        columns = [done[v] if isinstance(v, int) else v for v in self.values]
        bad = np.zeros(size, dtype=bool)
        for output in self.outputs:
            bad |= ~np.isfinite(done[output] if isinstance(output, int) else output)
        # which rows need which node: all but those that took another branch
        needed: dict[int, Any] = {i: np.ones(size, dtype=bool) for i in self.graph.outputs}
        for node in reversed(self.graph.nodes):
            rows = needed.pop(node.id, None)
            if rows is None or node.op is None or node.kind == CONSTANT:
                continue
            bad |= rows & ~np.isfinite(columns[node.id])
            chosen = _choices(node.op.chosen, len(node.inputs))
            for position, i in enumerate(node.inputs):
                takes = rows
                if chosen is not None and position:
                    holds = np.not_equal(columns[node.inputs[0]], 0.0)
                    takes = rows & (holds if position in chosen else ~holds)
                needed[i] = needed[i] | takes if i in needed else takes
        return bad


def _choices(chosen: Callable[..., tuple[int, ...]] | None, arity: int) -> tuple[int, ...] | None:
    """Return the operands that a choice needs when its condition, the first operand, holds."""
    return chosen(1.0, *[0.0] * (arity - 1)) if chosen is not None else None


def _operand(x: Any) -> Operand:
    return x.index if isinstance(x, Recorded) else float(x)


def _where(c: Any, a: Any, b: Any, out: Floats) -> None:
    np.copyto(out, b)
    np.copyto(out, a, where=np.not_equal(c, 0.0))


def mapped(name: str, arity: int) -> Callable[..., None]:
    """Return the function of floats, run over arrays element by element."""
    scalar = np.frompyfunc(getattr(FLOATS, name), arity, 1)

    def function(*operands: Any, out: Floats) -> None:
        out[...] = scalar(*operands)

    return function


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **_UFUNCS,
    **{name: mapped(name, arity) for name, arity in MAPPED.items()},
    "where": _where,
}
