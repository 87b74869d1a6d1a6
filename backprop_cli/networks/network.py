"""Layers as graph nodes: shapes, parameters and their first values, and the graph of either mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod, sqrt
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from ..errors import ConfigError
from ..graph import PARAMETER
from ..ops import PRIMITIVES, Shape
from . import layers, losses
from .layers.kind import Array, Fitted, LayerKind, rows, sides
from .layers.places import ShapeError, placed
from .layers.weights import Init, Uniform
from .lowering import Builder, Lowered, Place
from .random import Draw, dropping, stream

NDArray = npt.NDArray[Any]


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


class Piece(NamedTuple):
    """A layer in its place in a network.

    Attributes:
        name: ``linear1``.
        layer: Its settings.
        before: Shape of a row before it.
        after: Shape of a row after it.
        function: The activation that ends it; None where there is none or the loss takes it over.
    """

    name: str
    layer: LayerKind
    before: Shape
    after: Shape
    function: str | None


class Span(NamedTuple):
    """How long the sequences of a batch are.

    Attributes:
        length: Steps, of the longest.
        masked: Whether some may be shorter.
        carried: Whether they go on from where others ended.
    """

    length: int
    masked: bool = False
    carried: bool = False


class OfRows:
    """What networks have in common whose rows are of one shape."""

    def span(self, fed: Mapping[str, NDArray]) -> Span | None:
        """Return how long the sequences of some rows are; None where rows are none."""
        return None

    def of_span(self, span: Span | None) -> Self:
        """Return the network for sequences of another length."""
        return self


class LayerNetwork(OfRows):
    """A network made of layers.

    Args:
        model: The ``model`` section.
        shape: Of one row of inputs.
        outputs: Numbers a target row has: classes, or columns.
        loss: Its type is a name, not ``auto``.
        penalties: The ``regularization`` section.
        seed: Of the first values.
        weighted: Rows have weights in the loss.
    Attributes:
        pieces: The layers in their order.
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
        weighted: bool = False,
    ) -> None:
        self.shape = shape
        self.weighted = weighted
        self.outputs = outputs
        self.loss = loss
        self.penalties = penalties
        self.pieces: list[Piece] = []
        self.parameters: list[Parameter] = []
        self.states: dict[str, NDArray] = {}
        self.draws: dict[str, Draw] = {}
        self._mask_shapes: dict[str, Shape] = {}
        self.row_numbers = prod(shape)
        last = len(model.chain(outputs)) - 1
        for position, (name, layer, before, fitted) in enumerate(placed(model, shape, outputs)):
            key = model.key_of(position)
            try:
                self._enter(name, layer, fitted, model.init, seed, name in (model.freeze or ()))
            except ConfigError as error:
                raise ShapeError(key, error.message, error.hint) from None
            shape = fitted.shape
            fused = position == last and layer.function == loss.fuses
            self.pieces.append(Piece(name, layer, before, shape, None if fused else layer.function))
            self.row_numbers += prod(shape) + fitted.numbers
        if prod(shape) != outputs or len(shape) != 1:
            raise ShapeError(
                key,
                f"the last layer gives {rows(shape)}, but the targets are {rows((outputs,))}",
                hint=f"the last layer: {{type: linear, units: {outputs}}}"
                + ("" if len(shape) == 1 else ", after {type: flatten}"),
            )

    def _enter(
        self, name: str, layer: LayerKind, fitted: Fitted, init: Init, seed: int, frozen: bool
    ) -> None:
        """Note a layer's parameters with their first values, and its states."""
        for array in fitted.parameters:
            if isinstance(array.first, str | Uniform):
                own = init if array.first == "auto" else array.first
                if own == "auto":
                    own = "he_normal" if _rectifies(layer.function) else "glorot_uniform"
                first = drawn(own, array, stream(seed, f"init {name}"))
            else:
                first = given(name, array)
            label = f"{name}.{array.part}"
            trained = array.trained and not frozen
            self.parameters.append(Parameter(label, array.shape, first, trained, array.penalised))
        for state in fitted.states:
            self.states[f"{name}.{state.part}"] = given(name, state)
        if fitted.mask:
            self.draws[f"{name}.mask"] = dropping(name, fitted.mask)
            self._mask_shapes[f"{name}.mask"] = fitted.shape

    def lower(self, rows: int, *, training: bool, targets: bool = True) -> Lowered:
        """Return the graph for so many rows.

        Args:
            rows: Rows at once.
            training: Dropout drops and batches are normalised by themselves; the loss has its penalties.
            targets: With a loss at all.
        """
        b = Builder()
        leaves = {p.name: p.shape for p in self.parameters} | {n: s.shape for n, s in self.states.items()}
        leaves |= {name: (rows, *shape) for name, shape in self._mask_shapes.items()}
        updates: dict[str, int] = {}
        activations: dict[str, tuple[int, int]] = {}
        layers: dict[str, int] = {}
        node = b.leaf("x", (rows, *self.shape))
        for name, layer, shape, _, function in self.pieces:
            node = layer.lower(Place(b, name, shape, rows, training, leaves, updates), node)
            if function is not None:
                before, node = node, b.step(function, node, name=f"{name}.y")
                activations[name] = (before, node)
            layers[name] = node
        output = prediction = node
        if self.loss.fuses is not None:
            prediction = b.step(self.loss.fuses, output, name="prediction")
        data_loss = None
        outputs = [prediction]
        if targets:
            t = b.leaf("t", (rows, self.outputs))
            data_loss = self.loss.row.lower(b, self.loss, output, t, self.weighted)
            total = penalised(b, data_loss, self.parameters, self.penalties) if training else data_loss
            outputs = [*updates.values(), *([] if training else outputs), data_loss, total]
        target = "t" if targets else None
        weights = losses.WEIGHTS if targets and self.weighted else None
        graph = b.graph.build(outputs)
        return Lowered(graph, output, prediction, data_loss, target, updates, activations, layers, weights)

    def begin(self, values: Mapping[str, NDArray]) -> None:
        """Take other first numbers for some parameters and states, by name."""
        self.parameters = [p._replace(first=values.get(p.name, p.first)) for p in self.parameters]
        self.states = {name: values.get(name, first) for name, first in self.states.items()}

    def feed(self, inputs: NDArray, lengths: NDArray | None = None) -> dict[str, NDArray]:
        """Return the arrays of the leaves that rows come in by."""
        return {"x": inputs}


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


