"""Where rows come from: files, built-in sets, rows written in the config; all as named columns."""

from __future__ import annotations

import contextlib
import csv
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import BufferedReader, BytesIO, RawIOBase, StringIO
from itertools import islice
from math import prod
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple, NoReturn, Protocol, cast

import numpy as np
import numpy.typing as npt

from ...errors import DataError, FileError, counted, nearest
from ...tables import text
from ...tables.amounts import Amounts, amount, learn
from ...tables.arrays import MAGIC as NPY
from ...tables.arrays import load_array, regular, spoils
from ...tables.block import Block, Floats, canonical
from ...tables.chunks import read
from ...tables.dates import Dates
from ...tables.dialect import PLAIN, Dialect
from ...tables.files import open_file
from ...tables.formats import refuse_foreign
from ...tables.npz import MAGIC, read_npz
from ...tables.numerals import cut, is_numeral, number_hint
from ...tables.text import PLAIN_GAPS, Gaps, WrongCell
from ..schema import Data
from .characters import CharacterTable
from .datasets import Dataset, generate, shipped

if TYPE_CHECKING:
    from ..config import Loaded

Texts = npt.NDArray[np.object_]
Column = Floats | Texts
"""One cell a row: numbers with NaN where there is none, or texts with "" where there is none."""

Numbers = npt.NDArray[Any]

Kind = Literal["auto", "number", "text", "class"]
"""What a column must be: ``auto`` decides by its cells, ``class`` takes texts among numbers as well."""

Reading = Amounts | Dates
"""How the cells of a column are written that are numbers, or dates, to people alone."""

Wanted = Kind | Reading

_EXACT = 2**53
PIECE = 1 << 16
"""Numbers of an array that are written as text at once."""
COPIED = 1 << 22
"""Numbers of an array whose columns are made one piece of memory each; more would be the data twice."""
SLAB = 1 << 23
"""Numbers of a piece of memory that blocks are kept in."""
_SMALL = ("u1", "i1", "u2", "i2", "u4", "i4", "f4")
"""Types of arrays whose columns need no copy in float64."""


class Columns(Protocol):
    """A table before its rows: what its columns are called.

    Attributes:
        names: Of the columns, in order.
        targets: The columns that are targets by nature; None when the config has to say.
        vector: Whether targets were written as lists of numbers.
        shape: Of the inputs of one row, channels first, where the source tells it.
        images: Whether the inputs of a row have axes of their own.
        parts: Tables that the source holds besides: of ``validation`` and ``test`` rows.
    """

    names: list[str]
    targets: list[str] | None
    vector: bool
    shape: tuple[int, ...] | None
    images: bool

    @property
    def parts(self) -> Mapping[str, Columns]: ...

    def written(self, name: str) -> tuple[list[str], Callable[[int, str], str]]:
        """Return every cell that a column has, some but once, as it is written, and what says where it is."""

    def place(self, row: int, name: str) -> str:
        """Say where a cell stands."""


class Table(Columns, Protocol):
    """Rows by named columns; see `Columns`.

    Attributes:
        rows: How many.
        parts: The other tables of the source.
    """

    rows: int
    parts: dict[str, Table]

    def column(self, name: str, kind: Wanted = "auto") -> Column:
        """Return a column.

        Raises:
            DataError: when it is not of that kind, with the place of its first wrong cell.
        """

    def cells(self, name: str) -> list[str]:
        """Return a column as it is written."""


