"""Formulas are made shorter, never longer: what a textbook writes, over random programs, and in no time."""

from __future__ import annotations

import re
import sys
import time

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import soak

from backprop_cli import explain, grad
from backprop_cli.differentiation.symbolic import simpler
from backprop_cli.differentiation.symbolic.formulas import chained, formulas
from backprop_cli.differentiation.symbolic.session import SESSION
from backprop_cli.errors import BackpropError
from backprop_cli.graph import CONSTANT, Graph
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse

TEXTBOOK = [
    ("(x+1)/(x-1)", "x", "-2/(x - 1)^2"),
    ("x/(x^2+1)", "x", "(1 - x^2)/(x^2 + 1)^2"),
    ("x^x", "x", "x^x*(log(x) + 1)"),
    ("(x^2+1)^3*(2x-1)^2", "x", "2*(2*x - 1)*(x^2 + 1)^2*(8*x^2 - 3*x + 2)"),
    ("ln(cos(x))", "x", "-tan(x)"),
    ("log(x)/x", "x", "(1 - log(x))/x^2"),
    ("x*sqrt(1-x^2)", "x", "(1 - 2*x^2)/sqrt(1 - x^2)"),
    ("sin(x^2)", "x", "2*x*cos(x^2)"),
    ("(2*r*sin(t)^2 + 2*r*cos(t)^2)*r/2", "r", "2*r"),
    ("2*r*sin(t)^2 + 2*r*cos(t)^2", "t", "0"),
    ("r*cosh(t)^2 - r*sinh(t)^2", "r", "1"),
    ("L = ((y_1 - t_1)^2 + (y_2 - t_2)^2)/n", "y_1", "2*(y_1 - t_1)/n"),
    ("L = ((y_1 - t_1)^2 + (y_2 - t_2)^2)/n", "t_1", "2*(t_1 - y_1)/n"),
    ("yhat = sigmoid(w*x + b); L = (yhat - y)^2/2", "b", "yhat*(1 - yhat)*(yhat - y)"),
    ("yhat = sigmoid(z); L = -(y*log(yhat) + (1 - y)*log(1 - yhat))", "z", "yhat - y"),
    ("p = exp(a)/(exp(a) + exp(b)); L = -log(p)", "a", "p - 1"),
    ("s = exp(a) + exp(b); p = exp(a)/s; q = exp(b)/s; L = -log(q)", "a", "p"),
    ("d = sqrt(x^2 + y^2); 1/d", "x", "-x/d^3"),
    ("1/(1 + exp(-x))", "x", "exp(-x)/(1 + exp(-x))^2"),  # exp(x) would be too large for a float
    ("b = a^2; c = -7a; d = b*c", "a", "2*a*c - 7*b"),  # the paths by their names, not -21*a^2
]  # fmt: skip


def graph_of(text: str) -> Graph:
    return lower(parse(text))


@pytest.mark.parametrize(("text", "name", "formula"), TEXTBOOK)
def test_formulas_of_a_textbook(text: str, name: str, formula: str) -> None:
    graph = graph_of(text)
    assert formulas(graph, [graph.inputs[name]])[graph.inputs[name]] == formula


def test_polar_coordinates_over_the_inputs() -> None:
    graph = graph_of("x = r*cos(θ); y = r*sin(θ); x^2 + y^2")
    found = formulas(graph, [*graph.inputs.values()], inline=True)
    assert [found[k] for k in graph.inputs.values()] == ["2*r", "0"]


def random_texts(first: int, count: int) -> list[str]:
    """Return random programs that can be read."""
    return [soak.random_case(seed).text for seed in range(first, first + count)]


def test_no_formula_is_longer_than_it_was() -> None:
    shorter = 0
    for text in random_texts(7_000, 40):
        try:
            graph = graph_of(text)
        except BackpropError:
            continue
        texts, _, shorten = chained(graph, [n.id for n in graph.nodes if n.kind != CONSTANT])
        before = dict(texts)
        shorten()
        assert texts.keys() == before.keys()
        assert all(len(texts[k]) <= len(before[k]) for k in texts), text
        shorter += texts != before
    assert shorter >= 4


def test_no_line_called_simplified_is_longer_than_what_was_put_together() -> None:
    count = 0
    for text in [*random_texts(7_200, 25), *(row[0] for row in TEXTBOOK)]:
        try:
            page = explain(text).to_text()
        except BackpropError:
            continue
        for put, simple in re.findall(r"put together: +\S+ = (.*)\n +simplified: +\S+ = (.*)\n", page):
            assert len(simple) <= len(put), text
            count += 1
    assert count >= 10


def test_a_line_that_repeats_is_left_out() -> None:
    lines = explain("x^3").to_text().splitlines()
    assert [line.strip() for line in lines[3:]] == ["power rule: df/dx = d/dx(x^3) = 3*x^2"]
    (line,) = explain("relu(x)").to_text().splitlines()[3:]
    assert line.endswith("= 1 where x > 0, else 0")


def test_formulas_too_long_to_make_shorter_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """SymPy may take for ever: the answer that was there then comes, and the next one from a new process."""
    monkeypatch.setattr(SESSION, "forks", True)
    monkeypatch.delitem(sys.modules, "jax", raising=False)  # where it is loaded, none is forked
    monkeypatch.setattr(simpler.Simpler, "shortest", lambda *_: time.sleep(60))
    monkeypatch.setattr("backprop_cli.differentiation.symbolic.server.LATER_SECONDS", 0.05)
    SESSION.close()
    try:
        for formula in ("1/(x - 1) - (x + 1)/(x - 1)^2", "-2/(x - 1)^2"):
            report = grad("(x+1)/(x-1)", x=3.0)
            assert report.formulas is not None
            assert report.formulas[0] == formula
            assert report.gradient == {"x": -0.5}
            assert report.agree
    finally:
        SESSION.close()
