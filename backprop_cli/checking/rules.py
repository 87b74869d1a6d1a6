"""Wrong rules for the tangent of one node: what is written down when a rule of differentiation goes wrong.

A rule takes a `Place` and answers the tangent that the mistake gives, or None where it cannot be made.
Everything is written over a namespace, so that a wrong rule has a derivative of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from ..graph import CONSTANT, Graph
from ..ops import PRIMITIVES, Primitive
from .ranking import Told

UNNAMED = "that does not vary"
"""What is said of a factor in place of its text."""


class Place:
    """A node with what flows into it.

    Attributes:
        xp: The namespace of its numbers.
        op: Its primitive.
        y: Its value.
        x: Values of its operands.
        t: Their tangents.
        moves: Whether each operand depends on what is differentiated by.
        constant: Whether each operand is built from numbers alone.
        leaf: Whether each operand is what is differentiated by.
        right: The right tangent.
        start: The value of what is differentiated by.
        partials: The local derivatives; the primitive's own where none are given.
    """

    __slots__ = ("constant", "leaf", "moves", "op", "partials", "right", "start", "t", "x", "xp", "y")

    def __init__(
        self,
        xp: Any,
        op: Primitive,
        y: Any,
        x: list[Any],
        t: list[Any],
        moves: list[bool],
        constant: list[bool],
        leaf: list[bool],
        start: Any,
        partials: Sequence[Any] | None = None,
    ) -> None:
        self.xp, self.op, self.y, self.x, self.t = xp, op, y, x, t
        self.moves, self.constant, self.leaf, self.start = moves, constant, leaf, start
        self.partials = op.partials(xp, y, *x) if partials is None else partials
        self.right: Any = 0.0
        for p, s, m in zip(self.partials, t, moves, strict=True):
            if m:
                self.right = self.right + p * s

    def slope(self, *x: Any) -> Any:
        """Return the first local derivative at other operands."""
        rest = self.x[len(x) :]
        return self.op.partials(self.xp, self.op.forward(self.xp, *x, *rest), *x, *rest)[0]


class Wrong(NamedTuple):
    """A wrong rule.

    Attributes:
        kind: The mistake's name, of a small set that scripts may rely on.
        says: What went wrong, see `told`.
        rank: When it is told.
        tangent: What it gives.
    """

    kind: str
    says: str
    rank: Told
    tangent: Callable[[Place], Any]

    def told(self, node: str, other: str = UNNAMED) -> str:
        """Say what went wrong, with the text of the node and of its operand that does not vary."""
        return self.says.format(node=node, other=other)


def _two(p: Place) -> bool:
    return len(p.moves) == 2 and all(p.moves)


def _one(p: Place) -> int | None:
    """Return the one operand that moves, of two."""
    return p.moves.index(True) if len(p.moves) == 2 and sum(p.moves) == 1 else None


def _both(kind: str, says: str, rank: Told, tangent: Callable[[Place], Any]) -> Wrong:
    """Return a wrong rule for two operands that both move."""
    return Wrong(kind, says, rank, lambda p: tangent(p) if _two(p) else None)


def _alone(k: int, kind: str, says: str, rank: Told, tangent: Callable[[Place], Any]) -> Wrong:
    """Return a wrong rule for two operands of which this one alone moves."""
    return Wrong(kind, says, rank, lambda p: tangent(p) if _one(p) == k else None)


def _kept_as_it_is(*places: int, leaf: bool | None = None) -> Wrong:
    """Return the mistake that a step stands in its own derivative: 3x for the derivative of 3x.

    Args:
        places: Which operand alone may move.
        leaf: Whether that is what is differentiated by; None for either.
    """

    def kept(p: Place) -> Any:
        k = _one(p)
        return p.y if k in places and leaf in (None, p.leaf[k or 0]) else None

    return Wrong("not differentiated", "{node} is kept as it is, not differentiated", Told.RARE, kept)


# sums


def _kept(p: Place) -> Any:
    k = _one(p)
    return None if k is None else p.right + p.partials[1 - k] * p.x[1 - k]


def _counted(p: Place) -> Any:
    k = _one(p)
    return None if k is None else p.right + p.partials[1 - k]


SUMS = (
    _both(
        "term missing",
        "in {node} the derivative of the first term is missing",
        Told.TERM,
        lambda p: p.right - p.partials[0] * p.t[0],
    ),
    _both(
        "term missing",
        "in {node} the derivative of the second term is missing",
        Told.TERM,
        lambda p: p.right - p.partials[1] * p.t[1],
    ),
    Wrong(
        "constant kept", "in {node} a term that does not vary is kept: its derivative is 0", Told.RARE, _kept
    ),
    Wrong(
        "constant kept",
        "in {node} a term that does not vary is differentiated to 1, not to 0",
        Told.RARE,
        _counted,
    ),
)
DIFFERENCE = (
    _alone(1, "sign lost", "the minus of {node} is lost", Told.SIGN, lambda p: -p.right),
    # of two parts that vary, so much else comes to the same: in a variance, what is dropped or held fixed
    _both("sign lost", "the minus of {node} is lost", Told.ZERO, lambda p: p.t[0] + p.t[1]),
)

# products


def _dropped(p: Place) -> Any:
    k = _one(p)
    return None if k is None else p.t[k]


KEPT = _kept_as_it_is(0, 1, leaf=True)
PRODUCTS = (
    _both(
        "product rule",
        "the product {node} is differentiated factor by factor: (uv)' is not u'v'",
        Told.RULE,
        lambda p: p.t[0] * p.t[1],
    ),
    _both(
        "product rule",
        "of the product rule at {node} the second term is missing",
        Told.HALF,
        lambda p: p.t[0] * p.x[1],
    ),
    _both(
        "product rule",
        "of the product rule at {node} the first term is missing",
        Told.HALF,
        lambda p: p.x[0] * p.t[1],
    ),
    _both(
        "product rule",
        "the product rule at {node} has a plus, not a minus",
        Told.RARE,
        lambda p: p.t[0] * p.x[1] - p.x[0] * p.t[1],
    ),
    _both(
        "product rule",
        "at {node} the derivatives of the factors are added: (uv)' is not u' + v'",
        Told.RARE,
        lambda p: p.t[0] + p.t[1],
    ),
    Wrong("constant dropped", "the factor {other} in {node} is dropped", Told.DROPPED, _dropped),
    KEPT,
    _kept_as_it_is(0, 1, leaf=False),
    Wrong(
        "constant kept",
        "in {node} the factor that does not vary is differentiated, too",
        Told.RARE,
        lambda p: 0.0 * p.right if _one(p) is not None and p.constant[1 - (_one(p) or 0)] else None,
    ),
)

# quotients

SWAPPED = _both(
    "quotient rule",
    "the quotient rule at {node} is in the wrong order: u'v comes first, then -uv'",
    Told.ORDER,
    lambda p: -p.right,
)
DENOMINATOR = Wrong(
    "inner derivative missing",
    "at {node} the derivative of the denominator is not multiplied in",
    Told.INSIDE,
    lambda p: p.partials[1] if _one(p) == 1 and not p.leaf[1] else None,
)
QUOTIENTS = (
    SWAPPED,
    _both(
        "quotient rule",
        "the quotient rule at {node} has a minus, not a plus",
        Told.RARE,
        lambda p: p.partials[0] * p.t[0] - p.partials[1] * p.t[1],
    ),
    _both(
        "quotient rule",
        "the quotient {node} is differentiated above and below: (u/v)' is not u'/v'",
        Told.RULE,
        lambda p: p.xp.divide(p.t[0], p.t[1]),
    ),
    Wrong(
        "quotient rule",
        "the denominator of the quotient rule at {node} is not squared",
        Told.RARE,
        lambda p: p.right * p.x[1] if p.moves[1] else None,
    ),
    Wrong(
        "quotient rule",
        "of the quotient rule at {node} the denominator is missing",
        Told.RARE,
        lambda p: p.right * p.x[1] * p.x[1] if p.moves[1] else None,
    ),
    _alone(
        1, "sign lost", "the minus in the derivative of 1/v is lost at {node}", Told.SIGN, lambda p: -p.right
    ),
    DENOMINATOR,
    _kept_as_it_is(0),
    _alone(0, "constant dropped", "the divisor of {node} is dropped", Told.DROPPED, lambda p: p.t[0]),
    _alone(
        1,
        "constant dropped",
        "the numerator of {node}, which does not vary, is dropped",
        Told.DROPPED,
        lambda p: p.xp.divide(p.right, p.x[0]),
    ),
    _alone(
        1,
        "integrated",
        "1/v is integrated at {node}, not differentiated",
        Told.ANYWHERE,
        lambda p: p.x[0] * p.xp.log(p.x[1]) * p.t[1],
    ),
    _alone(
        1,
        "wrong rule",
        "at {node} the logarithm is differentiated the wrong way round: 1/v is the derivative of ln(v)",
        Told.ANYWHERE,
        lambda p: p.x[0] * p.xp.log(p.x[1]) if not p.leaf[1] else None,
    ),
    _alone(
        1,
        "quotient rule",
        "at {node} the denominator alone is differentiated: (1/v)' is not 1/v'",
        Told.RARE,
        lambda p: p.xp.divide(p.x[0], p.t[1]),
    ),
)

# powers


def _power(p: Place, exponent: float) -> Any:
    return p.xp.power(p.x[0], p.x[1] + exponent)


def _inside_kept(what: str) -> Wrong:
    return Wrong(
        "inner derivative missing",
        f"at {{node}} the derivative of the {what} is not multiplied in",
        Told.INSIDE,
        lambda p: p.partials[0] if not p.leaf[0] else None,
    )


BASE = _inside_kept("base")
NOT_LOWERED = Wrong(
    "exponent not lowered",
    "the exponent of {node} comes down as a factor, but is not lowered by 1",
    Told.LOCAL,
    lambda p: p.x[1] * p.y * p.t[0],
)
POWERS = (
    BASE,
    _kept_as_it_is(0),
    NOT_LOWERED,
    Wrong(
        "exponent as a factor missing",
        "the exponent of {node} is lowered, but not brought down as a factor",
        Told.LOCAL,
        lambda p: _power(p, -1.0) * p.t[0],
    ),
    Wrong(
        "exponent lowered the wrong way",
        "the exponent of {node} is raised by 1, not lowered",
        Told.ANOTHER,
        lambda p: p.x[1] * _power(p, 1.0) * p.t[0],
    ),
    Wrong(
        "exponent lowered twice",
        "the exponent of {node} is lowered by 2",
        Told.ANYWHERE,
        lambda p: p.x[1] * _power(p, -2.0) * p.t[0],
    ),
    Wrong(
        "integrated",
        "the power {node} is integrated, not differentiated",
        Told.INTEGRAL,
        lambda p: p.xp.divide(_power(p, 1.0), p.x[1] + 1.0) * p.t[0],
    ),
    Wrong(
        "integrated",
        "the power {node} is integrated, with its inside, not differentiated",
        Told.INTEGRAL,
        lambda p: p.xp.divide(_power(p, 1.0), (p.x[1] + 1.0) * p.t[0]) if not p.leaf[0] else None,
    ),
    Wrong(
        "wrong place",
        "the power {node} is taken at the inside's derivative, not differentiated: f(g') for f'(g)*g'",
        Told.RARE,
        lambda p: p.xp.power(p.t[0], p.x[1]) if not p.leaf[0] else None,
    ),
    Wrong(
        "wrong place",
        "the derivative of the power {node} is taken at the inside's derivative: f'(g') for f'(g)*g'",
        Told.RARE,
        lambda p: p.x[1] * p.xp.power(p.t[0], p.x[1] - 1.0) if not p.leaf[0] else None,
    ),
    Wrong(
        "exponential for power",
        "the power {node} is differentiated like an exponential",
        Told.RARE,
        lambda p: p.y * p.xp.log(p.x[0]) * p.t[0],
    ),
    Wrong(
        "sign lost",
        "the sign of the exponent is lost at {node}",
        Told.SIGN,
        lambda p: -p.right if p.x[1] < 0 else None,
    ),
)
EXPONENT = _alone(
    1,
    "inner derivative missing",
    "at {node} the derivative of the exponent is not multiplied in",
    Told.INSIDE,
    lambda p: p.partials[1] if not p.leaf[1] else None,
)
EXPONENTIALS = (
    EXPONENT,
    _alone(
        1,
        "power for exponential",
        "the exponential {node} is differentiated like a power",
        Told.LOCAL,
        lambda p: p.x[1] * _power(p, -1.0) * p.t[1],
    ),
    _alone(
        1,
        "power for exponential",
        "the exponential {node} is differentiated like a power, without the exponent's derivative",
        Told.RARE,
        lambda p: p.x[1] * _power(p, -1.0) if not p.leaf[1] else None,
    ),
    _alone(
        1,
        "wrong place",
        "{node} is taken at the exponent's derivative, not differentiated: f(g') for f'(g)*g'",
        Told.RARE,
        lambda p: p.xp.power(p.x[0], p.t[1]) if not p.leaf[1] else None,
    ),
    _alone(
        1,
        "integrated",
        "the exponential {node} is integrated, not differentiated",
        Told.INTEGRAL,
        lambda p: p.xp.divide(p.y, p.xp.log(p.x[0]) * p.t[1]),
    ),
    _alone(
        1,
        "log factor missing",
        "the factor log(base) of the exponential {node} is missing",
        Told.FACTOR,
        lambda p: p.y * p.t[1],
    ),
    _both(
        "exponential rule",
        "of {node}, where base and exponent both vary, only the base is differentiated",
        Told.ANOTHER,
        lambda p: p.partials[0] * p.t[0],
    ),
    _both(
        "exponential rule",
        "of {node}, where base and exponent both vary, only the exponent is differentiated",
        Told.ANOTHER,
        lambda p: p.partials[1] * p.t[1],
    ),
    _alone(
        0,
        "exponent not lowered",
        "the exponent of {node} comes down as a factor, but is not lowered by 1",
        Told.DROPPED,
        lambda p: p.x[1] * p.y * p.t[0],
    ),
)

# functions of one number


def _at_variable(p: Place) -> Any:
    slope = None if p.leaf[0] else p.slope(p.start)
    # a slope of 1 is as good as none
    return None if slope is None or slope == 1.0 else slope * p.t[0]


INSIDE = _inside_kept("inside")
NEITHER = Wrong(
    "inner derivative missing",
    "neither the derivative of {node} nor that of its inside is multiplied in",
    Told.ANYWHERE,
    lambda p: p.y if not p.leaf[0] else None,
)
FUNCTIONS = (
    INSIDE,
    Wrong(
        "not differentiated",
        "the function {node} is kept as it is, not differentiated",
        Told.DROPPED,
        lambda p: p.y * p.t[0],
    ),
    Wrong(
        "wrong place",
        "the derivative of {node} is taken at the function's value, not at its operand",
        Told.DROPPED,
        lambda p: p.slope(p.y) * p.t[0],
    ),
    Wrong(
        "wrong place",
        "the derivative of {node} is taken at the variable, not at the inside",
        Told.ANOTHER,
        _at_variable,
    ),
    Wrong(
        "wrong place",
        "the derivative of {node} is taken at the inside's derivative: f'(g') for f'(g)*g'",
        Told.ANOTHER,
        lambda p: p.slope(p.t[0]) if not p.leaf[0] else None,
    ),
    Wrong(
        "wrong place",
        "the derivative of {node} is taken at the inside's derivative, not at the inside",
        Told.ANOTHER,
        # of a logarithm that is 1, whatever the inside
        lambda p: p.slope(p.t[0]) * p.t[0] if not p.leaf[0] and p.op.name not in TENS else None,
    ),
    Wrong(
        "integrated",
        "{node} is integrated, not differentiated",
        Told.INTEGRAL,
        lambda p: p.xp.divide(p.op.antiderivative[1](p.xp, *p.x), p.t[0]) if p.op.antiderivative else None,
    ),
    Wrong(
        "wrong place",
        "{node} is taken at the inside's derivative, not differentiated: f(g') for f'(g)*g'",
        Told.RARE,
        lambda p: p.op.forward(p.xp, p.t[0]) if not p.leaf[0] else None,
    ),
    Wrong(
        "local derivative twice",
        "the derivative of {node} is multiplied in twice",
        Told.LOCAL,
        lambda p: p.partials[0] * p.right,
    ),
    NEITHER,
)


HABITS = ((INSIDE, BASE, EXPONENT, DENOMINATOR), (NOT_LOWERED, KEPT))
"""Rules that are broken together: the chain rule forgotten; exponents not lowered, that of 7x among them."""


def _by(kind: str, says: str, factor: Callable[[Place], Any], rank: Told = Told.LOCAL) -> Wrong:
    """Return a wrong local derivative of a function of one number."""
    return Wrong(kind, says, rank, lambda p: factor(p) * p.t[0])


def _like(other: str) -> Wrong:
    """Return the mistake that a function is differentiated like another."""
    op = PRIMITIVES[other]

    def slope(p: Place) -> Any:
        return op.partials(p.xp, op.forward(p.xp, *p.x), *p.x)[0]

    return _by("wrong rule", f"{{node}} is differentiated like {other}", slope, Told.ANOTHER)


def _through_one(which: str) -> Wrong:
    """Return the mistake that all operands get a slope, not the one that is the value."""
    says = f"{{node}} lets the slope through only from its {which} operand"
    return Wrong("gate ignored", says, Told.GATE, lambda p: sum(p.t[1:], start=p.t[0]))


def _through(p: Place) -> Any:
    return 1.0


_SIGN = Wrong("sign lost", "the minus in the derivative of {node} is lost", Told.SIGN, lambda p: -p.right)
_GATE = _by("gate ignored", "{node} lets the slope through only where it is on", _through, Told.GATE)
_OTHER_SIGN = Wrong("sign lost", "the derivative of {node} has no minus", Told.RULE, lambda p: -p.right)

OPERATIONS = {"add": "added", "subtract": "subtracted", "multiply": "multiplied", "divide": "divided"}
"""Operations that are taken one for another, and what was done to their operands."""

OPERANDS = {
    "divide": ("numerator", "denominator"),
    "multiply": ("first factor", "second factor"),
    "add": ("first term", "second term"),
    "subtract": ("first term", "second term"),
}

CURES_OF_RULES = {
    "power_n": "(u^n)' = n*u^(n-1)*u'",
    "power": "(a^u)' = a^u*ln(a)*u'",
    "negative": "(-u)' = -u'",
    "subtract": "(u - v)' = u' - v'",
}
"""The rules of operations, as they are to be used."""

PRODUCT = ("multiply",)
"""What has factors."""

ADDED = ("add", "subtract")
"""What has terms."""

LOGARITHMS = ("log", "power")
"""What natural logarithms are taken for, in the value or the slope."""

TENS: dict[str, str] = {"log": "log10"}
"""What stands for them to base 10."""

WRITTEN_OUT = "sigmoid"
"""The function whose rule is known also where it is written out, see `sigmoid_of`."""

OWN: dict[str, tuple[Wrong, ...]] = {
    "sin": (_OTHER_SIGN,),
    "cos": (_SIGN,),
    "acos": (_SIGN,),
    "erfc": (_SIGN,),
    "tan": (
        _by(
            "square missing",
            "the derivative of {node} is 1/cos^2: the square is missing",
            lambda p: p.xp.divide(1.0, p.xp.cos(p.x[0])),
        ),
        _by("wrong rule", "the derivative of {node} is 1/cos^2, not 1 - tan^2", lambda p: 1.0 - p.y * p.y),
    ),
    "exp": (
        _by(
            "power for exponential",
            "the exponential {node} is differentiated like a power",
            lambda p: p.x[0] * p.xp.exp(p.x[0] - 1.0),
        ),
        Wrong(
            "power for exponential",
            "the exponential {node} is differentiated like a power, without the exponent's derivative",
            Told.RARE,
            lambda p: p.x[0] * p.xp.exp(p.x[0] - 1.0) if not p.leaf[0] else None,
        ),
        Wrong(
            "integrated",
            "the exponential {node} is integrated, not differentiated",
            Told.INTEGRAL,
            lambda p: p.xp.divide(p.y, p.t[0]),
        ),
    ),
    "log": (
        _by(
            "wrong rule",
            "the derivative of {node} is one over its operand, not over the logarithm",
            lambda p: p.xp.divide(1.0, p.y),
        ),
        _by(
            "wrong rule",
            "the derivative of {node} is one over its operand, not the operand",
            lambda p: p.x[0],
            Told.RARE,
        ),
    ),
    "log2": (
        _by(
            "log factor missing",
            "the factor 1/log(2) of {node} is missing",
            lambda p: p.xp.divide(1.0, p.x[0]),
        ),
    ),
    "log10": (
        _by(
            "log factor missing",
            "the factor 1/log(10) of {node} is missing",
            lambda p: p.xp.divide(1.0, p.x[0]),
        ),
    ),
    "cbrt": (
        _by(
            "factor", "the factor 1/3 of the root {node} is missing", lambda p: 3.0 * p.partials[0], Told.FORK
        ),
        _by(
            "wrong rule",
            "the root of {node} belongs below the fraction line",
            lambda p: p.xp.divide(p.y, 3.0),
        ),
    ),
    "sqrt": (
        _by(
            "factor",
            "the factor 1/2 of the root {node} is missing",
            lambda p: p.xp.divide(1.0, p.y),
            Told.FORK,
        ),
        _by("wrong rule", "the root of {node} belongs below the fraction line", lambda p: 0.5 * p.y),
        _by(
            "factor",
            "the derivative of {node} has the 2 above the fraction line",
            lambda p: p.xp.divide(2.0, p.y),
            Told.ANOTHER,
        ),
    ),
    "sigmoid": (
        _by(
            "wrong place",
            "sigma' = y*(1 - y) of {node} is taken with z in place of y",
            lambda p: p.x[0] * (1.0 - p.x[0]),
            Told.FORK,
        ),
        _by(
            "local derivative missing",
            "the slope of {node}, y*(1 - y), is not multiplied in",
            _through,
            Told.FACTOR,
        ),
        _by("factor missing", "the factor 1 - y of sigma' at {node} is missing", lambda p: p.y, Told.FACTOR),
        _by("factor missing", "the factor y of sigma' at {node} is missing", lambda p: 1.0 - p.y),
        _by("sign lost", "sigma' of {node} is y*(1 - y), with a minus", lambda p: p.y * (1.0 + p.y)),
        _by("wrong rule", "{node} is differentiated like tanh", lambda p: 1.0 - p.y * p.y, Told.ANOTHER),
    ),
    "tanh": (
        _by(
            "local derivative missing",
            "the slope of {node}, 1 - y^2, is not multiplied in",
            _through,
            Told.FACTOR,
        ),
        _by("square missing", "the square in 1 - y^2 is missing at {node}", lambda p: 1.0 - p.y, Told.FORK),
        _by(
            "wrong place",
            "tanh' = 1 - y^2 of {node} is taken with z in place of y",
            lambda p: 1.0 - p.x[0] * p.x[0],
            Told.FORK,
        ),
        _by("sign lost", "tanh' of {node} is 1 - y^2, with a minus", lambda p: 1.0 + p.y * p.y),
        _by("wrong rule", "{node} is differentiated like sigmoid", lambda p: p.y * (1.0 - p.y), Told.ANOTHER),
    ),
    "relu": (_GATE,),
    "leaky_relu": (_GATE,),
    "abs": (
        Wrong(
            "sign lost", "the derivative of {node} is the sign of its operand", Told.INSIDE, lambda p: p.t[0]
        ),
    ),
    "asin": (
        _by(
            "wrong rule",
            "the derivative of {node} has a root below the fraction line",
            lambda p: p.xp.divide(1.0, 1.0 - p.x[0] * p.x[0]),
        ),
    ),
    "atan": (
        _by(
            "sign lost",
            "the derivative of {node} is 1/(1 + x^2), with a plus",
            lambda p: p.xp.divide(1.0, 1.0 - p.x[0] * p.x[0]),
        ),
    ),
    "add": SUMS,
    "subtract": (*SUMS, *DIFFERENCE),
    "multiply": PRODUCTS,
    "divide": QUOTIENTS,
    "power_n": POWERS,
    "power": EXPONENTIALS,
    "negative": (_SIGN,),
    "max": (_through_one("largest"),),
    "min": (_through_one("smallest"),),
}
"""What goes wrong with each primitive in particular."""

TAKEN_FOR = {
    "tanh": ("tan",),
    "tan": ("atan", "sec"),
    "atan": ("tan", "asin"),
    "asin": ("sin", "atan"),
    "acos": ("cos", "atan"),
    "sec": ("tan",),
    "csc": ("cot",),
    "cot": ("csc", "tan"),
    "sinh": ("sin",),
    "cosh": ("cos",),
}
"""Functions whose derivatives are taken for others'."""

