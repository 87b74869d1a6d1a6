"""What one person gets: tasks in order, under a title."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from ..errors import UsageError, counted
from .answers import DIGITS, Printing
from .codes import SHEETS, Code, read_code
from .draws import Draws
from .kinds import KINDS, LEVELS, NETWORKS, templates
from .manner import USUAL, Manner
from .tasks import Exercise, Task, Usual

EXACT = 3
"""Level up to which all answers are exact."""

STEP_DIGITS = 6
"""Significant digits of a step's answers: an update changes but the last ones of a weight."""

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
        manner: How they are written.
    """

    title: str
    student: str
    exercises: Sequence[Exercise]
    manner: Manner = USUAL


def kind_task(kind: str, level: int, usual: Usual, ask: Mapping[str, float] | None = None) -> Task:
    """Return a kind of exercise at a level.

    Args:
        kind: A kind.
        level: The level.
        usual: What is asked for, and how it is printed.
        ask: What is asked for by name, and its marks; None for what is usual.
    Raises:
        UsageError: for a kind that is none, or has no formulas.
    """
    formula = usual.form == "formula"
    found = [
        each if ask is None else each._replace(ask=ask) for each in templates(kind, level, formula=formula)
    ]
    which = KINDS.index(kind) * len(LEVELS) + level - 1
    title = f"{kind}, level {level}"
    printing = usual.printing or Printing(STEP_DIGITS if kind in NETWORKS and level > EXACT else DIGITS)
    exact = level <= EXACT and not formula
    return Task(which, title, title, found, usual.form, usual.choices, printing, exact=exact)


def practice(kind: str, level: int, count: int, seed: str, usual: Usual) -> Handout:
    """Draw exercises of one kind, no two with the same answers.

    Raises:
        UsageError: for a kind that is none, or where there are not so many exercises.
    """
    task = kind_task(kind, level, usual)
    found: dict[tuple[str, ...], Exercise] = {}
    draws = Draws("practice", task.text, seed)
    for _ in range(4 * count + 100):
        exercise = task.drawn(draws)
        found.setdefault(exercise.answers, exercise)
        if len(found) == count:
            break
    else:
        few = counted(len(found), "exercise")
        raise UsageError(f"{task.title} has only {few} with different answers here")
    manner = usual.manner
    title = f"{manner.says('kind', kind=kind, level=level)}, {manner.says('seed', seed=seed)}"
    return Handout(title, "", list(found.values()), manner)


def rebuilt(text: str, usual: Usual) -> Handout:
    """Return the exercise of a kind that a code stands for.

    Raises:
        UsageError: for what is no code, or the code of a sheet's task.
    """
    code = read_code(text)
    kind, level = divmod(code.which, len(LEVELS))
    if kind >= len(KINDS):
        of_sheet = code.which >= SHEETS
        raise UsageError(
            f"{code} is a task of a sheet" if of_sheet else f"{code} is no exercise",
            hint=f"backprop exercise SHEET.yaml --show {code}" if of_sheet else None,
        )
    title = usual.manner.says("kind", kind=KINDS[kind], level=level + 1)
    return shown(kind_task(KINDS[kind], level + 1, usual), code, title, usual.manner)


def shown(task: Task, code: Code, title: str, manner: Manner) -> Handout:
    """Return the exercise of a task that a code stands for, under a title.

    Raises:
        UsageError: for a draw that is none.
    """
    exercise = task.exercise(code.number)
    if isinstance(exercise, str):
        raise UsageError(f"{code} is no exercise: {exercise}")
    return Handout(title, "", [exercise], manner)
