"""Values and gradient of a program with arrays: the table, and facts for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..differentiation.arrays import ArrayReport, agreeing, named_slopes
from ..differentiation.compare import NOT_RUN, Verdict
from ..differentiation.general import GeneralReport
from ..engine.unroll import place_text
from ..errors import joined
from ..explanation.layers import LayerRule
from ..graph import INPUT
from ..language.format import node_text, output_text
from ..language.numbers import rounded
from .document import Document, Entries, Facts, Records
from .gradient import identity, kink_dict
from .gradient_table import TONES, explanation
from .page import Block, Cell, Column, Grid, Heading, Line, Lines, Only, Text, Tone

SCHEMA = 2
"""Of JSON in which an array occurs."""

ROWS = 4
"""Of an array in the table."""

FITS = ((4, 4), (3, 3), (3, 2), (3, 1))
"""Digits and columns of an array in the table, the first that the terminal has room for."""

LONG = 60
"""Characters of a formula from which the steps in it have their names."""

MANY = 12
"""Lines on numbers that methods do not agree on."""


def document(
    report: ArrayReport, *, digits: int = 6, everything: bool = False, elements: bool = False
) -> Document:
    """Return a report to be written.

    Args:
        report: What to write.
        digits: Significant digits of single numbers.
        everything: Show constants, transposes and whole arrays.
        elements: A row a number, with a column a method.
    """
    return Document(
        page=lambda: _page(report, digits, everything, elements),
        facts=lambda: _facts(report),
        records=lambda: _records(report),
        values=lambda: (
            [x for g in report.gradient.values() for x in g.reshape(-1).tolist()]
            if report.methods
            else report.value.reshape(-1).tolist()
        ),
    )


def _page(report: ArrayReport, digits: int, everything: bool, elements: bool) -> Iterator[Block]:
    text = output_text(report.graph)
    value = array_lines(report.value, digits, most=1)
    yield Only(("table", "html"), Heading(text if len(value) > 1 else f"{text} = {value[0]}"))
    yield _by_number(report, digits, everything) if elements else _grid(report, digits, everything)
    slopes = slopes_of(report)
    if slopes:
        yield Lines([slope_line(report, name, text) for name, text in slopes], most=None)
    lines = [Text(line, tone(line)) for line in conclusions(report, digits)]
    if lines:
        yield Lines(lines, most=None)


def slopes_of(report: ArrayReport) -> list[tuple[str, str]]:
    """Return the formulas by what is asked for, long ones with the derivatives by named steps.

    Those steps follow, the last of the program first.
    """
    graph = report.graph

    def shortest(id: int) -> str | None:
        whole, chained = report.formulas.get(id), report.chained.get(id)
        if whole is not None and (chained is None or len(whole) <= max(LONG, len(chained))):
            return whole
        return chained

    found = {graph.inputs[name]: shortest(graph.inputs[name]) for name in report.wrt}
    steps: dict[int, str | None] = {}
    following = list(found.values())
    while following:
        text = following.pop()
        for id in named_slopes(report, text).values() if text is not None else ():
            if id not in steps:
                steps[id] = shortest(id)
                following.append(steps[id])
    rows = [*found.items(), *sorted(steps.items(), reverse=True)]
    return [(graph.own_name(id), text) for id, text in rows if text is not None]


def slope_line(report: ArrayReport | GeneralReport, name: str, text: str = "") -> Line:
    """Write the derivative by a node: by index where the program has it so, else as it is given."""
    places, formula = report.by_index.get(report.graph.named[name], ("", text))
    return f"d{report.graph.own_name(report.graph.output)}/d{name}{places} = ", Text(formula, "formula")


def formulas_document(report: GeneralReport) -> Document:
    """Return the formulas of a report whose values are none of a user's, to be written."""
    return Document(page=lambda: _formulas_page(report), facts=lambda: _formulas_facts(report))


def index_formula(report: ArrayReport | GeneralReport, id: int) -> str | None:
    """Return the derivative by a node number by number, with what it is of; None where there is none."""
    if id not in report.by_index:
        return None
    places, formula = report.by_index[id]
    return f"d{report.graph.own_name(report.graph.output)}/d{report.graph.own_name(id)}{places} = {formula}"


def _formulas_page(report: GeneralReport) -> Iterator[Block]:
    graph = report.graph
    yield Only(("table", "html"), Heading(output_text(graph)))
    columns = [Column("step", "name"), Column("operation", "expression", least=9), Column("shape", "word")]
    rows: list[list[Cell]] = []
    for id in report.shown():
        node = graph.nodes[id]
        text = node.kind if node.op is None else node_text(graph, id)
        cells: list[Cell] = [graph.name(id), text, report.shape_text(id)]
        rows.append([*cells, Text(report.formulas.get(id, "-"), "formula")])
    yield Grid([*columns, Column(f"d{graph.own_name(graph.output)}/d(step)", "formula", least=12)], rows)
    by_index = [slope_line(report, name) for name in report.wrt if graph.inputs[name] in report.by_index]
    if by_index:
        yield Lines(by_index, most=None)


