"""Points beyond the chain rule: 0 times an infinite slope, and points that a condition sets apart."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_differentiation import InProcess

from backprop_cli.differentiation.higher import higher
from backprop_cli.differentiation.report import differentiate
from backprop_cli.engine.point import Point
from backprop_cli.errors import SlopeError
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse

# programs, the point, and the derivative by x as a limit worked out by hand
SLOPES: list[tuple[str, float, float]] = [
    ("cbrt(x)^3", 0.0, 1.0),
    ("sqrt(x)^2", 0.0, 1.0),
    ("sqrt(x)*sqrt(x)", 0.0, 1.0),
    ("(x^0.5)^2", 0.0, 1.0),
    ("acos(x)^2", 1.0, -2.0),
    ("asin(x - 1)^2 + 3x", 1.0, 3.0),
    ("(acosh(x)^2 + x)/2", 1.0, 1.5),
    ("cbrt(x^5)", 0.0, 0.0),
    ("sqrt(x^4)", 0.0, 0.0),
    ("(x^5)^(1/3)", 0.0, 0.0),
    ("sqrt(x^4) + sin(x)", 0.0, 1.0),
    ("hypot(x, sqrt(x^4))^2", 0.0, 0.0),
    ("sqrt(1 - cos(x))^2 + 2x", 0.0, 2.0),
    ("abs(x)^1.01", 0.0, 0.0),
    ("s = sqrt(x); s - s", 0.0, 0.0),
    ("where(x == 0, 0, (1-cos(x))/x)", 0.0, 0.5),
    ("where(x == 0, 1, (exp(x)-1)/x)", 0.0, 0.5),
    ("where(x != 0, sin(x)/x, 1)", 0.0, 0.0),
    ("where(x == 1, 2, (x^2-1)/(x-1))", 1.0, 1.0),
    ("where(x == 1, 1, x)^2", 1.0, 2.0),
    ("where(x == 0.1, 0, sin(x-0.1)) + where(0.1 == x, 0, x - 0.1)", 0.1, 2.0),
    ("where(x == pi, -1, sin(x)/(x-pi))", math.pi, 0.0),
    ("where(abs(x) > 0, tan(x)/x, 1) + x", 0.0, 1.0),
    ("where(x >= 0, where(x <= 0, 1, sin(x)/x), sin(x)/x) - x", 0.0, -1.0),
    ("where(x >= 0, 2*where(x <= 0, 7x, sin(x)), 2x)", 0.0, 2.0),
    ("where(x < 0, x, where(x <= 0, 9x, sin(x)))", 0.0, 1.0),
    ("where(x < 0, sin(x), x) + where(x <= 0, tan(x), x)", 0.0, 2.0),
    ("where(x^2 <= 0, 0, cos(1/x)*x^3)", 0.0, 0.0),
    ("where(2x == x, 0.5, 1/x - 1/(exp(x)-1))", 0.0, -1/12),
    ("where(0 < x, x, x^(2/3)*x^(2/3))", 0.0, 1.0),
    # what is left of 1 - cos(x) so near to 0 takes many digits
    ("1/(where(x != 0, (1 - cos(x))/x^2, 0.5) - where(1 < 0, 1e300, exp(-1)))", 0.0, 0.0),
]  # fmt: skip

NONE: list[tuple[str, float]] = [
    ("sqrt(x)", 0.0),
    ("abs(cbrt(x))", 0.0),
    ("abs(cbrt(x)^3)*1 + cbrt(x)^3*0 + abs(cbrt(x))^3", 0.0),
    ("abs(acos(x))", 1.0),
    ("x + abs(x)^0.99", 0.0),
    ("where(x == 0, 5, x)", 0.0),
    ("cot(x/1e300) + where(x < 3, 0, x)", 3.0),
    ("where(x == 0, 0, x*sin(1/x))", 0.0),
    ("where(x == 0, 0, abs(x))", 0.0),
    ("where(x == 2, 4, 1/(x-2))", 2.0),
]


def slope_of(text: str, x: float) -> float:
    return Point.at(lower(parse(text)), {"x": x}).gradient(["x"])["x"]


@pytest.mark.parametrize(("text", "x", "slope"), SLOPES)
def test_slopes(text: str, x: float, slope: float) -> None:
    assert slope_of(text, x) == pytest.approx(slope, rel=1e-14, abs=1e-14)


@pytest.mark.parametrize(("text", "x"), NONE)
def test_no_slope(text: str, x: float) -> None:
    with pytest.raises(SlopeError):
        slope_of(text, x)


@pytest.mark.parametrize(("text", "x", "slope"), SLOPES)
def test_every_method_has_the_slope_or_none(text: str, x: float, slope: float) -> None:
    methods = ("reverse", "finite", "forward", "complex-step")
    report = differentiate(lower(parse(text)), {"x": x}, methods=methods)
    id = report.graph.inputs["x"]
    for method in ("reverse", "forward"):
        assert report.point is not None
        assert report.columns[method][id] is None or id not in report.point.limits
    for method, column in report.columns.items():
        if (number := column[id]) is not None:
            assert number == pytest.approx(slope, rel=1e-5, abs=1e-5), method
    assert report.gradient["x"] == pytest.approx(slope, rel=1e-14, abs=1e-14)
    assert report.agree


def test_where_a_number_is_from(run: Any) -> None:
    facts = run("grad", "cbrt(x)^3 + y", "--x", "0", "--y", "1", "--format", "json").answered().json
    assert facts["gradient"] == {"x": 1.0, "y": 1.0}
    assert facts["sources"] == {"x": "limit", "y": "reverse"}
    assert facts["nodes"][0]["gradient"]["reverse"] is None
    assert "the chain rule multiplies 0 by the infinite slope of cbrt(x)" in facts["warnings"][0]
    assert "sources" not in run("grad", "x*y", "--x", "2", "--y", "1", "--format", "json").answered().json


def test_points(run: Any) -> None:
    rows = "x\n-1\n0\n0.5\n0\n"
    for text, slope in (("cbrt(x)^3", 1.0), ("where(x == 0, 0, (1-cos(x))/x)", 0.5)):
        out = run("grad", text, "--points", "-", "--format", "json", stdin=rows).answered().out
        slopes = [json.loads(line)["gradient"]["x"] for line in out.splitlines()]
        assert slopes[1] == slopes[3] == pytest.approx(slope, rel=1e-14)
    done = run("grad", "where(x == 0, 5, x)", "--points", "-", "--format", "csv", stdin=rows)
    assert done.status == 3
    assert done.out.count("there is no slope in x") == 2


@pytest.mark.parametrize(
    ("text", "at", "order", "numbers"),
    [
        ("exp(-sqrt((a/l-b/l)^2)^2)", {"a": 1, "b": 1, "l": 1}, 2, [-2, 2, -2]),
        ("sqrt(x)^4", {"x": 0}, 2, [0, 2]),
        ("sqrt(x^4)", {"x": 0}, 2, [0, 2]),
        ("cbrt(x^6) + x", {"x": 0}, 2, [1, 2]),
        ("(x^1.5)^2", {"x": 0}, 3, [0, 0, 6]),
        ("where(x == 0, 1, sin(x)/x)", {"x": 0}, 4, [0, -1 / 3, 0, 1 / 5]),
        ("where(x == 0, 0.5, (1 - cos(x))/x^2)", {"x": 0}, 2, [0, -1 / 12]),
    ],
)
def test_higher_orders(run: Any, text: str, at: dict[str, int], order: int, numbers: list[float]) -> None:
    words = [word for name, x in at.items() for word in (f"--{name}", str(x))]
    by = ["--wrt", "a,b"] if len(at) > 1 else []
    for more in ([], ["--method", "reverse"]):
        out = run("grad", text, *words, *by, "--order", str(order), "--format", "value", *more).answered().out
        assert [float(line) for line in out.splitlines()] == pytest.approx(numbers, rel=1e-9, abs=1e-9)


def test_a_selector_has_no_slope_and_the_hint_leads_on(run: Any) -> None:
    words = ("grad", "where(k == 1, x^2, x^3)", "--k", "1", "--x", "2", "--format", "value")
    assert "hint: --wrt x asks for what has one" in run(*words).refused(3, "there is no slope in k").err
    assert run(*words, "--wrt", "x").answered().out == "4.0\n"


def test_a_second_derivative_that_is_none(run: Any) -> None:
    for text in ("x^1.5", "where(x == 0, 0, x*abs(x))"):
        run("grad", text, "--x", "0", "--order", "2", "--format", "value").refused(
            3, "does not exist at x = 0"
        )


roots = st.sampled_from(["sqrt({})", "cbrt({})", "({})^0.5", "({})^(1/3)", "({})^1.5", "({})^0.75"])


@settings(deadline=None, max_examples=40)
@given(root=roots, inner=st.integers(1, 5), outer=st.integers(1, 6), factor=st.integers(-3, 3))
def test_powers_of_roots_are_powers(root: str, inner: int, outer: int, factor: int) -> None:
    """A root of a power, to a power, is one power of x: its slope at 0 from the right is known."""
    text = f"({root.format(f'x^{inner}')})^{outer} + {factor}*x"
    x = sympy.Symbol("x", positive=True)
    exponent = {"sqrt({})": "1/2", "cbrt({})": "1/3", "({})^0.5": "1/2", "({})^(1/3)": "1/3"}.get(root)
    power = sympy.Rational(exponent or root[root.index("^") + 1 :]) * inner * outer
    assume(power < 30)
    right = sympy.limit((x**power + factor * x) / x, x, 0, "+")
    try:
        found: Any = slope_of(text, 0.0)
    except SlopeError:
        # infinite, or a kink: an odd power of |x|
        assert not right.is_finite or (power == 1 and inner % 2 == 0)
    else:
        assert found == float(right)


@pytest.mark.parametrize(
    ("text", "at", "warned"),
    [
        # a 0 that rounding made, and one that is true
        ("x - (x - 1)", {"x": 1e300}, True),
        ("(exp(x) - 1)/x", {"x": -1e-300}, True),
        ("((cos(x) - x) - hypot(x, 1))^2", {"x": -1e300}, True),
        ("s = sqrt(x); s - s", {"x": 3.0}, False),
        ("x - 0.1", {"x": 0.1}, False),
        # bounds that are wide, and numbers that are exact
        ("(x-y)^n", {"x": 1.0, "y": -1.0, "n": 4.0}, False),
        ("1/((1+x)-1)", {"x": 1e-15}, True),
        ("(x - (x - y))^5", {"x": 1e300, "y": 1.0}, True),
        ("1/((1+x)-1)", {"x": 2.0**-40}, False),
        # a kink is no end to what rounding does, and neither is a literal exponent
        ("sech(log(1 + x)/x)", {"x": 1e-300}, True),
        ("abs(log(1 + x)/x) + 2", {"x": 1e-300}, True),
        ("x^tan(pi)", {"x": 1e-8}, True),
        ("sec(acot(x)) + log2(x)", {"x": 1e-300}, True),  # a pole may lie between the number and its float
        ("tan(1.25 + x)", {"x": 0.25}, False),
        ("abs(x - 1) + 2", {"x": 1.0}, False),
        ("floor(10*x)", {"x": 0.3}, False),
    ],
)
def test_a_warning_of_cancellation_is_true(text: str, at: dict[str, float], warned: bool) -> None:
    for methods in (("reverse",), ("reverse", "finite")):
        report = differentiate(lower(parse(text), at), at, methods=methods)
        assert any("cancellation" in w for w in report.warnings) is warned


def test_a_fraction_in_an_exponent_is_rounded() -> None:
    """Far out the sixteenth digit of 1/3 is the fourteenth of the power."""
    at = {"x": 1e300}
    report = differentiate(lower(parse("x^(1/3)")), at, process=InProcess())
    assert [v.verdict for v in report.verdicts if v.verdict != "not-run"] == ["agree", "agree"]


def test_a_kink_in_a_branch_not_taken_is_none() -> None:
    at = {"x": 1e300}
    report = differentiate(lower(parse("where(x == 2, ceil(x), 2)")), at, methods=("reverse", "finite"))
    assert report.verdicts[0].verdict == "agree"


def test_what_has_no_formula_has_none(run: Any) -> None:
    for words in (["0^x"], ["(x - x)^x", "--x", "1"]):
        rows = run("grad", *words, "--format", "json").answered().json["nodes"]
        assert rows[0]["formula"] is None
    out = run("grad", "(x - x)^x", "--x", "1").answered().out
    assert "agree in 1 of 3 rows" in out  # a method without a number agrees with nobody


@pytest.mark.parametrize(
    ("text", "at", "verdicts"),
    [
        # what happens within 1e-300 of a zero
        ("1/(1 + x*1e300)", {"x": 0.0}, "agree"),
        ("x + 1/(1 + x*1e300)", {"x": 0.0}, "agree"),
        ("tan(x*y)", {"x": 0.0, "y": 1e300}, "agree agree"),
        ("sin(1e10*x) + x", {"x": 0.0}, "agree"),
        ("where(x^2 < x, 1, x)", {"x": 1e-300}, "agree"),
        ("min(x, where(x == 1, 1, 0))", {"x": -1e-300}, "agree"),
        ("where(x < y, x, y)", {"x": 0.0, "y": -1e-300}, "agree agree"),
        ("where(1e-300 >= y, y, 1)", {"y": 0.0}, "agree"),
        ("round(x) + x", {"x": -1e300}, "noisy"),
        ("floor(x)", {"x": 1e300}, "jump"),
        # kinks that the floats around them do not show
        ("where(tanh(x) <= x, x, x/x)", {"x": 0.0}, "jump"),
        ("where(1 - x >= 1, x, gamma(x))", {"x": 0.0}, "jump"),
        ("ceil(y) - x*x", {"x": 1e8, "y": 0.0}, "agree jump"),
        ("hard_tanh(x) - 1e300", {"x": 1.0}, "kink"),
        ("where(1 + x == 1, x, 2x)", {"x": 1e-20}, "agree"),  # by design: the branch that floats take
        ("x - sec(x)", {"x": 1e300}, "noisy"),
        # the quotient underflows, its jump does not
        ("mod(x, 1e300)", {"x": 0.0}, "jump"),
        ("mod(sign(x), 1e300)", {"x": 1.0}, "agree"),
        ("mod(x, y)", {"x": 0.0, "y": -1e300}, "jump agree"),
        ("mod(x^2, 1e300)", {"x": 0.0}, "agree"),
        ("atan2(x, -1e300)", {"x": 0.0}, "jump"),
        ("where(x <= 0, 1, x)^1e-300", {"x": 0.0}, "jump"),  # to 0, however slowly
        # the slope at the jump is that of the branch on one side
        ("where(x != 0, where(x < y, x, 1), x)", {"x": 0.0, "y": 0.0}, "jump agree"),
        ("where(x != 0, where(x < y, x, 1), x)", {"x": 0.0, "y": 1.0}, "agree agree"),
    ],
)
def test_verdicts_right_beside_the_point(text: str, at: dict[str, float], verdicts: str) -> None:
    graph = lower(parse(text), at)
    report = differentiate(graph, at, methods=("reverse", "finite"))
    assert [report.verdicts[graph.inputs[name]].verdict for name in sorted(at)] == verdicts.split()


@pytest.mark.parametrize(
    ("text", "at", "wrt"),
    [
        ("where((y^x) >= x, x, 1)", {"x": 1.0, "y": -1.0}, "y"),
        ("max(1, x^y)*x", {"x": -2.0, "y": 1.0}, "x"),
        ("floor(x^(y + 1)) - x", {"x": -2.0, "y": 1.0}, "x"),
        ("cos(x^y)", {"x": -1e300, "y": -2.0}, "x"),
        ("clamp(x, x, floor(x)) + y", {"x": 0.0, "y": 1.0}, "y"),
        ("where(x > 0, y, x)^1.5", {"x": 0.0, "y": -1.0}, "y"),
        ("(-(x^2))^1.5*y", {"x": 0.0, "y": 1.0}, "y"),
        ("abs(x)^where(x < 0, y, 2) + (-abs(x))^(y + 0.5)", {"x": 0.0, "y": 1.0}, "y"),
    ],
)
def test_a_value_that_stands_alone_has_no_slope(text: str, at: dict[str, float], wrt: str, run: Any) -> None:
    (other,) = at.keys() - {wrt}
    words = [text, *(f"{name}={x!r}" for name, x in at.items())]
    for more in ([], ["--method", "forward"], ["--format", "value"], ["--order", "2"]):
        run("grad", *words, *more).refused(3, f"there is no slope in {other}", "no value beside this point")
    run("grad", *words, "--wrt", wrt).answered()


def test_a_value_that_stands_alone_among_many(run: Any, tmp_path: Any) -> None:
    (tmp_path / "p.csv").write_text("x,y\n-2,1\n2,1\n0,1\n")
    for text, answered in (
        ("where(x^y >= 1, x, x)", [False, True, True]),
        ("clamp(abs(x) + 1, 2 - abs(x), 2 - 1.5*abs(x)) + y", [False, False, False]),
        ("(-(x^2))^1.5 + y", [False, False, False]),
        ("x^1.5 + y", [False, True, True]),
    ):
        out = run("grad", text, "--points", tmp_path / "p.csv", "--format", "csv").out
        assert [line.endswith(",") for line in out.splitlines()[1:]] == answered


def test_what_no_value_surrounds_is_no_limit(run: Any) -> None:
    """The logarithm of 0 is infinite in many digits, and so are all quotients."""
    words = ["log2(where(x != -1, 0, x*y)^2)", "x=-1", "y=3"]
    run("grad", *words, "--format", "value").refused(3, "there is no slope in x", "have no value")


def test_a_condition_on_what_has_no_value_has_none(run: Any) -> None:
    words = ["where(y == 0, x, 1 - where(digamma(x) == 0, x, 1))", "x=0", "y=0", "--format", "value"]
    run("grad", *words).refused(3, "there is no slope in y", "have no value")
    words = ["where(y != x, where(x^0.5 < 0.5, x, y), x)", "x=-2", "y=-2", "--format", "value"]
    run("grad", *words).refused(3, "there is no slope in y", "have no value")


def test_edges_of_domains_with_a_slope_keep_it() -> None:
    for text, at, slopes in (
        ("x^1.5", {"x": 0.0}, [0.0]),
        ("x^y", {"x": 0.0, "y": 2.0}, [0.0, 0.0]),
        ("clamp(x, 1, y)", {"x": 0.0, "y": 1.0}, [0.0, 0.0]),
        ("clamp(x, y, y)", {"x": 0.0, "y": 1.0}, [0.0, 1.0]),
    ):
        point = Point.at(lower(parse(text), at), at)
        assert list(point.gradient(sorted(at)).values()) == slopes
        assert point.limits == {}


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("atanh(cos(x))", "x=1e-300", "cos(x) is 1 - 5.0e-601, and atanh(cos(x)) is 691.469"),
        ("1/((1+x)-1)", "x=1e-20", "(1+x)-1 is 1e-20, and 1/((1+x)-1) is 1e20"),
        ("sqrt(0.3-0.1-x)", "x=0.2", "0.3-0.1-x is 0, and sqrt(0.3-0.1-x) is 0"),
        ("log(erfc(x))", "x=30", "erfc(x) is 2.56466e-393, and log(erfc(x)) is -903.974"),
        ("log(x*x)", "x=1e-200", "x*x is 1.0e-400, and log(x*x) is -921.034"),
        ("asin(x/3)", "x=4", None),
        ("log(sin(x))", "x=0", None),
        ("1/(x-0.3)", "x=0.3", None),
        ("log(x)", "x=0", None),
        ("log(tanh(x) - 1)", "x=50", None),
    ],
)
def test_what_rounding_alone_puts_outside_a_domain_is_told(
    text: str, at: str, said: str | None, run: Any
) -> None:
    for command in (["eval"], ["grad"], ["grad", "--format", "value"]):
        err = run(*command, text, at).refused(3, "has no value").err
        assert ("rounding" in err) is (said is not None)
        assert said is None or f"hint: rounding alone leads there: in many digits {said}\n" in err


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("csch(x)/(x*1e300)", {"x": 1e-8}),
        ("1/(1e-300^x)", {"x": -1.0}),
        ("1e10/(x*y)", {"x": 1e300, "y": 1.0}),
    ],
)
def test_what_underflows_on_the_way_is_told(text: str, at: dict[str, float]) -> None:
    report = differentiate(lower(parse(text), at), at, methods=("reverse",))
    assert any("the slope in" in w for w in report.warnings)
    report = differentiate(lower(parse(text), at), at, process=InProcess())
    assert "rounding" in [v.verdict for v in report.verdicts]


def test_a_slope_without_a_digit_is_told_where_sympy_has_no_number() -> None:
    at = {"x": -1e-300}
    graph = lower(parse("hypot(2, where(x == 0.25, x, x - x/x))"), at)
    report = differentiate(graph, at, process=InProcess())
    assert report.columns["symbolic"][graph.inputs["x"]] is None
    assert report.verdicts[graph.inputs["x"]].verdict == "rounding"
    assert "the slope in x" in report.warnings[0]


def test_no_path_leads_through_0_to_an_infinite_slope(run: Any) -> None:
    words = ["floor(y/x)*0", "y=-2", "x=-1e-300"]
    chains = run("explain", *words, "--format", "json").answered().json["chains"]
    assert [(chain["name"], chain["paths"]) for chain in chains] == [("y", 1), ("x", 0)]
    assert "inf" not in run("explain", *words).answered().out


@pytest.mark.parametrize(
    ("text", "at", "step"),
    [
        ("s = 0.1 + 0.2 - y; 3s + 1", "y=0.3", "s = 5.55112e-17 stands for 0"),
        ("s = sin(pi*y); s + 2", "y=1", "s = 1.22465e-16 stands for 0"),
        ("s = 0.1 + 0.2 - y; 3s + 1", "y=0.25", None),
        ("s = y - 1e-17; s + 1", "y=0", None),
    ],
)
def test_what_rounding_leaves_of_0_is_told(text: str, at: str, step: str | None, run: Any) -> None:
    for command in (["grad"], ["explain"], ["grad", "--method", "reverse", "--method", "finite"]):
        err = run(*command, text, at).answered().err
        assert ("stands for 0" in err) is (step is not None)
        assert step is None or f"warning: rounding: {step}\n" in err


def test_slopes_too_small_for_floats_are_no_disagreement() -> None:
    """The slope of v^-1 at 1e300 is no float, but the finite difference of the whole is one."""
    at = {"y": 1.0}
    report = differentiate(lower(parse("(1e300*y)^-1")), at, methods=("reverse", "finite"))
    assert report.agree


def test_second_derivatives_that_rounding_made(run: Any) -> None:
    run("grad", "log10(x)", "--x", "1e-300", "--order", "2", "--format", "value").refused(3, "does not exist")
    for text, x in (("(x^2 - 1)/(x - 1)", "2.004233816926577"), ("(exp(x) - 1 - x)/x^2", "1e-9")):
        done = run("grad", text, "--x", x, "--order", "2", "--format", "value").answered()
        assert "rounding: d2" in done.err
    many = ["(exp(a) - 1 - a)/a^2 + b*c*d*e", "a=1e-9", "b=1", "c=2", "d=3", "e=4"]  # a Hessian of 15 numbers
    done = run("grad", *many, "--order", "2", "--format", "value").answered()
    assert done.err.splitlines() == ["warning: rounding: d2f/da2 holds to few digits"]
    out = run("grad", "sin(x)/x", "--x", "1e-300", "--order", "2", "--format", "value").answered().out
    assert out.splitlines()[1] == "-0.3333333333333333"
    assert run("grad", "3x + 1", "--x", "2", "--order", "2", "--format", "value").answered().err == ""


@pytest.mark.parametrize(
    ("text", "x", "verdict", "slope"),
    [
        ("where(x >= 0.3, x^2, x)", 0.3, "jump", 0.6),
        ("abs(x - 0.3)^3", 0.3, "agree", 0.0),
        ("(x - 0.1)^2", 0.1, "agree", 0.0),
        ("max(x, 0.3)", 0.3, "kink", 0.5),
        ("where(x < -0.7, x^3, x)", -0.7, "jump", 1.0),
        ("relu(x - pi)^2", math.pi, "agree", 0.0),
    ],
)
def test_an_input_that_is_a_literal_of_the_program_is_that(
    text: str, x: float, verdict: str, slope: float
) -> None:
    """0.3 as a float is not 0.3, and both sides of a comparison have to be read the same way."""
    report = differentiate(lower(parse(text)), {"x": x}, process=InProcess())
    id = report.graph.inputs["x"]
    assert report.verdicts[id].verdict == verdict
    assert report.columns["symbolic"][id] == report.gradient["x"] == slope


@pytest.mark.parametrize("text", ["y^1e300", "log(y^1e300)", "power(y, 2e17)", "(y^9007199254740993)^3"])
def test_the_slope_of_a_power_beyond_whole_floats_has_its_sign(text: str) -> None:
    """An even power falls at -1; from 2^53 on floats have n - 1 as n."""
    assert slope_of(text.replace("y", "x"), -1.0) < 0.0
    assert slope_of(text.replace("y", "x"), 1.0) > 0.0


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("abs(x*x)", 2.0),
        ("max(x^2, 0)", 2.0),
        ("max(x^2, 2x^2)", 4.0),
        ("min(x^2, x^4)", 0.0),
        ("abs(x)^2 + sin(x)", 2.0),
        ("relu(x^2)*cos(x)", 2.0),
        ("abs(x)^3", 0.0),
        ("where(x > 0, x^2, x^2)", 2.0),
        ("relu(x)^2", None),
        ("x*abs(x)", None),
    ],
)
def test_second_derivatives_at_kinks_that_are_none(text: str, second: float | None, run: Any) -> None:
    (limit,) = run("limit", text, "x=0", "--format", "json").answered().json["limits"]
    assert limit["second"] == (second if second is None else pytest.approx(second, abs=1e-15))
    words = ["grad", text, "x=0", "--order", "2"]
    number = float(run(*words, "--method", "reverse", "--format", "value").answered().out.splitlines()[1])
    row = run(*words).answered().out.splitlines()
    if second is not None:
        assert number == pytest.approx(second, abs=1e-15)
        assert not any("disagree" in line for line in row)
    else:
        assert any("kink" in line for line in row)


def test_a_branch_that_is_no_number_is_left_alone() -> None:
    at = {"x": 0.0}
    report = differentiate(
        lower(parse("where(x > 2, gamma(x/x), where(x == 0, 1, sin(x)/x))")), at, methods=("reverse",)
    )
    assert report.gradient["x"] == 0.0


def test_a_change_below_the_digits_is_none() -> None:
    """In many digits log(y^c)/log(y) still rounds, where it is c."""
    assert slope_of("log_base(x^1.25, where(x != 1.6, x, 1.6))", 1.6) == 0.0


def test_a_second_derivative_that_rounding_made_far_out(run: Any) -> None:
    done = run(
        "grad", "cot(abs(x + 0.25))", "x=1e300", "--order", "2", "--method", "reverse", "--format", "value"
    )
    assert "rounding: d2f/dx2" in done.answered().err


def test_quotients_at_a_kink_know_their_steps() -> None:
    """The float next to 0.3 is not 0.3 + h: a parabola's quotient is off by that."""
    for text, x in (("relu(x - 0.3)^2", 0.3), ("relu(x - pi)^2", math.pi)):
        report = differentiate(lower(parse(text)), {"x": x}, methods=("reverse", "finite"))
        assert report.verdicts[report.graph.inputs["x"]].verdict == "agree"


