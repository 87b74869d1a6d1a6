"""Arithmetic as text: in our own language, in LaTeX, with names or with numbers."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..explanation.expr import Apply, Expr, Number, Ref
from ..explanation.names import Name
from ..language.numbers import exact_text, rounded
from ..language.operators import ATOM, COMPARISON, POWER, PRODUCT, SUM, UNARY
from ..ops import PRIMITIVES
from .latex import command, number_to_latex, relation, text_to_latex

MOST_TERMS = 20
"""Longer sums are shown with dots in them, but for JSON."""


class Style(NamedTuple):
    """How an expression is written.

    Attributes:
        digits: Significant digits; None for the shortest exact text.
        symbols: Names instead of numbers.
        latex: In LaTeX instead of our own language.
        spaced: Products with spaces around the sign.
    """

    digits: int | None
    symbols: bool = False
    latex: bool = False
    spaced: bool = False

    def number(self, x: float) -> str:
        """Write a number."""
        text = exact_text(x) if self.digits is None else rounded(x, self.digits)
        return number_to_latex(text) if self.latex else text

    def bracket(self, text: str) -> str:
        """Put brackets around."""
        return rf"\left({text}\right)" if self.latex else f"({text})"


def expression(expr: Expr, style: Style) -> str:
    """Return an expression as text."""
    return _written(expr, style, True)[1]


def _written(expr: Expr, style: Style, first: bool) -> tuple[int, str]:
    """Return precedence and text; ``first`` says that a sign may stand here without brackets."""
    if isinstance(expr, Ref) and style.symbols:
        return ATOM, written_name(expr.name, style.latex) or style.number(expr.value)
    if isinstance(expr, Number) and expr.label and style.symbols:
        return ATOM, name_to_latex(Name(expr.label)) if style.latex else expr.label
    if not isinstance(expr, Apply):
        text = style.number(expr.value)
        if not text.startswith("-"):
            return ATOM, text
        return (UNARY, text) if first else (ATOM, style.bracket(text))
    op, operands = expr.op, expr.operands

    def part(i: int, least: int, start: bool = False) -> str:
        precedence, text = _written(operands[i], style, start)
        if precedence >= least:
            return text
        return style.bracket(_written(operands[i], style, True)[1])

    count = range(len(operands))
    if op == "add":
        shown: list[int | None] = list(count)
        if style.digits is not None and len(shown) > MOST_TERMS:
            shown[6:-2] = [None]
        dots = r"\dots" if style.latex else "..."
        terms = (dots if i is None else part(i, SUM, first and i == 0) for i in shown)
        return SUM, " + ".join(terms)
    if op == "subtract":
        return SUM, f"{part(0, SUM, first)} - {part(1, PRODUCT)}"
    if op == "multiply":
        sign = r" \cdot " if style.latex else " * " if style.spaced else "*"
        return PRODUCT, sign.join(part(i, PRODUCT, first and i == 0) for i in count)
    if op == "divide":
        if style.latex:
            return PRODUCT, rf"\frac{{{part(0, 0, True)}}}{{{part(1, 0, True)}}}"
        return PRODUCT, f"{part(0, PRODUCT, first)}/{part(1, UNARY)}"
    if op == "negative":
        text = f"-{part(0, POWER)}" if isinstance(operands[0], Apply) else f"-{part(0, ATOM)}"
        return (UNARY, text) if first else (ATOM, style.bracket(text))
    if op in ("power", "power_n"):
        exponent = part(1, ATOM, style.latex)
        return POWER, f"{part(0, ATOM)}^{{{exponent}}}" if style.latex else f"{part(0, ATOM)}^{exponent}"
    if op == "d/d":
        by, what = part(0, 0, True), part(1, 0, True)
        return ATOM, rf"\frac{{d}}{{d{by}}}\left({what}\right)" if style.latex else f"d/d{by}({what})"
    if op == "abs":
        inner = part(0, 0, True)
        return ATOM, rf"\left|{inner}\right|" if style.latex else f"|{inner}|"
    row = PRIMITIVES[op.removesuffix("'")]
    if row.truth:
        infix = relation(row) if style.latex else row.infix
        return COMPARISON, f"{part(0, SUM, first)} {infix} {part(1, SUM, True)}"
    if op == "identity":
        return _written(operands[0], style, first)
    arguments = ", ".join(part(i, 0, True) for i in count)
    if not style.latex:
        return ATOM, f"{op}({arguments})"
    if op == "sqrt":
        return ATOM, rf"\sqrt{{{arguments}}}"
    return ATOM, command(row.name) + ("'" if op.endswith("'") else "") + rf"\left({arguments}\right)"


def written_name(name: Name, latex: bool) -> str:
    """Return what a number is called, as text or as mathematics."""
    return name_to_latex(name) if latex else name.text


_NUMBERED = re.compile(r"(?:([\w.]+)(?:\[([\d,]+)\])?\.)?(\w+)(?:\[([\d,]+)\])?")


def name_read(text: str) -> Name:
    """Return the name of a network's number from its text; any other text is a name as it is."""
    found = _NUMBERED.fullmatch(text)
    if found is None:
        return Name(text)
    layer, unit, part, place = found.groups()

    def index(digits: str | None) -> tuple[int, ...]:
        return tuple(map(int, digits.split(","))) if digits else ()

    return Name(part, layer or "", index(unit), index(place))


def name_to_latex(name: Name) -> str:
    """Return a name as mathematics: the layer above, unit and place below."""
    known = {"centred": r"\tilde{x}", "mean": r"\mu", "variance": r"\sigma^2", "deviation": r"\sigma"}
    part = known.get(name.part) or _symbol(name.part)
    below = ",".join(map(str, (*name.unit, *name.place)))
    above = rf"^{{\text{{{text_to_latex(name.layer)}}}}}" if name.layer else ""
    if (name.part in known and above) or (below and "_" in part.replace(r"\_", "")):
        part = f"{{{part}}}"
    symbol = part + (f"_{{{below}}}" if below else "") + above
    if not name.of:
        return symbol
    top = name.of if name.of == "E" else name_to_latex(name._replace(part=name.of, of="", place=()))
    return rf"\frac{{\partial {top}}}{{\partial {symbol}}}"


def _symbol(text: str) -> str:
    from .latex import name_to_latex as plain

    head, _, tail = text.partition("_")
    if tail and text.isidentifier():
        return f"{plain(head)}_{{\\text{{{text_to_latex(tail)}}}}}"
    return plain(text)
