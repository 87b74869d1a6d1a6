"""A loss as it is written for a reader: a factor times the sum of one term an output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..explanation.expr import ZERO, Expr, Exprs, Number, Ref, add, fraction, multiply, subtract
from ..explanation.paper import Paper, Row
from ..explanation.region import Region


class WrittenLoss:
    """A loss over all outputs of a batch: a factor times the sum of one term an output.

    Args:
        kind: Its name.
        paper: Rounds.
        terms: Row by row.
        operands: What is recorded of all outputs, then of all targets, then of all predictions (for the
            losses that take logits: their slope is the prediction less the target).
        factor: Share and count of the factor share/count.
        exact: How the loss is computed from logits, where a logarithm of a prediction would lose it.
        weighted: The operands end with what the row of each output counts.
    Attributes:
        row: The primitive.
        factor: What stands before the sum.
    """

    def __init__(
        self,
        kind: str,
        paper: Paper,
        terms: Sequence[Sequence[Region]],
        operands: Sequence[int],
        factor: tuple[float, int],
        exact: Region | None,
        weighted: bool = False,
    ) -> None:
        self._weighted = weighted
        self._rows = terms
        self._terms = [term for row in terms for term in row]
        self._at = {id: k for k, id in enumerate(operands)}
        self._factor = factor
        self._fused = exact is not None
        share, count = factor
        self.factor = fraction(1.0, 2.0) if share == 0.5 else fraction(-share if exact else share, count)
        inputs, last = 2 * len(self._terms), len(self._terms) if weighted else 0

        def forward(*xs: Any) -> Any:
            # what is between are predictions, which the logits give
            assert exact is not None
            return exact.forward(*xs[:inputs], *xs[len(xs) - last :])

        self.row = Row(kind, paper, self._write, self._slope, None if exact is None else forward)

    def terms(self, operands: Exprs, row: int) -> Expr:
        """Write the sum of the terms of a row, without the factor."""
        return self._sum(self._rows[row], operands)

    def _write(self, operands: Exprs) -> Expr:
        return multiply(self.factor, self._sum(self._terms, operands))

    def _sum(self, terms: Sequence[Region], operands: Exprs) -> Expr:
        written = (term.written(self._operands(term, operands)) for term in terms)
        return add(*(term for term in written if term != ZERO))

    def _operands(self, term: Region, operands: Exprs) -> list[Expr]:
        """Return the operands of a term; of a class that is the target or is not, no share is written."""
        found = [operands[self._at[id]] for id in term.operands]
        if self._fused:
            found = [
                Number(o.value) if isinstance(o, Ref) and self._is_target(id) and o.value in (0.0, 1.0) else o
                for id, o in zip(term.operands, found, strict=True)
            ]
        return found

    def _is_target(self, id: int) -> bool:
        return len(self._terms) <= self._at[id] < 2 * len(self._terms)

    def _slope(self, k: int, operands: Exprs, y: Expr, _: Exprs) -> Expr:
        count = len(self._terms)
        if k >= count:
            return ZERO  # predictions are written beside, targets are not moved
        share, over = self._factor
        if self._fused:
            slope = subtract(operands[k + 2 * count], operands[k + count])
            weight = (operands[k + 3 * count],) if self._weighted else ()
            return multiply(fraction(share, over), *weight, slope)
        slopes = []
        for term in self._terms:  # mostly one: where outputs of a row are compared, all that read it
            for at, id in enumerate(term.operands):
                if self._at[id] == k:
                    factor, slope = term.factored(at, self._operands(term, operands), y)
                    slopes.append(multiply(fraction(share * factor, over), slope))
        return add(*slopes) if len(slopes) > 1 else slopes[0]
