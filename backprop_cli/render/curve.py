"""The loss curve: drawn into a terminal, and as SVG without a drawing library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from math import ceil, floor, isfinite, log10
from operator import itemgetter
from typing import Any, NamedTuple

from ..errors import printable

WIDE = 30.0  # from this ratio of largest to smallest on, a linear axis hides the end of a run
LARGEST = 1e300
POINTS = 1500  # of a line in SVG; more would fall on one another
NAMES = {"loss": "train", "val_loss": "validation"}
# Okabe and Ito's blue and vermilion: told apart with every kind of colour vision, and in grey
COLORS = {"loss": "#0072b2", "val_loss": "#d55e00"}
ANSI = {"loss": "34", "val_loss": "33"}
MARKS = {"loss": "*", "val_loss": "o"}


class Line(NamedTuple):
    """One line of the plot.

    Attributes:
        key: ``loss`` or ``val_loss``.
        points: Epoch and value, finite ones alone.
        runs: Where the line is unbroken: start and end in ``points``.
    """

    key: str
    points: list[tuple[float, float]]
    runs: list[tuple[int, int]]


class Axis:
    """Values along one side.

    Args:
        low: Smallest value.
        high: Largest.
        log: Whether equal lengths are equal ratios.
        margin: Room beyond both, as a share of the length.
    """

    def __init__(self, low: float, high: float, *, log: bool = False, margin: float = 0.0) -> None:
        self.log = log
        start, end = self._scaled(low), self._scaled(high)
        room = (end - start) * margin or (0.0 if end > start else max(abs(start) * 0.5, 0.5))
        self._start, self._end = start - room, end + room
        if not log and low >= 0.0:
            self._start = max(self._start, 0.0)  # no room below zero for what is never negative

    def _scaled(self, value: float) -> float:
        return log10(value) if self.log else value

    def at(self, value: float) -> float:
        """Return where a value stands, from 0 to 1."""
        return (self._scaled(value) - self._start) / (self._end - self._start)

    def ticks(self, most: int, *, whole: bool = False) -> list[tuple[float, str]]:
        """Return at most so many round values with their texts.

        Args:
            most: How many fit.
            whole: Whole numbers alone.
        """
        if self.log:
            return self._log_ticks(most)
        step = _round_step((self._end - self._start) / max(most, 1))
        step = max(step, 1.0) if whole else step
        first, last = ceil(self._start / step - 1e-9), floor(self._end / step + 1e-9)
        values = [i * step for i in range(first, last + 1)]
        while len(values) > most > 1:
            values = values[::2]
        return list(zip(values, _texts(values, step), strict=True))

    def _log_ticks(self, most: int) -> list[tuple[float, str]]:
        low, high = ceil(self._start - 1e-9), floor(self._end + 1e-9)
        fine = []
        if high - low < most:
            fine = [float(f"{m}e{d}") for d in range(low - 1, high + 1) for m in (1, 2, 5)]
            fine = [v for v in fine if v > 0.0 and -1e-9 <= self.at(v) <= 1.0 + 1e-9]
        if 0 < len(fine) <= most:
            return [(v, _short(v)) for v in fine]
        every = _round_step((high - low + 1) / max(most, 1))
        decades = [d for d in range(low, high + 1) if d % max(1, ceil(every)) == 0]
        values = [v for v in (float(f"1e{d}") for d in decades) if v > 0.0]  # 1e-324 is 0
        return [(v, _short(v)) for v in values]


def _round_step(least: float) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that is not below."""
    power = 10.0 ** floor(log10(least))
    return next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= least * (1 - 1e-9))


def _texts(values: Sequence[float], step: float) -> list[str]:
    largest = max(map(abs, values), default=0.0)
    if largest and not 1e-3 <= largest < 1e6:
        digits = max(0, floor(log10(largest)) - floor(log10(step) + 1e-9)) + 1
        return [_short(v + 0.0, digits) for v in values]
    decimals = max(0, -floor(log10(step) + 1e-9))
    return [f"{v + 0.0:.{decimals}f}" for v in values]


def _short(value: float, digits: int = 6) -> str:
    return _plain(f"{value:.{digits}g}")


def _plain(text: str) -> str:
    """Return 1e-7 for 1e-07."""
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if e else text


