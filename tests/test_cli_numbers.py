"""The published numbers, seen from the command line.

"bit" means to the last digit; the other numbers hold to 1e-14 relative. Where a number is not
published, the oracle is mpmath with at least 50 digits left, its slopes by mpmath's own quotients.
"""

from __future__ import annotations

from math import isclose, ulp

import mpmath
import pytest

PARABOLA = "2x^2-3x+4"
LOSS = "d = a*b; e = d + c; L = e*f"
LOSS_AT = ("--a", "3", "--b", "-2", "--c", "8", "--f", "-2")
MICROGRAD = """
a = -4; b = 2
c = a+b
d = a*b + b^3
c1 = c + c + 1
c2 = c1 + 1 + c1 - a
d1 = d + d*2 + relu(b+a)
d2 = d1 + 3d1 + relu(b-a)
e = c2 - d2
f = e^2
g0 = f/2
g = g0 + 10/f
"""
NEURON = "x1=2; x2=0; w1=-3; w2=1; b=6.8813735870195432; n = x1*w1 + x2*w2 + b; o = tanh(n)"
CIRCUIT = "x0=-1; x1=-2; w0=2; w1=-3; w2=-3; s = w0*x0 + w1*x1 + w2; "
FORWARD = ("--method", "finite", "--scheme", "forward", "--step")


def close(expected, actual, relative=1e-14):
    return isclose(expected, actual, rel_tol=relative, abs_tol=0.0)


# --- values ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("x", "value", "slope"), [("2", 6.0, 5.0), ("6", 58.0, 21.0), ("-2", 18.0, -11.0)])
def test_the_parabola(run, x, value, slope):
    assert run("eval", PARABOLA, "--x", x, "--format", "value").answered().numbers == [value]
    assert run("grad", PARABOLA, "--x", x, "--format", "value").answered().numbers == [slope]


def test_value_of_a_sum_of_a_product(run):
    at = ("--a", "3", "--b", "-2", "--c", "8")
    assert run("eval", "d = a*b+c", *at, "--format", "value").answered().numbers == [2.0]


# --- forward quotients, to the last bit --------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "h", "quotient"),
    [
        ("2", "1e-6", "5.000002000876691"),
        ("6", "1e-6", "21.000002000448603"),
        ("-2", "1e-6", "-10.999997996918864"),
        ("0.75", "1e-9", "0.0"),  # the minimum: the nudge vanishes in the rounding of 4
    ],
)
def test_forward_quotients_of_the_parabola_are_the_published_bits(run, x, h, quotient):
    result = run("grad", PARABOLA, "--x", x, *FORWARD, h, "--format", "value").answered()
    assert result.numbers == [float(quotient)]
    if quotient != "0.0":
        assert result.out.strip() == quotient


@pytest.mark.parametrize(
    ("program", "quotients"),
    [
        ("d = a*b+c", {"b": 3.00000000000189, "c": 0.9999999999976694, "a": -2.0000000000042206}),
        (
            LOSS,
            {
                "L": 1.0000000000021103,
                "e": -2.0000000000042206,
                "f": 1.9999999999997797,
                "d": -1.9999999999953388,
            },
        ),
    ],
    ids=["sum-of-a-product", "loss"],
)
def test_forward_quotients_by_node_are_the_published_bits(run, program, quotients):
    at = LOSS_AT if "f" in quotients else LOSS_AT[:6]
    result = run("grad", program, *at, *FORWARD, "1e-4", "--format", "json").answered()
    assert {name: result.node(name)["gradient"]["finite"] for name in quotients} == quotients


@pytest.mark.parametrize(
    ("scheme", "quotient"),
    [("forward", 4.5), ("backward", 3.5), ("central", 4.0)],  # x^2 at 2 with h = 1/2, exact in binary
)
def test_each_scheme_is_the_textbook_quotient(run, scheme, quotient):
    options = ("--method", "finite", "--scheme", scheme, "--step", "0.5", "--format", "value")
    assert run("grad", "x^2", "--x", "2", *options).answered().numbers == [quotient]