LIKE = {name: tuple(map(_like, others)) for name, others in TAKEN_FOR.items()}

GENERAL = (
    Wrong(
        "inner derivative missing",
        "at {node} the derivative of the inside is not multiplied in",
        Told.ANYWHERE,
        lambda p: (
            sum((q for q, m in zip(p.partials, p.moves, strict=True) if m), start=0.0)
            if not any(p.leaf)
            else None
        ),
    ),
    Wrong(
        "local derivative missing",
        "the local derivative of {node} is not multiplied in",
        Told.ANYWHERE,
        # of -u that is a minus that is lost
        lambda p: (
            sum((s for s, m in zip(p.t, p.moves, strict=True) if m), start=0.0)
            if p.op.name != "negative"
            else None
        ),
    ),
    Wrong("sign lost", "the sign of what comes through {node} is wrong", Told.ANYWHERE, lambda p: -p.right),
)
"""What can go wrong at any node."""


def rules_for(op: Primitive) -> Iterator[Wrong]:
    """Yield the wrong rules of a primitive, its own first."""
    yield from OWN.get(op.name, ())
    yield from LIKE.get(op.name, ())
    if len(op.params) == 1 and op.infix is None and op.arity == (1, 1):
        yield from FUNCTIONS
    yield from GENERAL


ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "softplus")
"""Functions of a neuron."""


