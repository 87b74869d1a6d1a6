"""Weights of rows and classes, thresholds, metrics as scikit-learn has them, and losses beside these.

The literals are scikit-learn 1.9's, of the same numbers, or worked with a pencil where a comment says so.
"""

# ruff: noqa: E501

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Result

from backprop_cli.errors import BackpropError, ConfigError
from backprop_cli.networks.losses import LOSSES
from backprop_cli.training import config as configs
from backprop_cli.training import metrics
from backprop_cli.training.data import Rows
from backprop_cli.training.fitting import training_of
from backprop_cli.training.gradcheck import check_gradients
from backprop_cli.training.judgement import beside_constant
from backprop_cli.training.model import Model
from backprop_cli.training.problem import Problem, assemble
from backprop_cli.training.run import Run
from backprop_cli.training.step import Made
from backprop_cli.training.trace import write_out


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# --- metrics --------------------------------------------------------------------------------------

Y = np.array([0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0])
S = np.array([0.8, 0.8, 0.5, 0.3, 0.1, 0.4, 0.4, 0.0, 0.0, 1.0, 0.7, 0.2])
W = np.array([1.3, 2.92, 2.69, 2.53, 1.18, 1.48, 2.03, 0.18, 1.67, 0.81, 2.64, 0.19])
Y3 = np.array([0, 1, 2, 2, 1, 0, 2, 1, 0, 1])
P3 = np.array(
    [
        [0.1, 0.64, 0.26], [0.36, 0.62, 0.02], [0.45, 0.0, 0.55], [0.48, 0.16, 0.36], [0.58, 0.23, 0.19],
        [0.37, 0.5, 0.13], [0.13, 0.11, 0.76], [0.7, 0.01, 0.29], [0.04, 0.53, 0.43], [0.28, 0.21, 0.51],
    ]
)  # fmt: skip
T = np.array([[0.0], [1], [3], [2], [0], [5]])
O = np.array([[0.5], [1.2], [2.2], [2.9], [0.1], [4.0]])  # noqa: E741

TWO = {
    # weights, threshold: as sklearn.metrics has them
    (False, 0.5): {
        "roc_auc": 0.638888888888889, "average_precision": 0.7027777777777777, "accuracy": 0.6666666666666666,
        "precision": 0.75, "recall": 0.5, "f1": 0.6, "macro_f1": 0.6571428571428571,
    },
    (False, 0.25): {
        "roc_auc": 0.638888888888889, "average_precision": 0.7027777777777777, "accuracy": 0.5,
        "precision": 0.5, "recall": 0.6666666666666666, "f1": 0.5714285714285714,
        "macro_f1": 0.4857142857142857,
    },
    (True, 0.5): {
        "roc_auc": 0.7995274555620462, "average_precision": 0.7961512440085805,
        "accuracy": 0.7273190621814475,
        "precision": 0.8305084745762712, "recall": 0.6113243761996161, "f1": 0.7042564953012714,
        "macro_f1": 0.7256507062794773,
    },
    (True, 0.25): {
        "roc_auc": 0.7995274555620462, "average_precision": 0.7961512440085805,
        "accuracy": 0.5565749235474006,
        "precision": 0.552439024390244, "recall": 0.8694817658349329, "f1": 0.6756152125279642,
        "macro_f1": 0.4875660603702623,
    },
}  # fmt: skip


