"""The package from Python: its surface, reports that show themselves, many threads, one SymPy."""

from __future__ import annotations

import ast
import gc
import inspect
import json
import math
import os
import random
import re
import signal
import subprocess
import sys
import time
import types
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from mpmath import mp

import backprop_cli
from backprop_cli import (
    BackpropError,
    article,
    check,
    descend,
    draw,
    evaluate,
    explain,
    grad,
    gradcheck,
    higher,
    limit,
    parse,
    plot,
    predict,
    trace,
    train,
    translate,
)
from backprop_cli.differentiation.report import differentiate
from backprop_cli.differentiation.symbolic.process import SymbolicProcess
from backprop_cli.errors import UsageError
from backprop_cli.graph import Graph
from backprop_cli.language.lower import lower

PAGE = (Path(__file__).parent.parent / "docs" / "python.md").read_text("utf-8")
HAND = str(Path(__file__).parent.parent / "sample_inputs" / "hand.yaml")
MODEL, ROWS, TEXT, WRITER = "hand/model.safetensors", "rows.csv", "text.md", "writer/model.safetensors"
AT = {"a": 3.0, "b": -2.0, "c": 8.0}
PROGRAM = "d = a*b; L = d + c"
NO_DOORS = ("BackpropError", "__version__", "functions")
WORDS = [PROGRAM, "--a", "3", "--b", "-2", "--c", "8"]


