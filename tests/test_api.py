"""The package from Python: many threads, one SymPy."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from backprop_cli import grad
from backprop_cli.differentiation.report import differentiate
from backprop_cli.differentiation.symbolic.process import SymbolicProcess
from backprop_cli.graph import Graph
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse


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
