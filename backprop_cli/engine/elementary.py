"""Functions of single numbers, written for the lanes of a vector: at most 2 ulp from exact, mostly 1.

What the processor rounds once is exact as ever, nothing is contracted. Special values are NumPy's.

Source:
    fdlibm (Sun Microsystems 1993) for the polynomials of log, sin, cos and atan and the intervals of atan;
    Muller et al., Handbook of Floating-Point Arithmetic (2018), on sums of two numbers (4.3) and on ranges
    reduced by a constant in parts (10.2). The others are sums of cosh and sinh of what is left of the range.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan, pi
from typing import Any, NamedTuple

from ..ops.error_terms import CENTRE, FAR, FARTHER, MIDDLE, NEAR, SHARE, Ratio
from .lanes import SHIFTER, Lane, Lanes

Pair = tuple[Lane, Lane]
"""A sum of two numbers, the second below the last digit of the first."""

FARTHEST = 2.0**20
"""Up to which sines are exact: further out pi has too few digits in three parts."""

HALF_PI = (pi / 2.0, 6.123233995736766e-17, -1.4973849048591698e-33)
LOG2_E = 1.4426950408889634
LN2 = (0.6931471805599453, 2.3190468138462996e-17)
LN2_SHORT = (6.93147180369123816490e-01, 1.90821492927058770002e-10)
"""The first 32 bits, which times an exponent are exact, and the others."""
OVER_LN2, OVER_LN10 = (LOG2_E, 2.0355273740931033e-17), (0.4342944819032518, 1.098319650216765e-17)
LOG10_2_SHORT = (0.3010299955494702, 1.1451100898021838e-10)

SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
MANTISSA_BITS = 52
EXPONENT_MASK = 0x7FF << MANTISSA_BITS | 1 << 63
LARGEST_POWER = 1000.0  # 2^1024 is no float, 2^1000 times 2^24 is a product of two

# Coefficients, from the constant up

SINE = (
    -1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04,
    2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10,
)  # fmt: skip
COSINE = (
    4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05,
    -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11,
)  # fmt: skip
COSH = (1 / 2, 1 / 24, 1 / 720, 1 / 40320, 1 / 3628800, 1 / 479001600)
SINH = (1 / 6, 1 / 120, 1 / 5040, 1 / 362880, 1 / 39916800, 1 / 6227020800)
LOG = (
    6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
    1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01,
)  # fmt: skip
ATAN = (
    3.33333333333329318027e-01, -1.99999999998764832476e-01, 1.42857142725034663711e-01,
    -1.11111104054623557880e-01, 9.09088713343650656196e-02, -7.69187620504482999495e-02,
    6.66107313738753120669e-02, -5.83357013379057348645e-02, 4.97687799461593236017e-02,
    -3.65315727442169155270e-02, 1.62858201153657823623e-02,
)  # fmt: skip
ATAN_FROM = ((7 / 16, 0.5), (11 / 16, 1.0), (19 / 16, 1.5), (39 / 16, inf))
"""From where on an angle is counted from that of another tangent."""
ATAN_OF = {
    0.5: (4.63647609000806093515e-01, 2.26987774529616870924e-17),
    1.0: (7.85398163397448278999e-01, 3.06161699786838301793e-17),
    1.5: (9.82793723247329054082e-01, 1.39033110312309984516e-17),
    inf: HALF_PI[:2],
}
ARC = (
    (
        1.66666666666666657415e-01, -3.25565818622400915405e-01, 2.01212532134862925881e-01,
        -4.00555345006794114027e-02, 7.91534994289814532176e-04, 3.47933107596021167570e-05,
    ),
    (
        1.0, -2.40339491173441421878e+00, 2.02094576023350569471e+00, -6.88283971605453293030e-01,
        7.70381505559019352791e-02,
    ),
)  # fmt: skip
"""asin(x)/x - 1 over x^2."""
LARGE = 2.0**28
"""From where on the inverse hyperbolic functions are logarithms of twice their operands."""
MOST_FACTORS = 64.0
"""Of a square root, in a power that is a product."""
CBRT_BITS = 715094163.0
"""Two thirds of the exponent of 1, so that a third of the bits is that of a root (Kahan)."""

# Sums of two numbers


def _sum(large: Lane, small: Lane) -> Pair:
    total = large + small
    return total, small - (total - large)


def _quotient(xp: Lanes, top: Pair, bottom: Pair) -> Lane:
    """Write a quotient of sums, of which one division is taken and what is left of it."""
    (a, b), (c, d) = top, bottom
    over = 1.0 / c
    q = a * over
    return xp.fma(xp.fma(-q, c, a) + (b - q * d), over, q)


def _odd(xp: Lanes, x: Lane, y: Lane) -> Lane:
    """Return a value that is 0 with the sign of its operand."""
    return xp.where(x == 0.0, x, y)


# Sine and cosine


def _turned(xp: Lanes, x: Lane) -> tuple[Pair, Pair]:
    """Write sine and cosine of x, together: n quarters of a turn are taken off, and n says which is which."""
    shifted = xp.fma(x, xp.number(2.0 / pi), SHIFTER)
    n = shifted - SHIFTER
    first, second, third = HALF_PI
    r0 = xp.fma(-first, n, x)
    r = xp.fma(-second, n, r0)
    low = xp.fma(-third, n, xp.fma(-second, n, r0 - r))
    z = r * r
    half = 0.5 * z
    sine = _sum(r, xp.fma(r * z, xp.polynomial(SINE, z), xp.fma(-low, half, low)))
    large = 1.0 - half
    rest = (1.0 - large) - half - 0.5 * xp.fma(r, r, -z)
    cosine = _sum(large, rest + xp.fma(z * z, xp.polynomial(COSINE, z), -(r * low)))
    turns = xp.bits(shifted)
    swapped = (turns & 1) != 0
    minus = (turns & 2) << 62
    other = ((turns + 1) & 2) << 62

    def signed(y: Lane, sign: Lane) -> Lane:
        return xp.of_bits(xp.bits(y) ^ sign)

    pairs = list(zip(sine, cosine, strict=True))
    sines = [signed(xp.where(swapped, c, s), minus) for s, c in pairs]
    cosines = [signed(xp.where(swapped, s, c), other) for s, c in pairs]
    return (sines[0], sines[1]), (cosines[0], cosines[1])


def _sin(xp: Lanes, x: Lane) -> Lane:
    return _odd(xp, x, _turned(xp, x)[0][0])


def _cos(xp: Lanes, x: Lane) -> Lane:
    return _turned(xp, x)[1][0]


def _tan(xp: Lanes, x: Lane) -> Lane:
    return _odd(xp, x, _quotient(xp, *_turned(xp, x)))


# The exponential function and what is made of it


class _Power(NamedTuple):
    """What e^x is made of: 2^n e^r, where e^r = 1 + c + s, the even part and the odd.

    Attributes:
        n: The power of 2, up to `LARGEST_POWER`.
        more: 2^that many more.
        r: The larger part of s.
        s: The rest of it.
        c: cosh(r) - 1.
    """

    n: Lane
    more: Lane
    r: Lane
    s: Lane
    c: Lane


def _power(xp: Lanes, x: Lane, low: float, high: float) -> _Power:
    """Take powers of 2 out of e^x; beyond the bounds what is there has its last value."""
    x = xp.where(x > high, high, xp.where(x < low, low, x))
    whole = xp.fma(x, xp.number(LOG2_E), SHIFTER) - SHIFTER
    r0 = xp.fma(-LN2[0], whole, x)
    r = xp.fma(-LN2[1], whole, r0)
    rest = xp.fma(-LN2[1], whole, r0 - r)
    z = r * r
    s = xp.fma(r * z, xp.polynomial(SINH, z), rest)
    c = z * xp.polynomial(COSH, z)
    n = xp.where(
        whole > LARGEST_POWER, LARGEST_POWER, xp.where(whole < -LARGEST_POWER, -LARGEST_POWER, whole)
    )
    return _Power(n, xp.power_of_two(whole - n), r, s, c)


def _exp(xp: Lanes, x: Lane) -> Lane:
    n, more, r, s, c = _power(xp, x, -750.0, 710.0)
    p, rest = _sum(r, c + s)
    y, low = _sum(xp.number(1.0), p)
    return (y + (low + rest)) * xp.power_of_two(n) * more


def _expm1(xp: Lanes, x: Lane) -> Lane:
    n, more, r, s, c = _power(xp, x, -50.0, 710.0)
    scale = xp.power_of_two(n)
    p, rest = _sum(r, c + s)
    y, low = _sum(scale - 1.0, scale * p)
    return _odd(xp, x, (y + xp.fma(scale, rest, low)) * more)


def _hyperbolic(xp: Lanes, size: Lane, high: float) -> tuple[Pair, Pair, Lane]:
    """Write sinh and cosh of a size, and what they are to be multiplied by."""
    n, more, r, s, c = _power(xp, size, 0.0, high)
    up, down = xp.power_of_two(n - 1.0), xp.power_of_two(-n - 1.0)
    total, difference = up + down, up - down
    odd, rest = _sum(r, s)

    def part(even: Lane, other: Lane, lost: Lane) -> Pair:
        product = other * odd
        large, low = _sum(even, product)
        more = xp.fma(even, c, xp.fma(other, odd, -product))
        return _sum(large, low + (more + xp.fma(other, rest, lost)))

    sine = part(difference, total, (up - difference) - down)
    return sine, part(total, difference, down - (total - up)), more


def _sinh(xp: Lanes, x: Lane) -> Lane:
    (y, _), _, more = _hyperbolic(xp, abs(x), 712.0)
    return xp.copysign(y * more, x)


def _cosh(xp: Lanes, x: Lane) -> Lane:
    _, (y, _), more = _hyperbolic(xp, abs(x), 712.0)
    return y * more


def _tanh(xp: Lanes, x: Lane) -> Lane:
    top, bottom, _ = _hyperbolic(xp, abs(x), 22.0)
    return xp.copysign(_quotient(xp, top, bottom), x)


# Logarithms


def _split(xp: Lanes, x: Lane) -> Pair:
    """Return k and f of x = 2^k (1 + f), where 1 + f lies around 1, by a factor of sqrt(2) at most."""
    bits = xp.bits(x)
    above = bits - SQRT_HALF_BITS
    k = xp.of_bits(((above + (1023 << MANTISSA_BITS)) >> MANTISSA_BITS) | xp.bits(xp.number(2.0**52)))
    return k - (2.0**52 + 1023.0), xp.of_bits(bits - (above & EXPONENT_MASK)) - 1.0


def _rest_of_log(xp: Lanes, f: Lane) -> Pair:
    """Return f^2/2, and what log(1 + f) is besides f less that."""
    s = f / (2.0 + f)
    z = s * s
    half = 0.5 * f * f
    return half, s * xp.fma(z, xp.polynomial(LOG, z), half)


def _valid(xp: Lanes, x: Lane, y: Lane) -> Lane:
    """Return a logarithm of x: minus infinity of 0, nan of less."""
    ends = xp.where(x == 0.0, -inf, xp.where(x > 0.0, inf, nan))
    return xp.where((x > 0.0) & (x < inf), y, ends)


def _normal(xp: Lanes, x: Lane) -> tuple[Lane, Lane]:
    """Return k and f of any positive x."""
    small = x < 2.0**-1022
    k, f = _split(xp, xp.where(small, x * 2.0**54, x))
    return xp.where(small, k - 54.0, k), f


def _log(xp: Lanes, x: Lane) -> Lane:
    k, f = _normal(xp, x)
    half, rest = _rest_of_log(xp, f)
    y = k * LN2_SHORT[0] - ((half - xp.fma(k, xp.number(LN2_SHORT[1]), rest)) - f)
    return _valid(xp, x, y)


def _log_of(xp: Lanes, x: Lane, low: Lane) -> Lane:
    """Write log(1 + x + low), where low is below the last digit of x."""
    u = 1.0 + x
    lost = xp.where(x < 1.0, x - (u - 1.0), 1.0 - (u - x)) + low
    k, f = _split(xp, u)
    half, rest = _rest_of_log(xp, f)
    y = k * LN2_SHORT[0] - ((half - (rest + xp.fma(k, xp.number(LN2_SHORT[1]), lost / u))) - f)
    return _valid(xp, u, y)


def _log1p(xp: Lanes, x: Lane) -> Lane:
    return _odd(xp, x, _log_of(xp, x, xp.number(0.0)))


def _asinh(xp: Lanes, x: Lane) -> Lane:
    size = abs(x)
    large = size > LARGE
    part = xp.where(large, 1.0, size)
    square = part * part
    more = square / (1.0 + xp.sqrt(1.0 + square))
    total = part + more
    low = xp.where(part > more, more - (total - part), part - (total - more))
    y = _log_of(xp, total, low)
    return xp.copysign(xp.where(large, _log(xp, size) + LN2[0], y), x)


def _acosh(xp: Lanes, x: Lane) -> Lane:
    large = x > LARGE
    t = xp.where(large, 1.0, x - 1.0)
    root = xp.sqrt(2.0 * t + t * t)
    total = t + root  # the root is larger
    y = _log_of(xp, total, t - (total - root))
    return xp.where(large, _log(xp, x) + LN2[0], y)


def _atanh(xp: Lanes, x: Lane) -> Lane:
    size = abs(x)
    left = 1.0 - size
    lost = (1.0 - left) - size
    twice = 2.0 * size
    q = twice / left
    low = (xp.fma(-q, left, twice) - q * lost) / left
    y = 0.5 * _log_of(xp, q, low)
    ends = xp.where(size == 1.0, inf, nan)
    return xp.copysign(xp.where(size < 1.0, y, ends), x)


def _log_to(over: tuple[float, float], bit: tuple[float, float]) -> Callable[[Lanes, Lane], Lane]:
    """Return a logarithm to another base, of which 1/log and the logarithm of 2 are given in two parts."""

    def write(xp: Lanes, x: Lane) -> Lane:
        k, f = _normal(xp, x)
        half, rest = _rest_of_log(xp, f)
        a, low = _sum(f, -half)
        low = (low - 0.5 * xp.fma(f, f, -(2.0 * half))) + rest
        p = a * over[0]
        small = xp.fma(a, xp.number(over[0]), -p) + xp.fma(low, xp.number(over[0]), a * over[1])
        whole = k * bit[0]
        y, left = _sum(whole, p)
        return _valid(xp, x, y + (left + xp.fma(k, xp.number(bit[1]), small)))

    return write


_log2, _log10 = _log_to(OVER_LN2, (1.0, 0.0)), _log_to(OVER_LN10, LOG10_2_SHORT)

# The others


def _angle(xp: Lanes, size: Lane) -> Lane:
    """Write atan of what is not negative."""
    top, bottom = size, xp.number(1.0)
    angle, low = xp.number(0.0), xp.number(0.0)
    for start, tangent in ATAN_FROM:
        there = size >= start
        if tangent == inf:
            top, bottom = xp.where(there, -1.0, top), xp.where(there, size, bottom)
        else:
            top = xp.where(there, size - tangent, top)
            bottom = xp.where(there, xp.fma(tangent, size, 1.0), bottom)
        angle, low = (xp.where(there, a, b) for a, b in zip(ATAN_OF[tangent], (angle, low), strict=True))
    t = top / bottom
    z = t * t
    return angle + (low + xp.fma(-t * z, xp.polynomial(ATAN, z), t))


def _atan(xp: Lanes, x: Lane) -> Lane:
    return xp.copysign(_angle(xp, abs(x)), x)


def _atan2(xp: Lanes, y: Lane, x: Lane) -> Lane:
    up, right = abs(y), abs(x)
    angle = xp.where(up == 0.0, 0.0, _angle(xp, xp.where(up == right, 1.0, up / right)))
    behind = (xp.bits(x) >> 63) != 0
    turned = 2.0 * HALF_PI[0] - (angle - 2.0 * HALF_PI[1])
    found = xp.copysign(xp.where(behind, turned, angle), y)
    return xp.where((x == x) & (y == y), found, nan)


def _arc(xp: Lanes, x: Lane) -> tuple[Lane, Lane, Pair]:
    """Return whether x is near 0, asin(x) - x there, and asin(sqrt((1 - |x|)/2)) elsewhere."""
    size = abs(x)
    near = size < 0.5
    z = xp.where(near, x * x, 0.5 - 0.5 * size)
    ratio = z * xp.polynomial(ARC[0], z) / xp.polynomial(ARC[1], z)
    root = xp.sqrt(z)
    lost = xp.where(z > 0.0, xp.fma(-root, root, z) / (2.0 * root), 0.0)
    return near, x * ratio, (root, xp.fma(root, ratio, lost))


def _asin(xp: Lanes, x: Lane) -> Lane:
    near, rest, (root, low) = _arc(xp, x)
    large, lost = _sum(xp.number(HALF_PI[0]), -2.0 * root)
    far = large + (lost + (HALF_PI[1] - 2.0 * low))
    return xp.where(near, x + rest, xp.copysign(far, x))


def _acos(xp: Lanes, x: Lane) -> Lane:
    near, rest, (root, low) = _arc(xp, x)
    large, lost = _sum(xp.number(HALF_PI[0]), -x)
    around = large + (lost + (HALF_PI[1] - rest))
    twice = 2.0 * (root + low)
    left = 2.0 * HALF_PI[0] - 2.0 * root
    lost = (2.0 * HALF_PI[0] - left) - 2.0 * root
    behind = left + (lost + (2.0 * HALF_PI[1] - 2.0 * low))
    return xp.where(near, around, xp.where(x > 0.0, twice, behind))


def _tails(xp: Lanes, size: Lane) -> tuple[Lane, Lane, Lane]:
    """Return erf(x)/x - 1 around 0, erfc near 1, and erfc from 1.25 on, of a size."""
    near, far = size < 0.65625, size < 1.0 / 0.35
    square, over = size * size, 1.0 / size
    small = over * over

    def chosen(k: int) -> Lane:
        def at(ratio: Ratio, z: Lane) -> Lane:
            return xp.polynomial(ratio[k], z)

        return xp.where(near, at(NEAR, square), xp.where(far, at(FAR, small), at(FARTHER, small)))

    ratio = chosen(0) / chosen(1)
    # the square in two parts
    rest = ratio - xp.fma(size, size, -square)
    power = -square - xp.where(far, 0.6875, 0.5625)
    lost = (-square - power) - xp.where(far, 0.6875, 0.5625)
    large, low = _sum(power, rest + lost)
    n, more, r, s, c = _power(xp, large, -800.0, 1.0)
    p, left = _sum(r, c + s)
    y, lost = _sum(xp.number(1.0), p)
    tail = _quotient(xp, (y, lost + xp.fma(y, low, left)), (size, xp.number(0.0)))
    tail = tail * xp.power_of_two(n) * more
    middle = xp.polynomial(MIDDLE, size - CENTRE) * (size - CENTRE)
    return ratio, middle, tail


def _erf(xp: Lanes, x: Lane) -> Lane:
    size = abs(x)
    ratio, middle, tail = _tails(xp, size)
    beyond = xp.where(size < 6.0, 1.0 - tail, 1.0)
    far = xp.where(size < 1.25, (1.0 - SHARE) + middle, beyond)
    y = xp.where(size < 0.65625, xp.fma(size, ratio, size), far)
    return xp.copysign(xp.where(x == x, y, x), x)


def _erfc(xp: Lanes, x: Lane) -> Lane:
    size = abs(x)
    ratio, middle, tail = _tails(xp, size)
    rest = x * ratio
    # from 1/2 on 1 - x is exact
    near = xp.where(x < 0.5, 1.0 - (x + rest), (1.0 - x) - rest)
    far = xp.where(size < 1.25, SHARE - middle, xp.where(size < 28.0, tail, 0.0))
    y = xp.where(size < 0.65625, near, xp.where(x < 0.0, 2.0 - far, far))
    return xp.where(x == x, y, x)


def _times(xp: Lanes, a: Pair, b: Pair) -> Pair:
    product = a[0] * b[0]
    return _sum(product, xp.fma(a[0], b[0], -product) + (a[0] * b[1] + a[1] * b[0]))


def _power_n(xp: Lanes, x: Lane, n: Lane) -> Lane:
    """Write a power; halves of small whole numbers by products of pairs, others by C's function."""
    times = 2.0 * n.value if n.value is not None else 0.5
    if not times.is_integer() or not 0.0 < abs(times) <= MOST_FACTORS:
        return xp.one_by_one("pow", x, n)
    count, base = abs(int(times)), (x, xp.number(0.0))
    if count % 2:
        root = xp.sqrt(x) + 0.0  # no -0.0
        base = root, xp.where(x > 0.0, xp.fma(-root, root, x) / (2.0 * root), 0.0)
    else:
        count //= 2
    if times < 0.0:
        over = 1.0 / base[0]
        base = over, (xp.fma(-over, base[0], 1.0) - over * base[1]) * over
    found = base
    for digit in f"{count:b}"[1:]:
        found = _times(xp, found, found)
        found = _times(xp, found, base) if digit == "1" else found
    return found[0]


