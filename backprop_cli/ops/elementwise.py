"""The scalar primitives, one row each.

Rules use operators for ``+ - *`` and the namespace for all else: ``xp.divide`` and ``xp.power``
follow IEEE 754 (inf and nan instead of exceptions), which Python's own operators do not.
"""

from __future__ import annotations

from typing import Any

from .primitive import CONSTANT_FACTOR_RULE, POWER_RULE, PRODUCT_RULE, QUOTIENT_RULE, SUM_RULE, Primitive

WIDE = (-350.0, 350.0)

PRIMITIVES: dict[str, Primitive] = {}


_groups = [""]


def group(title: str) -> None:
    """Begin a group: what the rows that follow are listed under."""
    _groups[0] = title


def elementwise(name: str, **row: Any) -> None:
    """Enter one row."""
    PRIMITIVES[name] = Primitive(name, group=_groups[0], **row)


def _one_less(xp: Any, y: Any, a: Any, n: Any) -> Any:
    """Return a^(n - 1), where y is a^n; a float from 2^53 on is even, and so would be its n - 1."""
    return xp.where(xp.less(xp.abs(n), 2.0**53), xp.power(a, n - 1.0), xp.divide(y, a))


def _whole(x: float) -> bool:
    return x % 1.0 == 0.0


def _gauss(xp: Any, x: Any) -> Any:
    """exp(-x^2) with x split in two halves (Veltkamp), so that x^2 brings no rounding error."""
    high = 134217729.0 * x
    high = high - (high - x)
    low = x - high
    # where the first factor is 0, the second one may be anything but infinite
    return xp.exp(-(high * high)) * xp.exp(xp.min(-(low * (x + high)), 700.0))


group("Arithmetic")

