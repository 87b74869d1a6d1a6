"""The graph as it is looked at: the nodes that are shown, what is on the edges between them, paths."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import reduce
from math import isfinite
from typing import NamedTuple

from ..engine.point import Point
from ..errors import UsageError, nearest
from ..graph import CONSTANT, INPUT, Graph, Node
from ..language.format import node_text
from ..language.written import OURS, TEXTBOOK, Piece, number, spell
from .expr import over_names, tidied
from .local import local_pieces
from .steps import derive

MOST_BETWEEN = 12
"""Steps between two names, with more of which the derivative is written by its name."""

MOST_PATHS = 10**15
"""Where the counting of paths ends."""


class Edge(NamedTuple):
    """What a node is read by another for.

    Attributes:
        source: The node that is read.
        target: The node that reads it.
        symbol: The local derivative as it is written; "" where there is none. A node that is read twice
            has two terms.
        value: Its number; None without values, or where there is none.
        taken: False on the way into a choice that did not take this branch.
        marked: It lies on a path that was asked for.
        groups: Numbers of the groups of paths that it lies on, where there is more than one group.
    """

    source: int
    target: int
    symbol: str
    value: float | None
    taken: bool
    marked: bool
    groups: tuple[int, ...] = ()


class GraphView:
    """A graph at a point, or without one.

    Attributes:
        graph: The computation.
        point: Where; None where nothing is bound, and there are symbols alone.
        values: Per node; None for a branch not taken, or without a point.
        gradient: d output / d node; None where there is none.
        shown: Ids of the nodes that are shown, in creation order.
        paths: Groups of names whose paths to the output are marked.
        marked: Per node, whether it lies on a path that was asked for; None where none was.
        named: Unnamed steps are taken into the named step that they lead to.
        constants: Constants are nodes of their own.
    """

    def __init__(
        self,
        graph: Graph,
        point: Point | None,
        *,
        paths: Sequence[Sequence[str]] | None = None,
        named: bool = False,
        constants: bool = False,
    ) -> None:
        """Choose what is shown.

        Args:
            graph: The computation.
            point: The graph at a point; None for its symbols alone.
            paths: Names of nodes whose paths to the output are marked, group by group.
            named: Show inputs and named steps alone.
            constants: Show constants, too.
        Raises:
            UsageError: for a name that is none.
        """
        self.graph = graph
        self.point = point
        self.named = named
        self.constants = constants
        self._arrows = Arrows(graph, {n.id for n in graph.nodes if named and n.name is not None})
        self.values: list[float | None] = [None] * len(graph)
        self.gradient: list[float | None] = [None] * len(graph)
        self._needed = [True] * len(graph)
        if point is not None:
            self.values = point.shown()
            slopes = zip(point.cotangents, point.active, strict=True)
            self.gradient = [g if a and isfinite(g) else None for g, a in slopes]
            self._needed = point.needed
        self.shown = [node.id for node in graph.nodes if self._is_shown(node.id)]
        self.paths = list(paths or ())
        self._on = [self._on_paths(names) for names in self.paths]
        self.marked = [any(on) for on in zip(*self._on, strict=True)] if self._on else None

    def _is_shown(self, id: int) -> bool:
        node = self.graph.nodes[id]
        if id == self.graph.output:
            return True
        if node.kind == CONSTANT:
            return self.constants
        return not self.named or node.name is not None

    def _on_paths(self, names: Sequence[str]) -> list[bool]:
        graph = self.graph
        for name in names:
            if name not in graph.named:
                close = nearest(name, list(graph.named)[:2_000])
                some = ", ".join(list(graph.named)[:20])
                raise UsageError(
                    f"--path {name}: there is no input or step {name}",
                    hint=f"did you mean {close}?" if close else f"names: {some}",
                )
        reached = graph.needed()
        after = graph.depends_on([graph.named[name] for name in names])
        return [a and r for a, r in zip(after, reached, strict=True)]

    def groups(self, id: int) -> tuple[int, ...]:
        """Return the numbers of the groups of paths that a node lies on; () where there is one group."""
        return tuple(k for k, on in enumerate(self._on) if on[id]) if len(self._on) > 1 else ()

    def count_marked(self) -> int:
        """Return how many of the shown nodes are marked."""
        return sum(self.marked[id] for id in self.shown) if self.marked is not None else 0

    def only_marked(self) -> None:
        """Show the marked nodes alone."""
        assert self.marked is not None
        self.shown = [id for id in self.shown if self.marked[id]]

    def count_paths(self, name: str) -> int:
        """Return on how many paths a node reaches the output, at most `MOST_PATHS`."""
        counts = [0] * len(self.graph)
        start = self.graph.named[name]
        counts[start] = 1
        for node in self.graph.nodes[start + 1 :]:
            counts[node.id] = min(sum(counts[i] for i in node.inputs), MOST_PATHS)
        return counts[self.graph.output]

    def path_counts(self) -> dict[str, int]:
        """Return on how many paths each node that was asked for reaches the output."""
        return {name: self.count_paths(name) for names in self.paths for name in names}

    def operation(self, id: int) -> str:
        """Return how a node is computed, over names; "" for a leaf."""
        node = self.graph.nodes[id]
        if node.op is None:
            return ""
        if self.named:
            text = self.graph.text(id)
            return node_text(self.graph, id) if not text or "\n" in text or "#" in text else text
        if self.constants:
            # without this, every step of a chain of constants would be written out whole
            names = [number(self.graph.name(i)) for i in node.inputs]
            return spell(OURS, self.graph.called(node.op), names).text
        return node_text(self.graph, id)

    def edges(self) -> Iterator[Edge]:
        """Yield the edges between shown nodes, by target in creation order."""
        shown = [False] * len(self.graph)
        for id in self.shown:
            shown[id] = True
        for id in self.shown:
            if self.graph.nodes[id].op is not None:
                yield from self._through_names(id, shown) if self.named else self._into(id, shown)

    def _into(self, id: int, shown: Sequence[bool]) -> Iterator[Edge]:
        graph = self.graph
        node = graph.nodes[id]
        assert node.op is not None
        derived = node.kind != CONSTANT
        values = self.point.values if self.point is not None else None
        symbols = local_pieces(graph, id, values) if derived else ()
        numbers = self.point.local(id) if self.point is not None and derived else None
        taken = self.point.taken(id) if self.point is not None else None
        for source in dict.fromkeys(node.inputs):
            if not shown[source]:
                continue
            uses = [k for k, i in enumerate(node.inputs) if i == source]
            constant = graph.nodes[source].kind == CONSTANT
            value = None
            if numbers is not None and not constant and self._needed[id]:
                value = sum(numbers[k] for k in uses)
            yield self._edge(
                source,
                id,
                "" if constant or not derived else _total([symbols[k] for k in uses]),
                value,
                self._needed[id] and (taken is None or any(k in taken for k in uses)),
            )

    def _through_names(self, id: int, shown: Sequence[bool]) -> Iterator[Edge]:
        """Yield the edges from the named nodes that a named step is computed from."""
        graph = self.graph
        arrows = self._arrows
        region, ends = arrows.between(id)
        derivatives = within(self.point, id, region) if self.point is not None and self._needed[id] else None
        for source in sorted(ends):
            if shown[source]:
                value = derivatives.get(source, 0.0) if derivatives is not None else None
                symbol = arrows.formula(id, source) or f"d{graph.own_name(id)}/d{graph.own_name(source)}"
                yield self._edge(source, id, symbol, value, self._needed[id])

    def _edge(self, source: int, target: int, symbol: str, value: float | None, taken: bool) -> Edge:
        value = value if value is not None and isfinite(value) else None
        marked = self.marked is not None and self.marked[source] and self.marked[target]
        # what reads a node on a path is on it, too, if the output needs it
        groups = self.groups(source) if marked else ()
        return Edge(source, target, symbol, value, taken, marked, groups)


class Arrows:
    """The ways from named steps to what they are computed from.

    Args:
        graph: The computation.
        steps: The nodes at which reading ends; all leaves but constants among them.
    """

    def __init__(self, graph: Graph, steps: Collection[int]) -> None:
        self.graph = graph
        self.steps = steps
        self._programs: dict[int, Graph | None] = {}

    def between(self, id: int) -> tuple[set[int], set[int]]:
        """Return a step with the unnamed ones behind it, and the steps that those read."""
        graph = self.graph
        region, todo = {id}, [id]
        ends: set[int] = set()
        while todo:
            for i in graph.nodes[todo.pop()].inputs:
                if graph.nodes[i].kind == CONSTANT:
                    continue
                if i in self.steps:
                    ends.add(i)
                elif i not in region:
                    region.add(i)
                    todo.append(i)
        return region, ends

    def formula(self, id: int, source: int) -> str | None:
        """Return the derivative of a step by one that it reads, over names; None for long ones and arrays."""
        if id not in self._programs:
            region, ends = self.between(id)
            # the rules are those of numbers
            arrays = any(self.graph.nodes[i].shape for i in region | ends)
            short = len(region) <= MOST_BETWEEN and not arrays
            self._programs[id] = self._alone(id, region, ends) if short else None
        alone = self._programs[id]
        slope = derive(alone, self.graph.own_name(source)).substituted if alone is not None else None
        return None if slope is None else over_names(tidied(slope)).text

    def _alone(self, id: int, region: set[int], ends: set[int]) -> Graph:
        """Return a step as a program of its own, over the nodes that it is made of."""
        graph, kept, todo = self.graph, region | ends, list(region)
        while todo:  # constants, too
            found = [i for i in graph.nodes[todo.pop()].inputs if i not in kept]
            kept.update(found)
            todo += found
        place = {old: new for new, old in enumerate(sorted(kept))}
        nodes, inputs = [], {}
        for old, new in place.items():
            node = graph.nodes[old]
            if old in ends:
                inputs[graph.own_name(old)] = new
                nodes.append(Node(new, None, (), INPUT, node.span, graph.own_name(old)))
            else:
                read = tuple(place[i] for i in node.inputs)
                nodes.append(
                    Node(new, node.op, read, node.kind, node.span, node.name, node.value, node.label)
                )
        return Graph(graph.source, nodes, (place[id],), inputs, {}, dict(inputs), graph.euler)


def within(point: Point, id: int, region: Collection[int]) -> dict[int, float]:
    """Return the derivative of a step by the nodes of a region behind it and by those that it reads.

    A sweep of its own: over the region alone, however large the graph is.
    """
    nodes = point.graph.nodes
    cotangents: dict[int, float] = {id: 1.0}
    for k in sorted(region, reverse=True):
        g = cotangents.get(k, 0.0)
        if not g:
            continue
        for i, p in zip(nodes[k].inputs, point.local(k), strict=True):
            if nodes[i].kind != CONSTANT:
                cotangents[i] = cotangents.get(i, 0.0) + g * p
    return cotangents


class Extent(NamedTuple):
    """How large a graph is.

    Attributes:
        nodes: That are shown.
        edges: Between them.
        inputs: Among the nodes.
        named: Steps with a name, among the nodes.
        depth: Edges on the longest path.
        widest: Most nodes at one distance from the leaves.
        at: That distance.
    """

    nodes: int
    edges: int
    inputs: int
    named: int
    depth: int
    widest: int
    at: int


def extent(view: GraphView) -> Extent:
    """Measure the graph that is shown."""
    graph = view.graph
    ranks = [0] * len(graph)
    for node in graph.nodes:
        moving = [i for i in node.inputs if view.constants or graph.nodes[i].kind != CONSTANT]
        if moving:
            # a step that is taken into another one is no step on the way
            ranks[node.id] = max(ranks[i] for i in moving) + (not view.named or node.name is not None)
    counts: dict[int, int] = {}
    for id in view.shown:
        counts[ranks[id]] = counts.get(ranks[id], 0) + 1
    widest = max(counts, key=lambda rank: (counts[rank], -rank))
    nodes = [graph.nodes[id] for id in view.shown]
    edges = sum(1 for _ in view.edges()) if view.named else _count_edges(view)
    return Extent(
        len(nodes),
        edges,
        sum(n.op is None and n.kind != CONSTANT for n in nodes),
        sum(n.op is not None and n.name is not None for n in nodes),
        max(ranks[id] for id in view.shown),
        counts[widest],
        widest,
    )


def _count_edges(view: GraphView) -> int:
    shown = set(view.shown)
    return sum(len(shown.intersection(view.graph.nodes[id].inputs)) for id in view.shown)


def _total(terms: Sequence[Piece]) -> str:
    """Write the derivative by a node that is read more than once."""
    return reduce(lambda a, b: spell(TEXTBOOK, "add", [a, b]), terms).text
