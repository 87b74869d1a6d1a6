"""The first derivative as a program of its own: a second derivative is the derivative of that.

It is written down node by node as a teacher writes it, by the local derivatives that readers are shown,
or with a wrong rule in place of the right one. The nodes of the program it comes from stay in front.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from ..engine.run import constants, number
from ..errors import Span
from ..graph import CONSTANT, Graph, GraphBuilder, Node
from ..language.format import Piece, compose, join
from ..language.lower import lower
from ..language.operators import ATOM, UNARY
from ..language.parser import parse
from ..ops import PRIMITIVES, Primitive
from ..ops.namespaces import FLOATS, Lifted
from .answers import Answer, Target
from .rules import Place, Wrong, wrongly

NOWHERE: Span = (0, 0)
MOST_TEXT = 48
"""Characters of a formula that is shown; of longer ones, parts are left out."""


class Written:
    """A number that is written down as a node."""

    __slots__ = ("id", "pen")

    def __init__(self, pen: Pen, id: int) -> None:
        self.pen = pen
        self.id = id

    def __neg__(self) -> Any:
        return self.pen.write("negative", self)

    def __add__(self, other: Any) -> Any:
        return self.pen.write("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return self.pen.write("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return self.pen.write("subtract", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self.pen.write("subtract", other, self)

    def __mul__(self, other: Any) -> Any:
        return self.pen.write("multiply", self, other)

    def __rmul__(self, other: Any) -> Any:
        return self.pen.write("multiply", other, self)


class Pen:
    """Writes operations behind the nodes of a program; zeros, ones and numbers by themselves are not written.

    Args:
        graph: The program, which stays as it is.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.builder = GraphBuilder(graph.source)
        self.builder.nodes = list(graph.nodes)
        self.xp = Lifted("written numbers", self.apply)
        self.numbers = constants(graph)

    def node(self, id: int) -> Any:
        """Return a node of the program; constants are plain numbers."""
        constant = self.graph.nodes[id].kind == CONSTANT
        return self.numbers[id] if constant else Written(self, id)

    def write(self, name: str, *operands: Any) -> Any:
        """Write a primitive by its name."""
        return self.apply(PRIMITIVES[name], *operands)

    def apply(self, op: Primitive, *operands: Any) -> Any:
        """Write a primitive, in short where that is the same."""
        if op.literal_form and not isinstance(operands[-1], Written):
            op = PRIMITIVES[op.literal_form]
        if not any(isinstance(x, Written) for x in operands):
            return op.forward(FLOATS, *operands)
        short = self._short(op.name, operands)
        if short is not None:
            return short
        return Written(self, self.builder.apply(op, tuple(map(self._id, operands)), NOWHERE))

    def _id(self, x: Any) -> int:
        return x.id if isinstance(x, Written) else self.builder.constant(x, number(x), NOWHERE)

    def _short(self, name: str, x: tuple[Any, ...]) -> Any:
        """Return what an operation comes to where it needs no node of its own, else None."""
        if name == "negative":
            inner = self.builder.nodes[x[0].id]
            return self._of(inner, 0) if inner.op is not None and inner.op.name == "negative" else None
        if len(x) != 2:
            return None
        a, b = x
        known = a if not isinstance(a, Written) else b if not isinstance(b, Written) else None
        other = b if known is a else a
        match name, known:
            case "add", 0.0:
                return other
            case "add", None if a.id == b.id:
                return 2.0 * a
            case "subtract", 0.0:
                return a if known is b else -b
            case "multiply", 0.0:
                return 0.0
            case "multiply", 1.0 | -1.0:
                return other if known == 1.0 else -other
            case "multiply", float():
                inner = self.builder.nodes[other.id]
                if inner.op is not None and inner.op.name == "multiply":
                    factor = self._of(inner, 0)
                    if not isinstance(factor, Written):
                        return (known * factor) * self._of(inner, 1)
                return None if known is a else known * other
            case "divide", 0.0 if known is a:
                return 0.0
            case "divide" | "power_n", 1.0 if known is b:
                return a
            case "power_n", 0.0 if known is b:
                return 1.0
        return None

    def _of(self, node: Node, k: int) -> Any:
        """Return an operand of a node."""
        operand = self.builder.nodes[node.inputs[k]]
        return operand.value if operand.kind == CONSTANT and operand.op is None else Written(self, operand.id)

    def partials(self, op: Primitive, y: Any, x: list[Any]) -> list[Any]:
        """Return the local derivatives as a reader is shown them."""
        if not op.local or op.chosen:
            return list(op.partials(self.xp, y, *x))
        known = dict(zip(op.params, x, strict=False)) | {"y": y}
        return [self.formula(_read(text), known) if text else 0.0 for text in op.local]

    def formula(self, graph: Graph, known: dict[str, Any]) -> Any:
        """Write another graph over what its inputs stand for."""
        found: list[Any] = [0.0] * len(graph)
        for name, id in graph.inputs.items():
            found[id] = known[name]
        for node in graph.nodes:
            if node.op is not None:
                found[node.id] = self.apply(node.op, *(found[i] for i in node.inputs))
            elif node.kind == CONSTANT:
                found[node.id] = node.value
        return found[graph.output]

    def done(self, *outputs: Any) -> Graph:
        """Return the program with what was written, and these for its outputs."""
        g, ids = self.graph, tuple(map(self._id, outputs))
        return Graph(g.source, self.builder.nodes, ids, g.inputs, g.defaults, g.named, g.euler)


