"""Tasks: templates with what is printed of them, and the draws that make good exercises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from statistics import median
from typing import Literal, NamedTuple, Protocol

from ..checking.catalogue import Mistake
from ..checking.verdicts import GOOD, LEAST_DIGITS, RIGHT, ROUNDED
from ..errors import UsageError
from .answers import Printed, Printing, printed
from .codes import NUMBERS, Code
from .draws import Draws
from .manner import USUAL, Manner
from .posed import OfFormula, Posed

Form = Literal["number", "choice", "formula"]
FORMS: tuple[Form, ...] = ("number", "choice", "formula")

CHOICES, MOST_CHOICES = 4, 10
LETTERS = "ABCDEFGHIJ"
"""Of the options of a choice."""
REFERENCE = 40
"""Good draws of a task by which its usual effort is told."""

PLENTY = 100
"""Where there are so many times more draws than needed, nobody counts how many of them differ."""

DRAWS_EACH = 20
"""Good draws that are looked at for each one that is to differ."""

BAND = 1.25
"""The largest effort of a task over the smallest."""

NOUGHT = 1e-9
"""What floats leave of a 0, as a share of the right number."""

MOST_DRAWS = 20_000
"""Draws after which a task is given up."""


class Usual(NamedTuple):
    """What holds for tasks that do not say it themselves.

    Attributes:
        form: What is asked for.
        choices: Options of a choice.
        printing: To how much answers are rounded; None for what is usual.
        manner: How exercises are written.
    """

    form: Form = "number"
    choices: int = CHOICES
    printing: Printing | None = None
    manner: Manner = USUAL


class Drawn(Protocol):
    """A template: something whose numbers are drawn."""

    @property
    def draws(self) -> int:
        """How many draws there are at least, with those that do not fit."""

    def posed(self, draws: Draws) -> Posed | None:
        """Draw the numbers; None where they do not fit."""


class Option(NamedTuple):
    """One of several answers to choose from.

    Attributes:
        text: The number.
        mistake: What leads to it; None for the right one.
        says: The same as a sentence.
    """

    text: str
    mistake: str | None = None
    says: str = ""


class Part(NamedTuple):
    """Something that is asked for.

    Attributes:
        name: As `check` names it.
        marks: What it is worth.
        answer: The right number, as it is printed.
        options: What to choose from, in order; empty where a number is asked for.
    """

    name: str
    marks: float
    answer: Printed
    options: tuple[Option, ...] = ()


class Exercise(NamedTuple):
    """A task with its numbers and its answers.

    Attributes:
        code: Eight characters that say which.
        posed: The numbers.
        parts: What is asked for.
        printing: To how much answers are rounded.
    """

    code: Code
    posed: Posed
    parts: tuple[Part, ...]
    printing: Printing

    @property
    def marks(self) -> float:
        """What all of it is worth."""
        return sum(part.marks for part in self.parts)

    @property
    def least_digits(self) -> int:
        """To how many digits answers have to be right: where they are rounded, to as many as are printed."""
        rounded = [p.answer.digits for p in self.parts if self.posed.rounds or not p.answer.exact]
        return max(1, min([LEAST_DIGITS, *rounded]))

    @property
    def formulas(self) -> dict[str, str]:
        """The right formulas by what is asked, as `check` calls it; none where numbers are asked for."""
        if not isinstance(self.posed, OfFormula):
            return {}
        return {self.posed.target(part.name).text: part.answer.text for part in self.parts}

    @property
    def answers(self) -> tuple[str, ...]:
        """What is right, as it is printed."""
        return tuple(part.answer.text for part in self.parts)


class Task:
    """A task, of which everybody has another draw.

    Args:
        which: Its number in codes.
        title: What it is called in messages.
        text: What its draws depend on, besides the seed.
        templates: Of which one is drawn.
        form: What is asked for: a number, a choice, or a formula.
        choices: Options of a choice.
        printing: To how much answers are rounded.
        exact: A draw whose answers need more digits than are printed is none.
    """

    def __init__(
        self,
        which: int,
        title: str,
        text: str,
        templates: Sequence[Drawn],
        form: Form,
        choices: int,
        printing: Printing,
        *,
        exact: bool = False,
    ) -> None:
        self.which, self.title, self.text, self.templates = which, title, text, templates
        self.form, self.choices, self.printing, self.exact = form, choices, printing, exact

    def posed(self, number: int) -> Posed | str:
        """Return a draw, or why it makes no exercise, in a word or two.

        Args:
            number: Which draw.
        Raises:
            BackpropError: for a template that cannot be read, or is asked for what it does not have.
        """
        draws = Draws("numbers", self.text, number)
        template = draws.choice(self.templates)
        found = template.posed(draws)
        if found is None:
            return "a condition on the numbers"
        if found.fault:
            return found.fault
        answers = self.answers(found)
        if any(answer.is_zero for answer in answers):
            return "an answer of 0"
        if self.exact and not all(a.exact and a.digits <= self.printing.digits for a in answers):
            return "an answer with more digits"
        return found

    def answers(self, posed: Posed) -> list[Printed]:
        """Return what is right, as it is printed."""
        return [posed.answer(name, self.printing) for name in posed.ask]

    def exercise(self, number: int) -> Exercise | str:
        """Return a draw with its answers, or why it makes no exercise."""
        posed = self.posed(number)
        if isinstance(posed, str):
            return posed
        parts = []
        for (name, marks), answer in zip(posed.ask.items(), self.answers(posed), strict=True):
            options: tuple[Option, ...] = ()
            if self.form == "choice":
                wrong = distractors(posed, name, answer, self.printing, self.choices - 1)
                if len(wrong) < self.choices - 1:
                    return "too few mistakes to choose from"
                draws = Draws("options", self.text, number, name)
                options = tuple(draws.shuffled([Option(answer.text), *wrong]))
            parts.append(Part(name, marks, answer, options))
        found = Exercise(Code(self.which, number), posed, tuple(parts), self.printing)
        subject = posed.subject(found.least_digits)
        answers = [(part.name, part.answer.text) for part in parts]
        once = [(part.name, text) for part in parts if (text := posed.rounded_once(part.name))]
        verdicts = [each for claims in (answers, once) if claims for each in subject.judged(claims, False)]
        if not all(verdict.verdict in (RIGHT, ROUNDED) for verdict in verdicts):
            return "an answer that its digits do not tell"  # a weight that has hardly changed
        return found

    @cached_property
    def efforts(self) -> tuple[int, int]:
        """The least and the most effort that a draw may take: a band around the usual one."""
        found = [posed.effort for _, posed in self._good(Draws("effort", self.text), REFERENCE)]
        middle = median(found)
        return round(middle / BAND**0.5 + 0.499), int(middle * BAND**0.5)

    def _good(self, draws: Draws, most: int) -> Iterator[tuple[int, Posed]]:
        """Yield draws that make good exercises; so many at most.

        Raises:
            UsageError: where there is none among many.
        """
        why: Counter[str] = Counter()
        found = 0
        while found < most:
            number = draws.below(NUMBERS)
            posed = self.posed(number)
            if isinstance(posed, str):
                why[posed] += 1
                if sum(why.values()) >= MOST_DRAWS // (1 + 9 * bool(found)):
                    break
                continue
            found += 1
            yield number, posed
        if not found:
            reason, count = why.most_common(1)[0]
            raise UsageError(
                f"{self.title}: none of {MOST_DRAWS:,} draws makes an exercise: {count:,} times {reason}"
            )

    def tried(self, count: int) -> Counter[str]:
        """Return how many of so many draws are exercises, by "", and how many are not, by the reason."""
        draws = Draws("stress", self.text)
        found = (self.exercise(draws.below(NUMBERS)) for _ in range(count))
        return Counter("" if isinstance(each, Exercise) else each for each in found)

    def different(self, most: int) -> int:
        """Return how many draws have different answers; counted up to ``most``."""
        if all(template.draws > PLENTY * most for template in self.templates):
            return most
        least, largest = self.efforts
        found: set[tuple[str, ...]] = set()
        for _, posed in self._good(Draws("different", self.text), DRAWS_EACH * most):
            if least <= posed.effort <= largest:
                found.add(tuple(answer.text for answer in self.answers(posed)))
            if len(found) >= most:
                break
        return len(found)

    def drawn(self, draws: Draws) -> Exercise:
        """Return the first good exercise whose effort is the usual one.

        Raises:
            UsageError: where there is none among many draws.
        """
        least, most = self.efforts
        for _ in range(MOST_DRAWS):
            number = draws.below(NUMBERS)
            posed = self.posed(number)
            if isinstance(posed, str) or not least <= posed.effort <= most:
                continue
            found = self.exercise(number)
            if not isinstance(found, str):
                return found
        raise UsageError(f"{self.title}: no draw among {MOST_DRAWS:,} makes an exercise")


def distractors(posed: Posed, name: str, answer: Printed, printing: Printing, most: int) -> list[Option]:
    """Return what mistakes lead to, the most teachable first, one of a kind.

    Their numbers differ from the right one and from each other by two units of the last digit, and `check`
    names the mistake when it sees the number.

    Args:
        posed: The task with its numbers.
        name: What is asked for.
        answer: The right number.
        printing: To how much numbers are rounded.
        most: So many are enough.
    """
    taken = [answer]
    found: dict[str, Option] = {}
    for mistake in sorted(posed.mistakes(name), key=_teachable):
        if len(found) == most:
            break
        near_zero = abs(mistake.value) < NOUGHT * abs(answer.number)
        number = printed(0.0 if near_zero else mistake.value, printing)
        if mistake.kind in found or any(_near(number, other) for other in taken):
            continue
        verdict = posed.verdict(name, number.text)
        if verdict.verdict not in GOOD and verdict.mistake == mistake.kind:
            found[mistake.kind] = Option(number.text, mistake.kind, verdict.says)
            taken.append(number)
    return list(found.values())


def _teachable(mistake: Mistake) -> tuple[float, str]:
    return mistake.rank, mistake.key


def _near(number: Printed, other: Printed) -> bool:
    return abs(number.number - other.number) < 1.999 * max(number.unit, other.unit)
