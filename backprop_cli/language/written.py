"""Written mathematics: texts that know how tightly they hold together, and what brackets them.

A notation is a table that says of every primitive how it is written over written operands. Our own language,
explanations, LaTeX and every target of an export are tables; whether an operand needs brackets is decided
here alone, by comparing how tightly it holds with what its place asks for, as precedence printers do.

Source:
    Hughes, The design of a pretty-printing library (1995), on texts that are joined once, at the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, reduce
from typing import Any, NamedTuple

from ..graph import NO_STATIC
from ..ops import PRIMITIVES, sums
from .operators import ATOM, CHOICE, COMPARISON, POWER, PRODUCT, ROOT, SUM, UNARY

LEVELS = {"?": CHOICE, "<": COMPARISON, "+": SUM, "*": PRODUCT, "-": UNARY, "^": POWER, "!": ATOM}
"""What a place in a template asks of the text that is put there."""

Brackets = tuple[str, str]
BRACKETS: Brackets = ("(", ")")

Parts = str | tuple["Parts", ...]
"""A text, or texts in a row: a chain of operations is joined once, not once a link."""


class Piece(NamedTuple):
    """Something written.

    Attributes:
        parts: The text, not yet joined.
        level: How tightly it holds together, of `operators`.
        value: Its number, where it is a constant.
        after: The same after an operator, with the sign that it begins with in brackets; None where it
            stands there as it is.
        depth: Operations in it, one within the other, where a writer counts them.
    """

    parts: Parts
    level: int = ATOM
    value: float | None = None
    after: Piece | None = None
    depth: int = 0

    @property
    def text(self) -> str:
        """As it stands."""
        return join(self.parts)

    def __format__(self, spec: str) -> str:
        """Write it for a place that asks for ``spec`` (of `LEVELS`), or for nothing."""
        return bracketed(self, LEVELS[spec]).text if spec else self.text

    @property
    def constant(self) -> bool:
        """Whether it is a number."""
        return self.value is not None


Template = tuple[str, int]
Rule = Callable[..., Piece]
Spelling = str | Template | Rule
Table = Mapping[str, Any]
"""Primitive -> its `Spelling`, or what a target has instead.

A word is a function's name; a text with ``{0}`` a template, with the level of the result where that is no
call; a callable gets the operands as pieces. What a node says in ``static`` comes by name.

