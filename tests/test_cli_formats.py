"""What goes in and out: bindings, points, ranges, every output format, streams, imports."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from math import cos, exp, log, pi, sin
from pathlib import Path

import pytest
from conftest import ROOT

from backprop_cli.render.registry import listed

EXAMPLE = "(a*b+c)*f"
AT = ("--a", "3", "--b", "-2", "--c", "8", "--f", "-2")
REVERSE = ("--method", "reverse", "--format", "json")
ESCAPE = "\x1b"


# --- the JSON report ---------------------------------------------------------------------------

TOP = {
    "schema": int,
    "expression": str,
    "output": str,
    "value": float,
    "inputs": dict,
    "gradient": dict,
    "methods": list,
    "agree": (bool, type(None)),
    "warnings": list,
    "nodes": list,
}
ROW = {
    "id": int,
    "name": str,
    "kind": str,
    "op": (str, type(None)),
    "inputs": list,
    "text": str,
    "span": list,
    "value": (float, type(None)),
    "formula": (str, type(None)),
    "gradient": (dict, type(None)),
    "difference": (float, type(None)),
    "verdict": (str, type(None)),
    "kink": (dict, type(None)),
}
KINDS = {"input", "constant", "step"}
VERDICTS = {"agree", "kink", "jump", "rounding", "noisy", "not-run", "disagree", None}


def hold_to_schema(report):
    assert list(report) == list(TOP)
    for key, kind in TOP.items():
        assert isinstance(report[key], kind), key
    assert report["schema"] == 1
    for number, row in enumerate(report["nodes"]):
        assert list(row) == list(ROW)
        for key, kind in ROW.items():
            assert isinstance(row[key], kind), (key, row)
        assert row["id"] == number  # creation order
        assert row["kind"] in KINDS
        assert row["verdict"] in VERDICTS
        assert all(isinstance(read, int) and read < number for read in row["inputs"])
        assert bool(row["inputs"]) == (row["kind"] == "step") or row["kind"] == "constant"
        assert (row["op"] is None) == (row["kind"] == "input") or row["kind"] == "constant"
        start, end = row["span"]
        assert 0 <= start < end <= len(report["expression"])
        if row["kind"] == "constant":
            assert not any((row["gradient"] or {}).values())
        else:
            assert list(row["gradient"]) == report["methods"]
    names = [row["name"] for row in report["nodes"] if row["kind"] != "constant"]
    assert len(set(names)) == len(names)
    assert report["output"] in names


def test_the_example_of_the_design(process):
    report = process("grad", EXAMPLE, *AT, "--format", "json").answered().json
    hold_to_schema(report)
    assert {key: value for key, value in report.items() if key != "nodes"} == {
        "schema": 1,
        "expression": EXAMPLE,
        "output": "y",
        "value": -4.0,
        "inputs": {"a": 3.0, "b": -2.0, "c": 8.0, "f": -2.0},
        "gradient": {"a": 4.0, "b": -6.0, "c": -2.0, "f": 2.0},
        "methods": ["symbolic", "reverse", "finite"],
        "agree": True,
        "warnings": [],
    }
    first = report["nodes"][0]
    difference = first.pop("difference")
    finite = first["gradient"].pop("finite")
    assert first == {
        "id": 0,
        "name": "a",
        "kind": "input",
        "op": None,
        "inputs": [],
        "text": "a",
        "span": [1, 2],
        "value": 3.0,
        "formula": "b*f",
        "gradient": {"symbolic": 4.0, "reverse": 4.0},
        "verdict": "agree",
        "kink": None,
    }
    assert finite == pytest.approx(4.0, rel=1e-8)
    assert difference == pytest.approx(abs(finite - 4.0), abs=1e-15)
    assert [(row["name"], row["value"]) for row in report["nodes"] if row["kind"] == "input"] == [
        ("a", 3.0),
        ("b", -2.0),
        ("c", 8.0),
        ("f", -2.0),
    ]
    assert [row["value"] for row in report["nodes"] if row["kind"] == "step"] == [-6.0, 2.0, -4.0]
    last = report["nodes"][6]
    assert (last["name"], last["gradient"]["reverse"], last["formula"]) == ("y", 1.0, "1")


@pytest.mark.parametrize(
    ("program", "at"),
    [
        ("2x^2 - 3x + 4", ["--x", "2"]),
        ("b = a^2; c = -7a; d = b*c", ["--a", "2"]),
        ("f(y, x) = x - 2y + pi", ["--x", "2", "--y", "3"]),
        ("where(x > 0, log(x), x)", ["--x", "-1"]),
        ("max(a, b, 3)*|a|", ["--a", "2", "--b", "1"]),
        ("# a program\na = 3\n\nL = (a +\n  1)^2\n", []),
    ],
)
def test_the_schema_holds_with_one_method(run, program, at):
    report = run("grad", program, *at, *REVERSE).answered().json
    hold_to_schema(report)
    assert report["methods"] == ["reverse"]
    assert report["agree"] is None
    assert report["expression"] == program or report["expression"] == program.strip()


def test_text_is_one_operation_over_names(run):
    rows = run("grad", "d = a*b; (d + c)*f", *AT, *REVERSE).answered().json["nodes"]
    text = {row["name"]: row["text"] for row in rows}
    assert text["d"] == "a*b"
    steps = [row for row in rows if row["kind"] == "step"]
    assert steps[1]["text"].replace(" ", "") == "d+c"
    assert steps[2]["text"].replace(" ", "") == f"{steps[1]['name']}*f"
    assert [steps[n]["name"] for n in (1, 2)] == [f"v{steps[1]['id']}", "y"]


def test_spans_of_leaves_count_from_0(run):
    text = "2x + sin(xy)*α"
    rows = run("grad", text, "--x", "1", "--xy", "2", "--α", "3", *REVERSE).answered().json["nodes"]
    spans = {row["name"]: row["span"] for row in rows if row["kind"] == "input"}
    assert spans == {"x": [1, 2], "xy": [9, 11], "α": [13, 14]}


@pytest.mark.parametrize("method", ["reverse", "forward", "complex-step", "finite"])
def test_the_top_gradient_is_the_method_that_ran(run, method):
    report = run("grad", "x^3", "--x", "2", "--method", method, "--format", "json").answered().json
    assert report["methods"] == [method]
    assert report["gradient"]["x"] == report["nodes"][0]["gradient"][method] == pytest.approx(12.0, rel=1e-8)


def test_methods_repeat_and_reverse_leads(run):
    report = run("grad", "x^3", "--x", "2", "--method", "finite", *REVERSE).answered().json
    assert sorted(report["methods"]) == ["finite", "reverse"]
    assert report["agree"] is True
    assert report["gradient"] == {"x": 12.0}


def test_wrt_narrows_and_orders(run):
    assert run("grad", EXAMPLE, *AT, "--wrt", "f,a", "--format", "value").answered().numbers == [2.0, 4.0]
    assert run("grad", EXAMPLE, *AT, "--wrt", "c", *REVERSE).answered().json["gradient"] == {"c": -2.0}
    assert list(run("grad", EXAMPLE, *AT, "--wrt", "f,a", *REVERSE).json["gradient"]) == ["f", "a"]


def test_values_come_in_the_order_of_first_use(run):
    assert run("grad", "z*2 + a*3", "--a", "1", "--z", "1", "--format", "value").answered().numbers == [
        2.0,
        3.0,
    ]


# --- numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "x", [0.1, 1 / 3, 1e-300, 5e-324, 123456789.123456789, 1e22, 2.0**53, -0.0, 1.7976931348623157e308]
)
@pytest.mark.parametrize("form", ["value", "json", "csv", "tsv"])
def test_numbers_read_back_to_the_same_float_in_the_shortest_text(run, x, form):
    out = run("eval", "x", "--x", repr(x), "--format", form).answered().out
    written = [word for word in re.split(r"[\s,:{}\[\]\"]+", out) if re.fullmatch(r"-?\d[\d.e+-]*", word)]
    same = [word for word in written if float(word) == x]
    assert same
    assert all(len(word) <= len(repr(x)) for word in same)


def test_tables_round_for_people(run):
    out = run("grad", "x/3", "--x", "1", "--method", "reverse", "--digits", "4").answered().out
    assert "0.3333" in out
    assert "0.33333" not in out


# --- bindings ----------------------------------------------------------------------------------

FORMS = {
    "options-after": ["a*b", "--a", "2", "--b", "3"],
    "options-before": ["--a", "2", "--b", "3", "a*b"],
    "both-sides": ["--a", "2", "a*b", "--b", "3"],
    "equals": ["--a=2", "a*b", "--b=3"],
    "words-after": ["a*b", "a=2", "b=3"],
    "mixed": ["--a", "2", "a*b", "b=3"],
    "expression-after-dashes": ["--a", "2", "--b", "3", "--", "a*b"],
    "words-after-dashes": ["--", "a*b", "a=2", "b=3"],
    "spaces-in-a-value": ["a*b", "--a", " 1 + 1 ", "--b", "3"],
}


@pytest.mark.parametrize("words", FORMS.values(), ids=FORMS)
def test_bindings_in_every_order(run, words):
    options = ["--method", "reverse", "--format", "value"]
    assert run("grad", *options, *words).answered().numbers == [3.0, 2.0]
    if "--" not in words:
        assert run("grad", *words, *options).answered().numbers == [3.0, 2.0]


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (["--a", "-2"], -2.0),
        (["--a", "-2e-3"], -0.002),
        (["--a", "-pi/2"], -pi / 2),
        (["--a=-pi/2"], -pi / 2),
        (["a=-pi/2"], -pi / 2),
        (["--a", "(1+2)^2"], 9.0),
        (["--a", "sqrt(16)"], 4.0),
        (["--a", ".5"], 0.5),
        (["--a", "2pi"], 2 * pi),
        (["--a", "−3"], -3.0),
        (["--a", "1/3"], 1 / 3),
        (["--a", "1e-320"], 1e-320),
    ],
)
def test_values_are_constant_expressions(run, words, value):
    assert run("eval", "a", *words, "--format", "value").answered().numbers == [value]


@pytest.mark.parametrize("words", [["-x^2", "--x", "3"], ["--x", "3", "-x^2"], ["--x", "3", "--", "-x^2"]])
def test_an_expression_may_start_with_a_minus(run, words):
    assert run("eval", "--format", "value", *words).answered().numbers == [-9.0]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["a*b", "--a", "2", "--b", "3", "--z", "1"], ["z", "a", "b"]),  # unknown
        (["a*b", "--a", "2"], ["b"]),  # missing
        (["a*b", "--a", "2", "--b", "3", "--a", "2"], ["a"]),  # twice
        (["a*b", "--a", "2", "--b", "3", "a=4"], ["a"]),
        (["a*b", "--a", "2", "--b"], ["b"]),  # no value
        (["a*b", "--a", "--b", "3"], ["a"]),  # another --word is no value
        (["a*b", "--a", "2", "--b", "c"], ["c"]),  # not constant
        (["a*b", "--a", "2", "--b", "nan"], ["b"]),
        (["a*b", "--a", "2", "--b", "inf"], ["b"]),
        (["a*b", "--a", "2", "--b", "-inf"], ["b"]),
        (["a*b", "--a", "2", "--b", "1e999"], ["b"]),
        (["a*b", "--a", "2", "--b", "1/0"], ["b"]),
        (["a*b", "--a", "2", "--b", "two"], ["b"]),
        (["a*b", "--a", "2", "--b", ""], ["b"]),
        (["a*b", "--a", "2", "--b", "3;4"], ["b"]),
        (["a*b", "--a", "2", "--b", "0x10"], []),
        (["a*b", "--a", "2", "--b", "1_000"], []),
        (["a*b", "--a", "2", "--b", "1,5"], []),
        (["a*b", "--a", "2", "--b", "3", "--form", "json"], ["form"]),  # no option is abbreviated
        (["a*b", "--a", "2", "--b", "3", "c"], []),  # a second expression
        (["a*b", "--a", "2", "--b", "3", "--wrt", "c"], ["c", "a", "b"]),
    ],
)
@pytest.mark.parametrize("command", ["eval", "grad"])
def test_wrong_bindings_are_refused_with_the_names(run, command, words, named):
    if command == "eval" and "--wrt" in words:
        pytest.skip("eval has no gradient to narrow")
    run(command, *words).refused(2, *named)


def test_eval_with_nothing_bound_lists_the_variables(run):
    run("eval", "alpha*beta_2").refused(2, "alpha", "beta_2")


def test_grad_with_nothing_bound_prints_the_formulas(process):
    assert "4*x - 3" in process("grad", "2x^2-3x+4").answered().out
    report = process("grad", EXAMPLE, "--format", "json").answered().json
    formulas = {row["name"]: row["formula"] for row in report["nodes"]}
    assert [formulas[name] for name in "abc"] == ["b*f", "a*f", "f"]


# --- tables, CSV, Markdown, LaTeX, files -------------------------------------------------------


def columns(text, delimiter):
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    assert len({len(row) for row in rows}) == 1
    assert len(set(rows[0])) == len(rows[0])
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


@pytest.mark.parametrize(("form", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_delimited_reports_have_a_row_for_every_node(run, form, delimiter):
    result = run(
        "grad", "d = max(a, b)*c; L = d + f", *AT, "--method", "reverse", "--format", form
    ).answered()
    rows = {row["name"]: row for row in columns(result.out, delimiter)}
    assert [name for name in rows if name in ("a", "b", "c", "d", "f", "L")] == ["a", "b", "c", "d", "f", "L"]
    assert "24.0" in rows["d"].values() or "24" in rows["d"].values()
    assert float(rows["a"]["value"]) == 3.0
    assert any(cell in ("8", "8.0") for cell in rows["a"].values())
    assert ESCAPE not in result.out


def test_markdown_is_one_table(run):
    out = (
        run("grad", "|a|*b", "--a", "2", "--b", "3", "--method", "reverse", "--format", "markdown")
        .answered()
        .out
    )
    table = [line for line in out.splitlines() if re.fullmatch(r"\|.*\|", line)]
    assert re.fullmatch(r"\|([ :]*-+[ :]*\|)+", table[1])
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table}) == 1  # every | of |a| is escaped
    assert len(table) >= 2 + 4


def test_latex_is_one_environment(run):
    program = "x_1*y + α^2"
    out = (
        run("grad", program, "--x_1", "2", "--y", "3", "--α", "1", "--method", "reverse", "--format", "latex")
        .answered()
        .out
    )
    begun, ended = (re.findall(rf"\\{word}{{(\w+\*?)}}", out) for word in ("begin", "end"))
    assert begun
    assert sorted(begun) == sorted(ended)
    assert out.count("{") == out.count("}")


@pytest.mark.parametrize(
    ("ending", "form"),
    [("json", "json"), ("csv", "csv"), ("tsv", "tsv"), ("md", "markdown"), ("tex", "latex")],
)
def test_o_writes_the_format_of_the_ending(run, tmp_path, ending, form):
    target = tmp_path / f"answer.{ending}"
    result = run("grad", EXAMPLE, *AT, "--method", "reverse", "-o", str(target)).answered()
    assert result.out == ""
    expected = run("grad", EXAMPLE, *AT, "--method", "reverse", "--format", form).answered().out
    assert target.read_bytes().decode().replace("\r\n", "\n") == expected


def test_o_where_nothing_can_be_written(run, tmp_path):
    run("grad", EXAMPLE, *AT, *REVERSE[:2], "-o", str(tmp_path / "none" / "answer.json")).refused(4)
    (tmp_path / "folder.json").mkdir()
    run("grad", EXAMPLE, *AT, *REVERSE[:2], "-o", str(tmp_path / "folder.json")).refused(4)


def test_a_refused_run_leaves_no_file_behind(run, tmp_path):
    target = tmp_path / "answer.json"
    run("grad", "log(x)", "--x", "-1", *REVERSE[:2], "-o", str(target)).refused(3)
    assert not target.exists() or target.read_text() == ""


def test_results_go_to_stdout_and_notes_to_stderr(run):
    result = run("eval", "e^2", "--format", "value").answered()
    assert result.numbers == [pytest.approx(exp(2))]
    assert "e" in result.err


def test_an_unused_step_is_a_warning(run):
    result = run("grad", "u = log(a - 10); L = a*b", "--a", "2", "--b", "3", *REVERSE).answered()
    report = result.json
    assert report["gradient"] == {"a": 3.0, "b": 2.0}
    assert any("u" in warning for warning in report["warnings"])
    plain = run("eval", "u = log(a - 10); L = a*b", "--a", "2", "--b", "3", "--format", "value").answered()
    assert plain.numbers == [6.0]
    assert "warning" in plain.err


# --- the table ---------------------------------------------------------------------------------


def test_the_default_table_shows_every_node_and_the_three_methods(process):
    result = process("grad", "d = a*b; e = d + c; L = e*f", *AT).answered()
    assert result.err == ""
    assert ESCAPE not in result.out  # no terminal, no colour
    for word in ("symbolic", "reverse", "finite", "a*b", "d + c", "e*f", "b*f", "7.74597"):
        assert word in result.out
    for name in ("a", "b", "c", "d", "e", "f", "L"):
        assert re.search(rf"(?m)^\W*{name}\b", result.out), name


@pytest.mark.parametrize("program", ["d = a*b; L = d + c", "√(α²+β²)"])
def test_ascii_when_the_encoding_needs_it(process, program):
    at = ("--a", "3", "--b", "2", "--c", "1") if "a*b" in program else ("--α", "3", "--β", "4")
    result = process(
        "grad", program, *at, "--method", "reverse", env={"PYTHONIOENCODING": "ascii"}
    ).answered()
    assert result.out.isascii()
    assert result.out.strip()


def test_ascii_errors(process):
    result = process("grad", "α + $", "--α", "3", env={"PYTHONIOENCODING": "ascii"}).refused(2)
    assert result.err.isascii()


@pytest.mark.parametrize("program", ["a*b + 2", "relu(a) - b"])
def test_constants_are_hidden_unless_all(run, program):
    def rows(*options):
        out = run("grad", program, "--a", "2", "--b", "3", "--method", "reverse", *options).answered().out
        return len(out.splitlines())

    assert rows("--all") - rows() == program.count("2")


def test_force_color_and_no_color(process):
    words = ("grad", EXAMPLE, *AT, "--method", "reverse")
    coloured = re.compile(r"\x1b\[[\d;]*m")
    assert coloured.search(process(*words, env={"FORCE_COLOR": "1", "TERM": "xterm-256color"}).answered().out)
    assert ESCAPE not in process(*words, env={"NO_COLOR": "1", "TERM": "xterm-256color"}).answered().out
    for form in ("json", "csv", "value"):
        assert ESCAPE not in process(*words, "--format", form, env={"FORCE_COLOR": "1"}).answered().out


def on_terminal(command, *words, **env):
    """Return what is written to a terminal of 80 columns."""
    if sys.platform == "win32":
        pytest.skip("needs a pseudo-terminal")
    import pty

    outer, inner = pty.openpty()
    started = command(*words, env={"TERM": "xterm-256color", "COLUMNS": "80"} | env)
    with subprocess.Popen(**started, stdin=subprocess.DEVNULL, stdout=inner, stderr=inner) as child:
        os.close(inner)
        seen = b""
        while True:
            try:
                part = os.read(outer, 65536)
            except OSError:  # the other end was closed: Linux says so with EIO
                break
            if not part:
                break
            seen += part
        assert child.wait(30) == 0
    os.close(outer)
    text = seen.decode()
    assert all(len(line) <= 80 for line in unstyled(text).splitlines())
    return text


def unstyled(text):
    return re.sub(r"\x1b\[[\d;]*m", "", text)


@pytest.mark.parametrize("no_color", [False, True])
def test_colour_on_a_terminal(command, no_color):
    env = {"NO_COLOR": "1"} if no_color else {}
    seen = on_terminal(command, "grad", EXAMPLE, *AT, "--method", "reverse", **env)
    assert bool(re.findall(r"\x1b\[[\d;]*?(?:3\d|9\d)(?:;[\d;]*)?m", seen)) != no_color


def test_notes_end_between_words_on_a_terminal(command, run):
    words = ("eval", "e*x", "--x", "2")
    note = run(*words).answered().err
    assert note.count("\n") == 1
    seen = unstyled(on_terminal(command, *words, COLUMNS="50")).splitlines()
    start = next(i for i, line in enumerate(seen) if line.startswith("note: "))
    said = seen[start : start + 2]
    assert max(map(len, said)) <= 50
    assert said[1].startswith("  ")
    assert " ".join(line.strip() for line in said) == note.strip()


def test_a_narrow_table_never_hides_that_methods_differ(command):
    """Reverse mode is wrong there, by cancellation: the number that stands is shown, below it all three."""
    lines = unstyled(on_terminal(command, "grad", "(1 - cos(x))/x^2", "--x", "1e-5")).splitlines()
    assert lines[2].split() == ["step", "operation", "value", "formula", "gradient"]
    assert lines[4].split()[-2:] == ["-8.33333e-7", "rounding"]
    below = lines[lines.index("where the methods differ:") + 1 :]
    assert below[0].split() == ["step", "symbolic", "reverse", "finite", "agree"]
    assert below[2].split()[:3] == ["x", "-8.33333e-7", "-0.0082757"]


def test_a_narrow_table_has_one_column_for_methods_that_agree(command):
    program = "activation = tanh(weight*input + bias); L = activation^2/input"
    values = [f"{name}=1.2345" for name in ("weight", "input", "bias")]
    lines = unstyled(on_terminal(command, "grad", program, *values)).splitlines()
    assert ["step", "operation", "value", "formula", "gradient"] in [line.split() for line in lines[:4]]


# --- programs from files -----------------------------------------------------------------------


def test_programs_from_files_and_stdin(run, tmp_path):
    program = "# two paths\nb = a^2\nc = -7a\nd = b*c\n"
    path = tmp_path / "paths.bp"
    path.write_text(program)
    for words, stdin in (
        (("--file", str(path)), None),
        (("--file", "-"), program),
        ((f"--file={path}",), None),
    ):
        result = run("grad", *words, "--a", "2", "--format", "value", stdin=stdin).answered()
        assert result.numbers == [-84.0]


def test_errors_in_a_file_name_it(run, tmp_path):
    path = tmp_path / "broken.bp"
    path.write_text("d = a*b\ne = d + $\n")
    result = run("grad", "--file", str(path), "--a", "2").refused(2, f"{path}:2:9")
    assert result.caret("e = d + $") == (8, 1)


# --- many points -------------------------------------------------------------------------------


def of(row, name):
    """A variable's value in one JSON line, in a column of its own or under `inputs`."""
    return (row.get("inputs") or row)[name]


