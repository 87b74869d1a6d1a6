"""Formulas of columns, evaluated row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ...engine.plan import Plan
from ...engine.run import evaluate
from ...errors import DataError, NoSuchNumber
from ...graph import Graph
from ...language.lower import lower
from ...language.parser import parse
from ...tables.block import Floats, canonical
from .source import Column

Place = Callable[[int, str], str]
"""Row and column to ``file:line:column``."""


def formula(expression: str, columns: Sequence[str]) -> Graph:
    """Read a formula of columns.

    Raises:
        ExpressionError: when it is not one expression.
    """
    return lower(parse(expression), [canonical(name) for name in columns])


def computed(text: str, columns: Sequence[str], raw: Mapping[str, Column], rows: int, place: Place) -> Floats:
    """Return the values of a formula of columns.

    Raises:
        DataError: for the first row in which it has none, with its place.
    """
    spelled = {canonical(name): name for name in columns}
    graph = formula(text, columns)
    inputs = {name: np.asarray(raw[spelled[name]], dtype=np.float64) for name in graph.inputs}
    (values,), bad = Plan(graph, list(inputs), {}, ()).run(inputs, rows)
    if bad:
        row = bad[0]
        where = place(row, columns[0])
        try:
            evaluate(graph, {name: float(column[row]) for name, column in inputs.items()})
        except NoSuchNumber as exc:
            hint = exc.hint
            raise DataError(f"feature '{text}': {exc.message}", place=where, hint=hint) from None
        raise DataError(f"feature '{text}' has no finite value", place=where)
    return values
