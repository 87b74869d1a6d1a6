"""Verdicts of descents, held to simulations and to signs of f' in 50 digits.

SymPy differentiates, or complex steps do.
"""

from __future__ import annotations

import cmath
import random
import re
from functools import cache
from itertools import pairwise
from math import cos, dist, hypot, isfinite, pi, sin

import mpmath
import pytest
import sympy

from backprop_cli.errors import NoSuchNumber, Source
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.optimization.choice import plain, read
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


# --- every optimizer, one and two variables: a simulation by complex steps and rules written here ---------


def first_of(order):
    """Return max, or min, of complex numbers by their real parts; those that tie share the slope."""

    def chosen(*zs):
        best = order(complex(z).real for z in zs)
        ties = [z for z in zs if complex(z).real == best]
        return sum(ties) / len(ties)

    return chosen


CALLS = {name: getattr(cmath, name) for name in ("sin", "cos", "exp", "log", "sqrt", "tanh", "atan", "cosh")}
CALLS |= {"max": first_of(max), "min": first_of(min), "abs": lambda z: z * ((z.real > 0) - (z.real < 0))}


class Simulated:
    """A function and its slopes by the complex step."""

    def __init__(self, text: str, names: tuple[str, ...]) -> None:
        python = re.sub(r"(\d)([a-z(])", r"\1*\2", text).replace("^", "**")
        self.code, self.names = compile(python, text, "eval"), names

    def __call__(self, point: list[float], moved: int = -1) -> complex:
        at = {
            n: complex(x, 1e-30 * (i == moved))
            for i, (n, x) in enumerate(zip(self.names, point, strict=True))
        }
        return complex(eval(self.code, CALLS | at))

    def slope(self, point: list[float]) -> list[float]:
        return [self(point, k).imag / 1e-30 for k in range(len(point))]


class Steps:
    """The rules as their papers have them, a list of numbers each."""

    def __init__(self, name: str, rate: float, settings: dict, size: int) -> None:
        self.name, self.rate, self.of, self.t = name, rate, settings, 0
        self.kept = [[0.0] * size for _ in range(3)]
        self.product = 1.0

    def __call__(self, point: list[float], slope: list[float]) -> list[float]:
        self.t += 1
        if self.name == "nadam":
            self.mu, self.ahead = (0.9 * (1 - 0.5 * 0.96 ** (0.004 * t)) for t in (self.t, self.t + 1))
            self.product *= self.mu
        return [x - self.rate * self.step(i, x, g) for i, (x, g) in enumerate(zip(point, slope, strict=True))]

    def step(self, i: int, x: float, g: float) -> float:
        of, (a, b, c), t = self.of, self.kept, self.t
        if self.name == "sgd":
            m, g = of.get("momentum", 0.0), g + of.get("weight_decay", 0.0) * x
            a[i] = g if t == 1 else m * a[i] + g
            return g + m * a[i] if of.get("nesterov") else a[i]
        if self.name == "adagrad":
            a[i] += g * g
            return g / (a[i] ** 0.5 + 1e-10)
        if self.name == "rmsprop":
            a[i] = 0.99 * a[i] + 0.01 * g * g
            c[i] = of.get("momentum", 0.0) * c[i] + g / (a[i] ** 0.5 + 1e-8)
            return c[i]
        if self.name == "adadelta":
            a[i] = 0.9 * a[i] + 0.1 * g * g
            step = ((b[i] + 1e-6) / (a[i] + 1e-6)) ** 0.5 * g
            b[i] = 0.9 * b[i] + 0.1 * step * step
            return step
        first, second = of.get("betas", (0.9, 0.999))
        a[i], b[i] = first * a[i] + (1 - first) * g, second * b[i] + (1 - second) * g * g
        c[i] = max(c[i], b[i]) if of.get("amsgrad") else b[i]
        size = (c[i] / (1 - second**t)) ** 0.5 + 1e-8
        if self.name == "nadam":
            ahead = self.ahead * a[i] / (1 - self.product * self.ahead)
            return ((1 - self.mu) * g / (1 - self.product) + ahead) / size
        return a[i] / (1 - first**t) / size + (0.01 * x if self.name == "adamw" else 0.0)


