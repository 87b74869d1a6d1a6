"""The descend command: published traces, optimizers, verdicts with their reasons, forms, pictures."""

from __future__ import annotations

import csv
import re
from io import StringIO
from math import isclose
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_cli.api.descent import descend as descend_from
from backprop_cli.errors import Source, UsageError
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.layout.descent import picked_points
from backprop_cli.optimization import report
from backprop_cli.optimization.choice import FIRST_ORDER, plain, read
from backprop_cli.optimization.descent import Function, descend
from backprop_cli.optimization.rules import RULES
from backprop_cli.optimization.verdict import judge

CUBIC = "x^3+3x^2"


def function(text, **at):
    graph = lower(parse(Source(text)), set(at))
    return Function(graph, at, list(at)), tuple(at.values())


def trace_of(text, rate, *, steps=1000, until=1e-8, ascend=False, optimizer=None, **at):
    f, start = function(text, **at)
    trace = descend(f, start, optimizer or plain(rate), steps=steps, until=until, ascend=ascend)
    return f, trace


def verdict_of(text, rate, **more):
    return judge(*trace_of(text, rate, **more))


# --- published traces --------------------------------------------------------------------------


def test_parabola(run):
    report = run("descend", "x^2", "--x", "1", "--rate", "0.3", "--steps", "3", "--format", "json").json
    points = report["runs"][0]["trace"]
    assert [p["point"]["x"] for p in points] == pytest.approx([1.0, 0.4, 0.16, 0.064], rel=1e-15)
    assert [p["gradient"]["x"] for p in points] == pytest.approx([2.0, 0.8, 0.32, 0.128], rel=1e-15)
    assert points[0]["step"]["x"] == -0.6
    lines = run("descend", "x^2", "--x", "1", "--rate", "0.3", "--steps", "3").answered().out.splitlines()
    assert lines[0] == "f = x^2: gradient descent from x = 1, x <- x - 0.3*f'"
    assert [line.split() for line in lines[4:8]] == [
        ["0", "1", "1", "2", "-0.6"],
        ["1", "0.4", "0.16", "0.8", "-0.24"],
        ["2", "0.16", "0.0256", "0.32", "-0.096"],
        ["3", "0.064", "0.004096", "0.128"],
    ]


def test_cubic_from_just_above_its_maximum():
    _, trace = trace_of(CUBIC, 0.04, steps=51, x=-1.99)
    assert isclose(trace.points[-1][0], -0.00147953460, rel_tol=1e-8)


def test_cubic_at_too_large_a_rate():
    _, trace = trace_of(CUBIC, 0.45, steps=6, x=-1.99)
    published = [-1.963135, -1.865434, -1.526552, -0.550850, 0.526807, -1.270230]
    assert [round(x, 6) for (x,) in trace.points[1:]] == published


def test_cubic_on_and_beyond_its_maximum():
    f, trace = trace_of(CUBIC, 0.04, x=-2.0)
    assert (trace.points, trace.end) == ([(-2.0,)], "still")
    assert judge(f, trace).kind == "stuck"
    verdict = verdict_of(CUBIC, 0.04, x=-2.01)
    assert verdict.kind == "diverging"
    assert "f falls without end" in verdict.says[1]


def test_ascent(run):
    out = run("descend", "3x - x^2", "--x", "0", "--rate", "0.25", "--ascend", "--format", "value")
    assert out.answered().numbers == pytest.approx([1.5], abs=1e-8)
    # (a+b)c at (5, -3, -2), upwards at rate 0.01
    at = ("--a", "5", "--b", "-3", "--c", "-2", "--rate", "0.01", "--ascend", "--steps", "1")
    numbers = run("descend", "(a+b)*c", *at, "--format", "value").answered().numbers
    assert numbers == pytest.approx([4.98, -3.02, -1.98])


# --- optimizers --------------------------------------------------------------------------------


def test_every_rule_of_the_trainer_is_here():
    assert len(FIRST_ORDER) == len(RULES)
    assert set(FIRST_ORDER) == {"sgd", "adagrad", "adadelta", "rmsprop", "adam", "adamw", "nadam"}


@pytest.mark.parametrize("name", FIRST_ORDER)
def test_every_optimizer_goes_downhill(name):
    _, trace = trace_of("x^2 + y^2", None, steps=60, optimizer=read(name, 0.1), x=1.0, y=-2.0)
    assert trace.values[-1] < trace.values[0]
    assert trace.optimizer.rate == 0.1


