"""Charts as data: series, marks and contours in panels.

What every renderer needs stands here once: the axes, the lines as they are cut by the frame, the
heights of contours. `chart_picture` lays a chart out in pixels; a terminal draws the same data in cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import ceil, hypot, isfinite
from typing import Literal, NamedTuple

from ..curves.scale import LINEAR, Scale
from .axis import Axis
from .contours import levels, lines
from .picture import Point, Role

LARGEST = 1e307  # values beyond it are drawn as if they were there
MOST_POINTS = 1500  # of a line; more would fall on one another
MARGIN = 0.05

Style = Literal["line", "points", "line+points"]
Dash = Literal["solid", "dashed", "dotted", "dash-dotted", "long"]
Data = Sequence[tuple[float, float] | None]


class Series(NamedTuple):
    """A line, or points.

    Attributes:
        name: What the legend calls it; "" for none.
        points: From left to right, or along a path; None or nan leaves a gap.
        role: Its colour.
        style: How it is drawn.
        dash: How its line is.
    """

    name: str
    points: Data
    role: Role = "first"
    style: Style = "line"
    dash: Dash = "solid"


class Mark(NamedTuple):
    """A point that is pointed out, with a text beside it.

    Attributes:
        x: Where.
        y: Where.
        text: Beside it, or in a key; "" for none.
        role: Its colour.
        line: Ends of the line through the point that the text names: it may stand anywhere along.
        open: A circle: the curve does not have this point.
    """

    x: float
    y: float
    text: str
    role: Role = "mark"
    line: Sequence[tuple[float, float]] = ()
    open: bool = False


class Field(NamedTuple):
    """A function of two variables: contours, and arrows along its gradient.

    Attributes:
        x: Coordinate of every column.
        y: Of every row.
        z: Rows of heights; nan where there is none.
        arrows: Foot and gradient: ``(x, y, dx, dy)``; longer ones are drawn longer, by their root.
        name: What the function is called.
    """

    x: Sequence[float]
    y: Sequence[float]
    z: Sequence[Sequence[float]]
    arrows: Sequence[tuple[float, float, float, float]] = ()
    name: str = "f"


class Panel(NamedTuple):
    """One pair of axes.

    Attributes:
        title: Above it, in lines.
        x_label: What runs to the right.
        y_label: What runs upwards.
        series: Later ones over earlier ones.
        marks: Over all series.
        x_scale: How far apart values stand to the right; those without a place are left out.
        y_scale: The same upwards.
        field: Contours, under the series.
        x_range: Ends of the axis; by default those of the data.
        y_range: The same upwards, where there is some room beyond the data by default.
        y_bottom: No room below this value.
        x_whole: Only whole numbers are written on the axis.
        equal: A unit is as long upwards as to the right (in pictures).
        uprights: Where dashed lines stand: a curve's poles.
        levels: Where they lie: what it tends to.
    """

    title: str = ""
    x_label: str = ""
    y_label: str = ""
    series: Sequence[Series] = ()
    marks: Sequence[Mark] = ()
    x_scale: Scale = LINEAR
    y_scale: Scale = LINEAR
    field: Field | None = None
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    y_bottom: float | None = None
    x_whole: bool = False
    equal: bool = False
    uprights: Sequence[float] = ()
    levels: Sequence[float] = ()


class Chart(NamedTuple):
    """Panels under a title, in rows of ``columns``."""

    title: str
    description: str
    panels: Sequence[Panel]
    columns: int = 1


# what every renderer needs


def axes_of(panel: Panel) -> tuple[Axis, Axis]:
    """Return the axes to the right and upwards."""
    points = [p for s in panel.series for run in runs_of(panel, s) for p in run]
    points += [(m.x, m.y) for m in panel.marks if drawable(panel, m.x, m.y)]
    across, up = panel.x_range, panel.y_range
    margin = MARGIN
    if panel.field is not None:
        margin = 0.0
        across = across or (min(panel.field.x), max(panel.field.x))
        up = up or (min(panel.field.y), max(panel.field.y))
    x = Axis(*(across or _ends([p[0] for p in points])), scale=panel.x_scale)
    if up is not None:
        return x, Axis(*up, scale=panel.y_scale)
    visible = [p[1] for p in points if -1e-9 <= x.at(p[0]) <= 1 + 1e-9]
    return x, Axis(*_ends(visible), scale=panel.y_scale, margin=margin, bottom=panel.y_bottom)


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return (min(values), max(values)) if values else (0.1, 1.0)


def drawable(panel: Panel, x: float, y: float) -> bool:
    """Whether a point has a place on the axes, in the frame or out of it."""
    return panel.x_scale.holds(x) and panel.y_scale.holds(y)


def runs_of(panel: Panel, series: Series) -> Iterator[list[tuple[float, float]]]:
    """Yield where a series is unbroken, infinities and all else that has no place on the axes left out."""
    run: list[tuple[float, float]] = []
    for point in series.points:
        if point is not None and drawable(panel, *point):
            run.append((point[0], min(max(point[1], -LARGEST), LARGEST)))
        elif run:
            yield run
            run = []
    if run:
        yield run


def placed(panel: Panel, series: Series, x: Axis, y: Axis, most: int = MOST_POINTS) -> list[list[Point]]:
    """Return the lines of a series in shares of the axes, cut by the frame.

    A line of one point is a point that stands alone; one of more than ``most`` points is thinned.
    """
    found = []
    for run in runs_of(panel, series):
        at = [(x.at(p[0]), y.at(p[1])) for p in thinned(run, most)]
        if series.style == "points" or len(at) == 1:
            found += [[p] for p in at if _inside(*p)]
        else:
            found += clipped(at)
    return found


def _inside(u: float, v: float) -> bool:
    return -1e-9 <= u <= 1 + 1e-9 and -1e-9 <= v <= 1 + 1e-9


def clipped(points: Sequence[Point]) -> list[list[Point]]:
    """Return the parts of a line that lie in the unit square.

    Source:
        Liang and Barsky, A new concept and method for line clipping (1984).
    """
    parts: list[list[Point]] = []
    for (u0, v0), (u1, v1) in pairwise(points):
        start, end = 0.0, 1.0
        for step, room in ((u0 - u1, u0), (u1 - u0, 1 - u0), (v0 - v1, v0), (v1 - v0, 1 - v0)):
            if step == 0.0:
                if room < 0.0:
                    end = -1.0
            elif step < 0.0:
                start = max(start, room / step)
            else:
                end = min(end, room / step)
        if start > end:
            continue
        first = (u0, v0) if start == 0.0 else (u0 + start * (u1 - u0), v0 + start * (v1 - v0))
        last = (u1, v1) if end == 1.0 else (u0 + end * (u1 - u0), v0 + end * (v1 - v0))
        if parts and start == 0.0 and parts[-1][-1] == (u0, v0):
            parts[-1].append(last)
        else:
            parts.append([first, last])
    return parts


def thinned(points: Sequence[tuple[float, float]], most: int = MOST_POINTS) -> list[tuple[float, float]]:
    """Return at most so many points with the same outline: of each stretch its ends, lowest and highest."""
    if len(points) <= most:
        return list(points)
    size = ceil(len(points) / (most // 4))
    kept: list[tuple[float, float]] = []
    for start in range(0, len(points), size):
        stretch = range(start, min(start + size, len(points)))
        low, high = min(stretch, key=lambda i: points[i][1]), max(stretch, key=lambda i: points[i][1])
        kept += [points[i] for i in sorted({stretch[0], low, high, stretch[-1]})]
    return kept


def legend(panel: Panel) -> list[Series]:
    """Return the lines whose names tell them apart."""
    named = list({s.name: s for s in panel.series if s.name}.values())
    return named if len(named) > 1 else []


def contours(panel: Panel, most: int = 12) -> list[tuple[float, str, list[list[tuple[float, float]]]]]:
    """Return the heights of the field, with their texts and lines."""
    field = panel.field
    if field is None:
        return []
    return [(h, text, lines(field.x, field.y, field.z, h)) for h, text in levels(field.z, most)]


def arrow_lengths(field: Field) -> list[float]:
    """Return how long each arrow is, from 0 to 1: the root of its share of the steepest."""
    sizes = [hypot(dx, dy) for _, _, dx, dy in field.arrows]
    largest = max((s for s in sizes if isfinite(s)), default=0.0)
    return [(min(s / largest, 1.0)) ** 0.5 if largest and isfinite(s) else 0.0 for s in sizes]
