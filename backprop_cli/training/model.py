"""A trained model: its file, and its predictions for raw rows."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from .. import __version__
from ..errors import BackpropError, CheckpointError, DataError, FileError, UsageError
from ..networks.network import NDArray
from ..networks.runner import Outcome, Runner
from . import checkpoint, schema
from .config import Loaded, from_resolved, resolved
from .config.yaml_source import Place
from .data.encoding import Encoding
from .loop import Training
from .problem import Problem, assemble, network_of, targets_of


class Model:
    """A network with its numbers, and how raw rows become its inputs.

    Attributes:
        config: Settled: nothing in it is ``auto`` that matters here.
        encoding: Columns to inputs.
        task: ``classification`` or ``regression``.
        classes: Names of the classes; None for numbers.
        outputs: Names of the numbers it predicts; the target columns.
    """

    def __init__(self, config: schema.Config, encoding: Encoding, arrays: Mapping[str, NDArray]) -> None:
        self.config = config
        self.encoding = encoding
        self.task = config.task
        self.classes = encoding.classes
        self.outputs = encoding.targets
        self.runner = Runner(network_of(config, encoding), config.dtype)
        self.runner.restore(arrays)

    @classmethod
    def load(cls, path: str) -> Model:
        """Read a model file.

        Raises:
            CheckpointError: when the file is damaged or holds no model.
            FileError: when it cannot be read.
        """
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
            model = cls(config, Encoding.from_dict(facts["encoding"]), arrays)
            model.runner.network.lower(1, training=False)
        except KeyError as error:
            raise CheckpointError(f"{path} is no model of this version: {error} is missing") from None
        except BackpropError as error:
            raise CheckpointError(f"{path} is no model of this version: {error.message}") from None
        except (ValueError, TypeError, AttributeError, IndexError) as error:
            raise CheckpointError(f"{path} is no model of this version: {error}") from None
        return model

    def predict(self, inputs: NDArray) -> NDArray:
        """Return probabilities (rows, classes), or numbers (rows, outputs), for encoded rows."""
        predictions = self.runner.predict(np.asarray(inputs, self.runner.dtype)).predictions
        if self.classes is not None and predictions.shape[1] == 1:
            return np.concatenate([1.0 - predictions, predictions], axis=1)
        return predictions

    def loss(self, inputs: NDArray, answers: NDArray) -> float:
        """Return the mean loss of encoded rows, without penalties."""
        targets = targets_of(answers, self.runner.network.outputs).astype(self.runner.dtype)
        outcome: Outcome = self.runner.predict(np.asarray(inputs, self.runner.dtype), targets)
        assert outcome.loss is not None
        return outcome.loss


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
    _, facts = checkpoint.load(path)
    folder = os.path.join(os.path.dirname(path), facts.get("data_folder") or "")
    if not all(os.path.exists(os.path.join(folder, p)) for p in paths):
        raise FileError(f"the data that the model learned from, {paths[0]}, is not here")
    # the places of keys are in a config that may be gone: the model stands for it
    problem = assemble(Loaded(model.config, path, folder, {}, {"": Place(path, 0, 0)}))
    if problem.fingerprint != facts.get("fingerprint"):
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


def save_model(path: str, training: Training) -> None:
    """Write the network as it stands."""
    checkpoint.save(path, training.runner.values, model_facts(training.problem, os.path.dirname(path)))