@cache
def _read(text: str) -> Graph:
    return lower(parse(text))


@lru_cache(maxsize=1024)
def derivative(graph: Graph, of: int, by: int, habit: tuple[Wrong, ...] = ()) -> Graph:
    """Return the program whose output is the derivative of a node by another.

    Args:
        graph: The program.
        of: What is differentiated.
        by: By what.
        habit: Wrong rules that are used wherever one of them can be.
    """
    pen = Pen(graph)
    moves = graph.depends_on([by])
    slopes: list[Any] = [0.0] * len(graph)
    slopes[by] = 1.0
    for node in graph.nodes[by + 1 : of + 1]:
        op, ids = node.op, node.inputs
        if op is None or not moves[node.id]:
            continue
        x, t = [pen.node(i) for i in ids], [slopes[i] for i in ids]
        y = pen.node(node.id)
        place = Place(
            pen.xp,
            op,
            y,
            x,
            t,
            [moves[i] for i in ids],
            [graph.nodes[i].kind == CONSTANT for i in ids],
            [i == by for i in ids],
            pen.node(by),
            pen.partials(op, y, x),
        )
        if op.chosen:
            place.right = t[1] if t[1] is t[2] else pen.apply(op, x[0], t[1], t[2])
        elif op.name == "divide" and place.moves[1]:
            place.right = pen.xp.divide(t[0] * x[1] - x[0] * t[1], pen.xp.power(x[1], 2.0))
        slope = wrongly(place, habit)
        slopes[node.id] = place.right if slope is None else slope
    # where there is no value there is no slope, whatever its formula gives
    return pen.done(Written(pen, of), slopes[of])


def claimed(graph: Graph, answer: Answer) -> Graph:
    """Return the program whose output is a claimed formula."""
    assert answer.graph is not None
    pen = Pen(graph)
    known = {name: pen.node(id) for name, id in answer.names.items()}
    return pen.done(pen.formula(answer.graph, known))


def with_output(graph: Graph, id: int) -> Graph:
    """Return the same nodes with another output."""
    if id == graph.output:
        return graph
    return Graph(graph.source, graph.nodes, (id,), graph.inputs, graph.defaults, graph.named, graph.euler)


def reduced(graph: Graph, target: Target) -> tuple[Graph, int | None]:
    """Return the program whose value, or first derivative by a node, a quantity is."""
    if len(target.by) < 2:
        return with_output(graph, target.of), target.by[0] if target.by else None
    first, second = target.by
    return derivative(graph, target.of, first), second


def formula_text(graph: Graph, id: int) -> str:
    """Write a node out over names; where it is too long, parts are left out."""
    pieces: list[Piece] = []
    for node in graph.nodes[: id + 1]:
        if node.op is None or node.name is not None:
            text = graph.name(node.id)
            pieces.append((UNARY if text.startswith("-") else ATOM, text))
            continue
        precedence, parts = compose(node.op, [pieces[i] for i in node.inputs])
        text = join(parts)
        pieces.append((precedence, text) if len(text) <= MOST_TEXT else (ATOM, "..."))
    return str(pieces[id][1])
