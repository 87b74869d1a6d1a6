"""Syntax tree to graph."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..errors import BindingError, ExpressionError, NoSuchNumber, Source, Span
from ..graph import CONSTANT, NODE_LIMIT, Graph, GraphBuilder
from ..ops import PRIMITIVES, Primitive
from ..ops.namespaces import FLOATS
from .fold import fold
from .numbers import brief
from .operators import CONSTANTS, LETTERS
from .parser import NAME_ITEM, NUMBER_ITEM, Item, Program, Statement, parse
from .tokens import DEGREES


def lower(program: Program, bound: Collection[str] = (), *, large: bool = False) -> Graph:
    """Build the graph of a program.

    Args:
        program: From `parse`.
        bound: Names the user gives a value: those of ``pi``, ``tau`` and ``e`` are variables then.
        large: Lift the limit on the number of nodes.
    Raises:
        ExpressionError: when a name is assigned twice, used before its assignment, or a program
            is too large.
    """
    return Lowering(program, bound, sys.maxsize if large else NODE_LIMIT).graph()


def constant(text: str) -> float:
    """Return the value of a constant expression such as ``-pi/2``; it must be finite.

    Raises:
        BindingError: when it is not one number.
    """
    try:
        program = parse(text)
        statement = program.statements[-1]
        if len(program.statements) > 1 or statement.name:
            raise BindingError("a value is one expression", source=program.source, span=statement.span)
        value = checked_constant(statement.items, (), program.source)
    except ExpressionError as error:
        raise BindingError(error.message, source=error.source, span=error.span, hint=error.hint) from None
    except NoSuchNumber as error:
        raise BindingError(error.message, source=error.source, span=error.span) from None
    if value is None:
        name = next(item for item in statement.items if item.arity == NAME_ITEM)
        raise BindingError(
            f"a value is built from numbers alone; {name.text} is a name",
            source=program.source,
            span=(name.start, name.end),
            hint=DEGREES if name.text in ("deg", "degree", "degrees") else None,
        )
    return value


Checked = tuple[float, Span | None]
"""A number, and the first fault that it needs: a branch not taken may have one."""


class Lowering:
    """Builds the graph of a program.

    Attributes:
        rows: Primitive by the text of an item.
    """

    rows: Mapping[str, Primitive] = PRIMITIVES

    def __init__(self, program: Program, bound: Collection[str], limit: int) -> None:
        self.program = program
        self.bound = bound
        self.source = program.source
        self.builder = GraphBuilder(program.source, limit)
        self.defaults: dict[str, Any] = {}
        self.euler: Span | None = None
        # every name the program assigns, and where
        self.assigned: dict[str, Statement] = {}
        for statement in program.statements:
            name = statement.name
            if name is None:
                continue
            if name in self.assigned:
                line = self.source.locate(self.assigned[name].span[0])[0]
                where = f", first on line {line}" if self.source.locate(statement.span[0])[0] != line else ""
                raise ExpressionError(
                    f"{name} is assigned twice{where}",
                    source=self.source,
                    span=(statement.span[0], statement.span[0] + len(name)),
                    hint="a name stands for one number: use another name",
                )
            self.assigned[name] = statement
        self.own = set(bound) | set(self.assigned)
        for statement in program.statements:
            self.own.update(statement.params or ())

    def default(self, items: list[Item]) -> Any:
        """Return the value of a statement that is built from numbers alone, None for any other."""
        return checked_constant(items, self.own, self.source)

    def graph(self) -> Graph:
        """Return the graph."""
        builder, last = self.builder, self.program.statements[-1]
        output = -1
        for statement in self.program.statements:
            name = statement.name
            if statement.params is not None:
                if statement is not last:
                    raise ExpressionError(
                        f"{name}(...) = names the output and its inputs, so it is the last statement",
                        source=self.source,
                        span=statement.span,
                    )
                for param in statement.params:
                    if param not in builder.named:
                        builder.input(param, statement.span)
            elif name is not None:
                value = self.default(statement.items)
                if value is not None:
                    output = builder.input(name, statement.span)
                    self.defaults[name] = value
                    continue
            output = self.expression(statement.items)
            if name is not None:
                node = builder.nodes[output]
                if node.name is not None or node.op is None:
                    output = builder.apply(PRIMITIVES["identity"], (output,), statement.span)
                builder.name(output, name)
            elif statement is not last:
                raise ExpressionError(
                    "only the last statement may go without a name",
                    source=self.source,
                    span=statement.span,
                    hint="name = expression; ...",
                )
        return builder.build((output,), self.defaults, self.euler)

    def expression(self, items: list[Item]) -> int:
        """Add one statement's nodes; return the id of its value."""
        builder = self.builder
        apply, rows, nodes = builder.apply, self.rows, builder.nodes
        stack: list[int] = []
        # not by `fold`: a call an item costs 15 % here, and programs have a million of them
        for text, arity, start, end in items:
            if arity == 2:
                right = stack.pop()
                row = rows[text]
                if row.literal_form and nodes[right].kind == CONSTANT:
                    row = rows[row.literal_form]
                stack[-1] = apply(row, (stack[-1], right), (start, end))
            elif arity == NAME_ITEM:
                stack.append(self.name(text, start, end))
            elif arity == NUMBER_ITEM:
                stack.append(builder.constant(_number(text, self.source, start, end), text, (start, end)))
            elif arity == 1 and not rows[text].defaults:
                stack[-1] = apply(rows[text], (stack[-1],), (start, end))
            else:
                operands = stack[len(stack) - arity :]
                del stack[len(stack) - arity :]
                row = rows[text]
                operands += [builder.constant(x, brief(x), (start, end)) for x in row.omitted(arity)]
                if row.chosen and not (nodes[operands[0]].op or row).truth:
                    raise ExpressionError(
                        f"{row.name} needs a condition, such as x > 0",
                        source=self.source,
                        span=(start, end),
                        hint=row.signature,
                    )
                stack.append(apply(row, tuple(operands), (start, end)))
        return stack[0]

    def name(self, name: str, start: int, end: int) -> int:
        """Return the node that a name stands for, adding an input or a constant for a new one."""
        known = self.builder.named.get(name)
        if known is not None:
            return known
        if name in self.assigned:
            later = self.assigned[name]
            line, column = self.source.locate(later.span[0])
            raise ExpressionError(
                f"{name} is used before it is assigned (line {line}, column {column})",
                source=self.source,
                span=(start, end),
                hint="move the assignment up; a name cannot depend on itself",
            )
        if name in CONSTANTS and name not in self.own:
            if name == "e" and self.euler is None:
                self.euler = (start, end)
            return self.builder.constant(CONSTANTS[name].value, name, (start, end))
        return self.builder.input(name, (start, end))


