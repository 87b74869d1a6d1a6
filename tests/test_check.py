"""`check`: claims judged, mistakes named, grades given."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from backprop_cli.checking.answers import Target
from backprop_cli.checking.catalogue import quantity
from backprop_cli.checking.derivatives import derivative, formula_text
from backprop_cli.checking.rules import OWN
from backprop_cli.checking.verdicts import digits_right
from backprop_cli.differentiation.forward import hessian
from backprop_cli.engine.run import leaf_values
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.ops import PRIMITIVES

CLAIMS = Path(__file__).resolve().parent / "claims"
LOSS = ("d = a*b; e = d + c; L = e*f", "--a", "3", "--b", "-2", "--c", "8", "--f", "-2")


def judged(run, *args, status=None):
    result = run("check", *args, "--format", "json")
    assert "Traceback" not in result.err
    if status is not None:
        assert result.status == status, result.out + result.err
    return [v for person in result.json["people"] for v in person["verdicts"]]


def claims(*texts):
    return [word for text in texts for word in ("--claim", text)]


# --- right ------------------------------------------------------------------------------------


def test_right_claims(run):
    found = judged(run, *LOSS, *claims("a=4", "dL/db=a*f", "dL/dd=-2", "d=-6", "L=-4", "e'(d)=1"), status=0)
    assert [v["verdict"] for v in found] == ["right"] * 6
    assert [v["claim"] for v in found] == ["dL/da", "dL/db", "dL/dd", "d", "L", "de/dd"]


@pytest.mark.parametrize(
    ("program", "claim"),
    [
        ("x^3*y", "d2f/dx2=12"),  # 6xy
        ("x^3*y", "d2f/dxdy=3"),  # 3x^2
        ("x^3*y", "d^2f/dydx=3*x^2"),
        ("x^3*y", "∂f/∂x=6"),
        ("f(x, y) = x^3*y", "f(x)=2"),
        ("x^3*y", "f=2"),
    ],
)
def test_ways_to_write_a_quantity(run, program, claim):
    (verdict,) = judged(run, program, "--x", "1", "--y", "2", *claims(claim), status=0)
    assert verdict["verdict"] == "right"


@pytest.mark.parametrize(
    ("claim", "verdict", "digits"),
    [
        ("0.667", "rounded", 3),
        ("0.66667", "rounded", 5),
        ("0.666", "rounded", 3),
        ("0.67", "wrong", 2),
        ("0.7", "wrong", 1),
        ("2/3", "right", None),
        (".6666666666666666", "right", None),
    ],
)
def test_rounding(run, claim, verdict, digits):
    (found,) = judged(run, "2x/3", "--x", "1", *claims(f"x={claim}"))
    assert (found["verdict"], found["digits"]) == (verdict, digits)
    assert found["mistake"] == ("rounding" if verdict == "wrong" else None)


@pytest.mark.parametrize("written", ["{}", "−{}", "(-{})", "- {}", "-({})", "((-{}))", "-(+{})"])
def test_one_number_is_one_number_however_it_is_signed(run, written):
    for number, credit, digits in (
        ("1.9", "short", 2),
        ("1.88", "rounded", 3),
        ("1.8849", "close", 4),
        ("1.8845", "rounded", 5),
    ):
        text = written.replace("{}", f"-{number}" if written == "{}" else number)
        (found,) = judged(run, "sin(x^2)", "--x", "1.5", *claims(f"x={text}"))
        assert (found["credit"], found["digits"]) == (credit, digits), text


def test_tenths_are_decimals(run):
    found = judged(run, "sin(x^2)", "--x", "1.5", *claims("x=-19/10", "x=-188/100", "x=-377/200"))
    assert [v["credit"] for v in found] == ["short", "rounded", "rounded"]


def test_what_is_short_is_short_given_a_short_number(run):
    program = ("z = w*x+b; a = sigmoid(z); L = (a-y)^2/2", "w=0.5", "b=-0.25", "x=2", "y=1")
    found = judged(run, *program, *claims("a=0.68", "da/dz=0.22", "dL/da=-0.32", "dL/dz=-0.070"))
    assert [v["credit"] for v in found] == ["short"] * 4


@pytest.mark.parametrize(
    ("program", "claim", "kind"),
    [
        ("o = w*x + 0.54; L = (y - o)^2/2; w=0.34 x=1 y=0.1", "w=1", "upstream missing"),
        ("f = max(x + 1, y)/z; x=2 y=-1 z=2", "x=1", "constant dropped"),
        ("L = (y - t)^2/2; y=0 t=1", "L=1", "constant dropped"),
    ],
)
def test_a_mistake_that_gives_a_whole_number_comes_before_rounding(run, program, claim, kind):
    program, _, point = program.rpartition("; ")
    (found,) = judged(run, program, *point.split(), *claims(claim))
    assert (found["verdict"], found["mistake"]) == ("wrong", kind)


def test_least_digits(run):
    assert run("check", "2x/3", "--x", "1", "--claim", "x=0.67", "--least-digits", "2").status == 0
    assert [digits_right(x, 2 / 3) for x in (0.66667, 0.667, 0.67, 0.6, 1.0)] == [5, 3, 2, 0, 0]


@pytest.mark.parametrize(
    ("program", "point", "claim", "verdict", "digits"),
    [
        ("k*T", "k=1.38e-23 T=300", "f=4.14e-21", "right", None),
        ("k*T", "k=1.38e-23 T=300", "f=9e-21", "wrong", None),
        ("k*T", "k=1.38e-23 T=300", "T=0", "wrong", None),
        ("a*b", "a=1e300 b=1.7e8", "f=1.6e308", "wrong", None),
        ("a*b", "a=1e300 b=1.7e8", "f=1.69e308", "wrong", None),
        ("1e-20*(x^2 - 2x)", "x=1", "f=0", "wrong", None),
        ("1e-20*(x^2 - 2x)", "x=1", "x=0", "right", None),
        # 1.22e-16 and 5.55e-17 are what floats give for 0
        ("sin(x)", "x=pi", "f=0", "right", None),
        ("sin(x)", "x=pi", "f=1e-12", "wrong", None),
        ("sin(pi*x)", "x=1", "f=1.2246e-16", "right", None),
        ("0.1x + 0.2 - 0.3", "x=1", "f=5.55e-17", "right", None),
        # cut off, 6 is 6.00
        ("x^2", "x=3", "x=5.99", "wrong", None),
        ("2x/3", "x=1", "x=0.666", "rounded", 3),
        ("1000x + 234x^2", "x=1", "x=1468.0000000001", "rounded", 13),
        ("1468x", "x=1", "x=1470", "rounded", 3),
        ("1468x", "x=1", "x=1500", "wrong", 2),
        ("pi*x", "x=1", "x=3", "wrong", 1),
        # 3500.18: both zeros are digits
        ("3500.18x", "x=1", "x=3500", "rounded", 4),
        ("4x", "x=1", "x=3.9999999", "rounded", 7),
        # a digit that is off where the right number has no more of them is no rounding
        ("1000x", "x=1", "x=1004", "wrong", None),
        ("1000.4x", "x=1", "x=1004", "wrong", None),
        ("x^3", "x=2", "x=12.01", "wrong", None),
        ("x^3", "x=2", "x=12.0", "right", None),
        ("pi*x", "x=1", "x=3.1425", "rounded", 3),
        # whole numbers are counted, and digits that differ are no rounding
        ("22x", "x=1", "x=20", "wrong", None),
        ("x*log(x)", "x=5", "x=2.619", "wrong", None),
    ],
)
def test_tolerance_comes_from_the_numbers(run, program, point, claim, verdict, digits):
    (found,) = judged(run, program, *point.split(), *claims(claim))
    assert (found["verdict"], found["digits"]) == (verdict, digits)


@pytest.mark.parametrize(
    ("program", "claim"),
    [
        # 40 digits and more are lost where tanh is 1
        ("tanh(t)^36", "t=36*tanh(t)^35*(1 - (exp(t) - exp(-t))^2/(exp(t) + exp(-t))^2)"),
        # 0, by summands of 1e30
        ("v = exp(t/y*(y*t)); L = v*v*(-v*v^2)", "dL/dy=0"),
        ("h = x*x; L = h/x", "d2L/dx2=((x + x)*x - x*x)/x^2 - 1"),
        # one side is larger than floats, or so small that 160 digits do not tell it
        ("3^(a*a/a)", "a=log(3^(3^a))"),
        ("log2(x)", "x=1/(x*log(2))"),
        # 159 digits cancel
        ("tanh(3^b)", "b=(1 - ((exp(3^b) - exp(-3^b))/(exp(3^b) + exp(-3^b)))^2)*3^b*log(3)"),
        # below the root stands noise in floats, for 10^24 is no angle of theirs
        (
            "sin(10^t + t)^0.5",
            "t=(10^t*log(10) + 1)*cos(10^t + t)/(2*sqrt(sin(10^t)*cos(t) + sin(t)*cos(10^t)))",
        ),
        ("t*cbrt(t)^2", "t=cbrt(t)^2 + t*(2*cbrt(t)*(1/(3*cbrt(t)^2)))"),
        ("min(x, y)", "x=where(x < y, 1, 0)"),
        ("min(x, y)", "x=where(x <= y, 1, 0)"),
        ("sigmoid(x*x)", "x=2x*exp(x^2)/(exp(x^2) + 1)^2"),
        ("x^2", "x=2x*x/x"),
        ("|x|", "x=x/|x|"),
        ("1e-30*x^2", "x=2e-30*x"),
    ],
)
def test_formulas_that_lose_digits_are_right(run, program, claim):
    (found,) = judged(run, program, *claims(claim), status=0)
    assert found["verdict"] in ("right", "rounded")


@pytest.mark.parametrize(
    ("program", "claim"),
    [
        ("x^2", "x=2x + where(x > 100, 1, 0)"),
        ("x^2", "x=2x + relu(x - 1000)"),
        ("x^2", "x=2x + exp(-x^2*1e6)"),
        ("x^2", "x=2x + where(|x - 0.5| < 1e-6, 1, 0)"),
        ("|x|*x", "x=2*max(x, -x) + where(x > 1000, 1e-3, 0)"),
        ("1e-30*x^2", "x=5e-30*x"),
        ("x*y", "x=y + where(x*y > 3000, 1, 0)"),
    ],
)
def test_formulas_that_differ_somewhere_are_wrong(run, program, claim):
    (found,) = judged(run, program, *claims(claim))
    assert found["verdict"] == "wrong"


@pytest.mark.parametrize(
    ("claim", "digits"), [("x=2x + 1e-15", 14), ("x=2x + 1e-30", 29), ("x=2x + 1e-60", 32)]
)
def test_what_is_unequal_is_not_called_equal(run, claim, digits):
    (found,) = judged(run, "x^2", *claims(claim), status=0)
    assert (found["verdict"], found["digits"]) == ("rounded", digits)


def test_formulas_are_worked_out_to_more_digits_than_floats_have(run):
    # 1 - s loses six digits in floats
    slope = "y=10^sigmoid(7y*y)*log(10)*sigmoid(7y*y)*(1 - sigmoid(7y*y))*14y"
    (found,) = judged(run, "10^sigmoid(7y*y)", "y=-1.375", *claims(slope), status=0)
    assert found["verdict"] == "right"


def test_polygamma_costs_little(run):
    (found,) = judged(run, "polygamma(1000, x)", *claims("x=polygamma(1001, x)"), status=3)
    assert "too large" in found["says"]
    # far to the left a digit costs a step per whole number
    (found,) = judged(run, "digamma(x)", *claims("x=polygamma(1, x)"), status=0)
    assert found["verdict"] == "right"
    (found,) = judged(run, "digamma(x)", "x=-100000300.5", *claims("x=2"), status=1)
    assert found["verdict"] == "wrong"


# --- the mistake named ------------------------------------------------------------------------

POINT = {"x": 1.7, "y": 0.6, "a": 2.3, "w": 0.5}
NAMED = [
    # program, claim at x = 1.7, y = 0.6, a = 2.3, w = 0.5, kind; formulas as the wrong rule gives them
    ("d = x*x; e = d*y; L = d + e", "dL/dd=1", "fork not summed"),
    ("d = x*y; e = d*a; L = sin(d)*e", "dL/dd=a*sin(d)", "product rule"),
    ("d = x*y; e = sin(d); g = d^2; L = exp(e)/g", "dL/dd=exp(e)*cos(d)/g", "fork not summed"),
    ("d = x*y; L = max(d, 9) + d*a + exp(d)", "dL/dd=a", "term missing"),
    ("d = x + y; d*d", "df/dd=d", "product rule"),
    ("sin(x^2)", "x=cos(x^2)", "inner derivative missing"),
    ("(2x + 1)^3", "x=58.08", "inner derivative missing"),  # 3*4.4^2
    ("sqrt(1 + x^2)", "x=1/(2*sqrt(1 + x^2))", "inner derivative missing"),
    ("cos(x)", "x=sin(x)", "sign lost"),
    ("y - x^2", "x=3.4", "sign lost"),
    ("1/x", "x=1/x^2", "sign lost"),
    ("exp(-x)", "x=exp(-x)", "sign lost"),
    ("x^2*sin(x)", "x=2x*cos(x)", "product rule"),
    ("x^2*sin(x)", "x=2x*sin(x)", "product rule"),
    ("sin(x)/x", "x=(sin(x) - x*cos(x))/x^2", "quotient rule"),
    ("sin(x)/x^2", "x=cos(x)/(2x)", "quotient rule"),
    ("x^5", "x=5x^5", "exponent not lowered"),
    ("x^5", "x=x^4", "exponent as a factor missing"),
    ("x^-2", "x=-2*x^-1", "exponent lowered the wrong way"),
    ("x^2 + 7", "x=10.4", "constant kept"),  # 2x + 7
    ("7x^2", "x=3.4", "constant dropped"),
    ("x^2/4", "x=3.4", "constant dropped"),
    ("5/x", "x=-1/x^2", "constant dropped"),
    ("y*x^2", "x=3.4", "constant dropped"),
    ("x^2", "x=6.8", "factor"),
    ("x^2*y*a", "x=6*x*y*a", "factor"),
    ("sqrt(x)", "x=1/sqrt(x)", "factor"),
    ("s = w*x; y = sigmoid(s)", "dy/ds=s*(1 - s)", "wrong place"),
    ("s = w*x; y = sigmoid(s)", "dy/ds=y", "factor missing"),
    ("s = w*x; y = tanh(s)", "dy/ds=1 - y", "square missing"),
    ("s = w*x; y = tanh(s)", "dy/ds=1 - s^2", "wrong place"),
    ("sin(x^2)", "x=cos(x)*2x", "wrong place"),
    ("exp(x)", "x=x*exp(x - 1)", "power for exponential"),
    ("2^x", "x=x*2^(x - 1)", "power for exponential"),
    ("2^x", "x=2^x", "log factor missing"),
    ("log(x)", "x=1/log(x)", "wrong rule"),
    ("log10(x)", "x=1/x", "log factor missing"),
    ("x^3", "x=x^4/4", "integrated"),
    ("3x^2 + x", "x=6.358", "integrated"),  # x^3 + x^2/2 = 4.913 + 1.445
    ("x^2*y^3", "x=3.1212", "another variable"),  # 3x^2y^2
    ("x^3", "x=4.913", "value instead"),
    ("x^3", "d2f/dx2=8.67", "first derivative instead"),
    ("x^3*y^2", "d2f/dx2=10.404", "another variable"),  # d2f/dxdy = 6x^2y
    ("x^3*y", "d2f/dxdy=x^2", "exponent as a factor missing"),
    ("sin(x^2)", "d2f/dx2=-sin(x^2)", "inner derivative missing"),  # both times
    ("sin(x^2)", "d2f/dx2=-2x*sin(x^2)", "inner derivative missing"),  # the first time
    ("sin(x^2)", "d2f/dx2=2cos(x^2) - 2x*sin(x^2)", "inner derivative missing"),  # the second time
    ("sin(x^2)", "d2f/dx2=-4x*sin(x^2)", "product rule"),
    ("sin(x^2)", "d2f/dx2=-4x^2*sin(x^2)", "product rule"),  # its second term
    ("sin(x^2)", "d2f/dx2=2cos(x^2) + 4x^2*sin(x^2)", "sign lost"),
    ("x^3", "d2f/dx2=9x^3", "exponent not lowered"),  # both times
    ("x^3", "d2f/dx2=6x^2", "exponent not lowered"),  # the second time
    ("x^4", "d2f/dx2=24x", "third derivative instead"),
    ("1/x", "d2f/dx2=-2/x^3", "sign lost"),
    ("x^3*y^2", "d2f/dx2=6x^2*y", "another variable"),  # by x and y
    ("x^3*y^2", "d2f/dx2=2*x^3", "another variable"),  # by y twice
    ("x^3*y^2", "d2f/dxdy=6x*y^2", "another variable"),  # by x twice
    ("x^3*y^2", "d2f/dxdy=2x^3*y", "first derivative instead"),  # by y
    ("x^3*y^2", "d2f/dxdy=6*x^5*y^3", "squared instead"),
    ("x^3*y^2", "d2f/dx2=9*x^4*y^4", "squared instead"),
    ("d = x*y; L = d^2 + x", "d2L/dd2=2d", "first derivative instead"),
    ("sin(x)", "d2f/dx2=-0.02967", "degrees"),
    ("exp(x*x)", "x=122", "factor"),  # 61.18, doubled and rounded to a whole number
    ("log(x)^-1", "x=-2.1", "rounding"),  # -2.0891; the exponent not lowered gives -1.88/...
    ("(x - sigmoid(x))*cos(3^(x*x))", "x=(x - sigmoid(x))*cos(3^(x*x))", "value instead"),
    ("x*sin(y)", "y=0.0296690", "degrees"),  # 1.7*cos(0.6 degrees)*pi/180
    ("sin(x)", "f=0.02967", "degrees"),  # the sine of 1.7 degrees
    ("sin(x)", "x=0.99956", "degrees"),  # its cosine
    ("x^3*y", "x=1.836", "wrong point"),  # exchanged: 3*0.36*1.7
    ("relu(x - 5)", "x=1", "gate ignored"),
    ("d = x*y; L = d + x", "d=2.3", "another operation"),
    ("d = x*y; L = d + x", "L=1.02", "another step"),
    ("2x/3", "x=0.7", "rounding"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "claim", "kind"), NAMED, ids=[f"{p}: {c}" for p, c, _ in NAMED])
def test_the_mistake_is_named(run, program, claim, kind):
    inputs = lower(parse(program)).inputs
    bound = [word for name in inputs for word in (f"--{name}", str(POINT[name]))]
    result = run("check", program, *bound, "--claim", claim, "--format", "json")
    ((verdict,),) = [person["verdicts"] for person in result.json["people"]]
    assert result.status == 1, verdict
    assert kind == verdict["mistake"], verdict


def test_between_named_steps_it_is_the_fork(run):
    # (a^2)'*(-7a) = -126, and a^2*(-7) = -63
    (found,) = judged(run, "b = a^2; c = -7a; d = b*c", "a=3", *claims("dd/da=-63"), status=1)
    assert found["mistake"] == "fork not summed"
    assert "only the one through c = -7a counts" in found["says"]


SOFTMAX = "p1 = exp(z1)/(exp(z1)+exp(z2)+exp(z3)); L = -ln(p1)"


@pytest.mark.parametrize(
    ("program", "point", "claim"),
    [
        ("exp(x)/(exp(x)+exp(y))", "", "x=-exp(2x)/(exp(x)+exp(y))^2"),
        ("exp(x)/(exp(x)+exp(y))", "x=1 y=2", "x=-0.0723"),
        (SOFTMAX, "", "z1=p1"),
        (SOFTMAX, "z1=1 z2=2 z3=0.5", "z1=0.2312"),
    ],
)
def test_steps_that_are_written_alike_are_two(run, program, point, claim):
    (found,) = judged(run, program, *point.split(), *claims(claim), status=1)
    assert found["mistake"] == "fork not summed"
    assert "(the second) counts" in found["says"]


@pytest.mark.parametrize(
    ("program", "claim", "steps"),
    [
        ("sin(x^2)*ln(x^3)", "x=cos(x^2)*ln(x^3)+sin(x^2)/x^3", "sin(x^2) and ln(x^3)"),
        ("sqrt(x^2+1)+ln(x^2+1)", "x=1/(2sqrt(x^2+1))+1/(x^2+1)", "sqrt(x^2+1) and ln(x^2+1)"),
        ("sin(2x)+cos(x^2)", "x=cos(2x)-sin(x^2)", "sin(2x) and cos(x^2)"),
        ("exp(3x)*cos(2x)", "x=exp(3x)*cos(2x)-exp(3x)*sin(2x)", "exp(3x) and cos(2x)"),
        # of functions and powers
        ("sin(2x)+(x^2+1)^3", "x=cos(2x)+3(x^2+1)^2", "sin(2x) and (x^2+1)^3"),
    ],
)
def test_the_inside_may_be_forgotten_everywhere(run, program, claim, steps):
    (found,) = judged(run, program, *claims(claim), status=1)
    assert found["mistake"] == "inner derivative missing"
    assert found["says"] == f"wrong: at {steps} the derivative of the inside is not multiplied in"


@pytest.mark.parametrize(
    ("program", "claim", "says"),
    [
        ("y = sigmoid(w*x); L = (y - t)^2", "dL/dy=2(y - t)^2", "the exponent of L = (y - t)^2 comes"),
        (SOFTMAX, "z1=1-p1", "the minus in the derivative of L = -ln(p1) is lost"),
        ("sin(x)/x", "x=(sin(x) - x*cos(x))/x^2", "the quotient rule at sin(x)/x is in the wrong order"),
        ("u = sin(x)/x; L = 3*u", "x=-3*(x*cos(x) - sin(x))/x^2", "the sign is wrong"),
    ],
)
def test_steps_are_quoted_as_written(run, program, claim, says):
    (found,) = judged(run, program, *claims(claim), status=1)
    assert says in found["says"]
    assert not re.search(r"\bv_?[0-9]", found["says"] + "".join(found["others"]))


def test_wrong_rules_are_about_primitives():
    assert set(OWN) <= set(PRIMITIVES)


def test_mistakes_are_named_in_general(run):
    found = judged(run, "3*sin(x^2) + x", *claims("x=3cos(x^2) + 1", "x=6x*cos(x^2) + 1"), status=1)
    assert [(v["verdict"], v["mistake"]) for v in found] == [
        ("wrong", "inner derivative missing"),
        ("right", None),
    ]
    assert found[0]["says"] == "wrong: at sin(x^2) the derivative of the inside is not multiplied in"
    assert found[1]["how"] == "proved equal"


def test_follow_through(run):
    found = judged(run, *LOSS, *claims("d=6", "e=14", "dL/df=14", "dL/de=2", "dL/dd=2", "a=-4"), status=1)
    assert [v["verdict"] for v in found] == ["wrong", "follows", "follows", "wrong", "follows", "follows"]
    assert found[1]["says"] == "right, given d = 6"
    assert found[4]["says"] == "right, given dL/de = 2"


@pytest.mark.parametrize(("b", "claim"), [("0.7", "3.3"), ("0.31", "0.95"), ("1.9", "14")])
def test_rounding_on_the_way_is_no_reason(run, b, claim):
    """The slope by b has no part in u: it follows from no wrong u, though its last bit comes out another."""
    program = ("u = a^2; L = sin(b)*exp(b)*b + u", "--a", "1", "--b", b)
    _, found = judged(run, *program, *claims("u=5", f"dL/db={claim}"))
    assert (found["verdict"], found["mistake"]) == ("wrong", "rounding")


@pytest.mark.parametrize(
    ("program", "answers"),
    [
        (LOSS, {"dL/de": 0, "dL/dd": 0, "dL/da": 0, "dL/db": 0}),
        (LOSS, {"dL/de": 1, "dL/dd": 1, "dL/da": -2, "dL/db": 3}),  # never multiplied back anything
        (("x^2*sin(x)",), {"df/dx": "0", "d2f/dx2": "0"}),
        (("x^2*sin(x)",), {"df/dx": "e^x", "d2f/dx2": "e^x"}),
        (("x^2*sin(x)",), {"df/dx": "x^7", "d2f/dx2": "7x^6"}),
        (("u = exp(x); L = u^2", "x=1"), {"u": 7, "dL/dx": 98}),
        (("z = w*x + b; a = sigmoid(z); L = (a - y)^2/2", "w=0.5", "x=2", "b=-0.25", "y=1"),
         dict.fromkeys(("z", "a", "L", "dL/da", "dL/dz", "dL/dw", "dL/db"), 0)),
    ],
)  # fmt: skip
def test_stock_answers_earn_nothing(run, program, answers):
    texts = [f"{name}={answer}" for name, answer in answers.items()]
    assert [v["marks"] for v in judged(run, *program, *claims(*texts), status=1)] == [0] * len(texts)


SIGMOID = ("z = w*x + b; a = sigmoid(z); L = (a - y)^2/2", "w=0.5", "b=-0.25", "x=2", "y=1")


@pytest.mark.parametrize(
    ("program", "answers", "verdicts"),
    [  # two digits exchanged, the rest is right with them: a*(1 - a), (a - y)*a*(1 - a)
        (SIGMOID, ("a=0.6971", "da/dz=0.2112", "dL/da=-0.3029", "dL/dz=-0.06396"), "wfff"),
        (("a = tanh(z); L = a^2", "z=0.5"), ("a=0.4261", "da/dz=0.8184", "dL/dz=0.6975"), "wff"),
        (("y = sqrt(x); L = 3y", "x=7"), ("y=2.654", "dL/dx=0.5652"), "wf"),
        (("y = exp(x); L = y^2", "x=0.5"), ("y=1.468", "dy/dx=1.468", "dL/dx=4.310"), "wff"),
        # a sign is lost, the digits are kept: 1.4722*0.21789, not 1.472*0.2179 = 0.3207
        (("a = sigmoid(z); L = -log(a)", "z=0.75"), ("dL/da=1.472", "dL/dz=0.3208"), "wf"),
        # the product of two claims
        (SIGMOID, ("dL/da=0.3208", "da/dz=0.2712", "dL/dz=0.0870"), "wwf"),
        (("sample_inputs/mazur.yaml",), ("linear2[0].y=0.76", "linear2[0].delta=0.1368"), "wf"),
    ],
)
def test_what_follows_from_an_honest_mistake(run, program, answers, verdicts):
    found = judged(run, *program, *claims(*answers))
    assert [v["verdict"][0] for v in found] == [*verdicts]


@pytest.mark.parametrize("slope", ["16.3097", "18"])
def test_follow_through_by_either_reading_of_a_slope(run, slope):
    # 2u*exp(x) or 2u*u with u = 3 for exp(1)
    found = judged(run, "u = exp(x); L = u^2", "x=1", *claims("u=3", f"dL/dx={slope}"), status=1)
    assert [v["verdict"] for v in found] == ["wrong", "follows"]


@pytest.mark.parametrize("point", [(), ("--x", "2")])
def test_a_second_derivative_follows(run, point):
    # (exp(-x) + x*exp(-x))' = -x*exp(-x)
    wrong = claims("x=exp(-x) + x*exp(-x)", "d2f/dx2=-x*exp(-x)", "d2f/dx2=x*exp(-x)")
    found = judged(run, "x*exp(-x)", *point, *wrong, status=1)
    assert [v["verdict"] for v in found] == ["wrong", "follows", "wrong"]
    assert found[1]["says"] == "right, given df/dx = exp(-x) + x*exp(-x)"
    # of numbers by the mistake that gives them
    numbers = claims("x=0.40601", "d2f/dx2=-0.27067")
    if point:
        assert [v["verdict"] for v in judged(run, "x*exp(-x)", *point, *numbers)] == ["wrong", "follows"]


def test_a_second_derivative_follows_in_either_order(run):
    # 3x^3y^2 given for 3x^2y^2; its derivative by y is 6x^3y
    for claim in ("d2f/dxdy=6x^3*y", "d2f/dydx=6x^3*y"):
        found = judged(run, "x^3*y^2", *claims("x=3x^3*y^2", claim), status=1)
        assert [v["verdict"] for v in found] == ["wrong", "follows"]


SMOOTH = ["x^3*y", "x/y", "(2x+1)^3/y", "x^y", "atan2(y, x)", "d = x*y; e = sin(d) + d; L = e*d/x", "|x|*x*y"]
SMOOTH += ["where(x > y, x^2*y, y^3)", "max(x, y, x*y)^2", "polygamma(2, x*y)", "pi*sin(2*pi*x)*y"]
SMOOTH += ["1/asec(2x + y)", "2acsc(2x + y)", "y*acosh(2x + y)"]
SMOOTH += [f"{n}(0.4x + 0.1y)" for n, p in PRIMITIVES.items() if p.callable and p.arity[0] == 1]


@pytest.mark.parametrize(
    "program", [p for p in SMOOTH if not p.startswith(("acosh", "identity", "asec", "acsc"))]
)
def test_written_derivatives_have_the_second_derivatives_of_forward_over_reverse(program):
    graph = lower(parse(program))
    point = {"x": 1.3, "y": 0.7}
    for x, row in hessian(graph, point).items():
        slope = derivative(graph, graph.output, graph.inputs[x])
        for y, expected in row.items():
            target = Target("", slope.output, (graph.inputs[y],))
            found = quantity(slope, leaf_values(graph, point), target)
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("(2x + 1)^3", "6*(2*x + 1)^2"),
        ("sin(x)/x", "(cos(x)*x - sin(x))/x^2"),
        ("1/x", "-1/x^2"),
        ("tanh(x)*x", "x*(1 - tanh(x)^2) + tanh(x)"),
        ("d = x^2; L = exp(d)*3", "3*(exp(d)*(2*x))"),
        ("7 - x", "-1"),
    ],
)
def test_derivatives_are_written_as_by_hand(program, text):
    graph = lower(parse(program))
    slope = derivative(graph, graph.output, graph.inputs["x"])
    assert formula_text(slope, slope.output) == text


@pytest.mark.parametrize(
    ("args", "verdict", "words"),
    [
        (("|x|", "--x", "0", "--claim", "d2f/dx2=1"), "not judgeable", "|x| is at its jump here"),
        (("sqrt(x)", "--x", "0", "--claim", "d2f/dx2=undefined"), "right", "does not exist here"),
        (("d = x^2; L = d^2", "--claim", "d2L/dxdd=1"), "not judgeable", "d is computed from x"),
        (("log(x)", "--x", "-1", "--claim", "d2f/dx2=-1"), "not judgeable", "log(x) is defined where"),
    ],
)
def test_second_derivatives_that_are_no_number(run, args, verdict, words):
    (found,) = judged(run, *args)
    assert found["verdict"] == verdict
    assert words in found["says"]


def test_right_by_chance(run):
    (found,) = judged(run, "x^2", "--x", "2", *claims("x=x^2"), status=1)
    assert found["mistake"] == "right by chance"


def test_right_at_one_value_alone(run):
    cross_entropy = ("L = -(y*ln(a) + (1 - y)*ln(1 - a))", "a=0.6", "y=1")
    (found,) = judged(run, *cross_entropy, *claims("dL/da=-y/a"), status=1)
    assert (found["mistake"], found["says"]) == (
        "right by chance",
        "wrong: the formula is right with y = 1 alone",
    )


def test_a_formula_without_a_value_on_a_part_of_the_domain(run):
    """It is right where it has a value, and the verdict says where that is."""
    for formula in ("y^(-2/3)/3", "1/(3*sqrt(y)^(4/3))", "exp(-2/3*log(y))/3"):
        claim = claims(f"dx/dy={formula}")
        (here,) = judged(run, "x = cbrt(y)", "y=8", *claim, status=0)
        assert here["verdict"] == "right"
        assert ", too, for y > 0; at y = -" in here["how"]
        (general,) = judged(run, "x = cbrt(y)", *claim, status=1)
        assert (general["verdict"], general["mistake"]) == ("wrong", "no value")
        assert general["says"].startswith("wrong: right for y > 0, but at y = -")
        (elsewhere,) = judged(run, "x = cbrt(y)", "y=-8", *claim, status=1)
        assert elsewhere["mistake"] == "no value"
    # where it has a value it is wrong: that is said, and the mistake named
    (found,) = judged(run, "sqrt(1 + x^2)", *claims("x=1/(2*sqrt(2x))"), status=1)
    assert found["mistake"] not in ("no value", None)
    (found,) = judged(run, "sqrt(4 - x^2) + y", *claims("y=sqrt(x)/sqrt(x)"), status=1)
    assert "right for x > 0, but" in found["says"]


def test_the_output_without_a_name_may_stand_in_a_formula(run):
    program = "exp(-(x-μ)^2/(2σ^2))"
    for name in ("f", "y", "L", "z"):
        (found,) = judged(run, program, *claims(f"x=-(x-μ)/σ^2*{name}"), status=0)
        assert found["how"] == "proved equal"
    (found,) = judged(run, program, *claims("f=f"), status=1)
    assert "names f itself" in found["says"]
    run("check", "z = x^2", "--claim", "x=2*f/x").refused(2, "the program has no f")


SQUARE = ("(w*x-t)^2", "w=2", "x=3", "t=5")
CHAIN = ("z = w*x + b; a = sigmoid(z); L = (a - y)^2/2", "w=0.5", "x=3", "b=-0.25", "y=1")
NEURON = ("y = sigmoid(w*x); L = (y - t)^2", "w=0.5", "x=2", "t=1")


@pytest.mark.parametrize(
    ("program", "claim", "given"),
    [
        (("x^2*y", "x=2", "y=3"), "x=4*y", "x = 2"),
        (("x^2*y", "x=2", "y=3"), "x=2*x*3", "y = 3"),
        (NEURON, "dL/dy=2*(y-1)", "t = 1"),
        (NEURON, "dL/dw=2*(y-1)*y*(1-y)*2", "x = 2, t = 1"),
        (NEURON, "dL/dw=2*(y-t)*y*(1-y)*2", "x = 2"),
        (("a*b*c*d", "a=2", "b=3", "c=5", "d=7"), "a=15*d", "b = 3, c = 5"),
        # at some of the places
        (SQUARE, "w=2*3*(w*x-t)", "x = 3"),
        (SQUARE, "w=2*(w*x-5)*3", "x = 3, t = 5"),
        (CHAIN, "w=(sigmoid(w*3+b)-1)*a*(1-a)*x", "x = 3, y = 1"),
        (("sigmoid(w*x)", "w=0.5", "x=2"), "w=2*sigmoid(w*x)*(1-sigmoid(w*x))", "x = 2"),
    ],
)
def test_given_numbers_may_be_put_in(run, program, claim, given):
    result = run("check", *program, "--claim", claim, "--format", "json")
    (found,) = result.json["people"][0]["verdicts"]
    assert (found["verdict"], result.status) == ("right", 0)
    assert found["says"] == f"right (with {given} put in)"


@pytest.mark.parametrize(
    ("program", "claim"),
    [
        (("x^2*y", "x=2", "y=3"), "x=x^2*y"),  # 2xy where x is 2
        (("x^2*y", "x=2", "y=3"), "x=x^2*3"),
        (("x^2*y", "x=2", "y=3"), "x=x*y + 6"),
        (("x^2*y", "x=2", "y=3"), "x=y^2 + 3"),
        (("u = x^2; L = u*y", "x=2", "y=3"), "dL/dx=u*y"),
        (("u = x^2; L = u*y", "x=2", "y=3"), "dL/dx=u*3"),
        (("d = 4; x*y*d", "x=2", "y=3"), "x=3*d + x - 2"),
        (("x^2*y", "x=2", "y=3"), "x=4*y + where(y > 900, 1, 0)"),
    ],
)
def test_with_numbers_put_in_it_is_still_by_chance(run, program, claim):
    (found,) = judged(run, *program, *claims(claim), status=1)
    assert found["mistake"] == "right by chance"


@pytest.mark.parametrize(
    ("program", "claim", "says"),
    [
        (SQUARE, "w=2*x*(2*3-5)", "at this point alone: numbers are put in"),
        (SQUARE, "w=2x(6-5)", "at this point alone: numbers are put in"),
        (SQUARE, "w=2*3*(2x-5)", "at this point alone: numbers are put in"),
        (SQUARE, "w=t + 1", "by chance"),
        # numbers that a derivative has anyway: another derivative, not one with numbers put in
        (("x*y*y", "x=3", "y=2"), "x=2*y", "with y = 2 alone"),
        (("x*y^3*z", "x=2", "y=3", "z=5"), "x=3*y^2*z", "with y = 3 alone"),
        (("x*x*y*y", "x=3", "y=2"), "x=2*x*2*y", "with y = 2 alone"),
        (("x*sqrt(y)*z", "x=3", "y=0.5", "z=7"), "x=z*0.5/sqrt(y)", "with y = 0.5 alone"),
        (("|x|*x*y", "x=3", "y=5"), "x=y*(x+3)", "with x = 3 alone"),
    ],
)
def test_why_a_formula_is_right_here_alone(run, program, claim, says):
    (found,) = judged(run, *program, *claims(claim), status=1)
    assert found["mistake"] == "right by chance"
    assert says in found["says"]


def test_a_formula_over_a_derivative_is_right_whatever_was_claimed_for_that(run):
    answers = claims("dL/dz=-0.32", "dL/dw=dL/dz*x", "dL/db=dL/dz", "dL/dx=dL/dz*x")
    found = judged(run, *SIGMOID, *answers, "--credit", "follows=0.5", status=1)
    assert [v["verdict"] for v in found] == ["wrong", "right", "right", "wrong"]
    assert [v["marks"] for v in found] == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("program", "claim", "mistake"),
    [
        (("1/(1+x^2)",), "x=arctan(x)", "integrated"),
        (("x*y*cos(x^2)",), "x=y*sin(x^2)/2", "integrated"),
        (("ln(x)", "x=2"), "x=0.217", "log base"),
        (("log(x)",), "x=1/(x ln 10)", "log base"),
    ],
)
def test_names_of_integrals_and_of_the_other_logarithm(run, program, claim, mistake):
    (found,) = judged(run, *program, *claims(claim), status=1)
    assert found["mistake"] == mistake


def test_the_working_of_a_number_may_stand_behind_it_in_brackets(run):
    answers = claims("x=12 (2*3*2)", "y=9.0 (3*3)", "x=12 (2*3*3)", "x=6 (3-1)")
    found = judged(run, "x^2*y", "x=3", "y=2", *answers, status=1)
    assert [v["verdict"] for v in found] == ["right", "right", "wrong", "right"]


def test_noughts_have_no_digit_that_is_right(run):
    for found in judged(run, "exp(-x)", "x=10", *claims("f=0.0000", "f=0.000"), status=1):
        assert (found["digits"], found["says"]) == (
            0,
            "wrong: right to no significant digit, where 3 are asked for",
        )


def test_a_minus_that_is_lost_is_no_local_derivative_that_is_left_out(run):
    program = "z1=2; z2=1; z3=0.1; S=e^z1+e^z2+e^z3; p1=e^z1/S; L=-ln(p1)"
    (found,) = judged(run, program, *claims("dL/dz2=-0.242"), status=1)
    assert found["mistake"] == "sign lost"
    assert "not multiplied in" not in found["says"] + "".join(found["others"])


# --- not judgeable, unreadable ------------------------------------------------------------------


def test_status_3(run):
    (found,) = judged(run, "log(x)", "--x", "-1", *claims("x=-1"), status=3)
    assert found["verdict"] == "not judgeable"
    assert "log(x) is defined where x > 0" in found["says"]
    (found,) = judged(run, "|x|", "--x", "0", *claims("x=1"), status=3)
    assert found["says"] == "not judgeable: |x| is at its kink here; by convention abs'(0) = 0"


@pytest.mark.parametrize(("program", "x"), [("|x|", "0"), ("log(x)", "-1"), ("sqrt(x)", "0")])
def test_no_such_number_can_be_claimed(run, program, x):
    (found,) = judged(run, program, f"--x={x}", *claims("x=undefined"), status=0)
    assert found["verdict"] == "right"


def test_convention_at_a_kink_is_right(run):
    (found,) = judged(run, "relu(x)", "--x", "0", *claims("x=0"), status=0)
    assert "by convention relu'(0) = 0" in found["says"]


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ("q=4", "the program has no q"),
        ("dL/dq=4", "the program has no q"),
        ("da/db=1", "a is an input: it has no derivative"),
        ("a", "a claim is NAME=VALUE"),
        ("a=", "a claim is NAME=VALUE"),
        ("a=4+", "expected a number"),
        ("a=q", "the program has no q"),
        ("a=1/0", "not a finite number"),
        ("a=__import__('os')", "a name starts with a letter"),
        ("a=eval(1)", "eval is not a function"),
        ("a=" + "(" * 3000, "2,000 characters"),
    ],
)
def test_unreadable_claims(run, claim, words):
    run("check", *LOSS, "--claim", claim).refused(2, words)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("x^2",), "no claims"),
        (("x*y", "--x", "1", "--claim", "x=1"), "no value for y"),
        (("x^2", "--claim", "x=2x", "--marks", "q=1"), "--marks: the program has no q"),
        (("x^2", "--claim", "x=2x", "--marks", "x"), "is not NAME=NUMBER"),
        (("x^2", "--claim", "x=2x", "--credit", "namd=1"), "did you mean named?"),
        (("x^2", "--claim", "x=2x", "--credit", "named=2"), "from 0 to 1"),
        (("x^2", "--claim", "x=2x", "--student", "a"), "--student is for --claims FILE"),
        (("x^2", "--x", "1:2:1", "--claim", "x=2"), "one point"),
    ],
)
def test_wrong_command_lines(run, args, words):
    run("check", *args).refused(2, words)


def test_hostile_formulas_cost_little(run):
    for text in ("9^9^9^9", "exp(exp(exp(x)))", "x^x^x^x", "+".join(["x"] * 900), "gamma(x)^gamma(x)"):
        status = run("check", "x^2", "--claim", f"x={text}").status
        assert status in (1, 2)


def test_no_such_points(run):
    (found,) = judged(run, "sqrt(-1 - x^2)", *claims("x=1"), status=3)
    assert "no points were found" in found["says"]


# --- classes and formats -------------------------------------------------------------------------


def test_a_class_of_ten(run):
    result = run("check", *LOSS, "--claims", str(CLAIMS / "class.csv"), "--format", "json")
    assert result.status == 1
    people = {p["student"]: p for p in result.json["people"]}
    assert len(people) == 10
    good = {name for name, p in people.items() if p["right"] == 5}
    assert good == {"anna", "ben", "chloe", "dev", "emil"}
    wrong = {
        name: [(v["claim"], v["mistake"]) for v in p["verdicts"] if v["verdict"] == "wrong"]
        for name, p in people.items()
        if name not in good
    }
    assert wrong == {
        "fay": [("dL/da", "constant dropped"), ("dL/db", "constant dropped")],
        "gus": [
            ("dL/da", "sign lost"),
            ("dL/db", "sign lost"),
            ("dL/dc", "sign lost"),
            ("dL/de", "sign lost"),
        ],
        "hana": [("d", "another operation")],
        "ivan": [("dL/da", "another variable"), ("dL/db", "another variable")],
        "jo": [("dL/de", "value instead")],
    }


SHEETS = {
    "a.yaml": "a: 4\ndL/db: a*f\n",
    "b.json": '{"a": 4, "dL/db": "a*f"}',
    "c.csv": "claim,value\na,4\ndL/db,a*f\n",
    "d.txt": "# mine\na = 4\ndL/db = a*f\n",
    "e.yaml": "student: zoe\nclaims:\n  a: 4\n  dL/db: a*f\n",
    "f.yaml": "zoe: {a: 4, dL/db: a*f}\n",
    "g.json": '[{"student": "zoe", "a": 4, "dL/db": "a*f"}]',
    "h.csv": "name;a;dL/db\nzoe;4;a*f\n",
}


@pytest.mark.parametrize("name", SHEETS)
def test_sheets(run, name, tmp_path):
    (tmp_path / name).write_text(SHEETS[name], "utf-8")
    found = judged(run, *LOSS, "--claims", str(tmp_path / name), status=0)
    assert [(v["claim"], v["answer"], v["verdict"]) for v in found] == [
        ("dL/da", "4", "right"),
        ("dL/db", "a*f", "right"),
    ]


@pytest.mark.parametrize("name", ["a.yaml", "b.json", "d.txt", "h.csv"])
def test_sheets_from_stdin(run, name):
    assert run("check", *LOSS, "--claims", "-", stdin=SHEETS[name]).status == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "is empty"),
        (b"\xff\xfea", "not valid UTF-8"),
        (b'{"a": 1, "a": 2}', "is there twice"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b"[" * 5000, "expected"),
        (b"a: &x 1\nb: *x\n", "anchor"),
        (b"student,a,a\nx,1,2\n", "twice"),
        (b"student,a\nx,1,2\n", "cells under"),
    ],
)
def test_bad_sheets(run, text, words):
    result = run("check", *LOSS, "--claims", "-", stdin=text)
    assert result.status == 2, result.out
    assert "Traceback" not in result.err
    assert words.lower() in result.err.lower() or words == "expected"


def test_one_unreadable_answer_does_not_stop_the_class(run):
    result = run("check", *LOSS, "--claims", "-", "--format", "json", stdin="student,a,d\nx,4+,-6\ny,,-6\n")
    assert result.status == 2
    verdicts = [[v["verdict"] for v in p["verdicts"]] for p in result.json["people"]]
    assert verdicts == [["unreadable", "right"], ["missing", "right"]]


def test_marks_and_credit(run):
    args = (*LOSS, *claims("d=6", "e=14", "a=4"), "--marks", "d=4,e=2", "--format", "json")
    (plain,) = run("check", *args).json["people"]
    assert (plain["marks"], plain["of"]) == (2, 6)  # a is not asked
    (credited,) = run("check", *args, "--credit", "named=0.5,follows=0").json["people"]
    assert [v["marks"] for v in credited["verdicts"]] == [2, 0, 0]


def test_gradescope(run):
    result = run("check", *LOSS, *claims("a=4", "d=6"), "--marks", "a=2,d=1", "--format", "gradescope")
    found = json.loads(result.out)
    assert found["score"] == 2.0
    assert [(t["name"], t["score"], t["max_score"], t["status"]) for t in found["tests"]] == [
        ("dL/da", 2.0, 2.0, "passed"),
        ("d", 0.0, 1.0, "failed"),
    ]
    assert "-6" not in found["tests"][1]["output"]
    sheet = ("--claims", str(CLAIMS / "class.csv"), "--format", "gradescope")
    several = run("check", *LOSS, *sheet)
    assert (several.status, json.loads(several.out)["score"]) == (2, 0)
    assert "--student NAME picks one" in several.err
    assert json.loads(run("check", *LOSS, *sheet, "--student", "gus").out)["score"] == 1.0


def test_junit(run):
    result = run("check", *LOSS, "--claims", str(CLAIMS / "class.csv"), "--format", "junit")
    root = ET.fromstring(result.out)
    assert len(root.findall("testsuite")) == 10
    assert sum(int(s.attrib["failures"]) for s in root) == 10
    (failure,) = root.find("testsuite[@name='hana']").iter("failure")
    assert failure.attrib["type"] == "another operation"


def test_text_of_students_stays_text(run):
    sheet = 'student,a\n"<b>[x](y)|`\x1b[31m",4\n'
    for format_ in ("table", "markdown", "junit", "json"):
        result = run("check", *LOSS, "--claims", "-", "--format", format_, stdin=sheet)
        assert result.status == 0
        assert "\x1b" not in result.out
        if format_ == "markdown":
            assert "<b>" not in result.out
        if format_ == "junit":
            ET.fromstring(result.out)


def test_nothing_is_revealed_unasked(run):
    args = (*LOSS, *claims("dL/db=-7.31"))
    for format_ in ("table", "json", "junit", "gradescope", "markdown"):
        assert "-6" not in run("check", *args, "--format", format_).out
    shown = run("check", *args, "--reveal").out
    assert "a*f = -6" in shown


def test_the_same_every_time(run):
    args = ("check", "sin(x^2)/y", *claims("x=2x*cos(x^2)/y", "y=sin(x^2)/y^2"), "--format", "json")
    assert run(*args).out == run(*args).out


# --- a training step worked by hand ---------------------------------------------------------------

MAZUR = str(CLAIMS.parent.parent / "sample_inputs" / "mazur.yaml")

# Matt Mazur, "A Step by Step Backpropagation Example", the numbers as published; the last is the total
# error after one step, whose hidden gradients he took with the output weights that were updated already.
PUBLISHED = {
    "linear1[0].z": "0.3775",
    "linear1[0].y": "0.593269992",
    "linear1[1].y": "0.596884378",
    "linear2[0].z": "1.105905967",
    "linear2[0].y": "0.75136507",
    "linear2[1].y": "0.772928465",
    "E": "0.298371109",
    "dE/dlinear2[0].y": "0.74136507",
    "linear2[0].delta": "0.138498562",
    "linear2[0]: dE/dw[0]": "0.082167041",
    "linear2[0].w[0]": "0.35891648",
    "linear2[0].w[1]": "0.408666186",
    "linear2[1].w[0]": "0.511301270",
    "linear2[1].w[1]": "0.561370121",
    "linear1[0]: dE/dy": "0.036350306",
    "linear1[0]: dE/dz": "0.008771354",
    "linear1[0].w[0]": "0.149780716",
    "linear1[0].w[1]": "0.19956143",
    "linear1[1].w[0]": "0.24975114",
    "linear1[1].w[1]": "0.29950229",
    "E after": "0.291027924",
}


def test_the_published_step(run):
    sheet = json.dumps(PUBLISHED)
    found = judged_step(run, MAZUR, sheet)
    assert [v["claim"] for v in found if v["verdict"] not in ("right", "rounded")] == ["E after"]
    assert found[-1]["mistake"] == "updated weights used"
    assert "the already updated weights" in found[-1]["says"]
    assert found[-1]["others"] == []


def judged_step(run, config, sheet):
    result = run("check", config, "--claims", "-", "--reveal", "--format", "json", stdin=sheet)
    assert "Traceback" not in result.err
    assert result.out, result.err
    return [v for person in result.json["people"] for v in person["verdicts"]]


def test_the_right_loss_after_the_step(run):
    (found,) = judged_step(run, MAZUR, '{"E after": "0.29102777369359933"}')
    assert (found["verdict"], found["right"]) == ("right", 0.29102777369359933)


@pytest.mark.parametrize(
    ("claim", "answer", "kind"),
    [
        # worked by thirty lines of Python without this package
        ("linear1[0]: dE/dz", "0.00729445755", "updated weights used"),
        ("E after", "0.28048408", "updated weights used"),  # and the frozen biases moved
        ("E after", "0.28047145", "frozen updated"),
        ("linear2[0]: dE/dz", "0.741365", "local derivative missing"),  # without sigma'
        ("linear1[0]: dE/dy", "0.0553994", "fork not summed"),  # 0.1384985616*0.4 alone
        ("linear1[0]: dE/dz", "-0.0087714", "sign lost"),
        ("linear2[0].w[0]", "0.44108352", "sign lost"),  # 0.4 + 0.5*0.08216704
        ("linear2[0].w[1]", "0.36733237", "rate missing"),  # 0.45 - 0.08266763
        ("linear2[0].w[1]", "0.45", "not updated"),
        ("linear2[0].w[1]", "0.08266763", "gradient instead"),
        ("linear1[0].b", "0.34561432", "frozen updated"),  # 0.35 - 0.5*0.00877135
        ("linear1[0].y", "0.3775", "activation missing"),
        ("linear2[1].z", "0.6249214", "other parameters"),  # without its bias
        ("E", "0.5967422", "factor"),
    ],
)
def test_mistakes_of_a_step(run, claim, answer, kind):
    (found,) = judged_step(run, MAZUR, json.dumps({claim: answer}))
    assert (found["verdict"], found["mistake"]) == ("wrong", kind), found


def test_hand_rounding_is_allowed_for(run):
    # the step with every result rounded to four decimals, as `trace --round-each --digits 4` has it
    rounded = {
        "linear2[0]: dE/dz": "0.1385",
        "linear1[0]: dE/dy": "0.0363",
        "linear1[1]: dE/dy": "0.0413",
        "linear2[0]: dE/dw[0]": "0.0822",
        "linear1[0].w[1]": "0.1995",
        "E": "0.2984",
        "E after": "0.2911",
    }
    found = judged_step(run, MAZUR, json.dumps(rounded))
    assert {v["verdict"] for v in found} == {"rounded"}
    by_hand = [v["claim"] for v in found if "every result rounded to 4 decimals" in v["says"]]
    assert "E after" in by_hand


def test_a_clipped_step_rounded_by_hand_is_that_of_trace(run):
    """Its length, its factor and the gradient after it are results, too, and rounded."""
    weights = ["[[1.03, 0.77, -0.24]]", "[[-0.72], [0.03]]"]
    layers = [f"model.layers.{k}.{part}" for k in (0, 1) for part in ("activation=tanh", "weights=")]
    config = [
        HAND,
        *(f"{each}{weights[k // 2] if k % 2 else ''}" for k, each in enumerate(layers)),
        "optimizer.learning_rate=0.7",
        "training.gradient_clip=0.23",
    ]
    traced = run("trace", *config, "--round-each", "--digits", "3", "--format", "json").json
    sheet = {u["name"]: f"{u['new']:.3f}" for u in traced["updates"] if abs(u["new"]) >= 0.1}
    done = run("check", *config, "--claims", "-", "--format", "json", stdin=json.dumps(sheet))
    verdicts = [v["verdict"] for person in done.json["people"] for v in person["verdicts"]]
    assert len(verdicts) == 5
    assert set(verdicts) <= {"right", "rounded"}


def test_least_digits_hold_for_steps(run):
    # right with every result rounded to four decimals, and of two digits; the old bias, to two
    found = judged_step(run, MAZUR, '{"linear1[1]: dE/dw[1]": "0.0010", "linear1[0].w[1]": "0.20"}')
    assert [(v["verdict"], v["mistake"]) for v in found] == [("wrong", "rounding"), ("wrong", "not updated")]


def test_a_step_with_overrides(run):
    # 0.4 - 0.1*0.08216704
    args = ("optimizer.learning_rate=0.1", "--claim", "linear2[0].w[0]=0.3917833")
    result = run("check", MAZUR, *args, "--format", "json")
    assert result.json["people"][0]["verdicts"][0]["verdict"] == "rounded"


@pytest.mark.parametrize(
    ("answer", "verdict", "mistake"),
    [
        # (y - t)*y*(1 - y)*h, with the numbers as published
        ("(0.75136507 - 0.01)*0.75136507*(1 - 0.75136507)*0.593269992", "rounded", None),
        ("(0.75136507 - 0.01)*0.593269992", "wrong", "local derivative missing"),
        ("0.741365*0.593270", "wrong", "local derivative missing"),
        ("-0.74136507*0.18681560*0.593269992", "wrong", "sign lost"),
    ],
)
def test_formulas_of_a_step(run, answer, verdict, mistake):
    result = run("check", MAZUR, "--claim", f"dE/dlinear2[0].w[0]={answer}", "--format", "json")
    (found,) = result.json["people"][0]["verdicts"]
    assert (found["verdict"], found["mistake"]) == (verdict, mistake)


HAND = str(CLAIMS.parent.parent / "sample_inputs" / "hand.yaml")
IRIS = str(CLAIMS.parent.parent / "sample_inputs" / "iris.yaml")


@pytest.mark.parametrize(
    ("claim", "answer", "kind"),
    [
        # 3-1-2, relu: h = 0.5, z = (-0.5, 0.5), y = (0, 0.5), t = (0.5, 1); mse = ((y - t)^2)/2
        ("E", "0.5", "factor"),  # without 1/n
        ("linear2[0]: dE/dz", "-0.5", "local derivative missing"),
        ("linear2[1].w[0]", "0.975", "sign lost"),
        ("linear2[1].w[0]", "1.25", "rate missing"),
        ("linear2[1].w[0]", "1.0125", "factor"),  # the 2 of the square missing
        ("linear2[1].b", "0", "not updated"),
        # w2' = 1.025 on the way back: -0.5*1.025
        ("linear1[0]: dE/dz", "-0.5125", "updated weights used"),
        ("linear1[0].b", "0.05125", "updated weights used"),
        ("linear2[0].y", "-0.5", "activation missing"),
        # y = (-0.5, 0.5): (1 + 0.25)/2
        ("E", "0.625", "activation missing"),
        ("E after", "0.25", "not updated"),
    ],
)
def test_mistakes_of_a_step_by_hand(run, claim, answer, kind):
    (found,) = judged_step(run, HAND, json.dumps({claim: answer}))
    assert kind in (found["mistake"], *(o.split(":")[0] for o in found["others"])), found


def test_a_mistake_is_carried_to_the_loss_after_the_step(run, tmp_path):
    # the slope of the hidden activation left out, worked by twenty lines of Python without this package
    (tmp_path / "two.yaml").write_text(
        "data: {inputs: [[0.4, -0.95, 0.7]], targets: [[-0.3, -1.0]]}\n"
        "model: {layers: [{type: linear, units: 2, activation: sigmoid, bias: [0.35, -0.35],"
        " weights: [[-0.85, 0.6, 0.3], [-0.25, 0.4, -0.95]]}, {type: linear, units: 2, activation: sigmoid,"
        " weights: [[0.05, 0.75], [0.3, 0.6]], bias: [0.45, -0.35]}]}\n"
        "loss: half_sse\noptimizer: {type: sgd, learning_rate: 0.05}\n"
        "training: {epochs: 1, batch_size: full, shuffle: false}\n",
        "utf-8",
    )
    (found,) = judged_step(run, str(tmp_path / "two.yaml"), '{"E after": "1.51676591"}')
    assert (found["verdict"], found["mistake"]) == ("wrong", "local derivative missing")
    assert "linear1" in found["says"]


def test_a_step_of_a_batch(run):
    trace = run("trace", IRIS, "--format", "json").json
    after, gradient = trace["after"], trace["gradients"][0]
    sheet = {"E after": f"{after:.8f}", gradient["name"]: f"{-gradient['value']:.8f}"}
    found = judged_step(run, IRIS, json.dumps(sheet))
    assert [(v["verdict"], v["mistake"]) for v in found] == [("rounded", None), ("wrong", "sign lost")]


def test_a_step_follows_through(run):
    sheet = {
        "linear2[0]: dE/dz": "0.741365",
        "linear2[0]: dE/dw[0]": "0.439830",
        "linear2[0].w[0]": "0.180085",
    }
    found = judged_step(run, MAZUR, json.dumps(sheet))
    assert [v["verdict"] for v in found] == ["wrong", "follows", "follows"]
    assert found[1]["says"] == "right, given linear2[0]: dE/dz = 0.741365"


def test_a_wrong_number_of_any_size_leaves_the_others(run, tmp_path):
    """The loss after it overflows: what follows from it is no number, and no reason to stop."""
    config = tmp_path / "linear.yaml"
    text = Path(MAZUR).read_text("utf-8")
    lines = [line for line in text.splitlines() if "activation:" not in line]
    config.write_text("\n".join(lines), "utf-8")
    sheet = {"linear2[0].w[0]": "1e308", "dE/dlinear2[0].w[1]": "1e308", "E after": "0.2931"}
    found = judged_step(run, str(config), json.dumps(sheet))
    assert [v["verdict"] for v in found] == ["wrong"] * 3


def test_rows_of_a_batch(run, tmp_path):
    (tmp_path / "two.yaml").write_text(
        "data: {inputs: [[1], [2]], targets: [[1], [3]]}\n"
        "model: {layers: [{type: linear, units: 1, weights: [[2]], bias: [0]}]}\n"
        "loss: mse\noptimizer: {type: sgd, learning_rate: 0.1}\n"
        "training: {epochs: 1, batch_size: full, shuffle: false}\n",
        "utf-8",
    )
    sheet = {"linear1[0].z of row 2": "4", "linear1[0]: dE/dw[0]": "3", "linear1[0].w[0]": "1.4", "E": "2"}
    # dE/dw = 2/2*(1*1 + 1*2) = 3, new w = 2 - 0.3; E = (1 + 1)/2
    found = judged_step(run, str(tmp_path / "two.yaml"), json.dumps(sheet))
    assert [(v["verdict"], v["mistake"]) for v in found] == [
        ("right", None),
        ("right", None),
        ("wrong", "factor"),
        ("wrong", "factor"),
    ]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((MAZUR, "--claim", "linear3[0].z=1"), "the step has no linear3[0].z"),
        ((MAZUR, "--claim", "E=x"), "the program has no x"),
        ((MAZUR, "--claim", "E=1", "--x", "1"), "x=1"),
        ((MAZUR, "--claim", "E=1", "--gradcheck"), "--check-gradients"),
        ((MAZUR, "--claim", "E=1", "optimizer.rate=1"), "learning_rate"),
        (("x^2", "--claim", "x=1", "optimizer.learning_rate=1"), "is for a training step"),
        (("nothere.yaml", "--claim", "E=1"), "nothere.yaml"),
    ],
)
def test_wrong_claims_about_steps(run, args, words):
    result = run("check", *args)
    assert result.status in (2, 4)
    assert words in result.err
    assert result.out == ""


# --- the gradient check ----------------------------------------------------------------------------


def gradchecked(run, *args, status):
    result = run("check", *args, "--gradcheck", "--format", "json")
    assert result.status == status, result.err
    return result.json["checks"]


def test_our_gradient_is_right(run):
    found = gradchecked(run, "sin(x^2)*y", "--x", "1.3", "--y", "2", status=0)
    assert [c["verdict"] for c in found] == ["right", "right"]
    assert found[0]["order"] == pytest.approx(2.0, abs=0.01)
    assert found[1]["order"] is None  # linear in y
    assert max(c["error"] for c in found) < 1e-7


@pytest.mark.parametrize("claim", ["x=8", "x=-12", "x=3x", "x=12.01", "x=12.0001"])
def test_a_wrong_slope_has_order_1(run, claim):
    (found,) = gradchecked(run, "x^3", "--x", "2", "--claim", claim, status=1)
    assert found["order"] == pytest.approx(1.0, abs=0.01)
    assert found["source"] == "claimed"


def test_a_kink_is_crossed(run):
    (found,) = gradchecked(run, "|x| + x^2", "--x", "0.001", status=0)
    assert found["crossed"] == "|x|"
    assert found["step"] < 0.001
    assert "cross the kink of |x|" in found["says"]
    (found,) = gradchecked(run, "|x|", "--x", "0", status=3)
    assert found["verdict"] == "kink"
    assert "-1 on the left, 1 on the right" in found["says"]
    (found,) = gradchecked(run, "relu(x)", "--x", "0", "--claim", "x=5", status=1)
    assert "this is neither" in found["says"]


@pytest.mark.parametrize("x", ["0.001", "1e-12"])
def test_gradcheck_by_the_edge_of_a_domain(run, x):
    (found,) = gradchecked(run, "sqrt(x)*cos(x)", "--x", x, status=0)
    assert found["verdict"] == "right"


@pytest.mark.parametrize(
    ("args", "status", "words"),
    [
        (("x^2", "--x", "1", "--claim", "f=1"), 2, "no first derivative"),
        (("x^2", "--claim", "x=1"), 2, "no value for x"),
        (("log(x)", "--x", "-1"), 3, "log(x) is defined where"),
        (("2", "--format", "table"), 2, "no variable"),
        (("x", "--x", "1", "--format", "junit"), 2, "table, json or markdown"),
    ],
)
def test_gradcheck_refuses(run, args, status, words):
    run("check", *args, "--gradcheck").refused(status, words)


# --- articles --------------------------------------------------------------------------------------

ARTICLE = """\
# The chain rule, 2 = 3

