"""A trained model: its file, and its predictions for raw rows."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from .. import __version__
from ..engine.choice import executor, required
from ..errors import BackpropError, CheckpointError, DataError, FileError, UsageError
from ..networks.formula import columns_of, split_formula
from ..networks.network import NDArray
from ..networks.runner import Outcome, Runner
from . import checkpoint, schema
from .config import Loaded, from_resolved, resolved
from .config.yaml_source import Place
from .data.encoding import Encoding
from .data.kept import Kept
from .data.rows import Rows
from .folder import model_at
from .loop import Training
from .problem import Problem, assemble, boundary_of, by_step, network_of, targets_of, weights_of


class Origin(msgspec.Struct, frozen=True):
    """What a model learned from.

    Attributes:
        data_folder: Where the config's data paths start from, as a path from the model's folder; None where
            there are none.
        fingerprint: Of all rows.
    """

    data_folder: str | None
    fingerprint: str


class Model:
    """A network with its numbers, and how raw rows become its inputs.

    Attributes:
        config: Settled: nothing in it is ``auto`` that matters here.
        encoding: Columns to inputs.
        task: ``classification`` or ``regression``.
        classes: Names of the classes; None for numbers.
        outputs: Names of the numbers it predicts; the target columns.
        origin: What it learned from.
        threshold: Of two classes the probability above which the second is the answer; None for the likelier.
    """

    def __init__(
        self,
        config: schema.Config,
        encoding: Encoding,
        arrays: Mapping[str, NDArray],
        origin: Origin,
        engine: str = "numpy",
    ) -> None:
        self.origin = origin
        self.config = config
        self.encoding = encoding
        self.task = config.task
        self.classes = encoding.classes
        self.outputs = encoding.targets
        self.runner = Runner(network_of(config, encoding), config.dtype, executor(engine))
        self.runner.restore(arrays)
        probable = config.loss.probable
        self.boundary = 0.5 if probable else boundary_of(self.runner.network, self.classes)
        self.threshold = config.threshold

    @classmethod
    def load(cls, path: str, engine: str = "numpy") -> Model:
        """Read a model file, or that of a run by its folder.

        Args:
            path: Of the file, or the folder.
            engine: What computes its predictions, whatever it was trained by.
        Raises:
            UsageError: when the engine is not installed.
            CheckpointError: when the file is damaged or holds no model.
            FileError: when it cannot be read.
        """
        required(engine)
        path = model_at(path)
        arrays, facts = checkpoint.load(path)
        if facts.get("kind") != "model":
            raise CheckpointError(
                f"{path} holds no model but a {facts.get('kind', 'file of another program')}",
                hint="the trained model is model.safetensors in the run's folder",
            )
        try:
            config = from_resolved(facts["config"])
            if "auto" in (config.task, config.loss.type):
                raise ValueError("its config is not settled")
            encoding, origin = Encoding.from_dict(facts["encoding"]), msgspec.convert(facts, Origin)
            _check_network(config, encoding)
            model = cls(config, encoding, arrays, origin, engine)
            model.runner.network.lower(1, training=False)
        except KeyError as error:
            raise CheckpointError(f"{path} is no model of this version: {error} is missing") from None
        except BackpropError as error:
            raise CheckpointError(f"{path} is no model of this version: {error.message}") from None
        except (ValueError, TypeError, AttributeError, IndexError, msgspec.ValidationError) as error:
            raise CheckpointError(f"{path} is no model of this version: {error}") from None
        return model

    def predict(self, inputs: NDArray, lengths: NDArray | None = None) -> NDArray:
        """Return probabilities (rows, classes), or numbers (rows, outputs), for encoded rows.

        Where every step of sequences is answered, a row of what is returned is a step, in their order.

        Args:
            inputs: Shape (rows, *shape of a row).
            lengths: How many steps each row has; None where all have all.
        """
        predictions = self.runner.predict(self._cast(inputs), lengths=lengths).predictions
        if self.encoding.answers_steps:
            steps = Rows(inputs, np.empty(0), None, lengths).steps.ravel()
            predictions = predictions.reshape(-1, self.runner.network.outputs)[steps]
        if self.classes is not None and predictions.shape[1] == 1:
            return np.concatenate([2.0 * self.boundary - predictions, predictions], axis=1)
        return predictions

    def loss(self, rows: Rows) -> float:
        """Return the mean loss of encoded rows, without penalties."""
        answers = rows.targets
        targets = targets_of(answers, self.runner.network)
        ids = answers if answers.dtype.kind == "i" else answers.argmax(axis=-1)
        weights = weights_of(ids, rows.weights, self.config.loss, self.classes)
        if self.encoding.answers_steps:
            weights = by_step(rows, weights, self.config.loss)
        outcome: Outcome = self.runner.predict(
            self._cast(rows.inputs), self._cast(targets), weights=weights, lengths=rows.lengths
        )
        assert outcome.loss is not None
        return outcome.loss

    def _cast(self, array: NDArray) -> NDArray:
        with np.errstate(over="ignore"):  # what float32 cannot hold shows in the prediction
            return np.asarray(array, self.runner.dtype)


def _check_network(config: schema.Config, encoding: Encoding) -> None:
    """Hold a config and an encoding to each other.

    Raises:
        ValueError: where they do not fit.
    """
    formula = config.model.formula
    if (config.task == "classification") != (encoding.classes is not None):
        raise ValueError("its task is not what its targets are")
    if config.loss.class_weights is not None and encoding.classes is None:
        raise ValueError("its loss weighs classes, of which it has none")
    if formula is not None:
        target, expression = split_formula(formula)
        columns = columns_of(expression, config.model.first_values)
        if encoding.names != columns or encoding.targets != [target] or len(encoding.shape) != 1:
            raise ValueError("its formula reads other columns")


def problem_of(model: Model, path: str) -> Problem:
    """Return what a model was trained on, from its own config.

    Args:
        model: As loaded.
        path: Of its file, near which its data lies.
    Raises:
        DataError: when the data has changed since.
        FileError: when it is not there.
        UsageError: when it came from stdin.
    """
    data = model.config.data
    paths = [p for p in (data.path, data.validation_path, data.test_path) if p is not None]
    if "-" in paths:
        raise UsageError("the model learned from stdin, which cannot be read again")
    folder = os.path.join(os.path.dirname(model_at(path)), model.origin.data_folder or "")
    if not all(os.path.isfile(os.path.join(folder, p)) for p in paths):
        raise FileError(f"the data that the model learned from, {paths[0]}, is not here")
    # the places of keys are in a config that may be gone: the model stands for it
    # its outputs are in the units of the targets already
    data = msgspec.structs.replace(data, target_scaling="none")
    config = msgspec.structs.replace(model.config, data=data)
    kept = None if config.model.formula else Kept(model.encoding, path, data.scaling)
    problem = assemble(Loaded(config, path, folder, {}, {"": Place(path, 0, 0)}), kept)
    if problem.fingerprint != model.origin.fingerprint:
        raise DataError("the data has changed since the training")
    return problem


def versions() -> dict[str, str]:
    """Return what the bits of a run depend on besides config and data."""
    major, minor, _ = platform.python_version_tuple()
    return {"backprop": __version__, "numpy": np.__version__, "python": f"{major}.{minor}"}


def model_facts(problem: Problem, folder: str) -> dict[str, Any]:
    """Return what a model file in ``folder`` says besides its arrays."""
    data = problem.config.data
    paths = any((data.path, data.validation_path, data.test_path))
    return {
        "data_folder": os.path.relpath(problem.folder, folder).replace(os.sep, "/") if paths else None,
        "kind": "model",
        # where a run lies is no part of what it is: the same seed gives the same bytes
        "config": resolved(msgspec.structs.replace(problem.config, output=schema.Output())),
        "encoding": problem.encoding.as_dict(),
        "fingerprint": problem.fingerprint,
        "versions": versions(),
    }


def save_model(path: str, training: Training, problem: Problem | None = None) -> None:
    """Write the network as it stands, for the problem that was asked for, by default the training's."""
    problem = problem or training.problem
    values = problem.in_units(training.runner.values)
    checkpoint.save(path, values, model_facts(problem, os.path.dirname(path)))
