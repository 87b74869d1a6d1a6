"""The error function and its complement over NumPy arrays: NumPy has neither.

Source: the intervals and rational approximations of fdlibm (s_erf.c, Sun Microsystems 1993), except
where another form rounds less. erf is within 1 ulp of the exact value, erfc within 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .error_terms import CENTRE, FAR, FARTHER, MIDDLE, NEAR, SHARE, Ratio

Floats = npt.NDArray[np.float64]

BLOCK = 8192
"""Numbers at a time: the intermediate results of one block stay in a core's cache."""

_NOTHING_LEFT = 28.0  # erfc is 0 in float64 from here on
_HIGH_BITS = np.int64(-1 << 32)
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # 32 bits, and the others


def erf(x: Any, out: npt.NDArray[Any] | None = None) -> Any:
    """Return the error function of every number; nan of nan, and no floating-point flag."""
    return _blockwise(_erf, x, out)


def erfc(x: Any, out: npt.NDArray[Any] | None = None) -> Any:
    """Return 1 - erf of every number, exact where that is small; nan of nan."""
    return _blockwise(_erfc, x, out)


def _blockwise(function: Callable[[Floats, Floats], None], x: Any, out: npt.NDArray[Any] | None) -> Any:
    """Apply ``function(block, place for its result)``; the two may be the same memory."""
    numbers = np.asarray(x, np.float64)
    flat = numbers.reshape(-1)
    direct = out is not None and out.dtype == np.float64 and out.flags.c_contiguous
    result = out.reshape(-1) if out is not None and direct else np.empty(flat.size)
    for start in range(0, flat.size, BLOCK):
        function(flat[start : start + BLOCK], result[start : start + BLOCK])
    if direct:
        return out
    shaped = result.reshape(numbers.shape)
    if out is None:
        return shaped[()]
    out[...] = shaped
    return out


def _erf(x: Floats, out: Floats) -> None:
    for piece, here in _pieces(x):
        part = x[here]
        if piece is NEAR:
            value = part + part * _quotient(NEAR, part * part)
        else:
            size = np.abs(part)
            if piece is MIDDLE:
                t = size - CENTRE
                value = (1.0 - SHARE) + t * _polynomial(MIDDLE, t)
            else:
                value = 1.0 - _tail(piece, size)
            np.copysign(value, part, out=value)
        out[here] = value


def _erfc(x: Floats, out: Floats) -> None:
    for piece, here in _pieces(x):
        part = x[here]
        if piece is NEAR:
            rest = part * _quotient(NEAR, part * part)
            # from 1/2 on 1 - x is exact
            value = np.where(part < 0.5, 1.0 - (part + rest), (1.0 - part) - rest)
        else:
            size = np.abs(part)
            if piece is MIDDLE:
                t = size - CENTRE
                value = SHARE - t * _polynomial(MIDDLE, t)
            else:
                value = _tail(piece, size)
            np.subtract(2.0, value, out=value, where=part < 0.0)
        out[here] = value


def _pieces(x: Floats) -> Iterator[tuple[Any, Any]]:
    """Yield each approximation with the places of its numbers; a nan goes with the last."""
    size = np.abs(x)
    near, below, far = size < 0.65625, size < 1.25, size < 1.0 / 0.35
    for piece, holds in ((NEAR, near), (MIDDLE, near ^ below), (FAR, below ^ far), (FARTHER, ~far)):
        here = np.flatnonzero(holds)
        if here.size:
            yield piece, here if here.size < x.size else slice(None)


def _tail(ratio: Ratio, x: Floats) -> Floats:
    """Return erfc from 1.25 on: 2^k exp(rest)/x, where one exponential of a small number rounds once."""
    x = np.minimum(x, _NOTHING_LEFT)
    # the square of a number with its low bits off is exact, and so is what 2^k takes from it
    coarse = (x.view(np.int64) & _HIGH_BITS).view(np.float64)
    power = -coarse * coarse - (0.6875 if ratio is FAR else 0.5625)
    k = np.rint(power * (1.0 / math.log(2.0)))
    rest = (coarse - x) * (coarse + x) - k * _LN2_LOW + _quotient(ratio, 1.0 / (x * x))
    rest += power - k * _LN2_HIGH
    value = np.exp(rest, out=rest)
    value /= x
    # in two steps: 2^k itself may be too small for a float
    half = np.floor(0.5 * k)
    value *= _power_of_two(half)
    value *= _power_of_two(k - half)
    return value


def _power_of_two(k: Floats) -> Floats:
    """Return 2^k by its bits; of a nan anything, but without the flag that a cast would raise."""
    return ((k + (1023.0 + 2.0**52)).view(np.int64) << 52).view(np.float64)


def _quotient(ratio: Ratio, x: Floats) -> Floats:
    top, bottom = (_polynomial(coefficients, x) for coefficients in ratio)
    top /= bottom
    return top


def _polynomial(coefficients: Sequence[float], x: Floats) -> Floats:
    total = coefficients[-1] * x
    for c in coefficients[-2:0:-1]:
        total += c
        total *= x
    total += coefficients[0]
    return total
