"""Keys: who has which numbers, what is right, and what it is worth; marking needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from string import ascii_lowercase
from typing import Any, NamedTuple

from ..errors import DataError
from ..tables.files import bytes_of
from .answers import Printed, Printing
from .codes import read_code
from .draws import VERSION
from .manner import USUAL, Manner
from .posed import OfFormula, OfProgram, Posed
from .steps import OfStep
from .tasks import Exercise, Option, Part

SCHEMA = 1
"""Of a key; those of earlier versions are read on."""


class Slot(NamedTuple):
    """One person's draw of one task.

    Attributes:
        exercise: Its numbers and answers.
        attempt: Which draw, from 1; another one is drawn where it is asked for.
        earlier: Codes of those before.
    """

    exercise: Exercise
    attempt: int = 1
    earlier: tuple[str, ...] = ()


class Key(NamedTuple):
    """Everybody's draws.

    Attributes:
        title: Of the sheet.
        seed: What the draws depend on, besides the tasks and the people.
        people: Everybody's draws, a task each, by name in the order of the class.
        notes: What is to be told of it, a sentence each.
        manner: How sheets are written, and answers with decimals.
    """

    title: str
    seed: str
    people: Mapping[str, tuple[Slot, ...]]
    notes: tuple[str, ...] = ()
    manner: Manner = USUAL

    @property
    def tasks(self) -> int:
        """How many tasks there are."""
        return max(map(len, self.people.values()), default=0)


def labels(exercises: Sequence[Exercise]) -> Iterator[tuple[str, Exercise, Part]]:
    """Yield what is asked on a sheet by its label: ``1``, or ``2a`` and ``2b`` where a task has several."""
    for k, exercise in enumerate(exercises, 1):
        for letter, part in zip(ascii_lowercase, exercise.parts, strict=False):
            yield f"{k}{letter}" if len(exercise.parts) > 1 else str(k), exercise, part


def written(key: Key) -> str:
    """Return a key as text."""
    facts = {
        "schema": SCHEMA,
        "draws": VERSION,
        "title": key.title,
        "seed": key.seed,
        **(key.manner._asdict() if key.manner != USUAL else {}),
        "people": {name: [_slot_facts(slot) for slot in slots] for name, slots in key.people.items()},
    }
    return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"


def _slot_facts(slot: Slot) -> dict[str, Any]:
    facts = {
        "code": str(slot.exercise.code),
        "attempt": slot.attempt,
        "earlier": list(slot.earlier),
        **slot.exercise.posed.facts,
        "printing": slot.exercise.printing._asdict(),
        "answers": {part.name: part.answer._asdict() for part in slot.exercise.parts},
    }
    options = {part.name: [o._asdict() for o in part.options] for part in slot.exercise.parts if part.options}
    return {**facts, "options": options} if options else facts


def read_key(text: str, shown: str) -> Key:
    """Read a key.

    Raises:
        DataError: for what is none, or of a later version.
    """
    try:
        facts = json.loads(text)
        if not isinstance(facts, dict) or not isinstance(facts.get("people"), dict):
            raise DataError(f"{shown} is no key of exercises", hint="key.json, which backprop exercise wrote")
        if facts["schema"] > SCHEMA:
            raise DataError(f"{shown} is the key of a later version")
        people = {name: tuple(map(_slot, slots)) for name, slots in facts["people"].items()}
        manner = Manner(facts.get("language", USUAL.language), facts.get("comma", USUAL.comma))
        return Key(facts["title"], facts["seed"], people, manner=manner)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DataError(f"{shown} is no key of exercises, or was changed") from None


def key_of(path: str) -> Key:
    """Read the key of a class from its file.

    Raises:
        DataError, FileError: for what cannot be read.
    """
    return read_key(bytes_of(path).decode("utf-8", "replace"), path)


def _slot(facts: Mapping[str, Any]) -> Slot:
    posed: Posed
    if "program" in facts:
        kind = OfFormula if facts.get("form") == "formula" else OfProgram
        posed = kind(facts["program"], facts["point"], facts["ask"])
    else:
        posed = OfStep(facts["config"], facts["ask"], facts["round_each"])
    parts = [
        Part(
            name,
            marks,
            Printed(**facts["answers"][name]),
            tuple(Option(**option) for option in facts.get("options", {}).get(name, ())),
        )
        for name, marks in facts["ask"].items()
    ]
    exercise = Exercise(read_code(facts["code"]), posed, tuple(parts), Printing(**facts["printing"]))
    return Slot(exercise, facts["attempt"], tuple(facts["earlier"]))
