"""Charts as data: series, marks and contours in panels; and a chart as a picture.

What every renderer needs stands here once: the axes, the lines as they are cut by the frame, the
heights of contours. `picture_of` lays a chart out in pixels; a terminal draws the same data in cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import ceil, hypot, isfinite
from typing import Literal, NamedTuple

from .axis import Axis
from .contours import levels, lines, region
from .picture import Dot, Label, Path, Picture, Point, Role, Shape, text_width
from .placing import Crowd

LARGEST = 1e307  # values beyond it are drawn as if they were there
MOST_POINTS = 1500  # of a line; more would fall on one another
MARGIN = 0.05

Style = Literal["line", "dashed", "points", "line+points"]
Data = Sequence[tuple[float, float] | None]


class Series(NamedTuple):
    """A line, or points.

    Attributes:
        name: What the legend calls it; "" for none.
        points: From left to right, or along a path; None or nan leaves a gap.
        role: Its colour.
        style: How it is drawn.
    """

    name: str
    points: Data
    role: Role = "first"
    style: Style = "line"


class Mark(NamedTuple):
    """A point that is pointed out, with a text beside it."""

    x: float
    y: float
    text: str
    role: Role = "mark"


class Field(NamedTuple):
    """A function of two variables: contours, and arrows along its gradient.

    Attributes:
        x: Coordinate of every column.
        y: Of every row.
        z: Rows of heights; nan where there is none.
        arrows: Foot and gradient: ``(x, y, dx, dy)``; longer ones are drawn longer, by their root.
    """

    x: Sequence[float]
    y: Sequence[float]
    z: Sequence[Sequence[float]]
    arrows: Sequence[tuple[float, float, float, float]] = ()


class Panel(NamedTuple):
    """One pair of axes.

    Attributes:
        title: Above it.
        x_label: What runs to the right.
        y_label: What runs upwards.
        series: Later ones over earlier ones.
        marks: Over all series.
        x_log: Equal lengths are equal ratios; values that are not positive are left out.
        y_log: The same upwards.
        field: Contours, under the series.
        x_range: Ends of the axis; by default those of the data.
        y_range: The same upwards, where there is some room beyond the data by default.
        y_bottom: No room below this value.
        x_whole: Only whole numbers are written on the axis.
        equal: A unit is as long upwards as to the right (in pictures).
    """

    title: str = ""
    x_label: str = ""
    y_label: str = ""
    series: Sequence[Series] = ()
    marks: Sequence[Mark] = ()
    x_log: bool = False
    y_log: bool = False
    field: Field | None = None
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    y_bottom: float | None = None
    x_whole: bool = False
    equal: bool = False


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
    points += [(m.x, m.y) for m in panel.marks if _drawable(panel, m.x, m.y)]
    across, up = panel.x_range, panel.y_range
    margin = MARGIN
    if panel.field is not None:
        margin = 0.0
        across = across or (min(panel.field.x), max(panel.field.x))
        up = up or (min(panel.field.y), max(panel.field.y))
    x = Axis(*(across or _ends([p[0] for p in points])), log=panel.x_log)
    if up is not None:
        return x, Axis(*up, log=panel.y_log)
    visible = [p[1] for p in points if -1e-9 <= x.at(p[0]) <= 1 + 1e-9]
    return x, Axis(*_ends(visible), log=panel.y_log, margin=margin, bottom=panel.y_bottom)


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return (min(values), max(values)) if values else (0.1, 1.0)


def _drawable(panel: Panel, x: float, y: float) -> bool:
    return isfinite(x) and isfinite(y) and (x > 0.0 or not panel.x_log) and (y > 0.0 or not panel.y_log)


def runs_of(panel: Panel, series: Series) -> Iterator[list[tuple[float, float]]]:
    """Yield where a series is unbroken, infinities and all else that has no place on the axes left out."""
    run: list[tuple[float, float]] = []
    for point in series.points:
        if point is not None and _drawable(panel, *point):
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


def contours(panel: Panel, most: int = 10) -> list[tuple[float, str, list[list[tuple[float, float]]]]]:
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


# a chart as a picture


class Frame(NamedTuple):
    """Where a panel's axes stand in the picture."""

    x: Axis
    y: Axis
    left: float
    top: float
    width: float
    height: float
    size: float

    def spot(self, u: float, v: float) -> Point:
        """Return the pixel of shares of the axes."""
        return self.left + u * self.width, self.top + (1.0 - v) * self.height

    def at(self, x: float, y: float) -> Point:
        """Return the pixel of values."""
        return self.spot(self.x.at(x), self.y.at(y))


