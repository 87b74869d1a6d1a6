"""Judging one person's claims one after the other: what is the same for programs and training steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from ..errors import BackpropError
from .answers import Answer
from .verdicts import FOLLOWS, MISSING, UNREADABLE, WRONG, Verdict, follows_from, told


class Quantity(Protocol):
    """What a claim is about."""

    @property
    def text(self) -> str:
        """Its name as a reader is told."""


Q = TypeVar("Q", bound=Quantity)


class Claim(NamedTuple, Generic[Q]):
    """What somebody says.

    Attributes:
        name: The quantity as written.
        text: The answer as written.
        target: The quantity; None where it cannot be read.
        answer: The answer; None where it cannot be read or is blank.
        error: Why it cannot be read.
    """

    name: str
    text: str
    target: Q | None
    answer: Answer | None
    error: BackpropError | None = None


class Earlier(NamedTuple, Generic[Q]):
    """A claim that was wrong, or followed from such: later ones may be right given it.

    Attributes:
        target: The quantity.
        answer: As written.
        value: Its number at the point; None without a point.
        says: What was wrong.
    """

    target: Q
    answer: Answer
    value: float | None
    says: str

    @property
    def text(self) -> str:
        """The claim as written."""
        return f"{self.target.text} = {self.answer.text}"


class OneByOne(ABC, Generic[Q]):
    """Judges claims, the later ones also in the light of the earlier."""

    most_alone = 1_000_000
    """Earlier wrong claims that a claim may follow from, one at a time."""

    def judge(self, claims: Sequence[Claim[Q]]) -> list[Verdict]:
        """Judge one person's claims."""
        verdicts: list[Verdict] = []
        wrong: list[Earlier[Q]] = []
        for claim in claims:
            verdict = self.one(claim, wrong)
            verdicts.append(verdict)
            if claim.target is not None and claim.answer is not None and verdict.verdict in (WRONG, FOLLOWS):
                wrong.append(Earlier(claim.target, claim.answer, self.number(claim.answer), verdict.says))
        return verdicts

    def one(self, claim: Claim[Q], wrong: Sequence[Earlier[Q]] = ()) -> Verdict:
        """Judge one claim, given earlier ones that were wrong."""
        if claim.error is not None or claim.target is None:
            says = told(claim.error)
            return Verdict(claim.target.text if claim.target else claim.name, claim.text, UNREADABLE, says)
        if claim.answer is None:
            return Verdict(claim.target.text, "", MISSING, "no answer")
        return self.answered(claim.target, claim.answer, wrong)

    @abstractmethod
    def answered(self, target: Q, answer: Answer, wrong: Sequence[Earlier[Q]]) -> Verdict:
        """Judge an answer that can be read."""

    @abstractmethod
    def number(self, answer: Answer) -> float | None:
        """Return an answer's number; None where it has none."""

    @abstractmethod
    def given(self, target: Q, wrong: Sequence[Earlier[Q]]) -> Iterable[float | None]:
        """Yield a quantity worked out from others as claimed, one way or another."""

    def follows(
        self, target: Q, answer: Answer, value: float, right: float, wrong: Sequence[Earlier[Q]]
    ) -> str:
        """Say from which earlier claims this one follows; "" for none."""
        known = [w for w in wrong if w.value is not None]
        for some in ([*known[-1:]], *([w] for w in known[-self.most_alone : -1]), known):
            if not some or any(w.target == target for w in some):
                continue
            for found in self.given(target, some):
                if found is not None and follows_from(answer, value, found, right):
                    return f"right, given {' and '.join(w.text for w in some)}"
        return ""
