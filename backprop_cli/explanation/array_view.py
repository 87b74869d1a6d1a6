"""The graph of a program with arrays as it is looked at: what goes back along every arrow, by matrices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..graph import CONSTANT
from ..language.format import is_turned
from ..language.operators import ATOM, PRODUCT, SUM
from ..language.written import Piece, bracketed
from .arrays import ArrayExplanation, GeneralExplanation, before_turns
from .edges import Edge, GraphView


class ArrayView(GraphView):
    """A graph with arrays.

    Attributes:
        told: How derivatives come about, at a point or for all.
        report: Values and derivatives there; None where there are no values.
    """

    def __init__(
        self,
        told: ArrayExplanation | GeneralExplanation,
        *,
        paths: Sequence[Sequence[str]] | None = None,
        named: bool = False,
        constants: bool = False,
    ) -> None:
        """Choose what is shown; the arguments are those of `GraphView`."""
        super().__init__(told.report.graph, None, paths=paths, named=named, constants=constants)
        self.told = told
        self.report = told.report if isinstance(told, ArrayExplanation) else None
        self.shown = [id for id in self.shown if constants or id == self.graph.output or not self._turned(id)]

    def _turned(self, id: int) -> bool:
        return is_turned(self.graph, id)

    def edges(self) -> Iterator[Edge]:
        """Yield the edges between shown nodes, by target in creation order."""
        if self.named:
            yield from super().edges()
            return
        shown = set(self.shown)
        for id in self.shown:
            for source in dict.fromkeys(self._sources(id)):
                if source in shown:
                    yield self._edge(source, id, self._brought(source, id), None, True)

    def _sources(self, id: int) -> Iterator[int]:
        """Yield what a step reads, as far as it can be shown."""
        for i in self.graph.nodes[id].inputs:
            yield i if self.constants else before_turns(self.graph, i)[0]

    def remarks(self, id: int) -> Iterator[tuple[str, str]]:
        """Yield what else there is to say of a node: what, and its words."""
        yield from ()

    @property
    def part(self) -> dict[str, int]:
        """What part of the program is shown, for programs; {} where it is all of it."""
        return {}

    def _brought(self, source: int, user: int) -> str:
        """Return what a use brings to the derivative by its source, before a transpose that is shown."""
        nodes = self.graph.nodes
        if nodes[source].kind == CONSTANT or self._turned(source):
            return ""
        users = [n.id for n in nodes if user in n.inputs] if self._turned(user) else [user]
        texts = [use.text for use in self.told.uses.get(source, ()) if use.user in users and use.text]
        pieces = [Piece(text, SUM if " " in text else ATOM) for text in texts]
        return " + ".join(bracketed(x, PRODUCT).text for x in pieces) if len(texts) > 1 else "".join(texts)