def given(name: str, array: Array) -> NDArray:
    """Return an array's first values: one for all, or each as written.

    Raises:
        ConfigError: where these have another shape.
    """
    if isinstance(array.first, float):
        return np.full(array.shape, array.first)
    first = np.array(array.first, dtype=float)
    if first.shape == array.shape:
        return first
    if array.axes:
        raise ConfigError(
            f"{name}: the {array.part} are {sides(first.shape)}, but the layer needs {sides(array.shape)}"
            f" ({array.axes})"
        )
    raise ConfigError(f"{name}: {len(first)} biases for {array.shape[0]} outputs")


def drawn(init: str | Uniform, array: Array, rng: np.random.Generator) -> NDArray:
    """Draw an array's first values.

    Source:
        Glorot and Bengio 2010; He, Zhang, Ren and Sun 2015.
    """
    if isinstance(init, Uniform):
        return rng.uniform(-init.uniform, init.uniform, array.shape)
    if init == "zeros":
        return np.zeros(array.shape)
    if init == "normal":
        return rng.normal(size=array.shape)
    assert array.fans is not None  # weights have them
    fan_in, fan_out = array.fans
    family, _, kind = init.partition("_")
    variance = 2.0 / fan_in if family == "he" else 2.0 / (fan_in + fan_out)
    if kind == "normal":
        return rng.normal(0.0, sqrt(variance), array.shape)
    limit = sqrt(3.0 * variance)
    return rng.uniform(-limit, limit, array.shape)
