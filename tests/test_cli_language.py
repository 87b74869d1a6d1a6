"""The language, seen from the command line: what is accepted, what it means, how errors point."""

from __future__ import annotations

from math import cbrt, e, pi, sin, sqrt, tau

import pytest

REVERSE = ("--method", "reverse", "--format", "json")


def bind(**values):
    return [word for name, value in values.items() for word in (f"--{name}", str(value))]


def value(run, program, **at):
    (number,) = run("eval", program, *bind(**at), "--format", "value").answered().numbers
    return number


def squeezed(result):
    """The message without its spaces, so that `1/2 * x` and `1/2*x` are one spelling."""
    return result.err.replace(" ", "")


# --- precedence and juxtaposition --------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2+3*4", 14.0),
        ("(2+3)*4", 20.0),
        ("10-4-3", 3.0),  # left-associative
        ("100/10/5", 2.0),
        ("12/4*3", 9.0),
        ("2^3^2", 512.0),  # right-associative
        ("2**3**2", 512.0),
        ("2**3^2", 512.0),
        ("-2^2", -4.0),  # -(2^2)
        ("(-2)^2", 4.0),
        ("2^-3", 0.125),
        ("2^-1^2", 0.5),  # 2^(-(1^2))
        ("2*-3", -6.0),
        ("2--3", 5.0),
        ("--3", 3.0),
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("2e3", 2000.0),  # digits-e-digits is always a number
        ("2.5e-1*4", 1.0),
        ("3(1+1)", 6.0),
        ("(1+1)(2+1)", 6.0),
        ("2(1+1)^2", 8.0),
        ("-2(1+1)", -4.0),
        ("|1-3|", 2.0),
        ("2|1-3|", 4.0),
        ("|-2|*|3|", 6.0),
        ("|1-3|^2", 4.0),
        ("(1 +\n 2)\t* 3", 9.0),  # newlines inside brackets are spaces
        ("max(1, 5, 3)", 5.0),
        ("min(4, 2)", 2.0),
        ("where(1 < 2, 10, 20)", 10.0),
        ("where(1 >= 2, 10, 20)", 20.0),
        ("where(1 == 1, 10, 20)", 10.0),
        ("where(1 != 1, 10, 20)", 20.0),
        ("where(2 <= 2, 1, 0) + where(3 > 2, 10, 0)", 11.0),
        ("ln(exp(2))", 2.0),
        ("sign(-7)", -1.0),
        ("floor(-1.5)", -2.0),
        ("ceil(-1.5)", -1.0),
        ("relu(-3) + relu(3)", 3.0),
        ("hypot(3, 4)", 5.0),
        ("log2(8)", 3.0),
        ("log10(1000)", 3.0),
        ("cbrt(27)", 3.0),
    ],
)
def test_arithmetic_reads_as_mathematics(run, text, expected):
    assert value(run, text) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-x^2", -9.0),
        ("2x^2", 18.0),
        ("2x^2 - 3x + 4", 13.0),
        ("3(x+y)", 24.0),
        ("(x+y)(y+1)", 48.0),
        ("(x+1)y", 20.0),  # a bracket before a name
        ("2x*y", 30.0),
        ("2sin(x)", 2 * sin(3)),
        ("sin(x)^2", sin(3) ** 2),
        ("sin(x)cos(0)", sin(3)),
        ("|x-y|", 2.0),
        ("2e3x", 6000.0),
        ("x/y*2", 1.2),
        ("x/(2y)", 0.3),
        ("x^(2y)", 3.0**10),
        ("-(x)(y)", -15.0),
        ("y - -x", 8.0),
    ],
)
def test_juxtaposition_multiplies_where_a_calculators_would(run, text, expected):
    at = {name: number for name, number in (("x", 3), ("y", 5)) if name in text}
    assert value(run, text, **at) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("2×3·4", {}, 24.0),
        ("7÷2", {}, 3.5),
        ("5−3", {}, 2.0),
        ("x²", {"x": 3}, 9.0),
        ("x³ − x²", {"x": 3}, 18.0),
        ("(x+1)²", {"x": 2}, 9.0),
        ("√(x+1)", {"x": 8}, 3.0),
        ("2√(4)", {}, 4.0),
        ("√2*√2", {}, sqrt(2) ** 2),
        ("2π", {}, tau),
        ("2π*r", {"r": 2}, 4 * pi),
        ("2πr", {"r": 2}, 4 * pi),  # π is a token of its own
        ("α*β", {"α": 2, "β": 3}, 6.0),
        ("2θ + λ", {"θ": 2, "λ": 1}, 5.0),
        ("x₁ + x₂", {"x₁": 1, "x₂": 2}, 3.0),
        ("\N{MICRO SIGN}*2", {"\N{GREEK SMALL LETTER MU}": 4}, 8.0),  # one letter in two code points
        ("\N{GREEK SMALL LETTER MU}*2", {"\N{MICRO SIGN}": 4}, 8.0),
        ("α\N{COMBINING ACUTE ACCENT} * 2", {"ά": 4}, 8.0),  # NFC
        ("a_1 + b_ + x2", {"a_1": 1, "b_": 2, "x2": 4}, 7.0),
        ("n" * 64, {"n" * 64: 2}, 2.0),
    ],
)
def test_unicode_and_names(run, text, at, expected):
    assert value(run, text, **at) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("2*\N{CYRILLIC SMALL LETTER A}", "CYRILLIC"),  # a lookalike, refused by name
        ("2*\N{FULLWIDTH LATIN SMALL LETTER A}", "FULLWIDTH"),
        ("2*\N{LATIN SMALL LETTER E WITH ACUTE}", ""),
        ("2*\N{HEBREW LETTER ALEF}", "HEBREW"),
        ("2*\N{CJK UNIFIED IDEOGRAPH-4E00}", ""),
        ("2*\N{ARABIC-INDIC DIGIT THREE}", ""),
        ("2*\N{MATHEMATICAL ITALIC SMALL X}", "MATHEMATICAL"),
        ("2*" + "n" * 65, "64"),
    ],
    ids=ascii,
)
def test_other_scripts_are_refused_by_name(run, text, word):
    result = run("eval", text).refused(2)
    assert word.lower() in result.err.lower()