@pytest.mark.parametrize(
    ("scheme", "relative"), [("central", 1e-8), ("forward", 1e-5), ("backward", 1e-5), ("ridders", 1e-9)]
)
@pytest.mark.parametrize("x", ["0", "1e-10", "1", "-700", "1e8"])
def test_each_scheme_chooses_a_step_that_holds(run, scheme, relative, x):
    options = ("--method", "finite", "--scheme", scheme, "--format", "value")
    (slope,) = run("grad", "x^3 + 5x + 1", "--x", x, *options).answered().numbers
    assert close(3 * float(x) ** 2 + 5, slope, relative)


# --- gradients, by every method, all of them agreeing ------------------------------------------

SIGMOID_CIRCUIT = {"w0": -0.19661193324148185, "w1": -0.3932238664829637, "w2": 0.19661193324148185}
ALL_METHODS = {
    "parabola-at-2": (PARABOLA, {"x": 2}, 6.0, {"x": 5.0}),
    "loss": (
        LOSS,
        {"a": 3, "b": -2, "c": 8, "f": -2},
        -4.0,
        {"a": 4.0, "b": -6.0, "c": -2.0, "d": -2.0, "e": -2.0, "f": 2.0, "L": 1.0},
    ),
    "two-inputs": ("3x^2+2x*y+y^2", {"x": 1, "y": 2}, 11.0, {"x": 10.0, "y": 6.0}),
    "product-of-a-sum": (
        "d = a+b; f = d*c",
        {"a": 5, "b": -3, "c": -2},
        -4.0,
        {"a": -2.0, "b": -2.0, "c": 2.0},
    ),
    "two-paths": ("b=a^2; c=-7a; d=b*c", {"a": 2}, -56.0, {"a": -84.0, "b": -14.0, "c": 4.0, "d": 1.0}),
    "micrograd": (MICROGRAD, {}, 24.70408163265306, {"a": 138.83381924198252, "b": 645.5772594752186}),
    "tanh-neuron": (
        NEURON,
        {},
        0.7071067811865476,
        {"x1": -1.5, "w1": 1.0, "x2": 0.5, "w2": 0.0},
    ),
    "sigmoid-circuit": (CIRCUIT + "f = sigmoid(s)", {}, 0.7310585786300049, SIGMOID_CIRCUIT),
    "sigmoid-circuit-spelled": (CIRCUIT + "f = 1/(1+exp(-s))", {}, 0.7310585786300049, SIGMOID_CIRCUIT),
    "softplus-750": ("softplus(x)", {"x": 750}, 750.0, {"x": 1.0}),
    "sigmoid-36": ("sigmoid(x)", {"x": 36}, 0.9999999999999998, {"x": 2.319522830243568e-16}),
    "sigmoid-45": ("sigmoid(x)", {"x": 45}, 1.0, {"x": 2.8625185805493937e-20}),
    "tanh-19.5": ("tanh(x)", {"x": 19.5}, 1.0, {"x": 4.6192896692063144e-17}),
}


def test_a_row_that_finite_differences_cannot_judge_is_not_counted(process):
    out = process("grad", "1e12+x^2", "--x", "1").answered().out
    assert "symbolic, reverse and finite agree in 2 of 3 rows" in out
    assert "x: noisy: finite differences are off by up to 4e1 here" in out


@pytest.mark.parametrize(("program", "at", "value", "slopes"), ALL_METHODS.values(), ids=ALL_METHODS)
def test_three_methods_agree_on_the_published_gradients(process, program, at, value, slopes):
    bindings = [word for name, number in at.items() for word in (f"--{name}", str(number))]
    result = process("grad", program, *bindings, "--format", "json").answered()
    report = result.json
    assert sorted(report["methods"]) == ["finite", "reverse", "symbolic"]
    assert close(value, report["value"]) or value == 0
    for name, slope in slopes.items():
        gradient = result.node(name)["gradient"]
        for method in ("reverse", "symbolic"):
            assert close(slope, gradient[method]), (name, method, gradient)
        assert isclose(slope, gradient["finite"], rel_tol=1e-6, abs_tol=1e-6), (name, gradient)
    assert {name: result.node(name)["gradient"]["reverse"] for name in report["inputs"]} == report["gradient"]
    assert report["agree"] is True
    assert {row["verdict"] for row in report["nodes"] if row["kind"] != "constant"} == {"agree"}


def test_steps_of_the_loss(run):
    result = run("grad", LOSS, *LOSS_AT, "--method", "reverse", "--format", "json").answered()
    assert [result.node(name)["value"] for name in "deL"] == [-6.0, 2.0, -4.0]
    result = run("grad", NEURON, "--method", "reverse", "--format", "json").answered()
    assert close(0.8813735870195432, result.node("n")["value"])


