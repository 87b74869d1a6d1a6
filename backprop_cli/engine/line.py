"""A program along a line through a point: its inputs move together, and one number says how far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..graph import CONSTANT, NOWHERE, Graph, GraphBuilder
from ..language.numbers import exact_text
from ..ops import PRIMITIVES

ADD, MULTIPLY = PRIMITIVES["add"], PRIMITIVES["multiply"]

LETTERS = ("s", "t", "r", "s_")
"""What the way along a line is called: the first of these that the program leaves free."""


class Line(NamedTuple):
    """A program along a line.

    Attributes:
        graph: The computation with one more input: how far along the line.
        inputs: A value for every input; on the line the point that it goes through is 0.
        name: Of the new input.
        says: How the inputs move, in words.
    """

    graph: Graph
    inputs: dict[str, float]
    name: str
    says: str


def line_name(graph: Graph) -> str:
    """Return what the way along a line through a program's inputs is called."""
    arrays = {name.partition("[")[0] for name in graph.named}
    return next((name for name in LETTERS if name not in arrays), graph.free(LETTERS))


def line_through(
    graph: Graph, inputs: Mapping[str, float], direction: Mapping[str, float], says: str
) -> Line:
    """Return a program of single numbers along a line: an input x is ``x + s*d``.

    Args:
        graph: The computation.
        inputs: A value for every input.
        direction: How fast inputs move; those left out stay.
        says: The same in words.
    """
    name = line_name(graph)
    builder = GraphBuilder(graph.source, len(graph) + 5 * len(inputs) + 1)
    way = builder.input(name, NOWHERE)
    ids: list[int] = []
    for node in graph.nodes:
        speed = direction.get(node.name or "", 0.0) if node.op is None and node.kind != CONSTANT else 0.0
        if speed:
            start = inputs[str(node.name)]
            place = way
            if speed != 1.0:
                factor = builder.constant(speed, exact_text(speed), node.span)
                place = builder.apply(MULTIPLY, (way, factor), node.span)
            origin = builder.constant(start, exact_text(start), node.span)
            id = builder.apply(ADD, (origin, place), node.span)
        elif node.op is not None:
            id = builder.apply(node.op, tuple(ids[i] for i in node.inputs), node.span)
            builder.nodes[id].label = node.label
        elif node.kind == CONSTANT:
            id = builder.constant(node.value, node.label or exact_text(node.value), node.span)
        else:
            id = builder.input(str(node.name), node.span, node.kind)
        if node.name is not None and (node.op is not None or speed):
            builder.name(id, node.name)
        ids.append(id)
    moved = {x for x, speed in direction.items() if speed}
    kept = {x: value for x, value in inputs.items() if x not in moved}
    built = builder.build([ids[i] for i in graph.outputs], {}, graph.euler)
    return Line(built, {name: 0.0, **kept}, name, says)
