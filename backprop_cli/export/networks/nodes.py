"""A graph over arrays as lines of Python: a node an assignment, each primitive in the target's spelling."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from ...graph import CONSTANT, NO_STATIC, Graph, Node
from ...language.operators import PRODUCT
from ...language.written import Piece, Table
from ...ops.matrices import by_number
from ..writer import DEEPEST, Names, python_number, spell

SHORT = 16
"""Characters of an operation on single numbers that may stand several times."""

WIDEST = 80
"""Characters of an operation that is read where it stands; a longer one gets a line of its own."""

CONDITIONAL = ("where", "multiply")
"""What takes a truth value as it is; elsewhere it has to be a number."""


class NodeWriter:
    """Writes nodes of a graph.

    A node with a name, and one that several others read, has a line; the rest is written where it is read.

    Args:
        graph: The computation; what its outputs do not need is not written.
        table: The target's spellings, also of what is done to arrays.
        leaves: How a leaf that is no constant is written.
        reserved: Words that no variable may have.
        numbers: Spellings over numbers alone, where the others take arrays only.
    Attributes:
        used: The primitives that are written.
    """

    def __init__(
        self,
        graph: Graph,
        table: Table,
        leaves: Mapping[str, str],
        reserved: Collection[str],
        numbers: Table = NO_STATIC,
    ) -> None:
        self.graph = graph
        self.table = table
        self.numbers = numbers
        self.used: set[str] = set()
        self._names = Names({*reserved, *leaves.values()})
        self._layer = ""
        self._counts: Counter[str] = Counter()
        self._pieces = {id: Piece(leaves[name]) for name, id in graph.inputs.items()}
        self._readers = Counter(i for node in self._needed(graph.outputs) for i in {*node.inputs})
        self._readers.update(graph.outputs)

    def lines(self, outputs: Sequence[int]) -> Iterator[str]:
        """Yield the assignments that lead to some nodes, in their order; what is written is not again."""
        for node in self._needed(outputs):
            written = self._written(node)
            often = self._readers[node.id] > 1 and (node.shape or len(written.text) > SHORT)
            long = len(written.text) > WIDEST or written.depth >= DEEPEST
            if node.name is not None or node.id in self.graph.outputs or often or long:
                name = self._name(node)
                yield f"{name} = {written.text}"
                written = Piece(name)
            self._pieces[node.id] = written

    def by_layer(self, outputs: Sequence[int]) -> Iterator[str]:
        """Yield these assignments with a comment where another layer begins."""
        waiting: list[str] = []
        for node in self._needed(outputs):
            waiting += self.lines([node.id])
            layer, dot, _ = (node.name or "").removeprefix("d_").partition(".")
            if dot and waiting and layer != self._layer:
                yield f"# {layer}"
                self._layer = layer
            if node.name is not None:
                yield from waiting
                waiting.clear()
        yield from waiting

    def text(self, id: int) -> str:
        """Return a node as it is read now that its lines are written."""
        return self._piece(id).text

    def _needed(self, outputs: Sequence[int]) -> list[Node]:
        wanted = set(outputs)
        found = []
        for node in reversed(self.graph.nodes):
            if node.id in wanted and node.op is not None and node.id not in self._pieces:
                found.append(node)
                wanted.update(node.inputs)
        return found[::-1]

    def _name(self, node: Node) -> str:
        """Return the variable of a node: its own name, else that of its primitive with a number."""
        assert node.op is not None
        if node.name is not None:
            return self._names.own(re.sub(r"\W+", "_", node.name).rstrip("_"))
        word = node.op.name if node.op.name.isidentifier() else "product"
        self._counts[word] += 1
        return self._names.own(f"{word}{self._counts[word]}")

    def _piece(self, id: int) -> Piece:
        node = self.graph.nodes[id]
        if node.op is None and node.kind == CONSTANT:
            return fraction(node.value)
        return self._pieces[id]

    def _written(self, node: Node) -> Piece:
        assert node.op is not None
        self.used.add((by_number(node.op) or node.op).name)
        operands = []
        for i in node.inputs:
            operand, op = self._piece(i), self.graph.nodes[i].op
            if op is not None and op.truth and node.op.name not in CONDITIONAL:
                operand = spell(self.table, "multiply", [python_number(1.0, False), operand])
            operands.append(operand)
        name = (by_number(node.op) or node.op).name
        plain = node.kind == CONSTANT and not node.shape and name in self.numbers
        return spell(self.numbers if plain else self.table, name, operands, node.static, used=self.used)


def fraction(x: float) -> Piece:
    """Write a number; one over a whole number as that."""
    if x and abs(x) < 1.0 and len(repr(x)) > 6 and (1.0 / x).is_integer() and 1.0 / (1.0 / x) == x:
        return Piece(f"1/{int(1.0 / x)}", PRODUCT, x)
    return python_number(x, True)._replace(value=x)
