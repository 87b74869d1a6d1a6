"""Blocks in HTML, for notebooks: no scripts, no styles beyond alignment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import singledispatch
from html import escape

from .. import page
from .terminal import write_plain


def write(blocks: Iterable[page.Block]) -> str:
    """Return a fragment of a page."""
    return "".join(_written(blocks))


STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em}pre{font-size:1em}"
    "td,th{padding:.1em .7em;text-align:left}section+section{border-top:1px solid;margin-top:2em}"
    "@page{margin:15mm}@media print{body{font-size:10pt;line-height:1.3;margin:0;max-width:none}"
    "p,pre{margin:.5em 0}section+section{break-before:page;border:0;margin:0}}"
)


def document(title: str, parts: Iterable[Iterable[page.Block]], language: str = "en") -> str:
    """Return a file by itself: no script, nothing from elsewhere, and on paper a page a part."""
    body = "\n".join(f"<section>{write(blocks)}</section>" for blocks in parts)
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    return f'<!DOCTYPE html>\n<html lang="{language}"><head>{head}</head><body>\n{body}\n</body></html>\n'


def paragraphs(lines: Iterable[str]) -> str:
    """Return sentences, a paragraph each, for a platform's question; an empty one is none."""
    return "".join(f"<p>{escaped(line)}</p>" for line in lines if line)


def escaped(text: str) -> str:
    """Return text for between tags."""
    return escape(text, quote=False)


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
    below = "".join(f"<p>{_line(line)}</p>" for line in block.below)
    prose = isinstance(block.text, page.Text) and block.text.kind == "prose"
    tag = "strong" if prose else "code"
    return f"<p><{tag}>{escape(page.plain(block.text))}</{tag}></p>{below}"


@_block.register(page.Section)
def _(block: page.Section) -> str:
    rule = f"<p>{_line(block.rule)}</p>" if block.rule else ""
    return f"<p><strong>{_line(block.title)}</strong></p>{rule}"


@_block.register(page.Fields)
@_block.register(page.Equations)
@_block.register(page.Calculations)
def _(block: page.Fields | page.Equations | page.Calculations) -> str:
    return f"<pre>{escape(write_plain([block]))}</pre>"  # signs of equality stand below each other


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
    title = f"<p>{escape(block.title)}:</p>" if block.title else ""
    head = "".join(f"<th{_side(column)}>{escape(column.title)}</th>" for column in block.columns)
    gap = ("...", *[""] * (len(block.columns) - 1))
    rows = (map(_cell, row or gap, block.columns) for row in block.rows)
    body = "".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    return f"{title}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(cell: page.Cell, column: page.Column) -> str:
    text = escape(cell.text if isinstance(cell, page.Text) else cell)
    code = column.kind in ("code", "name", "expression", "formula")
    return f"<td{_side(column)}>{f'<code>{text}</code>' if code else text}</td>"


def _side(column: page.Column) -> str:
    return f' style="text-align:{"right" if column.kind in ("number", "share") else "left"}"'
