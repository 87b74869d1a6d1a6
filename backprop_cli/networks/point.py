"""A network at one training step as the point of a program, number by number."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from functools import cached_property

from ..engine.point import Edge, Point
from ..engine.sweep import sweep
from ..errors import Source, UsageError, nearest
from ..explanation.expr import Apply, Expr, Number, Ref
from ..explanation.names import Name
from ..explanation.paper import Row, slope_of
from ..explanation.point import WrittenPoint
from ..explanation.region import without_defaults
from ..graph import CONSTANT, INPUT, Graph
from .unrolled import Unrolled


class NetworkPoint(WrittenPoint):
    """A network at one step; its numbers go by their names, which the rows of a batch share.

    Args:
        unrolled: The network as single numbers.
    Raises:
        NoSuchNumber: where a number that the loss needs is not finite.
    """

    def __init__(self, unrolled: Unrolled) -> None:
        self._work_out(unrolled, unrolled.graph, unrolled.weights)

    def _work_out(self, unrolled: Unrolled, graph: Graph, wrt: Sequence[str]) -> None:
        """Run forward and sweep back, for slopes by some leaves."""
        self.unrolled, self.graph, self.wrt = unrolled, graph, tuple(wrt)
        self.paper, self.exact = unrolled.paper, None
        self.numbers = values = unrolled.run()
        active = graph.depends_on([graph.inputs[name] for name in wrt])
        for id in unrolled.predictions:
            active[id] = False  # they only show what the loss takes from its logits
        swept = sweep(graph, values, active, seed=self.paper.number(1.0))
        inputs = {name: values[id] for name, id in graph.inputs.items()}
        self.here = Point(graph, inputs, values, graph.needed(values), active, list(map(float, swept)))
        self._operands: dict[int, list[Expr]] = {}
        self._derivatives: dict[int, tuple[float, ...]] = {}
        self._ranks: dict[int, list[float]] = {}

    @cached_property
    def uses(self) -> list[list[Edge]]:
        """For every node the steps on the way to the loss that read it, and as which operand."""
        uses: list[list[Edge]] = [[] for _ in self.graph.nodes]
        hidden = set(self.unrolled.predictions)
        for node in self.graph.nodes:
            for k, i in enumerate(node.inputs if node.id not in hidden else ()):
                uses[i].append(Edge(node.id, k, i))
        return uses

    def name(self, id: int) -> Name:
        """Return what a number is called."""
        return self.unrolled.names[id]

    def ref(self, id: int) -> Expr:
        """Return a number by its name."""
        value = self.here.values[id]
        return Number(value) if self.graph.nodes[id].kind == CONSTANT else Ref(self.name(id), value)

    def slope_ref(self, id: int) -> Ref:
        """Return the slope of the loss by a number, by its name."""
        return Ref(self.name(id)._replace(of="E"), self.here.cotangents[id])

    def operands(self, id: int) -> list[Expr]:
        """Return the operands of a step by their names."""
        if id not in self._operands:
            self._operands[id] = [self.ref(i) for i in self.graph.nodes[id].inputs]
        return self._operands[id]

    def operation(self, id: int) -> Expr:
        """Return a number as it is computed, in one line."""
        row, operands = self.graph.nodes[id].primitive, self.operands(id)
        if isinstance(row, Row):
            return row.write(operands)
        shown = without_defaults(row, operands) if self.unrolled.layer_of[id] else operands
        return Apply(row.name, tuple(shown))

    def local(self, edge: Edge) -> Expr:
        """Return a local derivative over names."""
        id, k, _ = edge
        row, operands = self.graph.nodes[id].primitive, self.operands(id)
        if isinstance(row, Row):
            beside = [self.ref(i) for i in self.unrolled.siblings.get(id, ())]
            return row.slope(k, operands, self.ref(id), beside)
        return slope_of(row, k, operands, self.ref(id))

    def local_derivatives(self, id: int) -> tuple[float, ...]:
        """Return the numbers of a step's local derivatives; its row rounds where all is rounded."""
        if id not in self._derivatives:
            self._derivatives[id] = self.here.local(id)
        return self._derivatives[id]


class NetworkProgram(NetworkPoint):
    """A network at one step as a program with a name for every number, which says its row.

    Args:
        unrolled: The network as single numbers.
        source: What the network is called.
        wrt: Parameters and inputs to differentiate by; None for the parameters that are trained.
        exact: The same step without rounding, where there is rounding.
    Raises:
        UsageError: for a name that is none, with the nearest.
        NoSuchNumber: where a number that the loss needs is not finite.
    """

    def __init__(
        self, unrolled: Unrolled, source: str, wrt: Sequence[str] | None, exact: NetworkProgram | None = None
    ) -> None:
        graph = _with_names(unrolled, source)
        self._work_out(unrolled, graph, _asked(unrolled, graph, wrt))
        self.exact = exact

    def name(self, id: int) -> Name:
        """Return what a number alone is called."""
        return self.unrolled.own_name(id)


def _asked(unrolled: Unrolled, graph: Graph, wrt: Sequence[str] | None) -> tuple[str, ...]:
    if wrt is None:
        trained = [unrolled.parameters[p.name] for p in unrolled.network.parameters if p.trained]
        return tuple(graph.name(int(id)) for ids in trained for id in ids.reshape(-1))
    # targets and masks are given: nobody asks how the loss moves with them
    weights = unrolled.weights
    inputs = [
        n for n, id in graph.inputs.items() if graph.nodes[id].kind == INPUT and id not in unrolled.targets
    ]
    for name in wrt:
        if name not in weights and name not in inputs:
            close = nearest(name[:80], [*weights, *inputs])
            some = ", ".join([*weights[:1], *inputs[:1]])
            raise UsageError(
                f"cannot differentiate by {name[:80]}: the step has no such weight, bias or input",
                hint=(f"did you mean {close}? " if close else "")
                + f"backprop trace writes all names: {some}, ...",
            )
    return tuple(dict.fromkeys(wrt))


def _with_names(unrolled: Unrolled, source: str) -> Graph:
    """Return the graph with a name for every number, told apart by its row where there are several."""
    graph, named = unrolled.graph, dict(unrolled.graph.named)
    nodes = list(graph.nodes)
    for id in unrolled.names:
        if nodes[id].op is not None:
            nodes[id] = copy(nodes[id])
            nodes[id].name = text = unrolled.own_name(id).text
            named[text] = id
    return graph.replaced(source=Source(source), nodes=nodes, defaults={}, named=named)
