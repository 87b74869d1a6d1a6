"""A drawing as a Mermaid flow chart, card by card; in Markdown it stands in a fence."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import printable
from ..layout.drawing import PATTERNS, Arrow, Card, Drawing, Pattern
from .palette import LIGHT

MOST_EDGES = 500
"""That Mermaid draws; more need its setting ``maxEdges``."""

SPECIAL = set('"#;&<>*_`\\[]{}|~')
"""What means something in a label, in quotes, too."""

CLASSES = (
    "  classDef input fill:#e8f2f8,stroke:#0072b2,color:#1a1a1a\n"
    "  classDef step fill:#ffffff,stroke:#595959,color:#1a1a1a\n"
    "  classDef output fill:#e6f3ef,stroke:#008060,stroke-width:2px,color:#1a1a1a\n"
    "  classDef constant fill:#f5f5f5,stroke:#8c8c8c,color:#1a1a1a\n"
)


def mermaid(drawing: Drawing, *, fenced: bool = False) -> Iterator[str]:
    """Yield the lines; ``fenced`` puts them in a Markdown code block."""
    if fenced:
        yield "```mermaid\n"
    yield f"flowchart {drawing.rankdir}\n"
    yield f"  accTitle: {_plain(drawing.title)}\n"
    marked: list[str] = []
    grouped: dict[tuple[int, ...], list[str]] = {}
    for card in drawing.cards:
        yield f"  {card.id}[{_card(card)}]:::{card.kind}\n"
        if card.groups:
            grouped.setdefault(card.groups, []).append(card.id)
        elif card.marked:
            marked.append(card.id)
    for number, text in enumerate(drawing.groups):
        yield f"  paths{number}[{quoted(text)}]:::step\n"
        grouped.setdefault((number,), []).append(f"paths{number}")
    ways: dict[int, list[int]] = {}
    k = 0
    for arrow in drawing.arrows:
        yield f"  {arrow.source} {_arrow(arrow)} {arrow.target}\n"
        for group in arrow.groups or (0,) * bool(arrow.marked):
            if group != (arrow.groups or (0,))[0]:  # an arrow of its own beside the first
                k += 1
                yield f"  {arrow.source} {_arrow(arrow.bare())} {arrow.target}\n"
            ways.setdefault(group, []).append(k)
        k += 1
    yield CLASSES
    if marked:
        yield f"  classDef marked stroke:{LIGHT['mark']},stroke-width:3px\n"
        yield f"  class {','.join(marked)} marked\n"
    for groups, ids in sorted(grouped.items()):
        name = "paths" + "_".join(map(str, groups))
        pattern = PATTERNS[groups[0]] if len(groups) == 1 else PATTERNS[groups[0]]._replace(dash=())
        yield f"  classDef {name} {_stroke(pattern, 1 + 2 * len(groups))}\n"
        yield f"  class {','.join(ids)} {name}\n"
    for group, links in sorted(ways.items()):
        yield f"  linkStyle {','.join(map(str, links))} {_stroke(PATTERNS[group], 3)}\n"
    if fenced:
        yield "```\n"


def _stroke(pattern: Pattern, width: int) -> str:
    lengths = " ".join(f"{x:g}" for x in pattern.dash)
    dash = f",stroke-dasharray:{lengths},stroke-linecap:round" if lengths else ""
    return f"stroke:{LIGHT[pattern.role]},stroke-width:{width}px{dash}"


def quoted(*lines: str) -> str:
    """Return a quoted label; what could be read as Markdown or HTML is written as a code."""
    return '"' + "<br>".join(map(_escaped, lines)) + '"'


def _escaped(text: str) -> str:
    text = "".join(f"#{ord(c)};" if c in SPECIAL else c for c in printable(text))
    # "- 3" and "1. x" at a line's start would be lists
    head, _, rest = text.partition(" ")
    listed = head in ("-", "+") or (head[:-1].isdigit() and head[-1:] in ".)")
    return f"{head}#32;{rest}" if listed and rest else text


def _plain(text: str) -> str:
    """Return text for a line of its own, up to its end."""
    return "".join(c for c in printable(text) if c not in "#;{}")


def _card(card: Card) -> str:
    return quoted(card.heading, *(row.told for row in card.rows))


def _arrow(arrow: Arrow) -> str:
    line = "<-->" if arrow.two_way else "-->" if arrow.taken else "-.->"
    texts = [text for text in (arrow.label, arrow.detail) if text]
    return f"{line}|{quoted(*texts)}|" if texts else line
