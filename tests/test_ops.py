"""A row is tested by existing: every primitive against 50-digit mpmath, SymPy and its own words.

The definitions below are written a second time, in mpmath: no rule of the registry judges a rule
of the registry.
"""

from __future__ import annotations

import math
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
from mpmath import mp, mpf

from backprop_cli.differentiation.symbolic.functions import SP
from backprop_cli.engine.point import Point
from backprop_cli.engine.run import run as run_graph
from backprop_cli.engine.run import run_exactly
from backprop_cli.engine.sweep import sweep
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.ops import ALIASES, FUNCTIONS, PRIMITIVES, Primitive, special
from backprop_cli.ops.kinks import by_convention, sides
from backprop_cli.ops.namespaces import FLOATS, arrays, complexes, multiprecision

ROOT = Path(__file__).resolve().parent.parent
DIGITS = 50
EPS = 2.0**-52
POINTS = 12


def _compare(holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
    return lambda a, b: mpf(1) if holds(a, b) else mpf(0)


def _power(a: Any, n: Any) -> Any:
    """Repeated multiplication for whole n, else exp(n*log(a))."""
    if n == int(n) and abs(n) < 1000:
        value = mpf(1)
        for _ in range(abs(int(n))):
            value = value * a
        return value if n >= 0 else 1 / value
    return mp.exp(n * mp.ln(a)) if a > 0 else mpf(a) ** int(n) if n == int(n) else mpf(0) if n > 0 else mp.nan


def _sinc_n(n: int, x: Any) -> Any:
    """The integral of t^n cos(x*t + n*pi/2) over t from 0 to 1."""
    if abs(x) < 1:
        terms = range((n + 1) // 2, (n + 1) // 2 + 200)
        return mp.fsum(
            (-1) ** k * mpf(x) ** (2 * k - n) / ((2 * k + 1) * mp.factorial(2 * k - n)) for k in terms
        )
    return mp.diff(lambda t: mp.sin(t) / t, x, n)


def _cube_root(x: Any) -> Any:
    return mp.root(x, 3) if x >= 0 else -mp.root(-x, 3)


EXACT: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "negative": lambda a: -a,
    "identity": lambda a: +a,
    "power_n": _power,
    "power": _power,
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "asin": mp.asin,
    "acos": mp.acos,
    "atan": mp.atan,
    "atan2": lambda b, a: mp.arg(mp.mpc(a, b)),
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": lambda x: mp.sign(x) * (1 - 2 / (mp.exp(2 * abs(x)) + 1)),
    "asinh": lambda x: mp.sign(x) * mp.ln(abs(x) + mp.sqrt(x * x + 1)),
    "acosh": lambda x: mp.ln(x + mp.sqrt(x * x - 1)),
    "atanh": lambda x: mp.ln((1 + x) / (1 - x)) / 2,
    "exp": mp.exp,
    "expm1": lambda x: mp.exp(x) - 1,
    "log": mp.ln,
    "log1p": lambda x: mp.ln(1 + x),
    "log2": lambda x: mp.ln(x) / mp.ln(2),
    "log10": lambda x: mp.ln(x) / mp.ln(10),
    "sqrt": mp.sqrt,
    "cbrt": _cube_root,
    "hypot": lambda a, b: mp.sqrt(a * a + b * b),
    "abs": mp.fabs,
    "sign": mp.sign,
    "floor": mp.floor,
    "ceil": mp.ceil,
    "min": min,
    "max": max,
    "relu": lambda x: x if x > 0 else mpf(0),
    "leaky_relu": lambda x, s: x if x > 0 else s * x,
    "elu": lambda x, s: x if x > 0 else s * (mp.exp(x) - 1),
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.ln(1 + mp.exp(x)),
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "gelu": lambda x: x * mp.ncdf(x),
    "erf": mp.erf,
    "erfc": mp.erfc,
    "gamma": mp.gamma,
    "lgamma": lambda x: mp.ln(mp.fabs(mp.gamma(x))),
    "digamma": lambda x: mp.psi(0, x),
    "polygamma": lambda n, x: mp.psi(int(n), x),
    "sec": mp.sec,
    "csc": mp.csc,
    "cot": mp.cot,
    "asec": mp.asec,
    "acsc": mp.acsc,
    "acot": lambda x: mp.pi / 2 - mp.atan(x),
    "sech": mp.sech,
    "csch": mp.csch,
    "coth": lambda x: (
        mp.cosh(x) / mp.sinh(x) if abs(x) < 100 else mp.sign(x) * (1 + 2 / mp.expm1(2 * abs(x)))
    ),
    "log_base": lambda x, b: mp.ln(x) / mp.ln(b),
    "logit": lambda x: mp.ln(x) - mp.ln(1 - x),
    "sinc": lambda x: mp.sin(x) / x if x else mpf(1),
    "sinc_n": lambda n, x: _sinc_n(int(n), x),
    "mod": lambda x, n: x - n * mp.floor(x / n),
    "round": lambda x: mp.nint(x),
    "clamp": lambda x, lo, hi: lo if x < lo else hi if x > hi else x,
    "relu6": lambda x: min(max(x, mpf(0)), mpf(6)),
    "hard_tanh": lambda x: min(max(x, mpf(-1)), mpf(1)),
    "hard_sigmoid": lambda x: min(max(x + 3, mpf(0)), mpf(6)) / 6,
    "selu": lambda x: mpf(1.0507009873554805) * (x if x > 0 else mpf(1.6732632423543772) * mp.expm1(x)),
    "mish": lambda x: x * mp.tanh(mp.ln(1 + mp.exp(x))),
    "softsign": lambda x: x / (1 + mp.fabs(x)),
    "less": _compare(lambda a, b: a < b),
    "less_equal": _compare(lambda a, b: a <= b),
    "greater": _compare(lambda a, b: a > b),
    "greater_equal": _compare(lambda a, b: a >= b),
    "equal": _compare(lambda a, b: a == b),
    "not_equal": _compare(lambda a, b: a != b),
    "where": lambda c, a, b: a if c else b,
}
"""What every primitive is, in mpmath."""

ALSO: dict[str, list[tuple[float, ...]]] = {
    "power_n": [(-2.0, 3.0), (-2.0, -1.0), (2.0, 0.5), (-1.5, 2.0), (0.3, -0.5), (7.0, 1 / 3)],
    "divide": [(3.0, -0.25), (-1e10, -3.0)],
    "atan2": [(-3.0, 2.0), (-0.5, -2.0), (1e-8, 5.0)],
    "cbrt": [(-8.0,), (-0.3,)],
    "gamma": [(-0.5,), (-3.3,)],
    "lgamma": [(-0.5,), (-3.3,)],
    "digamma": [(-0.5,), (-3.3,)],
    "sec": [(-2.0,), (30.0,)],
    "csc": [(-1.0,), (4.0,)],
    "cot": [(-1.0,), (4.0,), (1.5707,)],
    "asec": [(-1.001,), (-350.0,), (1e200,)],
    "acsc": [(-1.001,), (-350.0,), (1e200,)],
    "acot": [(0.0,), (1e10,), (-1e10,)],
    "csch": [(-0.3,), (-350.0,)],
    "coth": [(-0.3,), (-350.0,)],
    "log_base": [(8.0, 2.0), (0.5, 0.25), (125.0, 5.0), (1e300, 10.0)],
    "logit": [(0.5000001,)],
    "sinc": [(1e-5,), (-0.09,), (0.11,), (1e3,)],
    "sinc_n": [(1.0, 1e-5), (2.0, 0.0), (3.0, -2.0), (5.0, 0.5), (8.0, 30.0), (2.0, 0.11)],
    "mod": [(-7.5, 2.0), (7.5, -2.0), (-0.25, 1.0)],
    "round": [(2.6,), (-0.4,)],
    "clamp": [(7.0, 0.0, 5.0), (-3.0, 0.0, 5.0)],
    "mish": [(-20.0,), (20.5,)],
    "polygamma": [(1.0, -0.5), (2.0, -3.3), (0.0, 0.25)],
    "min": [(3.0, -1.0, 2.0), (5.0, 4.0, 3.0, 2.0)],
    "max": [(3.0, -1.0, 2.0), (5.0, 4.0, 3.0, 2.0)],
}
"""Points outside the intervals that rows give for sampling."""

ROWS = pytest.mark.parametrize("op", list(PRIMITIVES.values()), ids=list(PRIMITIVES))


@cache
def points(op: Primitive) -> tuple[tuple[float, ...], ...]:
    """Seeded points of a row's domain; a literal operand is a whole number, a condition 0 or 1."""
    draw = random.Random(op.name)
    found = []
    for k in range(POINTS):
        point = [draw.uniform(*interval) for interval in op.sample]
        if k % 3 == 2:  # small numbers too
            point = [x * 1e-3 if low <= 0.0 else x for x, (low, _) in zip(point, op.sample, strict=True)]
        for i in range(len(point)):
            if i == op.literal or (op.name == "where" and i == 0):
                point[i] = float(round(point[i]))
        found.append(tuple(point))
    return (*found, *ALSO.get(op.name, ()))


def exact(op: Primitive, point: Sequence[float], digits: int = DIGITS) -> Any:
    """The value, right to about ``digits`` digits."""
    with mp.workdps(
        digits + 330 if max(map(abs, point)) > 30 or min(map(abs, point)) < 1e-20 else digits + 30
    ):
        return EXACT[op.name](*map(mpf, point))


@cache
def exact_slope(op: Primitive, point: tuple[float, ...], position: int) -> Any:
    """The local derivative by `mpmath.diff` of the definition."""
    with mp.workdps(DIGITS + 330 if max(map(abs, point)) > 30 else DIGITS + 30):

        def along(x: Any) -> Any:
            return EXACT[op.name](*[x if i == position else mpf(p) for i, p in enumerate(point)])

        return mp.diff(along, mpf(point[position]))


def positions(op: Primitive, point: Sequence[float]) -> list[int]:
    """The operands that have a slope."""
    return [i for i in range(len(point)) if i != op.literal and not (op.name == "where" and i == 0)]


def slopes(op: Primitive, point: Sequence[float], xp: Any = FLOATS) -> tuple[Any, ...]:
    """The rule that runs, at the value that runs."""
    return tuple(op.partials(xp, op.forward(xp, *point), *point))


def close(found: Any, wanted: Any, relative: float) -> bool:
    """Whether a number is right to so much of its size, subnormal steps aside."""
    return bool(abs(mpf(found) - wanted) <= mpf(relative) * abs(wanted) + mpf(5e-324))


# Every row against every oracle


def test_every_row_is_defined_here() -> None:
    assert set(EXACT) == set(PRIMITIVES)


@ROWS
def test_value_within_the_rows_own_error_bound(op: Primitive) -> None:
    for point in points(op):
        assert close(op.forward(FLOATS, *point), exact(op, point), op.ulp * EPS), point


@ROWS
def test_slopes_are_those_of_the_definition(op: Primitive) -> None:
    for point in points(op):
        for i in positions(op, point):
            wanted = exact_slope(op, point, i)
            # near a zero of the slope what counts is the size of what is subtracted
            size = abs(wanted) + (1e-2 if op.name in ("silu", "gelu", "mish") else 0)
            assert abs(slopes(op, point)[i] - wanted) <= 1e-13 * size + 5e-324, (point, i)


@ROWS
def test_slopes_by_central_difference(op: Primitive) -> None:
    for point in points(op):
        for i in positions(op, point):
            h = 1e-5 * max(abs(point[i]), 0.1)

            def moved(t: float, i: int = i, point: tuple[float, ...] = point) -> float:
                return float(op.forward(FLOATS, *[t if k == i else p for k, p in enumerate(point)]))

            up, down = point[i] + h, point[i] - h
            quotient = (moved(up) - moved(down)) / (up - down)
            rounding = 16.0 * EPS * abs(moved(point[i])) / h
            slope = slopes(op, point)[i]
            # the third derivative judges what central differences leave out
            bend = abs(moved(up) - 2.0 * moved(point[i]) + moved(down)) / h
            third = abs(moved(up + h) - 2.0 * moved(up) + 2.0 * moved(down) - moved(down - h)) / h
            assert abs(quotient - slope) <= third + bend * h + 4.0 * rounding + 1e-300, (point, i)


@ROWS
def test_slopes_by_complex_step(op: Primitive) -> None:
    xp = complexes()
    for point in points(op):
        for i in positions(op, point):
            if op.name == "lgamma" and point[0] < 0.0:  # log of a negative gamma function: no real form
                continue
            h = 1e-20 * (abs(point[i]) or 1.0)
            y = op.forward(xp, *[complex(p, h) if k == i else p for k, p in enumerate(point)])
            slope = y.imag / h if isinstance(y, complex) else 0.0
            wanted = exact_slope(op, point, i)
            size = abs(wanted) + (1e-2 if op.name in ("silu", "gelu", "mish") else 0)
            # what passes through cmath loses digits where the slope is the difference of two sizes
            assert abs(slope - wanted) <= 1e-12 * size + 1e-14 * abs(exact(op, point)), (point, i)
            value = y.real if isinstance(y, complex) else y
            assert abs(value - exact(op, point)) <= 1e-13 * abs(exact(op, point)) + 1e-13, point


LAMBDIFIED = {
    "Where": lambda c, a, b: a if c else b,
    "Share": lambda c, a, b: a if c else b,
    **{name: EXACT[name] for name, row in PRIMITIVES.items() if row.truth},
    **{name: EXACT[name] for name in ("min", "max", "floor")},
    "SincN": EXACT["sinc_n"],
    "loggamma": lambda x: mp.ln(mp.fabs(mp.gamma(x))),
    "polygamma": lambda n, x: mp.psi(int(n), x),
    "atan2": EXACT["atan2"],
}


@ROWS
def test_sympy_twin(op: Primitive) -> None:
    """The function SymPy is told is the same, and so is the derivative it finds itself."""
    for count in {len(point) for point in points(op)}:
        places = [sympy.Dummy(f"u{i}", real=True) for i in range(count)]
        twin = op.symbol(SP, *places)
        modules = [LAMBDIFIED, "mpmath"]
        value = sympy.lambdify(places, twin, modules)
        derivatives = {
            i: sympy.lambdify(places, twin.diff(places[i]), modules) for i in positions(op, range(count))
        }
        for point in (p for p in points(op) if len(p) == count):
            if op.literal is not None:  # a constant by construction: SymPy gets the number
                fixed = {places[op.literal]: sympy.Rational(point[op.literal])}
                bound = op.symbol(SP, *[fixed.get(p, p) for p in places])
                value = sympy.lambdify(places, bound, modules)
                derivatives = {i: sympy.lambdify(places, bound.diff(places[i]), modules) for i in derivatives}
            with mp.workdps(DIGITS + 330):
                operands = [mpf(p) for p in point]
                assert close(value(*operands), exact(op, point), 1e-30), point
                for i, derivative in derivatives.items():
                    wanted = exact_slope(op, point, i)
                    assert abs(derivative(*operands) - wanted) <= 1e-30 * abs(wanted) + mpf("1e-40"), (
                        point,
                        i,
                    )


def words(text: str, names: dict[str, Any]) -> Any:
    """The number a piece of our own language stands for, in mpmath."""
    text = text.replace("where(c,", "where(c != 0,")  # a name alone is no condition
    graph = lower(parse(text), set(names))
    leaves: dict[int, Any] = {}
    for node in graph.nodes:
        if node.op is None:
            leaves[node.id] = (
                names[node.name] if node.name else +mp.pi if node.label == "pi" else mpf(node.label or "")
            )
    return run_graph(graph, leaves, multiprecision(), graph.needed())[graph.output]


@ROWS
def test_local_derivative_as_written_is_the_rule_that_runs(op: Primitive) -> None:
    for point in points(op):
        for i in positions(op, point) if op.local else ():
            with mp.workdps(DIGITS + 330):
                names = dict(zip(op.params, map(mpf, point), strict=True)) | {"y": exact(op, point, 300)}
                written = [words(text, names) for text in {op.local[i], op.exact[i]}]
            rule = slopes(op, point)[i]
            for number in written:
                size = abs(number) + (1e-2 if op.name in ("silu", "gelu", "mish") else 0)
                assert abs(rule - number) <= 1e-13 * size + 5e-324, (point, op.local[i], op.exact[i])


@ROWS
def test_local_derivatives_name_rows_and_operands_only(op: Primitive) -> None:
    assert len(op.local) in (0, len(op.params))
    assert len(op.exact) == len(op.local)
    for i, text in [*enumerate(op.local), *enumerate(op.exact)]:
        if i == op.literal:
            assert text == ""
            continue
        program = parse(text)
        for item in program.statements[0].items:
            if item.arity >= 0:
                assert item.text in PRIMITIVES
            elif item.arity == -2:
                assert item.text in {*op.params, "y", "pi"}


@ROWS
def test_arrays_agree_with_floats(op: Primitive) -> None:
    xp = arrays()
    for count in {len(point) for point in points(op)}:
        chosen = [p for p in points(op) if len(p) == count]
        columns = [np.array(column) for column in zip(*chosen, strict=True)]
        with np.errstate(all="ignore"):
            value = op.forward(xp, *columns)
            partials = op.partials(xp, value, *columns)
        for row, point in enumerate(chosen):
            wanted = op.forward(FLOATS, *point)
            assert abs(value[row] - wanted) <= 4.0 * math.ulp(wanted), point
            for i in positions(op, point):
                found = float(np.broadcast_to(partials[i], value.shape)[row])
                expected = slopes(op, point)[i]
                # each factor of a rule may be 4 ulp away
                assert abs(found - expected) <= 16.0 * math.ulp(expected), (point, i)


@ROWS
def test_rows_broadcast(op: Primitive) -> None:
    xp = arrays()
    first = points(op)[0]
    shapes = [(3, 1), (1, 4), (4,), (3, 4)]
    operands = [np.full(shapes[i % 4], p) for i, p in enumerate(first)]
    shape = np.broadcast_shapes(*(x.shape for x in operands))
    with np.errstate(all="ignore"):
        value = op.forward(xp, *operands)
        partials = op.partials(xp, value, *operands)
    assert np.shape(value) == shape
    assert value.dtype == np.float64
    for i in positions(op, first):
        assert np.broadcast_to(partials[i], shape).shape == shape


# Domains

EDGES = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    2.0,
    -3.0,
    1e-8,
    1e-300,
    5e-324,
    -5e-324,
    170.5,
    171.7,
    -746.5,
    710.0,
)
EDGES = (*EDGES, 1e300, -1e300)