class ArrayTable:
    """Columns from arrays.

    Args:
        columns: Name to numbers or texts.
        name: Of the source, for messages.
        targets: See `Table`.
        vector: See `Table`.
        gaps: Which cells are without a value.
        shape: See `Table`.
        images: See `Table`.
    """

    def __init__(
        self,
        columns: dict[str, npt.NDArray[Any]],
        name: str,
        targets: list[str] | None = None,
        vector: bool = False,
        gaps: Gaps = PLAIN_GAPS,
        shape: tuple[int, ...] | None = None,
        images: bool = False,
    ) -> None:
        self.names = list(columns)
        self.rows = len(next(iter(columns.values())))
        self.targets = targets
        self.vector = vector
        self.shape = shape
        self.images = images
        self.parts: dict[str, Table] = {}
        self.first = 0
        """How many rows come before, where these are a part of all."""
        self._name = name
        self._columns = columns
        self._gaps = gaps

    def as_text(self, names: Sequence[str]) -> BinaryIO:
        """Return the table as CSV, a piece at a time.

        Args:
            names: Of the columns: their own, or others.
        """
        return cast(BinaryIO, BufferedReader(_AsText(names, list(self._columns.values()), self.rows)))

    def place(self, row: int, name: str) -> str:
        """Say where a cell stands: ``file: row 3, column 'x'``."""
        return f"{self._name}: row {self.first + row + 1}, column '{name}'"

    def written(self, name: str) -> tuple[list[str], Callable[[int, str], str]]:
        """Return the cells of a column as texts, and what says where they are."""
        return self.cells(name), self.place

    def cells(self, name: str) -> list[str]:
        """Return a column as texts."""
        values = self._columns[name]
        if values.dtype.kind in "OUS":
            return [
                (cell.decode(errors="replace") if isinstance(cell, bytes) else str(cell)).strip(" \t")
                for cell in values.tolist()
            ]
        return ["" if value != value else number_name(value) for value in values.astype(np.float64).tolist()]

    def column(self, name: str, kind: Wanted = "auto") -> Column:
        """Return a column; see `Table.column`."""
        if not isinstance(kind, str):
            return read_cells(name, self.cells(name), kind, self._gaps, self.place)
        values = self._columns[name]
        if values.dtype.kind in "OUS":
            cells = self.cells(name)
            if kind == "auto":
                refuse_disguised(name, cells, self.place, self._gaps)
            if kind != "number":
                return as_texts(cells, self._gaps)
            read = text.column_numbers(cells, self._gaps)
            if read is None:
                first = text.faults(cells, self._gaps)[0]
                raise DataError(first.message, place=self.place(first.row, name), hint=first.hint)
            return read
        if values.dtype.kind not in "biuf":
            raise DataError(f"the array holds {values.dtype}, not numbers", place=self.place(0, name))
        if values.dtype.kind in "iu" and values.dtype.itemsize == 8:
            large = (values > _EXACT) | (values < -_EXACT if values.dtype.kind == "i" else False)
            if large.any():
                at = int(large.argmax())
                raise DataError(f"{values[at]} is too long for a float64", place=self.place(at, name))
        if kind != "text" and values.dtype in _SMALL and not self._gaps.numbers and np.isfinite(values).all():
            return values  # every number is one of float64, and nothing is missing
        numbers = values.astype(np.float64, copy=False)
        if np.isinf(numbers).any():
            at = int(np.isinf(numbers).argmax())
            raise DataError(f"{numbers[at]} is not a finite number", place=self.place(at, name))
        if kind == "text":
            return as_texts(self.cells(name), self._gaps)
        return self._gaps.marked(numbers)


