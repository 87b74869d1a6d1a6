"""Forward mode: dual numbers, a value with the tangent pushed along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine.run import leaf_values, run
from ..engine.sweep import sweep
from ..graph import CONSTANT, Graph
from ..ops import Primitive
from ..ops.namespaces import FLOATS, Lifted


class Dual:
    """A value with a tangent: ``value + tangent*d`` with ``d*d = 0``."""

    __slots__ = ("tangent", "value")

    def __init__(self, value: float, tangent: float) -> None:
        self.value = value
        self.tangent = tangent

    def __repr__(self) -> str:
        return f"Dual({self.value!r}, {self.tangent!r})"

    def __bool__(self) -> bool:
        return bool(self.value or self.tangent)

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.tangent)

    def __add__(self, other: Any) -> Dual:
        if isinstance(other, Dual):
            return Dual(self.value + other.value, self.tangent + other.tangent)
        return Dual(self.value + other, self.tangent)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Dual:
        return self.__add__(-other)

    def __rsub__(self, other: Any) -> Dual:
        return (-self).__add__(other)

    def __mul__(self, other: Any) -> Dual:
        if isinstance(other, Dual):
            return Dual(
                self.value * other.value,
                self.tangent * other.value + other.tangent * self.value,
            )
        return Dual(self.value * other, self.tangent * other)

    __rmul__ = __mul__


def _apply(op: Primitive, *operands: Any) -> Any:
    if not any(isinstance(x, Dual) for x in operands):
        return op.forward(FLOATS, *operands)
    if op.chosen:
        return operands[op.chosen(*map(value_of, operands))[-1]]
    values = [value_of(x) for x in operands]
    y = op.forward(FLOATS, *values)
    tangent = 0.0
    for x, partial in zip(operands, op.partials(FLOATS, y, *values), strict=True):
        if isinstance(x, Dual):
            tangent += x.tangent * partial
    return Dual(y, tangent)


DUALS = Lifted("dual numbers", _apply)


def value_of(x: Any) -> float:
    """Return the value of a dual or a plain number."""
    return x.value if isinstance(x, Dual) else x


def tangent_of(x: Any) -> float:
    """Return the tangent of a dual; a plain number's is 0."""
    return x.tangent if isinstance(x, Dual) else 0.0


def push(graph: Graph, values: Sequence[float], ids: Sequence[int]) -> dict[int, float]:
    """Return the derivative of the output by each node, by pushing a unit tangent from it.

    The local derivatives are the same for every push, so they are taken once.
    """
    rows: list[tuple[int, list[tuple[int, float]]]] = []
    for node in graph.nodes[: graph.output + 1]:
        if node.op is None or node.kind == CONSTANT:
            continue
        partials = node.op.partials(FLOATS, values[node.id], *[values[i] for i in node.inputs])
        pairs = zip(node.inputs, partials, strict=True)
        rows.append((node.id, [(i, p) for i, p in pairs if p and graph.nodes[i].kind != CONSTANT]))
    derivatives: dict[int, float] = {}
    for id in ids:
        tangents: dict[int, float] = {id: 1.0}
        for k, terms in rows:
            if k <= id:
                continue
            tangent = 0.0
            for i, p in terms:
                if i in tangents:
                    tangent += tangents[i] * p
            if tangent:
                tangents[k] = tangent
        derivatives[id] = tangents.get(graph.output, 0.0)
    return derivatives


def hessian_product(
    graph: Graph, inputs: Mapping[str, float], direction: Mapping[str, float]
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the gradient and the Hessian times a direction, by duals through the reverse sweep.

    Args:
        graph: The computation.
        inputs: A value for every input.
        direction: A tangent per input; what is missing is 0.
    Returns:
        Gradient and Hessian-vector product, one number per input each.
    Source:
        Pearlmutter, Fast exact multiplication by the Hessian (1994).
    """
    leaves: dict[int, Any] = dict(leaf_values(graph, inputs))
    for name, tangent in direction.items():
        id = graph.inputs[name]
        leaves[id] = Dual(leaves[id], tangent)
    # by the row itself: at a kink its convention holds, not that of the rows it is made of
    values = run(graph, leaves, apply=_apply)
    active = graph.depends_on(list(graph.inputs.values()))
    cotangents = sweep(graph, values, active, DUALS)
    gradient = {name: value_of(cotangents[id]) for name, id in graph.inputs.items()}
    product = {name: tangent_of(cotangents[id]) for name, id in graph.inputs.items()}
    return gradient, product


def hessian(graph: Graph, inputs: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Return the matrix of second derivatives by input and input, one sweep per row."""
    return {name: hessian_product(graph, inputs, {name: 1.0})[1] for name in graph.inputs}
