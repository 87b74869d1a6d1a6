"""The reverse pass as a person writes it: a line for every edge, from the output back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from ..graph import Node
from ..language.written import Piece
from ..ops.sums import DOT, SUM, beside
from .program import slopes_into
from .writer import Names, Writer, flat, spell


class Edge(NamedTuple):
    """One line of the reverse pass.

    Attributes:
        name: Variable of a slope.
        sign: ``=`` for its first contribution, ``+=`` for the others.
        text: Slope of the step times its local derivative.
        comment: What to say about it.
    """

    name: str
    sign: str
    text: str
    comment: str


class Pass:
    """The reverse pass over a written forward pass.

    Args:
        writer: The forward pass, a line a step.
        names: The target's names.
        shares: Writes the part of a tied operand of min or max: operand, result, all operands.
        zero: How the target writes 0.
        comment: What a comment begins with.
    """

    def __init__(
        self,
        writer: Writer,
        names: Names,
        *,
        shares: Callable[[str, str, Sequence[str]], str],
        zero: str,
        comment: str = "  # ",
        one: str = "1.0",
    ) -> None:
        self.writer = writer
        self.names = names
        self.shares = shares
        self.comment = comment
        self._slopes: dict[int, str] = {}
        program = writer.program
        output = program.graph.output
        self.seen: set[int] = set()
        self.lines: list[Edge] = []
        if program.linked[output]:
            self.seen.add(output)
            self.lines.append(Edge(self.slope(output), "=", one, ""))
        for line in reversed(writer.lines):
            if program.linked[line.node.id]:
                self._edges(line.node)
        for name in program.wrt:
            id = program.graph.inputs[name]
            if id not in self.seen:
                self.lines.append(
                    Edge(self.slope(id), "=", zero, f"{comment}no path leads from it to the output")
                )

    def slope(self, id: int) -> str:
        """Return the variable of the output's derivative by a node."""
        if id not in self._slopes:
            self._slopes[id] = self.names.own(f"d{self.writer.output}_d{flat(self.writer.variable(id))}")
        return self._slopes[id]

    def _edges(self, node: Node) -> None:
        assert node.op is not None
        if node.id not in self.seen:
            return
        operands = [self.writer.piece(i) for i in node.inputs]
        first = len(node.inputs) - len(slopes_into(node))
        for position in range(first, len(node.inputs)):
            i = node.inputs[position]
            if not self.writer.program.linked[i]:
                continue
            factor = self._local(node, position, operands)
            g = Piece(self.slope(node.id))
            comment = f"{self.comment}another path: contributions add up" if i in self.seen else ""
            self.lines.append(
                Edge(self.slope(i), "+=" if i in self.seen else "=", self._times(g, factor), comment)
            )
            self.seen.add(i)

    def _times(self, g: Piece, factor: Piece) -> str:
        if factor.value == 1.0:
            return g.text
        if factor.value == -1.0:
            return f"-{g.text}"
        return f"{g} * {factor:^}"

    def _local(self, node: Node, position: int, operands: Sequence[Piece]) -> Piece:
        """Write one local derivative."""
        op = node.op
        assert op is not None
        table = self.writer.table
        if op is SUM or op is DOT:
            return beside(op, operands, Piece("1", value=1.0))[position]
        if op.wins:
            self.writer.used.add("share")
            text = self.shares(
                f"{operands[position]:+}", self.writer.variable(node.id), [f"{x:+}" for x in operands]
            )
            return Piece(text)
        if op.chosen:
            chosen = [self.writer.number(x, False) for x in ((1.0, 0.0) if position == 1 else (0.0, 1.0))]
            return spell(table, "where", [operands[0], *chosen])
        guarded = node.id in self.writer.program.guards
        if guarded:
            operands = self.writer.kept_finite(node, list(operands))
        if op.name == "power_n":
            return self._power(operands, self.writer)
        if guarded:
            known = dict(zip(op.params, operands, strict=False))
            known["y"] = Piece(self.writer.variable(node.id))
            return self.writer.expression(op.exact[position], known)
        return _number(self.writer.local(node, op.exact[position]))

    def _power(self, operands: Sequence[Piece], writer: Writer) -> Piece:
        """n*a^(n - 1), the exponent as a number."""
        a, n = operands
        assert n.value is not None
        if n.value in (0.0, 1.0):
            return writer.number(n.value, False)._replace(value=n.value)
        if n.value == 2.0:
            return spell(writer.table, "multiply", [writer.number(2.0, True), a])
        less = writer.number(n.value - 1.0, True)._replace(value=n.value - 1.0)
        writer.used.add("power_n")
        lower = spell(writer.table, "power_n", [a, less])
        return spell(writer.table, "multiply", [n, lower])


def _number(piece: Piece) -> Piece:
    """Note that a local derivative is the number 1 or -1."""
    plain = {"1": 1.0, "1.0": 1.0, "-1": -1.0, "-1.0": -1.0}
    return piece._replace(value=plain.get(piece.text))


def helpers(texts: Mapping[str, str], needs: Mapping[str, Sequence[str]], used: Iterable[str]) -> list[str]:
    """Return the definitions that a program needs, in the table's order of need."""
    wanted = dict.fromkeys(name for use in sorted(used) for name in needs.get(use, ()))
    return [texts[name] for name in sorted(wanted, key=list(texts).index)]
