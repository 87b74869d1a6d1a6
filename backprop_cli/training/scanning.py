"""The training loop on JAX: many updates at a time, compiled as one scan over their batches.

Rows, orders, masks, rates and first weights are those of `loop.Training`, and so is all that is judged; only
the numbers of a batch are computed by XLA. What it finds no number for is done again by NumPy, which says
where it ends.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from math import isfinite, prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import msgspec
import numpy as np

from ..engine.devices import Devices
from ..engine.executor import Compiled
from ..engine.jax import JaxPlan, Traced
from ..engine.tensors import TensorPlan
from ..errors import counted
from ..graph import Graph
from ..networks.lowering import Lowered
from ..networks.network import NDArray
from ..networks.random import stream
from ..networks.runner import Bound, by_row
from . import checkpoint
from .loop import EpochRecord, Training, clip_factor
from .problem import Problem
from .sets import Set

AT_ONCE = 256
"""Most updates of a scan: between two of them training can be stopped."""

WORK = 1 << 28
"""Numbers of the network that a scan goes through, about: a second of them."""

MASK_NUMBERS = 1 << 24
"""Most numbers of the masks that are sent at once."""


class Cell(np.lib.mixins.NDArrayOperatorsMixin):
    """A place with an array: what a rule does to it in place, in NumPy's words, is traced."""

    __array_priority__ = 1_000  # over JAX's own

    def __init__(self, value: Any = None) -> None:
        self.value = value

    def __array_ufunc__(self, ufunc: Any, method: str, *operands: Any, out: Any = None, **_: Any) -> Cell:
        """Put the result into ``out``, or into a new place."""
        target = self if out is None else out[0]
        if out is None:
            target = Cell()
        target.value = getattr(jnp, ufunc.__name__)(
            *(x.value if isinstance(x, Cell) else x for x in operands)
        )
        return target

    def __array_function__(self, function: Any, types: Any, arguments: Any, more: Any) -> None:
        """Answer ``copyto``, the one function of rules that is no ufunc."""
        assert function is np.copyto
        target, source = arguments
        target.value = source.value


class Carry(NamedTuple):
    """What an update changes, on the devices.

    Attributes:
        theta: All trained parameters.
        memory: The optimizer's arrays.
        states: Of the network.
    """

    theta: Any
    memory: tuple[Any, ...]
    states: tuple[Any, ...]


class Batches(NamedTuple):
    """What differs from update to update, one entry an update in front.

    Attributes:
        index: Rows of the training set.
        numbers: Scalars of the optimizer.
        masks: Of dropout.
    """

    index: Any
    numbers: Any
    masks: tuple[Any, ...]


def _engine(
    graph: Graph,
    leaves: Mapping[int, NDArray],
    gradients: Mapping[int, NDArray] | None = None,
    keep: Collection[int] = (),
    dtype: Any = float,
) -> Compiled:
    """Compile what measures rows; single steps, which the scans leave to be looked at, are NumPy's."""
    return (TensorPlan if gradients else JaxPlan)(graph, leaves, gradients, keep, dtype)


