"""Networks from layers: shapes and their errors, first values, modes, and the one engine below."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.tensors import TensorPlan
from backprop_cli.errors import ConfigError
from backprop_cli.graph import Graph
from backprop_cli.networks.layers import Layer
from backprop_cli.networks.network import LayerNetwork
from backprop_cli.networks.runner import Runner
from backprop_cli.training import config as configs
from backprop_cli.training.config.walk import tags_of
from backprop_cli.training.config.yaml_source import read
from backprop_cli.training.loop import Training
from backprop_cli.training.problem import Problem, assemble

Array = np.ndarray[Any, np.dtype[Any]]
Sections = dict[str, Any]


def problem(sections: Sections, *overrides: str) -> Problem:
    """A config given as a mapping, with its data."""
    return assemble(configs.loads(json.dumps(sections), "case.yaml", overrides))


def rows_of(inputs: list[list[float]], targets: list[list[float]], **more: Any) -> Sections:
    return {"data": {"inputs": inputs, "targets": targets}, "task": "regression", **more}


def blobs(layers: list[Sections], **more: Any) -> Sections:
    """Twelve rows of 2 features in 3 classes."""
    return {"data": {"dataset": "blobs", "samples": 12}, "model": {"layers": layers}, **more}


def digits(layers: list[Sections], **more: Any) -> Sections:
    data = {"dataset": "digits", "shape": [1, 8, 8], "scaling": {"divide": 16}}
    return {"data": data, "model": {"layers": layers}, **more}


def linear(units: int | None = None, **more: Any) -> Sections:
    return {"type": "linear", **({"units": units} if units else {}), **more}


def start(problem: Problem, rows: int = 0) -> tuple[Training, Any]:
    """A training and the plan of its first batch, run once."""
    training = Training(problem)
    bound = training.first_batch()
    with np.errstate(under="ignore"):
        bound.plan.run()
    return training, bound


@pytest.mark.parametrize(
    ("model", "loss", "found"),
    [
        ({"hidden": [4]}, "auto", ("cross_entropy", 2)),
        ({"hidden": [4]}, "binary_cross_entropy", ("binary_cross_entropy", 1)),
        ({"layers": [linear(1)]}, "auto", ("binary_cross_entropy", 1)),
        ({"layers": [linear(1), "sigmoid"]}, "auto", ("binary_cross_entropy", 1)),
        ({"layers": [linear(1), "sigmoid"]}, "mse", ("mse", 1)),
        ({"layers": [linear(2), "softmax"]}, "auto", ("cross_entropy", 2)),
        ({"layers": [linear(2)]}, "binary_cross_entropy", ("binary_cross_entropy", 2)),
        ({"layers": [linear()]}, "binary_cross_entropy", ("binary_cross_entropy", 1)),
    ],
)
def test_outputs_for_two_classes(model: Sections, loss: str, found: tuple[str, int]) -> None:
    made = problem({"data": {"dataset": "circles"}, "model": model, "loss": loss})
    assert (made.config.loss.type, made.network.outputs) == found


# --- shapes ----------------------------------------------------------------------------------------


def test_shapes_through_every_layer() -> None:
    layers = [
        {"type": "conv2d", "channels": 3, "kernel_size": 3, "padding": "same"},
        {"type": "batch_norm"},
        {"type": "activation", "activation": "tanh"},
        {"type": "max_pool2d"},
        {"type": "conv2d", "channels": 5, "kernel_size": 2, "stride": 2, "padding": 1},
        {"type": "max_pool2d", "kernel_size": 2, "stride": 1},
        {"type": "dropout", "rate": 0.5},
        {"type": "flatten"},
        {"type": "dense", "units": 7, "activation": "sigmoid"},
        {"type": "linear"},
    ]
    network = problem(digits(layers)).network
    assert isinstance(network, LayerNetwork)
    assert [(piece.name, piece.layer.tag, piece.after) for piece in network.pieces] == [
        ("conv2d1", "conv2d", (3, 8, 8)),
        ("batch_norm1", "batch_norm", (3, 8, 8)),
        ("tanh1", "activation", (3, 8, 8)),
        ("max_pool2d1", "max_pool2d", (3, 4, 4)),
        ("conv2d2", "conv2d", (5, 3, 3)),
        ("max_pool2d2", "max_pool2d", (5, 2, 2)),
        ("dropout1", "dropout", (5, 2, 2)),
        ("flatten1", "flatten", (20,)),
        ("linear1", "linear", (7,)),
        ("linear2", "linear", (10,)),
    ]
    assert {p.name: p.shape for p in network.parameters} == {
        "conv2d1.weights": (3, 1, 3, 3),
        "conv2d1.bias": (3,),
        "batch_norm1.weights": (3,),
        "batch_norm1.bias": (3,),
        "conv2d2.weights": (5, 3, 2, 2),
        "conv2d2.bias": (5,),
        "linear1.weights": (7, 20),
        "linear1.bias": (7,),
        "linear2.weights": (10, 7),
        "linear2.bias": (10,),
    }
    for training in (True, False):
        runner = Runner(network, "float64")
        bound = runner.bound(6, training=training, keep=True)
        bound.leaves["x"][...] = np.linspace(0, 1, 6 * 64).reshape(6, 1, 8, 8)
        bound.targets[...] = np.eye(10)[:6]
        bound.plan.run()
        named = {n.name: n.id for n in bound.lowered.graph.nodes if n.name}
        for name, layer, _, shape, _ in network.pieces:
            tag = layer.tag
            if tag in ("dropout", "linear") and not (training and tag == "dropout"):
                continue
            assert bound.plan.value(named[f"{name}.y" if f"{name}.y" in named else f"{name}.z"]).shape == (
                6,
                *shape,
            )
        assert bound.plan.value(bound.lowered.output).shape == (6, 10)


def series(layers: list[Any]) -> Sections:
    """Digits as eight channels of eight numbers."""
    return {**digits(layers), "data": {"dataset": "digits", "shape": [8, 8]}}


def test_shapes_through_convolutions_along_one_axis() -> None:
    layers = [
        {"type": "conv1d", "channels": 3, "padding": "same", "frozen": ["bias"]},
        {"type": "conv1d", "channels": 5, "kernel_size": 4, "stride": 2, "padding": 1, "activation": "relu"},
        {"type": "flatten"},
        linear(),
    ]
    network = problem(series(layers)).network
    assert isinstance(network, LayerNetwork)
    assert [piece.after for piece in network.pieces] == [(3, 8), (5, 4), (20,), (10,)]
    assert [(p.name, p.shape, p.trained) for p in network.parameters[:4]] == [
        ("conv1d1.weights", (3, 8, 3), True),
        ("conv1d1.bias", (3,), False),
        ("conv1d2.weights", (5, 3, 4), True),
        ("conv1d2.bias", (5,), True),
    ]


def test_shapes_of_what_each_row_is_by_itself() -> None:
    layers = [
        {"type": "layer_norm"},
        {"type": "average_pool2d"},
        {"type": "layer_norm", "axes": "last", "frozen": ["weights"]},
        {"type": "flatten"},
        {"type": "linear"},
    ]
    network = problem(digits(layers), "training.batch_size=1").network
    assert [(p.name, p.shape, p.trained, p.penalised) for p in network.parameters[:4]] == [
        ("layer_norm1.weights", (1, 8, 8), True, False),
        ("layer_norm1.bias", (1, 8, 8), True, False),
        ("layer_norm2.weights", (4,), False, False),
        ("layer_norm2.bias", (4,), True, False),
    ]
    assert network.states == network.draws == {}


WRONG_SHAPES: list[tuple[Sections, str, list[str]]] = [
    (
        blobs([linear(4), linear(5)]),
        "model.layers.1",
        ["the last layer gives rows of 5, but the targets are rows of 3", "units: 3"],
    ),
    (
        blobs([linear(4, weights=[[1, 2, 3]] * 4), linear()]),
        "model.layers.0",
        ["the weights are 4x3, but the layer needs 4x2 (units x inputs)"],
    ),
    (digits([linear()]), "model.layers.0", ["gets rows of 1x8x8", "flatten"]),
    (
        digits([{"type": "average_pool2d", "kernel_size": 9}, {"type": "flatten"}, linear()]),
        "model.layers.0",
        ["average_pool2d1: a window of 9x9 does not fit into rows of 1x8x8"],
    ),
    (
        blobs([{"type": "conv2d", "channels": 2}, {"type": "flatten"}, linear()]),
        "model.layers.0",
        ["channels, height and width", "rows of 2"],
    ),
    (
        digits([{"type": "conv1d", "channels": 2}, {"type": "flatten"}, linear()]),
        "model.layers.0",
        ["conv1d1 takes channels and length, but gets rows of 1x8x8"],
    ),
    (
        series([{"type": "conv1d", "channels": 2, "kernel_size": 9}, {"type": "flatten"}, linear()]),
        "model.layers.0",
        ["a kernel of 9 does not fit into rows of 8x8"],
    ),
    (
        series(
            [{"type": "conv1d", "channels": 1, "kernel_size": 2, "weights": [[[1, 2]]]}, "flatten", linear()]
        ),
        "model.layers.0",
        ["the weights are 1x1x2, but the layer needs 1x8x2 (channels x inputs x length)"],
    ),
    (
        digits([{"type": "conv2d", "channels": 2, "kernel_size": 9}, {"type": "flatten"}, linear()]),
        "model.layers.0",
        ["a kernel of 9x9 does not fit into rows of 1x8x8"],
    ),
    (
        digits(
            [
                {"type": "conv2d", "channels": 2},
                {"type": "max_pool2d", "kernel_size": 7},
                {"type": "flatten"},
                linear(),
            ]
        ),
        "model.layers.1",
        ["a window of 7x7 does not fit into rows of 2x6x6"],
    ),
    (
        digits([{"type": "conv2d", "channels": 10}]),
        "model.layers.0",
        ["the last layer gives rows of 10x6x6, but the targets are rows of 10", "flatten"],
    ),
    (
        digits(
            [
                {"type": "conv2d", "channels": 2, "kernel_size": 4, "padding": "same"},
                {"type": "flatten"},
                linear(),
            ]
        ),
        "model.layers.0",
        ["padding same needs stride 1 and an odd kernel_size", "1 and 4"],
    ),
    (
        digits([{"type": "activation", "activation": "softmax"}, {"type": "flatten"}, linear()]),
        "model.layers.0",
        ["softmax takes rows of numbers", "rows of 1x8x8"],
    ),
    (
        digits(
            [
                {
                    "type": "conv2d",
                    "channels": 1,
                    "kernel_size": 2,
                    "weights": [[[[1, 2], [3, 4]], [[1, 2], [3, 4]]]],
                },
                {"type": "flatten"},
                linear(),
            ]
        ),
        "model.layers.0",
        ["the weights are 1x2x2x2, but the layer needs 1x1x2x2"],
    ),
    (
        blobs([{"type": "batch_norm"}, linear()], training={"batch_size": 11}),
        "training.batch_size",
        ["batch_norm cannot normalise one row", "12 rows in batches of 11"],
    ),
]


@pytest.mark.parametrize(
    ("sections", "key", "words"), WRONG_SHAPES, ids=lambda x: x if isinstance(x, str) else ""
)
def test_shapes_that_do_not_fit(sections: Sections, key: str, words: list[str]) -> None:
    """Both shapes are named, and the place is that of the layer."""
    written = json.dumps(sections, indent=1)
    with pytest.raises(ConfigError) as caught:
        assemble(configs.loads(written, "case.yaml"))
    text = str(caught.value)
    for word in words:
        assert word in text
    node = read(written, "case.yaml", [])
    for step in key.split("."):
        node = node.value[int(step) if step.isdigit() else step]
    assert text.startswith(f"{node.place}: ")


# --- first values ------------------------------------------------------------------------------------

INITS = [
    # init, standard deviation for 300 inputs and 200 outputs, largest magnitude
    ("he_normal", 0.08164965809277261, math.inf),
    ("he_uniform", 0.08164965809277261, 0.1414213562373095),
    ("glorot_normal", 0.06324555320336758, math.inf),
    ("glorot_uniform", 0.06324555320336758, 0.10954451150103323),
    ({"uniform": 0.3}, 0.17320508075688773, 0.3),
]


@pytest.mark.parametrize(("init", "deviation", "largest"), INITS, ids=str)
def test_first_values(init: Any, deviation: float, largest: float) -> None:
    row, layers = [0.0] * 300, [linear(200, init=init), linear(1)]
    network = problem(rows_of([row], [[0]], model={"layers": layers})).network
    weights = network.parameters[0].first
    assert weights.shape == (200, 300)
    # 60,000 draws: the standard deviation is known to 0.3 %, the mean to deviation/245
    assert weights.std() == pytest.approx(deviation, rel=0.015)
    assert abs(weights.mean()) < 5 * deviation / 245
    assert np.abs(weights).max() <= largest
    assert np.abs(weights).max() > 3 * deviation or largest < math.inf
    assert not network.parameters[1].first.any()


def test_fans_of_a_convolution() -> None:
    """A kernel of 3x3 over 1 channel has 9 inputs: He's deviation is sqrt(2/9)."""
    layers = [{"type": "conv2d", "channels": 500, "activation": "relu"}, {"type": "flatten"}, linear()]
    network = problem(digits(layers)).network
    assert network.parameters[0].first.std() == pytest.approx(0.4714045207910317, rel=0.03)