def _number(text: str, source: Source, start: int, end: int) -> float:
    value = CONSTANTS[LETTERS[text]].value if text in LETTERS else float(text)
    if value == math.inf:
        raise ExpressionError(
            "the number is too large: a float64 ends at 1.8e308", source=source, span=(start, end)
        )
    if value == 0.0 and any(digit in "123456789" for digit in text.lower().partition("e")[0]):
        raise ExpressionError(
            "the number is too small: a float64 begins at 4.9e-324", source=source, span=(start, end)
        )
    return value


def checked_constant(items: Sequence[Item], own: Collection[str], source: Source) -> float | None:
    """Return the value of a constant expression, None where a name of the user's takes part.

    Raises:
        NoSuchNumber: where it is not finite.
    """
    for item in items:
        if item.arity == NAME_ITEM and (item.text in own or item.text not in CONSTANTS):
            return None

    def apply(item: Item, operands: list[Checked]) -> Checked:
        row = PRIMITIVES[PRIMITIVES[item.text].literal_form or item.text]
        numbers = [*(x for x, _ in operands), *row.omitted(item.arity)]
        value = row.forward(FLOATS, *numbers)
        chosen = row.chosen(*numbers) if row.chosen else range(len(operands))
        fault = next((f for k in chosen if (f := operands[k][1])), None)
        return value, fault or (None if math.isfinite(value) else (item.start, item.end))

    value, fault = fold(
        items,
        name=lambda item: (CONSTANTS[item.text].value, None),
        number=lambda item: (_number(item.text, source, item.start, item.end), None),
        apply=apply,
    )
    if fault:
        text = source.text[slice(*fault)]
        raise NoSuchNumber(f"{text} is not a finite number", source=source, span=fault)
    return value
