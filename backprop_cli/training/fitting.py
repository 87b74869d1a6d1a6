"""A formula fitted by Levenberg-Marquardt, as a training: an epoch is an accepted step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..engine.choice import required
from ..networks.formula import FormulaNetwork
from ..networks.network import NDArray
from ..optimization.fit import Fit, FitResult
from ..optimization.schedules import Rates
from ..optimization.settings import LevenbergMarquardt
from .loop import EpochRecord, Training
from .problem import Problem
from .sets import Set

if TYPE_CHECKING:
    from ..engine.devices import Devices


class Fitting(Training):
    """See `Training`; a fit takes moments, so that it is resumed by starting over.

    Attributes:
        result: How the fit ended; None before.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.result: FitResult | None = None
        engine = problem.config.training.engine
        if engine != "numpy":
            asked = f"training.engine: {engine} is for other optimizers"
            self.other_engine = f"Levenberg-Marquardt is computed by NumPy; {asked}"

    def _prepare(self) -> None:
        """There is no update rule whose state would have to be saved."""
        self.state = {}
        self.rates = Rates(0.0)

    def run(self, stop: Callable[[], bool] = lambda: False) -> Iterator[EpochRecord]:
        """Fit until no step is better, or the epochs are over."""
        settings = self.problem.config.optimizer
        assert isinstance(settings, LevenbergMarquardt)
        fit = fit_of(self, settings, self.problem.config.training.epochs)
        starts = None
        if settings.starts > 1:
            fit, starts = fit.from_starts(self.problem.config.seed, stop)
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
        self.result = replace(fit.result(), starts=starts)
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
    assert isinstance(train, Set)
    first = {p.name: float(training.runner.values[p.name]) for p in network.parameters}
    data = training.problem.config.data
    return Fit(
        network.graph(), train.inputs, train.targets, first, settings, iterations, train.weights,
        absolute=data.sigma is not None and data.absolute_sigma,
    )  # fmt: skip


def training_of(problem: Problem, devices: Devices | None = None) -> Training:
    """Return the training that a config's optimizer and engine ask for.

    Raises:
        UsageError: where the engine is not installed.
    """
    if isinstance(problem.config.optimizer, LevenbergMarquardt):
        return Fitting(problem)
    if problem.world is not None:
        from .reinforcement import Reinforce
        from .tabular import QLearning, ValueIteration

        kinds = {"q_learning": QLearning, "value_iteration": ValueIteration}
        return kinds.get(problem.config.training.method or "", Reinforce)(problem)
    if problem.config.training.engine == "numpy":
        return Training(problem)
    required(problem.config.training.engine)
    from .scanning import Scanning

    return Scanning(problem, devices)


def refitted(training: Training, devices: Devices | None = None) -> Training | None:
    """Return the training anew on all rows that the config asks for, not yet run; None without."""
    if training.problem.config.training.keep != "refit" or not training.progress.best_epoch:
        return None
    final = training_of(training.problem.whole(), devices)
    final.until, final.says = training.progress.best_epoch, training.says
    return final


def follow(training: Training, devices: Devices, stop: Callable[[], bool]) -> bool:
    """Train along with process 0, writing nothing; return whether it came to its end."""
    for _ in training.epochs(stop):
        pass
    final = None if training.interrupted else refitted(training, devices)
    if final is not None:
        for _ in final.run(stop):
            pass
    return not (final or training).interrupted
