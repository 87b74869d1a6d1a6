"""Special functions of one float that Python's ``math`` lacks."""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import Any

from .precision import digits

BERNOULLI = tuple(
    b / math.factorial(2 * j)
    for j, b in enumerate((1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510), 1)
)
"""B_2j / (2j)! of the Euler-Maclaurin formula, j = 1, 2, ..."""
ROOT = (1.4616321449683622, 9.549995429965697e-17)
"""The positive root of digamma, in two parts."""
MANY = 900
"""Bits from which Stirling's series is faster here than in mpmath."""
GUARD = 40
"""Bits more than the working precision."""
SHARED = 512
"""Precisions up to a multiple of so many bits share their Bernoulli numbers."""
EULER_GAMMA = 0.5772156649015329


def polygamma(n: float, x: float) -> float:
    """Return the n-th derivative of digamma at ``x``; nan at the poles and for n not 0, 1, 2, ...

    Source: Abramowitz and Stegun 6.3 and 6.4 (recurrence), Euler-Maclaurin for the Hurwitz zeta
    function; mpmath left of zero and for large n, where speed does not matter.
    """
    if (
        not math.isfinite(x)
        or not 0.0 <= n <= 1000.0
        or n != math.floor(n)
        or (x <= 0.0 and x == math.floor(x))
    ):
        return math.nan
    if n > 20.0:
        return _reference(n, x)
    if x < 0.0:
        from mpmath import mpf

        with digits(60):
            return float(exact_polygamma(int(n), mpf(x)))
    if n == 0.0:
        return _digamma(x)
    try:
        return -((-1.0) ** n) * math.gamma(n + 1.0) * _hurwitz(n + 1.0, x)
    except OverflowError:
        return -((-1.0) ** n) * math.inf


def lgamma(x: float) -> float:
    """Return log(|gamma(x)|); raises what `math.lgamma` does.

    Around its zeros at 1 and 2 by Taylor series (A&S 6.1.33), where the library's loses digits; near those
    left of 0, two between neighbouring poles, in many digits.
    """
    for zero in (1.0, 2.0):
        d = x - zero
        if abs(d) <= 0.25:
            total = 0.0
            for c in reversed(lgamma_series(zero)):
                total = (total + c) * d
            return d * (total - EULER_GAMMA + (zero - 1.0))
    value = math.lgamma(x)
    if x < 0.0 and abs(value) < 0.5:
        with digits(30):
            from mpmath import mpf

            return float(exact_lgamma(mpf(x)))
    return value


def _digamma(x: float) -> float:
    offset = (x - ROOT[0]) - ROOT[1]
    if abs(offset) < 0.25:
        total = 0.0
        for c in reversed(root_series()):
            total = (total + c) * offset
        return total
    shift = 0.0
    while x < 10.0:
        shift += 1.0 / x
        x += 1.0
    tail, power = 0.0, 1.0 / (x * x)
    for j, b in reversed(list(enumerate(BERNOULLI, 1))):
        tail = power * (b * math.factorial(2 * j - 1) + tail)
    return math.log(x) - 0.5 / x - tail - shift


@cache
def lgamma_series(zero: float) -> list[float]:
    """Return the Taylor coefficients of lgamma around its zero 1 or 2, from the second power up."""
    return [(-1.0) ** k * _hurwitz(float(k), zero) / k for k in range(2, 28)]


@cache
def root_series() -> list[float]:
    """Return the Taylor coefficients of digamma around its root: (-1)^(k+1) zeta(k+1, root)."""
    return [(-1.0) ** (k + 1) * _hurwitz(k + 1.0, ROOT[0]) for k in range(1, 26)]


