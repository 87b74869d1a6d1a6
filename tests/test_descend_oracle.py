"""Verdicts of descents, held to simulations and to signs of f' in 50 digits; SymPy differentiates."""

from __future__ import annotations

import random
import re
from functools import cache
from math import isfinite

import mpmath
import pytest
import sympy

from backprop_cli.errors import NoSuchNumber, Source
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.optimization.choice import plain
from backprop_cli.optimization.descent import Function, descend
from backprop_cli.optimization.verdict import judge

COUNT = 150
MOST = 3_000_000  # updates of a simulation

x, y = sympy.symbols("x y", real=True)


def polynomial(r: random.Random) -> str:
    roots = [f"(x - {r.randint(-20, 20) / 10})" + r.choice(["", "^2", "^3"]) for _ in range(r.randint(1, 3))]
    return f"{r.choice([0.1, 0.5, 1, 2])}*" + "*".join(roots)


KINDS = [
    polynomial,
    polynomial,
    lambda r: f"{r.choice(['', '-', '0.5*', '2*'])}(x - {r.randint(-9, 9) / 8})^{r.randint(2, 8)}",
    lambda r: f"x^{r.choice([4, 6])} + {r.choice(['1e-2', '1e-3', '1e-5', '0.5', '-1'])}*x^2",
    lambda r: r.choice(
        ["exp(x)", "exp(-x)", "1/x", "1/x^2", "-log(x)", "exp(-x^2)", "-exp(-x^2)", "atan(x)", "tanh(x)", "x"]
    ),
    lambda r: r.choice(["sin(x)", "cos(2*x) + x^2", "sin(3*x) + x^2/4", "x - cos(x)", "sin(x)^3"]),
    lambda r: r.choice(["exp(x) - x", "x*log(x)", "x^x", "log(1 + x^2)", "sqrt(1 + x^2)", "x/(1 + x^2)"]),
    lambda r: r.choice(["x^3+3x^2", "x^4 - x^2 + 0.1x", "x^3", "x^5", "x^4 - 2*x^2", "3*x^5 - 5*x^3"]),
]


@cache
def known(text: str):
    f = sympy.sympify(re.sub(r"(\d)(x)", r"\1*\2", text).replace("^", "**"), locals={"x": x, "y": y})
    f = sympy.nsimplify(f, rational=True)
    slope = sympy.diff(f, x)
    return (
        sympy.lambdify(x, slope, "math"),
        *(sympy.lambdify(x, g, "mpmath") for g in (f, slope, sympy.diff(slope, x))),
    )


def signs(slope, at: float, sign: float) -> tuple[str, float]:
    """Return the signs of the slope beside a point, nearest first that are not the same, and how far off."""
    d = mpmath.mpf(10) ** -14
    while d < 3:
        left, right = (sign * slope(mpmath.mpf(at) + t) for t in (-d, d))
        if left * right < 0:
            return ("-+" if left < 0 else "+-"), float(d)
        d *= 1.5
    return "", 0.0


def simulated(slope, start: float, rate: float, until: float, most: int):
    """Return after how many updates the slope is short enough (None for never), the end, and its turns."""
    at, turns, last = start, 0, 0.0
    for k in range(most + 1):
        try:
            g = slope(at)
        except (OverflowError, ValueError, ZeroDivisionError):
            return None, at, turns
        if abs(g) <= until:
            return k, at, turns
        turns += g * last < 0
        last = g
        at -= rate * g
        if not isfinite(at):
            return None, at, turns
    return None, at, turns


def numbers(pattern: str, says: str) -> list[float]:
    return [float(n.replace(",", "")) for n in re.findall(pattern, says)]