# --- names belong to the user ------------------------------------------------------------------

NAMES = [
    *("e", "E", "I", "S", "N", "O", "Q", "C", "beta", "gamma", "zeta", "lambda", "h", "q", "o", "pi", "tau"),
    *(
        "inf",
        "nan",
        "None",
        "True",
        "class",
        "import",
        "if",
        "def",
        "print",
        "exec",
        "self",
        "sin",
        "log",
        "where",
    ),
    *("sympy", "abs", "max", "Symbol", "oo", "zoo", "v0", "v2", "a_", "j"),
]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_can_be_a_variable(run, name):
    result = run("grad", f"3*{name}", f"--{name}", "2", *REVERSE)
    assert (result.status, result.json["value"], result.json["gradient"]) == (0, 6.0, {name: 3.0}), result.err
    assert run("grad", f"{name}^2", f"{name}=2", *REVERSE).answered().json["gradient"] == {name: 4.0}


def test_every_method_keeps_the_users_names(process):
    program = "E*I + S^N + beta*gamma + lambda*h + format*e*pi"
    names = ("E", "I", "S", "N", "beta", "gamma", "lambda", "h", "e", "pi")
    words = [word for number, name in enumerate(names, 2) for word in (f"--{name}", str(number))]
    result = process("grad", program, *words, "format=12", "--format", "json").answered()
    report = result.json
    assert report["value"] == 2 * 3 + 4**5 + 6 * 7 + 8 * 9 + 12 * 10 * 11
    assert report["agree"] is True
    assert result.node("E")["formula"] == "I"
    assert result.node("h")["formula"] == "lambda"
    assert report["gradient"]["format"] == 110.0
    for row in report["nodes"]:
        if row["kind"] == "input":
            assert row["gradient"]["symbolic"] == pytest.approx(row["gradient"]["reverse"], rel=1e-14)
    assert "constant" not in result.err  # no note on `e`: the user gave it a value


