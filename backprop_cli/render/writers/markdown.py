"""Blocks in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import singledispatch
from typing import TYPE_CHECKING

from ...errors import printable
from .. import page

if TYPE_CHECKING:
    from .mathematics import Spelling  # imported where a page has equations

_CODE = ("code", "name", "expression", "formula")
_RIGHT = ("number", "share")


def write(blocks: Iterable[page.Block]) -> str:
    """Return a page."""
    return "\n".join(_written(blocks))


def _written(blocks: Iterable[page.Block]) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, page.Only):
            if "markdown" in block.formats:
                yield from _written([block.block])
        elif not isinstance(block, (page.Drawing, page.Slopes)):
            yield _block(block)


@singledispatch
def _block(block: page.Block) -> str:
    raise TypeError(f"a {type(block).__name__} has no form in Markdown")


@_block.register(page.Heading)
def _(block: page.Heading) -> str:
    below = "".join(f"{_apart(line)}  \n" for line in block.below)
    return f"**{_apart(block.text)}**\n" + (f"\n{below}" if below else "")


@_block.register(page.Section)
def _(block: page.Section) -> str:
    return f"## {_apart(block.title)}\n" + (f"\n{_apart(block.rule)}\n" if block.rule else "")


@_block.register(page.Lines)
def _(block: page.Lines) -> str:
    return "".join(f"{_line(line)}  \n" for line in block.texts)


@_block.register(page.Paragraph)
def _(block: page.Paragraph) -> str:
    return "  \n".join(map(_line, block.texts)) + "\n"


@_block.register(page.Fields)
def _(block: page.Fields) -> str:
    return "".join(f"- {text(title)}: {text(value)}\n" for title, value in block.rows)


@_block.register(page.Grid)
def _(block: page.Grid) -> str:
    title = f"{text(block.title)}:\n\n" if block.title else ""
    titles = [text(column.title) for column in block.columns]
    numeric = [column.kind in _RIGHT for column in block.columns]
    gap = ("...", *[""] * (len(titles) - 1))
    rows = [list(map(_cell, row or gap, block.columns)) for row in block.rows]
    return title + table(titles, rows, numeric)


@_block.register(page.Equations)
def _(block: page.Equations) -> str:
    lines = []
    if block.columns:
        rows = [row.cells for row in block.rows if row.cells]
        lines.append(table(block.columns, rows, [True] * len(block.columns)))
    from .mathematics import Spelling

    spelled = Spelling(block.digits)
    for row in block.rows:
        if row.equations:
            mathematics = "; ".join(code(spelled.said(equation)) for equation in row.equations)
            label = "" if row.label is None else f"{code(spelled(row.label))}: "
            remark = f" ({_apart(row.remark)})" if row.remark else ""
            lines.append(f"{'  ' * row.depth}- {label}{mathematics}{remark}")
        elif row.remark:
            lines.append(f"- {_apart(row.remark)}")
    return "\n".join(lines) + "\n"


@_block.register(page.Calculations)
def _(block: page.Calculations) -> str:
    from .mathematics import Spelling

    spelled = Spelling(block.digits)
    pieces = []
    for title, group in block.groups:
        pieces += [f"### {title}\n"] if title else []
        pieces += ["".join(f"{each.words}\n" for each in group if each.words)]
        rows = [_calculation(each, block.columns, spelled) for each in group if not each.words]
        titles = ["", *(block.columns or ("calculation", "value"))]
        numeric = [False, *[bool(block.columns)] * (len(titles) - 2), True]
        pieces += [table(titles, rows, numeric)] if rows else []
    return "\n".join(filter(None, pieces))


def _calculation(each: page.Calculation, columns: Sequence[str], spelled: Spelling) -> list[str]:
    name, value = spelled.row((each.name, each.value))
    if columns:
        return [code(name), *spelled.row(each.forms), value]
    said = spelled.calculation(each)
    sign = said[-1][1] if said else "="
    text = "".join(f"{code(form)} {sign} " for form, sign in said).removesuffix(f" {sign} ")
    remark = f" ({each.remark})" if each.remark else ""
    return [code(name), text + remark, value if sign == "=" else f"{sign} {value}"]


def _cell(cell: page.Cell, column: page.Column) -> str:
    own = cell if isinstance(cell, page.Text) else page.Text(cell)
    kind = own.kind or column.kind
    if kind in _CODE:
        return code(own.text) if own.text else ""
    return own.text if kind in ("number", "verdict", "prose") else text(own.text)


def _line(line: page.Line) -> str:
    if isinstance(line, str):
        return text(line)
    if not isinstance(line, page.Text):
        return "".join(map(_line, line))
    if line.kind in _CODE:
        return code(line.text)
    if line.kind == "prose":
        return line.text
    return f"**{text(line.text)}**" if line.tone == "strong" else text(line.text)


def code(plain: str) -> str:
    """Return text as it was typed."""
    return f"`{plain.replace('`', ' ')}`"


def text(plain: str) -> str:
    """Return plain text; pipes are left to the table."""
    return re.sub(r"([\\`*_<>\[\]])", r"\\\1", printable(plain))


def _apart(cell: page.Cell) -> str:
    """Return text that could be taken for a row of a table, but not for a quotation."""
    if isinstance(cell, page.Text):
        return cell.text
    return re.sub(r"([\\`*_<|\[\]])", r"\\\1", printable(cell))


def row(cells: Iterable[str]) -> str:
    """Return a row of a pipe table; cells are Markdown already, but for the pipes in them."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def rule(numeric: Iterable[bool]) -> str:
    """Return the line under the titles of a pipe table."""
    return "|" + "|".join("---:" if right else "---" for right in numeric) + "|"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]], numeric: Iterable[bool]) -> str:
    """Return a pipe table; cells are Markdown already, but for the pipes in them."""
    lines = [row(titles), rule(numeric), *map(row, rows)]
    return "\n".join(lines) + "\n"
