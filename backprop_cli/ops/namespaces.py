"""The number systems that rules run over.

A namespace offers the functions rules may name and nothing else: those with an implementation
of their own in the number system, and every other primitive by its own forward rule.
Floats and arrays follow IEEE 754: inf and nan, never an exception, never a complex power.
Conditions are numbers, 1.0 and 0.0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, partial, reduce
from typing import Any

from . import special
from .elementwise import PRIMITIVES
from .precision import digits

inf, nan = math.inf, math.nan

CONSTANTS = {
    "log2_e": 1.4426950408889634,
    "log10_e": 0.4342944819032518,
    "sqrt_half": 0.7071067811865476,
    "two_over_sqrt_pi": 1.1283791670955126,
    "one_over_sqrt_two_pi": 0.3989422804014327,
}
"""Of the rules: attributes of every namespace, in as many digits as its numbers have."""


class Namespace:
    """A closed set of functions, and the constants of the rules, over one number system, as attributes.

    Args:
        name: For error messages.
        functions: Those implemented natively. What is missing is derived from the registry.
    """

    def __init__(self, name: str, functions: dict[str, Any]) -> None:
        self.name = name
        self.__dict__.update(functions)

    def __getattr__(self, name: str) -> Any:
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name in PRIMITIVES:
            function = partial(PRIMITIVES[name].forward, self)
            setattr(self, name, function)
            return function
        raise AttributeError(f"{self.name} have no {name}")


class Lifted(Namespace):
    """Numbers that carry something along: every primitive goes through one rule for all rows.

    Args:
        name: For error messages.
        apply: ``(primitive, *operands) -> number``.
        base: Namespace of the numbers that carry it; None for floats.
    """

    def __init__(self, name: str, apply: Callable[..., Any], base: Namespace | None = None) -> None:
        super().__init__(name, {"nan": nan})
        self.apply = apply
        self.base = base
        self.plain = (int, float) if base is None else (int, float, type(base.nan))

    def power(self, a: Any, b: Any) -> Any:
        """IEEE power: 0^0 is 1; a plain exponent has no slope to carry."""
        return self.apply(PRIMITIVES["power_n" if isinstance(b, self.plain) else "power"], a, b)

    def __getattr__(self, name: str) -> Any:
        if name in CONSTANTS:
            return getattr(self.base, name) if self.base is not None else CONSTANTS[name]
        if name not in PRIMITIVES:
            raise AttributeError(f"{self.name} have no {name}")
        function = partial(self.apply, PRIMITIVES[name])
        setattr(self, name, function)
        return function


# Floats


def _total(function: Callable[[float], float], overflow: float = inf) -> Callable[[float], float]:
    """Make a `math` function answer nan outside its domain and inf where it overflows."""

    def total(x: float) -> float:
        try:
            return function(x)
        except ValueError:
            return nan
        except OverflowError:
            return math.copysign(overflow, x) if overflow < 0 else overflow

    return total


def _divide(a: float, b: float) -> float:
    try:
        return a / b
    except ZeroDivisionError:
        return nan if a == 0.0 or a != a else math.copysign(inf, a) * math.copysign(1.0, b)


def _power(a: float, b: float) -> float:
    try:
        return math.pow(a, b)
    except ValueError:  # a negative base, or zero to a negative power
        return inf if a == 0.0 else nan
    except OverflowError:
        return -inf if a < 0.0 and b % 2.0 == 1.0 else inf


def _log_of_zero(function: Callable[[float], float], pole: float) -> Callable[[float], float]:
    def log(x: float) -> float:
        try:
            return function(x)
        except ValueError:
            return -inf if x == pole else nan

    return log


def _sinh(x: float) -> float:
    try:
        return math.sinh(x)
    except OverflowError:
        return math.copysign(inf, x)


def _whole(function: Callable[[float], int]) -> Callable[[float], float]:
    return lambda x: float(function(x)) if math.isfinite(x) else x


def _where(c: float, a: float, b: float) -> float:
    return a if c else b


def _mod(x: float, n: float) -> float:
    try:
        return x % n
    except ZeroDivisionError:
        return nan


def _log_base(x: float, b: float) -> float:
    """A quotient of logarithms; the whole number that it is for a power of the base."""
    log = _log_of_zero(math.log, 0.0)
    y = _divide(log(x), log(b)) if b > 0.0 else nan
    whole = float(round(y)) if abs(y) < 1100.0 else nan
    return whole if whole != y and _power(b, whole) == x else y


def _minimum(*xs: float) -> float:
    return nan if any(x != x for x in xs) else min(xs)


def _maximum(*xs: float) -> float:
    return nan if any(x != x for x in xs) else max(xs)


FLOATS = Namespace(
    "floats",
    {
        "nan": nan,
        "divide": _divide,
        "power": _power,
        "less": lambda a, b: 1.0 if a < b else 0.0,
        "less_equal": lambda a, b: 1.0 if a <= b else 0.0,
        "greater": lambda a, b: 1.0 if a > b else 0.0,
        "greater_equal": lambda a, b: 1.0 if a >= b else 0.0,
        "equal": lambda a, b: 1.0 if a == b else 0.0,
        "not_equal": lambda a, b: 1.0 if a != b else 0.0,
        "where": _where,
        "min": _minimum,
        "max": _maximum,
        "abs": abs,
        "sign": lambda x: 1.0 if x > 0.0 else -1.0 if x < 0.0 else x,
        "floor": _whole(math.floor),
        "ceil": _whole(math.ceil),
        "round": _whole(round),
        "mod": _mod,
        "sin": _total(math.sin),
        "cos": _total(math.cos),
        "tan": _total(math.tan),
        "asin": _total(math.asin),
        "acos": _total(math.acos),
        "atan": math.atan,
        "atan2": math.atan2,
        "sinh": _sinh,
        "cosh": _total(math.cosh),
        "tanh": math.tanh,
        "asinh": math.asinh,
        "acosh": _total(math.acosh),
        "atanh": _total(math.atanh),
        "exp": _total(math.exp),
        "expm1": _total(math.expm1),
        "log": _log_of_zero(math.log, 0.0),
        "log1p": _log_of_zero(math.log1p, -1.0),
        "log2": _log_of_zero(math.log2, 0.0),
        "log10": _log_of_zero(math.log10, 0.0),
        "log_base": _log_base,
        "sqrt": _total(math.sqrt),
        "cbrt": math.cbrt,
        "hypot": math.hypot,
        "erf": math.erf,
        "erfc": math.erfc,
        "gamma": _total(math.gamma),
        "lgamma": _total(special.lgamma),
        "digamma": partial(special.polygamma, 0.0),
        "polygamma": special.polygamma,
        "sinc_n": special.sinc_n,
    },
)


# Arrays

MAPPED = {"gamma": 1, "lgamma": 1, "digamma": 1, "polygamma": 2, "sinc_n": 2, "log_base": 2}
"""Functions of so many operands that run over arrays element by element; they raise no flags."""


@lru_cache(maxsize=1)
def ufuncs() -> dict[str, Any]:
    """Return the functions that NumPy has as they are, by our names."""
    import numpy as np

    same = "sign floor ceil sin cos tan sinh cosh tanh exp expm1 log log1p log2 log10 sqrt cbrt hypot"
    inverse = {"a" + name: f"arc{name}" for name in "sin cos tan tan2 sinh cosh tanh".split()}
    names = {
        "abs": "absolute",
        "round": "rint",
        "mod": "mod",
        **{name: name for name in same.split()},
        **inverse,
    }
    return {ours: getattr(np, theirs) for ours, theirs in names.items()}


@lru_cache(maxsize=1)
def arrays() -> Namespace:
    """Return the namespace of NumPy float arrays; the caller sets ``numpy.errstate``."""
    import numpy as np

    from .error_function import erf, erfc

    def each(name: str, arity: int) -> Callable[..., Any]:
        """A function element by element: exact before fast."""
        scalar = np.frompyfunc(getattr(FLOATS, name), arity, 1)

        def mapped(*xs: Any) -> Any:
            return np.asarray(scalar(*xs), dtype=np.float64)[()]

        return mapped

    def condition(ufunc: Any) -> Callable[..., Any]:
        return lambda a, b: ufunc(a, b) * 1.0

    return Namespace(
        "arrays",
        {
            "nan": nan,
            "divide": np.divide,
            "power": np.float_power,
            "less": condition(np.less),
            "less_equal": condition(np.less_equal),
            "greater": condition(np.greater),
            "greater_equal": condition(np.greater_equal),
            "equal": condition(np.equal),
            "not_equal": condition(np.not_equal),
            "where": lambda c, a, b: np.where(np.not_equal(c, 0.0), a, b),
            "min": lambda *xs: reduce(np.minimum, xs),
            "max": lambda *xs: reduce(np.maximum, xs),
            **ufuncs(),
            "erf": erf,
            "erfc": erfc,
            **{name: each(name, arity) for name, arity in MAPPED.items()},
        },
    )


# Complex numbers, for the complex step

CONDITIONS = "less less_equal greater greater_equal equal not_equal".split()


@lru_cache(maxsize=1)
def complexes() -> Namespace:
    """Return the namespace of Python complex numbers near the real axis.

    Kinked primitives choose their piece by the real part (Martins, Sturdza and Alonso 2003),
    so each piece keeps its analytic form.
    """
    import cmath

    def real(z: Any) -> float:
        return z.real if isinstance(z, complex) else float(z)

    def total(function: Callable[..., complex]) -> Callable[..., complex]:
        def answer(*zs: Any) -> complex:
            try:
                return function(*zs)
            except (ValueError, ZeroDivisionError, OverflowError):
                return complex(nan, nan)

        return answer

    def flat(function: Callable[..., float]) -> Callable[..., float]:
        return lambda *zs: function(*map(real, zs))

    def divide(a: Any, b: Any) -> complex:
        try:
            return complex(a / b)
        except (ZeroDivisionError, OverflowError):
            return complex(nan, nan)

    def power(a: Any, b: Any) -> complex:
        base, exponent = complex(a), complex(b)
        try:
            if exponent.imag == 0.0 and exponent.real == int(exponent.real) and abs(exponent.real) < 1024:
                return whole_power(base, int(exponent.real))
            # at 0 a broken power has a branch point: no analytic form
            return cmath.exp(exponent * cmath.log(base)) if base.real > 0.0 else complex(nan, nan)
        except (ZeroDivisionError, OverflowError, ValueError):
            return complex(nan, nan)

    def whole_power(z: complex, n: int) -> complex:
        """z^n by squaring: an exponential of a logarithm would lose digits."""
        if n < 0:
            return 1.0 / whole_power(z, -n)
        result = complex(1.0)
        while n:
            if n & 1:
                result *= z
            z, n = z * z, n >> 1
        return result

    def expm1(z: Any) -> complex:
        x, h = complex(z).real, complex(z).imag
        return complex(math.expm1(x), math.exp(x) * math.sin(h))

    def log1p(z: Any) -> complex:
        x, h = complex(z).real, complex(z).imag
        return complex(math.log1p(x), math.atan2(h, 1.0 + x))

    def sigmoid(z: Any) -> complex:
        return 1.0 / (1.0 + cmath.exp(-z)) if real(z) >= 0.0 else cmath.exp(z) / (1.0 + cmath.exp(z))

    def log(z: Any) -> complex:
        return complex(nan, nan) if real(z) < 0.0 else cmath.log(z)

    def sqrt(z: Any) -> complex:
        return complex(nan, nan) if real(z) < 0.0 else cmath.sqrt(z)

    def cbrt(z: Any) -> complex:
        root = math.cbrt(real(z))  # one Newton step from the real root carries the imaginary part
        return root + (complex(z) - real(z)) / (3.0 * root * root)

    def atan2(b: Any, a: Any) -> complex:
        b, a = complex(b), complex(a)
        turn = 0.0 if a.real > 0.0 else math.copysign(math.pi, b.real)
        if abs(a.real) >= abs(b.real):
            return cmath.atan(b / a) + turn
        return math.copysign(math.pi / 2.0, b.real) - cmath.atan(a / b)

    def hypot(a: Any, b: Any) -> complex:
        scale = max(abs(real(a)), abs(real(b)))
        return scale * cmath.sqrt((a / scale) * (a / scale) + (b / scale) * (b / scale))

    def special_function(name: str) -> Callable[[Any], complex]:
        def answer(z: Any) -> complex:
            import mpmath

            function = mpmath.loggamma if name == "lgamma" else getattr(mpmath, name)
            with digits(50):  # the step is 1e-20 of the value
                return complex(function(mpmath.mpc(z)))

        return answer

    def lgamma(z: Any) -> complex:
        # loggamma carries a multiple of pi*i left of 0, and only the slope matters there
        value = special_function("lgamma")(z)
        return complex(nan, nan) if real(z) < 0.0 else value

    def polygamma(n: Any, z: Any) -> complex:
        from mpmath import mpc

        with digits(50):
            return complex(special.exact_polygamma(int(real(n)), mpc(z)))

    def sinc_n(n: Any, z: Any) -> complex:
        with digits(50):
            import mpmath

            return complex(special.exact_sinc_n(int(real(n)), mpmath.mpc(z)))

    elementary = "sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh exp".split()
    return Namespace(
        "complex numbers",
        {
            "nan": complex(nan, nan),
            "divide": divide,
            "power": power,
            **{name: flat(getattr(FLOATS, name)) for name in (*CONDITIONS, "sign", "floor", "ceil", "round")},
            "where": lambda c, a, b: a if real(c) else b,
            # at a tie max keeps the first and min the last, so that max(z, 0) + min(z, 0) is z
            "min": lambda *zs: min(reversed(zs), key=real),
            "max": lambda *zs: max(zs, key=real),
            "abs": lambda z: z if real(z) >= 0.0 else -z,
            **{name: total(getattr(cmath, name)) for name in elementary},
            "expm1": total(expm1),
            "log": total(log),
            "log1p": total(log1p),
            "log2": total(lambda z: log(z) / math.log(2.0)),
            "log10": total(lambda z: log(z) / math.log(10.0)),
            "sqrt": total(sqrt),
            "cbrt": total(cbrt),
            "sigmoid": total(sigmoid),
            "atan2": total(atan2),
            "hypot": total(hypot),
            **{name: total(special_function(name)) for name in ("erf", "erfc", "gamma")},
            "lgamma": total(lgamma),
            "digamma": total(lambda z: polygamma(0, z)),
            "polygamma": total(polygamma),
            "sinc_n": total(sinc_n),
            "mod": lambda z, n: z - n * math.floor(real(z) / real(n)),
            "log_base": total(lambda z, b: log(z) / log(b)),
        },
    )


# Multi-precision


class _MultiPrecision(Namespace):
    """mpmath's numbers: the constants to the precision that they are asked for in."""

    def __getattr__(self, name: str) -> Any:
        from mpmath import mp

        if name not in CONSTANTS:
            return super().__getattr__(name)
        return {
            "log2_e": lambda: 1 / mp.ln2,
            "log10_e": lambda: 1 / mp.ln10,
            "sqrt_half": lambda: mp.sqrt(0.5),
            "two_over_sqrt_pi": lambda: 2 / mp.sqrt(mp.pi),
            "one_over_sqrt_two_pi": lambda: 1 / mp.sqrt(2 * mp.pi),
        }[name]()


