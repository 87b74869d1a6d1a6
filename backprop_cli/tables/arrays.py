"""Points in NumPy's .npy format: structured arrays by field, plain ones by column."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader, BytesIO
from math import prod
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from ..errors import DataError, FileError, counted
from .block import Block, Floats, Variables, chosen, column_of, missing_column
from .chunks import read

MAGIC = b"\x93NUMPY"
_EXACT = 2**53


class ArrayBlock(Block):
    """Rows of an array."""

    kind = "npy"

    def __init__(
        self,
        values: dict[str, Floats],
        rows: int,
        first_row: int,
        columns: dict[str, str],
        names: Sequence[str],
        source: npt.NDArray[Any],
    ) -> None:
        super().__init__(values, rows, first_row, columns, names)
        self._source = source

    def passed(self) -> dict[str, list[object]]:
        """Return the fields that are no variables as Python values; bytes and times as text."""
        used = set(self.columns.values())
        return {name: _python(self._source[name]) for name in self.names if name not in used}


class ArrayReader:
    """Reads blocks from a .npy array; a file is mapped, not loaded.

    Args:
        stream: Opened at the start or after ``head``.
        path: Name of the file.
        variables: Names to look for, in order: the order of a plain array's columns.
        optional: Those that need no column.
        block_rows: Most rows of a block.
        head: Bytes that were already read.
        mapped: Whether ``path`` is a file on disk.
    Raises:
        DataError: for pickled objects, a wrong shape or type of numbers, an array cut short.
    """

    def __init__(
        self,
        stream: BinaryIO,
        path: str,
        variables: Variables,
        optional: Collection[str],
        block_rows: int,
        head: bytes = b"",
        mapped: bool = False,
    ) -> None:
        self._path = path
        self._block_rows = block_rows
        self._row = 0
        self._array = array = load_array(stream, path, head, mapped)
        if array.dtype.names is not None:
            if array.ndim != 1:
                raise DataError(f"a structured array of shape {array.shape}, not (rows,)", place=path)
            self.names = list(array.dtype.names)
            variables = chosen(variables, self.names)
            self.columns = column_of(self.names, variables)
            for variable in variables:
                if variable not in self.columns and variable not in optional:
                    raise missing_column(variable, self.names, path)
            types = {column: array.dtype[column] for column in self.columns.values()}
        else:
            self.names = self._plain_names(chosen(variables, ()), optional)
            self.columns = {name: name for name in self.names}
            types = dict.fromkeys(self.names, array.dtype)
        for column, dtype in types.items():
            if dtype.kind not in "iuf":
                raise DataError(f"column '{column}' holds {dtype}, not real numbers", place=path)

    @property
    def fraction(self) -> float | None:
        """How much of the array is read, from 0 to 1."""
        return self._row / len(self._array) if len(self._array) else 1.0

    def blocks(self) -> Iterator[Block]:
        """Yield the rows in blocks.

        Raises:
            DataError: for a number that is not finite, or an integer that float64 would change.
        """
        plain = self._array.dtype.names is None
        table = self._array.reshape(len(self._array), -1) if plain and len(self._array) else self._array
        for start in range(0, len(table), self._block_rows):
            rows = table[start : start + self._block_rows]
            values = {
                name: self._floats(rows[:, i] if plain else rows[column], column)
                for i, (name, column) in enumerate(self.columns.items())
            }
            self._row = start + len(rows)
            yield ArrayBlock(values, len(rows), start, self.columns, self.names, rows)

    def _floats(self, column: npt.NDArray[Any], name: str) -> Floats:
        with np.errstate(all="ignore"):
            values = np.ascontiguousarray(column, dtype=np.float64)
        wrong = ~np.isfinite(values)
        if column.dtype.kind in "iu" and column.dtype.itemsize == 8:
            large = (column > _EXACT) | (column < -_EXACT) if column.dtype.kind == "i" else column > _EXACT
            for i in np.flatnonzero(large):
                wrong[i] = int(column[i]) != int(values[i])
        if wrong.any():
            at = int(wrong.argmax())
            exact = "no float64 is equal to it" if column.dtype.kind in "iu" else "not a finite float64"
            raise DataError(
                f"row {self._row + at + 1}, column '{name}': {column[at]} is {exact}"
                if column.dtype.kind == "f"
                else f"row {self._row + at + 1}, column '{name}': {column[at]} is too long: {exact}",
                place=self._path,
            )
        return values

    def _plain_names(self, variables: Sequence[str], optional: Collection[str]) -> list[str]:
        shape = self._array.shape
        width = shape[1] if len(shape) == 2 else 1
        required = [name for name in variables if name not in optional]
        for names in (list(variables), required):
            if len(shape) in (1, 2) and width == len(names):
                return names
        raise DataError(
            f"an array of shape {shape}, but {counted(len(variables), 'variable')}",
            place=self._path,
            hint=f"a row per point, a column per variable: {', '.join(variables) or 'there is none'}",
        )


def load_array(stream: BinaryIO, path: str, head: bytes = b"", mapped: bool = False) -> npt.NDArray[Any]:
    """Load one .npy array; nothing in it is ever unpickled.

    Raises:
        DataError: for pickled objects, or a file that is damaged or cut short.
    """
    source: Any = path
    if not mapped:
        source = BytesIO(head + read(stream, -1, path))
        head = source.getvalue()[: len(MAGIC)]
    if not head.startswith(MAGIC):
        raise DataError("not an .npy file", place=path, hint="write it with numpy.save")
    with _faults(path):
        array: npt.NDArray[Any] = np.load(source, mmap_mode="r" if mapped else None, allow_pickle=False)
    return array


def read_array(stream: BufferedReader, path: str, passing: tuple[type[Exception], ...]) -> npt.NDArray[Any]:
    """Read one .npy array as it comes, without its bytes beside it.

    Args:
        stream: At its start.
        path: Name of the array.
        passing: Faults of the stream, which are not the array's.
    Raises:
        DataError: as `load_array`.
    """
    if not stream.peek(len(MAGIC)).startswith(MAGIC):
        raise DataError("not an .npy file", place=path, hint="write it with numpy.save")
    with _faults(path, passing):
        array: npt.NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return array


NEAR = 4.0
"""Numbers up to so many times the distance between the least and the largest stay apart in float32."""
LEAST, MOST = 1e-30, 1e38
"""Sizes between which float32 has all its digits, in a column's largest number."""
PIECE = 1 << 20
"""Numbers that are read at once."""


