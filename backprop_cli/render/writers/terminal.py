"""Blocks for a terminal; plain text where stdout is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import singledispatch
from typing import TYPE_CHECKING, Any

from ...errors import printable
from .. import page
from ..record import Record
from ..terminal import Screen, Styled, screen_for
from . import tables

if TYPE_CHECKING:
    from .mathematics import Spelling  # imported where a page has equations

_LABEL = 34  # of an equation; a longer one stands on a line of its own
_CALCULATION = 72  # up to so wide they have their results in one column


def write(blocks: Iterable[page.Block], *, to_file: bool = False) -> str:
    """Return a page."""
    return _printed(blocks, screen_for(to_file))


def write_plain(blocks: Iterable[page.Block]) -> str:
    """Return a page without colours, as wide as its content, wherever it goes."""
    return _printed(blocks, screen_for(plain=True))


def _printed(blocks: Iterable[page.Block], screen: Screen) -> str:
    _print_all(screen, blocks)
    return screen.text()


def _print_all(screen: Screen, blocks: Iterable[page.Block]) -> None:
    before: page.Block | None = None
    for block in blocks:
        if isinstance(block, page.Only):
            if "table" not in block.formats:
                continue
            block = block.block
        near = isinstance(before, page.Section) or getattr(block, "near", False)
        if before is not None and not near:
            screen.print()
        _print(block, screen)
        before = block


@singledispatch
def _print(block: page.Block, screen: Screen) -> None:
    raise TypeError(f"a {type(block).__name__} has no form at a terminal")


@_print.register(page.Heading)
def _(block: page.Heading, screen: Screen) -> None:
    for style, text in (("strong", block.text), *(("", text) for text in block.below)):
        whole = printable(page.plain(text))
        for line in [whole] if block.whole else _wrap(whole, screen.width, subsequent_indent="  "):
            screen.print(Styled(line, style), breaks=False)


@_print.register(page.Section)
def _(block: page.Section, screen: Screen) -> None:
    screen.print(Styled(printable(page.plain(block.title)), "strong"))
    for line in _wrap(printable(page.plain(block.rule)), max(20, screen.width - 2)):
        screen.print(Styled(f"  {line}", "quiet"), breaks=False)


@_print.register(page.Lines)
@_print.register(page.Paragraph)
def _(block: page.Lines | page.Paragraph, screen: Screen) -> None:
    for line in block.texts:
        tone = line.tone if isinstance(line, page.Text) else ""
        style = tone or block.tone
        if block.most is None:
            screen.print(_styled(line, screen, style))
        else:
            for part in _wrapped(printable(page.plain(line)), min(screen.width, block.most)):
                screen.print(Styled(part, style))


def _styled(line: page.Line, screen: Screen, style: str) -> Styled:
    found = Styled(style=style)
    for piece in line if isinstance(line, tuple) else (line,):
        own = piece if isinstance(piece, page.Text) else page.Text(piece)
        text = printable(own.text)
        if not screen.unicode:
            text = text.replace("∇", "grad")
        found.append(text, own.tone)
    return found


def _wrap(text: str, width: int, **how: Any) -> list[str]:
    """Return a text in lines; one that fits needs no library."""
    if (
        0 < len(text) <= width
        and text.isprintable()
        and text == text.strip()
        and not how.get("initial_indent")
    ):
        return [text]
    from textwrap import wrap

    return wrap(text, width, **how)


def _wrapped(text: str, width: int) -> list[str]:
    """Return a sentence in lines, the later ones indented."""
    indent = " " * (len(text) - len(text.lstrip()))
    lines = _wrap(
        text.strip(), width, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False
    )
    return lines or [""]


@_print.register(page.Fields)
def _(block: page.Fields, screen: Screen) -> None:
    columns = [page.Column("", "word"), page.Column("", "prose")]
    rows = [(f"{printable(title):>22}", value) for title, value in block.rows]
    _print(page.Grid(columns, rows, bare=True), screen)


@_print.register(page.Drawing)
def _(block: page.Drawing, screen: Screen) -> None:
    screen.draw(block.text.rstrip("\n"))


@_print.register(page.Grid)
def _(block: page.Grid, screen: Screen) -> None:
    if block.narrow and not tables.fits(block, screen.width):
        _print_all(screen, block.narrow)
        return
    if block.title:
        screen.print(printable(block.title))
    for line in tables.lines(block, screen):
        screen.print(line, breaks=False)


# equations


@_print.register(page.Equations)
def _(block: page.Equations, screen: Screen) -> None:
    from .mathematics import Spelling

    spelled = Spelling(block.digits, partial="∂" if screen.unicode else "d")
    width = screen.width
    labels = [spelled(row.label) if row.label is not None else "" for row in block.rows]
    narrow = [
        len(label)
        for label, row in zip(labels, block.rows, strict=True)
        if row.equations and len(label) <= min(_LABEL, width // 3)
    ]
    left = max(narrow, default=0)
    before, table = "", list(_aligned(block))
    for label, row in zip(labels, block.rows, strict=True):
        if row.cells:
            lines, table = table, []
        else:
            said = "" if label == before and not row.depth else label
            lines = list(_laid_out(row, said, left, width, spelled))
            before = label
        for line in lines:
            screen.print(line, breaks=False)


def _laid_out(row: page.Row, label: str, left: int, width: int, spelled: Spelling) -> Iterator[Styled]:
    """Yield the lines of a row: label, equations, remark."""
    if not row.equations:
        for k, part in enumerate(_wrap(row.remark, max(20, width - 4))):
            yield Styled(f"{'    ' if k else '  '}{part}")
        return
    indent = 2 + (left + 2 if left else 0)
    head = Styled("  ")
    if label and len(label) > left:
        yield from tables.broken(Styled(f"  {label}:"), width)
        head = Styled(" " * indent)
    elif left:
        head = Styled("  ").append(f"{label}:".ljust(left + 2) if label else " " * (left + 2))
    if row.depth:
        head.append("  " * row.depth)
        indent += 2 * row.depth
    pieces = [spelled.said(equation) for equation in row.equations]
    room = max(24, width - indent)
    lines = ["; ".join(pieces)]
    if len(lines[0]) > room:
        lines = []
        for k, piece in enumerate(pieces):
            ending = ";" if k + 1 < len(pieces) else ""
            lines += _broken(piece + ending, room)
    remark = f"  ({row.remark})" if row.remark else ""
    for k, text in enumerate(lines):
        line = head if k == 0 else Styled(" " * indent)
        last = k + 1 == len(lines)
        body, equals, value = text.rpartition(" = ")
        if last and equals and row.equations[-1].target is None:
            line.append(body + equals).append(value, "strong")
        else:
            line.append(text)
        if last and remark and len(line) + len(remark) <= width:
            line.append(remark, "quiet")
            remark = ""
        yield line
    if remark:
        for part in _wrap(remark.strip(), max(20, width - indent)):
            yield Styled(" " * indent).append(part, "quiet")


def _broken(text: str, room: int) -> list[str]:
    """Break an equation before its equals signs, then anywhere."""
    if len(text) <= room:
        return [text]
    lines: list[str] = []
    for k, form in enumerate(text.split(" = ")):
        piece = form if k == 0 else f"= {form}"
        if lines and len(lines[-1]) + 1 + len(piece) <= room:
            lines[-1] += f" {piece}"
        else:
            lines += _wrap(piece, room, break_long_words=False, break_on_hyphens=False,
                          initial_indent="  " if k else "", subsequent_indent="    ")  # fmt: skip
    return lines


def _aligned(block: page.Equations) -> Iterator[Styled]:
    """Yield the table in the midst."""
    table = [block.columns, *(row.cells for row in block.rows if row.cells)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for k, row in enumerate(table if block.columns else ()):
        line = "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        yield Styled(f"  {line}", "" if k else "quiet")


# calculations


@_print.register(page.Calculations)
def _(block: page.Calculations, screen: Screen) -> None:
    from .mathematics import Spelling

    spelled = Spelling(block.digits, about="≈" if screen.unicode else "~")
    width = screen.width
    if block.columns:
        _print_columns(block, spelled, screen)
        return
    found = [_Spelled.of(each, spelled) for _, group in block.groups for each in group]
    left = max((len(each.name) for each in found if each.value), default=0)
    room = min(_CALCULATION, width - left - 8 - max((len(each.value) for each in found), default=0))
    shown = [len(each.text) for each in found if each.value and len(each.text) <= room]
    middle = max(shown, default=0)
    rest = iter(found)
    for title, group in block.groups:
        if title:
            screen.print(Styled(f"  {title}", "quiet"))
        for _ in group:
            for line in next(rest).lines(left, middle, width):
                screen.print(line, breaks=False)


class _Spelled(Record):
    """A calculation as texts: its name, how it is computed, the number."""

    name: str
    text: str
    value: str
    sign: str
    remark: str
    words: str

    @classmethod
    def of(cls, each: page.Calculation, spelled: Spelling) -> _Spelled:
        said = spelled.calculation(each)
        sign = said[-1][1] if said else "="
        text = "".join(f"{form} {sign} " for form, sign in said).removesuffix(f" {sign} ")
        value = "" if each.value is None else spelled(each.value)
        return cls(spelled(each.name), text, value, sign, each.remark, each.words)

    def lines(self, left: int, middle: int, width: int) -> Iterator[Styled]:
        """Yield the lines for a terminal, name and calculation in columns so wide."""
        if self.words:
            yield from (Styled(f"  {line}") for line in _wrap(self.words, max(20, width - 2)))
            return
        ending = f" {self.sign} {self.value}"
        remark = f"  ({self.remark})" if self.remark else ""
        line = Styled("  ").append(self.name.ljust(left))
        if self.text:
            rows = [self.text.ljust(middle)]
            room = max(24, width - left - 5 - len(ending))
            if len(self.text) > room:
                rows = _wrap(self.text, room, break_long_words=False, break_on_hyphens=False)
            for row in rows[:-1]:
                yield line.append(" = " if row is rows[0] else "   ", "quiet").append(row)
                line = Styled(" " * (2 + left))
            line.append(" = " if len(rows) == 1 else "   ", "quiet").append(rows[-1])
        line.append(f" {self.sign} ", "quiet").append(self.value, "strong")
        if remark and len(line) + len(remark) > width:
            yield line
            line = Styled(" " * (3 + left))
        yield line.append(remark, "quiet")


def _print_columns(block: page.Calculations, spelled: Spelling, screen: Screen) -> None:
    """Print a small table: names, columns of numbers."""
    rows = [spelled.row((e.name, *e.forms, e.value)) for _, group in block.groups for e in group]
    table = [["", *block.columns], *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for k, row in enumerate(table):
        line = Styled("  ").append(row[0].ljust(widths[0]))
        for i, cell in enumerate(row[1:], 1):
            style = "quiet" if k == 0 else "strong" if i == len(row) - 1 else ""
            line.append("  " + cell.rjust(widths[i]), style)
        screen.print(line, breaks=False)