def faults(text: str, rate: float, steps: int, until: float, ascend: bool, start: float) -> list[str]:
    """Return what a verdict says wrongly."""
    function = Function(lower(parse(Source(text)), {"x"}), {"x": start}, ["x"])
    try:
        trace = descend(function, (start,), plain(rate), steps=steps, until=until, ascend=ascend)
    except NoSuchNumber:
        return []
    verdict = judge(function, trace)
    says = " | ".join(verdict.says)
    fast, value, slope, second = known(text)
    sign = -1.0 if ascend else 1.0
    end = trace.points[-1][0]
    bad = []

    def wrong(why: str) -> None:
        bad.append(f"{why}: {verdict.kind}: {says}")

    signed = sign * rate
    for more in numbers(r"about ([\d,]+) more", says):
        if more <= MOST:
            k, *_ = simulated(fast, end, signed, until, int(2 * more) + 2)
            if k is None or not more / 2 <= k <= 2 * more:
                wrong(f"forecast {more}, true {k}")
    for left in numbers(r"leaves ([\d.e-]+) of the distance", says):
        kind, _ = signs(slope, verdict.minimum[0] if verdict.minimum else end, sign)
        if not 0.0 < left < 1.0 or kind != "-+":
            wrong("distance to nothing")
        limit = abs(1.0 - signed * float(second(mpmath.mpf(verdict.minimum[0] if verdict.minimum else end))))
        if abs(limit - left) > 0.3 * (1.0 - left) + 0.02 * left:
            wrong(f"factor, true {limit}")
    with mpmath.workdps(50):
        beside, reach = signs(slope, end, sign)
        if verdict.kind in ("converged", "left-basin") and (beside != "-+" or reach > 0.3):
            wrong(f"no minimum ({beside} within {reach})")
        if verdict.kind == "stuck":
            if beside == "-+" and reach < 0.02 and "so small" not in says and "is flat there" not in says:
                wrong("a minimum")
            if "a maximum (" in says and not ascend and beside != "+-":
                wrong("no maximum")
        stable = numbers(r"= ([\d.e+-]+); the rate", says)
        if stable:
            at = verdict.minimum[0]
            bend = sign * second(mpmath.mpf(at))
            if not bend > 0 or abs(2 / bend - stable[0]) > 1e-4 * stable[0]:
                wrong("stable rate")
            if signs(slope, at, sign)[0] != "-+" or signs(slope, at, sign)[1] > 1e-6 * max(1, abs(at)):
                wrong("stable rate where there is no minimum")
        if "without end" in says:
            way = -1 if sign * slope(mpmath.mpf(end)) > 0 else 1
            first = end if verdict.kind != "diverging" else start
            if verdict.kind == "diverging":
                way = -1 if sign * slope(mpmath.mpf(start)) > 0 else 1
            last = sign * value(mpmath.mpf(first))
            for j in range(40):
                there = sign * value(mpmath.mpf(first) + way * mpmath.mpf(2) ** j)
                if mpmath.im(there) or not (there < last or (there == last and j > 5)):
                    wrong(f"an end, {2**j} away")
                    break
                last = there
        elif verdict.kind == "not-finished" and text in ("exp(x)", "exp(-x)", "1/x", "atan(x)"):
            wrong("does not say that there is no optimum")
    if verdict.kind == "bouncing":
        k, at, turns = simulated(fast, end, signed, until, 20_000)
        if k is not None or turns < 100:
            wrong(f"comes to rest after {k}, {turns} turns")
    if verdict.kind == "diverging":
        k, at, turns = simulated(fast, end, signed, until, 20_000)
        if k is not None or (trace.error is None and abs(at) < 1e6):
            wrong(f"rests after {k} at {at}")
    if verdict.kind == "left-basin":
        other = numbers(r"another one, at x = ([-\d.e]+)", says)[0]
        with mpmath.workdps(30):
            way = -1 if sign * slope(mpmath.mpf(start)) > 0 else 1
            first = sign * slope(mpmath.mpf(start))
            at = mpmath.mpf(start)
            while sign * slope(at) * first > 0 and abs(at - start) < 10:
                at += way * mpmath.mpf(1) / 500
            if abs(at - other) > 0.01 or abs(end - other) < 0.01:
                wrong(f"downhill from the start is {at}")
    return bad


def cases(seed: int, count: int):
    r = random.Random(seed)
    for _ in range(count):
        text = r.choice(KINDS)(r)
        rate = r.choice([0.001, 0.01, 0.04, 0.1, 0.1, 0.3, 0.45, 0.5, 0.9, 1.0, 2.0])
        steps = r.choice([3, 10, 20, 30, 100, 100, 1000, 1000])
        until = r.choice([1e-8, 1e-8, 1e-6, 1e-4])
        start = r.choice([r.randint(-30, 30) / 10, 0.0, 1.0, 0.5])
        yield text, rate, steps, until, r.random() < 0.25, start


@pytest.mark.parametrize("seed", range(5))
def test_verdicts_hold(seed: int) -> None:
    bad = {case: found for case in cases(seed, COUNT // 5) if (found := faults(*case))}
    assert bad == {}
