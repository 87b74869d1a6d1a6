"""The rows a config names, as arrays: read, completed, divided, encoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import prod
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from backprop_cli.errors import DataError, ExpressionError, nearest
from backprop_cli.tables.block import Floats, canonical
from backprop_cli.tables.numerals import cut
from backprop_cli.training import schema
from backprop_cli.training.encoding import Encoding, Feature, flat_inputs, formula, listed, missing
from backprop_cli.training.source import (
    Column,
    Kind,
    Loaded,
    Table,
    named,
    number_name,
    open_table,
    read_table,
)
from backprop_cli.training.split import Parts, split

Task = Literal["classification", "regression"]

CATEGORIES = 1000
"""Most texts a categorical column may hold: each is an input."""

CLASSES = 20
"""Most distinct whole numbers that `task: auto` takes for classes; also at most half as many as rows."""


class Rows(NamedTuple):
    """Encoded rows.

    Attributes:
        inputs: Shape (rows, *shape), float64, scaled.
        targets: (rows, outputs) float64 for regression, (rows,) int64 class indices for classification.
    """

    inputs: Floats
    targets: npt.NDArray[np.float64] | npt.NDArray[np.int64]


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
    """

    train: Rows
    validation: Rows | None
    test: Rows | None
    encoding: Encoding
    task: Task
    fingerprint: str
    dropped: int = 0


@dataclass(frozen=True)
class FormulaSplits:
    """Columns as they are, for a formula model.

    Attributes:
        train: Column name (as the formula spells it) to numbers (rows,); the target is one of them.
        validation: The same; None without.
        test: The same; None without.
        fingerprint: SHA-256 of every array and name.
        dropped: Rows left out because a value is missing.
    """

    train: dict[str, Floats]
    validation: dict[str, Floats] | None
    test: dict[str, Floats] | None
    fingerprint: str
    dropped: int = 0


def load(loaded: Loaded) -> Splits:
    """Read the data of a config and make it ready for a network.

    Raises:
        ConfigError: when a key of ``data`` does not fit the table.
        DataError: when the table is wrong, with the place.
        FileError: when a file cannot be read.
    """
    return _Loading(loaded).splits()


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
    for key in ("features", "shape"):
        if getattr(data, key) is not None:
            raise loaded.error(f"data.{key}", f"{key} is for networks: the formula names its columns")
    if data.scaling != "none":
        raise loaded.error("data.scaling", "scaling is for networks: a formula reads the columns as they are")
    if data.target not in (None, target):
        raise loaded.error("data.target", f"the formula's target is '{target}'")
    table = open_table(loaded)
    spelled = named(table.names)
    wanted = [target, *(name for name in dict.fromkeys(used) if name != target)]
    for name in wanted:
        if canonical(name) not in spelled:
            raise loaded.error("model.formula", *_no_column(name, table.names))
    names = {name: spelled[canonical(name)] for name in wanted}
    columns, kept, dropped = _complete(
        loaded, table, dict.fromkeys(names.values(), "number"), [names[target]]
    )
    parts = split(loaded, len(kept), None)
    fills = _fills(loaded, {c: v for c, v in columns.items() if c != names[target]}, parts.train)

    def taken(raw: dict[str, Column], rows: npt.NDArray[np.int64] | slice) -> dict[str, Floats]:
        return {
            name: np.asarray(_fill(raw[column][rows], fills.get(column)), dtype=np.float64)
            for name, column in names.items()
        }

    found: dict[str, dict[str, Floats] | None] = {"train": taken(columns, parts.train)}
    for part, rows in (("validation", parts.validation), ("test", parts.test)):
        found[part] = taken(columns, rows) if len(rows) else None
        other = _other_table(loaded, part, list(names.values()))
        if other is not None:
            more, _, gone = _complete(loaded, other, dict.fromkeys(names.values(), "number"), [names[target]])
            dropped += gone
            found[part] = taken(more, slice(None))
    train = found["train"]
    assert train is not None
    arrays = [values for part in found.values() if part for values in part.values()]
    return FormulaSplits(
        train, found["validation"], found["test"], _fingerprint(arrays, list(names)), dropped
    )


