"""What a run as a whole shows, and what would mend it: facts of config and data, and of every epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import exp, inf, isfinite, tanh
from statistics import fmean
from typing import NamedTuple

import numpy as np

from ..errors import counted
from ..language.numbers import brief
from ..networks.losses import Loss
from ..networks.network import LayerNetwork, NDArray
from ..ops import PRIMITIVES
from ..ops.namespaces import arrays
from .loop import Training
from .mends import either, unscaled
from .metrics import best_threshold, f1, poisson_deviance, shares_of, two_columns
from .problem import Problem
from .sets import Set, Stream

FEW_UPDATES = 1000
"""So few updates of a run that goes badly are too few."""

TOLD_EPOCHS = 10
"""Of fewer epochs nothing is said: whoever asks for them knows."""
WINDOW = 10
"""A run is judged by its last epochs: one in so many, two at least."""
STILL_FALLS = 0.05
"""Of the loss, from one window to the next."""
LEFT = 0.2
"""A loss below this share of its first is small, falling or not."""
RISEN = 1.1
"""Times the least validation loss: above it the last epochs overfit."""
RELEVANT = 0.1
"""Of the first validation loss: a rise below it is none."""

OWN = 0.1
"""Training rows that are answered so much better than those held out have been learned long enough."""

SURE = 0.01
"""A probability this near to 0 or 1 is as good as certain."""

RARE = 2
"""Rows of a class that can hardly be learned ..."""
USUAL = 10
"""... where the others have so many on the average."""

ENOUGH = 10
"""Fewer rows of a class tell no threshold."""
BETTER_BY = 0.02
"""Of F1: a smaller gain on the validation rows may be luck."""

UNREACHABLE = 0.01
"""Share of the targets' variance that an output activation may leave for good."""


class Finding(NamedTuple):
    """Something that was seen: its kind, where, the whole sentence, and what mends it."""

    kind: str
    where: str
    says: str
    hint: str


# --- what is likely to blame ----------------------------------------------------------------------


