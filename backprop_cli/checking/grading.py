"""Marks for claims, and all that was judged as one report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import ANSWERED, NO, NO_SUCH_NUMBER, WRONG_INPUT, UsageError, nearest
from .claims import FOLLOWS, GOOD, MISSING, NONE, RIGHT, ROUNDED, UNREADABLE, WRONG, Verdict

CREDITS: Mapping[str, float] = {"right": 1.0, "rounded": 1.0, "follows": 1.0, "named": 0.0}
"""Share of the marks that a verdict earns; ``named`` is a wrong claim whose mistake is known."""


class Judged(NamedTuple):
    """One person's claims with their verdicts and marks.

    Attributes:
        student: Whose; "" for the command line.
        verdicts: In the order of the claims.
        marks: Earned, per claim.
        of: Possible, per claim.
    """

    student: str
    verdicts: tuple[Verdict, ...]
    marks: tuple[float, ...]
    of: tuple[float, ...]

    @property
    def total(self) -> float:
        """Marks earned."""
        return sum(self.marks)

    @property
    def possible(self) -> float:
        """Marks possible."""
        return sum(self.of)

    @property
    def right(self) -> int:
        """How many claims count as right."""
        return sum(v.good for v in self.verdicts)


@dataclass(frozen=True)
class Judgement:
    """Everything that was judged.

    Attributes:
        program: What the claims are about.
        inputs: Its point; None for formulas in general.
        people: Whoever made claims.
        weighted: Marks were given by the caller.
        reveal: Right numbers and formulas are shown.
    """

    program: str
    inputs: Mapping[str, float] | None
    people: tuple[Judged, ...]
    weighted: bool = False
    reveal: bool = False

    @property
    def status(self) -> int:
        """The exit status: unreadable before wrong before not judgeable."""
        verdicts = {v.verdict for person in self.people for v in person.verdicts}
        if UNREADABLE in verdicts:
            return WRONG_INPUT
        if verdicts & {WRONG, MISSING}:
            return NO
        return NO_SUCH_NUMBER if NONE in verdicts else ANSWERED


def graded(
    student: str, verdicts: Sequence[Verdict], marks: Mapping[str, float], credit: Mapping[str, float]
) -> Judged:
    """Give marks to one person's verdicts.

    Args:
        student: Whose.
        verdicts: Per claim.
        marks: By quantity; 1 where there is none.
        credit: Share by verdict, see `CREDITS`.
    """
    of = [marks.get(v.claim, 1.0) for v in verdicts]
    earned = [m * credit.get(_credit(v), 0.0) for v, m in zip(verdicts, of, strict=True)]
    return Judged(student, tuple(verdicts), tuple(earned), tuple(of))


def _credit(verdict: Verdict) -> str:
    if verdict.verdict in GOOD:
        return {RIGHT: "right", ROUNDED: "rounded", FOLLOWS: "follows"}[verdict.verdict]
    return "named" if verdict.verdict == WRONG and verdict.mistake else ""


def read_credit(pairs: Mapping[str, float]) -> dict[str, float]:
    """Check the shares that were given, and fill in the others.

    Raises:
        UsageError: for an unknown word or a share outside 0..1.
    """
    for word, share in pairs.items():
        if word not in CREDITS:
            close = nearest(word, list(CREDITS))
            hint = f"did you mean {close}?" if close else f"one of {', '.join(CREDITS)}"
            raise UsageError(f"--credit: there is no {word}", hint=hint)
        if not 0.0 <= share <= 1.0:
            raise UsageError(f"--credit {word}={share:g}: a share is from 0 to 1")
    return {**CREDITS, **pairs}