def _formulas_facts(report: GeneralReport) -> Facts:
    graph = report.graph
    return Facts(
        {
            "schema": SCHEMA,
            "expression": graph.source.text,
            "shapes": {name: shape_list(report, id) for name, id in graph.inputs.items()},
            "formulas": {name: report.formulas.get(graph.inputs[name]) for name in report.wrt},
            "warnings": list(report.notes),
            "nodes": Entries(
                {
                    "id": id,
                    "name": graph.own_name(id),
                    "text": node_text(graph, id),
                    "shape": shape_list(report, id),
                    "formula": report.formulas.get(id),
                    "index_formula": index_formula(report, id),
                }
                for id in report.shown()
            ),
        }
    )


def shape_list(report: ArrayReport | GeneralReport, id: int) -> list[int | str]:
    """Return a shape, with names for lengths that are not known."""
    return [
        *(report.program.shape(id) if isinstance(report, GeneralReport) else report.graph.nodes[id].shape)
    ]


def tone(line: str) -> Tone:
    """Return the tone of a line that may begin with a verdict."""
    return next((tone for word, tone in TONES.items() if f": {word}" in line), "")


def array_lines(
    x: Any, digits: int, *, everything: bool = False, most: int = ROWS, columns: int = FITS[0][1]
) -> list[str]:
    """Write a number, or an array in lines, its columns below each other.

    Args:
        x: Numbers; None for one that there is not.
        digits: Significant digits.
        everything: Leave nothing out.
        most: Rows that are written.
        columns: Numbers of a row that are.
    """
    x = np.asarray(x, object)
    if x.ndim == 0:
        return [rounded(x.item(), digits)]
    rows = x.reshape(1, -1) if x.ndim == 1 else x
    high = len(rows) if everything else min(len(rows), most)
    wide = rows.shape[1] if everything else min(rows.shape[1], columns)
    cells = [[rounded(e, digits) for e in row[:wide]] for row in rows[:high]]
    widths = [max(len(row[k]) for row in cells) for k in range(wide)]
    rest = "  .." if wide < rows.shape[1] else ""
    found = [
        "[" + "  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) + rest + "]" for row in cells
    ]
    return [*found, f"... {len(rows) - high:,} rows"] if high < len(rows) else found


def _grid(report: ArrayReport, digits: int, everything: bool, fit: int = 0) -> Grid:
    """Return a row a node, and as many lines as its arrays have; a narrower one where there is no room."""
    graph = report.graph
    places, wide = FITS[fit]
    several = len(report.methods) > 1
    columns = [Column("step", "name"), Column("operation", "expression", least=9), Column("shape", "word")]
    columns += [Column("value", "code", whole=True)]
    if report.methods:
        title = "gradient" if several else report.methods[0]
        columns.append(Column(title, "code", whole=True))
    columns += [Column("agree", "word")] if several else []
    rows: list[list[Cell]] = []
    for id in report.shown(everything=everything):
        node = graph.nodes[id]
        few = min(digits, places) if node.shape else digits
        value = array_lines(report.values[id], few, everything=everything, columns=wide)
        slope = report.standing(id) if report.methods else None
        slopes = [] if slope is None else array_lines(slope, few, everything=everything, columns=wide)
        row: list[Cell] = [
            Text(graph.name(id), "name" if node.kind == INPUT else "strong" if node.name else ""),
            Text(
                node.kind if node.op is None else node_text(graph, id),
                kind="code" if node.op is None else None,
            ),
            report.program.kinds[id].size,
        ]
        for k in range(max(len(value), len(slopes))):
            line = row if k == 0 else ["", "", ""]
            line = [*line, value[k] if k < len(value) else ""]
            line += [slopes[k] if k < len(slopes) else ""] if report.methods else []
            line += [_agree(report, id) if k == 0 else ""] if several else []
            rows.append(line)
    narrower = (_grid(report, digits, everything, fit + 1),) if fit + 1 < len(FITS) and not everything else ()
    return Grid(columns, rows, narrow=narrower)


def _agree(report: ArrayReport, id: int) -> Cell:
    good, of = agreeing(report, id)
    if not of:
        return ""
    return Text(f"{good} of {of}", TONES["agree" if good == of else report.worst(id)[1].verdict])


def _by_number(report: ArrayReport, digits: int, everything: bool) -> Grid:
    """Return a row a number."""
    graph = report.graph
    columns = [Column("step", "name"), Column("operation", "expression", least=9), Column("value", "number")]
    columns += [Column(method, "number") for method in report.methods]
    columns += [Column("agree", "verdict")] if len(report.methods) > 1 else []
    rows: list[list[Cell]] = []
    for row in _numbers(report, everything=everything):
        node = graph.nodes[row.node]
        text = node.kind if node.op is None else node_text(graph, row.node)
        cells: list[Cell] = [Text(row.name, "name" if node.kind == INPUT else ""), text]
        cells += [rounded(row.value, digits), *(rounded(x, digits) for x in row.slopes)]
        if len(report.methods) > 1:
            cells.append(Text(row.verdict.verdict, TONES.get(row.verdict.verdict, "")))
        rows.append(cells)
    return Grid(columns, rows)