def picture_of(chart: Chart, width: float = 1200, height: float = 800) -> Picture:
    """Lay a chart out in pixels."""
    size = 16.0 if width >= 1000 else 13.0
    shapes: list[Shape] = []
    edge = 1.5 * size
    top = edge
    if chart.title:
        top = 3.0 * size
        title = shortened(chart.title, width - 2 * edge, 1.3 * size, bold=True)
        shapes.append(Label(edge, 2.1 * size, title, 1.3 * size, bold=True))
    columns = max(1, min(chart.columns, len(chart.panels)))
    rows = ceil(len(chart.panels) / columns) or 1
    wide = (width - edge) / columns
    tall = (height - top - 0.5 * size) / rows
    axes = [axes_of(panel) for panel in chart.panels]
    ticks = [y.ticks(max(3, int(tall / (3.2 * size)))) for _, y in axes]
    left = max((text_width(text, size) for t in ticks for _, text in t), default=0.0) + 1.2 * size + edge / 2
    for i, (panel, (x, y)) in enumerate(zip(chart.panels, axes, strict=True)):
        over = (1.9 if panel.title else 0.4) * size + (
            1.8 * size if _legend_names(panel) or panel.y_label else 0
        )
        under = 3.6 * size if panel.x_label else 2.2 * size
        frame = Frame(
            x, y, i % columns * wide + left, top + i // columns * tall + over,
            max(wide - left - 0.6 * size, 40.0), max(tall - over - under, 40.0), size,
        )  # fmt: skip
        shapes += _panel(panel, _equal(frame) if panel.equal else frame, ticks[i])
    return Picture(width, height, tuple(shapes), chart.title, chart.description)