def test_first_steps_by_hand():
    # momentum 0.9 at rate 0.1 from 1: b = 2, x = 0.8; b = 0.9*2 + 1.6 = 3.4, x = 0.46
    _, trace = trace_of("x^2", None, steps=2, optimizer=read("sgd:momentum=0.9", 0.1), x=1.0)
    assert [x for (x,) in trace.points] == pytest.approx([1.0, 0.8, 0.46], rel=1e-14)
    # Adam's first step is the rate, whatever the slope
    _, trace = trace_of("50x^2", None, steps=1, optimizer=read("adam:lr=0.25", None), x=1.0)
    assert trace.points[1][0] == pytest.approx(0.75, rel=1e-9)


def test_hyperparameters():
    choice = read("adam:betas=[0.8,0.99],amsgrad=true", None)
    assert (choice.settings.betas, choice.settings.amsgrad, choice.rate) == ((0.8, 0.99), True, 1e-3)
    assert choice.label == "adam(learning_rate=0.001, betas=[0.8, 0.99], amsgrad=true)"
    assert read("sgd:learning_rate=1/4", 0.5).rate == 0.25
    assert plain(None).rate == 0.1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("adm", "did you mean adam"),
        ("levenberg_marquardt", "fits formulas"),
        ("adam:beta=1", "did you mean betas"),
        ("sgd:momentum", "no key=value"),
        ("sgd:momentum=-1", "momentum: expected a number >= 0.0"),
        ("adam:betas=3", "betas: expected a list"),
        ("sgd:nesterov=true", "nesterov needs a momentum"),
        ("sgd:momentum=1/0", "finite"),
    ],
)
def test_wrong_optimizers(text, words):
    with pytest.raises(UsageError) as error:
        read(text, None)
    assert words in str(error.value)


def test_side_by_side(run):
    words = ("x^2", "--x", "1", "--rate", "0.1", "--steps", "2")
    chosen = ("--optimizer", "sgd", "--optimizer", "sgd:momentum=0.9", "--optimizer", "adam")
    out = run("descend", *words, *chosen).answered().out
    header = next(line for line in out.splitlines() if line.startswith("f after"))
    assert re.split(r"  +", header) == ["f after", "sgd", "sgd momentum=0.9", "adam"]
    (last,) = [line.split() for line in out.splitlines() if line.split()[:1] == ["2"]]
    assert last == ["2", "0.4096", "0.2116", "0.64066"]
    rows = list(csv.DictReader(StringIO(run("descend", *words, *chosen, "--format", "csv").out)))
    assert len(rows) == 9
    assert rows[5]["optimizer"] == "sgd(learning_rate=0.1, momentum=0.9)"
    assert isclose(float(rows[5]["x"]), 0.46)


def test_pictures_name_the_starts(run, tmp_path):
    words = ("x^2", "--x", "-1:2:1.5", "--rate", "0.1", "-q")
    run("descend", *words, "-o", str(tmp_path / "starts.svg")).answered()
    picture = (tmp_path / "starts.svg").read_text("utf-8")
    assert all(f">{start}<" in picture for start in ("x = -1", "x = 0.5", "x = 2"))
    run("descend", *words, "--optimizer", "sgd", "--optimizer", "adam", "-o", str(tmp_path / "both.svg"))
    assert ">adam, x = 0.5<" in (tmp_path / "both.svg").read_text("utf-8")


def test_a_saddle_left_behind_is_not_neared(run):
    # down to the saddle of sin(x)*y at (0, 0), past it, and down without end along -y
    out = run("descend", "sin(x)*y", "--x", "1", "--y", "1", "--steps", "20").answered().out
    assert "the updates have begun to grow again" in out
    out = run("descend", "sin(x)*y", "--x", "1", "--y", "1", "--steps", "1000").answered().out
    assert "bouncing: the last updates jump about" in out
    # within twelve updates the range is that of them all, the start with it
    out = run("descend", "x^3+3x^2", "--x", "-1.99", "--rate", "0.45", "--steps", "12").answered().out
    assert "bouncing: the updates jump about (x from -1.99 to 0.526807)" in out


