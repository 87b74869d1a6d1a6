"""Blocks in LaTeX, which amsmath alone can set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import singledispatch

from .. import page
from ..latex import (
    formula,
    name_to_latex,
    number_to_latex,
    slope_piece,
    straight,
    text_to_latex,
    words_to_latex,
)
from .mathematics import Spelling

_NUMBER = re.compile(r"-?\d[\d.]*(e[+-]?\d+)?")
_LENGTH = re.compile(r"\\\\\n(?=\s*[\[*])")
"""The end of a line, where LaTeX would take the beginning of the next one for how far away that is."""


def write(blocks: Iterable[page.Block]) -> str:
    """Return a fragment of a document."""
    parts: list[str] = []
    before: page.Block | None = None
    for block in blocks:
        if isinstance(block, page.Only):
            if "latex" not in block.formats:
                continue
            block = block.block
        if isinstance(block, page.Drawing):
            continue
        # an empty line before a display would be a paragraph of its own
        near = isinstance(block, page.Slopes) or isinstance(before, page.Section)
        parts += ["\n"] if parts and not near else []
        parts.append(_block(block))
        before = block
    return "".join(parts)


PREAMBLE = r"""\documentclass[fleqn,a4paper]{article}
\usepackage{amsmath}
\setlength{\parindent}{0pt}
\setlength{\textwidth}{16cm}
\setlength{\textheight}{25cm}
\setlength{\oddsidemargin}{0cm}
\setlength{\topmargin}{-2cm}
\setlength{\mathindent}{2em}
\allowdisplaybreaks
\begin{document}
\setlength{\abovedisplayskip}{3pt}
\setlength{\belowdisplayskip}{3pt}
"""
"""What needs no package besides: formulas at the left, on a sheet that is used well."""

SHORT = 24
"""Characters of a remark that stands at the end of its line."""


def document(parts: Iterable[Iterable[page.Block]]) -> str:
    """Return a file by itself, which amsmath alone can set, a page a part."""
    return PREAMBLE + "\\clearpage\\setcounter{page}{1}\n".join(map(write, parts)) + "\\end{document}\n"


@singledispatch
def _block(block: page.Block) -> str:
    raise TypeError(f"a {type(block).__name__} has no form in LaTeX")


@_block.register(page.Heading)
def _(block: page.Heading) -> str:
    below = "".join(f"\n\\noindent {_line(line)}\n" for line in block.below)
    title = rf"\textbf{{{_line(block.text)}}}"
    if block.mathematics is not None:
        title = rf"{{\boldmath${Spelling(0, latex=True)(block.mathematics)}$}}"
    return rf"\noindent{title}" + f"\n{below}"


@_block.register(page.Section)
def _(block: page.Section) -> str:
    rule = words_to_latex(page.plain(block.rule))
    return rf"\paragraph{{{_line(block.title)}}}" + (f"\n{rule}\n" if rule else "\n")


@_block.register(page.Lines)
@_block.register(page.Paragraph)
def _(block: page.Lines | page.Paragraph) -> str:
    lines = " \\\\\n".join(map(_line, block.texts))
    return "\\noindent\n" + _LENGTH.sub(r"\\\\{}\n", lines) + "\n"


def _line(line: page.Line) -> str:
    if isinstance(line, str):
        return text_to_latex(line)
    return text_to_latex(line.text) if isinstance(line, page.Text) else "".join(map(_line, line))


@_block.register(page.Fields)
def _(block: page.Fields) -> str:
    items = [rf"\item[{text_to_latex(title)}] {text_to_latex(value)}" for title, value in block.rows]
    return "\n".join([r"\begin{description}", *items, r"\end{description}", ""])


@_block.register(page.Grid)
def _(block: page.Grid) -> str:
    mathematics = any(column.kind in ("name", "expression", "formula") for column in block.columns)
    titles = [text_to_latex(column.title) for column in block.columns]
    aligned = "".join("r" if column.kind in ("number", "share") else "l" for column in block.columns)
    if mathematics:
        titles = [rf"$\text{{{title}}}$" for title in titles]
        aligned = "l" * len(titles)
    lines = [rf"\begin{{tabular}}{{{aligned}}}", " & ".join(titles) + r" \\ \hline"]
    for row in filter(None, block.rows):
        cells = [_cell(cell, column, mathematics) for cell, column in zip(row, block.columns, strict=True)]
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\end{tabular}", ""])


def _cell(cell: page.Cell, column: page.Column, mathematics: bool) -> str:
    own = cell if isinstance(cell, page.Text) else page.Text(cell)
    kind = own.kind or column.kind
    if kind == "name":
        return f"${name_to_latex(own.text)}$"
    if mathematics and own.text == "-":
        return "--"
    if mathematics and kind in ("expression", "formula"):
        return f"${formula(own.text, column.of).text}$"
    if kind == "word":
        return text_to_latex(own.text)
    return f"${number_to_latex(own.text)}$" if _NUMBER.fullmatch(own.text) else text_to_latex(own.text)


@_block.register(page.Slopes)
def _(block: page.Slopes) -> str:
    output = name_to_latex(block.output)
    slopes = ",\\; ".join(
        f"{slope_piece(output, name_to_latex(name)).text} = {number_to_latex(slope)}"
        for name, slope in block.slopes.items()
    )
    slopes = straight(slopes) if block.alone else slopes
    return rf"\[ {slopes},\; |\nabla| = {number_to_latex(block.norm)} \]" + "\n"


@_block.register(page.Equations)
def _(block: page.Equations) -> str:
    spelled = Spelling(block.digits, latex=True, alone=block.alone)
    lines = []
    body = [line for row in block.rows for line in _aligned(row, spelled)]
    if body:
        lines += [r"\begin{align*}", " \\\\\n".join(body), r"\end{align*}"]
    cells = [row.cells for row in block.rows if row.cells]
    if cells:
        lines += [r"\begin{center}\begin{tabular}{" + "r" * len(block.columns) + "}"]
        lines += [" & ".join(map(text_to_latex, block.columns)) + r" \\ \hline"]
        lines += [
            " & ".join("--" if c == "-" else f"${number_to_latex(c)}$" for c in row) + r" \\" for row in cells
        ]
        lines += [r"\end{tabular}\end{center}"]
    words = [text_to_latex(row.remark) for row in block.rows if row.remark and not row.equations]
    if words:
        lines += [r"\begin{itemize}", *(rf"\item {w}" for w in words), r"\end{itemize}"]
    return "\n".join(lines) + "\n"


def _aligned(row: page.Row, spelled: Spelling) -> Iterator[str]:
    """Yield the lines of a row; a remark that is a sentence is too long for the end of one of mathematics."""
    remark = rf"\text{{({words_to_latex(row.remark)})}}" if row.remark else ""
    beside = len(row.equations) == 1 and len(row.remark) <= SHORT
    indent = r"\quad " * row.depth
    for k, equation in enumerate(row.equations):
        math = " = ".join(spelled.equation(equation))
        math = rf"\text{{{text_to_latex(equation.before)} }}{math}" if equation.before else math
        math = math if equation.target is None else rf"{math} \text{{ to }} {spelled(equation.target)}"
        label = r"\qquad " if k else ""
        if row.label is not None and k == 0:
            label = rf"{spelled(row.label)}:\quad "
        yield f"  & {indent}{label}{math}" + (rf"\quad {remark}" if remark and beside else "")
    if row.equations and remark and not beside:
        yield rf"  & \qquad{remark}"


@_block.register(page.Calculations)
def _(block: page.Calculations) -> str:
    spelled = Spelling(block.digits, latex=True)
    lines = []
    for title, group in block.groups:
        lines += [rf"\emph{{{text_to_latex(title)}}}"] if title else []
        lines += [text_to_latex(each.words) for each in group if each.words]
        rows = [each for each in group if not each.words]
        if rows and block.columns:
            lines += _array(rows, block.columns, spelled)
        elif rows:
            body = [_calculation(each, spelled) for each in rows]
            lines += [r"\begin{align*}", " \\\\\n".join(body), r"\end{align*}"]
    return "".join(f"{line}\n" for line in lines)


def _calculation(each: page.Calculation, spelled: Spelling) -> str:
    name, value = spelled.row((each.name, each.value))
    forms = "".join(f"{form} {sign} " for form, sign in spelled.calculation(each))
    remark = rf" && \text{{{text_to_latex(each.remark)}}}" if each.remark else ""
    return f"  {name} &= {forms}{value}{remark}"


def _array(rows: Sequence[page.Calculation], columns: Sequence[str], spelled: Spelling) -> list[str]:
    titles = " & ".join(rf"\text{{{title}}}" for title in columns)
    body = [f"  {' & '.join(spelled.row((each.name, *each.forms, each.value)))}" for each in rows]
    array = rf"\begin{{array}}{{l{'r' * len(columns)}}}"
    return [r"\[", array, rf"  & {titles} \\", " \\\\\n".join(body), r"\end{array}", r"\]"]
