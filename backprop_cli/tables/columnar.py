"""Parquet, Arrow and Feather files as CSV, some rows at a time; pyarrow reads them."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pyarrow as arrow
from pyarrow import csv, feather, ipc, parquet

from ..errors import DataError

ROWS = 1 << 14
"""Rows that are turned into text at once."""
BUFFER = 1 << 16
"""Bytes of a column that are read at once."""

PARQUET, ARROW, FEATHER = b"PAR1", b"ARROW1", b"FEA1"


class Columnar:
    """A file of columns as a stream of CSV: null is an empty cell, dates and times are as ISO 8601 has them.

    Args:
        file: That can be searched, at any place.
        head: How it begins.
        name: Of the file, for messages.
    Raises:
        DataError: when it is damaged, or has a column that no cell of a table can hold.
    """

    def __init__(self, file: Any, head: bytes, name: str) -> None:
        self._name = name
        self._text, self._at = b"", 0
        try:
            schema, self._batches = _opened(file, head)
        except _FAULTS as error:
            raise self._fault(error) from None
        for field in schema:
            if arrow.types.is_nested(field.type) or arrow.types.is_binary(field.type):
                raise DataError(
                    f"column '{field.name}' is of {field.type}, and a cell holds a number, a text or a date",
                    place=name,
                    hint=f"write the table without it: table.drop(['{field.name}'])",
                )
        self._first = True
        if not len(schema):
            raise DataError("the file has no columns", place=name)
        self._schema = schema

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes of CSV, none at the end."""
        while self._at == len(self._text):
            batch = self._next()
            if batch is None:
                return b""
            self._text, self._at = batch, 0
        data = self._text[self._at : self._at + size if size >= 0 else None]
        self._at += len(data)
        return data

    def _next(self) -> bytes | None:
        try:
            batch = next(self._batches, None)
            if batch is None and not self._first:
                return None
            table = arrow.Table.from_batches([] if batch is None else [batch], self._schema)
            out = BytesIO()
            csv.write_csv(_plain(table), out, csv.WriteOptions(include_header=self._first))
        except _FAULTS as error:
            raise self._fault(error) from None
        self._first = False
        return out.getvalue()

    def _fault(self, error: Exception) -> DataError:
        message = str(error).splitlines()[0] if str(error) else type(error).__name__
        return DataError(f"the file cannot be read by pyarrow: {message}", place=self._name)


_FAULTS = (arrow.ArrowException, OSError, ValueError, TypeError, EOFError)


def _opened(file: Any, head: bytes) -> tuple[Any, Iterator[Any]]:
    """Return the columns of a file, and its rows, some at a time."""
    file.seek(0)
    if head.startswith(PARQUET):
        # else a whole group of rows is read, packed, before its first row is there
        found = parquet.ParquetFile(file, buffer_size=BUFFER, pre_buffer=False)
        return found.schema_arrow, found.iter_batches(ROWS)
    if head.startswith(ARROW):
        opened = ipc.open_file(file)
        batches = (opened.get_batch(i) for i in range(opened.num_record_batches))
        pieces = (batch.slice(at, ROWS) for batch in batches for at in range(0, batch.num_rows, ROWS))
        return opened.schema, pieces
    table = feather.read_table(file)  # the first version of the format is read as a whole
    return table.schema, iter(table.to_batches(ROWS))


def _plain(table: Any) -> Any:
    """Return a table without dictionaries, and with decimals as text, digit for digit."""
    for at, field in enumerate(table.schema):
        column = table.column(at)
        if arrow.types.is_dictionary(field.type):
            table = table.set_column(at, field.name, column.cast(field.type.value_type))
        elif arrow.types.is_decimal(field.type):
            table = table.set_column(at, field.name, column.cast(arrow.string()))
    return table