def test_automatic_and_zero_first_values() -> None:
    def first(seed: int = 0, **layer: Any) -> Array:
        made = problem(
            rows_of([[1.0] * 50], [[1]], model={"layers": [linear(40, **layer), linear()]}, seed=seed)
        )
        return made.network.parameters[0].first

    np.testing.assert_array_equal(first(activation="relu"), first(activation="relu", init="he_normal"))
    np.testing.assert_array_equal(first(activation="gelu"), first(activation="gelu", init="he_normal"))
    np.testing.assert_array_equal(first(activation="tanh"), first(activation="tanh", init="glorot_uniform"))
    np.testing.assert_array_equal(first(), first(init="glorot_uniform"))
    assert not first(init="zeros").any()
    assert not (first(seed=1) == first(seed=2)).any()


def test_layers_draw_apart() -> None:
    """A layer's first values do not depend on how much other layers drew, nor on their kind."""
    one = problem(rows_of([[1.0] * 3], [[1]], model={"layers": [linear(3), linear(3), linear(1)]})).network
    two = problem(
        rows_of([[1.0] * 3], [[1]], model={"layers": [linear(3), {"type": "dropout"}, linear(3), linear(1)]})
    ).network
    firsts = [{p.name: p.first for p in n.parameters} for n in (one, two)]
    np.testing.assert_array_equal(firsts[0]["linear2.weights"], firsts[1]["linear2.weights"])
    assert not (firsts[0]["linear1.weights"] == firsts[0]["linear2.weights"]).any()


