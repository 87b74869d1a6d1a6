"""`check` against claims that people collected and judged: a slice of benchmarks/marking.py."""

from __future__ import annotations

import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import marking
import marking_oracle

MARKING = ROOT / "benchmarks" / "marking"
PROGRAMS = list(marking.read(MARKING / "wrong.txt"))
FRESH = list(marking.read(MARKING / "fresh2.txt"))
SAMPLE = [*PROGRAMS[::7], *FRESH[::4], *(p for p in PROGRAMS if p[0].startswith(("d = a*b", "z = w*x")))]


@pytest.mark.parametrize(("program", "students"), SAMPLE, ids=[program for program, _ in SAMPLE])
def test_claims_are_judged_as_people_do(program, students):
    assert [f"{o.case.claim}: {o.fault}" for o in marking.judged(program, students) if o.fault] == []


def test_the_figures():
    some = next(p for p in PROGRAMS if p[0].startswith("d = a*b"))
    outcomes = [o for each in (PROGRAMS[0], some) for o in marking.judged(*each)]
    found = marking.figures(outcomes)
    assert marking.reached(found)
    assert found["stock"][1] > 0
    worse = {**found, "wrong accepted": (3, 300)}
    assert not marking.reached(worse)


def test_collections_are_right_by_sympy():
    assert [*filter(None, marking_oracle.forms(MARKING / "fresh2.txt"))] == []


def test_numbers_are_judged_by_the_rule_of_the_page():
    found = [*marking_oracle.numbers(300, seed=1)]
    assert ([*filter(None, found)], len(found) > 250) == ([], True)