def _hypot(xp: Lanes, a: Lane, b: Lane) -> Lane:
    a, b = abs(a), abs(b)
    large, small = xp.where(a > b, a, b), xp.where(a > b, b, a)
    scale = xp.where(large > 2.0**500, 2.0**-600, xp.where(large < 2.0**-450, 2.0**600, 1.0))
    back = xp.where(large > 2.0**500, 2.0**600, xp.where(large < 2.0**-450, 2.0**-600, 1.0))
    x, y = large * scale, small * scale
    square = x * x
    low = xp.fma(x, x, -square) + y * y
    y = xp.sqrt(square + low)
    return xp.where((a == inf) | (b == inf), inf, y * back)


def _cbrt(xp: Lanes, x: Lane) -> Lane:
    size = abs(x)
    tiny, huge = size < 2.0**-1000, size > 2.0**1000
    size = xp.where(tiny, size * 2.0**54, xp.where(huge, size * 2.0**-54, size))
    # a third of the bits is a root to 4 %, which Halley's rule takes to 1e-4 and 1e-12
    top = xp.of_bits((xp.bits(size) >> 32) | xp.bits(xp.number(2.0**52))) - 2.0**52
    y = xp.of_bits(xp.bits(xp.fma(1.0 / 3.0, top, SHIFTER + CBRT_BITS)) << 32)
    for _ in range(2):
        cube = y * y * y
        y = y * ((cube + 2.0 * size) / (2.0 * cube + size))
    square = y * y
    low = xp.fma(y, y, -square)
    cube = square * y
    rest = ((size - cube) - xp.fma(square, y, -cube)) - low * y
    y = y + rest / (3.0 * square)
    y = xp.where(tiny, y * 2.0**-18, xp.where(huge, y * 2.0**18, y))
    return xp.copysign(xp.where((x != 0.0) & (abs(x) < inf), y, abs(x)), x)