@pytest.mark.parametrize(
    ("command", "endings"),
    [
        ("explain", ".json, .jsonl, .md, .tex, .txt;"),
        ("limit", ".json, .jsonl, .csv, .tsv, .md, .tex, .txt, .svg, .png;"),
        ("descend", ".json, .jsonl, .csv, .tsv, .md, .tex, .txt, .svg, .png, .gif;"),
    ],
)
def test_the_endings_are_the_commands_own(run, command, endings):
    run(command, "x^2", "--x", "1", "-o", "x.pdf").refused(2, "'.pdf' names no format", f"endings: {endings}")


# --- verdicts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rate", "at", "kind", "words"),
    [
        ("x^2", 0.3, {"x": 1.0}, "converged", "each update leaves 0.4 of the distance, as |1 - rate*f''|"),
        ("x^2", 1.0, {"x": 1.0}, "bouncing", "x from -1 to 1"),
        ("x^2", 1.1, {"x": 1.0}, "diverging", "every update is 1.2 times as long as the one before"),
        (CUBIC, 0.45, {"x": -1.99}, "bouncing", "2/f'' = 2/6 = 0.333333; the rate 0.45 is larger"),
        (CUBIC, 0.6, {"x": 1.0}, "diverging", "update 1, from x = 1 to x = -4.4, left the basin"),
        (CUBIC, 0.04, {"x": -2.0}, "stuck", "a maximum (f'' = -6)"),
        ("x^2-y^2", 0.1, {"x": 1.0, "y": 0.0}, "stuck", "a saddle: along (0, 1) f falls on both sides"),
        ("x^2-y^2", 0.1, {"x": 1.0, "y": 1e-3}, "diverging", "f falls without end"),
        ("x^2+10y^2", 0.11, {"x": 1.0, "y": 1.0}, "diverging", "2/the largest curvature = 2/20 = 0.1"),
        ("|x|", 0.3, {"x": 1.0}, "bouncing", "they cross the kink of abs(x)"),
        ("|x|", 0.25, {"x": 1.0}, "converged", "after 4 updates: it is the kink of abs(x): slopes left -1"),
        ("relu(x)", 0.25, {"x": 1.0}, "stuck", "it is a minimum all the same"),
        ("0.5*x^4", 0.5, {"x": 1.0}, "converged", "f' = 0 after 1 update"),
        ("(x-1)^4", 0.1, {"x": 1.001}, "converged", "converged to a minimum at x = 1.001"),
        ("(x-1)^2*(x+1)^4", 0.01, {"x": -1.2}, "not-finished", "slower than any constant factor: about"),
        ("(x-y)^4", 0.1, {"x": 0.001, "y": 0.0}, "converged", "f is flat around the minimum"),
        ("x^2+y^3", 0.1, {"x": 1.0, "y": 0.0}, "stuck", "no minimum, as f = -1e-6 at x = "),
        ("x^2-y^4", 0.1, {"x": 1.0, "y": 0.0}, "stuck", "a saddle: f falls on both sides of it"),
        ("-x^4", 0.1, {"x": 0.0}, "stuck", "a maximum (f falls on both sides)"),
        ("-exp(-x^2)", 0.1, {"x": 5.0}, "stuck", "no minimum, as f"),
        ("1/x", 0.1, {"x": 1.0}, "not-finished", "there is no minimum downhill from there"),
        ("exp(x)", 0.1, {"x": 1.0}, "not-finished", "there is no minimum downhill from there"),
        ("exp(-x)", 0.1, {"x": -1.0}, "not-finished", "there is no minimum downhill from there"),
        ("max(-x, -5)", 0.1, {"x": 4.0}, "stuck", "f is flat there"),
        ("x^2", 0.1, {"x": 1.0, "until": 0.1}, "converged", "each update leaves 0.8 of the distance"),
        ("x^2", 0.9999, {"x": 1.0, "steps": 9}, "not-finished", "leaves 0.9998 of the distance: about 95"),
        ("x - cos(x)", 0.5, {"x": -1.4, "steps": 100}, "not-finished", "slower than any constant factor"),
        ("relu(x)", 0.1, {"x": -1.0}, "stuck", "f is flat there"),
        ("tanh(x)^2", 0.1, {"x": 30.0}, "stuck", "f is flat there"),
        ("x^3", 1.0, {"x": 0.3}, "not-finished", "slower than any constant factor"),
        ("floor(x)+x^2", 0.1, {"x": 1.3}, "stuck", "floor(x) jumps in between"),
        ("x^2", 1e-20, {"x": 1.0}, "stuck", "the rate 1e-20 is so small that an update changes nothing"),
        ("x", 0.1, {"x": 1.0}, "not-finished", "the updates do not get shorter"),
        ("log(x)", 0.5, {"x": 0.2}, "left-domain", "update 1 leads to x = -2.3: log(x) has no value"),
        ("sin(x)", 9.0, {"x": 1.0}, "bouncing", "2/f'' = 2/1 = 2; the rate 9 is larger"),
        ("exp(x)", 1e3, {"x": -19.0}, "stuck", "no minimum"),
        ("0.001x^2", 0.1, {"x": 1.0, "until": 0.01}, "converged", "near a minimum, at x = 1, f = 0.001"),
        ("0.001x^2", 0.1, {"x": 1.0, "until": 0.01}, "converged", "the minimum itself is 1 away, at x = 0"),
        ("|x| + |y|", 0.5, {"x": 1.0, "y": 0.5}, "converged", "a minimum at x = 0, y = 0"),
        ("|x| - |y|", 0.5, {"x": 1.0, "y": 0.0}, "stuck", "stuck on the kink of abs(x)"),
        ("max(x, -2x)", 0.1, {"x": 1.0}, "bouncing", "the kink of max(x, -2x), where the slope jumps"),
        ("x^2 + sin(5x)", 0.1, {"x": -1.5, "steps": 10}, "bouncing", "jump about"),  # the swings have an end
        ("(x-1)^2 + 3", 0.001, {"x": 0.5, "steps": 300}, "not-finished", "about 8,"),  # f is 3, and rounds
    ],
)
def test_verdicts(text, rate, at, kind, words):
    verdict = verdict_of(text, rate, **at)
    assert verdict.kind == kind, verdict.says
    assert words in "\n".join(verdict.says)


