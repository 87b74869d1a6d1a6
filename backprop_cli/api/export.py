"""The same computation elsewhere: what ``backprop export`` writes."""

from __future__ import annotations

from collections.abc import Sequence

from ..engine.point import Point
from ..export import RENDERED, TARGETS, program_of, target_named
from ..export import export as exported
from ..language.numbers import rounded
from .arguments import MOST_DIGITS, names, optional, text, whole
from .programs import AnyProgram, Bindings, bound, merged, wants_arrays


def translate(
    program: AnyProgram,
    bindings: Bindings = None,
    /,
    *,
    to: str,
    wrt: Sequence[str] | None = None,
    digits: int = 6,
    large: bool = False,
    **values: object,
) -> str:
    """Return a program in another language, with asserts of our numbers.

    Args:
        program: Text, what `parse` or `trace` returned, or a Python function.
        bindings: Values by name, for names such as ``to`` that are options here.
        to: ``pytorch``, ``jax``, ``numpy``, ``autograd``, ``micrograd``, ``sympy``, ``casadi``, ``c``,
            ``javascript``, ``python``, ``latex`` or ``mermaid``.
        wrt: Inputs to differentiate by; None for all.
        digits: Significant digits of latex and mermaid.
        large: Lift the limits on the program's size.
        values: Values by name: numbers, NumPy arrays or lists.
    Raises:
        BackpropError: for wrong input, where there is no such number, or where the target lacks a primitive.
    """
    target_named(text("to", to), (*TARGETS, *RENDERED))
    asked = optional(names, "wrt", wrt)
    digits = whole("digits", digits, 1, MOST_DIGITS)
    if wants_arrays(program, bindings, values):
        from .arrays import settled_of, translation_of

        found = settled_of(program, merged(bindings, values), large=large)
        if found is not None:
            return translation_of(*found, to=to, wrt=asked, digits=digits)[0]
    graph, given = bound(program, bindings, values, large=large)
    if to not in RENDERED:
        return exported(program_of(graph, given, asked), to)
    from ..explanation.edges import GraphView

    view = GraphView(graph, Point.at(graph, given, asked))

    def write(x: float) -> str:
        return rounded(x, digits)

    if to == "latex":
        from ..render.export_latex import document

        return document(view, write)
    from ..layout.drawing import graph_drawing, graph_title
    from ..render.mermaid import mermaid

    return "".join(mermaid(graph_drawing(view, graph_title(view, digits), write)))
