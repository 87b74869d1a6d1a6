"""The drawing of a graph with arrays: shapes and numbers in its boxes, matrix formulas at its arrows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..errors import shortened
from ..explanation.array_view import ArrayView
from ..graph import CONSTANT
from . import Edges
from .drawing import SYMBOL, Arrow, Card, Drawing, Kind, Row, counted, sign_of

Lines = Callable[[Any], Sequence[str]]
"""An array to lines of text."""


def arrays_drawing(view: ArrayView, title: str, lines: Lines, edges: Edges = "both") -> Drawing:
    """Return the drawing of a graph with arrays.

    Args:
        view: What is shown of it.
        title: Its headline.
        lines: Arrays to texts.
        edges: What stands at the arrows: ``value`` has nothing to say of arrays.
    """
    graph = view.graph
    output = graph.own_name(graph.output)
    inputs = list(graph.inputs)
    named = ", ".join(inputs[:12]) + (", ..." if len(inputs) > 12 else "")
    description = f"The computation graph of {output}: {counted(len(view.shown), 'node')}, inputs {named}."
    legend = ["in a box: the shape"]
    if view.report is not None:
        legend = [f"in a box: shape, value, and the derivative of {output} by it"]
    told = edges in ("both", "symbol")
    if told:
        back = "what goes back along it, in matrix notation where it is short"
        legend.append(f"at an arrow: {'the derivative of the step by what it reads' if view.named else back}")
    return Drawing(title, description, tuple(legend), _cards(view, output, lines), _arrows(view, told))


def _cards(view: ArrayView, output: str, lines: Lines) -> Iterator[Card]:
    graph, report = view.graph, view.report
    for id in view.shown:
        node = graph.nodes[id]
        name = graph.name(id)
        rows = [Row(what, words) for what, words in view.remarks(id)]
        rows += [Row("shape", view.told.report.shape_text(id))] if node.shape else []
        if report is not None:
            rows += _rows("value", report.values[id], lines)
            slope = report.standing(id)
            if node.kind != CONSTANT and all(x is not None for x in slope.flat):
                rows += _rows(f"d{output}/d{name}", slope, lines)
        kind: Kind = "step" if node.op is not None else "input"
        kind = "constant" if node.kind == CONSTANT else "output" if id == graph.output else kind
        marked = view.marked[id] if view.marked is not None else None
        operation = shortened(view.operation(id))
        yield Card(f"n{id}", name, operation, tuple(rows), kind, marked, view.groups(id))


def _rows(name: str, x: Any, lines: Lines) -> list[Row]:
    texts = lines(x)
    role = sign_of(float(x)) if x.ndim == 0 else "ink"
    return [Row(name if k == 0 else "", text, role) for k, text in enumerate(texts)]


def _arrows(view: ArrayView, told: bool) -> Iterator[Arrow]:
    for edge in view.edges():
        symbol = edge.symbol if told and len(edge.symbol) <= SYMBOL else ""
        marked = edge.marked if view.marked is not None else None
        yield Arrow(f"n{edge.source}", f"n{edge.target}", symbol, marked=marked, groups=edge.groups)
