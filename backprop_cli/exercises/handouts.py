"""What one person gets: tasks in order, under a title."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from ..errors import UsageError
from .answers import Printing
from .codes import SHEETS, read_code
from .draws import Draws
from .kinds import LEVELS, PROGRAMS, templates
from .tasks import CHOICES, Exercise, Form, Task

EXACT = 3
"""Level up to which all answers are exact."""

MOST_EXERCISES = 1_000

Solutions = Literal["none", "short", "explain"]
SOLUTIONS: tuple[Solutions, ...] = ("none", "short", "explain")
"""What is told of the answers: nothing, the numbers, how they are worked out."""


class Handout(NamedTuple):
    """What one person gets.

    Attributes:
        title: Above it.
        student: Whose; "" for nobody's.
        exercises: In order.
    """

    title: str
    student: str
    exercises: Sequence[Exercise]


def kind_task(kind: str, level: int, form: Form, choices: int, printing: Printing) -> Task:
    """Return a kind of exercise at a level.

    Raises:
        UsageError: for a kind that is none.
    """
    found = templates(kind, level)
    which = list(PROGRAMS).index(kind) * len(LEVELS) + level - 1
    title = f"{kind}, level {level}"
    return Task(
        which, title, title, found, form=form, choices=choices, printing=printing, exact=level <= EXACT
    )


def practice(
    kind: str,
    *,
    level: int = 1,
    count: int = 1,
    seed: str = "1",
    form: Form = "number",
    choices: int = CHOICES,
    printing: Printing = Printing(),  # noqa: B008  # immutable
) -> Handout:
    """Draw exercises of one kind, no two with the same answers.

    Raises:
        UsageError: for a kind that is none, or where there are not so many exercises.
    """
    task = kind_task(kind, level, form, choices, printing)
    found: dict[tuple[str, ...], Exercise] = {}
    draws = Draws("practice", task.text, seed)
    for _ in range(4 * count + 100):
        exercise = task.drawn(draws)
        found.setdefault(exercise.answers, exercise)
        if len(found) == count:
            break
    else:
        raise UsageError(f"{task.title} has only {len(found)} exercises with different answers here")
    return Handout(f"{task.title}, seed {seed}", "", list(found.values()))


def rebuilt(
    text: str,
    *,
    form: Form = "number",
    choices: int = CHOICES,
    printing: Printing = Printing(),  # noqa: B008  # immutable
) -> Handout:
    """Return the exercise of a kind that a code stands for.

    Raises:
        UsageError: for what is no code, or the code of a sheet's task.
    """
    code = read_code(text)
    kind, level = divmod(code.which, len(LEVELS))
    if kind >= len(PROGRAMS):
        of_sheet = code.which >= SHEETS
        raise UsageError(
            f"{code} is a task of a sheet" if of_sheet else f"{code} is no exercise",
            hint=f"backprop exercise SHEET.yaml --show {code}" if of_sheet else None,
        )
    task = kind_task(list(PROGRAMS)[kind], level + 1, form, choices, printing)
    exercise = task.exercise(code.number)
    if isinstance(exercise, str):
        raise UsageError(f"{code} is no exercise: {exercise}")
    return Handout(task.title, "", [exercise])
