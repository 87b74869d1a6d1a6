"""Derivatives of what equations define: against literal numbers, mpmath, and random curves."""

from __future__ import annotations

import random
from math import isclose

import pytest
from mpmath import mp, mpf

from backprop_cli import BackpropError, draw, implicit
from backprop_cli.differentiation import implicit as module
from backprop_cli.differentiation.solving import roots
from backprop_cli.engine.run import value_at as graph_value
from backprop_cli.errors import Source
from backprop_cli.language.equations import read_equations
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.layout import EDGES


def slopes(text, **values):
    report = implicit(text, **values)
    assert report.agree is not False
    return {slope.name: slope.settled for slope in report.slopes}


def formulas(text, **options):
    return {slope.name: slope.formula for slope in implicit(text, **options).slopes}


def test_a_circle():
    report = implicit("x^2 + y^2 = 25", x=3, y=4, order=2)
    assert [(s.name, s.formula, s.settled, s.verdict.verdict) for s in report.slopes] == [
        ("dy/dx", "-x/y", -0.75, "agree"),
        ("d2y/dx2", "-25/y^3", -25 / 64, "agree"),
        ("dx/dy", "-y/x", -4 / 3, "agree"),
        ("d2x/dy2", "-25/x^3", -25 / 27, "agree"),
    ]
    assert report.to_dict()["tangent"]["texts"] == ["y = -0.75*x + 6.25", "3*x + 4*y = 25"]


def test_twelve_digits_of_a_root_and_its_slope():
    report = implicit("x*y + sin(y) = 1", x=0.5)
    with mp.workdps(40):
        y = mp.findroot(lambda y: y / 2 + mp.sin(y) - 1, mpf("0.7"))
        slope = -y / (mpf(1) / 2 + mp.cos(y))
        assert report.solved == ("y",)
        assert abs(report.inputs["y"] / y - 1) < mpf("1e-15")
        for number in report.slopes[0].numbers.values():
            assert abs(number / slope - 1) < mpf("1e-12")


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("y = x*sin(y) + 1", {}, {"dy/dx": "sin(y)/(1 - x*cos(y))", "dx/dy": "(1 - x*cos(y))/sin(y)"}),
        ("x*y*z = 6", {"solve": ["z"]}, {"dz/dx": "-z/x", "dz/dy": "-z/y"}),
        ("exp(x*y) = 2", {"wrt": ["x"]}, {"dy/dx": "-y/x"}),
        (
            "x^2 + y^2 + z^2 = 14; x + y - z = 0",
            {"solve": ["y", "z"]},
            {"dy/dx": "-(x + z)/(y + z)", "dz/dx": "(y - x)/(y + z)"},
        ),
    ],
)
def test_formulas(text, options, expected):
    assert formulas(text, **options) == expected


def test_a_system_by_its_jacobian_matrix():
    found = slopes("x^2 + y^2 + z^2 = 14; x + y - z = 0", x=1, y=2, z=3, solve=["y", "z"])
    assert isclose(found["dy/dx"], -0.8, rel_tol=1e-14)
    assert isclose(found["dz/dx"], 0.2, rel_tol=1e-14)


def test_where_there_is_no_slope():
    def said(text, **at):
        report = implicit(text, **at)
        return [s.why for s in report.slopes], report.tangent, report.exists

    why, tangent, exists = said("x^2 + y^2 = 25", x=5, y=0)
    assert (why, exists) == (["dF/dy is 0: the tangent is vertical", ""], True)
    assert tangent.factors == (1.0, 0.0)
    why, tangent, exists = said("y^2 = x^3", x=0, y=0)
    assert [w.split(", ")[1] for w in why] == ["a singular point: the equation defines no slope here"] * 2
    assert (tangent, exists) == (None, False)
    why, tangent, _ = said("|x| + |y| = 1", x=0, y=1)
    assert (why, tangent) == (["", "the equation has a kink in x here"], None)
    why, *_ = said("x + y + z = 0; 2x + 2y - z = 0", x=1, y=-1, z=0, solve=["x", "y"])
    assert "singular" in why[0]