def test_leaving_the_basin():
    # minima at -0.732 and 0.681; the first update jumps over the maximum between them
    text = "x^4 - x^2 + 0.1x"
    verdict = verdict_of(text, 0.4, x=1.1)
    assert verdict.kind == "left-basin", verdict.says
    assert "update 1, from x = 1.1 to x = -0.1896, left its basin" in "\n".join(verdict.says)
    assert verdict.minimum == pytest.approx((-0.7309,), abs=1e-3)


def test_largest_stable_rates():
    assert verdict_of("x^2", 0.3, x=1.0).stable == pytest.approx(1.0)
    assert verdict_of("x^2+10y^2", 0.05, x=1.0, y=1.0).stable == pytest.approx(0.1)
    assert verdict_of("-3x^2", 0.1, x=1.0, ascend=True).stable == pytest.approx(1 / 3)
    heavy = read("sgd:momentum=0.5", 0.1)
    assert verdict_of("x^2", None, optimizer=heavy, x=1.0).stable == pytest.approx(1.5)
    assert verdict_of("x^2", None, optimizer=read("adam", 0.1), x=1.0).stable is None


@pytest.mark.parametrize(
    ("text", "minimum"),
    [
        ("x^2+y^4", (0, 0)),
        ("x^2+(y-1/3)^6", (0, 1 / 3)),
        ("(x+y)^2+(x-y-1)^4", (0.5, -0.5)),
        ("(x-y)^2", (1, 1)),  # a valley: where the run ends in it
    ],
)
def test_a_stable_rate_is_that_at_the_minimum(text, minimum):
    """Slopes are too short to lead there: values along the line on which there is no curvature do."""
    assert verdict_of(text, 0.1, x=1.0, y=1.0, steps=1500, until=1e-3).minimum == pytest.approx(
        minimum, abs=1e-9
    )


@pytest.mark.parametrize("text", ["|x|^1.5", "where(x < 0, x^2, 3x^2)", "max(x^2, 9x^2)", "sqrt(|x|)^3"])
def test_no_stable_rate_where_the_curvature_has_no_number(text):
    assert verdict_of(text, 0.01, x=1.0).stable is None


@pytest.mark.parametrize("optimizer", ["sgd:weight_decay=0.1", "adam:weight_decay=0.1"])
def test_weight_decay_holds_a_run(optimizer):
    verdict = verdict_of("(x-1)^2", None, x=3.0, optimizer=read(optimizer, 0.1))
    assert verdict.kind == "stuck"
    assert "stuck at x = 0.952381 (f' = -0.0952381, after 1,000 updates): the weight decay" in verdict.says[0]


