"""``backprop descend``: gradient descent on an expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..errors import UsageError
from .command import ExpressionCommand
from .common import (
    answers,
    digits_option,
    ends_of,
    file_option,
    format_option,
    large_option,
    names_of,
    number,
    quiet_option,
    size_option,
    theme_option,
)
from .output import Output, check_destination
from .request import ByNumber, Request

if TYPE_CHECKING:
    from ..api.descent import Descent

FORMATS = ("table", "json", "csv", "tsv", "markdown", "latex", "value")
STEPS = 1000
WORK = 4_000_000  # primitives that may run where --updates is not given: some seconds
MILLISECONDS = 300


@click.command("descend", cls=ExpressionCommand)
@file_option
@click.option("--rate", metavar="RATE", help="Learning rate.  [default: 0.1, or the optimizer's own]")
@click.option(
    "--updates", "steps", type=click.IntRange(1, 1_000_000), help="Updates at most.  [default: 1000]"
)
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
@click.option("--view", metavar="X0:X1[,Y0:Y1]", help="Where a picture looks: ranges of its axes.")
@click.option(
    "--delay",
    metavar="MS",
    type=click.IntRange(20, 60_000),
    help="Milliseconds of a GIF's frame.  [default: 300]",
)
@size_option
@theme_option
@digits_option("Significant digits in tables.")
@click.option("--all", "all_", is_flag=True, help="Show every update of a long run.")
@large_option
@quiet_option
@answers("descend", FORMATS, draws=True, moves=True, request=ByNumber)
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
    view: str | None,
    delay: int | None,
    all_: bool,
) -> int:
    """Gradient descent on EXPRESSION from the values given, and a verdict with its reason.

    A value start:stop:step is a range of starting points, a line each. Exit status 3 where a run
    diverges or leaves the domain; what it went through is printed all the same.
    """
    from ..errors import ANSWERED, NO_SUCH_NUMBER

    check_destination(output.file)
    moving = output.drawn and output.file is not None and output.file.lower().endswith(".gif")
    if delay is not None and not moving:
        raise UsageError("--delay is of the frames of a GIF", hint="-o descent.gif")
    if view is not None and not output.drawn and output.format != "table":
        raise UsageError(f"--view is of pictures, not of {output.format}", hint="-o descent.svg")
    request.read()
    graph, values, moved = request.numbers(names_of(wrt))
    values = {name: x for name, x in values.items() if name not in request.ranges}
    eta = number("--rate", rate) if rate is not None else None
    if eta is not None and eta <= 0.0:
        raise UsageError(f"--rate {rate}: a learning rate is a positive number", hint="--ascend climbs")
    length = number("--until", until)
    if length < 0.0:
        raise UsageError(f"--until {until}: a length is not negative")

    from .training import use_threads

    use_threads(1)
    from ..api.descent import FRAME, descend
    from ..differentiation.report import warnings_of

    if steps is None:
        steps = max(20, min(STEPS, WORK // len(graph)))
        if steps < STEPS:
            output.note(f"note: {len(graph):,} nodes: {steps:,} updates at most; --updates asks for more")
    report = descend(
        graph,
        values,
        rate=eta,
        steps=steps,
        until=length,
        ascend=ascend,
        wrt=moved,
        optimizers=optimizers,
        ranges=request.ranges,
    )
    if view is not None:
        report = report._replace(view=_view(view, len(moved or graph.inputs)))
    if output.drawn:
        assert output.file is not None
        size = output.size or ()
        drawn = report.frames_sized(*(size or FRAME)) if moving else report.sized(*size)
        output.draw(drawn, milliseconds=delay or MILLISECONDS)
        trace = report.runs[0].trace
        if isinstance(drawn, list) and trace is not None and len(drawn) < len(trace.points):
            output.note(f"note: the animation shows {len(drawn):,} of the {len(trace.points):,} points")
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


def _view(text: str, variables: int) -> tuple[tuple[float, float], ...]:
    """Return the ranges of a picture's axes."""
    ranges = text.split(",")
    if variables > 2:
        raise UsageError("--view is for one or two variables")
    if len(ranges) > 2:
        raise UsageError(f"--view {text}: a picture has two axes", hint="--view -2:2,-1:3")
    return tuple(ends_of("--view", part) for part in ranges)


def _drawing(report: Descent, to_file: bool) -> str | None:
    from ..layout import descent as charts
    from ..layout.chart import Chart
    from ..render.canvas import terminal_chart
    from ..render.terminal import screen_for

    runs, ground = report.charted()
    if not runs:
        return None
    screen = screen_for(to_file)
    width = min(screen.width, 140) if screen.width < 1000 else 80
    panels = [
        charts.path_panel(report.function, runs, ground, tangents=0),
        charts.progress_panel(report.function, runs, ground),
    ]
    shown = [panel for panel in panels if panel is not None]
    if width < 112:
        shown = shown[:1]
    chart = Chart("", "", shown, len(shown))
    return terminal_chart(chart, width, 18, unicode=screen.unicode, color=screen.color)
