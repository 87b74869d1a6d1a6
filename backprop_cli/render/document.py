"""A report as its parts: a page for people, facts and records for programs; writers choose one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from ..errors import printable
from .record import Record

if TYPE_CHECKING:
    from .page import Block  # a report for programs has no page


class Entries(Record):
    """A list of which JSON has one entry a line; for a large one they can be gone through once."""

    of: Iterable[Any]


Layout = Literal["record", "closed", "graph", "compact", "indented", "document"]
"""How JSON is laid out: a member a line, with the closing brackets in three places; in one line; indented."""


class Facts(Record):
    """The JSON object of a report, or a list of them."""

    members: Mapping[str, Any] | Entries
    layout: Layout = "record"


class Element(Record):
    """An element of XML, with a text or with others in it."""

    tag: str
    attributes: Mapping[str, str]
    children: Sequence[Element] = ()
    text: str = ""


class Records(Record):
    """A table for programs: numbers are numbers, None is a cell without one."""

    header: Sequence[str]
    rows: Iterable[Sequence[Any]]


class Document(Record):
    """A report, ready to be written; a part is made when a format asks for it.

    Attributes:
        page: For people.
        facts: For programs that read JSON.
        records: For those that read a table, where it has one.
        values: The bare answers, where it has some.
        others: Formats that no other report has.
    """

    page: Callable[[], Iterable[Block]]
    facts: Callable[[], Facts]
    records: Callable[[], Records] | None = None
    values: Callable[[], Iterable[float | None]] | None = None
    others: Mapping[str, Callable[[], Facts | Element]] = {}

    @property
    def formats(self) -> tuple[str, ...]:
        """What it can be written in."""
        records = ("csv", "tsv") if self.records is not None else ()
        values = ("value",) if self.values is not None else ()
        return ("table", "markdown", "latex", "html", "json", *records, *values, *self.others)


def unformulated(text: str) -> str:
    """Keep somebody's text, a name or an answer, from being a spreadsheet's formula in CSV."""
    shown = printable(text)
    if shown[:1] not in ("=", "+", "-", "@"):
        return shown
    try:
        float(shown)
    except ValueError:
        return f"'{shown}"
    return shown
