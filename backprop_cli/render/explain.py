"""Explanations for a terminal, in Markdown, in LaTeX, as JSON.

The fields of the JSON objects are in ``docs/explain.md``; ``SCHEMA`` changes when one changes its meaning.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Any

from ..explanation.limits import Limit
from ..explanation.passes import Backward, Forward, Stop, Total
from ..explanation.paths import Reach
from ..explanation.report import Explanation
from ..explanation.steps import Derivation
from ..explanation.words import Update
from ..explanation.written import Expr
from .explain_lines import Equation, Row, Section, Voice, headline, nudge_text, sections
from .latex import number_to_latex, text_to_latex
from .written import Style, expression

SCHEMA = 1
WIDEST_LABEL = 34
"""Longer labels stand on a line of their own."""


def render(told: Explanation, format_: str, *, digits: int = 6, to_file: bool = False) -> str:
    """Return an explanation as text.

    Args:
        told: What to write.
        format_: ``table``, ``markdown``, ``latex`` or ``json``.
        digits: Significant digits; JSON is exact.
        to_file: The text goes to a file, not to stdout.
    """
    if told.point is not None and not told.point.paper.exact:
        digits = 15  # the numbers are short already
    output = told.graph.own_name(told.graph.output)
    if format_ == "json":
        return to_json(told)
    voice = Voice(output, digits, format_ == "latex")
    page = sections(told, voice)
    if format_ == "latex":
        return to_latex_page(told, page, digits)
    if format_ == "markdown":
        return to_markdown(told, page, digits)
    return to_terminal(told, page, digits, to_file)


def said(equation: Equation) -> str:
    """Return an equation with its words."""
    text = " = ".join(equation.forms)
    text = f"{equation.before} {text}" if equation.before else text
    return f"{text} to {equation.target}" if equation.target else text


def to_terminal(told: Explanation, page: Sequence[Section], digits: int, to_file: bool) -> str:
    """Return the page for a terminal, or plain when stdout is none."""
    from rich.text import Text

    from .terminal import console_for, trimmed

    console = console_for(to_file)
    width = console.width
    lines = [Text(part, "bold") for part in wrap(headline(told, digits), width, subsequent_indent="  ")]
    for section in page:
        lines += [Text(), Text(section.title, "bold")]
        if section.rule:
            lines += [Text(f"  {part}", "dim") for part in wrap(section.rule, max(20, width - 2))]
        labels = [r.label for r in section.rows if r.equations]
        left = max((len(x) for x in labels if len(x) <= min(WIDEST_LABEL, width // 3)), default=0)
        before, table = "", list(_aligned(section)) if section.columns else []
        for row in section.rows:
            if row.cells:
                lines += table
                table = []
                continue
            label = "" if row.label == before and not row.depth else row.label
            before = row.label
            lines += _laid_out(row, label, left, width)
    with console.capture() as captured:
        for line in lines:
            console.print(line, soft_wrap=True)
    return trimmed(captured.get())


def _laid_out(row: Row, label: str, left: int, width: int) -> Iterator[Any]:
    """Yield the lines of a row: label, equations, remark."""
    from rich.text import Text

    if not row.equations:
        for k, part in enumerate(wrap(row.remark, max(20, width - 4))):
            yield Text(f"{'    ' if k else '  '}{part}")
        return
    indent = 2 + (left + 2 if left else 0)
    head = Text("  ")
    if label and len(label) > left:
        yield Text(f"  {label}:", "cyan")
        head = Text(" " * indent)
    elif left:
        head = Text("  ").append(f"{label}:".ljust(left + 2) if label else " " * (left + 2), "cyan")
    if row.depth:
        head.append("  " * row.depth)
        indent += 2 * row.depth
    pieces = [said(e) for e in row.equations]
    room = max(24, width - indent)
    lines = ["; ".join(pieces)]
    if len(lines[0]) > room:
        lines = []
        for k, piece in enumerate(pieces):
            ending = ";" if k + 1 < len(pieces) else ""
            lines += _broken(piece + ending, room)
    remark = f"  ({row.remark})" if row.remark else ""
    for k, text in enumerate(lines):
        line = head if k == 0 else Text(" " * indent)
        last = k + 1 == len(lines)
        body, equals, value = text.rpartition(" = ")
        if last and equals and not row.equations[-1].target:
            line.append(body + equals).append(value, "bold")
        else:
            line.append(text)
        if last and remark and len(line) + len(remark) <= width:
            line.append(remark, "dim")
            remark = ""
        yield line
    if remark:
        for part in wrap(remark.strip(), max(20, width - indent)):
            yield Text(" " * indent).append(part, "dim")


def _broken(text: str, room: int) -> list[str]:
    """Break an equation before its equals signs, then anywhere."""
    if len(text) <= room:
        return [text]
    lines: list[str] = []
    for k, form in enumerate(text.split(" = ")):
        piece = form if k == 0 else f"= {form}"
        if lines and len(lines[-1]) + 1 + len(piece) <= room:
            lines[-1] += f" {piece}"
        else:
            lines += wrap(piece, room, break_long_words=False, break_on_hyphens=False,
                          initial_indent="  " if k else "", subsequent_indent="    ")  # fmt: skip
    return lines


def _aligned(section: Section) -> Iterator[Any]:
    from rich.text import Text

    rows = [r.cells for r in section.rows if r.cells]
    table = [section.columns, *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(section.columns))]
    for k, row in enumerate(table):
        yield Text(
            "  " + "  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)), "dim" if k == 0 else ""
        )


_MARKED = str.maketrans({c: f"\\{c}" for c in "\\`*_<|[]"})


def to_markdown(told: Explanation, page: Sequence[Section], digits: int) -> str:
    """Return the page as Markdown."""
    lines = [f"**{headline(told, digits).translate(_MARKED)}**"]
    for section in page:
        lines += ["", f"## {section.title.translate(_MARKED)}", ""]
        if section.rule:
            lines += [section.rule.translate(_MARKED), ""]
        if section.columns:
            lines += ["| " + " | ".join(section.columns) + " |", "|" + "---:|" * len(section.columns)]
            lines += ["| " + " | ".join(r.cells) + " |" for r in section.rows if r.cells] + [""]
        for row in section.rows:
            if row.cells:
                continue
            remark = row.remark.translate(_MARKED)
            if not row.equations:
                lines.append(f"- {remark}")
                continue
            code = "; ".join(f"`{said(e)}`" for e in row.equations)
            label = f"`{row.label}`: " if row.label else ""
            lines.append(f"{'  ' * row.depth}- {label}{code}" + (f" ({remark})" if remark else ""))
    return "\n".join(lines) + "\n"


def to_latex_page(told: Explanation, page: Sequence[Section], digits: int) -> str:
    """Return the page as a fragment: paragraphs and ``align*``; amsmath is all it needs."""
    lines = [r"\noindent\textbf{" + text_to_latex(headline(told, digits)) + "}", ""]
    for section in page:
        lines += [r"\paragraph{" + text_to_latex(section.title) + "}"]
        lines += [text_to_latex(section.rule)] if section.rule else []
        body: list[str] = []
        for row in section.rows:
            if row.equations:
                body += _latex_row(row)
        if body:
            lines += [r"\begin{align*}", " \\\\\n".join(body), r"\end{align*}"]
        cells = [r.cells for r in section.rows if r.cells]
        if cells:
            lines += [r"\begin{center}\begin{tabular}{" + "r" * len(section.columns) + "}"]
            lines += [" & ".join(map(text_to_latex, section.columns)) + r" \\ \hline"]
            lines += [
                " & ".join(f"${c}$" if c != "-" else "--" for c in row) + r" \\"
                for row in map(_powers, cells)
            ]
            lines += [r"\end{tabular}\end{center}"]
        words = [text_to_latex(row.remark) for row in section.rows if row.remark and not row.equations]
        if words:
            lines += [r"\begin{itemize}", *(rf"\item {w}" for w in words), r"\end{itemize}"]
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def _powers(cells: Sequence[str]) -> list[str]:
    return [c if c == "-" else number_to_latex(c) for c in cells]


def _latex_row(row: Row) -> list[str]:
    found = []
    for k, e in enumerate(row.equations):
        math = " = ".join(e.forms)
        math = rf"\text{{{text_to_latex(e.before)} }}{math}" if e.before else math
        math = rf"{math} \text{{ to }} {e.target}" if e.target else math
        label = rf"{row.label}:\quad " if row.label and k == 0 else r"\qquad " if k else ""
        remark = row.remark if k + 1 == len(row.equations) else ""
        indent = r"\quad " * row.depth
        found.append(f"  & {indent}{label}{math}")
        # remarks are sentences, too long for the end of a line of mathematics
        if remark:
            found += [rf"  & \qquad\text{{({text_to_latex(part)})}}" for part in [remark]]
    return found


# JSON


def to_json(told: Explanation) -> str:
    """Return strict JSON, a line an entry."""
    graph, point = told.graph, told.point
    output = graph.own_name(graph.output)
    plain = Voice(output, 17)
    head: dict[str, Any] = {
        "schema": SCHEMA,
        "expression": graph.source.text,
        "output": output,
        "value": point.here.value if point else None,
        "inputs": point.here.inputs if point else None,
        "gradient": point.gradient if point else None,
        "round_each": point.paper.decimals if point else None,
        "direction": told.direction._asdict() if told.direction and told.passes else None,
        "cost": told.cost._asdict() if told.cost else None,
        "update": _update_dict(told.update) if told.update else None,
        "summary": _summary_dict(told) if told.summary else None,
        "warnings": [*told.notes, *told.warnings],
    }
    lists: dict[str, list[dict[str, Any]]] = {
        "forward": [_forward_dict(line, told) for line in told.forward],
        "backward": [_backward_dict(line, told) for line in told.backward],
        "chains": [_chain_dict(reach, told) for reach in told.chains],
        "nudges": [n._asdict() | {"text": nudge_text(n, Voice(output, 6))} for n in told.nudges],
        "derivations": [_derivation_dict(d, told, plain) for d in told.derivations],
        "limits": [
            _limit_dict(name, limit, plain) for name, limit in zip(told.wrt, told.limits, strict=False)
        ],
    }
    parts = [f"{json.dumps(k)}: {json.dumps(v, allow_nan=False)}" for k, v in head.items()]
    for key, entries in lists.items():
        body = ",\n".join(f"  {json.dumps(entry, allow_nan=False)}" for entry in entries)
        parts.append(f"{json.dumps(key)}: [\n{body}\n ]" if entries else f"{json.dumps(key)}: []")
    return "{" + ",\n ".join(parts) + "\n}\n"


_EXACT, _SYMBOLS = Style(None, spaced=True), Style(None, symbols=True)


def _forward_dict(line: Forward, told: Explanation) -> dict[str, Any]:
    graph = told.graph
    choice = None
    if line.condition is not None and line.branch is not None:
        condition, holds = line.condition
        choice = {
            "condition": expression(condition, _SYMBOLS),
            "holds": holds,
            "taken": graph.name(line.branch),
        }
    return {
        "name": graph.own_name(line.id),
        "symbols": expression(line.operation, _SYMBOLS),
        "numbers": expression(line.operation, _EXACT) if choice is None else None,
        "value": line.value,
        "choice": choice,
    }


def _backward_dict(line: Backward, told: Explanation) -> dict[str, Any]:
    name = told.graph.own_name
    if isinstance(line, Total):
        return {"kind": "sum", "name": name(line.id), "amounts": list(line.amounts), "value": line.value}
    if isinstance(line, Stop):
        return {
            "kind": "stop",
            "name": name(line.id),
            "value": 0.0,
            "sources": [name(i) for i in line.sources],
        }
    return {
        "kind": "use",
        "name": name(line.edge.source),
        "user": name(line.edge.user),
        "local": expression(line.local, _SYMBOLS),
        "slope": line.number,
        "above": line.above,
        "value": line.amount,
        "shared": line.shared,
        "kink": line.kink._asdict() if line.kink else None,
    }


def _chain_dict(reach: Reach, told: Explanation) -> dict[str, Any]:
    name = told.graph.own_name
    many = reach.many if reach.many < float("inf") else None
    paths = [
        {"nodes": [name(i) for i in p.nodes], "slopes": list(p.numbers), "product": p.product}
        for p in reach.paths
    ]
    return {"name": reach.name, "paths": many, "listed": paths, "value": reach.total}


def _derivation_dict(d: Derivation, told: Explanation, plain: Voice) -> dict[str, Any]:
    steps = [
        {"rule": s.rule, "depth": s.depth, "forms": [plain.in_symbols(f) for f in s.forms]}
        | {"inner": [plain.in_symbols(e) for e in s.inner] if s.inner else None}
        for s in d.steps
    ]
    return {
        "name": d.name,
        "steps": steps,
        "substituted": plain.in_symbols(d.substituted) if d.substituted is not None else None,
        "formula": told.formulas.get(d.name),
    }


def _limit_dict(name: str, limit: Limit | None, plain: Voice) -> dict[str, Any]:
    def text(e: Expr | None) -> str | None:
        return None if e is None else plain.in_symbols(e)

    if limit is None:
        return {"name": name, "kind": "none"}
    return {
        "name": name,
        "kind": "table" if limit.moved is None else "polynomial",
        "step": limit.letter,
        "moved": text(limit.moved),
        "difference": text(limit.difference),
        "quotient": text(limit.quotient),
        "limit": text(limit.limit),
        "rows": [row._asdict() for row in limit.rows],
        "slope": limit.slope,
        "apart": limit.apart,
        "endless": dict(zip(("right", "left"), limit.endless, strict=True)),
    }


def _update_dict(update: Update) -> dict[str, Any]:
    return update._asdict() | {"moves": [move._asdict() for move in update.moves]}


def _summary_dict(told: Explanation) -> dict[str, Any]:
    assert told.summary is not None
    return told.summary._asdict() | {"named": [told.graph.own_name(id) for id in told.summary.named]}
