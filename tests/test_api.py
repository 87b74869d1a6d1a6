"""The package from Python: its surface, reports that show themselves, many threads, one SymPy."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import backprop_cli
from backprop_cli import check, descend, draw, explain, grad, higher, limit, plot, trace, translate
from backprop_cli.differentiation.report import differentiate
from backprop_cli.differentiation.symbolic.process import SymbolicProcess
from backprop_cli.graph import Graph
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse

PAGE = (Path(__file__).parent.parent / "docs" / "python.md").read_text("utf-8")
AT = {"a": 3.0, "b": -2.0, "c": 8.0}
PROGRAM = "d = a*b; L = d + c"
WORDS = [PROGRAM, "--a", "3", "--b", "-2", "--c", "8"]


def test_the_surface_is_what_the_page_says() -> None:
    told = set(re.findall(r"^\| `(\w+)\(", PAGE, re.MULTILINE))
    assert {*told, "BackpropError", "__version__"} == set(backprop_cli.__all__) == set(dir(backprop_cli))


@pytest.mark.parametrize(
    "name", [n for n in backprop_cli.__all__ if n not in ("BackpropError", "__version__")]
)
def test_every_function_says_what_it_takes(name: str) -> None:
    function = getattr(backprop_cli, name)
    text = inspect.getdoc(function) or ""
    for argument in inspect.signature(function).parameters:
        assert f"    {argument}: " in text, f"{name} does not say what {argument} is"
    assert "Raises:" in text


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys, backprop_cli; print(*[m for m in sys.modules if m.startswith('backprop_cli.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (lambda: grad(PROGRAM, AT), ["grad", *WORDS]),
        (lambda: higher(PROGRAM, AT), ["grad", *WORDS, "--order", "2"]),
        (lambda: explain(PROGRAM, AT), ["explain", *WORDS]),
        (lambda: draw(PROGRAM, AT, path=["a"]), ["graph", *WORDS, "--path", "a"]),
        (lambda: limit(PROGRAM, AT), ["limit", *WORDS]),
        (lambda: descend(PROGRAM, AT, steps=3), ["descend", *WORDS, "--steps", "3"]),
        (lambda: plot("x^3-3x", x=(-2, 2), tangents=[1]), "plot x^3-3x --x -2:2 --tangent 1".split()),
        (lambda: plot("x*y", x=(-2, 2), y=(0, 1)), "plot x*y --x -2:2 --y 0:1".split()),
        (
            lambda: check(PROGRAM, {"dL/da": 2, "d": -6}, AT),
            ["check", *WORDS, "--claim", "dL/da=2", "--claim", "d=-6"],
        ),
        (lambda: trace("sample_inputs/hand.yaml"), ["trace", "sample_inputs/hand.yaml"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_json_is_that_of_the_command(run, report, words, monkeypatch) -> None:
    monkeypatch.chdir(Path(__file__).parent.parent)
    found = report()
    assert found.to_json() == run(*words, "--format", "json").out
    assert found.to_dict() == json.loads(found.to_json())


def test_reports_show_themselves_in_notebooks() -> None:
    for report in (grad(PROGRAM, AT), explain(PROGRAM, AT), limit(PROGRAM, AT), check(PROGRAM, {"d": 1}, AT)):
        assert "<table" in report._repr_html_() or "<p>" in report._repr_html_()
    for drawing in (draw(PROGRAM, AT), plot("x^2", x=(-1, 1))):
        assert drawing._repr_svg_().startswith("<svg")


def test_a_program_elsewhere_is_that_of_the_command(run) -> None:
    for target in ("python", "c", "latex", "mermaid"):
        assert translate(PROGRAM, AT, to=target) == run("export", *WORDS, "--to", target).out


def graph_of(text: str) -> Graph:
    return lower(parse(text))


def test_threads_get_the_answers_to_their_own_questions() -> None:
    def ask(k: int) -> tuple[object, object]:
        formula = grad(f"{k}*x + sin({k}*y)").formulas
        return formula, grad("k*x^2", k=k, x=3).columns["symbolic"]

    calls = range(2, 62)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, calls))
    for k, (formulas, numbers) in zip(calls, found, strict=True):
        assert str(k) in formulas
        assert f"{k}*cos({k}*y)" in formulas
        assert 6.0 * k in numbers


@pytest.fixture
def process():
    process = SymbolicProcess(fork=False)
    yield process
    process.close()


def symbolic(process: SymbolicProcess, text: str) -> dict[str, float | None]:
    return differentiate(graph_of(text), {"x": 3.0}, methods=["symbolic"], process=process).gradient


def test_an_answer_that_nobody_fetched_is_no_answer_to_the_next(process: SymbolicProcess) -> None:
    graph = graph_of("x^2")
    process.request(graph, {"x": 3.0}, [graph.inputs["x"]], [True] * len(graph))
    assert symbolic(process, "x^3") == {"x": 27.0}


def test_a_process_that_has_ended_is_started_anew(process: SymbolicProcess) -> None:
    assert symbolic(process, "x^2") == {"x": 6.0}
    assert process._child is not None
    process._child.end()
    assert symbolic(process, "x^3") == {"x": 27.0}
    process.close()
    assert symbolic(process, "x^4") == {"x": 108.0}


FORKED = """
import os
from backprop_cli import grad
from backprop_cli.differentiation.symbolic.session import SESSION
print(grad("x^2", x=3).columns["symbolic"][0], flush=True)
if os.fork() == 0:
    print(grad("x^3", x=3).columns["symbolic"][0], flush=True)
    SESSION.close()
    os._exit(0)
os.wait()
print(grad("x^4", x=3).columns["symbolic"][0])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_of_the_callers_has_a_sympy_of_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["6.0", "27.0", "108.0"], done.stderr