def test_names_made_for_steps_do_not_clash_with_the_users(run):
    rows = run("grad", "(v2*v3 + v4)*v6", *bind(v2=3, v3=-2, v4=8, v6=-2), *REVERSE).answered().json["nodes"]
    names = [row["name"] for row in rows]
    assert len(set(names)) == len(names)
    assert {row["name"] for row in rows if row["kind"] == "input"} == {"v2", "v3", "v4", "v6"}


@pytest.mark.parametrize(
    "name", ["format", "method", "step", "wrt", "points", "file", "scheme", "digits", "all"]
)
def test_name_equals_value_after_the_expression_binds_also_the_name_of_an_option(run, name):
    report = run("grad", f"{name}*2", f"{name}=3", *REVERSE).answered().json
    assert report["inputs"] == {name: 3.0}


def test_the_option_keeps_its_own_form(run):
    assert run("eval", "format*2", "--format", "value", "format=3").answered().numbers == [6.0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("pi", pi), ("2pi", tau), ("tau", tau), ("e", e), ("2*e", 2 * e), ("e^2", e**2), ("π", pi)],
)
def test_constants(run, text, expected):
    result = run("eval", text, "--format", "value").answered()
    assert result.numbers == [pytest.approx(expected, rel=1e-15)]
    assert bool(result.err) == ("e" in text)  # a note on stderr says that e is the constant


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("pi*x", {"pi": 3, "x": 2}, 6.0),
        ("e*x", {"e": 3, "x": 2}, 6.0),
        ("tau + x", {"tau": 1, "x": 2}, 3.0),
        ("e = 5; e*x", {"x": 2}, 10.0),
        ("e = x + 1; e*x", {"x": 2}, 6.0),
        ("pi = 3; pi*x", {"x": 2}, 6.0),
        ("f(e) = 2*e", {"e": 2}, 4.0),
    ],
)
def test_a_constant_is_one_only_where_the_user_gave_no_value(run, text, at, expected):
    result = run("eval", text, *bind(**at), "--format", "value").answered()
    assert result.numbers == [expected]
    assert result.err == ""


def test_constants_have_no_gradient(run):
    report = run("grad", "e*pi*x", "--x", "1", *REVERSE).answered().json
    assert report["inputs"] == {"x": 1.0}
    assert report["gradient"] == {"x": pytest.approx(e * pi)}


# --- programs ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "program",
    [
        "d = a*b; e = d + c; L = e*f",
        "d = a*b; e = d + c; e*f",
        "d = a*b\ne = d + c\nL = e*f",
        "# the loss\n\nd = a*b   # a product\ne = d + c;\n\nL = e*f\n# the end\n",
        "d = (a\n*\nb); e = d + c\nL = e*f\n",
        "d = a*b\r\ne = d + c\r\nL = e*f\r\n",
    ],
)
def test_statements_are_separated_by_semicolons_or_newlines(run, program):
    at = bind(a=3, b=-2, c=8, f=-2)
    report = run("grad", program, *at, *REVERSE).answered().json
    assert report["value"] == -4.0
    assert report["gradient"] == {"a": 4.0, "b": -6.0, "c": -2.0, "f": 2.0}
    steps = [row["name"] for row in report["nodes"] if row["kind"] == "step"]
    assert steps[:2] == ["d", "e"]
    assert report["output"] == steps[-1]
    if "L =" in program:
        assert report["output"] == "L"


def test_a_header_names_the_output_and_orders_its_inputs(run):
    report = run("grad", "f(y, x) = x - 2y", "--x", "1", "--y", "10", *REVERSE).answered().json
    assert report["output"] == "f"
    assert list(report["inputs"]) == ["y", "x"]
    assert run("grad", "f(y, x) = x - 2y", "--x", "1", "--y", "10", "--format", "value").numbers == [
        -2.0,
        1.0,
    ]