def test_length_of_the_gradient_is_shown(run):
    at = ("--x", "1", "--y", "2", "--method", "reverse")
    assert "11.6619" in run("grad", "3x^2+2x*y+y^2", *at).answered().out
    assert "11.661903789690" in run("grad", "3x^2+2x*y+y^2", *at, "--digits", "17").answered().out


@pytest.mark.parametrize("method", ["reverse", "forward", "complex-step"])
def test_rule_based_methods_give_the_published_gradient(run, method):
    result = run("grad", MICROGRAD.replace("relu", "1*"), "--method", method, "--format", "json").answered()
    assert result.json["methods"] == [method]
    oracle = run("grad", MICROGRAD.replace("relu", "1*"), "--method", "reverse", "--format", "json").json
    for name, slope in oracle["gradient"].items():
        assert close(slope, result.json["gradient"][name]), name


@pytest.mark.parametrize("method", ["reverse", "forward"])
def test_micrograd_by_the_sweeps(run, method):
    result = run("grad", MICROGRAD, "--method", method, "--format", "value").answered()
    a, b = result.numbers
    assert close(138.83381924198252, a)
    assert close(645.5772594752186, b)


# --- formulas, as a teacher writes them --------------------------------------------------------

FORMULAS = {
    "polynomial": ("2x^2 - 3x + 4", (), {"x": "4*x - 3"}),
    "two-paths": ("b=a^2; c=-7a; d=b*c", (), {"a": "2*a*c - 7*b", "b": "c", "c": "b", "d": "1"}),
    "two-paths-inlined": ("b=a^2; c=-7a; d=b*c", ("--formulas", "inputs"), {"a": "-21*a^2"}),
    "chain": ("b=3a^4; c=sin(b)", (), {"a": "cos(b)*12*a^3", "b": "cos(b)", "c": "1"}),
    "loss": (LOSS, (), {"a": "b*f", "b": "a*f", "c": "f", "d": "f", "e": "f", "f": "e", "L": "1"}),
}


@pytest.mark.parametrize(("program", "options", "formulas"), FORMULAS.values(), ids=FORMULAS)
def test_formulas_are_written_as_a_teacher_would(process, program, options, formulas):
    result = process("grad", program, *options, "--format", "json").answered()
    assert {name: result.node(name)["formula"] for name in formulas} == formulas


def test_chain_through_a_sine(run):
    with mpmath.workdps(50):
        slope = float(mpmath.cos(3 * mpmath.mpf(0.7) ** 4) * 12 * mpmath.mpf(0.7) ** 3)
    got = run("grad", "b=3a^4; c=sin(b)", "--a", "0.7", "--format", "value").answered().numbers
    assert close(slope, got[0])


# --- functions against mpmath ------------------------------------------------------------------

NEAR_1 = 1 - 2.0**-53  # the last float below 1
FIRST_CLASS = 1e-15  # "right to 1e-15 relative for |x| up to 350"
ELEMENTARY = 1e-14
SPECIAL = 1e-13


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


def softplus(x):
    return mpmath.log1p(mpmath.exp(x))


