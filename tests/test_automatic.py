"""What is done where nothing is said: columns of a file standardised, rows held out, a metric measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import backprop_cli
from backprop_cli.errors import BackpropError
from backprop_cli.training import config as configs
from backprop_cli.training.config import loads
from backprop_cli.training.data.targets import target_formula
from backprop_cli.training.loop import Training
from backprop_cli.training.problem import Problem, assemble
from backprop_cli.training.run import Run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


HIDDEN = "model: {hidden: [4]}"


def rows(count: int = 60, seed: int = 0) -> str:
    """Write a table of numbers far from 0 and 1."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(20, 200, count), rng.normal(-5000, 700, count)
    y = 1e5 + 900 * a - 3 * b
    return "a,b,y\n" + "".join(
        f"{p!r},{q!r},{t!r}\n" for p, q, t in zip(*np.stack([a, b, y]).tolist(), strict=True)
    )


def problem(data: str = "path: t.csv", more: str = HIDDEN) -> Problem:
    return assemble(loads(f"data: {{{data}}}\n{more}\n", "c.yaml"))


def refused(data: str, more: str = HIDDEN) -> str:
    with pytest.raises(BackpropError) as caught:
        problem(data, more)
    return str(caught.value)


@pytest.mark.parametrize("loss", ["mse", "mae", "{type: huber, delta: 9000}", "sse", "half_sse"])
@pytest.mark.parametrize("scaling", ["standard", "minmax"])
def test_the_model_is_in_the_units_of_the_targets(here: Path, loss: str, scaling: str) -> None:
    """Losses and metrics of the run are those of the saved model, on raw rows; so are its predictions."""
    Path("t.csv").write_text(rows())
    Path("c.yaml").write_text(
        f"data: {{path: t.csv, target_scaling: {scaling}, test_split: 0.2}}\nmodel: {{hidden: [5]}}\n"
        f"loss: {loss}\ntraining: {{epochs: 4, metrics: [mae, r2]}}\noptimizer: {{type: adam, lr: 0.02}}\n"
    )
    run = backprop_cli.train("c.yaml")
    lines = Path("t.csv").read_text().splitlines()
    part = run.run.problem.test
    assert part is not None
    truth = [float(line.rpartition(",")[2]) for line in lines[1:]]
    held = [i for i, t in enumerate(truth) if t in part.answers[:, 0].tolist()]
    Path("test.csv").write_text("\n".join([lines[0], *(lines[i + 1] for i in held)]) + "\n")
    found = backprop_cli.evaluate(run.model, "test.csv").evaluation
    assert found.loss == pytest.approx(run.results["test"]["loss"], rel=1e-9)
    assert found.overall.r2 == pytest.approx(run.results["test"]["r2"], rel=1e-9)
    assert abs(np.mean(truth)) > 1e4 > 0
    predicted = np.array(backprop_cli.predict(run.model, "test.csv")["prediction"])
    errors = predicted - np.array([truth[i] for i in held])
    assert run.results["test"]["mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-9)
    by_hand = {
        "mse": np.mean(errors**2), "mae": np.abs(errors).mean(), "sse": np.sum(errors**2),
        "half_sse": np.sum(errors**2) / 2,
        "huber": np.mean([e * e / 2 if e <= 9000 else 9000 * (e - 4500) for e in np.abs(errors).tolist()]),
    }  # fmt: skip
    name = next(name for name in sorted(by_hand, key=len, reverse=True) if name in loss)
    assert run.results["test"]["loss"] == pytest.approx(by_hand[name], rel=1e-9)


def test_several_targets_are_each_standardised(here: Path) -> None:
    Path("t.csv").write_text(rows(30))
    Path("c.yaml").write_text(
        "data: {path: t.csv, target: [b, y]}\nmodel: {hidden: []}\ntraining: {epochs: 2}\n"
    )
    run = backprop_cli.train("c.yaml")
    targets = run.run.problem.train.targets
    assert np.allclose(targets.mean(axis=0), 0)
    assert np.allclose(targets.std(axis=0), 1)
    assert abs(backprop_cli.predict(run.model, "t.csv")["prediction_y"][0] - 1.2e5) < 1e5
    with pytest.raises(BackpropError, match="loss of differences"):
        problem("path: t.csv, target: [b, y], target_scaling: standard", HIDDEN + "\nloss: huber")


def test_columns_of_a_file_are_standardised_and_it_is_said(here: Path, run) -> None:
    Path("t.csv").write_text(rows())
    found = problem()
    assert (found.config.data.scaling, found.config.data.target_scaling) == ("standard", "standard")
    assert found.config.training.metrics == ["r2"]
    assert found.config.data.validation_split == 0.2
    assert found.monitor == "val_loss"
    Path("c.yaml").write_text("data: t.csv\n" + HIDDEN + "\n")
    out = run("train", "c.yaml", "--dry-run").answered().out
    assert "48 training, 12 validation rows; features and target standardised" in out
    assert (
        "standardised"
        not in run("train", "c.yaml", "--dry-run", "data.scaling=none", "data.target_scaling=none").out
    )
    assert run("train", "c.yaml", "--dry-run", "data.scaling=none").out.count("; target standardised") == 1


LINEAR = "model: {layers: [{type: linear, units: 1, weights: [[1, 2]]}]}"


@pytest.mark.parametrize(
    ("data", "more"),
    [
        ("inputs: [[1], [200]], targets: [300, 900]", HIDDEN),
        ("dataset: sine", HIDDEN),
        ("path: t.csv", LINEAR),
        ("path: t.csv", "model: {formula: y ~ p*a + b, parameters: {p: 1}}"),
        ("path: image.npz", HIDDEN),
        ("path: flat.npz, shape: [1, 2, 3]", "model: {layers: [flatten, {type: linear}]}"),
    ],
)
def test_what_is_worked_by_hand_stays_as_it_is(here: Path, data: str, more: str) -> None:
    Path("t.csv").write_text(rows(8))
    images = np.arange(72.0).reshape(12, 2, 3)
    np.savez("image.npz", x=images, y=np.arange(12) * 0.5)
    np.savez("flat.npz", x=images.reshape(12, 6), y=np.arange(12) * 0.5)
    found = problem(data, more)
    assert (found.config.data.scaling, found.config.data.target_scaling) == ("none", "none")
    assert not found.encoding.shift.any()
    assert (found.encoding.scale == 1).all()
    assert (
        found.train.targets == found.train.answers.reshape(found.train.targets.shape)
    ).all() or found.classes


@pytest.mark.parametrize("more", ["model: {layers: [{type: linear, units: 1, activation: sigmoid}]}", LINEAR])
def test_targets_that_no_last_layer_can_undo(here: Path, more: str) -> None:
    Path("t.csv").write_text(rows(8))
    assert problem("path: t.csv", more).units is None
    if "weights" in more:
        assert problem("path: t.csv, target_scaling: standard", more).units is not None
    else:
        assert "needs a last layer that is linear" in refused("path: t.csv, target_scaling: minmax", more)
    Path("c.csv").write_text("x,c\n1,a\n2,b\n3,a\n")
    assert "is for numbers" in refused("path: c.csv, target_scaling: standard")
    assert problem("path: c.csv").units is None


def test_what_is_held_out_unless_told(here: Path) -> None:
    for count, data, expected in (
        (49, "", 0), (50, "", 10), (60, "validation_split: 0", 0), (60, "validation_split: 0.5", 30),
        (60, "test_split: 0.25", 12), (60, "test_path: t.csv", 12), (60, "validation_path: t.csv", 60),
    ):  # fmt: skip
        Path("t.csv").write_text(rows(count))
        found = problem("path: t.csv" + (f", {data}" if data else "")).validation
        assert (len(found) if found is not None else 0) == expected, (count, data)
    Path("t.csv").write_text("x,c\n" + "".join(f"{i},k{min(i, 55)}\n" for i in range(60)))
    # a fifth of the rows cannot go while each of 56 classes keeps one
    assert problem("path: t.csv", HIDDEN + "\ntask: classification").validation is None


def test_what_is_watched_depends_on_what_is_held_out(here: Path) -> None:
    stopping = HIDDEN + "\ntraining: {early_stopping: true}"
    for count, monitor in ((20, "loss"), (60, "val_loss")):
        Path("t.csv").write_text(rows(count))
        found = problem("path: t.csv", stopping).config.training.early_stopping
        assert found is not None
        assert found.monitor == monitor
    Path("t.csv").write_text(rows(20))
    watching = HIDDEN + "\ntraining: {early_stopping: {monitor: val_loss}}"
    assert "val_loss needs validation rows" in refused("path: t.csv", watching)
    accurate = HIDDEN + "\ntraining: {early_stopping: {monitor: accuracy}}"
    assert "accuracy is not measured" in refused("path: t.csv", accurate)


def test_an_interrupted_run_goes_on_to_the_same_bits_standardised(here: Path, run) -> None:
    Path("t.csv").write_text(rows())
    Path("c.yaml").write_text("data: t.csv\n" + HIDDEN + "\ntraining: {epochs: 6}\ncheckpoint: {every: 2}\n")
    run("train", "c.yaml", "output.dir=whole").answered()
    whole = Path("whole/model.safetensors").read_bytes()
    run("train", "c.yaml", "output.dir=part").answered()
    for name in ("model.safetensors", "checkpoints/epoch-0004.safetensors"):
        (Path("part") / name).unlink()
    run("train", "c.yaml", "output.dir=part", "--resume").answered()
    assert Path("part/model.safetensors").read_bytes() == whole
    run("export", "whole/model.safetensors", "--to", "numpy").answered()
    assert "R2" in run("evaluate", "whole/model.safetensors").answered().out


# targets that are formulas


@pytest.mark.parametrize(
    "text",
    [
        "log(y)", "log(y/1000 + 2)", "(y - 5)^3", "-y", "sqrt(y)", "2*log(y)", "log10(y)", "1/y", "y^0.5",
        "y/100000", "2*pi*y", "log1p(y) - 0.5", "(y + 1)^(1/3)", "log(y, 2)", "asinh(y)", "3 - y",
    ],
)  # fmt: skip
def test_a_formula_of_a_column_is_undone(text: str) -> None:
    found = target_formula(text, ["x", "y"])
    assert found is not None
    y = np.exp(np.random.default_rng(1).uniform(-3, 10, 200))
    learned = found.values(y, lambda row, name: "t:1")
    assert found.undone(learned) == pytest.approx(y, rel=1e-6)


@pytest.mark.parametrize(
    "text", ["y^2", "y*y", "sin(y)", "abs(y)", "y + y", "max(y, 3)", "y^y", "where(y > 0, y, -y)"]
)
def test_what_cannot_be_undone_is_refused(here: Path, text: str) -> None:
    Path("t.csv").write_text(rows(8))
    says = refused(f"path: t.csv, target: '{text}'")
    assert "cannot be undone" in says
    assert says.startswith("c.yaml:1:")


def test_targets_that_are_formulas(here: Path, run) -> None:
    Path("t.csv").write_text(rows(60))
    Path("c.yaml").write_text(
        "data: {path: t.csv, target: log(y)}\nmodel: {hidden: []}\ntraining: {epochs: 300, metrics: [r2]}\n"
        "optimizer: {type: adam, lr: 0.05}\n"
    )
    trained = backprop_cli.train("c.yaml")
    encoding = trained.run.problem.encoding
    assert (encoding.names, encoding.targets, encoding.sources) == (["a", "b"], ["log(y)"], ["y"])
    answers = np.array(backprop_cli.predict(trained.model, "t.csv")["prediction"])
    truth = np.array([float(line.rpartition(",")[2]) for line in Path("t.csv").read_text().splitlines()[1:]])
    assert abs(answers / truth - 1).max() < 0.2
    assert backprop_cli.evaluate(trained.model, "t.csv").evaluation.overall.r2 > 0.9
    says = refused("path: t.csv, target: log(q)")
    assert "no column 'log(q)'" in says
    assert "no column 'yy'; the columns are a, b, y" in refused("path: t.csv, target: yy")
    assert "'y' is the target" in refused("path: t.csv, target: log(y), features: [y]")
    assert "a number" in refused("path: t.csv, target: log(y)", HIDDEN + "\ntask: classification")
    Path("z.csv").write_text("a,y\n1,2.5\n2,0\n")
    assert "z.csv:3:3" in refused("path: z.csv, target: log(y)")


def test_what_no_target_has_is_no_answer(here: Path, run) -> None:
    """A negative square root is of no number: its row has a reason instead of an answer."""
    Path("t.csv").write_text("a,y\n0,0.25\n1,1\n2,4\n3,9\n")
    Path("c.yaml").write_text(
        "data: {path: t.csv, target: sqrt(y)}\nmodel: {hidden: []}\n"
        "optimizer: {type: adam, lr: 0.1}\ntraining: {epochs: 400, batch_size: full}\n"
    )
    run("train", "c.yaml").answered()
    found = run("predict", "runs/c/model.safetensors", "-", "--digits", "2", stdin="a\n3\n-9\n")
    assert found.status == 3
    assert "is the sqrt(y) of no y" in found.out.splitlines()[2]


# predict


def test_an_autoencoder_answers_in_the_units_of_its_columns(here: Path) -> None:
    Path("t.csv").write_text("\n".join(line.rpartition(",")[0] for line in rows(40).splitlines()) + "\n")
    Path("c.yaml").write_text(
        "data: {path: t.csv, target: features}\nmodel: {hidden: []}\n"
        "optimizer: {type: adam, lr: 0.05}\ntraining: {epochs: 300}\n"
    )
    trained = backprop_cli.train("c.yaml")
    found = backprop_cli.predict(trained.model, "t.csv")
    columns = np.loadtxt("t.csv", delimiter=",", skiprows=1).T
    for name, truth in zip("ab", columns, strict=True):
        assert found[f"prediction_{name}"] == pytest.approx(truth, rel=0.05)


def test_a_ragged_row_is_a_row_without_an_answer(here: Path, run) -> None:
    Path("t.csv").write_text(rows(20))
    Path("c.yaml").write_text(
        "data: {path: t.csv, missing: mean}\nmodel: {hidden: []}\ntraining: {epochs: 1}\n"
    )
    run("train", "c.yaml").answered()
    good = (
        run("predict", "runs/c/model.safetensors", "-", stdin="a,b\n1,2\n3,4\n").answered().out.splitlines()
    )
    for blocks in (1, 3000):
        text = "a,b\n1,2\n" + "5\n" * blocks + '3,4\n"6\n",7,8\n1,2\n'
        found = run("predict", "runs/c/model.safetensors", "-", stdin=text)
        assert found.status == 3
        lines = found.out.splitlines()
        assert [lines[1], lines[2 + blocks], lines[-1]] == [good[1], good[2], good[1]]
        assert lines[2] == '5,,,"the row has 1 field, the header has 2"'
        assert "8" not in lines[-2]
        assert "the row has 3 fields, the header has 2" in lines[-2]
        assert len(lines) == 6 + blocks  # one cell holds a line end
    strict = run("predict", "runs/c/model.safetensors", "-", "--strict", stdin="a,b\n1,2\n5\n")
    assert "<stdin>:3:1: the row has 1 field" in strict.err
    evaluated = run("evaluate", "runs/c/model.safetensors", "-", stdin="a,b,y\n1,2\n")
    assert evaluated.status == 2


def test_what_a_layer_gives(here: Path, run) -> None:
    Path("t.csv").write_text(rows(20))
    Path("c.yaml").write_text("data: t.csv\nmodel: {hidden: [3, 2]}\ntraining: {epochs: 2}\n")
    trained = backprop_cli.train("c.yaml")
    hidden = backprop_cli.predict(trained.model, "t.csv", layer="linear1")
    assert list(hidden.columns) == ["linear1_1", "linear1_2", "linear1_3", "error"]
    last = backprop_cli.predict(trained.model, "t.csv", layer="linear3")
    assert last["linear3"] == pytest.approx(backprop_cli.predict(trained.model, "t.csv")["prediction"])
    values = trained.run.training.runner.values
    inputs = np.concatenate([p.encoded for p in (trained.run.problem.train,)])
    expected = np.maximum(inputs @ values["linear1.weights"].T + values["linear1.bias"], 0)
    found = np.array([hidden[f"linear1_{i}"] for i in (1, 2, 3)]).T
    assert found == pytest.approx(expected, abs=1e-12)
    assert (
        "layers: linear1, linear2, linear3" in run("predict", trained.model, "t.csv", "--layer", "conv1").err
    )
    assert run("predict", trained.model, "t.csv", "--layer", "linear2", "--format", "value").answered().out


# --- the epoch that is kept -----------------------------------------------------------------------


def noisy(count: int, columns: int = 6) -> str:
    """Rows that a large network learns by heart."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(count, columns))
    y = 50 + 10 * x[:, 0] + rng.normal(0, 10, count)
    names = ",".join([*(f"x{i}" for i in range(columns)), "y"])
    lines = [",".join(map(repr, row)) for row in np.column_stack([x, y]).tolist()]
    return "\n".join([names, *lines]) + "\n"


BIG = "model: {hidden: [64]}\noptimizer: {type: adam, learning_rate: 0.01}\nname: t\n"


def test_the_best_epoch_is_trained_anew_on_all_rows(here: Path) -> None:
    """By hand: the same network, as many epochs, on all rows with the scaling that the training rows gave."""
    Path("t.csv").write_text(noisy(120))
    Path("c.yaml").write_text("data: {path: t.csv}\n" + BIG)
    found = backprop_cli.train("c.yaml")
    run = found.run
    best = min(run.history, key=lambda values: values["val_loss"])
    assert 1 < best["epoch"] < 60  # it overfits
    assert run.problem.config.training.keep == "refit"
    assert run.results["validation"]["loss"] == pytest.approx(best["val_loss"])
    assert len(run.final.train) == 120
    assert run.final.progress.epoch == best["epoch"]
    whole = run.problem.whole()
    again = Training(whole)
    again.until = int(best["epoch"])
    assert len(list(again.run())) == best["epoch"]
    assert (again.runner.theta == run.final.runner.theta).all()
    assert sorted(whole.train.encoded[:, 0]) == sorted(
        [*run.problem.train.encoded[:, 0], *run.problem.validation.encoded[:, 0]]
    )
    assert [alarm.kind for alarm in run.alarms.raised] == []
    assert f"in epoch {best['epoch']}; then trained anew on all 120 rows for {best['epoch']} epochs" in str(
        found
    )


def test_it_generalises_better_than_the_last_epoch(here: Path) -> None:
    text = noisy(400)
    header, *lines = text.splitlines(keepends=True)
    Path("t.csv").write_text(header + "".join(lines[:120]))
    Path("new.csv").write_text(header + "".join(lines[120:]))
    Path("c.yaml").write_text("data: {path: t.csv, test_path: new.csv}\n" + BIG)
    losses = {
        keep: backprop_cli.train("c.yaml", f"training.keep={keep}").results["test"]["loss"]
        for keep in ("last", "best", "refit")
    }
    assert max(losses["best"], losses["refit"]) < 0.9 * losses["last"]


@pytest.mark.parametrize(
    ("data", "more", "keep"),
    [
        ("path: t.csv", "", "refit"),
        ("path: t.csv, test_split: 0.2", "", "refit"),
        ("path: t.csv, validation_split: 0.2", "", "last"),
        ("path: t.csv, validation_split: 0", "", "last"),
        ("path: t.csv", "training: {early_stopping: true}", "refit"),
        ("path: t.csv, validation_split: 0.2", "training: {early_stopping: true}", "best"),
        ("path: t.csv", "training: {early_stopping: {restore_best: false}}", "last"),
        ("path: t.csv", "training: {early_stopping: {monitor: loss}}", "best"),
        ("path: t.csv", "schedule: plateau", "best"),
        ("path: t.csv", "training: {keep: last}", "last"),
        ("dataset: iris, validation_split: 0.2", "", "last"),
        ("path: t.csv, target: features", "", "refit"),
    ],
)  # fmt: skip
def test_what_is_kept(here: Path, data: str, more: str, keep: str) -> None:
    Path("t.csv").write_text(rows(60))
    assert problem(data, HIDDEN + "\n" + more).config.training.keep == keep


def test_what_cannot_be_kept_is_refused(here: Path) -> None:
    Path("t.csv").write_text(rows(20))
    assert "refit needs validation rows" in refused("path: t.csv", HIDDEN + "\ntraining: {keep: refit}")
    Path("t.csv").write_text(rows(60))
    watching = HIDDEN + "\nschedule: plateau\ntraining: {keep: refit}"
    assert "for the schedule to watch" in refused("path: t.csv", watching)
    layers = "model: {layers: [{type: linear, units: 4}, batch_norm, linear]}"
    # 48 rows in batches of 12 leave none alone, 60 in batches of 59 do
    assert problem("path: t.csv", layers + "\ntraining: {batch_size: 59}").config.training.keep == "best"
    told = layers + "\ntraining: {batch_size: 59, keep: refit}"
    assert "batch_norm cannot normalise one row, but 60 rows" in refused("path: t.csv", told)


def test_training_anew_can_be_interrupted(here: Path, run) -> None:
    Path("t.csv").write_text(noisy(120))
    text = "data: {path: t.csv}\n" + BIG + "training: {epochs: 30}\noutput: {dir: part}\n"
    made = Run(assemble(configs.loads(text, "c.yaml")))
    left = made.training.updates * 30 + 3
    stop = iter([False] * left + [True] * 9)
    for _ in made.steps(lambda: next(stop)):
        pass
    assert made.training.interrupted
    assert made.final is not made.training
    assert not Path("part/model.safetensors").exists()
    again = Run(assemble(configs.loads(text, "c.yaml")), resume=True)
    assert [*again.steps()] == []
    whole = Run(assemble(configs.loads(text.replace("part", "whole"), "c.yaml")))
    for _ in whole.steps():
        pass
    assert Path("part/model.safetensors").read_bytes() == Path("whole/model.safetensors").read_bytes()


def test_a_model_is_judged_from_before_it_learned_from_its_judges(here: Path, run) -> None:
    Path("t.csv").write_text(noisy(120))
    Path("c.yaml").write_text("data: {path: t.csv}\n" + BIG)
    told = json.loads(run("train", "c.yaml", "-q", "--format", "json").answered().out)
    judged = run("evaluate", "runs/t").answered().out
    assert "by the model from before it learned from them, too" in judged
    loss = float(judged.split("\nloss")[1].split()[0])
    assert loss == pytest.approx(told["results"]["validation"]["loss"], rel=1e-3)
    Path("runs/t/best.safetensors").unlink()
    run("evaluate", "runs/t").refused(2, "the model learned from all rows in the end")