@pytest.mark.parametrize(("weighted", "threshold"), TWO)
def test_metrics_of_two_classes(weighted: bool, threshold: float) -> None:
    expected = TWO[weighted, threshold]
    counts = W if weighted else None
    single = metrics.measure(list(expected), S[:, None], Y, "classification", threshold, counts)
    assert single == pytest.approx(expected, rel=4e-16)
    both = np.stack([1.0 - S, S], axis=1)
    shift = metrics.evaluate(
        both, Y, "classification", ["no", "yes"], 0.0, counts=counts, threshold=threshold
    )
    assert isinstance(shift, metrics.ClassificationEvaluation)
    assert shift.accuracy == pytest.approx(expected["accuracy"], rel=4e-16)
    assert (shift.roc_auc, shift.average_precision) == pytest.approx(
        (expected["roc_auc"], expected["average_precision"]), rel=4e-16
    )
    yes = shift.classes[1]
    assert (yes.precision, yes.recall, yes.f1) == pytest.approx(
        [expected[name] for name in ("precision", "recall", "f1")], rel=4e-16
    )


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (None, [0.5158730158730158, 0.5228395061728396, 0.3, 0.3055555555555555, 1.6523167990450176]),
        (W[:10],
         [0.6082838738061572, 0.5765546861906817, 0.4550327575938058, 0.4024513288637359, 1.18008219720247]),
    ],
)  # fmt: skip
def test_metrics_of_three_classes(counts: Any, expected: list[float]) -> None:
    names = ["roc_auc", "average_precision", "accuracy", "macro_f1"]
    found = metrics.measure(names, P3, Y3, "classification", 0.0, counts)
    assert list(found.values()) == pytest.approx(expected[:4], rel=4e-16)
    whole = metrics.evaluate(P3, Y3, "classification", ["a", "b", "c"], 0.0, counts=counts)
    assert isinstance(whole, metrics.ClassificationEvaluation)
    assert whole.cross_entropy == pytest.approx(expected[4], rel=1e-14)
    assert whole.roc_auc == found["roc_auc"]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (None,
         [0.5833333333333333, 0.45833333333333326, 0.67700320038633, 0.8539823008849559, 0.34024462394121563]),
        (W[:6],
         [0.6000826446280991, 0.47144628099173536, 0.686619458646298, 0.8019512370076538, 0.2873920677273432]),
    ],
)  # fmt: skip
def test_metrics_of_numbers(counts: Any, expected: list[float]) -> None:
    names = ["mae", "mse", "rmse", "r2", "poisson_deviance"]
    found = metrics.measure(names, O, T, "regression", 0.0, counts)
    assert list(found.values()) == pytest.approx(expected, rel=4e-16)


def test_the_best_threshold_is_the_best() -> None:
    found = metrics.best_threshold(S, Y, W)
    tried = [metrics.f1(metrics.two_columns(S[:, None], t), Y, W) for t in np.linspace(0.01, 0.99, 99)]
    assert found.f1 == pytest.approx(max(tried), rel=1e-15)
    again = metrics.f1(metrics.two_columns(S[:, None], found.threshold), Y, W)
    assert again == pytest.approx(found.f1, rel=1e-15)
    assert metrics.best_threshold(np.full(4, 0.3), np.array([0, 1, 0, 1])).threshold == 0.5


def test_a_class_without_rows_has_no_area() -> None:
    found = metrics.evaluate(P3[:2], Y3[:2], "classification", ["a", "b", "c"], 0.0)
    assert isinstance(found, metrics.ClassificationEvaluation)
    assert found.roc_auc is None


BALANCED = "{type: cross_entropy, class_weights: balanced}"

# --- weights in the loss --------------------------------------------------------------------------

ROWS = [[1, 0], [0.5, -1], [2, 1], [-1, 0.5]]
COUNTS = [1, 2, 0.5, 4]


def problem(targets: list[Any], more: str, model: str, counts: list[float] | None = None) -> Problem:
    rows = [f"{a},{b},{w},{t}" for (a, b), t, w in zip(ROWS, targets, counts or COUNTS, strict=True)]
    Path("a.csv").write_text("\n".join(["x,z,w,y", *rows]) + "\n")
    used = "weights: w" if counts is not None else "exclude: [w]"
    data = f"{{path: a.csv, target: y, {used}, scaling: none, target_scaling: none}}"
    text = f"data: {data}\nmodel: {model}\n{more}"
    return assemble(configs.loads(text, "case.yaml"))


