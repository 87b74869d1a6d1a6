"""How good answers are: metrics of an epoch, and the whole evaluation of a model.

Definitions are scikit-learn's; where it warns of a ratio 0/0 and takes 0, so do we (`ClassScores.undefined`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import frexp, isfinite
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from ..errors import ConfigError
from . import schema

Floats = npt.NDArray[np.floating[Any]]
Ids = npt.NDArray[np.int64]
Counts = npt.NDArray[np.float64] | None
"""What each row counts, (rows,); None where all count alike."""
Task = Literal["classification", "regression"]

LARGE = 1e100
"""Above it numbers are made smaller before they are squared and summed."""


class Metric(NamedTuple):
    """A row of `METRICS`.

    Attributes:
        measure: Outputs, targets and what each row counts to a number; the metric has its name.
        better: Which of two values is the better one.
        rows: Fewest that it has a value for.
        binary: It is of the second of two classes.
        ranks: It is of the order of probabilities, and needs rows of every class.
    """

    measure: Callable[[Floats, Any, Counts], float]
    better: Literal["higher", "lower"]
    rows: int = 1
    binary: bool = False
    ranks: bool = False

    @property
    def task(self) -> Task:
        """What it measures."""
        return "classification" if self.measure.__name__ in get_args(schema.ClassMetric) else "regression"


def measure(
    names: Sequence[str],
    outputs: Floats,
    targets: npt.NDArray[Any],
    task: Task,
    threshold: float = 0.0,
    counts: Counts = None,
    ranked: Floats | None = None,
) -> dict[str, float]:
    """Measure outputs against targets.

    Args:
        names: Keys of `METRICS`.
        outputs: For classes their scores, (rows, classes), or (rows, 1) of a binary classifier with a
            single output; else numbers, (rows, outputs).
        targets: Class ids (rows,), or numbers (rows, outputs).
        task: What the model does.
        threshold: Above it a single output says class 1: 0 for a logit, 0.5 for a probability; of two outputs
            their difference.
        counts: What each row counts.
        ranked: What the rows are ordered by for each class, where it is not the outputs.
    Raises:
        ConfigError: for a metric that does not suit the task.
    """
    for name in names:
        check(name, task)
    ranked = outputs if ranked is None else ranked
    if task == "classification":
        outputs = two_columns(outputs, threshold)
    else:
        outputs, targets = _numbers(outputs), _numbers(targets)
    with np.errstate(all="ignore"):  # what is no number is seen by whoever asks
        return {
            name: METRICS[name].measure(ranked if METRICS[name].ranks else outputs, targets, counts)
            for name in names
        }


class Tally:
    """What metrics of rows follow from that come some at a time; none of them ranks rows.

    Args:
        names: Keys of `METRICS`.
        task: What the model does.
        outputs: Numbers that it gives for a row.
        threshold: As of `measure`.
    Attributes:
        arrays: All that it remembers.
    Source:
        Chan, Golub and LeVeque (1983), Algorithms for computing the sample variance, eq. 2.1, with what the
        rows count in place of how many there are.
    """

    def __init__(self, names: Sequence[str], task: Task, outputs: int, threshold: float = 0.0) -> None:
        self._names, self._task, self._threshold = names, task, threshold
        classes = max(2, outputs)
        shapes = (
            {"confusion": (classes, classes), "near": ()}
            if task == "classification"
            else dict.fromkeys(("absolute", "squares", "deviance", "mean", "spread"), (outputs,))
        )
        self.arrays: dict[str, Any] = {name: np.zeros(shape) for name, shape in shapes.items()}
        self.arrays |= {"rows": np.zeros(()), "weight": np.zeros(())}
        if task == "regression":
            self.arrays |= {"low": np.full(outputs, np.inf), "high": np.full(outputs, -np.inf)}

    def add(self, outputs: Floats, targets: npt.NDArray[Any], counts: Counts = None) -> None:
        """Take rows in; see `measure`."""
        sums, rows = self.arrays, len(outputs)
        weight = float(rows) if counts is None else float(counts.sum(dtype=np.float64))
        with np.errstate(all="ignore"):  # what is no number is seen by whoever asks
            if self._task == "classification":
                outputs = two_columns(outputs, self._threshold)
                sums["confusion"] += confusion(outputs.argmax(axis=1), targets, outputs.shape[1], counts)
                if "top_3_accuracy" in self._names:
                    sums["near"] += weight * top_3_accuracy(outputs, targets, counts)
            else:
                outputs, targets = _numbers(outputs), _numbers(targets)
                weights = np.ones((rows, 1)) if counts is None else counts[:, None]
                sums["absolute"] += (weights * np.abs(outputs - targets)).sum(axis=0)
                sums["squares"] += (weights * np.square(outputs - targets)).sum(axis=0)
                if "poisson_deviance" in self._names:
                    sums["deviance"] += (weights * _deviances(outputs, targets)).sum(axis=0)
                mean = (weights * targets).sum(axis=0) / weight
                apart, whole = mean - sums["mean"], float(sums["weight"]) + weight
                sums["mean"] += apart * (weight / whole)
                sums["spread"] += (weights * np.square(targets - mean)).sum(axis=0)
                sums["spread"] += np.square(apart) * (float(sums["weight"]) * (weight / whole))
                sums["low"] = np.minimum(sums["low"], targets.min(axis=0))
                sums["high"] = np.maximum(sums["high"], targets.max(axis=0))
        sums["rows"] += rows
        sums["weight"] += weight

    def values(self) -> dict[str, float]:
        """Return the metrics of all rows so far."""
        with np.errstate(all="ignore"):
            return {name: float(self._value(name)) for name in self._names}

    def _value(self, name: str) -> Any:
        sums, whole = self.arrays, self.arrays["weight"]
        if self._task == "classification":
            matrix = sums["confusion"]
            if name == "accuracy":
                return np.trace(matrix) / whole
            if name == "top_3_accuracy":
                return sums["near"] / whole
            scores = _class_scores(matrix)
            return _averages(scores)[0].f1 if name == "macro_f1" else getattr(scores[1], name)
        if name == "r2":
            if sums["rows"] < 2:
                return float("nan")
            constant = sums["low"] == sums["high"]
            return _explained(sums["squares"], np.where(constant, 0.0, sums["spread"]))
        if name == "rmse":
            return np.sqrt(sums["squares"] / whole).mean()
        return (sums[{"mae": "absolute", "mse": "squares"}.get(name, "deviance")] / whole).mean()


def check(name: str, task: Task) -> None:
    """Refuse a metric that is unknown or does not suit the task.

    Raises:
        ConfigError: naming those that do.
    """
    if name in METRICS and METRICS[name].task == task:
        return
    suited = ", ".join(n for n, metric in METRICS.items() if metric.task == task)
    known = f"measures {METRICS[name].task}, not {task}" if name in METRICS else "is no metric"
    raise ConfigError(f"{name} {known}", hint=f"for {task}: {suited}")


def higher_is_better(monitor: str) -> bool:
    """Return the direction in which a monitored number (``val_accuracy``, ``loss``) improves."""
    metric = METRICS.get(monitor.removeprefix("val_"))
    return monitor == schema.RETURN or (metric is not None and metric.better == "higher")


def two_columns(scores: Floats, threshold: float = 0.0) -> Floats:
    """Return a score per class where a binary classifier has a single output, or its own threshold."""
    if scores.shape[1] == 1:
        return np.concatenate([np.full_like(scores, threshold), scores], axis=1)
    return scores + np.array([threshold, 0.0]) if threshold and scores.shape[1] == 2 else scores


def accuracy(scores: Floats, targets: Ids, counts: Counts = None) -> float:
    """Return the share of rows whose highest score is the target's; of equal scores the first wins."""
    return float(np.average(scores.argmax(axis=1) == targets, weights=counts))


