"""What a section of a config is, the ranges that its numbers have, and what its types cannot say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

from msgspec import Meta, Struct

from .errors import counted

Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Fraction = Annotated[float, Meta(ge=0, lt=1)]
Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Whole = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Beta = Annotated[float, Meta(ge=0, lt=1)]


class Section(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A mapping in the config; unknown keys are errors."""


class Fault(NamedTuple):
    """What one key of a config demands of another, and does not get.

    Attributes:
        key: Where to say so.
        message: What is wrong.
        hint: What helps.
        also: Keys that it is about besides; where one of them was refused already, this goes without saying.
    """

    key: str
    message: str
    hint: str | None = None
    also: tuple[str, ...] = ()


def uneven(key: str, rows: Sequence[Sequence[Any]]) -> Fault | None:
    """Return the fault of rows that are none, empty, or not of one length; None where all is well."""
    if not rows:
        return Fault(key, f"{key} is empty")
    width = len(rows[0])
    if not width:
        return Fault(f"{key}.0", f"{key} has a row without numbers")
    for i, row in enumerate(rows):
        if len(row) != width:
            has = counted(len(row), "number")
            return Fault(f"{key}.{i}", f"row {i + 1} of {key} has {has}, row 1 has {width}")
    return None
