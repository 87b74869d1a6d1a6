"""Choices in a local derivative at a point: what they come to, and what was compared."""

from __future__ import annotations

from typing import NamedTuple

from .expr import Apply, Expr, Ref, is_choice, simplified
from .paper import Paper, evaluate


class Decided(NamedTuple):
    """An expression without choices.

    Attributes:
        expr: What is left.
        compared: Both sides of each comparison that was made on the way.
    """

    expr: Expr
    compared: tuple[tuple[Expr, Expr], ...]


def decided(expr: Expr, paper: Paper) -> Decided:
    """Take the branches that an expression takes by the numbers of its names; constants stay as they are."""
    compared: list[tuple[Expr, Expr]] = []

    def taken(e: Expr) -> Expr:
        if not isinstance(e, Apply) or not _has_names(e):
            return e
        if not is_choice(e):
            return Apply(e.op, tuple(map(taken, e.operands)))
        condition, yes, no = e.operands
        if isinstance(condition, Apply):
            left, right = condition.operands
            compared.append((left, right))
        return taken(yes if evaluate(condition, paper) else no)

    found = taken(expr)
    return Decided(simplified(found) if compared else expr, tuple(compared))


def _has_names(e: Expr) -> bool:
    return any(map(_has_names, e.operands)) if isinstance(e, Apply) else isinstance(e, Ref)
