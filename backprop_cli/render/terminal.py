"""What the terminal can show."""

from __future__ import annotations

import sys
from typing import Any

PIPE_WIDTH = 100_000


def console_for(to_file: bool = False, *, plain: bool = False) -> Any:
    """Return a Rich console for stdout: as wide as its content and plain when it is no terminal.

    Args:
        to_file: The text goes to a file; it has colours only where they are forced.
        plain: No colours, wherever it goes.
    """
    from io import StringIO

    from rich.console import Console

    console = Console(
        file=StringIO() if to_file or plain else None,
        force_terminal=False if plain else None,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=False,
    )
    if not (console.is_terminal and getattr(sys.stdout, "isatty", bool)()):
        console.width = PIPE_WIDTH
    return console


def at_terminal() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def is_unicode(console: Any) -> bool:
    """Whether line drawing and symbols arrive: a terminal with a Unicode encoding."""
    return bool(console.is_terminal and console.encoding.lower().replace("-", "").startswith("utf"))


def box_for(console: Any) -> Any:
    """Return the lines of a table."""
    from rich import box

    return box.SIMPLE_HEAD if is_unicode(console) else plain_box()


def table_for(console: Any) -> Any:
    """Return an empty table: bold titles over a rule, and no frame."""
    from rich.table import Table

    return Table(
        box=box_for(console), padding=(0, 1, 0, 0), pad_edge=False, header_style="bold", show_edge=False
    )


def trimmed(text: str) -> str:
    """Return lines without the blanks at their ends."""
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def plain_box() -> Any:
    """A rule of dashes under the header, in ASCII."""
    from rich.box import Box

    return Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
