"""Blocks for a terminal; plain text where stdout is none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import singledispatch
from textwrap import wrap
from typing import Any

from ...errors import printable
from ..page import (
    Block,
    Cell,
    Column,
    Drawing,
    Fields,
    Grid,
    Heading,
    Line,
    Lines,
    Only,
    Paragraph,
    Section,
    Text,
    plain,
)
from ..terminal import console_for, is_unicode, table_for, trimmed

STYLES = {
    "": "",
    "name": "cyan",
    "formula": "magenta",
    "good": "green",
    "doubt": "yellow",
    "bad": "bold red",
    "strong": "bold",
    "quiet": "dim",
    "empty": "dim",
}
"""Rich's style of a tone."""

_UNBROKEN = "\ue000=\ue000"  # " = " where a line must not be broken, while Rich lays it out
_WHOLE = ("word", "share", "number", "verdict")
_TEXT = 24  # columns that are room enough for a text


def write(blocks: Iterable[Block], *, to_file: bool = False) -> str:
    """Return a page."""
    console = console_for(to_file)
    with console.capture() as captured:
        _print_all(console, blocks)
    return trimmed(captured.get().replace(_UNBROKEN, " = "))


def _print_all(console: Any, blocks: Iterable[Block]) -> None:
    before: Block | None = None
    for block in blocks:
        if isinstance(block, Only):
            if "table" not in block.formats:
                continue
            block = block.block
        near = isinstance(before, Section) or getattr(block, "near", False)
        if before is not None and not near:
            console.print()
        _print(block, console)
        before = block


@singledispatch
def _print(block: Block, console: Any) -> None:
    raise NotImplementedError


@_print.register
def _(block: Heading, console: Any) -> None:
    from rich.text import Text as Rich

    lines = _wrapped(printable(block.text), console.width) if block.hanging else [printable(block.text)]
    for line in lines:
        console.print(Rich(line, "bold"))
    for text in block.below:
        for line in _wrapped(printable(text), console.width):
            console.print(Rich(line))


@_print.register(Lines)
@_print.register(Paragraph)
def _(block: Lines | Paragraph, console: Any) -> None:
    from rich.text import Text as Rich

    for line in block.texts:
        tone = line.tone if isinstance(line, Text) else ""
        style = STYLES[tone or block.tone]
        if block.most is None:
            console.print(_unbroken(line, console, style))
        else:
            for part in _wrapped(printable(plain(line)), min(console.width, block.most)):
                console.print(Rich(part, style))


def _unbroken(line: Line, console: Any, style: str) -> Any:
    """Return a line that Rich may break where it likes, but not before an equals sign."""
    from rich.text import Text as Rich

    found = Rich(style=style)
    for piece in line if isinstance(line, tuple) and not isinstance(line, Text) else (line,):
        own = piece if isinstance(piece, Text) else Text(piece)
        text = printable(own.text)
        if not is_unicode(console):
            text = text.replace("∇", "grad")
        found.append(text.replace(" = ", _UNBROKEN), STYLES[own.tone])
    return found


def _wrapped(text: str, width: int) -> list[str]:
    """Return a sentence in lines, the later ones indented."""
    indent = " " * (len(text) - len(text.lstrip()))
    lines = wrap(
        text.strip(), width, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False
    )
    return lines or [""]


@_print.register
def _(block: Fields, console: Any) -> None:
    for title, value in block.rows:
        console.print(f"{printable(title):>22}  {printable(value)}", soft_wrap=True)


@_print.register
def _(block: Drawing, console: Any) -> None:
    from rich.text import Text as Rich

    console.print(Rich.from_ansi(block.text.rstrip("\n"), no_wrap=True), crop=False, overflow="ignore")


# tables


@_print.register
def _(block: Grid, console: Any) -> None:
    from rich.text import Text as Rich

    fits = console.width >= block.needs if block.needs else _fits(block, None, console.width)
    if block.narrow and not fits:
        _print_all(console, block.narrow)
        return
    if block.title:
        console.print(Rich(printable(block.title)))
    shown = _fitting(block, console.width)
    table = _bare() if block.bare else table_for(console)
    for k in shown:
        column = block.columns[k]
        whole = column.kind in _WHOLE if column.whole is None else column.whole
        table.add_column(
            Rich(printable(column.title)),
            justify="right" if column.kind == "number" else "left",
            no_wrap=whole,
            overflow="ellipsis" if whole else "fold",
            style=STYLES[column.tone],
            min_width=column.floor,
            max_width=None if column.most is None else min(column.most, console.width),
        )
    unicode = is_unicode(console)
    for at, cells in enumerate(block.rows):
        row = cells or ("...", *[""] * (len(block.columns) - 1))
        if block.ruled and at == len(block.rows) - block.ruled:
            table.add_section()
        table.add_row(*(_cell(row[k], block.columns[k], unicode) for k in shown))
    console.print(table)


def _bare() -> Any:
    from rich.table import Table

    return Table.grid(padding=(0, 2, 0, 0))


def _cell(cell: Cell, column: Column, unicode: bool) -> Any:
    from rich.text import Text as Rich

    own = cell if isinstance(cell, Text) else Text(cell)
    text = printable(own.text)
    if column.kind == "verdict" and text == "agree" and unicode:
        text = "✓"
    elif own.tone == "empty":
        text = "·" if unicode else "."
    return Rich(text, STYLES[own.tone])


def _fitting(grid: Grid, width: int) -> list[int]:
    """Return the columns that fit side by side."""
    shown = list(range(len(grid.columns)))
    for k in grid.drop:
        if _fits(grid, shown, width):
            break
        shown.remove(k)
    return shown


def _fits(grid: Grid, shown: Sequence[int] | None, width: int) -> bool:
    """Return whether these columns, or all, have room side by side."""
    shown = range(len(grid.columns)) if shown is None else shown
    return sum(_room(grid, k) for k in shown) + 2 * (len(shown) - 1) <= width


def _room(grid: Grid, k: int) -> int:
    """Return how many columns of a terminal a column of the table needs."""
    column = grid.columns[k]
    widest = max([len(column.title), 1, *(len(plain(row[k])) for row in grid.rows if row)])
    enough = column.least or (_TEXT if column.kind == "text" else widest)
    return min(widest, enough)
