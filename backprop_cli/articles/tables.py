"""Rows of tables as equations: a name, its formula, and the number that comes out."""

from __future__ import annotations

import re
from collections.abc import Collection

from ..language.tokens import NAME
from ..ops import FUNCTIONS
from .known import SLOPE, SYMBOL, Known
from .latex import plain_math
from .numbers import NUMBER
from .programs import names_in

_RULE = re.compile(r"[\s|:-]+")
_VALUE = re.compile(
    r"\b(?:values?|results?|numbers?|outputs?|answers?|gives|equals|is|initial|start|weights?|new)\b|[=≈]",
    re.IGNORECASE,
)
_MARKS = re.compile(r"^(?:\$\$?|`|\*\*?|\\\\?\()+|(?:\$\$?|`|\*\*?|\\?\\\))+$")


class Table:
    """The table that the lines of a text are in."""

    def __init__(self) -> None:
        self._header: list[str] = []
        self._cells: list[str] = []

    def equation(self, line: str) -> str | None:
        """Return what a row claims, ``z_1 = w_1 x_1 = 0.3``; None where it is none, or in doubt.

        The first cell has a name or a derivative, the others a formula or a number; the last column is headed
        as one of values where its cells have no sign of equality themselves.
        """
        row, self._cells = line.strip(), []
        if not (row.startswith("|") and row.endswith("|") and row.count("|") > 2) or r"\|" in row:
            self._header = []
            return None
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if not self._header:
            self._header = cells
            return None
        if _RULE.fullmatch(row) or len(cells) != len(self._header) or not all(cells):
            return None
        self._cells = cells
        first, *others = (plain_math(_MARKS.sub("", cell)).strip() for cell in cells)
        *_, last = re.split(r"[=≈]", others[-1])
        named = (
            SLOPE.fullmatch(first) or SYMBOL.fullmatch(first) or (first != cells[0] and first.isidentifier())
        )
        headed = _VALUE.search(self._header[-1]) or "=" in others[-1]
        if not (named and headed and re.fullmatch(NUMBER, last.strip())):
            return None
        return " = ".join([first, *others])

    def results(self, functions: Collection[str]) -> list[str]:
        """Return the numbers of the row last read that stand alone under a formula, or beside one.

        Args:
            functions: Those that the text defines.
        """
        beside = any(_is_formula(cell, functions) for cell in self._cells)
        return [
            _MARKS.sub("", cell).strip()
            for head, cell in zip(self._header, self._cells, strict=False)
            if re.fullmatch(NUMBER, _MARKS.sub("", cell).strip())
            and ((beside and _VALUE.search(head)) or _is_formula(head, functions))
        ]


def _is_formula(cell: str, functions: Collection[str]) -> bool:
    """Return whether a cell is a formula over names, not a label such as "train/test" or "top-1"."""
    text = plain_math(_MARKS.sub("", cell)).strip()
    called = set(re.findall(rf"({NAME})['′]?\(", text))
    values = re.sub(rf"({NAME})['′]?\(", lambda m: "(" if m[1] in functions else f"{m[1]}(", text)
    return (
        (re.search(r"[\^*(]", text) is not None or text != cell)
        and re.search(r"[\^*/+(]|\s-\s", text) is not None
        and bool(names_in(text))
        and called <= {*functions, *FUNCTIONS}
        and Known.reads(values) is not None
    )
