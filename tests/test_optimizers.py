"""The update rules: numbers worked out or PyTorch's, blocks, float32, resuming, convergence."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import msgspec
import numpy as np
import pytest

from backprop_cli.errors import ConfigError
from backprop_cli.ops.namespaces import arrays
from backprop_cli.optimization import rules, settings

REFERENCE = json.loads((Path(__file__).parent / "reference" / "torch_optimizers.json").read_text())

ON_PARABOLA = [
    # x^2 from 1, rate .1, three steps; the first three by hand, the others PyTorch's
    ({"type": "sgd"}, [0.8, 0.64, 0.512]),
    ({"type": "sgd", "momentum": 0.9}, [0.8, 0.46, 0.062]),
    ({"type": "sgd", "momentum": 0.9, "nesterov": True}, [0.62, 0.2224, -0.108352]),
    ({"type": "adagrad"}, [0.900000000005, 0.8331035268451359, 0.7804561813568098]),
    ({"type": "rmsprop"}, [4.999999791976961e-08, -2.5188822722841206e-10, 2.54431267743102e-12]),
    ({"type": "adam"}, [0.9000000005, 0.8004122286917927, 0.7015862729460302]),
    ({"type": "adamw"}, [0.8990000005, 0.7985190271685215, 0.6989111831582322]),
    ({"type": "nadam"}, [0.8943548226926871, 0.8199730706329195, 0.7527292663805714]),
    ({"type": "adadelta"}, [0.9996837726292671, 0.9993593788142883, 0.999029415088255]),
]


def rule_of(section: dict[str, Any], updates: int = 0) -> Any:
    return rules.make(msgspec.convert(section, settings.Optimizer), updates)


def descend(
    section: dict[str, Any], slope: Callable[..., Any], theta: Any, steps: int, rate: float, updates: int = 0
) -> Any:
    rule = rule_of(section, updates)
    state = rule.init(theta)
    for _ in range(steps):
        rule.update(theta, slope(theta), state, rate)
    return theta


@pytest.mark.parametrize(("section", "points"), ON_PARABOLA)
def test_three_steps_on_a_parabola(section: dict[str, Any], points: list[float]) -> None:
    rule = rule_of(section)
    theta = np.array([1.0])
    state = rule.init(theta)
    for point in points:
        rule.update(theta, 2 * theta, state, 0.1)
        # RMSProp's steps end next to 0, where only the rounding of 1 is left
        assert theta[0] == pytest.approx(point, rel=1e-12, abs=1e-24)


def test_every_optimizer_of_the_schema_has_a_rule() -> None:
    first_order = set(get_args(settings.Optimizer)) - {settings.LevenbergMarquardt}
    assert set(rules.RULES) == first_order
    with pytest.raises(ConfigError, match="levenberg_marquardt fits formulas"):
        rules.make(settings.LevenbergMarquardt())


@pytest.mark.parametrize("section", [{"momentum": 0.0}, {"momentum": 0.9, "dampening": 0.1}])
def test_nesterov_without_momentum_is_refused(section: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="nesterov needs a momentum above 0 and no dampening"):
        rule_of({"type": "sgd", "nesterov": True} | section)


def quartic(theta: Any) -> Any:
    """Slope of sum k/2 x^2 + x^4/4 - x/k, k = 1.., as the reference script writes it."""
    k = np.arange(1, theta.size + 1, dtype=theta.dtype)
    return k * theta + theta * theta * theta - 1 / k


@pytest.mark.parametrize("case", REFERENCE["cases"], ids=lambda case: case["name"])
def test_a_hundred_steps_as_pytorch(case: dict[str, Any]) -> None:
    rule = rule_of(case["optimizer"])
    theta = np.array(REFERENCE["start"])
    state = rule.init(theta)
    for step in range(1, 101):
        rule.update(theta, quartic(theta), state, case["rate"])
        if str(step) in case["after"]:
            np.testing.assert_allclose(theta, case["after"][str(step)], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("case", REFERENCE["cases"], ids=lambda case: case["name"])
def test_float32_stays_float32(case: dict[str, Any]) -> None:
    rule = rule_of(case["optimizer"])
    theta = np.array(REFERENCE["start"], dtype=np.float32)
    state = rule.init(theta)
    for _ in range(100):
        rule.update(theta, quartic(theta), state, case["rate"])
    assert theta.dtype == np.float32
    assert {state[name].dtype for name in rule.arrays} <= {np.dtype(np.float32)}
    np.testing.assert_allclose(theta, case["after"]["100"], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("case", REFERENCE["cases"], ids=lambda case: case["name"])
def test_blocks_change_no_bit(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    start = np.random.default_rng(0).normal(size=1000)
    whole = descend(case["optimizer"], quartic, start.copy(), 5, case["rate"])
    monkeypatch.setattr(rules, "BLOCK_BYTES", 96 * 8)
    blocks = descend(case["optimizer"], quartic, start.copy(), 5, case["rate"])
    assert whole.tobytes() == blocks.tobytes()


@pytest.mark.parametrize("case", REFERENCE["cases"], ids=lambda case: case["name"])
def test_a_saved_state_goes_on_with_the_same_bits(case: dict[str, Any]) -> None:
    rule = rule_of(case["optimizer"])
    theta = np.array(REFERENCE["start"])
    state = rule.init(theta)
    for step in range(10):
        if step == 4:
            saved = theta.copy(), {name: array.copy() for name, array in state.items()}
        rule.update(theta, quartic(theta), state, case["rate"])
    again, state = saved
    rule = rule_of(case["optimizer"])
    for _ in range(6):
        rule.update(again, quartic(again), state, case["rate"])
    assert again.tobytes() == theta.tobytes()


@pytest.mark.parametrize("case", REFERENCE["cases"], ids=lambda case: case["name"])
def test_an_update_allocates_nothing(case: dict[str, Any]) -> None:
    rule = rule_of(case["optimizer"])
    theta, gradient = np.ones(50_000), np.ones(50_000)
    state = rule.init(theta)
    rule.update(theta, gradient, state, 1e-3)
    tracemalloc.start()
    for _ in range(3):
        gradient.fill(1.0)
        rule.update(theta, gradient, state, 1e-3)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000  # one array of these is 400,000 bytes


@pytest.mark.parametrize(
    "section", [{"type": "adam"}, {"type": "adam", "weight_decay": 0.1}, {"type": "adamw"}]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compiled_update_has_the_same_bits(
    section: dict[str, Any], dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backprop_cli.engine.llvm import NotCompiled, machine

    try:
        machine()
    except NotCompiled as error:
        pytest.skip(str(error))
    start = np.random.default_rng(0).normal(size=10_007).astype(dtype)
    plain = descend(section, quartic, start.copy(), 10, 1e-2)
    fast = descend(section, quartic, start.copy(), 10, 1e-2, updates=1_000_000)
    assert plain.tobytes() == fast.tobytes()
    for allowed in (True, False):
        monkeypatch.setenv("BACKPROP_FAST", str(int(allowed)))
        rule = rule_of(section, 1_000_000)
        rule.update(start, quartic(start), rule.init(start), 1e-2)
        assert (rule._compiled is not None) == allowed


def parabola(theta: Any) -> Any:
    return 2 * (theta - [3, -2])


def rosenbrock(theta: Any) -> Any:
    x, y = theta
    return np.array([2 * (x - 1) - 400 * x * (y - x * x), 200 * (y - x * x)])


@pytest.mark.parametrize(
    ("section", "slope", "start", "minimum", "rate", "steps"),
    [
        ({"type": "sgd"}, parabola, (0, 0), (3, -2), 0.1, 100),
        ({"type": "sgd", "momentum": 0.9}, rosenbrock, (-1, 1), (1, 1), 5e-4, 3000),
        ({"type": "sgd", "momentum": 0.9, "nesterov": True}, rosenbrock, (-1, 1), (1, 1), 5e-4, 3000),
        ({"type": "adagrad"}, parabola, (0, 0), (3, -2), 1.0, 300),
        ({"type": "adadelta"}, parabola, (0, 0), (3, -2), 10.0, 1000),
        ({"type": "rmsprop", "momentum": 0.9}, parabola, (0, 0), (3, -2), 1e-4, 6000),
        ({"type": "adam"}, parabola, (0, 0), (3, -2), 0.1, 500),
        ({"type": "adam"}, rosenbrock, (-1, 1), (1, 1), 0.02, 5000),
        ({"type": "adam", "amsgrad": True}, rosenbrock, (-1, 1), (1, 1), 0.05, 5000),
        ({"type": "adamw", "weight_decay": 0.0}, rosenbrock, (-1, 1), (1, 1), 0.02, 5000),
        ({"type": "nadam"}, rosenbrock, (-1, 1), (1, 1), 0.01, 5000),
    ],
)
def test_finds_the_minimum(
    section: dict[str, Any], slope: Any, start: Any, minimum: Any, rate: float, steps: int
) -> None:
    theta = descend(section, slope, np.array(start, dtype=float), steps, rate)
    np.testing.assert_allclose(theta, minimum, atol=1e-2)


def test_centered_rmsprop_survives_a_constant_gradient() -> None:
    # the variance of a constant is 0, and by rounding below 0: PyTorch's parameters are NaN by then
    theta = descend(
        {"type": "rmsprop", "centered": True, "alpha": 0.5}, lambda x: np.full(8, 0.1), np.ones(8), 200, 1e-9
    )
    assert np.isfinite(theta).all()


@pytest.mark.parametrize("case", REFERENCE["cases"], ids=lambda case: case["name"])
def test_a_rule_in_place_is_the_rule_as_written(case: dict[str, Any]) -> None:
    """Exports write the formula, training runs the passes."""
    rule, theta = rule_of(case["optimizer"]), np.array(REFERENCE["start"])
    row = rule.settings
    h = msgspec.structs.replace(row, learning_rate=case["rate"])
    state, p, kept = rule.init(theta), theta.copy(), row.remembered()
    for t in range(1, 21):
        decayed, g = row.decayed(h, p, quartic(p))
        p, kept = row.updated(arrays(), h, t, decayed, g, kept)
        rule.update(theta, quartic(theta), state, case["rate"])
        np.testing.assert_allclose(theta, p, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("case", REFERENCE["cases"], ids=lambda case: case["name"])
def test_a_plain_update_is_the_rate_times_the_slope(case: dict[str, Any]) -> None:
    row = rule_of(case["optimizer"]).settings
    h = msgspec.structs.replace(row, learning_rate=0.5)
    after, kept = row.updated(arrays(), h, 2, *row.decayed(h, 3.0, 2.0), row.remembered())
    assert row.plain == (after == 2.0 and not kept)
