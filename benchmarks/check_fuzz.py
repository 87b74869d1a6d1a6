"""A soak of `check`: claims about random programs, judged again by an oracle of its own.

    python benchmarks/check_fuzz.py [--seconds 60] [--seed 0] [--kinds right,wrong]

Programs are random trees of this file, written out in the language and never read back by the parser.
A true derivative is the limit of central quotients with 140 digits: it knows no rule. Formulas come from
SymPy, or from a differentiator of this file whose rules can be broken one at a time; every formula is held
to the quotient before it is claimed. Nothing of `backprop_cli` is used but its command line.

right    numbers and formulas that are right, in many forms: none may be called wrong
wrong    every mistake of a list, made here: none may be called right; the table says how often `check`
         names the mistake that was made
near     right numbers with a small change: none may be right without saying to how many digits
general  formulas with no values bound, right ones and wrong ones
follows  a wrong step and what is right given it
steps    the numbers of a training step of two layers
hostile  claims and files that are no good: a status of 0 to 4, no traceback, an answer in time, strict output

Each case depends on its seed alone. Prints what breaks this with the seed that brings it back, and exits 1.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import itertools
import json
import math
import operator
import os
import random
import re
import signal
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from typing import Any, NamedTuple

import mpmath
import numpy as np
import sympy
from harness import print_table, setting, shown
from mpmath import mp, mpf

from backprop_cli.cli.main import main as command_line

LIMIT = 60  # seconds for one run of the command
DIGITS = 140  # of the quotients, h = 1e-30: some 60 digits are right
STEP = mpf(10) ** -30
mp.dps = DIGITS


# --- trees --------------------------------------------------------------------------------------


class Tree:
    """An operation on trees; two occurrences of a name are two objects, so that one can be singled out."""

    __slots__ = ("args", "op", "value")

    def __init__(self, op: str, *args: Tree, value: Any = None) -> None:
        self.op, self.args, self.value = op, args, value

    def __add__(self, other: Tree) -> Tree:
        return other if is_number(self, 0) else self if is_number(other, 0) else Tree("+", self, other)

    def __sub__(self, other: Tree) -> Tree:
        return self if is_number(other, 0) else -other if is_number(self, 0) else Tree("-", self, other)

    def __mul__(self, other: Tree) -> Tree:
        if is_number(self, 0) or is_number(other, 0):
            return number(0)
        return other if is_number(self, 1) else self if is_number(other, 1) else Tree("*", self, other)

    def __truediv__(self, other: Tree) -> Tree:
        return self if is_number(self, 0) or is_number(other, 1) else Tree("/", self, other)

    def __pow__(self, other: Tree) -> Tree:
        return self if is_number(other, 1) else Tree("^", self, other)

    def __neg__(self) -> Tree:
        return number(-self.value) if self.op == "number" else Tree("negative", self)


def number(value: int | Fraction) -> Tree:
    return Tree("number", value=Fraction(value))


def name(text: str) -> Tree:
    return Tree("name", value=text)


def call(function: str, *args: Tree) -> Tree:
    return Tree(function, *args)


def is_number(tree: Tree, value: int) -> bool:
    return tree.op == "number" and tree.value == value


def walk(tree: Tree) -> Iterator[Tree]:
    yield tree
    for arg in tree.args:
        yield from walk(arg)


PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "negative": 3, "^": 4}


def written(tree: Tree, at_least: int = 0) -> str:
    """Return the tree in the language, with a bracket where one could be needed."""
    if tree.op == "number":
        value = tree.value
        if value.denominator == 1:
            text, mine = str(value.numerator), 5 if value >= 0 else 3
        elif (short := decimal(value)) is not None and value >= 0:
            text, mine = str(short), 5
        else:
            text, mine = f"{value.numerator}/{value.denominator}", 2
        return text if mine >= at_least else f"({text})"
    if tree.op in ("name", "pi"):
        return str(tree.value or tree.op)
    if tree.op in PRECEDENCE:
        mine = PRECEDENCE[tree.op]
        if tree.op == "negative":
            text = "-" + written(tree.args[0], mine + 1)
        else:
            left, right = tree.args
            text = f"{written(left, mine + (tree.op == '^'))} {tree.op} {written(right, mine + 1)}"
            text = text.replace(" ^ ", "^") if tree.op == "^" else text
        return text if mine >= at_least else f"({text})"
    if tree.op == "where":
        a, b, yes, no = map(written, tree.args)
        return f"where({a} > {b}, {yes}, {no})"
    return f"{tree.op}({', '.join(map(written, tree.args))})"


def decimal(value: Fraction) -> Decimal | None:
    """Return a fraction as a short decimal, None where it has none."""
    found = Decimal(value.numerator) / Decimal(value.denominator)
    return found if Fraction(found) == value and len(found.as_tuple().digits) < 7 else None


# --- functions: the value by mpmath, the textbook's rule as a tree -------------------------------


class OutOfDomain(Exception):
    """There is no number here, or one too near to where there is none or where the slope jumps."""


def above(x: Any, limit: float) -> Any:
    if not x > limit:
        raise OutOfDomain
    return x


def between(x: Any, low: float, high: float) -> Any:
    if not low < x < high:
        raise OutOfDomain
    return x


def off(x: Any, edge: float = 0.02) -> Any:
    if abs(x) < edge:
        raise OutOfDomain
    return x


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def _apart(numbers: Sequence[Any]) -> Sequence[Any]:
    ordered = sorted(numbers)
    for low, high in itertools.pairwise(ordered):
        off(high - low)
    return numbers


def _pole(x: Any) -> Any:
    return between(x, 0.1, 12)


VALUES: dict[str, Callable[..., Any]] = {
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": lambda x: mp.sin(x) / off(mp.cos(x), 0.1),
    "asin": lambda x: mp.asin(between(x, -0.98, 0.98)),
    "acos": lambda x: mp.acos(between(x, -0.98, 0.98)),
    "atan": mp.atan,
    "atan2": lambda b, a: mp.atan2(b, above(a, 0.05)),
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "asinh": mp.asinh,
    "acosh": lambda x: mp.acosh(above(x, 1.05)),
    "atanh": lambda x: mp.atanh(between(x, -0.98, 0.98)),
    "exp": mp.exp,
    "expm1": mp.expm1,
    "log": lambda x: mp.log(above(x, 0.05)),
    "ln": lambda x: mp.log(above(x, 0.05)),
    "log1p": lambda x: mp.log1p(above(x, -0.95)),
    "log2": lambda x: mp.log(above(x, 0.05)) / mp.log(2),
    "log10": lambda x: mp.log(above(x, 0.05)) / mp.log(10),
    "sqrt": lambda x: mp.sqrt(above(x, 0.05)),
    "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(off(x))),
    "hypot": lambda a, b: mp.sqrt(off(a * a + b * b)),
    "abs": lambda x: abs(off(x)),
    "sign": lambda x: mp.sign(off(x)),
    "min": lambda *x: min(_apart(x)),
    "max": lambda *x: max(_apart(x)),
    "relu": lambda x: max(off(x), mpf(0)),
    "leaky_relu": lambda x: off(x) if x > 0 else x / 100,
    "elu": lambda x: off(x) if x > 0 else mp.expm1(x),
    "gelu": lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2,
    "silu": lambda x: x * _sigmoid(x),
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "sigmoid": _sigmoid,
    "erf": mp.erf,
    "erfc": mp.erfc,
    "gamma": lambda x: mp.gamma(_pole(x)),
    "lgamma": lambda x: mp.loggamma(_pole(x)),
    "digamma": lambda x: mp.digamma(_pole(x)),
    "polygamma": lambda n, x: mp.psi(int(n), _pole(x)),
    "where": lambda a, b, yes, no: yes if off(a - b) > 0 else no,
}

ONE, TWO, HALF = number(1), number(2), number(Fraction(1, 2))
PI = Tree("pi")


def _slope(function: str, x: Tree) -> Tree:
    """Return the derivative of a function of one operand, as a textbook has it."""
    y = call(function, x)
    square = x**TWO
    rules: dict[str, Callable[[], Tree]] = {
        "sin": lambda: call("cos", x),
        "cos": lambda: -call("sin", x),
        "tan": lambda: ONE / call("cos", x) ** TWO,
        "asin": lambda: ONE / call("sqrt", ONE - square),
        "acos": lambda: -(ONE / call("sqrt", ONE - square)),
        "atan": lambda: ONE / (ONE + square),
        "sinh": lambda: call("cosh", x),
        "cosh": lambda: call("sinh", x),
        "tanh": lambda: ONE - y**TWO,
        "asinh": lambda: ONE / call("sqrt", square + ONE),
        "acosh": lambda: ONE / (call("sqrt", x - ONE) * call("sqrt", x + ONE)),
        "atanh": lambda: ONE / (ONE - square),
        "exp": lambda: y,
        "expm1": lambda: call("exp", x),
        "log": lambda: ONE / x,
        "ln": lambda: ONE / x,
        "log1p": lambda: ONE / (ONE + x),
        "log2": lambda: ONE / (x * call("log", TWO)),
        "log10": lambda: ONE / (x * call("log", number(10))),
        "sqrt": lambda: ONE / (TWO * y),
        "cbrt": lambda: ONE / (number(3) * y**TWO),
        "abs": lambda: call("sign", x),
        "sign": lambda: number(0),
        "relu": lambda: call("where", x, number(0), ONE, number(0)),
        "leaky_relu": lambda: call("where", x, number(0), ONE, number(Fraction(1, 100))),
        "elu": lambda: call("where", x, number(0), ONE, call("exp", x)),
        "gelu": lambda: (
            call("erfc", -x / call("sqrt", TWO)) / TWO
            + x * call("exp", -(square) / TWO) / call("sqrt", TWO * PI)
        ),
        "silu": lambda: call("sigmoid", x) * (ONE + x * (ONE - call("sigmoid", x))),
        "softplus": lambda: call("sigmoid", x),
        "sigmoid": lambda: y * (ONE - y),
        "erf": lambda: TWO * call("exp", -square) / call("sqrt", PI),
        "erfc": lambda: -(TWO * call("exp", -square) / call("sqrt", PI)),
        "gamma": lambda: y * call("digamma", x),
        "lgamma": lambda: call("digamma", x),
        "digamma": lambda: call("polygamma", ONE, x),
    }
    return rules[function]()


UNARY = [f for f in VALUES if f not in ("atan2", "hypot", "min", "max", "polygamma", "where")]
FAVOURITES = ["sin", "cos", "exp", "log", "sqrt", "sigmoid", "tanh", "relu", "softplus"]


# --- programs -----------------------------------------------------------------------------------


@dataclass
class Program:
    """Named steps over inputs, at a point."""

    inputs: list[str]
    steps: list[tuple[str, Tree]]
    named: bool  # whether the last step has its name in the text
    point: dict[str, Fraction] = field(default_factory=dict)

    @property
    def text(self) -> str:
        *before, (last, tree) = self.steps
        parts = [f"{step} = {written(t)}" for step, t in before]
        return "; ".join([*parts, f"{last} = {written(tree)}" if self.named else written(tree)])

    @property
    def output(self) -> str:
        return self.steps[-1][0]

    def nodes(self) -> Iterator[Tree]:
        for _, tree in self.steps:
            yield from walk(tree)

    def values(self, changed: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the number of every name; a changed step keeps the number it is given."""
        found = {n: mpf(v.numerator) / v.denominator for n, v in self.point.items()}
        changed = changed or {}
        found.update(changed)
        for step, tree in self.steps:
            if step not in changed:
                found[step] = value_of(tree, found)
        return found

    def slope(self, by: str, of: str | None = None) -> Any:
        """Return the derivative by quotients: a step that is nudged is cut off from what is before it."""
        at, of = self.values(), of or self.output
        up = self.values({by: at[by] + STEP})[of]
        down = self.values({by: at[by] - STEP})[of]
        return clean((up - down) / (2 * STEP))

    def curvature(self, x: str, y: str) -> Any:
        at, of = self.values(), self.output
        if x == y:
            up, down = (self.values({x: at[x] + s * STEP})[of] for s in (1, -1))
            return clean((up - 2 * at[of] + down) / STEP**2)
        corners = {
            (s, t): self.values({x: at[x] + s * STEP, y: at[y] + t * STEP})[of]
            for s in (1, -1)
            for t in (1, -1)
        }
        return clean((corners[1, 1] - corners[1, -1] - corners[-1, 1] + corners[-1, -1]) / (4 * STEP**2))

    def inlined(self) -> Tree:
        """Return the output over the inputs alone."""
        known: dict[str, Tree] = {}
        for step, tree in self.steps:
            known[step] = replaced(tree, known)
        return known[self.output]


