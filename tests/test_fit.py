"""Levenberg-Marquardt: NIST's certified problems, errors of the parameters, and what rows cannot tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.errors import ConfigError, DomainError, NoSuchNumber, RangeError, SlopeError
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.optimization import settings
from backprop_cli.optimization.fit import Fit, FitResult, guessed

NIST = json.loads((Path(__file__).parent / "reference" / "nist.json").read_text())["problems"]


def fitted(formula: str, x: Any, y: Any, most: int = 100, **parameters: float) -> FitResult:
    graph = lower(parse(formula), list(parameters))
    columns = {"x": np.asarray(x, float)}
    progress = Fit(graph, columns, np.asarray(y, float), parameters, settings.LevenbergMarquardt(), most)
    list(progress)
    return progress.result()


@pytest.mark.parametrize("start", [0, 1], ids=["far", "near"])
@pytest.mark.parametrize("problem", NIST, ids=lambda problem: problem["name"])
def test_certified_problems(problem: dict[str, Any], start: int) -> None:
    names = [f"b{i}" for i in range(1, len(problem["parameters"]) + 1)]
    first = dict(zip(names, map(float, problem["starts"][start]), strict=True))
    result = fitted(problem["formula"], problem["x"], problem["y"], **first)
    assert result.converged
    assert result.warning is None
    assert list(result.parameters.values()) == pytest.approx(problem["parameters"], rel=1e-9)
    assert list(result.standard_errors.values()) == pytest.approx(problem["errors"], rel=1e-9)
    assert result.loss * len(problem["y"]) == pytest.approx(problem["sum_of_squares"], rel=1e-10)
    assert result.residual_deviation == pytest.approx(problem["residual_deviation"], rel=1e-10)


@pytest.mark.parametrize("problem", NIST, ids=lambda problem: problem["name"])
def test_certified_problems_without_first_values(problem: dict[str, Any]) -> None:
    names = [f"b{i}" for i in range(1, len(problem["parameters"]) + 1)]
    graph = lower(parse(problem["formula"]), names)
    first = guessed(
        graph, {"x": np.array(problem["x"])}, np.array(problem["y"]), dict.fromkeys(names), None, 1
    )
    result = fitted(problem["formula"], problem["x"], problem["y"], 200, **first)
    assert result.converged
    assert result.squares == pytest.approx(problem["sum_of_squares"], rel=1e-9)


def test_a_given_first_value_stays_and_what_is_linear_follows() -> None:
    """b as it is given, of the others the least-squares ones, to three digits."""
    x = np.linspace(0.0, 4.0, 30)
    graph = lower(parse("a*exp(-b*x) + c"), ["a", "b", "c"])
    first = guessed(graph, {"x": x}, 7 * np.exp(-0.5 * x) - 2, {"a": None, "b": 0.5, "c": None}, None, 0)
    assert first == {"a": 7.0, "b": 0.5, "c": -2.0}
    with pytest.raises(NoSuchNumber, match="no first values were found"):
        guessed(
            lower(parse("log(a - x)*0 + b"), ["a", "b"]), {"x": x * 1e9}, x, {"a": None, "b": 1.0}, None, 0
        )


def test_several_starts_find_the_minimum_that_one_misses() -> None:
    x = np.linspace(0, 10, 80)
    y = 2 * np.sin(3.1 * x + 0.7) + 1
    graph, first = lower(parse("a*sin(b*x + c) + d")), {"a": 1.0, "b": 1.0, "c": 0.0, "d": 0.0}
    for starts, found in ((1, False), (12, True)):
        how = settings.LevenbergMarquardt(starts=starts)
        fit, told = Fit(graph, {"x": x}, y, first, how, 100).from_starts(0)
        list(fit)
        assert (fit.result().loss < 1e-20) == found
        assert told.tried == starts
        assert 0 < told.reached <= starts


def test_decay_within_three_standard_errors() -> None:
    rng = np.random.default_rng(0)
    x = np.linspace(0, 5, 60)
    y = 2.5 * np.exp(-0.7 * x) + 0.5 + rng.normal(0, 0.05, 60)
    result = fitted("a*exp(-b*x) + c", x, y, a=1.0, b=0.1, c=0.0)
    assert result.converged
    for name, true in {"a": 2.5, "b": 0.7, "c": 0.5}.items():
        error = result.standard_errors[name]
        assert error is not None
        assert abs(result.parameters[name] - true) < 3 * error
    assert result.residual_deviation == pytest.approx(0.05, rel=0.2)
    assert result.degrees_of_freedom == 57


def test_a_straight_line_by_hand() -> None:
    # x = 1, 2, 3, y = 2, 4, 5: slope 1.5, intercept 2/3, residuals 1/6, -1/3, 1/6, s^2 = 1/6
    result = fitted("a + b*x", [1, 2, 3], [2, 4, 5], a=0.0, b=0.0)
    assert result.parameters == pytest.approx({"a": 2 / 3, "b": 1.5}, rel=1e-12)
    assert result.loss == pytest.approx(1 / 18, rel=1e-12)
    # s^2 (J^T J)^-1 with J^T J = [[3, 6], [6, 14]]
    np.testing.assert_allclose(result.covariance, [[14 / 36, -1 / 6], [-1 / 6, 1 / 12]], rtol=1e-12)


def test_rows_without_noise() -> None:
    x = np.linspace(0.5, 4, 20)
    result = fitted("a*x^b", x, 3 * x**1.5, a=1.0, b=1.0)
    assert result.converged
    assert result.parameters == pytest.approx({"a": 3, "b": 1.5}, rel=1e-13)


def test_iterations_come_one_by_one_and_go_down() -> None:
    graph = lower(parse("a*exp(-b*x)"))
    x = np.linspace(0, 3, 10)
    progress = Fit(
        graph, {"x": x}, np.exp(-x) + x / 10, {"a": 2.0, "b": 3.0}, settings.LevenbergMarquardt(), 50
    )
    seen = list(progress)
    assert [record.iteration for record in seen] == list(range(len(seen)))
    assert seen[0].parameters == {"a": 2.0, "b": 3.0}
    losses = [record.loss for record in seen]
    assert losses[0] > losses[1] > losses[2]
    assert seen[-1].loss == progress.result().loss
    assert progress.result().iterations == seen


def test_too_few_iterations_are_no_success() -> None:
    problem = NIST[0]
    result = fitted(problem["formula"], problem["x"], problem["y"], 3, b1=500.0, b2=1e-4)
    assert not result.converged
    assert result.reason == "not at the minimum after 3 iterations"
    assert len(result.iterations) == 4


@pytest.mark.parametrize(
    ("formula", "parameters", "known", "says"),
    [
        (
            "a*b*exp(-c*x)",
            {"a": 1.0, "b": 1.0, "c": 1.0},
            ["c"],
            "the rows cannot tell a and b apart: they can change together and leave the formula as it is",
        ),
        (
            "exp(-c*x) + a + b + d",
            {"a": 0.1, "b": 0.2, "c": 1.0, "d": 0.0},
            ["c"],
            "the rows cannot tell a, b and d apart: they can change together and leave the formula as it is",
        ),
        ("exp(-c*x) + 0*a", {"a": 1.0, "c": 1.0}, ["c"], "a has no influence on the formula here"),
    ],
)
def test_parameters_that_rows_cannot_tell(
    formula: str, parameters: dict[str, float], known: list[str], says: str
) -> None:
    x = np.linspace(0, 3, 12)
    y = 1.5 * np.exp(-0.8 * x) + 0.01 * np.sin(9 * x)
    result = fitted(formula, x, y, **parameters)
    assert result.converged
    assert result.warning == says
    assert [name for name, error in result.standard_errors.items() if error is not None] == known


def test_fewer_rows_than_parameters() -> None:
    result = fitted("a + b*x + c*x^2", [1, 2], [1, 3], a=0.0, b=0.0, c=0.0)
    assert result.warning == "2 rows cannot determine 3 parameters"
    assert result.residual_deviation is None
    assert set(result.standard_errors.values()) == {None}
    result = fitted("a + b*x", [1, 2], [1, 3], a=0.0, b=0.0)
    assert result.parameters == pytest.approx({"a": -1, "b": 2})
    assert result.warning == "as many rows as parameters (2): nothing is left to estimate their errors from"


def test_a_step_out_of_the_domain_is_shortened() -> None:
    # log(b*x) has no value for b < 0, where an undamped step from 10 leads
    x = np.linspace(1, 5, 20)
    result = fitted("a*log(b*x)", x, 2 * np.log(0.5 * x), a=1.0, b=10.0)
    assert result.converged
    assert result.parameters == pytest.approx({"a": 2.0, "b": 0.5}, rel=1e-9)


def test_no_value_at_the_start_names_the_row() -> None:
    with pytest.raises(DomainError) as caught:
        fitted("log(x - a)", [3.0, 2.0, 0.5], [0, 0, 0], a=1.0)
    assert caught.value.message.startswith("row 3: log(x - a) has no value at")
    with pytest.raises(SlopeError, match="row 1: the slope of"):
        fitted("x*sqrt(a)", [1.0, 0.0], [0, 0], a=0.0)


def test_a_row_whose_slope_the_chain_rule_cannot_tell() -> None:
    """sqrt(0*a) is 0 for every a: its slope is 0, where the chain rule multiplies 0 and an infinite slope."""
    result = fitted("sqrt(x*a)", [1.0, 0.0, 4.0], [3.0, 0.0, 6.0], a=1.0)
    assert result.converged
    assert result.parameters["a"] == pytest.approx(9.0, rel=1e-12)


def test_unknown_parameter() -> None:
    with pytest.raises(ConfigError, match="the formula has no parameter b"):
        fitted("a*x", [1.0], [1.0], a=1.0, b=2.0)


# --- points that are stationary and no answer -----------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "truth", "start", "reason"),
    [
        # local minima of a frequency
        ("sin(a*x)", lambda x: np.sin(3 * x), {"a": 1.5}, "a plateau or a local minimum"),
        ("sin(a*x)", lambda x: np.sin(7 * x), {"a": 2.0}, "a plateau or a local minimum"),
        # the exponential has died out, or the step lies beyond all rows: a constant is left
        ("c + a*exp(-b*x^2)", lambda x: x + 1, {"a": 1.0, "b": 1e6, "c": 0.0}, "a plateau"),
        ("c + relu(x - a)", lambda x: x**2, {"a": 1000.0, "c": 0.0}, "a plateau: a has no influence"),
    ],
)
def test_a_plateau_is_no_minimum(formula: str, truth: Any, start: dict[str, float], reason: str) -> None:
    x = np.linspace(0.5, 30, 200)
    result = fitted(formula, x, truth(x), most=1000, **start)
    assert not result.converged
    assert result.reason.startswith(reason)
    assert result.explained is not None
    assert result.explained < 1e-6


@pytest.mark.parametrize(
    ("formula", "y", "start"),
    [
        ("a*x", [10.0, 9.0, 10.0], {"a": 1.0}),  # linear: the one minimum, though worse than the mean
        ("c", [1.0, 2.0, 4.0], {"c": 0.0}),
        ("exp(c)", [1.0, 2.0, 4.0], {"c": 0.0}),  # no column: the mean is all that it can say
        ("a + 0*b*x + x", [3.0, 3.0, 6.0], {"a": 0.0, "b": 1.0}),
        ("a*exp(b*x)", [2.0, 2.0, 2.0], {"a": 1.0, "b": 0.1}),  # exact: b = 0
    ],
)
def test_a_minimum_that_explains_little_has_converged(
    formula: str, y: list[float], start: dict[str, float]
) -> None:
    assert fitted(formula, [1.0, 2.0, 3.0], y, **start).converged


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("b", [1.0, 0.5, 30.0])
def test_no_warning_of_numpy_escapes(b: float) -> None:
    """Slopes of 1e-200 and less: products and quotients of them overflow."""
    x = np.linspace(400, 1600, 7)
    result = fitted("1/(1+exp(-b*(x-a)))", x, [0, 0, 0.13, 0.35, 0.75, 0.89, 0.91], a=1.0, b=b)
    assert not result.converged


@pytest.mark.parametrize(
    ("formula", "x", "scaled"),
    [
        ("a*exp(b*x)", [1900.0, 1950.0, 2010.0], "(x - 1955)/55 in place of x"),
        ("a*exp(b*x)", [-2000.0, 1000.0], "(x + 500)/1500 in place of x"),
        ("a*x^b", [1e300, 1e300], "x/1e300 in place of x"),
        ("a*10^(800*b)*x", [0.5, 1.0], "first values nearer"),
    ],
)
def test_what_helps_a_formula_that_overflows(formula: str, x: list[float], scaled: str) -> None:
    with pytest.raises(RangeError) as caught:
        fitted(formula, x, np.ones(len(x)), a=1.0, b=2.0)
    assert caught.value.hint is not None
    assert scaled in caught.value.hint
    assert "softplus" not in caught.value.hint


# --- rows that do not count alike -----------------------------------------------------------------

UNEQUAL = [[0, 3.05, 0.05], [0.5, 2.24, 0.05], [1, 1.78, 0.04], [1.5, 1.31, 0.08], [2, 1.19, 0.05],
           [3, 0.77, 0.1], [4, 0.71, 0.03], [5, 0.52, 0.04]]  # fmt: skip
COUNTS = [1, 2, 0.5, 4, 1, 1, 3, 0.25]


@pytest.mark.parametrize(
    ("weights", "absolute", "parameters", "errors", "squares"),
    [
        # scipy.optimize.curve_fit(sigma=..., absolute_sigma=...), SciPy 1.17; without sigma 1/sqrt(weight)
        (None, True, [2.5157612192657, 0.6857848652096642, 0.5052481465337761],
         [0.0504453579431704, 0.03924018293354091, 0.03933286473394649], 8.812104250534395),
        (None, False, [2.5157612192657, 0.6857848652096642, 0.5052481465337761],
         [0.06696934002075622, 0.05209377553259598, 0.05221681636842649], 8.812104250534395),
        (COUNTS, False, [2.457923103162942, 0.7953507016282899, 0.5911952515729993],
         [0.06563434030123733, 0.05182755553354425, 0.05041212411708176], 0.022108154905383884),
    ],
)  # fmt: skip
def test_weighted_least_squares(
    weights: Any, absolute: bool, parameters: list[float], errors: list[float], squares: float
) -> None:
    x, y, sigma = np.array(UNEQUAL).T
    counts = 1 / sigma**2 if weights is None else np.array(weights)
    first = {"a": 1.0, "b": 0.1, "c": 0.0}
    graph = lower(parse("a*exp(-b*x) + c"), list(first))
    for scale in (1.0,) if absolute else (1.0, 1e-7, 1e9):
        fit = Fit(
            graph, {"x": x}, y, first, settings.LevenbergMarquardt(), 100, counts * scale, absolute=absolute
        )
        list(fit)
        result = fit.result()
        assert result.converged
        assert list(result.parameters.values()) == pytest.approx(parameters, rel=1e-8)
        assert list(result.standard_errors.values()) == pytest.approx(errors, rel=1e-7)
        assert result.squares == pytest.approx(squares * scale, rel=1e-12)
        assert result.loss == pytest.approx(squares / counts.sum(), rel=1e-12)


def test_errors_that_residuals_belie() -> None:
    x, y, _ = np.array(UNEQUAL).T
    first = {"a": 1.0, "b": 0.1, "c": 0.0}
    graph = lower(parse("a*exp(-b*x) + c"), list(first))
    # chi-squared of 5 degrees of freedom: 20340, 51, 20, 8e-6
    for sigma, told in ((0.001, "63.8 times"), (0.02, "3.19 times"), (0.0316, ""), (50.0, "0.00128 times")):
        fit = Fit(
            graph,
            {"x": x},
            y,
            first,
            settings.LevenbergMarquardt(),
            100,
            np.full(8, sigma**-2),
            absolute=True,
        )
        list(fit)
        warning = fit.result().warning or ""
        assert warning.startswith(f"the residuals are {told} what sigma says" if told else "")
        assert bool(warning) == bool(told)


def test_two_rows_of_known_errors_leave_nothing_open() -> None:
    """A line through (1, 1 +- 0.3) and (3, 2 +- 0.4): its slope 1/2 +- sqrt(0.3^2 + 0.4^2)/2 = 0.25."""
    fit = Fit(
        lower(parse("a + b*x"), ["a", "b"]), {"x": np.array([1.0, 3.0])}, np.array([1.0, 2.0]),
        {"a": 0.0, "b": 0.0}, settings.LevenbergMarquardt(), 100, np.array([0.3, 0.4]) ** -2.0, absolute=True,
    )  # fmt: skip
    list(fit)
    result = fit.result()
    assert result.warning is None
    assert result.standard_errors["b"] == pytest.approx(0.25, rel=1e-12)
