"""Names of several letters that were likely meant as a product, or as a function of what follows."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from ..ops import FUNCTIONS
from .operators import CONSTANTS

USUAL = ("x", "y", "t")
"""Letters that are taken for variables where nothing says so: ``mx`` is likely m*x."""


def product_of(name: str, known: Collection[str]) -> str | None:
    """Return the product, or the call, that a name of several letters was meant for; None where it is a name.

    Every part has to be known: a name that is bound or used, a constant, a function of what follows it. One
    letter beside a known part may be new, and in short names x, y and t are taken for known.

    Args:
        name: One name, as it was read; with a bracket behind it where it was called.
        known: Names that the program or the user has besides.
    """
    word = name.removesuffix("(")
    if not 2 <= len(word) <= 24 or word in known or not word[0].isalpha():
        return None
    parts = {*known, *(c for c in CONSTANTS if len(c) > 1), *((*USUAL, "e") if len(word) <= 3 else ())}
    if re.fullmatch(r"[A-Za-z]\d+[A-Za-z]\d*", word) and name == word:
        first, second = re.findall(r"[A-Za-z]\d*", word)
        return f"{first}*{second}"
    found = next(_split(word, parts, called=name.endswith("(")), None)
    if found is None and word[0] in USUAL and name == word:
        applied = next(_split(word[1:], parts), "")
        found = f"{word[0]}*{applied}" if "(" in applied else None
    if found is None and len(word) == 2 and word.isalpha() and word[0] != "d" and name == word:
        first, second = word[0], word[1]
        if {first, second} & {*known, "x"} and second not in CONSTANTS:
            found = f"{first}*{second}"
    return found


def _split(word: str, parts: Collection[str], *, called: bool = False) -> Iterator[str]:
    for size in range(min(len(word), 10), 1, -1):
        head, rest = word[:size], word[size:]
        if head in ("ln", "sqrt", "cbrt") and rest.isdigit() and not called:
            yield f"{head}({rest})"
        if head in FUNCTIONS and not called:
            # as on paper, a function ends where the next begins: sinxcosx is sin(x)*cos(x)
            for end in range(1, len(rest) - 2):
                operand = _operand(rest[:end], parts)
                further = next(_split(rest[end:], parts), "") if operand else ""
                if "(" in further and further.partition("(")[0] in FUNCTIONS and "(" not in (operand or ""):
                    yield f"{head}({operand})*{further}"
        if head in FUNCTIONS and rest and not called and (operand := _operand(rest, parts)):
            yield f"{head}({operand})"
    for size in range(len(word) - 1, 0, -1):
        head, rest = word[:size], word[size:]
        if head not in parts and not (called and size == 1 and rest in FUNCTIONS):
            continue
        if called and rest in FUNCTIONS:
            yield f"{head}*{rest}("
        elif not called and rest in parts:
            yield f"{head}*{rest}"
        else:
            yield from (f"{head}*{more}" for more in _split(rest, parts, called=called))
    pi = word.removeprefix("pi")
    if pi != word and len(pi) == 1 and pi.isalpha() and not called:
        yield f"pi*{pi}"


def _operand(rest: str, parts: Collection[str]) -> str | None:
    """Return what follows a function in one word: ``x``, ``2x``, ``pix``."""
    number = re.match(r"\d+", rest)
    letters = rest[number.end() :] if number else rest
    if letters in parts or (len(letters) == 1 and letters.isalpha()):
        return rest
    product = next(_split(letters, parts), None) if letters else None
    return product and (f"{number[0]}*{product}" if number else product)
