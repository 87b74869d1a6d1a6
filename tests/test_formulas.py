"""Every formula that a command prints, in whatever format, is read back and has the value of its number."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import formulas
import soak
from mpmath import mp, mpf

from backprop_cli.differentiation.symbolic import constants, printer
from backprop_cli.differentiation.symbolic import formulas as symbolic
from backprop_cli.differentiation.symbolic.session import SESSION
from backprop_cli.language.format import constant_piece
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.language.written import Piece
from backprop_cli.ops import PRIMITIVES
from backprop_cli.render import explain_lines, forms, latex

LITERAL: list[tuple[str, dict[str, float]]] = [
    ("x/(1 + log(2)) - (log(2) - x)*2", {"x": 3.0}),
    ("s = x - exp(-1); (s/2)^-2*(-s)", {"x": 2.0}),
    ("where(x == -1, log(x + y)/(x + y - 1), y)", {"x": 0.5, "y": 2.0}),
    ("d = sqrt(x); where(x > 0, d, 5)*where(x > 0, where(y > 1, log(y), y), 2)", {"x": 2.0, "y": 3.0}),
    ("max(2x, y^2, -x)*min(x, y) - |x|^3", {"x": -1.5, "y": 0.5}),
    ("L = (x + 1)^2*h - x/2 - (-y)^3", {"x": 1.5, "h": 3.0, "y": -2.0}),
    ("x*x - x/x + (-x)^2 - 2^-x", {"x": 1.3}),
    ("d = x*log(2)/(1 + log(2)*y); where(x > y, d^-y, 3d)", {"x": 2.0, "y": 0.5}),
    ("a_1 = alpha*beta; rate_of_x = a_1^-alpha; rate_of_x/(a_1 - 2)", {"alpha": 1.5, "beta": 0.7}),
    ("asinh(where(10 < 0.5, y, exp(-1)))*atan2(y, x)", {"x": -1.0, "y": 2.0}),
    ("ln(x)*x^y + 2ln(y + 1)/y", {"x": 2.0, "y": 1.5}),
    ("where(y <= 2, sqrt(y), y) + log(x, 3)", {"x": 2.0, "y": 1.0}),
]  # fmt: skip


@pytest.fixture(scope="module")
def judge() -> formulas.Judge:
    return formulas.Judge()


@pytest.mark.parametrize(("text", "at"), LITERAL, ids=lambda x: x if isinstance(x, str) else "")
def test_formulas_hold(judge: formulas.Judge, text: str, at: dict[str, float]) -> None:
    assert judge.judge(text, at) == {}


def test_formulas_of_random_programs_hold(judge: formulas.Judge) -> None:
    for seed in range(100, 106):
        line, found = judge(seed)
        assert found == {}, line


def test_rules_hold_for_every_spelling_of_an_exponent() -> None:
    """A constant over a power, among other terms: what is not a plain number is written as it stands."""
    draw, judge = random.Random(5), formulas.Judge()
    exponents = "3 2.5 -2 1/2 (1/2) (2/3) (-1) (1-2) (2*3) -(3/2) sqrt(2) pi (-e) (2^-1) (n) (n+1)".split()
    for exponent in exponents:
        above = draw.choice(["1", "3", "-2", "pi", "a", "1/3", "(a-1)"])
        base = draw.choice(["x", "(x+1)", "exp(x)", "(a*x)", "x^2"])
        text = f"{draw.choice(['', 'sin(x) + ', 'x*', '2 - '])}{above}/{base.join(['(', ')'])}^{exponent}"
        text = f"n = 3/2; {text}" if "n)" in exponent else text
        graph = lower(parse(text))
        with mp.workdps(soak.DIGITS):
            here = formulas.place_at(graph, dict.fromkeys(graph.inputs, 1.5))
            assert here is not None
            judge.rules(graph, text, here.point, here, [*formulas.elsewhere(graph, draw, 2)], [])
    assert judge.found == {}
    assert judge.counts["explain --symbolic: a rule: sides read"] > 4 * len(exponents)


@pytest.mark.nightly
def test_formulas_of_many_programs_hold(judge: formulas.Judge) -> None:
    for seed in range(10_000, 11_000):
        line, found = judge(seed)
        assert found == {}, line


def test_all_that_is_printed_was_read(judge: formulas.Judge) -> None:
    """In formats, too, that would have been passed over without a word."""
    judge.judge(*LITERAL[6])
    kinds = [f"{c}, {f}" for c in ("grad, names", "grad, inputs", "grad --order 2") for f in
             ("csv", "tsv", "markdown", "html", "table", "latex")]  # fmt: skip
    kinds += ["grad, over slopes", "grad, names, narrow"]
    kinds += [f"explain, {f}: sides read" for f in ("json", "markdown", "latex")]
    kinds += [f"graph, {f}" for f in ("json: a step", "json: an arrow", "dot", "mermaid", "svg")]
    kinds += ["explain, json: local", "explain --symbolic: substituted", "explain --symbolic: formula"]
    kinds += ["explain --symbolic: a rule: sides read", "explain --symbolic, latex: sides read"]
    kinds += ["graph, tikz: sides read", "export, latex: sides read", "check --reveal: right"]
    kinds += ["grad --tangent: at_the_point", "grad --tangent: multiplied_out"]
    kinds += ["explain --limit, markdown: sides read", "explain --limit, latex: sides read"]
    assert [kind for kind in kinds if not judge.counts[kind]] == []


def derivative_rules() -> Iterator[tuple[str, int, str]]:
    """Yield what ``ops`` prints: primitive, operand, local derivative."""
    for name, row in PRIMITIVES.items():
        for position, text in enumerate(row.local):
            if text and not row.truth and row.chosen is None and position != row.literal:
                yield name, position, text


@pytest.mark.parametrize(("name", "position", "text"), [*derivative_rules()])
def test_rules_that_are_listed_hold(name: str, position: int, text: str) -> None:
    """By difference quotients in many digits of functions that know no rule."""
    row = PRIMITIVES[name]
    count = 0
    with mp.workdps(120):
        for part in (0.31, 0.47, 0.73):
            point = [mpf(max(-3.0, low) * (1 - part) + min(3.0, high) * part) for low, high in row.sample]
            if row.literal is not None:
                point[row.literal] = mp.floor(abs(point[row.literal]))

            def at(t: Any, point: list[Any] = point) -> Any:
                return soak.DEFINED[name](*(x + t * (k == position) for k, x in enumerate(point)))

            h = mpf(10) ** -30
            try:
                slope, y = (at(h) - at(-h)) / (2 * h), at(mpf(0))
            except soak.NoValue:
                continue
            known = dict(zip(row.params, point, strict=False)) | {"y": y}
            back = formulas.lower(formulas.parse(text), known)
            found = soak.Exact(back, {n: known[n] for n in back.inputs}, decimal=True).run({})[back.output]
            assert formulas.near(found, slope, mpf("1e-12")), (point, found, slope)
            count += 1
    assert count


# the tester


def bare_constant(graph: Any, id: int) -> Piece:
    """Write a constant as if it were a name: ``x/1 + log(2)``."""
    return Piece(constant_piece(graph, id).parts)


def as_a_slope(edge: Any, local: Any, point: Any, voice: Any) -> forms.Slope:
    """Call a part of dv/dx by that name."""
    return forms.Slope(point.graph.own_name(edge.user), point.graph.own_name(edge.source))


FAULTS: list[tuple[str, Any, str, Any, str, str]] = [
    # what was wrong once, where it is put back, in which program it is seen, and who says so
    ("sums without brackets", constants, "constant_piece", bare_constant, "x/(1 + log(2))", "grad"),
    ("NaN for a formula", symbolic, "is_formula", lambda e: True, "where(x > 0, x, 1/(x - x))", "grad"),
    ("slopes beside their branch", printer, "gathered", lambda e: e, "where(x < -2, sqrt(-x), x)", "grad"),
    ("a part of dv/dx for all of it", explain_lines, "_factor", as_a_slope, "v = x*x; v^2 + x", "explain"),
    ("conditions as text", latex, "_items", latex.postfix, "where(x > 1, x, 2x)", "export, latex"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("room", "name", "wrong", "text", "kind"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS]
)
def test_old_faults_are_seen(
    monkeypatch: pytest.MonkeyPatch, room: Any, name: str, wrong: Any, text: str, kind: str
) -> None:
    monkeypatch.setattr(SESSION, "forks", True)  # SymPy's process has what stands here
    monkeypatch.delitem(sys.modules, "jax", raising=False)  # where it is loaded, none is forked
    SESSION.close()
    assert formulas.Judge().judge(text, {"x": 2.0}) == {}
    monkeypatch.setattr(room, name, wrong)
    SESSION.close()
    try:
        found = formulas.Judge().judge(text, {"x": 2.0})
    finally:
        SESSION.close()
    assert any(said.startswith(kind) for said in found), found
