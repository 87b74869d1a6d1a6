"""Postfix lists read from left to right: leaves are pushed, a primitive takes its operands from the stack."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TypeVar

from .parser import NAME_ITEM, NUMBER_ITEM, Item
from .reader import read

Value = TypeVar("Value")


def fold(
    items: Iterable[Item],
    *,
    name: Callable[[Item], Value],
    number: Callable[[Item], Value],
    apply: Callable[[Item, list[Value]], Value],
) -> Value:
    """Return what a postfix list comes to.

    Args:
        items: One expression.
        name: Value of a name.
        number: Value of a literal.
        apply: Value of a primitive over as many operands as are written.
    """
    stack: list[Value] = []
    push = stack.append
    for item in items:
        arity = item[1]
        if arity == NAME_ITEM:
            push(name(item))
        elif arity == NUMBER_ITEM:
            push(number(item))
        else:
            operands = stack[-arity:]
            del stack[-arity:]
            push(apply(item, operands))
    return stack[0]


@lru_cache(maxsize=4096)
def postfix(text: str) -> tuple[Item, ...]:
    """Return one expression as a postfix list; the table's own formulas are read once."""
    return tuple(read(text).statements[0].items)
