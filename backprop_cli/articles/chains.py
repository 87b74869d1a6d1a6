"""Chains of formulas that end in a number, ``y = w*x = 2*3 = 6``, judged part by part."""

from __future__ import annotations

import re

from ..checking.answers import read_answer
from ..checking.verdicts import is_slip
from ..language.tokens import NAME
from .known import Known
from .lines import NO_NAMES, Line, line_of
from .numbers import NUMBER, plain_number
from .programs import lowered, names_in

NOISE = 1e-9
"""What floats may be off where a difference cancels, as a share of a whole number."""

DASH = re.compile(rf"([=≈]\s*{NUMBER})\s+[-–—]\s+")


def chain(
    number: int, parts: list[str], known: Known, fenced: bool, about: bool, update: bool = False
) -> list[Line] | None:
    """Judge ``name = expression = number``: every part that is a formula against the last number."""
    while (
        len(parts) > 2
        and not re.fullmatch(NUMBER, parts[-1].rstrip(".,;…").strip())
        and any(re.fullmatch(NUMBER, part) for part in parts[1:-1])
    ):
        parts = parts[:-1]  # "2*3 = 6 = 12/2"
    *before, last = parts
    last = last.rstrip(".,;…").strip()
    claimed = re.fullmatch(NUMBER, last)
    name = parts[0] if re.fullmatch(NAME, parts[0]) else None
    if claimed is None:
        value = known.value(last)
        if name and value is not None:
            if update:
                known.update(name, value)
            else:
                known.give(name, value, last)
            return []
        if name and name not in names_in(last):
            known.formulas[name] = True
        return None if not fenced and re.search(r"\d", " ".join(parts)) else []
    # left of what cannot be read, another claim may have ended: "2*3 = 6 apples = 5"
    owner = name
    unclear = [i for i, part in enumerate(before) if part != name and known.value(part) is None]
    if unclear and unclear[-1]:
        if DASH.search(" = ".join(parts)) or not all(lowered(part) for part in before[1:]):
            owner = None
        name, before = None, before[unclear[-1] + 1 :]
    found = _started(number, name, before[1], known) if name and update and len(before) > 1 else []
    starts, read = len(found), False
    for part in before:
        # what was given before is given anew; what was computed is claimed again
        if part == name and (len(before) > 1 or fenced or not known.claims_again(name)):
            read = read or len(before) == 1
        elif re.fullmatch(NUMBER, part):
            read = True
        elif line := _worked_out(number, part, last, known, about, fenced):
            read = True
            found.append(line)
    if owner:
        written = float(plain_number(last))
        if update and len(parts) > 2:
            known.update(owner, written)
        else:
            computed = [line.right for line in found[starts:] if len(parts) > 2 and line.right is not None]
            known.give(
                owner, computed[0] if computed else written, parts[1] if len(parts) > 2 else "", written
            )
    return found if read or found else None


def _worked_out(number: int, part: str, last: str, known: Known, about: bool, fenced: bool) -> Line | None:
    """Judge a number by an expression; None where that cannot be worked out.

    In formulas it is right, too, where it comes of the rounded numbers that the text wrote, or of those that
    names were updated to.
    """
    stated = float(plain_number(last))
    first: Line | None = None
    for over in ({}, known.written, known.updates) if not fenced else ({},):
        value = known.value(part, over)
        if value is None:
            return first
        if not fenced and stated.is_integer() and abs(stated - value) <= NOISE * max(abs(stated), 1.0):
            value = stated  # a formula is of real numbers, not of floats: (L + h - L)/h = 1
        line = line_of(number, part, last, value, about)
        if not line.wrong and over is known.updates:
            known.take(part)
        if not line.wrong or part in over:
            return line
        first = first or line
    return first


def _started(number: int, name: str, formula: str, known: Known) -> list[Line]:
    """Judge the number that a step starts from, ``x ← 0.4 - ...``, by the one that the step before ended in.

    Only what looks like that one with a slip in it is wrong: one may start elsewhere.
    """
    start = re.match(rf"\(?({NUMBER})\)?\s*[-+−]", formula)
    if start is None or name not in known.updates:
        return []
    line = line_of(number, f"{name} before the step", start[1].strip(), known.updates[name], about=False)
    value = float(plain_number(start[1]))
    slip = is_slip(read_answer(plain_number(start[1]), NO_NAMES), value, known.updates[name])
    return [line] if line.wrong and slip else []
