"""Values and gradient of a program as people read them: the table with its verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..differentiation import METHODS
from ..differentiation.report import GradientReport
from ..graph import CONSTANT, INPUT
from ..language.format import beginning, letter, node_text, output_text
from ..language.numbers import rounded
from .page import Block, Cell, Column, Grid, Heading, Kind, Lines, Only, Paragraph, Slopes, Text, Tone, plain

MANY_ROWS = 100
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


def page(
    report: GradientReport, digits: int, everything: bool, summary: bool, below: Sequence[str]
) -> Iterator[Block]:
    """Yield the table of a gradient and what is to be said of it; see `gradient.document`."""
    yield Only(("table", "html"), Heading(headline(report, digits)))
    yield _grid(report, digits, everything, summary)
    lines = [Text(line, _tone(line)) for line in conclusions(report, digits)]
    if lines:
        yield Only(("table", "markdown", "html"), Lines(lines, most=None))
    else:
        yield Only(("markdown",), Paragraph(()))  # sets the table apart from what follows
    if report.inputs is not None and report.wrt:
        slopes = {name: rounded(x, digits) for name, x in report.gradient.items()}
        output = report.graph.name(report.graph.output)
        yield Only(("latex",), Slopes(output, slopes, rounded(report.norm, digits)))
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
    columns += (
        [Column("formula", "formula", least=12, of=graph.name(graph.output))] if formulas is not None else []
    )
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
        row += [Text(formulas[id] or "-", "formula")] if formulas is not None else []
        row += [rounded(column[id], digits) for column in report.columns.values()]
        row += [_verdict(verdict if node.kind != CONSTANT else "")] if several else []
        rows.append(row)
    if len(rows) > MANY_ROWS and not everything and summary:
        left_out = slice(MANY_ROWS // 2, -MANY_ROWS // 2)
        rows[left_out], shown[left_out] = [[]], [-1]
    return Grid(columns, rows, narrow=_narrow(report, columns, rows), nodes=shown)


def _verdict(verdict: str) -> Cell:
    return Text(verdict, TONES.get(verdict, ""))


def _narrow(
    report: GradientReport, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]
) -> tuple[Block, ...]:
    """Return a narrower table.

    Where the methods say the same, their columns become one; where they do not, the numbers stay, and the
    formulas go below the table.
    """
    titles = [column.title for column in columns]
    methods = [k for k, title in enumerate(titles) if title in METHODS]
    if len(methods) < 2:
        return ()
    if all(plain(row[-1]) == "agree" or len({row[k] for k in methods} - {"-"}) <= 1 for row in rows if row):
        best = titles.index("reverse") if "reverse" in titles else methods[0]
        kept = [k for k in range(len(columns)) if k == best or k not in methods]
        merged = [columns[k].replace(title="gradient") if k == best else columns[k] for k in kept]
        return (Grid(merged, [[row[k] for k in kept if row] for row in rows]),)
    if "formula" not in titles:
        return ()
    at = titles.index("formula")
    grid = Grid([*columns[:at], *columns[at + 1 :]], [[*row[:at], *row[at + 1 :]] for row in rows])
    output = report.graph.name(report.graph.output)
    below = [
        (f"d{output}/d{plain(row[0])} = ", row[at])
        for row in rows
        if row and plain(row[at]) not in ("", "-", "1")
    ]
    return (grid, Lines(below, most=None)) if below else (grid,)


def headline(report: GradientReport, digits: int) -> str:
    """Return ``L = e*f = -4``: the output, how it is made, its value."""
    text = output_text(report.graph)
    return text if report.value is None else f"{text} = {rounded(report.value, digits)}"


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
    output = graph.nodes[graph.output].name or letter(graph)
    own = graph.own_name(graph.output)
    return [
        f"d{output}/d{name} = {formulas[graph.id_of(name)]}".replace(f"d{own}/d", f"d{output}/d")
        for name in report.wrt
        if formulas and formulas[graph.id_of(name)] is not None
    ]