def grid(op: Primitive) -> list[tuple[float, ...]]:
    """Edge cases for every operand, all combinations of the first two."""
    count = len(op.sample)
    if op.literal == 0:
        return [(n, x) for n in (0.0, 1.0, 2.0, 5.0, -1.0, 0.5) for x in EDGES]
    if count < 3:
        return list(product(EDGES, repeat=count))
    return [(c, a, b) for c in (0.0, 1.0) for a in EDGES for b in (0.0, 1e300)]


def too_large(op: Primitive, point: Sequence[float]) -> bool:
    """Whether the exact value is beyond float64."""
    with mp.workdps(40):
        operands = list(map(mpf, point))
        if op.name == "gamma":  # through its logarithm: the number itself has 1e300 digits
            return bool(mp.loggamma(abs(operands[0])) > 709 or abs(operands[0]) < 1e-300)
        return bool(abs(EXACT[op.name](*operands)) > 1.7976931348623157e308)


@ROWS
def test_domain_says_where_values_are_finite(op: Primitive) -> None:
    for point in grid(op):
        value = op.forward(FLOATS, *point)
        inside = op.domain is None or op.domain(*point)
        if not inside:
            assert not math.isfinite(value), point
        elif not math.isfinite(value):
            assert too_large(op, point), point


@ROWS
def test_rules_answer_everywhere_with_a_float(op: Primitive) -> None:
    """IEEE: nan and inf instead of exceptions, and never a complex power."""
    special = (*EDGES, math.inf, -math.inf, math.nan, 1.7976931348623157e308, -1.5e308)
    count = len(op.sample)
    choices = product(special, repeat=count) if count < 3 else product((0.0, 1.0, math.nan), special, special)
    if op.literal == 0:  # large orders have a test of their own
        choices = product((0.0, 1.0, 5.0, -1.0, 0.5, -math.inf, math.nan), special)
    for point in choices:
        value = op.forward(FLOATS, *point)
        assert isinstance(value, (float, int)), point
        for slope in op.partials(FLOATS, value, *point):
            assert isinstance(slope, (float, int)), point