class _AsText(RawIOBase):
    """Arrays as lines of CSV."""

    def __init__(self, names: Sequence[str], columns: Sequence[npt.NDArray[Any]], rows: int) -> None:
        self._columns, self._rows, self._row = columns, rows, 0
        self._rest = memoryview(self._lines([list(names)]))

    @staticmethod
    def _lines(rows: Iterable[Sequence[object]]) -> bytes:
        text = StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        return text.getvalue().encode()

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Write what comes next into a buffer; return how much."""
        if not self._rest and self._row < self._rows:
            some = slice(self._row, self._row + max(1, PIECE // len(self._columns)))
            self._row = some.stop
            cells = [column[some].tolist() for column in self._columns]
            self._rest = memoryview(self._lines(zip(*map(_decoded, cells), strict=True)))
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def _decoded(cells: list[Any]) -> list[Any]:
    """Return the cells of an array as a table has them: bytes are texts, and what is no number is no cell."""
    return [
        cell.decode(errors="replace")
        if isinstance(cell, bytes)
        else int(cell)
        if isinstance(cell, bool)
        else ""
        if cell != cell
        else cell
        for cell in cells
    ]


class _Slabs:
    """Large pieces of memory that blocks are kept in: freed, they go back to the system at once."""

    def __init__(self) -> None:
        self._slab: Numbers = np.empty((0, 0))
        self._used = 0

    def kept(self, part: Numbers) -> Numbers:
        """Return a copy of a block in a slab."""
        if self._used + len(part) > len(self._slab) or self._slab.dtype != part.dtype:
            rows = max(len(part), min(2 * len(self._slab), SLAB // max(1, part.shape[1])))
            self._slab, self._used = np.empty((rows, part.shape[1]), part.dtype), 0
        place = self._slab[self._used : self._used + len(part)]
        place[...] = part
        self._used += len(part)
        return place


class FileTable:
    """A table of text, read to its end.

    A block is kept as its bytes or, where all its cells are plain numbers, as an array: what it said, and
    where, is read again in the rare case that somebody asks. Columns are made when asked for, so that a
    column nobody uses may hold anything.
    """

    def __init__(
        self,
        path: str,
        dialect: Dialect = PLAIN,
        gaps: Gaps = PLAIN_GAPS,
        narrow: Callable[[list[str]], list[str]] | None = None,
    ) -> None:
        self.targets: list[str] | None = None
        self.vector = False
        self.shape: tuple[int, ...] | None = None
        self.images = False
        self.parts: dict[str, Table] = {}
        self._gaps = gaps
        self._path, self._dialect = path, dialect
        self._blocks: list[Block | None] = []
        self._wide: dict[tuple[int, int], Floats] = {}
        self._parts: list[Numbers | None] = []
        sizes = [0]
        again, slabs = regular(path), _Slabs()
        with text.open_table(path, dialect) as source:
            self.names = source.names
            narrowed = None if narrow is None else {*narrow(self.names)}
            for block in source:
                part: Numbers | None = text.number_table(block)
                if part is not None:
                    if narrowed is not None:
                        part = self._narrow(np.asarray(part, np.float64), narrowed, len(self._parts))
                    part = slabs.kept(part)
                self._blocks.append(None if again and part is not None else block)
                self._parts.append(part)
                sizes.append(block.rows)
        self.rows = sum(sizes)
        self._starts = np.cumsum(sizes)
        self._cells: dict[int, dict[str, list[str]]] = {}
        self._positions = {name: at for at, name in enumerate(self.names)}
        self._table = self._joined()
        name = "<stdin>" if path == "-" else path
        if not self.rows:
            raise DataError("a header and no rows", place=f"{name}:1:1")

    def _narrow(self, part: Floats, names: set[str], block: int) -> npt.NDArray[np.float32]:
        """Return the numbers of a block in float32, and keep those columns apart that it would spoil."""
        with np.errstate(over="ignore", under="ignore"):  # those columns are kept apart
            small = part.astype(np.float32)
        for at, (name, spoilt) in enumerate(zip(self.names, spoils(part, small).tolist(), strict=True)):
            if spoilt or name not in names:
                self._wide[block, at] = part[:, at].copy()
        return small

    def _joined(self) -> list[Numbers] | None:
        """Return the columns, each one piece of memory, when all is numbers."""
        if any(part is None for part in self._parts):
            return None
        wide = sorted({at for _, at in self._wide})
        rest = [at for at in range(len(self.names)) if at not in wide]
        dtype = self._parts[0].dtype if self._parts and self._parts[0] is not None else np.float64
        table: dict[int, Numbers] = dict(zip(wide, np.empty((len(wide), self.rows)), strict=True))
        table.update(zip(rest, np.empty((len(rest), self.rows), dtype), strict=True))
        for i, part in enumerate(self._parts):
            assert part is not None
            for at, column in table.items():
                column[self._starts[i] : self._starts[i + 1]] = self._wide.pop((i, at), part[:, at])
            self._parts[i] = None
        return [table[at] for at in range(len(self.names))]

    def _texts_of_blocks(self) -> Iterator[Block]:
        """Yield the blocks with what they say, from the file where they were let go.

        Raises:
            FileError: when the file is another one by now.
        """
        kept = [block for block in self._blocks if block is not None]
        if len(kept) == len(self._blocks):
            yield from kept
            return
        with text.open_table(self._path, self._dialect) as source:
            rows = 0
            for block in source:
                yield block
                rows += block.rows
        if rows != self.rows:
            raise FileError(f"{self._path} has changed while it was read")

    def place(self, row: int, name: str) -> str:
        """Say where a cell stands: ``file:line:column``."""
        at = int(np.searchsorted(self._starts, row, side="right")) - 1
        block = next(islice(self._texts_of_blocks(), at, None))
        return text.place(block, row - int(self._starts[at]), name)

    def written(self, name: str) -> tuple[list[str], Callable[[int, str], str]]:
        """Return the cells of a column, and what says where they are."""
        return self.cells(name), self.place

    def cells(self, name: str) -> list[str]:
        """Return a column as it is written."""
        if None in self._blocks:
            return [cell for block in self._texts_of_blocks() for cell in text.texts(block, [name])[name]]
        return [cell for i in range(len(self._blocks)) for cell in self._texts(i, name)]

    def column(self, name: str, kind: Wanted = "auto") -> Column:
        """Return a column; see `Table.column`.

        A column of which fewer than half of the cells are texts is taken for numbers with mistakes in them.
        """
        if not isinstance(kind, str):
            return read_cells(name, self.cells(name), kind, self._gaps, self.place)
        at = self._positions[name]
        if self._table is not None and kind != "text":
            return self._gaps.marked(self._table[at])
        if kind != "text":
            parts = [self._numbers(i, at) for i in range(len(self._blocks))]
            whole = [part for part in parts if part is not None]
            if len(whole) == len(parts):
                return np.concatenate(whole)
        cells = self.cells(name)
        if kind in ("auto", "number"):
            given = [cell for cell in cells if cell not in self._gaps.texts]
            words = sum(not is_numeral(cell) for cell in given)
            if kind == "number" or 2 * words < len(given):
                self._refuse(name, text.faults(cells, self._gaps), len(given), kind)
            refuse_disguised(name, cells, self.place, self._gaps)
        return as_texts(cells, self._gaps)

    def _numbers(self, block: int, column: int) -> Floats | None:
        part = self._parts[block]
        if part is not None:
            return self._gaps.marked(self._wide.get((block, column), part[:, column]))
        return text.column_numbers(self._texts(block, self.names[column]), self._gaps)

    def _texts(self, block: int, name: str) -> list[str]:
        if block not in self._cells:
            kept = self._blocks[block]
            assert kept is not None  # those that were let go are numbers
            self._cells[block] = text.texts(kept, self.names)
        return self._cells[block][name]

    def _refuse(self, name: str, faults: Sequence[text.Fault], given: int, kind: Kind) -> NoReturn:
        raise mixed(name, faults[0], self.place(faults[0].row, name), given - len(faults), few=kind == "auto")


def mixed(name: str, first: text.Fault, place: str, others: int, *, few: bool) -> DataError:
    """Return the error for a column of numbers with a cell that is none.

    Args:
        name: Of the column.
        first: The first such cell.
        place: Where it is.
        others: Cells that are numbers.
        few: Whether it would be a column of texts, were there more of them.
    """
    so_are = f"; {others} other cells are" if others > 1 else "; 1 other cell is" if others else ""
    return DataError(
        f"column '{name}': {first.message}" + (so_are if few else ""),
        place=place,
        hint=first.hint
        or (
            "a missing value is an empty cell, NA or ?; a column of categories has texts in half of "
            "its cells or more"
            if few
            else None
        ),
    )


def read_cells(
    name: str, cells: Sequence[str], how: Reading, gaps: Gaps, place: Callable[[int, str], str]
) -> Floats:
    """Read a column as it is said to be written.

    Raises:
        DataError: for the first cell that is otherwise, with its place.
    """
    try:
        return how.read(cells, gaps)
    except WrongCell as error:
        raise wrong_cell(name, error, place) from None


def wrong_cell(name: str, error: WrongCell, place: Callable[[int, str], str]) -> DataError:
    """Return the error that says where a column is not written as it should be."""
    row, message, hint = error.fault
    return DataError(f"column '{name}': {message}", place=place(row, name), hint=hint)


def refuse_disguised(
    name: str, cells: Sequence[str], place: Callable[[int, str], str], gaps: Gaps = PLAIN_GAPS
) -> None:
    """Refuse a column of texts that people mean as numbers: ``1,5``, ``$3``, ``10%``, ``34 kg``.

    Raises:
        DataError: when they are half of its cells or more, numbers included.
    """
    given = [row for row, cell in enumerate(cells) if cell not in gaps.texts]
    read = {row: amount(cells[row]) or amount(cells[row], ",") for row in given}
    numerals = sum(is_numeral(cells[row]) for row in given)
    disguised = [
        row for row in given if not is_numeral(cells[row]) and (read[row] or number_hint(cells[row]))
    ]
    if not disguised or 2 * (len(disguised) + numerals) < len(given):
        return
    units = {found.unit for found in read.values() if found is not None}
    if len(units) > 1 and any(unit[:1].isalpha() for unit in units):
        return  # 1st, 2nd and 3rd are no units but names
    first = disguised[0]
    alike = f"; {counted(len(disguised), 'cell')} of the column look so" if len(disguised) > 1 else ""
    try:
        (value,) = learn(cells, gaps).read([cells[first]])
        help_ = f"data.numbers: ['{name}'] reads it as {number_name(float(value))}"
    except WrongCell:
        help_ = number_hint(cells[first]) or "write plain numbers"
    raise DataError(
        f"column '{name}': '{cut(cells[first])}' is not a number{alike}",
        place=place(first, name),
        hint=f"{help_}; data.categories: ['{name}'] takes such cells as texts",
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
        return read_named(loaded, "path", data.path)
    return _inline(data.inputs or [], data.targets, loaded.place("data.inputs"))


def read_named(loaded: Loaded, key: str, path: str) -> Table:
    """Read the file that a key of ``data`` names.

    Raises:
        ConfigError, DataError, FileError: as `read_table`; with the place of the key where no such file is.
    """
    with named_by(loaded, key, path):
        return read_table(path, loaded.folder, written_as(loaded.config.data, loaded.config.dtype))


@contextlib.contextmanager
def named_by(loaded: Loaded, key: str, path: str) -> Iterator[None]:
    """Say of a file that is not there which key of ``data`` names it."""
    try:
        yield
    except FileError as error:
        if not os.path.lexists(os.path.join(loaded.folder, path)):
            folder = os.path.dirname(os.path.join(loaded.folder, path)) or os.curdir
            names = os.listdir(folder) if os.path.isdir(folder) else []
            close = nearest(os.path.basename(path), names)
            error.place = loaded.place(f"data.{key}")
            error.hint = (
                f"did you mean {close}?"
                if close
                else f"paths start from {loaded.folder}, the config's folder"
            )
        raise


class Written(NamedTuple):
    """How the tables of a config are written.

    Attributes:
        dialect: Of text.
        gaps: Which cells are without a value.
        layout: Of images in arrays; None where it is not said.
        shape: Of a row, as the config has it; None where it is not said.
        narrow: Tells of the names of the columns those that are trained in float32.
        characters: Whether it is a text, whose characters are told from each other.
    """

    dialect: Dialect = PLAIN
    gaps: Gaps = PLAIN_GAPS
    layout: str | None = None
    shape: tuple[int, ...] | None = None
    narrow: Callable[[list[str]], list[str]] | None = None
    characters: bool = False


PLAINLY = Written()


def written_as(data: Data, dtype: str = "float64") -> Written:
    """Return how the tables of a config are written, and what of them float32 is enough for: no target."""
    shape = tuple(data.shape) if data.shape else None

    def narrow(names: list[str]) -> list[str]:
        given = [names[-1]] if data.target is None else data.target
        targets = " ".join([given] if isinstance(given, str) else given)  # a formula names its column
        return [name for name in names if name not in targets and canonical(name) not in targets]

    small = narrow if dtype == "float32" else None
    characters = data.sequence == "characters"
    return Written(data.dialect, Gaps.of(data.missing_values), data.layout, shape, small, characters)


def read_table(path: str, folder: str = ".", written: Written = PLAINLY) -> Table:
    """Read a file whose path is relative to a folder; ``-`` is stdin."""
    path = from_folder(path, folder)
    if written.characters:
        return _text(path, written)
    table = array_table(path, written)
    return table or FileTable(path, written.dialect, written.gaps, written.narrow)


def _text(path: str, written: Written) -> CharacterTable:
    """Read a text; ``-`` is stdin."""
    if path == "-":
        return CharacterTable.read(sys.stdin.buffer.read(), "<stdin>", written.dialect.encoding)
    with _open(path) as stream:
        return CharacterTable.read(read(stream, -1, path), path, written.dialect.encoding)


def from_folder(path: str, folder: str) -> str:
    """Return a path from the working folder."""
    return os.path.join(folder, path) if path != "-" and folder not in ("", ".") else path


def array_table(path: str, written: Written = PLAINLY, bare: bool = False) -> ArrayTable | None:
    """Read an archive of arrays, or a single array; None for a file, or stdin, of something else.

    Args:
        path: From the working folder; ``-`` is stdin.
        written: How its images lie.
        bare: It may lack targets.
    """
    with contextlib.ExitStack() as stack:
        name, stream = path, None
        if path == "-":
            if sys.stdin is not None and hasattr(sys.stdin, "buffer"):
                piped: Any = sys.stdin.buffer
                head = piped.peek(len(NPY))[: len(NPY)] if hasattr(piped, "peek") else b""
                if head.startswith((MAGIC, NPY)):
                    name, stream = "<stdin>", BytesIO(read(piped, -1, "<stdin>"))
        elif os.path.isfile(path):
            stream = stack.enter_context(_open(path))
        if stream is None:
            return None
        head = read(stream, 4096, name)
        refuse_foreign(head, path)
        if head.startswith(MAGIC) or path.lower().endswith(".npz"):
            narrow = _is_inputs if written.narrow is not None else _never
            return _npz(read_npz(stream, name, narrow), name, written, bare)
        if head.startswith(NPY):
            return npy_table(load_array(stream, name, head), name, written)
    return None


def _open(path: str) -> Any:
    try:
        return open_file(path)
    except OSError as exc:
        raise FileError(f"cannot read {path}: {exc.strerror or exc}") from exc


_INPUTS, _TARGETS = ("x", "inputs", "X", "data", "images"), ("y", "targets", "t", "labels", "target")
_PARTS = {"": ("_train", "_training"), "validation": ("_val", "_valid", "_validation"), "test": ("_test",)}
"""What the arrays of the parts are called: ``x_train``, ``y_train`` and so on."""


def _is_inputs(name: str) -> bool:
    """Whether an array is called as inputs are, of whatever part."""
    endings = ("", *(ending for endings in _PARTS.values() for ending in endings))
    return name in {stem + ending for stem in _INPUTS for ending in endings}


def _never(name: str) -> bool:
    return False


def parts_of(arrays: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the arrays of inputs and targets of each part, "" being what is trained on; none for columns."""
    inputs, targets = _named(arrays, _INPUTS), _named(arrays, _TARGETS)
    if inputs is not None and targets is not None and arrays[inputs].ndim > 1:
        return {"": (inputs, targets)}
    found = {part: names for part, ends in _PARTS.items() if (names := _pair_of(arrays, ends)) is not None}
    return found if "" in found else {}


