"""Values and slopes at many points, all in memory: the document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isnan
from typing import Any

from ..language.numbers import rounded
from .document import Document, Entries, Facts, Records
from .page import Block, Cell, Column, Grid, Heading, Lines

SHOWN = 8
"""Rows at each end that people see of more."""


def document(
    table: Mapping[str, Any], errors: Mapping[int, str], warnings: Sequence[str] = (), *, digits: int = 6
) -> Document:
    """Return columns of numbers to be written.

    Args:
        table: An array a column, all of one length; nan where there is no number.
        errors: Row to why it has no answer.
        warnings: What people should know.
        digits: Significant digits of what people read.
    """
    rows = len(next(iter(table.values())))
    names = [*table, "error"]

    def row(k: int) -> list[Any]:
        return [*(None if isnan(x) else x for x in (float(c[k]) for c in table.values())), errors.get(k)]

    def page() -> Iterator[Block]:
        told = f"{rows:,} point{'s' if rows != 1 else ''}"
        yield Heading(told + (f", {len(errors):,} without an answer" if errors else ""))
        some = range(rows) if rows <= 2 * SHOWN else [*range(SHOWN), None, *range(rows - SHOWN, rows)]
        shown: list[list[Cell]] = []
        for k in some:
            *numbers, reason = row(k) if k is not None else [None]
            cells: list[Cell] = [rounded(x, digits) for x in numbers]  # none are a gap
            shown.append(cells + ([reason or ""] if errors and k is not None else []))
        columns = [Column(name, "number") for name in table] + ([Column("error", "prose")] if errors else [])
        yield Grid(columns, shown)
        if warnings:
            yield Lines([f"warning: {warning}" for warning in warnings])

    return Document(
        page=page,
        facts=lambda: Facts(Entries(dict(zip(names, row(k), strict=True)) for k in range(rows))),
        records=lambda: Records(names, map(row, range(rows))),
    )