def test_defaults_make_a_program_complete_and_bindings_override_them(run):
    program = "a = 3; b = pi/4 + 1; L = a*b^2"
    report = run("grad", program, *REVERSE).answered().json
    assert report["inputs"] == {"a": 3.0, "b": pytest.approx(pi / 4 + 1)}
    assert {row["name"] for row in report["nodes"] if row["kind"] == "input"} == {"a", "b"}
    report = run("grad", program, "--a", "5", "b=2", *REVERSE).answered().json
    assert (report["value"], report["gradient"]) == (20.0, {"a": 4.0, "b": 20.0})


def test_what_is_written_twice_is_two_rows(run):
    rows = run("grad", "sin(x) + sin(x)", "--x", "1", *REVERSE).answered().json["nodes"]
    assert [row["name"] for row in rows if row["kind"] == "input"] == ["x"]
    assert len([row for row in rows if row["text"] == "sin(x)"]) == 2
    rows = run("grad", "s = sin(x); s + s", "--x", "1", *REVERSE).answered().json["nodes"]
    assert len([row for row in rows if row["text"] == "sin(x)"]) == 1


def test_max_of_many_is_one_node(run):
    rows = run("grad", "max(a, b, c)", *bind(a=1, b=2, c=3), *REVERSE).answered().json["nodes"]
    assert [row["text"] for row in rows if row["kind"] == "step"] == ["max(a, b, c)"]


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("d = a*b; d = a + b; d", ["d"]),  # assigned twice
        ("a = 3; a = 4; a*b", ["a"]),
        ("e1 = d + 1; d = a*b; e1*d", ["d"]),  # used before it is assigned
        ("d = d + a", ["d"]),
        ("sin(a) + sin", ["sin"]),  # used as function and as variable
        ("sin = a; sin(b)", ["sin"]),
        ("f(a, a) = a", ["a"]),
        ("a*b = c", []),
        ("3 = a", []),
        ("", []),
        ("   \n ; \n", []),
        ("# nothing but a comment", []),
        ("d = ", []),
        ("= 3", []),
    ],
)
def test_statement_errors(run, program, words):
    run("grad", program, *bind(a=1, b=2), *REVERSE[:2]).refused(2, *words)


def test_binding_a_computed_step_says_so(run):
    result = run("grad", "d = a*b; d + c", *bind(a=1, b=2, c=3, d=5)).refused(2, "d")
    assert "a*b" in result.err or "computed" in result.err


# --- errors that show what was meant -----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("1/2x", [("1/(2*x)", "1/(2x)"), ("1/2*x", "(1/2)*x", "(1/2)x")]),
        (
            "1/2(x+1)",
            [
                ("1/(2*(x+1))", "1/(2(x+1))", "1/(2*(...))"),
                ("1/2*(x+1)", "(1/2)*(x+1)", "(1/2)(x+1)", "(1/2)*(...)"),
            ],
        ),
        ("x^2y", [("x^(2*y)", "x^(2y)"), ("x^2*y", "(x^2)*y", "(x^2)y")]),
        (
            "x^2(y+1)",
            [
                ("x^(2*(y+1))", "x^(2(y+1))", "x^(2*(...))"),
                ("x^2*(y+1)", "(x^2)*(y+1)", "(x^2)(y+1)", "x^2*(...)"),
            ],
        ),
    ],
)
def test_both_readings_are_shown(run, text, readings):
    result = run("eval", text, *(bind(x=1, y=2) if "y" in text else bind(x=1))).refused(2)
    for spellings in readings:
        assert any(spelling in squeezed(result) for spelling in spellings), (spellings, result.err)


