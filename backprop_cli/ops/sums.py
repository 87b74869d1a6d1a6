"""Rows that no user writes: what rows over arrays come down to, number by number."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import mul
from typing import TypeVar

from .primitive import Primitive

T = TypeVar("T")


def halves(xs: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    """Return the first and the second half: of a sum of products, its left and its right factors."""
    half = len(xs) // 2
    return xs[:half], xs[half:]


DOT: Primitive = Primitive(
    "products",
    arity=(2, None),
    forward=lambda xp, *xs: sum(map(mul, *halves(xs))),
    partials=lambda xp, y, *xs: beside(DOT, xs, 1.0),
    symbol=lambda sp, *xs: sp.Add(*map(mul, *halves(xs))),
    sample=(),
    says="the sum of the products of one half of the operands with the other",
)
SUM: Primitive = Primitive(
    "terms",
    arity=(1, None),
    forward=lambda xp, *xs: sum(xs),
    partials=lambda xp, y, *xs: beside(SUM, xs, 1.0),
    symbol=lambda sp, *xs: sp.Add(*xs),
    sample=(),
    additive=True,
    says="the sum of all operands",
)
LARGEST = Primitive(
    "largest",
    arity=(1, None),
    forward=lambda xp, *xs: xp.max(*xs),
    # it is taken out of exponents against overflow, where any number serves: no result depends on it
    partials=lambda xp, y, *xs: (0.0,) * len(xs),
    symbol=lambda sp, *xs: sp.Integer(0),
    sample=(),
    says="the largest operand, where any number serves",
)

PICK = Primitive(
    "pick",
    arity=(2, None),
    forward=lambda xp, k, *xs: reduce(
        lambda rest, at: xp.where(xp.equal(k, float(at)), xs[at], rest), range(len(xs)), xp.nan
    ),
    partials=lambda xp, y, k, *xs: (0.0, *(xp.equal(k, float(at)) for at in range(len(xs)))),
    symbol=lambda sp, k, *xs: sp.Piecewise(*((x, sp.Eq(k, at)) for at, x in enumerate(xs))),
    chosen=lambda k, *xs: (0, 1 + int(k)) if k in range(len(xs)) else tuple(range(1 + len(xs))),
    sample=(),
    says="the operand that the first one counts, from 0",
)


def beside(op: Primitive, operands: Sequence[T], one: T) -> tuple[T, ...]:
    """Return the local derivatives of a sum: 1 by each term, by a factor the other one."""
    left, right = halves(operands)
    return (one,) * len(operands) if op is SUM else (*right, *left)