def test_the_short_form_is_the_written_out_network_to_the_bit() -> None:
    data = {"dataset": "iris", "scaling": "standard"}
    more = {"training": {"epochs": 3, "batch_size": 16}, "seed": 4}
    short = {"data": data, "model": {"hidden": [16, 8], "activation": "tanh"}, **more}
    layers = [linear(16, activation="tanh"), linear(8, activation="tanh"), linear(3)]
    trainings = [Training(problem(s)) for s in (short, {"data": data, "model": {"layers": layers}, **more})]
    records = [list(t.run()) for t in trainings]
    assert records[0] == records[1]
    assert trainings[0].runner.theta.tobytes() == trainings[1].runner.theta.tobytes()


# --- modes -------------------------------------------------------------------------------------------


def test_what_is_frozen_stays() -> None:
    layers = [
        linear(4, activation="tanh", frozen=["weights"]),
        linear(3, frozen=["bias"], bias=[0.5, 0.25, -1]),
        {"type": "batch_norm", "frozen": ["weights", "bias"]},
        linear(),
    ]
    training = Training(problem(blobs(layers, training={"epochs": 5}, optimizer={"type": "adamw"})))
    before = training.runner.snapshot()
    list(training.run())
    changed = {n for n, a in training.runner.values.items() if (a != before[n]).any()}
    assert changed == {
        "linear1.bias",
        "linear2.weights",
        "batch_norm1.running_mean",
        "batch_norm1.running_variance",
        "linear3.weights",
        "linear3.bias",
    }
    assert training.runner.theta.size == 4 + 12 + 9 + 3


