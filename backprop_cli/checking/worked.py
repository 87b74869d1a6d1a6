"""One training step worked out as single numbers: exactly, with every result rounded, or going wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..engine.run import run
from ..engine.sweep import sweep
from ..explanation.paper import Paper
from ..graph import Graph, Node
from ..networks.network import NDArray
from ..networks.point import NetworkPoint
from ..networks.unrolled import Unrolled
from ..ops import PRIMITIVES
from ..ops.namespaces import FLOATS
from ..training.step import Made
from .derivatives import as_shown

VALUE, SLOPE, NEW, AFTER = "value", "slope", "new", "after"
Slopes = Sequence[float]
Parameters = Mapping[str, NDArray]


class Quantity(NamedTuple):
    """Something of the step.

    Attributes:
        text: As `trace` names it.
        kind: ``value``, ``slope``, ``new`` (a parameter after the update) or ``after`` (the loss then).
        id: Its node.
    """

    text: str
    kind: str
    id: int


class Worked:
    """The step worked out, exactly or with every result rounded.

    Attributes:
        u: The network as single numbers.
        point: The same run forward and swept back.
        new: Parameters after the update.
        after: The loss then.
    """

    def __init__(self, made: Made, paper: Paper) -> None:
        self.made, self.paper = made, paper
        self.u = made.unrolled(paper)
        self.point = NetworkPoint(self.u).here
        self.new = dict(made.new) if paper.exact else self.updated(self.point.cotangents)
        self.after = self.loss(self.new)

    def loss(self, parameters: Parameters) -> float:
        """Return the loss with other parameters."""
        given = {n: parameters[n] for n in self.u.parameters}
        return float(self.u.run(given)[self.u.graph.output])

    def gradients(self, slopes: Slopes) -> dict[str, NDArray]:
        """Return slopes by parameter."""
        return self.u.by_parameter(slopes)

    def updated(self, slopes: Slopes) -> dict[str, NDArray]:
        """Return all parameters after the optimizer's step along these slopes."""
        made, paper, gradients = self.made, self.paper, self.gradients(slopes)
        trained = {n: gradients[n] for n in made.gradients}
        clipped = made.clipped(trained, made.clipping(trained, paper), paper)
        return {**made.old, **made.updated(clipped, paper)}

    def value(self, quantity: Quantity) -> float:
        """Return a quantity's number."""
        if quantity.kind == VALUE:
            return float(self.point.values[quantity.id])
        if quantity.kind == SLOPE:
            return float(self.point.cotangents[quantity.id])
        if quantity.kind == AFTER:
            return self.after
        return entry(self.u, self.new, quantity.id)

    def forward(
        self,
        parameters: Parameters | None = None,
        *,
        forced: Mapping[int, float] | None = None,
        skipped: Collection[int] = (),
    ) -> list[float]:
        """Return the values of a forward pass that goes wrong; no value has to be finite.

        Args:
            parameters: In place of those before the update.
            forced: Values that are given.
            skipped: Activations that are left out.
        """
        leaves = dict(enumerate(self.put_in(parameters or {})))
        return run(_without(self.u.graph, skipped), leaves, force=forced)

    def put_in(self, parameters: Parameters) -> list[float]:
        """Return the right values, but for these parameters."""
        values = list(self.point.values)
        for name, array in parameters.items():
            if name in self.u.parameters:
                for id, x in zip(self.u.parameters[name].reshape(-1), np.reshape(array, -1), strict=True):
                    values[int(id)] = float(x)
        return values

    def pulled(
        self,
        parameters: Parameters | None = None,
        *,
        slopes: Mapping[int, float] | None = None,
        values: Sequence[float] | None = None,
        local: Mapping[int, float] | None = None,
        shown: bool = False,
    ) -> list[float]:
        """Return the slopes of a backward pass that goes wrong.

        Args:
            parameters: Weights in the local derivatives, in place of those of the forward pass.
            slopes: Slopes that are given.
            values: Of the forward pass.
            local: Local derivatives of nodes by their first operand.
            shown: Take local derivatives as readers are shown them: of a sigmoid from its value.
        """
        u = self.u
        base = self.point.values if values is None else values
        other = self.put_in(parameters) if parameters else base

        def partials(node: Node) -> Sequence[float]:
            if local and node.id in local:
                return [local[node.id], *[0.0] * (len(node.inputs) - 1)]
            source = base if node.id in u.penalties else other
            if shown:
                return as_shown(node.primitive, base[node.id], [source[i] for i in node.inputs])
            found: Sequence[float] = node.primitive.partials(
                FLOATS, base[node.id], *(source[i] for i in node.inputs)
            )
            return found

        return sweep(u.graph, base, self.point.active, force=slopes, partials=partials)


def _without(graph: Graph, skipped: Collection[int]) -> Graph:
    """Return the graph with steps that give their first operand as it is."""
    if not skipped:
        return graph
    same, nodes = PRIMITIVES["identity"], list(graph.nodes)
    for id in skipped:
        node = nodes[id]
        nodes[id] = Node(id, same, node.inputs[:1], node.kind, node.span, node.name)
    return graph.replaced(nodes=nodes)


def entry(u: Unrolled, parameters: Parameters, id: int) -> float:
    """Return the number of a parameter that a node stands for."""
    for name, ids in u.parameters.items():
        where = np.nonzero(ids == id)
        if where[0].size:
            return float(np.asarray(parameters[name])[tuple(int(w[0]) for w in where)])
    raise KeyError(id)