@pytest.mark.parametrize(
    ("text", "rate", "kind"),
    [
        ("(3x+7y)^2", 0.005, "converged"),
        ("(3x-7y-3.6)^2", 0.005, "converged"),  # at the bottom from the start, but for rounding
        ("(3x+7y-1)^2*exp(sin(x)/9)", 0.005, "converged"),
        ("(2x^2+x*y+y^2)/(x^2+y^2)", 0.5, "converged"),  # level along every line through 0
        ("atan(x)*1e-9+(x-3y)^2", 0.05, "stuck"),  # the floor falls
        ("(3x+7y)^2 - 1e-9*(7x-3y)^2", 0.005, "stuck"),
    ],
)
def test_floats_lie_beside_the_bottom_of_a_valley(text, rate, kind):
    """Its level lines are no lines of floats: what falls along one may be all that is left to the bottom."""
    verdict = verdict_of(text, rate, x=0.5, y=-0.3, steps=20_000, until=1e-6)
    assert verdict.kind == kind, verdict.says


@pytest.mark.parametrize("text", ["(x^2-y)^2", "(x*y-1)^2", "(x^2+y^2-1)^2", "(sin(x)-y)^2"])
def test_no_basin_is_left_along_a_valley_that_bends(text):
    verdict = verdict_of(text, 0.05, x=1.3, y=0.2, steps=5000)
    assert verdict.kind == "converged", verdict.says
    assert "another one" not in "\n".join(verdict.says)


@given(a=st.integers(1, 9), b=st.integers(-9, -1), c=st.floats(-1, 1), x=st.floats(-1, 1))
@settings(max_examples=25)
def test_every_valley_has_a_bottom(a, b, c, x):
    verdict = verdict_of(f"({a}x+{b}y-{c!r})^2", 0.2 / (a * a + b * b), x=x, y=0.3)
    assert verdict.kind == "converged", verdict.says


@pytest.mark.parametrize("rate", [0.99, 1.01])
def test_the_stable_rate_is_the_border(rate):
    # of x^2 + 3y^2 it is 2/6
    _, trace = trace_of("x^2+3y^2", rate / 3, steps=2000, x=1.0, y=1.0)
    assert (abs(trace.points[-1][1]) < 1e-6) == (rate < 1.0)


def test_what_is_left_to_do(run):
    out = run("descend", "x^2", "--x", "1", "--rate", "0.3", "--steps", "3").answered().out
    assert "about 18 more to |f'| <= 1e-8" in " ".join(out.split())
    done = run("descend", "x^2", "--x", "1", "--rate", "0.3", "--format", "json").json["runs"][0]
    assert done["updates"] == 21


def test_exit_status(run):
    assert run("descend", "x^2", "--x", "1", "--rate", "1.1", "--steps", "30").status == 3
    assert run("descend", "x^2", "--x", "1", "--rate", "1").status == 0
    overflow = run("descend", CUBIC, "--x", "-2.01", "--rate", "0.04")
    assert overflow.status == 3
    assert "update 34 leads to x = -6.47" in overflow.err
    assert overflow.out.splitlines()[4].split()[:2] == ["0", "-2.01"]


def test_domains_on_the_way(run):
    result = run("descend", "log(x)", "--x", "2", "--rate", "3", "--format", "json")
    assert result.status == 3
    (only,) = result.json["runs"]
    assert [p["point"]["x"] for p in only["trace"]] == [2.0, 0.5]
    assert only["error"]["code"] == "domain"
    assert "update 2 leads to x = -5.5: log(x) has no value" in result.err
    text = run("descend", "log(x)", "--x", "2", "--rate", "3")
    assert text.caret("log(x)") == (0, 6)
    assert text.out.splitlines()[5].split() == ["1", "0.5", "-0.693147", "2"]
    run("descend", "log(x)", "--x", "-1").refused(3, "log(x) has no value")


# --- starts, variables, forms ------------------------------------------------------------------