def test_nothing_to_train() -> None:
    """Everything frozen: the loss is measured, nothing moves."""
    layers = [linear(1, weights=[[2]], bias=[1], frozen=["weights", "bias"])]
    training = Training(
        problem(rows_of([[1], [2]], [[0], [0]], model={"layers": layers}, training={"epochs": 2}))
    )
    assert [r.values["loss"] for r in training.run()] == [17.0, 17.0]


FUSED_LAST = [
    ([linear(3), {"type": "activation", "activation": "softmax"}], [linear(3)]),
    ([linear(3, activation="softmax")], [linear(3)]),
]


@pytest.mark.parametrize(("written", "plain"), FUSED_LAST)
def test_a_written_softmax_is_fused(written: list[Sections], plain: list[Sections]) -> None:
    runs = []
    for layers in (written, plain):
        training = Training(problem(blobs(layers, loss="cross_entropy", training={"epochs": 4})))
        losses = [r.values["loss"] for r in training.run()]
        runs.append((losses, training.runner.theta.tobytes()))
        outcome = training.runner.predict(training.train.encoded)
        np.testing.assert_allclose(outcome.predictions.sum(axis=1), 1.0, rtol=1e-15)
    assert runs[0] == runs[1]


def test_a_written_sigmoid_is_fused() -> None:
    runs = []
    for activation in ({}, {"activation": "sigmoid"}):
        sections = {
            "data": {"inputs": [[0], [1], [2]], "targets": [[0], [1], [1]]},
            "task": "classification",
            "model": {"layers": [linear(1, weights=[[800]], bias=[-400], **activation)]},
            "loss": "binary_cross_entropy",
            "training": {"epochs": 2},
        }
        training = Training(problem(sections))
        runs.append(([r.values["loss"] for r in training.run()], training.runner.theta.tobytes()))
        found = training.runner.predict(training.train.encoded).predictions[:, 0]
        assert [float(p) for p in found] == pytest.approx([0, 1, 1], abs=1e-15)
    assert runs[0] == runs[1]
    assert runs[0][0][0] < 1e-170  # not clipped at 1e-12, as separate log and sigmoid would need


