"""Plain Python: both passes written out by hand, nothing imported but ``math``."""

from __future__ import annotations

from ..language.operators import CHOICE, POWER, PRODUCT
from ..language.written import INFIX, Piece, Table
from .handwritten import Pass, helpers
from .page import PYTHON_WORDS, conventions, header, joined, python_assertions
from .program import Program
from .writer import Names, Writer, constants, python_number

LANGUAGE = "Python"


def power(a: Piece, b: Piece) -> Piece:
    """Write Python's power; 0^0 with a literal exponent is 1 there, too."""
    return Piece(f"{a:!}**{b:!}", POWER)


SPELLING: Table = {
    **INFIX,
    **{
        name: f"math.{name}" for name in "sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh".split()
    },
    **{name: f"math.{name}" for name in "atanh exp expm1 log log1p log2 log10 sqrt cbrt hypot".split()},
    **{name: f"math.{name}" for name in "erf erfc gamma lgamma".split()},
    **constants("math.pi", "math.e", "math.tau"),
    "power": power,
    "power_n": power,
    "abs": "abs",
    "sign": "sign",
    "floor": "float(math.floor({0}))",
    "ceil": "float(math.ceil({0}))",
    "round": "float(round({0}))",
    "mod": ("{0:*} % {1:^}", PRODUCT),
    "min": "min",
    "max": "max",
    "relu": "max({0}, 0.0)",
    "leaky_relu": ("{0:<} if {0:+} > 0 else {1:*}*{0:^}", CHOICE),
    "elu": ("{0:<} if {0:+} > 0 else {1:*}*math.expm1({0})", CHOICE),
    "sigmoid": "sigmoid",
    "softplus": "softplus",
    "silu": ("{0:*}*sigmoid({0})", PRODUCT),
    "gelu": ("0.5*{0:^}*math.erfc(-{0:^}/math.sqrt(2))", PRODUCT),
    "digamma": "digamma",
    "polygamma": "polygamma",
    "sech": "sech",
    "csch": "csch",
    "where": ("{1:<} if {0:<} else {2:<}", CHOICE),
}
HELPERS = {
    "sign": '''def sign(x):
    """Return -1, 0 or 1."""
    return float((x > 0) - (x < 0))''',
    "sigmoid": '''def sigmoid(x):
    """Return 1/(1 + e^-x), with an exponential that cannot overflow."""
    return math.exp(min(x, 0.0)) / (1.0 + math.exp(-abs(x)))''',
    "softplus": '''def softplus(x):
    """Return log(1 + e^x), with an exponential that cannot overflow."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))''',
    "sech": '''def sech(x):
    """Return 1/cosh(x), with an exponential that cannot overflow."""
    return 2.0 * math.exp(-abs(x)) / (1.0 + math.exp(-2.0 * abs(x)))''',
    "csch": '''def csch(x):
    """Return 1/sinh(x), with an exponential that cannot overflow."""
    return math.copysign(2.0, x) * math.exp(-abs(x)) / -math.expm1(-2.0 * abs(x))''',
    "share": '''def share(x, y, *operands):
    """Return an operand's part of the slope of its extremum y: 1/n for each of the n that are equal to it."""
    return 1.0 / operands.count(y) if x == y else 0.0''',
    "polygamma": '''def polygamma(n, x):
    """Return the n-th derivative of digamma: x is moved up to where a short series is exact."""
    if n == 0:
        return digamma(x)
    total, z = 0.0, x
    while z < 20.0 + n:
        total += (1.0 / z) ** (n + 1)
        z += 1.0
    z = 1.0 / z
    total += z**n / n + 0.5 * z ** (n + 1)
    term = (n + 1) * z ** (n + 2)  # (2k + n - 1)!/((2k)! n!) z^(2k+n) at k = 1, times 2
    for k, b in enumerate(BERNOULLI, 1):
        total += b * term / 2
        term *= (2 * k + n) * (2 * k + n + 1) / ((2 * k + 1) * (2 * k + 2)) * z * z
    return (-1) ** (n + 1) * math.factorial(int(n)) * total''',
    "digamma": '''def digamma(x):
    """Return the derivative of log(gamma(x)): x is moved up to where a short series is exact."""
    total, z = 0.0, x
    while z < 20.0:
        total -= 1.0 / z
        z += 1.0
    total += math.log(z) - 0.5 / z
    for k, b in enumerate(BERNOULLI, 1):
        total -= b / (2 * k) * (1.0 / z) ** (2 * k)
    return total''',
    "BERNOULLI": "BERNOULLI = (1/6, -1/30, 1/42, -1/30, 5/66, -691/2730, 7/6, -3617/510)",
}
NEEDS = {
    "sigmoid": ("sigmoid",),
    "silu": ("sigmoid",),
    "softplus": ("softplus",),
    "sign": ("sign",),
    "sech": ("sech",),
    "csch": ("csch",),
    "digamma": ("BERNOULLI", "digamma"),
    "polygamma": ("BERNOULLI", "digamma", "polygamma"),
    "share": ("share",),
}
NUMBERS: Table = {name: spelling for name, spelling in SPELLING.items() if name not in NEEDS}
"""How other targets in Python write what is built from numbers alone; what needs a helper is its number."""

KINKED = frozenset("abs sign floor ceil min max relu leaky_relu elu power power_n atan2".split())
"""Written out by hand: every kink has our convention."""

RESERVED = PYTHON_WORDS | set(HELPERS)


def definitions(texts: list[str]) -> list[list[str]]:
    """Return helpers as blocks, functions with the two blank lines that Python's style has."""
    return [["", text] if text.startswith("def") else [text] for text in texts]


def write(program: Program) -> str:
    """Return the program."""
    names = Names(RESERVED)
    writer = Writer(program, SPELLING, names, number=python_number, every=True)
    sweep = Pass(writer, names, shares=lambda x, y, all_: f"share({x}, {y}, {', '.join(all_)})", zero="0.0")
    notes, open_ = conventions(program, LANGUAGE, KINKED)
    forward = ["# forward pass: every step from those above it"]
    for line in writer.lines:
        forward.append(f"{line.name} = {line.text}" + ("  # finite in the other branch too" * line.safe))
    out = writer.output
    backward = [f"# reverse pass: d{out}_dx is the slope of {out} in x, from the output back"]
    backward += [f"{line.name} {line.sign} {line.text}{line.comment}" for line in sweep.lines]
    slopes = {name: sweep.slope(program.graph.inputs[name]) for name in program.wrt}
    return joined(
        [
            header(program, names, LANGUAGE),
            ["import math"],
            *definitions(helpers(HELPERS, NEEDS, writer.used)),
            [f"{writer.variable(program.graph.inputs[n])} = {x!r}" for n, x in program.point.inputs.items()],
            forward if len(forward) > 1 else [],
            [*backward, *notes],
            [
                f'print("{writer.output} =", {writer.output})',
                *(f'print("{slope} =", {slope})' for slope in slopes.values()),
            ],
            python_assertions(program, writer.output, slopes, floor=0.0, skip=open_),
        ]
    )