def test_ranges_of_starting_points(run):
    result = run("descend", "x^3-3x", "--x", "-3:3:1", "--rate", "0.1")
    assert result.status == 3
    rows = [line.split() for line in result.out.splitlines()[4:11]]
    assert [row[-1] for row in rows] == [
        "diverging", "diverging", "stuck", "converged", "converged", "converged", "converged",
    ]  # fmt: skip
    assert "4 reached the minimum at x = 1" in result.out
    grid = run("descend", "x^2+y^2", "--x", "0:1:1", "--y", "1:2:1", "--format", "csv").answered().out
    rows = list(csv.DictReader(StringIO(grid)))
    assert [(row["x start"], row["y start"]) for row in rows] == [
        ("0.0", "1.0"), ("0.0", "2.0"), ("1.0", "1.0"), ("1.0", "2.0"),
    ]  # fmt: skip
    missing = run("descend", "log(x)^2", "--x", "-1:2:1", "--format", "value")
    assert missing.status == 3
    assert missing.out.splitlines()[:2] == ["", ""]


def test_what_moves(run):
    report = (
        run("descend", "(x-a)^2", "--x", "0", "--a", "2", "--wrt", "x", "--format", "json").answered().json
    )
    assert (report["variables"], report["fixed"]) == (["x"], {"a": 2.0})
    assert report["runs"][0]["end"]["x"] == pytest.approx(2.0)
    run("descend", "x*a", "--x", "0", "--a", "0:1:1", "--wrt", "x").refused(2, "a has a range")


def test_long_traces_are_thinned(run):
    out = run("descend", "x^2", "--x", "1", "--rate", "0.01", "--steps", "500").answered().out
    rows = [line.split()[0] for line in out.splitlines()[4:] if line.split() and line.split()[0].isdigit()]
    rows = rows[: rows.index("500") + 1]
    assert rows[:5] == ["0", "1", "2", "3", "4"]
    assert len(rows) <= 20
    assert "of 501 points are shown; --all shows every one" in out
    every = run("descend", "x^2", "--x", "1", "--rate", "0.01", "--steps", "500", "--all").out
    assert len(every.splitlines()) > 505


def test_many_variables(run):
    text = "+".join(f"x{i}^2" for i in range(1, 31))
    at = [f"x{i}={i}" for i in range(1, 31)]
    out = run("descend", text, *at, "--steps", "2").answered().out
    assert "|gradient|" in out
    assert "30 variables; the first 20 are shown" in out


def test_tables_in_markdown_and_latex(run):
    words = ("descend", "a_1^2", "--a_1", "1", "--steps", "1", "--format")
    assert "| update | a\\_1 | f | f' | step |" in run(*words, "markdown").answered().out
    latex = run(*words, "latex").answered().out
    assert r"$0$ & $1$ & $1$ & $2$ & $-0.2$ \\" in latex


def test_refusals(run):
    run("descend", "5").refused(2, "no variable to move")
    run("descend", "x", "--x", "1", "--rate", "0").refused(2, "positive number", "--ascend climbs")
    run("descend", "x", "--x", "1", "--until", "-1").refused(2, "not negative")
    run("descend", "x", "--x", "1", "--optimizer", "adm").refused(2, "did you mean adam")
    run("descend", "x", "--x", "0:1:1e-6").refused(2, "starting points")
    run("descend", "x", "--x", "1", "-o", "x.abc").refused(2, "names no format")


# --- pictures ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["x^2", "--x", "1"],
        [CUBIC, "--x", "-2.01", "--rate", "0.04"],
        ["x^2+y^2", "--x", "1", "--y", "2"],
        ["x^2+y^2+z^2", "--x", "1", "--y", "2", "--z", "3"],
        ["x^2", "--x", "-2:2:0.25"],
        ["x^2", "--x", "1", "--optimizer", "sgd", "--optimizer", "adam", "--rate", "0.1"],
        ["relu(x)", "--x", "-1"],
    ],
)
def test_svg(run, tmp_path, words):
    path = tmp_path / "d.svg"
    run("descend", *words, "-o", str(path))
    picture = ElementTree.parse(path).getroot()
    assert picture.get("role") == "img"
    assert "gradient descent" in "".join(picture.itertext())


def test_gif(run, tmp_path):
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("matplotlib")
    path = tmp_path / "d.gif"
    run("descend", "x^2", "--x", "1", "--rate", "1.1", "--steps", "3", "-o", str(path))
    with image.open(path) as animation:
        assert (animation.n_frames, animation.size) == (4, (900, 600))
    words = ("x^2", "--x", "1", "--optimizer", "sgd", "--optimizer", "adam")
    run("descend", *words, "-o", str(path)).refused(2, "a GIF shows one descent")


