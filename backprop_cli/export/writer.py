"""From nodes to text: names, spellings, lines. What a target adds is its table of spellings."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

from ..errors import UsageError
from ..graph import CONSTANT, NO_STATIC, Graph, Node
from ..language.fold import fold, postfix
from ..language.operators import (
    ATOM,
    CONSTANTS,
    GREEK,
    HATS,
    HATTED,
    PRODUCT,
    SUBSCRIPTS,
    UNARY,
    constant_name,
)
from ..language.parser import Item
from ..language.written import Piece, Spelling, Table
from ..language.written import spell as spelled
from ..ops import PRIMITIVES
from .program import Program as Computation
from .program import safe_operands

DEEPEST = 16
"""Operations in one expression; a deeper one gets lines of its own."""


class Refused(NamedTuple):
    """A primitive that a target does not have.

    Attributes:
        reason: In words, for a reader.
    """

    reason: str


def constants(pi: str, e: str, tau: str = "") -> dict[str, Spelling]:
    """Write the constants by a target's names for pi and e; tau is twice pi where it has none."""
    return {"pi": (pi, ATOM), "tau": (tau, ATOM) if tau else (f"2*{pi}", PRODUCT), "e": (e, ATOM)}


def spell(
    table: Table,
    name: str,
    operands: Sequence[Piece],
    static: Mapping[str, Any] = NO_STATIC,
    *,
    number: Callable[[float, bool], Piece] | None = None,
    used: set[str] | None = None,
) -> Piece:
    """Write one primitive over written operands, with what it is told besides; count how deep it is.

    A primitive that the target has not is written by those that define it.

    Args:
        table: The target's spellings.
        name: The primitive, or another entry.
        operands: As they are written.
        static: What the node says besides its operands.
        number: Writes a number.
        used: Where the primitives are noted that stand for it.
    Raises:
        UsageError: where the target does not have it.
    """
    if name not in table and name in PRIMITIVES and PRIMITIVES[name].means:
        row = PRIMITIVES[name]
        known = dict(zip(row.params, operands, strict=True))
        return expression(row.means, known, table, number or python_number, set() if used is None else used)
    refused = refusal(table, name) if name in table or name in PRIMITIVES else None
    if refused is not None:
        raise UsageError(f"no export of {name} to this target: {refused.reason}")
    depth = 1 + max((x.depth for x in operands), default=0)
    return spelled(table, name, operands, static)._replace(depth=depth)


NOT_CLOSED = Refused("it has no form in other functions")


def refusal(table: Table, name: str) -> Refused | None:
    """Return why a target has no primitive, None where it has it or those that define it."""
    if name not in table:
        return None if PRIMITIVES[name].means else NOT_CLOSED
    spelling = table[name]
    return spelling if isinstance(spelling, Refused) else None


class Names:
    """Names of a program in its target: the user's, where the target lets them stand, and its own.

    Args:
        reserved: Words of the target that no variable may have.
        ascii: Greek letters are spelled out.
    Attributes:
        given: The target's names of the numbers of arrays, where these are inputs.
    """

    def __init__(self, reserved: Collection[str], *, ascii: bool = False) -> None:
        self.reserved = frozenset(reserved)
        self.ascii = ascii
        self.taken: set[str] = set()
        self.renamed: dict[str, str] = {}
        self.given: Mapping[str, str] = {}

    def user(self, name: str) -> str:
        """Return the target's name for a user's, and note where it differs.

        A number of an array, ``y[0,1]``, is a variable ``y_0_1``.
        """
        if name in self.given:
            return self.given[name]
        text = unicodedata.normalize(
            "NFKC", name.translate({ord(c): str(i) for i, c in enumerate(SUBSCRIPTS)})
        )
        if self.ascii:
            text = "".join(map(_unhatted, text))
            text = "".join(GREEK.get(c, c if c.isascii() else f"u{ord(c):04x}") for c in text)
        text = self.own(flat(text))
        if text != name and "[" not in name:
            self.renamed[name] = text
        return text

    def own(self, text: str) -> str:
        """Return a free name like ``text``, and take it."""
        while text in self.reserved or text in self.taken:
            text += "_"
        self.taken.add(text)
        return text

    def notes(self, comment: str, language: str) -> list[str]:
        """Return a comment line for every name that was changed."""
        return [
            f"{comment}{name} is written {text}: "
            + ("that word has a meaning here" if name in self.reserved else f"{language} has no such name")
            for name, text in self.renamed.items()
        ]


