"""What functions tend to where they have no value: a list of what is known, and witnesses that lie."""

from __future__ import annotations

from math import e, inf, isclose, pi

import pytest

from backprop_cli import BackpropError, tends
from backprop_cli.differentiation import tends as module

LIMITS = [
    ("sin(x)/x", 0.0, 1.0),
    ("(1 - cos(x))/x^2", 0.0, 0.5),
    ("(x^2 - 1)/(x - 1)", 1.0, 2.0),
    ("(x^2 - 0.01)/(x - 0.1)", 0.1, 0.2),
    ("(sqrt(x + 4) - 2)/x", 0.0, 0.25),
    ("(exp(x) - 1 - x)/x^2", 0.0, 0.5),
    ("x*sin(1/x)", 0.0, 0.0),
    ("(1 + 1/x)^x", inf, e),
    ("x - sqrt(x^2 + x)", inf, -0.5),
    ("sin(x)/x", -inf, 0.0),
    ("where(x > 0, sin(x)/x, tan(x)/x)", 0.0, 1.0),
]


@pytest.mark.parametrize(("text", "x", "limit"), LIMITS)
def test_limits(text, x, limit):
    found = tends(text, x=x)
    assert found.kind == "limit"
    assert isclose(found.limit, limit, rel_tol=1e-12, abs_tol=1e-15)


@pytest.mark.parametrize(
    ("text", "x", "kind", "sides"),
    [
        ("|x|/x", 0.0, "differ", (-1.0, 1.0)),
        ("atan(1/x)", 0.0, "differ", (-pi / 2, pi / 2)),
        ("1/x", 0.0, "differ", (-inf, inf)),
        ("exp(1/x)", 0.0, "differ", (0.0, inf)),
        ("tan(x)", pi / 2, "differ", (inf, -inf)),
        ("floor(x)/x", 0.0, "differ", (inf, 0.0)),
        ("max(x, -x)/x", 0.0, "differ", (-1.0, 1.0)),
        ("1/x^2", 0.0, "infinite", (inf, inf)),
        ("x*log(x)", 0.0, "one-sided", (None, 0.0)),
        ("log(x)", 0.0, "infinite", (None, -inf)),
        ("exp(x)/x^5", inf, "infinite", (inf, None)),
    ],
)
def test_sides(text, x, kind, sides):
    found = tends(text, x=x)
    agreed = tuple(side and side.agreed for side in (found.below, found.above))
    assert (found.kind, agreed) == (kind, sides)


@pytest.mark.parametrize(("text", "x"), [("sin(1/x)", 0.0), ("sin(pi/x)", 0.0), ("sin(x)", inf)])
def test_oscillations_have_none(text, x):
    found = tends(text, x=x)
    assert (found.kind, found.limit) == ("none", None)


@pytest.mark.parametrize(("text", "x"), [("1/log(x)", 0.0), ("log(log(x))", inf)])
def test_what_is_too_slow_is_not_decided(text, x):
    found = tends(text, x=x)
    assert (found.kind, found.limit) == ("undecided", None)


def test_witnesses_that_disagree_state_nothing(monkeypatch):
    real = module._settled

    def wrong(*args, **options):
        number, low, high = real(*args, **options)
        return number + 1e-6, low, high

    monkeypatch.setattr(module, "_settled", wrong)
    found = tends("sin(x)/x", x=0)
    assert (found.kind, found.limit) == ("disagree", None)


def test_no_side_has_a_value():
    with pytest.raises(BackpropError, match="no value on any side"):
        tends("sqrt(-1 - x^2)", x=0)


def test_on_the_command_line(run):
    out = run("limit", "sin(x)/x", "--x", "0").answered().out
    assert "f tends to 1 as x goes to 0, from both sides" in out
    assert "sin(x)/x has no value" in out
    assert run("limit", "|x|/x", "--x", "0").status == 3
    assert "f tends to e = 2.718281828" in run("limit", "(1+1/x)^x", "--x", "inf").answered().out
    assert run("limit", "sin(x)/x", "--x", "0", "--format", "json").answered().json["limit"] == 1
    over = run("limit", "exp(1/x)", "--x", "0", "--format", "json").json
    assert over["rows"][2] == {"h": 0.001, "below": 0.0, "above": "+infinity"}
    assert run("limit", "sqrt(x)", "--x", "-1").status == 3
    assert "defined where x >= 0" in run("limit", "sqrt(x)", "--x", "-1").err