def test_drawing_in_text(run):
    out = run("descend", "x^2", "--x", "1", "--rate", "0.3", "--plot").answered().out
    assert "start" in out
    assert "end" in out
    assert "end" not in run("descend", "x^2", "--x", "1", "--rate", "0.3").out.split("converged")[0]


@pytest.mark.parametrize("count", [1, 2, 48, 49, 50, 60, 75, 100, 1001, 123_456, 1_000_001])
def test_an_animation_shows_what_it_says(count) -> None:
    picked, words = picked_points(count)
    assert (picked[0], picked[-1]) == (0, count - 1)
    assert len(picked) <= 50
    if count <= 49:
        assert (picked, words) == (list(range(count)), "")
        return
    each, step = (
        int(x.replace(",", "")) for x in re.findall(r"to (\d+) .* every ([\d,]+)(?:nd|th)$", words)[0]
    )
    assert picked == [*range(each), *range(each, count - 1, step), count - 1]


def test_a_gif_looks_where_it_is_told_to(run, tmp_path) -> None:
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("matplotlib")
    words = ["descend", "x^2", "--x", 1, "--rate", 0.3, "--steps", 3]
    path = tmp_path / "d.gif"
    run(*words, "--view", "-2:2,-1:3", "--delay", 80, "--size", "400x300", "--theme", "dark", "-o", str(path))
    with image.open(path) as animation:
        assert (animation.size, animation.info["duration"]) == ((400, 300), 80)
        assert animation.convert("RGB").getpixel((2, 2)) == (0x14, 0x17, 0x1C)
    svg = tmp_path / "d.svg"
    run(*words, "--view", "-50:50,0:200", "-o", str(svg)).answered()
    assert {">-40</text>", ">200</text>"} <= set(re.findall(r">[^<]*</text>", svg.read_text("utf-8")))
    run(*words, "--view", "0:1", "--format", "csv").refused(2, "--view is of pictures, not of csv")
    run(*words, "--delay", 80).refused(2, "--delay is of the frames of a GIF")
    run(*words, "--view", "1,2,3", "-o", str(svg)).refused(2, "a picture has two axes")
    run(*words, "--view", "3:1", "-o", str(svg)).refused(2, "--view 3:1 is no range")
    run("descend", "x*y*z", "--x", 1, "--y", 1, "--z", 1, "--view", "0:1").refused(2, "one or two variables")


def test_an_animation_says_what_it_leaves_out(run, tmp_path) -> None:
    short = run("descend", "x^2", "--x", 1, "--steps", 3, "-o", str(tmp_path / "short.gif")).answered()
    assert "the animation shows" not in short.err
    long = run("descend", "x^2", "--x", 1, "--rate", 0.01, "--steps", 900, "-o", str(tmp_path / "long.gif"))
    (shown,) = re.findall(r"the animation shows (\d+) of the 901 points", long.answered().err)
    assert 20 <= int(shown) < 901


@pytest.mark.parametrize(
    ("text", "name", "start", "lines"),
    [
        ("L = x^2", "x", 1, ["L' = ", "|L'| <= 1e-8", "2/L'' = 2/2"]),
        ("f^2", "f", 1, ["y' = ", "|y'| <= 1e-8"]),
        ("-x^4", "x", 0, ["stuck at x = 0 (f' = 0"]),
    ],
)
def test_words_call_the_function_what_it_is_called(run, text, name, start, lines) -> None:
    out = run("descend", text, f"--{name}", start, "--steps", 3).answered().out
    assert [line for line in lines if line not in out] == []


@pytest.mark.parametrize("text", ["-exp(-x^2-y^2)", "-1/(1 + x^2 + y^2)^4", "1 - exp(-x^2/2 - y^2)"])
def test_a_tail_is_no_minimum(run, text) -> None:
    """Far off the slope is short, and the circle around the minimum is curved: neither makes a minimum."""
    out = run("descend", text, "--x", -6, "--y", -6.5, "--until", 1e-6).answered().out
    assert "stuck at x = -6, y = -6.5" in out


