"""Expressions in LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import BackpropError, printable
from ..language.fold import fold, postfix
from ..language.operators import ATOM, GREEK, POWER, PRODUCT, SUM, UNARY
from ..ops import PRIMITIVES, Primitive

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
_PRIMES = re.compile(r"(?<=[\w)])'+(?![^\W\d_])")  # of f', not the apostrophe of a word
KNOWN = {"sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log", "min", "max"}
RELATIONS = {"<=": r"\le", ">=": r"\ge", "==": "=", "!=": r"\ne"}


def name_to_latex(name: str) -> str:
    """Return a name: Greek letters as commands, trailing digits as a subscript."""
    stem = name.rstrip("0123456789₀₁₂₃₄₅₆₇₈₉")
    digits = name[len(stem) :].translate(str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789"))
    stem = stem.rstrip("_")
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


def to_latex(text: str) -> str:
    """Return an expression of ours in LaTeX; what is no expression is set as it stands."""
    try:
        items = postfix(text)
    except BackpropError:
        return r"\text{" + text_to_latex(text) + "}"
    return fold(
        items,
        name=lambda item: (ATOM, name_to_latex(item.text)),
        number=lambda item: (ATOM, number_to_latex(item.text)),
        apply=lambda item, operands: _apply(item.text, operands),
    )[1]


def number_to_latex(text: str) -> str:
    """Return a number with its exponent as a power of ten."""
    if text == "π":
        return r"\pi"
    mantissa, _, exponent = text.lower().partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def command(name: str) -> str:
    """Return what a function is called."""
    return f"\\{name}" if name in KNOWN else r"\operatorname{" + name.replace("_", r"\_") + "}"


def relation(row: Primitive) -> str:
    """Return the sign of a comparison."""
    sign = row.infix or ""
    return RELATIONS.get(sign, sign)


def _apply(name: str, operands: Sequence[tuple[int, str]]) -> tuple[int, str]:
    texts = [text for _, text in operands]

    def bracket(i: int, least: int) -> str:
        precedence, text = operands[i]
        return text if precedence >= least else rf"\left({text}\right)"

    row = PRIMITIVES[name]
    if name == "divide":
        return ATOM - 1, rf"\frac{{{texts[0]}}}{{{texts[1]}}}"
    if name in ("power", "power_n"):
        return POWER, f"{bracket(0, ATOM)}^{{{texts[1]}}}"
    if name == "multiply":
        return PRODUCT, rf"{bracket(0, PRODUCT)} \cdot {bracket(1, POWER)}"
    if name in ("add", "subtract"):
        sign = "+" if name == "add" else "-"
        return SUM, f"{texts[0]} {sign} {bracket(1, PRODUCT if name == 'subtract' else UNARY - 1)}"
    if name == "negative":
        return UNARY, f"-{bracket(0, POWER)}"
    if row.truth:
        return SUM - 1, f"{texts[0]} {relation(row)} {texts[1]}"
    if name == "sqrt":
        return ATOM, rf"\sqrt{{{texts[0]}}}"
    if name == "cbrt":
        return ATOM, rf"\sqrt[3]{{{texts[0]}}}"
    if name == "abs":
        return ATOM, rf"\left|{texts[0]}\right|"
    return ATOM, rf"{command(name)}\left({', '.join(texts)}\right)"
