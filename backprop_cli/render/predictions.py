"""Rows with the predictions of a model, block by block, in every format of ``predict``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from ..tables.block import Block
from ..tables.text import MISSING, column_numbers
from ..tables.write import Writer, csv_writer, jsonl_writer
from .document import unformulated
from .writers.streams import Answers as BareAnswers
from .writers.streams import RowTable

if TYPE_CHECKING:
    from ..training.data.encoding import Encoding
    from ..training.predictor import Answers, Predictor


class PredictionWriter:
    """Writes rows and what they are answered with, as they come.

    Args:
        format_: ``csv``, ``tsv``, ``json`` (JSON Lines), ``value`` or ``table``.
        stream: Where to.
        predictor: Whose answers.
        names: Of the columns of the rows.
        digits: Significant digits; None for 6 in tables, else all that a number has.
        encoding: Of the stream.
        to_file: The stream is no terminal, whatever stdout is.
    """

    def __init__(
        self,
        format_: str,
        stream: BinaryIO,
        predictor: Predictor,
        names: Sequence[str],
        *,
        digits: int | None = None,
        encoding: str = "utf-8",
        to_file: bool = True,
    ) -> None:
        self._format = format_
        self._stream = stream
        self._encoding = predictor.encoding
        self._names = names
        self._digits = digits
        self._computed, error = predictor.columns(names)
        self._begun = False
        self._writer: Writer
        if format_ == "json":
            self._writer = jsonl_writer(stream, error=error)
        elif format_ == "table":
            self._writer = RowTable(stream, digits or 6, encoding, error=error, to_file=to_file, drops=True)
        elif format_ == "value":
            self._writer = BareAnswers(stream, self._computed[: predictor.predictions], encoding)
        else:
            self._writer = csv_writer(stream, delimiter="," if format_ == "csv" else "\t", error=error)

    def block(self, block: Block, answers: Answers) -> None:
        """Write the rows of a block."""
        self._begin()  # only now: wrong input in the first block leaves the stream empty
        columns = dict(zip(self._computed, answers.columns, strict=True))
        if self._digits is not None and self._format != "table":
            columns = {name: _rounded(column, self._digits) for name, column in columns.items()}
        if self._format in ("csv", "tsv"):
            columns = {name: _unformulated(column) for name, column in columns.items()}
        if self._format == "json" and block.kind != "jsonl":
            block = _with_numbers(block, self._encoding)
        self._writer.block(block, columns, answers.errors)
        self._stream.flush()

    def close(self) -> None:
        """Write what there is without any rows, and what ends them."""
        self._begin()
        self._writer.close()

    def _begin(self) -> None:
        if not self._begun:
            self._writer.header(self._names, self._computed)
            self._begun = True


def _rounded(column: Any, digits: int) -> list[Any]:
    """Return a column with so many significant digits."""
    return [float(f"{x:.{digits}g}") if isinstance(x, float) else x for x in list(column)]


def _unformulated(column: Any) -> Any:
    """Return a column whose texts, names of classes, are no formulas of a spreadsheet."""
    if isinstance(column, list):
        return [unformulated(x) if isinstance(x, str) else x for x in column]
    return column


def _with_numbers(block: Block, encoding: Encoding) -> Block:
    """Return a block of text in which the columns that the model reads as numbers are numbers."""
    texts = {*encoding.words, *encoding.readings}
    numeric = [name for name in encoding.columns if name not in texts]

    def value(cell: str) -> object:
        found = column_numbers([cell.strip(" \t")])
        return None if cell.strip(" \t") in MISSING else cell if found is None else float(found[0])

    class Typed(Block):
        def cells(self) -> dict[str, list[object]]:
            cells: dict[str, list[object]] = block.cells()
            for name in numeric:
                column = [str(cell) for cell in cells[name]]
                found = column_numbers([cell.strip(" \t") for cell in column])
                # nan is written as null: no value
                cells[name] = found.tolist() if found is not None else [value(cell) for cell in column]
            return cells

    return Typed({}, block.rows, block.first_row, {}, block.names)
