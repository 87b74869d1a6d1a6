"""The first derivative as a program of its own: a second derivative is the derivative of that.

It is written down node by node as a teacher writes it, by the local derivatives that readers are shown,
or with a wrong rule in place of the right one. The nodes of the program it comes from stay in front.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, ClassVar

from ..engine.record import MULTIPLY, Recorder, Written
from ..engine.run import run
from ..graph import CONSTANT, NODE_LIMIT, Graph
from ..language.format import by_name
from ..language.lower import lower
from ..language.reader import read
from ..language.written import OURS, Piece, number, spell
from ..ops import Primitive
from ..ops.namespaces import FLOATS
from .answers import Answer, Target
from .rules import Place, Wrong, wrongly

MOST_TEXT = 48
"""Characters of a formula that is shown; of longer ones, parts are left out."""


def _gathered(recorder: Recorder, a: Any, b: Any) -> Any:
    """Gather the numbers of a product in front, as a person does."""
    factor, other = (b, a) if isinstance(a, Written) else (a, b)
    if isinstance(factor, float) and factor not in (0.0, 1.0, -1.0):
        inner = recorder.builder.nodes[other.id]
        first = recorder.operand(inner, 0) if inner.op is MULTIPLY else None
        if isinstance(first, float):
            return (factor * first) * recorder.operand(inner, 1)
    return Recorder.short["multiply"](recorder, a, b)


class Pen(Recorder):
    """Writes derivatives behind the nodes of a program as a teacher does."""

    short: ClassVar[Mapping[str, Callable[..., Any]]] = {**Recorder.short, "multiply": _gathered}

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph, NODE_LIMIT)
        self.pulling = True

    def partials(self, op: Primitive, y: Any, x: list[Any]) -> list[Any]:
        """Return the local derivatives as a reader is shown them."""
        if not op.local or op.chosen:
            return list(op.partials(self.xp, y, *x))
        known = {"y": y, **dict(zip(op.params, x, strict=False))}
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


def as_shown(op: Primitive, y: Any, x: Sequence[Any], xp: Any = FLOATS) -> list[Any]:
    """Return the local derivatives as readers are shown them: of a sigmoid from its value, y*(1 - y)."""
    if not op.local or op.chosen:
        return list(op.partials(xp, y, *x))
    known = {"y": y, **dict(zip(op.params, x, strict=False))}
    found = []
    for text in op.local:
        graph = _read(text or "0")
        leaves = {id: known[name] for name, id in graph.inputs.items()}
        found.append(run(graph, {**leaves, **graph.constant_values()}, xp)[graph.output])
    return found


@cache
def _read(text: str) -> Graph:
    return lower(read(text))


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


def slope_text(graph: Graph, of: int, by: int) -> str:
    """Write the derivative of a node by another out over the names of a program."""
    slope = derivative(graph, of, by)
    pieces: list[Piece] = []
    for node in slope.nodes:
        if node.op is None or (node.id < len(graph) and by_name(node)):
            pieces.append(number(slope.name(node.id)))
        else:
            pieces.append(spell(OURS, node.op.name, [pieces[i] for i in node.inputs], node.static))
    return pieces[slope.output].text


def claimed(graph: Graph, answer: Answer) -> Graph:
    """Return the program whose output is a claimed formula."""
    assert answer.graph is not None
    pen = Pen(graph)
    known = {name: pen.node(id) for name, id in answer.names.items()}
    return pen.done(pen.formula(answer.graph, known))


def reduced(graph: Graph, target: Target) -> tuple[Graph, int | None]:
    """Return the program whose value, or first derivative by a node, a quantity is."""
    if len(target.by) < 2:
        return graph.with_output(target.of), target.by[0] if target.by else None
    first, second = target.by
    return derivative(graph, target.of, first), second


def formula_text(graph: Graph, id: int) -> str:
    """Write a node out over names; where it is too long, parts are left out."""
    pieces: list[Piece] = []
    for node in graph.nodes[: id + 1]:
        if by_name(node):
            pieces.append(number(graph.name(node.id)))
            continue
        assert node.op is not None
        written = spell(OURS, node.op.name, [pieces[i] for i in node.inputs])
        pieces.append(written if len(written.text) <= MOST_TEXT else Piece("..."))
    return pieces[id].text
