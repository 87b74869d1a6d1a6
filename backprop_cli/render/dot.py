"""A drawing in the DOT language of Graphviz, card by card."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import printable
from ..layout.drawing import Arrow, Card, Drawing
from .palette import LIGHT

FILLS = {"input": "#e8f2f8", "output": "#e6f3ef", "constant": "#f5f5f5", "step": "#ffffff"}


def dot(drawing: Drawing) -> Iterator[str]:
    """Yield the lines; every text stands in quotes, so no name can end its label."""
    yield "digraph computation {\n"
    yield f"  label={quoted(drawing.title)}; labelloc=t; rankdir=LR; bgcolor=transparent;\n"
    yield '  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=12];\n'
    yield '  edge [fontname="Helvetica", fontsize=11];\n'
    for card in drawing.cards:
        yield f"  {card.id} [{_card(card)}];\n"
    for arrow in drawing.arrows:
        attributes = _arrow(arrow)
        yield f"  {arrow.source} -> {arrow.target}{f' [{attributes}]' if attributes else ''};\n"
    yield "}\n"


def quoted(*lines: str) -> str:
    """Return a quoted string of one or more lines."""
    escaped = (printable(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'


def _card(card: Card) -> str:
    lines = [card.heading, *(row.told for row in card.rows)]
    attributes = [f"label={quoted(*lines)}", f'fillcolor="{FILLS[card.kind]}"']
    if card.marked:
        attributes.append(f'color="{LIGHT["mark"]}", penwidth=2')
    elif card.marked is False:
        attributes.append(f'color="{LIGHT["grid"]}", fontcolor="{LIGHT["muted"]}"')
    return ", ".join(attributes)


def _arrow(arrow: Arrow) -> str:
    lines = [line for line in (arrow.label, arrow.detail) if line]
    attributes = [f"label={quoted(*lines)}"] if lines else []
    if arrow.marked:
        attributes.append(f'color="{LIGHT["mark"]}", penwidth=2')
    elif arrow.marked is False:
        attributes.append(f'color="{LIGHT["zero"]}"')
    if lines and arrow.role in ("positive", "negative", "zero"):
        attributes.append(f'fontcolor="{LIGHT[arrow.role]}"')
    if not arrow.taken:
        attributes.append("style=dashed")
    if arrow.two_way:
        attributes.append("dir=both")
    return ", ".join(attributes)
