"""Where the boxes and arrows of a graph stand: in one row, in several below one another, or downwards.

A graph that is long for its height is folded: its columns become rows, each from left to right, and what
leads from a row into the next turns down beside it, goes back between the two, and turns down again. Ways
keep their order at both turns, so none of them crosses another one there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterator, Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

from ..errors import printable, shortened
from .drawing import Arrow, Card, Drawing
from .layered import Arrangement, Link, Size, Spacing, arrange, positions, settle
from .picture import Box, Point, text_width

MARGIN = 28.0
TITLE = 17.0
TEXT = 13.0
SMALL = 12.0
LINE = 19.0
INSIDE = 11.0
"""Between a box and its texts."""

RING = 4.0
"""Between the outlines of a box that lies on paths of several groups."""

BESIDE = 6.5
"""Between the lines of an arrow that lies on paths of several groups."""

ASIDE = 6.0
"""Between an arrow that goes down and its label."""

HEADING, LABEL = 34, 26
"""Longest texts in a box and at an arrow."""

SPACING = Spacing(nodes=26.0, ways=10.0, port=24.0, edge=14.0)

ACROSS, DOWNWARDS = (30.0, 0.22, 110.0), (16.0, 0.16, 70.0)
"""Between columns the least room, what each pixel of a bend adds and the most: boxes are wider than high."""

WIDEST = 2.5
"""Of width to height, and of height to width, where the direction is free."""

LEGIBLE = 1100.0
"""Wide, a row is no smaller on a page than it would be folded."""

PAGE = 1.5
"""Width to height of what a folded graph is to fill."""

MANY = 40
"""Boxes, with more of which leaves stand where they are read: else there is a long way for each."""

SLACK = 1.15
"""How much longer a row may be than it has to, for fewer ways between rows."""

ROUND, ARC = 9.0, 0.5523
"""Radius of a turn; how far the controls of a quarter of a circle are from its ends."""


class Placed(NamedTuple):
    """Where cards and arrows are, in pixels of the picture.

    Attributes:
        boxes: Per card.
        curves: Per arrow: a start and triples of control, control, end.
        own: Per arrow: the first point from which its way is its own, or its mark is.
        labels: Per arrow: the middle of its label's lower edge, on the line; None without a label. Of an
            arrow that goes down: the middle of its left edge, on the line.
        width: Of all.
        height: Of all.
        down: Arrows go down.
    """

    boxes: list[Box]
    curves: list[tuple[Point, ...]]
    own: list[int]
    labels: list[Point | None]
    width: float
    height: float
    down: bool = False

    @property
    def fits(self) -> bool:
        """Whether neither side is too long for the other."""
        return self.height / WIDEST <= self.width <= self.height * WIDEST

    @property
    def scale(self) -> float:
        """How small it gets on a page."""
        return max(self.width, self.height * PAGE)


SHARED = 15
"""Points of a turn as far as all ways from one item go together: to its last corner."""


class _Turn(NamedTuple):
    """The way from a row into the next: down at ``right``, back along ``level``, down at ``left``."""

    right: float
    level: float
    left: float


class _Sheet(NamedTuple):
    """Where columns are, along the arrows and across them.

    Attributes:
        made: What stands in them.
        starts: Per column, where it begins along.
        rises: Per column, where its axis is across.
        turns: Per item of a row's last column with a way into the next row.
        length: Of all, along.
        breadth: Of all, across.
    """

    made: Arrangement
    starts: list[float]
    rises: list[float]
    turns: dict[int, _Turn]
    length: float
    breadth: float


def place(drawing: Drawing) -> Placed:
    """Lay a drawing out, below room for the title.

    Its direction is ``LR`` for one row from left to right, ``TB`` for downwards, ``auto`` for a row where
    that is not too wide, else for several rows or downwards, whichever is larger on a page.

    Raises:
        UsageError: when it is too large.
    """
    if drawing.direction == "TB":
        return _downwards(drawing)
    cards = list(drawing.cards)
    made, spacing = _arranged(drawing, down=False, pull=len(cards) > MANY)
    row = _placed(drawing, made, spacing, ())
    if drawing.direction == "LR" or row.width <= max(WIDEST * row.height, LEGIBLE):
        return row
    if len(cards) <= MANY:
        made, spacing = _arranged(drawing, down=False, pull=True)
    down = _downwards(drawing)
    if down.fits and drawing.keep_order:  # layers of a network lie below one another, but are not folded
        return down
    found = [down, *_folded(drawing, made, spacing)]
    return min([each for each in found if each.fits] or [row, *found], key=lambda each: each.scale)


def _arranged(drawing: Drawing, *, down: bool, pull: bool) -> tuple[Arrangement, Spacing]:
    cards, arrows = list(drawing.cards), list(drawing.arrows)
    number = {card.id: k for k, card in enumerate(cards)}
    entering = [0] * len(cards)
    for arrow in arrows:
        entering[number[arrow.target]] += 1
    more = BESIDE * max(len(drawing.groups) - 1, 0)
    spacing = SPACING._replace(ways=SPACING.ways + more, edge=SPACING.edge + more / 2.0)
    sizes = []
    for card, count in zip(cards, entering, strict=True):
        width, height = _width(card), height_of(card)
        across = max(width if down else height, 2.0 * spacing.edge + 16.0 * (count - 1))
        sizes.append(Size(height if down else width, across / 2.0, across / 2.0))
    links = [Link(number[a.source], number[a.target], _label_size(a, down=down)) for a in arrows]
    return arrange(sizes, links, spacing, keep_order=drawing.keep_order, pull=pull), spacing


def _downwards(drawing: Drawing) -> Placed:
    made, spacing = _arranged(drawing, down=True, pull=len(list(drawing.cards)) > MANY)
    return _placed(drawing, made, spacing, (), down=True)


def _folded(drawing: Drawing, made: Arrangement, spacing: Spacing) -> Iterator[Placed]:
    """Yield the drawing in some numbers of rows, about those that fill a page."""
    gaps = _gaps(made)
    flat = _sheet(made, spacing, (), gaps)
    likely = round((flat.length / flat.breadth / PAGE) ** 0.5)
    cuts = (
        _cuts(made, gaps, rows, slack)
        for rows in range(max(2, likely - 1), likely + 4)
        for slack in (1.0, SLACK)
    )
    for each in dict.fromkeys(cuts):
        settle(made, spacing, each)
        yield _placed(drawing, made, spacing, each)


def _cuts(made: Arrangement, gaps: Sequence[float], rows: int, slack: float) -> tuple[int, ...]:
    """Return the columns that begin a row: as few ways turn there as can be.

    So many rows are not longer than they have to be, times ``slack``. A label stands in the column before
    its arrow's target, so a row begins with labels or has none.
    """
    labels = {item.column for item in made.items if item.kind == "label"}
    last = len(made.columns)
    free = [c for c in range(1, last) if c in labels or not labels]
    starts = positions(made, gaps)
    ends = [start + made.depth(c) for c, start in enumerate(starts)]

    def count(room: float) -> int:
        begin, found = 0, 1
        for c, after in pairwise([*free, last]):
            if ends[after - 1] - starts[begin] > room:
                begin, found = c, found + 1
        return found

    rooms = sorted({ends[b - 1] - starts[a] for a, b in combinations([0, *free, last], 2)})
    least = bisect_left(rooms, True, key=lambda room: count(room) <= rows)
    room = slack * rooms[min(least, len(rooms) - 1)]
    best: dict[int, tuple[int, tuple[int, ...]]] = {0: (0, ())}
    for c in [*free, last]:
        turning = len(_turning(made, c)) if c < last else 0
        ways = [
            (turns + turning, (*cuts, c))
            for a, (turns, cuts) in best.items()
            if ends[c - 1] - starts[a] <= room
        ]
        if ways:
            best[c] = min(ways)
    return best[last][1][:-1] if last in best else ()


def _sheet(made: Arrangement, spacing: Spacing, cuts: Sequence[int], gaps: Sequence[float]) -> _Sheet:
    """Return where columns are; some of them begin a row below the others."""
    starts = positions(made, gaps)
    rises = [0.0] * len(starts)
    turning = [_turning(made, c) for c in cuts]
    most = max(map(len, turning), default=0)
    room = (most - 1) * spacing.ways + 2.0 * ROUND + 4.0 if most else 0.0
    turns: dict[int, _Turn] = {}
    length = across = 0.0
    for k, (a, b) in enumerate(pairwise((0, *cuts, len(starts)))):
        items = [made.items[i] for c in range(a, b) for i in made.columns[c]]
        if k:
            ways = turning[k - 1]
            breadth = (len(ways) - 1) * spacing.ways
            end = starts[a - 1] + made.depth(a - 1)
            across += ROUND
            for n, i in enumerate(reversed(ways)):  # the lowest is the innermost
                step = n * spacing.ways
                left = room - ROUND - 4.0 - (breadth - step)
                turns[i] = _Turn(end + ROUND + 2.0 + step, across + step, left)
            across += breadth + ROUND + spacing.nodes / 2.0
        shift = room - starts[a]
        top = min((item.first for item in items), default=0.0)
        for c in range(a, b):
            starts[c] += shift
            rises[c] = across - top
        across += max((item.last for item in items), default=0.0) - top + spacing.nodes / 2.0 * bool(cuts)
        length = max(length, starts[b - 1] + made.depth(b - 1)) if b else 0.0
    return _Sheet(made, starts, rises, turns, length + room, across)


def _turning(made: Arrangement, column: int) -> list[int]:
    """Return the items before a column with a way into it, in their order across."""
    leading = {
        route[n]
        for route in made.routes
        if 0 <= (n := column - 1 - made.items[route[0]].column) < len(route) - 1
    }
    return [i for i in made.columns[column - 1] if i in leading]


def _placed(
    drawing: Drawing, made: Arrangement, spacing: Spacing, cuts: Sequence[int], *, down: bool = False
) -> Placed:
    sheet = _sheet(made, spacing, cuts, _gaps(made, down=down))
    cards, arrows = list(drawing.cards), list(drawing.arrows)
    title = 2.2 * TITLE if drawing.title else 0.0
    x0, y0 = (MARGIN + title, MARGIN) if down else (MARGIN, MARGIN + title)
    boxes, curves, labels, own = [], [], [], []
    for k in range(len(cards)):
        item = made.items[k]
        along, across = x0 + sheet.starts[item.column], y0 + sheet.rises[item.column] + item.first
        sides = made.depth(item.column), item.last - item.first
        boxes.append(Box(across, along, *sides[::-1]) if down else Box(along, across, *sides))
    drawn: set[Hashable] = set()
    for k, arrow in enumerate(arrows):
        curve: list[Point] = []
        first, label = None, None
        for pieces in _way(sheet, k):
            key = (pieces.key, arrow.marked is True, arrow.groups)
            if first is None and key not in drawn:
                first = max(len(curve) - 1, 0)
            drawn.add(key)
            curve += [(x0 + x, y0 + y) for x, y in pieces.points]
            label = label or (pieces.label and (x0 + pieces.label[0], y0 + pieces.label[1]))
        curves.append(tuple((y, x) for x, y in curve) if down else tuple(curve))
        labels.append(label[::-1] if down and label else label)
        own.append(first or 0)
    width, height = x0 + sheet.length + MARGIN, y0 + sheet.breadth + MARGIN
    return Placed(boxes, curves, own, labels, *((height, width) if down else (width, height)), down)


class _Piece(NamedTuple):
    """A piece of a way: what it is a piece of, its points, and where its label's middle is."""

    key: Hashable
    points: list[Point]
    label: Point | None = None


