"""A training step written out; the fields of the JSON objects are in ``docs/trace.md``.

``SCHEMA`` changes when one changes its meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from ..errors import counted, joined, printable
from ..explanation.expr import Number, Ref
from ..language.numbers import rounded
from ..networks.lines import Line
from ..networks.losses import LOSSES, PROBABILITIES
from ..networks.network import NDArray
from ..training.node_table import NodeTable, Numbers, TableRow
from ..training.step import Step
from ..training.trace import Given, Trace, Update
from . import forms
from .arrays import FITS, ROWS, array_lines
from .document import Document, Entries, Facts
from .forms import Form, Operation, Quantity, Value, Words, Worked
from .page import (
    Block,
    Calculation,
    Calculations,
    Cell,
    Column,
    Grid,
    Heading,
    Only,
    Paragraph,
    Section,
    Text,
    Tone,
)
from .written import Style, expression

SCHEMA = 1
MOST_PLAYED = 24
"""Steps of episodes that are listed."""
EXACT = 15
"""Digits that tell short decimals apart."""


def document(trace: Trace, *, digits: int = 6) -> Document:
    """Return a step to be written; ``digits`` are the significant ones, JSON is exact."""
    if trace.decimals is not None:
        digits = EXACT  # the numbers are short already
    return Document(page=lambda: _page(trace, digits), facts=lambda: _facts(trace))


def _page(trace: Trace, digits: int) -> Iterator[Block]:
    given = [_prose(given_text(trace, each, digits)) for each in trace.given]
    given += [_prose(text) for text in _loop(trace)]
    yield Heading(_prose(headline(trace.step, digits)), tuple(given))
    if trace.played:
        yield from _played(trace, digits)
    for title, rule, calculations in _sections(trace, digits):
        if any(group for _, group in calculations.groups):
            yield from _common(title, rule, calculations)
    yield Heading(_prose(conclusion(trace, digits)), whole=True)


def _played(trace: Trace, digits: int) -> Iterator[Block]:
    """Yield what was done, whose advantages the loss has."""
    above = {"none": "return", "mean": "return - mean", "standard": "(return - mean)/standard deviation"}
    rule = f"return = reward + {rounded(trace.discount, digits)}*(return of the next step); advantage = "
    yield Section("Episodes", _prose(rule + above[trace.baseline]))
    numbers = [Column(name, "number") for name in ("log p", "reward", "return", "advantage")]
    rows = [
        [str(each.episode), str(each.step), each.action, *(rounded(x, digits) for x in each[3:])]
        for each in trace.played[:MOST_PLAYED]
    ]
    yield Grid([Column("episode", "number"), Column("step", "number"), Column("action"), *numbers], rows)
    if len(trace.played) > MOST_PLAYED:
        yield Paragraph([f"and {counted(len(trace.played) - MOST_PLAYED, 'more step')}; JSON has all"])


def _prose(text: str) -> Text:
    return Text(text, kind="prose")


def _sections(trace: Trace, digits: int) -> Iterator[tuple[str, str, Calculations]]:
    """Yield titles, rules in words, and what stands below."""
    summed = ", summed over the rows" if len(trace.step.rows) > 1 else ""
    words = {"delta": "", "forward": "", "gradient": f"dE/dp by every parameter p{summed}"}
    if trace.units:
        words["forward"] = "z = weights*inputs + bias; y is the activation of z"
        words["delta"] = "dE/dy sums what comes back from all that reads y; dE/dz = dE/dy*dy/dz"
        words["gradient"] = f"dE/dw = dE/dz*(the weight's input){summed}; dE/db = dE/dz{summed}"
    fused = LOSSES[trace.step.loss].fuses
    if fused in PROBABILITIES:
        words["forward"] += "; p are the probabilities" if words["forward"] else "p are the probabilities"
        together = f"{fused} and {trace.step.loss} together: p - t, over how many there are"
        words["delta"] = f"{words['delta']}; {together}".removeprefix("; ")

    def grouped(lines: Sequence[Line]) -> Calculations:
        groups = groupby(lines, key=lambda line: _row_title(trace, line.row))
        return Calculations([(title, list(map(_calculation, group))) for title, group in groups], digits)

    def single(calculations: Sequence[Calculation], *columns: str) -> Calculations:
        return Calculations([("", calculations)], digits, columns)

    yield "Forward pass", words["forward"], grouped(trace.forward)
    yield "Loss", "", single([_calculation(line) for line in trace.loss])
    yield "Deltas, last layer first", words["delta"], grouped(trace.deltas)
    yield "Gradient", words["gradient"], single([_calculation(line) for line in trace.gradients])
    yield "Clipping", "", single(list(_clipping(trace, digits)))
    if trace.plain:
        yield "Update", "new = old - rate*gradient", single([_update(u) for u in trace.updates])
    else:
        by = f"by {trace.step.optimizer} with rate {rounded(trace.step.learning_rate, digits)}"
        rule = f"{by}; the change is what the optimizer made of the gradient"
        updates = [_columns(u, gradient=True) for u in trace.updates]
        yield "Update", rule, single(updates, "old", "gradient", "change", "new")
    states = [_columns(u, gradient=False) for u in trace.states]
    yield "State", "running means and variances", single(states, "old", "change", "new")


def _common(title: str, rule: str, found: Calculations) -> tuple[Section, Calculations]:
    """Say once what is a remark of every line."""
    remarks = [each.remark for _, group in found.groups for each in group]
    if len(remarks) > 1 and remarks[0] and len(set(remarks)) == 1:
        rule = f"{rule}; {remarks[0]}".removeprefix("; ")
        groups = [(title, [each.replace(remark="") for each in group]) for title, group in found.groups]
        found = found.replace(groups=groups)
    return Section(title, _prose(rule) if rule else ""), found


def _calculation(line: Line) -> Calculation:
    said: list[Form] = []
    for form in line.written:
        if isinstance(form, Ref):
            said.append(Quantity(form.name, owned=form.name.owner == line.name.owner))
        elif not isinstance(form, Number):
            said.append(Worked(form, line.value))
    return Calculation(Quantity(line.name), tuple(said), Value(line.value), line.remark)


def _row_title(trace: Trace, row: int | None) -> str:
    if row is None or len(trace.step.rows) == 1:
        return ""
    return f"row {row + 1} of {len(trace.step.rows)}"


def _clipping(trace: Trace, digits: int) -> Iterator[Calculation]:
    clip = trace.clipping
    if clip is None:
        return
    length = f"the gradient's length {rounded(clip.norm, digits)}"
    most = rounded(clip.limit, digits)
    if clip.factor == 1.0:
        yield Calculation(words=f"{length} is within {most}: nothing is cut")
        return
    yield Calculation(words=f"{length} is more than {most}: every number of it is multiplied")
    above, below = Value(clip.limit), Operation("add", (Value(clip.norm), Value(1e-6)))
    factor = Operation("divide", (above, below))
    yield Calculation(Words("factor"), (factor,), Value(clip.factor))


def _update(u: Update) -> Calculation:
    said = tuple(forms.Numbers(form, spaced=False) for form in u.written)
    return Calculation(Quantity(u.name), said, Value(u.new), "frozen" if u.frozen else "")


def _columns(u: Update, *, gradient: bool) -> Calculation:
    cells: tuple[Form | None, ...]
    if u.frozen:
        cells = Value(u.old), Words("frozen"), None
    else:
        slope = (None if u.gradient is None else Value(u.gradient),) if gradient else ()
        cells = Value(u.old), *slope, Value(u.new - u.old)
    return Calculation(Quantity(u.name), cells, Value(u.new))


def headline(step: Step, digits: int) -> str:
    """Return which step it is, on one line."""
    count = len(step.rows)
    rows = counted(count, "row") + (f" of {step.of:,}" if step.of != count else "")
    return (
        f"{printable(step.name)}: update {step.step:,} ({step.word} {step.epoch:,}) on {rows}; "
        f"{step.loss}, {step.optimizer} with rate {rounded(step.learning_rate, digits)}"
    )


def conclusion(trace: Trace, digits: int) -> str:
    """Return what the step did to the loss."""
    after = trace.step.after
    now = "too large for a number: the step is too long" if after is None else rounded(after, digits)
    return f"E was {rounded(trace.step.before, digits)}; after the step, on the same rows, it is {now}"


def _loop(trace: Trace) -> Iterator[str]:
    """Yield which steps of a loop are written out, where not all are."""
    if trace.loop is not None:
        shown, count = trace.loop
        listed = joined([str(t) for t in shown])
        more = "" if len(shown) == 1 else "; --step T writes another one out"
        yield f"of the loop t = {listed} of 0 to {count - 1}{more}; slopes by parameters are by all steps"


def given_text(trace: Trace, given: Given, digits: int) -> str:
    """Return a row of the batch as it came in."""
    number = trace.step.rows[given.row]
    title = _row_title(trace, given.row)
    elsewhere = f" (training row {number})" if number != given.row + 1 else ""
    title = f"{title}{elsewhere}: " if title or elsewhere else ""
    if len(given.inputs) > 16:
        shown = f"{len(given.inputs)} numbers"
    elif given.inputs and not given.inputs[0][0].startswith("x["):
        shown = ", ".join(f"{name} = {rounded(x, digits)}" for name, x in given.inputs)
    else:
        arrays: dict[str, list[str]] = {}
        for name, x in given.inputs:
            arrays.setdefault(name.partition("[")[0], []).append(rounded(x, digits))
        shown = "; ".join(f"{name} = ({', '.join(numbers)})" for name, numbers in arrays.items()) or "x = ()"
    return f"{title}{shown}; target ({', '.join(rounded(t, digits) for t in given.targets)})"


# for programs


def _facts(trace: Trace) -> Facts:
    step, clip = trace.step, trace.clipping
    head = {
        "schema": SCHEMA,
        **step_dict(step),
        "round_each": trace.decimals,
        "layer": trace.layer,
        **({} if trace.loop is None else {"loop": {"shown": list(trace.loop[0]), "steps": trace.loop[1]}}),
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
    if trace.played:
        keys = ("episode", "step", "action", "log_p", "reward", "return", "advantage")
        lists["episodes"] = [dict(zip(keys, each, strict=True)) for each in trace.played]
    return Facts(head | {key: Entries(entries) for key, entries in lists.items()}, "closed")


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

NORMS = "|5| is the norm of an array's numbers: the root of the sum of their squares"
WIDE_NAME = 20
"""Names in the node table are broken where they are wider."""
MUCH = 1_000
TONES: dict[str, Tone] = {"input": "name", "parameter": "formula", "state": "doubt"}
"""By kind of node."""


def table_document(table: NodeTable, *, digits: int = 6) -> Document:
    """Return the node table to be written; constants are for programs alone."""
    return Document(
        page=lambda: _table_page(table, digits),
        facts=lambda: Facts(
            {"schema": SCHEMA, **step_dict(table.step), "nodes": Entries(map(node_dict, table.rows))},
            "closed",
        ),
    )


def _table_page(table: NodeTable, digits: int) -> Iterator[Block]:
    people = ("table", "markdown")
    yield Only(people, Heading(_prose(headline(table.step, digits))))
    rows = [row for row in table.rows if row.kind != "constant"]
    yield _table_grid(rows, digits)
    if not all(_whole(row) for row in rows):
        yield Only(people, Paragraph([NORMS], "quiet", most=None))


def _table_grid(rows: Sequence[TableRow], digits: int, fit: int = 0) -> Grid:
    """Return a row a node, and as many lines as its arrays have; a narrower one where there is no room."""
    few, wide = FITS[fit]
    columns = [
        Column("step", "code", least=MUCH, floor=WIDE_NAME),
        Column("operation", "code", least=MUCH),
        Column("shape", "word"),
        *(Column(title, "code", whole=True) for title in ("value", "gradient")),
    ]
    cells: list[list[Cell]] = []
    for row in rows:
        shape = "x".join(map(str, row.shape)) or "number"
        text = row.kind if row.op is None else row.text
        first: list[Cell] = [Text(row.name, TONES.get(row.kind, "")), text, shape]
        value = _array(row.value, digits, min(digits, few), wide, span=True)
        gradient = ["-"] if row.gradient is None else _array(row.gradient, digits, min(digits, few), wide)
        for k in range(max(len(value), len(gradient))):
            numbers = [lines[k] if k < len(lines) else "" for lines in (value, gradient)]
            cells.append([*(first if k == 0 else ["", "", ""]), *numbers])
    return Grid(columns, cells, narrow=(_table_grid(rows, digits, fit + 1),) if fit + 1 < len(FITS) else ())


def _whole(row: TableRow) -> bool:
    """Whether all numbers of a node stand in the table."""
    return all(x is None or x.number is not None or _fits(x.array) for x in (row.value, row.gradient))


def _fits(x: NDArray | None) -> bool:
    return x is not None and x.ndim <= 2 and max(x.shape, default=1) <= ROWS


def _array(x: Numbers, digits: int, few: int, wide: int, *, span: bool = False) -> list[str]:
    """Write an array in lines, or a large one by its norm, and where its numbers lie."""
    if x.number is not None:
        return [rounded(x.number, digits)]
    if _fits(x.array):
        return array_lines(x.array, few, columns=wide)
    lies = f", {rounded(x.low, few)} .. {rounded(x.high, few)}" if span else ""
    return [f"|{rounded(x.norm, digits)}|{lies}"]


def node_dict(row: TableRow) -> dict[str, Any]:
    """Return a node: its numbers where they are not too many, and their length and range."""

    def numbers(n: Numbers) -> dict[str, Any]:
        value = n.number if n.array is None or n.array.size == 1 else n.array.tolist()
        return {"value": value, "norm": n.norm, "min": n.low, "max": n.high}

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
