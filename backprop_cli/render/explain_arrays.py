"""Both passes of a program with arrays, as people and programs read them."""

from __future__ import annotations

from collections.abc import Iterator

from ..explanation.arrays import ArrayExplanation, first_place
from ..graph import INPUT
from ..language.format import node_text, output_text
from ..language.numbers import rounded
from ..language.operators import ATOM, PRODUCT, SUM
from ..language.written import Piece, bracketed
from .arrays import SCHEMA, array_lines
from .document import Document, Entries, Facts
from .page import Block, Cell, Column, Grid, Heading, Lines, Only, Section, Text

DIGITS = 4
"""Of numbers in arrays."""


def document(told: ArrayExplanation, *, digits: int = 6) -> Document:
    """Return an explanation to be written.

    Args:
        told: What to write.
        digits: Significant digits of single numbers.
    """
    return Document(page=lambda: _page(told, digits), facts=lambda: _facts(told))


def _page(told: ArrayExplanation, digits: int) -> Iterator[Block]:
    report = told.report
    value = array_lines(report.value, digits)[0]
    yield Only(("table", "html"), Heading(f"{output_text(report.graph)} = {value}"))
    yield Section("Forward: every step, its shape and its value")
    yield _forward(told, digits)
    yield Section("Backward: what each step passes on, as matrices and by index")
    for id in reversed(report.shown()):
        if id in told.uses:
            yield Lines(_backward(told, id, digits), most=None)
    formulas = [(name, report.formulas.get(report.graph.inputs[name])) for name in report.wrt]
    written = [(name, formula) for name, formula in formulas if formula is not None]
    if written:
        yield Section("Put together")
        yield Lines(
            [(f"{told.slope(report.graph.inputs[n])} = ", Text(f, "formula")) for n, f in written], most=None
        )


def _forward(told: ArrayExplanation, digits: int) -> Grid:
    report = told.report
    graph, kinds = report.graph, report.program.kinds
    columns = [Column("step", "name"), Column("operation", "expression"), Column("shape", "code", whole=True)]
    columns += [Column("value", "code", whole=True)]
    rows: list[list[Cell]] = []
    for id in report.shown():
        node = graph.nodes[id]
        shape = kinds[id].size
        if node.op is not None and node.op.name == "@":
            a, b = (kinds[i] for i in node.inputs)
            shape = f"({_sides(a.size, lies=a.row)})@({_sides(b.size, lies=b.row)}) = {shape}"
        lines = array_lines(report.values[id], digits if not node.shape else DIGITS)
        name = Text(graph.name(id), "name" if node.kind == INPUT else "")
        text = node.kind if node.op is None else node_text(graph, id)
        rows += [[name, text, shape, line] if k == 0 else ["", "", "", line] for k, line in enumerate(lines)]
    return Grid(columns, rows)


def _sides(size: str, *, lies: bool) -> str:
    return f"1x{size}" if lies else size


def _backward(told: ArrayExplanation, id: int, digits: int) -> list[str]:
    """Return the lines on one node: what its uses bring, by matrices, by index, one number of it."""
    report = told.report
    name, uses = told.slope(id), told.uses[id]
    node = report.graph.nodes[id]
    standing = array_lines(report.standing(id), digits if not node.shape else DIGITS)
    sums = [Piece(use.text, SUM if " " in use.text else ATOM) for use in uses]
    total = " + ".join(bracketed(x, PRODUCT).text for x in sums) if len(uses) > 1 else uses[0].text
    head = f"{name} = {total} = "
    lines = [f"{head}{standing[0]}", *(f"{' ' * len(head)}{line}" for line in standing[1:])]
    for use in uses:
        of = f" by {report.graph.own_name(use.user)}" if len(uses) > 1 else ""
        if use.numbers and use.places:
            lines.append(f"  {name}{use.places}{of} = {use.numbers}")
        if use.worked:
            lines.append(
                f"  {name}{first_place(report, id)}{of} = {use.worked} = {rounded(use.value, digits)}"
            )
    return lines


def _facts(told: ArrayExplanation) -> Facts:
    report = told.report
    graph = report.graph
    return Facts(
        {
            "schema": SCHEMA,
            "expression": graph.source.text,
            "value": report.value.tolist(),
            "inputs": {name: x.tolist() for name, x in report.inputs.items()},
            "gradient": {name: g.tolist() for name, g in report.gradient.items()},
            "formulas": {name: report.formulas.get(graph.inputs[name]) for name in report.wrt},
            "warnings": [*report.notes, *report.warnings],
            "nodes": Entries(
                {
                    "id": id,
                    "name": graph.own_name(id),
                    "text": node_text(graph, id),
                    "shape": list(graph.nodes[id].shape),
                    "value": report.values[id].tolist(),
                    "gradient": report.standing(id).tolist(),
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
