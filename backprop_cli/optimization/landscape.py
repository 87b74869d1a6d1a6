"""What a descent runs over: the function around its points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..curves.line import Curve, Sampler, sample
from ..curves.surface import Surface, survey
from ..errors import BackpropError
from .descent import Coordinates, Function, Trace

ROOM = 0.25  # beside the points, as a share of their spread
WILD = 6.0  # times the spread of the first points, beyond which a run that is lost is cut
LARGEST_GRAPH = 20_000  # nodes; the ground of larger programs is not drawn


class Landscape(NamedTuple):
    """The function where it is drawn.

    Attributes:
        spans: By variable: from where to where.
        curve: Of one variable; None for others, or where nothing could be sampled.
        surface: Of two.
        shown: How many points of each trace lie inside, from the start on.
        heights: The values to show, of one variable; None for those of the traces.
    """

    spans: tuple[tuple[float, float], ...]
    curve: Curve | None
    surface: Surface | None
    shown: tuple[int, ...]
    heights: tuple[float, float] | None = None


def landscape(
    function: Function,
    traces: Sequence[Trace],
    lost: Sequence[bool],
    view: Sequence[tuple[float, float]] = (),
) -> Landscape:
    """Return the function around the points of the traces, and a little beyond.

    Args:
        function: What is descended.
        traces: The runs.
        lost: Those that run away; they are shown as long as the rest stays legible, or as there is a view.
        view: Where to look instead, axis by axis.
    """
    shown = tuple(
        _legible(trace.points) if wild and not view else len(trace.points)
        for trace, wild in zip(traces, lost, strict=True)
    )
    points = [p for trace, count in zip(traces, shown, strict=True) for p in trace.points[:count]]
    spans = tuple(_span(xs) for xs in zip(*points, strict=True))
    spans = (*view[: len(spans)], *spans[len(view) :])
    curve = surface = None
    names = function.names
    fixed = {name: x for name, x in function.inputs.items() if name not in names}
    if len(function.graph) <= LARGEST_GRAPH:
        try:
            if len(names) == 1:
                curve = sample(Sampler(function.graph, names[0], fixed), *spans[0])
            elif len(names) == 2:
                surface = survey(function.graph, (names[0], names[1]), (spans[0], spans[1]), fixed)
        except BackpropError:  # a range too narrow for floats, or without a value
            pass
    return Landscape(spans, curve, surface, shown, view[1] if len(names) == 1 < len(view) else None)


def _legible(points: Sequence[Coordinates]) -> int:
    """Return how many points lie about as near to the start as the first three do."""
    start = points[0]
    reach = [
        WILD * max(abs(x), *(abs(p[axis] - x) for p in points[:3]), 1e-12) for axis, x in enumerate(start)
    ]
    for k, point in enumerate(points):
        if any(abs(x - x0) > r for x, x0, r in zip(point, start, reach, strict=True)):
            return max(k, 2)
    return len(points)


def _span(xs: Sequence[float]) -> tuple[float, float]:
    low, high = min(xs), max(xs)
    room = ROOM * (high - low) or 0.1 * abs(low) or 1.0
    return low - room, high + room
