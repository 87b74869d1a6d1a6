"""Judging one person's claims one after the other: what is the same for programs and training steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from ..errors import BackpropError
from ..language.numbers import brief
from .cures import cure
from .verdicts import (
    FOLLOWS,
    MISSING,
    REPEATS,
    STOCK,
    UNREADABLE,
    WRONG,
    Verdict,
    digits_right,
    is_bare,
    is_stock,
    is_there,
    told,
    too_short,
)


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

    @property
    def read_as(self) -> str | None:
        """How it was read, where it is not in our own language."""

    @property
    def members(self) -> Sequence[Any]:
        """Answers that stand before this one in a chain."""


GIVEN = "right, given "
"""What is said in front of the claims that another follows from."""

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
        verdict: The judgement on it.
    """

    target: Q
    answer: A
    value: Any
    verdict: Verdict

    @property
    def text(self) -> str:
        """The claim as written."""
        return f"{self.target.text} = {self.answer.text}"


class OneByOne(ABC, Generic[Q, A]):
    """Judges claims, the later ones also in the light of the earlier."""

    least: int
    """Significant digits that are asked for."""

    most_alone = 1_000_000
    """Earlier wrong claims that a claim may follow from, one at a time."""

    def judge(self, claims: Sequence[Claim[Q, A]]) -> list[Verdict]:
        """Judge one person's claims.

        What follows as a number that is there already counts where another answer is worked out: a right one
        that is neither that number nor a given one. So nothing follows from one number everywhere.
        """
        verdicts: list[Verdict] = []
        wrong: list[Earlier[Q, A]] = []
        for claim in claims:
            verdict = self.one(claim, wrong)
            if verdict.mistake and claim.target is not None:
                verdict = verdict._replace(cure=self.cure(claim.target, verdict))
            verdicts.append(verdict)
            if claim.target is not None and claim.answer is not None and verdict.verdict in (WRONG, FOLLOWS):
                wrong.append(Earlier(claim.target, claim.answer, self.number(claim.answer), verdict))
        return self._beside_work(claims, verdicts) if any(v.finer == REPEATS for v in verdicts) else verdicts

    def _beside_work(self, claims: Sequence[Claim[Q, A]], verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Settle what follows as a number that is there already."""

        def numbers(claim: Claim[Q, A]) -> Sequence[float]:
            value = self.number(claim.answer) if claim.answer is not None else None
            return () if value is None else self.flat(value)

        given = [*self.leaves()]
        pairs = [(numbers(claim), verdict) for claim, verdict in zip(claims, verdicts, strict=True)]
        work = [n for n, v in pairs if n and v.good and v.finer != REPEATS and not is_stock(n, given)]

        def settled(own: Sequence[float], verdict: Verdict) -> Verdict:
            if not all(is_stock(each, [own]) for each in work):
                return verdict._replace(finer=None)
            says = f"it follows from {verdict.says.removeprefix(GIVEN)} without any work"
            return verdict._replace(
                verdict=WRONG, says=f"{says}, and there is none besides: no marks", finer=STOCK
            )

        return [settled(n, v) if v.finer == REPEATS else v for n, v in pairs]

    def one(self, claim: Claim[Q, A], wrong: Sequence[Earlier[Q, A]] = ()) -> Verdict:
        """Judge one claim, given earlier ones that were wrong."""
        if claim.error is not None or claim.target is None:
            says = told(claim.error)
            return Verdict(claim.target.text if claim.target else claim.name, claim.text, UNREADABLE, says)
        if claim.answer is None:
            return Verdict(claim.target.text, "", MISSING, "no answer")
        verdict = self.answered(claim.target, claim.answer, wrong)
        for member in claim.answer.members if verdict.good else ():
            if fault := self.fault_of(claim.target, member, claim.answer, wrong):
                says = f"in the chain, {fault}"
                verdict = verdict._replace(verdict=WRONG, digits=None, says=says, how=None, finer=None)
        return verdict._replace(read_as=claim.answer.read_as)

    def fault_of(self, target: Q, member: A, answer: A, wrong: Sequence[Earlier[Q, A]]) -> str:
        """Say what is wrong with a member of a chain whose last one is right; "" for nothing.

        Numbers on the way may be rounded: they have to give the answer to the digits that are asked for.
        """
        here, there = self.number(member), self.number(answer)
        if here is None or there is None or not self.is_arithmetic(target, member):
            verdict = self.answered(target, member, wrong)
            return "" if verdict.good else verdict.says or f"{member.text} is not right"
        near = here == there or digits_right(here, there) >= self.least
        return "" if near else f"{member.text} is {brief(here)}, not {answer.text.rpartition('=')[2].strip()}"

    def is_arithmetic(self, target: Q, member: A) -> bool:
        """Whether of a member of a chain its number is all that counts."""
        return True

    def cure(self, target: Q, verdict: Verdict) -> str:
        """Return what to do about a mistake."""
        return cure(verdict.mistake)

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

    @abstractmethod
    def is_slip(self, earlier: Earlier[Q, A]) -> bool:
        """Whether a wrong claim without a named mistake is what a slip makes of the right one."""

    @abstractmethod
    def standing(self) -> Iterable[float]:
        """Return the numbers that stand there anyway: those of the program, and of all its steps."""

    @abstractmethod
    def leaves(self) -> Iterable[Sequence[float]]:
        """Return what is given: a number, or those of an array in a row, for every input and constant."""

    def flat(self, value: Any) -> Sequence[float]:
        """Return a number, or the numbers of an array, in a row."""
        return (value,)

    def shaped(self, numbers: Sequence[float], like: Any) -> Any:
        """Return numbers in a row as a number, or an array."""
        return numbers[0]

    def short_of(self, answer: A) -> int | None:
        """Return the digits that a claim is written to where they are fewer than are asked for."""
        return None

    def follows(
        self, base: Verdict, target: Q, answer: A, value: Any, right: Any, wrong: Sequence[Earlier[Q, A]]
    ) -> Verdict | None:
        """Judge a claim in the light of earlier ones; None where it does not follow from them.

        Who answers 0, or anything, to the first question and goes on from there has shown nothing: the given
        claims are to be honest mistakes, and to leave something to work out. A number that repeats them, or a
        given one, counts beside work of one's own: see `judge`.
        """
        known = [w for w in wrong if w.value is not None]
        refused: Verdict | None = None
        repeats: Verdict | None = None
        for some in ([*known[-1:]], *([w] for w in known[-self.most_alone : -1]), known):
            if not some or any(w.target == target for w in some):
                continue
            for given in (some, [self._unrounded(w) for w in some]):
                for found in self.given(target, given):
                    if found is None or not self.is_given(answer, value, found, right):
                        continue
                    numbers, parts = self.flat(found), [self.flat(w.value) for w in given]
                    own = [x for part in parts for x in part]
                    trivial = any(map(is_bare, parts)) and is_there(numbers, [*self.standing(), *own])
                    verdict = self.following(base, given, trivial=trivial)
                    if not verdict.good:
                        refused = refused or verdict
                        continue
                    verdict = verdict._replace(carried=numbers)
                    if is_stock(self.flat(value), [*self.leaves(), *parts]):
                        repeats = repeats or verdict._replace(finer=REPEATS)
                        continue
                    digits = self.short_of(answer)
                    if digits is not None:
                        return too_short(base, digits, self.least, verdict.says)
                    return verdict
        return repeats or refused

    def _unrounded(self, earlier: Earlier[Q, A]) -> Earlier[Q, A]:
        """Return an earlier claim with the number that it was rounded from, where that is known."""
        carried = earlier.verdict.carried
        return earlier._replace(value=self.shaped(carried, earlier.value)) if carried else earlier

    def following(self, base: Verdict, some: Sequence[Earlier[Q, A]], *, trivial: bool) -> Verdict:
        """Return the verdict on what follows from some claims."""
        given = " and ".join(w.text for w in some)
        if trivial:
            says = f"it follows from {given}, which leaves nothing to work out: no marks"
            return base._replace(says=says, finer=STOCK)
        if all(w.verdict.verdict == FOLLOWS or w.verdict.mistake or self.is_slip(w) for w in some):
            return base._replace(verdict=FOLLOWS, says=f"{GIVEN}{given}")
        return base._replace(says=f"it follows from {given}, which no slip explains: no marks")
