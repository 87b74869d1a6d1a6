"""The complex step: a derivative without subtraction, Im f(x + ih)/h."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from ..graph import Graph
from ..ops.kinks import between_pieces
from ..ops.namespaces import complexes

STEP = 1e-20
TINY = 1e-290  # imaginary parts this small have lost digits to underflow


def complex_step(graph: Graph, values: Sequence[float], id: int, step: float | None = None) -> float | None:
    """Return the derivative of the output by one node; None where no complex form exists.

    Kinked primitives follow the piece their operand is on; on the kink itself there is none.

    Args:
        graph: The computation.
        values: One value per node.
        id: The node, an input or a step.
        step: Step size in the node's own units; None for one whose error is below rounding.
    Source:
        Squire and Trapp, Using complex variables to estimate derivatives (1998).
    """
    xp = complexes()
    h = STEP * (abs(values[id]) or 1.0) if step is None else step
    if h < TINY:
        return None
    moved: dict[int, complex | float] = {id: complex(values[id], h)}
    for node in graph.nodes[id + 1 : graph.output + 1]:
        op = node.op
        if op is None or not any(i in moved for i in node.inputs):
            continue
        operands = [moved.get(i, values[i]) for i in node.inputs]
        if op.piece is not None and between_pieces(op, [values[i] for i in node.inputs]):
            return None
        y = op.forward(xp, *operands)
        if y != y and isfinite(values[node.id]) and graph.needed(values)[node.id]:
            return None  # before a max takes another operand
        if isinstance(y, complex):
            moved[node.id] = y
    moved_by = complex(moved.get(graph.output, 0.0)).imag
    if 0.0 < abs(moved_by) < TINY or not isfinite(moved_by / h):
        return None
    return moved_by / h
