"""A chart as a picture: panels laid out in pixels, and a place for every text.

No text is printed over another. Points are named beside them, by leaders where it is narrow, and by
numbers with a key where there is no room for their names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import ceil, hypot, isfinite, sqrt
from typing import NamedTuple

from .axis import Axis, raised
from .chart import (
    Chart,
    Field,
    Mark,
    Panel,
    Series,
    arrow_lengths,
    axes_of,
    clipped,
    contours,
    drawable,
    legend,
    placed,
)
from .contours import flat, region
from .picture import Box, Dot, Label, Path, Picture, Point, Role, Shape, text_width
from .placing import Crowd, Place

SIZE = 15.0  # of texts, in a picture of the size that its panels need
SMALLER, LARGER = 13.0, 22.0  # of texts in smaller pictures and in larger ones
ONE_PANEL = 720.0, 450.0  # pixels
TWO_COLUMNS = 1.35  # times as wide
NEXT_ROW = 210.0  # pixels more for each further row of panels
SAFE = 1.1  # times the width of a text: some common fonts are wider than others
DIRECT = 6  # points that are named beside them; more are numbered
FULL = 0.08  # of the frame, that names may cover
KEYED = 0.35  # of the height, that a key may take below a curve
BESIDE = 0.55  # of the width, that one may take beside contours, with the colour bar
LOWEST = 6.0  # heights of text, that a frame has above a key
KEY = 14.0 / 15.0  # of the other texts' size, that of a key is
LONG = 12  # characters of a name that is better read in a key, where there is room beside contours
NUMBER = 2.2  # heights of text that the number in a key takes
STEP = 0.07  # of opacity, from one height to the next
BAR = 1.1  # of the colour bar, in heights of text
DASHES = {
    "solid": (),
    "dashed": (0.5, 0.4),
    "dotted": (0.12, 0.35),
    "dash-dotted": (0.7, 0.35, 0.12, 0.35),
    "long": (1.1, 0.5),
}
"""Lengths of dash and gap, in heights of text."""


class Frame(NamedTuple):
    """Where a panel's axes stand in the picture."""

    x: Axis
    y: Axis
    left: float
    top: float
    width: float
    height: float
    size: float
    key: int = 0  # rows that a key below may take

    @property
    def right(self) -> float:
        """The end of the axis to the right."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The start of the axis upwards."""
        return self.top + self.height

    def spot(self, u: float, v: float) -> Point:
        """Return the pixel of shares of the axes."""
        return self.left + u * self.width, self.top + (1.0 - v) * self.height

    def at(self, x: float, y: float) -> Point:
        """Return the pixel of values."""
        return self.spot(self.x.at(x), self.y.at(y))


class Cell(NamedTuple):
    """The room of a panel, all its texts included."""

    left: float
    top: float
    width: float
    height: float


