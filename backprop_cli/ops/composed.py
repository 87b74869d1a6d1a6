"""Scalar primitives that others define: ``sec`` is 1/cos, ``clamp`` a choice between three numbers.

A row's ``means`` says so in our own language. Programs that are exported are written by it wherever a target
has no such function; the rules that run here keep the digits that it would lose.
"""

from __future__ import annotations

from .elementwise import WIDE, elementwise, group

SELU_SCALE, SELU_SLOPE = 1.0507009873554805, 1.6732632423543772
"""Klambauer et al. (2017), Self-normalizing neural networks: mean 0 and variance 1 are a fixed point."""

group("Trigonometric")

elementwise(
    "sec",
    means="1/cos(x)",
    forward=lambda xp, x: xp.divide(1.0, xp.cos(x)),
    partials=lambda xp, y, x: (y * xp.tan(x),),
    local=("y*tan(x)",),
    angle="operand",
    symbol=lambda sp, x: sp.sec(x),
    native=True,
    defined="cos(x) != 0",
    sample=((-1.5, 1.5),),
    ulp=3.0,
    says="secant, 1/cos(x)",
    rule="trigonometric rule",
)
elementwise(
    "csc",
    means="1/sin(x)",
    forward=lambda xp, x: xp.divide(1.0, xp.sin(x)),
    partials=lambda xp, y, x: (-y * xp.cot(x),),
    local=("-y*cot(x)",),
    angle="operand",
    symbol=lambda sp, x: sp.csc(x),
    native=True,
    defined="sin(x) != 0",
    domain=lambda x: x != 0,
    sample=((0.1, 3.0),),
    ulp=3.0,
    says="cosecant, 1/sin(x)",
    rule="trigonometric rule",
)
elementwise(
    "cot",
    means="cos(x)/sin(x)",
    forward=lambda xp, x: xp.divide(xp.cos(x), xp.sin(x)),
    partials=lambda xp, y, x: (-1.0 - y * y,),
    local=("-1 - y^2",),
    angle="operand",
    symbol=lambda sp, x: sp.cot(x),
    native=True,
    defined="sin(x) != 0",
    domain=lambda x: x != 0,
    sample=((0.1, 3.0),),
    ulp=3.0,
    says="cotangent, cos(x)/sin(x)",
    rule="trigonometric rule",
)
elementwise(
    "asec",
    means="acos(1/x)",
    # not acos(1/x): near 1 the rounding of 1/x would be all there is
    forward=lambda xp, x: xp.atan2(xp.sqrt(xp.abs(x) - 1.0) * xp.sqrt(xp.abs(x) + 1.0), xp.sign(x)),
    partials=lambda xp, y, x: (
        xp.divide(xp.divide(1.0, xp.abs(x)), xp.sqrt(xp.abs(x) - 1.0) * xp.sqrt(xp.abs(x) + 1.0)),
    ),
    local=("1/(abs(x)*sqrt(x^2 - 1))",),
    exact=("1/(abs(x)*sqrt(abs(x) - 1)*sqrt(abs(x) + 1))",),
    angle="value",
    symbol=lambda sp, x: sp.acos(1 / x),
    defined="x <= -1 or x >= 1",
    domain=lambda x: abs(x) >= 1,
    edges=((0, lambda xp, x: xp.equal(xp.abs(x), 1.0)),),
    sample=((1.001, 350.0),),
    ulp=4.0,
    says="inverse secant, from 0 to pi",
    rule="inverse trigonometric rule",
)
elementwise(
    "acsc",
    means="asin(1/x)",
    forward=lambda xp, x: xp.atan2(xp.sign(x), xp.sqrt(xp.abs(x) - 1.0) * xp.sqrt(xp.abs(x) + 1.0)),
    partials=lambda xp, y, x: (
        xp.divide(xp.divide(-1.0, xp.abs(x)), xp.sqrt(xp.abs(x) - 1.0) * xp.sqrt(xp.abs(x) + 1.0)),
    ),
    local=("-1/(abs(x)*sqrt(x^2 - 1))",),
    exact=("-1/(abs(x)*sqrt(abs(x) - 1)*sqrt(abs(x) + 1))",),
    angle="value",
    symbol=lambda sp, x: sp.asin(1 / x),
    defined="x <= -1 or x >= 1",
    domain=lambda x: abs(x) >= 1,
    edges=((0, lambda xp, x: xp.equal(xp.abs(x), 1.0)),),
    sample=((1.001, 350.0),),
    ulp=4.0,
    says="inverse cosecant, from -pi/2 to pi/2",
    rule="inverse trigonometric rule",
)
elementwise(
    "acot",
    means="atan2(1, x)",
    forward=lambda xp, x: xp.atan2(1.0, x),
    partials=lambda xp, y, x: (xp.divide(xp.divide(-1.0, xp.hypot(1.0, x)), xp.hypot(1.0, x)),),
    local=("-1/(1 + x^2)",),
    exact=("-1/(1 + x*x)",),
    angle="value",
    symbol=lambda sp, x: sp.pi / 2 - sp.atan(x),
    sample=(WIDE,),
    says="inverse cotangent, from 0 to pi: it has no jump at 0",
    rule="inverse trigonometric rule",
)

