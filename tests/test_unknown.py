"""Functions that nobody has written down: formulas that hold whatever they are, and never a number."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable

import pytest
import sympy
from conftest import Result
from hypothesis import given, settings
from hypothesis import strategies as st

import backprop_cli as backprop
from backprop_cli.differentiation.unknown import concrete, refuted, without_refuted
from backprop_cli.engine.point import Point
from backprop_cli.errors import BackpropError, ExpressionError
from backprop_cli.language.format import format_program
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.language.reader import read
from backprop_cli.ops.unknown import UnknownFunction, unknown, written

Run = Callable[..., Result]

FORMULAS = [
    ("y = g(u); u = f(x)", {"x": "g'(u)*f'(x)"}),
    ("u = f(x); y = g(u)", {"x": "g'(u)*f'(x)"}),
    ("f(x)*g(x)", {"x": "f'(x)*g(x) + f(x)*g'(x)"}),
    ("f(x)/g(x)", {"x": "f'(x)/g(x) - f(x)*g'(x)/g(x)^2"}),
    ("f(g(h(t)))", {"t": "f'(g(h(t)))*g'(h(t))*h'(t)"}),
    ("sin(f(x^2))", {"x": "2*x*cos(f(x^2))*f'(x^2)"}),
    ("u(t)*v(t)", {"t": "u'(t)*v(t) + u(t)*v'(t)"}),
    ("f(x) = x^2; y = f(g(x))", {"x": "2*g(x)*g'(x)"}),
    ("f(x)^2", {"x": "2*f(x)*f'(x)"}),
    ("f'(x)*x", {"x": "f'(x) + x*f''(x)"}),
    ("φ(a*x + b)", {"x": "a*φ'(b + a*x)", "a": "x*φ'(b + a*x)", "b": "φ'(b + a*x)"}),
    (
        "z = f(x, y); x = r*cos(t); y = r*sin(t)",
        {"r": "cos(t)*f_x(x, y) + sin(t)*f_y(x, y)", "t": "r*cos(t)*f_y(x, y) - r*sin(t)*f_x(x, y)"},
    ),
    ("z = f(2x, y)", {"x": "2*f_1(2*x, y)", "y": "f_2(2*x, y)"}),
    ("f(x, y) + f(y, x)", {"x": "f_1(x, y) + f_2(y, x)", "y": "f_2(x, y) + f_1(y, x)"}),
    ("f_x(x, y)*f(x, y)", {"y": "f_xy(x, y)*f(x, y) + f_x(x, y)*f_y(x, y)"}),
]


@pytest.mark.parametrize(("program", "formulas"), FORMULAS, ids=[f[0] for f in FORMULAS])
def test_formulas(program: str, formulas: dict[str, str]) -> None:
    graph = lower(read(program))
    found = backprop.grad(program).formulas
    assert found is not None
    for name, formula in formulas.items():
        own = found[graph.inputs[name]]
        assert own is not None
        # equal as SymPy sees them, with its own undefined functions
        assert sympy.simplify(_sympy(own) - _sympy(formula)) == 0


def _sympy(text: str) -> sympy.Expr:
    """Read a formula by SymPy, with an undefined function of a name of its own for each derivative."""
    names = {w: sympy.Function(w) for w in re.findall(r"[A-Za-zφ_0-9]+(?=P*\()", text.replace("'", "P"))}
    names = {w: f for w, f in names.items() if w not in ("sin", "cos")}
    return sympy.sympify(text.replace("'", "P").replace("^", "**"), locals=names)


@pytest.mark.parametrize(
    ("program", "formula"),
    [
        ("y = g(u); u = f(x)", "g''(u)*f'(x)^2 + g'(u)*f''(x)"),
        ("f(x)*g(x)", "f''(x)*g(x) + 2*f'(x)*g'(x) + f(x)*g''(x)"),
        ("f(x^2)", "4*x^2*f''(x^2) + 2*f'(x^2)"),
    ],
)
def test_second_derivatives(program: str, formula: str) -> None:
    assert backprop.higher(program, order=2).rows[-1].formula == formula


# What is read as a function, and what is not

READ = {
    "f(a + b)": ("f is an unknown function: f'(x) stands for the derivative; to multiply write f*(...)", "f"),
    "y(t)^2": ("y is an unknown function: y'(t) stands for the derivative", "y"),
    "f′(x) + f’’(x)": ("f is an unknown function: f'(x) stands for the derivative", "f"),
    "F(x, y)": ("F is an unknown function: F_x stands for the derivative by x", "F"),
    "y = g(u); u = f(x)": (
        "g and f are unknown functions: g'(u) stands for the derivative; "
        "the output is y, which no other statement uses",
        "gf",
    ),
}


@pytest.mark.parametrize("text", READ)
def test_what_is_read_is_said(text: str) -> None:
    source = read(text).source
    assert (source.note, "".join(source.unknown)) == READ[text]


@pytest.mark.parametrize(
    "text",
    [
        "x(y + 1)",
        "x(a - y)",
        "2x(x + 1)",
        "a(2)",
        "f(x)*f",
        "f(x + 1) + 2f",
        "sni(x)",
        "foo(x)",
        "A'(x)",
        "X'(p - y)",
        "x'(p - y)",
        "f'(x) + f(x, y)",
        "f_x(x)",
        "f_z(x, y)",
        "e(x)",
        "Γ(x)",
        "Sin(x)",
        "f()",
    ],
)
def test_what_may_be_a_product_or_a_slip_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        read(text)


@pytest.mark.parametrize("text", ["f(x)", "y = g(u); u = f(x)", "f(x, y)", "f'(x)"])
def test_where_numbers_are_asked_for_there_are_none(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)


COMMANDS = ["eval", "limit", "plot", "descend", "export", "page", "grad", "explain", "graph", "check"]


@pytest.mark.parametrize("command", COMMANDS)
def test_no_number_of_an_unknown_function_is_shown(run: Run, command: str) -> None:
    more = {"export": ("--to", "c"), "check": ("--claim", "x=2")}.get(command, ())
    found = run(command, "f(x^2) + 1", "--x", "0:1" if command == "plot" else "1", *more)
    assert found.status == 2
    assert not found.out
    assert found.err == (
        "backprop: error: f is an unknown function: there are formulas, but no numbers\n"
        "  f(x^2) + 1\n  ^^^^^^\n"
        "  hint: define it before, f(x) = ..., or write f*(x^2) to multiply\n"
    )


def test_no_wrong_claim_shows_a_number() -> None:
    (verdict,) = backprop.check("y = g(u); u = f(x)", {"dy/dx": "3"}).verdicts
    assert verdict.says == "it does not hold whatever g and f may be"
    assert verdict.right is None
    assert verdict.point is None


CLAIMS = [
    ("y = g(u); u = f(x)", "dy/dx", "g'(u)*f'(x)", "right"),
    ("y = g(u); u = f(x)", "dy/dx", "g'(f(x))*f'(x)", "right"),
    ("y = g(u); u = f(x)", "dy/dx", "g'(x)*f'(x)", "the derivative of y = g(u) is taken at the variable"),
    ("y = g(u); u = f(x)", "dy/dx", "g'(u)", "the derivative of the inside is not multiplied in"),
    ("y = f(x)*g(x)", "dy/dx", "f'(x)*g'(x)", "(uv)' is not u'v'"),
    ("y = f(x)/g(x)", "dy/dx", "(f'(x)*g(x) - f(x)*g'(x))/g(x)^2", "right"),
    ("y = g(u); u = f(x)", "d2y/dx2", "g''(u)*f'(x)^2 + g'(u)*f''(x)", "right"),
    ("f(x)", "df/dx", "f'(x)", "right"),
    ("f(x)*x", "x", "f(x) + x*f'(x)", "right"),
    ("z = f(x, y); x = 2t; y = t^2", "dz/dt", "2*f_x(x, y) + 2*t*f_y(2t, t^2)", "right"),
]


@pytest.mark.parametrize(("program", "name", "claim", "says"), CLAIMS)
def test_claims(program: str, name: str, claim: str, says: str) -> None:
    (verdict,) = backprop.check(program, {name: claim}).verdicts
    assert says in (verdict.verdict, verdict.says) or says in verdict.says
    assert (verdict.verdict == "right") == (says == "right")


def test_a_claim_has_the_functions_of_the_program(run: Run) -> None:
    for program in ("y = g(u); u = f(x)", "y = x^2"):
        found = run("check", program, "--claim", "dy/dx = h(x)")
        assert found.status == 2
        assert "h" in found.err.splitlines()[0]


# Random programs, with random functions put in

INNER = st.recursive(
    st.sampled_from(["x", "t"]),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["f", "g", "sin", "f'"]), inner).map(lambda p: f"{p[0]}({p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"h({p[0]}, {p[1]})"),
        st.tuples(inner, st.sampled_from([" + ", "*", " - "]), inner).map("({0[0]}{0[1]}{0[2]})".format),
    ),
    max_leaves=4,
)
CONCRETE = {"f": "sin(0.7*{0}) + {0}^2/3", "g": "exp(-{0}/2) + {0}", "h": "{0}*sin({1}) + {1}^2/({0}^2 + 1)"}


@settings(max_examples=25)
@given(INNER, INNER)
def test_formulas_hold_for_functions_put_in(u: str, y: str) -> None:
    """Formulas against the text with functions written in, none of which the program's own trial has."""
    program = f"u = {u}; y = h(u, x)*f({y})"
    graph = lower(read(program))
    formulas = backprop.grad(program, formulas="inputs").formulas
    assert formulas is not None
    at = {"x": 0.8, "t": 1.3}
    definitions = {
        name: sympy.Lambda(
            sympy.symbols("p q")[: 1 + (name == "h")], sympy.sympify(body.format("p", "q").replace("^", "**"))
        )
        for name, body in CONCRETE.items()
    }

    def value(text: str) -> sympy.Expr:
        """Put the functions and their derivatives in, by SymPy."""
        names: dict[str, object] = {"u": sympy.Symbol("u")}
        for word in set(re.findall(r"([fgh](?:_[a-z12]+)?'*)\(", text)):
            base, primes, below = word[0], word.count("'"), word.partition("_")[2]
            function = definitions[base]
            p = function.variables
            operands = graph.source.unknown[base]
            by = [*([p[0]] * primes), *(p[operands.index(c)] for c in below)]
            names[word.replace("'", "P")] = sympy.Lambda(p, function.expr.diff(*by) if by else function.expr)
        return sympy.sympify(text.replace("'", "P").replace("^", "**"), locals=names)

    whole = value(f"h({u}, x)*f({y})")
    for name in graph.inputs:
        formula = formulas[graph.inputs[name]]
        if formula is None:
            continue
        assert "/d" not in formula
        right = complex(whole.diff(sympy.Symbol(name)).subs(at).evalf())
        assert complex(value(formula).subs(at).evalf()) == pytest.approx(right, rel=1e-9, abs=1e-9)


