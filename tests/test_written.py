"""What is written means what was written: plain text and LaTeX are read back and have the same values.

Plain text is read by our parser, LaTeX by a reader of the tests' own; both are compared with the expression
in all its brackets at several points, in 120 digits, so that no rounding excuses a difference.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import latex_reader
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from test_ops import EXACT
from test_properties import NoNumber, _Unclear, exact_value

from backprop_cli.explanation.expr import (
    Apply,
    Expr,
    Number,
    Ref,
    read,
    simplified,
)
from backprop_cli.explanation.names import Name
from backprop_cli.explanation.steps import derive
from backprop_cli.language.format import format_items
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.render.latex import name_to_latex, to_latex
from backprop_cli.render.written import Style, expression

PACKAGE = Path(__file__).resolve().parent.parent / "backprop_cli"
NAMES = ("x", "y", "w_1", "x_max", "w1_in", "rate_of_x", "alpha", "theta_0")
POINTS = [
    dict(zip(NAMES, [float(f"{((7 * k + 3 * j) % 19 - 9) / 4 + 0.1:.4g}") for j in range(8)], strict=True))
    for k in range(11)
]
POINTS[1] = dict.fromkeys(NAMES, -2.0)
SHORTENED = 1e-9
"""Numbers that are worked out have 15 digits, which functions take further."""
LITERALS = ("0", "1", "2", "3", "0.5", "1e-20", "2.5e10", "pi", "e")
ARITHMETIC = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "^"}
CALLS = {
    "sin": 1, "exp": 1, "sqrt": 1, "cbrt": 1, "abs": 1, "relu": 1, "max": 3, "atan2": 2, "leaky_relu": 2,
}  # fmt: skip
LEAK = mpf(0.01)
FUNCTIONS: dict[str, Any] = {
    **EXACT,
    "leaky_relu": lambda x, slope=LEAK: EXACT["leaky_relu"](x, slope),
    "where": lambda c, a, b: a if c else b,
}


def grown(trees: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Expressions in all their brackets, one operation taller."""
    infix = st.builds(lambda a, s, b: f"({a}){s}({b})", trees, st.sampled_from([*ARITHMETIC.values()]), trees)
    sign = trees.map(lambda a: f"-({a})")
    calls = st.one_of(
        *(
            st.lists(trees, min_size=n, max_size=n).map(lambda xs, f=f: f"{f}({', '.join(xs)})")
            for f, n in CALLS.items()
        )
    )
    choice = st.builds(
        lambda a, s, b, c: f"where({a} {s} {b}, {c}, {b})", trees, st.sampled_from(["<", ">="]), trees, trees
    )
    return st.one_of(infix, infix, infix, sign, calls, choice)


EXPRESSIONS = st.recursive(st.sampled_from([*NAMES, *LITERALS]), grown, max_leaves=8)
HARD = [
    "-((x)^(2))", "(-(x))^(2)", "(2)^(-(x))", "(x)-((y)-(w_1))", "(x)/((y)*(w_1))", "(x)/((y)/(w_1))",
    "((x)/(y))^(2)", "((x)^(y))^(2)", "(x)^((y)^(2))", "-((x)+(y))", "-(-(x))", "(1e-20)^(2)", "-(1e-20)",
    "(x)*(-(1e-20))", "(-(2.5e10))^(2)", "(x_max)^(2)", "(w1_in)^(2)",
    "(x)+((-(y))*(w_1))", "(x)*((y)+(-(2)))",
    "-((x)/(y))", "((1)-(exp(-(1))))/(x)", "cbrt((x)/(y))", "abs(-(abs(x)))", "(x)-(-(y))", "-((x)*(y))",
]  # fmt: skip


def exact(text: str, point: dict[str, float]) -> Any:
    try:
        return exact_value(text, point)
    except (NoNumber, _Unclear, OverflowError):
        return None


def of_latex(latex: str, point: dict[str, float]) -> Any:
    with mp.workdps(120):
        names = {name_to_latex(name): mpf(x) for name, x in point.items()} | {"e": +mp.e, r"\pi": +mp.pi}
        return latex_reader.value(latex, names, FUNCTIONS, mpf)


def same(found: Any, expected: Any) -> bool:
    with mp.workdps(120):
        return bool(abs(found - expected) <= mpf(10) ** -60 * max(abs(expected), mpf(10) ** -60))


def hold(whole: str, plain: list[str], latex: list[str]) -> None:
    """Hold what is written of an expression to it, at every point where it has a value."""
    for point in POINTS:
        expected = exact(whole, point)
        if expected is None:
            continue
        for text in plain:
            found = exact(text, point)
            assert found is not None, (text, point)
            assert same(found, expected), (text, point)
        for text in latex:
            assert same(of_latex(text, point), expected), (text, point)


def tree(text: str) -> Expr:
    return read(text, {name: Ref(Name(name), 0.0) for name in NAMES})


