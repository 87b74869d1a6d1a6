"""Running error analysis: how far rounding can have moved a value or a cotangent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import copysign, inf, isfinite, ulp
from typing import Any

from ..engine.point import Point
from ..engine.run import meant, run, run_exactly
from ..engine.sweep import sweep
from ..graph import CONSTANT, STEP, Graph
from ..language.literals import is_float
from ..ops import Primitive
from ..ops.namespaces import FLOATS, Lifted
from ..ops.precision import digits

UNIT = 2.0**-53
TINY = 5e-324
SHORT = 2.0**10
"""A number that is no whole multiple of 1/this is a fraction that was rounded: 1/3, 0.1."""

STEEP = 4.0  # more than any kink's slopes: what changes by more jumps
NORMAL = 2.0**-1022  # what is smaller has lost digits, or all of them: by up to `TINY`
LARGE = 2_000  # nodes from which nobody reads the single step
EXACT_DIGITS = 60  # that tell 0 from what rounding leaves of it
ZERO = 1e-20  # part of a number that is none of it
POLE = 2.0**1023  # more is no float, and what floats have for it is none of its digits
NOTHING = 1e-307  # the difference of two numbers that is none


class Bounded:
    """A float and a first-order bound on its distance from the exact result.

    Source: Higham, Accuracy and Stability of Numerical Algorithms (2002), section 3.3.
    """

    __slots__ = ("bound", "value")

    def __init__(self, value: float, bound: float) -> None:
        self.value = value
        self.bound = bound

    def __repr__(self) -> str:
        return f"Bounded({self.value!r}, {self.bound!r})"

    def __bool__(self) -> bool:
        return bool(self.value) or self.bound != 0.0  # nan, of inf*0, is a bound too

    def __neg__(self) -> Bounded:
        return Bounded(-self.value, self.bound)

    def __add__(self, other: Any) -> Bounded:
        value = self.value + value_of(other)
        return Bounded(value, self.bound + bound_of(other) + UNIT * abs(value))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Bounded:
        return self.__add__(-other)

    def __rsub__(self, other: Any) -> Bounded:
        return (-self).__add__(other)

    def __mul__(self, other: Any) -> Bounded:
        value, factor = self.value * value_of(other), bound_of(other)
        bound = _term(self.bound, value_of(other)) + _term(factor, self.value) + self.bound * factor
        underflows = abs(value) < NORMAL and self and other
        return Bounded(value, bound + UNIT * abs(value) + (TINY if underflows else 0.0))

    __rmul__ = __mul__


def value_of(x: Any) -> float:
    """Return the float."""
    return x.value if isinstance(x, Bounded) else x


def bound_of(x: Any) -> float:
    """Return the bound; a plain number has none."""
    return x.bound if isinstance(x, Bounded) else 0.0


def _term(bound: float, slope: float) -> float:
    return bound * abs(slope) if bound else 0.0


def _apply(op: Primitive, *operands: Any) -> Any:
    if op.chosen:
        return operands[op.chosen(*map(value_of, operands))[-1]]
    values = [value_of(x) for x in operands]
    y = op.forward(FLOATS, *values)
    if not any(isinstance(x, Bounded) for x in operands):
        return y  # a literal operand, taken as it is
    bound = op.ulp * 2.0 * UNIT * abs(y) + (TINY if op.ulp and abs(y) < NORMAL else 0.0)
    if any(bound_of(x) for x in operands):
        for k, partial in enumerate(op.partials(FLOATS, y, *values)):
            off = bound_of(operands[k])
            steady = isfinite(partial) and (partial or op.piece is not None)
            # a slope tells nothing of an operand without a digit: cos is 1 at 0, and anything at 0 +- 1e9
            lost = abs(values[k]) < off < inf
            change = _change(op, y, values, k, off) if op.piece is not None or lost or not steady else 0.0
            # over a jump the branch is the one that floats take
            jumps = op.piece is not None and change > STEEP * off
            term = _term(off, partial) if steady else 0.0
            if 2.0 * term > abs(y) > 0.0 and op.piece is None:
                change = _towards(op, y, values, k, off if y * partial > 0.0 else -off, term)
            bound += max(term, 0.0 if jumps else change)
    if op.literal is not None and values[op.literal] * SHORT % 1.0:
        # n - 1, of a slope, is off by as much as n
        bound += _change(op, y, values, op.literal, 4.0 * ulp(max(1.0, abs(values[op.literal]))))
    return Bounded(y, bound)


def _change(op: Primitive, y: float, values: list[float], position: int, off: float) -> float:
    """Return how far a value moves with one operand whose slope does not tell: a root of 0, its square."""
    if not off:
        return 0.0
    changes = [0.0]
    for x in (values[position] - off, values[position] + off):
        moved = op.forward(FLOATS, *values[:position], x, *values[position + 1 :])
        changes.append(abs(moved - y))
    return max(c for c in changes if c == c)


def _towards(op: Primitive, y: float, values: list[float], position: int, off: float, term: float) -> float:
    """Return infinity where a value grows towards a pole that an operand may have passed: sec near pi/2."""
    moved = op.forward(FLOATS, *values[:position], values[position] + off, *values[position + 1 :])
    return 0.0 if copysign(1.0, y) * moved >= abs(y) + term / 2.0 else inf


BOUNDED = Lifted("numbers with rounding bounds", _apply)


def value_bounds(point: Point) -> list[float]:
    """Bound what rounding did to the value of every node."""
    values = run(point.graph, _lifted(point.graph, point.leaves()), BOUNDED)
    return [_finite(bound_of(x)) for x in values]


def rounding_bounds(point: Point) -> tuple[float, list[float]]:
    """Bound what rounding did to the output and to every cotangent.

    Returns:
        The bound on the output, and those on the cotangents, the forward pass's rounding included.
    """
    graph = point.graph
    forward = run(graph, _lifted(graph, point.leaves()), BOUNDED)
    seed = Bounded(1.0, 0.0)
    total = [_finite(bound_of(g)) for g in sweep(graph, forward, point.active, BOUNDED, seed)]
    for k in point.limits:  # in many digits
        total[k] = 0.0
    return _finite(bound_of(forward[graph.output])), total


def are_spoilt(
    point: Point, noise: float, explained: Sequence[float], ids: Sequence[int | None], least: float
) -> set[int | None]:
    """Return which numbers rounding has changed by more than a part of them.

    The bounds only say where to look: what is true is computed in so many digits that nothing cancels.

    Args:
        point: The program at its point.
        noise: Bound on the rounding error of the output.
        explained: The same of every cotangent.
        ids: Nodes whose cotangents are asked about; None for the output.
        least: The part.
    """
    numbers = {k: point.value if k is None else point.cotangents[k] for k in ids}
    bounds = {k: noise if k is None else explained[k] for k in ids}
    open_ = {k for k, x in numbers.items() if bounds[k] > max(least * abs(x), NOTHING)}
    if not open_:
        return open_
    from ..engine.beside import DIGITS, MOST_STEPS

    if len(point.graph) > MOST_STEPS:
        return open_
    from mpmath import isfinite as is_number
    from mpmath import mpf

    from ..ops.namespaces import multiprecision

    graph = point.graph
    with digits(DIGITS):
        xp = multiprecision()
        values = run_exactly(graph, meant(graph, point.inputs), point.needed)
        if abs(values[graph.output]) > POLE:  # tan(pi/2), where nothing is left of any number
            return set(ids)
        slopes = sweep(graph, values, point.active, xp, mpf(1)) if open_ != {None} else []
        exact = {k: values[graph.output] if k is None else slopes[k] for k in open_}
        return {
            k for k, x in exact.items() if not is_number(x) or abs(numbers[k] - x) > least * abs(x) + NOTHING
        }


def left_of_zero(point: Point) -> list[int]:
    """Return the first steps whose value is what rounding leaves of 0: ``0.1 + 0.2 - x`` at 0.3."""
    graph = point.graph
    if len(graph) > LARGE:
        return []
    bounds = [bound_of(x) for x in run(graph, _lifted(graph, point.leaves()), BOUNDED)]
    steps = [n for n in graph.nodes if n.kind == STEP and point.needed[n.id] and not n.primitive.truth]
    open_ = [n for n in steps if 0.0 < abs(point.values[n.id]) <= bounds[n.id]]
    if not open_:
        return []
    with digits(EXACT_DIGITS):
        exact = run_exactly(graph, meant(graph, point.inputs), point.needed)
        zeros = {n.id for n in open_ if abs(exact[n.id]) <= ZERO * abs(point.values[n.id])}
    return [k for k in sorted(zeros) if zeros.isdisjoint(graph.nodes[k].inputs)]


def zero_slopes(point: Point, bounds: Sequence[float]) -> set[int]:
    """Return the nodes whose cotangent is what rounding leaves of 0: of ``1.5*x/(2*x)`` at -1.83.

    Args:
        point: The program at its point.
        bounds: On the rounding error of every cotangent.
    """
    graph = point.graph
    open_ = {k for k, g in enumerate(point.cotangents) if point.active[k] and 0.0 < abs(g) <= bounds[k]}
    if not open_:
        return open_
    from mpmath import mpf

    from ..ops.namespaces import multiprecision

    with digits(EXACT_DIGITS):
        values = run_exactly(graph, meant(graph, point.inputs), point.needed)
        exact = sweep(graph, values, point.active, multiprecision(), mpf(1))
        return {k for k in open_ if abs(exact[k]) <= ZERO * abs(point.cotangents[k])}


def noise_at(point: Point, id: int, x: float) -> float:
    """Bound what rounding does to the output where one node is moved to a number."""
    graph = point.graph
    moved = run(graph, _lifted(graph, point.leaves()), BOUNDED, force={id: Bounded(x, 0.0)})
    return _finite(bound_of(moved[graph.output]))


def _lifted(graph: Graph, leaves: Mapping[int, float]) -> dict[int, Any]:
    # literal operands stay plain floats where they are exact: a power has no slope to carry in its exponent
    literal = [False] * len(graph)
    for node in reversed(graph.nodes):
        for position, i in enumerate(node.inputs):
            if literal[node.id] or (node.op is not None and node.op.literal == position):
                literal[i] = graph.nodes[i].kind == CONSTANT
    # a decimal such as 0.1 is not a float: the nearest one stands for it, as for pi where an input is that
    nodes = [graph.nodes[id] for id in leaves]
    rounded = {abs(n.value) for n in nodes if n.kind == CONSTANT and not is_float(n.label or "", n.value)}
    lifted: dict[int, Any] = {}
    for node in nodes:
        value = leaves[node.id]
        off = UNIT * abs(value) if abs(value) in rounded else 0.0
        lifted[node.id] = value if literal[node.id] and not off else Bounded(value, off)
    return lifted


def _finite(bound: float) -> float:
    return bound if isfinite(bound) else inf
