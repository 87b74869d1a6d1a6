"""`check` against an oracle of its own: a slice of the soak in benchmarks/check_fuzz.py."""

from __future__ import annotations

import random
import sys
from fractions import Fraction

import pytest
from conftest import ROOT
from mpmath import mp, mpf

sys.path.insert(0, str(ROOT / "benchmarks"))

import check_fuzz as fuzz
from check_fuzz import Claim, Program, Tally, Tree, call, name, number

A, X, U, V = name("a"), name("x"), name("u"), name("v")


def faults(kind, seeds):
    tally = Tally()
    return tally, [fault for seed in seeds for fault in fuzz.case(kind, seed, tally)]


# --- the oracle itself --------------------------------------------------------------------------


def program(**steps):
    return Program(["x"], list(steps.items()), True, {"x": Fraction(1, 2)})


@pytest.mark.parametrize(
    ("tree", "slope"),
    [
        (X ** number(3), "0.75"),
        (call("exp", X), "1.6487212707001281468486507878141635716537761007101480"),  # sqrt(e)
        (call("atan", X), "0.8"),
        (call("lgamma", X), "-1.96351002602142347944097633299875556719315960466"),  # -euler - 2 log 2
        (call("cbrt", -X), "-0.52913368398939982491723521309076942013049777596662"),  # -(1/3) 2^(2/3)
        (call("where", X, number(1), X, number(3) * X), "3"),
    ],
)
def test_quotients_have_forty_digits(tree, slope):
    assert abs(program(L=tree).slope("x") - mpf(slope)) < mpf(10) ** -37


def test_quotients_of_second_order():
    both = Program(["a", "x"], [("L", A * A * X ** number(3))], True, {"a": Fraction(2), "x": Fraction(1, 2)})
    assert abs(both.curvature("x", "x") - 12) < 1e-40  # 6 a^2 x
    assert abs(both.curvature("a", "x") - 3) < 1e-40  # 6 a x^2


def test_a_nudged_step_is_cut_off_from_what_is_before_it():
    two = program(u=X * X, L=name("u") * X)
    assert abs(two.slope("u") - mpf("0.5")) < 1e-40
    assert abs(two.slope("x") - mpf("0.75")) < 1e-40


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (Tree("-", X, Tree("-", X, A)), "x - (x - a)"),
        (Tree("/", X, Tree("*", X, A)), "x / (x * a)"),
        (Tree("^", Tree("negative", X), number(2)), "(-x)^2"),
        (Tree("negative", Tree("^", X, number(2))), "-x^2"),
        (Tree("^", Tree("^", X, number(2)), number(3)), "(x^2)^3"),
        (X ** number(-1), "x^(-1)"),
        (number(Fraction(1, 4)) * X, "0.25 * x"),
        (number(Fraction(1, 3)) ** X, "(1/3)^x"),
        (call("where", X, number(0), X, -X), "where(x > 0, x, -x)"),
    ],
)
def test_trees_are_written_as_they_are_meant(tree, text):
    assert fuzz.written(tree) == text


@pytest.mark.parametrize(
    ("tree", "kind", "number_"),
    [  # by hand, at x = 1/2
        (call("sin", X * X), "inner missing", "0.96891242171064478414"),  # cos(1/4)
        (X ** number(3), "exponent not lowered", "0.375"),  # 3 x^3
        (X ** number(3), "exponent as factor missing", "0.25"),  # x^2
        (X ** number(3), "integrated", "0.015625"),  # x^4/4
        (Tree("*", X, X ** number(2)), "product of derivatives", "1"),  # 1*2x
        (Tree("/", X ** number(2), X + number(1)), "quotient: order", "-0.55555555555555555556"),  # -5/9
        (Tree("+", X, number(5)), "constant kept", "6"),
        (Tree("*", number(7), X), "constant dropped", "1"),
        (call("cos", X), "sign lost", "0.47942553860420300027"),  # +sin(1/2)
        (Tree("*", name("x"), name("x")), "fork: = for +=", "0.5"),
        (call("sqrt", X), "factor of a function missing", "1.4142135623730950488"),  # 1/sqrt(x)
        (
            call("sigmoid", number(2) * X),
            "wrong place",
            "0.47000742440318906",
        ),  # 2 sigma'(1/2), for sigma'(1)
    ],
)
def test_mistakes_are_the_ones_they_are_called(tree, kind, number_):
    made = fuzz.mistakes(program(L=tree), "x", random.Random(0))
    found = [m.number for m in made if m.kind == kind]
    assert any(abs(value - mpf(number_)) < 1e-14 for value in found), [mp.nstr(v, 15) for v in found]