def test_rounding_is_told_among_many_points(run: Any) -> None:
    words = ["grad", "(1-cos(x))/x^2", "--points", "-", "--format", "csv"]
    told = "warning: cancellation: rounding may leave fewer than 3 digits in "
    err = run(*words, stdin="x\n2\n1e-9\n1e-12\n3\n").answered().err
    assert err == told + "2 of 4 points; number 2 is the first\n"
    assert run(*words, stdin="x\n2\n3\n").answered().err == ""
    many = "x\n" + "".join(f"{k}e-12\n" for k in range(1, 500))
    err = run(*words, stdin=many).answered().err
    assert err == told + "286 of the first 286 points (no other was looked at); number 1 is the first\n"


def test_an_exponent_far_out_is_no_whole_number_beside_the_point(run: Any) -> None:
    for more in ([], ["--format", "value"]):
        run("grad", "x^(1e300*x)", "x=-2", *more).refused(3, "does not exist")


def test_a_tie_of_whole_floats_is_one() -> None:
    """A jump of 10 beside 1e300 is below a float's last digit, and a jump."""
    at = {"x": -1e300, "y": -1e300}
    graph = lower(parse("where(y < x, x, x - 10)"), at)
    report = differentiate(graph, at, methods=("reverse", "finite"))
    assert [report.verdicts[graph.inputs[name]].verdict for name in "xy"] == ["jump", "jump"]