def test_formulas_that_do_not_hold_are_found() -> None:
    graph = lower(read("y = g(u); u = f(x)"))

    def slopes(program: backprop.Graph, inputs: dict[str, float], ids: list[int]) -> list[float]:
        return [Point.at(program, inputs).cotangents[ids[graph.inputs["x"]]]] * 4

    wrong = ["g'(u)*f'(x)", "g'(x)*f'(x)", "g'(u)*f''(x)", "g'(f(x))*f'(x)"]
    assert refuted(graph, wrong, slopes) == [1, 2]
    kept, notes = without_refuted(graph, {graph.inputs["x"]: "g'(u)"})
    assert not kept
    assert notes == ["1 of the formulas did not hold for functions put in, and are left out"]


@pytest.mark.parametrize("orders", [(0, 0), (1, 0), (1, 2)])
def test_what_stands_for_a_function_is_consistent(orders: tuple[int, int]) -> None:
    row, at = unknown("f", ("x", "y"), orders), (0.4, -0.7)
    for k in range(2):
        h = 1e-5
        moved = [row.forward(math, *(x + s * h * (j == k) for j, x in enumerate(at))) for s in (1, -1)]
        slope = row.partials(math, None, *at)[k]
        assert slope == pytest.approx((moved[0] - moved[1]) / (2 * h), rel=1e-7, abs=1e-8)


