"""Descents as text: traces, comparisons, verdicts; JSON, CSV and bare numbers."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Sequence
from io import StringIO
from math import hypot
from typing import Any, NamedTuple

from ..errors import NoSuchNumber
from ..language.format import output_text
from ..language.numbers import rounded, short
from ..optimization.descent import Function, Point, Trace
from ..optimization.verdict import Verdict
from .page import Block, Drawing, Grid, Heading, Lines
from .page import render as page

SCHEMA = 1
COLUMNS_TO = 3  # variables that get columns of their own
ROWS = 20  # of a long trace
FIRST, LAST = 5, 2  # of them at its ends
MANY = 20  # variables of a run that are listed
STYLES = {
    "converged": "green",
    "left-basin": "yellow",
    "stuck": "yellow",
    "bouncing": "yellow",
    "not-finished": "yellow",
    "diverging": "bold red",
    "left-domain": "bold red",
    "no-slope": "bold red",
}


class Run(NamedTuple):
    """A descent and what became of it; ``trace`` is None where the start itself has no answer."""

    start: Point
    label: str
    trace: Trace | None
    verdict: Verdict | None
    error: NoSuchNumber | None = None

    @property
    def kind(self) -> str:
        """The verdict in one word."""
        return self.verdict.kind if self.verdict is not None else "no-start"

    @property
    def answered(self) -> bool:
        """Whether there is a number to answer with."""
        return self.verdict is not None and self.verdict.answered


class Report(NamedTuple):
    """All that one command line asked for.

    Attributes:
        function: What was descended.
        runs: Optimizer by optimizer, start by start.
        ascend: Upwards.
        until: Length of the gradient that ended a run.
        steps: Updates at most.
        many: Several starting points: one line each.
    """

    function: Function
    runs: tuple[Run, ...]
    ascend: bool
    until: float
    steps: int
    many: bool

    @property
    def output(self) -> str:
        """What the function is called."""
        node = self.function.graph.nodes[self.function.graph.output]
        return node.name if node.name is not None and node.op is not None else "f"


def render(
    report: Report,
    format_: str,
    *,
    digits: int = 6,
    everything: bool = False,
    to_file: bool = False,
    drawing: str | None = None,
) -> str:
    """Return a report as text.

    Args:
        report: What to write.
        format_: ``table``, ``markdown``, ``latex``, ``json``, ``csv``, ``tsv`` or ``value``.
        digits: Significant digits in tables.
        everything: Every update of a long trace; in JSON, the traces of many starts too.
        to_file: The text goes to a file, not to stdout.
        drawing: A terminal's chart.
    """
    if format_ == "json":
        return to_json(report, everything)
    if format_ in ("csv", "tsv"):
        return to_rows(report, "," if format_ == "csv" else "\t")
    if format_ == "value":
        return to_values(report)
    blocks: list[Block] = [Heading(heading(report))]
    if report.many:
        blocks += [starts_grid(report, digits), Lines(counted(report))]
    elif len(report.runs) > 1:
        blocks += _compared(report, digits, everything)
    else:
        blocks += _single(report, digits, everything)
    if drawing is not None:
        blocks.insert(-1, Drawing(drawing))
    return page(blocks, format_, to_file=to_file)


def heading(report: Report) -> str:
    """Return ``x^2: gradient descent from x = 1, x <- x - 0.3*f'``."""
    function, first = report.function, report.runs[0]
    way = "ascent" if report.ascend else "descent"
    choices = list(dict.fromkeys(run.label for run in report.runs))
    start = "" if report.many else f" from {function.described(first.start)}"
    if len(choices) > 1:
        by = f", by {len(choices)} optimizers"
    elif first.trace is not None and first.trace.optimizer.plain:
        sign, rate = "+" if report.ascend else "-", short(first.trace.optimizer.rate, 6)
        one = len(function.names) == 1
        x = function.names[0] if one else "each"
        slope = _slope(report, function.names[0]) if one else "its slope"
        by = f", {x} <- {x} {sign} {rate}*{slope}"
    else:
        by = f" by {choices[0]}"
    fixed = {name: x for name, x in function.inputs.items() if name not in function.names}
    held = "".join(f", {name} = {short(x, 6)} fixed" for name, x in list(fixed.items())[:4])
    return f"{output_text(function.graph)}: gradient {way}{start}{held}{by}"