class Scanning(Training):
    """See `Training`.

    Args:
        problem: What is trained.
        devices: Where; None for the first one.
    """

    executor = staticmethod(_engine)
    train: Set

    def __init__(self, problem: Problem, devices: Devices | None = None) -> None:
        self.devices = devices or Devices()
        super().__init__(problem)
        self._rows = tuple(map(self.devices.everywhere, self._columns()))
        self._functions: dict[tuple[int, int], Callable[..., Any]] = {}
        self._carry: Carry | None = None
        self._last: tuple[NDArray, dict[str, NDArray]] | None = None

    def run(self, stop: Callable[[], bool] = lambda: False) -> Iterator[EpochRecord]:
        """Train as `Training.run` does; several processes begin as process 0 does, and stop together."""
        if not self.devices.several:
            yield from super().run(stop)
            return
        self._begin_alike()
        yield from super().run(lambda: self.devices.any_of(stop()))

    def _between(self, stop: Callable[[], bool]) -> Callable[[int, int], None]:
        """Leave measuring alone where others would have to be asked."""
        return (lambda rows, every: None) if self.devices.several else super()._between(stop)

    def _begin_alike(self) -> None:
        """Take what process 0 begins with: it alone reads checkpoints."""
        arrays, facts = self.save()
        facts["keep"] = self.problem.config.training.keep
        told = self.devices.of_first(checkpoint.serialized(arrays, facts) if self.devices.first else b"")
        if self.devices.first:
            return
        arrays, facts = checkpoint.parsed(bytearray(told), "process 0")
        config = self.problem.config
        training = msgspec.structs.replace(config.training, keep=facts["keep"])
        self.problem.config = msgspec.structs.replace(config, training=training)
        self.load(arrays, facts)

    def _record(self, values: dict[str, float]) -> EpochRecord:
        """Judge an epoch by what process 0 has measured, whatever the last digits are elsewhere."""
        if self.devices.several:
            values = json.loads(self.devices.of_first(json.dumps(values).encode()))
        return super()._record(values)

    def _columns(self) -> Iterator[NDArray]:
        """Yield the training rows: inputs, targets, weights."""
        train = self.train
        yield from train.inputs.values()
        yield train.targets
        if train.weights is not None:
            yield train.weights.astype(self.runner.dtype)

    def _updates(self) -> Iterator[None]:
        """Make the updates that are left of this epoch, some at a time."""
        progress, config = self.progress, self.problem.config
        rows, epoch = len(self.train), progress.epoch
        order = np.arange(rows)
        if config.training.shuffle and self.batch != rows:
            order = stream(config.seed, "order", epoch).permutation(rows)
        masks = self._masks(epoch, progress.row)
        while progress.row < rows:
            left = rows - progress.row
            count = self._at_once(left // self.batch)
            size = self.batch if count else left
            count = max(1, count)
            drawn = [
                {name: _drawn(draw, shape, self.runner.dtype) for name, (draw, shape) in of_size.items()}
                for of_size in [self._shaped(masks, size)] * count
            ]
            stop = progress.row + count * size
            index = order[progress.row : stop].reshape(count, size)
            if not self._scan(index, drawn):
                # NumPy says where the numbers end, or finds that they do not
                self._carry = None
                yield from super()._updates()
                return
            progress.row = stop
            yield

    def _at_once(self, whole: int) -> int:
        """Return how many of the whole batches that are left are gone through at once."""
        network = self.problem.network
        most = min(AT_ONCE, WORK // (self.batch * network.row_numbers))
        if network.draws and whole:
            shapes = network.lower(self.batch, training=True).shapes
            most = min(most, MASK_NUMBERS // sum(prod(shapes[name]) for name in network.draws))
        pieces = -(-whole // max(1, most))
        return -(-whole // pieces) if pieces else 0

    def _shaped(self, masks: Mapping[str, Callable[[NDArray], None]], size: int) -> dict[str, Any]:
        """Return what draws each mask, with its shape in a batch."""
        if not masks:
            return {}
        shapes = self.problem.network.lower(size, training=True).shapes
        return {name: (draw, shapes[name]) for name, draw in masks.items()}

    def _scan(self, index: NDArray, masks: Sequence[dict[str, NDArray]]) -> bool:
        """Make updates, unless a loss is no number: then nothing has changed."""
        progress, runner, devices = self.progress, self.runner, self.devices
        count, size = index.shape
        scalars = {name: array.copy() for name, array in self.state.items() if not array.ndim}
        numbers = []
        for k in range(progress.step, progress.step + count):
            scalars["step"][()] = k + 1
            rate = self.rates.of_update(progress.epoch, k)
            numbers.append(self.optimizer.numbers(k + 1, rate, scalars))
        batches = Batches(
            index.astype(np.int32),
            np.array(numbers, runner.dtype),
            tuple(np.stack([drawn[name] for drawn in masks]) for name in masks[0]),
        )
        function = self._functions.get((count, size))
        if function is None:
            self.says(f"compiling for {devices.named}: {counted(count, 'update')} of {counted(size, 'row')}")
            function = self._functions[count, size] = devices.compiled(self._scanned(size))
        before = self._carry or jax.tree.map(devices.everywhere, self._held())
        after, losses, outputs = function(before, jax.tree.map(devices.everywhere, batches), self._rows)
        every = np.asarray(losses).tolist()
        if not all(map(isfinite, every)):
            return False
        self._carry = after
        for held, now in zip(jax.tree.leaves(self._held()), jax.tree.leaves(after), strict=True):
            held[...] = np.asarray(now)
        for name, array in scalars.items():
            self.state[name][...] = array
        self._last = index[-1], masks[-1]
        if self.first_loss is None:
            self.first_loss = every[0] * self.problem.loss_unit
        if self.problem.config.training.measured:
            for output, which in zip(np.asarray(outputs), index, strict=True):
                self._tell(by_row(output, size), self.train, which)
        for loss in every:
            progress.loss += loss
        progress.batches += count
        progress.step += count
        return True

    def _held(self) -> Carry:
        """Return what an update changes, as this process has it."""
        values, states = self.runner.values, self.problem.network.states
        memory = tuple(self.state[name] for name in self.optimizer.arrays)
        return Carry(self.runner.theta, memory, tuple(values[name] for name in states))

    def _scanned(self, size: int) -> Callable[..., Any]:
        """Return the function of several updates with batches of so many rows."""
        runner, network = self.runner, self.problem.network
        lowered = network.lower(size, training=True)
        ids, shapes = lowered.graph.inputs, lowered.shapes
        trained = [p for p in network.parameters if p.trained]
        wanted = [p for p in trained if p.name in ids]
        traced = Traced(
            lowered.graph, {ids[n]: shapes[n] for n in shapes}, [ids[p.name] for p in wanted], runner.dtype
        )
        measured = bool(self.problem.config.training.measured)
        kept = [lowered.loss, lowered.output] if measured else [lowered.loss]
        renewed = [name for name in network.states if name in lowered.updates]
        outputs = [traced.value(id) for id in (*kept, *(lowered.updates[name] for name in renewed))]
        outputs += [traced.cotangent(ids[p.name], p.shape) for p in wanted]
        program = traced.program(outputs)
        fixed = {p.name: runner.values[p.name] for p in network.parameters if not p.trained}

        def one(rows: tuple[Any, ...], carry: Carry, batch: Batches) -> tuple[Carry, tuple[Any, ...]]:
            values = dict(fixed) | _cut(carry.theta, trained)
            states = dict(zip(network.states, carry.states, strict=True))
            values |= states | dict(zip(network.draws, map(self.devices.by_rows, batch.masks), strict=True))
            values |= self._of_rows(lowered, rows, batch.index)
            found = iter(program(*(values[name] for name in shapes)))
            numbers = [next(found) for _ in kept]
            states |= {name: next(found) for name in renewed}
            gradients = {p.name: next(found) for p in wanted}
            gradient = jnp.concatenate(
                [gradients.get(p.name, jnp.zeros(p.shape, runner.dtype)).reshape(-1) for p in trained]
            )
            theta, memory = self._moved(carry.theta, gradient, carry.memory, batch.numbers)
            return Carry(theta, memory, tuple(states.values())), tuple(numbers)

        def several(carry: Carry, batches: Batches, rows: tuple[Any, ...]) -> tuple[Any, ...]:
            after, (losses, *outputs) = jax.lax.scan(lambda c, b: one(rows, c, b), carry, batches)
            return after, losses, outputs[0] if outputs else ()

        return several

    def _of_rows(self, lowered: Lowered, rows: tuple[Any, ...], index: Any) -> dict[str, Any]:
        """Return the leaves that are made of training rows."""
        names = [*self.train.inputs, lowered.target, *([lowered.weights] if lowered.weights else ())]
        found = {}
        for name, column in zip(names, rows, strict=False):
            if name not in lowered.shapes:  # what has no part in this
                continue
            taken = column[index]
            if name == lowered.weights and not self.problem.network.loss.row.sums:
                taken = taken / taken.mean()
            found[name] = self.devices.by_rows(taken.reshape(lowered.shapes[name]))
        if lowered.weights and lowered.weights not in found:
            found[lowered.weights] = jnp.ones(lowered.shapes[lowered.weights], self.runner.dtype)
        return found

    def _moved(
        self, theta: Any, gradient: Any, memory: tuple[Any, ...], numbers: Any
    ) -> tuple[Any, tuple[Any, ...]]:
        """Return parameters and the optimizer's arrays after one step of its rule."""
        clip = self.problem.config.training.gradient_clip
        if clip is not None:
            norm = jnp.sqrt(jnp.sum(gradient * gradient))
            gradient = gradient * clip_factor(norm, clip, jnp.minimum)
        place, arrays = Cell(theta), [Cell(array) for array in memory]
        scratch = [Cell() for _ in range(self.optimizer.scratch)]
        passes: Callable[..., None] = self.optimizer.passes  # what it does to arrays, it does to places
        passes(place, Cell(gradient), arrays, scratch, [Cell(x) for x in numbers])
        return place.value, tuple(array.value for array in arrays)

    @property
    def last_batch(self) -> Bound | None:
        """The last batch in NumPy's plan, as `Training` leaves it; what it holds is not run yet."""
        if self._last is None:
            return self._bound
        index, masks = self._last
        bound = self.runner.bound(
            len(index), training=True, span=self.train.span(self.problem.network, index)
        )
        self._put(bound, self.train, index)
        for name, mask in masks.items():
            bound.leaves[name][...] = mask
        return bound

    @last_batch.setter
    def last_batch(self, bound: Bound | None) -> None:
        self._bound, self._last = bound, None

    def load(
        self, arrays: Mapping[str, NDArray], facts: Mapping[str, Any], new: Collection[str] = ()
    ) -> None:
        super().load(arrays, facts, new)
        self._carry = None


def _drawn(draw: Callable[[NDArray], None], shape: tuple[int, ...], dtype: Any) -> NDArray:
    mask = np.empty(shape, dtype)
    draw(mask)
    return mask


def _cut(theta: Any, trained: Sequence[Any]) -> dict[str, Any]:
    """Return the parameters that a flat array of them holds, by name."""
    found, start = {}, 0
    for p in trained:
        found[p.name] = theta[start : start + prod(p.shape)].reshape(p.shape)
        start += prod(p.shape)
    return found
