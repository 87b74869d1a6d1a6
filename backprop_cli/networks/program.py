"""A network as a program of arrays: ``z1 = W1@x + b1; y1 = relu(z1); E = mean((y1 - t)^2)``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..graph import CONSTANT, Graph, Node
from ..language.indices import DOTTED
from ..language.operators import PRODUCT, SUM
from ..language.written import OURS, Piece, atom, bracketed, call, number, spell
from ..ops import PRIMITIVES
from ..ops.tensor import TENSORS
from .lowering import Lowered
from .network import NDArray

WHOLE = {"weights": "W", "bias": "b", "mask": "m", "z": "z", "y": "y"}
"""What parts of a layer are called; a number follows where there are several layers."""

LOSS = "E"


class ArrayProgram(NamedTuple):
    """A network as a program.

    Attributes:
        text: The program, its loss last.
        names: What its inputs are called here, by their names in the network.
        values: Of the inputs, by their names here.
    """

    text: str
    names: Mapping[str, str]
    values: Mapping[str, NDArray]


class _NoProgram(Exception):
    """A network has a layer that our language has no word for."""


def array_program(lowered: Lowered, values: Mapping[str, NDArray]) -> ArrayProgram | None:
    """Return a network as a program; None where it has layers or a loss that our language has no word for.

    A batch of one row is a vector, of several a matrix with a row each.

    Args:
        lowered: With a loss.
        values: Of all leaves, by name.
    """
    try:
        return _Writer(lowered.graph).program(values)
    except _NoProgram:
        return None


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.rows = graph.nodes[graph.inputs["x"]].shape[0] if "x" in graph.inputs else 0
        self.names = self._names()
        self.pieces: dict[int, Piece] = {}

    def _names(self) -> dict[int, str]:
        """Return what nodes are called that have a name of their own in the program."""
        parts = [(node.id, *(node.name or "").rpartition(".")[::2]) for node in self.graph.nodes]
        layers = list(dict.fromkeys(layer for _, layer, part in parts if layer and part == "weights"))
        found = {self.graph.output: LOSS}
        for id, layer, part in parts:
            if layer in layers and part in WHOLE:
                found.setdefault(id, WHOLE[part] + (str(layers.index(layer) + 1) if len(layers) > 1 else ""))
            elif layer and part == "mask":
                found.setdefault(id, layer)
            elif not layer and part in ("x", "t", "weights"):
                found.setdefault(id, {"weights": "w"}.get(part, part))
        if len(set(found.values())) < len(found):
            raise _NoProgram
        return found

    def program(self, values: Mapping[str, NDArray]) -> ArrayProgram:
        graph = self.graph
        if not self.rows:
            raise _NoProgram
        needed = graph.needed()
        last = graph.with_output(graph.output).needed()
        statements = []
        names: dict[str, str] = {}
        given: dict[str, NDArray] = {}
        for node in graph.nodes:
            if not (needed[node.id] and last[node.id]):
                continue
            name = self.names.get(node.id)
            if node.op is None:
                if node.kind == CONSTANT:
                    self.pieces[node.id] = number(graph.name(node.id))
                    continue
                if name is None:
                    raise _NoProgram
                names[str(node.name)] = name
                given[name] = values[str(node.name)].reshape(self._shape(node))
                self.pieces[node.id] = atom(name)
                continue
            piece = self._step(node)
            if name is not None:
                statements.append(f"{name} = {piece.text}")
            self.pieces[node.id] = piece if name is None else atom(name)
        return ArrayProgram("; ".join(statements), names, given)

    def _shape(self, node: Node) -> tuple[int, ...]:
        """Return the shape of a node in the program: a single row is a vector."""
        batched = (
            node.shape[:1] == (self.rows,) and self.rows == 1 and node.kind not in ("parameter", "state")
        )
        return node.shape[1:] if batched else node.shape

    def _step(self, node: Node) -> Piece:
        """Write a step over what its operands are written as."""
        operands = [self.graph.nodes[i] for i in node.inputs]
        pieces = [self.pieces[i] for i in node.inputs]
        shapes = [self._shape(x) for x in operands]
        row = node.primitive
        if max(map(len, shapes), default=0) > 2:
            raise _NoProgram
        if row is TENSORS["linear"]:
            x, w, b = pieces
            product = (w, "@", x) if self.rows == 1 else (x, "@", w, "'")
            parts = tuple(p if isinstance(p, str) else bracketed(p, PRODUCT).parts for p in product)
            return Piece((parts, " + ", b.parts), SUM)
        if row is TENSORS["mean"] or (row is TENSORS["sum"] and "axes" not in node.static):
            return call(row.name, pieces) if shapes[0] else pieces[0]
        if row is TENSORS["cross_entropy"] or (row is TENSORS["softmax"] and not node.static):
            return call(row.name, pieces)
        if row is TENSORS["flatten"] and len(operands[0].shape) == 2:
            return pieces[0]
        if row.name not in PRIMITIVES or node.static:
            raise _NoProgram
        dotted = row.name in DOTTED and any(len(shape) == 2 for shape in shapes)
        return spell(OURS, DOTTED[row.name].name if dotted else row.name, pieces)