@pytest.mark.parametrize(
    ("text", "at", "suggestion"),
    [
        ("a b", {"a": 1, "b": 2}, "a*b"),
        ("ab", {"a": 1, "b": 2}, "a*b"),
        ("ab + 1", {"a": 1, "b": 2}, "a*b"),
        ("sin x", {"x": 1}, "sin(x)"),
        ("2 + cos x", {"x": 1}, "cos(x)"),
        ("arctan(x)", {"x": 1}, "atan"),
        ("arcsin(x)", {"x": 1}, "asin"),
        ("Sin(x)", {"x": 1}, "sin"),  # function names are case-sensitive
        ("sn(x)", {"x": 1}, "sin"),
        ("cosec(x)", {"x": 1}, "writecsc(x)"),
        ("sqr(x)", {"x": 1}, "sqrt"),
        ("x(2)", {"x": 1}, "x*(2)"),
        ("x(x+1)", {"x": 1}, "x*(x+1)"),
        ("softpluss(x)", {"x": 1}, "softplus"),
    ],
)
def test_the_likely_meaning_is_suggested(run, text, at, suggestion):
    result = run("eval", text, *bind(**at)).refused(2)
    assert suggestion in squeezed(result)


@pytest.mark.parametrize(
    "text",
    [
        "where(1 < x < 3, 1, 2)",  # a chain
        "where(1 < x == 1, 1, 2)",
        "x < 3",  # a comparison outside a condition
        "1 + (x > 2)",
        "where(x, 1, 2)",  # no comparison where one is needed
        "where(x > 1, 1)",
        "sin(x, x)",
        "sin()",
        "atan2(x)",
        "max(x)",
        "max()",
        "x +",
        "* x",
        "x + * 2",
        "(x",
        "x)",
        "((x)",
        "|x",
        "x || 2",
        "(x]",
        "x[0]",  # reserved
        "[x]",
        "x @ x",
        "x'",
        "x.real",
        "x.",
        "1.2.3",
        "2 3",
        "x 2",
        ", x",
        "x, 2",
        "()",
        "x ^",
        "x ! 2",
        "x % 2",
        "x & 1",
        "x $ 1",
        "x ? 1 : 2",
        "x := 2",
        "\\x",
        "`x`",
        "x ~ 2",
        "{x}",
        '"x"',
        "x == 1 == 1",
        "unknown(x)",
        "_(x)",
        "x²2",
    ],
)
def test_broken_syntax(run, text):
    result = run("eval", text, "--x", "2").refused(2)
    assert any(set(line.strip()) == {"^"} for line in result.err.splitlines())


@pytest.mark.parametrize(
    ("text", "line", "column", "length"),
    [
        ("a $ b", "a $ b", 2, 1),
        ("a*)b", "a*)b", 2, 1),
        ("a + * b", "a + * b", 4, 1),
        ("a + sn(b)", "a + sn(b)", 4, 2),
        ("a + b & a", "a + b & a", 6, 1),
        ("a[0] + b", "a[0] + b", 0, 4),
        ("α·β + $", "α·β + $", 6, 1),
        ("d = a*b\ne1 = d + $\ne1", "e1 = d + $", 9, 1),
        ("d = a*b; d + arctan(a)", "d = a*b; d + arctan(a)", 13, 6),
    ],
)
def test_carets_stand_under_the_fault(run, text, line, column, length):
    at = bind(α=1, β=2) if "α" in text else bind(a=1, b=2)
    result = run("eval", text, *at).refused(2)
    assert result.caret(line) == (column, length)


def test_carets_of_a_domain_error_lie_under_the_operation(run):
    text = "1 + log(a - 3)*b"
    column, length = run("eval", text, *bind(a=1, b=2)).refused(3, "log", "-2").caret(text)
    assert column >= 4
    assert column + length <= len("1 + log(a - 3)")


def test_the_json_error_says_line_and_column(run):
    import json

    result = run("eval", "d = a*b\nd + sn(a)", *bind(a=1, b=2), "--format", "json")
    assert (result.status, result.out) == (2, "")
    (line,) = result.err.splitlines()
    error = json.loads(line)["error"]
    assert list(error) == ["code", "message", "line", "column", "hint"]
    assert (error["line"], error["column"]) == (2, 5)  # from 1, as in file:line:column
    assert "sn" in error["message"]
    assert "sin" in f"{error['message']} {error['hint']}"


def test_cube_roots_have_a_name(run):
    assert value(run, "cbrt(x)", x=-8) == cbrt(-8)
