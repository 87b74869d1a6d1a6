"""Quantities of programs with arrays as programs of their own, and what these come to at many points."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..engine.record import Recorder, Written
from ..engine.run import run, run_exactly
from ..engine.tensors import TensorPlan
from ..engine.unroll import elements
from ..graph import NOWHERE, Graph, Node
from ..ops import PRIMITIVES, Shape, precision
from .array_answers import ArrayAnswer, ArrayTarget, NDArray
from .derivatives import as_shown

Partials = Callable[[Node], Sequence[Any]]
"""The local derivatives of a step, written."""


class Slopes(Recorder):
    """A program over arrays, with derivatives and formulas written behind it.

    Args:
        graph: The program.
        output: Its output, of which formulas have derivatives; None for the graph's.
    """

    def __init__(self, graph: Graph, output: int | None = None) -> None:
        super().__init__(graph)
        self.program = graph
        self.output = graph.output if output is None else output
        self.values = [self.node(k) for k in range(len(graph))]
        self.pulling = True

    def by(self, of: int, by: int, partials: Partials | None = None) -> Any:
        """Write the derivative of a node by another: the axes of the one, then those of the other."""
        cut = self.program.with_output(of)
        shape, inner = cut.nodes[of].shape, cut.nodes[by].shape

        def pulled(seed: Any) -> Any:
            return self.whole(self.pull(cut, self.values, [by], seed, partials=partials)[by], inner)

        def along(axis: int, place: tuple[int, ...]) -> Any:
            if axis == len(shape):
                return pulled(self.xp.placed(1.0, shape, place) if shape else 1.0)
            return self.xp.stack(*(along(axis + 1, (*place, k)) for k in range(shape[axis])))

        return along(0, ())

    def formula(self, answer: ArrayAnswer) -> Any:
        """Write a claimed formula over the program's nodes."""
        assert answer.formula is not None
        graph = answer.formula.graph
        leaves: dict[int, Any] = dict(graph.constant_values())
        for name, id in graph.inputs.items():
            if name in answer.slopes:
                leaves[id] = self.by(self.output, answer.slopes[name])
            else:
                leaves[id] = self.values[answer.names[name]]
        return run(graph, leaves, self.xp)[graph.output]

    def part(self, whole: Any, target: ArrayTarget) -> Any:
        """Write the part of a quantity that a claim is about."""
        whole = self.expanded(whole, target.whole)
        return self.xp.index(whole, target.place) if target.place else whole


def quantity(graph: Graph, target: ArrayTarget) -> tuple[Slopes, Any]:
    """Return the program behind which a quantity is written, and the quantity."""
    pen = Slopes(graph)
    if not target.by:
        return pen, pen.part(pen.values[target.of], target)
    found = pen.by(target.of, target.by[0])
    if len(target.by) == 2:
        first = pen.done(found)
        pen = Slopes(first, graph.output)
        found = pen.by(first.output, target.by[1])
    return pen, pen.part(found, target)


def forced(
    graph: Graph,
    target: ArrayTarget,
    values: Mapping[int, Shape],
    slopes: Mapping[int, Shape],
    *,
    shown: bool = False,
) -> Graph:
    """Return the program of a value or first derivative where some steps, and derivatives, are given.

    What is given are inputs of their own, ``value 3`` and ``slope 4``. Local derivatives are taken from
    operands, or, ``shown``, as readers are shown them: of a sigmoid from its value.
    """
    pen = Slopes(graph)

    def leaf(what: str, id: int, shape: Shape) -> Any:
        return Written(pen, pen.builder.array(f"{what} {id}", shape, NOWHERE))

    given = {id: leaf("value", id, shape) for id, shape in values.items()}
    leaves = {n.id: pen.values[n.id] for n in graph.nodes if n.op is None}
    found = run(graph, leaves, pen.xp, force=given)
    if not target.by:
        return pen.done(pen.part(found[target.of], target))
    cut, (by,) = graph.with_output(target.of), target.by
    known = {id: leaf("slope", id, shape) for id, shape in slopes.items()}

    def as_they_are_shown(node: Node) -> Sequence[Any]:
        x = [found[i] for i in node.inputs]
        if node.primitive.name in PRIMITIVES:
            return as_shown(node.primitive, found[node.id], x, pen.xp)
        own: Sequence[Any] = node.primitive.partials(pen.xp, found[node.id], *x, **node.static)
        return own

    partials = as_they_are_shown if shown else None
    pulled = pen.pull(cut, found, [by], force=known, partials=partials)[by]
    return pen.done(pen.part(pen.whole(pulled, graph.nodes[by].shape), target))


