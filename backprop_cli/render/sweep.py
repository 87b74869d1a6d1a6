"""A sweep: its runs in a table, the best of them, and its measure over the values of a key."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite, log

from ..errors import printable
from ..language.numbers import brief
from ..layout.chart import Chart, Mark, Panel, Series, picture_of
from ..layout.picture import Picture, Role
from ..training.comparison import RunFacts
from ..training.sweeping import Axis, Swept, ratio
from . import runs as table
from .curve import WIDE
from .document import Document, Facts, Records
from .page import Block, Lines

ROLES: tuple[Role, ...] = ("first", "second", "third", "fourth", "fifth")
WIDTH, HEIGHT = 720, 420


def document(sweep: Swept, *, digits: int) -> Document:
    """Return a row for every run, and which is best."""
    keys = [axis.key for axis in sweep.axes]

    def records() -> Records:
        plain = table.records(sweep.runs, keys)
        rows = [[*row, command] for row, command in zip(plain.rows, sweep.commands, strict=True)]
        return Records([*plain.header, "command"], rows)

    return Document(page=lambda: _page(sweep, digits), facts=lambda: _facts(sweep, keys), records=records)


def _page(sweep: Swept, digits: int) -> Iterator[Block]:
    keys = [axis.key for axis in sweep.axes if len(axis.values) > 1]
    yield table.grid(sweep.runs, table.measures_of(sweep.runs), keys, digits)
    for i, fault in sweep.faults.items():
        yield Lines([f"{sweep.runs[i].folder}: {fault}"], most=None, near=True)
    yield Lines([*told(sweep)], most=None)


def told(sweep: Swept) -> Iterator[str]:
    """Yield which run is best, how to train it alone, and what to heed."""
    verdict = sweep.verdict
    if sweep.best is None or verdict.best is None:
        yield f"best: none; {verdict.why}"
    else:
        yield f"best: {printable(sweep.best.folder)}, by {verdict.why}"
        if sweep.tested is not None:
            values = ", ".join(f"{name} {brief(value, 5)}" for name, value in sweep.tested.items())
            yield f"on the test rows, which had no part in the choice: {values}"
        yield f"by itself: {sweep.commands[verdict.best]}"
    yield from (f"note: {note}" for note in sweep.notes)


def _facts(sweep: Swept, keys: list[str]) -> Facts:
    verdict = sweep.verdict
    runs = [
        table.facts_of(run, keys) | {"fault": sweep.faults.get(i), "command": sweep.commands[i]}
        for i, run in enumerate(sweep.runs)
    ]
    return Facts(
        {
            "schema": 1,
            "folder": sweep.folder,
            "axes": [{"key": axis.key, "values": list(axis.values)} for axis in sweep.axes],
            "set": verdict.judged,
            "measure": verdict.measure,
            "best": verdict.best,
            "why": verdict.why,
            "test": sweep.tested,
            "notes": sweep.notes,
            "runs": runs,
        },
        "document",
    )


# the chart


def chart(sweep: Swept, title: str) -> Chart:
    """Return the measure over one key, a line for each combination of the others; the best is marked."""
    verdict, best = sweep.verdict, sweep.best
    across = _across(sweep.axes)
    numbers = across.numbers or [float(i + 1) for i in range(len(across.values))]
    lines: list[tuple[str, list[tuple[float, float] | None]]] = []
    marks = []
    for name, runs in sweep.lines(across):
        pairs = sorted(zip(numbers, runs, strict=True), key=lambda pair: pair[0])
        lines.append((name, [_point(x, run, verdict.measure) for x, run in pairs]))
        marks += [
            Mark(x, run.measures[verdict.measure], "best")
            for x, run in pairs
            if run is not None and run is best
        ]
    if len(lines) > len(ROLES):  # more than anybody could tell apart
        series = [Series("", line, "first", "line+points") for _, line in lines]
    else:
        series = [
            Series(name, line, role, "line+points") for (name, line), role in zip(lines, ROLES, strict=False)
        ]
    label = f"{verdict.judged} {verdict.measure}"
    if len(lines) == 1 and verdict.judged != "training":
        label = verdict.measure
        measured = dict(zip(map(id, sweep.runs), sweep.trained, strict=True))
        values = [measured.get(id(run)) for run in next(sweep.lines(across))[1]]
        along = sorted(zip(numbers, values, strict=True), key=lambda pair: pair[0])
        trained = [(x, y) if y is not None else None for x, y in along]
        lines.append(("training", trained))
        series = [
            series[0]._replace(name=verdict.judged),
            Series("training", trained, "second", "line+points"),
        ]
    known = [point[1] for _, line in lines for point in line if point is not None] or [0.0]
    wide = min(known) > 0.0 and max(known) / min(known) >= WIDE
    named = ", ".join(f"{i} {value}" for i, value in enumerate(across.values, 1))
    panel = Panel(
        "",
        printable(across.key if across.numbers else f"{across.key}: {named}"),
        f"{label}{', log scale' if wide else ''}",
        series,
        marks,
        x_log=across.numbers is not None and (across.logarithmic or ratio(numbers) >= log(WIDE)),
        y_log=wide,
        x_whole=across.numbers is None,
    )
    return Chart(printable(title), verdict.why, [panel])


def _point(x: float, run: RunFacts | None, measure: str) -> tuple[float, float] | None:
    y = None if run is None else run.measures.get(measure)
    return None if y is None or not isfinite(y) else (x, y)


def _across(axes: list[Axis]) -> Axis:
    """Return the axis to the right: that of the most numbers, else that of the most values."""
    return max(axes, key=lambda axis: (axis.numbers is not None and len(axis.values) > 1, len(axis.values)))


def picture(sweep: Swept) -> Picture:
    """Return the chart as a picture."""
    return picture_of(chart(sweep, sweep.folder), WIDTH, HEIGHT)


def terminal(sweep: Swept, width: int, height: int, unicode: bool) -> str:
    """Return the chart as lines of text."""
    from .canvas import terminal_chart

    return terminal_chart(chart(sweep, ""), width, height, unicode=unicode, color=False)


def progress(run: RunFacts, done: int, of: int, measure: str) -> str:
    """Return one run that has ended as a line for a log."""
    given = "  ".join(f"{key}={table.value_of(run, key)}" for key in run.config)
    value = run.measures.get(measure)
    found = f"{run.judged or 'last'} {measure} {brief(value, 5)}" if value is not None else run.state
    return f"run {done:>{len(str(of))}}/{of}  {given}  {found if run.state == 'finished' else run.state}"
