"""A program at one point: bound, run forward, swept back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, isnan
from typing import TYPE_CHECKING, NamedTuple

from ..errors import UsageError, nearest
from ..graph import CONSTANT, Graph
from ..ops.namespaces import FLOATS
from .reverse import reverse
from .run import bind, evaluate, is_bound, leaf_values
from .sweep import active_nodes

if TYPE_CHECKING:
    from .beside import Beside


class Edge(NamedTuple):
    """One use of a node: operand number ``position`` of ``user`` is ``source``."""

    user: int
    position: int
    source: int


class Point(NamedTuple):
    """A program at one point, in floats.

    Attributes:
        graph: The computation.
        inputs: A value for every input.
        values: Per node; what the outputs do not need here may be infinite or nan.
        needed: Per node, whether the outputs need it here.
        active: Per node, whether the gradient asked for goes through it.
        cotangents: d output / d node; 0 where the gradient does not go, nan at a step without one.
        limits: What stands beside the point, for the nodes whose cotangent is not by the chain rule.
    """

    graph: Graph
    inputs: dict[str, float]
    values: list[float]
    needed: list[bool]
    active: list[bool]
    cotangents: list[float]
    limits: Mapping[int, Beside] = {}

    @classmethod
    def at(cls, graph: Graph, bindings: Mapping[str, float], wrt: Sequence[str] | None = None) -> Point:
        """Bind a program, run it and sweep back.

        Args:
            graph: The computation.
            bindings: Values of inputs over the program's own.
            wrt: Inputs and steps to differentiate by; None for all, () for the values alone.
        Raises:
            UsageError, BindingError: for names and bindings that do not fit.
            NoSuchNumber: where a value or slope that the answer needs does not exist.
        """
        active = active_nodes(graph, None if wrt is None else check_wrt(graph, wrt, steps=True))
        return cls.of(graph, bind(graph, bindings), active)

    @classmethod
    def of(cls, graph: Graph, inputs: dict[str, float], active: list[bool]) -> Point:
        """Run a program whose inputs are bound and sweep back.

        Raises:
            NoSuchNumber: as in `at`.
        """
        values, needed = evaluate(graph, inputs)
        limits: dict[int, Beside] = {}
        return cls(graph, inputs, values, needed, active, reverse(graph, values, active, limits), limits)

    @property
    def value(self) -> float:
        """The output."""
        return self.values[self.graph.output]

    def gradient(self, names: Sequence[str]) -> dict[str, float]:
        """Return d output / d name for some inputs and steps."""
        return {name: self.cotangents[self.graph.id_of(name)] for name in names}

    def shown(self) -> list[float | None]:
        """Return the values that a reader sees: none for a branch not taken."""
        reached, nodes = self.graph.needed(), self.graph.nodes
        return [
            v if self.needed[k] or nodes[k].op is None or (not reached[k] and isfinite(v)) else None
            for k, v in enumerate(self.values)
        ]

    def is_apart(self, id: int) -> bool:
        """Whether a condition holds here, and beside the point does not, as a node moves: no branch tells."""
        return id in self.limits and self.limits[id].apart

    def limit(self, id: int) -> dict[str, float]:
        """Return the slope from beside the point as a witness, where the chain rule has none."""
        found = id in self.limits and isfinite(self.cotangents[id])
        return {"limit": self.cotangents[id]} if found else {}

    def leaves(self) -> dict[int, float]:
        """Return the value of every leaf."""
        return leaf_values(self.graph, self.inputs)

    def local(self, id: int) -> tuple[float, ...]:
        """Return the local derivatives of a node by its operands; () for a leaf, nan by a literal operand."""
        node = self.graph.nodes[id]
        if node.op is None:
            return ()
        operands = [self.values[i] for i in node.inputs]
        return tuple(map(float, node.op.partials(FLOATS, self.values[id], *operands)))

    def taken(self, id: int) -> tuple[int, ...] | None:
        """Return the positions of the operands that a choice took; None for a step that chooses nothing."""
        node = self.graph.nodes[id]
        if node.op is None or node.op.chosen is None:
            return None
        return tuple(node.op.chosen(*(self.values[i] for i in node.inputs)))

    def edges(self, id: int) -> list[Edge]:
        """Return the uses a step makes of what the gradient asked for goes through, here at this point.

        The chain rule goes neither on to a node whose slope is a limit of its own, nor from one without any.
        """
        graph, node = self.graph, self.graph.nodes[id]
        if node.op is None or not self.needed[id] or not self.active[id] or isnan(self.cotangents[id]):
            return []
        taken = self.taken(id)
        found = []
        for position, i in enumerate(node.inputs):
            op = graph.nodes[i].op
            condition = op is not None and op.truth
            goes_on = self.active[i] and i not in self.limits and not condition
            if goes_on and (taken is None or position in taken):
                found.append(Edge(id, position, i))
        return found


def check_wrt(graph: Graph, wrt: Sequence[str] | None, *, steps: bool = False) -> tuple[str, ...]:
    """Return the inputs asked for, all by default; with ``steps`` they may be steps, too.

    Raises:
        UsageError: for a name that is none of them.
    """
    if wrt is None:
        return tuple(graph.inputs)
    if isinstance(wrt, str):
        wrt = [wrt]
    for name in wrt:
        if not name:
            raise UsageError(
                "an empty name to differentiate by", hint=f"its inputs: {', '.join(graph.inputs)}"
            )
        if name in graph.inputs or (steps and _is_step(graph, name)):
            continue
        if not steps and _is_step(graph, name):
            raise UsageError(
                f"{name} is a step of the program: here derivatives are by inputs",
                hint=f"of single numbers grad, explain and limit take --wrt {name}",
            )
        known = (
            [n for n, id in graph.named.items() if graph.nodes[id].kind != CONSTANT]
            if steps
            else graph.inputs
        )
        close = nearest(name, list(known)[:2_000])
        what = "input or step" if len(known) > len(graph.inputs) else "input"
        raise UsageError(
            f"cannot differentiate by {name}: the expression has no {what} {name}",
            hint=f"did you mean {close}?" if close else f"its inputs: {', '.join(graph.inputs)}",
        )
    return tuple(dict.fromkeys(wrt))


def _is_step(graph: Graph, name: str) -> bool:
    try:
        return graph.nodes[graph.id_of(name)].op is not None
    except KeyError:
        return False


def point_of(graph: Graph, bindings: Mapping[str, float], wrt: Sequence[str] | None = None) -> Point | None:
    """Return the program at its point; None where nothing is bound of what needs values. See `Point.at`."""
    check_wrt(graph, wrt, steps=True)
    return Point.at(graph, bindings, wrt) if is_bound(graph, bindings) else None
