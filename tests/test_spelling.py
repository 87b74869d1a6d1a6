"""What students write: the generous reader of claims, and what it refuses."""

from __future__ import annotations

import re
import sys
from math import isfinite
from random import Random
from typing import Any

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import marking

from backprop_cli.checking.answers import read_answer
from backprop_cli.checking.claims import Judge, read_claim
from backprop_cli.checking.verdicts import Verdict
from backprop_cli.engine.run import leaf_values, run
from backprop_cli.errors import BackpropError
from backprop_cli.language.fold import postfix
from backprop_cli.language.format import format_items
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.render.latex import to_latex

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
    ("3^(2x)", "x", "2ln3 * 3^(2x)", "2*log(3)*3^(2*x)"),
    ("x^2*sin(x)", "x", "2x sin x ＋ x²⋅cos(𝑥) (product rule)", "2*x*sin(x) + x^2*cos(x)"),
    ("x^2*sin(x)", "x", "d/dx (x² sin x) = 2x*sen(x) + x^2*cos(x)", "2*x*sin(x) + x^2*cos(x)"),
    ("exp(-x^2)", "x", "-2xe^-x^2", "-2*x*e^(-x^2)"),
    ("e^sin(x)", "x", "cosx·e^{sinx}", "cos(x)*e^sin(x)"),
    ("ln(x)/x", "x", "(1-log_e(x)):x²", "(1 - log(x))/x^2"),
    ("lam*x^2", "x", "2λx", "2*lam*x"),
    ("cbrt(x)", "x", "1/(3∛(x²))", "1/(3*cbrt(x^2))"),
    ("x1^2*x2", "f_{x_1}", "2x_1x_2", "2*x1*x2"),
]


@pytest.mark.parametrize(("program", "claim", "answer", "meant"), READ)
def test_a_right_answer_in_a_students_spelling_is_right(
    program: str, claim: str, answer: str, meant: str
) -> None:
    verdict = judged(program, claim, answer)
    assert (verdict.verdict, verdict.read_as) == ("right", meant), verdict.says


NUMBERS = [
    ("0,75", "0.75"),
    ("1.0 - 0,25", "1.0 - 0.25"),
    ("≈ 0.75", None),
    ("0.750...", "0.750"),
    ("75%", "0.75"),
    ("75 %", "0.75"),
    ("3/4", None),
    ("7,5·10^-1", "7.5e-1"),
    ("0.75 m/s", "0.75"),
    ("0.75 kg·m/s²", "0.75"),
    ("7.5·10^-1", None),
    ("7,500·10⁻¹", "7.500e-1"),
    ("0.750 (rounded)", "0.750"),
    ("-1/4 + 1 = 0.75", None),
    ("0.75 (=3/4)", None),
]


@pytest.mark.parametrize(("answer", "meant"), NUMBERS)
def test_numbers(answer: str, meant: str | None) -> None:
    verdict = judged("x^2/4", "x", answer, x=1.5)
    assert verdict.good, verdict.says
    assert verdict.read_as == meant


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ("2xcos(x)+k", "no k;"),
        ("2xsinx + xcosx·t", "no t;"),
        ("2xcosx + coss(x)", "coss is not a function"),
        ("2x sin(x) + X", "no X; did you mean x"),
        ("foo(x) + xcosx", "foo is not a function"),
    ],
)
def test_the_word_that_cannot_be_read_is_told(answer: str, word: str) -> None:
    assert word in judged("x^2*sin(x)", "x", answer).says


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
        ("x + 3 = 6", "at this point alone"),
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
    run("check", "x^2", "--claim", "2x = 6").refused(2, "say first what it is of: df/dx = 2x = ...")


def test_an_answer_may_name_derivatives_that_were_claimed() -> None:
    graph = lower(parse(NEURON))
    claims: list[Any] = []
    for name, answer in [
        ("dL/da", "a-y"),
        ("dL/dz", "dL/da·a(1-a)"),
        ("dL/dw", r"\frac{\partial L}{\partial z} x"),
        ("dL/db", "dL/dw"),
        ("dL/dx", "dL/dx"),
        ("da/dz", "dL/dw*0 + a - a^2"),
        ("da/dw", "da/db*x"),
    ]:
        claims.append(read_claim(name, answer, graph, claims))
    verdicts = Judge(graph, {}).judge(claims)
    assert [v.verdict for v in verdicts] == [*["right"] * 3, "wrong", "unreadable", "right", "unreadable"]
    assert verdicts[1].read_as == "dL/da*a*(1 - a)"
    assert "da/db is not claimed before" in verdicts[-1].says


def test_what_names_a_wrong_derivative_may_be_right_in_itself() -> None:
    graph = lower(parse(NEURON))
    first = read_claim("dL/dz", "0.5", graph)
    second = read_claim("dL/dw", "dL/dz*x", graph, [first])
    verdicts = Judge(graph, {"w": 0.5, "x": 2, "b": -0.25, "y": 1}).judge([first, second])
    assert [v.verdict for v in verdicts] == ["wrong", "right"]
    third = read_claim("dL/dw", "dL/dz*2*x", graph, [first])
    verdicts = Judge(graph, {"w": 0.5, "x": 2, "b": -0.25, "y": 1}).judge([first, third])
    assert [v.verdict for v in verdicts] == ["wrong", "wrong"]


# --- what our own printers write, with everything varied that students vary -------------------------

