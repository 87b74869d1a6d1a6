"""Verdicts: a claimed number held to the right one, and to the numbers that mistakes give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import floor, inf, isfinite, log10
from typing import Any, NamedTuple, Protocol, TypeVar

from ..errors import BackpropError, counted
from .answers import Answer
from .ranking import LIKELY, MAY_BE, Told

RIGHT, ROUNDED, FOLLOWS, WRONG, NONE, UNREADABLE, MISSING = (
    "right",
    "rounded",
    "follows",
    "wrong",
    "not judgeable",
    "unreadable",
    "missing",
)
GOOD = (RIGHT, ROUNDED, FOLLOWS)
OFF, SHORT, NAMED, STOCK, REPEATS = "close", "short", "named", "stock", "repeats"
"""What else has a credit of its own: last digits that are off; too few digits; a mistake that is known; what
follows without any work, which earns none, or as a number that is there already, which earns its marks beside
work of one's own."""

EXACT = 1e-12
"""Relative error up to which a number is the right one: what programs lose to rounding."""

LAST = 2e-15
"""Relative error up to which all digits of a float are right."""

LEAST_DIGITS = 3
"""Significant digits that a rounded number needs where nobody says how many."""

CALCULATED = 6
"""Right digits from which others that are off come of a calculator: 3.9999999 for 4."""

COUNTED = 1000.0
"""Whole numbers below this are counted, not rounded: 20 is no 22."""

ONE_DIGIT = 0.1
"""Relative error up to which a whole number of one digit is a rounding: 3 for pi; 1 is none of 0.76."""

MOST_DIGITS = 15
"""Digits from which a number is as good as exact: decimals of 15 digits survive floats."""

NEAR = 1e-9
"""Relative difference up to which numbers that were worked out in two ways are one."""

ROOM = 1.0 + 1e-9
"""Half a step in the last digit is a little more in floats."""

SMALL = 50
"""Whole numbers below this come of many mistakes."""

OTHERS = 3
"""Mistakes that give the same number and are told besides the first."""

NOUGHT = 1e-12
"""What floats leave of a 0 in an array, as a share of its largest number."""

CUT = 1e-3
"""Relative difference up to which a mistake's number may have been cut off instead of rounded."""

EXACTLY, ROUGHLY, CUT_OFF, NOT = range(4)
"""How a mistake gives a number, the best first."""

CLOSE = 5.1e-3
"""A mistake's number is never compared more loosely than this, however few digits were written."""


Numbers = Sequence[float]


class Named(Protocol):
    """A mistake that gives a number, or the numbers of an array."""

    @property
    def kind(self) -> str:
        """Its name."""

    @property
    def says(self) -> str:
        """What went wrong, one clause."""

    @property
    def rank(self) -> int:
        """When it is told, see `ranking`."""

    @property
    def numbers(self) -> Numbers:
        """What it gives."""


M = TypeVar("M", bound=Named)


class Verdict(NamedTuple):
    """The judgement on a claim.

    Attributes:
        claim: The quantity, ``dL/db``.
        answer: As written.
        verdict: One of the words above.
        digits: To how many digits a rounded number is right.
        mistake: Kind of the mistake that gives the claim.
        says: The judgement in a clause.
        others: Other mistakes that give the same.
        cure: What to do about the mistake.
        right: The right number, or an array of them; None without a point.
        point: Where a formula is wrong, with what it gives there and what is right.
        how: What a formula's equality rests on: ``equal at 200 points``, ``proved equal``.
        formula: The right formula, put in where it is asked for.
        carried: What the claim may have been rounded from: the number, or those of an array in a row, of the
            mistake that gives it, or of what it follows from.
        finer: The word it earns credit by, where that says more than the verdict: `OFF`, `SHORT`, `STOCK`.
        read_as: How the answer was read, where it is not in our own language.
        elements: Of an array, its shape, how many numbers are right, and the place of the one furthest off.
    """

    claim: str
    answer: str
    verdict: str
    says: str = ""
    digits: int | None = None
    mistake: str | None = None
    others: tuple[str, ...] = ()
    cure: str = ""
    right: Any = None
    point: Mapping[str, float] | None = None
    how: str | None = None
    formula: str | None = None
    carried: Numbers = ()
    finer: str | None = None
    read_as: str | None = None
    elements: Mapping[str, Any] | None = None

    @property
    def good(self) -> bool:
        """Whether it counts as right."""
        return self.verdict in GOOD

    @property
    def credit(self) -> str:
        """The word that it earns credit by."""
        return self.finer or (NAMED if self.verdict == WRONG and self.mistake else self.verdict)


def told(error: BackpropError | None) -> str:
    """Say why a claim cannot be read, and what to write instead."""
    if error is None:
        return ""
    return f"{error.message}; {error.hint}" if error.hint else error.message