THREE = "{layers: [{type: linear, units: 3, weights: [[0.3, 0.5], [1, 0], [0, 1]], bias: [0, 0, 0]}]}"
ONE = "{layers: [{type: linear, units: 1, weights: [[0.3, 0.5]], bias: [0]}]}"
CLASSES = ["a", "c", "b", "a"]
NUMBERS = [1, 0, 3, -1]
BY_CLASS = "{type: cross_entropy, class_weights: {a: 2, c: 0.5}}"


@pytest.mark.parametrize(
    ("targets", "model", "more", "counts", "expected"),
    [
        # sklearn.metrics.log_loss and mean_squared_error with sample_weight
        (CLASSES, THREE, "", COUNTS, 1.355100609169562),
        (CLASSES, THREE, f"loss: {BY_CLASS}", None, 1.181027820529572),
        (CLASSES, THREE, f"loss: {BY_CLASS}", COUNTS, 1.2205606396869368),
        (NUMBERS, ONE, "task: regression", COUNTS, 0.82),
        (NUMBERS, ONE, "task: regression\nloss: sse", COUNTS, 6.15),
        (NUMBERS, ONE, "task: regression\nloss: half_sse", COUNTS, 3.075),
        (NUMBERS, ONE, 'task: regression\nloss: {formula: "(y - t)^2"}', COUNTS, 0.82),
    ],
)
def test_a_loss_is_a_weighted_mean(
    targets: list[Any], model: str, more: str, counts: list[float] | None, expected: float
) -> None:
    found = problem(targets, more, model, counts)
    training = training_of(found)
    bound = training.first_batch()
    bound.plan.run()
    assert float(bound.plan.value(bound.lowered.loss)) == pytest.approx(expected, rel=1e-14)
    assert training.evaluate(training.train)["loss"] == pytest.approx(expected, rel=1e-14)
    assert all(each.agree for each in check_gradients(found))


def test_the_gradient_of_a_weighted_mean() -> None:
    """d/dv of sum w (Xv - t)^2 / sum w, worked apart: (-1.8, 0.44), bias 0.38666..."""
    training = training_of(problem(NUMBERS, "task: regression", ONE, COUNTS))
    training.first_batch().plan.run()
    assert training.runner.gradient.tolist() == pytest.approx([-1.8, 0.44, 0.3866666666666667], rel=1e-14)


@pytest.mark.parametrize("loss", [name for name in LOSSES if name not in ("formula", "program")])
def test_whole_weights_are_rows_that_stand_there_so_often(loss: str) -> None:
    row = LOSSES[loss]
    targets: list[Any] = ["a", "b", "b", "a"] if row.classes or row.single else [1, 0, 3, 2]
    more = f"loss: {loss}\ntraining: {{batch_size: full, shuffle: false, epochs: 3}}\nseed: 4"
    weighted = problem(targets, more, "{hidden: [3]}", [1, 2, 3, 1])
    rows = [
        f"{a},{b},{t}" for (a, b), t, n in zip(ROWS, targets, [1, 2, 3, 1], strict=True) for _ in range(n)
    ]
    Path("b.csv").write_text("\n".join(["x,z,y", *rows]) + "\n")
    text = (
        "data: {path: b.csv, target: y, scaling: none, target_scaling: none}\nmodel: {hidden: [3]}\n"
        f"task: {weighted.task}\n{more}"
    )
    often = assemble(configs.loads(text, "case.yaml"))
    losses = []
    for each in (weighted, often):
        training = training_of(each)
        losses.append([record.values["loss"] for record in training.run()])
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)


def test_batches_have_a_weighted_mean_each() -> None:
    """As PyTorch's and scikit-learn's: of the rows of the batch, by the sum of their weights."""
    more = "task: regression\ntraining: {batch_size: 2, shuffle: false}"
    training = training_of(problem(NUMBERS, more, ONE, COUNTS))
    bound = training.first_batch()
    bound.plan.run()
    # rows 1 and 2: outputs 0.3 and -0.35 against 1 and 0, weights 1 and 2: (0.49 + 2*0.1225)/3
    assert float(bound.plan.value(bound.lowered.loss)) == pytest.approx(0.245, rel=1e-14)


