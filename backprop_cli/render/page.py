"""Pages of headings, tables and sentences: for a terminal, in Markdown, in LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import printable
from .latex import number_to_latex, text_to_latex
from .people import markdown_table, markdown_text
from .terminal import console_for, table_for, trimmed

WIDEST = 100
"""Sentences are no wider than that, however wide the terminal."""

_NUMBER = re.compile(r"-?\d[\d.]*(e[+-]?\d+)?")


class Heading(NamedTuple):
    """A line that stands out."""

    text: str


class Grid(NamedTuple):
    """A table of texts.

    Attributes:
        header: Titles.
        rows: Cells.
        numeric: Which columns hold numbers.
        drop: Columns that go first where the terminal is too narrow for all.
        styles: Style by column, for a terminal.
    """

    header: list[str]
    rows: list[list[str]]
    numeric: list[bool]
    drop: tuple[int, ...] = ()
    styles: dict[int, str] = {}  # noqa: RUF012 - never changed


class Lines(NamedTuple):
    """Sentences, a line each.

    Attributes:
        texts: The sentences.
        style: For a terminal.
    """

    texts: list[str]
    style: str = ""


class Drawing(NamedTuple):
    """Text of a terminal's chart; other formats leave it out."""

    text: str


Block = Heading | Grid | Lines | Drawing


def render(blocks: Sequence[Block], format_: str, *, to_file: bool = False) -> str:
    """Return a page as text.

    Args:
        blocks: From top to bottom.
        format_: ``table``, ``markdown`` or ``latex``.
        to_file: The text goes to a file, not to stdout.
    """
    if format_ == "markdown":
        return "\n".join(_markdown(block) for block in blocks if not isinstance(block, Drawing))
    if format_ == "latex":
        return "\n".join(_latex(block) for block in blocks if not isinstance(block, Drawing))
    return _terminal(blocks, to_file)


def _terminal(blocks: Sequence[Block], to_file: bool) -> str:
    from rich.text import Text

    console = console_for(to_file)
    with console.capture() as captured:
        for i, block in enumerate(blocks):
            if i:
                console.print()
            if isinstance(block, Heading):
                console.print(Text(printable(block.text), style="bold"))
            elif isinstance(block, Lines):
                for text in block.texts:
                    for line in _wrapped(printable(text), min(console.width, WIDEST)):
                        console.print(Text(line, style=block.style))
            elif isinstance(block, Drawing):
                console.print(
                    Text.from_ansi(block.text.rstrip("\n"), no_wrap=True), crop=False, overflow="ignore"
                )
            else:
                shown = _fitting(block, console.width)
                table = table_for(console)
                for k in shown:
                    table.add_column(
                        Text(printable(block.header[k])),
                        justify="right" if block.numeric[k] else "left",
                        no_wrap=block.numeric[k],
                        overflow="ellipsis" if block.numeric[k] else "fold",
                        style=block.styles.get(k, ""),
                    )
                for row in block.rows:
                    table.add_row(*(Text(printable(row[k])) for k in shown))
                console.print(table)
    return trimmed(captured.get())


def _wrapped(text: str, width: int) -> list[str]:
    """Return a sentence in lines, the later ones indented."""
    from textwrap import wrap

    indent = " " * (len(text) - len(text.lstrip()))
    lines = wrap(
        text.strip(), width, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False
    )
    return lines or [""]


def _fitting(grid: Grid, width: int) -> list[int]:
    """Return the columns that fit side by side."""
    widths = [
        max(len(title), *(len(row[k]) for row in grid.rows), 1) if grid.rows else len(title)
        for k, title in enumerate(grid.header)
    ]
    shown = list(range(len(grid.header)))
    for k in grid.drop:
        least = sum(widths[i] if grid.numeric[i] else min(widths[i], 24) for i in shown)
        if least + 2 * (len(shown) - 1) <= width:
            break
        shown.remove(k)
    return shown


def _markdown(block: Heading | Grid | Lines) -> str:
    if isinstance(block, Heading):
        return f"**{markdown_text(block.text)}**\n"
    if isinstance(block, Lines):
        return "".join(f"{markdown_text(text)}  \n" for text in block.texts)
    rows = [
        [c if n else markdown_text(c) for c, n in zip(row, block.numeric, strict=True)] for row in block.rows
    ]
    return markdown_table([markdown_text(t) for t in block.header], rows, block.numeric)


def _latex(block: Heading | Grid | Lines) -> str:
    if isinstance(block, Heading):
        return rf"\noindent\textbf{{{text_to_latex(block.text)}}}" + "\n"
    if isinstance(block, Lines):
        return "\\noindent\n" + " \\\\\n".join(text_to_latex(text) for text in block.texts) + "\n"
    columns = "".join("r" if n else "l" for n in block.numeric)
    lines = [
        rf"\begin{{tabular}}{{{columns}}}",
        " & ".join(map(text_to_latex, block.header)) + r" \\ \hline",
    ]
    lines += [" & ".join(map(_latex_cell, row)) + r" \\" for row in block.rows]
    return "\n".join([*lines, r"\end{tabular}", ""])


def _latex_cell(text: str) -> str:
    return f"${number_to_latex(text)}$" if _NUMBER.fullmatch(text) else text_to_latex(text)
