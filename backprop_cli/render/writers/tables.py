"""Tables as lines of text, for screens of any width: the one place that lays columns out.

Where the columns have no room side by side, titles are broken between words; then what may go is left out,
which is said below; then texts are broken or shortened; and at last the columns stand in several tables, one
below the other. A number is never broken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ...errors import columns_of, printable, shortened
from ..page import Cell, Column, Grid, Text, plain
from ..terminal import Screen, Styled, lines_of

GAP = "  "
_WHOLE = ("word", "share", "number", "verdict")
_TEXT = 24  # columns that are room enough for a text
_LEAST = 8  # that a text takes at least
_GONE = "..."


Part = dict[int, int]
"""Columns side by side, with their widths."""


def fits(grid: Grid, width: int) -> bool:
    """Whether all columns have room enough side by side."""
    room = Room(grid.columns, grid.rows)
    return max(grid.needs, room.enough(range(len(grid.columns)))) <= width


def lines(grid: Grid, screen: Screen) -> Iterator[Styled]:
    """Yield the lines of a table, and what is to be said below it."""
    laid = Laid(grid.columns, grid.rows, screen, grid.drop)
    for number, part in enumerate(laid.parts):
        if number:
            yield Styled()
        if not grid.bare:
            yield from laid.head(part)
        for at, cells in enumerate(grid.rows):
            if grid.ruled and at == len(grid.rows) - grid.ruled:
                yield Styled()
            if not cells:
                yield laid.gap(part)
            elif len(laid.parts) == 1 or any(plain(cells[k]) for k in part):
                yield from laid.row(cells, part)
    yield from laid.notes()


class Room:
    """How wide the columns of a table are, as they are.

    Args:
        columns: The columns.
        rows: The rows.
    """

    def __init__(self, columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> None:
        self.columns = columns
        filled = [row for row in rows if row]
        self.titles = [columns_of(printable(column.title)) for column in columns]
        self.words = [_longest(printable(column.title)) for column in columns]
        self.cells = [
            max([1, *(columns_of(printable(plain(row[k]))) for row in filled)]) for k in range(len(columns))
        ]

    def whole(self, k: int) -> bool:
        """Whether no cell of a column is broken."""
        column = self.columns[k]
        return column.kind in _WHOLE if column.whole is None else column.whole

    def all(self, k: int) -> int:
        """Return how wide a column is where there is room, but for its title."""
        widest, most = max(self.words[k], self.cells[k]), self.columns[k].most
        return widest if most is None else min(widest, most)

    def enough(self, columns: Sequence[int]) -> int:
        """Return how wide a screen has to be for columns side by side, without shortening much."""
        return sum(map(self._enough, columns)) + len(GAP) * (len(columns) - 1)

    def _enough(self, k: int) -> int:
        column, least = self.columns[k], self.all(k)
        return min(least, column.least or (_TEXT if column.kind == "text" else least))

    def least(self, k: int) -> int:
        """Return how narrow a column gets."""
        if self.whole(k):
            return max(self.words[k], self.cells[k])
        return min(self.all(k), max(self.words[k], self.columns[k].floor or _LEAST))


class Laid:
    """Columns in their places.

    Args:
        columns: The columns.
        rows: Rows that say how wide they are.
        screen: What they are shown on.
        drop: Groups of columns that go first where there is no room for all.
    Attributes:
        parts: Columns side by side with their widths, of one table or of several.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        rows: Iterable[Sequence[Cell]],
        screen: Screen,
        drop: Sequence[Sequence[int]] = (),
    ) -> None:
        self._columns = columns
        self._room = room = Room(columns, rows := list(rows))
        self._screen = screen
        shown = list(range(len(columns)))
        for group in drop:
            if room.enough(shown) <= screen.width:
                break
            shown = [k for k in shown if k not in group]
        self._dropped = [k for k in range(len(columns)) if k not in shown]
        self.parts = [self._shared(part) for part in self._side_by_side(shown)]
        self._said: dict[str, None] = {}
        for part in self.parts:
            for k, width in part.items():
                if columns[k].single is not None:
                    cells = [self._one(row[k], width, columns[k]) for row in rows if row]
                    part[k] = max([room.words[k], *(columns_of(plain(cell)) for cell in cells)])

    def _side_by_side(self, shown: list[int]) -> list[list[int]]:
        """Return the columns in as many tables as they need; each begins with the first column."""
        least, gap = self._room.least, len(GAP)
        parts: list[list[int]] = []
        taken = 0
        for k in shown:
            if parts and taken + gap + least(k) <= self._screen.width:
                parts[-1].append(k)
                taken += gap + least(k)
                continue
            first = [shown[0]] if parts and least(shown[0]) + gap + least(k) <= self._screen.width else []
            parts.append([*first, k])
            taken = sum(map(least, parts[-1])) + gap * (len(parts[-1]) - 1)
        return parts

    def _shared(self, part: Sequence[int]) -> Part:
        """Return the widths of columns side by side: what is left over goes to all that can use it."""
        widths = {k: self._room.least(k) for k in part}
        spare = self._screen.width - sum(widths.values()) - len(GAP) * (len(part) - 1)
        while spare > 0 and (needy := [k for k in part if widths[k] < self._room.all(k)]):
            share = max(1, spare // len(needy))
            for k in needy[: spare if share == 1 else None]:
                more = min(share, self._room.all(k) - widths[k])
                widths[k] += more
                spare -= more
        titled = {k: max(width, self._room.titles[k]) for k, width in widths.items()}
        return titled if sum(titled.values()) - sum(widths.values()) <= spare else widths

    def widen(self, part: Part) -> None:
        """Give the last column what room is left, for rows to come."""
        last = [*part][-1]
        if not self._room.whole(last):
            part[last] += self._screen.width - self.width(part)

    def shows(self, k: int) -> bool:
        """Whether a column is there."""
        return any(k in part for part in self.parts)

    def width(self, part: Part) -> int:
        """Return how wide a table is."""
        return sum(part.values()) + len(GAP) * (len(part) - 1)

    def head(self, part: Part) -> Iterator[Styled]:
        """Yield the titles over a rule."""
        titles = [broken(Styled(printable(self._columns[k].title), "strong"), part[k]) for k in part]
        high = max(map(len, titles))
        yield from self._joined([[Styled()] * (high - len(each)) + each for each in titles], part)
        yield Styled(("─" if self._screen.unicode else "-") * self.width(part))

    def gap(self, part: Part) -> Styled:
        """Return what stands for rows that are left out."""
        return Styled("┄" * self.width(part), "quiet") if self._screen.unicode else Styled(_GONE)

    def row(self, cells: Sequence[Cell], part: Part) -> Iterator[Styled]:
        """Yield the lines of a row."""
        return self._joined([self._cell(cells[k], k, width) for k, width in part.items()], part)

    def notes(self) -> Iterator[Styled]:
        """Yield what is to be said of columns and cells that had no room."""
        said = list(self._said)
        if self._dropped:
            titles = ", ".join(printable(self._columns[k].title) for k in self._dropped)
            needed = self._room.enough(range(len(self._columns)))
            said.append(f"left out for want of room: {titles}; {needed} columns show all")
        for text in said:
            yield from broken(Styled(text, "quiet"), self._screen.width)

    def _cell(self, cell: Cell, k: int, width: int) -> list[Styled]:
        column = self._columns[k]
        if column.single is not None:
            cell = self._one(cell, width, column)
        own = cell if isinstance(cell, Text) else Text(cell)
        text = printable(own.text)
        if column.kind == "verdict" and text == "agree" and self._screen.unicode:
            text = "✓"
        elif own.tone == "empty":
            text = "·" if self._screen.unicode else "."
        elif column.kind == "name" and columns_of(text) > width:
            text = shortened(text, width)
        return broken(Styled(text, own.tone or column.tone), width)

    def _one(self, cell: Cell, width: int, column: Column) -> Text:
        """Return a cell in one line: as it is, shorter, or cut."""
        own = cell if isinstance(cell, Text) else Text(cell)
        if columns_of(own.text) <= width:
            return own
        assert column.single is not None
        text = own.short or own.text
        if own.short:
            self._said[column.single[0]] = None
        if columns_of(text) > width:
            self._said[column.single[1]] = None
            text = text[: lines_of(text, width - len(_GONE))[0][1]].rstrip() + _GONE
        return own.replace(text=text)

    def _joined(self, cells: Sequence[Sequence[Styled]], part: Part) -> Iterator[Styled]:
        for n in range(max(map(len, cells))):
            line, behind = Styled(), ""
            for (k, width), cell in zip(part.items(), cells, strict=True):
                piece = cell[n] if n < len(cell) else Styled()
                blank = " " * (width - len(piece))
                before, after = (blank, "") if self._columns[k].kind == "number" else ("", blank)
                line.append(behind + before).extend(piece)
                behind = after + GAP
            yield line


def broken(line: Styled, width: int) -> list[Styled]:
    """Return a line in as many as it needs."""
    spans = lines_of(str(line), width)
    return [line] if len(spans) == 1 else [line.part(start, end) for start, end in spans]


def _longest(text: str) -> int:
    return max([1, *map(columns_of, text.split())])
