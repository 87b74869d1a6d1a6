"""The rows a config names, as arrays: read, completed, divided, encoded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from math import prod
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from ...errors import DataError, ExpressionError, counted, nearest
from ...language.lower import lower
from ...language.numbers import brief
from ...language.parser import parse
from ...networks.losses import FORMULA, LOSSES
from ...tables import amounts
from ...tables.amounts import Amounts
from ...tables.block import Floats, canonical
from ...tables.dates import Dates
from ...tables.numerals import cut
from ...tables.text import Gaps
from .. import schema
from ..units import Moments, Units, can_fold, has_weights
from .asked import apart_of, by_column, no_column, other_table, readings_of, sorts_of
from .characters import CharacterTable
from .encoding import MISSING, Encoding, Feature, Folding, flat_inputs, listed, missing
from .gaps import complete, filled, fills_of, told_last
from .judging import teaches_nothing
from .kept import Kept
from .labelled import (
    class_name,
    formula_values,
    labelled,
    labels_of,
    outputs_of,
    sequences_of,
    shares_of,
    weights_in,
)
from .rows import Rows, Spilled
from .sequences import entropies, is_of_sequences
from .source import Column, Columns, FileTable, Kind, Table, Wanted, named, open_table
from .split import Parts, Sorts, split
from .targets import TargetFormula, sources_of, target_formula

if TYPE_CHECKING:
    from ..config import Loaded

Scaling = Literal["auto", "none", "standard", "minmax"] | schema.Divide

Task = Literal["classification", "regression"]

CATEGORIES = 1000
"""Most texts a categorical column may hold: each is an input."""

HIGHEST_NUMBERS = 1 << 28
"""Most numbers of all encoded rows."""

CLASSES = 20
"""Most distinct whole numbers that `task: auto` takes for classes; also at most half as many as rows."""


WEIGHTS = "data.weights"
"""Among the columns of a formula, what the rows count: no column of a user's is called so."""


@dataclass(frozen=True)
class Splits:
    """All the data of a run.

    Attributes:
        train: Rows to learn from, in the order of the table.
        validation: Rows to choose by; None without.
        test: Rows for the final measure; None without.
        encoding: How columns became inputs.
        task: ``classification`` or ``regression``.
        fingerprint: SHA-256 of every array and name.
        dropped: Rows left out because a value is missing.
        notes: What was decided by looking at the cells, and columns that teach little.
        data: The section with nothing left to decide.
        units: How the targets become those that are learned; None where they are learned as they are.
        automatic: What was done to the rows because nothing was said.
        held_out: The numbers of the validation rows in their table; empty where they have one of their own.
        lent: The validation rows were held out because nothing was said; they may be learned from in the end.
        entropies: Of a text: how uncertain its next character is, in nats, by what is known.
    """

    train: Rows | Spilled
    validation: Rows | Spilled | None
    test: Rows | Spilled | None
    encoding: Encoding
    task: Task
    fingerprint: str
    data: schema.Data
    dropped: int = 0
    notes: Sequence[str] = ()
    units: Units | None = None
    automatic: Sequence[str] = ()
    held_out: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    lent: bool = False
    entropies: Mapping[str, float] = field(default_factory=dict)


BLOCK_NUMBERS = 1 << 20
"""Numbers that are encoded at once: what is made on the way stays small beside the data."""

GROUP = 16
"""Features whose scaling is fitted at once, at most ..."""
GROUP_NUMBERS = 1 << 20
"""... and numbers, for so many of them are copied."""

HELD_OUT = 0.2
"""The share of the rows that is held out to validate where nothing is said about it."""
ENOUGH_ROWS = 50
"""Fewer rows are all needed to learn from; a fifth of them would measure nothing."""


@dataclass(frozen=True)
class FormulaSplits:
    """Columns as they are, for a formula model.

    Attributes:
        train: Column name (as the formula spells it) to numbers (rows,); the target is one of them.
        validation: The same; None without.
        test: The same; None without.
        fingerprint: SHA-256 of every array and name.
        dropped: Rows left out because a value is missing.
        fills: What stands for a missing value, by column; empty unless ``missing: mean``.
        held_out: As in `Splits`.
        notes: As in `Splits`.
    """

    train: dict[str, Floats]
    validation: dict[str, Floats] | None
    test: dict[str, Floats] | None
    fingerprint: str
    dropped: int
    fills: dict[str, float]
    held_out: npt.NDArray[np.int64]
    notes: Sequence[str]


def load(loaded: Loaded, kept: Kept | None = None) -> Splits:
    """Read the data of a config and make it ready for a network.

    Args:
        loaded: The config.
        kept: How rows became inputs before, to become them again.
    Raises:
        ConfigError: when a key of ``data`` does not fit the table.
        DataError: when the table is wrong, with the place.
        FileError: when a file cannot be read.
    """
    return _InMemory(loaded, kept).splits()