@ROWS
def test_rows_speak(op: Primitive) -> None:
    assert op.says
    assert "\n" not in op.says
    assert op.defined
    assert (op.kinks is None) == (op.piece is None)
    assert op.kinks is None or op.convention
    assert op.conventional is None or (op.convention and op.kinks is None)
    assert len(op.sample) == len(op.params)
    assert all(p in op.signature for p in op.params)


def somewhere(op: Primitive) -> list[float]:
    """Return a point inside a row's sample box; literal operands are whole."""
    point = [low + 0.37 * (high - low) for low, high in (op.sample * 2)[: max(op.arity[0], len(op.params))]]
    point = [max(-3.0, min(3.0, x)) for x in point]
    return [float(round(x)) if k == op.literal else x for k, x in enumerate(point)]


@ROWS
def test_linear_in_groups_of_operands(op: Primitive) -> None:
    for group in op.linear:
        one, other = somewhere(op), [x + 0.5 for x in somewhere(op)]
        other = [x if k in group else one[k] for k, x in enumerate(other)]
        both = [
            2.0 * x - 3.0 * y if k in group else x for k, (x, y) in enumerate(zip(one, other, strict=True))
        ]
        expected = 2.0 * op.forward(FLOATS, *one) - 3.0 * op.forward(FLOATS, *other)
        assert op.forward(FLOATS, *both) == pytest.approx(expected, rel=1e-12)


