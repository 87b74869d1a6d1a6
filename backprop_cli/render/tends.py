"""What a function tends to: its numbers from both sides, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from math import isinf
from typing import Any

from ..differentiation.tends import Side, Tends
from ..language.format import output_text
from ..language.numbers import brief, column, exact_text
from .document import Document, Entries, Facts, Records
from .page import Block, Column, Grid, Heading, Lines

SCHEMA = 1


def document(report: Tends, *, digits: int = 8) -> Document:
    """Return a report to be written; ``digits`` are the significant ones of what people read."""
    return Document(
        page=lambda: _page(report, digits), facts=lambda: _facts(report), records=lambda: _records(report)
    )


def _page(report: Tends, digits: int) -> Iterator[Block]:
    at = "".join(f", {n} = {brief(x, 6)}" for n, x in report.inputs.items())
    yield Heading(f"{output_text(report.graph)} as {report.name} goes to {_number(report.x)}{at}")
    f, x = report.graph.function, report.name
    far = isinf(report.x)
    places = [f"{f}({x})"] if far else [f"{f}({x}-h)", f"{f}({x}+h)"]
    cells = [column([row[k] for row in report.rows], digits) for k in ((1,) if report.x > 0 else (2,))]
    if not far:
        cells = [column([row[k] for row in report.rows], digits) for k in (1, 2)]
    sign = "-" if far and report.x < 0 else ""
    first = [f"{sign}{_power(row[0])}" for row in report.rows]
    titles = [Column(x if far else "h", "number"), *(Column(place, "number") for place in places)]
    yield Grid(titles, list(zip(first, *cells, strict=True)))
    yield Lines(sentences(report))


def _power(h: float) -> str:
    return f"1e{int(f'{h:e}'.partition('e')[2])}"


def _number(x: float) -> str:
    return ("infinity" if x > 0 else "-infinity") if isinf(x) else exact_text(x)


def sentences(report: Tends) -> list[str]:
    """Return the verdict, and what the witnesses say."""
    f, place = report.graph.function, f"{report.name} goes to {_number(report.x)}"
    lines = [report.reason] if report.reason else []
    sides = [("below", report.below), ("above", report.above)]
    there = [(way, side) for way, side in sides if side is not None]
    if report.kind in ("limit", "infinite") and report.limit is not None:
        way = "" if isinf(report.x) else f", from {'both sides' if len(there) == 2 else there[0][0]}"
        lines.append(f"{f} tends to {_said(there[0][1])} as {place}{way}")
    elif report.kind == "one-sided":
        way, side = there[0]
        other = "above" if way == "below" else "below"
        lines.append(f"{f} tends to {_said(side)} as {place} from {way}; it has no value {other}")
    elif report.kind == "differ":
        both = " and ".join(f"{_said(side)} from {way}" for way, side in there)
        lines.append(f"no limit: {f} tends to {both}")
    elif report.kind == "none":
        lines.append(f"no limit was found: {_restless(f, there)}")
    else:
        said = [f"{_witnesses(side)}{_from(report, way)}" for way, side in there]
        lines.append(f"no limit is stated: {'; '.join(said)}")
    if report.kind in ("limit", "one-sided", "infinite", "differ"):
        near = "up to 1e60" if isinf(report.x) else "at distances down to 1e-60"
        lines.append(f"SymPy's limit and numbers {near} agree")
    return lines


def _from(report: Tends, way: str) -> str:
    return "" if isinf(report.x) else f" from {way}"


def _said(side: Side) -> str:
    """Return a limit on which the witnesses agree: exact, and as a decimal where that is another text."""
    assert side.agreed is not None
    number = _number(side.agreed)
    if side.text is None or side.text == number or isinf(side.agreed):
        return number
    return f"{side.text} = {brief(side.agreed, 10)}"


def _restless(f: str, sides: list[tuple[str, Side]]) -> str:
    _, side = next((way, side) for way, side in sides if side.agreed is None)
    if side.low is None or side.high is None:
        return f"{f} has values here and there only"
    return f"the nearest values of {f} still lie between {brief(side.low, 3)} and {brief(side.high, 3)}"


def _witnesses(side: Side) -> str:
    numbers = "settle on nothing" if side.number is None else f"tend to {_number(side.number)}"
    symbolic = "has no answer" if side.symbolic is None else f"says {_number(side.symbolic)}"
    return f"the numbers {numbers} and SymPy {symbolic}"


# for programs


def _facts(report: Tends) -> Facts:
    return Facts(
        {
            "schema": SCHEMA,
            "expression": report.graph.source.text,
            "input": report.name,
            "x": _value(report.x),
            "inputs": report.inputs,
            "verdict": report.kind,
            "limit": _value(report.limit),
            "reason": report.reason,
            "says": "; ".join(sentences(report)),
            "below": _side(report.below),
            "above": _side(report.above),
            "notes": list(report.notes),
            "rows": Entries(
                {"h": h, "below": _value(below), "above": _value(above)} for h, below, above in report.rows
            ),
        }
    )


def _value(x: float | None) -> float | str | None:
    """Return a number, or an infinity as a word: JSON has none."""
    return ("+infinity" if x > 0 else "-infinity") if x is not None and isinf(x) else x


def _side(side: Side | None) -> dict[str, Any] | None:
    if side is None:
        return None
    found = {name: _value(x) for name, x in (("numbers", side.number), ("symbolic", side.symbolic))}
    return {**found, "exact": side.text, "lowest": _value(side.low), "highest": _value(side.high)}


def _records(report: Tends) -> Records:
    """Return one row a distance."""
    return Records(["h", "below", "above"], (list(row) for row in report.rows))
