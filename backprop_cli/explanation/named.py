"""A program by its named steps alone: each with its whole right side, one factor an arrow."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from math import isnan, nan

from ..engine.point import Edge, Point, check_wrt
from ..engine.sweep import active_nodes
from ..graph import CONSTANT, Graph
from ..ops.kinks import Kink
from .edges import Arrows, within
from .expr import ONE, Expr, Ref
from .names import Name
from .paper import Paper
from .point import Written, WrittenPoint

LONGEST = 30
"""Operations in one right side; a part with more of them is a step under its own name, ``v40``."""


class NamedPoint(WrittenPoint):
    """A program at one point, by its named steps: each with its whole right side, one factor an arrow.

    A step without a name stands there, too, where the chain rule needs it: at a kink, where its slope is a
    limit or there is none, at a choice, and where a right side would be too long.

    Args:
        graph: The computation.
        bindings: Values of inputs over the program's own.
        wrt: Inputs and steps to differentiate by; None for all inputs.
    Raises:
        BindingError, NoSuchNumber: as in `differentiate`.
    """

    def __init__(self, graph: Graph, bindings: Mapping[str, float], wrt: Sequence[str] | None = None) -> None:
        super().__init__(graph, bindings, wrt)
        self._draw()

    def _draw(self) -> None:
        self._arrows = Arrows(self.graph, self._steps())
        self._sources: dict[int, tuple[int, ...]] = {}
        self._slopes: dict[int, tuple[float, ...]] = {}

    def _steps(self) -> set[int]:
        """Return the nodes that stand on their own."""
        graph, here = self.graph, self.here
        found = {graph.output, *map(graph.id_of, self.wrt), *here.limits}
        sizes = [0] * len(graph)
        for node in graph.nodes:
            id, op = node.id, node.op
            if node.kind == CONSTANT:
                continue
            # to a kink belongs what has it, and by what
            bent = [e.source for e in self.uses(id) if self.kink(id, e.source)]
            found.update(bent)
            sizes[id] = (op is not None) + sum(0 if i in found else sizes[i] for i in node.inputs)
            alone = node.name is not None or op is None or (op.chosen is not None and self.bound)
            if alone or bent or (self.bound and isnan(here.cotangents[id])) or sizes[id] > LONGEST:
                found.add(id)
        return found

    def is_step(self, id: int) -> bool:
        """Whether a node stands on its own."""
        return id in self._arrows.steps

    def operand(self, id: int) -> Expr:
        """Return a node as an operand: by its name, or the whole of it where it has no line of its own."""
        alone = self.is_step(id) or self.graph.nodes[id].kind == CONSTANT
        return self.ref(id) if alone else self.operation(id)

    def edges(self, id: int) -> list[Edge]:
        """Return the arrows from a step to those that it is computed from here."""
        if not self.is_step(id):
            return []
        if id not in self._sources:
            region, ends, todo = {id}, set[int](), [id]
            while todo:
                for edge in self.uses(todo.pop()):
                    if self.is_step(edge.source):
                        ends.add(edge.source)
                    elif edge.source not in region:
                        region.add(edge.source)
                        todo.append(edge.source)
            self._sources[id] = tuple(sorted(ends))
            self._slopes[id] = self.slopes(id, region)
        return [Edge(id, k, source) for k, source in enumerate(self._sources[id])]

    def uses(self, id: int) -> list[Edge]:
        """Return the uses that a node makes of others, with or without a name."""
        return self.here.edges(id)

    def slopes(self, id: int, region: Collection[int]) -> tuple[float, ...]:
        """Return the numbers of the arrows of a step."""
        found = within(self.here, id, region)
        for i in self.zeros if self.here.cotangents[id] else ():
            if all(user in region for user in self._users[i]):  # the one way back from there is this arrow
                found[i] = 0.0
        return tuple(found.get(i, 0.0) for i in self._sources[id])

    @cached_property
    def _users(self) -> list[list[int]]:
        return self.graph.users()

    def local_derivatives(self, id: int) -> tuple[float, ...]:
        """Return the numbers of the arrows of a step."""
        self.edges(id)
        return self._slopes.get(id, ())

    def local(self, edge: Edge) -> Expr:
        """Return the derivative on an arrow over names; by its own name where that is long."""
        id, k, source = edge
        branch = self.branch(id)
        if source == branch:
            return ONE
        text = self._arrows.formula(id if branch is None else branch, source)
        if text is None:
            name = self.graph.own_name
            return Ref(Name(name(source), of=name(id)), self.local_derivatives(id)[k])
        return self._read(text, id)

    def _names_around(self, id: int) -> dict[str, Expr]:
        start = self.branch(id)
        _, ends = self._arrows.between(id if start is None else start)
        return {self.graph.own_name(i): self.ref(i) for i in (*ends, id)}

    def kink(self, id: int, source: int) -> Kink | None:
        """Return what is different on the two sides of an operand; None where nothing is."""
        return super().kink(id, source) if source in self.graph.nodes[id].inputs else None


class NamedSymbols(NamedPoint):
    """A program by its named steps where values are missing: every branch counts, and there are no numbers.

    Args:
        graph: The computation.
        wrt: Inputs and steps to differentiate by; None for all inputs.
    """

    def __init__(self, graph: Graph, wrt: Sequence[str] | None = None) -> None:
        self.wrt, self.paper, self.exact = check_wrt(graph, wrt, steps=True), Paper(), None
        nothing = [nan] * len(graph)
        active = active_nodes(graph, None if wrt is None else self.wrt)
        self.here = Point(graph, {}, nothing, graph.needed(), active, nothing)
        Written.__init__(self, graph)
        self._draw()

    def uses(self, id: int) -> list[Edge]:
        """Return the uses that a node makes of others on the way back, whatever a choice takes."""
        nodes, here = self.graph.nodes, self.here
        if not here.needed[id] or not here.active[id]:
            return []
        return [
            Edge(id, k, i)
            for k, i in enumerate(nodes[id].inputs)
            if here.active[i] and not ((op := nodes[i].op) is not None and op.truth)
        ]

    def slopes(self, id: int, region: Collection[int]) -> tuple[float, ...]:
        """Return a one for every arrow."""
        return (1.0,) * len(self._sources[id])

    def branch(self, id: int) -> None:
        """No branch is taken."""

    def kink(self, id: int, source: int) -> None:
        """No kink is met."""
