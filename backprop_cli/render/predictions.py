"""Rows with predictions for people: aligned columns, or the bare predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from ..errors import printable
from ..language.numbers import rounded
from ..tables.block import Block
from ..tables.write import Column
from .terminal import console_for, is_unicode

GAP = "  "
LONGEST = 40  # of a cell


class PredictionTable:
    """Writes rows as they come; the first block says how wide the columns are.

    Where a terminal is too narrow, columns of the rows are left out, then probabilities from the last on.

    Args:
        stream: Where to.
        digits: Significant digits of the answers.
        error: Name of the column of errors.
        encoding: Of the stream.
        to_file: The stream is no terminal, whatever stdout is.
    """

    def __init__(self, stream: BinaryIO, digits: int, error: str, encoding: str, to_file: bool) -> None:
        self._stream = stream
        self._digits = digits
        self._error = error
        self._encoding = encoding
        console = console_for(to_file)
        self._width = console.width
        self._unicode = is_unicode(console)
        self._names: list[str] = []
        self._widths: list[int] = []
        self._right: list[bool] = []
        self._shown: list[int] = []
        self._given = 0
        self._begun = False

    def header(self, names: Sequence[str], computed: Sequence[str]) -> None:
        """Note the titles."""
        self._names = [printable(name) for name in (*names, *computed)]
        self._given = len(names)

    def block(
        self, block: Block, columns: Mapping[str, Column], errors: Sequence[str | None] | None = None
    ) -> None:
        """Write the rows of a block."""
        cells = [[self._text(value) for value in column] for column in block.cells().values()]
        cells += [[self._text(value) for value in column] for column in columns.values()]
        reasons = [printable(reason or "") for reason in errors or [None] * block.rows]
        if not self._begun:
            self._begin(cells, any(reasons))
        lines = []
        for *row, reason in zip(*cells, reasons, strict=True):
            parts = [self._aligned(row[i], i) if i >= 0 else "..." for i in self._shown]
            lines.append(GAP.join([*parts, reason]).rstrip())
        self._write(lines)

    def close(self) -> None:
        """Write the titles where there were no rows."""
        if not self._begun:
            self._begin([[] for _ in self._names], False)

    def _begin(self, cells: Sequence[Sequence[str]], faulty: bool) -> None:
        self._begun = True
        self._widths = [
            max([len(name), *map(len, column)]) for name, column in zip(self._names, cells, strict=True)
        ]
        self._right = [all(map(_is_number, column)) for column in cells]
        self._shown = self._fitting()
        titles = [self._aligned(self._names[i], i) if i >= 0 else "..." for i in self._shown]
        rule = "─" if self._unicode else "-"
        rules = [rule * (self._widths[i] if i >= 0 else 3) for i in self._shown]
        if faulty:
            titles.append(self._error)
            rules.append(rule * len(self._error))
        self._write([GAP.join(titles).rstrip(), GAP.join(rules)])

    def _fitting(self) -> list[int]:
        """Return the columns that fit, with -1 for those left out."""
        given, computed = list(range(self._given)), list(range(self._given, len(self._names)))

        def needed(columns: Sequence[int]) -> int:
            return sum((self._widths[i] if i >= 0 else 3) + len(GAP) for i in columns) - len(GAP)

        shown = [*given, *computed]
        while needed(shown) > self._width and given:
            given.pop()
            shown = [*given, -1, *computed]
        while needed(shown) > self._width and len(computed) > 1:
            computed.pop()
            shown = [*given, -1, *computed, -1]
        return shown

    def _text(self, value: object) -> str:
        if isinstance(value, float):
            return rounded(value, self._digits) if value == value else "-"
        text = "-" if value is None else printable(str(value))
        return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."

    def _aligned(self, text: str, column: int) -> str:
        width = self._widths[column]
        return text.rjust(width) if self._right[column] else text.ljust(width)

    def _write(self, lines: Sequence[str]) -> None:
        text = "".join(line + "\n" for line in lines)
        self._stream.write(text.encode(self._encoding, "backslashreplace"))


class PredictionList:
    """Writes the bare predictions, one a line; an empty line where there is none.

    Args:
        stream: Where to.
        count: How many of the answers are predictions.
        encoding: Of the stream.
    """

    def __init__(self, stream: BinaryIO, count: int, encoding: str) -> None:
        self._stream = stream
        self._count = count
        self._encoding = encoding

    def header(self, names: Sequence[str], computed: Sequence[str]) -> None:
        """Write nothing."""

    def block(
        self, block: Block, columns: Mapping[str, Column], errors: Sequence[str | None] | None = None
    ) -> None:
        """Write the rows of a block."""
        answers = list(columns.values())[: self._count]
        lines = [_bare(value) for row in zip(*answers, strict=True) for value in row]
        text = "".join(line + "\n" for line in lines)
        self._stream.write(text.encode(self._encoding, "backslashreplace"))

    def close(self) -> None:
        """Write nothing."""


def _bare(value: Any) -> str:
    if value is None or value != value:
        return ""
    return printable(value) if isinstance(value, str) else repr(float(value))


def _is_number(text: str) -> bool:
    if text in ("", "-"):
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True
