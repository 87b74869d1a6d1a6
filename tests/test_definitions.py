"""Functions of a program's own: a call means what its definition says with the operands in it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import pytest
from conftest import Result
from hypothesis import given, settings
from hypothesis import strategies as st

import backprop_cli as backprop
from backprop_cli.differentiation.symbolic.session import SESSION
from backprop_cli.errors import BackpropError, ExpressionError
from backprop_cli.language.format import format_program
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse

Run = Callable[..., Result]

# Random definitions, written by hand into the places where they are called

BODIES = {
    "f": ("x", ("x^2 + 1", "sin(x)*a", "2*x - a", "x*x*x/(x^2 + 1)", "exp(-x^2)", "x")),
    "g": ("u, v", ("u*v", "f(u) + v", "u/(v^2 + 1)", "f(f(u) - v)", "max(u, v) + a")),
    "h": ("x", ("g(x, 2)", "g(f(x), x) - x", "f(x + a)*f(x)", "where(x > 0, f(x), g(x, x))")),
}
OPERANDS = st.recursive(
    st.sampled_from(["a", "t", "2", "(a + t)", "-t"]),
    lambda inner: st.one_of(
        inner.map(lambda x: f"f({x})"),
        st.tuples(inner, inner).map(lambda x: f"g({x[0]}, {x[1]})"),
        inner.map(lambda x: f"h({x})"),
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda x: f"({x[0]} {x[1]} {x[2]})"),
    ),
    max_leaves=4,
)


def put_in(text: str, bodies: dict[str, str]) -> str:
    """Return an expression with every call written out, from the inside outwards."""
    while match := re.search(r"\b[fgh]\(", text):
        start, depth = match.end(), 1
        end = start
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        operands, last, depth = [], start, 0
        for k in range(start, end):
            depth += {"(": 1, ")": -1}.get(text[k], 0)
            if (text[k] == "," and depth == 0) or k == end - 1:
                operands.append(text[last:k].strip())
                last = k + 1
        name = text[match.start()]
        values = dict(zip(BODIES[name][0].split(", "), operands, strict=True))
        body = re.sub(r"\b[xuv]\b", lambda m, values=values: f"({values[m[0]]})", bodies[name])
        text = f"{text[: match.start()]}({body}){text[end:]}"
    return text


@settings(max_examples=40)
@given(
    st.tuples(*(st.sampled_from(bodies) for _, bodies in BODIES.values())),
    OPERANDS,
    st.permutations(range(3)),
    st.tuples(st.floats(0.1, 2.0), st.floats(-2.0, 2.0)),
)
def test_a_call_is_its_definition_with_the_operands_in_it(
    chosen: tuple[str, ...], called: str, order: list[int], at: tuple[float, float]
) -> None:
    bodies = dict(zip("fgh", chosen, strict=True))
    heads = [f"{name}({BODIES[name][0]}) = {bodies[name]}" for name in bodies]
    program = "; ".join([*(heads[k] for k in order), called])
    written = put_in(called, bodies)
    parsed = parse(program)
    assert parse(format_program(parsed)).statements[-1].items[-1].text == parsed.statements[-1].items[-1].text
    values = dict(zip(("a", "t"), at, strict=True))
    given_here = {name: x for name, x in values.items() if name in lower(parse(written)).inputs}
    if not given_here:
        return
    try:
        right = backprop.grad(written, given_here, methods=["reverse", "forward"])
    except BackpropError as error:
        with pytest.raises(type(error)):
            backprop.grad(program, given_here, methods=["reverse", "forward"])
        return
    ours = backprop.grad(program, given_here, methods=["reverse", "forward"])
    used = ours.gradient
    assert ours.value == pytest.approx(right.value, rel=1e-12, abs=1e-12)
    assert used == {name: pytest.approx(right.gradient[name], rel=1e-11, abs=1e-11) for name in used}


@pytest.mark.parametrize(
    ("program", "written"),
    [
        ("f(x) = x^2; g(t) = sin(t); f(g(t))", "sin(t)^2"),
        ("f(x) = 2x^2 - 3x + 4; (f(x+h) - f(x))/h", "((2(x+h)^2 - 3(x+h) + 4) - (2x^2 - 3x + 4))/h"),
        ("f(x, y) = x*exp(y); f(f(t, 2), t) + t", "(t*exp(2))*exp(t) + t"),
        ("y = g(u)*2; g(v) = v^3", "y = u^3*2"),
    ],
)
def test_formulas_are_those_of_the_text_written_out(program: str, written: str) -> None:
    names = list(lower(parse(written)).inputs)
    at = {name: 0.7 + k for k, name in enumerate(names)}
    for inline in ("names", "inputs"):
        formulas = backprop.grad(program, formulas=inline).formulas
        right = backprop.grad(written, at, methods=["reverse"])
        graph = lower(parse(program))
        assert formulas is not None
        for name in names:
            formula = formulas[graph.inputs[name]]
            assert formula is not None
            steps = backprop.grad(program, at, methods=["reverse"])
            known = {graph.own_name(k): x for k, x in enumerate(steps.values) if x is not None}
            used = {n: known[n] for n in lower(parse(formula)).inputs}
            assert backprop.eval(formula, used) == pytest.approx(right.gradient[name], rel=1e-12)


def test_what_is_called_twice_alike_is_worked_out_once() -> None:
    graph = lower(parse("f(x) = sin(x)^2; f(a) + f(a) + f(2)*f(2)"))
    assert sum(node.op is not None and node.op.name == "sin" for node in graph.nodes) == 2


def test_definitions_that_grow_without_bound_are_refused_soon() -> None:
    heads = ["f0(x) = sin(x)*cos(x)", *(f"f{k}(x) = f{k - 1}(x) + f{k - 1}(x + {k})" for k in range(1, 60))]
    with pytest.raises(ExpressionError, match="more than 200,000 nodes once what is called is put in"):
        lower(parse("; ".join([*heads, "f59(t)"])))
    shared = ["f0(x) = sin(x)", *(f"f{k}(x) = f{k - 1}(x)*f{k - 1}(x)" for k in range(1, 60))]
    assert len(lower(parse("; ".join([*shared, "f59(t)"])))) < 100
    deep = ["f0(x) = sin(x)", *(f"f{k}(x) = f{k - 1}(x)" for k in range(1, 200))]
    with pytest.raises(ExpressionError, match="more than 100 deep"):
        lower(parse("; ".join([*deep, "f199(t)"])))
    assert backprop.eval("f(x) = x/2; " + "f(" * 500 + "t" + ")" * 500, t=2.0**500) == 1.0


REFUSED = [
    ("f(x) = f(x - 1) + 1; f(3)", "f calls itself", 7, 8),
    ("f(x) = g(x); g(x) = f(x); f(3)", "f calls itself by way of g", 7, 4),
    ("f(x, y) = x*y; f(3)", "f takes 2 operands, here it has 1", 15, 4),
    ("f(x) = x; f(x) = 2x; f(3)", "f is defined twice", 10, 1),
    ("f(x) = x; f = 3; f", "f is assigned twice", 10, 1),
    ("f(x) = x; f + 1", "f is a function: f(x) is its value", 10, 1),
    ("f(x) = x; f(2) + f", "f is used both as a function and as a variable", 10, 1),
    ("gamma(x) = x; gamma(2)", "gamma is a function already", 0, 5),
    ("f(x) = x; f()", "f() lacks an operand: f(x)", 10, 3),
    ("f(x) = x*; f(2)", "expected a number, a name or '(' after '*', found ';'", 9, 1),
    ("f(x) = x + b; a = f(2); b = 1; a", "b is used before it is assigned (line 1, column 25)", 11, 1),
]


@pytest.mark.parametrize(("text", "message", "column", "carets"), REFUSED, ids=[r[0] for r in REFUSED])
def test_refusals(text: str, message: str, column: int, carets: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        lower(parse(text))
    assert caught.value.message == message
    assert caught.value.span == (column, column + carets)


def test_an_error_in_a_definition_points_at_the_call(run: Run) -> None:
    found = run("eval", "f(x) = 1 + log(x - 3); 2*f(a)", "--a", "1")
    assert (found.status, found.err) == (
        3,
        "backprop: error: log(v4) has no value at a - 3 = -2: log(x) is defined where x > 0; in f this is "
        "log(x - 3)\n  f(x) = 1 + log(x - 3); 2*f(a)\n                           ^^^^\n",
    )
    found = run("eval", "f(u) = |u|; f(x)", "--x", "[1, 2]")
    assert found.status == 2
    assert "|x| of a vector of 2 can be read in two ways; in f this is |u|" in found.err


NOTES = [
    ("f(x) = x^2; g(x) = 3; g(q)", "f is defined and never called"),
    ("x = 3; f(x) = x^2; f(2)*x", "in f, x is what f is called with, not the program's x"),
    ("f(x) = x^2; f(2)", None),
    ("f(x) = x^2; y = 3f(x)", None),
    ("f(x) = x^2", None),
]


@pytest.mark.parametrize(("text", "note"), NOTES)
def test_what_may_not_be_meant_is_said(text: str, note: str | None) -> None:
    assert parse(text).source.note == note


def test_a_value_that_only_numbers_make_can_be_given() -> None:
    text = "f(x) = x^2; y = f(3); y*z"
    assert backprop.eval(text, z=2) == 18.0
    assert backprop.eval(text, z=2, y=1) == 2.0
    assert backprop.eval("f(x) = where(x > 0, x, 1/0); y = f(1); y*z", z=2) == 2.0
    with pytest.raises(BackpropError, match=r"f\(0\) is not a finite number; in f this is 1/x"):
        backprop.eval("f(x) = 1/x; y = f(0); y*z", z=2)


def test_a_definition_may_have_the_name_of_an_operation() -> None:
    assert backprop.eval("add(x, y) = x - y; negative(x) = x; add(2, negative(a))", a=3) == -1.0


def test_arrays_are_operands() -> None:
    assert backprop.eval("f(A) = A@x; f([[1, 2], [3, 4]])", x=[1, 2]).tolist() == [5.0, 11.0]
    found = backprop.grad("q(u) = sum(u.*u); q(x) + q(2*x)", x=[1.0, 2.0])
    assert found.agree
    assert found.gradient["x"].tolist() == [10.0, 20.0]


COMMANDS = {
    "eval": ("--t", "1"),
    "grad": ("--t", "1"),
    "explain": ("--t", "1"),
    "graph": ("--t", "1"),
    "limit": ("--t", "1"),
    "plot": ("--t", "0:3"),
    "check": ("--t", "1", "--claim", "t=2*sin(t)*cos(t)"),
    "descend": ("--t", "1"),
    "export": ("--t", "1", "--to", "python"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_them(run: Run, command: str) -> None:
    SESSION.start()
    found = run(command, "f(x) = x^2 + 1; g(t) = sin(t)\nf(g(t))", *COMMANDS[command])
    assert found.status == 0, found.err
    assert not found.err


# Several values in one go


def test_a_list_of_values_is_a_table(run: Run) -> None:
    text = "f(x) = 2x^2 - 3x + 4"
    assert run("eval", text, "--x", "2,6,-2", "--format", "value").numbers == [6.0, 58.0, 18.0]
    found = run("grad", text, "--x", "2, log(8, 2), -2", "--format", "value")
    assert found.numbers == pytest.approx([5.0, 9.0, -11.0])
    assert run("eval", "x*y", "--x", "2, 3", "--y", "1:2:1", "--format", "value").numbers == [2, 4, 3, 6]
    assert run("eval", "x", "--x", "log(8, 2)", "--format", "value").numbers == [math.log(8, 2)]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("1,5", "hint: write 1.5; a list has blanks: '1, 5'"),
        ("1,500,000", "hint: write 1500000; a list has blanks: '1, 500, 000'"),
        ("2,,3", "the value of x: there is no expression"),
        ("2,y", "y is a name"),
    ],
)
def test_lists_that_may_be_numbers_are_refused(run: Run, value: str, says: str) -> None:
    found = run("eval", "x", "--x", value)
    assert found.status == 2
    assert says in found.err


@pytest.mark.parametrize("command", ["explain", "graph", "limit", "plot", "check", "export", "page"])
def test_one_point_is_no_list(run: Run, command: str) -> None:
    found = run(command, "x^2", "--x", "1, 2, 3", *(("--to", "c") if command == "export" else ()))
    assert found.status == 2
    assert "a list" in found.err