# The rows of the engine


class Row(NamedTuple):
    """How an instruction is written.

    Attributes:
        write: ``(lanes, *operands) -> result``.
        keeps: Operands that are nan or infinite only where the result is.
        far: Whether what is further out than `FARTHEST` is left to others.
    """

    write: Callable[..., Any]
    keeps: tuple[int, ...] = ()
    far: bool = False


def _called(name: str) -> Callable[..., Lane]:
    return lambda xp, *operands: xp.one_by_one(name, *operands)


def _intrinsic(name: str) -> Callable[..., Lane]:
    return lambda xp, x: xp.intrinsic(name, x)


def _mod(xp: Lanes, x: Lane, n: Lane) -> Lane:
    rest = xp.one_by_one("fmod", x, n)
    other = (rest != 0.0) & ((rest < 0.0) ^ (n < 0.0))
    return xp.where(rest == 0.0, xp.copysign(rest, n), xp.where(other, rest + n, rest))


ROWS: dict[str, Row] = {
    "add": Row(lambda xp, a, b: a + b, (0, 1)),
    "subtract": Row(lambda xp, a, b: a - b, (0, 1)),
    "multiply": Row(lambda xp, a, b: a * b, (0, 1)),
    "divide": Row(lambda xp, a, b: a / b, (0,)),
    "negative": Row(lambda xp, a: -a, (0,)),
    "power": Row(_called("pow")),
    "power_n": Row(_power_n),
    "less": Row(lambda xp, a, b: a < b),
    "less_equal": Row(lambda xp, a, b: a <= b),
    "greater": Row(lambda xp, a, b: a > b),
    "greater_equal": Row(lambda xp, a, b: a >= b),
    "equal": Row(lambda xp, a, b: a == b),
    "not_equal": Row(lambda xp, a, b: a != b),
    "where": Row(lambda xp, c, a, b: xp.where(xp.truth(c), a, b)),
    "min": Row(lambda xp, a, b: xp.where(b < a, b, a)),
    "max": Row(lambda xp, a, b: xp.where(b > a, b, a)),
    "abs": Row(lambda xp, x: abs(x), (0,)),
    "sign": Row(lambda xp, x: xp.where(x > 0.0, 1.0, xp.where(x < 0.0, -1.0, x + 0.0))),
    "floor": Row(_intrinsic("floor"), (0,)),
    "ceil": Row(_intrinsic("ceil"), (0,)),
    "round": Row(_intrinsic("rint"), (0,)),
    "mod": Row(_mod, (0,)),
    "sqrt": Row(lambda xp, x: xp.sqrt(x), (0,)),
    "cbrt": Row(_cbrt, (0,)),
    "hypot": Row(_hypot, (0, 1)),
    "sin": Row(_sin, (0,), far=True),
    "cos": Row(_cos, (0,), far=True),
    "tan": Row(_tan, (0,), far=True),
    "asin": Row(_asin, (0,)),
    "acos": Row(_acos, (0,)),
    "atan": Row(_atan),
    "atan2": Row(_atan2),
    "sinh": Row(_sinh, (0,)),
    "cosh": Row(_cosh, (0,)),
    "tanh": Row(_tanh),
    "asinh": Row(_asinh, (0,)),
    "acosh": Row(_acosh, (0,)),
    "atanh": Row(_atanh, (0,)),
    "exp": Row(_exp),
    "expm1": Row(_expm1),
    "log": Row(_log, (0,)),
    "log1p": Row(_log1p, (0,)),
    "log2": Row(_log2, (0,)),
    "log10": Row(_log10, (0,)),
    "erf": Row(_erf),
    "erfc": Row(_erfc),
}
"""What of `numpy.FUNCTIONS` is written for lanes; a program with another row is left to NumPy."""
