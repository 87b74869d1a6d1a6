"""Lines on stderr: at a terminal they end between words."""

from __future__ import annotations

import os
import sys


def at_words(line: str) -> str:
    """Return a line in as many as the terminal needs, the later ones indented; as it is for a pipe.

    A line that ends in a command stays whole too: copied in two lines it would be two commands.
    """
    try:
        if not sys.stderr.isatty():
            return line
        columns = int(os.environ.get("COLUMNS") or os.get_terminal_size(sys.stderr.fileno()).columns)
    except (AttributeError, OSError, ValueError):  # no stderr, or none with a size
        return line
    if not 0 < columns < len(line) or ": backprop " in line:
        return line
    from textwrap import fill

    indent = " " * (len(line) - len(line.lstrip()))
    return fill(
        line, columns, subsequent_indent=indent + "  ", break_long_words=False, break_on_hyphens=False
    )


def in_color(text: str, role: str) -> str:
    """Return a text in a role's colour where stderr has colours."""
    from ..render.palette import painted
    from ..render.terminal import colors

    return painted(text, role, colors(sys.stderr))
