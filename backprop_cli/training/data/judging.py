"""Columns that tell rows apart but teach nothing about new ones: names and numbers of rows, dates."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from ...tables.dates import is_date
from .encoding import missing
from .source import Column

ROW_NAMES = frozenset(
    {"", "id", "index", "row", "row_id", "rowid", "rownames", "nr", "no", "unnamed: 0", "level_0"}
)
"""What columns are called that number the rows."""

_ID = re.compile(r".*(?:[a-z]I[Dd]|[ _.-][iI][dD]|[a-z][ _.-]?(?:Number|number|NUMBER))")
_TIMES = frozenset({"t", "time", "x", "year", "month", "week", "day", "hour", "minute", "second", "age"})
"""What columns are called that may run 1, 2, 3, ... and mean it."""

FEW_ROWS = 3
"""With fewer rows, no column can be told from its rows."""
NUMBERED_ROWS = 10
"""From so many rows on, 1, 2, 3, ... in their order is no accident."""
NAMED_ROWS = 10
"""More different texts than this, each in fewer than two rows, are names."""


class Judged(NamedTuple):
    """Why a column teaches nothing, and what is wiser."""

    why: str
    wiser: str


def teaches_nothing(name: str, column: Column) -> Judged | None:
    """Judge a column of features by its name and cells; None where nothing speaks against it."""
    given = column[~missing(column)]
    rows = len(column)
    if column.dtype != object:
        return _numbers_teach_nothing(name, given, rows)
    different = len(set(given.tolist()))
    leave_out = f"data.exclude: ['{name}'] leaves it out"
    dates = column.dtype == object and different > 0 and all(map(is_date, given.tolist()))
    if (rows < FEW_ROWS and not dates) or not different:
        return None
    if different == 1 and len(given) == rows:
        return Judged("has the same value in every row, which teaches nothing", leave_out)
    if not dates and different != rows and (different <= NAMED_ROWS or 2 * different <= rows):
        return None
    what = "dates" if dates else "texts"
    wiser = f"data.dates: ['{name}'] makes numbers of it" if dates else leave_out
    return Judged(
        f"has {different} different {what} in {rows} rows, each an input of its own"
        " that teaches nothing about new rows",
        wiser,
    )


def _numbers_teach_nothing(name: str, given: Column, rows: int) -> Judged | None:
    """Judge a column of numbers; a set of a million of them would take more memory than all the columns."""
    if rows < FEW_ROWS or not len(given):
        return None
    leave_out = f"data.exclude: ['{name}'] leaves it out"
    if len(given) == rows and (given == given[0]).all():
        return Judged("has the same value in every row, which teaches nothing", leave_out)
    numbers = np.asarray(given, dtype=np.float64)
    if len(given) == rows and _numbers_rows(name, numbers) and (np.diff(np.sort(numbers)) > 0.0).all():
        return Judged("seems to number the rows, which teaches nothing about new ones", leave_out)
    return None


def _numbers_rows(name: str, numbers: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
    if name.casefold() in ROW_NAMES:
        return True
    if _ID.fullmatch(name):
        return bool((numbers == np.floor(numbers)).all())
    in_order = len(numbers) >= NUMBERED_ROWS and numbers[0] in (0, 1) and bool((np.diff(numbers) == 1).all())
    return in_order and name.casefold() not in _TIMES
