"""Many points of a program with arrays: the plan of one point, run again for every row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.run import run
from ..engine.singular import DECOMPOSED, check_matrices
from ..engine.sweep import active_nodes
from ..engine.tensors import TensorPlan
from ..engine.unroll import elements
from ..errors import NoSuchNumber, UsageError
from ..language.settle import Settled
from ..ops import Shape
from ..tables.block import Block
from ..tables.parts import Array, column_name
from .arrays import (
    UNROLLED,
    ArrayReport,
    NDArray,
    array_values,
    check_number,
    differentiate_arrays,
    unrolled_size,
)
from .compare import DISAGREE
from .points import Answers

if TYPE_CHECKING:
    from .symbolic.process import SymbolicProcess


MOST_COLUMNS = 10_000
"""Numbers of a row of results."""


def _columns(name: str, shape: Shape, method: str = "") -> list[str]:
    return [column_name(name, place) + method for place in np.ndindex(shape)]


class _Numbers:
    """The value of a program, number by number in floats."""

    def __init__(self, program: Settled) -> None:
        unrolled = elements(program.graph)
        self.graph = unrolled.graph_of(program.graph)
        self.inputs = [(id, unrolled.ids(id).reshape(-1).tolist()) for id in program.graph.inputs.values()]
        self.constants = self.graph.constant_values()

    def __call__(self, leaves: Mapping[int, NDArray], otherwise: NDArray) -> NDArray:
        """Return the value, or another one where a number on the way is too large for floats."""
        numbers = dict(self.constants)
        for id, ids in self.inputs:
            numbers.update(zip(ids, leaves[id].reshape(-1).tolist(), strict=True))
        value = run(self.graph, numbers)[self.graph.output]
        return np.asarray(value) if isfinite(value) else otherwise


class ByArrays:
    """Value and gradient at many points, row by row; the numbers are those of a single point.

    Args:
        program: The computation.
        given: Variables that blocks have values for.
        fixed: Values of the other inputs.
        asked: Inputs to differentiate by; empty for the value alone.
        methods: As of `differentiate_arrays`; empty for reverse mode.
        process: For the symbolic method.
        options: As of `differentiate_arrays`.
    Raises:
        ExpressionError: for the gradient of an array.
        UsageError: for rows of more than `MOST_COLUMNS` results.
    """

    def __init__(
        self,
        program: Settled,
        given: Mapping[str, Array],
        fixed: Mapping[str, Any],
        asked: Sequence[str] = (),
        methods: Sequence[str] = (),
        process: SymbolicProcess | None = None,
        **options: Any,
    ) -> None:
        graph = self.graph = program.graph
        self.program, self.given, self.fixed, self.asked = program, given, fixed, list(asked)
        self.methods = () if tuple(methods) == ("reverse",) else tuple(methods)
        self.options = {"process": process, **options}
        if asked:
            check_number(program)
        self.names = _columns("value", graph.nodes[graph.output].shape)
        self.names += [
            column
            for name in asked
            for method in (self.methods or ("",))
            for column in _columns(f"d/d{name}", graph.nodes[graph.inputs[name]].shape, f" {method}".rstrip())
        ]
        self.names += ["agree"] if len(self.methods) > 1 else []
        if len(self.names) > MOST_COLUMNS:
            raise UsageError(
                f"a row of results would have {len(self.names):,} columns, {MOST_COLUMNS:,} are the limit",
                hint="--wrt NAMES asks for some inputs alone",
            )
        ids = [graph.inputs[name] for name in asked]
        active = active_nodes(graph, asked)
        self.leaves = {id: np.zeros(graph.nodes[id].shape) for id in graph.inputs.values()}
        for name, x in fixed.items():
            self.leaves[graph.inputs[name]][...] = x
        self.slopes = {id: np.zeros(graph.nodes[id].shape) for id in ids}
        steps = [n.id for n in graph.nodes if n.op is not None]
        self.plan = TensorPlan(graph, self.leaves, self.slopes, keep=steps)
        needed = graph.needed()
        self.watched = [k for k in steps if needed[k]]
        self.pulled = [k for k in steps if needed[k] and active[k]] if asked else []
        # the value beside a gradient is that of the single numbers, which witnesses are about
        self.numbers = _Numbers(program) if asked and unrolled_size(graph) <= UNROLLED else None
        self.decomposes = any(graph.nodes[k].primitive.name in DECOMPOSED for k in steps)

    def expect(self, rows: float) -> None:
        """Go on row by row, however many there are."""

    def __call__(self, block: Block) -> Answers:
        """Answer for a block."""
        arrays = {name: array.of(block) for name, array in self.given.items()}
        table = np.full((len(self.names), block.rows), np.nan)
        errors: dict[int, NoSuchNumber] = {}
        spoilt: list[int] = []
        disagree = 0
        with np.errstate(all="ignore"):
            for row in range(block.rows):
                point = {name: x[row] for name, x in arrays.items()}
                try:
                    if self.methods:
                        numbers, differs = self._by_methods(point)
                        disagree += differs
                    else:
                        numbers, is_spoilt = self._by_plan(point)
                        spoilt += [row] if is_spoilt else []
                    table[:, row] = numbers
                except NoSuchNumber as error:
                    errors[row] = error
        columns: dict[str, Any] = dict(zip(self.names, table, strict=True))
        if "agree" in columns:
            known = {1.0: True, 0.0: False}
            columns["agree"] = [known.get(x) for x in columns["agree"].tolist()]
        return Answers(columns, errors, disagree, block.rows if self.decomposes else 0, tuple(spoilt))

    def _by_plan(self, point: Mapping[str, NDArray]) -> tuple[NDArray, bool]:
        """Return the numbers of a row, and whether a matrix is nearly singular there."""
        graph, plan = self.graph, self.plan
        for name, x in point.items():
            self.leaves[graph.inputs[name]][...] = x
        plan.run()
        sums = [float(np.add.reduce(plan.value(k), None)) for k in self.watched]
        sums += [float(np.add.reduce(plan.cotangent(k), None)) for k in self.pulled]
        sums += [float(np.add.reduce(g, None)) for g in self.slopes.values()]
        if not all(map(isfinite, sums)):
            return self._alone(point)
        value = np.asarray(plan.value(graph.output))
        if self.numbers is not None:
            value = self.numbers(self.leaves, value)
        values = [value, *self.slopes.values()]
        spoilt = self.decomposes and bool(check_matrices(graph, self._values()))
        return np.concatenate([x.reshape(-1) for x in values]), spoilt

    def _values(self) -> list[NDArray]:
        graph = self.graph
        return [
            self.leaves[n.id]
            if n.id in self.leaves
            else np.broadcast_to(self.plan.value(n.id), n.shape)
            if n.op is not None
            else np.asarray(n.value)
            for n in graph.nodes
        ]

    def _alone(self, point: Mapping[str, NDArray]) -> tuple[NDArray, bool]:
        """Answer as for a single point: that knows why there is no number, or that there is one."""
        given = {**self.fixed, **point}
        if not self.asked:
            found = array_values(self.program, given)
            return found.value.reshape(-1), bool(found.warnings)
        report = differentiate_arrays(
            self.program, given, methods=("reverse",), wrt=self.asked, formulas=False
        )
        stands = [report.standing(self.graph.inputs[name]) for name in self.asked]  # a limit, too
        return np.concatenate([np.asarray(x, float).reshape(-1) for x in (report.value, *stands)]), False

    def _numbers(self, report: ArrayReport, methods: Sequence[str]) -> NDArray:
        graph = self.graph
        parts = [report.value, *(report.column(m, graph.inputs[n]) for n in self.asked for m in methods)]
        return np.concatenate([np.asarray(x, float).reshape(-1) for x in parts])

    def _by_methods(self, point: Mapping[str, NDArray]) -> tuple[NDArray, bool]:
        report = differentiate_arrays(
            self.program, {**self.fixed, **point}, methods=self.methods, wrt=self.asked, formulas=False,
            **self.options,
        )  # fmt: skip
        numbers = self._numbers(report, self.methods)
        if len(self.methods) > 1:
            agree = np.nan if report.agree is None else float(report.agree)
            numbers = np.append(numbers, agree)
        ids = [self.graph.inputs[name] for name in self.asked]
        return numbers, any(v.verdict == DISAGREE for id in ids for v in report.verdicts(id))
