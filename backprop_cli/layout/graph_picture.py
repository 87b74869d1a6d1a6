"""A drawing of a graph as a picture: boxes, curved arrows, labels on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import atan2, tan
from typing import Literal

from ..errors import printable, shortened
from .drawing import PATTERNS, Arrow, Card, Drawing, Pattern
from .graph_places import (
    ASIDE,
    BESIDE,
    INSIDE,
    LINE,
    MARGIN,
    RING,
    SMALL,
    TEXT,
    TITLE,
    aside,
    heading_of,
    height_of,
    inside,
    label_of,
    place,
    row_name,
)
from .picture import Box, Label, Path, Picture, Point, Role, Shape, text_width

SAMPLE = 46.0
"""Of a line in a legend."""

IDLE_DASH = (5.0, 4.0)

ACCENT: dict[str, Role] = {"input": "first", "constant": "grid", "step": "muted", "output": "third"}


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
            shapes += labels(arrow, at, down=placed.down)
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


# shapes


def beside(curve: Sequence[Point], distance: float) -> tuple[Point, ...]:
    """Return a curve that runs beside another one, whose pieces go on in the direction of the one before."""
    points: list[Point] = []
    for k in range(1, len(curve), 3):
        p0, p1, p2, p3 = (complex(*p) for p in curve[k - 1 : k + 3])
        start, middle, end = p1 - p0, p3 + p2 - p1 - p0, p3 - p2
        start, end = start / abs(start), end / abs(end)
        # in the middle of a bend the way to the side is across the slope there
        turns = (middle * start.conjugate(), end * middle.conjugate())
        before, after = (tan(atan2(turn.imag, turn.real) / 2.0) / 0.75 for turn in turns)
        moved = (
            p0 + distance * 1j * start,
            p1 + distance * (1j - before) * start,
            p2 + distance * (1j + after) * end,
            p3 + distance * 1j * end,
        )
        points += [(p.real, p.imag) for p in (moved[1:] if points else moved)]
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
    edge = inside(card)
    y = box.y + (box.height - height_of(card)) / 2.0 + (edge - INSIDE) + 8.0 + 14.0
    middle = not card.rows
    x = box.x + (box.width / 2.0 if middle else edge)
    anchor: Literal["start", "middle"] = "middle" if middle else "start"
    shapes.append(Label(x, y, heading_of(card), TEXT + 1.0, text, anchor, bold=True))
    for row in card.rows:
        y += LINE
        shapes.append(Label(box.x + edge, y, row_name(row.name), TEXT, "muted"))
        shapes.append(
            Label(
                box.x + box.width - edge,
                y,
                row.text,
                TEXT,
                "muted" if faint else row.role,
                "end",
                bold=True,
            )
        )
    return shapes


def labels(arrow: Arrow, at: Point, *, down: bool) -> list[Label]:
    """Return the texts of an arrow, beside its line."""
    over, under = label_of(arrow)
    role: Role = "muted" if arrow.marked is False else arrow.role
    (x, y), away = at, aside(arrow)
    if down:
        x, first, second = x + ASIDE + away, y + (-4.5 if under else 4.5), y + (13.0 if over else 4.5)
    else:
        first, second = y - 6.0 - away, y + 13.0 + away
    anchor: Literal["start", "middle"] = "start" if down else "middle"
    shapes: list[Label] = []
    if over:
        shapes.append(Label(x, first, over, TEXT, role, anchor))
    if under:
        shapes.append(Label(x, second, under, SMALL, "muted", anchor))
    return shapes
