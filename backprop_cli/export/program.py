"""What every target writes: a computation at one point, with the numbers its program has to reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, nan
from typing import NamedTuple

from ..differentiation.rounding import rounding_bounds
from ..engine.beside import told
from ..engine.point import Point, check_wrt
from ..engine.run import constants, written
from ..engine.sweep import is_steep
from ..errors import SlopeError, Span, UsageError
from ..graph import CONSTANT, Graph, GraphBuilder, Node
from ..ops import Primitive
from ..ops.kinks import by_convention
from ..ops.namespaces import FLOATS

MOST_NODES = 5_000
"""That are exported: a program of more lines is for no reader."""

MOST_ORDER = 168
"""Of polygamma: beyond, its derivative has a factorial that is too large for a float."""

SAFE = (0.5, 1.0, 2.0, 3.0)
"""Operands for a branch that is not taken: one of them is in the domain of every primitive."""

MOST_CONDITIONS = 16
"""That are kept apart for one node; beyond, it counts as needed always."""

Condition = tuple[int, bool]
"""Node of a condition, and whether it holds."""


class Program(NamedTuple):
    """A computation at one point.

    Attributes:
        point: The computation there, with its numbers.
        wrt: Inputs asked for.
        reached: Per node, whether the output reads it through some branch.
        linked: Per node, whether it is on a path from an input asked for to the output.
        guards: Nodes in branches alone that have no number everywhere: the conditions, as a
            choice of conjunctions, under which each is needed.
        by_convention: Nodes that have at this point a slope that is their primitive's convention.
        value_bound: How far rounding may have moved the output.
        bounds: The same of the gradient, by input.
    """

    point: Point
    wrt: tuple[str, ...]
    reached: list[bool]
    linked: list[bool]
    guards: dict[int, tuple[tuple[Condition, ...], ...]]
    by_convention: dict[int, Primitive]
    value_bound: float
    bounds: dict[str, float]

    @property
    def graph(self) -> Graph:
        """The computation."""
        return self.point.graph

    @property
    def value(self) -> float:
        """The output."""
        return self.point.value

    @property
    def gradient(self) -> dict[str, float]:
        """The derivative by every input asked for."""
        return self.point.gradient(self.wrt)

    @property
    def steps(self) -> list[Node]:
        """The nodes that a program has lines for: steps that the output reads."""
        return [n for n in self.graph.nodes if n.op is not None and n.kind != CONSTANT and self.reached[n.id]]

    def touched(self, op: Primitive) -> list[str]:
        """Return the inputs whose slope goes through a slope that is a primitive's convention."""
        below: set[int] = set()
        for id, conventional in self.by_convention.items():
            if conventional is op:
                below |= _below(self.graph, id)
        return [name for name in self.wrt if self.graph.inputs[name] in below]


def _below(graph: Graph, id: int) -> set[int]:
    """Return the nodes that one is computed from."""
    below: set[int] = set()
    todo = [id]
    while todo:
        for i in graph.nodes[todo.pop()].inputs:
            if i not in below:
                below.add(i)
                todo.append(i)
    return below


def program_of(graph: Graph, bindings: Mapping[str, float], wrt: Sequence[str] | None = None) -> Program:
    """Return a computation at a point, its numbers by forward pass and reverse mode.

    Raises:
        BindingError: for bindings that do not fit.
        NoSuchNumber: where a value or slope does not exist, or no program of local derivatives has it.
        UsageError: where there is nothing to export.
    """
    if not graph.inputs:
        raise UsageError(
            "export needs something to differentiate by: the expression has no inputs",
            hint='backprop export "a*b" --a 3 --b -2 --to pytorch',
        )
    if graph.nodes[graph.output].kind == CONSTANT:
        raise UsageError("export needs something to differentiate: the output is a constant")
    if len(graph) > MOST_NODES:
        raise UsageError(f"{len(graph):,} nodes are too many to export: {MOST_NODES:,} at most")
    asked = check_wrt(graph, wrt)
    point = Point.at(graph, bindings, asked)
    if (plain := _without_faults(point)) is not graph:
        graph, point = plain, Point.at(plain, bindings, asked)
    for name in asked:
        limit = point.limits.get(graph.inputs[name])
        if limit is not None and limit.chain != limit.slope:
            raise _no_program(graph, name, limit.place, told(graph, limit))
    for node in graph.nodes:
        if node.op is not None and node.op.name == "polygamma" and point.values[node.inputs[0]] > MOST_ORDER:
            raise UsageError(
                f"{written(graph, node.id)} has a factorial that is too large for numbers of other programs",
                hint=f"orders up to {MOST_ORDER}",
            )
    noise, explained = rounding_bounds(point)
    reached = graph.needed()
    linked = _linked(graph, point.active, reached)
    for node in graph.nodes:
        if linked[node.id] and point.needed[node.id] and is_steep(node, point.values, linked):
            why = f"it multiplies 0 by the infinite slope of {written(graph, node.id)}"
            raise _no_program(graph, graph.own_name(node.id), node.id, why)
    return Program(
        point,
        asked,
        reached,
        linked,
        _guards(graph, point.values, reached),
        _by_convention(graph, point.values, point.needed, linked),
        noise,
        {name: explained[graph.inputs[name]] for name in asked},
    )


