"""Multi-precision numbers that know how wrong they may be, and formulas of SymPy over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import prod
from types import SimpleNamespace
from typing import Any

import sympy
from mpmath import mp, mpf

from ...engine.run import exact_leaves, kinked, leaf_values, matched, meant, pieces, run
from ...graph import Graph, Node
from ...ops import Primitive
from ...ops.namespaces import multiprecision
from .functions import OUR_NAMES, Extremum, Flat, Where

PRECISIONS = (50, 150, 450, 1500)
GUARD = 8  # digits by which bounds stay above the rounding of the arithmetic they are computed in
TOLD = mpf("1e-600")  # part of a number within which it is equal to another one
LEAST = 0.25  # more than no jump between truth values, or whole numbers
STEEP = 4  # more than any kink's slopes: what changes by more jumps
ZERO = mpf("1e-330")  # below the smallest float: what may still be anything smaller is 0


class Tracked:
    """A multi-precision number and a bound on its error.

    The bound of a function's value is how far the value moves with its operands' bounds.
    """

    __slots__ = ("bound", "value")

    def __init__(self, value: Any, bound: Any) -> None:
        self.value = value
        self.bound = bound

    def __bool__(self) -> bool:
        """Whether it may be something else than 0."""
        return bool(self.value or self.bound)

    def __mul__(self, other: Tracked) -> Tracked:
        wide = (abs(self.value) + self.bound) * (abs(other.value) + other.bound)
        value = self.value * other.value
        return Tracked(value, wide - abs(value))

    def __add__(self, other: Tracked) -> Tracked:
        value = self.value + other.value
        spare = max(abs(value), abs(other.value)) * _unit()
        return Tracked(value, self.bound + other.bound + spare)


def _tracked(function: Callable[..., Any], operands: Sequence[Tracked], *, smooth: bool = True) -> Tracked:
    values = [x.value for x in operands]
    if not smooth and _jumps(function, operands):
        # floor(x/x): digits alone do not tell 1 from what is below it; all that there are have to
        told = all(x.bound <= TOLD * (1 + abs(x.value)) for x in operands)
        return Tracked(function(*_tied(operands)), mpf(0) if told else mp.inf)
    y = function(*values)
    if mp.isint(y) and abs(y) * _unit() < 1 and all(not x.bound and mp.isint(x.value) for x in operands):
        return Tracked(y, mpf(0))  # whole numbers stay exact: (-2)^(3^2) has a whole exponent
    bound = abs(y) * _unit()
    for k, x in enumerate(operands):
        if not x.bound:
            continue
        if smooth:
            moved = function(*values[:k], x.value + x.bound, *values[k + 1 :])
            bound += abs(moved - y) if mp.isfinite(moved) else mp.inf
        else:  # kinked primitives decide by the values; elsewhere they stretch nothing
            bound += x.bound
    return Tracked(y, bound)


def _jumps(function: Callable[..., Any], operands: Sequence[Tracked]) -> bool:
    """Whether a function of pieces jumps within the bounds of an operand."""
    for k, x in enumerate(operands):
        if mp.isinf(x.bound) or x.bound != x.bound:
            return True
        if x.bound:
            ends = [
                function(*(o.value if j != k else o.value + way * o.bound for j, o in enumerate(operands)))
                for way in (-1, 1)
            ]
            if abs(ends[1] - ends[0]) > min(STEEP * x.bound, LEAST):
                return True
    return False


def _tied(operands: Sequence[Tracked]) -> list[Any]:
    """Return operands as they are where no digit speaks against it: equal to another one, or whole."""
    first = operands[0]
    if len(operands) > 1:
        near = (abs(x.value - first.value) <= x.bound + first.bound for x in operands)
        return [first.value if tied else x.value for x, tied in zip(operands, near, strict=True)]
    half = mp.nint(2 * first.value) / 2
    return [half if abs(first.value - half) <= first.bound else first.value]


def _unit() -> Any:
    """The relative error of one operation, with some digits to spare."""
    return mpf(10) ** (GUARD - mp.dps)


def _apply(row: Primitive, *operands: Any) -> Tracked:
    if row.chosen:
        c = operands[0]
        taken = operands[row.chosen(c.value, *(x.value for x in operands[1:]))[-1]]
        return Tracked(taken.value, mp.inf) if mp.isinf(c.bound) else taken
    forward = partial(row.forward, multiprecision())
    return _tracked(forward, operands, smooth=row.piece is None)


class Points:
    """The program's values at rising precision, from the exact inputs.

    Where floats are on pieces that decimals lead to and no others, the inputs are decimals: 0.3 as a float
    is less than 0.3, and 10 times that less than 3, but not in floats.
    """

    def __init__(self, graph: Graph, inputs: Mapping[str, float], needed: Sequence[bool]) -> None:
        self.graph = graph
        self.inputs = inputs
        self.needed = needed
        self.known: dict[int, list[Any]] = {}
        self.exact = matched
        nodes = [node for node in kinked(graph) if needed[node.id]]
        if nodes:
            taken = pieces(nodes, run(graph, leaf_values(graph, inputs), needed=needed))
            if self._pieces(nodes) != taken:
                self.exact = meant
                self.exact = meant if self._pieces(nodes) == taken else matched
                self.known.clear()

    def _pieces(self, nodes: Sequence[Node]) -> tuple[float, ...]:
        """Return the pieces of some nodes, as `engine.run.pieces` does."""
        self.known.clear()
        with mp.workdps(PRECISIONS[0]):
            values = self.at(PRECISIONS[0])
            tied = {node.id: _tied([values[i] for i in node.inputs]) for node in nodes}
            return tuple(
                float(node.op.piece(multiprecision(), *tied[node.id]))
                for node in nodes
                if node.op is not None and node.op.piece is not None
            )

    def at(self, digits: int) -> list[Any]:
        """Return one tracked value per node at the current working precision."""
        if digits not in self.known:
            exact = exact_leaves(self.graph, self.exact(self.graph, self.inputs))
            leaves = {
                id: Tracked(x, mpf(0) if x == float(x) else abs(x) * _unit()) for id, x in exact.items()
            }
            nowhere = SimpleNamespace(nan=Tracked(mp.nan, mpf(0)))
            self.known[digits] = run(self.graph, leaves, nowhere, self.needed, apply=_apply)
        return self.known[digits]

    def settle(self, number: Callable[[list[Any]], Any]) -> float | None:
        """Evaluate at rising precision until 17 digits stand; None when they do not."""
        for digits in PRECISIONS:
            with mp.workdps(digits):
                found = number(self.at(digits))
                if found is None or not mp.isfinite(found.value):
                    return None
                if found.bound <= abs(found.value) * mpf(10) ** -18:
                    return float(found.value)
                if abs(found.value) <= found.bound < ZERO:
                    return 0.0
        return None


def evaluate_formula(expression: Any, names: Mapping[Any, int], values: Sequence[Any]) -> Any:
    """Evaluate a SymPy expression in mpmath, by a loop of ours, with a bound on its error.

    Args:
        expression: The formula.
        names: Symbol to node id.
        values: One tracked value per node.
    """
    done: dict[Any, Any] = {}
    todo: list[tuple[Any, bool]] = [(expression, False)]
    while todo:
        e, ready = todo.pop()
        if e in done:
            continue
        if not e.args:
            done[e] = _atom(e, names, values)
        elif not ready:
            todo.append((e, True))
            todo += [(a, False) for a in e.args]
        else:
            done[e] = _combine(e, [done[a] for a in e.args])
    return done[expression]


def _atom(e: Any, names: Mapping[Any, int], values: Sequence[Any]) -> Tracked:
    if e.is_Integer:
        value = mpf(int(e))
        return Tracked(value, mpf(0) if int(value) == e else abs(value) * _unit())  # 10^300 has 210 digits
    if e.is_Symbol:
        return values[names[e]]
    if e.is_Rational:
        value = mpf(int(e.p)) / int(e.q)
    elif e is sympy.pi or e is sympy.E:
        value = +mp.pi if e is sympy.pi else +mp.e
    else:
        value = mp.nan if e.is_finite is False or e is sympy.nan else mpf(e.evalf(mp.dps)._mpf_)
    return Tracked(value, abs(value) * _unit())


def _combine(e: Any, operands: list[Tracked]) -> Tracked:
    values = [x.value for x in operands]
    if e.is_Add:
        largest = max(abs(v) for v in values)
        return Tracked(mp.fsum(values), sum((x.bound for x in operands), largest * _unit()))
    if e.is_Mul:
        # a branch not taken contributes nothing, even where it has no value
        if any(isinstance(a, Where) and not x for a, x in zip(e.args, operands, strict=True)):
            return Tracked(mpf(0), mpf(0))
        y = prod(values, start=mpf(1))
        wide = prod((abs(x.value) + x.bound for x in operands), start=mpf(1))
        return Tracked(y, wide - abs(y) + abs(y) * _unit())
    if e.is_Pow:
        return _tracked(multiprecision().power, operands)
    if isinstance(e, Where):
        taken = operands[1] if values[0] else operands[2]
        return Tracked(taken.value, mp.inf) if mp.isinf(operands[0].bound) else taken
    name = type(e).__name__
    function = getattr(multiprecision(), OUR_NAMES.get(name, name))
    return _tracked(function, operands, smooth=not isinstance(e, (Flat, Extremum)))
