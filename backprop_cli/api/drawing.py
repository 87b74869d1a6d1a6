"""The computation graph as a drawing: what ``backprop graph`` draws of an expression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from ..engine.point import point_of
from ..errors import UsageError
from ..explanation.edges import GraphView
from ..graph import Graph
from ..language.numbers import rounded
from ..language.parser import Program
from ..layout.drawing import Drawing, Edges, graph_drawing, graph_title, paths_text
from .programs import Bindings, bound
from .shown import svg

if TYPE_CHECKING:
    from ..layout.picture import Picture

MOST_NODES = 300
"""That are laid out."""

WIDTH = 100
"""Columns of a drawing in characters."""

Format = Literal["text", "dot", "mermaid", "tikz", "svg", "json"]


class Drawn:
    """A drawing that shows itself.

    Attributes:
        view: What is shown of the graph.
        paths: How many paths lead from each node asked for to the output.
        edges: What stands at the arrows.
        digits: Significant digits.
    """

    def __init__(self, view: GraphView, paths: dict[str, int], edges: Edges, digits: int) -> None:
        self.view = view
        self.paths = paths
        self.edges = edges
        self.digits = digits

    @property
    def drawing(self) -> Drawing:
        """Its boxes and arrows, made anew: they are gone through once."""
        view, graph = self.view, self.view.graph
        drawing = graph_drawing(view, graph_title(view, self._write), self._write, self.edges)
        if not self.paths:
            return drawing
        marked = paths_text(self.paths, graph.name(graph.output), view.named)
        return drawing._replace(legend=(*drawing.legend, marked))

    def _write(self, x: float) -> str:
        return rounded(x, self.digits)

    @property
    def picture(self) -> Picture:
        """The drawing, laid out.

        Raises:
            UsageError: where there are too many nodes for that.
        """
        from ..layout.graph_picture import graph_picture

        self._check_size()
        return graph_picture(self.drawing)

    def _check_size(self) -> None:
        if len(self.view.shown) > MOST_NODES:
            raise UsageError(
                f"{len(self.view.shown):,} nodes are too many to draw: {MOST_NODES} at most",
                hint="named=True draws the named steps; dot and mermaid take any number",
            )

    def to_text(self, format: Format = "text") -> str:
        """Return the drawing in one of the command's formats."""
        if format == "dot":
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

    def to_svg(self) -> str:
        """Return the drawing as SVG."""
        return svg(self.picture)

    def to_json(self) -> str:
        """Return what the command prints with ``--format json``."""
        from ..render.graph_facts import graph_facts
        from ..render.writers import json

        return json.write(graph_facts(self.view, self.paths))

    def to_dict(self) -> dict[str, Any]:
        """Return the facts of `to_json`."""
        import json

        found: dict[str, Any] = json.loads(self.to_json())
        return found

    def __repr__(self) -> str:
        """Return the drawing in characters."""
        return self.to_text()

    def _repr_svg_(self) -> str:
        return self.to_svg()


def draw(
    program: str | Program | Graph,
    bindings: Bindings = None,
    /,
    *,
    path: Sequence[str] | None = None,
    wrt: Sequence[str] | None = None,
    edges: Edges = "both",
    named: bool = False,
    all: bool = False,
    digits: int = 6,
    large: bool = False,
    **values: float,
) -> Drawn:
    """Draw the computation graph of a program.

    Args:
        program: Text or a parsed program.
        bindings: Values by name, for names such as ``path`` that are options here.
        path: Mark all paths from these nodes to the output.
        wrt: Inputs to differentiate by; None for all.
        edges: What stands at the arrows.
        named: Show inputs and named steps alone.
        all: Show constants as nodes.
        digits: Significant digits.
        large: Lift the limits on the program's size.
        values: Values by name; with none at all there are symbols alone.
    Raises:
        BackpropError: for wrong input, or where there is no such number.
    """
    graph, given = bound(program, bindings, values, large=large)
    view = GraphView(graph, point_of(graph, given, wrt), paths=path, named=named, constants=all)
    return Drawn(view, {name: view.count_paths(name) for name in path or ()}, edges, digits)