def _without_faults(point: Point) -> Graph:
    """Return the program with nan for a branch that has no value whatever the point is: ``log(-1)*x``.

    A target's ``log`` may raise, or say nan*0, although the branch is not taken.
    """
    graph, values = point.graph, constants(point.graph)
    faulty = [
        not isfinite(x)
        if node.kind == CONSTANT
        else node.op is not None and not point.needed[node.id] and safe_operands(graph, node, values) is None
        for node, x in zip(graph.nodes, values, strict=True)
    ]
    if not any(faulty):
        return graph
    builder, ids = GraphBuilder(graph.source, len(graph) + 1), dict[int, int]()

    def kept(i: int, span: Span) -> int:
        return builder.constant(nan, "nan", span) if faulty[i] else ids[i]

    for node in graph.nodes:
        read, op = node.inputs, node.op
        if op is not None and op.chosen is not None:
            # either branch may be the one that is taken
            faulty[node.id] = faulty[read[0]] or all(faulty[i] for i in read[1:])
        else:
            faulty[node.id] = faulty[node.id] or any(faulty[i] for i in read)
        if faulty[node.id]:
            continue
        if op is not None:
            ids[node.id] = builder.apply(op, tuple(kept(i, node.span) for i in read), node.span)
        elif node.kind == CONSTANT:
            ids[node.id] = builder.constant(node.value, node.label or "", node.span)
        else:
            ids[node.id] = builder.input(graph.name(node.id), node.span, node.kind)
        if node.name is not None or node.id == graph.output:
            builder.name(ids[node.id], graph.own_name(node.id))
    return builder.build([ids[i] for i in graph.outputs], graph.defaults, graph.euler)


def _no_program(graph: Graph, name: str, place: int | None, why: str) -> SlopeError:
    return SlopeError(
        f"no program of local derivatives has the slope in {name} here: {why}",
        source=graph.source,
        span=graph.nodes[place].span if place is not None else None,
        hint="another point; the program computes value and slope there",
    )


def _linked(graph: Graph, active: Sequence[bool], reached: Sequence[bool]) -> list[bool]:
    """Return the nodes on a path from an input to the output that no condition interrupts."""
    linked = [active[n.id] and n.op is None and reached[n.id] for n in graph.nodes]
    for node in graph.nodes:
        if node.op is not None and not node.op.truth and reached[node.id]:
            linked[node.id] = any(linked[i] for i in slopes_into(node))
    leads = [False] * len(graph)
    leads[graph.output] = True
    for node in reversed(graph.nodes[: graph.output + 1]):
        if leads[node.id] and node.op is not None:
            for i in slopes_into(node):
                leads[i] = True
    return [a and b for a, b in zip(linked, leads, strict=True)]


def slopes_into(node: Node) -> tuple[int, ...]:
    """Return the operands that a slope can pass to: not a condition, not an exponent's constant."""
    assert node.op is not None
    if node.op.truth:
        return ()
    return node.inputs[1:] if node.op.chosen else node.inputs


