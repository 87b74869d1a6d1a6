"""The limit command: its quotients, what it reads from them, its verdicts and forms."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from io import StringIO
from itertools import pairwise
from math import copysign, cos, isclose, isfinite, isinf, sin
from xml.etree import ElementTree

import mpmath
import pytest

from backprop_cli.differentiation.convergence import converge
from backprop_cli.errors import Source
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.render.limit import charts

EPS = 2.0**-52


def limits(text, names=None, **at):
    graph = lower(parse(Source(text)), set(at))
    return converge(graph, at, names or list(graph.inputs))


def limit(text, **at):
    (found,) = limits(text, [next(iter(at))], **at).limits
    return found


# --- quotients ---------------------------------------------------------------------------------


def test_published_errors_of_the_sine_at_1():
    found = limit("sin(x)", x=1.0)
    rows = {row.h: row for row in found.rows}
    forward = [found.error(rows[h].forward) for h in (1e-3, 1e-4, 1e-5)]
    assert [f"{e:.1e}" for e in forward] == ["-4.2e-04", "-4.2e-05", "-4.2e-06"]
    central = [found.error(rows[h].central) for h in (1e-3, 1e-4)]
    assert [f"{e:.3e}" for e in central] == ["-9.005e-08", "-9.004e-10"]


def test_quotients_are_the_textbooks_in_the_order_written():
    for row in limit("sin(x)", x=1.0).rows:
        h = row.h
        assert row.above == sin(1.0 + h)
        assert row.forward == (sin(1.0 + h) - sin(1.0)) / h
        assert row.backward == (sin(1.0) - sin(1.0 - h)) / h
        assert row.central == (sin(1.0 + h) - sin(1.0 - h)) / (2.0 * h)


def test_published_forward_quotient_to_the_last_bit():
    # (f(x+h) - f(x))/h of 2x^2 - 3x + 4 at 2, h = 1e-6
    found = {row.h: row.forward for row in limit("2x^2-3x+4", x=2.0).rows}
    assert found[1e-6] == 5.000002000876691


def test_steps_are_the_floats_nearest_to_powers_of_ten(run):
    rows = run("limit", "sin(x)", "--x", "1", "--format", "json").json["limits"][0]["rows"]
    assert [row["h"] for row in rows] == [
        1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15,
    ]  # fmt: skip
    few = run("limit", "x^2", "--x", "1", "--steps", "1,0.25,1/2", "--format", "json").json
    assert [row["h"] for row in few["limits"][0]["rows"]] == [1.0, 0.5, 0.25]
    up = run("limit", "x^2", "--x", "1", "--steps", "5e-3:5e-1", "--format", "json").json
    assert [row["h"] for row in up["limits"][0]["rows"]] == [0.5, 0.05, 0.005]


# --- what they say -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "x", "orders"),
    [
        ("sin(x)", 1.0, (1, 2, 2)),
        ("exp(x)", 0.5, (1, 2, 2)),
        ("exp(100x)", 0.1, (1, 2, 2)),  # h = 0.1 is too large for any order
        ("x*log(x)", 1.0, (1, 2, 2)),  # f = 0
        ("1/x", 1e-8, (1, 2, 2)),  # from h = 1e-9 on
        ("sin(x)", 0.0, (2, 2, 2)),  # f'' = 0 there
        ("x^2", 3.0, (1, None, None)),  # no third derivative: central quotients are exact
        ("5x+1", 2.0, (None, None, None)),
    ],
)
def test_measured_orders(text, x, orders):
    fits = limit(text, x=x).fits
    for scheme, order in zip(("forward", "central", "complex"), orders, strict=True):
        measured = fits[scheme].order
        assert (measured is None) if order is None else abs(measured - order) < 0.03, scheme


def test_where_rounding_takes_over():
    found = limit("sin(x)", x=1.0)
    forward, central = found.fits["forward"], found.fits["central"]
    assert (forward.best, central.best) == (1e-8, 1e-5)
    # |f''|/2*h = eps*|f|/h, where f'' = -f: h = sqrt(2 eps); |f'''|/6*h^2 = eps*|f|/h
    assert isclose(forward.meet, (2 * EPS) ** 0.5, rel_tol=1e-9)
    assert isclose(central.meet, (EPS * sin(1) / (cos(1) / 6)) ** (1 / 3), rel_tol=1e-6)
    assert isclose(found.second, -sin(1), rel_tol=1e-14)
    assert isclose(found.third, -cos(1), rel_tol=1e-9)
    assert found.fits["complex"].meet is None


def test_rounding_of_x_and_cancellation_are_named():
    assert limit("x*log(x)", x=1.0).source == "eps/2*|x*f'|"
    inside = limit("(1-cos(x))/x^2", x=1e-5)
    assert (inside.source, inside.second) == ("cancellation", None)


def test_x_plus_h_that_is_x(run):
    out = run("limit", "x", "--x", "1e10", "--steps", "1e-5:1e-8").answered().out
    assert "from h = 1e-7 on, x + h rounds to x itself" in out


@pytest.mark.parametrize(
    ("text", "x", "kind", "left", "right", "words"),
    [
        ("|x|", 0.0, "kink", -1, 1, "left -1, right 1: no derivative"),
        ("sqrt(x^2)", 0.0, "kink", -1, 1, "left -1, right 1: no derivative"),
        ("max(x, 3x)", 0.0, "kink", 1, 3, "left 1, right 3: no derivative"),
        ("floor(x)", 2.0, "jump", None, 0, "left +infinity, right 0: no derivative"),
        # neighbours of 0 and of 1 are swallowed on the way
        ("floor(2*(x-1))", 0.0, "jump", None, 0, "left +infinity, right 0: no derivative"),
        ("ceil(3+x)", 1.0, "jump", 0, None, "left 0, right +infinity: no derivative"),
        ("ceil(gelu(x))", 1e6, "jump", 0, None, "left 0, right +infinity: no derivative"),
        ("where(x<0, 1, x)", 0.0, "jump", None, 1, "left -infinity, right 1: no derivative"),
        ("sign(x)", 0.0, "jump", None, None, "left +infinity, right +infinity: no derivative"),
        ("sqrt(x)", 0.0, "vertical", None, None, "left no value of f, right +infinity: no derivative"),
        ("sqrt(1-x)", 1.0, "vertical", None, None, "left -infinity, right no value of f: no derivative"),
        ("cbrt(x)", 0.0, "vertical", None, None, "left +infinity, right +infinity: no derivative"),
    ],
)
def test_where_there_is_no_derivative(run, text, x, kind, left, right, words):
    found = limit(text, x=x)
    assert (found.kind, found.left, found.right) == (kind, pytest.approx(left), pytest.approx(right))
    result = run("limit", text, "--x", str(x))
    assert result.status == 3
    assert words in result.out


@pytest.mark.parametrize(
    ("text", "tends", "words"),
    [
        (
            "relu(x) - relu(-x)",
            1.0,
            "the quotients tend to 1, but the rules say 0: the conventions at the kinks",
        ),
        ("x - relu(x) + relu(-x)", 0.0, "the quotients tend to 0, but the rules say 1: the conventions"),
    ],
)
def test_conventions_that_add_up_to_another_slope(run, text, tends, words):
    found = limit(text, x=0.0)
    assert (found.kind, found.left) == ("disagree", pytest.approx(tends))
    result = run("limit", text, "--x", "0")
    assert result.status == 1
    assert words in result.out


def test_growth_of_vertical_tangents():
    assert limit("sqrt(x)", x=0.0).growth == pytest.approx(-1 / 2)
    assert limit("cbrt(x)", x=0.0).growth == pytest.approx(-2 / 3)


def test_conventions_are_said(run):
    out = run("limit", "|x|", "--x", "0").out
    assert "gradients use a convention at abs(x): abs'(0) = 0; grad shows 0 here" in out


def test_no_sentence_without_its_column(run):
    page = run("limit", "where(x>1,x^2,2x-1)", "--x", "1").answered().out
    assert "both sides of the kink of x > 1 have this slope" in page
    assert "complex step" not in page


def test_a_kink_with_one_slope_is_none():
    found = limit("relu(x)^2", x=0.0)
    assert (found.kind, found.slope) == ("derivative", 0.0)


def test_edges_of_domains(run):
    found = limit("x^1.5", x=0.0)
    assert (found.kind, found.slope, found.outside) == ("edge", 0.0, -1)
    assert found.fits["forward"].order == pytest.approx(0.5)
    out = run("limit", "x^1.5", "--x", "0").answered().out
    assert "f has no value below x = 0" in out


def test_a_slope_that_the_rules_have_none_of_is_the_limit(run):
    # acos(x)^2 falls with slope -2 at 1, where acos' does not exist and is multiplied by 0
    out = run("limit", "acos(x)^2", "--x", "1").answered().out
    assert "from below the quotients tend to -2, the\n  one-sided derivative" in out
    out = run("limit", "where(x == 0, 0, (1-cos(x))/x)", "--x", "0").answered().out
    assert "derivative 0.5 (the quotients in many digits)" in out
    assert "x == 0 changes at this point alone" in out


@pytest.mark.parametrize(
    ("text", "x", "kind", "slope"),
    [
        ("ceil(x^2)", 0.0, "jump", None),
        ("where(x == 1, 1, x)^2", 1.0, "derivative", 2.0),
        ("min(x - x, gelu(x))", 0.0, "kink", None),
        ("s = ceil(asin(x)); y = x*2", 2.7, "derivative", 2.0),
        ("abs(x)^1.01", 0.0, "derivative", 0.0),
        ("abs(x)^0.99", 0.0, "vertical", None),
        ("where(x == 0, 0, x*sin(1/x))", 0.0, "unsettled", None),
        ("where(x == 0, 0, x^2*sin(1/x))", 0.0, "derivative", 0.0),
        ("ceil(sqrt(x))", 0.0, "jump", None),
    ],
)
def test_what_many_digits_see(text, x, kind, slope):
    found = limit(text, x=x)
    assert found.kind == kind
    if slope is not None:
        assert found.slope == slope


def test_no_value_at_all(run):
    run("limit", "log(x)", "--x", "-1").refused(3, "log(x) has no value at x = -1")


# --- forms -------------------------------------------------------------------------------------


def test_the_table(run):
    lines = run("limit", "sin(x)", "--x", "1", "--steps", "1e-3:1e-4").answered().out.splitlines()
    assert lines[0] == "f = sin(x) = 0.841471 at x = 1"
    assert lines[4].split() == [
        "1e-3", "0.84201087", "0.53988148", "-4.208e-4", "0.54030222", "-9.005e-8", "0.54030240", "9.005e-8",
    ]  # fmt: skip
    assert lines[5].split()[0] == "1e-4"
    assert lines[7].startswith("derivative 0.5403023058681398 (reverse mode)")


def test_numbers_of_the_words_are_those_of_the_json(run):
    words = run("limit", "sin(x)", "--x", "1").out
    (found,) = run("limit", "sin(x)", "--x", "1", "--format", "json").json["limits"]
    orders = re.findall(r"order (\S+) from h = 1e-1 to (\S+);", words)
    best = re.findall(r"best h = (\S+), error (\S+)", words)
    for (order, last), (h, error), fit in zip(orders, best, found["schemes"].values(), strict=True):
        assert f"{fit['order']:.2f}" == order
        assert float(last) == fit["to"]
        assert float(h) == fit["best_h"]
        assert isclose(float(error), fit["best_error"], rel_tol=0.01)
    (second,) = re.findall(r"f''/2\*h = (\S+)\*h,", words)
    assert isclose(float(second), found["second"] / 2, rel_tol=2e-3)


def test_json(run):
    report = run("limit", "a*sin(b)", "--a", "2", "--b", "0.5", "--format", "json").answered().json
    assert (report["value"], report["reference"]) == (2 * sin(0.5), "reverse")
    assert [found["input"] for found in report["limits"]] == ["a", "b"]
    assert isclose(report["limits"][1]["slope"], 2 * cos(0.5), rel_tol=1e-15)
    row = report["limits"][1]["rows"][2]
    assert row["forward_error"] == row["forward"] - report["limits"][1]["slope"]


def test_csv_and_tsv(run):
    text = run("limit", "a*b", "--a", "2", "--b", "3", "--steps", "1,0.5", "--format", "csv").answered().out
    rows = list(csv.DictReader(StringIO(text)))
    assert [(row["input"], row["h"], row["forward"]) for row in rows] == [
        ("a", "1.0", "3.0"), ("a", "0.5", "3.0"), ("b", "1.0", "2.0"), ("b", "0.5", "2.0"),
    ]  # fmt: skip
    tabs = run("limit", "a*b", "--a", "2", "--b", "3", "--steps", "1", "--format", "tsv").out
    assert tabs.splitlines()[1].split("\t")[:2] == ["a", "1.0"]


def test_markdown_and_latex(run):
    at = ("--a_b", "1", "--steps", "0.1")
    markdown = run("limit", "a_b^2", *at, "--format", "markdown").answered().out
    assert markdown.startswith(r"**f = a\_b^2 = 1 at a\_b = 1**")
    assert "| h | f(a\\_b+h) | forward |" in markdown
    latex = run("limit", "a_b^2", *at, "--format", "latex").answered().out
    assert r"\begin{tabular}{rrrrrrrr}" in latex
    assert r"f(a\_b+h)" in latex


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("where(x > 0, 1/x, 3)", "f jumps: the gap itself grows while h shrinks"),
        ("where(x > 0, log(x), 3)", "f jumps: the gap itself grows while h shrinks"),
        ("floor(x)", "f jumps: the gap stays while h shrinks, so gap/h grows like 1/h"),
    ],
)
def test_what_is_said_of_a_gap(run, text, says):
    assert says in run("limit", text, "--x", "0").out


def test_wrt_and_symbolic(run):
    report = run("limit", "a*b", "--a", "2", "--b", "3", "--wrt", "b", "--format", "json").json
    assert [found["input"] for found in report["limits"]] == ["b"]
    text = "(1-cos(x))/x^2"
    exact = run("limit", text, "--x", "1e-5", "--symbolic", "--format", "json").answered().json
    assert exact["reference"] == "symbolic"
    assert isclose(exact["limits"][0]["slope"], -1e-5 / 12, rel_tol=1e-9)


def test_the_v_in_a_terminal():
    (drawn,) = charts(limits("sin(x)", x=1.0))
    assert "|error|" in drawn
    assert "complex step" in drawn


def test_svg(run, tmp_path):
    for text, x in (("sin(x)", "1"), ("|x|", "0"), ("cbrt(x)", "0"), ("5x", "1")):
        path = tmp_path / "v.svg"
        run("limit", text, "--x", x, "-o", str(path))
        picture = ElementTree.parse(path).getroot()
        assert picture.get("role") == "img"
        assert "Difference quotients of" in "".join(picture.itertext())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["5"], "no variable to move"),
        (["x", "--x", "0:1:0.5"], "limit works at one point: x is a range"),
        (["x", "--x", "1", "--steps", "0"], "a step size is a positive number"),
        (["x", "--x", "1", "--steps", "0.1,sin"], "--steps: "),
        (["x", "--x", "1", "--wrt", "y"], "no input y"),
        (["x", "--x", "1", "--format", "value"], "value"),
        (["x"], "no value for x"),
    ],
)
def test_refusals(run, words, said):
    run("limit", *words).refused(2, said)


def test_start_up_is_light():
    code = (
        "import sys; from backprop_cli.cli.main import main; main(['limit', 'sin(x)', '--x', '1']);"
        "print(sorted({'numpy', 'sympy', 'mpmath'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_json_is_strict_at_kinks(run):
    report = json.loads(run("limit", "1/x", "--x", "0.1", "--steps", "0.1,0.01", "--format", "json").out)
    assert report["limits"][0]["rows"][0]["f_below"] is None  # 1/0


@pytest.mark.parametrize(
    ("text", "bindings", "header", "moves"),
    [
        ("h^2 + f", ("--h", 1, "--f", 2), "y(h+k)", "h moves by k"),
        ("f^2", ("--f", 1), "y(f+h)", ""),
        ("x^2 + k", ("--x", 1, "--k", 2), "f(x+h)", "x moves by h"),
    ],
)
def test_letters_are_none_of_the_program(run, text, bindings, header, moves) -> None:
    out = run("limit", text, *bindings).answered().out
    assert header in out
    assert moves in out


# --- the definition in 80 digits, by mpmath -----------------------------------------------------


class NoValue(Exception):
    """Outside of the domain."""


def inside(function, has):
    def checked(x):
        if not has(x):
            raise NoValue
        return function(x)

    return checked


WORDS = {
    "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan, "exp": mpmath.exp, "tanh": mpmath.tanh,
    "atan": mpmath.atan, "floor": mpmath.floor, "ceil": mpmath.ceil, "sign": mpmath.sign, "abs": abs,
    "max": max, "min": min, "mpf": mpmath.mpf, "relu": lambda x: max(x, mpmath.mpf(0)),
    "sqrt": inside(mpmath.sqrt, lambda x: x >= 0), "log": inside(mpmath.log, lambda x: x > 0),
    "asin": inside(mpmath.asin, lambda x: abs(x) <= 1), "acos": inside(mpmath.acos, lambda x: abs(x) <= 1),
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "where": lambda condition, then, other: then() if condition() else other(),
}  # fmt: skip

DEFINED = """
sin(x); x^2; abs(x); sqrt(x); cbrt(x); x*abs(x); floor(x); ceil(x); sign(x); max(x, x^2); min(x, -x)
relu(x); relu(x)^2; sqrt(abs(x)); sqrt(x^2); abs(sin(x)); x^3-3*x; tan(x); where(x == 0, 0, x*sin(1/x))
sqrt(x^3); where(x == 0, 0, x^2*sin(1/x)); where(x == 0, 0, exp(-1/x^2)); where(x < 1, x^2, 2*x-1)
sqrt(x^4); where(x < 1, x^2, 3*x-2); where(x < 1, x^2, x+1); where(x <= 1, x, x^2); abs(x-1)+abs(x+1)
sqrt(1-x^2); asin(x); acos(x); acos(x)^2; asin(x)*sqrt(1-x^2); cbrt(x)^2; cbrt(x^2); cbrt(x)^3
cbrt(x-1)*(x-1); abs(x)^3; floor(x)*x; x-floor(x); (x-floor(x))^2; abs(x-floor(x)-0.5); floor(x)+ceil(x)
sign(x)*x; sign(x)*x^2; sqrt(x)*x; max(0, x)^3; abs(x^2-1); abs(x^3); abs(x)+x; abs(abs(x)-1)
where(x == 0, 1, sin(x)/x); where(x == 0, 0, sin(x)/x); where(x == 0, 0, (1-cos(x))/x); sin(abs(x))
cos(abs(x)); exp(abs(x)); log(1+abs(x)); x/(1+abs(x)); sqrt(x^5); min(max(x, -1), 1)
where(x > 0, sqrt(x), -x); where(x > 0, x^2, -x^2); where(x > 0, sin(x), x); abs(tanh(x))
where(x > 0, cos(x), 1); where(x > 0, exp(x), 1+x); sqrt((x-1)^2); acos(cos(x)); sqrt(1-cos(x))
sqrt(sin(x)^2); cbrt(sin(x)); floor(sin(x)); x*sign(sin(x)); floor(x^2); ceil(-x^2); where(x == 1, 5, x)
where(x != 1, x^2, 1); where(x != 1, x^2, 2); abs(cbrt(x)); max(sqrt(abs(x)), x); 1e6*abs(x)
1e-6*abs(x); asin(1-x^2); log(x)^2
""".replace("\n", ";").split(";")  # fmt: skip


def quotients(f, at, own, way):
    """Return what the quotients of one side do: nothing, a number, infinity with its sign, or neither."""
    found = []
    for k in range(15, 33, 3):
        h = way * mpmath.mpf(10) ** -k
        try:
            found.append((f(at + h) - own) / h)
        except (NoValue, ZeroDivisionError):
            return None
    apart = [abs(b - a) for a, b in pairwise(found)]
    if apart[-1] <= 1e-6 * (1 + abs(found[-1])):
        return float(found[-1])
    grows = all(abs(b) > 1.02 * abs(a) for a, b in pairwise(found)) and len({q > 0 for q in found}) == 1
    return float("inf") * (1 if found[-1] > 0 else -1) if grows else float("nan")


@pytest.mark.parametrize("x", [0.0, 1.0])
def test_verdicts_are_the_definitions(x):
    bad = []
    for text in filter(None, map(str.strip, DEFINED)):
        python = re.sub(r"(?<![\w.])(\d+\.?\d*(?:e-?\d+)?)", r'mpf("\1")', text).replace("^", "**")
        python = re.sub(
            r"where\(([^,]*), ([^,]*), ([^,]*)\)", r"where(lambda: \1, lambda: \2, lambda: \3)", python
        )
        code = compile(python, text, "eval")
        with mpmath.workdps(80):
            at = mpmath.mpf(x)
            f = lambda x, code=code: eval(code, {**WORDS, "x": x})  # noqa: E731
            try:
                own = f(at)
            except (NoValue, ZeroDivisionError):
                continue
            sides = [quotients(f, at, own, way) for way in (-1, 1)]
        found = limit(text, x=x)
        finite = [side for side in sides if side is not None and isfinite(side)]
        if any(side is not None and side != side for side in sides):
            right = found.kind == "unsettled"
        elif any(side is not None and isinf(side) for side in sides):
            signs = tuple(int(copysign(1, s)) if s is not None and isinf(s) else 0 for s in sides)
            right = found.kind in ("vertical", "jump") and found.infinite == signs
        elif len(finite) < 2:
            right = found.kind == "edge" and found.slope == pytest.approx(finite[0], abs=1e-6)
        elif sides[0] == pytest.approx(sides[1], abs=1e-7):
            right = found.kind == "derivative" and found.slope == pytest.approx(sides[0], abs=1e-6)
        else:
            right = found.kind == "kink" and [found.left, found.right] == pytest.approx(sides, rel=1e-6)
        if not right:
            bad.append((text, sides, found.kind, found.slope, found.left, found.right, found.infinite))
    assert bad == []


@pytest.mark.parametrize(
    ("text", "x", "third"), [("1/x", "1e-9", "-1e36"), ("tan(x)", "1.5707963267948966", "7.11e64")]
)
def test_truncation_is_that_of_the_point_itself(text, x, third, run):
    out = run("limit", text, "--x", x).out
    assert f"truncation is about f'''/6*h^2 = {third}*h^2" in out
    assert "exact but for rounding" not in out
