"""What alarms say, that they are right, that healthy runs raise none, and that the mends they name work."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_network import linear, problem, rows_of

from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.optimization.fit import Fit
from backprop_cli.optimization.settings import LevenbergMarquardt
from backprop_cli.training import config as configs
from backprop_cli.training.alarms import Alarm, Alarms
from backprop_cli.training.fitting import training_of
from backprop_cli.training.judgement import _range, beside_constant
from backprop_cli.training.loop import Training
from backprop_cli.training.problem import Problem, assemble

Sections = dict[str, Any]
ROOT = Path(__file__).resolve().parent.parent
rng = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _draws_of_its_own() -> None:
    """What a test draws does not depend on the tests before it."""
    rng.bit_generator.state = np.random.default_rng(0).bit_generator.state


def judged(problem: Problem) -> tuple[Training, list[Alarm]]:
    """Train to the end, as `Run` does, but for the folder."""
    training = training_of(problem)
    alarms = Alarms(training)
    history = []
    for record in training.run():
        history.append(record.values)
        alarms.look(
            record.epoch, record.epoch == problem.config.training.epochs or training.progress.ended != ""
        )
    alarms.end(history, training.evaluate(training.train)["loss"])
    return training, alarms.raised


def alarms_of(sections: Sections, *overrides: str) -> list[Alarm]:
    return judged(problem(sections, *overrides))[1]


def kinds(sections: Sections, *overrides: str) -> list[str]:
    return [alarm.kind for alarm in alarms_of(sections, *overrides)]


def table(path: Path, columns: dict[str, Sequence[float]], **more: Any) -> Sections:
    names = list(columns)
    rows = zip(*columns.values(), strict=True)
    path.write_text(",".join(names) + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    data = {"path": str(path)} | more.pop("data", {})
    return {"data": data, "model": {"hidden": [16]}} | more


@pytest.fixture
def salaries(tmp_path: Path) -> Sections:
    """Numbers of the size that people have, the target 100,000."""
    years = rng.uniform(0, 40, 200)
    pay = 80_000 + 1_500 * years + rng.normal(0, 5_000, 200)
    return table(tmp_path / "s.csv", {"years": years, "rank": rng.integers(1, 4, 200), "pay": pay})


RAW = ("data.scaling=none", "data.target_scaling=none")


# --- worse than a constant ------------------------------------------------------------------------


def mend(alarm: Alarm) -> str:
    """The first way that a hint names."""
    return re.split(r",| or ", alarm.hint)[0]


def test_answers_worse_than_the_mean_and_what_mends_them(salaries: Sections) -> None:
    raised = [alarm for alarm in alarms_of(salaries, *RAW) if alarm.kind == "useless"]
    (alarm,) = raised
    assert "the training rows are answered worse than by a constant: R2 is -" in alarm.says
    assert mend(alarm) == "data.scaling: standard and data.target_scaling: standard"
    mended = [re.sub(r": ", "=", way) for way in mend(alarm).split(" and ")]
    training, left = judged(problem(salaries, *mended))
    assert "useless" not in [each.kind for each in left]
    assert training.explained() > 0.8


def test_a_class_that_everything_is_taken_for(tmp_path: Path) -> None:
    x = rng.normal(size=120)
    columns = {"x": x, "kind": ["ab"[int(value)] for value in rng.random(120) < 0.3]}
    sections = table(tmp_path / "t.csv", columns, training={"epochs": 3})
    assert "useless" in kinds(sections)
    clear = table(tmp_path / "u.csv", {"x": x, "kind": ["ab"[int(value > 0.2)] for value in x]})
    assert kinds(clear, "optimizer.learning_rate=0.05") == []


@pytest.mark.parametrize(
    ("loss", "outputs", "share"),
    [
        ("mse", [2.0, 2.0, 2.0, 2.0], 1 - 67 / 54.75),  # 1 + 1 + 1 + 64; 2*2.75^2 + 0.75^2 + 6.25^2
        ("mae", [1.0, 1.0, 1.0, 1.0], 1 - 11 / 11),  # between 1 and 3 all constants are as good
        ("mae", [1.0, 2.0, 3.0, 4.0], 1 - 7 / 11),
        ({"type": "quantile", "q": 0.75}, [9.0, 9.0, 9.0, 9.0], None),
        ({"type": "huber", "delta": 0.5}, [1.0, 2.0, 3.0, 9.0], 1 - 2 * 0.375 / 5),
    ],
)  # fmt: skip
def test_beside_a_constant_by_hand(loss: Any, outputs: list[float], share: float | None) -> None:
    """Targets 1, 1, 3, 10: the best constants are the mean 3.75 of squares, the median 2 of distances."""
    sections = rows_of([[1], [2], [3], [4]], [[1], [1], [3], [10]], model={"layers": [linear(1)]}, loss=loss)
    made = problem(sections)
    found = beside_constant(made, made.train, np.array(outputs)[:, None])
    assert found is not None
    if share is None:  # of a quantile far above the mean nobody asks R2
        assert found.share > -1.0
    else:
        assert found.share == pytest.approx(share)


def test_rows_that_cannot_be_judged_are_not() -> None:
    assert kinds(rows_of([[1]], [[2]], model={"layers": [linear(1)]}, training={"epochs": 3})) == []
    same = rows_of([[1], [2]], [[2], [2]], model={"layers": [linear(1)]}, training={"epochs": 3})
    assert kinds(same) == []


def test_rows_held_out_that_do_worse_than_their_mean(tmp_path: Path) -> None:
    columns = {f"x{i}": rng.normal(size=40) for i in range(8)} | {"y": rng.normal(size=40)}
    sections = table(tmp_path / "noise.csv", columns, data={"test_split": 0.3}, training={"epochs": 200})
    (alarm,) = [alarm for alarm in alarms_of(sections) if alarm.kind == "useless"]
    assert alarm.where == "test rows"
    assert "taught does not hold for others" in alarm.says


# --- the course of the loss -----------------------------------------------------------------------


def one_update(rows: int = 32, **more: Any) -> Sections:
    x = np.linspace(-1, 1, rows)
    return rows_of(x[:, None].tolist(), (3 * x[:, None] + 5).tolist(), model={"hidden": [8]}, **more)


def test_one_update_an_epoch_and_its_mend() -> None:
    (alarm,) = alarms_of(one_update())
    assert alarm.kind in ("useless", "falling")
    assert "32 rows in batches of 32 make one update an epoch, 100 in all" in alarm.says
    assert mend(alarm) == "training.batch_size: 4"
    training, _ = judged(problem(one_update(), "training.batch_size=4"))
    before, _ = judged(problem(one_update()))
    assert training.explained() > max(0.0, before.explained())


def test_a_loss_that_still_falls_and_its_mend(tmp_path: Path) -> None:
    """Of a line the loss falls as e^(-4*rate*updates), here to a third."""
    x = rng.uniform(-3, 3, 400)
    sections = table(tmp_path / "f.csv", {"x": x, "y": 2 * x}, training={"epochs": 40})
    sections["model"] = {"layers": [linear(1, init={"uniform": 0.01})]}
    sections["optimizer"] = {"type": "sgd", "learning_rate": 0.0007}
    assert "falling" not in kinds(sections, "training.epochs=4")  # too early to say
    poor, (alarm,) = judged(problem(sections))
    assert alarm.kind == "falling"
    assert "the training ended too early: val_loss still falls" in alarm.says
    ways = [way.replace(": ", "=") for way in re.split(r",? or ", alarm.hint)]
    assert ways == ["training.batch_size=4", "training.epochs=120"]
    for way in ways:
        better, none = judged(problem(sections, way))
        assert none == []
        assert better.explained() > poor.explained()
    assert kinds(sections, "optimizer.learning_rate=0.01") == []


def test_overfitting_and_its_mend(tmp_path: Path) -> None:
    columns = {f"x{i}": rng.normal(size=60) for i in range(5)}
    columns["y"] = columns["x0"] + rng.normal(0, 3, 60)
    sections = table(tmp_path / "o.csv", columns, data={"validation_split": 0.4})
    sections |= {"model": {"hidden": [64]}, "optimizer": {"type": "adam", "learning_rate": 0.01}}
    found = {alarm.kind: alarm for alarm in alarms_of(sections)}
    assert "overfitting" in found or "useless" in found
    alarm = found.get("overfitting", found.get("useless"))
    assert "training.early_stopping: true" in alarm.hint
    kept, left = judged(problem(sections, "training.early_stopping=true"))
    assert "overfitting" not in [alarm.kind for alarm in left]
    lost, _ = judged(problem(sections))
    assert kept.evaluate(kept.validation)["loss"] < lost.evaluate(lost.validation)["loss"]


# --- outputs that cannot reach --------------------------------------------------------------------

RANGES = {
    None: (-math.inf, math.inf),
    "relu": (0, math.inf),
    "relu6": (0, 6),
    "sigmoid": (0, 1),
    "hard_sigmoid": (0, 1),
    "tanh": (-1, 1),
    "softplus": (0, math.inf),
    "elu": (-1, math.inf),
    "leaky_relu": (-math.inf, math.inf),
    "sin": (-1, 1),
    "softmax": (0, 1),
    "atan": (-math.pi / 2, math.pi / 2),
    "exp": (0, math.inf),
    "gelu": (-0.16997, math.inf),
}


@pytest.mark.parametrize("activation", RANGES)
def test_what_activations_give(activation: str | None) -> None:
    assert _range(activation) == pytest.approx(RANGES[activation], abs=1e-4)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_an_output_that_cannot_reach_its_targets(activation: str) -> None:
    x = np.linspace(-1, 1, 24)[:, None]
    layers = [linear(8, activation="tanh"), linear(1, activation=activation)]
    far = rows_of(x.tolist(), (15 * x - 4).tolist(), model={"layers": layers}, training={"epochs": 200})
    raised = alarms_of(far, "training.batch_size=4")
    assert raised[0].kind == "range"
    assert raised[0].epoch == 1
    assert raised[0].hint == "no activation at the end of linear2"
    lost, _ = judged(problem(far, "training.batch_size=4"))
    del layers[-1]["activation"]
    mended, left = judged(problem(far, "training.batch_size=4"))
    assert "range" not in [alarm.kind for alarm in left]
    assert mended.explained() > lost.explained()
    within = rows_of(x.tolist(), (0.4 * x + 0.5).tolist(), model={"layers": layers})
    layers[-1]["activation"] = activation
    assert "range" not in kinds(within, "training.epochs=2")


@pytest.mark.parametrize(
    ("activation", "loss", "says"),
    [
        ("sigmoid", "cross_entropy", "it is never above 0.58"),  # 1/(1 + 2/e)
        ("tanh", "cross_entropy", "it is never above 0.79"),
        ("relu", "cross_entropy", "below 0 nothing is learned"),
        ("softmax", "cross_entropy", None),  # the loss takes it over
        ("elu", "cross_entropy", None),  # any difference of two outputs is possible
        ("leaky_relu", "cross_entropy", None),
        (None, "cross_entropy", None),
    ],
)
def test_a_bounded_activation_under_a_loss_of_logits(activation: Any, loss: str, says: str | None) -> None:
    layers = [linear(8, activation="tanh"), linear(3, activation=activation)]
    sections = {"data": {"dataset": "blobs", "samples": 60}, "model": {"layers": layers}, "loss": loss}
    found = [a for a in alarms_of(sections, "training.epochs=2") if a.kind == "logits"]
    assert [says in alarm.says for alarm in found if says] == ([True] if says else [])
    assert bool(found) == bool(says)


@pytest.mark.parametrize(("activation", "told"), [("relu", True), ("tanh", True), ("sigmoid", False)])
def test_one_output_for_two_classes(activation: str, told: bool) -> None:
    layers = [linear(8, activation="tanh"), linear(1, activation=activation)]
    sections = {"data": {"dataset": "moons", "samples": 60}, "model": {"layers": layers}}
    sections |= {"loss": "binary_cross_entropy", "training": {"epochs": 2}}
    assert ("logits" in kinds(sections)) == told


def test_two_rows_of_a_class(tmp_path: Path) -> None:
    x = np.concatenate([rng.normal(0, 1, 60), rng.normal(5, 1, 60), [9.0, 9.5]])
    sections = table(tmp_path / "r.csv", {"x": x, "kind": [*"a" * 60, *"b" * 60, *"cc"]})
    sections["data"]["validation_split"] = 0
    found = [alarm for alarm in alarms_of(sections, "training.epochs=2") if alarm.kind == "rare"]
    assert ["the class 'c' has 2 rows of 122 to learn from" in alarm.says for alarm in found] == [True]
    xor = {"data": {"dataset": "xor"}, "model": {"hidden": [4]}, "training": {"epochs": 2}}
    assert "rare" not in kinds(xor)


# --- units that learn nothing ---------------------------------------------------------------------


def test_a_dead_unit_is_named_where_it_is_missed() -> None:
    """One of two hidden units; the targets need both."""
    layers = [linear(2, activation="relu", weights=[[1], [-1]], bias=[0, -9]), linear(1)]
    x = np.linspace(0.1, 4, 30)
    sections = rows_of(x[:, None].tolist(), np.cos(3 * x)[:, None].tolist(), model={"layers": layers})
    (alarm,) = [alarm for alarm in alarms_of(sections) if alarm.kind == "dead"]
    assert (alarm.where, alarm.epoch) == ("linear1[1]", 100)
    assert "linear1: unit 1 is dead: the slope of its relu is 0 on every training row" in alarm.says
    assert alarm.says.endswith("(since epoch 1)")
    assert alarm.hint.startswith("leaky_relu in place of relu")


def test_dead_units_that_nobody_misses() -> None:
    """Half of the layer, and the answers are right; or an output that has to be 0."""
    layers = [
        linear(2, activation="relu", weights=[[1], [-1]], bias=[0, -1]),
        linear(1, weights=[[1, 0]], bias=[0]),
    ]
    assert alarms_of(rows_of([[1], [2]], [[1], [2]], model={"layers": layers}, training={"epochs": 30})) == []
    one = linear(2, activation="relu", weights=[[1], [-1]], bias=[0, -1])
    right = rows_of([[1], [2]], [[1, 0], [2, 0]], model={"layers": [one]}, training={"epochs": 3})
    assert alarms_of(right) == []
    wrong = rows_of([[1], [2]], [[1, 0], [2, 1]], model={"layers": [one]}, training={"epochs": 3})
    assert ("dead", "linear1[1]") in [(alarm.kind, alarm.where) for alarm in alarms_of(wrong)]


def test_a_layer_that_is_dead_is_told_at_once() -> None:
    dead = linear(1, activation="relu", weights=[[1.0]], bias=[-9.0])
    sections = rows_of([[1], [2]], [[0], [1]], model={"layers": [dead, linear(1)]}, training={"epochs": 12})
    raised = alarms_of(sections)
    assert [(a.kind, a.where, a.epoch) for a in raised[:1]] == [("dead", "linear1[0]", 1)]
    assert [(a.kind, a.hint) for a in raised[1:]] in ([], [("useless", raised[0].hint)])
    dead["activation"] = "leaky_relu"
    assert "dead" not in kinds(sections)


def test_since_when_units_are_idle_goes_on_with_a_run() -> None:
    layers = [linear(2, activation="relu", weights=[[1], [-1]], bias=[0, -9]), linear(1)]
    x = np.linspace(0.1, 4, 30)
    sections = rows_of(x[:, None].tolist(), np.cos(3 * x)[:, None].tolist(), model={"layers": layers})
    first, second = (Alarms(Training(problem(sections))) for _ in range(2))
    first.look(1)
    second.load(json.loads(json.dumps(first.save())))
    (alarm,) = second.look(100, last=True)
    assert alarm.says.endswith("(since epoch 1)")


# --- healthy runs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["xor", "spirals", "iris", "neuron", "mazur", "digits", "decay"])
def test_samples_end_without_an_alarm(name: str) -> None:
    short = {"mazur": ["training.epochs=1000"], "digits": ["training.epochs=15"]}.get(name, [])
    loaded = configs.load(str(ROOT / "sample_inputs" / f"{name}.yaml"), short)
    assert judged(assemble(loaded))[1] == []


@pytest.mark.parametrize("data", ["circles", "moons", "blobs", "sine", "iris", "digits"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_healthy_runs_raise_none(data: str, activation: str) -> None:
    sections = {
        "data": {"dataset": data, "scaling": "standard", "validation_split": 0.25},
        "model": {"hidden": [24], "activation": activation},
        "optimizer": {"type": "adam", "learning_rate": 0.01},
        "training": {"epochs": 30 if data == "digits" else 100, "batch_size": 16},
    }
    training, raised = judged(problem(sections))
    assert training.explained() > 0.4
    assert [alarm.says for alarm in raised] == []


# --- fits -----------------------------------------------------------------------------------------

X = np.linspace(0.0, 10.0, 60)
BOX = ([1, 2, 3, 5, 7, 10], [109, 149, 149, 191, 213, 224])
"""BoxBOD, of NIST's statistical reference data sets: b1 = 213.809, b2 = 0.547237."""


