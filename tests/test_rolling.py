"""Loops that are found again in straight code: written out, they are what they were found in."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from test_recurrences import GRU, LSTM, RNN

from backprop_cli.engine.numpy import NATIVE, needed
from backprop_cli.engine.rolling import FEWEST, Loop, Own, Shared, read_outside, rolled
from backprop_cli.engine.tape import Tape
from backprop_cli.graph import Node
from backprop_cli.training.config import loads
from backprop_cli.training.problem import Problem, assemble

HEAD = """
data: {{inputs: {inputs}, targets: {targets}, shape: [{steps}, 2]}}
model:
  dims: {{H: 3, G: {gates}}}
  parameters: {{W: [G*H, 2], U: [G*H, 3], b: G*H, c: G*H, v: 3, P: [{steps}, 3]}}
  program: |
{program}
    y = v'@h[end] + P[0, 0]
{loss}
"""
EVERY = "    e[t] = v'@h[t+1] + P[t][0]\n    loss = mean_t((e[t] - x[t][0])^2) + (y - t)^2 + sum(b) + sum(c)"
TWO = """
    g[-1] = 0; g[0] = 0
    g[t+1] = tanh(g[t]*g[t-1] + U@h[t])
    loss = sum(g[end]) + y
"""


def problem(program: str, gates: int, steps: int, loss: str = "") -> Problem:
    rng = np.random.default_rng(steps)
    inputs = rng.normal(size=(2, steps * 2)).tolist()
    text = HEAD.format(
        inputs=inputs, targets=[1, 2], steps=steps, gates=gates, program=program.strip("\n"), loss=loss
    )
    return assemble(loads(text, "net.yaml", []))


def tape_of(found: Problem) -> tuple[list[Node], list[int], list[int]]:
    """Return the instructions of a step with its gradient, and which of them are asked for."""
    lowered = found.network.lower(2, training=True)
    graph, tape = lowered.graph, Tape(NATIVE)
    leaves = {id: tape.leaf(name, graph.nodes[id].shape) for name, id in graph.inputs.items()}
    wanted = [graph.inputs[p.name] for p in found.network.parameters if p.name in graph.inputs]
    tape.record(graph, {**graph.constant_values(), **leaves}, wanted)
    asked = [
        tape.values[lowered.loss],
        *(tape.whole(tape.cotangents[i], graph.nodes[i].shape) for i in wanted),
    ]
    outputs = [tape.id(x) for x in asked]
    return tape.builder.nodes, needed(tape.builder.nodes, outputs), outputs


def picks(node: Node) -> list[int]:
    return [k for k in node.static.get("key", ()) if isinstance(k, int)]


@pytest.mark.parametrize(
    ("program", "gates", "loss", "saved"),
    [
        (RNN, 1, "", 0.85),
        (GRU, 3, "    loss = mean_t(norm(h[t] - 1)) + y*t", 0.8),
        (LSTM, 4, EVERY, 0.75),
        (RNN, 1, TWO, 0.8),
    ],
    ids=["rnn", "gru", "lstm", "two"],
)
def test_written_out_they_are_the_same(program: str, gates: int, loss: str, saved: float) -> None:
    nodes, order, outputs = tape_of(problem(program, gates, 40, loss))
    stretches = rolled(nodes, order)
    loops = [x for x in stretches if isinstance(x, Loop)]
    done: set[int] = {k for k in order if nodes[k].op is None}
    for stretch in stretches:
        for id in _written_out(nodes, stretch):
            assert done.issuperset(nodes[id].inputs)  # nothing is read before it is there
            done.add(id)
    assert done == set(order)
    assert 1 - sum(len(x.ids[0]) if isinstance(x, Loop) else 1 for x in stretches) / len(order) > saved
    assert len(loops) >= 2
    for loop in loops:
        inside = {id for ids in loop.ids for id in ids}
        others = {i for k in order if k not in inside for i in nodes[k].inputs} | set(outputs)
        told = read_outside(nodes, order, outputs, loop)
        assert {loop.ids[step][k] for k, steps in told.items() for step in steps} == inside & others


def _written_out(nodes: list[Node], stretch: int | Loop) -> list[int]:
    """Return the instructions of a loop, held to what the loop says of them."""
    if not isinstance(stretch, Loop):
        return [stretch]
    assert len(stretch.ids) >= FEWEST
    for step, ids in enumerate(stretch.ids):
        for k, id in enumerate(ids):
            node, first = nodes[id], nodes[stretch.ids[0][k]]
            assert (node.op, node.shape, len(node.inputs)) == (first.op, first.shape, len(first.inputs))
            moved = stretch.keys[k] or (0,) * len(picks(first))
            assert picks(node) == [a + step * by for a, by in zip(picks(first), moved, strict=False)]
            for operand, read in zip(stretch.operands[k], node.inputs, strict=True):
                expected: Any = read
                if isinstance(operand, Own):
                    if step >= operand.back:
                        expected = stretch.ids[step - operand.back][operand.at]
                else:
                    expected = operand.id if isinstance(operand, Shared) else operand.ids[step]
                assert read == expected
    return [id for ids in stretch.ids for id in ids]


def test_what_does_not_repeat_stays() -> None:
    """Few steps are no loop; the same operation again and again on other things is none either."""
    nodes, order, _ = tape_of(problem(RNN, 1, 3))
    assert not any(isinstance(x, Loop) for x in rolled(nodes, order))


def test_a_step_is_found_at_any_length() -> None:
    """As many steps as there are, but for some at the ends, which begin with something else."""
    lengths = [
        [len(x.ids) for x in rolled(*tape_of(problem(RNN, 1, steps))[:2]) if isinstance(x, Loop)]
        for steps in (20, 21, 22)
    ]
    assert all([b - a for a, b in zip(*pair, strict=True)] == [1, 1] for pair in pairwise(lengths))
