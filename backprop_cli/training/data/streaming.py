"""Rows that need not fit into memory: looked through first, then read into a file of numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...errors import DataError
from ...networks.random import stream
from ...tables import text
from ...tables.block import Floats
from ...tables.dates import Dates
from ...tables.dialect import Dialect
from ...tables.numerals import is_numeral
from ...tables.text import Gaps
from ..schema import Data
from ..units import Moments
from .asked import check_columns
from .encoding import MISSING, Encoding, missing
from .gaps import check_given, finite, most_frequent, no_value
from .kept import Kept
from .labelled import counting_in, labelled, load_labelled, require, weights_in
from .loading import CATEGORIES, ENOUGH_ROWS, HELD_OUT, Loading, Splits, as_before, scaling_of, weightless
from .pieces import PIECE_ROWS, Piece, Pieces, is_streamed, open_pieces
from .rows import Rows, Spilled
from .source import Column, Wanted, from_folder, mixed, named_by, refuse_disguised, written_as

if TYPE_CHECKING:
    from ..config import Loaded

PARTS = ("train", "validation", "test")
"""Of the rows of a table; they are numbered so."""

RECORD_NUMBERS = 1 << 22
"""Most numbers of encoded rows that are made at once."""

Numbers = npt.NDArray[np.int64]


def load_stream(loaded: Loaded, kept: Kept | None = None) -> Splits:
    """Read the data of a config, whose rows need not fit into memory, and make it ready for a network.

    Args:
        loaded: The config.
        kept: How rows became inputs before, to become them again.
    Raises:
        ConfigError, DataError, FileError: as `load`.
    """
    return _Streaming(loaded, kept).splits()


class _Look:
    """What the cells of a column show, some rows at a time.

    Args:
        kind: What it has to be.
        is_text: Whether its cells are texts; else they are numbers.
        filled: Whether gaps are filled.
    Attributes:
        gap: Whether a row without a value is kept.
        gaps: Cells without a value.
        numerals: Cells that are numbers.
        words: Cells that are none.
        first_gap: The number of the first row without a value; below 0 where there is none.
        gap_place: Where it is.
        first_word: The first cell that is no number, and where it is.
        texts: How often each text comes in the training rows.
        moments: Of the numbers in the training rows.
    """

    def __init__(self, kind: Wanted, *, is_text: bool, filled: bool) -> None:
        self.kind, self.is_text, self._filled = kind, is_text, filled
        self.gap, self.gaps, self.numerals, self.words = False, 0, 0, 0
        self.first_gap, self.gap_place = -1, ""
        self.first_word: tuple[text.Fault, str] | None = None
        self.texts: Counter[str] = Counter()
        self.moments = Moments(1)
        self._values: dict[float | str, None] = {}
        self._fraction: float | None = None

    @property
    def asked(self) -> Wanted:
        """What is asked for of a piece: numbers where its cells are."""
        return self.kind if not isinstance(self.kind, str) else "text" if self.is_text else "class"

    def count(self, name: str, piece: Piece, values: Column) -> bool:
        """Count the cells of some rows; return whether they are what the column is taken for."""
        gaps = missing(values)
        if gaps.any():
            row = int(gaps.argmax())
            self.gaps += int(gaps.sum())
            if self.first_gap < 0:
                self.first_gap, self.gap_place = piece.first + row, piece.place(row, name)
        given = len(values) - int(gaps.sum())
        if values.dtype != object or self.kind == "text":
            self.numerals += given
            return True
        cells = values.tolist()
        self.words += (words := sum(not is_numeral(cell) for cell in cells if cell))
        self.numerals += given - (words or len(text.faults(cells)))  # others are too large
        if self.first_word is None and (words or not self.is_text):
            fault = text.faults(["" if gap else cell for cell, gap in zip(cells, gaps, strict=True)])[0]
            self.first_word = fault, piece.place(fault.row, name)
        return self.is_text

    def see(self, values: Column, train: npt.NDArray[np.bool_]) -> None:
        """Take in the cells of rows that are kept, and which of these are to train on."""
        gaps = missing(values)
        self.gap = self.gap or bool(gaps.any())
        if not self.is_text and self._filled:
            self.moments.add(np.asarray(values[train & ~gaps], np.float64)[:, None])
        if len(self._values) <= CATEGORIES:  # more of them are refused, and not remembered
            self._values.update(dict.fromkeys(values[~gaps].tolist()))
            if self.is_text:
                self.texts.update(values[train & ~gaps].tolist())
        if not self.is_text and self._fraction is None:
            fractions = values[~gaps & (values != np.floor(values))]
            self._fraction = float(fractions[0]) if len(fractions) else None

    def column(self) -> Column:
        """Return the different values, up to one more than `CATEGORIES`, and a gap where there is one."""
        values = [*self._values][: CATEGORIES + 1]
        if not self.is_text:
            more = ([] if self._fraction is None else [self._fraction]) + ([np.nan] if self.gap else [])
            return np.array([*dict.fromkeys([*values, *more])], dtype=np.float64)
        column = np.empty(len(values) + self.gap, dtype=object)
        column[:] = [*values, *([""] if self.gap else [])]
        return column


class _Streaming(Loading):
    """See `load_stream`."""

    table: Pieces

    def _opened(self) -> Pieces:
        self.shares: dict[str, float] = {}
        self.dropped = 0
        return self._pieces("path")

    def _pieces(self, key: str) -> Pieces:
        data, path = self.loaded.config.data, getattr(self.loaded.config.data, key)
        with named_by(self.loaded, key, path):
            return open_pieces(from_folder(path, self.loaded.folder), written_as(data))

    @property
    def _of_text(self) -> bool:
        return self.table.of_text

    def _told(self, distinct: int) -> str:
        return str(distinct) if distinct <= CATEGORIES else f"more than {CATEGORIES}"

    def splits(self) -> Splits:
        """Look through the rows, decide, and read them."""
        data = self.data
        lent = data.validation_split == "auto"
        self.shares = {"validation": self._lent() if lent else float(data.validation_split)}
        self.shares["test"] = data.test_split
        looks = self._looked()
        if lent and self.rows < ENOUGH_ROWS and self.shares["validation"]:
            self.shares["validation"] = 0.0  # they are all needed to learn from
            looks = self._looked()
        columns = {name: look.column() for name, look in looks.items()}
        self.features = [
            replace(feature, since=float(looks[feature.text].moments.low[0]))
            if feature.parts is not None and looks[feature.text].moments.count
            else feature
            for feature in (self._completed(feature, columns) for feature in self.features)
        ]
        self.task = self._task(columns)
        classes = self._kept_classes(columns)
        anew = self.kept is None or not self._keeps(self.kept)
        scaling = self._scaling() if anew else "none"
        encoding = self._unscaled(self._fills(looks), classes)
        if self.kept is not None and not anew:
            encoding, scaling = as_before(encoding, self.kept), self.kept.scaling
        found, digest = self._read(encoding)
        train = found["train"]
        units = self._units_of(train.targets) if classes is None else None
        if self.kept is not None and not anew:
            units = self.kept.units if self.kept.settled else units
        elif scaling != "none":
            encoding = self._scaled(encoding, *scaling_of(scaling, train.inputs))
        for rows in found.values():
            rows.encoding = encoding
        made = self._made(found, encoding, scaling, units, self.shares["validation"], digest)
        return replace(made, dropped=self.dropped)

    def _lent(self) -> float:
        """Return what ``validation_split: auto`` is, for a table that is large enough."""
        data = self.data
        other = bool(data.validation_path or self.table.parts)
        if not self._measured:
            other = other or bool(data.test_split or data.test_path)
        return 0.0 if other else HELD_OUT

    # the look

    def _looked(self) -> dict[str, _Look]:
        """Go through the rows until every column is known to be of numbers or of texts."""
        texts: set[str] = set()
        while True:
            looks, turned = self._look(texts)
            if not turned:
                return looks
            texts |= turned

    def _look(self, texts: set[str]) -> tuple[dict[str, _Look], set[str]]:
        """Go through all rows.

        Args:
            texts: Columns that are known to be of texts.
        Returns:
            What each column shows, and those that turned out to be of texts although they begin with numbers.
        """
        looks: dict[str, _Look] = {}
        turned: set[str] = set()
        notes: list[str] = []
        rows, head, without = 0, 0, 0
        self.rows = self.dropped = 0
        weights = self.apart.get("weights")
        for piece in self.table.pieces(again=True):
            if not rows:
                head, notes = piece.rows, self._head(piece)
                looks = self._begun(piece, texts)
            rows += piece.rows
            values = {name: piece.column(name, look.asked) for name, look in looks.items()}
            turned |= {name for name, look in looks.items() if not look.count(name, piece, values[name])}
            if turned:
                continue
            kept = self._complete(values)
            self.dropped += int((~kept).sum())
            if weights is not None:
                numbers = np.asarray(values[weights], np.float64)
                weights_in(self.data, weights, numbers[kept], np.flatnonzero(kept), piece, part=True)
                without += int((kept & (numbers == 0.0)).sum())
                kept = kept & (numbers > 0.0)
            self.rows += int(kept.sum())
            train = (self.part_of(piece) == 0)[kept]
            for name in dict.fromkeys([*self.read, *self.sources]):
                looks[name].see(values[name][kept], train)
        self._refuse(looks, rows)
        if not turned:
            if not self.rows:
                raise none_left(self.table.path, rows, without)
            some = "" if head == rows else f"in the first {head:,} rows "
            self.notes = [*self.notes, *(some + note for note in notes)]
            self.notes += weightless(without)
        return looks, turned

    def _head(self, piece: Piece) -> list[str]:
        """Return what the first rows say of columns that teach nothing."""
        before, self.notes = self.notes, []
        self._judge({name: piece.column(name, "class") for name in self.read})
        found, self.notes = self.notes, before
        return found

    def _begun(self, piece: Piece, texts: set[str]) -> dict[str, _Look]:
        """Begin a look at each column that is read, taken for what its first rows are."""
        looks = {}
        gaps = Gaps.of(self.data.missing_values)
        for name, kind in self._kinds().items():
            is_text = kind == "text" or name in texts
            if kind in ("auto", "class") and not is_text:
                is_text = piece.column(name, "class").dtype == object
                if is_text and kind == "auto":
                    refuse_disguised(name, piece.cells(name), piece.place, gaps)
            filled = isinstance(kind, Dates) or self.data.missing_in(name) not in ("error", "drop")
            looks[name] = _Look(kind, is_text=is_text, filled=filled)
        return looks

    def _refuse(self, looks: Mapping[str, _Look], rows: int) -> None:
        """Refuse what cannot be learned from: no rows, numbers with mistakes, cells without a value."""
        if not rows:
            raise none_left(self.table.path)
        for name, look in looks.items():
            few = look.kind == "auto"
            if look.first_word is None or not (few or look.kind == "number"):
                continue
            if not few or 2 * look.words < look.numerals + look.words:
                raise mixed(name, *look.first_word, look.numerals, few=few)
        gaps = {
            name: look for name, look in looks.items() if look.gaps and self.data.missing_in(name) == "error"
        }
        if gaps:
            _, at = min((look.first_gap, self.table.names.index(name)) for name, look in gaps.items())
            name = self.table.names[at]
            raise no_value(name, gaps[name].gap_place, sum(look.gaps for look in gaps.values()))

    def _complete(self, values: Mapping[str, Column]) -> npt.NDArray[np.bool_]:
        """Tell the rows that are not left out for a value that they lack."""
        gone = np.zeros(len(next(iter(values.values()))), dtype=bool)
        for name, column in values.items():
            if self.data.missing_in(name) == "drop" or name in (*self.sources, *self.apart.values()):
                gone |= missing(column)
        return ~gone

    def _fills(self, looks: Mapping[str, _Look]) -> dict[str, float | str]:
        """Return what fills each column; see `gaps.fills_of`."""
        fills: dict[str, float | str] = {}
        for name in self.read:
            how, look = self.data.missing_in(name), looks[name]
            if how in ("error", "drop"):
                continue
            if look.is_text and how == "category":
                if look.gap:
                    fills[name] = MISSING
                continue
            check_given(self.loaded, name, len(look.texts) if look.is_text else look.moments.count)
            fills[name] = (
                most_frequent(look.texts)
                if look.is_text
                else finite(self.loaded, name, float(look.moments.mean[0]))
            )
        return fills

    # which rows are held out

    def part_of(self, piece: Piece) -> Numbers:
        """Tell of each row to which of `PARTS` it belongs: by its number and the seed, or by its group."""
        name = self.apart.get("groups")
        numbers = np.arange(piece.first, piece.first + piece.rows, dtype=np.uint64)
        if name is not None:
            numbers = np.fromiter(map(_hashed, piece.cells(name)), np.uint64, piece.rows)
        drawn = _drawn(numbers, int(stream(self.loaded.config.seed, "split").integers(1 << 63)))
        test = self.shares["test"]
        found: Numbers = np.where(drawn < test, 2, np.where(drawn < test + self.shares["validation"], 1, 0))
        return found

    # the reading

    def _read(self, encoding: Encoding) -> tuple[dict[str, Spilled], str]:
        """Return the rows of each part, not scaled yet, with a digest of them.

        Raises:
            ConfigError: for a part that no row has been drawn for.
        """
        plain = replace(encoding, shift=np.zeros(len(encoding.shift)), scale=np.ones(len(encoding.scale)))
        one = encoding.classes is not None and not encoding.shares
        outputs = 1 if one else len(self.targets)
        found = {part: Spilled(plain, outputs, weighted="weights" in self.apart) for part in PARTS}
        found["train"].expect(self.rows)
        self._take(self.table, found)
        for part in PARTS[1:]:
            other = self._other(part)
            if other is not None:
                self._take(other, {part: found[part]})
                if not found[part].total:
                    raise none_left(other.path, 1)
        for part, share in {"train": 1.0, **self.shares}.items():
            if share and not found[part].total:
                to = {"train": "learn from", "validation": "validate"}.get(part, part)
                key = "data.path" if part == "train" else f"data.{part}_split"
                raise self.loaded.error(key, f"of {self.rows:,} rows, each drawn by itself, none is to {to}")
        found = {part: rows for part, rows in found.items() if rows.total}
        names = [*encoding.names, *self.targets, *(encoding.classes or ())]
        parts = [f"{part}:{rows.total}:{rows.digest.hexdigest()}" for part, rows in found.items()]
        return found, sha256("\0".join([*names, *parts]).encode()).hexdigest()

    def _take(self, table: Pieces, found: Mapping[str, Spilled]) -> None:
        """Encode the rows of a table and write them behind those of their part."""
        plain = next(iter(found.values())).encoding
        cells = plain.words or plain.readings or "groups" in self.apart or not plain.learns_numbers
        most = max(1, min(PIECE_ROWS, RECORD_NUMBERS // len(plain.shift)))
        for piece in table.pieces(most, again=None if cells else False):
            rows, kept, dropped = labelled(piece, plain, self.data, self.apart.get("weights"), part=True)
            if len(found) == 1:
                self.dropped += dropped
            part = self.part_of(piece)[kept] if len(found) > 1 else np.zeros(len(kept), np.int64)
            for at, those in enumerate(found.values()):
                mine = part == at
                if mine.any():
                    those.append(rows.only(mine))

    def _other(self, part: str) -> Pieces | None:
        """Return the table of ``validation_path`` or ``test_path``, or the file's own rows of that part."""
        data = self.loaded.config.data
        if getattr(data, f"{part}_path") is None:
            return None if self.shares[part] else self.table.parts.get(part)
        table = self._pieces(f"{part}_path")
        weights = [name for key, name in self.apart.items() if key == "weights"]
        check_columns(self.loaded, part, table, [*self.read, *self.sources, *weights])
        return table


