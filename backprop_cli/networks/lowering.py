"""What lowering shares: a builder that speaks of rows by name, and the lowered graph with its roles."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..errors import Source
from ..graph import INPUT, NOWHERE, PARAMETER, STATE, ArrayBuilder, Graph
from ..language.numbers import brief
from ..ops import PRIMITIVES, Primitive, Shape
from ..ops.arrays import ARRAYS
from ..ops.tensor import TENSORS

ROWS: dict[str, Primitive] = {**PRIMITIVES, **ARRAYS, **TENSORS}
"""What a network is made of."""


class Builder:
    """An `ArrayBuilder` for lowering: primitives by name, no spans."""

    def __init__(self) -> None:
        self.graph = ArrayBuilder(Source(""))

    def leaf(self, name: str, shape: Shape = (), kind: str = INPUT) -> int:
        """Add a leaf, or return the one of that name."""
        return self.graph.array(name, shape, NOWHERE, kind)

    def number(self, value: float) -> int:
        """Add a constant."""
        return self.graph.constant(value, brief(value, 12), NOWHERE)

    def step(self, op: str, *inputs: int, name: str | None = None, **static: Any) -> int:
        """Apply a primitive; trailing operands that are left out take their defaults."""
        row = ROWS[op]
        operands = (*inputs, *map(self.number, row.omitted(len(inputs))))
        id = self.graph.apply(row, operands, NOWHERE, static)
        if name is not None:
            self.graph.name(id, name)
        return id


class Place:
    """Where a layer is lowered: a builder that names nodes, parameters and states after the layer.

    Attributes:
        name: Of the layer.
        shape: Of a row before it.
        rows: At once.
        training: Dropout drops, and batches are normalised by themselves.
    """

    def __init__(
        self,
        builder: Builder,
        name: str,
        shape: Shape,
        rows: int,
        training: bool,
        leaves: Mapping[str, Shape],
        updates: dict[str, int],
    ) -> None:
        self.builder = builder
        self.name = name
        self.shape = shape
        self.rows = rows
        self.training = training
        self._leaves = leaves
        self._updates = updates

    def step(self, op: str, *inputs: int, part: str | None = None, **static: Any) -> int:
        """Apply a primitive; ``part`` names the result among the layer's: ``z``, ``y``."""
        return self.builder.step(op, *inputs, name=part and f"{self.name}.{part}", **static)

    def number(self, value: float) -> int:
        """Add a constant."""
        return self.builder.number(value)

    def parameter(self, part: str) -> int:
        """Return the leaf of a parameter."""
        return self._leaf(part, PARAMETER)

    def state(self, part: str) -> int:
        """Return the leaf of a state, or of a mask that is drawn at each step."""
        return self._leaf(part, STATE)

    def _leaf(self, part: str, kind: str) -> int:
        name = f"{self.name}.{part}"
        return self.builder.leaf(name, self._leaves[name], kind)

    def renew(self, part: str, node: int) -> None:
        """Note the new value of a state, which the training loop writes back."""
        self._updates[f"{self.name}.{part}"] = node


class Lowered(NamedTuple):
    """A graph for one mode and number of rows.

    Attributes:
        graph: The computation; where there is a loss, it is the last output.
        output: Node of the network's outputs: logits where the loss takes logits.
        prediction: Node of what is shown: probabilities, or the outputs.
        data_loss: Node of the loss without penalties; None without targets.
        target: Name of the leaf that targets come in by; None without.
        updates: State -> node of its new value.
        activations: What the alarms look at: layer -> (node before, node after).
        layers: Layer -> node of what it gives, its activation included.
        weights: Name of the leaf that the rows' weights come in by; None where all count alike.
        carries: What sequences begin with -> node of their end, from which they may go on.
    """

    graph: Graph
    output: int
    prediction: int
    data_loss: int | None
    target: str | None
    updates: Mapping[str, int]
    activations: Mapping[str, tuple[int, int]]
    layers: Mapping[str, int]
    weights: str | None = None
    carries: Mapping[str, int] = MappingProxyType({})

    @property
    def shapes(self) -> dict[str, Shape]:
        """Shape of every leaf but constants, by name."""
        return {name: self.graph.nodes[id].shape for name, id in self.graph.inputs.items()}

    @property
    def loss(self) -> int:
        """Node of the loss with its penalties."""
        return self.graph.output
