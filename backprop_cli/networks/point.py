"""A network at one training step, as it is explained: the point of a program, number by number."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

from ..engine.point import Edge, Point
from ..engine.sweep import sweep
from ..errors import Source, UsageError, nearest
from ..explanation.expr import Expr, Ref
from ..explanation.point import WrittenPoint
from ..graph import INPUT, PARAMETER, Graph
from .unrolled import Unrolled


class NetworkPoint(WrittenPoint):
    """A network at one step.

    Args:
        unrolled: Its numbers; the names of the graph are those of `trace`.
        source: What the network is called.
        wrt: Parameters and inputs to differentiate by; None for the parameters that are trained.
        exact: The same step without rounding, where there is rounding.
    Raises:
        UsageError: for a name that is none, with the nearest.
    """

    def __init__(
        self, unrolled: Unrolled, source: str, wrt: Sequence[str] | None, exact: NetworkPoint | None = None
    ) -> None:
        self.unrolled = unrolled
        self.graph = graph = _with_names(unrolled, source)
        self.wrt = self._asked(wrt)
        self.paper = unrolled.paper
        self.exact = exact
        self.numbers = values = unrolled.values
        active = graph.depends_on([graph.inputs[name] for name in self.wrt])
        for id in unrolled.predictions:
            active[id] = False  # they only show what the loss takes from its logits
        swept = sweep(graph, values, active, seed=self.paper.number(1.0))
        inputs = {name: values[id] for name, id in graph.inputs.items()}
        self.here = Point(graph, inputs, values, graph.needed(values), active, list(map(float, swept)))

    def _asked(self, wrt: Sequence[str] | None) -> tuple[str, ...]:
        graph, network, u = self.graph, self.unrolled.network, self.unrolled
        if wrt is None:
            trained = [u.parameters[p.name] for p in network.parameters if p.trained]
            return tuple(graph.name(int(id)) for ids in trained for id in ids.reshape(-1))
        # targets and masks are given: nobody asks how the loss moves with them
        weights = [n for n, id in graph.inputs.items() if graph.nodes[id].kind == PARAMETER]
        inputs = [
            n for n, id in graph.inputs.items() if graph.nodes[id].kind == INPUT and id not in u.targets
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

    def ref(self, id: int) -> Expr:
        """Return a number by its name."""
        found = self.unrolled.ref(id)
        return Ref(self.unrolled.own_name(id), found.value) if isinstance(found, Ref) else found

    def operation(self, id: int) -> Expr:
        """Return a number as it is computed, in one line."""
        return self.unrolled.written(id, self.ref)

    def local(self, edge: Edge) -> Expr:
        """Return a local derivative over names."""
        return self.unrolled.slope(edge.user, edge.position, self.ref)

    def local_derivatives(self, id: int) -> tuple[float, ...]:
        """Return the numbers of a step's local derivatives; its row rounds where all is rounded."""
        return self.here.local(id)


def _with_names(unrolled: Unrolled, source: str) -> Graph:
    """Return the graph with a name for every number, told apart by its row where there are several."""
    graph, named = unrolled.graph, dict(unrolled.graph.named)
    nodes = list(graph.nodes)
    for id in unrolled.names:
        if nodes[id].op is not None:
            nodes[id] = copy(nodes[id])
            nodes[id].name = text = unrolled.own_name(id).text
            named[text] = id
    return Graph(Source(source), nodes, graph.outputs, graph.inputs, {}, named)