def _unhatted(c: str) -> str:
    """Return ``y_hat`` for ``ŷ``."""
    plain = unicodedata.normalize("NFD", c) if c in HATTED else c
    return "".join(f"_{HATS[x]}" if x in HATS else x for x in plain)


def flat(name: str) -> str:
    """Return a name without brackets: ``A_0_1``."""
    return name if "[" not in name else "_".join(re.findall(r"\w+", name))


class Line(NamedTuple):
    """One assignment.

    Attributes:
        node: What it computes.
        name: Its variable.
        text: The right side.
        safe: It keeps a branch that is not taken finite.
    """

    node: Node
    name: str
    text: str
    safe: bool


class Writer:
    """Writes the forward pass of a program.

    Args:
        program: What to write.
        table: The target's spellings.
        names: The target's names, with those that it uses itself already taken.
        number: Writes a number; ``whole`` where an integer may stand for it.
        constants: Spellings of what is built from numbers alone; ``table`` where None.
        every: A line for every step, as for a reverse pass by hand.
    """

    def __init__(
        self,
        program: Computation,
        table: Table,
        names: Names,
        *,
        number: Callable[[float, bool], Piece],
        constants: Table | None = None,
        every: bool = False,
    ) -> None:
        self.program = program
        self.graph = program.graph
        self.table = table
        self.constants = constants if constants is not None else table
        self.names = names
        self.number = number
        self.every = every
        self.used: set[str] = set()
        self.variables: dict[int, str] = {}
        self.pieces: dict[int, Piece] = {}
        for name, id in self.graph.named.items():
            if program.reached[id] or self.graph.nodes[id].op is None:
                self.variables[id] = names.user(name)
        if self.graph.output not in self.variables:
            self.variables[self.graph.output] = names.own(self.graph.own_name(self.graph.output))
        self.output = self.variables[self.graph.output]
        # what a definition names more than once has a line of its own
        self.repeated = {
            i
            for node in program.steps
            if node.op and node.op.name in PRIMITIVES and node.op.name not in table
            for i in node.inputs
        }
        self.lines = list(self._lines())

    def variable(self, id: int) -> str:
        """Return the variable of a node, with a name of its own by now."""
        if id not in self.variables:
            self.variables[id] = self.names.own(self.graph.own_name(id))
        return self.variables[id]

    def piece(self, id: int) -> Piece:
        """Return a node as an operand: a constant or an inner operation written out, else its variable."""
        if id in self.pieces:
            return self.pieces[id]
        node = self.graph.nodes[id]
        if node.op is None and node.kind != CONSTANT:
            return Piece(self.variable(id))
        assert node.kind == CONSTANT
        written = self._constant(node, whole=True)
        self.pieces[id] = written
        return written

    def _constant(self, node: Node, *, whole: bool) -> Piece:
        if node.op is None:
            name = constant_name(node.label or "")
            if name is not None and name in self.constants:
                return spell(self.constants, name, [])._replace(value=node.value, depth=0)
            return self.number(node.value, whole)._replace(value=node.value)
        if self.constants is not self.table and node.op.name not in self.constants:
            value = self.program.point.values[node.id]
            return self.number(value, False)._replace(value=value)
        # whole numbers but for powers and functions: 2^1000 is a float here, and would be one of 302 digits
        whole = whole and bool(node.op.linear)
        operands = [self._constant(self.graph.nodes[i], whole=whole) for i in node.inputs]
        self.used.add(node.op.name)
        return spell(self.constants, node.op.name, operands, number=self.number, used=self.used)._replace(
            value=self.program.point.values[node.id]
        )

    def _lines(self) -> Iterable[Line]:
        for node in self._order():
            assert node.op is not None
            operands = [self.piece(i) for i in node.inputs]
            safe = node.id in self.program.guards
            if safe:
                operands = self.kept_finite(node, operands)
            written = self.spelled(node, operands)
            if self._stands_alone(node, written):
                name = self.variable(node.id)
                self.pieces[node.id] = Piece(name)
                yield Line(node, name, written.text, safe)
            else:
                self.pieces[node.id] = written

    def spelled(self, node: Node, operands: Sequence[Piece]) -> Piece:
        """Write one step over written operands."""
        name = node.primitive.name
        self.used.add(name)
        return spell(self.table, name, operands, number=self.number, used=self.used)

    def _stands_alone(self, node: Node, written: Piece) -> bool:
        if node.op is not None and node.op.truth and len(written.text) < 30:
            # a condition is read where it stands
            return False
        return self.every or node.id in self.variables or node.id in self.repeated or written.depth >= DEEPEST

    def _order(self) -> list[Node]:
        """Return the steps in creation order, but conditions before what they keep finite."""
        steps = self.program.steps
        waits: dict[int, set[int]] = {}
        users: dict[int, list[int]] = {}
        ids = {node.id for node in steps}
        for node in steps:
            before = {i for i in node.inputs if i in ids}
            before |= {c for known in self.program.guards.get(node.id, ()) for c, _ in known if c in ids}
            waits[node.id] = before
            for i in before:
                users.setdefault(i, []).append(node.id)
        ready = [id for id, before in waits.items() if not before]
        heapify(ready)
        order: list[Node] = []
        while ready:
            id = heappop(ready)
            order.append(self.graph.nodes[id])
            for user in users.get(id, ()):
                waits[user].discard(id)
                if not waits[user]:
                    heappush(ready, user)
        assert len(order) == len(steps), "conditions go around in a circle"
        return order

    def kept_finite(self, node: Node, operands: list[Piece]) -> list[Piece]:
        """Return operands that are replaced by harmless numbers where the node is not needed."""
        safe = safe_operands(self.graph, node, self.program.point.values) or (None,) * len(operands)
        kept = []
        for x, operand in zip(safe, operands, strict=True):
            if x is not None:
                last = self.number(x, False)._replace(value=x)
                for known in self.program.guards[node.id]:
                    chosen = operand
                    for condition, holds in reversed(known):
                        choice = (chosen, last) if holds else (last, chosen)
                        chosen = spell(self.table, "where", [self.piece(condition), *choice])
                    last = chosen
                self.used.add("where")
                operand = last
            kept.append(operand)
        return kept

    def local(self, node: Node, text: str) -> Piece:
        """Write a local derivative, given in our language over the operands' names and ``y``."""
        assert node.op is not None
        known = dict(zip(node.op.params, [self.piece(i) for i in node.inputs], strict=False))
        known["y"] = Piece(self.variable(node.id))
        return self.expression(text, known)

    def expression(self, text: str, known: Mapping[str, Piece]) -> Piece:
        """Write an expression of our language over pieces."""
        return expression(text, known, self.table, self.number, self.used)