def test_points_from_csv(run, tmp_path):
    path = tmp_path / "points.csv"
    path.write_text('id,x,y,note\n007,1,2,"a, b"\n008,3,4,\n')
    result = run("grad", "k*x*y", "--k", "10", "--points", str(path), "--format", "json").answered()
    rows = result.lines
    assert [(of(row, "x"), of(row, "y"), row["value"]) for row in rows] == [(1, 2, 20), (3, 4, 120)]
    assert [(row["gradient"]["x"], row["gradient"]["y"]) for row in rows] == [(20, 10), (40, 30)]
    table = columns(
        run("grad", "k*x*y", "--k", "10", "--points", str(path), "--format", "csv").answered().out, ","
    )
    assert [(row["id"], row["note"]) for row in table] == [
        ("007", "a, b"),
        ("008", ""),
    ]  # passed through as text
    assert [float(row["x"]) for row in table] == [1.0, 3.0]
    assert [float(row["value"]) for row in table] == [20.0, 120.0]


def test_points_from_other_files(run, tmp_path):
    import numpy as np

    (tmp_path / "p.tsv").write_text("y\tx\n2\t1\n4\t3\n")
    (tmp_path / "p.jsonl").write_text('{"x": 1, "y": 2}\n{"y": 4, "x": 3}\n')
    np.save(tmp_path / "p.npy", np.array([[1.0, 2.0], [3.0, 4.0]]))  # columns in order of first use
    np.save(tmp_path / "s.npy", np.array([(2.0, 1.0), (4.0, 3.0)], dtype=[("y", "f8"), ("x", "f8")]))
    for name in ("p.tsv", "p.jsonl", "p.npy", "s.npy"):
        result = run("eval", "x - 10y", "--points", str(tmp_path / name), "--format", "value").answered()
        assert result.numbers == [-19.0, -37.0], name


