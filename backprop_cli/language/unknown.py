"""Programs with functions that nobody has written down: ``y = g(u); u = f(x)``.

A name before a bracket is such a function only where it can hardly be meant as a factor or be a slip: one
letter, that stands for nothing else, and either is usual for functions, or has a prime, or is followed by
names alone. What is read so is said in a note.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..errors import ExpressionError, Source
from .operators import USUAL
from .parser import NAME_ITEM, Callee, Item, Parser, Program, Statement

NEVER = "deiΓΣΠ"
"""Letters before a bracket that mean something of their own: a differential, numbers, sums."""

MOST_OPERANDS = 9  # they are counted by one digit

_NAME = re.compile(r"([A-Za-zα-ωΑ-Ω][0-9₀-₉]*)(?:('+)|_([a-zα-ω]+|[1-9]+))?")


class Unknown(NamedTuple):
    """What is called: a function, or one of its derivatives, as it is written.

    Attributes:
        function: Its name.
        primes: How many it has.
        below: Operands that it is differentiated by, ``xy`` or ``12``.
    """

    function: str
    primes: int
    below: str

    @property
    def arity(self) -> tuple[int, int]:
        """How many operands it takes, at least and at most."""
        return (1, 1) if self.primes else (1 + bool(self.below), MOST_OPERANDS)

    @property
    def signature(self) -> str:
        """How it is called."""
        return f"{self.function}(x)"

    def orders(self, operands: Sequence[str], called: Sequence[str]) -> tuple[int, ...] | None:
        """Return how often it is differentiated by each operand; None for an operand that it has not.

        Args:
            operands: What the function's operands are called.
            called: What they are called here; "" for what is no name.
        """
        if not self.below:
            return (self.primes, *([0] * (len(operands) - 1)))
        places = [str(k + 1) for k in range(len(operands))]
        for names in (operands, called, places):
            if set(self.below) <= set(names):
                return tuple(map(self.below.count, names))
        return None


def named(word: str) -> Unknown | None:
    """Return what a name may be before a bracket; None where it can be no unknown function."""
    match = _NAME.fullmatch(word)
    if match is None or match[1][0] in NEVER:
        return None
    return Unknown(match[1], len(match[2] or ""), match[3] or "")


def with_unknown(source: Source, known: Mapping[str, tuple[str, ...]]) -> Program | None:
    """Read a program with unknown functions; None where it has none that are sure to be meant.

    Args:
        source: The program.
        known: Functions that are so for sure, and what their operands are called.
    """
    if "(" not in source.text:
        return None
    try:
        return _Parser(source, known).whole()
    except (ExpressionError, _NotMeant):
        return None


class _NotMeant(Exception):
    """Something else is more likely meant."""


class _Parser(Parser):
    primes = True

    def __init__(self, source: Source, known: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(source)
        self.known = known

    def callee(self, name: str) -> Callee | None:
        return super().callee(name) or named(name)

    def whole(self) -> Program:
        """Read the program, and say which functions are unknown."""
        statements = self.program().statements
        calls: dict[str, list[tuple[str, list[str]]]] = {}
        for statement in statements:
            for word, names in _calls(statement.items):
                unknown = named(word)
                if unknown is not None and Parser.callee(self, word) is None:
                    calls.setdefault(unknown.function, []).append((word, names))
        if not calls:
            raise _NotMeant
        operands = {name: self.operands(name, found) for name, found in calls.items()}
        for name, found in calls.items():
            if name in self.variables or not (name in self.known or _is_meant(name, found)):
                raise _NotMeant
            for word, called in found:
                unknown = named(word)
                assert unknown is not None
                if len(called) != len(operands[name]) or unknown.orders(operands[name], called) is None:
                    raise _NotMeant
        ordered = _ordered(statements)
        notes = [self.source.note] if self.source.note else []
        notes.append(_note(operands, self.source.text, calls))
        if ordered[-1] is not statements[-1]:
            notes.append(f"the output is {ordered[-1].name}, which no other statement uses")
        self.source.note = "; ".join(notes)
        self.source.functions += tuple(operands)
        self.source.unknown = operands
        return Program(self.source, ordered)

    def operands(self, name: str, calls: Sequence[tuple[str, list[str]]]) -> tuple[str, ...]:
        """Return what the operands of a function are called: by places where no names do."""
        if name in self.known:
            return self.known[name]
        first = calls[0][1]
        alike = all(operands == first for _, operands in calls)
        letters = all(len(x) == 1 and x.isalpha() for x in first) and len(set(first)) == len(first)
        if len(first) == 1 or (alike and letters):
            return (
                tuple(x if len(x) == 1 and x.isalpha() else "x" for x in first) if len(first) > 1 else ("x",)
            )
        return tuple(str(k + 1) for k in range(len(first)))


def _calls(items: Sequence[Item]) -> Iterator[tuple[str, list[str]]]:
    """Yield what is called, with the operands that are names; "" for any other."""
    stack: list[str] = []
    for item in items:
        operands = stack[len(stack) - item.arity :] if item.arity > 0 else []
        del stack[len(stack) - len(operands) :]
        if item.text[-1] == "(":
            yield item.text[:-1], operands
        stack.append(item.text if item.arity == NAME_ITEM else "")


def _is_meant(name: str, calls: Sequence[tuple[str, list[str]]]) -> bool:
    """Whether a letter before a bracket is sure to be a function."""
    if name[0] in USUAL or any(len(operands) > 1 for _, operands in calls):
        return True
    plain = all(all(operands) for _, operands in calls)
    return plain and (name[0].islower() or any("'" not in word for word, _ in calls))  # A'(x): a transpose


def _ordered(statements: list[Statement]) -> list[Statement]:
    """Return statements with each behind those that it uses: on paper the outer function comes first."""
    places = {s.name: k for k, s in enumerate(statements) if s.name and s.params is None}
    uses = [
        {places[i.text] for i in s.items if i.arity == NAME_ITEM and i.text in places and s.params is None}
        for s in statements
    ]
    if all(k < n for n, used in enumerate(uses) for k in used):
        return statements
    from graphlib import CycleError, TopologicalSorter

    try:
        order = list(TopologicalSorter(dict(enumerate(uses))).static_order())
    except CycleError:
        return statements
    output = max(set(order).difference(*uses))
    return [statements[n] for n in order if n != output] + [statements[output]]


def _note(
    operands: Mapping[str, tuple[str, ...]], text: str, calls: Mapping[str, Sequence[tuple[str, list[str]]]]
) -> str:
    """Say which functions are unknown, and how their derivatives are written."""
    names = list(operands)
    listed = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    says = f"{listed} are unknown functions" if len(names) > 1 else f"{listed} is an unknown function"
    one = next((name for name in names if len(operands[name]) == 1), None)
    several = next((name for name in names if len(operands[name]) > 1), None)
    stand = []
    if one is not None:
        called = {x for _, (x, *_) in calls[one]}
        operand = called.pop() if len(called) == 1 else ""
        stand.append(f"{one}'({operand or 'x'}) stands for the derivative")
    if several is not None:
        first = operands[several][0]
        by = first if first.isalpha() else "its first operand"
        stand.append(f"{several}_{first}{'' if one else ' stands'} for the derivative by {by}")
    says += ": " + ", ".join(stand)
    factor = next((n for n in names if any(not all(x) for _, x in calls[n]) and len(operands[n]) == 1), None)
    if factor is not None and re.search(rf"(?<!\w){factor}[ \t]*\((?=[^()]*[-+])", text):
        says += f"; to multiply write {factor}*(...)"
    return says
