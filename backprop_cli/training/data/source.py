"""Where rows come from: files, built-in sets, rows written in the config; all as named columns."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Protocol

import numpy as np
import numpy.typing as npt

from ...errors import DataError, FileError, counted
from ...tables import text
from ...tables.block import Block, Floats, canonical
from ...tables.chunks import read
from ...tables.dialect import PLAIN, Dialect
from ...tables.files import open_file
from ...tables.npz import MAGIC, read_npz
from ...tables.numerals import cut, is_numeral, number_hint
from .datasets import Dataset, generate, shipped

if TYPE_CHECKING:
    from ..config import Loaded

Texts = npt.NDArray[np.object_]
Column = Floats | Texts
"""One cell a row: numbers with NaN where there is none, or texts with "" where there is none."""

Kind = Literal["auto", "number", "text", "class"]
"""What a column must be: ``auto`` decides by its cells, ``class`` takes texts among numbers as well."""

_EXACT = 2**53


class Table(Protocol):
    """Rows by named columns.

    Attributes:
        names: Of the columns, in order.
        targets: The columns that are targets by nature; None when the config has to say.
        vector: Whether targets were written as lists of numbers.
    """

    rows: int
    names: list[str]
    targets: list[str] | None
    vector: bool

    def column(self, name: str, kind: Kind = "auto") -> Column:
        """Return a column.

        Raises:
            DataError: when it is not of that kind, with the place of its first wrong cell.
        """

    def place(self, row: int, name: str) -> str:
        """Say where a cell stands."""


class ArrayTable:
    """Columns from arrays.

    Args:
        columns: Name to numbers or texts.
        name: Of the source, for messages.
        targets: See `Table`.
        vector: See `Table`.
    """

    def __init__(
        self,
        columns: dict[str, npt.NDArray[Any]],
        name: str,
        targets: list[str] | None = None,
        vector: bool = False,
    ) -> None:
        self.names = list(columns)
        self.rows = len(next(iter(columns.values())))
        self.targets = targets
        self.vector = vector
        self._name = name
        self._columns = columns

    def place(self, row: int, name: str) -> str:
        """Say where a cell stands: ``file: row 3, column 'x'``."""
        return f"{self._name}: row {row + 1}, column '{name}'"

    def column(self, name: str, kind: Kind = "auto") -> Column:
        """Return a column; see `Table.column`."""
        values = self._columns[name]
        if values.dtype.kind in "OUS":
            cells = [
                (cell.decode(errors="replace") if isinstance(cell, bytes) else str(cell)).strip(" \t")
                for cell in values.tolist()
            ]
            if kind == "auto":
                refuse_disguised(name, cells, self.place)
            if kind != "number":
                return _texts(cells)
            read = text.column_numbers(cells)
            if read is None:
                first = text.faults(cells)[0]
                raise DataError(first.message, place=self.place(first.row, name), hint=first.hint)
            return read
        if values.dtype.kind not in "biuf":
            raise DataError(f"the array holds {values.dtype}, not numbers", place=self.place(0, name))
        if values.dtype.kind in "iu" and values.dtype.itemsize == 8:
            large = (values > _EXACT) | (values < -_EXACT if values.dtype.kind == "i" else False)
            if large.any():
                at = int(large.argmax())
                raise DataError(f"{values[at]} is too long for a float64", place=self.place(at, name))
        numbers = values.astype(np.float64)
        if np.isinf(numbers).any():
            at = int(np.isinf(numbers).argmax())
            raise DataError(f"{numbers[at]} is not a finite number", place=self.place(at, name))
        if kind == "text":
            return _texts(["" if np.isnan(value) else number_name(value) for value in numbers.tolist()])
        return numbers


class FileTable:
    """A table of text, read to its end.

    A block is kept as its bytes and, where all its cells are plain numbers, as an array. Columns are
    made when asked for, so that a column nobody uses may hold anything.
    """

    def __init__(self, path: str, dialect: Dialect = PLAIN) -> None:
        self.targets: list[str] | None = None
        self.vector = False
        self._blocks: list[Block] = []
        self._parts: list[Floats | None] = []
        with text.open_table(path, dialect) as source:
            self.names = source.names
            for block in source:
                self._blocks.append(block)
                self._parts.append(text.number_table(block))
        self.rows = sum(block.rows for block in self._blocks)
        self._starts = np.cumsum([0, *(block.rows for block in self._blocks)])
        self._cells: dict[int, dict[str, list[str]]] = {}
        self._positions = {name: at for at, name in enumerate(self.names)}
        self._table = self._joined()
        name = "<stdin>" if path == "-" else path
        if not self.rows:
            raise DataError("a header and no rows", place=f"{name}:1:1")

    def _joined(self) -> Floats | None:
        """Return one array, (columns, rows), when all is numbers; a column is then one piece of memory."""
        if any(part is None for part in self._parts):
            return None
        table = np.empty((len(self.names), self.rows))
        for i, part in enumerate(self._parts):
            table[:, self._starts[i] : self._starts[i + 1]] = part.T  # type: ignore[union-attr]
        self._parts = [None] * len(self._parts)
        return table

    def place(self, row: int, name: str) -> str:
        """Say where a cell stands: ``file:line:column``."""
        at = int(np.searchsorted(self._starts, row, side="right")) - 1
        return text.place(self._blocks[at], row - int(self._starts[at]), name)

    def column(self, name: str, kind: Kind = "auto") -> Column:
        """Return a column; see `Table.column`.

        A column of which fewer than half of the cells are texts is taken for numbers with mistakes in them.
        """
        at = self._positions[name]
        if self._table is not None and kind != "text":
            column: Floats = self._table[at]
            return column
        if kind != "text":
            parts = [self._numbers(i, at) for i in range(len(self._blocks))]
            whole = [part for part in parts if part is not None]
            if len(whole) == len(parts):
                return np.concatenate(whole)
        cells = [cell for i in range(len(self._blocks)) for cell in self._texts(i, name)]
        if kind in ("auto", "number"):
            given = [cell for cell in cells if cell not in text.MISSING]
            words = sum(not is_numeral(cell) for cell in given)
            if kind == "number" or 2 * words < len(given):
                self._refuse(name, text.faults(cells), len(given), kind)
            refuse_disguised(name, cells, self.place)
        return _texts(cells)

    def _numbers(self, block: int, column: int) -> Floats | None:
        part = self._parts[block]
        if part is not None:
            return part[:, column]
        return text.column_numbers(self._texts(block, self.names[column]))

    def _texts(self, block: int, name: str) -> list[str]:
        if block not in self._cells:
            self._cells[block] = text.texts(self._blocks[block], self.names)
        return self._cells[block][name]

    def _refuse(self, name: str, faults: Sequence[text.Fault], given: int, kind: Kind) -> NoReturn:
        first = faults[0]
        few, others = kind == "auto", given - len(faults)
        so_are = f"; {others} other cells are" if others > 1 else "; 1 other cell is" if others else ""
        raise DataError(
            f"column '{name}': {first.message}" + (so_are if few else ""),
            place=self.place(first.row, name),
            hint=first.hint
            or (
                "a missing value is an empty cell, NA or ?; a column of categories has texts in half of "
                "its cells or more"
                if few
                else None
            ),
        )


def refuse_disguised(name: str, cells: Sequence[str], place: Callable[[int, str], str]) -> None:
    """Refuse a column of texts that people mean as numbers: ``1,5``, ``$3``, ``10%``.

    Raises:
        DataError: when they are half of its cells or more, numbers included.
    """
    given = [row for row, cell in enumerate(cells) if cell not in text.MISSING]
    hints = {row: hint for row in given if (hint := number_hint(cells[row])) is not None}
    numerals = sum(is_numeral(cells[row]) for row in given)
    if not hints or 2 * (len(hints) + numerals) < len(given):
        return
    first = next(iter(hints))
    alike = f"; {counted(len(hints), 'cell')} of the column look so" if len(hints) > 1 else ""
    raise DataError(
        f"column '{name}': '{cut(cells[first])}' is not a number{alike}",
        place=place(first, name),
        hint=f"{hints[first]}; data.categorical: ['{name}'] takes them as texts",
    )


def number_name(value: float) -> str:
    """Return a number as the name of a class: ``3`` for 3.0."""
    return str(int(value)) if value == int(value) else repr(value)


def open_table(loaded: Loaded) -> Table:
    """Return the table of training rows that a config names.

    Raises:
        ConfigError: for too few ``data.samples``.
        DataError: when the table is wrong.
        FileError: when it cannot be read.
    """
    data = loaded.config.data
    if data.dataset is not None:
        return _dataset(loaded, data.dataset)
    if data.path is not None:
        return read_table(data.path, loaded.folder, data.dialect)
    return _inline(data.inputs or [], data.targets, loaded.place("data.inputs"))


def read_table(path: str, folder: str = ".", dialect: Dialect = PLAIN) -> Table:
    """Read a file whose path is relative to a folder; ``-`` is stdin."""
    if path == "-":
        return FileTable(path, dialect)
    path = os.path.join(folder, path) if folder not in ("", ".") else path
    if os.path.isfile(path):
        with _open(path) as stream:
            head = read(stream, len(MAGIC), path)
            if head == MAGIC or path.lower().endswith(".npz"):
                return _npz(head + read(stream, -1, path), path)
    return FileTable(path, dialect)


def _open(path: str) -> Any:
    try:
        return open_file(path)
    except OSError as exc:
        raise FileError(f"cannot read {path}: {exc.strerror or exc}") from exc


def _npz(data: bytes, path: str) -> Table:
    arrays = read_npz(data, path)
    inputs = _named(arrays, ("x", "inputs", "X"))
    targets = _named(arrays, ("y", "targets", "t"))
    if inputs is not None and targets is not None and arrays[inputs].ndim > 1:
        x, y = arrays[inputs], arrays[targets]
        if len(x) != (len(y) if y.ndim else 0) or y.ndim > 2:
            raise DataError(f"'{inputs}' has shape {x.shape} and '{targets}' has shape {y.shape}", place=path)
        if x.size == 0:
            raise DataError(f"'{inputs}' has shape {x.shape}: no numbers", place=path)
        columns = _numbered(x.reshape(len(x), -1), "x")
        outputs = _numbered(y.reshape(len(y), -1), "y")
        return ArrayTable(columns | outputs, path, list(outputs), vector=y.ndim == 2)
    for name, array in arrays.items():
        if array.ndim != 1 or not len(array):
            raise DataError(
                f"the array '{name}' has shape {array.shape}, not (rows,)",
                place=path,
                hint="give arrays x (rows, columns) and y (rows,), or one array of shape (rows,) a column",
            )
    if not arrays:
        raise DataError("no arrays", place=path)
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in lengths.items())
        raise DataError(f"columns of different lengths: {listed}", place=path)
    return ArrayTable(arrays, path)


def _named(arrays: dict[str, Any], names: Sequence[str]) -> str | None:
    return next((name for name in names if name in arrays), None)


def _numbered(table: npt.NDArray[Any], letter: str) -> dict[str, npt.NDArray[Any]]:
    """Name the columns of an array: ``x1``, ``x2`` ..., or ``x`` when there is one."""
    columns = table.T.copy()
    if len(columns) == 1:
        return {letter: columns[0]}
    return {f"{letter}{i}": column for i, column in enumerate(columns, 1)}


def _dataset(loaded: Loaded, name: str) -> Table:
    data = loaded.config.data
    made: Dataset
    if name in ("iris", "digits"):
        made = shipped(name)
    else:
        made = generate(name, loaded.config.seed, data.samples, data.noise)
        if made.classes is not None and len(made.targets) < 2 * len(made.classes):
            least = 2 * len(made.classes)
            raise loaded.error("data.samples", f"{name} takes {least} samples or more")
    columns: dict[str, npt.NDArray[Any]] = dict(zip(made.names, made.inputs.T.copy(), strict=True))
    targets = made.targets
    if made.classes is not None and not all(name.isdigit() for name in made.classes):
        targets = np.array(made.classes, dtype=object)[targets]
    return ArrayTable(columns | {made.target: targets}, name, [made.target])


def _inline(inputs: list[list[float]], targets: list[Any] | None, name: str) -> Table:
    columns = _numbered(np.array(inputs, dtype=np.float64), "x")
    if targets is None:
        return ArrayTable(columns, name, [])
    if isinstance(targets[0], str):
        return ArrayTable(columns | {"y": np.array(targets, dtype=object)}, name, ["y"])
    values = np.array(targets, dtype=np.float64)
    outputs = _numbered(values.reshape(len(values), -1), "y")
    return ArrayTable(columns | outputs, name, list(outputs), vector=values.ndim == 2)


def _texts(cells: Sequence[str]) -> Texts:
    column = np.empty(len(cells), dtype=object)
    known: dict[str, str] = {}
    # equal texts share memory
    column[:] = ["" if cell in text.MISSING else known.setdefault(cell, cell) for cell in cells]
    return column


def named(names: Sequence[str]) -> dict[str, str]:
    """Map names as the language spells them to the columns."""
    return {canonical(name): name for name in names}
