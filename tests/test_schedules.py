"""Learning rates by epoch (PyTorch 2.13's numbers) and the warm-up by update."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from backprop_cli.errors import ConfigError
from backprop_cli.optimization.schedules import Rates, Schedule
from backprop_cli.training.metrics import higher_is_better

# what torch.optim.lr_scheduler leaves in param_groups[0]["lr"], rate .1
STEP = [0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025]
EXPONENTIAL = [0.1, 0.09, 0.081, 0.0729, 0.06561, 0.059049]
COSINE = [0.1, 0.09397114317029975, 0.0775, 0.055, 0.0325, 0.01602885682970026]

LOSSES = [1, 0.9, 0.9, 0.89999, 0.95, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8]
ON_LOSSES = [0.1] * 4 + [0.05] * 4 + [0.03] * 8
ACCURACIES = [0.5, 0.6, 0.6, 0.6, 0.55, 0.62, 0.64, 0.64, 0.64, 0.64, 0.64]
ON_ACCURACIES = [0.1] * 5 + [0.01] * 3 + [0.001] * 3


def schedule_of(section: dict[str, Any] | None, epochs: int = 10, monitor: str = "loss") -> Any:
    if section and section["type"] == "plateau":
        section = {"monitor": monitor} | section
    given = msgspec.convert(section, Schedule) if section else None
    return Rates(0.1, given, epochs, higher_is_better)


@pytest.mark.parametrize(
    ("section", "rates"),
    [
        (None, [0.1, 0.1, 0.1]),
        ({"type": "constant"}, [0.1, 0.1, 0.1]),
        ({"type": "step", "step_size": 3, "gamma": 0.5}, STEP),
        ({"type": "exponential", "gamma": 0.9}, EXPONENTIAL),
        ({"type": "cosine", "eta_min": 0.01}, COSINE),
    ],
)
def test_by_epoch(section: dict[str, Any] | None, rates: list[float]) -> None:
    schedule = schedule_of(section, epochs=len(rates))
    assert [schedule.of_update(epoch, 7 * epoch) for epoch in range(len(rates))] == pytest.approx(
        rates, rel=1e-12
    )


@pytest.mark.parametrize(
    ("section", "monitor", "numbers", "rates"),
    [
        ({"factor": 0.5, "patience": 1, "cooldown": 2, "min_lr": 0.03}, "loss", LOSSES, ON_LOSSES),
        (
            {"patience": 2, "threshold": 0.05, "threshold_mode": "abs", "monitor": "val_accuracy"},
            "val_accuracy",
            ACCURACIES,
            ON_ACCURACIES,
        ),
        # a loss that is no number never improves; a first one above PyTorch's infinity does not matter
        ({"patience": 0}, "loss", [float("nan"), 1.0, 1.0], [0.1, 0.01, 0.01]),
        # changes below eps are not made
        ({"patience": 0, "factor": 0.5, "min_lr": 0.1 - 1e-9}, "loss", [1.0, 1.0, 1.0], [0.1, 0.1, 0.1]),
    ],
)
def test_plateau(section: dict[str, Any], monitor: str, numbers: list[float], rates: list[float]) -> None:
    schedule = schedule_of({"type": "plateau"} | section)
    seen = []
    for epoch, number in enumerate(numbers):
        seen.append(schedule.of_update(epoch, epoch))
        schedule.end_epoch({monitor: number, "other": 0.0})
        # a resumed run goes on from JSON
        state = json.loads(json.dumps(schedule.state(), allow_nan=False))
        schedule = schedule_of({"type": "plateau"} | section)
        schedule.load(state)
    assert seen == pytest.approx(rates, rel=1e-12)


def test_plateau_says_what_is_measured() -> None:
    schedule = schedule_of({"type": "plateau"}, monitor="val_loss")
    with pytest.raises(ConfigError, match=r"schedule\.monitor: val_loss is not measured") as caught:
        schedule.end_epoch({"loss": 1.0, "accuracy": 0.5})
    assert caught.value.hint == "there are loss, accuracy"


def test_warm_up_is_linear_and_multiplies_the_epochs_rate() -> None:
    schedule = schedule_of({"type": "exponential", "gamma": 0.5, "warmup_steps": 4})
    # two updates an epoch
    rates = [schedule.of_update(step // 2, step) for step in range(6)]
    assert rates == pytest.approx([0.025, 0.05, 0.0375, 0.05, 0.025, 0.025], rel=1e-12)