Let a = 3 and b = -2; then `d = a*b = -6` and, with c = 8, `e = d + 8 = 3`.

- sin(0.5) = 0.479
- sin(0.5) ≈ 0.4795
- 1/3 = 0.333
- $2*3 = 6$
- 1,000*2 = 2,000

```python
x = 3
y = x**2 + 1   # 10
z = 3*y  # 31
print(y*z)  # 300
w = foo(x)  # 12
x == 3
```
"""


def test_an_article(run):
    result = run("check", "--text", "-", "--format", "json", stdin=ARTICLE)
    assert result.status == 1
    wrong = [(c["number"], c["text"], c["claimed"], c["right"]) for c in result.json["claims"] if c["wrong"]]
    assert wrong == [
        (3, "d + 8", "3", 2.0),
        (6, "sin(0.5)", "0.4795", 0.479425538604203),
        (14, "z = 3*y", "31", 30.0),
    ]
    assert 16 in result.json["unread"]
    assert "wrong" in run("check", "--text", "-", stdin=ARTICLE).out


DERIVATIVES = r"""
Let `f(x) = x^2 + 3x`. Then $f'(3) = 9$, not $f'(3) = 8$.
$f'(x) = 2x + 3$ and $f'(x) = 2x$, $f''(x) = 2$.
- f(2) = 10
- $g'(2) = 5$
With a = 3, b = -2 and f = -2:
d = a*b = -6
L = d*f = 12
dL/da = 4
∂L/∂d = -3
$$\\frac{\\partial L}{\\partial a} = 5$$
$\\frac{1}{4} + \\frac{2}{4} = 0.75$ and $2 \\cdot 3^{2} = 17$