@ROWS
def test_the_derivative_of_the_antiderivative(op: Primitive) -> None:
    if op.antiderivative is None:
        return
    k, rule = op.antiderivative
    for literal in (-1.0, 0.0, 2.0, 3.0):
        x = [literal if j == op.literal else v for j, v in enumerate(somewhere(op))]
        high, low = ([v + h if j == k else v for j, v in enumerate(x)] for h in (1e-5, -1e-5))
        slope = (rule(FLOATS, *high) - rule(FLOATS, *low)) / 2e-5
        assert slope == pytest.approx(op.forward(FLOATS, *x), rel=1e-8)


def test_extrema_say_what_wins() -> None:
    for op in PRIMITIVES.values():
        assert bool(op.wins) == (op.arity[1] is None)
        if op.wins:
            better = (2.0, 1.0) if PRIMITIVES[op.wins].forward(FLOATS, 2.0, 1.0) else (1.0, 2.0)
            assert op.forward(FLOATS, 1.0, 2.0) == better[0]


@pytest.mark.parametrize(
    ("name", "operands", "expected"),
    [
        ("abs", (0.0,), (-1.0, 1.0, False)),
        ("abs", (1e-10,), None),
        ("abs", (-0.0,), (-1.0, 1.0, False)),
        ("max", (2.0, 2.0), (0.0, 1.0, False)),
        ("max", (2.0000000001, 2.0), None),
        ("max", (1.0, 1.0, 3.0), None),  # a tie below the largest
        ("floor", (3.0,), (0.0, 0.0, True)),
        ("floor", (1e15,), (0.0, 0.0, True)),
        ("floor", (3.5,), None),
        ("elu", (0.0, 1.0), None),  # the pieces meet smoothly
        ("elu", (0.0, 2.0), (2.0, 1.0, False)),
        ("leaky_relu", (0.0, 1e300), (1e300, 1.0, False)),  # steep, and no jump
        ("atan2", (0.0, -1.0), (-1.0, -1.0, True)),
        ("atan2", (0.0, 1.0), None),
        ("power_n", (0.0, 2.0), None),
    ],
)
def test_what_is_different_beside_operands(
    name: str, operands: tuple[float, ...], expected: tuple[float, float, bool] | None
) -> None:
    op = PRIMITIVES[name]
    found = sides(op, operands, (0,))
    assert (found and found[:3]) == expected
    assert by_convention(op, operands) == (expected is not None)


def test_operands_that_move_together() -> None:
    assert sides(PRIMITIVES["max"], (1.0, 1.0), (0, 1)) is None
    assert sides(PRIMITIVES["max"], (1.0, 1.0), (1,)) is not None


@pytest.mark.parametrize(
    ("name", "operands", "expected"),
    [
        ("power_n", (0.0, 0.0), True),
        ("power_n", (0.0, 2.0), False),
        ("power_n", (1.0, 0.0), False),
        ("power", (0.0, 2.0), True),
        ("power", (2.0, 2.0), False),
    ],
)
def test_conventions_without_a_kink(name: str, operands: tuple[float, ...], expected: bool) -> None:
    assert by_convention(PRIMITIVES[name], operands) == expected


def test_names_users_can_call() -> None:
    wanted = (
        "sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh exp expm1 log ln log1p log2 log10 "
        "sqrt cbrt abs sign floor ceil min max hypot relu leaky_relu elu gelu silu softplus sigmoid erf erfc "
        "gamma lgamma digamma polygamma where sec csc cot asec acsc acot sech csch coth log_base logit sinc "
        "sinc_n mod round clamp relu6 hard_tanh hard_sigmoid selu mish softsign pow power"
    )
    assert set(FUNCTIONS) == set(wanted.split())
    assert ALIASES == {"ln": "log", "pow": "power", "power": "power"}
    assert all(FUNCTIONS[alias] is PRIMITIVES[name] for alias, name in ALIASES.items())


# Conventions, literally

NAN = math.nan
THIRD = 1 / 3

