"""What a plot says of polynomials, rational functions and pieces of them, held to exact roots of derivatives.

SymPy isolates the roots, over the rationals; nothing here is the package's.
"""

from __future__ import annotations

import ast
import random
import re
from fractions import Fraction
from functools import cache

import pytest
import sympy

from backprop_cli.curves.line import Sampler, sample
from backprop_cli.curves.surface import survey
from backprop_cli.errors import Source
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse

LOW, HIGH = -3, 3
NEAR = 1e-8

x = sympy.Symbol("x")
Roots = list[tuple[float, int]]


def roots(p: sympy.Expr) -> Roots:
    """Return the roots in the range and their multiplicities, by isolating intervals over the rationals."""
    if p.is_number:
        return []
    found = sympy.Poly(p, x, domain="QQ").intervals(eps=sympy.Rational(1, 10**12), inf=LOW, sup=HIGH)
    return [(float((a + b) / 2), many) for (a, b), many in found]


def sign_at(p: sympy.Expr, at: float) -> int:
    value = sympy.Poly(p, x, domain="QQ").eval(
        sympy.Rational(Fraction(at).numerator, Fraction(at).denominator)
    )
    return int(sympy.sign(value))


def sides(p: sympy.Expr, at: float, all_roots: Roots) -> tuple[int, int]:
    """Return the signs of a polynomial on both sides of one of its roots."""
    gap = min([abs(at - r) for r, _ in all_roots if abs(at - r) > 1e-11], default=1.0) / 2
    return sign_at(p, at - gap), sign_at(p, at + gap)


def told(text: str):
    return sample(Sampler(lower(parse(Source(text)), {"x"}), "x", {}), LOW, HIGH)


def written(p: sympy.Expr, r: random.Random) -> str:
    return str(r.choice([p, sympy.expand(p)])).replace("**", "^")


def polynomial(r: random.Random) -> sympy.Expr:
    p = sympy.Rational(r.choice([1, -1, 2, -3]), r.choice([1, 2, 5]))
    for _ in range(r.randint(1, 3)):
        p *= (x - sympy.Rational(r.randint(-25, 25), 10)) ** r.choice([1, 1, 2, 3])
    return p if r.random() < 0.7 else p + r.randint(-2, 2)


def near(at: float, several: Roots) -> bool:
    return any(abs(at - root) <= NEAR for root, _ in several)


def compared(text: str, slope: sympy.Expr, bend: sympy.Expr, poles: Roots = ()) -> list[str]:
    """Return what is wrong, and what is missing, for a smooth function away from its poles.

    Args:
        text: The function.
        slope: Its derivative, times what is positive.
        bend: Its second derivative, times what is 0 at poles alone.
        poles: Where it has no value.
    """
    curve = told(text)
    bad = []
    zeros = [z for z in roots(slope) if not near(z[0], poles)]
    for c in curve.criticals:
        if c.kink or not near(c.x, zeros):
            bad.append(f"wrong: {c}")
            continue
        at = min((root for root, _ in zeros), key=lambda root: abs(root - c.x))
        kind = {(-1, 1): "minimum", (1, -1): "maximum"}.get(sides(slope, at, [*zeros, *poles]), "inflection")
        if c.kind != kind:
            bad.append(f"wrong: {c}, is {kind}")
    bends = roots(bend)
    for i in curve.inflections:
        if not near(i.x, bends) or not any(abs(i.x - b) <= NEAR and many % 2 for b, many in bends):
            bad.append(f"wrong: {i}")
    bad += [f"wrong: kink {k}" for k in curve.kinks]
    bad += [f"wrong: jump {j}" for j in curve.jumps]
    bad += [f"wrong: pole {p}" for p in curve.poles if not near(p, poles)]
    bad += [f"missing: pole {p}" for p, _ in poles if not any(abs(p - q) <= NEAR for q in curve.poles)]
    bad += [f"wrong: gap {g}" for g in curve.gaps if g.start != g.end]
    bad += [f"wrong: flat {f}" for f in curve.flats if slope != 0]
    bad += [f"missing: {z}" for z, _ in zeros if not any(abs(c.x - z) <= NEAR for c in curve.criticals)]
    inner = [b for b, many in bends if many % 2 and not near(b, zeros) and LOW + 0.1 < b < HIGH - 0.1]
    bad += [f"missing: bend {b}" for b in inner if not any(abs(i.x - b) <= NEAR for i in curve.inflections)]
    return bad