def test_derivatives_are_read_as_they_are_written() -> None:
    chance = random.Random(1)
    for _ in range(40):
        count = chance.randint(1, 3)
        operands = ("x",) if count == 1 else chance.choice([("x", "y", "z")[:count], ("1", "2", "3")[:count]])
        orders = tuple(chance.randint(0, 3) for _ in operands)
        called = ", ".join(["x", "y", "z"][:count] if operands[0] != "1" else ["2*x", "y", "3*z"][:count])
        text = f"{written('f', operands, orders)}({called})"
        graph = lower(read(text, {"f": operands}))
        row = graph.nodes[graph.output].op
        assert isinstance(row, UnknownFunction)
        assert (row.orders, row.operands) == (orders, operands)
        assert format_program(read(text, {"f": operands})) == text


def test_outer_functions_come_before_inner_ones() -> None:
    found = backprop.grad("f(f(h(x)))").formulas
    assert found is not None
    assert found[0] == "f'(f(h(x)))*f'(h(x))*h'(x)"


def test_explain_puts_the_inner_function_back(run: Run) -> None:
    found = run("explain", "y = g(u); u = f(x)").answered()
    assert [line.split(":")[0].strip() for line in found.out.splitlines()[3:]] == [
        "chain rule, derivative of g",
        "outer function",
        "derivative of f",
        "put together",
        "u put back",
    ]
    assert found.out.splitlines()[-1].endswith("dy/dx = g'(f(x))*f'(x)")