KINKS: list[tuple[str, tuple[float, ...], float, tuple[float, ...]]] = [
    # primitive, operands, value, slopes; nan where none is asked for
    ("abs", (0.0,), 0.0, (0.0,)),  # the middle of [-1, 1]
    ("abs", (-0.0,), 0.0, (0.0,)),
    ("relu", (0.0,), 0.0, (0.0,)),  # as PyTorch and JAX: a dead unit stays dead
    ("relu", (-0.0,), 0.0, (0.0,)),
    ("leaky_relu", (0.0, 0.01), 0.0, (0.01, 0.0)),  # the slope below
    ("leaky_relu", (0.0, 0.3), 0.0, (0.3, 0.0)),
    ("elu", (0.0, 1.0), 0.0, (1.0, 0.0)),  # smooth for s = 1
    ("elu", (0.0, 0.5), 0.0, (0.5, 0.0)),  # the slope below
    ("sign", (0.0,), 0.0, (0.0,)),  # flat on both sides
    ("sign", (-3.0,), -1.0, (0.0,)),
    ("floor", (2.0,), 2.0, (0.0,)),
    ("floor", (-0.5,), -1.0, (0.0,)),
    ("ceil", (2.0,), 2.0, (0.0,)),
    ("ceil", (0.5,), 1.0, (0.0,)),
    ("max", (1.0, 1.0), 1.0, (0.5, 0.5)),  # ties share equally, so the shares add up to 1
    ("min", (1.0, 1.0), 1.0, (0.5, 0.5)),
    ("max", (1.0, 1.0, 1.0), 1.0, (THIRD, THIRD, THIRD)),
    ("max", (1.0, 2.0, 2.0), 2.0, (0.0, 0.5, 0.5)),
    ("min", (1.0, 2.0, 1.0, 1.0), 1.0, (THIRD, 0.0, THIRD, THIRD)),
    ("max", (0.0, -0.0), 0.0, (0.5, 0.5)),  # the two zeros are one number
    ("power_n", (0.0, 0.0), 1.0, (0.0, NAN)),  # x^0 is the constant 1
    ("power_n", (-3.0, 0.0), 1.0, (0.0, NAN)),
    ("power_n", (0.0, 1.0), 0.0, (1.0, NAN)),
    ("power_n", (0.0, 2.0), 0.0, (0.0, NAN)),
    ("power_n", (-2.0, 3.0), -8.0, (12.0, NAN)),
    ("power", (0.0, 2.0), 0.0, (0.0, 0.0)),  # 0^y stays 0 when y moves
    ("power", (0.0, 1.0), 0.0, (1.0, 0.0)),
    ("power", (0.0, 0.5), 0.0, (math.inf, 0.0)),
    ("power", (2.0, 0.0), 1.0, (0.0, math.log(2.0))),
    ("power", (-2.0, 3.0), -8.0, (12.0, NAN)),  # no slope in y: (-2)^3.1 is not real
    ("sqrt", (0.0,), 0.0, (math.inf,)),  # vertical: the sweep refuses it
    ("cbrt", (0.0,), 0.0, (math.inf,)),
    ("asin", (1.0,), math.pi / 2, (math.inf,)),
    ("acosh", (1.0,), 0.0, (math.inf,)),
    ("atan2", (0.0, -1.0), math.pi, (-1.0, 0.0)),  # the smooth angle; the jump is ignored
    ("atan2", (0.0, 1.0), 0.0, (1.0, 0.0)),
    ("where", (1.0, 2.0, 3.0), 2.0, (0.0, 1.0, 0.0)),
    ("where", (0.0, 2.0, 3.0), 3.0, (0.0, 0.0, 1.0)),
    ("less", (1.0, 1.0), 0.0, (0.0, 0.0)),
    ("less_equal", (1.0, 1.0), 1.0, (0.0, 0.0)),
    ("equal", (1.0, 1.0), 1.0, (0.0, 0.0)),
    ("not_equal", (1.0, 1.0), 0.0, (0.0, 0.0)),
    ("sinc", (0.0,), 1.0, (0.0,)),
    ("sinc_n", (2.0, 0.0), -THIRD, (NAN, 0.0)),
    ("acot", (0.0,), math.pi / 2, (-1.0,)),  # from 0 to pi: no jump
    ("acot", (-1.0,), 3 * math.pi / 4, (-0.5,)),
    ("asec", (-1.0,), math.pi, (math.inf,)),
    ("asec", (-2.0,), 2 * math.pi / 3, (0.28867513459481287,)),
    ("acsc", (-2.0,), -math.pi / 6, (-0.28867513459481287,)),
    ("log_base", (125.0, 5.0), 3.0, (NAN, NAN)),  # a power of the base has a whole logarithm
    ("log_base", (1000.0, 10.0), 3.0, (NAN, NAN)),
    ("log_base", (0.125, 2.0), -3.0, (NAN, NAN)),
    ("logit", (0.5,), 0.0, (4.0,)),
    ("mod", (-1.0, 3.0), 2.0, (1.0, 1.0)),  # floored: the sign of the divisor
    ("mod", (1.0, -3.0), -2.0, (1.0, 1.0)),
    ("mod", (2.0, 1.0), 0.0, (1.0, -2.0)),  # at the jump the slope of the pieces
    ("mod", (0.3, 0.1), 0.09999999999999998, (1.0, -2.0)),
    ("round", (0.5,), 0.0, (0.0,)),  # half to even
    ("round", (1.5,), 2.0, (0.0,)),
    ("round", (2.5,), 2.0, (0.0,)),
    ("round", (-1.5,), -2.0, (0.0,)),
    ("clamp", (0.0, 0.0, 1.0), 0.0, (1.0, 0.0, 0.0)),  # as PyTorch: both edges pass the slope on
    ("clamp", (1.0, 0.0, 1.0), 1.0, (1.0, 0.0, 0.0)),
    ("clamp", (-2.0, 0.0, 1.0), 0.0, (0.0, 1.0, 0.0)),
    ("clamp", (2.0, 0.0, 1.0), 1.0, (0.0, 0.0, 1.0)),
    ("relu6", (0.0,), 0.0, (0.0,)),  # as PyTorch
    ("relu6", (6.0,), 6.0, (0.0,)),
    ("hard_tanh", (-1.0,), -1.0, (0.0,)),
    ("hard_tanh", (0.25,), 0.25, (1.0,)),
    ("hard_sigmoid", (3.0,), 1.0, (0.0,)),
    ("hard_sigmoid", (0.0,), 0.5, (1 / 6,)),
    ("selu", (0.0,), 0.0, (1.7580993408473766,)),  # the slope below, as PyTorch
    ("softsign", (0.0,), 0.0, (1.0,)),
    ("hypot", (3e200, 4e200), 5e200, (0.6, 0.8)),  # the squares overflow
    ("hypot", (3e-200, 4e-200), 5e-200, (0.6, 0.8)),
    ("atan", (1e200,), math.pi / 2, (0.0,)),  # 1e-400 is 0 in float64, not an error
    ("divide", (0.0, -5.0), -0.0, (-0.2, -0.0)),
]

NO_VALUE: list[tuple[str, tuple[float, ...]]] = [
    ("divide", (1.0, 0.0)),
    ("divide", (0.0, 0.0)),
    ("power_n", (0.0, -1.0)),
    ("power_n", (-8.0, 1 / 3)),
    ("power", (0.0, 0.0)),  # by a variable exponent there is no 0^0
    ("power", (0.0, -1.0)),
    ("power", (-2.0, 0.5)),
    ("atan2", (0.0, 0.0)),
    ("log", (0.0,)),
    ("log", (-1.0,)),
    ("log1p", (-1.0,)),
    ("log2", (0.0,)),
    ("log10", (-2.0,)),
    ("sqrt", (-1e-300,)),
    ("asin", (1.0000000000000002,)),
    ("acos", (-1.0000000000000002,)),
    ("acosh", (0.9999999999999999,)),
    ("atanh", (1.0,)),
    ("gamma", (0.0,)),
    ("gamma", (-3.0,)),
    ("lgamma", (-1.0,)),
    ("digamma", (0.0,)),
    ("polygamma", (0.5, 1.0)),
    ("polygamma", (-1.0, 1.0)),
    ("polygamma", (1.0, 0.0)),
    ("csc", (0.0,)),
    ("cot", (0.0,)),
    ("csch", (0.0,)),
    ("coth", (0.0,)),
    ("asec", (0.9999999999999999,)),
    ("acsc", (0.0,)),
    ("log_base", (2.0, 1.0)),
    ("log_base", (2.0, -2.0)),
    ("log_base", (0.0, 2.0)),
    ("logit", (0.0,)),
    ("logit", (1.0,)),
    ("logit", (1.5,)),
    ("mod", (1.0, 0.0)),
    ("clamp", (0.5, 1.0, 0.0)),
    ("exp", (1000.0,)),
    ("sinh", (-1000.0,)),
    ("gamma", (171.7,)),
]


