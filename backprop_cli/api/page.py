"""A page to step through in a browser: what ``backprop page`` writes."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import BindingError
from ..graph import Graph
from ..language.parser import Program
from .arguments import MOST_DIGITS, flag, mapping, numbers, whole
from .programs import Bindings, bound

Ranges = Mapping[str, tuple[float, float]] | None
"""Where sliders begin and end, by input."""


def page(
    program: str | Program | Graph,
    bindings: Bindings = None,
    /,
    *,
    ranges: Ranges = None,
    quiz: bool = False,
    digits: int = 6,
    **values: float,
) -> str:
    """Return a page, one HTML file, to step through a program in a browser.

    Args:
        program: Text or a parsed program.
        bindings: Values by name, for names such as ``quiz`` that are options here.
        ranges: Where the sliders of some inputs begin and end.
        quiz: Open with the slopes to be found.
        digits: Significant digits.
        values: Values by name.
    Raises:
        BackpropError: for wrong input, where there is no such number, or with more nodes than are drawn.
    """
    from ..export.javascript_rows import row_name
    from ..pages.document import page as written
    from ..pages.program import program_data

    graph, given = bound(program, bindings, values)
    sliders = {}
    for name, ends in mapping("ranges", {} if ranges is None else ranges).items():
        if name not in graph.inputs:
            raise BindingError(f"a range for {name}: the expression has no input {name}")
        low, *rest = numbers(f"the range of {name}", ends)
        if len(rest) != 1 or not low < rest[0]:
            raise BindingError(f"the range of {name} is two numbers, the smaller one first")
        sliders[name] = (low, rest[0])
    data, wanted = program_data(
        graph, given, ranges=sliders, digits=whole("digits", digits, 1, MOST_DIGITS), row_name=row_name
    )
    return written("expression.html", "page.js", data | {"quiz": flag("quiz", quiz)}, wanted)
