"""Slopes where the chain rule has none to give, from what the output does right beside the point.

A rule knows its own point alone. Two kinds of point are beyond it: where a cotangent of 0 meets an infinite
local derivative (``cbrt(x)^3`` at 0), and where a condition holds at a single point (``where(x == 0, 1,
sin(x)/x)``), so that the branch taken says nothing of the slope. There the difference quotient decides, taken
so close to the point, and in so many digits, that what separates it from its limit is below a float's
last digit, also where the output runs in fractional powers (Puiseux series) of the distance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import inf, isfinite, isinf, nan
from typing import Any, NamedTuple

from ..errors import SlopeError
from ..graph import CONSTANT, Graph, Node
from ..language.numbers import brief, exact_text
from ..ops import Primitive
from ..ops.kinks import between_pieces, sides
from ..ops.namespaces import FLOATS
from ..ops.precision import digits
from .run import exact_leaves, kinked, meant, run, written
from .sweep import is_steep

DISTANCES = (60, 90, 120, 150)
"""Decimals of the distances at which quotients are taken, relative to the point; evenly apart."""

DIGITS = 800
"""Of the arithmetic: 1 - cos(x) keeps 500 of them at a distance of 1e-150."""

ORDINARY = (1e-20, 1e20)
"""Sizes of values among which nothing happens within the distances."""

CLOSER = 330
"""By how many decimals a node is moved less among others, where it is 0, or large, or has no limit further
away: ``1/(1 + 1e300*x)`` has its pole at -1e-300."""

MORE_DIGITS = 900
"""Of the arithmetic then."""

SPARE = 30
"""Digits that rounding may have spoilt: a change of the output within them is none."""

SAME = 1e-15
"""Relative difference of two quotients up to which they have arrived."""

STEADY = 1e-6
"""Relative difference of two ratios up to which what is left changes by a power of the distance."""

FALLS = 1e-9
"""By how much quotients that are squeezed to 0, ``x*sin(1/x)``, fall from one distance to the next."""

GROWTH = 1e3
"""By how much quotients without a limit grow from one distance to the next at least."""

MOST_STEPS = 20_000
"""Primitives run in many digits for one point."""


class Beside(NamedTuple):
    """What the output does beside a point, as one node moves.

    Attributes:
        left: Limit of the quotients from below; infinite, or nan where the output has no value there or the
            quotients do not settle.
        right: The same from above.
        apart: A branch is taken at the point that is taken on neither side.
        place: The condition, or the step with the infinite slope.
        chain: What the chain rule comes to.
        beyond: An infinite one is a number, too large for a float64.
        empty: The output has no value on either side.
        alone: That is since the domain of the place ends here.
        leap: The output jumps.
    """

    left: float
    right: float
    apart: bool
    place: int | None = None
    chain: float = nan
    beyond: bool = False
    empty: bool = False
    alone: bool = False
    leap: bool = False

    @property
    def is_clear(self) -> bool:
        """Whether the two sides have one limit, of whatever size."""
        return self.beyond or isfinite(self.slope)

    @property
    def slope(self) -> float:
        """The derivative: from one side at the edge of the domain; nan where there is none."""
        left, right = self.left, self.right
        if left != left or right != right:
            one = right if left != left else left
            return one if isfinite(one) else nan
        finite = isfinite(left) and isfinite(right)
        same = finite and abs(left - right) <= SAME * max(abs(left), abs(right))
        return right if same else nan


def settle(
    graph: Graph,
    values: Sequence[float],
    active: Sequence[bool],
    cotangents: list[float],
    lost: Sequence[int],
    odd: Sequence[int],
    edges: Mapping[int, Sequence[int]],
) -> tuple[dict[int, Beside], bool]:
    """Put slopes from beside the point where a sweep has none, or none that means anything; nan without one.

    Args:
        graph: The computation.
        values: One per node, at the point.
        active: What the sweep went through.
        cotangents: What it found; written to.
        lost: Nodes for which it found no number.
        odd: Nodes with cotangent 0 whose slope is infinite, and conditions that just hold.
        edges: Nodes at whose operands the domain ends, and which of these.
    Returns:
        What stands beside the point, for the nodes that have its number; whether the sweep has none for
        something differentiated by, and neither have the quotients.
    Raises:
        SlopeError: where the sweep has a number that means nothing, and the quotients have none.
    """
    nodes, needed = graph.nodes, graph.needed(values)
    live = _live(graph, values, needed)
    ties = _ties(graph, values, [k for k in odd if needed[k]])
    suspects = range(len(graph)) if lost else odd
    steep = [k for k in suspects if needed[k] and live[k] and is_steep(nodes[k], values, active)]
    # the place that each node's slope stumbles over
    brink = {i: k for k, ends in edges.items() if needed[k] for i in _above(graph, active, ends)}
    places = brink | {i: k for k in ties for i in _above(graph, active, nodes[k].inputs)}
    steps = {i: k for k in steep for i in _above(graph, active, nodes[k].inputs)}
    by_chance = places.keys() - steps.keys() - {*lost}
    places |= steps
    moved = {*places, *(k for k in lost if needed[k])}
    asked = sorted(k for k in moved if not any(active[i] for i in nodes[k].inputs))
    order = [*asked, *sorted(moved.difference(asked), reverse=True)]
    found = beside(graph, values, order, ties, close=any(needed[node.id] for node in kinked(graph)))
    settled: dict[int, Beside] = {}
    for k in moved:
        unknown = Beside(nan, nan, apart=places.get(k) in ties and k in by_chance)
        there = found.get(k, unknown)._replace(chain=cotangents[k])
        ends = there.empty and k in brink
        if there.apart or there.empty or k not in by_chance:
            there = there._replace(place=brink[k] if ends else places.get(k), alone=ends)
            settled[k] = there
            cotangents[k] = there.slope
    faults = [k for k in asked if k in settled and not isfinite(cotangents[k])]
    if faults and faults[0] not in lost:
        others = [k for k in graph.inputs.values() if active[k] and k not in faults]
        raise _no_slope(graph, faults[0], settled[faults[0]], others)
    return settled, bool(faults)


def notes(graph: Graph, limits: Mapping[int, Beside], names: Sequence[str]) -> tuple[str, ...]:
    """Say for every name whose slope is not by the chain rule why, and what stands."""
    found = ((name, limits.get(graph.id_of(name))) for name in names)
    return tuple(
        f"{name}: {told(graph, limit)}; the limit of the quotients stands, {exact_text(limit.slope)}"
        for name, limit in found
        if limit is not None
    )


def told(graph: Graph, found: Beside) -> str:
    """Say why the chain rule has no slope at a node."""
    if found.place is None:
        return "the chain rule leaves the floats"
    text, op = written(graph, found.place), graph.nodes[found.place].op
    if found.alone:
        jumps = op is not None and op.domain is None
        return (
            f"there is no value beside the jump of {text}"
            if jumps
            else f"{text} has no value beside this point"
        )
    if op is not None and op.truth:
        return f"{text} changes at this point alone, and a branch says nothing of the slope"
    return f"the chain rule multiplies 0 by the infinite slope of {text}"


def _no_slope(graph: Graph, id: int, found: Beside, others: Sequence[int]) -> SlopeError:
    left, right = found.left, found.right
    if isfinite(left) and isfinite(right):
        how = f"tend to {brief(left)} from the left and to {brief(right)} from the right"
    elif found.beyond:
        how = "tend to a number too large for a float64"
    elif found.empty:
        how = "have no value"
    elif isinf(left) or isinf(right):
        how = "grow without bound"
    else:
        how = "do not settle"
    place = id if found.place is None else found.place
    why = told(graph, found) + ("" if found.alone else f"; the quotients beside it {how}")
    return SlopeError(
        f"there is no slope in {written(graph, id)}: {why}",
        source=graph.source,
        span=graph.nodes[place].span,
        hint=f"--wrt {','.join(map(graph.name, others[:MANY]))} asks for what has one" if others else None,
    )


def _live(graph: Graph, values: Sequence[float], needed: Sequence[bool]) -> list[bool]:
    """Return the nodes that the output depends on here, whatever the numbers on the way are.

    It does not through a branch not taken, on a flat piece, or by a factor that is the number 0.
    """
    live = [False] * len(graph)
    live[graph.output] = True
    for node in reversed(graph.nodes[: graph.output + 1]):
        op = node.op
        if op is None or op.truth or not live[node.id] or not needed[node.id]:
            continue
        operands = [values[i] for i in node.inputs]
        taken = op.chosen(*operands) if op.chosen is not None else range(len(operands))
        partials = op.partials(FLOATS, values[node.id], *operands)
        constants = [graph.nodes[i].kind == CONSTANT for i in node.inputs]
        for position, i in enumerate(node.inputs):
            # the others are numbers: so is the factor
            factor = op.piece is None and sum(constants) == len(constants) - (not constants[position])
            flat = op.piece is not None and _is_flat(op, operands, position)
            nothing = not partials[position] and (flat or (factor and (position,) in op.linear))
            live[i] = live[i] or (position in taken and not nothing)
    return live


def _is_flat(op: Primitive, operands: Sequence[float], position: int) -> bool:
    """Whether a primitive with pieces is flat around its operand, or on both sides of a jump."""
    if not between_pieces(op, operands):
        return True
    kink = sides(op, operands, (position,))
    return kink is not None and kink.left == kink.right == 0.0


def _above(graph: Graph, active: Sequence[bool], operands: Iterable[int]) -> set[int]:
    """Return the active nodes among some operands, and those that they are computed from."""
    above: set[int] = set()
    todo = list(operands)
    while todo:
        i = todo.pop()
        if active[i] and i not in above:
            above.add(i)
            todo += graph.nodes[i].inputs
    return above


MANY = 12
"""Inputs that a hint names."""

ENOUGH = 2
"""Weight of `conditions` whose sides are equal, from which a point may stand apart."""


def conditions(graph: Graph, among: Iterable[int]) -> dict[int, int]:
    """Return the comparisons among some nodes, of a node with another, with a weight each.

    ``x == 0`` sets a point apart alone. An ordered comparison of sums changes its truth on one side only: it
    takes two (``x >= 0`` and ``x <= 0``).
    """
    found = {}
    for id in among:
        op = graph.nodes[id].op
        if op is not None and op.truth and len({*graph.nodes[id].inputs}) > 1:
            found[id] = 1 if _is_ordered(op) and _is_sum(graph, id) else ENOUGH
    return found


def _ties(graph: Graph, values: Sequence[float], among: Iterable[int]) -> list[int]:
    """Return the comparisons that may set the point apart: their two sides are equal here."""

    def equal(id: int) -> bool:
        a, b = graph.nodes[id].inputs
        return values[a] == values[b]

    weights = {id: weight for id, weight in conditions(graph, among).items() if equal(id)}
    return list(weights) if sum(weights.values()) >= ENOUGH else []


def _is_ordered(op: Primitive) -> bool:
    """Whether a comparison tells below from above."""
    return bool(op.forward(FLOATS, -1.0, 0.0) != op.forward(FLOATS, 1.0, 0.0))


def _is_sum(graph: Graph, id: int) -> bool:
    """Whether the sides of a comparison add up leaves, each of them once."""
    todo, seen = list(graph.nodes[id].inputs), set[int]()
    while todo:
        i = todo.pop()
        node = graph.nodes[i]
        if node.kind == CONSTANT:
            continue
        if i in seen or not (node.op is None or node.op.additive):
            return False
        seen.add(i)
        todo += node.inputs
    return True


def beside(
    graph: Graph,
    values: Sequence[float],
    ids: Sequence[int],
    ties: Sequence[int] = (),
    *,
    close: bool = False,
) -> dict[int, Beside]:
    """Return what the output does beside the point as each of some nodes moves.

    Args:
        graph: The computation.
        values: One per node, at the point.
        ids: Nodes to move, the most important first; those for which there is no time are left out.
        ties: Conditions that may set the point apart.
        close: Go as close as can be: a jump may be small against the slope.
    """
    far = is_far(graph, values)
    at_once = {id for id in ids if far and (close or not 0 < abs(values[id]) < ORDINARY[1])}
    found = _beside(graph, values, [id for id in ids if id not in at_once], ties, 0)
    open_ = [id for id in ids if far and (id in at_once or (id in found and not found[id].is_clear))]
    found |= _beside(graph, values, open_, ties, CLOSER)
    # (1 - cos(x))/x^2 has spent them
    open_ = [id for id in open_ if id in found and not (found[id].is_clear or found[id].empty)]
    return found | _beside(graph, values, open_, ties, CLOSER, 2 * MORE_DIGITS)


def _beside(
    graph: Graph,
    values: Sequence[float],
    ids: Sequence[int],
    ties: Sequence[int],
    closer: int,
    more: int = MORE_DIGITS,
) -> dict[int, Beside]:
    """Do that, by so many decimals closer, and then in so many digits more."""
    from mpmath import mp, mpf

    from ..ops.namespaces import multiprecision

    found: dict[int, Beside] = {}
    if not ids:
        return found
    cost = 0
    with digits(DIGITS + more * bool(closer)):
        xp = multiprecision()
        inputs = {name: values[id] for name, id in graph.inputs.items()}
        leaves = exact_leaves(graph, meant(graph, inputs))
        here = run(graph, leaves, xp, graph.needed(), apply=lambda op, *xs: _applied(op, xp, xs))
        output = here[graph.output]
        rest = mpf(10) ** (SPARE - mp.dps) * abs(output)
        own = _branches(graph, here) if ties else {}
        for id in ids:
            steps = _downstream(graph, id)
            cost += 2 * len(DISTANCES) * len(steps)
            if cost > MOST_STEPS:
                break
            # no round one: 1e300 of them would be a whole number
            size = (abs(here[id]) or 1) * mp.sqrt(2) * mpf(10) ** -closer
            limits, taken, leap, empty = [], list[dict[int, int]](), False, True
            for way in (-1, 1):
                quotients, changes = [], []
                for decimals in DISTANCES:
                    t = way * size * mpf(10) ** -decimals
                    moved = {id: here[id] + t}
                    for node in steps:
                        assert node.op is not None
                        operands = [moved.get(i, here[i]) for i in node.inputs]
                        moved[node.id] = _applied(node.op, xp, operands)
                    change = moved.get(graph.output, output) - output
                    changes.append(mpf(0) if abs(change) <= rest else change)
                    quotients.append(changes[-1] / t)
                limit = _limit(quotients)
                far_above = mpf(10) ** (-mp.dps // 4) * abs(output)
                if limit != limit and all(abs(change) > far_above for change in changes):
                    limit = _grows(quotients)
                limits.append(limit)
                empty = empty and all(q != q for q in quotients)
                leap = leap or abs(changes[-1]) > abs(changes[-2]) / 2
                if ties:
                    taken.append(_branches(graph, [moved.get(k, x) for k, x in enumerate(here)]))
            apart = any(all(side.get(k) != branch for side in taken) for k, branch in own.items())
            left, right = map(float, limits)
            beyond = any(isinf(x) and x != limit for x, limit in zip((left, right), limits, strict=True))
            found[id] = Beside(left, right, apart, beyond=beyond, leap=leap, empty=empty)
    return found


def _applied(op: Primitive, xp: Any, operands: Sequence[Any]) -> Any:
    """Apply a primitive; nan where it has no value, or reads what has none, also to compare it."""
    if any(x != x for x in operands):
        read = operands if op.chosen is None else [operands[k] for k in op.chosen(*operands)]
        if any(x != x for x in read):
            return xp.nan
    value = op.forward(xp, *operands)
    return xp.nan if abs(value) == inf else value


def is_far(graph: Graph, values: Sequence[float]) -> bool:
    """Whether some value on the way to the output, of any branch, is far from 1."""
    smallest, largest = ORDINARY
    return any(
        reaches and x and isfinite(x) and not smallest < abs(x) < largest
        for reaches, x in zip(graph.needed(), values, strict=True)
    )


def _branches(graph: Graph, values: Sequence[Any]) -> dict[int, int]:
    """Return what every choice that the output needs comes to, through choices among choices."""
    found: dict[int, int] = {}
    for node in graph.nodes:
        if node.op is not None and node.op.chosen is not None:
            taken = node.inputs[node.op.chosen(*(values[i] for i in node.inputs))[-1]]
            found[node.id] = found.get(taken, taken)
    needed = graph.needed(values)
    return {k: branch for k, branch in found.items() if needed[k]}


def _downstream(graph: Graph, id: int) -> list[Node]:
    """Return the steps on the way from a node to the output."""
    reaches, moved, steps = graph.needed(), {id}, []
    for node in graph.nodes[id + 1 : graph.output + 1]:
        if node.op is not None and reaches[node.id] and not moved.isdisjoint(node.inputs):
            moved.add(node.id)
            steps.append(node)
    return steps


def _grows(quotients: Sequence[Any]) -> float:
    """Return infinity where quotients grow by no one power of the distance, as of ``x^1e-300``; else nan."""
    if all(abs(b) > GROWTH * abs(a) and (a > 0) == (b > 0) for a, b in pairwise(quotients)):
        return inf if quotients[-1] > 0 else -inf
    return nan


def _limit(quotients: Sequence[Any]) -> Any:
    """Return what quotients tend to as the distance falls by equal factors; nan where that is open.

    In many digits, by Aitken's process, which is exact for a limit and one power of the distance.

    Source: Press and others, Numerical Recipes (2007), section 5.3.
    """
    if any(q != q for q in quotients):
        return nan
    first, *_, before, last = quotients
    if abs(last - before) <= SAME * abs(last):
        return last
    if all(abs(b) <= FALLS * abs(a) for a, b in pairwise(quotients)):
        return 0.0
    changes = [b - a for a, b in pairwise(quotients)]
    if not all(changes):
        return nan
    ratios = [b / a for a, b in pairwise(changes)]
    if abs(ratios[-1] - ratios[0]) > STEADY * abs(ratios[0]):
        return nan
    ratio = ratios[-1]
    if ratio > 1:
        return inf if last > 0 else -inf
    rest = changes[-1] * ratio / (1 - ratio)
    return 0.0 if abs(last + rest) <= SAME * abs(first) else last + rest
