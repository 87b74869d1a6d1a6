"""What a plot says of polynomials, rational functions and |p|, held to exact roots of derivatives."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
import sympy

from backprop_cli.curves.line import Sampler, sample
from backprop_cli.errors import Source
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse

COUNT = 60
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


def compared(text: str, slope: sympy.Expr, bend: sympy.Expr, poles: Roots, bottom: sympy.Expr) -> list[str]:
    """Return what is wrong, and what is missing, for a smooth function p/q away from its poles.

    Args:
        text: The function.
        slope: Numerator of its derivative; the denominator is a square.
        bend: Numerator of the second derivative, over a cube of the bottom.
        poles: Roots of the bottom.
        bottom: The denominator.
    """
    curve = told(text)
    bad = []
    zeros = [z for z in roots(slope) if not near(z[0], poles)]
    for c in curve.criticals:
        if c.kink or not near(c.x, zeros):
            bad.append(f"wrong: {c}")
            continue
        at = min((root for root, _ in zeros), key=lambda root: abs(root - c.x))
        kind = {(-1, 1): "minimum", (1, -1): "maximum"}.get(sides(slope, at, zeros + poles), "inflection")
        if c.kind != kind:
            bad.append(f"wrong: {c}, is {kind}")
    bends = roots(bend)
    for i in curve.inflections:
        if not near(i.x, bends) or not any(abs(i.x - b) <= NEAR and many % 2 for b, many in bends):
            bad.append(f"wrong: {i}")
    bad += [f"wrong: kink {k}" for k in curve.kinks]
    bad += [f"wrong: jump {j}" for j in curve.jumps]
    bad += [f"wrong: pole {p}" for p in curve.poles if not near(p, poles)]
    bad += [f"wrong: flat {f}" for f in curve.flats if slope != 0]
    bad += [f"missing: {z}" for z, _ in zeros if not any(abs(c.x - z) <= NEAR for c in curve.criticals)]
    inner = [b for b, many in bends if many % 2 and not near(b, zeros) and LOW + 0.1 < b < HIGH - 0.1]
    bad += [f"missing: bend {b}" for b in inner if not any(abs(i.x - b) <= NEAR for i in curve.inflections)]
    return bad


def smooth(r: random.Random) -> list[str]:
    p = polynomial(r)
    first = sympy.diff(p, x)
    text = written(p, r)
    return [f"{text}: {b}" for b in compared(text, first, sympy.diff(first, x), [], sympy.Integer(1))]


def rational(r: random.Random) -> list[str]:
    p, q = polynomial(r), polynomial(r)
    # multiplied out, the values beside a multiple pole are rounding, in floats
    text = f"({written(p, r)})/({q})".replace("**", "^")
    if sympy.degree(sympy.gcd(p, q), x):
        return []
    p, q = sympy.fraction(sympy.cancel(p / q))
    slope = sympy.expand(sympy.diff(p, x) * q - p * sympy.diff(q, x))
    slope, below = sympy.fraction(sympy.cancel(slope / q**2))
    bend = sympy.fraction(sympy.cancel(sympy.diff(slope / below, x)))[0]
    poles = roots(q)
    # the sign of the slope is that of its numerator times the denominator's
    return [f"{text}: {b}" for b in compared(text, sympy.expand(slope * below), bend, poles, q)]


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


@pytest.mark.parametrize("kind", [smooth, rational, folded])
def test_what_is_said_is_true(kind) -> None:
    r = random.Random(kind.__name__)
    bad = [b for _ in range(COUNT // 3) for b in kind(r)]
    assert [b for b in bad if ": wrong: " in b] == []
    assert len(bad) <= COUNT // 10
