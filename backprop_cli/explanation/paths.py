"""The paths from an input to the output: counted, listed, multiplied and summed."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

from ..engine.point import Edge
from ..graph import CONSTANT
from .expr import Expr
from .point import WrittenPoint

EXACT_COUNT = 2**53
"""Counts above are floats: near enough for their size."""


class Path(NamedTuple):
    """One way from an input to the output.

    Attributes:
        edges: The uses on it, from the input on.
        locals: Their local derivatives, over names with their numbers.
        numbers: The same worked out.
        product: Of the numbers, from the output back.
    """

    edges: tuple[Edge, ...]
    locals: tuple[Expr, ...]
    numbers: tuple[float, ...]
    product: float

    @property
    def nodes(self) -> tuple[int, ...]:
        """The nodes on it, input first."""
        return (self.edges[0].source, *(e.user for e in self.edges)) if self.edges else ()


class Reach(NamedTuple):
    """How an input reaches the output.

    Attributes:
        name: The input.
        id: Its node.
        many: How many paths there are; a float above `EXACT_COUNT`.
        paths: All of them, or none when there are too many to list.
        total: d output / d input.
    """

    name: str
    id: int
    many: int | float
    paths: tuple[Path, ...]
    total: float


def reaches(point: WrittenPoint, names: Sequence[str], most: int) -> list[Reach]:
    """Return how each input reaches the output.

    Args:
        point: The program at its point.
        names: Inputs.
        most: List the paths of an input where there are no more than this.
    """
    if not names:
        return []
    uses: dict[int, list[Edge]] = {}
    for node in point.graph.nodes[: point.graph.output + 1]:
        for edge in point.edges(node.id):
            # nothing goes back through 0 to an infinite slope
            if isfinite(point.local_derivatives(node.id)[edge.position]):
                uses.setdefault(edge.source, []).append(edge)
    # one sweep back counts for all inputs
    counts: list[int | float] = [0] * len(point.graph)
    counts[point.graph.output] = 1
    for id in range(point.graph.output - 1, -1, -1):
        total: int | float = sum(counts[e.user] for e in uses.get(id, ()))
        counts[id] = total if total < EXACT_COUNT else float(total)
    found = []
    for name in names:
        id = point.graph.id_of(name)
        listed = tuple(_paths(point, id, uses, counts)) if 0 < counts[id] <= most else ()
        found.append(Reach(name, id, counts[id], listed, point.here.cotangents[id]))
    return found


def _paths(
    point: WrittenPoint, start: int, uses: dict[int, list[Edge]], counts: Sequence[int | float]
) -> list[Path]:
    output, found = point.graph.output, []
    # edges still to follow at every node of the way that is being walked
    way: list[Edge] = []
    ahead = [iter(uses.get(start, ()))]
    if start == output:
        return [Path((), (), (), 1.0)]
    while ahead:
        edge = next(ahead[-1], None)
        if edge is None:
            ahead.pop()
            if way:
                way.pop()
        elif counts[edge.user]:
            way.append(edge)
            if edge.user == output:
                found.append(_path(point, tuple(way)))
                way.pop()
            else:
                ahead.append(iter(uses.get(edge.user, ())))
    return found


def _path(point: WrittenPoint, edges: tuple[Edge, ...]) -> Path:
    numbers = tuple(point.local_derivatives(e.user)[e.position] for e in edges)
    product = numbers[-1]
    for number in reversed(numbers[:-1]):
        product = point.paper(product * number) if product else 0.0
    return Path(edges, tuple(point.local(e) for e in edges), numbers, product)


def longest_path(point: WrittenPoint) -> int:
    """Return how many steps the longest path to the output has."""
    depth = [0] * len(point.graph)
    for node in point.graph.nodes[: point.graph.output + 1]:
        if node.op is not None and node.kind != CONSTANT:
            depth[node.id] = point.is_step(node.id) + max((depth[i] for i in node.inputs), default=0)
    return depth[point.graph.output]
