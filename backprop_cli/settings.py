"""What a section of a config is, and the ranges that its numbers have."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Fraction = Annotated[float, Meta(ge=0, lt=1)]
Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Whole = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Beta = Annotated[float, Meta(ge=0, lt=1)]


class Section(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A mapping in the config; unknown keys are errors."""
