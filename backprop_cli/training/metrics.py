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
Task = Literal["classification", "regression"]

LARGE = 1e100
"""Above it numbers are made smaller before they are squared and summed."""


class Metric(NamedTuple):
    """A row of `METRICS`.

    Attributes:
        measure: Outputs and targets to a number; the metric has its name.
        better: Which of two values is the better one.
        rows: Fewest that it has a value for.
    """

    measure: Callable[[Floats, Any], float]
    better: Literal["higher", "lower"]
    rows: int = 1

    @property
    def task(self) -> Task:
        """What it measures."""
        return "classification" if self.measure.__name__ in get_args(schema.ClassMetric) else "regression"


def measure(
    names: Sequence[str], outputs: Floats, targets: npt.NDArray[Any], task: Task, threshold: float = 0.0
) -> dict[str, float]:
    """Measure outputs against targets.

    Args:
        names: Keys of `METRICS`.
        outputs: For classes their scores, (rows, classes), or (rows, 1) of a binary classifier with a
            single output; else numbers, (rows, outputs).
        targets: Class ids (rows,), or numbers (rows, outputs).
        task: What the model does.
        threshold: Above it a single output says class 1: 0 for a logit, 0.5 for a probability.
    Raises:
        ConfigError: for a metric that does not suit the task.
    """
    for name in names:
        check(name, task)
    if task == "classification":
        outputs = two_columns(outputs, threshold)
    else:
        outputs, targets = _numbers(outputs), _numbers(targets)
    with np.errstate(all="ignore"):  # what is no number is seen by whoever asks
        return {name: METRICS[name].measure(outputs, targets) for name in names}


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
    return metric is not None and metric.better == "higher"


def two_columns(scores: Floats, threshold: float = 0.0) -> Floats:
    """Return a score per class where a binary classifier has a single output."""
    if scores.shape[1] > 1:
        return scores
    return np.concatenate([np.full_like(scores, threshold), scores], axis=1)


def accuracy(scores: Floats, targets: Ids) -> float:
    """Return the share of rows whose highest score is the target's; of equal scores the first wins."""
    return float(np.mean(scores.argmax(axis=1) == targets))


def top_3_accuracy(scores: Floats, targets: Ids) -> float:
    """Return the share of rows whose target is among the three highest scores; of equal ones the last win."""
    own = np.take_along_axis(scores, targets[:, None], axis=1)
    later = np.arange(scores.shape[1]) > targets[:, None]
    above = (scores > own) | ((scores == own) & later)
    return float(np.mean(above.sum(axis=1) < 3))


def macro_f1(scores: Floats, targets: Ids) -> float:
    """Return the plain mean of the F1 of every class that is a target or an answer."""
    return _averages(_class_scores(confusion(scores.argmax(axis=1), targets, scores.shape[1])))[0].f1


def mae(outputs: Floats, targets: Floats) -> float:
    """Return the mean absolute error over rows and outputs."""
    return float(np.abs(outputs - targets).mean())


def mse(outputs: Floats, targets: Floats) -> float:
    """Return the mean squared error over rows and outputs."""
    return float(np.square(outputs - targets).mean())


def rmse(outputs: Floats, targets: Floats) -> float:
    """Return the root of the mean squared error of each output, averaged over outputs."""
    return float(np.sqrt(np.square(outputs - targets).mean(axis=0)).mean())


def r2(outputs: Floats, targets: Floats) -> float:
    """Return the coefficient of determination of each output, averaged over outputs.

    1 is exact, 0 is as good as always answering the mean; nan for a single row. A constant target has 1
    where it is met exactly, else 0.
    """
    if len(targets) < 2:
        return float("nan")
    residual = np.square(outputs - targets).sum(axis=0)
    spread = np.square(targets - targets.mean(axis=0)).sum(axis=0)
    constant = (targets == targets[0]).all(axis=0) | (spread == 0.0)  # its mean may be rounded
    ratio = np.divide(residual, spread, where=~constant, out=(residual != 0.0).astype(np.float64))
    return float(np.mean(1.0 - ratio))


