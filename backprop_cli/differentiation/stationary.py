"""What second derivatives say of a point: a minimum, a maximum, a saddle, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ulp
from typing import Any, NamedTuple

MINIMUM, MAXIMUM, SADDLE, INFLECTION, UNDECIDED = "minimum", "maximum", "saddle", "inflection", "undecided"

NOWHERE = 1e-70
"""Of a curvature in 80 digits, and a distance in units of the inputs, that is none."""

SLACK = 1e-18
"""Of a gradient by other methods, which are floats, that counts as 0."""

FLAT = "an eigenvalue is 0"

Matrix = Sequence[Sequence[Any]]


class Stationary(NamedTuple):
    """A point that was asked whether it is one where nothing moves to first order.

    Attributes:
        kind: ``minimum``, ``maximum``, ``saddle``, ``inflection``, ``undecided``; None where the gradient is
            not 0.
        gradient: By input.
        eigenvalues: Of the Hessian, rising; 0.0 where one may be 0. None where they are not settled.
        why: Why it is undecided.
    """

    kind: str | None
    gradient: dict[str, float]
    eigenvalues: tuple[float, ...] | None
    why: str = ""


def judged(
    inputs: Mapping[str, float],
    names: Sequence[str],
    derivatives: Callable[[Mapping[str, float]], tuple[Sequence[Any], Matrix]],
    witnesses: Sequence[Sequence[float | None]],
) -> Stationary:
    """Tell what a point is by its gradient and its Hessian in many digits; call with mpmath set to those.

    The gradient is 0 where one is that is no further away than the point may have been rounded by; the
    Hessian there may be another one, by as much as it changes on the way.

    Args:
        inputs: The point.
        names: Inputs differentiated by.
        derivatives: Gradient and Hessian in many digits, with inputs moved by so much.
        witnesses: Gradients by other methods.
    Source:
        The second derivative test; Weyl's inequality bounds what an error of the matrix does to eigenvalues.
    """
    from mpmath import mp

    slopes, matrix = derivatives({})
    shown = {name: float(g) for name, g in zip(names, slopes, strict=True)}
    moves = {name: max(ulp(inputs[name]), NOWHERE) for name in names}
    reach = [sum(abs(h) * moves[name] for h, name in zip(row, names, strict=True)) for row in matrix]
    values = eigenvalues(matrix)
    size = max(map(abs, values))
    error = NOWHERE * size
    zero = all(abs(g) <= r for g, r in zip(slopes, reach, strict=True))
    if zero and any(abs(g) > NOWHERE * sum(map(abs, row)) for g, row in zip(slopes, matrix, strict=True)):
        for name in names:
            moved = derivatives({name: moves[name]})[1]
            error += mp.sqrt(
                sum(
                    (a - b) ** 2
                    for row, other in zip(moved, matrix, strict=True)
                    for a, b in zip(row, other, strict=True)
                )
            )
    values = [x if abs(x) > error else mp.mpf(0) for x in values]
    found = tuple(map(float, values))
    if not zero:
        return Stationary(None, shown, found)
    for gradient in witnesses:
        if any(g is None or abs(g) > 2 * r + SLACK for g, r in zip(gradient, reach, strict=True)):
            return Stationary(UNDECIDED, shown, found, "the methods differ on the gradient")
    if values[0] < 0 < values[-1]:
        kind = SADDLE
    elif values[0] > 0 or values[-1] < 0:
        kind = MINIMUM if values[0] > 0 else MAXIMUM
    else:
        return Stationary(UNDECIDED, shown, found, FLAT)
    return Stationary(kind, dict.fromkeys(shown, 0.0), found)


def eigenvalues(matrix: Matrix) -> list[Any]:
    """Return the eigenvalues of a symmetric matrix, rising, to mpmath's precision.

    mpmath's own `eigsy` fails where there are zeros beside the diagonal.

    Source:
        Golub and Van Loan, Matrix Computations (2013), 8.5.3: cyclic Jacobi rotations.
    """
    from mpmath import mp

    a, n = [list(row) for row in matrix], len(matrix)
    small = (n * n * mp.eps) ** 2 * sum(x * x for row in a for x in row)
    while sum(a[i][j] ** 2 for i in range(n) for j in range(i)) > small:
        for p in range(n):
            for q in range(p + 1, n):
                if not a[p][q]:
                    continue
                ratio = (a[q][q] - a[p][p]) / (2 * a[p][q])
                t = (1 if ratio >= 0 else -1) / (abs(ratio) + mp.sqrt(1 + ratio * ratio))
                c = 1 / mp.sqrt(1 + t * t)
                s = t * c
                for k in range(n):
                    a[k][p], a[k][q] = c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]
                for k in range(n):
                    a[p][k], a[q][k] = c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]
    return sorted(a[i][i] for i in range(n))


def by_order(derivatives: Sequence[Any]) -> str:
    """Return what a point of one variable is by its first derivative that is not 0.

    Args:
        derivatives: In many digits, from the first on; where that is not 0 in them, others say nothing.
    """
    size = max(map(abs, derivatives))
    order, d = next(((k, d) for k, d in enumerate(derivatives, 1) if abs(d) > NOWHERE * size), (1, 0))
    if order == 1:
        return UNDECIDED
    return INFLECTION if order % 2 else MINIMUM if d > 0 else MAXIMUM
