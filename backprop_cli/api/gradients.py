"""Values and derivatives: what ``backprop eval`` and ``backprop grad`` answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from ..differentiation import DEFAULT_METHODS, FORMULAS, METHODS, SCHEMES
from ..differentiation.report import SUMMARY_FROM, GradientReport, differentiate
from ..differentiation.symbolic.session import SESSION
from ..engine.point import Point
from ..engine.run import is_bound
from ..errors import ExpressionError, UsageError
from ..graph import Graph
from ..language.format import node_text
from ..language.parser import Program
from .arguments import choice, choices, names, number, optional, text
from .beside import Beside, Row
from .programs import (
    AnyProgram,
    Bindings,
    bound,
    ended_at,
    graph_of,
    merged,
    python_of,
    value_of,
    wants_arrays,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ..language.settle import Settled
    from ..render.document import Document
    from .array_gradients import ArrayGradient
    from .arrays import ArrayJacobian
    from .points import Points

    NDArray = npt.NDArray[np.float64]


class Gradient(Beside, GradientReport):
    """A `GradientReport` that shows itself; ``report["d"]`` is the row of a step."""

    __slots__ = ()

    def _asked(self) -> tuple[Graph, Mapping[str, float] | None]:
        return self.graph, self.inputs

    def _row(self, name: str, id: int) -> Row:
        return Row(
            name,
            node_text(self.graph, id),
            self.values[id],
            self.standing(id)[0],
            self.formulas[id] if self.formulas else None,
            {method: column[id] for method, column in self.columns.items()},
            self.verdicts[id].verdict,
        )

    def _document(self, format_: str) -> Document:
        from ..render.gradient import document

        return document(self, summary=format_ == "html" and len(self.graph) > SUMMARY_FROM)


AnyGradient: TypeAlias = "Gradient | ArrayGradient | ArrayJacobian | Points"
"""What `grad` answers: of numbers, of arrays, of an array, at many points."""


@overload
def eval(
    program: AnyProgram, bindings: Bindings = None, /, *, large: bool = False, **values: float
) -> float: ...
@overload
def eval(
    program: str | Program,
    bindings: Mapping[str, object] | None = None,
    /,
    *,
    points: object = None,
    large: bool = False,
    **values: object,
) -> float | NDArray: ...
def eval(
    program: AnyProgram,
    bindings: Any = None,
    /,
    *,
    points: object = None,
    large: bool = False,
    **values: object,
) -> float | NDArray:
    """Return the value of a program at a point: a number, or an array where the program's value is one.

    Args:
        program: Text, what `parse` or `trace` returned, or a Python function.
        bindings: Values by name, for names such as ``large`` that are options here.
        points: Many points, as of `grad`: the values are an array. Where a point has none its error
            is raised; `grad` has an answer for all others.
        large: Lift the limits on the program's size.
        values: Values by name: numbers, constant expressions such as ``"pi/2"``, NumPy arrays or lists.
    Raises:
        BackpropError: for wrong input, or where there is no such number.
    """
    if points is not None:
        many = _at_points(program, merged(bindings, values), points, large=large, gradient=False)
        for error in many.errors.values():
            raise error
        return many.value
    if wants_arrays(program, bindings, values):
        from .arrays import settled_of, value_of_arrays

        found = settled_of(program, merged(bindings, values), large=large)
        if found is not None:
            value: float | NDArray = value_of_arrays(*found)
            return value
    graph, given = bound(program, bindings, values, large=large)
    return Point.at(graph, given, ()).value


@overload
def grad(
    program: AnyProgram,
    bindings: Bindings = None,
    /,
    *,
    methods: Sequence[str] = DEFAULT_METHODS,
    wrt: Sequence[str] | None = None,
    of: str | None = None,
    scheme: str = "central",
    step: float | None = None,
    formulas: str = "names",
    large: bool = False,
    **values: float,
) -> Gradient: ...
@overload
def grad(
    program: str | Program,
    bindings: Mapping[str, object] | None = None,
    /,
    *,
    methods: Sequence[str] = DEFAULT_METHODS,
    wrt: Sequence[str] | None = None,
    of: str | None = None,
    scheme: str = "central",
    step: float | None = None,
    formulas: str = "names",
    points: object = None,
    large: bool = False,
    **values: object,
) -> AnyGradient: ...
def grad(
    program: AnyProgram,
    bindings: Any = None,
    /,
    *,
    methods: Sequence[str] = DEFAULT_METHODS,
    wrt: Sequence[str] | None = None,
    of: str | None = None,
    scheme: str = "central",
    step: float | None = None,
    formulas: str = "names",
    points: object = None,
    large: bool = False,
    **values: object,
) -> AnyGradient:
    """Return value and gradient of every node, by several methods.

    An array is an array of the program, and the derivative of ``x^2`` by a vector a matrix; many points of a
    number are asked for as such, by ``points``.

    Args:
        program: Text, what `parse` or `trace` returned, or a Python function.
        bindings: Values by name, for names such as ``step`` that are options here.
        methods: Of ``symbolic``, ``reverse``, ``finite``, ``forward``, ``complex-step``.
        wrt: Inputs and steps to differentiate by; None for all.
        of: A step to differentiate instead of the output, of a program over single numbers.
        scheme: Of the finite differences: ``central``, ``forward``, ``backward``, ``ridders``.
        step: Their step size.
        formulas: Over the ``names`` of steps, or over ``inputs`` alone.
        points: Many points, ``{"x": np.linspace(0, 1)}`` or a frame of pandas': the report has arrays, by
            reverse mode unless ``methods`` are asked for.
        large: Lift the limits on the program's size.
        values: Values by name: numbers, constant expressions such as ``"pi/2"``, NumPy arrays or lists; with
            none at all the report has formulas alone.
    Raises:
        BackpropError: for wrong input, or where there is no such number.
    """
    chosen = choices("methods", methods, METHODS)
    if points is not None:
        if of is not None or choice("formulas", formulas, FORMULAS) == "inputs":
            raise UsageError("of and formulas are for one point, and points are many")
        return _at_points(
            program,
            merged(bindings, values),
            points,
            large=large,
            wrt=optional(names, "wrt", wrt),
            methods=("reverse",) if methods is DEFAULT_METHODS else chosen,
            scheme=choice("scheme", scheme, SCHEMES),
            step=optional(number, "step", step, above=0.0),
        )
    if of is not None:
        program, bindings = ended_at(program, text("of", of), merged(bindings, values), large=large)
        values = {}
    if wants_arrays(program, bindings, values):
        from .array_gradients import ArrayGradient
        from .arrays import gradient_of, jacobian_of, settled_of

        found = settled_of(program, merged(bindings, values), large=large)
        if found is not None:
            these = None if methods is DEFAULT_METHODS else chosen
            settled, given = found
            if settled.kinds[settled.graph.output].shape:
                found_one = jacobian_of(settled, given, methods=these, wrt=optional(names, "wrt", wrt))
                return found_one._replace(notes=(*found_one.notes, *_taken_as_arrays(settled.graph, given)))
            report_of_arrays = gradient_of(
                settled,
                given,
                methods=these,
                wrt=optional(names, "wrt", wrt),
                scheme=choice("scheme", scheme, SCHEMES),
                step=optional(number, "step", step, above=0.0),
            )
            return ArrayGradient(*report_of_arrays)
    asked = optional(names, "wrt", wrt)
    if asked is not None and len(set(asked)) < len(asked):
        raise UsageError(
            f"wrt names {', '.join(asked)}: one of them twice", hint="higher(...) takes mixed derivatives"
        )
    inline = choice("formulas", formulas, FORMULAS) == "inputs"
    graph, given = bound(program, bindings, values, large=large)
    needs_sympy = "symbolic" in chosen or not is_bound(graph, given)
    with SESSION.lend() if needs_sympy else nullcontext() as process:
        report = differentiate(
            graph,
            given,
            methods=chosen,
            wrt=asked,
            scheme=choice("scheme", scheme, SCHEMES),
            step=optional(number, "step", step, above=0.0),
            inline=inline,
            process=process,
            large=large,
        )
    return Gradient(*report)


def _taken_as_arrays(graph: Graph, given: Mapping[str, Any]) -> list[str]:
    """Say of arrays that they were not taken for many points, where all goes number by number."""
    from ..ops.matrices import by_number

    if not all(node.op is None or by_number(node.op) for node in graph.nodes):
        return []
    arrays = [name for name, x in given.items() if getattr(x, "ndim", 0)]
    each = ", ".join(f"{name!r}: {name}" for name in arrays)
    return [f"{', '.join(arrays)}: an array of the program; points={{{each}}} has a slope at each point"]


def _at_points(
    program: Any, given: Mapping[str, object], points: object, *, large: bool, **options: Any
) -> Points:
    """Answer for many points; see `grad`."""
    from .points import at_array_points, at_points, columns_of

    columns = columns_of(points)
    deep = any(column.ndim > 1 for column in columns.values())
    if wants_arrays(program, given, {}) or (deep and python_of(program) is not None):
        rows = _rows_of(program, given, columns, large)
        if rows is not None:
            return at_array_points(rows[0], columns, rows[1], **options)
    values = {name: value_of(name, x) for name, x in given.items()}
    try:
        graph = graph_of(program, {**values, **columns}, large=large)
    except ExpressionError:
        rows = _rows_of(program, given, columns, large) if deep else None
        if rows is None:
            raise
        return at_array_points(rows[0], columns, rows[1], **options)
    return at_points(graph, columns, values, **options)


def _rows_of(
    program: Any, given: Mapping[str, object], columns: Mapping[str, NDArray], large: bool
) -> tuple[Settled, dict[str, Any]] | None:
    """Return a program with arrays whose points are rows, and its other values; None of numbers."""
    from .arrays import settled_of
    from .points import first_of

    found = settled_of(program, {**first_of(columns), **given}, large=large)
    return found and (found[0], {name: x for name, x in found[1].items() if name in given})
