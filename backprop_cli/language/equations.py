"""Equations: curves and surfaces that no name is given to, ``x^2 + y^2 = 25``.

An equation is lowered to the difference of its sides, which is 0 where it holds. The nodes of all equations
of a program stand in one list; each has a graph over it with an output of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from ..errors import ExpressionError, Source, Span
from ..graph import OUTPUT_NAMES, Graph, free_name
from .lower import lower
from .operators import COMPARISON
from .parser import NAME_ITEM, NOTHING, NUMBER_ITEM, WORD, Frame, Item, Parser, Program, Statement
from .tokens import NAME_TOKEN, OPERATOR_TOKEN


class Equations(NamedTuple):
    """What a program demands of its variables.

    Attributes:
        source: The text.
        graphs: Left minus right side of each, over the same nodes.
        sides: Left and right side of each as text.
        unknowns: Names without a value of their own, in order of first appearance.
        timed: Names written as functions of time, ``x(t)``.
        leaves: Left and right side of each as node ids; a side that is one name or number is a leaf.
    """

    source: Source
    graphs: tuple[Graph, ...]
    sides: tuple[tuple[str, str], ...]
    unknowns: tuple[str, ...]
    timed: tuple[str, ...]
    leaves: tuple[tuple[int, int], ...]

    @property
    def graph(self) -> Graph:
        """The first equation's, with all nodes."""
        return self.graphs[0]


class _Parser(Parser):
    """Reads ``left = right`` wherever it stands, and ``x(t)`` as x."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.timed: dict[str, None] = {}
        self.equal: list[Span] = []

    def heads(self, match: re.Match[str]) -> bool:
        return match[2] is None or match[1] not in self.functions  # sin(y) = x

    def operand(self, group: int, word: str, start: int, end: int) -> None:
        if group == NAME_TOKEN and self.callee(word) is None:
            timed = re.compile(r"[ \t]*\([ \t]*t[ \t]*\)").match(self.text, end)
            if timed:
                self.timed[word] = None
                self.variables.setdefault(word, (start, end))
                self.items.append(Item(word, NAME_ITEM, start, timed.end()))
                self.starts.append(start)
                self.last, self.end, self.skip = WORD, timed.end(), timed.end()
                return
        super().operand(group, word, start, end)

    def after_operand(self, group: int, word: str, start: int, end: int) -> None:
        if group == OPERATOR_TOKEN and word == "=" and not self.depth and not self.bar_is_open():
            self.reduce(COMPARISON + 1)
            if self.frames:
                raise self.error(
                    "two '=' in one equation", (start, end), "equations are separated by ';': a = b; b = c"
                )
            self.equal.append((start, end))
            self.frames.append(Frame(COMPARISON, "subtract", 2, start))
            self.last, self.end = NOTHING, end
            return
        super().after_operand(group, word, start, end)


def read_equations(
    source: Source, bound: Collection[str] = (), *, demanded: bool = False
) -> Equations | None:
    """Read a program with equations; None for one that has none, or is none.

    Args:
        source: The text.
        bound: Names that the user gives values.
        demanded: A program without equations has one: its last statement, ``y = x^3``.
    Raises:
        ExpressionError: for a program with equations that cannot be computed.
    """
    parser = _Parser(source)
    try:
        program = parser.program()
    except ExpressionError:
        return None
    steps, equations = _parted(program.statements, parser.equal)
    if not equations and demanded and steps and steps[-1].params is None:
        last = steps.pop()
        equations = [_as_equation(last, last.name or free_name(OUTPUT_NAMES, program.all_names()))]
    if not equations:
        return None
    # (a + b) + c, as postfix: a b + c +
    whole: list[Item] = []
    for k, statement in enumerate(equations):
        whole += statement.items
        whole += [Item("add", 2, *statement.span)] if k else []
    graph = lower(Program(source, [*steps, Statement(None, None, whole, equations[-1].span)]), bound)
    outputs = [graph.output]
    while len(outputs) < len(equations):
        outputs[:1] = graph.nodes[outputs[0]].inputs
    graphs = tuple(graph.with_output(id) for id in outputs)
    unknowns = tuple(
        name for name in program.all_names() if name in graph.inputs and name not in graph.defaults
    )
    leaves = tuple((graph.nodes[id].inputs[0], graph.nodes[id].inputs[1]) for id in outputs)
    sides = tuple(_sides(source.text, statement, parser.equal) for statement in equations)
    unknowns = tuple(dict.fromkeys((*unknowns, *(n for n in graph.inputs if n not in graph.defaults))))
    return Equations(source, graphs, sides, unknowns, tuple(parser.timed), leaves)


def _parted(
    statements: Sequence[Statement], equal: Sequence[Span]
) -> tuple[list[Statement], list[Statement]]:
    """Return the named steps, and the equations; ``y = x*sin(y)`` names nothing."""
    steps, equations = [], []
    for statement in statements:
        if statement.name is None and _sign(statement, equal) is not None:
            equations.append(statement)
        elif statement.params is None and any(
            item.arity == NAME_ITEM and item.text == statement.name for item in statement.items
        ):
            equations.append(_as_equation(statement, statement.name or ""))
        else:
            steps.append(statement)
    # what numbers are called may stand behind the equations that use them
    steps.sort(key=lambda s: s.params is None and not all(i.arity == NUMBER_ITEM for i in s.items))
    return steps, equations


def _sign(statement: Statement, equal: Sequence[Span]) -> Span | None:
    start, end = statement.span
    return next((span for span in equal if start <= span[0] < end), None)


def _as_equation(statement: Statement, named: str) -> Statement:
    start, end = statement.span
    name = Item(named, NAME_ITEM, start, start + len(named))
    items = [name, *statement.items, Item("subtract", 2, start, end)]
    return Statement(None, None, items, statement.span)


def _sides(text: str, statement: Statement, equal: Sequence[Span]) -> tuple[str, str]:
    start, end = statement.span
    at = _sign(statement, equal)
    if at is None:  # what a step was
        equals = text.find("=", start, end)
        name = statement.items[0].text
        return name, text[equals + 1 : end].strip() if text[start:equals].strip() == name else text[start:end]
    return text[start : at[0]].strip(), text[at[1] : end].strip()
