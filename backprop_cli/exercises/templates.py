"""Templates: a program with places for numbers, and from what the numbers are drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import prod
from typing import NamedTuple

from ..engine.run import bind, evaluate
from ..graph import Graph, free_name
from ..language.lower import lower
from ..language.parser import parse
from .draws import Draws
from .posed import OfFormula, OfProgram

_PLACE = re.compile(r"\{(\w+)\}")
_MERGED = re.compile(r"[\w.)}][ \t]*\{\w+\}|\{\w+\}(?:[\d.]|[eE][-+]?\d)")
"""A place whose number would run into what stands beside it: ``2{a}`` would be 23, ``x {a}`` x - 3."""


BLANKS = " \t"
_NEGATION = re.compile(r"(?:^|[^\w.) \t])[ \t]*-$")
"""A minus with nothing to subtract from."""


class Template(NamedTuple):
    """A program with places, and what is asked of it.

    Attributes:
        program: With ``{m}`` where a number is put in.
        draw: Of every place and every input, the numbers it may have, as texts.
        ask: What is asked for, and its marks.
        where: Conditions in our own language, over the program's names.
        formula: It is asked for as a formula.
        apart: Places in which no two numbers are the same.
    """

    program: str
    draw: Mapping[str, tuple[str, ...]]
    ask: Mapping[str, float]
    where: tuple[str, ...] = ()
    formula: bool = False
    apart: tuple[str, ...] = ()

    @property
    def places(self) -> list[str]:
        """The names in curly brackets."""
        return places_of(self.program)

    @property
    def draws(self) -> int:
        """How many draws there are, with those that do not fit; those of inputs that nobody sees are one."""
        seen = self.places if self.formula else self.draw
        return prod(len(self.draw[name]) for name in seen)

    def posed(self, draws: Draws) -> OfProgram | None:
        """Draw the numbers; None where they do not fit the conditions.

        Raises:
            BackpropError: where the program cannot be read, or has no value.
        """
        drawn = {name: draws.choice(values) for name, values in self.draw.items()}
        places = {name: drawn.pop(name) for name in self.places}
        if len({places[name] for name in self.apart}) < len(self.apart):
            return None
        program = put_in(self.program, places)
        found = (OfFormula if self.formula else OfProgram)(program, drawn, self.ask)
        return found if all(_holds(condition, found, places) for condition in self.where) else None


def places_of(text: str) -> list[str]:
    """Return the names in curly brackets."""
    return list(dict.fromkeys(_PLACE.findall(text)))


def graph_of(program: str) -> Graph:
    """Return a program as a graph, with some number in each of its places.

    Raises:
        ExpressionError: for what is no program.
    """
    return lower(parse(put_in(program, dict.fromkeys(places_of(program), "2"))))


def merged(text: str) -> str:
    """Return what of a text runs into a number that is put in; "" where nothing does."""
    found = _MERGED.search(text)
    return found[0] if found else ""


def put_in(text: str, numbers: Mapping[str, str]) -> str:
    """Put numbers in; a sign that meets another becomes one, and a negative factor or base gets brackets."""
    found, done = "", 0
    for place in _PLACE.finditer(text):
        found += text[done : place.start()]
        done = place.end()
        number, before = numbers[place[1]], found.rstrip(BLANKS)
        if number.startswith("-"):
            factor = before.endswith(("*", "/", "^"))
            if factor or text[done:].lstrip(BLANKS).startswith("^") or _NEGATION.search(before):
                found, number = before if factor else found, f"({number})"
            elif before.endswith("+"):
                found, number = f"{before[:-1]}- ", number[1:]
            elif before.endswith("-"):
                found, number = f"{before[:-1].rstrip(BLANKS)} + ", number[1:]
        found += number
    return found + text[done:]


def _holds(condition: str, posed: OfProgram, places: Mapping[str, str]) -> bool:
    graph = posed.graph
    name = free_name(["holds"], graph.taken)
    last = parse(posed.program).statements[-1]
    start = len(posed.program) if last.name else last.span[0]
    own = "" if last.name else f"{graph.own_name(graph.output)} = "  # a condition may speak of the output
    program = posed.program[:start] + own + posed.program[start:]
    text = f"{program}; {name} = where({put_in(condition, places)}, 1, 0)"
    asked = lower(parse(text), posed.point)
    values, _ = evaluate(asked, bind(asked, posed.inputs))  # what numbers alone decide is an input
    return values[asked.output] == 1.0