def clean(value: Any) -> Any:
    """Take the noise off a number that is zero."""
    return mpf(0) if abs(value) < mpf(10) ** -45 else value


def replaced(tree: Tree, known: dict[str, Tree]) -> Tree:
    if tree.op == "name":
        return known.get(tree.value, tree)
    return Tree(tree.op, *(replaced(a, known) for a in tree.args), value=tree.value)


def value_of(tree: Tree, names: dict[str, Any]) -> Any:
    """Return the tree's number at high precision, held to where it is harmless."""
    if tree.op == "number":
        return mpf(tree.value.numerator) / tree.value.denominator
    if tree.op == "pi":
        return +mp.pi
    if tree.op == "name":
        return names[tree.value]
    args = [value_of(a, names) for a in tree.args]
    try:
        if tree.op in VALUES:
            found = VALUES[tree.op](*args)
        elif tree.op == "negative":
            found = -args[0]
        elif tree.op == "^":
            base, exponent = args
            whole = exponent == int(exponent) and tree.args[1].op == "number"
            found = off(base) ** int(exponent) if whole else above(base, 0.02) ** exponent
        else:
            a, b = args
            found = {"+": a + b, "-": a - b, "*": a * b}[tree.op] if tree.op != "/" else a / off(b)
    except (ValueError, ZeroDivisionError, OverflowError, TypeError) as error:
        raise OutOfDomain from error
    if isinstance(found, mpmath.mpc) or not mp.isfinite(found) or abs(found) > 1e37:
        raise OutOfDomain
    return found


def random_tree(draw: random.Random, size: int, names: Sequence[str], smooth: bool) -> Tree:
    if size <= 0:
        if draw.random() < 0.75:
            return name(draw.choice(names))
        return number(draw.choice([1, 2, 2, 3, 4, 5, 7, Fraction(1, 2), Fraction(3, 2), Fraction(1, 4)]))

    def operand() -> Tree:
        return random_tree(draw, draw.randrange(size), names, smooth)

    kind = draw.random()
    if kind < 0.5:
        op = draw.choice("++--****//")
        return Tree(op, operand(), operand())
    if kind < 0.62:
        exponent = draw.choice([2, 2, 2, 3, 3, 4, 5, -1, -2, Fraction(1, 2), Fraction(3, 2)])
        return Tree("^", operand(), number(exponent))
    if kind < 0.65:
        return Tree("^", number(draw.choice([2, 3, 10, Fraction(1, 2)])), operand())
    if kind < 0.67:
        return Tree("negative", operand())
    if kind < 0.72:
        several = ["atan2", "hypot", "polygamma"] if smooth else ["min", "max", "hypot", "where", "where"]
        function = draw.choice(several)
        if function == "polygamma":
            return call(function, number(draw.randrange(3)), operand())
        count = {"where": 4, "min": draw.choice([2, 3]), "max": draw.choice([2, 3])}.get(function, 2)
        return call(function, *(operand() for _ in range(count)))
    pool = FAVOURITES if draw.random() < 0.6 else UNARY
    function = draw.choice([f for f in pool if not smooth or f not in KINKED])
    return call(function, operand())


KINKED = {"abs", "sign", "min", "max", "relu", "leaky_relu", "elu", "where", "floor", "ceil"}
POINTS = [Fraction(n, 16) for n in range(-40, 57) if n % 16] + [Fraction(n) for n in (-2, -1, 1, 2, 3)]


def random_program(draw: random.Random, *, smooth: bool | None = None, most_inputs: int = 3) -> Program:
    """Return a program whose output depends on every input and step, at a point where all is well."""
    smooth = draw.random() < 0.6 if smooth is None else smooth
    while True:
        inputs = draw.sample(["x", "y", "a", "b", "w", "t"], draw.randint(1, most_inputs))
        steps: list[tuple[str, Tree]] = []
        labels = [*draw.sample(["d", "u", "v", "z", "s", "h"], draw.choice([0, 0, 1, 1, 2, 3])), "L"]
        for label in labels:
            known = inputs + [s for s, _ in steps] * 2
            steps.append((label, random_tree(draw, draw.randint(1, 5), known, smooth)))
        program = Program(inputs, steps, draw.random() < 0.7)
        if not program.named:
            program.steps[-1] = ("f", steps[-1][1])
        used = {t.value for t in program.nodes() if t.op == "name"}
        if {*inputs, *labels[:-1]} - used or steps[-1][1].op in ("name", "number"):
            continue
        if any(t.op not in ("number", "name") and not has_name(t) for t in program.nodes()):
            continue  # a step of numbers alone is an input with a default
        for _ in range(8):
            program.point = {n: draw.choice(POINTS) for n in inputs}
            try:
                slopes = [program.slope(n) for n in inputs + labels[:-1]]
            except OutOfDomain:
                continue
            calm = all(s == 0 or 1e-6 < abs(s) < 1e6 for s in slopes) and slopes[0] != 0
            if calm and all(abs(v) < 1e6 for v in program.values().values()):
                return program


def scaled(program: Program, factor: Fraction) -> None:
    """Multiply the output by a number, as a constant of physics would."""
    last, tree = program.steps[-1]
    program.steps[-1] = (last, Tree("*", number(factor), tree))


def has_name(tree: Tree) -> bool:
    return any(t.op == "name" for t in walk(tree))


# --- a differentiator that can be broken --------------------------------------------------------

Spoil = dict[int, str]  # id of a node -> which rule is broken there


