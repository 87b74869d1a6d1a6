"""Mathematics as a report has it: expressions, and what is built of them; a writer spells it.

A text among forms is a sign between them, ``" = "``, that reads alike everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..explanation.expr import Expr
from ..explanation.names import Name
from .record import Record


class Value(Record):
    """A number."""

    number: float


class Named(Record):
    """A step or an input by its name."""

    name: str


class Quantity(Record):
    """A number of a network by its name; text leaves out an owner that the line names already."""

    name: Name
    owned: bool = False


class Slope(Record):
    """A derivative by its names, d of / d by; in text with a round d where it is ``partial``."""

    of: str
    by: str
    partial: bool = False


class Becomes(Record):
    """A name, and what takes its place."""

    name: str
    form: Form


class Symbols(Record):
    """An expression over names."""

    expr: Expr


class Cases(Record):
    """A choice over names, case by case: ``1 where x > 0, else 0``."""

    expr: Expr


class Numbers(Record):
    """An expression with the numbers put in, and spaces around the signs of products."""

    expr: Expr
    spaced: bool = True


class Worked(Record):
    """An expression in numbers, over names where in numbers it would say no more than its value."""

    expr: Expr
    value: float


class Formula(Record):
    """An expression in our language; where it has derivatives of an output in it, of this one."""

    text: str
    of: str = ""


class Words(Record):
    """Words where mathematics stands."""

    text: str


class Operation(Record):
    """A primitive, by its name, over forms."""

    op: str
    operands: Sequence[Form]


class Grouped(Record):
    """A form in brackets, for a reader: one factor, whatever it is."""

    form: Form


class Product(Record):
    """A product, however long: a chain is read whole; ``tight`` is without spaces, as symbols are written."""

    factors: Sequence[Form]
    tight: bool = False


class Sum(Record):
    """A sum of numbers, with dots in a long one."""

    terms: Sequence[float]


class Way(Record):
    """The steps of a path by their names."""

    names: Sequence[str]


class Call(Record):
    """A function of arguments; None stands for those left out."""

    name: str
    arguments: Sequence[Form | None]


class Tends(Record):
    """The limit of a form as a letter goes to 0."""

    letter: Form
    form: Form


class Phrase(Record):
    """Forms in a row."""

    parts: Sequence[Form]


class Decimals(Record):
    """A form with a comma before decimals, and semicolons between what commas stood between."""

    form: Form


Form = (
    str
    | Value
    | Named
    | Quantity
    | Slope
    | Becomes
    | Symbols
    | Cases
    | Numbers
    | Worked
    | Formula
    | Words
    | Operation
    | Grouped
    | Product
    | Sum
    | Way
    | Call
    | Tends
    | Phrase
    | Decimals
)
