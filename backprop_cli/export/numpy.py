"""NumPy: one function for numbers and for arrays of points, both passes written out by hand."""

from __future__ import annotations

from collections.abc import Callable

from ..language.operators import PRODUCT
from ..language.written import INFIX, Piece, Table
from . import python
from .handwritten import Pass, helpers
from .page import PYTHON_WORDS, conventions, header, joined, python_assertions
from .program import Program
from .writer import Names, Writer, constants, python_number

LANGUAGE = "NumPy"


def nested(name: str) -> Callable[..., Piece]:
    """Write a function of two for more operands."""

    def write(*operands: Piece) -> Piece:
        first, *rest = operands
        return Piece(f"{name}({first}, {write(*rest) if len(rest) > 1 else rest[0]})")

    return write


SPELLING: Table = {
    **INFIX,
    **{name: f"np.{name}" for name in "sin cos tan sinh cosh tanh exp expm1 log log1p log2 log10".split()},
    **{name: f"np.{name}" for name in "sqrt cbrt hypot sign floor ceil abs where".split()},
    **{name: f"np.arc{name[1:]}" for name in "asin acos atan asinh acosh atanh atan2".split()},
    **{name: f"special.{name}" for name in "erf erfc gamma digamma polygamma".split()},
    "round": "np.rint",
    "mod": "np.mod",
    "sinc_n": "sinc_n",
    "lgamma": "special.gammaln",
    **constants("np.pi", "np.e"),
    "power": python.power,
    "power_n": python.power,
    "min": nested("np.minimum"),
    "max": nested("np.maximum"),
    "relu": "np.maximum({0}, 0.0)",
    "leaky_relu": "np.where({0:+} > 0, {0}, {1:*}*{0:^})",
    "elu": "np.where({0:+} > 0, {0}, {1:*}*np.expm1(np.minimum({0}, 0.0)))",
    "sigmoid": "sigmoid",
    "softplus": "np.logaddexp({0}, 0.0)",
    "silu": ("{0:*}*sigmoid({0})", PRODUCT),
    "gelu": ("0.5*{0:^}*special.erfc(-{0:^}/np.sqrt(2))", PRODUCT),
}
HELPERS = {
    "special": "from scipy import special  # NumPy itself has no such functions",
    "sigmoid": '''def sigmoid(x):
    """Return 1/(1 + e^-x), with an exponential that cannot overflow."""
    return np.exp(np.minimum(x, 0.0)) / (1.0 + np.exp(-np.abs(x)))''',
    "sinc_n": '''def sinc_n(n, x):
    """Return the n-th derivative of sin(x)/x: the integral of t^n cos(t*x + n*pi/2) over t from 0 to 1.

    Far out that takes too many points, and the derivatives follow from each other.
    """

    def wave(k, angle):
        return (np.sin(angle), np.cos(angle), -np.sin(angle), -np.cos(angle))[k % 4]

    n, far = int(n), np.abs(x) > 20 + n
    nodes, weights = np.polynomial.legendre.leggauss(60 + 2 * n)
    t = (nodes + 1.0) / 2.0
    near = wave(n + 1, np.multiply.outer(np.where(far, 0.0, x), t)) @ (weights * t**n) / 2.0
    z = np.where(far, x, 1.0)
    y = np.sin(z) / z
    for k in range(1, n + 1):
        y = (wave(k, z) - k * y) / z
    return np.where(far, y, near)''',
    "share": '''def share(x, y, *operands):
    """Return a tied operand's part of a slope: 1/n for each of the n that are equal to y."""
    return np.where(x == y, 1.0, 0.0) / sum(np.where(z == y, 1.0, 0.0) for z in operands)''',
}
NEEDS = {
    **dict.fromkeys("erf erfc gamma lgamma digamma polygamma gelu".split(), ("special",)),
    "sigmoid": ("sigmoid",),
    "silu": ("sigmoid",),
    "sinc_n": ("sinc_n",),
    "share": ("share",),
}
RESERVED = PYTHON_WORDS | set(HELPERS) | {"np", "value_and_gradient"}


def write(program: Program) -> str:
    """Return the program."""
    graph = program.graph
    names = Names(RESERVED)
    writer = Writer(program, SPELLING, names, number=python_number, every=True)
    sweep = Pass(
        writer,
        names,
        shares=lambda x, y, all_: f"share({x}, {y}, {', '.join(all_)})",
        zero=f"np.zeros_like({writer.output})",
        one=f"np.ones_like({writer.output})",
    )
    notes, open_ = conventions(program, LANGUAGE, python.KINKED)
    inputs = ", ".join(writer.variable(id) for id in graph.inputs.values())
    slopes = [sweep.slope(graph.inputs[name]) for name in program.wrt]
    body = [
        f'"""Return {writer.output} and its gradient; the inputs are numbers, or arrays of many points."""',
        "# forward pass: every step from those above it",
        *(
            f"{line.name} = {line.text}" + "  # finite in the other branch too" * line.safe
            for line in writer.lines
        ),
        "",
        f"# reverse pass: d{writer.output}_dx is the slope of {writer.output} in x, from the output back",
        # not += : an array may be shared between two names
        *(
            f"{line.name} = {line.text}{line.comment}"
            if line.sign == "="
            else f"{line.name} = {line.name} + {line.text}{line.comment}"
            for line in sweep.lines
        ),
        f"return {writer.output}, ({', '.join(slopes)}{',' * (len(slopes) == 1)})",
    ]
    point = [f"{writer.variable(graph.inputs[n])}={x!r}" for n, x in program.point.inputs.items()]
    found = [names.own("value"), names.own("gradient")]
    expected = {name: f"{found[1]}[{k}]" for k, name in enumerate(program.wrt)}
    texts = helpers(HELPERS, NEEDS, writer.used)
    imports = [text for text in texts if text.startswith("from")]
    return joined(
        [
            header(program, names, LANGUAGE),
            ["import math", "", "import numpy as np", *imports],
            *python.definitions([text for text in texts if text not in imports]),
            ["", f"def value_and_gradient({inputs}):", *(f"    {line}".rstrip() for line in body), ""],
            [f"{found[0]}, {found[1]} = value_and_gradient({', '.join(point)})"],
            [f'print("value", {found[0]})', f'print("gradient", *{found[1]})'],
            [*notes, *python_assertions(program, found[0], expected, floor=0.0, skip=open_)],
        ]
    )