def top_3_accuracy(scores: Floats, targets: Ids, counts: Counts = None) -> float:
    """Return the share of rows whose target is among the three highest scores; of equal ones the last win."""
    own = np.take_along_axis(scores, targets[:, None], axis=1)
    later = np.arange(scores.shape[1]) > targets[:, None]
    above = (scores > own) | ((scores == own) & later)
    return float(np.average(above.sum(axis=1) < 3, weights=counts))


def macro_f1(scores: Floats, targets: Ids, counts: Counts = None) -> float:
    """Return the plain mean of the F1 of every class that is a target or an answer."""
    return _averages(_class_scores(confusion(scores.argmax(axis=1), targets, scores.shape[1], counts)))[0].f1


def _second(scores: Floats, targets: Ids, counts: Counts) -> ClassScores:
    """Return the scores of the second of two classes."""
    return _class_scores(confusion(scores.argmax(axis=1), targets, scores.shape[1], counts))[1]


def precision(scores: Floats, targets: Ids, counts: Counts = None) -> float:
    """Return of the rows answered with the second class the share that is right; 0 where there are none."""
    return _second(scores, targets, counts).precision


def recall(scores: Floats, targets: Ids, counts: Counts = None) -> float:
    """Return of the rows of the second class the share answered right; 0 where there are none."""
    return _second(scores, targets, counts).recall


