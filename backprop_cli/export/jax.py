"""JAX: a pure function and ``jax.value_and_grad``, in double precision."""

from __future__ import annotations

from ..language.written import INFIX, Piece, Table
from . import python
from .functional import Functional, array_extremum
from .page import PYTHON_WORDS
from .program import Program
from .writer import constants, real

LANGUAGE = "JAX"
SPELLING: Table = {
    **INFIX,
    **{name: f"jnp.{name}" for name in "sin cos tan sinh cosh tanh exp expm1 log log1p log2 log10".split()},
    **{name: f"jnp.{name}" for name in "sqrt cbrt hypot sign floor ceil abs".split()},
    **{name: f"jnp.arc{name[1:]}" for name in "asin acos atan asinh acosh atanh atan2".split()},
    **{name: f"jax.nn.{name}" for name in "relu sigmoid softplus silu leaky_relu elu".split()},
    **{name: f"special.{name}" for name in "erf erfc gamma digamma".split()},
    "round": "jnp.round",
    "lgamma": "special.gammaln",
    "polygamma": lambda n, x: Piece(f"special.polygamma({int(n.value or 0)}, {x})"),
    "power": python.power,
    "power_n": python.power,
    "min": array_extremum("jnp", "min"),
    "max": array_extremum("jnp", "max"),
    "gelu": "jax.nn.gelu({0}, approximate=False)",
    # a choice of two whole numbers would be one, and have no slope
    "where": lambda c, a, b: Piece(f"jnp.where({c}, {real(a)}, {real(b)})"),
    **constants("jnp.pi", "jnp.e"),
}
KINKED = frozenset("sign floor ceil min max relu elu power power_n atan2".split())
RESERVED = PYTHON_WORDS | {"jax", "jnp", "special"}
SPECIAL = frozenset("erf erfc gamma lgamma digamma polygamma".split())


def write(program: Program) -> str:
    """Return the program."""
    page = Functional(program, SPELLING, RESERVED, LANGUAGE, KINKED, constants=python.NUMBERS)
    special = ["from jax.scipy import special"] * bool(SPECIAL & page.writer.used)
    return page.text(
        ["import math", "", "import jax", "import jax.numpy as jnp", *special],
        ['jax.config.update("jax_enable_x64", True)  # double precision, as backprop computes'],
        lambda function, positions, point: f"jax.value_and_grad({function}, argnums={positions})({point})",
    )
