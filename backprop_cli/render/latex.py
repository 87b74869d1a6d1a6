"""Expressions in LaTeX."""

from __future__ import annotations

import re
import unicodedata

from ..errors import BackpropError, printable
from ..language.fold import fold, postfix
from ..language.format import format_items
from ..language.operators import ATOM, COMPARISON, GREEK, HATS, HATTED, POWER, PRODUCT, ROOT, SUM
from ..language.parser import Item, Program
from ..language.written import (
    DERIVATIVE,
    OURS,
    RELATIONS,
    Notation,
    Piece,
    Rule,
    atom,
    fraction,
    negative,
    signed,
    spell,
    template,
)
from ..ops.logarithm import LOG, logarithm, respelled

LETTERS = {c: GREEK[c] for c in "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ"} | {"ε": "varepsilon", "φ": "varphi"}
"""Greek letters that are commands; the others look like Latin ones."""
TEXT = {
    "\\": r"\textbackslash{}",
    "^": r"\^{}",
    "~": r"\~{}",
    **{c: f"${c}$" for c in "<>|"},
    **{c: f"$_{i}$" for i, c in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    **{c: f"$^{i}$" for i, c in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{c: f"$\\{name}$" for c, name in LETTERS.items()},
    **{c: f"$\\{HATS[mark]}{{{x}}}$" for c in HATTED for x, mark in [list(unicodedata.normalize("NFD", c))]},
    **dict.fromkeys("−–", "$-$"),
    **dict.fromkeys("·⋅∙", r"$\cdot$"),
    "×": r"$\times$",
    "÷": r"$\div$",
    "√": r"$\surd$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "≠": r"$\ne$",
    "∇": r"$\nabla$",
}
"""Characters that text does not have, or has another meaning for."""
_SIGN = re.compile(r"(?<=[ (\[])-(?=[\d.])")
_PRIMES = re.compile(r"(?<=[\w)])'+(?![^\W\d_])")  # of f', not the apostrophe of a word
KNOWN = {"sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log", "ln", "min", "max"}
SIGNS = {"<=": r"\le", ">=": r"\ge", "==": "=", "!=": r"\ne"}


def name_to_latex(name: str) -> str:
    """Return a name: Greek letters as commands, digits and what is said of a letter as a subscript."""
    letter, *marks = list(unicodedata.normalize("NFD", name))
    if marks and marks[0] in HATS:
        plain = name_to_latex(letter)
        hatted = rf"\{HATS[marks[0]]}{{{plain}}}"
        return name_to_latex(letter + "".join(marks[1:])).replace(plain, hatted, 1)
    stem = name.rstrip("0123456789₀₁₂₃₄₅₆₇₈₉")
    digits = name[len(stem) :].translate(str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789"))
    stem = stem.rstrip("_")
    head, _, tail = name.partition("_")
    symbol = head.rstrip("0123456789")
    if "_" in stem and (len(symbol) == 1 or symbol in LETTERS.values()):
        first = name_to_latex(head)
        return (first if head == symbol else f"{{{first}}}") + rf"_{{\text{{{text_to_latex(tail)}}}}}"
    if stem in LETTERS:
        text = f"\\{LETTERS[stem]}"
    elif stem in LETTERS.values():
        text = f"\\{stem}"
    elif len(stem) == 1:
        text = stem
    else:
        escaped = "".join(f"${chr(92)}{LETTERS[c]}$" if c in LETTERS else c for c in stem)
        text = r"\text{" + escaped.replace("_", r"\_") + "}"
    return f"{text}_{{{digits}}}" if digits else text


def text_to_latex(text: str) -> str:
    """Return plain text with LaTeX's own characters escaped, and what its fonts lack as mathematics."""
    plain = "".join(TEXT.get(c) or (f"\\{c}" if c in "_%&#{}$" else c) for c in printable(text))
    return _PRIMES.sub(lambda primes: f"${primes[0]}$", plain)


def words_to_latex(text: str) -> str:
    """Return words in which a minus before digits is no hyphen: ``at x = -5``."""
    return _SIGN.sub("$-$", text_to_latex(text))


def to_latex(text: str) -> str:
    """Return an expression of ours in LaTeX; what is no expression is set as it stands."""
    return formula(text).text


def formula(text: str, of: str = "") -> Piece:
    """Return the same as an operand; ``dL/dv4`` in it is the derivative of ``of`` where that is ``L``."""
    slopes: dict[str, Piece] = {}

    def slope(found: re.Match[str]) -> str:
        slopes[name := f"slope_{len(slopes)}"] = slope_piece(*map(name_to_latex, (of, found[1])))
        return name

    try:
        log = logarithm(text)
        items = _items(re.sub(rf"\bd{re.escape(of)}/d(\w+)", slope, text) if of else text)
    except BackpropError:
        return atom(r"\text{" + text_to_latex(text) + "}")
    return fold(
        items,
        name=lambda item: slopes.get(item.text) or atom(name_to_latex(item.text)),
        number=lambda item: number_piece(item.text),
        apply=lambda item, operands: spell(
            LATEX, log if item.text == LOG else item.text.rstrip("("), operands
        ),
    )


def slope_piece(of: str, by: str) -> Piece:
    """Return a derivative by what both are called in LaTeX."""
    return Piece(rf"\frac{{\partial {of}}}{{\partial {by}}}", ROOT)


def straight(text: str) -> str:
    """Return formulas of a single variable: their derivatives are no partial ones."""
    return re.sub(r"\\partial\b ?", "d", text)


def _items(text: str) -> tuple[Item, ...]:
    """Return an expression or a condition as a postfix list."""
    try:
        return postfix(text)
    except BackpropError:  # a condition is no expression by itself
        return postfix(f"where({text}, 1, 0)")[:-3]


def program_to_latex(program: Program) -> str:
    """Return a program over numbers as displayed mathematics, a statement a line."""
    lines, log = [], logarithm(program.source.text)
    for name, params, items, _ in program.statements:
        head = name_to_latex(name) if name else ""
        head = f"{head}({', '.join(map(name_to_latex, params))})" if params else head
        lines.append((f"{head} &= " if head else "") + to_latex(respelled(format_items(items), log)))
    body = r" \\ ".join(lines)
    return rf"$$\begin{{aligned}} {body} \end{{aligned}}$$"


def number_to_latex(text: str) -> str:
    """Return a number with its exponent as a power of ten."""
    if text == "π":
        return r"\pi"
    mantissa, _, exponent = text.lower().partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def number_piece(text: str) -> Piece:
    """Return a number as an operand: a power of ten can be a factor, but is no base of another power."""
    latex = number_to_latex(text)
    if latex.startswith("-"):
        return signed(latex, brackets=BRACKETS)
    return Piece(latex, POWER) if "^" in latex else atom(latex)


def command(name: str) -> str:
    """Return what a function is called; the slope of one has a prime."""
    stem = name.rstrip("'")
    head, _, below = stem.partition("_")
    if len(head.rstrip("0123456789₀₁₂₃₄₅₆₇₈₉")) == 1:  # a function that a text has of its own
        return name_to_latex(head) + (f"_{{{below}}}" if below else "") + name[len(stem) :]
    known = f"\\{stem}" if stem in KNOWN else r"\operatorname{" + stem.replace("_", r"\_") + "}"
    return known + name[len(stem) :]


BRACKETS = (r"\left(", r"\right)")


def _rule(text: str, level: int = ATOM) -> Rule:
    return template(text, level, BRACKETS)


LATEX = Notation(
    {
        "identity": OURS["identity"],
        "add": _rule("{0:+} + {1:+}", SUM),
        "subtract": _rule("{0:+} - {1:*}", SUM),
        "multiply": _rule(r"{0:*} \cdot {1:*}", PRODUCT),
        "divide": fraction(r"\frac", BRACKETS),
        "negative": negative(BRACKETS),
        "power": _rule("{0:!}^{{1}}", POWER),
        "power_n": _rule("{0:!}^{{1}}", POWER),
        "sqrt": _rule(r"\sqrt{{0}}"),
        "cbrt": _rule(r"\sqrt[3]{{0}}"),
        "abs": _rule(r"\left|{0}\right|"),
        DERIVATIVE: _rule(r"\frac{\partial}{\partial {0}}\left({1}\right)"),
        **{
            name: _rule(f"{{0}} {SIGNS.get(sign, sign)} {{1}}", COMPARISON)
            for name, sign in RELATIONS.items()
        },
    },
    lambda name: _rule(command(name)),
)
"""How mathematics is written in LaTeX."""
