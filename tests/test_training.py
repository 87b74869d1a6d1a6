"""The loop, its alarms and its check: batches, clipping, stopping, determinism, start-up."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_network import blobs, digits, linear, problem, rows_of

from backprop_cli.errors import BackpropError, ConfigError, DataError
from backprop_cli.ops import PRIMITIVES
from backprop_cli.ops.tensor import TENSORS, Pull
from backprop_cli.training.alarms import Alarm, Alarms
from backprop_cli.training.gradcheck import CheckedParameter, check_gradients
from backprop_cli.training.loop import Diverged, EpochRecord, Training

Sections = dict[str, Any]
Run = Callable[..., Any]
ROOT = Path(__file__).resolve().parent.parent


def trained(sections: Sections, *overrides: str) -> tuple[Training, list[EpochRecord]]:
    training = Training(problem(sections, *overrides))
    return training, list(training.run())


def losses(records: list[EpochRecord]) -> list[float]:
    return [r.values["loss"] for r in records]


def line(
    weight: float = 3.0, inputs: Any = ((1,), (2,)), targets: Any = ((0,), (0,)), **more: Any
) -> Sections:
    """y = w*x, no bias to speak of."""
    layers = [linear(1, weights=[[weight]], frozen=["bias"])]
    return rows_of([list(r) for r in inputs], [list(r) for r in targets], model={"layers": layers}, **more)


# --- numbers that are known -----------------------------------------------------------------------

PARABOLA: list[tuple[Any, list[float]]] = [
    ({"type": "sgd"}, [0.8, 0.64, 0.512]),
    ({"type": "sgd", "momentum": 0.9}, [0.8, 0.46, 0.062]),
    ({"type": "sgd", "momentum": 0.9, "nesterov": True}, [0.62, 0.2224, -0.108352]),
    ({"type": "adagrad"}, [0.900000000005, 0.8331035268450359, 0.7804561813568098]),
    (
        {"type": "rmsprop", "alpha": 0.99},
        [4.999999791976961e-08, -2.5188822722841206e-10, 2.54431267743102e-12],
    ),
    ({"type": "adam"}, [0.9000000005, 0.8004122286917927, 0.7015862729460302]),
    ({"type": "adamw", "weight_decay": 0.01}, [0.8990000005, 0.7985190271685215, 0.6989111831582322]),
    ({"type": "nadam"}, [0.8943548226926871, 0.8199730706329195, 0.7527292663805714]),
    ({"type": "adadelta"}, [0.9996837726292671, 0.9993593788142883, 0.999029415088255]),
]


@pytest.mark.parametrize(
    ("optimizer", "expected"), PARABOLA, ids=lambda x: json.dumps(x) if isinstance(x, dict) else ""
)
def test_optimizers_on_a_parabola_through_train(optimizer: dict[str, Any], expected: list[float]) -> None:
    """x^2 from 1 as a network: one weight, input 1, target 0; the published three steps."""
    optimizer = {**optimizer, "learning_rate": 0.1}
    sections = line(1.0, [[1]], [[0]], optimizer=optimizer, training={"epochs": 3})
    training = Training(problem(sections))
    found = [float(training.runner.theta[0]) for _ in training.run()]
    if optimizer["type"] == "rmsprop":
        assert found[0] == pytest.approx(expected[0], rel=1e-8)
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-15)
    else:
        assert found == pytest.approx(expected, rel=1e-13)


def test_the_loss_of_an_epoch_is_before_its_updates() -> None:
    """Rows 1 and 2, one a batch, w = 3 and rate 0.1: losses 9 and (2*(3 - 0.6))^2 = 23.04."""
    sections = line(
        optimizer={"type": "sgd", "learning_rate": 0.1},
        training={"epochs": 1, "batch_size": 1, "shuffle": False},
    )
    training, records = trained(sections)
    assert losses(records) == [pytest.approx((9 + 23.04) / 2, rel=1e-15)]
    # w = 2.4 - 0.1*2*4*2.4
    assert float(training.runner.theta[0]) == pytest.approx(0.48, rel=1e-14)
    assert training.evaluate(training.train)["loss"] == pytest.approx(0.48**2 * 5 / 2, rel=1e-13)


def test_a_smaller_last_batch_counts_as_a_batch() -> None:
    """Three rows in batches of two: the loss is the mean over the batches, as PyTorch's loops have it."""
    sections = line(1.0, [[1], [1], [2]], [[0], [0], [0]], optimizer={"type": "sgd", "learning_rate": 0})
    sections["training"] = {"epochs": 2, "batch_size": 2, "shuffle": False}
    training, records = trained(sections)
    assert losses(records) == [2.5, 2.5]
    assert training.progress.step == 4


