"""A network with the numbers that an export holds on to: weights, rows, predictions, one update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, prod, sqrt
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from ...errors import BackpropError, NoSuchNumber, UsageError, counted, printable
from ...networks.formula import split_formula
from ...networks.network import LayerNetwork, Parameter
from ...networks.programmed import ProgramNetwork
from ...networks.random import stream
from ...networks.runner import Bound, Runner
from ...optimization.settings import FirstOrder, LevenbergMarquardt
from ...training.config import Loaded
from ...training.config.acting import RATES
from ...training.data.encoding import Encoding
from ...training.fitting import training_of
from ...training.loop import Training, clip_factor
from ...training.model import Model, problem_of
from ...training.problem import Problem, assemble

NDArray = npt.NDArray[Any]

SAMPLE = 8
"""Rows that predictions are asserted for."""

NOISE = 1e-10
"""Slopes below it may be rounding, whose sign an adaptive rule would follow with a full step."""


LAST_DIGITS = 1e-13


class Step(NamedTuple):
    """The first training step, without dropout: its draws are each framework's own.

    Attributes:
        inputs: Of the batch, before they are scaled, (rows, *shape).
        targets: (rows, outputs).
        weights: What each row counts in the loss; None where all count alike.
        loss: Before the update, with its penalties.
        gradients: By parameter that is trained, where it is not `unsure`.
        after: These parameters after the update, where it is not `noisy`.
        states: Running means and variances after the step.
        settings: Of the optimizer.
        rate: The learning rate of this update.
        clip: Limit of the gradient's norm.
        unsure: Parameters whose slope rounding decides, at a kink or where digits cancel.
        noisy: Parameters whose update does not follow from the slope asserted.
        tied: Pooling layers where a slope passes through ties.
    """

    inputs: NDArray
    targets: NDArray
    weights: NDArray | None
    loss: float
    gradients: dict[str, NDArray]
    after: dict[str, NDArray]
    states: dict[str, NDArray]
    settings: FirstOrder
    rate: float
    clip: float | None
    unsure: tuple[str, ...]
    noisy: tuple[str, ...]
    tied: frozenset[str]


class Facts(NamedTuple):
    """A network and its numbers, in double precision.

    Attributes:
        title: Where it comes from.
        network: Its layers.
        arrays: Parameters and states by name.
        shift: Subtracted from each input before the network sees it, shape of a row.
        scale: What it is then divided by, shape of a row.
        sample: Rows as they are before that.
        predictions: What the network gives for them: probabilities, or numbers.
        names: Of the inputs, and of the classes or targets.
        step: One update from these weights; None where there is none.
        reason: Why there is none.
    """

    title: str
    network: LayerNetwork | ProgramNetwork
    arrays: dict[str, NDArray]
    shift: NDArray
    scale: NDArray
    sample: NDArray
    predictions: NDArray
    names: tuple[list[str], list[str]]
    step: Step | None
    reason: str

    @property
    def final(self) -> str | None:
        """What makes probabilities of the network's outputs; None where these are the predictions."""
        return self.network.loss.fuses

    @property
    def trained(self) -> list[Parameter]:
        """The parameters that are not frozen."""
        return [p for p in self.network.parameters if p.trained]

    @property
    def numbers(self) -> int:
        """How many numbers a program that asserts all of this has to hold."""
        step = 0
        if self.step is not None:
            step = self.step.inputs.size + self.step.targets.size
            step += 0 if self.step.weights is None else self.step.weights.size
            step += sum(a.size for a in (*self.step.gradients.values(), *self.step.after.values()))
        scaling = (self.shift.size + self.scale.size) * self.scaled
        sample = self.sample.size + self.predictions.size
        return sum(a.size for a in self.arrays.values()) + scaling + sample + step

    @property
    def scaled(self) -> bool:
        """Whether the network takes its inputs otherwise than they come."""
        return bool(self.shift.any() or (self.scale != 1.0).any())


def facts_of_config(loaded: Loaded) -> Facts:
    """Return the network of a config with its first weights, and its first training step.

    Raises:
        ConfigError, DataError, FileError: as of `assemble`.
        UsageError: for a formula.
    """
    if loaded.config.model.formula is not None:
        raise _is_expression(loaded.config.model.formula, loaded.config.model.first_values)
    return _facts(loaded.path, assemble(loaded), None)


