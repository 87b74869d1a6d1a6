"""Reports for programs: JSON, CSV, TSV and bare numbers, every float in its shortest exact text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..differentiation.report import GradientReport
from ..graph import CONSTANT
from ..language.format import node_text

SCHEMA = 1


def render(report: GradientReport, format_: str, *, everything: bool = False) -> str:
    """Return a report as text.

    Args:
        report: What to write.
        format_: ``json``, ``csv``, ``tsv`` or ``value``.
        everything: Constants too, where the format lists rows.
    """
    if format_ == "json":
        return to_json(report)
    if format_ == "value":
        return "".join(f"{_text(x)}\n" for x in report.gradient.values())
    return to_rows(report, "," if format_ == "csv" else "\t", everything)


def _text(x: float | None) -> str:
    return "" if x is None else repr(x)


def node_dict(report: GradientReport, id: int) -> dict[str, Any]:
    """Return one node as the JSON schema has it."""
    graph, verdict = report.graph, report.verdicts[id]
    node = graph.nodes[id]
    return {
        "id": id,
        "name": graph.own_name(id),
        "kind": node.kind,
        "op": node.op.name if node.op else None,
        "inputs": list(node.inputs),
        "text": node_text(graph, id),
        "span": list(node.span),
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


def to_json(report: GradientReport, more: Mapping[str, Any] | None = None) -> str:
    """Return strict JSON, one node a line, with ``more`` before the nodes."""
    from json import dumps

    graph = report.graph
    head = {
        "schema": SCHEMA,
        "expression": graph.source.text,
        "output": graph.own_name(graph.output),
        "value": report.value,
        "inputs": report.inputs,
        "gradient": report.gradient,
        "methods": list(report.methods),
        "agree": report.agree,
        "warnings": [*report.notes, *report.warnings],
        **(more or {}),
    }
    lines = [f" {dumps(key)}: {dumps(value, allow_nan=False)}," for key, value in head.items()]
    nodes = [f"  {dumps(node_dict(report, id), allow_nan=False)}" for id in range(len(graph))]
    return "{" + "\n".join(lines)[1:] + '\n "nodes": [\n' + ",\n".join(nodes) + "\n]}\n"


def to_rows(report: GradientReport, delimiter: str, everything: bool) -> str:
    """Return one row a node with a header."""
    import csv
    from io import StringIO

    stream = StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    columns = list(report.columns)
    writer.writerow(
        ["id", "name", "kind", "operation", "value", "formula", *columns, "difference", "verdict"]
    )
    graph = report.graph
    for node in graph.nodes:
        if node.kind == CONSTANT and not everything:
            continue
        verdict = report.verdicts[node.id]
        writer.writerow(
            [
                node.id,
                graph.own_name(node.id),
                node.kind,
                node_text(graph, node.id),
                _text(report.values[node.id]),
                (report.formulas[node.id] or "") if report.formulas else "",
                *(_text(report.columns[m][node.id]) for m in columns),
                _text(verdict.difference),
                verdict.verdict,
            ]
        )
    return stream.getvalue()