def f1(scores: Floats, targets: Ids, counts: Counts = None) -> float:
    """Return the harmonic mean of precision and recall of the second class."""
    return _second(scores, targets, counts).f1


def roc_auc(chances: Floats, targets: Ids, counts: Counts = None) -> float:
    """Return the area under the curve of true over false positives: how often a row is ranked above others.

    Of two classes that of the second; of more the mean of each against all others. nan where one has no row.
    """
    return _one_against_all(_roc_auc, chances, targets, counts)


def average_precision(chances: Floats, targets: Ids, counts: Counts = None) -> float:
    """Return the mean of the precision over the recalls, each weighed by what it adds to the recall before.

    Of two classes that of the second; of more the mean of each against all others. nan where one has no row.
    """
    return _one_against_all(_average_precision, chances, targets, counts)


def _one_against_all(
    area: Callable[[Floats, Floats], float], chances: Floats, targets: Ids, counts: Counts
) -> float:
    if chances.shape[1] == 1:
        classes = [(1, chances[:, 0])]
    elif chances.shape[1] == 2:
        classes = [(1, chances[:, 1] - chances[:, 0])]
    else:
        classes = list(enumerate(chances.T))
    areas = [area(*_positives(score, targets == label, counts)) for label, score in classes]
    return float(np.mean(areas))


def _positives(score: Floats, own: npt.NDArray[np.bool_], counts: Counts) -> tuple[Floats, Floats]:
    """Return how much is above each distinct score, of the class and of the others."""
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
    weights = np.ones(len(order)) if counts is None else counts[order]
    return np.cumsum(weights * own[order])[ends], np.cumsum(weights * ~own[order])[ends]


def _roc_auc(true: Floats, false: Floats) -> float:
    if not true[-1] or not false[-1]:
        return float("nan")
    if len(true) > 2:  # points on a straight line add nothing but rounding
        bends = np.diff(false, 2).astype(bool) | np.diff(true, 2).astype(bool)
        kept = np.concatenate([[True], bends, [True]])
        true, false = true[kept], false[kept]
    true, false = np.append(0.0, true), np.append(0.0, false)
    return float(np.trapezoid(true / true[-1], false / false[-1]))


def _average_precision(true: Floats, false: Floats) -> float:
    if not true[-1]:
        return float("nan")
    recalls = np.append(0.0, true / true[-1])
    return float(np.sum(np.diff(recalls)[::-1] * (true / (true + false))[::-1]))


def shares_of(targets: Ids, counts: Counts) -> Floats:
    """Return the share that each class has of the rows."""
    sums: Floats = np.bincount(targets, weights=counts).astype(np.float64)
    return sums / float(sums.sum())


class Threshold(NamedTuple):
    """A probability above which the second class is answered, and the F1 of that class with it."""

    threshold: float
    f1: float


def best_threshold(chances: Floats, targets: Ids, counts: Counts = None) -> Threshold:
    """Return the threshold with the highest F1 of the second class; between two probabilities.

    Args:
        chances: Of the second class, (rows,).
        targets: Class ids.
        counts: What each row counts.
    """
    order = np.argsort(-chances, kind="stable")
    steps = np.flatnonzero(np.diff(chances[order]))
    true, false = _positives(chances, targets == 1, counts)
    scores = 2.0 * true / (true + false + true[-1])
    best = int(scores[:-1].argmax()) if len(steps) else 0
    sorted_ = chances[order]
    between = (sorted_[steps[best]] + sorted_[steps[best] + 1]) / 2.0 if len(steps) else 0.5
    return Threshold(float(between), float(scores[best]))


def mae(outputs: Floats, targets: Floats, counts: Counts = None) -> float:
    """Return the mean absolute error over rows and outputs."""
    errors = np.abs(outputs - targets)
    return float(errors.mean() if counts is None else np.average(errors, axis=0, weights=counts).mean())