class Derivation:
    """Differentiates a program by an input or step, with rules broken at some nodes."""

    def __init__(self, program: Program, by: str, spoil: Spoil | None = None) -> None:
        self.by, self.spoil = by, spoil or {}
        self.steps = dict(program.steps)
        self.needs = depends(program, by)

    def of(self, tree: Tree) -> Tree:
        """Return the derivative of a tree, over the names of inputs and steps."""
        broken = self.spoil.get(id(tree))
        if broken == "dropped":
            return number(0)
        if tree.op == "name":
            if tree.value == self.by:
                return ONE
            return self.of(self.steps[tree.value]) if tree.value in self.steps else number(0)
        if broken == "constant kept":
            return self.of(tree.args[0]) + tree.args[1]
        if broken == "constant to one":
            return self.of(tree.args[0]) + ONE
        if not self.varies(tree):
            return number(0)
        return self.rule(tree, broken)

    def varies(self, tree: Tree) -> bool:
        return any(t.op == "name" and t.value in self.needs for t in walk(tree))

    def rule(self, tree: Tree, broken: str | None) -> Tree:
        if tree.op in ("+", "-"):
            u, v = map(self.of, tree.args)
            return u - v if tree.op == "-" and broken != "sign lost" else u + v
        if tree.op == "negative":
            u = self.of(tree.args[0])
            return u if broken == "sign lost" else -u
        if tree.op == "*":
            return self.product(tree, broken)
        if tree.op == "/":
            return self.quotient(tree, broken)
        if tree.op == "^":
            return self.power(tree, broken)
        if tree.op in ("min", "max"):
            return self.extremum(tree, broken)
        if tree.op == "where":
            a, b, yes, no = tree.args
            return call("where", a, b, self.of(yes), self.of(no))
        if tree.op == "hypot":
            a, b = tree.args
            return (a * self.of(a) + b * self.of(b)) / tree
        if tree.op == "atan2":
            b, a = tree.args
            return (a * self.of(b) - b * self.of(a)) / (a**TWO + b**TWO)
        if tree.op == "polygamma":
            n, x = tree.args
            return call("polygamma", number(n.value + 1), x) * self.of(x)
        return self.function(tree, broken)

    def product(self, tree: Tree, broken: str | None) -> Tree:
        u, v = tree.args
        du, dv = self.of(u), self.of(v)
        if broken == "product of derivatives":
            return du * dv
        if broken == "first term alone":
            return du * v
        if broken == "second term alone":
            return u * dv
        if broken == "constant dropped":
            return dv if not self.varies(u) else du
        return du * v + u * dv

    def quotient(self, tree: Tree, broken: str | None) -> Tree:
        u, v = tree.args
        du, dv = self.of(u), self.of(v)
        if broken == "order":
            return (u * dv - du * v) / v**TWO
        if broken == "plus":
            return (du * v + u * dv) / v**TWO
        if broken == "quotient of derivatives":
            return du / dv
        if broken == "square missing":
            return (du * v - u * dv) / v
        if broken == "constant dropped":
            return du if not self.varies(v) else -(dv / v**TWO)
        if not self.varies(v):
            return du / v
        return (du * v - u * dv) / v**TWO

    def power(self, tree: Tree, broken: str | None) -> Tree:
        u, n = tree.args
        if not self.varies(n):
            du = self.of(u)
            one_less = number(n.value - 1) if n.op == "number" else n - ONE
            if broken == "not lowered":
                return n * u**n * du
            if broken == "factor missing":
                return u**one_less * du
            if broken == "inner missing":
                return n * u**one_less
            if broken == "raised":
                return n * u ** number(n.value + 1) * du
            if broken == "integrated":
                return u ** number(n.value + 1) / number(n.value + 1)
            return n * u**one_less * du
        dn = self.of(n)
        if broken == "power rule":
            return n * u ** (n - ONE) * dn
        if broken == "log missing":
            return tree * dn
        if broken == "inner missing":
            return tree * call("log", u)
        whole = tree * call("log", u) * dn
        return whole + n * u ** (n - ONE) * self.of(u) if self.varies(u) else whole

    def extremum(self, tree: Tree, broken: str | None) -> Tree:
        """Differentiate max and min, as nested conditions."""
        if broken == "gate ignored":
            total = number(0)
            for arg in tree.args:
                total = total + self.of(arg)
            return total
        best, slope = tree.args[0], self.of(tree.args[0])
        for arg in tree.args[1:]:
            pair = (arg, best) if tree.op == "max" else (best, arg)
            best, slope = call(tree.op, best, arg), call("where", *pair, self.of(arg), slope)
        return slope

    def function(self, tree: Tree, broken: str | None) -> Tree:
        (u,) = tree.args
        du, outer = self.of(u), _slope(tree.op, u)
        if broken == "inner missing":
            return outer
        if broken == "outer missing":
            return du
        if broken == "sign lost":
            return -outer * du
        if broken == "at the value":
            return _slope(tree.op, tree) * du
        if broken == "at the variable":
            return _slope(tree.op, name(self.by)) * du
        if broken == "z for y":
            return (u * (ONE - u) if tree.op == "sigmoid" else ONE - u**TWO) * du
        if broken == "at the derivative":
            return _slope(tree.op, du)
        if broken == "not differentiated":
            return tree * du
        if broken == "half missing":
            return ONE / tree * du
        if broken == "log missing":
            return ONE / u * du
        if broken == "gate ignored":
            return du
        return outer * du


def depends(program: Program, by: str) -> set[str]:
    """Return the names that a name has an influence on, itself too."""
    found = {by}
    for step, tree in program.steps:
        if step != by and any(t.op == "name" and t.value in found for t in walk(tree)):
            found.add(step)
    return found


def derivative(program: Program, by: str, spoil: Spoil | None = None) -> Tree:
    return Derivation(program, by, spoil).of(dict(program.steps)[program.output])


# --- mistakes -----------------------------------------------------------------------------------


class Made(NamedTuple):
    """A mistake that was made.

    Attributes:
        kind: What was done wrong.
        formula: The wrong formula; None where the mistake is one of numbers.
        number: What it gives at the point.
    """

    kind: str
    formula: Tree | None
    number: Any


# which word of `check` says that this was done; the first is the one expected, the others say the same
NAMED: dict[str, tuple[str, ...]] = {
    "fork: = for +=": ("fork not summed",),
    "inner missing": ("inner derivative missing",),
    "outer missing": ("local derivative missing",),
    "upstream missing": ("upstream missing",),
    "sign lost": ("sign lost",),
    "product of derivatives": ("product rule",),
    "product: a term missing": ("product rule", "fork not summed"),
    "quotient: order": ("quotient rule", "sign lost"),
    "quotient: plus": ("quotient rule", "sign lost"),
    "quotient of derivatives": ("quotient rule",),
    "quotient: square missing": ("quotient rule", "square missing"),
    "exponent not lowered": ("exponent not lowered",),
    "exponent as factor missing": ("exponent as a factor missing",),
    "exponent raised": ("exponent lowered the wrong way",),
    "power rule for exponential": ("power for exponential",),
    "log factor missing": ("log factor missing",),
    "factor of a function missing": ("factor missing", "factor", "log factor missing"),
    "not differentiated": ("not differentiated",),
    "constant kept": ("constant kept",),
    "constant dropped": ("constant dropped",),
    "factor 2": ("factor",),
    "factor 1/2": ("factor",),
    "factor 1/n": ("factor",),
    "wrong place": ("wrong place",),
    "gate ignored": ("gate ignored", "local derivative missing"),
    "degrees": ("degrees",),
    "wrong point": ("wrong point",),
    "value": ("value instead",),
    "another variable": ("another variable",),
    "another step": ("another step", "another variable"),
    "integrated": ("integrated",),
    "upside down": ("upside down",),
    "rounded to 2 digits": ("rounding",),
    "rounded to 1 digit": ("rounding",),
    "first for second": ("first derivative instead",),
    "squared for second": ("squared instead",),
}
RULES = {  # kind -> (how the rule is broken, at which nodes)
    "product of derivatives": ("product of derivatives",),
    "product: a term missing": ("first term alone", "second term alone"),
    "quotient: order": ("order",),
    "quotient: plus": ("plus",),
    "quotient of derivatives": ("quotient of derivatives",),
    "quotient: square missing": ("square missing",),
    "exponent not lowered": ("not lowered",),
    "exponent as factor missing": ("factor missing",),
    "exponent raised": ("raised",),
    "power rule for exponential": ("power rule",),
    "log factor missing": ("log missing",),
    "factor of a function missing": ("half missing", "log missing"),
    "inner missing": ("inner missing",),
    "outer missing": ("outer missing",),
    "sign lost": ("sign lost",),
    "not differentiated": ("not differentiated",),
    "constant kept": ("constant kept", "constant to one"),
    "constant dropped": ("constant dropped",),
    "wrong place": ("at the value", "at the variable", "z for y", "at the derivative"),
    "gate ignored": ("gate ignored",),
}
TRIG = {"sin", "cos", "tan"}


def applies(kind: str, how: str, tree: Tree, d: Derivation) -> bool:
    """Return whether this mistake can be made at this node."""
    op, args = tree.op, tree.args
    if how.startswith("constant "):
        if op == "+" and how != "constant dropped":
            return d.varies(args[0]) and not d.varies(args[1])
        return (
            how == "constant dropped"
            and op in ("*", "/")
            and d.varies(args[0]) != d.varies(args[1])
            and not (op == "/" and is_number(args[0], 1))
        )
    if not d.varies(tree):
        return False
    both = len(args) == 2 and d.varies(args[0]) and d.varies(args[1])
    if op == "*":
        return both and kind in ("product of derivatives", "product: a term missing")
    if op == "/":
        return d.varies(args[1]) and (both or how in ("order",)) and kind.startswith("quotient")
    if op == "^":
        if d.varies(args[1]):
            return kind in ("power rule for exponential", "log factor missing") or (
                how == "inner missing" and args[1].op != "name"
            )
        return (kind.startswith("exponent") and args[1].op == "number") or (
            how == "inner missing" and args[0].op != "name"
        )
    if op in ("-", "negative"):
        return how == "sign lost" and d.varies(args[-1])
    if op in ("min", "max"):
        return how == "gate ignored"
    if op not in UNARY:
        return False
    if how in ("inner missing", "at the variable"):
        return args[0].op != "name"
    if how == "sign lost":
        return op in ("cos", "acos", "erfc")
    if how in ("at the value",):
        return op in ("sigmoid", "tanh", "softplus", "silu", "gelu", "sin", "cos", "relu")
    if how == "z for y":
        return op in ("sigmoid", "tanh")
    if how == "at the derivative":
        return op in ("sin", "cos", "log", "sqrt", "tan") and args[0].op != "name"
    if how == "not differentiated":
        return op not in ("exp", "sign")
    if kind == "factor of a function missing":
        return (op == "sqrt" and how == "half missing") or (op in ("log2", "log10") and how == "log missing")
    if how == "gate ignored":
        return op in ("relu", "abs", "leaky_relu")
    return how == "outer missing" and op not in ("abs", "relu", "leaky_relu", "sign")


def mistakes(program: Program, by: str, draw: random.Random) -> list[Made]:
    """Make every mistake at every place of the derivative of the output by a name."""
    d = Derivation(program, by)
    found: list[tuple[str, Tree]] = []
    nodes = list(program.nodes())
    right = derivative(program, by)
    for kind, hows in RULES.items():
        for tree in nodes:
            for how in hows:
                if applies(kind, how, tree, d):
                    found.append((kind, derivative(program, by, {id(tree): how})))
    for fork in {t.value for t in nodes if t.op == "name" and t.value in d.needs}:
        uses = [t for t in nodes if t.op == "name" and t.value == fork]
        for use in uses if len(uses) > 1 else ():
            spoil = {id(t): "dropped" for t in uses if t is not use}
            found.append(("fork: = for +=", derivative(program, by, spoil)))
    found += [("sign lost", -right), ("factor 2", TWO * right), ("factor 1/2", right / TWO)]
    inputs = len(program.inputs)
    if inputs > 2:
        found.append(("factor 1/n", right / number(inputs)))
    found += [("upside down", ONE / right), ("value", dict(program.steps)[program.output])]
    found += [("another variable", derivative(program, n)) for n in program.inputs if n != by]
    found += [("another step", derivative(program, s)) for s, _ in program.steps[:-1] if s != by]
    made = []
    names = program.values()
    for kind, formula in found:
        with contextlib.suppress(OutOfDomain, ZeroDivisionError):
            made.append(Made(kind, formula, clean(value_of(formula, names))))
    made += numeric_mistakes(program, by, draw)
    return made


