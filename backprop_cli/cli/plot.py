"""``backprop plot``: the function, drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from ..curves.scale import LOGS
from ..language.numbers import brief
from .command import Binding, ExpressionCommand
from .common import (
    along_option,
    answers,
    digits_option,
    direction_of,
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
from .output import Output
from .request import ByNumber, grid, range_meant
from .watch import watch_option

if TYPE_CHECKING:
    from ..curves.line import Curve
    from ..engine.line import Line
    from ..graph import Graph
    from ..layout.chart import Chart

FORMATS = ("plot", "svg", "png", "table", "json", "csv", "tsv")
ENDINGS = {f".{name}": name for name in ("svg", "png", "json", "csv", "tsv")} | {".txt": "plot"}
LARGEST = (140, 44)


class Span:
    """A range as typed: ``start:stop`` or ``start:stop:step``."""

    def __init__(self, text: str) -> None:
        from ..errors import BindingError
        from ..language.lower import constant

        parts = text.split(":")
        if len(parts) not in (2, 3):
            raise BindingError(f"{text} is no range", hint="a range is start:stop, such as -3:4")
        self.low, self.high = constant(parts[0]), constant(parts[1])
        self.step = constant(parts[2]) if len(parts) == 3 else None

    @property
    def ends(self) -> tuple[float, float]:
        """Both ends, in order: with a step, a range may run downwards."""
        down = self.step is not None and self.step < 0.0
        return (self.high, self.low) if down else (self.low, self.high)


class Drawn(ByNumber):
    """A program with its bindings, some of them ranges to draw over.

    Attributes:
        spans: The ranges, by name.
        ways: Those of names that are no inputs: of the way along a line.
    """

    range_hint = "a range is start:stop: --{} {}"

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.spans: dict[str, Span] = {}
        self.ways: dict[str, Binding] = {}

    def read(self, *args: Any, **options: Any) -> Graph:
        """Read the program and bind what has a value or a range."""
        with self._ranges_meant():
            return super().read(*args, **options)

    def numbers(self, *args: Any, **options: Any) -> tuple[Graph, dict[str, float], list[str] | None]:
        with self._ranges_meant():
            return super().numbers(*args, **options)

    @contextmanager
    def _ranges_meant(self) -> Iterator[None]:
        """Say of two numbers in what cannot be read that a range may be meant."""
        from ..errors import BackpropError

        try:
            yield
        except BackpropError as error:
            for binding in self.bindings if not self.spans else ():
                if meant := range_meant(binding.text, pair=True):
                    error.hint = self.range_hint.format(binding.name, meant)
            raise

    def bind(self, binding: Binding) -> None:
        from ..errors import BackpropError, BindingError

        if ":" not in binding.text:
            if binding.name in self.spans:
                raise BindingError(f"{binding.name} is given twice")
            super().bind(binding)
            if binding.name in self.ranges:
                raise BindingError(
                    f"{binding.name} is a list: plot draws over a range",
                    hint=f"--{binding.name} START:STOP",
                )
            return
        if binding.name in self.values or binding.name in self.spans:
            raise BindingError(f"{binding.name} is given twice")
        if not self.has(binding.name):
            self.ways[binding.name] = binding
        try:
            span = Span(binding.text)
            if span.step is not None:
                self.ranges[binding.name] = grid(binding.text)
        except BackpropError as error:
            raise BindingError(
                f"the range of {binding.name}: {error.message}",
                source=error.source,
                span=error.span,
                hint=error.hint,
            ) from None
        self.spans[binding.name] = span


@click.command("plot", cls=ExpressionCommand)
@file_option
@along_option
@click.option("--wrt", metavar="NAMES", help="With --along gradient: by these inputs alone, a,b.")
@click.option(
    "--tangent",
    "tangents",
    metavar="POINTS",
    help="Draw tangents at these points: -1,1,0; over two ranges at one: 1,2.",
)
@click.option("--derivative", is_flag=True, help="Draw the derivative, too.")
@click.option(
    "--panels",
    type=click.IntRange(1, 3),
    help="Draw the derivative beside the function, 1, or below it, 2, with the second one below that, 3."
    "  [default: what can be read]",
)
@click.option(
    "--log",
    "log",
    type=click.Choice(LOGS),
    help="Equal lengths are equal ratios on the axis of the variable, x, of the values, y, or of both, xy;"
    " where there are both signs, linear about 0.",
)
@click.option("--view", metavar="LOW:HIGH", help="The values to show, on the axis upwards.")
@format_option(FORMATS, "plot, a drawing")
@click.option(
    "-o", "output", metavar="FILE", help="Write to a file by its ending: svg, png, txt, json, csv, tsv."
)
@size_option
@theme_option
@digits_option("Significant digits of labels.")
@large_option
@quiet_option
@watch_option
@answers("plot", endings=ENDINGS, otherwise="plot", request=Drawn)
def command(
    request: Drawn,
    output: Output,
    along: str | None,
    wrt: str | None,
    tangents: str | None,
    derivative: bool,
    panels: int | None,
    log: str | None,
    view: str | None,
) -> int:
    """Draw EXPRESSION over a range of one variable, or its contours over ranges of two.

    A variable takes its range as --NAME START:STOP, the others their values as --NAME VALUE. With --along
    all inputs have values and move together along a line, over --s START:STOP.
    Extrema are found where the slope, by reverse mode, changes its sign. Exit status 3 where there
    is no value anywhere in the range, or no tangent where one is asked for.
    """
    from ..engine.run import bind
    from ..errors import UsageError

    request.read()
    direction = direction_of(along)
    if direction is None and request.settled is not None and not request.spans:
        from ..api.by_number import DOWNHILL

        direction = DOWNHILL
    if direction is not None:
        line = _line(request, direction, names_of(wrt))
        job = _Job(request, line.graph, line.inputs, output, line.says)
    else:
        for binding in request.ways.values():
            request.refuse_unknown(binding)
        if wrt is not None:
            raise UsageError("--wrt says which gradient to follow", hint="--along gradient")
        _check(request)
        graph, values, _ = request.numbers(start={n: span.low for n, span in request.spans.items()})
        job = _Job(request, graph, {**graph.defaults, **values}, output)
    names = list(request.spans)
    bind(job.graph, {**job.fixed, **{n: request.spans[n].low for n in names}})
    if len(names) == 2:
        for given, option in (
            (derivative, "--derivative"), (panels, "--panels"), (view, "--view"), (log, "--log"),
        ):  # fmt: skip
            if given:
                raise UsageError(
                    f"{option} is for functions of one variable", hint=f"fix {names[1]}: --{names[1]} 1"
                )
        return job.surface(_places(tangents))
    at = [number("--tangent", text) for text in tangents.split(",")] if tangents is not None else []
    heights = ends_of("--view", view) if view is not None else None
    return job.curve(at, derivative or panels is not None, panels, heights, log or "")


def _line(request: Drawn, direction: Any, wrt: list[str] | None) -> Line:
    """Return the program along a line, over the range that was given or one that shows something."""
    from ..api.by_number import DOWNHILL, followed, reach
    from ..errors import UsageError

    graph, values, names = request.numbers(wrt)
    line = followed(graph, values, direction, names)
    for name, binding in request.ways.items():
        if name != line.name:
            request.refuse_unknown(binding)
    if any(name != line.name for name in request.spans):
        name = next(name for name in request.spans if name != line.name)
        raise UsageError(
            f"along a line all inputs move together, and {name} has a range",
            hint=f"--{name} VALUE, and --{line.name} START:STOP for the line",
        )
    if not request.spans:
        low, high = reach(line) if direction == DOWNHILL else (-1.0, 1.0)
        request.spans[line.name] = Span(f"{low!r}:{high!r}")
    return line


def _places(text: str | None) -> list[float]:
    """Return the point of a surface, ``1,2``."""
    from ..errors import UsageError

    if text is None:
        return []
    found = [number("--tangent", part) for part in text.split(",")]
    if len(found) != 2:
        raise UsageError(f"--tangent {text}: of two variables it is one point", hint="--tangent 1,2")
    return found


def _check(request: Drawn) -> None:
    """Refuse programs without a variable to draw over, or with more than a picture has."""
    from ..errors import UsageError

    inputs, names = list(request.graph.inputs), list(request.spans)
    if not inputs:
        raise UsageError("the expression has no variable to draw over", hint="its value: backprop eval")
    if not names:
        first = next((n for n in inputs if n not in request.values), inputs[0])
        option = f"--{first} -3:4"
        given = f"; {first} has a single value" if first in request.values else ""
        raise UsageError(f"no variable has a range{given}", hint=f"a range is start:stop: {option}")
    if len(names) > 2:
        raise UsageError(
            f"{len(names)} variables have ranges: {', '.join(names)}",
            hint="one is drawn as a curve, two as contours; give the others a value",
        )


class _Job:
    """What is to be drawn, and where it goes."""

    def __init__(
        self,
        request: Drawn,
        graph: Graph,
        values: dict[str, float],
        output: Output,
        along: str = "",
    ) -> None:
        self.request = request
        self.graph = graph
        self.fixed = {name: x for name, x in values.items() if name not in request.spans}
        self.output = output
        self.along = along

    def curve(
        self,
        at: Sequence[float],
        derivative: bool,
        panels: int | None,
        view: tuple[float, float] | None,
        log: str,
    ) -> int:
        from ..api.plots import Plot, tangent
        from ..curves.line import Sampler, check_range, offers, sample
        from ..errors import ANSWERED, NO_SUCH_NUMBER, NoSuchNumber
        from ..render.writers import json, rows

        ((variable, span),) = self.request.spans.items()
        low, high = span.ends
        check_range(variable, low, high)
        sampler = Sampler(self.graph, variable, self.fixed)
        tangents, failed = [], []
        for x in dict.fromkeys(at):
            try:
                tangents.append(tangent(sampler, x, low, high))
            except NoSuchNumber as error:
                failed.append(f"no tangent at {variable} = {brief(x)}: {error.message}")
        curve = sample(sampler, low, high, include=[t.x for t in tangents], log=log)
        plot, output = Plot(self.graph, self.fixed, curve, tangents, self.along), self.output
        if output.format in ("plot", "svg", "png"):
            chart = plot.chart(derivative=derivative, panels=panels, view=view, digits=output.digits)
            self._draw(chart, plot.words(output.digits))
            if view is None:
                self._cut(curve)
            offered = offers(curve)
            if offered:
                self.output.note(f"note: {offered}")
        elif output.format == "json":
            output.write(json.write(plot.facts()))
        else:
            places = self.request.ranges.get(variable)
            if output.format == "table":
                output.write(plot.table(output.digits, places))
            else:
                output.write(rows.write(plot.records(places), "," if output.format == "csv" else "\t"))
        self._tell(curve.notes)
        for text in failed:
            self.output.note(f"warning: {text}")
        return NO_SUCH_NUMBER if failed else ANSWERED

    def surface(self, at: Sequence[float]) -> int:
        from ..api.plots import Plot
        from ..curves.surface import contact_at, survey
        from ..errors import ANSWERED, UsageError
        from ..render.writers import json

        output = self.output
        if output.format in ("csv", "tsv"):
            raise UsageError(
                f"{output.format} has no form for two ranges here",
                hint="backprop eval with --x 0:1:0.1 --y 0:1:0.1 prints a grid",
            )
        (right, across), (up, above) = self.request.spans.items()
        inside = [low <= x <= high for x, (low, high) in zip(at, (across.ends, above.ends), strict=False)]
        if not all(inside):
            raise UsageError(f"--tangent {brief(at[0])},{brief(at[1])} is not in the ranges")
        surface = survey(self.graph, (right, up), (across.ends, above.ends), self.fixed)
        contacts = []
        if at:
            contacts = [contact_at(self.graph, (right, up), self.fixed, *at)]
        plot = Plot(self.graph, self.fixed, surface, contacts=contacts)
        if output.format == "json":
            output.write(json.write(plot.facts()))
        elif output.format == "table":
            output.write(plot.table(output.digits))
        else:
            self._draw(plot.chart(digits=output.digits), plot.words(output.digits))
        self._tell(surface.notes)
        return ANSWERED

    def _draw(self, chart: Chart, lines: Sequence[str]) -> None:
        if self.output.format == "plot":
            self.output.write(self._terminal(chart, lines))
            return
        from ..layout.chart_picture import picture_of

        self.output.draw(picture_of(chart, *(self.output.size or ())), self.output.format)
        if self.output.to_file:
            for line in lines:
                self.output.note(f"note: {line}")

    def _terminal(self, chart: Chart, lines: Sequence[str]) -> str:
        import shutil

        from ..api.plots import TERMINAL, in_characters
        from ..render.terminal import at_terminal, screen_for

        width, height = TERMINAL
        if self.output.to_file:
            unicode, color = True, 0
        else:
            screen = screen_for()
            unicode, color = screen.unicode, screen.color
            if at_terminal():
                size = shutil.get_terminal_size(TERMINAL)
                width, height = min(size.columns, LARGEST[0]), min(size.lines, LARGEST[1])
        return in_characters(chart, lines, width, height, unicode=unicode, color=color)

    def _cut(self, curve: Curve) -> None:
        """Say that values are out of view."""
        low, high = curve.view
        room = 0.06 * (high - low)
        if curve.lowest < low - room or curve.highest > high + room:
            shown = f"{brief(low, 3)} to {brief(high, 3)}"
            self.output.note(f"note: values outside {shown} are cut off; --view LOW:HIGH shows them")

    def _tell(self, notes: Sequence[str]) -> None:
        from ..differentiation.report import warnings_of

        self.output.tell(self.graph, warnings_of(self.graph), notes)
