"""Whether a number that comes out otherwise was meant as a result: equations, conditions, names given anew.

A false alarm is worse than a number that is not read: what may speak of something else is not wrong.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from math import log

from ..checking.answers import written_digits
from ..checking.verdicts import LEAST_DIGITS, digits_right
from ..language.tokens import NAME
from ..ops import FUNCTIONS
from .known import SLOPE, Known
from .latex import plain_math
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


_OF_SLOPE = re.compile(rf"{SLOPE.pattern}\s*[=≈]\s*{NAME}$")
_SOLVED = re.compile(r"\b(?:subtracting|eliminat\w+|solv\w+|system\s+of|simultaneous\w*)\b", re.IGNORECASE)
_NEAR = 0.01
_SIZES = (1e-12, 1e-9, 1e-6, 1e-3, 0.01, 100.0, 1e3, 1e6, 1e9, 1e12, 1024.0, 1024.0**2, 1024.0**3)
"""Of units: thousands, percent, kibibytes."""


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
    by_numbers = {
        line.claimed for line in lines if not line.wrong and not names_in(line.text) - FUNCTIONS.keys()
    }
    for line in lines:
        if line.wrong and (reason := doubt(line, raw, known, line.claimed in by_numbers)):
            doubts[plain_number(line.claimed).rstrip(".")] = reason
        else:
            found.append(line)
    return found


def doubt(line: Line, raw: str, known: Known, by_numbers: bool = False) -> str:
    """Return why a claim of prose that comes out wrong may be none; "" where it is one.

    Args:
        line: The claim.
        raw: The line of the page.
        known: What the page has said before.
        by_numbers: Whether the same number is right by numbers that were put in for names.
    """
    number = re.fullmatch(NUMBER, line.claimed.rstrip(".,;"))
    plain = plain_number(number[0]) if number else ""
    left = _left_of(line.claimed, raw)
    around = raw[: len(left)] + re.split(r"(?<=[.?!])\s", raw[len(left) :])[0]
    sentence = re.split(r"[.!]\s", around[: len(left)])[-1] + around[len(left) :]
    names = _meant(line.text, known)
    asked = _ASKED.search(left)
    if asked and asked[0].split()[0].lower() in ("where", "when") and names <= known.functions.keys():
        asked = None  # "where f(2) = 3"
    if "?" in sentence or _DOUBT.search(sentence) or asked:
        return CONDITION
    if number and names and (float(plain) == 0.0 or _SOLVED.search(raw)):
        return EQUATION
    if number and _another_measure(line, raw, float(plain)):
        return CONDITION
    # "y = 6", not "y = 2x = 6" or "df/dz = y = 6"
    before = plain_math(left).strip("$`=≈ ")
    ends = re.split(r"[\s$`(,;:=|]+", before)[-1] == line.text and not _OF_SLOPE.search(before)
    alone = (ends and re.fullmatch(NAME, line.text)) and (
        "." not in plain or line.text in known.scattered or "_" not in line.text
    )
    if alone and not _FOLLOWS.search(re.split(r"[.,;]\s", left)[-1]):
        return GIVEN_ANEW
    owner = re.match(rf"\W*({NAME})", plain_math(raw))
    names |= {owner[1]} if by_numbers and owner else set()
    if by_numbers and (names & known.scattered or digits_right(float(plain), line.right or 0.0) > 1):
        return OTHER_PART
    elsewhere = {n for n in names if known.since.get(n, known.part) != known.part} & known.scattered
    short = not number or "." not in plain or written_digits(plain) < LEAST_DIGITS
    return OTHER_PART if elsewhere and (short or elsewhere & known.functions.keys()) else ""


def _another_measure(line: Line, raw: str, claimed: float) -> bool:
    """Return whether a number is right in another unit (70e9 bytes are 70 GB), or by another logarithm."""
    if not claimed or line.right is None:
        return False
    ratio = abs(line.right / claimed)
    if any(abs(ratio / size - 1.0) < _NEAR for size in _SIZES):
        return (
            re.search(rf"{re.escape(line.claimed)}\s*[$`]*\s*\\?(?:text|mathrm)?\{{?\s*[A-Za-z%]", raw)
            is not None
        )
    return "log(" in line.text and any(abs(ratio / log(base) - 1.0) < _NEAR for base in (2.0, 10.0))


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
