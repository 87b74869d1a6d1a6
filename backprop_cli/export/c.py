"""C: a function that returns the value and fills in the gradient; C99, the mathematical library alone."""

from __future__ import annotations

from collections.abc import Sequence

from ..language.numbers import brief
from ..language.operators import ATOM, CHOICE, CONSTANTS, PRODUCT, UNARY
from ..language.written import INFIX, Piece, Table
from ..ops import Shape
from .groups import groups, named
from .handwritten import Pass, helpers
from .numpy import nested
from .page import RELATIVE, absolute, conventions, header, joined
from .program import Program
from .python import KINKED
from .writer import Names, Writer, flat

LANGUAGE = "C"


def number(x: float, whole: bool) -> Piece:
    """Write a double, never an int: 1/3 is 0 in C."""
    text = repr(x) if x == x else "NAN"
    return Piece(text, UNARY if text.startswith("-") else ATOM, x)


def power(a: Piece, b: Piece) -> Piece:
    """Write a power; small whole ones of a name as products, as in C one does."""
    if b.value == 2.0 and a.text.isidentifier():
        return Piece(f"{a}*{a}", PRODUCT)
    return Piece(f"pow({a}, {b})")


SPELLING: Table = {
    **INFIX,
    **{name: name for name in "sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh".split()},
    **{name: name for name in "exp expm1 log log1p log2 log10 sqrt cbrt hypot erf erfc lgamma".split()},
    **{name: name for name in "floor ceil sign sigmoid softplus digamma polygamma".split()},
    **{name: (repr(constant.value), ATOM) for name, constant in CONSTANTS.items()},
    "gamma": "tgamma",
    "round": "rint",
    "power": power,
    "power_n": power,
    "abs": "fabs",
    "min": nested("fmin"),
    "max": nested("fmax"),
    "relu": "fmax({0}, 0.0)",
    "leaky_relu": ("{0:+} > 0.0 ? {0:<} : {1:*}*{0:^}", CHOICE),
    "elu": ("{0:+} > 0.0 ? {0:<} : {1:*}*expm1({0})", CHOICE),
    "silu": ("{0:*}*sigmoid({0})", PRODUCT),
    "gelu": ("0.5*{0:^}*erfc(-{0:^}/sqrt(2.0))", PRODUCT),
    "where": ("{0:<} ? {1:<} : {2:<}", CHOICE),
}
HELPERS = {
    "sign": """static double sign(double x) {
    return (x > 0.0) - (x < 0.0);
}""",
    "sigmoid": """/* 1/(1 + e^-x), with an exponential that cannot overflow */
static double sigmoid(double x) {
    return exp(fmin(x, 0.0)) / (1.0 + exp(-fabs(x)));
}""",
    "softplus": """/* log(1 + e^x), with an exponential that cannot overflow */
static double softplus(double x) {
    return fmax(x, 0.0) + log1p(exp(-fabs(x)));
}""",
    "bernoulli": """static const double bernoulli[] = {
    1/6.0, -1/30.0, 1/42.0, -1/30.0, 5/66.0, -691/2730.0, 7/6.0, -3617/510.0};""",
    "digamma": """/* the derivative of log(gamma(x)): x is moved up to where a short series is exact */
static double digamma(double x) {
    double total = 0.0, power = 1.0;
    for (; x < 20.0; x += 1.0)
        total -= 1.0 / x;
    total += log(x) - 0.5 / x;
    for (int k = 1; k <= 8; k++) {
        power /= x * x;
        total -= bernoulli[k - 1] * power / (2 * k);
    }
    return total;
}""",
    "polygamma": """/* the n-th derivative of digamma: x is moved up to where a short series is exact */
static double polygamma(double n, double x) {
    if (n == 0.0)
        return digamma(x);
    double total = 0.0, term;
    for (; x < 20.0 + n; x += 1.0)
        total += pow(x, -n - 1.0);
    total += pow(x, -n) / n + 0.5 * pow(x, -n - 1.0);
    term = (n + 1.0) * pow(x, -n - 2.0) / 2.0;
    for (int k = 1; k <= 8; k++) {
        total += bernoulli[k - 1] * term;
        term *= (2 * k + n) * (2 * k + n + 1.0) / ((2 * k + 1.0) * (2 * k + 2.0) * x * x);
    }
    return (fmod(n, 2.0) == 0.0 ? -1.0 : 1.0) * tgamma(n + 1.0) * total;
}""",
    "near": """static int near(double found, double expected, double relative, double absolute) {
    return fabs(found - expected) <= fmax(relative * fabs(expected), absolute);
}""",
}
NEEDS = {
    "sigmoid": ("sigmoid",),
    "silu": ("sigmoid",),
    "softplus": ("softplus",),
    "sign": ("sign",),
    "digamma": ("bernoulli", "digamma"),
    "polygamma": ("bernoulli", "digamma", "polygamma"),
    "near": ("near",),
}
WORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if inline int "
    "long register "
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile "
    "while asm typeof bool true false nullptr main printf assert j0 j1 jn y0 y1 yn gamma signgam "
    "abs acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh div erf erfc exp exp2 expm1 fabs "
    "fdim floor fma fmax fmin fmod frexp hypot ilogb ldexp lgamma llrint llround log log10 log1p log2 logb "
    "lrint lround modf nan nearbyint nextafter nexttoward pow remainder remquo rint round scalbln scalbn sin "
    "sinh sqrt tan tanh tgamma trunc isnan isinf isfinite signbit NAN INFINITY HUGE_VAL NULL EOF NDEBUG drem "
    "significand exp10 pow10 scalb index rindex linux unix stdin stdout stderr remove rename errno".split()
)
RESERVED = WORDS | set(HELPERS)