def columns_of(arrays: dict[str, Any], path: str, written: Written) -> ArrayTable:
    """Return arrays that are a column each."""
    for name, array in arrays.items():
        if array.ndim != 1 or not len(array):
            raise DataError(
                f"the array '{name}' has shape {array.shape}, not (rows,)",
                place=path,
                hint="give arrays x (rows, columns) and y (rows,), or x_train, y_train, x_test, y_test, or"
                " one array of shape (rows,) a column",
            )
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in lengths.items())
        raise DataError(f"columns of different lengths: {listed}", place=path)
    return ArrayTable(arrays, path, gaps=written.gaps)


def _npz(arrays: dict[str, Any], path: str, written: Written, bare: bool = False) -> ArrayTable:
    if not arrays:
        raise DataError("no arrays", place=path)
    inputs, parts = _named(arrays, _INPUTS), parts_of(arrays)
    whole = inputs is not None and parts.get("", ("",))[0] == inputs
    if bare and not whole and inputs is not None and arrays[inputs].ndim > 1:
        x, shape = _channels_first(arrays[inputs], inputs, path, written)
        return ArrayTable(_numbered(x.reshape(len(x), -1), "x"), path, [], gaps=written.gaps, shape=shape)
    if not parts:
        return columns_of(arrays, path, written)
    tables = {part: pair(arrays, *names, path, written) for part, names in parts.items()}
    train = tables.pop("")
    train.parts.update(tables)
    for part, table in tables.items():
        check_part(parts[part][0], table, train, path)
    return train


