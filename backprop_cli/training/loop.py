"""The training loop: batches, updates, epochs. It prints nothing and writes no file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from math import isfinite, sqrt
from time import monotonic
from typing import Any, NamedTuple

import numpy as np

from ..engine.executor import Executor
from ..engine.run import evaluate
from ..engine.tensors import TensorPlan
from ..errors import NoSuchNumber, RangeError
from ..networks.formula import FormulaNetwork
from ..networks.network import NDArray, Span
from ..networks.random import stream
from ..networks.runner import Bound, MeanLoss, Runner, by_row
from ..optimization import rules, settings
from ..optimization.fit import FIRST_VALUES, scaling_hint
from ..optimization.schedules import Rates
from .mends import steadier
from .metrics import higher_is_better, shares_of
from .problem import Problem
from .sets import Set, Stream, Window

BETTER = "other first values of the parameters, or a smaller optimizer.learning_rate"

FIRST_STEP = "data.scaling: standard, smaller first weights (init), or another activation or loss"


class EpochRecord(NamedTuple):
    """What an epoch gave.

    Attributes:
        epoch: From 1.
        values: ``loss``, metrics, ``val_loss``, ``val_`` metrics, ``learning_rate``, in this order.
    """

    epoch: int
    values: dict[str, float]


class Diverged(NoSuchNumber):
    """The loss is no finite number any more."""

    code = "divergence"


class Stopped(Exception):
    """Rows were being measured, and it was to stop: what was measured so far is nothing."""


class Progress:
    """Where a run stands: all that a checkpoint has to say besides arrays."""

    def __init__(self) -> None:
        self.epoch = 0
        self.row = 0
        self.step = 0
        self.loss = 0.0
        self.batches = 0
        self.best: float | None = None
        self.best_epoch = 0
        self.waited = 0
        self.ended = ""

    def as_dict(self) -> dict[str, Any]:
        return dict(vars(self))

    def load(self, facts: Mapping[str, Any]) -> None:
        vars(self).update(facts)


class Training:
    """A run over a problem, epoch by epoch; it can stop after any update and go on later.

    Attributes:
        runner: The network with its numbers.
        progress: Where the run stands.
        best: Parameters and states of the best epoch so far.
        interrupted: Whether `run` ended because it was asked to.
        until: Its last epoch; the schedule's is that of the config.
        says: Told of what takes its time besides updates.
    """

    executor: Executor = TensorPlan
    weighted_mean = True
    """Whether weights of rows count as shares of their mean, where the loss is a mean."""
    judged = True
    """Whether the rows have answers by which a network is judged."""
    other_engine: str | None = None
    """Why another engine than the config's computes."""

    def __init__(self, problem: Problem) -> None:
        config = problem.config
        self.problem = problem
        self.runner = Runner(problem.network, config.dtype, self.executor)
        self.train = problem.train.of_type(self.runner.dtype)
        self.validation = problem.validation and problem.validation.of_type(self.runner.dtype)
        rows = len(self.train)
        size = config.training.batch_size
        self.batch = rows if size == "full" else min(size, rows)
        self.updates = -(-rows // self.batch)
        self.monitor = problem.monitor
        self.progress = Progress()
        self.best: dict[str, NDArray] = {}
        self.interrupted = False
        self.until = config.training.rounds
        self.says: Callable[[str], None] = lambda text: None
        self.last_batch: Bound | None = None
        self.first_loss: float | None = None
        self._outputs: list[NDArray] = []
        self._tally = problem.tally() if isinstance(self.train, Stream) or problem.tells_steps else None
        self._prepare()

    def _prepare(self) -> None:
        """Make update rule and schedule."""
        config = self.problem.config
        assert not isinstance(config.optimizer, settings.LevenbergMarquardt)
        rate, epochs = config.optimizer.learning_rate, config.training.rounds
        self.optimizer = rules.make(config.optimizer, epochs * self.updates)
        self.state: rules.State = self.optimizer.init(self.runner.theta)
        self.rates = Rates(rate, config.schedule, epochs, higher_is_better)

    def run(self, stop: Callable[[], bool] = lambda: False) -> Iterator[EpochRecord]:
        """Train until the epochs are over or early stopping ends it.

        Args:
            stop: Asked after every update; True ends the run there.
        Raises:
            Diverged: when the loss is not finite, naming update and node.
        """
        progress = self.progress
        self.runner.between = self._between(stop)
        while progress.epoch < self.until and not progress.ended:
            with np.errstate(all="ignore"):
                for _ in self._updates():
                    if stop():
                        self.interrupted = True
                        return
            try:
                record = self._end_epoch()
            except Stopped:
                self.interrupted = True
                return
            yield record
        if self.kept_best:
            self.runner.restore(self.best)

    def _between(self, stop: Callable[[], bool]) -> Callable[[int, int], None]:
        """Return what is called between blocks of rows that are measured."""
        return patience(stop)

    @property
    def kept_best(self) -> bool:
        """Whether a run that ends goes back to the parameters of its best epoch."""
        return self.problem.config.training.keep in ("best", "refit") and bool(self.best)

    def epochs(self, stop: Callable[[], bool]) -> Iterator[EpochRecord]:
        """Train as `run` does; where it is stopped after an epoch's last update, that epoch is ended."""
        yield from self.run(stop)
        if self.interrupted and self.progress.row == len(self.train):
            try:
                record = self._end_epoch()
            except Stopped:
                return
            yield record

    def _updates(self) -> Iterator[None]:
        """Make the updates that are left of this epoch."""
        progress, runner, problem = self.progress, self.runner, self.problem
        config = problem.config
        rows, epoch = len(self.train), progress.epoch
        masks = self._masks(epoch, progress.row)
        clip = config.training.gradient_clip
        theta, gradient, state = runner.theta, runner.gradient, self.state
        update, rate_of = self.optimizer.update, self.rates.of_update
        measured = bool(config.training.measured)
        full, mean = self.batch == rows, self.weighs_mean
        for window in self.windows(epoch, progress.row):
            train, order, before = window.rows, window.order, window.start
            while progress.row < window.stop:
                start = progress.row - before
                stop = min(start + self.batch, len(train))
                which = slice(start, stop) if order is None else order[start:stop]
                bound = runner.bound(stop - start, training=True, span=train.span(problem.network, which))
                leaves, lowered, plan = bound.leaves, bound.lowered, bound.plan
                if order is not None:
                    index = order[start:stop]
                    for name, array in train.inputs.items():
                        if name in leaves:
                            np.take(_fitting(array, leaves[name]), index, 0, leaves[name], "clip")
                    np.take(_fitting(train.targets, bound.targets), index, 0, bound.targets, "clip")
                    bound.weigh(None if train.weights is None else train.weights[index], mean=mean)
                elif progress.step == 0 or not full or self.last_batch is not bound:
                    # all rows at once need no order, and stay where they are
                    bound.feed({n: _fitting(a, leaves.get(n))[start:stop] for n, a in train.inputs.items()})
                    bound.targets[...] = _fitting(train.targets, bound.targets)[start:stop]
                    bound.weigh(None if train.weights is None else train.weights[start:stop], mean=mean)
                for name, draw in masks.items():
                    draw(leaves[name])
                plan.run()
                loss = plan.value(lowered.loss).item()
                self.last_batch = bound
                if not isfinite(loss):
                    raise self._diverged(bound, loss)
                if self.first_loss is None:
                    self.first_loss = loss * self.problem.loss_unit
                if measured:
                    outputs = by_row(plan.value(lowered.output), stop - start)
                    self._tell(outputs, train, window.picks(before + start, before + stop))
                if clip is not None:
                    factor = clip_factor(sqrt(float(gradient @ gradient)), clip)
                    if factor < 1.0:
                        np.multiply(gradient, factor, gradient)
                for name, id in lowered.updates.items():
                    runner.values[name][...] = plan.value(id)
                update(theta, gradient, state, rate_of(epoch, progress.step))
                progress.loss += loss
                progress.batches += 1
                progress.step += 1
                progress.row = before + stop
                yield

    @property
    def weighs_mean(self) -> bool:
        """Whether a batch's weights are divided by their mean."""
        return self.weighted_mean and not self.problem.network.loss.row.sums

    def windows(self, epoch: int, row: int = 0) -> Iterator[Window]:
        """Yield the rows of an epoch in their order, from the window on that a row of it is in."""
        config = self.problem.config
        shuffled = config.training.shuffle and self.batch != len(self.train)
        return self.train.windows(config.seed, epoch, self.batch, shuffled, row)

    def first_batch(self) -> Bound:
        """Return the plan of the next update with its rows and masks in place, not yet run."""
        stop = min(self.batch, len(self.train))
        window = next(self.windows(self.progress.epoch))
        which = window.picks(0, stop)
        span = window.rows.span(self.problem.network, which)
        bound = self.runner.bound(stop, training=True, span=span)
        self._put(bound, window.rows, which)
        for name, draw in self._masks(self.progress.epoch, 0).items():
            draw(bound.leaves[name])
        return bound

    def _put(self, bound: Bound, train: Set, index: NDArray) -> None:
        """Put training rows into the leaves of a plan."""
        bound.feed({n: _fitting(a, bound.leaves.get(n))[index] for n, a in train.inputs.items()})
        bound.targets[...] = _fitting(train.targets, bound.targets)[index]
        weights = None if train.weights is None else train.weights[index]
        bound.weigh(weights, mean=self.weighs_mean)

    def _masks(self, epoch: int, row: int) -> dict[str, Callable[[NDArray], None]]:
        """Return what fills each mask of dropout and each noise, from where the epoch stands."""
        seed = self.problem.config.seed
        masks: dict[str, Callable[[NDArray], None]] = {
            name: partial(draw.fill, stream(seed, draw.purpose, epoch))
            for name, draw in self.problem.network.draws.items()
        }
        for rows, span in self._made(epoch, row) if masks else ():
            bound = self.runner.bound(rows, training=True, span=span)
            for name, draw in masks.items():
                draw(bound.leaves[name])
        return masks

    def _made(self, epoch: int, row: int) -> Iterator[tuple[int, Span | None]]:
        """Yield how many rows each update of an epoch had that came before a row, and how long they were."""
        even = not isinstance(self.train, Set) or self.train.lengths is None
        for window in self.windows(epoch) if row and not even else ():
            for start in range(window.start, min(window.stop, row), self.batch):
                which = window.picks(start, min(start + self.batch, window.stop))
                yield len(which), window.rows.span(self.problem.network, which)
        for start in range(0, row if even else 0, self.batch):
            yield min(self.batch, row - start), None

    def _end_epoch(self) -> EpochRecord:
        """Measure, note the best, and let schedule and early stopping decide."""
        progress, problem = self.progress, self.problem
        self.check_parameters()
        values = {"loss": progress.loss / progress.batches * problem.loss_unit}
        values |= self._measured()
        if self.validation is not None:
            values |= {f"val_{name}": v for name, v in self.evaluate(self.validation).items()}
        values["learning_rate"] = self.rates.of_update(progress.epoch, progress.step - 1)
        record = self._record(values)
        progress.row = progress.batches = 0
        progress.loss = 0.0
        self._outputs = []
        if self._tally is not None:
            self._tally = self.problem.tally()
        self.rates.end_epoch(values)
        return record

    def _record(self, values: dict[str, float]) -> EpochRecord:
        """Count an epoch and judge it.

        Raises:
            Diverged: when one of its values is no number.
        """
        progress = self.progress
        for name, value in values.items():
            if not isfinite(value):
                raise self.diverged(f"epoch {progress.epoch + 1}", name, value)
        progress.epoch += 1
        self._judge(values[self.monitor])
        return EpochRecord(progress.epoch, values)

    def _tell(self, outputs: NDArray, train: Set, which: NDArray | None) -> None:
        """Note what some training rows were answered with, for the metrics of the epoch."""
        missing = train.targets[0].size - outputs.shape[1]  # steps that no row here has
        if missing:
            outputs = np.pad(outputs, ((0, 0), (0, missing)))
        if self._tally is None:
            self._outputs.append(outputs)
        else:
            self.problem.tell(self._tally, outputs, train, which)

    def _measured(self) -> dict[str, float]:
        """Return the metrics of the epoch that ends, of what each batch was answered with."""
        if not self.problem.config.training.measured:
            return {}
        if self._tally is not None:
            return self._tally.values()
        (window,) = self.windows(self.progress.epoch)
        train, order = window.rows, window.order
        counts = train.counts if train.counts is None or order is None else train.counts[order]
        answers = train.answers if order is None else train.answers[order]
        return self.problem.measure(np.concatenate(self._outputs), answers, counts=counts)

    def evaluate(self, rows: Set | Stream) -> dict[str, float]:
        """Return the loss (without penalties) and the metrics of a set."""
        if isinstance(rows, Stream) or self.problem.tells_steps:
            return self._evaluate(rows)
        outcome = self.runner.predict(
            rows.encoded, rows.targets, weights=rows.weights, raw=True, lengths=rows.lengths
        )
        assert outcome.loss is not None
        return {"loss": outcome.loss * self.problem.loss_unit} | self.problem.measure(
            outcome.predictions, rows.answers, counts=rows.counts
        )

    def _evaluate(self, rows: Set | Stream) -> dict[str, float]:
        """Evaluate rows some at a time."""
        tally, loss = self.problem.tally(), MeanLoss(summed=self.problem.network.loss.row.sums)
        for piece in rows.pieces():
            outcome = self.runner.predict(
                piece.encoded, piece.targets, weights=piece.weights, raw=True, lengths=piece.lengths
            )
            assert outcome.loss is not None
            loss.add(outcome.loss, len(piece), piece.weights)
            self.problem.tell(tally, outcome.predictions, piece)
        return {"loss": loss.value * self.problem.loss_unit} | tally.values()

    def results(self, final: Training) -> dict[str, dict[str, float]]:
        """Return loss and metrics of each set at the end.

        Args:
            final: The training whose parameters the model has; it is this one, or that anew on all rows.
        """
        sets = (
            ("training", final, final.train),
            ("validation", self, self.validation),
            ("test", final, self.problem.test),
        )
        return {
            name: trained.evaluate(rows.of_type(trained.runner.dtype))
            for name, trained, rows in sets
            if rows is not None
        }

    def explained(self) -> float | None:
        """Return how much better the training rows are answered than by a constant: 0 is no better.

        R2 of numbers; of classes the accuracy less the share of the most frequent one. None where a constant
        is right in every row.
        """
        train = self.train.sample
        targets, weights = self.problem.train.sample.answers, train.weights
        if (targets == targets.flat[0] if targets.dtype.kind == "i" else targets == targets[0]).all():
            return None
        outputs = self.runner.predict(
            train.encoded, train.targets, raw=True, lengths=train.lengths
        ).predictions
        name = "r2" if self.problem.task == "regression" else "accuracy"
        (share,) = self.problem.measure(outputs, targets, [name], counts=weights).values()
        return share if name == "r2" else share - _most(targets, weights)

    def _judge(self, number: float) -> None:
        """Compare the monitored number with the best so far."""
        progress, settings = self.progress, self.problem.config.training.early_stopping
        least = settings.min_delta if settings else 0.0
        sign = -1.0 if higher_is_better(self.monitor) else 1.0
        if progress.best is None or sign * number < sign * progress.best - least:
            progress.best, progress.best_epoch, progress.waited = number, progress.epoch, 0
            self.best = self.runner.snapshot()
            return
        progress.waited += 1
        if settings and progress.waited >= max(1, settings.patience):
            progress.ended = f"{self.monitor} has not improved for {progress.waited} epochs"

    def diverged(self, when: str, name: str, value: float) -> Diverged:
        """Say where a number is none."""
        what = "is no number" if value != value else "overflows"
        hint = BETTER if self.problem.config.model.formula else steadier(self.problem)
        return Diverged(f"{when}: {name} {what}: the training has diverged", hint=hint)

    def _diverged(self, bound: Bound, loss: float) -> Diverged:
        """Say at which update and node the numbers end."""
        progress = self.progress
        culprit = self.runner.unsound(bound)
        name = culprit[0] if culprit else "loss"
        when = f"update {progress.step + 1} (epoch {progress.epoch + 1})"
        fault = self._fault(bound) if culprit else None
        error = self.diverged(when, name, loss)
        if fault is not None:
            error = Diverged(f"{when}: {fault.message}: the training has diverged", hint=error.hint)
        if progress.step == 0:  # no learning rate is to blame
            error.hint = FIRST_STEP
            if isinstance(self.problem.network, FormulaNetwork):
                outside = fault is not None and not isinstance(fault, RangeError)
                error.hint = FIRST_VALUES if outside else scaling_hint(self.train.sample.inputs)
            if self.runner.dtype.itemsize < 8:
                error.hint = f"dtype: float64, {error.hint}"
        return error

    def _fault(self, bound: Bound) -> NoSuchNumber | None:
        """Return why a formula has no value, as `eval` says it; None where it has one in every row."""
        network = self.problem.network
        if not isinstance(network, FormulaNetwork):
            return None
        graph, leaves = network.graph(), bound.leaves
        for row in range(len(bound.targets)):
            inputs = {
                name: float(leaves[name][row] if leaves[name].ndim else leaves[name]) for name in graph.inputs
            }
            try:
                evaluate(graph, inputs)
            except NoSuchNumber as error:
                return error
        return None

    def check_parameters(self) -> None:
        """Refuse parameters that are no numbers: the last update's slope may have been none."""
        with np.errstate(all="ignore"):
            if isfinite(self.runner.theta.sum()) or np.isfinite(self.runner.theta).all():
                return
        when = f"update {self.progress.step} (epoch {self.progress.epoch + 1})"
        for name in self.runner.gradients:
            faults = self.runner.values[name][~np.isfinite(self.runner.values[name])]
            if faults.size:
                raise self.diverged(when, name, float(faults[0]))

    # checkpoints

    def save(self) -> tuple[dict[str, NDArray], dict[str, Any]]:
        """Return everything that `load` needs to go on to the bit."""
        arrays = {f"network/{n}": a for n, a in self.runner.values.items()}
        arrays |= {f"optimizer/{n}": a for n, a in self.state.items()}
        arrays |= {f"best/{n}": a for n, a in self.best.items()}
        if self._outputs:
            arrays["progress/outputs"] = np.concatenate(self._outputs)
        if self._tally is not None:
            arrays |= {f"tally/{n}": a for n, a in self._tally.arrays.items()}
        facts = {
            "progress": self.progress.as_dict(),
            "schedule": self.rates.state(),
            "first_loss": self.first_loss,
        }
        return arrays, facts

    def load(
        self, arrays: Mapping[str, NDArray], facts: Mapping[str, Any], new: Collection[str] = ()
    ) -> None:
        """Go on from a checkpoint of the same problem, but for ``new`` keys of the config."""
        self.runner.restore(_part(arrays, "network"))
        for name, array in _part(arrays, "optimizer").items():
            self.state[name][...] = array
        self.best = dict(_part(arrays, "best"))
        self._outputs = list(_part(arrays, "progress").values())
        if self._tally is not None:
            for name, array in _part(arrays, "tally").items():
                self._tally.arrays[name][...] = array
        self.progress.load(facts["progress"])
        if new:
            self.progress.ended = ""  # what ended it may not hold any more
            self.progress.waited = 0
        if any(key.startswith("data") for key in new):
            # what was best on other rows is no measure of these
            self.best = {}
            self.progress.best, self.progress.best_epoch = None, 0
        if not any(key.startswith(("schedule", "optimizer.learning_rate")) for key in new):
            self.rates.load(facts["schedule"])
        self.first_loss = facts["first_loss"]


PATIENCE = 0.25
"""Seconds that measuring rows may go on for after it was to stop: little of it is done, not thrown away."""


def patience(stop: Callable[[], bool]) -> Callable[[int, int], None]:
    """Return what is called between blocks of rows, and raises `Stopped` some time after it is to stop."""
    since: list[float] = []

    def between(rows: int, every: int) -> None:
        if rows < every and stop():
            since.append(monotonic())
            if since[-1] - since[0] > PATIENCE:
                raise Stopped

    return between


def clip_factor(norm: Any, limit: float, least: Callable[..., Any] = min) -> Any:
    """Return what a gradient of this norm is multiplied by, as PyTorch's ``clip_grad_norm_`` has it."""
    return least(1.0, limit / (norm + 1e-6))


def _most(classes: NDArray, weights: NDArray | None) -> float:
    """Return the share of the most frequent class of rows, or of their steps."""
    return float(shares_of(classes.ravel(), None if weights is None else weights.ravel()).max())


def _fitting(rows: NDArray, place: NDArray | None) -> NDArray:
    """Return rows as a plan has place for them: the first steps of sequences that are padded to more."""
    return rows if place is None or place.shape[1:] == rows.shape[1:] else rows[:, : place.shape[1]]


def _part(arrays: Mapping[str, NDArray], part: str) -> dict[str, NDArray]:
    return {name.removeprefix(f"{part}/"): a for name, a in arrays.items() if name.startswith(f"{part}/")}
