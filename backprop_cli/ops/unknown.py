"""Functions that nobody has written down: rows made where a program has them, one for each derivative."""

from __future__ import annotations

from functools import cache
from math import pi
from typing import Any

from .primitive import Primitive


class UnknownFunction(Primitive):
    """A function of which nothing is known but its name, or one of its derivatives.

    Formulas are judged by numbers, too: for that it is some function, a sum of waves. No number that a user
    is shown comes of it.

    Attributes:
        function: Its name.
        operands: What its operands are called where it is written, ``("x", "y")``; ``("1", "2")`` where they
            are called in more than one way, or by longer names.
        orders: How often it is differentiated by each operand.
    """

    __slots__ = ("function", "operands", "orders")

    def __init__(self, function: str, operands: tuple[str, ...], orders: tuple[int, ...]) -> None:
        params = tuple(f"x{k}" if k.isdigit() else k for k in operands)

        def forward(xp: Any, *xs: Any) -> Any:
            total = LEVEL if not any(orders) else 0.0
            for size, rates, phase in waves(function, len(operands)):
                angle = phase + sum(orders) * pi / 2.0
                for rate, n, x in zip(rates, orders, xs, strict=True):
                    angle, size = angle + rate * x, size * rate**n
                total = total + size * xp.sin(angle)
            return total

        def partials(xp: Any, _: Any, *xs: Any) -> tuple[Any, ...]:
            return tuple(self.derivative(k).forward(xp, *xs) for k in range(len(xs)))

        self.function, self.operands, self.orders = function, operands, orders
        super().__init__(
            written(function, operands, orders),
            params=params,
            forward=forward,
            partials=partials,
            local=tuple(
                f"{written(function, operands, higher(orders, k))}({', '.join(params)})"
                for k in range(len(params))
            ),
            symbol=lambda sp, *xs: sp.unknown(self)(*xs),
            native=True,
            sample=((-1.0, 1.0),) * len(params),
            says=f"unknown function {function}",
        )

    def derivative(self, position: int) -> UnknownFunction:
        """Return its derivative by an operand."""
        return unknown(self.function, self.operands, higher(self.orders, position))


@cache
def unknown(function: str, operands: tuple[str, ...], orders: tuple[int, ...]) -> UnknownFunction:
    """Return the row of a function, or of one of its derivatives."""
    return UnknownFunction(function, operands, orders)


def higher(orders: tuple[int, ...], position: int) -> tuple[int, ...]:
    """Return the orders of a derivative, once more by an operand."""
    return tuple(n + (k == position) for k, n in enumerate(orders))


def written(function: str, operands: tuple[str, ...], orders: tuple[int, ...]) -> str:
    """Return how a derivative is written: ``f''``, ``f_xy``, ``f_12``."""
    if len(operands) == 1:
        return function + "'" * orders[0]
    below = "".join(name * n for name, n in zip(operands, orders, strict=True))
    return f"{function}_{below}" if below else function


LEVEL = 2.5
"""About which the waves of a function go up and down: logarithms and roots of it have values mostly."""


@cache
def waves(function: str, operands: int, seed: int = 0) -> tuple[tuple[float, tuple[float, ...], float], ...]:
    """Return the waves c*sin(a1*x1 + a2*x2 + ... + b) that stand for a function, each as c, the a's and b."""
    from random import Random

    chance = Random(f"{seed} {function}")  # no secret
    return tuple(
        (
            chance.uniform(0.3, 1.0),
            tuple(chance.uniform(0.5, 1.5) for _ in range(operands)),
            chance.uniform(0.0, 2.0 * pi),
        )
        for _ in range(3)
    )
