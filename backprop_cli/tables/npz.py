"""Archives of NumPy arrays by name (.npz); nothing in them is ever unpickled."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedReader
from typing import Any, BinaryIO, cast
from zipfile import BadZipFile, ZipFile

import numpy.typing as npt

from ..errors import DataError
from .arrays import ArrayRows, read_array, read_narrow
from .chunks import Watched

MAGIC = b"PK\x03\x04"
LIMIT = 1 << 30
"""Bytes of all arrays together; a small archive may claim to unpack to anything."""

NUMBERS = 1 << 28
"""Numbers of all arrays together: a byte becomes a float64."""


BROKEN = (BadZipFile, zlib.error, EOFError)
"""What reading a damaged array raises."""

DAMAGED = (*BROKEN, NotImplementedError, RuntimeError, ValueError, OSError)
"""What opening a damaged archive raises, or one that is packed in an unknown way."""


@contextmanager
def _whole(name: str, faults: tuple[type[Exception], ...]) -> Iterator[None]:
    try:
        yield
    except faults as exc:
        raise DataError("the .npz file is damaged or cut short", place=name) from exc


def read_npz(
    file: BinaryIO, name: str, narrow: Callable[[str], bool] = lambda key: False
) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an archive, in its order.

    Args:
        file: The archive, which can be searched.
        name: Of the file, for messages.
        narrow: Whether the array of a name may be in float32, where that spoils none of its columns.
    Raises:
        DataError: for a damaged archive, pickled objects, or more than `LIMIT` bytes of arrays.
    """
    arrays = {}
    with _whole(name, DAMAGED), ZipFile(Watched(file, name)) as archive:
        if sum(member.file_size for member in archive.infolist()) > LIMIT:
            raise DataError(f"the arrays take more than {LIMIT >> 30} GiB", place=name)
        for member in archive.infolist():
            key = member.filename.removesuffix(".npy")
            if key in arrays:
                raise DataError(f"two arrays are named '{key}'", place=name)
            array = None
            if narrow(key):
                with archive.open(member) as stream:
                    array = read_narrow(cast(BufferedReader, stream), f"{name}: array '{key}'", BROKEN)
            if array is None:
                with archive.open(member) as stream:
                    array = read_array(cast(BufferedReader, stream), f"{name}: array '{key}'", BROKEN)
                    stream.read()  # to its end, where the checksum stands
            arrays[key] = array
            if sum(array.size for array in arrays.values()) > NUMBERS:
                raise DataError(f"the arrays have more than {NUMBERS:,} numbers", place=name)
    return arrays


@contextmanager
def rows_of(path: str, keys: Collection[str] | None = None) -> Iterator[dict[str, ArrayRows]]:
    """Open arrays of an archive, all by default, to be read row by row, whatever their size.

    Raises:
        DataError: for a damaged archive, and as `ArrayRows`.
    """
    # what else fails while rows are used, a disk that is full, is not the archive's
    with _whole(path, BROKEN), ExitStack() as streams:
        with _whole(path, DAMAGED):
            archive = streams.enter_context(ZipFile(path))
            names = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
            wanted = names if keys is None else {key: names[key] for key in keys}
            opened = {key: streams.enter_context(archive.open(member)) for key, member in wanted.items()}
        yield {
            key: ArrayRows(cast(BinaryIO, stream), f"{path}: array '{key}'", BROKEN)
            for key, stream in opened.items()
        }
