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

Floats = npt.NDArray[np.float64]
Ratio = tuple[Sequence[float], Sequence[float]]

BLOCK = 8192
"""Numbers at a time: the intermediate results of one block stay in a core's cache."""

# Numerators and denominators, from the constant up.
# erf(x)/x - 1 over x^2, near 0
_NEAR: Ratio = (
    (
        1.28379167095512558561e-01,
        -3.25042107247001499370e-01,
        -2.84817495755985104766e-02,
        -5.77027029648944159157e-03,
        -2.37630166566501626084e-05,
    ),
    (
        1.0,
        3.97917223959155352819e-01,
        6.50222499887672944485e-02,
        5.08130628187576562776e-03,
        1.32494738004321644526e-04,
        -3.96022827877536812320e-06,
    ),
)
# (_SHARE - erfc(x)) over x - _CENTRE, up to 1.25: interpolated at Chebyshev points, where a number
# was looked for whose erfc is a short float to 20 digits; fdlibm's quotient costs half an ulp more
_CENTRE, _SHARE = 1.0458019860326855, 0.13914369516582403
_MIDDLE = (
    0.3779778978551762,
    -0.3952900362534028,
    0.14960410403009922,
    0.05353521086114292,
    -0.06727612314491602,
    0.009176444837137617,
    0.013276197581469223,
    -0.005437449637777817,
    -0.0013178152316715686,
    0.0012423008332182863,
    -2.0602898986286238e-05,
    -0.00018482674547624708,
    3.258258251110025e-05,
    2.0961776937838966e-05,
    -3.6759156936130116e-06,
)
# log(x*erfc(x)) + x^2 + 0.6875 over 1/x^2, up to 1/0.35: fdlibm's plus 1/8, smaller, so rounded finer
_FAR: Ratio = (
    (
        0.11513505596515285,
        1.7625503857227254,
        6.648593042616589,
        -8.054597765922352,
        -81.72326049591499,
        -130.97907540326506,
        -67.70805981358416,
        -8.993048122879236,
        -0.007553051901857262,
    ),
    (
        1.0,
        1.96512716674392571292e01,
        1.37657754143519042600e02,
        4.34565877475229228821e02,
        6.45387271733267880336e02,
        4.29008140027567833386e02,
        1.08635005541779435134e02,
        6.57024977031928170135e00,
        -6.04244152148580987438e-02,
    ),
)
# log(x*erfc(x)) + x^2 + 0.5625 over 1/x^2, beyond
_FARTHER: Ratio = (
    (
        -9.86494292470009928597e-03,
        -7.99283237680523006574e-01,
        -1.77579549177547519889e01,
        -1.60636384855821916062e02,
        -6.37566443368389627722e02,
        -1.02509513161107724954e03,
        -4.83519191608651397019e02,
    ),
    (
        1.0,
        3.03380607434824582924e01,
        3.25792512996573918826e02,
        1.53672958608443695994e03,
        3.19985821950859553908e03,
        2.55305040643316442583e03,
        4.74528541206955367215e02,
        -2.24409524465858183362e01,
    ),
)
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
        if piece is _NEAR:
            value = part + part * _quotient(_NEAR, part * part)
        else:
            size = np.abs(part)
            if piece is _MIDDLE:
                t = size - _CENTRE
                value = (1.0 - _SHARE) + t * _polynomial(_MIDDLE, t)
            else:
                value = 1.0 - _tail(piece, size)
            np.copysign(value, part, out=value)
        out[here] = value


def _erfc(x: Floats, out: Floats) -> None:
    for piece, here in _pieces(x):
        part = x[here]
        if piece is _NEAR:
            rest = part * _quotient(_NEAR, part * part)
            # from 1/2 on 1 - x is exact
            value = np.where(part < 0.5, 1.0 - (part + rest), (1.0 - part) - rest)
        else:
            size = np.abs(part)
            if piece is _MIDDLE:
                t = size - _CENTRE
                value = _SHARE - t * _polynomial(_MIDDLE, t)
            else:
                value = _tail(piece, size)
            np.subtract(2.0, value, out=value, where=part < 0.0)
        out[here] = value


def _pieces(x: Floats) -> Iterator[tuple[Any, Any]]:
    """Yield each approximation with the places of its numbers; a nan goes with the last."""
    size = np.abs(x)
    near, below, far = size < 0.65625, size < 1.25, size < 1.0 / 0.35
    for piece, holds in ((_NEAR, near), (_MIDDLE, near ^ below), (_FAR, below ^ far), (_FARTHER, ~far)):
        here = np.flatnonzero(holds)
        if here.size:
            yield piece, here if here.size < x.size else slice(None)


def _tail(ratio: Ratio, x: Floats) -> Floats:
    """Return erfc from 1.25 on: 2^k exp(rest)/x, where one exponential of a small number rounds once."""
    x = np.minimum(x, _NOTHING_LEFT)
    # the square of a number with its low bits off is exact, and so is what 2^k takes from it
    coarse = (x.view(np.int64) & _HIGH_BITS).view(np.float64)
    power = -coarse * coarse - (0.6875 if ratio is _FAR else 0.5625)
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
