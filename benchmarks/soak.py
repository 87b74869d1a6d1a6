"""A soak for silent untruths: random programs at special points, judged by an oracle of its own.

    python benchmarks/soak.py [--seconds 60] [--programs 1000] [--seed 0] [--symbolic 10]

Programs are made of every primitive of the registry, at points where something is special: 0, 1 and -1, ties,
edges of domains, removable singularities, 1e300 and 1e-300, boundaries of branches, ``==`` and ``!=``. The
oracle knows no rule, no convention and no rounding of the package: it computes the program's value in
hundreds of digits with functions of this file, and takes for a slope what difference quotients tend to, on
each side for itself, as the distance falls from 1e-20 to 1e-80.

Prints every find with the seed and the command that bring it back, a table of counts, and exits 1 when there
is one. What a kink's convention says is by design, and counted apart, like branches that rounding decides.
Where gmpy2 is installed, mpmath computes with it, three times as fast.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import json
import math
import random
import re
import shlex
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from harness import print_table, setting, shown
from mpmath import mp, mpf
from mpmath.libmp import from_rational, gammazeta

from backprop_cli.cli.main import main as command_line
from backprop_cli.differentiation.higher import higher
from backprop_cli.differentiation.report import GradientReport, differentiate
from backprop_cli.differentiation.symbolic.process import SymbolicProcess
from backprop_cli.engine.run import leaf_values, run
from backprop_cli.errors import BackpropError, NoSuchNumber
from backprop_cli.graph import CONSTANT, STEP, Graph
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.ops import FUNCTIONS, PRIMITIVES

LIMIT = 60
"""Seconds for one program."""

DISTANCES = (20, 40, 80)
"""Decimals of the distances of quotients."""

DIGITS = 300
"""Of the oracle's arithmetic; `EXTREME` more where numbers as small or large as 1e-300 take part."""

EXTREME = 1300

WHERE = -1
"""Stands among decisions for the branches taken."""

CLOSER = 320
"""By how many decimals less a node is moved where quotients do not settle beside extreme numbers."""

UNDERFLOW = mpf("1e-290")
"""What is smaller may have gone through numbers too small for a float."""

RESOLVED = mpf("1e-100")
"""Part of the value below which second quotients do not tell a number from 0."""

KEPT = 1e-3
"""Relative error up to which a number may be off without a word."""


# --- the oracle: functions ----------------------------------------------------------------------


class NoValue(Exception):
    """The program has no value there."""


class Unclear(Exception):
    """The oracle does not know."""


class Faint(Exception):
    """A change is below the digits, and may be one all the same."""


@cache
def _bernoulli_fractions() -> list[tuple[int, int]]:
    """Return the Bernoulli numbers of even index up to 2,000, from the tangent numbers.

    Source: Brent and Harvey, Fast computation of Bernoulli, tangent and secant numbers (2013), section 6.
    """
    tangent = [1]
    for k in range(1, 1000):
        tangent.append(k * tangent[-1])
    for k in range(1, 1000):
        for j in range(k, 1000):
            tangent[j] = (j - k) * tangent[j - 1] + (j - k + 2) * tangent[j]
    numbers = [(1, 1)]
    for k, t in enumerate(tangent, 1):
        numbers.append(((-1) ** (k - 1) * 2 * k * t, 4**k * (4**k - 1)))
    return numbers


