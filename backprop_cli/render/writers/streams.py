"""Rows as they come, for people: aligned columns, Markdown, LaTeX, bare numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import isnan
from typing import Any, BinaryIO

from ...errors import printable
from ...language.numbers import rounded
from ...tables.block import Block
from ...tables.write import Column, Writer
from ..terminal import screen_for

GAP = "  "
LONGEST = 40  # of a prediction's cell


class _Stream(Writer):
    """Text to a stream of bytes."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._encoding = encoding

    def _write(self, lines: Sequence[str]) -> None:
        text = "".join(line + "\n" for line in lines)
        self._stream.write(text.encode(self._encoding, "backslashreplace"))


class PointTable(_Stream):
    """Writes points; columns are as wide as a number of so many digits can be.

    Args:
        stream: Where to.
        digits: Significant digits.
        encoding: Of the stream.
    """

    def __init__(self, stream: BinaryIO, digits: int, encoding: str = "utf-8") -> None:
        super().__init__(stream, encoding)
        self.digits = digits
        self.widths: list[int] = []

    def header(self, names: Sequence[str], computed: Sequence[str]) -> None:
        """Write the titles."""
        self._titles([printable(name) for name in names], [printable(name) for name in computed])

    def block(
        self, block: Block, columns: Mapping[str, Any], errors: Sequence[str | None] | None = None
    ) -> None:
        """Write the rows of a block."""
        cells = [list(map(self._cell, column)) for column in (*block.cells().values(), *columns.values())]
        reasons = errors or [None] * block.rows
        self._write([self._row(row, reason or "") for *row, reason in zip(*cells, reasons, strict=True)])

    def _titles(self, names: list[str], computed: list[str]) -> None:
        titles = names + computed
        self.widths = [max(len(title), self.digits + 6) for title in titles]
        line = self._row(titles, "error")
        self._write([line, "-" * len(line)])

    def _row(self, cells: Sequence[str], reason: str) -> str:
        line = GAP.join(cell.rjust(width) for cell, width in zip(cells, self.widths, strict=True))
        return f"{line}{GAP}{reason}" if reason else line

    def _cell(self, x: Any) -> str:
        if isinstance(x, (bool, str, list, dict)):
            return self._text(str(x).lower() if isinstance(x, bool) else printable(str(x)))
        return self._number(None if x is None or isnan(x) else float(x))

    def _text(self, text: str) -> str:
        return text

    def _number(self, x: float | None) -> str:
        return rounded(x, self.digits)


class PointMarkdown(PointTable):
    """Writes points as a pipe table."""

    def _titles(self, names: list[str], computed: list[str]) -> None:
        from .markdown import rule

        numeric = [*[False] * len(names), *[True] * len(computed), False]
        self._write(["| " + " | ".join([*names, *computed, "error"]) + " |", rule(numeric)])

    def _row(self, cells: Sequence[str], reason: str) -> str:
        from .markdown import row

        return row((*cells, reason))


class PointLatex(PointTable):
    """Writes points as a ``tabular``."""

    def _titles(self, names: list[str], computed: list[str]) -> None:
        titles = names + computed
        head = " & ".join(_title(title) for title in (*titles, "error"))
        self._write([rf"\begin{{tabular}}{{{'r' * len(titles)}l}}", rf"{head} \\ \hline"])

    def _row(self, cells: Sequence[str], reason: str) -> str:
        return " & ".join([*cells, self._text(reason)]) + r" \\"

    def _text(self, text: str) -> str:
        from ..latex import text_to_latex

        return text_to_latex(text)

    def _number(self, x: float | None) -> str:
        from ..latex import number_to_latex

        return "--" if x is None else f"${number_to_latex(super()._number(x))}$"

    def close(self) -> None:
        """End the table."""
        self._write([r"\end{tabular}"])


def _title(text: str) -> str:
    from ..latex import name_to_latex, text_to_latex

    if text.startswith("d/d") and " " not in text:
        return f"$d/d{name_to_latex(text[3:])}$"
    return text_to_latex(text)


class Answers(_Stream):
    """Writes bare answers, one a line; an empty line where there is none.

    Args:
        stream: Where to.
        wanted: Names of the answers.
        encoding: Of the stream.
    """

    def __init__(self, stream: BinaryIO, wanted: Collection[str], encoding: str) -> None:
        super().__init__(stream, encoding)
        self._wanted = wanted

    def header(self, names: Sequence[str], computed: Sequence[str]) -> None:
        """Write nothing."""

    def block(
        self, block: Block, columns: Mapping[str, Column], errors: Sequence[str | None] | None = None
    ) -> None:
        """Write the answers of a block."""
        answers = [column for name, column in columns.items() if name in self._wanted]
        self._write([_bare(value) for row in zip(*answers, strict=True) for value in row])


def _bare(value: Any) -> str:
    if value is None or value != value:
        return ""
    return printable(value) if isinstance(value, str) else repr(float(value))


class PredictionTable(_Stream):
    """Writes rows with predictions; the first block says how wide the columns are.

    Where a terminal is too narrow, columns of the rows are left out, then probabilities from the last on.

    Args:
        stream: Where to.
        digits: Significant digits of the answers.
        error: Name of the column of errors.
        encoding: Of the stream.
        to_file: The stream is no terminal, whatever stdout is.
    """

    def __init__(self, stream: BinaryIO, digits: int, error: str, encoding: str, to_file: bool) -> None:
        super().__init__(stream, encoding)
        self._digits = digits
        self._error = error
        screen = screen_for(to_file)
        self._width = screen.width
        self._unicode = screen.unicode
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


def _is_number(text: str) -> bool:
    if text in ("", "-"):
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True
