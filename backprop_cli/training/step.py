"""A training step: the batch, the update that `Training` makes of it, and the numbers before and after.

The step is the one that training makes: its rows, masks, rate and rule.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, prod, sqrt
from typing import NamedTuple

import numpy as np

from ..errors import UsageError, counted
from ..explanation.paper import Paper
from ..networks.layers.places import ShapeError
from ..networks.network import LayerNetwork, NDArray
from ..networks.programmed import ProgramNetwork
from ..networks.runner import Bound, Network
from ..networks.textbook import Textbook
from ..networks.unrolled import OneLayer, Unrolled
from ..optimization import rules, settings
from .config.acting import RATES
from .fitting import training_of
from .loop import clip_factor
from .problem import Problem

PARAMETER_LIMIT = 300
"""Most parameters, and most units, of a network that is written out whole."""

LAYER_LIMIT = 3_000
"""The same for a layer that was asked for."""

UNROLLED_LIMIT = 10_000
"""Most numbers of a row in all steps of a loop, of which some are written out."""

WORK_LIMIT = 1_000_000
"""Most products of the forward pass over a batch."""


@dataclass(frozen=True)
class Step:
    """Which update it is.

    Attributes:
        name: Of the run.
        step: From 1.
        epoch: From 1.
        rows: Rows of the batch, as numbers of training rows from 1.
        of: How many training rows there are.
        learning_rate: Of this update.
        optimizer: Its name.
        loss: Its name.
        before: The loss of the batch before the update, penalties included.
        after: The same after it, of the same rows and masks; None where it is no number.
        word: What an epoch is called.
    """

    name: str
    step: int
    epoch: int
    rows: tuple[int, ...]
    of: int
    learning_rate: float
    optimizer: str
    loss: str
    before: float
    after: float | None
    word: str = "epoch"


class Clipping(NamedTuple):
    """What became of the gradient before the update; the factor is 1 where it was short enough."""

    norm: float
    limit: float
    factor: float


class Made:
    """One update made by `Training`, with everything as it was before it.

    Attributes:
        old: Parameters and states before.
        new: After.
        bound: The plan with the batch in place; run over the old values.
        state: The optimizer's state before.
    """

    def __init__(self, problem: Problem, at_step: int) -> None:
        if isinstance(problem.config.optimizer, settings.LevenbergMarquardt):
            raise ShapeError(
                "optimizer",
                "levenberg_marquardt solves for all parameters at once: it makes no gradient step",
                hint="choose another: optimizer=sgd",
            )
        method = problem.config.training.method
        if method in RATES:
            message = f"{method} learns a table: it makes no gradient step"
            raise ShapeError("training.method", message, "method: reinforce")
        self.problem = problem
        self.training = training = training_of(problem)
        progress, runner = training.progress, training.runner
        for target in (at_step - 1, at_step):
            if progress.step < target:
                self._run_to(target)
                training.check_parameters()
            if progress.step < target:
                raise UsageError(
                    f"--at-step {at_step}: the training ends after {counted(progress.step, 'update')}"
                )
            if target < at_step:
                self.old = runner.snapshot()
                self.state = {name: array.copy() for name, array in training.state.items()}
        self.new = runner.snapshot()
        assert training.last_batch is not None
        self.bound: Bound = training.last_batch
        after = self._loss()
        runner.restore(self.old)
        before = self._loss()
        self.gradients = {name: array.copy() for name, array in runner.gradients.items()}
        self.rows = self._numbers()
        config = problem.config
        self.rate = training.rates.of_update(progress.epoch, progress.step - 1)
        self.step = Step(
            config.name or "run",
            at_step,
            progress.epoch + 1,
            self.rows,
            len(training.train),
            self.rate,
            str(config.optimizer.__struct_config__.tag),
            config.loss.type,
            before,
            number(after),
            config.training.round,
        )

    def _run_to(self, step: int) -> None:
        for _ in self.training.run(lambda: self.training.progress.step >= step):
            pass

    def _loss(self) -> float:
        with np.errstate(all="ignore"):
            self.bound.plan.run()
        return float(self.bound.plan.value(self.bound.lowered.loss))

    def _numbers(self) -> tuple[int, ...]:
        training = self.training
        stop = training.progress.row
        start = stop - len(self.bound.targets)
        window = next(training.windows(training.progress.epoch, start))
        rows = window.picks(start, stop)
        return tuple(int(i) + 1 for i in (rows if window.numbers is None else window.numbers[rows]))

    @property
    def batch(self) -> dict[str, NDArray]:
        """Inputs, targets and masks."""
        return {n: a for n, a in self.bound.leaves.items() if n not in self.training.runner.values}

    def kept(self) -> Bound:
        """Return a plan that keeps every node, run."""
        return self.training.runner.kept(self.bound)

    def one_layer(self, layer: str) -> OneLayer:
        """Return a layer's inputs, and what comes back to it."""
        network = self.problem.network
        assert isinstance(network, LayerNetwork)
        kept = self.kept()
        names = [piece.name for piece in network.pieces]
        position = names.index(layer)
        source, before, part = _output_of(kept, names[:position])
        inputs = np.array(kept.plan.value(source))
        if layer == names[-1]:
            return OneLayer(layer, inputs, source, before, part, None, None)
        output, _, _ = _output_of(kept, names[: position + 1])
        return OneLayer(layer, inputs, source, before, part, output, np.array(kept.plan.cotangent(output)))

    def unrolled(self, paper: Paper, layer: str | None = None) -> Unrolled:
        """Return the step before the update number by number, all of it or one layer."""
        only = None if layer is None else self.one_layer(layer)
        network = self.problem.network.of_span(self.bound.span)
        leaves = {**self.old, **self.batch}
        return Unrolled(network, self.bound.lowered, leaves, paper, only, self.textbook)

    @property
    def textbook(self) -> Textbook | None:
        """What textbooks call the numbers, where the config asks for that."""
        network = self.problem.network
        if self.problem.config.names is None or not isinstance(network, LayerNetwork):
            return None
        return Textbook(network) if all(piece.layer.dense for piece in network.pieces) else None

    @property
    def plain(self) -> bool:
        """Whether the update is old - rate*gradient."""
        optimizer = self.problem.config.optimizer
        return isinstance(optimizer, settings.FirstOrderKind) and optimizer.plain

    def clipping(self, gradients: Mapping[str, NDArray], paper: Paper) -> Clipping | None:
        """Return what becomes of gradients that are too long together; None where nothing is asked for."""
        limit = self.problem.config.training.gradient_clip
        if limit is None:
            return None
        norm = paper(sqrt(sum(float(np.vdot(g, g)) for g in gradients.values())))
        return Clipping(norm, limit, paper(clip_factor(norm, limit)))

    def clipped(
        self, gradients: Mapping[str, NDArray], clipping: Clipping | None, paper: Paper
    ) -> dict[str, NDArray]:
        """Return the gradients that the optimizer is given."""
        return {n: rounded(g * clipping.factor if clipping else g, paper) for n, g in gradients.items()}

    def updated(self, gradients: Mapping[str, NDArray], paper: Paper) -> dict[str, NDArray]:
        """Return the trained parameters after a step along other gradients.

        It is the optimizer's own; on paper old - rate*gradient, where it is that, with every result rounded.
        """
        if self.plain and not paper.exact:
            found = {}
            for name, gradient in gradients.items():
                step = rounded(self.rate * gradient, paper)
                found[name] = rounded(rounded(self.old[name], paper) - step, paper)
            return found
        trained = [p for p in self.problem.network.parameters if p.trained]
        theta = np.concatenate([rounded(self.old[p.name], paper).reshape(-1) for p in trained])
        gradient = np.concatenate([np.asarray(gradients[p.name], theta.dtype).reshape(-1) for p in trained])
        rule = rules.make(self.problem.config.optimizer)
        rule.update(theta, gradient, {n: a.copy() for n, a in self.state.items()}, self.rate)
        theta = rounded(theta, paper)
        found, start = {}, 0
        for p in trained:
            found[p.name] = theta[start : start + prod(p.shape)].reshape(p.shape)
            start += prod(p.shape)
        return found