METRICS = {
    metric.measure.__name__: metric
    for metric in (
        Metric(accuracy, "higher"),
        Metric(top_3_accuracy, "higher"),
        Metric(macro_f1, "higher"),
        Metric(mae, "lower"),
        Metric(mse, "lower"),
        Metric(rmse, "lower"),
        Metric(r2, "higher", rows=2),
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
        support: Rows of this class.
        predicted: Rows answered with this class.
        undefined: Which of the three are 0/0, and 0 by convention.
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    predicted: int
    undefined: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClassificationEvaluation:
    """A classifier's answers, judged.

    Attributes:
        rows: How many.
        accuracy: Share of them answered right.
        baseline: Accuracy of always answering with the most frequent class.
        top_3_accuracy: None with three classes or fewer.
        loss: As trained; None where it is too large for a number.
        cross_entropy: Mean of -log of the probability given to the right class, or of its mean over the
            shares of the classes; None without probabilities.
        confusion: Rows by true class (first axis) and answer.
        classes: Scores of every class.
        macro: Their mean over the classes that are a target or an answer.
        weighted: Their mean weighted by support.
    """

    rows: int
    accuracy: float
    baseline: float
    top_3_accuracy: float | None
    loss: float | None
    cross_entropy: float | None
    confusion: Ids
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
        loss: As trained; None where it is too large for a number.
        overall: Means over the outputs; of ``max_error`` the largest.
        outputs: Errors of every output.
    """

    rows: int
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


Evaluation = ClassificationEvaluation | RegressionEvaluation


def evaluate(
    outputs: Floats,
    targets: npt.NDArray[Any],
    task: Task,
    names: Sequence[str],
    loss: float,
    *,
    probabilities: bool = True,
) -> Evaluation:
    """Judge a model's answers.

    Args:
        outputs: Probabilities or other scores (rows, classes), or numbers (rows, outputs).
        targets: Class ids (rows,) or the shares of the classes (rows, classes), or numbers (rows, outputs).
        task: What the model does.
        names: Of the classes or of the outputs.
        loss: As trained.
        probabilities: Whether scores are probabilities.
    """
    if task == "classification":
        return _classification(outputs, targets, names, loss, probabilities)
    return _regression(_numbers(outputs), _numbers(targets), names, loss)


def _classification(
    outputs: Floats, known: npt.NDArray[Any], names: Sequence[str], loss: float, probabilities: bool
) -> ClassificationEvaluation:
    rows, classes = outputs.shape
    targets: Ids = known if known.ndim == 1 else known.argmax(axis=1)
    matrix = confusion(outputs.argmax(axis=1), targets, classes)
    scores = _class_scores(matrix, names)
    macro, weighted = _averages(scores)
    # a probability rounded to 0 is worth 52 bits, not infinitely many
    logs = np.log(np.clip(outputs.astype(np.float64), np.finfo(np.float64).eps, 1.0))
    given = logs[np.arange(rows), targets] if known.ndim == 1 else (known * logs).sum(axis=1)
    return ClassificationEvaluation(
        rows=rows,
        accuracy=float(np.trace(matrix) / rows),
        baseline=float(matrix.sum(axis=1).max() / rows),
        top_3_accuracy=top_3_accuracy(outputs, targets) if classes > 3 else None,
        loss=_finite(loss),
        cross_entropy=float(-given.mean()) if probabilities else None,
        confusion=matrix,
        classes=scores,
        macro=macro,
        weighted=weighted,
    )


def confusion(answers: Ids, targets: Ids, classes: int) -> Ids:
    """Return the number of rows by true class (first axis) and answered class."""
    return np.bincount(targets * classes + answers, minlength=classes * classes).reshape(classes, classes)


def _class_scores(matrix: Ids, names: Sequence[str] | None = None) -> list[ClassScores]:
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


def _regression(outputs: Floats, targets: Floats, names: Sequence[str], loss: float) -> RegressionEvaluation:
    each = [_errors(name, outputs[:, i : i + 1], targets[:, i : i + 1]) for i, name in enumerate(names)]
    return RegressionEvaluation(len(targets), _finite(loss), _errors("all outputs", outputs, targets), each)


def _errors(name: str, outputs: Floats, targets: Floats) -> OutputErrors:
    # what is summed and squared stays small; a power of two costs no digit
    largest = max(float(np.abs(outputs).max()), float(np.abs(targets).max()))
    unit = 2.0 ** (frexp(largest)[1] - 1) if largest > LARGE else 1.0
    outputs, targets = outputs / unit, targets / unit
    error = outputs - targets
    return OutputErrors(
        name=name,
        mae=_finite(mae(outputs, targets) * unit),
        mse=_finite(mse(outputs, targets) * unit * unit),
        rmse=_finite(rmse(outputs, targets) * unit),
        r2=_finite(r2(outputs, targets)),
        max_error=_finite(float(np.abs(error).max()) * unit),
        bias=_finite(float(error.mean()) * unit),
    )


def _finite(number: float | None) -> float | None:
    return number if number is not None and isfinite(number) else None


def _numbers(values: npt.NDArray[Any]) -> Floats:
    """Return (rows, outputs) in float64: sums of float32 would lose digits."""
    values = np.asarray(values, dtype=np.float64)
    return values.reshape(len(values), -1)