elementwise(
    "add",
    params=("a", "b"),
    infix="+",
    forward=lambda xp, a, b: a + b,
    partials=lambda xp, y, a, b: (1.0, 1.0),
    local=("1", "1"),
    symbol=lambda sp, a, b: a + b,
    linear=((0, 1),),
    native=True,
    sample=(WIDE, WIDE),
    ulp=0.5,
    additive=True,
    says="sum",
    rule=SUM_RULE,
)
elementwise(
    "subtract",
    params=("a", "b"),
    infix="-",
    forward=lambda xp, a, b: a - b,
    partials=lambda xp, y, a, b: (1.0, -1.0),
    local=("1", "-1"),
    symbol=lambda sp, a, b: a - b,
    linear=((0, 1),),
    native=True,
    sample=(WIDE, WIDE),
    ulp=0.5,
    additive=True,
    says="difference",
    rule=SUM_RULE,
)
elementwise(
    "multiply",
    params=("a", "b"),
    infix="*",
    forward=lambda xp, a, b: a * b,
    partials=lambda xp, y, a, b: (b, a),
    local=("b", "a"),
    symbol=lambda sp, a, b: a * b,
    linear=((0,), (1,)),
    native=True,
    sample=(WIDE, WIDE),
    ulp=0.5,
    says="product",
    rule=PRODUCT_RULE,
)
elementwise(
    "divide",
    params=("a", "b"),
    infix="/",
    forward=lambda xp, a, b: xp.divide(a, b),
    partials=lambda xp, y, a, b: (xp.divide(1.0, b), -xp.divide(y, b)),
    local=("1/b", "-a/b^2"),
    symbol=lambda sp, a, b: a / b,
    linear=((0,),),
    antiderivative=(1, lambda xp, a, b: a * xp.log(xp.abs(b))),
    native=True,
    defined="b != 0",
    domain=lambda a, b: b != 0,
    sample=(WIDE, (0.1, 350.0)),
    ulp=0.5,
    says="quotient",
    rule=QUOTIENT_RULE,
)
elementwise(
    "negative",
    params=("a",),
    infix="-",
    forward=lambda xp, a: -a,
    partials=lambda xp, y, a: (-1.0,),
    local=("-1",),
    symbol=lambda sp, a: -a,
    linear=((0,),),
    native=True,
    sample=(WIDE,),
    ulp=0.0,
    says="negative",
    rule=CONSTANT_FACTOR_RULE,
)
elementwise(
    "power_n",
    params=("a", "n"),
    infix="^",
    forward=lambda xp, a, n: xp.power(a, n),
    # where: x^0 is flat even at 0, where n*a^(n-1) would be 0*inf
    partials=lambda xp, y, a, n: (xp.where(xp.equal(n, 0.0), 0.0, n * _one_less(xp, y, a, n)), xp.nan),
    local=("n*a^(n - 1)", ""),
    symbol=lambda sp, a, n: a**n,
    antiderivative=(
        0,
        lambda xp, a, n: xp.where(
            xp.equal(n, -1.0), xp.log(xp.abs(a)), xp.divide(xp.power(a, n + 1.0), n + 1.0)
        ),
    ),
    native=True,
    literal=1,
    defined="a > 0; a = 0 when n >= 0; a < 0 when n is whole",
    domain=lambda a, n: a > 0 or (a == 0 and n >= 0) or (a < 0 and _whole(n)),
    edges=((0, lambda xp, a, n: xp.equal(a, 0.0) * xp.not_equal(n, xp.floor(n))),),
    sample=((0.1, 6.0), (-3.0, 5.0)),
    convention="x^0 = 1 with slope 0, at 0 too, when the exponent is written as 0",
    conventional=lambda a, n: a == 0 and n == 0,
    hint="for an odd root of a negative number write cbrt(x)",
    overflow_hint="if this is part of a length sqrt(x^2 + y^2), write hypot(x, y)",
    says="power with a constant exponent",
    rule=POWER_RULE,
)
elementwise(
    "power",
    params=("a", "b"),
    infix="^",
    forward=lambda xp, a, b: xp.where(xp.equal(a, 0.0) * xp.equal(b, 0.0), xp.nan, xp.power(a, b)),
    # where: 0^b with b > 0 stays 0 when b moves, although log(0) is infinite
    partials=lambda xp, y, a, b: (
        b * _one_less(xp, y, a, b),
        xp.where(xp.equal(a, 0.0) * xp.less(0.0, b), 0.0, y * xp.log(a)),
    ),
    local=("b*a^(b - 1)", "a^b*log(a)"),
    exact=("b*a^(b - 1)", "y*log(where(a == 0, 1, a))"),
    symbol=lambda sp, a, b: a**b,
    native=True,
    defined="a > 0; a = 0 when b > 0; a < 0 when b is whole",
    domain=lambda a, b: a > 0 or (a == 0 and b > 0) or (a < 0 and _whole(b)),
    edges=(
        (0, lambda xp, a, b: xp.equal(a, 0.0)),
        (1, lambda xp, a, b: xp.less(a, 0.0)),
    ),
    sample=((0.1, 6.0), (-3.0, 5.0)),
    convention="0^y has slope 0 in y for y > 0",
    conventional=lambda a, b: a == 0,
    slope_hint="a negative or zero base has a slope in its base only: narrow with --wrt",
    literal_form="power_n",
    says="power with an exponent that varies",
    rule="exponential rule",
)

elementwise(
    "identity",
    params=("a",),
    infix="",
    forward=lambda xp, a: a,
    partials=lambda xp, y, a: (1.0,),
    local=("1",),
    symbol=lambda sp, a: a,
    linear=((0,),),
    native=True,
    sample=(WIDE,),
    ulp=0.0,
    says="the same number under another name",
    rule="renaming",
)

group("Trigonometric")