def mse(outputs: Floats, targets: Floats, counts: Counts = None) -> float:
    """Return the mean squared error over rows and outputs."""
    squares = np.square(outputs - targets)
    return float(squares.mean() if counts is None else np.average(squares, axis=0, weights=counts).mean())


def rmse(outputs: Floats, targets: Floats, counts: Counts = None) -> float:
    """Return the root of the mean squared error of each output, averaged over outputs."""
    return float(np.sqrt(np.average(np.square(outputs - targets), axis=0, weights=counts)).mean())


def r2(outputs: Floats, targets: Floats, counts: Counts = None) -> float:
    """Return the coefficient of determination of each output, averaged over outputs.

    1 is exact, 0 is as good as always answering the mean; nan for a single row. A constant target has 1
    where it is met exactly, else 0.
    """
    if len(targets) < 2:
        return float("nan")
    weights = 1.0 if counts is None else counts[:, None]
    residual = (weights * np.square(outputs - targets)).sum(axis=0)
    spread = (weights * np.square(targets - np.average(targets, axis=0, weights=counts))).sum(axis=0)
    constant = (targets == targets[0]).all(axis=0)  # its mean may be rounded
    return _explained(residual, np.where(constant, 0.0, spread))


def _explained(residual: Floats, spread: Floats) -> float:
    """Return R2 of sums of squares: of the errors, and of the targets around their mean."""
    ratio = np.divide(residual, spread, where=spread != 0.0, out=(residual != 0.0).astype(np.float64))
    return float(np.mean(1.0 - ratio))


def poisson_deviance(outputs: Floats, targets: Floats, counts: Counts = None) -> float:
    """Return the mean deviance of counts from rates above 0: 2(t log(t/y) - t + y)."""
    return float(np.average(_deviances(outputs, targets), axis=0, weights=counts).mean())


def _deviances(outputs: Floats, targets: Floats) -> Floats:
    logs = np.where(targets > 0.0, targets * np.log(np.where(targets > 0.0, targets, 1.0) / outputs), 0.0)
    return 2.0 * (logs - targets + outputs)


METRICS = {
    metric.measure.__name__: metric
    for metric in (
        Metric(accuracy, "higher"),
        Metric(top_3_accuracy, "higher"),
        Metric(macro_f1, "higher"),
        Metric(precision, "higher", binary=True),
        Metric(recall, "higher", binary=True),
        Metric(f1, "higher", binary=True),
        Metric(roc_auc, "higher", rows=2, ranks=True),
        Metric(average_precision, "higher", rows=2, ranks=True),
        Metric(mae, "lower"),
        Metric(mse, "lower"),
        Metric(rmse, "lower"),
        Metric(r2, "higher", rows=2),
        Metric(poisson_deviance, "lower"),
    )
}
"""By the names that `schema.Metric` lists."""


# the whole evaluation


