"""Derivatives as programs: what the recorder leaves is run, differentiated again and compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from test_network import blobs, digits, linear, problem, rows_of, start
from test_properties import QUICK, programs

from backprop_cli.differentiation.forward import hessian
from backprop_cli.engine.record import Recorder
from backprop_cli.engine.reverse import reverse
from backprop_cli.engine.run import evaluate, leaf_values, run
from backprop_cli.engine.sweep import active_nodes
from backprop_cli.engine.tensors import TensorPlan
from backprop_cli.errors import BackpropError
from backprop_cli.graph import Graph
from backprop_cli.language.format import node_text
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse


def gradient_program(graph: Graph, wrt: Sequence[str] | None = None) -> Graph:
    """Return a program with the cotangents of its inputs as the outputs, in their order and shape."""
    recorder = Recorder(graph)
    leaves = [graph.inputs[name] for name in (graph.inputs if wrt is None else wrt)]
    values = [recorder.node(node.id) for node in graph.nodes]
    cotangents = recorder.pull(graph, values, leaves)
    return recorder.done(*(recorder.whole(cotangents[i], graph.nodes[i].shape) for i in leaves))


def graph_of(text: str) -> Graph:
    return lower(parse(text))


def outputs(program: Graph, point: dict[str, float]) -> list[float]:
    values = run(program, leaf_values(program, point))
    return [values[i] for i in program.outputs]


def swept(graph: Graph, point: dict[str, float]) -> list[float]:
    values, _ = evaluate(graph, point)
    cotangents = reverse(graph, values, active_nodes(graph))
    return [cotangents[i] for i in graph.inputs.values()]


CASES = [
    ("a*b + sin(a)", {"a": 2.0, "b": 3.0}),
    ("x^3 - 2*x^2 + x^0 + x^1", {"x": 1.7}),
    ("x^x*y^(x + 1)", {"x": 0.3, "y": 2.5}),
    ("max(x, y, z)", {"x": 1.0, "y": 1.0, "z": 1.0}),
    ("max(x, y)*min(x, y, 2)", {"x": 2.0, "y": 2.0}),
    ("where(x > 0, log(x), x^2) + relu(x)", {"x": 0.4}),
    ("where(x > 0, log(x), x^2) + relu(x)", {"x": -0.4}),
    ("where(x > 0, sqrt(x), 0)*y", {"x": -3.0, "y": 2.0}),
    ("where(x > 0, sqrt(x), 0)*y", {"x": 0.0, "y": 2.0}),
    ("|x| + relu(x) + leaky_relu(x) + sign(x) + floor(x)", {"x": 0.0}),
    ("h = tanh(w*x + b); 0.5*(h - t)^2", {"w": 0.3, "x": 2.0, "b": -0.1, "t": 1.0}),
    ("atan2(y, x) + hypot(x, y) + log1p(x) - expm1(y)/3", {"x": 0.7, "y": -0.2}),
    ("u = x*x; u + u + u*2", {"x": 1.1}),
    ("-(-x) + 0*x + 1*x - x/1", {"x": 5.0}),
    ("softplus(x)*gelu(x)*sigmoid(-x)", {"x": 0.9}),
    ("exp(2)*pi*x", {"x": 1.0}),
    ("7", {}),
]


@pytest.mark.parametrize(("text", "point"), CASES)
def test_the_written_sweep_gives_the_bits_of_the_sweep(text: str, point: dict[str, float]) -> None:
    graph = graph_of(text)
    assert outputs(gradient_program(graph), point) == swept(graph, point)


@QUICK
@given(programs())
def test_random_programs(program: tuple[str, dict[str, float]]) -> None:
    """Where a factor of a path is 0 at the point alone, the written sweep may meet 0*inf; nowhere else."""
    text, point = program
    try:
        graph = graph_of(text)
        point = {name: point.get(name, graph.defaults.get(name, 0.0)) for name in graph.inputs}
        wanted = swept(graph, point)
    except BackpropError:
        return
    for found, slope in zip(outputs(gradient_program(graph), point), wanted, strict=True):
        assert found == slope or np.isnan(found)


def test_the_program_stays_in_front_and_is_not_changed() -> None:
    graph = graph_of("h = x*y; h + sin(h)")
    nodes = list(graph.nodes)
    program = gradient_program(graph, ["y"])
    assert graph.nodes == nodes == program.nodes[: len(nodes)]
    assert (list(program.inputs), len(program.outputs)) == (["x", "y"], 1)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("x^2", ["2*x"]),
        ("3*x*y", ["3*y", "3*x"]),
        ("sin(x)", ["cos(x)"]),
        ("x - y", ["1", "-1"]),
        ("0*x + x*1 + y", ["1", "1"]),
        ("x + 0*y", ["1", "0"]),
        ("x*x", ["2*x"]),
        ("where(x < 1, x, y)", ["where(v2, 1, 0)", "where(v2, 0, 1)"]),
    ],
)
def test_nothing_needless_is_written(text: str, written: list[str]) -> None:
    program = gradient_program(graph_of(text))
    texts = [
        program.name(i) if program.nodes[i].op is None else node_text(program, i) for i in program.outputs
    ]
    assert texts == written


def second(graph: Graph, point: dict[str, float]) -> list[list[float]]:
    """The Hessian by the gradient of every output of the gradient."""
    first = gradient_program(graph)
    names = graph.inputs
    rows = []
    for output in first.outputs:
        one = Recorder(first)
        program = gradient_program(one.done(one.node(output)), list(names))
        rows.append(outputs(program, point))
    return rows


@pytest.mark.parametrize(("text", "point"), [case for case in CASES if case[1]])
def test_a_gradient_of_a_gradient_is_the_hessian(text: str, point: dict[str, float]) -> None:
    """Against dual numbers through the sweep."""
    graph = graph_of(text)
    wanted = [list(row.values()) for row in hessian(graph, point).values()]
    np.testing.assert_allclose(second(graph, point), wanted, rtol=1e-13, atol=1e-14)


# arrays


NETWORKS = {
    "dense": blobs([linear(5, activation="tanh"), linear()]),
    "everything": digits(
        [
            {"type": "conv2d", "channels": 3, "padding": "same", "activation": "relu"},
            {"type": "batch_norm"},
            {"type": "max_pool2d"},
            {"type": "dropout", "rate": 0.25},
            {"type": "flatten"},
            linear(6, activation="gelu"),
            {"type": "batch_norm"},
            linear(5, activation="softmax"),
            linear(),
        ],
        regularization={"l1": 0.01, "l2": 0.02},
    ),
    "huber": rows_of([[0.0, 1.0], [2.0, 3.0]], [[1.0], [9.0]], model={"hidden": [3]}, loss="huber"),
    "formula": {
        "data": {"path": "rows.csv"},
        "model": {"formula": "y ~ a*exp(b*x) + |c|", "parameters": {"a": 1.0, "b": 0.1, "c": -1.0}},
    },
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_gradient_of_a_network_is_a_program(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recorded row by row and then run, it gives the numbers of the plan; shapes are the parameters'."""
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text("x,y\n1,2\n2,3\n3,7\n")
    training, bound = start(problem(NETWORKS[name]))
    graph, runner = bound.lowered.graph, training.runner
    trained = [name for name in runner.gradients if name in graph.inputs]
    program = gradient_program(graph, trained)
    for name, output in zip(trained, program.outputs, strict=True):
        assert program.nodes[output].shape == graph.nodes[graph.inputs[name]].shape
    plan = TensorPlan(program, {graph.inputs[n]: a for n, a in bound.leaves.items()}, keep=program.outputs)
    with np.errstate(under="ignore"):
        plan.run()
    for name, output in zip(trained, program.outputs, strict=True):
        np.testing.assert_allclose(plan.value(output), runner.gradients[name], rtol=1e-12, atol=1e-15)


