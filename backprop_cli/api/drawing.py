"""The computation graph as a drawing: what ``backprop graph`` draws of an expression."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..engine.point import point_of
from ..errors import UsageError
from ..explanation.edges import GraphView
from ..language.format import headline
from ..language.numbers import rounded
from ..layout import DIRECTIONS, EDGES, Direction, Edges
from ..layout.drawing import PATTERNS, Drawing, graph_drawing, graph_title, with_paths
from .arguments import MOST_DIGITS, choice, flag, names, optional, whole
from .programs import AnyProgram, Bindings, bound, merged, value_of, wants_arrays
from .shown import Graphic

if TYPE_CHECKING:
    from ..explanation.array_view import ArrayView
    from ..explanation.one_step import OneStep
    from ..language.ranks import General
    from ..language.settle import Settled
    from ..layout.picture import Picture
    from ..render.document import Facts
    from .implicit import ImplicitSlopes

MOST_NODES = 300
"""That are laid out."""

WIDTH = 100
"""Columns of a drawing in characters."""

FEW = 4
"""Significant digits of numbers in arrays."""

FORMATS = ("text", "dot", "mermaid", "tikz", "svg", "json")


class Diagram(Graphic):
    """A drawing of boxes and arrows that shows itself."""

    @property
    @abstractmethod
    def drawing(self) -> Drawing:
        """Its boxes and arrows, made anew: they are gone through once."""

    def _check_size(self) -> None:
        """Refuse to lay out too many boxes."""

    @property
    def picture(self) -> Picture:
        """The drawing, laid out.

        Raises:
            UsageError: where there are too many nodes for that.
        """
        from ..layout.graph_picture import graph_picture

        self._check_size()
        return graph_picture(self.drawing)

    def to_text(self, format: str = "text") -> str:
        """Return the drawing in one of the command's formats.

        Args:
            format: ``text``, ``dot``, ``mermaid``, ``tikz``, ``svg`` or ``json``.
        Raises:
            UsageError: for any other format, and where there are too many nodes to be laid out.
        """
        if choice("format", format, FORMATS) == "dot":
            from ..render.dot import dot

            return "".join(dot(self.drawing))
        if format == "mermaid":
            from ..render.mermaid import mermaid

            return "".join(mermaid(self.drawing))
        if format == "tikz":
            from ..render.tikz import tikz

            self._check_size()
            return "".join(tikz(self.drawing))
        if format == "svg":
            return self.to_svg()
        if format == "json":
            return self.to_json()
        from ..render.graph_text import graph_text

        self._check_size()
        return graph_text(self.drawing, WIDTH, unicode=True, color=False).text

    def __repr__(self) -> str:
        """Return the drawing in characters."""
        return self.to_text()


class Drawn(Diagram):
    """The drawing of a graph.

    Attributes:
        view: What is shown of the graph.
        paths: How many paths lead from each node asked for to the output.
        edges: What stands at the arrows.
        digits: Significant digits.
        direction: Where arrows lead.
    """

    def __init__(self, view: GraphView, edges: Edges, digits: int, direction: Direction = "auto") -> None:
        self.view = view
        self.paths = view.path_counts()
        self.edges = edges
        self.digits = digits
        self.direction = direction

    @property
    def drawing(self) -> Drawing:
        """Its boxes and arrows."""
        view = self.view
        drawing = self._drawing()._replace(direction=self.direction)
        output = view.graph.own_name(view.graph.output)
        return with_paths(drawing, view.paths, self.paths, output, named=view.named)

    def _drawing(self) -> Drawing:
        view = self.view
        return graph_drawing(view, graph_title(view, self.digits), self._write, self.edges)

    def _write(self, x: float) -> str:
        return rounded(x, self.digits)

    def _check_size(self) -> None:
        if len(self.view.shown) > MOST_NODES:
            raise too_many(self.view, "named=True draws the named steps; dot and mermaid take any number")

    def facts(self) -> Facts:
        """Return what programs read."""
        from ..render.graph_facts import graph_facts

        return graph_facts(self.view)


class ArraysDrawn(Drawn):
    """A drawing of a graph with arrays that shows itself."""

    def __init__(self, view: ArrayView, edges: Edges, digits: int, direction: Direction = "auto") -> None:
        super().__init__(view, edges, digits, direction)
        self.arrays = view

    def _drawing(self) -> Drawing:
        from ..layout.array_drawing import arrays_drawing

        report = self.arrays.report
        title = headline(self.view.graph, report and float(report.value), digits=self.digits)
        return arrays_drawing(self.arrays, title, self._lines, self.edges)

    def _lines(self, x: Any) -> list[str]:
        from ..render.arrays import array_lines

        return array_lines(x, min(self.digits, FEW) if x.ndim else self.digits)

    def facts(self) -> Facts:
        """Return what programs read."""
        from ..render.graph_facts import array_facts

        return array_facts(self.arrays)


class InverseDrawn(Diagram):
    """The drawing of a function and its inverse.

    Attributes:
        report: Both slopes.
        edges: What stands at the arrow.
        digits: Significant digits.
        direction: Where the arrow leads.
    """

    def __init__(
        self, report: ImplicitSlopes, edges: Edges, digits: int, direction: Direction = "auto"
    ) -> None:
        self.report = report
        self.edges = edges
        self.digits = digits
        self.direction = direction

    @property
    def drawing(self) -> Drawing:
        """Its two boxes and the arrow."""
        from ..layout.inverse_drawing import inverse_drawing
        from ..render.implicit import heading, sentences

        title, said = heading(self.report, self.digits), sentences(self.report, self.digits)
        drawing = inverse_drawing(self.report, title, said, lambda x: rounded(x, self.digits), self.edges)
        return drawing._replace(direction=self.direction)

    def facts(self) -> Facts:
        """Return what programs read."""
        from ..render.graph_facts import inverse_facts

        return inverse_facts(self.report)


def too_many(view: GraphView, hint: str) -> UsageError:
    """Return the refusal to lay out so many nodes."""
    return UsageError(f"{len(view.shown):,} nodes are too many to draw: {MOST_NODES} at most", hint=hint)


def draw_arrays(
    program: Settled | General,
    given: Mapping[str, Any],
    *,
    path: Sequence[Sequence[str]] | None,
    wrt: Sequence[str] | None,
    edges: Edges,
    named: bool,
    everything: bool,
    digits: int,
    direction: Direction = "auto",
) -> ArraysDrawn:
    """Draw the graph of a program with arrays; see `draw`.

    Args:
        program: Its output is a single number; of one without values shapes and formulas alone are drawn.
        given: Arrays and numbers by name.
        path: Nodes whose paths to the output are marked, group by group.
        wrt: Inputs to differentiate by; None for all.
        edges: What stands at the arrows.
        named: Show inputs and named steps alone.
        everything: Show constants and transposes.
        digits: Significant digits.
        direction: Where arrows lead.
    Raises:
        BackpropError: for wrong input, or where there is no such number.
    """
    from ..explanation.array_view import ArrayView
    from ..language.ranks import General
    from .arrays import explanation_of, general_explanation_of

    if isinstance(program, General):
        view = ArrayView(general_explanation_of(program, wrt), paths=path, named=named, constants=everything)
    else:
        view = ArrayView(
            explanation_of(program, given, wrt, digits), paths=path, named=named, constants=everything
        )
    return ArraysDrawn(view, edges, digits, direction)


def draw_step(
    step: OneStep, program: Settled, given: Mapping[str, Any], edges: Edges, digits: int, direction: Direction
) -> ArraysDrawn:
    """Draw one step of a program's loop, with what is outside of the loop.

    Args:
        step: Of the program.
        program: All steps.
        given: Arrays and numbers by name.
        edges: What stands at the arrows.
        digits: Significant digits.
        direction: Where arrows lead.
    """
    from ..differentiation.arrays import differentiate_arrays
    from ..explanation.one_step import StepView
    from .arrays import explanation_of

    report = differentiate_arrays(program, given, methods=("reverse",), formulas=False)
    inputs = step.program.graph.inputs
    told = explanation_of(
        step.program, {name: report.values[id] for name, id in inputs.items()}, digits=digits
    )
    return ArraysDrawn(StepView(step, told, report), edges, digits, direction)


def draw(
    program: AnyProgram,
    bindings: Bindings = None,
    /,
    *,
    path: Sequence[str] | Sequence[Sequence[str]] | None = None,
    wrt: Sequence[str] | None = None,
    edges: Edges = "both",
    named: bool = False,
    all: bool = False,
    inverse: bool = False,
    direction: Direction = "auto",
    digits: int = 6,
    large: bool = False,
    **values: object,
) -> Drawn | InverseDrawn:
    """Draw the computation graph of a program.

    Args:
        program: Text, what `parse` or `trace` returned, or a Python function.
        bindings: Values by name, for names such as ``path`` that are options here.
        path: Mark all paths from these nodes to the output: ``["a", "b"]``; each group in a way of its own:
            ``[["a"], ["b"]]``.
        wrt: Inputs to differentiate by; None for all.
        edges: What stands at the arrows.
        named: Show inputs and named steps alone.
        all: Show constants as nodes.
        direction: Where arrows lead: ``LR`` to the right, ``TB`` downwards, ``auto`` as it fits a page.
        inverse: Draw ``y = f(x)`` as one arrow between x and y that leads both ways, with both slopes.
        digits: Significant digits.
        large: Lift the limits on the program's size.
        values: Values by name: numbers, NumPy arrays or lists; with none at all there are symbols alone.
    Raises:
        BackpropError: for wrong input, or where there is no such number.
    """
    paths = optional(_groups, "path", path)
    named, everything = flag("named", named), flag("all", all)
    if named and everything:
        raise UsageError("named shows less, all shows more: one of them")
    way = choice("direction", direction, DIRECTIONS)
    chosen, shown = choice("edges", edges, EDGES), whole("digits", digits, 1, MOST_DIGITS)
    if flag("inverse", inverse):
        from .implicit import implicit

        if paths or named or everything:
            raise UsageError("inverse draws two boxes: path, named and all have nothing to choose from")
        if not isinstance(program, str):
            raise UsageError("inverse takes the program as text")
        given = {name: value_of(name, x) for name, x in merged(bindings, values).items()}
        report = implicit(program, given, wrt=optional(names, "wrt", wrt), inverse=True)
        return InverseDrawn(report, chosen, shown, way)
    if wants_arrays(program, bindings, values):
        from .arrays import settled_of

        found = settled_of(program, merged(bindings, values), large=large)
        if found is not None:
            return draw_arrays(
                *found, path=paths, wrt=optional(names, "wrt", wrt), edges=chosen, named=named,
                everything=everything, digits=shown, direction=way,
            )  # fmt: skip
    graph, given = bound(program, bindings, values, large=large)
    point = point_of(graph, given, optional(names, "wrt", wrt))
    view = GraphView(graph, point, paths=paths, named=named, constants=everything)
    return Drawn(view, chosen, shown, way)


def _groups(name: str, given: object) -> list[list[str]]:
    """Return names, group by group."""
    if isinstance(given, list | tuple) and any(isinstance(x, list | tuple) for x in given):
        return check_groups([names(name, group) for group in given])
    return check_groups([names(name, given)])


def check_groups(groups: list[list[str]]) -> list[list[str]]:
    """Return groups of paths, each once.

    Raises:
        UsageError: where there are more than can be told apart.
    """
    several = [group for group in dict.fromkeys(tuple(dict.fromkeys(group)) for group in groups) if group]
    if len(several) > len(PATTERNS):
        raise UsageError(
            f"--path: {len(several)} groups of paths, {len(PATTERNS)} at most can be told apart",
            hint="--path a,b marks the paths of both as one group",
        )
    return [list(group) for group in several] or [[]]
