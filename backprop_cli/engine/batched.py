"""A program for one example as a program for many: an axis of rows before every array that changes with them.

What no row changes stays as it is, and is computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ..graph import CONSTANT, NOWHERE, ArrayBuilder, Graph, Node
from ..language.numbers import brief
from ..ops import PRIMITIVES, Primitive, Shape
from ..ops.arrays import ARRAYS
from ..ops.matrices import MatrixRow, Rowwise
from ..ops.tensor import TENSORS

ROWS: Mapping[str, Primitive] = {**PRIMITIVES, **ARRAYS, **TENSORS}
"""What rules of `MatrixRow.batched` apply besides their own row."""


class Batch:
    """Appends nodes that have a row for each example.

    Args:
        builder: They are appended there.
        rows: How many.
    """

    def __init__(self, builder: ArrayBuilder, rows: int) -> None:
        self.builder = builder
        self.rows = rows

    def apply(self, row: Primitive, *operands: int, **static: Any) -> int:
        """Apply a row; return its node."""
        return self.builder.apply(row, operands, NOWHERE, static)

    def step(self, name: str, *operands: int, **static: Any) -> int:
        """Apply a row by its name."""
        return self.apply(ROWS[name], *operands, **static)

    def number(self, value: float) -> int:
        """Add a constant."""
        return self.builder.constant(value, brief(value, 12), NOWHERE)

    def whole(self, x: Rowwise) -> int:
        """Return an operand with the axis of rows, whether it changes with them or not."""
        return x.id if x.varies else self.step("expand", x.id, shape=(self.rows, *x.shape))

    def aligned(self, x: Rowwise, axes: int) -> int:
        """Return an operand whose rows stand before so many axes, as what goes number by number needs."""
        missing = axes - len(x.shape)
        if not x.varies or not missing:
            return x.id
        return self.step("shaped", x.id, shape=(-1, *(1,) * missing, *x.shape))


def batched(
    builder: ArrayBuilder,
    graph: Graph,
    rows: int,
    shared: Collection[str],
    needed: Sequence[bool] | None = None,
    given: Mapping[str, Callable[[], int]] = {},
) -> list[int]:
    """Append a program for one example so that it is computed for many.

    Args:
        builder: The nodes are appended there; steps keep their names.
        graph: The program, with the shape of every node.
        rows: How many examples.
        shared: Inputs that are the same for all of them; of the others each has its own.
        needed: Nodes to append; None appends all.
        given: Makes the node of an input, with its axis of rows.
    Returns:
        The node of each node here; -1 for one that was left out.
    Raises:
        ValueError: for a step that has no form over rows.
    """
    at = Batch(builder, rows)
    varies = graph.depends_on([id for name, id in graph.inputs.items() if name not in shared])
    ids: list[int] = []
    for node in graph.nodes:
        ids.append(
            -1
            if needed is not None and not needed[node.id]
            else _appended(at, node, ids, graph, varies, given)
        )
    return ids


def _appended(
    at: Batch,
    node: Node,
    ids: Sequence[int],
    graph: Graph,
    varies: Sequence[bool],
    given: Mapping[str, Callable[[], int]],
) -> int:
    builder = at.builder
    if node.op is None:
        if node.kind == CONSTANT:
            return builder.constant(node.value, graph.name(node.id), node.span)
        name = graph.name(node.id)
        if name in given:
            return given[name]()
        return builder.array(name, (at.rows,) * varies[node.id] + node.shape, node.span, node.kind)
    if varies[node.id]:
        operands = [Rowwise(ids[i], graph.nodes[i].shape, varies[i]) for i in node.inputs]
        id = over_rows(at, node.op, node.shape, operands, node.static)
    else:
        id = builder.apply(node.op, tuple(ids[i] for i in node.inputs), node.span, node.static)
    builder.nodes[id].span = node.span
    if node.name is not None:
        builder.name(id, node.name)
    return id


def over_rows(
    at: Batch, op: Primitive, shape: Shape, operands: Sequence[Rowwise], static: Mapping[str, Any]
) -> int:
    """Append one step over rows, whose value for one of them has a shape."""
    if isinstance(op, MatrixRow) and op.number is None:
        if op.batched is None:
            raise ValueError(f"{op.name} has no form over rows")
        return op.batched(at, op, *operands, **static)
    return at.apply(op, *(at.aligned(x, len(shape)) for x in operands))
