"""Missing cells: rows without them, and what fills them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...errors import DataError
from .. import schema
from .encoding import MISSING, Folding, missing
from .sequences import lasts
from .source import Column, Table

if TYPE_CHECKING:
    from ..config import Loaded


def complete(
    data: schema.Data, table: Table, columns: dict[str, Column], targets: Sequence[str], *, part: bool = False
) -> tuple[dict[str, Column], npt.NDArray[np.int64], int]:
    """Settle missing cells as ``data.missing`` says, but for filling them.

    Returns:
        The columns without the rows that are dropped; the table's number of each row; how many are gone.
    """
    gaps = {name: missing(column) for name, column in columns.items()}
    gaps = {name: rows for name, rows in gaps.items() if rows.any()}
    everything = np.arange(table.rows)
    if not gaps:
        return columns, everything, 0
    refused = {name: rows for name, rows in gaps.items() if data.missing_in(name) == "error"}
    if refused:
        row = min(int(rows.argmax()) for rows in refused.values())
        name = min((name for name in refused if refused[name][row]), key=table.names.index)
        error = no_value(name, table.place(row, name), sum(int(rows.sum()) for rows in refused.values()))
        if data.sequences is not None and data.sequences.by is not None and name in targets:
            error.hint = f"data.sequence.target: last takes the last line's of each; {error.hint}"
        raise error
    gone = np.zeros(table.rows, dtype=bool)
    for name, rows in gaps.items():
        if data.missing_in(name) == "drop" or name in targets:
            gone |= rows
    kept = everything[~gone]
    if not len(kept) and not part:
        raise DataError("every row lacks a value", place=table.place(0, next(iter(gaps))))
    return {name: column[kept] for name, column in columns.items()}, kept, int(gone.sum())


def told_last(
    data: schema.Data, table: Table, columns: dict[str, Column], sources: Sequence[str], folding: Folding
) -> dict[str, Column]:
    """Return the columns of targets with what the last line of each sequence has, in all of its lines.

    Raises:
        DataError: where that line has no value, and ``data.missing`` does not say what becomes of it.
    """
    assert folding.by is not None
    placed = np.flatnonzero(~np.any([missing(columns[name]) for name in folding.columns], axis=0))
    by = columns[folding.by][placed].tolist()
    order = None if folding.order is None else columns[folding.order][placed]
    lines = lasts(by, order)
    found = {}
    for name in sources:
        found[name] = column = columns[name].copy()
        column[placed] = columns[name][placed[lines]]
        gaps = missing(column[placed])
        if gaps.any() and data.missing_in(name) == "error":
            raise no_value(name, table.place(int(placed[lines][gaps].min()), name), len({*lines[gaps]}))
    return found


def no_value(name: str, place: str, cells: int) -> DataError:
    """Return the error for a missing cell, the first of so many in all."""
    more = f"; {cells} cells are empty in all" if cells > 1 else ""
    return DataError(
        f"no value in column '{name}'{more}",
        place=place,
        hint="data.missing: drop leaves such rows out; mean, median or category fills the gaps",
    )


def fills_of(
    loaded: Loaded, data: schema.Data, columns: dict[str, Column], train: npt.NDArray[np.int64]
) -> dict[str, float | str]:
    """Return what fills each column: a mean or median of the training rows, their most frequent text."""
    fills: dict[str, float | str] = {}
    for name, column in columns.items():
        how = data.missing_in(name)
        if how in ("error", "drop"):
            continue
        gaps = missing(column)
        if column.dtype == object and how == "category":
            if gaps.any():
                fills[name] = MISSING
            continue
        given = column[train][~gaps[train]]
        check_given(loaded, name, len(given))
        if given.dtype == object:
            fills[name] = most_frequent(Counter(given.tolist()))
            continue
        with np.errstate(over="ignore"):
            middle = float(np.median(given) if how == "median" else given.mean(dtype=np.float64))
        fills[name] = finite(loaded, name, middle)
    return fills


def check_given(loaded: Loaded, name: str, given: int) -> None:
    """Refuse to fill a column that has no value in any training row."""
    if not given:
        raise loaded.error("data.missing", f"column '{name}' has no value in any training row: no mean")


def most_frequent(counts: Mapping[str, int]) -> str:
    """Return the most frequent text, of equally frequent ones the first in order."""
    return min(counts, key=lambda text: (-counts[text], text))


def finite(loaded: Loaded, name: str, middle: float) -> float:
    """Refuse a mean that is too large."""
    if not np.isfinite(middle):
        raise loaded.error("data.missing", f"the numbers of '{name}' are too large for a mean")
    return middle


def filled(column: Column, value: float | str | None) -> Column:
    """Return a column with a value where it has none."""
    gaps = missing(column)
    if value is None or not gaps.any():
        return column
    column = column.copy()
    column[gaps] = value
    return column