group("Hyperbolic")

elementwise(
    "sech",
    means="1/cosh(x)",
    # not 1/cosh(x): it is a number where cosh overflows
    forward=lambda xp, x: xp.divide(2.0 * xp.exp(-xp.abs(x)), 1.0 + xp.exp(-2.0 * xp.abs(x))),
    partials=lambda xp, y, x: (-y * xp.tanh(x),),
    local=("-y*tanh(x)",),
    symbol=lambda sp, x: sp.sech(x),
    native=True,
    sample=(WIDE,),
    ulp=4.0,
    says="hyperbolic secant, 1/cosh(x)",
    rule="hyperbolic rule",
)
elementwise(
    "csch",
    means="1/sinh(x)",
    forward=lambda xp, x: xp.divide(2.0 * xp.sign(x) * xp.exp(-xp.abs(x)), -xp.expm1(-2.0 * xp.abs(x))),
    partials=lambda xp, y, x: (-y * xp.coth(x),),
    local=("-y*coth(x)",),
    symbol=lambda sp, x: sp.csch(x),
    native=True,
    defined="x != 0",
    domain=lambda x: x != 0,
    sample=((0.01, 350.0),),
    ulp=4.0,
    says="hyperbolic cosecant, 1/sinh(x)",
    rule="hyperbolic rule",
)
elementwise(
    "coth",
    means="1/tanh(x)",
    forward=lambda xp, x: xp.divide(1.0, xp.tanh(x)),
    partials=lambda xp, y, x: (-xp.csch(x) * xp.csch(x),),
    local=("1 - y^2",),
    exact=("-csch(x)*csch(x)",),  # 1 - y^2 has no digits where y rounds to 1
    symbol=lambda sp, x: sp.coth(x),
    native=True,
    defined="x != 0",
    domain=lambda x: x != 0,
    sample=((0.01, 350.0),),
    ulp=3.0,
    says="hyperbolic cotangent, 1/tanh(x)",
    rule="hyperbolic rule",
)

group("Exponentials, logarithms, roots")

elementwise(
    "log_base",
    params=("x", "b"),
    means="log(x)/log(b)",
    forward=lambda xp, x, b: xp.log_base(x, b),
    partials=lambda xp, y, x, b: (
        xp.divide(xp.divide(1.0, x), xp.log(b)),
        xp.divide(-xp.divide(y, b), xp.log(b)),
    ),
    local=("1/(x*log(b))", "-y/(b*log(b))"),
    symbol=lambda sp, x, b: sp.log(x) / sp.log(b),
    defined="x > 0, b > 0 and b != 1",
    domain=lambda x, b: x > 0 and b > 0 and b != 1,
    sample=((1e-3, 350.0), (1.5, 20.0)),
    ulp=4.0,
    says="logarithm to base b; log(x, b) is the same",
    rule="logarithm rule",
)
elementwise(
    "logit",
    means="log(x/(1 - x))",
    # around 1/2, where it is 0, by the inverse hyperbolic tangent of a difference that is exact
    forward=lambda xp, x: xp.where(
        xp.less(xp.abs(x - 0.5), 0.25), 2.0 * xp.atanh(2.0 * x - 1.0), xp.log(xp.divide(x, 1.0 - x))
    ),
    partials=lambda xp, y, x: (xp.divide(xp.divide(1.0, x), 1.0 - x),),
    local=("1/(x*(1 - x))",),
    symbol=lambda sp, x: sp.log(x / (1 - x)),
    defined="0 < x < 1",
    domain=lambda x: 0 < x < 1,
    sample=((0.001, 0.999),),
    ulp=4.0,
    says="log(x/(1 - x)), the inverse of sigmoid",
    rule="logarithm rule",
)

group("Special functions")

