"""Programs with arrays in `graph`, `plot`, `limit`, `ops`, `export` and `page`."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import NODE, Result
from hypothesis import given, settings
from test_arrays import (
    ATTENTION,
    FACTORS,
    FITTED,
    LEAST,
    QUADRATIC,
    SOFTMAX,
    SOLVED,
    TWO_LAYERS,
    programs,
    settled,
)
from test_page_engine import CODE, compared, in_node

import backprop_cli
from backprop_cli import grad
from backprop_cli.api.arrays import gradient_of
from backprop_cli.differentiation.arrays import by_numbers
from backprop_cli.engine.point import Point
from backprop_cli.errors import BackpropError
from backprop_cli.export.javascript_rows import row_name
from backprop_cli.ops.matrices import CALLED, MATRICES, written_rows
from backprop_cli.pages.program import program_data
from backprop_cli.render.latex_arrays import document

Arrays = dict[str, Any]

PROGRAMS: list[tuple[str, Arrays]] = [
    ("x'@A@x", QUADRATIC),
    ("x'@A@x/(x'@x)", QUADRATIC),
    ("norm(A@x - b)^2", LEAST),
    ("logsumexp(A@x)", {"A": LEAST["A"], "x": [0.5, -0.25]}),
    ("logdet(X)", {"X": SOLVED["X"]}),
    ("a'@inv(X)@b", SOLVED),
    ("cross_entropy(W@x + b, t)", SOFTMAX),
    ("z = X@w; p = sigmoid(z); L = -mean(y*log(p) + (1 - y)*log(1 - p))", FITTED),
    ("h = tanh(W1@x); L = cross_entropy(W2@h, t)", TWO_LAYERS),
    ("sum((softmax(Q@K'/sqrt(2))@V).*G)", ATTENTION),
    ("sum((R - U@V').^2)", FACTORS),
    ("r = x[0]; y = x[1:3]; max(y)*r*A[0, 1] + mean(relu(A[2])) - min(x)", QUADRATIC),
    (
        "z = W@x + b; i = sigmoid(z[0:2]); g = tanh(z[2:4]); c = f*c0 + i*g; L = sum(tanh(c)*c)",
        {
            "W": [[1, 2], [0, 1], [1, 1], [2, 1]],
            "x": [1, -1],
            "b": [0, 0.1, 0, 0.5],
            "c0": [1, 2],
            "f": [0.5, 0.25],
        },
    ),
    (
        "sum(relu(X@W + b)) + t*trace(X'@X)",
        {"X": [[1, 2], [3, -4], [0.5, 1]], "W": [[1, 0], [-1, 2]], "b": [0.5, 1], "t": 3},
    ),
]
TEXTS = [text for text, _ in PROGRAMS]
AT = ["--A", "[[1,2],[3,4],[5,6]]", "--x", "[1,-1]", "--b", "[1,0,2]"]
LINE = "y = W@x + b; L = norm(y - t)^2"
NEURON = {"W": [[1, 2], [0, 1]], "x": [1, -1], "b": [0, 1], "t": [1, 1]}


def arrays(values: Arrays) -> Arrays:
    """Return values as NumPy's, which no command takes for a range."""
    return {name: np.array(x, float) if isinstance(x, list) else float(x) for name, x in values.items()}


# export


