"""The language: what is read, what is refused and with which words, and what it is lowered to."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable
from itertools import chain
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import backprop_cli as backprop
from backprop_cli.errors import BackpropError, BindingError, ExpressionError, NoSuchNumber, Source
from backprop_cli.graph import CONSTANT, INPUT, NODE_LIMIT, STEP, Graph
from backprop_cli.language.format import format_items, format_program, node_text
from backprop_cli.language.lower import constant, lower
from backprop_cli.language.operators import BINARY, CONSTANTS
from backprop_cli.language.parser import NAME_ITEM, NUMBER_ITEM, Item, parse
from backprop_cli.language.reader import until
from backprop_cli.language.tokens import plain_name
from backprop_cli.ops import FUNCTIONS, PRIMITIVES

Bare = list[tuple[str, int]]


def bare(items: list[Item]) -> Bare:
    """A tree without its places in the text."""
    return [(item.text, item.arity) for item in items]


def read(text: str) -> Bare:
    """The tree of a one-statement program."""
    (statement,) = parse(text).statements
    return bare(statement.items)


def graph_of(text: str, *bound: str) -> Graph:
    return lower(parse(text), bound)


# Trees: parse(format(t)) == t

NAMES = ("a", "b", "x1", "x₂", "α", "e", "E", "I", "pi", "lambda", "Δt", "e2x", "a_b")
NUMBERS = ("0", "2", "2.5", ".5", "3.", "1e-3", "2E+10", "π", "12345678901234567890")
LEAVES = st.one_of(
    st.sampled_from(NAMES).map(lambda n: [(n, NAME_ITEM)]),
    st.sampled_from(NUMBERS).map(lambda n: [(n, NUMBER_ITEM)]),
)
ARITHMETIC = [name for _, name in BINARY.values() if not PRIMITIVES[name].truth]
COMPARISONS = [name for _, name in BINARY.values() if PRIMITIVES[name].truth]
CALLS = [row for row in FUNCTIONS.values() if row.name != "where"]


def larger(trees: st.SearchStrategy[Bare]) -> st.SearchStrategy[Bare]:
    """Trees one operation taller."""

    def call(row: Any) -> st.SearchStrategy[Bare]:
        least, most = row.arity
        operands = st.lists(trees, min_size=least, max_size=least + 2 if most is None else most)
        return operands.map(lambda found: [*chain.from_iterable(found), (row.name, len(found))])

    condition = st.tuples(trees, trees, st.sampled_from(COMPARISONS)).map(lambda t: [*t[0], *t[1], (t[2], 2)])
    return st.one_of(
        st.tuples(trees, trees, st.sampled_from(ARITHMETIC)).map(lambda t: [*t[0], *t[1], (t[2], 2)]),
        trees.map(lambda t: [*t, ("negative", 1)]),
        st.sampled_from(CALLS).flatmap(call),
        st.tuples(condition, trees, trees).map(lambda t: [*t[0], *t[1], *t[2], ("where", 3)]),
    )


TREES = st.recursive(LEAVES, larger, max_leaves=25)


def written(tree: Bare) -> str:
    return format_items([Item(text, arity, 0, 0) for text, arity in tree])


def check_round_trip(tree: Bare) -> None:
    text = written(tree)
    assert read(text) == tree
    assert written(read(text)) == text


@settings(deadline=None, max_examples=300)
@given(TREES)
@example([("a", -2), ("negative", 1), ("2", -1), ("power", 2)])
@example([("a", -2), ("2", -1), ("power", 2), ("negative", 1)])
@example([("a", -2), ("b", -2), ("negative", 1), ("negative", 1), ("subtract", 2)])
@example([("2", -1), ("e", -2), ("power", 2), ("e", -2), ("power", 2)])
def test_reading_what_was_written(tree: Bare) -> None:
    check_round_trip(tree)


@pytest.mark.nightly
@settings(deadline=None, max_examples=20_000)
@given(TREES)
def test_reading_what_was_written_at_length(tree: Bare) -> None:
    check_round_trip(tree)


@settings(deadline=None, max_examples=150)
@given(TREES)
def test_spans_cover_the_text_they_name(tree: Bare) -> None:
    """The text of every subtree, read alone, is that subtree."""
    text = written(tree)
    items = parse(text).statements[0].items
    sizes: list[int] = []
    for at, item in enumerate(items):
        size = 1
        for _ in range(max(item.arity, 0)):
            size += sizes.pop()
        sizes.append(size)
        if item.text in COMPARISONS:
            assert " " + (PRIMITIVES[item.text].infix or "") + " " in text[item.start : item.end]
        else:
            assert read(text[item.start : item.end]) == tree[at + 1 - size : at + 1]


def test_spans_without_canonical_spacing() -> None:
    text = "3( a+ b )  -|x·y|^2"
    items = parse(text).statements[0].items
    assert [(i.text, text[i.start : i.end]) for i in items] == [
        ("3", "3"),
        ("a", "a"),
        ("b", "b"),
        ("add", "a+ b"),
        ("multiply", "3( a+ b )"),
        ("x", "x"),
        ("y", "y"),
        ("multiply", "x·y"),
        ("abs", "|x·y|"),
        ("2", "2"),
        ("power", "|x·y|^2"),
        ("subtract", text),
    ]


def test_programs_round_trip() -> None:
    text = "d = a*b # a product\n\ne = d + c;; L = e*f"
    again = format_program(parse(text))
    assert again == "d = a*b\ne = d + c\nL = e*f"
    assert format_program(parse(again)) == again
    assert format_program(parse("f( x ,y)=2x^2 -3y")) == "f(x, y) = 2*x^2 - 3*y"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("2x^2 - 3x + 4", "2*x^2 - 3*x + 4"),
        ("3(a+b)", "3*(a + b)"),
        ("(a+b)(b+1)", "(a + b)*(b + 1)"),
        ("(a)b", "a*b"),
        ("-x^2", "-x^2"),
        ("(-x)^2", "(-x)^2"),
        ("2^-3", "2^(-3)"),
        ("2^3^2", "2^3^2"),
        ("(2^3)^2", "(2^3)^2"),
        ("a**b", "a^b"),
        ("a-(b-c)", "a - (b - c)"),
        ("a-b-c", "a - b - c"),
        ("a/(b*c)", "a/(b*c)"),
        ("a/b/c", "a/b/c"),
        ("-2x", "-2*x"),
        ("--x", "-(-x)"),
        ("+x", "x"),
        ("a*-b", "a*(-b)"),
        ("|x-1|", "abs(x - 1)"),
        ("||x|-1|", "abs(abs(x) - 1)"),
        ("2|x|", "2*abs(x)"),
        ("|a||b|", "abs(a)*abs(b)"),
        ("a×b·c÷d−e", "a*b*c/d - e"),
        ("x²+y³", "x^2 + y^3"),
        ("x¹²", "x^12"),
        ("-x²", "-x^2"),
        ("√x", "sqrt(x)"),
        ("√(x+1)", "sqrt(x + 1)"),
        ("√2*x", "sqrt(2)*x"),
        ("2πr", "2*π*r"),
        ("ln(x)", "log(x)"),
        ("sin(x)^2", "sin(x)^2"),
        ("2sin(x)cos(x)", "2*sin(x)*cos(x)"),
        ("sin (x)", "sin(x)"),
        ("2e3", "2e3"),
        ("2e", "2*e"),
        ("2e3x", "2e3*x"),
        ("2 e3", "2*e3"),
        ("1/2*x", "1/2*x"),
        ("x^2*y", "x^2*y"),
        ("(a\n+b)", "a + b"),
        ("max(a,\n b)", "max(a, b)"),
        ("where(a≤b, a, b)", "where(a <= b, a, b)"),
        ("where((a<b), a, b)", "where(a < b, a, b)"),
        ("where(a!=b,where(b==0,1,2),3)", "where(a != b, where(b == 0, 1, 2), 3)"),
    ],
)
def test_notation(text: str, plain: str) -> None:
    assert format_items(parse(text).statements[0].items) == plain
    assert read(plain) == read(text)


# Arbitrary text

TOKENS = st.sampled_from(
    [
        *"+-*/^()|,;=<>\n√π²₁ .[]'\"@#&%!_é",
        "**",
        "<=",
        ">=",
        "==",
        "!=",
        "a",
        "b",
        "x",
        "e",
        "2",
        ".5",
        "1e3",
        "1e999",
        "sin(",
        "max(",
        "where(",
        "where(a<b,",
        "f(x)=",
        "a = ",
        "µ",
        "Α",
        "\u200b",
        "\u202e",
        "\u0301",
        "９",
        "pi",
    ]
)


def only_our_errors(text: str) -> None:
    error: BackpropError | None = None
    try:
        program = parse(text)
        assert bare(parse(format_program(program)).statements[-1].items) == bare(program.statements[-1].items)
        lower(program)
    except BackpropError as caught:
        error = caught
    if error is not None:
        assert "\n" not in error.message
        assert error.span is None or 0 <= error.span[0] < error.span[1]
        assert error.span is None or error.span[0] <= len(text)
        assert all(c.isprintable() or c in "\n " for c in str(error))
        assert error.exit_code in (2, 3)


@settings(deadline=None, max_examples=300)
@given(st.lists(TOKENS, max_size=25).map("".join))
def test_token_soup_raises_only_our_errors(text: str) -> None:
    only_our_errors(text)


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=40))
@example("\x00")
@example("\ud800")
@example("a" * 65)
@example("πi" * 10)
def test_any_text_raises_only_our_errors(text: str) -> None:
    only_our_errors(text)


@pytest.mark.nightly
@settings(deadline=None, max_examples=30_000)
@given(st.one_of(st.lists(TOKENS, max_size=60).map("".join), st.text()))
def test_any_text_at_length(text: str) -> None:
    only_our_errors(text)


# The words of refusal: text, message, column and length of the carets, hint

AND = "nest where(a < b, where(b < c, x, y), y)"
TO_BE_READ = "a number, a name or '('"
LETTERS = "names are made of ASCII and Greek letters, digits and _"

REFUSED: list[tuple[str, str, int, int, str | None]] = [
    ("", "there is no expression", 0, 1, 'an example: "(a*b+c)*f"'),
    ("# nothing", "there is no expression", 0, 1, 'an example: "(a*b+c)*f"'),
    ("sin(30°)", "there is no degree sign: angles are in radians", 4, 3, "write sin(30*pi/180)"),
    ("a +", f"expected {TO_BE_READ} after '+', found the end", 3, 1, None),
    ("a^", f"expected {TO_BE_READ} after '^', found the end", 2, 1, None),
    ("= 3", "'=' begins a spreadsheet's formula; here the formula alone is written", 0, 3, "write 3"),
    (
        "a // b",
        f"expected {TO_BE_READ} after '/', found '/'",
        3,
        1,
        "write floor(a/b) for whole numbers, or a/b",
    ),
    ("(a+b", "this '(' is not closed", 0, 1, "write (a+b)"),
    ("exp(x", "the bracket of 'exp(' is not closed", 0, 3, "write exp(x)"),
    ("a+b)", "this ')' closes nothing", 3, 1, "write a+b"),
    ("|a", "this '|' is not closed", 0, 1, None),
    ("(|a)", "this '|' is not closed", 1, 1, None),
    ("2 3", "an operator is missing before the number", 2, 1, "write 2*3"),
    ("a b", "an operator is missing between two operands", 0, 3, "write a*b"),
    ("a 2", "an operator is missing between two operands", 0, 3, "write a*2"),
    ("sin x", "sin needs brackets around its operand", 0, 5, "write sin(x)"),
    ("x(x+1)", "x is not a function", 0, 1, "write x*(x+1) to multiply"),
    (
        "1 + arctan(x)",
        "arctan is not a function",
        4,
        6,
        "write 1 + atan(x) or 1 + arctan*(x) to multiply",
    ),
    ("Sin(x)", "Sin is not a function", 0, 3, "write sin(x) or Sin*(x) to multiply"),
    ("POW(a,b)", "POW is not a function", 0, 3, "write a^b"),
    ("1/2x", "1/2x can be read in two ways", 0, 4, "write 1/(2*x) or (1/2)*x"),
    ("1/2(a+b)", "1/2(a+b) can be read in two ways", 0, 4, "write 1/(2*(a+b)) or (1/2)*(a+b)"),
    ("x^2y", "x^2y can be read in two ways", 0, 4, "write x^2*y or x^(2*y)"),
    ("3 + x^-2y", "x^-2y can be read in two ways", 4, 5, "write x^-2*y or x^(-2*y)"),
    ("√2x", "√2x can be read in two ways", 0, 3, "write (√2)*x or √(2*x)"),
    ("√x^2", "√x^... can be read in two ways", 0, 3, "write (√x)^... or √(x^...)"),
    ("a<b", "a comparison stands in a condition only", 1, 1, "where(a < b, x, y) is x where a < b, else y"),
    (
        "where(1,a<b,2)",
        "a comparison stands in a condition only",
        9,
        1,
        "where(a < b, x, y) is x where a < b, else y",
    ),
    ("where(a<b<c,1,2)", "comparisons cannot be chained", 9, 1, f"nest them: {AND[5:]}"),
    ("where(a,1,2)", "where needs a condition, such as x > 0", 0, 12, "where(c, a, b)"),
    ("where(a<b,1)", "where takes 3 operands, here it has 2", 0, 12, "where(c, a, b)"),
    ("sin(a,b)", "sin takes 1 operand, here it has 2", 0, 8, "sin(x)"),
    ("2 + max(a)", "max takes 2 or more operands, here it has 1", 4, 6, "max(a, b, ...)"),
    ("elu(a,b,c)", "elu takes 1 to 2 operands, here it has 3", 0, 10, "elu(x[, s=1])"),
    ("sin()", "sin() lacks an operand: sin(x)", 0, 5, None),
    (
        "a,b",
        "this is a list of 2; an expression is one number: write them one at a time",
        0,
        3,
        "write a or b",
    ),
    ("1,5", "a decimal point is a point, not a comma", 0, 3, "write 1.5"),
    (
        "a = b = c",
        "'=' gives a name to a statement, at its start: name = expression",
        6,
        1,
        "equality in a condition is ==",
    ),
    (
        "a=1; a=2",
        "a is assigned twice",
        5,
        1,
        "a name stands for one number: use another name",
    ),
    (
        "b = a; a = c",
        "a is used before it is assigned (line 1, column 8)",
        4,
        1,
        "move the assignment up; a name cannot depend on itself",
    ),
    ("x; y", "only the last statement may go without a name", 0, 1, "name = expression; ..."),
    ("f(x,x) = x", "x is named twice", 4, 1, None),
    (
        "sin + sin(x)",
        "sin is used both as a function and as a variable",
        6,
        3,
        "rename the variable, or write sin*(...) to multiply",
    ),
    ("a[1]", "there are no indices: every number has a name of its own", 0, 4, "write a1"),
    (
        "f'",
        "a prime stands for a derivative, and grad is what takes it",
        0,
        2,
        'grad "f(x) = ..." --x VALUE gives f\', with what f is for the dots',
    ),
    ("a@b", "'@' is reserved", 1, 1, None),
    ("{a}", "'{' is not part of the language", 0, 1, "write (a)"),
    ("a.b", "'.' belongs to a number such as 0.5", 1, 1, "there are no attributes; multiply with *"),
    ('"os"', "an expression stands without quotes", 0, 4, "write os"),
    ('"os" + 1', 'there are no strings in the language: "', 0, 1, None),
    ("__import__", "a name starts with a letter", 0, 1, None),
    ("1_000", "digits are not grouped, and a decimal point is a point", 0, 5, "write 1000"),
    ("n!", "there is no factorial sign", 1, 1, "write gamma(n + 1)"),
    ("a % b", "'%' is not part of the language", 0, 5, "write mod(a, b)"),
    ("where(a>0 & b>0,1,2)", "there is no 'and'", 10, 1, AND),
    ("1e999", "the number is too large: a float64 ends at 1.8e308", 0, 5, None),
    ("a + " + "b" * 65, "a name may have 64 characters; this one has 65", 4, 65, None),
]


@pytest.mark.parametrize(
    ("text", "message", "column", "carets", "hint"), REFUSED, ids=[r[0] for r in REFUSED]
)
def test_refusals(text: str, message: str, column: int, carets: int, hint: str | None) -> None:
    with pytest.raises(ExpressionError) as caught:
        graph_of(text)
    error = caught.value
    assert error.message == message
    assert error.hint == hint
    line = text.split("\n")[0]
    block = f"\n  {line}\n  {' ' * column}{'^' * carets}" if line else ""
    wanted = message + block + (f"\n  hint: {hint}" if hint else "")
    assert str(error) == wanted


def test_places_in_files() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(Source("a = 3\n\nb = 2a +* 4\n", "loss.bp"))
    assert str(caught.value).splitlines() == [
        "loss.bp:3:9: expected a number, a name or '(' after '+', found '*'",
        "  b = 2a +* 4",
        "          ^",
    ]
    assert caught.value.location == (3, 9)


def test_a_long_line_is_cut_around_the_place() -> None:
    text = "+".join(["abc"] * 200) + " $ " + "+".join(["abc"] * 200)
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    _, line, carets = str(caught.value).splitlines()
    assert len(line) < 90
    assert line.startswith("  ...")
    assert line.endswith("...")
    assert line[carets.index("^")] == "$"


# Size


def time_of(work: Callable[[], Any]) -> float:
    best = 1e9
    for _ in range(3):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


DEEP: dict[str, Callable[[int], str]] = {
    "brackets": lambda n: "(" * n + "a" + ")" * n,
    "signs": lambda n: "-" * n + "a",
    "bars": lambda n: "|-" * n + "a" + "|" * n,
    "powers": lambda n: "a^" * n + "a",
    "calls": lambda n: "sin(" * n + "a" + ")" * n,
    "sum": lambda n: "a" + "+a" * n,
    "right sum": lambda n: "a+(" * n + "a" + ")" * n,
    "products": lambda n: "a*b" + "+a*b" * n,
}


@pytest.mark.parametrize("shape", list(DEEP))
def test_depth_needs_no_recursion(shape: str) -> None:
    assert lower(parse(DEEP[shape](30_000)), large=True).nodes
    text = DEEP[shape](5_000)
    tree = parse(text).statements[0].items
    assert read(format_items(tree)) == bare(tree)


@pytest.mark.parametrize("shape", ["brackets", "right sum", "powers", "products"])
def test_depth_costs_linear_time(shape: str) -> None:
    texts = {n: DEEP[shape](n) for n in (4_000, 16_000)}
    seconds = {n: time_of(lambda text=text: lower(parse(text))) for n, text in texts.items()}
    assert seconds[16_000] < 12 * seconds[4_000] + 0.05  # quadratic would be 16


def test_many_statements_are_linear() -> None:
    texts = {n: ";".join(f"v{k} = {f'v{k - 1}' if k else 'x'}*y" for k in range(n)) for n in (2_000, 8_000)}
    seconds = {n: time_of(lambda text=text: lower(parse(text))) for n, text in texts.items()}
    assert seconds[8_000] < 12 * seconds[2_000] + 0.05


def test_limits_on_size() -> None:
    with pytest.raises(ExpressionError, match="1,048,577 characters"):
        parse("a" + " " * (1 << 20))
    text = "+".join(["a"] * (NODE_LIMIT + 2))
    with pytest.raises(ExpressionError, match="more than 200,000 nodes") as caught:
        lower(parse(text))
    assert caught.value.hint == "--large lifts the limits on size"


# Names


def test_names_are_in_normal_form() -> None:
    assert plain_name("α\u0301") == "ά" == unicodedata.normalize("NFC", "α\u0301")
    assert plain_name("\u00b5") == "\u03bc"
    assert list(graph_of("µ*μ + ά*α\u0301").inputs) == ["μ", "ά"]


@pytest.mark.parametrize("name", ["A", "x_1", "x₁₂", "Δt", "λ", "θ₀", "σ2", "e2x", "ω", "a" * 64])
def test_names_that_are_names(name: str) -> None:
    assert list(graph_of(f"{name} + 1").inputs) == [name]


@pytest.mark.parametrize(("letter", "latin"), list(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEZHIKMNOPTYXo", strict=True)))
def test_lookalikes_are_refused_by_name(letter: str, latin: str) -> None:
    for text in (f"a + {letter}", f"a + b{letter}", f"{letter} = a; {letter}*2"):
        with pytest.raises(ExpressionError) as caught:
            parse(text)
        assert f"looks like the Latin letter {latin}" in caught.value.message
        assert f"U+{ord(letter):04X}" in caught.value.message
        start, end = caught.value.span or (0, 0)
        assert text[start:end] == letter


@pytest.mark.parametrize(
    "c", ["а", "é", "ñ", "中", "א", "９", "𝑥", "ﬁ", "\u200b", "\u202e", "\u0301", "\u00ad", "ª"]
)
def test_other_scripts_and_invisible_characters(c: str) -> None:
    for text in (f"a + {c}", f"b{c}"):
        with pytest.raises(ExpressionError) as caught:
            parse(text)
        assert f"U+{ord(c):04X}" in caught.value.message
        assert str(caught.value).isprintable() or "\n" in str(caught.value)


@pytest.mark.parametrize(
    "name", ["e", "E", "I", "S", "N", "Q", "O", "C", "beta", "gamma", "lambda", "h", "format"]
)
def test_every_name_belongs_to_the_user(name: str) -> None:
    graph = graph_of(f"2*{name} + 1", name)
    assert list(graph.inputs) == [name]
    assert graph_of(f"{name} = 3; 2{name}").defaults == {name: 3.0}


@pytest.mark.parametrize("name", list(CONSTANTS))
def test_constants_give_way_to_the_user(name: str) -> None:
    free = graph_of(f"x*{name}")
    assert list(free.inputs) == ["x"]
    assert (free.euler is not None) == (name == "e")
    assert [(n.kind, n.value, n.label) for n in free.nodes[1:2]] == [(CONSTANT, CONSTANTS[name].value, name)]
    assert list(graph_of(f"x*{name}", name).inputs) == ["x", name]
    assert list(graph_of(f"f({name}) = x*{name}").inputs) == [name, "x"]
    assert graph_of(f"{name} = 3; x*{name}").defaults == {name: 3.0}


def test_pi_sign_is_always_the_number() -> None:
    graph = graph_of("2πr", "pi")
    assert list(graph.inputs) == ["r"]
    assert graph.nodes[1].value == CONSTANTS["pi"].value


# Lowering


def test_the_table_of_the_main_example() -> None:
    graph = graph_of("(a*b+c)*f")
    rows = [
        (n.id, graph.name(n.id), n.kind, n.op and n.op.name, n.inputs, node_text(graph, n.id))
        for n in graph.nodes
    ]
    assert rows == [
        (0, "a", INPUT, None, (), "a"),
        (1, "b", INPUT, None, (), "b"),
        (2, "v2", STEP, "multiply", (0, 1), "a*b"),
        (3, "c", INPUT, None, (), "c"),
        (4, "v4", STEP, "add", (2, 3), "v2 + c"),
        (5, "f", INPUT, None, (), "f"),
        (6, "y", STEP, "multiply", (4, 5), "v4*f"),
    ]
    assert [graph.source.text[slice(*n.span)] for n in graph.nodes] == [
        "a",
        "b",
        "a*b",
        "c",
        "a*b+c",
        "f",
        "(a*b+c)*f",
    ]
    assert graph.outputs == (6,)


def test_named_steps_keep_their_names() -> None:
    graph = graph_of("d = a*b; e = d + c; L = e*f")
    assert [graph.name(n.id) for n in graph.nodes] == ["a", "b", "d", "c", "e", "f", "L"]
    assert [node_text(graph, n.id) for n in graph.nodes] == ["a", "b", "a*b", "c", "d + c", "f", "e*f"]
    assert graph.named == {"a": 0, "b": 1, "d": 2, "c": 3, "e": 4, "f": 5, "L": 6}
    assert graph.euler is None


def test_what_is_written_twice_is_two_rows() -> None:
    assert sum(n.op is not None for n in graph_of("sin(x)*sin(x)").nodes) == 3
    assert sum(n.op is not None for n in graph_of("s = sin(x); s*s").nodes) == 2


def test_unnamed_steps_step_aside_for_a_users_v4() -> None:
    graph = graph_of("v2*b + v4")
    assert [graph.name(n.id) for n in graph.nodes] == ["v2", "b", "v_2", "v4", "f"]
    assert graph_of("v*b + 1").name(2) == "v2"


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("2x^2 - 3x", ["x", "x^2", "2*v3", "3*x", "v4 - v6"]),
        ("x^(1/3)", ["x", "x^(1/3)"]),
        ("x^-1", ["x", "x^(-1)"]),
        ("-(a+b)^c", ["a", "b", "a + b", "c", "v2^c", "-v4"]),
        ("a - (-b)", ["a", "b", "-b", "a - v2"]),
        ("|a|", ["a", "abs(a)"]),
        ("ln(2a)", ["a", "2*a", "ln(v2)"]),
        ("log(2a)", ["a", "2*a", "log(v2)"]),
        ("leaky_relu(x)", ["x", "leaky_relu(x)"]),
        ("leaky_relu(x, 0.2)", ["x", "leaky_relu(x, 0.2)"]),
        ("elu(x)", ["x", "elu(x)"]),
        ("max(a, 2, b)", ["a", "b", "max(a, 2, b)"]),
        ("where(x > 0, x, -x)", ["x", "x > 0", "-x", "where(v2, x, v3)"]),
        ("b = a; b*2", ["a", "a", "b*2"]),
        ("x*(2pi - 1)", ["x", "x*(2*pi - 1)"]),
        ("polygamma(2, x)", ["x", "polygamma(2, x)"]),
    ],
)
def test_text_of_a_node_is_one_operation_over_names(text: str, texts: list[str]) -> None:
    graph = graph_of(text)
    assert [node_text(graph, n.id) for n in graph.nodes if n.kind != CONSTANT] == texts


def test_constants_are_built_from_numbers_alone() -> None:
    graph = graph_of("x^(1/3) + sin(2)*y")
    kinds = {node_text(graph, n.id): n.kind for n in graph.nodes}
    assert kinds["1/3"] == CONSTANT
    assert kinds["sin(2)"] == CONSTANT
    assert kinds["x^(1/3)"] == STEP
    assert kinds["x"] == INPUT


def test_an_exponent_is_literal_when_it_is_a_constant() -> None:
    def power(text: str, *bound: str) -> str:
        return next(
            n.op.name for n in reversed(graph_of(text, *bound).nodes) if n.op and "power" in n.op.name
        )

    assert power("x^2") == "power_n"
    assert power("x^(1/3)") == "power_n"
    assert power("x^pi") == "power_n"
    assert power("x^pi", "pi") == "power"
    assert power("x^n") == "power"
    assert power("n = 2; x^n") == "power"  # an input with a default is still an input
    assert power("2^x") == "power"
    assert power("x²") == "power_n"


def test_defaults_are_inputs() -> None:
    graph = graph_of("a = 3; b = -pi/4; c = 2^0.5; d = a*b; d + c + x")
    assert graph.defaults == {"a": 3.0, "b": -0.7853981633974483, "c": 2.0**0.5}
    assert list(graph.inputs) == ["a", "b", "c", "x"]
    assert [graph.nodes[i].kind for i in graph.inputs.values()] == [INPUT] * 4


def test_a_program_of_defaults_alone_ends_in_an_input() -> None:
    graph = graph_of("a = 3")
    assert graph.nodes[graph.output].name == "a"
    assert graph.nodes[graph.output].kind == INPUT


def test_a_header_orders_the_inputs() -> None:
    assert list(graph_of("f(y, x) = x + 2y + z").inputs) == ["y", "x", "z"]
    graph = graph_of("f(x) = 2x^2 - 3x + 4")
    assert graph.name(graph.output) == "f"
    assert list(graph_of("c = 2; f(x) = c*x").inputs) == ["c", "x"]


def test_an_alias_is_a_step() -> None:
    graph = graph_of("b = a; c = b; b*c")
    assert [graph.name(n.id) for n in graph.nodes] == ["a", "b", "c", "f"]
    assert [n.op.name for n in graph.nodes if n.op] == ["identity", "identity", "multiply"]


def test_defaults_of_operands_become_constants() -> None:
    graph = graph_of("leaky_relu(x) + elu(x)")
    values = [n.value for n in graph.nodes if n.kind == CONSTANT]
    assert values == [0.01, 1.0]


def test_newlines_end_statements_outside_brackets_only() -> None:
    assert len(parse("a = (b +\n c)\nd = a*2").statements) == 2
    assert read("max(a,\n\n  b)") == read("max(a, b)")
    with pytest.raises(ExpressionError, match="found the end of the line"):
        parse("a = b +\nc")


# Constant expressions


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-2", -2.0),
        ("-2e-3", -0.002),
        ("-pi/2", -1.5707963267948966),
        ("2^0.5", 2.0**0.5),
        (".5", 0.5),
        ("1/3", 1 / 3),
        ("e", 2.718281828459045),
        ("sqrt(2)/2", 2.0**0.5 / 2),
        ("2π", 6.283185307179586),
        ("-2^2", -4.0),
        ("leaky_relu(-1)", -0.01),
        ("9^9^2", 9.0**81),
        ("where(1 < 2, 3, 4)", 3.0),
    ],
)
def test_values_of_bindings(text: str, value: float) -> None:
    assert constant(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "2x",
        "a = 3",
        "1; 2",
        "1/0",
        "0/0",
        "9^9^9^9",
        "1e999",
        "log(0)",
        "(-8)^(1/3)",
        "nan",
        "inf",
        "--",
        "1,5",
    ],
)
def test_no_value_for_a_binding(text: str) -> None:
    with pytest.raises(BindingError) as caught:
        constant(text)
    assert caught.value.exit_code == 2


def test_a_default_without_a_value() -> None:
    with pytest.raises(NoSuchNumber, match="1/0 is not a finite number"):
        graph_of("a = 1/0; a*x")


@pytest.mark.parametrize(
    ("program", "step", "text"),
    [
        ("y = x^3", "y", "y = x^3"),
        ("u = x^2; y = sin(u); z = y*w", "y", "u = x^2; y = sin(u)"),
        ("u = x^2; e = 3*u; y = 2*u; z = e*y", "y", "u = x^2;          y = 2*u"),
        ("f(t) = t^2\ny = f(a) # here\nz = f(y)", "y", "f(t) = t^2\ny = f(a) # here"),
        ("y = g(u); u = f(x); z = y", "u", "          u = f(x)"),
        ("y = g(u); u = f(x); z = y", "y", "y = g(u); u = f(x)"),
        ("x = 2; y = x^3; z = y", "y", "x = 2; y = x^3"),
        ("y = x^2; f(t) = t^3; z = f(y)", "y", "y = x^2"),
    ],
)
def test_the_program_of_a_step(program, step, text):
    whole = backprop.parse(program)
    ended, other = until(whole, step)
    assert ended.source.text == text
    assert ended.statements[-1].name == step
    assert other == {*whole.all_names()} - {*ended.all_names()}
    # and it is the derivative that the step has within the whole
    if ended.source.unknown:
        return
    at = {n: x for n, x in {"x": 2.0, "a": 3.0, "w": 5.0}.items() if n in whole.all_names()}
    found = backprop.grad(program, at, of=step)
    assert found.agree
    h = 1e-6
    here = {n: at[n] for n in found.graph.inputs}
    for name in here:
        up, down = (backprop.eval(text, here | {name: here[name] + s * h}) for s in (1, -1))
        assert found.gradient[name] == pytest.approx((up - down) / (2 * h), rel=1e-6)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["y = x^2; z = y", "--of", "Y"], ["no step Y", "did you mean y?"]),
        (["x^2", "--of", "y"], ["no step y", "names one"]),
        (["f(x) = x^2; y = f(a)", "--of", "f"], ["no step f", "its steps: y"]),
        (["y = x@x; z = y^2", "--x", "[1,2]", "--of", "y"], ["this program has arrays"]),
        (["x^2 + y^2 = 25", "--of", "y"], ["this is an equation"]),
    ],
)
def test_steps_that_cannot_be_differentiated(run, args, words):
    run("grad", *args).refused(2, *words)