def smooth(r: random.Random) -> list[str]:
    p = polynomial(r)
    first = sympy.diff(p, x)
    return [f"{p}: {b}" for b in compared(written(p, r), first, sympy.diff(first, x))]


def rational(r: random.Random) -> list[str]:
    """Hold p/q, however it is written, to the roots of the parts that are left of it."""
    p, q = polynomial(r), polynomial(r)
    if r.random() < 0.4:
        shared = x - sympy.Rational(r.randint(-25, 25), 10)
        p, q = p * shared, q * shared
    text = f"({written(p, r)})/({written(q, r)})"
    top, bottom = (sympy.Poly(part, x, domain="QQ") for part in (p, q))
    common = top.gcd(bottom)
    top, bottom = top.quo(common), bottom.quo(common)
    slope = top.diff() * bottom - top * bottom.diff()
    bend = slope.diff() * bottom - 2 * slope * bottom.diff()
    poles = roots(bottom.as_expr())
    return [f"{text}: {b}" for b in compared(text, slope.as_expr(), bend.as_expr(), poles)]


def folded(r: random.Random) -> list[str]:
    """Hold |p| to the roots of p, where it folds, and of p'."""
    p = polynomial(r)
    text = f"abs({written(p, r)})"
    curve = told(text)
    own, zeros = roots(p), roots(sympy.diff(p, x))
    bad = []
    for c in curve.criticals:
        if near(c.x, own):
            many = next(m for root, m in own if abs(c.x - root) <= NEAR)
            if c.kind != "minimum" or c.kink != (many == 1):
                bad.append(f"wrong: {c}")
        elif near(c.x, zeros):
            at = min((root for root, _ in zeros), key=lambda root: abs(root - c.x))
            left, right = sides(sympy.diff(p, x), at, zeros)
            turn = sign_at(p, at)
            kind = {(-1, 1): "minimum", (1, -1): "maximum"}.get((turn * left, turn * right), "inflection")
            if c.kind != kind or c.kink:
                bad.append(f"wrong: {c}, is {kind}")
        else:
            bad.append(f"wrong: {c}")
    bad += [f"wrong: kink {k}" for k in curve.kinks if (1 not in [m for z, m in own if abs(z - k.x) <= NEAR])]
    bends = roots(sympy.diff(p, x, 2))
    bad += [f"wrong: {i}" for i in curve.inflections if not near(i.x, bends) and not near(i.x, own)]
    bad += [f"missing: {z}" for z, _ in own if not any(abs(c.x - z) <= NEAR for c in curve.criticals)]
    return [f"{text}: {b}" for b in bad]


CUTS = [
    "where(x < {c}, {p}, {q})",
    "max({p}, {q})",
    "min({p}, {q}, {c})",
    "relu({p}) - relu({q})",
    "abs({p})*({q})",
    "abs({p})/({q})",
    "floor({p})/2",
    "sign({p})*({q})",
    "where(x > {c}, where(x > {d}, {p}, x), 1/(x - {c}))",
    "x*floor({d}*x)",
]


