"""Points out: the rows as they came, with computed columns and an error column behind them.

A number is written as the shortest text that reads back to the same float; where there is none (NaN or
None) the cell is empty, or null. A stream's `OSError` is the caller's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, BinaryIO, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from backprop_cli.errors import DataError, UsageError
from backprop_cli.tables.block import Block
from backprop_cli.tables.jsonlines import JsonBlock

Column = npt.NDArray[Any] | Sequence[object]
"""One computed cell per row: numbers (NaN: none here), or None, text, bool."""

ERROR = "error"
_encoder = msgspec.json.Encoder()


class Writer(Protocol):
    """Writes a stream of blocks: `header` once, then `block` for each."""

    def header(self, names: Sequence[str], computed: Sequence[str]) -> None:
        """Begin with the source's column names and those of the computed columns."""

    def block(
        self, block: Block, columns: Mapping[str, Column], errors: Sequence[str | None] | None = None
    ) -> None:
        """Write the rows of a block.

        Args:
            block: As read.
            columns: Computed columns, (rows,) each, in the order of the header.
            errors: Why a row has no answer; None for the rows that have one.
        """


class DelimitedWriter:
    """Writes CSV, or TSV for a tab; rows of the same kind keep their text."""

    def __init__(self, stream: BinaryIO, delimiter: str = ",") -> None:
        self._stream = stream
        self._kind = "tsv" if delimiter == "\t" else "csv"
        self._delimiter = delimiter.encode()
        self._special = re.compile(f'["\r\n{delimiter}]')

    def header(self, names: Sequence[str], computed: Sequence[str]) -> None:
        """Write the line of names: the source's, the computed ones, ``error``."""
        cells = [self._quoted(name) for name in (*names, *computed, ERROR)]
        self._stream.write(self._delimiter.join(cells) + b"\n")

    def block(
        self, block: Block, columns: Mapping[str, Column], errors: Sequence[str | None] | None = None
    ) -> None:
        """Write the rows of a block; see `Writer.block`."""
        if block.kind == self._kind and block.lines is not None:
            parts = [block.lines]
        else:
            parts = [self._cells(column) for column in block.cells().values()]
        parts += [self._cells(column) for column in columns.values()]
        end = b"\n"
        if errors is not None and any(errors):
            parts.append([self._quoted(error or "") for error in errors])
        else:
            end = self._delimiter + end
        if block.rows:
            rows = map(self._delimiter.join, zip(*parts, strict=True))
            self._stream.write(end.join(rows) + end)

    def _cells(self, column: Column) -> list[bytes]:
        if len(column) == 0:
            return []
        numeric = isinstance(column, np.ndarray) and column.dtype.kind in "fiub"
        if isinstance(column, np.ndarray):
            column = column.tolist()
        if numeric or set(map(type, column)) <= _NUMBERS:
            # One encode for the column: several times faster than a repr per cell.
            text = _encoder.encode(column)[1:-1]
            return (text.replace(b"null", b"") if b"null" in text else text).split(b",")
        return [self._cell(value) for value in column]

    def _cell(self, value: object) -> bytes:
        if isinstance(value, str):
            return self._quoted(value)
        text = _encoder.encode(value)
        return b"" if text == b"null" else self._quoted(text.decode())

    def _quoted(self, text: str) -> bytes:
        if self._special.search(text):
            text = '"' + text.replace('"', '""') + '"'
        return text.encode()


_NUMBERS: set[type] = {float, int, bool, type(None)}


class JsonLinesWriter:
    """Writes one strict JSON object a line; rows that came as JSON keep their text."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._computed: list[str] = []
        self._tail = _Lines([ERROR])
        self._whole = _Lines([ERROR])

    def header(self, names: Sequence[str], computed: Sequence[str]) -> None:
        """Remember the names; JSON Lines have no header."""
        self._computed = [*computed, ERROR]
        self._tail = _Lines(self._computed)
        self._whole = _Lines([*names, *self._computed])

    def block(
        self, block: Block, columns: Mapping[str, Column], errors: Sequence[str | None] | None = None
    ) -> None:
        """Write the rows of a block; see `Writer.block`.

        Raises:
            DataError: when a row of JSON already has a key of that name.
        """
        cells: list[Sequence[object]] = [
            column.tolist() if isinstance(column, np.ndarray) else column for column in columns.values()
        ]
        cells.append([None] * block.rows if errors is None else [error or None for error in errors])
        if not isinstance(block, JsonBlock):
            self._stream.write(self._whole.encode([*block.cells().values(), *cells]))
        elif block.rows:
            self._check_keys(block)
            self._stream.write(_spliced(block.lines, self._tail.encode(cells), maybe_empty=not block.values))

    def _check_keys(self, block: JsonBlock) -> None:
        text = b"\n".join(block.lines)
        if b"\\u" not in text and not any(_encoder.encode(name) in text for name in self._computed):
            return
        for i, keys in enumerate(block.keys()):
            for name in self._computed:
                if name in keys:
                    raise DataError(
                        f"the key '{name}' is also the name of a result",
                        place=block.place(i),
                        hint="rename the key in the file",
                    )


class _Lines:
    """Encodes rows with the same keys as lines of JSON."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._row: Any = None
        # A struct's keys are copied as they are, so msgspec takes none that needs an escape.
        if all(name.isprintable() and '"' not in name and "\\" not in name for name in names):
            fields = [f"c{i}" for i in range(len(names))]
            self._row = msgspec.defstruct(
                "Row",
                [(field, Any) for field in fields],
                rename=dict(zip(fields, names, strict=True)),
                gc=False,
            )

    def encode(self, columns: Sequence[Sequence[object]]) -> bytes:
        if self._row is not None:
            return _encoder.encode_lines(list(map(self._row, *columns)))
        rows = zip(*columns, strict=True)
        return _encoder.encode_lines([dict(zip(self._names, row, strict=True)) for row in rows])


def csv_writer(stream: BinaryIO, *, delimiter: str = ",") -> DelimitedWriter:
    """Return a writer of CSV, or of TSV for ``delimiter="\\t"``."""
    return DelimitedWriter(stream, delimiter)


def jsonl_writer(stream: BinaryIO) -> JsonLinesWriter:
    """Return a writer of JSON Lines."""
    return JsonLinesWriter(stream)


def fresh_names(wanted: Sequence[str], taken: Collection[str]) -> list[str]:
    """Return the names for computed columns.

    Raises:
        UsageError: when the input has a column of one of these names, or two are the same.
    """
    for i, name in enumerate(wanted):
        if name in taken:
            raise UsageError(
                f"the input already has a column '{name}', the name of a result",
                hint="rename the column in the file",
            )
        if name in wanted[:i]:
            raise UsageError(f"two results would be named '{name}'")
    return list(wanted)


def _spliced(lines: Sequence[bytes], tails: bytes, maybe_empty: bool) -> bytes:
    """Put the members of one line of objects behind those of another."""
    # Objects end with "}" and no line end stands within one, so both ends are cut by one split each.
    heads = b"\n".join(lines)[:-1].split(b"}\n")
    rests = (b"\n" + tails[:-1]).split(b"\n{")[1:]
    if maybe_empty:  # no comma after "{"
        heads = [b"{" if head.strip() == b"{" else head + b"," for head in heads]
        return b"".join([head + rest + b"\n" for head, rest in zip(heads, rests, strict=True)])
    return b"\n".join(map(b",".join, zip(heads, rests, strict=True))) + b"\n"
