"""CasADi: symbols, ``gradient``, and a function that is called at the point."""

from __future__ import annotations

from ..language.operators import PRODUCT, SUM
from ..language.written import INFIX, Table
from . import python
from .numpy import nested
from .page import PYTHON_WORDS, conventions, header, joined, python_assertions
from .program import Program
from .writer import Names, Refused, Writer, constants, python_number

LANGUAGE = "CasADi"
NO_GAMMA = Refused("CasADi has no gamma function")
SPELLING: Table = {
    **INFIX,
    **{name: f"ca.{name}" for name in "sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh".split()},
    **{name: f"ca.{name}" for name in "atanh exp expm1 log log1p log10 sqrt hypot erf floor ceil".split()},
    **dict.fromkeys(("gamma", "lgamma", "digamma", "polygamma"), NO_GAMMA),
    "power": python.power,
    "power_n": python.power,
    "abs": "ca.fabs",
    "sign": "ca.sign",
    "log2": ("ca.log({0})/math.log(2)", PRODUCT),
    "cbrt": ("ca.sign({0})*ca.fabs({0})**(1/3)", PRODUCT),
    "erfc": "(1 - ca.erf({0}))",
    "min": nested("ca.fmin"),
    "max": nested("ca.fmax"),
    "relu": "ca.if_else({0:+} > 0, {0}, 0)",
    "leaky_relu": "ca.if_else({0:+} > 0, {0}, {1:*}*{0:^})",
    "elu": "ca.if_else({0:+} > 0, {0}, {1:*}*ca.expm1(ca.if_else({0:+} > 0, 0, {0})))",
    "sigmoid": ("(1 + ca.tanh({0:*}/2))/2", PRODUCT),
    "softplus": ("ca.fmax({0}, 0) + ca.log1p(ca.exp(-ca.fabs({0})))", SUM),
    "silu": ("{0:*}*(1 + ca.tanh({0:*}/2))/2", PRODUCT),
    "gelu": ("{0:*}*(1 + ca.erf({0:*}/math.sqrt(2)))/2", PRODUCT),
    "where": "ca.if_else",
    **constants("math.pi", "math.e", "math.tau"),
}
KINKED = frozenset("abs sign floor ceil relu leaky_relu elu power_n atan2".split())
RESERVED = PYTHON_WORDS | {"ca"}


def write(program: Program) -> str:
    """Return the program."""
    graph = program.graph
    names = Names(RESERVED)
    writer = Writer(program, SPELLING, names, number=python_number, constants=python.NUMBERS)
    notes, open_ = conventions(program, LANGUAGE, KINKED)
    out = writer.output
    variables = {name: writer.variable(id) for name, id in graph.inputs.items()}
    function, value, gradient = (names.own(name) for name in ("program", "value", "gradient"))
    wrt = ", ".join(variables[name] for name in program.wrt)
    symbols = ", ".join(variables.values())
    point = ", ".join(repr(program.point.inputs[name]) for name in graph.inputs)
    slopes = {name: f"float({gradient}[{k}])" for k, name in enumerate(program.wrt)}
    return joined(
        [
            header(program, names, LANGUAGE),
            ["import math", "", "import casadi as ca"],
            [f'{text} = ca.SX.sym("{name}")' for name, text in variables.items()],
            [
                f"{line.name} = {line.text}" + "  # finite in the other branch too" * line.safe
                for line in writer.lines
            ],
            [
                f"{gradient} = ca.gradient({out}, ca.vertcat({wrt}))",
                f'{function} = ca.Function("{function}", [{symbols}], [{out}, {gradient}])',
            ],
            [
                f"{value}, {gradient} = {function}({point})",
                f'print("{out} =", {value})',
                *(f'print("d{out}/d{name} =", {text})' for name, text in slopes.items()),
            ],
            [*notes, *python_assertions(program, f"float({value})", slopes, skip=open_)],
        ]
    )