def _way(sheet: _Sheet, link: int) -> Iterator[_Piece]:
    """Yield the way of an arrow: level within columns, bent between them, turned between rows."""
    made = sheet.made
    route = made.routes[link]
    item = made.items[route[0]]
    here = sheet.starts[item.column] + made.depth(item.column), sheet.rises[item.column] + item.at
    begun = [here]
    for n, (before, i) in enumerate(pairwise(route), 1):
        item = made.items[i]
        there = sheet.starts[item.column], sheet.rises[item.column] + made.entry(link, n)
        points = _bend(here, there)
        if there[0] < here[0]:
            turned = _turned(here, sheet.turns[before], there)
            yield _Piece((before, "turn"), begun + turned[:SHARED])
            begun, points = [], turned[SHARED:]
        label = None
        here = there
        if i != route[-1]:
            here = there[0] + made.depth(item.column), there[1]
            points += _straight(there, here)
            label = ((there[0] + here[0]) / 2.0, here[1]) if item.kind == "label" else None
        yield _Piece((before, i), begun + points, label)
        begun = []


def _bend(a: Point, b: Point) -> list[Point]:
    half = (b[0] - a[0]) / 2.0
    return [(a[0] + half, a[1]), (b[0] - half, b[1]), b]


def _straight(a: Point, b: Point) -> list[Point]:
    third = (b[0] - a[0]) / 3.0, (b[1] - a[1]) / 3.0
    return [(a[0] + third[0], a[1] + third[1]), (b[0] - third[0], b[1] - third[1]), b]


