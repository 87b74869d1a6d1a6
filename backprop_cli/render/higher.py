"""Derivatives beyond the gradient as text: a table and what it says, JSON, rows; and tangent planes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import hypot
from typing import Any

from ..differentiation.higher import Derivative, Higher
from ..differentiation.report import GradientReport
from ..errors import NoSuchNumber
from ..graph import Graph
from ..language.format import output_text
from ..language.numbers import brief, exact_text, rounded
from .page import Block, Grid, Heading, Lines
from .page import render as page

SCHEMA = 1


def render(report: Higher, format_: str, *, digits: int = 6, to_file: bool = False) -> str:
    """Return a report as text.

    Args:
        report: What to write.
        format_: ``table``, ``markdown``, ``latex``, ``json``, ``csv``, ``tsv`` or ``value``.
        digits: Significant digits of what people read.
        to_file: The text goes to a file, not to stdout.
    """
    if format_ == "json":
        return to_json(report)
    if format_ in ("csv", "tsv"):
        return to_rows(report, "," if format_ == "csv" else "\t")
    if format_ == "value":
        return "".join(f"{'' if (x := settled(row)) is None else repr(x)}\n" for row in report.rows)
    blocks: list[Block] = [Heading(heading(report, digits)), grid(report, digits)]
    lines = sentences(report, digits)
    if lines:
        blocks.append(Lines(lines))
    return page(blocks, format_, to_file=to_file)


def settled(row: Derivative) -> float | None:
    """Return the number that stands: our rules', or the symbolic one where rounding spoilt them."""
    for method in ("symbolic", "finite") if row.verdict == "rounding" else ():
        if row.numbers.get(method) is not None:
            return row.numbers[method]
    ours = [x for m, x in row.numbers.items() if m in ("reverse", "taylor")]
    return ours[0] if ours else next((x for x in row.numbers.values() if x is not None), None)


def heading(report: Higher, digits: int) -> str:
    """Return ``L = e*f = -4 at a = 3, ...``."""
    text = output_text(report.graph)
    if report.inputs is None:
        return text
    at = ", ".join(f"{n} = {rounded(x, digits)}" for n, x in list(report.inputs.items())[:6])
    more = ", ..." if len(report.inputs) > 6 else ""
    return f"{text} = {rounded(report.value, digits)} at {at}{more}"


def grid(report: Higher, digits: int) -> Grid:
    """Return a row a derivative."""
    formulas = any(row.formula for row in report.rows)
    header = ["derivative", *(["formula"] if formulas else []), *report.methods]
    judged = len(report.methods) > 1
    rows = []
    for row in report.rows:
        cells = [row.name, *([row.formula or "-"] if formulas else [])]
        cells += [rounded(row.numbers[m], digits) for m in report.methods]
        rows.append([*cells, row.verdict] if judged else cells)
    numeric = [False] * (1 + formulas) + [True] * len(report.methods) + [False] * judged
    return Grid([*header, *(["agree"] if judged else [])], rows, numeric)


def sentences(report: Higher, digits: int) -> list[str]:
    """Return what is to be said below the table."""
    lines = []
    if report.direction is not None:
        length = hypot(*report.direction.values())
        moves = ", ".join(f"{n} by {rounded(x, digits)}" for n, x in report.direction.items())
        lines.append(f"t moves {moves}: a direction of length {rounded(length, digits)}")
        slope = settled(report.rows[0])
        if slope is not None and abs(length - 1.0) > 1e-12:
            lines.append(f"slope for a step of length 1: {rounded(slope / length, digits)}")
    if report.is_hessian and report.inputs is not None:
        matrix = hessian_of(report)
        rows = ["[" + ", ".join(rounded(x, digits) for x in row.values()) + "]" for row in matrix.values()]
        lines.append(f"Hessian by {', '.join(report.wrt)}: [{', '.join(rows)}]")
    for row in report.rows:
        if row.sides is not None:
            left, right = (rounded(x, digits) for x in row.sides)
            lines.append(
                f"{row.name}: kink: {left} from the left, {right} from the right"
                if left != right
                else f"{row.name}: kink: the slope jumps here"
            )
        elif row.verdict in ("rounding", "disagree") and row.difference is not None:
            lines.append(f"{row.name}: {row.verdict}: methods differ by {brief(row.difference, 1, 'e')}")
    return lines


def hessian_of(report: Higher) -> dict[str, dict[str, float | None]]:
    """Return the matrix by names."""
    numbers = {tuple(w[0][0] for w in row.along): settled(row) for row in report.rows}
    return {
        a: {b: numbers[(a, b)] if (a, b) in numbers else numbers[(b, a)] for b in report.wrt}
        for a in report.wrt
    }