def check_part(name: str, table: Columns, train: Columns, path: str) -> None:
    """Hold the rows of another part to those that are trained on."""
    if (table.names, table.shape) != (train.names, train.shape):
        raise DataError(f"'{name}' has rows of another shape than those to train on", place=path)


def _pair_of(arrays: Mapping[str, Any], endings: Sequence[str]) -> tuple[str, str] | None:
    """Return the names of the inputs and targets of a part, where both are there."""
    inputs = _named(arrays, [name + ending for name in _INPUTS for ending in endings])
    targets = _named(arrays, [name + ending for name in _TARGETS for ending in endings])
    return None if inputs is None or targets is None else (inputs, targets)


def pair(arrays: Mapping[str, Any], inputs: str, targets: str, path: str, written: Written) -> ArrayTable:
    """Return an array of inputs and one of targets, a row each for every row."""
    x, y = arrays[inputs], arrays[targets]
    if len(x) != (len(y) if y.ndim else 0) or y.ndim > 2:
        raise DataError(f"'{inputs}' has shape {x.shape} and '{targets}' has shape {y.shape}", place=path)
    if x.size == 0:
        raise DataError(f"'{inputs}' has shape {x.shape}: no numbers", place=path)
    images = x.ndim > 2 or written.shape is not None
    x, shape = _channels_first(x, inputs, path, written)
    columns = _numbered(x.reshape(len(x), -1), "x")
    outputs = _numbered(y.reshape(len(y), -1), "y")
    vector = y.ndim == 2
    return ArrayTable(columns | outputs, path, list(outputs), vector, written.gaps, shape, images)


