"""Blocks of code: what is defined in them, and which line a result belongs to."""

from __future__ import annotations

import re

from ..language.tokens import NAME
from ..ops import FUNCTIONS
from .numbers import NUMBER
from .programs import names_in

PROMPT = re.compile(r"^\s*(?:>>>|\.\.\.|In \[\d+\]:)\s+")
KEYWORD = re.compile(
    r"\s*(?:async|for|while|def|class|del|with|import|from|global|if|elif|else|try|except|match|case)\b"
)
_CHANGED = re.compile(r"([^=<>!]*?)(?:\*\*|//|<<|>>|[-+*/%&|^@:])?=(?!=)")


def changed(code: str) -> set[str]:
    """Return the names that a line of code may give another value."""
    if KEYWORD.match(code):
        return names_in(code)
    statements = code.partition("#")[0].split(";")
    return set().union(*(names_in(left) for s in statements if "=" in s for left in _CHANGED.findall(s)))


def defined(code: str) -> set[str]:
    """Return the function of ours that a line of code defines anew, if it does."""
    match = re.match(rf"\s*(?:>>> )?def\s+({NAME})\(", code)
    return {match[1]} & FUNCTIONS.keys() if match else set()


MATH = "math"
"""A block of formulas, not of code; the word may stand in backticks, too."""

FENCE = ("```", "~~~")
_DEFINED = re.compile(
    rf"\s*(?:>>> )?\s*def\s+({NAME})\(({NAME}(?:\s*,\s*{NAME})*)\)\s*(?:->\s*\w+\s*)?:\s*(?:return\s+(.+))?"
)

_LAMBDA = re.compile(rf"(?:>>> )?({NAME})\s*=\s*lambda\s+({NAME}(?:\s*,\s*{NAME})*)\s*:\s*([^#]+)")


def fence_of(line: str, fence: str) -> str:
    """Return the block that a line is in: its language, "code" without one, "" for prose."""
    if not line.lstrip().startswith(FENCE):
        return fence
    return "" if fence else line.strip().strip("`~").strip() or "code"


def with_results(lines: list[str], code: bool) -> list[str]:
    """Return lines of code with what they are said to give behind them, where that stands on the next line.

    That is a comment, ``# 6``, or what an interpreter printed below ``>>> f(2)``. A function of one
    expression is written as a definition. A result stays on its line, and its code goes there.
    """
    found, fence = list(lines), "code" if code else ""
    for k, line in enumerate(found[:-1]):
        fence = fence if code else fence_of(line, fence)
        following = found[k + 1]
        if fence in ("", MATH) or not line.strip() or line.lstrip().startswith((*FENCE, "#")):
            continue
        if short := _LAMBDA.fullmatch(line.rstrip()):
            found[k] = f"{short[1]}({short[2]}) = {short[3]}"
            continue
        define = _DEFINED.fullmatch(line.rstrip())
        body = re.fullmatch(r"\s*return\s+([^#]+)", following) if define and not define[3] else None
        if define is not None and (define[3] or body):
            found[k] = f"{define[1]}({define[2]}) = {define[3] or (body and body[1]) or ''}".rstrip()
            found[k + 1] = "" if body else following
        elif "#" not in line and (
            result := _BELOW.fullmatch(following if following.strip()[:1] == "#" else "")
        ):
            found[k], found[k + 1] = "", f"{line.rstrip()}  # {result[1]}"
        elif "#" not in line and PROMPT.match(line) and _BELOW.fullmatch(f"# {following}"):
            found[k], found[k + 1] = "", f"{line.rstrip()}  # {following.strip()}"
    return found


_BELOW = re.compile(rf"\s*#\s*((?:tensor|array)\([^()]*\)|{NUMBER})\s*")
