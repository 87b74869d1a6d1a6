"""A network with its numbers: parameters in one flat array, a plan for every number of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from typing import NamedTuple, Protocol

import numpy as np

from ..engine.executor import Compiled, Executor
from ..engine.tensors import TensorPlan
from ..graph import Graph
from .losses import Loss, Regularization
from .lowering import Lowered
from .network import NDArray, Parameter, Span
from .random import Draw

BLOCK_ROWS = 1024
"""Rows that are predicted at once."""

BLOCK_NUMBERS = 1 << 26
"""Numbers that a network may take for them; a wide one predicts fewer rows at once."""


class Network(Protocol):
    """What the loop needs of a network."""

    @property
    def parameters(self) -> Sequence[Parameter]: ...
    @property
    def states(self) -> Mapping[str, NDArray]: ...
    @property
    def draws(self) -> Mapping[str, Draw]: ...
    @property
    def loss(self) -> Loss: ...
    @property
    def penalties(self) -> Regularization: ...
    @property
    def outputs(self) -> int: ...
    @property
    def row_numbers(self) -> int: ...
    @property
    def weighted(self) -> bool: ...

    def lower(self, rows: int, *, training: bool, targets: bool = True) -> Lowered: ...

    def feed(self, inputs: NDArray, lengths: NDArray | None = None) -> dict[str, NDArray]: ...

    def span(self, fed: Mapping[str, NDArray]) -> Span | None: ...

    def of_span(self, span: Span | None) -> Network: ...

    def begin(self, values: Mapping[str, NDArray]) -> None: ...


class Bound(NamedTuple):
    """A plan with the arrays that change from run to run."""

    lowered: Lowered
    plan: Compiled
    leaves: dict[str, NDArray]
    span: Span | None = None

    @property
    def targets(self) -> NDArray:
        """The buffer that targets go to."""
        assert self.lowered.target is not None
        return self.leaves[self.lowered.target]

    def feed(self, inputs: Mapping[str, NDArray]) -> None:
        """Put rows in place, as `Network.feed` has them."""
        for name, array in inputs.items():
            if name in self.leaves:  # what has no part in this is none
                self.leaves[name][...] = array

    def weigh(self, weights: NDArray | None, *, mean: bool) -> None:
        """Put the weights of the rows in place.

        Args:
            weights: A number a row; None for rows that count alike.
            mean: Divide them by their mean: a mean over the rows is then a weighted mean.
        """
        if self.lowered.weights is None:
            return
        leaf = self.leaves[self.lowered.weights]
        if weights is not None and weights.ndim > 1:  # of steps, which are fewer here
            weights = weights[:, : leaf.size // len(weights)]
        if weights is None:
            leaf[...] = 1.0
            return
        leaf[...] = weights.reshape(leaf.shape)
        if mean:
            leaf /= leaf.mean()


class Outcome(NamedTuple):
    """What a network gives for many rows: predictions (rows, outputs) and the mean loss."""

    predictions: NDArray
    loss: float | None


class MeanLoss:
    """The loss of rows that come some at a time: a mean over all of them, or a sum where the loss is one.

    Args:
        summed: Whether it is a sum.
    """

    def __init__(self, *, summed: bool) -> None:
        self._summed, self._total, self._whole = summed, 0.0, 0.0

    def add(self, loss: float, rows: int, weights: NDArray | None) -> None:
        """Take in the loss of some rows, and what these count."""
        counts = float(rows) if weights is None else counted_rows(weights)
        self._total += loss if self._summed else loss * counts
        self._whole += counts

    @property
    def value(self) -> float:
        """That of all rows so far."""
        return self._total if self._summed else self._total / self._whole


class Runner:
    """Runs a network.

    Args:
        network: Layers or a formula.
        dtype: Of all numbers.
        executor: The engine.
    Attributes:
        theta: Every trained parameter, flat, in the order of `Network.parameters`.
        gradient: The gradient of the last training step, in the same order.
        values: Parameters (views of ``theta``, or frozen arrays) and states by name.
        between: Called between the blocks of many rows, how many of all are through; it may raise.
    """

    def __init__(self, network: Network, dtype: str, executor: Executor = TensorPlan) -> None:
        self.network = network
        self.executor = executor
        self.between: Callable[[int, int], None] = lambda rows, every: None
        self.dtype = np.dtype(dtype)
        size = sum(prod(p.shape) for p in network.parameters if p.trained)
        self.theta = np.zeros(size, self.dtype)
        self.gradient = np.zeros(size, self.dtype)
        self.values: dict[str, NDArray] = {}
        self.gradients: dict[str, NDArray] = {}
        start = 0
        for p in network.parameters:
            if p.trained:
                stop = start + prod(p.shape)
                self.values[p.name] = self.theta[start:stop].reshape(p.shape)
                self.gradients[p.name] = self.gradient[start:stop].reshape(p.shape)
                start = stop
            else:
                self.values[p.name] = np.empty(p.shape, self.dtype)
            with np.errstate(over="ignore"):  # what float32 cannot hold is found by the first step
                self.values[p.name][...] = p.first
        for name, first in network.states.items():
            self.values[name] = first.astype(self.dtype)
        self._bound: dict[tuple[int, bool, bool, Span | None], Bound] = {}

    def bound(
        self,
        rows: int,
        *,
        training: bool,
        targets: bool = True,
        keep: bool = False,
        span: Span | None = None,
    ) -> Bound:
        """Return the plan for so many rows, made once.

        Args:
            rows: Rows at once.
            training: With the gradient; in the mode for training.
            targets: With a loss.
            keep: Every node's value and cotangent stays readable; such a plan is made anew.
            span: Of rows that are sequences: how long they are.
        """
        key = (rows, training, targets, span)
        if not keep and key in self._bound:
            return self._bound[key]
        lowered = self.network.of_span(span).lower(rows, training=training, targets=targets)
        leaves = {
            name: self.values[name] if name in self.values else np.zeros(shape, self.dtype)
            for name, shape in lowered.shapes.items()
        }
        ids = lowered.graph.inputs
        gradients = {ids[n]: g for n, g in self.gradients.items() if n in ids} if training else {}
        kept = [n.id for n in lowered.graph.nodes] if keep else [lowered.output, lowered.prediction]
        kept += lowered.carries.values()
        for before, after in lowered.activations.values() if not training else ():
            kept += [before, after]
        plan = self.executor(
            lowered.graph, {ids[n]: a for n, a in leaves.items()}, gradients, kept, self.dtype
        )
        made = Bound(lowered, plan, leaves, span)
        if not keep:
            self._bound[key] = made
        return made

    def forget(self, most: int) -> None:
        """Let go of the oldest plans for training where there are more of them than so many."""
        old = [key for key in self._bound if key[1]]
        for key in old[: max(0, len(old) - most)]:
            del self._bound[key]

    def blocks(
        self, inputs: Mapping[str, NDArray], targets: NDArray | None, weights: NDArray | None = None
    ) -> Iterator[tuple[Bound, int, int]]:
        """Run rows through the predicting graph, block after block."""
        rows = len(next(iter(inputs.values()), targets if targets is not None else ()))
        size = BLOCK_ROWS
        while size > 1 and size * self.network.row_numbers > BLOCK_NUMBERS:
            size //= 2
        for start in range(0, rows, size):
            stop = min(start + size, rows)
            bound = self.bound(
                stop - start, training=False, targets=targets is not None, span=self.network.span(inputs)
            )
            bound.feed({name: array[start:stop] for name, array in inputs.items()})
            if targets is not None:
                bound.targets[...] = targets[start:stop].reshape(bound.targets.shape)
                bound.weigh(None if weights is None else weights[start:stop], mean=False)
            with np.errstate(all="ignore"):
                bound.plan.run()
            yield bound, start, stop
            self.between(stop, rows)

    def predict(
        self,
        inputs: NDArray,
        targets: NDArray | None = None,
        *,
        weights: NDArray | None = None,
        raw: bool = False,
        lengths: NDArray | None = None,
    ) -> Outcome:
        """Return predictions for encoded rows, and their loss where there are targets.

        Args:
            inputs: Shape (rows, *shape of a row).
            targets: Shape (rows, outputs), one-hot for classes.
            weights: Of the rows in a loss that is a mean, or of their steps; None where all count alike.
            raw: What the last layer gives, logits instead of probabilities.
            lengths: How many steps each row has; None where all have all.
        """
        predictions: list[NDArray] = []
        total = 0.0
        summed = self.network.loss.row.sums
        for bound, start, stop in self.blocks(self.network.feed(inputs, lengths), targets, weights):
            lowered, rows = bound.lowered, stop - start
            output = bound.plan.value(lowered.output if raw else lowered.prediction)
            predictions.append(by_row(output, rows))
            if lowered.data_loss is not None:
                total += float(bound.plan.value(lowered.data_loss)) * (1 if summed else rows)
        if not predictions:
            return Outcome(np.empty((0, 1), self.dtype), None)
        every = np.concatenate(predictions)
        whole = 1.0 if summed else len(every) if weights is None else counted_rows(weights)
        return Outcome(every, None if targets is None else total / whole)

    def go_on(
        self, inputs: NDArray, carried: Mapping[str, NDArray] | None = None
    ) -> tuple[NDArray, dict[str, NDArray]]:
        """Return what sequences give at each step, and what they carry on from their ends.

        Args:
            inputs: Shape (rows, steps, *shape of a step).
            carried: What they go on from, as this returned it; None for their beginning.
        Returns:
            Raw outputs (rows, steps, outputs), and what goes into the next call.
        """
        span = Span(inputs.shape[1], carried=bool(carried))
        bound = self.bound(len(inputs), training=False, targets=False, span=span)
        bound.feed({**self.network.feed(inputs), **(carried or {})})
        with np.errstate(all="ignore"):
            bound.plan.run()
        outputs = np.array(bound.plan.value(bound.lowered.output)).reshape(*inputs.shape[:2], -1)
        return outputs, {name: np.array(bound.plan.value(id)) for name, id in bound.lowered.carries.items()}

    def layer(self, name: str, inputs: NDArray) -> NDArray:
        """Return what a layer gives for encoded rows, (rows, *shape of its output)."""
        fed = self.network.feed(inputs)
        bound = self.bound(len(inputs), training=False, targets=False, keep=True, span=self.network.span(fed))
        bound.feed(fed)
        with np.errstate(all="ignore"):
            bound.plan.run()
        return by_row(bound.plan.value(bound.lowered.layers[name]), len(inputs)).copy()

    def kept(self, bound: Bound) -> Bound:
        """Return a plan of a training step that keeps every node, run over the same rows."""
        kept = self.bound(rows_of(bound), training=True, keep=True, span=bound.span)
        for name, array in bound.leaves.items():
            if kept.leaves[name] is not array:
                kept.leaves[name][...] = array
        with np.errstate(all="ignore"):
            kept.plan.run()
        return kept

    def unsound(self, bound: Bound) -> tuple[str, int] | None:
        """Run a training step again, node by node, and name the first value that is not finite.

        Returns:
            The node's name and its position in the graph; None where all values are finite.
        """
        again = self.kept(bound)
        graph = again.lowered.graph
        for node in graph.nodes:
            if not np.isfinite(again.plan.value(node.id)).all():
                return _called(graph, node.id), node.id
        return None

    def snapshot(self) -> dict[str, NDArray]:
        """Return a copy of every parameter and state."""
        return {name: array.copy() for name, array in self.values.items()}

    def restore(self, arrays: Mapping[str, NDArray]) -> None:
        """Put parameters and states back.

        Raises:
            KeyError: where one is missing.
            ValueError: where one has another shape, or is no number.
        """
        for name, array in self.values.items():
            given = arrays[name]
            if given.shape != array.shape:
                raise ValueError(f"{name} has the shape {given.shape}, not {array.shape}")
            if not np.isfinite(given).all():
                raise ValueError(f"{name} holds what is no number")
            array[...] = given


def _called(graph: Graph, id: int) -> str:
    """Return what a node is called; of a step without a name, what it is a step of: the next that has one."""
    if graph.nodes[id].name is not None:
        return graph.name(id)
    reached = {id}
    for node in graph.nodes[id + 1 :]:
        if reached.intersection(node.inputs):
            if node.name is not None:
                return f"a step of {node.name}"
            reached.add(node.id)
    return graph.name(id)


def by_row(output: NDArray, rows: int) -> NDArray:
    """Return a copy of outputs as (rows, outputs); a formula without columns has one for all rows."""
    return np.array(output.reshape(rows, -1) if output.ndim else np.broadcast_to(output, (rows, 1)))


def counted_rows(weights: NDArray) -> float:
    """Return how many rows count, by their weights or by those of their steps."""
    return float(weights.reshape(len(weights), -1).mean(axis=1).sum(dtype=np.float64))


def rows_of(bound: Bound) -> int:
    """Return how many rows a plan with targets is for."""
    return len(bound.targets)
