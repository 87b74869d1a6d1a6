"""What the programs of all targets begin and end with: what they are, their names, their assertions."""

from __future__ import annotations

import keyword
from collections.abc import Collection, Iterable, Iterator, Mapping

from .. import __version__
from ..language.numbers import brief
from .program import Program
from .writer import Names, title

RELATIVE = 1e-9
FLOOR = 1e-12
"""Below it frameworks lose digits of slopes that are there: sigmoid' as y*(1 - y)."""

BUILTINS = frozenset(
    "abs float int list len map max min print pow range round set str sum tuple type zip enumerate "
    "math".split()
)
PYTHON_WORDS = frozenset(keyword.kwlist) | BUILTINS


def header(program: Program, names: Names, language: str, comment: str = "# ") -> Iterator[str]:
    """Yield what a program says about itself."""
    text = title(program.graph)
    if len(text) > 90:
        text = f"{text[:80]} ..."
    yield f"{comment}{text}".rstrip()
    yield f"{comment}Value and gradient in {language}, written by backprop {__version__};"
    yield f"{comment}the numbers asserted at the end are those of backprop's own forward and reverse pass."
    yield from names.notes(comment, language)


def conventions(
    program: Program, language: str, same: Collection[str], comment: str = "# "
) -> tuple[list[str], set[str]]:
    """Return comments on the slopes by convention at the point, and the inputs not to be asserted.

    Args:
        program: What is exported.
        language: What to call the target.
        same: Primitives whose convention is the same there as here.
        comment: What a comment begins with.
    """
    lines: list[str] = []
    open_: set[str] = set()
    for op in dict.fromkeys(program.by_convention.values()):
        if op.name in same or op.means:  # a definition brings our convention along
            kink = f"{op.name} is on its kink here; " if op.kinks else ""
            lines.append(f"{comment}{kink}{op.convention}, as in backprop.")
            continue
        touched = program.touched(op)
        open_ |= set(touched)
        whose = f"; the slope in {', '.join(touched)} is not asserted" if touched else ""
        ours = f"{op.name} is on its kink here: backprop has" if op.kinks else "in backprop"
        lines.append(f"{comment}{ours} {op.convention}, {language} may do otherwise{whose}.")
    return lines, open_


def absolute(program: Program, name: str | None, floor: float) -> float:
    """Return the absolute tolerance of a number: of the slope in ``name``, or of the value."""
    bound = program.value_bound if name is None else program.bounds[name]
    wide = float(f"{64.0 * bound:.0e}") if 64.0 * bound < float("inf") else 0.0
    number = program.value if name is None else program.gradient[name]
    return wide if wide > max(floor, RELATIVE * abs(number)) else floor


def python_assertions(
    program: Program,
    value: str,
    slopes: Mapping[str, str],
    *,
    floor: float = FLOOR,
    skip: Iterable[str] = (),
) -> Iterator[str]:
    """Yield Python's assertions of the numbers.

    Args:
        program: What is exported.
        value: The output, as an expression of a float.
        slopes: Per input, the same of its slope.
        floor: Absolute tolerance.
        skip: Inputs whose slope is a convention that the target need not share.
    """
    yield f"# tolerance: {brief(RELATIVE)} of each number" + (
        f", {brief(floor)} where it is smaller than {brief(floor / RELATIVE)}" if floor else ""
    )
    for name, expression in ((None, value), *slopes.items()):
        if name in set(skip):
            continue
        expected = program.value if name is None else program.gradient[name]
        wide = absolute(program, name, floor)
        if wide > floor:
            yield "# cancellation: rounding may change this one by as much as its tolerance"
        if expected == 0.0 and not wide:
            yield f"assert {expression} == 0.0"
            continue
        extra = f", abs_tol={brief(wide)}" if wide else ""
        yield f"assert math.isclose({expression}, {expected!r}, rel_tol={brief(RELATIVE)}{extra})"


def joined(blocks: Iterable[Iterable[str]]) -> str:
    """Return blocks of lines with a blank line between them."""
    return "\n\n".join(text for block in blocks if (text := "\n".join(block))) + "\n"