def test_kinks_have_two_slopes():
    verdict = implicit("|x| + |y| = 1", x=0, y=1).slopes[0].verdict
    assert (verdict.verdict, verdict.quotient.left, verdict.quotient.right) == ("kink", 1.0, -1.0)


@pytest.mark.parametrize(
    ("text", "options", "message", "hint"),
    [
        ("x^2 + y^2 = 25", {"x": 3, "y": 5}, "the sides differ by 9", "the nearest is y = 4"),
        ("x^2 + y^2 = 25", {"x": 3}, "there are 2 points: y = -4, y = 4", "--y 4 chooses one"),
        ("x^2 + y^2 = -1", {"x": 3}, "no y was found", "--y VALUE"),
        ("x*y*z = 6", {}, "3 variables and 1 equation", "--solve z"),
        ("x^2 = 4", {"x": 2}, "no variable is left", "one variable more"),
        ("x^2 + y^2 = 25", {"q": 2}, "no variable q", "x, y"),
        ("x^2 + y^2 = 25", {"solve": ["x", "y"]}, "solved for 1 variable", "variables: x, y"),
        ("A = b*h", {"rates": {"b": 1}}, "1 is given", "--rate h=NUMBER"),
        ("y = a*x", {"inverse": True}, "y has 2", "--wrt"),
        ("x^2 + y^2 = 25", {"inverse": True}, "for a function", "both slopes"),
        ("x*y", {}, "no equation", "x^2 + y^2 = 25"),
        ("x + y = 1; x - y = z", {"order": 2, "solve": ["y", "z"]}, "order 1 and 2", ""),
    ],
)
def test_wrong_questions(text, options, message, hint):
    with pytest.raises(BackpropError) as caught:
        implicit(text, **options)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


def test_what_was_rounded_on_the_way_is_mended():
    report = implicit("x^2 + y^2 = 2", x=1, y=1.0000000001)
    assert (report.inputs["y"], report.slopes[0].settled) == (1.0, -1.0)
    assert "taken for that on the curve" in report.notes[0]


def test_related_rates():
    (rate,) = implicit("x(t)^2 + y(t)^2 = 25", x=3, y=4, rates={"x": 2}).rates
    assert rate == ("y", "-x/y*dx/dt", -1.5)
    (rate,) = implicit("A = b*h", b=3, h=2, rates={"b": 1, "h": 2}).rates
    assert rate == ("A", "h*db/dt + b*dh/dt", 8.0)


@pytest.mark.parametrize(
    ("text", "x", "inverse"),
    [
        ("y = x^3", 2.0, ("cbrt(y)", "1/(3*cbrt(y)^2)")),
        ("y = x^3", -2.0, ("cbrt(y)", "1/(3*cbrt(y)^2)")),
        ("y = x^3", None, ("cbrt(y)", "1/(3*cbrt(y)^2)")),
        ("y = x^2", -3.0, ("-sqrt(y)", "-1/(2*sqrt(y))")),
        ("y = x^2", None, None),  # there are two
        ("y = exp(2x + 1)", 0.0, ("(log(y) - 1)/2", "1/(2*y)")),
        ("y = sin(x)", 3.0, ("pi - asin(y)", "-1/sqrt(1 - y^2)")),
        ("y = sigmoid(x)", 0.3, ("log(y/(1 - y))", "1/(y*(1 - y))")),
        ("y = x + sin(x)", 1.0, None),  # x is used twice
    ],
)
def test_inverse_functions(text, x, inverse):
    report = implicit(text, {} if x is None else {"x": x}, inverse=True)
    assert report.inverse == inverse
    if x is not None:
        forward, back = (slope.settled for slope in report.slopes)
        assert isclose(forward * back, 1.0, rel_tol=1e-14)


def test_an_inverse_has_no_slope_where_the_function_is_level(run):
    out = run("grad", "y = x^3", "--inverse", "--x", "0").answered().out
    assert "no dx/dy: dy/dx is 0 here, and the inverse has no slope" in out
    assert implicit("y = x^3", x=2, inverse=True).slopes[1].settled == 1 / 12


