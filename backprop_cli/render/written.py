"""Arithmetic as text: in our own language, in LaTeX, with names or with numbers."""

from __future__ import annotations

import re
from functools import reduce
from typing import NamedTuple

from ..explanation.expr import Apply, Expr, Number, Ref
from ..explanation.names import Name
from ..language.numbers import exact_text, rounded
from ..language.operators import POWER, PRODUCT
from ..language.written import TEXTBOOK, Notation, Piece, atom, number, spell, template
from . import latex
from .latex import LATEX, text_to_latex

SPACED = Notation({**TEXTBOOK, "multiply": template("{0:*} * {1:*}", PRODUCT)})

MOST_TERMS = 20
"""Sums, and operands of min and max, are shown with dots among them where there are more, but for JSON."""


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
        return self.piece(x).text

    def piece(self, x: float) -> Piece:
        """Write a number as an operand."""
        text = exact_text(x) if self.digits is None else rounded(x, self.digits)
        return latex.number_piece(text) if self.latex else number(text)

    @property
    def table(self) -> Notation:
        """The notation."""
        return LATEX if self.latex else SPACED if self.spaced else TEXTBOOK


def expression(expr: Expr, style: Style) -> str:
    """Return an expression as text."""
    return written(expr, style).text


def written(expr: Expr, style: Style) -> Piece:
    """Write an expression as an operand."""
    if isinstance(expr, Ref) and style.symbols:
        name = expr.name
        return (
            (name_piece(name) if style.latex else atom(name.text)) if name.part else style.piece(expr.value)
        )
    if isinstance(expr, Number) and expr.label and style.symbols:
        return name_piece(Name(expr.label)) if style.latex else atom(expr.label)
    if not isinstance(expr, Apply):
        return style.piece(expr.value)
    op, given = expr.op, expr.operands
    if op in ("add", "min", "max") and style.digits is not None and len(given) > MOST_TERMS:
        operands = [written(o, style) for o in (*given[:6], *given[-2:])]
        operands.insert(6, atom(r"\dots" if style.latex else "..."))
    else:
        operands = [written(o, style) for o in given]
    if op in ("add", "multiply"):
        return reduce(lambda a, b: spell(style.table, op, [a, b]), operands)
    return spell(style.table, op, operands)


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
    return name_piece(name).text


def _textbook(text: str) -> str:
    """Return a name that textbooks have: ``net_h1``, ``w5``, ``E``."""
    word, _, unit = text.rpartition("_")
    return rf"\text{{{word}}}_{{{unit}}}" if word else latex.name_to_latex(text)


def name_piece(name: Name) -> Piece:
    """Return the same as an operand: what has something above is no base of a power."""
    if name.called:
        symbol = _textbook(name.called)
        return latex.slope_piece(_textbook(name.of), symbol) if name.of else atom(symbol)
    known = {"centred": r"\tilde{x}", "mean": r"\mu", "variance": r"\sigma^2", "deviation": r"\sigma"}
    part = known.get(name.part) or latex.name_to_latex(name.part)
    below = ",".join(map(str, (*name.unit, *name.place)))
    above = rf"^{{\text{{{text_to_latex(name.layer)}}}}}" if name.layer else ""
    if (name.part in known and above) or (below and "_" in part.replace(r"\_", "")):
        part = f"{{{part}}}"
    symbol = part + (f"_{{{below}}}" if below else "") + above
    if not name.of:
        return Piece(symbol, POWER) if "^" in symbol else atom(symbol)
    top = name.of if name.of == "E" else name_to_latex(name._replace(part=name.of, of="", place=()))
    return latex.slope_piece(top, symbol)
