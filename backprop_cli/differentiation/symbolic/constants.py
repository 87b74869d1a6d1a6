"""Constants of a program as SymPy expressions: kept exact and kept small."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy

from ...graph import CONSTANT, Graph
from ...language.format import constant_piece
from ...language.operators import named_constant
from ...language.written import Piece
from ...ops import Primitive
from ...ops.matrices import by_number
from .functions import SP, defined

EXACT_LIMIT = 10**18


class Constants:
    """SymPy expressions of constant nodes, kept exact and kept small."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.values: dict[Any, int] = {}  # dummy -> node id
        self.written: dict[Any, Piece] = {}  # what a dummy stands for
        self.known: dict[int, Any] = {}

    def __call__(self, id: int) -> Any:
        """Return the expression of a constant node."""
        if id not in self.known:
            self.known[id] = self.build(id)
        return self.known[id]

    def build(self, id: int) -> Any:
        node = self.graph.nodes[id]
        if node.op is None:
            label = node.label or ""
            constant = named_constant(label)
            if constant is not None:
                return constant.exact(SP)
            if (
                len(label) <= 18
                and "e" not in label.lower()
                and (node.value == 0 or 1e-18 < abs(node.value) < EXACT_LIMIT)
            ):
                return sympy.Rational(label)
            return self.dummy(id)
        row = by_number(node.op)
        if row is None or row.infix is None:
            return self.dummy(id)
        operands = [self(i) for i in node.inputs]
        if not all(x.is_number for x in operands):
            return self.dummy(id)
        if row.infix == "^" and not _small_power(*operands):
            return self.dummy(id)
        value = defined(row, operands)
        return value if value.is_number and value.is_finite else self.dummy(id)

    def dummy(self, id: int) -> Any:
        """Return a symbol that is written as the user wrote the constant."""
        piece = constant_piece(self.graph, id)
        symbol = sympy.Dummy(piece.text, real=True)
        self.values[symbol], self.written[symbol] = id, piece
        return symbol


def _small_power(base: Any, exponent: Any) -> bool:
    if not (base.is_Rational and exponent.is_Rational):
        return False
    size = max(abs(base.p), base.q).bit_length() * max(abs(exponent.p), exponent.q)
    return bool(size <= 64)


def guarded(row: Primitive, operands: list[Any], constants: Constants, ids: Sequence[int]) -> list[Any]:
    """Keep SymPy from multiplying out (2a)^1000000."""
    if row.infix == "^":
        base, exponent = operands
        number = exponent.is_Rational and abs(exponent) > 64
        if number and base.is_Mul and base.args[0].is_number:
            return [base, constants.dummy(ids[1])]
    return operands


def inlined(
    graph: Graph,
    constants: Constants,
    leaves: Mapping[int, Any],
    apply: Callable[[Primitive, Sequence[Any]], Any],
    needed: Sequence[bool] | None = None,
) -> list[Any]:
    """Return the expression of every node over the leaves.

    Args:
        graph: The computation.
        constants: Its constants.
        leaves: Expressions of inputs, or of nodes at which the expressions of later ones begin.
        apply: `functions.defined` or `functions.shown`.
        needed: Nodes to build; the others are None. None builds all.
    """
    built: list[Any] = []
    for node in graph.nodes:
        if node.id in leaves:
            built.append(leaves[node.id])
        elif node.kind == CONSTANT:
            built.append(constants(node.id))
        elif needed is not None and not needed[node.id]:
            built.append(None)
        else:
            assert node.op is not None
            operands = guarded(node.op, [built[i] for i in node.inputs], constants, node.inputs)
            built.append(apply(node.op, operands))
    return built
