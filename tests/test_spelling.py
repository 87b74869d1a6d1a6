"""What students write: the generous reader of claims, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from backprop_cli.checking.claims import Judge, read_claim
from backprop_cli.checking.verdicts import Verdict
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse

NEURON = "z = w*x + b; a = sigmoid(z); L = (a - y)^2/2"


def judged(program: str, claim: str, answer: str, **at: float) -> Verdict:
    """Judge one claim about a program."""
    graph = lower(parse(program))
    return Judge(graph, at).one(read_claim(claim, answer, graph))


READ = [
    ("sin(x^2)", "x", "2xcos(x^2)", "2*x*cos(x^2)"),
    ("sin(x^2)", "x", "2x cos(x²)", "2*x*cos(x^2)"),
    ("sin(x^2)", "x", r"$2x\,\cos\left(x^2\right)$", "2*x*cos(x^2)"),
    ("sin(x^2)", "x", "f'(x) = 2x Cos(x^2)", "2*x*cos(x^2)"),
    ("x^2*sin(x)", "x", "2xsinx + x²cosx", "2*x*sin(x) + x^2*cos(x)"),
    ("x^2*sin(x)", "x", "x(2 sin x + x cos x)", "x*(2*sin(x) + x*cos(x))"),
    ("exp(-x^2/2)", "x", "-xe^(-x^2/2)", "-x*e^(-x^2/2)"),
    ("exp(-x^2/2)", "x", "-xf", "-x*f"),
    ("x^2*y^3 + exp(x*y)", "x", "2xy^3+ye^(xy)", "2*x*y^3 + y*e^(x*y)"),
    ("x^2*e^(3x)", "x", "2xe^{3x}+3x^2e^{3x}", "2*x*e^(3*x) + 3*x^2*e^(3*x)"),
    ("sqrt(1 + x^2)", "x", "x(1+x^2)^(-1/2)", "x*(1 + x^2)^(-1/2)"),
    ("sqrt(1 + x^2)", "x", r"\frac{x}{\sqrt{1+x^2}}", "x/sqrt(1 + x^2)"),
    ("x^2/4", "x", r"\frac12x", "1/2*x"),
    ("cos(x)^3", "x", "-3cos^2(x)sin(x)", "-3*cos(x)^2*sin(x)"),
    ("cos(x)^3", "x", "-3 cos² x sin x", "-3*cos(x)^2*sin(x)"),
    ("tan(2x)", "x", "2sec^2(2x)", "2*sec(2*x)^2"),
    ("x*atan(x) - ln(1 + x^2)/2", "x", "arctan x", "atan(x)"),
    (NEURON, "w", "x(a-y)a(1-a)", "x*(a - y)*a*(1 - a)"),
    ("x1*x2^2", "x_2", "2x_1x₂", "2*x1*x2"),
    ("alpha*x^2", "x", "2αx", "2*alpha*x"),
]


@pytest.mark.parametrize(("program", "claim", "answer", "meant"), READ)
def test_a_right_answer_in_a_students_spelling_is_right(
    program: str, claim: str, answer: str, meant: str
) -> None:
    verdict = judged(program, claim, answer)
    assert (verdict.verdict, verdict.read_as) == ("right", meant), verdict.says


NUMBERS = [
    ("0,75", "0.75"),
    ("≈ 0.75", None),
    ("0.750...", "0.750"),
    ("75%", "0.75"),
    ("75 %", "0.75"),
    ("3/4", None),
    ("7,5·10^-1", "7.5e-1"),
    ("0.75 m/s", "0.75"),
    ("-1/4 + 1 = 0.75", None),
    ("0.75 (=3/4)", None),
]


@pytest.mark.parametrize(("answer", "meant"), NUMBERS)
def test_numbers(answer: str, meant: str | None) -> None:
    verdict = judged("x^2/4", "x", answer, x=1.5)
    assert verdict.good, verdict.says
    assert verdict.read_as == meant


def test_a_mixed_number() -> None:
    assert judged("x^2/2", "x", "1 1/2", x=1.5).verdict == "right"
    assert judged("x^2/2", "x", "1½", x=1.5).verdict == "right"


REFUSED = [
    ("x^2*y", "x", "1/2x", "1/(2*x) or (1/2)*x"),
    ("x^2*y", "x", "x^2y", "x^2*y or x^(2*y)"),
    ("sin(x^2)", "x", "2x cos x^2", "cos(x)^2 or cos(x^2)"),
    ("sin(x^2)", "x", "2x cos(x^2", None),
    ("e^(2x)", "x", "2e^2x", "e^2*x or e^(2*x)"),
    ("e^(2x)", "x", "2e^2(x)", "e^2*(...) or e^(2*(...))"),
    ("sqrt(x)", "x", "x^-1/2", "^(-1/2) or (...^-1)/2"),
    ("sqrt(x)", "x", "1/2 x^{-1/2}", "1/(2*x^(-1/2)) or (1/2)*x^(-1/2)"),
    ("a*sin(x)", "x", "acos(x)", "a*cos or arccos"),
    ("asin(x)", "x", "sin^-1(x)", "asin(...) or sin(...)^(-1)"),
    ("a*b*ab*c*bc", "a", "abc", "ab*c or a*bc"),
    ("sin(x)/x", "x", "cos x/x", "cos(x)/x or cos(x/x)"),
    ("x^2", "x", "2X", None),
    ("x^2", "x", "x2", None),
    ("x*(x + 1)^2", "x", "(x+1)2x", None),
    ("x^2", "x", "1,234", None),
    ("x^2", "x", "ich weiß nicht", None),
]


@pytest.mark.parametrize(("program", "claim", "answer", "hint"), REFUSED)
def test_what_is_ambiguous_is_refused(program: str, claim: str, answer: str, hint: str | None) -> None:
    verdict = judged(program, claim, answer)
    assert verdict.verdict == "unreadable"
    assert hint is None or f"write {hint}" in verdict.says


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("2x = 7", ""),
        ("x + 3 = 6", "by chance"),
        ("2*4 = 6", "2*4 is 8, not 6"),
        ("x^2 = 2x = 6", "in the chain"),
    ],
)
def test_every_member_of_a_chain_is_held_to_the_answer(answer: str, says: str) -> None:
    assert judged("x^2", "x", "f'(x) = 2x = 2*3 = 6", x=3).verdict == "right"
    verdict = judged("x^2", "x", answer, x=3)
    assert verdict.verdict == "wrong"
    assert says in verdict.says


@pytest.mark.parametrize("at", [{}, {"x": 3.0}, {"x": 1.0}])
@pytest.mark.parametrize(
    ("claim", "answer"), [("f'(3)", "6"), ("f'(3)", "2x = 6"), ("f(3)", "9"), ("f''(0)", "2"), ("f_x", "2x")]
)
def test_quantities_at_a_place_of_their_own(claim: str, answer: str, at: dict[str, float]) -> None:
    assert judged("x^2", claim, answer, **at).verdict == "right"


@pytest.mark.parametrize("claim", ["dL/dw1", "L_w1", "∂L/∂w₁", r"\frac{\partial L}{\partial w_1}", "w_1"])
def test_partial_derivatives_as_they_are_written(claim: str) -> None:
    verdict = judged("L = w1*x", claim, "x")
    assert (verdict.claim, verdict.verdict) == ("dL/dw1", "right")


def test_an_unreadable_claim_leaves_the_others_judged(run: Any) -> None:
    claims = ("--claim", "x=1/2x", "--claim", "x=2x", "--claim", "oops")
    result = run("check", "x^2", *claims, "--format", "json")
    assert result.status == 2
    verdicts = [v["verdict"] for v in result.json["people"][0]["verdicts"]]
    assert verdicts == ["unreadable", "right", "unreadable"]
    run("check", "x^2", "--claim", "x=1/2x").refused(2, "can be read in two ways")
