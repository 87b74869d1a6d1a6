"""Whole trainings against PyTorch: a hundred updates in float64, equal to twelve digits.

The numbers were made by ``reference/make_torch.py``; PyTorch is not needed here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.training import config, data
from backprop_cli.training.loop import Training
from backprop_cli.training.problem import Problem

REFERENCE = json.loads((Path(__file__).parent / "reference" / "torch_training.json").read_text())


def training_of(case: dict[str, Any]) -> Training:
    sections = {
        "data": REFERENCE["data"][case["data"]],
        "model": {"layers": REFERENCE["models"][case["model"]]},
    }
    loaded = config.loads(json.dumps(sections | case["config"]), "case.yaml")
    return Training(Problem(loaded.config, data.load(loaded)))


def check(actual: Any, expected: Any) -> None:
    expected = np.asarray(expected, float)
    # a number next to 0 in an array has the accuracy of the sums it came from
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("case", REFERENCE["cases"], ids=lambda case: case["name"])
def test_a_hundred_updates_as_pytorch(case: dict[str, Any]) -> None:
    training, torch = training_of(case), case["torch"]
    losses: list[float] = []
    rates: list[float] = []

    def after_update() -> bool:
        bound, progress = training.last_batch, training.progress
        assert bound is not None
        losses.append(bound.plan.value(bound.lowered.loss).item())
        rates.append(training.rates.of_update(progress.epoch, progress.step - 1))
        return False

    records = list(training.run(after_update))

    np.testing.assert_allclose(losses, torch["losses"], rtol=1e-12)
    epoch_losses = torch.get("epoch_losses", torch["losses"])
    np.testing.assert_allclose([r.values["loss"] for r in records], epoch_losses, rtol=1e-12)
    if "rates" in torch:
        np.testing.assert_allclose(rates, torch["rates"], rtol=1e-12)
    values = training.runner.values
    names: dict[str, None] = {name.rpartition(".")[0]: None for name in values}
    for layer, expected in zip(names, torch["parameters"], strict=True):
        for part, numbers in expected.items():
            check(values[f"{layer}.{part}"], numbers)
    predicted = training.runner.predict(training.train.encoded[:4], raw=True).predictions
    check(predicted, torch["outputs"])
