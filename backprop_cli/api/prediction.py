"""What a trained model makes of rows: what ``backprop predict`` answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ..engine.choice import ENGINES
from ..training.data import open_rows
from ..training.model import Model
from ..training.predictor import Answers, Predictor
from ..training.sampling import MOST, goes_on
from .arguments import choice, flag, number, optional, path, text, whole
from .shown import Told

if TYPE_CHECKING:
    from os import PathLike

    from ..render.page import Block as PageBlock
    from ..tables.block import Block

FORMATS = ("table", "csv", "tsv", "json", "value", "html")


class Predictions(Told):
    """Rows with what a model predicts for them.

    Attributes:
        columns: By name: the predictions, the probabilities of classes, and ``error``, why a row has none.
    """

    def __init__(
        self, predictor: Predictor, names: Sequence[str], found: Sequence[tuple[Block, Answers]]
    ) -> None:
        self._predictor = predictor
        self._names = names
        self._found = found
        computed, error = predictor.columns(names)
        self.columns: dict[str, list[Any]] = {name: [] for name in (*computed, error)}
        for _, answers in found:
            for name, column in zip(computed, answers.columns, strict=True):
                values = column if isinstance(column, list) else column.tolist()
                self.columns[name] += [None if x != x else x for x in values]
            self.columns[error] += answers.errors

    def __getitem__(self, name: str) -> list[Any]:
        """Return a column; None stands for a row without a prediction."""
        return self.columns[name]

    def to_text(self, format: str = "table") -> str:
        """Return the rows as the command prints them to a file.

        Args:
            format: ``table``, ``csv``, ``tsv``, ``json`` (JSON Lines), ``value`` or ``html``.
        Raises:
            UsageError: for any other format.
        """
        if choice("format", format, FORMATS) == "html":
            from ..render.writers import html

            return html.write(self._page())
        from ..render.predictions import PredictionWriter

        stream = BytesIO()
        writer = PredictionWriter(format, stream, self._predictor, self._names)
        for block, answers in self._found:
            writer.block(block, answers)
        writer.close()
        return stream.getvalue().decode()

    def _page(self) -> Iterator[PageBlock]:
        from ..language.numbers import rounded
        from ..render.page import Column, Grid

        given: dict[str, list[object]] = {name: [] for name in self._names}
        for block, _ in self._found:
            for name, column in block.cells().items():
                given[name] += column
        columns = {**given, **self.columns}
        cells = [
            [rounded(x, 6) if isinstance(x, float) else "" if x is None else str(x) for x in column]
            for column in columns.values()
        ]
        yield Grid([Column(name) for name in columns], list(zip(*cells, strict=True)))

    def to_json(self) -> str:
        """Return what the command prints with ``--format json``: JSON Lines, an object a row."""
        return self.to_text("json")

    def to_dict(self) -> dict[str, Any]:
        """Return the columns."""
        return dict(self.columns)

    def __repr__(self) -> str:
        """Return the rows as a table."""
        return self.to_text()

    def _repr_html_(self) -> str:
        return self.to_text("html")


def predict(
    model: str | PathLike[str],
    rows: str | PathLike[str],
    *,
    probabilities: bool = True,
    strict: bool = False,
    layer: str | None = None,
    engine: str = "numpy",
) -> Predictions:
    """Return a trained model's predictions for the rows of a file.

    Args:
        model: Path of the trained model.
        rows: Path of a CSV, TSV or JSON Lines file with the columns that the model learned from.
        probabilities: Give the probability of each class, too.
        strict: Stop at the first row without a prediction.
        layer: Give what this layer makes of each row (``linear1``), instead of predictions.
        engine: What computes: ``numpy``, or ``jax`` where it is installed.
    Raises:
        BackpropError: for a file that cannot be read, or lacks columns.
    """
    strict, file = flag("strict", strict), path("rows", rows)
    predictor = Predictor(
        Model.load(path("model", model), choice("engine", engine, ENGINES)),
        flag("probabilities", probabilities),
        optional(text, "layer", layer),
    )
    data = predictor.model.config.data
    with open_rows(file, predictor.encoding, data.dialect, data) as source:
        return Predictions(predictor, source.names, list(predictor.answers(source, strict)))


def sample(
    model: str | PathLike[str],
    characters: int,
    *,
    temperature: float = 1.0,
    start: str = "",
    seed: int = 0,
) -> str:
    """Return what a model that learned from a text goes on with, without what it began with.

    Args:
        model: Path of the trained model.
        characters: How many.
        temperature: What logits are divided by before one is drawn; 0 takes the likeliest.
        start: The text so far; without it a line begins.
        seed: Of what is drawn.
    Raises:
        BackpropError: for a model of something else, and for characters that its text did not have.
    """
    trained = Model.load(path("model", model))
    count, warmth = whole("characters", characters, 1, MOST), number("temperature", temperature, least=0.0)
    begun = "" if isinstance(start, str) and not start else text("start", start)
    return goes_on(trained, count, warmth, begun, whole("seed", seed, 0))
