"""What a page is told of a program: nodes, texts of its lines with places for numbers, its picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from ..differentiation.rounding import rounding_bounds, value_bounds
from ..engine.point import Edge, Point
from ..engine.run import constants, written
from ..errors import UsageError, printable, shortened
from ..explanation.edges import GraphView
from ..explanation.expr import Apply, Expr, Ref, is_choice
from ..explanation.paper import Paper, evaluate
from ..explanation.point import Written
from ..export.writer import title
from ..graph import CONSTANT, Graph, Node
from ..language.format import node_text, output_text
from ..language.written import Piece, number
from ..layout.drawing import Card, Drawing, graph_drawing
from ..layout.drawing import Row as CardRow
from ..layout.graph_places import Placed, heading_of, place
from ..ops import PRIMITIVES, Primitive
from ..ops.logarithm import LN, LOG
from ..render.explain_lines import LONGEST_LOCAL
from ..render.svg import number as coordinate
from ..render.written import Style, expression
from ..render.written import written as as_piece

MOST_NODES = 300
"""That are drawn: a page of more is for no reader."""

MARGIN = 2.0**-48
"""Relative: what the functions of a browser may differ by from those of the C library."""

MOST_TEXT = 2_000
"""Characters of the program that stand under the title."""

IN_BOX, AT_ARROW = "-0.0000001", "-0.01"
"""Room for a number: at an arrow a longer one may reach beyond the level piece that it stands at."""

Template = list[Any]
"""Texts, and nodes whose number stands there: in a list of its own where a sign needs brackets."""


class _Place(float):
    """The number of a node, before there is one."""

    node: int

    @classmethod
    def of(cls, node: int) -> _Place:
        place = cls(node)
        place.node = node
        return place


class _Places(Style):
    """Writes numbers by their places."""

    sign = ""

    def piece(self, x: float) -> Piece:
        """Write a number as an operand."""
        return number(f"{self.sign}\0{x.node}\0") if isinstance(x, _Place) else super().piece(x)


class _NegativePlaces(_Places):
    sign = "-"


def template(expr: Expr, digits: int) -> Template:
    """Return an expression in numbers, with places for those of nodes.

    What is bracketed because of a sign is seen by writing it twice: with and without one.
    """
    plain = expression(expr, _Places(digits, spaced=True)).split("\0")
    signed = expression(expr, _NegativePlaces(digits, spaced=True)).split("\0")
    found: Template = []
    brackets = False
    for k, text in enumerate(plain):
        if k % 2:
            before = signed[k - 1].removeprefix(")") if brackets else signed[k - 1]
            brackets = before == plain[k - 1] + "(-"
            found.append([int(text)] if brackets else int(text))
        elif text:
            found.append(printable(text))
    return found


def operator_facts(op: Primitive) -> dict[str, Any]:
    """Return the words of a primitive."""
    return {
        "signature": op.signature,
        "defined": op.defined,
        "hint": op.hint or "",
        "overflow": op.overflow_hint or "",
        "slope": op.slope_hint or "",
        "convention": op.convention or "",
    }


def program_data(
    graph: Graph,
    bindings: Mapping[str, float],
    *,
    ranges: Mapping[str, tuple[float, float]],
    digits: int,
    row_name: Any,
) -> tuple[dict[str, Any], list[tuple[Primitive, int]]]:
    """Return what the page shows of a program, and the primitives that it computes with.

    Raises:
        BackpropError: where there is nothing to show, or no such number at the point.
    """
    if len(graph) > MOST_NODES:
        raise UsageError(
            f"{len(graph):,} nodes are too many for a page: {MOST_NODES} at most",
            hint="backprop graph -o graph.dot takes any number",
        )
    if not graph.inputs:
        raise UsageError(
            "a page needs something to move: the expression has no inputs",
            hint='backprop page "a*b" --a 3 --b -2 -o page.html',
        )
    point = Point.at(graph, bindings)
    texts = Written(graph, [_Place.of(node.id) for node in graph.nodes])
    fixed = constants(graph)
    wanted: dict[str, tuple[Primitive, int]] = {}
    nodes = []
    for node in graph.nodes:
        facts: dict[str, Any] = {"id": node.id, "n": printable(graph.own_name(node.id))}
        if node.kind == CONSTANT:
            facts["v"] = fixed[node.id]
            facts["n"] = printable(graph.name(node.id))
        elif node.op is not None:
            wanted[row_name(node.op, len(node.inputs))] = (node.op, len(node.inputs))
            facts |= _step(graph, node, texts, digits, row_name(node.op, len(node.inputs)))
        nodes.append(facts)
    data = {
        "title": printable(output_text(graph)),
        "program": _program(graph),
        "name": printable(graph.own_name(graph.output)),
        "digits": digits,
        "output": graph.output,
        "inputs": list(graph.inputs.values()),
        "start": {printable(name): x for name, x in point.inputs.items()},
        "ranges": {printable(name): ranges.get(name) or _range(x) for name, x in point.inputs.items()},
        "nodes": nodes,
        "ops": {name: operator_facts(op) for name, (op, _) in wanted.items()},
        "witness": _witness(point),
        "picture": picture(graph),
    }
    return data, list(wanted.values())


def _program(graph: Graph) -> str:
    """Return the text on one line; "" where the title says it all."""
    text = printable(shortened(title(graph), MOST_TEXT))
    return "" if printable(output_text(graph)).endswith(text) else text


def _range(x: float) -> tuple[float, float]:
    """Return where a slider goes when nobody said so: to both sides of 0, the value well within."""
    size = 2.0 * abs(x) if abs(x) > 1.0 else 2.0
    end = float(f"{size:.1g}")
    return -end, end


def _witness(point: Point) -> list[list[Any]]:
    """Return value and slope of every node at the first point, each with what rounding may do to it.

    A slope that is a limit beside the point, which no page looks for, has none.
    """
    found: list[list[Any]] = []
    values = value_bounds(point)
    _, slopes = rounding_bounds(point)
    for node in point.graph.nodes:
        value, slope = point.values[node.id], point.cotangents[node.id]
        if node.kind == CONSTANT or not point.needed[node.id]:
            continue
        wide = 64.0 * values[node.id] + MARGIN * abs(value)
        row: list[Any] = [node.id, value, wide if isfinite(wide) else None]
        if isfinite(slope) and not point.limits and isfinite(slopes[node.id]):
            row += [slope, 64.0 * slopes[node.id] + MARGIN * abs(slope)]
        found.append(row)
    return found


def _step(graph: Graph, node: Node, texts: Written, digits: int, row: str) -> dict[str, Any]:
    assert node.op is not None
    symbols = Style(digits, symbols=True)
    operation = texts.operation(node.id)
    seen = dict.fromkeys(i for i in node.inputs if graph.nodes[i].kind != CONSTANT)
    facts: dict[str, Any] = {
        "op": row,
        "i": list(node.inputs),
        "text": printable(written(graph, node.id)),
        "at": [(printable(written(graph, i)), i) for i in seen],
        "symbols": printable(expression(operation, symbols)),
    }
    if node.op.truth:
        facts |= {"truth": True}
    if node.name is not None:
        facts |= {"named": True}
    if node.op.chosen is not None:
        first, *branches = node.inputs
        facts |= {
            "chosen": True,
            "condition": template(texts.operand(first), digits),
            "branches": [printable(as_piece(texts.operand(i), symbols).text) for i in branches],
        }
    else:
        facts["numbers"] = template(operation, digits)
    facts["local"] = [
        None
        if graph.nodes[source].kind == CONSTANT or node.op.truth
        else _local(texts, Edge(node.id, position, source), node.op, digits)
        for position, source in enumerate(node.inputs)
    ]
    return facts


def _local(texts: Written, edge: Edge, op: Primitive, digits: int) -> dict[str, Any] | None:
    """Return a local derivative over names and in numbers, case by case; None where its number says more.

    A case holds where its comparison does, of nodes or numbers; the last one has none. A quiet one tells no
    reason.
    """
    if op.chosen is not None:
        return None
    local, cases = texts.local(edge), []
    while is_choice(local):
        condition, taken, local = local.operands
        assert isinstance(condition, Apply)
        sign, sides = PRIMITIVES[condition.op].infix, map(_side, condition.operands)
        cases.append({"if": [sign, *sides], **_case(taken, digits)})
    for id in _logarithms(local):  # what is a limit has no numbers: 0^2*log(0)
        cases.append({"if": ["==", [id], 0.0], "quiet": True, **_case(local, digits), "numbers": None})
    most = len(texts.graph.nodes[edge.user].inputs) > 2 and op.wins is not None
    return {
        "symbols": printable(expression(texts.local(edge), Style(digits, symbols=True))),
        "cases": [*cases, _case(local, digits)],
        "wins": op.wins is not None,
        "most": op.says.split()[0] if most else "",
    }


def _logarithms(expr: Expr) -> Iterator[int]:
    """Yield the nodes whose logarithms stand in an expression."""
    if not isinstance(expr, Apply):
        return
    for operand in expr.operands:
        if isinstance(operand, Ref) and isinstance(operand.value, _Place) and expr.op in (LN, LOG):
            yield operand.value.node
        yield from _logarithms(operand)


def _side(expr: Expr) -> list[int] | float:
    """Return one side of a comparison: a node, or a number."""
    return (
        [expr.value.node]
        if isinstance(expr, Ref) and isinstance(expr.value, _Place)
        else evaluate(expr, Paper())
    )


def _case(local: Expr, digits: int) -> dict[str, Any]:
    symbols = expression(local, Style(digits, symbols=True))
    if len(symbols) > LONGEST_LOCAL:
        return {"symbols": None, "numbers": None, "bare": False}
    return {
        "symbols": printable(symbols),
        "numbers": template(local, digits),
        "bare": not isinstance(local, Apply),
    }


# the picture


def picture(graph: Graph) -> dict[str, Any]:
    """Return where boxes and arrows are, with room for numbers that come later."""
    view = GraphView(graph, None)
    output = graph.own_name(graph.output)
    drawing = graph_drawing(view, "", str)

    def card(card: Card) -> Card:
        name = graph.own_name(int(card.id[1:]))
        return card._replace(rows=(CardRow("value", IN_BOX), CardRow(f"d{output}/d{name}", IN_BOX)))

    cards = [card(each) for each in drawing.cards]
    arrows = [arrow._replace(number=AT_ARROW) for arrow in drawing.arrows]
    try:
        placed = place(Drawing("", "", (), cards, arrows, direction="LR"))
    except UsageError as error:
        raise UsageError(
            f"no page of this program: {error.message}", hint="backprop explain writes its passes out"
        ) from None
    return {
        "width": round(placed.width),
        "height": round(placed.height),
        "boxes": [_box(card, placed, k) for k, card in enumerate(cards)],
        "arrows": [
            {
                "s": int(arrow.source[1:]),
                "t": int(arrow.target[1:]),
                "d": _curve(placed.curves[k][placed.own[k] :]),
                "at": None if at is None else [round(at[0], 1), round(at[1], 1)],
                "label": printable(arrow.symbol),
            }
            for k, (arrow, at) in enumerate(zip(arrows, placed.labels, strict=True))
        ],
    }


def _box(card: Card, placed: Placed, k: int) -> dict[str, Any]:
    box = placed.boxes[k]
    return {
        "id": int(card.id[1:]),
        "kind": card.kind,
        "title": heading_of(card),
        "rows": [printable(row.name) for row in card.rows],
        "x": round(box.x, 1),
        "y": round(box.y, 1),
        "w": round(box.width, 1),
        "h": round(box.height, 1),
    }


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """Write a way as a path; what is level in it, past many columns, as one line."""
    rounded = [(coordinate(x), coordinate(y)) for x, y in points]
    path, level = f"M{' '.join(rounded[0])}", ""
    for k in range(1, len(rounded), 3):
        if len({y for _, y in rounded[k - 1 : k + 3]}) == 1:
            level = f"H{rounded[k + 2][0]}"
            continue
        path, level = f"{path}{level}C{' '.join(' '.join(point) for point in rounded[k : k + 3])}", ""
    return path + level


def operation_of(graph: Graph, id: int) -> str:
    """Return how a node is computed, for a table; "" for an input."""
    return "" if graph.nodes[id].op is None else printable(node_text(graph, id))