def share(x: str, y: str, operands: Sequence[str]) -> str:
    """Write a tied operand's part of a slope: 1/n for each of the n that are equal to y."""
    return f"(({x} == {y}) / (double)({' + '.join(f'({z} == {y})' for z in operands)}))"


def write(program: Program) -> str:
    """Return the program."""
    graph = program.graph
    names = Names(RESERVED, ascii=True)
    taken = groups(graph.inputs, graph.inputs)
    arrays = named(taken, names)
    writer = Writer(program, SPELLING, names, number=number, every=True)
    sweep = Pass(writer, names, shares=share, zero="0.0", comment=" /* ")
    notes, open_ = conventions(program, LANGUAGE, KINKED, comment="")
    function = names.own(f"{writer.output}_and_gradient")
    inputs = [arrays.get(group.name) or writer.variable(graph.inputs[group.name]) for group in taken]
    given = {name: repr(x) for name, x in program.point.inputs.items()}
    own, gradient, value = names.own("gradient"), "gradient", "value"
    parameters = [f"double {name}" for name in inputs]
    results = [f"double *{own}"]
    cells = {name: f"[{k}]" for k, name in enumerate(program.wrt)}
    declared = [f"double {gradient}[{max(1, len(program.wrt))}];"]
    arguments = [*given.values(), gradient]
    slots = {name: f"{own}{cell}" for name, cell in cells.items()}
    found = {name: f"{gradient}{cell}" for name, cell in cells.items()}
    if arrays:  # the slopes by each input are an array of their own
        value = names.own(value)
        pairs = list(zip(taken, inputs, strict=True))
        parameters = [f"{'const ' * bool(g.shape)}double {name}{_sizes(g.shape)}" for g, name in pairs]
        asked = [(g, names.own(f"{own}_{flat(g.name)}")) for g in groups(program.wrt, graph.inputs)]
        results = [f"double {name}{_sizes(g.shape or (1,))}" for g, name in asked]
        arguments = [name if g.shape else given[g.name] for g, name in pairs] + [name for _, name in asked]
        listed = [(f"{name}{_sizes(g.shape)}", g.nested(given, "{", "}")) for g, name in pairs if g.shape]
        declared = [f"const double {array} = {numbers};" for array, numbers in listed]
        declared += [f"{result};" for result in results]
        found = slots = {
            x: g.place(x, name) if g.shape else f"{name}[0]" for g, name in asked for x in g.names
        }
    body = ["/* forward pass: every step from those above it */"]
    for line in writer.lines:
        comment = " /* finite in the other branch too */" * line.safe
        body.append(f"double {line.name} = {line.text};{comment}")
    out = writer.output
    body += ["", f"/* reverse pass: d{out}_dx is the slope of {out} in x, from the output back */"]
    for edge in sweep.lines:
        comment = edge.comment and edge.comment + " */"
        body.append(f"{'double ' * (edge.sign == '=')}{edge.name} {edge.sign} {edge.text};{comment}")
    body += [f"{slots[name]} = {sweep.slope(graph.inputs[name])};" for name in program.wrt]
    unread = [name for name in inputs if not any(_mentions(line, name) for line in body)]
    body += [f"(void){name}; /* not read */" for name in unread]
    body.append(f"return {writer.output};")
    writer.used.add("near")
    checks = []
    for name in (None, *program.wrt):
        if name is not None and name in open_:
            continue
        here = value if name is None else found[name]
        expected = program.value if name is None else program.gradient[name]
        comment = "" if name is None else f" /* {sweep.slope(graph.inputs[name])} */"
        wide = absolute(program, name, 0.0)
        checks.append(f"assert(near({here}, {expected!r}, {brief(RELATIVE)}, {brief(wide)}));{comment}")
    main = [
        *declared,
        f"double {value} = {function}({', '.join(arguments)});",
        f'printf("value %.17g\\n", {value});',
        *(f'printf("{sweep.slope(graph.inputs[name])} %.17g\\n", {found[name]});' for name in program.wrt),
        *(f"/* {note} */" for note in notes),
        f"/* tolerance: {brief(RELATIVE)} of each number, or the absolute one given */",
        *checks,
        "return 0;",
    ]
    top = [
        line.replace("*/", "* /").replace("/*", "/ *")
        for line in header(program, names, LANGUAGE, comment="")
    ]
    return joined(
        [
            ["/* " + "\n   ".join(top) + "\n   cc -Wall -Werror program.c -lm && ./a.out */"],
            ["#undef NDEBUG", "#include <assert.h>", "#include <math.h>", "#include <stdio.h>"],
            *([text] for text in helpers(HELPERS, NEEDS, writer.used)),
            [
                f"static double {function}({', '.join([*parameters, *results])}) {{",
                *(f"    {line}".rstrip() for line in body),
                "}",
            ],
            ["int main(void) {", *(f"    {line}" for line in main), "}"],
        ]
    )


def _sizes(shape: Shape) -> str:
    """Write the sizes of an array behind its name."""
    return "".join(f"[{n}]" for n in shape)


def _mentions(line: str, name: str) -> bool:
    """Whether a line of C reads a variable."""
    import re

    return re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", line) is not None