def spoils(part: Floats, small: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Tell the columns of a block that float32 would spoil.

    It spoils none whose numbers it holds exactly, and none whose numbers are no larger than they are apart:
    scaled, they are as near as float32 has them.
    """
    largest = np.abs(part).max(axis=0, initial=0.0)
    with np.errstate(over="ignore"):
        fine = (largest <= NEAR * np.ptp(part, axis=0)) & (largest > LEAST) & (largest < MOST)
    spoilt: npt.NDArray[np.bool_] = ~fine
    for at in np.flatnonzero(spoilt).tolist():
        spoilt[at] = not (small[:, at] == part[:, at]).all()
    return spoilt


def _head(stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]] | None:
    """Return shape, whether it lies column by column, and type of an array; None of another version."""
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        return None
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    found: tuple[tuple[int, ...], bool, np.dtype[Any]] = header(stream)
    return found


class ArrayRows:
    """An .npy array whose rows are read one after the other.

    Args:
        stream: At its start.
        path: Name of the array.
        passing: Faults of the stream, which are not the array's.
    Attributes:
        shape: Of the array.
        dtype: Of its numbers.
    Raises:
        DataError: for pickled objects, for one that lies column by column, or what is no array.
    """

    def __init__(self, stream: BinaryIO, path: str, passing: tuple[type[Exception], ...]) -> None:
        self._stream, self._path, self._passing = stream, path, passing
        with _faults(path, passing):
            head = _head(stream)
            if head is None:
                raise ValueError("another version")
            self.shape, columnwise, self.dtype = head
            if self.dtype.hasobject:
                raise ValueError("pickled objects")
        if columnwise and len(self.shape) > 1:
            raise DataError(
                "the array lies column by column, so that its rows are nowhere together",
                place=path,
                hint="save numpy.ascontiguousarray(array)",
            )

    @property
    def outline(self) -> npt.NDArray[Any]:
        """An array of its shape and type, all of whose numbers are one."""
        return np.broadcast_to(np.zeros((), self.dtype), self.shape)

    def read(self, rows: int) -> npt.NDArray[Any]:
        """Return the next rows.

        Raises:
            DataError: where it is cut short.
        """
        found = np.empty((rows, *self.shape[1:]), self.dtype)
        with _faults(self._path, self._passing):
            data = self._stream.read(found.nbytes)
            if len(data) < found.nbytes:
                raise ValueError("cut short")
        return np.frombuffer(data, self.dtype).reshape(found.shape)


def read_narrow(
    stream: BufferedReader, path: str, passing: tuple[type[Exception], ...]
) -> npt.NDArray[np.float32] | None:
    """Read an array of float64 into float32, piece by piece; None where that cannot be, or spoils it."""
    if not stream.peek(len(MAGIC)).startswith(MAGIC):
        return None
    with _faults(path, passing):
        head = _head(stream)
        if head is None:
            return None
        shape, columnwise, dtype = head
        if dtype != np.float64 or columnwise or len(shape) < 2 or 0 in shape:
            return None
        found = np.empty((shape[0], prod(shape[1:])), np.float32)
        rows = max(1, PIECE // found.shape[1])
        for start in range(0, shape[0], rows):
            place = found[start : start + rows]
            data = stream.read(8 * place.size)
            if len(data) < 8 * place.size:
                return None  # cut short: read_array says so
            part = np.frombuffer(data).reshape(place.shape)
            with np.errstate(all="ignore"):
                place[...] = part
            if not np.isfinite(part).all() or spoils(part, place).any():
                return None
        stream.read()  # to its end, where the checksum stands
    return found.reshape(shape)


@contextmanager
def _faults(path: str, passing: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Say what is wrong with an array that NumPy cannot read."""
    try:
        yield
    except passing:
        raise
    except OSError as exc:
        raise FileError(f"cannot read {path}: {exc.strerror or exc}") from exc
    except Exception as exc:
        # The header is a Python literal: a damaged one fails as anything from SyntaxError to MemoryError.
        if "bject" in str(exc) or "pickle" in str(exc):
            raise DataError(
                "the array holds pickled Python objects, which are never loaded",
                place=path,
                hint="save it as numbers or texts: array.astype(float), array.astype(str)",
            ) from None
        raise DataError("the .npy file is damaged or cut short", place=path) from exc


def regular(path: str) -> bool:
    """Tell whether a path is a file on disk, which can be mapped."""
    return path != "-" and os.path.isfile(path)


def _python(column: npt.NDArray[Any]) -> list[object]:
    if column.dtype.kind == "S":
        return [cell.decode(errors="replace") for cell in column.tolist()]
    if column.dtype.kind in "mMcV":
        return [str(cell) for cell in column]
    cells: list[object] = column.tolist()
    return cells
