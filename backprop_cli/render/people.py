"""Reports for people: the Rich table, Markdown and LaTeX, rounded."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from ..differentiation.report import GradientReport
from ..errors import printable
from ..graph import CONSTANT, INPUT
from ..language.format import node_text, output_text
from ..language.numbers import rounded

MANY_ROWS = 100
UNBROKEN = "\ue000=\ue000"  # " = " where a line must not be broken, while Rich lays it out
STYLES = {
    "agree": "green",
    "kink": "yellow",
    "jump": "yellow",
    "rounding": "yellow",
    "noisy": "dim",
    "not-run": "dim",
    "disagree": "bold red",
}
NARROWEST = {"operation": 9, "formula": 12}  # what a text gets before the methods are merged


class Cells(NamedTuple):
    """The table as texts.

    Attributes:
        header: Column titles.
        rows: Cells per node, in the order of the header.
        ids: The node of every row; -1 for a gap.
    """

    header: list[str]
    rows: list[list[str]]
    ids: list[int]


def render(
    report: GradientReport,
    format_: str,
    *,
    digits: int = 6,
    everything: bool = False,
    summary: bool = False,
    to_file: bool = False,
) -> str:
    """Return a report as text.

    Args:
        report: What to write.
        format_: ``table``, ``markdown`` or ``latex``.
        digits: Significant digits.
        everything: Show constants too.
        summary: Show inputs, named steps and the output alone.
        to_file: The text goes to a file, not to stdout.
    """
    cells = table_cells(report, digits, everything, summary)
    if format_ == "markdown":
        numeric = numbers_from(cells.header)
        rows = [
            [
                c if n or not c or t == "agree" else f"`{c}`"
                for c, n, t in zip(row, numeric, cells.header, strict=True)
            ]
            for row in cells.rows
        ]
        return markdown_table(cells.header, rows, numeric) + "\n" + "\n".join(
            f"{line}  " for line in conclusions(report, digits, unicode=True)
        ) + "\n"  # fmt: skip
    if format_ == "latex":
        from .latex import latex_report

        return latex_report(report, cells, digits)
    return rich_table(report, cells, digits, to_file)


def table_cells(report: GradientReport, digits: int, everything: bool, summary: bool) -> Cells:
    """Return the rows that are shown, as texts."""
    graph = report.graph
    formulas, valued = report.formulas is not None, report.inputs is not None
    header = ["step", "operation"]
    header += ["value"] if valued else []
    header += ["formula"] if formulas else []
    header += list(report.columns)
    header += ["agree"] if len(report.columns) > 1 else []
    shown = [
        n.id
        for n in graph.nodes
        if (everything or n.kind != CONSTANT or n.id == graph.output)
        and (not summary or n.name is not None or n.id == graph.output)
    ]
    if len(shown) > MANY_ROWS and not everything and summary:
        shown = [*shown[: MANY_ROWS // 2], -1, *shown[-MANY_ROWS // 2 :]]
    rows = []
    for id in shown:
        if id < 0:
            rows.append(["..."] + [""] * (len(header) - 1))
            continue
        node, verdict = graph.nodes[id], report.verdicts[id]
        row = [graph.name(id), node.kind if node.op is None else node_text(graph, id)]
        row += [rounded(report.values[id], digits)] if valued else []
        row += [(report.formulas[id] or "-")] if report.formulas is not None else []
        row += [rounded(column[id], digits) for column in report.columns.values()]
        row += [verdict.verdict if node.kind != CONSTANT else ""] if len(report.columns) > 1 else []
        rows.append(row)
    return Cells(header, rows, shown)


def numbers_from(header: list[str]) -> list[bool]:
    """Return which columns hold numbers."""
    return [title not in ("step", "operation", "formula", "agree") for title in header]


def headline(report: GradientReport, digits: int) -> str:
    """Return ``L = e*f = -4``: the output, how it is made, its value."""
    text = output_text(report.graph)
    return text if report.value is None else f"{text} = {rounded(report.value, digits)}"


def conclusions(report: GradientReport, digits: int, *, unicode: bool) -> list[str]:
    """Return the lines under the table: the gradient, its length, and what the verdicts mean."""
    graph = report.graph
    lines = []
    output = graph.name(graph.output)
    if report.inputs is not None and report.wrt:
        parts = [f"{n} = {rounded(x, digits)}" for n, x in list(report.settled.items())[:MANY_ROWS]]
        more = ", ..." if len(report.wrt) > MANY_ROWS else ""
        lines.append(f"gradient of {output}: {', '.join(parts)}{more}")
        nabla = "|∇|" if unicode else "|grad|"
        lines.append(f"{nabla} = {rounded(report.norm, digits)}")
    if len(report.columns) > 1:
        counted = [v for v, n in zip(report.verdicts, graph.nodes, strict=True) if v.verdict != "not-run"]
        good = sum(v.verdict == "agree" for v in counted)
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
    where = f" at {node_text(graph, at.id)}" if at else ""
    taken = f"; by convention {at.op.convention}" if at and at.op and at.op.convention else ""
    if quotient.kind == "smooth":
        return f"{verdict.verdict}{where}: {verdict.reason}: {rounded(quotient.value, digits)}{taken}"
    left, right = ("infinite" if s is None else rounded(s, digits) for s in (quotient.left, quotient.right))
    sides = f"slope {left} on the left, {right} on the right"
    why = f"{verdict.reason}; " if verdict.verdict == "disagree" else ""
    return f"{verdict.verdict}{where}: {why}{sides}{taken}"


def rich_table(report: GradientReport, cells: Cells, digits: int, to_file: bool) -> str:
    """Return the table for a terminal, or as plain ASCII when stdout is none."""
    from rich.text import Text

    from .terminal import console_for, is_unicode, table_for, trimmed

    console = console_for(to_file)
    unicode = is_unicode(console)
    header, rows, ids = cells
    below: dict[str, str] = {}
    if console.is_terminal:
        header, rows, below = fit(header, rows, console.width)
    numeric = numbers_from(header)
    table = table_for(console)
    for title, is_number in zip(header, numeric, strict=True):
        fold = title in ("operation", "formula", "step")
        table.add_column(
            title,
            justify="right" if is_number else "left",
            no_wrap=not fold,
            overflow="fold" if fold else "ellipsis",
        )
    graph = report.graph
    for id, row in zip(ids, rows, strict=True):
        styled = []
        for title, cell in zip(header, row, strict=True):
            style = ""
            if title == "step" and id >= 0:
                node = graph.nodes[id]
                style = "cyan" if node.kind == INPUT else "bold" if node.name else ""
            elif title == "formula":
                style = "magenta"
            elif title == "agree":
                style = STYLES.get(cell, "")
                cell = "✓" if cell == "agree" and unicode else cell
            styled.append(Text(cell, style=style))
        table.add_row(*styled)
    with console.capture() as captured:
        console.print(Text(headline(report, digits), style="bold"))
        console.print()
        console.print(table)
        output = report.graph.name(report.graph.output)
        if below:
            console.print()
        for step, formula in below.items():
            console.print(Text.assemble(f"d{output}/d{step}{UNBROKEN}", (formula, "magenta")))
        lines = conclusions(report, digits, unicode=unicode)
        if lines:
            console.print()
        for line in lines:
            word = next((w for w in STYLES if f": {w}" in line), None)
            console.print(Text(line.replace(" = ", UNBROKEN), style=STYLES[word] if word else ""))
    return trimmed(captured.get().replace(UNBROKEN, " = "))


def fit(
    header: list[str], rows: list[list[str]], width: int
) -> tuple[list[str], list[list[str]], dict[str, str]]:
    """Make a table narrower that would not fit.

    Where the methods say the same, their columns become one; where they do not, the numbers stay, and the
    formulas go below the table.

    Returns:
        Header and rows, and the formula of every step that has left the table.
    """
    widths = [max(len(title), *(len(r[i]) for r in rows), 1) for i, title in enumerate(header)]
    least = [min(w, NARROWEST.get(title, w)) for title, w in zip(header, widths, strict=True)]
    room = width - sum(least) - 2 * (len(header) - 1)
    methods = [
        i
        for i, title in enumerate(header)
        if title in ("symbolic", "reverse", "finite", "forward", "complex-step")
    ]
    if room >= 0 or len(methods) < 2:
        return header, rows, {}
    if all(row[-1] == "agree" or len({row[i] for i in methods} - {"-"}) <= 1 for row in rows):
        best = header.index("reverse") if "reverse" in header else methods[0]
        keep = [i for i in range(len(header)) if i == best or i not in methods]
        titles = ["gradient" if i == best else header[i] for i in keep]
        return titles, [[row[i] for i in keep] for row in rows], {}
    if "formula" not in header:
        return header, rows, {}
    at = header.index("formula")
    left = [[*row[:at], *row[at + 1 :]] for row in rows]
    below = {row[0]: row[at] for row in rows if row[at] not in ("", "-", "1")}
    return [*header[:at], *header[at + 1 :]], left, below


def markdown_text(text: str) -> str:
    """Return plain text for Markdown; pipes are left to the table."""
    return re.sub(r"([\\`*_<>\[\]])", r"\\\1", printable(text))


def markdown_row(cells: Iterable[str]) -> str:
    """Return a row of a pipe table; cells are Markdown already, but for the pipes in them."""
    return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"


def markdown_table(header: list[str], rows: list[list[str]], numeric: list[bool]) -> str:
    """Return a pipe table; cells are Markdown already, but for the pipes in them."""
    lines = ["| " + " | ".join(header) + " |"]
    lines.append("|" + "|".join("---:" if n else "---" for n in numeric) + "|")
    lines += map(markdown_row, rows)
    return "\n".join(lines) + "\n"
