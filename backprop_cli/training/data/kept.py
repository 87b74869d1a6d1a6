"""How rows became inputs before, so that they become the same again."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..units import Units
from .encoding import Encoding


class Kept(NamedTuple):
    """What a model or an earlier part of a run brings along.

    Attributes:
        encoding: Columns to inputs, with their scaling.
        where: Whose it is.
        scaling: What its config says of it.
        classes: Whether the classes are those, too.
        units: Those of the targets.
        settled: Whether ``units`` is what they are, none included; else they are fitted anew.
    """

    encoding: Encoding
    where: str
    scaling: Any
    classes: bool = True
    units: Units | None = None
    settled: bool = False