def _by_convention(
    graph: Graph, values: Sequence[float], needed: Sequence[bool], linked: Sequence[bool]
) -> dict[int, Primitive]:
    return {
        node.id: node.op
        for node in graph.nodes
        if node.op is not None
        and needed[node.id]
        and linked[node.id]
        and by_convention(node.op, [values[i] for i in node.inputs])
    }


def _guards(
    graph: Graph, values: Sequence[float], reached: Sequence[bool]
) -> dict[int, tuple[tuple[Condition, ...], ...]]:
    """Return the risky nodes that branches alone need, with the conditions for it."""
    needs: list[set[frozenset[Condition]]] = [set() for _ in graph.nodes]
    needs[graph.output] = {frozenset()}
    for node in reversed(graph.nodes):
        if node.op is None or not reached[node.id]:
            continue
        for position, i in enumerate(node.inputs):
            for known in needs[node.id]:
                if node.op.chosen and position:
                    known = known | {(node.inputs[0], position == 1)}
                    if (node.inputs[0], position != 1) in known:
                        continue
                _absorb(needs[i], known)
    guards: dict[int, tuple[tuple[Condition, ...], ...]] = {}
    kept = list(values)  # what the program computes: branches not taken are finite there
    for node in graph.nodes:
        if node.op is None or node.kind == CONSTANT or not reached[node.id]:
            continue
        kept[node.id] = node.op.forward(FLOATS, *[kept[i] for i in node.inputs])
        if frozenset() in needs[node.id] or node.op.truth or node.op.chosen:
            continue
        if _risky(graph, node, values) or not _finite(graph, node, kept):
            guards[node.id] = tuple(tuple(sorted(known)) for known in needs[node.id])
            safe = safe_operands(graph, node, values) or (None,) * len(node.inputs)
            operands = [values[i] if x is None else x for i, x in zip(node.inputs, safe, strict=True)]
            if not any(all(bool(values[c]) == holds for c, holds in known) for known in needs[node.id]):
                kept[node.id] = node.op.forward(FLOATS, *operands)
    return guards


def _risky(graph: Graph, node: Node, values: Sequence[float]) -> bool:
    """Whether operands that vary can leave the primitive's domain."""
    assert node.op is not None
    if node.op.domain is None:
        return False
    return not all(
        node.op.domain(*[values[i] if graph.nodes[i].kind == CONSTANT else x for i in node.inputs])
        for x in (-2.5, -1.0, 0.0, 1.0, 2.5)
    )


def _absorb(known: set[frozenset[Condition]], new: frozenset[Condition]) -> None:
    """Add a conjunction to a choice of them, where no weaker one is there."""
    if any(old <= new for old in known):
        return
    if len(known) >= MOST_CONDITIONS:
        known.clear()
        new = frozenset()
    for old in [old for old in known if new <= old]:
        known.discard(old)
    known.add(new)


def _finite(graph: Graph, node: Node, values: Sequence[float]) -> bool:
    assert node.op is not None
    operands = [values[i] for i in node.inputs]
    if not all(map(isfinite, [values[node.id], *operands])):
        return False
    partials = node.op.partials(FLOATS, values[node.id], *operands)
    varying = [p for p, i in zip(partials, node.inputs, strict=True) if graph.nodes[i].kind != CONSTANT]
    return all(map(isfinite, varying))


def safe_operands(graph: Graph, node: Node, values: Sequence[float]) -> tuple[float | None, ...] | None:
    """Return numbers that a primitive takes instead of its operands; None for one that can stay.

    Those that vary are replaced, and where none fits numbers that stand beside them, ``(-1)^y``, these too.
    None for a primitive that has no value with any, such as ``polygamma(0.5, x)``.
    """
    op = node.primitive
    constant = [graph.nodes[i].kind == CONSTANT for i in node.inputs]
    literal = [k == op.literal for k in range(len(constant))]
    for kept in (constant, literal):
        for x in SAFE:
            operands = [values[i] if stays else x for i, stays in zip(node.inputs, kept, strict=True)]
            if op.domain is None or op.domain(*operands):
                y = op.forward(FLOATS, *operands)
                slopes = op.partials(FLOATS, y, *operands)
                if isfinite(y) and all(isfinite(p) for p, c in zip(slopes, constant, strict=True) if not c):
                    return tuple(None if stays else x for stays in kept)
    return None
