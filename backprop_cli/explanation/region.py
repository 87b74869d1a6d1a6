"""Unnamed steps folded into one line: how a node is computed from the named ones before it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

from ..graph import PARAMETER, Node
from ..ops import Primitive
from ..ops.namespaces import FLOATS
from ..ops.sums import DOT, LARGEST, PICK, SUM
from .expr import ONE, ZERO, Apply, Expr, Exprs, Number, Ref, add, applied, fraction, multiply
from .paper import Paper, evaluate, slope_of

Slope = tuple[float, Expr]
"""A factor that a power brought down, and what it stands before."""

EXACT = Paper()


class Region:
    """The steps between a node and the named ones that it is computed from.

    Args:
        nodes: Of the graph, in creation order.
        id: The node.
        named: Nodes at which reading ends; constants are read through.
        operands: The named nodes in an order of one's own; None for that of first reading.
    Attributes:
        operands: Ids of the named nodes.
        steps: Ids of the others but leaves, the node last.
    """

    def __init__(
        self, nodes: Sequence[Node], id: int, named: Collection[int], operands: Sequence[int] | None = None
    ) -> None:
        self.nodes = nodes
        found: dict[int, None] = {}
        steps: set[int] = set()
        todo = [id]
        while todo:
            i = todo.pop()
            if i in named and i != id:
                found[i] = None
            elif nodes[i].op is not None and i not in steps:
                steps.add(i)
                todo += reversed(reading(nodes, i))
        self.operands = tuple(found) if operands is None else tuple(operands)
        self.steps = sorted(steps)
        self._read: dict[int, tuple[int, ...]] = {}
        self._position = {id: k for k, id in enumerate(self.operands)}

    # in floats

    def _values(self, xs: Sequence[float]) -> dict[int, float]:
        values = dict(zip(self.operands, xs, strict=True))
        for id in self.steps:
            node = self.nodes[id]
            for i in node.inputs:
                if i not in values:
                    values[i] = self.nodes[i].value
            values[id] = _applied(node, values)
        return values

    def forward(self, *xs: float) -> float:
        """Return the node's number as the engine computes it."""
        return self._values(xs)[self.steps[-1]]

    def partials(self, *xs: float) -> list[float]:
        """Return its local derivatives by the operands as the engine sweeps them."""
        values = self._values(xs)
        cotangents = {self.steps[-1]: 1.0}
        for id in reversed(self.steps):
            node, g = self.nodes[id], cotangents.get(id)
            assert node.op is not None
            if g:
                found = node.op.partials(FLOATS, values[id], *(values[i] for i in node.inputs))
                for i, p in zip(node.inputs, found, strict=True):
                    cotangents[i] = cotangents.get(i, 0.0) + g * p
        return [cotangents.get(i, 0.0) for i in self.operands]

    # as it is written

    def written(self, operands: Exprs) -> Expr:
        """Write the node over its operands."""
        return self._written(self.steps[-1], operands, {})

    def _written(self, id: int, operands: Exprs, known: dict[int, Expr]) -> Expr:
        if id in self._position:
            return operands[self._position[id]]
        if id not in known:
            node = self.nodes[id]
            known[id] = (
                Number(node.value)
                if node.op is None
                else spelled(node.op, [self._written(i, operands, known) for i in self._reading(id)])
            )
        return known[id]

    def _reading(self, id: int) -> tuple[int, ...]:
        if id not in self._read:
            self._read[id] = reading(self.nodes, id)
        return self._read[id]

    @cached_property
    def _readers(self) -> Mapping[int, list[tuple[int, int]]]:
        readers: dict[int, list[tuple[int, int]]] = {}
        for id in self.steps:
            for k, i in enumerate(self._reading(id)):
                readers.setdefault(i, []).append((id, k))
        return readers

    def slope(self, k: int, operands: Exprs, y: Expr) -> Expr:
        """Write the local derivative by an operand.

        Args:
            k: Which operand.
            operands: As they are written.
            y: The node's own name and number.
        """
        return scaled(*self.factored(k, operands, y))

    def factored(self, k: int, operands: Exprs, y: Expr) -> Slope:
        """Write the same with the factor before it apart."""
        known: dict[int, Expr] = {}
        arrived: dict[int, list[Slope]] = {self.operands[k]: [(1.0, ONE)]}
        while arrived:
            id = min(arrived) if len(arrived) > 1 else next(iter(arrived))
            found = arrived.pop(id)
            slope = found[0] if len(found) == 1 else (1.0, add(*(scaled(*s) for s in found)))
            if id == self.steps[-1]:
                return slope
            for user, position in self._readers[id]:
                passed = self._passed(user, position, slope, operands, known, y)
                if passed is not None:
                    arrived.setdefault(user, []).append(passed)
        return 1.0, ZERO

    def _passed(
        self, id: int, k: int, slope: Slope, operands: Exprs, known: dict[int, Expr], y: Expr
    ) -> Slope | None:
        """Return what a slope is after one more step; None where nothing passes."""
        op, inputs = self.nodes[id].op, self._reading(id)
        assert op is not None
        factor, expr = slope
        if op is SUM or op.name == "add":
            return slope

        def operand(i: int) -> Expr:
            return self._written(inputs[i], operands, known)

        if op is DOT or op.name == "multiply":
            half = len(inputs) // 2
            return _times(operand((k + half) % len(inputs)), slope)
        if op.name == "subtract":
            return (-factor if k else factor), expr
        if op is LARGEST:
            return None
        if op.name == "divide" and k == 0 and isinstance(n := operand(1), Number):
            return 1.0, multiply(fraction(factor, n.value), expr)
        if op.name == "power_n" and operand(1) == Number(2.0):
            return 2.0 * factor, multiply(operand(0), expr)
        if op is PICK or op.name == "where":
            return slope if k == _branch(op, operand(0)) else None
        own = y if id == self.steps[-1] else self._written(id, operands, known)
        return factor, multiply(slope_of(op, k, [operand(i) for i in range(len(inputs))], own), expr)


