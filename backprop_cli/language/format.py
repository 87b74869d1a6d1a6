"""Syntax trees and nodes back to text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import printable
from ..graph import CONSTANT, Graph, Node
from .fold import fold
from .numbers import rounded
from .operators import ATOM
from .parser import SUM_OVER, Item, Program
from .written import OURS, Piece, atom, bracketed, call, number, spell

IN_A_SENTENCE = 120
"""Characters of a node that a sentence has."""

STEP_NAMES = ("h", "k", "t", "dx", "step", "h_")
"""What the step of a difference quotient is called: the first of these that the program leaves free."""

INPUTS_LISTED = 8
"""Inputs that a heading has the values of."""

NAMED_FROM = 12
"""Operations; what takes more of them is written by its name, as named steps are."""


def by_name(node: Node, size: int = 0, most: int = NAMED_FROM, *, whole: bool = False) -> bool:
    """Whether a formula has a node's name instead of what it is computed from.

    Args:
        node: Of the program.
        size: Operations that would be written out.
        most: Of those that are.
        whole: Write over inputs alone: named steps, too, are written out.
    """
    return node.op is None or size > most or (node.name is not None and not whole)


def format_program(program: Program) -> str:
    """Write a program so that reading it again gives the same tree."""
    lines = []
    for name, params, items, _ in program.statements:
        head = f"{name}({', '.join(params)}) = " if params is not None else f"{name} = " if name else ""
        lines.append(head + format_items(items))
    return "\n".join(lines)


def format_items(items: Sequence[Item]) -> str:
    """Write a postfix list as an expression with as few brackets as it needs."""

    def leaf(item: Item) -> Piece:
        return atom(item.text)

    def apply(item: Item, operands: Sequence[Piece]) -> Piece:
        if item.text[0] == "[":
            return Piece((bracketed(operands[0], ATOM).parts, item.text))
        if item.text[-1] == "(":
            return call(item.text[:-1], operands)
        if item.text.startswith(SUM_OVER):
            return call("sum", [atom(item.text.removeprefix(SUM_OVER)), *operands])
        return spell(OURS, item.text, operands)

    return fold(items, name=leaf, number=leaf, apply=apply).text


def node_text(graph: Graph, id: int) -> str:
    """Write one node as one operation over the names of its operands (``d*f``, ``v2 + c``).

    A step that has a label is a part of what the label says.
    """
    node = graph.nodes[id]
    return graph.name(id) if node.op is None else node.label or node_piece(graph, id).text


def node_piece(graph: Graph, id: int) -> Piece:
    """Return the same before it is joined."""
    node = graph.nodes[id]
    if node.op is None:
        return number(graph.name(id))
    return spell(OURS, graph.called(node.op), _operands(graph, id), node.static)


def own_text(graph: Graph, id: int) -> str:
    """Return one node as one operation; in the user's own words where an operand has no name of theirs."""
    node = graph.nodes[id]
    operands = [graph.nodes[i] for i in node.inputs]
    text = graph.text(id)
    unnamed = any(operand.op is not None and operand.name is None for operand in operands)
    return text if unnamed and text and "\n" not in text and text == printable(text) else node_text(graph, id)


def output_text(graph: Graph, most: int = 60) -> str:
    """Return the output as headings have it, in the user's own words: ``f = (a+b)c``, ``L = d*f``.


    What is longer than ``most`` characters, or than a line, is shown as its last operation.
    """
    node = graph.nodes[graph.output]
    if node.op is None:
        return graph.name(node.id)
    text = written_text(graph, node.id, most)
    return f"{graph.own_name(node.id)} = {text}"


def headline(
    graph: Graph, value: float | str | None = None, inputs: Mapping[str, float] | None = None, digits: int = 6
) -> str:
    """Return what a page begins with: what it is, its value, and where: ``f = x^2 = 9 at x = 3``.

    Args:
        graph: The computation.
        value: Of its output, or that in words; None without one.
        inputs: Where; None, or empty, for nowhere.
        digits: Significant digits.
    """
    if not isinstance(value, str):
        value = "" if value is None else f" = {rounded(value, digits)}"
    return f"{output_text(graph)}{value}{at(inputs or {}, digits)}"


def at(inputs: Mapping[str, float], digits: int = 6) -> str:
    """Return where something is, behind a text: `` at x = 3, y = 2``; "" for nowhere."""
    shown = ", ".join(f"{name} = {rounded(x, digits)}" for name, x in list(inputs.items())[:INPUTS_LISTED])
    return f" at {shown}{', ...' if len(inputs) > INPUTS_LISTED else ''}" if shown else ""


def written_text(graph: Graph, id: int, most: int = IN_A_SENTENCE) -> str:
    """Return a node in the user's own words, or what is longer than that as its last operation."""
    text = graph.text(id)
    if not 0 < len(text) <= most or set(text) & set("\n#") or text != printable(text):
        return node_text(graph, id)
    return text


def _operands(graph: Graph, id: int) -> list[Piece]:
    return [
        constant_piece(graph, i)
        if graph.nodes[i].kind == CONSTANT
        else node_piece(graph, i)
        if is_turned(graph, i)
        else atom(graph.name(i))
        for i in given(graph, graph.nodes[id])
    ]


def is_turned(graph: Graph, id: int) -> bool:
    """Whether a node is a transpose without a name, which is no step to a reader."""
    node = graph.nodes[id]
    return node.op is not None and node.op.name == "'" and node.name is None


def given(graph: Graph, node: Node) -> tuple[int, ...]:
    """Return the operands that were written: those left out have the place of the whole."""
    given = node.inputs
    assert node.op is not None
    while node.op.defaults and len(given) > node.op.arity[0] and graph.nodes[given[-1]].span == node.span:
        given = given[:-1]
    return given


def constant_piece(graph: Graph, id: int) -> Piece:
    """Write a constant subgraph out: it has no name of its own."""
    stack: list[Piece] = []
    todo = [(id, False)]
    while todo:
        i, ready = todo.pop()
        node = graph.nodes[i]
        if node.op is None:
            stack.append(number(graph.name(i)))
        elif ready:
            operands = stack[len(stack) - len(node.inputs) :]
            del stack[len(stack) - len(node.inputs) :]
            stack.append(spell(OURS, graph.called(node.op), operands, node.static))
        else:
            todo.append((i, True))
            todo += [(k, False) for k in reversed(node.inputs)]
    return stack[0]


def beginning(text: str) -> str:
    """Return the beginning of what is too long for a sentence: a maximum of a thousand numbers."""
    return text if len(text) <= IN_A_SENTENCE else text[: IN_A_SENTENCE - 3] + "..."