def _turned(a: Point, turn: _Turn, b: Point) -> list[Point]:
    """Return a way with four round corners."""
    corners = [(turn.right, a[1]), (turn.right, turn.level), (turn.left, turn.level), (turn.left, b[1])]
    points, here = [], a
    for corner, after in zip(corners, [*corners[1:], b], strict=True):
        begin, end = _towards(corner, here), _towards(corner, after)
        points += _straight(here, begin)
        points += [_towards(begin, corner, ARC), _towards(end, corner, ARC), end]
        here = end
    return points + _straight(here, b)


def _towards(a: Point, b: Point, share: float = 1.0) -> Point:
    """Return the point so many radii from one towards another, on a line along an axis."""
    x, y = b[0] - a[0], b[1] - a[1]
    step = share * ROUND / max(abs(x), abs(y))
    return a[0] + step * x, a[1] + step * y


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


def row_name(name: str) -> str:
    """Return what stands before a number in a box, as it is shown."""
    return shortened(printable(name), 22)


def _width(card: Card) -> float:
    rows = [
        text_width(row_name(row.name), TEXT) + text_width(row.text, TEXT, bold=True) + 20.0
        for row in card.rows
    ]
    heading = 1.12 * text_width(heading_of(card), TEXT + 1.0, bold=True)
    return max([heading, 56.0, *rows]) + 2.0 * inside(card)


