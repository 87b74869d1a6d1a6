"""Sheets for a class: everybody other numbers, whoever else is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from ..engine.work import through
from ..errors import UsageError, nearest
from .codes import read_code
from .draws import Draws
from .handouts import Handout, shown
from .key import Key, Slot
from .sheet import Sheet
from .tasks import Exercise, Task

ALIKE = 1
"""Answers that two people may share, of a sheet with more."""

DRAWS_EACH = 3
"""A task has so many times more different answers than there are people."""

MOST_ATTEMPTS = 200


def draw_class(sheet: Sheet, people: Sequence[str], seed: str) -> Key:
    """Draw a sheet for everybody.

    What somebody gets depends on the seed, the task and the name alone; where two people would share more
    answers than one, the one of them whose name says so gets other numbers, and it is told.

    Raises:
        UsageError: for a task with too few different draws.
    """
    for task in sheet.tasks:
        needed = DRAWS_EACH * len(people)
        different = task.different(needed)
        if different < needed:
            raise UsageError(
                f"{task.title} has {different} different draws; for {len(people)} people there are {needed}",
                hint="wider ranges; of a kind another level",
            )
    found = {
        name: [Slot(drawn(task, name, seed)) for task in sheet.tasks]
        for name in through(people, "drawing sheet")
    }
    notes = _told_apart(sheet, found, seed)
    people_ = {name: tuple(slots) for name, slots in found.items()}
    return Key(sheet.title, seed, people_, tuple(notes), sheet.manner)


def handout(sheet: Sheet, seed: str, name: str = "") -> Handout:
    """Draw a sheet for one person, or for nobody in particular."""
    return Handout(sheet.title, name, [drawn(task, name, seed) for task in sheet.tasks], sheet.manner)


def drawn(task: Task, name: str, seed: str, attempt: int = 1) -> Exercise:
    """Draw one task for one person."""
    return task.drawn(Draws("slot", seed, task.text, name, attempt))


def _told_apart(sheet: Sheet, people: dict[str, list[Slot]], seed: str) -> list[str]:
    """Draw again what two people share too much of; say so."""
    notes = []
    allowed = ALIKE if len(sheet.tasks) > 1 else 0
    # whoever comes later by this has the other numbers, in whatever order the class is
    order = sorted(people, key=lambda name: (Draws("order", name).below(1 << 60), name))
    for k, name in enumerate(order):
        for _ in range(MOST_ATTEMPTS):
            mine = [slot.exercise.answers for slot in people[name]]
            clash = next((o for o in order[:k] if len(_shared(mine, people[o])) > allowed), None)
            if clash is None:
                break
            j = _shared(mine, people[clash])[-1]
            people[name][j] = again(people[name][j], sheet.tasks[j], name, seed)
            notes.append(f"{name}: task {j + 1} was drawn again, for {clash} has the same answers")
        else:
            raise UsageError(f"no {len(people)} people can have different answers: wider ranges")
    return notes


def _shared(mine: Sequence[tuple[str, ...]], other: Sequence[Slot]) -> list[int]:
    return [j for j, (a, slot) in enumerate(zip(mine, other, strict=True)) if a == slot.exercise.answers]


def again(slot: Slot, task: Task, name: str, seed: str) -> Slot:
    """Draw one task of one person again, with another answer; the code before is kept."""
    attempt = slot.attempt
    while True:
        attempt += 1
        exercise = drawn(task, name, seed, attempt)
        if exercise.answers != slot.exercise.answers:
            return Slot(exercise, attempt, (*slot.earlier, str(slot.exercise.code)))


def shown_of(sheet: Sheet, text: str) -> Handout:
    """Return the exercise of a sheet that a code stands for.

    Raises:
        UsageError: for what is no code of this sheet.
    """
    code = read_code(text)
    for k, task in enumerate(sheet.tasks, 1):
        if task.which == code.which:
            title = sheet.manner.says("task of", title=sheet.title, k=k)
            return shown(task, code, title, sheet.manner)
    raise UsageError(
        f"{code} is no task of this sheet", hint="the task was changed, or it is another sheet's"
    )


def redrawn(key: Key, sheet: Sheet, who: str) -> Key:
    """Draw one task of one person again: ``anna:3``.

    Raises:
        UsageError: for a person or a task that is not there, or a sheet that is not the key's.
    """
    name, colon, number = who.rpartition(":")
    if not colon or not number.isdigit():
        raise UsageError(f"{who} is no task of somebody", hint="--redraw anna:3")
    if name not in key.people:
        close = nearest(name, list(key.people))
        raise UsageError(f"the key has no {name}", hint=f"did you mean {close}?" if close else None)
    slots = list(key.people[name])
    k = int(number) - 1
    if not 0 <= k < len(slots):
        raise UsageError(f"{name} has no task {number}: there are {len(slots)}")
    if len(sheet.tasks) != len(slots) or sheet.tasks[k].which != slots[k].exercise.code.which:
        raise UsageError(f"task {number} of the sheet is not that of the key: it was changed")
    slots[k] = again(slots[k], sheet.tasks[k], name, key.seed)
    people: Mapping[str, tuple[Slot, ...]] = {**key.people, name: tuple(slots)}
    clash = [
        (other, j + 1)
        for other, theirs in people.items()
        if other != name
        for j in _shared([slot.exercise.answers for slot in slots], theirs)
    ]
    shared = {other: [j for o, j in clash if o == other] for other, _ in clash}
    notes = [f"{name} and {other} share {len(j)} answers" for other, j in shared.items() if len(j) > ALIKE]
    return key._replace(people=people, notes=tuple(notes))


class Summary(NamedTuple):
    """What a task is like over a class.

    Attributes:
        levels: How many rules are nested, least and most.
        efforts: The least and the most effort.
        different: How many answers there are.
        exact: Of how many draws all answers are printed exactly.
        of: How many draws.
    """

    levels: tuple[int, int]
    efforts: tuple[int, int]
    different: int
    exact: int
    of: int


def summaries(key: Key) -> list[Summary]:
    """Return what every task is like over the class."""
    found = []
    for k in range(key.tasks):
        drawn = [slots[k].exercise for slots in key.people.values()]
        levels, efforts = [e.posed.level for e in drawn], [e.posed.effort for e in drawn]
        found.append(
            Summary(
                (min(levels), max(levels)),
                (min(efforts), max(efforts)),
                len({e.answers for e in drawn}),
                sum(all(part.answer.exact for part in e.parts) for e in drawn),
                len(drawn),
            )
        )
    return found


def most_shared(key: Key) -> int:
    """Return the most answers that two people share."""
    answers = [[slot.exercise.answers for slot in slots] for slots in key.people.values()]
    shared = (sum(a == b for a, b in zip(x, y, strict=True)) for x, y in combinations(answers, 2))
    return max(shared, default=0)