def expression(
    text: str,
    known: Mapping[str, Piece],
    table: Table,
    number: Callable[[float, bool], Piece],
    used: set[str],
) -> Piece:
    """Write an expression of our language over pieces, and note the primitives in it."""

    def name(item: Item) -> Piece:
        word = item.text
        return known[word] if word in known else spell(table, word, [])._replace(value=CONSTANTS[word].value)

    def literal(item: Item) -> Piece:
        value = float(item.text)
        return number(value, True)._replace(value=value)

    def apply(item: Item, operands: Sequence[Piece]) -> Piece:
        row = PRIMITIVES[item.text].literal_form if operands[-1].constant else None
        used.add(row or item.text)
        return spell(table, row or item.text, operands, number=number, used=used)

    return fold(postfix(text), name=name, number=literal, apply=apply)


def title(graph: Graph) -> str:
    """Return the program's text on one line, for a comment."""
    lines = [line.split("#")[0].strip() for line in graph.source.text.splitlines()]
    return "; ".join(line.rstrip(";") for line in lines if line)


def python_number(x: float, whole: bool) -> Piece:
    """Write a number in Python: short where it is whole, else the shortest text that reads back."""
    if x != x:
        return Piece('float("nan")', ATOM, x)
    text = str(int(x)) if whole and x.is_integer() and abs(x) < 1e9 else repr(x)
    return Piece(text, UNARY if text.startswith("-") else ATOM, x)


def real(x: Piece) -> str:
    """Write a number as a float, whatever it is."""
    return f"{x.text}.0" if x.text.lstrip("-").isdigit() else x.text