def test_the_second_derivative_of_a_network() -> None:
    """The gradient of (gradient . direction), against differences of gradients."""
    layers = [
        {"type": "conv2d", "channels": 2, "activation": "tanh"},
        {"type": "max_pool2d"},
        {"type": "flatten"},
        linear(activation="softmax"),
    ]
    training, bound = start(problem(digits(layers, loss="mse")))
    graph, runner = bound.lowered.graph, training.runner
    leaves = {graph.inputs[name]: array for name, array in bound.leaves.items()}
    trained = list(runner.gradients)
    direction = {name: np.random.default_rng(3).normal(size=g.shape) for name, g in runner.gradients.items()}
    first = gradient_program(graph, trained)
    recorder = Recorder(first)
    along = 0.0
    for name, output in zip(trained, first.outputs, strict=True):
        leaf = recorder.builder.array(f"{name}.direction", direction[name].shape, (0, 0))
        leaves[leaf] = direction[name]
        along = along + recorder.xp.sum(recorder.node(output) * recorder.node(leaf), None)
    program = gradient_program(recorder.done(along), trained)
    plan = TensorPlan(program, leaves, keep=program.outputs)
    h = 1e-5
    start_at = runner.theta.copy()
    moved = np.concatenate([direction[name].reshape(-1) for name in trained])
    with np.errstate(all="ignore"):
        plan.run()
        sides = []
        for step in (h, -h):
            runner.theta[...] = start_at + step * moved
            bound.plan.run()
            sides.append({name: g.copy() for name, g in runner.gradients.items()})
    for name, output in zip(trained, program.outputs, strict=True):
        wanted = (sides[0][name] - sides[1][name]) / (2 * h)
        np.testing.assert_allclose(plan.value(output), wanted, rtol=1e-5, atol=1e-8)