def _slope(report: Report, name: str) -> str:
    return f"{report.output}'" if len(report.function.names) == 1 else f"d{report.output}/d{name}"


def picked(count: int, everything: bool) -> list[int]:
    """Return which points of a trace are shown: the first, some at equal ratios, the last."""
    if everything or count <= ROWS:
        return list(range(count))
    middle = ROWS - FIRST - LAST
    ratio = (count / FIRST) ** (1.0 / (middle + 1))
    spread = {min(count - 1, round(FIRST * ratio**i)) for i in range(1, middle + 1)}
    return sorted({*range(FIRST), *spread, *range(count - LAST, count)})


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
    rows = []
    for k in picked(len(trace.points), everything):
        move = trace.update(k)
        numbers: list[float | None]
        if wide:
            numbers = [*trace.points[k], trace.values[k], *trace.gradients[k]]
            numbers += list(move) if move is not None else [None] * len(names)
        else:
            numbers = [trace.values[k], hypot(*trace.gradients[k])]
            numbers += [hypot(*move) if move is not None else None]
        rows.append([str(k), *(_cell(x, digits) for x in numbers)])
    n = len(names)
    drop = (*range(2 * n + 2, 3 * n + 2), *range(n + 2, 2 * n + 2)) if wide else (3,)
    return Grid(header, rows, [True] * len(header), drop)


def _cell(x: float | None, digits: int) -> str:
    text = "" if x is None else rounded(x, digits)
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if e else text


def _single(report: Report, digits: int, everything: bool) -> list[Block]:
    (run,) = report.runs
    assert run.trace is not None
    assert run.verdict is not None
    trace = run.trace
    blocks: list[Block] = [trace_grid(report, trace, digits, everything)]
    lines = []
    shown = len(picked(len(trace.points), everything))
    if shown < len(trace.points):
        lines.append(f"{shown} of {len(trace.points):,} points are shown; --all shows every one")
    if len(report.function.names) > COLUMNS_TO:
        ends = zip(report.function.names, trace.points[0], trace.points[-1], trace.gradients[-1], strict=True)
        rows = [[name, *(_cell(x, digits) for x in numbers)] for name, *numbers in ends]
        if len(rows) > MANY and not everything:
            lines.append(f"{len(rows):,} variables; the first {MANY} are shown, --all shows every one")
            rows = rows[:MANY]
        blocks.append(Grid(["variable", "start", "end", "slope there"], rows, [False, True, True, True]))
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
    header = ["optimizer", "updates", *(names if wide else ()), report.output, "|gradient|", "verdict"]
    rows = []
    for run in report.runs:
        trace = run.trace
        assert trace is not None
        numbers = [*(trace.points[-1] if wide else ()), trace.values[-1], hypot(*trace.gradients[-1])]
        rows.append([run.label, f"{trace.updates:,}", *(_cell(x, digits) for x in numbers), run.kind])
    ends = Grid(header, rows, [False, *[True] * (len(header) - 2), False], (len(header) - 2,))
    traces = [run.trace for run in report.runs if run.trace is not None]
    longest = max(len(trace.points) for trace in traces)
    labels = short_labels(report)
    values = [
        [str(k), *(_cell(t.values[k], digits) if k < len(t.values) else "" for t in traces)]
        for k in picked(longest, everything)
    ]
    way = Grid([f"{report.output} after", *labels], values, [True] * (len(labels) + 1))
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
    header = ["optimizer"] if several else []
    header += [f"{name} from" for name in names] + [f"{name} to" for name in names]
    header += [report.output, "updates", "verdict"]
    rows = []
    for run in report.runs:
        trace = run.trace
        row = [run.label] if several else []
        row += [_cell(x, digits) for x in run.start]
        if trace is None:
            row += ["-"] * (len(names) + 2)
        else:
            row += [_cell(x, digits) for x in (*trace.points[-1], trace.values[-1])]
            row.append(f"{trace.updates:,}")
        rows.append([*row, run.kind])
    numeric = [False] * several + [True] * (2 * len(names) + 2) + [False]
    return Grid(header, rows, numeric)


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


