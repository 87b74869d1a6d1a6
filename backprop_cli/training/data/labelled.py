"""Rows with their targets, encoded: to learn from, and as a trained model sees them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...errors import DataError
from ...language.numbers import brief
from ...tables import text
from ...tables.block import Block, Floats, canonical
from ...tables.dialect import PLAIN, Dialect
from ...tables.numerals import cut
from ...tables.read import PointSource, points_of
from .. import schema
from .asked import no_column
from .encoding import Encoding, Folding, listed
from .gaps import complete, told_last
from .rows import Rows
from .sequences import WINDOW, folded, stride_of, windows
from .source import (
    PLAINLY,
    ArrayTable,
    Column,
    Table,
    Wanted,
    array_table,
    named,
    number_name,
    read_table,
    written_as,
)
from .targets import TargetFormula

ROUNDED_SHARES = 1e-6
"""How far from 1 the shares of a row may add up, written in decimals or float32; they are divided by it."""


def load_labelled(path: str, encoding: Encoding, data: schema.Data, dialect: Dialect | None = None) -> Rows:
    """Read a file of rows with their targets, as a trained model sees them.

    Args:
        path: Any that ``data.path`` may be; ``-`` is stdin.
        encoding: The model's.
        data: Of the model's config: what missing cells do, how images lie.
        dialect: How the file is written; None for as the training rows were.
    Raises:
        DataError: when a column is missing, a cell wrong, a class or category unknown; with the place.
        FileError: when the file cannot be read.
    """
    written = written_as(data)
    table = read_table(path, written=written._replace(dialect=dialect or written.dialect))
    table = table.parts.get("test", table)
    steps = [] if encoding.folding is None else encoding.folding.columns
    require(encoding.columns + encoding.sources + steps, table.names, path)
    return labelled(table, encoding, data, counting_in(data, table.names)).rows


def open_rows(
    path: str, encoding: Encoding, dialect: Dialect = PLAIN, data: schema.Data | None = None
) -> PointSource:
    """Open a table to predict from; its blocks are for `encode_block`. Ragged rows are faults of theirs.

    Args:
        path: Of text, of arrays by name (npz) or of one (npy); ``-`` is stdin.
        encoding: The model's.
        dialect: How text is written.
        data: Of the model's config: how images lie in arrays.
    Raises:
        DataError: when it lacks a column that the model reads, or is no table of text.
        FileError: when it cannot be read.
    """
    arrays = array_table(path, PLAINLY if data is None else written_as(data), bare=True)
    if arrays is None:
        source = text.open_table(path, dialect, lenient=True)
    else:
        source = points_of(arrays.as_text(_names_in(arrays, encoding)), path)
    try:
        steps = [] if encoding.folding is None else encoding.folding.columns
        require(encoding.columns + steps, source.names, path)
    except DataError:
        source.close()
        raise
    return source


def _names_in(arrays: ArrayTable, encoding: Encoding) -> list[str]:
    """Return the names of the columns: the model's, in their order, where an array has as many and none."""
    own, wanted = arrays.names, encoding.columns
    inputs = [name for name in own if name not in (arrays.targets or ())]
    unnamed = all(re.fullmatch(r"[xc][0-9]*", name) for name in inputs)
    if not unnamed or {*wanted} <= {*own} or len(inputs) != len(wanted):
        return own
    model = dict(zip(inputs, wanted, strict=True))
    return [model.get(name, name) for name in own]


def encode_block(encoding: Encoding, block: Block) -> Floats:
    """Return the inputs of a block of `open_rows`, (rows, *shape).

    Raises:
        DataError: as `Encoding.encode`.
    """
    table = None
    if encoding.all_plain:
        table = text.number_table(block)
    columns: dict[str, Column | list[str]] = {}
    if table is None:
        columns.update(text.texts(block, encoding.columns))
    else:
        positions = {name: at for at, name in enumerate(block.names)}
        columns.update((name, table[:, positions[name]]) for name in encoding.columns)
    return encoding.encode(columns, lambda row, name: text.place(block, row, name))


def require(wanted: Sequence[str], names: Sequence[str], path: str) -> None:
    """Hold a table to the columns that a model reads."""
    present = set(names)
    for name in wanted:
        if name not in present:
            message, hint = no_column(name, names)
            shown = "<stdin>" if path == "-" else path
            raise DataError(message, place=f"{shown}:1:1", hint=hint)


class Labelled(NamedTuple):
    """Encoded rows of a table: which of its rows they are, and how many lack a value."""

    rows: Rows
    kept: npt.NDArray[np.int64]
    dropped: int