def picture_of(chart: Chart, width: float | None = None, height: float | None = None) -> Picture:
    """Lay a chart out in pixels; without a size, in one that its panels need."""
    columns = max(1, min(chart.columns, len(chart.panels)))
    rows = ceil(len(chart.panels) / columns) or 1
    own = ONE_PANEL[0] * (TWO_COLUMNS if columns > 1 else 1.0), ONE_PANEL[1] + NEXT_ROW * (rows - 1)
    width, height = width or own[0], height or own[1]
    size = min(max(SIZE * sqrt(min(width / own[0], height / own[1])), SMALLER), LARGER)
    shapes: list[Shape] = []
    edge = 0.8 * size
    top = edge
    if chart.title:
        top = 1.1 * size
        for line in wrapped(chart.title, width - 2 * edge, 1.2 * size):
            top += 1.5 * size
            shapes.append(Label(edge, top - 0.8 * size, line, 1.2 * size, bold=True))
    wide = (width - edge) / columns
    tall = (height - top - 0.5 * size) / rows
    axes = [axes_of(panel) for panel in chart.panels]
    ticks = [tick for _, y in axes for tick in y.ticks(_most(tall, size))]
    left = max((room_of(text, size) for _, text in ticks), default=0.0) + 0.8 * size + edge / 2
    for i, (panel, (x, y)) in enumerate(zip(chart.panels, axes, strict=True)):
        cell = Cell(i % columns * wide + left, top + i // columns * tall, wide - left, tall)
        shapes += _panel(panel, x, y, cell, size)
    return Picture(width, height, tuple(shapes), chart.title, chart.description)


def room_of(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width that a text may have in any font."""
    return SAFE * text_width(raised(text), size, bold=bold)


def shortened(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """Return a text that fits a width, its end left out where it is too long."""
    while len(text) > 1 and room_of(text, size, bold=bold) > width:
        text = text[: max(1, min(len(text) - 2, int(len(text) * 0.97)))] + "…"
    return text


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Return a bold text in a line or two, broken between words; the end left out where it has no room."""
    words = text.split(" ")
    parts = [(" ".join(words[:k]), " ".join(words[k:])) for k in range(len(words), 0, -1)]
    fitting = [pair for pair in parts if room_of(pair[0], size, bold=True) <= width] or parts[-1:]
    lines = fitting[0]
    if lines[1]:  # after a comma rather than anywhere, where the rest has room then
        whole = (pair for pair in fitting if room_of(pair[1], size, bold=True) <= width)
        lines = next((pair for pair in whole if pair[0].endswith((",", ":"))), lines)
    return [shortened(line, width, size, bold=True) for line in lines if line]


# one panel


class _Texts(NamedTuple):
    """The names of a panel's points: where each stands, and those in the key, by their numbers."""

    labels: list[tuple[Mark, str, Place]]
    key: list[tuple[str, Mark]]


def _panel(panel: Panel, x: Axis, y: Axis, cell: Cell, size: float) -> Iterator[Shape]:
    marks = [m for m in panel.marks if drawable(panel, m.x, m.y) and x.shows(m.x) and y.shows(m.y)]
    lines = _legend_lines(panel, cell.width - size, size)
    heights = contours(panel)
    frame = _frame(panel, x, y, cell, size, lines, heights, [])
    crowd = _crowd(panel, frame, marks)
    named = [mark for mark in marks if mark.text]
    beside = cell.left + cell.width - frame.right - _bar_room(heights, size)
    texts = None
    if panel.field is None or _key_room(named, size) > beside or all(len(m.text) < LONG for m in named):
        texts = _named(marks, frame, crowd)
    if texts is None:
        frame = _frame(panel, x, y, cell, size, lines, heights, named)
        crowd = _crowd(panel, frame, marks)
        texts = _numbered(marks, frame, crowd)
    over = frame.top - (0.7 + 1.4 * _rows_over(panel, lines)) * size
    titles = _titles(panel)
    for k, title in enumerate(titles):
        title = shortened(title, cell.width - size, 1.1 * size, bold=True)
        yield Label(frame.left, over - 1.5 * (len(titles) - 1 - k) * size, title, 1.1 * size, bold=True)
    yield from _axes(panel, frame)
    yield from _legend(panel, lines, frame, cell)
    if panel.field is not None:
        yield from _field(panel.field, heights, frame, crowd)
        yield from _bar("" if lines else panel.field.name, heights, frame)
    for series, part in _drawn(panel, frame):
        yield from _line(series, part, frame)
    yield from _marks(marks, texts, frame)
    yield from _key(panel, texts.key, heights, frame, cell)


def _frame(
    panel: Panel,
    x: Axis,
    y: Axis,
    cell: Cell,
    size: float,
    lines: Sequence[Sequence[Series]],
    heights: Sequence[tuple[float, str, object]],
    keyed: Sequence[Mark],
) -> Frame:
    """Return where the axes stand, so that all that is written around them has its room."""
    over = 1.55 * len(_titles(panel)) + 0.6 + 1.4 * _rows_over(panel, lines)
    under = 3.4 if panel.x_label else 2.0
    ends = x.ticks(max(2, int(cell.width / (4.5 * size))), whole=panel.x_whole)[-1:]
    beyond = max((room_of(text, size) / 2 - (1 - x.at(v)) * cell.width for v, text in ends), default=0.0)
    right = max(beyond, 0.0) + 0.3 * size
    frame = Frame(x, y, cell.left, cell.top + over * size, cell.width - right, 0.0, size)
    below = cell.height - (over + under) * size
    if panel.field is None:
        most = max(0, int(min(KEYED * cell.height, below - LOWEST * size) / (1.35 * size)))
        below -= len(_key_lines(keyed, frame.width, most, size)) * 1.35 * size
        return frame._replace(height=max(below, 40.0), key=most)
    key = _key_room(keyed, size)
    beside = max(_bar_room(heights, size) + (key + size if key else 0.0), right)
    wide = cell.width - min(beside, BESIDE * cell.width)
    frame = frame._replace(width=max(wide, 40.0), height=max(below, 40.0))
    return _equal(frame) if panel.equal else frame


def _titles(panel: Panel) -> list[str]:
    return panel.title.splitlines()


def _rows_over(panel: Panel, lines: Sequence[Sequence[Series]]) -> int:
    """Return how many rows of texts stand over the frame: the legend's, else what axis and bar are of."""
    return max(len(lines), bool(panel.y_label or panel.field is not None))


def _equal(frame: Frame) -> Frame:
    """Return the frame shrunk until a unit is equally long both ways."""
    across = frame.width / (frame.x.high - frame.x.low)
    up = frame.height / (frame.y.high - frame.y.low)
    unit = min(across, up)
    return frame._replace(width=frame.width * unit / across, height=frame.height * unit / up)


def _drawn(panel: Panel, frame: Frame) -> Iterator[tuple[Series, list[Point]]]:
    """Yield the lines of all series in pixels."""
    most = int(4 * frame.width)  # of every column of pixels first, lowest, highest and last
    for series in panel.series:
        for part in placed(panel, series, frame.x, frame.y, most):
            yield series, [frame.spot(*p) for p in part]


def _crowd(panel: Panel, frame: Frame, marks: Sequence[Mark]) -> Crowd:
    """Return what is in the way of texts: lines, and the points that are marked."""
    crowd = Crowd((frame.left, frame.top, frame.width, frame.height))
    for mark in marks:
        crowd.anchor(*frame.at(mark.x, mark.y), 0.8 * frame.size)
    for _, part in _drawn(panel, frame):
        crowd.line(part)
        for point in part:
            crowd.point(*point)
    return crowd


def _axes(panel: Panel, frame: Frame) -> Iterator[Shape]:
    size, right, bottom = frame.size, frame.right, frame.bottom
    grid: Role = "grid"
    for value, text in _y_ticks(frame):
        _, y = frame.spot(0.0, frame.y.at(value))
        if panel.field is None:
            yield Path(((frame.left, y), (right, y)), grid, 1.0)
        yield Label(frame.left - 0.5 * size, y + 0.35 * size, raised(text), size, "muted", "end")
    for value, text in _x_ticks(panel, frame):
        x, _ = frame.spot(frame.x.at(value), 0.0)
        if panel.field is None:
            yield Path(((x, frame.top), (x, bottom)), grid, 1.0)
        yield Path(((x, bottom), (x, bottom + 0.35 * size)), "zero", 1.0)
        yield Label(x, bottom + 1.45 * size, raised(text), size, "muted", "middle")
    if panel.field is None:
        if frame.y.crosses(0.0):
            yield Path((frame.spot(0.0, frame.y.at(0.0)), frame.spot(1.0, frame.y.at(0.0))), "zero", 1.2)
        if frame.x.crosses(0.0):
            yield Path((frame.spot(frame.x.at(0.0), 0.0), frame.spot(frame.x.at(0.0), 1.0)), "zero", 1.2)
    lines = [((x := frame.x.at(value), 0.0), (x, 1.0)) for value in panel.uprights if frame.x.shows(value)]
    lines += [((0.0, y := frame.y.at(value)), (1.0, y)) for value in panel.levels if frame.y.shows(value)]
    for ends in lines:
        yield Path(tuple(frame.spot(*end) for end in ends), "muted", 1.2, (0.4 * size, 0.3 * size))
    yield Path(((frame.left, bottom), (right, bottom)), "zero", 1.2)
    yield Path(((frame.left, frame.top), (frame.left, bottom)), "zero", 1.2)
    if panel.x_label:
        label = shortened(panel.x_label, frame.width, size)
        yield Label(frame.left + frame.width / 2, bottom + 2.8 * size, label, size, "ink", "middle")


def _most(height: float, size: float) -> int:
    """Return how many values are written on an axis upwards, in a panel of some height."""
    return max(3, int(height / (3.2 * size)))


def _y_ticks(frame: Frame) -> list[tuple[float, str]]:
    """Return as many ticks upwards as can be read above one another."""
    for most in range(_most(frame.height + 4 * frame.size, frame.size), 1, -1):
        ticks = frame.y.ticks(most)
        ys = [frame.spot(0.0, frame.y.at(value))[1] for value, _ in ticks]
        if all(a - b >= 1.2 * frame.size for a, b in pairwise(ys)):
            return ticks
    return ticks[:1]


def _x_ticks(panel: Panel, frame: Frame) -> list[tuple[float, str]]:
    """Return as many ticks to the right as can be read beside one another."""
    for most in range(max(2, int(frame.width / (3.5 * frame.size))), 1, -1):
        ticks = frame.x.ticks(most, whole=panel.x_whole)
        xs = [frame.spot(frame.x.at(value), 0.0)[0] for value, _ in ticks]
        halves = [room_of(text, frame.size) / 2 for _, text in ticks]
        if all(
            b - a >= half + other + 0.7 * frame.size
            for (a, half), (b, other) in pairwise(zip(xs, halves, strict=True))
        ):
            return ticks
    return ticks[:1]


# the legend


def _legend_lines(panel: Panel, room: float, size: float) -> list[list[Series]]:
    """Return the names of lines, in as many rows as they need beside the label of the axis."""
    rows: list[list[Series]] = []
    free = 0.0
    for series in legend(panel):
        width = _entry(series, room, size)
        if width > free:
            rows.append([])
            free = room - (room_of(panel.y_label, size) + size if len(rows) == 1 else 0.0)
        rows[-1].append(series)
        free -= width
    return [row for row in rows if row]


def _entry(series: Series, room: float, size: float) -> float:
    return min(room_of(series.name, size), room - 4.0 * size) + 3.6 * size


def _legend(panel: Panel, rows: Sequence[Sequence[Series]], frame: Frame, cell: Cell) -> Iterator[Shape]:
    """The label of the axis upwards, and names at the right above the frame."""
    size, room = frame.size, cell.width - frame.size
    y = frame.top - 0.7 * size
    if panel.y_label:
        across = cell.width if not rows else room - max(_entry(s, room, size) for s in rows[0])
        label = shortened(panel.y_label, across, size)
        yield Label(frame.left, y - 1.4 * size * max(len(rows) - 1, 0), label, size, "ink")
    for i, row in enumerate(reversed(rows)):
        right = cell.left + room
        for series in reversed(row):
            yield from _sample(series, right, y - 1.4 * size * i, room, size)
            right -= _entry(series, room, size)


def _sample(series: Series, right: float, y: float, room: float, size: float) -> Iterator[Shape]:
    name = shortened(series.name, room - 4.0 * size, size)
    x = right - _entry(series, room, size) + 3.0 * size
    yield Label(x, y, name, size, "ink")
    middle = y - 0.32 * size
    if series.style == "points":
        yield Dot(x - 1.3 * size, middle, 0.27 * size, series.role)
    else:
        yield Path(((x - 2.3 * size, middle), (x - 0.4 * size, middle)), series.role, *_pen(series, size))


def _pen(series: Series, size: float) -> tuple[float, tuple[float, ...]]:
    """Return the width of a line, and its dashes."""
    return 0.15 * size, tuple(size * length for length in DASHES[series.dash])


def _line(series: Series, part: Sequence[Point], frame: Frame) -> Iterator[Shape]:
    if len(part) > 1:
        yield Path(tuple(part), series.role, *_pen(series, frame.size))
        if series.style != "line+points":
            return
    for x, y in part:
        yield Dot(x, y, 0.24 * frame.size, series.role)


# contours


def _field(
    field: Field,
    heights: Sequence[tuple[float, str, Sequence[Sequence[Point]]]],
    frame: Frame,
    crowd: Crowd,
) -> Iterator[Shape]:
    for height, _, _ in heights:
        outline = region(field.x, field.y, field.z, height)
        if outline:
            yield Path(tuple(frame.at(*p) for p in outline), None, 0.0, fill="first", opacity=STEP)
    labels: list[Shape] = []
    level = flat(field.z)
    if level is not None:
        text = f"{field.name} = {level.text} here"
        width = room_of(text, frame.size)
        x, y = frame.at(field.x[level.column], field.y[level.row])
        box = (x - width / 2, y - frame.size / 2, width, frame.size)
        if crowd.free(box):
            crowd.box(box)
            labels.append(Label(x, y + 0.35 * frame.size, text, frame.size, "ink", "middle", halo=True))
    for _, text, found in heights:
        for line in found:
            for part in clipped([(frame.x.at(x), frame.y.at(y)) for x, y in line]):
                yield Path(tuple(frame.spot(*p) for p in part), "first", 1.0, opacity=0.75)
        label = _height_label(text, found, frame, crowd)
        labels += [label] if label else []
    yield from _arrows(field, frame)
    yield from labels


def _height_label(text: str, found: Sequence[Sequence[Point]], frame: Frame, crowd: Crowd) -> Label | None:
    """Write a height on its longest line, where there is room."""
    size = frame.size
    width = room_of(text, size)
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
    room = spacing(field, frame)
    across = frame.width / (frame.x.high - frame.x.low)
    up = frame.height / (frame.y.high - frame.y.low)
    for (x, y, dx, dy), length in zip(field.arrows, arrow_lengths(field), strict=True):
        right, down = dx * across, -dy * up
        size = hypot(right, down)
        pixels = 0.9 * room * length
        if pixels < 3.0 or not size or not isfinite(size):
            continue
        u, v = frame.at(x, y)
        half = pixels / 2 / size
        tail, tip = (u - right * half, v - down * half), (u + right * half, v + down * half)
        yield Path((tail, tip), "muted", 1.0, arrow=True)


def spacing(field: Field, frame: Frame) -> float:
    """Return how far apart arrows stand, in pixels."""
    xs = sorted({frame.at(a[0], a[1])[0] for a in field.arrows})
    ys = sorted({frame.at(a[0], a[1])[1] for a in field.arrows})
    gaps = [b - a for values in (xs, ys) for a, b in pairwise(values)]
    return max(min(gaps, default=30.0), 8.0)


def _bar_room(heights: Sequence[tuple[float, str, object]], size: float) -> float:
    """Return how wide the colour bar is with its texts."""
    if not heights:
        return 0.0
    return max(room_of(text, size) for _, text, _ in heights) + (BAR + 1.6) * size


def _bar(name: str, heights: Sequence[tuple[float, str, object]], frame: Frame) -> Iterator[Shape]:
    """The shades from below to above, with the heights where one goes over to the next."""
    if not heights:
        return
    size = frame.size
    left, right = frame.right + 0.9 * size, frame.right + (0.9 + BAR) * size
    step = frame.height / (len(heights) + 1)
    every = ceil(1.2 * size / step)
    if name:
        yield Label(left, frame.top - 0.5 * size, shortened(name, 3 * size, size), size, "ink")
    for i, (_, text, _) in enumerate(heights, 1):
        y = frame.bottom - i * step
        corners = ((left, y), (right, y), (right, frame.top), (left, frame.top))
        yield Path(corners, None, 0.0, fill="first", opacity=STEP)
        yield Path(((left, y), (right, y)), "first", 1.0, opacity=0.75)
        if i % every == 0 or every == 1:
            yield Label(right + 0.4 * size, y + 0.35 * size, text, size, "muted")
    yield Box(left, frame.top, right - left, frame.height, "zero", None, 0.0, 1.0)


# points and their names


def _named(marks: Sequence[Mark], frame: Frame, crowd: Crowd) -> _Texts | None:
    """Return places for all names beside their points; None where they would crowd the frame."""
    size = frame.size
    named = [mark for mark in marks if mark.text]
    points = [mark for mark in named if not mark.line]
    covered = sum(room_of(mark.text, size) * size for mark in points)
    if len(points) > DIRECT or covered > FULL * frame.width * frame.height:
        return None
    labels = []
    for mark in named:
        place = crowd.place(_spots(mark, frame), room_of(mark.text, size), size)
        if place is None:
            return None
        labels.append((mark, mark.text, place))
    return _Texts(labels, [])


def _numbered(marks: Sequence[Mark], frame: Frame, crowd: Crowd) -> _Texts:
    """Return places for the numbers of points, and for names that stand along a line."""
    size = frame.size
    labels: list[tuple[Mark, str, Place]] = []
    key: list[tuple[str, Mark]] = []
    for mark in (mark for mark in marks if mark.text):
        if mark.line:
            place = crowd.place(_spots(mark, frame), room_of(mark.text, size), size)
            if place is not None:
                labels.append((mark, mark.text, place))
                continue
        number = str(len(key) + 1)
        place = crowd.place([frame.at(mark.x, mark.y)], room_of(number, size, bold=True), size)
        if place is not None:
            labels.append((mark, number, place))
            key.append((number, mark))
    return _Texts(labels, key)


def _spots(mark: Mark, frame: Frame) -> list[Point]:
    """Return where a name may stand: at the point, or along the part of its line that is in the frame."""
    here = frame.at(mark.x, mark.y)
    if not mark.line:
        return [here]
    ends = clipped([(frame.x.at(x), frame.y.at(y)) for x, y in mark.line])
    spots = [frame.spot(*p) for part in ends for p in (part[0], part[-1])]
    return [
        (here[0] + share * (x - here[0]), here[1] + share * (y - here[1]))
        for x, y in spots
        for share in (1.0, 0.8, 0.6)
    ] + [here]


def _marks(marks: Sequence[Mark], texts: _Texts, frame: Frame) -> Iterator[Shape]:
    size = frame.size
    for _, _, place in texts.labels:
        if place.leader:
            yield Path(place.leader, "muted", 1.0)
    for mark in marks:
        x, y = frame.at(mark.x, mark.y)
        yield Dot(x, y, 0.34 * size, "paper", mark.role) if mark.open else Dot(x, y, 0.36 * size, mark.role)
    for mark, text, place in texts.labels:
        bold = text != mark.text
        yield Label(place.left, place.top + 0.82 * size, text, size, mark.role, bold=bold, halo=True)


def _key(
    panel: Panel,
    key: Sequence[tuple[str, Mark]],
    heights: Sequence[tuple[float, str, object]],
    frame: Frame,
    cell: Cell,
) -> Iterator[Shape]:
    """The names of numbered points: beside contours, below a curve."""
    if not key:
        return
    size = frame.size
    if panel.field is None:
        left, top = cell.left, cell.top + cell.height
        rows = _key_lines([mark for _, mark in key], frame.width, frame.key, size)
        top -= (len(rows) * 1.35 - 0.6) * size
        across = frame.width
    else:
        left, top = frame.right + _bar_room(heights, size) + 0.6 * size, frame.top + 0.8 * size
        most = max(1, int(frame.height / (1.35 * size)))
        rows = [[i] for i in range(min(len(key), most))]
        across = cell.left + cell.width - left
    shown = sum(map(len, rows))
    for i, row in enumerate(rows):
        for j, at in enumerate(row):
            number, mark = key[at]
            x, y = left + j * across / len(rows[0]), top + i * 1.35 * size
            wide = across / len(rows[0]) - NUMBER * size
            if at == shown - 1 < len(key) - 1:
                yield Label(x, y, f"… and {len(key) - shown + 1} more", KEY * size, "muted")
                continue
            text = shortened(mark.text, wide, KEY * size)
            yield Label(x, y, number, KEY * size, mark.role, bold=True)
            yield Label(x + (NUMBER - 0.2) * size, y, text, KEY * size, "ink")


def _key_room(marks: Sequence[Mark], size: float) -> float:
    """Return how wide a key is."""
    return max((room_of(mark.text, KEY * size) + (NUMBER + 0.5) * size for mark in marks), default=0.0)


def _key_lines(marks: Sequence[Mark], width: float, most: int, size: float) -> list[list[int]]:
    """Return which names stand in which row below a curve, in so many rows at most."""
    if not marks:
        return []
    columns = min(max(1, int(width / _key_room(marks, size))), len(marks))
    rows = min(ceil(len(marks) / columns), most)
    return [[i for i in range(r * columns, (r + 1) * columns) if i < len(marks)] for r in range(rows)]
