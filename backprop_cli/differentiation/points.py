"""Many points: the grid of one or more ranges, or blocks of rows, answered block by block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..engine.cores import idle_cores
from ..engine.plan import Plan
from ..engine.point import Point
from ..engine.run import bind
from ..errors import BindingError, NoSuchNumber
from ..graph import Graph
from ..tables.block import Block
from .compare import DISAGREE
from .report import KEPT_DIGITS, differentiate
from .rounding import are_spoilt, rounding_bounds

if TYPE_CHECKING:
    from .symbolic.process import SymbolicProcess

LOOKED_AT = 2_000
"""Nodes times rows whose rounding is bounded, one by one: a tenth of a second."""

GRID_ROWS = 1 << 18
GRID_LIMIT = 1_000_000_000


class Answers(NamedTuple):
    """What is computed for a block.

    Attributes:
        columns: Result name to one number per row, nan where there is none.
        errors: Reason by row, for rows without an answer.
        disagree: Rows in which the methods disagree.
        looked_at: Rows whose rounding was bounded, the first of the block.
        spoilt: Those among them with a number of which it may have left too few digits.
    """

    columns: dict[str, Any]
    errors: dict[int, NoSuchNumber]
    disagree: int = 0
    looked_at: int = 0
    spoilt: tuple[int, ...] = ()


def spoilt_words(spoilt: Sequence[int], looked_at: int, rows: int) -> str:
    """Say of which points rounding may have left too few digits.

    Args:
        spoilt: Their numbers, as they are counted.
        looked_at: Points whose rounding was bounded, the first ones.
        rows: All points.
    """
    among = f"{rows:,} point{'s' if rows > 1 else ''}"
    if looked_at < rows:
        among = f"the first {looked_at:,} points (no other was looked at)"
    where = f"number {spoilt[0]:,}{' is the first' if len(spoilt) > 1 else ''}"
    return (
        f"cancellation: rounding may leave fewer than {KEPT_DIGITS} digits in {len(spoilt):,} "
        f"of {among}; {where}"
    )


class Grid:
    """The points of one or more ranges, the first varying slowest.

    Args:
        ranges: The numbers of each variable.
    Raises:
        BindingError: for too many points.
    """

    def __init__(self, ranges: Mapping[str, Sequence[float]]) -> None:
        self.axes = {name: np.asarray(values) for name, values in ranges.items()}
        self.names = self.variables = list(self.axes)
        self.total = prod(len(axis) for axis in self.axes.values())
        self.done = 0
        if self.total > GRID_LIMIT:
            raise BindingError(f"the grid has {self.total:,} points", hint=f"{GRID_LIMIT:,} are the limit")

    @property
    def fraction(self) -> float:
        """How much of it has been gone through."""
        return self.done / self.total

    def __iter__(self) -> Iterator[Block]:
        shape = [len(axis) for axis in self.axes.values()]
        for start in range(0, self.total, GRID_ROWS):
            indices = np.unravel_index(np.arange(start, min(start + GRID_ROWS, self.total)), shape)
            values = {name: axis[i] for (name, axis), i in zip(self.axes.items(), indices, strict=True)}
            rows = len(indices[0])
            self.done = start + rows
            yield Block(values, rows, start)


class ByPlan:
    """Value and gradient at many points by reverse mode, in arrays.

    Args:
        graph: The computation.
        given: Variables that blocks have values for.
        fixed: Values of the other inputs.
        asked: Inputs to differentiate by.
        engine: What computes.
    """

    def __init__(
        self,
        graph: Graph,
        given: Sequence[str],
        fixed: Mapping[str, float],
        asked: Sequence[str],
        engine: str = "numpy",
    ) -> None:
        self.graph = graph
        self.fixed = fixed
        self.asked = asked
        self.names = ["value", *(f"d/d{name}" for name in asked)]
        self.plan = Plan(graph, given, fixed, asked, engine)
        self.active = graph.depends_on([graph.inputs[name] for name in asked])
        self.to_look_at = LOOKED_AT // len(graph) + 1
        self.threads = idle_cores()

    def expect(self, rows: float) -> None:
        """Say how many rows are to come, all together."""
        self.plan.expected = rows

    @property
    def how(self) -> str:
        """By what the points are computed, in words."""
        return f"{self.plan.how}; threads: {self.threads}"

    def __call__(self, block: Block) -> Answers:
        """Answer for a block."""
        results, bad = self.plan.run(block.values, block.rows, self.threads)
        errors: dict[int, NoSuchNumber] = {}
        for row in bad:
            # the float engine decides: it finds the first fault and says what it is
            inputs = bind(self.graph, {**self.fixed, **_row(block, row)})
            try:
                point = Point.of(self.graph, inputs, self.active)
                numbers = [point.value, *point.gradient(self.asked).values()]
            except NoSuchNumber as error:
                errors[row] = error
                numbers = [np.nan] * len(results)
            for result, number in zip(results, numbers, strict=True):
                result[row] = number
        looked_at = min(self.to_look_at, block.rows)
        self.to_look_at -= looked_at
        spoilt = tuple(
            row
            for row in range(looked_at)
            if row not in errors and self._is_spoilt(block, row, [float(result[row]) for result in results])
        )
        return Answers(dict(zip(self.names, results, strict=True)), errors, 0, looked_at, spoilt)

    def _is_spoilt(self, block: Block, row: int, numbers: Sequence[float]) -> bool:
        """Whether rounding may have left fewer than `KEPT_DIGITS` of a row's value, or of a slope."""
        point = Point.of(self.graph, bind(self.graph, {**self.fixed, **_row(block, row)}), self.active)
        noise, explained = rounding_bounds(point)
        # in arrays rounding is another one
        point.values[self.graph.output], *slopes = numbers
        ids = [self.graph.inputs[name] for name in self.asked]
        for id, slope in zip(ids, slopes, strict=True):
            point.cotangents[id] = slope
        return bool(are_spoilt(point, noise, explained, [None, *ids], 10.0**-KEPT_DIGITS))