def height_of(card: Card) -> float:
    """Return how high a box is at least."""
    return LINE * (1 + len(card.rows)) + 16.0 + 2.0 * (inside(card) - INSIDE)


def inside(card: Card) -> float:
    """Return the room between a box and its texts, with that of further outlines."""
    return INSIDE + RING * max(len(card.groups) - 1, 0)


def aside(arrow: Arrow) -> float:
    """Return how far the outermost of an arrow's lines is from its axis."""
    return BESIDE / 2.0 * max(len(arrow.groups) - 1, 0)


def _label_size(arrow: Arrow, *, down: bool) -> Size | None:
    over, under = label_of(arrow)
    if not over and not under:
        return None
    width, more = max(text_width(over, TEXT), text_width(under, SMALL)), aside(arrow)
    if down:
        return Size(LINE * (bool(over) + bool(under)) + 8.0, 4.0 + more, ASIDE + width + more)
    return Size(width + 8.0, (19.0 if over else 4.0) + more, (16.0 if under else 4.0) + more)


def _gaps(made: Arrangement, *, down: bool = False) -> list[float]:
    """Return the rooms between columns, wider where ways bend more."""
    steepest = [0.0] * len(made.columns)
    for k, route in enumerate(made.routes):
        for n, (a, b) in enumerate(pairwise(route), 1):
            column = made.items[a].column
            rise = abs(made.entry(k, n) - made.items[a].at)
            # an arrow enters a box level: it needs more room to bend
            steepest[column] = max(steepest[column], rise if b != route[-1] else 2.0 * rise)
    least, share, most = DOWNWARDS if down else ACROSS
    return [min(least + share * rise, most) for rise in steepest]
