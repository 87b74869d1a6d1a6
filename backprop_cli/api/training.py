"""Networks and formulas from configs: what ``backprop train``, ``trace`` and ``predict`` answer."""

from __future__ import annotations

import time
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ..training.checkpoint import write_atomic
from ..training.data import open_rows
from ..training.model import Model
from ..training.predictor import Predictor
from ..training.problem import assembled
from ..training.run import CURVE, MODEL, Run
from ..training.trace import Trace, write_out
from .shown import Shown

if TYPE_CHECKING:
    from ..render.page import Document


class Trained(Shown):
    """A run that has come to its end.

    Attributes:
        run: The run: its folder, history and results.
        seconds: How long it took.
    """

    __slots__ = ("run", "seconds")

    def __init__(self, run: Run, seconds: float) -> None:
        self.run = run
        self.seconds = seconds

    @property
    def history(self) -> list[dict[str, float]]:
        """Every epoch's values."""
        return self.run.history

    @property
    def results(self) -> dict[str, dict[str, float]]:
        """Loss and metrics of each set at the end."""
        return self.run.results

    @property
    def model(self) -> str:
        """The path of the trained model."""
        return self.run.path(MODEL)

    def _document(self, format_: str) -> Document:
        from ..render.training import document

        return document(self.run, self.seconds)


class Written(Shown, Trace):
    """A `Trace` that shows itself."""

    def _document(self, format_: str) -> Document:
        from ..render.trace import document

        return document(self)


def draw_curve(run: Run) -> None:
    """Write the curve of a run's losses into its folder."""
    from ..render.curve import svg_curve

    title = run.problem.config.name or "run"
    picture = svg_curve(run.history, title, best=run.training.progress.best_epoch)
    write_atomic(run.path(CURVE), picture.encode())


def train(config: str, *overrides: str, resume: bool = False) -> Trained:
    """Train what a config describes, into the run's folder.

    Args:
        config: Path of the config.
        overrides: ``training.epochs=20`` and the like; they win over the file.
        resume: Go on where the run in this folder stopped.
    Raises:
        BackpropError: for a config, data or shapes that do not fit, and where training diverges.
    """
    began = time.monotonic()
    with assembled(config, overrides) as problem:
        run = Run(problem, resume=resume)
        for _ in run.steps():
            pass
    draw_curve(run)
    return Trained(run, time.monotonic() - began)


def trace(
    config: str,
    *overrides: str,
    at_step: int = 1,
    row: int | None = None,
    layer: str | None = None,
    round_each: int | None = None,
) -> Written:
    """Write out one training step in full, as on paper; nothing is trained or saved.

    Args:
        config: Path of the config.
        overrides: ``optimizer.learning_rate=0.1`` and the like; they win over the file.
        at_step: Which update, from 1; those before it are made first.
        row: The one row of the batch to write out, from 1; None chooses.
        layer: One layer alone, such as ``linear1``.
        round_each: Round every result to so many decimals.
    Raises:
        BackpropError: for a config, data or shapes that do not fit, and for networks too large to write out.
    """
    with assembled(config, overrides) as problem:
        found = write_out(problem, at_step=at_step, row=row, layer=layer, decimals=round_each)
    return Written(**{field.name: getattr(found, field.name) for field in fields(found)})


def predict(model: str, rows: str, *, probabilities: bool = True) -> dict[str, list[Any]]:
    """Return a trained model's predictions for the rows of a file.

    Args:
        model: Path of the trained model.
        rows: Path of a CSV, TSV or JSON Lines file with the columns that the model learned from.
        probabilities: Give the probability of each class, too.
    Returns:
        A column by name: predictions, probabilities, and ``error``, why a row has no prediction.
    Raises:
        BackpropError: for a file that cannot be read, or lacks columns.
    """
    predictor = Predictor(Model.load(model), probabilities)
    with open_rows(rows, predictor.encoding) as source:
        names, error = predictor.columns(source.names)
        found: dict[str, list[Any]] = {name: [] for name in (*names, error)}
        for block in source:
            answers = predictor.answer(block)
            for name, column in zip((*names, error), (*answers.columns, answers.errors), strict=True):
                found[name] += column if isinstance(column, list) else column.tolist()
    return found
