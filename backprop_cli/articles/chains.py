"""Chains of formulas that end in a number, ``y = w*x = 2*3 = 6``, judged part by part."""

from __future__ import annotations

import re

from ..checking.answers import read_answer, written_digits
from ..checking.verdicts import EXACT, LEAST_DIGITS, ROOM, is_slip
from ..language.tokens import NAME
from .evidence import GIVEN_ANEW
from .known import SLOPE, Known
from .lines import NO_NAMES, Line, line_of, unit_of
from .networks import is_of_this_example, mistake_in, spread
from .numbers import NUMBER, plain_number
from .programs import names_in
from .unread import ROUNDING

NOISE = 1e-9
"""What floats may be off where a difference cancels, as a share of a whole number."""

DASH = re.compile(rf"([=≈]\s*{NUMBER})\s+[-–—]\s+")

_TOLD = re.compile(rf"^({NUMBER})\s+(?:is|are|was|which|because|since)\b[^=\d]*$")
"""A number of which a sentence goes on to say something."""


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
    last = _TOLD.sub(r"\1", last.rstrip(".,;…").strip())
    name = parts[0] if re.fullmatch(NAME, parts[0]) else None
    slope = parts[0] if not fenced and SLOPE.fullmatch(parts[0]) else None
    if not re.fullmatch(NUMBER, last):
        value = known.value(last)
        if name and not fenced and not update:
            known.rule(name, parts[1:])
        if name and value is not None:
            if update:
                known.update(name, value)
            else:
                known.give(name, value, last)
            return []
        if name and name not in names_in(last) and not re.match(rf"{NUMBER}\s+[a-z]{{2}}|.*\sis\s", last):
            known.formulas[name] = True
        return None if not fenced and re.search(r"\d", " ".join(parts)) else []
    # left of what cannot be read, another claim may have ended: "2*3 = 6 apples = 5"
    owner = name or slope
    unclear = [i for i, part in enumerate(before) if part not in (name, slope) and known.value(part) is None]
    if unclear and unclear[-1]:
        if DASH.search(" = ".join(parts)) or not all(known.reads(part) for part in before[1:]):
            owner = slope
        name, before = None, before[unclear[-1] + 1 :]
    found = _started(number, name, before[1], known) if name and update and len(before) > 1 else []
    starts, read = len(found), False
    for part in before:
        # what was given before is given anew; what was computed is claimed again
        if part == slope or (part == name and (len(before) > 1 or fenced or not known.claims_again(name))):
            read = read or (len(before) == 1 and part == name)
        elif re.fullmatch(NUMBER, part):
            read = True
        elif line := _worked_out(number, part, last, known, about, fenced, slope is not None):
            read = True
            anew = part == name and name not in known.updates
            if anew and line.wrong and not _slips(last, line.right or 0.0):
                known.doubts[plain_number(last)] = GIVEN_ANEW
            else:
                found.append(line)
    written = float(plain_number(last))
    if update and owner and len(parts) > 2:
        known.update(owner, written)
    elif owner:
        exact = None
        if not fenced:
            if name:
                known.rule(owner, parts[1:-1])
            elif not slope:
                known.rules.pop(owner, None)  # its formula by now is over other names
            found, exact = _settled(number, owner, last, found, known, about)
            found = [
                w._replace(mistake=mistake_in(w, owner, parts[1:-1], known)) if w.wrong else w for w in found
            ]
            known.wrongs.pop(owner, None)
            if any(w.wrong for w in found):
                known.wrongs[owner] = abs(written)
        computed = [line.right for line in found[starts:] if len(parts) > 2 and line.right is not None]
        value = exact if exact is not None else computed[0] if computed else written
        if slope:
            known.claim(slope, value, written)
        else:
            known.give(owner, value, parts[1] if len(parts) > 2 else "", written)
        worked = found or len(parts) == 2
        long = "." in last and written_digits(plain_number(last)) >= LEAST_DIGITS
        rounded = abs(value - written) > EXACT * abs(value) if worked else long
        rounded = rounded and not any(line.wrong for line in found)
        if rounded and (unit := unit_of(last)):
            known.units[owner] = known.units[plain_number(last).lstrip("+-")] = unit / 2
    return found if read or found else None


def _settled(
    number: int, left: str, last: str, found: list[Line], known: Known, about: bool
) -> tuple[list[Line], float | None]:
    """Hold the number for a name or derivative to all formulas that lead to it, from the numbers given.

    What is off by no more than the rounding of the numbers that it was worked out from is not called wrong;
    it is right where the formulas say so, and else not read.

    Returns:
        What was judged, and the exact number where that is one for it.
    """
    exact = known.exact(left)
    line = None if exact is None else line_of(number, left, last, exact, about)
    if line and line.wrong and known.updates and not SLOPE.fullmatch(left):
        later = known.exact(left, known.updates)
        after = None if later is None else line_of(number, left, last, later, about)
        if after and not after.wrong:
            known.take(" ".join(known.updates))
            line, exact = after, later
    if line and line.wrong and (partial := known.partial(left)) is not None:
        fixed = line_of(number, left, last, partial, about)
        line, exact = (line, exact) if fixed.wrong else (fixed, partial)
    # 10 of 9 is not rounded to tens
    stated, half = float(plain_number(last)), unit_of(last) / 2 if about or "." in last else 0.5
    far = [
        w for w in found if w.wrong and abs(stated - (w.right or 0.0)) > half * ROOM + spread(w.text, known)
    ]
    if any(w.wrong for w in found) and not far:
        found = [w for w in found if not w.wrong]
        if not found and (line is None or line.wrong):
            known.doubts[plain_number(last)] = ROUNDING
            return [], None
    if line is None or far:
        return found, None
    if not line.wrong:
        return found or [line], exact
    texts = [w.text for w in found]
    room = max((spread(text, known) for text in texts), default=abs(exact or 0.0) * known.roundness(left))
    if abs(stated - (exact or 0.0)) <= half * ROOM + CARRIED * room:
        known.doubts |= {} if found else {plain_number(last): ROUNDING}
        return found, None
    numeric = [text for text in texts if not known.names_of(text)]
    if numeric and not is_of_this_example(numeric[-1], left, known):
        known.rules.pop(left, None)
        return found, None
    if not (texts or SLOPE.fullmatch(left) or _slips(last, exact or 0.0)):
        known.rules.pop(left, None)  # it is given anew
        return found, None
    formula = texts[0] if texts and not SLOPE.fullmatch(left) else left
    return [*found, line._replace(text=formula)], exact


CARRIED = 6
"""How many times as far the rounding of numbers may go that were worked out from rounded ones themselves."""


def _worked_out(
    number: int, part: str, last: str, known: Known, about: bool, fenced: bool, slope: bool
) -> Line | None:
    """Judge a number by an expression; None where that cannot be worked out.

    In formulas it is right, too, where it comes of the rounded numbers that the text wrote, or of those that
    names were updated to; a derivative is of the numbers before.
    """
    stated = float(plain_number(last))
    first: Line | None = None
    for over in ({}, known.written, {} if slope else known.updates) if not fenced else ({},):
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
    return [line] if line.wrong and _slips(start[1], known.updates[name]) else []


def _slips(written: str, right: float) -> bool:
    plain = plain_number(written)
    return is_slip(read_answer(plain, NO_NAMES), float(plain), right)
