"""A sweep: its runs in a table, the best of them, and its measure over the values of a key."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import isfinite, log
from typing import Any

from ..curves.scale import LINEAR, LOG, WIDE, scale_of_fall
from ..errors import printable
from ..language.numbers import brief, rounded
from ..layout.chart import Chart, Dash, Mark, Panel, Series, Style
from ..layout.chart_picture import picture_of
from ..layout.picture import Picture, Role
from ..training.comparison import RunFacts
from ..training.sweeping import FOLD, Axis, Combination, Swept, ratio
from . import runs as table
from .document import Document, Facts, Records
from .page import Block, Cell, Column, Grid, Lines

ROLES: tuple[Role, ...] = ("first", "second", "third", "fourth", "fifth")
DASHES: tuple[Dash, ...] = ("solid", "dashed", "dotted", "dash-dotted", "long")


def document(sweep: Swept, *, digits: int) -> Document:
    """Return a row for every run, and which is best."""
    keys = [*(axis.key for axis in sweep.axes), *([FOLD] if sweep.folds else [])]

    def records() -> Records:
        plain = table.records(sweep.runs, keys)
        rows = [[*row, sweep.commands[run.folder]] for row, run in zip(plain.rows, sweep.runs, strict=True)]
        return Records([*plain.header, "command"], rows)

    return Document(
        page=lambda: _page(sweep, digits),
        facts=lambda: Facts(_facts(sweep, keys), "document"),
        records=records,
    )


def _page(sweep: Swept, digits: int) -> Iterator[Block]:
    keys = [axis.key for axis in sweep.axes if len(axis.values) > 1]
    if not sweep.folds or len(sweep.combinations) < 2:
        runs = sweep.runs
        yield table.grid(runs, table.measures_of(runs), [*keys, *([FOLD] if sweep.folds else [])], digits)
    if sweep.folds:
        yield _means(sweep, keys, digits)
    for folder, fault in sweep.faults.items():
        yield Lines([f"{printable(folder)}: {printable(fault)}"], most=None, near=True)
    yield Lines([*told(sweep)], most=None)


def _means(sweep: Swept, keys: list[str], digits: int) -> Grid:
    """Return mean and deviation of each measure over the folds: of each set, or of each combination."""
    several = len(sweep.combinations) > 1
    judged = sweep.verdict.judged
    found = next((each.means for each in sweep.combinations if each.means is not None), {})
    names = list(found.get(judged, {}))
    columns = [
        *([Column("runs", "word", "name")] if several else [Column(f"{sweep.folds} folds", "word")]),
        *(
            column
            for name in names
            for column in (Column(f"mean {name}", "number"), Column(f"deviation of {name}", "number"))
        ),
        *(Column(printable(title), "number") for title in (table.short(keys) if several else ())),
    ]

    def numbers(each: Combination, part: str) -> list[Cell]:
        cells: list[Cell] = []
        for name in names:
            for values in (each.means or {}, each.deviations):
                value = values.get(part, {}).get(name)
                cells.append("-" if value is None else rounded(value, digits))
        return cells

    rows: list[list[Cell]] = []
    if not several:
        rows = [[part, *numbers(sweep.combinations[0], part)] for part in found]
    for each in sweep.combinations if several else ():
        first, last = each.runs[0].folder, os.path.basename(each.runs[-1].folder)
        shown = printable(first if len(each.runs) == 1 else f"{first}-{last}")
        rows.append([shown, *numbers(each, judged), *(each.values[key] for key in keys)])
    return Grid(columns, rows, drop=((2,), (1,)) if several and len(names) > 1 else ())


def told(sweep: Swept) -> Iterator[str]:
    """Yield which is best, how to train it alone, and what to heed."""
    verdict, best = sweep.verdict, sweep.best
    if best is None or verdict.best is None:
        yield f"best: none; {verdict.why}"
    elif sweep.folds:
        if sweep.axes:
            yield f"best: {printable('  '.join(best.settings))}, by {verdict.why}"
        yield f"on all rows: {sweep.alone[verdict.best]}"
    else:
        yield f"best: {printable(best.runs[0].folder)}, by {verdict.why}"
        if best.means is not None and "test" in best.means:
            values = ", ".join(f"{name} {brief(value, 5)}" for name, value in best.means["test"].items())
            yield f"on the test rows, which had no part in the choice: {values}"
        yield f"by itself: {sweep.alone[verdict.best]}"
    yield from (f"note: {note}" for note in sweep.notes)


def _facts(sweep: Swept, keys: list[str]) -> dict[str, Any]:
    verdict = sweep.verdict
    return {
        "schema": 1,
        "folder": sweep.folder,
        "axes": [{"key": axis.key, "values": list(axis.values)} for axis in sweep.axes],
        "folds": sweep.folds,
        "set": verdict.judged,
        "measure": verdict.measure,
        "best": verdict.best,
        "why": verdict.why,
        "notes": sweep.notes,
        "combinations": [
            {
                "settings": each.values,
                "runs": [run.folder for run in each.runs],
                "means": each.means,
                "deviations": each.deviations,
                "command": command,
            }
            for each, command in zip(sweep.combinations, sweep.alone, strict=True)
        ],
        "runs": [
            table.facts_of(run, keys)
            | {"fault": sweep.faults.get(run.folder), "command": sweep.commands[run.folder]}
            for run in sweep.runs
        ],
    }


# the chart


def chart(sweep: Swept, title: str) -> Chart:
    """Return the measure over one key, a line for each combination of the others; the best is marked."""
    verdict, best = sweep.verdict, sweep.best
    across = _across(sweep.axes)
    style: Style = "points" if across.numbers is None else "line+points"
    numbers = across.numbers or [float(i + 1) for i in range(len(across.values))]
    lines: list[tuple[str, list[tuple[float, float] | None]]] = []
    marks = []
    for name, along in sweep.lines(across):
        pairs = sorted(zip(numbers, along, strict=True), key=lambda pair: pair[0])
        lines.append((name, [_point(x, each, verdict.judged, verdict.measure) for x, each in pairs]))
        for x, each in pairs:
            if each is not None and each is best and each.means is not None:
                marks.append(Mark(x, each.means[verdict.judged][verdict.measure], "best"))
    if len(lines) > len(ROLES):  # more than anybody could tell apart
        series = [Series("", line, "first", style) for _, line in lines]
    else:
        series = [
            Series(name, line, role, style, dash)
            for (name, line), role, dash in zip(lines, ROLES, DASHES, strict=False)
        ]
    label = f"{verdict.judged} {verdict.measure}"
    if len(lines) == 1 and verdict.judged != "training":
        label = verdict.measure
        pairs = sorted(zip(numbers, next(sweep.lines(across))[1], strict=True), key=lambda pair: pair[0])
        trained = [_point(x, each, "training", verdict.measure) for x, each in pairs]
        lines.append(("training", trained))
        series = [
            series[0]._replace(name=verdict.judged),
            Series("training", trained, "second", style, "dashed"),
        ]
    known = [point[1] for _, line in lines for point in line if point is not None] or [0.0]
    scale = scale_of_fall(min(known), max(known))
    ratios = across.numbers is not None and (across.logarithmic or ratio(numbers) >= log(WIDE))
    named = ", ".join(f"{i} {value}" for i, value in enumerate(across.values, 1))
    panel = Panel(
        "",
        printable(across.key if across.numbers else f"{across.key}: {named}"),
        f"{label}{', log scale' if scale.log else ''}",
        series,
        marks,
        x_scale=LOG if ratios else LINEAR,
        y_scale=scale,
        x_whole=across.numbers is None or all(x == int(x) for x in numbers),
    )
    return Chart(printable(title), verdict.why, [panel])


def _point(x: float, each: Combination | None, part: str, measure: str) -> tuple[float, float] | None:
    y = None if each is None or each.means is None else each.means[part].get(measure)
    return None if y is None or not isfinite(y) else (x, y)


def _across(axes: list[Axis]) -> Axis:
    """Return the axis to the right: that of the most numbers, else that of the most values."""
    return max(axes, key=lambda axis: (axis.numbers is not None and len(axis.values) > 1, len(axis.values)))


def picture(sweep: Swept) -> Picture:
    """Return the chart as a picture."""
    return picture_of(chart(sweep, sweep.folder))


def terminal(sweep: Swept, width: int, height: int, *, unicode: bool, color: int) -> str:
    """Return the chart as lines of text."""
    from .canvas import terminal_chart

    return terminal_chart(chart(sweep, ""), width, height, unicode=unicode, color=color)


def progress(run: RunFacts, done: int, of: int, measure: str) -> str:
    """Return one run that has ended as a line for a log."""
    given = "  ".join(f"{key}={table.value_of(run, key)}" for key in run.config)
    value = run.measures.get(measure)
    found = f"{run.judged or 'last'} {measure} {brief(value, 5)}" if value is not None else run.state
    return f"run {done:>{len(str(of))}}/{of}  {given}  {found if run.state == 'finished' else run.state}"
