"""The operands of a text that may be no program: where they begin and end, and what stands for what."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import NamedTuple

from ..errors import Span
from ..ops import FUNCTIONS
from .operators import FRACTIONS, OTHER_NAMES
from .tokens import NAME, NUMBER


class Change(NamedTuple):
    """A text in the place of another.

    Attributes:
        start: Where it begins.
        end: Where what it replaces ends.
        text: What stands there instead.
        use: When this is meant, in words; empty where nothing else can be.
    """

    start: int
    end: int
    text: str
    use: str = ""

    def of(self, text: str) -> str:
        """Return a text with the change made."""
        return text[: self.start] + self.text + text[self.end :]


class Meant(NamedTuple):
    """What a text may mean, the likeliest first, and what is wrong with it.

    Attributes:
        changes: Each leads to one meaning.
        says: What is wrong, where the parser's own words do not say it.
        read: There is one meaning: the text is read so.
        hint: What to do where no change of the text does it.
    """

    changes: tuple[Change, ...]
    says: str | None = None
    read: bool = False
    hint: str | None = None


Row = Callable[[str, Span], "Meant | None"]

_CLOSING = {"(": ")", "[": "]", "{": "}"}
_WORD = re.compile(rf"(?:{NUMBER}|{NAME}|π|[{''.join(FRACTIONS)}])")
_ATOM_BEFORE = re.compile(rf"(?:{NAME}|{NUMBER}|π)$")
_FUNCTION_BEFORE = re.compile(rf"{NAME}[ \t]*$")
SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻"
CALL = re.compile(rf"({NAME})[ \t]*\(")


def closing(text: str, at: int) -> int | None:
    """Return the place behind the bracket that closes the one at ``at``, None where there is none."""
    stack: list[str] = []
    for k in range(at, len(text)):
        c = text[k]
        if c in _CLOSING:
            stack.append(_CLOSING[c])
        elif c in ")]}":
            if not stack or stack.pop() != c:
                return None
            if not stack:
                return k + 1
    return None


def _opening(text: str, end: int) -> int | None:
    """Return the place of the bracket that the one just before ``end`` closes."""
    depth = 0
    for k in range(end - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(text[k], 0)
        if depth == 0:
            return k
    return None


def start_before(text: str, end: int) -> int | None:
    """Return where the operand that ends at ``end`` begins: a name, a number, brackets or a call."""
    end = len(text[:end].rstrip(" \t"))
    if text[:end].endswith(")"):
        at = _opening(text, end)
        if at is None:
            return None
        function = _FUNCTION_BEFORE.search(text[:at])
        return function.start() if function and function[0].strip() in FUNCTIONS else at
    word = _ATOM_BEFORE.search(text[:end])
    return word.start() if word else None


def end_after(text: str, at: int) -> int | None:
    """Return where the operand that begins at ``at`` ends, its power included."""
    at += len(text[at:]) - len(text[at:].lstrip(" \t"))
    if text[at : at + 1] in "+-" and text[at : at + 1]:
        return end_after(text, at + 1)
    if text[at : at + 1] == "(":
        end = closing(text, at)
    else:
        word = _WORD.match(text, at)
        end = word.end() if word else None
        if end is not None and text[end : end + 1] == "(" and text[at].isalpha():
            end = closing(text, end)
    if end is None:
        return None
    power = re.compile(r"[ \t]*(?:\^|\*\*)").match(text, end)
    return end_after(text, power.end()) if power else end


def listed(inside: str, separator: str = ",") -> list[str]:
    """Return the operands between brackets."""
    operands, depth, last = [], 0, 0
    for k, c in enumerate(inside):
        depth += (c in "([{") - (c in ")]}")
        if c == separator and depth == 0:
            operands.append(inside[last:k])
            last = k + 1
    return [*operands, inside[last:]]


def atomic(text: str) -> str:
    """Return a text as an operand of any operator: in brackets, unless it is a name or a number."""
    text = text.strip()
    return text if re.fullmatch(rf"{NAME}|[0-9]*\.?[0-9]+", text) else f"({text})"


def argument(text: str, at: int) -> tuple[int, str | None]:
    """Return where the operand that follows a function without brackets ends, and what it is.

    It is what a reader takes: a number and the names behind it, up to a sign or another function.
    """
    at += len(text[at:]) - len(text[at:].lstrip(" \t"))
    if text[at : at + 1] == "(":
        end = closing(text, at)
        return (at, None) if end is None else (end, text[at + 1 : end - 1].strip())
    if text[at : at + 1] == "|" and (bar := text.find("|", at + 1)) > at:
        return bar + 1, text[at : bar + 1]
    factors: list[str] = []
    end = at
    sign = re.compile(r"[-−][ \t]*").match(text, at)
    start = sign.end() if sign else at
    k = start
    while word := _WORD.match(text, k):
        called = re.compile(r"[ \t]*\(").match(text, word.end())
        if word[0] in FUNCTIONS:
            if factors:
                break
            inner_end, inner = argument(text, word.end())
            if inner is None:
                break
            factors.append(f"{word[0]}({inner})")
            end = k = inner_end
            break
        if called and factors:
            break
        factors.append(word[0])
        end = word.end()
        k = end + len(text[end:]) - len(text[end:].lstrip(" \t"))
    if not factors:
        return at, None
    written = factors[0]
    for before, factor in itertools.pairwise(factors):
        written += (
            factor
            if before[-1].isdigit() and before[0].isdigit() and not factor[0].isdigit()
            else f"*{factor}"
        )
    return end, ("-" if sign else "") + written


def function_of(name: str) -> str | None:
    """Return the primitive that another notation's name stands for, None where none does."""
    if name in FUNCTIONS:
        return name
    low = name.lower()
    return low if low in FUNCTIONS else OTHER_NAMES.get(low)