@pytest.mark.parametrize(
    ("batch", "updates"), [(1, 5), (2, 3), (4, 2), (5, 1), (6, 1), (1000, 1), ("full", 1)]
)
def test_updates_of_an_epoch(batch: Any, updates: int) -> None:
    rows = [[float(i)] for i in range(5)]
    training, records = trained(line(0.1, rows, rows, training={"epochs": 2, "batch_size": batch}))
    assert (training.progress.step, len(records)) == (2 * updates, 2)


def test_every_row_once_an_epoch_in_a_new_order() -> None:
    rows = [[float(i)] for i in range(7)]
    sections = line(
        0.0,
        rows,
        rows,
        training={"epochs": 3, "batch_size": 2},
        optimizer={"type": "sgd", "learning_rate": 0},
    )
    training = Training(problem(sections))
    seen: list[float] = []

    def note() -> bool:
        assert training.last_batch is not None
        inputs = training.last_batch.leaves["x"][:, 0]
        np.testing.assert_array_equal(inputs, training.last_batch.targets[:, 0])
        seen.extend(inputs.tolist())
        return False

    list(training.run(note))
    orders = [seen[i : i + 7] for i in (0, 7, 14)]
    assert [sorted(order) for order in orders] == [list(map(float, range(7)))] * 3
    assert orders[0] != orders[1] != orders[2]


def test_the_gradient_is_clipped_by_its_global_norm() -> None:
    """Gradient (6, 8)/... of two weights: its length 10 becomes 1, as in PyTorch (norm + 1e-6)."""
    layers = [linear(1, weights=[[3, 4]], frozen=["bias"])]
    sections = rows_of(
        [[0.6, 0.8]], [[0]], model={"layers": layers}, optimizer={"type": "sgd", "learning_rate": 1.0},
        training={"epochs": 1, "gradient_clip": 1.0},
    )  # fmt: skip
    training, _ = trained(sections)
    # y = 5, gradient 2*5*(0.6, 0.8) = (6, 8)
    share = 1.0 / (10.0 + 1e-6)
    assert training.runner.theta.tolist() == pytest.approx([3 - 6 * share, 4 - 8 * share], rel=1e-15)
    loose, _ = trained(sections, "training.gradient_clip=10.1")
    assert loose.runner.theta.tolist() == pytest.approx([-3, -4], rel=1e-14)


SCHEDULES: list[tuple[Any, list[float]]] = [
    ({"type": "step", "step_size": 2, "gamma": 0.1}, [0.5, 0.5, 0.05, 0.05]),
    ({"type": "exponential", "gamma": 0.5}, [0.5, 0.25, 0.125, 0.0625]),
    ("cosine", [0.5, 0.4267766952966369, 0.25, 0.07322330470336313]),
    ({"type": "constant", "warmup_steps": 4}, [0.25, 0.5, 0.5, 0.5]),
    # no better from the second epoch on
    ({"type": "plateau", "patience": 0, "factor": 0.5}, [0.5, 0.5, 0.25, 0.125]),
]


@pytest.mark.parametrize(("schedule", "expected"), SCHEDULES, ids=str)
def test_rates_that_epochs_report(schedule: Any, expected: list[float]) -> None:
    """The rate of the epoch's last update, two updates an epoch."""
    optimizer = {"type": "sgd", "learning_rate": 0.5}
    # an input of 0: the loss stays 1
    sections = line(0.0, [[0], [0]], [[1], [1]], optimizer=optimizer, schedule=schedule)
    sections["training"] = {"epochs": 4, "batch_size": 1}
    _, records = trained(sections)
    assert [r.values["learning_rate"] for r in records] == pytest.approx(expected, rel=1e-12)


# --- stopping and the best epoch ------------------------------------------------------------------


def two_sided(tmp_path: Path, **stopping: Any) -> Sections:
    """Validation rows that want w = 2, training rows that want w = 4: the best epoch is on the way."""
    (tmp_path / "train.csv").write_text("x,y\n1,4\n")
    (tmp_path / "validation.csv").write_text("x,y\n1,2\n")
    data = {"path": str(tmp_path / "train.csv"), "validation_path": str(tmp_path / "validation.csv")}
    layers = [linear(1, weights=[[0]], frozen=["bias"])]
    return {
        "data": data,
        "task": "regression",
        "model": {"layers": layers},
        "optimizer": {"type": "sgd", "learning_rate": 0.125},
        "training": {"epochs": 30, "early_stopping": {"patience": 3, **stopping}},
    }


