"""Points out: the rows as they came, with computed columns and an error column behind them.

A number is written as the shortest text that reads back to the same float; where there is none (NaN or
None) the cell is empty, or null. A stream's `OSError` is the caller's.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any, BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt

from ..errors import DataError, UsageError
from .block import Block
from .jsonlines import JsonBlock

Column = npt.NDArray[Any] | Sequence[object]
"""One computed cell per row: numbers (NaN: none here), or None, text, bool."""

ERROR = "error"
_encoder = msgspec.json.Encoder()


class Writer(ABC):
    """Writes a stream of blocks: `header` once, `block` for each, then `close`."""

    @abstractmethod
    def header(self, names: Sequence[str], computed: Sequence[str]) -> None:
        """Begin with the source's column names and those of the computed columns."""

    @abstractmethod
    def block(
        self, block: Block, columns: Mapping[str, Column], errors: Sequence[str | None] | None = None
    ) -> None:
        """Write the rows of a block.

        Args:
            block: As read.
            columns: Computed columns, (rows,) each, in the order of the header.
            errors: Why a row has no answer; None for the rows that have one.
        """

    def close(self) -> None:
        """Write what ends the rows: nothing, but where a format has it."""
        return


class DelimitedWriter(Writer):
    """Writes CSV, or TSV for a tab; rows of the same kind keep their text."""

    def __init__(self, stream: BinaryIO, delimiter: str = ",", error: str = ERROR) -> None:
        self._stream = stream
        self._error = error
        self._kind = "tsv" if delimiter == "\t" else "csv"
        self._delimiter = delimiter.encode()
        self._special = re.compile(f'["\r\n{delimiter}]')

    def header(self, names: Sequence[str], computed: Sequence[str]) -> None:
        """Write the line of names: the source's, the computed ones, that of errors."""
        cells = [self._quoted(name) for name in (*names, *computed, self._error)]
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


class JsonLinesWriter(Writer):
    """Writes one strict JSON object a line, nested where a name has a path.

    Args:
        stream: Where to.
        paths: Keys on the way to a name's cell: ``{"d/dx": ("gradient", "x")}``.
        error: Name of the column of errors.
    """

    def __init__(self, stream: BinaryIO, paths: Mapping[str, Path], error: str = ERROR) -> None:
        self._stream = stream
        self._error = error
        self._paths = paths
        self._whole: Tree = {}
        self._tail: Tree = {}

    def header(self, names: Sequence[str], computed: Sequence[str]) -> None:
        """Lay the object out; JSON Lines have no header line.

        Raises:
            UsageError: when a column that passes through has the name of a result.
        """
        results = {path[0] for path in self._paths.values()} | {self._error}
        for place, name in enumerate((*names, *computed, self._error)):
            path = self._paths.get(name, (name,))
            if place < len(names) and path == (name,) and name in results:
                fresh_names([name], names)
            _plant(self._whole, path, place)
            # a row that came as JSON has its own text for what passes through
            if place >= len(names) or len(path) > 1:
                _plant(self._tail, path, place)

    def block(
        self, block: Block, columns: Mapping[str, Column], errors: Sequence[str | None] | None = None
    ) -> None:
        """Write the rows of a block; see `Writer.block`.

        Raises:
            DataError: when a row of JSON already has a key of a result's name.
        """
        if not block.rows:
            return
        computed: list[Sequence[object]] = [
            column.tolist() if isinstance(column, np.ndarray) else column for column in columns.values()
        ]
        computed.append([None] * block.rows if errors is None else [error or None for error in errors])
        if not isinstance(block, JsonBlock):
            given: list[Sequence[object]] = [*block.cells().values()]
            self._stream.write(_encoder.encode_lines(_objects(self._whole, [*given, *computed])))
            return
        self._check_keys(block)
        variables = {column: block.values[name].tolist() for name, column in block.columns.items()}
        given = [variables.get(name, ()) for name in block.names]
        tails = _encoder.encode_lines(_objects(self._tail, [*given, *computed]))
        self._stream.write(_spliced(block.lines, tails, maybe_empty=not block.values))

    def _check_keys(self, block: JsonBlock) -> None:
        text = b"\n".join(block.lines)
        if b"\\u" not in text and not any(_encoder.encode(name) in text for name in self._tail):
            return
        for i, keys in enumerate(block.keys()):
            for name in self._tail:
                if name in keys:
                    raise DataError(
                        f"the key '{name}' is also the name of a result",
                        place=block.place(i),
                        hint="rename the key in the file",
                    )


Path = tuple[str | int, ...]
"""Keys on the way to a cell; numbers are places of lists."""

Tree = dict[str | int, "int | Tree"]
"""Keys of an object, or places of a list; a leaf is the position of its column."""


def _plant(tree: Tree, path: Path, place: int) -> None:
    for key in path[:-1]:
        tree = tree.setdefault(key, {})  # type: ignore[assignment]
    tree[path[-1]] = place


def _objects(tree: Tree, cells: Sequence[Sequence[object]]) -> Sequence[object]:
    """Return one object per row, as structs where msgspec takes their keys."""
    parts = [cells[sub] if isinstance(sub, int) else _objects(sub, cells) for sub in tree.values()]
    if 0 in tree:
        return [list(row) for row in zip(*parts, strict=True)]
    names = list(map(str, tree))
    # a struct's keys are copied as they are, so msgspec takes none that needs an escape
    if all(name.isprintable() and '"' not in name and "\\" not in name for name in names):
        fields = [f"c{i}" for i in range(len(names))]
        row = msgspec.defstruct(
            "Row", [(field, Any) for field in fields], rename=dict(zip(fields, names, strict=True)), gc=False
        )
        return list(map(row, *parts))
    return [dict(zip(names, row, strict=True)) for row in zip(*parts, strict=True)]


def csv_writer(stream: BinaryIO, *, delimiter: str = ",", error: str = ERROR) -> Writer:
    """Return a writer of CSV, or of TSV for ``delimiter="\\t"``."""
    return DelimitedWriter(stream, delimiter, error)


def jsonl_writer(stream: BinaryIO, paths: Mapping[str, Path] | None = None, *, error: str = ERROR) -> Writer:
    """Return a writer of JSON Lines; see `JsonLinesWriter` for ``paths``."""
    return JsonLinesWriter(stream, paths or {}, error)


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


def free_names(wanted: Sequence[str], taken: Collection[str]) -> list[str]:
    """Return the names for computed columns, with a number behind those that are taken: ``error_2``."""
    used = set(taken)
    names = []
    for name in wanted:
        free, number = name, 2
        while free in used:
            free, number = f"{name}_{number}", number + 1
        used.add(free)
        names.append(free)
    return names


def _spliced(lines: Sequence[bytes], tails: bytes, maybe_empty: bool) -> bytes:
    """Put the members of one line of objects behind those of another."""
    # Objects end with "}" and no line end stands within one, so both ends are cut by one split each.
    heads = b"\n".join(lines)[:-1].split(b"}\n")
    rests = (b"\n" + tails[:-1]).split(b"\n{")[1:]
    if maybe_empty:  # no comma after "{"
        heads = [b"{" if head.strip() == b"{" else head + b"," for head in heads]
        return b"".join([head + rest + b"\n" for head, rest in zip(heads, rests, strict=True)])
    return b"\n".join(map(b",".join, zip(heads, rests, strict=True))) + b"\n"
