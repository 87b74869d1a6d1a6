"""Codes: eight characters that say which task with which numbers, the last of which finds a slip in them."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import UsageError
from .draws import VERSION

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Digits and letters that are not taken for each other; a prime number of them, so that the weighted sum
changes with every single character, and with every two that change places."""

LENGTH = 8
NUMBERS = 1 << 26
"""Draws of one task."""

SHEETS = 100
"""From here on the first part of a code is a task of a sheet, below it is a kind with its level."""

MOST_TASKS = len(ALPHABET) ** (LENGTH - 1) // NUMBERS - SHEETS


class Code(NamedTuple):
    """What a code says.

    Attributes:
        which: The task.
        number: The draw.
    """

    which: int
    number: int

    def __str__(self) -> str:
        rest, digits = self.which * NUMBERS + self.number, []
        for _ in range(LENGTH - 1):
            rest, digit = divmod(rest, len(ALPHABET))
            digits.append(digit)
        return "".join(ALPHABET[d] for d in (*digits, _check(digits)))


def is_code(text: str) -> bool:
    """Whether a text is meant as a code, right or wrong: there is no kind of that length."""
    return len(text.strip()) == LENGTH and text.strip().isalnum()


def read_code(text: str) -> Code:
    """Read a code, in capitals or not.

    Raises:
        UsageError: for one that cannot be: a character is wrong.
    """
    plain = text.strip().upper()
    digits = [ALPHABET.find(character) for character in plain]
    if len(digits) != LENGTH or min(digits) < 0 or digits[-1] != _check(digits[:-1]):
        raise UsageError(
            f"{text[:40]} is no code of an exercise: a character is wrong, or another version drew it",
            hint=f"a code has {LENGTH} characters; 0, 1, I, L and O are none of them",
        )
    total = 0
    for digit in reversed(digits[:-1]):
        total = total * len(ALPHABET) + digit
    return Code(*divmod(total, NUMBERS))


def _check(digits: list[int]) -> int:
    return (VERSION + sum(k * d for k, d in enumerate(digits, 1))) % len(ALPHABET)