def _applied(node: Node, values: Mapping[int, float]) -> float:
    assert node.op is not None
    return float(node.op.forward(FLOATS, *(values[i] for i in node.inputs)))


def reading(nodes: Sequence[Node], id: int) -> tuple[int, ...]:
    """Return a step's operands in the order they are read: in a product, parameters come first."""
    node = nodes[id]
    inputs = node.inputs
    if node.op is DOT or (node.op is not None and node.op.name == "multiply"):
        half = len(inputs) // 2
        kinds = nodes[inputs[0]].kind, nodes[inputs[half]].kind
        if kinds[1] == PARAMETER != kinds[0]:
            return (*inputs[half:], *inputs[:half])
    return inputs


def spelled(op: Primitive, operands: Exprs) -> Expr:
    """Write a step of a region: sums of products in one line, without what says nothing."""
    if op is LARGEST:
        return ZERO  # with any other number the same comes out
    if op is PICK or op.name == "where":
        return operands[_branch(op, operands[0])]
    if op.name == "multiply":
        return ZERO if ZERO in operands else multiply(*operands)
    if op.name == "add":
        terms = [t for o in operands for t in _parts(o, "add")]
        return add(*([t for t in terms if t != ZERO] or [ZERO]))
    if op.name == "subtract":
        a, b = operands
        if b == ZERO:
            return a
        if isinstance(a, Number) and isinstance(b, Number):
            return Number(a.value - b.value)
    return applied(op, without_defaults(op, operands))


def without_defaults(op: Primitive, operands: Exprs) -> Exprs:
    """Return the operands without those that are numbers of the row."""
    least = op.arity[0]
    given = zip(operands[least:], op.defaults, strict=False) if op.defaults else ()
    return operands[:least] if op.defaults and all(o == Number(d) for o, d in given) else operands


def _branch(op: Primitive, first: Expr) -> int:
    """Return which operand a choice takes: by a condition, or by a count."""
    value = evaluate(first, EXACT)
    return 1 + int(value) if op is PICK else 1 if value else 2


def _times(other: Expr, slope: Slope) -> Slope:
    factor, expr = slope
    if isinstance(other, Ref) and expr is ONE:
        return factor, other
    if _constant(other) and evaluate(other, EXACT) * factor == 1.0:
        return 1.0, expr
    return factor, multiply(other, expr)


def _constant(expr: Expr) -> bool:
    return all(map(_constant, expr.operands)) if isinstance(expr, Apply) else isinstance(expr, Number)


def scaled(factor: float, expr: Expr) -> Expr:
    """Write a number before an expression, among its factors."""
    if factor == 1.0:
        return expr
    return multiply(Number(factor), *_parts(expr, "multiply"))


def _parts(expr: Expr, op: str) -> Exprs:
    return expr.operands if isinstance(expr, Apply) and expr.op == op else (expr,)