def test_the_surface_is_what_the_page_says() -> None:
    told = set(re.findall(r"^\| `(\w+)\(", PAGE, re.MULTILINE))
    assert {*told, *NO_DOORS} == set(backprop_cli.__all__) == set(dir(backprop_cli))
    # what a type checker sees is what is there
    tree = ast.parse(Path(backprop_cli.__file__).read_text("utf-8"))
    typed = {
        alias.asname: f"backprop_cli.{node.module or alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }
    found = {name: getattr(backprop_cli, name) for name in typed}
    assert typed == {name: getattr(x, "__module__", x.__name__) for name, x in found.items()}
    assert {*typed, "__version__"} == {*backprop_cli.__all__}


@pytest.mark.parametrize("name", [n for n in backprop_cli.__all__ if n not in NO_DOORS])
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
    # what is mathematics in other formats is there, too
    for report, says in (
        (explain(PROGRAM, AT), "L = d + c: dL/dd = 1"),
        (explain("x@x", x=[1, 2]), "df/dx[i] = 2*x[i]"),
        (trace(HAND), "linear1[0].z = 0.5*1 + 1*0.5 + (-0.5)*1 + 0 = 0.5"),
        (higher(PROGRAM, AT), "Hessian"),
    ):
        shown = report._repr_html_().replace("&#x27;", "'")
        assert says in re.sub(r" +", " ", shown), shown
    for drawing in (draw(PROGRAM, AT), plot("x^2", x=(-1, 1))):
        assert drawing._repr_svg_().startswith("<svg")


@pytest.mark.parametrize(
    "report",
    [
        lambda: grad(PROGRAM, AT),
        lambda: grad(PROGRAM),
        lambda: higher(PROGRAM, AT),
        lambda: explain(PROGRAM, AT),
        lambda: limit(PROGRAM, AT),
        lambda: descend(PROGRAM, AT, steps=3),
        lambda: check(PROGRAM, {"d": 1}, AT),
        lambda: trace(HAND),
        lambda: draw(PROGRAM, AT),
        lambda: plot("x^2", x=(-1, 1)),
    ],
    ids=["grad", "formulas", "higher", "explain", "limit", "descend", "check", "trace", "draw", "plot"],
)
def test_a_report_has_the_formats_that_it_names_and_no_other(report) -> None:
    found = report()
    with pytest.raises(UsageError, match="format is one of") as refused:
        found.to_text("tabel")
    known = refused.value.message.removeprefix("format is one of ").partition(", not ")[0].split(", ")
    assert {"table", "plot", "text"} & {*known}
    assert "json" in known
    for name in known:
        assert found.to_text(name).strip(), name
    for wrong in (None, 3, "", "JSON"):
        with pytest.raises(UsageError):
            found.to_text(wrong)


def test_a_notebook_has_a_styled_report_with_its_graph_below() -> None:
    for report in (grad(PROGRAM, AT), grad("norm(A@x)", A=[[1, 2], [3, 4]], x=[1, 1])):
        text = report._repr_html_()
        assert text.startswith('<div class="backprop"><style>')
        assert "<details><summary>graph</summary><svg" in text
        assert "script" not in text
    long = "; ".join(f"v_{k + 1} = v_{k}*2" for k in range(60))
    assert "<svg" not in grad(f"{long}", v_0=1)._repr_html_()
    assert parse("d = a*b; d^2")._repr_latex_() == (
        r"$$\begin{aligned} d &= a \cdot b \\ d^{2} \end{aligned}$$"
    )
    assert parse("A@x")._repr_latex_() is None


def test_a_report_has_its_rows_by_name_and_goes_on_from_its_point() -> None:
    report = grad(PROGRAM, AT)
    row = report["d"]
    assert (row.name, row.operation, row.value, row.gradient, row.formula) == ("d", "a*b", -6.0, 1.0, "1")
    assert report[0] is report.graph
    assert next(iter(report)) is report.graph
    assert report.explain(named=True).to_json() == explain(PROGRAM, AT, named=True).to_json()
    assert report.draw(path="a").to_json() == draw(PROGRAM, AT, path="a").to_json()
    assert report.plot(a=(-1, 1)).to_json() == plot(PROGRAM, {**AT, "a": (-1, 1)}).to_json()
    given = {"A": np.eye(2), "x": np.array([1.0, 2.0])}
    arrays = grad("z = A@x; norm(z)", given)
    assert arrays["z"].gradient.tolist() == arrays["z"].columns["reverse"].tolist()
    assert arrays.explain().to_json() == explain("z = A@x; norm(z)", given).to_json()
    assert arrays.explain().formulas == {"A": "z@x'/norm(z)", "x": "A'@z/norm(z)"}
    assert arrays.draw().to_json() == draw("z = A@x; norm(z)", given).to_json()


def test_a_program_is_a_function_and_the_doors_are_its_methods() -> None:
    f = parse("x^2*y")
    assert (f.names, f.text, repr(f)) == (("x", "y"), "x^2*y", "x^2*y")
    assert f(x=3, y=2) == f(3, 2) == f({"x": 3}, y=2) == f(3, y=2) == 18.0
    assert f(x="pi", y=1) == math.pi**2
    at = {"x": 3, "y": 2}
    pairs = (
        (f.grad(3, 2), grad("x^2*y", at)),
        (f.higher(3, 2), higher("x^2*y", at)),
        (f.explain(3, 2), explain("x^2*y", at)),
        (f.draw(3, 2), draw("x^2*y", at)),
        (f.limit(3, 2), limit("x^2*y", at)),
        (f.descend(3, 2, steps=2), descend("x^2*y", at, steps=2)),
        (f.plot(x=(-1, 1), y=2), plot("x^2*y", x=(-1, 1), y=2)),
        (f.check({"df/dx": 12}, 3, 2), check("x^2*y", {"df/dx": 12}, at)),
    )
    for ours, theirs in pairs:
        assert ours.to_json() == theirs.to_json()
    assert f.translate(3, 2, to="numpy") == translate("x^2*y", at, to="numpy")
    assert f.page(3, 2) == backprop_cli.page("x^2*y", at)
    g = parse("norm(A@x)")
    assert g.names == ("A", "x")
    assert g([[3, 0], [0, 4]], "[1, 1]") == 5.0


def test_many_points_are_those_of_single_ones() -> None:
    xs, ys = np.linspace(-1, 1, 6).reshape(2, 3), 3.0
    many = grad("log(x)*y", points={"x": xs, "y": ys})
    assert many.value.shape == many.gradient["x"].shape == (2, 3)
    for k, x in enumerate(xs.reshape(-1).tolist()):
        if x <= 0:
            assert "log(x) is defined where x > 0" in many.errors[k].message
            continue
        one = grad("log(x)*y", x=x, y=ys, methods="reverse")
        assert many.value.reshape(-1)[k] == pytest.approx(one.value, rel=1e-15)
        assert many["d/dy"].reshape(-1)[k] == pytest.approx(one.gradient["y"], rel=1e-15)
    assert np.isnan(many.value).sum() == len(many.errors) == 3
    assert many.to_dict()[0]["error"] == many.errors[0].message
    assert many.to_text("csv").splitlines()[0] == "x,y,value,d/dx,d/dy,error"
    several = grad("x^2", points={"x": [1, 2]}, methods=["symbolic", "reverse", "finite"])
    assert several.agree is True
    assert [*several.columns] == ["symbolic", "reverse", "finite"]
    assert several.gradient["x"].tolist() == [2.0, 4.0]
    assert grad("x*y", points={"x": range(40)}, y=1)["value"].tolist() == [*range(40)]
    assert backprop_cli.eval("x*y", points={"x": [1, 2]}, y=2).tolist() == [2.0, 4.0]
    with pytest.raises(BackpropError, match="log"):
        backprop_cli.eval("log(x)", points={"x": [1, -1]})


def test_many_points_of_arrays_are_those_of_single_ones() -> None:
    a, rows = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, -1.0], [0.0, 2.0], [0.0, 0.0]])
    many = grad("norm(A@x)*t", points={"x": rows, "t": [1, 2, 3]}, A=a, wrt=["x", "t"])
    assert (many.shape, len(many), many.gradient["x"].shape) == ((3,), 3, (3, 2))
    for k, (x, t) in enumerate(zip(rows[:2], (1, 2), strict=True)):
        one = grad("norm(A@x)*t", A=a, x=x, t=t, wrt=["x", "t"], methods="reverse")
        assert many.value[k] == one.value
        assert many.gradient["x"][k].tolist() == one.gradient["x"].tolist()
    assert "does not exist" in many.errors[2].message
    assert many.to_text("csv").splitlines()[0] == "x[0],x[1],t,value,d/dx[0],d/dx[1],d/dt,error"
    assert backprop_cli.eval("softmax(A@x)", points={"x": rows}, A=a).shape == (3, 2)
    several = grad("sum(x*w)", points={"x": [1, 2]}, w=[1, 2], methods=["symbolic", "reverse"])
    assert (several.agree, several.value.tolist()) == (True, [3.0, 6.0])
    # a Python function takes rows, a text without a sign of arrays every number
    squares = trace(lambda x: (x**2).sum())
    assert squares(points={"x": rows}).tolist() == [2.0, 4.0, 0.0]
    assert grad(lambda x: x**2, points={"x": [1, 2]}).gradient["x"].tolist() == [2.0, 4.0]
    assert grad("x^2", points={"x": rows}).value.tolist() == (rows**2).tolist()
    (warning,) = grad("(1-cos(x))/x^2", points={"x": [1e-9, 1]}).warnings
    assert warning == "cancellation: rounding may leave fewer than 3 digits in 1 of 2 points; number 0"


