"""Forms as text: in our own language, or in LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce

from ...explanation.expr import Expr, is_choice
from ...language.numbers import with_commas
from ...language.operators import ATOM
from ...language.written import Piece, atom, bracketed, call, spell
from .. import forms
from ..latex import BRACKETS, formula, slope_piece, straight, words_to_latex
from ..page import Calculation, Equation
from ..written import Style, name_piece, name_read, written

LONGEST = 8
"""Sums of more than twice as many numbers are shown with dots in them."""


class Spelling:
    """How forms are spelled.

    Args:
        digits: Significant digits.
        latex: In LaTeX instead of our own language.
        partial: The sign of partial derivatives.
        alone: There is one variable, and no partial derivative in LaTeX.
        about: The sign between what is equal but for rounding.
    """

    def __init__(
        self, digits: int, *, latex: bool = False, partial: str = "∂", alone: bool = False, about: str = "≈"
    ) -> None:
        self.latex = latex
        self.alone = alone
        self.partial = partial
        self.about = r"\approx" if latex else about
        self.dots = atom(r"\dots" if latex else "...")
        self.symbols = Style(digits, symbols=True, latex=latex)
        self.numbers = Style(digits, latex=latex, spaced=True)

    def row(self, row: Sequence[forms.Form | None]) -> list[str]:
        """Return forms as cells."""
        return ["" if form is None else self(form) for form in row]

    def equation(self, equation: Equation) -> list[str]:
        """Return the forms of an equation, each said once."""
        said: list[str] = []
        for text in self.row(equation.forms):
            if text and (not said or text != said[-1]):
                said.append(text)
        return said

    def calculation(self, each: Calculation) -> list[tuple[str, str]]:
        """Return how a number comes about, each form with the sign behind it."""
        about = each.about or (False,) * len(each.forms)
        return [
            (text, self.about if rounded else "=")
            for text, rounded in zip(self.row(each.forms), about, strict=True)
        ]

    def __call__(self, form: forms.Form) -> str:
        """Return a form as text."""
        text = self.piece(form).text
        return straight(text) if self.alone else text

    def piece(self, form: forms.Form) -> Piece:
        """Return a form as an operand."""
        match form:
            case str():
                return atom(form)
            case forms.Value(number):
                return self.numbers.piece(number)
            case forms.Named(name):
                return name_piece(name_read(name)) if self.latex else atom(name)
            case forms.Quantity(name, owned):
                return name_piece(name) if self.latex else atom(name.short if owned else name.text)
            case forms.Becomes(name, inner):
                sign = r"\leftarrow" if self.latex else "<-"
                return atom(f"{self(forms.Named(name))} {sign} {self(inner)}")
            case forms.Slope(of, by, partial):
                above, below = self(forms.Named(of)), self(forms.Named(by))
                if self.latex:
                    return slope_piece(above, below)
                sign = self.partial if partial else "d"
                return atom(f"{sign}{of}/{sign}{by}")
            case forms.Symbols(expr):
                return written(expr, self.symbols)
            case forms.Cases(expr):
                return written(expr, self.symbols) if self.latex else atom(self._cases(expr))
            case forms.Numbers(expr, spaced):
                return written(expr, self.numbers._replace(spaced=spaced))
            case forms.Worked(expr, value):
                numbers = written(expr, self.numbers._replace(spaced=False))
                said_already = numbers.text == self.numbers.number(value)
                return written(expr, self.symbols) if said_already else numbers
            case forms.Formula(text, of):
                return formula(text, of) if self.latex else atom(text)
            case forms.Words(text):
                return atom(rf"\text{{{words_to_latex(text)}}}" if self.latex else text)
            case forms.Phrase(parts):
                return atom("".join(map(self, parts)))
            case forms.Decimals(inner):
                comma = "{,}" if self.latex else ","
                return atom(with_commas(self(inner).replace(", ", "; "), comma))
            case forms.Way(names):
                arrow = r" \to " if self.latex else " -> "
                return atom(arrow.join(self(forms.Named(name)) for name in names))
            case _:
                return self._operation(form)

    def _cases(self, expr: Expr) -> str:
        text = partial(written, style=self.symbols)
        said = []
        while is_choice(expr):
            condition, taken, expr = expr.operands
            said.append(f"{text(taken).text} where {text(condition).text}")
        return f"{', '.join(said)}, else {text(expr).text}"

    def _operation(
        self,
        form: forms.Operation | forms.Grouped | forms.Product | forms.Sum | forms.Call | forms.Tends,
    ) -> Piece:
        table = self.numbers.table
        match form:
            case forms.Operation(op, operands):
                return spell(table, op, [self.piece(x) for x in operands])
            case forms.Grouped(inner):
                return bracketed(self.piece(inner), ATOM + 1, BRACKETS if self.latex else ("(", ")"))
            case forms.Product(factors, tight):
                table = self.symbols.table if tight else table
                pieces = [self.piece(x) for x in factors]
                return reduce(lambda a, b: spell(table, "multiply", [a, b]), pieces)
            case forms.Sum(terms):
                pieces = [self.numbers.piece(x) for x in terms]
                if len(pieces) > 2 * LONGEST:
                    pieces[LONGEST:-2] = [self.dots]
                return reduce(lambda a, b: spell(table, "add", [a, b]), pieces)
            case forms.Call(name, arguments):
                given = [self.dots if a is None else self.piece(a) for a in arguments]
                return call(self(forms.Named(name)), given)
            case forms.Tends(letter, inner):
                h, text = self(letter), self(inner)
                return atom(
                    rf"\lim_{{{h} \to 0}} {text}" if self.latex else f"limit of {text} as {h} goes to 0"
                )

    def said(self, equation: Equation) -> str:
        """Return an equation with its words."""
        text = " = ".join(self.equation(equation))
        text = f"{equation.before} {text}" if equation.before else text
        return text if equation.target is None else f"{text} to {self(equation.target)}"
