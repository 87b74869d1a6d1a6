"""The registry as a report, and as a page of the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..ops import ALIASES, PRIMITIVES, Primitive
from ..ops.matrices import MatrixRow, at_places, written_rows
from ..ops.tensor import TENSORS, TensorPrimitive
from .document import Document, Entries, Facts, Records
from .page import Block, Cell, Column, Fields, Grid, Lines, Only, Section, Text, Tone
from .writers import write

HEADER = ["primitive", "written", "derivative", "defined", "kinks and conventions", "meaning"]
FOOTER = (
    "y is the value itself, g the slope by the value of what is over arrays",
    "backprop ops NAME shows domain, kinks and conventions",
)
"""Below a list of them."""
DEFINITION = "definition"
"""The column of rows over vectors and matrices, behind how they are written."""


def listed() -> list[Primitive]:
    """Return the primitives over numbers that a user can write."""
    return [row for row in PRIMITIVES.values() if row.infix != ""]


def derivative_text(row: Primitive) -> str:
    """Return the local derivatives as a reader is shown them; of arrays, what comes back to each operand."""
    if not row.local:
        return "1/n for each of the n operands tied for it, else 0"
    if not any(row.local):
        return ""
    over_arrays = isinstance(row, TensorPrimitive) and getattr(row, "number", None) is None
    texts = map(at_places, row.local) if isinstance(row, MatrixRow) else row.local
    parts = [
        f"{'to ' if over_arrays else 'd/d'}{p}: {text or 'none'}" if len(row.params) > 1 else text
        for p, text in zip(row.params, texts, strict=True)
    ]
    return "; ".join(parts)


def convention_text(row: Primitive) -> str:
    """Return where a primitive is not differentiable and what is taken there."""
    return "; ".join(filter(None, (row.kinks and f"kink at {row.kinks}", row.convention)))


def header_of(rows: Sequence[Primitive]) -> list[str]:
    """Return the titles of what `op_row` says of primitives."""
    return [*HEADER[:2], DEFINITION, *HEADER[2:]] if any(isinstance(r, MatrixRow) for r in rows) else HEADER


def op_row(row: Primitive, header: Sequence[str] = HEADER) -> list[str]:
    """Return one primitive as texts, in the order of a header."""
    aliases = [a for a, name in ALIASES.items() if name == row.name]
    written = row.signature + "".join(f", {a}({', '.join(row.params)})" for a in aliases)
    definition = row.entry if isinstance(row, MatrixRow) else row.means
    texts = [row.name, written, derivative_text(row), row.defined, convention_text(row), row.says]
    return [*texts[:2], definition, *texts[2:]] if DEFINITION in header else texts


def op_dict(row: Primitive) -> dict[str, Any]:
    """Return one primitive for JSON."""
    return {
        "name": row.name,
        "signature": row.signature,
        **({"definition": row.entry} if isinstance(row, MatrixRow) else {}),
        "arity": list(row.arity),
        "params": list(row.params),
        "defaults": list(row.defaults),
        "aliases": [a for a, name in ALIASES.items() if name == row.name],
        "derivatives": [text or None for text in row.local],
        "defined": row.defined,
        "kinks": row.kinks,
        "convention": row.convention,
        "says": row.says,
    }


def document(
    rows: Sequence[Primitive], *, detailed: bool = False, below: Sequence[Primitive] = ()
) -> Document:
    """Return primitives to be written.

    Args:
        rows: Which.
        detailed: A block each instead of a table.
        below: Those of a group of its own, in a terminal alone.
    """

    def page() -> Iterator[Block]:
        yield from _page(rows, detailed)
        if below:
            yield Only(("table",), Section("Over vectors and matrices"))
            yield from (block for block in _page(below, detailed) if "table" in getattr(block, "formats", ()))
        if not detailed:
            yield Only(("table",), Lines(FOOTER, most=None))

    return Document(
        page=page,
        facts=lambda: Facts(Entries(map(op_dict, rows))),
        records=lambda: Records(header_of(rows), (op_row(row, header_of(rows)) for row in rows)),
    )


def _page(rows: Sequence[Primitive], detailed: bool) -> Iterator[Block]:
    header = header_of(rows)
    cells = [op_row(row, header) for row in rows]
    code = len(header) - 3  # prose follows
    columns = [Column(title, "code" if k < code else "prose") for k, title in enumerate(header)]
    yield Only(("markdown", "latex"), Grid(columns, cells))
    if detailed:
        for row in cells:
            fields = [(title, cell) for title, cell in zip(header, row, strict=True) if cell]
            yield Only(("table",), Fields(fields))
        return

    last = len(header) - 1
    shown: tuple[tuple[int, Tone], ...] = ((1, "name"), (last - 3, "formula"), (last, ""))
    groups: dict[str, list[list[Cell]]] = {}
    for op, texts in zip(rows, cells, strict=True):
        groups.setdefault(op.group, []).append([Text(texts[k], tone) for k, tone in shown])
    for title, listed in groups.items():
        if title:
            yield Only(("table",), Section(title))
        yield Only(("table",), Grid([columns[k] for k, _ in shown], listed))


def primitives_page() -> str:
    """Return ``docs/primitives.md``."""
    return (
        "# Primitives\n\n"
        "Generated from the registry by `backprop ops --format markdown`; "
        "`y` is the value of the primitive.\n\n" + write(document(listed()), "markdown") + "\n"
        "## Vectors and matrices\n\n"
        "What programs with [arrays](arrays.md) are made of besides; `backprop ops --arrays` lists them. "
        "`g` is the slope by the value `y`, and what comes back of it to each operand stands there number by "
        "number, or in matrix notation.\n\n" + write(document(written_rows()), "markdown") + "\n"
        "## Tensor primitives\n\n"
        "What layers and losses are lowered to, beside the elementwise ones above; `backprop ops --tensors` "
        "lists them. They cannot be written in an expression. "
        "`g` is the slope by the result; the derivative is what comes back of it to each operand.\n\n"
        + write(document([*TENSORS.values()]), "markdown")
    )
