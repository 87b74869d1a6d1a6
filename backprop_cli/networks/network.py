"""Layers as graph nodes: shapes, parameters and their first values, and the graph of either mode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod, sqrt
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import ConfigError
from ..graph import PARAMETER, STATE
from ..ops import PRIMITIVES
from ..ops.tensor import windows_along
from . import layers, losses
from .losses import FUSED, lower_loss
from .lowering import Builder, Lowered
from .random import stream

NDArray = npt.NDArray[Any]
Shape = tuple[int, ...]

HIGHEST_PARAMETERS = 100_000_000
HIGHEST_ROW = 1 << 26
"""Most numbers that a layer may make of one row."""


class Parameter(NamedTuple):
    """One array of parameters.

    Attributes:
        name: ``linear1.weights``.
        shape: Outputs x inputs for weights, as in PyTorch.
        first: Its first values, in float64.
        trained: False where it is frozen.
        penalised: Whether l1 and l2 count it: weights do; biases, and what normalises, do not.
    """

    name: str
    shape: Shape
    first: NDArray
    trained: bool = True
    penalised: bool = False

    @property
    def layer(self) -> str:
        """The layer it belongs to."""
        return self.name.rpartition(".")[0]


class LayerNetwork:
    """A network made of layers.

    Args:
        model: The ``model`` section.
        shape: Of one row of inputs.
        outputs: Numbers a target row has: classes, or columns.
        loss: Its type is a name, not ``auto``.
        penalties: The ``regularization`` section.
        seed: Of the first values.
    Raises:
        ConfigError: where shapes do not fit; its ``key`` names the layer.
    """

    def __init__(
        self,
        model: layers.Model,
        shape: Shape,
        outputs: int,
        loss: losses.Loss,
        penalties: losses.Regularization,
        seed: int,
    ) -> None:
        self.shape = shape
        self.outputs = outputs
        self.loss = loss
        self.penalties = penalties
        self.layers = named_layers(expanded(model, outputs))
        self.fused = False
        self.parameters: list[Parameter] = []
        self.states: dict[str, NDArray] = {}
        self.masks: dict[str, float] = {}
        self.after: list[tuple[str, str, Shape]] = []
        self.row_numbers = prod(shape)
        fused = FUSED.get(loss.type)
        for position, (name, layer) in enumerate(self.layers):
            if position == len(self.layers) - 1 and fused and getattr(layer, "activation", None) == fused:
                self.fused = True
            with_key = _Keyed(position if model.layers is not None else None)
            shape = self._enter(name, layer, shape, model, seed, with_key)
            if prod(shape) > HIGHEST_ROW:
                raise with_key.error(f"{name} makes {_rows(shape)}: more than {HIGHEST_ROW:,} numbers")
            self.after.append((name, layer.__struct_config__.tag, shape))
            self.row_numbers += prod(shape)
        if prod(shape) != outputs or len(shape) != 1:
            raise _Keyed(len(self.layers) - 1 if model.layers is not None else None).error(
                f"the last layer gives {_rows(shape)}, but the targets are {_rows((outputs,))}",
                hint=f"the last layer: {{type: linear, units: {outputs}}}"
                + ("" if len(shape) == 1 else ", after {type: flatten}"),
            )

    def _enter(
        self, name: str, layer: Any, shape: Shape, model: layers.Model, seed: int, key: _Keyed
    ) -> Shape:
        """Note a layer's parameters and state, and return the shape of a row after it."""
        if isinstance(layer, layers.Linear):
            if len(shape) != 1:
                raise key.error(
                    f"{name} takes rows of numbers, but gets {_rows(shape)}",
                    hint="put {type: flatten} before it",
                )
            units = layer.units or self.outputs
            self._weights(name, layer, (units, shape[0]), shape[0], units, model, seed, key)
            return (units,)
        if isinstance(layer, layers.Conv2d):
            if len(shape) != 3:
                raise key.error(
                    f"{name} takes channels, height and width, but gets {_rows(shape)}",
                    hint="data.shape: [1, 8, 8] says so",
                )
            k, padding = layer.kernel_size, padding_of(layer)
            if layer.padding == "same" and (layer.stride != 1 or k % 2 == 0):
                raise key.error(
                    f"{name}: padding same needs stride 1 and an odd kernel_size, not {layer.stride} and {k}"
                )
            sides = tuple(windows_along(s, k, layer.stride, padding) for s in shape[1:])
            if min(s + 2 * padding for s in shape[1:]) < k:
                raise key.error(f"{name}: a kernel of {k}x{k} does not fit into {_rows(shape)}")
            fan_in, fan_out = shape[0] * k * k, layer.channels * k * k
            self.row_numbers += fan_in * prod(sides)
            self._weights(name, layer, (layer.channels, shape[0], k, k), fan_in, fan_out, model, seed, key)
            return (layer.channels, *sides)
        if isinstance(layer, layers.MaxPool2d):
            k, stride = layer.kernel_size, layer.stride or layer.kernel_size
            if len(shape) != 3 or min(shape[1:]) < k:
                raise key.error(f"{name}: a window of {k}x{k} does not fit into {_rows(shape)}")
            return (shape[0], *(windows_along(s, k, stride) for s in shape[1:]))
        if isinstance(layer, layers.Flatten):
            return (prod(shape),)
        if isinstance(layer, layers.BatchNorm):
            channels = shape[0]
            for part, first in (("weights", np.ones(channels)), ("bias", np.zeros(channels))):
                self.parameters.append(
                    Parameter(f"{name}.{part}", (channels,), first, part not in layer.frozen)
                )
            self.states[f"{name}.running_mean"] = np.zeros(channels)
            self.states[f"{name}.running_variance"] = np.ones(channels)
        elif isinstance(layer, layers.Dropout):
            if layer.rate:
                self.masks[f"{name}.mask"] = layer.rate
        elif isinstance(layer, layers.Activation) and layer.activation == "softmax" and len(shape) != 1:
            raise key.error(f"softmax takes rows of numbers, but gets {_rows(shape)}")
        return shape

    def _weights(
        self,
        name: str,
        layer: Any,
        shape: Shape,
        fan_in: int,
        fan_out: int,
        model: layers.Model,
        seed: int,
        key: _Keyed,
    ) -> None:
        count = prod(shape) + sum(prod(p.shape) for p in self.parameters)
        if count > HIGHEST_PARAMETERS:
            raise key.error(
                f"{name} has {_sides(shape)} weights: more than {HIGHEST_PARAMETERS:,} parameters in all",
                hint="fewer units or channels, or fewer inputs",
            )
        if layer.weights is not None:
            weights = np.array(layer.weights, dtype=float)
            if weights.shape != shape:
                raise key.error(
                    f"{name}: the weights are {_sides(weights.shape)}, but the layer needs {_sides(shape)}"
                    + (" (units x inputs)" if len(shape) == 2 else " (channels x inputs x height x width)")
                )
        else:
            init = model.init if layer.init == "auto" else layer.init
            if init == "auto":
                init = "he_normal" if _rectifies(layer.activation) else "glorot_uniform"
            weights = initial(init, shape, fan_in, fan_out, stream(seed, f"init {name}"))
        bias = np.zeros(shape[0]) if layer.bias is None else np.array(layer.bias, dtype=float)
        if bias.shape != shape[:1]:
            raise key.error(f"{name}: {len(bias)} biases for {shape[0]} outputs")
        self.parameters += [
            Parameter(f"{name}.weights", shape, weights, "weights" not in layer.frozen, penalised=True),
            Parameter(f"{name}.bias", shape[:1], bias, "bias" not in layer.frozen),
        ]

    def lower(self, rows: int, *, training: bool, targets: bool = True) -> Lowered:
        """Return the graph for so many rows.

        Args:
            rows: Rows at once.
            training: Dropout drops and batches are normalised by themselves; the loss has its penalties.
            targets: With a loss at all.
        """
        b = Builder()
        updates: dict[str, int] = {}
        activations: dict[str, tuple[int, int]] = {}
        node, shape = b.leaf("x", (rows, *self.shape)), self.shape
        for (name, layer), (_, _, after) in zip(self.layers, self.after, strict=True):
            if isinstance(layer, layers.Linear):
                node = b.step(
                    "linear",
                    node,
                    self._leaf(b, f"{name}.weights"),
                    self._leaf(b, f"{name}.bias"),
                    name=f"{name}.z",
                )
            elif isinstance(layer, layers.Conv2d):
                operands = (node, self._leaf(b, f"{name}.weights"), self._leaf(b, f"{name}.bias"))
                node = b.step(
                    "conv2d", *operands, name=f"{name}.z", stride=layer.stride, padding=padding_of(layer)
                )
            elif isinstance(layer, layers.MaxPool2d):
                stride = layer.stride or layer.kernel_size
                node = b.step("max_pool2d", node, name=f"{name}.y", kernel=layer.kernel_size, stride=stride)
            elif isinstance(layer, layers.Flatten):
                node = b.step("flatten", node, name=f"{name}.y") if len(shape) > 1 else node
            elif isinstance(layer, layers.BatchNorm):
                node = self._normalise(b, name, layer, node, shape, rows, training, updates)
            elif isinstance(layer, layers.Dropout) and training and layer.rate:
                mask = b.leaf(f"{name}.mask", (rows, *shape), STATE)
                node = b.step("multiply", node, mask, name=f"{name}.y")
            activation = getattr(layer, "activation", None)
            last = name == self.layers[-1][0]
            if activation is not None and not (last and self.fused):
                before, node = node, b.step(activation, node, name=f"{name}.y")
                activations[name] = (before, node)
            shape = after
        output = prediction = node
        if self.loss.type in FUSED:
            prediction = b.step(FUSED[self.loss.type], output, name="prediction")
        data_loss = None
        outputs = [prediction]
        if targets:
            data_loss = lower_loss(b, self.loss, output, b.leaf("t", (rows, self.outputs)))
            total = penalised(b, data_loss, self.parameters, self.penalties) if training else data_loss
            outputs = [*updates.values(), *([] if training else outputs), data_loss, total]
        target = "t" if targets else None
        return Lowered(b.graph.build(outputs), output, prediction, data_loss, target, updates, activations)

    def feed(self, inputs: NDArray) -> dict[str, NDArray]:
        """Return the arrays of the leaves that rows come in by."""
        return {"x": inputs}

    def _leaf(self, b: Builder, name: str) -> int:
        return b.leaf(name, next(p.shape for p in self.parameters if p.name == name), PARAMETER)

    def _normalise(
        self,
        b: Builder,
        name: str,
        layer: layers.BatchNorm,
        x: int,
        shape: Shape,
        rows: int,
        training: bool,
        updates: dict[str, int],
    ) -> int:
        """(x - mean)/sqrt(variance + eps)*weights + bias (Ioffe and Szegedy 2015)."""
        place = (-1, *[1] * (len(shape) - 1))
        running = [f"{name}.running_{part}" for part in ("mean", "variance")]
        mean, variance = (b.leaf(state, self.states[state].shape, STATE) for state in running)
        if training:
            axes = (0, *range(2, len(shape) + 1))
            batch_mean = b.step("mean_over", x, name=f"{name}.mean", axes=axes)
            centred = b.step("subtract", x, batch_mean, name=f"{name}.centred")
            squares = b.step("power_n", centred, b.number(2.0))
            batch_variance = b.step("mean_over", squares, name=f"{name}.variance", axes=axes)
            count = rows * prod(shape[1:])
            flat = b.step("shaped", batch_mean, shape=(-1,))
            spread = b.step("shaped", batch_variance, shape=(-1,))
            unbiased = b.step("multiply", spread, b.number(count / (count - 1.0) if count > 1 else 1.0))
            for state, new in ((mean, flat), (variance, unbiased)):
                label = b.graph.nodes[state].name or ""
                old = b.step("multiply", b.number(1.0 - layer.momentum), state)
                share = b.step("multiply", b.number(layer.momentum), new)
                updates[label] = b.step("add", old, share, name=f"{label}.new")
            mean_here, variance_here = batch_mean, batch_variance
        else:
            mean_here, variance_here = (b.step("shaped", s, shape=place) for s in (mean, variance))
            centred = b.step("subtract", x, mean_here, name=f"{name}.centred")
        deviation = b.step(
            "sqrt", b.step("add", variance_here, b.number(layer.eps)), name=f"{name}.deviation"
        )
        scaled = b.step("divide", centred, deviation, name=f"{name}.normalised")
        weights, bias = (
            b.step("shaped", self._leaf(b, f"{name}.{part}"), shape=place) for part in ("weights", "bias")
        )
        return b.step("add", b.step("multiply", scaled, weights), bias, name=f"{name}.y")


