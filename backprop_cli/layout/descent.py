"""Descents as charts: points and tangents on the curve, a path over contours, f against the updates."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

from ..curves.scale import scale_of_fall
from ..language.numbers import brief
from ..optimization.descent import Function, Trace
from ..optimization.landscape import Landscape
from .chart import Chart, Dash, Field, Mark, Panel, Series, Style
from .picture import Point, Role

ROLES: tuple[Role, ...] = ("second", "third", "fourth", "fifth", "first", "mark", "ink")
DASHES: tuple[Dash, ...] = ("solid", "dashed", "dash-dotted", "dotted", "long")
TANGENTS = 4  # of a still picture
TANGENTS_APART = 0.15  # of the picture's width
DOTS = 40  # points of a path that are all drawn
DOTS_APART = 0.015
RUNS_APART = 0.05  # of the dots of several runs, between which their dashes tell them apart
EQUAL = 3.0  # sides of a rectangle that are not further apart get equal units
FRAMES = 48
ORDINALS = {2: "nd"}
ROUND_STEPS = [m * 10**k for k in range(7) for m in (1, 2, 5)]


class Run(NamedTuple):
    """One descent to be drawn.

    Attributes:
        trace: The descent.
        name: In the legend.
    """

    trace: Trace
    name: str


def chart(function: Function, runs: Sequence[Run], ground: Landscape, title: str, says: str) -> Chart:
    """Return where the runs went, and f against the updates.

    Args:
        function: What was descended.
        runs: One or several.
        ground: From `landscape`.
        title: Above the chart.
        says: The verdict, for those who do not see the picture.
    """
    panels = [path_panel(function, runs, ground), progress_panel(function, runs, ground)]
    found = [p for p in panels if p is not None]
    if len(found) > 1:  # one legend tells all
        found[1] = found[1]._replace(series=[s._replace(name="") for s in found[1].series])
    return Chart(title, f"{title}. {says}", found, 2 if ground.surface is not None else 1)


def path_panel(
    function: Function,
    runs: Sequence[Run],
    ground: Landscape,
    *,
    upto: int | None = None,
    tangents: int = TANGENTS,
) -> Panel | None:
    """Return the way of the runs over the curve or the contours; None for other numbers of variables.

    Args:
        function: What was descended.
        runs: One or several.
        ground: From `landscape`.
        upto: The last point to draw; None for all.
        tangents: How many tangents a single run gets.
    """
    if len(function.names) == 1 and ground.curve is not None:
        return _curve_panel(function, runs, ground, upto, tangents)
    if len(function.names) == 2 and ground.surface is not None:
        return _surface_panel(function, runs, ground, upto)
    return None


def _curve_panel(
    function: Function, runs: Sequence[Run], ground: Landscape, upto: int | None, tangents: int
) -> Panel:
    assert ground.curve is not None
    (low, high), curve = ground.spans[0], ground.curve
    heights = [
        y
        for run, count in zip(runs, ground.shown, strict=True)
        for y in run.trace.values[:count]
        if isfinite(y)
    ]
    heights += [p[1] for p in curve.points if p is not None and curve.view[0] <= p[1] <= curve.view[1]]
    bottom, top = min(heights), max(heights)
    room = 0.06 * (top - bottom) or 0.5
    y_range = ground.heights or (bottom - room, top + room)
    series = [Series("", curve.points, "first")]
    marks: list[Mark] = []
    for i, (run, count) in enumerate(zip(runs, ground.shown, strict=True)):
        trace = run.trace
        last = count if upto is None else min(count, upto + 1)
        points = [(p[0], y) for p, y in zip(trace.points[:last], trace.values[:last], strict=True)]
        role = ROLES[i % len(ROLES)]
        if len(runs) == 1 and upto is None:
            for k in _spread(points, high - low, TANGENTS_APART)[:tangents]:
                series.append(_tangent(trace, k, low, high, short=True))
        if upto is not None and len(runs) == 1 and last:
            series.append(_tangent(trace, last - 1, low, high, short=False))
        if len(runs) <= len(ROLES):
            name = run.name if len(runs) > 1 else ""
            series += _path(name, points, role, DASHES[i % len(DASHES)], high - low)
            if upto is None and len(runs) == 1:
                marks.append(Mark(*points[0], "start", "ink"))
            over = upto is not None or len(runs) > 1 or last < len(trace.points)
            marks.append(Mark(*points[-1], "" if over else "end", role))
        else:
            ends = points[-1:] if isfinite(points[-1][1]) else []
            series.append(Series("", points[:1], "muted", "points"))
            series.append(Series("", ends, "second", "points"))
    return Panel("", function.names[0], function.called, series, marks, x_range=(low, high), y_range=y_range)


def _spread(points: Sequence[Point], size: float, apart: float) -> list[int]:
    """Return points that are not nearer to one another than a share of the picture."""
    kept: list[int] = []
    for k, (x, _) in enumerate(points):
        if not kept or abs(x - points[kept[-1]][0]) >= apart * size:
            kept.append(k)
    return kept


def _path(name: str, points: Sequence[Point], role: Role, dash: Dash, size: float) -> list[Series]:
    """Return the way as a line with its points; where there are many, or it has a name, some of them."""
    if len(points) <= DOTS and not name:
        return [Series(name, points, role, "line+points", dash)]
    dots = [points[k] for k in _spread(points, size, RUNS_APART if name else DOTS_APART)]
    return [Series(name, points, role, "line", dash), Series("", dots, role, "points")]


def _tangent(trace: Trace, k: int, low: float, high: float, *, short: bool) -> Series:
    """Return the tangent at point ``k``: a piece around it that reaches to the next point, or all of it."""
    x, y, slope = trace.points[k][0], trace.values[k], trace.gradients[k][0]
    left, right = low, high
    if short:
        half = 0.12 * (high - low)
        left, right = max(low, x - half), min(high, x + half)
    line = [(t, y + slope * (t - x)) for t in (left, x, right)]
    return Series("", line, "mark", dash="dashed")


def _surface_panel(function: Function, runs: Sequence[Run], ground: Landscape, upto: int | None) -> Panel:
    assert ground.surface is not None
    surface = ground.surface
    field = Field(surface.x, surface.y, surface.z, name=function.called)
    series: list[Series] = []
    marks = [Mark(p.x, p.y, p.kind, "ink") for p in surface.stationary[:4] if upto is None]
    for i, (run, count) in enumerate(zip(runs, ground.shown, strict=True)):
        last = count if upto is None else min(count, upto + 1)
        points = [(p[0], p[1]) for p in run.trace.points[:last]]
        many = len(runs) > len(ROLES)
        role = "second" if many else ROLES[i % len(ROLES)]
        name = run.name if 1 < len(runs) <= len(ROLES) else ""
        if many:
            series.append(Series(name, points, role))
        else:
            dash = DASHES[i % len(DASHES)]
            series += _path(name, points, role, dash, max(b - a for a, b in ground.spans))
        if len(runs) == 1 and upto is None:
            marks.append(Mark(*points[0], "start", "ink"))
        marks.append(Mark(*points[-1], "", role))
    (right, up), (across, above) = function.names, ground.spans
    sides = (across[1] - across[0]) / (above[1] - above[0])
    equal = upto is None and 1.0 / EQUAL <= sides <= EQUAL  # an animation keeps room for its title
    return Panel("", right, up, series, marks, field=field, x_range=across, y_range=above, equal=equal)


def progress_panel(
    function: Function, runs: Sequence[Run], ground: Landscape, *, upto: int | None = None
) -> Panel:
    """Return f against the updates, as far as the runs are in the picture."""
    traces = [run.trace.values[:count] for run, count in zip(runs, ground.shown, strict=True)]
    known = [y for values in traces for y in values if isfinite(y)]
    longest = max(map(len, traces))
    series = []
    for i, (run, values) in enumerate(zip(runs[:40], traces, strict=False)):
        points = [(float(k), y) for k, y in enumerate(values[: None if upto is None else upto + 1])]
        many = len(runs) > len(ROLES)
        style: Style = "line+points" if longest <= 60 and len(runs) == 1 else "line"
        role = "second" if many else ROLES[i % len(ROLES)]
        label = run.name if 1 < len(runs) <= len(ROLES) else ""
        dash = "solid" if many else DASHES[i % len(DASHES)]
        series.append(Series(label, points, role, style, dash))
    return Panel(
        "",
        "update",
        function.called,
        series,
        y_scale=scale_of_fall(min(known), max(known)),
        x_whole=True,
        x_range=(0.0, float(max(longest - 1, 1))),
    )


def frames(function: Function, run: Run, ground: Landscape, title: str) -> list[Chart]:
    """Return a chart for each point of a run, or for some, which they say, for an animation."""
    picked, which = picked_points(ground.shown[0])
    charts = []
    for k in picked:
        trace = run.trace
        at = f"update {k}{which}\n{function.described(trace.points[k])}, "
        at += f"{function.called} = {brief(trace.values[k], 4)}, {_slope(function, trace.gradients[k])}"
        panel = path_panel(function, [run], ground, upto=k) or progress_panel(function, [run], ground, upto=k)
        charts.append(Chart(title, f"{title}: {at}", [panel._replace(title=at)]))
    return charts


def picked_points(count: int) -> tuple[list[int], str]:
    """Return the points of a run that are shown, most at its beginning, and which these are in words."""
    if count <= FRAMES + 1:
        return list(range(count)), ""
    first, last = FRAMES // 2, count - 1
    step = next(s for s in ROUND_STEPS if (last - first) / s <= FRAMES - first)
    picked = sorted({*range(first), *range(first, count, step), last})
    th = ORDINALS.get(step, "th")
    return picked, f" of {last:,}, of which each to {first} is shown, then every {step:,}{th}"


def _slope(function: Function, gradient: Sequence[float]) -> str:
    slopes = [brief(g, 3) for g in gradient[:3]]
    if len(function.names) == 1:
        return f"{function.called}' = {slopes[0]}"
    more = ", ..." if len(function.names) > len(slopes) else ""
    return f"grad {function.called} = ({', '.join(slopes)}{more})"