def test_balanced_classes() -> None:
    """7 rows of classes of 4, 1 and 2: sklearn.utils.class_weight.compute_class_weight('balanced')."""
    text = (
        "data: {inputs: [[1], [2], [3], [4], [5], [6], [7]], targets: [a, a, a, a, b, c, c]}\n"
        "model: {hidden: []}\nloss: {type: cross_entropy, class_weights: balanced}"
    )
    found = assemble(configs.loads(text, "case.yaml")).config.loss.class_weights
    assert isinstance(found, dict)
    assert list(found.values()) == pytest.approx(
        [0.58333333333333333, 2.3333333333333333, 1.1666666666666667]
    )


def fitted(data: str, rows: list[list[float]]) -> Any:
    lines = [",".join(map(str, row)) for row in rows]
    Path("f.csv").write_text("\n".join(["x,y,dy", *lines]) + "\n")
    text = f"data: {{path: f.csv, {data}}}\nmodel: {{formula: y ~ a + b*x, parameters: {{a: 0, b: 0}}}}"
    training = training_of(assemble(configs.loads(text + "\noptimizer: levenberg_marquardt", "case.yaml")))
    list(training.run())
    return training


def test_a_straight_line_with_errors_of_its_rows() -> None:
    """Rows (1, 2 +- 1), (2, 4 +- 2), (3, 5 +- 1), by hand: weights 1, 1/4, 1; S = 9/4, Sx = 9/2, Sxx = 11.

    Sy = 8, Sxy = 19, det = S*Sxx - Sx^2 = 9/2; b = (S*Sxy - Sx*Sy)/det, var(a) = Sxx/det, var(b) = S/det.
    """
    rows = [[1, 2, 1], [2, 4, 2], [3, 5, 1]]
    found = fitted("sigma: dy", rows).result
    assert found.parameters == pytest.approx({"a": 5 / 9, "b": 3 / 2}, rel=1e-12)
    assert found.standard_errors == pytest.approx({"a": (22 / 9) ** 0.5, "b": 0.5**0.5}, rel=1e-12)
    # residuals 1/18, -4/9, 1/18: chi-squared (1/18)^2*2 + (4/9)^2/4 = 1/18, of one degree of freedom
    assert found.squares == pytest.approx(1 / 18, rel=1e-12)
    found = fitted("sigma: dy, absolute_sigma: false", rows).result
    assert found.standard_errors == pytest.approx({"a": (11 / 81) ** 0.5, "b": 1 / 6}, rel=1e-12)
    assert found.loss == pytest.approx(1 / 18 / (9 / 4), rel=1e-12)
    heavy = fitted("weights: dy", [[1, 2, 4], [2, 4, 1], [3, 5, 4], [9, 9, 0]])  # the same, but for a factor
    assert heavy.result.standard_errors == pytest.approx(found.standard_errors, rel=1e-12)
    assert heavy.result.degrees_of_freedom == 1
    assert heavy.problem.notes == ["left out 1 row of weight 0 (data.weights)"]


def test_first_values_by_the_rows_and_several_starts(run: Any) -> None:
    Path("d.csv").write_text("x,y\n" + "\n".join(f"{i},{3 * 0.8**i + 1}" for i in range(9)))
    formula = "{formula: y ~ a*b^x + c, parameters: {a: auto, b: auto, c: 0.5}}"
    Path("d.yaml").write_text(f"data: {{path: d.csv}}\nmodel: {formula}\noptimizer: levenberg_marquardt\n")
    done = run("train", "d.yaml", "--format", "json").answered()
    assert "note: first values by the rows: a = " in done.err
    assert done.json["fit"]["parameters"] == pytest.approx({"a": 3, "b": 0.8, "c": 1}, rel=1e-9)
    assert done.json["fit"]["starts"] is None
    done = run("train", "d.yaml", "optimizer={type: levenberg_marquardt, starts: 5}", "-q").answered()
    assert re.search(r"^starts: [1-5] of 5 came to this minimum, the lowest$", done.out, re.MULTILINE)
    assert run("evaluate", "runs/d", "d.csv").answered()
    wrong = run("train", "d.yaml", "model.parameters.a=some")
    wrong.refused(2, 'must be a number, not the text "some"', "hint: auto finds one by the rows")