elementwise(
    "sin",
    forward=lambda xp, x: xp.sin(x),
    partials=lambda xp, y, x: (xp.cos(x),),
    local=("cos(x)",),
    angle="operand",
    symbol=lambda sp, x: sp.sin(x),
    antiderivative=(0, lambda xp, x: -xp.cos(x)),
    native=True,
    sample=((-30.0, 30.0),),
    says="sine, x in radians",
    rule="trigonometric rule",
)
elementwise(
    "cos",
    forward=lambda xp, x: xp.cos(x),
    partials=lambda xp, y, x: (-xp.sin(x),),
    local=("-sin(x)",),
    angle="operand",
    symbol=lambda sp, x: sp.cos(x),
    antiderivative=(0, lambda xp, x: xp.sin(x)),
    native=True,
    sample=((-30.0, 30.0),),
    says="cosine, x in radians",
    rule="trigonometric rule",
)
elementwise(
    "tan",
    forward=lambda xp, x: xp.tan(x),
    partials=lambda xp, y, x: (1.0 + y * y,),
    local=("1 + y^2",),
    angle="operand",
    symbol=lambda sp, x: sp.tan(x),
    native=True,
    sample=((-1.5, 1.5),),
    says="tangent, x in radians",
    rule="trigonometric rule",
)
elementwise(
    "asin",
    forward=lambda xp, x: xp.asin(x),
    partials=lambda xp, y, x: (xp.divide(1.0, xp.sqrt((1.0 - x) * (1.0 + x))),),
    local=("1/sqrt(1 - x^2)",),
    exact=("1/sqrt((1 - x)*(1 + x))",),
    angle="value",
    symbol=lambda sp, x: sp.asin(x),
    native=True,
    defined="-1 <= x <= 1",
    domain=lambda x: -1 <= x <= 1,
    edges=((0, lambda xp, x: xp.equal(xp.abs(x), 1.0)),),
    sample=((-0.999, 0.999),),
    says="inverse sine, in radians",
    rule="inverse trigonometric rule",
)
elementwise(
    "acos",
    forward=lambda xp, x: xp.acos(x),
    partials=lambda xp, y, x: (xp.divide(-1.0, xp.sqrt((1.0 - x) * (1.0 + x))),),
    local=("-1/sqrt(1 - x^2)",),
    exact=("-1/sqrt((1 - x)*(1 + x))",),
    angle="value",
    symbol=lambda sp, x: sp.acos(x),
    native=True,
    defined="-1 <= x <= 1",
    domain=lambda x: -1 <= x <= 1,
    edges=((0, lambda xp, x: xp.equal(xp.abs(x), 1.0)),),
    sample=((-0.999, 0.999),),
    says="inverse cosine, in radians",
    rule="inverse trigonometric rule",
)
elementwise(
    "atan",
    forward=lambda xp, x: xp.atan(x),
    # hypot: x^2 would overflow where the slope is still a number
    partials=lambda xp, y, x: (xp.divide(xp.divide(1.0, xp.hypot(1.0, x)), xp.hypot(1.0, x)),),
    local=("1/(1 + x^2)",),
    exact=("1/(1 + x*x)",),
    angle="value",
    symbol=lambda sp, x: sp.atan(x),
    native=True,
    sample=(WIDE,),
    says="inverse tangent, in radians",
    rule="inverse trigonometric rule",
)
elementwise(
    "atan2",
    params=("b", "a"),
    # + 0: the angle of -0.0 is that of 0, as there is one 0
    forward=lambda xp, b, a: xp.where(xp.equal(a, 0.0) * xp.equal(b, 0.0), xp.nan, xp.atan2(b + 0.0, a)),
    partials=lambda xp, y, b, a: (
        xp.divide(xp.divide(a, xp.hypot(a, b)), xp.hypot(a, b)),
        -xp.divide(xp.divide(b, xp.hypot(a, b)), xp.hypot(a, b)),
    ),
    local=("a/(a^2 + b^2)", "-b/(a^2 + b^2)"),
    angle="value",
    symbol=lambda sp, b, a: sp.atan2(b, a),
    native=True,
    defined="a and b are not both 0",
    domain=lambda b, a: (a, b) != (0, 0),
    sample=((0.1, 20.0), (-20.0, 20.0)),
    kinks="b = 0 with a < 0",
    piece=lambda xp, b, a: xp.less(a, 0.0) * xp.sign(b),
    convention="the slopes of the smooth angle; the jump from pi to -pi is ignored",
    says="angle of the point (a, b), in radians",
    rule="inverse trigonometric rule",
)
group("Hyperbolic")

