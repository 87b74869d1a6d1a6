"""How good a model is on rows whose answers are known: what ``backprop evaluate`` answers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..engine.choice import ENGINES
from ..environments.worlds import world_of
from ..errors import BackpropError, NoSuchNumber, UsageError
from ..language.numbers import brief
from ..networks.network import NDArray
from ..networks.runner import MeanLoss
from ..tables.dialect import Dialect
from ..training.acting import JUDGED_EPISODES
from ..training.acting import judged as acted
from ..training.data import Rows, read_labelled
from ..training.folder import BEST, model_at
from ..training.metrics import Evaluation, Undone
from ..training.metrics import evaluate as evaluated
from ..training.model import Model, problem_of
from ..training.predictor import has_probabilities
from .arguments import choice, number, optional, path, whole
from .shown import Shown

if TYPE_CHECKING:
    from os import PathLike

    from ..render.document import Document

GIVE = "give a file: backprop evaluate MODEL rows.csv"


class Evaluated(Shown):
    """An `Evaluation` that shows itself.

    Attributes:
        evaluation: The measures.
        model: The model's path.
        source: Where the rows came from, in words.
        loss: Name of the loss as trained.
        undone: Of each target that is a formula the errors in the column's own unit.
    """

    __slots__ = ("evaluation", "loss", "model", "source", "undone")

    def __init__(
        self, evaluation: Evaluation, model: str, source: str, loss: str, undone: Sequence[Undone] = ()
    ) -> None:
        self.undone = undone
        self.evaluation = evaluation
        self.model = model
        self.source = source
        self.loss = loss

    def document(self, digits: int = 4) -> Document:
        """Return it, ready to be written: decimals of shares, significant digits of errors."""
        from ..render.evaluation import Subject, document

        return document(
            self.evaluation, Subject(self.model, self.source, self.loss, self.undone), digits=digits
        )

    def _document(self, format_: str) -> Document:
        return self.document()


class Played(Shown):
    """What a policy brings in its environment.

    Attributes:
        results: Of ``drawn`` actions and of the likeliest, ``greedy``: mean of the ``return`` of an episode,
            its ``deviation``, ``least`` and ``most``, and the mean number of ``steps``.
        model: The model's path.
        environment: Its name.
        episodes: How many were played, each way.
    """

    __slots__ = ("environment", "episodes", "model", "results")

    def __init__(
        self, results: dict[str, dict[str, float]], model: str, environment: str, episodes: int
    ) -> None:
        self.results = results
        self.model = model
        self.environment = environment
        self.episodes = episodes

    def document(self, digits: int = 4) -> Document:
        """Return it, ready to be written with so many significant digits."""
        from ..render.evaluation import played

        return played(self.results, self.model, self.environment, self.episodes, digits=digits)

    def _document(self, format_: str) -> Document:
        return self.document()


def evaluate(
    model: str | PathLike[str],
    rows: str | PathLike[str] | None = None,
    threshold: float | None = None,
    *,
    engine: str = "numpy",
    episodes: int | None = None,
) -> Evaluated | Played:
    """Judge a trained model on rows whose answers are known; a policy, by episodes that it plays.

    Args:
        model: Path of the trained model.
        rows: Path of a CSV, TSV, JSON Lines or npz file that has the target, too; None for the rows that the
            model's own config kept from training: the test split, else the validation split.
        threshold: Of two classes the probability above which the second is the answer; None for the model's.
        engine: What computes: ``numpy``, or ``jax`` where it is installed.
        episodes: Of a model that acts in an environment: how many it plays (100).
    Raises:
        BackpropError: for files that cannot be read or lack columns, and for predictions that are no numbers.
    """
    part = optional(number, "threshold", threshold, above=0.0)
    chosen = choice("engine", engine, ENGINES)
    many = optional(whole, "episodes", episodes)
    place, file = path("model", model), optional(path, "rows", rows)
    return judged(place, file, threshold=part, engine=chosen, episodes=many)


def judged(
    place: str,
    file: str | None,
    dialect: Dialect | None = None,
    threshold: float | None = None,
    engine: str = "numpy",
    episodes: int | None = None,
) -> Evaluated | Played:
    """Judge as `evaluate` does, rows in some dialect, by default that of the training rows."""
    trained = Model.load(place, engine)
    environment = trained.config.environment
    if environment is not None:
        if file is not None or threshold is not None:
            what = "rows" if file is not None else "a threshold"
            raise UsageError(f"the model acts in {environment.name}: its returns judge it, not {what}")
        many = episodes or JUDGED_EPISODES
        results = acted(world_of(environment), trained.runner, trained.config, many)
        return Played(results, place, environment.name, many)
    if episodes is not None:
        raise UsageError("episodes are for a model that acts in an environment; this one answers rows")
    if file is None and (before := _before(trained, place)) is not None:
        trained = Model.load(before, engine)
    if threshold is not None:
        if not 0.0 < threshold < 1.0:
            raise UsageError(f"a threshold is a probability between 0 and 1, not {brief(threshold)}")
        if len(trained.classes or ()) != 2 or not has_probabilities(trained):
            raise UsageError(
                "a threshold parts two classes by their probability, which this model does not give"
            )
        trained.threshold = threshold
    if file is None:
        parts, source = held_out(trained, place)
    else:
        parts = read_labelled(file, trained.encoding, trained.config.data, dialect)
        source = "<stdin>" if file == "-" else file
    known, outputs, loss = _answered(trained, parts)
    with np.errstate(all="ignore"):
        found = evaluated(
            outputs,
            known.targets,
            "classification" if trained.classes is not None else "regression",
            trained.classes or trained.outputs,
            loss,
            probabilities=has_probabilities(trained),
            counts=known.weights,
            threshold=trained.threshold,
        )
    weights = trained.config.data.counting
    if weights is not None and known.weights is None:
        source += f", which has no column '{weights}': its rows count alike"
    undone = list(_undone(trained, outputs, known.targets))
    return Evaluated(found, place, source, trained.config.loss.type, undone)


def _before(trained: Model, place: str) -> str | None:
    """Return the model of a run as it was before it learned from the rows that it is to be judged by.

    None where it never did: then the model itself is judged.

    Raises:
        UsageError: where there is no such model.
    """
    data, file = trained.config.data, model_at(place)
    tested = data.test_split or data.test_path is not None
    if trained.config.training.keep != "refit" or tested or os.path.basename(file) == BEST:
        return None
    best = os.path.join(os.path.dirname(file), BEST)
    if not os.path.isfile(best):
        raise UsageError(
            f"the model learned from all rows in the end (training.keep: refit), and {BEST}, from before, is"
            " not beside it",
            hint=GIVE,
        )
    return best


def _undone(trained: Model, outputs: NDArray, answers: NDArray) -> Iterator[Undone]:
    """Yield the errors of targets that are formulas in the units of their columns."""
    for at, name in enumerate(trained.outputs):
        formula = trained.encoding.formulas.get(name)
        if formula is not None:
            found = formula.undone(np.asarray(outputs[:, at], np.float64))
            misses = found - formula.undone(np.asarray(answers[:, at], np.float64))
            known = misses[np.isfinite(misses)]
            if len(known):
                mae, rmse = float(np.abs(known).mean()), float(np.sqrt(np.square(known).mean()))
                yield Undone(name, formula.column, mae, rmse, len(misses) - len(known))


def _answered(trained: Model, parts: Iterable[Rows]) -> tuple[Rows, NDArray, float]:
    """Return rows that come some at a time, without their inputs; what they are answered; the loss.

    Raises:
        NoSuchNumber: for an answer that is none.
    """
    known: list[Rows] = []
    outputs: list[NDArray] = []
    loss = MeanLoss(summed=trained.config.loss.row.sums)
    rows = 0
    for part in parts:
        answers = trained.predict(part.inputs, part.lengths)
        finite = np.isfinite(answers).all(axis=1)
        if not finite.all():
            row = rows + finite.argmin() + 1
            raise NoSuchNumber(f"the prediction for row {row} is too large for a number")
        with np.errstate(all="ignore"):
            loss.add(trained.loss(part), part.total, part.weights)
        rows += part.total
        if trained.encoding.answers_steps:
            part = part._replace(targets=part.targets[part.steps], lengths=None)
        known.append(part._replace(inputs=np.empty((0, *part.inputs.shape[1:]))))  # no view: that holds them
        outputs.append(answers)
    targets, weights = ([getattr(part, name) for part in known] for name in ("targets", "weights"))
    counts = None if weights[0] is None else np.concatenate(weights)
    return Rows(known[0].inputs, np.concatenate(targets), counts), np.concatenate(outputs), loss.value


def held_out(trained: Model, model: str) -> tuple[Iterator[Rows], str]:
    """Return the rows that a model's own config keeps from training, some at a time, and which they are."""
    data = trained.config.data
    part = next(
        (
            name
            for name in ("test", "validation")
            if getattr(data, f"{name}_split")
            or getattr(data, f"{name}_path") is not None
            or (name == "validation" and data.folds is not None)
        ),
        None,
    )
    if part is None:
        raise UsageError("the model was trained on all rows: its config holds none back", hint=GIVE)
    try:
        problem = problem_of(trained, model)
    except BackpropError as error:
        error.hint = error.hint or GIVE
        raise
    rows = problem.test if part == "test" else problem.validation
    assert rows is not None
    known = (
        Rows(
            piece.encoded,
            piece.targets if trained.encoding.shares else piece.answers,
            None if piece.lengths is not None else piece.counts,
            piece.lengths,
        )
        for piece in rows.pieces()
    )
    source = getattr(data, f"{part}_path")
    if source is not None:
        return known, source
    whole = data.path or (f"the built-in {data.dataset}" if data.dataset else "the rows in the config")
    lent = part == "validation" and trained.config.training.keep == "refit"
    before = ", by the model from before it learned from them, too" if lent else ""
    return known, f"the {part} split of {whole}{before}"