class Plot:
    """What both renderings share: the lines, the axes, the best epoch.

    Args:
        history: A mapping an epoch with ``loss`` and perhaps ``val_loss`` and ``epoch``.
        best: The best epoch; by default that of the lowest ``val_loss``, or ``loss`` where there is none.
    """

    def __init__(self, history: Sequence[Mapping[str, Any]], best: int | None = None) -> None:
        lines = [_line(history, key) for key in NAMES]
        self.lines = [line for line in lines if line.points]
        self.recorded = len(history)
        if not self.lines:
            return
        epochs = [x for line in self.lines for x, _ in line.points]
        values = [y for line in self.lines for _, y in line.points]
        low, high = min(values), max(values)
        self.log = low > 0.0 and high / low >= WIDE
        self.x = Axis(min(epochs), max(epochs))
        self.y = Axis(low, high, log=self.log, margin=0.04)
        self.last = int(max(epochs))
        watched = self.lines[-1]
        chosen = [p for p in watched.points if p[0] == best]
        self.best = chosen[0] if chosen else min(watched.points, key=lambda point: point[1])
        self.watched = watched.key

    @property
    def empty(self) -> str | None:
        """Why there is nothing to draw."""
        if self.lines:
            return None
        return "the loss was never a finite number" if self.recorded else "no epoch is recorded yet"

    def summary(self) -> str:
        """Return the last and the best values in words."""
        last = ", ".join(f"{line.key} {_short(line.points[-1][1], 4)}" for line in self.lines)
        return (
            f"epoch {self.last}: {last}; "
            f"best {self.watched} {_short(self.best[1], 4)} at epoch {int(self.best[0])}"
        )


def _line(history: Sequence[Mapping[str, Any]], key: str) -> Line:
    points: list[tuple[float, float]] = []
    runs: list[tuple[int, int]] = []
    start = 0
    for i, record in enumerate(history):
        value = record.get(key)
        if value is not None and isfinite(value) and abs(value) < LARGEST:
            points.append((float(record.get("epoch", i + 1)), float(value)))
        elif len(points) > start:
            runs.append((start, len(points)))
            start = len(points)
    if len(points) > start:
        runs.append((start, len(points)))
    return Line(key, points, runs)


# the terminal


