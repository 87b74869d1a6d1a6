"""Learning rates over time: PyTorch's schedules by epoch, and a warm-up by update.

A `Schedule` is asked for the rate before every update and told the epoch's record after its last. It knows
nothing of networks, and its state is plain JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import cos, isfinite, pi
from typing import Any

from ..errors import ConfigError
from . import settings


class Schedule:
    """A rate that stays; the others say what becomes of it epoch by epoch.

    Args:
        base_rate: The optimizer's learning rate.
        warmup_steps: Updates over which the rate rises to what the epoch says: update k of them,
            counted from 1, is made with k/warmup_steps of it.
    """

    def __init__(self, base_rate: float, warmup_steps: int = 0) -> None:
        self.base_rate = base_rate
        self.warmup_steps = warmup_steps

    def rate(self, epoch: int, step: int) -> float:
        """Return the rate of the next update.

        Args:
            epoch: From 0.
            step: Updates made before, in all epochs.
        """
        rate = self.of_epoch(epoch)
        return rate if step >= self.warmup_steps else rate * (step + 1) / self.warmup_steps

    def of_epoch(self, epoch: int) -> float:
        """Return the rate of an epoch, without the warm-up."""
        return self.base_rate

    def end_epoch(self, record: Mapping[str, float]) -> None:
        """Take note of what was measured in the epoch."""

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint has to keep, as JSON."""
        return {}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint's state."""


class Decay(Schedule):
    """``step`` and ``exponential``: times gamma every ``step_size`` epochs."""

    def __init__(self, base_rate: float, warmup_steps: int, gamma: float, step_size: int = 1) -> None:
        super().__init__(base_rate, warmup_steps)
        self.gamma = gamma
        self.step_size = step_size

    def of_epoch(self, epoch: int) -> float:
        return float(self.base_rate * self.gamma ** (epoch // self.step_size))


class Cosine(Schedule):
    """Half a cosine from the rate to ``eta_min``, which it would reach after the last epoch.

    Source:
        Loshchilov and Hutter 2017, equation 5, without restarts.
    """

    def __init__(self, base_rate: float, warmup_steps: int, eta_min: float, epochs: int) -> None:
        super().__init__(base_rate, warmup_steps)
        self.eta_min = eta_min
        self.epochs = epochs

    def of_epoch(self, epoch: int) -> float:
        done = min(epoch / self.epochs, 1.0)
        return self.eta_min + (self.base_rate - self.eta_min) * (1.0 + cos(pi * done)) / 2.0


class Plateau(Schedule):
    """Times ``factor`` when the monitored number has not improved for more than ``patience`` epochs.

    PyTorch's ``ReduceLROnPlateau``.
    """

    def __init__(self, base_rate: float, settings: settings.Plateau, monitor: str, rises: bool) -> None:
        super().__init__(base_rate, settings.warmup_steps)
        self.settings = settings
        self.monitor = monitor
        self.rises = rises
        self.now = base_rate
        self.best: float | None = None
        self.bad_epochs = 0
        self.cooldown_left = 0

    def of_epoch(self, epoch: int) -> float:
        return self.now

    def end_epoch(self, record: Mapping[str, float]) -> None:
        if self.monitor not in record:
            raise ConfigError(
                f"schedule.monitor: {self.monitor} is not measured",
                hint=f"there are {', '.join(record)}",
            )
        number = record[self.monitor]
        if self._improves(number):
            self.best = number
            self.bad_epochs = 0
        else:
            self.bad_epochs += 1
        if self.cooldown_left:
            self.cooldown_left -= 1
            self.bad_epochs = 0
        if self.bad_epochs > self.settings.patience:
            reduced = max(self.now * self.settings.factor, self.settings.min_lr)
            if self.now - reduced > self.settings.eps:
                self.now = reduced
            self.cooldown_left = self.settings.cooldown
            self.bad_epochs = 0

    def _improves(self, number: float) -> bool:
        best, threshold = self.best, self.settings.threshold
        if best is None or not isfinite(number):
            return isfinite(number)
        if self.settings.threshold_mode == "abs":
            return number > best + threshold if self.rises else number < best - threshold
        return number > best * (1.0 + threshold) if self.rises else number < best * (1.0 - threshold)

    def state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _PLATEAU_STATE}

    def load(self, state: Mapping[str, Any]) -> None:
        for name in _PLATEAU_STATE:
            setattr(self, name, state[name])


_PLATEAU_STATE = ("now", "best", "bad_epochs", "cooldown_left")


def make(
    section: settings.Schedule | None,
    base_rate: float,
    epochs: int,
    higher_is_better: Callable[[str], bool] = lambda monitor: False,
) -> Schedule:
    """Return the schedule of a ``schedule`` section.

    Args:
        section: The section; None is a constant rate.
        base_rate: The optimizer's learning rate.
        epochs: Epochs of the whole training.
        higher_is_better: Whether a monitored number improves by rising; else it is to fall.
    """
    match section:
        case settings.StepSchedule(step_size=step_size, gamma=gamma, warmup_steps=warmup):
            return Decay(base_rate, warmup, gamma, step_size)
        case settings.Exponential(gamma=gamma, warmup_steps=warmup):
            return Decay(base_rate, warmup, gamma)
        case settings.Cosine(eta_min=eta_min, warmup_steps=warmup):
            return Cosine(base_rate, warmup, eta_min, epochs)
        case settings.Plateau(monitor=monitor):
            assert monitor is not None  # loading a config settles it
            return Plateau(base_rate, section, monitor, higher_is_better(monitor))
        case settings.Constant(warmup_steps=warmup):
            return Schedule(base_rate, warmup)
    return Schedule(base_rate)
