"""Many points at once: columns of values in, arrays out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..differentiation.points import Answers, ByMethods, ByPlan, spoilt_words
from ..differentiation.report import warnings_of
from ..differentiation.symbolic.session import SESSION
from ..engine.point import check_wrt
from ..engine.run import bind
from ..errors import BindingError, UsageError
from ..graph import Graph
from ..language.tokens import plain_name
from ..tables.block import Block
from ..tables.parts import Array, column_name
from .arguments import text
from .shown import Shown

if TYPE_CHECKING:
    from ..differentiation.symbolic.process import SymbolicProcess
    from ..language.settle import Settled
    from ..render.document import Document

NDArray = npt.NDArray[np.float64]

RULE = "points={'x': [...]} has a number a point"
COUNTED = "in a program with arrays the first axis of a column counts the points"


class Points(Shown):
    """Values and gradients at many points.

    Attributes:
        graph: The computation.
        points: The points, an array a variable.
        shape: Of the points: of single numbers that of their columns, of arrays how many there are.
        value: The value at each, with its own axes last; nan where there is none, as ``errors`` says.
        gradient: The slope by each input at each point, likewise.
        columns: Method to the same, where several were asked for.
        errors: Number of a point, from 0, to why it has no answer.
        agree: False where methods disagree at a point; None with one method.
        warnings: What the user should know, one line each.
    """

    def __init__(
        self,
        graph: Graph,
        points: Mapping[str, NDArray],
        shape: tuple[int, ...],
        answers: Answers,
        methods: Sequence[str],
        asked: Sequence[str],
    ) -> None:
        self.graph = graph
        self.points = dict(points)
        self.shape = shape

        def gathered(title: str, id: int, method: str = "") -> NDArray:
            own = graph.nodes[id].shape
            names = [column_name(title, place) + method for place in np.ndindex(own)]
            found = np.stack([np.asarray(answers.columns[name], np.float64) for name in names], -1)
            return found.reshape(*shape, *own)

        said = [f" {method}" for method in methods] if len(methods) > 1 or methods[0] != "reverse" else [""]
        self.value = gathered("value", graph.output)
        self.columns = {
            method: {name: gathered(f"d/d{name}", graph.inputs[name], word) for name in asked}
            for method, word in zip(methods, said, strict=True)
        }
        self.gradient = self.columns["reverse" if "reverse" in methods else methods[0]]
        self.errors = dict(answers.errors)
        self.agree = answers.disagree == 0 if len(methods) > 1 else None
        spoilt = answers.spoilt  # counted from 0, as errors are
        told = [spoilt_words(spoilt, answers.looked_at, len(self))] if spoilt else []
        self.warnings = (*warnings_of(graph), *told)

    def __getitem__(self, name: str) -> NDArray:
        """Return a column: a variable, ``value``, or ``d/dx``."""
        table = self._table()
        if name not in table:
            raise UsageError(f"no column {name!r:.40}", hint=f"columns: {', '.join(table)}")
        return table[name]

    def __len__(self) -> int:
        return prod(self.shape)

    def _table(self) -> dict[str, NDArray]:
        several = len(self.columns) > 1
        slopes = {
            f"d/d{name} {method}" if several else f"d/d{name}": column
            for method, by in self.columns.items()
            for name, column in by.items()
        }
        return {**self.points, "value": self.value, **slopes}

    def _document(self, format_: str) -> Document:
        from ..render.many_points import document

        table = {
            column_name(name, place): column.reshape(len(self), *column.shape[len(self.shape) :])[:, *place]
            for name, column in self._table().items()
            for place in np.ndindex(column.shape[len(self.shape) :])
        }
        return document(table, {row: error.message for row, error in self.errors.items()}, self.warnings)


def columns_of(given: object) -> dict[str, NDArray]:
    """Return columns of points, of a dictionary or a table such as pandas' frame; numbers go with any.

    Raises:
        BindingError: for anything else, and for columns of different shapes.
    """
    if not hasattr(given, "keys") or not hasattr(given, "__getitem__"):
        raise BindingError(f"points are columns by name, not {given!r:.40}", hint=RULE)
    found: dict[str, NDArray] = {}
    columns: Any = given
    for word in [*columns.keys()]:
        name, column = plain_name(text("a name in points", word)), columns[word]
        try:
            found[name] = np.asarray(column, np.float64)
        except (TypeError, ValueError):
            raise BindingError(f"the points of {name} are numbers, not {column!r:.40}") from None
    for name, column in found.items():
        if not column.size:
            raise BindingError("there are no points", hint=RULE)
        if not np.isfinite(column).all():
            row = int(np.flatnonzero(~np.isfinite(column))[0])
            raise BindingError(f"{name} = {column.reshape(-1)[row]} at point {row} is not a finite number")
    if not any(column.shape for column in found.values()):
        raise BindingError("one point goes by its values: x=3" if found else "there are no points", hint=RULE)
    return found


def first_of(points: Mapping[str, NDArray]) -> dict[str, Any]:
    """Return the first point, where the first axis counts them."""
    return {name: column[0] if column.shape else column for name, column in points.items()}


def at_points(
    graph: Graph,
    points: Mapping[str, NDArray],
    given: Mapping[str, Any],
    *,
    wrt: Sequence[str] | None = None,
    methods: Sequence[str] = ("reverse",),
    gradient: bool = True,
    **options: Any,
) -> Points:
    """Answer for every point; see `grad`.

    Args:
        graph: The computation, over single numbers.
        points: From `columns_of`.
        given: Values of the other inputs.
        wrt: Inputs to differentiate by.
        methods: As of `grad`.
        gradient: Values alone are asked for where not.
        options: As of `grad`.
    Raises:
        BackpropError: for wrong input.
    """
    _check_names(points, given)
    try:
        if len({column.ndim for column in points.values()} - {0}) > 1:  # arrays of their own beside numbers
            raise ValueError
        spread = np.broadcast_arrays(*points.values())
    except ValueError:
        shapes = ", ".join(f"{name} {column.shape}" for name, column in points.items())
        raise BindingError(f"the points have different shapes: {shapes}", hint=RULE) from None
    points = dict(zip(points, spread, strict=True))
    fixed = {name: x for name, x in {**graph.defaults, **given}.items() if name not in points}
    bind(graph, {**fixed, **dict.fromkeys(points, 0.0)})
    asked = check_wrt(graph, wrt) if gradient else ()
    shape = spread[0].shape
    block = Block({n: np.ascontiguousarray(x).reshape(-1) for n, x in points.items()}, prod(shape), 0)
    if tuple(methods) == ("reverse",) or not asked:
        plan = ByPlan(graph, list(points), fixed, asked)
        plan.expect(block.rows)
        return Points(graph, points, shape, plan(block), ("reverse",), asked)
    with _process(methods) as process:
        answer = ByMethods(graph, fixed, asked, methods, process, wrt=wrt, **options)
        return Points(graph, points, shape, answer(block), methods, asked)


def at_array_points(
    program: Settled,
    points: Mapping[str, NDArray],
    given: Mapping[str, Any],
    *,
    wrt: Sequence[str] | None = None,
    methods: Sequence[str] = ("reverse",),
    gradient: bool = True,
    **options: Any,
) -> Points:
    """Answer for every point of a program with arrays; the arguments are those of `at_points`."""
    from ..differentiation.array_points import ByArrays
    from ..differentiation.arrays import bind_arrays

    _check_names(points, given)
    counts = {name: len(column) for name, column in points.items() if column.shape}
    rows = next(iter(counts.values()))
    if set(counts.values()) != {rows}:
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise BindingError(f"the points are different in number: {listed}", hint=COUNTED)
    graph = program.graph
    bound = bind_arrays(program, {**given, **first_of(points)})
    fixed = {name: x for name, x in bound.items() if name not in counts}
    values: dict[str, NDArray] = {}
    columns: dict[str, Array] = {}
    for name in counts:
        own = points[name].shape[1:]
        names = tuple(column_name(name, place) for place in np.ndindex(own))
        columns[name] = Array(own, names)
        values.update(zip(names, np.ascontiguousarray(points[name].reshape(rows, -1).T), strict=True))
    asked = check_wrt(graph, wrt) if gradient else ()
    methods = methods if asked else ("reverse",)
    with _process(methods) as process:
        answer = ByArrays(program, columns, fixed, asked, methods, process, **options)
        answers = answer(Block(values, rows, 0))
    return Points(graph, {name: points[name] for name in counts}, (rows,), answers, methods, asked)


def _process(methods: Sequence[str]) -> AbstractContextManager[SymbolicProcess | None]:
    return SESSION.lend() if "symbolic" in methods else nullcontext()


def _check_names(points: Mapping[str, NDArray], given: Mapping[str, Any]) -> None:
    for name in points:
        if name in given:
            raise BindingError(f"{name} has a value and points")