def load_formula(loaded: Loaded, target: str, used: Sequence[str]) -> FormulaSplits:
    """Read the columns of a formula model, ``target ~ expression over used``.

    Args:
        loaded: The config.
        target: The column to be predicted.
        used: The columns that the expression reads.
    Raises:
        ConfigError: when there is no such column.
        DataError: when one of them is not numbers.
        FileError: when a file cannot be read.
    """
    data = loaded.config.data
    for key in ("features", "shape", "layout", "exclude", "categories", "dates"):
        if getattr(data, key) is not None:
            raise loaded.error(f"data.{key}", f"{key} is for networks: the formula names its columns")
    for key in ("scaling", "target_scaling"):
        if getattr(data, key) not in ("auto", "none"):
            raise loaded.error(
                f"data.{key}", f"{key} is for networks: a formula reads the columns as they are"
            )
    table = open_table(loaded)
    spelled = named(table.names)
    wanted = [target, *(name for name in dict.fromkeys(used) if name != target)]
    for name in wanted:
        if canonical(name) not in spelled:
            raise loaded.error("model.formula", *no_column(name, table.names))
    for name in loaded.config.model.parameters or {}:
        if canonical(name) in spelled:
            hint = f"rename the parameter: {name} in the formula could be either"
            raise loaded.error(f"model.parameters.{name}", f"{name} is a column of the data, too", hint)
    names = {name: spelled[canonical(name)] for name in wanted}
    kinds: dict[str, Wanted] = dict.fromkeys(names.values(), "number")
    data = by_column(loaded, table, spelled)
    apart = apart_of(loaded, table, spelled)
    kinds |= {column: "auto" for column in apart.values() if column not in kinds}
    counting = apart.get("weights", apart.get("sigma"))
    weighed = [] if counting is None else [counting]
    kinds |= dict.fromkeys(weighed, "number")
    readings = readings_of(loaded, data, table)
    kinds |= {name: how for name, how in readings.items() if name in kinds}
    read = {name: table.column(name, how) for name, how in kinds.items()}
    columns, kept, dropped = complete(data, table, read, [names[target], *apart.values()])
    notes: list[str] = []
    for name in weighed:
        columns[WEIGHTS] = weights_in(data, name, columns[name], kept, table)
        some = np.flatnonzero(columns[WEIGHTS] > 0.0)
        notes += weightless(len(kept) - len(some))
        columns, kept = {n: c[some] for n, c in columns.items()}, kept[some]
    parts = split(loaded, len(kept), sorts_of(loaded, apart, columns, None))
    gaps = {c: v for c, v in columns.items() if c in names.values() and c != names[target]}
    fills = fills_of(loaded, data, gaps, parts.train)

    def taken(raw: dict[str, Column], rows: npt.NDArray[np.int64] | slice) -> dict[str, Floats]:
        found = {
            name: np.asarray(filled(raw[column][rows], fills.get(column)), dtype=np.float64)
            for name, column in names.items()
        }
        if WEIGHTS in raw:
            found[WEIGHTS] = np.asarray(raw[WEIGHTS][rows], dtype=np.float64)
        return found

    found: dict[str, dict[str, Floats] | None] = {"train": taken(columns, parts.train)}
    for part, rows in (("validation", parts.validation), ("test", parts.test)):
        found[part] = taken(columns, rows) if len(rows) else None
        wanted = [*names.values(), *weighed]
        other = other_table(loaded, table, part, wanted)
        if other is not None:
            read = {name: other.column(name, how) for name, how in kinds.items() if name in wanted}
            more, rows_of, gone = complete(data, other, read, [names[target], *weighed])
            for column in weighed:
                more[WEIGHTS] = weights_in(data, column, more[column], rows_of, other)
            dropped += gone
            found[part] = taken(more, slice(None))
    gap_values = {name: float(fills[column]) for name, column in names.items() if column in fills}
    train = found["train"]
    assert train is not None
    arrays = [values for part in found.values() if part for values in part.values()]
    digest = _fingerprint(arrays, list(names))
    return FormulaSplits(
        train, found["validation"], found["test"], digest, dropped, gap_values, parts.validation, notes
    )


