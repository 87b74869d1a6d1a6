"""A training step written out; the fields of the JSON objects are in ``docs/trace.md``.

``SCHEMA`` changes when one changes its meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Context, Decimal
from itertools import groupby, pairwise
from typing import Any

import numpy as np

from ..errors import counted, joined, printable
from ..explanation.expr import Apply, Expr, Number, Ref, add
from ..explanation.layers import LayerRule
from ..explanation.paper import Paper, is_noise, read_as_shown
from ..language.numbers import rounded
from ..networks.lines import Line
from ..networks.losses import LOSSES, PROBABILITIES
from ..networks.network import NDArray
from ..training.node_table import NodeTable, Numbers, TableRow
from ..training.step import Step
from ..training.trace import Given, Trace, Update
from . import forms
from .arrays import FITS, ROWS, array_lines, rule_lines
from .document import Document, Entries, Facts
from .forms import Form, Quantity, Value, Words, Worked
from .page import (
    Block,
    Calculation,
    Calculations,
    Cell,
    Column,
    Grid,
    Heading,
    Lines,
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
TINY = 1e-15
"""Below it a sum of short decimals is 0 but for the rounding of floats."""


def document(trace: Trace, *, digits: int = 6) -> Document:
    """Return a step to be written; ``digits`` are the significant ones, JSON is exact."""
    if trace.decimals is not None:
        digits = EXACT  # the numbers are short already
    return Document(page=lambda: _page(trace, digits), facts=lambda: _facts(trace))


def _page(trace: Trace, digits: int) -> Iterator[Block]:
    shown = _Shown(trace, digits)
    sections = list(_sections(trace, shown))
    given = [_prose(given_text(trace, each, digits)) for each in trace.given]
    given += [_prose(text) for text in _loop(trace)]
    if any(each.about and any(each.about) for *_, c in sections for _, group in c.groups for each in group):
        each = f"every result is rounded to {counted(trace.decimals or 0, 'decimal')}"
        given.append(_prose("numbers are shown rounded" if trace.decimals is None else each))
    yield Heading(_prose(headline(trace.step, digits)), tuple(given))
    if trace.played:
        yield from _played(trace, digits)
    for title, rule, calculations in sections:
        if any(group for _, group in calculations.groups):
            yield from _common(title, rule, calculations)
    if trace.matrices:
        many, (z, y) = len(trace.step.rows) > 1, trace.letters
        rows = "a row of a matrix is a row of the batch" if many else f"x, {y} and delta are columns"
        yield Section("Matrix form", _prose(f"delta = dE/d{z}; {rows}; ' transposes"))
        for matrix in trace.matrices:
            yield Lines(rule_lines(shown.matrix(matrix), digits), most=None, near=True)
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


def _sections(trace: Trace, shown: _Shown) -> Iterator[tuple[str, str, Calculations]]:
    """Yield titles, rules in words, and what stands below."""
    digits = shown.digits
    summed = ", summed over the rows" if len(trace.step.rows) > 1 else ""
    fused = LOSSES[trace.step.loss].fuses
    words = {"delta": "", "forward": "", "gradient": f"dE/dp by every parameter p{summed}"}
    if trace.units:
        z, y = trace.letters
        chain, by_z = f"dE/d{y}*d{y}/d{z}", f"dE/d{z}"
        words["forward"] = f"{z} = weights*inputs + bias; {y} is the activation of {z}"
        words["delta"] = f"dE/d{y} sums what comes back from all that reads {y}; {by_z} = {chain}"
        three = f"{by_z if fused in PROBABILITIES else chain}*d{z}/dw"
        words["gradient"] = f"dE/dw = {three} = {by_z}*(the weight's input){summed}; dE/db = {by_z}{summed}"
    if fused in PROBABILITIES:
        words["forward"] += "; p are the probabilities" if words["forward"] else "p are the probabilities"
        together = f"{fused} and {trace.step.loss} together: p - t, over how many there are"
        words["delta"] = f"{words['delta']}; {together}".removeprefix("; ")

    def grouped(lines: Sequence[Line]) -> Calculations:
        groups = groupby(lines, key=lambda line: _row_title(trace, line.row))
        return Calculations([(title, [*map(shown.line, group)]) for title, group in groups], digits)

    def single(calculations: Sequence[Calculation], *columns: str) -> Calculations:
        return Calculations([("", calculations)], digits, columns)

    yield "Forward pass", words["forward"], grouped(trace.forward)
    yield "Loss", "", single([*map(shown.line, trace.loss)])
    yield "Deltas, last layer first", words["delta"], grouped(trace.deltas)
    yield "Gradient", words["gradient"], single([*map(shown.line, trace.gradients)])
    yield "Clipping", "", single(list(_clipping(trace, shown)))
    if trace.plain:
        yield "Update", "new = old - rate*gradient", single([*map(shown.update, trace.updates)])
    else:
        by = f"by {trace.step.optimizer} with rate {rounded(trace.step.learning_rate, digits)}"
        rule = f"{by}; the change is what the optimizer made of the gradient"
        updates = [shown.columns(u, gradient=True) for u in trace.updates]
        yield "Update", rule, single(updates, "old", "gradient", "change", "new")
    states = [shown.columns(u, gradient=False) for u in trace.states]
    yield "State", "running means and variances", single(states, "old", "change", "new")


def _common(title: str, rule: str, found: Calculations) -> tuple[Section, Calculations]:
    """Say once what is a remark of every line."""
    remarks = [each.remark for _, group in found.groups for each in group]
    if len(remarks) > 1 and remarks[0] and len(set(remarks)) == 1:
        rule = f"{rule}; {remarks[0]}".removeprefix("; ")
        groups = [(title, [each.replace(remark="") for each in group]) for title, group in found.groups]
        found = found.replace(groups=groups)
    return Section(title, _prose(rule) if rule else ""), found


class _Shown:
    """How the numbers of a step are shown: rounded, and as 0 where they are no more than rounding of floats.

    Args:
        trace: The step.
        digits: Significant digits.
    """

    def __init__(self, trace: Trace, digits: int) -> None:
        self.digits, self.paper = digits, Paper(trace.decimals)
        self._noise: set[float] = set()
        lines = (*trace.forward, *trace.loss, *trace.deltas, *trace.gradients)
        made = [(line.written, line.value) for line in lines if line.name.of in ("", "E")]
        made += [(u.written, u.new) for u in trace.updates]
        for written, value in made if self.paper.exact else ():
            if written and value and is_noise(written[0], self._noise):
                self._noise.add(value)

    def value(self, x: float) -> Value:
        """Return a number."""
        return Value(0.0 if x in self._noise else x)

    def matrix(self, rule: LayerRule) -> LayerRule:
        """Return a rule whose numbers are so."""
        return rule._replace(value=np.vectorize(lambda x: self.value(x).number)(rule.value))

    def written(self, expr: Expr) -> Expr:
        """Return how a number is computed."""
        if isinstance(expr, Apply):
            return Apply(expr.op, tuple(map(self.written, expr.operands)))
        return expr._replace(value=self.value(expr.value).number) if isinstance(expr, Ref) else expr

    def line(self, line: Line) -> Calculation:
        """Return a line."""
        written = [self.written(form) for form in line.written if not isinstance(form, Number)]
        value = self.value(line.value)
        said = tuple(
            Quantity(form.name, owned=form.name.owner == line.name.owner)
            if isinstance(form, Ref)
            else Worked(form, value.number)
            for form in written
        )
        return Calculation(Quantity(line.name), said, self.about(written, value), value, line.remark)

    def update(self, u: Update) -> Calculation:
        """Return an update as it is computed."""
        written, value = [*map(self.written, u.written)], self.value(u.new)
        said = tuple(forms.Numbers(form, spaced=False) for form in written)
        return Calculation(
            Quantity(u.name), said, self.about(written, value), value, "frozen" if u.frozen else ""
        )

    def columns(self, u: Update, *, gradient: bool) -> Calculation:
        """Return an update by its numbers."""
        cells: tuple[Form | None, ...]
        if u.frozen:
            cells = Value(u.old), Words("frozen"), None
        else:
            slope = (None if u.gradient is None else self.value(u.gradient),) if gradient else ()
            cells = Value(u.old), *slope, Value(u.new - u.old)
        return Calculation(Quantity(u.name), cells, value=Value(u.new))

    def about(self, written: Sequence[Expr], value: Value) -> tuple[bool, ...]:
        """Return which expressions, of the numbers shown, do not come to what stands behind them."""
        if not written:
            return ()
        read = [read_as_shown(form, lambda x: float(rounded(x, self.digits))) for form in written]
        on_the_way = [rounded(a, EXACT) != rounded(b, EXACT) for a, b in pairwise(read)]
        x, last = value.number, read[-1]
        if self.paper.exact:
            last = 0.0 if abs(last) < TINY else last
            shown = rounded(x, self.digits)
            same = rounded(last, self.digits) == shown or _is_tie(last, shown, self.digits)
        else:
            same = self.paper(last) == x and (x != 0.0 or abs(last) < TINY)
        return (*on_the_way, not same)


def _is_tie(x: float, shown: str, digits: int) -> bool:
    """Whether a decimal lies in the middle of what is shown and its neighbour: 0.8333335 of 0.833333."""
    exact = Decimal(f"{x:.{EXACT}g}")
    down, up = (Context(digits, rounding=way).plus(exact) for way in (ROUND_HALF_DOWN, ROUND_HALF_UP))
    return down != up and Decimal(shown) in (down, up)


def _row_title(trace: Trace, row: int | None) -> str:
    if row is None or len(trace.step.rows) == 1:
        return ""
    return f"row {row + 1} of {len(trace.step.rows)}"


def _clipping(trace: Trace, shown: _Shown) -> Iterator[Calculation]:
    clip = trace.clipping
    if clip is None:
        return
    length = f"the gradient's length {rounded(clip.norm, shown.digits)}"
    most = rounded(clip.limit, shown.digits)
    if clip.factor == 1.0:
        yield Calculation(words=f"{length} is within {most}: nothing is cut")
        return
    yield Calculation(words=f"{length} is more than {most}: every number of it is multiplied")
    factor = Apply("divide", (Number(clip.limit), add(Number(clip.norm), Number(1e-6))))
    value = Value(clip.factor)
    yield Calculation(Words("factor"), (forms.Numbers(factor),), shown.about([factor], value), value)


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
        "matrices": [
            {"name": m.name, "meaning": m.meaning, "formula": m.text, "value": m.value.tolist()}
            for m in trace.matrices
        ],
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