def _updates(training: Training) -> tuple[str, list[str]]:
    """Say that a run had few updates, and how it gets more; nothing where it had many."""
    rows, epochs = len(training.train), training.progress.epoch
    if training.progress.step >= FEW_UPDATES:
        return "", []
    each = "one update" if training.updates == 1 else f"{training.updates} updates"
    size = training.problem.config.training.batch_size
    batch = "all rows at once" if size == "full" else f"batches of {size}"
    smaller = max(1, training.batch // 8)
    ways = [f"training.batch_size: {smaller}"] if smaller < training.batch and rows > 1 else []
    return (
        f"{counted(rows, 'row')} in {batch} make {each} an epoch, {training.progress.step:,} in all",
        [*ways, f"training.epochs: {_more(epochs)}"],
    )


def _more(epochs: int) -> int:
    """Return a few times as many epochs, in a round number."""
    return max(20, 3 * epochs) if epochs < 100 else 10 * round(0.3 * epochs)


# --- before the first update ----------------------------------------------------------------------


def of_config(problem: Problem) -> Iterator[Finding]:
    """Yield what can be seen before a run: outputs that cannot reach, classes with hardly a row."""
    if isinstance(problem.network, LayerNetwork):
        yield from _last_activation(problem, problem.network)
    rows = problem.world is None and not problem.encoding.answers_steps
    if problem.classes and problem.task == "classification" and rows:
        counts = problem.train.of_classes(len(problem.classes))
        rare = np.flatnonzero((counts > 0) & (counts <= RARE)).tolist()
        if rare and len(problem.train) >= USUAL * len(problem.classes):
            first = rare[0]
            more = f", and {len(rare) - 1} more classes as few" if len(rare) > 1 else ""
            yield Finding(
                "rare",
                "data",
                f"the class '{problem.classes[first]}' has {counted(int(counts[first]), 'row')} of"
                f" {len(problem.train):,} to learn from{more}: it can hardly be learned",
                "more rows of it, or a table without it",
            )


def _last_activation(problem: Problem, network: LayerNetwork) -> Iterator[Finding]:
    last = network.pieces[-1]
    low, high = _range(last.function)
    if last.function is None or (low, high) == (-inf, inf):
        return
    loss = problem.config.loss
    mend = f"no activation at the end of {last.name}"
    if loss.fuses is not None and not loss.probable:
        return
    if loss.fuses is not None:
        if loss.row.classes:
            most = 1.0 / (1.0 + (len(problem.classes or ()) - 1) * exp(low - high))
            least = 0.0
        else:
            most, least = 0.5 + 0.5 * tanh(0.5 * high), 0.5 + 0.5 * tanh(0.5 * low)
        cut = last.function == "relu"  # one class may be far above the others all the same
        if most < 1.0 - SURE or least > SURE or cut:
            what = (
                f"it is never above {brief(most, 2)}" if most < 1.0 - SURE
                else f"it is never below {brief(least, 2)}" if least > SURE
                else "below 0 nothing is learned"
            )  # fmt: skip
            yield Finding(
                "logits",
                last.name,
                f"the loss makes a probability of each output by {loss.fuses}, but the network ends in"
                f" {last.function}: {what}",
                mend,
            )
        return
    if problem.task != "regression" or not (loss.row.degree or loss.type == "quantile"):
        return
    targets = problem.train.sample.targets
    with np.errstate(over="ignore", invalid="ignore"):
        missed = np.square(targets - np.clip(targets, low, high)).mean(axis=0)
        spread = targets.var(axis=0)
    beyond = np.flatnonzero(missed > UNREACHABLE * np.where(spread > 0.0, spread, 1.0))
    if not len(beyond):
        return
    at = int(beyond[0])
    column = targets[:, at]
    outside = int(((column < low) | (column > high)).sum())
    reach = (
        f"{brief(low, 3)} to {brief(high, 3)}" if isfinite(low) and isfinite(high)
        else f"{brief(low, 3)} and more" if isfinite(low)
        else f"{brief(high, 3)} and less"
    )  # fmt: skip
    targets_named = problem.encoding.targets
    name = targets_named[at] if at < len(targets_named) else f"output {at}"
    yield Finding(
        "range",
        last.name,
        f"the network ends in {last.function}, which gives {reach}, but {outside:,} of {len(column):,}"
        f" targets '{name}' lie outside: they go from {brief(float(column.min()), 4)} to"
        f" {brief(float(column.max()), 4)}",
        mend,
    )


def _range(activation: str | None) -> tuple[float, float]:
    """Return the least and the largest number that an activation gives; infinities where it has no bound."""
    if activation is None:
        return -inf, inf
    if activation not in PRIMITIVES:
        return 0.0, 1.0  # softmax
    row = PRIMITIVES[activation]
    sizes = np.concatenate([np.linspace(0.0, 20.0, 4001), np.logspace(1.5, 6.0, 40)])
    with np.errstate(all="ignore"):
        values = row.forward(arrays(), np.concatenate([-sizes, sizes]), *row.omitted(1))
    given = values[~np.isnan(values)]
    low, high = (float(given.min()), float(given.max())) if len(given) else (-inf, inf)
    bound = 1e3  # nothing that ends does so beyond it
    return low if low > -bound else -inf, high if high < bound else inf


# --- the course of the loss -----------------------------------------------------------------------


def _of_course(
    training: Training, history: Sequence[Mapping[str, float]], answers: Mapping[str, Beside]
) -> Iterator[Finding]:
    """Yield what the epochs show at their end: a loss that still falls, a validation loss that has risen."""
    if len(history) < TOLD_EPOCHS:
        return
    validated = "val_loss" in history[-1]
    falls = _falling([values["loss"] for values in history])
    overfits = _overfitting(history) if validated and not training.kept_best else None
    if overfits is not None:
        yield overfits
        return
    if validated and falls is not None:
        falls = _falling([values["val_loss"] for values in history])
    elif "test" in answers and answers["training"].share > answers["test"].share + OWN:
        return
    if falls is None or training.progress.ended:
        return
    before, after, width = falls
    few, ways = _updates(training)
    name = "val_loss" if validated else "loss"
    yield Finding(
        "falling",
        name,
        f"the training ended too early: {name} still falls, from {brief(before, 3)} to {brief(after, 3)}"
        f" in the last {width} epochs" + (f"; {few}" if few else ""),
        either(ways or [f"training.epochs: {_more(len(history))}", "a larger optimizer.learning_rate"]),
    )


def _falling(losses: Sequence[float]) -> tuple[float, float, int] | None:
    """Return the means of the last two windows, and their width, where losses fall from one to the other."""
    width = max(2, len(losses) // WINDOW)
    last, before = losses[-width:], losses[-2 * width : -width]
    after, earlier = fmean(last), fmean(before)
    steady = after + 2.0 * float(np.std(last)) / width**0.5 < earlier and min(losses) == min(last)
    falls = earlier - after > STILL_FALLS * abs(after) and after > LEFT * losses[0]
    return (earlier, after, width) if steady and falls else None


def _overfitting(history: Sequence[Mapping[str, float]]) -> Finding | None:
    losses = [values["val_loss"] for values in history]
    width = max(2, len(losses) // WINDOW)
    best = min(range(len(losses)), key=losses.__getitem__)
    end = fmean(losses[-width:])
    risen = end > RISEN * losses[best] and end - losses[best] > RELEVANT * losses[0]
    if not risen or best >= len(losses) - width or history[-1]["loss"] >= history[best]["loss"]:
        return None
    metric = "val_accuracy"
    if metric in history[best] and fmean(v[metric] for v in history[-width:]) > history[best][metric]:
        return None  # surer of its answers, and more of them are right
    return Finding(
        "overfitting",
        "val_loss",
        f"the network overfits since epoch {best + 1}: val_loss has risen from {brief(losses[best], 3)} to"
        f" {brief(losses[-1], 3)}, while the loss of the training rows fell from"
        f" {brief(history[best]['loss'], 3)} to {brief(history[-1]['loss'], 3)}",
        "training.early_stopping: true keeps the best epoch; fewer units, regularization.l2, or more rows",
    )


# --- what came out, beside a constant -------------------------------------------------------------


class Beside(NamedTuple):
    """How a set is answered, beside the best constant answer.

    Attributes:
        share: Of what the constant leaves wrong, how much is right: 1 is all of it, below 0 it is worse.
        says: Both in words.
        rows: Which they are, in words.
    """

    share: float
    says: str
    rows: str = ""


def beside_constant(problem: Problem, rows: Set, outputs: NDArray) -> Beside | None:
    """Compare raw outputs with a constant answer.

    None where a constant is right in every row, and where the best one is not known for the loss.
    """
    answers = rows.answers
    if len(rows) < 2 or (answers == answers[0]).all():
        return None
    if problem.task == "classification":
        # with weights of rows or classes, as the loss counts them: it is what has been learned
        (right,) = problem.measure(outputs, answers, ["accuracy"], counts=rows.weights).values()
        shares = shares_of(answers, rows.weights)
        share, most = float(shares.max()), (problem.classes or [])[int(shares.argmax())]
        return Beside(
            (right - share) / (1.0 - share),
            f"accuracy is {brief(right, 3)}; always answering '{most}' has {brief(share, 3)}",
        )
    loss = problem.config.loss
    if loss.row.squares:
        (share,) = problem.measure(outputs, answers, ["r2"], counts=rows.weights).values()
        told = brief(share + 0.0, 3) if isfinite(share) else "too far below 0 for a number"
        return Beside(share, f"R2 is {told}; always answering the mean has 0")
    if loss.type == "poisson":
        mean = np.average(answers, axis=0, weights=rows.weights)
        with np.errstate(all="ignore"):
            own, least = (
                poisson_deviance(rates, answers, rows.weights)
                for rates in (
                    problem.answered(outputs).astype(np.float64),
                    np.broadcast_to(mean, answers.shape),
                )
            )
        if not (isfinite(own) and isfinite(least) and least > 0.0):
            return None
        return Beside(
            1.0 - own / least,
            f"the deviance is {brief(own, 3)}; always answering the mean has {brief(least, 3)}",
        )
    constant = _constant(loss, answers) if rows.weights is None else None
    if constant is None:
        return None
    what, numbers = constant
    own, least = _mean_loss(loss, problem.answered(outputs) - answers), _mean_loss(loss, numbers - answers)
    return Beside(
        1.0 - own / least if least > 0.0 else -inf,
        f"the {loss.type} loss is {brief(own, 3)}; always answering the {what} has {brief(least, 3)}",
    )


def _constant(loss: Loss, answers: NDArray) -> tuple[str, NDArray] | None:
    """Return the constant with the least loss, in words and for each output."""
    if loss.type == "quantile":
        assert loss.q is not None
        return f"{brief(loss.q)} quantile", np.quantile(answers, loss.q, axis=0)
    if loss.type in ("mae", "huber"):
        return "median", np.median(answers, axis=0)
    return None


def _mean_loss(loss: Loss, differences: NDArray) -> float:
    """Return the loss of outputs less targets."""
    if loss.type == "quantile":
        assert loss.q is not None
        return float(np.maximum(-loss.q * differences, (1.0 - loss.q) * differences).mean())
    distance = np.abs(differences)
    if loss.delta is not None:
        near = np.minimum(distance, loss.delta)
        return float((near * (distance - 0.5 * near)).mean())
    return float(distance.mean())


class BetterThreshold(NamedTuple):
    """A threshold with a better F1 of the second class on the validation rows.

    Attributes:
        threshold: What it is.
        f1: With it.
        now: With the threshold that there is.
    """

    threshold: float
    f1: float
    now: float


def better_threshold(training: Training) -> BetterThreshold | None:
    """Return a threshold that serves much better than the one there is; None where there is none."""
    problem, rows = training.problem, training.validation
    sequences = problem.encoding.folding is not None
    if rows is None or sequences or len(problem.classes or ()) != 2 or not problem.config.loss.probable:
        return None
    if isinstance(rows, Stream):
        if len(rows.sample) < len(rows):
            return None  # the best one for some of the rows need not be that for all
        rows = rows.sample
    if problem.encoding.shares or min(np.bincount(rows.answers, minlength=2)) < ENOUGH:
        return None
    outputs = training.runner.predict(rows.encoded, rows.targets, raw=True).predictions
    chances = problem.chances(outputs)[:, -1].astype(np.float64)
    (now,) = problem.measure(outputs, rows.answers, ["f1"], counts=rows.counts).values()
    best = best_threshold(chances, rows.answers, rows.counts)
    shown = float(f"{best.threshold:.2g}")
    if not 0.0 < shown < 1.0:
        return None
    again = f1(two_columns(chances[:, None], shown), rows.answers, rows.counts)
    return BetterThreshold(shown, again, now) if again > now + BETTER_BY else None


def of_answers(training: Training, final: Training) -> dict[str, Beside]:
    """Return how each set is answered beside a constant, of those for which there is one."""
    sets = (
        ("training", final, final.train),
        ("validation", training, training.validation),
        ("test", final, training.problem.test),
    )
    found = {}
    for part, trained, rows in sets:
        if rows is None:
            continue
        some = rows.sample.of_type(trained.runner.dtype)
        outputs = trained.runner.predict(some.encoded, some.targets, raw=True).predictions
        beside = beside_constant(training.problem, some, outputs)
        if beside is not None:
            whole = f"the {part} rows" if len(some) == len(rows) else f"{len(some):,} of the {part} rows"
            found[part] = beside._replace(rows=whole)
    return found


def of_run(
    training: Training, final: Training, history: Sequence[Mapping[str, float]], known: str | None
) -> Iterator[Finding]:
    """Yield what is wrong with a network that is trained: answers that a constant beats, else its course.

    Args:
        training: At its end.
        final: The one whose parameters the model has.
        history: Every epoch's values.
        known: What mends a fault that was seen on the way; None where none was.
    """
    answers = of_answers(training, final)
    part = next((part for part, beside in answers.items() if beside.share <= 0.0), None)
    if part is None:
        yield from _of_course(training, history, answers)
        return
    problem, beside = training.problem, answers[part]
    cause, (few, ways), far = "", _updates(training), unscaled(problem)
    if known:
        ways = [known]
    elif far:
        cause, ways = "columns far from 1 are not scaled", far
    elif part != "training":
        cause = f"what {counted(len(training.train), 'row')} taught does not hold for others"
        ways = ["more rows, fewer features or units"]
        if not training.kept_best:
            ways.append("training.early_stopping: true")
        if not problem.config.regularization.l2:
            ways.append("regularization.l2: 0.01")
    elif few:
        cause = few
    elif _falling([values["loss"] for values in history]):
        cause, ways = "the loss still falls", [f"training.epochs: {_more(len(history))}"]
    else:
        ways = [
            "another optimizer.learning_rate, ten times smaller or larger",
            "a wider model.hidden",
            "features that tell more of the target",
        ]
    worse = "worse than" if beside.share < 0.0 else "no better than"
    says = f"{beside.rows} are answered {worse} by a constant: {beside.says}"
    yield Finding("useless", f"{part} rows", f"{says}; {cause}" if cause else says, either(ways))
