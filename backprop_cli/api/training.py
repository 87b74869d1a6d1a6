"""Networks and formulas trained from configs: what ``backprop train`` answers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..training.checkpoint import write_atomic
from ..training.folder import CURVE, MODEL, SUMMARY
from ..training.problem import assembled
from ..training.run import Run
from .arguments import config as config_of
from .arguments import flag, names
from .shown import Shown, frame_of

if TYPE_CHECKING:
    from os import PathLike

    from ..render.document import Document


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

    def to_frame(self) -> Any:
        """Return every epoch's values as a frame of pandas', a row an epoch."""
        return frame_of(self.history)

    def to_svg(self) -> str:
        """Return the curve of the losses as SVG."""
        return curve_of(self.run)

    def _below(self) -> str:
        return f"<details><summary>losses</summary>{self.to_svg()}</details>"

    def _document(self, format_: str) -> Document:
        from ..render.training import document

        return document(self.run, self.seconds)


def curve_of(run: Run) -> str:
    """Return the curve of a run's losses as SVG."""
    from ..render.curve import svg_curve

    title = run.problem.config.name or "run"
    return svg_curve(run.history, title, best=run.training.progress.best_epoch)


def finish(run: Run, seconds: float) -> None:
    """Write the curve of a run's losses and its summary into its folder, and let go of it."""
    from ..render.training import summary
    from ..render.writers.json import write

    write_atomic(run.path(CURVE), curve_of(run).encode())
    write_atomic(run.path(SUMMARY), write(summary(run, seconds)).encode())
    run.close()


def train(
    config: str | PathLike[str] | Mapping[str, Any],
    *overrides: str,
    resume: bool = False,
    force: bool = False,
) -> Trained:
    """Train what a config describes, into a folder of its own: ``run.folder`` of what is returned.

    Args:
        config: Path of the config, or its keys as a dictionary, in which rows may be NumPy's arrays:
            ``{"data": {"inputs": X, "targets": Y}, "model": {"hidden": [8]}}``.
        overrides: ``training.epochs=20`` and the like; they win over the file.
        resume: Go on where the last run of this name stopped.
        force: Start over in the folder of an earlier run, instead of in another beside it.
    Raises:
        BackpropError: for a config, data or shapes that do not fit, and where training diverges.
    """
    resume, force = flag("resume", resume), flag("force", force)
    began = time.monotonic()
    with assembled(config_of("config", config), names("overrides", overrides), resume=resume) as problem:
        if problem.config.data.several:
            raise UsageError("data.folds asks for several runs", hint="sweep(config), or data.fold=1 for one")
        run = Run(problem, resume=resume, force=force)
        for _ in run.steps():
            pass
    seconds = time.monotonic() - began
    finish(run, seconds)
    return Trained(run, seconds)
