"""Derivatives that are claimed in words: "the derivative of x^2 at x = 3 is 6"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ..language.tokens import NAME
from .latex import plain_math
from .numbers import NUMBER


class Said(NamedTuple):
    """A derivative that a sentence claims.

    Attributes:
        start: Where the claim begins in the line.
        end: Where it ends.
        text: The claim up to its answer, in plain words.
        of: The formula or name that is differentiated.
        by: What it is differentiated by; "" where none is named.
        at: Name and number of the point; None where none is named.
        answer: The claimed derivative.
    """

    start: int
    end: int
    text: str
    of: str
    by: str
    at: tuple[str, str] | None
    answer: str


_MARKED = re.compile(r"`[^`]+`|\$\$?[^$]+\$\$?|\\\\?\(.+?\\?\\\)")
_TERM = r"(`[^`]+`|\$\$?[^$]+\$\$?|\\\\?\((?:(?!\\\)).)+\\?\\\)|[^\s`$,;:]+?)"
_AT = rf"(?:at|when|where|for)\s+[`$]?({NAME})\s*=\s*({NUMBER}?)[`$]?"
_SAID = re.compile(
    rf"\b(?:derivative|slope)\s+of\s+(?:the\s+(?:function|output|loss|error)\s+)?{_TERM}"
    rf"(?:\s+(?:with\s+respect\s+to|w\.?r\.?t\.?)\s+{_TERM})?(?:\s+{_AT})?,?\s+(?:is|equals)\s+"
    rf"(?:(?:then|just|simply|therefore|exactly)\s+)?{_TERM}(?:\s+{_AT})?"
    rf"(?=\s*[,;:)(]|\s*\.(?:\s|$)|\s*$|\s+(?:and|because|so|which|as)\s)",
    re.IGNORECASE,
)
_DOUBT = re.compile(
    r"\b(?:not|wrong\w*|mistake\w*|incorrect\w*|false|instead|if|thought|think|say|claim\w*|guess\w*|would|only|zero"
    r"|might|often|second|partial|directional|never|without|unless|suppose|almost|except|when|where|for)\b|n't|\?",
    re.IGNORECASE,
)
"""Words of a sentence that may not mean what it says."""


def said(line: str) -> Iterator[Said]:
    """Yield the derivatives that a line of prose claims."""
    for match in _SAID.finditer(line):
        of, by, at, value, answer, late, later = match.groups()
        start = max(line.rfind(end, 0, match.start()) for end in (". ", "; ", ": ")) + 1
        stop = re.compile(r"[.?;](?:\s|$)|$").search(line, match.end())
        around = line[start : match.start()] + line[match.end() : stop.end() if stop else len(line)]
        if _DOUBT.search(around) or (at and late) or (at and not value) or (late and not later):
            continue
        terms = [_plain(term or "") for term in (of, by, answer)]
        if any(re.search(r"[=≈<>]", term) for term in terms) or not (_formula(of) and _formula(answer)):
            continue
        point = (at, value) if at else (late, later) if late else None
        text = f"derivative of {terms[0]}" + (f" by {terms[1]}" if terms[1] else "")
        text += f" at {point[0]} = {point[1]}" if point else ""
        yield Said(match.start(), match.end(), text, terms[0], terms[1], point, terms[2])


def _plain(term: str) -> str:
    return plain_math(re.sub(r"^(?:\\\\?\(|[`$]+)|(?:\\?\\\)|[`$]+)$", "", term)).strip()


def _formula(term: str) -> bool:
    """Return whether a term is a formula: marked as one, a letter, or something with signs or digits."""
    return _MARKED.fullmatch(term) is not None or len(term) == 1 or re.search(r"[\d^*/()+]", term) is not None
