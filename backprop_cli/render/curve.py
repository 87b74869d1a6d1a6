"""The loss curve of a training run: for a terminal, and as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from ..curves.scale import LINEAR, scale_of_fall
from ..errors import printable
from ..language.numbers import brief
from ..layout.chart import Chart, Dash, Mark, Panel, Series
from ..layout.chart_picture import picture_of
from ..layout.picture import Label, Role
from ..training.schema import RETURN
from .canvas import terminal_chart
from .svg import svg

LARGEST = 1e300
NAMES = {"loss": "train", "val_loss": "validation", RETURN: "mean of a round"}
ROLES: dict[str, Role] = {"loss": "first", "val_loss": "second", RETURN: "first"}
DASHES: dict[str, Dash] = {"loss": "solid", "val_loss": "dashed", RETURN: "solid"}


class Plot:
    """What is drawn of a run: the losses, or returns of episodes, and the best epoch.

    Args:
        history: A mapping an epoch with ``loss`` and perhaps ``val_loss`` and ``epoch``; or with ``return``.
        best: The best epoch; by default that of the lowest ``val_loss``, or ``loss`` where there is none; of
            the highest ``return``.
    """

    def __init__(self, history: Sequence[Mapping[str, Any]], best: int | None = None) -> None:
        # the losses of two rounds are not to be compared: each has its own baseline
        self.played = any(RETURN in record for record in history)
        keys = [key for key in NAMES if (key == RETURN) == self.played]
        lines = {key: _line(history, key) for key in keys}
        known = {key: [p for p in line if p is not None] for key, line in lines.items()}
        self.known = {key: points for key, points in known.items() if points}
        self.recorded = len(history)
        if not self.known:
            return
        self.series = [Series(NAMES[key], lines[key], ROLES[key], dash=DASHES[key]) for key in self.known]
        values = [y for points in self.known.values() for _, y in points]
        self.scale = LINEAR if self.played else scale_of_fall(min(values), max(values))
        self.watched, points = list(self.known.items())[-1]
        chosen = [p for p in points if p[0] == best]
        best_of = max if self.played else min
        self.best = chosen[0] if chosen else best_of(points, key=lambda point: point[1])

    @property
    def empty(self) -> str | None:
        """Why there is nothing to draw."""
        if self.known:
            return None
        return f"the {self.what} was never a finite number" if self.recorded else "no epoch is recorded yet"

    @property
    def what(self) -> str:
        """What the curve is of."""
        return RETURN if self.played else "loss"

    @property
    def word(self) -> str:
        """What one of its points is called."""
        return "round" if self.played else "epoch"

    def summary(self) -> str:
        """Return the last and the best values in words."""
        last = ", ".join(f"{key} {brief(points[-1][1], 4)}" for key, points in self.known.items())
        epoch = max(int(points[-1][0]) for points in self.known.values())
        return f"{self.word} {epoch}: {last}; best {self.watched} {self._best()}"

    def _best(self) -> str:
        return f"{brief(self.best[1], 4)} at {self.word} {int(self.best[0])}"

    def chart(self, title: str, mark: str) -> Chart:
        """Return the curve; ``mark`` is what stands at the best epoch."""
        label = f"{self.what}, log scale" if self.scale.log else self.what
        marks = [Mark(*self.best, mark, ROLES[self.watched])]
        bottom = None if self.played else 0.0
        panel = Panel(
            "", self.word, label, self.series, marks, y_scale=self.scale, y_bottom=bottom, x_whole=True
        )  # fmt: skip
        return Chart(title, self.summary(), [panel])


def _line(history: Sequence[Mapping[str, Any]], key: str) -> list[tuple[float, float] | None]:
    """Return epochs and values, None where there is no finite one."""
    points: list[tuple[float, float] | None] = []
    for i, record in enumerate(history):
        value = record.get(key)
        if value is not None and isfinite(value) and abs(value) < LARGEST:
            points.append((float(record.get("epoch", i + 1)), float(value)))
        else:
            points.append(None)
    return points


def terminal_curve(
    history: Sequence[Mapping[str, Any]],
    width: int = 80,
    height: int = 24,
    unicode: bool = True,
    *,
    color: int = 0,
    best: int | None = None,
) -> str:
    """Return the curve as lines of text.

    Args:
        history: See `Plot`.
        width: Columns, at least 40 are used.
        height: Lines, at least 8 are used.
        unicode: Draw with Braille dots and lines; else in ASCII.
        color: How many colours there are; 0 for none.
        best: See `Plot`.
    """
    plot = Plot(history, best)
    if plot.empty:
        return plot.empty + "\n"
    drawn = terminal_chart(plot.chart("", ""), width, height - 1, unicode=unicode, color=color)
    return f"{drawn}  {plot.summary()}\n"


def svg_curve(history: Sequence[Mapping[str, Any]], title: str, *, best: int | None = None) -> str:
    """Return the curve as an SVG document.

    Args:
        history: See `Plot`.
        title: What stands above it, as the user wrote it.
        best: See `Plot`.
    """
    plot = Plot(history, best)
    title = printable(title)
    if plot.empty:
        empty = picture_of(Chart(title, plot.empty, []))
        text = Label(empty.width / 2, empty.height / 2, plot.empty, 15.0, "muted", "middle")
        return svg(empty._replace(shapes=(*empty.shapes, text)))
    return svg(picture_of(plot.chart(title, f"best: {plot._best()}")))
