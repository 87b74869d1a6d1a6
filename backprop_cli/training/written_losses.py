"""The losses as a teacher writes them: a factor times the sum of one term an output."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
from ..networks.losses import FUSED, Loss
from ..ops.namespaces import FLOATS

Term = Callable[[Expr, Expr, Expr], Expr | None]


class WrittenLoss:
    """A loss over all outputs of a batch.

    The row's operands are all outputs, row by row, then all targets, then all predictions (for the losses
    that take logits: their slope is the prediction less the target).

    Attributes:
        row: The primitive.
        factor: What stands before the sum.
    """

    def __init__(self, loss: Loss, rows: int, outputs: int, paper: Paper) -> None:
        count = rows * outputs
        self.loss = loss
        self.count = count
        self.outputs = outputs
        self.fused = loss.type in FUSED
        shares = {"sse": 1, "half_sse": 1, "cross_entropy": rows}.get(loss.type, count)
        sign = -1.0 if self.fused else 1.0
        self.factor = fraction(1.0, 2.0) if loss.type == "half_sse" else fraction(sign, shares)
        self._slope_factor = {
            "mse": fraction(2.0, shares),
            "sse": Number(2.0),
            "half_sse": ONE,
        }.get(loss.type, fraction(1.0, shares))
        self.row = Row(loss.type, paper, self._write, self._slope, self._exact if self.fused else None)

    def terms(self, operands: Exprs, row: int) -> Expr:
        """Write the sum of the terms of a row, without the factor."""
        found = [self._term(operands, i) for i in range(row * self.outputs, (row + 1) * self.outputs)]
        return add(*(t for t in found if t is not None))

    def _write(self, operands: Exprs) -> Expr:
        terms = [self._term(operands, i) for i in range(self.count)]
        return multiply(self.factor, add(*(t for t in terms if t is not None)))

    def _parts(self, o: Exprs, i: int) -> tuple[Expr, Expr, Expr]:
        return o[i], o[i + self.count], o[i + 2 * self.count] if self.fused else o[i]

    def _term(self, operands: Exprs, i: int) -> Expr | None:
        y, t, p = self._parts(operands, i)
        kind, difference = self.loss.type, subtract(y, t)
        if kind in ("mse", "sse", "half_sse"):
            return square(difference)
        if kind == "mae":
            return Apply("abs", (difference,))
        if kind == "huber":
            delta = self.loss.delta
            if abs(_value(y) - _value(t)) <= delta:
                return multiply(fraction(1.0, 2.0), square(difference))
            return multiply(Number(delta), subtract(Apply("abs", (difference,)), fraction(delta, 2.0)))
        share, log = _value(t), Apply("log", (p,))
        yes = log if share == 1.0 else Apply("multiply", (t, log))
        if kind == "cross_entropy":
            return yes if share else None
        rest = Apply("log", (subtract(ONE, p),))
        if share in (0.0, 1.0):
            return yes if share else rest
        return add(yes, Apply("multiply", (subtract(ONE, t), rest)))

    def _slope(self, k: int, operands: Exprs, y: Expr, _: Exprs) -> Expr:
        if k >= self.count:
            return Number(0.0)  # predictions are written beside, targets are not moved
        y, t, p = self._parts(operands, k)
        kind, difference = self.loss.type, subtract(p, t)
        inner: Expr = difference
        if kind == "mae":
            inner = Apply("sign", (difference,))
        elif kind == "huber" and abs(_value(y) - _value(t)) > self.loss.delta:
            inner = multiply(Number(self.loss.delta), Apply("sign", (difference,)))
        return multiply(self._slope_factor, inner)

    def _exact(self, *o: float) -> float:
        """The loss from logits, where a logarithm of a prediction would lose it."""
        zs, ts, n = o[: self.count], o[self.count : 2 * self.count], self.outputs
        total = 0.0
        if self.loss.type == "binary_cross_entropy":
            for z, t in zip(zs, ts, strict=True):
                total += t * FLOATS.softplus(-z) + (1.0 - t) * FLOATS.softplus(z)
            return total / self.count
        for r in range(0, self.count, n):
            total += _log_sum(zs[r : r + n]) * sum(ts[r : r + n])
            total -= sum(t * z for t, z in zip(ts[r : r + n], zs[r : r + n], strict=True))
        return total / (self.count // n)


def _log_sum(zs: Sequence[float]) -> float:
    largest = max(zs)
    return largest + float(FLOATS.log(sum(FLOATS.exp(z - largest) for z in zs)))


def _value(expr: Expr) -> float:
    assert not isinstance(expr, Apply)
    return expr.value