def facts_of_model(path: str) -> Facts:
    """Return a trained network, and a training step from there where its data is at hand.

    Raises:
        CheckpointError, FileError: as of `Model.load`.
        UsageError: for a formula.
    """
    model = Model.load(path)
    arrays = {name: np.asarray(a, float) for name, a in model.runner.values.items()}
    if model.config.model.formula is not None:
        raise _is_expression(model.config.model.formula, {name: a.item() for name, a in arrays.items()})
    try:
        return _facts(path, problem_of(model, path), arrays)
    except BackpropError as error:
        reason = error.message
    network = model.runner.network
    assert isinstance(network, LayerNetwork | ProgramNetwork)
    runner = Runner(network, "float64")
    runner.restore(arrays)
    encoded = stream(0, "export").normal(size=(SAMPLE, *network.shape))
    if any(feature.indexed for feature in model.encoding.features):  # 0 is a number of any text
        encoded = np.zeros_like(encoded)
    return _found(path, runner, model.encoding, encoded, None, reason)


def _is_expression(formula: str, numbers: Mapping[str, float]) -> UsageError:
    """Return the refusal of a fitted formula, which is an expression."""
    values = " ".join(f"{name}={x!r}" for name, x in numbers.items())
    return UsageError(
        "a fitted formula is an expression, not a network",
        hint=f'backprop export "{split_formula(formula)[1]}" {values} --to pytorch, '
        "with a value for each column",
    )


def _facts(title: str, problem: Problem, arrays: Mapping[str, NDArray] | None) -> Facts:
    """Return what there is to say of a network whose rows are at hand."""
    problem.config = msgspec.structs.replace(problem.config, dtype="float64")
    training = training_of(problem)
    runner = training.runner
    if arrays is not None:
        runner.restore(arrays)
    reason = ""
    if problem.config.training.method in RATES:
        reason = "a table is not learned by gradients"
    elif isinstance(problem.network, ProgramNetwork) and problem.network.draws:
        reason = "its noise is drawn, and each framework draws its own"
    elif problem.train.sample.lengths is not None:
        reason = "its sequences are of several lengths, and the exported network takes the longest"
    step = None if reason else _step(training, problem.encoding)
    return _found(title, runner, problem.encoding, problem.train.sample.encoded[:SAMPLE], step, reason)


def _found(
    title: str, runner: Runner, encoding: Encoding, encoded: NDArray, step: Step | None, reason: str
) -> Facts:
    network = runner.network
    assert isinstance(network, LayerNetwork | ProgramNetwork)
    sample = _unscaled(encoding, encoded)
    return Facts(
        title,
        network,
        runner.snapshot(),
        encoding.shift.reshape(encoding.line),
        encoding.scale.reshape(encoding.line),
        sample,
        runner.predict(_scaled(encoding, sample)).predictions.reshape(-1, network.outputs),
        (encoding.names, encoding.classes or encoding.targets),
        step,
        reason,
    )


def _scaled(encoding: Encoding, rows: NDArray) -> NDArray:
    scaled: NDArray = (rows - encoding.shift.reshape(encoding.line)) / encoding.scale.reshape(encoding.line)
    return scaled


def _unscaled(encoding: Encoding, rows: NDArray) -> NDArray:
    """Return rows as they were before scaling, without the digits that rounding adds."""
    raw = rows * encoding.scale.reshape(encoding.line) + encoding.shift.reshape(encoding.line)
    digits = 14 if rows.dtype.itemsize == 8 else 7
    return np.array([float(f"{x:.{digits}g}") for x in raw.flat]).reshape(raw.shape)


