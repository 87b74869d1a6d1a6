"""Matrices without an inverse: found exactly, and why in words."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DomainError
from ..graph import Graph
from ..language.numbers import rounded
from .run import written

EXACT = 12
"""Rows up to which elimination in fractions is quick."""

NEARLY = 1e8
"""Condition number from which half the digits of an inverse are lost."""

COFACTORS = 4
"""Rows up to which cofactors are no longer than elimination."""

INVERTED = ("inv", "solve")
DECOMPOSED = ("inv", "solve", "det", "logdet", "adjugate")

SHIFTED = ("softmax", "log_softmax", "logsumexp", "cross_entropy")
"""Steps that take the largest score out of exponents; their definitions do not."""

EXPONENT = 600.0
"""Size of an exponent up to which floats hold a sum of powers of e, and its square root's digits."""


def dependent_rows(a: npt.NDArray[np.float64]) -> str | None:
    """Return why a matrix is singular, its numbers taken as exact; None where it is not.

    Larger ones than `EXACT` are singular where floats cannot tell.
    """
    n = len(a)
    if n > EXACT:
        return "its rows depend on each other" if np.linalg.matrix_rank(a) < n else None
    rows = [[Fraction(float(x)) for x in row] for row in a]
    for j in range(n):
        if not any(rows[j]):
            return f"row {j + 1} is 0"
        for i in range(j):
            if (factor := _factor(rows[j], rows[i])) is not None:
                return f"row {j + 1} = {rounded(float(factor), 6)} * row {i + 1}"
    for k in range(n):
        pivot = next((i for i in range(k, n) if rows[i][k]), None)
        if pivot is None:
            return "its rows depend on each other"
        rows[k], rows[pivot] = rows[pivot], rows[k]
        for i in range(k + 1, n):
            factor = rows[i][k] / rows[k][k]
            rows[i] = [x - factor * y for x, y in zip(rows[i], rows[k], strict=True)]
    return None


def _factor(row: Sequence[Fraction], other: Sequence[Fraction]) -> Fraction | None:
    """Return how many times another row a row is; None where it is no multiple."""
    factor = next((x / y for x, y in zip(row, other, strict=True) if y), None)
    if factor is None or any(x != factor * y for x, y in zip(row, other, strict=True)):
        return None
    return factor


def orders(graph: Graph, values: Sequence[npt.NDArray[Any]]) -> dict[int, list[int]]:
    """Return the order in which rows of larger matrices are eliminated, by the step: largest pivots first.

    A matrix without an inverse has no such order.
    """
    found = {}
    for node in graph.nodes:
        if node.op is None or node.op.name not in DECOMPOSED[:-1]:
            continue
        a = np.array(values[node.inputs[0]], float)
        order = list(range(len(a)))
        if len(a) <= COFACTORS:
            continue
        for k in range(len(a)):
            pivot = k + int(np.abs(a[k:, k]).argmax())
            if not abs(a[pivot, k]) > 0.0:
                break
            a[[k, pivot]] = a[[pivot, k]]
            order[k], order[pivot] = order[pivot], order[k]
            a[k + 1 :] -= np.outer(a[k + 1 :, k] / a[k, k], a[k])
        else:
            found[node.id] = order
    return found


def may_overflow(graph: Graph) -> bool:
    """Whether a program has steps whose exponents may need the largest taken out."""
    return any(node.op is not None and node.op.name in SHIFTED for node in graph.nodes)


def shifted(graph: Graph, values: Sequence[npt.NDArray[Any]]) -> list[int]:
    """Return the steps whose exponents, too large for floats or all too small, need the largest taken out."""
    found = []
    for node in graph.nodes:
        if node.op is not None and node.op.name in SHIFTED:
            largest = np.max(values[node.inputs[0]], -1)
            if (np.abs(largest) > EXPONENT).any():
                found.append(node.id)
    return found


def conditions(graph: Graph, values: Sequence[npt.NDArray[Any]]) -> float:
    """Return how much more than a number's rounding the decompositions of a program leave, 0 without any.

    Source: Golub and Van Loan, Matrix Computations (2013), section 2.6, on errors and condition numbers.
    """
    found = 0.0
    for node in graph.nodes:
        if node.op is not None and node.op.name in DECOMPOSED:
            matrix = values[node.inputs[0]]
            # that of a singular one counts for the determinant alone, whose slope has no inverse in it
            condition = min(float(np.linalg.cond(matrix)), 1.0 / np.finfo(float).eps)
            found = max(found, len(matrix) * condition)
    return found


def check_matrices(graph: Graph, values: Sequence[npt.NDArray[Any]]) -> list[str]:
    """Return a warning for every matrix that is nearly singular where it is inverted.

    Raises:
        DomainError: where one is singular.
    """
    warnings = []
    for node in graph.nodes:
        if node.op is not None and node.op.name == "logdet" and not np.isfinite(values[node.id]):
            text = written(graph, node.inputs[0])
            raise DomainError(
                f"{written(graph, node.id)} has no value: the determinant of {text} is "
                f"{rounded(float(np.linalg.det(values[node.inputs[0]])), 6)}, and has to be positive",
                source=graph.source,
                span=node.span,
            )
        if node.op is None or node.op.name not in INVERTED:
            continue
        matrix, text = values[node.inputs[0]], written(graph, node.inputs[0])
        if not np.isfinite(matrix).all():
            continue
        why = dependent_rows(matrix)
        if why is None and not np.isfinite(values[node.id]).all():
            why = "as far as floats can tell"
        if why is not None:
            raise DomainError(
                f"{written(graph, node.id)} has no value: {text} is singular ({why})",
                source=graph.source,
                span=node.span,
            )
        condition = float(np.linalg.cond(matrix))
        if condition > NEARLY:
            digits = round(np.log10(condition))
            warnings.append(
                f"{text} is nearly singular: its condition number is {rounded(condition, 2)}, so about "
                f"{digits} digits of {written(graph, node.id)} are lost"
            )
    return warnings
