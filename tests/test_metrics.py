"""Numbers of scikit-learn 1.9.1 (`sklearn.metrics`), stored."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest

from backprop_cli.errors import ConfigError
from backprop_cli.training.metrics import (
    METRICS,
    ClassificationEvaluation,
    RegressionEvaluation,
    evaluate,
    higher_is_better,
    measure,
)
from backprop_cli.training.schema import Metric

SCORES = np.array(
    [
        [2.0, 1.0, 0.0, -1.0],
        [0.5, 2.5, 0.0, 1.0],
        [0.0, 1.0, 3.0, 2.0],
        [1.0, 0.0, 2.0, 0.5],
        [0.0, 0.0, 0.0, 1.0],
        [3.0, 1.0, 2.0, 0.0],
        [1.0, 2.0, 0.0, 0.5],
        [0.2, 0.1, 0.3, 0.4],
    ]
)
TARGETS = np.array([0, 1, 2, 0, 3, 2, 1, 1])
NUMBERS = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 4.0], [2.0, 2.5]])
PREDICTED = np.array([[1.1, 1.5], [2.7, -0.5], [0.9, 4.4], [2.0, 1.0]])
CLASSES = ["a", "b", "c", "d"]


def softmax(scores):
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def one_hot(answers, classes):
    return np.eye(classes)[answers]


def test_classification_metrics():
    found = measure(["accuracy", "top_3_accuracy", "macro_f1"], SCORES, TARGETS, "classification")
    assert found == pytest.approx(
        {"accuracy": 0.625, "top_3_accuracy": 0.875, "macro_f1": 0.6166666666666667}
    )
    assert list(found) == ["accuracy", "top_3_accuracy", "macro_f1"]


def test_regression_metrics():
    found = measure(["mae", "mse", "rmse", "r2"], PREDICTED, NUMBERS, "regression")
    # rmse is the mean over outputs, as scikit-learn's root_mean_squared_error: not the root of 0.39625
    expected = {"mae": 0.4625, "mse": 0.39625, "rmse": 0.5539435405706191, "r2": 0.854414009157362}
    assert found == pytest.approx(expected, rel=1e-14)


def test_a_single_logit():
    logits = np.array([[-1.0], [2.0], [0.5], [-0.2], [0.0], [3.0]])
    targets = np.array([0, 1, 0, 1, 0, 1])
    found = measure(["accuracy", "macro_f1"], logits, targets, "classification")
    assert found == pytest.approx({"accuracy": 2 / 3, "macro_f1": 2 / 3})
    probabilities = np.array([[0.4], [0.6], [0.5]])
    found = measure(["accuracy"], probabilities, np.array([0, 1, 0]), "classification", threshold=0.5)
    assert found == {"accuracy": 1.0}


def test_equal_scores():
    # scikit-learn: argmax takes the first, top_k_accuracy_score the last
    scores = np.zeros((4, 4))
    found = measure(["accuracy", "top_3_accuracy"], scores, np.arange(4), "classification")
    assert found == {"accuracy": 0.25, "top_3_accuracy": 0.75}


@pytest.mark.parametrize(
    ("predicted", "targets", "expected"),
    [
        ([2.0, 2, 2], [2.0, 2, 2], 1.0),
        ([2.0, 2, 3], [2.0, 2, 2], 0.0),
        ([0.1, 0.1, 0.3], [0.1, 0.1, 0.1], 0.0),  # whose mean is not 0.1 in floats
        ([[1, 2.0], [2, 2], [4, 3]], [[1, 2.0], [2, 2], [3, 2]], 0.25),
    ],
)
def test_r2_of_a_constant_target(predicted, targets, expected):
    predicted, targets = (np.array(x).reshape(3, -1) for x in (predicted, targets))
    assert measure(["r2"], predicted, targets, "regression") == {"r2": pytest.approx(expected)}


def test_r2_of_one_row():
    assert np.isnan(measure(["r2"], np.ones((1, 1)), np.ones((1, 1)), "regression")["r2"])


def test_float32_is_summed_in_float64():
    outputs = np.full((1_000_000, 1), 0.1, np.float32)
    found = measure(["mae"], outputs, np.zeros((1_000_000, 1)), "regression")["mae"]
    assert found == pytest.approx(0.10000000149011612, rel=1e-12)


def test_metrics_are_those_of_the_config():
    assert list(METRICS) == list(get_args(Metric))


@pytest.mark.parametrize(
    ("name", "task", "words"),
    [
        ("r2", "classification", "r2 measures regression, not classification"),
        ("accuracy", "regression", "accuracy measures classification, not regression"),
        ("auc", "regression", "auc is no metric"),
    ],
)
def test_metrics_that_do_not_suit(name, task, words):
    with pytest.raises(ConfigError, match=words) as caught:
        measure([name], PREDICTED, NUMBERS, task)
    assert caught.value.hint.startswith(f"for {task}: ")


def test_directions():
    lower = ["mae", "mse", "rmse", "poisson_deviance"]
    assert [m for m in METRICS if not higher_is_better(m)] == lower
    assert higher_is_better("val_accuracy")
    assert not higher_is_better("val_loss")
    assert not higher_is_better("loss")


# the whole evaluation


def scores_of(row):
    return row.precision, row.recall, row.f1, row.support


def test_evaluation_of_classes():
    found = evaluate(softmax(SCORES), TARGETS, "classification", CLASSES, loss=1.5)
    assert isinstance(found, ClassificationEvaluation)
    assert found.confusion.tolist() == [[1, 0, 1, 0], [0, 2, 0, 1], [1, 0, 1, 0], [0, 0, 0, 1]]
    assert (found.rows, found.accuracy, found.baseline, found.top_3_accuracy) == (8, 0.625, 0.375, 0.875)
    assert found.loss == 1.5
    assert found.cross_entropy == pytest.approx(0.882976384699016, rel=1e-14)
    assert [c.name for c in found.classes] == CLASSES
    assert [scores_of(c) for c in found.classes] == [
        (0.5, 0.5, 0.5, 2),
        (1.0, pytest.approx(2 / 3), pytest.approx(0.8), 3),
        (0.5, 0.5, 0.5, 2),
        (0.5, 1.0, pytest.approx(2 / 3), 1),
    ]
    assert scores_of(found.macro) == pytest.approx((0.625, 0.6666666666666666, 0.6166666666666667, 8))
    assert scores_of(found.weighted) == pytest.approx((0.6875, 0.625, 0.6333333333333334, 8))


def test_ratios_without_a_value():
    found = evaluate(one_hot([0, 1, 1, 1, 0], 3), np.array([0, 0, 1, 1, 2]), "classification", "abc", 1.0)
    assert found.classes[2].undefined == ("precision",)
    assert scores_of(found.classes[2]) == (0.0, 0.0, 0.0, 1)
    macro = (0.38888888888888884, 0.5, 0.43333333333333335, 5)
    assert scores_of(found.macro) == pytest.approx(macro)
    assert scores_of(found.weighted) == pytest.approx((0.4666666666666666, 0.6, 0.52, 5))
    # a class that is neither a target nor an answer is no part of the average
    found = evaluate(one_hot([0, 1, 1], 3), np.array([0, 0, 1]), "classification", "abc", 1.0)
    assert found.classes[2].undefined == ("precision", "recall", "f1")
    assert found.macro.f1 == pytest.approx(0.6666666666666666)
    assert found.top_3_accuracy is None


def test_a_probability_of_zero():
    found = evaluate(np.array([[1.0, 0.0]]), np.array([1]), "classification", "ab", 1.0)
    assert found.cross_entropy == pytest.approx(36.04365338911715)  # -log(2^-52), as log_loss clips


def test_evaluation_of_numbers():
    found = evaluate(PREDICTED, NUMBERS, "regression", ["u", "v"], 1.0)
    assert isinstance(found, RegressionEvaluation)
    assert (found.rows, found.loss, found.beyond) == (4, 1.0, [])
    all_, (u, v) = found.overall, found.outputs
    assert (all_.mae, all_.mse) == pytest.approx((0.4625, 0.39625))
    assert (all_.rmse, all_.r2) == pytest.approx((0.5539435405706191, 0.854414009157362))
    assert (all_.max_error, all_.bias) == pytest.approx((1.5, -0.1125))
    assert (u.name, u.mae, u.mse) == ("u", pytest.approx(0.2), pytest.approx(0.065))
    assert (u.rmse, u.r2, u.max_error) == pytest.approx((0.25495098, 0.92949153, 0.4), abs=1e-8)
    assert (v.mae, v.mse, v.rmse) == pytest.approx((0.725, 0.7275, 0.85293611), abs=1e-8)
    assert (v.r2, v.max_error, v.bias) == pytest.approx((0.77933649, 1.5, -0.275), abs=1e-8)


def test_a_single_row_of_numbers():
    found = evaluate(np.array([[1.0]]), np.array([[3.0]]), "regression", ["y"], 1.0)
    assert (found.overall.r2, found.overall.bias, found.overall.max_error) == (None, -2.0, 2.0)


def test_errors_near_the_end_of_the_floats():
    """They are what they are times a power of two, down to the last bit; what has no float is None."""
    small = evaluate(PREDICTED, NUMBERS, "regression", ["u", "v"], 1.0)
    for power in (400, 600, 1020):
        large = evaluate(PREDICTED * 2.0**power, NUMBERS * 2.0**power, "regression", ["u", "v"], math.inf)
        for a, b in zip([small.overall, *small.outputs], [large.overall, *large.outputs], strict=True):
            for name in ("mae", "rmse", "max_error", "bias"):
                assert getattr(b, name) == getattr(a, name) * 2.0**power
            assert b.r2 == a.r2
        assert large.beyond == (["loss"] if power == 400 else ["loss", "MSE"])
