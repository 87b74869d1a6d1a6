"""A training step written out: for a terminal, in Markdown, in LaTeX, as JSON.

The fields of the JSON objects are in ``docs/trace.md``; ``SCHEMA`` changes when one changes its meaning.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Any, NamedTuple

from ..errors import counted, printable
from ..explanation.written import Number, Ref
from ..language.numbers import rounded
from ..networks.losses import LOSSES
from ..training.trace import Given, Line, NodeTable, Numbers, Step, TableRow, Trace, Update
from .latex import text_to_latex
from .writers.markdown import table as markdown_table
from .written import Style, expression, written_name

SCHEMA = 1
WIDEST = 72
"""Calculations up to this wide have their results in one column."""


# sections: what every format shows


class Part(NamedTuple):
    """A line of the page: what, how, and the number; or words alone."""

    name: str
    forms: tuple[str, ...] = ()
    value: str = ""
    remark: str = ""


class Section(NamedTuple):
    """A heading, the rule in words, and lines; groups are the rows of the batch."""

    title: str
    rule: str
    groups: list[tuple[str, list[Part]]]
    columns: tuple[str, ...] = ()


def sections(trace: Trace, digits: int, *, latex: bool = False) -> list[Section]:
    """Return the page section by section."""
    style = Style(digits, latex=latex)
    summed = ", summed over the rows" if len(trace.step.rows) > 1 else ""
    words = {"delta": "", "forward": "", "gradient": f"dE/dp by every parameter p{summed}"}
    if trace.units:
        words["forward"] = "z = weights*inputs + bias; y is the activation of z"
        words["delta"] = "dE/dy sums what comes back from all that reads y; dE/dz = dE/dy*dy/dz"
        words["gradient"] = f"dE/dw = dE/dz*(the weight's input){summed}; dE/db = dE/dz{summed}"
    fused = LOSSES[trace.step.loss].fuses
    if fused is not None:
        words["forward"] += "; p are the probabilities" if words["forward"] else "p are the probabilities"
        together = f"{fused} and {trace.step.loss} together: p - t, over how many there are"
        words["delta"] = f"{words['delta']}; {together}".removeprefix("; ")
    found = [
        Section("Forward pass", words["forward"], _groups(trace, trace.forward, style)),
        Section("Loss", "", [("", [_part(line, style) for line in trace.loss])]),
        Section("Deltas, last layer first", words["delta"], _groups(trace, trace.deltas, style)),
        Section("Gradient", words["gradient"], [("", [_part(line, style) for line in trace.gradients])]),
        *_clipping(trace, style),
        _updates(trace, style),
        *_states(trace, style),
    ]
    return [_common(s) for s in found if any(parts for _, parts in s.groups)]


def _common(section: Section) -> Section:
    """Say once what is a remark of every line."""
    remarks = [part.remark for _, parts in section.groups for part in parts]
    if len(remarks) < 2 or not remarks[0] or len(set(remarks)) > 1:
        return section
    groups = [(title, [p._replace(remark="") for p in parts]) for title, parts in section.groups]
    rule = f"{section.rule}; {remarks[0]}".removeprefix("; ")
    return section._replace(rule=rule, groups=groups)


def _part(line: Line, style: Style) -> Part:
    forms: list[str] = []
    value = style.number(line.value)
    for form in line.written:
        if isinstance(form, Ref):
            same = form.name.owner == line.name.owner
            text = written_name(form.name, style.latex) if style.latex or not same else form.name.short
            forms.append(text)
        elif not isinstance(form, Number):
            text = expression(form, style)
            # a sign or a sum of one term says nothing in numbers
            forms.append(expression(form, style._replace(symbols=True)) if text == value else text)
    return Part(written_name(line.name, style.latex), tuple(forms), value, line.remark)


def _row_title(trace: Trace, row: int | None) -> str:
    if row is None or len(trace.step.rows) == 1:
        return ""
    return f"row {row + 1} of {len(trace.step.rows)}"


def _groups(trace: Trace, lines: Sequence[Line], style: Style) -> list[tuple[str, list[Part]]]:
    groups: list[tuple[str, list[Part]]] = []
    for line in lines:
        title = _row_title(trace, line.row)
        if not groups or groups[-1][0] != title:
            groups.append((title, []))
        groups[-1][1].append(_part(line, style))
    return groups


def _clipping(trace: Trace, style: Style) -> list[Section]:
    clip = trace.clipping
    if clip is None:
        return []
    number = style.number
    if clip.factor == 1.0:
        parts = [
            Part(f"the gradient's length {number(clip.norm)} is within {number(clip.limit)}: nothing is cut")
        ]
    else:
        parts = [
            Part(
                f"the gradient's length {number(clip.norm)} is more than {number(clip.limit)}: "
                "every number of it is multiplied"
            ),
            Part("factor", (f"{number(clip.limit)}/({number(clip.norm)} + 1e-6)",), number(clip.factor)),
        ]
        if style.latex:
            parts[1] = Part(
                r"\text{factor}",
                (rf"\frac{{{number(clip.limit)}}}{{{number(clip.norm)} + 10^{{-6}}}}",),
                number(clip.factor),
            )
    return [Section("Clipping", "", [("", parts)])]


def _updates(trace: Trace, style: Style) -> Section:
    rate = style.number(trace.step.learning_rate)
    if trace.plain:
        parts = []
        for u in trace.updates:
            forms = tuple(expression(form, style) for form in u.written)
            parts.append(
                Part(
                    written_name(u.name, style.latex),
                    forms,
                    style.number(u.new),
                    "frozen" if u.frozen else "",
                )
            )
        return Section("Update", "new = old - rate*gradient", [("", parts)])
    parts = [_columns(u, style, ("gradient",)) for u in trace.updates]
    rule = (
        f"by {trace.step.optimizer} with rate {rate}; the change is what the optimizer made of the gradient"
    )
    return Section("Update", rule, [("", parts)], ("old", "gradient", "change", "new"))


def _columns(u: Update, style: Style, more: tuple[str, ...] = ()) -> Part:
    if u.frozen:
        return Part(
            written_name(u.name, style.latex), (style.number(u.old), "frozen", ""), style.number(u.new)
        )
    gradient = ("" if u.gradient is None else style.number(u.gradient),) if more else ()
    return Part(
        written_name(u.name, style.latex),
        (style.number(u.old), *gradient, style.number(u.new - u.old)),
        style.number(u.new),
    )


def _states(trace: Trace, style: Style) -> list[Section]:
    parts = [_columns(u, style) for u in trace.states]
    return (
        [Section("State", "running means and variances", [("", parts)], ("old", "change", "new"))]
        if parts
        else []
    )


def headline(step: Step, digits: int) -> str:
    """Return which step it is, on one line."""
    count = len(step.rows)
    rows = counted(count, "row") + (f" of {step.of:,}" if step.of != count else "")
    return (
        f"{printable(step.name)}: update {step.step:,} (epoch {step.epoch:,}) on {rows}; "
        f"{step.loss}, {step.optimizer} with rate {rounded(step.learning_rate, digits)}"
    )


def conclusion(trace: Trace, digits: int) -> str:
    """Return what the step did to the loss."""
    before, after = (rounded(x, digits) for x in (trace.step.before, trace.step.after))
    return f"E was {before}; after the step, on the same rows, it is {after}"


def given_text(trace: Trace, given: Given, digits: int) -> str:
    """Return a row of the batch as it came in."""
    number = trace.step.rows[given.row]
    title = _row_title(trace, given.row)
    elsewhere = f" (training row {number})" if number != given.row + 1 else ""
    title = f"{title}{elsewhere}: " if title or elsewhere else ""
    inputs = [x for _, x in given.inputs]
    if len(inputs) > 16:
        shown = f"{len(inputs)} numbers"
    elif given.inputs and not given.inputs[0][0].startswith("x["):
        shown = ", ".join(f"{name} = {rounded(x, digits)}" for name, x in given.inputs)
    else:
        shown = f"x = ({', '.join(rounded(x, digits) for x in inputs)})"
    return f"{title}{shown}; target ({', '.join(rounded(t, digits) for t in given.targets)})"


# the page


def render(trace: Trace, format_: str, *, digits: int = 6, to_file: bool = False) -> str:
    """Return a step as text.

    Args:
        trace: What to write.
        format_: ``table``, ``markdown``, ``latex`` or ``json``.
        digits: Significant digits; JSON is exact.
        to_file: The text goes to a file, not to stdout.
    """
    if trace.decimals is not None:
        digits = 15  # the numbers are short already
    if format_ == "json":
        return to_json(trace)
    if format_ == "latex":
        return to_latex(trace, digits)
    if format_ == "markdown":
        return to_markdown(trace, digits)
    return to_terminal(trace, digits, to_file)


def to_terminal(trace: Trace, digits: int, to_file: bool) -> str:
    """Return the page for a terminal, or plain when stdout is none."""
    from rich.text import Text

    from .terminal import console_for, trimmed

    console = console_for(to_file)
    width = console.width
    lines = [Text(part, "bold") for part in wrap(headline(trace.step, digits), width, subsequent_indent="  ")]
    for given in trace.given:
        lines += [
            Text(part) for part in wrap(given_text(trace, given, digits), width, subsequent_indent="  ")
        ]
    for section in sections(trace, digits):
        lines += [Text(), Text(section.title, "bold")]
        if section.rule:
            lines += [Text(f"  {part}", "dim") for part in wrap(section.rule, max(20, width - 2))]
        if section.columns:
            lines += _aligned(section)
            continue
        left, middle = _widths(section, width)
        for title, parts in section.groups:
            if title:
                lines.append(Text(f"  {title}", "dim"))
            for part in parts:
                lines += _laid_out(part, left, middle, width)
    lines += [Text(), Text(conclusion(trace, digits), "bold")]
    with console.capture() as captured:
        for line in lines:
            console.print(line, soft_wrap=True)
    return trimmed(captured.get())


def _widths(section: Section, width: int) -> tuple[int, int]:
    """Return how wide names and calculations are, where they are not too wide to align."""
    parts = [part for _, group in section.groups for part in group if part.value]
    left = max((len(p.name) for p in parts), default=0)
    room = min(WIDEST, width - left - 8 - max((len(p.value) for p in parts), default=0))
    shown = [len(" = ".join(p.forms)) for p in parts]
    return left, max((n for n in shown if n <= room), default=0)


def _laid_out(part: Part, left: int, middle: int, width: int) -> Iterator[Any]:
    """Yield the lines of one number: name, calculation, result."""
    from rich.text import Text

    if not part.value:
        yield from (Text(f"  {line}") for line in wrap(part.name, max(20, width - 2)))
        return
    calculation, ending = " = ".join(part.forms), f" = {part.value}"
    remark = f"  ({part.remark})" if part.remark else ""
    line = Text("  ").append(part.name.ljust(left), "cyan")
    if calculation:
        rows = [calculation.ljust(middle)]
        room = max(24, width - left - 5 - len(ending))
        if len(calculation) > room:
            rows = wrap(calculation, room, break_long_words=False, break_on_hyphens=False)
        for row in rows[:-1]:
            yield line.append(" = " if row is rows[0] else "   ", "dim").append(row)
            line = Text(" " * (2 + left))
        line.append(" = " if len(rows) == 1 else "   ", "dim").append(rows[-1])
    line.append(" = ", "dim").append(part.value, "bold")
    if remark and len(line) + len(remark) > width:
        yield line
        line = Text(" " * (3 + left))
    yield line.append(remark, "dim")


def _aligned(section: Section) -> Iterator[Any]:
    """Yield a small table: name, columns of numbers."""
    from rich.text import Text

    rows = [(p.name, *p.forms, p.value) for _, group in section.groups for p in group]
    table = [("", *section.columns), *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    for k, row in enumerate(table):
        line = Text("  ").append(row[0].ljust(widths[0]), "cyan")
        for i, cell in enumerate(row[1:], 1):
            style = "dim" if k == 0 else "bold" if i == len(row) - 1 else ""
            line.append("  " + cell.rjust(widths[i]), style)
        yield line


def to_markdown(trace: Trace, digits: int) -> str:
    """Return the page as Markdown."""
    lines = [f"**{headline(trace.step, digits)}**", ""]
    lines += [f"{given_text(trace, g, digits)}  " for g in trace.given]
    for section in sections(trace, digits):
        lines += ["", f"## {section.title}", ""]
        if section.rule:
            lines += [section.rule, ""]
        for title, parts in section.groups:
            if title:
                lines += [f"### {title}", ""]
            words = [p for p in parts if not p.value]
            lines += [p.name for p in words] + ([""] if words else [])
            rows = [p for p in parts if p.value]
            if section.columns:
                header = ["", *section.columns]
                cells = [[f"`{p.name}`", *p.forms, p.value] for p in rows]
                numeric = [False] + [True] * len(section.columns)
            else:
                header, numeric = ["", "calculation", "value"], [False, False, True]
                cells = [
                    [
                        f"`{p.name}`",
                        " = ".join(f"`{form}`" for form in p.forms) + (f" ({p.remark})" if p.remark else ""),
                        p.value,
                    ]
                    for p in rows
                ]
            if rows:
                lines += [markdown_table(header, cells, numeric)]
    lines += [f"**{conclusion(trace, digits)}**"]
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


# LaTeX


def to_latex(trace: Trace, digits: int) -> str:
    """Return the page as a fragment: paragraphs and ``align*``; amsmath is all it needs."""
    lines = [r"\noindent\textbf{" + text_to_latex(headline(trace.step, digits)) + "}", ""]
    for g in trace.given:
        lines += [r"\noindent " + text_to_latex(given_text(trace, g, digits)), ""]
    for section in sections(trace, digits, latex=True):
        lines += [r"\paragraph{" + text_to_latex(section.title) + "}"]
        lines += [text_to_latex(section.rule)] if section.rule else []
        for title, parts in section.groups:
            lines += [rf"\emph{{{text_to_latex(title)}}}"] if title else []
            lines += [text_to_latex(p.name) for p in parts if not p.value]
            rows = [p for p in parts if p.value]
            if rows and section.columns:
                lines += _latex_columns(section, rows)
            elif rows:
                body = [_latex_line(p) for p in rows]
                lines += [r"\begin{align*}", " \\\\\n".join(body), r"\end{align*}"]
        lines.append("")
    return "\n".join([*lines, r"\noindent\textbf{" + text_to_latex(conclusion(trace, digits)) + "}"]) + "\n"


def _latex_line(part: Part) -> str:
    remark = rf" && \text{{{text_to_latex(part.remark)}}}" if part.remark else ""
    return f"  {part.name} &= " + " = ".join((*part.forms, part.value)) + remark


def _latex_columns(section: Section, rows: list[Part]) -> list[str]:
    titles = " & ".join(rf"\text{{{title}}}" for title in section.columns)
    body = [
        f"  {p.name} & " + " & ".join(rf"\text{{{c}}}" if c.isalpha() else c for c in (*p.forms, p.value))
        for p in rows
    ]
    array = rf"\begin{{array}}{{l{'r' * len(section.columns)}}}"
    return [r"\[", array, rf"  & {titles} \\", " \\\\\n".join(body), r"\end{array}", r"\]"]


# JSON


def to_json(trace: Trace) -> str:
    """Return strict JSON, a line an entry."""
    step, clip = trace.step, trace.clipping
    head = {
        "schema": SCHEMA,
        **step_dict(step),
        "round_each": trace.decimals,
        "layer": trace.layer,
        "before": step.before,
        "after": step.after,
        "clipping": clip._asdict() if clip else None,
        "notes": list(trace.notes),
    }
    lists = {
        "rows": [
            {"row": g.row + 1, "inputs": dict(g.inputs), "targets": list(g.targets)} for g in trace.given
        ],
        "forward": [line_dict(line) for line in trace.forward],
        "loss_lines": [line_dict(line) for line in trace.loss],
        "deltas": [line_dict(line) for line in trace.deltas],
        "gradients": [line_dict(line) for line in trace.gradients],
        "updates": [update_dict(u) for u in trace.updates],
        "states": [update_dict(u) for u in trace.states],
    }
    return _json_object(head, lists)


def _json_object(head: dict[str, Any], lists: dict[str, list[dict[str, Any]]]) -> str:
    parts = [f"{json.dumps(k)}: {json.dumps(v, allow_nan=False)}" for k, v in head.items()]
    for key, entries in lists.items():
        body = ",\n".join(f"  {json.dumps(entry, allow_nan=False)}" for entry in entries)
        parts.append(f"{json.dumps(key)}: [\n{body}\n ]" if entries else f"{json.dumps(key)}: []")
    return "{" + ",\n ".join(parts) + "\n}\n"


def step_dict(step: Step) -> dict[str, Any]:
    """Return which step it is."""
    return {
        "config": step.name,
        "step": step.step,
        "epoch": step.epoch,
        "learning_rate": step.learning_rate,
        "optimizer": step.optimizer,
        "loss": step.loss,
        "batch": list(step.rows),
        "training_rows": step.of,
    }


def line_dict(line: Line) -> dict[str, Any]:
    """Return a line."""
    exact, symbols = Style(None), Style(None, symbols=True)
    written = line.written[0] if line.written else None
    return {
        "name": line.name.text,
        "row": None if line.row is None else line.row + 1,
        "symbols": None if written is None else expression(written, symbols),
        "numbers": None if written is None else expression(written, exact),
        "value": line.value,
        "remark": line.remark or None,
    }


def update_dict(u: Update) -> dict[str, Any]:
    """Return an update."""
    return {
        "name": u.name.text,
        "frozen": u.frozen,
        "old": u.old,
        "gradient": u.gradient,
        "change": u.new - u.old,
        "new": u.new,
    }


# the node table

RANGE = "from .. to"
NORMS = "|5| is the norm of an array's numbers: the root of the sum of their squares"
WIDE_NAME = 20
"""Names in the node table are broken where they are wider."""


def render_table(table: NodeTable, format_: str, *, digits: int = 6, to_file: bool = False) -> str:
    """Return the node table as text; constants are in the JSON alone."""
    if format_ == "json":
        entries = [node_dict(row) for row in table.rows]
        return _json_object({"schema": SCHEMA, **step_dict(table.step)}, {"nodes": entries})
    rows = [row for row in table.rows if row.kind != "constant"]
    header = ["step", "operation", "shape", "value", RANGE, "gradient"]
    cells = [_node_cells(row, digits) for row in rows]
    numeric = [False, False, False, True, True, True]
    if format_ == "markdown":
        quoted = [[f"`{c}`" if i < 2 else c for i, c in enumerate(row)] for row in cells]
        return f"**{headline(table.step, digits)}**\n\n{markdown_table(header, quoted, numeric)}\n{NORMS}\n"
    if format_ == "latex":
        lines = [rf"\begin{{tabular}}{{{''.join('r' if n else 'l' for n in numeric)}}}"]
        lines += [" & ".join(text_to_latex(h) for h in header) + r" \\ \hline"]
        lines += [" & ".join(text_to_latex(c) for c in row) + r" \\" for row in cells]
        return "\n".join([*lines, r"\end{tabular}"]) + "\n"
    return _terminal_table(table, rows, header, cells, numeric, digits, to_file)


def _node_cells(row: TableRow, digits: int) -> list[str]:
    shape = "x".join(map(str, row.shape)) or "number"
    span = (
        ""
        if row.value.number is not None
        else f"{rounded(row.value.low, digits)} .. {rounded(row.value.high, digits)}"
    )
    text = row.kind if row.op is None else row.text
    gradient = "-" if row.gradient is None else _short(row.gradient, digits)
    return [row.name, text, shape, _short(row.value, digits), span, gradient]


def _short(numbers: Numbers, digits: int) -> str:
    if numbers.number is not None:
        return rounded(numbers.number, digits)
    return f"|{rounded(numbers.norm, digits)}|"


def _terminal_table(
    table: NodeTable,
    rows: Sequence[TableRow],
    header: list[str],
    cells: list[list[str]],
    numeric: list[bool],
    digits: int,
    to_file: bool,
) -> str:
    from rich.text import Text

    from .terminal import console_for, table_for, trimmed

    console = console_for(to_file)
    widths = [max(len(t), *(len(row[i]) for row in cells)) for i, t in enumerate(header)]
    if sum(widths) + 2 * len(widths) > console.width:
        kept = [i for i, title in enumerate(header) if title != RANGE]
        header, numeric = [header[i] for i in kept], [numeric[i] for i in kept]
        cells = [[row[i] for i in kept] for row in cells]
    rich = table_for(console)
    for title, number in zip(header, numeric, strict=True):
        fold = title == "operation" or (title == "step" and widths[0] > WIDE_NAME)
        least = WIDE_NAME if fold and title == "step" else None
        rich.add_column(
            title, justify="right" if number else "left", no_wrap=not fold, overflow="fold", min_width=least
        )
    styles = {"input": "cyan", "parameter": "magenta", "state": "yellow"}
    for row, texts in zip(rows, cells, strict=True):
        rich.add_row(Text(texts[0], styles.get(row.kind, "")), *(Text(t) for t in texts[1:]))
    with console.capture() as captured:
        console.print(Text(headline(table.step, digits), "bold"))
        console.print()
        console.print(rich)
        console.print(Text(f"\n{NORMS}", "dim"))
    return trimmed(captured.get())


def node_dict(row: TableRow) -> dict[str, Any]:
    """Return a node: its number where it is one, else length and range."""

    def numbers(n: Numbers) -> dict[str, Any]:
        return {"value": n.number, "norm": n.norm, "min": n.low, "max": n.high}

    return {
        "id": row.id,
        "name": row.name,
        "kind": row.kind,
        "op": row.op,
        "inputs": list(row.inputs),
        "text": row.text,
        "shape": list(row.shape),
        **numbers(row.value),
        "gradient": numbers(row.gradient) if row.gradient else None,
    }