def _output_of(kept: Bound, names: Sequence[str]) -> tuple[int, str | None, str]:
    """Return the node of the output of the last of these layers, which layer gives it, and as what."""
    graph = kept.lowered.graph
    for name in reversed(names):
        for part in ("y", "z"):
            if f"{name}.{part}" in graph.named:
                return graph.named[f"{name}.{part}"], name, part
    return graph.inputs["x"], None, "x"


def number(x: float) -> float | None:
    """Return what is a number, None for what is none."""
    return x if isfinite(x) else None


def rounded(array: NDArray, paper: Paper) -> NDArray:
    """Return an array with every number rounded."""
    return array.copy() if paper.exact else np.vectorize(paper, otypes=[array.dtype])(array)


# size


def check_layer(network: Network, layer: str | None) -> None:
    """Refuse a layer that the network does not have.

    Raises:
        UsageError: with those that it has.
    """
    if layer is None:
        return
    if not isinstance(network, LayerNetwork):
        raise UsageError("--layer: a formula or a program has no layers")
    names = [piece.name for piece in network.pieces]
    if layer not in names:
        raise UsageError(f"--layer {layer}: there is no such layer", hint=f"layers: {', '.join(names)}")


def _sizes(network: LayerNetwork) -> dict[str, tuple[int, int]]:
    """Return layer -> its parameters and its units."""
    sizes = {piece.name: (0, prod(piece.after)) for piece in network.pieces}
    for p in network.parameters:
        parameters, units = sizes[p.layer]
        sizes[p.layer] = parameters + prod(p.shape), units
    return sizes