def test_without_fusion_the_softmax_is_a_layer() -> None:
    """mse on probabilities: the softmax is differentiated as a row of its own."""
    layers = [linear(3, activation="softmax")]
    training, bound = start(
        problem(blobs(layers, loss="mse", task="classification", training={"batch_size": "full"}))
    )
    assert "softmax" in {n.op.name for n in bound.lowered.graph.nodes if n.op}
    outputs = training.runner.predict(training.train.encoded, raw=True).predictions
    np.testing.assert_allclose(outputs.sum(axis=1), 1.0, rtol=1e-15)


def test_batch_norm_by_hand() -> None:
    """One feature, rows 1 2 3 6: mean 3, variance 3.5 (4.666... unbiased)."""
    layers = [{"type": "batch_norm", "momentum": 0.25, "eps": 0.5}, linear(1, weights=[[1]])]
    sections = rows_of(
        [[1], [2], [3], [6]],
        [[0], [0], [0], [0]],
        model={"layers": layers},
        optimizer={"type": "sgd", "learning_rate": 0},
        training={"epochs": 1, "batch_size": "full"},
    )
    training = Training(problem(sections))
    # (x - 3)/sqrt(3.5 + 0.5) = -1, -0.5, 0, 1.5; mean of squares (1 + 0.25 + 2.25)/4
    assert [r.values["loss"] for r in training.run()] == [0.875]
    values = training.runner.values
    assert values["batch_norm1.running_mean"].tolist() == [0.75]
    assert values["batch_norm1.running_variance"].tolist() == pytest.approx([0.75 + 0.25 * 14 / 3], rel=1e-15)
    # predicting: (x - 0.75)/sqrt(23/12 + 0.5)
    found = training.runner.predict(np.array([[0.75], [1.75]])).predictions[:, 0]
    assert found.tolist() == pytest.approx([0.0, 0.6432675209026914], rel=1e-14)


