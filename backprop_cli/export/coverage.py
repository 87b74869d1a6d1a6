"""How every primitive is written in every target, as a table for the documents."""

from __future__ import annotations

from ..language.operators import ATOM
from ..language.written import Piece
from ..ops import PRIMITIVES
from . import TARGETS, module_of
from .writer import refusal, spell


def coverage_table() -> str:
    """Return the table in Markdown: a row a primitive, a column a target; what is refused has its reason."""
    lines = [f"| primitive | {' | '.join(TARGETS)} |", f"|---|{'---|' * len(TARGETS)}"]
    for name, row in PRIMITIVES.items():
        cells = []
        for target in TARGETS:
            table = module_of(target).SPELLING
            refused = refusal(table, name)
            if refused is not None:
                cells.append(f"none: {refused.reason}")
                continue
            # a literal has a number; any will do
            operands = [Piece(p, ATOM, 3.0 if k == row.literal else None) for k, p in enumerate(row.params)]
            text = spell(table, name, operands).text
            if name == "polygamma" and target in ("pytorch", "jax"):
                text = text.replace("(3,", "(n,")
            cells.append(f"`{text}`")
        lines.append(f"| `{row.signature}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
