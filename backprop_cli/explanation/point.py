"""A program at one point, run both ways, with its steps as they are written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

from ..differentiation.rounding import zero_slopes
from ..engine.point import Edge, Point, check_wrt
from ..engine.run import constants, evaluate
from ..engine.sweep import sweep
from ..errors import NoSuchNumber
from ..graph import CONSTANT, Graph, Node
from ..language.format import given
from ..ops.kinks import Kink, sides
from .expr import Apply, Expr, Number, Ref, applied, read
from .local import local_texts
from .names import Name
from .paper import Paper, on_paper
from .paper import evaluate as worked_out

DEEPEST = 8  # constants built in more steps than this are shown as their number


class Written:
    """A graph whose steps are expressions over names, with numbers where there are any.

    Args:
        graph: The computation.
        values: A number per node; None where nothing is bound.
    """

    def __init__(self, graph: Graph, values: Sequence[float] | None = None) -> None:
        self.graph = graph
        self.numbers = values
        self._operations: dict[int, Expr] = {}
        self._locals: dict[int, tuple[str, ...]] = {}
        self._around: dict[int, dict[str, Expr]] = {}
        self._ranks: dict[int, list[float]] = {}

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
        return Apply(self.graph.called(node.op), operands)

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
        found = self._operations.get(id)
        if found is None:
            node = self.graph.nodes[id]
            assert node.op is not None
            operands = tuple(map(self.operand, given(self.graph, node)))
            found = self._operations[id] = applied(node.op, operands, self.graph.called(node.op))
        return found

    def local(self, edge: Edge) -> Expr:
        """Return a local derivative over names."""
        return self._read(self._local_texts(edge.user)[edge.position], edge.user)

    def _local_texts(self, id: int) -> tuple[str, ...]:
        """Return the local derivatives of a step as texts, all written at once."""
        texts = self._locals.get(id)
        if texts is None:
            texts = self._locals[id] = local_texts(self.graph, id, self.numbers)
        return texts

    def _read(self, text: str, id: int) -> Expr:
        known = self._around.get(id)
        if known is None:
            known = self._around[id] = self._names_around(id)
        return read(text, known)

    def _names_around(self, id: int) -> dict[str, Expr]:
        """Return what the local derivatives of a step may read."""
        nodes, known = self.graph.nodes, {}
        around = [id, *nodes[id].inputs]
        for i in nodes[id].inputs:
            op = nodes[i].op
            around += nodes[i].inputs if op is not None and op.truth else ()
        for i in around:
            if nodes[i].kind != CONSTANT:
                known[self.graph.own_name(i)] = self.ref(i)
        return known


class WrittenPoint(Written):
    """A program at one point, worked out as it is written.

    Args:
        graph: The computation.
        bindings: Values of inputs over the program's own.
        wrt: Inputs to differentiate by; None for all.
        decimals: Round every result to so many decimals; None rounds nothing.
    Attributes:
        wrt: Inputs asked for.
        paper: Rounds.
        here: The program at its point; where all is rounded, the one that is worked out by hand.
        exact: The same without rounding; None where nothing is rounded.
        noise: Bound on the rounding error of the output; 0 where it is not known.
        zeros: Nodes whose slope is 0 but for the rounding of floats.
    Raises:
        BindingError, NoSuchNumber: as in `differentiate`.
    """

    noise: float = 0.0
    zeros: Collection[int] = ()

    def __init__(
        self,
        graph: Graph,
        bindings: Mapping[str, float],
        wrt: Sequence[str] | None = None,
        decimals: int | None = None,
    ) -> None:
        self.wrt = check_wrt(graph, wrt, steps=True)
        self.paper = Paper(decimals)
        self.exact = None if self.paper.exact else WrittenPoint(graph, bindings, wrt)
        self.here: Point = self.exact.here if self.exact is not None else Point.at(graph, bindings, wrt)
        super().__init__(graph, self.here.values)
        if self.exact is not None:
            self._round(self.exact.here)

    @property
    def bound(self) -> bool:
        """Whether there are numbers; without them the lines of the passes have nan for each."""
        return self.numbers is not None

    @property
    def gradient(self) -> dict[str, float]:
        """The slope by every input asked for."""
        return self.here.gradient(self.wrt)

    def settle(self, noise: float, bounds: Sequence[float]) -> None:
        """Take the slopes that are what rounding leaves of 0 for 0: they tell of no way up.

        Args:
            noise: Bound on the rounding error of the output.
            bounds: The same of every cotangent.
        """
        self.noise, self.zeros = noise, zero_slopes(self.here, bounds)
        if self.zeros:
            slopes = [0.0 if k in self.zeros else g for k, g in enumerate(self.here.cotangents)]
            self.here = self.here._replace(cotangents=slopes)

    def _round(self, exact: Point) -> None:
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
        by_hand = graph.replaced(nodes=nodes)
        try:
            inputs = {name: paper(x) for name, x in self.here.inputs.items()}
            values, needed = evaluate(by_hand, inputs)
            self.numbers = values
            nothing = [0.0] * len(graph)
            self.here = Point(by_hand, inputs, values, needed, self.here.active, nothing, exact.limits)
            swept = sweep(by_hand, values, self.here.active, seed=paper.number(1.0), partials=self._passed)
            cotangents = list(map(float, swept))
            for k in exact.limits:
                cotangents[k] = paper(exact.cotangents[k])
            self.here = self.here._replace(cotangents=cotangents)
        except NoSuchNumber as error:
            error.message += " after rounding"
            error.hint = "more --digits"
            raise

    def _passed(self, node: Node) -> list[float]:
        """Return the local derivatives of a step, 0 where no slope asked for goes through."""
        through = {edge.position for edge in self.here.edges(node.id)}
        return [p if k in through else 0.0 for k, p in enumerate(self.local_derivatives(node.id))]

    def local_derivatives(self, id: int) -> tuple[float, ...]:
        """Return the numbers of a step's local derivatives, rounded where all is."""
        if self.paper.exact:
            return self.here.local(id)
        texts = self._local_texts(id)
        return tuple(worked_out(self._read(t, id), self.paper) if t else 0.0 for t in texts)

    def is_step(self, id: int) -> bool:
        """Whether a node has a line of its own in the passes."""
        return True

    def edges(self, id: int) -> list[Edge]:
        """Return the uses that a step makes of what the gradient asked for goes through, here."""
        return self.here.edges(id)

    def branch(self, id: int) -> int | None:
        """Return the operand that a choice took; None for a step that chooses nothing."""
        taken = self.here.taken(id)
        return self.graph.nodes[id].inputs[taken[-1]] if taken is not None else None

    def kink(self, id: int, source: int) -> Kink | None:
        """Return what is different on the two sides of an operand; None where nothing is."""
        node = self.graph.nodes[id]
        if node.op is None:
            return None
        moved = [k for k, i in enumerate(node.inputs) if i == source]
        if node.op.wins is None:
            return sides(node.op, [self.here.values[i] for i in node.inputs], moved)
        # of an extremum, all others count for one: the largest, or smallest, of them
        own = self.here.values[source]
        ranked = self._ranked(id)
        rest = ranked[len(moved) if ranked[0] == own else 0 :]
        return sides(node.op, [own] * len(moved) + rest[:1], range(len(moved))) if rest else None

    def _ranked(self, id: int) -> list[float]:
        """Return the operands of an extremum, the one that it is first."""
        found = self._ranks.get(id)
        if found is None:
            node = self.graph.nodes[id]
            assert node.op is not None
            values = [self.here.values[i] for i in node.inputs]
            found = self._ranks[id] = sorted(values, reverse=node.op.wins == "greater")
        return found
