"""What text is shown on: a terminal, by Rich, or a pipe or file, which needs no library."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

PIPE_WIDTH = 100_000
"""Columns of what is no terminal: it is as wide as its content."""


class Styled:
    """A line whose pieces have styles of Rich's.

    Args:
        text: Its first piece.
        style: Of all of it.
    """

    __slots__ = ("pieces", "style")

    def __init__(self, text: str = "", style: str = "") -> None:
        self.style = style
        self.pieces = [(text, "")]

    def append(self, text: str, style: str = "") -> Styled:
        """Add a piece and return the line."""
        self.pieces.append((text, style))
        return self

    def __str__(self) -> str:
        return "".join(text for text, _ in self.pieces)

    def __len__(self) -> int:
        return sum(len(text) for text, _ in self.pieces)


class Table:
    """Rows of cells under titles over a rule.

    Args:
        bare: Without titles and rule.
    Attributes:
        sections: Numbers of the rows before which a gap stands.
    """

    def __init__(self, *, bare: bool = False) -> None:
        self.bare = bare
        self.columns: list[tuple[str, dict[str, Any]]] = []
        self.rows: list[Sequence[Styled]] = []
        self.sections: list[int] = []

    def add_column(self, title: str, **how: Any) -> None:
        """Add a column; ``how`` is as of Rich's ``add_column``."""
        self.columns.append((title, how))

    def add_row(self, *cells: Styled) -> None:
        """Add a row, a cell a column."""
        self.rows.append(cells)

    def add_section(self) -> None:
        """Set the next row apart."""
        self.sections.append(len(self.rows))

    def lines(self) -> list[str] | None:
        """Return the table as plain text; None where a cell is to be broken, or has wide characters."""
        titles = [title for title, _ in self.columns]
        cells = [titles, *([str(cell) for cell in row] for row in self.rows)]
        widths = []
        for (_, how), column in zip(self.columns, zip(*cells, strict=True), strict=True):
            widest = max(map(len, column))
            if widest > (how["max_width"] or PIPE_WIDTH) or not all(map(str.isascii, column)):
                return None
            widths.append(max(widest, how["min_width"] or 0, 1))
        right = [how["justify"] == "right" for _, how in self.columns]
        shown = [
            "  ".join(
                cell.rjust(width) if numeric else cell.ljust(width)
                for cell, width, numeric in zip(row, widths, right, strict=True)
            )
            for row in cells
        ]
        rows = shown[1:]
        for at in reversed(self.sections):
            rows.insert(at, "")
        return rows if self.bare else [shown[0], "-" * (sum(widths) + 2 * len(widths) - 2), *rows]


class Screen:
    """A pipe or a file: plain text, as wide as it is.

    Attributes:
        width: Its columns.
        unicode: Whether line drawing and symbols arrive: a terminal with a Unicode encoding.
        color: Whether colours are wanted.
    """

    width = PIPE_WIDTH
    unicode = False
    color = False

    def __init__(self) -> None:
        self._printed: list[str] = []

    def print(self, line: str | Styled = "", *, breaks: bool = True) -> None:
        """Print a line; a terminal may break it where it is too wide."""
        self._printed.append(f"{line}\n")

    def draw(self, text: str) -> None:
        """Print a drawing, which may have colours."""
        self._printed.append(f"{text}\n")

    def print_table(self, table: Table) -> None:
        """Print a table, narrower where a terminal has no room for it."""
        lines = table.lines()
        if lines is None:
            rich = RichScreen(plain=True)
            rich.print_table(table)
            self._printed.append(rich.text())
        else:
            self._printed += (f"{line}\n" for line in lines)

    def text(self) -> str:
        """Return all that was printed, without the blanks at the ends of lines."""
        return "".join(f"{line.rstrip()}\n" for line in "".join(self._printed).splitlines())


class RichScreen(Screen):
    """A terminal, or what is taken for one.

    Args:
        to_file: The text goes to a file; it has colours only where they are forced.
        plain: No colours, wherever it goes.
    """

    def __init__(self, *, to_file: bool = False, plain: bool = False) -> None:
        super().__init__()
        from io import StringIO

        from rich.console import Console

        self._console = console = Console(
            file=StringIO() if to_file or plain else None,
            force_terminal=False if plain else None,
            markup=False,
            highlight=False,
            emoji=False,
            soft_wrap=False,
        )
        if not (console.is_terminal and getattr(sys.stdout, "isatty", bool)()):
            console.width = PIPE_WIDTH
        self.width = console.width
        self.unicode = console.is_terminal and console.encoding.lower().replace("-", "").startswith("utf")
        self.color = console.color_system is not None and not console.no_color

    def _print(self, what: Any, **how: Any) -> None:
        with self._console.capture() as captured:
            self._console.print(what, **how)
        self._printed.append(captured.get())

    def print(self, line: str | Styled = "", *, breaks: bool = True) -> None:
        """Print a line."""
        self._print(_rich(line) if isinstance(line, Styled) else line, soft_wrap=not breaks)

    def draw(self, text: str) -> None:
        """Print a drawing."""
        from rich.text import Text

        self._print(Text.from_ansi(text, no_wrap=True), crop=False, overflow="ignore")

    def print_table(self, table: Table) -> None:
        """Print a table: bold titles over a rule, and no frame."""
        from rich import box
        from rich import table as tables

        if table.bare:
            shown = tables.Table.grid(padding=(0, 2, 0, 0))
        else:
            lines = box.SIMPLE_HEAD if self.unicode else _dashes()
            shown = tables.Table(
                box=lines, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold", show_edge=False
            )
        for title, how in table.columns:
            shown.add_column(_rich(Styled(title)), **how)
        for at, row in enumerate(table.rows):
            if at in table.sections:
                shown.add_section()
            shown.add_row(*map(_rich, row))
        self._print(shown)


def _rich(line: Styled) -> Any:
    from rich.text import Text

    found = Text(style=line.style)
    for text, style in line.pieces:
        found.append(text, style)
    return found


def _dashes() -> Any:
    """A rule of dashes under the header, in ASCII."""
    from rich.box import Box

    return Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)


def screen_for(to_file: bool = False, *, plain: bool = False) -> Screen:
    """Return what text is shown on.

    Args:
        to_file: The text goes to a file, not to stdout.
        plain: No colours, wherever it goes.
    """
    # the environment may have a pipe taken for a terminal
    forced = os.environ.get("FORCE_COLOR") or os.environ.get("TTY_COMPATIBLE") == "1"
    if plain or not (forced or (not to_file and at_terminal())):
        return Screen()
    return RichScreen(to_file=to_file)


def at_terminal() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()