# --- what it says about the verdicts ------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "verdict", "digits", "says", "kind"),
    [
        ("3.1416", "rounded", 5, "right to 5 digits", True),
        ("3.1415", "rounded", 5, "right to 5 digits, cut off", True),
        ("3.1417", "rounded", 5, "right to 5 digits", False),
        ("3.13", "rounded", 3, "right to 3 digits, cut off", False),
        ("3.142", "wrong", None, "wrong", False),
        ("3.15", "wrong", None, "wrong", True),
        ("3.15", "right", None, "right", False),
        ("3.141592653589793", "right", None, "right", True),
        ("3.14159264", "right", None, "right", False),  # right, but to how many digits?
        ("0", "right", None, "right", False),
    ],
)
def test_the_tester_knows_a_wrong_verdict(answer, verdict, digits, says, kind):
    claim = Claim("", "x", answer, mpf(answer))
    why = fuzz.too_kind(claim, {"verdict": verdict, "digits": digits, "says": says}, +mp.pi)
    assert (why is None) is kind


def test_the_tester_knows_a_wrong_name():
    made = {"sign lost", "product of derivatives"}
    assert fuzz.named_how("sign lost", made, {"mistake": "sign lost"}) == "exact"
    assert fuzz.named_how("sign lost", made, {"mistake": "product rule"}) == "twin"
    assert fuzz.named_how("sign lost", made, {"mistake": "integrated"}) == "other"
    assert fuzz.named_how("sign lost", made, {"mistake": None}) == "none"


def test_statuses():
    kinds = ["right", "rounded", "follows"]
    for worst, status in ((None, 0), ("wrong", 1), ("missing", 1), ("unreadable", 2), ("not judgeable", 3)):
        verdicts = [{"verdict": v} for v in [*kinds, worst] if v]
        assert fuzz.expected_status(verdicts) == status


# --- the slice ----------------------------------------------------------------------------------


def test_what_is_right_is_right():
    tally, found = faults("right", range(10))
    assert not found
    assert sum(tally.ended.values()) > 120


def test_what_is_wrong_is_wrong_and_named():
    tally, found = faults("wrong", range(25))
    assert not found
    outcomes = dict.fromkeys(fuzz.OUTCOMES, 0)
    for (_, how), count in tally.named.items():
        if not how.startswith("as "):
            outcomes[how.split(": ")[1]] += count
    assert outcomes["exact"] + outcomes["twin"] > 0.85 * sum(outcomes.values())
    assert outcomes["none"] < 0.05 * sum(outcomes.values())


def test_what_is_nearly_right_is_not_right():
    assert not faults("near", range(25))[1]


def test_formulas_in_general():
    assert not faults("general", range(2))[1]


def test_what_follows_from_a_mistake():
    tally, found = faults("follows", range(20))
    assert not found
    assert tally.ended["follows", "follows"] > 10


def test_the_numbers_of_training_steps():
    tally, found = faults("steps", range(12))
    assert not found
    named = sum(n for (_, how), n in tally.ended.items() if how.startswith("as ") and how != "as none")
    unnamed = sum(n for (_, how), n in tally.ended.items() if how == "as none")
    assert unnamed < 0.15 * named


def test_hostile_input():
    tally, found = faults("hostile", range(15))
    assert not found
    assert sum(tally.ended.values()) == 15