elementwise(
    "sinc",
    # the series where a quotient would lose the slope's digits, and at 0 have none
    means="where(abs(x) < 0.1, 1 - x^2/6*(1 - x^2/20*(1 - x^2/42*(1 - x^2/72))), "
    "sin(where(abs(x) < 0.1, 1, x))/where(abs(x) < 0.1, 1, x))",
    forward=lambda xp, x: xp.sinc_n(0.0, x),
    partials=lambda xp, y, x: (xp.sinc_n(1.0, x),),
    local=("(cos(x) - y)/x",),
    exact=(
        "where(abs(x) < 0.1, -x/3*(1 - x^2/10*(1 - x^2/28*(1 - x^2/54))), "
        "(cos(x) - y)/where(abs(x) < 0.1, 1, x))",
    ),
    angle="operand",
    symbol=lambda sp, x: sp.sinc_n(0, x),
    sample=((-30.0, 30.0),),
    ulp=3.0,
    says="sin(x)/x, 1 at 0 (not normalised: no pi in it)",
)
elementwise(
    "sinc_n",
    params=("n", "x"),
    forward=lambda xp, n, x: xp.sinc_n(n, x),
    partials=lambda xp, y, n, x: (xp.nan, xp.sinc_n(n + 1.0, x)),
    local=("", "sinc_n(n + 1, x)"),
    symbol=lambda sp, n, x: sp.sinc_n(n, x),
    literal=0,
    defined="n is 0, 1, 2, ... up to 1000",
    domain=lambda n, x: 0 <= n <= 1000 and n % 1.0 == 0.0,
    sample=((0.0, 4.0), (-30.0, 30.0)),
    cost=lambda n, x: 1.0 + min(abs(n) + abs(x), 1e6),
    ulp=64.0,
    says="n-th derivative of sinc; there is no slope in n",
)

group("In pieces")

elementwise(
    "mod",
    params=("x", "n"),
    means="x - n*floor(x/n)",
    forward=lambda xp, x, n: xp.mod(x, n),
    # what floor(x/n) is even where x/n rounds to the next whole number
    partials=lambda xp, y, x, n: (1.0, xp.round(xp.divide(y - x, n))),
    local=("1", "-floor(x/n)"),
    exact=("1", "round((y - x)/n)"),
    symbol=lambda sp, x, n: x - n * sp.floor(x / n),
    defined="n != 0",
    domain=lambda x, n: n != 0,
    sample=((-30.0, 30.0), (0.5, 10.0)),
    kinks="x/n whole",
    # the signs: x/n may underflow
    piece=lambda xp, x, n: (
        xp.floor(xp.divide(x, n))
        + xp.ceil(xp.divide(x, n))
        + xp.equal(xp.divide(x, n), 0.0) * xp.sign(x) * xp.sign(n)
    ),
    convention="mod' = 1 in x where it jumps, too",
    ulp=1.0,
    says="x - n*floor(x/n), the remainder with the sign of n",
)
elementwise(
    "round",
    means="floor(x + 1/2) - where(floor(x/2 - 1/4) == x/2 - 1/4, 1, 0)",
    forward=lambda xp, x: xp.round(x),
    partials=lambda xp, y, x: (0.0,),
    local=("0",),
    symbol=lambda sp, x: (
        sp.floor(x + sp.Rational(1, 2))
        - sp.where(sp.equal(sp.floor(x / 2 - sp.Rational(1, 4)), x / 2 - sp.Rational(1, 4)), 1, 0)
    ),
    sample=(WIDE,),
    kinks="x half way between whole numbers",
    piece=lambda xp, x: xp.round(x),
    edges=((0, lambda xp, x: xp.equal(xp.abs(x - xp.round(x)), 0.5)),),
    convention="round' = 0 everywhere",
    ulp=0.0,
    says="nearest whole number, of two the even one",
)


