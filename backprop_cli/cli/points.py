"""Many points: rows of a file or the grid of one or more ranges, in blocks."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import numpy as np

from ..differentiation.points import Answers, ByMethods, ByPlan, Grid, spoilt_words
from ..differentiation.report import warnings_of
from ..differentiation.symbolic.session import SESSION
from ..engine.point import check_wrt
from ..engine.run import bind
from ..errors import ANSWERED, NO, NO_SUCH_NUMBER, BindingError, UsageError
from ..language.operators import CONSTANTS
from ..tables.block import Block, missing_column
from ..tables.dialect import PLAIN
from ..tables.parts import ArrayFiles
from ..tables.read import PointSource, open_points
from ..tables.write import Writer, csv_writer, fresh_names, jsonl_writer
from .output import Output, destination, encoding_of
from .request import Request

PROGRESS_AFTER = 1.0  # seconds


def run_points(
    request: Request,
    output: Output,
    *,
    strict: bool,
    gradient: bool,
    engine: str = "numpy",
    methods: Sequence[str] = (),
    wrt: Sequence[str] | None = None,
    scheme: str = "central",
    step: float | None = None,
) -> int:
    """Answer for every point and return the exit status."""
    points, format_ = request.points, output.format
    if points is not None and request.ranges:
        raise UsageError("--points and a range cannot be combined", hint="put all points into the file")
    with _source(request) as source:
        given = list(source.variables)
        answer: Answering
        if request.settled is not None:
            if engine != "numpy":
                raise UsageError(f"--engine {engine} is for single numbers, and this program has arrays")
            graph = request.graph
            answer = _of_arrays(
                request, source, check_wrt(graph, wrt) if gradient else (), methods, scheme=scheme, step=step
            )
        else:
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
                if engine != "numpy":
                    raise UsageError(f"--engine {engine} runs the reverse sweep: --method reverse or none")
                process = SESSION.start() if "symbolic" in methods else None
                answer = ByMethods(
                    graph, fixed, asked, methods, process, wrt=wrt, scheme=scheme, step=step,
                    large=request.large,
                )  # fmt: skip
            else:
                answer = ByPlan(graph, given, fixed, asked, engine)
        names = answer.names
        fresh_names([*names, "error"], source.names)
        failed, disagree, rows, looked_at = 0, 0, 0, 0
        spoilt: list[int] = []
        with _Progress(source, bool(output.quiet)) as progress, destination(output.file) as stream:
            writer: Writer
            encoding = encoding_of(output.file)
            if format_ == "json":
                writer = jsonl_writer(stream, _paths(source.names, given, names))
            elif format_ in ("csv", "tsv"):
                writer = csv_writer(stream, delimiter="," if format_ == "csv" else "\t")
            elif format_ == "value":
                from ..render.writers.streams import Answers as AnswerWriter

                slopes = [name for name in names if name.startswith("d/d")]
                wanted = slopes if gradient else [name for name in names if name.startswith("value")]
                writer = AnswerWriter(stream, wanted, encoding)
            else:
                from ..render.writers.streams import PointLatex, PointMarkdown, RowTable

                if format_ == "table":
                    writer = RowTable(stream, output.digits, encoding, to_file=output.to_file)
                else:
                    form = PointMarkdown if format_ == "markdown" else PointLatex
                    writer = form(stream, output.digits, encoding)
            begun = False
            for block in source:
                if not begun and source.fraction:
                    answer.expect(block.rows / source.fraction)
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
                looked_at += answers.looked_at
                spoilt += [rows + row + 1 for row in answers.spoilt]
                rows += block.rows
                reasons = [None] * block.rows if answers.errors else None
                for row, error in answers.errors.items():
                    reasons[row] = error.message  # type: ignore[index, call-overload]
                writer.block(block, answers.columns, reasons)
                progress(rows)
            if not begun:
                writer.header(source.names, names)
            writer.close()
    output.tell(graph, warnings_of(graph))
    if isinstance(answer, ByPlan):
        output.detail(f"{rows:,} points {answer.how}")
    if spoilt:
        output.note(f"warning: {spoilt_words(spoilt, looked_at, rows)}")
    if failed:
        where = "an empty line stands for each number" if format_ == "value" else "the error column says why"
        output.note(f"warning: {failed:,} of {rows:,} points have no answer; {where}")
        return NO_SUCH_NUMBER
    return NO if disagree else ANSWERED


class Answering(Protocol):
    """What answers for blocks of points."""

    @property
    def names(self) -> list[str]:
        """Of the columns of answers."""

    def expect(self, rows: float) -> None:
        """Hear how many rows are to come, all together."""

    def __call__(self, block: Block) -> Answers:
        """Answer for a block."""


def _of_arrays(
    request: Request,
    source: Grid | PointSource | ArrayFiles,
    asked: Sequence[str],
    methods: Sequence[str],
    **options: Any,
) -> Answering:
    """Return what answers for the points of a program with arrays."""
    from ..differentiation.array_points import ByArrays
    from ..differentiation.arrays import bind_arrays
    from ..tables.parts import Array

    program = request.settled
    assert program is not None
    given = request.table.arrays if request.table is not None else {n: Array((), (n,)) for n in source.names}
    zeros = {name: np.zeros(array.shape) for name, array in given.items()}
    known = {*program.graph.defaults, *program.defaults, *request.values, *request.arrays, *zeros}
    for name in program.graph.inputs:
        if name not in known and request.points is not None:
            raise missing_column(name, source.names, request.points)
    bound = bind_arrays(program, {**request.values, **request.arrays, **zeros})
    fixed = {name: x for name, x in bound.items() if name not in given}
    process = SESSION.start() if "symbolic" in methods else None
    return ByArrays(program, given, fixed, asked, methods, process, **options)


Path = tuple[str | int, ...]


def _paths(names: Sequence[str], given: Sequence[str], computed: Sequence[str]) -> dict[str, Path]:
    """Return where JSON Lines put each number: inputs and gradient nested as for a single point."""
    paths: dict[str, Path] = {name: ("inputs", *_placed(name)) for name in names if name in given}
    methods = [title.partition(" ")[2] for title in computed]
    best = "reverse" if "reverse" in methods else next(filter(None, methods), "")
    for title in computed:
        head, _, method = title.partition(" ")
        if head.startswith("d/d"):
            # the gradient has the same form for one method and for several
            own = method and method != best
            paths[title] = (method if own else "gradient", *_placed(head[3:]))
        else:
            paths[title] = _placed(title)
    return paths


def _placed(name: str) -> Path:
    """Return the keys to a number: those of ``A[0,1]`` are A, 0 and 1."""
    own, bracket, place = name.partition("[")
    return (own, *map(int, place.rstrip(" ]").split(","))) if bracket else (name,)


def _source(request: Request) -> AbstractContextManager[Grid | PointSource | ArrayFiles]:
    if request.table is not None:
        return request.table.source
    if request.points is None:
        return nullcontext(Grid(request.ranges))
    graph = request.graph
    variables = [name for name in graph.inputs if name not in request.values]
    return open_points(
        request.points,
        variables,
        optional=[n for n in variables if n in graph.defaults or n in CONSTANTS],
        dialect=request.dialect or PLAIN,
    )


class _Progress:
    """A bar on stderr once the work takes longer than a moment."""

    def __init__(self, source: Grid | PointSource | ArrayFiles, quiet: bool) -> None:
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