def test_an_inverse_has_no_slope_at_a_kink(run):
    out = run("graph", "y = abs(x)", "--inverse", "--x", "0").answered().out
    assert "no dx/dy: dy/dx has a kink here, and the inverse has no slope" in out


BOTH = ["3*x^2 = 12", "1/(3*x^2) = 0.0833333"]


@pytest.mark.parametrize(
    ("format_", "texts"),
    [
        ("text", ["|<- 3*x^2 = 12, 1/(3*x^2) = 0.0833333 -->|"]),
        ("dot", [*BOTH, "n1 -> n0", "dir=both"]),
        ("mermaid", ["n1 <-->|", "3#42;x^2 = 12<br>1/(3#42;x^2) = 0.0833333"]),
        ("tikz", ["[way, <->]", r"$3 \cdot x^{2}$ $=$ $12$", r"$\frac{1}{3 \cdot x^{2}}$ $=$ $0.0833333$"]),
        ("svg", BOTH),
    ],
)
def test_both_slopes_are_on_the_arrow_of_a_graph(run, format_, texts):
    out = run("graph", "y = x^3", "--inverse", "--x", "2", "--format", format_).answered().out
    assert [text for text in texts if text not in out] == []
    heads = out.count('Z" class="f-muted"')
    assert heads == (2 if format_ == "svg" else 0)


@pytest.mark.parametrize(
    ("text", "x", "forth", "back"),
    [
        ("y = x^3", 2.0, ("3*x^2", 12.0), ("1/(3*x^2)", 1 / 12, "")),
        ("y = x^3", None, ("3*x^2", None), ("1/(3*x^2)", None, "")),
        ("y = x^3", 0.0, ("3*x^2", 0.0), ("1/(3*x^2)", None, "the tangent is horizontal")),
    ],
)
def test_the_edge_of_an_inverse_has_both_slopes(text, x, forth, back):
    facts = draw(text, {} if x is None else {"x": x}, inverse=True).to_dict()
    (edge,) = facts["edges"]
    assert [node["id"] for node in facts["nodes"]] == [edge["source"], edge["target"]]
    assert (edge["symbol"], edge["value"]) == forth
    assert (edge["back"]["symbol"], edge["back"]["value"]) == back[:2]
    assert back[2] in edge["back"]["why"]
    assert edge["back"]["why"] == "" or back[2]


@pytest.mark.parametrize("edges", EDGES)
def test_slopes_that_are_long_stand_in_the_legend(edges):
    text = draw("y = exp(sin(x^2 + 3x))", x=0.3, inverse=True, edges=edges, digits=17).to_text()
    assert ("dx/dy = exp(" in text.split("in a box")[1]) == (edges in ("both", "symbol"))
    report = implicit("y = exp(sin(x^2 + 3x))", x=0.3, inverse=True)
    for slope in report.slopes:
        assert (repr(slope.settled) in text) == (edges in ("both", "value"))


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["y = a*x"], ["y has 2", "--wrt"]),
        (["x^2 + y^2 = 25"], ["for a function"]),
        (["y = f(x)"], ["a function of numbers"]),
        (["y = x^3", "--x", "1:3:1"], ["one point"]),
        (["y = x^3", "--named"], ["--named is for graphs"]),
        (["y = x^3", "--path", "x"], ["--path is for graphs"]),
    ],
)
def test_what_the_graph_of_an_inverse_refuses(run, args, words):
    run("graph", *args, "--inverse").refused(2, *words)


