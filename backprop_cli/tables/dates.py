"""Dates as people write them, as days since 1970-01-01, and the numbers that a net can learn from."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from .block import Floats
from .numerals import cut
from .text import PLAIN_GAPS, Gaps, WrongCell

EPOCH = date(1970, 1, 1).toordinal()
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_TIME = (
    r"(?:[T ,]+(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}(?:\.[0-9]*)?))?"
    r"[ ]?(?P<half>[AaPp][Mm])?[ ]?(?P<zone>Z|UTC|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_MONTH = r"(?P<name>[A-Za-z]{3,9})\.?"
_FORMS = tuple(
    re.compile(form + _TIME)
    for form in (
        r"(?P<year>[0-9]{4})(?P<sign>[-/.])(?P<month>[0-9]{1,2})(?:(?P=sign)(?P<day>[0-9]{1,2}))?",
        r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})",
        r"(?P<first>[0-9]{1,2})(?P<sign>[-/.])(?P<second_>[0-9]{1,2})(?P=sign)(?P<year>[0-9]{4})",
        rf"{_MONTH}[ -](?:(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?,?[ -])?(?P<year>[0-9]{{4}})",
        rf"(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th|\.)?[ -]{_MONTH}[ -](?P<year>[0-9]{{4}})",
        rf"(?P<year>[0-9]{{4}})[ -]{_MONTH}[ -](?P<day>[0-9]{{1,2}})",
    )
)
_SHORT_YEAR = re.compile(r"[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2}(?:[T ].*)?")

ORDERS = ("dmy", "mdy")


def _whole(days: Floats) -> Floats:
    return np.floor(days)


def _months(days: Floats) -> Floats:
    return _whole(days).astype("datetime64[D]").astype("datetime64[M]").astype(float)


PARTS: dict[str, Callable[[Floats], Floats]] = {
    "year": lambda days: np.floor(_months(days) / 12) + 1970,
    "month": lambda days: _months(days) % 12 + 1,
    "day": lambda days: (
        _whole(days) - _months(days).astype("datetime64[M]").astype("datetime64[D]").astype(float) + 1
    ),
    "weekday": lambda days: (_whole(days) + 3) % 7 + 1,
    "hour": lambda days: (days - _whole(days)) * 24,
    "elapsed": lambda days: days,
}
"""What can be had of a date: of days since 1970, a Thursday; weekdays count from Monday, 1."""

USUAL = ("year", "month", "weekday", "elapsed")


@dataclass(frozen=True)
class Dates:
    """How the dates of a column are written.

    Attributes:
        order: ``dmy`` or ``mdy``, where day and month are both numbers and the year comes last.
    """

    order: str = "dmy"

    def read(self, cells: Sequence[str], gaps: Gaps = PLAIN_GAPS) -> Floats:
        """Return days since 1970-01-01, times as fractions, NaN where a cell is missing.

        Raises:
            WrongCell: for the first cell that is no date so written.
        """
        known: dict[str, float] = {}
        values = np.empty(len(cells))
        for row, cell in enumerate(cells):
            if cell in gaps.texts:
                values[row] = np.nan
                continue
            if cell not in known:
                known[cell] = self._days(cell, row)
            values[row] = known[cell]
        return values

    def _days(self, cell: str, row: int) -> float:
        found = _match(cell)
        if found is None:
            hint = "write the year with four digits" if _SHORT_YEAR.fullmatch(cell) else "write 2024-12-31"
            raise WrongCell(row, f"'{cut(cell)}' is no date", hint)
        got = found.groupdict()
        day, month = got.get("day") or "1", got.get("month")
        if got.get("first"):
            day, month = got["first"], got["second_"]
            if self.order == "mdy":
                day, month = month, day
        elif month is None:
            month = str(MONTHS.index(got["name"][:3].casefold()) + 1)
        try:
            days = float(date(int(got["year"]), int(month), int(day)).toordinal() - EPOCH)
        except ValueError:
            order = "day/month/year" if self.order == "dmy" else "month/day/year"
            told = f", read as {order}" if got.get("first") else ""
            raise WrongCell(row, f"there is no date '{cut(cell)}'{told}", None) from None
        if got["hour"] is None:
            return days
        hour, minute, second = int(got["hour"]), int(got["minute"]), float(got["second"] or 0)
        if got["half"] and 1 <= hour <= 12:
            hour = hour % 12 + 12 * (got["half"].casefold() == "pm")
        if hour > 24 or minute > 59 or second >= 61:
            raise WrongCell(row, f"there is no time '{cut(cell)}'", None)
        zone = (got["zone"] or "Z").replace(":", "")
        offset = 0 if zone in ("Z", "UTC") else int(zone[0] + "1") * (int(zone[1:3]) * 60 + int(zone[3:]))
        return days + (hour * 3600 + (minute - offset) * 60 + second) / 86400


def _match(cell: str) -> re.Match[str] | None:
    for form in _FORMS:
        found = form.fullmatch(cell)
        if found is not None and ("name" not in found.groupdict() or _is_month(found["name"])):
            return found
    return None


def _is_month(name: str) -> bool:
    from calendar import month_name

    word = name.casefold()
    full = [month.casefold() for month in month_name]  # of the C locale, unless a program has set another
    return word[:3] in MONTHS and (len(word) == 3 or word == "sept" or word in full)


def is_date(cell: str) -> bool:
    """Tell whether a cell is a date beyond doubt: eight digits alone are a number as well."""
    return (not cell.isdigit() and _match(cell) is not None) or bool(_SHORT_YEAR.fullmatch(cell))


def learn(cells: Sequence[str], order: str | None = None, gaps: Gaps = PLAIN_GAPS) -> Dates:
    """Tell how the dates of a column are written: whether day or month comes first.

    A day above 12 in any cell tells it; dots do as well, by which nobody puts the month first.

    Args:
        cells: Of the column.
        order: What the config says; None for nothing.
        gaps: Which cells are missing.
    Raises:
        WrongCell: for the first cell that is no date, and where nothing tells the order.
    """
    doubtful: int | None = None
    told = order
    for row, cell in enumerate(cells):
        found = None if cell in gaps.texts else _FORMS[2].fullmatch(cell)
        if found is None or told is not None:
            continue
        first, second = int(found["first"]), int(found["second_"])
        if first > 12 or found["sign"] == ".":
            told = "dmy"
        elif second > 12:
            told = "mdy"
        elif doubtful is None and first != second:
            doubtful = row
    if told is None and doubtful is not None:
        raise WrongCell(
            doubtful,
            f"'{cut(cells[doubtful])}' may have the day first or the month, and no other cell tells",
            "data.date_order: dmy, or mdy",
        )
    how = Dates(told or "dmy")
    how.read(cells, gaps)
    return how
