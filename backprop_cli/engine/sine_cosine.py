"""Sine and cosine of one operand at once over NumPy arrays, in half the time that NumPy's two functions take.

Source:
    fdlibm (Sun Microsystems 1993) for the polynomials; Muller et al., Handbook of Floating-Point Arithmetic
    (2018), section 10.2, on ranges reduced by a constant in parts. Both are within 1.1 ulp.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import pi

import numpy as np
import numpy.typing as npt

from .elementary import COSINE, FARTHEST, SINE
from .lanes import SHIFTER

Floats = npt.NDArray[np.float64]

HALF_PI = (1.57079632673412561417, 6.07710050630396597660e-11, 2.02226624879595063154e-21)
"""In parts of 33 bits, which times a number of quarters are exact, and the rest."""

SIGN = np.int64(-1 << 63)


class SineCosine:
    """Computes both, over room that is its own.

    Args:
        size: Numbers of an operand.
    """

    def __init__(self, size: int) -> None:
        self.room = np.empty((4, size))

    def __call__(self, x: Floats, sine: Floats, cosine: Floats) -> None:
        """Write sine and cosine of every number to arrays that share no memory with it."""
        x, s, c = x.reshape(-1), sine.reshape(-1), cosine.reshape(-1)
        if not (x.min() >= -FARTHEST and x.max() <= FARTHEST):  # or a nan
            np.sin(x, s)
            np.cos(x, c)
            return
        shifted, y, z, p = self.room
        turns = shifted.view(np.int64)  # whose last bits count quarters of a turn
        first, second, third = HALF_PI
        np.multiply(x, 2.0 / pi, shifted)
        shifted += SHIFTER
        n = np.subtract(shifted, SHIFTER, p)
        r = np.subtract(x, np.multiply(n, first, s), z)
        np.multiply(n, second, s)
        rest = np.subtract(r, s, c)  # what is left of x, in two parts: y and low
        r -= rest
        r -= s
        r -= np.multiply(n, third, s)
        np.add(rest, r, y)
        low = np.subtract(rest, y, c)
        low += r
        np.multiply(y, y, z)
        _polynomial(SINE, z, s)
        s *= z
        s *= y
        s += low
        s += y
        low *= y
        _polynomial(COSINE, z, p)
        p *= z
        p *= z
        p -= low
        if not z.min():
            np.copyto(s, x, where=x == 0.0)  # the sine of -0.0 is that
        z *= 0.5
        z -= p
        np.subtract(1.0, z, c)
        # an odd number of quarters swaps the two, and two of them turn the sign
        sines, cosines, mask, other = (array.view(np.int64) for array in (s, c, y, p))
        np.bitwise_and(turns, 1, mask)
        np.negative(mask, mask)
        np.bitwise_xor(sines, cosines, other)
        other &= mask
        sines ^= other
        cosines ^= other
        for results in (sines, cosines):
            np.left_shift(turns, 62, mask)
            mask &= SIGN
            results ^= mask
            turns += 1


def _polynomial(coefficients: Sequence[float], x: Floats, out: Floats) -> None:
    *rest, last = coefficients
    np.multiply(x, last, out)
    for c in rest[:0:-1]:
        out += c
        out *= x
    out += rest[0]
