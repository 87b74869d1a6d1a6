"""Programs that may have unknown functions, where formulas are asked for and not numbers alone."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import ExpressionError, Source
from .parser import Program, parse


def read(
    text: str | Source, known: Mapping[str, tuple[str, ...]] | None = None, *, large: bool = False
) -> Program:
    """Read a program as `parse` does, or as one with unknown functions.

    Args:
        text: The program.
        known: Functions that are unknown for sure, with what their operands are called.
        large: Lift the limit on the size of the text.
    Raises:
        ExpressionError: with the place, what was expected, and often a hint.
    """
    source = text if isinstance(text, Source) else Source(text)
    try:
        return parse(source, large=large)
    except ExpressionError:
        from .unknown import with_unknown  # only where the text is not in the language: start-up time

        program = with_unknown(source, known or {})
        if program is None:
            raise
        return program