def terminal_curve(
    history: Sequence[Mapping[str, Any]],
    width: int = 80,
    height: int = 24,
    unicode: bool = True,
    *,
    color: bool = False,
    best: int | None = None,
) -> str:
    """Return the curve as lines of text.

    Args:
        history: See `Plot`.
        width: Columns, at least 40 are used.
        height: Lines, at least 8 are used.
        unicode: Draw with Braille dots and lines; else in ASCII.
        color: Colour the lines by ANSI codes.
        best: See `Plot`.
    """
    plot = Plot(history, best)
    if plot.empty:
        return plot.empty + "\n"
    names = [NAMES[line.key] for line in plot.lines]
    rows = max(height, 8) - 4  # title, axis, its labels, summary
    ticks = [(round(plot.y.at(v) * (rows - 1)), text) for v, text in plot.y.ticks(max(3, rows // 2))]
    labels = dict(reversed(ticks))
    left = max((len(text) for text in labels.values()), default=0)
    columns = max(width, 40) - left - 3 - max(map(len, names)) - 1
    cells = _braille(plot, columns, rows) if unicode else _ascii(plot, columns, rows)
    endings = _endings(plot, rows)
    title = "loss" + (", log scale" if plot.log else "")
    text = [" " * (left + 2) + title]
    for row in range(rows - 1, -1, -1):
        label = labels.get(row)
        edge = ("┤" if label is not None else "│") if unicode else ("+" if label is not None else "|")
        end = endings.get(row)
        named = [*cells[row], (" ", None), (NAMES[end], end)] if end else cells[row]
        drawn = "".join(
            _colored("".join(cell for cell, _ in alike), key, color)
            for key, alike in groupby(named, key=itemgetter(1))
        )
        text.append(f"{label or '':>{left}} {edge}{drawn}".rstrip())
    text += _bottom(plot, left, columns, unicode)
    text.append(" " * (left + 2) + plot.summary())
    return "\n".join(text) + "\n"


def _colored(text: str, key: str | None, color: bool) -> str:
    return f"\x1b[{ANSI[key]}m{text}\x1b[0m" if color and key is not None else text


Cells = list[list[tuple[str, str | None]]]
"""Rows from the bottom; of every cell its text and the line it belongs to."""


def _braille(plot: Plot, columns: int, rows: int) -> Cells:
    """Draw with dots, two by four in a cell; where lines meet, the cell is the later one's."""
    from plotille import Canvas  # type: ignore[import-untyped]

    merged: Cells = [[(" ", None)] * columns for _ in range(rows)]
    bits = [[0] * columns for _ in range(rows)]
    for line in plot.lines:
        canvas = Canvas(columns, rows, 0, 0, columns * 2, rows * 4)
        for x0, y0, x1, y1 in _segments(plot, line, columns * 2, rows * 4):
            canvas.line(x0, y0, x1, y1)
        for row, drawn in enumerate(reversed(canvas.plot(linesep="\n").split("\n"))):
            for column, cell in enumerate(drawn):
                dots = ord(cell) - 0x2800 if cell != " " else 0
                if dots > 0:
                    bits[row][column] |= dots
                    merged[row][column] = chr(0x2800 + bits[row][column]), line.key
    row, column = _best_cell(plot, columns, rows)
    merged[row][column] = "●", plot.watched
    return merged


def _ascii(plot: Plot, columns: int, rows: int) -> Cells:
    cells: Cells = [[(" ", None)] * columns for _ in range(rows)]
    for line in reversed(plot.lines):
        for x0, y0, x1, y1 in _segments(plot, line, columns, rows):
            for column in range(x0, x1 + 1):
                here = y0 + (y1 - y0) * (column - x0) / max(x1 - x0, 1)
                cells[round(here)][column] = MARKS[line.key], line.key
    row, column = _best_cell(plot, columns, rows)
    cells[row][column] = "@", plot.watched
    return cells


def _segments(plot: Plot, line: Line, columns: int, rows: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield the pieces of a line on a raster."""
    for start, end in line.runs:
        at = [
            (round(plot.x.at(x) * (columns - 1)), round(plot.y.at(y) * (rows - 1)))
            for x, y in line.points[start:end]
        ]
        for before, after in zip(at, at[1:] or at, strict=False):
            yield *before, *after


def _best_cell(plot: Plot, columns: int, rows: int) -> tuple[int, int]:
    x, y = plot.best
    return round(plot.y.at(y) * (rows - 1)), round(plot.x.at(x) * (columns - 1))


def _endings(plot: Plot, rows: int) -> dict[int, str]:
    """Return which line's name stands at the end of which row."""
    wanted = sorted((round(plot.y.at(line.points[-1][1]) * (rows - 1)), line.key) for line in plot.lines)
    found: dict[int, str] = {}
    for row, key in wanted:
        if row in found:  # equal to the row: one above, or below at the top
            row = row + 1 if row + 1 < rows else row - 1
        found[row] = key
    return found


def _bottom(plot: Plot, left: int, columns: int, unicode: bool) -> list[str]:
    """Return the axis of epochs and its labels."""
    dash, corner, tick = "─└┬" if unicode else "-+|"
    rule, labels = [dash] * columns, [" "] * (columns + 12)
    free = 0
    for value, text in plot.x.ticks(max(2, columns // 10), whole=True):
        column = round(plot.x.at(value) * (columns - 1))
        start = max(column - len(text) // 2, 0)
        if start >= free:
            rule[column] = tick
            labels[start : start + len(text)] = text
            free = start + len(text) + 1
    labels[max(free, columns - 5) :] = " epoch" if free > columns - 5 else "epoch"
    return [" " * (left + 1) + corner + "".join(rule), " " * (left + 2) + "".join(labels).rstrip()]


# SVG

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 76, 28, 76, 56
STYLE = (
    "text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif}"
    "text{font-size:13px;fill:#4a4a4a}"
    ".title{font-size:16px;font-weight:600;fill:#1a1a1a}"
    ".grid{stroke:#e6e6e6;stroke-width:1}"
    ".axis{stroke:#8c8c8c;stroke-width:1}"
    ".line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}"
    ".best{stroke:#8c8c8c;stroke-width:1;stroke-dasharray:3 4}"
)


def svg_curve(history: Sequence[Mapping[str, Any]], title: str, *, best: int | None = None) -> str:
    """Return the curve as an SVG document.

    Args:
        history: See `Plot`.
        title: What stands above it, as the user wrote it.
        best: See `Plot`.
    """
    plot = Plot(history, best)
    title = printable(title)
    shown = title if len(title) <= 44 else title[:43] + "…"
    body = [f'<text class="title" x="{LEFT}" y="30">{escape(shown)}</text>']
    if plot.empty:
        body.append(f'<text x="{WIDTH // 2}" y="{HEIGHT // 2}" text-anchor="middle">{plot.empty}</text>')
        return _document(title, plot.empty, body)
    body += _svg_axes(plot)
    body += _svg_best(plot)
    body += [_svg_line(plot, line) for line in plot.lines]
    x, y = _point(plot, *plot.best)
    body.append(
        f'<circle cx="{x}" cy="{y}" r="4.5" fill="#ffffff" stroke="{COLORS[plot.watched]}" stroke-width="2"/>'
    )
    body += _svg_legend(plot)
    return _document(title, plot.summary(), body)


def _document(title: str, summary: str, body: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-label="{escape(title)}">\n'
        f"<title>{escape(title)}</title>\n<desc>{escape(summary)}</desc>\n<style>{STYLE}</style>\n"
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _point(plot: Plot, x: float, y: float) -> tuple[str, str]:
    across = LEFT + plot.x.at(x) * (WIDTH - LEFT - RIGHT)
    down = HEIGHT - BOTTOM - plot.y.at(y) * (HEIGHT - TOP - BOTTOM)
    return _short(round(across, 1)), _short(round(down, 1))


def _svg_axes(plot: Plot) -> list[str]:
    low, high = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = []
    for value, text in plot.y.ticks(7):
        _, y = _point(plot, plot.best[0], value)
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{high}" y2="{y}"/>')
        parts.append(f'<text x="{LEFT - 10}" y="{y}" dy="4" text-anchor="end">{text}</text>')
    for value, text in plot.x.ticks(10, whole=True):
        x, _ = _point(plot, value, plot.best[1])
        parts.append(f'<line class="axis" x1="{x}" y1="{low}" x2="{x}" y2="{low + 5}"/>')
        parts.append(f'<text x="{x}" y="{low + 21}" text-anchor="middle">{text}</text>')
    middle = (LEFT + high) // 2
    scale = "loss (log scale)" if plot.log else "loss"
    parts.append(f'<line class="axis" x1="{LEFT}" y1="{low}" x2="{high}" y2="{low}"/>')
    parts.append(f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">epoch</text>')
    parts.append(
        f'<text transform="translate(20 {(TOP + low) // 2}) rotate(-90)" text-anchor="middle">{scale}</text>'
    )
    return parts


def _svg_best(plot: Plot) -> list[str]:
    """Mark the best epoch by a line up to words above the plot."""
    epoch, value = plot.best
    x, _ = _point(plot, epoch, value)
    across = plot.x.at(epoch)
    anchor = "start" if across < 0.15 else "end" if across > 0.85 else "middle"
    words = f"best: {_short(value, 4)} at epoch {int(epoch)}"
    return [
        f'<line class="best" x1="{x}" y1="{TOP + 2}" x2="{x}" y2="{HEIGHT - BOTTOM}"/>',
        f'<text x="{x}" y="{TOP - 5}" text-anchor="{anchor}">{words}</text>',
    ]


def _svg_line(plot: Plot, line: Line) -> str:
    color = COLORS[line.key]
    path, dots = [], []
    for start, end in line.runs:
        at = [_point(plot, x, y) for x, y in _thinned(line.points[start:end])]
        if len(at) == 1:
            dots.append(f'<circle cx="{at[0][0]}" cy="{at[0][1]}" r="3" fill="{color}"/>')
        else:
            path.append("M" + "L".join(f"{x} {y}" for x, y in at))
    drawn = f'<path class="line" stroke="{color}" d="{"".join(path)}"/>' if path else ""
    return drawn + "".join(dots)


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return at most `POINTS` points with the same outline: of each stretch its ends, lowest and highest."""
    if len(points) <= POINTS:
        return points
    size = ceil(len(points) / (POINTS // 4))
    kept: list[tuple[float, float]] = []
    for start in range(0, len(points), size):
        stretch = points[start : start + size]
        low, high = min(stretch, key=lambda p: p[1]), max(stretch, key=lambda p: p[1])
        kept += sorted({stretch[0], low, high, stretch[-1]})
    return kept


def _svg_legend(plot: Plot) -> list[str]:
    parts = []
    x = WIDTH - RIGHT
    for line in reversed(plot.lines):
        name = NAMES[line.key]
        x -= 7 * len(name)
        parts.append(f'<text x="{x}" y="30">{name}</text>')
        x -= 30
        parts.append(f'<path class="line" stroke="{COLORS[line.key]}" d="M{x} 25.5h22"/>')
        x -= 16
    return parts