def test_an_inverse_that_does_not_lead_back_is_not_shown(monkeypatch):
    monkeypatch.setattr(module, "_holds", lambda formula, at, number: "sqrt" not in formula)
    assert implicit("y = x^2", x=3, inverse=True).inverse is None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("x^2 + y^2 = 25", {"x": 3.0, "y": 4.0}),
        ("x^3 + y^3 = 6*x*y", {"x": 3.0, "y": 3.0}),
        ("x*y + sin(y) = 1", {"x": 0.5, "y": 0.704576912921746}),
        ("y = x*sin(y) + 1", {"x": 0.5, "y": 1.4987011335178484}),
        ("exp(x*y)/y = 1", {"x": 0.0, "y": 1.0}),
    ],
)
def test_steps_on_paper(run, text, at):
    """Each line, read back, has the slope: both sides are equal with it put in."""
    words = [f"{name}={x!r}" for name, x in at.items()]
    told = run("explain", text, *words, "--format", "json").answered().json
    (slope, _) = implicit(text, at).slopes
    assert told["value"] == slope.settled

    def value(side):
        graph = lower(parse(side.replace("dy/dx", "slope")))
        known = {**at, "slope": slope.settled}
        return graph_value(graph, {name: known[name] for name in graph.inputs})

    assert isclose(value(told["solved"]), slope.settled, rel_tol=1e-12)
    for line in ("both_sides", "collected"):
        left, right = map(value, told[line])
        assert isclose(left, right, rel_tol=1e-12, abs_tol=1e-12)
    page = run("explain", text).answered().out
    assert "collect dy/dx" in page


def test_on_the_command_line(run):
    out = run("grad", "x(t)^2 + y(t)^2 = 25", "--x", "3", "--y", "4", "--dx/dt", "2").answered().out
    assert "with dx/dt = 2: dy/dt = -x/y*dx/dt = -1.5" in out
    out = run("grad", "V = 4/3*pi*r^3", "--r", "2", "dr/dt=0.5").answered().out
    assert "dV/dt = 4*pi*r^2*dr/dt = 25.1327" in out
    assert run("grad", "x^2 + y^2 = 25", "--x", "3", "--y", "4", "--method", "reverse").status == 2
    assert run("grad", "y^2 = x^3", "--x", "0", "--y", "0").status == 3
    assert "grad and explain differentiate it" in run("eval", "x^2 + y^2 = 25", "--x", "3", "--y", "4").err


def test_roots_of_all_kinds():
    def found(text):
        graph = lower(parse(text))
        return roots(graph, {}, "y")

    assert found("(y - 1)*(y + 2)*(y - 50.5)") == [-2.0, 1.0, 50.5]
    assert found("(y - 3)^2") == [3.0]
    assert found("1/(y - 0.3)") == []
    assert found("y^2 + 1") == []
    assert found("y - 123456") == [123456.0]
    assert found("sqrt(y) - 2") == [4.0]


def random_side(draw: random.Random, size: int) -> str:
    if size <= 1:
        return draw.choice(["x", "y", "x", "y", "2", "0.5"])
    function = draw.choice(["sin({})", "exp({}/4)", "({})^2", "atan({})", "", "", "", ""])
    if function:
        return function.format(random_side(draw, size - 1))
    half = size // 2
    a, b = random_side(draw, half), random_side(draw, size - half)
    return f"({a} {draw.choice('+-*')} {b})"


def test_random_curves_agree():
    draw = random.Random(11)
    agreed = 0
    for _ in range(24):
        side = random_side(draw, 7)
        at = {"x": draw.choice([0.5, 1.25, -2.0]), "y": draw.choice([0.75, -1.5, 2.0])}
        # the right side is the left one at the point: a curve through it
        right = side.replace("exp", "E").replace("x", f"({at['x']})").replace("y", f"({at['y']})")
        if "x" not in side.replace("exp", "") or "y" not in side:
            continue
        report = implicit(f"{side} = {right.replace('E', 'exp')}", at, order=2)
        for slope in report.slopes:
            assert slope.why or slope.verdict.verdict == "agree", (side, at, slope)
            assert slope.why or slope.formula, (side, at)
            agreed += not slope.why
    assert agreed >= 30


def test_a_wrong_partial_derivative_is_seen(monkeypatch):
    real = module._swept

    def wrong(equations, inputs):
        partials, bounds = real(equations, inputs)
        return ({**partials[0], "y": 2.0 * partials[0]["y"]},), bounds

    monkeypatch.setattr(module, "_swept", wrong)
    assert implicit("x^2 + y^2 = 25", x=3, y=4).agree is False


