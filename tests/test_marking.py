"""`check` against claims that people collected and judged: a slice of benchmarks/marking.py."""

from __future__ import annotations

import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import marking

PROGRAMS = list(marking.read(ROOT / "benchmarks" / "marking" / "wrong.txt"))
SAMPLE = [*PROGRAMS[::7], *(p for p in PROGRAMS if p[0].startswith(("d = a*b", "z = w*x")))]


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
