"""What looks like a result and was not read, with the reason: silence is not to be taken for right."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from ..language.operators import CONSTANTS
from ..language.parser import NAME_ITEM
from ..language.tokens import NAME
from ..ops import FUNCTIONS
from .numbers import NUMBER, plain_number
from .programs import program_in

LONG = "the line is too long"
BLOCK = "in a loop, a branch or a function"
HEADING = "in a heading"
DOUBT = "the sentence can be read in more than one way"
ELSEWHERE = "what it is the value of stands elsewhere"
FORMULA = "left of it stands no formula that is read"
PRINTED = "not sure which line printed it"
WORDS = "said in words"
TABLE = "in a table"
UNWORKED = "its formula was not worked out"
ROUNDING = "no further off than the rounding of the numbers that it comes from"
UNSURE = "not sure what it is the value of"

LONGEST = 10_000
"""Characters of a line that are looked through."""


class Missed(NamedTuple):
    """A number that looks like a result and was not read.

    Attributes:
        number: Of the line, from 1.
        text: The line.
        claimed: The number as written.
        reason: Why it was not read.
        cell: Of a notebook, from 1.
    """

    number: int
    text: str
    claimed: str
    reason: str
    cell: int | None = None


# a number that something is done to is no result: "= 3*(-2)", "= 2x"
_AFTER = (
    r"(?![\d,.]*\d|\w|\s*(?:[*/^+−·×({\[%]|-\s*[\w(\\]|[A-Za-z]\s*[*^(]|\\(?:cdot|times|d?t?frac|sqrt|pm)))"
)
_EQUAL = r"(?:(?<![<>=!:+*/-])&?=&?(?!=)|≈|→|[-=]>|←|\\approx|\\rightarrow)"
_SAID = r"\b(?:prints?|outputs?|gives|returns|yields|equals)\b:?"
_POINT = rf"(?:at|for|when|with)\s+[`$]*{NAME}\s*=\s*[-\w./]+[`$]*,?\s+"
_OF = (
    r"\b(?:slope|derivative|gradient|loss|error|output|result|value)s?\b[^.;=]{0,40}?"
    rf"(?:\b{_POINT})?\b(?:is|are|becomes)\b|\b{_POINT}(?:it|this|that)\s+is\b"
)
_RESULTS = [
    re.compile(rf"(?:{of})(?:\s|[`$]|\\[,;(]|about\b|exactly\b)*({NUMBER}){_AFTER}", re.IGNORECASE)
    for of in (_OF, _SAID, _EQUAL)
]
_COMMENT = re.compile(rf"#\s*({NUMBER})\s*(?:\.\.\.|…)?[.;,]?\s*$")
_ALONE = re.compile(rf"\s*(?:Out\[\d+\]:\s*)?({NUMBER})\s*")
_BETWEEN = re.compile(r"[=≈→←;]|,\s|->|\\approx|\\rightarrow|\.\s")
_NEW = re.compile(r"\^\{?\s*(?:\+|new)")
"""Behind a weight that was updated: that is worked out from the one before."""

_INDEX = r"(?:_(?:\w+|\{[^{}]*\}|\([^()]*\))|\^(?:\{?[(\[]\w[)\]]\}?|\{?\+\}?))"
_GIVEN = re.compile(
    # a name behind nothing, a mark, or a word: "W x" is a product
    rf"(?:.*(?:[(,;:`$\[{{\"'>|?]|--|(?<![\w\\])[A-Za-z][a-z']+\s))?\s*\\?({NAME}{_INDEX}*)\s*(?:\[[^\]]*\])?[`$\s]*"
)


def missed(
    number: int,
    line: str,
    code: bool,
    read: Counter[str],
    reason: str,
    known: Collection[str],
    functions: Collection[str],
    formulas: Mapping[str, bool],
    doubts: Mapping[str, str],
) -> Iterator[Missed]:
    """Yield the numbers of a line that look like results, and are not among those that were read.

    Args:
        number: Of the line.
        line: As written.
        code: Whether it stands in a block of code.
        read: How often each number was judged.
        reason: Why nothing of the line was read; "" where each number has a reason of its own.
        known: Names that have values.
        functions: Functions that are defined.
        formulas: Names that were given by a formula: whether the last one could not be worked out.
        doubts: Why a number that was worked out may be no claim, by number.
    """
    line = line[:LONGEST]
    found = {m.start(1): (m[1], m.start()) for pattern in _RESULTS for m in pattern.finditer(line)}
    if code:
        found |= {m.start(1): (m[1], m.start()) for m in [_COMMENT.search(line)] if m}
        found |= {m.start(1): (m[1], 0) for m in [_ALONE.fullmatch(line)] if m}
    left_over = Counter(read)
    for at, (claimed, start) in sorted(found.items()):
        plain = plain_number(claimed).rstrip(".")
        left = _BETWEEN.split(line[max(start - 200, 0) : start])[-1]
        worded = line[start : start + 1].isalpha() and bool(left)
        given = None if worded or line[start : start + 1] == "#" else _GIVEN.fullmatch(left)
        chained = given is not None and _chained(line[max(start - 400, 0) : start - len(left)], left)
        if given and (code or (given[1] not in formulas and not _NEW.search(left) and not chained)):
            continue  # a name is given a value: nothing to work out
        if left_over[plain]:
            # "a*b = 6 = 2*3 = 6" claims one number twice
            left_over[plain] -= not re.match(r"\s*=", line[at + len(claimed) :])
            continue
        why = reason
        if plain in doubts:
            why = doubts[plain]
        elif worded:
            why = WORDS if why in ("", DOUBT) else why
        elif given:
            why = why or (UNWORKED if formulas.get(given[1], True) else "")
        else:
            own = _reason(left, known, functions) if why in ("", DOUBT) else UNSURE
            why = why if why and own in (UNSURE, FORMULA) else own
        if why:
            yield Missed(number, line.strip(), claimed.strip().rstrip(".,"), why)


def _chained(before: str, name: str) -> bool:
    """Return whether a name stands behind what it is the value of: "df/dq = z = -4", not "v = w = 0.5"."""
    before = before.rstrip("& ")
    claim = before.removesuffix("=").removesuffix("≈").removesuffix("\\approx")
    chain = claim != before and re.fullmatch(r"\s*\S+\s*", name) is not None
    return chain and not _GIVEN.fullmatch(_BETWEEN.split(claim)[-1])


def _reason(left: str, known: Collection[str], functions: Collection[str]) -> str:
    left = left.strip(" `$(&|>*\t").removesuffix("#").strip()
    if not re.search(r"\w", left):
        return ELSEWHERE
    called = re.findall(rf"((?:{NAME}\.)*{NAME})['′]*\(", left)
    if called := [n for n in called if n not in functions and n not in FUNCTIONS]:
        return f"{called[0]} is not defined by a formula that is read"
    program = program_in(left)
    if program is None:
        return FORMULA
    names = {i.text for s in program.statements for i in s.items if i.arity == NAME_ITEM}
    unknown = sorted(n for n in names if n not in known and n not in CONSTANTS)
    return f"{unknown[0]} has no value here" if unknown else UNSURE
