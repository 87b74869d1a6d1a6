"""Many points of programs with arrays: columns that are numbers of arrays, .npy files, ranges."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_arrays import settled

import backprop_cli
from backprop_cli.differentiation.array_points import ByArrays
from backprop_cli.differentiation.arrays import array_values, differentiate_arrays
from backprop_cli.tables.block import Block
from backprop_cli.tables.parts import Array, column_name

A = [[1, 2, 0.5], [3, -4, 1], [5, 0.25, 6]]
ULPS = 4.0


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("norm(A@x - b)^2", {"A": A, "b": [1, 0, 2]}),
        ("cross_entropy(A@x, b)", {"A": A, "b": [0, 1, 0]}),
        ("x'@inv(A)@x", {"A": A}),
    ],
)
def test_rows_have_the_numbers_of_single_runs(text: str, fixed: dict[str, Any]) -> None:
    rows = np.random.default_rng(0).normal(size=(1000, 3))
    program, given = settled(text, **fixed, x=[0, 0, 0])
    del given["x"]
    columns = tuple(column_name("x", (k,)) for k in range(3))
    x = {"x": Array((3,), columns)}
    block = Block({c: rows[:, k].copy() for k, c in enumerate(columns)}, len(rows))
    slopes = ByArrays(program, x, given, ["x"])(block).columns
    values = ByArrays(program, x, given)(block).columns["value"]
    for k, row in enumerate(rows):
        value = float(array_values(program, {**given, "x": row}).value)
        assert abs(values[k] - value) <= ULPS * np.spacing(abs(value))
        if k % 10 == 0:  # the slower one
            report = differentiate_arrays(
                program, {**given, "x": row}, methods=("reverse",), wrt=["x"], formulas=False
            )
            right = [float(report.value), *report.standing(program.graph.inputs["x"]).tolist()]
            found = [slopes[name][k] for name in ("value", "d/dx[0]", "d/dx[1]", "d/dx[2]")]
            assert np.all(np.abs(np.subtract(found, right)) <= ULPS * np.spacing(np.abs(right)))


TABLE = 'id,x[0],"A[0,0]","A[1,0]",x[1],"A[0, 1]","A[1,1]"\na,1,1,3,-1,2,4\nb,2,0,1,0.5,1,0\nc,0,1,1,0,1,1\n'


@pytest.fixture
def table(tmp_path: Path) -> str:
    (tmp_path / "points.csv").write_text(TABLE)
    return str(tmp_path / "points.csv")


def test_columns_are_numbers_of_arrays(run: Any, table: str) -> None:
    lines = run("eval", "A@x", "--points", table, "--format", "csv").out.splitlines()
    assert lines[0].endswith(',"A[1,1]",value[0],value[1],error')
    assert [line.split(",")[-3:] for line in lines[1:]] == [
        ["-1.0", "-1.0", ""], ["0.5", "2.0", ""], ["0.0", "0.0", ""],
    ]  # fmt: skip
    values = run("eval", "A@x", "--points", table, "--format", "value").out.split()
    assert values == ["-1.0", "-1.0", "0.5", "2.0", "0.0", "0.0"]


def test_json_lines_have_lists(run: Any, table: str) -> None:
    result = run("grad", "norm(A@x - b)^2", "--b", "[1,2]", "--points", table, "--format", "json")
    first = json.loads(result.out.splitlines()[0])
    assert first["inputs"] == {"x": [1.0, -1.0], "A": [[1.0, 2.0], [3.0, 4.0]]}
    single = backprop_cli.grad(
        "norm(A@x - b)^2", A=[[1, 2], [3, 4]], x=[1, -1], b=[1, 2], methods=["reverse"]
    )
    assert first["gradient"] == {name: g.tolist() for name, g in single.gradient.items()}
    assert first["value"] == float(single.value)
    assert first["id"] == "a"


def test_all_methods_over_points(run: Any, table: str) -> None:
    methods = ("--method", "symbolic", "--method", "reverse")
    result = run("grad", "det(A)", "--points", table, *methods, "--format", "csv")
    header, *lines = result.out.splitlines()
    assert '"d/dA[1,0] symbolic"' in header
    assert header.endswith("agree,error")
    assert [line.split(",")[-2] for line in lines] == ["true"] * 3


def test_a_row_without_an_answer(run: Any, table: str) -> None:
    result = run("eval", "inv(A)@x", "--points", table)
    assert result.status == 3
    assert "inv(A) has no value: A is singular (row 2 = 1 * row 1)" in result.out
    result = run("grad", "norm(x)", "--points", table, "--strict")
    assert (result.status, result.out) == (3, "")
    assert "points.csv:4:1: the slope of norm(x) in x[0] does not exist" in result.err


def test_files_of_numpy(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(1)
    x, a, c = draw.normal(size=(50, 2)), draw.normal(size=(50, 3, 2)), draw.normal(size=50)
    for name, array in (("x", x), ("a", a), ("c", c)):
        np.save(f"{name}.npy", array)
    lines = run("eval", "c*(A@x)", "--points", "x=x.npy,A=a.npy,c=c.npy", "--format", "value").out.split()
    right = c[:, None] * np.einsum("rij,rj->ri", a, x)
    assert np.allclose(np.array(lines, float).reshape(50, 3), right, rtol=1e-14)
    alone = run("grad", "x'@x", "--points", "x.npy", "--format", "csv").out.splitlines()
    assert alone[0] == "x[0],x[1],value,d/dx[0],d/dx[1],error"
    assert float(alone[1].split(",")[3]) == 2.0 * x[0, 0]


def test_ranges_of_single_numbers(run: Any) -> None:
    words = ("--c", "1:3:1", "--x", "[1,2]", "--wrt", "c,x", "--format", "csv")
    lines = run("grad", "x'@x*c", *words).out.splitlines()
    assert lines == [
        "c,value,d/dc,d/dx[0],d/dx[1],error", "1.0,5.0,5.0,2.0,4.0,", "2.0,10.0,5.0,4.0,8.0,",
        "3.0,15.0,5.0,6.0,12.0,",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "words", "message"),
    [
        ("x[0],x[2]\n1,2\n", ("norm(x)",), "t.csv: no column for x[1]; the last of x is x[2]"),
        ("x[0],x[1]\n1,zwei\n", ("norm(x)",), "t.csv:2:3: column 'x[1]': 'zwei' is not a number"),
        ("x[0],x[1]\n1\n", ("norm(x)",), "t.csv:2:1: the row has 1 field, the header has 2"),
        ("x,x[1]\n1,2\n", ("norm(x)",), "t.csv: x is read in two ways: the columns are x, x[1]"),
        ("x[0],x[1]\n1,2\n", ("A@x",), "no value for A"),
        ("x[0],x[1]\n1,2\n", ("norm(x)*c",), "no column for the variable 'c'; the columns are x[0], x[1]"),
        ("x[0],x[1]\n1,2\n", ("x'@y",), "no value for y"),
        ("x[0],x[1]\n1,2\n", ("norm(x)", "--x", "[1,2]"), "x has a value on the command line and a column"),
        ("x[0],x[1]\n1,2\n", ("norm(A@x)", "--A", "[[1,2,3]]"), "3 columns meet 2 rows"),
        ("x[0],x[1]\n1,2\n", ("2*x'", ), "a gradient is that of a number"),
        ("x[0],x[1]\n1,2\n", ("exp(x",), "the bracket of 'exp(' is not closed"),
        ("x[0],x[1]\n1,2\n", ("norm(x)", "--order", "2"), "--order is for one point, not for many"),
        ("x\n1\n", ("norm(x)",), "hint: in a table an array has a column a number: x[0], x[1]"),
    ],
)  # fmt: skip
def test_bad_tables(
    run: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    table: str,
    words: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text(table)
    result = run("grad", *words, "--points", "t.csv")
    assert result.status == 2
    assert message in result.err


def test_bad_files(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.ones((5, 2)))
    np.save("nan.npy", np.array([[1.0, 2.0], [np.nan, 3.0]]))
    np.save("text.npy", np.array(["a", "b"]))
    np.save("short.npy", np.ones((4, 2, 2)))
    Path("cut.npy").write_bytes(Path("x.npy").read_bytes()[:-8])
    for points, message in (
        ("nan.npy", "nan.npy: row 2, x[0]: nan is not finite"),
        ("text.npy", "text.npy: an array of <U1, not of real numbers"),
        ("none.npy", "cannot read none.npy"),
        ("cut.npy", "cut.npy: the .npy file is damaged or cut short"),
        ("x=x.npy,x=x.npy", "--points: x is there twice"),
    ):
        result = run("grad", "norm(x)", "--points", points)
        assert result.status in (2, 4), points
        assert message in result.err
    result = run("grad", "x'@A@x", "--points", "x=x.npy,A=short.npy")
    assert "the files have different numbers of rows: 5 of x.npy, 4 of short.npy" in result.err
    result = run("grad", "x'@A@x", "--points", "x.npy")
    assert "hint: --points x=x.npy,A=A.npy" in result.err


def test_results_have_so_many_columns(run: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((3, 4)))
    np.save(tmp_path / "w.npy", np.ones((3000, 4)))
    words = ("sum(W@x)", "--W", str(tmp_path / "w.npy"), "--points", str(tmp_path / "x.npy"))
    result = run("grad", *words)
    assert result.status == 2
    assert "--wrt NAMES asks for some inputs alone" in result.err
    assert run("grad", *words, "--wrt", "x").status == 0


@pytest.mark.parametrize(
    "text",
    [
        "k*norm(x)^2",
        "norm(x)",
        "k*norm(x)^3",
        "sum(abs(x).^1.5)",
        "max(x)*norm(x)^2",
        "sum(x./k)",
        "k*sum(sqrt(x.^2).^2)",
    ],
)
def test_no_cell_is_empty_without_a_reason(run: Any, tmp_path: Path, text: str) -> None:
    """Where 0 meets an infinite slope, a row has what a run of its own has: the limit."""
    points = [(0.0, 0.0, 1.0), (0.0, -3.0, 2.0), (2.0, 2.0, 0.0), (1e200, 1e200, 1.0), (-1.0, 0.5, 2.0)]
    table = tmp_path / "p.csv"
    table.write_text('"x[0]","x[1]",k\n' + "".join(f"{a},{b},{k}\n" for a, b, k in points))
    rows = run("grad", text, "--points", table, "--wrt", "x", "--format", "json").out.splitlines()
    for (a, b, k), line in zip(points, rows, strict=True):
        row = json.loads(line)
        bind = ["--k", str(k)] if "k" in text else []
        alone = run("grad", text, "--x", f"[{a},{b}]", *bind, "--wrt", "x", "--format", "value")
        if row["error"]:
            assert alone.out == ""
        else:
            assert row["gradient"]["x"] == pytest.approx(alone.numbers, rel=1e-15)
