"""A picture as data: shapes in a plane, drawn by SVG, PNG and GIF alike.

Units are pixels of the picture at its own size; x grows to the right, y downwards. Colours are
roles of a closed palette, so that every renderer (and a dark page) can choose its own.
"""

from __future__ import annotations

from math import hypot
from typing import Literal, NamedTuple

Role = Literal[
    "ink",  # text and outlines
    "muted",  # axes' texts, secondary lines
    "grid",
    "paper",
    "first",  # series, told apart with every kind of colour vision
    "second",
    "third",
    "fourth",
    "fifth",
    "positive",  # by sign
    "negative",
    "zero",
    "mark",  # what is pointed out: a path, a tangent, the best
]
Point = tuple[float, float]


class Path(NamedTuple):
    """A line through points; closed and filled where ``fill`` is given.

    Attributes:
        points: At least two.
        stroke: Its colour; None for no outline.
        width: Of the line.
        dash: Lengths of dash and gap; () for a solid line.
        fill: Colour of the inside; None for an open line.
        opacity: Of line and inside.
        arrow: An arrow head at the last point.
        curve: The points are a start and triples of control, control, end of cubic Bezier pieces.
    """

    points: tuple[Point, ...]
    stroke: Role | None = "ink"
    width: float = 1.5
    dash: tuple[float, ...] = ()
    fill: Role | None = None
    opacity: float = 1.0
    arrow: bool = False
    curve: bool = False


class Box(NamedTuple):
    """A rectangle with round corners."""

    x: float
    y: float
    width: float
    height: float
    stroke: Role | None = "ink"
    fill: Role | None = "paper"
    radius: float = 6.0
    line: float = 1.5
    opacity: float = 1.0
    dash: tuple[float, ...] = ()


class Dot(NamedTuple):
    """A filled circle."""

    x: float
    y: float
    radius: float = 4.0
    fill: Role = "first"
    stroke: Role | None = "paper"


class Label(NamedTuple):
    """A line of text; ``anchor`` says which part of it stands at x, y is its baseline.

    Attributes:
        halo: A border in the colour of the paper keeps it legible over lines.
        turn: Degrees, clockwise.
    """

    x: float
    y: float
    text: str
    size: float = 13.0
    role: Role = "ink"
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False
    halo: bool = False
    turn: float = 0.0


Shape = Path | Box | Dot | Label


class Picture(NamedTuple):
    """Shapes, later ones over earlier ones.

    Attributes:
        title: One line, for the page and for those who cannot see it.
        description: What is to be seen, in a sentence or a few.
    """

    width: float
    height: float
    shapes: tuple[Shape, ...]
    title: str
    description: str


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return about how wide a text is, on the safe side, in pixels."""
    narrow = sum(c in "iljtfrI.,:;'|!()[] " for c in text)
    wide = sum(c in "mwMW@%" or not c.isascii() for c in text)
    return size * (0.58 * (len(text) - narrow - wide) + 0.36 * narrow + 0.9 * wide) * (1.06 if bold else 1.0)


def arrow(path: Path) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """Return the points of a line, shortened for its arrow head, and the head's corners, if it has one."""
    if not path.arrow:
        return path.points, ()
    tip = path.points[-1]
    before = next((p for p in reversed(path.points[:-1]) if p != tip), None)
    if before is None:
        return path.points, ()
    length = hypot(tip[0] - before[0], tip[1] - before[1])
    along = (tip[0] - before[0]) / length, (tip[1] - before[1]) / length
    size = 4.0 + 2.5 * path.width
    size = size if path.curve else min(size, 0.7 * length)
    base = tip[0] - along[0] * size, tip[1] - along[1] * size
    side = -along[1] * size * 0.42, along[0] * size * 0.42
    head = (tip, (base[0] + side[0], base[1] + side[1]), (base[0] - side[0], base[1] - side[1]))
    end = tip[0] - along[0] * size * 0.8, tip[1] - along[1] * size * 0.8  # no gap at the base
    return (*path.points[:-1], end), head