def shown_steps(network: Network, step: int | None) -> tuple[int, ...] | None:
    """Return which steps of a program's loop are written out: the one asked for, of many the ends, else None.

    Raises:
        UsageError: where there is no such step.
    """
    if not isinstance(network, ProgramNetwork) or not network.length:
        if step is not None:
            raise UsageError("--step is for a program over steps, h[t+1] = ..., and this network has none")
        return None
    length = network.length
    if step is None:
        return (0, 1, length - 1) if length > 3 and network.units > PARAMETER_LIMIT else None
    if step >= length:
        raise UsageError(f"--step {step}: the loop has the steps t = 0 to {length - 1}")
    return (step,)


def check_size(network: Network, layer: str | None, steps: Collection[int] | None = None) -> bool:
    """Return whether the network is small enough to be unrolled whole.

    Args:
        network: Layers, a formula or a program.
        layer: The one that is written out; None for all.
        steps: Of a program's loop those that are; None for all.
    Raises:
        UsageError: where the layer alone, or with none the whole, is too large.
    """
    if isinstance(network, ProgramNetwork):
        parameters, units = sum(prod(p.shape) for p in network.parameters), network.units_in(steps)
        if max(parameters, units) > PARAMETER_LIMIT or network.units > UNROLLED_LIMIT:
            numbers = f"{units:,} numbers a row" + " in these steps" * (steps is not None)
            if units <= PARAMETER_LIMIT:
                numbers = f"{network.units:,} numbers a row in all its steps"
            what = counted(parameters, "parameter") if parameters > PARAMETER_LIMIT else numbers
            raise UsageError(
                f"the program has {what}: a step is written out up to {PARAMETER_LIMIT}",
                hint="--table lists the nodes of any network",
            )
        return True
    if not isinstance(network, LayerNetwork):
        return True
    sizes = _sizes(network)
    parameters, units = (sum(size[i] for size in sizes.values()) for i in (0, 1))
    whole = max(parameters, units) <= PARAMETER_LIMIT
    if whole:
        return True
    listed = ", ".join(f"{name} ({counted(p, 'parameter')})" for name, (p, _) in sizes.items() if p)
    if layer is None:
        what = counted(parameters, "parameter") if parameters > PARAMETER_LIMIT else f"{units:,} units"
        raise UsageError(
            f"the network has {what}: a step is written out up to {PARAMETER_LIMIT}",
            hint=f"--layer NAME writes out one layer: {listed}; --table lists the nodes of any network",
        )
    if max(sizes[layer]) > LAYER_LIMIT:
        count = (
            counted(sizes[layer][0], "parameter")
            if sizes[layer][0] > LAYER_LIMIT
            else f"{sizes[layer][1]:,} units"
        )
        raise UsageError(
            f"{layer} has {count}: a layer is written out up to {LAYER_LIMIT:,}",
            hint=f"layers: {listed}; --table lists the nodes of any network",
        )
    return False


def check_work(network: Network, layer: str | None, rows: int) -> None:
    """Refuse a batch that is too large to be unrolled.

    Raises:
        UsageError: with what makes it smaller.
    """
    if isinstance(network, ProgramNetwork):
        work = rows * network.products
    elif not isinstance(network, LayerNetwork):
        work = rows * len(network.lower(1, training=True).graph)
    else:
        sizes = _sizes(network)
        work = 0
        for piece in network.pieces:
            if layer in (None, piece.name):
                places = prod(piece.after[1:])
                work += rows * (sizes[piece.name][0] * places + prod(piece.after))
    if work > WORK_LIMIT:
        raise UsageError(
            f"{rows:,} rows at once are too many to write out: {work:,} products of at most {WORK_LIMIT:,}",
            hint="training.batch_size=16 makes smaller batches; --table lists the nodes of any network",
        )


def whole_step(problem: Problem, at_step: int = 1, *, long: bool = False) -> Made:
    """Make an update of a network that is small enough to be written out whole.

    Args:
        problem: Network and data.
        at_step: Which update, from 1.
        long: A loop may have more steps than that.
    Raises:
        UsageError: for one that is not, or a step that there is not.
    """
    check_size(problem.network, None, shown_steps(problem.network, None) if long else None)
    made = Made(problem, at_step)
    check_work(problem.network, None, len(made.rows))
    return made
