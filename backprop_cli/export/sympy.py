"""SymPy: symbols, ``diff``, and the numbers by 30-digit arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..engine.run import kinked, leaf_values, run, written
from ..errors import UsageError
from ..graph import Node
from ..language.numbers import brief
from ..language.operators import ATOM, PRODUCT, UNARY
from ..language.written import INFIX, Piece, Table
from ..ops import precision
from .handwritten import helpers
from .page import PYTHON_WORDS, conventions, header, joined, python_assertions
from .program import Program
from .python import power
from .writer import Names, Writer, constants, python_number

LANGUAGE = "SymPy"


def number(x: float, whole: bool) -> Piece:
    """Write a number, short decimals exactly."""
    return python_number(x, True)


def divide(a: Piece, b: Piece) -> Piece:
    """Write a quotient; of whole numbers as a fraction."""
    if a.constant and b.constant and _whole(a) and _whole(b):
        return Piece(f"sp.Rational({a}, {b})")
    return Piece(f"{a:*}/{b:^}", PRODUCT)


def constant_power(a: Piece, b: Piece) -> Piece:
    """Write a power, of two numbers as SymPy's."""
    if a.constant and b.constant:
        return Piece(f"sp.Pow({a}, {b})")
    return power(a, b)


def _whole(x: Piece) -> bool:
    return x.text.lstrip("-").isdigit()


def relation(name: str) -> Callable[..., Piece]:
    """Write a comparison; == and != are structural in SymPy."""
    return lambda a, b: Piece(f"sp.{name}({a}, {b})")


SPELLING: Table = {
    **INFIX,
    **{name: f"sp.{name}" for name in "sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh".split()},
    **{name: f"sp.{name}" for name in "atanh exp log sqrt erf erfc gamma digamma polygamma".split()},
    "divide": divide,
    "power": constant_power,
    "power_n": constant_power,
    "equal": relation("Eq"),
    "not_equal": relation("Ne"),
    "expm1": "(sp.exp({0}) - 1)",
    "log1p": "sp.log(1 + {0:+})",
    "log2": "sp.log({0}, 2)",
    "log10": "sp.log({0}, 10)",
    "cbrt": ("Sign({0})*sp.cbrt(Absolute({0}))", PRODUCT),
    "hypot": "sp.sqrt({0:!}**2 + {1:!}**2)",
    "abs": "Absolute",
    "sign": "Sign",
    "floor": "Floor",
    "ceil": ("-Floor(-{0:^})", UNARY),
    "min": "sp.Min",
    "max": "sp.Max",
    "relu": "sp.Piecewise(({0}, {0:+} > 0), (0, True))",
    "leaky_relu": "sp.Piecewise(({0}, {0:+} > 0), ({1:*}*{0:^}, True))",
    "elu": "sp.Piecewise(({0}, {0:+} > 0), ({1:*}*(sp.exp({0}) - 1), True))",
    "sigmoid": ("1/(1 + sp.exp(-{0:^}))", PRODUCT),
    "softplus": "sp.log(1 + sp.exp({0}))",
    "silu": ("{0:*}/(1 + sp.exp(-{0:^}))", PRODUCT),
    "gelu": ("{0:*}*sp.erfc(-{0:^}/sp.sqrt(2))/2", PRODUCT),
    "lgamma": "sp.log(Absolute(sp.gamma({0})))",
    "where": "sp.Piecewise(({1}, {0}), ({2}, True))",
    **constants("sp.pi", "sp.E"),
}
_ATTEMPT = '''def attempt(make):
    """Return an expression; nan for one in a branch not taken that SymPy finds to have no number."""
    try:
        return make()
    except (TypeError, ValueError):
        return sp.nan'''
HELPERS = {
    "Sign": '''class Sign(sp.Function):
    """-1, 0 or 1, with slope 0: SymPy's own has a delta function at 0."""

    def fdiff(self, argindex=1):
        return sp.Integer(0)

    def _eval_evalf(self, prec):
        return sp.sign(self.args[0]).evalf(prec)''',
    "Floor": '''class Floor(sp.Function):
    """The largest whole number not above x, with slope 0: SymPy's own has no derivative."""

    def fdiff(self, argindex=1):
        return sp.Integer(0)

    def _eval_evalf(self, prec):
        return sp.floor(self.args[0].evalf(prec)).evalf(prec)''',
    "Absolute": '''class Absolute(sp.Function):
    """The absolute value, with slope Sign(x): SymPy's own asks whether x is real, which 1/x need not be."""

    def fdiff(self, argindex=1):
        return Sign(self.args[0])

    def _eval_evalf(self, prec):
        return sp.Abs(self.args[0].evalf(prec))''',
    "attempt": _ATTEMPT,
}
NEEDS = {
    **dict.fromkeys(("abs", "cbrt", "lgamma"), ("Sign", "Absolute")),
    "attempt": ("attempt",),
    "sign": ("Sign",),
    "floor": ("Floor",),
    "ceil": ("Floor",),
}
KINKED = frozenset("abs sign floor ceil relu leaky_relu elu power_n atan2".split())
DIGITS = 640
"""In which a comparison is looked at again: 1e300 + 1e-300 is no power of ten there."""
MOST_FACTORIAL = 1e5
"""Whose factorial SymPy has in no time."""
RESERVED = PYTHON_WORDS | {"sp", "Sign", "Floor", "Absolute", "at", "taken", "holds", "attempt"}
_BRANCH = '''def taken(e):
    """Return an expression without the branches that are not taken: they may have no number."""
    if isinstance(e, sp.Piecewise):
        return taken(next((branch for branch, c in e.args if holds(c)), sp.nan))
    return e.func(*map(taken, e.args)) if e.args else e


def holds(c):
    """Return whether a condition holds; None where it has no number."""
    if isinstance(c, (sp.And, sp.Or)):
        parts, enough = set(map(holds, c.args)), isinstance(c, sp.Or)
        return enough if enough in parts else None if None in parts else not enough
    if isinstance(c, sp.ITE):
        return holds(c.args[1] if holds(c.args[0]) else c.args[2])
    if isinstance(c, sp.Not):
        return {{True: False, False: True}}.get(holds(c.args[0]))
    try:
        return bool(sp.sympify(taken(c)).subs({point}))
    except TypeError:
        return None


'''