@pytest.mark.parametrize("wrong", [0, -1, 1e-170])
def test_standard_deviations_that_are_none(wrong: float) -> None:
    with pytest.raises(BackpropError, match="is no standard deviation of a target") as caught:
        fitted("sigma: dy", [[1, 2, 1], [2, 4, wrong], [3, 5, 1]])
    assert caught.value.place == "f.csv:3:5"


def test_rows_of_weight_0_are_left_out() -> None:
    found = problem(NUMBERS, "task: regression", ONE, [1, 0, 2, 0])
    assert len(found.train) == 2
    assert "left out 2 rows of weight 0 (data.weights)" in found.notes


@pytest.mark.parametrize(
    ("counts", "told"),
    [([1, -1, 1, 1], "-1 is no weight"), ([0, 0, 0, 0], "every row has the weight 0")],
)
def test_weights_that_are_none(counts: list[float], told: str) -> None:
    with pytest.raises(BackpropError, match=told):
        problem(NUMBERS, "task: regression", ONE, counts)


@pytest.mark.parametrize(
    ("data", "more", "told"),
    [
        ("targets: [1, 2, 3]", "loss: {type: mse, class_weights: balanced}", "is for classes"),
        ("targets: [a, b, a]", "loss: {type: cross_entropy, class_weights: {aa: 2}}", "no class 'aa'"),
        ("targets: [a, b, a]", "loss: {type: cross_entropy, class_weights: {a: 0}}", "above 0"),
        ("targets: [[1, 0], [0.5, 0.5], [0, 1]]", f"loss: {BALANCED}", "shares"),
        ("targets: [a, b, a], weights: w", "", "data.weights is for data.path"),
        ("targets: [1, 2, 4], sigma: w", "", "data.sigma is for formulas"),
        ("targets: [1, 2, 4], sigma: w, weights: v", "", "data has both weights and sigma"),
        ("targets: [1, 2, 4], absolute_sigma: false", "", "data.absolute_sigma goes with data.sigma"),
        ("targets: [a, b, c]", "threshold: 0.4", "there are 3"),
        ("targets: [a, b, a]", "threshold: 0.4\nloss: hinge", "gives scores"),
        ("targets: [1.5, 2, 3]", "threshold: 0.4", "the target has numbers"),
        ("targets: [a, b, a]", "threshold: 1", "below 1"),
        ("targets: [a, b, c]", "training: {metrics: [precision]}", "second of two classes"),
        ("targets: [1.5, 2, 3]", "training: {metrics: [poisson_deviance]}", "rates above 0"),
        ("targets: [-1, 2, 3]", "loss: poisson", "takes targets from 0 on"),
        ("targets: [a, b, a]", "loss: poisson", "needs numbers"),
        ("targets: [1.5, 2, 3]", "loss: multi_margin", "needs classes"),
        ("targets: [a, b, a]", "loss: {type: mae, margin: 2}", "is for hinge, multi_margin"),
    ],
)  # fmt: skip
def test_what_does_not_go_together(data: str, more: str, told: str) -> None:
    text = f"data: {{inputs: [[1], [2], [3]], {data}}}\nmodel: {{hidden: []}}\n{more}"
    with pytest.raises(ConfigError) as caught:
        assemble(configs.loads(text, "case.yaml"))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("targets", "model", "more"),
    [
        *(
            (NUMBERS, ONE, f"task: regression\nloss: {loss}")
            for loss in (
                "mse",
                "sse",
                "half_sse",
                "mae",
                "{type: huber, delta: 0.3}",
                "{type: quantile, q: 0.8}",
            )
        ),
        ([1, 0, 3, 2], ONE, "task: regression\nloss: poisson"),
        (NUMBERS, ONE, 'task: regression\nloss: {formula: "abs(y - t)^3"}'),
        (CLASSES, THREE, "loss: {type: cross_entropy, class_weights: balanced}"),
        (CLASSES, THREE, "loss: multi_margin"),
        (["a", "b", "b", "a"], ONE, "loss: binary_cross_entropy"),
        (["a", "b", "b", "a"], ONE, "loss: hinge"),
    ],
)
def test_a_step_of_weighted_rows_is_written_out(targets: list[Any], model: str, more: str) -> None:
    """The lines of a trace are another computation than training's: number by number."""
    found = problem(targets, f"{more}\noptimizer: {{type: sgd, learning_rate: 0.1}}", model, COUNTS)
    made, written = Made(found, 1), write_out(found)
    assert written.loss[-1].value == pytest.approx(made.step.before, rel=1e-14)
    gradients = {u.name.text: u.gradient for u in written.updates}
    weights = made.gradients["linear1.weights"].reshape(-1).tolist()
    shown = [g for name, g in gradients.items() if ".w[" in name]
    assert shown == pytest.approx(weights, rel=1e-12, abs=1e-15)
    assert any("the rows count" in note for note in written.notes)