class _Keyed:
    """Errors about a layer: its place in the config is found by the key."""

    def __init__(self, position: int | None) -> None:
        self.key = "model" if position is None else f"model.layers.{position}"

    def error(self, message: str, hint: str | None = None) -> ShapeError:
        return ShapeError(self.key, message, hint)


class ShapeError(ConfigError):
    """Layers do not fit each other or the data; ``key`` is the place in the config."""

    def __init__(self, key: str, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.key = key


def expanded(model: layers.Model, outputs: int) -> Sequence[Any]:
    """Return the layers of the short form, or those that are written."""
    if model.layers is not None:
        return model.layers
    hidden = [layers.Linear(units=units, activation=model.activation) for units in model.hidden or []]
    return [*hidden, layers.Linear(units=outputs)]


def named_layers(chain: Sequence[Any]) -> list[tuple[str, Any]]:
    """Number the layers of each type: ``linear1``, ``dropout1``, ``linear2``."""
    counts: Counter[str] = Counter()
    named = []
    for layer in chain:
        kind = layer.activation if isinstance(layer, layers.Activation) else layer.__struct_config__.tag
        counts[kind] += 1
        named.append((f"{kind}{counts[kind]}", layer))
    return named


def padding_of(layer: layers.Conv2d) -> int:
    """Return the zeros on each side."""
    return layer.kernel_size // 2 if isinstance(layer.padding, str) else layer.padding


def penalised(
    b: Builder, data_loss: int, parameters: Sequence[Parameter], penalties: losses.Regularization
) -> int:
    """Add l1*sum|w| and l2*sum(w^2) over the trained weights to a loss."""
    total = data_loss
    weights = [b.leaf(p.name, p.shape, PARAMETER) for p in parameters if p.penalised and p.trained]
    for factor, norm in ((penalties.l1, "l1"), (penalties.l2, "l2")):
        for w in weights if factor else ():
            size = b.step("abs", w) if norm == "l1" else b.step("power_n", w, b.number(2.0))
            name = f"{b.graph.nodes[w].name}.{norm}"
            total = b.step("add", total, b.step("multiply", b.number(factor), b.step("sum", size), name=name))
    b.graph.name(total, "loss")
    return total


def _rectifies(activation: str | None) -> bool:
    return activation in PRIMITIVES and PRIMITIVES[activation].rectifier


def initial(init: Any, shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator) -> NDArray:
    """Draw first weights.

    Source:
        Glorot and Bengio 2010; He, Zhang, Ren and Sun 2015.
    """
    if isinstance(init, layers.Uniform):
        return rng.uniform(-init.uniform, init.uniform, shape)
    if init == "zeros":
        return np.zeros(shape)
    family, _, kind = init.partition("_")
    variance = 2.0 / fan_in if family == "he" else 2.0 / (fan_in + fan_out)
    if kind == "normal":
        return rng.normal(0.0, sqrt(variance), shape)
    limit = sqrt(3.0 * variance)
    return rng.uniform(-limit, limit, shape)


def _rows(shape: Shape) -> str:
    """Write the shape of a row: ``rows of 4``, ``rows of 1x8x8``."""
    return f"rows of {_sides(shape)}"


def _sides(shape: Shape) -> str:
    return "x".join(map(str, shape)) if shape else "one number"
