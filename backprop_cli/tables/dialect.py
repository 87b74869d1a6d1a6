"""Tables that are not written as CSV is: other separators, comment lines, decimal commas, no header.

Such a text is turned into plain CSV line by line while it is read, so that every reader sees CSV alone and
the lines keep their numbers. What looks like another dialect than was said is named, not guessed in silence.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import DataError, UsageError
from .chunks import LINE_LIMIT, Readable, check_text, read, unix

BLANKS = "blanks"
NAMES = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "blanks": BLANKS, " ": BLANKS}
"""What a separator may be called, besides a character."""
DECIMALS = {"point": ".", "comma": ","}

_WORDS = {",": "commas", "\t": "tabs", ";": "semicolons (;)", "|": "bars (|)", BLANKS: "blanks"}
CALLED = {",": "comma", "\t": "tab", ";": "semicolon", "|": "pipe", BLANKS: "blanks"}
_TOKEN = re.compile(r'"(?:[^"]|"")*"|[^ \t]+')
DECIMAL_COMMA = re.compile(r"[ \t]*[+-]?(?:[0-9]+(?:,[0-9]*)?|,[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t]*")
_POINT = re.compile(r"[ \t]*[+-]?[0-9]*\.[0-9,]*(?:[eE][+-]?[0-9]+)?[ \t]*")
_THOUSANDS = re.compile(r"[ \t]*[+-]?[0-9]{1,3}(?:(?:\.[0-9]{3})+,[0-9]+|(?:\.[0-9]{3}){2,})[ \t]*")
"""Points between groups of three, and a comma after them or several points: no decimals could be so."""
_SPECIAL = re.compile(r'[",\t\n\r]')


@dataclass(frozen=True)
class Dialect:
    """How a table is written, where it is not plain CSV or TSV.

    Attributes:
        separator: A character, or a name of `NAMES`; None for the comma (the tab in a .tsv file).
        comment: What a line begins with that is no row.
        decimal: ``,`` or ``.``; None for the point.
        header: ``none`` where the first line is a row already, or the names of the columns that it lacks.
        encoding: Of the text; None for UTF-8.
    """

    separator: str | None = None
    comment: str | None = None
    decimal: str | None = None
    header: tuple[str, ...] | str | None = None
    encoding: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to turn in lines of UTF-8."""
        return (self.separator, self.comment, self.header) == (None, None, None) and self.decimal in (
            None,
            ".",
        )

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names of the columns where the table has none; empty for numbered ones; None with a header."""
        if self.header is None:
            return None
        return () if isinstance(self.header, str) else self.header

    @classmethod
    def of(
        cls,
        separator: str | None = None,
        comment: str | None = None,
        decimal: str | None = None,
        header: str | Sequence[str] | None = None,
        encoding: str | None = None,
    ) -> Dialect:
        """Return a dialect.

        Raises:
            UsageError: for a separator that is neither a character nor a name, and the like.
        """
        if separator is not None:
            separator = NAMES.get(separator, "\t" if separator == "\\t" else separator)
            if separator != BLANKS and (len(separator) != 1 or separator in '"\n\r' or separator.isalnum()):
                names = ", ".join(("tab", "semicolon", "pipe", "blanks"))
                raise UsageError(f"a separator is one character or one of {names}, not '{separator}'")
        if comment is not None and (not comment.strip() or '"' in comment):
            raise UsageError(f"a comment begins with signs such as #, not with '{comment}'")
        decimal = DECIMALS.get(decimal or "", decimal)
        if decimal not in (None, ".", ","):
            raise UsageError(f"decimals have a point or a comma, not '{decimal}'")
        if decimal == "," and separator == ",":
            raise UsageError("a comma cannot be the separator and in decimals, too")
        if header is not None and not isinstance(header, str):
            header = tuple(header)
        return cls(separator, comment, decimal, header, encoding)


PLAIN = Dialect()


class Translated:
    """A stream of CSV made of a stream in some dialect; line by line, each line in its place.

    Args:
        stream: Opened for binary reading.
        path: Its name, for messages.
        head: Bytes that were already read from it.
        kind: ``csv`` or ``tsv``: what is made, and what it is where the dialect says no separator.
        dialect: What it is.
    Attributes:
        first_line: The number of the first line that is given: 0 where it is a header that the table lacks.
    """

    def __init__(self, stream: Readable, path: str, head: bytes, kind: str, dialect: Dialect) -> None:
        csv.field_size_limit(max(csv.field_size_limit(), LINE_LIMIT))
        self._stream = stream
        self._path = path
        self._carry = head.removeprefix(b"\xef\xbb\xbf")
        self._out = "\t" if kind == "tsv" else ","
        self._separator = dialect.separator or self._out
        self._dialect = dialect
        self._names = dialect.names
        self._line = 1
        self._open = False
        self.first_line = 1 if self._names is None else 0

    def read(self, size: int) -> bytes:
        """Return the next lines, about ``size`` bytes of the source; none at the end."""
        while True:
            lines = self._take()
            if lines is not None:
                made = self._made(lines)
                if made:
                    return made.encode()
                continue
            data = read(self._stream, size, self._path)
            if not data:
                rest, self._carry = self._carry, b""
                self._open = False
                return self._made(rest, last=True).encode() if rest else b""
            self._carry += data
            self._open = False

    def _take(self) -> bytes | None:
        """Return whole lines of what was read; None where there are none, or a quoted cell is still open."""
        end = self._carry.rfind(b"\n") + 1
        if not end or self._open:
            return None
        lines, self._carry = self._carry[:end], self._carry[end:]
        return lines

    def _made(self, data: bytes, last: bool = False) -> str:
        lines = unix(data)[:-1].split(b"\n")
        texts = [check_text(line, self._path, self._line + i) for i, line in enumerate(lines)]
        try:
            made = self._quoted(texts) if any('"' in text for text in texts) else self._plain(texts)
        except csv.Error:
            if last:
                raise DataError(
                    "a quoted cell is never closed, or text follows its closing quote",
                    place=f"{self._path}:{self._line}:1",
                    hint='inside quotes, write a quote as ""',
                ) from None
            self._carry, self._open = data + self._carry, True
            return ""
        self._line += len(lines)
        return made

    def _plain(self, texts: Sequence[str]) -> str:
        rows = [self._row(self._cells(text), text, i) for i, text in enumerate(texts)]
        return "\n".join(rows) + "\n"

    def _quoted(self, texts: Sequence[str]) -> str:
        if self._separator == BLANKS:
            return self._plain(texts)
        made: list[str] = []
        at = 0
        while at < len(texts):
            taken = 1
            while True:  # a quoted cell may hold line ends
                record = "\n".join(texts[at : at + taken])
                if self._is_no_row(texts[at]):
                    cells = []
                    break
                try:
                    reader = csv.reader(iter([record]), delimiter=self._separator, strict=True)
                    cells = next(reader, [])
                    break
                except csv.Error:
                    if at + taken >= len(texts):
                        raise
                    taken += 1
            made.append(self._row(cells, record, at))
            at += taken
        return "\n".join(made) + "\n"

    def _is_no_row(self, text: str) -> bool:
        comment = self._dialect.comment
        return comment is not None and text.lstrip(" \t").startswith(comment)

    def _cells(self, text: str) -> list[str]:
        if not text.strip(" \t") or self._is_no_row(text):
            return []
        if self._separator == BLANKS:
            return [
                cell[1:-1].replace('""', '"') if cell.startswith('"') and len(cell) > 1 else cell
                for cell in _TOKEN.findall(text)
            ]
        return text.split(self._separator)

    def _row(self, cells: list[str], text: str, offset: int) -> str:
        if not cells:
            return ""
        if self._dialect.decimal == ",":
            cells = [self._decimal(cell, offset) for cell in cells]
        row = self._out.join(map(self._written, cells))
        if self._names is None:
            return row
        names = self._names or tuple(f"c{i}" for i in range(1, len(cells) + 1))
        self._names = None
        blank = "\n" * (self._line - 1 + offset)
        return self._out.join(map(self._written, names)) + "\n" + blank + row

    def _decimal(self, cell: str, offset: int) -> str:
        if DECIMAL_COMMA.fullmatch(cell):
            return cell.replace(",", ".")
        if _THOUSANDS.fullmatch(cell):
            return cell.replace(".", "").replace(",", ".")
        if _POINT.fullmatch(cell):
            raise DataError(
                f"'{cell.strip()}' has a point, where decimals have commas",
                place=f"{self._path}:{self._line + offset}:1",
                hint="write 1200 or 1.200,0 for thousands; or decimal: '.'",
            )
        return cell

    def _written(self, cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"' if _SPECIAL.search(cell) else cell


def foreign(names: Sequence[str], delimiter: str, following: str) -> tuple[str, str] | None:
    """Tell what else a table may be, whose header is one cell by its delimiter.

    Args:
        names: The header's cells.
        delimiter: By which they were read.
        following: The line after it.
    Returns:
        What is wrong, and what to do; None where nothing is.
    """
    header = names[0]
    if header.startswith(("#", "%", "//")):
        sign = "//" if header.startswith("//") else header[0]
        return (
            f"the first line begins with {sign}, as a comment does: it names no columns",
            option("comment", sign),
        )
    for sign in (",", ";", "\t", "|", BLANKS):
        if sign == delimiter:
            continue
        first, second = _split(header, sign), _split(following, sign)
        if len(first) < 2 or len(second) < len(first):
            continue
        if sign == BLANKS and not any(any(c.isdigit() for c in cell) for cell in second):
            continue
        numbers = any(DECIMAL_COMMA.fullmatch(cell) and "," in cell for cell in second)
        commas = f" and {option('decimal', 'comma')}" if sign != "," and numbers else ""
        return (
            f"the cells are separated by {_WORDS[sign]}, not by {_WORDS.get(delimiter, repr(delimiter))}:"
            f" {len(first)} names stand in the first line",
            option("separator", CALLED[sign]) + commas,
        )
    return None


def _split(text: str, sign: str) -> list[str]:
    return text.split() if sign == BLANKS else text.strip().rstrip(sign).split(sign)


def option(name: str, value: str) -> str:
    """Say how a dialect is told: in a config, and on the command line."""
    in_config, in_shell = (value, value) if value.isalpha() else (f'"{value}"', f"'{value}'")
    return f"data.{name}: {in_config} in a config, --{name} {in_shell} on the command line"