def run_of(f: Simulated, steps: Steps, start, until: float, most: int, sign: float):
    """Return after how many updates the slope is short enough, None for never, and the points."""
    points = [list(start)]
    for k in range(most + 1):
        try:
            g = f.slope(points[-1])
            if not all(map(isfinite, g)) or hypot(*g) <= until:
                return (k if all(map(isfinite, g)) else None), points
            points.append(steps(points[-1], [sign * x for x in g]))
        except (OverflowError, ValueError, ZeroDivisionError):
            return None, points
    return None, points[:-1]


ONE = [
    "x^2", "(x-1)^2 + 3", "x^4", "x^4 - 2x^2", "x^3 - 3x", "cosh(x)", "exp(x) - x", "sin(x)", "x^2 + sin(5x)",
    "log(1 + x^2)", "sqrt(1 + x^2)", "abs(x)", "abs(x - 0.3) + 0.1x^2", "exp(-x)", "atan(x)", "x*exp(-x^2)",
    "(x-2)^2*(x+1)^2", "0.001x^2", "100x^2", "x^3", "max(x, -2x)", "10 - 3x + x^2", "tanh(x)^2",
]  # fmt: skip
TWO = [
    "x^2 + y^2", "x^2 + 10y^2", "x^2 + 100y^2", "(1-x)^2 + 100(y-x^2)^2", "(x+2y-7)^2 + (2x+y-5)^2",
    "(x^2+y-11)^2 + (x+y^2-7)^2", "x^2 - y^2", "x*y", "x^2 + y^4", "(x-y)^2", "x^4 + y^4", "sin(x)*sin(y)",
    "x^2*y^2", "(x*y-1)^2", "x^2 + x*y + y^2", "exp(x) - x + y^2", "0.26(x^2+y^2) - 0.48x*y",
    "abs(x) + abs(y)", "x^2 + abs(y)", "log(1 + x^2 + 2y^2)", "exp(-x^2-y^2)", "x^3 - 3x + y^2",
]  # fmt: skip
RULES = [
    ("sgd", {}), ("sgd", {}), ("sgd", {"momentum": 0.9}), ("sgd", {"momentum": 0.5}),
    ("sgd", {"momentum": 0.9, "nesterov": True}), ("sgd", {"weight_decay": 0.1}), ("adam", {}),
    ("adam", {"betas": (0.5, 0.9)}), ("adam", {"amsgrad": True}), ("adamw", {}), ("rmsprop", {}),
    ("rmsprop", {"momentum": 0.9}), ("adagrad", {}), ("adadelta", {}), ("nadam", {}),
]  # fmt: skip
CARRIED = 2_000  # updates of a simulation beyond the run's