def pieces(r: random.Random) -> list[str]:
    """Hold what is said of pieces to values beside the places, in fractions."""
    p, q = (
        " + ".join(f"({r.randint(-20, 20)}/10)*x^{k}" for k in range(1, r.randint(2, 4)))
        + f" + ({r.randint(-20, 20)}/10)"
        for _ in range(2)
    )
    text = r.choice(CUTS).format(p=p, q=q, c=f"({r.randint(-20, 20)}/10)", d=f"({r.randint(1, 25)}/10)")
    curve = told(text)
    h = Fraction(1, 10**7)

    def around(at: float) -> list[Fraction | None]:
        return [valued(text, Fraction(at) + k * h) for k in (-2, -1, 1, 2)]

    bad = []
    for c in curve.criticals:
        far, left, right, away = around(c.x)
        own = valued(text, Fraction(c.x))
        signs = [(side > own) - (side < own) for side in (far, left, right, away)]
        expected = {"minimum": [1, 1, 1, 1], "maximum": [-1, -1, -1, -1]}.get(
            c.kind, [signs[0]] * 2 + [-signs[0]] * 2
        )
        sharp = abs((right - own) - (own - left)) > 1e-4 * h * (1 + abs(own))
        if signs != expected or not signs[0] or sharp != c.kink:
            bad.append(f"wrong: {c}, {signs}")
    for k in curve.kinks:
        far, left, right, away = around(k.x)
        found = [float((left - far) / h), float((away - right) / h)]
        if found != pytest.approx([k.left, k.right], rel=1e-4, abs=1e-5) or abs(right - left) > 100 * h:
            bad.append(f"wrong: {k}, {found}")
    for j in curve.jumps:
        _, left, right, _ = around(j.x)
        if [float(left), float(right)] != pytest.approx([j.left, j.right], rel=1e-5, abs=1e-5):
            bad.append(f"wrong: {j}")
    bad += [f"wrong: pole {p}" for p in curve.poles if max(abs(v or 0) for v in around(p)) < 10**5]
    for a, b in curve.flats:
        levels = {valued(text, Fraction(a) + share * (Fraction(b) - Fraction(a)) / 7) for share in (1, 3, 6)}
        bad += [f"wrong: flat {a} to {b}"] * (len(levels) > 1)
    bad += missed(text, curve)
    return [f"{text}: {b}" for b in bad]


def missed(text: str, curve) -> list[str]:
    """Return between which of many points the function turns without a word."""
    places = [c.x for c in curve.criticals] + curve.poles + [j.x for j in curve.jumps]
    places += [g.start for g in curve.gaps]
    at = [Fraction(LOW) + Fraction(2 * k + 1, 100) + Fraction(1, 7919) for k in range(50 * (HIGH - LOW) - 1)]
    values = [valued(text, a) for a in at]
    bad = []
    for k in range(len(at) - 2):
        a, b, c = values[k : k + 3]
        if (
            None not in (a, b, c)
            and (b - a) * (c - b) < 0
            and not any(at[k] <= p <= at[k + 2] for p in places)
        ):
            bad.append(f"missing: a turn near {float(at[k + 1])}")
    return bad