def fit(formula: str, x: Any, y: Any, **first: float) -> tuple[Any, list[Alarm]]:
    data = {"inputs": np.column_stack([x]).astype(float).tolist(), "targets": list(map(float, y))}
    model = {"formula": formula, "parameters": first}
    sections = {"data": data, "model": model, "optimizer": "levenberg_marquardt"}
    training, raised = judged(problem(sections))
    return training.result, raised


@pytest.mark.parametrize(
    ("formula", "x", "y", "first"),
    [
        ("y ~ b1*(1 - exp(-b2*x))", *BOX, {"b1": 1.0, "b2": 100.0}),
        ("y ~ a*exp(b*x)", X, 2 * np.exp(0.3 * X), {"a": -1.0, "b": 5.0}),
        ("y ~ sin(a*x)", X, np.sin(3 * X), {"a": 1.5}),
    ],
)
def test_a_fit_that_ends_on_the_way_and_its_mend(formula: str, x: Any, y: Any, first: Any) -> None:
    result, raised = fit(formula, x, y, **first)
    assert not result.converged
    (alarm,) = raised
    assert alarm.kind == "useless"
    assert alarm.hint.startswith("model.parameters: {")
    assert result.better is not None
    again, none = fit(formula, x, y, **result.better)
    assert again.converged
    assert again.explained > 0.8
    assert none == []


