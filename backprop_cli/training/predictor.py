"""Predictions for blocks of raw rows, each row on its own: a wrong one spoils no other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import DataError, NoSuchNumber, UsageError, nearest
from ..language.numbers import brief
from ..networks.lowering import ROWS
from ..networks.network import LayerNetwork
from ..networks.programmed import ProgramNetwork
from ..networks.runner import BLOCK_ROWS, Runner
from ..tables import text
from ..tables.block import Block, Floats, TextBlock
from ..tables.write import free_names
from .data import Rows, encode_block
from .data.encoding import Folding, missing
from .data.formulas import Place
from .data.sequences import folded
from .data.source import Column, as_texts, read_cells
from .metrics import decided
from .model import Model


class Answers(NamedTuple):
    """What a block of rows is answered with.

    Attributes:
        columns: In the order of `Predictor.names`; None or nan where there is no answer.
        errors: Why a row has none.
    """

    columns: list[list[Any] | npt.NDArray[Any]]
    errors: list[str | None]


class Predictor:
    """Answers rows by a model.

    Args:
        model: Trained.
        probabilities: Give the probability of each class, where the model has them.
        layer: Answer with what this layer gives, instead of predictions.
    Raises:
        UsageError: when there is no such layer.
    Attributes:
        names: What each answer is called, wherever no column of the rows has that name.
    """

    def __init__(self, model: Model, probabilities: bool = True, layer: str | None = None) -> None:
        if model.runner.dtype != np.float64:
            # in float32 the last digits depend on how many rows are multiplied at once
            runner = Runner(model.runner.network, "float64", model.runner.executor)
            runner.restore(model.runner.values)
            model.runner = runner
        self.model = model
        self.encoding = model.encoding
        self.layer = layer
        if layer is not None and self.encoding.folding is not None:
            raise UsageError("--layer is of rows, and the model takes sequences")
        self.probabilities = probabilities and layer is None and has_probabilities(model)
        if layer is not None:
            width = _width_of(model, layer)
            self.names = [layer] if width == 1 else [f"{layer}_{i}" for i in range(1, width + 1)]
        elif model.classes is not None:
            self.names = ["prediction", *(f"p_{c}" for c in model.classes if self.probabilities)]
        elif len(model.outputs) == 1:
            self.names = ["prediction"]
        else:
            formulas = self.encoding.formulas
            columns = [formulas[name].column if name in formulas else name for name in model.outputs]
            self.names = [f"prediction_{name}" for name in columns]

    @property
    def _names_classes(self) -> bool:
        return self.model.classes is not None and self.layer is None

    @property
    def predictions(self) -> int:
        """How many of the answers are predictions; probabilities follow them."""
        return 1 if self._names_classes else len(self.names)

    def columns(self, taken: Sequence[str]) -> tuple[list[str], str]:
        """Return names for the answers and for the column of errors, beside the columns of the rows."""
        *names, error = free_names([*self.names, "error"], taken)
        return names, error

    def answers(self, source: Iterable[Block], strict: bool = False) -> Iterator[tuple[Block, Answers]]:
        """Yield blocks with the answers to their rows; of lines of sequences once all have been read."""
        if self.encoding.folding is None:
            for block in source:
                yield block, self.answer(block, strict)
            return
        blocks = list(source)
        numbers, faults = self._of_sequences(blocks, self.encoding.folding)
        start = 0
        for block in blocks:
            own = {row: faults[start + row] for row in range(block.rows) if start + row in faults}
            yield block, self._finished(block, numbers[start : start + block.rows], own, strict)
            start += block.rows

    def _of_sequences(
        self, blocks: Sequence[Block], folding: Folding
    ) -> tuple[Floats, dict[int, DataError | NoSuchNumber]]:
        """Answer every line of sequences: with that of its step, or of its whole sequence."""
        faults: dict[int, DataError | NoSuchNumber] = {}
        places = [(block, row) for block in blocks for row in range(block.rows)]
        names = folding.columns
        cells: dict[str, list[str]] = {name: [] for name in names}
        encoded = [np.empty((0, *self.encoding.line))]
        start = 0
        for block in blocks:
            inputs, wrong = self._encoded(block)
            encoded.append(inputs)
            faults |= {start + row: fault for row, fault in wrong.items()}
            for name, column in text.texts(block, names).items():
                cells[name] += column
            start += block.rows

        def place(line: int, name: str) -> str:
            block, row = places[line]
            return text.place(block, row, name)

        columns = {name: self._apart(name, cells[name], place) for name in names}
        for name, apart in columns.items():
            for line in np.flatnonzero(missing(apart)).tolist():
                if line not in faults:
                    faults[line] = DataError(f"no value in column '{name}'", place=place(line, name))
        by = cells[names[0]]
        spoilt = {by[line]: line for line in faults}
        good = [line for line in range(start) if line not in faults]
        which = np.array([line for line in good if by[line] not in spoilt], np.int64)
        for line in good:
            if by[line] in spoilt:
                says = f"another step of its sequence is wrong: {faults[spoilt[by[line]]].message}"
                faults[line] = DataError(says, place=places[line][0].place(places[line][1]))
        numbers = np.full((start, self._width), np.nan)
        if len(which):
            lines = np.concatenate(encoded)[np.searchsorted(good, which)]
            order = None if folding.order is None else columns[folding.order][which]
            whole = as_texts([by[line] for line in which])
            each = replace(folding, each=True)
            rows = folded(Rows(lines, which), whole, order, each, lambda k, name: place(int(which[k]), name))
            answers = self.model.predict(rows.inputs, rows.lengths)
            if not folding.each:
                answers = np.repeat(answers, rows.steps.sum(axis=1), axis=0)
            numbers[rows.targets[rows.steps]] = answers
        return numbers, faults

    def _apart(self, name: str, cells: Sequence[str], place: Place) -> Column:
        """Read a column that says which lines are a sequence, or in what order."""
        reading, gaps = self.encoding.readings.get(name), self.encoding.gaps
        if reading is not None:
            return read_cells(name, cells, reading, gaps, place)
        numbers = text.column_numbers(cells, gaps)
        return as_texts(cells, gaps) if numbers is None else numbers

    def answer(self, block: Block, strict: bool = False) -> Answers:
        """Return the answers to the rows of a block.

        Args:
            block: Of `data.open_rows`.
            strict: Raise the first row's error.
        Raises:
            DataError, NoSuchNumber: for the first row without an answer, when ``strict``.
        """
        inputs, faults = self._encoded(block)
        good = np.array([row for row in range(block.rows) if row not in faults], dtype=np.int64)
        numbers = np.full((block.rows, self._width), np.nan)
        if len(good):
            numbers[good] = self._in_units(predict(self.model, inputs, self.layer))
        return self._finished(block, numbers, faults, strict)

    def _finished(
        self, block: Block, numbers: Floats, faults: dict[int, DataError | NoSuchNumber], strict: bool
    ) -> Answers:
        """Return answers that are numbers, in the units of the columns."""
        self._undo_formulas(numbers, faults, block)
        for row in np.flatnonzero(~np.isfinite(numbers).all(axis=1)).tolist():
            if row in faults:
                continue
            faults[row] = NoSuchNumber("the prediction is too large for a number", place=block.place(row))
            numbers[row] = np.nan
        if strict and faults:
            raise faults[min(faults)]
        errors: list[str | None] = [None] * block.rows
        for row, fault in faults.items():
            errors[row] = fault.message
        return Answers(self._answers(numbers, faults), errors)

    def _in_units(self, answers: Floats) -> Floats:
        """Return the answers of an autoencoder in the units of its columns."""
        if not self.encoding.autoencoder or self.layer is not None:
            return answers
        return answers * self.encoding.scale + self.encoding.shift

    def _undo_formulas(
        self, numbers: Floats, faults: dict[int, DataError | NoSuchNumber], block: Block
    ) -> None:
        """Replace what was predicted of formulas by their columns."""
        if self.layer is not None:
            return
        for at, name in enumerate(self.model.outputs):
            formula = self.encoding.formulas.get(name)
            if formula is None:
                continue
            predicted = numbers[:, at].copy()
            numbers[:, at] = formula.undone(predicted)
            for row in np.flatnonzero(np.isfinite(predicted) & np.isnan(numbers[:, at])).tolist():
                faults[row] = NoSuchNumber(
                    f"{brief(predicted[row])} is the {name} of no {formula.column}", place=block.place(row)
                )
                numbers[row] = np.nan

    @property
    def _width(self) -> int:
        if self.layer is not None:
            return len(self.names)
        return len(self.model.outputs if self.model.classes is None else self.model.classes)

    def _answers(
        self, numbers: Floats, faults: dict[int, DataError | NoSuchNumber]
    ) -> list[list[Any] | npt.NDArray[Any]]:
        classes = self.model.classes
        if classes is None or not self._names_classes:
            return list(numbers.T)
        best = decided(np.where(np.isnan(numbers), -1.0, numbers), self.model.threshold).tolist()
        named: list[Any] = [None if row in faults else classes[i] for row, i in enumerate(best)]
        return [named, *(numbers.T if self.probabilities else ())]

    def _encoded(self, block: Block) -> tuple[Floats, dict[int, DataError | NoSuchNumber]]:
        """Encode the rows that can be; halve a block with a fault in it until the row is found."""
        try:
            if block.faults:
                raise block.faults[min(block.faults)]
            return encode_block(self.encoding, block), {}
        except DataError as error:
            if block.rows == 1:
                return np.empty((0, *self.encoding.line)), {0: error}
        half = block.rows // 2
        first, faults = self._encoded(_part(block, 0, half))
        second, more = self._encoded(_part(block, half, block.rows))
        return np.concatenate([first, second]), faults | {half + row: e for row, e in more.items()}


def predict(model: Model, inputs: Floats, layer: str | None = None) -> Floats:
    """Return predictions for encoded rows of any number, in few sizes: a plan is kept for each size.

    Args:
        model: Trained.
        inputs: Shape (rows, *shape of a row).
        layer: Return what this layer gives instead, (rows, its numbers).
    """
    if layer is not None:
        parts = [inputs[i : i + BLOCK_ROWS] for i in range(0, len(inputs), BLOCK_ROWS)]
        return np.concatenate([model.runner.layer(layer, part).reshape(len(part), -1) for part in parts])
    rows = len(inputs)
    rest = rows % BLOCK_ROWS
    missing = (1 << (rest - 1).bit_length()) - rest if rest else 0
    if missing:
        inputs = np.concatenate([inputs, np.broadcast_to(inputs[-1:], (missing, *inputs.shape[1:]))])
    predictions: Floats = model.predict(inputs)[:rows]
    return predictions


def _width_of(model: Model, layer: str) -> int:
    """Return how many numbers a layer gives for a row."""
    network = model.runner.network
    if isinstance(network, ProgramNetwork):
        lowered = network.lower(1, training=False, targets=False)
        if layer in lowered.layers:
            return prod(lowered.graph.nodes[lowered.layers[layer]].shape)
        close = nearest(layer[:80], list(lowered.layers))
        some = f"did you mean {close}?" if close else f"steps: {', '.join(list(lowered.layers)[:12])}"
        raise UsageError(f"--layer {layer}: there is no such step", hint=some)
    pieces = network.pieces if isinstance(network, LayerNetwork) else []
    for piece in pieces:
        if piece.name == layer:
            return prod(piece.after)
    names = [piece.name for piece in pieces]
    raise UsageError(
        f"--layer {layer}: there is no such layer",
        hint=f"layers: {', '.join(names)}" if names else "a formula has no layers",
    )


def has_probabilities(model: Model) -> bool:
    """Tell whether a classifier's outputs are probabilities by its making, not merely scores."""
    config = model.config
    if model.classes is None or config.model.formula is not None:
        return False
    ending = config.loss.fuses
    if ending is None and config.model.program is None:
        ending = config.model.chain(len(model.classes))[-1].function
    probability = ROWS[ending].probability if ending is not None else 0
    # several that are probabilities each by itself need not add up to 1
    return probability == 2 or (probability == 1 and model.runner.network.outputs == 1)


def _part(block: Block, start: int, stop: int) -> Block:
    assert isinstance(block, TextBlock)
    part = type(block)(
        {}, stop - start, block.first_row + start, {}, block.names,
        block.lines[start:stop], block.line_numbers[start:stop], block.path,
    )  # fmt: skip
    part.faults = {row - start: fault for row, fault in block.faults.items() if start <= row < stop}
    return part
