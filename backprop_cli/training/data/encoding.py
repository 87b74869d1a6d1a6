"""How raw columns become the numbers a model reads: learned from the training rows, kept with the model.

A feature is a column of numbers, a column of texts (one 0/1 input for each category, in sorted order) or
a formula of columns. Missing cells are filled first, formulas are evaluated on the filled columns, and
numbers are scaled last; the 0/1 inputs of categories are not scaled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import ValidationError, convert

from ...engine.plan import Plan
from ...engine.run import evaluate
from ...errors import DataError, NoSuchNumber
from ...graph import Graph
from ...language.lower import lower
from ...language.parser import parse
from ...settings import Whole
from ...tables import text
from ...tables.block import Floats, canonical
from ...tables.numerals import cut
from .source import Column, Texts, number_name

Place = Callable[[int, str], str]
"""Row and column to ``file:line:column``."""


@dataclass(frozen=True)
class Feature:
    """One entry of ``data.features``.

    Attributes:
        text: As in the config: a column, or a formula.
        columns: What it reads.
        categories: The texts of a categorical column; None for numbers.
    """

    text: str
    columns: list[str]
    categories: list[str] | None = None

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
        if self.categories is None:
            return [self.text]
        return [f"{self.text}={category}" for category in self.categories]


@dataclass(frozen=True)
class Encoding:
    """Columns to inputs; and the names of targets and classes.

    Attributes:
        features: In the order of the inputs.
        targets: Names of the target columns.
        classes: Names of the classes in order; None for regression.
        shape: Of one encoded row.
        shift: Subtracted from every input, (inputs,).
        scale: What every input is then divided by, (inputs,).
        fills: What stands for a missing cell, by column; empty when missing cells are errors.
    """

    features: list[Feature]
    targets: list[str]
    classes: list[str] | None
    shape: tuple[int, ...]
    shift: Floats
    scale: Floats
    fills: dict[str, float | str]

    @cached_property
    def names(self) -> list[str]:
        """One name for every flat input number: ``x``, ``x^2``, ``colour=red``."""
        return [name for feature in self.features for name in feature.names]

    @cached_property
    def columns(self) -> list[str]:
        """The columns a table must have."""
        return list(dict.fromkeys(name for feature in self.features for name in feature.columns))

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

    def encode(self, columns: Mapping[str, Sequence[str] | Column], place: Place) -> Floats:
        """Return the inputs of some rows, (rows, *shape).

        Args:
            columns: For each of `columns`: texts, or an array of numbers (NaN: missing) or texts.
            place: Says where a row's cell in a column stands.
        Raises:
            DataError: for a missing cell the encoding cannot fill, a text where a number belongs, an
                unknown category, a formula without a value; with its place.
        """
        raw: dict[str, Column] = {}
        categories = {feature.text: feature.categories for feature in self.features}
        for name in self.columns:
            words = categories.get(name) is not None
            raw[name] = self._filled(name, _column(columns[name], name, place, words), place)
        flat = flat_inputs(self.features, raw, place)
        with np.errstate(over="ignore", invalid="ignore"):
            flat -= self.shift
            flat /= self.scale
        if not np.isfinite(flat).all():
            row, at = np.argwhere(~np.isfinite(flat))[0].tolist()
            feature = next(f for f in self.features if self.names[at] in f.names)
            raise DataError(
                f"feature '{feature.text}' overflows when it is scaled", place=place(row, feature.columns[0])
            )
        return flat.reshape(len(flat), *self.shape)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON has it; numbers keep every bit."""
        return {
            "features": [
                {"text": f.text, "columns": f.columns, "categories": f.categories} for f in self.features
            ],
            "targets": self.targets,
            "classes": self.classes,
            "shape": list(self.shape),
            "shift": self.shift.tolist(),
            "scale": self.scale.tolist(),
            "fills": self.fills,
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
        words = {feature.text for feature in self.features if feature.categories is not None}
        numbers = [fill for fill in self.fills.values() if not isinstance(fill, str)]
        for wrong, what in (
            (not self.targets, "without names"),
            (not _distinct(self.classes, 2), "whose classes are not told apart"),
            (
                not all(_distinct(f.categories, 1) for f in self.features),
                "whose categories are not told apart",
            ),
            (self.shares and self.targets != self.classes, "with columns that are no classes"),
            (not all(f.has_its_columns() for f in self.features), "with a feature that lacks a column"),
            (not self.fills.keys() <= {*self.columns}, "that fills columns it does not read"),
            (any((n in words) != isinstance(x, str) for n, x in self.fills.items()), "that fills wrongly"),
            (
                not len(self.names) == len(self.shift) == len(self.scale) == prod(self.shape),
                "of different lengths",
            ),
            (not np.isfinite([*numbers, *self.shift, *self.scale]).all(), "with numbers that are none"),
            (not self.scale.all(), "that divides by 0"),
        ):
            if wrong:
                raise ValueError(f"an encoding {what}")

    def _filled(self, name: str, column: Column, place: Place) -> Column:
        gaps = missing(column)
        if not gaps.any():
            return column
        if name not in self.fills:
            raise DataError(
                f"no value in column '{name}'",
                place=place(int(gaps.argmax()), name),
                hint="only a model trained with data.missing: mean fills gaps",
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


def flat_inputs(features: Sequence[Feature], raw: Mapping[str, Column], place: Place) -> Floats:
    """Return the unscaled inputs, (rows, inputs), of filled columns.

    Raises:
        DataError: for an unknown category, or a formula without a value.
    """
    rows = len(next(iter(raw.values())))
    flat = np.empty((rows, sum(len(feature.names) for feature in features)))
    at = 0
    for feature in features:
        width = len(feature.names)
        if feature.categories is not None:
            flat[:, at : at + width] = _one_hot(raw[feature.text], feature, place)  # type: ignore[arg-type]
        elif feature.is_formula:
            flat[:, at] = _computed(feature, raw, rows, place)
        else:
            flat[:, at] = raw[feature.text]
        at += width
    return flat


def formula(expression: str, columns: Sequence[str]) -> Graph:
    """Read a formula of columns.

    Raises:
        ExpressionError: when it is not one expression.
    """
    return lower(parse(expression), [canonical(name) for name in columns])


def _computed(feature: Feature, raw: Mapping[str, Column], rows: int, place: Place) -> Floats:
    spelled = {canonical(name): name for name in feature.columns}
    graph = formula(feature.text, feature.columns)
    inputs = {name: np.asarray(raw[spelled[name]], dtype=np.float64) for name in graph.inputs}
    (values,), bad = Plan(graph, list(inputs), {}, ()).run(inputs, rows)
    if bad:
        row = bad[0]
        where = place(row, feature.columns[0])
        try:
            evaluate(graph, {name: float(column[row]) for name, column in inputs.items()})
        except NoSuchNumber as exc:
            hint = exc.hint
            raise DataError(f"feature '{feature.text}': {exc.message}", place=where, hint=hint) from None
        raise DataError(f"feature '{feature.text}' has no finite value", place=where)
    return values


def _one_hot(column: Texts, feature: Feature, place: Place) -> Floats:
    categories = feature.categories
    assert categories is not None
    index = {category: i for i, category in enumerate(categories)}
    found = np.fromiter((index.get(cell, -1) for cell in column), np.int64, len(column))
    if (found < 0).any():
        row = int((found < 0).argmax())
        raise DataError(
            f"column '{feature.text}': '{cut(str(column[row]))}' is not a known category",
            place=place(row, feature.text),
            hint=f"known: {listed(categories)}",
        )
    flat = np.zeros((len(column), len(categories)))
    flat[np.arange(len(column)), found] = 1.0
    return flat


def _column(cells: Sequence[str] | Column, name: str, place: Place, words: bool) -> Column:
    if isinstance(cells, np.ndarray) and (cells.dtype == object) == words:
        return cells
    stripped = [str(cell).strip(" \t") for cell in cells]
    if words:
        column = np.empty(len(stripped), dtype=object)
        column[:] = ["" if cell in text.MISSING else cell for cell in stripped]
        return column
    numbers = text.column_numbers(stripped)
    if numbers is None:
        fault = text.faults(stripped)[0]
        raise DataError(f"column '{name}': {fault.message}", place=place(fault.row, name), hint=fault.hint)
    return numbers


def listed(names: Sequence[str], most: int = 12) -> str:
    """Return names for a message, cut where they are many."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
