"""A chart in a terminal: Braille dots, two by four in a cell, or ASCII."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise, zip_longest
from math import atan2, ceil, floor, pi
from operator import itemgetter

from ..errors import printable
from ..layout.axis import Axis, raised
from ..layout.chart import (
    Chart,
    Dash,
    Field,
    Mark,
    Panel,
    Series,
    arrow_lengths,
    axes_of,
    clipped,
    contours,
    placed,
)
from ..layout.picture import Point, Role
from .palette import painted

Cell = tuple[str, Role | None]
BLANK: Cell = (" ", None)
DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))  # of a Braille cell, by column and row from below
ASCII_MARKS = "*o+x%"
SIGNS = {True: "●○", False: "@O"}  # of a point, and of one that the curve does not have
ARROWS = {True: "→↗↑↖←↙↓↘", False: ">/^\\</v\\"}
DASHES = {"solid": (1, 1), "dashed": (2, 4), "dotted": (1, 3), "dash-dotted": (3, 4), "long": (5, 7)}
"""Cells that are drawn, of how many."""
ALONG = (0.85, 0.7, 0.5, 0.3, 0.15, 0.95, 0.05, 0.0, 1.0, 0.2, 0.4, 0.6, 0.8, 0.1, 0.9)
"""Places of a line at which its name may stand."""
CLOSE, APART = 2, 8
"""Columns to another line: nearer to it a name might be that of either, farther off no more."""
LEAST_WIDTH, LEAST_HEIGHT = 40, 7
SHORT = 8
BESIDE = 56  # columns that a panel needs to stand beside another


def terminal_chart(chart: Chart, width: int, height: int, *, unicode: bool, color: int) -> str:
    """Return the chart as lines of text, each with its line end.

    Args:
        chart: What to draw.
        width: Columns; at least 40 are used.
        height: Lines; at least 7 a panel are used.
        unicode: Draw with Braille dots and lines; else in ASCII.
        color: How many colours there are; 0 for none.
    """
    width = max(width, LEAST_WIDTH)
    columns = chart.columns if width // max(chart.columns, 1) >= BESIDE else 1
    rows = max(1, ceil(len(chart.panels) / columns))
    text: list[list[Cell]] = []
    if chart.title:
        text += [_cells(_cut(printable(chart.title), width, unicode), None), []]
    tall = max((height - len(text)) // rows, LEAST_HEIGHT)
    gap = 2
    wide = (width - gap * (columns - 1)) // columns
    for start in range(0, len(chart.panels), columns):
        beside = [_Drawing(p, wide, tall, unicode).rows() for p in chart.panels[start : start + columns]]
        for lines in zip_longest(*beside, fillvalue=[]):
            row: list[Cell] = []
            for i, line in enumerate(lines):
                row += [BLANK] * (i * (wide + gap) - len(row))
                row += line
            text.append(row)
    return "".join(_text(row, color) + "\n" for row in text)


def _cells(text: str, role: Role | None) -> list[Cell]:
    return [(c, role) for c in text]


def _cut(text: str, width: int, unicode: bool) -> str:
    more = "…" if unicode else "..."
    return text if len(text) <= width else text[: max(width - len(more), 0)] + more


def _text(row: Sequence[Cell], color: int) -> str:
    end = len(row)
    while end and row[end - 1][0] == " ":
        end -= 1
    parts = []
    for role, alike in groupby(row[:end], key=itemgetter(1)):
        text = "".join(c for c, _ in alike)
        parts.append(painted(text, role, color))
    return "".join(parts)


class _Drawing:
    """One panel in cells; row 0 is the lowest of the frame."""

    def __init__(self, panel: Panel, width: int, height: int, unicode: bool) -> None:
        self.panel = panel
        self.unicode = unicode
        self.width = width
        x, y = axes_of(panel)
        self.x, self.y = x, y
        head = bool(panel.title) + bool(panel.y_label)
        self.height = max(height - head - 2, 3)
        ticks = self._ticks(y, max(3, self.height // 2))
        self.y_ticks = dict(reversed([(round(y.at(v) * (self.height - 1)), text) for v, text in ticks]))
        self.left = max((len(text) for text in self.y_ticks.values()), default=0)
        self.drawn = [(series, placed(panel, series, x, y)) for series in panel.series]
        named = [s.name for s in panel.series if s.name]
        self.ending = bool(named) and all(
            parts and parts[-1][-1][0] > 0.97 for s, parts in self.drawn if s.name
        )
        room = max(width // 4, 8)
        self.names = {s.name: _cut(printable(s.name), room, unicode) for s in panel.series}
        right = max(map(len, self.names.values())) + 1 if self.ending else 0
        self.label = _cut(printable(panel.x_label), room, unicode)
        if self.label and len(self.label) <= SHORT:  # beside the axis
            right = max(right, len(self.label) + 1)
        self.columns = max(width - self.left - 2 - right, 10)
        self.cells: list[list[Cell]] = [[BLANK] * self.columns for _ in range(self.height)]
        self.bits = [[0] * self.columns for _ in range(self.height)]
        self.fixed: set[tuple[int, int]] = set()  # texts and marks: nothing is drawn over them

    def rows(self) -> list[list[Cell]]:
        """Return the lines of the panel, from above."""
        self._zero_lines()
        self._asymptotes()
        if self.panel.field is not None:
            self._field(self.panel.field)
        for i, (series, parts) in enumerate(self.drawn):
            self._series(series, parts, ASCII_MARKS[i % len(ASCII_MARKS)])
        self._marks()
        unplaced = [] if self.ending else self._names()
        endings = self._endings() if self.ending else {}
        panel, indent = self.panel, [BLANK] * (self.left + 2)
        lines: list[list[Cell]] = []
        if panel.title:
            lines.append(indent + _cells(_cut(printable(panel.title), self.columns, self.unicode), None))
        if panel.y_label:
            label = _cells(_cut(printable(panel.y_label), self.columns, self.unicode), "muted")
            for series, mark in unplaced:
                label += [
                    BLANK,
                    BLANK,
                    (mark, series.role),
                    BLANK,
                    *_cells(self.names[series.name], series.role),
                ]
            lines.append(indent + label[: self.columns])
        for row in range(self.height - 1, -1, -1):
            text = self.y_ticks.get(row)
            edge = ("┤" if text is not None else "│") if self.unicode else ("+" if text is not None else "|")
            line = _cells(f"{text or '':>{self.left}} {edge}", "muted") + self.cells[row]
            if row in endings:
                line += [BLANK, *_cells(self.names[endings[row].name], endings[row].role)]
            lines.append(line)
        return lines + self._bottom()

    def _ticks(self, axis: Axis, most: int, *, whole: bool = False) -> list[tuple[float, str]]:
        return [(v, raised(text) if self.unicode else text) for v, text in axis.ticks(most, whole=whole)]

    # lines

    def _zero_lines(self) -> None:
        if self.panel.field is not None:
            return
        across, up = ("╌", "╎") if self.unicode else ("-", ":")
        if self.x.crosses(0.0):
            column = self._cell(self.x.at(0.0), 0.0)[1]
            for row in range(self.height):
                self.cells[row][column] = up, "zero"
        if self.y.crosses(0.0):
            row = self._cell(0.0, self.y.at(0.0))[0]
            self.cells[row] = [(across, "zero") for _ in range(self.columns)]

    def _asymptotes(self) -> None:
        for value in self.panel.levels:
            if self.y.shows(value):
                row = self._cell(0.0, self.y.at(value))[0]
                self.cells[row] = [("┄" if self.unicode else "-", "zero")] * self.columns
        for value in self.panel.uprights:
            if self.x.shows(value):
                column = self._cell(self.x.at(value), 0.0)[1]
                for row in range(self.height):
                    self.cells[row][column] = "┆" if self.unicode else "|", "zero"

    def _cell(self, u: float, v: float) -> tuple[int, int]:
        """Return row and column of shares of the axes."""
        row, column = round(v * (self.height - 1)), round(u * (self.columns - 1))
        return min(max(row, 0), self.height - 1), min(max(column, 0), self.columns - 1)

    def _series(self, series: Series, parts: Sequence[Sequence[Point]], mark: str) -> None:
        if series.style == "points":
            self._points([p for part in parts for p in part], series.role)
            return
        for part in parts:
            if len(part) == 1 or series.style == "line+points":
                self._line(part, series.role, mark)
                self._points(part, series.role)
            else:
                # in ASCII every line has a sign of its own
                self._line(
                    part, series.role, mark, series.dash if self.unicode or not series.name else "solid"
                )

    def _points(self, points: Sequence[Point], role: Role) -> None:
        for point in points:
            row, column = self._cell(*point)
            self.cells[row][column] = "•" if self.unicode else "o", role

    def _line(self, part: Sequence[Point], role: Role, mark: str, dash: Dash = "solid") -> None:
        across, up = (2, 4) if self.unicode else (1, 1)
        wide, tall = self.columns * across - 1, self.height * up - 1
        dots = [(round(u * wide), round(v * tall)) for u, v in part]
        walked = 0
        for (x0, y0), (x1, y1) in pairwise(dots):
            for x, y in steps(x0, y0, x1, y1):
                walked += 1
                length, period = DASHES[dash]
                if walked % (period * across) >= length * across:
                    continue
                row, column = y // up, x // across
                if not self.unicode:
                    self.cells[row][column] = mark, role
                    continue
                self.bits[row][column] |= DOTS[x % 2][y % 4]
                self.cells[row][column] = chr(0x2800 + self.bits[row][column]), role

    # contours

    def _field(self, field: Field) -> None:
        heights = contours(self.panel, max(4, self.height // 3))
        for _, _, lines in heights:
            for line in lines:
                for part in clipped([(self.x.at(x), self.y.at(y)) for x, y in line]):
                    self._line(part, "first", ".")
        for _, text, lines in heights:
            self._height(text, lines)
        self._arrows(field)

    def _height(self, text: str, lines: Sequence[Sequence[tuple[float, float]]]) -> None:
        for line in sorted(lines, key=len, reverse=True)[:2]:
            for share in (0.5, 0.3, 0.7, 0.1, 0.9):
                x, y = line[int(share * (len(line) - 1))]
                row, column = self._cell(self.x.at(x), self.y.at(y))
                for shown in (f" {text} ", text):
                    if self._write(row, column - len(shown) // 2, shown, "first", over_lines=True):
                        return

    def _arrows(self, field: Field) -> None:
        taken: set[tuple[int, int]] = set()
        marked = {(row, column + side) for row, column, _ in self._marked() for side in (-1, 0, 1)}
        across, up = self.columns / (self.x.high - self.x.low), 2 * self.height / (self.y.high - self.y.low)
        for (x, y, dx, dy), length in zip(field.arrows, arrow_lengths(field), strict=True):
            row, column = self._cell(self.x.at(x), self.y.at(y))
            beside = self.cells[row][max(column - 1, 0) : column + 2]  # no line is cut, no number touched
            free = all(cell == BLANK for cell in beside) and (row, column) not in marked
            if length < 0.05 or (row // 3, column // 8) in taken or not free:
                continue
            taken.add((row // 3, column // 8))
            eighth = round(atan2(dy * up, dx * across) / (pi / 4)) % 8
            self.cells[row][column] = ARROWS[self.unicode][eighth], "muted"

    # texts

    def _write(self, row: int, column: int, text: str, role: Role, *, over_lines: bool) -> bool:
        """Write a text where it has room, and say whether it had."""
        spots = [(row, c) for c in range(column, column + len(text))]
        if not 0 <= row < self.height or column < 0 or column + len(text) > self.columns:
            return False
        beside = [(row, max(column - 1, 0)), (row, column + len(text))]
        if any(spot in self.fixed for spot in spots + beside):
            return False
        seen = [(r, c) for r, c in spots + beside if c < self.columns]
        if not over_lines and any(
            self.cells[r][c] != BLANK and self.cells[r][c][1] != "zero" for r, c in seen
        ):
            return False
        for (r, c), character in zip(spots, text, strict=True):
            self.cells[r][c] = character, role
        self.fixed.update(spots)
        return True

    def _around(self, row: int, column: int, text: str, role: Role, *, over_lines: bool) -> bool:
        size = len(text)
        for reach in (1,) if over_lines else (1, 2):
            for r, c in (
                (row + reach - 1, column + 2),
                (row - reach + 1, column + 2),
                (row + reach, column - size // 2),
                (row - reach, column - size // 2),
                (row + reach - 1, column - size - 1),
                (row - reach + 1, column - size - 1),
            ):
                if self._write(r, c, text, role, over_lines=over_lines):
                    return True
        return False

    def _marked(self) -> list[tuple[int, int, Mark]]:
        """Return the marks that are in the frame, with their cells."""
        shown = (mark for mark in self.panel.marks if self.x.shows(mark.x) and self.y.shows(mark.y))
        return [(*self._cell(self.x.at(mark.x), self.y.at(mark.y)), mark) for mark in shown]

    def _marks(self) -> None:
        spots = self._marked()
        for row, column, mark in spots:
            self.cells[row][column] = SIGNS[self.unicode][mark.open], mark.role
            self.fixed.add((row, column))
        if sum(bool(mark.text) for *_, mark in spots) > max(self.height // 3, 2):
            return  # no telling which text is whose
        for row, column, mark in spots:
            text = _cut(printable(mark.text), self.columns // 2, self.unicode)
            if text and not self._around(row, column, text, mark.role, over_lines=False):
                self._around(row, column, text, mark.role, over_lines=True)

    def _names(self) -> list[tuple[Series, str]]:
        """Write the names of lines beside them; return those that found no room."""
        left = []
        for i, (series, parts) in enumerate(self.drawn):
            if not series.name:
                continue
            others = [c for s, run in self.drawn if s.name not in ("", series.name) for c in self._along(run)]
            wanted = [
                (min([APART, *(_between(cell, c) for c in others)]), cell) for cell in self._along(parts)
            ]
            for apart, cell in sorted(wanted, key=itemgetter(0), reverse=True):
                name = self.names[series.name]
                if apart >= CLOSE and self._around(*cell, name, series.role, over_lines=False):
                    break
            else:
                left.append((series, ASCII_MARKS[i % len(ASCII_MARKS)] if not self.unicode else "━"))
        return left

    def _along(self, parts: Sequence[Sequence[Point]]) -> list[tuple[int, int]]:
        """Return cells along a line, those where its name is liked best first."""
        points = [p for part in parts for p in part]
        return [self._cell(*points[int(share * (len(points) - 1))]) for share in ALONG] if points else []

    def _endings(self) -> dict[int, Series]:
        """Return which line's name stands at the right of which row."""
        wanted = [(self._cell(*parts[-1][-1])[0], series) for series, parts in self.drawn if series.name]
        found: dict[int, Series] = {}
        for row, series in sorted(wanted, key=itemgetter(0)):
            free = [r for r in range(self.height) if r not in found]
            if free:
                found[min(free, key=lambda r: (abs(r - row), -r))] = series
        return found

    def _bottom(self) -> list[list[Cell]]:
        """Return the axis to the right and its texts."""
        dash, corner, tick = "─└┬" if self.unicode else "-+|"
        rule, labels = [dash] * self.columns, [" "] * self.columns
        free = 0
        for value, text in self._ticks(self.x, max(2, self.columns // 10), whole=self.panel.x_whole):
            column = self._cell(self.x.at(value), 0.0)[1]
            start = min(max(column - len(text) // 2, 0), self.columns - len(text))
            if start >= free:
                rule[column] = tick
                labels[start : start + len(text)] = text
                free = start + len(text) + 1
        name = self.label
        label = "".join(labels).rstrip()
        room = self.width - self.left - 2
        if name and len(label) + 1 + len(name) <= room:
            label = f"{label:<{self.columns}} " if self.columns + 1 + len(name) <= room else f"{label}  "
            label += name
        elif name:
            label = label[: room - len(name) - 1].rpartition(" ")[0].rstrip() + f"  {name}"
        axis = _cells(" " * (self.left + 1) + corner + "".join(rule), "muted")
        return [axis, _cells(" " * (self.left + 2) + label, "muted")]


def _between(a: tuple[int, int], b: tuple[int, int]) -> int:
    """Return how far two cells are apart, in columns; a row is as high as two."""
    return 2 * abs(a[0] - b[0]) + abs(a[1] - b[1])


def steps(x0: int, y0: int, x1: int, y1: int) -> Iterator[tuple[int, int]]:
    """Yield the dots of a straight line, both ends included."""
    count = max(abs(x1 - x0), abs(y1 - y0))
    for i in range(count + 1):
        share = i / count if count else 0.0
        yield floor(x0 + (x1 - x0) * share + 0.5), floor(y0 + (y1 - y0) * share + 0.5)