@pytest.mark.parametrize(("name", "point", "value", "wanted"), KINKS)
def test_conventions(name: str, point: tuple[float, ...], value: float, wanted: tuple[float, ...]) -> None:
    op = PRIMITIVES[name]
    found = op.forward(FLOATS, *point)
    assert found == pytest.approx(value, rel=EPS, abs=0.0)
    partials = op.partials(FLOATS, found, *point)
    for i, slope in enumerate(wanted):
        if not math.isnan(slope):
            assert partials[i] == pytest.approx(slope, rel=EPS, abs=0.0), i


@pytest.mark.parametrize(("name", "point", "value", "wanted"), KINKS)
def test_conventions_hold_in_sympy(
    name: str, point: tuple[float, ...], value: float, wanted: tuple[float, ...]
) -> None:
    op = PRIMITIVES[name]
    if (op.native and op.convention is None) or name in ("power", "power_n", "atan2"):
        pytest.skip("SymPy's own function: it has no convention of ours to carry")
    places = [sympy.Dummy(f"u{i}", real=True) for i in range(len(point))]
    twin = op.symbol(SP, *places)
    for i, slope in enumerate(wanted):
        if not math.isfinite(slope) or (name == "where" and i == 0):
            continue
        number = sympy.lambdify(places, twin.diff(places[i]), [LAMBDIFIED, "mpmath"])
        assert abs(number(*map(mpf, point)) - slope) <= 1e-14, i


@pytest.mark.parametrize(("name", "point"), NO_VALUE)
def test_no_value(name: str, point: tuple[float, ...]) -> None:
    assert not math.isfinite(PRIMITIVES[name].forward(FLOATS, *point))


def test_no_slope_in_a_literal_operand() -> None:
    assert math.isnan(slopes(PRIMITIVES["polygamma"], (1.0, 2.0))[0])
    assert math.isnan(slopes(PRIMITIVES["power"], (-2.0, 3.0))[1])


# First-class numbers

WIDE = tuple(
    s * x for x in (1e-12, 1e-3, 0.3, 1.0, 2.5, 7.0, 19.5, 20.5, 36.0, 45.0, 100.0, 350.0) for s in (1, -1)
)
NEAR_ONE = (*(s * (1.0 - d) for d in (0.9, 0.5, 1e-3, 1e-8, 2.0**-53) for s in (1, -1)), 1e-12)

FIRST_CLASS: dict[str, tuple[float, ...]] = {
    "sigmoid": WIDE,
    "softplus": (*WIDE, 750.0, -50.0),
    "tanh": WIDE,
    "atan": WIDE,
    "asinh": WIDE,
    "exp": WIDE,
    "expm1": WIDE,
    "sinh": WIDE,
    "cosh": WIDE,
    "sin": WIDE,
    "cos": WIDE,
    "tan": WIDE,
    "cbrt": WIDE,
    "silu": WIDE,
    "gelu": WIDE[:14],
    "erf": WIDE[:14],
    "erfc": WIDE[:16],
    "asin": NEAR_ONE,
    "acos": NEAR_ONE,
    "atanh": NEAR_ONE,
    "acosh": (1.0 + 2.0**-52, 1.0 + 1e-8, 1.001, 2.0, 350.0),
    "log": (1e-300, 1e-3, 0.999999, 1.000001, 350.0),
    "log2": (1e-300, 1e-3, 0.999, 3.0, 350.0),
    "log10": (1e-300, 1e-3, 0.999, 3.0, 350.0),
    "log1p": (*NEAR_ONE, 1e-300, 350.0),
    "sqrt": (1e-300, 0.3, 350.0),
    "sec": (1e-12, 0.3, 1.5, 1.5707963, 2.5, 100.0),
    "csc": (1e-150, 1e-9, 0.3, 1.5, 3.14159, 100.0),
    "cot": (1e-150, 1e-9, 0.3, 1.5, 100.0),
    "asec": (1.0 + 2.0**-52, 1.0 + 1e-8, 1.001, -1.5, 350.0, 1e150, -1e150),
    "acsc": (1.0 + 2.0**-52, 1.0 + 1e-8, 1.001, -1.5, 350.0, 1e150, -1e150),
    "acot": (*WIDE, 1e150, -1e150),
    "sech": (*WIDE, 700.0, -700.0),
    "csch": (*WIDE, 1e-150, 700.0, -700.0),
    "coth": (*WIDE, 1e-150),
    "logit": (1e-300, 1e-12, 0.1, 0.25, 0.49999999, 0.5000001, 0.75, 1 - 1e-9, 1 - 2.0**-53),
    "sinc": (1e-12, 1e-5, 1e-3, 0.0999, 0.1001, 1.0, 1.99, 2.01, 3.0, -0.5, 30.0),
    "softsign": (*WIDE, 1e150),
    "mish": (1e-12, 0.3, 2.5, 19.5, 36.0, 350.0, -20.0, -36.0, -100.0, -350.0),
    "gamma": (1e-3, 0.5, 1.46, 5.5, 100.5, -0.5, -20.3),
    "lgamma": (1e-3, 0.5, 4.5, 100.5, 350.0, -0.5),
    "digamma": (1e-3, 0.5, 1.0, 1.4616321449683622, 1.5, 2.0, 9.99, 10.01, 350.0, -0.5, -20.3),
}

# 1e-15 relative is 4.5 units in the last place. Where a row needs more, and why:
VALUE_BOUND: dict[str, float] = {
    # erfc(z) falls like exp(-z^2): half an ulp of z = x/sqrt(2) is up to 700 ulp of the value at x = -37
    "gelu": 4e-13,
}
SLOPE_BOUND: dict[str, float] = {
    # the product of a digamma and a gamma function, each with an error of its own
    "gamma": 2e-15,
    # the cube root of the C library is off by up to 1.7 ulp, and it is divided by twice
    "cbrt": 1.2e-15,
    "gelu": 4e-13,  # as its value
}


