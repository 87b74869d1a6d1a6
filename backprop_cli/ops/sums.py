"""Rows that no user writes: what rows over arrays come down to, number by number."""

from __future__ import annotations

from collections.abc import Sequence
from operator import mul
from typing import Any

from .primitive import Primitive


def _halves(xs: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    half = len(xs) // 2
    return xs[:half], xs[half:]


DOT = Primitive(
    "dot",
    arity=(2, None),
    forward=lambda xp, *xs: sum(map(mul, *_halves(xs))),
    partials=lambda xp, y, *xs: (*_halves(xs)[1], *_halves(xs)[0]),
    symbol=lambda sp, *xs: sp.Add(*map(mul, *_halves(xs))),
    sample=(),
    says="the sum of the products of one half of the operands with the other",
)
SUM = Primitive(
    "sum",
    arity=(1, None),
    forward=lambda xp, *xs: sum(xs),
    partials=lambda xp, y, *xs: (1.0,) * len(xs),
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