PROGRAM = lower(parse("a*x + y*x1 + alpha"))
FUNCTIONS = ("sin", "cos", "tan", "exp", "ln", "sqrt", "tanh", "sigmoid")
SMALL = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def formula(draw: Random, depth: int) -> str:
    """Return a formula in our language, all its products written."""
    if not depth or draw.random() < 0.2:
        return draw.choice(["a", "x", "y", "x1", "alpha", "x", "y", "2", "3", "1", "0.5", "e", "pi"])
    inner = [formula(draw, depth - 1) for _ in range(2)]
    kind = draw.choice(["+", "-", "*", "*", "*", "/", "^", "f", "f", "-1"])
    if kind == "f":
        return f"{draw.choice(FUNCTIONS)}({inner[0]})"
    if kind == "-1":
        return f"-({inner[0]})"
    if kind == "^":
        return f"({inner[0]})^{draw.choice(['2', '3', '(-1)', '(1/2)', 'x', f'({inner[1]})'])}"
    return f"({inner[0]}){kind}({inner[1]})"


def printed(draw: Random, text: str) -> str:
    """Return a formula as one of the printers writes it."""
    plain = format_items(postfix(text))
    return draw.choice([plain, plain, plain, to_latex(plain)])


def scribbled(draw: Random, text: str) -> str:
    """Return a formula as a student might write it down."""
    latex = "\\" in text

    def product(match: re.Match[str]) -> str:
        # 2*3 without its sign is another number, and so are 2*e - 3 and the name x*1
        behind = text[match.end() :].lstrip("({")
        digits = re.match(r"[\d.]", behind) or re.match(r"e\s*[-+]", behind)
        return draw.choice(["·", " * ", "×"] if digits else ["", "", "", " ", "·", "*"])

    text = re.sub(r"\*", product, text)
    if draw.random() < 0.5:
        text = re.sub(r"\^(\d+)(?![\d^.])", lambda m: m[1].translate(SMALL), text)
    if draw.random() < 0.5:
        text = re.sub(
            r"\b([a-z]{2,})\(([a-z]\w*)\)(?=$|[ )+])", lambda m: f"{m[1]}{draw.choice(['', ' '])}{m[2]}", text
        )
    if not latex:
        for name, others in (("x1", ("x_1", "x₁", "x_{1}")), ("alpha", ("α", "alpha")), ("pi", ("π", "pi"))):
            other = draw.choice(others)
            text = re.sub(rf"{name}(?!\w)", lambda _, other=other: other, text)
        pairs = draw.choice([("(", ")"), ("(", ")"), ("{", "}"), (r"\left(", r"\right)")])
        text = text.replace("(", pairs[0]).replace(")", pairs[1])
    if draw.random() < 0.4:
        text = text.replace(" ", "")
    if draw.random() < 0.2:
        text = text.replace("-", "−")
    return text


def check_scribbles(count: int, seed: int) -> int:
    """Hold so many formulas to what they mean; return how many were read."""
    draw, read = Random(seed), 0
    points = [
        dict(zip(PROGRAM.inputs, values, strict=True))
        for values in ([0.7, 0.4, 0.9, 1.3, 0.6], [1.2, 0.8, 0.3, 0.5, 1.1])
    ]
    grounds = [run(PROGRAM, leaf_values(PROGRAM, point)) for point in points]
    for _ in range(count):
        plain = formula(draw, draw.randint(1, 3))
        text = scribbled(draw, printed(draw, plain))
        try:
            answer = read_answer(text, PROGRAM)
        except BackpropError:
            continue
        meant = read_answer(plain, PROGRAM)
        for values in grounds:
            here, there = answer.at(values), meant.at(values)
            if isfinite(there) and abs(there) < 1e12:
                assert here == pytest.approx(there, rel=1e-9), (plain, text, answer.read_as)
        read += 1
    return read


def test_what_is_printed_is_read_as_itself_or_refused() -> None:
    assert check_scribbles(600, 1) > 300


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(2, 12))
def test_what_is_printed_is_read_as_itself_at_length(seed: int) -> None:
    check_scribbles(20_000, seed)


# --- what was collected ----------------------------------------------------------------------------


COLLECTED = ROOT / "benchmarks" / "marking" / "spellings.txt"
UNREAD = ("≈ −1,885",)
"""Right answers that are refused: thousands or decimals?"""


def test_collected_spellings_are_read_as_people_read_them() -> None:
    for line, students in marking.read(COLLECTED):
        program, _, point = line.partition(" | ")
        graph = lower(parse(program))
        at = {name.strip(): float(x) for name, _, x in (p.partition("=") for p in point.split(",") if p)}
        exactly = 1e-9 if not at else 6e-3
        at = at or {name: 0.31 + 0.17 * k for k, name in enumerate(graph.inputs)}
        judge = Judge(graph, at)
        for (case,) in students:
            name, _, text = case.claim.partition("=")
            claim = read_claim(name.strip(), text.strip(), graph)
            assert (claim.error is not None) == (case.word == "refused" or case.claim.endswith(UNREAD)), case
            if case.word == "right" and claim.answer is not None and claim.target is not None:
                right = judge.question(claim.target._replace(at=None)).right.number
                values = run(graph, leaf_values(graph, at))
                if claim.target.at in (None, *at.values()):
                    assert claim.answer.at(values) == pytest.approx(right, rel=exactly), case


@pytest.mark.nightly
def test_all_collected_spellings() -> None:
    programs = marking.read(COLLECTED)
    found = marking.figures([o for line, students in programs for o in marking.judged(line, students)])
    right, of = found["right accepted"]
    assert right >= 0.98 * of
    assert found["wrong accepted"][0] == 0


def test_a_word_of_many_readings_is_no_work() -> None:
    for answer in ("a" * 60, "a" * 60 + "b", "sin" * 20 + "a", "(" * 500 + "a"):
        assert judged("a*aa*aaa", "a", answer).verdict == "unreadable"
