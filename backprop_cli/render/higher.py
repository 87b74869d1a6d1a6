"""Derivatives beyond the gradient: a table and what it says; and tangent planes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from math import hypot
from typing import Any

from ..differentiation.higher import Derivative, Higher, Tangent
from ..differentiation.stationary import (
    FLAT,
    INFLECTION,
    MAXIMUM,
    MINIMUM,
    SADDLE,
    UNDECIDED,
    Stationary,
)
from ..language.format import headline
from ..language.numbers import exact_text, rounded, scientific
from ..language.operators import PRODUCT
from ..language.written import OURS, Piece, atom, behind, number, signed, spell
from .document import Document, Entries, Facts, Records
from .forms import Formula
from .page import Block, Column, Equation, Equations, Grid, Heading, Lines, Row, Section

SCHEMA = 1


def document(report: Higher, *, digits: int = 6) -> Document:
    """Return a report to be written; ``digits`` are the significant ones of what people read."""
    return Document(
        page=lambda: _page(report, digits),
        facts=lambda: _facts(report),
        records=lambda: _records(report),
        values=(lambda: (row.settled for row in report.rows)) if report.point is not None else None,
    )


def _page(report: Higher, digits: int) -> Iterator[Block]:
    yield Heading(headline(report.graph, report.value, report.inputs, digits))
    yield _grid(report, digits)
    lines = sentences(report, digits)
    if lines:
        yield Lines(lines)
    if report.taylor is not None:
        yield Section("Taylor polynomial")
        yield Equations([Row(None, (Equation((Formula(polynomial(report, digits)),)),))], digits)


def _grid(report: Higher, digits: int) -> Grid:
    """Return a row a derivative."""
    formulas = any(row.formula for row in report.rows)
    judged = len(report.methods) > 1
    columns = [Column("derivative")]
    columns += [Column("formula", "formula")] if formulas else []
    columns += [Column(method, "number") for method in report.methods]
    columns += [Column("agree")] if judged else []
    rows = []
    for row in report.rows:
        cells = [row.name, *([row.formula or "-"] if formulas else [])]
        cells += [rounded(row.numbers[method], digits) for method in report.methods]
        rows.append([*cells, row.verdict] if judged else cells)
    return Grid(columns, rows)


def sentences(report: Higher, digits: int) -> list[str]:
    """Return what is to be said below the table."""
    lines = []
    if report.direction is not None:
        length = hypot(*report.direction.values())
        moves = ", ".join(f"{n} by {rounded(x, digits)}" for n, x in report.direction.items())
        lines.append(f"t moves {moves}: a direction of length {rounded(length, digits)}")
        slope = report.rows[0].settled
        if slope is not None and abs(length - 1.0) > 1e-12:
            lines.append(f"slope for a step of length 1: {rounded(slope / length, digits)}")
    if report.is_hessian and report.inputs is not None:
        rows = [f"[{', '.join(rounded(x, digits) for x in row.values())}]" for row in report.hessian.values()]
        lines.append(f"Hessian by {', '.join(report.wrt)}: [{', '.join(rows)}]")
    if report.stationary is not None:
        lines += _stationary(report, report.stationary, digits)
    for row in report.rows:
        if row.sides is not None:
            left, right = (rounded(x, digits) for x in row.sides)
            lines.append(
                f"{row.name}: kink: {left} from the left, {right} from the right"
                if left != right
                else f"{row.name}: kink: the slope jumps here"
            )
        elif row.verdict in ("rounding", "disagree") and row.difference is not None:
            lines.append(f"{row.name}: {row.verdict}: methods differ by {scientific(row.difference, 2)}")
    return lines


def _stationary(report: Higher, found: Stationary, digits: int) -> list[str]:
    """Say what second derivatives tell of the point."""
    lines = []
    if report.is_hessian and found.eigenvalues is not None:
        values = ", ".join(rounded(x, digits) for x in found.eigenvalues)
        lines.append(f"eigenvalues: {values}")
    slopes = ", ".join(rounded(x, digits) for x in found.gradient.values())
    gradient = f"the gradient is [{slopes}]" if len(found.gradient) > 1 else f"the slope is {slopes}"
    if found.kind is None:
        return [*lines, f"not a stationary point: {gradient}"]
    zero = gradient if any(found.gradient.values()) else gradient.partition(" is ")[0] + " is 0"
    others = [n for n in report.inputs or () if n not in found.gradient]
    way = f" along {', '.join(found.gradient)}" if others else ""
    what = (
        UNDECIDED if found.kind == UNDECIDED else f"{'an' if found.kind == INFLECTION else 'a'} {found.kind}"
    )
    return [*lines, f"{what}{way}: {zero}, and {_why(found)}"]


def _why(found: Stationary) -> str:
    """Return what the second derivatives, or later ones, say."""
    values = found.eigenvalues
    if found.kind == UNDECIDED and found.why != FLAT:
        return found.why
    assert values is not None
    single = len(values) == 1
    if found.kind == SADDLE:
        return "the eigenvalues have both signs"
    if found.kind in (MINIMUM, MAXIMUM) and all(values):
        side = "above" if found.kind == MINIMUM else "below"
        return f"the second derivative is {side} 0" if single else f"all eigenvalues are {side} 0"
    if found.kind == UNDECIDED:
        return "the second derivative is 0" if single else FLAT
    order = "odd" if found.kind == INFLECTION else "even"
    return f"the first derivative that is not 0 is of {order} order"


def polynomial(report: Higher, digits: int | None = None) -> str:
    """Return the Taylor polynomial as an expression of our language, ``1 + 2*(x - 1)``."""
    assert report.taylor is not None
    assert report.inputs is not None
    total: Piece | None = None
    for term in report.taylor:
        minus = term.coefficient < 0
        factors = []
        for name, power in term.powers.items():
            moved = _moved(name, report.inputs[name], digits)
            factors.append(moved if power == 1 else spell(OURS, "power", [moved, number(str(power))]))
        size = (
            _number(abs(term.coefficient), digits)
            if term.exact is None
            else number(str(abs(term.exact.numerator)))
        )
        if size.text != "1" or not factors:
            factors.insert(0, size)
        written = reduce(lambda a, b: spell(OURS, "multiply", [a, b]), factors)
        if term.exact is not None and term.exact.denominator != 1:
            written = spell(OURS, "divide", [written, number(str(term.exact.denominator))])
        if total is None:
            total = signed(("-", behind(written, PRODUCT).parts)) if minus else written
        else:
            total = spell(OURS, "subtract" if minus else "add", [total, written])
    return total.text if total else "0"


def _moved(name: str, x: float, digits: int | None) -> Piece:
    """Return ``x - 2``: by how much an input has moved."""
    if not x:
        return atom(name)
    return spell(OURS, "subtract" if x > 0 else "add", [atom(name), _number(abs(x), digits)])


# for programs


def _facts(report: Higher) -> Facts:
    return Facts(
        {
            "schema": SCHEMA,
            "expression": report.graph.source.text,
            "output": report.graph.own_name(report.graph.output),
            "value": report.value,
            "inputs": report.inputs,
            "order": report.order,
            "direction": report.direction,
            "wrt": list(report.wrt),
            "hessian": report.hessian if report.is_hessian and report.inputs is not None else None,
            "stationary": report.stationary and report.stationary._asdict(),
            **({} if report.taylor is None else {"taylor": _taylor(report)}),
            "methods": list(report.methods),
            "agree": report.agree,
            "warnings": [*report.notes, *report.warnings],
            "derivatives": Entries(_derivative(report, row) for row in report.rows),
        }
    )


def _taylor(report: Higher) -> dict[str, Any]:
    assert report.taylor is not None
    return {
        "polynomial": polynomial(report),
        "terms": [
            {
                "powers": term.powers,
                "coefficient": term.coefficient,
                "exact": None if term.exact is None else str(term.exact),
            }
            for term in report.taylor
        ],
    }


def _derivative(report: Higher, row: Derivative) -> dict[str, Any]:
    return {
        "name": row.name,
        "order": len(row.along),
        "by": [weights[0][0] for weights in row.along] if report.direction is None else None,
        "formula": row.formula,
        "value": row.settled,
        "methods": row.numbers,
        "difference": row.difference,
        "verdict": row.verdict,
        "left": row.sides[0] if row.sides else None,
        "right": row.sides[1] if row.sides else None,
    }


def _records(report: Higher) -> Records:
    """Return one row a derivative."""
    header = ["name", "order", "formula", *report.methods, "difference", "verdict"]
    rows = (
        [
            row.name,
            len(row.along),
            row.formula or "",
            *(row.numbers[method] for method in report.methods),
            row.difference,
            row.verdict,
        ]
        for row in report.rows
    )
    return Records(header, rows)


# tangents


def tangent_dict(tangent: Tangent) -> dict[str, str]:
    """Return a tangent for JSON, with all digits."""
    return {
        "kind": tangent.kind,
        "at_the_point": tangent_text(tangent),
        "multiplied_out": multiplied_out(tangent),
    }


def tangent_sentences(tangent: Tangent, digits: int) -> list[str]:
    """Return a tangent for people, rounded."""
    return [
        f"tangent {tangent.kind}: {tangent_text(tangent, digits)}",
        f"multiplied out: {multiplied_out(tangent, digits)}",
    ]


def tangent_text(tangent: Tangent, digits: int | None = None) -> str:
    """Return ``y = 6 + 5*(x - 2)``, an expression of our language."""
    terms = [(1.0, _number(tangent.value, digits))]
    for name, slope in tangent.slopes.items():
        terms.append((slope, _moved(name, tangent.at[name], digits)))
    return f"{tangent.output} = {_sum(terms, digits)}"


def multiplied_out(tangent: Tangent, digits: int | None = None) -> str:
    """Return ``y = 5*x - 4``."""
    return f"{tangent.output} = {linear(tangent.slopes, tangent.constant, digits)}"


def linear(factors: Mapping[str, float], constant: float, digits: int | None = None) -> str:
    """Return ``5*x - 4``."""
    terms = [(factor, atom(name)) for name, factor in factors.items()]
    if constant:
        sign = 1.0 if constant > 0 else -1.0
        terms.append((sign, _number(abs(constant), digits)))
    return _sum(terms, digits)


def _number(x: float, digits: int | None) -> Piece:
    return number(exact_text(x) if digits is None else rounded(x, digits))


def _sum(terms: list[tuple[float, Piece]], digits: int | None) -> str:
    """Write a sum of factors times texts; zeros are left out, ones are not written."""
    total: Piece | None = None
    for factor, what in terms:
        if factor == 0.0 or (what.text == "0" and len(terms) > 1):
            continue
        size = abs(factor)
        term = what if size == 1.0 else spell(OURS, "multiply", [_number(size, digits), what])
        if total is not None:
            total = spell(OURS, "add" if factor > 0 else "subtract", [total, term])
        else:
            total = term if factor > 0 else signed(("-", behind(term, PRODUCT).parts))
    return total.text if total else "0"
