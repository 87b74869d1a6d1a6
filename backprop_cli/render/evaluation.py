"""Evaluations as text: tables for people, JSON, CSV and Markdown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from io import StringIO
from typing import Any, NamedTuple

from ..errors import counted, printable
from ..language.numbers import rounded
from ..training.metrics import ClassificationEvaluation, ClassScores, Evaluation, OutputErrors
from .terminal import console_for, is_unicode, table_for, trimmed
from .writers.markdown import table as markdown_table
from .writers.markdown import text as markdown_text

MANY_CLASSES = 40
PAIRS = 12
LONGEST = 24  # of a class's name in a table


class Subject(NamedTuple):
    """What was judged.

    Attributes:
        model: The model's path.
        rows: Where the rows came from, in words: ``test.csv``, ``the test split of iris.csv``.
        loss: Name of the loss as trained.
    """

    model: str
    rows: str
    loss: str


def render(
    evaluation: Evaluation, subject: Subject, format_: str, *, digits: int = 4, to_file: bool = False
) -> str:
    """Return an evaluation as text.

    Args:
        evaluation: What to write.
        subject: What it is about.
        format_: ``table``, ``markdown``, ``json``, ``csv`` or ``tsv``.
        digits: Decimals of shares, significant digits of errors.
        to_file: The text goes to a file, not to stdout.
    """
    if format_ == "json":
        return json.dumps(as_dict(evaluation, subject), allow_nan=False) + "\n"
    if format_ in ("csv", "tsv"):
        return _delimited(evaluation, "," if format_ == "csv" else "\t")
    if format_ == "markdown":
        return _markdown(evaluation, subject, digits)
    return _table(evaluation, subject, digits, to_file)


def as_dict(evaluation: Evaluation, subject: Subject) -> dict[str, Any]:
    """Return what ``--format json`` prints; numbers that do not exist are null."""
    head = {"schema": 1, "model": subject.model, "rows": evaluation.rows, "source": subject.rows}
    loss = {"loss": {"type": subject.loss, "value": _strict(evaluation.loss)}}
    if isinstance(evaluation, ClassificationEvaluation):
        return {
            **head,
            "task": "classification",
            "accuracy": evaluation.accuracy,
            "baseline": evaluation.baseline,
            "top_3_accuracy": evaluation.top_3_accuracy,
            **loss,
            "cross_entropy": evaluation.cross_entropy,
            "confusion": {
                "classes": [c.name for c in evaluation.classes],
                "matrix": evaluation.confusion.tolist(),
            },
            "classes": [_class_dict(c) | {"undefined": list(c.undefined)} for c in evaluation.classes],
            "macro_average": _average_dict(evaluation.macro),
            "weighted_average": _average_dict(evaluation.weighted),
        }
    overall = {k: _strict(v) for k, v in asdict(evaluation.overall).items() if k != "name"}
    outputs = [{k: _strict(v) for k, v in asdict(o).items()} for o in evaluation.outputs]
    return {**head, "task": "regression", **loss, **overall, "outputs": outputs}


def _class_dict(scores: ClassScores) -> dict[str, Any]:
    return {
        "name": scores.name,
        "precision": scores.precision,
        "recall": scores.recall,
        "f1": scores.f1,
        "support": scores.support,
        "predicted": scores.predicted,
    }


def _average_dict(scores: ClassScores) -> dict[str, Any]:
    return {"precision": scores.precision, "recall": scores.recall, "f1": scores.f1}


def _strict(value: Any) -> Any:
    """Return None for a number that JSON does not have."""
    return None if isinstance(value, float) and not abs(value) < float("inf") else value


def _delimited(evaluation: Evaluation, delimiter: str) -> str:
    import csv

    text = StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    if isinstance(evaluation, ClassificationEvaluation):
        answered = [f"answered_{c.name}" for c in evaluation.classes]
        writer.writerow(["class", "precision", "recall", "f1", "support", *answered])
        for scores, row in zip(evaluation.classes, evaluation.confusion.tolist(), strict=True):
            writer.writerow([scores.name, *_shares(scores), scores.support, *row])
        for scores in (evaluation.macro, evaluation.weighted):
            writer.writerow([scores.name, *_shares(scores), scores.support, *[""] * len(answered)])
        return text.getvalue()
    writer.writerow(["output", *ERRORS])
    for errors in _error_rows(evaluation.outputs, evaluation.overall):
        cells = [getattr(errors, key) for key in ERRORS]
        writer.writerow([errors.name, *("" if cell is None else repr(cell) for cell in cells)])
    return text.getvalue()


ERRORS = ("mae", "mse", "rmse", "r2", "max_error", "bias")


def _error_rows(outputs: Sequence[OutputErrors], overall: OutputErrors) -> list[OutputErrors]:
    return [*outputs, overall] if len(outputs) > 1 else list(outputs)


SHARES = ("precision", "recall", "f1")


def _shares(scores: ClassScores) -> list[float]:
    return [getattr(scores, key) for key in SHARES]


# for people


class Grid(NamedTuple):
    """A table as texts; the first column is words, the others are numbers.

    Attributes:
        title: What stands above it.
        header: Column titles.
        rows: Their cells.
        ruled: Rows at the end that a line sets apart.
    """

    title: str
    header: list[str]
    rows: list[list[str]]
    ruled: int = 0


def headline(evaluation: Evaluation, subject: Subject) -> str:
    """Return what was judged on what."""
    rows = counted(evaluation.rows, "row")
    return f"{printable(subject.model)} on {rows}: {printable(subject.rows)}"


def measures(evaluation: Evaluation, subject: Subject, digits: int) -> list[tuple[str, str, str]]:
    """Return name, number and remark of each measure of the whole."""
    lines = []
    if isinstance(evaluation, ClassificationEvaluation):
        right = int(evaluation.confusion.trace())
        often = max(evaluation.classes, key=lambda c: c.support)
        remark = f"{right:,} of {evaluation.rows:,} right"
        remark += f"; always '{_name(often.name)}' would be {evaluation.baseline:.{digits}f}"
        lines.append(("accuracy", f"{evaluation.accuracy:.{digits}f}", remark))
        if evaluation.top_3_accuracy is not None:
            share = f"{evaluation.top_3_accuracy:.{digits}f}"
            lines.append(("top 3 accuracy", share, "the class is among the three likeliest"))
        lines.append(("macro F1", f"{evaluation.macro.f1:.{digits}f}", "mean over the classes"))
    if evaluation.loss is not None:
        lines.append(("loss", rounded(evaluation.loss, digits), f"{subject.loss}, as trained"))
    if isinstance(evaluation, ClassificationEvaluation):
        if evaluation.cross_entropy is not None and not subject.loss.endswith("cross_entropy"):
            entropy = rounded(evaluation.cross_entropy, digits)
            lines.append(("cross-entropy", entropy, "mean of -log of the right class's probability"))
        return lines
    whole = evaluation.overall
    lines += [
        ("MAE", rounded(whole.mae, digits), "mean absolute error"),
        ("RMSE", rounded(whole.rmse, digits), "root of the mean squared error"),
        ("R2", rounded(whole.r2, digits), "share of the variance explained; 0 is the mean's, 1 exact"),
        ("max error", rounded(whole.max_error, digits), "the largest absolute error"),
        ("bias", rounded(whole.bias, digits), "mean of prediction minus target"),
    ]
    if len(evaluation.outputs) > 1:
        lines[-4] = ("RMSE", rounded(whole.rmse, digits), "root of the mean squared error, over outputs")
    return lines


def grids(evaluation: Evaluation, digits: int, width: int, zero: str = "0") -> list[Grid]:
    """Return the tables below the measures.

    Args:
        evaluation: What to show.
        digits: See `render`.
        width: Columns of text that there are.
        zero: What stands for an empty cell of the confusion matrix.
    """
    if not isinstance(evaluation, ClassificationEvaluation):
        if len(evaluation.outputs) == 1:
            return []
        rows = [
            [_name(o.name), *(rounded(getattr(o, key), digits) for key in ERRORS)]
            for o in _error_rows(evaluation.outputs, evaluation.overall)
        ]
        header = ["output", *(key.replace("_", " ") for key in ERRORS)]
        return [Grid("errors of each output", header, rows, ruled=1)]
    names = [_name(c.name) for c in evaluation.classes]
    found = [_confusion(evaluation, names, width, zero)]
    shown = [*evaluation.classes, evaluation.macro, evaluation.weighted]
    rows = [
        [
            _name(scores.name),
            *("-" if key in scores.undefined else f"{getattr(scores, key):.{digits}f}" for key in SHARES),
            f"{scores.support:,}",
        ]
        for scores in shown
    ]
    found.append(Grid("by class", ["class", "precision", "recall", "F1", "rows"], rows, ruled=2))
    return found


def _confusion(evaluation: ClassificationEvaluation, names: list[str], width: int, zero: str) -> Grid:
    matrix = evaluation.confusion.tolist()
    cells = [[f"{n:,}" if n else zero for n in row] for row in matrix]
    title = "confusion: a row for each true class, a column for each answer"
    for header in (names, [str(i + 1) for i in range(len(names))]):
        numbered = header is not names
        left = [f"{i + 1} {name}" if numbered else name for i, name in enumerate(names)]
        widths = [max(len(h), *(len(row[i]) for row in cells)) for i, h in enumerate(header)]
        fits = max(map(len, left)) + sum(w + 2 for w in widths) <= width
        if fits and len(names) <= MANY_CLASSES:
            return Grid(title, ["", *header], [[n, *row] for n, row in zip(left, cells, strict=True)])
    pairs = [(n, i, j) for i, row in enumerate(matrix) for j, n in enumerate(row) if n and i != j]
    pairs = sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2]))[:PAIRS]
    rows = [[f"{names[i]} taken for {names[j]}", f"{n:,}"] for n, i, j in pairs]
    return Grid("most frequent confusions", ["", "rows"], rows or [["none", "0"]])


def _remarks(evaluation: Evaluation) -> list[str]:
    if not isinstance(evaluation, ClassificationEvaluation):
        return []
    never = [_name(c.name) for c in evaluation.classes if c.support and not c.predicted]
    absent = [_name(c.name) for c in evaluation.classes if not c.support]
    remarks = []
    if never:
        remarks.append(f"never answered, so no precision (0 in the averages): {', '.join(never)}")
    if absent:
        remarks.append(f"no rows of: {', '.join(absent)}")
    return remarks


def _markdown(evaluation: Evaluation, subject: Subject, digits: int) -> str:
    parts = [f"**{markdown_text(headline(evaluation, subject))}**\n"]
    rows = [[markdown_text(part) for part in line] for line in measures(evaluation, subject, digits)]
    parts.append(markdown_table(["measure", "value", ""], rows, [False, True, False]))
    for grid in grids(evaluation, digits, 100_000):
        body = [[markdown_text(part) for part in row] for row in grid.rows]
        numeric = [False, *[True] * (len(grid.header) - 1)]
        parts.append(
            f"{grid.title}:\n\n" + markdown_table([markdown_text(h) for h in grid.header], body, numeric)
        )
    parts += [f"{markdown_text(remark)}\n" for remark in _remarks(evaluation)]
    return "\n".join(parts)


def _table(evaluation: Evaluation, subject: Subject, digits: int, to_file: bool) -> str:
    from rich.table import Table
    from rich.text import Text

    console = console_for(to_file)
    unicode = is_unicode(console)
    lines = measures(evaluation, subject, digits)
    with console.capture() as captured:
        console.print(Text(headline(evaluation, subject), style="bold"))
        console.print()
        plain = Table.grid(padding=(0, 2, 0, 0))
        plain.add_column(style="cyan", no_wrap=True)
        plain.add_column(justify="right", style="bold", no_wrap=True)
        plain.add_column(style="dim")
        for line in lines:
            plain.add_row(*map(Text, line))
        console.print(plain)
        for grid in grids(evaluation, digits, console.width, "·" if unicode else "."):
            console.print()
            console.print(Text(grid.title))
            table = table_for(console)
            for i, title in enumerate(grid.header):
                table.add_column(
                    Text(title), justify="right" if i else "left", no_wrap=bool(i), overflow="fold"
                )
            for at, row in enumerate(grid.rows):
                if grid.ruled and at == len(grid.rows) - grid.ruled:
                    table.add_section()
                styled = [Text(cell, style=_style(grid, at, i, cell)) for i, cell in enumerate(row)]
                table.add_row(*styled)
            console.print(table)
        for remark in _remarks(evaluation):
            console.print()
            console.print(Text(remark, style="yellow"))
    return trimmed(captured.get())


def _style(grid: Grid, row: int, column: int, cell: str) -> str:
    if not grid.title.startswith("confusion"):
        return "dim" if grid.ruled and row >= len(grid.rows) - grid.ruled else ""
    if column == 0:
        return ""
    if cell in ("·", "."):
        return "dim"
    return "green" if column == row + 1 else "bold red"


def _name(text: str) -> str:
    text = printable(text)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
