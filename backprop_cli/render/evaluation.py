"""Evaluations: measures of the whole, and tables by class or output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from math import sqrt
from typing import Any, NamedTuple

from ..errors import counted, printable, shortened
from ..language.numbers import brief, rounded
from ..training.metrics import ClassificationEvaluation, ClassScores, Evaluation, OutputErrors, Undone
from .document import Document, Facts, Records, unformulated
from .page import Block, Cell, Column, Grid, Heading, Paragraph, Text, plain

MANY_CLASSES = 40
PAIRS = 12
LONGEST = 24  # of a class's name in a table


class Subject(NamedTuple):
    """What was judged.

    Attributes:
        model: The model's path.
        rows: Where the rows came from, in words: ``test.csv``, ``the test split of iris.csv``.
        loss: Name of the loss as trained.
        undone: The errors of targets that are formulas in the units of their columns.
    """

    model: str
    rows: str
    loss: str
    undone: Sequence[Undone] = ()


def document(evaluation: Evaluation, subject: Subject, *, digits: int = 4) -> Document:
    """Return an evaluation to be written.

    Args:
        evaluation: What to write.
        subject: What it is about.
        digits: Decimals of shares, significant digits of errors.
    """
    return Document(
        page=lambda: _page(evaluation, subject, digits),
        facts=lambda: Facts(as_dict(evaluation, subject), "compact"),
        records=lambda: _records(evaluation),
    )


def _page(evaluation: Evaluation, subject: Subject, digits: int) -> Iterator[Block]:
    yield Heading(headline(evaluation, subject))
    titles = Column("measure", "word", "name"), Column("value", "number", "strong"), Column("", tone="quiet")
    yield Grid(titles, measures(evaluation, subject, digits), bare=True)
    yield from grids(evaluation, digits)
    for each in subject.undone:
        mae, rmse = rounded(each.mae, digits), rounded(each.rmse, digits)
        less = f", without {counted(each.left_out, 'row')} of no number" if each.left_out else ""
        yield Paragraph(
            [
                f"these are of {printable(each.target)}; of {printable(each.column)} itself MAE {mae}, RMSE"
                f" {rmse}{less}"
            ],
            most=None,
        )
    for remark in _remarks(evaluation):
        yield Paragraph([remark], "doubt", most=None)


def played(
    results: Mapping[str, Mapping[str, float]],
    model: str,
    environment: str,
    episodes: int,
    *,
    digits: int = 4,
) -> Document:
    """Return what a policy brings in its environment, to be written.

    Args:
        results: By how actions are chosen, measures by name.
        model: The model's path.
        environment: Its name.
        episodes: How many were played, each way.
        digits: Significant digits.
    """
    names = list(dict.fromkeys(name for values in results.values() for name in values))

    def page() -> Iterator[Block]:
        yield Heading(f"{printable(model)} on {counted(episodes, 'episode')} of {environment}")
        rows = [
            [how, *(rounded(values[name], digits) if name in values else "-" for name in names)]
            for how, values in results.items()
        ]
        yield _grid("", ["policy", *names], rows)
        error = results["drawn"]["deviation"] / sqrt(episodes)
        says = (
            "drawn: actions by their probabilities; greedy: the likeliest; standard error of the drawn mean"
        )
        yield Paragraph([f"{says}: {rounded(error, 2)}"], most=None)

    facts = {
        "schema": 1,
        "model": model,
        "environment": environment,
        "episodes": episodes,
        "policies": results,
    }
    return Document(
        page=page,
        facts=lambda: Facts(facts, "compact"),
        records=lambda: Records(
            ["policy", *names], [[how, *map(v.get, names)] for how, v in results.items()]
        ),
    )


def as_dict(evaluation: Evaluation, subject: Subject) -> dict[str, Any]:
    """Return what ``--format json`` prints; numbers that do not exist are null."""
    head = {"schema": 1, "model": subject.model, "rows": evaluation.rows, "source": subject.rows}
    head |= {"weight": evaluation.counts} if evaluation.counts is not None else {}
    loss = {"loss": {"type": subject.loss, "value": evaluation.loss}}
    if isinstance(evaluation, ClassificationEvaluation):
        return {
            **head,
            "task": "classification",
            "accuracy": evaluation.accuracy,
            "baseline": evaluation.baseline,
            "top_3_accuracy": evaluation.top_3_accuracy,
            "roc_auc": evaluation.roc_auc,
            "average_precision": evaluation.average_precision,
            "threshold": evaluation.threshold,
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
    overall = {k: v for k, v in asdict(evaluation.overall).items() if k != "name"}
    outputs = [asdict(o) for o in evaluation.outputs]
    undone = {"undone": [each._asdict() for each in subject.undone]} if subject.undone else {}
    return {**head, "task": "regression", **loss, **overall, "outputs": outputs, **undone}


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


def _records(evaluation: Evaluation) -> Records:
    rows: list[Sequence[Any]]
    if isinstance(evaluation, ClassificationEvaluation):
        answered = [printable(f"answered_{c.name}") for c in evaluation.classes]
        header = ["class", *SHARES, "support", *answered]
        counts = evaluation.confusion.tolist()
        rows = [
            [unformulated(scores.name), *_shares(scores), scores.support, *row]
            for scores, row in zip(evaluation.classes, counts, strict=True)
        ]
        for scores in (evaluation.macro, evaluation.weighted):
            rows.append([scores.name, *_shares(scores), scores.support, *[None] * len(answered)])
        return Records(header, rows)
    found = _error_rows(evaluation.outputs, evaluation.overall)
    rows = [[unformulated(errors.name), *(getattr(errors, key) for key in ERRORS)] for errors in found]
    return Records(["output", *ERRORS], rows)


ERRORS = ("mae", "mse", "rmse", "r2", "max_error", "bias")


def _error_rows(outputs: Sequence[OutputErrors], overall: OutputErrors) -> list[OutputErrors]:
    return [*outputs, overall] if len(outputs) > 1 else list(outputs)


SHARES = ("precision", "recall", "f1")


def _shares(scores: ClassScores) -> list[float]:
    return [getattr(scores, key) for key in SHARES]


# for people


def headline(evaluation: Evaluation, subject: Subject) -> str:
    """Return what was judged on what."""
    rows = counted(evaluation.rows, "row")
    return f"{printable(subject.model)} on {rows}: {printable(subject.rows)}"


def measures(evaluation: Evaluation, subject: Subject, digits: int) -> list[tuple[str, str, str]]:
    """Return name, number and remark of each measure of the whole."""
    lines = []
    if isinstance(evaluation, ClassificationEvaluation):
        right, weight = evaluation.confusion.trace(), evaluation.counts
        often = max(evaluation.classes, key=lambda c: c.support)
        remark = f"{int(right):,} of {evaluation.rows:,} right"
        if weight is not None:
            remark = f"{rounded(float(right), digits)} of the weight {rounded(weight, digits)} right"
        remark += f"; always '{_name(often.name)}' would be {evaluation.baseline:.{digits}f}"
        lines.append(("accuracy", f"{evaluation.accuracy:.{digits}f}", remark))
        if evaluation.top_3_accuracy is not None:
            share = f"{evaluation.top_3_accuracy:.{digits}f}"
            lines.append(("top 3 accuracy", share, "the class is among the three likeliest"))
        lines.append(("macro F1", f"{evaluation.macro.f1:.{digits}f}", "mean over the classes"))
        lines += _ranked(evaluation, digits)
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


def _ranked(evaluation: ClassificationEvaluation, digits: int) -> Iterator[tuple[str, str, str]]:
    """Yield the measures of the order of the probabilities, and of two classes the threshold."""
    several = len(evaluation.classes) > 2
    second = (
        "each class against the others, their mean" if several else f"'{_name(evaluation.classes[1].name)}'"
    )
    for name, value in (("ROC AUC", evaluation.roc_auc), ("avg precision", evaluation.average_precision)):
        if value is not None:
            remark = "mean of each class against the others" if several else f"of {second}"
            yield name, f"{value:.{digits}f}", remark
    if evaluation.threshold is not None:
        yield "threshold", f"{brief(evaluation.threshold)}", f"{second} is answered above it"


def grids(evaluation: Evaluation, digits: int) -> list[Grid]:
    """Return the tables below the measures."""
    if not isinstance(evaluation, ClassificationEvaluation):
        if len(evaluation.outputs) == 1:
            return []
        rows = [
            [_name(o.name), *(rounded(getattr(o, key), digits) for key in ERRORS)]
            for o in _error_rows(evaluation.outputs, evaluation.overall)
        ]
        header = ["output", *(key.replace("_", " ") for key in ERRORS)]
        return [_grid("errors of each output", header, rows, ruled=1)]
    shown = [*evaluation.classes, evaluation.macro, evaluation.weighted]
    rows = [
        [
            _name(scores.name),
            *("-" if key in scores.undefined else f"{getattr(scores, key):.{digits}f}" for key in SHARES),
            _amount(scores.support),
        ]
        for scores in shown
    ]
    counted_ = "rows" if evaluation.counts is None else "weight"
    by_class = _grid("by class", ["class", "precision", "recall", "F1", counted_], rows, ruled=2)
    return [_confusion(evaluation), by_class]


def _grid(title: str, header: Sequence[str], rows: Sequence[Sequence[Cell]], ruled: int = 0) -> Grid:
    """Return a table whose first column is words and whose others are numbers."""
    first, *others = header
    quiet = [[Text(plain(cell), "quiet") for cell in row] for row in rows[len(rows) - ruled :]]
    columns = [Column(first, least=2 * LONGEST), *(Column(other, "number") for other in others)]
    return Grid(columns, [*rows[: len(rows) - ruled], *quiet], title, ruled=ruled)


def _confusion(evaluation: ClassificationEvaluation) -> Grid:
    """Return the matrix under names, else under numbers, else the pairs that are confused most."""
    matrix = evaluation.confusion.tolist()
    names = [_name(c.name) for c in evaluation.classes]
    pairs = [(n, i, j) for i, row in enumerate(matrix) for j, n in enumerate(row) if n and i != j]
    pairs = sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2]))[:PAIRS]
    most: list[list[Cell]] = [[f"{names[i]} taken for {names[j]}", _amount(n)] for n, i, j in pairs]
    frequent = _grid("most frequent confusions", ["", "rows"], most or [["none", "0"]])
    if len(names) > MANY_CLASSES:
        return frequent
    cells = [[_count(n, i == j) for j, n in enumerate(row)] for i, row in enumerate(matrix)]
    title = "confusion: a row for each true class, a column for each answer"

    def under(header: Sequence[str], left: Sequence[str]) -> Grid:
        return _grid(title, ["", *header], [[name, *row] for name, row in zip(left, cells, strict=True)])

    numbers = [str(i + 1) for i in range(len(names))]
    numbered = under(numbers, [f"{i} {name}" for i, name in zip(numbers, names, strict=True)])
    numbered = numbered.replace(narrow=(frequent,))
    return under(names, names).replace(narrow=(numbered,)) if len({*names}) == len(names) else numbered


def _amount(n: float) -> str:
    """Return a number of rows, or what they count."""
    return f"{int(n):,}" if n == int(n) else rounded(n, 5)


def _count(n: float, right: bool) -> Text:
    return Text(_amount(n), ("good" if right else "bad") if n else "empty")


def _remarks(evaluation: Evaluation) -> list[str]:
    beyond = evaluation.beyond
    remarks = [f"too large for a number: {', '.join(beyond)}"] if beyond else []
    if not isinstance(evaluation, ClassificationEvaluation):
        return remarks
    never = [_name(c.name) for c in evaluation.classes if c.support and not c.predicted]
    absent = [_name(c.name) for c in evaluation.classes if not c.support]
    if never:
        remarks.append(f"never answered, so no precision (0 in the averages): {', '.join(never)}")
    if absent:
        remarks.append(f"no rows of: {', '.join(absent)}")
    return remarks


def _name(text: str) -> str:
    return shortened(printable(text), LONGEST)