def too_short(base: Verdict, digits: int, least: int, says: str = "right") -> Verdict:
    """Judge a number that is right, or follows, but is written to fewer digits than are asked for."""
    shown = f"{counted(digits, 'digit')} only" if digits else "no significant digit"
    says += f" to {shown}, where {least} are asked for"
    return base._replace(verdict=WRONG, mistake="rounding", finer=SHORT, digits=digits, says=says)


def close(
    base: Verdict, answer: Answer, value: float, right: float, least: int, slack: float
) -> Verdict | None:
    """Judge a number that is right, or rounded as it is written; None for any other.

    Args:
        base: What is known already.
        answer: As written.
        value: Its number.
        right: The right number.
        least: Significant digits that are asked for.
        slack: By how much the right number may be off: what it depends on is rounded to floats, too.
    """
    error = abs(value - right)
    if error <= max(EXACT * abs(right), slack):
        digits = digits_right(value, right)
        if answer.unit and error > max(LAST * abs(right), 0.5 * answer.unit, slack):
            return base._replace(verdict=ROUNDED, digits=digits, says=f"right to {digits} digits")
        return base._replace(verdict=RIGHT)
    counts = not answer.unit and right % 1.0 == 0.0 and max(abs(value), abs(right)) < COUNTED
    readings = [
        (step, digits)
        for step, digits in answer.readings
        if error <= 0.5 * step * ROOM and (answer.unit or digits > 1 or error <= ONE_DIGIT * abs(right))
    ]
    cut = ""
    if not readings and answer.unit and answer.digits < MOST_DIGITS and value * right > 0.0:
        # of fewer than 15 digits, floats are exact to far less than the last
        steps = round(abs(value) / answer.unit), floor(abs(right) / answer.unit + 1e-6)
        if steps[0] == steps[1] and answer.digits >= least:
            readings, cut = [(answer.unit, answer.digits)], ", cut off instead of rounded"
    if not readings or counts:
        return None
    digits = readings[0][1]
    if digits >= MOST_DIGITS:
        return base._replace(verdict=RIGHT)
    if digits < least:
        return too_short(base, digits if value else 0, least)
    return base._replace(verdict=ROUNDED, digits=digits, says=f"right to {counted(digits, 'digit')}{cut}")


def is_off(answer: Answer, right: float) -> bool:
    """Whether a written number has no digit that could be off by rounding on the way.

    A whole number is meant as it stands; so is a decimal where the right number needs no more digits than
    were written.
    """
    if not answer.unit:
        return bool(answer.readings)
    short = float(f"{right:.{max(answer.digits, 1) - 1}e}")
    return abs(short - right) <= EXACT * abs(right)


def loosely(base: Verdict, answer: Answer, value: float, right: float, least: int) -> Verdict | None:
    """Judge a number whose last digits are off."""
    digits = digits_right(value, right)
    if digits < least or (digits < CALCULATED and is_off(answer, right)):
        return None
    says = f"right to {counted(digits, 'digit')}" + ("; the last ones are off" if answer.unit else "")
    return base._replace(verdict=ROUNDED, digits=digits, says=says, finer=OFF if answer.readings else None)


def weak(answer: Answer) -> float | None:
    """Return a number with too few digits to tell one mistake from another: 0.5, or a small whole one."""
    few = answer.digits < LEAST_DIGITS if answer.unit else abs(answer.value or 0.0) < SMALL
    return answer.value if few and answer.numeral else None


def with_mistakes(base: Verdict, named: Sequence[Named], number: float | None = None) -> Verdict:
    """Name the mistakes that give a claim.

    Args:
        base: What is known already.
        named: The mistakes, in order.
        number: The claim where it is `weak`: what is not likely is told where it gives exactly that, and
            nothing else does; what is no sign, or not the only likely one, is told as what may be.
    """
    likely = [m for m in named if m.rank <= LIKELY]
    sure = number is None or (len({m.kind for m in likely}) == 1 and likely[0].rank <= Told.SIGN_OF_ALL)
    if number is not None:
        near = NEAR * abs(number)
        exact = [m for m in named if m.rank < Told.POINT and abs(m.numbers[0] - number) <= near]
        named = likely or exact
    if not named:
        return base
    first, *rest = named
    if first.kind != "wrong point":  # with the right rules somewhere else: no word where a rule explains it
        rest = [m for m in rest if m.kind != "wrong point"]
    # the same mistake at other nodes says nothing new
    kinds = {m.kind: m.says for m in reversed(rest) if m.kind != first.kind}
    others = tuple(m.says for m in rest if kinds.get(m.kind) == m.says)[: OTHERS if sure else 1]
    says = first.says if sure else f"{MAY_BE}{first.says}"
    return base._replace(mistake=first.kind, says=says, others=others, carried=first.numbers)


