"""Whether the methods agree, and what explains it when they do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import floor, inf, isfinite, log10, ulp
from typing import NamedTuple

from ..language.numbers import scientific
from .finite import EPS, Quotient

AGREE, KINK, JUMP, ROUNDING, NOISY, NOT_RUN, DISAGREE = (
    "agree",
    "kink",
    "jump",
    "rounding",
    "noisy",
    "not-run",
    "disagree",
)
BY_CONVENTION = "the conventions at the kinks add up to a slope that the function does not have"
ULPS = 16.0
HOLDS = 1e-8  # relative difference up to which rounding leaves two numbers "the same"
CREDIT = 8.0  # how many times its own error estimate finite differences may be off
GRAIN = 64.0  # neighbouring floats over which a slope must be steady, or felt, for a difference to see it
COMPLEX_STEP_ERROR = 1e-36  # truncation error, for a step of 1e-20
UNDERFLOW = 1e-290  # a slope this small may have gone through numbers too small for a float
NOISE = 1e-2  # relative error estimate from which finite differences are no witness


class Verdict(NamedTuple):
    """The judgement on one node.

    Attributes:
        verdict: One of the words above.
        difference: Largest absolute difference between two methods, None with fewer than two numbers.
        digits: Digits that hold where rounding explains a difference.
        quotient: What the finite differences saw, at kinks and jumps.
        reason: Why, one line; empty for `AGREE`.
    """

    verdict: str
    difference: float | None = None
    digits: int | None = None
    quotient: Quotient | None = None
    reason: str = ""


def compare(
    numbers: Mapping[str, float | None],
    quotient: Quotient | None,
    explained: float,
    x: float,
    output: float,
) -> Verdict:
    """Judge the numbers that the methods have for one node.

    Args:
        numbers: Method to number; None where the method has none here.
        quotient: The finite differences in full, when they ran.
        explained: Bound on all rounding of the reverse sweep, the forward pass's included.
        x: Value of the node.
        output: Value of the output.
    """
    # what a slope is compared with when it is 0
    scale = (abs(output) or 1e-6) / max(abs(x), 1.0)
    exact = {m: v for m, v in numbers.items() if m != "finite" and v is not None}
    known = [v for v in numbers.values() if v is not None]
    difference = max(known) - min(known) if len(known) > 1 else None
    jumps = quotient is not None and quotient.kind == JUMP and bool(exact)
    if len(known) < 2 and not jumps:
        return Verdict(NOT_RUN, difference)
    worst = Verdict(AGREE, difference)
    reference = exact.get("symbolic", next(iter(exact.values()), known[0]))
    for method, number in exact.items():
        slack = COMPLEX_STEP_ERROR * max(1.0, x * x) if method == "complex-step" else 0.0
        found = _rule_based(method, number, reference, explained + slack, difference)
        worst = max(worst, found, key=gravity)
    turns = quotient is not None and abs(reference) * GRAIN * ulp(x) > quotient.spread > 0.0
    if worst.verdict == DISAGREE and turns and "limit" in numbers:
        # the float is on an edge that the number is beside of, by less than the last digit of what was given
        reason = "the slope is another one within the rounding of this value"
        return Verdict(ROUNDING, difference, 0, None, reason)
    if worst.verdict == DISAGREE:  # one convention holds at kinks and jumps, too
        return worst
    if jumps:
        return Verdict(JUMP, difference, None, quotient, "the output jumps here")
    if quotient is None or numbers.get("finite") is None:
        return worst
    if quotient.kind == KINK and quotient.left is not None and quotient.right is not None:
        if between_sides(quotient, exact.values()):
            return Verdict(KINK, difference, None, quotient, "the slope differs left and right")
        reason = "the slope taken by convention lies outside the slopes left and right"
        return Verdict(DISAGREE, difference, None, quotient, reason)
    gap = abs(quotient.value - reference) if quotient.value is not None else inf
    size = max(abs(reference), scale)
    # a quotient without a digit says nothing of a slope that is more than 0 up to rounding
    digitless = quotient.value is not None and quotient.error > abs(quotient.value)
    blind = digitless and abs(reference) > GRAIN * EPS * scale
    if turns:
        reason = "the output turns around within a few neighbouring floats"
        return max(worst, Verdict(NOISY, difference, None, None, reason), key=gravity)
    noisy = quotient.error > NOISE * size
    spare = 0.0 if noisy else ULPS * ulp(reference) + 1e-9 * size + explained + UNDERFLOW
    if gap > CREDIT * quotient.error + spare:
        return max(worst, _disagree(difference, quotient), key=gravity)
    if noisy or blind:
        off = (
            f"are off by up to {scientific(quotient.error, 1)}"
            if isfinite(quotient.error)
            else "hold no digit"
        )
        reason = f"finite differences {off} here"
        return max(worst, Verdict(NOISY, difference, None, None, reason), key=gravity)
    return worst


def between_sides(quotient: Quotient, slopes: Iterable[float]) -> bool:
    """Whether slopes lie between those on the two sides of a kink."""
    if quotient.left is None or quotient.right is None:
        return False
    low, high = sorted((quotient.left, quotient.right))
    slack = CREDIT * quotient.error + 1e-6 * max(abs(low), abs(high)) + UNDERFLOW
    return all(low - slack <= x <= high + slack for x in slopes)


def close(x: float, y: float) -> bool:
    """Whether two numbers are the same but for rounding."""
    return abs(x - y) <= HOLDS * max(abs(x), abs(y))


def _disagree(difference: float | None, quotient: Quotient) -> Verdict:
    reason = "finite differences see another slope"
    if quotient.at is not None:
        reason = BY_CONVENTION
    return Verdict(DISAGREE, difference, None, quotient, reason)


def _rule_based(
    method: str, x: float, reference: float, explained: float, difference: float | None
) -> Verdict:
    gap, size = abs(x - reference), max(abs(x), abs(reference))
    near = ULPS * ulp(size)
    if gap <= near or (gap <= near + 2.0 * explained and gap <= HOLDS * size):
        return Verdict(AGREE, difference)
    if gap <= near + 2.0 * explained:
        lost = gap / abs(reference) if abs(reference) > 1e-300 else inf
        digits = max(0, floor(-log10(lost))) if 0.0 < lost < 1.0 else 0
        words = "digit holds" if digits == 1 else "digits hold"
        return Verdict(ROUNDING, difference, digits, None, f"cancellation: {digits} {words}")
    return Verdict(
        DISAGREE, difference, None, None, f"{method} differs from the reference by {scientific(gap, 2)}"
    )


_ORDER = (AGREE, NOT_RUN, NOISY, ROUNDING, KINK, JUMP, DISAGREE)


def gravity(verdict: Verdict) -> int:
    """Return how much a verdict says against a number."""
    return _ORDER.index(verdict.verdict)
