"""Derivatives of what equations define: what ``backprop grad "x^2 + y^2 = 25"`` answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..differentiation.implicit import Implicit
from ..differentiation.implicit import implicit as differentiated
from ..differentiation.symbolic.session import SESSION
from ..errors import ExpressionError, Source
from ..language.equations import Equations, read_equations
from ..language.tokens import plain_name
from .arguments import flag, mapping, names, number, optional, text, whole
from .programs import Bindings, merged, value_of
from .shown import Shown

if TYPE_CHECKING:
    from ..render.document import Document


class ImplicitSlopes(Shown, Implicit):
    """An `Implicit` that shows itself."""

    __slots__ = ()

    def _document(self, format_: str) -> Document:
        from ..render.implicit import document

        return document(self)


def implicit(
    program: str,
    bindings: Bindings = None,
    /,
    *,
    solve: Sequence[str] | None = None,
    wrt: Sequence[str] | None = None,
    order: int = 1,
    rates: Mapping[str, float] | None = None,
    inverse: bool = False,
    **values: float,
) -> ImplicitSlopes:
    """Differentiate what equations define.

    Args:
        program: One equation or more, ``x^2 + y^2 = 25``.
        bindings: Values by name, for names such as ``order`` that are options here.
        solve: Variables that are functions of the others, as many as equations; None for either of two.
        wrt: Variables to differentiate by; None for all others.
        order: 1, or 2 for one equation.
        rates: How fast variables change in time; those of the others follow.
        inverse: The program is a function, ``y = x^3``, and x is asked for by y.
        values: Values by name, a point on the curve; a missing one is solved for where one solution is found.
            With none at all the report has formulas alone.
    Raises:
        BackpropError: for wrong input, or where there is no such number.
    """
    given = {name: value_of(name, x) for name, x in merged(bindings, values).items()}
    inverse = flag("inverse", inverse)
    moves = optional(_rates, "rates", rates)
    chosen = optional(names, "solve", solve)
    source = Source(text("program", program))
    equations = read_equations(source, given, demanded=bool(moves or chosen or inverse))
    if equations is None:
        raise ExpressionError("this is no equation", source=source, hint="an example: x^2 + y^2 = 25")
    return implicit_of(
        equations, given, solve=chosen, wrt=optional(names, "wrt", wrt),
        order=whole("order", order, 1, 2), rates=moves, inverse=inverse,
    )  # fmt: skip


def implicit_of(
    equations: Equations,
    given: Mapping[str, float],
    *,
    solve: Sequence[str] | None = None,
    wrt: Sequence[str] | None = None,
    order: int = 1,
    rates: Mapping[str, float] | None = None,
    inverse: bool = False,
) -> ImplicitSlopes:
    """Differentiate what equations define that have been read; see `implicit`."""
    with SESSION.lend() as process:
        found = differentiated(
            equations, given, solve=solve, wrt=wrt, order=order, rates=rates, inverse=inverse, process=process
        )
    return ImplicitSlopes(*found)


def _rates(name: str, given: object) -> dict[str, float]:
    return {plain_name(n): number(f"{name}: {n}", x) for n, x in mapping(name, given).items()}
