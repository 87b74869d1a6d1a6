"""A formula fitted by Levenberg-Marquardt, as a training: an epoch is an accepted step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from ..networks.formula import FormulaNetwork
from ..networks.network import NDArray
from ..optimization.fit import Fit, FitResult
from ..optimization.schedules import Rates
from ..optimization.settings import LevenbergMarquardt
from .loop import EpochRecord, Training
from .problem import Problem


class Fitting(Training):
    """See `Training`; a fit takes moments, so that it is resumed by starting over.

    Attributes:
        result: How the fit ended; None before.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.result: FitResult | None = None

    def _prepare(self) -> None:
        """There is no update rule whose state would have to be saved."""
        self.state = {}
        self.rates = Rates(0.0)

    def run(self, stop: Callable[[], bool] = lambda: False) -> Iterator[EpochRecord]:
        """Fit until no step is better, or the epochs are over."""
        settings = self.problem.config.optimizer
        assert isinstance(settings, LevenbergMarquardt)
        fit = fit_of(self, settings, self.problem.config.training.epochs)
        for iteration in fit:
            if self.first_loss is None:
                self.first_loss = iteration.loss
            for name, value in iteration.parameters.items():
                self.runner.values[name][...] = value
            if iteration.iteration == 0:
                continue
            if stop():
                self.interrupted = True
                return
            self.progress.step += iteration.trials
            yield self._end_iteration(iteration.loss, iteration.damping)
        self.result = fit.result()
        self.progress.ended = self.result.reason

    def _end_iteration(self, loss: float, damping: float) -> EpochRecord:
        values = {"loss": loss}
        if self.problem.config.training.measured:
            values |= {n: v for n, v in self.evaluate(self.train).items() if n != "loss"}
        if self.validation is not None:
            values |= {f"val_{name}": v for name, v in self.evaluate(self.validation).items()}
        values["damping"] = damping
        return self._record(values)

    def load(
        self, arrays: Mapping[str, NDArray], facts: Mapping[str, Any], new: Collection[str] = ()
    ) -> None:
        """Start over: the same steps follow."""


def fit_of(training: Training, settings: LevenbergMarquardt, iterations: int) -> Fit:
    """Return a fit from where a training of a formula stands."""
    network, train = training.problem.network, training.problem.train
    assert isinstance(network, FormulaNetwork)
    first = {p.name: float(training.runner.values[p.name]) for p in network.parameters}
    return Fit(network.graph(), train.inputs, train.targets, first, settings, iterations)


def training_of(problem: Problem) -> Training:
    """Return the training that a config's optimizer asks for."""
    fitted = isinstance(problem.config.optimizer, LevenbergMarquardt)
    return Fitting(problem) if fitted else Training(problem)