elementwise(
    "sinh",
    forward=lambda xp, x: xp.sinh(x),
    partials=lambda xp, y, x: (xp.cosh(x),),
    local=("cosh(x)",),
    symbol=lambda sp, x: sp.sinh(x),
    native=True,
    sample=(WIDE,),
    says="hyperbolic sine",
    rule="hyperbolic rule",
)
elementwise(
    "cosh",
    forward=lambda xp, x: xp.cosh(x),
    partials=lambda xp, y, x: (xp.sinh(x),),
    local=("sinh(x)",),
    symbol=lambda sp, x: sp.cosh(x),
    native=True,
    sample=(WIDE,),
    says="hyperbolic cosine",
    rule="hyperbolic rule",
)
elementwise(
    "tanh",
    forward=lambda xp, x: xp.tanh(x),
    # 1 - y^2 loses all digits from x = 19 on, where y rounds to 1
    partials=lambda xp, y, x: (xp.divide(xp.divide(1.0, xp.cosh(x)), xp.cosh(x)),),
    local=("1 - y^2",),
    exact=("4*sigmoid(2*x)*sigmoid(-2*x)",),  # 1 - y^2 has no digits where y rounds to 1
    symbol=lambda sp, x: sp.tanh(x),
    native=True,
    sample=(WIDE,),
    says="hyperbolic tangent",
    rule="hyperbolic rule",
)
elementwise(
    "asinh",
    forward=lambda xp, x: xp.asinh(x),
    partials=lambda xp, y, x: (xp.divide(1.0, xp.hypot(1.0, x)),),
    local=("1/sqrt(x^2 + 1)",),
    exact=("1/hypot(1, x)",),
    symbol=lambda sp, x: sp.asinh(x),
    native=True,
    sample=(WIDE,),
    says="inverse hyperbolic sine",
    rule="inverse hyperbolic rule",
)
elementwise(
    "acosh",
    forward=lambda xp, x: xp.acosh(x),
    partials=lambda xp, y, x: (xp.divide(xp.divide(1.0, xp.sqrt(x - 1.0)), xp.sqrt(x + 1.0)),),
    local=("1/(sqrt(x - 1)*sqrt(x + 1))",),
    symbol=lambda sp, x: sp.acosh(x),
    native=True,
    defined="x >= 1",
    domain=lambda x: x >= 1,
    edges=((0, lambda xp, x: xp.equal(x, 1.0)),),
    sample=((1.001, 350.0),),
    says="inverse hyperbolic cosine",
    rule="inverse hyperbolic rule",
)
elementwise(
    "atanh",
    forward=lambda xp, x: xp.atanh(x),
    partials=lambda xp, y, x: (xp.divide(1.0, (1.0 - x) * (1.0 + x)),),
    local=("1/(1 - x^2)",),
    exact=("1/((1 - x)*(1 + x))",),
    symbol=lambda sp, x: sp.atanh(x),
    native=True,
    defined="-1 < x < 1",
    domain=lambda x: -1 < x < 1,
    sample=((-0.999, 0.999),),
    says="inverse hyperbolic tangent",
    rule="inverse hyperbolic rule",
)

group("Exponentials, logarithms, roots")

