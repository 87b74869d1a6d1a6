"""Trainings that begin with another model, and runs that go on with other rows."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Result

from backprop_cli.api.prediction import predict
from backprop_cli.api.training import Trained, train
from backprop_cli.errors import BackpropError, ConfigError
from backprop_cli.training import checkpoint


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    draw = random.Random(1)
    towns = ["Arles", "Blois", "Cahors"]
    for name, factor, count in (("a", 3.0, 60), ("b", 5.0, 55)):
        rows = [
            f"{i * factor:g},{draw.random() * 50:.3f},{draw.choice(towns)},{i * factor + 900:g}"
            f",{towns[i % 3]}"
            for i in range(count)
        ]
        Path(f"{name}.csv").write_text("\n".join(["x,z,town,price,kind", *rows]) + "\n")
    Path("a.yaml").write_text(
        "data: {path: a.csv, target: price, exclude: [kind]}\nmodel: {hidden: [4]}\n"
        "training: {epochs: 3}\noptimizer: {type: adam, learning_rate: 0.01}\n"
    )
    Path("k.yaml").write_text(
        "data: {path: a.csv, target: kind, exclude: [price]}\nmodel: {hidden: [4]}\ntraining: {epochs: 3}\n"
    )


def config(model: str, data: str = "path: b.csv, target: price", more: str = "training: {epochs: 0}") -> str:
    Path("b.yaml").write_text(f"data: {{{data}}}\nmodel: {{{model}}}\n{more}\n")
    return "b.yaml"


def arrays(trained: Trained) -> dict[str, np.ndarray]:
    return checkpoint.load(trained.model)[0]


def answers(model: str) -> list[float]:
    return list(predict(model, "b.csv")["prediction"])


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ([], []),
        ([], ["data.target_scaling=none"]),
        ([], ["data.target_scaling=minmax"]),
        (["data.target_scaling=none"], []),
        (["data.scaling=minmax"], []),
        (["dtype=float32"], []),
    ],
)
def test_no_epoch_changes_no_answer(first: list[str], again: list[str]) -> None:
    """Whatever scales inputs and targets, here or there: the model is the one that was begun with."""
    source = train("a.yaml", *first)
    warm = train(config("from: runs/a"), *again)
    rel = 1e-5 if "dtype=float32" in first else 1e-12
    assert answers(warm.model) == pytest.approx(answers(source.model), rel=rel)
    assert warm.run.problem.encoding.names == source.run.problem.encoding.names
    assert warm.results["training"]["r2"] is not None


def test_classes_stay_in_their_order() -> None:
    source = train("k.yaml")
    few = "\n".join(line for line in Path("b.csv").read_text().splitlines() if not line.endswith("Arles"))
    Path("few.csv").write_text(few + "\n")
    warm = train(config("from: runs/k", "path: few.csv, target: kind"))
    assert warm.run.problem.classes == ["Arles", "Blois", "Cahors"]
    for name, array in arrays(source).items():
        assert arrays(warm)[name].tobytes() == array.tobytes()


def test_training_goes_on_from_there_and_frozen_layers_stay() -> None:
    source = train("a.yaml")
    warm = train(config("from: runs/a, freeze: linear1"), "training.epochs=4")
    before, after = arrays(source), arrays(warm)
    assert (before["linear1.weights"] == after["linear1.weights"]).all()
    assert (before["linear1.bias"] == after["linear1.bias"]).all()
    assert (before["linear2.weights"] != after["linear2.weights"]).any()
    assert "begins" not in str(warm)
    assert "frozen" in str(warm)


def test_a_frozen_last_layer_is_in_its_own_units() -> None:
    train("a.yaml")
    warm = train(config("from: runs/a, freeze: [linear2]"), "training.epochs=2")
    assert warm.run.problem.units is None
    before, after = arrays(train("a.yaml", "output.dir=again")), arrays(warm)
    assert (before["linear2.weights"] == after["linear2.weights"]).all()
    with pytest.raises(ConfigError, match="trained and without activation"):
        train(config("from: runs/a, freeze: [linear2]"), "data.target_scaling=standard")


def test_a_fresh_last_layer_for_another_task() -> None:
    source = train("a.yaml")
    warm = train(config("from: runs/a, fresh: linear2", "path: b.csv, target: kind, exclude: [price]"))
    assert warm.run.problem.classes == ["Arles", "Blois", "Cahors"]
    assert (arrays(source)["linear1.weights"] == arrays(warm)["linear1.weights"]).all()
    assert arrays(warm)["linear2.weights"].shape == (3, 4)


def test_a_formula_begins_with_what_was_fitted() -> None:
    formula = "data: {path: a.csv}\nmodel: {formula: price ~ m*x + c, parameters: {m: 1, c: 0}}\n"
    Path("f.yaml").write_text(formula + "optimizer: levenberg_marquardt\n")
    train("f.yaml")
    warm = train(config("from: runs/f", "path: b.csv", "training: {epochs: 0}\noptimizer: sgd"))
    assert {n: float(a) for n, a in arrays(warm).items()} == pytest.approx({"m": 1.0, "c": 900.0}, rel=1e-9)


@pytest.mark.parametrize(
    ("model", "data", "told"),
    [
        ("from: runs/none", "", "model.from: "),
        ("from: a.csv", "", "model.from: "),
        ("from: runs/a, hidden: [5]", "", "the weights of linear1 are 4 x 5 in runs/a, but 5 x 5 here"),
        ("from: runs/a, hidden: [4, 4]", "", "the weights of linear2 are 1 x 4 in runs/a, but 4 x 4 here"),
        ("from: runs/a, freeze: [linear9]", "", "there is no layer linear9"),
        ("from: runs/a, fresh: [linear]", "", "did you mean linear"),
        ("hidden: [4], fresh: [linear1]", "", "model.fresh goes with model.from"),
        ("from: runs/a", ", scaling: minmax", "data.scaling is another than in runs/a"),
        ("from: runs/a", ", features: [x, z]", "data.features is another than in runs/a"),
        ("from: runs/k", "", "is not among those of runs/k: Arles"),
        ("from: runs/a, hidden: [4], layers: [linear]", "", "both hidden and layers"),
    ],
)  # fmt: skip
def test_what_does_not_fit(model: str, data: str, told: str) -> None:
    if "runs/a" in model:
        train("a.yaml")
    if "runs/k" in model:
        train("k.yaml", "data.target=kind")
    with pytest.raises(BackpropError) as caught:
        train(config(model, f"path: b.csv, target: price{data}"))
    assert told in str(caught.value)


def test_other_rows_are_scaled_as_the_run_began() -> None:
    first = train("a.yaml")
    shift = first.run.problem.encoding.shift.tolist()
    units = first.run.problem.units
    went_on = train("a.yaml", "data.path=b.csv", "training.epochs=5", resume=True)
    problem = went_on.run.problem
    assert problem.encoding.shift.tolist() == shift
    assert units is not None
    assert problem.units is not None
    assert problem.units.scale.tolist() == units.scale.tolist()
    # what cannot be made again, on other rows and then on these, is kept
    assert problem.config.training.keep == "best"
    assert went_on.run.training.progress.best_epoch > 3
    for key in ("data.scaling=minmax", "data.scaling=none", "data.target_scaling=none"):
        with pytest.raises(BackpropError, match="as they were scaled"):
            train("a.yaml", "data.path=b.csv", "training.epochs=6", key, resume=True)
    same = train("a.yaml", "data.path=b.csv", "training.epochs=6", resume=True)
    assert same.run.history[:5] == went_on.run.history


def test_evaluation_reads_the_rows_as_the_model_does() -> None:
    from backprop_cli.api.evaluation import evaluate

    train("a.yaml")
    warm = train(config("from: runs/a"), "data.test_split=0.3", "training.epochs=2")
    found = evaluate("runs/b").evaluation
    assert found.loss == pytest.approx(warm.results["test"]["loss"], rel=1e-12)


def test_export_takes_the_folder_of_a_run(run: Callable[..., Result]) -> None:
    train("a.yaml")
    by_folder = run("export", "runs/a", "--to", "numpy").answered().out
    assert by_folder == run("export", "runs/a/model.safetensors", "--to", "numpy").answered().out
    Path("x").mkdir()
    assert (
        "assert" in run("export", "x", "--x", "3", "--to", "python").answered().out
    )  # a variable of that name
    Path("runs/c/checkpoints").mkdir(parents=True)
    Path("runs/c/config.yaml").write_text("")
    run("export", "runs/c", "--to", "numpy").refused(2, "holds no trained model")


def test_a_step_without_a_name_is_told_by_the_next_that_has_one() -> None:
    text = (
        "data: {inputs: [[800], [1]], targets: [1, 2]}\ntask: regression\n"
        "model: {layers: [{type: linear, units: 1, weights: [[1]], bias: [0]}]}\n"
        'loss: {formula: "exp(y)/exp(9*y) + (y - t)^2"}\n'
    )
    Path("c.yaml").write_text(text)
    with pytest.raises(BackpropError, match=r"a step of loss\.terms (is no number|overflows)"):
        train("c.yaml")
