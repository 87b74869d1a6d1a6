"""A comparison that never says no is no comparison: break a rule, and see that it is found."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from test_differentiation import InProcess

from backprop_cli.differentiation import METHODS
from backprop_cli.differentiation.report import GradientReport, differentiate
from backprop_cli.engine import point as point_module
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.ops import PRIMITIVES

Rule = Callable[..., tuple[Any, ...]]


def report(text: str, point: dict[str, float], methods: tuple[str, ...]) -> GradientReport:
    graph = lower(parse(text), point)
    return differentiate(graph, point, methods=methods, process=InProcess())  # type: ignore[arg-type]


def disagreeing(text: str, point: dict[str, float], methods: tuple[str, ...]) -> set[str]:
    found = report(text, point, methods)
    wrong = {found.graph.name(k) for k, v in enumerate(found.verdicts) if v.verdict == "disagree"}
    assert found.agree is (not wrong)
    return wrong


BROKEN: list[tuple[str, str, Rule, str, dict[str, float], set[str]]] = [
    # what was broken, in which row, by which rule, and who must notice at which point
    ("the sign of cos'", "cos", lambda xp, y, x: (xp.sin(x),), "cos(x)*2", {"x": 0.7}, {"x"}),
    (
        "a missing factor",
        "power_n",
        lambda xp, y, a, n: (xp.power(a, n - 1.0), xp.nan),
        "x^3 + 1",
        {"x": 1.5},
        {"x"},
    ),
    (
        "swapped partials",
        "divide",
        lambda xp, y, a, b: (-xp.divide(y, b), xp.divide(1.0, b)),
        "a/b",
        {"a": 3.0, "b": 2.0},
        {"a", "b"},
    ),
    ("a lost operand", "multiply", lambda xp, y, a, b: (b, 0.0), "a*b", {"a": 3.0, "b": 2.0}, {"b"}),
    ("the value for the slope", "sigmoid", lambda xp, y, x: (y,), "sigmoid(x)", {"x": 0.3}, {"x"}),
    ("a square forgotten", "tanh", lambda xp, y, x: (1.0 - y,), "tanh(x)", {"x": 0.3}, {"x"}),
    ("the wrong branch", "relu", lambda xp, y, x: (xp.less(x, 0.0),), "relu(x)*3", {"x": 2.0}, {"x"}),
    ("one part in a million", "exp", lambda xp, y, x: (y * (1.0 + 1e-6),), "exp(x)", {"x": 1.0}, {"x"}),
    (
        "all, not the largest",
        "max",
        lambda xp, y, *xs: (1.0,) * len(xs),
        "max(a, b)",
        {"a": 1.0, "b": 2.0},
        {"a"},
    ),
    (
        "both branches",
        "where",
        lambda xp, y, c, a, b: (0.0, 1.0, 1.0),
        "where(x > 0, x^2, x^3)",
        {"x": 2.0},
        {"x", "v6"},
    ),
]


@pytest.mark.parametrize(
    "methods", [("symbolic", "reverse", "finite"), ("reverse", "finite"), ("symbolic", "reverse")]
)
@pytest.mark.parametrize(
    ("name", "rule", "text", "point", "noticed"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN]
)
def test_a_wrong_rule_is_found(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    rule: Rule,
    text: str,
    point: dict[str, float],
    noticed: set[str],
    methods: tuple[str, ...],
) -> None:
    assert disagreeing(text, point, methods) == set()
    monkeypatch.setattr(PRIMITIVES[name], "partials", rule)
    assert disagreeing(text, point, methods) == noticed


def test_another_convention_at_a_kink_is_found_by_the_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    """Differences cannot tell 1 from 0 for relu at 0: both lie between left and right."""
    rule: Rule = lambda xp, y, x: (xp.less_equal(0.0, x),)  # noqa: E731
    monkeypatch.setattr(PRIMITIVES["relu"], "partials", rule)
    found = report("relu(x)", {"x": 0.0}, ("reverse", "finite"))
    assert found.verdicts[0].verdict == "kink"
    assert disagreeing("relu(x)", {"x": 0.0}, ("symbolic", "reverse")) == {"x"}
    assert disagreeing("relu(x)", {"x": 0.0}, ("symbolic", "reverse", "finite")) == {"x"}


def test_a_convention_outside_the_slopes_is_found_by_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PRIMITIVES["relu"], "partials", lambda xp, y, x: (2.0,))
    assert disagreeing("relu(x)", {"x": 0.0}, ("reverse", "finite")) == {"x"}


def test_a_missed_accumulation_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Micrograd's classic: the last path overwrites the others."""

    def overwriting(graph: Any, values: Any, active: Any, limits: Any = None) -> list[float]:
        from backprop_cli.ops.namespaces import FLOATS

        cotangents = [0.0] * len(graph)
        cotangents[graph.output] = 1.0
        for node in reversed(graph.nodes):
            if node.op is not None:
                partials = node.op.partials(FLOATS, values[node.id], *[values[i] for i in node.inputs])
                for i, p in zip(node.inputs, partials, strict=True):
                    if active[i]:
                        cotangents[i] = cotangents[node.id] * p
        return cotangents

    text, point = "b = a^2; c = -7a; d = b*c", {"a": 2.0}
    assert disagreeing(text, point, ("symbolic", "reverse", "finite")) == set()
    monkeypatch.setattr(point_module, "reverse", overwriting)
    assert disagreeing(text, point, ("symbolic", "reverse", "finite")) == {"a"}


