"""Losses: those with a name against their definitions, and those that a config writes down."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backprop_cli.errors import ConfigError
from backprop_cli.training.config.loading import loads
from backprop_cli.training.data import Rows
from backprop_cli.training.model import Model
from backprop_cli.training.problem import Problem, assemble
from backprop_cli.training.step import Made

NUMBERS = "data: {inputs: [[1, 0], [0.5, -1], [2, 1], [-1, 3]], targets: [1.5, -1, 3, 0.25]}\n"
CLASSES = "data: {inputs: [[1, 0], [0.5, -1], [2, 1], [-1, 3]], targets: [no, yes, yes, no]}\n"
SIGNED = "data: {inputs: [[1, 0], [0.5, -1], [2, 1], [-1, 3]], targets: [-1, 1, 1, -1]}\n"
THREE = "data: {inputs: [[1, 0], [0.5, -1], [2, 1], [-1, 3]], targets: [a, b, c, a]}\n"
COUNTS = "data: {inputs: [[1, 0], [0.5, -1], [2, 1], [0, 1]], targets: [1, 0, 3, 7]}\ntask: regression\n"
MODEL = "model: {hidden: [3], activation: tanh}\n"
HUBER = "where(abs(y - t) <= d, (y - t)^2/2, d*(abs(y - t) - d/2))"


def problem(data: str, loss: str, more: str = "") -> Problem:
    return assemble(loads(f"{data}{MODEL}loss: {loss}\n{more}", "c.yaml"))


def step(of: Problem) -> tuple[float, np.ndarray[Any, Any]]:
    """Return the loss of the first batch and its gradient."""
    made = Made(of, 1)
    return made.step.before, np.concatenate([g.reshape(-1) for g in made.gradients.values()])


SAME = [
    (NUMBERS, "mse", '{formula: "(y - t)^2"}'),
    (NUMBERS, "mae", '{formula: "abs(y - t)"}'),
    (NUMBERS, "{type: huber, delta: 0.7}", f'{{formula: "{HUBER}", d: 0.7}}'),
    (NUMBERS, "{type: huber, delta: 0.7}", f'{{formula: "d = 0.7; {HUBER}"}}'),
    (NUMBERS, "{type: huber, delta: 0.7}", f'{{formula: "d = 9; {HUBER}", parameters: {{d: 0.7}}}}'),
    (CLASSES, "binary_cross_entropy", '{formula: "-t*log(p) - (1 - t)*log(1 - p)"}'),
    (CLASSES, "binary_cross_entropy", '{formula: "softplus(y) - t*y"}'),
    (CLASSES, "binary_cross_entropy", '{formula: "softplus(-t*y)", signs: true}'),
    (NUMBERS, "{type: quantile, q: 0.9}", '{formula: "where(t > y, 0.9*(t - y), 0.1*(y - t))"}'),
    (COUNTS, "poisson", '{formula: "exp(y) - t*y"}'),
    (CLASSES, "hinge", '{formula: "max(0, 1 - t*y)", signs: true}'),
    (THREE, "{type: hinge, margin: 0.5}", '{formula: "relu(0.5 - t*y)", signs: true}'),
    (THREE, "binary_cross_entropy", '{formula: "-t*log(p) - (1 - t)*log(1 - p)"}'),
    (SIGNED, "binary_cross_entropy", '{formula: "softplus(-t*y)"}'),
]


@pytest.mark.parametrize(("data", "named", "own"), SAME)
def test_a_formula_is_the_loss_that_it_says(data: str, named: str, own: str) -> None:
    loss, gradient = step(problem(data, named))
    value, slopes = step(problem(data, own))
    assert value == pytest.approx(loss, rel=1e-14)
    np.testing.assert_allclose(slopes, gradient, rtol=1e-12, atol=1e-15)


def test_smoothed_labels_are_shared_out() -> None:
    """With s = 0.3 and three classes a row's target is 0.8, 0.1, 0.1, in every set and in evaluation."""
    found = problem(THREE, "{type: cross_entropy, label_smoothing: 0.3}")
    np.testing.assert_allclose(found.train.targets, np.eye(3)[[0, 1, 2, 0]] * 0.7 + 0.1, rtol=1e-15)
    z = Made(found, 1).training.runner.predict(found.train.encoded, raw=True).predictions
    assert found.measure(z, found.train.answers, ["accuracy"])["accuracy"] in (0.0, 0.25, 0.5, 0.75, 1.0)
    soft = problem(
        THREE.replace("[a, b, c, a]", "[[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1]]"),
        "cross_entropy",
    )
    assert step(found)[0] == pytest.approx(step(soft)[0], rel=1e-14)


BOUNDARIES = [
    ("max(0, 1 - t*y)", "true", 0.0),
    ("max(0, 1 - t*y)^2", "true", 0.0),
    ("(y - t)^2", "true", 0.0),
    ("(y - t)^2", "false", 0.5),
    ("abs(y - t)", "false", 0.5),
    ("softplus(y) - t*y", "false", 0.0),
    ("(y/1000 - t)^2", "false", 500.0),
    ("where(t > 0.5, 3, 1)*(softplus(y) - t*y)", "false", None),
]