LAYOUTS = {"nchw": (0, 1, 2, 3), "nhwc": (0, 3, 1, 2), "ncl": (0, 1, 2), "nlc": (0, 2, 1)}
"""Where the axes rows, channels, height and width, or rows, channels and length, stand in an array."""


def _channels_first(
    x: npt.NDArray[Any], name: str, path: str, written: Written
) -> tuple[npt.NDArray[Any], tuple[int, ...] | None]:
    """Return images with their channels first, and the shape of one; never a guess about their axes."""
    wanted, own = written.shape, x.shape[1:]
    if written.layout is not None:
        axes = LAYOUTS[written.layout]
        if x.ndim == len(axes) - 1:  # grey images have no axis of channels
            return x, (1, *own)
        if x.ndim != len(axes):
            raise DataError(
                f"'{name}' has shape {x.shape}, which is not of the layout {written.layout}", place=path
            )
        x = x.transpose(axes)
        return x, x.shape[1:]
    if x.ndim == 2:
        return x, None
    if wanted is not None:
        plain = [tuple(n for n in each if n != 1) for each in (own, wanted)]
        if plain[0] != plain[1] and prod(own) == prod(wanted):
            turned = next(
                (
                    layout
                    for layout, axes in LAYOUTS.items()
                    if len(axes) == x.ndim and tuple(x.shape[i] for i in axes[1:]) == tuple(wanted)
                ),
                None,
            )
            raise DataError(
                f"'{name}' has rows of shape {_times(own)}, data.shape is {_times(wanted)}: its numbers would"
                " be read in another order than they stand",
                place=path,
                hint=f"data.layout: {turned}" if turned else "give data.shape as the array has it",
            )
    return x, None


