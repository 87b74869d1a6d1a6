"""The graphs that a program is written from: predicting, and a training step with its gradient."""

from __future__ import annotations

from itertools import groupby
from typing import Any, NamedTuple

from ...engine.record import Recorder, Written
from ...engine.run import run
from ...graph import NOWHERE, ArrayBuilder, Graph
from ...language.recurrence import MASK
from ...ops.arrays import ARRAYS
from .facts import Facts


class Rows(int):
    """A number of rows that a program takes from its argument, wherever a shape has it."""

    def __repr__(self) -> str:
        return "len(x)"


class Forward(NamedTuple):
    """A forward pass.

    Attributes:
        graph: The computation.
        output: Node of what the network gives; logits where the loss takes logits.
        loss: Node of the loss with its penalties; None where there is none.
        updates: State -> node of its new value.
    """

    graph: Graph
    output: int
    loss: int | None
    updates: dict[str, int]


class Backward(NamedTuple):
    """A forward pass with the reverse sweep after it.

    Attributes:
        graph: The computation, nodes of the forward pass as they were.
        gradient: Parameter that is trained -> node of its cotangent.
    """

    graph: Graph
    gradient: dict[str, int]

    @property
    def by_layer(self) -> list[list[int]]:
        """Nodes of the gradient, a list a layer, the last first: as the sweep comes to them."""
        groups = groupby(self.gradient.items(), lambda item: item[0].rpartition(".")[0])
        return [[id for _, id in items] for _, items in groups][::-1]


def predicting(facts: Facts) -> Forward:
    """Return the pass that predicts, for any number of rows."""
    lowered = facts.network.lower(Rows(len(facts.sample)), training=False, targets=False)
    if MASK not in lowered.graph.inputs:
        return Forward(lowered.graph, lowered.output, None, {})
    builder, ids = _recorded(facts, lowered.graph)
    return Forward(builder.build([ids[lowered.output]]), ids[lowered.output], None, {})


def training(facts: Facts) -> Forward:
    """Return the pass of a training step; masks are left out, as each framework draws its own."""
    assert facts.step is not None
    lowered = facts.network.lower(len(facts.step.inputs), training=True)
    builder, ids = _recorded(facts, lowered.graph)
    updates = {name: ids[id] for name, id in lowered.updates.items()}
    output, loss = ids[lowered.output], ids[lowered.loss]
    return Forward(builder.build([*updates.values(), output, loss]), output, loss, updates)


def _recorded(facts: Facts, graph: Graph) -> tuple[ArrayBuilder, list[int]]:
    """Return a pass as it is without what it draws, of sequences that have all their steps; node by node."""
    recorder = Recorder()
    leaves: dict[int, Any] = dict(graph.constant_values())
    for name, id in graph.inputs.items():
        node = graph.nodes[id]
        if name in facts.network.draws:
            leaves[id] = 1.0
        elif name == MASK:
            leaves[id] = recorder.write(ARRAYS["expand"], (1.0,), {"shape": node.shape})
        else:
            leaves[id] = Written(recorder, recorder.builder.array(name, node.shape, NOWHERE, node.kind))
    values = run(graph, leaves, recorder.xp, apply=recorder.apply)
    for node, value in zip(graph.nodes, values, strict=True):
        if node.name is not None and node.op is not None and recorder.builder.nodes[value.id].name is None:
            recorder.builder.name(value.id, node.name)
    return recorder.builder, [recorder.id(value) for value in values]


def backward(forward: Forward, trained: list[str]) -> Backward:
    """Return a forward pass with the cotangents of its parameters, named after what they are of."""
    graph = forward.graph
    recorder = Recorder(graph)
    inputs = {name: graph.inputs[name] for name in trained}
    cotangents = recorder.pull(graph, [recorder.node(n.id) for n in graph.nodes], list(inputs.values()))
    whole = {
        name: recorder.id(recorder.whole(cotangents[id], graph.nodes[id].shape))
        for name, id in inputs.items()
    }
    nodes = recorder.builder.nodes
    for node in graph.nodes:
        value = cotangents[node.id].value if cotangents[node.id] else None
        id = whole.get(node.name or "", value.id if isinstance(value, Written) else 0)
        if node.name is not None and id >= len(graph) and nodes[id].name is None:
            recorder.builder.name(id, f"d_{node.name}")
    return Backward(recorder.builder.build([forward.graph.output, *whole.values()]), whole)