WIDE = [-350.0, -100.25, -37.5, -20.5, -1.0, -1e-9, 0.0, 1e-300, 0.3, 2.0, 19.5, 36.0, 45.0, 350.0]
EDGES = [-NEAR_1, -0.999999, -0.5, -1e-8, 0.0, 1e-17, 0.25, 0.9999999999, NEAR_1]
ORACLES = {
    "sigmoid": (sigmoid, FIRST_CLASS, WIDE),
    "softplus": (softplus, FIRST_CLASS, [*WIDE, 750.0, -50.0]),
    "tanh": (mpmath.tanh, FIRST_CLASS, [x for x in WIDE if abs(x) <= 350]),
    "asin": (mpmath.asin, FIRST_CLASS, EDGES),
    "acos": (mpmath.acos, FIRST_CLASS, EDGES),
    "atanh": (mpmath.atanh, ELEMENTARY, EDGES),
    "acosh": (mpmath.acosh, ELEMENTARY, [1 + 2.0**-52, 1.000001, 1.5, 10.0, 1e10, 1e200]),
    "asinh": (mpmath.asinh, ELEMENTARY, [-1e200, -30.0, -1e-9, 0.0, 0.5, 1e10]),
    "atan": (mpmath.atan, ELEMENTARY, [-1e150, -3.0, -1e-9, 0.0, 1.0, 1e9]),
    "sin": (mpmath.sin, ELEMENTARY, [-3.0, 0.0, 1e-9, 1.0, 350.0]),
    "cos": (mpmath.cos, ELEMENTARY, [-3.0, 1e-9, 1.0, 350.0]),
    "tan": (mpmath.tan, ELEMENTARY, [-3.0, 0.0, 1.5707963267948966, 350.0]),
    "sinh": (mpmath.sinh, ELEMENTARY, [-350.0, -1e-9, 0.0, 1.0, 350.0]),
    "cosh": (mpmath.cosh, ELEMENTARY, [-350.0, -1e-9, 1.0, 350.0]),
    "exp": (mpmath.exp, ELEMENTARY, [-700.0, -1.0, 0.0, 1e-12, 350.0]),
    "expm1": (mpmath.expm1, ELEMENTARY, [-350.0, -1e-12, 0.0, 1e-300, 350.0]),
    "log": (mpmath.log, ELEMENTARY, [1e-300, 0.5, 0.9999999999, 2.0, 1e300]),
    "ln": (mpmath.log, ELEMENTARY, [0.5, 3.0]),
    "log1p": (mpmath.log1p, ELEMENTARY, [-0.9999, -1e-12, 0.0, 1e-300, 1e300]),
    "log2": (lambda x: mpmath.log(x, 2), ELEMENTARY, [0.1, 3.0, 1e300]),
    "log10": (mpmath.log10, ELEMENTARY, [0.1, 3.0, 1e300]),
    "sqrt": (mpmath.sqrt, ELEMENTARY, [1e-300, 2.0, 1e300]),
    "silu": (lambda x: x * sigmoid(x), ELEMENTARY, [-350.0, -20.0, 0.0, 1.0, 40.0]),
    "erf": (mpmath.erf, SPECIAL, [-5.0, -1e-9, 0.0, 0.5, 3.0]),
    "erfc": (mpmath.erfc, SPECIAL, [-5.0, 0.0, 0.5, 10.0, 26.0]),
    "gamma": (mpmath.gamma, SPECIAL, [-2.5, 0.1, 1.0, 4.5, 30.0]),
    "lgamma": (lambda x: mpmath.log(abs(mpmath.gamma(x))), SPECIAL, [0.1, 4.5, 100.0]),
    "digamma": (mpmath.digamma, SPECIAL, [0.1, 1.0, 4.5, 100.0]),
}
POINTS = [(name, x) for name, (_, _, points) in ORACLES.items() for x in points]


def exact(function, *at, order=None):
    """The value (or the slope in argument ``order``) of an mpmath function at exact floats."""
    with mpmath.workdps(500):  # a quotient of tanh at 350 cancels the first 404 digits
        point = [mpmath.mpf(x) for x in at]
        if order is None:
            return float(function(*point))
        h = (abs(point[order]) or 1) * mpmath.mpf(10) ** -100
        above, below = ([*point[:order], point[order] + s * h, *point[order + 1 :]] for s in (1, -1))
        return float((function(*above) - function(*below)) / (2 * h))


@pytest.mark.parametrize(("name", "x"), POINTS, ids=[f"{name}-{x!r}" for name, x in POINTS])
def test_functions_and_slopes_against_mpmath(run, name, x):
    function, relative, _ = ORACLES[name]
    (value,) = run("eval", f"{name}(x)", "--x", repr(x), "--format", "value").answered().numbers
    (slope,) = run("grad", f"{name}(x)", "--x", repr(x), "--format", "value").answered().numbers
    assert close(exact(function, x), value, max(relative, 1e-15))
    assert close(exact(function, x, order=0), slope, relative)


@pytest.mark.parametrize("name", ORACLES)
def test_arrays_agree_with_floats_to_4_ulp(run, tmp_path, name):
    points = ORACLES[name][2]
    path = tmp_path / "points.csv"
    path.write_text("x\n" + "".join(f"{x!r}\n" for x in points))
    rows = run("grad", f"{name}(x)", "--points", str(path), "--format", "json").answered().lines
    for x, row in zip(points, rows, strict=True):
        (value,) = run("eval", f"{name}(x)", "--x", repr(x), "--format", "value").answered().numbers
        (slope,) = run("grad", f"{name}(x)", "--x", repr(x), "--format", "value").answered().numbers
        assert abs(value - row["value"]) <= 4 * ulp(value), x
        assert abs(slope - row["gradient"]["x"]) <= 4 * ulp(slope), x