def _step(training: Training, encoding: Encoding) -> Step:
    """Make the update that training makes first, and take it back."""
    runner, config = training.runner, training.problem.config
    before = runner.snapshot()
    bound = training.first_batch()
    inputs, targets = _unscaled(encoding, bound.leaves["x"]), bound.targets.copy()
    bound.leaves["x"][...] = _scaled(encoding, inputs)
    for name in runner.network.draws:
        bound.leaves[name][...] = 1.0
    tied = _tied(runner, bound)
    with np.errstate(all="ignore"):
        bound.plan.run()
        loss = float(bound.plan.value(bound.lowered.loss))
        if not isfinite(loss):
            raise NoSuchNumber("the loss of the first training step is too large for a number")
        states = {name: bound.plan.value(id).copy() for name, id in bound.lowered.updates.items()}
        gradients = {name: g.copy() for name, g in runner.gradients.items()}
        unsure = _unsure(runner, bound, gradients)
        clip = config.training.gradient_clip
        if clip is not None:
            runner.gradient *= clip_factor(sqrt(float(runner.gradient @ runner.gradient)), clip)
        rate = training.rates.of_update(0, 0)
        training.optimizer.update(runner.theta, runner.gradient, training.state, rate)
    settings = config.optimizer
    assert not isinstance(settings, LevenbergMarquardt)  # fits formulas alone
    # an adaptive rule makes a full step of a slope that is rounding; a norm has all slopes in it
    adaptive = settings.adaptive
    noisy = [
        name
        for name, g in gradients.items()
        if name in unsure
        or (unsure and clip is not None)
        or (adaptive and bool(((g != 0.0) & (np.abs(g) < NOISE)).any()))
    ]
    after = {name: runner.values[name].copy() for name in gradients if name not in noisy}
    runner.restore(before)
    gradients = {name: g for name, g in gradients.items() if name not in unsure}
    weights = bound.lowered.weights
    return Step(
        inputs,
        targets,
        None if weights is None else bound.leaves[weights].copy(),
        loss,
        gradients,
        after,
        states,
        settings,
        rate,
        clip,
        tuple(unsure),
        tuple(noisy),
        tied,
    )


def _unsure(runner: Runner, bound: Bound, gradients: Mapping[str, NDArray]) -> list[str]:
    """Return the parameters whose slope moves when inputs, targets and weights do so in their last digits."""
    rng = stream(0, "export")
    exact = [(array, array.copy()) for array in (runner.theta, bound.leaves["x"], bound.targets)]
    found = set()
    # at random, and all one way: signs of several rows that flip at random may cancel
    for low, high in ((-1.0, 1.0), (-1.0, 1.0), (1.0, 1.0), (-1.0, -1.0)):
        for array, values in exact:
            # an output that is 0 here may be rounding elsewhere, on the other side of a target that is 0
            size = np.abs(values) + (array is bound.targets)
            array[...] = values + LAST_DIGITS * size * rng.uniform(low, high, values.shape)
        bound.plan.run()
        found |= {
            name
            for name, g in runner.gradients.items()
            if not np.allclose(g, gradients[name], rtol=1e-8, atol=1e-11)
        }
    for array, values in exact:
        array[...] = values
    bound.plan.run()
    return [name for name in gradients if name in found]


def _tied(runner: Runner, bound: Bound) -> frozenset[str]:
    """Return the layers where it matters who of equal numbers has the slope."""
    network = runner.network
    if not isinstance(network, LayerNetwork):
        return frozenset()
    pieces = {f"{piece.name}.y": piece for piece in network.pieces}
    kept = runner.kept(bound)
    nodes, found = kept.lowered.graph.nodes, set()
    for node in nodes:
        piece = pieces.get(node.name or "")
        if piece is None:
            continue
        x = nodes[node.inputs[0]]
        # behind an activation the slope counts that it lets through: of relu's zeros none
        before = x.inputs[0] if len(x.inputs) == 1 else x.id
        if piece.layer.tied(kept.plan.value(x.id), kept.plan.cotangent(before)):
            found.add(piece.name)
    return frozenset(found)


def changed(settings: FirstOrder) -> dict[str, Any]:
    """Return an optimizer's settings beside its rate that are not the defaults, which are PyTorch's."""
    default = type(settings)()
    return {
        name: getattr(settings, name)
        for name in settings.__struct_fields__
        if name != "learning_rate" and getattr(settings, name) != getattr(default, name)
    }


def described(facts: Facts) -> list[str]:
    """Return what a reader of any export should know."""
    inputs, outputs = facts.names
    shape = "x".join(map(str, facts.network.shape))
    count = sum(prod(p.shape) for p in facts.network.parameters)
    if len(outputs) == 2 and facts.network.outputs == 1:
        outputs = [f"the probability of {outputs[1]}, against {outputs[0]}"]
    return [
        f"{facts.title}: a network of {counted(count, 'parameter')}",
        f"inputs: rows of {shape} numbers: {_listed(inputs)}",
        f"outputs: {_listed(outputs)}",
    ]


def _listed(names: Sequence[str], width: int = 60) -> str:
    """Write names as far as there is room."""
    text = ", ".join(map(printable, names))
    if len(text) <= width:
        return text
    return f"{text[:width].rpartition(', ')[0] or text[:width]}, ... ({len(names)})"