def _hurwitz(s: float, x: float) -> float:
    """Return zeta(s, x), the sum of (x + k)^-s over k = 0, 1, 2, ..., for s > 1 and x > 0."""
    terms = []
    while x < 10.0 + s:
        terms.append(x**-s)
        x += 1.0
    power, factor = x**-s, s
    terms += [x ** (1.0 - s) / (s - 1.0), 0.5 * power]
    power /= x
    for j, b in enumerate(BERNOULLI, 1):
        terms.append(b * factor * power)
        factor *= (s + 2 * j - 1.0) * (s + 2 * j)
        power /= x * x
    return math.fsum(terms)


def exact_gamma(x: Any) -> Any:
    """Return gamma of a real number to mpmath's working precision.

    In hundreds of digits mpmath's own takes seconds for the first number, as its relatives do.
    """
    from mpmath import mp

    x = mp.mpf(x)
    if mp.prec < MANY or mp.isint(x):
        return mp.gamma(x)
    if x < 0:
        with mp.extraprec(GUARD + max(0, -mp.mag(x - mp.nint(x)))):
            return +(mp.pi / (mp.sinpi(x) * exact_gamma(1 - x)))
    size = mp.mag(x)  # log(gamma) is below x*log(x), or -log(x)
    with mp.extraprec(GUARD + max(0, size) + size.bit_length()):
        return +mp.exp(_asymptotic(-1, x))


def exact_lgamma(x: Any) -> Any:
    """Return log(|gamma(x)|) of a real number to mpmath's working precision."""
    from mpmath import mp

    x = mp.mpf(x)
    if x < 0:
        return mp.log(abs(exact_gamma(x)))
    if mp.prec < MANY or mp.isint(x):
        return mp.loggamma(x)
    # relatively right near its zeros, too
    with mp.extraprec(max(0, -mp.mag(x - 1), -mp.mag(x - 2))):
        return +_asymptotic(-1, x)


def exact_polygamma(n: int, x: Any) -> Any:
    """Return polygamma to mpmath's working precision, real or complex.

    Left of zero by the reflection formula (A&S 6.4.7).
    """
    from mpmath import mp

    x = mp.mpmathify(x)
    if mp.re(x) >= 0:
        return _asymptotic(n, x) if x else mp.nan
    # the n-th derivative of cot(pi*x) is pi^n times a polynomial in the cotangent
    coefficients = [0, 1]
    for _ in range(n):
        slopes = [k * c for k, c in enumerate(coefficients)][1:]
        coefficients = [
            -(slopes[k] if k < len(slopes) else 0) - (slopes[k - 2] if k >= 2 else 0)
            for k in range(len(slopes) + 2)
        ]
    cotangent = mp.cot(mp.pi * x)
    derivative = mp.pi**n * mp.polyval(coefficients[::-1], cotangent)
    return -mp.pi * derivative + (-1) ** n * _asymptotic(n, 1 - x)


def _asymptotic(n: int, x: Any) -> Any:
    """Return polygamma right of 0, or log(gamma) for n = -1: by Stirling's series, far enough to the right.

    Source: Abramowitz and Stegun 6.1.40, 6.3.18, 6.4.11, and the recurrences 6.1.15, 6.3.5, 6.4.6.
    """
    from mpmath import mp

    if mp.prec < MANY:
        return mp.polygamma(n, x)
    with mp.extraprec(GUARD + n):
        nearest = mp.prec // 5 + n + 8
        shift, factor = mp.one if n < 0 else mp.zero, mp.factorial(max(n, 0))
        for _ in range(max(0, nearest - int(min(mp.re(x), nearest)))):
            shift = shift * x if n < 0 else shift + factor / x ** (n + 1)
            x += 1
        if n < 0:
            value = (x - mp.mpf(0.5)) * mp.log(x) - x + mp.log(2 * mp.pi) / 2 - mp.log(shift)
        else:
            value = shift + factor / (2 * x ** (n + 1)) + (mp.factorial(n - 1) / x**n if n else -mp.log(x))
        # (2k + n - 1)!/(2k)! * B_2k / x^(2k + n)
        power, square, tail = mp.factorial(n + 1) / 2 / x ** (n + 2), x**-2, mp.zero
        for k, number in enumerate(_bernoulli(mp.prec + -mp.prec % SHARED), 1):
            term = power * number
            if mp.mag(term) < mp.mag(value) - mp.prec:
                break
            tail += term
            power *= square * ((2 * k + n + 1) * (2 * k + n)) / ((2 * k + 2) * (2 * k + 1))
        return value + tail if n < 0 else (-1) ** (n + 1) * (value + tail)