class _Writer(Writer):
    """Writes what SymPy may refuse to build, a comparison of nan, so that it can be in a branch not taken."""

    def spelled(self, node: Node, operands: Sequence[Piece]) -> Piece:
        written, op = super().spelled(node, operands), node.primitive
        risky = op.wins is not None or op.chosen is not None or op.truth or op.name not in self.table
        if self.program.point.needed[node.id] or not risky:
            return written
        self.used.add("attempt")
        return written._replace(parts=("attempt(lambda: ", written.parts, ")"), level=ATOM, after=None)


def _decided_by_rounding(program: Program) -> int | None:
    """Return the first node of several pieces that takes another one in many digits."""
    from mpmath import mpf

    from ..ops.namespaces import FLOATS, multiprecision

    graph, point = program.graph, program.point
    with precision.digits(DIGITS):
        leaves = {id: mpf(x) for id, x in leaf_values(graph, point.inputs).items()}
        exact = run(graph, leaves, multiprecision(), point.needed)
        for node in kinked(graph):
            if point.needed[node.id] and node.op is not None and node.op.piece is not None:
                here = node.op.piece(FLOATS, *(point.values[i] for i in node.inputs))
                if here != float(node.op.piece(multiprecision(), *(exact[i] for i in node.inputs))):
                    return node.id
    return None


def write(program: Program) -> str:
    """Return the program."""
    graph, values = program.graph, program.point.values
    decided = _decided_by_rounding(program)
    if decided is not None:
        raise UsageError(
            f"SymPy computes exactly, and {written(graph, decided)} is decided by rounding here",
            hint="another point, or another target",
        )
    for node in program.steps:
        if node.primitive.name == "lgamma" and values[node.inputs[0]] > MOST_FACTORIAL:
            raise UsageError(
                f"SymPy works out {written(graph, node.id)} by a factorial: {brief(values[node.inputs[0]])}!",
                hint=f"operands up to {brief(MOST_FACTORIAL)}",
            )
    names = Names(RESERVED)
    # a Piecewise is only looked at where it holds: nothing has to be kept finite
    plain = program._replace(guards={})
    writer = _Writer(plain, SPELLING, names, number=number)
    notes, open_ = conventions(program, LANGUAGE, KINKED)
    out = writer.output
    variables = [writer.variable(id) for id in graph.inputs.values()]
    made = "Symbol" if len(variables) == 1 else "symbols"
    slopes = {name: names.own(f"d{out}_d{writer.variable(graph.inputs[name])}") for name in program.wrt}
    point = names.own("point")
    branches = any("sp.Piecewise" in line.text for line in writer.lines)
    taken = "taken(sp.sympify(expression))" if branches else "sp.sympify(expression)"
    pairs = [
        f"{writer.variable(graph.inputs[name])}: {_exact(x)}" for name, x in program.point.inputs.items()
    ]
    return joined(
        [
            header(program, names, LANGUAGE),
            ["import math", "", "import sympy as sp"],
            *(["", text, ""] for text in helpers(HELPERS, NEEDS, writer.used)),
            [f'{", ".join(variables)} = sp.{made}("{" ".join(graph.inputs)}", real=True)'],
            [f"{line.name} = {line.text}" for line in writer.lines],
            [
                f"{slope} = sp.diff({out}, {writer.variable(graph.inputs[name])})"
                for name, slope in slopes.items()
            ],
            [f'print("d{out}/d{name} =", {slope})' for name, slope in slopes.items()],
            [
                f"{point} = {{{', '.join(pairs)}}}",
                "",
                "",
                *(_BRANCH.format(point=point) if branches else "").splitlines(),
                "def at(expression):",
                '    """Return the number at the point, from 30 digits."""',
                f"    return float({taken}.evalf(30, subs={point}, maxn=4000))",
                "",
            ],
            [
                *notes,
                *python_assertions(
                    program, f"at({out})", {n: f"at({s})" for n, s in slopes.items()}, floor=0.0, skip=open_
                ),
            ],
        ]
    )


def _exact(x: float) -> str:
    """Write an input: whole numbers as they are, others with all their digits."""
    return str(int(x)) if x.is_integer() and abs(x) < 1e15 else f"sp.Rational({x!r})"