@pytest.mark.parametrize(("formula", "signs", "boundary"), BOUNDARIES)
def test_a_class_is_answered_where_its_loss_is_the_smaller(
    formula: str, signs: str, boundary: float | None
) -> None:
    found = problem(CLASSES, f'{{formula: "{formula}", signs: {signs}}}')
    assert found.network.outputs == 1
    if boundary is not None:
        assert found.boundary == pytest.approx(boundary, abs=1e-12)
    loss = found.config.loss
    graph = loss.graph()
    from backprop_cli.engine.run import value_at

    low = -1.0 if loss.signs else 0.0
    for y in np.linspace(-3.0, 3.0, 61) + found.boundary + 1e-6:
        no, yes = (value_at(graph, {"y": float(y), "t": t}) for t in (low, 1.0))
        assert (yes < no) == (y > found.boundary)


REFUSED = [
    (NUMBERS, "where(y > t, 1, 0)", "slope 0 in y wherever it was tried"),
    (NUMBERS, "floor(y) + t", "slope 0 in y wherever it was tried"),
    (NUMBERS, "sqrt(-1 - (y - t)^2)", "has no value where"),
    (CLASSES, "max(0, 1 - t*y)", "slope 0 in y wherever t is 0"),
    (CLASSES, "(y + t)^2", "does not part two classes"),
    (CLASSES, "(y - 1)^2 + 0*t", "does not part two classes"),
    (THREE, "(y + t)^2", "does not part two classes"),
    (NUMBERS, "-t*log(p)", "takes targets from 0 to 1"),
    (NUMBERS, "(x - t)^2", "does not name y or p"),
    (NUMBERS, "y^2", "does not name t"),
    (NUMBERS, "d*(y - t)^2", "d has no value"),
    (NUMBERS, "y = 2; (y - t)^2", "y has no value of its own"),
    (NUMBERS, "(y - t", "is not closed"),
]


@pytest.mark.parametrize(("data", "formula", "told"), REFUSED)
def test_what_cannot_be_learned_from_is_refused_at_its_place(data: str, formula: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        problem(data, f'{{formula: "{formula}"}}')
    assert str(caught.value.place or caught.value).startswith("c.yaml:3:")


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        ('{formula: "(y - t)^2", type: mse}', "loss.formula is for formula, not for mse"),
        ('{formula: "(y - t)^2", d: 1}', "the parameter d is not in the formula"),
        ('{formula: "(y - t)^2", d: x}', "loss.parameters.d must be a number"),
        ("{type: formula}", "needs loss.formula"),
        ('{formula: "(y - t)^2", signs: true}', "loss.signs is for classes"),
        ('{formula: "(y - t)^2", delta: 2}', "loss.delta is for huber, not for formula"),
    ],
)
def test_keys_that_do_not_go_together(loss: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        problem(NUMBERS, loss)


@pytest.mark.parametrize(
    ("formula", "told"),
    [
        ("(y - t)^2 + where(y > 1.2345, 1, 0)", "jumps at y = 1.2345"),
        ("(y - t)^2 + 1e-3*floor(y)", "jumps at y = "),
        ("t - y*log(y) + y", "has no value or slope where"),
    ],
)
def test_what_no_slope_tells_of_is_told(formula: str, told: str) -> None:
    assert any(told in note for note in problem(NUMBERS, f'{{formula: "{formula}"}}').notes)


@pytest.mark.parametrize("formula", ["abs(y - t)", "cosh(y - t)", "max(0, abs(y - t) - 1)^3", "(y - t)^4"])
def test_what_has_slopes_is_not_spoken_of(formula: str) -> None:
    assert list(problem(NUMBERS, f'{{formula: "{formula}"}}').notes) == []


def test_a_model_trained_with_a_formula_answers_and_is_evaluated(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    points = rng.normal(size=(60, 2))
    rows = [f"{a!r},{b!r},{'yes' if a > b else 'no'}" for a, b in points.tolist()]
    (tmp_path / "d.csv").write_text("a,b,c\n" + "\n".join(rows) + "\n")
    (tmp_path / "c.yaml").write_text(
        "data: {path: d.csv, target: c, scaling: none}\nmodel: {hidden: []}\n"
        'loss: {formula: "max(0, 1 - t*y)", signs: true}\n'
        "optimizer: {type: adam, lr: 0.1}\ntraining: {epochs: 50, metrics: accuracy}\n"
    )
    trained = run("train", "c.yaml")
    assert trained.status == 0, trained.err
    model = Model.load("runs/c/model.safetensors")
    raw = model.runner.predict(points).predictions[:, 0]
    answered = run("predict", "runs/c/model.safetensors", "d.csv", "--format", "csv").out.splitlines()
    rows = [dict(zip(answered[0].split(","), line.split(","), strict=True)) for line in answered[1:]]
    assert [row["prediction"] for row in rows] == ["yes" if y > 0 else "no" for y in raw]
    signs = np.where(points[:, 0] > points[:, 1], 1.0, -1.0)
    expected = np.maximum(0.0, 1.0 - signs * raw).mean()
    assert model.loss(Rows(points, (signs > 0).astype(int))) == pytest.approx(expected, rel=1e-12)
    shown = run("config", "show", "runs/c/config.yaml")
    assert shown.status == 0, shown.err
