"""``backprop descend``: gradient descent on an expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .command import ExpressionCommand
from .common import (
    answers,
    digits_option,
    file_option,
    format_option,
    large_option,
    names_of,
    number,
    quiet_option,
)
from .output import Output, check_destination
from .request import Request

if TYPE_CHECKING:
    from ..optimization.choice import Choice
    from ..optimization.report import Report

FORMATS = ("table", "json", "csv", "tsv", "markdown", "latex", "value")
STEPS = 1000
WORK = 4_000_000  # primitives that may run where --steps is not given: some seconds
MOST_STARTS = 100_000
PICTURES = 200  # runs that are drawn
FRAME = (900, 600)
PICTURE = (1200, 800)
BESIDE = (1400, 760)  # contours stand beside f
MILLISECONDS = 300


@click.command(
    "descend",
    cls=ExpressionCommand,
    epilog="Examples: backprop descend 'x^2' --x 1 --rate 0.3 --steps 3; "
    "backprop descend 'x^2+10y^2' --x 1 --y 1 --optimizer sgd:momentum=0.9 --optimizer adam --rate 0.05",
)
@file_option
@click.option("--rate", metavar="RATE", help="Learning rate.  [default: 0.1, or the optimizer's own]")
@click.option("--steps", type=click.IntRange(1, 1_000_000), help="Updates at most.  [default: 1000]")
@click.option(
    "--until",
    metavar="LENGTH",
    default="1e-8",
    show_default=True,
    help="Stop once the gradient is no longer than that.",
)
@click.option("--ascend", is_flag=True, help="Climb instead: add the gradient.")
@click.option("--wrt", metavar="NAMES", help="Move these variables alone: a,b; the others stay fixed.")
@click.option(
    "--optimizer",
    "optimizers",
    multiple=True,
    metavar="NAME[:KEY=VALUE,...]",
    help="As in training configs: sgd:momentum=0.9, adam; repeat it to compare several.",
)
@click.option("--plot", is_flag=True, help="Draw below the table, where it is not a terminal too.")
@format_option(FORMATS)
@click.option(
    "-o", "output", metavar="FILE", help="Write to a file by its ending: a table, a picture (svg, png, gif)."
)
@digits_option("Significant digits in tables.")
@click.option("--all", "all_", is_flag=True, help="Show every update of a long run.")
@large_option
@quiet_option
@answers("descend", FORMATS, draws=True, moves=True)
def command(
    request: Request,
    output: Output,
    rate: str | None,
    steps: int | None,
    until: str,
    ascend: bool,
    wrt: str | None,
    optimizers: tuple[str, ...],
    plot: bool,
    all_: bool,
) -> int:
    """Gradient descent on EXPRESSION from the values given, and a verdict with its reason.

    A value start:stop:step is a range of starting points, a line each. Exit status 3 where a run
    diverges or leaves the domain; what it went through is printed all the same.
    """
    from ..errors import ANSWERED, NO_SUCH_NUMBER, UsageError

    check_destination(output.file)
    graph = request.read()
    eta = number("--rate", rate) if rate is not None else None
    if eta is not None and eta <= 0.0:
        raise UsageError(f"--rate {rate}: a learning rate is a positive number", hint="--ascend climbs")
    length = number("--until", until)
    if length < 0.0:
        raise UsageError(f"--until {until}: a length is not negative")

    from ..differentiation.report import warnings_of
    from ..engine.point import check_wrt
    from ..optimization.choice import plain, read
    from .training import use_threads

    use_threads(1)
    names = check_wrt(graph, names_of(wrt))
    for name in request.ranges:
        if name not in names:
            raise UsageError(f"{name} has a range of starting points, but --wrt does not move it")
    if not names:
        raise UsageError("the expression has no variable to move")
    if steps is None:
        steps = max(20, min(STEPS, WORK // len(graph)))
        if steps < STEPS:
            output.note(f"note: {len(graph):,} nodes: {steps:,} updates at most; --steps asks for more")
    choices = [read(text, eta) for text in optimizers] or [plain(eta)]
    report = _run(request, names, choices, steps=steps, until=length, ascend=ascend)
    if output.drawn:
        _draw(report, output)
    else:
        from ..render.descent import document
        from ..render.terminal import at_terminal

        drawing = None
        if output.format == "table" and (plot or (not output.to_file and at_terminal())):
            drawing = _drawing(report, output.to_file)
        output.show(document(report, digits=output.digits, everything=all_, drawing=drawing))
    if output.drawn or output.format in ("csv", "tsv", "value"):
        for run in report.runs if len(report.runs) <= 8 else ():
            for sentence in run.verdict.says if run.verdict is not None else ():
                output.note(f"note: {sentence}")
    output.tell(graph, warnings_of(graph))
    failed = [run for run in report.runs if not run.answered]
    if len(report.runs) == 1 and failed:
        trace = report.runs[0].trace
        if trace is not None and trace.error is not None:
            raise trace.error
    if len(report.runs) > 1 and failed:
        have = "has" if len(failed) == 1 else "have"
        output.note(f"warning: {len(failed):,} of {len(report.runs):,} runs {have} no answer")
    return NO_SUCH_NUMBER if failed else ANSWERED


def _run(
    request: Request,
    names: tuple[str, ...],
    choices: list[Choice],
    *,
    steps: int,
    until: float,
    ascend: bool,
) -> Report:
    """Descend from every start by every optimizer."""
    from itertools import product
    from math import prod

    from ..errors import BindingError
    from ..optimization.descent import Function
    from ..optimization.report import descend_all

    graph = request.graph
    first = {name: xs[0] for name, xs in request.ranges.items()}
    function = Function(graph, {**request.values, **first}, names)
    starts = prod(len(xs) for xs in request.ranges.values())
    if starts > MOST_STARTS:
        raise BindingError(
            f"the ranges have {starts:,} starting points", hint=f"{MOST_STARTS:,} are the limit"
        )
    axes = [request.ranges.get(name, [function.inputs[name]]) for name in names]
    return descend_all(
        function,
        list(product(*axes)),
        choices,
        steps=steps,
        until=until,
        ascend=ascend,
        many=bool(request.ranges),
    )


def _charted(report: Report):  # type: ignore[no-untyped-def]
    from ..layout.descent import Run
    from ..optimization.landscape import landscape
    from ..render.descent import short_labels

    names = short_labels(report)
    drawn = [
        (Run(run.trace, name), not run.answered)
        for run, name in zip(report.runs[:PICTURES], names[:PICTURES], strict=True)
        if run.trace is not None
    ]
    ground = landscape(report.function, [run.trace for run, _ in drawn], [lost for _, lost in drawn])
    return [run for run, _ in drawn], ground


def _draw(report: Report, output: Output) -> None:
    from ..errors import UsageError
    from ..layout import descent as charts
    from ..layout.chart import picture_of
    from ..render.descent import heading

    runs, ground = _charted(report)
    if not runs:
        raise UsageError("no run can be drawn: no start has a value and a gradient")
    title = heading(report)
    assert output.file is not None
    if output.file.lower().endswith(".gif"):
        if len(runs) > 1:
            raise UsageError(
                "a GIF shows one descent", hint="one --optimizer, and no range of starting points"
            )
        frames = charts.frames(report.function, runs[0], ground, title)
        output.draw([picture_of(c, *FRAME) for c in frames], milliseconds=MILLISECONDS)
        return
    verdict = report.runs[0].verdict
    says = ". ".join(verdict.says) if verdict is not None and len(report.runs) == 1 else ""
    chart = charts.chart(report.function, runs, ground, title, says)
    output.draw(picture_of(chart, *(BESIDE if ground.surface is not None else PICTURE)))


def _drawing(report: Report, to_file: bool) -> str | None:
    from ..layout import descent as charts
    from ..layout.chart import Chart
    from ..render.canvas import terminal_chart
    from ..render.terminal import console_for, is_unicode

    runs, ground = _charted(report)
    if not runs:
        return None
    console = console_for(to_file)
    width = min(console.width, 140) if console.width < 1000 else 80
    panels = [
        charts.path_panel(report.function, runs, ground, tangents=0),
        charts.progress_panel(runs, ground),
    ]
    shown = [panel for panel in panels if panel is not None]
    if width < 112:
        shown = shown[:1]
    chart = Chart("", "", shown, len(shown))
    unicode, color = is_unicode(console), console.color_system is not None
    return terminal_chart(chart, width, 18, unicode=unicode, color=color)
