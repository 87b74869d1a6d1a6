"""Descents: traces, comparisons, verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import hypot
from typing import Any

from ..language.format import output_text
from ..language.numbers import brief, rounded
from ..optimization.descent import Coordinates, Trace
from ..optimization.report import Report, Run
from .document import Document, Entries, Facts, Records
from .page import Block, Column, Drawing, Grid, Heading, Lines

SCHEMA = 1
COLUMNS_TO = 3  # variables that get columns of their own
ROWS = 40  # of a trace that is shown whole
ENDS = 5  # of a longer one, at either end
COMPARED = 23  # updates after which runs are compared, at most
MANY = 20  # variables of a run that are listed


def document(
    report: Report, *, digits: int = 6, everything: bool = False, drawing: str | None = None
) -> Document:
    """Return a report to be written.

    Args:
        report: What to write.
        digits: Significant digits in tables.
        everything: Every update of a long trace; in JSON, the traces of many starts too.
        drawing: A terminal's chart.
    """
    return Document(
        page=lambda: _page(report, digits, everything, drawing),
        facts=lambda: _facts(report, everything),
        records=lambda: _records(report),
        values=lambda: _values(report),
    )


def _page(report: Report, digits: int, everything: bool, drawing: str | None) -> list[Block]:
    blocks: list[Block] = [Heading(heading(report))]
    if report.many:
        blocks += [starts_grid(report, digits), Lines(counted(report))]
    elif len(report.runs) > 1:
        blocks += _compared(report, digits, everything)
    else:
        blocks += _single(report, digits, everything)
    if drawing is not None:
        blocks.insert(-1, Drawing(drawing))
    return blocks


def heading(report: Report) -> str:
    """Return ``x^2: gradient descent from x = 1, x <- x - 0.3*f'``."""
    function, first = report.function, report.runs[0]
    way = "ascent" if report.ascend else "descent"
    choices = list(dict.fromkeys(run.label for run in report.runs))
    start = "" if report.many else f" from {function.described(first.start)}"
    if len(choices) > 1:
        by = f", by {len(choices)} optimizers"
    elif first.trace is not None and first.trace.optimizer.plain:
        sign, rate = "+" if report.ascend else "-", brief(first.trace.optimizer.rate, 6)
        one = len(function.names) == 1
        x = function.names[0] if one else "each"
        slope = _slope(report, function.names[0]) if one else "its slope"
        by = f", {x} <- {x} {sign} {rate}*{slope}"
    else:
        by = f" by {choices[0]}"
    fixed = {name: x for name, x in function.inputs.items() if name not in function.names}
    moving = {name.partition("[")[0] for name in function.names}
    arrays = {name: name.partition("[")[0] for name in fixed if "[" in name}
    kept = dict.fromkeys(  # an array of which nothing moves is one name
        arrays[name] if name in arrays and arrays[name] not in moving else f"{name} = {brief(x, 6)}"
        for name, x in fixed.items()
    )
    held = "".join(f", {x} fixed" for x in list(kept)[:4])
    return f"{output_text(function.graph)}: gradient {way}{start}{held}{by}"


def _slope(report: Report, name: str) -> str:
    return f"{report.output}'" if len(report.function.names) == 1 else f"d{report.output}/d{name}"


def picked(count: int, everything: bool) -> list[int]:
    """Return which points of a trace are shown: all, or the first and the last; -1 stands for the others."""
    if everything or count <= ROWS:
        return list(range(count))
    return [*range(ENDS), -1, *range(count - ENDS, count)]


def spread(count: int, everything: bool) -> list[int]:
    """Return after how many updates runs are compared: the first, some at equal ratios, the last."""
    if everything or count <= COMPARED:
        return list(range(count))
    ratio = (count / ENDS) ** (1.0 / (COMPARED - 2 * ENDS + 1))
    middle = {min(count - 1, round(ENDS * ratio**i)) for i in range(1, COMPARED - 2 * ENDS + 1)}
    return sorted({*range(ENDS), *middle, count - 2, count - 1})


def trace_grid(report: Report, trace: Trace, digits: int, everything: bool) -> Grid:
    """Return a line a point."""
    names = report.function.names
    header = ["update"]
    wide = len(names) <= COLUMNS_TO
    one = len(names) == 1
    if wide:
        header += [*names, report.output, *(_slope(report, name) for name in names)]
        header += ["step"] if one else [f"step {name}" for name in names]
    else:
        header += [report.output, "|gradient|", "|step|"]
    rows: list[list[str]] = []
    for k in picked(len(trace.points), everything):
        if k < 0:
            rows.append([])
            continue
        move = trace.update(k)
        numbers: list[float | None]
        if wide:
            numbers = [*trace.points[k], trace.values[k], *trace.gradients[k]]
            numbers += list(move) if move is not None else [None] * len(names)
        else:
            numbers = [trace.values[k], hypot(*trace.gradients[k])]
            numbers += [hypot(*move) if move is not None else None]
        rows.append([str(k), *("" if x is None else rounded(x, digits) for x in numbers)])
    n = len(names)
    steps, slopes = tuple(range(2 * n + 2, 3 * n + 2)), tuple(range(n + 2, 2 * n + 2))
    drop = (steps, slopes) if wide else ((3,),)
    return Grid([Column(title, "number") for title in header], rows, drop=drop)