NAMES = {
    "where": lambda c, a, b: a() if c else b(),
    "max": max,
    "min": min,
    "abs": abs,
    "relu": lambda a: max(a, Fraction(0)),
    "sign": lambda a: (a > 0) - (a < 0),
    "floor": lambda a: Fraction(a.numerator // a.denominator),
    "F": Fraction,
}


@cache
def compiled(text: str):
    """Return the text as Python over fractions; both branches of a choice wait until they are asked for."""
    python = re.sub(r"(?<![\w^])(\d+)", r"F(\1)", text).replace("^", "**")
    tree = ast.parse(python, mode="eval")
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "where":
            none = ast.arguments([], [], None, [], [], None, [])
            call.args[1:] = [ast.Lambda(none, part) for part in call.args[1:]]
    return compile(ast.fix_missing_locations(tree), text, "eval")


def valued(text: str, at: Fraction) -> Fraction | None:
    try:
        return Fraction(eval(compiled(text), {**NAMES, "x": at}))
    except ZeroDivisionError:
        return None


@pytest.mark.parametrize(("kind", "count"), [(smooth, 20), (rational, 20), (folded, 20), (pieces, 30)])
def test_what_is_said_is_true(kind, count: int) -> None:
    r = random.Random(kind.__name__)
    assert [b for _ in range(count) for b in kind(r)] == []


@pytest.mark.parametrize(
    "text",
    [
        "1/(x^2-2x+1)",
        "(x-1)/(x^2-3x+2)",
        "x^3/(x^2-2x+1)^2",
        "(x^2-1)/(x-1)",
        "(x^3-x)/(x^3-2x^2+x)",
        "1/(x^6-6x^5+15x^4-20x^3+15x^2-6x+1)",
    ],
)
def test_poles_are_those_of_the_reduced_fraction(text: str) -> None:
    _, bottom = sympy.fraction(
        sympy.cancel(sympy.sympify(re.sub(r"(\d)x", r"\1*x", text).replace("^", "**")))
    )
    expected = [pole for pole, _ in roots(bottom)]
    assert expected == pytest.approx(told(text).poles, abs=1e-12)


def sided(slope: Roots, lead: int, at: float) -> str:
    """Return what a function of one variable is at a root of its slope, by the orders of the roots."""
    right = lead
    for root, many in slope:
        right *= (-1) ** (many * (root > at))
    many = dict(slope)[at]
    return "level" if many % 2 == 0 else "minimum" if right > 0 else "maximum"


def shape(r: random.Random) -> tuple[sympy.Expr, Roots, int]:
    """Return a polynomial by the roots of its slope, which are 0.7 apart at least."""
    places = [Fraction(r.randint(-12, -4), 10), Fraction(r.randint(4, 12), 10)][: r.randint(1, 2)]
    slope = [(float(place), r.choice([1, 1, 2, 3])) for place in places]
    lead = r.choice([1, -1])
    product = sympy.prod((x - sympy.Rational(str(place))) ** many for place, many in slope)
    return sympy.integrate(sympy.expand(lead * product), x), slope, lead


def test_zeros_of_gradients_are_what_they_are_called() -> None:
    """Of p(u) + q(v), with u and v slanting: pairs of zeros of p' and q', extrema where both are alike."""
    r, bad = random.Random(3), []
    y = sympy.Symbol("y")
    for _ in range(3):
        (p, first, one), (q, second, other) = shape(r), shape(r)
        a = r.choice([0, 0, sympy.Rational(1, 2), sympy.Rational(-1, 4)])
        text = str(p.subs(x, x + a * y) + q.subs(x, y)).replace("**", "^")
        surface = survey(lower(parse(Source(text)), {"x", "y"}), ("x", "y"), ((-2, 2), (-2, 2)), {})
        expected = {}
        for u, _ in first:
            for v, _ in second:
                kinds = {sided(first, one, u), sided(second, other, v)}
                kind = kinds.pop() if len(kinds) == 1 else "saddle"
                if abs(u - a * v) < 2:
                    expected[round(float(u - a * v), 6), round(v, 6)] = "saddle" if kind == "level" else kind
        found = {(round(s.x, 6), round(s.y, 6)): s.kind for s in surface.stationary}
        if found != expected or surface.notes:
            bad.append(f"{text}: {found}, not {expected}: {surface.notes}")
    assert bad == []


@pytest.mark.parametrize(
    "text", ["(x - y)^2", "x^2*y", "(x + y)^3", "(x^2 + y^2 - 1)^2", "x^2*y^2", "relu(x)*y"]
)
def test_stretches_on_which_a_gradient_is_0_are_no_points(text: str) -> None:
    surface = survey(lower(parse(Source(text)), {"x", "y"}), ("x", "y"), ((-2, 2), (-2, 2)), {})
    assert len(surface.stationary) <= 1
    assert surface.notes == ["the gradient is 0 not in points alone, but on whole stretches"]


def rooted(r: random.Random) -> tuple[str, list[tuple[float, int, int, int]]]:
    """Return a power of a product, and each root with its order and the signs of the product beside it."""
    places = sorted(r.sample(range(-12, 13), r.randint(1, 3)))
    irrational = r.random() < 0.4
    orders = [r.choice([1, 1, 2, 3]) for _ in places]
    factors = [f"({'x^3' if irrational else 'x'} - ({p}/5))^{m}" for p, m in zip(places, orders, strict=True)]
    at = [float(sympy.cbrt(abs(p) / 5) * (1 if p > 0 else -1) if irrational else p / 5) for p in places]
    lead = r.choice([1, -1])
    # at 0 the factor x^3 has three roots in one
    own = [m * (3 if irrational and p == 0 else 1) for p, m in zip(places, orders, strict=True)]
    found = []
    for k, m in enumerate(own):
        right = lead * (-1) ** sum(own[k + 1 :])
        found.append((at[k], m, right * (-1) ** m, right))
    return f"{lead}*" + "*".join(factors), found


@pytest.mark.parametrize(
    ("form", "power", "even", "whole"),
    [
        ("cbrt({p})", Fraction(1, 3), False, True),
        ("cbrt(({p})^2)", Fraction(2, 3), True, True),
        ("sqrt({p})", Fraction(1, 2), False, False),
        ("abs({p})^0.4", Fraction(2, 5), True, True),
        ("exp(cbrt({p})/9)", Fraction(1, 3), False, True),
        ("({p})^(3/4)", Fraction(3, 4), False, False),
    ],
)
def test_infinite_slopes_stand_at_the_roots_whose_order_is_small(form, power, even, whole) -> None:
    """Near a root of order m the power r of a product is that of h^(m*r): steep without end for m*r < 1."""
    r = random.Random(form)
    for _ in range(3):
        p, zeros = rooted(r)
        text = form.format(p=p)
        expected = []
        for at, m, *signs in zeros:
            sides = [sign if whole or sign > 0 else None for sign in signs]
            if m * power < 1 and abs(at) < 2.9 and any(sides):
                turned = [s and (1 if even else s) * way for s, way in zip(sides, (-1, 1), strict=True)]
                expected.append((at, *turned))
        curve = told(text)
        found = curve.verticals
        assert not any(near(i.x, [(at, 1) for at, *_ in expected]) for i in curve.inflections), text
        assert [v.x for v in found] == pytest.approx([e[0] for e in expected], abs=1e-9), text
        for v, (_, left, right) in zip(found, expected, strict=True):
            assert [v.left, v.right] == pytest.approx(
                [float("nan") if s is None else s * float("inf") for s in (left, right)], nan_ok=True
            ), text


@pytest.mark.parametrize(
    "text",
    [
        "atan(1e9x)",  # steep, with an end
        "abs(x - 0.3)*sin(9x)",
        "where(x == 0, 0, x*sin(1/x))",  # no slope at all
        "where(x == 0, 5, sqrt(abs(x)))",  # no tangent where the value stands apart
        "where(x > 0, sqrt(x), 1)",
        "x*log(x)",  # no value there
        "-x*log(x) - (1-x)*log(1-x)",
        "log(abs(x))",
        "1/(x - 0.3)",
        "cbrt(x)^3",
        "acos(cos(3x))",
        "abs(x)^1.5",
        "sqrt(x)^3",
        "sqrt(x^2 + 1e-30)",
    ],
)
def test_no_infinite_slope_where_there_is_none(text: str) -> None:
    assert told(text).verticals == []
    assert text.startswith(("acos", "abs", "sqrt(x^2")) or not any(c.kink for c in told(text).criticals)


@pytest.mark.parametrize("power", [1.01, 1.05, 1.3, 1.5, 1.9, 2.5])
@pytest.mark.parametrize("at", [0.0, 0.3, -0.7, 1.25])
def test_a_power_above_one_has_no_kink(power: float, at: float) -> None:
    """Its slope falls to 0 from both sides, however slowly; with abs(x) beside it a kink stays."""
    (found,) = told(f"abs(x - {at})^{power}").criticals
    assert (found.x, found.y, found.kind, found.kink) == (at, 0.0, "minimum", False)
    (found,) = told(f"abs(x - {at})^{power} + abs(x - {at})").criticals
    assert (found.x, found.kink) == (at, True)
