"""The plan of many points: a program and its gradient for block after block of rows.

Where it pays, and LLVM is there, rows are computed by machine code; those that it has no number for are left
to NumPy's functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..graph import CONSTANT, Graph, Node
from ..ops.namespaces import MAPPED, arrays
from .beside import ENOUGH, conditions
from .choice import required
from .numpy import FUNCTIONS, NATIVE, Steps
from .numpy import needed as reach
from .record import Written
from .run import constants, edges
from .tape import Tape

if TYPE_CHECKING:
    from . import jax, llvm

Floats = npt.NDArray[np.float64]

BLOCK_ROWS = 1 << 14
"""Rows per replay: enough that calls cost little, while some ten buffers of them stay in a core's caches."""

AUDIT_NUMBERS = 4_000_000
THREADS_FROM = 1 << 18  # rows that are worth starting threads for
COMPILED_ROWS, COMPILED_WORK = 1 << 18, 1 << 24
"""Rows, and instructions times rows, that repay compiling: a millisecond an instruction, and a tenth of a
second for LLVM itself."""


class Plan:
    """The value of a program, and its gradient, for blocks of rows.

    Args:
        graph: The computation.
        columns: Inputs that vary from row to row.
        fixed: Values of the others.
        wrt: Inputs to differentiate by; empty for the value alone.
        engine: One of `choice.ENGINES`.
    Raises:
        UsageError: where the engine is not installed.
    Attributes:
        expected: How many rows there will be, as far as that is known.
        fallback: Why rows that are worth it were not computed by machine code.
    """

    def __init__(
        self,
        graph: Graph,
        columns: Sequence[str],
        fixed: Mapping[str, float],
        wrt: Sequence[str],
        engine: str = "numpy",
    ) -> None:
        required(engine)
        self.engine = engine
        self.graph = graph
        self.columns = [name for name in columns if name in graph.inputs]
        tape = Tape(NATIVE)
        leaves: dict[int, Any] = dict(graph.constant_values())
        for name, id in graph.inputs.items():
            leaves[id] = tape.leaf(name, ()) if name in self.columns else fixed[name]
        faulty = (
            node.kind == CONSTANT and not isfinite(x)
            for node, x in zip(graph.nodes, constants(graph), strict=True)
        )
        # which rows need a constant without a value is for the float engine to say
        self.hopeless = any(faulty)
        by = [graph.inputs[name] for name in wrt]
        tape.record(graph, leaves, by, graph.needed())
        self.values = tape.values
        self.outputs = [tape.values[graph.output], *(tape.cotangents[i] for i in by)]
        self.active = graph.depends_on(by)
        self.nodes = tape.builder.nodes
        self.leaves = tape.builder.inputs
        self._watch(tape)
        self._ids = (
            [tape.id(x) for x in self.outputs],
            [x.id for x in self.watched],
            [(tape.id(truth), weight) for truth, weight in self.apart],
        )
        self._steps: dict[int, Steps] = {}
        self.expected = 0.0
        self._rows = 0
        self._points: llvm.Points | jax.Points | None = None
        self.fallback: str | None = None

    def _watch(self, tape: Tape) -> None:
        """Record what says that a row may have no answer, besides what its outputs are made of."""
        graph, active, asked = self.graph, self.active, self.graph.needed()
        needed = {k for k, there in enumerate(asked) if there and active[k]}

        def recorded(rule: Callable[..., Any], node: Node) -> Any:
            return rule(tape.xp, *(tape.values[i] for i in node.inputs))

        # truths, and what each weighs: conditions that may set a row apart, and where a domain ends
        apart = [
            (recorded(lambda xp, a, b: xp.equal(a, b), graph.nodes[k]), weight)
            for k, weight in conditions(graph, sorted(needed)).items()
        ]
        apart += [
            (recorded(ends, node), ENOUGH)
            for node, operand, ends in edges(graph)
            if active[operand] and node.id in needed
        ]
        self.apart = [(truth, weight) for truth, weight in apart if isinstance(truth, Written) or truth]
        # what the program needs and no output is made of: x^0 needs a value of x, floor(1/x) a slope
        found = [x for x, there in zip(tape.values, asked, strict=True) if there]
        for k in sorted(needed):
            node = graph.nodes[k]
            if node.op is not None and not isinstance(tape.cotangents[k], Written):
                operands = (tape.values[i] for i in node.inputs)
                partials = node.op.partials(tape.xp, tape.values[k], *operands)
                found += [p for i, p in zip(node.inputs, partials, strict=True) if active[i]]
        reached = set(reach(self.nodes, [x.id for x in self.outputs if isinstance(x, Written)]))
        self.watched = [x for x in found if isinstance(x, Written) and x.id not in reached]
        self.faulty = not all(isinstance(x, Written) or isfinite(x) for x in (*found, *self.outputs))
        # functions run element by element raise no flags, and neither does a nan that is chosen
        nans = {node.id for node in self.nodes if node.value != node.value}
        self.flagless = [
            k
            for k in reach(self.nodes, [x.id for x in self._wanted()])
            if (op := self.nodes[k].op) is not None
            and (op.name in MAPPED or not nans.isdisjoint(self.nodes[k].inputs))
        ]

    def _wanted(self) -> list[Written]:
        """Return what is computed besides what leads to it."""
        wanted = (*self.outputs, *self.watched, *(truth for truth, _ in self.apart))
        return [x for x in wanted if isinstance(x, Written)]

    def _bound(self, rows: int) -> Steps:
        """Return the instructions bound to buffers for so many rows."""
        homes = {id: np.empty(rows) for id in self.leaves.values()}
        outputs = {*(x.id for x in self._wanted()), *self.flagless}
        # number by number the error function has other last digits than for all rows at once
        return Steps(self.nodes, outputs, homes, lead=(rows,), few=0)

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
        results = list(np.empty((len(self.outputs), rows)))
        if self.hopeless:
            return results, list(range(rows))
        inputs = [columns[name] for name in self.columns]
        threads = threads if rows >= THREADS_FROM else 1
        points = self._compiled(rows)
        if points is None:
            return results, self._by_blocks(inputs, results, rows, threads, self.faulty)
        flagged = points.run(inputs, results, threads)
        if not len(flagged):
            return results, []
        parts = list(np.empty((len(results), len(flagged))))
        bad = self._by_blocks([column[flagged] for column in inputs], parts, len(flagged), threads, True)
        for result, part in zip(results, parts, strict=True):
            result[flagged] = part
        return results, flagged[bad].tolist()

    @property
    def how(self) -> str:
        """By what rows are computed, in words."""
        if self._points is not None:
            return f"by machine code, {self._points.how}"
        return f"by NumPy: {self.fallback or 'too little to compile for'}"

    def _compiled(self, rows: int) -> llvm.Points | jax.Points | None:
        """Return the machine code of the instructions, made once so many rows have come that it pays."""
        self._rows += rows
        many = max(self._rows, self.expected)
        worthwhile = many >= COMPILED_ROWS and many * len(self.nodes) >= COMPILED_WORK
        asked = self.engine == "jax" and bool(self.columns)
        if (worthwhile or asked) and self._points is None and self.fallback is None:
            from . import llvm

            points: type[llvm.Points | jax.Points] = llvm.Points
            if asked:
                from . import jax

                points = jax.Points
            columns = [self.leaves[name] for name in self.columns]
            try:
                if self.faulty:
                    raise llvm.NotCompiled("a part has no number in any row")
                self._points = points(self.nodes, columns, *self._ids, ENOUGH)
            except llvm.NotCompiled as error:
                self.fallback = str(error)
        return self._points

    def _by_blocks(
        self, inputs: list[Floats], results: list[Floats], rows: int, threads: int, audit: bool
    ) -> list[int]:
        """Compute the outputs by NumPy's functions, and return the rows without an answer.

        Args:
            inputs: Columns.
            results: Where the outputs go.
            rows: Number of rows.
            threads: How many cores to use.
            audit: Look at every row, not at those alone where something shows that there may be none.
        """
        starts = range(0, rows, BLOCK_ROWS)
        if threads > 1 and len(starts) > threads:
            from concurrent.futures import ThreadPoolExecutor

            parts = [starts[i::threads] for i in range(threads)]
            with ThreadPoolExecutor(threads) as pool:
                bad = list(pool.map(lambda part: self._replay(inputs, results, rows, part, {}, audit), parts))
        else:
            bad = [self._replay(inputs, results, rows, starts, self._steps, audit)]
        return sorted({r for part in bad for r in part})

    def _replay(
        self,
        inputs: list[Floats],
        results: list[Floats],
        rows: int,
        starts: Sequence[int],
        bound: dict[int, Steps],
        audit: bool,
    ) -> list[int]:
        flags: list[str] = []
        bad: list[int] = []
        zeros = [-0.0, *[0.0] * (len(self.outputs) - 1)]  # the value itself may be -0.0
        with np.errstate(
            divide="call",
            over="call",
            invalid="call",
            under="ignore",
            call=lambda kind, _: flags.append(kind),
        ):
            for start in starts:
                size = min(BLOCK_ROWS, rows - start)
                if size not in bound:
                    if len(bound) > 1:  # a whole block, and the last one
                        bound.clear()
                    bound[size] = self._bound(size)
                steps = bound[size]
                flags.clear()
                for name, column in zip(self.columns, inputs, strict=True):
                    np.copyto(steps.homes[self.leaves[name]], column[start : start + size])
                steps.run()
                suspicious = bool(flags) or audit
                suspicious = suspicious or not all(np.isfinite(steps.homes[k]).all() for k in self.flagless)
                for zero, output, result in zip(zeros, self.outputs, results, strict=True):
                    part = result[start : start + size]
                    # + 0: sums of contributions begin with 0, so no slope is -0.0
                    np.add(steps.homes[output.id] if isinstance(output, Written) else output, zero, out=part)
                    suspicious = suspicious or not np.isfinite(part).all()
                bad += [start + int(r) for r in np.flatnonzero(self._apart(steps.homes, size))]
                if suspicious:
                    # the audit keeps every instruction's result: fewer rows at a time for large programs
                    rows_at_once = max(64, AUDIT_NUMBERS // max(1, len(self.nodes)))
                    for first in range(start, start + size, rows_at_once):
                        last = min(first + rows_at_once, start + size)
                        block = [column[first:last] for column in inputs]
                        bad += [first + int(r) for r in np.flatnonzero(self._audit(block, last - first))]
        return bad

    def _apart(self, homes: Mapping[int, Any], size: int) -> npt.NDArray[np.bool_]:
        """Return the rows that conditions may set apart, or at which a domain ends."""
        weights = np.zeros(size)
        for truth, weight in self.apart:
            weights += weight * np.not_equal(homes[truth.id] if isinstance(truth, Written) else truth, 0.0)
        return weights >= ENOUGH

    def _audit(self, inputs: list[Floats], size: int) -> npt.NDArray[np.bool_]:
        """Compute a block again, node by node, and return the rows without an answer."""
        places = (self.leaves[name] for name in self.columns)
        done: dict[int, Any] = dict(zip(places, inputs, strict=True))
        with np.errstate(all="ignore"):
            for node in self.nodes:
                if node.op is None:
                    done.setdefault(node.id, node.value)
                else:
                    out = done[node.id] = np.empty(size)
                    FUNCTIONS[node.op.name](*(done[i] for i in node.inputs), out=out)
        columns = [done[v.id] if isinstance(v, Written) else v for v in self.values]
        bad = np.zeros(size, dtype=bool)
        for output in self.outputs:
            bad |= ~np.isfinite(done[output.id] if isinstance(output, Written) else output)
        # which rows need which node: all but those that took another branch
        needed: dict[int, Any] = {i: np.ones(size, dtype=bool) for i in self.graph.outputs}
        for node in reversed(self.graph.nodes):
            rows = needed.pop(node.id, None)
            if rows is None or node.op is None or node.kind == CONSTANT:
                continue
            bad |= rows & ~np.isfinite(columns[node.id])
            if any(self.active[i] for i in node.inputs):
                # the sweep leaves an infinite slope out where what it would multiply is 0
                operands = [columns[i] for i in node.inputs]
                with np.errstate(all="ignore"):
                    partials = node.op.partials(arrays(), columns[node.id], *operands)
                for i, partial in zip(node.inputs, partials, strict=True):
                    if self.active[i]:
                        bad |= rows & ~np.isfinite(partial)
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
