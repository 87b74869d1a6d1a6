"""A task with its numbers: what is given, what is asked for, what is right, and what goes wrong."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import combinations
from math import isfinite
from typing import Any, ClassVar

from ..checking.answers import Target, read_target
from ..checking.catalogue import Mistake, mistakes, quantity
from ..checking.claims import Judge, read_claim
from ..checking.derivatives import formula_text, slope_text
from ..checking.people import Subject, of_program
from ..checking.verdicts import Verdict
from ..engine.run import bind, leaf_values, run
from ..engine.sweep import active_nodes, sweep
from ..errors import UsageError
from ..explanation.expr import Ref, as_fractions, over_names, read, tidied
from ..explanation.names import Name
from ..graph import CONSTANT, Graph, Node
from ..language.lower import lower
from ..language.numbers import brief
from ..language.parser import parse
from ..ops.logarithm import logarithm, respelled
from ..ops.namespaces import FLOATS
from .answers import Printed, Printing, printed

NEAREST_KINK = 0.05
"""By how much an operand may move at least without crossing a kink."""

EFFORT_DIGITS = 4
"""Digits of a number on the way that are counted at most."""


class Posed(ABC):
    """A task with its numbers.

    Attributes:
        ask: What is asked for, as `check` names it, and its marks.
        rounds: What comes out on the way is rounded.
        hidden: What of the facts nobody is told who is to solve it.
    """

    ask: Mapping[str, float]
    rounds = False
    hidden: ClassVar[Collection[str]] = ("ask",)

    @property
    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """What a key needs to put the same task again."""

    @property
    @abstractmethod
    def passes(self) -> tuple[Graph, Sequence[float], Sequence[float], Sequence[bool]]:
        """The graph, its values, the slopes of the output, and through which nodes these go."""

    @abstractmethod
    def right(self, name: str) -> float:
        """Return what is right; not finite where there is no such number."""

    def answer(self, name: str, printing: Printing) -> Printed:
        """Return what is right as it is printed."""
        return printed(self.right(name), printing)

    def rounded_once(self, name: str) -> str:
        """Return what is right for who rounds at the end alone; "" where nothing is rounded on the way."""
        return ""

    @abstractmethod
    def mistakes(self, name: str) -> Iterable[Mistake]:
        """Return the catalogue of mistakes for what is asked, in no order."""

    @abstractmethod
    def verdict(self, name: str, answer: str) -> Verdict:
        """Judge one answer alone."""

    @abstractmethod
    def subject(self, least_digits: int) -> Subject:
        """Return what hand-ins are judged by."""

    @abstractmethod
    def names(self) -> Iterator[tuple[str, float]]:
        """Yield what a reader has names for, with its number."""

    def plain(self, node: Node, k: int) -> bool:
        """Whether a local derivative is 1, or the value, by nature: of a sum, of exp."""
        assert node.op is not None
        own = k < len(node.op.local) and node.op.local[k] == node.op.signature
        return own or node.op.additive or node.op.piece is not None

    @cached_property
    def fault(self) -> str:
        """Why this is no good exercise, in a word or two; "" where it is one."""
        graph, values, slopes, active = self.passes
        needed = graph.needed(values)
        if not all(isfinite(v) and isfinite(s) for v, s, n in zip(values, slopes, needed, strict=True) if n):
            return "no value"
        for node in graph.nodes:
            if node.op is None or not needed[node.id]:
                continue
            x = [values[i] for i in node.inputs]
            if _near_a_kink(node, x):
                return "near a kink"
            if active[node.id] and node.kind != CONSTANT and self._hides(node, values[node.id], x, active):
                return "a factor of 0 or 1"
        rights = [self.right(name) for name in self.ask]
        if not all(map(isfinite, rights)):
            return "no value"
        if not all(rights):
            return "an answer of 0"
        if any(a == b for (_, a), (_, b) in combinations(self.names(), 2)):
            return "two names of one value"
        return ""

    def _hides(self, node: Node, y: float, x: Sequence[float], active: Sequence[bool]) -> bool:
        """Whether a local derivative, or what moves, is such that leaving it out would not be seen."""
        assert node.op is not None
        for k, (i, p) in enumerate(zip(node.inputs, node.op.partials(FLOATS, y, *x), strict=True)):
            if not active[i]:
                continue
            if p == 0.0 or (not self.plain(node, k) and (p in (1.0, y) or x[k] in (0.0, 1.0))):
                return True
        return False

    @cached_property
    def effort(self) -> int:
        """The operations of both passes, with the digits and signs of what comes out of each."""
        graph, values, slopes, active = self.passes
        total = 0
        for node in graph.nodes:
            if node.op is not None and node.kind != CONSTANT:
                total += _effort(values[node.id]) + (_effort(slopes[node.id]) if active[node.id] else 0)
            elif active[node.id]:
                total += _effort(slopes[node.id])
        return total

    @cached_property
    def level(self) -> int:
        """How many rules are nested, counted on the graph: of one function, of a product, of a quotient, the
        chain rule where the inside has no name, and the sum over the ways that a step goes on by."""
        graph, _, _, active = self.passes
        users = graph.users()
        total = 0
        for node in graph.nodes:
            if node.op is None or not active[node.id] or node.kind == CONSTANT:
                continue
            moving = [i for i in node.inputs if active[i]]
            several = len(node.inputs) > 1 and len(moving) > 1 and not node.op.additive
            linear = any(set(moving) <= {node.inputs[k] for k in group} for group in node.op.linear)
            if several:
                total += 1
            elif not (linear or node.op.additive):
                inside = graph.nodes[moving[0]]
                total += 1 + (inside.op is not None and inside.name is None)
            total += sum(active[k] for k in users[node.id]) > 1
        return total


def _near_a_kink(node: Node, x: Sequence[float]) -> bool:
    piece: Callable[..., float] | None = node.op.piece if node.op is not None else None
    if piece is None:
        return False
    here = piece(FLOATS, *x)
    moves = ([v + h * (j == k) for j, v in enumerate(x)] for k in range(len(x)) for h in (-1.0, 1.0))
    scaled = ([v + NEAREST_KINK * (m - v) for v, m in zip(x, move, strict=True)] for move in moves)
    return any(piece(FLOATS, *each) != here for each in scaled)


def _effort(x: float) -> int:
    digits = brief(abs(x), EFFORT_DIGITS).partition("e")[0].replace(".", "").strip("0")
    return 1 + len(digits) + (x < 0.0)


class OfProgram(Posed):
    """A program at a point.

    Args:
        program: Its text.
        point: The numbers of its inputs, as they are written.
        ask: What is asked for, and its marks.
    Raises:
        BackpropError: for a text that is no program, and for what it has no name for.
    """

    def __init__(self, program: str, point: Mapping[str, str], ask: Mapping[str, float]) -> None:
        self.program, self.point, self.ask = program, dict(point), dict(ask)
        self.graph = lower(parse(program), self.point)
        self.inputs = bind(self.graph, {name: float(text) for name, text in self.point.items()})
        self.leaves = leaf_values(self.graph, self.inputs)

    @property
    def facts(self) -> dict[str, Any]:
        """The program, the point, and what is asked."""
        return {"program": self.program, "point": self.point, "ask": self.ask}

    @cached_property
    def passes(self) -> tuple[Graph, Sequence[float], Sequence[float], Sequence[bool]]:
        """Both passes in floats."""
        values, active = run(self.graph, self.leaves), active_nodes(self.graph)
        return self.graph, values, sweep(self.graph, values, active), active

    def target(self, name: str) -> Target:
        """Return what a name of the task is.

        Raises:
            ExpressionError: where the program has no such quantity.
        """
        return read_target(name, self.graph)

    def right(self, name: str) -> float:
        """Return the value or the derivative."""
        return quantity(self.graph, self.leaves, self.target(name))

    def mistakes(self, name: str) -> Iterable[Mistake]:
        """Return the catalogue at the point."""
        return mistakes(self.graph, self.leaves, self.target(name)).values()

    @cached_property
    def judge(self) -> Judge:
        """The judge of answers."""
        return Judge(self.graph, self.inputs)

    def verdict(self, name: str, answer: str) -> Verdict:
        """Judge one answer alone."""
        return self.judge.one(read_claim(name, answer, self.graph))

    def subject(self, least_digits: int) -> Subject:
        """Return the program at its point as what claims are about."""
        return of_program(self.graph, self.inputs, least_digits=least_digits)

    def names(self) -> Iterator[tuple[str, float]]:
        """Yield inputs, steps that have a name, and the output."""
        _, values, _, _ = self.passes
        known = {*self.graph.inputs.values(), self.graph.output}
        for node in self.graph.nodes:
            if node.name is not None or node.id in known:
                yield self.graph.own_name(node.id), values[node.id]


def kinks(graph: Graph) -> list[Node]:
    """Return the nodes whose derivative is another one on each side of a kink."""
    return [node for node in graph.nodes if node.op is not None and node.op.piece is not None]


class OfFormula(OfProgram):
    """A program whose derivatives are asked for as formulas; the point is where its numbers are tried.

    Raises:
        BackpropError: for what a formula cannot be asked for, besides.
    """

    hidden = (*OfProgram.hidden, "point")

    def __init__(self, program: str, point: Mapping[str, str], ask: Mapping[str, float]) -> None:
        super().__init__(program, point, ask)
        for name in ask:
            target = self.target(name)
            if len(target.by) != 1 or target.at is not None:
                raise UsageError(f"a formula is asked for a first derivative, and {name} is none")
        if self.graph.defaults:
            name = next(iter(self.graph.defaults))
            raise UsageError(f"{name} has a number, and a formula none", hint=f"write the number for {name}")
        for node in kinks(self.graph):
            text = formula_text(self.graph, node.id)
            raise UsageError(f"{text} has a kink: its derivative is no single formula")

    @property
    def facts(self) -> dict[str, Any]:
        """The program, where it was tried, and what is asked."""
        return {**super().facts, "form": "formula"}

    def answer(self, name: str, printing: Printing) -> Printed:
        """Return the derivative, written out over the names of the program."""
        target = self.target(name)
        known = {each: Ref(Name(each), 0.0) for each in self.graph.named}
        slope = read(slope_text(self.graph, target.of, target.by[0]), known)
        formula = over_names(as_fractions(tidied(slope))).text
        return Printed(respelled(formula, logarithm(self.program)), 0.0, True)

    @cached_property
    def effort(self) -> int:
        """The operations of the program and of the answers, with the digits and signs of their numbers."""
        texts = [self.program, *(self.answer(name, Printing()).text for name in self.ask)]
        nodes = [node for text in texts for node in lower(parse(text)).nodes]
        return sum(_effort(node.value) if node.kind == CONSTANT else node.op is not None for node in nodes)

    @cached_property
    def judge(self) -> Judge:
        """The judge of formulas."""
        return Judge(self.graph, {})

    def subject(self, least_digits: int) -> Subject:
        """Return the program, without a point, as what claims are about."""
        return of_program(self.graph, {}, least_digits=least_digits, proved=False)

    def names(self) -> Iterator[tuple[str, float]]:
        """Yield nothing: numbers of names are not seen."""
        yield from ()