def test_a_local_minimum_that_explains_something() -> None:
    """Two frequencies, the weaker one first."""
    y = np.sin(3 * X) + 0.6 * np.sin(1.1 * X)
    result, raised = fit("y ~ a*sin(b*x)", X, y, a=0.5, b=1.1)
    assert 0.05 < result.explained < 0.5
    assert not result.converged
    assert result.reason.startswith("a local minimum")
    assert [alarm.kind for alarm in raised] == ["unfinished"]
    assert fit("y ~ a*sin(b*x)", X, y, a=1.0, b=3.0)[0].converged


@pytest.mark.parametrize("seed", range(4))
def test_a_weak_fit_that_is_the_best_is_left_alone(seed: int) -> None:
    x = np.linspace(0, 10, 400)
    y = 2 * np.exp(-0.3 * x) + np.random.default_rng(seed).normal(0, 1.5, 400)
    result, raised = fit("y ~ a*exp(-b*x)", x, y, a=1.0, b=0.1)
    assert 0.0 < result.explained < 0.4
    assert result.converged
    assert raised == []


def test_nothing_to_fit_is_no_better_than_the_mean() -> None:
    """An R2 of 0.01 of 60 rows is what two parameters reach by chance."""
    y = np.random.default_rng(5).normal(0, 1, 60)
    result, raised = fit("y ~ c + a*exp(b*x)", X, y, a=1.0, b=0.1, c=0.0)
    if result.explained <= 0.02:
        assert not result.converged
        assert [alarm.kind for alarm in raised] == ["useless"]


def test_the_covariance_of_many_rows_takes_no_square_of_them() -> None:
    """200,000 rows: it took a matrix of 300 GiB."""
    x = np.linspace(0, 1, 200_000)
    graph = lower(parse("a*x + b"), ["x", "a", "b"])
    done = Fit(graph, {"x": x}, 2 * x + 1, {"a": 1.0, "b": 0.0}, LevenbergMarquardt(), 100)
    assert len(list(done)) > 1
    assert done.result().converged


# --- what is quiet --------------------------------------------------------------------------------


def test_quiet_leaves_alarms_and_very_quiet_does_not(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text(json.dumps(one_update()))
    told = run("train", "c.yaml", "-q")
    assert told.err.startswith("alarm: ")
    assert "epoch" not in told.err.partition("alarm")[0]
    silent = run("train", "c.yaml", "-qq", "--format", "json")
    assert silent.err == ""
    summary = json.loads(silent.out)
    kept = json.loads(Path(summary["folder"], "summary.json").read_text())
    assert [alarm["kind"] for alarm in summary["alarms"]] == [a["kind"] for a in kept["alarms"]] != []