elementwise(
    "exp",
    forward=lambda xp, x: xp.exp(x),
    partials=lambda xp, y, x: (y,),
    local=("exp(x)",),
    exact=("y",),  # nothing is computed twice
    symbol=lambda sp, x: sp.exp(x),
    antiderivative=(0, lambda xp, x: xp.exp(x)),
    native=True,
    sample=(WIDE,),
    overflow_hint="for log(1 + exp(x)) write softplus(x)",
    says="e^x",
    rule="exponential rule",
)
elementwise(
    "expm1",
    forward=lambda xp, x: xp.expm1(x),
    partials=lambda xp, y, x: (xp.exp(x),),
    local=("exp(x)",),
    symbol=lambda sp, x: sp.exp(x) - 1,
    sample=(WIDE,),
    says="e^x - 1, exact near 0",
    rule="exponential rule",
)
elementwise(
    "log",
    forward=lambda xp, x: xp.log(x),
    partials=lambda xp, y, x: (xp.divide(1.0, x),),
    local=("1/x",),
    symbol=lambda sp, x: sp.log(x),
    native=True,
    defined="x > 0",
    domain=lambda x: x > 0,
    sample=((1e-3, 350.0),),
    says="natural logarithm; ln is the same",
    rule="logarithm rule",
)
elementwise(
    "log1p",
    forward=lambda xp, x: xp.log1p(x),
    partials=lambda xp, y, x: (xp.divide(1.0, 1.0 + x),),
    local=("1/(1 + x)",),
    symbol=lambda sp, x: sp.log(1 + x),
    defined="x > -1",
    domain=lambda x: x > -1,
    sample=((-0.999, 350.0),),
    says="log(1 + x), exact near 0",
    rule="logarithm rule",
)
elementwise(
    "log2",
    forward=lambda xp, x: xp.log2(x),
    partials=lambda xp, y, x: (xp.divide(xp.log2_e, x),),
    local=("1/(x*log(2))",),
    symbol=lambda sp, x: sp.log(x) / sp.log(2),
    defined="x > 0",
    domain=lambda x: x > 0,
    sample=((1e-3, 350.0),),
    says="logarithm to base 2",
    rule="logarithm rule",
)
elementwise(
    "log10",
    forward=lambda xp, x: xp.log10(x),
    partials=lambda xp, y, x: (xp.divide(xp.log10_e, x),),
    local=("1/(x*log(10))",),
    symbol=lambda sp, x: sp.log(x) / sp.log(10),
    defined="x > 0",
    domain=lambda x: x > 0,
    sample=((1e-3, 350.0),),
    says="logarithm to base 10",
    rule="logarithm rule",
)
elementwise(
    "sqrt",
    forward=lambda xp, x: xp.sqrt(x),
    partials=lambda xp, y, x: (xp.divide(0.5, y),),
    local=("1/(2*y)",),
    symbol=lambda sp, x: sp.sqrt(x),
    native=True,
    defined="x >= 0",
    domain=lambda x: x >= 0,
    edges=((0, lambda xp, x: xp.equal(x, 0.0)),),
    sample=((1e-3, 350.0),),
    ulp=0.5,
    says="square root",
    rule="root rule",
)
elementwise(
    "cbrt",
    forward=lambda xp, x: xp.cbrt(x),
    partials=lambda xp, y, x: (xp.divide(xp.divide(1.0, 3.0 * y), y),),
    local=("1/(3*y^2)",),
    symbol=lambda sp, x: sp.where(sp.less(x, 0), -((-x) ** sp.third), x**sp.third),
    sample=((0.01, 350.0),),
    says="cube root, of negative numbers too",
    rule="root rule",
)
elementwise(
    "hypot",
    params=("a", "b"),
    forward=lambda xp, a, b: xp.hypot(a, b),
    partials=lambda xp, y, a, b: (xp.divide(a, y), xp.divide(b, y)),
    local=("a/y", "b/y"),
    symbol=lambda sp, a, b: sp.sqrt(a**2 + b**2),
    sample=(WIDE, (0.1, 350.0)),
    says="sqrt(a^2 + b^2) without overflow",
)

group("In pieces")

elementwise(
    "abs",
    forward=lambda xp, x: xp.abs(x),
    partials=lambda xp, y, x: (xp.sign(x),),
    local=("sign(x)",),
    symbol=lambda sp, x: sp.where(sp.less(0, x), x, sp.where(sp.less(x, 0), -x, 0)),
    sample=(WIDE,),
    kinks="x = 0",
    piece=lambda xp, x: xp.sign(x),
    convention="abs'(0) = 0",
    ulp=0.0,
    says="absolute value; |x| is the same",
)
elementwise(
    "sign",
    forward=lambda xp, x: xp.sign(x),
    partials=lambda xp, y, x: (0.0,),
    local=("0",),
    symbol=lambda sp, x: sp.where(sp.less(0, x), 1, sp.where(sp.less(x, 0), -1, 0)),
    sample=(WIDE,),
    kinks="x = 0",
    piece=lambda xp, x: xp.sign(x),
    edges=((0, lambda xp, x: xp.equal(x, 0.0)),),
    convention="sign' = 0 everywhere; sign(0) = 0",
    ulp=0.0,
    says="-1, 0 or 1",
)
elementwise(
    "floor",
    forward=lambda xp, x: xp.floor(x),
    partials=lambda xp, y, x: (0.0,),
    local=("0",),
    symbol=lambda sp, x: sp.floor(x),
    sample=(WIDE,),
    kinks="x whole",
    piece=lambda xp, x: xp.floor(x) + xp.ceil(x),
    edges=((0, lambda xp, x: xp.equal(x, xp.floor(x))),),
    convention="floor' = 0 everywhere",
    ulp=0.0,
    says="largest whole number not above x",
)
elementwise(
    "ceil",
    forward=lambda xp, x: xp.ceil(x),
    partials=lambda xp, y, x: (0.0,),
    local=("0",),
    symbol=lambda sp, x: -sp.floor(-x),
    sample=(WIDE,),
    kinks="x whole",
    piece=lambda xp, x: xp.floor(x) + xp.ceil(x),
    edges=((0, lambda xp, x: xp.equal(x, xp.floor(x))),),
    convention="ceil' = 0 everywhere",
    ulp=0.0,
    says="smallest whole number not below x",
)


