"""Many points: rows of a file or the grid of one or more ranges, in blocks."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from math import prod
from typing import Any

import numpy as np

from ..differentiation.compare import DISAGREE
from ..differentiation.report import differentiate, warnings_of
from ..engine.plan import Plan
from ..engine.point import Point, check_wrt
from ..engine.run import bind
from ..errors import ANSWERED, NO, NO_SUCH_NUMBER, BindingError, NoSuchNumber, UsageError
from ..graph import Graph
from ..language.operators import CONSTANTS
from ..render.writers.streams import Answers as BareAnswers
from ..render.writers.streams import PointLatex, PointMarkdown, PointTable
from ..tables.block import Block
from ..tables.read import open_points
from ..tables.write import csv_writer, fresh_names, jsonl_writer
from .common import Request, destination, encoding_of, tell

GRID_ROWS = 1 << 18
PROGRESS_AFTER = 1.0  # seconds


class Answers:
    """What is computed for a block.

    Attributes:
        columns: Result name to one number per row, nan where there is none.
        errors: Reason by row, for rows without an answer.
        disagree: Rows in which the methods disagree.
    """

    def __init__(self, columns: dict[str, Any], errors: dict[int, NoSuchNumber], disagree: int = 0) -> None:
        self.columns = columns
        self.errors = errors
        self.disagree = disagree


def run_points(
    request: Request,
    points: str | None,
    format_: str,
    output: str | None,
    note: Callable[[str], None],
    *,
    strict: bool,
    gradient: bool,
    quiet: bool,
    digits: int,
    methods: Sequence[str] = (),
    wrt: Sequence[str] | None = None,
    scheme: str = "central",
    step: float | None = None,
    large: bool = False,
    sympy: Any = None,
) -> int:
    """Answer for every point and return the exit status."""
    if points is not None and request.ranges:
        raise UsageError("--points and a range cannot be combined", hint="put all points into the file")
    with _source(request, points) as source:
        given = list(source.variables)
        graph = request.lowered([name for name in CONSTANTS if name in given])
        asked = check_wrt(graph, wrt) if gradient else ()
        if points is not None:
            for name in request.values:
                if name in source.names:
                    raise BindingError(f"{name} has a value on the command line and a column in {points}")
        fixed = {**graph.defaults, **request.values}
        fixed = {name: x for name, x in fixed.items() if name not in given}
        bind(graph, {**fixed, **dict.fromkeys(given, 0.0)})
        if gradient and tuple(methods) not in ((), ("reverse",)):
            names = ["value", *(f"d/d{n} {m}" for n in asked for m in methods)]
            names += ["agree"] if len(methods) > 1 else []

            def answer(block: Block) -> Answers:
                return _one_by_one(
                    graph, block, fixed, names, asked,
                    methods=methods, wrt=wrt, scheme=scheme, step=step, large=large,
                    process=sympy.process() if "symbolic" in methods else None,
                )  # fmt: skip

        else:
            names = ["value", *(f"d/d{n}" for n in asked)]
            plan = Plan(graph, given, fixed, asked)
            active = graph.depends_on([graph.inputs[n] for n in asked])

            def answer(block: Block) -> Answers:
                return _by_plan(plan, graph, block, fixed, names, asked, active)

        fresh_names([*names, "error"], source.names)
        failed, disagree, rows = 0, 0, 0
        with _Progress(source, quiet) as progress, destination(output) as stream:
            writer: Any
            encoding = encoding_of(output)
            if format_ == "json":
                writer = jsonl_writer(stream, _paths(source.names, given, names))
            elif format_ in ("csv", "tsv"):
                writer = csv_writer(stream, delimiter="," if format_ == "csv" else "\t")
            elif format_ == "value":
                wanted = [name for name in names if name.startswith("d/d")] if gradient else names[:1]
                writer = BareAnswers(stream, wanted, encoding)
            else:
                people = {"markdown": PointMarkdown, "latex": PointLatex}
                writer = people.get(format_, PointTable)(stream, digits, encoding)
            begun = False
            for block in source:
                answers = answer(block)
                if strict and answers.errors:
                    row, error = min(answers.errors.items())
                    error.place, error.source, error.span = block.place(row), None, None
                    raise error
                if not begun:  # only now: wrong input in the first block leaves stdout empty
                    writer.header(source.names, names)
                    begun = True
                failed += len(answers.errors)
                disagree += answers.disagree
                rows += block.rows
                reasons = [None] * block.rows if answers.errors else None
                for row, error in answers.errors.items():
                    reasons[row] = error.message  # type: ignore[index, call-overload]
                writer.block(block, answers.columns, reasons)
                progress(rows)
            if not begun:
                writer.header(source.names, names)
            if format_ not in ("json", "csv", "tsv"):
                writer.close()
    tell(graph, note, warnings_of(graph), ())
    if failed:
        where = "an empty line stands for each number" if format_ == "value" else "the error column says why"
        note(f"warning: {failed:,} of {rows:,} points have no answer; {where}")
        return NO_SUCH_NUMBER
    return NO if disagree else ANSWERED


def _paths(names: Sequence[str], given: Sequence[str], computed: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return where JSON Lines put each number: inputs and gradient nested as for a single point."""
    paths: dict[str, tuple[str, ...]] = {name: ("inputs", name) for name in names if name in given}
    methods = [title.partition(" ")[2] for title in computed]
    best = "reverse" if "reverse" in methods else next(filter(None, methods), "")
    for title in computed:
        head, _, method = title.partition(" ")
        if head.startswith("d/d"):
            # the gradient has the same form for one method and for several
            own = method and method != best
            paths[title] = (method if own else "gradient", head[3:])
        else:
            paths[title] = (title,)
    return paths


