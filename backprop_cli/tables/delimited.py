"""CSV and TSV points: RFC 4180 quoting, a header row, any line ends."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO

import numpy as np

from ..errors import DataError, Source, counted
from .block import (
    Floats,
    Pending,
    TextBlock,
    Variables,
    canonical,
    chosen,
    column_of,
    missing_column,
)
from .chunks import LINE_LIMIT, Chunks, check_text, unix
from .dialect import foreign, option
from .numerals import fast_numbers, number, number_hint, numbers

DELIMITERS = {"csv": ",", "tsv": "\t"}


class DelimitedBlock(TextBlock):
    """Rows of a CSV or TSV file."""

    kind = "csv"

    def passed(self) -> dict[str, list[object]]:
        """Return the cells of the columns that are no variables, as text."""
        used = set(self.columns.values())
        if used.issuperset(self.names):
            return {}
        delimiter, width = DELIMITERS[self.kind], len(self.names)
        text = b"\n".join(self.lines).decode()
        if '"' in text:
            # One item per row even where a quoted cell holds a line end: the module reads on in it.
            rows = csv.reader([line.decode() for line in self.lines], delimiter=delimiter, strict=True)
            columns = [list(column) for column in zip(*rows, strict=True)]
        else:
            cells = text.replace("\n", delimiter).split(delimiter)
            columns = [cells[i::width] for i in range(width)]
        return {
            name: list(column) for name, column in zip(self.names, columns, strict=True) if name not in used
        }


class TabBlock(DelimitedBlock):
    """Rows of a TSV file."""

    kind = "tsv"


@dataclass(slots=True)
class _Row:
    """One record: its cells, its text without the last line end, its first line."""

    cells: list[str]
    text: bytes
    line: int


class DelimitedReader:
    """Reads blocks from CSV or TSV text.

    A chunk takes the first of three ways that fits, each returning what the last would:
    all columns are variables and written as JSON numbers; the text has no quotes, or none that hold a
    line end; row by row, which also finds the place of an error.

    Args:
        chunks: The text.
        kind: ``csv`` or ``tsv``.
        variables: Names to look for, in order.
        optional: Those that need no column.
        block_rows: Most rows of a block.
        lenient: Let a row that has not one cell per column be a fault of its block, filled or cut.
    Raises:
        DataError: when the header is missing, has a name twice, or lacks a variable.
    """

    def __init__(
        self,
        chunks: Chunks,
        kind: str,
        variables: Variables,
        optional: Collection[str],
        block_rows: int,
        lenient: bool = False,
    ) -> None:
        self._lenient = lenient
        # The module's own limit, 128 KiB, would refuse a long cell only where some quote stands near it.
        csv.field_size_limit(max(csv.field_size_limit(), LINE_LIMIT))
        self._chunks = chunks
        self._path = chunks.path
        self._block = DelimitedBlock if kind == "csv" else TabBlock
        self._delimiter = DELIMITERS[kind]
        self._block_rows = block_rows
        self._first_row = 0
        self.names = self._header()
        variables = chosen(variables, self.names)
        self.columns = column_of(self.names, variables)
        for variable in variables:
            if variable not in self.columns and variable not in optional:
                raise missing_column(variable, self.names, self._header_place)
        self._index = {name: self.names.index(column) for name, column in self.columns.items()}
        delimiter = self._delimiter.encode()
        self._text = bytes(sorted(set(range(256)) - {*delimiter, *b'\n"\0'}))
        self._skeleton = delimiter * (len(self.names) - 1) + b"\n"

    def blocks(self) -> Iterator[TextBlock]:
        """Yield the rows in blocks.

        Raises:
            DataError: for a row that has not one cell per column, a variable's cell that is no finite
                number, quotes that do not match, text that is not UTF-8; with its place.
        """
        while data := self._chunks.take():
            # Only without quotes is a line sure to be a row, and line ends sure to be no content.
            pieces = [data] if b'"' in data else _pieces(unix(data), self._block_rows)
            for piece in pieces:
                quick = self._quick(unix(piece))
                if quick is None:
                    yield from self.exact(piece)
                else:
                    yield quick

    def _quick(self, data: bytes) -> TextBlock | None:
        line, rows = self._chunks.line, data.count(b"\n")
        values = self._values(data) if rows <= self._block_rows else None
        if values is None:
            return None
        self._chunks.line += rows
        return self._make(values, rows, data, range(line, line + rows))

    def _make(
        self, values: dict[str, Floats], rows: int, text: bytes | list[bytes], lines: Sequence[int]
    ) -> TextBlock:
        first, self._first_row = self._first_row, self._first_row + rows
        return self._block(values, rows, first, self.columns, self.names, text, lines, self._path)

    def _values(self, data: bytes) -> dict[str, Floats] | None:
        """Read lines that are one row each; None when they are not, or anything in them is unusual."""
        delimiter, width = self._delimiter.encode(), len(self.names)
        skeleton = data.translate(None, self._text)
        rows = len(skeleton) // width
        if width == len(self._index) + 1 == 1:
            return None  # a blank line is no row, but here it looks like one
        if skeleton != self._skeleton * rows:
            return self._quoted_values(data) if b'"' in skeleton else None
        flat = data[:-1].replace(b"\n", delimiter)
        if len(self._index) == width:
            json = flat if delimiter == b"," else flat.replace(delimiter, b",")
            values = fast_numbers(json, rows * width)
            if values is not None:
                table = np.ascontiguousarray(values.reshape(rows, width).T)
                return {name: table[i] for name, i in self._index.items()}
        if not _is_utf8(data):
            return None
        if not self._index:
            return {}
        cells = flat.split(delimiter)
        return _columns(self._index, {i: cells[i::width] for i in self._index.values()})

    def _quoted_values(self, data: bytes) -> dict[str, Floats] | None:
        if b"\0" in data or not _is_utf8(data):
            return None
        lines = data[:-1].decode().split("\n")
        try:
            rows = list(csv.reader(lines, delimiter=self._delimiter, strict=True))
        except csv.Error:
            return None
        # A record takes one line or more, so as many rows as lines means one line each.
        if len(rows) != len(lines) or {len(row) for row in rows} != {len(self.names)}:
            return None
        return _columns(self._index, {i: [row[i].encode() for row in rows] for i in self._index.values()})

    def exact(self, data: bytes) -> Iterator[TextBlock]:
        """Read rows one by one: the definition of what this reader accepts."""
        pending = Pending(self._index)
        faults: dict[int, DataError] = {}
        for row in _Rows(data, self._chunks, self._delimiter):
            fault = self._fault_of_width(row)
            if fault is not None:
                if not self._lenient:
                    raise fault
                faults[len(pending.text)] = fault
                row = self._squared(row)
            values = []
            for name, i in self._index.items():
                try:
                    values.append(number(row.cells[i]))
                except ValueError as exc:
                    raise DataError(
                        f"column '{self.columns[name]}': {exc}",
                        place=self._place(row, i),
                        hint=number_hint(row.cells[i]),
                    ) from None
            pending.add(values, row.text, row.line)
            if len(pending.text) == self._block_rows:
                yield self._made(pending, faults)
                faults = {}
        if pending.text:
            yield self._made(pending, faults)

    def _made(self, pending: Pending, faults: dict[int, DataError]) -> TextBlock:
        block = self._make(*pending.take())
        if faults:
            block.faults = faults
        return block

    def _squared(self, row: _Row) -> _Row:
        """Return a row with as many cells as there are columns."""
        width = len(self.names)
        cells = (row.cells + [""] * width)[:width]
        text = StringIO()
        csv.writer(text, delimiter=self._delimiter, lineterminator="").writerow(cells)
        return _Row(cells, text.getvalue().encode(), row.line)

    def _fault_of_width(self, row: _Row) -> DataError | None:
        found, width = len(row.cells), len(self.names)
        if found == width:
            return None
        first = row.cells[0].lstrip()
        hint = None
        if first.startswith(("#", "%", "//")):
            sign = "//" if first.startswith("//") else first[0]
            hint = f"a line that begins with {sign} may be a comment: {option('comment', sign)}"
        elif found == width + 1 and not row.cells[-1].strip():
            hint = "the row ends with a separator, the header does not: take the last one away"
        elif (
            found == 2 * width
            and self._delimiter == ","
            and all(cell.strip().isdigit() for cell in row.cells[1::2])
        ):
            hint = "where commas stand in decimals, cells need another separator, or quotes"
        elif found == width + 1 and first and self._numbers_its_rows(row):
            hint = (
                "quote a cell that holds the separator; or, where each row begins with its name, as R writes"
                f" tables, begin the first line with a name for it: row{self._delimiter}{self.names[0]}"
            )
        elif found > width:
            hint = "quote a cell that holds the separator"
        return DataError(
            f"the row has {counted(found, 'field')}, the header has {width}",
            place=self._place(row, min(found - 1, width)),
            hint=hint,
        )

    def _numbers_its_rows(self, row: _Row) -> bool:
        """Whether a row that has a cell too many is the first one: then all of them may."""
        return row.line == int(self._header_place.split(":")[-2]) + 1

    def _place(self, row: _Row, cell: int) -> str:
        return cell_place(self._path, row.line, row.text, cell, self._delimiter)

    def _header(self) -> list[str]:
        row = None
        while row is None:
            rows = _Rows(self._chunks.take(), self._chunks, self._delimiter)
            row = next(iter(rows), None)
            if row is None and rows.empty:
                raise DataError(
                    "the file is empty", place=f"{self._path}:1:1", hint="the first line names the columns"
                )
        rest = rows.rest()
        self._chunks.push(rest)
        names = [cell.strip() for cell in row.cells]
        self._header_place = f"{self._path}:{row.line}:1"
        lines = rest[: LINE_LIMIT + 1].splitlines()
        other = foreign(names, self._delimiter, lines[0].decode(errors="replace") if lines else "")
        if len(names) == 1 and other is not None:
            raise DataError(other[0], place=self._header_place, hint=other[1])
        if all(_is_number(name) for name in names):
            raise DataError(
                "the first line is numbers, not the names of the columns",
                place=self._header_place,
                hint=f"write the variables' names above the numbers; or {option('header', 'none')}",
            )
        seen: set[str] = set()
        for i, name in enumerate(names):
            if canonical(name) in seen:
                raise DataError(f"two columns are named '{name}'", place=self._place(row, i))
            seen.add(canonical(name))
        return names


class _Rows:
    """Records of a chunk by the csv module; takes the next chunk when a quoted cell is still open.

    Blank lines are no records. Keeps ``chunks.line`` at the first line that is not read yet.
    """

    def __init__(self, data: bytes, chunks: Chunks, delimiter: str) -> None:
        self.empty = not data
        self._lines = data.splitlines(keepends=True)
        self._at = 0
        self._chunks = chunks
        self._delimiter = delimiter
        self._record: list[bytes] = []

    def rest(self) -> bytes:
        """Return the lines that are not read yet."""
        return b"".join(self._lines[self._at :])

    def __iter__(self) -> Iterator[_Row]:
        line = self._chunks.line
        reader = csv.reader(self._feed(), delimiter=self._delimiter, strict=True)
        while True:
            try:
                cells = next(reader, None)
            except csv.Error:
                raise self._broken(line) from None
            if cells is None:
                return
            record, self._record = self._record, []
            text = b"".join(record).removesuffix(b"\n").removesuffix(b"\r")
            if text.strip(b" "):
                yield _Row(cells, text, line)
            line = self._chunks.line

    def _feed(self) -> Iterator[str]:
        chunks, size = self._chunks, 0
        while True:
            if self._at == len(self._lines):
                more = chunks.take() if self._record else b""
                if not more:
                    return
                self._lines, self._at = more.splitlines(keepends=True), 0
            line = self._lines[self._at]
            size = size + len(line) if self._record else len(line)
            if size > LINE_LIMIT + 2 and self._record:
                raise self._broken(chunks.line - len(self._record), f" within {LINE_LIMIT >> 20} MiB")
            text = check_text(line, chunks.path, chunks.line)
            self._at += 1
            chunks.line += 1
            self._record.append(line)
            yield text

    def _broken(self, line: int, within: str = "") -> DataError:
        text = unix(b"".join(self._record)).decode()
        _, wrong, closed = scan(text, self._delimiter)
        row, column = Source(text).locate(wrong)
        return DataError(
            "text after a closing quote" if closed else f"a quoted cell is never closed{within}",
            place=f"{self._chunks.path}:{line + row - 1}:{column}",
            hint='inside quotes, write a quote as ""',
        )


def scan(text: str, delimiter: str) -> tuple[list[int], int, bool]:
    """Find where each cell of a record starts, and where its quoting goes wrong.

    Returns:
        Offsets of the cells; the offset of the fault (0 when there is none); whether the quoted cell at
        the fault was closed (then text follows its closing quote) or stays open.
    """
    starts, at, end = [0], 0, len(text)
    while True:
        if text.startswith('"', at):
            close = at
            while True:
                close = text.find('"', close + 1)
                if close < 0:
                    return starts, at, False
                if not text.startswith('"', close + 1):
                    break
                close += 1
            at = close + 1
            if at < end and text[at] not in (delimiter, "\n"):
                return starts, at, True
        at = text.find(delimiter, at)
        if at < 0:
            return starts, 0, False
        at += 1
        starts.append(at)


def cell_place(path: str, line: int, record: bytes, cell: int, delimiter: str) -> str:
    """Say where a cell of a record stands: ``path:line:column``."""
    text = unix(record).decode()
    row, column = Source(text).locate(scan(text, delimiter)[0][cell])
    return f"{path}:{line + row - 1}:{column}"


def _columns(index: Mapping[str, int], cells: Mapping[int, Sequence[bytes]]) -> dict[str, Floats] | None:
    values = {}
    for name, i in index.items():
        column = numbers(cells[i])
        if column is None:
            return None
        values[name] = column
    return values


def _pieces(data: bytes, rows: int) -> Iterator[bytes]:
    """Cut lines into pieces of ``rows`` lines."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))[rows - 1 : -1 : rows] + 1
    start = 0
    for end in (*ends.tolist(), len(data)):
        yield data[start:end]
        start = end


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_number(text: str) -> bool:
    try:
        number(text)
    except ValueError:
        return False
    return True
