"""A function, drawn: what ``backprop plot`` draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from ..curves.line import Curve, Sampler, Tangent, bends, check_range, grid_of, sample, tangent_at
from ..curves.scale import LOGS
from ..curves.surface import Contact, Surface, contact_at, survey
from ..engine.run import bind
from ..errors import BindingError, UsageError
from ..graph import Graph
from ..language.format import headline
from ..language.numbers import brief
from .arguments import choice, names, numbers, optional
from .by_number import DOWNHILL, Direction, followed, reach, single_numbers
from .programs import AnyProgram, graph_of, merged, value_of, wants_arrays
from .shown import Charted, Graphic

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ..layout.chart import Chart
    from ..render.document import Facts, Records

FORMATS = ("plot", "svg", "table", "json", "csv", "tsv")
TERMINAL = (80, 24)
"""Columns and lines where there is no terminal."""

TABLE_ROWS = 16
"""About so many, where no places are given."""

RANGE = "a range is (low, high): x=(-3, 4)"

Range = tuple[float, float]
NDArray: TypeAlias = "npt.NDArray[np.float64]"


class Plot(Charted, Graphic):
    """A function over a range of one variable, or over ranges of two.

    Attributes:
        graph: The computation.
        fixed: Values of the variables without a range.
        shown: The samples: a `Curve` or a `Surface`.
        tangents: Those asked for.
        along: The line that the program is followed along, in words; "" for a variable of its own.
    """

    def __init__(
        self,
        graph: Graph,
        fixed: Mapping[str, float],
        shown: Curve | Surface,
        tangents: Sequence[Tangent] = (),
        along: str = "",
        contacts: Sequence[Contact] = (),
    ) -> None:
        self.graph = graph
        self.fixed = dict(fixed)
        self.shown = shown
        self.tangents = tuple(tangents)
        self.along = along
        self.contacts = tuple(contacts)

    def chart(
        self,
        *,
        derivative: bool = False,
        panels: int | None = None,
        view: Range | None = None,
        digits: int = 6,
    ) -> Chart:
        """Return the chart; the options are those of the command."""
        from ..layout.functions import curve_chart, surface_chart

        title = headline(self.graph, inputs={} if self.along else self.fixed)
        title += f", along {self.along}" if self.along else ""
        if isinstance(self.shown, Surface):
            return surface_chart(
                self.shown, title, self.graph.function, digits=digits, contacts=self.contacts
            )
        return curve_chart(
            self.shown,
            title,
            self.graph.function,
            tangents=self.tangents,
            derivative=derivative,
            panels=panels,
            view=view,
            digits=digits,
            bends=bends(self.graph, self.fixed, self.shown) if panels == 3 else None,
        )

    def words(self, digits: int = 6) -> list[str]:
        """Return what is to be seen, a sentence each: extrema, poles, jumps, tangents."""
        from ..render import plots

        name = self.graph.function
        if isinstance(self.shown, Surface):
            return plots.surface_words(self.shown, name, digits, self.contacts)
        return plots.words(self.shown, name, self.tangents, digits)

    def facts(self) -> Facts:
        """Return what programs read."""
        from ..render import plots

        if isinstance(self.shown, Surface):
            return plots.surface_facts(self.shown, self.graph, self.fixed, self.contacts)
        return plots.curve_facts(self.shown, self.graph, self.fixed, self.tangents, self.along)

    def rows(self, places: Sequence[float] | None = None) -> list[list[Any]]:
        """Return what a table has: of a curve place, value, slope and what is special there.

        Args:
            places: Of a curve; None chooses. A surface has its stationary points.
        """
        from ..render import plots

        shown = self.shown
        if isinstance(shown, Surface):
            return [[p.x, p.y, p.value, p.kind] for p in shown.stationary]
        places = places or grid_of(shown.low, shown.high, TABLE_ROWS).tolist()
        sampler = Sampler(self.graph, shown.variable, self.fixed)
        return plots.rows(sampler, shown, self.tangents, places)

    def table(self, digits: int = 6, places: Sequence[float] | None = None) -> str:
        """Return `rows` as aligned columns."""
        from ..render import plots

        name, shown = self.graph.function, self.shown
        if isinstance(shown, Surface):
            titles = [*shown.variables, name, "what"]
        else:
            titles = [shown.variable, f"{name}({shown.variable})", f"{name}'({shown.variable})", "what"]
        return plots.table(titles, self.rows(places), digits)

    def records(self, places: Sequence[float] | None = None) -> Records:
        """Return the `rows` of a curve for programs.

        Raises:
            UsageError: for a surface.
        """
        from ..render.document import Records

        if isinstance(self.shown, Surface):
            raise UsageError(
                "a function of two variables has no rows", hint="to_dict() has a height for each point"
            )
        variable = self.shown.variable
        return Records([variable, "value", f"d/d{variable}", "what"], self.rows(places))

    def to_text(self, format: str = "plot") -> str:
        """Return the plot in one of the command's formats.

        Args:
            format: ``plot``, which is drawn in characters, ``svg``, ``table``, ``json``, ``csv`` or ``tsv``.
        Raises:
            UsageError: for any other format, and for rows of a function of two variables.
        """
        if choice("format", format, FORMATS) == "plot":
            return in_characters(self.chart(), self.words(), *TERMINAL)
        if format == "svg":
            return self.to_svg()
        if format == "json":
            return self.to_json()
        if format == "table":
            return self.table()
        from ..render.writers import rows

        return rows.write(self.records(), "," if format == "csv" else "\t")

    def __repr__(self) -> str:
        """Return what is to be seen, in words."""
        return "\n".join(self.words())


def plot(
    program: AnyProgram,
    bindings: Mapping[str, float | Range | NDArray] | None = None,
    /,
    *,
    along: Direction | None = None,
    wrt: Sequence[str] | None = None,
    tangents: Sequence[float] = (),
    log: str | None = None,
    large: bool = False,
    **values: float | Range | NDArray,
) -> Plot:
    """Sample a function over a range of one variable, or over ranges of two.

    Args:
        program: Text, what `parse` or `trace` returned, or a Python function.
        bindings: Values and ranges by name, for names such as ``large`` that are options here, and for
            numbers of arrays, ``x[0]``.
        along: Move all inputs together along a line: how fast each, ``{"x": [1, 0]}``, or ``gradient``,
            ``-gradient``; over the range of ``s``, where that is given.
        wrt: Inputs that the gradient to follow is of; None for all.
        tangents: Where to draw tangents; of a function of two variables the one point.
        log: Which axes of a curve are logarithmic: ``x``, ``y`` or ``xy``; None for neither. Where there are
            both signs, they are linear about 0.
        large: Lift the limits on the program's size.
        values: A value, a range ``(low, high)`` or a NumPy array, by name.
    Raises:
        BackpropError: for wrong input, and where there is no value anywhere or no tangent.
    """
    places = list(dict.fromkeys(numbers("tangents", tangents)))
    wrt = optional(names, "wrt", wrt)
    axes = choice("log", log, LOGS) if log is not None else ""
    given = merged(bindings, values)
    ranges = {name: _range(name, x) for name, x in given.items() if isinstance(x, (tuple, list))}
    arrays = {name: x for name, x in given.items() if getattr(x, "ndim", 0)}
    single = {name: value_of(name, x, RANGE) for name, x in given.items() if name not in {**ranges, **arrays}}
    says = ""
    if wants_arrays(program, single, arrays):
        begin = {name: ends[0] for name, ends in ranges.items() if "[" not in name and along is None}
        graph, single, moved = single_numbers(program, {**single, **begin}, arrays, wrt, large=large)
    else:
        graph, moved = graph_of(program, given, large=large), wrt
    if along is not None:
        line = followed(graph, single, along, moved)
        graph, single, says = line.graph, line.inputs, line.says
        if not ranges:
            ranges[line.name] = reach(line) if along == DOWNHILL else (-1.0, 1.0)
    fixed = {name: x for name, x in {**graph.defaults, **single}.items() if name not in ranges}
    bind(graph, {**fixed, **{name: low for name, (low, _) in ranges.items()}})
    if len(ranges) == 2:
        (right, across), (up, above) = ranges.items()
        at = numbers("tangents", tangents)
        if len(at) not in (0, 2):
            raise UsageError("tangents over two ranges are at one point", hint="tangents=(1, 2)")
        contacts = [contact_at(graph, (right, up), fixed, *at)] if at else []
        return Plot(graph, fixed, survey(graph, (right, up), (across, above), fixed), contacts=contacts)
    if len(ranges) != 1:
        raise UsageError(f"{len(ranges)} variables have ranges", hint="one or two of them: x=(-3, 4)")
    ((variable, (low, high)),) = ranges.items()
    check_range(variable, low, high)
    sampler = Sampler(graph, variable, fixed)
    drawn = [tangent(sampler, x, low, high) for x in places]
    return Plot(graph, fixed, sample(sampler, low, high, include=[t.x for t in drawn], log=axes), drawn, says)


def _range(name: str, given: Sequence[object]) -> Range:
    if len(given) != 2:
        raise BindingError(f"the range of {name} is {given!r:.40}", hint=RANGE)
    return value_of(name, given[0], RANGE), value_of(name, given[1], RANGE)


def in_characters(
    chart: Chart, lines: Sequence[str], width: int, height: int, *, unicode: bool = True, color: int = 0
) -> str:
    """Return a chart drawn in characters, so high that with the lines below it a screen has all in view."""
    from ..render.canvas import terminal_chart

    below = ["", *lines] if lines else []
    # a note and the prompt come after them
    taken = sum(-(-len(line) // width) or 1 for line in below) + 2
    drawn = terminal_chart(chart, width, max(height - taken, 14), unicode=unicode, color=color)
    return drawn + "".join(f"{line}\n" for line in below)


def tangent(sampler: Sampler, x: float, low: float, high: float) -> Tangent:
    """Return the tangent at a place of a range.

    Raises:
        UsageError: for a place outside.
        NoSuchNumber: where there is none.
    """
    if not low <= x <= high:
        raise UsageError(
            f"--tangent {brief(x)} is not in the range {brief(low)}:{brief(high)} of {sampler.variable}"
        )
    return tangent_at(sampler, x, high - low)
