"""The soak for silent untruths: its oracle, and a slice of it."""

from __future__ import annotations

import random
import sys

import pytest
from conftest import ROOT
from mpmath import mp, mpf

sys.path.insert(0, str(ROOT / "benchmarks"))

import soak

from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.ops import PRIMITIVES


def test_the_oracle_knows_every_primitive():
    assert set(PRIMITIVES) - {"where"} == set(soak.DEFINED)


def slope(text, **point):
    graph = lower(parse(text), point)
    exact = soak.Exact(graph, point)
    with mp.workdps(exact.digits):
        return soak.slope_of(exact, exact.run({}), graph.inputs["x"])


@pytest.mark.parametrize(
    ("text", "x", "number"),
    [
        ("sinc_n(2, x)", 0.0, 0),
        ("sinc_n(3, x)", 0.0, mpf(1) / 5),
        ("sinc_n(1, x)", 2.0, (2 * mp.sin(2) - 4 * mp.cos(2) - 4 * mp.sin(2)) / 8),
        ("digamma(x)", 2.0, mp.pi**2 / 6 - 1),
        ("cbrt(x)^3", 0.0, 1),
        ("where(x == 0, 1, sin(x)/x)", 0.0, 0),
        ("sqrt(x)", 0.0, None),
        ("abs(x)", 0.0, None),
    ],
)
def test_the_oracle(text, x, number):
    found = slope(text, x=x).number
    assert found == number if number is None else abs(found - number) < 1e-12


def test_the_oracle_looks_closer_where_a_function_turns_within_its_distances():
    with mp.workdps(900):
        u = 1 / mp.sqrt(mpf(1e-300))
        exact = -(u**3) / 2 * (mp.cos(u) / u - mp.sin(u) / u**2)
    assert abs(slope("sinc(x^(-1/2))", x=1e-300).number / exact - 1) < 1e-9


def test_the_oracle_takes_more_digits_where_a_change_is_below_them():
    exact = -2 / mp.sqrt(mp.pi) * mp.exp(-(mpf(22.75) ** 2))
    assert abs(slope("erfc(x)", x=-22.75).number / exact - 1) < 1e-9


def test_a_point_stands_apart_where_a_condition_changes_on_both_sides():
    assert slope("where(x == 0, 1, x)", x=0.0).apart
    assert slope("where(x*y < x, 2, x)", x=0.0, y=1e-8).apart is False
    assert slope("where(x*y < x, 2, x)", x=0.0, y=1e-8).kinked
    # the branch of the point is that of one side, by another way
    assert slope("where(x != 0, where(x < y, x, 1), x)", x=0.0, y=0.0).apart is False


def test_a_slice_finds_nothing():
    judge = soak.Judge(symbolic=0)
    cases = {seed: soak.random_case(seed) for seed in range(200, 260)}
    quick = {seed: case for seed, case in cases.items() if "gamma(" not in case.text}
    found = {seed: judge(case, seed) for seed, case in quick.items()}
    assert {seed: finds for seed, finds in found.items() if finds} == {}
    assert judge.counts["answered"] > 20


def test_every_command_prints_numbers_and_strict_json():
    judge, found = soak.Judge(symbolic=0), {}
    for seed in (11, 13, 14, 23):
        case = soak.random_case(seed)
        point = {name: x for name, x in case.point.items() if name in lower(parse(case.text)).inputs}
        for words in soak.command_lines(case.text, point, random.Random(seed)):
            judge.commands(words, found)
    assert found == {}
    assert judge.counts["command lines"] == 44