def test_batch_norm_by_channel() -> None:
    """Images are normalised over rows and places."""
    layers = [{"type": "batch_norm"}, {"type": "flatten"}, linear()]
    sections = digits(layers, training={"batch_size": 64})
    training = Training(problem(sections))
    bound = training.runner.bound(64, training=True, keep=True)
    bound.leaves["x"][...] = training.train.encoded[:64]
    bound.plan.run()
    named = {n.name: n.id for n in bound.lowered.graph.nodes if n.name}
    y = bound.plan.value(named["batch_norm1.y"])
    assert (y.shape, abs(y.mean()) < 1e-12) == ((64, 1, 8, 8), True)
    assert y.std() == pytest.approx(1.0, rel=1e-4)


def test_predicting_is_row_by_row() -> None:
    """Rows predicted together or alone, in any block: the same numbers (but for dropout and batches)."""
    layers = [linear(8, activation="relu"), {"type": "batch_norm"}, {"type": "dropout"}, linear(3)]
    training = Training(problem(blobs(layers, training={"epochs": 3})))
    list(training.run())
    rows = np.random.default_rng(1).normal(size=(2500, 2))  # three blocks
    together = training.runner.predict(rows).predictions
    np.testing.assert_array_equal(together, training.runner.predict(rows).predictions)
    alone = np.concatenate(
        [training.runner.predict(rows[i : i + 1]).predictions for i in range(0, 2500, 500)]
    )
    np.testing.assert_allclose(together[::500], alone, rtol=1e-13)
    assert training.runner.predict(rows[:0]).predictions.shape[0] == 0


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.9])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_dropout_keeps_the_expectation(rate: float, dtype: str) -> None:
    wide = 1_500
    layers = [{"type": "dropout", "rate": rate}, linear(1, weights=[[1.0] * wide])]
    sections = rows_of([[1.0] * wide], [[0]], model={"layers": layers}, dtype=dtype)
    training, bound = start(problem(sections))
    if not rate:
        assert "dropout1.mask" not in bound.leaves
        return
    mask = bound.leaves["dropout1.mask"]
    scale = np.dtype(dtype).type(1.0 / (1.0 - rate))
    assert set(np.unique(mask).tolist()) == {0.0, float(scale)}
    assert (mask == 0).mean() == pytest.approx(rate, abs=5 * math.sqrt(rate * (1 - rate) / wide))
    # nothing is dropped when predicting, and the sum is the same
    assert training.runner.predict(np.ones((1, wide))).predictions.tolist() == [[float(wide)]]


def test_dropout_differs_from_step_to_step_and_layer_to_layer() -> None:
    layers = [linear(50), {"type": "dropout"}, {"type": "dropout"}, linear(1)]
    sections = rows_of(
        [[1.0]] * 4, [[0]] * 4, model={"layers": layers}, training={"batch_size": 2, "epochs": 2}
    )
    training = Training(problem(sections))
    masks: list[bytes] = []

    def note() -> bool:
        bound = training.last_batch
        assert bound is not None
        masks.extend(bound.leaves[f"dropout{i}.mask"].tobytes() for i in (1, 2))
        return False

    list(training.run(note))
    assert len(masks) == len(set(masks)) == 8


