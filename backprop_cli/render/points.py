"""Streams of points for people: aligned columns, Markdown, LaTeX, bare numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any, BinaryIO

from ..errors import printable
from ..language.numbers import rounded
from ..tables.block import Block
from .latex import name_to_latex, number_to_latex, text_to_latex
from .writers.markdown import row as markdown_row


class PointTable:
    """Writes rows as they come; columns are as wide as a number of so many digits can be.

    Args:
        stream: Where to.
        format_: ``table``, ``markdown``, ``latex`` or ``value``.
        digits: Significant digits.
        gradient: For ``value``: print the gradient, not the value.
        encoding: Of the stream.
    """

    def __init__(
        self, stream: BinaryIO, format_: str, digits: int, gradient: bool, encoding: str = "utf-8"
    ) -> None:
        self.stream = stream
        self.format = format_
        self.digits = digits
        self.gradient = gradient
        self.encoding = encoding
        self.widths: list[int] = []

    def header(self, names: Sequence[str], computed: Sequence[str]) -> None:
        """Write the titles."""
        titles = [printable(t) for t in (*names, *computed)]
        if self.format == "table":
            self.widths = [max(len(t), self.digits + 6) for t in titles]
            line = "  ".join(t.rjust(w) for t, w in zip(titles, self.widths, strict=True))
            self._write(f"{line}  error\n{'-' * (len(line) + 7)}\n")
        elif self.format == "markdown":
            self._write("| " + " | ".join([*titles, "error"]) + " |\n")
            self._write("|" + "---|" * len(names) + "---:|" * len(computed) + "---|\n")
        elif self.format == "latex":
            head = " & ".join(_title(t) for t in (*titles, "error"))
            self._write(f"\\begin{{tabular}}{{{'r' * len(titles)}l}}\n{head} \\\\ \\hline\n")

    def block(
        self, block: Block, columns: Mapping[str, Any], errors: Sequence[str | None] | None = None
    ) -> None:
        """Write the rows of a block."""
        computed = [list(column) for column in columns.values()]
        if self.format == "value":
            wanted = [
                c for t, c in zip(columns, computed, strict=True) if t.startswith("d/d") == self.gradient
            ]
            numbers = (
                x for row in zip(*wanted[: len(wanted) if self.gradient else 1], strict=True) for x in row
            )
            self._write("".join("\n" if x is None or isnan(x) else f"{float(x)!r}\n" for x in numbers))
            return
        cells = [list(map(self._cell, column)) for column in (*block.cells().values(), *computed)]
        reasons = errors or [None] * block.rows
        lines = []
        for *row, reason in zip(*cells, reasons, strict=True):
            if self.format == "table":
                line = "  ".join(c.rjust(w) for c, w in zip(row, self.widths, strict=True))
                lines.append(line + (f"  {reason}" if reason else ""))
            elif self.format == "markdown":
                lines.append(markdown_row((*row, reason or "")))
            else:
                lines.append(" & ".join([*row, text_to_latex(reason or "")]) + r" \\")
        self._write("\n".join(lines) + "\n" if lines else "")

    def close(self) -> None:
        """Write what ends the table."""
        if self.format == "latex":
            self._write("\\end{tabular}\n")

    def _cell(self, x: Any) -> str:
        latex = self.format == "latex"
        if isinstance(x, (bool, str, list, dict)):
            text = str(x).lower() if isinstance(x, bool) else printable(str(x))
            return text_to_latex(text) if latex else text
        if x is None or isnan(x):
            return "--" if latex else "-"
        text = rounded(float(x), self.digits)
        return f"${number_to_latex(text)}$" if latex else text

    def _write(self, text: str) -> None:
        self.stream.write(text.encode(self.encoding, "backslashreplace"))


def _title(text: str) -> str:
    if text.startswith("d/d") and " " not in text:
        return f"$d/d{name_to_latex(text[3:])}$"
    return text_to_latex(text)
