"""Marks for claims, and all that was judged as one report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any, NamedTuple

from ..errors import ANSWERED, NO, NO_SUCH_NUMBER, WRONG_INPUT, BackpropError, UsageError, nearest
from ..language.numbers import brief
from .verdicts import (
    FOLLOWS,
    MISSING,
    NAMED,
    NONE,
    OFF,
    RIGHT,
    ROUNDED,
    SHORT,
    UNREADABLE,
    WRONG,
    Verdict,
)

REPEATED = "repeated"
CREDITS: Mapping[str, float] = {RIGHT: 1.0, ROUNDED: 1.0, OFF: 1.0, SHORT: 0.0, FOLLOWS: 1.0, NAMED: 0.0}
"""Share of the marks that a verdict earns, by `Verdict.credit`; what is none of them earns nothing."""


class Named(NamedTuple):
    """A quantity that was named.

    Attributes:
        text: As verdicts have it.
        key: The same for every spelling.
    """

    text: str
    key: Hashable


class Entry(NamedTuple):
    """A claim, and which quantity it is about.

    Attributes:
        name: The quantity as written.
        answer: As written; blank for one that was left out.
        quantity: None where it cannot be read.
        first: No answer to the same quantity comes before it.
    """

    name: str
    answer: str
    quantity: Named | None
    first: bool


class Judged(NamedTuple):
    """One person's claims with their verdicts and marks.

    Attributes:
        student: Whose; "" for the command line.
        verdicts: In the order of the claims.
        marks: Earned, per claim.
        of: Possible, per claim.
        fault: Why the claims could not be read; None where they could.
    """

    student: str
    verdicts: tuple[Verdict, ...]
    marks: tuple[float, ...]
    of: tuple[float, ...]
    fault: BackpropError | None = None

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

    @property
    def claimed(self) -> int:
        """How many claims count."""
        return sum(v.verdict != REPEATED for v in self.verdicts)


class Question(NamedTuple):
    """How everybody did with one quantity.

    Attributes:
        claim: The quantity.
        right: People whose answer counts as right.
        blank: People without an answer.
        people: All of them.
        mistakes: With how many people made each, the most frequent first.
    """

    claim: str
    right: int
    blank: int
    people: int
    mistakes: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Judgement:
    """Everything that was judged.

    Attributes:
        program: What the claims are about.
        output: What a program's output is called; "" for a training step.
        inputs: Its point; None for formulas in general.
        people: Whoever made claims.
        weighted: Marks were given by the caller.
        reveal: Right numbers and formulas are shown.
        asked: Names of what was asked of everybody; empty where nothing was said.
        has_arrays: Values are arrays.
        for_student: It is worded for who made the claims: what to do, and no other mistakes.
    """

    program: str
    output: str
    inputs: Mapping[str, Any] | None
    people: tuple[Judged, ...]
    weighted: bool = False
    reveal: bool = False
    asked: tuple[str, ...] = ()
    has_arrays: bool = False
    for_student: bool = False

    @property
    def status(self) -> int:
        """The exit status: unreadable before wrong before not judgeable."""
        verdicts = {v.verdict for person in self.people for v in person.verdicts}
        if UNREADABLE in verdicts or any(person.fault for person in self.people):
            return WRONG_INPUT
        if verdicts & {WRONG, MISSING}:
            return NO
        return NO_SUCH_NUMBER if NONE in verdicts else ANSWERED

    @property
    def average(self) -> float:
        """Marks on average."""
        return fmean(person.total for person in self.people)

    @property
    def median(self) -> float:
        """Marks that half of the people reach."""
        return median(person.total for person in self.people)

    @property
    def questions(self) -> list[Question]:
        """How everybody did, a quantity at a time."""
        found = []
        for name in self.names:
            verdicts = [next((v for v in p.verdicts if v.claim == name), None) for p in self.people]
            given = [v for v in verdicts if v is not None and v.verdict != MISSING]
            mistakes = Counter(v.mistake for v in given if v.mistake).most_common()
            ordered = tuple(sorted(mistakes, key=lambda item: (-item[1], item[0])))
            right = sum(v.good for v in given)
            found.append(Question(name, right, len(self.people) - len(given), len(self.people), ordered))
        return found

    @property
    def names(self) -> list[str]:
        """What a table of everybody has columns for: what was asked, or else all that was claimed."""
        claimed = (v.claim for person in self.people for v in person.verdicts)
        return list(dict.fromkeys(self.asked or claimed))


def entries(
    claims: Sequence[tuple[str, str]],
    named: Callable[[str], Named | None],
    asked: Sequence[Named] = (),
) -> list[Entry]:
    """Line up one person's claims, and what was asked and left out.

    Args:
        claims: Quantity and answer as written.
        named: Reads the name of a quantity; None where it cannot be.
        asked: What everybody was asked.
    """
    quantities = [named(name) for name, _ in claims]
    first: dict[Hashable, int] = {}
    for k, (quantity, (_, answer)) in enumerate(zip(quantities, claims, strict=True)):
        if quantity is not None:
            at = first.setdefault(quantity.key, k)
            if answer and not claims[at][1]:  # a blank is no answer
                first[quantity.key] = k
    found = []
    for k, (quantity, (name, answer)) in enumerate(zip(quantities, claims, strict=True)):
        is_first = quantity is None or first[quantity.key] == k
        if answer or is_first:
            found.append(Entry(name, answer, quantity, is_first))
    return found + [Entry(each.text, "", each, True) for each in asked if each.key not in first]


def graded(
    student: str,
    found: Sequence[tuple[Entry, Verdict]],
    marks: Mapping[Hashable, float] | None,
    credit: Mapping[str, float],
) -> Judged:
    """Give marks to one person's verdicts.

    Args:
        student: Whose.
        found: Claims and verdicts.
        marks: By quantity: what is not there earns nothing, a second answer neither. None: 1 each.
        credit: Share by verdict, see `CREDITS`.
    """
    of = [_worth(entry, verdict, marks) for entry, verdict in found]
    earned = [m * credit.get(v.credit, 0.0) for (_, v), m in zip(found, of, strict=True)]
    return Judged(student, tuple(v for _, v in found), tuple(earned), tuple(of))


def best_of(people: Sequence[Judged], names: Sequence[str]) -> list[Judged]:
    """Return everybody's sheet with the most marks, the first of equals, under their own names."""
    best: dict[str, Judged] = {}
    for name, person in zip(names, people, strict=True):
        if name not in best or person.total > best[name].total:
            best[name] = person._replace(student=name)
    return list(best.values())


def repeated(entry: Entry) -> Verdict:
    """Return the verdict on an answer to what was answered before."""
    text = entry.quantity.text if entry.quantity is not None else entry.name
    return Verdict(text, entry.answer, REPEATED, "the first answer counts")


def _worth(entry: Entry, verdict: Verdict, marks: Mapping[Hashable, float] | None) -> float:
    if verdict.verdict == REPEATED:
        return 0.0
    if marks is None:
        return 1.0
    return marks.get(entry.quantity.key, 0.0) if entry.quantity is not None and entry.first else 0.0


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
            raise UsageError(f"--credit {word}={brief(share)}: a share is from 0 to 1")
    return {**CREDITS, **pairs}
