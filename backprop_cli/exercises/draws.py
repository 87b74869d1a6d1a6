"""What is drawn: whole numbers out of a text by SHA-256, the same on every computer and every Python."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any, TypeVar

from ..errors import DataError

T = TypeVar("T")

VERSION = 1
"""Goes up when the same seed is to give other exercises; a key has all that marking needs, whatever it is."""

BLOCK = 8
MOST_VALUES = 10_000


class Draws:
    """Numbers that a text gives, one after the other.

    Args:
        parts: What the numbers depend on; other parts are other numbers.
    """

    def __init__(self, *parts: object) -> None:
        # a length before each part: ("ab", "c") is not ("a", "bc")
        text = "".join(f"{len(str(part))}:{part}" for part in (VERSION, *parts))
        self._key = sha256(text.encode("utf-8", "surrogatepass")).digest()
        self._taken = 0

    def below(self, n: int) -> int:
        """Return a whole number from 0 up to ``n - 1``, each as likely."""
        total = 1 << 8 * BLOCK
        while True:
            data = sha256(self._key + self._taken.to_bytes(BLOCK, "big")).digest()
            self._taken += 1
            found = int.from_bytes(data[:BLOCK], "big")
            if found < total - total % n:  # the rest would favour small numbers
                return found % n

    def choice(self, things: Sequence[T]) -> T:
        """Return one of several."""
        return things[self.below(len(things))]

    def shuffled(self, things: Sequence[T]) -> list[T]:
        """Return all of them in another order (Fisher and Yates)."""
        left = list(things)
        return [left.pop(self.below(len(left))) for _ in things]


def values_of(given: Any, place: str) -> tuple[str, ...]:
    """Return the numbers that a range stands for, as texts: ``-5..5``, ``-1..1/0.1``, or a list.

    Raises:
        DataError: for what is no range.
    """
    if isinstance(given, list):
        return tuple(_number(each, place) for each in given) or _refuse(given, place)
    text = str(given)
    ends, slash, step = text.partition("/")
    low, dots, high = ends.partition("..")
    if not dots:
        return (_number(given, place),)
    first, last = Decimal(_number(low, place)), Decimal(_number(high, place))
    width = Decimal(_number(step, place)) if slash else Decimal(1)
    if last < first or width <= 0:
        _refuse(given, place)
    count = int((last - first) / width) + 1
    if count > MOST_VALUES:
        raise DataError(f"{text} are {count:,} numbers; {MOST_VALUES:,} are the limit", place=place)
    return tuple(_plain(first + k * width) for k in range(count))


def _number(given: Any, place: str) -> str:
    try:
        found = Decimal(str(given).strip())
    except InvalidOperation:
        _refuse(given, place)
    return _plain(found) if found.is_finite() else _refuse(given, place)


def _plain(number: Decimal) -> str:
    text = f"{number + 0:f}"  # + 0: no number is -0
    return text.rstrip("0").rstrip(".") if "." in text else text


def _refuse(given: Any, place: str) -> Any:
    raise DataError(
        f"{given} is no range of numbers", place=place, hint="-5..5, -1..1/0.1, or a list: [2, 3, 4]"
    )
