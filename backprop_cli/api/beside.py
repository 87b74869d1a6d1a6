"""What a report's program and point are good for besides: explained, drawn, plotted."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import UsageError
from ..graph import CONSTANT, Graph
from .shown import Shown

if TYPE_CHECKING:
    from .drawing import Drawn, InverseDrawn
    from .explanation import Explained, ExplainedArrays
    from .plots import Plot

MOST_DRAWN = 40
"""Nodes of a graph that a notebook has below the table."""


class Row(NamedTuple):
    """One row of a report's table.

    Attributes:
        name: The input or step.
        operation: What it is computed by, over the names of others.
        value: Its value, a number or an array; None for a branch not taken.
        gradient: The derivative of the output by it, in the numbers that stand; None where there is none.
        formula: The same in symbols.
        columns: Method to its number or array.
        verdict: What comparing them says.
    """

    name: str
    operation: str
    value: Any
    gradient: Any
    formula: str | None
    columns: Mapping[str, Any]
    verdict: str


class Beside(Shown):
    """A report of a program at a point."""

    __slots__ = ()

    graph: Graph

    @abstractmethod
    def _row(self, name: str, id: int) -> Row:
        """Return the row of a node."""

    def __getitem__(self, key: Any) -> Any:
        """Return the row of an input or a step by its name, and what a tuple has by its place."""
        if isinstance(key, str):
            return self._row(key, id_of(self.graph, key))
        fields: Any = self  # a report is a named tuple
        return tuple.__getitem__(fields, key)

    @abstractmethod
    def _asked(self) -> tuple[Any, Mapping[str, Any] | None]:
        """Return the program, and the values of its inputs."""

    def explain(self, **options: Any) -> Explained | ExplainedArrays:
        """Explain it; the options are those of `backprop_cli.explain`."""
        from .explanation import explain

        program, given = self._asked()
        told: Explained | ExplainedArrays = explain(program, given, **options)
        return told

    def draw(self, **options: Any) -> Drawn | InverseDrawn:
        """Draw its graph; the options are those of `backprop_cli.draw`."""
        from .drawing import draw

        return draw(*self._asked(), **options)

    def plot(self, **ranges: Any) -> Plot:
        """Plot it over ranges, ``x=(-3, 3)``, at the values of the other inputs; see `backprop_cli.plot`."""
        from .plots import plot

        program, given = self._asked()
        rest = {name: x for name, x in (given or {}).items() if name not in ranges}
        return plot(program, rest, **ranges)

    def _below(self) -> str:
        from .drawing import Drawn

        drawn = self.draw()
        if not isinstance(drawn, Drawn) or len(drawn.view.shown) > MOST_DRAWN:
            return ""
        return f"<details><summary>graph</summary>{drawn.to_svg()}</details>"


def id_of(graph: Graph, name: str) -> int:
    """Return the node of a row.

    Raises:
        UsageError: for a name that no row has.
    """
    try:
        return graph.id_of(name)
    except KeyError:
        known = [graph.own_name(node.id) for node in graph.nodes if node.kind != CONSTANT]
        raise UsageError(
            f"the report has no row {name[:80]}", hint=f"rows: {', '.join(known[:12])}"
        ) from None