@lru_cache(maxsize=8)
def _bernoulli(bits: int) -> list[Any]:
    """Return as many of the Bernoulli numbers B_2, B_4, ... as `_asymptotic` needs for so many bits."""
    from mpmath import mp, mpf

    with mp.workprec(bits):
        tangent = _tangent_numbers(bits // 7 + 16)
        return [mpf((-1) ** (k - 1) * 2 * k * t) / (4**k * (4**k - 1)) for k, t in enumerate(tangent, 1)]


@lru_cache(maxsize=8)
def _tangent_numbers(count: int) -> list[int]:
    """Return the first coefficients of tan(x), times factorials.

    Source: Brent and Harvey, Fast computation of Bernoulli, tangent and secant numbers (2013), section 6.
    """
    tangent = [1]
    for k in range(1, count):
        tangent.append(k * tangent[-1])
    for k in range(1, count):
        for j in range(k, count):
            tangent[j] = (j - k) * tangent[j - 1] + (j - k + 2) * tangent[j]
    return tangent


def _reference(n: float, x: float) -> float:
    import mpmath

    with digits(30):
        try:
            value = float(mpmath.polygamma(int(n), mpmath.mpf(x)))
        except (ValueError, ZeroDivisionError, OverflowError):
            return math.nan
    return value


def sinc_n(n: float, x: float) -> float:
    """Return the n-th derivative of sin(x)/x; nan for n not 0, 1, 2, ... up to 1000.

    From x*s_n + n*s_(n-1), which is the n-th derivative of the sine, where x is large against n; else by
    its series, in many digits where the terms cancel.
    """
    if not math.isfinite(x) or not 0.0 <= n <= 1000.0 or n != math.floor(n):
        return math.nan
    order = int(n)
    if order > 3:
        with digits(30):
            import mpmath

            return float(exact_sinc_n(order, mpmath.mpf(x)))
    if abs(x) > 1.0 + order:
        sines = (math.sin(x), math.cos(x), -math.sin(x), -math.cos(x))
        value = sines[0] / x
        for k in range(1, order + 1):
            value = (sines[k] - k * value) / x
        return value
    terms = []
    for k in range((order + 1) // 2, (order + 1) // 2 + 16):
        power = 2 * k - order
        terms.append((-1.0) ** k * x**power / ((2 * k + 1) * math.factorial(power)))
    return math.fsum(terms)


def exact_sinc_n(n: int, x: Any) -> Any:
    """Return the same of an mpmath number, real or complex, to the working precision."""
    from mpmath import mp

    with mp.extraprec(int(6.0 * (n + 1)) + 40):
        x = mp.mpmathify(x)
        if not mp.isfinite(x):  # no term of the series would be small
            return mp.nan
        if abs(x) > n + 1:
            value = mp.sin(x) / x
            shifts = (mp.sin(x), mp.cos(x), -mp.sin(x), -mp.cos(x))
            for k in range(1, n + 1):
                value = (shifts[k % 4] - k * value) / x
            return +value
        total, k = mp.zero, (n + 1) // 2
        term = (-1) ** k * x ** (2 * k - n) / mp.factorial(2 * k - n)
        while True:
            total += term / (2 * k + 1)
            term *= -x * x / ((2 * k + 1 - n) * (2 * k + 2 - n))
            k += 1
            if not term or mp.mag(term) < mp.mag(total or mp.one) - mp.prec:
                return +total