@pytest.mark.parametrize(
    ("text", "x", "slope"),
    [
        ("floor(10*x)*x", 0.3, 3.0),
        ("round(5*x)*x", 0.3, 2.0),
        ("max(10*x, 3)", 0.3, 5.0),
        ("where(x/3*3 >= 0.3, x^2, x)", 0.3, 0.6),
        ("where(3*x >= 0.9, x^2, x)", 0.3, 1.0),  # the branch that floats take
        ("floor(7*x)*x", 0.3, 2.0),
        ("mod(where(hard_tanh(x) < x, x, x), x)", 1e-8, 0.0),
        ("floor(x/x)*x", 1 / 3, 1.0),
    ],
)
def test_symbolic_numbers_are_of_the_pieces_that_floats_are_on(text: str, x: float, slope: float) -> None:
    """0.3 as a float is less than 0.3, and x/x is 1 in no number of digits that x*(1/x) has."""
    report = differentiate(lower(parse(text)), {"x": x}, process=InProcess())
    id = report.graph.inputs["x"]
    assert report.columns["symbolic"][id] == report.columns["reverse"][id] == slope
    assert report.verdicts[id].verdict in ("agree", "kink", "jump")


def test_a_step_without_a_slope_passes_on_none(run: Any) -> None:
    text = "where(where(x > 2, 2, x) == x, x, x^x + x^x)"
    for command in (["explain"], ["explain", "--format", "json"], ["graph"], ["grad"]):
        assert "nan" not in run(*command, text, "x=-0.5").answered().out


