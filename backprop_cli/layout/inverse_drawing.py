"""The drawing of a function and its inverse: two boxes, and one arrow that leads both ways."""

from __future__ import annotations

from collections.abc import Sequence

from ..differentiation.implicit import Implicit, Slope
from ..errors import shortened
from . import Edges
from .drawing import SYMBOL, Arrow, Card, Drawing, Row, Write, manner, sign_of


def inverse_drawing(
    report: Implicit, title: str, said: Sequence[str], write: Write, edges: Edges = "both"
) -> Drawing:
    """Return the drawing of ``y = f(x)`` between x and y.

    Args:
        report: Both slopes.
        title: Its headline.
        said: What is to be known of the inverse, a line each.
        write: Numbers to text.
        edges: What stands at the arrow.
    """
    forth, back = report.slopes
    inputs, (x, y) = report.inputs, (forth.by, forth.of)
    rows = {
        name: () if inputs is None else (Row("value", write(inputs[name]), sign_of(inputs[name])),)
        for name in (x, y)
    }
    source, target = (f"n{report.equations.graph.inputs[name]}" for name in (x, y))
    cards = [
        Card(source, x, "", rows[x], "input"),
        Card(target, y, shortened(report.equations.sides[0][1]), rows[y], "output"),
    ]
    legend = [] if inputs is None else ["in a box: the value"]
    there, returned = Arrow(source, target), Arrow(target, source)
    if edges != "none":
        there, returned = (
            _told(arrow, slope, write, edges, valued=inputs is not None)
            for arrow, slope in ((there, forth), (returned, back))
        )
        way = f"{forth.name}, and {back.name} on the way back"
        legend.append(f"at an arrow: {way}, {manner(edges, inputs is not None)}")
        if edges != "value" or inputs is None:  # formulas that are too long for an arrow
            told = ((forth, there), (back, returned))
            legend += [
                f"{s.name} = {s.formula}" for s, a in told if s.formula not in (None, a.symbol) and not s.why
            ]
    arrow = there._replace(detail=returned.label, two_way=True)
    described = f"The function {title}, with its inverse: one arrow between {x} and {y} leads both ways."
    return Drawing(title, described, (*legend, *said), cards, [arrow])


def _told(arrow: Arrow, slope: Slope, write: Write, edges: Edges, *, valued: bool) -> Arrow:
    """Return an arrow with a slope: its formula where that is short, else its name; a number is whole."""
    if slope.why:
        return arrow._replace(symbol=f"no {slope.name}", role="muted")
    number, role = "", arrow.role
    if valued and edges != "symbol" and slope.settled is not None:
        number, role = write(slope.settled), sign_of(slope.settled)
    symbols = [slope.formula or slope.name, slope.name, ""] if edges != "value" or not number else [""]
    for symbol in symbols:
        told = arrow._replace(symbol=symbol, number=number, role=role)
        if len(told.label) <= SYMBOL:
            break
    return told if told.label else arrow._replace(symbol=shortened(slope.name, SYMBOL))
