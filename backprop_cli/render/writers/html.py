"""Blocks in HTML, for notebooks: no scripts, no styles beyond alignment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import singledispatch
from html import escape

from .. import page


def write(blocks: Iterable[page.Block]) -> str:
    """Return a fragment of a page."""
    return "".join(_written(blocks))


def _written(blocks: Iterable[page.Block]) -> Iterator[str]:
    for block in blocks:
        if not isinstance(block, page.Only):
            yield _block(block)
        elif "html" in block.formats:
            yield _block(block.block)


@singledispatch
def _block(block: page.Block) -> str:
    """Return a block; what a notebook has no use for is nothing."""
    return ""


@_block.register(page.Heading)
def _(block: page.Heading) -> str:
    return f"<p><code>{escape(page.plain(block.text))}</code></p>"


@_block.register(page.Lines)
@_block.register(page.Paragraph)
def _(block: page.Lines | page.Paragraph) -> str:
    return "".join(f"<p>{_line(line)}</p>" for line in block.texts)


def _line(line: page.Line) -> str:
    if isinstance(line, str):
        return escape(line)
    return escape(line.text) if isinstance(line, page.Text) else "".join(map(_line, line))


@_block.register(page.Grid)
def _(block: page.Grid) -> str:
    head = "".join(f"<th>{escape(column.title)}</th>" for column in block.columns)
    gap = ("...", *[""] * (len(block.columns) - 1))
    rows = (map(_cell, row or gap, block.columns) for row in block.rows)
    body = "".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(cell: page.Cell, column: page.Column) -> str:
    text = escape(cell.text if isinstance(cell, page.Text) else cell)
    side = "right" if column.kind in ("number", "share") else "left"
    code = column.kind in ("code", "name", "expression", "formula")
    return f'<td style="text-align:{side}">{f"<code>{text}</code>" if code else text}</td>'
