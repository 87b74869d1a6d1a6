"""Jacobians and Hessians of programs with arrays: tables, formulas, and facts for programs."""

from __future__ import annotations

from collections.abc import Iterator

from ..differentiation.jacobian import JacobianReport
from ..errors import joined
from ..language.format import output_text
from .arrays import MANY, SCHEMA, array_lines, tone
from .document import Document, Facts
from .page import Block, Cell, Column, Grid, Heading, Lines, Only, Text

FITS = (8, 6)
"""Rows and columns of a matrix that are shown."""


def document(report: JacobianReport, *, digits: int = 6, everything: bool = False) -> Document:
    """Return a report to be written.

    Args:
        report: What to write.
        digits: Significant digits.
        everything: Show whole matrices.
    """
    return Document(
        page=lambda: _page(report, digits, everything),
        facts=lambda: _facts(report),
        values=lambda: [x for name in report.wrt for x in report.jacobian(name).reshape(-1).tolist()],
    )


def _called(report: JacobianReport, name: str) -> str:
    """Return how a derivative is called: ``dy/dx``, ``d2f/dx2``."""
    graph = report.of or report.graph
    output = graph.own_name(graph.output)
    return f"d2{output}/d{name}2" if report.of is not None else f"d{output}/d{name}"


def _page(report: JacobianReport, digits: int, everything: bool) -> Iterator[Block]:
    text = output_text(report.of or report.graph)
    value = "" if report.of is not None else f" = {array_lines(report.value, digits)[0]}"
    yield Only(("table", "html"), Heading(f"{text}{value}"))
    yield _grid(report, digits, everything)
    if report.formulas:
        formulas = report.formulas.items()
        yield Lines([(f"{_called(report, n)} = ", Text(f, "formula")) for n, f in formulas], most=None)
    if len(report.methods) > 1:
        yield Lines([Text(line, tone(line)) for line in _conclusions(report)], most=None)


def _grid(report: JacobianReport, digits: int, everything: bool) -> Grid:
    columns = [Column("derivative", "name"), Column("shape", "word"), Column("value", "code", whole=True)]
    rows: list[list[Cell]] = []
    high, wide = FITS
    for name in report.wrt:
        found = report.jacobian(name)
        lines = ["three axes: --format json has all"]
        if found.ndim < 3:
            lines = array_lines(found, digits, everything=everything, most=high, columns=wide)
        heads = [_called(report, name), "x".join(map(str, found.shape))]
        rows += [[*(heads if k == 0 else ["", ""]), line] for k, line in enumerate(lines)]
    return Grid(columns, rows)


def _conclusions(report: JacobianReport) -> list[str]:
    good, of = report.counted()
    who = joined(report.methods)
    lines = [f"{who} agree in {f'all {of}' if good == of else f'{good} of {of}'} elements"]
    odd = [
        f"{where}: {verdict.verdict}: {verdict.reason}"
        for name in report.wrt
        for where, verdict in report.verdicts(name)
        if verdict.reason
    ]
    return lines + odd[:MANY]


def _facts(report: JacobianReport) -> Facts:
    good, of = report.counted()
    return Facts(
        {
            "schema": SCHEMA,
            "expression": (report.of or report.graph).source.text,
            "order": 1 if report.of is None else 2,
            "value": report.value.tolist(),
            "inputs": {name: x.tolist() for name, x in report.rows[0].inputs.items()},
            "jacobian" if report.of is None else "hessian": {
                name: report.jacobian(name).tolist() for name in report.wrt
            },
            "formulas": dict(report.formulas),
            "methods": list(report.methods),
            "agree": report.agree,
            "elements": {"agree": good, "of": of},
            "warnings": list(report.notes),
        }
    )
