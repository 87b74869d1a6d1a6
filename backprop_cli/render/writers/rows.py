"""Records as CSV and TSV, and bare numbers: every float in its shortest exact text."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import StringIO

from ..document import Records


def write(records: Records, delimiter: str) -> str:
    """Return a header and the rows; None is an empty cell."""
    stream = StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerow(records.header)
    writer.writerows(records.rows)
    return stream.getvalue()


def numbers(values: Iterable[float | None]) -> str:
    """Return a number a line; an empty line for none."""
    return "".join("\n" if x is None else f"{x!r}\n" for x in values)
