"""The rows of a network as they are written down: weighted sums, means, softmax, penalties."""

from __future__ import annotations

from collections.abc import Sequence

from ..explanation.written import (
    ONE,
    Apply,
    Expr,
    Exprs,
    Number,
    Paper,
    Row,
    add,
    fraction,
    multiply,
    square,
    subtract,
)
from ..ops.namespaces import FLOATS


def weighted(count: int, paper: Paper) -> Row:
    """w_1*x_1 + ... + b, over all weights, then all inputs, then the bias."""

    def slope(k: int, o: Exprs, y: Expr, _: Exprs) -> Expr:
        return o[(k + count) % (2 * count)] if k < 2 * count else ONE

    def exact(*o: float) -> float:
        return sum(w * x for w, x in zip(o[:count], o[count:], strict=False)) + o[-1]

    row = Row(
        "weighted sum",
        paper,
        lambda o: add(*(Apply("multiply", (o[i], o[i + count])) for i in range(count)), o[-1]),
        slope,
        exact,
    )
    if paper.exact:
        row.partials = lambda xp, y, *o: (*o[count : 2 * count], *o[:count], 1.0)
    return row


def mean(count: int, paper: Paper) -> Row:
    """The mean of so many numbers."""
    return Row(
        "mean",
        paper,
        lambda o: Apply("divide", (add(*o), Number(float(count)))),
        lambda k, o, y, _: fraction(1.0, count),
    )


def mean_square(count: int, paper: Paper) -> Row:
    """The mean of so many squares."""
    return Row(
        "mean of squares",
        paper,
        lambda o: Apply("divide", (add(*map(square, o)), Number(float(count)))),
        lambda k, o, y, _: multiply(fraction(2.0, count), o[k]),
    )


def deviation(eps: float, paper: Paper) -> Row:
    """sqrt(variance + eps)."""
    return Row(
        "deviation",
        paper,
        lambda o: Apply("sqrt", (add(o[0], Number(eps)),)),
        lambda k, o, y, _: Apply("divide", (ONE, multiply(Number(2.0), y))),
    )


def softmax(i: int, paper: Paper) -> Row:
    """e^z_i over the sum of e^z_j; its slopes are written over all the softmaxes."""

    def exact(*zs: float) -> float:
        return softmaxes(zs)[i]

    return Row(
        "softmax",
        paper,
        lambda o: Apply("divide", (Apply("exp", (o[i],)), add(*(Apply("exp", (z,)) for z in o)))),
        lambda k, o, y, ys: multiply(y, subtract(ONE, y)) if k == i else multiply(Number(-1.0), y, ys[k]),
        exact,
        softmaxes,
    )


def softmaxes(zs: Sequence[float]) -> list[float]:
    """e^z over their sum, the largest z taken out."""
    largest = max(zs)
    exps = [FLOATS.exp(z - largest) for z in zs]
    return [e / sum(exps) for e in exps]


def sum_of(count: int, paper: Paper, factors: Sequence[float] | None = None) -> Row:
    """A sum, with factors where there are any."""
    fixed = [Number(f) for f in factors] if factors is not None else [ONE] * count
    return Row(
        "sum",
        paper,
        lambda o: add(*(multiply(f, x) for f, x in zip(fixed, o, strict=True))),
        lambda k, o, y, _: fixed[k],
    )


def penalty(factor: float, norm: str, paper: Paper) -> Row:
    """factor*(|w| + ...) for l1, factor*(w^2 + ...) for l2."""
    if norm == "l1":
        return Row(
            "l1",
            paper,
            lambda o: multiply(Number(factor), add(*(Apply("abs", (w,)) for w in o))),
            lambda k, o, y, _: multiply(Number(factor), Apply("sign", (o[k],))),
        )
    return Row(
        "l2",
        paper,
        lambda o: multiply(Number(factor), add(*map(square, o))),
        lambda k, o, y, _: multiply(Number(2.0), Number(factor), o[k]),
    )
