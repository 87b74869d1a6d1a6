"""A function, drawn: what ``backprop plot`` draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..curves.line import Curve, Sampler, Tangent, check_range, sample, tangent_at
from ..curves.surface import Surface, survey
from ..engine.run import bind
from ..errors import UsageError
from ..graph import Graph
from ..language.numbers import brief
from ..language.parser import Program
from .programs import bound, graph_of
from .shown import svg

if TYPE_CHECKING:
    from ..layout.chart import Chart
    from ..layout.picture import Picture
    from ..render.document import Facts

PICTURE = (1200, 800)
"""Pixels."""

Range = tuple[float, float]


class Plot:
    """A function over a range of one variable, or over ranges of two.

    Attributes:
        graph: The computation.
        fixed: Values of the variables without a range.
        shown: The samples: a `Curve` or a `Surface`.
        tangents: Those asked for.
    """

    def __init__(
        self,
        graph: Graph,
        fixed: Mapping[str, float],
        shown: Curve | Surface,
        tangents: Sequence[Tangent] = (),
    ) -> None:
        self.graph = graph
        self.fixed = dict(fixed)
        self.shown = shown
        self.tangents = tuple(tangents)

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

        title = one_line(self.graph.source.text)
        if isinstance(self.shown, Surface):
            return surface_chart(self.shown, title, digits=digits)
        return curve_chart(
            self.shown,
            title,
            name_of(self.graph),
            tangents=self.tangents,
            derivative=derivative,
            panels=panels,
            view=view,
            digits=digits,
        )

    def words(self, digits: int = 6) -> list[str]:
        """Return what is to be seen, a sentence each: extrema, poles, jumps, tangents."""
        from ..render import plots

        name = name_of(self.graph)
        if isinstance(self.shown, Surface):
            return plots.surface_words(self.shown, name, digits)
        return plots.words(self.shown, name, self.tangents, digits)

    def facts(self) -> Facts:
        """Return what programs read."""
        from ..render import plots

        text = self.graph.source.text
        if isinstance(self.shown, Surface):
            return plots.surface_facts(self.shown, text, self.fixed)
        return plots.curve_facts(self.shown, text, self.fixed, self.tangents)

    @property
    def picture(self) -> Picture:
        """The chart, laid out."""
        from ..layout.chart import picture_of

        return picture_of(self.chart(), *PICTURE)

    def to_svg(self) -> str:
        """Return the picture as SVG."""
        return svg(self.picture)

    def to_json(self) -> str:
        """Return what the command prints with ``--format json``."""
        from ..render.writers import json

        return json.write(self.facts())

    def to_dict(self) -> dict[str, Any]:
        """Return the facts of `to_json`."""
        import json

        found: dict[str, Any] = json.loads(self.to_json())
        return found

    def __repr__(self) -> str:
        """Return what is to be seen, in words."""
        return "\n".join(self.words())

    def _repr_svg_(self) -> str:
        return self.to_svg()


def plot(
    program: str | Program | Graph,
    bindings: Mapping[str, float | Range] | None = None,
    /,
    *,
    tangents: Sequence[float] = (),
    large: bool = False,
    **values: float | Range,
) -> Plot:
    """Sample a function over a range of one variable, or over ranges of two.

    Args:
        program: Text or a parsed program.
        bindings: Values and ranges by name, for names such as ``large`` that are options here.
        tangents: Where to draw tangents, of a function of one variable.
        large: Lift the limits on the program's size.
        values: A value, or a range ``(low, high)``, by name.
    Raises:
        BackpropError: for wrong input, and where there is no value anywhere or no tangent.
    """
    given = {**(bindings or {}), **values}
    ranges = {name: (float(x[0]), float(x[1])) for name, x in given.items() if isinstance(x, tuple)}
    graph = graph_of(program, given, large=large)
    numbers = {name: x for name, x in given.items() if not isinstance(x, tuple)}
    graph, single = bound(graph, numbers, {})
    fixed = {name: x for name, x in {**graph.defaults, **single}.items() if name not in ranges}
    bind(graph, {**fixed, **{name: low for name, (low, _) in ranges.items()}})
    if len(ranges) == 2:
        if tangents:
            raise UsageError("tangents are for functions of one variable")
        (right, across), (up, above) = ranges.items()
        return Plot(graph, fixed, survey(graph, (right, up), (across, above), fixed))
    if len(ranges) != 1:
        raise UsageError(f"{len(ranges)} variables have ranges", hint="one, x=(-3, 4), or two")
    ((variable, (low, high)),) = ranges.items()
    check_range(variable, low, high)
    sampler = Sampler(graph, variable, fixed)
    drawn = [tangent(sampler, x, low, high) for x in dict.fromkeys(map(float, tangents))]
    return Plot(graph, fixed, sample(sampler, low, high, include=[t.x for t in drawn]), drawn)


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


def name_of(graph: Graph) -> str:
    """Return what the function is called: the output's name, else f, or what is free."""
    name = graph.nodes[graph.output].name
    if name is not None and name not in graph.inputs:
        return name
    return next(n for n in ("f", "g", "h", "value") if n not in graph.named)


def one_line(text: str) -> str:
    """Return a program on one line, without its comments."""
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    return "; ".join(line.rstrip(";") for line in lines if line)[:2000]