def numeric_mistakes(program: Program, by: str, draw: random.Random) -> list[Made]:
    """Return what is wrong at this point alone: another point, degrees, rounding."""
    made = []
    other = [{n: Fraction(0) if n == m else v for n, v in program.point.items()} for m in program.inputs]
    other += [{n: -v if n == m else v for n, v in program.point.items()} for m in program.inputs]
    if len(program.inputs) == 2:
        a, b = program.inputs
        other.append({a: program.point[b], b: program.point[a]})
    for point in other:
        if by in program.inputs and point != program.point:
            with contextlib.suppress(OutOfDomain):
                there = Program(program.inputs, program.steps, True, point)
                made.append(Made("wrong point", None, there.slope(by)))
    if any(t.op in TRIG for t in program.nodes()):
        with contextlib.suppress(OutOfDomain):
            steps = [(s, in_degrees(t)) for s, t in program.steps]
            turned = Program(program.inputs, steps, True, program.point)
            made.append(Made("degrees", None, turned.slope(by)))
            # the rule as taught, cos for sin, with a calculator in degrees
            taught = value_of(in_degrees(derivative(program, by)), turned.values())
            made.append(Made("degrees", None, clean(taught)))
    true = program.slope(by)
    for digits, kind in ((2, "rounded to 2 digits"), (1, "rounded to 1 digit")):
        if true and off_by(mpf(str(rounded(true, digits))), true) > 0.005:  # else it is right to three
            made.append(Made(kind, None, mpf(str(rounded(true, digits)))))
    antiderivative = integral(program, by)
    if antiderivative is not None:
        made.append(Made("integrated", None, antiderivative))
    return made


def in_degrees(tree: Tree) -> Tree:
    args = [in_degrees(a) for a in tree.args]
    if tree.op in TRIG:
        args = [PI / number(180) * args[0]]
    return Tree(tree.op, *args, value=tree.value)


def integral(program: Program, by: str) -> Any:
    """Return the antiderivative of a small output at the point, None where it is not elementary at once."""
    if by not in program.inputs or len(program.steps) > 1 or sum(1 for _ in program.nodes()) > 8:
        return None
    allowed = {"+", "-", "*", "^", "number", "name", "negative", "sin", "cos", "exp"}
    if any(t.op not in allowed for t in program.nodes()):
        return None
    if any(t.op == "^" and (t.args[0].op != "name" or t.args[1].op != "number") for t in program.nodes()):
        return None
    if any(t.op in ("sin", "cos", "exp") and t.args[0].op != "name" for t in program.nodes()):
        return None
    symbols = {n: sympy.Symbol(n, real=True) for n in program.inputs}
    found = sympy.integrate(to_sympy(program.inlined(), symbols), symbols[by], meijerg=False, risch=False)
    if found.has(sympy.Integral):
        return None
    point = {symbols[n]: sympy.Rational(v.numerator, v.denominator) for n, v in program.point.items()}
    value = sympy.N(found.subs(point), 60)
    return mpf(str(value)) if value.is_real and value.is_finite else None


# --- SymPy: other forms of the right formula ----------------------------------------------------

SYMPY: dict[str, Callable[..., Any]] = {
    "asinh": sympy.asinh, "acosh": sympy.acosh, "atanh": sympy.atanh, "sinh": sympy.sinh,
    "cosh": sympy.cosh, "tanh": sympy.tanh, "exp": sympy.exp, "log": sympy.log, "ln": sympy.log,
    "sin": sympy.sin, "cos": sympy.cos, "tan": sympy.tan, "asin": sympy.asin, "acos": sympy.acos,
    "atan": sympy.atan, "sqrt": sympy.sqrt, "erf": sympy.erf, "erfc": sympy.erfc, "gamma": sympy.gamma,
    "lgamma": sympy.loggamma, "digamma": sympy.digamma, "polygamma": sympy.polygamma,
    "expm1": lambda x: sympy.exp(x) - 1,
    "log1p": lambda x: sympy.log(1 + x),
    "log2": lambda x: sympy.log(x) / sympy.log(2),
    "log10": lambda x: sympy.log(x) / sympy.log(10),
    "hypot": lambda a, b: sympy.sqrt(a**2 + b**2),
    "sigmoid": lambda x: 1 / (1 + sympy.exp(-x)),
    "softplus": lambda x: sympy.log(1 + sympy.exp(x)),
    "silu": lambda x: x / (1 + sympy.exp(-x)),
    "gelu": lambda x: x * (1 + sympy.erf(x / sympy.sqrt(2))) / 2,
}  # fmt: skip


BINARY = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "^": operator.pow}


def to_sympy(tree: Tree, symbols: dict[str, Any]) -> Any:
    """Return the tree for SymPy; KeyError where it has no smooth form."""
    if tree.op == "number":
        return sympy.Rational(tree.value.numerator, tree.value.denominator)
    if tree.op == "pi":
        return sympy.pi
    if tree.op == "name":
        return symbols[tree.value]
    args = [to_sympy(a, symbols) for a in tree.args]
    if tree.op in SYMPY:
        return SYMPY[tree.op](*args)
    if tree.op == "negative":
        return -args[0]
    return BINARY[tree.op](*args)


FORMS: dict[str, Callable[[Any], Any]] = {
    "as it comes": lambda e: e,
    "expanded": sympy.expand,
    "together": sympy.together,
    "factored": sympy.factor_terms,
    "one exponential": lambda e: sympy.powsimp(e),
    "trig rewritten": lambda e: e.rewrite(sympy.tan) if e.has(sympy.sin, sympy.cos) else e,
    "trig expanded": lambda e: sympy.expand_trig(e),
    "logs combined": lambda e: sympy.logcombine(e, force=False),
    "tanh as exp": lambda e: e.rewrite(sympy.exp) if e.has(sympy.tanh, sympy.sinh, sympy.cosh) else e,
}
WRITTEN_NAMES = {"loggamma": "lgamma", "Abs": "abs"}
KNOWN_WORDS = {*VALUES, "pi"}


def sympy_forms(program: Program, by: str) -> Iterator[tuple[str, str]]:
    """Yield the right derivative by an input in several forms, each held to the quotient."""
    symbols = {n: sympy.Symbol(n, real=True) for n in program.inputs}
    try:
        right = sympy.diff(to_sympy(program.inlined(), symbols), symbols[by])
    except KeyError:
        return
    true = program.slope(by)
    point = {symbols[n]: sympy.Rational(v.numerator, v.denominator) for n, v in program.point.items()}
    seen = set()
    for form, change in FORMS.items():
        if sympy.count_ops(right) > 60:
            break
        changed = change(right)
        if changed.atoms(sympy.log) - right.atoms(sympy.log) and "log" not in form:
            continue  # b^2 as exp(2*log(b)) has no value where b is negative
        text = re.sub(r"\bE\b", "exp(1)", str(changed))
        text = re.sub(r"[A-Za-z]+", lambda m: WRITTEN_NAMES.get(m[0], m[0]), text)
        words = set(re.findall(r"[A-Za-z_][A-Za-z_0-9]*", text))
        if text in seen or len(text) > 600 or words - KNOWN_WORDS - set(program.inputs):
            continue
        seen.add(text)
        value = sympy.N(changed.subs(point), 50)
        if value.is_real and abs(mpf(str(value)) - true) <= mpf(10) ** -40 * max(1, abs(true)):
            yield form, text


# --- numbers as people write them ---------------------------------------------------------------


def as_decimal(value: Any) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        return Decimal(mp.nstr(value, 45, strip_zeros=False))