def test_graph_has_derivatives_on_its_arrows(run: Run) -> None:
    found = run("graph", "z = f(x, y); x = 2t; y = t^2", "--format", "json").answered()
    local = {edge["symbol"] for edge in found.json["edges"]}
    assert {"f_x(x, y)", "f_y(x, y)"} <= local


def test_latex_has_primes_and_subscripts(run: Run) -> None:
    found = run("grad", "z = f(x, y)*g(x)", "--format", "latex").answered()
    assert r"f_{x}\left(x, y\right) \cdot g\left(x\right)" in found.out
    assert r"g'\left(x\right)" in found.out


def test_a_concrete_program_keeps_its_names() -> None:
    graph = lower(read("a = 2; u = f(x); w = u; y = a*g(u, w)"))
    program, ids = concrete(graph, 3)
    assert list(program.inputs) == list(graph.inputs)
    assert {name: ids[id] for name, id in graph.named.items()} == program.named
    with pytest.raises(BackpropError):
        backprop.eval(graph, x=1.0)


# What else a letter and a mark may mean


def test_sigma_is_the_sigmoid_where_nothing_else_is(run: Run) -> None:
    right = 1 / (1 + math.exp(-0.3))
    for text in ("σ(z)", "sigma(z)", "x = σ(z); x"):
        found = run("eval", text, "--z", "0.3", "--format", "value")
        assert found.numbers == [pytest.approx(right)]
        assert found.err == f"note: {'sigma' if 'sigma' in text else 'σ'}(...) is sigmoid(...)\n"
    assert backprop.eval("σ(W@x)", W=[[1.0, 2.0]], x=[0.1, 0.1]).tolist() == [pytest.approx(right)]
    assert backprop.eval("σ(x) = x^2; σ(3)") == 9.0
    run("eval", "σ(z) + σ", "--z", "1").refused(2, "σ is used both as a function and as a variable")
    run("eval", "σ(z)", "--z", "1", "--σ", "2").refused(2, "σ has a value here, but σ(...) is a function")
    run("eval", "f(z)", "--z", "1", "--f", "2").refused(2, "to multiply write f*(...)")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("sni(x)", "write sin(x) or sni*(x) to multiply"),
        ("lgo(x)", "write log(x) or lgo*(x) to multiply"),
        ("ReLU(x)", "write relu(x) or ReLU*(x) to multiply"),
        ("EXP(x)", "write exp(x) or EXP*(x) to multiply"),
        ("y'^2", "y_prime or y1 is a name; the derivative of y is what grad takes"),
        ("3'", "f' of a function is what grad takes"),
        ("(x + 1)'", 'grad "x + 1" is what takes it'),
        (
            "A'(x)",
            "A'@(x) is the product with the transpose of an array; "
            "a function whose derivative is meant is called f, g or h",
        ),
    ],
)
def test_hints(text: str, hint: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        read(text)
    assert caught.value.hint == hint


def test_numbers_have_no_transpose(run: Run) -> None:
    run("eval", "y'^2", "--y", "2").refused(2, "y' is no name, and numbers have no transpose")
    run("eval", "3'").refused(2, "numbers have no transpose, and 3 is one")


def test_letters_have_hats_and_bars(run: Run) -> None:
    assert backprop.eval("(ŷ - y)^2/x̄_1", {"ŷ": 1, "y": 3, "x̄_1": 2}) == 2.0
    composed, combined = "\u0177", "y\u0302"
    assert run("eval", f"{combined}*2", f"--{composed}", "3", "--format", "value").numbers == [6.0]
    found = run("grad", "ŷ*p̂_1", "ŷ=1", "p̂_1=2", "--format", "latex").answered()
    assert r"$\hat{y} \cdot \hat{p}_{1}$" in found.out
    found = run("export", "ŷ*θ̂", "ŷ=1", "θ̂=2", "--to", "c").answered()
    assert "double y_hat, double theta_hat" in found.out
    with pytest.raises(ExpressionError):
        parse("\u0302x")


def test_what_is_too_large_to_be_tried_is_not_shown(run: Run) -> None:
    deep = "f(" * 3_000 + "x" + ")" * 3_000
    found = run("grad", deep).answered()
    assert "3,001 nodes are too many for formulas to be held to functions put in" in found.err
    assert "f'(" not in found.out


def test_a_definition_that_is_never_called_leaves_numbers_as_they_are() -> None:
    assert backprop.eval("q(x) = h(x); 2y", y=3) == 6.0
    assert backprop.grad("q(x) = h(x); 2y", y=3).agree


def test_a_constant_of_an_unknown_function_has_no_false_note(run):
    assert "did not hold" not in run("grad", "y = f(2)").err
