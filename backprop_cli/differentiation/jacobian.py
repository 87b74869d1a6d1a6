"""Derivatives of vectors: a Jacobian, row by row by all methods, and as a formula in matrix notation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..engine.point import check_wrt
from ..errors import ExpressionError, Source, UsageError
from ..graph import ArrayBuilder, Graph
from ..language.settle import Settled, read_arrays
from ..ops.matrices import MATRICES, NUMBER
from .arrays import (
    HOLDS,
    ArrayReport,
    NDArray,
    array_values,
    bind_arrays,
    differentiate_arrays,
    target_shares,
    value_of_text,
)
from .compare import AGREE, NOT_RUN, Verdict

if TYPE_CHECKING:
    from .symbolic.process import SymbolicProcess

MOST_ROWS = 64
"""Numbers of a vector that all methods are run for; of a longer one reverse mode alone."""


class JacobianReport(NamedTuple):
    """The derivative of a vector, or the second one of a number.

    Attributes:
        program: What is differentiated: the vector, or the gradient's formula.
        value: Of it.
        rows: A report for each of its numbers.
        wrt: Inputs asked for.
        formulas: Input to Jacobian in matrix notation, where it has one.
        notes: Where there is no answer and why.
        of: What it is the second derivative of; None of a first one.
    """

    program: Settled
    value: NDArray
    rows: list[ArrayReport]
    wrt: tuple[str, ...]
    formulas: Mapping[str, str]
    notes: tuple[str, ...]
    of: Graph | None = None

    @property
    def graph(self) -> Graph:
        """The computation."""
        return self.program.graph

    @property
    def methods(self) -> tuple[str, ...]:
        """Those that ran."""
        return self.rows[0].methods

    def jacobian(self, name: str) -> NDArray:
        """Return the derivative by an input: a row a number of the output, then the axes of the input."""
        return np.stack([row.gradient[name] for row in self.rows])

    def verdicts(self, name: str) -> list[tuple[str, Verdict]]:
        """Return the verdicts on a Jacobian, by number of the output and of the input."""
        return [
            (f"row {k}, {of}", verdict)
            for k, row in enumerate(self.rows)
            for of, verdict in row.judged(row.graph.inputs[name])
            if verdict.verdict != NOT_RUN
        ]

    @property
    def agree(self) -> bool | None:
        """False when a verdict is `disagree`; None with fewer than two methods."""
        answers = [row.agree for row in self.rows]
        return None if None in answers else all(answers)

    def counted(self) -> tuple[int, int]:
        """Return of how many numbers every method says the same, and how many were compared."""
        found = [verdict for name in self.wrt for _, verdict in self.verdicts(name)]
        return sum(verdict.verdict == AGREE for verdict in found), len(found)


def jacobian(
    program: Settled,
    given: Mapping[str, Any],
    *,
    methods: Sequence[str] | None = None,
    wrt: Sequence[str] | None = None,
    process: SymbolicProcess | None = None,
) -> JacobianReport:
    """Differentiate a vector.

    Args:
        program: Its output is a vector.
        given: Arrays and numbers by name.
        methods: Of `METHODS`; None for the usual ones.
        wrt: Inputs to differentiate by; None for all.
        process: A running `SymbolicProcess`, for formulas and the symbolic method.
    Raises:
        ExpressionError: where the output is a matrix.
        BackpropError: as `differentiate_arrays`.
    """
    graph = program.graph
    kind = program.kinds[graph.output]
    if len(kind.shape) != 1:
        raise ExpressionError(
            f"the output is {kind}: its derivative by a vector has three axes",
            source=graph.source,
            span=graph.nodes[graph.output].span,
            hint="differentiate one of its columns, [:, 0], or a number",
        )
    asked = check_wrt(graph, wrt)
    inputs = bind_arrays(program, given)
    size = kind.shape[0]
    chosen = methods if methods or size <= MOST_ROWS else ("reverse",)
    rows = [
        differentiate_arrays(
            _row(program, k), inputs, methods=chosen, wrt=asked, process=process, formulas=False
        )
        for k in range(size)
    ]
    at = array_values(program, inputs)
    notes = list(dict.fromkeys(note for row in rows for note in row.notes))
    formulas: dict[str, str] = {}
    if process is not None:
        wanted = {graph.inputs[name]: name for name in asked}
        process.request_forms(graph, list(wanted), target_shares(at))
        answer = process.answer()
        notes += [f"formulas: {answer.failure}"] if answer.failure else []
        formulas = {wanted[k]: text for k, text in answer.formulas.items()}
    found = JacobianReport(program, at.value, rows, asked, {}, tuple(notes))
    held = {name: text for name, text in formulas.items() if _holds(found, name, text, at)}
    lost = tuple(
        f"the formula {text} by {name} does not hold here"
        for name, text in formulas.items()
        if name not in held
    )
    return found._replace(formulas=held, notes=(*found.notes, *lost))


def _row(program: Settled, k: int) -> Settled:
    """Return a program whose output is one number of the vector."""
    graph = program.graph
    builder = ArrayBuilder(graph.source)
    builder.shaped = True
    builder.insert(graph, {})
    id = builder.apply(MATRICES["index"], (graph.output,), graph.nodes[graph.output].span, {"key": (k,)})
    return Settled(
        builder.build([id], graph.defaults, graph.euler), [*program.kinds, NUMBER], program.defaults
    )


def _holds(report: JacobianReport, name: str, text: str, at: ArrayReport) -> bool:
    """Whether a formula gives the numbers that stand."""
    value, right = value_of_text(at, text), report.jacobian(name)
    if value is None or value.shape != right.shape or None in right.reshape(-1).tolist():
        return False
    exact = right.astype(float)
    return bool(np.abs(value - exact).max() <= HOLDS * max(1.0, float(np.abs(exact).max())))


def hessian(
    program: Settled,
    given: Mapping[str, Any],
    by: str,
    *,
    methods: Sequence[str] | None = None,
    process: SymbolicProcess,
) -> JacobianReport:
    """Differentiate a number twice by a vector: the Jacobian of the gradient's own formula.

    Args:
        program: Its output is a single number.
        given: Arrays and numbers by name.
        by: A vector to differentiate by.
        methods: As of `jacobian`.
        process: A running `SymbolicProcess`.
    Raises:
        UsageError: by anything else, and where the gradient has no formula.
        BackpropError: as `jacobian`.
    """
    graph = program.graph
    (name,) = check_wrt(graph, [by])
    kind = program.kinds[graph.inputs[name]]
    if len(kind.shape) != 1:
        raise UsageError(f"the second derivative is by a vector, and {name} is {kind}", hint="--wrt NAME")
    inputs = bind_arrays(program, given)
    at = array_values(program, inputs)
    process.request_forms(graph, [graph.inputs[name]], target_shares(at), "inputs")
    text = process.answer().formulas.get(graph.inputs[name])
    if text is None:
        raise UsageError(f"the gradient by {name} has no formula to differentiate")
    shapes = {n: x.shape for n, x in inputs.items() if x.shape}
    slope = read_arrays(Source(text), shapes, inputs)
    used = {n: inputs[n] for n in slope.graph.inputs}
    if name not in used:
        raise UsageError(f"the gradient by {name} is {text}, the same everywhere: its derivative is 0")
    found = jacobian(slope, used, methods=methods, wrt=[name], process=process)
    return found._replace(of=graph)
