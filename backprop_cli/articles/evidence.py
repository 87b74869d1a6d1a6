"""Whether a number that comes out otherwise was meant as a result: equations, conditions, names given anew.

A false alarm is worse than a number that is not read: what may speak of something else is not wrong.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from ..checking.answers import written_digits
from ..checking.verdicts import LEAST_DIGITS
from ..language.tokens import NAME
from .known import SLOPE, Known
from .lines import Line
from .numbers import NUMBER, plain_number
from .programs import names_in

EQUATION = "it may be an equation to solve"
CONDITION = "it may be a condition, or a mistake that is shown"
GIVEN_ANEW = "it may be given anew"
OTHER_PART = "its names may be those of another part of the page"

_PART = re.compile(
    r"\s*(?:>\s*)?(?:#{1,6}\s|-{3,}\s*$|[!?]{3}\+?\s|(?:[-*+]\s+|\d+[.)]\s+)?(?:\*\*|__)?(?:example|exercise|problem|question|case)\b"
    r"|(?:[-*+]\s+|\d+[.)]\s+)(?:\*\*|__)?(?:find|if|given|consider|suppose|compute|differentiate)\b)",
    re.IGNORECASE,
)
"""A line with which another part of a page may begin: a heading, an example, an exercise."""

_ASSIGNED = re.compile(rf"(?<![\w\\.])({NAME})\s*(?:\([A-Za-z_,\s]+\))?\s*=(?!=)")
_DOUBT = re.compile(
    r"\b(?:wrong\w*|mistake\w*|incorrect\w*|forget\w*|forgot\w*|instead|should|must|never|false|not|approximate\w*"
    r"|undefined|dne)\b|n't|≠|\\neq?\b|\bunless\b",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"\b(?:if|suppose|assume|assuming|given|know|knowing|such|constraints?|condition|conditions|set|sets|setting|solve"
    r"|solving|require|want|need|find|where|when|whenever|equation|factor|points?|candidates?|but|through)\b"
    r"(?:(?![,;:.]\s|[=≈]).)*$",
    re.IGNORECASE,
)
"""Words before a claim, in its own clause, after which it is none."""

_FOLLOWS = re.compile(
    r"\b(?:so|thus|hence|then|therefore|gives?|yields?|gets?|becomes?|obtains?|finds?|is|total)\b",
    re.IGNORECASE,
)


def begins_part(line: str) -> bool:
    """Return whether another part of a page may begin with a line of prose."""
    return _PART.match(line) is not None


def scattered(lines: Iterable[str]) -> set[str]:
    """Return the names that more than one part of a page gives: whose a later line means is not sure."""
    parts, found = Counter[str](), set[str]()
    for line in lines:
        if begins_part(line):
            parts.update(found)
            found = set()
        if "=" in line:
            found.update(_ASSIGNED.findall(line))
    parts.update(found)
    return {name for name, count in parts.items() if count > 1}


def trusted(lines: list[Line], raw: str, known: Known, doubts: dict[str, str]) -> list[Line]:
    """Return the claims of a line of prose that stand; why others may be none is put into `doubts`."""
    found = []
    for line in lines:
        if line.wrong and (reason := doubt(line, raw, known)):
            doubts[plain_number(line.claimed).rstrip(".")] = reason
        else:
            found.append(line)
    return found


def doubt(line: Line, raw: str, known: Known) -> str:
    """Return why a claim of prose that comes out wrong may be none; "" where it is one."""
    number = re.fullmatch(NUMBER, line.claimed.rstrip(".,;"))
    plain = plain_number(number[0]) if number else ""
    left = _left_of(line.claimed, raw)
    around = raw[: len(left)] + re.split(r"(?<=[.?!])\s", raw[len(left) :])[0]
    sentence = re.split(r"[.!]\s", around[: len(left)])[-1] + around[len(left) :]
    if "?" in sentence or _DOUBT.search(sentence) or _ASKED.search(left):
        return CONDITION
    names = _meant(line.text, known)
    if number and names and float(plain) == 0.0:
        return EQUATION
    alone = re.fullmatch(NAME, line.text) and ("." not in plain or line.text in known.scattered)
    if alone and not _FOLLOWS.search(re.split(r"[.,;]\s", left)[-1]):
        return GIVEN_ANEW
    elsewhere = {n for n in names if known.since.get(n, known.part) != known.part} & known.scattered
    short = not number or "." not in plain or written_digits(plain) < LEAST_DIGITS
    return OTHER_PART if elsewhere and (short or elsewhere & known.functions.keys()) else ""


def _left_of(claimed: str, raw: str) -> str:
    """Return what stands before the sign of equality that a number follows, up to the last one with it."""
    found = re.search(rf".*[=≈\s$]\s*[`$]*{re.escape(claimed)}(?![\w.]\d)", raw, re.DOTALL)
    upto = raw if found is None else found[0][: -len(claimed)]
    return upto.rstrip("=≈&`$ \\")


def _meant(text: str, known: Known) -> set[str]:
    """Return the names of a claim that the page has given, but for what its functions are called with."""
    names = names_in(text) | {name for pair in SLOPE.findall(text) for name in pair}
    inputs = {i for n in names & known.functions.keys() for i in known.functions[n].inputs}
    return {n for n in names - inputs if n in known.values or n in known.functions}