BEYOND = 1 << 12
"""Bits before the point from which mpmath's functions take more digits, and longer, than there are."""


@lru_cache(maxsize=1)
def multiprecision() -> Namespace:
    """Return the namespace of mpmath numbers at mpmath's current working precision."""
    from mpmath import mp, mpf

    def real(function: Callable[..., Any]) -> Callable[..., Any]:
        def answer(*xs: Any) -> Any:
            try:
                value = function(*xs)
            except (ValueError, ZeroDivisionError, OverflowError):
                return mp.nan
            return value if isinstance(value, mpf) else mp.nan if value.imag else value.real

        return answer

    def near(function: Callable[..., Any], *far: Any) -> Callable[..., Any]:
        """Return a function that takes no number of `BEYOND`: nan there, or its limits left and right."""

        def answer(*xs: Any) -> Any:
            if any(x != x for x in xs):
                return mp.nan
            beyond = [x for x in xs if isinstance(x, mpf) and x._mpf_[2] + x._mpf_[3] > BEYOND]
            if beyond:
                return far[beyond[0] > 0] if far else mp.nan
            return function(*xs)

        return real(answer)

    def condition(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
        return lambda a, b: mpf(1) if compare(a, b) else mpf(0)

    def raised(a: Any, b: Any) -> Any:
        return mp.nan if mp.mag(b) > BEYOND else a**b

    def cbrt(x: Any) -> Any:
        return mp.sign(x) * mp.cbrt(abs(x))

    names = "asin acos atan asinh acosh atanh log1p sqrt"
    return _MultiPrecision(
        "multi-precision numbers",
        {
            "nan": mp.nan,
            "divide": real(lambda a, b: mpf(a) / b),
            "power": real(lambda a, b: raised(mpf(a), b)),
            "less": condition(lambda a, b: a < b),
            "less_equal": condition(lambda a, b: a <= b),
            "greater": condition(lambda a, b: a > b),
            "greater_equal": condition(lambda a, b: a >= b),
            "equal": condition(lambda a, b: a == b),
            "not_equal": condition(lambda a, b: a != b),
            "where": lambda c, a, b: a if c else b,
            "min": min,
            "max": max,
            "abs": abs,
            "sign": mp.sign,
            "floor": mp.floor,
            "ceil": mp.ceil,
            **{name: real(getattr(mp, name)) for name in names.split()},
            **{name: near(getattr(mp, name)) for name in "sin cos tan sinh cosh".split()},
            "exp": near(mp.exp, mp.zero, mp.inf),
            "expm1": near(mp.expm1, -mp.one, mp.inf),
            "tanh": near(mp.tanh, -mp.one, mp.one),
            "erf": near(mp.erf, -mp.one, mp.one),
            "erfc": near(mp.erfc, mpf(2), mp.zero),
            "gamma": near(special.exact_gamma),
            "log": real(lambda x: mp.log(x) if x else -mp.inf),
            "log2": real(lambda x: mp.log(x, 2)),
            "log10": real(mp.log10),
            "cbrt": cbrt,
            "hypot": mp.hypot,
            "atan2": mp.atan2,
            "lgamma": near(special.exact_lgamma),
            "digamma": near(lambda x: special.exact_polygamma(0, x)),
            "polygamma": near(lambda n, x: special.exact_polygamma(int(n), x)),
            "round": mp.nint,
            "mod": real(lambda x, n: mpf(x) - n * mp.floor(mpf(x) / n)),
            "log_base": real(lambda x, b: mp.log(x) / mp.log(b) if x > 0 and b > 0 else mp.nan),
            "sinc_n": near(lambda n, x: special.exact_sinc_n(int(n), x)),
        },
    )
