"""Symbols and precedence: the grammar's own table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

CHOICE, COMPARISON, SUM, PRODUCT, UNARY, POWER, ROOT, ATOM = range(8)
"""How tightly a text holds together. A choice is an operator in some targets of exports alone."""

BINARY: dict[str, tuple[int, str]] = {
    "+": (SUM, "add"),
    "-": (SUM, "subtract"),
    "*": (PRODUCT, "multiply"),
    "/": (PRODUCT, "divide"),
    "^": (POWER, "power"),
    "<": (COMPARISON, "less"),
    "<=": (COMPARISON, "less_equal"),
    ">": (COMPARISON, "greater"),
    ">=": (COMPARISON, "greater_equal"),
    "==": (COMPARISON, "equal"),
    "!=": (COMPARISON, "not_equal"),
}

SPELLING = {
    "**": "^",
    "×": "*",
    "·": "*",
    "⋅": "*",
    "∙": "*",
    "•": "*",
    "∗": "*",
    "÷": "/",
    "∕": "/",
    "⁄": "/",
    "−": "-",
    "–": "-",
    "‐": "-",
    "‑": "-",
    "ˆ": "^",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
}
"""Other ways to write an operator."""

SUPERSCRIPT_LETTERS = dict(zip("ᵃᵇⁿᵏᵐᵗˣʸ", "abnkmtxy", strict=True))
SUPERSCRIPTS = str.maketrans({**dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True)), **SUPERSCRIPT_LETTERS})
FRACTIONS = {
    letter: (above, below)
    for letter, above, below in zip("½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞", "112131234151357", "233445555668888", strict=True)
}
"""Fractions that are one letter."""

SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉"


class Constant(NamedTuple):
    """A number that has a name.

    Attributes:
        value: The nearest float.
        exact: The number itself, by a module that has ``pi`` and ``e``: mpmath's context, SymPy.
    """

    value: float
    exact: Callable[[Any], Any]


ARRAYS_HINT = "an array is a list in brackets, [1, 2], or a file; numbers are added as x1 + x2 + x3"
"""For who gives functions of arrays numbers."""

CONSTANTS = {
    "pi": Constant(3.141592653589793, lambda xp: xp.pi),
    "tau": Constant(6.283185307179586, lambda xp: 2 * xp.pi),
    "e": Constant(2.718281828459045, lambda xp: xp.e),
}
"""Names with a value where the user gave them none."""

LETTERS = {"π": "pi"}
"""Constants that a letter of its own stands for; no variable has that name."""


def constant_name(label: str) -> str | None:
    """Return the constant that a leaf's label stands for, None for digits."""
    name = LETTERS.get(label, label)
    return name if name in CONSTANTS else None


def named_constant(label: str) -> Constant | None:
    """Return the same as a row of the table."""
    return CONSTANTS.get(LETTERS.get(label, label))


GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρςστυφχψωΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma "
        "sigma tau upsilon phi chi psi omega Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa "
        "Lambda Mu Nu Xi Omicron Pi Rho Sigma Tau Upsilon Phi Chi Psi Omega".split(),
        strict=True,
    )
)
"""Names of the letters, for where letters alone of ASCII stand."""

HATS = {"\u0302": "hat", "\u0304": "bar", "\u0303": "tilde"}
"""Marks above the letter of a name, as combining characters: a prediction, a mean, another one."""

HATTED = "âĉêĝĥîĵôŝûŵŷẑÂĈÊĜĤÎĴÔŜÛŴŶẐāēīōūȳḡĀĒĪŌŪȲḠãẽĩõũỹṽÃẼĨÕŨỸṼ"
"""Letters with one, that are one character; ñ is a letter of its own."""

RESERVED = "[]@'"
PRIMES = "'′’ᵀ"
"""Signs of the transpose, besides ``.T``."""

ARRAY_SIGNS = {"@": (PRODUCT, "@"), ".*": (PRODUCT, ".*"), "./": (PRODUCT, "./"), ".^": (POWER, ".^")}
"""Operators of programs that have arrays, besides those of `BINARY`."""

OTHER_NAMES = {
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "arsinh": "asinh",
    "arcosh": "acosh",
    "artanh": "atanh",
    "tg": "tan",
    "arctg": "atan",
    "sh": "sinh",
    "ch": "cosh",
    "th": "tanh",
    "lg": "log10",
    "lb": "log2",
    "ld": "log2",
    "swish": "silu",
    "logistic": "sigmoid",
    "expit": "sigmoid",
    "fabs": "abs",
    "sgn": "sign",
    "maximum": "max",
    "minimum": "min",
    "loggamma": "lgamma",
    "psi": "digamma",
    "if": "where",
    "ifelse": "where",
    "cond": "where",
    "iif": "where",
    "wenn": "where",
    "wurzel": "sqrt",
    "racine": "sqrt",
    "rest": "mod",
    "ganzzahl": "floor",
    "runden": "round",
    "arrondi": "round",
    "ceiling": "ceil",
    "cosec": "csc",
    "cotan": "cot",
    "ctg": "cot",
    "arcsec": "asec",
    "arccsc": "acsc",
    "arccosec": "acsc",
    "arccot": "acot",
    "arcctg": "acot",
    "modulo": "mod",
    "rint": "round",
    "clip": "clamp",
    "hardtanh": "hard_tanh",
    "hardsigmoid": "hard_sigmoid",
}
"""What other notations call a primitive, for suggestions."""

SIGMOIDS = ("σ", "sigma")
"""What the sigmoid function is called on paper: so are functions, where no value has that name."""

USUAL = "fghFGHφψΦΨ"
"""Letters that stand for functions, known or not."""

INVERSES = {
    **{name: "a" + name for name in "sin cos tan sec csc cot sinh cosh tanh sech csch coth".split()},
    "exp": "log",
    "log": "exp",
    "ln": "exp",
}
"""What the exponent -1 behind a function's name stands for."""
