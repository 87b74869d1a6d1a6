"""Exercises drawn by a seed: what ``backprop exercise`` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..exercises.answers import DIGITS, Printing
from ..exercises.codes import is_code
from ..exercises.handouts import MOST_EXERCISES, SOLUTIONS, Handout, Solutions, practice, rebuilt
from ..exercises.kinds import KINDS, LEVELS
from ..exercises.manner import LANGUAGES, Manner
from ..exercises.tasks import CHOICES, FORMS, MOST_CHOICES, Exercise, Usual
from .arguments import choice, flag, optional, text, whole
from .shown import Shown

if TYPE_CHECKING:
    from ..render.document import Document

MOST_DIGITS = 12


class Exercises(Shown):
    """Exercises that show themselves.

    Attributes:
        handout: The tasks in order, each with its code, its numbers and its answers.
        solutions: What is told of the answers: ``none``, ``short`` or ``explain``.
    """

    __slots__ = ("handout", "solutions")

    def __init__(self, handout: Handout, solutions: Solutions = "none") -> None:
        self.handout = handout
        self.solutions = solutions

    def __iter__(self) -> Iterator[Exercise]:
        return iter(self.handout.exercises)

    def __len__(self) -> int:
        return len(self.handout.exercises)

    def __getitem__(self, k: int) -> Exercise:
        return self.handout.exercises[k]

    def _document(self, format_: str) -> Document:
        from ..render.exercises import document

        return document(self.handout, self.solutions)


def exercise(
    what: str,
    /,
    *,
    level: int = 1,
    count: int = 1,
    seed: str = "1",
    form: str = "number",
    choices: int = CHOICES,
    digits: int | None = None,
    decimals: int | None = None,
    solutions: str = "none",
    language: str = "en",
    comma: bool = False,
) -> Exercises:
    """Draw exercises whose numbers let no mistake go unseen.

    Args:
        what: A kind, such as ``chain``, or the code of an exercise, which draws it again.
        level: How many rules are nested, from 1 to 5.
        count: How many exercises.
        seed: Another seed gives other numbers; the same gives the same everywhere.
        form: What is asked for: a ``number``, a ``choice`` among what mistakes lead to, or a ``formula``.
        choices: Options of a choice.
        digits: Significant digits of answers that need more; None for 4, of large networks 6.
        decimals: In their place, places behind the point.
        solutions: What is told of the answers: ``none``, ``short``, or ``explain`` for how they are worked
            out, too.
        language: Of the words around the tasks: ``en`` or ``de``.
        comma: Decimals have a comma.
    Raises:
        UsageError: for a kind or a code that is none.
    """
    what = text("what", what)
    asked = choice("form", form, FORMS)
    options = whole("choices", choices, 2, MOST_CHOICES)
    places = optional(whole, "decimals", decimals, 0, MOST_DIGITS)
    significant = optional(whole, "digits", digits, 1, MOST_DIGITS)
    printing = Printing(significant or DIGITS, places) if significant or places is not None else None
    manner = Manner(choice("language", language, LANGUAGES), flag("comma", comma))
    usual = Usual(asked, options, printing, manner)
    told = choice("solutions", solutions, SOLUTIONS)
    if what not in KINDS and is_code(what):
        return Exercises(rebuilt(what, usual), told)
    rules, number = whole("level", level, LEVELS[0], LEVELS[-1]), whole("count", count, 1, MOST_EXERCISES)
    return Exercises(practice(what, rules, number, text("seed", seed), usual), told)
