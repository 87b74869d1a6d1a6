"""The local derivatives of a node: what its value does when one operand moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

from ..graph import CONSTANT, Graph
from ..language.fold import fold, postfix
from ..language.format import constant_piece, node_piece
from ..language.operators import CONSTANTS, POWER
from ..language.parser import Item
from ..language.written import OURS, Piece, atom, bracketed, number, spell
from ..ops.logarithm import LOG
from ..ops.sums import DOT, SUM, beside

NONE = atom("")
MOST_OPERANDS = 8
"""Of min and max whose ties are written out."""


def local_texts(graph: Graph, id: int, values: Sequence[float] | None = None) -> tuple[str, ...]:
    """Return what `local_pieces` writes as texts; a constant operand has none: its text is empty."""
    return tuple(piece.text for piece in local_pieces(graph, id, values))


def local_pieces(graph: Graph, id: int, values: Sequence[float] | None = None) -> tuple[Piece, ...]:
    """Return d node / d operand as it is written, one piece per operand, in the language of programs.

    The names of operands and node stand in it; numbers are worked out where they stay short: ``2*a``
    for ``a^2``, ``1 - o^2`` for ``o = tanh(n)``. A constant operand has none: its piece is empty. With a
    value per node, what several operands tied for an extremum share is a number.
    """
    node = graph.nodes[id]
    op = node.op
    if op is None:
        return ()
    operands = [_piece(graph, i) for i in node.inputs]
    moving = [graph.nodes[i].kind != CONSTANT for i in node.inputs]
    if op is SUM or op is DOT:
        found = beside(op, operands, atom("1"))
        return tuple(piece if moves else NONE for piece, moves in zip(found, moving, strict=True))
    if not op.local:
        ties = [values[i] for i in node.inputs].count(values[id]) if values is not None else None
        return tuple(
            _extreme(graph, id, k, operands, ties) if moves else NONE for k, moves in enumerate(moving)
        )
    known = {"y": Piece(graph.own_name(id)), **dict(zip(op.params, operands, strict=False))}
    return tuple(
        _substituted(text, known, graph) if moves else NONE
        for text, moves in zip(op.local, moving, strict=False)
    )


def _piece(graph: Graph, id: int) -> Piece:
    node = graph.nodes[id]
    if node.kind == CONSTANT:
        return constant_piece(graph, id)
    if node.op is not None and node.op.truth and node.name is None:
        return node_piece(graph, id)
    return Piece(graph.own_name(id))


def _extreme(graph: Graph, id: int, k: int, operands: Sequence[Piece], ties: int | None) -> Piece:
    """Write the slope of min or max: 1 for the one it is, shared equally among ties.

    Of many operands the ties are left out where no values tell how many there are: the text would grow
    with the square of their number.
    """
    op, own, mine = graph.nodes[id].op, graph.own_name(id), operands[k].text
    assert op is not None
    assert op.wins is not None
    if len(operands) == 2:
        other = operands[1 - k].text
        more, less = (">", "<") if op.wins == "greater" else ("<", ">")
        return atom(f"where({mine} {more} {other}, 1, where({mine} {less} {other}, 0, 1/2))")
    share = f"1/{ties}" if ties is not None and ties > 1 else "1"
    if ties is None and len(operands) <= MOST_OPERANDS:
        others = [f"where({x.text} == {own}, 1, 0)" for i, x in enumerate(operands) if i != k]
        share = f"1/(1 + {' + '.join(others)})"
    return atom(f"where({mine} == {own}, {share}, 0)")


def _substituted(text: str, known: Mapping[str, Piece], graph: Graph) -> Piece:
    def name(item: Item) -> Piece:
        word = item.text
        if word in known:
            return known[word]
        # where the user's own pi is a variable, the number is written otherwise
        return Piece(word if word not in graph.named else repr(CONSTANTS[word].value))

    def apply(item: Item, operands: Sequence[Piece]) -> Piece:
        word = item.text.rstrip("(")
        word = graph.logarithm if word == LOG else word
        return _shortened(word, operands) or spell(OURS, word, operands)

    return fold(postfix(text), name=name, number=lambda item: Piece(item.text), apply=apply)


def _shortened(word: str, operands: Sequence[Piece]) -> Piece | None:
    """Work out what needs no knowledge: 2 - 1, x^1, 1*x."""
    texts = [x.text for x in operands]
    numbers = [_decimal(text) for text in texts]
    if word == "multiply":
        for i in (0, 1):
            if texts[i] == "1":
                return operands[1 - i]
            if texts[i] == "0":
                return atom("0")
            if texts[i] == "-1" and bracketed(operands[1 - i], POWER) is operands[1 - i]:
                return spell(OURS, "negative", [operands[1 - i]])
    if word == "power" and texts[1] in ("0", "1"):
        return operands[0] if texts[1] == "1" else atom("1")
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
    return None if len(text) > 12 else number(text)


def _decimal(text: str) -> Decimal | None:
    if not text.lstrip("-").replace(".", "", 1).isdecimal() or len(text) > 12 or not text.isascii():
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
