"""Numbers as people write them: ``1,200``, ``$139,750``, ``12 %``, ``34 kg``, ``(0.5)``, ``12,5``.

A comma in one cell may be a sign for thousands or for decimals, a percent sign may or may not stand for a
factor: a cell alone does not say what it means, a column mostly does. `learn` decides for a whole column
how it is written; what a column does not settle alike for every cell is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import NamedTuple

import numpy as np

from .block import Floats
from .numerals import cut, is_numeral
from .text import PLAIN_GAPS, Gaps, WrongCell

BLANKS = " \u00a0\u2009\u202f"
_MINUS = "\u2212\u2013-"  # the hyphen last, as in a class of characters
_CURRENCY = "(?:[$\u20ac\u00a3\u00a5\u20b9]|(?:US\\$|USD|EUR|GBP|CHF|JPY|INR|Rs\\.?)(?![^\\W\\d_]))"
_CELL = re.compile(
    rf"(?P<open>\(?)[{BLANKS}]*(?P<sign>[+{_MINUS}]?)[{BLANKS}]*(?P<before>{_CURRENCY}?)[{BLANKS}]*"
    rf"(?P<inner>[+{_MINUS}]?)(?P<digits>[0-9.,][0-9.,'\u2019{BLANKS}]*)(?P<power>(?:[eE][+-]?[0-9]+)?)[{BLANKS}]*"
    rf"(?P<after>(?:[%\u2030\u00b0$\u20ac\u00a3\u00a5\u20b9]|[^\W\d_])[^\d()+,;:]{{0,15}})?[{BLANKS}]*(?P<close>\)?)"
)
_GROUPED = {
    ".": re.compile(rf"[0-9]{{1,3}}(?:([,'\u2019{BLANKS}])[0-9]{{3}}(?:\1[0-9]{{3}})*)(?:\.[0-9]*)?"),
    ",": re.compile(rf"[0-9]{{1,3}}(?:([.'\u2019{BLANKS}])[0-9]{{3}}(?:\1[0-9]{{3}})*)(?:,[0-9]*)?"),
}
_SIMPLE = {
    ".": re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"),
    ",": re.compile(r"(?:[0-9]+(?:,[0-9]*)?|,[0-9]+)"),
}
_SIGNS = {
    "%": "%",
    "\u2030": "\u2030",
    "usd": "$",
    "us$": "$",
    "eur": "\u20ac",
    "gbp": "\u00a3",
    "rs": "\u20b9",
}


class Amount(NamedTuple):
    """A number and what stands beside it: ``kg``, ``$``, or nothing."""

    value: float
    unit: str


def amount(cell: str, decimal: str = ".") -> Amount | None:
    """Read one cell, its decimals behind a point or a comma; None where it is no number so written."""
    found = _CELL.fullmatch(cell.strip(" \t" + BLANKS))
    if found is None or bool(found["open"]) != bool(found["close"]):
        return None
    if bool(found["open"]) + bool(found["sign"]) + bool(found["inner"]) > 1:
        return None
    digits = found["digits"].rstrip(BLANKS)
    if _GROUPED[decimal].fullmatch(digits):
        digits = re.sub(rf"[{',' if decimal == '.' else '.'}'\u2019{BLANKS}]", "", digits)
    elif not _SIMPLE[decimal].fullmatch(digits):
        return None
    value = float(digits.replace(",", ".") + found["power"])
    negative = bool(found["open"]) != ((found["sign"] or found["inner"] or "+") in _MINUS)
    return Amount(-value if negative else value, _unit(found["before"], found["after"] or ""))


def _unit(before: str, after: str) -> str:
    """Return the name of a unit: one for ``$5`` and ``5 USD``."""
    words = (word.strip(" \t" + BLANKS).rstrip(".").casefold() for word in (before, after))
    return " ".join(_SIGNS.get(word, word) for word in words if word)


@dataclass(frozen=True)
class Amounts:
    """How the numbers of a column are written.

    Attributes:
        decimal: Between the integer part and the rest.
        unit: Beside every number, without influence on it; "" for none.
        turned: The table has decimal commas, of which plain numbers were rid before: those have points.
    """

    decimal: str = "."
    unit: str = ""
    turned: bool = False

    def amount(self, cell: str) -> Amount | None:
        """Read a cell; None where it is no number so written."""
        return amount(cell, "." if self.turned and is_numeral(cell) else self.decimal)

    def read(self, cells: Sequence[str], gaps: Gaps = PLAIN_GAPS) -> Floats:
        """Return the numbers, NaN where a cell is missing.

        Raises:
            WrongCell: for the first cell that is not so written.
        """
        values = np.empty(len(cells))
        for row, cell in enumerate(cells):
            if cell in gaps.texts:
                values[row] = np.nan
                continue
            found = self.amount(cell)
            if found is None:
                raise WrongCell(row, f"'{cut(cell)}' is not a number", self._wrong_sign(cell))
            if found.unit != self.unit:
                stands = f"has the unit {found.unit}" if found.unit else "has no unit"
                others = f"{self.unit} stands beside the others" if self.unit else "the others have none"
                raise WrongCell(
                    row, f"'{cut(cell)}' {stands}, {others}", "one unit, or none, in the whole column"
                )
            if not isfinite(found.value):
                raise WrongCell(row, f"{cut(cell)} is too large for a float64", None)
            values[row] = found.value
        return gaps.marked(values)

    def _wrong_sign(self, cell: str) -> str | None:
        other = "," if self.decimal == "." else "."
        names = {".": "points", ",": "commas"}
        if amount(cell, other) is None:
            return None
        return f"the decimals of the column have {names[self.decimal]}, its thousands {names[other]} or none"


def learn(cells: Sequence[str], gaps: Gaps = PLAIN_GAPS, comma: bool = False) -> Amounts:
    """Tell how a column is written.

    The sign of decimals is the one with which every cell is a number. Where both would do, as for ``1,200``,
    it is the point, and the comma one for thousands.

    Args:
        cells: Of the column.
        gaps: Which cells are missing.
        comma: The table is said to have decimal commas; its plain numbers are turned already.
    Raises:
        WrongCell: for the first cell that is no number so written.
    """
    given = [cell for cell in cells if cell not in gaps.texts]
    ways = ["."] if comma else [".", ","]
    if comma and not all(map(is_numeral, given)):
        ways = [","]
    tried = [Amounts(way, turned=comma) for way in ways]
    how = next((each for each in tried if all(each.amount(c) is not None for c in given)), tried[0])
    units = [read.unit for cell in given if (read := how.amount(cell)) is not None]
    how = replace(how, unit=max(dict.fromkeys(units), key=units.count, default=""))
    how.read(cells, gaps)
    return how


def doubt(cells: Sequence[str], how: Amounts, gaps: Gaps = PLAIN_GAPS) -> tuple[str, float, float] | None:
    """Return a cell that is another number by the other sign of decimals, where that fits the whole column.

    Returns:
        The cell, what it is read as, what it would be; None where the column leaves no doubt.
    """
    other = replace(how, decimal="," if how.decimal == "." else ".")
    try:
        read, reread = how.read(cells, gaps), other.read(cells, gaps)
    except WrongCell:
        return None
    rows = np.flatnonzero(read != reread)
    rows = rows[~np.isnan(read[rows])]
    return (cells[rows[0]], float(read[rows[0]]), float(reread[rows[0]])) if len(rows) else None