def test_a_second_derivative_far_out_beside_an_infinite_slope() -> None:
    report = higher(lower(parse("acos(hard_sigmoid(x)/hard_sigmoid(x)) - sin(x)")), {"x": 1e300}, order=2)
    assert report.rows[1].limit == pytest.approx(math.sin(1e300), rel=1e-12)


def test_a_branch_waits_for_the_digits_that_decide_it(run: Any) -> None:
    """Of 10^300 fifty digits say nothing of the sign of its cotangent."""
    done = run("grad", "relu(x/cot(1e300))", "x=0.125", "--format", "json").answered().json
    assert done["nodes"][0]["gradient"]["symbolic"] == pytest.approx(5.860081925944898, rel=1e-15)
    assert "inf" not in run("grad", "relu(x/cot(1e300))", "x=0.125").answered().out.replace("infinite", "")


def test_a_run_that_cannot_go_on_is_no_fault(run: Any) -> None:
    run("descend", "atanh(softsign(x) - y)", "x=1", "y=0", "--steps", "10").answered()


@pytest.mark.parametrize(
    ("text", "x"),
    [
        ("log(1 - abs(ceil(x) - floor(x)))", 2.0),
        ("atanh(sign(x))", 0.0),
        ("1/(1 - sign(x)^2) + x", 0.0),
        ("log(where(x >= 0, 1 - ceil(x), x))", 0.0),
    ],
)
def test_a_value_that_a_jump_leaves_alone_has_no_slope(text: str, x: float, run: Any) -> None:
    run("grad", text, f"x={x}", "--format", "value").refused(
        3, "there is no slope in x", "beside the jump of"
    )
    out = run("grad", text, "--points", "-", "--format", "csv", stdin=f"x\n{x}\n").out
    assert "beside the jump of" in out


