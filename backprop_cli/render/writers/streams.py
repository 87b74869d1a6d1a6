"""Rows as they come, for people: aligned columns, Markdown, LaTeX, bare numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, BinaryIO

from ...errors import printable, shortened
from ...language.numbers import rounded
from ...tables.block import Block
from ...tables.write import Column, Writer
from .. import page
from ..page import Kind, Text
from ..terminal import Styled, screen_for
from .tables import Laid, broken

LONGEST = 40  # of a cell
SHORT = 20  # of a reason, where there is little room


class _Stream(Writer):
    """Text to a stream of bytes."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._encoding = encoding

    def _write(self, lines: Iterable[str]) -> None:
        text = "".join(line + "\n" for line in lines)
        self._stream.write(text.encode(self._encoding, "backslashreplace"))


class _Rows(_Stream):
    """Writes rows as people read them.

    Args:
        stream: Where to.
        digits: Significant digits.
        encoding: Of the stream.
    """

    def __init__(self, stream: BinaryIO, digits: int, encoding: str = "utf-8") -> None:
        super().__init__(stream, encoding)
        self.digits = digits

    def _cells(self, block: Block, columns: Mapping[str, Column]) -> list[list[str]]:
        """Return the columns of a block as texts."""
        return [list(map(self._cell, column)) for column in (*block.cells().values(), *columns.values())]

    def _cell(self, x: Any) -> str:
        if isinstance(x, bool):
            return self._text(str(x).lower())
        if x is None or (isinstance(x, Real) and not isinstance(x, Integral)):
            return self._number(None if x is None or x != x else float(x))
        return self._text(printable(str(x)))

    def _text(self, text: str) -> str:
        return text

    def _number(self, x: float | None) -> str:
        return rounded(x, self.digits)


class RowTable(_Rows):
    """Writes a table; the first block says how wide its columns are, and whether any row has an error.

    Args:
        stream: Where to.
        digits: Significant digits.
        encoding: Of the stream.
        error: Name of the column of errors.
        to_file: The stream is no terminal, whatever stdout is.
        drops: Where a terminal is too narrow, columns of the rows are left out, then computed ones but the
            first, the last of them first.
    """

    def __init__(
        self, stream: BinaryIO, digits: int, encoding: str = "utf-8",
        *, error: str = "error", to_file: bool = True, drops: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(stream, digits, encoding)
        self._error, self._drops = error, drops
        self._screen = screen_for(to_file)
        self._names: list[str] = []
        self._given = 0
        self._laid: Laid | None = None

    def header(self, names: Sequence[str], computed: Sequence[str]) -> None:
        """Note the titles."""
        self._names = [*names, *computed]
        self._given = len(names)

    def block(
        self, block: Block, columns: Mapping[str, Column], errors: Sequence[str | None] | None = None
    ) -> None:
        """Write the rows of a block."""
        self._rows(self._cells(block, columns), errors or [None] * block.rows)

    def close(self) -> None:
        """Write the titles where there were no rows, and what was left out of them."""
        if self._laid is None:
            self._rows([[] for _ in self._names], [])
        assert self._laid is not None
        self._write(map(self._screen.written, self._laid.notes()))

    def _rows(self, cells: list[list[str]], reasons: Sequence[str | None]) -> None:
        first = self._laid is None
        laid = self._laid = self._laid or self._layout(cells, reasons)
        rows = [*zip(*cells, strict=True)]
        for part in laid.parts:
            if first:
                self._write(map(self._screen.written, laid.head(part)))
                laid.widen(part)  # a later reason may be longer
            for row, reason in zip(rows, reasons, strict=True):
                lines = laid.row((*row, Text(reason or "", "doubt")), part)
                self._write(map(self._screen.written, lines))
                if reason and not laid.shows(len(row)):
                    below = Styled(f"  {self._error}: {printable(reason)}", "doubt")
                    self._write(map(self._screen.written, broken(below, self._screen.width)))

    def _layout(self, cells: Sequence[Sequence[str]], reasons: Sequence[str | None]) -> Laid:
        kinds: list[Kind] = ["number" if all(map(_is_number, column)) else "word" for column in cells]
        columns = [page.Column(name, kind) for name, kind in zip(self._names, kinds, strict=True)]
        columns += [page.Column(self._error, "prose", floor=SHORT, least=SHORT)] if any(reasons) else []
        rows = list(zip(*cells, [reason or "" for reason in reasons], strict=True))
        given, computed = range(self._given), range(self._given + 1, len(self._names))
        drop = [(k,) for k in (*reversed(given), *reversed(computed))] if self._drops else []
        return Laid(columns, rows, self._screen, drop)

    def _text(self, text: str) -> str:
        return shortened(text, LONGEST)


class PointMarkdown(_Rows):
    """Writes points as a pipe table."""

    def header(self, names: Sequence[str], computed: Sequence[str]) -> None:
        """Write the titles."""
        self._titles([printable(name) for name in names], [printable(name) for name in computed])

    def block(
        self, block: Block, columns: Mapping[str, Column], errors: Sequence[str | None] | None = None
    ) -> None:
        """Write the rows of a block."""
        reasons = errors or [None] * block.rows
        cells = self._cells(block, columns)
        self._write(self._row(row, reason or "") for *row, reason in zip(*cells, reasons, strict=True))

    def _titles(self, names: list[str], computed: list[str]) -> None:
        from .markdown import rule

        numeric = [*[False] * len(names), *[True] * len(computed), False]
        self._write(["| " + " | ".join([*names, *computed, "error"]) + " |", rule(numeric)])

    def _row(self, cells: Sequence[str], reason: str) -> str:
        from .markdown import row

        return row((*cells, reason))


class PointLatex(PointMarkdown):
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


def _is_number(text: str) -> bool:
    if text in ("", "-"):
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True