# --- losses and penalties ------------------------------------------------------------------------------

LOSSES = [
    # outputs (1, 0.5), (-2, 3) against (0, 0), (0, 0)
    ("mse", (1 + 0.25 + 4 + 9) / 4),
    ("sse", 14.25),
    ("half_sse", 7.125),
    ("mae", 1.625),
    ("huber", (0.5 + 0.125 + 1.5 + 2.5) / 4),
    ({"type": "huber", "delta": 0.5}, (0.375 + 0.125 + 0.875 + 1.375) / 4),
]


@pytest.mark.parametrize(("loss", "number"), LOSSES, ids=str)
def test_losses_by_hand(loss: Any, number: float) -> None:
    layers = [linear(2, weights=[[1, 0], [0, 1]])]
    sections = rows_of([[1, 0.5], [-2, 3]], [[0, 0], [0, 0]], model={"layers": layers}, loss=loss)
    training, bound = start(problem(sections))
    assert float(bound.plan.value(bound.lowered.loss)) == pytest.approx(number, rel=1e-15)
    outcome = training.runner.predict(training.train.encoded, training.train.targets)
    assert outcome.loss == pytest.approx(number, rel=1e-15)


def test_penalties_count_trained_weights_alone() -> None:
    """l1*(|2| + |-3|) + l2*(4 + 9); no bias, no frozen weight, no batch_norm."""
    layers = [
        linear(1, weights=[[2]], bias=[7]),
        {"type": "batch_norm"},
        linear(1, weights=[[-3]], bias=[5]),
        linear(1, weights=[[0.5]], frozen=["weights"]),
    ]
    sections = rows_of(
        [[1], [2]], [[0], [0]], model={"layers": layers}, regularization={"l1": 0.1, "l2": 0.01}
    )
    training, bound = start(problem(sections))
    total, data = (float(bound.plan.value(i)) for i in (bound.lowered.loss, bound.lowered.data_loss))
    assert total - data == pytest.approx(0.5 + 0.13, rel=1e-12)
    other, _ = start(problem(dict(sections, regularization={})))
    extra = training.runner.gradients["linear2.weights"] - other.runner.gradients["linear2.weights"]
    assert extra.tolist() == [[pytest.approx(-0.1 - 0.06, rel=1e-9)]]
    np.testing.assert_array_equal(
        training.runner.gradients["linear2.bias"], other.runner.gradients["linear2.bias"]
    )
    # the loss of evaluations has no penalties
    outcome = training.runner.predict(training.train.encoded, training.train.targets)
    assert outcome.loss == other.runner.predict(other.train.encoded, other.train.targets).loss


# --- one engine ----------------------------------------------------------------------------------------

FORMULAS = [
    ("a*b + c*x", {"a": 3.0, "b": -2.0, "c": 8.0}, 1.5),
    ("(a*x + b)^2*sin(c)", {"a": 0.5, "b": 1.0, "c": 0.3}, -2.0),
    ("a*exp(-b*x) + c", {"a": 2.5, "b": 0.7, "c": 0.5}, 1.25),
    ("where(x > a, a*x, b^2*x)", {"a": 1.0, "b": 3.0}, 0.5),
    ("max(a, b, x) + hypot(a, x)*sigmoid(b)", {"a": 0.25, "b": 0.125}, 2.0),
]


@pytest.mark.parametrize(("formula", "parameters", "x"), FORMULAS)
def test_a_formula_has_the_gradient_that_grad_prints(
    run: Callable[..., Any], tmp_path: Path, formula: str, parameters: dict[str, float], x: float
) -> None:
    """mse of one row and target y: 2*(f - y)*df, df from the command."""
    rows, y = tmp_path / "rows.csv", 0.75
    rows.write_text(f"x,y\n{x},{y}\n")
    model = {"formula": f"y ~ {formula}", "parameters": parameters}
    training, bound = start(problem({"data": {"path": str(rows)}, "model": model, "optimizer": "sgd"}))
    bindings = [f"{name}={value}" for name, value in {**parameters, "x": x}.items()]
    report = run("grad", formula, *bindings, "--format", "json", "--method", "reverse").answered().json
    assert float(bound.plan.value(bound.lowered.output)[0]) == pytest.approx(report["value"], rel=1e-15)
    for name in parameters:
        expected = 2 * (report["value"] - y) * report["gradient"][name]
        assert float(training.runner.gradients[name]) == pytest.approx(expected, rel=1e-14)