@pytest.mark.parametrize(
    ("text", "x"), [("log(floor(x) + 1)", 0.0), ("floor(x)/2 + x^2*0", 2.0), ("log(5 + floor(x))", 2.0)]
)
def test_a_jump_within_a_domain_keeps_its_convention(text: str, x: float) -> None:
    assert slope_of(text, x) == 0.0


@pytest.mark.parametrize(
    ("text", "x"),
    [
        ("asin(sin(x))", math.pi / 2),
        ("asin(sin(x))^2", -math.pi / 2),
        ("acos(cos(x))", math.pi),
        ("sqrt(1 - sin(x))", math.pi / 2),
    ],
)
def test_parts_of_pi_are_no_decimals(text: str, x: float) -> None:
    """3*pi/2 is where asin(sin(x)) bends; the decimal that its float is written as lies a little further."""
    for turns in (0, 2 * math.pi, -4 * math.pi):
        with pytest.raises(SlopeError):
            differentiate(lower(parse(text)), {"x": x + turns}, methods=("reverse",))


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("abs(x)^1.01", None),
        ("relu(x)^1.02", None),
        ("abs(x)^1.05 + 3x", None),
        ("relu(x) + abs(x)^1.01", (0.0, 1.0)),
        ("max(x, 2x) + abs(x)^1.01", (1.0, 2.0)),
        ("abs(x) + x^2", (-1.0, 1.0)),
    ],
)
def test_slopes_that_fade_are_no_sides_of_a_kink(text: str, sides: tuple[float, float] | None) -> None:
    """In floats abs(x)^1.01 still has slopes of 0.88 to both sides of 0, where it has none."""
    report = differentiate(lower(parse(text)), {"x": 0.0}, methods=("reverse", "finite"))
    verdict = report.verdicts[0]
    assert (verdict.verdict == "kink") == (sides is not None)
    if sides is not None:
        assert verdict.quotient is not None
        assert (verdict.quotient.left, verdict.quotient.right) == pytest.approx(sides, abs=1e-9)