def labelled(
    table: Table, encoding: Encoding, data: schema.Data, weights: str | None = None, *, part: bool = False
) -> Labelled:
    """Encode a table, or a part of one, with its targets and the column of weights."""
    targets, sources = [] if encoding.autoencoder else encoding.targets, encoding.sources
    # the training rows have settled what each column is
    kinds: dict[str, Wanted] = {
        name: "text" if name in encoding.words else "number" for name in encoding.columns
    }
    kinds |= dict.fromkeys(sources, "number" if encoding.learns_numbers else "text")
    kinds |= encoding.readings
    apart = [] if weights is None else [weights]
    kinds |= dict.fromkeys(apart, "number")
    folding = encoding.folding
    steps = [] if folding is None else folding.columns
    kinds |= {name: "auto" for name in steps if name not in kinds}
    columns = {name: table.column(name, how) for name, how in kinds.items()}
    if folding is not None and folding.by is not None and not folding.each:
        columns |= told_last(data, table, columns, sources, folding)
    columns, kept, dropped = complete(data, table, columns, [*sources, *apart, *steps], part=part)
    counts = None
    if weights is not None:
        counts = weights_in(data, weights, columns[weights], kept, table, part=part)
        some = np.flatnonzero(counts > 0.0)
        columns, kept, counts = {n: c[some] for n, c in columns.items()}, kept[some], counts[some]
    columns |= formula_values(encoding.formulas, columns, kept, table)

    def place(row: int, name: str) -> str:
        return table.place(int(kept[row]), name)

    inputs = encoding.encode(columns, place)

    def made(answers: npt.NDArray[np.float64] | npt.NDArray[np.int64]) -> Labelled:
        rows = Rows(inputs, answers, counts)
        if folding is not None:
            rows = sequences_of(rows, columns, folding, data, place)
        return Labelled(rows, kept, dropped)

    if encoding.classes is None:
        return made(outputs_of(targets, columns, inputs, slice(None)))
    if encoding.shares:
        return made(shares_of(targets, columns, kept, table))
    column = columns[targets[0]]
    labels = labels_of(column, encoding.classes)
    if (labels < 0).any():
        row = int((labels < 0).argmax())
        raise DataError(
            f"class '{cut(class_name(column[row]))}' is not among the training rows",
            place=place(row, targets[0]),
            hint=f"known: {listed(encoding.classes)}",
        )
    return made(labels)


def sequences_of(
    lines: Rows,
    columns: Mapping[str, Column],
    folding: Folding,
    data: schema.Data,
    place: Callable[[int, str], str],
    what: str = "whole",
) -> Rows:
    """Return the sequences that lines make, or the windows of a text."""
    if folding.by is None:
        length = data.length or WINDOW
        return windows(lines, length, stride_of(data.stride, lines.total, length), f"{what} text")
    order = None if folding.order is None else columns[folding.order]
    most = data.length if data.dataset is None else None
    return folded(lines, columns[folding.by], order, folding, place, most)


def counting_in(data: schema.Data, names: Sequence[str]) -> str | None:
    """Return the column of a table that says what its rows count; None where it has none."""
    return None if data.counting is None else named(names).get(canonical(data.counting))


def weights_in(
    data: schema.Data,
    name: str,
    column: Column,
    kept: npt.NDArray[np.int64],
    table: Table,
    *,
    part: bool = False,
) -> Floats:
    """Return what rows count: weights, numbers from 0 on, as they are; standard deviations as 1/sigma^2.

    Raises:
        DataError: with the place of the first that is none; where all weights are 0, but those of a part of a
            table may be.
    """
    numbers = np.asarray(column, dtype=np.float64)
    what, hint = "weight of a row", "data.weights is a column of numbers, 0 or more"
    weights, least = numbers, 0.0
    if data.sigma is not None:
        what, hint = "standard deviation of a target", "data.sigma is a column of numbers above 0"
        with np.errstate(divide="ignore", over="ignore"):
            weights, least = 1.0 / np.square(numbers), float(np.finfo(np.float64).tiny)
    wrong = ~((weights >= least) & np.isfinite(weights) & (numbers >= 0.0))
    if wrong.any():
        row = int(wrong.argmax())
        place = table.place(int(kept[row]), name)
        raise DataError(f"{brief(float(numbers[row]))} is no {what}", place=place, hint=hint)
    if not weights.any() and not part:
        raise DataError("every row has the weight 0", place=table.place(int(kept[0]), name))
    return weights


def formula_values(
    formulas: Mapping[str, TargetFormula],
    columns: Mapping[str, Column],
    kept: npt.NDArray[np.int64],
    table: Table,
) -> dict[str, Column]:
    """Return what is learned of the targets that are formulas."""

    def place(row: int, name: str) -> str:
        return table.place(int(kept[row]), name)

    return {
        text: formula.values(np.asarray(columns[formula.column], dtype=np.float64), place)
        for text, formula in formulas.items()
    }


def class_name(value: str | float) -> str:
    """Return what the class of a cell is called."""
    return value if isinstance(value, str) else number_name(float(value))


def labels_of(column: Column, classes: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return the index of the class of each row; -1 for none of them."""
    index = {name: i for i, name in enumerate(classes)}
    return np.array([index.get(class_name(value), -1) for value in column.tolist()], dtype=np.int64)


def shares_of(
    targets: Sequence[str], columns: dict[str, Column], kept: npt.NDArray[np.int64], table: Table
) -> Floats:
    """Return the share of each class in each row, (rows, classes): one hot, or probabilities.

    Raises:
        DataError: where the shares of a row are none.
    """
    shares = np.stack([np.asarray(columns[name], dtype=np.float64) for name in targets], axis=1)
    if (shares < 0.0).any():
        row, at = np.argwhere(shares < 0.0)[0].tolist()
        raise DataError(
            f"{brief(shares[row, at])} is no share of the class '{cut(targets[at])}'",
            place=table.place(int(kept[row]), targets[at]),
            hint="a column for each class holds 0 and 1, or probabilities; loss: mse takes any numbers",
        )
    with np.errstate(over="ignore"):
        totals = shares.sum(axis=1)
    wrong = ~(np.abs(totals - 1.0) <= ROUNDED_SHARES)
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"the shares of the {len(targets)} classes add up to {brief(totals[row])}, not to 1",
            place=table.place(int(kept[row]), targets[0]),
            hint="loss: binary_cross_entropy takes each column by itself",
        )
    shares /= totals[:, None]
    return shares


def outputs_of(
    targets: Sequence[str],
    columns: dict[str, Column],
    inputs: Floats,
    rows: npt.NDArray[np.int64] | slice,
) -> Floats:
    """Return the targets of a regression, (rows, outputs): the inputs where no column is one."""
    if not targets:
        return inputs.reshape(len(inputs), -1).copy()
    return np.stack([np.asarray(columns[name][rows], dtype=np.float64) for name in targets], axis=1)