@settings(max_examples=250)
@given(EXPRESSIONS)
def test_what_is_written_is_what_is_read(text: str) -> None:
    items = parse(text).statements[0].items
    plain = format_items(items)
    style = Style(None, symbols=True)
    spaced = Style(None, symbols=True, spaced=True)
    expr = tree(text)
    hold(
        text,
        [plain, expression(expr, style), expression(expr, spaced)],
        [to_latex(plain), expression(expr, style._replace(latex=True))],
    )


for _text in HARD:
    test_what_is_written_is_what_is_read = example(_text)(test_what_is_written_is_what_is_read)


@settings(max_examples=150)
@given(EXPRESSIONS)
def test_what_is_shortened_means_the_same(text: str) -> None:
    """What leaves out 0 and 1 and gathers numbers, in plain text and in LaTeX."""
    expr = simplified(tree(text))
    style = Style(None, symbols=True)
    for point in POINTS:
        expected = exact(text, point)
        if expected is None:
            continue
        for found in (
            exact(expression(expr, style), point),
            of_latex(expression(expr, style._replace(latex=True)), point),
        ):
            if found is not None:
                assert abs(found - expected) <= SHORTENED * max(abs(expected), 1), point


@settings(max_examples=60)
@given(EXPRESSIONS)
def test_derivatives_rule_by_rule_read_alike_in_both(text: str) -> None:
    graph = lower(parse(f"x*({text})"), NAMES)
    found = derive(graph, "x").substituted
    assert found is not None
    style = Style(None, symbols=True)
    plain, latex = expression(found, style), expression(found, style._replace(latex=True))
    hold(plain, [], [latex, to_latex(plain)])


def test_numbers_of_a_point_are_read_as_they_are() -> None:
    a, b = Ref(Name("a"), -1e-20), Ref(Name("b"), 3e15)
    for expr, number in (
        (Apply("power_n", (a, Number(2.0))), mpf(-1e-20) ** 2),
        (Apply("multiply", (b, a, b)), mpf(3e15) * mpf(-1e-20) * mpf(3e15)),
        (Apply("subtract", (b, a)), mpf(3e15) - mpf(-1e-20)),
        (Apply("negative", (b,)), -mpf(3e15)),
        (Apply("divide", (a, Apply("negative", (b,)))), mpf(1e-20) / mpf(3e15)),
    ):
        latex = latex_reader.value(expression(expr, Style(None, latex=True)), {}, FUNCTIONS, mpf)
        assert abs(latex - number) <= 1e-15 * abs(number)


def test_a_name_with_its_layer_above_is_no_base_of_a_power() -> None:
    z = Ref(Name("z", "linear1", (0,)), 2.0)
    square = Apply("power_n", (z, Number(2.0)))
    latex = expression(square, Style(None, symbols=True, latex=True))
    assert latex == r"\left(z_{0}^{\text{linear1}}\right)^{2}"
    assert latex_reader.value(latex, {r"z_{0}^{\text{linear1}}": mpf(3)}, FUNCTIONS, mpf) == 9


@pytest.mark.parametrize("latex", ["x^{2}^{3}", "x + -y", r"x \cdot -y", r"\left(x", "x_{1}_{2}", "x +"])
def test_the_reader_refuses_what_no_reader_takes(latex: str) -> None:
    with pytest.raises(latex_reader.Unreadable):
        latex_reader.value(latex, {"x": mpf(1), "y": mpf(2), "x_{1}": mpf(1)}, FUNCTIONS, mpf)


@pytest.mark.parametrize(
    ("latex", "number"),
    [("-x^{2}", -9), (r"2 x^{2}", 18), (r"\frac{x}{2} - x", -1.5), (r"\sqrt[3]{8} \cdot \left|-x\right|", 6),
     (r"\operatorname{max}\left(x, 4\right)", 4), (r"-2 \cdot x - \left(-x\right)", -3)],
)  # fmt: skip
def test_the_reader_reads(latex: str, number: float) -> None:
    assert latex_reader.value(latex, {"x": mpf(3)}, FUNCTIONS, mpf) == number


WRITERS = ("language", "explanation", "differentiation/symbolic", "render", "export", "checking")
ELSEWHERE = {
    "language/readings.py": "what is written there is the user's own text",
    "checking/spelling.py": "so is this, in the two ways that it can be meant",
}
"""Files that put brackets around what is written to them, and why."""


@pytest.mark.parametrize("room", WRITERS)
def test_one_file_decides_on_brackets(room: str) -> None:
    """No other compares how tightly texts hold together, or asks a text what it begins with to bracket it."""
    for path in (PACKAGE / room).rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if name == "language/written.py" or name == "language/parser.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            compared = isinstance(node, ast.Compare) and any(
                isinstance(part, ast.Attribute) and part.attr in ("level", "precedence")
                for part in ast.walk(node)
            )
            wrapped = (
                isinstance(node, ast.IfExp)
                and isinstance(node.body, ast.JoinedStr)
                and isinstance(node.body.values[0], ast.Constant)
                and str(node.body.values[0].value) in ("(", r"\left(")
            )
            assert not (compared or wrapped) or name in ELSEWHERE, f"{name}:{getattr(node, 'lineno', 0)}"