def test_a_slope_beside_a_value_without_digits_is_warned_of(run: Any) -> None:
    """The argument of the sine is known to 1e285, its slope to no digit."""
    done = run("grad", "sinc(selu(10/y))", "y=1e-300", "--format", "value").answered()
    assert "fewer than 3 digits of the slope in y" in done.err


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("y*cos(x - (x - 1))", {"x": 1e17, "y": 2.0}),
        ("y*tanh(1 + x - x)^2", {"x": 1e17, "y": 2.0}),
        ("y*sigmoid(log(1 + x)/x)", {"x": 1e-300, "y": 2.0}),
        ("atan(y + (x - (x - 1)))", {"x": 1e17, "y": 1e-9}),
    ],
)
def test_an_operand_without_a_digit_spoils_what_is_level_there(
    text: str, at: dict[str, float], run: Any
) -> None:
    """To first order the rounding of an operand changes nothing where the slope is 0."""
    words = [f"{name}={x}" for name, x in at.items()]
    done = run("grad", text, *words, "--format", "value", "--wrt", "y").answered()
    assert "fewer than 3 digits of the slope in y" in done.err, done


def test_a_formula_has_no_number_that_is_not_real(run: Any) -> None:
    """In the branch not taken acosh'(0) is 1/i."""
    done = run("grad", "acosh(where(x == 0, x, (1 - cos(x))/x) - x)", "x=-3", "--format", "json").answered()
    assert "Imaginary" not in done.out


def test_an_exponent_that_is_worked_out_is_off_as_its_number(run: Any) -> None:
    run("grad", "y^hard_sigmoid(sqrt(3))", "y=1e-300").answered()