def test_early_stopping_by_hand(tmp_path: Path) -> None:
    """w = 4*(1 - 0.75^n): 1, 1.75, 2.3125, 2.734...; (w - 2)^2: 1, 0.0625, 0.0977, 0.54, 1.1."""
    training, records = trained(two_sided(tmp_path))
    found = [r.values["val_loss"] for r in records]
    assert found == pytest.approx([1, 0.0625, 0.09765625, 0.539306640625, 1.1041412353515625], rel=1e-14)
    assert (training.progress.best_epoch, training.progress.best) == (2, 0.0625)
    assert training.progress.ended == "val_loss has not improved for 3 epochs"
    assert training.runner.theta.tolist() == [1.75]


def test_without_restoring_the_last_parameters_stay(tmp_path: Path) -> None:
    training, records = trained(two_sided(tmp_path, restore_best=False))
    assert len(records) == 5
    assert training.runner.theta.tolist() == [pytest.approx(4 * (1 - 0.75**5), rel=1e-14)]
    assert training.best["linear1.weights"].tolist() == [[1.75]]


def test_small_improvements_do_not_count(tmp_path: Path) -> None:
    training, records = trained(two_sided(tmp_path, min_delta=0.95, patience=1))
    assert (len(records), training.progress.best_epoch) == (2, 1)
    training, records = trained(two_sided(tmp_path, min_delta=0.9, patience=1))
    assert (len(records), training.progress.best_epoch) == (3, 2)


def test_other_monitors(tmp_path: Path) -> None:
    sections = two_sided(tmp_path, monitor="loss")
    training, records = trained(sections, "training.epochs=12")
    assert (len(records), training.progress.best_epoch, training.progress.ended) == (12, 12, "")
    # accuracy rises
    layers = [linear(4, activation="tanh"), linear()]
    stopping = {"monitor": "val_accuracy", "patience": 4}
    wide = blobs(layers, training={"epochs": 40, "metrics": ["accuracy"], "early_stopping": stopping})
    wide["data"] = {"dataset": "blobs", "samples": 90, "noise": 3, "validation_split": 0.4}
    training, records = trained(wide, "optimizer.learning_rate=0.03")
    found = [r.values["val_accuracy"] for r in records]
    assert training.progress.best == max(found) > found[0]
    assert training.progress.best_epoch == 1 + found.index(max(found))


def test_metrics_of_an_epoch() -> None:
    """Accuracy over the epoch's rows as they were answered before each update; the rest after the last."""
    sections = line(1.0, [[1], [2], [3]], [[1], [2], [0]], optimizer={"type": "sgd", "learning_rate": 0})
    sections["training"] = {"epochs": 1, "batch_size": 2, "metrics": ["mae", "rmse", "r2"]}
    _, records = trained(sections)
    assert list(records[0].values) == ["loss", "mae", "rmse", "r2", "learning_rate"]
    # errors 0 0 3; the mean target is 1, whose squares add up to 2
    assert records[0].values["mae"] == pytest.approx(1.0)
    assert records[0].values["rmse"] == pytest.approx(math.sqrt(3.0))
    assert records[0].values["r2"] == pytest.approx(1 - 9 / 2)


# --- odd sizes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rows", [1, 2])
def test_one_row_one_feature(rows: int, dtype: str) -> None:
    sections = line(
        0.5,
        [[2]] * rows,
        [[3]] * rows,
        dtype=dtype,
        training={"epochs": 200},
        optimizer={"type": "adam", "learning_rate": 0.1},
    )
    training, _ = trained(sections)
    assert training.runner.theta.dtype == np.dtype(dtype)
    assert float(training.runner.theta[0]) == pytest.approx(1.5, abs=1e-3)


def test_one_class_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("x,kind\n1,cat\n2,cat\n3,cat\n")
    with pytest.raises((DataError, ConfigError), match="class"):
        problem({"data": {"path": str(tmp_path / "rows.csv")}, "model": {"hidden": [2]}})


