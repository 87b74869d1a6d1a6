"""Derivatives beyond the gradient: what ``backprop grad --order`` and ``--direction`` answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from ..differentiation import DEFAULT_METHODS
from ..differentiation.higher import HIGHEST, Higher
from ..differentiation.higher import higher as derivatives
from ..differentiation.symbolic.session import SESSION
from ..engine.run import bind, is_bound
from ..errors import UsageError
from ..language.tokens import plain_name
from .arguments import choices, flag, mapping, names, number, optional, whole
from .programs import AnyProgram, Bindings, bound
from .shown import Shown

if TYPE_CHECKING:
    from ..render.document import Document


class HigherDerivatives(Shown, Higher):
    """A `Higher` that shows itself."""

    __slots__ = ()

    def _document(self, format_: str) -> Document:
        from ..render.higher import document

        return document(self)


def higher(
    program: AnyProgram,
    bindings: Bindings = None,
    /,
    *,
    order: int = 2,
    direction: Mapping[str, float] | None = None,
    wrt: Sequence[str] | None = None,
    methods: Sequence[str] = (),
    taylor: bool = False,
    large: bool = False,
    **values: float,
) -> HigherDerivatives:
    """Differentiate more than once, or along a direction.

    Args:
        program: Text, what `parse` or `trace` returned, or a Python function.
        bindings: Values by name, for names such as ``order`` that are options here.
        order: How often, from 1 to 12; 3 and more only by one input, or along a direction.
        direction: By how much each input moves.
        wrt: Inputs to differentiate by; None for all. One that is there more than once, ``["x", "x", "y"]``,
            makes them one mixed derivative.
        methods: Of ``symbolic``, ``reverse`` and ``finite``; all when empty.
        taylor: Return the Taylor polynomial of that order, by all inputs.
        large: Lift the limits on the program's size.
        values: Values by name; with none at all the report has formulas alone.
    Raises:
        BackpropError: for wrong input, or where there is no such number.
    """
    order = whole("order", order, 1, HIGHEST)
    polynomial = flag("taylor", taylor)
    if polynomial and direction is not None:
        raise UsageError("taylor is by inputs, direction along a line: one of them")
    moves = optional(_moves, "direction", direction)
    chosen = choices("methods", methods, DEFAULT_METHODS)
    graph, given = bound(program, bindings, values, large=large)
    if polynomial:  # a polynomial is at a point
        bind(graph, given)
    needs_sympy = not chosen or "symbolic" in chosen or not is_bound(graph, given)
    with SESSION.lend() if needs_sympy else nullcontext() as process:
        found = derivatives(
            graph,
            given,
            order=order,
            direction=moves,
            wrt=optional(names, "wrt", wrt),
            methods=chosen,
            process=process,
            large=large,
            taylor=polynomial,
        )
    return HigherDerivatives(*found)


def _moves(name: str, given: object) -> dict[str, float]:
    moves = {plain_name(n): number(f"{name}: {n}", x) for n, x in mapping(name, given).items()}
    if not any(moves.values()):
        raise UsageError(f"{name} leads nowhere: one of its numbers has to differ from 0")
    return moves