def test_points_from_stdin(run):
    result = run("eval", "x*y", "--points", "-", "--format", "value", stdin="x,y\n1,2\n3,4\n").answered()
    assert result.numbers == [2.0, 12.0]


@pytest.mark.parametrize(
    "text",
    [
        "x,y\r\n1,2\r\n3,4\r\n",
        "x,y\n1,2\n3,4",  # no newline at the end
        "\ufeffx,y\n1,2\n3,4\n",  # the mark Excel writes
        '"x","y"\n"1","2"\n"3","4"\n',
        " x , y \n 1 , 2 \n 3 , 4 \n",
        "x,y\n1e0,2\n+3,4.0\n",
    ],
    ids=["crlf", "no-final-newline", "byte-order-mark", "quoted", "spaces", "signs"],
)
def test_csv_as_other_programs_write_it(run, tmp_path, text):
    path = tmp_path / "points.csv"
    path.write_bytes(text.encode())
    assert run("eval", "x*y", "--points", str(path), "--format", "value").answered().numbers == [2.0, 12.0]


def test_a_point_without_an_answer_gets_its_reason(run, tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("x\n1\n-1\n4\n")
    result = run("grad", "log(x)", "--points", str(path), "--format", "json")
    assert result.status == 3
    good, bad, last = result.lines
    assert (good["value"], good["gradient"]["x"], last["value"]) == (0.0, 1.0, log(4))
    assert (bad["value"], bad["gradient"]["x"]) == (None, None)
    assert "log" in bad["error"]
    assert not good.get("error")
    result = run("grad", "log(x)", "--points", str(path), "--format", "csv")
    assert result.status == 3
    rows = columns(result.out, ",")
    assert [bool(row["error"]) for row in rows] == [False, True, False]
    assert [row["value"] == "" for row in rows] == [False, True, False]
    assert [row["x"] for row in rows if row["error"]] in (["-1"], ["-1.0"])
    assert "Traceback" not in result.err


def test_strict_stops_at_the_first(run, tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("x\n1\n-1\n4\n-4\n")
    result = run("grad", "log(x)", "--points", str(path), "--strict", "--format", "value")
    assert result.status == 3
    assert len(result.out.splitlines()) <= 1
    assert result.err.count("backprop: error: ") == 1


def test_slopes_of_points_fail_alone(run, tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("x\n0\n4\n")
    result = run("grad", "sqrt(x)", "--points", str(path), "--format", "json")
    assert result.status == 3
    assert [row["error"] is None if "error" in row else True for row in result.lines] == [False, True]
    assert run("eval", "sqrt(x)", "--points", str(path), "--format", "value").answered().numbers == [0.0, 2.0]


def test_points_and_single_runs_agree(run, tmp_path):
    path = tmp_path / "points.csv"
    points = [(0.5, -1.25), (2.0, 3.0), (-1.5, 0.125), (1e-9, 40.0)]
    path.write_text("x,y\n" + "".join(f"{x!r},{y!r}\n" for x, y in points))
    program = "sin(x*y)+exp(-x^2)*log(1+y^2)"
    rows = run("grad", program, "--points", str(path), "--format", "json").answered().lines
    for (x, y), row in zip(points, rows, strict=True):
        alone = run("grad", program, "--x", repr(x), "--y", repr(y), *REVERSE).answered().json
        assert row["value"] == pytest.approx(alone["value"], rel=1e-14)
        for name in "xy":
            assert row["gradient"][name] == pytest.approx(alone["gradient"][name], rel=1e-13)


def test_many_methods_at_many_points(run):
    words = ("--x", "1:2:0.5", "--method", "reverse", "--method", "finite", "--format", "json")
    assert len(run("grad", "x^3", *words).answered().lines) == 3


# --- ranges ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count", "last"),
    [
        ("-3:4:0.2", 36, 4.0),  # the grid meets the stop
        ("0:1:0.1", 11, 1.0),
        ("0:1:0.3", 4, 0.9),  # it does not
        ("1:3:1", 3, 3.0),
        ("1:0:-0.25", 5, 0.0),
        ("0:pi:pi/4", 5, pi),
        ("2:2:1", 1, 2.0),
    ],
)
def test_ranges(run, text, count, last):
    numbers = run("eval", "x", "--x", text, "--format", "value").answered().numbers
    assert len(numbers) == count
    assert numbers[-1] == pytest.approx(last, abs=1e-12)
    assert run("eval", "x", f"x={text}", "--format", "value").answered().numbers == numbers


def test_a_range_does_not_add_up_its_rounding(run):
    numbers = run("eval", "x", "--x", "0:1000:0.1", "--format", "value").answered().numbers
    assert numbers == pytest.approx([n / 10 for n in range(10001)], rel=1e-15)


def test_two_ranges_make_a_grid(run):
    rows = (
        run("grad", "k*x*y", "--x", "1:3:1", "--y", "0:1:1", "--k", "2", "--format", "json").answered().lines
    )
    assert sorted((of(row, "x"), of(row, "y")) for row in rows) == [(x, y) for x in (1, 2, 3) for y in (0, 1)]
    assert all(row["value"] == 2 * of(row, "x") * of(row, "y") for row in rows)


@pytest.mark.parametrize("text", ["0:1:0", "0:1", "0:1:2:3", ":::", "0:1:x", "0:inf:1", "0:1:1e-300", "1:2:"])
def test_wrong_ranges(run, text):
    run("eval", "x", "--x", text, "--format", "value").refused(2)


# --- ops, help, completion, start-up -----------------------------------------------------------

PRIMITIVES = [
    *(
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "atan2",
        "sinh",
        "cosh",
        "tanh",
        "asinh",
        "acosh",
        "atanh",
    ),
    *("exp", "expm1", "log", "ln", "log1p", "log2", "log10", "sqrt", "cbrt", "abs", "sign", "floor", "ceil"),
    *(
        "min",
        "max",
        "hypot",
        "relu",
        "leaky_relu",
        "elu",
        "gelu",
        "silu",
        "softplus",
        "sigmoid",
        "erf",
        "erfc",
    ),
    *("gamma", "lgamma", "digamma", "polygamma", "where"),
]


def test_ops_lists_every_primitive(run):
    out = run("ops").answered().out
    for name in PRIMITIVES:
        assert re.search(rf"\b{name}\b", out), name
    titles = {row.group for row in listed()}
    assert "" not in titles
    assert all(out.count(f"\n\n{title}\n") + out.startswith(f"{title}\n") == 1 for title in titles)
    assert "\ny is the value itself" in out
    assert max(map(len, out.splitlines())) < 180
    names = json.dumps(run("ops", "--format", "json").answered().json)
    assert all(f'"{name}"' in names for name in PRIMITIVES if name != "ln")


@pytest.mark.parametrize("topic", ["expressions", "points", "formats", "exit-codes"])
def test_help_topics(run, topic):
    assert len(run("help", topic).answered().out.splitlines()) > 5
    assert topic in run("help").answered().out


def test_help_of_an_unknown_topic(run):
    run("help", "expresions").refused(2, "expressions")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(run, shell):
    out = run("completion", shell).answered().out
    assert "backprop" in out
    if shutil.which(shell):
        checked = subprocess.run(
            [shell, "-n"], input=out, text=True, capture_output=True, timeout=30, check=False
        )
        assert (checked.returncode, checked.stderr) == (0, "")


def test_completion_of_an_unknown_shell(run):
    run("completion", "tcl").refused(2)


@pytest.mark.parametrize("cword", [None, "", "0", "1", "2", "99", "-3", "x", "1.5"])
@pytest.mark.parametrize("words", [None, "", "  ", "backprop", "backprop grad 'x", "backprop nosuch x", "'"])
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_while_completing_nothing_is_ever_said(run, shell, words, cword):
    given = {"COMP_WORDS": words, "COMP_CWORD": cword}
    env = {name: text for name, text in given.items() if text is not None}
    done = run(env=env | {"_BACKPROP_COMPLETE": f"{shell}_complete"})
    assert (done.status, done.err) == (0, "")


@pytest.mark.parametrize("instruction", ["complete", "bash", "bash_", "tcl_complete", "bash_nothing"])
def test_of_an_unknown_instruction_nothing_is_said(run, instruction):
    assert (
        run(env={"_BACKPROP_COMPLETE": instruction, "COMP_WORDS": "", "COMP_CWORD": "0"}).answered().err == ""
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full device here")
def test_completing_into_a_full_disk(process):
    env = {"_BACKPROP_COMPLETE": "bash_complete", "COMP_WORDS": "backprop g", "COMP_CWORD": "1"}
    with open("/dev/full", "wb") as full:
        done = process(env=env, stdout=full)
    assert (done.status, done.err) == (0, "")


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["-h"],
        ["--version"],
        ["grad", "--help"],
        ["grad", "-h"],
        ["eval", "--help"],
        ["ops", "--help"],
    ],
    ids=" ".join,
)
def test_help_and_version(run, words):
    result = run(*words).answered()
    assert result.out.strip()
    assert result.err == ""


def test_no_long_option_has_one_letter(run):
    for name in ("grad", "eval"):
        declared = re.findall(r"(?m)^  +(-.*?)(?:  |$)", run(name, "--help").answered().out)
        options = re.findall(r"(?<![\w-])-(-?)(\w[\w-]*)", " ".join(declared))
        assert {"format", "file", "h", "o", "q"} <= {option for _, option in options}
        assert all(len(option) > 1 if long else option in "hoq" for long, option in options)


ROOMS = {f"backprop_cli.{room}" for room in ("curves", "explanation", "layout", "networks", "training")}
"""What a table needs nothing of."""


@pytest.mark.parametrize(
    ("words", "absent"),
    [
        (["--help"], {"numpy", "sympy", "rich", "mpmath", "yaml"}),
        (["--version"], {"numpy", "sympy", "rich", "mpmath", "yaml"}),
        (["grad", "--help"], {"numpy", "sympy", "rich", "mpmath"}),
        (["grad", EXAMPLE, *AT, *REVERSE], {"numpy", "sympy", "rich", "mpmath", *ROOMS}),
        (["grad", EXAMPLE, *AT, "--format", "value"], {"numpy", "sympy", "rich", "mpmath"}),
        (["eval", EXAMPLE, *AT, "--format", "value"], {"numpy", "sympy", "rich", "mpmath"}),
        (["grad", EXAMPLE, *AT], {"sympy", "rich", *ROOMS}),  # SymPy works in the child process
        (["eval", EXAMPLE, *AT], {"numpy", "sympy", "rich", "mpmath", *ROOMS}),
        (["explain", EXAMPLE, *AT], {"numpy", "sympy", "rich", "mpmath"}),
        (["graph", EXAMPLE, *AT], {"numpy", "sympy", "rich", "mpmath"}),
        (["train", str(ROOT / "sample_inputs" / "xor.yaml"), "-q"], {"sympy", "rich", "mpmath"}),
        (["grad", "a*b", "--points", "points.csv"], {"sympy", "rich", "mpmath"}),
        (["grad", "a*b", "--points", "points.csv", "--format", "csv"], {"sympy", "rich", "mpmath"}),
    ],
    ids=lambda part: " ".join(part[:1] + part[-1:]) if isinstance(part, list) else "",
)
def test_what_is_not_imported(command, words, absent, tmp_path):
    (tmp_path / "points.csv").write_text("a,b\n1,2\n")
    script = (
        "import sys\nfrom backprop_cli.cli.main import main\nstatus = main(sys.argv[1:])\n"
        "print(*{'.'.join(name.split('.')[:n]) for name in sys.modules for n in (1, 2)}, file=sys.stderr)\n"
        "sys.exit(status)"
    )
    settings = command() | {"args": [sys.executable, "-c", script, *words], "cwd": tmp_path}
    done = subprocess.run(**settings, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert not absent & set(done.stderr.split())


DECOYS = (
    "sympy mpmath signal backprop_cli numpy json gmpy2 marshal threading matplotlib PIL rich click csv ruamel"
).split()
PROVED = ("x=2x*sin(x)+x^2*cos(x)",)


@pytest.fixture
def decoys(tmp_path):
    """A folder of files that are called as libraries and leave a mark when they are imported."""
    for name in DECOYS:
        (tmp_path / f"{name}.py").write_text(f"open('pwned', 'a').write({name!r})\nraise ImportError\n")
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ["eval", "x^2*sin(x)", "--x", "2"],
        ["grad", "x^2*sin(x)"],
        ["grad", "x^2*sin(x)", "--x", "2"],
        ["grad", "x^2*sin(x)", "--x", "2", "--order", "2", "--format", "json"],
        ["explain", "x^2*sin(x)", "--x", "2"],
        ["limit", "x^2*sin(x)", "--x", "2"],
        ["plot", "x^2*sin(x)", "--x", "0:2", "--format", "json"],
        ["descend", "x^2*sin(x)", "--x", "2", "--steps", "3"],
        ["explain", "x^2*sin(x)", "--x", "2", "--symbolic", "--limit"],
        ["config", "init"],
        ["ops"],
        ["help", "points"],
        ["graph", "x^2*sin(x)", "--x", "2"],
        ["export", "x^2*sin(x)", "--x", "2", "--to", "sympy"],
        ["check", "x^2*sin(x)", "--claim", *PROVED],
        ["check", "x^2*sin(x)", "--x", "2", "--claim", *PROVED, "--format", "json"],
        ["check", "x^2*sin(x)", "--x", "2", "--claim", "x=1", "--reveal"],
        ["check", "x^2*sin(x)", "--x", "2", "--gradcheck"],
    ],
    ids=" ".join,
)
def test_nothing_of_the_current_folder_is_imported(decoys, run, words):
    script = Path(sys.executable).with_name("backprop")
    program = [str(script)] if script.exists() else [sys.executable, "-P", "-m", "backprop_cli"]
    here = subprocess.run([*program, *words], cwd=decoys, capture_output=True, text=True, check=False)
    there = run(*words)
    assert not (decoys / "pwned").exists()
    assert (here.returncode, here.stdout, here.stderr) == (there.status, there.out, there.err)
    assert here.returncode in (0, 1)
    assert "failed" not in here.stdout + here.stderr
    if words[-1] in PROVED:
        assert "proved" in here.stdout