@dataclass(frozen=True)
class ClassScores:
    """Precision, recall and F1 of a class, or their average over classes.

    Attributes:
        name: The class.
        precision: Of the rows answered with this class, the share that is right.
        recall: Of the rows of this class, the share answered right.
        f1: Their harmonic mean.
        support: Rows of this class, or what they count.
        predicted: Rows answered with this class, or what they count.
        undefined: Which of the three are 0/0, and 0 by convention.
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: float
    predicted: float
    undefined: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClassificationEvaluation:
    """A classifier's answers, judged.

    Attributes:
        rows: How many.
        counts: What they count, added up; None where all count alike.
        accuracy: Share of them answered right.
        baseline: Accuracy of always answering with the most frequent class.
        top_3_accuracy: None with three classes or fewer.
        loss: As trained; None where it is too large for a number.
        cross_entropy: Mean of -log of the probability given to the right class, or of its mean over the
            shares of the classes; None without probabilities.
        roc_auc: See `roc_auc`; None where a class has no row.
        average_precision: See `average_precision`; None where a class has no row.
        threshold: Of two classes the probability above which the second is answered; None where none was set.
        confusion: Rows by true class (first axis) and answer, or what they count.
        classes: Scores of every class.
        macro: Their mean over the classes that are a target or an answer.
        weighted: Their mean weighted by support.
    """

    rows: int
    counts: float | None
    accuracy: float
    baseline: float
    top_3_accuracy: float | None
    loss: float | None
    cross_entropy: float | None
    roc_auc: float | None
    average_precision: float | None
    threshold: float | None
    confusion: npt.NDArray[Any]
    classes: list[ClassScores]
    macro: ClassScores
    weighted: ClassScores

    @property
    def beyond(self) -> list[str]:
        """What is too large for a number."""
        return [] if self.loss is not None else ["loss"]


@dataclass(frozen=True)
class OutputErrors:
    """Errors of one output, or of all of them together.

    Attributes:
        name: The output.
        mae: Mean absolute error.
        mse: Mean squared error.
        rmse: Its root.
        r2: Coefficient of determination; None for a single row.
        max_error: Largest absolute error.
        bias: Mean of prediction minus target.

    Any of them is None where it is too large for a number.
    """

    name: str
    mae: float | None
    mse: float | None
    rmse: float | None
    r2: float | None
    max_error: float | None
    bias: float | None


@dataclass(frozen=True)
class RegressionEvaluation:
    """Predicted numbers, judged.

    Attributes:
        rows: How many.
        counts: What they count, added up; None where all count alike.
        loss: As trained; None where it is too large for a number.
        overall: Means over the outputs; of ``max_error`` the largest.
        outputs: Errors of every output.
    """

    rows: int
    counts: float | None
    loss: float | None
    overall: OutputErrors
    outputs: list[OutputErrors]

    @property
    def beyond(self) -> list[str]:
        """What is too large for a number."""
        whole = self.overall
        measures = {
            "loss": self.loss,
            "MAE": whole.mae,
            "MSE": whole.mse,
            "RMSE": whole.rmse,
            "max error": whole.max_error,
            "bias": whole.bias,
        }
        return [name for name, value in measures.items() if value is None]


class Undone(NamedTuple):
    """The errors of a target that is a formula, such as log(price), in the unit of its column.

    Attributes:
        target: The formula.
        column: What it is of.
        mae: Mean absolute error.
        rmse: Root of the mean squared error.
        left_out: Rows whose prediction, or answer, is of no number of the column.
    """

    target: str
    column: str
    mae: float
    rmse: float
    left_out: int


Evaluation = ClassificationEvaluation | RegressionEvaluation


def evaluate(
    outputs: Floats,
    targets: npt.NDArray[Any],
    task: Task,
    names: Sequence[str],
    loss: float,
    *,
    probabilities: bool = True,
    counts: Counts = None,
    threshold: float | None = None,
) -> Evaluation:
    """Judge a model's answers.

    Args:
        outputs: Probabilities or other scores (rows, classes), or numbers (rows, outputs).
        targets: Class ids (rows,) or the shares of the classes (rows, classes), or numbers (rows, outputs).
        task: What the model does.
        names: Of the classes or of the outputs.
        loss: As trained.
        probabilities: Whether scores are probabilities.
        counts: What each row counts; None for all alike.
        threshold: Of two classes the probability above which the second is answered.
    """
    if task == "classification":
        return _classification(outputs, targets, names, loss, probabilities, counts, threshold)
    return _regression(_numbers(outputs), _numbers(targets), names, loss, counts)


def decided(outputs: Floats, threshold: float | None) -> Ids:
    """Return the class that is answered: the highest, or the second where it is above a threshold."""
    answers: Ids = (
        outputs.argmax(axis=1) if threshold is None else (outputs[:, 1] > threshold).astype(np.int64)
    )
    return answers


def _classification(
    outputs: Floats,
    known: npt.NDArray[Any],
    names: Sequence[str],
    loss: float,
    probabilities: bool,
    counts: Counts,
    threshold: float | None,
) -> ClassificationEvaluation:
    rows, classes = outputs.shape
    targets: Ids = known if known.ndim == 1 else known.argmax(axis=1)
    matrix = confusion(decided(outputs, threshold), targets, classes, counts)
    scores = _class_scores(matrix, names)
    macro, weighted = _averages(scores)
    # a probability rounded to 0 is worth 52 bits, not infinitely many
    logs = np.log(np.clip(outputs.astype(np.float64), np.finfo(np.float64).eps, 1.0))
    given = logs[np.arange(rows), targets] if known.ndim == 1 else (known * logs).sum(axis=1)
    whole = rows if counts is None else float(counts.sum())
    ranked = outputs[:, 1:] if classes == 2 else outputs
    with np.errstate(all="ignore"):
        auc, mean_precision = roc_auc(ranked, targets, counts), average_precision(ranked, targets, counts)
    return ClassificationEvaluation(
        rows=rows,
        counts=None if counts is None else whole,
        accuracy=float(np.trace(matrix) / whole),
        baseline=float(matrix.sum(axis=1).max() / whole),
        top_3_accuracy=top_3_accuracy(outputs, targets, counts) if classes > 3 else None,
        loss=_finite(loss),
        cross_entropy=float(-np.average(given, weights=counts)) if probabilities else None,
        roc_auc=_finite(auc),
        average_precision=_finite(mean_precision),
        threshold=threshold,
        confusion=matrix,
        classes=scores,
        macro=macro,
        weighted=weighted,
    )


def confusion(answers: Ids, targets: Ids, classes: int, counts: Counts = None) -> npt.NDArray[Any]:
    """Return the number of rows, or what they count, by true class (first axis) and answered class."""
    cells = np.bincount(targets * classes + answers, weights=counts, minlength=classes * classes)
    return cells.reshape(classes, classes)


def _class_scores(matrix: npt.NDArray[Any], names: Sequence[str] | None = None) -> list[ClassScores]:
    right = np.diagonal(matrix).tolist()
    supports, predicted = matrix.sum(axis=1).tolist(), matrix.sum(axis=0).tolist()
    scores = []
    for i, (hits, support, answers) in enumerate(zip(right, supports, predicted, strict=True)):
        undefined = []
        undefined += ["precision"] if answers == 0 else []
        undefined += ["recall"] if support == 0 else []
        undefined += ["f1"] if answers + support == 0 else []
        scores.append(
            ClassScores(
                name=names[i] if names is not None else str(i),
                precision=hits / answers if answers else 0.0,
                recall=hits / support if support else 0.0,
                f1=2 * hits / (answers + support) if answers + support else 0.0,
                support=support,
                predicted=answers,
                undefined=tuple(undefined),
            )
        )
    return scores


def _averages(scores: Sequence[ClassScores]) -> tuple[ClassScores, ClassScores]:
    """Return the means over the classes that occur: plain, and weighted by support."""
    seen = [s for s in scores if s.support + s.predicted]
    table = np.array([[s.precision, s.recall, s.f1] for s in seen])
    rows = sum(s.support for s in scores)
    weights = np.array([s.support for s in seen])

    def average(name: str, means: Floats) -> ClassScores:
        precision, recall, f1 = means.tolist()
        return ClassScores(name, precision, recall, f1, rows, rows)

    return average("macro average", table.mean(axis=0)), average("weighted average", weights @ table / rows)


def _regression(
    outputs: Floats, targets: Floats, names: Sequence[str], loss: float, counts: Counts
) -> RegressionEvaluation:
    each = [
        _errors(name, outputs[:, i : i + 1], targets[:, i : i + 1], counts) for i, name in enumerate(names)
    ]
    overall = _errors("all outputs", outputs, targets, counts)
    whole = None if counts is None else float(counts.sum())
    return RegressionEvaluation(len(targets), whole, _finite(loss), overall, each)


def _errors(name: str, outputs: Floats, targets: Floats, counts: Counts) -> OutputErrors:
    # what is summed and squared stays small; a power of two costs no digit
    largest = max(float(np.abs(outputs).max()), float(np.abs(targets).max()))
    unit = 2.0 ** (frexp(largest)[1] - 1) if largest > LARGE else 1.0
    outputs, targets = outputs / unit, targets / unit
    error = outputs - targets
    return OutputErrors(
        name=name,
        mae=_finite(mae(outputs, targets, counts) * unit),
        mse=_finite(mse(outputs, targets, counts) * unit * unit),
        rmse=_finite(rmse(outputs, targets, counts) * unit),
        r2=_finite(r2(outputs, targets, counts)),
        max_error=_finite(float(np.abs(error).max()) * unit),
        bias=_finite(float(np.average(error, axis=0, weights=counts).mean()) * unit),
    )


def _finite(number: float | None) -> float | None:
    return number if number is not None and isfinite(number) else None


def _numbers(values: npt.NDArray[Any]) -> Floats:
    """Return (rows, outputs) in float64: sums of float32 would lose digits."""
    values = np.asarray(values, dtype=np.float64)
    return values.reshape(len(values), -1)