In a template ``{0:*}`` asks for a text that holds together like a product, ``{0}`` takes any, because
something else delimits it. An operand behind an operator has no bare sign in front.
"""


_new = (
    tuple.__new__
)  # of a chain of 50,000 operations, each makes a piece: without this they take twice as long


def atom(text: str) -> Piece:
    """Return a name, or a number without a sign."""
    return _new(Piece, (text, ATOM, None, None, 0))


def number(text: str) -> Piece:
    """Return a number as it is written."""
    return signed(text) if text.startswith("-") else atom(text)


def signed(parts: Parts, level: int = UNARY, brackets: Brackets = BRACKETS) -> Piece:
    """Return a text that begins with a sign: after an operator it stands in brackets."""
    return Piece(parts, level, after=Piece((brackets[0], parts, brackets[1])))


def bracketed(piece: Piece, least: int, brackets: Brackets = BRACKETS) -> Piece:
    """Return a piece in brackets where it holds together less tightly than ``least``."""
    return piece if piece.level >= least else Piece((brackets[0], piece.parts, brackets[1]))


def behind(piece: Piece, least: int, brackets: Brackets = BRACKETS) -> Piece:
    """Return a piece as it stands behind an operator: no sign of its own is bare there."""
    guarded = piece.after or piece
    return guarded if guarded.level >= least else bracketed(piece, least, brackets)


def negative(brackets: Brackets = BRACKETS) -> Rule:
    """Return what writes a sign before an operand."""
    return lambda x: signed(("-", behind(x, POWER, brackets).parts), UNARY, brackets)


def fraction(command: str, brackets: Brackets = BRACKETS) -> Rule:
    """Return what writes a quotient with a line: a sign above it stands in front."""

    def write(above: Piece, below: Piece) -> Piece:
        text, minus = above.text, above.level >= PRODUCT and above.after is not None
        line = f"{command}{{{text.removeprefix('-') if minus else text}}}{{{below.text}}}"
        return signed(f"-{line}", UNARY, brackets) if minus else Piece(line, ROOT)

    return write


def call(name: str, operands: Sequence[Piece], brackets: Brackets = BRACKETS) -> Piece:
    """Write a function of operands."""
    listed: list[Parts] = []
    for operand in operands:
        listed += [", ", operand.parts]
    return Piece((name, brackets[0], *listed[1:], brackets[1]))


def spell(table: Table, name: str, operands: Sequence[Piece], static: Mapping[str, Any] = NO_STATIC) -> Piece:
    """Write one primitive over written operands.

    Args:
        table: The notation.
        name: The primitive's name, or another entry's.
        operands: As they are written.
        static: What the node says besides its operands.
    """
    if name == sums.DOT.name:
        operands = [spell(table, "multiply", pair) for pair in zip(*sums.halves(operands), strict=True)]
    if name in (sums.DOT.name, sums.SUM.name):
        return reduce(lambda a, b: spell(table, "add", [a, b]), operands)
    spelling = table[name]
    if callable(spelling):
        written: Piece = spelling(*operands, **static)
        return written
    text, level = (spelling, ATOM) if isinstance(spelling, str) else spelling
    for key, value in static.items():
        text = text.replace(f"{{{key}}}", str(value))
    return template(text, level)(*operands)


@cache
def template(text: str, level: int = ATOM, brackets: Brackets = BRACKETS) -> Rule:
    """Return what writes operands into a template, or, where that is a word, as a function's."""
    layout = _layout(text)
    if layout == (text,):
        return lambda *operands: call(text, operands, brackets) if operands else Piece(text, level)
    match layout:
        case ((0, int(left)), str(sign), (1, int(right))):
            return _infix(left, sign, right, level, brackets)

    def write(*operands: Piece) -> Piece:
        parts: list[Parts] = []
        lead: Parts | None = None  # the first operand where the whole stands behind an operator
        for part in layout:
            if isinstance(part, str):
                parts.append(part)
                continue
            position, least = part
            x = operands[position]
            if x.after is None or not least:
                parts.append(bracketed(x, least, brackets).parts)
            elif parts:
                parts.append(behind(x, least, brackets).parts)
            else:
                lead = behind(x, least, brackets).parts if x.level >= least else None
                parts.append(bracketed(x, least, brackets).parts)
        second = None if lead is None else Piece((lead, *parts[1:]), level)
        return Piece(tuple(parts), level, after=second)

    return write


def _infix(left: int, sign: str, right: int, level: int, brackets: Brackets) -> Rule:
    """Return what writes a sign between two operands: the template that long chains consist of."""

    def write(a: Piece, b: Piece) -> Piece:
        first = a.parts if a.level >= left else bracketed(a, left, brackets).parts
        if b.after is None or not right:
            second = b.parts if b.level >= right else bracketed(b, right, brackets).parts
        else:
            second = behind(b, right, brackets).parts
        after = None
        if a.after is not None and a.level >= left > 0:
            after = _new(Piece, ((behind(a, left, brackets).parts, sign, second), level, None, None, 0))
        return _new(Piece, ((first, sign, second), level, None, after, 0))

    return write


_PLACE = r"\{(\d+)(?::([?<+*\-^!]))?\}"


def _layout(text: str) -> tuple[str | tuple[int, int], ...]:
    """Return the texts of a template, and places: which operand, and how tightly it has to hold together."""
    layout: list[str | tuple[int, int]] = []
    end = 0
    for place in re.finditer(_PLACE, text):
        layout += [text[end : place.start()]] if place.start() > end else []
        layout.append((int(place[1]), LEVELS[place[2] or "?"]))
        end = place.end()
    return (*layout, *([text[end:]] if end < len(text) else []))


def join(parts: Parts) -> str:
    """Return nested texts as one, without recursion."""
    if isinstance(parts, str):
        return parts
    texts = [part for part in parts if isinstance(part, str)]
    if len(texts) == len(parts):
        return "".join(texts)
    texts.clear()
    todo: list[Parts] = [parts]
    while todo:
        top = todo.pop()
        if isinstance(top, str):
            texts.append(top)
        else:
            todo += reversed(top)
    return "".join(texts)


