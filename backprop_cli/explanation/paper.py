"""Arithmetic on paper: every result rounded to so many decimals, in the order it is written in.

A written row is a primitive whose value and slopes *are* its expressions: what a reader sees is what is
computed, and where every result is rounded, it is rounded the same in both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from copy import copy
from decimal import ROUND_HALF_UP, Decimal
from math import isfinite, prod
from sys import float_info
from typing import Any

from ..ops import ALIASES, PRIMITIVES, Primitive
from ..ops.namespaces import FLOATS
from .expr import Apply, Expr, Exprs, Number, Ref, read
from .names import Name

Slope = Callable[[int, Exprs, Expr, Exprs], Expr]
NAMELESS = Name("")


class Paper:
    """Rounds as a hand does: half away from zero, after so many decimals.

    Args:
        decimals: None rounds nothing.
    """

    def __init__(self, decimals: int | None = None) -> None:
        self.decimals = decimals
        self._last = None if decimals is None else Decimal(1).scaleb(-decimals)

    def __call__(self, x: float) -> float:
        """Return the rounded number; a product of short decimals is taken for the decimal it is."""
        if self._last is None or not isfinite(x) or abs(x) >= 1e12:
            return x
        return float(Decimal(f"{x:.15g}").quantize(self._last, ROUND_HALF_UP)) + 0.0

    @property
    def exact(self) -> bool:
        """Whether it rounds nothing."""
        return self.decimals is None

    def number(self, x: float) -> Rounded | float:
        """Return a number whose products and sums are rounded."""
        return x if self.exact else Rounded(self(x), self)


class Rounded(float):
    """A cotangent on paper."""

    paper: Paper

    def __new__(cls, x: float, paper: Paper) -> Rounded:
        self = super().__new__(cls, x)
        self.paper = paper
        return self

    def __mul__(self, other: float) -> Rounded:
        return Rounded(self.paper(float(self) * float(other)), self.paper)

    def __add__(self, other: float) -> Rounded:
        return Rounded(self.paper(float(self) + float(other)), self.paper)

    __rmul__ = __mul__
    __radd__ = __add__


def evaluate(expr: Expr, paper: Paper) -> float:
    """Return the number of an expression; every result that is not built from `Number` alone is rounded."""
    return _evaluated(expr, paper)[0]


def read_as_shown(expr: Expr, shown: Callable[[float], float]) -> float:
    """Return what an expression comes to for who reads it: of its numbers as they are shown."""

    def read(e: Expr) -> Expr:
        return Apply(e.op, tuple(map(read, e.operands))) if isinstance(e, Apply) else Number(shown(e.value))

    return evaluate(read(expr), Paper())


def has_value(expr: Expr) -> bool:
    """Whether all that an expression is computed from is a number: ``0^2*log(0)``, a limit, is not."""
    if not isinstance(expr, Apply):
        return isfinite(expr.value)
    return all(map(has_value, expr.operands)) and isfinite(evaluate(expr, Paper()))


def is_noise(expr: Expr, noise: Collection[float]) -> bool:
    """Whether all that an expression comes to is the rounding of floats: ``0.1 + 0.2 - 0.3`` is 0 on paper.

    Args:
        expr: How a number is computed.
        noise: Numbers that are known for that.
    """

    def sized(e: Expr) -> tuple[float, float]:
        """Return the number, and how large those are that it is the sum of."""
        if not isinstance(e, Apply):
            x = 0.0 if isinstance(e, Ref) and e.value in noise else e.value
            return x, abs(x)
        parts = [sized(o) for o in e.operands]
        x = _evaluated(Apply(e.op, tuple(Number(x) for x, _ in parts)), Paper())[0]
        sizes = [size for _, size in parts]
        if e.op in ("add", "subtract", "negative"):
            return x, sum(sizes)
        if e.op == "divide" and sizes[1]:
            return x, sizes[0] / sizes[1]
        return x, prod(sizes) if e.op == "multiply" else abs(x)

    x, size = sized(expr)
    return abs(x) <= NOISE * size


NOISE = 8 * float_info.epsilon
"""Of the numbers that are added: what is less is their rounding."""


def _evaluated(expr: Expr, paper: Paper) -> tuple[float, bool]:
    """Return value and whether it is a constant of the rule."""
    if not isinstance(expr, Apply):
        return expr.value, isinstance(expr, Number)
    parts = [_evaluated(o, paper) for o in expr.operands]
    constant = all(c for _, c in parts)
    rounds = (lambda x: x) if constant else paper
    xs = [x for x, _ in parts]
    if expr.op in ("add", "multiply"):
        total = xs[0]
        for x in xs[1:]:
            total = rounds(total + x if expr.op == "add" else total * x)
        return total, constant
    return rounds(_applied(expr.op, xs)), constant


def _applied(name: str, xs: Sequence[float]) -> float:
    stem = name.removesuffix("'")
    row = PRIMITIVES[ALIASES.get(stem, stem)]
    operands = [*xs, *row.omitted(len(xs))]
    y = row.forward(FLOATS, *operands)
    return float(row.partials(FLOATS, y, *operands)[0] if name.endswith("'") else y)


def worked(expr: Expr, paper: Paper) -> Expr | None:
    """Return an expression with what is rounded on the way put in; None where nothing is."""
    if paper.exact or not isinstance(expr, Apply):
        return None
    found = _worked(expr, paper)
    return None if found == expr or not isinstance(found, Apply) else found


def _worked(expr: Apply, paper: Paper) -> Expr:
    if expr.op == "negative" and isinstance(expr.operands[0], Apply):
        return Apply("negative", (_worked(expr.operands[0], paper),))
    if expr.op not in ("add", "subtract", "multiply"):
        return expr

    def settled(o: Expr) -> Expr:
        if not isinstance(o, Apply) or _evaluated(o, paper)[1]:
            return o
        if expr.op == "multiply" and o.op == "add":
            return _worked(o, paper)
        return Ref(NAMELESS, evaluate(o, paper))

    return Apply(expr.op, tuple(map(settled, expr.operands)))


class Row(Primitive):
    """A primitive that is what is written.

    Args:
        name: What it is.
        paper: Rounds.
        write: Operands -> expression.
        slope: ``(which operand, operands, value, others) -> expression``; others are what ``beside`` says.
        exact: Operands -> value, where nothing is rounded: in fewer steps, or without overflow.
        beside: Operands -> further numbers that slopes are written over, rounded.
    """

    __slots__ = ("slope", "write")

    def __init__(
        self,
        name: str,
        paper: Paper,
        write: Callable[[Exprs], Expr],
        slope: Slope,
        exact: Callable[..., float] | None = None,
        beside: Callable[[tuple[float, ...]], list[float]] = lambda xs: [],
    ) -> None:
        self.write = write
        self.slope = slope

        def forward(xp: Any, *xs: float) -> float:
            return exact(*xs) if exact is not None and paper.exact else evaluate(write(_refs(xs)), paper)

        def partials(xp: Any, y: float, *xs: float) -> list[float]:
            refs, others = _refs(xs), _refs(beside(xs))
            return [evaluate(slope(k, refs, Ref(NAMELESS, y), others), paper) for k in range(len(xs))]

        super().__init__(
            name, forward=forward, partials=partials, symbol=_no_symbol, sample=(), says=name, arity=(0, None)
        )


def _refs(xs: Sequence[float]) -> list[Expr]:
    return [Ref(NAMELESS, x) for x in xs]


def _no_symbol(*_: Any) -> None:
    raise AssertionError("a written row has no SymPy form")


def on_paper(row: Primitive, constants: tuple[bool, ...], paper: Paper) -> Primitive:
    """Return a row of the registry whose value is rounded, and whose slopes are computed as written.

    Args:
        row: Of the registry.
        constants: Which operands are numbers of the rule.
        paper: Rounds.
    """
    if paper.exact:
        return row

    def operands(xs: Sequence[float]) -> list[Expr]:
        return [Number(x) if c else Ref(NAMELESS, x) for x, c in zip(xs, constants, strict=True)]

    again = copy(row)
    again.forward = lambda xp, *xs: paper(row.forward(FLOATS, *map(float, xs)))
    again.partials = lambda xp, y, *xs: [
        evaluate(slope_of(row, k, operands(xs), Ref(NAMELESS, y)), paper) for k in range(len(xs))
    ]
    return again


def slope_of(row: Primitive, k: int, operands: Exprs, y: Expr) -> Expr:
    """Write a local derivative of a row of the registry over its operands."""
    if isinstance(row, Row):
        return row.slope(k, operands, y, ())
    text = row.local[k] if row.local else ""
    if row.name == "divide" and k and isinstance(y, Ref):
        text = "-y/b"  # a number that the page has already
    single = row.arity[0] == 1
    if single and k == 0 and "where" in text:
        return Apply(f"{row.name}'", (operands[0],))
    if not text or "where" in text:
        xs = [evaluate(o, Paper()) for o in operands]
        return Number(float(row.partials(FLOATS, row.forward(FLOATS, *xs), *xs)[k]))
    return read(text, dict(zip(row.params, operands, strict=False)) | {"y": y}, signed=False)