def wrong_values(op: Primitive, x: Sequence[float]) -> Iterator[tuple[str, str, float]]:
    """Yield what a step's value is taken for, as kind, words with ``{node}`` for the step, and number."""
    if op.name == "subtract":
        yield "sign lost", "the minus of {node} is lost", x[0] + x[1]
    elif op.name == "negative":
        yield "sign lost", "the minus of {node} is lost", x[0]
    elif op.name in ("max", "min"):
        for other in x:
            yield "gate ignored", "another operand of {node} is taken", other
    elif op.name == "power_n" and x[1] == 2.0:
        yield "square missing", "the square of {node} is missing", x[0]
    elif len(x) == 1 and op.infix is None:
        kind = "activation missing" if op.name in ACTIVATIONS else "another operation"
        yield kind, f"{op.name} is not applied in {{node}}", x[0]
    for k, which in enumerate(OPERANDS.get(op.name, ())):
        if which != "numerator":
            kind = "term missing" if op.name in ADDED else "constant dropped"
            yield kind, f"the {which} of {{node}} is missing", x[1 - k]


def wrongly(place: Place, habit: Sequence[Wrong]) -> Any:
    """Return the tangent by the first of these rules that the primitive has; None where none can be made."""
    tries = (wrong.tangent(place) for wrong in rules_for(place.op) if wrong in habit)
    return next((tangent for tangent in tries if tangent is not None), None)


def sigmoid_of(graph: Graph, id: int) -> int | None:
    """Return z where a node is 1/(1 + exp(-z)) written out."""

    def parts(id: int, op: str) -> tuple[int, ...]:
        node = graph.nodes[id]
        return tuple(node.inputs) if node.op is not None and node.op.name == op else ()

    def is_one(id: int) -> bool:
        return graph.nodes[id].kind == CONSTANT and graph.nodes[id].value == 1.0

    above = parts(id, "divide")
    if not above or not is_one(above[0]):
        return None
    for k, i in enumerate(terms := parts(above[1], "add")):
        if is_one(terms[1 - k]):
            power = parts(i, "exp") or parts(i, "power")[1:]
            return next((z for e in power for z in parts(e, "negative")), None)
    return None
