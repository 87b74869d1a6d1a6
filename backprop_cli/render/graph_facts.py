"""Graphs and networks for programs, a node and an edge at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..explanation.edges import Edge, GraphView
from ..graph import CONSTANT
from .document import Entries, Facts

if TYPE_CHECKING:
    from ..differentiation.implicit import Implicit
    from ..explanation.array_view import ArrayView
    from ..layout.drawing import Drawing
    from ..layout.network_drawing import Units

SCHEMA, ARRAYS = 1, 2
"""Of JSON without and with arrays."""


def graph_facts(view: GraphView) -> Facts:
    """Return a graph."""
    graph = view.graph
    head = {
        "schema": SCHEMA,
        "expression": graph.source.text,
        "output": graph.own_name(graph.output),
        "value": view.values[graph.output],
        "inputs": view.point.inputs if view.point is not None else None,
        "paths": view.path_counts(),
        **_groups(view.paths, view.paths),
    }
    nodes = (
        _node(
            view,
            id,
            value=view.values[id],
            gradient=None if graph.nodes[id].kind == CONSTANT else view.gradient[id],
        )
        for id in view.shown
    )
    edges = (_edge(view, edge, value=edge.value, taken=edge.taken) for edge in view.edges())
    return Facts({**head, "nodes": Entries(nodes), "edges": Entries(edges)}, "graph")


def _node(view: GraphView | ArrayView, id: int, **facts: Any) -> dict[str, Any]:
    """Return a node, with what graphs of numbers and of arrays have of their own in the middle."""
    graph = view.graph
    return {
        "id": id,
        "name": graph.own_name(id),
        "kind": graph.nodes[id].kind,
        "text": view.operation(id) or graph.name(id),
        **facts,
        "marked": view.marked[id] if view.marked is not None else None,
        **_groups(view.paths, view.groups(id)),
    }


def _edge(view: GraphView | ArrayView, edge: Edge, **facts: Any) -> dict[str, Any]:
    """Return an edge, in the same way."""
    return {
        "source": edge.source,
        "target": edge.target,
        "symbol": edge.symbol or None,
        **facts,
        "marked": edge.marked if view.marked is not None else None,
        **_groups(view.paths, edge.groups),
    }


def array_facts(view: ArrayView) -> Facts:
    """Return a graph with arrays: numbers as nested lists, None where there are no values."""
    from .arrays import shape_list

    graph, report = view.graph, view.report
    head = {
        "schema": ARRAYS,
        "expression": graph.source.text,
        "output": graph.own_name(graph.output),
        "value": None if report is None else report.value.tolist(),
        **view.part,
        "inputs": None if report is None else {name: x.tolist() for name, x in report.inputs.items()},
        "paths": view.path_counts(),
        **_groups(view.paths, view.paths),
    }
    nodes = (
        _node(
            view,
            id,
            **dict(view.remarks(id)),
            shape=shape_list(view.told.report, id),
            value=None if report is None else report.values[id].tolist(),
            gradient=None
            if report is None or graph.nodes[id].kind == CONSTANT
            else report.standing(id).tolist(),
        )
        for id in view.shown
    )
    edges = (_edge(view, edge) for edge in view.edges())
    return Facts({**head, "nodes": Entries(nodes), "edges": Entries(edges)}, "graph")


def inverse_facts(report: Implicit) -> Facts:
    """Return a function and its inverse: one edge with both slopes."""
    forth, back = report.slopes
    graph, inputs = report.equations.graph, report.inputs
    ids = {name: graph.inputs[name] for name in (forth.by, forth.of)}
    head = {
        "schema": SCHEMA,
        "expression": graph.source.text,
        "output": forth.of,
        "value": None if inputs is None else inputs[forth.of],
        "inputs": inputs,
        "paths": {},
        "inverse": report.inverse and dict(zip(("function", "derivative"), report.inverse, strict=True)),
    }
    nodes = (
        {
            "id": id,
            "name": name,
            "kind": "input" if name == forth.by else "step",
            "text": name if name == forth.by else report.equations.sides[0][1],
            "value": None if inputs is None else inputs[name],
            "gradient": forth.settled if name == forth.by else None if inputs is None else 1.0,
            "marked": None,
        }
        for name, id in ids.items()
    )
    edge = {
        "source": ids[forth.by],
        "target": ids[forth.of],
        "symbol": forth.formula,
        "value": forth.settled,
        "taken": True,
        "marked": None,
        "back": {"symbol": back.formula, "value": back.settled, "why": back.why},
    }
    return Facts({**head, "nodes": Entries(nodes), "edges": Entries([edge])}, "graph")


def _groups(groups: Sequence[object], here: Sequence[object]) -> dict[str, list[object]]:
    """Return what is said of groups of paths where there is more than one."""
    return {"groups": list(here)} if len(groups) > 1 else {}


def units_facts(found: Units, drawing: Drawing, paths: Sequence[Sequence[str]] = ()) -> Facts:
    """Return a network, unit by unit.

    Args:
        found: Its units.
        drawing: With what is marked.
        paths: Names whose paths are marked, group by group.
    """
    step = found.step
    head = {
        "schema": SCHEMA,
        "network": step.name,
        "step": step.step,
        "row": step.rows[found.row],
        "rows": list(step.rows),
        "loss": step.loss,
        "value": step.before,
        **_groups(paths, paths),
    }
    cards, arrows = list(drawing.cards), list(drawing.arrows)
    units = (
        {
            "name": unit.name,
            "layer": unit.layer or None,
            "label": unit.label or None,
            "activation": unit.activation or None,
            "numbers": unit.numbers,
            "marked": card.marked,
            **_groups(paths, card.groups),
        }
        for unit, card in zip(found.units, cards, strict=True)
    )
    edges = (
        {
            "source": weight.source,
            "target": weight.target,
            "name": weight.name,
            "value": weight.value,
            "gradient": weight.gradient,
            "marked": arrow.marked,
            **_groups(paths, arrow.groups),
        }
        for weight, arrow in zip(found.weights, arrows, strict=True)
    )
    return Facts({**head, "units": Entries(units), "edges": Entries(edges)}, "graph")


def layers_facts(drawing: Drawing) -> Facts:
    """Return a network, layer by layer."""
    layers = (
        {"name": card.name, "kind": card.kind, **{row.name: row.text for row in card.rows}}
        for card in drawing.cards
    )
    return Facts({"schema": SCHEMA, "network": drawing.title, "layers": Entries(layers)}, "graph")
