"""First values for a fit: drawn over many sizes and both signs; those that are linear follow from the rows.

Source:
    Golub and Pereyra 1973: of parameters that a formula is linear in only the others have to be searched for.
"""

from __future__ import annotations

from collections.abc import Collection
from math import inf, isfinite
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DRAWS = 400
SIZES = 3.0
"""Powers of ten to either side of 1 that are tried."""
NEAR = 0.5
"""The same around a given value, as a standard deviation."""
LOOKED = 12
"""Draws between which slopes are compared."""
DIGITS = 3
"""Of a first value, as it is told."""


class Rows(Protocol):
    """A formula over rows."""

    def residuals(self, p: Floats) -> Floats | None:
        """Return formula less target in every row, (rows,); None where one has no value."""

    def slopes_at(self, p: Floats) -> Floats:
        """Return the slopes by every parameter, (rows, parameters); nan where there is none."""


def drawn(rows: Rows, given: Floats, count: int, seed: int, fixed: Collection[int] = ()) -> list[Floats]:
    """Return first values that leave small sums of squares, the smallest first.

    Args:
        rows: The formula.
        given: First values, (parameters,); half of the draws are around those that are not 0.
        count: How many to return, at most.
        seed: Of the draws.
        fixed: Which of the given ones stay.
    """
    rng = np.random.default_rng(seed)
    shape = (DRAWS, len(given))
    values = rng.choice([-1.0, 1.0], shape) * 10.0 ** rng.uniform(-SIZES, SIZES, shape)
    around = given * 10.0 ** rng.normal(0.0, NEAR, shape)
    values = np.where((rng.random((DRAWS, 1)) < 0.5) & (given != 0.0), around, values)
    values[:, list(fixed)] = given[list(fixed)]
    linear = [i for i in _linear(rows, values[:LOOKED]) if i not in fixed]
    found: list[tuple[float, int, Floats]] = []
    with np.errstate(all="ignore"):
        for k, p in enumerate(values):
            solved = _solved(rows, p, linear)
            r = rows.residuals(solved)
            squares = inf if r is None else float(r @ r)
            if isfinite(squares):
                found.append((squares, k, solved))
    return [p for _, _, p in sorted(found, key=lambda each: each[:2])[:count]]


def _linear(rows: Rows, points: Floats) -> list[int]:
    """Return parameters in which the formula is linear together: their slopes do not change with them."""
    found: list[int] = []
    with np.errstate(all="ignore"):
        for i in range(points.shape[1]):
            some = [*found, i]
            alike = {_alike(rows, p, q, some) for p, q in zip(points, points[::-1], strict=True)}
            if alike - {None} == {True}:
                found = some
    return found


def _alike(rows: Rows, p: Floats, q: Floats, some: list[int]) -> bool | None:
    """Whether the slopes by some parameters are the same with these from another point; None without any."""
    other = p.copy()
    other[some] = q[some]
    here, there = rows.slopes_at(p)[:, some], rows.slopes_at(other)[:, some]
    finite = np.isfinite(here).all() and np.isfinite(there).all()
    return bool(np.allclose(here, there, rtol=1e-9, atol=0.0)) if finite else None


def _solved(rows: Rows, p: Floats, linear: list[int]) -> Floats:
    """Return values with what the formula is linear in by least squares, rounded as they are told."""
    solved = p.copy()
    r = rows.residuals(p) if linear else None
    slopes = rows.slopes_at(p)[:, linear] if r is not None else None
    if r is not None and slopes is not None and np.isfinite(slopes).all() and np.isfinite(r).all():
        solved[linear] += np.linalg.lstsq(slopes, -r, None)[0]
    return np.array([float(f"{value:.{DIGITS}g}") for value in solved])
