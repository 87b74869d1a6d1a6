"""Verdicts on the numbers of a text."""

from __future__ import annotations

from typing import NamedTuple

from ..checking.answers import Answer, read_answer, written_digits
from ..checking.verdicts import EXACT, LEAST_DIGITS, ROOM, digits_right
from ..language.lower import lower
from ..language.parser import parse
from .numbers import plain_number

ZERO = 1e-14
"""What floats may give for 0, such as sin(pi)."""

NO_NAMES = lower(parse("0"))
"""What a number is read over."""


class Line(NamedTuple):
    """A line that claims a number.

    Attributes:
        number: From 1.
        text: What is claimed, as written.
        claimed: The number as written.
        right: The number that comes out; None for a formula that is right.
        digits: To how many digits the claim is right.
        wrong: Whether it is neither the number nor its rounding.
        cell: Of a notebook, from 1; the lines are then those of the cell.
        mistake: The mistake that gives the number; "" where none is known.
    """

    number: int
    text: str
    claimed: str
    right: float | None
    digits: int
    wrong: bool
    cell: int | None = None
    mistake: str = ""


class Hint(NamedTuple):
    """What is odd in a text without being wrong.

    Attributes:
        number: Of the line, from 1.
        text: What is odd, as written.
        says: Why.
        cell: Of a notebook, from 1.
    """

    number: int
    text: str
    says: str
    cell: int | None = None


def cut_off(line: Line) -> bool:
    """Return whether a right number is not rounded, but without its last digits: 1.999 of 1.9998."""
    unit = read_answer(plain_number(line.claimed).lstrip("+"), NO_NAMES).unit
    off = abs(float(plain_number(line.claimed)) - line.right) if line.right is not None else 0.0
    return not line.wrong and bool(unit) and off > unit / 2 * ROOM


def line_of(number: int, text: str, claimed: str, right: float, about: bool) -> Line:
    """Judge a number as written by the one that comes out."""
    plain = plain_number(claimed)
    value = float(plain)
    good = printed(read_answer(plain.lstrip("+"), NO_NAMES), value, right, about)
    digits = written_digits(plain) if good else digits_right(value, right)
    return Line(number, text, claimed, right, digits, not good)


SINGLE = 1e-6
"""What numbers of single precision may be off by after a few steps, as a share."""


def in_single(line: Line) -> Line:
    """Judge a number once more, as one that was worked out in single precision and shown in full."""
    value = float(plain_number(line.claimed))
    near = line.right is not None and abs(value - line.right) <= SINGLE * abs(line.right)
    return line._replace(wrong=False) if line.wrong and near else line


def unit_of(claimed: str) -> float:
    """Return what one more in the last digit of a number is."""
    answer = read_answer(plain_number(claimed).lstrip("+"), NO_NAMES)
    return answer.unit or max(step for step, _ in answer.readings or [(1.0, 1)])


def printed(answer: Answer, value: float, right: float, about: bool) -> bool:
    """Return whether a number of a text is the right one, as it may be printed.

    A decimal may be rounded, or cut off where more digits follow. A whole number is meant as it stands
    where the right one is whole, too; else it may be rounded, to three digits or more. Behind ``≈`` it may
    be rounded anyway, the zeros at its end with it.
    """
    error = abs(value - right)
    if error <= max(EXACT * abs(right), 0.0 if value else ZERO):
        return True
    if answer.unit:
        # what is cut off is less than one unit: an exact number stays as it is
        cut = abs(value) < abs(right) and error + EXACT * abs(right) < answer.unit * (2.0 - ROOM)
        return cut or error <= 0.5 * answer.unit * ROOM
    steps = [step for step, digits in answer.readings if about or (step == 1.0 and digits >= LEAST_DIGITS)]
    return (about or right % 1.0 != 0.0) and any(error <= 0.5 * step * ROOM for step in steps)
