"""A drawing in characters: boxes and lines from left to right, else from top to bottom, else a list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

from ..errors import UsageError, printable, shortened
from ..layout.drawing import IDLE, PATTERNS, Arrow, Card, Drawing
from ..layout.layered import Arrangement, Link, Size, Spacing, arrange, positions
from ..layout.tracks import Net, nets, tracks, untangle
from .palette import painted
from .terminal import lines_of

Form = Literal["across", "down", "list"]

ACROSS = Spacing(nodes=1.0, ways=1.0, port=1.0, edge=1.0)
DOWN = Spacing(nodes=3.0, ways=2.0, port=2.0, edge=1.0)
FORMS: tuple[tuple[Form, bool], ...] = (("across", False), ("across", True), ("down", False))
"""Forms in the order in which they are tried; tight ones spare a column where ways bend."""

DIRECTION = {"across": "LR", "down": "TB"}
"""Of forms."""

# where a legend speaks of boxes and arrows, and how a list says it
LISTED = (
    ("a box a layer", "a line a layer"),
    ("in a box", "beside a name"),
    ("in a unit", "beside a unit"),
    ("at an arrow", 'at a "from"'),
)

HEADS = {True: "►▼◄▲", False: ">v<^"}
"""Of arrows across and down, and of their ways back."""

# of groups of paths: level and steep pieces, in ASCII and with box characters
LEVEL, STEEP = {False: "=~*:@", True: "━═╍┉┅"}, {False: "#%*:@", True: "┃║╏┋┇"}
DOUBLE = str.maketrans("┏┓┗┛┣┫┳┻╋━┃", "╔╗╚╝╠╣╦╩╬═║")

IDLE_HEAD = {True: "○", False: "o"}
HEADING, LABEL = 34, 24

# by weights (0 none, 1 light, 2 heavy) of up, right, down, left, read as a number to the base 3
LINES = " ╴╸╷╮┑╻┒┓╶─╾╭┬┭┎┰┱╺╼━┍┮┯┏┲┳╵╯┙│┤┥╽┧┪╰┴┵├┼┽┟╁╅┕┶┷┝┾┿┢╆╈╹┚┛╿┦┩┃┨┫┖┸┹┞╀╃┠╂╉┗┺┻┡╄╇┣╊╋"
UP, RIGHT, BELOW, LEFT = 27, 9, 3, 1


class Drawn(NamedTuple):
    """A text and how it came out.

    Attributes:
        text: Lines, each with its end.
        form: Which form fitted.
        widths: Columns that the forms before it would have taken.
    """

    text: str
    form: Form
    widths: tuple[int, ...]


def graph_text(drawing: Drawing, width: int, *, unicode: bool, color: int, form: Form | None = None) -> Drawn:
    """Draw with characters, in the first form that fits.

    Args:
        drawing: What to draw.
        width: Columns there are.
        unicode: Draw with box characters; else in ASCII.
        color: How many colours there are; 0 for none.
        form: The one form to draw in, as wide as it is.
    """
    drawing = drawing.settled()
    variants = [drawing, drawing.without_details()] if drawing.details and form is None else [drawing]
    widths: list[int] = []
    for variant in variants:
        for each, tight in FORMS:
            if form not in (None, each) or drawing.direction not in ("auto", DIRECTION[each]):
                continue
            try:
                grid = _draw(variant, each == "down", unicode, tight)
            except UsageError:  # too entangled for lines of characters
                continue
            if grid.width <= width or form is not None:
                variant = variant._replace(legend=_renamed(variant.legend, _idle_words(unicode)))
                return Drawn(_page(variant, grid.lines(color), width, color, unicode), each, tuple(widths))
            widths.append(grid.width)
    body = _list(drawing, width, unicode, color)
    legend = [text for text in drawing.legend if not text.startswith(IDLE)]  # a list has no arrows
    drawing = drawing._replace(legend=_renamed(legend, LISTED))
    return Drawn(_page(drawing, body, width, color, unicode, listed=True), "list", tuple(widths))


def _renamed(legend: Sequence[str], words: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    for drawn, listed in words:
        legend = [text.replace(drawn, listed) for text in legend]
    return tuple(legend)


def _idle_words(unicode: bool) -> list[tuple[str, str]]:
    return [(IDLE, f"an arrow that ends in {IDLE_HEAD[unicode]}")]


def _page(
    drawing: Drawing, body: list[str], width: int, color: int, unicode: bool, *, listed: bool = False
) -> str:
    title = shortened(printable(drawing.title), max(width, 20))
    lines = [painted(title, "strong", color), ""] if title else []
    lines += [*body, ""]
    for k, text in enumerate(drawing.groups):
        mark = str(k + 1) if listed else LEVEL[unicode][k] * 4
        lines.append(f"{painted(mark, PATTERNS[k].role, color)} {printable(text)}")
    for text in map(printable, drawing.legend):
        lines += [painted(text[start:end], "muted", color) for start, end in lines_of(text, width)]
    return "".join(f"{line}\n" for line in lines)


# the grid


class _Line:
    """What passes a cell."""

    __slots__ = ("groups", "heavy", "net", "sides")

    def __init__(self, net: int) -> None:
        self.net = net
        self.sides = 0
        self.heavy = 0
        self.groups: tuple[int, ...] = ()


class _Grid:
    """Cells with characters, and lines under them."""

    def __init__(self, down: bool, unicode: bool, tight: bool) -> None:
        self.down = down
        self.tight = tight
        self.unicode = unicode
        self.texts: dict[tuple[int, int], tuple[str, str | None]] = {}
        self.ways: dict[tuple[int, int], list[_Line]] = {}

    @property
    def width(self) -> int:
        """Columns that are used."""
        return max((x for x, _ in [*self.texts, *self.ways]), default=-1) + 1

    def write(self, x: int, y: int, text: str, style: str | None = None) -> None:
        """Put a text, left to right, in screen coordinates."""
        for k, c in enumerate(text):
            self.texts[x + k, y] = c, style

    def line(
        self,
        net: int,
        a: tuple[int, int],
        b: tuple[int, int],
        heavy: bool,
        groups: tuple[int, ...],
        *,
        opens: str = "",
    ) -> None:
        """Draw a straight piece between two places (along, across), both included.

        Args:
            net: What shares its cells; others cross it.
            a: Where it begins.
            b: Where it ends, not before ``a`` along.
            heavy: Draw it heavily.
            groups: Of paths that it belongs to.
            opens: With ``a`` or ``b`` in it, the line goes on there, along.
        """
        back, forward = (UP, BELOW) if self.down else (LEFT, RIGHT)
        for end, at, side in (("a", a, back), ("b", b, forward)):
            if end in opens:
                self._pass(net, self._screen(at), side, heavy, groups)
        (x0, y0), (x1, y1) = sorted((self._screen(a), self._screen(b)))
        flat = y0 == y1
        count = (x1 - x0) if flat else (y1 - y0)
        for k in range(count + 1):
            sides = 0
            if flat:
                sides = (LEFT if k else 0) + (RIGHT if k < count else 0)
            else:
                sides = (UP if k else 0) + (BELOW if k < count else 0)
            self._pass(net, (x0 + k, y0) if flat else (x0, y0 + k), sides, heavy, groups)

    def _screen(self, at: tuple[int, int]) -> tuple[int, int]:
        return (at[1], at[0]) if self.down else at

    def _pass(self, net: int, at: tuple[int, int], sides: int, heavy: bool, groups: tuple[int, ...]) -> None:
        here = self.ways.setdefault(at, [])
        line = next((line for line in here if line.net == net), None)
        if line is None:
            line = _Line(net)
            here.append(line)
        line.groups = tuple(sorted({*line.groups, *groups}))
        for side in (UP, RIGHT, BELOW, LEFT):
            if sides // side % 3:
                line.sides += side if not line.sides // side % 3 else 0
                line.heavy += side if heavy and not line.heavy // side % 3 else 0

    def lines(self, color: int) -> list[str]:
        """Return the rows."""
        cells = {at: self._character(at, lines) for at, lines in self.ways.items()} | self.texts
        height = max((y for _, y in cells), default=-1) + 1
        rows: list[list[tuple[str, str | None]]] = [[] for _ in range(height)]
        for (x, y), cell in sorted(cells.items()):
            rows[y] += [(" ", None)] * (x - len(rows[y]))
            rows[y].append(cell)
        return [
            "".join(
                painted("".join(c for c, _ in alike), style, color)
                for style, alike in groupby(row, key=lambda cell: cell[1])
            ).rstrip()
            for row in rows
        ]

    def _character(self, at: tuple[int, int], lines: list[_Line]) -> tuple[str, str | None]:
        # of two that cross, the one that goes up and down passes over the other: no corner is meant
        line = max(lines, key=lambda line: (line.sides in (UP + BELOW, UP, BELOW), line.heavy))
        style = "mark" if line.heavy else "muted"
        if line.heavy and line.groups:
            flat = not line.sides % (3 * BELOW) // BELOW and not line.sides // UP
            straight = flat or line.sides in (UP + BELOW, UP, BELOW)
            group = _turn(line.groups, sum(at) if straight else 0)
            style = PATTERNS[group].role
            if straight:
                return (LEVEL if flat else STEEP)[self.unicode][group], style
            corner = LINES[line.sides + line.heavy] if self.unicode else STEEP[False][group]
            return corner.translate(DOUBLE) if group == 1 else corner, style
        if self.unicode:
            return LINES[line.sides + line.heavy], style
        if not line.sides % (3 * BELOW) // BELOW and not line.sides // UP:
            return "=" if line.heavy else "-", style
        if line.sides in (UP + BELOW, UP, BELOW):
            return "#" if line.heavy else "|", style
        if line.sides in (BELOW + LEFT, BELOW + RIGHT):
            return "#" if line.heavy else ".", style
        if line.sides in (UP + LEFT, UP + RIGHT):
            return "#" if line.heavy else "'", style
        return "#" if line.heavy else "+", style


def _draw(drawing: Drawing, down: bool, unicode: bool, tight: bool) -> _Grid:
    cards, arrows = list(drawing.cards), list(drawing.arrows)
    number = {card.id: k for k, card in enumerate(cards)}
    entering = [0] * len(cards)
    for arrow in arrows:
        entering[number[arrow.target]] += 1
    spacing = DOWN if down else ACROSS
    sizes = [_size(card, count, down) for card, count in zip(cards, entering, strict=True)]
    links = [Link(number[a.source], number[a.target], _label_size(a, down)) for a in arrows]
    made = arrange(sizes, links, spacing, whole=True, keep_order=drawing.keep_order, pull=len(cards) > 40)
    if not untangle(made, spacing):
        raise UsageError("the graph is too entangled for lines of characters")
    top = min((item.first for item in made.items), default=0.0)
    for item in made.items:
        item.at -= top
    grid = _Grid(down, unicode, tight)
    starts = [int(x) for x in positions(made, [_room(grid, made, c) for c in range(len(made.columns) - 1)])]
    _ways(grid, made, starts, arrows)
    for k, arrow in enumerate(arrows):
        _label(grid, made, starts, k, arrow)
    for k, card in enumerate(cards):
        _box(grid, made, starts[made.items[k].column], k, card)
    return grid


def _heading(card: Card) -> str:
    return shortened(printable(card.heading), HEADING)


def _rows(card: Card) -> list[tuple[str, str, str]]:
    return [(shortened(printable(row.name), 22), row.text, row.role) for row in card.rows]


def _size(card: Card, entering: int, down: bool) -> Size:
    inner = max([len(_heading(card)), *(len(name) + 1 + len(text) for name, text, _ in _rows(card))])
    width, height = inner + 4, 3 + len(card.rows)
    if down:
        width = max(width, 2 * entering + 3)
        return Size(float(height), float(width // 2), float(width - width // 2 - 1))
    height = max(height, entering + 2 + (entering % 2 == 0 and entering > 2))
    return Size(float(width), float((height - 1) // 2), float(height - 1 - (height - 1) // 2))


def _text(arrow: Arrow) -> str:
    both = ", ".join(text for text in (arrow.label, arrow.detail) if text)
    if arrow.two_way:  # short, each of them
        return printable(both)
    told = [both, arrow.label, arrow.number]  # a number is whole
    return shortened(
        next((text for text in map(printable, told) if 0 < len(text) <= 2 * LABEL), both), 2 * LABEL
    )


def _label_size(arrow: Arrow, down: bool) -> Size | None:
    text = _text(arrow)
    if not text:
        return None
    room = 4 if arrow.two_way else 2
    return Size(1.0, 0.0, float(len(text) + 1)) if down else Size(float(len(text) + room), 0.0, 0.0)


def _pad(grid: _Grid, made: Arrangement, ways: list[Net], column: int) -> int:
    """Return the cells before the first track: no line runs along a box."""
    beside = any(made.items[i].kind == "node" for i in made.columns[column])
    return int(beside and not grid.down and not grid.tight and any(net.bent for net in ways))


def _room(grid: _Grid, made: Arrangement, column: int) -> float:
    """Return how much room the tracks after a column need, with a head before a node."""
    ways = nets(made, column)
    found = tracks(ways)
    assert found is not None
    head = any(made.items[i].kind == "node" for i in made.columns[column + 1])
    most = max(found, default=-1)
    spared = int(grid.tight and head and most >= 0)
    return float(_pad(grid, made, ways, column) + most + 2 + head - spared)


def _ways(grid: _Grid, made: Arrangement, starts: list[int], arrows: list[Arrow]) -> None:
    for column in range(len(made.columns) - 1):
        ways = nets(made, column)
        found = tracks(ways)
        assert found is not None
        end = starts[column] + int(made.depth(column))  # the first cell after the column
        into = starts[column + 1] - 1
        first = end + _pad(grid, made, ways, column)
        for net, track in zip(ways, found, strict=True):
            item = made.items[net.item]
            marked = {k for links in net.ends.values() for k in links if arrows[k].marked}
            reached = {place: _groups(arrows[k] for k in links) for place, links in net.ends.items()}
            begin = starts[column] + (_thickness(grid, made, net.item) if item.kind == "node" else 0)
            corner = first + track if track >= 0 else end
            for place, links in net.ends.items():
                heavy, groups = bool(marked & set(links)), reached[place]
                grid.line(net.item, (begin, net.start), (corner, net.start), heavy, groups, opens="a")
                grid.line(net.item, (corner, net.start), (corner, place), heavy, groups)
                grid.line(net.item, (corner, place), (into, place), heavy, groups, opens="b")
                route = made.routes[links[0]]
                if item.kind == "node" and arrows[links[0]].two_way:
                    _head(grid, begin, net.start, heavy, groups, idle=False, back=True)
                target = route[column + 1 - made.items[route[0]].column]
                if made.items[target].kind == "node":
                    _head(grid, into, place, heavy, groups, all(not arrows[k].taken for k in links))


def _groups(arrows: Iterable[Arrow]) -> tuple[int, ...]:
    return tuple(sorted({group for arrow in arrows for group in arrow.groups}))


def _turn(groups: Sequence[int], place: int) -> int:
    """Return the group whose turn it is at a place of a line that belongs to all of them."""
    return groups[place % len(groups)]


def _thickness(grid: _Grid, made: Arrangement, node: int) -> int:
    """Return how deep a box is: boxes in one column of the screen are equally wide."""
    item = made.items[node]
    return int(item.size.depth if grid.down else made.depth(item.column))


def _head(
    grid: _Grid,
    along: int,
    across: int,
    heavy: bool,
    groups: Sequence[int],
    idle: bool,
    *,
    back: bool = False,
) -> None:
    x, y = (across, along) if grid.down else (along, across)
    head = IDLE_HEAD[grid.unicode] if idle else HEADS[grid.unicode][2 * back + grid.down]
    grid.write(x, y, head, PATTERNS[groups[0]].role if groups else "mark" if heavy else "muted")


def _label(grid: _Grid, made: Arrangement, starts: list[int], k: int, arrow: Arrow) -> None:
    route = made.routes[k]
    item = made.items[route[-2]]
    if item.kind != "label":
        return
    text = _text(arrow)
    style = "muted" if arrow.marked is False else arrow.role
    along, across = starts[item.column], int(item.at)
    if grid.down:
        grid.write(across + 2, along, text, style)
    else:
        room = int(made.depth(item.column)) - len(text)
        grid.write(along + room // 2, across, text, style)
        for x in (along + room // 2 - 1, along + room // 2 + len(text)):
            grid.write(x, across, " ")


def _box(grid: _Grid, made: Arrangement, start: int, k: int, card: Card) -> None:
    item = made.items[k]
    rows = _rows(card)
    height = 3 + len(rows)
    if grid.down:
        x, y = int(item.first), start
        width = int(item.last - item.first) + 1
    else:
        x, y = start, int(item.first)
        width = _thickness(grid, made, k)
        height = int(item.last - item.first) + 1
    heavy = card.marked is True
    style = (
        "mark" if heavy else "muted" if card.marked is False else "first" if card.kind == "input" else None
    )
    if grid.unicode:
        corners, flat, steep = ("┏┓┗┛", "━", "┃") if heavy else ("┌┐└┘", "─", "│")
    else:
        corners, flat, steep = ("####", "=", "#") if heavy else ("++++", "-", "|")
    grid.write(x, y, corners[0] + flat * (width - 2) + corners[1], style)
    grid.write(x, y + height - 1, corners[2] + flat * (width - 2) + corners[3], style)
    for line in range(y + 1, y + height - 1):
        grid.write(x, line, steep + " " * (width - 2) + steep, style)
    _outline(grid, (x, y), (width, height), card.groups)
    free = (height - 3 - len(rows)) // 2
    grid.write(x + 2, y + 1 + free, _heading(card), "muted" if card.marked is False else "strong")
    for line, (name, text, role) in enumerate(rows, y + 2 + free):
        grid.write(x + 2, line, name, "muted")
        grid.write(x + width - 2 - len(text), line, text, "muted" if card.marked is False else role)


def _outline(grid: _Grid, at: tuple[int, int], size: tuple[int, int], groups: Sequence[int]) -> None:
    """Draw a box once more, as its groups of paths are drawn."""
    if not groups:
        return
    (x, y), (width, height) = at, size
    for i in range(width):
        for j in range(height) if i in (0, width - 1) else (0, height - 1):
            flat, corner = 0 < i < width - 1, i in (0, width - 1) and j in (0, height - 1)
            group = groups[0] if corner else _turn(groups, i + j)
            if corner and grid.unicode:
                text = ("┏┓┗┛" if group != 1 else "╔╗╚╝")[2 * (j > 0) + (i > 0)]
            else:
                text = (LEVEL if flat else STEEP)[grid.unicode][group]
            grid.write(x + i, y + j, text, PATTERNS[group].role)


# the list


def _mark(what: Card | Arrow, groups: int) -> str:
    """Return what stands before a line: ``* `` on a path, ``12 `` on paths of the first two groups."""
    if groups:
        return "".join(str(k + 1) if k in what.groups else " " for k in range(groups)) + " "
    return "* " if what.marked else "" if what.marked is None else "  "


def _list(drawing: Drawing, width: int, unicode: bool, color: int) -> list[str]:
    """Write a card a line, below it what comes into it."""
    cards = list(drawing.cards)
    names = {card.id: card.name for card in cards}
    into: dict[str, list[Arrow]] = {}
    for arrow in drawing.arrows:
        into.setdefault(arrow.target, []).append(arrow)
    many = len(drawing.groups)
    longest = max((len(_heading(card)) for card in cards), default=0)
    lines = []
    for card in cards:
        mark = _mark(card, many)
        heading = _heading(card)
        plain = mark + heading.ljust(longest if card.rows else 0)
        text = painted(mark + heading, "mark" if card.marked else "strong", color)
        text += " " * (len(plain) - len(mark + heading))
        used = len(plain)
        for name, number, role in _rows(card):
            head = f"{name} = " if name else ""
            if used + 2 + len(head + number) > width:
                text, used = text + "\n" + " " * (len(mark) + 4), len(mark) + 4
            text += f"  {head}" + painted(number, role, color)
            used += 2 + len(head + number)
        lines += text.split("\n")
        for k, arrow in enumerate(into.get(card.id, [])):
            last = k == len(into[card.id]) - 1
            if unicode:
                branch = "└─ " if last else "├─ "
            else:
                branch = "`- " if last else "|- "
            start = _mark(arrow, many)
            source = f"{start}{branch}from {shortened(printable(names[arrow.source]), 24)}"
            label = _text(arrow)
            lines.append(source + (": " + painted(label, arrow.role, color) if label else ""))
    return lines
