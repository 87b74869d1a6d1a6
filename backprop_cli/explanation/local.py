"""The local derivatives of a node: what its value does when one operand moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

from ..graph import CONSTANT, Graph
from ..language.fold import fold, postfix
from ..language.format import compose, constant_piece, join, node_text
from ..language.operators import ATOM, COMPARISON, CONSTANTS, UNARY
from ..language.parser import Item
from ..ops import PRIMITIVES

MOST_OPERANDS = 8
"""Of min and max whose ties are written out."""

Written = tuple[int, str]
"""Precedence and text."""


def local_texts(graph: Graph, id: int) -> tuple[str, ...]:
    """Return d node / d operand as it is written, one text per operand, in the language of programs.

    The names of operands and node stand in it; numbers are worked out where they stay short: ``2*a``
    for ``a^2``, ``1 - o^2`` for ``o = tanh(n)``. A constant operand has none: its text is empty.
    """
    node = graph.nodes[id]
    op = node.op
    if op is None:
        return ()
    operands = [_piece(graph, i) for i in node.inputs]
    moving = [graph.nodes[i].kind != CONSTANT for i in node.inputs]
    if not op.local:
        return tuple(_extreme(graph, id, k, operands) if moves else "" for k, moves in enumerate(moving))
    known: dict[str, Written] = dict(zip(op.params, operands, strict=False))
    known["y"] = ATOM, graph.own_name(id)
    return tuple(
        _substituted(text, known, graph) if moves else ""
        for text, moves in zip(op.local, moving, strict=False)
    )


def _piece(graph: Graph, id: int) -> Written:
    node = graph.nodes[id]
    if node.kind != CONSTANT:
        if node.op is not None and node.op.truth and node.name is None:
            return COMPARISON, node_text(graph, id)
        return ATOM, graph.own_name(id)
    precedence, text = constant_piece(graph, id)
    return precedence, join(text)


def _extreme(graph: Graph, id: int, k: int, operands: Sequence[Written]) -> str:
    """Write the slope of min or max: 1 for the one it is, shared equally among ties.

    Of many operands the ties are left out: the text would grow with the square of their number.
    """
    own = graph.own_name(id)
    mine = operands[k][1]
    if len(operands) > MOST_OPERANDS:
        return f"where({mine} == {own}, 1, 0)"
    others = [f"where({text} == {own}, 1, 0)" for i, (_, text) in enumerate(operands) if i != k]
    share = f"1/(1 + {' + '.join(others)})"
    return f"where({mine} == {own}, {share}, 0)"


def _substituted(text: str, known: Mapping[str, Written], graph: Graph) -> str:
    def name(item: Item) -> Written:
        word = item.text
        if word in known:
            return known[word]
        # where the user's own pi is a variable, the number is written otherwise
        return ATOM, word if word not in graph.named else repr(CONSTANTS[word].value)

    return fold(postfix(text), name=name, number=lambda item: (ATOM, item.text), apply=_applied)[1]


def _applied(item: Item, operands: Sequence[Written]) -> Written:
    short = _shortened(item.text, operands)
    if short is not None:
        return short
    precedence, text = compose(PRIMITIVES[item.text], operands)
    return precedence, join(text)


def _shortened(word: str, operands: Sequence[Written]) -> Written | None:
    """Work out what needs no knowledge: 2 - 1, x^1, 1*x."""
    texts = [text for _, text in operands]
    numbers = [_decimal(text) for text in texts]
    if word == "multiply":
        for i in (0, 1):
            if texts[i] == "1":
                return operands[1 - i]
            if texts[i] == "0":
                return ATOM, "0"
            if texts[i] == "-1" and operands[1 - i][0] > UNARY:
                return UNARY, f"-{texts[1 - i]}"
    if word == "power" and texts[1] in ("0", "1"):
        return operands[0] if texts[1] == "1" else (ATOM, "1")
    if word == "divide" and texts[1] == "1":
        return operands[0]
    if word in ("add", "subtract") and texts[1] == "0":
        return operands[0]
    exact = [x for x in numbers if x is not None]
    if len(exact) < len(numbers) or word not in ("add", "subtract", "multiply", "negative"):
        return None
    a, b = exact[0], exact[-1]
    result = {"add": a + b, "subtract": a - b, "multiply": a * b, "negative": -a}[word]
    text = format(result.normalize() + 0, "f")
    return None if len(text) > 12 else (UNARY if result < 0 else ATOM, text)


def _decimal(text: str) -> Decimal | None:
    if not text.lstrip("-").replace(".", "", 1).isdecimal() or len(text) > 12 or not text.isascii():
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
