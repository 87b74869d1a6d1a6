"""Everybody's claims judged by numbers of their own: of a table, or, in `exercises`, of a key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from ..engine.work import through
from ..errors import BackpropError, BindingError, DataError, UsageError, nearest
from ..graph import Graph
from .answers import read_answer, unknown
from .grading import Judged, Judgement, Named
from .people import Subject, read_people
from .sheets import FOUND, Reading, Sheet, same_name


def by_own(
    sheets: Sequence[Sheet],
    everybody: Iterable[str],
    whose: Callable[[Sheet], str],
    judged: Callable[[str, Sheet], Judged],
    *,
    best: bool,
    blank: bool,
) -> tuple[Judged, ...]:
    """Judge hand-ins, in the order of the people who have numbers.

    Args:
        sheets: The hand-ins.
        everybody: Whoever has numbers.
        whose: Which of them a hand-in is of; raises for nobody's.
        judged: Judges somebody's hand-in.
        best: Of somebody's hand-ins the one with the most marks counts.
        blank: Whoever has handed in nothing is there, too.
    """
    found: dict[str, Judged] = {}
    for sheet in through(sheets, "judging sheet"):
        try:
            name = whose(sheet._replace(student=sheet.again) if best and sheet.again else sheet)
            if name in found and not best:
                raise DataError(f"{name} has handed in before", place=sheet.student)
        except BackpropError as error:
            found[sheet.student] = Judged(sheet.student, (), (), (), sheet.fault or error)
        else:
            person = judged(name, sheet)
            if name not in found or person.total > found[name].total:
                found[name] = person._replace(student=name, fault=sheet.fault or person.fault)
    order = {name: k for k, name in enumerate(everybody)}
    for name in order if blank else ():
        if name not in found:
            found[name] = judged(name, Sheet(name, []))
    return tuple(sorted(found.values(), key=lambda person: order.get(person.student, len(order))))


def of_student(reading: Reading, student: str, whose: Callable[[Sheet], str]) -> Reading:
    """Return somebody's hand-ins, whatever their files are called.

    Raises:
        UsageError: where there is none.
    """
    found = []
    names = []
    for sheet in reading.sheets:
        with suppress(BackpropError):
            names.append(whose(sheet))
            if same_name(names[-1]) == same_name(student):
                found.append(sheet)
    if not found:
        close = nearest(student, names)
        raise UsageError(f"{student} has handed in nothing", hint=f"did you mean {close}?" if close else None)
    return Reading(found, reading.notes)


class Points(NamedTuple):
    """Everybody's numbers.

    Attributes:
        shown: The name of the file they are from.
        names: Inputs that have a column.
        people: The numbers as they are written, by name.
        notes: What in the file is no number of an input.
    """

    shown: str
    names: tuple[str, ...]
    people: Mapping[str, Mapping[str, str]]
    notes: Sequence[str]


def read_points(path: str, graph: Graph) -> Points:
    """Read a table with everybody's numbers: a row a student, a column an input.

    Raises:
        DataError, FileError: for what cannot be read, and for somebody who is there twice.
    """

    def fault_of(word: str) -> BackpropError | None:
        return None if word in graph.inputs else unknown(word, graph)

    reading = read_people(path, fault_of, None, FOUND)
    for sheet in reading.sheets:
        if sheet.fault is not None:
            raise sheet.fault
        if sheet.again or not sheet.student:
            whose = f"{sheet.again} is there twice" if sheet.again else "nobody's name is there"
            raise DataError(whose, place=path, hint="a column student, and a row a student")
    people = {sheet.student: dict(sheet.claims) for sheet in reading.sheets}
    names = dict.fromkeys(name for own in people.values() for name in own if name in graph.inputs)
    notes = [f"{path}: {note.replace(' is not judged', ' is not read')}" for note in reading.notes]
    return Points(path, tuple(names), people, notes)


class Individual:
    """A program with everybody's own numbers, as what claims are about.

    Args:
        graph: The program.
        points: The numbers.
        subject: Makes a program at a point of what claims are about.
        fixed: Values that all have.
        blank: Whoever has handed in nothing is there, too.
    Raises:
        BindingError: for an input without a number.
    """

    def __init__(
        self,
        graph: Graph,
        points: Points,
        subject: Callable[[Mapping[str, float]], Subject],
        fixed: Mapping[str, float],
        *,
        blank: bool,
    ) -> None:
        for name in graph.inputs:
            if name in fixed and name in points.names:
                raise BindingError(f"{name} has a value on the command line and a column in {points.shown}")
            if name not in {*fixed, *points.names, *graph.defaults}:
                raise BindingError(
                    f"no value for {name}", hint=f"a column {name} in {points.shown}, or --{name} 2"
                )
        self.graph, self.points, self.subject, self.fixed = graph, points, subject, fixed
        self.blank = blank
        self.meant: list[str] = []
        # of names all know the same, whatever their numbers are
        self.any = subject({**dict.fromkeys(graph.inputs, 1.0), **fixed})
        self.asked, self.fault_of = self.any.asked, self.any.fault_of

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
            own = self.any
            try:
                own = self.subject(self.values(name))
            except BackpropError as error:
                sheet = Sheet(name, [], error)
            (person,) = own.judgement(
                [sheet], asked, credit, alone=False, weighted=weighted, reveal=reveal
            ).people
            self.meant += own.meant
            return person

        people = by_own(
            sheets, self.points.people, self.whose, judged, best=best, blank=self.blank and bool(asked)
        )
        texts = tuple(quantity.text for quantity in asked)
        return Judgement(self.any.title, self.any.output, None, people, weighted, reveal, texts)

    def values(self, name: str) -> dict[str, float]:
        """Return somebody's numbers.

        Raises:
            BackpropError: for one that is missing, or is none.
        """
        found = dict(self.fixed)
        for each, text in self.points.people[name].items():
            if each not in self.points.names or (not text and each in self.graph.defaults):
                continue
            if not text:
                raise DataError(f"{name} has no number for {each}", place=self.points.shown)
            number = read_answer(text, self.graph).value
            if number is None:
                raise DataError(f"{name}: {text} is no number for {each}", place=self.points.shown)
            found[each] = number
        return found

    def whose(self, sheet: Sheet) -> str:
        known = {same_name(name): name for name in self.points.people}
        found = known.get(same_name(sheet.student))
        if found is None:
            close = nearest(sheet.student, list(known.values()))
            hint = f"did you mean {close}?" if close else None
            raise UsageError(f"{sheet.student or 'nobody'} has no numbers in {self.points.shown}", hint=hint)
        return found
