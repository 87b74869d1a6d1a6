"""What text is shown on: a terminal, or a pipe or file, which is as wide as its content."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from typing import Any

from ..errors import columns_of

PIPE_WIDTH = 100_000
"""Columns of what is no terminal."""

TRUE, CUBE, BASIC = 1 << 24, 256, 16
"""How many colours terminals have."""

_NUMBER = r"\d(?:[\d.,]*\d)?\.?(?:e[-+]?\d+)?"
_WORD = re.compile(r"\S+")
_GLUED = re.compile(r"\S+(?: = \S+)*")  # an equation stays in one line where it can
_PART = re.compile(rf"[^\w\s)\]}}]*(?:{_NUMBER}|\w+)[)\]}}]*|[^\w\s]+", re.IGNORECASE)


class Styled:
    """A line whose pieces have tones or roles of the palette.

    Args:
        text: Its first piece.
        style: Of what has none of its own.
    """

    __slots__ = ("pieces", "style")

    def __init__(self, text: str = "", style: str = "") -> None:
        self.style = style
        self.pieces = [(text, "")]

    def append(self, text: str, style: str = "") -> Styled:
        """Add a piece and return the line."""
        self.pieces.append((text, style))
        return self

    def extend(self, other: Styled) -> Styled:
        """Add another line's pieces and return the line."""
        self.pieces += ((text, style or other.style) for text, style in other.pieces)
        return self

    def part(self, start: int, end: int) -> Styled:
        """Return some of its characters."""
        found, at = Styled(style=self.style), 0
        for text, style in self.pieces:
            found.append(text[max(start - at, 0) : max(end - at, 0)], style)
            at += len(text)
        return found

    def __str__(self) -> str:
        return "".join(text for text, _ in self.pieces)

    def __len__(self) -> int:
        return sum(columns_of(text) for text, _ in self.pieces)


def lines_of(text: str, width: int, *, glued: bool = False) -> list[tuple[int, int]]:
    """Return where the lines of a text begin and end: between words, and never inside of a number.

    A word that is wider than a line is broken before a sign, else anywhere.

    Args:
        text: The text.
        width: Columns of a line.
        glued: Do not break before an equals sign.
    """
    if columns_of(text) <= width:
        return [(0, len(text))]
    found: list[list[int]] = []
    parts: list[tuple[int, int]] = []
    for word in (_GLUED if glued else _WORD).finditer(text):
        parts += _parts(text, *word.span(), width)
    if parts and columns_of(text[: parts[0][1]]) <= width:
        parts[0] = (0, parts[0][1])  # the indent stays
    for start, end in parts:
        if found and columns_of(text[found[-1][0] : end]) <= width:
            found[-1][1] = end
        else:
            found.append([start, end])
    return [(start, end) for start, end in found] or [(0, 0)]


def _parts(text: str, start: int, end: int, width: int) -> Iterator[tuple[int, int]]:
    """Yield what of a word has to stay in one line."""
    if columns_of(text[start:end]) <= width:
        yield start, end
        return
    inner = [match.span() for match in _WORD.finditer(text, start, end)]
    if len(inner) == 1:
        inner = [match.span() for match in _PART.finditer(text, start, end)]
    for first, last in inner:
        if (first, last) != (start, end) and columns_of(text[first:last]) > width:
            yield from _parts(text, first, last, width)
            continue
        while columns_of(text[first:last]) > width and not text[first].isdigit():
            cut = first + width
            while columns_of(text[first:cut]) > width:
                cut -= 1
            yield first, cut
            first = cut
        yield first, last


class Screen:
    """A pipe, a file or a terminal.

    Args:
        width: Its columns.
        unicode: Whether line drawing and symbols arrive: a terminal with a Unicode encoding.
        color: How many colours are wanted; 0 for none.
    """

    def __init__(self, width: int = PIPE_WIDTH, *, unicode: bool = False, color: int = 0) -> None:
        self.width = width
        self.unicode = unicode
        self.color = color
        self._printed: list[str] = []

    def print(self, line: str | Styled = "", *, breaks: bool = True) -> None:
        """Print a line, broken between words where the screen is too narrow for it."""
        line = line if isinstance(line, Styled) else Styled(line)
        text = str(line)
        spans = lines_of(text, self.width, glued=True) if breaks else [(0, len(text))]
        for start, end in spans:
            self._printed.append(self.written(line if len(spans) == 1 else line.part(start, end)))

    def draw(self, text: str) -> None:
        """Print a drawing, which may have colours."""
        self._printed.append(text)

    def written(self, line: Styled) -> str:
        """Return a line with its colours, without the blanks at its end."""
        if not self.color:
            return str(line).rstrip()
        from .palette import painted

        bare = len(str(line).rstrip())
        shown = line.part(0, bare)
        return "".join(painted(text, style or line.style, self.color) for text, style in shown.pieces)

    def text(self) -> str:
        """Return all that was printed."""
        return "".join(f"{line.rstrip()}\n" for text in self._printed for line in text.split("\n"))


def screen_for(to_file: bool = False, *, plain: bool = False) -> Screen:
    """Return what text is shown on.

    Args:
        to_file: The text goes to a file, not to stdout.
        plain: No colours, wherever it goes.
    """
    real = not to_file and at_terminal()
    if plain or not (real or forced()):
        return Screen()
    import shutil

    encoding = "utf-8" if to_file else getattr(sys.stdout, "encoding", None) or "utf-8"
    unicode = encoding.lower().replace("-", "").startswith("utf")
    width = shutil.get_terminal_size().columns if real else PIPE_WIDTH
    return Screen(width, unicode=unicode, color=colors(sys.stdout))


def at_terminal() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def forced() -> bool:
    """Whether the environment has a pipe taken for a terminal."""
    return bool(os.environ.get("FORCE_COLOR")) or os.environ.get("TTY_COMPATIBLE") == "1"


def colors(stream: Any) -> int:
    """Return how many colours a stream may have, by the environment; 0 for none."""
    term, more = os.environ.get("TERM", ""), os.environ.get("COLORTERM", "")
    terminal = stream is not None and stream.isatty()
    if os.environ.get("NO_COLOR") or term in ("dumb", "unknown") or not (terminal or forced()):
        return 0
    if sys.platform == "win32":
        return TRUE if os.environ.get("WT_SESSION") or term else 0  # an old console shows the codes
    if more.lower() in ("truecolor", "24bit"):
        return TRUE
    return CUBE if term.endswith(("256color", "kitty", "direct")) else BASIC
