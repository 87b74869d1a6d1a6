"""One training step in full: what ``backprop trace`` answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ..training.problem import assembled
from ..training.trace import Trace, write_out
from .arguments import MOST_DIGITS, names, optional, text, whole
from .arguments import config as config_of
from .shown import Shown

if TYPE_CHECKING:
    from os import PathLike

    from ..render.document import Document


class Written(Shown, Trace):
    """A `Trace` that shows itself."""

    def _document(self, format_: str) -> Document:
        from ..render.trace import document

        return document(self)


def trace(
    config: str | PathLike[str] | Mapping[str, Any],
    *overrides: str,
    at_step: int = 1,
    row: int | None = None,
    layer: str | None = None,
    step: int | None = None,
    round_each: int | None = None,
) -> Written:
    """Write out one training step in full, as on paper; nothing is trained or saved.

    Args:
        config: Path of the config, or its keys.
        overrides: ``optimizer.learning_rate=0.1`` and the like; they win over the file.
        at_step: Which update, from 1; those before it are made first.
        row: The one row of the batch to write out, from 1; None chooses.
        layer: One layer alone, such as ``linear1``.
        step: One step of a program's loop alone, from 0.
        round_each: Round every result to so many decimals.
    Raises:
        BackpropError: for a config, data or shapes that do not fit, and for networks too large to write out.
    """
    update, one = whole("at_step", at_step), optional(whole, "step", step, 0)
    line = optional(whole, "row", row)
    alone = optional(text, "layer", layer)
    decimals = optional(whole, "round_each", round_each, 1, MOST_DIGITS)
    with assembled(config_of("config", config), names("overrides", overrides)) as problem:
        found = write_out(problem, at_step=update, row=line, layer=alone, step=one, decimals=decimals)
    return Written(**{field.name: getattr(found, field.name) for field in fields(found)})
