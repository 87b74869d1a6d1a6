"""Hand-ins marked from a key: everybody's claims about their own numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property

from ..checking.grading import Judged, Judgement, Named
from ..checking.individual import by_own
from ..checking.people import Pairs, Subject
from ..checking.sheets import Sheet, same_name
from ..checking.verdicts import MISSING, UNREADABLE, Verdict, told
from ..errors import BackpropError, ExpressionError, UsageError, nearest
from ..language.numbers import with_points
from ..tables.files import stems
from .key import Key, labels
from .tasks import LETTERS, Exercise, Part

CODE = "code"
"""A claim of this name says whose sheet it is, by the code of any of its tasks."""

_TASK = re.compile(r"(?:task|question|no|q)?[\s.]*(\d+)[\s.):]*(.*)", re.IGNORECASE)
_PART = re.compile(r"\(?([a-z])(?![a-z/(\[])[).:\s]*(.*)", re.IGNORECASE)
"""A task, and a part of it, each with what stands behind: ``2a``, ``Task 2 (a)``, ``2: df/dx``."""


_OPTION = re.compile(r"\(?([a-z])\s*[).:]*\s*\(?([-+−]?[\d.]*\d(?:e[-+]?\d+)?)?\)?", re.IGNORECASE)
"""An option, and the number beside it: ``D``, ``(d)``, ``D: -6``, ``d (-6)``."""


class Own:
    """What one person is asked.

    Args:
        exercises: The tasks with this person's numbers.
    """

    def __init__(self, exercises: Sequence[Exercise]) -> None:
        self.exercises = exercises
        self.parts = {label: (exercise, part) for label, exercise, part in labels(exercises)}
        self._subjects: dict[int, Subject] = {}

    def subject(self, exercise: Exercise) -> Subject:
        """Return a task as what claims are about; what it rounds, it asks for to so many digits."""
        if id(exercise) not in self._subjects:
            self._subjects[id(exercise)] = exercise.posed.subject(exercise.least_digits)
        return self._subjects[id(exercise)]

    def label(self, word: str) -> str:
        """Return the label of what is asked under a name.

        Raises:
            ExpressionError: for what is not asked for, or more than once.
        """
        code, _, rest = word.strip().partition(" ")
        of_code = [e for e in self.exercises if str(e.code) == code.upper()]
        if of_code:
            return self._among(of_code, rest, word)
        if any(self._is(e, p, word) for e, p in self.parts.values()):
            return self._among(self.exercises, word, word)
        if match := _TASK.fullmatch(word.strip()):
            number, rest = match.groups()
            part = _PART.fullmatch(rest)
            label = f"{int(number)}{part[1].lower()}" if part is not None else str(int(number))
            if label in self.parts:
                return label
            if 0 < int(number) <= len(self.exercises):
                return self._among([self.exercises[int(number) - 1]], rest, word)
        known = list(self.parts)
        close = nearest(word[:20], known)
        hint = f"did you mean {close}? " if close else ""
        raise ExpressionError(f"{word[:40]} is not asked for", hint=f"{hint}there are {', '.join(known)}")

    def _among(self, exercises: Sequence[Exercise], name: str, word: str) -> str:
        """Return the label of a name that is asked for once in some tasks; without one, of the only part."""
        found = [
            label
            for label, (exercise, part) in self.parts.items()
            if exercise in exercises and (not name or self._is(exercise, part, name))
        ]
        if len(found) != 1:
            says = f"is asked for in {' and '.join(found)}" if found else "is not asked for"
            raise ExpressionError(f"{word[:40]} {says}", hint="the labels on the sheet: 1a = 6")
        return found[0]

    def _is(self, exercise: Exercise, part: Part, name: str) -> bool:
        subject = self.subject(exercise)
        with suppress(BackpropError):
            return subject.named(name).key == subject.named(part.name).key
        return False


class Marking:
    """A key as what claims are about: of everybody the own numbers, with the marks of the sheet.

    Args:
        key: The key.
        everybody: People of the key without a hand-in are there, too, with no marks.
    """

    def __init__(self, key: Key, *, everybody: bool = True) -> None:
        self.key = key
        self.everybody = everybody
        self.meant: list[str] = []
        self.own = {name: Own([slot.exercise for slot in slots]) for name, slots in key.people.items()}

    @cached_property
    def texts(self) -> dict[str, str]:
        """What everything that is asked is called: its label, with the name where all have the same."""
        names: dict[str, set[str]] = {}
        for own in self.own.values():
            for label, (_, part) in own.parts.items():
                names.setdefault(label, set()).add(part.name)
        return {label: f"{label} {min(few)}" if len(few) == 1 else label for label, few in names.items()}

    def asked(self, marks: Mapping[str, float]) -> dict[Named, float]:
        """Return nothing: marks are of the key.

        Raises:
            UsageError: for marks besides.
        """
        if marks:
            raise UsageError("--marks: the key says what everything is worth")
        return {}

    def fault_of(self, word: str) -> BackpropError | None:
        """Return why a word names nothing that anybody is asked for; None where it does."""
        if word.strip().lower() == CODE:
            return None
        fault: BackpropError | None = None
        for own in self.own.values():
            try:
                own.label(word)
            except BackpropError as error:
                fault = fault or error
            else:
                return None
        return fault

    def judgement(
        self,
        sheets: Sequence[Sheet],
        asked: Mapping[Named, float],
        credit: Mapping[str, float],
        *,
        alone: bool,
        weighted: bool,
        reveal: bool,
        best: bool = False,
    ) -> Judgement:
        """Judge everybody by their own numbers; the arguments are those of `Subject.judgement`."""

        def judged(name: str, sheet: Sheet) -> Judged:
            return self._judged(name, sheet, credit, reveal=reveal)

        people = by_own(sheets, self.own, self.whose, judged, best=best, blank=self.everybody)
        title = f"{self.key.title}, seed {self.key.seed}"
        return Judgement(title, "", None, people, True, reveal, tuple(self.texts.values()))

    def whose(self, sheet: Sheet) -> str:
        """Return who in the key a sheet is of.

        Raises:
            UsageError: for a sheet that is nobody's.
        """
        for word, answer in sheet.claims:
            if word.strip().lower() == CODE:
                return self._of_code(answer.strip().upper())
        known = {same_name(stem): name for name, stem in stems(self.own).items()}
        known |= {same_name(name): name for name in self.own}
        found = known.get(same_name(sheet.student))
        if found is not None:
            return found
        close = nearest(sheet.student, list(self.own))
        hint = f"did you mean {close}?" if close else "a line such as code = 8DEMGGSM says whose it is"
        raise UsageError(f"{sheet.student or 'nobody'} is not in the key", hint=hint)

    def _of_code(self, code: str) -> str:
        for name, own in self.own.items():
            if any(str(exercise.code) == code for exercise in own.exercises):
                return name
        raise UsageError(f"{code[:20]} is no code of the key")

    def _judged(self, name: str, sheet: Sheet, credit: Mapping[str, float], *, reveal: bool) -> Judged:
        """Judge one person: task by task, what cannot be read last."""
        own = self.own[name]
        pairs: dict[int, Pairs] = {k: [] for k in range(len(own.exercises))}
        unread: list[Verdict] = []
        as_written: dict[str, str] = {}
        for word, answer in sheet.claims:
            if word.strip().lower() == CODE:
                continue
            read = with_points(answer) if self.key.manner.comma else answer
            try:
                exercise, part = own.parts[own.label(word)]
                chosen = _chosen(part, read)
            except BackpropError as error:
                unread.append(Verdict(word, answer, UNREADABLE if answer else MISSING, told(error)))
            else:
                as_written[read] = answer
                pairs[own.exercises.index(exercise)].append((part.name, chosen))
        found: list[tuple[Verdict, float, float]] = []
        for k, exercise in enumerate(own.exercises):
            subject = own.subject(exercise)
            asked = subject.asked({part.name: part.marks for part in exercise.parts})
            sheets = [Sheet(name, pairs[k])]
            judgement = subject.judgement(sheets, asked, credit, alone=False, weighted=True, reveal=reveal)
            (person,) = judgement.people
            texts = {
                subject.named(part.name).text: self.texts[label]
                for label, (whose, part) in own.parts.items()
                if whose is exercise
            }
            formulas = exercise.formulas if reveal else {}
            named = [
                v._replace(
                    claim=texts.get(v.claim, v.claim),
                    answer=as_written.get(v.answer, v.answer),
                    formula=formulas.get(v.claim),
                )
                for v in person.verdicts
            ]
            rows = zip(named, person.marks, person.of, strict=True)
            found += sorted(rows, key=lambda row: row[0].claim)
        found += [(verdict, 0.0, 0.0) for verdict in unread]
        verdicts, marks, of = zip(*found, strict=True)
        return Judged(name, verdicts, marks, of)


def _chosen(part: Part, answer: str) -> str:
    """Return the number that a letter stands for, where there is something to choose from.

    Raises:
        ExpressionError: for a letter that is none of theirs, or stands beside another number than its own.
    """
    match = _OPTION.fullmatch(answer.strip()) if part.options else None
    if match is None:
        return answer
    letter, number = match[1].upper(), (match[2] or "").replace("−", "-")
    known = {key: option.text for key, option in zip(LETTERS, part.options, strict=False)}
    if letter not in known:
        if number:
            return answer
        raise ExpressionError(f"{letter} is no option", hint=f"there are {', '.join(known)}")
    if number and float(number) != float(known[letter]):
        raise ExpressionError(f"{letter} is {known[letter]}, not {number}")
    return known[letter]
