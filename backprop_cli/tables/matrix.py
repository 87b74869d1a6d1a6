"""A file that is one array of numbers: lines of cells, .npy, or one of the arrays of an .npz."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError, FileError, decoded
from .arrays import load_array
from .files import bytes_of, open_file
from .npz import read_npz


def read_matrix(name: str) -> npt.NDArray[np.float64]:
    """Return the numbers of a file: a matrix, or a vector where that has one line or column of text.

    Args:
        name: ``w.csv``, ``w.tsv``, ``w.npy``, ``w.npz:key``.
    Raises:
        DataError: with the place, for what is no number, no array of one or two axes, or has ragged rows.
        FileError: where the file cannot be read.
    """
    stem, _, key = name.partition(":") if ".npz:" in name.lower() else (name, "", "")
    ending = stem.lower().rpartition(".")[2]
    if ending == "npz":
        return _numbers(_of_archive(stem, key), name)
    if ending == "npy":
        with _opened(stem) as file:
            return _numbers(load_array(file, stem), name)
    return _of_text(decoded(bytes_of(stem), stem, DataError), stem, "\t" if ending == "tsv" else ",")


def _opened(path: str) -> Any:
    try:
        return open_file(path)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}") from None


def _of_archive(path: str, key: str) -> npt.NDArray[Any]:
    with _opened(path) as file:
        arrays = read_npz(file, path)
    if not key and len(arrays) == 1:
        return next(iter(arrays.values()))
    if key not in arrays:
        has = ", ".join(arrays) or "no arrays"
        what = f"no array '{key}'" if key else "which of its arrays?"
        raise DataError(what, place=path, hint=f"{path}:KEY; it has {has}")
    return arrays[key]


def _numbers(array: npt.NDArray[Any], place: str) -> npt.NDArray[np.float64]:
    if array.dtype.kind not in "iufb":
        raise DataError(f"an array of {array.dtype}, not of real numbers", place=place)
    if not 1 <= array.ndim <= 2 or not array.size:
        raise DataError(
            f"an array of shape {array.shape}", place=place, hint="a vector has one axis, a matrix has two"
        )
    found = np.array(array, np.float64)
    wrong = np.argwhere(~np.isfinite(found))
    if len(wrong):
        raise DataError(f"the number at {[int(i) for i in wrong[0]]} is not finite", place=place)
    return found


def _of_text(text: str, path: str, separator: str) -> npt.NDArray[np.float64]:
    rows: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        row: list[float] = []
        column = 1
        for cell in line.split(separator):
            try:
                x = float(cell)
            except ValueError:
                x = float("nan")
            if not isfinite(x):
                raise DataError(
                    f"'{cell.strip()}' is no number",
                    place=f"{path}:{number}:{column}",
                    hint="a file of an array has numbers alone; --points reads tables with names",
                )
            row.append(x)
            column += len(cell) + 1
        if rows and len(row) != len(rows[0]):
            raise DataError(
                f"a row of {len(row)} numbers after rows of {len(rows[0])}", place=f"{path}:{number}:1"
            )
        rows.append(row)
    if not rows:
        raise DataError("the file has no numbers", place=path)
    found = np.array(rows, np.float64)
    return found.reshape(-1) if 1 in found.shape else found