@pytest.mark.parametrize("name", list(FIRST_CLASS))
def test_values_to_1e_15(name: str) -> None:
    op = PRIMITIVES[name]
    for x in FIRST_CLASS[name]:
        wanted = exact(op, (x,))
        assert close(op.forward(FLOATS, x), wanted, VALUE_BOUND.get(name, 1e-15)), x


@pytest.mark.parametrize("name", list(FIRST_CLASS))
def test_slopes_to_1e_15(name: str) -> None:
    op = PRIMITIVES[name]
    for x in FIRST_CLASS[name]:
        with mp.workdps(400):
            wanted = exact_slope_closed(name, mpf(x))
        assert close(slopes(op, (x,))[0], wanted, SLOPE_BOUND.get(name, 1e-15)), x


def exact_slope_closed(name: str, x: Any) -> Any:
    """The derivative from a handbook: `mpmath.diff` cannot step over the edge of a domain."""
    normal = mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)
    table: dict[str, Callable[[], Any]] = {
        "sigmoid": lambda: mp.exp(-x) / (1 + mp.exp(-x)) ** 2,
        "softplus": lambda: 1 / (1 + mp.exp(-x)),
        "tanh": lambda: 1 / mp.cosh(x) ** 2,
        "atan": lambda: 1 / (1 + x * x),
        "asinh": lambda: 1 / mp.sqrt(1 + x * x),
        "exp": lambda: mp.exp(x),
        "expm1": lambda: mp.exp(x),
        "sinh": lambda: mp.cosh(x),
        "cosh": lambda: mp.sinh(x),
        "sin": lambda: mp.cos(x),
        "cos": lambda: -mp.sin(x),
        "tan": lambda: 1 / mp.cos(x) ** 2,
        "cbrt": lambda: 1 / (3 * mp.root(abs(x), 3) ** 2),
        "silu": lambda: (1 + mp.exp(-x) * (1 + x)) / (1 + mp.exp(-x)) ** 2,
        "gelu": lambda: mp.ncdf(x) + x * normal,
        "erf": lambda: 2 * mp.exp(-x * x) / mp.sqrt(mp.pi),
        "erfc": lambda: -2 * mp.exp(-x * x) / mp.sqrt(mp.pi),
        "asin": lambda: 1 / mp.sqrt(1 - x * x),
        "acos": lambda: -1 / mp.sqrt(1 - x * x),
        "atanh": lambda: 1 / (1 - x * x),
        "acosh": lambda: 1 / mp.sqrt(x * x - 1),
        "log": lambda: 1 / x,
        "log2": lambda: 1 / (x * mp.ln(2)),
        "log10": lambda: 1 / (x * mp.ln(10)),
        "log1p": lambda: 1 / (1 + x),
        "sqrt": lambda: 1 / (2 * mp.sqrt(x)),
        "sec": lambda: mp.sin(x) / mp.cos(x) ** 2,
        "csc": lambda: -mp.cos(x) / mp.sin(x) ** 2,
        "cot": lambda: -1 / mp.sin(x) ** 2,
        "asec": lambda: 1 / (abs(x) * mp.sqrt(x * x - 1)),
        "acsc": lambda: -1 / (abs(x) * mp.sqrt(x * x - 1)),
        "acot": lambda: -1 / (1 + x * x),
        "sech": lambda: -mp.sinh(x) / mp.cosh(x) ** 2,
        "csch": lambda: -mp.cosh(x) / mp.sinh(x) ** 2,
        "coth": lambda: -1 / mp.sinh(x) ** 2,
        "logit": lambda: 1 / (x * (1 - x)),
        "sinc": lambda: (x * mp.cos(x) - mp.sin(x)) / x**2,
        "softsign": lambda: 1 / (1 + abs(x)) ** 2,
        "mish": lambda: (
            mp.tanh(mp.ln(1 + mp.exp(x))) + x / (1 + mp.exp(-x)) / mp.cosh(mp.ln(1 + mp.exp(x))) ** 2
        ),
        "gamma": lambda: mp.gamma(x) * mp.psi(0, x),
        "lgamma": lambda: mp.psi(0, x),
        "digamma": lambda: mp.psi(1, x),
    }
    return table[name]()


@pytest.mark.parametrize("a", [3.0, -2e-8, 1e150])
@pytest.mark.parametrize("b", [7.0, -1e-8, 3e150])
def test_two_operands_to_1e_15(a: float, b: float) -> None:
    x, y = mpf(a), mpf(b)
    with mp.workdps(DIGITS):
        square = x * x + y * y
        table = {
            "divide": (x / y, 1 / y, -x / y**2),
            "hypot": (mp.sqrt(square), x / mp.sqrt(square), y / mp.sqrt(square)),
            "atan2": (mp.arg(mp.mpc(y, x)), y / square, -x / square),
        }
        for name, (value, *wanted) in table.items():
            op = PRIMITIVES[name]
            assert close(op.forward(FLOATS, a, b), value, 1e-15)
            for found, slope in zip(slopes(op, (a, b)), wanted, strict=True):
                assert close(found, slope, 1e-15), name


@pytest.mark.parametrize("n", [-7, -2, -1, 2, 3, 10, 41])
@pytest.mark.parametrize("x", [1.1, -1.1, 0.037, -350.0])
def test_whole_powers_never_go_through_log(x: float, n: int) -> None:
    op = PRIMITIVES["power_n"]
    assert close(op.forward(FLOATS, x, float(n)), mpf(x) ** n, 1e-15)
    assert close(slopes(op, (x, float(n)))[0], n * mpf(x) ** (n - 1), 1e-15)


@pytest.mark.parametrize(
    ("name", "x", "slope"),
    [
        ("sigmoid", 36.0, 2.319522830243568e-16),
        ("sigmoid", 45.0, 2.8625185805493937e-20),
        ("tanh", 19.5, 4.6192896692063144e-17),
    ],
)
def test_slopes_that_others_lose(name: str, x: float, slope: float) -> None:
    assert close(slopes(PRIMITIVES[name], (x,))[0], mpf(slope), 1e-15)
    assert close(slopes(PRIMITIVES[name], (-x,))[0], mpf(slope), 1e-15)


@pytest.mark.parametrize("n", ["1e6", "1e300"])
def test_polygamma_of_a_large_order_ends(n: str) -> None:
    """It overflows; the series must not be summed to find out."""
    code = f"from backprop_cli.ops.special import polygamma; print(polygamma({n}, 2.5))"
    subprocess.run([sys.executable, "-c", code], timeout=5, check=True, cwd=ROOT, capture_output=True)


def test_complex_slopes_at_plain_points() -> None:
    """At 0, 1, -1 smooth rows have no kink to blame: the imaginary part is the slope there too."""
    xp = complexes()
    smooth = [op for op in PRIMITIVES.values() if op.kinks is None and len(op.params) == 1]
    wrong = []
    for op, x in product(smooth, (0.0, 1.0, -1.0, 2.0, 0.5)):
        value = op.forward(FLOATS, x)
        slope = op.partials(FLOATS, value, x)[0] if math.isfinite(value) else math.nan
        if math.isfinite(slope) and not (op.name == "lgamma" and x < 0.0):
            y = op.forward(xp, complex(x, 1e-20))
            if abs(y.imag / 1e-20 - slope) > 1e-14 * abs(slope):
                wrong.append((op.name, x, y.imag / 1e-20, slope))
    assert wrong == []