def rounded(value: Any, digits: int, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """Return a number with so many significant digits, zeros at the end kept."""
    with localcontext() as context:
        context.prec, context.rounding = digits, rounding
        return +as_decimal(value)


def plain(value: Decimal) -> str:
    """Write a decimal without an exponent where it is short enough."""
    text = format(value, "f")
    return text if len(text) < 25 else str(value)


def exact(program: Program, by: str) -> Fraction | None:
    """Return the derivative as a fraction where numbers alone make it."""

    def of(tree: Tree, names: dict[str, Fraction]) -> Fraction:
        if tree.op == "number":
            return Fraction(tree.value)
        if tree.op == "name":
            return names[tree.value]
        args = [of(a, names) for a in tree.args]
        if tree.op == "negative":
            return -args[0]
        a, b = args
        if tree.op == "^":
            if b.denominator != 1:
                raise TypeError("a root")
            return a ** int(b)
        return a / b if tree.op == "/" else {"+": a + b, "-": a - b, "*": a * b}[tree.op]

    names = dict(program.point)
    try:
        for step, tree in program.steps:
            if any(t.op not in ("number", "name", "+", "-", "*", "/", "negative", "^") for t in walk(tree)):
                return None
            names[step] = of(tree, names)
        return of(derivative(program, by), names)
    except (KeyError, IndexError, TypeError, ZeroDivisionError):
        return None


def off_by(claim: Any, true: Any) -> Any:
    """Return how far a number is off, relative to the true one."""
    return abs(claim - true) / abs(true) if true else abs(claim)


# --- running the command ------------------------------------------------------------------------


class Broken(Exception):
    """What must not happen has happened."""


class TooSlow(BaseException):
    """One run has taken longer than `LIMIT`."""


def _too_slow(*_: object) -> None:
    raise TooSlow


def run(words: list[str], stdin: bytes = b"", limit: int = LIMIT) -> tuple[int, str, str]:
    """Run a command line in this process; return status, stdout and stderr."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    kept, here = sys.stdin, os.getcwd()
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, _too_slow)
        signal.alarm(limit)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), mp.workdps(15):
            sys.stdin = io.TextIOWrapper(io.BytesIO(stdin), "utf-8")
            status = command_line(words)
        out.flush()
    except TooSlow:
        raise Broken(f"{words}: longer than {limit} s") from None
    except BaseException as error:
        raise Broken(f"{words}: {type(error).__name__}: {error}") from error
    finally:
        if hasattr(signal, "SIGALRM"):
            signal.alarm(0)
        sys.stdin = kept
        os.chdir(here)
    told = err.getvalue()
    if status not in range(5) or "Traceback" in told:
        raise Broken(f"{words}: status {status}: {told[:300]}")
    return status, out.buffer.getvalue().decode(), told


def strict(text: str) -> Any:
    def refuse(word: str) -> Any:
        raise Broken(f"JSON has {word}")

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise Broken(f"no JSON: {error}: {text[:200]!r}") from None


class Claim(NamedTuple):
    """A claim and what is known about it."""

    kind: str
    quantity: str
    answer: str
    data: Any = None


def judge(program: Program, claims: Sequence[Claim], *, at_point: bool = True) -> list[dict[str, Any]]:
    """Return the verdicts, each claim as a person of its own so that none follows from another."""
    sheet = [{"student": f"s{k}", c.quantity: c.answer} for k, c in enumerate(claims)]
    words = ["check", program.text]
    if at_point:
        words += [f"{n}={v.numerator}/{v.denominator}" for n, v in program.point.items()]
    words += ["--claims", "-", "--format", "json"]
    status, out, err = run(words, json.dumps(sheet).encode())
    if not out:
        raise Broken(f"{words}: status {status} and nothing on stdout: {err[:300]}")
    answer = strict(out)
    verdicts = [v for person in answer["people"] for v in person["verdicts"]]
    if len(verdicts) != len(claims):
        raise Broken(f"{words}: {len(claims)} claims, {len(verdicts)} verdicts")
    if status != expected_status(verdicts):
        kinds = Counter(v["verdict"] for v in verdicts)
        raise Broken(f"{words}: status {status} for {dict(kinds)}")
    return verdicts


def expected_status(verdicts: Sequence[dict[str, Any]]) -> int:
    """Return the status that the page gives for such verdicts: the worst decides."""
    kinds = {v["verdict"] for v in verdicts}
    if "unreadable" in kinds:
        return 2
    if kinds & {"wrong", "missing"}:
        return 1
    return 3 if "not judgeable" in kinds else 0


def told(program: Program, claim: Claim, verdict: dict[str, Any], why: str, *, at_point: bool = True) -> str:
    """Return a fault as the command that shows it."""
    bound = program.point.items() if at_point else ()
    point = "".join(f" {n}={v.numerator}/{v.denominator}" for n, v in bound)
    return (
        f"backprop check '{program.text}'{point} --claim '{claim.quantity}={claim.answer}'"
        f"\n      {claim.kind}: {why}; got {verdict['verdict']}: {verdict['says']}"
    )


# --- the kinds ----------------------------------------------------------------------------------


@dataclass
class Tally:
    """What was seen."""

    ended: Counter[tuple[str, str]] = field(default_factory=Counter)
    named: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def quantity(program: Program, by: str, draw: random.Random) -> str:
    """Return a way to write the derivative of the output."""
    of = program.output
    ways = [f"d{of}/d{by}", f"{of}'({by})", f"∂{of}/∂{by}"]
    return draw.choice([*ways, by] if by in program.inputs else ways)


def right(draw: random.Random, tally: Tally) -> None:
    """Claim what is right, in many forms."""
    program = random_program(draw)
    claims: list[Claim] = []
    for by in (*program.inputs, *(s for s, _ in program.steps[:-1])):
        claims += right_numbers(program, by, draw)
        true, formula = program.slope(by), derivative(program, by)
        with contextlib.suppress(OutOfDomain):
            if abs(value_of(formula, program.values()) - true) > mpf(10) ** -35 * max(1, abs(true)):
                raise Broken(f"the oracle is at odds with itself: {program.text} by {by}")
            if len(written(formula)) < 1500:
                claims.append(Claim("formula: of steps", quantity(program, by, draw), written(formula), true))
        if by in program.inputs:
            forms = sympy_forms(program, by)
            claims += [Claim(f"formula: {f}", quantity(program, by, draw), t, true) for f, t in forms]
    values = program.values()
    for step, _ in program.steps:
        claims.append(Claim("value: 17 digits", step, repr(float(values[step])), values[step]))
        if values[step]:
            claims.append(Claim("value: 6 digits", step, plain(rounded(values[step], 6)), values[step]))
    x, y = draw.choice(program.inputs), draw.choice(program.inputs)
    second = program.curvature(x, y)
    if second == 0 or 1e-6 < abs(second) < 1e7:
        of = program.output
        how = f"d2{of}/d{x}2" if x == y else f"d2{of}/d{x}d{y}"
        claims.append(Claim("second order: 17 digits", how, repr(float(second)), second))
        if second:
            claims.append(Claim("second order: 6 digits", how, plain(rounded(second, 6)), second))
        twice = again(program, x, y)
        if twice is not None and len(written(twice)) < 1500:
            claims.append(Claim("second order: formula", how, written(twice), second))
    for claim, verdict in zip(claims, judge(program, claims), strict=True):
        tally.ended[claim.kind, verdict["verdict"]] += 1
        if verdict["verdict"] == "not judgeable":
            tally.examples.setdefault((claim.kind, "not judgeable"), told(program, claim, verdict, "right"))
        elif why := not_right(claim, verdict):
            tally.faults.append(told(program, claim, verdict, why))


def again(program: Program, x: str, y: str) -> Tree | None:
    """Return the second derivative over the inputs, None where its own number is not the quotients'."""
    flat = Program(program.inputs, [(program.output, program.inlined())], True, program.point)
    first = derivative(flat, x)
    twice = derivative(Program(program.inputs, [("L", first)], True, program.point), y)
    try:
        value, true = value_of(twice, flat.values()), program.curvature(x, y)
    except (OutOfDomain, KeyError):
        return None
    return twice if abs(value - true) < mpf(10) ** -25 * max(1, abs(true)) else None


def right_numbers(program: Program, by: str, draw: random.Random) -> Iterator[Claim]:
    true = program.slope(by)
    how = quantity(program, by, draw)
    yield Claim("number: 17 digits", how, repr(float(true)), true)
    if true:
        digits = draw.randint(3, 15)
        yield Claim("number: rounded", how, plain(rounded(true, digits)), true)
        yield Claim("number: rounded, e", how, f"{rounded(true, digits):e}", true)
        yield Claim("number: times pi", how, f"{plain(rounded(true / mp.pi, 18))}*pi", true)
        yield Claim(
            "number: root", how, f"{'-' if true < 0 else ''}sqrt({plain(rounded(true**2, 20))})", true
        )
    fraction = exact(program, by)
    if fraction is not None and fraction.denominator < 10**9 and abs(fraction.numerator) < 10**9:
        yield Claim("number: fraction", how, str(fraction), true)


def not_right(claim: Claim, verdict: dict[str, Any]) -> str | None:
    """Return what is wrong with a verdict on a right claim."""
    if verdict["verdict"] == "right":
        return None
    if verdict["verdict"] != "rounded":
        return f"right, the true number is {mp.nstr(claim.data, 18)}"
    if "rounded" not in claim.kind and "6 digits" not in claim.kind and (verdict["digits"] or 0) < 14:
        return f"exact, the true number is {mp.nstr(claim.data, 18)}"
    return None


def wrong(draw: random.Random, tally: Tally) -> None:
    """Claim what every mistake gives; count which are named."""
    program = random_program(draw)
    by = draw.choice([*program.inputs, *program.inputs, *(s for s, _ in program.steps[:-1])])
    true = program.slope(by)
    made = mistakes(program, by, draw)
    kinds: dict[str, list[Made]] = {}
    for mistake in made:
        if off_by(mistake.number, true) > 1e-3 and (mistake.number == 0 or 1e-9 < abs(mistake.number) < 1e9):
            kinds.setdefault(mistake.kind, []).append(mistake)
    of = program.output
    claims = []
    for kind, several in kinds.items():
        chosen = draw.choice(several)
        twins = {m.kind for m in made if off_by(m.number, chosen.number) < 1e-9}
        digits = draw.choice([4, 6, 12])
        short = rounded(chosen.number, digits) if "rounded" not in kind else Decimal(str(chosen.number))
        text = plain(rounded(chosen.number, int(kind[11]))) if "rounded" in kind else plain(short)
        claims.append(Claim(kind, f"d{of}/d{by}", text, (chosen, twins, "number")))
        if chosen.formula is not None and len(written(chosen.formula)) < 1500:
            claims.append(Claim(kind, f"d{of}/d{by}", written(chosen.formula), (chosen, twins, "formula")))
    x = draw.choice(program.inputs)
    second, first = program.curvature(x, x), program.slope(x)
    for kind, value in (("first for second", first), ("squared for second", first**2)):
        if first and off_by(value, second) > 1e-3:
            text = plain(rounded(value, 10))
            claims.append(Claim(kind, f"d2{of}/d{x}2", text, (Made(kind, None, value), {kind}, "number")))
    if not claims:
        return
    for claim, verdict in zip(claims, judge(program, claims), strict=True):
        chosen, twins, form = claim.data
        if verdict["verdict"] != "wrong":
            target = second if "for second" in claim.kind else true
            why = f"wrong, the true number is {mp.nstr(target, 12)}"
            tally.faults.append(told(program, claim, verdict, why))
            continue
        outcome = named_how(claim.kind, twins, verdict)
        tally.named[claim.kind, f"{form}: {outcome}"] += 1
        tally.named[claim.kind, f"as {verdict['mistake']}"] += 1
        tally.examples.setdefault((claim.kind, f"{form}: {outcome}"), told(program, claim, verdict, outcome))


OUTCOMES = ("exact", "twin", "other", "none")


def named_how(kind: str, twins: set[str], verdict: dict[str, Any]) -> str:
    """Return how the named mistake is to the one made.

    exact: it is the one. twin: another that was made here too and gives the same number.
    other: one that this file did not make. none: nothing is named.
    """
    mistake = verdict["mistake"]
    if mistake is None:
        return "none"
    if mistake in NAMED[kind]:
        return "exact"
    return "twin" if any(mistake in NAMED[t] for t in twins) else "other"


def near(draw: random.Random, tally: Tally) -> None:
    """Claim numbers that are a little off, of large and small programs too."""
    program = random_program(draw)
    if draw.random() < 0.3:
        scaled(program, Fraction(10) ** draw.choice([-30, -22, -15, -9, -6, 6, 9, 15, 22, 30]))
    by = draw.choice(program.inputs)
    trues = {f"d{program.output}/d{by}": program.slope(by), program.output: program.values()[program.output]}
    claims = []
    for how, true in trues.items():
        if not true:
            continue
        for power in (1, 2, 3, 4, 6, 8, 9, 11):
            number = float(true * (1 + draw.choice([-1, 1]) * mpf(draw.uniform(1, 3)) / 10**power))
            claims.append(Claim(f"relative 1e-{power}", how, repr(number), mpf(number)))
        text = plain(rounded(true, draw.randint(4, 12)))
        places = [k for k, c in enumerate(text.partition("E")[0]) if c.isdigit()]
        at = draw.choice(places)
        changed = text[:at] + draw.choice("0123456789") + text[at + 1 :]
        claims.append(Claim("one digit", how, changed, mpf(changed)))
        at = draw.randrange(len(places) - 1)
        letters, (one, two) = list(text), places[at : at + 2]
        letters[one], letters[two] = letters[two], letters[one]
        claims.append(Claim("swapped", how, "".join(letters), mpf("".join(letters))))
        for digits in (draw.randint(3, 8), 3):
            text = plain(rounded(true, digits, ROUND_DOWN))
            claims.append(Claim("cut off", how, text, mpf(text)))
            unit = mpf(10) ** (rounded(true, 30).adjusted() - digits + 1)
            for sign in (-1, 1):
                text = plain(rounded(mpf(text) + sign * unit, digits))
                claims.append(Claim("one in the last digit", how, text, mpf(text)))
        claims.append(Claim("zero", how, "0", mpf(0)))
    for claim, verdict in zip(claims, judge(program, claims), strict=True):
        tally.ended[claim.kind, verdict["verdict"]] += 1
        if why := too_kind(claim, verdict, trues[claim.quantity]):
            tally.faults.append(told(program, claim, verdict, why))


def too_kind(claim: Claim, verdict: dict[str, Any], true: Any) -> str | None:
    """Return why a verdict on a number is better than the number."""
    error = abs(claim.data - true)
    number_text = claim.answer.lower().split("e")[0]
    exponent = int(claim.answer.lower().split("e")[1]) if "e" in claim.answer.lower() else 0
    places = len(number_text.split(".")[1]) if "." in number_text else 0
    last = mpf(10) ** (exponent - places)
    if verdict["verdict"] == "right":
        if error > last * mpf("0.5000001") and error > abs(true) * mpf(10) ** -12:
            return f"off by {mp.nstr(off_by(claim.data, true), 3)}, true {mp.nstr(true, 18)}"
        if error > abs(true) * mpf(10) ** -11:
            return f"right without digits, off by {mp.nstr(off_by(claim.data, true), 3)}"
    if verdict["verdict"] == "rounded":
        unit = mpf(10) ** (rounded(true, 30).adjusted() - verdict["digits"] + 1)
        cut = mpf(str(rounded(true * (1 + mpf(10) ** -40), verdict["digits"], ROUND_DOWN)))
        if error > unit * mpf("0.5000001") and cut != claim.data:
            return f"neither rounded nor cut off to {verdict['digits']} digits, true {mp.nstr(true, 18)}"
    if verdict["verdict"] in ("wrong", "not judgeable") and error <= last * mpf("0.4999999"):
        digits = len(number_text.replace(".", "").lstrip("-0"))
        if digits >= 3:
            return f"right to all {digits} digits, true {mp.nstr(true, 18)}"
    return None


def general(draw: random.Random, tally: Tally) -> None:
    """Claim formulas with no values bound."""
    program = random_program(draw, most_inputs=2)
    by = draw.choice(program.inputs)
    how, true = quantity(program, by, draw), program.slope(by)
    claims = []
    formula = derivative(program, by)
    if len(written(formula)) < 1500:
        claims.append(Claim("right: of steps", how, written(formula)))
        unlike = [
            ("wrong: + 1e-9", formula + number(Fraction(1, 10**9))),
            ("wrong: + 1e-15", formula + number(Fraction(1, 10**15))),
            ("wrong: + 1e-20", formula + number(Fraction(1, 10**20))),
            ("wrong: * (1 + 1e-9)", formula * number(1 + Fraction(1, 10**9))),
            ("wrong: sign", -formula),
            ("wrong: + x^2/1e6", formula + name(by) ** TWO / number(10**6)),
        ]
        if true:  # else some of them are equal
            claims += [Claim(k, how, written_exactly(t)) for k, t in draw.sample(unlike, 3)]
    claims += [Claim(f"right: {f}", how, t) for f, t in list(sympy_forms(program, by))[:4]]
    made = [m for m in mistakes(program, by, draw) if m.formula is not None and off_by(m.number, true) > 1e-6]
    for mistake in draw.sample(made, min(4, len(made))):
        if len(written(mistake.formula)) < 1500:
            claims.append(Claim("wrong: " + mistake.kind, how, written(mistake.formula)))
    if not claims:
        return
    for claim, verdict in zip(claims, judge(program, claims, at_point=False), strict=True):
        expected, _, kind = claim.kind.partition(": ")
        shown_as = verdict["verdict"] + (f", {verdict['how']}" if verdict["how"] else "")
        tally.ended[
            claim.kind if expected == "right" or kind[0] in "+*" else "wrong: a mistake", shown_as
        ] += 1
        if verdict["verdict"] == "not judgeable":
            tally.examples.setdefault(
                (claim.kind, "not judgeable"), told(program, claim, verdict, expected, at_point=False)
            )
        elif (expected == "right") != (verdict["verdict"] == "right"):
            if verdict["verdict"] == "rounded" and (expected == "wrong" or verdict["digits"] >= 13):
                continue  # honest: it says to how many digits
            tally.faults.append(told(program, claim, verdict, f"{expected}", at_point=False))
        elif expected == "wrong" and not verdict["mistake"]:
            tally.named["general " + kind, "none"] += 1
        elif expected == "wrong":
            tally.named["general " + kind, "named"] += 1


def written_exactly(tree: Tree) -> str:
    return written(tree).replace("1000000001/1000000000", "(1 + 1e-9)")


def follows(draw: random.Random, tally: Tally) -> None:
    """Claim a wrong step and then what is right given it, by one person."""
    program = random_program(draw)
    if len(program.steps) < 2:
        return
    at = draw.randrange(len(program.steps) - 1)
    step, true = program.steps[at][0], program.values()
    factor = draw.choice([-1, 2, mpf("0.5"), mpf("1.1"), mpf("37.3")])
    explained = factor < 3  # by a mistake or a slip: nothing follows from what was made up
    taken = float(rounded(true[step] * factor, 6))
    if off_by(taken, true[step]) < 1e-2 or abs(taken) in (0.0, 1.0):  # from these follows no work
        return
    claims = [Claim("wrong", step, repr(taken).removesuffix(".0"), "wrong")]
    with contextlib.suppress(OutOfDomain):
        given = program.values({step: mpf(taken)})
        known = [(s, given[s], true[s]) for s, _ in program.steps[at + 1 :]]
        for by in (*program.inputs, *(s for s, _ in program.steps[:-1])):
            slope = derivative(program, by)
            known.append((f"d{program.output}/d{by}", value_of(slope, given), value_of(slope, true)))
        for how, value, right_one in known:
            if 1e-6 < abs(value) < 1e9:
                wanted = "right" if off_by(value, right_one) <= 1e-3 else "follows" if explained else "wrong"
                if wanted == "right" and off_by(value, right_one) > 1e-16:
                    continue
                claims.append(Claim(wanted, how, repr(float(value)).removesuffix(".0"), wanted))
    person = {c.quantity: c.answer for c in claims}
    words = ["check", program.text, *(f"{n}={v.numerator}/{v.denominator}" for n, v in program.point.items())]
    _, out, err = run([*words, "--claims", "-", "--format", "json"], json.dumps(person).encode())
    if not out:
        raise Broken(f"{words}: nothing on stdout: {err[:300]}")
    (answer,) = strict(out)["people"]
    for claim, verdict in zip(claims, answer["verdicts"], strict=True):
        tally.ended[claim.kind, verdict["verdict"]] += 1
        if verdict["verdict"] not in (claim.kind, "rounded" if claim.kind == "right" else claim.kind):
            fault = told(program, claim, verdict, claim.kind)
            tally.faults.append(f"{fault}\n      in --claims {json.dumps(person)}")


# --- training steps -----------------------------------------------------------------------------

ACTIVATIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {  # of z; slope by z and y
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z, y: y * (1 - y)),
    "tanh": (np.tanh, lambda z, y: 1 - y * y),
    "relu": (lambda z: np.maximum(z, 0), lambda z, y: (z > 0) * 1.0),
    "softplus": (lambda z: np.logaddexp(0, z), lambda z, y: 1 / (1 + np.exp(-z))),
}
STEP_MISTAKES = (
    "updated weights used",
    "weights transposed",
    "activation's slope missing",
    "slope at z for y",
    "one path alone",
    "uphill",
    "rate missing",
    "not updated",
    "gradient for weight",
    "step for weight",
    "loss twice",
    "activation missing",
)


