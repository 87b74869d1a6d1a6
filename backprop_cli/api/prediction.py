"""What a trained model makes of rows: what ``backprop predict`` answers."""

from __future__ import annotations

from typing import Any

from ..training.data import open_rows
from ..training.model import Model
from ..training.predictor import Predictor
from .arguments import flag, path


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
    probabilities, rows = flag("probabilities", probabilities), path("rows", rows)
    predictor = Predictor(Model.load(path("model", model)), probabilities)
    with open_rows(rows, predictor.encoding) as source:
        names, error = predictor.columns(source.names)
        found: dict[str, list[Any]] = {name: [] for name in (*names, error)}
        for block in source:
            answers = predictor.answer(block)
            for name, column in zip((*names, error), (*answers.columns, answers.errors), strict=True):
                found[name] += column if isinstance(column, list) else column.tolist()
    return found