| what | how |
|---|---|
| `2*3 = 7` | dL/db = -6 |
""".replace("\\\\", "\\")


def test_derivatives_of_an_article(run):
    result = run("check", "--text", "-", "--format", "json", stdin=DERIVATIVES)
    wrong = [(c["number"], c["text"], c["claimed"], c["right"]) for c in result.json["claims"] if c["wrong"]]
    assert [w[:3] for w in wrong] == [
        (3, wrong[0][1], "2x"),
        (10, "∂L/∂d", "-3"),
        (11, "dL/da", "5"),
        (12, "2 * 3^(2)", "17"),
        (16, "2*3", "7"),
    ]
    assert [w[3] for w in wrong if w[0] != 3] == [-2.0, 4.0, 18.0, 6.0]
    assert wrong[0][1].startswith("f'(x) at x = ")
    assert result.json["unread"] == [2, 5]


def test_code_that_is_not_read_may_change_names(run):
    code = """~~~python
x = 3
x += 1
x*2   # 8
x = g(x)
x*2   # 9
y = 1
for i in range(3): y += i
y*2   # 2
def h(w):
    v = w*2   # 6
u = 4
u*2   # 9
k = 1e-23
k*2   # 9e-21
~~~
"""
    found = run("check", "--text", "-", "--format", "json", stdin=code).json
    assert [(c["number"], c["right"]) for c in found["claims"] if c["wrong"]] == [(13, 8.0), (15, 2e-23)]
    assert {6, 9, 11} <= set(found["unread"])


def test_a_name_given_anew_is_no_step_of_a_program(run):
    text = "a = 3\nd = a*2 = 6\na = 4\nL = d*a = 24\ndL/da = 6\n"
    found = run("check", "--text", "-", "--format", "json", stdin=text).json
    # d = 6 came of an a that is no more
    assert not any(c["wrong"] for c in found["claims"])
    assert found["unread"] == [5]


def article(run, text):
    found = run("check", "--text", "-", "--format", "json", stdin=text).json
    return [(c["text"], c["claimed"], c["wrong"]) for c in found["claims"]], found["unread"]


@pytest.mark.parametrize(
    ("line", "claims"),
    [
        ("cos(0) = 1 and sin(0) = 0", 2),
        ("2 + 2 = 4 and 3 + 3 = 6", 2),
        ("cos(1) = 0.54, sin(1) = 0.84", 2),
        ("exp(1) = 2.718, so exp(2) = 7.389.", 2),
        ("- 2 * 3 = 6, 2 + 3 = 5", 2),
        ("- 2 * 3 = -6, 2 + 3 = 5", 2),
        ("sqrt(2) = 1.41421 when n = 5", 1),
        ("sqrt(2) * sqrt(3) = 2.449. tanh(0.5) = 0.46.", 2),
        ("We have 2 + 3 = 5 and sin(0) = 0.", 2),
        ("With a = 3 we get a^2 = 9 and a^3 = 27.", 2),
        ("The loss is (0.5 - 1)^2 = 0.25, which is small.", 1),
        ("n = 3\nn^2 = 25 when n = 5", 1),
        ("a = 2\n`a^2 = 9` for a = 3", 1),
        ("a = 2\nWith a = 3, `a^2 = 9`", 1),
        ("a = 2\na*b = 12 with a = 3 and b = 4", 1),
        ("a = 3; a + 1 = 4, so a = 4", 1),
        ("max(1, 2) = 2, min(1, 2) = 1", 2),
        ("1000*2 = 2,000, and 1/3 = 0.333... so it is.", 2),
        ("$a = 3, b = 2$ and $a \\cdot b = 6$", 1),
        ("$\\frac{\\partial L}{\\partial w} = 0.5 \\cdot 3 = 1.5$", 1),
        ("`sin(0.5)` = 0.4794", 1),
        ("100/3 ≈ 33, sqrt(75000^2 + 1) = 75000, sqrt(2)*100 = 141", 3),
        ("Let f(x) = 1998x. f(1) ≈ 2000 and f'(1) ≈ 2000, f'(x) = 1998", 3),
    ],
)
def test_right_clauses(run, line, claims):
    found, unread = article(run, line)
    assert [wrong for *_, wrong in found] == [False] * claims
    assert unread == []


@pytest.mark.parametrize(
    ("line", "claims"),
    [
        ("10% of 50 = 5. tanh(0.5) = 0.46", 1),
        ("7/2 = 3, remainder 1", 0),
        ("7/2 = 3 with remainder 1", 0),
        ("`7/2 = 3` remainder 1", 0),
        ("The difference between 5*2 and 3*2 = 4", 0),
        ("1 + 0.5 = 1 and a half", 0),
        ("2 + 2 = 2. + 2", 0),
        ("2 + 3 = 5. - 2*3 = -6", 0),
        ("2*3 = 6 apples, 0.5*100 = 50%", 0),
        ("2*3 = 6 apples = 6", 0),
        ("cos(0) = 1 - 3*4 = 12", 0),
        ("a = 3\na = 3 - a*a = 9", 0),
        ("x = 1\n~~~console\n$ backprop run x^2 --x 3\n~~~\nx^2 = 9", 0),
        ("n = 3\nn^2 = 25, n = 5", 0),
        ("a = 2\na = 3 metres\na^2 = 9", 0),
        ("a = 2\na = 1, 2, 3\na*2 = 2", 0),
        ("a = 2\na = 3 or a = 4\na*2 = 6", 0),
        ("Twice 2 + 3 = 10", 0),
        ("minus 2*3 = -6", 0),
        ("The sum of 2, 3*2 = 8", 0),
        ("sqrt(4) = 2 and -2", 0),
        ("17 = 5 (mod 12), 2*7 = 2 mod 12", 0),
        ("| what | value |\n|---|---|\n| ln(10) | 2.3036 |", 0),
        ("`x*2  # 2 times x`", 0),
    ],
)
def test_what_is_in_doubt_is_counted_and_not_judged(run, line, claims):
    found, unread = article(run, line)
    assert [wrong for *_, wrong in found] == [False] * claims
    assert unread
    assert set(unread) <= set(range(1, line.count("\n") + 2))


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("cos(0) = 0 and sin(0) = 0", [("cos(0)", "0")]),
        ("2 + 2 = 4 and 3 + 3 = 7", [("3 + 3", "7")]),
        ("With a = 3 we get a^2 = 9 and a^3 = 28.", [("a^3", "28")]),
        ("The loss is (0.5 - 1)^2 = 0.26, which is small.", [("(0.5 - 1)^2", "0.26")]),
        ("exp(1) = 2.719, so exp(2) = 7.388.", [("exp(1)", "2.719"), ("exp(2)", "7.388")]),
        ("tanh(0.5) = 0.47. max(1, 2) = 3; all right", [("tanh(0.5)", "0.47"), ("max(1, 2)", "3")]),
        ("n^2 = 24 when n = 5", [("n^2", "24")]),
        ("$\\frac{\\partial L}{\\partial w} = 0.5 \\cdot 3 = 1.6$", [("0.5 * 3", "1.6")]),
        ("a = b = 3, a*2 = 7", [("a*2", "7")]),
        ("2*3 - 3 = 6 - 3 = 2", [("2*3 - 3", "2"), ("6 - 3", "2")]),
        ("100/3 = 33, 999*2 = 2000, 7*7 = 50", [("100/3", "33"), ("999*2", "2000"), ("7*7", "50")]),
        ("Let f(x) = 1468x. f(1) = 1470, f'(1) = 1470", [("f(1)", "1470"), ("f'(1)", "1470")]),
        ("Let g(x) = pi*x. g(1) = 3.1425, g'(1) = 3.3", [("g(1)", "3.1425"), ("g'(1)", "3.3")]),
    ],
)
def test_wrong_clauses(run, line, wrong):
    found, _ = article(run, line)
    assert [(text, claimed) for text, claimed, bad in found if bad] == wrong


def test_an_article_without_numbers(run):
    result = run("check", "--text", "-", stdin="No numbers here.\n")
    assert result.status == 3
    assert result.out == "0 numbers checked: 0 right, 0 wrong\n"


@pytest.mark.parametrize("number", ["1e999", "-1e999", "٣"])
def test_a_number_that_is_none_leaves_the_others(run, number):
    found = run("check", "--text", "-", "--format", "json", stdin=f"2+2 = {number}\n1+1 = 3\n").json
    assert found["unread"] == [1]
    assert [(c["number"], c["wrong"]) for c in found["claims"]] == [(2, True)]


def test_numbers_of_an_article_have_any_blanks(run):
    found = run("check", "--text", "-", "--format", "json", stdin="3 - 8 = −\t5\n").json
    assert [c["wrong"] for c in found["claims"]] == [False]


def test_too_many_lines(run):
    run("check", "--text", "-", stdin="1+1 = 3\n" * 50_001).refused(2, "50,001 lines")


def test_an_article_stands_alone(run):
    run("check", "x^2", "--text", "-").refused(2, "--text FILE stands alone")


def test_hostile_articles_cost_little(run):
    lines = [
        "9^9^9^9 = 1",
        "x = " * 80 + "1",
        "(" * 300 + " = 1",
        "__import__('os') = 1",
        "\x1b[31m1+1 = 3",
        "=" * 399,
        "a" * 390 + "1, 2 = x",
    ]
    result = run("check", "--text", "-", stdin="\n".join(lines * 50))
    assert result.status == 3
    assert "300 lines not read" in result.out
    assert "\x1b" not in result.out


def test_digits_that_cancel_are_no_zero(run):
    for text, claim in (
        ("x*(cosh(x)^2 - sinh(x)^2)", "x=1"),
        ("4x^2", "x=8x*(cosh(x)^2-sinh(x)^2)"),
        ("3x", "x=3*(cosh(x)^2-sinh(x)^2)"),
    ):
        run("check", text, "--claim", claim).answered()
    for text, claim in (("x^2*(cosh(x)^2 - sinh(x)^2)", "x=0"), ("x^2", "x=3x*(cosh(x)^2-sinh(x)^2)")):
        assert run("check", text, "--claim", claim).status == 1


@pytest.mark.parametrize(
    ("program", "claim", "mistake", "says"),
    [
        (("x*ln(x)", "x=5"), "x=1.699", "log base", "base 10"),
        (("x*ln(x) - x",), "x=log10(x)", "log base", "base 10"),
        (("2^x",), "x=2^x*log10(2)", "log base", "base 10"),
        (("2^x",), "x=2^x/ln(2)", "integrated", "2^x"),
        (("tan(2x)",), "x=2/(1 + (2x)^2)", "wrong rule", "like atan"),
        (("(3x+1)^5",), "x=15x*(3x+1)^4", "not differentiated", "3x is kept"),
        (("x^2*e^(3x)",), "x=2x*e^(3x) + x^2*e^(3x)", "inner derivative missing", "of the exponent"),
        (("x^2*e^(3x)",), "x=2x*e^(3x) + 3x^3*e^(3x-1)", "power for exponential", "like a power"),
        (("x^2*y^3 + exp(x*y)",), "x=6x*y^2 + y*exp(x*y)", "product rule", "y is held fixed"),
        (("x*y^2",), "x=y^2 + 2x*y", "another variable", "y is held fixed"),
        (("1/(1 + exp(-x))",), "x=x*(1 - x)", "wrong place", "z in place of y"),
        (("relu(x)",), "x=1", "gate ignored", "where it is on"),
        (("sqrt(sin(3x))",), "x=sqrt(3cos(3x))", "wrong place", "inside's derivative"),
        (("exp(-x^2/2)",), "x=exp(-x^2/2)", "inner derivative missing", "exp(-x^2/2)"),
        (("x = s; y = 1 + s*t; z = x/y",), "dz/ds=1/y", "fork not summed", "through x = s counts"),
        (("x/(x^2+1)",), "x=(1+x^2)/(x^2+1)^2", "fork not summed", "numerator of x/(x^2+1)"),
        (("a = sigmoid(w*x); L = -(y*ln(a) + (1-y)*ln(1-a))", "w=0.5", "x=1.5", "y=1"),  # (a - y)*a*(1 - a)*x
         "w=-0.1049", "local derivative twice", "multiplied in twice"),
        (("z = w1*x; o = tanh(z)",), "do/dz=o*(1 - o)", "wrong rule", "like sigmoid"),
        (("q = x+y; f = q*z", "x=-2", "y=5", "z=-4"), "x=1", "constant dropped", "may be that the factor z"),
        (("f = max(x+1, y)/z", "x=2", "y=-1", "z=2"), "x=1", "constant dropped", "it may be"),
        (("a*b", "a=-2", "b=11"), "f=-20", None, "wrong"),
        (("a*b", "a=4", "b=3"), "a=-3", "sign lost", "wrong: the sign is wrong"),
        (("L = (y-t)^2/2", "y=0.1", "t=1"), "L=0.3", None, "wrong"),
        (("atan(2x)",), "x=2/sqrt(1 - 4x^2)", "wrong rule", "like asin"),
        (("sec(x)",), "x=sec(x)^2", "wrong rule", "like tan"),
        (("1/(x^2 + 4)",), "x=1/(2x)", "quotient rule", "not 1/v'"),
        (("1/(x^2 + 4)",), "x=ln(x^2 + 4)", "wrong rule", "1/v is the derivative of ln(v)"),
        (("3x^4 - 5x^2 + 7x",), "x=12x^4 - 10x^2 + 7x", "exponent not lowered", "not lowered by 1"),
        (("x^2*y + y^3",), "x=2x*y + 3y^2", "constant kept", "both terms"),
        (("y = 3/x", "x=1.4"), "x=1.530", "sign lost", "minus"),  # 1.530612, cut off
        (("cbrt(x)", "x=8"), "x=0.25", "factor", "1/3"),
        # values: one step is taken for something else, and what comes behind is right
        (("z = w*x + b; a = relu(z); L = (a - t)^2", "w=2", "x=-1.5", "b=1.1", "t=0.5"), "L=5.76",
         "activation missing", "relu is not applied"),
        (("P = U^2/R", "U=12", "R=8"), "P=1.5", "square missing", "U^2"),
        (("e^sin(x)",), "x=e^cos(x)", "wrong place", "exponent's derivative"),
        (("L = ln(exp(a) + exp(b)) - a", "a=1.2", "b=0.5"), "b=-0.3316", "sign lost", "digits are off"),
        (("L = ln(exp(a) + exp(b)) - a", "a=1.2", "b=0.5"), "b=-0.3352", None, "wrong"),
        (("v = 0.9*m + g; n = w - 0.1*v", "w=1.5", "m=-0.4", "g=3"), "n=-1.14", "constant dropped", "0.1*v"),
        (("v = 0.9*m + g; n = w - 0.1*v", "w=1.5", "m=-0.4", "g=3"), "n=1.2", "rounding", "2 digits"),
    ],
)  # fmt: skip
def test_common_mistakes_have_names(run, program, claim, mistake, says):
    (found,) = judged(run, *program, "--claim", claim, status=1)
    assert found["mistake"] == mistake
    assert says in found["says"]


RELU = ("z = w*x + b; a = relu(z); L = (a - t)^2", "w=2", "x=1.5", "b=1", "t=0.5")


@pytest.mark.parametrize(
    ("program", "claim", "verdict"),
    [
        (("L = max(0, 1 - y*s)", "y=-1", "s=0.3"), "dL/ds=-y = 1", "right"),
        (("|x|*x", "x=3"), "x=2x", "right"),
        (("|x|*x", "x=3"), "x=-2x", "wrong"),
        (("|x|*x", "x=3"), "x=x + 3", "wrong"),  # by chance
        (RELU, "w=2(a - t)x", "right"),
        (RELU, "w=2(a - 0.5)*x", "right"),  # with t = 0.5 put in
        (RELU, "w=(a + 3)*x", "wrong"),  # by chance
        (RELU, "b=a + 3", "wrong"),
    ],
)
def test_beside_a_kink_a_formula_is_right_that_holds_on_this_side(run, program, claim, verdict):
    (found,) = judged(run, *program, "--claim", claim, status=int(verdict == "wrong"))
    assert found["verdict"] == verdict


@pytest.mark.parametrize(
    ("weight", "credit"),
    [
        ("0.149781", "rounded"),
        ("0.1498", "rounded"),
        ("0.150", "short"),
        ("0.15024", "wrong"),  # uphill, three digits hold
        ("0.15002", "wrong"),
        ("0.14943", "wrong"),
        ("0.15022", "named"),
        ("0.15", "named"),  # the number before
    ],
)
def test_a_new_weight_is_judged_by_its_change(run, weight, credit):
    (found,) = judged(run, "sample_inputs/mazur.yaml", "--claim", f"linear1[0].w[0]={weight}")
    assert found["credit"] == credit, found["says"]


@pytest.mark.parametrize(
    ("claim", "usual", "strict"),
    [
        ("undefined", "right", "right"),
        ("0", "right", "wrong"),
        ("1", "not judgeable", "wrong"),
        ("5", "wrong", "wrong"),
    ],
)
def test_kinks_by_convention_and_strictly(run, claim, usual, strict):
    for how, verdict in (("convention", usual), ("strict", strict)):
        (found,) = judged(run, "|x|", "--x", "0", "--claim", f"x={claim}", "--kinks", how)
        assert found["verdict"] == verdict
    (found,) = judged(run, "|x|", "--x", "2", "--claim", "x=1", "--kinks", "strict")
    assert found["verdict"] == "right"
    run("check", "sample_inputs/mazur.yaml", "--claim", "E=1", "--kinks", "strict").refused(2, "--kinks")
