"""HIPS autograd: a function over ``autograd.numpy`` and ``value_and_grad``."""

from __future__ import annotations

from ..language.operators import PRODUCT
from ..language.written import Table
from . import numpy, python
from .functional import Functional, array_extremum
from .page import PYTHON_WORDS
from .program import Program
from .writer import NOT_CLOSED

LANGUAGE = "autograd"
SPELLING: Table = {
    **numpy.SPELLING,
    "sinc_n": NOT_CLOSED,
    # autograd has no slope for np.cbrt and np.hypot
    "cbrt": ("np.sign({0})*np.abs({0})**(1/3)", PRODUCT),
    "hypot": "np.sqrt({0:!}**2 + {1:!}**2)",
    "min": array_extremum("np", "min"),
    "max": array_extremum("np", "max"),
    "relu": "np.where({0:+} > 0, {0}, 0.0)",
    "elu": "np.where({0:+} > 0, {0}, {1:*}*np.expm1(np.where({0:+} > 0, 0.0, {0})))",
}
HELPERS = {
    "sigmoid": '''def sigmoid(x):
    """Return 1/(1 + e^-x), with an exponential that cannot overflow."""
    return np.exp(-np.logaddexp(0.0, -x))''',
}
NEEDS = {"sigmoid": ("sigmoid",), "silu": ("sigmoid",)}
KINKED = frozenset("abs sign floor ceil min max relu leaky_relu elu power power_n atan2".split())
RESERVED = PYTHON_WORDS | {"np", "special", "sigmoid", "value_and_grad"}
SPECIAL = frozenset("erf erfc gamma lgamma digamma polygamma gelu".split())


def write(program: Program) -> str:
    """Return the program."""
    page = Functional(
        program, SPELLING, RESERVED, LANGUAGE, KINKED, constants=python.NUMBERS, helpers=(HELPERS, NEEDS)
    )
    special = ["from autograd.scipy import special"] * bool(SPECIAL & page.writer.used)
    return page.text(
        ["import math", "", "import autograd.numpy as np", "from autograd import value_and_grad", *special],
        [],
        lambda function, positions, point: f"value_and_grad({function}, {positions})({point})",
    )