@pytest.mark.parametrize("x", [1.0001, 0.999, 1.999, 2.1])
def test_log_gamma_near_its_zeros_is_within_the_rows_error_bound(x: float) -> None:
    op = PRIMITIVES["lgamma"]
    assert close(op.forward(FLOATS, x), exact(op, (x,)), op.ulp * EPS)


@pytest.mark.parametrize("x", [1e10, 1e5, 350.0])
def test_complex_log1p_keeps_its_real_part(x: float) -> None:
    """What comes after log1p is differentiated at this value."""
    assert complexes().log1p(complex(x, 1e-20 * x)).real == pytest.approx(math.log1p(x), rel=1e-15)


ERF_POINTS = np.concatenate(
    [
        np.linspace(-6.5, 6.5, 1501),
        np.linspace(6.5, 28.5, 401),
        np.logspace(-320, 0, 161),
        # where one approximation ends and the next begins
        *([x, -x, np.nextafter(x, 0.0), -np.nextafter(x, 0.0)] for x in (0.5, 0.65625, 1.25, 1.0 / 0.35)),
        [0.0, -0.0, 30.0, 1e300, -1e300],
    ]
)


@pytest.mark.parametrize(("name", "most"), [("erf", 1.0), ("erfc", 2.0)])
def test_error_functions_over_arrays_to_2_ulp(name: str, most: float) -> None:
    with np.errstate(all="raise", under="ignore"):
        found = getattr(arrays(), name)(ERF_POINTS)
    for x, y in zip(ERF_POINTS, found, strict=True):
        wanted = getattr(mp, name)(mpf(max(-40.0, min(40.0, float(x)))))
        assert abs(mpf(float(y)) - wanted) <= most * mpf(math.ulp(float(wanted))), x


@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_error_functions_take_any_array(name: str) -> None:
    function = getattr(arrays(), name)
    x = np.linspace(-7.0, 7.0, 20_000).reshape(100, 200)
    wanted = function(x)
    assert np.array_equal(function(x.T), wanted.T)
    single = np.empty(x.shape, np.float32)
    assert np.array_equal(function(x, out=single), wanted.astype(np.float32))
    turned = np.empty((200, 100)).T
    assert np.array_equal(function(x, turned), wanted)
    assert function(x, x) is x  # in place
    assert np.array_equal(x, wanted)
    assert isinstance(function(np.float64(0.5)), np.float64)
    limits = {"erf": [1.0, -1.0, math.nan], "erfc": [0.0, 2.0, math.nan]}[name]
    with np.errstate(all="raise", under="ignore"):
        assert np.array_equal(function(np.array([math.inf, -math.inf, math.nan])), limits, equal_nan=True)


@pytest.mark.parametrize(
    ("text", "x", "slope"),
    [
        ("erf(x)", 300_000.0, 0.0),
        ("erfc(x)", -300_001.0, 0.0),
        ("gelu(x)", 400_003.0, 1.0),
        ("gelu(x)", -400_003.0, 0.0),
        ("erf(x)", 1.7e308, 0.0),
        ("digamma(x)", 1e160, 1e-160),
        ("digamma(x)", 1e200, 1e-200),
        ("polygamma(1, x)", 1e150, -1e-300),
        ("log10(x)", 1.7e308, 2.554673422960305e-309),
    ],
)
def test_slopes_far_out(text: str, x: float, slope: float) -> None:
    graph = lower(parse(text))
    assert Point.at(graph, {"x": x}).gradient(["x"])["x"] == pytest.approx(slope, rel=1e-13, abs=0.0)


@pytest.mark.parametrize("name", ["erf(x)", "erfc(x)", "gelu(x)", "log2(x)", "log10(x)"])
def test_constants_of_rules_have_all_digits(name: str) -> None:
    """The slope by the rules to 100 digits is that of mpmath's own differentiation of the value."""
    graph, xp = lower(parse(name)), multiprecision()
    with mp.workdps(100):
        at = mpf("1.375")

        def value(x: Any) -> Any:
            leaves = {id: mpf(v) for id, v in graph.constant_values().items()} | {graph.inputs["x"]: x}
            return run_graph(graph, leaves, xp)

        active = graph.depends_on([graph.inputs["x"]])
        ours = sweep(graph, value(at), active, xp, mpf(1), [mpf(0)] * len(graph))[graph.inputs["x"]]
        assert abs(ours - mp.diff(lambda x: value(x)[graph.output], at)) < mpf(10) ** -45


@pytest.mark.parametrize("count", [20, 300, 400])
def test_gamma_functions_in_many_digits(count: int) -> None:
    draw = random.Random(count)
    for _ in range(12):
        size = 10.0 ** draw.uniform(-25, 2)
        x = draw.choice([size, -size, 1 + size, 2 - size, draw.uniform(-6, 6), 3.0])
        n = draw.choice([0, 1, 2, 7])
        with mp.workdps(count):
            found = [special.exact_gamma(x), special.exact_lgamma(x), special.exact_polygamma(n, x)]
        with mp.workdps(count + 60):
            gamma = mp.gamma(x)
            true = [gamma, mp.log(abs(gamma)), mp.polygamma(n, x)]
            for a, b in zip(found, true, strict=True):
                assert abs(a - b) <= mpf(10) ** (3 - count) * abs(b), (x, n)


@pytest.mark.parametrize("text", ["exp(x)", "sin(x)", "gamma(x)", "2^x", "csch(x)", "sigmoid(-x)", "erfc(x)"])
def test_numbers_far_beyond_floats_take_no_time(text: str) -> None:
    graph = lower(parse(text))
    begin = time.process_time()
    with mp.workdps(800):
        run_exactly(graph, {"x": mpf(10) ** 10**7})
    assert time.process_time() - begin < 2.0


def test_the_angle_of_minus_0_is_that_of_0() -> None:
    for xp in (FLOATS, arrays(), multiprecision()):
        assert float(PRIMITIVES["atan2"].forward(xp, -0.0, -1.0)) == math.pi


def test_lgamma_has_its_digits_between_negative_poles() -> None:
    """It is 0 twice between two of them, where the library's has an error of one, not of the number."""
    draw = random.Random(3)
    with mp.workdps(60):
        for x in (-2.7200181080121713, *(draw.uniform(-6.0, 0.0) for _ in range(200))):
            exact = mp.log(abs(mp.gamma(mp.mpf(x))))
            assert abs(special.lgamma(x) - exact) <= 24 * math.ulp(float(exact)), x