class ByMethods:
    """Value and gradient at many points by several methods, one point after the other.

    Args:
        graph: The computation.
        fixed: Values of the inputs that blocks have none for.
        asked: Inputs to differentiate by.
        methods: As of `report.differentiate`, like the options.
        process: For the symbolic method.
    """

    def __init__(
        self,
        graph: Graph,
        fixed: Mapping[str, float],
        asked: Sequence[str],
        methods: Sequence[str],
        process: SymbolicProcess | None,
        **options: Any,
    ) -> None:
        self.graph = graph
        self.fixed = fixed
        self.asked = asked
        self.methods = methods
        self.options = {"process": process, **options}
        self.names = ["value", *(f"d/d{name} {method}" for name in asked for method in methods)]
        self.names += ["agree"] if len(methods) > 1 else []

    def expect(self, rows: float) -> None:
        """Go on point by point, however many there are."""

    def __call__(self, block: Block) -> Answers:
        """Answer for a block."""
        columns: dict[str, list[Any]] = {name: [] for name in self.names}
        errors: dict[int, NoSuchNumber] = {}
        disagree = 0
        for row in range(block.rows):
            inputs = {**self.fixed, **_row(block, row)}
            cells: list[Any] = [None] * len(self.names)
            try:
                report = differentiate(self.graph, inputs, methods=self.methods, **self.options)
            except NoSuchNumber as error:
                errors[row] = error
            else:
                ids = [self.graph.inputs[name] for name in self.asked]
                cells = [report.value, *(report.columns[m][id] for id in ids for m in self.methods)]
                if len(self.methods) > 1:
                    cells.append(report.agree)
                    disagree += any(report.verdicts[id].verdict == DISAGREE for id in ids)
            for column, cell in zip(columns.values(), cells, strict=True):
                column.append(cell)
        return Answers(columns, errors, disagree)


def _row(block: Block, row: int) -> dict[str, float]:
    return {name: float(column[row]) for name, column in block.values.items()}