def shortened(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """Return a text that fits a width, its end left out where it is too long."""
    while len(text) > 1 and text_width(text, size, bold=bold) > width:
        text = text[: max(1, min(len(text) - 2, int(len(text) * 0.97)))] + "…"
    return text


def _equal(frame: Frame) -> Frame:
    """Return the frame shrunk until a unit is equally long both ways."""
    across = frame.width / (frame.x.high - frame.x.low)
    up = frame.height / (frame.y.high - frame.y.low)
    unit = min(across, up)
    width, height = frame.width * unit / across, frame.height * unit / up
    return frame._replace(left=frame.left + (frame.width - width) / 2, width=width, height=height)


def _legend_names(panel: Panel) -> list[Series]:
    named = list({s.name: s for s in panel.series if s.name}.values())
    return named if len(named) > 1 else []


def _panel(panel: Panel, frame: Frame, y_ticks: Sequence[tuple[float, str]]) -> Iterator[Shape]:
    size = frame.size
    if panel.title:
        title = shortened(panel.title, frame.width, 1.1 * size, bold=True)
        y = frame.top - (2.5 if _legend_names(panel) or panel.y_label else 0.7) * size
        yield Label(frame.left, y, title, 1.1 * size, bold=True)
    yield from _axes(panel, frame, y_ticks)
    yield from _legend(panel, frame)
    crowd = Crowd((frame.left, frame.top, frame.width, frame.height))
    marks = [m for m in panel.marks if _drawable(panel, m.x, m.y)]
    marks = [m for m in marks if _inside(frame.x.at(m.x), frame.y.at(m.y))]
    for mark in marks:
        crowd.anchor(*frame.at(mark.x, mark.y), 0.8 * size)
    if panel.field is not None:
        yield from _field(panel, panel.field, frame, crowd)
    most = int(4 * frame.width)  # of every column of pixels first, lowest, highest and last
    drawn = [(series, placed(panel, series, frame.x, frame.y, most)) for series in panel.series]
    for series, parts in drawn:
        for part in parts:
            yield from _line(series, [frame.spot(*p) for p in part], frame, crowd)
    yield from _marks(marks, frame, crowd)


def _axes(panel: Panel, frame: Frame, y_ticks: Sequence[tuple[float, str]]) -> Iterator[Shape]:
    size, right, bottom = frame.size, frame.left + frame.width, frame.top + frame.height
    most = max(3, int(frame.width / (4.5 * size)))
    x_ticks = frame.x.ticks(most, whole=panel.x_whole)
    grid: Role = "grid"
    for value, text in y_ticks:
        _, y = frame.spot(0.0, frame.y.at(value))
        if panel.field is None:
            yield Path(((frame.left, y), (right, y)), grid, 1.0)
        yield Label(frame.left - 0.6 * size, y + 0.35 * size, text, size, "muted", "end")
    for value, text in x_ticks:
        x, _ = frame.spot(frame.x.at(value), 0.0)
        if panel.field is None:
            yield Path(((x, frame.top), (x, bottom)), grid, 1.0)
        yield Path(((x, bottom), (x, bottom + 0.35 * size)), "zero", 1.0)
        yield Label(x, bottom + 1.5 * size, text, size, "muted", "middle")
    if panel.field is None:
        if not frame.y.log and 0.0 < frame.y.at(0.0) < 1.0:
            yield Path((frame.spot(0.0, frame.y.at(0.0)), frame.spot(1.0, frame.y.at(0.0))), "zero", 1.2)
        if not frame.x.log and 0.0 < frame.x.at(0.0) < 1.0:
            yield Path((frame.spot(frame.x.at(0.0), 0.0), frame.spot(frame.x.at(0.0), 1.0)), "zero", 1.2)
    yield Path(((frame.left, bottom), (right, bottom)), "zero", 1.2)
    yield Path(((frame.left, frame.top), (frame.left, bottom)), "zero", 1.2)
    if panel.x_label:
        label = shortened(panel.x_label, frame.width, size)
        yield Label(frame.left + frame.width / 2, bottom + 3.1 * size, label, size, "ink", "middle")
    if panel.y_label:
        label = shortened(panel.y_label, frame.width / 2, size)
        yield Label(frame.left, frame.top - 0.7 * size, label, size, "ink")


def _legend(panel: Panel, frame: Frame) -> Iterator[Shape]:
    """Names at the right above the frame, from the last to the first."""
    size = frame.size
    x, y = frame.left + frame.width, frame.top - 0.7 * size
    named = _legend_names(panel)
    room = frame.width - text_width(panel.y_label, size) - 2 * size
    fits = sum(text_width(s.name, size) + 3.6 * size for s in named) <= room
    share = frame.width / 2 / max(1, len(named)) - 3.5 * size
    for series in reversed(named):
        name = series.name if fits else shortened(series.name, max(share, 3 * size), size)
        x -= text_width(name, size)
        yield Label(x, y, name, size, "ink")
        x -= 0.6 * size
        sample = [(x - 1.8 * size, y - 0.32 * size), (x, y - 0.32 * size)]
        if series.style == "points":
            yield Dot(x - 0.9 * size, y - 0.32 * size, 0.27 * size, series.role)
        else:
            yield Path(tuple(sample), series.role, 0.15 * size, _dash(series, size))
        x -= 3.0 * size


def _dash(series: Series, size: float) -> tuple[float, ...]:
    return (0.5 * size, 0.4 * size) if series.style == "dashed" else ()


def _line(series: Series, part: Sequence[Point], frame: Frame, crowd: Crowd) -> Iterator[Shape]:
    size = frame.size
    if len(part) > 1:
        crowd.line(part)
        yield Path(tuple(part), series.role, 0.15 * size, _dash(series, size))
        if series.style != "line+points":
            return
    for x, y in part:
        crowd.point(x, y)
        yield Dot(x, y, 0.24 * size, series.role)


def _field(panel: Panel, field: Field, frame: Frame, crowd: Crowd) -> Iterator[Shape]:
    heights = contours(panel)
    for height, _, _ in heights:
        outline = region(field.x, field.y, field.z, height)
        if outline:
            yield Path(tuple(frame.at(*p) for p in outline), None, 0.0, fill="first", opacity=0.07)
    labels: list[Shape] = []
    for _, text, found in heights:
        for line in found:
            for part in clipped([(frame.x.at(x), frame.y.at(y)) for x, y in line]):
                at = tuple(frame.spot(*p) for p in part)
                yield Path(at, "first", 1.0, opacity=0.75)
        label = _height_label(text, found, frame, crowd)
        labels += [label] if label else []
    yield from _arrows(field, frame)
    yield from labels


def _height_label(
    text: str, found: Sequence[Sequence[tuple[float, float]]], frame: Frame, crowd: Crowd
) -> Label | None:
    """Write a height on its longest line, where there is room."""
    size = 0.8 * frame.size
    width = text_width(text, size)
    for line in sorted(found, key=len, reverse=True)[:3]:
        at = [frame.at(*p) for p in line]
        for share in (0.5, 0.35, 0.65, 0.2, 0.8, 0.05, 0.95):
            x, y = at[int(share * (len(at) - 1))]
            box = (x - width / 2, y - 0.5 * size, width, size)
            if crowd.free(box):
                crowd.box(box)
                return Label(x, y + 0.35 * size, text, size, "first", "middle", halo=True)
    return None


def _arrows(field: Field, frame: Frame) -> Iterator[Shape]:
    lengths = arrow_lengths(field)
    room = spacing(field, frame)
    across, up = (
        frame.width / (frame.x.high - frame.x.low),
        frame.height / (frame.y.high - frame.y.low),
    )
    for (x, y, dx, dy), length in zip(field.arrows, lengths, strict=True):
        right, down = dx * across, -dy * up
        size = hypot(right, down)
        pixels = 0.9 * room * length
        if pixels < 3.0 or not size or not isfinite(size):
            continue
        u, v = frame.at(x, y)
        half = pixels / 2 / size
        tail, tip = (u - right * half, v - down * half), (u + right * half, v + down * half)
        yield Path((tail, tip), "muted", 1.3, arrow=True)


def spacing(field: Field, frame: Frame) -> float:
    """Return how far apart arrows stand, in pixels."""
    xs = sorted({frame.at(a[0], a[1])[0] for a in field.arrows})
    ys = sorted({frame.at(a[0], a[1])[1] for a in field.arrows})
    gaps = [b - a for values in (xs, ys) for a, b in pairwise(values)]
    return max(min(gaps, default=30.0), 8.0)


def _marks(marks: Sequence[Mark], frame: Frame, crowd: Crowd) -> Iterator[Shape]:
    size = frame.size
    labels: list[Shape] = []
    for mark in marks:
        x, y = frame.at(mark.x, mark.y)
        yield Dot(x, y, 0.36 * size, mark.role)
        if mark.text:
            text = shortened(mark.text, 0.6 * frame.width, size)
            left, top = crowd.place(x, y, text_width(text, size), size)
            labels.append(Label(left, top + 0.82 * size, text, size, mark.role, halo=True))
    yield from labels