def test_a_network_is_the_expression_it_computes(run: Callable[..., Any]) -> None:
    """A 2-2-1 network's gradient is that of its formula, typed out."""
    layers = [
        linear(2, activation="tanh", weights=[[0.1, -0.2], [0.3, 0.4]], bias=[0.05, -0.1]),
        linear(1, activation="softplus", weights=[[0.7, -0.6]], bias=[0.2]),
    ]
    training, bound = start(
        problem(rows_of([[0.5, -1.5]], [[2.0]], model={"layers": layers}, loss="half_sse"))
    )
    text = "h = tanh(a*x + b*y + c); k = tanh(d*x + f*y + g);o = softplus(p*h + q*k + r); 0.5*(o - 2)^2"
    point = {
        "a": 0.1, "b": -0.2, "d": 0.3, "f": 0.4, "c": 0.05, "g": -0.1,
        "p": 0.7, "q": -0.6, "r": 0.2, "x": 0.5, "y": -1.5,
    }  # fmt: skip
    bindings = [f"{k}={v}" for k, v in point.items()]
    report = run("grad", text, *bindings, "--format", "json").answered().json
    assert float(bound.plan.value(bound.lowered.loss)) == pytest.approx(report["value"], rel=1e-15)
    names = ["a", "b", "d", "f", "c", "g", "p", "q", "r"]
    assert training.runner.gradient.tolist() == pytest.approx(
        [report["gradient"][n] for n in names], rel=1e-13
    )


# --- one place --------------------------------------------------------------------------------------


SPELLINGS = (
    "ops/",
    "networks/program.py",
    *(f"export/networks/{name}.py" for name in ("arrays", "numpy", "jax", "onnx")),
)
"""Where the names of primitives stand, some of which are those of layers."""

OTHER_WORDS = ("training/config/checks.py", "exercises/kinds.py", "training/config/acting.py")
"""Keras' name for no activation, linear; a kind of step; a table, the layer that it is, and its limits."""


def test_a_kind_of_layer_is_known_in_one_place() -> None:
    """A layer is a class in networks/layers: no other module names it, or its class."""
    package = Path(configs.__file__).parents[2]
    tags = set(tags_of(Layer)) - {"activation", "last", "mean", "position"}  # keys and words as well
    classes = {kind.__name__ for kind in tags_of(Layer).values()}
    known = set()
    for path in sorted(package.rglob("*.py")):
        place = path.relative_to(package).as_posix()
        written = path.read_text("utf-8")
        named = re.search(rf"['\"]({'|'.join(tags)})['\"]|\b({'|'.join(classes)})\b", written)
        for node in ast.walk(ast.parse(written)) if named else ():
            text = node.value if isinstance(node, ast.Constant) else None
            name = getattr(node, "id", getattr(node, "attr", getattr(node, "name", None)))
            if (text in tags or name in classes) and not place.startswith(SPELLINGS + OTHER_WORDS):
                known.add(place)
    inside = {place for place in known if place.startswith("networks/layers/")}
    assert known - inside == set()
    assert len(inside) == 5


def test_another_engine_stands_beside_this_one() -> None:
    """A runner asks its executor for everything it runs."""
    asked: list[int] = []

    def counting(graph: Graph, *rest: Any, **more: Any) -> TensorPlan:
        asked.append(len(graph))
        return TensorPlan(graph, *rest, **more)

    case = problem(blobs([linear(3, activation="tanh"), linear()]))
    runner = Runner(case.network, "float64", counting)
    runner.bound(4, training=True)
    runner.predict(np.zeros((3, 2)))
    assert len(asked) == 2
