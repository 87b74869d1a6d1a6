"""The limit definition at work: what ``backprop limit`` answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..differentiation.convergence import STEPS, Limits, converge
from ..differentiation.report import Unrolled, differentiate
from ..differentiation.symbolic.session import SESSION
from ..engine.point import Point, check_wrt
from ..errors import UsageError
from .arguments import flag, names, numbers, optional
from .by_number import Direction, followed, single_numbers
from .programs import AnyProgram, Bindings
from .shown import Charted, Shown

if TYPE_CHECKING:
    from ..layout.chart import Chart
    from ..render.document import Document


MOST_STEPS = 400
"""Step sizes."""


class Quotients(Shown, Charted, Limits):
    """`Limits` that show themselves."""

    __slots__ = ()

    def _document(self, format_: str) -> Document:
        from ..render.limit import document

        return document(self)

    def chart(self) -> Chart:
        """Return the errors against the step size."""
        from ..layout.limit import chart

        return chart(self)


def limit(
    program: AnyProgram,
    bindings: Bindings = None,
    /,
    *,
    wrt: Sequence[str] | None = None,
    along: Direction | None = None,
    steps: Sequence[float] = STEPS,
    symbolic: bool = False,
    large: bool = False,
    **values: object,
) -> Quotients:
    """Follow difference quotients as the step size shrinks.

    Args:
        program: Text, what `parse` or `trace` returned, or a Python function.
        bindings: Values by name, for names such as ``steps`` that are options here.
        wrt: Inputs and steps to move, or numbers of arrays, ``x[0]``, one at a time; None for all inputs.
        along: Move them together instead: how fast each, ``{"x": [1, 0]}``, or ``gradient``.
        steps: Step sizes; they are taken from the largest down.
        symbolic: Measure errors against the symbolic derivative's number.
        large: Lift the limits on the program's size.
        values: Values by name: numbers, NumPy arrays or lists.
    Raises:
        BackpropError: for wrong input, or where the program has no value.
    """
    sizes = sorted({*numbers("steps", steps, above=0.0, least=1, most=MOST_STEPS)}, reverse=True)
    symbolic = flag("symbolic", symbolic)
    graph, given, moved = single_numbers(
        program, bindings, values, optional(names, "wrt", wrt), large=large, steps=along is None
    )
    says = ""
    if along is not None:
        line = followed(graph, given, along, moved)
        graph, given, moved, says = line.graph, line.inputs, [line.name], line.says
    asked = check_wrt(graph, moved, steps=True)
    if not asked:
        raise UsageError("the expression has no variable to move")
    if not symbolic:
        return Quotients(*converge(graph, given, asked, sizes)._replace(along=says))
    own = None
    if says or any("[" in name for name in graph.inputs):  # not what the text says: SymPy gets the graph
        own = Unrolled(Point.at(graph, given, asked), [0.0] * len(graph))
    with SESSION.lend() as process:
        report = differentiate(
            graph, given, methods=("symbolic",), wrt=asked, process=process, large=large, unrolled=own
        )
    exact = {name: x for name, x in report.gradient.items() if x is not None}
    return Quotients(*converge(graph, given, asked, sizes, exact)._replace(notes=report.notes, along=says))
