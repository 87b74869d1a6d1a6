"""Bad input, kinks and edges: the designed status, one line, nothing on stdout, no traceback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from fractions import Fraction
from math import isclose

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_cli import grad
from backprop_cli.errors import BackpropError

REVERSE = ("--method", "reverse", "--format", "json")
VALUE = ("--format", "value")
MEMORY = 512 * 2**20
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's devices and signals")


def bind(**values):
    return [word for name, value in values.items() for word in (f"--{name}", str(value))]


# --- kinks: one convention, a literal table ----------------------------------------------------

KINKS = [
    # program, point, value, gradient in the order of first use
    ("abs(x)", {"x": 0}, 0.0, [0.0]),  # abs'(0) = 0
    ("|x|", {"x": 0}, 0.0, [0.0]),
    ("|x - 2|*3", {"x": 2}, 0.0, [0.0]),
    ("relu(x)", {"x": 0}, 0.0, [0.0]),  # relu'(0) = 0, not a half
    ("max(x, y)", {"x": 2, "y": 2}, 2.0, [0.5, 0.5]),  # ties share equally
    ("min(x, y)", {"x": 2, "y": 2}, 2.0, [0.5, 0.5]),
    ("max(x, y, z)", {"x": 1, "y": 1, "z": 1}, 1.0, [1 / 3, 1 / 3, 1 / 3]),  # a third each, in one node
    ("min(x, y, z)", {"x": 1, "y": 1, "z": 1}, 1.0, [1 / 3, 1 / 3, 1 / 3]),
    ("max(x, y, z)", {"x": 1, "y": 3, "z": 3}, 3.0, [0.0, 0.5, 0.5]),
    ("max(x, y, z, w)", {"x": 1, "y": 1, "z": 1, "w": 1}, 1.0, [0.25] * 4),
    ("max(x, 0)", {"x": 0}, 0.0, [0.5]),  # a constant takes its share too
    ("max(x, x)", {"x": 4}, 4.0, [1.0]),
    ("max(x, -y)", {"x": 0, "y": 0}, 0.0, [0.5, -0.5]),  # 0 and -0 are a tie
    ("sign(x)", {"x": 0}, 0.0, [0.0]),
    ("sign(x)", {"x": 3}, 1.0, [0.0]),
    ("floor(x)", {"x": 2}, 2.0, [0.0]),
    ("floor(x)", {"x": 2.5}, 2.0, [0.0]),
    ("ceil(x)", {"x": 2}, 2.0, [0.0]),
    ("ceil(x)", {"x": 2.5}, 3.0, [0.0]),
    ("x^0", {"x": 0}, 1.0, [0.0]),  # a literal 0
    ("x^(1-1)", {"x": 0}, 1.0, [0.0]),  # so is everything built from numbers alone
    ("x^0", {"x": -3}, 1.0, [0.0]),
    ("x^1", {"x": 0}, 0.0, [1.0]),
    ("x^2", {"x": 0}, 0.0, [0.0]),
    ("x^y", {"x": 0, "y": 2}, 0.0, [0.0, 0.0]),  # 0^y has slope 0 in y for y > 0
    ("0^y", {"y": 3}, 0.0, [0.0]),
    ("x^y", {"x": 0, "y": 1}, 0.0, [1.0, 0.0]),
    ("2^y", {"y": 0}, 1.0, [0.6931471805599453]),
    ("where(x > 0, x^2, -x)", {"x": 0}, 0.0, [-1.0]),  # the branch taken has the slope
    ("where(x >= 0, x^2, -x)", {"x": 0}, 0.0, [0.0]),
    ("where(c > 0, a, b)", {"c": 1, "a": 5, "b": 7}, 5.0, [0.0, 1.0, 0.0]),
]


@pytest.mark.parametrize(("program", "at", "value", "slopes"), KINKS, ids=[f"{p} {a}" for p, a, *_ in KINKS])
def test_conventions_at_kinks(run, program, at, value, slopes):
    assert run("eval", program, *bind(**at), *VALUE).answered().numbers == [value]
    for method in ("reverse", "forward"):
        got = run("grad", program, *bind(**at), "--method", method, *VALUE).answered().numbers
        assert got == pytest.approx(slopes, rel=1e-15, abs=0)


def as_points(run, tmp_path, program, at):
    """The one row of a points file, with the status and the reason."""
    path = tmp_path / "points.csv"
    path.write_text(f"{','.join(at)}\n{','.join(map(str, at.values()))}\n")
    result = run("grad", program, "--points", str(path), "--format", "json")
    assert result.lines, result
    (row,) = result.lines
    return result.status, row, [row["gradient"][name] for name in at]


@pytest.mark.parametrize(("program", "at", "value", "slopes"), KINKS, ids=[f"{p} {a}" for p, a, *_ in KINKS])
def test_points_keep_the_conventions_at_kinks(run, tmp_path, program, at, value, slopes):
    status, row, got = as_points(run, tmp_path, program, at)
    assert (status, row["value"], row["error"]) == (0, value, None)
    assert got == pytest.approx(slopes, rel=1e-15, abs=0)


def test_leaky_relu_at_0_has_the_slope_below(run):
    (below,) = run("grad", "leaky_relu(x)", "--x", "-1", *VALUE).answered().numbers
    (above,) = run("grad", "leaky_relu(x)", "--x", "1", *VALUE).answered().numbers
    assert 0 < below < above == 1
    assert run("grad", "leaky_relu(x)", "--x", "0", *VALUE).answered().numbers == [below]


@pytest.mark.parametrize(
    ("program", "at", "verdict", "slopes"),
    [
        ("abs(x)", {"x": 0}, "kink", {"x": 0.0}),
        ("relu(x)*3", {"x": 0}, "kink", {"x": 0.0}),
        ("max(x, y, z)", {"x": 1, "y": 1, "z": 1}, "kink", {"x": 1 / 3, "y": 1 / 3, "z": 1 / 3}),
        ("floor(x)", {"x": 2}, "jump", {"x": 0.0}),
        ("sign(x) + 2x", {"x": 0}, "jump", {"x": 2.0}),
    ],
)
def test_differences_see_both_sides_and_the_verdict_says_so(process, program, at, verdict, slopes):
    result = process("grad", program, *bind(**at), "--format", "json").answered()
    report = result.json
    assert report["agree"] is True  # only `disagree` makes it false
    assert report["gradient"] == pytest.approx(slopes, rel=1e-15)
    for name, slope in slopes.items():
        row = result.node(name)
        assert row["verdict"] == verdict
        assert row["kink"] is not None
        assert row["gradient"]["symbolic"] == pytest.approx(slope, rel=1e-15)


def test_cancellation_is_rounding_and_the_symbolic_number_stands(process):
    result = process("grad", "(1-cos(x))/x^2", "--x", "1e-5", "--format", "json").answered()
    with mpmath.workdps(60):
        x = mpmath.mpf(1e-5)
        slope = float((x * mpmath.sin(x) - 2 * (1 - mpmath.cos(x))) / x**3)
    row = result.node("x")
    assert row["verdict"] == "rounding"
    assert isclose(slope, row["gradient"]["symbolic"], rel_tol=1e-15)
    assert result.json["agree"] is True


def test_a_formula_that_is_0_over_0_is_not_usable_here(process):
    # SymPy's derivative of x^y is x^y*y/x
    result = process("grad", "x^y", "--x", "0", "--y", "2", "--format", "json").answered()
    assert result.json["gradient"] == {"x": 0.0, "y": 0.0}
    for name in "xy":
        row = result.node(name)
        assert row["gradient"]["symbolic"] in (None, 0.0)
        assert row["verdict"] != "disagree"


# --- domain errors: status 3, the node, its operand and the place ------------------------------

NO_VALUE = [
    ("log(x)", {"x": -1}, ["log", "-1"]),
    ("log(x)", {"x": 0}, ["log", "0"]),
    ("ln(x)", {"x": 0}, ["0"]),
    ("log2(x)", {"x": -4}, ["log2", "-4"]),
    ("log10(x)", {"x": -4}, ["log10", "-4"]),
    ("log1p(x)", {"x": -1}, ["log1p", "-1"]),
    ("1/x", {"x": 0}, ["0"]),
    ("a/b", {"a": 0, "b": 0}, ["0"]),
    ("x/x", {"x": 0}, ["0"]),  # SymPy cancels; we must not
    ("sqrt(x)", {"x": -4}, ["sqrt", "-4"]),
    ("asin(x)", {"x": 2}, ["asin", "2"]),
    ("acos(x)", {"x": -2}, ["acos", "-2"]),
    ("acosh(x)", {"x": 0.5}, ["acosh", "0.5"]),
    ("atanh(x)", {"x": 1}, ["atanh", "1"]),
    ("atanh(x)", {"x": -2}, ["atanh", "-2"]),
    ("gamma(x)", {"x": 0}, ["gamma", "0"]),
    ("gamma(x)", {"x": -3}, ["gamma", "-3"]),
    ("gamma(x)", {"x": 200}, ["gamma", "200"]),
    ("lgamma(x)", {"x": 0}, ["lgamma", "0"]),
    ("digamma(x)", {"x": -1}, ["digamma", "-1"]),
    ("polygamma(1, x)", {"x": 0}, ["polygamma", "0"]),
    ("exp(x)", {"x": 1000}, ["exp", "1000"]),
    ("expm1(x)", {"x": 1000}, ["expm1", "1000"]),
    ("sinh(x)", {"x": 1000}, ["sinh", "1000"]),
    ("cosh(x)", {"x": -1000}, ["cosh", "-1000"]),
    ("a*b", {"a": "1e200", "b": "1e200"}, ["1e200"]),
    ("a+b", {"a": "1.7e308", "b": "1.7e308"}, ["1.7e308"]),
    ("x^2", {"x": "1e200"}, ["1e200"]),
    ("x^-1", {"x": 0}, ["0"]),
    ("x^y", {"x": 0, "y": 0}, ["0"]),  # 0^0 by a variable
    ("x^y", {"x": 0, "y": -1}, ["-1"]),
    ("x^y", {"x": -2, "y": 0.5}, ["-2", "0.5"]),
    ("x^(1/3)", {"x": -8}, ["-8"]),
    ("0*log(x)", {"x": 0}, ["log", "0"]),  # 0* needs every operand
    ("log(x)*0", {"x": 0}, ["log", "0"]),
    ("max(5, log(x))", {"x": 0}, ["log", "0"]),  # so do max and min
    ("min(-5, 1/x)", {"x": 0}, ["0"]),
    ("where(x < 0, log(x), 1)", {"x": -1}, ["log", "-1"]),  # the branch taken
    ("where(log(x) > 0, 1, 2)", {"x": -1}, ["log", "-1"]),  # a condition is always needed
    ("d = x - 1; 1/d", {"x": 1}, ["d", "0"]),
    ("1 + 2*log(x - 3)", {"x": 1}, ["log", "-2"]),
]


@pytest.mark.parametrize(("program", "at", "words"), NO_VALUE, ids=[f"{p} {a}" for p, a, _ in NO_VALUE])
def test_no_value_ends_with_status_3_and_the_operand(run, program, at, words):
    for command in ("eval", "grad"):
        result = run(command, program, *bind(**at), *(REVERSE[:2] if command == "grad" else ())).refused(
            3, *words
        )
        column, length = result.caret(program)
        assert 0 <= column < column + length <= len(program)


NO_SLOPE = [
    ("sqrt(x)", {"x": 0}, ["sqrt", "0"]),
    ("cbrt(x)", {"x": 0}, ["cbrt", "0"]),
    ("x^0.5", {"x": 0}, ["0"]),
    ("x^(1/3)", {"x": 0}, ["0"]),
    ("x^y", {"x": 0, "y": 0.5}, ["0"]),
    ("asin(x)", {"x": 1}, ["asin", "1"]),
    ("asin(x)", {"x": -1}, ["asin", "-1"]),
    ("acos(x)", {"x": 1}, ["acos", "1"]),
    ("acosh(x)", {"x": 1}, ["acosh", "1"]),
    ("(-2)^y", {"y": 2}, ["-2"]),
    ("x^y", {"x": -2, "y": 3}, ["-2"]),
    ("1/x", {"x": "1e-200"}, []),
    ("d = x^2; sqrt(d)", {"x": 0}, ["sqrt", "d"]),
]


@pytest.mark.parametrize(("program", "at", "words"), NO_SLOPE, ids=[f"{p} {a}" for p, a, _ in NO_SLOPE])
def test_a_value_without_a_slope(run, program, at, words):
    run("eval", program, *bind(**at), *VALUE).answered()
    result = run("grad", program, *bind(**at), *REVERSE[:2]).refused(3, *words)
    result.caret(program)
    result = run("grad", program, *bind(**at), *REVERSE)
    assert (result.status, result.out) == (3, "")
    assert set(json.loads(result.err)["error"]) == {"code", "message", "line", "column", "hint"}


@pytest.mark.parametrize(
    ("program", "at", "words"), NO_VALUE + NO_SLOPE, ids=[f"{p} {a}" for p, a, _ in NO_VALUE + NO_SLOPE]
)
def test_points_without_an_answer_say_why(run, tmp_path, program, at, words):
    status, row, slopes = as_points(run, tmp_path, program, at)
    assert (status, row["value"], set(slopes)) == (3, None, {None})
    assert all(word in row["error"] for word in words), row["error"]


@pytest.mark.parametrize(
    ("program", "at", "words"),
    [
        ("log(x)", {"x": -1}, ["log", "-1"]),
        ("sqrt(x)", {"x": 0}, ["sqrt", "0"]),
        ("x/x", {"x": 0}, ["0"]),
    ],
)
def test_with_all_methods_the_refusal_is_the_same(process, program, at, words):
    process("grad", program, *bind(**at)).refused(3, *words)


@pytest.mark.parametrize(
    ("program", "at", "hint"),
    [
        ("log(1 + exp(x))", {"x": 1000}, "softplus"),
        ("sqrt(x^2 + y^2)", {"x": "1e200", "y": 1}, "hypot"),
        ("x^(1/3)", {"x": -8}, "cbrt"),
    ],
)
def test_a_hint_where_one_helps(run, program, at, hint):
    run("eval", program, *bind(**at)).refused(3, hint)


@pytest.mark.parametrize(
    ("program", "at", "value", "slopes"),
    [
        ("where(x > 0, log(x), x)", {"x": -1}, -1.0, [1.0]),
        ("where(x > 0, sqrt(x), 0)", {"x": 0}, 0.0, [0.0]),
        ("where(x > 0, 1/x, where(x < -5, 1/(x + 5), 3x))", {"x": 0}, 0.0, [3.0]),
        ("l = log(x); where(x > 0, l, l0*x)", {"x": -1, "l0": 2}, -2.0, [2.0, -1.0]),
        ("0*sqrt(x)", {"x": 0}, 0.0, [0.0]),  # a zero cotangent never meets the infinite slope
        ("relu(sqrt(x) - 1)", {"x": 0}, 0.0, [0.0]),
        ("x*sqrt(x)", {"x": 0}, 0.0, [0.0]),
        ("max(5, sqrt(x))", {"x": 0}, 5.0, [0.0]),
        ("sqrt(x)^2", {"x": 0}, 0.0, [1.0]),
    ],
)
def test_what_is_not_needed_does_no_harm(run, tmp_path, program, at, value, slopes):
    assert run("eval", program, *bind(**at), *VALUE).answered().numbers == [value]
    assert run("grad", program, *bind(**at), *VALUE).answered().numbers == slopes
    status, row, got = as_points(run, tmp_path, program, at)
    assert (status, row["value"], row["error"], got) == (0, value, None, slopes)


def test_where_needs_only_the_branch_taken_row_by_row(run, tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("x\n4\n0\n-1\n1\n")
    rows = (
        run("grad", "where(x > 0, sqrt(x), 3x)", "--points", str(path), "--format", "json").answered().lines
    )
    assert [(row["value"], row["gradient"]["x"]) for row in rows] == [
        (2.0, 0.25),
        (0.0, 3.0),
        (-3.0, 3.0),
        (1.0, 0.5),
    ]


def test_a_node_of_the_branch_not_taken_shows_no_value(run):
    result = run("grad", "l = log(x); where(x > 0, l, 2x)", "--x", "-1", *REVERSE).answered()
    row = result.node("l")
    assert (row["value"], row["gradient"]) == (None, {"reverse": 0.0})
    assert result.json["gradient"] == {"x": 2.0}


def test_the_branch_not_taken_with_all_methods(process):
    result = process("grad", "l = log(x); where(x > 0, l, 2x)", "--x", "-1", "--format", "json").answered()
    assert result.json["agree"] is True
    assert result.node("x")["gradient"]["symbolic"] == 2.0


def test_a_slope_that_is_not_asked_for_is_not_needed(run):
    assert run("grad", "x^y", "--x", "-2", "--y", "3", "--wrt", "x", *VALUE).answered().numbers == [12.0]


# --- syntax and names from hostile hands -------------------------------------------------------

HOSTILE = [
    "__import__('os').system('touch PWNED')",
    '__import__("os")',
    "x.__class__.__mro__",
    "().__class__",
    "[c for c in x]",
    "lambda: 0",
    "lambda x: x",
    "exec(x)",
    "eval(x)",
    "open(x)",
    "'text'",
    '"text"',
    "f'{x}'",
    "x if x else 2",
    "x and 2",
    "not x",
    "x; import os",
    "import os",
    "x[0]",
    "x.real",
    "x->y",
    "$(touch PWNED)",
    "`touch PWNED`",
    "x | touch PWNED",
    "{x}",
    "{{x}}",
    "%s%s%n",
    "x \\ 2",
    "<script>",
    "[bold]x[/bold]",
    "[/bold]",
    "[link=file:///etc/passwd]x[/link]",
    "x\N{RIGHT-TO-LEFT OVERRIDE}*2",
    "x\N{ZERO WIDTH SPACE}y",
    "x\N{ZERO WIDTH JOINER}",
    "x\N{LEFT-TO-RIGHT ISOLATE}+1",
    "\N{CYRILLIC SMALL LETTER A}*2",
    "x\x1b[31m",
    "\x1b]0;title\x07x",
    "x\x9b31m",
    "x\x00y",
    "x\x08\x08y",
    "x\x7f",
    "x\rHIDDEN",
    "x\u2028y",
    "\ud800x",
    "x\N{COMBINING ACUTE ACCENT}",
    "\N{PILE OF POO}",
    "√" * 50,
    "^" * 50,
    "|" * 51,
    "x = = 3",
    "; = ;",
    "f(x",
    "f(x) =",
    "f(2) = x",
    "(" * 3 + "x",
]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
@pytest.mark.parametrize("command", ["eval", "grad"])
def test_hostile_text_is_refused(run, command, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(command, text, "--x", "2", *(REVERSE[:2] if command == "grad" else ())).refused(2)
    assert list(tmp_path.iterdir()) == []
    assert len(result.err) < 2000


@pytest.mark.parametrize(
    "text", ["__import__('os')", "x.y", "'3'", "[3", "x\x1b[31m", "1;2", "exp(1000)", "(" * 9999]
)
def test_hostile_bindings_are_refused(run, text):
    run("eval", "x", "--x", text).refused(2)


@pytest.mark.parametrize(
    "name", ["[bold]", "\x1b[31m", "a b", "a\N{RIGHT-TO-LEFT OVERRIDE}", "x.y", "1x", "-"]
)
def test_hostile_names_of_bindings_are_refused(run, name):
    run("eval", "x", "--x", "1", f"--{name}", "2").refused(2)


def test_markup_is_shown_as_it_is(run):
    assert "[bold]x[/bold]" in run("eval", "[bold]x[/bold]", "--x", "1").refused(2).err


def test_markup_in_columns_that_pass_through(run, tmp_path):
    path = tmp_path / "[red]points.csv"
    path.write_text("x,[bold]note\n1,[/bold] [link=x]y\n")
    result = run("eval", "x", "--points", str(path)).answered()
    assert "\x1b" not in result.out
    rows = run("eval", "x", "--points", str(path), "--format", "csv").answered().out.splitlines()
    assert "[bold]note" in rows[0]
    assert "[/bold] [link=x]y" in rows[1]


def test_escape_sequences_in_columns_do_not_reach_the_table(run, tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("x,note\n1,\x1b[31mred\x1b]0;title\x07\n")
    assert "\x1b" not in run("eval", "x", "--points", str(path)).answered().out


# --- options -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--method", "magic"],
        ["--scheme", "sideways"],
        ["--format", "xml"],
        ["--step", "0", "--method", "finite"],
        ["--step", "-1", "--method", "finite"],
        ["--step", "nan", "--method", "finite"],
        ["--step", "inf", "--method", "finite"],
        ["--step", "abc", "--method", "finite"],
        ["--digits", "many"],
        ["--digits", "-1"],
        ["--wrt", ""],
        ["--wrt", "y"],
        ["--formulas", "all"],
        ["-z"],
        ["--format"],
        ["--file", "also.bp"],
    ],
    ids=" ".join,
)
def test_wrong_options(run, words):
    run("grad", *(["x^2", "--x", "2", *words] if words else [])).refused(2)


def test_an_unknown_command(run):
    run("gard", "x^2", "--x", "2").refused(2, "did you mean grad?")
    run("x^2", "--x", "2").refused(2, "no such command: x^2", 'backprop grad "x^2"')


def test_what_was_meant(run):
    run("grad", "sample_inputs/loss.bp").refused(2, "--file sample_inputs/loss.bp reads the program from it")
    run("grad", "sin(x)", "--x", "30deg").refused(2, "30 degrees are 30*pi/180")
    run("grad", "x^2", "--x", "1:3").refused(2, "1:3 is a range without a step", "-3:4:0.2")
    run("grad", "x^2", "--x", "1..3").refused(2, "start:stop:step: --x 1:3:0.5")
    assert run("grad", "").refused(2, "there is no expression").err.count("\n") == 2


def test_values_from_python_are_numbers():
    assert grad("x^2", x=np.float32(3.0)).gradient == {"x": 6.0}
    assert grad("x^2", x=Fraction(1, 2)).gradient == {"x": 1.0}
    assert grad("x^2", x="6/2").gradient == {"x": 6.0}
    for wrong in (None, 1j, [[1], [2, 3]], ["a"], np.ones((2, 2, 2)), np.ones(0)):
        with pytest.raises(BackpropError, match="the value of x is a number, "):
            grad("x^2", x=wrong)


# --- size --------------------------------------------------------------------------------------


def test_100_000_open_brackets(process):
    process("eval", "--file", "-", stdin="(" * 100_000, memory=MEMORY).refused(2)


def test_100_000_nested_brackets(process):
    text = "(" * 100_000 + "x" + ")" * 100_000
    result = process("grad", "--file", "-", "--x", "3", *VALUE, stdin=text, memory=MEMORY)
    if result.status:
        result.refused(2)
    else:
        assert result.numbers == [1.0]


@pytest.mark.parametrize("open_", ["sin(", "-", "|", "2^", "√", "where(x<"], ids=ascii)
def test_deep_nesting_of_every_kind(process, open_):
    text = open_ * 20_000 + "x"
    result = process("eval", "--file", "-", "--x", "0.5", *VALUE, stdin=text, memory=MEMORY)
    assert result.status in (0, 2, 3), result.err
    assert "Traceback" not in result.err
    assert len(result.err) < 2000


def test_a_chain_100_000_deep(process):
    text = "x" + "+x" * 100_000
    result = process("grad", "--file", "-", "--x", "3", *VALUE, stdin=text, memory=MEMORY).answered()
    assert result.numbers == [100_001.0]


def test_a_wide_sum_of_products(process):
    text = "+".join(["x*y"] * 60_000)
    result = process(
        "grad", "--file", "-", "--x", "3", "--y", "2", *VALUE, stdin=text, memory=MEMORY
    ).answered()
    assert result.numbers == [120_000.0, 180_000.0]


@pytest.mark.parametrize(
    "text",
    ["x" + " +x" * 400_000, "x" + "+x" * 210_000, "# " + "a" * 2**20 + "\nx"],
    ids=["megabyte", "nodes", "comment"],
)
def test_what_is_larger_needs_large(process, text):
    process("eval", "--file", "-", "--x", "1", *VALUE, stdin=text, memory=MEMORY).refused(2, "--large")


def test_large_programs_with_large(process):
    text = "x" + "+x" * 210_000
    result = process("grad", "--file", "-", "--large", "--x", "1", *VALUE, stdin=text).answered()
    assert result.numbers == [210_001.0]


def test_an_error_in_a_megabyte_is_still_short(process):
    text = "x" + "+x" * 90_000 + "$" + "+x" * 90_000
    result = process("eval", "--file", "-", "--x", "1", stdin=text, memory=MEMORY).refused(2, "$")
    assert len(result.err) < 1000
    (excerpt, carets) = [line for line in result.err.splitlines() if "$" in line or set(line) == {" ", "^"}][
        -2:
    ]
    assert excerpt[carets.index("^")] == "$"


def test_a_name_of_a_megabyte(process):
    result = process("eval", "--file", "-", "--x", "1", stdin="n" * 1_000_000, memory=MEMORY).refused(2)
    assert len(result.err) < 1000


def test_a_number_of_a_hundred_thousand_digits(process):
    text = "x*0." + "1" * 100_000
    result = process("grad", "--file", "-", "--x", "9", *VALUE, stdin=text, memory=MEMORY)
    assert result.status in (0, 2), result.err
    assert result.status == 2 or result.numbers == [pytest.approx(1 / 9)]


def test_above_2_000_nodes_grad_runs_reverse_alone_and_says_so(process):
    text = "s = x*y; s" + "+s*x" * 1_500
    result = process("grad", "--file", "-", "--x", "2", "--y", "3", "--format", "json", stdin=text).answered()
    report = result.json
    assert report["methods"] == ["reverse"]
    assert report["agree"] is None
    assert report["warnings"] or result.err
    assert {"x", "y", "s"} <= {row["name"] for row in report["nodes"]}


@pytest.mark.parametrize(
    ("program", "at", "status"),
    [
        ("9^9^9^9", {}, 3),
        ("x*9^9^9^9", {"x": 1}, 3),
        ("x^9^9^9", {"x": 2}, 3),
        ("(a+b)^1000000", {"a": 1, "b": 2}, 3),
        ("(a+b)^1000000", {"a": 0.5, "b": 0.5}, 0),
        ("(a+b)^1000000", {"a": 0.25, "b": 0.5}, 0),
        ("x^(10^300)", {"x": 1}, 0),
        ("1e308*10*x", {"x": 1}, 3),
        ("gamma(gamma(gamma(x)))", {"x": 6}, 3),
        ("1e-400 + x", {"x": 1}, (0, 2)),
        ("1e400 + x", {"x": 1}, (2, 3)),
    ],
)
def test_numbers_that_would_explode(process, program, at, status):
    wanted = status if isinstance(status, tuple) else (status,)
    result = process("grad", program, *bind(**at), "--format", "json", memory=MEMORY, timeout=15)
    assert result.status in wanted, result.err
    assert "Traceback" not in result.err
    assert (result.out == "") == (result.status != 0)


def test_formulas_of_what_would_explode(process):
    for program in ("(a+b)^1000000", "x^9^9^9^9"):
        result = process("grad", program, memory=MEMORY, timeout=15)
        assert result.status in (0, 2, 3), result.err
        assert "Traceback" not in result.err


# --- files -------------------------------------------------------------------------------------

POINTS = {
    "empty": (b"", ""),
    "only-newlines": (b"\n\n\n", ""),
    "missing-column": (b"x,z\n1,2\n", ""),
    "column-twice": (b"x,y,x\n1,2,3\n", ""),
    "ragged-short": (b"x,y\n1,2\n3\n", ":3:"),
    "ragged-long": (b"x,y\n1,2\n3,4,5\n", ":3:"),
    "no-number": (b"x,y\n1,2\n3,four\n", ":3:3"),
    "code": (b"x,y\n1,__import__('os')\n", ":2:3"),
    "empty-cell": (b"x,y\n1,\n", ":2:"),
    "non-finite": (b"x,y\n1,nan\n", ":2:"),
    "infinite": (b"x,y\n1,1e999\n", ":2:"),
    "open-quote": (b'x,y\n1,"2\n', ""),
    "binary": (bytes(range(256)) * 16, ""),
    "not-utf8": (b"x,y\n1,\xff\n", ":2:"),
    "zeros": (b"x,y\n1,\x00\n", ":2:"),
    "utf16": ("x,y\n1,2\n".encode("utf-16"), ""),
}


@pytest.mark.parametrize(("content", "place"), POINTS.values(), ids=POINTS)
def test_wrong_points_files_are_refused_with_their_place(run, tmp_path, content, place):
    path = tmp_path / "points.csv"
    path.write_bytes(content)
    result = run("grad", "x*y", "--points", str(path), *VALUE).refused(2, f"points.csv{place}")
    if place:
        assert re.search(r"points\.csv:\d+:\d+", result.err)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("", ""),
        ("{", ":1:"),
        ('{"x": 1}\n{"x": 1, "y": 2\n', ""),
        ("[1, 2]\n", ":1:"),
        ('{"x": 1, "y": "two"}\n', ":1:"),
        ('{"x": 1, "y": NaN}\n', ":1:"),
        ('{"x": 1, "y": [2]}\n', ":1:"),
        ('{"x": 1, "y": true}\n', ":1:"),
        ('{"x": 1, "y": null}\n', ":1:"),
        ('{"x": 1}\n', ":1:"),
        ('{"x": 1, "y": 1e999}\n', ":1:"),
        ("[" * 5000 + "\n", ":1:"),
    ],
)
def test_wrong_json_lines_are_refused_with_their_place(run, tmp_path, content, place):
    path = tmp_path / "points.jsonl"
    path.write_text(content)
    run("grad", "x*y", "--points", str(path), *VALUE).refused(2, f"points.jsonl{place}")


@pytest.mark.parametrize(
    "kind", ["empty", "text", "truncated", "pickle", "three-dimensions", "columns", "strings"]
)
def test_wrong_arrays_are_refused(run, tmp_path, kind):
    import numpy as np

    path = tmp_path / "points.npy"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("x,y\n1,2\n")
    else:
        array = {
            "truncated": np.ones((10, 2)),
            "pickle": np.array([[1, None], [2, {}]], dtype=object),
            "three-dimensions": np.ones((2, 2, 2)),
            "columns": np.ones((4, 5)),
            "strings": np.array([["a", "b"]]),
        }[kind]
        np.save(path, array, allow_pickle=True)
        if kind == "truncated":
            path.write_bytes(path.read_bytes()[:-24])
    run("grad", "x*y", "--points", str(path), *VALUE).refused(2, "points.npy")


def test_a_cell_of_megabytes(process, tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("x,y\n1," + "2" * 5_000_000 + "\n")
    result = process("grad", "x*y", "--points", str(path), *VALUE, memory=MEMORY).refused(2, "points.csv:2:")
    assert len(result.err) < 1000


def test_files_that_cannot_be_read(run, tmp_path):
    for words in (["x*y", "--points", str(tmp_path / "none.csv")], ["--file", str(tmp_path / "none.bp")]):
        run("grad", *words, "--x", "1").refused(4, "none")
    for words in (["x*y", "--points", str(tmp_path)], ["--file", str(tmp_path)]):
        result = run("grad", *words, "--x", "1")
        assert result.status in (2, 4)
        assert result.out == ""
        assert "Traceback" not in result.err


def test_a_file_name_cannot_speak_to_the_terminal(run, tmp_path):
    run("grad", "x", "--points", str(tmp_path / "\x1b[31mred.csv")).refused(4)


@pytest.mark.parametrize(
    "content", [b"x*\xff", b"\xc3\x28", "x*2".encode("utf-16"), bytes(range(1, 256)), b"x\x00*2", b""]
)
def test_program_files_that_are_no_text(run, tmp_path, content):
    path = tmp_path / "program.bp"
    path.write_bytes(content)
    run("eval", "--file", str(path), "--x", "1").refused(2)


# --- processes ---------------------------------------------------------------------------------


@linux
@pytest.mark.parametrize(
    "words",
    [
        [b"x*\xff", b"--x", b"1"],
        [b"x", b"--x", b"\xff"],
        [b"x", b"--\xff", b"1"],
        [b"x", b"--x", b"1", b"\xfe=1"],
    ],
)
def test_arguments_that_are_no_text(process, words):
    process("eval", *words).refused(2)


@linux
@pytest.mark.parametrize(
    "words", [("eval", *VALUE), ("grad", "--method", "reverse"), ("grad", "--format", "csv")]
)
def test_a_full_disk(process, words):
    with open("/dev/full", "wb") as full:
        result = process(*words, "x^2", "--x", "3", stdout=full)
    result.refused(4)


@linux
def test_a_named_pipe_is_written_to_where_it_has_a_reader(run, process, tmp_path):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    run("eval", "x", "--x", "1:2:1", "-o", str(pipe)).refused(4, "a named pipe that nobody reads")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    run("eval", "x", "--x", "1:2:1", "-o", str(pipe)).answered()
    assert os.read(reader, 100).splitlines()[1] == b"1.0,1.0,"
    os.close(reader)
    read, write = os.pipe()  # what a shell hands over: -o >(command)
    words = ("eval", "x", "--x", "1:2:1", "--format", "csv", "-o", f"/dev/fd/{write}")
    process(*words, pass_fds=(write,), preexec_fn=lambda: None).answered()
    os.close(write)
    assert os.read(read, 100).splitlines()[1] == b"1.0,1.0,"
    os.close(read)
    run("train", str(pipe), "--target", "y").refused(4, "it is no regular file")


@linux
def test_a_full_disk_under_o(process):
    process("grad", "x^2", "--x", "3", "--method", "reverse", "--format", "csv", "-o", "/dev/full").refused(4)


@linux
def test_a_full_disk_among_many_points(process):
    with open("/dev/full", "wb") as full:
        process("eval", "x^2", "--x", "0:1e5:1", *VALUE, stdout=full).refused(4)


@linux
def test_a_closed_stdout(process):
    result = process("eval", "x^2", "--x", "3", *VALUE, stdout=None, preexec_fn=lambda: os.close(1))
    result.refused(4)


@linux
def test_help_into_a_full_disk(process):
    with open("/dev/full", "wb") as full:
        process("--help", stdout=full).refused(4)


@linux
def test_a_reader_that_leaves_early(command):
    words = command("eval", "x^2", "--x", "0:1e6:1", *VALUE)
    with subprocess.Popen(
        **words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    ) as child:
        assert float(child.stdout.readline()) == 0
        child.stdout.close()
        said = child.stderr.read()
        assert child.wait(30) in (141, -signal.SIGPIPE)
    assert said == b""


@linux
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "term"]
)
def test_signals(command, number, status):
    words = command("eval", "x^2", "--points", "-", *VALUE)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(**words, **pipes) as child:
        child.stdin.write(b"x\n1\n")
        child.stdin.flush()
        time.sleep(1.5)  # it waits for more by now
        child.send_signal(number)
        assert child.wait(30) in (status, -number)
        said = child.stderr.read()
    assert b"Traceback" not in said


@linux
@pytest.mark.parametrize("delay", [0.0, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.15, 0.2, 0.3])
def test_an_interrupt_while_importing(delay):
    """From the first module of the program on, Ctrl-C is quiet; stderr tells which imports are done."""
    words = [sys.executable, "-X", "importtime", "-m", "backprop_cli", "eval", "x^2", "--points", "-", *VALUE]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(words, **pipes) as child:
        for line in child.stderr:
            if line.split()[-1] == b"backprop_cli.cli":
                break
        time.sleep(delay)
        child.send_signal(signal.SIGINT)
        said = child.stderr.read()
        assert child.wait(30) in (130, -signal.SIGINT)  # a shell says 130 of both
    assert b"Traceback" not in said
    assert b"KeyboardInterrupt" not in said


# --- arbitrary text ----------------------------------------------------------------------------

WORDS = [
    "x",
    "y",
    "2",
    ".5",
    "1e3",
    "sin",
    "max",
    "where",
    "pi",
    "e",
    "(",
    ")",
    "|",
    "+",
    "-",
    "*",
    "/",
    "^",
    "**",
]
SIGNS = [",", ";", "\n", "=", "<", ">=", "#", "²", "√", "π", " ", "f(x)", "d", "[", "'"]
SOUP = st.lists(st.sampled_from(WORDS + SIGNS))


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(text=st.one_of(SOUP.map("".join), SOUP.map(" ".join), st.text(max_size=40)))
def test_arbitrary_text_ends_with_a_designed_status(run, text):
    result = run("grad", "--x", "0", "--y", "-1.5", "--method", "reverse", "--format", "json", "--", text)
    assert result.status in (0, 2, 3), result.err
    if result.status:
        assert result.out == ""
        (line,) = result.err.splitlines()
        assert set(json.loads(line)["error"]) == {"code", "message", "line", "column", "hint"}
    else:
        assert result.json["schema"] == 1


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("in.csv", ("grad", "x^2", "--points", "in.csv", "-o", "./in.csv")),
        ("in.csv", ("check", "x^2", "--claims", "in.csv", "-o", "in.csv")),
        ("answers/in.csv", ("check", "x^2", "--claims", "answers", "-o", "answers/in.csv")),
        ("in.md", ("check", "--text", "in.md", "-o", "in.md")),
        ("in.txt", ("explain", "--file", "in.txt", "-o", "link.txt")),
    ],
)
def test_what_is_read_is_not_written_over(run, tmp_path, monkeypatch, name, args):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "answers").mkdir()
    text = {"csv": "x\n1\n", "md": "2 + 2 = 4\n", "txt": "x^2\n"}[name.partition(".")[2]]
    (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "link.txt").symlink_to("in.txt")
    run(*args).refused(2, "would write over what is read")
    assert (tmp_path / name).read_text("utf-8") == text
    other = (*args[:-1], "new." + name.partition(".")[2])
    for _ in range(2):  # what was written before may be written again
        assert run(*other).err == ""


@pytest.mark.parametrize(
    ("word", "what", "hint"),
    [
        ("loss.bp", "a file", "--file loss.bp"),
        ("iris.yaml", "a config", "train take configs"),
        ("m.safetensors", "a trained model", "predict take models"),
        ("runs/a", "a trained model", "predict take models"),
        ("rows.csv", "a table", "--points rows.csv"),
    ],
)
def test_a_file_in_the_place_of_an_expression(run, tmp_path, monkeypatch, word, what, hint):
    monkeypatch.chdir(tmp_path)
    if word == "runs/a":
        (tmp_path / "a.yaml").write_text(run("config", "init", "xor").out)
        run("train", "a.yaml", "training.epochs=1", "-q").answered()
    run("grad", word).refused(2, f"{word} is {what}, not an expression", hint)
    assert run("grad", f"x^2 # {word}", "--x", "3", "--format", "value").numbers == [6.0]


def test_a_folder_that_is_no_run_is_a_quotient(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x" / "y").mkdir(parents=True)
    assert run("eval", "x/y", "--x", "6", "--y", "2", "--format", "value").numbers == [3.0]
