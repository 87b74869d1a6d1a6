"""Values and gradient of a program as people read them: the table with its verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..differentiation import METHODS
from ..differentiation.compare import NOT_RUN
from ..differentiation.report import GradientReport
from ..graph import CONSTANT, INPUT
from ..language.format import beginning, headline, node_text
from ..language.numbers import rounded
from .page import Block, Cell, Column, Grid, Heading, Kind, Lines, Only, Paragraph, Slopes, Text, Tone, plain

MANY_ROWS = 100
SIDE_BY_SIDE = 100  # columns of a terminal from which each method has its own
TONES: dict[str, Tone] = {
    "agree": "good",
    "kink": "doubt",
    "jump": "doubt",
    "rounding": "doubt",
    "noisy": "quiet",
    "not-run": "quiet",
    "disagree": "bad",
}
"""By verdict."""

CUT = "formulas that end in ... are whole with --formulas inputs, -o FILE or --format json"


def page(
    report: GradientReport, digits: int, everything: bool, summary: bool, below: Sequence[str]
) -> Iterator[Block]:
    """Yield the table of a gradient and what is to be said of it; see `gradient.document`."""
    yield Only(("table", "html"), Heading(headline(report.graph, report.value, report.inputs, digits)))
    yield _grid(report, digits, everything, summary)
    lines = [Text(line, _tone(line)) for line in conclusions(report, digits)]
    if lines:
        yield Only(("table", "markdown", "html"), Lines(lines, most=None))
    else:
        yield Only(("markdown",), Paragraph(()))  # sets the table apart from what follows
    if report.inputs is not None and report.wrt:
        slopes = {name: rounded(x, digits) for name, x in report.gradient.items()}
        output = report.graph.name(report.graph.output)
        alone = len(report.graph.inputs) == 1
        yield Only(("latex",), Slopes(output, slopes, rounded(report.norm, digits), alone))
    if below:
        yield Paragraph(below, near=True)


def _tone(line: str) -> Tone:
    return next((tone for word, tone in TONES.items() if f": {word}" in line), "")


def _grid(report: GradientReport, digits: int, everything: bool, summary: bool) -> Grid:
    """Return a row a node."""
    graph, formulas = report.graph, report.formulas
    several = len(report.columns) > 1
    columns = [Column("step", "name"), Column("operation", "expression", least=9)]
    columns += [Column("value", "number")] if report.inputs is not None else []
    if formulas is not None:
        output = graph.name(graph.output)
        said = (f"(d{output}/dNAME) is the slope in the row of NAME", CUT) if report.over else None
        columns.append(Column("formula", "formula", least=12, floor=16, of=output, single=said))
    columns += [Column(method, "number") for method in report.columns]
    columns += [Column("agree", "verdict")] if several else []
    shown = [
        n.id
        for n in graph.nodes
        if (everything or n.kind != CONSTANT or n.id == graph.output)
        and (not summary or n.name is not None or n.id == graph.output)
    ]
    rows: list[list[Cell]] = []
    for id in shown:
        node, verdict = graph.nodes[id], report.verdicts[id].verdict
        leaf: Kind | None = "code" if node.op is None else None
        row: list[Cell] = [
            Text(graph.name(id), "name" if node.kind == INPUT else "strong" if node.name else ""),
            Text(node.kind if node.op is None else node_text(graph, id), kind=leaf),
        ]
        row += [rounded(report.values[id], digits)] if report.inputs is not None else []
        row += [_formula(report, id)] if formulas is not None else []
        row += [rounded(column[id], digits) for column in report.columns.values()]
        row += [_verdict(verdict if node.kind != CONSTANT else "")] if several else []
        rows.append(row)
    if len(rows) > MANY_ROWS and not everything and summary:
        left_out = slice(MANY_ROWS // 2, -MANY_ROWS // 2)
        rows[left_out], shown[left_out] = [[]], [-1]
    return Grid(
        columns, rows, needs=SIDE_BY_SIDE, narrow=_narrow(report, columns, rows, digits, shown), nodes=shown
    )


def _formula(report: GradientReport, id: int) -> Cell:
    assert report.formulas is not None
    text, over = report.formulas[id] or "-", report.over.get(id, "")
    return Text(text, "formula", short=over if len(over) < len(text) else "")


def _verdict(verdict: str) -> Cell:
    return Text(verdict, TONES.get(verdict, ""))


def _narrow(
    report: GradientReport,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    digits: int,
    ids: Sequence[int],
) -> tuple[Block, ...]:
    """Return a narrower table: one column for all methods, and below it the rows in which they differ."""
    methods = [k for k, column in enumerate(columns) if column.title in METHODS]
    if len(methods) < 2:
        return ()
    first, last = methods[0], methods[-1] + 1
    merged = [*columns[:first], Column("gradient", "number"), columns[-1].replace(title="")]
    shorter = [
        [*row[:first], rounded(report.standing(id)[0], digits), row[-1]] if row else []
        for row, id in zip(rows, ids, strict=True)
    ]
    odd = [[row[0], *row[first:]] for row in rows if row and plain(row[-1]) not in ("agree", NOT_RUN, "")]
    differing = Grid([columns[0], *columns[first:last], columns[-1]], odd, title="where the methods differ:")
    return (Grid(merged, shorter), *([differing] if odd else []))


def conclusions(report: GradientReport, digits: int) -> list[str]:
    """Return the lines under the table: the gradient, its length, and what the verdicts mean."""
    graph = report.graph
    lines = []
    output = graph.name(graph.output)
    if report.inputs is not None and report.wrt:
        parts = [f"{n} = {rounded(x, digits)}" for n, x in list(report.gradient.items())[:MANY_ROWS]]
        more = ", ..." if len(report.wrt) > MANY_ROWS else ""
        what = "gradient" if report.by_inputs else "derivatives"
        lines.append(f"{what} of {output}: {', '.join(parts)}{more}")
        if report.by_inputs:
            lines.append(f"|∇| = {rounded(report.norm, digits)}")
    if graph.source.unknown:
        lines += _slopes(report)
    if len(report.columns) > 1:
        counted = [k for k, v in enumerate(report.verdicts) if v.verdict != "not-run"]
        # a method without a number there does not agree with the others
        has_all = {k for k in counted if None not in (column[k] for column in report.columns.values())}
        good = sum(report.verdicts[k].verdict == "agree" for k in has_all)
        names = list(report.columns)
        who = f"{', '.join(names[:-1])} and {names[-1]}"
        rows = "row" if len(counted) == 1 else "rows"
        if counted and good == len(counted):
            lines.append(f"{who} agree in {'' if good == 1 else 'all '}{good} {rows}")
        elif counted:
            lines.append(f"{who} agree in {good} of {len(counted)} {rows}")
    for id, verdict in enumerate(report.verdicts):
        if verdict.reason:
            lines.append(f"{graph.name(id)}: {explanation(report, id, digits)}")
    return lines


def explanation(report: GradientReport, id: int, digits: int) -> str:
    """Return why a verdict is not plain agreement."""
    verdict = report.verdicts[id]
    graph, quotient = report.graph, verdict.quotient
    if quotient is None:
        text = f"{verdict.verdict}: {verdict.reason}"
        exact = (
            report.columns["symbolic"][id]
            if verdict.verdict == "rounding" and "symbolic" in report.columns
            else None
        )
        return text if exact is None else f"{text}; the symbolic number, {rounded(exact, digits)}, is exact"
    at = graph.nodes[quotient.at] if quotient.at is not None else None
    where = f" at {beginning(node_text(graph, at.id))}" if at else ""
    taken = f"; by convention {at.op.convention}" if at and at.op and at.op.convention else ""
    if quotient.kind == "smooth":
        return f"{verdict.verdict}{where}: {verdict.reason}: {rounded(quotient.value, digits)}{taken}"
    left, right = ("infinite" if s is None else rounded(s, digits) for s in (quotient.left, quotient.right))
    sides = f"slope {left} on the left, {right} on the right"
    why = f"{verdict.reason}; " if verdict.verdict == "disagree" else ""
    return f"{verdict.verdict}{where}: {why}{sides}{taken}"


def _slopes(report: GradientReport) -> list[str]:
    """Return ``dy/dx = g'(u)*f'(x)`` for every input asked for."""
    graph, formulas = report.graph, report.formulas or []
    output = graph.own_name(graph.output)
    return [
        f"d{output}/d{name} = {formulas[graph.id_of(name)]}"
        for name in report.wrt
        if formulas and formulas[graph.id_of(name)] is not None
    ]
