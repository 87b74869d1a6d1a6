"""JavaScript: an ES module that a browser imports and node runs, both passes written out by hand."""

from __future__ import annotations

import json

from ..language.numbers import brief
from ..language.operators import ATOM, CHOICE, CONSTANTS, PRODUCT, UNARY
from ..language.written import INFIX, RELATIONS, Piece, Table
from .groups import groups, named
from .handwritten import Pass, helpers
from .javascript_special import SPECIAL, SPECIAL_NEEDS
from .page import RELATIVE, absolute, conventions, header, joined
from .program import Program
from .python import KINKED
from .writer import Names, Writer

LANGUAGE = "JavaScript"
UNBOUNDED = {float("inf"): "Infinity", float("-inf"): "-Infinity"}


def number(x: float, whole: bool = True) -> Piece:
    """Write a number; there is one kind of them."""
    text = "NaN" if x != x else UNBOUNDED.get(x) or repr(x).removesuffix(".0")
    return Piece(text, UNARY if text.startswith("-") else ATOM, x)


def power(a: Piece, b: Piece) -> Piece:
    """Write a power; the square of a name as a product, which is exact to half a unit."""
    if b.value == 2.0 and a.text.isidentifier():
        return Piece(f"{a}*{a}", PRODUCT)
    return Piece(f"Math.pow({a}, {b})")


EXACTLY = {"==": "===", "!=": "!=="}

SPELLING: Table = {
    **INFIX,
    **{
        name: (template[0].replace(f" {sign} ", f" {EXACTLY.get(sign, sign)} "), template[1])
        for name, sign in RELATIONS.items()
        if isinstance(template := INFIX[name], tuple)
    },
    **{
        name: f"Math.{name}" for name in "sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh".split()
    },
    **{name: f"Math.{name}" for name in "atanh exp expm1 log log1p log2 log10 sqrt cbrt hypot".split()},
    **{name: f"Math.{name}" for name in "abs sign floor ceil min max".split()},
    **{name: name for name in "erf erfc gamma lgamma digamma polygamma sigmoid softplus round mod".split()},
    **{name: (repr(constant.value), ATOM) for name, constant in CONSTANTS.items()},
    "log_base": "log_base",
    "power": power,
    "power_n": power,
    "relu": "Math.max({0}, 0)",
    "leaky_relu": ("{0:+} > 0 ? {0:<} : {1:*}*{0:^}", CHOICE),
    "elu": ("{0:+} > 0 ? {0:<} : {1:*}*Math.expm1({0})", CHOICE),
    "silu": ("{0:*}*sigmoid({0})", PRODUCT),
    "gelu": ("0.5*{0:^}*erfc(-{0:^}*0.7071067811865476)", PRODUCT),
    "where": ("{0:<} ? {1:<} : {2:<}", CHOICE),
}
HELPERS = {
    "sigmoid": """// 1/(1 + e^-x), with an exponential that cannot overflow
function sigmoid(x) {
  return Math.exp(Math.min(x, 0)) / (1 + Math.exp(-Math.abs(x)));
}""",
    "softplus": """// log(1 + e^x), with an exponential that cannot overflow
function softplus(x) {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}""",
    "round": """// the nearest whole number, of two the even one
function round(x) {
  const below = Math.floor(x), part = x - below;
  return part < 0.5 || (part === 0.5 && below % 2 === 0) ? below : below + 1;
}""",
    "mod": """// the remainder with the sign of n
function mod(x, n) {
  const rest = x % n;
  return rest !== 0 && rest < 0 !== n < 0 ? rest + n : rest;
}""",
    "log_base": """// a quotient of logarithms; the whole number that it is for a power of the base
function log_base(x, b) {
  const y = b > 0 ? Math.log(x) / Math.log(b) : NaN;
  return Math.pow(b, Math.round(y)) === x ? Math.round(y) : y;
}""",
    "share": """// an operand's part of the slope of its extremum y: 1/n for each of the n that equal it
function share(x, y, ...operands) {
  return x === y ? 1 / operands.filter((z) => z === y).length : 0;
}""",
    **SPECIAL,
    "near": """function near(name, found, expected, relative, absolute) {
  if (!(Math.abs(found - expected) <= Math.max(relative * Math.abs(expected), absolute)))
    throw new Error(`assertion failed: ${name} is ${found}, and ${expected} for backprop`);
}""",
}
NEEDS = {
    **{name: (name,) for name in ("sigmoid", "softplus", "round", "mod", "log_base", "share", "near")},
    "silu": ("sigmoid",),
    **SPECIAL_NEEDS,
}
WORDS = frozenset(
    "await break case catch class const continue debugger default delete do else enum export extends false "
    "finally for function if implements import in instanceof interface let new null package private "
    "protected public return static super switch this throw true try typeof var void while with yield "
    "arguments eval undefined NaN Infinity Math console Error Float64Array Uint32Array globalThis".split()
)
INNER = frozenset("FAR FARTHER NEAR MIDDLE CENTRE SHARE LANCZOS LANCZOS_G LGAMMA BERNOULLI DIGAMMA".split())
"""Names within the helpers, at the top of the module."""

