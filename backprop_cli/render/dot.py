"""A drawing in the DOT language of Graphviz, card by card."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import printable
from ..layout.drawing import PATTERNS, Arrow, Card, Drawing
from .palette import LIGHT

FILLS = {"input": "#e8f2f8", "output": "#e6f3ef", "constant": "#f5f5f5", "step": "#ffffff"}


STYLES = (("solid", 2), ("dotted", 2), ("dashed", 2), ("solid", 4), ("dotted", 4))
"""Of groups of paths: styles that there are, and widths."""


def dot(drawing: Drawing) -> Iterator[str]:
    """Yield the lines; every text stands in quotes, so no name can end its label."""
    groups = [
        f"{style}{' and thick' if width > 2 else ''}: {text}"
        for (style, width), text in zip(STYLES, drawing.groups, strict=False)
    ]
    yield "digraph computation {\n"
    yield f"  label={quoted(drawing.title, *groups)}; labelloc=t; rankdir={drawing.rankdir};"
    yield " bgcolor=transparent;\n"
    yield '  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=12];\n'
    yield '  edge [fontname="Helvetica", fontsize=11];\n'
    for card in drawing.cards:
        yield f"  {card.id} [{_card(card)}];\n"
    for arrow in drawing.arrows:
        for attributes in _arrows(arrow):
            yield f"  {arrow.source} -> {arrow.target}{f' [{attributes}]' if attributes else ''};\n"
    yield "}\n"


def quoted(*lines: str) -> str:
    """Return a quoted string of one or more lines."""
    escaped = (printable(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'


def _card(card: Card) -> str:
    lines = [card.heading, *(row.told for row in card.rows)]
    attributes = [f"label={quoted(*lines)}", f'fillcolor="{FILLS[card.kind]}"']
    if card.groups:
        style, width = STYLES[card.groups[0]]
        attributes.append(f'color="{LIGHT[PATTERNS[card.groups[0]].role]}", penwidth={width}')
        if len(card.groups) > 1:
            attributes.append(f"peripheries={len(card.groups)}")
        elif style != "solid":
            attributes.append(f'style="rounded,filled,{style}"')
    elif card.marked:
        attributes.append(f'color="{LIGHT["mark"]}", penwidth=2')
    elif card.marked is False:
        attributes.append(f'color="{LIGHT["grid"]}", fontcolor="{LIGHT["muted"]}"')
    return ", ".join(attributes)


def _arrows(arrow: Arrow) -> Iterator[str]:
    """Yield the attributes of an arrow, once for each group of paths that it belongs to."""
    yield _arrow(arrow)
    for group in arrow.groups[1:]:
        yield _arrow(arrow.bare()._replace(groups=(group,)))


def _arrow(arrow: Arrow) -> str:
    group = arrow.groups[0] if arrow.groups else 0
    style, width = STYLES[group] if arrow.taken else ("dashed", STYLES[group][1])
    lines = [line for line in (arrow.label, arrow.detail) if line]
    attributes = [f"label={quoted(*lines)}"] if lines else []
    if arrow.marked:
        attributes.append(f'color="{LIGHT[PATTERNS[group].role]}", penwidth={width}')
    elif arrow.marked is False:
        attributes.append(f'color="{LIGHT["zero"]}"')
    if lines and arrow.role in ("positive", "negative", "zero"):
        attributes.append(f'fontcolor="{LIGHT[arrow.role]}"')
    if style != "solid":
        attributes.append(f"style={style}")
    if arrow.two_way:
        attributes.append("dir=both")
    return ", ".join(attributes)