def contradicted(text, names, rule, rate, steps, until, ascend, start) -> list[str]:
    """Return what a verdict says that the simulation does not bear out."""
    name, settings = rule
    words = {"learning_rate": rate} | settings
    spelled = ",".join(f"{k}={list(v) if isinstance(v, tuple) else str(v).lower()}" for k, v in words.items())
    choice = read(f"{name}:{spelled.replace(' ', '')}", None)
    function = Function(lower(parse(Source(text)), set(names)), dict(zip(names, start, strict=True)), names)
    try:
        trace = descend(function, start, choice, steps=steps, until=until, ascend=ascend)
    except NoSuchNumber:
        return []
    verdict = judge(function, trace)
    says, sign, bad = " | ".join(verdict.says), -1.0 if ascend else 1.0, []
    f, end = Simulated(text, names), trace.points[-1]

    def wrong(why: str) -> None:
        bad.append(f"{why}: {verdict.kind}: {says}")

    def simulated_from(at) -> tuple[int | None, list[list[float]]]:
        most = trace.updates + CARRIED
        return run_of(f, Steps(name, rate, settings, len(names)), at, until, most, sign)

    rests, points = simulated_from(start)
    beside, others = simulated_from([x * (1 + 1e-12) for x in start])
    if rests != beside or dist(points[-1], others[-1]) > 1e-6:
        return []  # rounding decides
    if dist(points[min(trace.updates, len(points) - 1)], end) > 1e-4 * max(1, *map(abs, end)):
        wrong(f"ends elsewhere, {points[-1]}")
    for more in numbers(r"about ([\d,]+) more", says):
        left = None if rests is None else rests - trace.updates
        if 2 * more <= CARRIED and (left is None or not more / 2 <= left <= 2 * more):
            wrong(f"forecast {more}, true {left}")
    moves = [dist(a, b) for a, b in pairwise(points)]
    if verdict.kind == "bouncing" and (rests is not None or max(moves[-200:]) < 0.02 * max(moves[steps:])):
        wrong(f"comes to rest after {rests}")
    if (
        verdict.kind == "diverging"
        and trace.error is None
        and (rests is not None or moves[-1] < 1.5 * moves[steps - 1])
    ):
        wrong(f"ends at {points[-1]}")
    if "do not get shorter" in says and moves[steps - 1] < 0.98 * moves[steps - 6]:
        wrong("they get shorter")
    if verdict.kind in ("converged", "left-basin") and "near" not in says and "flat around" not in says:
        ring = [[cos(pi * k / 16), sin(pi * k / 16)][: len(names)] for k in range(32)]
        lowest = min((sign * f([x + 0.03 * d for x, d in zip(end, way, strict=True)])).real for way in ring)
        if lowest < (sign * f(list(end))).real - 1e-6:
            wrong(f"lower beside, {lowest}")
    if verdict.kind == "stuck" and "the weight decay" in says and (rests is not None or moves[-1] > 1e-6):
        wrong(f"goes on, {moves[-1]}")
    stable = numbers(r"= ([\d.e+-]+); the rate", says)
    if stable and name == "sgd":
        r = random.Random(1)
        beside = [x + 1e-7 * r.uniform(0.5, 1.0) * max(1, abs(x)) for x in verdict.minimum]
        for share, grows in ((0.97, False), (1.03, True)):
            there = run_of(f, Steps(name, share * stable[0], settings, len(names)), beside, -1.0, 800, sign)[
                1
            ]
            if (len(there) < 801 or dist(there[-1], verdict.minimum) > 1e-5) != grows:
                wrong(f"at {share} of the stable rate {dist(there[-1], verdict.minimum)} off")
    return bad


def of_every_rule(seed: int, count: int):
    r = random.Random(seed)
    for _ in range(count):
        names = r.choice([("x",), ("x", "y")])
        start = tuple(r.choice([1.0, 2.0, -1.5, 0.5, r.randint(-30, 30) / 10]) for _ in names)
        rate = r.choice([0.001, 0.01, 0.05, 0.1, 0.1, 0.3, 0.5, 1.0])
        steps, until = r.choice([10, 20, 100, 300]), r.choice([1e-8, 1e-6, 1e-4, 1e-2])
        text = r.choice(ONE if len(names) == 1 else TWO)
        yield text, names, r.choice(RULES), rate, steps, until, r.random() < 0.2, start


def test_verdicts_hold_for_every_rule() -> None:
    bad = [(case, found) for case in of_every_rule(1, 50) if (found := contradicted(*case))]
    assert bad == []


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(2, 12))
def test_verdicts_hold_for_every_rule_at_length(seed: int) -> None:
    bad = [(case, found) for case in of_every_rule(seed, 200) if (found := contradicted(*case))]
    assert bad == []