def test_rows_go_into_a_frame_and_what_is_missing_is_named(monkeypatch) -> None:
    class Frame:
        def __init__(self, rows, columns) -> None:
            self.rows, self.columns = rows, columns

    pandas = types.ModuleType("pandas")
    pandas.DataFrame = Frame
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    frame = grad("x^2", x=3).to_frame()
    assert frame.columns[:5] == ["id", "name", "kind", "operation", "value"]
    assert [row[4] for row in frame.rows] == [3.0, 9.0]
    assert grad("x^2", points={"x": [1, 2]}).to_frame().rows == [[1, 1, 2, None], [2, 4, 4, None]]
    with pytest.raises(UsageError, match="no rows"):
        explain("x^2", x=3).to_frame()
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match="pandas") as error:
        grad("x^2", x=3).to_frame()
    assert error.value.hint == "pip install 'backprop-cli[pandas]'"


def test_a_config_may_be_a_dictionary_with_arrays(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows, answers = np.linspace(-1, 1, 12).reshape(-1, 2), np.ones((6, 1))
    config = {"data": {"inputs": rows, "targets": answers}, "model": {"hidden": [np.int64(2)]}, "seed": 3}
    trained = train(config, "training.epochs=2")
    Path("same.json").write_text(json.dumps(config, default=lambda x: x.tolist()), "utf-8")
    assert trained.history == train("same.json", "training.epochs=2").history
    assert [row["epoch"] for row in trained.history] == [1, 2]
    assert trained.to_svg() == Path(trained.run.path("loss.svg")).read_text("utf-8")
    assert "<summary>losses</summary><svg" in trained._repr_html_()
    assert trace(config).to_json() == trace("same.json").to_json().replace("same", "run")
    for wrong, says in (
        ({"data": {"inputs": object()}}, "numbers, texts, lists, dictionaries and arrays"),
        ({"data": {"inputs": [math.nan]}}, "cannot be written down"),
        ({"modl": {}}, "did you mean model"),
    ):
        with pytest.raises(BackpropError, match=says):
            train(wrong)


def test_arrays_that_might_have_been_points_are_told() -> None:
    found = grad("x^2", x=[1, 2])
    assert found.gradient["x"].tolist() == [[2.0, 0.0], [0.0, 4.0]]
    assert found.notes == ("x: an array of the program; points={'x': x} has a slope at each point",)
    assert grad("softmax(x)", x=[1, 2]).notes == ()


DOORS: dict[str, tuple[tuple[object, ...], dict[str, object]]] = {
    "parse": ((PROGRAM,), {}),
    "eval": ((PROGRAM, AT), {}),
    "grad": ((PROGRAM, AT), {}),
    "higher": ((PROGRAM, AT), {}),
    "implicit": (("a^2 + b*c = 3", {"a": 1, "b": 1, "c": 2}), {"solve": ["c"]}),
    "tends": (("a*b/c", {"a": 1, "b": 1, "c": 0}), {"wrt": "c"}),
    "explain": ((PROGRAM, AT), {}),
    "draw": ((PROGRAM, AT), {}),
    "limit": ((PROGRAM, AT), {}),
    "descend": ((PROGRAM, AT), {"steps": 2}),
    "page": ((PROGRAM, AT), {}),
    "network_page": ((HAND,), {}),
    "plot": (("x^2*y", {"x": (-1, 2), "y": 2}), {}),
    "check": ((PROGRAM, {"d": 1}, AT), {}),
    "translate": ((PROGRAM, AT), {"to": "python"}),
    "train": ((HAND,), {}),
    "sweep": ((HAND,), {"over": {"seed": "1"}}),
    "runs": ((), {}),
    "trace": ((HAND,), {}),
    "article": ((TEXT,), {}),
    "exercise": (("chain",), {}),
    "gradcheck": ((PROGRAM, {"dL/da": -2}, AT), {}),
    "predict": ((MODEL, ROWS), {}),
    "sample": ((WRITER, 3), {}),
    "evaluate": ((MODEL, ROWS), {}),
}
"""A call of every door that is right."""

NEVER = (object(), b"x", 1j, {3: 1.0}, np.complex128(1j))
"""What no argument is."""

NONSENSE = (
    *(math.nan, math.inf, -1, 0, 1.5, 10**400, "", "nonsense", "a", "\ud800", "\0", True, None),
    *([], ["nonsense"], [object()], [math.nan], [-1], {}, {"a": math.nan}, {"a": "1"}),
    *(np.float64("nan"), np.array([1.0, 2.0]), np.array([3.0]), np.bool_(True), np.int64(3)),
)
"""What some are not."""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Work in a folder with a trained model and rows."""
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("doors"))
    train(HAND, "output.dir=hand", "training.epochs=1")
    Path(ROWS).write_text("x1,x2,x3,y1,y2\n1,0.5,1,0.5,1\n", "utf-8")
    Path(TEXT).write_text("2*3 = 6\n\n3*3 = 10\n", "utf-8")
    train(
        {
            "data": {"path": TEXT, "sequence": "characters", "length": 4},
            "model": {"program": "logits[t] = E[x[t]]", "parameters": {"E": ["vocabulary", "outputs"]}},
            "training": {"epochs": 1},
        },
        "output.dir=writer",
    )
    yield
    os.chdir(before)


def called(door: str, argument: str, given: object) -> object:
    """Call a door with one argument in place of the right one, or beside those that have to be."""
    function = getattr(backprop_cli, door)
    words, options = DOORS[door]
    parameter = inspect.signature(function).parameters[argument]
    if parameter.kind is parameter.KEYWORD_ONLY:
        return function(*words, **{**options, argument: given})
    if parameter.kind is parameter.VAR_KEYWORD:
        words = (*words[:-1], {})
        return function(*words, **{**options, "a": given, "b": 1, "c": 1})
    at = [*inspect.signature(function).parameters].index(argument)
    return function(*words[:at], given, *words[at + 1 :], **options)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("door", "argument"),
    [(name, a) for name in DOORS for a in inspect.signature(getattr(backprop_cli, name)).parameters],
)
def test_a_wrong_argument_is_refused_and_nothing_else_is_raised(home, door: str, argument: str) -> None:
    for never in NEVER:
        with pytest.raises(BackpropError) as error:
            called(door, argument, never)
        assert error.value.message
    for nonsense in NONSENSE:
        with suppress(BackpropError):
            called(door, argument, nonsense)


def test_every_door_is_tried() -> None:
    assert {*DOORS, *NO_DOORS} == {*backprop_cli.__all__}


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: explain("x^2", x=3, detail="ful"), "detail is one of short, normal, full, not 'ful'"),
        (lambda: explain("x^2", x=3, detail="ful"), "did you mean 'full'?"),
        (lambda: grad("x^2", x=3, methods="revers"), "did you mean 'reverse'?"),
        (lambda: grad("x^2", x=3, formulas="name"), "formulas is one of names, inputs"),
        (lambda: grad("x^2", x=3, scheme=2), "scheme is one of central, forward, backward, ridders, not 2"),
        (lambda: grad("x^2", x=3, step=0), "step is a positive number, not 0"),
        (lambda: grad("x^2", {"x": 3}, x=3), "x is given twice"),
        (lambda: grad("x^2", 3), "bindings is a dictionary by names, not 3"),
        (lambda: grad("x^2", x=1j), "the value of x is a number, not 1j"),
        (lambda: grad("x^2", x="three"), "a value is built from numbers alone; three is a name"),
        (lambda: grad("x^2", points={"x": ["a"]}), "the points of x are numbers, not ['a']"),
        (lambda: grad("x^2", points={"x": [1, math.inf]}), "x = inf at point 1 is not a finite number"),
        (lambda: grad("x*y", points={"x": [1, 2]}), "no value for y"),
        (lambda: grad("x@x", points={"x": [[1, 2]], "y": [1, 2]}), "different in number: x 1, y 2"),
        (lambda: grad("x*y", points={"x": [1, 2]}, x=1, y=2), "x has a value and points"),
        (lambda: grad("x*y", points={"x": [1, 2], "y": [1, 2, 3]}), "different shapes: x (2,), y (3,)"),
        (lambda: grad("x*y", points={"x": [1, 2], "y": [[1], [2]]}), "different shapes: x (2,), y (2, 1)"),
        (lambda: grad("x^2", points={"x": 3}), "one point goes by its values: x=3"),
        (lambda: grad("x^2", points={"x": []}), "there are no points"),
        (lambda: grad("x^2", points={"x": [1]}, of="f"), "of and formulas are for one point"),
        (lambda: grad("x^2", x=3)["v9"], "the report has no row v9"),
        (lambda: grad("x^2", points={"x": [1]})["y"], "columns: x, value, d/dx"),
        (lambda: parse("x*y")(1, 2, 3), "3 values are given, and the inputs are x, y"),
        (lambda: explain("x@x", x=[1, 2], limit=True), "limit is for single numbers"),
        (lambda: grad("x^2", x=math.nan), "x = nan is not a finite number"),
        (lambda: grad("x^2", x=3, wrt=[3]), "wrt is a text, not 3"),
        (lambda: grad(3), "program is a text, what parse returned, or a Python function, not 3"),
        (lambda: grad("x^2", x=3, large="no"), "large is True or False, not 'no'"),
        (lambda: higher("x^2", x=3, order=13), "order is a whole number, from 1 to 12, not 13"),
        (lambda: higher("x^2", x=3, direction={"x": 0}), "direction leads nowhere"),
        (lambda: limit("x^2", x=3, steps=[0]), "steps is a positive number, not 0"),
        (lambda: limit("x^2", x=3, steps=[]), "steps is empty"),
        (lambda: descend("x^2", x=3, steps=-1), "steps is a whole number, from 1 to 1,000,000, not -1"),
        (lambda: descend("x^2", x=3, optimizers="adm"), "did you mean adam?"),
        (lambda: descend("x^2", ranges={"x": []}), "the range of x is empty"),
        (lambda: draw("x^2", x=3, edges="symbols"), "did you mean 'symbol'?"),
        (lambda: draw("x^2", x=3, all=True, named=True), "one of them"),
        (lambda: plot("x^2", x=(1, 2, 3)), "the range of x is (1, 2, 3)"),
        (lambda: plot("x^2", x=(1, None)), "a range is (low, high)"),
        (lambda: check("x^2", {}), "no claims"),
        (lambda: translate("x^2", x=3, to="numpi"), "did you mean numpy?"),
        (lambda: trace(HAND, at_step=0), "at_step is a whole number, 1 or more, not 0"),
        (lambda: explain("hand.yaml", limit=True), "limit is for expressions, hand.yaml is a config"),
        (lambda: explain("x^2", x=3, overrides=["seed=1"]), "seed=1 is for the network of a config"),
    ],
)
def test_the_error_says_what_is_wrong_and_what_to_do(call, says: str) -> None:
    with pytest.raises(BackpropError) as error:
        call()
    assert says in str(error.value)


def test_a_bare_text_is_one_name_or_word() -> None:
    assert grad("a*b", a=2, b=3, methods="reverse", wrt="b").columns.keys() == {"reverse"}
    assert higher("x^2", x=2, methods="reverse").methods == ("taylor",)
    assert draw("ab*c", ab=1, c=2, path="ab").paths == {"ab": 1}
    assert len(descend("x^2", x=1, optimizers="adam", steps=2).runs) == 1


def test_numbers_of_numpy_are_numbers() -> None:
    assert grad("x^2", x=np.float32(0.5), step=np.float64(0.5)).gradient == {"x": 1.0}
    assert limit("x^2", x=np.int64(1), steps=np.array([0.5, 0.25])).limits[0].slope == 2.0
    assert explain("x^2", x=np.array(3.0), limit=np.bool_(True), round_each=np.int64(2)).limits


@pytest.mark.parametrize("format_", ["table", "json", "csv", "junit", "markdown"])
def test_answer_sheets_are_judged_as_by_the_command(home, run, format_: str, tmp_path) -> None:
    sheet, file = Path("class.csv"), tmp_path / "out"
    sheet.write_text("student,dL/da,d\nAda,-2,-6\nBo,3,-6\nCy,,oops(\n", "utf-8")
    options = ["--marks", "dL/da=2,d=1", "--credit", "named=0.5", "--reveal"]
    run("check", *WORDS, "--claims", "class.csv", *options, "--format", format_, "-o", str(file))
    more = {"marks": {"dL/da": 2, "d": 1}, "credit": {"named": 0.5}, "reveal": True}
    found = check(PROGRAM, sheet, AT, **more)
    assert found.to_text(format_) == file.read_text("utf-8")
    assert [person.student for person in found.people] == ["Ada", "Bo", "Cy"]
    assert check(PROGRAM, sheet, AT, student="Ada", **more).people == found.people[:1]
    assert found.status == 2
    with pytest.raises(UsageError, match="one person's"):
        found.to_text("gradescope")


def test_a_training_step_is_judged_as_by_the_command(run, tmp_path) -> None:
    file = tmp_path / "out.json"
    run("check", HAND, "--claim", "E=0.36", "--claim", "linear2[1].w[0]=1", "-o", str(file))
    found = check(HAND, {"E": 0.36, "linear2[1].w[0]": 1})
    assert found.to_json() == file.read_text("utf-8")


def test_a_gradient_and_an_article_are_checked_as_by_the_command(home, run) -> None:
    words = ["check", *WORDS, "--gradcheck", "--claim", "dL/da=3", "--format", "json"]
    found = gradcheck(PROGRAM, {"dL/da": 3}, AT)
    assert (found.to_json(), found.status) == (run(*words).out, 1)
    assert gradcheck(PROGRAM, None, AT).status == 0
    judged = article(Path(TEXT))
    assert judged.to_json() == run("check", "--text", TEXT, "--format", "json").out
    assert [line.wrong for line in judged.lines] == [False, True]


def test_names_that_were_taken_for_the_output_are_told() -> None:
    assert check("x^2", {"y": 8}, x=3).notes == ("y is taken for the value of x^2",)


@pytest.mark.parametrize("format_", ["table", "csv", "tsv", "json", "value"])
def test_predictions_are_those_of_the_command(home, run, format_: str, tmp_path) -> None:
    file = tmp_path / "out"
    assert run("predict", MODEL, ROWS, "--format", format_, "-o", str(file)).status == 0
    found = predict(MODEL, Path(ROWS))
    assert found.to_text(format_) == file.read_text("utf-8")
    assert "<table" in found._repr_html_()
    assert found.to_dict() == found.columns
    assert [*found.columns] == ["prediction_y1", "prediction_y2", "error"]
    assert found["error"] == [None]


def test_a_row_without_a_prediction_has_none_and_its_reason(home) -> None:
    Path("wrong.csv").write_text("x1,x2,x3\n1,0.5,1\n1,?,1\n", "utf-8")
    found = predict(MODEL, "wrong.csv")
    assert found["prediction_y1"][1] is None
    assert "'x2'" in found["error"][1]
    with pytest.raises(BackpropError, match="'x2'"):
        predict(MODEL, "wrong.csv", strict=True)


@pytest.mark.parametrize("format_", ["table", "csv", "json", "markdown"])
def test_an_evaluation_is_that_of_the_command(home, run, format_: str, tmp_path) -> None:
    file = tmp_path / "out"
    assert run("evaluate", MODEL, ROWS, "--format", format_, "-o", str(file)).status == 0
    assert evaluate(MODEL, ROWS).to_text(format_) == file.read_text("utf-8")
    with pytest.raises(UsageError, match="holds none back"):
        evaluate(MODEL)


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


CALLS: dict[str, Callable[[int], object]] = {
    "eval": lambda k: backprop_cli.eval("k*x^2", k=k, x=3),
    "grad": lambda k: grad("k*x^2 + sin(x)", k=k, x=3).to_json(),
    "higher": lambda k: higher("sin(x)*x^k", k=k, x=1.5, order=2 + k, wrt="x").to_json(),
    "explain": lambda k: explain("k*x^2", k=k, x=3, symbolic=True, limit=True).to_text("markdown"),
    "draw": lambda k: draw("k*x^2", k=k, x=3).to_svg(),
    "limit": lambda k: limit("k*x^2", k=k, x=3).to_svg(),
    "descend": lambda k: descend("(x-k)^2", k=k, x=0, wrt="x", optimizers="adam", steps=20).to_svg(),
    "plot": lambda k: plot("k*x^2 + 1/x", k=k, x=(-2, 2)).to_svg(),
    "check": lambda k: check("k*x^2", {"df/dx": "2*k*x"}, reveal=True).to_text("html"),
    "gradcheck": lambda k: gradcheck("k*x^3", None, k=k, x=3).to_json(),
    "translate": lambda k: translate("k*x^2", k=k, x=3, to="pytorch"),
    "trace": lambda k: trace(HAND, f"optimizer.learning_rate={k / 10}").to_text(),
    "train": lambda k: train(HAND, f"output.dir=run{k}-{time.monotonic_ns()}", "training.epochs=3").results,
    "predict": lambda k: predict(MODEL, ROWS).to_text(),
    "evaluate": lambda k: evaluate(MODEL, ROWS).to_text(),
}


def surroundings() -> tuple[object, ...]:
    """Return what a library leaves to its caller."""
    return (
        np.geterr(),
        [*warnings.filters],
        [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
        {**getattr(sys.modules.get("matplotlib"), "rcParams", {})},
        (mp.dps, gc.isenabled(), sys.getrecursionlimit(), os.getcwd(), {**os.environ}),
        (random.getstate(), np.random.get_state()[1].tolist()),
    )


@pytest.mark.filterwarnings("error")
def test_doors_answer_in_threads_say_nothing_and_leave_their_surroundings_alone(home, capfd) -> None:
    before, interval = surroundings(), sys.getswitchinterval()
    jobs = [(name, k) for name in CALLS for k in (1, 2, 3)]
    alone = [CALLS[name](k) for name, k in jobs]
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(6) as pool:
            together = list(pool.map(lambda job: CALLS[job[0]](job[1]), jobs * 2))
    finally:
        sys.setswitchinterval(interval)
    assert [job for job, a, b in zip(jobs * 2, alone * 2, together, strict=True) if a != b] == []
    assert surroundings() == before
    assert tuple(capfd.readouterr()) == ("", "")


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