def without_digits(error):
    return re.sub(r"[-+.\de]+", "#", str(error))


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("(1-x)^2+100*(y-x^2)^2", {"rate": 1e-3, "steps": 200}),
        ("sin(x)*cos(y)+0.1*x^2", {"rate": 0.1}),
        ("log(x)-x+y^2", {"rate": 0.1}),
        ("x^2+y^2", {"rate": 0.5}),
        ("-x^4-y", {"rate": 3.0, "steps": 3}),
        ("sqrt(x+3)+y*y", {"rate": 0.7}),
        ("abs(x)+y*y", {"optimizers": ["sgd:momentum=0.9", "adam"], "steps": 100}),
        ("x^2-y^2", {"ascend": True, "rate": 0.3, "steps": 50}),
    ],
)
def test_many_starts_together_end_as_each_alone(text, options, monkeypatch):
    ranges = {"x": [-2.0, -0.7, 0.0, 0.3, 1.0, 1.9], "y": [-1.5, -0.4, 0.0, 0.8, 1.0, 2.6]}
    together = descend_from(text, ranges=ranges, **options)
    monkeypatch.setattr(report, "TOGETHER", 1 << 60)
    for one, other in zip(together.runs, descend_from(text, ranges=ranges, **options).runs, strict=True):
        assert (one.start, one.label, one.kind) == (other.start, other.label, other.kind)
        assert (one.trace is None) == (other.trace is None)
        assert str(one.error) == str(other.error)
        if one.trace is not None:
            a, b = one.trace, other.trace
            assert (a.end, a.updates, without_digits(a.error)) == (b.end, b.updates, without_digits(b.error))
            np.testing.assert_allclose(a.points, b.points, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(a.gradients, b.gradients, rtol=1e-9, atol=1e-12)


# --- Newton's method ---------------------------------------------------------------------------


def newton(text: str, start: dict[str, float], **how):
    graph = lower(parse(text))
    function = Function(graph, start, list(start))
    trace = descend(
        function, tuple(start.values()), read("newton", None), **{"steps": 50, "until": 1e-8} | how
    )
    return trace, judge(function, trace)


def test_newtons_method_on_rosenbrocks_function():
    # Dennis and Schnabel, Numerical Methods for Unconstrained Optimization (1983): these six updates
    trace, verdict = newton("(1 - x)^2 + 100*(y - x^2)^2", {"x": -1.2, "y": 1.0})
    expected = [24.2, 4.731884, 1411.845, 0.05596552, 0.3131890, 1.852740e-11, 3.432646e-20]
    assert trace.values == pytest.approx(expected, rel=1e-6)
    assert verdict.kind == "converged"


def test_one_update_of_newtons_method_is_enough_on_a_quadratic():
    for ascend in (False, True):
        sign = "-" if ascend else ""
        trace, verdict = newton(f"{sign}(x^2 + x*y + 3*y^2 - x)", {"x": 4.0, "y": -7.0}, ascend=ascend)
        assert trace.updates == 1
        assert verdict.kind == "converged"
        assert trace.points[-1] == pytest.approx((6 / 11, -1 / 11), abs=1e-14)


def test_the_digits_of_newtons_method_double():
    trace, _ = newton("x - log(x)", {"x": 0.5})
    errors = [abs(x - 1.0) for (x,) in trace.points[:5]]
    assert errors[1:] == pytest.approx([e * e for e in errors[:-1]], rel=1e-6)


def test_newtons_method_goes_where_the_slope_is_0():
    assert "a maximum" in newton("x^3 - 3x", {"x": -0.5})[1].says[0]
    assert "a saddle" in newton("x^2 - y^2", {"x": 1.0, "y": 1.0})[1].says[0]


def test_newtons_method_needs_an_inverse():
    trace, verdict = newton("x^3 - 3x", {"x": 0.0})
    assert (trace.updates, verdict.kind) == (0, "no-slope")
    assert "update 1 cannot be made at x = 0: f'' = 0 there" in verdict.says[0]
    assert "an eigenvalue of the Hessian is 0" in newton("x^2 + 0*y", {"x": 1.0, "y": 1.0})[1].says[0]


def test_newtons_method_is_no_optimizer_of_a_config():
    assert "newton" not in FIRST_ORDER


def test_newton_that_went_uphill_is_far_from_the_minimum_not_without_one(run):
    out = run("descend", "ln(x)^2", "--x", "5", "--optimizer", "newton").out
    assert "stuck at x = 5.93907e9" in out
    assert "without end" not in out
    assert "f = 506.015 at x = 5.87968e9" in out