def _times(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def npy_table(array: npt.NDArray[Any], path: str, written: Written) -> ArrayTable:
    """Take an array of one or two axes as columns c1, c2, ..., or as the header names them."""
    if array.dtype.names is not None:
        columns = {name: array[name] for name in array.dtype.names}
    elif array.ndim == 2 and array.size:
        given = written.dialect.names
        if given and len(given) != array.shape[1]:
            raise DataError(
                f"the array has {array.shape[1]} columns, data.header has {len(given)} names", place=path
            )
        names = given or tuple(f"c{i}" for i in range(1, array.shape[1] + 1))
        columns = dict(zip(names, array.T.copy(), strict=True))
    else:
        raise DataError(
            f"the array has shape {array.shape}, not (rows, columns)",
            place=path,
            hint="for inputs and targets of other shapes: numpy.savez('data.npz', x=..., y=...)",
        )
    if not len(array):
        raise DataError("the array has no rows", place=path)
    return ArrayTable(columns, path, gaps=written.gaps)


def _named(arrays: Mapping[str, Any], names: Sequence[str]) -> str | None:
    return next((name for name in names if name in arrays), None)


def _numbered(table: npt.NDArray[Any], letter: str) -> dict[str, npt.NDArray[Any]]:
    """Name the columns of an array, ``x1``, ``x2`` ..., or ``x`` when there is one; large ones are views."""
    columns = table.T if table.size > COPIED else table.T.copy()
    if len(columns) == 1:
        return {letter: columns[0]}
    return {f"{letter}{i}": column for i, column in enumerate(columns, 1)}


def _dataset(loaded: Loaded, name: str) -> Table:
    data = loaded.config.data
    made: Dataset
    if name in ("iris", "digits"):
        made = shipped(name)
    else:
        made = generate(name, loaded.config.seed, data.samples, data.noise, data.length)
        if made.classes is not None and len(made.targets) < 2 * len(made.classes):
            least = 2 * len(made.classes)
            raise loaded.error("data.samples", f"{name} takes {least} samples or more")
    columns: dict[str, npt.NDArray[Any]] = dict(zip(made.names, made.inputs.T.copy(), strict=True))
    if made.symbols:
        columns[made.names[-1]] = np.array([*made.symbols], dtype=object)[made.inputs[:, -1].astype(int)]
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


def as_texts(cells: Sequence[str], gaps: Gaps = PLAIN_GAPS) -> Texts:
    """Return cells as a column of texts."""
    column = np.empty(len(cells), dtype=object)
    known: dict[str, str] = {}
    # equal texts share memory
    column[:] = ["" if cell in gaps.texts else known.setdefault(cell, cell) for cell in cells]
    return column


def named(names: Sequence[str]) -> dict[str, str]:
    """Map names as the language spells them to the columns."""
    return {canonical(name): name for name in names}