def read_labelled(
    path: str, encoding: Encoding, data: Data, dialect: Dialect | None = None
) -> Iterator[Rows]:
    """Yield the rows of a file with their targets, some at a time, as a trained model sees them.

    Args:
        path: Any that ``data.path`` may be; ``-`` is stdin. Text on disk is not held as a whole.
        encoding: The model's.
        data: Of the model's config: what missing cells do, how images lie.
        dialect: How the file is written; None for as the training rows were.
    Raises:
        DataError, FileError: as `load_labelled`.
    """
    if not is_streamed(path) or encoding.folding is not None:
        yield load_labelled(path, encoding, data, dialect)
        return
    written = written_as(data)
    table = open_pieces(path, written._replace(dialect=dialect or written.dialect))
    weights = counting_in(data, table.names)
    seen = left = 0
    for piece in table.pieces(max(1, RECORD_NUMBERS // len(encoding.shift))):
        if not seen:  # what is no table is said before what it lacks
            require(encoding.columns + encoding.sources, table.names, path)
        rows = labelled(piece, encoding, data, weights, part=True).rows
        seen, left = seen + piece.rows, left + rows.total
        if rows.total:
            yield rows
    if not left:
        raise none_left(path, seen, weights is not None)


def none_left(path: str, rows: int = 0, weighted: int = 0) -> DataError:
    """Return the error for a table of so many rows of which none is left, for their weights or their gaps."""
    if not rows:
        return DataError("a header and no rows", place=f"{path}:1:1")
    return DataError("every row has the weight 0" if weighted else "every row lacks a value", place=path)


def _drawn(numbers: npt.NDArray[np.uint64], seed: int) -> Floats:
    """Return a number from 0 to 1 for each row, which depends on its number and the seed alone.

    Source:
        Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators: SplitMix64.
    """
    z = (numbers + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray((z ^ (z >> np.uint64(31))) >> np.uint64(11), np.float64) / (1 << 53)


def _hashed(cell: str) -> int:
    """Return the number of a group; Python's own hash of a text changes from process to process."""
    return int.from_bytes(sha256(cell.encode()).digest()[:8], "little")
