"""A program at one point, run both ways, with its steps as they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from ..differentiation.report import check_wrt
from ..engine.run import bind, constants, evaluate
from ..engine.sweep import active_nodes, reverse, sweep
from ..errors import NoSuchNumber
from ..graph import CONSTANT, Graph, Node
from ..ops.kinks import Kink, sides
from .local import local_texts, local_values
from .written import Apply, Expr, Name, Number, Paper, Ref, on_paper, read
from .written import evaluate as worked_out

DEEPEST = 8  # constants built in more steps than this are shown as their number


class Edge(NamedTuple):
    """One use of a node: operand number ``position`` of ``user`` is ``source``."""

    user: int
    position: int
    source: int


class Written:
    """A graph whose steps are expressions over names, with numbers where there are any.

    Args:
        graph: The computation.
        values: A number per node; None where nothing is bound.
    """

    def __init__(self, graph: Graph, values: Sequence[float] | None = None) -> None:
        self.graph = graph
        self.numbers = values

    def ref(self, id: int) -> Expr:
        """Return a node as an operand: by its name, or, for a constant, as it was written."""
        node = self.graph.nodes[id]
        if node.kind == CONSTANT:
            return self.constant(id)
        value = self.numbers[id] if self.numbers is not None else 0.0
        return Ref(Name(self.graph.own_name(id)), value)

    def constant(self, id: int, depth: int = 0) -> Expr:
        """Return a constant as it was written."""
        node = self.graph.nodes[id]
        if node.op is None:
            label = node.label or ""
            return Number(node.value, "" if label[:1] in "0123456789." else label)
        if depth > DEEPEST:
            return Number(self._constants[id])
        operands = tuple(self.constant(i, depth + 1) for i in given(self.graph, node))
        if node.op.name == "negative" and isinstance(operands[0], Number) and not operands[0].label:
            return Number(-operands[0].value)
        return Apply(node.op.name, operands)

    @cached_property
    def _constants(self) -> list[float]:
        return constants(self.graph)

    def operand(self, id: int) -> Expr:
        """Return a node as an operand; a condition without a name is written where it stands."""
        node = self.graph.nodes[id]
        if node.op is not None and node.op.truth and node.name is None:
            return self.operation(id)
        return self.ref(id)

    def operation(self, id: int) -> Expr:
        """Return a step as one operation over names."""
        node = self.graph.nodes[id]
        assert node.op is not None
        return Apply(node.op.name, tuple(map(self.operand, given(self.graph, node))))

    def slope(self, edge: Edge) -> Expr:
        """Return a local derivative over names."""
        return self._read(local_texts(self.graph, edge.user)[edge.position], edge.user)

    def _read(self, text: str, id: int) -> Expr:
        nodes, known = self.graph.nodes, {}
        around = [id, *nodes[id].inputs]
        for i in nodes[id].inputs:
            op = nodes[i].op
            around += nodes[i].inputs if op is not None and op.truth else ()
        for i in around:
            if nodes[i].kind != CONSTANT:
                known[self.graph.own_name(i)] = self.ref(i)
        return read(text, known)


def given(graph: Graph, node: Node) -> tuple[int, ...]:
    """Return the operands that were written: those left out have the place of the whole."""
    given = node.inputs
    assert node.op is not None
    while len(given) > node.op.arity[0] and graph.nodes[given[-1]].span == node.span:
        given = given[:-1]
    return given


class Point(Written):
    """A program at one point.

    Args:
        graph: The computation.
        bindings: Values of inputs over the program's own.
        wrt: Inputs to differentiate by; None for all.
        decimals: Round every result to so many decimals; None rounds nothing.
    Attributes:
        inputs: A value for every input.
        values: Per node.
        needed: Per node, whether the output needs it here.
        active: Per node, whether a slope asked for goes through it.
        slopes: d output / d node.
        exact: The same without rounding; None where nothing is rounded.
        program: What is run: the graph, by hand where all is rounded.
    Raises:
        BindingError, NoSuchNumber: as in `differentiate`.
    """

    def __init__(
        self,
        graph: Graph,
        bindings: Mapping[str, float],
        wrt: Sequence[str] | None = None,
        decimals: int | None = None,
    ) -> None:
        super().__init__(graph)
        self.wrt = check_wrt(graph, wrt)
        self.paper = Paper(decimals)
        self.inputs = bind(graph, bindings)
        self.active = active_nodes(graph, None if wrt is None else self.wrt)
        self.values, self.needed = evaluate(graph, self.inputs)
        self.slopes = reverse(graph, self.values, self.active)
        self.numbers = self.values
        self.exact: Point | None = None
        self.program = graph
        if not self.paper.exact:
            self.exact = Point(graph, bindings, wrt)
            self._round()

    @property
    def gradient(self) -> dict[str, float]:
        """The slope by every input asked for."""
        return {name: self.slopes[self.graph.inputs[name]] for name in self.wrt}

    @property
    def value(self) -> float:
        """The output."""
        return self.values[self.graph.output]

    def _round(self) -> None:
        """Run again, by hand: every result and every product rounded."""
        graph, paper = self.graph, self.paper
        nodes = []
        for node in graph.nodes:
            if node.op is not None and node.kind != CONSTANT:
                fixed = tuple(graph.nodes[i].kind == CONSTANT for i in node.inputs)
                node = Node(
                    node.id, on_paper(node.op, fixed, paper), node.inputs, node.kind, node.span, node.name
                )
            nodes.append(node)
        self.program = by_hand = Graph(
            graph.source, nodes, graph.outputs, graph.inputs, graph.defaults, graph.named
        )
        try:
            self.inputs = {name: paper(x) for name, x in self.inputs.items()}
            self.values, self.needed = evaluate(by_hand, self.inputs)
            self.numbers = self.values
            swept = sweep(by_hand, self.values, self.active, seed=paper.number(1.0), partials=self._used)
            self.slopes = list(map(float, swept))
        except NoSuchNumber as error:
            error.message += " after rounding"
            error.hint = "more --digits"
            raise

    def _used(self, node: Node) -> list[float]:
        """Return the local derivatives of a step, 0 where no slope asked for goes through."""
        slopes, through = self.local_slopes(node.id), {edge.position for edge in self.edges(node.id)}
        return [slope if k in through else 0.0 for k, slope in enumerate(slopes)]

    def edges(self, id: int) -> list[Edge]:
        """Return the uses a step makes of what a slope asked for goes through, here at this point."""
        node = self.graph.nodes[id]
        if node.op is None or not self.needed[id] or not self.active[id]:
            return []
        taken = node.op.chosen(*(self.values[i] for i in node.inputs)) if node.op.chosen else None
        found = []
        for k, i in enumerate(node.inputs):
            operand = self.graph.nodes[i]
            condition = operand.op is not None and operand.op.truth
            if self.active[i] and not condition and (taken is None or k in taken):
                found.append(Edge(id, k, i))
        return found

    def local_slopes(self, id: int) -> tuple[float, ...]:
        """Return the local derivatives of a step, rounded where all is."""
        if self.paper.exact:
            return local_values(self.graph, self.values, id)
        texts = local_texts(self.graph, id)
        return tuple(worked_out(self._read(t, id), self.paper) if t else 0.0 for t in texts)

    def branch(self, id: int) -> int | None:
        """Return the operand that a choice took; None for a step that chooses nothing."""
        node = self.graph.nodes[id]
        if node.op is None or node.op.chosen is None:
            return None
        return node.inputs[node.op.chosen(*(self.values[i] for i in node.inputs))[-1]]

    def kink(self, id: int, source: int) -> Kink | None:
        """Return what is different on the two sides of an operand; None where nothing is."""
        node = self.graph.nodes[id]
        if node.op is None:
            return None
        operands = [self.values[i] for i in node.inputs]
        return sides(node.op, operands, [k for k, i in enumerate(node.inputs) if i == source])