class Net(NamedTuple):
    """Two dense layers on one row, with weights out x in."""

    weights: tuple[Any, Any]
    biases: tuple[Any, Any]
    activation: str
    inputs: Any
    targets: Any
    loss: str
    rate: float

    def config(self) -> str:
        layers = [
            {"type": "linear", "units": len(b), "activation": self.activation}
            | {"weights": w.tolist(), "bias": b.tolist()}
            for w, b in zip(self.weights, self.biases, strict=True)
        ]
        return json.dumps(
            {
                "data": {"inputs": [self.inputs.tolist()], "targets": [self.targets.tolist()]},
                "model": {"layers": layers},
                "loss": self.loss,
                "optimizer": {"type": "sgd", "learning_rate": self.rate},
                "training": {"epochs": 1, "batch_size": "full", "shuffle": False},
            }
        )

    def step(self, mistake: str = "") -> dict[str, float]:
        """Return every number of one update, by name, with a mistake made."""
        act, slope = ACTIVATIONS[self.activation]
        share = {"half_sse": 0.5, "sse": 1.0, "mse": 1.0 / len(self.targets)}[self.loss]
        (w1, w2), (b1, b2), x, t = self.weights, self.biases, self.inputs, self.targets

        def forward(w1: Any, b1: Any, w2: Any, b2: Any) -> tuple[Any, ...]:
            z1 = w1 @ x + b1
            y1 = z1 if mistake == "activation missing" else act(z1)
            z2 = w2 @ y1 + b2
            return z1, y1, z2, act(z2), share * float(np.sum((act(z2) - t) ** 2))

        z1, y1, z2, y2, loss = forward(w1, b1, w2, b2)
        d2 = 2 * share * (y2 - t) * slope(z2, y2) * (2 if mistake == "loss twice" else 1)
        g2 = np.outer(d2, y1)
        new2, back = w2 - self.rate * g2, w2.T
        if mistake == "updated weights used":
            back = new2.T
        if mistake == "weights transposed" and w2.shape[0] == w2.shape[1]:
            back = w2
        arriving = back[:, -1] * d2[-1] if mistake == "one path alone" else back @ d2
        local = slope(z1, z1) if mistake == "slope at z for y" else slope(z1, y1)
        d1 = arriving if mistake == "activation's slope missing" else arriving * local
        g1 = np.outer(d1, x)
        named = {"E": loss}
        gradients = {"linear1": (g1, d1, w1, b1, z1, y1), "linear2": (g2, d2, w2, b2, z2, y2)}
        after = []
        for layer, (g, d, w, b, z, y) in gradients.items():
            new_w, new_b = w - self.rate * g, b - self.rate * d
            if mistake == "uphill":
                new_w, new_b = w + self.rate * g, b + self.rate * d
            if mistake == "rate missing":
                new_w, new_b = w - g, b - d
            if mistake == "not updated":
                new_w, new_b = w, b
            after += [new_w, new_b]
            if mistake in ("gradient for weight", "step for weight"):
                factor = 1.0 if mistake[0] == "g" else self.rate
                new_w, new_b = factor * g, factor * d
            for k in range(len(b)):
                unit = f"{layer}[{k}]"
                named |= {f"{unit}.z": z[k], f"{unit}.y": y[k], f"{unit}.delta": d[k], f"{unit}.b": new_b[k]}
                for j in range(w.shape[1]):
                    named[f"dE/d{unit}.w[{j}]"] = g[k, j]
                    named[f"{unit}.w[{j}]"] = new_w[k, j]
        named["E after"] = forward(*after)[-1]
        return {n: float(v) for n, v in named.items()}