def _shares(xp: Any, y: Any, operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """1/n for each of the n operands that equal the extremum, 0 for the others."""
    ties = [xp.equal(x, y) for x in operands]
    total = ties[0]
    for tie in ties[1:]:
        total = total + tie
    return tuple(xp.divide(tie, total) for tie in ties)


MOST_ORDERED = 8
"""Operands of which all pairs fit into one float, in base 3: 28 of the 33 digits that it has."""


def _order(xp: Any, operands: tuple[Any, ...], extremum: str) -> Any:
    """A number that changes whenever two operands change places; of many, when others are the extremum."""
    code: Any = 0.0
    if len(operands) <= MOST_ORDERED:
        for i, x in enumerate(operands):
            for y in operands[:i]:
                code = 3.0 * code + xp.sign(x - y)
        return code
    most, alike = getattr(xp, extremum)(*operands), float(len(operands)) ** 2
    for i, x in enumerate(operands):
        code = code + xp.equal(x, most) * (alike + i)
    return code


for _name, _says, _wins in (("min", "smallest", "less"), ("max", "largest", "greater")):
    elementwise(
        _name,
        params=("a", "b"),
        arity=(2, None),
        forward=lambda xp, *xs, _name=_name: getattr(xp, _name)(*xs),
        partials=lambda xp, y, *xs: _shares(xp, y, xs),
        symbol=lambda sp, *xs, _name=_name: getattr(sp, _name)(*xs),
        wins=_wins,
        sample=(WIDE, WIDE),
        kinks="operands tied for the extremum",
        piece=lambda xp, *xs, _name=_name: _order(xp, xs, _name),
        convention="ties share equally: 1/n each",
        ulp=0.0,
        says=f"{_says} of two or more",
    )

elementwise(
    "relu",
    forward=lambda xp, x: xp.max(x, 0.0),
    partials=lambda xp, y, x: (xp.less(0.0, x),),
    local=("where(x > 0, 1, 0)",),
    symbol=lambda sp, x: sp.where(sp.less(0, x), x, 0),
    sample=((-20.0, 20.0),),
    kinks="x = 0",
    piece=lambda xp, x: xp.sign(x),
    convention="relu'(0) = 0",
    ulp=0.0,
    rectifier=True,
    says="max(x, 0)",
)
elementwise(
    "leaky_relu",
    params=("x", "s"),
    defaults=(0.01,),
    forward=lambda xp, x, s: xp.max(x, 0.0) + s * xp.min(x, 0.0),
    partials=lambda xp, y, x, s: (xp.where(xp.less(0.0, x), 1.0, s), xp.min(x, 0.0)),
    local=("where(x > 0, 1, s)", "min(x, 0)"),
    symbol=lambda sp, x, s: sp.where(sp.less(0, x), x, s * x),
    sample=((-20.0, 20.0), (0.01, 0.5)),
    kinks="x = 0",
    piece=lambda xp, x, s: xp.sign(x),
    convention="leaky_relu'(0) = s, the slope below",
    ulp=0.5,
    rectifier=True,
    says="x above 0, s*x below",
)
elementwise(
    "elu",
    params=("x", "s"),
    defaults=(1.0,),
    forward=lambda xp, x, s: xp.max(x, 0.0) + s * xp.expm1(xp.min(x, 0.0)),
    partials=lambda xp, y, x, s: (
        xp.where(xp.less(0.0, x), 1.0, s * xp.exp(xp.min(x, 0.0))),
        xp.expm1(xp.min(x, 0.0)),
    ),
    local=("where(x > 0, 1, s*exp(min(x, 0)))", "expm1(min(x, 0))"),
    symbol=lambda sp, x, s: sp.where(sp.less(0, x), x, s * (sp.exp(x) - 1)),
    sample=((-20.0, 20.0), (0.5, 2.0)),
    kinks="x = 0, unless s = 1",
    piece=lambda xp, x, s: xp.sign(x),
    convention="elu'(0) = s, the slope below",
    rectifier=True,
    says="x above 0, s*(e^x - 1) below",
)

group("Smooth activations")

elementwise(
    "sigmoid",
    # one exponential of a number that is never positive: no overflow, no cancellation
    forward=lambda xp, x: xp.divide(xp.exp(xp.min(x, 0.0)), 1.0 + xp.exp(-xp.abs(x))),
    partials=lambda xp, y, x: (y * xp.sigmoid(-x),),
    local=("y*(1 - y)",),
    exact=("y*sigmoid(-x)",),  # nor has 1 - y
    symbol=lambda sp, x: 1 / (1 + sp.exp(-x)),
    sample=(WIDE,),
    ulp=3.0,
    probability=1,
    says="1/(1 + e^-x)",
)
elementwise(
    "softplus",
    forward=lambda xp, x: xp.max(x, 0.0) + xp.log1p(xp.exp(-xp.abs(x))),
    partials=lambda xp, y, x: (xp.sigmoid(x),),
    local=("sigmoid(x)",),
    symbol=lambda sp, x: sp.log(1 + sp.exp(x)),
    sample=(WIDE,),
    ulp=3.0,
    says="log(1 + e^x) without overflow",
)
elementwise(
    "silu",
    forward=lambda xp, x: x * xp.sigmoid(x),
    partials=lambda xp, y, x: (xp.sigmoid(x) * (1.0 + x * xp.sigmoid(-x)),),
    local=("sigmoid(x)*(1 + x*(1 - sigmoid(x)))",),
    exact=("sigmoid(x)*(1 + x*sigmoid(-x))",),
    symbol=lambda sp, x: x / (1 + sp.exp(-x)),
    sample=(WIDE,),
    ulp=4.0,
    rectifier=True,
    says="x*sigmoid(x), also called swish",
)
elementwise(
    "gelu",
    forward=lambda xp, x: 0.5 * x * xp.erfc(-x * xp.sqrt_half),
    partials=lambda xp, y, x: (
        0.5 * xp.erfc(-x * xp.sqrt_half) + x * xp.one_over_sqrt_two_pi * _gauss(xp, x * xp.sqrt_half),
    ),
    local=("erfc(-x/sqrt(2))/2 + x*exp(-x^2/2)/sqrt(2*pi)",),
    symbol=lambda sp, x: x * sp.erfc(-x / sp.sqrt(2)) / 2,
    sample=((-8.0, 30.0),),
    ulp=2048.0,  # the rounding of x/sqrt(2) is squared in an exponent, left of 0
    rectifier=True,
    says="x times the normal distribution function",
)

group("Special functions")

elementwise(
    "erf",
    forward=lambda xp, x: xp.erf(x),
    partials=lambda xp, y, x: (xp.two_over_sqrt_pi * _gauss(xp, x),),
    local=("2*exp(-x^2)/sqrt(pi)",),
    symbol=lambda sp, x: sp.erf(x),
    native=True,
    sample=((-6.0, 6.0),),
    says="error function",
)
elementwise(
    "erfc",
    forward=lambda xp, x: xp.erfc(x),
    partials=lambda xp, y, x: (-xp.two_over_sqrt_pi * _gauss(xp, x),),
    local=("-2*exp(-x^2)/sqrt(pi)",),
    symbol=lambda sp, x: sp.erfc(x),
    native=True,
    sample=((-6.0, 20.0),),
    ulp=8.0,
    says="1 - erf(x), exact for large x",
)
elementwise(
    "gamma",
    forward=lambda xp, x: xp.gamma(x),
    partials=lambda xp, y, x: (y * xp.digamma(x),),
    local=("y*digamma(x)",),
    symbol=lambda sp, x: sp.gamma(x),
    native=True,
    defined="x is not 0, -1, -2, ...",
    domain=lambda x: x > 0 or not _whole(x),
    sample=((0.1, 150.0),),
    overflow_hint="the gamma function overflows from 171.7 on: lgamma(x) is its logarithm",
    ulp=8.0,
    says="gamma function, (x - 1)! at whole x",
)
elementwise(
    "lgamma",
    forward=lambda xp, x: xp.lgamma(x),
    partials=lambda xp, y, x: (xp.digamma(x),),
    local=("digamma(x)",),
    symbol=lambda sp, x: sp.lgamma(x),
    defined="x is not 0, -1, -2, ...",
    domain=lambda x: x > 0 or not _whole(x),
    sample=((0.1, 350.0),),
    ulp=8.0,
    says="log(|gamma(x)|)",
)
elementwise(
    "digamma",
    forward=lambda xp, x: xp.digamma(x),
    partials=lambda xp, y, x: (xp.polygamma(1.0, x),),
    local=("polygamma(1, x)",),
    symbol=lambda sp, x: sp.polygamma(0, x),
    defined="x is not 0, -1, -2, ...",
    domain=lambda x: x > 0 or not _whole(x),
    sample=((0.1, 350.0),),
    ulp=8.0,
    says="derivative of lgamma",
)
elementwise(
    "polygamma",
    params=("n", "x"),
    forward=lambda xp, n, x: xp.polygamma(n, x),
    partials=lambda xp, y, n, x: (xp.nan, xp.polygamma(n + 1.0, x)),
    local=("", "polygamma(n + 1, x)"),
    symbol=lambda sp, n, x: sp.polygamma(n, x),
    native=True,
    literal=0,
    defined="n is 0, 1, 2, ... up to 1000 and x is not 0, -1, -2, ...",
    domain=lambda n, x: 0 <= n <= 1000 and _whole(n) and (x > 0 or not _whole(x)),
    sample=((0.0, 4.0), (0.5, 350.0)),
    cost=lambda n, x: 1.0 + 20.0 * min(abs(n), 1e6),
    ulp=8.0,
    says="n-th derivative of digamma; there is no slope in n",
)

group("Comparison and choice")

for _name, _sign, _words in (
    ("less", "<", "less than"),
    ("less_equal", "<=", "at most"),
    ("greater", ">", "greater than"),
    ("greater_equal", ">=", "at least"),
    ("equal", "==", "equal"),
    ("not_equal", "!=", "not equal"),
):
    elementwise(
        _name,
        params=("a", "b"),
        infix=_sign,
        forward=lambda xp, a, b, _name=_name: getattr(xp, _name)(a, b),
        partials=lambda xp, y, a, b: (0.0, 0.0),
        local=("0", "0"),
        symbol=lambda sp, a, b, _name=_name: getattr(sp, _name)(a, b),
        sample=(WIDE, WIDE),
        kinks="a = b",
        piece=lambda xp, a, b: xp.sign(a - b),
        convention="a condition has no slope",
        truth=True,
        ulp=0.0,
        says=f"1 where a is {_words} b, else 0; inside a condition",
    )

elementwise(
    "where",
    params=("c", "a", "b"),
    forward=lambda xp, c, a, b: xp.where(c, a, b),
    partials=lambda xp, y, c, a, b: (0.0, xp.where(c, 1.0, 0.0), xp.where(c, 0.0, 1.0)),
    local=("0", "where(c, 1, 0)", "where(c, 0, 1)"),
    symbol=lambda sp, c, a, b: sp.where(c, a, b),
    native=True,
    sample=((0.0, 1.0), WIDE, WIDE),
    chosen=lambda c, a, b: (0, 1 if c else 2),
    convention="the slope of the branch taken",
    ulp=0.0,
    says="a where the condition c holds, else b; the other branch is not needed",
)
