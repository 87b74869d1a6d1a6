"""Other notations: what has one meaning is read, and a hint that is followed gives what was meant."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_cli.engine.run import bind, run
from backprop_cli.errors import BackpropError, ExpressionError
from backprop_cli.language.lower import constant, lower
from backprop_cli.language.parser import parse, parse_here
from backprop_cli.language.readings import product_note
from backprop_cli.ops.namespaces import FLOATS

AT = {"x": 0.3, "y": 0.7, "a": 2.0, "b": 3.0, "n": 4.0, "A1": 0.4}


def value(text: str, **at: float) -> float:
    graph = lower(parse(text), AT)
    given_ = {name: {**AT, **at}[name] for name in graph.inputs if name not in graph.defaults}
    values = {graph.inputs[name]: x for name, x in bind(graph, given_).items()}
    values |= {node.id: node.value for node in graph.nodes if node.op is None and node.kind == "constant"}
    return float(run(graph, values, FLOATS)[graph.output])


def hinted(text: str) -> str:
    """The first text that the hint has."""
    with pytest.raises(BackpropError) as caught:
        parse(text)
    hint = caught.value.hint
    assert hint is not None
    assert hint.startswith("write "), hint
    return re.split(
        r" or | for | to multiply| as it is| as a spread| and let grad|, or ", hint.removeprefix("write ")
    )[0]


READ = [
    ("½x", 0.15),
    ("x^½", math.sqrt(0.3)),
    ("¾ + ⅜", 1.125),
    ("x⁻²", 0.3**-2),
    ("x² − 3x⁻²", 0.09 - 3 / 0.09),
    ("2⁺³", 8.0),
    ("e⁻ˣ + bⁿ", math.exp(-0.3) + 81.0),
    ("np.exp(-x)", math.exp(-0.3)),
    ("np.power(x, 2) + pow(x, -2)^2", 0.09 + 0.3**-4),
    ("-pow(x, 2)^2 - 2^power(x, 2)", -(0.3**4) - 2**0.09),
    ("1/(1 + numpy.exp(-x))", 1 / (1 + math.exp(-0.3))),
    ("math.sin(x) + math.pi", math.sin(0.3) + math.pi),
    ("torch.nn.functional.softplus(x)", math.log1p(math.exp(0.3))),
    ("Math.sqrt(x)*jnp.tanh(y)", math.sqrt(0.3) * math.tanh(0.7)),
    (r"\frac{1}{x}", 1 / 0.3),
    (r"\frac12 x", 0.15),
    (r"-\frac{x+1}{2y}", -1.3 / 1.4),
    (r"a\frac{x}{y}^2", None),
    (r"\sqrt{x} + \sqrt[3]{y} + \sqrt[4]{a}", math.sqrt(0.3) + 0.7 ** (1 / 3) + 2**0.25),
    (r"2xy\cdot 1", 0.42),
    (r"\sin x \cos y", math.sin(0.3) * math.cos(0.7)),
    (r"\sin 2x + 1", math.sin(0.6) + 1),
    (r"\sin^2 x", math.sin(0.3) ** 2),
    (r"\tan^{-1}(x)", math.atan(0.3)),
    (r"\sin\left(\frac{\pi x}{2}\right)", math.sin(math.pi * 0.15)),
    (r"e^{-x^2/2}", math.exp(-0.045)),
    (r"\log_{2} x + \log_b x", math.log2(0.3) + math.log(0.3) / math.log(3)),
    (r"a \cdot b \times x \div y", 6 * 0.3 / 0.7),
    (r"\left|x - y\right|", 0.4),
    (r"x^{y}_{}", None),
    (r"\arcsin{x}", math.asin(0.3)),
    (r"\operatorname{sigmoid}(x)", 1 / (1 + math.exp(-0.3))),
    ("x.^2 + 3.*y - x./y", 0.09 + 2.1 - 0.3 / 0.7),
    ("Math.PI*x + Math.E", 0.3 * math.pi + math.e),
    ("$x^2$", 0.09),
    ("$$ x^2 + 1 $$", 1.09),
    (r"\(x^2\)", 0.09),
    (r"$\frac{x}{2}$", 0.15),
    ("⌊a*x⌋ + ⌈x⌉", 1.0),
    ("x ✕ y", 0.21),
    (r"\sigma \cdot (x)", None),
]


@pytest.mark.parametrize(("text", "number"), [r for r in READ if r[1] is not None], ids=lambda r: str(r))
def test_what_has_one_meaning_is_read(text: str, number: float) -> None:
    assert value(text) == pytest.approx(number, rel=1e-14)


def test_what_is_rewritten_says_so() -> None:
    assert parse(r"\frac{1}{x}").source.note == "read as 1/x"
    assert parse("1/(1+np.exp(-x))").source.note == "read as 1/(1+exp(-x))"
    assert parse("½x").source.note is None


@pytest.mark.parametrize("text", ["∂f/∂x", "∇f", "∫x", "∑x", "∏x", "‖x‖", "x ± 1", "∞", "lim x->0 sin(x)/x"])
def test_signs_of_textbooks_that_nothing_stands_for_say_what_to_do(text: str) -> None:
    with pytest.raises(BackpropError) as caught:
        parse(text)
    assert caught.value.hint is not None
    assert not caught.value.hint.startswith("write lim")


FOLLOWED = [
    ("sin 2x", math.sin(0.6)),
    ("sin -x + 1 +", None),
    ("ln x", math.log(0.3)),
    ("2 sin 2x cos x", 2 * math.sin(0.6) * math.cos(0.3)),
    ("x sin x", 0.3 * math.sin(0.3)),
    ("sin x^2", math.sin(0.09)),
    ("sin x/2", math.sin(0.3) / 2),
    ("tan^(-1)(x)", math.atan(0.3)),
    ("sin⁻¹(x)", math.asin(0.3)),
    ("sin^2(x)", math.sin(0.3) ** 2),
    ("sin^2 x + cos^2 x", 1.0),
    ("3cos²(x)", 3 * math.cos(0.3) ** 2),
    ("Sin[1/x]", math.sin(1 / 0.3)),
    ("x*Sin[1/x]", 0.3 * math.sin(1 / 0.3)),
    ("{x + 1}*2", 2.6),
    ("x : 2", 0.15),
    ("1 1/2", 1.5),
    ("2½*x", 0.75),
    ("=EXP(-A1^2)", math.exp(-0.16)),
    ("=SUM(a, b)*2", 10.0),
    ("10 000,20", 10000.2),
    ("1,000,000", 1e6),
    ("1.000,5", 1000.5),
    ("1'000", 1000.0),
    ("1_000", 1000.0),
    ("1,5*x", 0.45),
    ("2,6,-2", 2.0),
    ("0x1F", 31.0),
    ("0b101 + 1", None),
    ("100*3%", 3.0),
    ("100 + 3%", 100.03),
    ("x % 2", 0.3),
    ("7a % 4", 2.0),
    ("sin(x deg)", math.sin(math.radians(0.3))),
    ("sin(30°)", 0.5),
    ("EXP(x) + SQRT(a)", math.exp(0.3) + math.sqrt(2)),
    ("xsin(x)", 0.3 * math.sin(0.3)),
    ("POW(x, y + 1)", 0.3**1.7),
    ("np.square(x)", 0.09),
    ("np.maximum(x, y)", 0.7),
    ("x.exp()", math.exp(0.3)),
    ("arctan(x)", math.atan(0.3)),
    ("cosec(x)", 1 / math.sin(0.3)),
    ("lambda x: x**2 + 1", 1.09),
    ("x if x > 0 else 0", 0.3),
    ("if x > 0 then x else 0", 0.3),
    ("y = if x < 0 then x else 2x end", 0.6),
    ("Piecewise((2x, x > 0), (0, True))", 0.6),
    ("piecewise(x > 0, 2x, 0)", 0.6),
    ("log_{10}(x)", math.log10(0.3)),
    ("1 + log_{a}(x)", 1 + math.log(0.3, 2)),
    ("d/dx (x^2)", 0.09),
    ("sin'(x)", math.cos(0.3)),
    ("n!", 24.0),
    ("(a + b", 5.0),
    ("∛x", 0.3 ** (1 / 3)),
    ("a // b", 0.0),
    # spreadsheets: a semicolon between operands, LOG to base 10, ATAN2 with x first
    ("=LOG(A1;2)", math.log2(0.4)),
    ("=LOG(A1)", math.log10(0.4)),
    ("=2*LOG(10*LOG(a))", 2 * math.log10(10 * math.log10(2))),
    ("=ATAN2(a;b)", math.atan2(3, 2)),
    ("=POWER($A$1;2)", 0.16),
    ("=PI()*A1", math.pi * 0.4),
    ("=IF(A1>0;A1;0)", 0.4),
    ("=WENN(A1>1;A1;2,5)", 2.5),
    ("=WURZEL(A1)", math.sqrt(0.4)),
    ("=MAX(A1;1,5)", 1.5),
    ("=SUM(A1:A1;a)", 2.4),
    ("max(1,5; x)", 1.5),
    ("POTENZ(a;3)", 8.0),
    # computer algebra
    ("Log[2, 8]", 3.0),
    ("ArcTan[x, y]", math.atan2(0.7, 0.3)),
    ("Plus[x, y, 1]*Times[a, b]", 12.0),
    ("Sin[x] Cos[x]", math.sin(0.3) * math.cos(0.3)),
    ("D[x^2, x]", 0.09),
    ("diff(x^2, x)", 0.09),
    ("d(x^2)/dx", 0.09),
    # Python, MATLAB and their kin
    ("np.multiply(x, y)^2", 0.21**2),
    ("np.clip(a, 0, 1)", 1.0),
    ("np.reciprocal(a)", 0.5),
    ("np.float64(3)*x", 0.9),
    ("x.pow(2)", 0.09),
    ("(x + y).clamp(0, 1)", 1.0),
    ("int(-b/a)", -1.0),
    ("fmod(-b, a)", -1.0),
    ("round(y*x, 1)", 0.2),
    ("factorial(n)", 24.0),
    ("nthroot(x, 3) + root(y, 5)", 0.3 ** (1 / 3) + 0.7**0.2),
    ("heaviside(x)", 1.0),
    ("deg2rad(x)", math.radians(0.3)),
    ("log_3(x) + log5(y)", math.log(0.3) / math.log(3) + math.log(0.7) / math.log(5)),
    ("log₂(x)", math.log2(0.3)),
    ("log base 2 of x", math.log2(0.3)),
    ("@(x) x.^2 + 1", 1.09),
    ("def f(x): return x**2", 0.09),
    ("y = lambda x: x**2", 0.09),
    ("f: x -> x^2", 0.09),
    ("x ↦ x^2", 0.09),
    ("let z = x^2", 0.09),
    ("x > 1 ? x : y", 0.7),
    ('"x^2"', 0.09),
    ("`x^2`", 0.09),
    ("x mod 2", 0.3),
    ("n*b div 5", 2.0),
    ("b*x^2 // y", 0.0),
    ("20% of x", 0.06),
    # numbers of other countries
    ("1,5x", 0.45),
    ("0,5*x + 1,5", 1.65),
    (",5*x", 0.15),
    ("2,5e3", 2500.0),
    ("1.000.000", 1e6),
    ("sin(1,5)", math.sin(1.5)),
    ("1.5 x 10^3", 1500.0),
    # textbooks
    ("max x, y", 0.7),
    ("min(x y)", 0.3),
    ("arcsin x", math.asin(0.3)),
    ("arctan x/y", math.atan(0.3) / 0.7),
    ("ln|x|", math.log(0.3)),
    ("sin πx", math.sin(math.pi * 0.3)),
    ("³√x + ∜y", 0.3 ** (1 / 3) + 0.7**0.25),
    ("Γ(n)", 6.0),
    ("2x = 6", -5.4),
    ("x² + 2x + 1 = 0", 1.69),
    ("(x + 1))", 1.3),
    ("２ｘ", 0.6),
    ("𝑥²", 0.09),
]


@pytest.mark.parametrize(("text", "number"), [r for r in FOLLOWED if r[1] is not None], ids=lambda r: str(r))
def test_a_hint_that_is_followed_gives_what_was_meant(text: str, number: float) -> None:
    assert value(hinted(text)) == pytest.approx(number, rel=1e-12)


HINTS = {
    "x^2 /. x -> 3": 'write "x^2" --x 3',
    "=2^3^2": "a spreadsheet takes a^b^c for (a^b)^c, and here it is a^(b^c): write the brackets",
    "Integrate[x^2, x]": "there are no integrals here: write the antiderivative itself",
    "np.linalg.norm(x)": "'backprop ops' lists the functions",
    r"\frac{dy}{dx}": "give the function itself, without the differentials",
    r"\frac{d}{dx} x^2": "give the function itself, without the differentials",
    r"\sigma(x)": r"write \operatorname{sigmoid}(...), or \sigma \cdot (...) to multiply",
    r"\sum_{i} x": "a sum is written out: x_1 + x_2 + x_3",
    "where(x > 0 and y > 0, x, y)": "nest where(a < b, where(b < c, x, y), y)",
    # what would mislead has no hint
    "quux(x, y)": None,
    "1.2.3": "a number has one decimal point",
}


@pytest.mark.parametrize("text", HINTS)
def test_what_has_no_text_of_ours_is_explained(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.hint == HINTS[text]


def test_many_slips_are_read_in_a_loop() -> None:
    for slip, number in (("x.^2", 0.09), ("⌊x⌋", 0.0), ("np.exp(x)", math.exp(0.3)), ("x^{2}", 0.09)):
        many = 1600 // max(len(slip) + 1, 9)
        assert value("+".join([slip] * many)) == pytest.approx(number * many)
    assert value("+".join(["x.^2"] * 400)) == pytest.approx(36.0)


def test_statements_behind_commas() -> None:
    assert hinted("x=ab+dc, y=dc-ab") == "x=ab+dc; y=dc-ab"
    assert hinted("c = max(a, b), d = c + 1") == "c = max(a, b); d = c + 1"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("x = 1 y = x^2", "x = 1; y = x^2"),
        ("b = a^2 c = 2b", "b = a^2; c = 2b"),
        ("b = a^2; c = -7a d = b*c", "b = a^2; c = -7a; d = b*c"),
        ("a = (x + 1)  b = |a| c = a*b", "a = (x + 1); b = |a|; c = a*b"),
    ],
)
def test_statements_without_anything_between(text: str, meant: str) -> None:
    assert hinted(text) == meant


def test_a_prime_is_for_grad() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("f(x)=x^2; f'(3)")
    assert caught.value.hint == 'grad "f(x)=x^2" --x 3 gives f\''


@pytest.mark.parametrize("text", ["sin^2(x)", "tan^(-1)(x)", "0x1F", "2½"])
def test_values_are_read_by_the_same_rules(text: str) -> None:
    with pytest.raises(BackpropError) as caught:
        constant(text)
    assert "write" in (caught.value.hint or "")


NAMES = [
    ("y = mx + b", ["mx", "b"], {"y", "mx", "b"}, "mx is one name; to multiply write y = m*x + b"),
    ("xe^x", ["xe"], {"xe", "x"}, "xe is one name; to multiply write x*e^x"),
    ("sinx + cosx", ["sinx", "cosx"], set(), "sinx and cosx are names; write sin(x) + cos(x)"),
    ("sin2x", ["sin2x"], {"x"}, "sin2x is one name; write sin(2x)"),
    ("2xy + 3x", ["xy"], {"x", "y"}, "xy is one name; to multiply write 2*x*y + 3x"),
    ("1/mx", ["mx"], {"m", "x"}, "mx is one name; to multiply write 1/(m*x)"),
    ("pir^2", ["pir"], {"r"}, "pir is one name; to multiply write pi*r^2"),
    ("asin(x)", ["x"], {"a", "x"}, "asin is one function, the inverse sine; to multiply write a*sin(x)"),
    ("sin(30deg)", ["deg"], set(), "angles are in radians; write sin(30*pi/180)"),
    ("sin -x", ["sin", "x"], {"x"}, "sin is a function; write sin(-x)"),
    ("E^x", ["E", "x"], {"E", "x"}, "E is a name; the constant is e: write e^x"),
    ("2*Pi*x", ["Pi", "x"], {"Pi", "x"}, "Pi is a name; the constant is pi: write 2*pi*x"),
    ("dy/dx", ["dy", "dx"], {"dy", "dx"}, "dy/dx is a quotient of two names: grad takes derivatives"),
    ("xsinx", ["xsinx"], set(), "xsinx is one name; write x*sin(x)"),
    ("sinxcosx", ["sinxcosx"], set(), "sinxcosx is one name; write sin(x)*cos(x)"),
    ("sin2xcosx", ["sin2xcosx"], {"x"}, "sin2xcosx is one name; write sin(2x)*cos(x)"),
    ("sqrt2*x", ["sqrt2"], {"x"}, "sqrt2 is one name; write sqrt(2)*x"),
    ("w1x1 + b", ["w1x1", "b"], {"w1x1", "b"}, "w1x1 is one name; to multiply write w1*x1 + b"),
    ("tan-1(x)", ["tan", "x"], {"tan", "x"}, "tan is a function; write atan(x)"),
    ("E*m", ["E", "m"], {"E", "m"}, None),
    ("relu1 + h2", ["relu1", "h2"], {"relu1", "h2"}, None),
    ("loss*weight", ["weight"], {"loss"}, None),
    ("dx*2", ["dx"], {"x"}, None),
    ("dx*2", ["dx"], set(), None),
    ("learning_rate*t", ["learning_rate", "t"], {"t"}, None),
    ("rate*text", ["rate", "text"], set(), None),
]


@pytest.mark.parametrize(("text", "names", "known", "note"), NAMES)
def test_names_that_were_meant_as_products(
    text: str, names: list[str], known: set[str], note: str | None
) -> None:
    assert product_note(text, names, known, parse_here) == note


# What is generated has a value that is known, in both notations

LEAVES = st.sampled_from(["x", "y", "a", "2", "3.5"])


def both(children: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
    pairs = st.tuples(children, children)
    return st.one_of(
        pairs.map(lambda p: (rf"\frac{{{p[0][0]}}}{{{p[1][0]}}}", f"(({p[0][1]})/({p[1][1]}))")),
        pairs.map(lambda p: (rf"\left({p[0][0]} - {p[1][0]}\right)", f"(({p[0][1]}) - ({p[1][1]}))")),
        pairs.map(lambda p: (rf"{{{p[0][0]}}} \cdot {{{p[1][0]}}}", f"(({p[0][1]})*({p[1][1]}))")),
        pairs.map(lambda p: (f"({p[0][0]})({p[1][0]})", f"(({p[0][1]})*({p[1][1]}))")),
        children.map(lambda c: (rf"\sin\left({c[0]}\right)", f"sin({c[1]})")),
        children.map(lambda c: (rf"\cos^2({c[0]})", f"(cos({c[1]})^2)")),
        children.map(lambda c: (rf"\left({c[0]}\right)^{{2}}", f"(({c[1]})^2)")),
        children.map(lambda c: (rf"e^{{-{{({c[0]})}}}}", f"(e^(-({c[1]})))")),
        children.map(lambda c: (rf"\sqrt{{\left|{c[0]}\right| + 1}}", f"sqrt(abs({c[1]}) + 1)")),
    )


@settings(deadline=None, max_examples=150)
@given(st.recursive(LEAVES.map(lambda x: (x, x)), both, max_leaves=6))
def test_latex_has_the_value_of_what_it_shows(pair: tuple[str, str]) -> None:
    latex, ours = pair
    text = latex if "\\" in latex else rf"{latex}\cdot 1"
    try:
        wanted = value(ours)
    except BackpropError:
        return
    if math.isfinite(wanted):
        assert value(text) == pytest.approx(wanted, rel=1e-9, abs=1e-9)


SLIPS = st.sampled_from(
    "sin 2x|sin^2(x)|tan^(-1)(x)|3%|1,5|Sin[x]|EXP(x)|x : 2|30°|np.exp(x)|½|x⁻²|1 000|ln x|x.exp()|(x|x % 2|"
    "2½|xsin(x)|POW(x, 2)|n!|f'(x)|"
    "x.^2|=LOG(x;2)|Log[2, x]|x mod 2|1,5x|log₂ x|2x = 6|3 x 4|`x`|x -> 2|\\frac{x}{2}|0x1F".split("|")
)


@settings(deadline=None, max_examples=200)
@given(st.lists(SLIPS, min_size=1, max_size=3), st.sampled_from([" + ", "*", " - ", "; y = ", ")", ","]))
def test_every_text_of_a_hint_is_in_the_language(slips: list[str], sign: str) -> None:
    """Whatever comes together: nothing but our errors, and what a hint shows whole can be read."""
    text = sign.join(slips)
    try:
        parse(text)
    except ExpressionError as error:
        hint = error.hint or ""
        if hint.startswith("write ") and " or " not in hint and len(hint) < 120:
            shown = re.split(r" for | to multiply| and let| as it", hint.removeprefix("write "))[0]
            if "..." not in shown and len(slips) == 1:
                parse(shown)