def matching(
    found: Iterable[M],
    values: Numbers,
    rights: Numbers,
    spares: Numbers,
    *,
    anywhere: bool = False,
    cut: bool = False,
) -> list[M]:
    """Return the mistakes that give some numbers within their digits: exact ones first, then simple ones.

    Args:
        found: The catalogue at the point.
        values: The claim: one number, or those of an array.
        rights: The right numbers.
        spares: By how much they may differ.
        anywhere: A mistake may give the right numbers here, as a gate that is open does.
        cut: Its number may have been cut off instead of rounded, where nothing else gives the claim.
    """
    largest = NOUGHT * max(map(abs, values), default=0.0) if len(values) > 1 else 0.0
    kept = []
    for mistake in found:
        fit, own = EXACTLY, False
        for number, value, right, spare in zip(mistake.numbers, values, rights, spares, strict=True):
            gap, near = abs(number - value), NEAR * abs(value) + largest
            own = own or abs(number - right) > NEAR * max(abs(right), abs(number)) + largest
            if gap > near:
                rounded = gap <= min(spare * ROOM, CLOSE * abs(value))
                off = cut and gap <= min(2.0 * spare, CUT * abs(value)) and number * value > value * value
                fit = max(fit, ROUGHLY if rounded else CUT_OFF if off else NOT)
        if (own or anywhere) and fit < NOT:
            kept.append((fit, mistake.rank, mistake))
    kept.sort(key=lambda k: k[:2])
    chosen = [m for fit, _, m in kept if fit == kept[0][0]]
    # one sentence each
    return list({m.says: m for m in reversed(chosen)}.values())[::-1]


def follows_from(answer: Answer, value: float, given: float, right: float) -> bool:
    """Whether a claim is, within its digits, what wrong claims lead to.

    Args:
        answer: As written.
        value: Its number.
        given: The number worked out from the wrong claims; what changes nothing is no reason.
        right: The right number.
    """
    if not isfinite(given) or abs(given - right) <= NEAR * abs(given):
        return False
    slack = max(answer.spare * ROOM, NEAR * abs(given))
    return abs(value - given) <= min(slack, CLOSE * abs(given))


NOT_FAR = 0.25
"""Relative error up to which a number may be a slip of the arithmetic; whole ones may be off by 1."""

LEAST_SPELT = 3
"""Digits from which a number with one of them wrong, or two exchanged, is recognized."""


def is_slip(answer: Answer, value: float, right: float) -> bool:
    """Whether a wrong number is what a slip makes of the right one.

    A sign or a power of ten, a digit that is another, two neighbours exchanged, or a number not far off.
    """
    if not right or not value or not isfinite(right):
        return False
    size = abs(value / right)
    if abs(size - 1.0) <= NOT_FAR or abs(size / 10.0 ** round(log10(size)) - 1.0) <= CLOSE:
        return True
    if not answer.unit and right % 1.0 == 0.0 and abs(value - right) == 1.0:
        return True
    unit = answer.unit or 1.0
    for other in (round(abs(right) / unit), floor(abs(right) / unit)):
        ours, theirs = str(round(abs(value) / unit)), str(other)
        if len(ours) != len(theirs) or len(ours) < LEAST_SPELT:
            continue
        at = [k for k, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b]
        exchanged = len(at) == 2 and at[1] == at[0] + 1 and ours[at[0]] == theirs[at[1]]
        if len(at) == 1 or (exchanged and ours[at[1]] == theirs[at[0]]):
            return True
    return False


def is_bare(numbers: Numbers) -> bool:
    """Whether numbers are 0, or 1 and -1, so that what is multiplied by them is there without any work."""
    return all(abs(x) in (0.0, 1.0) for x in numbers)


def is_stock(numbers: Numbers, rows: Iterable[Numbers]) -> bool:
    """Whether a number, or those of an array, are 0 or 1, or what stands somewhere, up to signs.

    One number everywhere in an array is that number.
    """
    own = _sizes(numbers)
    others = [(0.0,), (1.0,), *map(_sizes, rows)]
    return any(
        len(own) == len(row) and all(abs(x - y) <= NEAR * y for x, y in zip(own, row, strict=True))
        for row in others
    )


def _sizes(numbers: Numbers) -> Numbers:
    sizes = [abs(x) for x in numbers]
    return sizes[:1] if sizes and max(sizes) - min(sizes) <= NEAR * max(sizes) else sizes


def is_there(numbers: Numbers, known: Iterable[float]) -> bool:
    """Whether all of some numbers, up to their signs, are among others, or 0."""
    there = [0.0, *map(abs, known)]
    return all(any(abs(abs(y) - x) <= NEAR * x for x in there) for y in numbers)


def digits_right(value: float, right: float) -> int:
    """Return to how many significant digits a number is right."""
    error = abs(value - right)
    if right == 0.0 or not isfinite(error):
        return 0
    if error == 0.0:
        return MOST_DIGITS + 2
    exponent = log10(abs(right))
    # of the largest floats the next power of ten is none
    lead = 10.0 ** (exponent - floor(exponent) - 1.0)
    size = 2.0 * (error / abs(right)) * lead
    return max(0, min(MOST_DIGITS + 2, floor(-log10(size) + 1e-9))) if 0.0 < size < inf else 0