def test_single_precision_comes_near_to_double() -> None:
    """Without dropout, whose masks are drawn in the precision they are used in."""
    layers = [linear(8, activation="gelu"), {"type": "batch_norm"}, linear()]
    sections = blobs(layers, training={"epochs": 3, "batch_size": 4}, optimizer={"type": "sgd"})
    (_, double), (single, records) = trained(sections), trained(sections, "dtype=float32")
    assert losses(records) == pytest.approx(losses(double), rel=1e-5)
    assert {a.dtype for a in single.runner.values.values()} == {np.dtype(np.float32)}


# --- determinism ----------------------------------------------------------------------------------

STATEFUL: Sections = {
    "data": {"dataset": "digits", "shape": [1, 8, 8]},
    "model": {
        "layers": [
            {"type": "conv2d", "channels": 4, "activation": "relu"},
            {"type": "max_pool2d"},
            {"type": "flatten"},
            {"type": "dropout", "rate": 0.2},
            {"type": "linear", "units": 64, "activation": "relu"},
            {"type": "linear"},
        ]
    },
    "training": {"epochs": 1, "batch_size": 50, "metrics": ["accuracy"]},
}


def test_same_seed_same_bytes_in_every_process(process: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_text(json.dumps(STATEFUL))
    found = []
    runs = [
        (("seed=3",), {}),
        (("seed=3", "--threads", "1"), {"OPENBLAS_NUM_THREADS": "2", "PYTHONHASHSEED": "7"}),
        (("seed=4",), {}),
    ]
    for words, env in runs:
        process("train", "case.yaml", "-q", "--force", *words, cwd=tmp_path, env=env).answered()
        names = ("metrics.jsonl", "model.safetensors", "best.safetensors")
        found.append([(tmp_path / "runs/case" / n).read_bytes() for n in names])
    assert found[0] == found[1]
    assert all(a != b for a, b in zip(found[0], found[2], strict=True))


def test_numbers_do_not_depend_on_what_is_watched() -> None:
    """Metrics, alarms, checks and evaluations draw no random number and change nothing."""
    layers = [linear(6, activation="relu"), {"type": "dropout"}, {"type": "batch_norm"}, linear()]
    sections = blobs(layers, training={"epochs": 6, "batch_size": 5}, optimizer={"type": "adam"})
    plain, records = trained(sections)
    watched = Training(problem(sections, "training.metrics=[accuracy]"))
    alarms = Alarms(watched)
    seen = []
    for record in watched.run():
        alarms.look(record.epoch)
        watched.evaluate(watched.train)
        seen.append(record.values["loss"])
    assert seen == losses(records)
    assert watched.runner.theta.tobytes() == plain.runner.theta.tobytes()


# --- divergence -----------------------------------------------------------------------------------

DIVERGING: list[tuple[Sections, str]] = [
    (line(1e200, optimizer={"type": "sgd"}), "update 1 (epoch 1): loss.squares overflows"),
    (
        line(3.0, optimizer={"type": "sgd", "learning_rate": 1e200}),
        "update 2 (epoch 2): loss.squares overflows",
    ),
    (
        line(1e150, optimizer={"type": "sgd", "learning_rate": 1e200}),
        "update 1 (epoch 1): linear1.weights overflows",
    ),
    (
        rows_of(
            [[1e200]], [[0]], model={"layers": [linear(1, weights=[[1e200]])]}, optimizer={"type": "sgd"}
        ),
        "update 1 (epoch 1): linear1.z overflows",
    ),
]


@pytest.mark.parametrize(("sections", "says"), DIVERGING, ids=[d[1] for d in DIVERGING])
def test_divergence_names_step_and_node(sections: Sections, says: str) -> None:
    with pytest.raises(Diverged) as caught:
        trained(sections)
    assert caught.value.message == f"{says}: the training has diverged"
    assert caught.value.exit_code == 3


def test_a_slope_that_does_not_exist_ends_the_training(tmp_path: Path) -> None:
    """sqrt'(0) is infinite: the loss is finite, the parameter no more."""
    (tmp_path / "rows.csv").write_text("x,y\n4,1\n")
    model = {"formula": "y ~ sqrt(b*x)", "parameters": {"b": 0.0}}
    sections = {"data": {"path": str(tmp_path / "rows.csv")}, "model": model, "optimizer": "sgd"}
    with pytest.raises(Diverged, match=r"update 1 \(epoch 1\): b "):
        trained(sections, "training.epochs=1")


def test_a_validation_loss_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("x,y\n1,1\n2,2\n")
    (tmp_path / "validation.csv").write_text("x,y\n1e200,1\n")
    data = {"path": str(tmp_path / "train.csv"), "validation_path": str(tmp_path / "validation.csv")}
    with pytest.raises(Diverged, match="epoch 1: val_loss overflows"):
        trained({"data": data, "task": "regression", "model": {"hidden": [3]}})


def test_an_infinite_end_is_no_answer(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The only update makes the loss infinite: nobody would see it before the summary."""
    monkeypatch.chdir(tmp_path)
    sections = line(3.0, optimizer={"type": "sgd", "learning_rate": 1e200}, training={"epochs": 1})
    Path("case.yaml").write_text(json.dumps(sections))
    run("train", "case.yaml", "-q").refused(3, "loss of the training rows overflows")
    assert "nan" not in Path("runs/case/metrics.jsonl").read_text().lower()


# --- alarms ---------------------------------------------------------------------------------------


def alarms_of(sections: Sections, *overrides: str) -> list[Alarm]:
    training = Training(problem(sections, *overrides))
    alarms = Alarms(training)
    epochs = training.problem.config.training.epochs
    for record in training.run():
        alarms.look(record.epoch, record.epoch == epochs)
    assert len({(a.kind, a.where) for a in alarms.raised}) == len(alarms.raised)
    return alarms.raised


def test_a_dead_channel_is_named() -> None:
    layers = [
        {"type": "conv2d", "channels": 2, "kernel_size": 1, "activation": "relu",
         "weights": [[[[1]]], [[[-1]]]], "bias": [0.5, -0.5]},
        {"type": "flatten"}, linear(),
    ]  # fmt: skip
    raised = alarms_of(digits(layers, training={"epochs": 1}), "optimizer.learning_rate=0")
    assert [(a.kind, a.where) for a in raised] == [("dead", "conv2d1[1]")]


def test_saturated_units() -> None:
    layers = [linear(2, activation="sigmoid", weights=[[100], [0.1]]), linear(1)]
    sections = rows_of([[1], [2]], [[1], [2]], model={"layers": layers}, training={"epochs": 2})
    (alarm,) = alarms_of(sections)
    assert (alarm.kind, alarm.where) == ("saturated", "linear1[0]")
    layers[0]["weights"] = [[1], [0.1]]
    assert alarms_of(sections) == []


def deep(activation: str, depth: int, **more: Any) -> Sections:
    sections = {
        "data": {"dataset": "moons", "samples": 60},
        "model": {"hidden": [8] * depth, "activation": activation},
    }
    return {**sections, "training": {"epochs": 3}, **more}


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "adam", "adadelta", "rmsprop"])
def test_vanishing_gradients(optimizer: str) -> None:
    """Twelve sigmoid layers: the gradient is judged, not what an optimizer makes of it."""
    raised = alarms_of(deep("sigmoid", 12, optimizer=optimizer))
    assert [(a.kind, a.where) for a in raised] == [("vanishing", "linear1")]
    assert alarms_of(deep("tanh", 2, optimizer=optimizer)) == []


@pytest.mark.parametrize("rate", [1e-12, 1e-9])
def test_exploding_gradients(rate: float) -> None:
    """However small the rate."""
    sections = rows_of(
        [[1e4], [2e4]], [[0], [0]], model={"layers": [linear(2, init={"uniform": 1}), linear(1)]}
    )
    sections |= {"optimizer": {"type": "sgd", "learning_rate": rate * 1e-9}, "training": {"epochs": 2}}
    raised = alarms_of(sections)
    assert {a.kind for a in raised} == {"exploding"}
    sections["data"] = {"inputs": [[1], [2]], "targets": [[0], [0]]}
    assert alarms_of(sections) == []


def test_a_loss_that_starts_far_off() -> None:
    sections = digits([{"type": "flatten"}, linear()], training={"epochs": 1})
    raised = alarms_of(sections, "data.scaling=none", "seed=1")
    assert raised[0].kind == "start"
    assert "far from ln(10) = 2.3" in raised[0].says
    assert alarms_of(sections) == []


@pytest.mark.parametrize("name", ["xor", "spirals", "iris", "neuron", "mazur", "digits", "digits_conv"])
def test_samples_raise_no_false_alarms(name: str) -> None:
    from backprop_cli.training import config as configs
    from backprop_cli.training.problem import assemble

    short = "training.epochs=2" if name.startswith("digits") else "training.epochs=40"
    loaded = configs.load(str(ROOT / "sample_inputs" / f"{name}.yaml"), [short])
    training = Training(assemble(loaded))
    alarms = Alarms(training)
    for record in training.run():
        alarms.look(record.epoch)
    assert alarms.raised == []


# --- the gradient check ---------------------------------------------------------------------------

CHECKED: dict[str, Sections] = {
    "dense": blobs([linear(4, activation="tanh"), linear()]),
    "everything": digits(
        [
            {"type": "conv2d", "channels": 2, "activation": "silu", "stride": 2, "padding": 1},
            {"type": "batch_norm"},
            {"type": "max_pool2d"},
            {"type": "dropout", "rate": 0.4},
            {"type": "flatten"},
            linear(3, activation="softmax"),
            linear(),
        ],
        regularization={"l1": 0.01, "l2": 0.1},
        training={"batch_size": 7},
    ),
    "huber": rows_of(
        [[1, 2], [3, -1]],
        [[0.1], [30]],
        model={"hidden": [3], "init": {"uniform": 0.2}, "activation": "sigmoid"},
        loss="huber",
    ),
    "binary": {
        "data": {"dataset": "moons", "samples": 20},
        "model": {"layers": [linear(3, activation="gelu"), linear(1)]},
    },
    "single precision": blobs([linear(4, activation="elu"), linear()], dtype="float32"),
}


def checked(sections: Sections) -> dict[str, CheckedParameter]:
    return {c.name: c for c in check_gradients(problem(sections))}


@pytest.mark.parametrize("name", CHECKED)
def test_right_rules_agree(name: str) -> None:
    found = checked(CHECKED[name])
    assert all(c.agree for c in found.values()), found
    trained = [p.name for p in problem(CHECKED[name]).network.parameters if p.trained]
    assert list(found) == trained


def scaled(name: str, position: int, factor: float) -> Callable[..., Any]:
    """A row's rule with one pullback or partial wrong by a factor."""
    right = (TENSORS | PRIMITIVES)[name].partials

    def wrong(xp: Any, y: Any, *xs: Any, **static: Any) -> Any:
        partials = list(right(xp, y, *xs, **static))
        old = partials[position]
        if isinstance(old, Pull):
            partials[position] = Pull(lambda g: old.transpose(g) * factor, lazy=old.lazy)
        else:
            partials[position] = old * factor
        return tuple(partials)

    return wrong


BROKEN = [
    # config, row, which operand's rule, and a parameter that must notice
    ("dense", "linear", 1, "linear1.weights"),
    ("dense", "linear", 0, "linear1.weights"),
    ("dense", "linear", 2, "linear2.bias"),
    ("dense", "tanh", 0, "linear1.bias"),
    ("dense", "cross_entropy", 0, "linear2.weights"),
    ("everything", "conv2d", 1, "conv2d1.weights"),
    ("everything", "mean_over", 0, "conv2d1.weights"),
    ("everything", "max_pool2d", 0, "conv2d1.weights"),
    ("everything", "flatten", 0, "batch_norm1.bias"),
    ("everything", "shaped", 0, "batch_norm1.weights"),
    ("everything", "softmax", 0, "linear1.weights"),
    ("huber", "abs", 0, "linear2.weights"),
    ("binary", "softplus", 0, "linear2.bias"),
    ("binary", "gelu", 0, "linear1.weights"),
    ("single precision", "elu", 0, "linear1.weights"),
]


@pytest.mark.parametrize("factor", [1.001, -1.0])
@pytest.mark.parametrize(("config", "row", "position", "notices"), BROKEN)
def test_a_wrong_rule_disagrees(
    config: str, row: str, position: int, notices: str, factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr((TENSORS | PRIMITIVES)[row], "partials", scaled(row, position, factor))
    assert not checked(CHECKED[config])[notices].agree


def test_a_wrong_rule_stops_train(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("case.yaml").write_text(json.dumps({**CHECKED["dense"], "training": {"epochs": 2}}))
    good = run("train", "case.yaml", "--check-gradients").answered()
    assert "disagree" not in good.err
    assert os.path.exists("runs/case/model.safetensors")
    monkeypatch.setattr(PRIMITIVES["tanh"], "partials", scaled("tanh", 0, 1.01))
    bad = run("train", "case.yaml", "--check-gradients", "output.dir=other")
    assert (bad.status, os.path.exists("other")) == (1, False)
    (row,) = [text for text in bad.out.splitlines() if text.startswith("linear1.weights")]
    assert row.endswith("disagree")
    (row,) = [text for text in bad.out.splitlines() if text.startswith("linear2.weights")]
    assert row.endswith(" agree")


def test_kinks_are_counted_and_not_judged() -> None:
    """Two of four relu units stand exactly at 0; one more is near, which a smaller step tells."""
    layers = [
        linear(4, activation="relu", weights=[[1], [0], [0], [-1]], bias=[0, 0, 1e-6, 5]),
        linear(1, weights=[[1, 1, 1, 1]]),
    ]
    found = checked(rows_of([[0.0], [1.0]], [[3], [3]], model={"layers": layers}))
    assert all(c.agree for c in found.values())
    assert {name: c.kinks for name, c in found.items()} == {
        "linear1.weights": 1,  # unit 1 at the row 1
        "linear1.bias": 2,  # units 0 and 1
        "linear2.weights": 0,
        "linear2.bias": 0,
    }


def test_another_slope_than_those_of_the_sides_is_no_kink(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PRIMITIVES["relu"], "partials", lambda xp, y, x: (xp.greater_equal(x, 0.0) * 2.0,))
    layers = [linear(1, activation="relu", weights=[[0]]), linear(1, weights=[[1]])]
    found = checked(rows_of([[1.0]], [[3]], model={"layers": layers}))
    assert not found["linear1.bias"].agree


# --- start-up --------------------------------------------------------------------------------------

PROBE = """
import sys
from backprop_cli.cli import training
from backprop_cli.cli.main import main
from backprop_cli.training.run import Run
steps = Run.steps
def spied(self, stop):
    for step in steps(self, stop):
        yield step
    print(*sorted({n.partition('.')[0] for n in sys.modules}), file=sys.__stderr__)
Run.steps = spied
status = main(["train", "case.yaml", "-q"])
print(*sorted({n.partition('.')[0] for n in sys.modules}), file=sys.__stderr__)
sys.exit(status)
"""


def test_train_imports_only_what_it_needs(process: Callable[..., Any], command: Any, tmp_path: Path) -> None:
    import subprocess

    (tmp_path / "case.yaml").write_text(json.dumps(blobs([linear(4), linear()], training={"epochs": 2})))
    options = command() | {"args": [sys.executable, "-c", PROBE], "cwd": tmp_path}
    done = subprocess.run(**options, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    training, all_ = (set(text.split()) for text in done.stderr.splitlines())
    assert "numpy" in training
    assert not training & {"sympy", "mpmath", "matplotlib", "torch", "plotille", "rich", "scipy", "sklearn"}
    assert not all_ & {"sympy", "mpmath", "matplotlib", "torch"}


@pytest.mark.parametrize("words", [("train", "--help"), ("--help",)])
def test_help_imports_click_alone(command: Any, words: tuple[str, ...]) -> None:
    import subprocess

    code = f"""
import sys
from backprop_cli.cli.main import main
assert main({list(words)!r}) == 0
print(*sorted({{n.partition('.')[0] for n in sys.modules}}), file=sys.stderr)
"""
    options = command() | {"args": [sys.executable, "-c", code]}
    done = subprocess.run(**options, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    heavy = {"numpy", "rich", "sympy", "msgspec", "ruamel", "safetensors", "plotille", "hashlib"}
    assert not set(done.stderr.split()) & heavy


def test_wrong_input_is_never_a_traceback(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run("train", "nowhere.yaml").refused(4, "nowhere.yaml")
    Path("case.yaml").write_text(json.dumps(blobs([linear(5)])))
    run("train", "case.yaml").refused(2, "case.yaml:1:", "rows of 5", "rows of 3")
    run("train", "case.yaml", "--format", "csv").refused(2)
    run("train", "case.yaml", "-o", "out.svg").refused(2)
    assert os.listdir() == ["case.yaml"]
    with pytest.raises(BackpropError):
        problem(blobs([linear(5)]))


# --- a run judged as a whole ----------------------------------------------------------------------

RAW = [[20.0], [43.0], [63.0], [26.0], [53.0], [31.0], [58.0], [70.0]]
SLOPE = [120.0, 128.0, 141.0, 126.0, 134.0, 128.0, 136.0, 144.0]


def whole_run(sections: Sections, *overrides: str) -> Alarms:
    training = Training(problem(sections, *overrides))
    alarms = Alarms(training)
    history = [record.values for record in training.run()]
    alarms.end(history, training.evaluate(training.train)["loss"])
    return alarms


def descent(**training: Any) -> Sections:
    sections = rows_of(
        RAW, SLOPE, model={"layers": [linear(1, weights=[[0]])]}, optimizer={"type": "sgd"}, loss="mse"
    )
    return sections | {"training": {"batch_size": "full", "shuffle": False, **training}}


@pytest.mark.parametrize(
    ("rate", "epochs", "diverged"),
    [
        (5e-4, 100, True),  # the loss grows by a fifth an epoch
        (5e-4, 300, True),
        (4.4e-4, 400, True),  # slowly
        (1e-3, 8, True),
        (4e-4, 100, False),  # stable, though the loss goes down slowly
        (1e-5, 100, False),
        (0, 5, False),
    ],
)
def test_a_divergence_that_does_not_overflow(rate: float, epochs: int, diverged: bool) -> None:
    alarms = whole_run(descent(epochs=epochs), f"optimizer.learning_rate={rate}")
    assert alarms.diverged == diverged
    assert [a.kind for a in alarms.raised if a.kind != "useless"] == ["diverged"] * diverged


@pytest.mark.parametrize(
    ("says", "overrides"),
    [
        ("a bad start", ["model.layers[0].weights=[[-1e6]]", "optimizer.learning_rate=1e-7"]),
        ("a start at the answer", ["model.layers[0].weights=[[0.445]]", "model.layers[0].bias=[112]",
                                   "optimizer.type=adam", "optimizer.learning_rate=0.05"]),
        ("back to the best epoch", ["optimizer.learning_rate=5e-4",
                                    "training.early_stopping={monitor: loss, patience: 40}"]),
        ("a rate that falls in time", ["optimizer.learning_rate=1e-3", "training.epochs=400",
                                       "schedule={type: step, step_size: 5, gamma: 0.1}"]),
    ],
)  # fmt: skip
def test_no_alarm_where_a_run_began_badly_or_came_back(says: str, overrides: list[str]) -> None:
    alarms = whole_run(descent(epochs=60), *overrides)
    assert not alarms.diverged, says


@given(
    rate=st.floats(1e-6, 2e-3), scale=st.floats(0.01, 100), epochs=st.integers(1, 200), first=st.floats(-5, 5)
)
def test_divergence_is_told_where_it_is(rate: float, scale: float, epochs: int, first: float) -> None:
    """Of a straight line the rate is stable up to 2/L, L the largest curvature: the truth is known."""
    x = np.array(RAW) * scale
    sections = descent(epochs=epochs) | {"data": {"inputs": x.tolist(), "targets": SLOPE}}
    design = np.concatenate([x, np.ones_like(x)], axis=1)
    largest = 2.0 / len(x) * np.linalg.eigvalsh(design.T @ design).max()
    try:
        alarms = whole_run(
            sections, f"optimizer.learning_rate={rate}", f"model.layers[0].weights=[[{first}]]"
        )
    except Diverged:
        assert rate * largest > 2.0
        return
    if rate * largest <= 2.0:
        assert not alarms.diverged
    elif epochs * np.log(rate * largest - 1.0) > 12.0:  # it has had the time to grow by e^24
        assert alarms.diverged


def test_a_diverged_run_ends_with_status_3(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text(json.dumps(descent(epochs=200)))
    result = run("train", "c.yaml", "optimizer.learning_rate=5e-4")
    assert result.status == 3
    assert "the training has diverged: the loss has grown from" in result.out
    assert "alarm: the training has diverged" in result.err
    assert "hint: data.scaling: standard and data.target_scaling: standard, a smaller optimizer" in result.err


def test_a_formula_worse_than_the_mean(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    x = np.linspace(0, 20, 80)
    Path("d.csv").write_text("x,y\n" + "".join(f"{a},{b}\n" for a, b in zip(x, np.sin(3 * x), strict=True)))
    model = "model: {formula: y ~ sin(a*x), parameters: {a: 1.5}}\n"
    Path("c.yaml").write_text(f"data: {{path: d.csv}}\n{model}optimizer: levenberg_marquardt\n")
    result = run("train", "c.yaml", "-q", "--format", "json")
    summary = json.loads(result.out)
    assert result.status == 0
    assert not summary["fit"]["converged"]
    assert [alarm["kind"] for alarm in summary["alarms"]] == ["useless"]
