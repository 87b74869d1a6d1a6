"""Judging one person's claims one after the other: what is the same for programs and training steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from ..errors import BackpropError
from .verdicts import FOLLOWS, MISSING, UNREADABLE, WRONG, Verdict, told


class Quantity(Protocol):
    """What a claim is about."""

    @property
    def text(self) -> str:
        """Its name as a reader is told."""


class Written(Protocol):
    """What was answered."""

    @property
    def text(self) -> str:
        """As written."""


Q = TypeVar("Q", bound=Quantity)
A = TypeVar("A", bound=Written)


class Claim(NamedTuple, Generic[Q, A]):
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
    answer: A | None
    error: BackpropError | None = None


class Earlier(NamedTuple, Generic[Q, A]):
    """A claim that was wrong, or followed from such: later ones may be right given it.

    Attributes:
        target: The quantity.
        answer: As written.
        value: Its number, or array, at the point; None without a point.
        says: What was wrong.
    """

    target: Q
    answer: A
    value: Any
    says: str

    @property
    def text(self) -> str:
        """The claim as written."""
        return f"{self.target.text} = {self.answer.text}"


class OneByOne(ABC, Generic[Q, A]):
    """Judges claims, the later ones also in the light of the earlier."""

    most_alone = 1_000_000
    """Earlier wrong claims that a claim may follow from, one at a time."""

    def judge(self, claims: Sequence[Claim[Q, A]]) -> list[Verdict]:
        """Judge one person's claims."""
        verdicts: list[Verdict] = []
        wrong: list[Earlier[Q, A]] = []
        for claim in claims:
            verdict = self.one(claim, wrong)
            verdicts.append(verdict)
            if claim.target is not None and claim.answer is not None and verdict.verdict in (WRONG, FOLLOWS):
                wrong.append(Earlier(claim.target, claim.answer, self.number(claim.answer), verdict.says))
        return verdicts

    def one(self, claim: Claim[Q, A], wrong: Sequence[Earlier[Q, A]] = ()) -> Verdict:
        """Judge one claim, given earlier ones that were wrong."""
        if claim.error is not None or claim.target is None:
            says = told(claim.error)
            return Verdict(claim.target.text if claim.target else claim.name, claim.text, UNREADABLE, says)
        if claim.answer is None:
            return Verdict(claim.target.text, "", MISSING, "no answer")
        return self.answered(claim.target, claim.answer, wrong)

    @abstractmethod
    def answered(self, target: Q, answer: A, wrong: Sequence[Earlier[Q, A]]) -> Verdict:
        """Judge an answer that can be read."""

    @abstractmethod
    def number(self, answer: A) -> Any:
        """Return an answer's number, or array; None where it has none."""

    @abstractmethod
    def given(self, target: Q, wrong: Sequence[Earlier[Q, A]]) -> Iterable[Any]:
        """Yield a quantity worked out from others as claimed, one way or another."""

    @abstractmethod
    def is_given(self, answer: A, value: Any, given: Any, right: Any) -> bool:
        """Whether a claim is what wrong claims lead to, and that is not the right one."""

    def follows(self, target: Q, answer: A, value: Any, right: Any, wrong: Sequence[Earlier[Q, A]]) -> str:
        """Say from which earlier claims this one follows; "" for none."""
        known = [w for w in wrong if w.value is not None]
        for some in ([*known[-1:]], *([w] for w in known[-self.most_alone : -1]), known):
            if not some or any(w.target == target for w in some):
                continue
            for found in self.given(target, some):
                if found is not None and self.is_given(answer, value, found, right):
                    return f"right, given {' and '.join(w.text for w in some)}"
        return ""