# notations

DERIVATIVE = "d/d"
"""What stands for a derivative that is still to be taken: the input, and the expression."""

RELATIONS = {name: row.infix or "" for name, row in PRIMITIVES.items() if row.truth}
"""Comparisons by their signs."""

INFIX: dict[str, Template | Rule] = {
    "add": ("{0:+} + {1:*}", SUM),
    "subtract": ("{0:+} - {1:*}", SUM),
    "multiply": ("{0:*}*{1:^}", PRODUCT),
    "divide": ("{0:*}/{1:^}", PRODUCT),
    "negative": ("-{0:^}", UNARY),
    "identity": lambda x: x,
    **{name: (f"{{0:+}} {sign} {{1:+}}", COMPARISON) for name, sign in RELATIONS.items()},
}
"""What most notations write in the same way."""


class Notation(dict[str, Rule]):
    """A table of rules in which a primitive that has none of its own is written as a function.

    Args:
        rules: How the others are written.
        function: Name -> rule.
    """

    def __init__(self, rules: Mapping[str, Rule], function: Callable[[str], Rule] = template) -> None:
        super().__init__(rules)
        self.function = function

    def __missing__(self, name: str) -> Rule:
        plain = self.function(name)

        def rule(*operands: Piece, **_: Any) -> Piece:
            return plain(*operands)  # what a node says besides its operands is not written

        self[name] = rule
        return rule


def _of_arrays() -> dict[str, Rule]:
    """Return how our language writes what programs apply to arrays; what nodes say besides is not written."""

    def product_of(sign: str) -> Rule:
        write = template(f"{{0:*}}{sign}{{1:^}}", PRODUCT)

        return lambda a, b, **_: write(a, b)

    def called(name: str) -> Rule:
        write = template(name)
        return lambda *operands, **_: write(*operands)

    def index(x: Piece, key: Sequence[int | tuple[int, int]] = (), **_: object) -> Piece:
        parts = [str(k) if isinstance(k, int) else f"{k[0]}:{k[1]}" for k in key]
        return Piece((bracketed(x, ATOM).parts, f"[{', '.join(parts)}]"))

    def listed(*operands: Piece) -> Piece:
        parts: list[Parts] = []
        for x in operands:
            parts += [", ", x.parts]
        return Piece(("[", *parts[1:], "]"))

    functions = "placed dot outer trace diag rowsum colsum eye ones zeros transpose concat".split()
    functions += ["standardize", "scale_rows", "reshape"]
    return {
        **{sign: product_of(sign) for sign in ("@", ".*", "./")},
        ".^": template("{0:!}.^{1:^}", POWER),
        "'": lambda x, **_: Piece((bracketed(x, ATOM).parts, "'")),
        "stack": listed,
        "index": index,
        "lookup": lambda x, k, **_: Piece((bracketed(x, ATOM).parts, "[", k.parts, "]")),
        "apart": template("diag"),
        **{f"{name} of an array": template(name) for name in ("max", "min")},
        "sum of an array": called("sum"),
        **{name: called(name) for name in functions},
    }


OURS = Notation(
    {
        **_of_arrays(),
        **{name: rule if callable(rule) else template(*rule) for name, rule in INFIX.items()},
        "negative": negative(),
        "power": template("{0:!}^{1:^}", POWER),
        "power_n": template("{0:!}^{1:^}", POWER),
        "log_base": template("log({0}, {1})"),
    }
)
"""Our own language: what is read again gives the same operations."""

TEXTBOOK = Notation(
    {
        **OURS,
        "add": template("{0:+} + {1:+}", SUM),
        "multiply": template("{0:*}*{1:*}", PRODUCT),
        "power": template("{0:!}^{1:!}", POWER),
        "power_n": template("{0:!}^{1:!}", POWER),
        "abs": template("|{0}|"),
        DERIVATIVE: template("d/d{0}({1})"),
        **{name: template(f"{{0}} {sign} {{1}}", COMPARISON) for name, sign in RELATIONS.items()},
    }
)
"""The same for a reader: sums of sums and products of products are written in a row, towers are not."""
