"""Values and gradient of a program: facts for programs, and the document with its table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..differentiation.report import GradientReport
from ..graph import CONSTANT, Graph, Node
from ..language.format import node_text
from .document import Document, Entries, Facts, Records

if TYPE_CHECKING:
    from .page import Block

SCHEMA = 1


def document(
    report: GradientReport,
    *,
    digits: int = 6,
    everything: bool = False,
    summary: bool = False,
    tangent: Mapping[str, str] | None = None,
    below: Sequence[str] = (),
) -> Document:
    """Return a report to be written.

    Args:
        report: What to write.
        digits: Significant digits of what people read.
        everything: Show constants too.
        summary: Show inputs, named steps and the output alone.
        tangent: The tangent line or plane, for JSON.
        below: Sentences on it, for people.
    """

    def page() -> Iterator[Block]:
        from .gradient_table import page

        return page(report, digits, everything, summary, below)

    return Document(
        page=page,
        facts=lambda: _facts(report, tangent),
        records=lambda: _records(report, everything),
        values=(lambda: report.gradient.values()) if report.point is not None else None,
    )


def values_document(
    report: GradientReport, *, digits: int = 6, everything: bool = False, summary: bool = False
) -> Document:
    """Return a report without methods to be written; see `document`."""
    return document(report, digits=digits, everything=everything, summary=summary).replace(
        values=lambda: [report.value]
    )


def identity(graph: Graph, node: Node) -> dict[str, Any]:
    """Return which node it is, as the JSON schema has it."""
    return {
        "id": node.id,
        "name": graph.own_name(node.id),
        "kind": node.kind,
        "op": node.op.name if node.op else None,
        "inputs": list(node.inputs),
        "text": node_text(graph, node.id),
        "span": list(node.span),
    }


def node_dict(report: GradientReport, id: int) -> dict[str, Any]:
    """Return one node as the JSON schema has it."""
    graph, verdict = report.graph, report.verdicts[id]
    return identity(graph, graph.nodes[id]) | {
        "value": report.values[id],
        "formula": report.formulas[id] if report.formulas else None,
        "gradient": {method: column[id] for method, column in report.columns.items()},
        "difference": verdict.difference,
        "verdict": verdict.verdict,
        "kink": kink_dict(report, id),
    }


def kink_dict(report: GradientReport, id: int) -> dict[str, Any] | None:
    """Return what the differences saw at a kink or jump: slopes left and right, and whose it is."""
    quotient = report.verdicts[id].quotient
    if quotient is None or (quotient.kind == "smooth" and quotient.at is None):
        return None
    graph = report.graph
    at = graph.nodes[quotient.at] if quotient.at is not None else None
    return {
        "left": quotient.left if quotient.kind != "smooth" else quotient.value,
        "right": quotient.right if quotient.kind != "smooth" else quotient.value,
        "at": graph.name(at.id) if at else None,
        "op": at.op.name if at and at.op else None,
        "convention": at.op.convention if at and at.op else None,
    }


def _facts(report: GradientReport, tangent: Mapping[str, str] | None) -> Facts:
    graph = report.graph
    return Facts(
        {
            "schema": SCHEMA,
            "expression": graph.source.text,
            "output": graph.own_name(graph.output),
            "value": report.value,
            "inputs": report.inputs,
            "gradient": report.gradient,
            **({"sources": report.sources} if report.mixed else {}),
            "methods": list(report.methods),
            "agree": report.agree,
            "warnings": [*report.notes, *report.warnings],
            **({} if tangent is None else {"tangent": tangent}),
            "nodes": Entries(node_dict(report, id) for id in range(len(graph))),
        }
    )


def _records(report: GradientReport, everything: bool) -> Records:
    """Return one row a node."""
    graph, columns = report.graph, list(report.columns)
    header = ["id", "name", "kind", "operation", "value", "formula", *columns, "difference", "verdict"]
    rows = (
        [
            node.id,
            graph.own_name(node.id),
            node.kind,
            node_text(graph, node.id),
            report.values[node.id],
            (report.formulas[node.id] or "") if report.formulas else "",
            *(report.columns[method][node.id] for method in columns),
            report.verdicts[node.id].difference,
            report.verdicts[node.id].verdict,
        ]
        for node in graph.nodes
        if node.kind != CONSTANT or everything
    )
    return Records(header, rows)
