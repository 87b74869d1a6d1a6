"""Syntax tree to graph."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ..errors import BindingError, CallSpan, ExpressionError, NoSuchNumber, Source, Span, shortened
from ..graph import CONSTANT, NODE_LIMIT, STEP, Graph, GraphBuilder
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


NESTING = 100
"""Functions of a program that call one another, one within the other: each takes part of Python's stack."""


EXPANDED_LIMIT = 5_000_000
"""Nodes of a program with functions of its own, whatever its size: calls of calls grow without bound."""


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
        self.definitions: dict[str, Statement] = {}
        self.statements = program.statements
        if any(statement.params is not None for statement in program.statements):
            self.define()
            self.builder.limit = min(limit, EXPANDED_LIMIT)
        # what the operands of the call that is expanded are, the place of that call, and its function
        self.params: dict[str, int] = {}
        self.inside: tuple[Span, str] | None = None
        self.expanded: dict[tuple[object, ...], int] = {}
        # every name the program assigns, and where
        self.assigned: dict[str, Statement] = {}
        for statement in program.statements:
            name = statement.name
            if name is None:
                continue
            if name in self.assigned:
                first = self.assigned[name].span
                line = self.source.locate(first[0])[0]
                where = f", first on line {line}" if self.source.locate(statement.span[0])[0] != line else ""
                if self._within:
                    where = f", first in {shortened(self.source.text[slice(*first)])}"
                function = statement.params is not None and self.assigned[name].params is not None
                raise ExpressionError(
                    f"{name} is {'defined' if function else 'assigned'} twice{where}",
                    source=self.source,
                    span=(statement.span[0], statement.span[0] + len(name)),
                    hint=f"a name stands for one {'function' if function else 'number'}: use another name",
                )
            self.assigned[name] = statement
        for name in self.source.functions:
            if name in bound:
                raise self.not_called(name)
        self.own = set(bound) | set(self.assigned)
        for statement in self.statements:
            self.own.update(statement.params or ())

    def not_called(self, name: str) -> BindingError:
        """Say that what has a value is no function."""
        place = re.search(rf"(?<!\w){name}[ \t]*\(", self.source.text)
        return BindingError(
            f"{name} has a value here, but {name}(...) is a function",
            source=self.source,
            span=place and (place.start(), place.end() - 1),
            hint=f"to multiply write {name}*(...); else use another name",
        )

    def define(self) -> None:
        """Tell the functions that are called from the statement that is the output and names its inputs."""
        calls = {s.name: self.calls(s.items) for s in self.program.statements if s.params is not None}
        called = {i.text[:-1] for s in self.program.statements for i in self.calls(s.items)}
        output = next(
            (s for s in reversed(self.program.statements) if s.params is None or s.name not in called), None
        )
        self.statements = [s for s in self.program.statements if s.params is None or s is output]
        self.definitions = {
            s.name: s for s in self.program.statements if s.name in called and s.params is not None
        }
        # from those that call nothing upwards: what is left at a level without any calls itself
        waiting = {name: calls[name] for name in self.definitions}
        for _ in range(NESTING):
            ready = [n for n, items in waiting.items() if not any(i.text[:-1] in waiting for i in items)]
            for name in ready:
                del waiting[name]
            if not waiting:
                return
            if not ready:
                break
        name, items = next(iter(waiting.items()))
        item = next((i for i in items if i.text[:-1] in waiting), items[0])
        other = item.text[:-1]
        if ready:
            says, hint = f"functions call each other more than {NESTING} deep", None
        else:
            says = f"{name} calls itself{'' if other == name else f' by way of {other}'}"
            hint = "a function is put in where it is called, which would never end"
        raise ExpressionError(says, source=self.source, span=(item.start, item.end), hint=hint)

    @staticmethod
    def calls(items: Sequence[Item]) -> list[Item]:
        """Return the calls of functions of the program's own."""
        return [item for item in items if item.text[-1] == "("]

    def default(self, items: list[Item]) -> Any:
        """Return the value of a statement that is built from numbers alone, None for any other."""
        return checked_constant(items, self.own, self.source)

    def graph(self) -> Graph:
        """Return the graph."""
        builder, last = self.builder, self.statements[-1]
        output = -1
        for statement in self.statements:
            name = statement.name
            if statement.params is not None:
                for param in statement.params:
                    if param not in builder.named:
                        builder.input(param, statement.span)
            elif name is not None:
                value = None if self.calls(statement.items) else self.default(statement.items)
                if value is not None:
                    output = builder.input(name, statement.span)
                    self.defaults[name] = value
                    continue
            output = self.expression(statement.items)
            if name is not None:
                node = builder.nodes[output]
                if node.kind == CONSTANT and self.definitions and (value := self.number(output)) is not None:
                    output = builder.input(name, statement.span)
                    self.defaults[name] = value
                    continue
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
        stack: list[int] = []
        begin = 0
        for at, item in enumerate(items) if self.definitions or self.source.unknown else ():
            if item.text[-1] == "(":
                self.extend(stack, items[begin:at])
                operands = stack[len(stack) - item.arity :]
                del stack[len(stack) - item.arity :]
                stack.append(self.call(item, operands))
                begin = at + 1
        self.extend(stack, items[begin:] if begin else items)
        return stack[0]

    def call(self, item: Item, operands: list[int]) -> int:
        """Add the nodes of a call, unless the same has been called before; return the id of its value."""
        builder, name = self.builder, item.text[:-1]
        span: Span = (item.start, item.end)
        if name not in self.definitions:
            return self.unknown(name, operands, CallSpan(*self.inside, span) if self.inside else span)
        nodes = [builder.nodes[id] for id in operands]
        constants = [node.op is None and node.kind == CONSTANT for node in nodes]
        key = (name, *((n.value, n.label) if c else n.id for n, c in zip(nodes, constants, strict=True)))
        if key in self.expanded:
            return self.expanded[key]
        definition = self.definitions[name]
        assert definition.params is not None
        before = self.params, self.inside
        self.params = dict(zip(definition.params, operands, strict=True))
        self.inside = (before[1][0] if before[1] else span), name
        size = len(builder.nodes)
        try:
            id = self.expression(definition.items)
        except ExpressionError as error:
            if error.source is not None:
                raise
            raise ExpressionError(
                f"{error.message} once what is called is put in",
                source=self.source, span=self.inside[0],
                hint=error.hint if builder.limit < EXPANDED_LIMIT else None,
            ) from None  # fmt: skip
        self.params, self.inside = before
        node = builder.nodes[id]
        if id >= size and isinstance(node.span, CallSpan):
            inner = node.span
            node.span = (
                CallSpan(*before[1], span)
                if before[1]
                else CallSpan(span, inner.function, inner.inside, whole=True)
            )
        self.expanded[key] = id
        return id

    def unknown(self, name: str, operands: list[int], span: Span) -> int:
        """Add a call of an unknown function, or of its derivative."""
        from ..ops.unknown import unknown
        from .unknown import named

        called = named(name)
        assert called is not None
        names = self.source.unknown[called.function]
        orders = called.orders(names, [self.builder.nodes[i].name or "" for i in operands])
        assert orders is not None
        id = self.builder.apply(unknown(called.function, names, orders), tuple(operands), span)
        self.builder.nodes[id].kind = STEP  # f(2) is no number
        return id

    def number(self, id: int) -> float | None:
        """Return the value of a constant step; None where that is an array."""
        nodes = self.builder.nodes
        values: dict[int, float] = {}
        todo = [id]
        while todo:
            node = nodes[todo[-1]]
            missing = [i for i in node.inputs if i not in values]
            if missing:
                todo += missing
                continue
            todo.pop()
            if node.op is None:
                values[node.id] = node.value
            elif node.op.name not in PRIMITIVES:
                return None
            else:
                values[node.id] = node.op.forward(FLOATS, *map(values.__getitem__, node.inputs))
        if math.isfinite(values[id]):
            return values[id]
        span = nodes[id].span
        text = self.source.text[slice(*span)]
        raise NoSuchNumber(f"{text} is not a finite number", source=self.source, span=span)

    def extend(self, stack: list[int], items: list[Item]) -> None:
        """Add the nodes of a part of a statement that calls no function of the program's own."""
        builder = self.builder
        apply, constant, rows, nodes = builder.apply, builder.constant, self.rows, builder.nodes
        if self.inside is not None:
            call, function = self.inside

            def placed(add: Callable[..., int]) -> Callable[..., int]:
                return lambda what, more, span: add(what, more, CallSpan(call, function, span))

            apply, constant = placed(apply), placed(constant)
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
                stack.append(constant(_number(text, self.source, start, end), text, (start, end)))
            elif arity == 1 and not rows[text].defaults:
                stack[-1] = apply(rows[text], (stack[-1],), (start, end))
            else:
                operands = stack[len(stack) - arity :]
                del stack[len(stack) - arity :]
                row = rows[text]
                operands += [constant(x, brief(x), (start, end)) for x in row.omitted(arity)]
                if row.chosen and not (nodes[operands[0]].op or row).truth:
                    raise ExpressionError(
                        f"{row.name} needs a condition, such as x > 0",
                        source=self.source,
                        span=(start, end),
                        hint=row.signature,
                    )
                stack.append(apply(row, tuple(operands), (start, end)))

    @property
    def _within(self) -> bool:
        """Whether the text may be part of a file, whose lines have other numbers."""
        return self.source.path is None and "\n" in self.source.text

    def name(self, name: str, start: int, end: int) -> int:
        """Return the node that a name stands for, adding an input or a constant for a new one."""
        known = self.params.get(name, self.builder.named.get(name))
        if known is not None:
            return known
        if name in self.assigned:
            later = self.assigned[name]
            if later.params is not None:
                raise ExpressionError(
                    f"{name} is a function: {name}({', '.join(later.params)}) is its value",
                    source=self.source, span=(start, end),
                )  # fmt: skip
            line, column = self.source.locate(later.span[0])
            where = f"line {line}, column {column}"
            if self._within:
                where = shortened(self.source.text[slice(*later.span)])
            raise ExpressionError(
                f"{name} is used before it is assigned ({where})",
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