def random_net(draw: random.Random) -> Net:
    def numbers(*shape: int) -> Any:
        return np.reshape([draw.randint(-20, 20) / 20 or 0.35 for _ in range(math.prod(shape))], shape)

    i, h, o = draw.choice([(2, 2, 2), (2, 2, 2), (1, 2, 1), (3, 2, 2), (2, 3, 2)])
    return Net(
        (numbers(h, i), numbers(o, h)),
        (numbers(h), numbers(o)),
        draw.choice(list(ACTIVATIONS)),
        numbers(i),
        numbers(o),
        draw.choice(["half_sse", "mse", "sse"]),
        draw.choice([0.1, 0.5, 0.05]),
    )


def steps(draw: random.Random, tally: Tally) -> None:
    """Claim the numbers of a training step, right ones and wrong ones."""
    while True:
        net = random_net(draw)
        right_ones = net.step()
        deltas = [v for n, v in right_ones.items() if "delta" in n]
        if all(abs(v) > 1e-4 for v in deltas):
            break
    claims = []
    for name_, value in right_ones.items():
        if value and draw.random() < 0.4:
            digits = draw.choice([4, 6, 9, 17])
            text = repr(value) if digits == 17 else plain(rounded(mpf(value), digits))
            claims.append(Claim("right", name_, text))
    for mistake in STEP_MISTAKES:
        changed = net.step(mistake)
        off = {
            n: v
            for n, v in changed.items()
            if abs(v - right_ones[n]) > 1e-3 * abs(right_ones[n]) and abs(v) > 1e-6
        }
        for name_ in draw.sample(sorted(off), min(2, len(off))):
            claims.append(Claim(mistake, name_, plain(rounded(mpf(off[name_]), 9))))
    sheet = [{"student": f"s{k}", c.quantity: c.answer} for k, c in enumerate(claims)]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "net.yaml")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(net.config())
        status, out, err = run(
            ["check", path, "--claims", "-", "--format", "json"], json.dumps(sheet).encode()
        )
    if not out:
        raise Broken(f"{net.config()}: status {status}: {err[:300]}")
    verdicts = [v for person in strict(out)["people"] for v in person["verdicts"]]
    for claim, verdict in zip(claims, verdicts, strict=True):
        wanted = "right" if claim.kind == "right" else "wrong"
        got = "right" if verdict["verdict"] == "rounded" else verdict["verdict"]
        if wanted == "right":
            tally.ended["right", verdict["verdict"]] += 1
        else:
            named = "none" if verdict["mistake"] is None else verdict["mistake"]
            tally.ended[claim.kind, f"as {named}"] += 1
            tally.examples.setdefault((claim.kind, named), f"{net.config()} {claim.quantity}: {claim.answer}")
        # these are honest: right to so many digits, or to too few to tell a new weight from the old one
        honest = verdict["verdict"] == "rounded" or (wanted == "right" and verdict["credit"] == "short")
        if got != wanted and not honest:
            tally.faults.append(
                f"{net.config()}\n      {claim.quantity}: {claim.answer}: {claim.kind}, right is"
                f" {right_ones[claim.quantity]!r}; got {verdict['verdict']}: {verdict['says']}"
            )


# --- hostile input ------------------------------------------------------------------------------

DEEP = 20_000
BAD_ANSWERS = [
    "9^9^9^9", "9^9^9^9^x", "x^9^9^9", "-9^-9^9", "1e999", "1e-999", "nan", "NaN", "inf", "-inf",
    "Infinity", "", " ", "\t", "?", "None", "null", "true", "undefined", "DNE", "n/a", "=", "==", "= 3",
    "3 = 3", "a=4", "(" * DEEP, "(" * 900 + "x" + ")" * 900, "-" * 3000 + "x", "x" * 70, "x+" * 900 + "x",
    "sin(" * 400 + "x" + ")" * 400, "2" * 5000, "0." + "3" * 5000, "1" + "0" * 400,
    "0." + "0" * 400 + "1", "x^" * 400 + "2", "gamma(171.7)", "gamma(1e9)", "lgamma(1e300)",
    "polygamma(1000, x)", "polygamma(1001, x)", "polygamma(0.5, x)", "exp(exp(exp(x)))", "2х", "ⅹ", "x²³",
    "x₂", "2×x", "２", "٣", "π", "√", "−", "\u202e2x", "2\u200bx", "x\x00", "\x1b[31mred", "\ud800",
    "[red]2[/red]", "<b>2</b>", "]]>", "&amp;", "'", '"', "`id`", "$(id)", "__import__('os')", "{{7*7}}",
    "%s%s%n", "../../etc/passwd", "1/0", "0/0", "0^0", "log(-1)", "sqrt(-1)", "x/0", "1,5", "1.5.2",
    "1_000", "0x10", "1e", "1e+", ".", "-.", "5%", "3!", "4 apples", "two", "2x 3", "x x", "|x", "||",
    "sin", "sin x", "where(x>0,1)", "where(1,2,3)", "max()", "lambda", "dL/dx", "y'", "2x;", "2x\n3",
    "x=2x", "#", "2x # why", "1e400*0",
]  # fmt: skip
BAD_NAMES = [
    "", " ", "=", "x=", "d/d", "dL/d", "dL/", "/dx", "dL/dx/dy", "d2L/dx", "d3L/dx3", "d2L/dx3",
    "d2L/dxdydx", "dL/dq", "q", "L''''(x)", "L'(", "L'()", "∂L/∂", "d0L/dx0", "d1L/dx1",
    "d9999999999L/dx9999999999", "d2L/dx²", "x" * 10_000, "dL/d" + "x" * 10_000, "d" * 500, "__class__",
    "х", "x\u200b", "\x00", "dx/dL", "dL/dL", "d2L/dLdx", "dx/dx", "dL/d2", "2", "L(x)", "f'", "f(x)",
    "undefined", "<script>", "[bold]x[/bold]",
]  # fmt: skip
BOMB = "a: &a [" + ",".join(["lol"] * 9) + "]\n" + "".join(
    f"{chr(98 + k)}: &{chr(98 + k)} [{','.join([f'*{chr(97 + k)}'] * 9)}]\n" for k in range(12)
)  # fmt: skip
BAD_SHEETS: dict[str, bytes] = {
    "empty": b"",
    "a byte": b"\x00",
    "a BOM": b"\xef\xbb\xbf",
    "blank lines": b"\n\n\n",
    "YAML bomb": BOMB.encode(),
    "YAML merge bomb": b"a: &a {x: 1}\nb: &b {<<: [*a, *a, *a]}\nc: {<<: [*b, *b, *b]}\n",
    "YAML cycle": b"x: &a [*a]\n",
    "YAML cycle of maps": b"&a x: *a\n",
    "YAML tag": b"x: !!python/object/apply:os.system ['id']\n",
    "YAML twice": b"x: 1\nx: 2\n",
    "YAML deep": b"x: " + b"[" * 5000,
    "YAML deep map": b"{x: " * 3000,
    "YAML list": b"- 1\n- 2\n",
    "YAML types": b"x: 2024-01-01\ny: yes\nL: .nan\n",
    "YAML numbers": b"x: 0x10\ny: 0o17\nL: 1_000\n",
    "YAML null": b"x:\ny: ~\n",
    "YAML binary": b"x: !!binary R0lGOD\n",
    "YAML documents": b"x: 1\n---\nx: 2\n",
    "YAML keys": b"1: 2\n? [x, y]\n: 3\n",
    "YAML anchors": b"x: &v 2\ny: *v\n",
    "YAML missing anchor": b"x: *nobody\n",
    "JSON deep": b"[" * 100_000,
    "JSON deep map": b'{"x":' * 50_000,
    "JSON twice": b'{"x": 1, "x": 2}',
    "JSON NaN": b'{"x": NaN, "y": Infinity}',
    "JSON huge number": b'{"x": ' + b"9" * 10_000 + b"}",
    "JSON huge float": b'{"x": 1e999}',
    "JSON types": b'{"x": [1], "y": {"a": 1}, "L": true}',
    "JSON mixed": b'[{"x": 1}, 2, null, "x=3", []]',
    "JSON scalar": b"3",
    "JSON string": b'"x=3"',
    "JSON null": b"null",
    "JSON empty": b"{}",
    "JSON empties": b"[{}, {}]",
    "JSON surrogate": b'{"x": "\\ud800"}',
    "JSON escape": b'{"x": "\\u001b[31m2"}',
    "JSON cut off": b'{"x": 1',
    "CSV quotes": b'student,x,y\n"Ann ""A"" Lee, Jr.",2,"1"\n',
    "CSV open quote": b'student,x\n"ann,2\n',
    "CSV BOM": b"\xef\xbb\xbfstudent,x\nann,2\n",
    "CSV UTF-16": "student,x\nann,2\n".encode("utf-16"),
    "CSV Latin-1": "student,x\nZoë,2\n".encode("latin-1"),
    "CSV CRLF": b"student,x\r\nann,2\r\n",
    "CSV CR": b"student,x\rann,2\r",
    "CSV semicolons": b"student;x\nann;2\n",
    "CSV ragged": b"student,x,y\nann,2\nben,1,2,3,4\n\n,,\n",
    "CSV header alone": b"student,x\n",
    "CSV twice": b"student,x,x\nann,1,2\n",
    "CSV same student": b"student,x\nann,1\nann,2\n",
    "CSV NUL": b"student,x\nann,\x002\n",
    "CSV formula": b"student,x\n=cmd|' /C calc'!A0,=1+1\n",
    "CSV markup": b"student,x\n[red]ann[/red],<b>2</b>\n]]>,&\n",
    "CSV newline": b'student,x\n"ann\nlee","2\n+3"\n',
    "CSV unknown column": b"student,q\nann,2\n",
    "CSV no student": b"x,y\n1,2\n3,4\n",
    "lines": b"x = 2\ny = 3\n",
    "lines, odd": b"x\n= 2\nx == 3\n",
    "a megabyte": b"x" * (1 << 20),
    "more than a megabyte": b"x = 2\n" * 200_000,
    "a long answer": b"x = " + b"1+" * 500_000 + b"1\n",
    "random bytes": bytes(random.Random(0).randrange(256) for _ in range(4096)),
}
BAD_OPTIONS = [
    ["--marks", "x=nan"], ["--marks", "x=-1"], ["--marks", "x=1e309"], ["--marks", "q=1"],
    ["--marks", "=,="], ["--marks", "x=1,x=2"], ["--marks", ""], ["--credit", "rounded=2"],
    ["--credit", "named=-1"], ["--credit", "no=1"], ["--marks", "x=0"], ["--marks", "x=1e300"],
    ["--least-digits", "0"], ["--least-digits", "99"], ["--digits", "0"], ["--student", "nobody"],
    ["--at-step", "0"], ["--format", "cvs"], ["-o", "/nowhere/at/all.json"], ["-o", "answers.exe"],
    ["--gradcheck"], ["--text", "/nowhere"],
]  # fmt: skip
FORMATS = ("table", "csv", "tsv", "json", "junit", "gradescope", "markdown")