@pytest.mark.parametrize(
    ("program", "function", "at"),
    [
        ("a/b", lambda a, b: a / b, (3.0, 1e-100)),
        ("a/b", lambda a, b: a / b, (1e-200, 1e-150)),  # b^2 underflows, (a/b)/b does not
        ("a/b", lambda a, b: a / b, (1e200, 1e170)),  # b^2 overflows, (a/b)/b does not
        ("hypot(a, b)", mpmath.hypot, (3e200, 4e200)),  # a^2 + b^2 overflows
        ("hypot(a, b)", mpmath.hypot, (3e-200, 4e-200)),
        ("atan2(a, b)", mpmath.atan2, (3e200, -4e200)),
        ("atan2(a, b)", mpmath.atan2, (-3e-160, 4e-160)),
        ("a^b", lambda a, b: a**b, (2.5, 3.25)),
        ("a*b", lambda a, b: a * b, (0.1, -0.7)),
    ],
)
def test_two_operand_primitives_are_scaled(run, program, function, at):
    bindings = ("--a", repr(at[0]), "--b", repr(at[1]))
    (value,) = run("eval", program, *bindings, "--format", "value").answered().numbers
    slopes = run("grad", program, *bindings, "--format", "value").answered().numbers
    assert close(exact(function, *at), value, FIRST_CLASS)
    assert close(exact(function, *at, order=0), slopes[0], FIRST_CLASS)
    assert close(exact(function, *at, order=1), slopes[1], 2e-15)


@pytest.mark.parametrize(
    ("program", "x", "slope"),
    [
        ("x^3", -2.0, 12.0),  # a literal integer power never goes through log
        ("x^-2", -2.0, 0.25),
        ("x^101", -1.0, 101.0),
        ("cbrt(x)", -8.0, 1 / 12),
        ("x^(1/3)", 8.0, 1 / 12),
        ("x^2.5", 4.0, 20.0),
        ("polygamma(1, x)", 1.0, -2.404113806319188570799),  # -2 zeta(3)
        ("elu(x)", 2.0, 1.0),
        ("abs(x)", -3.0, -1.0),
        ("min(x, 3, 7)", 2.0, 1.0),
        ("max(x, 3, 7)", 2.0, 0.0),
    ],
)
def test_slopes_known_in_closed_form(run, program, x, slope):
    got = run("grad", program, "--x", repr(x), "--format", "value").answered().numbers
    assert got == [pytest.approx(slope, rel=1e-14, abs=0.0)]


@pytest.mark.parametrize("x", [750.0, 20.5, -50.0])
def test_softplus_at_the_published_points(run, x):
    (value,) = run("eval", "softplus(x)", "--x", repr(x), "--format", "value").answered().numbers
    assert close(exact(softplus, x), value, 1e-15)


@pytest.mark.parametrize(
    "text",
    [
        "where(clamp(x, 2, y) <= x, x, x)/x",
        "where(x^y > -1, x + y, 7)",
        "where(atan2(x, y) < 9, x + y, 7)",
        "where(log(x) < sqrt(y), x + y, 7)",
        "max(where(clamp(y, x, 1) == 0, 1, 2)*x, y)",
    ],
)
def test_a_row_whose_condition_has_no_value_has_no_answer(run, text: str) -> None:
    """A nan that a condition alone reads is as far as arrays go; single numbers are refused there."""
    points = [(x, y) for x in (-1.0, 0.0, 0.75, 2.0) for y in (-1.0, 0.0, 1.0, 3.0)]
    rows = "\n".join(f"{x},{y}" for x, y in points)
    done = run("grad", text, "--points", "-", "--format", "csv", stdin=f"x,y\n{rows}\n")
    cells = [line.split(",") for line in done.out.splitlines()[1:]]
    for (x, y), row in zip(points, cells, strict=True):
        single = run("grad", text, f"x={x}", f"y={y}", "--format", "value")
        assert (row[2] == "") == (single.status == 3), (text, x, y, row, single.err)