RESERVED = WORDS | INNER | set(HELPERS) | {"erf_middle", "cotpi"}


def write(program: Program) -> str:
    """Return the program."""
    graph = program.graph
    names = Names(RESERVED)
    inputs = groups(graph.inputs, graph.inputs)
    arrays = named(inputs, names)
    writer = Writer(program, SPELLING, names, number=number, every=True)
    sweep = Pass(
        writer,
        names,
        shares=lambda x, y, all_: f"share({x}, {y}, {', '.join(all_)})",
        zero="0",
        one="1",
        comment=" // ",
    )
    notes, open_ = conventions(program, LANGUAGE, KINKED, comment="// ")
    writer.used.add("near")
    out = writer.output
    function, result = names.own(f"{out}_and_gradient"), names.own("result")
    body = ["// forward pass: every step from those above it"]
    body += [
        f"const {line.name} = {line.text};" + " // finite in the other branch too" * line.safe
        for line in writer.lines
    ]
    body += ["", f"// reverse pass: d{out}_dx is the slope of {out} in x, from the output back"]
    body += [
        f"{'let ' * (edge.sign == '=')}{edge.name} {edge.sign} {edge.text};{edge.comment}"
        for edge in sweep.lines
    ]
    slopes = {name: sweep.slope(graph.inputs[name]) for name in program.wrt}
    asked = groups(program.wrt, graph.inputs)
    listed = ", ".join(f"{_key(group.name)}: {group.nested(slopes)}" for group in asked)
    body.append(f"return {{ value: {out}, gradient: {{ {listed} }} }};")
    found = {
        name: group.place(name, f"{result}.gradient{_member(group.name)}")
        for group in asked
        for name in group.names
    }
    checks = []
    for name in (None, *program.wrt):
        if name in open_:
            continue
        shown, number_ = (out, f"{result}.value") if name is None else (slopes[name], found[name])
        expected = program.value if name is None else program.gradient[name]
        wide = absolute(program, name, 0.0)
        checks.append(f'near("{shown}", {number_}, {expected!r}, {brief(RELATIVE)}, {brief(wide)});')
    parameters = ", ".join(arrays.get(g.name) or writer.variable(graph.inputs[g.name]) for g in inputs)
    numbers = {name: repr(x) for name, x in program.point.inputs.items()}
    point = ", ".join(group.nested(numbers) for group in inputs)
    return joined(
        [
            [*header(program, names, LANGUAGE, comment="// "), "// node program.mjs"],
            *([text] for text in helpers(HELPERS, NEEDS, writer.used)),
            [
                f"export function {function}({parameters}) {{",
                *(f"  {line}".rstrip() for line in body),
                "}",
            ],
            [
                f"const {result} = {function}({point});",
                f'console.log("{out} =", {result}.value);',
                *(f'console.log("{slopes[name]} =", {text});' for name, text in found.items()),
            ],
            [
                *notes,
                f"// tolerance: {brief(RELATIVE)} of each number, or the absolute one given",
                *checks,
            ],
        ]
    )


def _plain(name: str) -> bool:
    return name.isascii() and name.isidentifier() and name != "__proto__"


def _key(name: str) -> str:
    """Write a name as an object's key; ``__proto__`` would be its prototype, were it not in brackets."""
    return name if _plain(name) else f"[{json.dumps(name)}]"


def _member(name: str) -> str:
    return f".{name}" if _plain(name) else f"[{json.dumps(name)}]"