def test_what_is_read_as_an_equation():
    def sides(text):
        found = read_equations(Source(text))
        return found and found.sides

    assert sides("r = 5; x^2 + y^2 = r^2") == (("x^2 + y^2", "r^2"),)
    assert sides("x^2 + y^2 = r^2; r = 5") == (("x^2 + y^2", "r^2"),)
    assert sides("y = x*sin(y)") == (("y", "x*sin(y)"),)
    assert sides("+x = 3y") == (("+x", "3y"),)
    assert sides("y = x^2") is None
    assert sides("x^2 = 2 = 3") is None
    assert sides("f(u) = u^2; f(x) + y = 3") == (("f(x) + y", "3"),)


@pytest.mark.parametrize("scale", [1e-30, 1e-15, 1e-6, 1e6, 1e15])
def test_the_scale_of_a_curve_is_no_kink(scale):
    report = implicit("x*y = a", x=scale, y=scale, a=scale * scale, solve="y", wrt="x", order=1)
    assert [s.verdict.verdict for s in report.slopes] == ["agree"]
    curve = implicit(f"x*y = {scale * scale!r}", x=scale, y=scale, order=2)
    assert [s.verdict.verdict for s in curve.slopes] == ["agree"] * 4
    assert isclose(curve.slopes[1].settled, 2 / scale)


@pytest.mark.parametrize(("text", "x"), [("2^x + 1e10", 1), ("atan(x)", 1e10), ("x^2", 1e-12)])
def test_an_inverse_far_from_the_scale_of_its_function_is_smooth(text, x):
    report = implicit(text, x=x, inverse=True)
    assert [s.verdict.verdict for s in report.slopes] == ["agree", "agree"]


def test_a_faint_kink_is_one():
    (slope,) = implicit("1e-8*|x| + y = 1", x=0, y=1, solve="y").slopes
    assert slope.verdict.verdict == "kink"


@pytest.mark.parametrize(
    ("text", "point", "slope"),
    [("sin(y) = x", {"x": 0.0, "y": 0.0}, 1.0), ("exp(y) = x", {"x": 1.0, "y": 0.0}, 1.0),
     ("ln(y) = x*y", {"x": 0.0, "y": 1.0}, 1.0)],
)  # fmt: skip
def test_a_function_on_the_left_is_no_definition(text, point, slope, run):
    assert slopes(text, **point, solve="y")["dy/dx"] == pytest.approx(slope)
    result = run("grad", text, *(f"{n}={x}" for n, x in point.items()))
    assert (result.status, "dy/dx" in result.out) == (0, True)
    refused = run("eval", text, *(f"{n}={x}" for n, x in point.items()))
    assert (refused.status, "is a function already, and this an equation" in refused.err) == (2, True)


def test_a_function_of_the_own_name_stays_a_function(run):
    assert run("grad", "sigmoid(x) = 1/(1 + exp(-x))", "x=0").out.startswith("sigmoid = ")


@pytest.mark.parametrize(
    ("text", "level"), [("cos(2*y - (x - y))", 0.6967067093471654), ("exp(x + 3*y)", 0.11080315836233387)]
)
def test_straight_lines_do_not_bend(text, level):
    report = implicit(f"{text} = {level}", x=-0.7, y=-0.5, order=2)
    assert [(s.settled, s.verdict.verdict) for s in report.slopes if s.order == 2] == [(0.0, "agree")] * 2


def test_a_quotient_of_a_slope_of_0_is_0():
    report = implicit("y = x^3", x=0, inverse=True)
    assert report.slopes[0].numbers == {"symbolic": 0.0, "reverse": 0.0, "finite": 0.0}


def test_a_tangent_stands_or_lies_as_it_is_drawn(run):
    circle = ("grad", "x^2 + y^2 = 25")
    assert "horizontal" in run(*circle, "--x", "0", "--y", "5", "--dy/dt", "2").out
    assert "vertical" in run(*circle, "--x", "5", "--y", "0", "--dx/dt", "2").out
    assert "vertical" in run(*circle, "--x", "5", "--y", "0").out
