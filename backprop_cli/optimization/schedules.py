"""Learning rates over time: PyTorch's schedules by epoch, and a warm-up by update.

A kind of schedule is one class: its settings are the fields, with PyTorch's names and defaults, and beside
them stands what it makes of the rate. Nothing here knows of networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import cos, isfinite, pi
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from ..errors import ConfigError
from ..settings import Count, NotNegative, Positive, Section, Whole

Warmup = Annotated[Whole, Meta(description="updates over which the rate rises linearly to its value")]


class ScheduleKind(Section, frozen=True):
    """What becomes of the learning rate epoch by epoch.

    Attributes:
        watches: It looks at a number that is measured, its `monitor`.
    """

    watches: ClassVar[bool] = False

    @property
    def warmup_steps(self) -> int:
        """Updates over which the rate rises to what the epoch says.

        Update k of them, counted from 1, is made with k/warmup_steps of it.
        """
        return 0

    @property
    def monitor(self) -> str | None:
        """The number that decides."""
        return None

    def remembered(self, base_rate: float) -> dict[str, Any]:
        """Return what is kept from epoch to epoch, as JSON, with its first values."""
        return {}

    def of_epoch(self, base_rate: float, epoch: int, epochs: int, kept: Mapping[str, Any]) -> float:
        """Return the rate of an epoch, without the warm-up.

        Args:
            base_rate: The optimizer's learning rate.
            epoch: From 0.
            epochs: Of the whole training.
            kept: As of `remembered`.
        """
        return base_rate

    def noted(self, kept: Mapping[str, Any], number: float, rises: bool) -> dict[str, Any]:
        """Return what is kept after an epoch.

        Args:
            kept: As of `remembered`.
            number: The monitored one.
            rises: It improves by rising; else it is to fall.
        """
        return dict(kept)


class Constant(ScheduleKind, frozen=True, tag="constant"):
    """The rate stays as it is, after a warm-up."""

    warmup_steps: Warmup = 0


class StepSchedule(ScheduleKind, frozen=True, tag="step"):
    """Times gamma every step_size epochs."""

    step_size: Annotated[Count, Meta(description="epochs between changes")]
    gamma: Annotated[Positive, Meta(description="factor")] = 0.1
    warmup_steps: Warmup = 0

    def of_epoch(self, base_rate: float, epoch: int, epochs: int, kept: Mapping[str, Any]) -> float:
        return float(base_rate * self.gamma ** (epoch // self.step_size))


class Exponential(ScheduleKind, frozen=True, tag="exponential"):
    """Times gamma every epoch."""

    gamma: Annotated[Positive, Meta(description="factor")]
    warmup_steps: Warmup = 0

    def of_epoch(self, base_rate: float, epoch: int, epochs: int, kept: Mapping[str, Any]) -> float:
        return float(base_rate * self.gamma**epoch)


class Cosine(ScheduleKind, frozen=True, tag="cosine"):
    """Half a cosine from the rate down to eta_min at the last epoch."""

    eta_min: Annotated[NotNegative, Meta(description="rate at the end")] = 0.0
    warmup_steps: Warmup = 0

    def of_epoch(self, base_rate: float, epoch: int, epochs: int, kept: Mapping[str, Any]) -> float:
        """Loshchilov and Hutter 2017, equation 5, without restarts; eta_min comes after the last epoch."""
        done = min(epoch / epochs, 1.0)
        return self.eta_min + (base_rate - self.eta_min) * (1.0 + cos(pi * done)) / 2.0


class Plateau(ScheduleKind, frozen=True, tag="plateau"):
    """Times factor when the monitored number has not improved for more than patience epochs."""

    monitor: Annotated[str | None, Meta(description="default: val_loss, or loss without validation rows")] = (
        None
    )
    factor: Annotated[float, Meta(gt=0, lt=1, description="factor")] = 0.1
    patience: Annotated[Whole, Meta(description="epochs without improvement that are borne")] = 10
    threshold: Annotated[NotNegative, Meta(description="what counts as improvement")] = 1e-4
    threshold_mode: Annotated[
        Literal["rel", "abs"], Meta(description="the threshold is a share of the best, or a difference")
    ] = "rel"
    cooldown: Annotated[Whole, Meta(description="epochs of rest after a change")] = 0
    min_lr: Annotated[NotNegative, Meta(description="the rate goes no lower")] = 0.0
    eps: Annotated[NotNegative, Meta(description="a smaller change of the rate is left out")] = 1e-8
    warmup_steps: Warmup = 0

    watches = True

    def remembered(self, base_rate: float) -> dict[str, Any]:
        return {"now": base_rate, "best": None, "bad_epochs": 0, "cooldown_left": 0}

    def of_epoch(self, base_rate: float, epoch: int, epochs: int, kept: Mapping[str, Any]) -> float:
        return float(kept["now"])

    def noted(self, kept: Mapping[str, Any], number: float, rises: bool) -> dict[str, Any]:
        """PyTorch's ``ReduceLROnPlateau``."""
        now, best, bad, rest = (kept[name] for name in ("now", "best", "bad_epochs", "cooldown_left"))
        best, bad = (number, 0) if self._improves(best, number, rises) else (best, bad + 1)
        if rest:
            rest, bad = rest - 1, 0
        if bad > self.patience:
            reduced = max(now * self.factor, self.min_lr)
            now = reduced if now - reduced > self.eps else now
            rest, bad = self.cooldown, 0
        return {"now": now, "best": best, "bad_epochs": bad, "cooldown_left": rest}

    def _improves(self, best: float | None, number: float, rises: bool) -> bool:
        if best is None or not isfinite(number):
            return isfinite(number)
        if self.threshold_mode == "abs":
            return number > best + self.threshold if rises else number < best - self.threshold
        return number > best * (1.0 + self.threshold) if rises else number < best * (1.0 - self.threshold)


Schedule = Constant | StepSchedule | Exponential | Cosine | Plateau
"""Every kind, in the order of the documents."""


class Rates:
    """The learning rates of one training: asked before every update, told of every epoch after its last.

    Args:
        base_rate: The optimizer's learning rate.
        kind: The ``schedule`` section; None is a constant rate.
        epochs: Of the whole training.
        higher_is_better: Whether a monitored number improves by rising; else it is to fall.
    """

    def __init__(
        self,
        base_rate: float,
        kind: ScheduleKind | None = None,
        epochs: int = 1,
        higher_is_better: Callable[[str], bool] = lambda monitor: False,
    ) -> None:
        self.base_rate = base_rate
        self.kind = kind or Constant()
        self.epochs = epochs
        self.rises = self.kind.monitor is not None and higher_is_better(self.kind.monitor)
        self._kept = self.kind.remembered(base_rate)

    def of_update(self, epoch: int, step: int) -> float:
        """Return the rate of the next update.

        Args:
            epoch: From 0.
            step: Updates made before, in all epochs.
        """
        rate, warmup = (
            self.kind.of_epoch(self.base_rate, epoch, self.epochs, self._kept),
            self.kind.warmup_steps,
        )
        return rate if step >= warmup else rate * (step + 1) / warmup

    def end_epoch(self, record: Mapping[str, float]) -> None:
        """Take note of what was measured in the epoch."""
        monitor = self.kind.monitor
        if monitor is None:
            return
        if monitor not in record:
            raise ConfigError(
                f"schedule.monitor: {monitor} is not measured", hint=f"there are {', '.join(record)}"
            )
        self._kept = self.kind.noted(self._kept, record[monitor], self.rises)

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint has to keep, as JSON."""
        return dict(self._kept)

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self._kept = {name: state[name] for name in self._kept}