def exported(text: str, values: Arrays, to: str, **options: Any) -> str:
    return backprop_cli.translate(text, to=to, **arrays(values), **options)


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_arrays_run_in_javascript(tmp_path: Path) -> None:
    """Every program asserts our numbers; one with a wrong number fails."""
    modules = []
    for k, (text, values) in enumerate(PROGRAMS):
        modules.append(tmp_path / f"{k}.mjs")
        modules[-1].write_text(exported(text, values, "javascript"), "utf-8")
    (tmp_path / "all.mjs").write_text("".join(f'import "./{m.name}";\n' for m in modules), "utf-8")
    done = subprocess.run([str(NODE), tmp_path / "all.mjs"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") > 150
    wrong = exported("norm(A@x - b)^2", LEAST, "javascript").replace("-40.0, 1e-9", "-41.0, 1e-9")
    (tmp_path / "wrong.mjs").write_text(wrong, "utf-8")
    done = subprocess.run([str(NODE), tmp_path / "wrong.mjs"], capture_output=True, text=True, check=False)
    assert "assertion failed: df_dx_0 is -40, and -41 for backprop" in done.stderr


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
@pytest.mark.parametrize("k", [2, 5, 8, 11, 13])
def test_arrays_run_in_c(tmp_path: Path, k: int) -> None:
    text, values = PROGRAMS[k]
    (tmp_path / "program.c").write_text(exported(text, values, "c"), "utf-8")
    build = ["cc", "-Wall", "-Wextra", "-pedantic", "-Werror", "program.c", "-o", "program", "-lm"]
    subprocess.run(build, cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "program"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = grad(text, **arrays(values), methods=("reverse",))
    slopes = [float(line.split()[1]) for line in done.stdout.splitlines()]
    expected = [report.value, *(x for g in report.gradient.values() for x in g.reshape(-1))]
    assert slopes == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_arrays_stand_in_signatures() -> None:
    values = {"A": [[1, 2], [3, 4]], "value": [1, 2], "gradient": 3, "double": [1, 1]}
    text = "gradient*sum(A@value)*(double@value)"
    c = exported(text, values, "c", wrt=["value", "gradient"])
    assert "(double gradient, const double A[2][2], const double value[2], const double double_[2], " in c
    assert "double gradient__value[2], double gradient__gradient[1])" in c
    js = exported(text, values, "javascript", wrt=["A[0,1]", "value"])
    assert "(gradient, A, value, double)" in js
    assert '{ ["A[0,1]"]: df_dA_0_1, value: [df_dvalue_0, df_dvalue_1] }' in js


LATEX = {
    "norm(A@x - b)^2": (
        r"{\partial A} &= 2 \cdot \left(A \, x - b\right) \, x^{\top} = \begin{pmatrix} -4 & 4",
        r"{\partial x} &= 2 \cdot A^{\top} \, \left(A \, x - b\right) = \begin{pmatrix} -40 \\",
        r"v_{5} &= \left\lVert v_{4} \right\rVert = 3.74166",
    ),
    "logdet(X)": (r"f &= \log\det\left(X\right) = 2.89037", r"&= \left(X^{-1}\right)^{\top} ="),
    "x'@A@x": (r"&= \left(A + A^{\top}\right) \, x =", r"&= x \, x^{\top} =", r"v_{3} &= x^{\top} \, A ="),
    "sum((R - U@V').^2)": (r"&= v_{5}^{\circ 2} =", r"v_{4} &= U \, V^{\top} ="),
    TEXTS[7]: (r"y \odot", r"&= X^{\top} \, \left(p - y\right)"),
    TEXTS[13]: (r"\mathbf{1}_{3} \, b^{\top}", r"\operatorname{tr}\left("),
    TEXTS[12]: (
        r"{\partial W} &= \frac{\partial L}{\partial z} \, x^{\top} =",
        r"W^{\top} \, \frac{\partial L}{\partial z}",
    ),
    TEXTS[11]: (r"r &= \left[x\right]_{0} = 1", r"\left[A\right]_{0,1}"),
}


@pytest.mark.parametrize("k", range(len(PROGRAMS)))
def test_latex_writes_matrices(k: int) -> None:
    text, values = PROGRAMS[k]
    found = exported(text, values, "latex")
    for line in LATEX.get(text, ()):
        assert line in found.replace(r"\frac{X^{\top}", r"&= X^{\top}"), line
    assert "@" not in found
    assert found.count("{") == found.count("}")
    assert found.count(r"\left") == found.count(r"\right")
    assert re.search(r"_\{[^{}]*\}_|\^\{[^{}]*\}\^", found) is None  # TeX has no double scripts


class Matrices:
    """Reads the LaTeX of programs with arrays by a reader's rules: vectors are columns, numbers 1x1.

    A product of matrices binds tighter than a circle, that tighter than a sum.
    """

    TOKEN = re.compile(r"\\left|\\right|\\[A-Za-z]+|\\[,_\\]|\d+(?:\.\d*)?|[A-Za-z]|[-+=><^_{}()\[\],:|]|\s+")

    def __init__(self, text: str, names: Arrays) -> None:
        self.tokens = [
            t for t in self.TOKEN.findall(text) if not t.isspace() and t not in (r"\left", r"\right")
        ]
        self.at, self.names = 0, names

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        assert token, "the end"
        assert expected in ("", token), (expected, self.tokens[self.at :])
        self.at += 1
        return token

    def group(self) -> Any:
        self.take("{")
        found = self.sum()
        self.take("}")
        return found

    def words(self) -> str:
        self.take("{")
        words = []
        while self.peek() != "}":
            words.append(self.take().replace("\\_", "_"))
        self.take("}")
        return "".join(words)

    def sizes(self) -> tuple[int, int]:
        rows, *columns = self.words().split(r"\times")
        return int(rows), int(*columns) if columns else 1

    def condition(self) -> Any:
        left = self.sum()
        if self.peek() not in ("=", ">", "<"):  # a step
            return left != 0
        sign = self.take()
        right = self.sum()
        return {"=": np.equal, ">": np.greater, "<": np.less}[sign](left, right)

    def sum(self) -> Any:
        found = -self.circle() if self.peek() == "-" and self.take() else self.circle()
        while self.peek() in ("+", "-"):
            sign, term = self.take(), self.circle()
            assert found.shape == term.shape or 1 in (found.size, term.size)
            found = found + term if sign == "+" else found - term
        return found

    def circle(self) -> Any:
        found = self.product()
        while self.peek() in (r"\odot", r"\oslash"):
            sign, other = self.take(), self.product()
            assert found.shape == other.shape or (sign == r"\oslash" and 1 in (found.size, other.size))
            found = found * other if sign == r"\odot" else found / other
        return found

    def product(self) -> Any:
        found = self.power()
        while self.peek() in (r"\,", r"\cdot", r"\otimes"):
            sign, factor = self.take(), self.power()
            if sign == r"\cdot" or 1 in (found.size, factor.size):
                assert 1 in (found.size, factor.size)
                found = found * factor
            else:
                found = found @ (factor.T if sign == r"\otimes" else factor)
        return found

    def power(self) -> Any:
        found = self.atom()
        while self.peek() == "^":
            self.take()
            self.take("{")
            if self.peek() == r"\top":
                found = found.T if self.take() else found
            elif self.peek() == r"\circ":
                self.take()
                found = found ** self.sum()[0, 0]
            else:
                n = self.sum()[0, 0]
                found = np.linalg.inv(found) if n == -1 else found**n
            self.take("}")
        return found

    def atom(self) -> Any:
        token = self.take()
        if token == "(":
            at, found = self.at, self.sum()
            if self.peek() != ")":
                self.at = at
                found = 1.0 * self.condition()
            self.take(")")
            return found
        if token == "[":
            found = self.sum()
            self.take("]")
            self.take("_")
            key = tuple(
                slice(*(int(end) if end else None for end in part.split(":"))) if ":" in part else int(part)
                for part in self.words().split(",")
            )
            if found.shape[1] == 1 and len(key) == 1:
                return found[key[0]].reshape(-1, 1)
            picked = found[key]
            return np.reshape(picked, (-1, 1)) if np.ndim(picked) < 2 else picked
        if token[0].isdigit():
            return (
                np.zeros(self.sizes()) if self.peek() == "_" and self.take() else np.array([[float(token)]])
            )
        if token == r"\begin":
            self.words()
            rows = [self.sum()]
            while self.peek() == "\\\\":
                self.take()
                rows.append(self.sum())
            self.take(r"\end")
            self.words()
            return np.vstack(rows)
        if token == r"\frac" and self.tokens[self.at + 1] == r"\partial":
            return self.names[f"slope by {[self.name() for _ in range(2)][1]}"]
        if token == r"\frac":
            top, bottom = self.group(), self.group()
            assert bottom.size == 1
            return top / bottom
        if token == r"\sqrt":
            return np.sqrt(self.group())
        if token == r"\lVert":
            found = self.sum()
            self.take(r"\rVert")
            if self.peek() == "_":
                self.take()
                self.take("F")
            return np.array([[np.sqrt((found**2).sum())]])
        if token == r"\mathbf":
            self.words()
            self.take("_")
            return np.ones(self.sizes())
        if token == "I":
            self.take("_")
            return np.eye(int(self.words()))
        if token == r"\operatorname" or (token[0] == "\\" and self.peek() in ("(", r"\det")):
            name = self.words() if token == r"\operatorname" else token[1:]
            if name == "log" and self.peek() == r"\det":
                self.take()
                name = "logdet"
            return self.called(name)
        self.at -= 1
        return self.names[self.letters()]

    def letters(self) -> str:
        token = self.take()
        return token + self.words() if self.peek() == "_" and self.take() else token

    def name(self) -> str:
        """Read ``{\\partial x}``."""
        self.take("{")
        self.take(r"\partial")
        name = self.letters()
        self.take("}")
        return name

    def called(self, name: str) -> Any:
        self.take("(")
        operands = [self.condition() if name == "where" else self.sum()]
        while self.peek() == ",":
            self.take()
            operands.append(self.sum())
        self.take(")")
        x, *rest = operands
        axis = 0 if x.shape[1] == 1 else 1
        with np.errstate(all="ignore"):
            total = lambda: np.log(np.exp(x).sum(axis, keepdims=True))  # noqa: E731
            found = {
                "where": lambda: np.where(x, *rest),
                "sin": lambda: np.sin(x),
                "cos": lambda: np.cos(x),
                "softmax": lambda: np.exp(x - total()),
                "log_softmax": lambda: x - total(),
                "sigmoid": lambda: 1 / (1 + np.exp(-x)),
                "diag": lambda: np.diag(x[:, 0]) if x.shape[1] == 1 else np.diag(x).reshape(-1, 1),
                "sum": lambda: x.sum(),
                "mean": lambda: x.mean(),
                "max": lambda: x.max(),
                "min": lambda: x.min(),
                "rowsum": lambda: x.sum(1).reshape(-1, 1),
                "colsum": lambda: x.sum(0).reshape(-1, 1),
                "tr": lambda: np.trace(x),
                "exp": lambda: np.exp(x),
                "log": lambda: np.log(x),
                "det": lambda: np.linalg.det(x),
                "logdet": lambda: np.linalg.slogdet(x)[1],
                "logsumexp": lambda: total(),
                "relu": lambda: np.maximum(x, 0),
                "softplus": lambda: np.log1p(np.exp(x)),
                "tanh": lambda: np.tanh(x),
                "cross_entropy": lambda: -(rest[0] * (x - total())).sum(),
            }[name]()
        return np.reshape(found, (1, 1)) if np.ndim(found) == 0 else found


def read_as_matrices(text: str, values: Arrays) -> None:
    """Hold every step and every derivative to the numbers, with vectors as columns."""
    report = gradient_of(*settled(text, **values), methods=("symbolic", "reverse"))
    graph, kinds = report.graph, report.program.kinds

    def column(x: Any, id: int) -> Any:
        return np.reshape(x, (1, -1) if kinds[id].row else (-1, 1)) if np.ndim(x) < 2 else x

    names = {graph.own_name(n.id): column(report.values[n.id], n.id) for n in graph.nodes}
    slopes = {graph.own_name(n.id): column(report.standing(n.id), n.id) for n in graph.nodes}
    names |= {f"slope by {name}": slope for name, slope in slopes.items()}
    read = 0
    for line in document(report, "{:.6g}".format).splitlines():
        head, ampersand, rest = line.partition(" &= ")
        made, equals, _ = rest.rpartition(" = ")
        if not ampersand or not equals:
            continue
        name = "".join(re.findall(r"[A-Za-z0-9]+", head.replace("frac", "").replace("partial", "")))
        by = re.search(r"partial (\w+?)(?:_\{(\d+)\})?\}$", head)
        found = Matrices(made, names).sum()
        expected = slopes[by[1] + (by[2] or "")] if by else names.get(name, report.value.reshape(1, 1))
        assert found.shape == expected.shape, line
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9), line
        read += 1
    assert read >= len(report.formulas.keys() & graph.inputs.values())


@pytest.mark.parametrize("k", range(len(PROGRAMS)))
def test_latex_read_as_matrix_algebra_has_the_numbers(k: int) -> None:
    read_as_matrices(*PROGRAMS[k])


@settings(max_examples=25)
@given(programs())
def test_random_programs_in_latex_and_number_by_number(case: tuple[str, Arrays]) -> None:
    text, values = case
    program, at = settled(text, **values)
    try:
        report = gradient_of(program, at, methods=("reverse",))
        graph, start, _ = by_numbers(program, at, None, each=True)
        point = Point.at(graph, start)
    except BackpropError:  # the root of a length 0, and the like
        return
    assert point.value == pytest.approx(float(report.value), rel=1e-9, abs=1e-9)
    slopes = report.gradient
    for name, slope in point.gradient(tuple(graph.inputs)).items():
        array, _, places = name.removesuffix("]").partition("[")
        of = slopes[array][tuple(map(int, places.split(",")))] if places else slopes[array]
        assert slope == pytest.approx(float(of), rel=1e-9, abs=1e-9)
    if all(node.shape[1:] != (1,) for node in program.graph.nodes):  # a reader takes that for a vector
        read_as_matrices(text, values)


# limit and plot


@pytest.mark.parametrize("k", [0, 2, 6, 9, 10])
def test_quotients_along_a_line_tend_to_the_slope_there(k: int) -> None:
    text, values = PROGRAMS[k]
    given, draw = arrays(values), np.random.default_rng(k)
    way = {name: draw.uniform(-1, 1, x.shape) for name, x in given.items()}
    slopes = grad(text, **given, methods=("reverse",)).gradient
    found = backprop_cli.limit(text, along=way, steps=[1e-3, 1e-4], **given)
    (limit,) = found.limits
    assert limit.kind == "derivative"
    assert limit.slope == pytest.approx(sum((slopes[n] * way[n]).sum() for n in way), rel=1e-12)
    assert limit.rows[-1].central == pytest.approx(limit.slope, rel=1e-6)
    down = backprop_cli.limit(text, along="-gradient", steps=[1e-4], **given).limits[0]
    assert down.slope == pytest.approx(-sum((g * g).sum() for g in slopes.values()), rel=1e-12)


def test_limit_of_one_number_of_an_array(run: Callable[..., Result]) -> None:
    words = ["norm(A@x - b)^2", *AT, "--wrt", "x[0],A[0,1]", "--format", "json"]
    found = run("limit", *words).answered().json
    assert [(each["input"], each["slope"]) for each in found["limits"]] == [("x[0]", -40.0), ("A[0,1]", 4.0)]
    exact = run("limit", *words, "--symbolic").answered().json
    assert exact["reference"] == "symbolic"
    step = run("limit", "y = A@x; norm(y - b)^2", *AT, "--wrt", "y[1]", "--format", "json").answered().json
    assert [(each["input"], each["slope"]) for each in step["limits"]] == [("y[1]", -2.0)]
    kink = run("limit", "norm(x)", "--x", "[0,0]", "--along", "x=[1,2]")
    assert kink.status == 3
    text = kink.out
    assert "along x + s*[1, 2]; s moves by h" in text
    assert "left -2.236068, right 2.236068: no derivative" in text


def test_a_program_of_numbers_has_lines_too(run: Callable[..., Result]) -> None:
    out = run("limit", "x^2*y", "--x", "1", "--y", "2", "--along", "x=1, y=2").answered().out
    assert "x^2*y = 2, along x + s, y + s*2; s moves by h" in out
    assert "derivative 6 (reverse mode)" in out
    # s is taken: the way is called t
    assert "f(t+h)" in run("limit", "x^2*s", "--x", "1", "--s", "2", "--along", "gradient").answered().out


@pytest.mark.parametrize(
    ("along", "words"),
    [
        ("x=[1,2,3]", "the direction of x is 3 numbers, and x is 2 numbers"),
        ("x=1", "the direction of x is a number, and x is 2 numbers"),
        ("A=[1,2]", "the direction of A is 2 numbers, and A is 3x2 numbers"),
        ("q=1", "the expression has no input q"),
        ("x=[0,0]", "this one is 0"),
        ("uphill", "no direction uphill"),
        ("x=[1,2],x=[1,1]", "x is given twice"),
        ("x=[1,[2]]", "--along: "),
    ],
)
def test_directions_that_do_not_fit(run: Callable[..., Result], along: str, words: str) -> None:
    run("limit", "norm(A@x - b)^2", *AT, "--along", along).refused(2, words)


def test_a_plot_along_a_line_has_the_values_there(run: Callable[..., Result]) -> None:
    for along, way, ends in (
        ("x=[1,0]", np.array([1.0, 0.0]), "-1:2"),
        ("-gradient", np.array([40.0, 52.0]), "0:0.01"),
    ):
        words = ["norm(A@x - b)^2", *AT, "--along", along, "--s", ends, "--format", "json"]
        if along == "-gradient":
            words += ["--wrt", "x"]
        found = run("plot", *words).answered().json
        assert found["variable"] == "s"
        x = np.array([1.0, -1.0])
        for s, y in found["points"][::40]:
            value = backprop_cli.eval("norm(A@x - b)^2", A=LEAST["A"], x=x + s * way, b=LEAST["b"])
            assert y == pytest.approx(value, rel=1e-9)


def test_a_plot_goes_downhill_where_nothing_is_said(run: Callable[..., Result]) -> None:
    run("plot", "x^2", "--x", "-1:1", "--wrt", "x").refused(2, "--wrt says which gradient to follow")
    out = run("plot", "norm(A@x - b)^2", *AT, "--wrt", "x").answered().out
    assert out.startswith("f = norm(A@x - b)^2, along the negative gradient in x, s the rate of an update\n")
    assert "minimum at s = 0.00551139: f = 2.13949" in out
    assert (
        run("plot", "norm(A@x - b)^2", *AT)
        .answered()
        .out.startswith("f = norm(A@x - b)^2, along the negative gradient, s the rate of an update\n")
    )


def test_plots_over_numbers_of_an_array(run: Callable[..., Result]) -> None:
    out = run("plot", "norm(A@x - b)^2", *AT, "--x[0]", "-1:4").answered().out
    assert "minimum at x[0] = 1.57143: f = 2.57143" in out
    out = run("plot", "norm(A@x - b)^2", *AT, "--x[0]", "-1:4", "--x[1]", "-3:2").answered().out
    assert "x[1] = 0.25: f = 1.5" in out
    run("plot", "norm(A@x - b)^2", *AT, "--x[2]", "-1:4").refused(2, "no variable x[2]")
    run("plot", "norm(A@x - b)^2", *AT, "--along", "x=[1,0]", "--x[0]", "0:1").refused(
        2, "along a line all inputs move together, and x[0] has a range"
    )
    run("plot", "A@x", "--A", "[[1,2],[3,4]]", "--x", "[1,2]").refused(2, "the output is a vector of 2")
    shown = backprop_cli.plot("x'@x + c", {"x[0]": (-1, 2)}, x=np.array([1.0, 2.0]), c=1)
    assert repr(shown) == "minimum at x[0] = 0: f = 5"


def test_starts_of_a_descent_over_a_number_of_an_array(run: Callable[..., Result]) -> None:
    words = ["--wrt", "x[0]", "--rate", "0.01", "--x[0]", "-1:1:1", "--format", "json"]
    found = run("descend", "norm(A@x - b)^2", *AT, *words).answered().json
    assert len(found["runs"]) == 3


# graph


def test_boxes_have_shapes_and_arrows_formulas(run: Callable[..., Result]) -> None:
    words = ["graph", LINE, *(f"{n}={json.dumps(x)}" for n, x in NEURON.items())]
    out = run(*words).answered().out
    for text in ("| shape       2x2 |", "| dL/dW   [-4  4] |", "|         [-2  2] |", "- dL/dv2@x'"):
        assert text in out
    facts = run(*words, "--format", "json").answered().json
    report = grad(LINE, **arrays(NEURON), methods=("reverse",))
    nodes = {node["name"]: node for node in facts["nodes"]}
    assert facts["schema"] == 2
    for name, slope in report.gradient.items():
        assert nodes[name]["gradient"] == slope.tolist()
        assert nodes[name]["value"] == NEURON[name]
    assert {edge["symbol"] for edge in facts["edges"]} >= {"dL/dv2@x'", "W'@dL/dv2", "-dL/dv6", "2*v7"}


def test_a_graph_of_shapes_has_formulas_alone(run: Callable[..., Result]) -> None:
    out = run("graph", LINE, "--shape", "W=2x3,x=3,b=2,t=2").answered().out
    assert "shape 2x3" in out
    assert "W'@dL/dv2" in out
    assert "value" not in out
    facts = run("graph", LINE, "--shape", "W=2x3,x=3,b=2,t=2", "--format", "json").answered().json
    assert facts["value"] is None
    assert all(node["value"] is None and node["gradient"] is None for node in facts["nodes"])
    general = run("graph", LINE).answered()
    assert "shape mxn" in general.out
    assert "W'@dL/dv2" in general.out
    assert "note: read as: W a matrix, x and t vectors, b a number" in general.err
    shapes = {
        node["name"]: node["shape"]
        for node in run("graph", LINE, "--format", "json").answered().json["nodes"]
    }
    assert shapes["W"] == ["m", "n"]


def test_transposes_are_shown_where_all_is(run: Callable[..., Result]) -> None:
    words = ["graph", "x'@A@x", "--x", "[1,-2]", "--A", "[[2,1],[0,3]]", "--format", "json"]
    names = [node["name"] for node in run(*words).answered().json["nodes"]]
    assert names == ["x", "A", "v3", "f"]
    everything = run(*words, "--all").answered().json
    assert [node["name"] for node in everything["nodes"]] == ["x", "v1", "A", "v3", "f"]
    assert everything["edges"][0]["symbol"] == "A@df/dv3"


@pytest.mark.parametrize("k", range(len(PROGRAMS)))
def test_every_format_draws_arrays(k: int) -> None:
    text, values = PROGRAMS[k]
    shown = backprop_cli.draw(text, **arrays(values))
    ET.fromstring(shown.to_svg())
    for format_ in ("dot", "mermaid", "tikz", "text"):
        assert "shape " in shown.to_text(format_)
    view = shown.view
    named = {view.graph.own_name(id) for id in view.shown}
    for edge in view.edges():  # no formula speaks of a step that is not shown
        assert set(re.findall(r"\bv\d+\b", edge.symbol)) <= named
    rows = [row for card in shown.drawing.cards for row in card.rows]
    assert all(row.name or row.text for row in rows)
    for edge in backprop_cli.draw(text, **arrays(values), named=True).view.edges():
        told = "/".join(f"d{view.graph.own_name(id)}" for id in (edge.target, edge.source))
        assert edge.symbol == told or not any(
            view.graph.nodes[id].shape for id in (edge.target, edge.source)
        )  # the formulas of numbers are none of arrays


def test_graphs_refuse_what_arrays_do_not_have(run: Callable[..., Result]) -> None:
    words = ["graph", "x'@x", "--x", "[1,2]"]
    run(*words, "--edges", "value").refused(2, "there is a formula, and no number")
    run("graph", "2*x", "--x", "[1,2]").refused(2, "the output is a vector of 2")
    run("graph", "x'@x", "--x", "[1,2]", "--shape", "x=2").refused(
        2, "--shape is for formulas without values"
    )
    marked = run(*words, "--path", "x").answered().out
    assert "marked: 2 paths from x to f" in marked


# ops


def test_ops_lists_the_rows_over_arrays(run: Callable[..., Result]) -> None:
    out = run("ops").answered().out
    assert "Over vectors and matrices" in out
    assert "to A: sum_k g[i,k]*B[j,k]; to B: sum_i g[i,k]*A[i,j]" in out
    rows = run("ops", "--arrays", "--format", "json").answered().json
    assert [row["name"] for row in rows] == [row.name for row in written_rows()]
    assert all(row["definition"] and row["says"] for row in rows)
    assert {row.name for row in MATRICES.values()} - {row["name"] for row in rows} == {
        "apart", "adjugate", "placed", "scattered", "transpose",
    }  # fmt: skip
    assert "exp(z[i])/sum_k exp(z[k])" in run("ops", "softmax").answered().out
    run("ops", "--arrays", "--tensors").refused(2, "one of them")


@pytest.mark.parametrize("name", ["@", "'", "dot", "outer", "trace", "sum", "rowsum", "colsum", "diag"])
def test_definitions_in_index_notation_hold(name: str) -> None:
    """What stands there is computed, sums by loops, and equals the row's own value and pulls."""
    row, draw = MATRICES[name], np.random.default_rng(3)
    shapes, static = row.samples[0]
    operands = dict(zip(row.params, (draw.normal(size=s) for s in shapes), strict=True))
    words, value = static["spec"].split("->")
    if name == "'":
        value = "ij"
        words = "ji"
    sizes = {c: n for w, s in zip(words.split(","), shapes, strict=True) for c, n in zip(w, s, strict=True)}
    found = summed(row.entry, value, sizes, operands)
    expected = np.einsum(static["spec"], *operands.values())
    assert found == pytest.approx(expected.reshape(-1).tolist(), rel=1e-12)


def summed(text: str, own: str, sizes: dict[str, int], arrays: Arrays) -> list[float]:
    """Work ``sum_j A[i,j]*B[j,k]`` out for every number of ``own``."""
    over = re.findall(r"sum_(\w) ", text)
    product = re.sub(r"sum_\w ", "", text)
    numbers = []
    for place in np.ndindex(*(sizes[c] for c in own)):
        total = 0.0
        for inner in np.ndindex(*(sizes[c] for c in over)):
            at = dict(zip([*own, *over], [*place, *inner], strict=True))
            if any(at.get(c) is None for c in set(re.findall(r"\b[ijk]\b", product))):
                at |= {c: place[0] for c in "ijk" if c not in at}
            factors = re.findall(r"(\w+)\[([\w,]+)\]", product)
            total += float(np.prod([arrays[n][tuple(at[c] for c in w.split(","))] for n, w in factors]))
        numbers.append(total)
    return numbers


# page


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_pages_of_arrays_have_the_numbers_and_lines_of_the_command_line(tmp_path: Path) -> None:
    draw = random.Random(5)
    given, expected, wanted = [], [], {}
    for text, values in PROGRAMS:
        program, at = settled(text, **values)
        graph, start, _ = by_numbers(program, at, None, each=True)
        if len(graph) > 300:
            continue
        points = [start, *({n: x + draw.uniform(-0.3, 0.3) for n, x in start.items()} for _ in range(4))]
        data, ops = program_data(graph, start, ranges={}, digits=6, row_name=row_name)
        wanted |= {row_name(op, n): (op, n) for op, n in ops}
        given.append({"data": data, "points": points})
        expected.append((text, graph, points))
    assert len(given) >= 11
    told = 0
    for (text, graph, points), answers in zip(
        expected, in_node(tmp_path, list(wanted.values()), CODE, given), strict=True
    ):
        for k, (point, answer) in enumerate(zip(points, answers, strict=True)):
            told += compared(text, graph, point, answer, with_lines=k < 2)
    assert told > 50


def test_a_page_of_arrays_begins_at_its_values(run: Callable[..., Result]) -> None:
    words = [LINE, *(word for n, x in NEURON.items() for word in (f"--{n}", json.dumps(x)))]
    out = run("page", *words, "--x[0]", "-4:4").answered().out
    data = json.loads(out.split('id="data">')[1].split("</script>")[0])
    assert data["start"]["W[0,1]"] == 2.0
    assert data["ranges"]["x[0]"] == [-4.0, 4.0]
    titles = [box["title"] for box in data["picture"]["boxes"]]
    assert "v2[0] = W[0,0]*x[0] + W[0,1]*x[1]" in titles
    run("page", "A@x", "--A", "[[1,2],[3,4]]", "--x", "[1,2]").refused(2, "the output is a vector of 2")
    many = json.dumps(np.ones((13, 13)).tolist())
    run("page", "sum(A@A)", "--A", many).refused(2, "nodes are too many for a page: 300 at most")
    run("page", LINE, *words[1:], "--x[5]", "-1:1").refused(2, "no variable x[5]")


def test_numbers_of_a_page_are_those_of_the_arrays() -> None:
    """Written out each by itself, a program has the values and slopes that it has by arrays."""
    for text, values in PROGRAMS:
        program, at = settled(text, **values)
        for each in (False, True):
            graph, start, _ = by_numbers(program, at, None, each=each)
            point = Point.at(graph, start)
            report = grad(text, **arrays(values), methods=("reverse",))
            assert point.value == pytest.approx(float(report.value), rel=1e-12)
            slopes = point.gradient(tuple(graph.inputs))
            expected = [x for g in report.gradient.values() for x in np.reshape(g, -1)]
            assert sorted(slopes.values()) == pytest.approx(sorted(expected), rel=1e-10, abs=1e-14)


def test_exponents_of_a_thousand_do_not_overflow(run):
    x = ("--x", "[1000,999]")
    out = (
        run("plot", "logsumexp(x)", *x, "--along", "x=[1,0]", "--s", "-2:2", "--format", "csv").answered().out
    )
    rows = [line.split(",") for line in out.splitlines()[1:]]
    (middle,) = [row for row in rows if float(row[0]) == 0.0]
    assert float(middle[1]) == pytest.approx(1000.3132616875182)
    assert float(middle[2]) == pytest.approx(0.7310585786300049)
    assert "derivative 0.73105857863000" in run("limit", "logsumexp(x)", *x, "--wrt", "x[0]").answered().out
    start = ("--W", "[[1000,0],[0,1]]", "--x", "[1,1]", "--t", "[0,1]", "--wrt", "W", "--rate", "0.1")
    moved = run("descend", "cross_entropy(W@x, t)", *start, "--steps", "3", "--format", "value").answered()
    assert moved.numbers == pytest.approx([999.7, -0.3, 0.3, 1.3])


@pytest.mark.parametrize("name", [n for n in CALLED if n not in ("dot", "eye", "ones", "zeros", "transpose")])
def test_functions_of_arrays_say_so_of_numbers(run, name):
    operands = "(x, y)" if name in ("outer", "solve", "cross_entropy") else "(x)"
    error = run("eval", name + operands, "--x", "1", "--y", "2").refused(2).err
    assert f"{name} is a function of vectors and matrices, and none is given here" in error
    assert "hint: an array is a list in brackets, [1, 2], or a file" in error