# --- weights and thresholds of a trained model ------------------------------------------------------


def trained(more: str, data: str = "") -> Model:
    rows = [f"{i % 7},{(i * 3) % 5},{1 + i % 3},{'yes' if (i * i) % 7 > 3 else 'no'}" for i in range(70)]
    Path("r.csv").write_text("\n".join(["x,z,w,y", *rows]) + "\n")
    text = f"data: {{path: r.csv, target: y, weights: w{data}}}\nmodel: {{hidden: [4]}}\n{more}"
    Path("r.yaml").write_text(text + "\ntraining: {epochs: 5, metrics: [accuracy, f1, roc_auc]}")
    run = Run(assemble(configs.load("r.yaml")))
    for _ in run.steps():
        pass
    run.close()
    return Model.load(run.path("model.safetensors"))


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_evaluate_counts_as_training_did(run: Any, loss: str) -> None:
    trained(f"threshold: 0.4\nloss: {{type: {loss}, class_weights: balanced}}", ", test_split: 0.3")
    import json

    summary = Run(assemble(configs.load("r.yaml", ["output.dir=again"])))
    for _ in summary.steps():
        pass
    summary.close()
    expected = summary.results["test"]
    result: Result = run("evaluate", "again/model.safetensors", "-q", "--format", "json")
    found = json.loads(result.answered().out)
    assert found["loss"]["value"] == pytest.approx(expected["loss"], rel=1e-12)
    assert found["accuracy"] == pytest.approx(expected["accuracy"], rel=1e-12)
    assert found["classes"][1]["f1"] == pytest.approx(expected["f1"], rel=1e-12)
    assert found["roc_auc"] == pytest.approx(expected["roc_auc"], rel=1e-12)
    assert found["threshold"] == 0.4
    shown = run("evaluate", "again/model.safetensors", "-q", "--threshold", "0.6").answered().out
    assert "'yes' is answered above it" in shown
    assert "of the weight" in shown


def test_predict_answers_by_the_threshold(run: Any) -> None:
    model = trained("threshold: 0.05")
    rows = run("predict", "runs/r", "r.csv", "--digits", "17").answered().out.splitlines()[1:]
    assert model.threshold == 0.05
    for row in rows:
        *_, answer, _, yes, _ = row.split(",")
        assert answer == ("yes" if float(yes) > 0.05 else "no")


