"""Text cells to float64: the same floats as Python's ``float``, as fast as a JSON decoder goes.

The grammar is decimal: ``12``, ``-.5``, ``+1.``, ``1e-3``, with blanks around it; no ``nan``, ``inf``,
``1_000``, hexadecimal or digits of other scripts. `number` is the definition; `fast_numbers` and
`numbers` only ever return what it would, or None.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isfinite

import msgspec
import numpy as np

from .block import Floats
from .dialect import option

NUMERAL = re.compile(r"[ \t]*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t]*")
_NAMED = re.compile(r"[ \t]*[+-]?(?:nan|inf|infinity)[ \t]*", re.IGNORECASE)
_GROUPED = r"[+-]?[0-9]{1,3}(?:[,.'\u2019 \u00a0\u202f][0-9]{3})+(?:[.,][0-9]+)?"
_AMOUNT = rf"(?:[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)|{_GROUPED})"
_MONEY = r"(?:[$\u20ac\u00a3\u00a5\u20b9]|(?:USD|EUR|GBP|CHF|JPY)\b)"
_SHAPES = (
    (
        re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?"),
        "write {plain}, without commas for thousands",
    ),
    (re.compile(r"[+-]?(?:[0-9]+,[0-9]*|,[0-9]+)(?:[eE][+-]?[0-9]+)?"), "write decimals with a point"),
    (re.compile(_GROUPED), "write numbers without signs for thousands"),
    (re.compile(rf"[+-]?{_MONEY}\s*{_AMOUNT}|{_AMOUNT}\s*{_MONEY}"), "write the number without its currency"),
    (
        re.compile(rf"{_AMOUNT}\s*[%\u2030]"),
        "write the number without its sign, in the whole column alike: 10 or 0.1 for 10%",
    ),
    (re.compile(rf"[\u2212\u2013]\s*{_AMOUNT}"), "write a minus as -"),
    (re.compile(rf"\(\s*{_AMOUNT}\s*\)"), "write a negative number with a minus"),
    (re.compile(r"[+-]?[0-9]+(?:_[0-9]+)+"), "write numbers without underscores"),
)
"""Texts that people mean as numbers, and what to write instead."""
_NEGATIVE_ZERO = re.compile(rb"-0[ \t]*[,}\]]")
_NUMERIC = b"0123456789+-.eE \t,"
_floats = msgspec.json.Decoder(list[float])


def number(text: str) -> float:
    """Read one cell.

    Raises:
        ValueError: with a message for the user when it is no finite decimal number.
    """
    if not NUMERAL.fullmatch(text):
        if not text.strip(" \t"):
            raise ValueError("the cell is empty")
        if _NAMED.fullmatch(text):
            raise ValueError(f"{cut(text)} is not a finite number")
        raise ValueError(f"'{cut(text)}' is not a number")
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"{cut(text)} is too large for a float64")
    return value


def is_numeral(text: str) -> bool:
    """Tell whether a cell is meant as a number, though it may be infinite, none, or too large."""
    return bool(NUMERAL.fullmatch(text) or _NAMED.fullmatch(text))


def number_hint(text: str) -> str | None:
    """Say what may be meant by a cell that `number` refuses; None where it is no number in disguise."""
    text = text.strip(" \t\u00a0")
    for shape, hint in _SHAPES:
        if shape.fullmatch(text):
            hint = hint.format(plain=text.replace(",", ""))
            return f"{hint}; {option('decimal', 'comma')}" if "," in text and "point" in hint else hint
    return None


def fast_numbers(text: bytes, count: int) -> Floats | None:
    """Read ``count`` numbers separated by commas, all of them JSON numbers.

    A list of float admits no string, bool, null or second bracket, so nothing passes but numbers and blanks.

    Returns:
        Shape (count,), or None when the text is anything else.
    """
    json = b"[" + text + b"]"
    try:
        decoded = _floats.decode(json)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if len(decoded) != count:
        return None
    values = np.fromiter(decoded, np.float64, count)
    return None if lost_sign(values, json) else values


def lost_sign(values: Floats, json: bytes) -> bool:
    """Tell whether a ``-0`` may have lost its sign: JSON decoders read it as the integer 0."""
    return not values.all() and _NEGATIVE_ZERO.search(json) is not None


def numbers(cells: Sequence[bytes]) -> Floats | None:
    """Read one column of cells; shape (len(cells),), or None when any is not a finite number."""
    joined = b",".join(cells)
    values = fast_numbers(joined, len(cells))
    if values is not None:
        return values
    # Among these characters `float` takes exactly the grammar above: no letters for nan, inf or hex.
    if joined.translate(None, _NUMERIC):
        return None
    try:
        values = np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None


def cut(text: str, width: int = 30) -> str:
    """Return a cell short enough to be shown in a message."""
    text = text.strip(" \t")
    return text if len(text) <= width else text[:width] + "..."