def test_a_wrong_value_is_found_by_the_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    """Differences share the forward rule, so only SymPy, told the function apart, can see it."""
    row = PRIMITIVES["sinh"]
    monkeypatch.setattr(row, "forward", lambda xp, x: xp.cosh(x))
    monkeypatch.setattr(row, "partials", lambda xp, y, x: (xp.exp(x) - y,))
    assert disagreeing("sinh(x)", {"x": 1.0}, ("reverse", "finite")) == set()
    assert disagreeing("sinh(x)", {"x": 1.0}, ("symbolic", "reverse", "finite")) == {"x"}


def test_a_wrong_symbol_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The witness is judged as well: SymPy told another function disagrees with both others."""
    monkeypatch.setattr(PRIMITIVES["atan2"], "symbol", lambda sp, b, a: sp.atan(b * a))
    assert disagreeing("atan2(b, a)", {"a": 2.0, "b": 1.0}, ("reverse", "finite")) == set()
    functions = pytest.importorskip("backprop_cli.differentiation.symbolic.functions")
    functions._template.cache_clear()
    assert "a" in disagreeing("atan2(b, a)", {"a": 2.0, "b": 1.0}, ("symbolic", "reverse", "finite"))
    functions._template.cache_clear()


@pytest.mark.parametrize("method", ["forward", "complex-step"])
def test_other_methods_are_judged_too(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    from backprop_cli.differentiation import complex_step, forward

    assert method in METHODS
    if method == "forward":
        monkeypatch.setattr(forward, "push", lambda graph, values, ids: dict.fromkeys(ids, 3.0))
    else:
        monkeypatch.setattr(complex_step, "complex_step", lambda graph, values, id: 3.0)
    assert "x" in disagreeing("x^2", {"x": 1.0}, ("reverse", method))


def test_a_cotangent_that_forgets_to_sum_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broadcasting undone wrongly: the check of networks sees it in the layer's scale and shift."""
    from test_network import blobs, linear, problem

    from backprop_cli.engine.record import Recorder
    from backprop_cli.training.gradcheck import check_gradients

    layers = [linear(3, activation="tanh"), {"type": "batch_norm"}, linear()]
    network = problem(blobs(layers))
    assert all(c.agree for c in check_gradients(network))
    narrowed = Recorder.narrowed

    def halved(self: Recorder, share: Any, shape: tuple[int, ...]) -> Any:
        found = narrowed(self, share, shape)
        return found * 0.5 if prod(share.shape) > prod(shape) else found

    monkeypatch.setattr(Recorder, "narrowed", halved)
    wrong = {c.name for c in check_gradients(network) if not c.agree}
    assert {"batch_norm1.weights", "batch_norm1.bias"} <= wrong
    assert not wrong & {"linear2.weights", "linear2.bias"}


def test_a_program_that_computes_branches_not_taken_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without harmless operands a target's power raises, or its slope is nan."""
    from test_export import program

    from backprop_cli.export import export, writer

    def run(target: str) -> None:
        exec(export(program("where(x == 2, x^0.5*(-1)^y, y)", {"x": -1.0, "y": 0.5}), target), {})

    for target in ("python", "numpy"):
        run(target)
    monkeypatch.setattr(writer, "safe_operands", lambda graph, node, values: None)
    for target in ("python", "numpy"):
        with np.errstate(all="ignore"), pytest.raises((AssertionError, TypeError, ValueError)):
            run(target)


def test_a_stale_buffer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A buffer given away too early: the random graphs of the tensor tests notice."""
    from test_tensor_ops import test_random_graphs

    from backprop_cli.engine import numpy as engine

    case = [(5, 5, 0), (6, 5, 0), (2, 10, 11)], [0]
    test_random_graphs.hypothesis.inner_test(*case)
    shared: dict[int, Any] = {}

    def empty(size: Any, dtype: Any = float) -> Any:
        """One buffer for each size, whoever needs it."""
        key = prod(size) if isinstance(size, tuple) else size
        return shared.setdefault(key, real(key, dtype)).view()

    real = np.empty
    monkeypatch.setattr(engine, "np", SimpleNamespace(**vars(np) | {"empty": empty}))
    with pytest.raises(AssertionError):
        test_random_graphs.hypothesis.inner_test(*case)
