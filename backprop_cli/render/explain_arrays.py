"""Both passes of a program with arrays, as people and programs read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..differentiation.arrays import ArrayReport
from ..differentiation.general import GeneralReport
from ..explanation.arrays import ArrayExplanation, GeneralExplanation, first_place
from ..graph import INPUT
from ..language.format import node_text, output_text
from ..language.numbers import rounded
from ..language.operators import ATOM, PRODUCT, SUM
from ..language.written import Piece, bracketed
from .arrays import SCHEMA, array_lines, index_formula, shape_list
from .document import Document, Entries, Facts
from .page import Block, Cell, Column, Grid, Heading, Line, Lines, Only, Section, Text

Told = ArrayExplanation | GeneralExplanation

DIGITS = 4
"""Of numbers in arrays."""


def document(told: Told, *, digits: int = 6) -> Document:
    """Return an explanation to be written.

    Args:
        told: What to write.
        digits: Significant digits of single numbers.
    """
    return Document(page=lambda: _page(told, digits), facts=lambda: _facts(told))


def _page(told: Told, digits: int) -> Iterator[Block]:
    report = told.report
    if isinstance(report, ArrayReport):
        value = array_lines(report.value, digits)[0]
        yield Only(("table", "html"), Heading(f"{output_text(report.graph)} = {value}"))
        yield Section("Forward: every step, its shape and its value")
    else:
        yield Only(("table", "html"), Heading(output_text(report.graph)))
        yield Section("Forward: every step and its shape")
    yield _forward(told, digits)
    yield Section("Backward: what each step passes on, as matrices and by index")
    for id in reversed(report.shown()):
        if id in told.uses:
            yield Lines(_backward(told, id, digits), most=None)
    formulas = [(name, report.formulas.get(report.graph.inputs[name])) for name in report.wrt]
    written = [(name, formula) for name, formula in formulas if formula is not None]
    if written:
        yield Section("Put together")
        lines: list[Line] = []
        for name, formula in written:
            id = report.graph.inputs[name]
            lines.append((f"{told.slope(id)} = ", Text(formula, "formula")))
            if id in report.by_index:
                places, by_index = report.by_index[id]
                lines.append((f"  {told.slope(id)}{places} = ", Text(by_index, "formula")))
        yield Lines(lines, most=None)


def _forward(told: Told, digits: int) -> Grid:
    report = told.report
    graph = report.graph
    values = report.values if isinstance(report, ArrayReport) else None
    columns = [Column("step", "name"), Column("operation", "expression"), Column("shape", "code", whole=True)]
    columns += [Column("value", "code", whole=True)] if values is not None else []
    rows: list[list[Cell]] = []
    for id in report.shown():
        node = graph.nodes[id]
        name = Text(graph.name(id), "name" if node.kind == INPUT else "")
        text = node.kind if node.op is None else node_text(graph, id)
        if values is None:
            rows.append([name, text, _shape(report, id)])
            continue
        lines = array_lines(values[id], digits if not node.shape else DIGITS)
        row: list[Cell] = [name, text, _shape(report, id)]
        rows += [[*(row if k == 0 else ["", "", ""]), line] for k, line in enumerate(lines)]
    return Grid(columns, rows)


def _shape(report: ArrayReport | GeneralReport, id: int) -> str:
    """Return a shape, of a product with those of its factors."""
    node, size = report.graph.nodes[id], report.shape_text(id)
    if node.op is None or node.op.name != "@":
        return size
    program = report.program if isinstance(report, ArrayReport) else report.program.program
    a, b = (_sides(report.shape_text(i), lies=program.kinds[i].row) for i in node.inputs)
    return f"({a})@({b}) = {size}"


def _sides(size: str, *, lies: bool) -> str:
    return f"1x{size}" if lies else size


def _backward(told: Told, id: int, digits: int) -> list[str]:
    """Return the lines on one node: what its uses bring, by matrices, by index, one number of it."""
    report = told.report
    name, uses = told.slope(id), told.uses[id]
    node = report.graph.nodes[id]
    sums = [Piece(use.text, SUM if " " in use.text else ATOM) for use in uses]
    total = " + ".join(bracketed(x, PRODUCT).text for x in sums) if len(uses) > 1 else uses[0].text
    if isinstance(report, ArrayReport):
        standing = array_lines(report.standing(id), digits if not node.shape else DIGITS)
        head = f"{name} = " + (f"{total} = " if total != standing[0] else "")
        lines = [f"{head}{standing[0]}", *(f"{' ' * len(head)}{line}" for line in standing[1:])]
    else:
        lines = [f"{name} = {total}"]
    for use in uses:
        of = f" by {report.graph.own_name(use.user)}" if len(uses) > 1 else ""
        if use.numbers and use.places:
            lines.append(f"  {name}{use.places}{of} = {use.numbers}")
        if use.worked:
            lines.append(
                f"  {name}{first_place(report, id)}{of} = {use.worked} = {rounded(use.value, digits)}"
            )
    return lines


def _facts(told: Told) -> Facts:
    report = told.report
    graph = report.graph
    known = report if isinstance(report, ArrayReport) else None
    head: dict[str, Any] = {"schema": SCHEMA, "expression": graph.source.text}
    if known is not None:
        head["value"] = known.value.tolist()
        head["inputs"] = {name: x.tolist() for name, x in known.inputs.items()}
        head["gradient"] = {name: g.tolist() for name, g in known.gradient.items()}
    else:
        head["shapes"] = {name: shape_list(report, id) for name, id in graph.inputs.items()}
    return Facts(
        {
            **head,
            "formulas": {name: report.formulas.get(graph.inputs[name]) for name in report.wrt},
            "index_formulas": {name: index_formula(report, graph.inputs[name]) for name in report.wrt},
            "warnings": [*report.notes, *(known.warnings if known is not None else ())],
            "nodes": Entries(
                {
                    "id": id,
                    "name": graph.own_name(id),
                    "text": node_text(graph, id),
                    "shape": shape_list(report, id),
                    **(_numbers(known, id) if known is not None else {}),
                    "uses": [
                        {
                            "by": graph.own_name(use.user),
                            "formula": use.text,
                            "index_formula": f"{told.slope(id)}{use.places} = {use.numbers}"
                            if use.numbers
                            else None,
                            "worked": use.worked or None,
                        }
                        for use in told.uses.get(id, [])
                    ],
                }
                for id in range(len(graph))
            ),
        }
    )


def _numbers(report: ArrayReport, id: int) -> dict[str, Any]:
    return {"value": report.values[id].tolist(), "gradient": report.standing(id).tolist()}