def _single(report: Report, digits: int, everything: bool) -> list[Block]:
    (run,) = report.runs
    assert run.trace is not None
    assert run.verdict is not None
    trace = run.trace
    blocks: list[Block] = [trace_grid(report, trace, digits, everything)]
    lines = []
    if -1 in picked(len(trace.points), everything):
        lines.append(f"{2 * ENDS} of {len(trace.points):,} points are shown; --all shows every one")
    if len(report.function.names) > COLUMNS_TO:
        ends = zip(report.function.names, trace.points[0], trace.points[-1], trace.gradients[-1], strict=True)
        rows = [[name, *(rounded(x, digits) for x in found)] for name, *found in ends]
        if len(rows) > MANY and not everything:
            lines.append(f"{len(rows):,} variables; the first {MANY} are shown, --all shows every one")
            rows = rows[:MANY]
        numbers = [Column(title, "number") for title in ("start", "end", "slope there")]
        blocks.append(Grid([Column("variable"), *numbers], rows))
    blocks.append(Lines([*run.verdict.says, *lines]))
    return blocks


def short_labels(report: Report) -> list[str]:
    """Return a name a run: where it starts, the optimizer's, or both, by what tells the runs apart."""
    many = len({run.label for run in report.runs}) > 1
    optimizers = _told_apart([run.label for run in report.runs]) if many else [""] * len(report.runs)
    if not report.many:
        return optimizers if many else [run.label.partition("(")[0] for run in report.runs]
    starts = [report.function.described(run.start) for run in report.runs]
    return [
        f"{optimizer}, {start}" if many else start
        for optimizer, start in zip(optimizers, starts, strict=True)
    ]


def _told_apart(labels: Sequence[str]) -> list[str]:
    """Return ``sgd``, ``sgd momentum=0.9``: names, with the settings that not all of that name have."""
    split = [
        (name, rest.removesuffix(")").split(", ")) for name, _, rest in (x.partition("(") for x in labels)
    ]
    short = []
    for name, settings in split:
        others = [theirs for other, theirs in split if other == name]
        own = [word for word in settings if not all(word in theirs for theirs in others)]
        short.append(" ".join([name, *own]))
    return short


def _compared(report: Report, digits: int, everything: bool) -> list[Block]:
    """Return optimizers side by side: where they end, and f on the way."""
    names = report.function.names
    wide = len(names) <= COLUMNS_TO
    header = ["updates", *(names if wide else ()), report.output, "|gradient|"]
    rows = []
    for run in report.runs:
        trace = run.trace
        assert trace is not None
        numbers = [*(trace.points[-1] if wide else ()), trace.values[-1], hypot(*trace.gradients[-1])]
        rows.append([run.label, f"{trace.updates:,}", *(rounded(x, digits) for x in numbers), run.kind])
    columns = [Column("optimizer"), *(Column(title, "number") for title in header), Column("verdict")]
    ends = Grid(columns, rows, drop=((len(header),),))
    traces = [run.trace for run in report.runs if run.trace is not None]
    longest = max(len(trace.points) for trace in traces)
    labels = short_labels(report)
    values = [
        [str(k), *(rounded(t.values[k], digits) if k < len(t.values) else "" for t in traces)]
        for k in spread(longest, everything)
    ]
    way = Grid([Column(title, "number") for title in (f"{report.output} after", *labels)], values)
    said = [
        f"{label}: {run.verdict.says[0]}"
        for label, run in zip(labels, report.runs, strict=True)
        if run.verdict
    ]
    return [ends, way, Lines(said)]


def starts_grid(report: Report, digits: int) -> Grid:
    """Return a line a starting point: where it ends."""
    names = report.function.names
    several = len({run.label for run in report.runs}) > 1
    header = [f"{name} from" for name in names] + [f"{name} to" for name in names]
    columns = [Column(title, "number") for title in (*header, report.output, "updates")]
    rows = []
    for run in report.runs:
        trace = run.trace
        row = [run.label] if several else []
        row += [rounded(x, digits) for x in run.start]
        if trace is None:
            row += ["-"] * (len(names) + 2)
        else:
            row += [rounded(x, digits) for x in (*trace.points[-1], trace.values[-1])]
            row.append(f"{trace.updates:,}")
        rows.append([*row, run.kind])
    return Grid([*([Column("optimizer")] if several else []), *columns, Column("verdict")], rows)


