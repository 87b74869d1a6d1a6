"""How raw columns become the numbers a model reads: learned from the training rows, kept with the model.

A feature is a column of numbers, a column of texts (one 0/1 input for each category, in sorted order), a
column of dates (one input for each of its parts) or a formula of columns. Missing cells are filled first,
formulas are evaluated on the filled columns, and numbers are scaled last; 0/1 inputs are not scaled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import ValidationError, convert

from ...errors import DataError
from ...settings import Whole
from ...tables import text
from ...tables.amounts import Amounts
from ...tables.block import Floats, canonical
from ...tables.dates import PARTS, Dates
from ...tables.numerals import cut
from ...tables.text import PLAIN_GAPS, Gaps
from .formulas import Place, computed, formula
from .source import Column, Reading, number_name, read_cells
from .targets import TargetFormula, sources_of, target_formula

MISSING = "missing"
"""The category that missing cells make where ``data.missing: category`` says so."""


@dataclass(frozen=True)
class Feature:
    """One entry of ``data.features``.

    Attributes:
        text: As in the config: a column, or a formula.
        columns: What it reads.
        categories: The texts of a categorical column; None for numbers.
        parts: Of a date that are inputs, of `dates.PARTS`; None for what is no date.
        since: From where elapsed days count, in days since 1970.
        flagged: Whether one more input says that the cell was missing.
        indexed: Whether a category becomes its number, from 0, instead of an input for each.
    """

    text: str
    columns: list[str]
    categories: list[str] | None = None
    parts: list[str] | None = None
    since: float = 0.0
    flagged: bool = False
    indexed: bool = False

    @property
    def is_formula(self) -> bool:
        """Whether it is computed from columns rather than one of them."""
        return self.columns != [self.text]

    def has_its_columns(self) -> bool:
        """Whether its columns are those that it reads."""
        if not self.is_formula:
            return True
        known = {canonical(name) for name in self.columns}
        return self.categories is None and bool(known) and known >= {*formula(self.text, self.columns).inputs}

    @property
    def names(self) -> list[str]:
        """One name for every input number it gives."""
        if self.categories is not None and not self.indexed:
            return [f"{self.text}={category}" for category in self.categories]
        numbers = [self.text] if self.parts is None else [f"{self.text}.{part}" for part in self.parts]
        return [*numbers, f"{self.text}={MISSING}"] if self.flagged else numbers

    @property
    def measured(self) -> list[bool]:
        """For each of its inputs, whether it is a number to scale rather than a yes or no."""
        yes_or_no = len(self.names) if self.categories is not None else int(self.flagged)
        return [True] * (len(self.names) - yes_or_no) + [False] * yes_or_no


@dataclass(frozen=True)
class Folding:
    """How lines become rows that are sequences.

    Attributes:
        each: Every step has targets of its own; else the sequence has.
        by: The column that is the same in the lines of a sequence; None where rows are windows of a text.
        order: The column that puts them in order; None for as they stand.
    """

    each: bool
    by: str | None = None
    order: str | None = None

    @property
    def columns(self) -> list[str]:
        """The columns that it reads."""
        return [name for name in (self.by, self.order) if name is not None]


@dataclass(frozen=True)
class Encoding:
    """Columns to inputs; and the names of targets and classes.

    Attributes:
        features: In the order of the inputs.
        targets: Names of the target columns.
        classes: Names of the classes in order; None for regression.
        shape: Of one encoded row; of sequences the longest's, whose first axis are its steps.
        shift: Subtracted from every input, (inputs,); of sequences of every step's.
        scale: What every input is then divided by, (inputs,).
        fills: What stands for a missing cell, by column; empty when missing cells are errors.
        readings: How columns are written that are no plain numbers or texts; targets among them.
        gaps: Which cells are missing.
        ignores_unknown: Whether a category that no training row has is none of them, instead of an error.
        formulas: The targets that are formulas of a column.
        folding: How lines become sequences; None where each is a row.
    """

    features: list[Feature]
    targets: list[str]
    classes: list[str] | None
    shape: tuple[int, ...]
    shift: Floats
    scale: Floats
    fills: dict[str, float | str]
    readings: dict[str, Reading] = field(default_factory=dict)
    gaps: Gaps = PLAIN_GAPS
    ignores_unknown: bool = False
    formulas: dict[str, TargetFormula] = field(default_factory=dict)
    folding: Folding | None = None

    @cached_property
    def line(self) -> tuple[int, ...]:
        """The shape of what one line of a table becomes: a row, or a step of one."""
        if self.folding is None:
            return self.shape
        return self.shape[1:]

    @property
    def answers_steps(self) -> bool:
        """Whether every step of a row has targets of its own."""
        return self.folding is not None and self.folding.each

    @property
    def vocabulary(self) -> list[str] | None:
        """The signs that a step is one of; None where it is something else."""
        if self.folding is None or len(self.features) != 1:
            return None
        return self.features[0].categories

    @cached_property
    def names(self) -> list[str]:
        """One name for every flat input number: ``x``, ``x^2``, ``colour=red``."""
        return [name for feature in self.features for name in feature.names]

    @cached_property
    def columns(self) -> list[str]:
        """The columns a table must have."""
        return list(dict.fromkeys(name for feature in self.features for name in feature.columns))

    @property
    def sources(self) -> list[str]:
        """The columns that the targets are read from."""
        return [] if self.autoencoder else sources_of(self.targets, self.formulas)

    @property
    def autoencoder(self) -> bool:
        """Whether the targets are the inputs; no feature is a target otherwise."""
        return self.targets == self.names

    @property
    def shares(self) -> bool:
        """Whether each class has a target column, with its share in a row."""
        return self.classes is not None and len(self.targets) > 1

    @property
    def numbered(self) -> bool:
        """Whether the classes are numbers: ``1.0`` in a table is then the class ``1``."""
        return self.classes is not None and all(map(_is_number_name, self.classes))

    @property
    def learns_numbers(self) -> bool:
        """Whether the targets are read as numbers, be it the classes that are called by them."""
        return self.classes is None or self.shares or self.numbered

    def encode(self, columns: Mapping[str, Sequence[str] | Column], place: Place) -> Floats:
        """Return the inputs of some rows, (rows, *shape).

        Args:
            columns: For each of `columns`: texts, or an array of numbers (NaN: missing) or texts.
            place: Says where a row's cell in a column stands.
        Raises:
            DataError: for a missing cell the encoding cannot fill, a text where a number belongs, an
                unknown category, a formula without a value; with its place.
        """
        raw, gaps = {}, {}
        for name in self.columns:
            column = self._column(columns[name], name, place)
            gaps[name] = missing(column)
            raw[name] = self._filled(name, column, gaps[name], place)
        return self.scaled(flat_inputs(self.features, raw, gaps, place, self.ignores_unknown), place)

    def scaled(self, flat: Floats, place: Place) -> Floats:
        """Return inputs (rows, inputs), which become them, scaled: (rows, *shape).

        Raises:
            DataError: where one overflows.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            flat -= self.shift
            flat /= self.scale
        if not np.isfinite(flat).all():
            row, at = np.argwhere(~np.isfinite(flat))[0].tolist()
            feature = next(f for f in self.features if self.names[at] in f.names)
            raise DataError(
                f"feature '{feature.text}' overflows when it is scaled", place=place(row, feature.columns[0])
            )
        return flat.reshape(len(flat), *self.line)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON has it; numbers keep every bit."""
        return {
            "features": [asdict(feature) for feature in self.features],
            "targets": self.targets,
            "classes": self.classes,
            "shape": list(self.shape),
            "shift": self.shift.tolist(),
            "scale": self.scale.tolist(),
            "fills": self.fills,
            "amounts": {n: asdict(how) for n, how in self.readings.items() if isinstance(how, Amounts)},
            "dates": {n: asdict(how) for n, how in self.readings.items() if isinstance(how, Dates)},
            "gaps": {"texts": sorted(self.gaps.texts), "numbers": list(self.gaps.numbers)},
            "ignores_unknown": self.ignores_unknown,
            "formulas": [asdict(formula) for formula in self.formulas.values()],
            "folding": None if self.folding is None else asdict(self.folding),
        }

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> Encoding:
        """Return the encoding that `as_dict` wrote.

        Raises:
            KeyError, TypeError, ValueError: when the mapping is no such thing.
        """

        def read(key: str, type_: Any) -> Any:
            try:
                return convert(mapping[key], type_)
            except ValidationError as error:
                raise ValueError(f"encoding.{key}: {error}") from None

        encoding = cls(
            features=read("features", list[Feature]),
            targets=read("targets", list[str]),
            classes=read("classes", list[str] | None),
            shape=tuple(read("shape", list[Whole])),
            shift=np.array(read("shift", list[float])),
            scale=np.array(read("scale", list[float])),
            fills=read("fills", dict[str, float | str]),
            readings=read("amounts", dict[str, Amounts]) | read("dates", dict[str, Dates]),
            gaps=read("gaps", Gaps),
            ignores_unknown=read("ignores_unknown", bool),
            formulas={each.text: each for each in read("formulas", list[TargetFormula])},
            folding=convert(mapping.get("folding"), Folding | None),
        )
        encoding.check()
        return encoding

    def check(self) -> None:
        """Hold the parts to each other, as a file that somebody else wrote may have them.

        Raises:
            ValueError: where they do not fit.
            ExpressionError: for a feature that is no formula.
        """
        "".join(
            [*self.targets, *(self.classes or ()), *self.names, *self.columns]
        ).encode()  # no half characters
        steps = [] if self.folding is None else self.folding.columns
        since = [feature.since for feature in self.features]
        numbers = [fill for fill in self.fills.values() if not isinstance(fill, str)]
        for wrong, what in (
            (not self.targets, "without names"),
            (not all({*(f.parts or ())} <= {*PARTS} for f in self.features), "with parts that no date has"),
            (
                not self.readings.keys() <= {*self.columns, *self.sources, *steps},
                "that reads columns it has not",
            ),
            (
                any(f.parts and f.text not in self.readings for f in self.features),
                "of dates that it cannot read",
            ),
            (
                any(target_formula(f.text, [f.column]) != f for f in self.formulas.values()),
                "of wrong inverses",
            ),
            (not _distinct(self.classes, 2), "whose classes are not told apart"),
            (
                not all(_distinct(f.categories, 1) for f in self.features),
                "whose categories are not told apart",
            ),
            (self.shares and self.targets != self.classes, "with columns that are no classes"),
            (not all(f.has_its_columns() for f in self.features), "with a feature that lacks a column"),
            (not self.fills.keys() <= {*self.columns}, "that fills columns it does not read"),
            (
                any((n in self.words) != isinstance(x, str) for n, x in self.fills.items()),
                "that fills wrongly",
            ),
            (
                not len(self.names) == len(self.shift) == len(self.scale) == prod(self.line),
                "of different lengths",
            ),
            (
                not np.isfinite([*numbers, *since, *self.shift, *self.scale]).all(),
                "with numbers that are none",
            ),
            (not self.scale.all(), "that divides by 0"),
        ):
            if wrong:
                raise ValueError(f"an encoding {what}")

    @cached_property
    def all_plain(self) -> bool:
        """Whether every column is one of plain numbers, none of which stands for no value."""
        return not self.words and not self.readings and not self.gaps.numbers

    @cached_property
    def words(self) -> set[str]:
        """The columns that are read as texts."""
        return {feature.text for feature in self.features if feature.categories is not None}

    def _column(self, cells: Sequence[str] | Column, name: str, place: Place) -> Column:
        words, reading = name in self.words, self.readings.get(name)
        if isinstance(cells, np.ndarray) and (cells.dtype == object) == words:
            return cells
        stripped = [str(cell).strip(" \t") for cell in cells]
        if words:
            column = np.empty(len(stripped), dtype=object)
            column[:] = ["" if cell in self.gaps.texts else cell for cell in stripped]
            return column
        if reading is not None:
            return read_cells(name, stripped, reading, self.gaps, place)
        numbers = text.column_numbers(stripped, self.gaps)
        if numbers is None:
            fault = text.faults(stripped, self.gaps)[0]
            raise DataError(
                f"column '{name}': {fault.message}", place=place(fault.row, name), hint=fault.hint
            )
        return numbers

    def _filled(self, name: str, column: Column, gaps: npt.NDArray[np.bool_], place: Place) -> Column:
        if not gaps.any():
            return column
        if name not in self.fills:
            raise DataError(
                f"no value in column '{name}'",
                place=place(int(gaps.argmax()), name),
                hint="a model trained with data.missing: mean fills gaps",
            )
        column = column.copy()
        column[gaps] = self.fills[name]
        return column


def _distinct(names: list[str] | None, least: int) -> bool:
    return names is None or (len(names) >= least and len(set(names)) == len(names))


def _is_number_name(name: str) -> bool:
    try:
        return number_name(float(name)) == name
    except (ValueError, OverflowError):
        return False


def missing(column: Column) -> npt.NDArray[np.bool_]:
    """Tell the rows in which a column has no value."""
    gaps: npt.NDArray[np.bool_] = column == "" if column.dtype == object else np.isnan(column)
    return gaps


def flat_inputs(
    features: Sequence[Feature],
    raw: Mapping[str, Column],
    gaps: Mapping[str, npt.NDArray[np.bool_]],
    place: Place,
    ignore_unknown: bool = False,
) -> Floats:
    """Return the unscaled inputs, (rows, inputs), of filled columns.

    Args:
        features: What becomes of the columns.
        raw: The columns.
        gaps: Where they were missing before they were filled.
        place: Says where a row's cell in a column stands.
        ignore_unknown: Let an unknown category be none of the known ones.
    Raises:
        DataError: for an unknown category, or a formula without a value.
    """
    rows = len(next(iter(raw.values())))
    flat = np.empty((rows, sum(len(feature.names) for feature in features)))
    at = 0
    for feature in features:
        width = len(feature.names)
        if feature.categories is not None:
            numbers = _numbered(raw[feature.text], feature, place, ignore_unknown and not feature.indexed)
            if feature.indexed:
                flat[:, at] = numbers
            else:
                flat[:, at : at + width] = numbers[:, None] == np.arange(width)
        elif feature.parts is not None:
            days = np.asarray(raw[feature.text], dtype=np.float64)
            for i, part in enumerate(feature.parts):
                flat[:, at + i] = PARTS[part](days) - (feature.since if part == "elapsed" else 0.0)
        elif feature.is_formula:
            flat[:, at] = computed(feature.text, feature.columns, raw, rows, place)
        else:
            flat[:, at] = raw[feature.text]
        if feature.flagged:
            flat[:, at + width - 1] = gaps[feature.text]
        at += width
    return flat


def _numbered(column: Column, feature: Feature, place: Place, ignore_unknown: bool) -> npt.NDArray[np.int64]:
    """Return the number of each cell's category, from 0; -1 of an unknown one."""
    categories = feature.categories
    assert categories is not None
    index = {category: i for i, category in enumerate(categories)}
    found = np.fromiter((index.get(cell, -1) for cell in column), np.int64, len(column))
    known = found >= 0
    if not known.all() and not ignore_unknown:
        row = int(known.argmin())
        raise DataError(
            f"column '{feature.text}': '{cut(str(column[row]))}' is not a known category",
            place=place(row, feature.text),
            hint=f"known: {listed(categories)}; data.unknown: ignore, when training, takes others for none",
        )
    return found


def listed(names: Sequence[str], most: int = 12) -> str:
    """Return names for a message, cut where they are many."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