class _Number(NamedTuple):
    """A number of a node's array: its name, value, slopes by each method and verdict."""

    node: int
    name: str
    value: float
    slopes: Sequence[float | None]
    verdict: Verdict


def _numbers(report: ArrayReport, *, everything: bool) -> Iterator[_Number]:
    for id in report.shown(everything=everything):
        shape = report.graph.nodes[id].shape
        columns = [report.column(method, id).reshape(-1).tolist() for method in report.methods]
        verdicts = report.verdicts(id)
        values = report.values[id].reshape(-1).tolist()
        for k, place in enumerate(np.ndindex(shape)):
            name = report.graph.own_name(id) + place_text(place)
            yield _Number(id, name, values[k], [column[k] for column in columns], verdicts[k])


def conclusions(report: ArrayReport, digits: int) -> list[str]:
    """Return the lines under the table: length of the gradient, and what the verdicts mean."""
    lines = []
    if report.methods:
        lines.append(f"|∇| = {rounded(report.norm, digits)}")
    if len(report.methods) > 1 and report.numbers is not None:
        shown = [id for id in report.shown() if report.judged(id)]
        counts = [agreeing(report, id) for id in shown]
        good, of = sum(a for a, _ in counts), sum(b for _, b in counts)
        who = joined(report.methods)
        counted = f"{good} of {of}" if good < of else f"all {of}" if of > 1 else "1"
        lines.append(f"{who} agree in {counted} {'element' if of == 1 else 'elements'}")
        odd = [
            f"{name}: {explanation(report.numbers, int(k), digits)}"
            for id in shown
            for (name, verdict), k in zip(report.judged(id), _judged_ids(report, id), strict=True)
            if verdict.reason
        ]
        lines += odd[:MANY]
        lines += [f"... and {len(odd) - MANY} more: --elements has all"] if len(odd) > MANY else []
    return lines


def _judged_ids(report: ArrayReport, id: int) -> list[int]:
    ids, verdicts = report.ids(id).reshape(-1), report.verdicts(id)
    return [int(k) for k, verdict in zip(ids, verdicts, strict=True) if verdict.verdict != NOT_RUN]


def _facts(report: ArrayReport) -> Facts:
    graph = report.graph
    return Facts(
        {
            "schema": SCHEMA,
            "expression": graph.source.text,
            "output": graph.own_name(graph.output),
            "value": report.value.tolist(),
            "inputs": {name: x.tolist() for name, x in report.inputs.items()},
            "gradient": {name: g.tolist() for name, g in report.gradient.items()},
            "methods": list(report.methods),
            "agree": report.agree,
            "warnings": [*report.notes, *report.warnings],
            "nodes": Entries(_node_dict(report, id) for id in range(len(graph))),
        }
    )


def _node_dict(report: ArrayReport, id: int) -> dict[str, Any]:
    graph = report.graph
    node = graph.nodes[id]
    good, of = agreeing(report, id)
    name, verdict = report.worst(id)
    differences = [v.difference for _, v in report.judged(id) if v.difference is not None]
    ids = dict(zip((n for n, _ in report.judged(id)), _judged_ids(report, id), strict=True)) if of else {}
    kind = report.program.kinds[id]
    return identity(graph, node) | {
        "shape": list(node.shape),
        "row": kind.row,
        "value": report.values[id].tolist(),
        "formula": report.formulas.get(id),
        "index_formula": index_formula(report, id),
        "gradient": {method: report.column(method, id).tolist() for method in report.methods},
        "difference": max(differences, default=None),
        "verdict": verdict.verdict,
        "elements": {"agree": good, "of": of, "worst": name or None},
        "kink": kink_dict(report.numbers, ids[name]) if of and report.numbers is not None else None,
    }


def _records(report: ArrayReport) -> Records:
    """Return one row a number."""
    graph = report.graph
    header = ["id", "name", "kind", "operation", "value", *report.methods, "difference", "verdict"]
    rows = (
        [
            row.node,
            row.name,
            graph.nodes[row.node].kind,
            node_text(graph, row.node),
            row.value,
            *row.slopes,
            row.verdict.difference,
            row.verdict.verdict,
        ]
        for row in _numbers(report, everything=False)
    )
    return Records(header, rows)


def rule_lines(rule: LayerRule, digits: int) -> list[str]:
    """Write a derivative by an array of a network, and its numbers as a matrix."""
    head = "".join(f"{text} = " for text in (rule.name, rule.meaning, rule.text) if text)
    first, *more = array_lines(rule.value, min(digits, FITS[0][0]))
    return [f"{head}{first}", *(f"{' ' * len(head)}{line}" for line in more)]
