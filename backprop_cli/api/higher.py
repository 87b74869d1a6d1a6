"""Derivatives beyond the gradient: what ``backprop grad --order`` and ``--direction`` answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from ..differentiation.higher import Higher
from ..differentiation.higher import higher as derivatives
from ..differentiation.symbolic.session import SESSION
from ..engine.run import is_bound
from ..graph import Graph
from ..language.parser import Program
from .programs import Bindings, bound
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
    program: str | Program | Graph,
    bindings: Bindings = None,
    /,
    *,
    order: int = 2,
    direction: Mapping[str, float] | None = None,
    wrt: Sequence[str] | None = None,
    methods: Sequence[str] = (),
    **values: float,
) -> HigherDerivatives:
    """Differentiate more than once, or along a direction.

    Args:
        program: Text or a parsed program.
        bindings: Values by name, for names such as ``order`` that are options here.
        order: How often, from 1 to 12; 3 and more only by one input, or along a direction.
        direction: By how much each input moves.
        wrt: Inputs to differentiate by; None for all.
        methods: Of ``symbolic``, ``reverse`` and ``finite``; all when empty.
        values: Values by name; with none at all the report has formulas alone.
    Raises:
        BackpropError: for wrong input, or where there is no such number.
    """
    graph, given = bound(program, bindings, values)
    needs_sympy = not methods or "symbolic" in methods or not is_bound(graph, given)
    with SESSION.lend() if needs_sympy else nullcontext() as process:
        found = derivatives(
            graph, given, order=order, direction=direction, wrt=wrt, methods=methods, process=process
        )
    return HigherDerivatives(*found)