def test_run_as_a_module_nothing_of_the_current_folder_is_imported(decoys):
    (decoys / "backprop_cli.py").unlink()  # that one Python finds before it reads a line of ours
    words = [sys.executable, "-m", "backprop_cli", "check", "x^2*sin(x)", "--claim", *PROVED]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=decoys, env=environment, capture_output=True, text=True, check=False)
    assert not (decoys / "pwned").exists()
    assert (done.returncode, done.stderr) == (0, "")


def test_no_door_imports_anything_of_the_current_folder(decoys, tmp_path_factory):
    script = tmp_path_factory.mktemp("home") / "script.py"
    script.write_text(
        "import backprop_cli as b\n"
        "b.grad('x^2*sin(x)'), b.higher('x^3', x=1), b.explain('x^2', x=1, symbolic=True, limit=True)\n"
        "b.limit('x^2', x=1, symbolic=True).to_svg(), b.descend('x^2', x=1, steps=3).to_svg()\n"
        "b.plot('x^2', x=(0, 1)).to_svg(), b.draw('x^2', x=1).to_svg(), b.translate('x^2', x=1, to='sympy')\n"
        "b.check('x^2*sin(x)', {'x': '2x*sin(x)+x^2*cos(x)'}), b.eval('x', x=1)\n"
        "b.gradcheck('x^2', None, x=1)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, str(script)]
    done = subprocess.run(words, cwd=decoys, env=environment, capture_output=True, text=True, check=False)
    assert not (decoys / "pwned").exists()
    assert (done.returncode, done.stderr) == (0, "")


def test_the_package_is_found_where_only_the_parent_looks(decoys, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / "elsewhere").symlink_to(ROOT / "backprop_cli", target_is_directory=True)
    (home / "script.py").write_text(
        "from elsewhere import grad\nfrom elsewhere.checking.answers import Target, read_answer\n"
        "from elsewhere.checking.proof import Prover\n"
        "from elsewhere.differentiation.symbolic.session import SESSION\n"
        "from elsewhere.language.lower import lower\nfrom elsewhere.language.parser import parse\n"
        "report = grad('x^2*sin(x)', x=2)\nprint(report.columns['symbolic'][0], report.formulas[0])\n"
        "graph = lower(parse('x^2'))\ntarget = Target('x', graph.output, (graph.inputs['x'],))\n"
        "print(Prover(graph, SESSION)(target, read_answer('x+x', graph)))\n"
    )
    done = subprocess.run(
        [sys.executable, str(home / "script.py")], cwd=decoys, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == [f"{4 * sin(2) + 4 * cos(2)!r} x*(x*cos(x) + 2*sin(x))", "True"], (
        done.stderr
    )
    assert not (decoys / "pwned").exists()


def test_a_row_without_an_answer_leaves_the_symbolic_rows_in_step(run, tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("x\n0\n4\n9\n")
    result = run(
        "grad",
        "sqrt(x)",
        "--points",
        str(path),
        "--method",
        "symbolic",
        "--method",
        "reverse",
        "--format",
        "csv",
    )
    rows = columns(result.out, ",")
    assert [row["d/dx symbolic"] for row in rows] == ["", "0.25", repr(1 / 6)]