def to_json(report: Higher) -> str:
    """Return strict JSON, a derivative a line."""
    head = {
        "schema": SCHEMA,
        "expression": report.graph.source.text,
        "output": report.graph.own_name(report.graph.output),
        "value": report.value,
        "inputs": report.inputs,
        "order": report.order,
        "direction": report.direction,
        "wrt": list(report.wrt),
        "hessian": hessian_of(report) if report.is_hessian and report.inputs is not None else None,
        "methods": list(report.methods),
        "agree": report.agree,
        "warnings": [*report.notes, *report.warnings],
    }
    lines = [f" {json.dumps(key)}: {json.dumps(value, allow_nan=False)}," for key, value in head.items()]
    rows = [f"  {json.dumps(_row(report, row), allow_nan=False)}" for row in report.rows]
    return "{" + "\n".join(lines)[1:] + '\n "derivatives": [\n' + ",\n".join(rows) + "\n]}\n"


def _row(report: Higher, row: Derivative) -> dict[str, Any]:
    by = [weights[0][0] for weights in row.along] if report.direction is None else None
    return {
        "name": row.name,
        "order": len(row.along),
        "by": by,
        "formula": row.formula,
        "value": settled(row),
        "methods": row.numbers,
        "difference": row.difference,
        "verdict": row.verdict,
        "left": row.sides[0] if row.sides else None,
        "right": row.sides[1] if row.sides else None,
    }


def to_rows(report: Higher, delimiter: str) -> str:
    """Return one row a derivative with a header."""
    import csv
    from io import StringIO

    def text(x: float | None) -> str:
        return "" if x is None else repr(x)

    stream = StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerow(["name", "order", "formula", *report.methods, "difference", "verdict"])
    for row in report.rows:
        numbers = [text(row.numbers[m]) for m in report.methods]
        writer.writerow(
            [row.name, len(row.along), row.formula or "", *numbers, text(row.difference), row.verdict]
        )
    return stream.getvalue()


def tangent_of(report: GradientReport) -> dict[str, Any]:
    """Return the tangent line or plane: its formula at the point and multiplied out, with all digits.

    Raises:
        NoSuchNumber: where a slope is missing.
    """
    graph = report.graph
    assert report.inputs is not None
    assert report.value is not None
    slopes: dict[str, float] = {}
    for name, slope in report.settled.items():
        if slope is None:
            raise NoSuchNumber(f"no tangent: the slope in {name} is not known", source=graph.source)
        slopes[name] = slope
    return {
        "kind": {1: "line", 2: "plane"}.get(len(slopes), "hyperplane"),
        "at_the_point": tangent_text(graph, report.value, slopes, report.inputs),
        "multiplied_out": _multiplied(graph, report.value, slopes, report.inputs),
    }


def tangent_sentences(report: GradientReport, digits: int) -> list[str]:
    """Return the tangent line or plane for people, rounded."""
    found = tangent_of(report)
    assert report.inputs is not None
    assert report.value is not None
    slopes = {n: x for n, x in report.settled.items() if x is not None}
    arguments = (report.graph, report.value, slopes, report.inputs)
    return [
        f"tangent {found['kind']}: {tangent_text(*arguments, digits)}",
        f"multiplied out: {_multiplied(*arguments, digits)}",
    ]


def tangent_text(
    graph: Graph,
    value: float,
    slopes: Mapping[str, float],
    inputs: Mapping[str, float],
    digits: int | None = None,
) -> str:
    """Return ``y = 6 + 5*(x - 2)``, an expression of our language."""
    terms = [(1.0, _written(value, digits))]
    for name, slope in slopes.items():
        x = inputs[name]
        moved = name if x == 0.0 else f"({name} {'-' if x > 0 else '+'} {_written(abs(x), digits)})"
        terms.append((slope, moved))
    return f"{_tangent_name(graph)} = {_sum(terms, digits)}"


def _multiplied(
    graph: Graph,
    value: float,
    slopes: Mapping[str, float],
    inputs: Mapping[str, float],
    digits: int | None = None,
) -> str:
    """Return ``y = 5*x - 4``."""
    from math import fsum

    parts = [value, *(-slope * inputs[name] for name, slope in slopes.items())]
    constant = fsum(parts)
    if abs(constant) <= 2.0**-50 * max(map(abs, parts)):  # what the rounding of slopes and value leaves
        constant = 0.0
    terms = [(slope, name) for name, slope in slopes.items()]
    if constant:
        terms.append((1.0 if constant > 0 else -1.0, _written(abs(constant), digits)))
    return f"{_tangent_name(graph)} = {_sum(terms, digits)}"


def _tangent_name(graph: Graph) -> str:
    name = graph.nodes[graph.output].name
    return name if name is not None and name not in graph.inputs else "y" if "y" not in graph.inputs else "z"


def _written(x: float, digits: int | None) -> str:
    return exact_text(x) if digits is None else rounded(x, digits)


def _sum(terms: list[tuple[float, str]], digits: int | None) -> str:
    """Write a sum of factors times texts; zeros are left out, ones are not written."""
    text = ""
    for factor, what in terms:
        if factor == 0.0 or (what == "0" and len(terms) > 1):
            continue
        size = abs(factor)
        term = what if size == 1.0 else f"{_written(size, digits)}*{what}"
        if not text:
            text = term if factor > 0 else f"-{term}"
        else:
            text += f" {'+' if factor > 0 else '-'} {term}"
    return text or "0"
