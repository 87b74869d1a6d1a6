"""Many points at once: columns of values in, arrays out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..differentiation.points import ByMethods, ByPlan
from ..differentiation.symbolic.session import SESSION
from ..engine.point import check_wrt
from ..engine.run import bind
from ..errors import BindingError, NoSuchNumber, UsageError
from ..graph import Graph
from ..language.tokens import plain_name
from ..tables.block import Block
from .arguments import text
from .shown import Shown

if TYPE_CHECKING:
    from ..render.document import Document

NDArray = npt.NDArray[np.float64]

RULE = "points={'x': [...]} has a number a point, and all are of one shape"


class Points(Shown):
    """Values and gradients at many points.

    Attributes:
        graph: The computation.
        points: The points, an array a variable, all of one shape.
        value: The value at each, of that shape; nan where there is none, as ``errors`` says.
        gradient: The slope by each input at each point, likewise.
        columns: Method to the same, where several were asked for.
        errors: Number of a point, from 0, to why it has no answer.
        agree: False where methods disagree at a point; None with one method.
    """

    def __init__(
        self,
        graph: Graph,
        points: Mapping[str, NDArray],
        value: NDArray,
        columns: Mapping[str, Mapping[str, NDArray]],
        errors: Mapping[int, NoSuchNumber],
        agree: bool | None,
    ) -> None:
        self.graph = graph
        self.points = dict(points)
        self.value = value
        self.columns = {method: dict(slopes) for method, slopes in columns.items()}
        self.gradient = self.columns["reverse" if "reverse" in columns else next(iter(columns))]
        self.errors = dict(errors)
        self.agree = agree

    def __getitem__(self, name: str) -> NDArray:
        """Return a column: a variable, ``value``, or ``d/dx``."""
        table = self._table()
        if name not in table:
            raise UsageError(f"no column {name!r:.40}", hint=f"columns: {', '.join(table)}")
        return table[name]

    def __len__(self) -> int:
        return int(self.value.size)

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

        table = {name: column.reshape(-1) for name, column in self._table().items()}
        return document(table, {row: error.message for row, error in self.errors.items()})


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
    try:
        spread = np.broadcast_arrays(*found.values())
    except ValueError:
        shapes = ", ".join(f"{name} {column.shape}" for name, column in found.items())
        raise BindingError(f"the points have different shapes: {shapes}", hint=RULE) from None
    if not spread or not spread[0].size:
        raise BindingError("there are no points", hint=RULE)
    if not spread[0].shape:
        raise BindingError("one point goes by its values: x=3", hint=RULE)
    return dict(zip(found, spread, strict=True))


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
    for name in points:
        if name in given:
            raise BindingError(f"{name} has a value and points")
    fixed = {name: x for name, x in {**graph.defaults, **given}.items() if name not in points}
    bind(graph, {**fixed, **dict.fromkeys(points, 0.0)})
    asked = check_wrt(graph, wrt) if gradient else ()
    shape = next(iter(points.values())).shape
    flat = {name: np.ascontiguousarray(column).reshape(-1) for name, column in points.items()}
    for name, column in flat.items():
        if not np.isfinite(column).all():
            row = int(np.flatnonzero(~np.isfinite(column))[0])
            raise BindingError(f"{name} = {column[row]} at point {row} is not a finite number")
    block = Block(flat, flat[next(iter(flat))].size, 0)
    answering: ByPlan | ByMethods
    if tuple(methods) == ("reverse",) or not asked:
        methods, answering = ("reverse",), ByPlan(graph, list(flat), fixed, asked)
        answering.expect(block.rows)
        answers = answering(block)
        several = False
    else:
        several = True
        with SESSION.lend() as process:
            answering = ByMethods(
                graph, fixed, asked, methods, process if "symbolic" in methods else None, wrt=wrt, **options
            )
            answers = answering(block)
    found = {
        name: np.asarray(x, np.float64).reshape(shape)
        for name, x in answers.columns.items()
        if name != "agree"
    }
    columns = {m: {n: found[f"d/d{n} {m}" if several else f"d/d{n}"] for n in asked} for m in methods}
    agree = answers.disagree == 0 if len(methods) > 1 else None
    return Points(graph, points, found["value"], columns, answers.errors, agree)
