"""Tables of words and numbers: CSV, TSV and JSON Lines with every column as text.

A blank cell is missing, and so is one that says so: `MISSING`. Blanks around a cell do not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np

from ..errors import DataError
from .block import Block, Floats, TextBlock
from .delimited import DELIMITERS, DelimitedBlock, cell_place
from .dialect import PLAIN, Dialect
from .jsonlines import members
from .numerals import NUMERAL, cut, fast_numbers, number, number_hint, numbers
from .read import PointSource, open_points

MISSING = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL", "?"})
"""Cells without a value."""

_raw = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Fault(NamedTuple):
    """A cell that is no number: which one, what is wrong, what may be meant."""

    row: int
    message: str
    hint: str | None


class WrongCell(Exception):
    """A column cannot be read as it is said to be written.

    Attributes:
        fault: The first cell that is otherwise.
    """

    def __init__(self, row: int, message: str, hint: str | None) -> None:
        super().__init__(message)
        self.fault = Fault(row, message, hint)


@dataclass(frozen=True)
class Gaps:
    """Which cells are without a value.

    Attributes:
        texts: What such cells say; the empty text is among them.
        numbers: Numbers that stand for no value, such as -999.
    """

    texts: frozenset[str] = MISSING
    numbers: tuple[float, ...] = ()

    @classmethod
    def of(cls, values: Sequence[str | float] | None) -> Gaps:
        """Return the gaps that a config lists; the usual ones for None."""
        if values is None:
            return PLAIN_GAPS
        # YAML reads -999 as a number and an exported table may have -999.0: both are this number
        read = column_numbers(
            [str(value) for value in values if NUMERAL.fullmatch(str(value))], cls(frozenset())
        )
        numbers = () if read is None else tuple(read.tolist())
        return cls(frozenset({"", *(str(value) for value in values)}), numbers)

    def marked(self, values: Floats) -> Floats:
        """Return numbers with NaN where they stand for no value."""
        for each in self.numbers:
            values = np.where(values == each, np.nan, values)
        return values


PLAIN_GAPS = Gaps()


def open_table(
    path: str, dialect: Dialect = PLAIN, block_rows: int = 65536, lenient: bool = False
) -> PointSource:
    """Open a table of text (``-`` is stdin); its blocks are for `texts` and `number_table`.

    Raises:
        FileError: when the file cannot be opened or read.
        DataError: when it has no header, or is no text.
    """
    source = open_points(path, (), block_rows=block_rows, dialect=dialect, lenient=lenient)
    if source.kind == "npy":
        source.close()
        raise DataError(
            "an .npy array has no columns by name",
            place="<stdin>" if path == "-" else path,
            hint="write CSV, TSV, JSON Lines, or an .npz file",
        )
    return source


def texts(block: Block, names: Sequence[str]) -> dict[str, list[str]]:
    """Return the cells of some columns, without the blanks around them.

    Raises:
        DataError: for an object of JSON that lacks one of the keys, has it twice, or has no plain value
            there.
    """
    if isinstance(block, DelimitedBlock):
        cells = block.passed()
        return {name: [str(cell).strip(" \t") for cell in cells[name]] for name in names}
    assert isinstance(block, TextBlock)
    return _json_texts(block, names)


def number_table(block: Block) -> Floats | None:
    """Return a block as numbers, (rows, columns), when every cell is one and plainly written."""
    if not isinstance(block, DelimitedBlock):
        return None
    flat = b",".join(block.lines)
    if block.kind != "csv":
        flat = flat.replace(DELIMITERS[block.kind].encode(), b",")
    values = fast_numbers(flat, block.rows * len(block.names))
    return None if values is None else values.reshape(block.rows, len(block.names))


def place(block: Block, row: int, name: str) -> str:
    """Say where a cell of a block stands: ``path:line:column``."""
    assert isinstance(block, TextBlock)
    line, text = block.line_numbers[row], block.lines[row]
    if isinstance(block, DelimitedBlock):
        return cell_place(block.path, line, text, block.names.index(name), DELIMITERS[block.kind])
    starts = {key: start for key, _, start, _ in members(text.decode(), block.path, line)}
    return f"{block.path}:{line}:{starts.get(name, 0) + 1}"


def column_numbers(cells: Sequence[str], gaps: Gaps = PLAIN_GAPS) -> Floats | None:
    """Read a column: NaN where the cell is missing; None when any other cell is no finite number."""
    missing = [i for i, cell in enumerate(cells) if cell in gaps.texts]
    if missing:
        cells = list(cells)
        for i in missing:
            cells[i] = "0"
    values = numbers([cell.encode() for cell in cells])
    if values is not None:
        values[missing] = np.nan
        values = gaps.marked(values)
    return values


def faults(cells: Sequence[str], gaps: Gaps = PLAIN_GAPS) -> list[Fault]:
    """Return every cell that is neither missing nor a finite number."""
    found = []
    for row, cell in enumerate(cells):
        if cell in gaps.texts:
            continue
        try:
            number(cell)
        except ValueError as exc:
            found.append(Fault(row, str(exc), number_hint(cell)))
    return found


def _json_texts(block: TextBlock, names: Sequence[str]) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {name: [] for name in names}
    keys = {name: msgspec.json.encode(name) for name in names}
    for row, text in enumerate(block.lines):
        line = block.line_numbers[row]
        # an escape may spell a key another way
        if b"\\u" in text or any(text.count(key) != 1 for key in keys.values()):
            found = [key for key, *_ in members(text.decode(), block.path, line)]
            for name in names:
                if found.count(name) != 1:
                    wrong = f"no key '{name}' in this line" if name not in found else None
                    raise DataError(wrong or f"the key '{name}' stands twice", place=f"{block.path}:{line}:1")
        else:
            found = []
        values = _raw.decode(text)
        for name, cells in columns.items():
            if name not in values:
                raise DataError(f"no key '{name}' in this line", place=f"{block.path}:{line}:1")
            cells.append(_json_cell(bytes(values[name]).decode().strip(), name, block, row))
    return columns


def _json_cell(text: str, name: str, block: TextBlock, row: int) -> str:
    if text.startswith('"'):
        return str(msgspec.json.decode(text)).strip(" \t")
    if text.startswith(("{", "[")):
        raise DataError(
            f"'{name}' is {cut(text)}, neither a number nor a text", place=place(block, row, name)
        )
    return "" if text == "null" else text
