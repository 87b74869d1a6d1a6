"""What equations say of the slopes of their variables: a table, the tangent, and rates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..differentiation.compare import KINK
from ..differentiation.implicit import COLUMNS, Implicit, Slope, Tangent
from ..language.format import at
from ..language.numbers import exact_text, rounded, scientific
from .document import Document, Entries, Facts, Records
from .higher import linear
from .page import Block, Column, Grid, Heading, Lines

SCHEMA = 1


def document(report: Implicit, *, digits: int = 6) -> Document:
    """Return a report to be written; ``digits`` are the significant ones of what people read."""
    return Document(
        page=lambda: _page(report, digits),
        facts=lambda: _facts(report),
        records=lambda: _records(report),
        values=(lambda: (slope.settled for slope in report.slopes)) if report.inputs is not None else None,
    )


def _page(report: Implicit, digits: int) -> Iterator[Block]:
    yield Heading(heading(report, digits))
    yield _grid(report, digits)
    lines = sentences(report, digits)
    if lines:
        yield Lines(lines)


def heading(report: Implicit, digits: int) -> str:
    """Return ``x^2 + y^2 = 25 at x = 3, y = 4``."""
    text = "; ".join(" = ".join(sides) for sides in report.equations.sides)
    return text + at(report.inputs or {}, digits)


def _grid(report: Implicit, digits: int) -> Grid:
    formulas = any(slope.formula for slope in report.slopes)
    columns = [Column("derivative"), *([Column("formula", "formula")] if formulas else [])]
    if report.inputs is not None:
        columns += [*(Column(method, "number") for method in COLUMNS), Column("agree")]
    rows = []
    for slope in report.slopes:
        cells = [slope.name, *([slope.formula or "-"] if formulas else [])]
        if report.inputs is not None:
            cells += [rounded(slope.numbers[method], digits) for method in COLUMNS]
            cells.append("none" if slope.why else slope.verdict.verdict)
        rows.append(cells)
    return Grid(columns, rows)


def sentences(report: Implicit, digits: int) -> list[str]:
    """Return what is to be said below the table."""
    lines = []
    if report.inverted:
        lines += _inverse(report)
    many = len(report.partials) > 1
    for k, partials in enumerate(() if report.inverted else report.partials):
        name = f"F{k + 1}" if many else "F"
        shown = [n for n in report.equations.unknowns if n in partials]
        slopes = ", ".join(f"d{name}/d{n} = {rounded(partials[n], digits)}" for n in shown)
        lines.append(f"{name} is left minus right side{f' of equation {k + 1}' if many else ''}: {slopes}")
    if report.tangent is not None and not report.inverted:
        lines.append(f"tangent: {'; '.join(tangent_texts(report.tangent, digits))}")
    for slope in report.slopes:
        if slope.why and not report.inverted:
            lines.append(f"no {slope.name}: {slope.why}")
        elif slope.verdict.verdict == "kink" and slope.verdict.quotient is not None:
            left, right = (rounded(x, digits) for x in slope.verdict.quotient[3:5])
            lines.append(f"{slope.name}: kink: {left} from the left, {right} from the right")
        elif slope.verdict.verdict in ("rounding", "noisy", "disagree"):
            apart = slope.verdict.difference
            differ = f", methods differ by {scientific(apart, 2)}" if apart is not None else ""
            lines.append(f"{slope.name}: {slope.verdict.verdict}: {slope.verdict.reason}{differ}")
    given = ", ".join(f"d{n}/dt = {rounded(x, digits)}" for n, x in report.given.items())
    for rate in report.rates:
        sides = [f"d{rate.of}/dt", rate.formula, None if rate.value is None else rounded(rate.value, digits)]
        lines.append(f"with {given}: {' = '.join(side for side in sides if side is not None)}")
    return lines


def _inverse(report: Implicit) -> list[str]:
    """Say what the inverse is, and where."""
    forward, back = report.slopes[0], next(s for s in report.slopes[1:] if s.of != report.slopes[0].of)
    x = back.of
    if back.why:
        what = "has a kink" if forward.verdict.verdict == KINK else "is 0"
        return [f"no {back.name}: {forward.name} {what} here, and the inverse has no slope"]
    here = "near this point" if report.inputs is not None else f"wherever {forward.name} is not 0"
    lines = [f"{back.name} = 1/({forward.name}): the inverse, {here}"]
    if report.inverse is not None:
        lines.append(f"{x} = {report.inverse[0]}; {back.name} = {report.inverse[1]}")
    return lines


def tangent_texts(tangent: Tangent, digits: int | None) -> list[str]:
    """Return the tangent by the second variable, where it has a slope, and with both on one side."""
    (x, y), (a, b) = tangent.names, tangent.factors
    texts = []
    if tangent.slope is not None and tangent.offset is not None:
        texts.append(f"{y} = {linear({x: tangent.slope}, tangent.offset, digits)}")
    whole = a.is_integer() and b.is_integer()  # 3*x + 4*y = 25
    if not texts or (a and whole):
        constant = tangent.constant / a if not b else tangent.constant
        left = linear({x: a, y: b}, 0.0, digits) if b else x
        texts.append(f"{left} = {exact_text(constant) if digits is None else rounded(constant, digits)}")
    return texts


# for programs


def _facts(report: Implicit) -> Facts:
    tangent = report.tangent
    return Facts(
        {
            "schema": SCHEMA,
            "expression": report.equations.source.text,
            "equations": [list(sides) for sides in report.equations.sides],
            "inputs": report.inputs,
            "solved": list(report.solved),
            "methods": list(COLUMNS) if report.inputs is not None else [],
            "agree": report.agree,
            "partials": [dict(row) for row in report.partials],
            "tangent": tangent
            and {**tangent._asdict(), "texts": tangent_texts(tangent, None), "names": list(tangent.names)},
            "inverse": report.inverse and dict(zip(("function", "derivative"), report.inverse, strict=True)),
            "rates": {"given": report.given, "found": [rate._asdict() for rate in report.rates]},
            "notes": list(report.notes),
            "derivatives": Entries(_slope(slope) for slope in report.slopes),
        }
    )


def _slope(slope: Slope) -> dict[str, Any]:
    return {
        "name": slope.name,
        "of": slope.of,
        "by": slope.by,
        "order": slope.order,
        "formula": slope.formula,
        "value": slope.settled,
        "methods": slope.numbers,
        "difference": slope.verdict.difference,
        "verdict": "none" if slope.why else slope.verdict.verdict,
        "why": slope.why or slope.verdict.reason,
    }


def _records(report: Implicit) -> Records:
    """Return one row a derivative."""
    header = ["name", "order", "formula", *COLUMNS, "difference", "verdict"]
    rows = (
        [
            s.name,
            s.order,
            s.formula or "",
            *(s.numbers[method] for method in COLUMNS),
            s.verdict.difference,
            "none" if s.why else s.verdict.verdict,
        ]
        for s in report.slopes
    )
    return Records(header, rows)
