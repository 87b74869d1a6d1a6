"""An equation differentiated on paper: both sides, the slope collected, solved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..differentiation.implicit import Implicit
from ..explanation.expr import Expr
from ..explanation.steps import Sides
from .document import Document, Facts
from .explain_lines import equal, is_simpler, step_rows
from .forms import Formula, Symbols, Value, Words
from .page import Block, Equations, Heading, Row, Section
from .written import Style, expression


def document(told: Sides, report: Implicit, *, digits: int = 6) -> Document:
    """Return an equation's derivative to be written.

    Args:
        told: The steps on paper.
        report: The slope by every method.
        digits: Significant digits of numbers.
    """
    return Document(page=lambda: _page(told, report, digits), facts=lambda: _facts(told, report))


def _page(told: Sides, report: Implicit, digits: int) -> Iterator[Block]:
    from .implicit import heading

    yield Heading(heading(report, digits))
    yield Section(f"Derivative of {told.of} by {told.by}: both sides by {told.by}, {told.of} as its function")
    slope, (found, *_) = Symbols(told.slope), report.slopes
    rows = []
    for steps in told.steps:
        rows += step_rows(steps)
    rows.append(Row(Words("both sides"), (equal(*map(Symbols, told.equation)),)))
    rows.append(Row(Words(f"collect d{told.of}/d{told.by}"), (equal(*map(Symbols, told.collected)),)))
    rows.append(Row(Words("solve"), (equal(slope, Symbols(told.solved)),)))
    solved = expression(told.solved, Style(None, symbols=True))
    if found.formula is not None and not found.why and is_simpler(found.formula, solved):
        rows.append(Row(Words("simplified"), (equal(slope, Formula(found.formula)),)))
    if found.settled is not None:
        rows.append(Row(Words("at this point"), (equal(slope, Value(found.settled)),)))
    if found.why:
        rows.append(Row(remark=f"no {found.name}: {found.why}"))
    yield Equations(rows, digits, alone=True)


def _facts(told: Sides, report: Implicit) -> Facts:
    plain = Style(None, symbols=True)

    def texts(forms: Sequence[Expr]) -> list[str]:
        return [expression(e, plain) for e in forms]

    (found, *_) = report.slopes
    return Facts(
        {
            "schema": 1,
            "expression": report.equations.source.text,
            "inputs": report.inputs,
            "of": told.of,
            "by": told.by,
            "steps": [
                {
                    "side": side,
                    "rule": s.rule,
                    "depth": s.depth,
                    "forms": [expression(f, plain) for f in s.forms],
                }
                for side, steps in zip(("left", "right"), told.steps, strict=True)
                for s in steps
            ],
            "both_sides": texts(told.equation),
            "collected": texts(told.collected),
            "solved": expression(told.solved, plain),
            "formula": found.formula,
            "value": found.settled,
            "why": found.why,
        }
    )