def well_formed(format_: str, text: str) -> None:
    """Hold an output to its format."""
    if format_ in ("json", "gradescope"):
        answer = strict(text)
        if format_ == "gradescope" and not {"tests", "score"} & answer.keys():
            raise Broken(f"no results.json: {text[:200]}")
    elif format_ == "junit":
        try:
            root = ET.fromstring(text)
        except ET.ParseError as error:
            raise Broken(f"no XML: {error}: {text[:200]!r}") from None
        cases, failures = root.iter("testcase"), list(root.iter("failure")) + list(root.iter("error"))
        suites = [root] if root.tag == "testsuite" else list(root.iter("testsuite"))
        stated = sum(int(s.get("tests", "0")) for s in suites)
        failed = sum(int(s.get("failures", "0")) + int(s.get("errors", "0")) for s in suites)
        if stated != sum(1 for _ in cases) or failed != len(failures):
            raise Broken(f"JUnit counts {stated} tests and {failed} failures")
    elif format_ == "markdown":
        for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            widths = {len(re.sub(r"\\\|", "", row).split("|")) for row in table.splitlines()}
            if len(widths) > 1:
                raise Broken(f"a Markdown table of rows of {widths} cells: {table[:300]}")
    elif format_ in ("csv", "tsv"):
        lines = list(csv.reader(io.StringIO(text), delimiter="," if format_ == "csv" else "\t", strict=True))
        if len({len(row) for row in lines}) != 1 or lines[0][:3] != ["student", "marks", "of"]:
            raise Broken(f"no table of marks: {text[:300]}")
    if any(c in text for c in "\x00\x1b\u202e\u200b\ud800"):
        raise Broken(f"{format_}: a character that no terminal should see: {ascii(text)[:300]}")


def hostile(draw: random.Random, tally: Tally) -> None:
    """Give it what is no good, twice, in every format."""
    program, point = draw.choice(
        [
            ("L = x^2*y + sin(x)", ["x=0.5", "y=2"]),
            ("d = x*y; L = |d| + x", ["x=1", "y=-1"]),
            ("L = x^2*y", []),
        ]
    )
    kind = draw.choice(["answer", "name", "sheet", "option", "class", "words"])
    words, stdin, limit = ["check", program, *point], b"", 30
    if kind == "answer":
        answers = draw.choices(BAD_ANSWERS, k=draw.choice([1, 1, 3]))
        if draw.random() < 0.5:
            words += [w for a in answers for w in ("--claim", f"x={a}")]
            kind = "answer --claim"
        else:
            words += ["--claims", "-"]
            rows = [{"student": f"s{k}", "x": a, "L": "x"} for k, a in enumerate(answers)]
            stdin = json.dumps(rows).encode()
    elif kind == "name":
        bad = draw.choice(BAD_NAMES)
        if draw.random() < 0.5:
            words += ["--claim", f"{bad}=2"]
        else:
            words, stdin = (
                [*words, "--claims", "-"],
                json.dumps([{"student": "s", bad: "2", "x": 1}]).encode(),
            )
    elif kind == "sheet":
        which = draw.choice(list(BAD_SHEETS))
        words, stdin, kind = [*words, "--claims", "-"], BAD_SHEETS[which], f"sheet {which}"
        if draw.random() < 0.3:
            at = draw.randrange(len(stdin) + 1)
            stdin = stdin[:at] + bytes([draw.randrange(256)]) + stdin[at + draw.randrange(3) :]
    elif kind == "option":
        words += ["--claim", "x=2", *draw.choice(BAD_OPTIONS), *draw.choice([[], *BAD_OPTIONS])]
    elif kind == "words":
        words = ["check", draw.choice([program, *BAD_ANSWERS]), *point, "--claim", draw.choice(BAD_ANSWERS)]
    else:
        rows = io.StringIO()
        table = csv.writer(rows)
        table.writerow(["student", "x", "y", "L", "d2L/dx2"])
        for k in range(draw.randint(1, 40)):
            table.writerow([f"s{k}", *draw.choices([*BAD_ANSWERS[:24], "2", "x", "4.5", "2*x*y"], k=4)])
        words, stdin = [*words, "--claims", "-"], rows.getvalue().encode("utf-8", "replace")
    format_ = draw.choice(FORMATS)
    words += ["--format", format_] if "--format" not in words else []
    with tempfile.TemporaryDirectory() as folder:
        here = os.getcwd()
        os.chdir(folder)
        try:
            begin = time.monotonic()
            first = run(words, stdin, limit)
            seconds = time.monotonic() - begin
            second = run(words, stdin, limit)
        finally:
            os.chdir(here)
    label = kind.split(" ")[0]
    tally.ended[label, f"status {first[0]}"] += 1
    show = f"{str(words)[:600]} stdin {stdin[:300]!r}"
    if first != second:
        raise Broken(f"two answers: {show}\n      {first[1][:200]!r}\n      {second[1][:200]!r}")
    if seconds > 15:
        raise Broken(f"{seconds:.0f} s: {show}")
    if first[1] and format_ in words and "-o" not in words:
        try:
            well_formed(format_, first[1])
        except Broken as broken:
            raise Broken(f"{show}: {broken}") from None
    if not first[1] and not first[2].strip() and "-o" not in words:
        raise Broken(f"not a word: status {first[0]}: {show}")


KINDS: dict[str, Callable[[random.Random, Tally], None]] = {
    "right": right,
    "wrong": wrong,
    "near": near,
    "general": general,
    "follows": follows,
    "steps": steps,
    "hostile": hostile,
}


def case(kind: str, seed: int, tally: Tally) -> list[str]:
    """Run one case, return its faults."""
    before = len(tally.faults)
    mp.dps = DIGITS
    try:
        KINDS[kind](random.Random(f"{kind} {seed}"), tally)
    except Broken as broken:
        tally.faults.append(str(broken))
    return tally.faults[before:]


def print_tallies(tallies: dict[str, Tally], runs: Counter[str]) -> None:
    for kind, tally in tallies.items():
        if not tally.ended:
            continue
        rows: dict[str, Counter[str]] = {}
        for (what, end), count in tally.ended.items():
            rows.setdefault(what, Counter())[end] += count
        lines = [
            [what, sum(c.values()), ", ".join(f"{w} {n}" for w, n in c.most_common())]
            for what, c in sorted(rows.items())
        ]
        print_table(f"{kind}: {runs[kind]} cases", ["claimed", "claims", "verdicts"], lines)
    if (named := tallies.get("wrong")) and named.named:
        lines = []
        for kind in NAMED:
            row = [kind]
            for form in ("number", "formula"):
                counts = [named.named[kind, f"{form}: {o}"] for o in OUTCOMES]
                row += [" / ".join(map(str, counts)) if any(counts) else ""]
            words = Counter(
                {k[1][3:]: n for k, n in named.named.items() if k[0] == kind and k[1][:3] == "as "}
            )
            row.append(", ".join(f"{w} {n}" for w, n in words.most_common(5)))
            if words:
                lines.append(row)
        heads = ["mistake made", "numbers", "formulas", "named as"]
        print_table(f"wrong: {runs['wrong']} cases; {' / '.join(OUTCOMES)}", heads, lines)


def main() -> None:
    """Soak, print what happened, exit 1 when something broke."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--kinds", default=",".join(KINDS))
    options.add_argument("--most", type=int, default=20, help="stop after so many faults")
    options.add_argument("--examples", action="store_true", help="show a claim of each kind of outcome")
    given = options.parse_args()
    kinds = given.kinds.split(",")
    tallies = {kind: Tally() for kind in kinds}
    runs: Counter[str] = Counter()
    begin, seed, faults = time.monotonic(), given.seed, 0
    while faults < given.most and (seed == given.seed or time.monotonic() - begin < given.seconds):
        for kind in kinds:
            runs[kind] += 1
            found = case(kind, seed, tallies[kind])
            faults += len(found)
            for fault in found[:3]:
                print(f"--kinds {kind} --seed {seed} --seconds 0\n    {fault}", flush=True)
            if len(found) > 3:
                print(f"    ... {len(found) - 3} more", flush=True)
        seed += 1
    if given.examples:
        for kind in kinds:
            for (what, outcome), example in sorted(tallies[kind].examples.items()):
                print(f"{what} | {outcome}\n    {example}")
    print(f"Soak of {shown(time.monotonic() - begin)}, {setting()}\n")
    print_tallies(tallies, runs)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