@cache
def _bernoulli(n: int, precision: int, rounding: str | None = None) -> Any:
    """Stand in for mpmath's own, which works out each number anew: nine tenths of the time of digamma."""
    if n % 2 or n >= 2000:
        return mpmaths_own(n, precision, rounding)
    return from_rational(*_bernoulli_fractions()[n // 2], precision, rounding or "f")


mpmaths_own = gammazeta.mpf_bernoulli


def _need(condition: Any) -> None:
    if not condition:
        raise NoValue


def _exp(x: Any) -> Any:
    if x > 100_000:
        raise Unclear
    if x < -(mpf(10) ** 400):
        raise Unclear
    return mp.exp(x)


def _power(a: Any, b: Any) -> Any:
    if a == 0:
        _need(b > 0)
        return mpf(0)
    _need(a > 0 or mp.isint(b))
    if abs(b * mp.log(abs(a))) > 100_000:
        return _exp(b * mp.log(abs(a)))
    return a**b


def _log(x: Any) -> Any:
    _need(x > 0)
    return mp.log(x)


def _divide(a: Any, b: Any) -> Any:
    _need(b != 0)
    if abs(b) < mpf(10) ** (60 - mp.dps):  # sin(pi)
        raise Unclear
    return a / b


def _sqrt(x: Any) -> Any:
    _need(x >= 0)
    return mp.sqrt(x)


def _inside(function: Callable[[Any], Any], low: Any, high: Any, edges: bool = True) -> Callable[[Any], Any]:
    def defined(x: Any) -> Any:
        _need(low <= x <= high and (edges or low < x < high))
        return function(x)

    return defined


def _angle(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def near(x: Any) -> Any:
        if abs(x) > mpf(10) ** 1000:
            raise Unclear
        return function(x)

    return near


def _gamma_family(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def defined(x: Any) -> Any:
        _need(x > 0 or not mp.isint(x))
        if x < -1000 or (0 < abs(x) < mpf(10) ** -200):
            raise Unclear
        return function(x)

    return defined


def _small_gamma(x: Any) -> Any:
    if x > 10_000:
        raise Unclear
    return mp.gamma(x)


def _polygamma(n: Any, x: Any) -> Any:
    _need(mp.isint(n) and 0 <= n <= 1000)
    return _gamma_family(lambda x: mp.polygamma(int(n), x))(x)


def _erfc(x: Any) -> Any:
    if abs(x) <= 1000:
        return mp.erfc(x)
    tail = _exp(-x * x) / (abs(x) * mp.sqrt(mp.pi)) * (1 - 1 / (2 * x * x))
    return tail if x > 0 else 2 - tail


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + _exp(-x)) if x > -100_000 else _exp(x)


def _softplus(x: Any) -> Any:
    return x if x > 100_000 else mp.log1p(_exp(x))


def _atan2(b: Any, a: Any) -> Any:
    _need(a != 0 or b != 0)
    return mp.atan2(b, a)


def _log_base(x: Any, b: Any) -> Any:
    return _divide(_log(x), _log(b))


def _sinc_n(n: Any, x: Any) -> Any:
    """Return the n-th derivative of ``sinc``: the integral of ``t^n*cos(x*t + n*pi/2)`` over 0 <= t <= 1."""
    _need(mp.isint(n) and 0 <= n <= 1000)
    if abs(x) > 1:
        value = _angle(mp.sin)(x) / x
        for k in range(1, int(n) + 1):
            value = ((mp.sin, mp.cos, lambda x: -mp.sin(x), lambda x: -mp.cos(x))[k % 4](x) - k * value) / x
        return value
    odd = int(n) % 2
    series = mp.hyp1f2((n + 1 + odd) / 2, mpf(1) / 2 + odd, (n + 3 + odd) / 2, -x * x / 4)
    return (-1) ** ((int(n) + odd) // 2) * x**odd * series / (n + 1 + odd)


def _round(x: Any) -> Any:
    below = mp.floor(x)
    half = x - below - mpf(1) / 2
    return below if half < 0 or (half == 0 and mp.isint(below / 2)) else below + 1


def _clamp(x: Any, low: Any, high: Any) -> Any:
    _need(low <= high)
    return low if x < low else high if x > high else x


def _tanh(x: Any) -> Any:
    return mp.sign(x) if abs(x) > 100_000 else mp.tanh(x)


SELU = ("1.0507009873554805", "1.6732632423543772")
DEFINED: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": _divide,
    "negative": lambda a: -a,
    "power": _power,
    "power_n": lambda a, n: mpf(1) if n == 0 else _power(a, n),
    "identity": lambda a: a,
    "sin": _angle(mp.sin),
    "cos": _angle(mp.cos),
    "tan": _angle(mp.tan),
    "sec": _angle(lambda x: _divide(mpf(1), mp.cos(x))),
    "csc": _angle(lambda x: _divide(mpf(1), mp.sin(x))),
    "cot": _angle(lambda x: _divide(mp.cos(x), mp.sin(x))),
    "asin": _inside(mp.asin, -1, 1),
    "acos": _inside(mp.acos, -1, 1),
    "atan": mp.atan,
    "asec": lambda x: _inside(mp.acos, -1, 1)(_divide(mpf(1), x)),
    "acsc": lambda x: _inside(mp.asin, -1, 1)(_divide(mpf(1), x)),
    "acot": lambda x: mp.pi / 2 - mp.atan(x),
    "atan2": _atan2,
    "sinh": lambda x: (_exp(x) - _exp(-x)) / 2,
    "cosh": lambda x: (_exp(x) + _exp(-x)) / 2,
    "tanh": _tanh,
    "sech": lambda x: 2 * _exp(-abs(x)) / (1 + _exp(-2 * abs(x))),
    "csch": lambda x: _divide(2 * mp.sign(x) * _exp(-abs(x)), -mp.expm1(-2 * min(abs(x), mpf(100_000)))),
    "coth": lambda x: _divide(mpf(1), _tanh(x)),
    "asinh": mp.asinh,
    "acosh": _inside(mp.acosh, 1, mp.inf),
    "atanh": _inside(mp.atanh, -1, 1, edges=False),
    "exp": _exp,
    "expm1": lambda x: _exp(x) - 1,
    "log": _log,
    "log1p": lambda x: _log(1 + x),
    "log2": lambda x: _log(x) / mp.log(2),
    "log10": lambda x: _log(x) / mp.log(10),
    "log_base": _log_base,
    "logit": lambda x: _log(_divide(x, 1 - x)),
    "sqrt": _sqrt,
    "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    "hypot": lambda a, b: mp.sqrt(a * a + b * b),
    "abs": abs,
    "sign": mp.sign,
    "floor": mp.floor,
    "ceil": mp.ceil,
    "round": _round,
    "mod": lambda x, n: x - n * mp.floor(_divide(x, n)),
    "clamp": _clamp,
    "min": min,
    "max": max,
    "relu": lambda x: x if x > 0 else mpf(0),
    "relu6": lambda x: _clamp(x, mpf(0), mpf(6)),
    "hard_sigmoid": lambda x: _clamp(x / 6 + mpf(1) / 2, mpf(0), mpf(1)),
    "hard_tanh": lambda x: _clamp(x, mpf(-1), mpf(1)),
    "leaky_relu": lambda x, s: x if x > 0 else s * x,
    "elu": lambda x, s: x if x > 0 else s * (_exp(x) - 1),
    "selu": lambda x: mpf(SELU[0]) * (x if x > 0 else mpf(SELU[1]) * (_exp(x) - 1)),
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + abs(x)),
    "silu": lambda x: x * _sigmoid(x),
    "mish": lambda x: x * _tanh(_softplus(x)),
    "gelu": lambda x: x * _erfc(-x / mp.sqrt(2)) / 2,
    "erf": lambda x: 1 - _erfc(x) if abs(x) > 1000 else mp.erf(x),
    "erfc": _erfc,
    "gamma": _gamma_family(_small_gamma),
    "lgamma": _gamma_family(lambda x: mp.loggamma(x) if x > 0 else mp.log(abs(mp.gamma(x)))),
    "digamma": _gamma_family(mp.digamma),
    "polygamma": _polygamma,
    "sinc": lambda x: _angle(mp.sin)(x) / x if x else mpf(1),
    "sinc_n": _sinc_n,
    "less": lambda a, b: mpf(a < b),
    "less_equal": lambda a, b: mpf(a <= b),
    "greater": lambda a, b: mpf(a > b),
    "greater_equal": lambda a, b: mpf(a >= b),
    "equal": lambda a, b: mpf(a == b),
    "not_equal": lambda a, b: mpf(a != b),
}
"""What every primitive is; ``where`` is `Exact`'s own."""


def _sign(x: Any) -> int:
    return (x > 0) - (x < 0)


def _order(*xs: Any) -> tuple[int, ...]:
    return tuple(_sign(a - b) for i, a in enumerate(xs) for b in xs[:i])


def _whole(x: Any) -> tuple[int, bool]:
    return int(mp.floor(x)), mp.floor(x) == x


_AT_ZERO = ("abs", "sign", "relu", "leaky_relu", "elu", "selu", "softsign")
_COMPARISONS = ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")
DECISIONS: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(_AT_ZERO, lambda x, *_: _sign(x)),
    **dict.fromkeys((*_COMPARISONS, "min", "max"), _order),
    **dict.fromkeys(("floor", "ceil"), _whole),
    "round": lambda x: _whole(x + mpf(1) / 2),
    "mod": lambda x, n: _whole(x / n),
    "clamp": lambda x, low, high: (_sign(x - low), _sign(x - high)),
    "relu6": lambda x: (_sign(x), _sign(x - 6)),
    "hard_sigmoid": lambda x: (_sign(x - 3), _sign(x + 3)),
    "hard_tanh": lambda x: (_sign(x - 1), _sign(x + 1)),
    "atan2": lambda b, a: (_sign(b), _sign(a)),
    "power": lambda a, b: (_sign(a), bool(mp.isint(b))),
    "power_n": lambda a, n: (_sign(a) if not mp.isint(n) else 0, bool(mp.isint(n))),
}
"""What a primitive with pieces decides."""


# --- the oracle: programs -----------------------------------------------------------------------


class Exact:
    """A program in many digits, at a point or beside it.

    Args:
        graph: The program.
        point: A number for every input.
        decimal: Literals stand for their decimals, as in formulas, not for floats: 0.1, 1e300.
    """

    def __init__(self, graph: Graph, point: Mapping[str, Any], decimal: bool = False) -> None:
        self.graph = graph
        self.decimal = decimal
        numbers = {id: point[name] for name, id in graph.inputs.items()}
        self.constants = {n.id: n.value for n in graph.nodes if n.op is None and n.id not in numbers}
        sizes = [abs(x) for x in (*numbers.values(), *self.constants.values()) if x]
        self.extreme = any(not 1e-20 < x < 1e20 for x in sizes)
        self.numbers = numbers

    def leaf(self, id: int) -> Any:
        """Return the number of a leaf; among decimals an input that equals a literal is that literal."""
        x = self.numbers.get(id)
        if x is None:
            return self.literal(id)
        equal = [k for k, literal in self.constants.items() if self.decimal and abs(x) == abs(literal)]
        return mp.sign(x) * abs(self.literal(equal[0])) if equal else mpf(x)

    def literal(self, id: int) -> Any:
        """Return what a literal stands for."""
        x, label = self.constants[id], self.graph.nodes[id].label
        named = {"pi": mp.pi, "π": mp.pi, "tau": 2 * mp.pi, "e": mp.e}.get(label or "")
        return +named if named is not None else mpf(repr(x) if self.decimal else x)

    @property
    def digits(self) -> int:
        """Of the arithmetic."""
        return DIGITS + EXTREME * self.extreme

    def widen(self) -> None:
        """Note where a value on the way is extreme, though no number of the program is."""
        with mp.workdps(self.digits), contextlib.suppress(NoValue, Unclear):
            sizes = map(abs, self.run({}).values())
            self.extreme = self.extreme or any(x and not 1e-20 < x < 1e20 for x in sizes)

    def run(self, force: Mapping[int, Any]) -> dict[int, Any]:
        """Return the values that the output needs, as some nodes are forced."""
        nodes = self.graph.nodes
        values: dict[int, Any] = dict(force)

        def value(id: int) -> Any:
            if id in values:
                return values[id]
            node = nodes[id]
            if node.op is None:
                found = self.leaf(id)
            elif node.op.name == "where":
                found = value(node.inputs[1 if value(node.inputs[0]) else 2])
            else:
                found = DEFINED[node.op.name](*(value(i) for i in node.inputs))
            if not isinstance(found, mpf) or not mp.isfinite(found):
                found = mpf(found)
                _need(mp.isfinite(found))
            values[id] = found
            return found

        value(self.graph.output)
        return values

    def decisions(self, values: Mapping[int, Any]) -> dict[int, Any]:
        """Return what every primitive with pieces decides."""
        found = {}
        for id in values:
            op = self.graph.nodes[id].op
            if (
                op is not None
                and op.name in DECISIONS
                and all(i in values for i in self.graph.nodes[id].inputs)
            ):
                found[id] = DECISIONS[op.name](*(values[i] for i in self.graph.nodes[id].inputs))
        return found

    def branches(self, values: Mapping[int, Any]) -> dict[int, int]:
        """Return the step that every ``where`` comes to, through choices among choices."""
        found: dict[int, int] = {}
        for id in sorted(values):
            op, inputs = self.graph.nodes[id].op, self.graph.nodes[id].inputs
            if op is not None and op.name == "where" and inputs[0] in values:
                taken = inputs[1 if values[inputs[0]] else 2]
                found[id] = found.get(taken, taken)
        return found

    def beside(self, here: Mapping[int, Any], id: int, t: Any) -> tuple[Any, dict[int, Any]]:
        """Return the output and the decisions where one node is moved by ``t``."""
        moved = self.run({id: here[id] + t})
        return moved[self.graph.output], self.decisions(moved) | {WHERE: self.branches(moved)}

    def rest(self, here: Mapping[int, Any]) -> Any:
        """Return what the arithmetic may leave of a change that is none."""
        size = abs(here[self.graph.output]) or max(map(abs, here.values()))
        return mpf(10) ** -(self.digits - 40) * size

    def noise(self, here: Mapping[int, Any]) -> Any:
        """Return what it may leave where numbers on the way are larger than the output: `log(exp(x))`."""
        return self.rest(here) + mpf(10) ** -(self.digits - 10) * max(map(abs, here.values()))

    def distances(self, here: Mapping[int, Any], id: int, closer: int = 0) -> list[Any]:
        """Return how far a node is moved, by so many decimals less where it is to be seen closer."""
        size = abs(here[id])
        if 0 < size < mpf(10) ** (100 - self.digits):  # exp(-1e300): is it 0 to its users?
            raise Unclear
        if not self.extreme:
            size, shift = size or mpf(1), 0
        else:
            shift = 0 if 0 < size < mpf("1e-20") else 320
            size = size if 0 < size < mpf("1e-20") else max(size, mpf(1))
        return [size * mpf(10) ** -(d + shift + closer) for d in DISTANCES]


class Side(NamedTuple):
    """What quotients on one side tend to: a number, infinite, or None where there is no value."""

    limit: Any
    decisions: dict[int, Any]


def _settled(exact: Exact, quotients: Callable[[int], Iterator[Any]]) -> Any:
    """Return what quotients tend to; what has no end, or none in sight, may have one closer by: sin(1/x)."""
    try:
        found = _tends(quotients(0))
    except Unclear:
        if not exact.extreme:
            raise
        found = None
    if found is None or (exact.extreme and mp.isinf(found)):
        with contextlib.suppress(Unclear):
            return _tends(quotients(CLOSER))
    if found is None:
        raise Unclear
    return found


def _tends(quotients: Iterator[Any]) -> Any:
    """Return what quotients tend to as the distance falls; raises `Unclear` where that is open."""
    first = next(quotients)
    second = next(quotients)
    if abs(first - second) <= mpf("1e-12") * abs(second):
        return second
    third = next(quotients)
    if abs(second - third) <= mpf("1e-12") * abs(third):
        return third
    if abs(third) < abs(second) / 3 < abs(first) / 9:
        return mpf(0)
    if abs(third) > 1.5 * abs(second) > 2.25 * abs(first) and abs(third) > UNDERFLOW:
        return mp.inf * mp.sign(third)
    raise Unclear


class Slope(NamedTuple):
    """The slope in one node.

    Attributes:
        left: What quotients from below tend to.
        right: The same from above.
        kinked: A primitive with pieces goes over to another one here.
        bent: One that is no condition does.
        apart: A condition holds at the point alone, and so a branch is taken there that is on neither side.
    """

    left: Side
    right: Side
    kinked: bool
    bent: bool
    apart: bool

    @property
    def number(self) -> Any:
        """The derivative, from one side at the edge of a domain; None where there is none."""
        left, right = self.left.limit, self.right.limit
        if left is None or right is None:
            left = right = right if left is None else left
        if left is None or mp.isinf(left) or mp.isinf(right):
            return None
        same = abs(left - right) <= mpf("1e-9") * max(abs(left), abs(right)) + UNDERFLOW
        return right if same else None

    @property
    def both(self) -> bool:
        """Whether there is a derivative from both sides."""
        return None not in (self.left.limit, self.right.limit) and self.number is not None


def slope_of(exact: Exact, here: Mapping[int, Any], id: int) -> Slope:
    """Return what the oracle knows of one slope.

    Raises:
        Unclear: where it knows nothing.
    """
    try:
        return _slope_of(exact, here, id)
    except Faint:
        wide = copy.copy(exact)
        wide.extreme = True
        with mp.workdps(wide.digits):
            return _slope_of(wide, wide.run({}), id)


def _slope_of(exact: Exact, here: Mapping[int, Any], id: int) -> Slope:
    own, f0, output = exact.decisions(here), here[exact.graph.output], exact.graph.output
    if id not in here:
        nothing = Side(mpf(0), {})
        return Slope(nothing, nothing, False, False, False)
    sides = []
    for way in (-1, 1):
        decided: dict[int, Any] = {}

        def quotients(closer: int, way: int = way, decided: dict[int, Any] = decided) -> Iterator[Any]:
            for t in exact.distances(here, id, closer):
                if id == output:
                    yield mpf(1)
                    continue
                f, found = exact.beside(here, id, way * t)
                if not closer:  # what goes over so near counts as going over here
                    decided.clear()
                    decided.update(found)
                gone = abs(f - f0) <= exact.rest(here)
                if gone and f != f0 and not exact.extreme:
                    raise Faint
                if gone and f != f0 and closer:
                    raise Unclear
                yield mpf(0) if gone else (f - f0) / (way * t)

        try:
            sides.append(Side(_settled(exact, quotients), decided))
        except NoValue:
            sides.append(Side(None, decided))
    nodes = exact.graph.nodes
    taken = [side.decisions.pop(WHERE, {}) for side in sides]
    lone = any(all(side.get(k) != end for side in taken) for k, end in exact.branches(here).items())
    kinks = {k for side in sides for k, x in own.items() if side.decisions.get(k, x) != x}
    bent = any(not nodes[k].primitive.truth for k in kinks)

    def truth(id: int, decision: Any) -> Any:
        return decision and DEFINED[nodes[id].primitive.name](mpf(0), mpf(decision[0]))

    conditions = {k: x for k, x in own.items() if nodes[k].primitive.truth}
    changes = [
        {k for k, x in conditions.items() if k in s.decisions and truth(k, s.decisions[k]) != truth(k, x)}
        for s in sides
    ]
    found = Slope(sides[0], sides[1], bool(kinks), bent, lone and all(changes))
    # two conditions, each of them on a side: without a slope, kinks of their own
    return found if found.number is not None or changes[0] & changes[1] else found._replace(apart=False)


def curvature_of(exact: Exact, here: Mapping[int, Any], id: int) -> Any:
    """Return the second derivative from both sides; None where there is none."""
    output = exact.graph.output
    found = []
    for way in (-1, 1):

        def quotients(closer: int, way: int = way) -> Iterator[Any]:
            for t in exact.distances(here, id, closer):
                f1, f2 = (exact.beside(here, id, way * k * t)[0] for k in (1, 2))
                change = f2 - 2 * f1 + here[output]
                gone = abs(change) <= exact.rest(here)
                if change and (closer or not gone) and abs(change) <= exact.noise(here):
                    raise Unclear
                yield mpf(0) if gone else change / t**2

        found.append(_settled(exact, quotients))
    left, right = found
    same = not mp.isinf(left) and abs(left - right) <= mpf("1e-9") * max(abs(left), abs(right))
    return right if same else None


def decimals(point: Mapping[str, float]) -> dict[str, Any]:
    """Return a point in numbers as they are written; what is whole is itself."""
    return {name: mpf(x if x.is_integer() else repr(x)) for name, x in point.items()}


def fits_decimals(number: Any, graph: Graph, point: Mapping[str, float], id: int) -> bool:
    """Whether a slope is that where literals stand for decimals, and the point may, too."""
    for at in (point, decimals(point)):
        exact = Exact(graph, at, decimal=True)
        exact.widen()
        with mp.workdps(exact.digits), contextlib.suppress(NoValue, Unclear):
            slope = slope_of(exact, exact.run({}), id).number
            if slope is not None and fits(number, slope):
                return True
    return False


def fits(number: Any, exact: Any) -> bool:
    """Whether a number that is printed without a word is near enough."""
    off = abs(mpf(number) - exact)
    return bool(off <= KEPT * abs(exact) or off <= UNDERFLOW)


# --- programs -----------------------------------------------------------------------------------

Tree = Any
"""A leaf's text, or a name and its operands."""

SPECIAL = (
    0.0,
    0.0,
    0.0,
    1.0,
    -1.0,
    1.0,
    -1.0,
    2.0,
    -2.0,
    0.5,
    -0.5,
    3.0,
    4.0,
    1e-8,
    1e8,
    1e300,
    -1e300,
    1e-300,
    -1e-300,
)
CONSTANTS = (
    "0",
    "1",
    "2",
    "3",
    "0.5",
    "0.25",
    "1.5",
    "10",
    "pi",
    "e",
    "1e300",
    "1e-300",
    "log(2)",
    "sqrt(3)",
    "exp(-1)",
    "(1 - 1)",
)
LIMITS = (
    ("sin(u)", "u"), ("1 - cos(u)", "u"), ("1 - cos(u)", "u^2"), ("exp(u) - 1", "u"), ("u^2 - 1", "u - 1"),
    ("log(1 + u)", "u"), ("tan(u)", "u"), ("log(u)", "u - 1"), ("expm1(u)", "u"), ("u", "exp(u) - 1"),
    ("sqrt(1 + u) - 1", "u"), ("u*abs(u)", "u"), ("u^3 - u", "u"), ("atan(u)", "u"), ("sin(u) - u", "u^3"),
)  # fmt: skip
COMPARE = ("==", "!=", "<", "<=", ">", ">=")
CALLED = sorted({row.name for row in FUNCTIONS.values()} - {"where"})


def random_tree(draw: random.Random, size: int) -> Tree:
    """Return a program of about so many operations."""
    if size <= 0:
        return draw.choice(("x", "x", "x", "y")) if draw.random() < 0.72 else draw.choice(CONSTANTS)

    def operand(most: int = size - 1) -> Tree:
        return random_tree(draw, draw.randint(0, max(most, 0)))

    kind = draw.random()
    if kind < 0.3:
        return (draw.choice("+-*/*-"), operand(), operand())
    if kind < 0.45:
        exponents = ("2", "3", "4", "5", "-1", "-2", "0.5", "1.5", "(1/3)", "(2/3)", "0", "1", "(-1/2)")
        return ("^", operand(), draw.choice(exponents) if draw.random() < 0.8 else operand(1))
    if kind < 0.57:
        side = operand(1)
        return (
            "where",
            draw.choice(COMPARE),
            side,
            draw.choice((*CONSTANTS[:6], "x", "y")),
            operand(),
            operand(),
        )
    if kind < 0.63:
        above, below = draw.choice(LIMITS)
        at, branch = draw.choice(("0", "1", "0", "-1", "0.5")), draw.choice(("0", "1", "0.5", "x"))
        whole = f"(({above})/({below}))".replace("u", draw.choice(("x", "x", "(x + y)", "(2*x)")))
        return ("where", draw.choice(("==", "==", "!=")), "x", at, *draw.sample((branch, whole), 2))
    if kind < 0.72:
        again = operand(size // 2)
        return (draw.choice("+-*/"), again, again)
    name = draw.choice(CALLED)
    least, most = PRIMITIVES[name].arity
    count = draw.randint(least, least + 1 if most is None else most)
    operands = [operand() for _ in range(count)]
    if PRIMITIVES[name].literal is not None:
        operands[PRIMITIVES[name].literal] = draw.choice("0123")
    return (name, *operands)


def text_of(tree: Tree) -> str:
    """Write a program."""
    if isinstance(tree, str):
        return tree
    name, *operands = tree
    if name == "where":
        sign, *rest = operands
        a, b, c, d = map(text_of, rest)
        return f"where({a} {sign} {b}, {c}, {d})"
    texts = [text_of(o) for o in operands]
    if name in ("+", "-", "*", "/", "^"):
        return f"({texts[0]} {name} {texts[1]})"
    return f"{name}({', '.join(texts)})"


def program_of(tree: Tree, named: bool) -> str:
    """Write a program, with its first operand as a named step where that is asked for."""
    if (
        named
        and not isinstance(tree, str)
        and len(tree) == 3
        and tree[0] != "where"
        and not isinstance(tree[1], str)
    ):
        step, other = tree[1], tree[2]
        return f"s = {text_of(step)}; {text_of((tree[0], 's', 's' if other == step else other))}"
    return text_of(tree)


class Case(NamedTuple):
    """A program and its point."""

    tree: Tree
    named: bool
    point: dict[str, float]

    @property
    def text(self) -> str:
        """The program."""
        return program_of(self.tree, self.named)

    @property
    def command(self) -> str:
        """What brings it back."""
        words = [f"{n}={x!r}" for n, x in self.point.items() if n in self.text]
        return shlex.join(["backprop", "grad", self.text, *words])


def random_case(seed: int) -> Case:
    """Return the case of a seed."""
    draw = random.Random(f"soak {seed}")
    tree = random_tree(draw, draw.randint(1, 7))
    point = {n: draw.choice(SPECIAL) if draw.random() < 0.85 else draw.uniform(-3.0, 3.0) for n in "xy"}
    if draw.random() < 0.2:
        point["y"] = point["x"]
    return Case(tree, draw.random() < 0.2, point)


NO_NUMBER = re.compile(r"(?<![\w.(])(nan|inf|NaN|Infinity)(?!\w)")
CLAIMS = ("0", "1", "2x", "log(x)", "1/x", "3.5")


def command_lines(text: str, point: Mapping[str, float], draw: random.Random) -> Iterator[list[str]]:
    """Yield a line for every command that works with a program."""
    at = [f"{name}={x!r}" for name, x in point.items()]
    name, *others = point

    def printed(*formats: str) -> list[str]:
        return ["--format", draw.choice(("json", "json", *formats))]

    methods = [
        w for m in draw.sample(("reverse", "finite", "forward", "complex-step"), 2) for w in ("--method", m)
    ]
    orders = ["--method", "reverse", "--order", draw.choice("223"), "--wrt", name]
    yield ["grad", text, *at, *methods, *printed("csv", "table", "value", "latex", "markdown")]
    yield ["grad", text, *at, *orders, *printed("csv", "table", "value")]
    yield ["eval", text, *at, *printed("csv", "table")]
    yield ["explain", text, *at, *printed("table", "markdown", "latex")]
    yield ["graph", text, *at, *printed("text", "dot", "svg")]
    yield ["limit", text, *at, "--wrt", name, *printed("table", "csv")]
    yield ["descend", text, *at, "--steps", "10", *printed("table", "csv")]
    yield [
        "plot",
        text,
        f"{name}=-3:3",
        *(f"{n}={point[n]!r}" for n in others),
        *printed("csv", "svg", "table"),
    ]
    yield ["check", text, *at, "--gradcheck", *printed("table")]
    yield ["check", text, *at, "--claim", f"{name}={draw.choice(CLAIMS)}", *printed("csv", "markdown")]
    yield ["export", text, *at, "--to", draw.choice(("python", "c", "numpy", "latex"))]


# --- judgement ----------------------------------------------------------------------------------


class TooSlow(BaseException):
    """One program has taken longer than `LIMIT`."""


class Judge:
    """Runs the package on a case and holds it to the oracle.

    Args:
        symbolic: Every how many-th case SymPy takes part in.
    """

    def __init__(self, symbolic: int) -> None:
        self.process = SymbolicProcess(fork=True) if symbolic else None
        self.symbolic = symbolic
        self.jobs = 0
        self.counts: Counter[str] = Counter()

    def __call__(self, case: Case, seed: int) -> dict[str, str]:
        """Return the finds: kind to what is wrong."""
        found: dict[str, str] = {}
        try:
            graph = lower(parse(case.text), case.point)
        except BackpropError:
            self.counts["not a program"] += 1
            return found
        point = {n: case.point.get(n, graph.defaults.get(n, 0.0)) for n in graph.inputs}
        if not point:
            self.counts["constant"] += 1
            return found
        exact = Exact(graph, point)
        exact.widen()
        with mp.workdps(exact.digits):
            try:
                self.judge(graph, point, exact, seed, found)
            except TooSlow:
                raise
            except Exception as error:
                import traceback

                found["crash"] = f"{type(error).__name__}: {error} {traceback.format_exc(limit=-2)}"
        return found

    def judge(
        self, graph: Graph, point: dict[str, float], exact: Exact, seed: int, found: dict[str, str]
    ) -> None:
        """Fill in the finds."""
        report = refusal = None
        try:
            report = differentiate(graph, point, methods=("reverse",))
        except NoSuchNumber as error:
            refusal = error
        try:
            here = exact.run({})
            slopes = {k: slope_of(exact, here, k) for k in graph.inputs.values()}
            for k in [n.id for n in graph.nodes if n.kind == STEP and n.id in here and not n.primitive.truth][
                :2
            ]:
                with contextlib.suppress(Unclear):
                    slopes[k] = slope_of(exact, here, k)
        except NoValue:
            if report is None:
                self.counts["refused, rightly"] += 1
            elif self.rounded(graph, point, exact, None):
                self.counts["rounding decides"] += 1
            else:
                found["a value that is none"] = f"{report.value!r}"
            return
        except Unclear:
            self.counts["the oracle does not know"] += 1
            return
        if report is None:
            reachable = all(slopes[k].both for k in graph.inputs.values())
            if not reachable:
                self.counts["refused, rightly"] += 1
            elif self.rounded(graph, point, exact, here) or self.off_range(exact, here):
                self.counts["refused, beyond floats"] += 1
            else:
                found["false refusal"] = f"{refusal}; " + ", ".join(
                    f"d/d{n} = {mp.nstr(slopes[k].number, 6)}" for n, k in graph.inputs.items()
                )
            return
        self.counts["answered"] += 1
        self.silent(report, here, slopes, found)
        if found and self.rounded(graph, point, exact, here):
            found.clear()
            self.counts["rounding decides"] += 1
            return
        symbolic = self.symbolic and seed % self.symbolic == 0
        self.witnesses(graph, point, exact, here, slopes, bool(symbolic), found)
        if len(graph.inputs) == 1 and seed % 3 == 0:
            self.second(graph, point, exact, here, slopes, found)
        if seed % 7 == 0:
            self.rows(graph, point, report, found)
        if seed % 20 == 0:
            lines = list(command_lines(graph.source.text, point, random.Random(seed)))
            self.commands(lines[seed // 20 % len(lines)], found)
        if found and self.rounded(graph, point, exact, here):
            found.clear()
            self.counts["rounding decides"] += 1

    def silent(
        self,
        report: GradientReport,
        here: Mapping[int, Any],
        slopes: Mapping[int, Slope],
        found: dict[str, str],
    ) -> None:
        """Hold reverse mode's numbers, as ``--format value`` prints them."""
        graph = report.graph
        output = here[graph.output]
        if report.value is None or not math.isfinite(report.value):
            found["not finite"] = f"value {report.value}"
        elif not fits(report.value, output) and not any("of the value" in w for w in report.warnings):
            meant = Exact(graph, decimals(report.inputs or {}), decimal=True)
            if fits(report.value, meant.run({})[graph.output]):
                return
            found["wrong and silent: value"] = f"{report.value!r}, truly {mp.nstr(output, 17)}"
        for name, number in report.gradient.items():
            slope = slopes[graph.inputs[name]]
            warned = any(w.endswith(f"the slope in {name}") for w in report.warnings)
            if number is None or not math.isfinite(number):
                found["not finite"] = f"d/d{name} = {number}"
                continue
            exact = slope.number
            if exact is not None and fits(number, exact):
                if warned and abs(mpf(number) - exact) <= 1e-14 * abs(exact):
                    self.counts["warned of cancellation, and exact"] += 1
                continue
            if slope.kinked and (not slope.apart or (exact is None and slope.bent)):
                self.counts["a convention at a kink"] += 1
            elif not warned and not fits_decimals(number, graph, report.inputs or {}, graph.inputs[name]):
                sides = ", ".join(
                    "none" if s.limit is None else mp.nstr(s.limit, 8) for s in (slope.left, slope.right)
                )
                found["wrong and silent: slope"] = f"d/d{name} = {number!r}, truly {sides}"
            else:
                self.counts["wrong, with a warning"] += 1

    def witnesses(
        self,
        graph: Graph,
        point: dict[str, float],
        exact: Exact,
        here: Mapping[int, Any],
        slopes: Mapping[int, Slope],
        symbolic: bool,
        found: dict[str, str],
    ) -> None:
        """Hold the verdicts of several methods."""
        methods = ("symbolic", "reverse", "finite") if symbolic else ("reverse", "finite")
        if symbolic:
            self.refresh()
        report = differentiate(graph, point, methods=methods, process=self.process, inline=True)
        for k, slope in slopes.items():
            verdict, name = report.verdicts[k].verdict, graph.name(k)
            number, _ = report.standing(k)
            truth = slope.number
            right = number is not None and truth is not None and fits(number, truth)
            if number is not None and truth is not None and not right:
                right = fits_decimals(number, graph, point, k)
            self.counts[f"verdict {verdict}"] += 1
            said = f"{name}: {number!r}, " + ", ".join(
                "none" if s.limit is None else mp.nstr(s.limit, 8) for s in (slope.left, slope.right)
            )
            if verdict == "disagree" and right and slope.both:
                others = {m: c[k] for m, c in report.columns.items()}
                found["false disagree"] = f"{said} {others} {report.verdicts[k].reason}"
            elif verdict == "agree" and not right and not any(name in w for w in report.warnings):
                found["false agree"] = said
            elif verdict in ("kink", "jump") and right and slope.both and not slope.kinked:
                found[f"false {verdict}"] = f"{said} {report.verdicts[k]}"
            derived = report.columns["symbolic"][k] if "symbolic" in report.columns else None
            if None not in (derived, truth) and not slope.kinked and not fits(derived, truth):
                if fits_decimals(derived, graph, point, k):
                    continue
                found["symbolic number"] = f"{name}: {derived!r}, truly {mp.nstr(truth, 12)}"
            formula = report.formulas[k] if report.formulas else None
            if formula is not None and k in graph.inputs.values():
                self.formula(graph, exact, here, k, formula, report.columns["symbolic"][k], slope, found)

    def refresh(self) -> None:
        """Start a new SymPy now and then: it keeps all it has seen."""
        self.jobs += 1
        if self.jobs % 300 == 0 and self.process is not None:
            self.process.close()
            self.process = SymbolicProcess(fork=True)

    def formula(
        self,
        graph: Graph,
        exact: Exact,
        here: Mapping[int, Any],
        id: int,
        formula: str,
        number: float | None,
        slope: Slope,
        found: dict[str, str],
    ) -> None:
        """Read a formula back and compute it here and elsewhere."""
        self.counts["formulas read back"] += 1
        names = list(graph.inputs)
        try:
            back = lower(parse(formula), names)
        except BackpropError as error:
            if "dL/" not in formula and f"d{graph.own_name(graph.output)}/" not in formula:
                found["formula unreadable"] = f"{formula}: {error}"
            return
        draw = random.Random(formula)
        points = [{n: float(here[i]) if i in here else 0.0 for n, i in graph.inputs.items()}]
        points += [{n: draw.uniform(0.1, 2.0) * draw.choice((1, 1, -1)) for n in names} for _ in range(3)]
        for position, at in enumerate(points):
            try:
                value = Exact(back, at, decimal=True).run({})[back.output]
            except (NoValue, Unclear):
                continue
            if position == 0:
                if number is not None and not fits(number, value) and not slope.kinked:
                    found["formula"] = (
                        f"d/d{graph.name(id)} = {formula} is {mp.nstr(value, 12)}, the column {number!r}"
                    )
                continue
            other = Exact(graph, at, decimal=True)
            try:
                with mp.workdps(other.digits):
                    there = slope_of(other, other.run({}), id)
            except (NoValue, Unclear):
                continue
            if there.number is not None and not there.kinked and not fits(value, there.number):
                found["formula"] = (
                    f"d/d{graph.name(id)} = {formula} at {at} is {mp.nstr(value, 12)}, "
                    f"truly {mp.nstr(there.number, 12)}"
                )

    def second(
        self,
        graph: Graph,
        point: dict[str, float],
        exact: Exact,
        here: Mapping[int, Any],
        slopes: Mapping[int, Slope],
        found: dict[str, str],
    ) -> None:
        """Hold the second derivative of a program of one input."""
        (id,) = graph.inputs.values()
        if not slopes[id].both or id not in here:
            return
        try:
            truth = curvature_of(exact, here, id)
        except (NoValue, Unclear):
            return
        self.counts["second derivatives"] += 1
        try:
            report = higher(graph, point, order=2, methods=("reverse",))
        except NoSuchNumber as error:
            reachable = truth is not None and abs(truth) < mpf("1e300") and not slopes[id].kinked
            if reachable and not self.off_range(exact, here):
                found["second derivative refused"] = f"{error}; truly {mp.nstr(truth, 8)}"
            return
        number = report.rows[1].settled
        if number is not None and abs(number) <= RESOLVED * abs(here[exact.graph.output]):
            number = 0.0 if truth == 0 else number
        if number is None or not math.isfinite(number):
            found["not finite"] = f"second derivative {number}"
        elif truth is None or not fits(number, truth):
            if slopes[id].kinked and not slopes[id].apart:
                self.counts["a convention at a kink"] += 1
            elif report.warnings:
                self.counts["wrong, with a warning"] += 1
            else:
                found["wrong and silent: second derivative"] = (
                    f"{number!r}, truly {truth and mp.nstr(truth, 12)}"
                )

    def rows(
        self, graph: Graph, point: dict[str, float], report: GradientReport, found: dict[str, str]
    ) -> None:
        """Hold many points, in arrays, to the point alone."""
        import numpy as np

        from backprop_cli.differentiation.points import ByPlan
        from backprop_cli.tables.block import Block

        self.counts["points in arrays"] += 1
        names = list(graph.inputs)
        block = Block({n: np.array([point[n], 0.75, point[n]]) for n in names}, 3, 0)
        answers = ByPlan(graph, names, {}, names)(block)
        for row in (0, 2):
            for name, number in (("value", report.value), *((f"d/d{n}", report.gradient[n]) for n in names)):
                cell = answers.columns[name][row]
                assert number is not None
                if row in answers.errors or not math.isclose(cell, number, rel_tol=1e-6, abs_tol=1e-300):
                    if report.warnings or row in answers.spoilt:
                        continue
                    found["points differ"] = f"{name}: {cell!r}, alone {number!r} {answers.errors}"

    def commands(self, words: list[str], found: dict[str, str]) -> None:
        """Hold a command line: a status that means something, strict JSON, no nan nor inf for a number."""
        self.counts["command lines"] += 1
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = command_line(words)
        out.seek(0)
        printed, line = out.read(), shlex.join(["backprop", *words])
        if status not in (0, 1, 2, 3):
            found["status"] = f"{status}: {line}: {err.getvalue()[:200]}"
        if "json" in words and printed:
            try:
                json.loads(printed, parse_constant=float)
            except ValueError as error:
                found["not JSON"] = f"{line}: {error}"
        # export's targets have words of their own for them
        bad = NO_NUMBER.search(err.getvalue() if words[0] == "export" else printed + err.getvalue())
        if bad is not None:
            found["not finite"] = f"{bad.group()}: {line}"

    def rounded(
        self, graph: Graph, point: Mapping[str, float], exact: Exact, here: Mapping[int, Any] | None
    ) -> bool:
        """Whether rounding decides, at a boundary: the program's own, or that of 0.1 to a float."""
        if here is None:
            return True
        own = exact.decisions(here)
        values = run(graph, leaf_values(graph, point))
        needed = {k: mpf(x) for k, x in enumerate(values) if k in here and math.isfinite(x)}
        meant_for = Exact(graph, decimals(point), decimal=True)
        try:
            for k in here:
                node = graph.nodes[k]
                if node.op is not None and node.op.name != "where" and all(i in needed for i in node.inputs):
                    DEFINED[node.op.name](*(needed[i] for i in node.inputs))
            meant = meant_for.decisions(meant_for.run({}))
        except NoValue:
            return True
        except Unclear:
            meant = own
        floats = exact.decisions(needed)
        return any(floats.get(k) != x or meant.get(k) != x for k, x in own.items())

    def off_range(self, exact: Exact, here: Mapping[int, Any]) -> bool:
        """Whether a value, or a slope on the way, is too large or too small for a float."""
        numbers = [x for k, x in here.items() if exact.graph.nodes[k].op is not None]
        for k in here:
            if exact.graph.nodes[k].kind != CONSTANT:
                with contextlib.suppress(Unclear, NoValue):
                    slope = slope_of(exact, here, k)
                    numbers += [s.limit for s in (slope.left, slope.right) if s.limit is not None]
        return any(x and not mpf("1e-290") < abs(x) < mpf("1e300") for x in numbers if not mp.isinf(x))


def smaller(case: Case) -> Iterator[Case]:
    """Yield simpler cases."""

    def shrunk(tree: Tree) -> Iterator[Tree]:
        if isinstance(tree, str):
            if tree not in ("x", "1", "2", "0"):
                yield from ("1", "2")
            return
        name, *operands = tree
        first = 1 if name == "where" else 0
        yield from (o for o in operands[first:] if o != tree)
        for k in range(first, len(operands)):
            for less in shrunk(operands[k]):
                yield (name, *operands[:k], less, *operands[k + 1 :])
        if not all(isinstance(o, str) for o in operands):
            yield from ("x",)

    if case.named:
        yield case._replace(named=False)
    for tree in shrunk(case.tree):
        yield case._replace(tree=tree)
    for name, x in case.point.items():
        for simple in (0.0, 1.0, 2.0):
            if x not in (0.0, 1.0, 2.0):
                yield case._replace(point={**case.point, name: simple})


def minimal(judge: Judge, case: Case, seed: int, kind: str) -> Case:
    """Return the simplest case found with a find of the same kind."""
    counts, judge.counts = judge.counts, Counter()
    end = time.monotonic() + 20.0
    simpler = True
    while simpler and time.monotonic() < end:
        simpler = False
        for other in smaller(case):
            if kind in judge(other, seed):
                case, simpler = other, True
                break
            if time.monotonic() > end:
                break
    judge.counts = counts
    return case


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Break off what takes too long; needs Unix."""

    def too_slow(*_: object) -> None:
        raise TooSlow

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    signal.signal(signal.SIGALRM, too_slow)
    signal.alarm(LIMIT)
    try:
        yield
    finally:
        signal.alarm(0)


def main() -> None:
    """Soak, print what is found, exit 1 when something is."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--programs", type=int, default=0, help="so many instead of so long")
    options.add_argument("--seed", type=int, default=0, help="of the first program; each has its own")
    options.add_argument(
        "--symbolic", type=int, default=10, help="SymPy takes part in one of so many; 0: in none"
    )
    options.add_argument("--shown", type=int, default=10, help="finds of each kind to print")
    options.add_argument("--minimal", action="store_true", help="look for the simplest case of each find")
    given = options.parse_args()
    gammazeta.mpf_bernoulli = _bernoulli
    judge, finds, begin, seed = Judge(given.symbolic), Counter[str](), time.monotonic(), given.seed

    def goes_on() -> bool:
        if given.programs:
            return bool(seed < given.seed + given.programs)
        return time.monotonic() - begin < given.seconds

    while goes_on():
        case = random_case(seed)
        try:
            with limited():
                found = judge(case, seed)
        except TooSlow:
            found = {"too slow": f"longer than {LIMIT} s"}
        for kind, what in found.items():
            finds[kind] += 1
            if finds[kind] <= given.shown:
                simplest = minimal(judge, case, seed, kind) if given.minimal and kind != "too slow" else case
                if simplest is not case:
                    what = judge(simplest, seed).get(kind, what)
                print(f"{kind}: --seed {seed} --programs 1\n    {simplest.command}\n    {what}", flush=True)
        seed += 1
    count = seed - given.seed
    title = f"{count:,} programs in {shown(time.monotonic() - begin)}, {setting()}"
    print_table(title, ["what came of them", "count"], sorted(judge.counts.items()))
    print_table("Finds", ["kind", "count"], [[k, n] for k, n in finds.most_common()] or [["none", 0]])
    sys.exit(1 if finds else 0)


if __name__ == "__main__":
    main()
