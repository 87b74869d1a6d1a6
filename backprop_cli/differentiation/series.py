"""Truncated power series: all derivatives along one line at once (Taylor mode)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from math import comb, factorial, prod
from typing import Any

from ..engine.run import run
from ..engine.sweep import sweep
from ..graph import Graph
from ..ops import Primitive
from ..ops.namespaces import FLOATS, Lifted


class Series:
    """``c[0] + c[1] t + c[2] t^2 + ...``, as many terms as are known.

    Source: Griewank and Walther, Evaluating Derivatives (2008), chapter 13.
    """

    __slots__ = ("c",)

    def __init__(self, c: list[float]) -> None:
        self.c = c

    def __repr__(self) -> str:
        return f"Series({self.c!r})"

    def __bool__(self) -> bool:
        return any(self.c)

    def __neg__(self) -> Series:
        return Series([-x for x in self.c])

    def __add__(self, other: Any) -> Series:
        if isinstance(other, Series):
            return Series([x + y for x, y in zip(self.c, other.c, strict=False)])
        return Series([self.c[0] + other, *self.c[1:]])

    __radd__ = __add__

    def __sub__(self, other: Any) -> Series:
        return self.__add__(-other)

    def __rsub__(self, other: Any) -> Series:
        return (-self).__add__(other)

    def __mul__(self, other: Any) -> Series:
        if isinstance(other, Series):
            n = min(len(self.c), len(other.c))
            return Series([sum(self.c[i] * other.c[k - i] for i in range(k + 1)) for k in range(n)])
        return Series([x * other for x in self.c])

    __rmul__ = __mul__

    def first(self, n: int) -> Series:
        """Return the first terms."""
        return Series(self.c[:n])

    def slope(self) -> Series:
        """Return the derivative by t: a term less."""
        return Series([k * x for k, x in enumerate(self.c) if k])


def _value(x: Any) -> float:
    return x.c[0] if isinstance(x, Series) else x


def _lifted(base: Any) -> Lifted:
    """Return the namespace of series over another namespace's numbers."""

    def apply(op: Primitive, *operands: Any) -> Any:
        """Apply a primitive: y' is the sum of its local derivatives, series themselves, times the x'."""
        lengths = [len(x.c) for x in operands if isinstance(x, Series)]
        values = [_value(x) for x in operands]
        if not lengths or op.truth:
            return op.forward(base, *values)
        if op.chosen:
            return operands[op.chosen(*values)[-1]]
        y = Series([op.forward(base, *values)])
        for k in range(1, min(lengths)):
            known = [x.first(k) if isinstance(x, Series) else x for x in operands]
            slope = Series([0.0] * k)
            for x, partial in zip(operands, op.partials(series, y, *known), strict=True):
                if isinstance(x, Series) and any(x.c[1:]):
                    slope = slope + x.slope().first(k) * partial
            y = Series([*y.c, slope.c[k - 1] / k])
        return y

    series = Lifted("power series", apply, base)
    return series


def along(
    graph: Graph, leaves: Mapping[int, Any], direction: Mapping[str, float], order: int, xp: Any = FLOATS
) -> list[Any]:
    """Return the output and its derivatives up to an order along a line from a point.

    Args:
        graph: The computation.
        leaves: The point: a number for every input and constant.
        direction: How fast each input moves; what is missing stays.
        order: The highest.
        xp: The namespace of the numbers.
    """
    start = dict(leaves)
    for name, speed in direction.items():
        id = graph.inputs[name]
        start[id] = Series([start[id], speed, *[0.0] * (order - 1)])
    # by the row itself: its convention at a kink is that of its own local derivatives
    y = run(graph, start, apply=_lifted(xp).apply)[graph.output]
    coefficients = y.c if isinstance(y, Series) else [y, *[0.0] * order]
    return [c * factorial(k) for k, c in enumerate(coefficients)]


def hessian_row(
    graph: Graph, leaves: Mapping[int, Any], name: str, xp: Any = FLOATS
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the gradient, and the second derivatives by one input and each: a sweep over series.

    Args:
        graph: The computation.
        leaves: The point: a number for every input and constant.
        name: The one input.
        xp: The namespace of the numbers.
    """
    start, lifted = dict(leaves), _lifted(xp)
    id = graph.inputs[name]
    start[id] = Series([start[id], 1.0])
    values = run(graph, start, apply=lifted.apply)
    active = graph.depends_on(list(graph.inputs.values()))
    slopes = sweep(graph, values, active, lifted, Series([1.0, 0.0]))
    gradient = {other: _value(slopes[i]) for other, i in graph.inputs.items()}
    row = {
        other: slopes[i].c[1] if isinstance(slopes[i], Series) else 0.0 for other, i in graph.inputs.items()
    }
    return gradient, row


def mixed(graph: Graph, leaves: Mapping[int, Any], powers: Mapping[str, int], xp: Any = FLOATS) -> Any:
    """Return a mixed partial derivative, from power series along lines between the axes.

    Args:
        graph: The computation.
        leaves: The point: a number for every input and constant.
        powers: How often by each input.
        xp: The namespace of the numbers: sums over lines cancel, and take many digits.
    Source:
        Griewank, Utke and Walther, Evaluating higher derivative tensors by forward propagation of
        univariate Taylor series (2000), section 4; the polarization identity.
    """
    order = sum(powers.values())
    total: Any = 0.0
    for counts in product(*(range(n + 1) for n in powers.values())):
        if any(counts):
            weight = prod(comb(n, k) for n, k in zip(powers.values(), counts, strict=True))
            line = {name: float(k) for name, k in zip(powers, counts, strict=True)}
            amount = along(graph, leaves, line, order, xp)[order] * weight
            total = total - amount if (order - sum(counts)) % 2 else total + amount
    return total / factorial(order)