class Runs:
    """What the outputs of a program come to at point after point.

    Args:
        graph: The program.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.leaves = {id: np.zeros(graph.nodes[id].shape) for id in graph.inputs.values()}
        self.plan = TensorPlan(graph, self.leaves)

    def __call__(self, inputs: Mapping[str, Any]) -> list[NDArray]:
        """Return the outputs at a point."""
        for name, id in self.graph.inputs.items():
            self.leaves[id][...] = inputs[name]
        with np.errstate(all="ignore"):
            self.plan.run()
        shapes = [self.graph.nodes[id].shape for id in self.graph.outputs]
        pairs = zip(self.graph.outputs, shapes, strict=True)
        return [np.broadcast_to(self.plan.value(id), shape).copy() for id, shape in pairs]


class Exactly:
    """The same to many digits: the program number by number.

    Args:
        graph: The program.
    """

    def __init__(self, graph: Graph) -> None:
        unrolled = elements(graph)
        self.ids = [unrolled.ids(id) for id in graph.outputs]
        self.graph = unrolled.recorder.builder.build([int(k) for ids in self.ids for k in ids.reshape(-1)])
        self.inputs = {name: unrolled.ids(id) for name, id in graph.inputs.items()}

    def __len__(self) -> int:
        return len(self.graph)

    def __call__(self, inputs: Mapping[str, Any], digits: int) -> list[NDArray]:
        """Return the outputs at a point, arrays of numbers of mpmath's."""
        names = {k: name for name, k in self.graph.inputs.items()}
        leaves = {
            names[int(k)]: float(x)
            for name, ids in self.inputs.items()
            for k, x in zip(ids.reshape(-1), np.asarray(inputs[name], float).reshape(-1), strict=True)
        }
        with precision.digits(digits):
            values = np.array(run_exactly(self.graph, leaves, self.graph.needed()), object)
        return [values[ids] for ids in self.ids]


RANGES = ((-2.0, 2.0), (0.1, 2.0), (0.05, 0.95), (-0.95, 0.95), (0.5, 4.0), (-5.0, 5.0))
"""Where the numbers of arrays are drawn from: domains usually are there."""


def draws(
    graph: Graph, shares: Sequence[int] = (), symmetric: Sequence[str] = ()
) -> Iterator[dict[str, NDArray]]:
    """Yield points, always the same ones.

    Args:
        graph: The program.
        shares: Inputs whose rows add up to 1.
        symmetric: Matrices that are equal to their transpose.
    """
    draw = np.random.default_rng(list(f"points of {graph.source.text}".encode()))
    k = 0
    while True:
        alone = RANGES[(k // 2) % len(RANGES)]
        point = {}
        for name, id in graph.inputs.items():
            shape = graph.nodes[id].shape
            low, high = alone if k % 2 else RANGES[draw.integers(len(RANGES))]
            x = draw.uniform(low, high, shape)
            square = len(shape) == 2 and shape[0] == shape[1]
            if id in shares:
                x = draw.dirichlet(np.ones(shape[-1]), shape[:-1])
            elif square and k % 3:  # inverses, and logarithms of determinants
                x = x + shape[0] * np.eye(shape[0])
            if name in symmetric:
                x = (x + x.T) / 2.0
            point[name] = x
        yield point
        k += 1