def _named(report: Report, point: Point | None) -> dict[str, float] | None:
    return None if point is None else dict(zip(report.function.names, point, strict=True))


def run_dict(report: Report, run: Run, everything: bool) -> dict[str, Any]:
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


def to_json(report: Report, everything: bool) -> str:
    """Return strict JSON, one point a line."""
    function = report.function
    fixed = {name: x for name, x in function.inputs.items() if name not in function.names}
    head = {
        "schema": SCHEMA,
        "expression": function.graph.source.text,
        "output": function.graph.own_name(function.graph.output),
        "direction": "ascend" if report.ascend else "descend",
        "variables": list(function.names),
        "fixed": fixed,
        "until": report.until,
        "steps": report.steps,
    }
    lines = [f" {json.dumps(key)}: {json.dumps(value, allow_nan=False)}," for key, value in head.items()]
    parts = []
    for run in report.runs:
        own = json.dumps(run_dict(report, run, everything), allow_nan=False)
        if run.trace is not None and (everything or not report.many):
            points = ",\n".join(f"   {json.dumps(p, allow_nan=False)}" for p in _points(report, run.trace))
            own = f'{own[:-1]}, "trace": [\n{points}]}}'
        parts.append(f"  {own}")
    return "{" + "\n".join(lines)[1:] + '\n "runs": [\n' + ",\n".join(parts) + "\n]}\n"


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


def to_rows(report: Report, delimiter: str) -> str:
    """Return one row a point, or one a run for many starting points."""
    stream = StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    names = report.function.names

    def texts(numbers: Sequence[float | None]) -> list[str]:
        return ["" if x is None else repr(x) for x in numbers]

    nothing: list[float | None] = [None] * len(names)
    if report.many:
        writer.writerow(
            ["optimizer", *(f"{n} start" for n in names), *names, "value", *(f"d/d{n}" for n in names),
             "updates", "verdict"]
        )  # fmt: skip
        for run in report.runs:
            t = run.trace
            end = (
                [*t.points[-1], t.values[-1], *t.gradients[-1]]
                if t is not None
                else [*nothing, None, *nothing]
            )
            updates = t.updates if t is not None else ""
            writer.writerow([run.label, *texts(run.start), *texts(end), updates, run.kind])
        return stream.getvalue()
    several = len(report.runs) > 1
    header = ["update", *names, "value", *(f"d/d{n}" for n in names), *(f"step {n}" for n in names)]
    writer.writerow([*(["optimizer"] if several else []), *header])
    for run in report.runs:
        trace = run.trace
        assert trace is not None
        for k, point in enumerate(trace.points):
            numbers = [*point, trace.values[k], *trace.gradients[k], *(trace.update(k) or nothing)]
            writer.writerow([*([run.label] if several else []), k, *texts(numbers)])
    return stream.getvalue()


def to_values(report: Report) -> str:
    """Return where the runs end, a number a line; an empty line for what has no answer."""
    lines = []
    for run in report.runs:
        ends = run.trace.points[-1] if run.trace is not None and run.answered else None
        lines += [repr(x) for x in ends] if ends is not None else [""] * len(report.function.names)
    return "".join(f"{line}\n" for line in lines)
