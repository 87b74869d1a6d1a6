"""Expressions as they are written down: numbers, names with their numbers, primitives over them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import reduce
from math import e as euler
from typing import NamedTuple, TypeGuard

from ..language.fold import fold, postfix
from ..language.numbers import exact_text
from ..language.operators import CONSTANTS, LETTERS
from ..language.parser import Item
from ..language.written import TEXTBOOK, Piece, atom, number, spell
from ..ops import Primitive
from ..ops.logarithm import LN, LOG, logarithm
from ..ops.sums import DOT, SUM, halves
from .names import Name


class Number(NamedTuple):
    """A number of the rule, the program or the config: exact, never rounded.

    Attributes:
        value: The number.
        label: How it is written where names are, ``pi``; "" for its digits.
    """

    value: float
    label: str = ""


class Ref(NamedTuple):
    """A number that was computed or given, by its name."""

    name: Name
    value: float


class Apply(NamedTuple):
    """A primitive by name over expressions; sums and products take any number of them.

    A name with a prime, ``relu'``, is the slope of a function of one number.
    """

    op: str
    operands: tuple[Expr, ...]


Expr = Number | Ref | Apply
Exprs = Sequence[Expr]

ZERO, ONE = Number(0.0), Number(1.0)

LONGEST_NUMBER = 12
"""Characters of a number that is worked out."""

OF_AN_ARRAY = re.compile(r"(\w+)\[([0-9,]+)\]")
"""The name of a number of an array, ``A[0,1]``, which a formula over single numbers has for one name."""


def read(text: str, known: Mapping[str, Expr], *, signed: bool = True) -> Expr:
    """Return an expression of our language as a tree.

    Args:
        text: The expression.
        known: What stands for its names, but for constants.
        signed: A sign before digits belongs to the number; it is an operation otherwise.
    """

    if "[" in text:
        plain = {name: f"n{k}_" for k, name in enumerate(known)}
        text = OF_AN_ARRAY.sub(lambda found: plain[found[0]], text)
        known = {**known, **{plain[name]: expr for name, expr in known.items()}}

    def apply(item: Item, operands: Exprs) -> Expr:
        first = operands[0]
        if signed and item.text == "negative" and isinstance(first, Number) and not first.label:
            return Number(-first.value)
        if item.text == "multiply":
            return multiply(*operands)
        return Apply(log if item.text == LOG else item.text.rstrip("("), tuple(operands))

    log = logarithm(text)

    return fold(
        postfix(text),
        name=lambda item: known[item.text] if item.text in known else _constant(item.text),
        number=lambda item: (
            _constant(LETTERS[item.text]) if item.text in LETTERS else Number(float(item.text))
        ),
        apply=apply,
    )


def _constant(name: str) -> Number:
    return Number(CONSTANTS[name].value, name)


# as they are given, but for ones


def add(*terms: Expr) -> Expr:
    """Write a sum; one of no terms is 0."""
    if len(terms) < 2:
        return terms[0] if terms else ZERO
    return Apply("add", terms)


def multiply(*factors: Expr) -> Expr:
    """Write a product, without ones."""
    left = [f for f in factors if f != ONE and f != Number(-1.0)]
    product = ONE if not left else left[0] if len(left) == 1 else Apply("multiply", tuple(left))
    odd = sum(f == Number(-1.0) for f in factors) % 2
    return Apply("negative", (product,)) if odd else product


def subtract(a: Expr, b: Expr) -> Expr:
    """Write a difference."""
    return Apply("subtract", (a, b))


def fraction(a: float, n: float) -> Expr:
    """Write a factor a/n."""
    return Number(a) if n == 1 else Apply("divide", (Number(a), Number(float(n))))


def applied(op: Primitive, operands: Exprs, name: str = "") -> Expr:
    """Write a primitive, by its own name or another; sums of products in one line."""
    if op is DOT:
        return add(*map(multiply, *halves(operands)))
    return add(*operands) if op is SUM else Apply(name or op.name, tuple(operands))


# without what needs no writing


def simplified(e: Expr) -> Expr:
    """Return an expression with its numbers worked out where they stay short, and ones and zeros left out."""
    if not isinstance(e, Apply):
        return e
    parts = [simplified(o) for o in e.operands]
    if e.op == "multiply":
        return times(*parts)
    if e.op in ("add", "subtract"):
        return plus(parts[0], parts[1], e.op == "subtract")
    if e.op in ("power", "power_n"):
        return power(parts[0], parts[1])
    if e.op == "negative":
        return negated(parts[0])
    if e.op in (LOG, LN) and isinstance(parts[0], Number) and parts[0].label and parts[0].value == euler:
        return ONE
    return Apply(e.op, tuple(parts))


def _plain(e: Expr) -> float | None:
    return e.value if isinstance(e, Number) and not e.label else None


def times(*factors: Expr) -> Expr:
    """Write a product: 0 where a factor is 0, without ones, signs in front."""
    kept: list[Expr] = []
    minus = False
    for factor in factors:
        negative, factor = unsigned(factor)
        minus ^= negative
        number = _plain(factor)
        if number == 0.0:
            return ZERO
        if isinstance(factor, Apply) and factor.op == "multiply":
            kept += factor.operands
        elif number != 1.0:
            kept.append(factor)
    return negated(multiply(*kept)) if minus else multiply(*kept)


def unsigned(e: Expr) -> tuple[bool, Expr]:
    """Return whether an expression begins with a sign, and the expression without it."""
    number = _plain(e)
    if number is not None and number < 0:
        return True, Number(-number)
    if isinstance(e, Apply):
        if e.op == "negative":
            return True, e.operands[0]
        if e.op in ("multiply", "divide"):
            minus, first = unsigned(e.operands[0])
            return minus, Apply(e.op, (first, *e.operands[1:])) if minus else e
    return False, e


def plus(a: Expr, b: Expr, minus: bool = False) -> Expr:
    """Write a sum or a difference, without zeros."""
    x, y = _plain(a), _plain(b)
    if y == 0.0:
        return a
    if x == 0.0:
        return negated(b) if minus else b
    if x is not None and y is not None:
        return Number(float(f"{x - y if minus else x + y:.15g}"))
    negative, rest = unsigned(b)
    if negative and isinstance(b, Apply):
        return plus(a, rest, not minus)
    if y is not None and y < 0:
        return plus(a, Number(-y), not minus)
    return Apply("subtract" if minus else "add", (a, b))


def negated(e: Expr) -> Expr:
    """Write a negative."""
    number = _plain(e)
    if number is not None:
        return Number(-number + 0.0)
    minus, rest = unsigned(e)
    if minus:
        return rest
    if isinstance(e, Apply) and e.op in ("multiply", "divide"):  # the sign stands in front
        return Apply(e.op, (negated(e.operands[0]), *e.operands[1:]))
    return Apply("negative", (e,))


def over(a: Expr, b: Expr) -> Expr:
    """Write a fraction."""
    if _plain(a) == 0.0:
        return ZERO
    return Apply("divide", (a, b))


def power(a: Expr, n: Expr) -> Expr:
    """Write a power; the first and the zeroth are no powers."""
    number = _plain(n)
    if number == 1.0:
        return a
    return ONE if number == 0.0 else Apply("power", (a, n))


def is_choice(e: Expr) -> TypeGuard[Apply]:
    """Whether an expression is a choice by a condition."""
    return isinstance(e, Apply) and e.op == "where"


def choice(c: Expr, a: Expr, b: Expr) -> Expr:
    """Write a choice; between equals there is none."""
    return a if a == b else Apply("where", (c, a, b))


def product_of(factors: Sequence[Expr]) -> Expr:
    """Return a product with its numbers multiplied and in front: ``(-7)*b`` of ``7``, ``-1`` and ``b``."""
    number, rest, todo = 1.0, list[Expr](), list(reversed(factors))
    while todo:
        top = todo.pop()
        if isinstance(top, Apply) and top.op == "multiply":
            todo += reversed(top.operands)
        elif isinstance(top, Apply) and top.op == "negative":
            number = -number
            todo.append(top.operands[0])
        elif isinstance(top, Number) and not top.label:
            # as on paper: decimals have no rounding error
            number = float(f"{number * top.value:.15g}")
        else:
            rest.append(top)
    return multiply(Number(number), *rest) if number and rest else Number(number)


def fronted(e: Expr) -> Expr:
    """Return an expression with the numbers of its products worked out and in front, but for ones."""
    if not isinstance(e, Apply):
        return e
    whole = Apply(e.op, tuple(map(fronted, e.operands)))
    if e.op != "multiply" or ONE in e.operands:
        return whole
    signs, factors = zip(*map(unsigned, whole.operands), strict=True)
    found = product_of(factors)
    first = found.operands[0] if isinstance(found, Apply) else found
    if len(exact_text(_plain(first) or 1.0)) > LONGEST_NUMBER:
        return whole
    return negated(found) if sum(signs) % 2 else found


def tidied(e: Expr) -> Expr:
    """Return an expression simplified: numbers of products worked out, powers of a name in one."""
    e = simplified(e)
    if not isinstance(e, Apply):
        return e
    parts = tuple(map(tidied, e.operands))
    if e.op != "multiply":
        return simplified(Apply(e.op, parts))
    powers: dict[Expr, float] = {}
    others: list[Expr] = []
    for factor in _factors(parts):
        base, n = factor, 1.0
        if isinstance(factor, Apply) and factor.op in ("power", "power_n"):
            exponent = _plain(factor.operands[1])
            base, n = (factor.operands[0], exponent) if exponent is not None else (factor, 1.0)
        if isinstance(base, Ref) and n > 0:
            powers[base] = powers.get(base, 0.0) + n
        else:
            others.append(factor)
    return product_of([*(power(base, Number(n)) for base, n in powers.items()), *others])


def _factors(parts: Exprs) -> list[Expr]:
    return [
        f
        for part in parts
        for f in (part.operands if isinstance(part, Apply) and part.op == "multiply" else [part])
    ]


def as_fractions(e: Expr) -> Expr:
    """Return an expression with a product by 1/b as what stands before it over b."""
    if not isinstance(e, Apply):
        return e
    parts = tuple(map(as_fractions, e.operands))
    if e.op != "multiply":
        return Apply(e.op, parts)
    above, below = list[Expr](), list[Expr]()
    for part in parts:
        if isinstance(part, Apply) and part.op == "divide" and part.operands[0] == ONE:
            below.append(part.operands[1])
        else:
            above.append(part)
    return over(multiply(*above), multiply(*below)) if below else Apply(e.op, parts)


def over_names(e: Expr) -> Piece:
    """Write an expression over names as an operand of our own language."""
    if isinstance(e, Ref):
        return atom(e.name.text)
    if isinstance(e, Number):
        return number(e.label or exact_text(e.value))
    operands = [over_names(o) for o in e.operands]
    if e.op in ("add", "multiply"):
        return reduce(lambda a, b: spell(TEXTBOOK, e.op, [a, b]), operands)
    return spell(TEXTBOOK, e.op, operands)
