"""Forms as text: in our own language, or in LaTeX."""

from __future__ import annotations

from collections.abc import Sequence

from .. import forms
from ..latex import text_to_latex, to_latex
from ..page import Equation
from ..written import Style, expression, name_read, written_name

LONGEST = 8
"""Longer chains are shown with dots in them."""


class Spelling:
    """How forms are spelled.

    Args:
        digits: Significant digits.
        latex: In LaTeX instead of our own language.
    """

    def __init__(self, digits: int, *, latex: bool = False) -> None:
        self.latex = latex
        self.dots = r"\dots" if latex else "..."
        self.times = r" \cdot " if latex else " * "
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

    def __call__(self, form: forms.Form) -> str:
        """Return a form as text."""
        match form:
            case str():
                return form
            case forms.Value(number):
                return self.numbers.number(number)
            case forms.Named(name):
                return written_name(name_read(name), True) if self.latex else name
            case forms.Quantity(quantity, owned):
                return quantity.short if owned and not self.latex else written_name(quantity, self.latex)
            case forms.Slope(of, by):
                above, below = self(forms.Named(of)), self(forms.Named(by))
                return rf"\frac{{\partial {above}}}{{\partial {below}}}" if self.latex else f"d{of}/d{by}"
            case forms.Symbols(expr):
                return expression(expr, self.symbols)
            case forms.Numbers(expr, spaced):
                return expression(expr, self.numbers._replace(spaced=spaced))
            case forms.Worked(expr, value):
                text = self(forms.Numbers(expr, spaced=False))
                return expression(expr, self.symbols) if text == self.numbers.number(value) else text
            case forms.Formula(text):
                return to_latex(text) if self.latex else text
            case forms.Words(text):
                return rf"\text{{{text_to_latex(text)}}}" if self.latex else text
            case forms.Phrase(parts):
                return "".join(map(self, parts))
            case forms.Product(factors):
                # our own language leaves the brackets around a sign to what is written in numbers
                texts = [self(f) for f in factors]
                return self.times.join(self._shortened(self._bracketed(texts) if self.latex else texts))
            case forms.Sum(terms):
                texts = self._bracketed([self.numbers.number(x) for x in terms])
                if len(texts) > 2 * LONGEST:
                    texts[LONGEST:-2] = [self.dots]
                return " + ".join(texts)
            case forms.Way(names):
                arrow = r" \to " if self.latex else " -> "
                return arrow.join(self._shortened([self(forms.Named(name)) for name in names]))
            case _:
                return self._function(form)

    def _function(self, form: forms.Fraction | forms.Call | forms.Tends) -> str:
        match form:
            case forms.Fraction(over, under):
                above, below = self(over), self(under)
                if self.latex:
                    return rf"\frac{{{above}}}{{{below}}}"
                return "/".join(f"({text})" if " " in text else text for text in (above, below))
            case forms.Call(name, arguments):
                texts = [self.dots if a is None else self(a) for a in arguments]
                return f"{self(forms.Named(name))}({', '.join(texts)})"
            case forms.Tends(letter, inner):
                h, text = self(letter), self(inner)
                return rf"\lim_{{{h} \to 0}} {text}" if self.latex else f"limit of {text} as {h} goes to 0"

    def _bracketed(self, texts: Sequence[str]) -> list[str]:
        """Put brackets around what begins with a sign, after the first."""
        return [self.numbers.bracket(t) if k and t.startswith("-") else t for k, t in enumerate(texts)]

    def said(self, equation: Equation) -> str:
        """Return an equation with its words."""
        text = " = ".join(self.equation(equation))
        text = f"{equation.before} {text}" if equation.before else text
        return text if equation.target is None else f"{text} to {self(equation.target)}"

    def _shortened(self, texts: list[str]) -> list[str]:
        if len(texts) > LONGEST:
            texts[LONGEST // 2 : -2] = [self.dots]
        return texts