def counted(report: Report) -> list[str]:
    """Return how many runs ended how, and where."""
    kinds = Counter(run.kind for run in report.runs)
    lines = [f"{len(report.runs)} runs: " + ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())]
    ends: Counter[str] = Counter()
    for run in report.runs:
        if run.kind in ("converged", "left-basin") and run.trace is not None:
            scale = max(1.0, *(abs(x) for x in run.trace.points[-1]))
            point = tuple(0.0 if abs(x) < 1e-6 * scale else float(f"{x:.5g}") for x in run.trace.points[-1])
            ends[report.function.described(point)] += 1
    word = "maximum" if report.ascend else "minimum"
    lines += [f"{n} reached the {word} at {place}" for place, n in ends.most_common(8)]
    if len(ends) > 8:
        lines.append(f"and {len(ends) - 8} more places")
    return lines


# for programs


def _named(report: Report, point: Coordinates | None) -> dict[str, float] | None:
    return None if point is None else dict(zip(report.function.names, point, strict=True))


def run_dict(report: Report, run: Run) -> dict[str, Any]:
    """Return one run as the JSON schema has it, without its trace."""
    trace, verdict = run.trace, run.verdict
    error = run.error if trace is None else trace.error
    found: dict[str, Any] = {
        "optimizer": trace.optimizer.as_dict() if trace is not None else None,
        "start": _named(report, run.start),
        "updates": trace.updates if trace is not None else None,
        "end": _named(report, trace.points[-1]) if trace is not None else None,
        "value": trace.values[-1] if trace is not None else None,
        "gradient": _named(report, trace.gradients[-1]) if trace is not None else None,
        "verdict": run.kind,
        "says": list(verdict.says) if verdict is not None else [error.message if error else ""],
        "factor": verdict.factor if verdict is not None else None,
        "predicted_factor": verdict.predicted if verdict is not None else None,
        "stable_rate": verdict.stable if verdict is not None else None,
        "curvature": list(verdict.curvature) if verdict is not None and verdict.curvature else None,
        "extremum": _named(report, verdict.minimum) if verdict is not None else None,
        "error": error.as_dict() if error is not None else None,
    }
    return found


def _facts(report: Report, everything: bool) -> Facts:
    function = report.function
    runs = []
    for run in report.runs:
        found = run_dict(report, run)
        if run.trace is not None and (everything or not report.many):
            found["trace"] = Entries(_points(report, run.trace))
        runs.append(found)
    return Facts(
        {
            "schema": SCHEMA,
            "expression": function.graph.source.text,
            "output": function.graph.own_name(function.graph.output),
            "direction": "ascend" if report.ascend else "descend",
            "variables": list(function.names),
            "fixed": {name: x for name, x in function.inputs.items() if name not in function.names},
            "until": report.until,
            "steps": report.steps,
            "runs": Entries(runs),
        }
    )


def _points(report: Report, trace: Trace) -> list[dict[str, Any]]:
    return [
        {
            "update": k,
            "point": _named(report, point),
            "value": trace.values[k],
            "gradient": _named(report, trace.gradients[k]),
            "step": _named(report, trace.update(k)),
        }
        for k, point in enumerate(trace.points)
    ]


def _records(report: Report) -> Records:
    """Return one row a point, or one a run for many starting points."""
    names = report.function.names
    nothing = [None] * len(names)
    slopes = [f"d/d{n}" for n in names]
    rows: list[list[Any]] = []
    if report.many:
        header = ["optimizer", *(f"{n} start" for n in names), *names, "value", *slopes, "updates", "verdict"]
        for run in report.runs:
            end: list[Any] = [*nothing, None, *nothing, None]
            if (t := run.trace) is not None:
                end = [*t.points[-1], t.values[-1], *t.gradients[-1], t.updates]
            rows.append([run.label, *run.start, *end, run.kind])
        return Records(header, rows)
    several = len(report.runs) > 1
    header = ["update", *names, "value", *slopes, *(f"step {n}" for n in names)]
    for run in report.runs:
        trace = run.trace
        assert trace is not None
        own = [run.label] if several else []
        for k, point in enumerate(trace.points):
            numbers = [*point, trace.values[k], *trace.gradients[k], *(trace.update(k) or nothing)]
            rows.append([*own, k, *numbers])
    return Records([*(["optimizer"] if several else []), *header], rows)


def _values(report: Report) -> Iterator[float | None]:
    """Yield where the runs end; None for what has no answer."""
    for run in report.runs:
        if run.trace is not None and run.answered:
            yield from run.trace.points[-1]
        else:
            yield from [None] * len(report.function.names)