elementwise(
    "clamp",
    params=("x", "lo", "hi"),
    means="where(x < lo, lo, where(x > hi, hi, x))",
    forward=lambda xp, x, lo, hi: xp.where(xp.less_equal(lo, hi), xp.min(xp.max(x, lo), hi), xp.nan),
    partials=lambda xp, y, x, lo, hi: (
        xp.less_equal(lo, x) * xp.less_equal(x, hi),
        xp.less(x, lo),
        xp.less(hi, x),
    ),
    local=("where(x < lo, 0, where(x > hi, 0, 1))", "where(x < lo, 1, 0)", "where(x > hi, 1, 0)"),
    symbol=lambda sp, x, lo, hi: sp.where(sp.less(x, lo), lo, sp.where(sp.less(hi, x), hi, x)),
    defined="lo <= hi",
    domain=lambda x, lo, hi: lo <= hi,
    edges=tuple((k, lambda xp, x, lo, hi: xp.equal(lo, hi)) for k in (1, 2)),
    sample=((-20.0, 20.0), (-8.0, -1.0), (1.0, 8.0)),
    kinks="x = lo or x = hi",
    piece=lambda xp, x, lo, hi: xp.sign(x - lo) + xp.sign(x - hi),
    convention="clamp' = 1 in x at both edges",
    ulp=0.0,
    says="x, but lo below lo and hi above hi",
)
for _name, _low, _high, _means, _scale, _says in (
    ("relu6", 0.0, 6.0, "x", 1.0, "x between 0 and 6, else the nearer of them"),
    ("hard_tanh", -1.0, 1.0, "x", 1.0, "x between -1 and 1, else the nearer of them"),
    ("hard_sigmoid", -3.0, 3.0, "(x + 3)/6", 6.0, "(x + 3)/6 between -3 and 3, else 0 or 1"),
):
    _floor, _top = (0, 1) if _scale > 1.0 else (int(_low), int(_high))
    elementwise(
        _name,
        means=f"where(x <= {_low:g}, {_floor}, where(x >= {_high:g}, {_top}, {_means}))",
        forward=lambda xp, x, a=_low, b=_high, s=_scale: xp.divide(
            xp.min(xp.max(x, a), b) - (a if s > 1.0 else 0.0), s
        ),
        partials=lambda xp, y, x, a=_low, b=_high, s=_scale: (xp.divide(xp.less(a, x) * xp.less(x, b), s),),
        local=(f"where(x <= {_low:g}, 0, where(x >= {_high:g}, 0, {'1/6' if _scale > 1.0 else '1'}))",),
        symbol=lambda sp, x, a=int(_low), b=int(_high), s=int(_scale): (
            (sp.where(sp.less(a, x), sp.where(sp.less(x, b), x, b), a) - (a if s > 1 else 0)) / s
        ),
        sample=((-20.0, 20.0),),
        kinks=f"x = {_low:g} or x = {_high:g}",
        piece=lambda xp, x, a=_low, b=_high: xp.sign(x - a) + xp.sign(x - b),
        convention=f"{_name}' = 0 at both edges",
        rectifier=_name == "relu6",
        ulp=1.0,
        says=_says,
    )
elementwise(
    "selu",
    means=f"where(x > 0, {SELU_SCALE!r}*x, {SELU_SCALE!r}*({SELU_SLOPE!r}*expm1(x)))",
    forward=lambda xp, x: SELU_SCALE * (xp.max(x, 0.0) + SELU_SLOPE * xp.expm1(xp.min(x, 0.0))),
    partials=lambda xp, y, x: (
        SELU_SCALE * xp.where(xp.less(0.0, x), 1.0, SELU_SLOPE * xp.exp(xp.min(x, 0.0))),
    ),
    local=(f"where(x > 0, {SELU_SCALE!r}, {SELU_SCALE!r}*({SELU_SLOPE!r}*exp(min(x, 0))))",),
    symbol=lambda sp, x: (
        sp.Rational(SELU_SCALE) * sp.where(sp.less(0, x), x, sp.Rational(SELU_SLOPE) * (sp.exp(x) - 1))
    ),
    sample=((-20.0, 20.0),),
    kinks="x = 0",
    piece=lambda xp, x: xp.sign(x),
    convention="selu'(0) = 1.7580993408473766, the slope below",
    rectifier=True,
    says="1.0507*x above 0, 1.0507*1.6733*(e^x - 1) below",
)

group("Smooth activations")

elementwise(
    "mish",
    means="x*tanh(softplus(x))",
    forward=lambda xp, x: x * xp.tanh(xp.softplus(x)),
    partials=lambda xp, y, x: (
        xp.tanh(xp.softplus(x)) + x * xp.sigmoid(x) * xp.sech(xp.softplus(x)) * xp.sech(xp.softplus(x)),
    ),
    local=("tanh(softplus(x)) + x*sigmoid(x)*(1 - tanh(softplus(x))^2)",),
    exact=("tanh(softplus(x)) + x*sigmoid(x)*sech(softplus(x))*sech(softplus(x))",),
    symbol=lambda sp, x: x * sp.tanh(sp.log(1 + sp.exp(x))),
    sample=(WIDE,),
    ulp=6.0,
    rectifier=True,
    says="x*tanh(softplus(x))",
)
elementwise(
    "softsign",
    means="x/(1 + abs(x))",
    forward=lambda xp, x: xp.divide(x, 1.0 + xp.abs(x)),
    partials=lambda xp, y, x: (xp.divide(xp.divide(1.0, 1.0 + xp.abs(x)), 1.0 + xp.abs(x)),),
    local=("1/(1 + abs(x))^2",),
    exact=("1/(1 + abs(x))/(1 + abs(x))",),
    symbol=lambda sp, x: x / (1 + sp.where(sp.less(0, x), x, -x)),
    sample=(WIDE,),
    ulp=2.0,
    says="x/(1 + |x|)",
)