class _Grid:
    """The points of one or more ranges, the first varying slowest."""

    def __init__(self, ranges: Mapping[str, Sequence[float]]) -> None:
        self.axes = {name: np.asarray(values) for name, values in ranges.items()}
        self.names = self.variables = list(self.axes)
        self.total = prod(len(axis) for axis in self.axes.values())
        self.done = 0

    @property
    def fraction(self) -> float:
        return self.done / self.total

    def __iter__(self) -> Iterator[Block]:
        shape = [len(axis) for axis in self.axes.values()]
        for start in range(0, self.total, GRID_ROWS):
            indices = np.unravel_index(np.arange(start, min(start + GRID_ROWS, self.total)), shape)
            values = {name: axis[i] for (name, axis), i in zip(self.axes.items(), indices, strict=True)}
            rows = len(indices[0])
            self.done = start + rows
            yield Block(values, rows, start)


def _source(request: Request, points: str | None) -> AbstractContextManager[Any]:
    if points is None:
        grid = _Grid(request.ranges)
        if grid.total > 1_000_000_000:
            raise BindingError(f"the grid has {grid.total:,} points", hint="1,000,000,000 are the limit")
        return nullcontext(grid)
    graph = request.graph
    variables = [name for name in graph.inputs if name not in request.values]
    return open_points(
        points, variables, optional=[n for n in variables if n in graph.defaults or n in CONSTANTS]
    )


def _by_plan(
    plan: Plan,
    graph: Graph,
    block: Block,
    fixed: Mapping[str, float],
    names: Sequence[str],
    asked: Sequence[str],
    active: list[bool],
) -> Answers:
    results, bad = plan.run(block.values, block.rows, _cores())
    errors: dict[int, NoSuchNumber] = {}
    for row in bad:
        # the float engine decides: it finds the first fault and says what it is
        inputs = {**fixed, **{name: float(column[row]) for name, column in block.values.items()}}
        try:
            point = Point.of(graph, bind(graph, inputs), active)
            numbers = [point.value, *point.gradient(asked).values()]
        except NoSuchNumber as error:
            errors[row] = error
            numbers = [np.nan] * len(results)
        for result, number in zip(results, numbers, strict=True):
            result[row] = number
    return Answers(dict(zip(names, results, strict=True)), errors)


def _one_by_one(
    graph: Graph,
    block: Block,
    fixed: Mapping[str, float],
    names: Sequence[str],
    asked: Sequence[str],
    *,
    methods: Sequence[str],
    process: Any,
    **options: Any,
) -> Answers:
    columns: dict[str, list[Any]] = {name: [] for name in names}
    errors: dict[int, NoSuchNumber] = {}
    disagree = 0
    for row in range(block.rows):
        inputs = {**fixed, **{name: float(column[row]) for name, column in block.values.items()}}
        try:
            report = differentiate(graph, inputs, methods=methods, process=process, **options)
        except NoSuchNumber as error:
            errors[row] = error
            cells: list[Any] = [None] * len(names)
        else:
            cells = [report.value]
            cells += [report.columns[m][graph.inputs[n]] for n in asked for m in methods]
            if len(methods) > 1:
                cells.append(report.agree)
                disagree += any(report.verdicts[graph.inputs[n]].verdict == DISAGREE for n in asked)
        for column, cell in zip(columns.values(), cells, strict=True):
            column.append(cell)
    return Answers(columns, errors, disagree)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Progress:
    """A bar on stderr once the work takes longer than a moment."""

    def __init__(self, source: Any, quiet: bool) -> None:
        self.source = source
        self.shown = not quiet and sys.stderr is not None and sys.stderr.isatty()
        self.start = time.monotonic()
        self.bar: Any = None
        self.task: Any = None

    def __enter__(self) -> _Progress:
        return self

    def __call__(self, rows: int) -> None:
        if not self.shown or time.monotonic() - self.start < PROGRESS_AFTER:
            return
        fraction = self.source.fraction
        if self.bar is None:
            from rich.console import Console
            from rich.progress import Progress

            self.bar = Progress(console=Console(stderr=True), transient=True)
            self.task = self.bar.add_task("points", total=1.0 if fraction is not None else None)
            self.bar.start()
        self.bar.update(self.task, completed=fraction or 0.0, description=f"{rows:,} points")

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()
