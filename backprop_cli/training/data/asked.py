"""What a config says of columns, held to those that a table has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from ...errors import nearest
from ...tables import amounts, dates
from ...tables.block import canonical
from ...tables.numerals import cut
from ...tables.text import Gaps, WrongCell
from .. import schema
from ..schema import OTHERS
from .encoding import listed
from .source import Column, Columns, Reading, Table, named, read_named, wrong_cell
from .split import Sorts

if TYPE_CHECKING:
    from ..config import Loaded


T = TypeVar("T")


def other_table(loaded: Loaded, main: Table, part: str, wanted: Sequence[str]) -> Table | None:
    """Open ``validation_path`` or ``test_path``, which must have the columns that are read.

    Where neither they nor a split is given, an archive's own arrays of that part are taken.
    """
    data = loaded.config.data
    path = data.validation_path if part == "validation" else data.test_path
    if path is None:
        return None if getattr(data, f"{part}_split") else main.parts.get(part)
    table = read_named(loaded, f"{part}_path", path)
    check_columns(loaded, part, table, wanted)
    return table


def check_columns(loaded: Loaded, part: str, table: Columns, wanted: Sequence[str]) -> None:
    """Hold the table that ``validation_path`` or ``test_path`` names to the columns that are read."""
    key, present = f"{part}_path", set(table.names)
    for name in wanted:
        if name not in present:
            message, hint = no_column(name, table.names)
            raise loaded.error(f"data.{key}", f"{getattr(loaded.config.data, key)}: {message}", hint)


def by_column(loaded: Loaded, table: Columns, spelled: Mapping[str, str]) -> schema.Data:
    """Return the section with its mappings by the names that the table has.

    Raises:
        ConfigError: for a name that it has not.
    """
    data = loaded.config.data

    def renamed(key: str, by_name: Mapping[str, T]) -> dict[str, T]:
        found = {}
        for name, value in by_name.items():
            if canonical(name) not in spelled and not (key == "missing" and name == OTHERS):
                raise loaded.error(f"data.{key}.{name}", *no_column(name, table.names))
            found[spelled.get(canonical(name), name)] = value
        return found

    if not isinstance(data.missing, str):
        data = msgspec.structs.replace(data, missing=renamed("missing", data.missing))
    if isinstance(data.dates, dict):
        data = msgspec.structs.replace(data, dates=renamed("dates", data.dates))
    return data


def readings_of(loaded: Loaded, data: schema.Data, table: Columns) -> dict[str, Reading]:
    """Return how the columns of ``data.numbers`` and ``data.dates`` are written, as their cells tell.

    Raises:
        ConfigError: for a column that is not there.
        DataError: for a cell that is neither.
    """
    gaps, comma, spelled = Gaps.of(data.missing_values), data.dialect.decimal == ",", named(table.names)
    found: dict[str, Reading] = {}
    keys = [(f"data.numbers.{i}", name) for i, name in enumerate(data.numbers or ())]
    keys += [("data.dates", name) for name in data.dated]
    for key, name in keys:
        if canonical(name) not in spelled:
            raise loaded.error(key, *no_column(name, table.names))
        column = spelled[canonical(name)]
        if column in found:
            raise loaded.error(key, f"'{column}' stands among the numbers and the dates")
        cells, place = table.written(column)
        try:
            if key == "data.dates":
                found[column] = dates.learn(cells, data.date_order, gaps)
            else:
                found[column] = amounts.learn(cells, gaps, comma)
        except WrongCell as error:
            raise wrong_cell(column, error, place) from None
    return found


def apart_of(loaded: Loaded, table: Columns, spelled: Mapping[str, str]) -> dict[str, str]:
    """Return the columns that say how rows are used, by the keys of ``data`` that name them.

    Raises:
        ConfigError: for one that is not there.
    """
    data = loaded.config.data
    steps = data.sequences
    given = {
        "sequence.by": None if steps is None else steps.by,
        "sequence.order": None if steps is None else steps.order,
        "groups": data.groups,
        "split.order": data.order,
        "weights": data.weights,
        "sigma": data.sigma,
    }
    found = {}
    for key, name in given.items():
        if name is None:
            continue
        if canonical(name) not in spelled:
            raise loaded.error(f"data.{key}", *no_column(name, table.names))
        found[key] = spelled[canonical(name)]
    return found


def sorts_of(
    loaded: Loaded,
    apart: Mapping[str, str],
    columns: Mapping[str, Column],
    labels: npt.NDArray[np.int64] | None,
) -> Sorts:
    """Return what rows are parted by.

    Raises:
        ConfigError: for texts that have no order.
    """
    if "split.order" in apart:
        column = columns[apart["split.order"]]
        if column.dtype == object:
            hint = f"data.dates: ['{apart['split.order']}'] reads dates"
            raise loaded.error("data.split.order", f"'{apart['split.order']}' holds texts, not times", hint)
        return Sorts(times=np.asarray(column, dtype=np.float64))
    together = apart.get("groups", apart.get("sequence.by"))
    if together is not None:
        known: dict[object, int] = {}
        numbers = [known.setdefault(cell, len(known)) for cell in columns[together].tolist()]
        return Sorts(groups=np.array(numbers, dtype=np.int64))
    return Sorts(labels)


def no_column(name: str, names: Sequence[str]) -> tuple[str, str | None]:
    """Return what is said of a column that is not there, and the hint."""
    close = nearest(name, list(names))
    hint = f"did you mean '{close}'?" if close else None
    return f"no column '{cut(name)}'; the columns are {listed(names)}", hint