def test_rows_without_the_weights_count_alike(run: Any) -> None:
    trained("")
    lines = Path("r.csv").read_text().splitlines()
    Path("n.csv").write_text(
        "\n".join(",".join(c for i, c in enumerate(line.split(",")) if i != 2) for line in lines)
    )
    shown = run("evaluate", "runs/r", "n.csv").answered().out
    assert "has no column 'w': its rows count alike" in shown
    assert run("evaluate", "runs/r", "n.csv", "--threshold", "1.5").refused(2, "between 0 and 1")


# --- losses ------------------------------------------------------------------------------------------


def test_rates_are_predicted() -> None:
    text = (
        "data: {inputs: [[1, 0], [0.5, -1], [2, 1]], targets: [1, 0, 3]}\ntask: regression\n"
        f"model: {ONE}\nloss: poisson"
    )
    made = Made(assemble(configs.loads(text, "case.yaml")), 1)
    outputs = np.array([0.3, -0.35, 1.1])
    # torch.nn.PoissonNLLLoss(): the mean of exp(y) - t*y
    assert made.step.before == pytest.approx(float(np.mean(np.exp(outputs) - [1, 0, 3] * outputs)), rel=1e-15)
    bias = made.gradients["linear1.bias"]
    assert bias == pytest.approx([float(np.mean(np.exp(outputs) - [1, 0, 3]))], rel=1e-14)
    rates = made.training.runner.predict(made.training.train.encoded).predictions
    np.testing.assert_allclose(rates[:, 0], np.exp([0.3, -0.35, 1.1]), rtol=0.2)


def test_rates_are_held_beside_the_mean() -> None:
    """Share of the deviance that the mean leaves: sklearn.metrics.d2_tweedie_score(power=1)."""
    text = (
        "data: {inputs: [[1, 0], [0.5, -1], [2, 1]], targets: [1, 0, 3]}\ntask: regression\n"
        f"model: {ONE}\nloss: poisson"
    )
    found = assemble(configs.loads(text, "case.yaml"))
    outputs = training_of(found).runner.predict(found.train.encoded, raw=True).predictions
    beside = beside_constant(found, found.train, outputs)
    assert beside is not None
    assert beside.share == pytest.approx(0.648246342577621, rel=1e-12)
    assert "always answering the mean" in beside.says


def test_multi_margin_by_hand() -> None:
    """Rows (0.3, 1, 0) of class 0 and (-0.35, 0.5, -1) of class 2: (1.7 + 0.7 + 1.65 + 2.5)/3/2."""
    text = f"data: {{inputs: [[1, 0], [0.5, -1]], targets: [0, 2]}}\nmodel: {THREE}\nloss: multi_margin"
    made = Made(assemble(configs.loads(text, "case.yaml")), 1)
    assert made.step.before == pytest.approx(6.55 / 6, rel=1e-15)
    # each class too near pushes by 1/6, the row's own by as many
    assert made.gradients["linear1.bias"].tolist() == pytest.approx([-1 / 6, 2 / 6, -1 / 6], rel=1e-14)


@pytest.mark.parametrize(
    "loss", ["mse", "mae", "{type: huber, delta: 30}", "sse", "half_sse", "{type: quantile, q: 0.9}"]
)
def test_scaled_targets_have_the_loss_of_their_own_units(loss: str) -> None:
    """The model answers in the units of the table: what it gives there is what the run has told."""
    rows = [f"{i % 7},{(i * 3) % 5},{1000 + 40 * (i % 7) + i % 3}" for i in range(30)]
    Path("r.csv").write_text("\n".join(["x,z,y", *rows]) + "\n")
    text = (
        "data: {path: r.csv, target: y, target_scaling: standard}\ntask: regression\nmodel: {hidden: [4]}\n"
        f"loss: {loss}\ntraining: {{epochs: 3}}"
    )
    made = Run(assemble(configs.loads(text, "case.yaml")))
    for _ in made.steps():
        pass
    made.close()
    assert made.problem.units is not None
    model = Model.load(made.path("model.safetensors"))
    train = made.problem.train
    assert model.loss(Rows(train.encoded, train.answers)) == pytest.approx(
        made.results["training"]["loss"], rel=1e-10
    )
