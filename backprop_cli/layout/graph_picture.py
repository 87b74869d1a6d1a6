"""A drawing of a graph as a picture: boxes, curved arrows, labels on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import atan2, tan
from typing import NamedTuple

from ..errors import printable
from .drawing import PATTERNS, Arrow, Card, Drawing, Pattern, shortened
from .layered import Arrangement, Link, Size, Spacing, arrange, positions
from .picture import Box, Label, Path, Picture, Point, Role, Shape, text_width

MARGIN = 28.0
TITLE = 17.0
TEXT = 13.0
SMALL = 12.0
LINE = 19.0
INSIDE = 11.0
"""Between a box and its texts."""

SAMPLE = 46.0
"""Of a line in a legend."""

IDLE_DASH = (5.0, 4.0)

RING = 4.0
"""Between the outlines of a box that lies on paths of several groups."""

BESIDE = 6.5
"""Between the lines of an arrow that lies on paths of several groups."""

HEADING, LABEL = 34, 26
"""Longest texts in a box and at an arrow."""

SPACING = Spacing(nodes=26.0, ways=10.0, port=24.0, edge=14.0)
ACCENT: dict[str, Role] = {"input": "first", "constant": "grid", "step": "muted", "output": "third"}


class Placed(NamedTuple):
    """Where cards and arrows are, in pixels of the picture.

    Attributes:
        boxes: Per card.
        curves: Per arrow: a start and triples of control, control, end.
        own: Per arrow: the first point from which its way is its own, or its mark is.
        labels: Per arrow: the middle of its label's lower edge, on the line; None without a label.
        width: Of all.
        height: Of all.
    """

    boxes: list[Box]
    curves: list[tuple[Point, ...]]
    own: list[int]
    labels: list[Point | None]
    width: float
    height: float


def place(drawing: Drawing) -> Placed:
    """Lay a drawing out, from left to right; below room for the title.

    Raises:
        UsageError: when it is too large.
    """
    cards, arrows = list(drawing.cards), list(drawing.arrows)
    number = {card.id: k for k, card in enumerate(cards)}
    entering = [0] * len(cards)
    for arrow in arrows:
        entering[number[arrow.target]] += 1
    more = BESIDE * max(len(drawing.groups) - 1, 0)
    spacing = SPACING._replace(ways=SPACING.ways + more, edge=SPACING.edge + more / 2.0)
    sizes = []
    for card, count in zip(cards, entering, strict=True):
        height = max(_height(card), 2.0 * spacing.edge + 16.0 * (count - 1))
        sizes.append(Size(_width(card), height / 2.0, height / 2.0))
    links = [Link(number[a.source], number[a.target], _label_size(a)) for a in arrows]
    # a long chain that reads a leaf at every step would have a way for each of them along the whole
    pull = len(cards) > 40
    made = arrange(sizes, links, spacing, keep_order=drawing.keep_order, pull=pull)
    starts = positions(made, _gaps(made))
    top = min((item.first for item in made.items), default=0.0)
    bottom = max((item.last for item in made.items), default=0.0)
    x0, y0 = MARGIN, MARGIN + (2.2 * TITLE if drawing.title else 0.0) - top
    boxes = []
    for k in range(len(cards)):
        item = made.items[k]
        boxes.append(
            Box(x0 + starts[item.column], y0 + item.first, made.depth(item.column), item.last - item.first)
        )
    curves, labels = [], []
    for k in range(len(arrows)):
        curve, label = _curve(made, starts, k, x0, y0)
        curves.append(curve)
        labels.append(label)
    width = (starts[-1] + made.depth(len(starts) - 1) if starts else 0.0) + 2.0 * MARGIN
    own = _own(made, [(arrow.marked is True, arrow.groups) for arrow in arrows])
    return Placed(boxes, curves, own, labels, width, y0 + bottom + MARGIN)


def _own(made: Arrangement, marked: Sequence[object]) -> list[int]:
    """Return per link the first point of its curve that no link before it draws."""
    drawn: set[tuple[int, int, object]] = set()
    found = []
    for route, mark in zip(made.routes, marked, strict=True):
        pieces = [(a, b, mark) for a, b in pairwise(route)]
        shared = next(n for n, piece in enumerate(pieces) if piece not in drawn)
        drawn.update(pieces)
        # a bend and a level piece for every item that is passed
        found.append(6 * shared)
    return found


def graph_picture(drawing: Drawing) -> Picture:
    """Return the picture of a drawing.

    Raises:
        UsageError: when it is too large.
    """
    drawing = drawing.settled()
    placed = place(drawing)
    cards, arrows = list(drawing.cards), list(drawing.arrows)
    shapes: list[Shape] = []
    title = shortened(printable(drawing.title), 90)
    if title:
        shapes.append(Label(MARGIN, MARGIN + TITLE, title, TITLE, bold=True))
    order = sorted(range(len(arrows)), key=lambda k: arrows[k].marked is True)
    for k in order:
        curve = placed.curves[k][placed.own[k] :]
        shapes += _lines(arrows[k], curve)
        if arrows[k].two_way:
            shapes += _lines(arrows[k], curve[::-1])
    for card, box in zip(cards, placed.boxes, strict=True):
        shapes += _box(card, box)
    for arrow, at in zip(arrows, placed.labels, strict=True):
        if at is not None:
            shapes += _label(arrow, at)
    height = placed.height
    width = max(placed.width, 2.0 * MARGIN + text_width(title, TITLE, bold=True))
    for k, text in enumerate(drawing.groups):
        text = shortened(printable(text), 150)
        points = ((MARGIN, height - 4.0), (MARGIN + SAMPLE, height - 4.0))
        shapes.append(Path(points, PATTERNS[k].role, 3.0, PATTERNS[k].dash))
        shapes.append(Label(MARGIN + SAMPLE + 8.0, height, text, SMALL, "muted"))
        height += 18.0
        width = max(width, 2.0 * MARGIN + SAMPLE + 8.0 + text_width(text, SMALL))
    for text in drawing.legend:
        text = shortened(printable(text), 150)
        shapes.append(Label(MARGIN, height, text, SMALL, "muted"))
        height += 18.0
        width = max(width, 2.0 * MARGIN + text_width(text, SMALL))
    height += MARGIN / 2.0 if drawing.legend or drawing.groups else 0.0
    return Picture(round(width), round(height), tuple(shapes), drawing.title, drawing.description)


# sizes


def heading_of(card: Card) -> str:
    """Return the heading as it is shown."""
    return shortened(printable(card.heading), HEADING)


def label_of(arrow: Arrow) -> tuple[str, str]:
    """Return the label as it is shown: over and under the line; a number is whole."""
    over, under = printable(arrow.label), arrow.detail
    if len(over) > LABEL and arrow.number and not under:
        over, under = printable(arrow.symbol), f"= {arrow.number}"
    return shortened(over, LABEL), shortened(printable(under), LABEL)


def _row_name(name: str) -> str:
    return shortened(printable(name), 22)


def _width(card: Card) -> float:
    rows = [
        text_width(_row_name(row.name), TEXT) + text_width(row.text, TEXT, bold=True) + 20.0
        for row in card.rows
    ]
    heading = 1.12 * text_width(heading_of(card), TEXT + 1.0, bold=True)
    return max([heading, 56.0, *rows]) + 2.0 * _inside(card)


def _height(card: Card) -> float:
    return LINE * (1 + len(card.rows)) + 16.0 + 2.0 * (_inside(card) - INSIDE)


def _inside(card: Card) -> float:
    """Return the room between a box and its texts, with that of further outlines."""
    return INSIDE + RING * max(len(card.groups) - 1, 0)


def _label_size(arrow: Arrow) -> Size | None:
    over, under = label_of(arrow)
    if not over and not under:
        return None
    width = max(text_width(over, TEXT), text_width(under, SMALL))
    aside = BESIDE / 2.0 * max(len(arrow.groups) - 1, 0)
    return Size(width + 8.0, (19.0 if over else 4.0) + aside, (16.0 if under else 4.0) + aside)


def _gaps(made: Arrangement) -> list[float]:
    """Return the rooms between columns, wider where ways bend more."""
    steepest = [0.0] * len(made.columns)
    for k, route in enumerate(made.routes):
        for n, (a, b) in enumerate(pairwise(route), 1):
            column = made.items[a].column
            rise = abs(made.entry(k, n) - made.items[a].at)
            # an arrow enters a box level: it needs more room to bend
            steepest[column] = max(steepest[column], rise if b != route[-1] else 2.0 * rise)
    return [min(30.0 + 0.22 * rise, 110.0) for rise in steepest]


def _curve(
    made: Arrangement, starts: Sequence[float], link: int, x0: float, y0: float
) -> tuple[tuple[Point, ...], Point | None]:
    """Return the way of an arrow: level within columns, bent between them."""
    route = made.routes[link]
    label: Point | None = None
    source = made.items[route[0]]
    x = x0 + starts[source.column] + made.depth(source.column)
    y = y0 + source.at
    points = [(x, y)]
    for n, i in enumerate(route[1:], 1):
        item = made.items[i]
        begin = x0 + starts[item.column]
        level = y0 + made.entry(link, n)
        half = (begin - x) / 2.0
        points += [(x + half, y), (begin - half, level), (begin, level)]
        x, y = begin, level
        if n < len(route) - 1:
            end = begin + made.depth(item.column)
            third = (end - begin) / 3.0
            points += [(begin + third, level), (end - third, level), (end, level)]
            x = end
            if item.kind == "label":
                label = (begin + end) / 2.0, level
    return tuple(points), label


# shapes


def beside(curve: Sequence[Point], distance: float) -> tuple[Point, ...]:
    """Return a curve that runs beside another one; all pieces begin and end level."""
    points = [(curve[0][0], curve[0][1] + distance)]
    for k in range(1, len(curve), 3):
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = curve[k - 1 : k + 3]
        # in the middle of a bend the way to the side is across the slope there
        back = distance * tan(atan2(2.0 * (y3 - y0), x3 + x2 - x1 - x0) / 2.0) / 0.75
        points += [(x1 - back, y1 + distance), (x2 - back, y2 + distance), (x3, y3 + distance)]
    return tuple(points)


def strands(arrow: Arrow, curve: tuple[Point, ...]) -> Iterator[tuple[Pattern, tuple[Point, ...]]]:
    """Yield the lines of a marked arrow: one beside the other for the groups that it belongs to."""
    groups = arrow.groups or (0,)
    for k, group in enumerate(groups):
        pattern = PATTERNS[group] if arrow.taken else PATTERNS[group]._replace(dash=IDLE_DASH)
        yield pattern, beside(curve, BESIDE * (k - (len(groups) - 1) / 2.0))


def _lines(arrow: Arrow, curve: tuple[Point, ...]) -> Iterator[Path]:
    if arrow.marked:
        width = 3.0 if len(arrow.groups) < 2 else 2.2
        for pattern, line in strands(arrow, curve):
            yield Path(line, pattern.role, width, pattern.dash, arrow=True, curve=True)
        return
    opacity = 0.45 if arrow.marked is False else 1.0
    dash = () if arrow.taken else IDLE_DASH
    yield Path(curve, "muted", 1.4, dash, opacity=opacity, arrow=True, curve=True)


def outlines(card: Card, box: Box) -> Iterator[tuple[Pattern, Box]]:
    """Yield the outlines of a box, one within the other for the groups that it belongs to."""
    for k, group in enumerate(reversed(card.groups)):
        room = RING * k
        size = box.width - 2.0 * room, box.height - 2.0 * room
        yield PATTERNS[group], Box(box.x + room, box.y + room, *size, radius=max(box.radius - room, 2.0))


def _box(card: Card, box: Box) -> list[Shape]:
    faint = card.marked is False
    accent = "grid" if faint else "mark" if card.marked else ACCENT[card.kind]
    line = 2.4 if card.marked or card.kind == "output" else 1.5
    shapes: list[Shape] = [box._replace(stroke=None, fill="paper")]
    if card.kind in ("input", "output") and not faint:
        shapes.append(box._replace(stroke=None, fill=ACCENT[card.kind], opacity=0.08))
    # stroke alone: the tint would lie over half of it
    lines = [
        out._replace(stroke=pattern.role, line=2.4, dash=pattern.dash) for pattern, out in outlines(card, box)
    ]
    shapes += [out._replace(fill=None) for out in lines or [box._replace(stroke=accent, line=line)]]
    text: Role = "muted" if faint else "ink"
    inside = _inside(card)
    y = box.y + (box.height - _height(card)) / 2.0 + (inside - INSIDE) + 8.0 + 14.0
    middle = not card.rows
    x = box.x + (box.width / 2.0 if middle else inside)
    anchor = "middle" if middle else "start"
    shapes.append(Label(x, y, heading_of(card), TEXT + 1.0, text, anchor, bold=True))  # type: ignore[arg-type]
    for row in card.rows:
        y += LINE
        shapes.append(Label(box.x + inside, y, _row_name(row.name), TEXT, "muted"))
        shapes.append(
            Label(
                box.x + box.width - inside,
                y,
                row.text,
                TEXT,
                "muted" if faint else row.role,
                "end",
                bold=True,
            )
        )
    return shapes


def _label(arrow: Arrow, at: Point) -> list[Shape]:
    over, under = label_of(arrow)
    role: Role = "muted" if arrow.marked is False else arrow.role
    x, y = at
    aside = BESIDE / 2.0 * max(len(arrow.groups) - 1, 0)
    shapes: list[Shape] = []
    if over:
        shapes.append(Label(x, y - 6.0 - aside, over, TEXT, role, "middle"))
    if under:
        shapes.append(Label(x, y + 13.0 + aside, under, SMALL, "muted", "middle"))
    return shapes
