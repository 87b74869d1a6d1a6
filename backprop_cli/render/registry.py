"""The registry as a report, and as a page of the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..ops import ALIASES, PRIMITIVES, Primitive
from ..ops.tensor import TENSORS
from .document import Document, Entries, Facts, Records
from .page import Block, Column, Fields, Grid, Kind, Lines, Only, Text, Tone
from .writers import write

HEADER = ["primitive", "written", "derivative", "defined", "kinks and conventions", "meaning"]


def listed() -> list[Primitive]:
    """Return the primitives that a user can write."""
    return [row for row in PRIMITIVES.values() if row.infix != ""]


def derivative_text(row: Primitive) -> str:
    """Return the local derivatives as a reader is shown them; of arrays, what comes back to each operand."""
    if not row.local:
        return "1/n for each of the n operands tied for it, else 0"
    parts = [
        f"{'to ' if row.name in TENSORS else 'd/d'}{p}: {text or 'none'}" if len(row.params) > 1 else text
        for p, text in zip(row.params, row.local, strict=True)
    ]
    return "; ".join(parts)


def convention_text(row: Primitive) -> str:
    """Return where a primitive is not differentiable and what is taken there."""
    return "; ".join(filter(None, (row.kinks and f"kink at {row.kinks}", row.convention)))


def op_row(row: Primitive) -> list[str]:
    """Return one primitive as texts, in the order of `HEADER`."""
    aliases = [a for a, name in ALIASES.items() if name == row.name]
    written = row.signature + "".join(f", {a}({', '.join(row.params)})" for a in aliases)
    return [row.name, written, derivative_text(row), row.defined, convention_text(row), row.says]


def op_dict(row: Primitive) -> dict[str, Any]:
    """Return one primitive for JSON."""
    return {
        "name": row.name,
        "signature": row.signature,
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


def document(rows: Sequence[Primitive], *, detailed: bool = False) -> Document:
    """Return primitives to be written.

    Args:
        rows: Which.
        detailed: A block each instead of a table.
    """
    return Document(
        page=lambda: _page(rows, detailed),
        facts=lambda: Facts(Entries(map(op_dict, rows))),
        records=lambda: Records(HEADER, map(op_row, rows)),
    )


def _page(rows: Sequence[Primitive], detailed: bool) -> Iterator[Block]:
    cells = [op_row(row) for row in rows]
    kinds: list[Kind] = ["code", "code", "code", "prose", "prose", "prose"]
    columns = [Column(title, kind) for title, kind in zip(HEADER, kinds, strict=True)]
    yield Only(("markdown", "latex"), Grid(columns, cells))
    if detailed:
        for row in cells:
            fields = [(title, cell) for title, cell in zip(HEADER, row, strict=True) if cell]
            yield Only(("table",), Fields(fields))
        return

    def grid(*shown: int) -> Grid:
        tones: dict[int, Tone] = {1: "name", 2: "formula"}
        toned = [[Text(row[k], tones.get(k, "")) for k in shown] for row in cells]
        return Grid([columns[k] for k in shown], toned)

    note = Lines(["backprop ops NAME shows domain, kinks and conventions"], most=None)
    yield Only(("table",), grid(1, 2, 3, 4, 5).replace(needs=130, narrow=(grid(1, 2, 5), note)))


def primitives_page() -> str:
    """Return ``docs/primitives.md``."""
    return (
        "# Primitives\n\n"
        "Generated from the registry by `backprop ops --format markdown`; "
        "`y` is the value of the primitive.\n\n" + write(document(listed()), "markdown") + "\n"
        "## Tensor primitives\n\n"
        "What layers and losses are lowered to, beside the elementwise ones above; `backprop ops --tensors` "
        "lists them. They cannot be written in an expression. "
        "`g` is the slope by the result; the derivative is what comes back of it to each operand.\n\n"
        + write(document([*TENSORS.values()]), "markdown")
    )
