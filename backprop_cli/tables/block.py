"""A block of points: the rows that are in memory at one time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from ..errors import DataError

Floats = npt.NDArray[np.float64]
Variables = Sequence[str] | Callable[[Sequence[str]], Sequence[str]]
"""Names of variables, or which of a table's columns are variables."""


class Block:
    """Rows of points; every reader has its own subclass for the columns that pass through.

    Args:
        values: One float64 array (rows,) per variable, all finite.
        rows: Number of rows.
        first_row: Index of the first row in the whole stream, from 0.
        columns: Name of the column in the file for each variable; by default its own name.
        names: Names of all columns, in the order of the file; by default those of the variables.
    """

    kind = "values"
    faults: Mapping[int, DataError] = MappingProxyType({})
    """Rows that are none, with the reason; their cells are made up. Only a lenient reader leaves any."""
    lines: list[bytes] | None = None
    """Text of each row as it was given, without its line end; None when the source is no text."""

    def __init__(
        self,
        values: dict[str, Floats],
        rows: int,
        first_row: int = 0,
        columns: Mapping[str, str] | None = None,
        names: Sequence[str] | None = None,
    ) -> None:
        self.values = values
        self.rows = rows
        self.first_row = first_row
        self.columns = {name: name for name in values} if columns is None else columns
        self.names = list(self.columns.values() if names is None else names)

    def place(self, row: int) -> str:
        """Say where a row of this block stands, for messages; ``row`` counts from 0 in the block."""
        return f"row {self.first_row + row + 1}"

    def passed(self) -> dict[str, list[object]]:
        """Return the cells of the columns that are no variables: name -> one value per row."""
        return {}

    def records(self) -> list[dict[str, object]]:
        """Return every row as name -> value, in the order of the file; variables are floats."""
        cells = self.cells()
        return [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]

    def cells(self) -> dict[str, list[object]]:
        """Return every column as Python values: name -> one value per row, in the order of the file."""
        cells: dict[str, list[object]] = {name: [] for name in self.names}
        for variable, column in self.columns.items():
            cells[column] = self.values[variable].tolist()
        cells.update(self.passed())
        return cells


class TextBlock(Block):
    """Rows that came as lines of text.

    Args:
        text: The rows, ``\\n`` after each, or a list with one item per row.
        line_numbers: Line of the file on which each row starts, from 1.
        path: Name of the file, for messages.
    """

    def __init__(
        self,
        values: dict[str, Floats],
        rows: int,
        first_row: int,
        columns: Mapping[str, str],
        names: Sequence[str],
        text: bytes | list[bytes],
        line_numbers: Sequence[int],
        path: str,
    ) -> None:
        super().__init__(values, rows, first_row, columns, names)
        self._text = text
        self.line_numbers = line_numbers
        self.path = path

    @property
    def lines(self) -> list[bytes]:  # type: ignore[override]
        """Text of each row as it was given, without its line end."""
        if isinstance(self._text, bytes):
            self._text = self._text[:-1].split(b"\n")
        return self._text

    def place(self, row: int) -> str:
        """Say where a row of this block stands: ``path:line:1``."""
        return f"{self.path}:{self.line_numbers[row]}:1"


class Pending:
    """Rows that were read one by one, until they make a block.

    Attributes:
        text: Text of each row so far.
    """

    def __init__(self, variables: Iterable[str]) -> None:
        self.text: list[bytes] = []
        self._variables = list(variables)
        self._values: list[list[float]] = []
        self._lines: list[int] = []

    def add(self, values: list[float], text: bytes, line: int) -> None:
        """Add a row: a value per variable, its text, the line it starts on."""
        self._values.append(values)
        self.text.append(text)
        self._lines.append(line)

    def take(self) -> tuple[dict[str, Floats], int, list[bytes], list[int]]:
        """Return variables' arrays, number of rows, texts and lines, and begin anew."""
        rows, text, lines = len(self.text), self.text, self._lines
        table = np.array(self._values, dtype=np.float64).reshape(rows, len(self._variables)).T.copy()
        self._values, self.text, self._lines = [], [], []
        return dict(zip(self._variables, table, strict=True)), rows, text, lines


def column_of(names: Sequence[str], wanted: Sequence[str]) -> dict[str, str]:
    """Find the column of each variable, in the order of ``wanted``; variables without one are left out.

    Names are compared as the language reads them: NFC, and the micro sign as mu.
    """
    spelled = {canonical(name): name for name in names}
    return {name: spelled[name] for name in wanted if name in spelled}


def chosen(variables: Variables, names: Sequence[str]) -> Sequence[str]:
    """Return the variables of a table with these columns."""
    return variables(names) if callable(variables) else variables


def canonical(name: str) -> str:
    """Return a column name as the language spells names."""
    if name.isascii():
        return name
    from unicodedata import normalize

    return normalize("NFC", name).replace("\N{MICRO SIGN}", "\N{GREEK SMALL LETTER MU}")


def missing_column(variable: str, names: Sequence[str], place: str) -> DataError:
    """Return the error for a variable that the file has no column for."""
    from ..errors import nearest

    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    close = nearest(variable, list(names))
    hint = f"rename the column '{close}' to '{variable}', or bind {variable}" if close else None
    return DataError(
        f"no column for the variable '{variable}'; the columns are {shown or 'none'}",
        place=place,
        hint=hint or f"add the column '{variable}', or bind {variable} to one value",
    )