class _Loading:
    """The steps from a config to `Splits`."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.data = loaded.config.data
        self.table = open_table(loaded)
        self.spelled = named(self.table.names)
        self.autoencoder = self.data.target == "features"
        self.targets = self._targets()
        self.features = self._features()
        self.read = list(dict.fromkeys(name for feature in self.features for name in feature.columns))

    def splits(self) -> Splits:
        loaded, table = self.loaded, self.table
        asked = None if loaded.config.task == "auto" else loaded.config.task
        kind: Kind = "class" if asked == "classification" else "auto"
        kinds: dict[str, Kind] = dict.fromkeys(self.read, "auto")
        kinds |= {name: kind if len(self.targets) == 1 else "number" for name in self.targets}
        formulas = {c for f in self.features if f.is_formula for c in f.columns}
        kinds |= dict.fromkeys(formulas, "number")
        columns, kept, dropped = _complete(loaded, table, kinds, self.targets)
        self.features = [self._with_categories(feature, columns) for feature in self.features]
        self.task = self._task(columns)
        classes = self._classes(columns) if self.task == "classification" else None
        labels = None if classes is None else self._labels(columns, classes)
        stratify = self.data.stratify
        if stratify is True and labels is None:
            raise loaded.error("data.stratify", "there are no classes to split by: the task is regression")
        parts = split(loaded, len(kept), labels if stratify else None)
        encoding = self._encoding(columns, kept, parts, classes)

        def rows(part: npt.NDArray[np.int64]) -> Rows:
            numbers = kept[part]
            inputs = encoding.encode(
                {name: columns[name][part] for name in self.read},
                lambda row, name: table.place(int(numbers[row]), name),
            )
            return Rows(inputs, labels[part] if labels is not None else self._outputs(columns, inputs, part))

        found = {"train": rows(parts.train)}
        for name, part in (("validation", parts.validation), ("test", parts.test)):
            if len(part):
                found[name] = rows(part)
            more, gone = self._other(name, encoding, kinds, columns)
            if more is not None:
                found[name] = more
                dropped += gone
        arrays = [array for part in found.values() for array in part]
        names = [*encoding.names, *self.targets, *(classes or ())]
        return Splits(
            found["train"],
            found.get("validation"),
            found.get("test"),
            encoding,
            self.task,
            _fingerprint(arrays, names),
            dropped,
        )

    def _targets(self) -> list[str]:
        given, own = self.data.target, self.table.targets
        if self.autoencoder:
            return []
        if given is None:
            return own if own is not None else self.table.names[-1:]
        names = [given] if isinstance(given, str) else given
        if not names:
            raise self.loaded.error("data.target", "no target")
        found = []
        for name in names:
            if canonical(name) not in self.spelled:
                raise self.loaded.error("data.target", *_no_column(name, self.table.names))
            if self.spelled[canonical(name)] in found:
                raise self.loaded.error("data.target", f"'{name}' stands twice")
            found.append(self.spelled[canonical(name)])
        return found

    def _features(self) -> list[Feature]:
        given, key = self.data.features, "data.features"
        if given is None:
            apart = (self.table.targets or []) if self.autoencoder else self.targets
            names = [name for name in self.table.names if name not in apart]
            if not names:
                raise self.loaded.error(
                    "data.target", f"no features are left: the only column is '{self.table.names[0]}'"
                )
            return [Feature(name, [name]) for name in names]
        if not given:
            raise self.loaded.error(key, "no features")
        found: dict[str, Feature] = {}
        for i, entry in enumerate(given):
            feature = self._feature(entry.strip(), f"{key}[{i}]")
            if feature.text in found:
                raise self.loaded.error(f"{key}[{i}]", f"'{entry}' stands twice")
            for name in feature.columns:
                if name in self.targets:
                    raise self.loaded.error(f"{key}[{i}]", f"'{name}' is the target, so it is no feature")
            found[feature.text] = feature
        return list(found.values())

    def _feature(self, entry: str, key: str) -> Feature:
        """Read one entry of ``data.features``: a column of that name, else a formula of columns."""
        if canonical(entry) in self.spelled:
            name = self.spelled[canonical(entry)]
            return Feature(name, [name])
        names = self.table.names
        close = nearest(entry, names, cutoff=0.8)
        try:
            graph = formula(entry, names)
        except ExpressionError as exc:
            if close:
                raise self.loaded.error(key, *_no_column(entry, names)) from None
            raise self.loaded.error(
                key, f"'{cut(entry)}' is no column, and no formula: {exc.message}"
            ) from None
        unknown = [name for name in graph.inputs if name not in self.spelled]
        if unknown:
            raise self.loaded.error(key, *_no_column(unknown[0], names))
        if graph.nodes[graph.output].name is not None or not graph.inputs:
            raise self.loaded.error(key, f"'{cut(entry)}' is not a formula of columns")
        return Feature(entry, [self.spelled[name] for name in graph.inputs])

    def _with_categories(self, feature: Feature, columns: dict[str, Column]) -> Feature:
        if feature.is_formula or columns[feature.text].dtype != object:
            return feature
        column = columns[feature.text]
        categories = sorted(set(column[~missing(column)].tolist()))
        if len(categories) > CATEGORIES:
            raise self.loaded.error(
                "data.features",
                f"column '{feature.text}' has {len(categories)} different texts; a categorical column has "
                f"{CATEGORIES} at most",
                "list the columns to learn from under data.features",
            )
        return Feature(feature.text, feature.columns, categories)

    def _task(self, columns: dict[str, Column]) -> Task:
        """Choose the task: as asked, as the loss has it, else by the target.

        Texts are classes. So are whole numbers, when they are few: at most `CLASSES` different ones and at
        most one for every two rows. Several targets, and targets written as lists, are numbers.
        """
        config = self.loaded.config
        asked, loss = config.task, config.loss.type
        several = self.autoencoder or len(self.targets) > 1
        if asked == "classification" and several:
            raise self.loaded.error("task", "classification has one target column")
        if several:
            return "regression"
        column = columns[self.targets[0]]
        if column.dtype == object:
            if asked == "regression":
                raise self.loaded.error("task", f"regression, but the target '{self.targets[0]}' is text")
            return "classification"
        if asked != "auto":
            return asked
        if self.table.vector or loss in ("mse", "mae", "huber", "sse", "half_sse"):
            return "regression"
        if loss in ("cross_entropy", "binary_cross_entropy"):
            return "classification"
        distinct = len(np.unique(column))
        whole = bool((column == np.floor(column)).all())
        return "classification" if whole and distinct <= min(CLASSES, len(column) / 2) else "regression"

    def _classes(self, columns: dict[str, Column]) -> list[str]:
        column = columns[self.targets[0]]
        values = sorted(set(column.tolist()))
        classes = [value if isinstance(value, str) else number_name(value) for value in values]
        if len(classes) < 2:
            raise DataError(
                f"every row is of the class '{cut(classes[0])}': there is nothing to tell apart",
                place=self.table.place(0, self.targets[0]),
                hint=None if column.dtype == object else "task: regression takes the target as a number",
            )
        if len(classes) > CATEGORIES:
            raise self.loaded.error(
                "data.target", f"'{self.targets[0]}' has {len(classes)} classes; {CATEGORIES} is the most"
            )
        return classes

    def _labels(
        self, columns: dict[str, Column], classes: list[str], table: Table | None = None
    ) -> npt.NDArray[np.int64]:
        index = {name: i for i, name in enumerate(classes)}
        column = columns[self.targets[0]].tolist()
        names = [value if isinstance(value, str) else number_name(value) for value in column]
        return np.array([index.get(name, -1) for name in names], dtype=np.int64)

    def _outputs(
        self, columns: dict[str, Column], inputs: Floats, rows: npt.NDArray[np.int64] | slice
    ) -> Floats:
        if self.autoencoder:
            return inputs.reshape(len(inputs), -1).copy()
        return np.stack([np.asarray(columns[name][rows], dtype=np.float64) for name in self.targets], axis=1)

    def _encoding(
        self, columns: dict[str, Column], kept: npt.NDArray[np.int64], parts: Parts, classes: list[str] | None
    ) -> Encoding:
        loaded, data = self.loaded, self.data
        fills = _fills(loaded, {name: columns[name] for name in self.read}, parts.train)
        width = sum(len(feature.names) for feature in self.features)
        shape = tuple(data.shape) if data.shape else (width,)
        if prod(shape) != width:
            dims = " x ".join(map(str, shape))
            raise loaded.error(
                "data.shape", f"{dims} is {prod(shape)} numbers, but a row has {width} features"
            )
        shift, scale = np.zeros(width), np.ones(width)
        if data.scaling != "none":
            raw = {name: _fill(columns[name][parts.train], fills.get(name)) for name in self.read}
            numbers = kept[parts.train]
            flat = flat_inputs(
                self.features, raw, lambda row, name: self.table.place(int(numbers[row]), name)
            )
            shift, scale = _scaling(data.scaling, flat)
            words = np.repeat(
                [f.categories is not None for f in self.features], [len(f.names) for f in self.features]
            )
            shift[words], scale[words] = 0.0, 1.0
        encoding = Encoding(self.features, self.targets, classes, shape, shift, scale, fills)
        return Encoding(
            self.features,
            encoding.names if self.autoencoder else self.targets,
            classes,
            shape,
            shift,
            scale,
            fills,
        )

    def _other(
        self, part: str, encoding: Encoding, kinds: dict[str, Kind], columns: dict[str, Column]
    ) -> tuple[Rows | None, int]:
        """Read and encode ``validation_path`` or ``test_path``."""
        table = _other_table(self.loaded, part, [*self.read, *self.targets])
        if table is None:
            return None, 0
        # the training rows have settled what each column is
        kinds = {name: "text" if columns[name].dtype == object else "number" for name in kinds}
        raw, kept, dropped = _complete(self.loaded, table, kinds, self.targets)

        def place(row: int, name: str) -> str:
            return table.place(int(kept[row]), name)

        inputs = encoding.encode({name: raw[name] for name in self.read}, place)
        if encoding.classes is None:
            return Rows(inputs, self._outputs(raw, inputs, slice(None))), dropped
        labels = self._labels(raw, encoding.classes)
        if (labels < 0).any():
            row = int((labels < 0).argmax())
            value = raw[self.targets[0]][row]
            name = value if isinstance(value, str) else number_name(value)
            raise DataError(
                f"class '{cut(name)}' is not among the training rows",
                place=place(row, self.targets[0]),
                hint=f"known: {listed(encoding.classes)}",
            )
        return Rows(inputs, labels), dropped


def _other_table(loaded: Loaded, part: str, wanted: Sequence[str]) -> Table | None:
    """Open ``validation_path`` or ``test_path``, which must have the columns that are read."""
    data = loaded.config.data
    path = data.validation_path if part == "validation" else data.test_path
    if path is None:
        return None
    key = f"data.{part}_path"
    if getattr(data, f"{part}_split"):
        raise loaded.error(key, f"both {part}_path and {part}_split: one of them holds the {part} rows")
    if path == "-" and (data.path == "-" or (part == "test" and data.validation_path == "-")):
        raise loaded.error(key, "standard input can be read once")
    table = read_table(loaded, path)
    for name in wanted:
        if name not in table.names:
            message, hint = _no_column(name, table.names)
            raise loaded.error(key, f"{path}: {message}", hint)
    return table


def _complete(
    loaded: Loaded, table: Table, kinds: dict[str, Kind], targets: Sequence[str]
) -> tuple[dict[str, Column], npt.NDArray[np.int64], int]:
    """Read columns and settle missing cells as ``data.missing`` says, but for filling them.

    Returns:
        The columns without the rows that are dropped; the table's number of each row; how many are gone.
    """
    how = loaded.config.data.missing
    columns = {name: table.column(name, kind) for name, kind in kinds.items()}
    gaps = {name: missing(column) for name, column in columns.items()}
    gaps = {name: rows for name, rows in gaps.items() if rows.any()}
    everything = np.arange(table.rows)
    if not gaps:
        return columns, everything, 0
    if how == "error":
        row = min(int(rows.argmax()) for rows in gaps.values())
        name = min((name for name in gaps if gaps[name][row]), key=table.names.index)
        count = sum(int(rows.sum()) for rows in gaps.values())
        more = f"; {count} cells are empty in all" if count > 1 else ""
        raise DataError(
            f"no value in column '{name}'{more}",
            place=table.place(row, name),
            hint="data.missing: drop leaves such rows out, mean fills the gaps",
        )
    gone = np.zeros(table.rows, dtype=bool)
    for name, rows in gaps.items():
        if how == "drop" or name in targets:
            gone |= rows
    kept = everything[~gone]
    if not len(kept):
        raise DataError("every row lacks a value", place=table.place(0, next(iter(gaps))))
    return {name: column[kept] for name, column in columns.items()}, kept, int(gone.sum())


def _fills(
    loaded: Loaded, columns: dict[str, Column], train: npt.NDArray[np.int64]
) -> dict[str, float | str]:
    """Return what fills each column: the mean of the training rows, or their most frequent text."""
    if loaded.config.data.missing != "mean":
        return {}
    fills: dict[str, float | str] = {}
    for name, column in columns.items():
        given = column[train]
        given = given[~missing(given)]
        if not len(given):
            raise loaded.error("data.missing", f"column '{name}' has no value in any training row: no mean")
        if given.dtype == object:
            texts, counts = np.unique(given.astype(str), return_counts=True)
            fills[name] = str(texts[counts.argmax()])
        else:
            fills[name] = float(given.mean())
    return fills


def _fill(column: Column, value: float | str | None) -> Column:
    gaps = missing(column)
    if value is None or not gaps.any():
        return column
    column = column.copy()
    column[gaps] = value
    return column


def _scaling(scaling: str | schema.Divide, flat: Floats) -> tuple[Floats, Floats]:
    """Return what to subtract and what to divide by; a constant column is only shifted."""
    if isinstance(scaling, schema.Divide):
        return np.zeros(flat.shape[1]), np.full(flat.shape[1], scaling.divide)
    low, high = flat.min(axis=0), flat.max(axis=0)
    if scaling == "minmax":
        shift, scale = low, high - low
    else:
        shift, scale = flat.mean(axis=0), flat.std(axis=0)
    # equal numbers may have a deviation of some 1e-17, which would make noise of nothing
    constant = low == high
    return np.where(constant, low, shift), np.where(constant | (scale == 0.0), 1.0, scale)


def _no_column(name: str, names: Sequence[str]) -> tuple[str, str | None]:
    close = nearest(name, list(names))
    hint = f"did you mean '{close}'?" if close else None
    return f"no column '{cut(name)}'; the columns are {listed(names)}", hint


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
