"""Tables that are read a piece at a time, as often as it takes: files that need not fit into memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import DataError, FileError
from ...tables import text
from ...tables.arrays import MAGIC as NPY
from ...tables.arrays import load_array, regular
from ...tables.block import Block, Floats
from ...tables.chunks import read
from ...tables.formats import refuse_foreign
from ...tables.npz import MAGIC as NPZ
from ...tables.npz import rows_of
from ...tables.text import Gaps
from .rows import Spool
from .source import (
    ArrayTable,
    Column,
    Table,
    Wanted,
    Written,
    as_texts,
    check_part,
    columns_of,
    npy_table,
    pair,
    parts_of,
    read_cells,
)

LIST = b"["
MOST_CELLS = 1 << 20
"""Different cells of a column of dates, or of numbers as people write them."""
PIECE_ROWS = 1 << 16
"""Rows that are read at once, at most ..."""
PIECE_NUMBERS = 1 << 20
"""... and numbers of an array."""


class TextPiece:
    """Rows of a table of text that stand together; see `Table`.

    Args:
        block: The rows.
        first: How many rows of the table come before.
        gaps: Which cells are without a value.
    """

    targets: list[str] | None = None
    vector = images = False
    shape: tuple[int, ...] | None = None

    def __init__(self, block: Block, first: int, gaps: Gaps) -> None:
        self.parts: dict[str, Table] = {}
        self.names, self.rows, self.first = list(block.names), block.rows, first
        self._block, self._gaps = block, gaps

    @cached_property
    def numbers(self) -> Floats | None:
        """All cells, (rows, columns), where each is a number and plainly written."""
        return text.number_table(self._block)

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {name: at for at, name in enumerate(self.names)}

    @cached_property
    def _texts(self) -> dict[str, list[str]]:
        return text.texts(self._block, self.names)

    def written(self, name: str) -> tuple[list[str], Callable[[int, str], str]]:
        """Return the cells of a column, and what says where they are."""
        return self.cells(name), self.place

    def place(self, row: int, name: str) -> str:
        """Say where a cell stands: ``file:line:column``."""
        return text.place(self._block, row, name)

    def cells(self, name: str) -> list[str]:
        """Return a column as it is written."""
        return self._texts[name]

    def column(self, name: str, kind: Wanted = "auto") -> Column:
        """Return a column: numbers where all its cells are, unless they are to be texts."""
        if not isinstance(kind, str):
            return read_cells(name, self.cells(name), kind, self._gaps, self.place)
        if kind != "text":
            if self.numbers is not None:
                return self._gaps.marked(self.numbers[:, self._positions[name]])
            found = text.column_numbers(self.cells(name), self._gaps)
            if found is not None:
                return found
        if kind == "number":
            fault = text.faults(self.cells(name), self._gaps)[0]
            raise DataError(
                f"column '{name}': {fault.message}", place=self.place(fault.row, name), hint=fault.hint
            )
        return as_texts(self.cells(name), self._gaps)


class NumberPiece(TextPiece):
    """Rows of plain numbers, read before.

    Args:
        table: Whose they are.
        numbers: The rows.
        first: How many rows of the table come before.
        gaps: Which numbers stand for no value.
    """

    def __init__(self, table: Pieces, numbers: Floats, first: int, gaps: Gaps) -> None:
        self.parts: dict[str, Table] = {}
        self.names, self.rows, self.first = table.names, len(numbers), first
        self.numbers = numbers
        self._table, self._gaps = table, gaps

    def place(self, row: int, name: str) -> str:
        """Say where a cell stands: ``file:line:column``."""
        return self._table.place(self.first + row, name)


Piece = TextPiece | ArrayTable


class Pieces:
    """A file on disk that is gone through from its first row to its last, and again; see `Columns`.

    Args:
        path: Of the file, which has to stay as it is.
    Attributes:
        path: The same.
        of_text: Whether somebody wrote the cells.
    Raises:
        DataError: for what cannot be read twice.
    """

    names: list[str]
    targets: list[str] | None = None
    vector = False
    shape: tuple[int, ...] | None = None
    images = False
    of_text = False

    def __init__(self, path: str) -> None:
        if not regular(path):
            if not os.path.lexists(path):
                raise FileError(f"cannot read {path}: there is no such file")
            raise DataError(
                "a stream is read more than once, so that it has to be a file on disk",
                place="<stdin>" if path == "-" else path,
                hint="data.stream: false reads it into memory",
            )
        self.path = path
        self.parts: dict[str, Pieces] = {}
        self._cells: dict[str, dict[str, int]] = {}
        self._stamp = self._now()

    def _now(self) -> tuple[int, ...]:
        try:
            found = os.stat(self.path)
        except OSError as error:
            raise FileError(f"cannot read {self.path}: {error.strerror}") from None
        return found.st_size, found.st_mtime_ns, found.st_ino

    def pieces(self, most: int = PIECE_ROWS, *, again: bool | None = None) -> Iterator[Piece]:
        """Yield the rows, at most so many at once.

        Args:
            most: How many.
            again: True where they will be asked for again, False where they were, and numbers are enough.
        Raises:
            DataError: for what is no table.
            FileError: where the file is another one by now.
        """
        raise NotImplementedError

    def written(self, name: str) -> tuple[list[str], Callable[[int, str], str]]:
        """Return the different cells of a column, and what says where each is first.

        Raises:
            DataError: where there are more of them than are held.
        """
        rows = self._cells.get(name)
        if rows is None:
            rows = self._cells[name] = {}
            for piece in self.pieces():
                for row, cell in enumerate(piece.cells(name), piece.first):
                    rows.setdefault(cell, row)
                if len(rows) > MOST_CELLS:
                    raise DataError(
                        f"column '{name}' has more than {MOST_CELLS:,} different cells, and how they are"
                        " written is told by all of them",
                        place=self.path,
                        hint="plain numbers, or data.stream: false",
                    )
        first = list(rows.values())
        return list(rows), lambda row, name: self.place(first[row], name)

    def place(self, row: int, name: str) -> str:
        """Say where a cell stands."""
        piece = next(piece for piece in self.pieces() if row < piece.first + piece.rows)
        return piece.place(row - piece.first, name)

    def check(self) -> None:
        """Hold the file to what it was at first.

        Raises:
            FileError: where it is another one by now.
        """
        if self._now() != self._stamp:
            raise FileError(f"{self.path} has changed while it was read")


class TextPieces(Pieces):
    """See `Pieces`: CSV, TSV and JSON Lines, and what becomes them when it is read.

    Reading text takes most of the time there is, so that of a table of plain numbers these are kept in a
    temporary file until they have been asked for again.
    """

    of_text = True

    def __init__(self, path: str, written: Written) -> None:
        super().__init__(path)
        self._written = written
        self._kept: Spool | None = None
        self._sizes: list[int] = []
        with text.open_table(path, written.dialect) as source:
            self.names = list(source.names)

    def pieces(self, most: int = PIECE_ROWS, *, again: bool | None = None) -> Iterator[Piece]:
        """Yield the rows; ``again`` as of `Pieces.pieces`."""
        if again is False and self._kept is not None:
            yield from self._again(self._kept)
            self._kept = None
            return
        kept = Spool(len(self.names)) if again else None
        first, sizes = 0, []
        with text.open_table(self.path, self._written.dialect, most) as source:
            for block in source:
                self.check()
                piece = TextPiece(block, first, self._written.gaps)
                yield piece
                first += block.rows
                sizes.append(block.rows)
                if kept is not None and not _append(kept, piece):
                    kept = None
        self._kept, self._sizes = kept, sizes
        self.check()

    def _again(self, kept: Spool) -> Iterator[Piece]:
        """Yield the rows from the numbers that were kept, as many at once as they were text."""
        start = 0
        for count in self._sizes:
            self.check()
            yield NumberPiece(self, kept.read(start, start + count), start, self._written.gaps)
            start += count


def _append(kept: Spool, piece: TextPiece) -> bool:
    """Keep the numbers of some rows; return whether they are plain numbers for which there was room."""
    if piece.numbers is None:
        return False
    with suppress(FileError):
        kept.append(piece.numbers)
        return True
    return False


class NpyPieces(Pieces):
    """See `Pieces`: the columns of one array."""

    def __init__(self, path: str, written: Written) -> None:
        super().__init__(path)
        self._written = written
        with open(path, "rb") as stream:
            self._array: npt.NDArray[Any] = load_array(stream, path, stream.read(len(NPY)), mapped=True)
        self.names = npy_table(self._array[:1], path, written).names

    def pieces(self, most: int = PIECE_ROWS, *, again: bool | None = None) -> Iterator[Piece]:
        """Yield the rows."""
        step = max(1, min(most, PIECE_NUMBERS // len(self.names)))
        for start in range(0, len(self._array), step):
            self.check()
            made = npy_table(np.array(self._array[start : start + step]), self.path, self._written)
            made.first = start
            yield made
        self.check()


class NpzPieces(Pieces):
    """See `Pieces`: the arrays of an archive, of whatever size.

    Args:
        path: Of the archive.
        written: How its images lie.
        names: Of the arrays of inputs and targets; what is trained on by default.
    """

    def __init__(self, path: str, written: Written, names: tuple[str, str] | None = None) -> None:
        super().__init__(path)
        self._written = written
        with rows_of(path) as arrays:
            outlines = {key: array.outline for key, array in arrays.items()}
        if not outlines:
            raise DataError("no arrays", place=path)
        parts = parts_of(outlines) if names is None else {"": names}
        self._pair = parts.pop("", None)
        self._keys = [*outlines] if self._pair is None else [*self._pair]
        made = self._made({key: outlines[key] for key in self._keys})
        self._rows = made.rows
        self.names, self.targets, self.vector = made.names, made.targets, made.vector
        self.shape, self.images = made.shape, made.images
        for part, both in parts.items():
            self.parts[part] = NpzPieces(path, written, both)
            check_part(both[0], self.parts[part], self, path)

    def _made(self, arrays: dict[str, npt.NDArray[Any]]) -> ArrayTable:
        if self._pair is None:
            return columns_of(arrays, self.path, self._written)
        return pair(arrays, *self._pair, self.path, self._written)

    def pieces(self, most: int = PIECE_ROWS, *, again: bool | None = None) -> Iterator[Piece]:
        """Yield the rows."""
        step = max(1, min(most, PIECE_NUMBERS // len(self.names)))
        with rows_of(self.path, self._keys) as arrays:
            for start in range(0, self._rows, step):
                self.check()
                count = min(step, self._rows - start)
                made = self._made({key: array.read(count) for key, array in arrays.items()})
                made.first = start
                yield made
        self.check()


def is_streamed(path: str) -> bool:
    """Whether a file is one that can be gone through piece by piece."""
    return regular(path) and not _head(path).startswith((NPZ, LIST))


def _head(path: str) -> bytes:
    """Return how a file begins, blanks left out."""
    with open(path, "rb") as stream:
        return read(stream, 4096, path).removeprefix(b"\xef\xbb\xbf").lstrip()


def open_pieces(path: str, written: Written) -> Pieces:
    """Return a file to be gone through.

    Raises:
        DataError: when it is no table, or cannot be read twice.
        FileError: when it cannot be read.
    """
    if regular(path):
        head = _head(path)
        if head.startswith(NPY):
            return NpyPieces(path, written)
        if head.startswith(NPZ):
            refuse_foreign(head, path)
            return NpzPieces(path, written)
        if head.startswith(LIST):
            raise DataError(
                "a JSON list is one piece, which has to fit into memory",
                place=path,
                hint="an object a line, as in .jsonl; jq -c '.[]' makes it of a list",
            )
    return TextPieces(path, written)
