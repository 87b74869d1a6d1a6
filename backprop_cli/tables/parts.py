"""Points whose variables are arrays: columns ``x[0]``, ``A[0,1]``, or .npy files with a row a point."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import DataError, FileError, UsageError, counted
from .arrays import MAGIC, load_array
from .block import Block, canonical
from .files import open_file

Shape = tuple[int, ...]
_PART = re.compile(r"(\w+)\[ *(\d{1,6}) *(?:, *(\d{1,6}) *)?\]")
_FILES = re.compile(r"\w+=[^,]+\.npy(?:,\w+=[^,]+\.npy)*", re.IGNORECASE)
MOST = 10_000
"""Numbers of one array."""

BLOCK_ROWS = 4_096
"""Rows of a block: each may have as many numbers, and as many results."""


class Array(NamedTuple):
    """A variable of a table: its shape and the columns of its numbers, in the order of rows."""

    shape: Shape
    columns: tuple[str, ...]

    def of(self, block: Block) -> npt.NDArray[np.float64]:
        """Return its values in a block: a row a point, then its own axes."""
        return np.stack([block.values[name] for name in self.columns], -1).reshape(block.rows, *self.shape)


def column_name(name: str, place: Sequence[int]) -> str:
    """Return what a number of an array is called: ``A[0,1]``."""
    return f"{name}[{','.join(map(str, place))}]" if place else name


def arrays_of(names: Sequence[str], wanted: Sequence[str], place: str) -> dict[str, Array]:
    """Return the variables that a table's columns give.

    Args:
        names: Of the columns.
        wanted: Names of variables.
        place: The table, for messages.
    Raises:
        DataError: where numbers of an array have no column.
    """
    found: dict[str, dict[Shape, str]] = {}
    for column in names:
        match = _PART.fullmatch(column.strip())
        name = canonical(match[1] if match else column.strip())
        if name in wanted:
            at = tuple(int(k) for k in match.groups()[1:] if k is not None) if match else ()
            found.setdefault(name, {})[at] = column
    return {name: _array(name, columns, place) for name, columns in found.items()}


def _array(name: str, columns: Mapping[Shape, str], place: str) -> Array:
    if len({len(at) for at in columns}) > 1:
        several = ", ".join(list(columns.values())[:3])
        raise DataError(f"{name} is read in two ways: the columns are {several}", place=place)
    shape = tuple(max(ks) + 1 for ks in zip(*columns, strict=True))
    if prod(shape) > MOST:
        raise DataError(f"{name} has {prod(shape):,} numbers, and {MOST:,} are the limit", place=place)
    places = list(product(*map(range, shape)))
    for at in places:
        if at not in columns:
            last = column_name(name, max(columns))
            raise DataError(
                f"no column for {column_name(name, at)}; the last of {name} is {last}", place=place,
                hint="an array has a column a number, counted from 0",
            )  # fmt: skip
    return Array(shape, tuple(columns[at] for at in places))


class ArrayFiles:
    """Points in .npy files: of every variable an array with a row a point. A context manager.

    Attributes:
        names: Columns as results have them, ``x[0]``.
        variables: The same: all are of variables.
        arrays: The variables.
    """

    def __init__(self, files: Mapping[str, str], block_rows: int = BLOCK_ROWS) -> None:
        self._data: dict[str, npt.NDArray[Any]] = {}
        self._paths = files
        self._block_rows = block_rows
        self._done = 0
        self.arrays: dict[str, Array] = {}
        for name, path in files.items():
            data = self._data[name] = _loaded(path)
            places = product(*map(range, data.shape[1:]))
            self.arrays[name] = Array(data.shape[1:], tuple(column_name(name, at) for at in places))
        rows = {name: len(data) for name, data in self._data.items()}
        if len(set(rows.values())) > 1:
            told = ", ".join(f"{n:,} of {files[name]}" for name, n in rows.items())
            raise DataError(f"the files have different numbers of rows: {told}")
        self.rows = max(rows.values(), default=0)
        self.names = self.variables = [column for array in self.arrays.values() for column in array.columns]

    @property
    def fraction(self) -> float:
        """How much has been gone through."""
        return self._done / self.rows if self.rows else 1.0

    def __enter__(self) -> ArrayFiles:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def __iter__(self) -> Iterator[Block]:
        for start in range(0, self.rows, self._block_rows):
            values: dict[str, npt.NDArray[np.float64]] = {}
            rows = min(self._block_rows, self.rows - start)
            for name, data in self._data.items():
                part = np.asarray(data[start : start + rows], np.float64).reshape(rows, -1)
                wrong = np.argwhere(~np.isfinite(part))
                if len(wrong):
                    row, k = (int(i) for i in wrong[0])
                    where = f"row {start + row + 1}, {self.arrays[name].columns[k]}"
                    raise DataError(f"{where}: {part[row, k]} is not finite", place=self._paths[name])
                columns = (np.ascontiguousarray(column) for column in part.T)
                values |= dict(zip(self.arrays[name].columns, columns, strict=True))
            self._done = start + rows
            yield Block(values, rows, start)


def _loaded(path: str) -> npt.NDArray[Any]:
    try:
        with open_file(path) as stream:
            data = load_array(stream, path, stream.read(len(MAGIC)), mapped=True)
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from None
    if data.dtype.kind not in "iufb":
        raise DataError(f"an array of {data.dtype}, not of real numbers", place=path)
    if not 1 <= data.ndim <= 3 or prod(data.shape[1:]) > MOST or 0 in data.shape[1:]:
        raise DataError(
            f"an array of shape {data.shape}", place=path,
            hint="a row a point: (rows,), (rows, n) or (rows, m, n)",
        )  # fmt: skip
    return data


def files_of(text: str) -> dict[str, str] | None:
    """Return the files of ``x=x.npy,A=A.npy``; None for anything else.

    Raises:
        UsageError: for a variable that is there twice.
    """
    if not _FILES.fullmatch(text):
        return None
    found: dict[str, str] = {}
    for part in text.split(","):
        name, _, path = part.partition("=")
        if name in found:
            raise UsageError(f"--points: {name} is there twice")
        found[name] = path
    return found


def file_of(path: str, free: Sequence[str]) -> ArrayFiles:
    """Return the points of one .npy file: of the only variable without a value, or a number a variable.

    Raises:
        DataError: where it is not clear of which.
    """
    if len(free) == 1:
        return ArrayFiles({free[0]: path})
    shape = _loaded(path).shape
    raise DataError(
        f"an array of shape {shape}, but {counted(len(free), 'variable')} without a value: {', '.join(free)}",
        place=path,
        hint="--points " + ",".join(f"{name}={name}.npy" for name in free[:3] or ("x",)),
    )