class Loading:
    """What is decided on the way from a config to `Splits`, wherever the rows are."""

    table: Columns
    task: Task

    def __init__(self, loaded: Loaded, kept: Kept | None) -> None:
        self.loaded = loaded
        self.kept = kept
        self.rows = 0
        self.table = self._opened()
        self.spelled = named(self.table.names)
        self.data = by_column(loaded, self.table, self.spelled)
        self.notes: list[str] = []
        self._leave_out_nameless()
        self.autoencoder = self.data.target == "features"
        self.excluded = self._excluded()
        self.formulas: dict[str, TargetFormula] = {}
        self.apart = apart_of(loaded, self.table, self.spelled)
        self.targets = self._targets()
        self.sources = sources_of(self.targets, self.formulas)
        self.features = self._features()
        self.readings = readings_of(loaded, self.data, self.table)
        self._note_doubts()
        self.read = list(dict.fromkeys(name for feature in self.features for name in feature.columns))

    def _opened(self) -> Columns:
        return open_table(self.loaded)

    @property
    def _of_text(self) -> bool:
        """Whether somebody wrote the cells, so that a look at them is worth a note."""
        return isinstance(self.table, FileTable)

    def _kinds(self) -> dict[str, Wanted]:
        """Return what each column that is read must be."""
        asked = self.loaded.config.task
        kind: Kind = "class" if asked == "classification" else "auto"
        kinds: dict[str, Wanted] = dict.fromkeys(self.read, "auto")
        plain = len(self.targets) == 1 and not self.formulas
        kinds |= dict.fromkeys(self.sources, kind if plain else "number")
        kinds |= {name: "auto" for name in self.apart.values() if name not in kinds}
        kinds |= {name: "number" for key, name in self.apart.items() if key == "weights"}
        formulas = {c for f in self.features if f.is_formula for c in f.columns}
        kinds |= dict.fromkeys(formulas, "number")
        kinds |= dict.fromkeys(self._categories(), "text")
        return kinds | {name: how for name, how in self.readings.items() if name in kinds}

    def _made(
        self,
        found: Mapping[str, Rows | Spilled],
        encoding: Encoding,
        scaling: Scaling,
        units: Units | None,
        share: float,
        fingerprint: str,
    ) -> Splits:
        """Return what was read with what was decided; ``share`` is what ``validation_split: auto`` is."""
        automatic = []
        if self.kept is not None and not self.kept.settled and scaling != "none":
            automatic.append(f"features scaled as in {self.kept.where}")
        if self.kept is None and self.data.scaling == "auto" and scaling != "none":
            automatic.append("features standardised" if units is None else "features and target standardised")
        elif self.data.target_scaling == "auto" and units is not None:
            automatic.append("target standardised")
        lent = self.data.validation_split == "auto"
        return Splits(
            found["train"],
            found.get("validation"),
            found.get("test"),
            encoding,
            self.task,
            fingerprint,
            msgspec.structs.replace(
                self.loaded.config.data,
                scaling=scaling,
                target_scaling="none" if units is None else self._target_scaling(),
                validation_split=share if lent else self.data.validation_split,
            ),
            notes=self.notes,
            units=units,
            automatic=automatic,
            lent=self._measured and lent and self.data.folds is None and bool(share),
        )

    def _keeps(self, kept: Kept) -> bool:
        """Whether the features are those that were; a model to begin with demands it.

        Raises:
            ConfigError: where they are not.
        """
        if kept.settled and self.data.scaling not in ("auto", kept.scaling):
            return False
        now, before = ([f.text for f in features] for features in (self.features, kept.encoding.features))
        if now == before:
            return True
        if kept.settled:
            return False  # whoever goes on is told what has changed
        raise self.loaded.error(
            "model.from", f"{kept.where} learned from {listed(before)}, not from {listed(now)}"
        )

    def _kept_classes(self, columns: dict[str, Column]) -> list[str] | None:
        """Return the classes; those of a model that is begun with, where its last layer tells them apart."""
        kept, target = self.kept, self.targets[0] if self.targets else ""
        if kept is None or not kept.classes:
            return self._classes(columns) if self.task == "classification" else None
        known = kept.encoding.classes
        if known is None and kept.settled:
            return self._classes(columns) if self.task == "classification" else None
        if known is None:
            if self.task == "classification":
                self._refuse_target(f"{kept.where} answers with numbers, but the target has classes")
            return None
        if kept.encoding.shares or len(self.targets) > 1 or self.autoencoder or self.formulas:
            return self._classes(columns)
        if self.task == "regression" and (columns[target] != np.floor(columns[target])).any():
            self._refuse_target(f"{kept.where} tells classes apart, but the target has numbers")
        found = sorted({class_name(value) for value in columns[target].tolist()})
        strange = [name for name in found if name not in known]
        if strange and kept.settled:
            return self._classes(columns)
        if strange:
            self._refuse_target(
                f"class '{cut(strange[0])}' is not among those of {kept.where}: {listed(known)}"
            )
        self.task = "classification"
        return known

    def _refuse_target(self, message: str) -> None:
        raise self.loaded.error("model.from", message, "model.fresh: [the last layer] begins it anew")

    @property
    def _measured(self) -> bool:
        """Whether the rows are measurements in a file, in units of their own, not worked out by hand."""
        data, table = self.data, self.table
        images = table.images or data.shape is not None or table.shape is not None
        images = images or isinstance(table, CharacterTable)
        return data.path is not None and not images and not has_weights(self.loaded.config.model)

    def _scaling(self) -> Scaling:
        """Return what is done to the features; none where an autoencoder's are taken for probabilities."""
        given, loss = self.data.scaling, self.loaded.config.loss
        if given != "auto":
            return given
        chances = self.autoencoder and loss.type != "auto" and loss.fuses is not None
        plain = chances or self.loaded.config.model.counts
        return "standard" if self._measured and not plain else "none"

    def _target_scaling(self) -> Literal["none", "standard", "minmax"]:
        """Return what is done to the targets."""
        given, config = self.data.target_scaling, self.loaded.config
        loss = "mse" if config.loss.type == "auto" else config.loss.type
        several = len(self.targets) > 1
        fits = self.task == "regression" and not self.autoencoder and LOSSES[loss].degree is not None
        fits = fits and not (several and LOSSES[loss].settings)
        folds = can_fold(config.model, len(self.targets))
        if given == "auto":
            return "standard" if fits and folds and self._measured else "none"
        if given != "none" and not fits:
            raise self.loaded.error(
                "data.target_scaling", f"target_scaling: {given} is for numbers under a loss of differences"
            )
        if given != "none" and not folds:
            raise self.loaded.error(
                "data.target_scaling",
                f"target_scaling: {given} needs a last layer that is linear, trained and without activation",
            )
        return given

    def _units_of(self, targets: Moments) -> Units | None:
        """Return what targets to train on are scaled by."""
        scaling = self._target_scaling()
        if scaling == "none":
            return None
        units = Units(*targets.fitted(scaling))
        if not np.isfinite([units.shift, units.scale]).all():
            raise self.loaded.error("data.target_scaling", "the targets are too large to be scaled")
        return units

    def _targets(self) -> list[str]:
        given, own = self.data.target, self.table.targets
        if self.autoencoder:
            return []
        if given is None:
            if own is not None:
                return own
            apart = [*self.excluded, *self.apart.values()]
            return [name for name in self.table.names if name not in apart][-1:]
        names = [given] if isinstance(given, str) else given
        found = []
        for name in names:
            if canonical(name) not in self.spelled:
                self.formulas[name] = self._target_formula(name)
                found.append(name)
                continue
            if self.spelled[canonical(name)] in self.excluded:
                raise self.loaded.error("data.target", f"'{cut(name)}' is left out by data.exclude")
            found.append(self.spelled[canonical(name)])
        return found

    def _note_doubts(self) -> None:
        """Say how numbers are read that would be others with the other sign of decimals."""
        if self.data.dialect.decimal is not None:
            return
        gaps = Gaps.of(self.data.missing_values)
        for name, how in self.readings.items():
            if not isinstance(how, Amounts):
                continue
            found = amounts.doubt(self.table.written(name)[0], how, gaps)
            if found is not None:
                cell, value, other = found
                sign = "comma" if how.decimal == "." else "point"
                self.notes.append(
                    f"column '{name}': {cut(cell)} is read as {brief(value, 12)};"
                    f" data.decimal: {sign} would read it as {brief(other, 12)}"
                )

    def _target_formula(self, text: str) -> TargetFormula:
        """Read a target that is no column."""
        names = self.table.names
        try:
            found = None if nearest(text, names, cutoff=0.8) else target_formula(text, names)
        except ExpressionError as error:
            if text.isidentifier() or not any(canonical(name) in text for name in names):
                raise self.loaded.error("data.target", *no_column(text, names)) from None
            raise self.loaded.error("data.target", error.message, error.hint) from None
        if found is None:
            raise self.loaded.error("data.target", *no_column(text, names))
        if found.column in self.excluded:
            raise self.loaded.error("data.target", f"'{cut(found.column)}' is left out by data.exclude")
        if self.loaded.config.task == "classification":
            raise self.loaded.error("task", f"classification, but {cut(text)} is a number")
        return found

    def _leave_out_nameless(self) -> None:
        """Forget a last column that every line makes by ending with a separator."""
        names = self.table.names
        if not isinstance(self.table, FileTable) or len(names) < 2 or names[-1] != "":
            return
        if (self.table.column("", "text") == "").all():
            self.table.names = names[:-1]
            self.spelled.pop("")
            self.notes.append("every line ends with a separator: the last column, without name, is left out")

    def _judge(self, columns: dict[str, Column]) -> None:
        """Note columns that teach nothing; leave them out where ``exclude: auto`` says so."""
        if not self._of_text:
            return
        kept, left_out = [], []
        for feature in self.features:
            text = feature.text
            plain = not feature.is_formula and text not in self.readings
            judged = teaches_nothing(text, columns[text]) if plain else None
            if judged is not None and self.data.exclude == "auto":
                left_out.append(f"column '{text}' {judged.why}")
                continue
            kept.append(feature)
            if judged is not None:
                self.notes.append(f"column '{text}' {judged.why}: {judged.wiser}")
        self.notes += [f"left out: {reason}" for reason in left_out]
        if not kept:
            raise self.loaded.error("data.exclude", "no features are left")
        self.features = kept
        self.read = list(dict.fromkeys(name for feature in kept for name in feature.columns))

    def _named(self, key: str, names: Iterable[str]) -> list[str]:
        """Return the columns that a key names."""
        found = []
        for i, name in enumerate(names):
            if canonical(name) not in self.spelled:
                raise self.loaded.error(f"{key}.{i}", *no_column(name, self.table.names))
            found.append(self.spelled[canonical(name)])
        return found

    def _excluded(self) -> list[str]:
        """Return the columns that the config leaves out by name."""
        given = self.data.exclude
        return [] if given is None or given == "auto" else self._named("data.exclude", given)

    def _categories(self) -> list[str]:
        """Return the columns that the config takes for texts."""
        found = self._named("data.categories", self.data.categories or ())
        for i, column in enumerate(found):
            key = f"data.categories.{i}"
            if any(f.is_formula and column in f.columns for f in self.features):
                raise self.loaded.error(key, f"a formula of data.features takes '{column}' for a number")
            if column in self.readings:
                raise self.loaded.error(key, f"'{column}' is a column of numbers or dates by another key")
        return [column for column in found if column in self.read or column in self.targets]

    def _features(self) -> list[Feature]:
        given, key = self.data.features, "data.features"
        if given is None:
            apart = (self.table.targets or []) if self.autoencoder else self.sources
            apart = [*apart, *self.excluded, *self.apart.values()]
            names = [name for name in self.table.names if name not in apart]
            if not names and self.excluded:
                raise self.loaded.error("data.exclude", "no features are left")
            if not names:
                only = self.table.names[0]
                raise self.loaded.error(
                    "data.target",
                    f"no features are left: the only column is '{cut(only)}'",
                )
            return [Feature(name, [name]) for name in names]
        found: dict[str, Feature] = {}
        for i, entry in enumerate(given):
            feature = self._feature(entry.strip(), f"{key}.{i}")
            if feature.text in found:
                raise self.loaded.error(f"{key}.{i}", f"'{entry}' stands twice")
            for name in feature.columns:
                if name in self.sources:
                    raise self.loaded.error(f"{key}.{i}", f"'{name}' is the target, so it is no feature")
                if name in self.excluded:
                    raise self.loaded.error(f"{key}.{i}", f"'{name}' is left out by data.exclude")
            found[feature.text] = feature
        return list(found.values())

    def _feature(self, entry: str, key: str) -> Feature:
        """Read one entry of ``data.features``: a column of that name, else a formula of columns."""
        if canonical(entry) in self.spelled:
            name = self.spelled[canonical(entry)]
            return Feature(name, [name])
        names = self.table.names
        try:
            graph = lower(parse(entry), self.spelled)
        except ExpressionError as exc:
            if nearest(entry, names, cutoff=0.8):
                raise self.loaded.error(key, *no_column(entry, names)) from None
            raise self.loaded.error(
                key, f"'{cut(entry)}' is no column, and no formula: {exc.message}", exc.hint
            ) from None
        unknown = [name for name in graph.inputs if name not in self.spelled]
        odd = next((name for name in names if not name.isidentifier() and name and name in entry), None)
        if unknown and odd is not None:
            plain = re.sub(r"\W+", "_", odd).strip("_") or "x"
            raise self.loaded.error(
                key,
                f"'{cut(unknown[0])}' is no column, and '{cut(odd)}' is no name that a formula can have",
                f"rename the column, to {plain} for example; or put the feature alone: '{cut(odd)}'",
            )
        if unknown:
            raise self.loaded.error(key, *no_column(unknown[0], names))
        if graph.nodes[graph.output].name is not None or not graph.inputs:
            raise self.loaded.error(key, f"'{cut(entry)}' is not a formula of columns")
        return Feature(entry, [self.spelled[name] for name in graph.inputs])

    def _completed(self, feature: Feature, columns: dict[str, Column]) -> Feature:
        """Return a feature with what its cells tell: categories, parts of dates, an input for gaps."""
        if feature.is_formula:
            return feature
        name, column = feature.text, columns[feature.text]
        gaps = missing(column)
        apart = bool(gaps.any()) and self.data.missing_in(name) == "category"
        if column.dtype != object:
            parts = self.data.dated.get(name) if isinstance(self.readings.get(name), Dates) else None
            return replace(feature, parts=None if parts is None else list(parts), flagged=apart)
        categories = sorted({*column[~gaps].tolist(), *([MISSING] if apart else [])})
        if isinstance(self.table, CharacterTable):
            categories = self.table.vocabulary
        if len(categories) > CATEGORIES:
            raise self.loaded.error(
                "data.features",
                f"column '{name}' has {self._told(len(categories))} different texts; a categorical column"
                f" has {CATEGORIES} at most",
                f"data.exclude: ['{name}'] leaves it out",
            )
        return replace(feature, categories=categories, indexed=self.data.indexed)

    def _task(self, columns: dict[str, Column]) -> Task:
        """Choose the task: as asked, as the loss has it, else by the target.

        Texts are classes. So are whole numbers, when they are few: at most `CLASSES` different ones and at
        most one for every two rows. Several targets, and targets written as lists, are numbers, unless the
        loss or the config says that they are classes: then a column holds the share of the class of its name.
        """
        config = self.loaded.config
        asked, loss = config.task, config.loss.type
        told = asked == "classification" or (asked == "auto" and config.loss.for_classes)
        if self.autoencoder:
            if told:
                key, instead = ("task", "regression") if asked == "classification" else ("loss", "mse")
                raise self.loaded.error(key, "the targets of an autoencoder are numbers", f"{key}: {instead}")
            return "regression"
        if self.formulas or len(self.targets) > 1:
            return "classification" if told else "regression"
        column = columns[self.targets[0]]
        if column.dtype == object:
            if asked == "regression":
                raise self.loaded.error("task", f"regression, but the target '{self.targets[0]}' is text")
            return "classification"
        if asked != "auto":
            return asked
        if (self.table.vector and not told) or (loss != "auto" and LOSSES[loss].numbers):
            return "regression"
        fractions = column[column != np.floor(column)]
        if loss not in ("auto", FORMULA):
            if len(fractions):
                raise self.loaded.error(
                    "loss",
                    f"{loss} needs classes, but the target '{self.targets[0]}' has numbers"
                    f" like {brief(fractions[0])}",
                    "loss: mse; task: regression takes numbers from 0 to 1 for probabilities"
                    if loss == "binary_cross_entropy"
                    else "loss: mse; task: classification takes every number for a class",
                )
            return "classification"
        if len(fractions):
            return "regression"
        ordered = np.sort(column)  # np.unique imports numpy.ma, a tenth of a start
        distinct = 1 + int((ordered[1:] != ordered[:-1]).sum())
        few = distinct <= min(CLASSES, self.rows / 2)
        if self._of_text:
            kinds = (
                f"'{self.targets[0]}' has {self._told(distinct)} different whole numbers in {self.rows} rows"
            )
            self.notes.append(
                f"task: classification, since {kinds}; task: regression takes them as numbers"
                if few
                else f"task: regression, since {kinds}; task: classification takes each for a class"
            )
        return "classification" if few else "regression"

    def _classes(self, columns: dict[str, Column]) -> list[str]:
        if len(self.targets) > 1:
            return self.targets
        if isinstance(self.table, CharacterTable):
            return self.table.vocabulary
        column = columns[self.targets[0]]
        values = sorted(set(column.tolist()))
        classes = [class_name(value) for value in values]
        outputs = self._outputs_of_classes()
        if len(classes) < outputs and {*classes} <= {*map(str, range(outputs))}:
            self.notes.append(
                f"the classes are 0 to {outputs - 1}, one for each output; the rows have"
                f" {' and '.join(classes) if len(classes) < 3 else f'{len(classes)} of them'} alone"
            )
            return [*map(str, range(outputs))]
        if len(classes) < 2:
            raise DataError(
                f"every row is of the class '{cut(classes[0])}': there is nothing to tell apart",
                place=self.table.place(0, self.targets[0]),
                hint="one-hot targets, a column for each class, may have classes that no row is of"
                if column.dtype == object or self.loaded.config.loss.for_classes
                else "task: regression takes the target as a number",
            )
        texts, most = column.dtype == object, max(CLASSES, self.rows // 2)
        if texts and len(classes) > most and self.loaded.config.task == "auto":
            target = cut(self.targets[0])
            raise self.loaded.error(
                "data.target",
                f"'{target}' has {self._told(len(classes))} classes for {self.rows} rows, too many to tell"
                " apart",
                "another data.target; task: classification takes them all the same",
            )
        if len(classes) > CATEGORIES:
            raise self.loaded.error(
                "data.target",
                f"'{self.targets[0]}' has {self._told(len(classes))} classes; {CATEGORIES} is the most",
            )
        return classes

    def _told(self, distinct: int) -> str:
        """Return how many different values a column has, in words."""
        return str(distinct)

    def _outputs_of_classes(self) -> int:
        """Return how many classes the config has outputs for, whatever the rows say; 0 where it says nothing.

        A built-in set has all its classes.
        """
        config = self.loaded.config
        if config.data.dataset is not None:
            return 0
        units = config.model.written_units
        if config.loss.type != "auto" and config.loss.row.single:
            return max(units or 0, 2)
        return 2 if units == 1 and not config.loss.for_classes else units or 0

    def _unscaled(self, fills: dict[str, float | str], classes: list[str] | None) -> Encoding:
        """Return how columns become inputs, as they are."""
        data = self.data
        inputs = [name for feature in self.features for name in feature.names]
        width = len(inputs)
        shape = tuple(data.shape or self.table.shape or (width,))
        if data.of_steps and width == 1 and self.features[0].indexed:
            shape = ()
        if prod(shape) != width:
            dims = " x ".join(map(str, shape))
            raise self.loaded.error(
                "data.shape", f"{dims} is {prod(shape)} numbers, but a row has {width} features"
            )
        steps = [name for key, name in self.apart.items() if key.startswith("sequence.")]
        return Encoding(
            self.features,
            inputs if self.autoencoder else self.targets,
            classes,
            shape,
            np.zeros(width),
            np.ones(width),
            fills,
            {n: how for n, how in self.readings.items() if n in (*self.read, *self.sources, *steps)},
            Gaps.of(data.missing_values),
            data.unknown == "ignore",
            self.formulas,
        )

    def _scaled(self, encoding: Encoding, shift: Floats, scale: Floats) -> Encoding:
        """Return an encoding that scales its inputs, but for those that are a yes or no."""
        if not np.isfinite([shift, scale]).all():
            at = int((~np.isfinite(shift) | ~np.isfinite(scale)).argmax())
            raise self.loaded.error(
                "data.scaling", f"the numbers of '{encoding.names[at]}' are too large to be scaled"
            )
        measured = np.array([each for feature in encoding.features for each in feature.measured])
        return replace(encoding, shift=np.where(measured, shift, 0.0), scale=np.where(measured, scale, 1.0))


class _InMemory(Loading):
    """The rows are arrays, all of them."""

    table: Table

    def splits(self) -> Splits:
        loaded, table = self.loaded, self.table
        columns = {name: table.column(name, how) for name, how in self._kinds().items()}
        self._judge(columns)
        wanted = dict.fromkeys([*self.read, *self.sources, *self.apart.values()])
        columns = {name: columns[name] for name in wanted}
        how = self.data.sequences
        if how is not None and how.target == "last":
            folding = Folding(False, self.apart["sequence.by"], self.apart.get("sequence.order"))
            columns |= told_last(self.data, table, columns, self.sources, folding)
        columns, kept, dropped = complete(self.data, table, columns, [*self.sources, *self.apart.values()])
        columns, kept = self._weighty(columns, kept)
        columns |= formula_values(self.formulas, columns, kept, table)
        self.rows = len(kept)
        self.features = [self._completed(feature, columns) for feature in self.features]
        self.task = self._task(columns)
        classes = self._kept_classes(columns)
        shares = shares_of(self.targets, columns, kept, table) if classes == self.targets else None
        labels = None
        if classes is not None:
            labels = labels_of(columns[self.targets[0]], classes) if shares is None else shares.argmax(axis=1)
        known = labels if shares is None else shares
        stratify = self.data.stratify
        if stratify is True and labels is None:
            raise loaded.error("data.stratify", "there are no classes to split by: the task is regression")
        share = self._held_out(len(kept))
        sorts = sorts_of(loaded, self.apart, columns, labels if stratify else None)
        if isinstance(table, CharacterTable):
            sorts = Sorts(times=np.arange(len(kept), dtype=np.float64))
        parts = split(loaded, len(kept), sorts, share)
        share = share if len(parts.validation) else 0.0
        fitted_anew = self.kept is None or not self._keeps(self.kept)
        scaling = self._scaling() if fitted_anew else "none"
        encoding = self._folding(self._encoding(scaling, columns, kept, parts, classes), columns)
        units = self._units(columns, parts.train)
        if self.kept is not None and not fitted_anew:
            encoding, scaling = as_before(encoding, self.kept), self.kept.scaling
            units = self.kept.units if self.kept.settled else units

        def rows(part: npt.NDArray[np.int64]) -> Rows:
            inputs = np.empty((len(part), *encoding.line), loaded.config.dtype)
            step = max(1, BLOCK_NUMBERS // prod(encoding.line))
            for start in range(0, len(part), step):
                some = part[start : start + step]
                encoded = self._encoded(encoding, columns, some, kept[some])
                with np.errstate(over="ignore"):  # what float32 cannot hold is found by the first step
                    inputs[start : start + step] = encoded
            weights = self._weights(columns)
            weights = None if weights is None else weights[part]
            answers = outputs_of(self.targets, columns, inputs, part) if known is None else known[part]
            return Rows(inputs, answers, weights)

        def sequences(part: npt.NDArray[np.int64], what: str) -> Rows:
            made = rows(part)
            if encoding.folding is None:
                return made
            taken, numbers = {n: columns[n][part] for n in encoding.folding.columns}, kept[part]

            def place(row: int, name: str) -> str:
                return table.place(int(numbers[row]), name)

            return sequences_of(made, taken, encoding.folding, self.data, place, what)

        found = {"train": sequences(parts.train, "training")}
        for name, part in (("validation", parts.validation), ("test", parts.test)):
            if len(part):
                found[name] = sequences(part, name)
            weights = [name_ for key, name_ in self.apart.items() if key == "weights"]
            other = other_table(loaded, table, name, [*self.read, *self.sources, *weights])
            if other is not None:
                found[name], _, gone = labelled(other, encoding, self.data, self.apart.get("weights"))
                dropped += gone
        arrays = [array for part in found.values() for array in part if array is not None]
        digest = _fingerprint(arrays, [*encoding.names, *self.targets, *(classes or ())])
        made = self._made(found, encoding, scaling, units, share, digest)
        if encoding.folding is None:
            return replace(made, dropped=dropped, held_out=parts.validation)
        encoding = replace(encoding, shape=found["train"].inputs.shape[1:])
        text = table.text[: len(parts.train) + 1] if isinstance(table, CharacterTable) else ""
        answers = found["train"].targets.size * len(classes or "1")
        if answers > HIGHEST_NUMBERS:
            raise self.loaded.error(
                "data",
                f"{found['train'].total:,} sequences of {encoding.shape[0]:,} steps have targets of"
                f" {answers:,} numbers, more than {HIGHEST_NUMBERS:,}",
                "a larger data.stride" if text else "data.length",
            )
        return replace(made, dropped=dropped, encoding=encoding, entropies=entropies(text) if text else {})

    def _folding(self, encoding: Encoding, columns: Mapping[str, Column]) -> Encoding:
        """Return an encoding of lines as one of sequences, where they are such; how long is not known yet."""
        if not self.data.of_steps:
            return encoding
        how, by, order = self.data.sequences, self.apart.get("sequence.by"), self.apart.get("sequence.order")
        each = how is None or how.target == "each"
        if how is not None and how.target == "auto":
            assert by is not None
            each = not all(is_of_sequences(columns[name], columns[by]) for name in self.sources)
            what = "at each step, since it differs within sequences" if each else "of the whole sequence"
            self.notes.append(f"the target is told {what} (data.sequence.target)")
        return replace(encoding, shape=(1, *encoding.shape), folding=Folding(each, by, order))

    def _weights(self, columns: Mapping[str, Column]) -> Floats | None:
        name = self.apart.get("weights")
        return None if name is None else np.asarray(columns[name], dtype=np.float64)

    def _weighty(
        self, columns: dict[str, Column], kept: npt.NDArray[np.int64]
    ) -> tuple[dict[str, Column], npt.NDArray[np.int64]]:
        """Leave out the rows whose weight is 0: no number depends on them."""
        name = self.apart.get("weights")
        if name is None:
            return columns, kept
        weights = weights_in(self.data, name, columns[name], kept, self.table)
        some = np.flatnonzero(weights > 0.0)
        if len(some) == len(weights):
            return columns, kept
        self.notes += weightless(len(weights) - len(some))
        return {name: column[some] for name, column in columns.items()}, kept[some]

    def _held_out(self, rows: int) -> float:
        """Return what ``validation_split: auto`` is."""
        data = self.data
        if data.of_steps:
            return 0.0
        other = bool(data.folds or data.validation_path or self.table.parts)
        if not self._measured:
            other = other or bool(data.test_split or data.test_path)
        return HELD_OUT if data.path is not None and rows >= ENOUGH_ROWS and not other else 0.0

    def _encoding(
        self,
        scaling: Scaling,
        columns: dict[str, Column],
        kept: npt.NDArray[np.int64],
        parts: Parts,
        classes: list[str] | None,
    ) -> Encoding:
        fills = fills_of(self.loaded, self.data, {name: columns[name] for name in self.read}, parts.train)
        self.features = [
            replace(feature, since=float(_first(columns[feature.text][parts.train])))
            if feature.parts is not None
            else feature
            for feature in self.features
        ]
        encoding = self._unscaled(fills, classes)
        width = len(encoding.shift)
        if len(kept) * width > HIGHEST_NUMBERS:
            raise self.loaded.error(
                "data",
                f"{len(kept):,} rows of {width:,} inputs are more than {HIGHEST_NUMBERS:,} numbers",
                "data.features: the columns to learn from; a column of texts gives an input for each",
            )
        if scaling == "none":
            return encoding
        shift, scale = np.zeros(width), np.ones(width)
        numbers, at = kept[parts.train], 0
        for group in _groups(self.features, len(parts.train)):
            read = {name for feature in group for name in feature.columns}
            train = {name: columns[name][parts.train] for name in read}
            raw = {name: filled(column, fills.get(name)) for name, column in train.items()}
            gaps = {name: missing(column) for name, column in train.items()}
            flat = flat_inputs(group, raw, gaps, lambda row, name: self.table.place(int(numbers[row]), name))
            to = at + flat.shape[1]
            moments = Moments(flat.shape[1])
            moments.add(flat)
            shift[at:to], scale[at:to] = scaling_of(scaling, moments)
            at = to
        return self._scaled(encoding, shift, scale)

    def _encoded(
        self,
        encoding: Encoding,
        columns: dict[str, Column],
        rows: npt.NDArray[np.int64],
        numbers: npt.NDArray[np.int64],
    ) -> Floats:
        """Return the inputs of some rows, which have these numbers in the table."""
        taken = {name: columns[name][rows] for name in self.read}
        return encoding.encode(taken, lambda row, name: self.table.place(int(numbers[row]), name))

    def _units(self, columns: dict[str, Column], train: npt.NDArray[np.int64]) -> Units | None:
        if self._target_scaling() == "none":
            return None
        targets = [np.asarray(columns[name][train], dtype=np.float64) for name in self.targets]
        moments = Moments(len(targets))
        moments.add(np.stack(targets, axis=1))
        return self._units_of(moments)


def weightless(rows: int) -> list[str]:
    """Return the note on rows that count nothing; none without any."""
    return [f"left out {counted(rows, 'row')} of weight 0 (data.weights)"] if rows else []


def _first(days: Column) -> float:
    """Return the earliest of some dates; 0 where none is given."""
    given = days[~missing(days)]
    return float(given.min()) if len(given) else 0.0


def as_before(encoding: Encoding, kept: Kept) -> Encoding:
    """Return an encoding whose inputs are made as they were before."""
    own = kept.encoding
    shape = own.shape if encoding.folding is None else (*encoding.shape[:1], *own.line)
    return replace(
        encoding, features=own.features, shape=shape, shift=own.shift, scale=own.scale, fills=own.fills
    )


def _groups(features: list[Feature], rows: int) -> Iterator[list[Feature]]:
    """Yield a few features at a time: all of them together would be the data once more.

    A group has two or more where there are two: NumPy adds a single column up in another order.
    """
    size = max(2, min(GROUP, GROUP_NUMBERS // max(1, rows)))
    ends = [*range(size, len(features) - 1, size), len(features)]
    for start, end in zip([0, *ends], ends, strict=False):
        yield features[start:end]


def scaling_of(scaling: Scaling, moments: Moments) -> tuple[Floats, Floats]:
    """Return what to subtract from the inputs and what to divide them by."""
    if isinstance(scaling, schema.Divide):
        return np.zeros(len(moments.mean)), np.full(len(moments.mean), scaling.divide)
    return moments.fitted(scaling)


def _fingerprint(
    arrays: Sequence[npt.NDArray[np.float64] | npt.NDArray[np.int64]], names: Sequence[str]
) -> str:
    digest = sha256()
    for name in names:
        digest.update(f"{len(name)}:{name};".encode())
    for array in arrays:
        digest.update(f"{array.shape}{array.dtype.kind}".encode())
        digest.update(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).data)
    return digest.hexdigest()
