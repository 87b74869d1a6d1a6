"""Programs that may have unknown functions, where formulas are asked for and not numbers alone."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import ExpressionError, Source, UsageError, nearest
from .parser import NAME_ITEM, Program, parse
from .tokens import plain_name


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


def until(program: Program, name: str) -> tuple[Program, set[str]]:
    """Return the program of a step, without what it does not need, and the names that occur there alone.

    Places in the text stay what they are: every witness reads it.

    Raises:
        UsageError: where there is no such step.
    """
    name = plain_name(name)
    steps = [s.name if s.params is None else None for s in program.statements]
    if name not in steps:
        known = [step for step in steps if step is not None]
        close = nearest(name[:80], known)
        hint = f"its steps: {', '.join(known[:12])}" if known else "y = ... names one"
        raise UsageError(
            f"the program has no step {name[:80]}", hint=f"did you mean {close}? {hint}" if close else hint
        )
    text, needed = program.source.text, {name}
    for k, s in reversed([*enumerate(program.statements)]):
        if k <= steps.index(name) and (s.name in needed or s.params is not None):
            needed |= {item.text for item in s.items if item.arity == NAME_ITEM}
            continue
        start, end = s.span
        if text[end:].lstrip(" \t")[:1] == ";":
            end = text.index(";", end) + 1
        text = text[:start] + "".join("\n" if c == "\n" else " " for c in text[start:end]) + text[end:]
    ended = read(Source(text.rstrip(" \t\n;"), program.source.path), large=True)
    if not program.source.unknown:
        ended.source.note = program.source.note
    return ended, {*program.all_names()} - {*ended.all_names()}
