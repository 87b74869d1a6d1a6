"""The registry as a table, as data, and as a page of the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..ops import ALIASES, PRIMITIVES, Primitive
from ..ops.tensor import TENSORS
from .writers.markdown import table as markdown_table

HEADER = ["primitive", "written", "derivative", "defined", "kinks and conventions", "meaning"]


def listed() -> list[Primitive]:
    """Return the primitives that a user can write."""
    return [row for row in PRIMITIVES.values() if row.infix != ""]


def derivative_text(row: Primitive) -> str:
    """Return the local derivatives as a reader is shown them."""
    if not row.local:
        return "1/n for each of the n operands tied for it, else 0"
    parts = [
        f"d/d{p}: {text or 'none'}" if len(row.params) > 1 else text
        for p, text in zip(row.params, row.local, strict=True)
    ]
    return "; ".join(parts)


def convention_text(row: Primitive) -> str:
    """Return where a primitive is not differentiable and what is taken there."""
    return "; ".join(filter(None, (row.kinks and f"kink at {row.kinks}", row.convention)))


def op_row(row: Primitive) -> list[str]:
    """Return one primitive as texts, in the order of `HEADER`."""
    aliases = [a for a, name in ALIASES.items() if name == row.name]
    written = row.signature + "".join(f", {row.signature.replace(row.name, a)}" for a in aliases)
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


def render_ops(
    rows: Sequence[Primitive], format_: str, *, detailed: bool = False, to_file: bool = False
) -> str:
    """Return primitives as text.

    Args:
        rows: Which.
        format_: ``table``, ``json``, ``csv``, ``tsv`` or ``markdown``.
        detailed: A block each instead of a table.
        to_file: The text goes to a file, not to stdout.
    """
    cells = [op_row(row) for row in rows]
    if format_ == "json":
        from json import dumps

        return "[\n" + ",\n".join(dumps(op_dict(row)) for row in rows) + "\n]\n"
    if format_ in ("csv", "tsv"):
        import csv
        from io import StringIO

        stream = StringIO()
        writer = csv.writer(stream, delimiter="," if format_ == "csv" else "\t", lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(cells)
        return stream.getvalue()
    if format_ == "markdown":
        quoted = [[f"`{c}`" if i < 3 else c for i, c in enumerate(row)] for row in cells]
        return markdown_table(HEADER, quoted, [False] * len(HEADER))
    if detailed:
        blocks = []
        for c in cells:
            blocks.append("\n".join(f"{t:>22}  {v}" for t, v in zip(HEADER, c, strict=True) if v))
        return "\n\n".join(blocks) + "\n"
    from rich.text import Text

    from .terminal import console_for, table_for, trimmed

    console = console_for(to_file)
    table = table_for(console)
    # on a narrow terminal `backprop ops NAME` has the rest
    shown = [1, 2, 3, 4, 5] if console.width >= 130 else [1, 2, 5]
    for i in shown:
        table.add_column(HEADER[i], overflow="fold")
    for c in cells:
        table.add_row(*(Text(c[i], style="cyan" if i == 1 else "magenta" if i == 2 else "") for i in shown))
    with console.capture() as captured:
        console.print(table)
        if len(shown) < 5:
            console.print()
            console.print("backprop ops NAME shows domain, kinks and conventions")
    return trimmed(captured.get())


def primitives_page() -> str:
    """Return ``docs/primitives.md``."""
    return (
        "# Primitives\n\n"
        "Generated from the registry by `backprop ops --format markdown`; "
        "`y` is the value of the primitive.\n\n" + render_ops(listed(), "markdown") + "\n"
        "## Tensor primitives\n\n"
        "What layers and losses are lowered to, beside the elementwise ones above; `backprop ops --tensors` "
        "lists them. They cannot be written in an expression.\n\n"
        + render_ops([*TENSORS.values()], "markdown")
    )
