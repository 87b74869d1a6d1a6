"""Values and derivatives: what ``backprop eval`` and ``backprop grad`` answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, overload

from ..differentiation import DEFAULT_METHODS, FORMULAS, METHODS, SCHEMES
from ..differentiation.report import SUMMARY_FROM, GradientReport, differentiate
from ..differentiation.symbolic.session import SESSION
from ..engine.point import Point
from ..engine.run import is_bound
from ..errors import UsageError
from ..graph import Graph
from ..language.parser import Program
from .arguments import choice, choices, names, number, optional, text
from .programs import Bindings, bound, ended_at, merged, wants_arrays
from .shown import Shown

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ..render.document import Document
    from .arrays import ArrayGradient, ArrayJacobian

    NDArray = npt.NDArray[np.float64]


class Gradient(Shown, GradientReport):
    """A `GradientReport` that shows itself."""

    __slots__ = ()

    def _document(self, format_: str) -> Document:
        from ..render.gradient import document

        return document(self, summary=format_ == "html" and len(self.graph) > SUMMARY_FROM)


@overload
def eval(
    program: str | Program | Graph, bindings: Bindings = None, /, *, large: bool = False, **values: float
) -> float: ...
@overload
def eval(
    program: str | Program,
    bindings: Mapping[str, object] | None = None,
    /,
    *,
    large: bool = False,
    **values: object,
) -> float | NDArray: ...
def eval(
    program: str | Program | Graph, bindings: Any = None, /, *, large: bool = False, **values: object
) -> float | NDArray:
    """Return the value of a program at a point: a number, or an array where the program's value is one.

    Args:
        program: Text or a parsed program.
        bindings: Values by name, for names such as ``large`` that are options here.
        large: Lift the limits on the program's size.
        values: Values by name: numbers, NumPy arrays or lists.
    Raises:
        BackpropError: for wrong input, or where there is no such number.
    """
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
    program: str | Program | Graph,
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
    large: bool = False,
    **values: object,
) -> Gradient | ArrayGradient | ArrayJacobian: ...
def grad(
    program: str | Program | Graph,
    bindings: Any = None,
    /,
    *,
    methods: Sequence[str] = DEFAULT_METHODS,
    wrt: Sequence[str] | None = None,
    of: str | None = None,
    scheme: str = "central",
    step: float | None = None,
    formulas: str = "names",
    large: bool = False,
    **values: object,
) -> Gradient | ArrayGradient | ArrayJacobian:
    """Return value and gradient of every node, by several methods.

    Args:
        program: Text or a parsed program.
        bindings: Values by name, for names such as ``step`` that are options here.
        methods: Of ``symbolic``, ``reverse``, ``finite``, ``forward``, ``complex-step``.
        wrt: Inputs and steps to differentiate by; None for all.
        of: A step to differentiate instead of the output, of a program over single numbers.
        scheme: Of the finite differences: ``central``, ``forward``, ``backward``, ``ridders``.
        step: Their step size.
        formulas: Over the ``names`` of steps, or over ``inputs`` alone.
        large: Lift the limits on the program's size.
        values: Values by name; with none at all the report has formulas alone.
    Raises:
        BackpropError: for wrong input, or where there is no such number.
    """
    chosen = choices("methods", methods, METHODS)
    if of is not None:
        program, bindings = ended_at(program, text("of", of), merged(bindings, values), large=large)
        values = {}
    if wants_arrays(program, bindings, values):
        from .arrays import gradient_of, jacobian_of, settled_of

        found = settled_of(program, merged(bindings, values), large=large)
        if found is not None:
            these = None if methods is DEFAULT_METHODS else chosen
            settled, given = found
            if settled.kinds[settled.graph.output].shape:
                return jacobian_of(settled, given, methods=these, wrt=optional(names, "wrt", wrt))
            return gradient_of(
                settled,
                given,
                methods=these,
                wrt=optional(names, "wrt", wrt),
                scheme=choice("scheme", scheme, SCHEMES),
                step=optional(number, "step", step, above=0.0),
            )
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
