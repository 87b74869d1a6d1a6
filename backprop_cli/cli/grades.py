"""Claims and marks from the options of ``check``: one person's, a table's, a folder's."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from ..errors import BackpropError, UsageError
from .common import names_of
from .output import Output

if TYPE_CHECKING:
    from ..checking.grading import Judged, Named
    from ..checking.sheets import Reading, Sheet
    from ..checking.verdicts import Verdict

DOCUMENTS = ("gradescope", "junit")
"""Formats in which graders expect a report, even on claims that cannot be read."""


class Grades(NamedTuple):
    """What the options say of claims and marks."""

    claims: tuple[str, ...]
    sheet: str | None
    student: str | None
    column: str | None
    reveal: bool
    least_digits: int
    marks: str | None
    credit: str | None
    output: Output

    def give(
        self,
        program: str,
        inputs: Mapping[str, float] | None,
        judged: Callable[[list[tuple[str, str]], bool], list[Verdict]],
        named: Callable[[str], Named],
    ) -> int:
        """Judge everybody, print it, and return the exit status.

        Args:
            program: What the claims are about.
            inputs: Its point.
            judged: Judges one person's claims; raises at the first unreadable one where it is told to.
            named: Reads the name of a quantity.
        Raises:
            BackpropError: for claims that cannot be read, after the report where the format wants one.
        """
        from ..checking.grading import Judgement, entries, graded, read_credit, repeated
        from ..checking.sheets import Reading, Sheet
        from ..render.checking import document

        def known(word: str) -> Named | None:
            with suppress(BackpropError):
                return named(word)
            return None

        def fault_of(word: str) -> BackpropError | None:
            try:
                named(word)
            except BackpropError as error:
                return error
            return None

        alone = self.sheet is None
        asked = self._asked(named)
        marks = {quantity.key: value for quantity, value in asked.items()} if self.marks else None
        shares = read_credit(_numbers("--credit", self.credit))

        def one(sheet: Sheet) -> Judged:
            found = entries(sheet.claims, known, list(asked))
            wanted = [(each.name, each.answer) for each in found if each.first or alone]
            verdicts = iter(judged(wanted, alone))
            pairs = [(each, next(verdicts) if each.first or alone else repeated(each)) for each in found]
            return graded(sheet.student, pairs, marks, shares)._replace(fault=sheet.fault)

        self._check()
        broken: BackpropError | None = None
        try:
            reading = self._reading(fault_of)
            people = len(reading.sheets)
            if self.output.format == "gradescope" and people > 1:
                raise UsageError(
                    f"a submission to Gradescope is one person's; here are {people}",
                    hint="--student NAME picks one",
                )
        except BackpropError as error:
            if alone or self.output.format not in DOCUMENTS:
                raise
            broken = error
            reading = Reading([Sheet(self.student or "", [], error)], [])
        judgement = Judgement(
            program,
            inputs,
            tuple(one(sheet) for sheet in reading.sheets),
            self.marks is not None or self.credit is not None,
            self.reveal,
            tuple(quantity.text for quantity in asked),
        )
        self.output.show(document(judgement, digits=self.output.digits))
        if broken is not None:
            raise broken
        for line in reading.notes:
            self.output.note(f"note: {line}")
        for sheet in reading.sheets:
            if sheet.fault is not None:
                self.output.note("warning: {}".format(str(sheet.fault).replace("\n  hint: ", "; ")))
        return judgement.status

    def _asked(self, named: Callable[[str], Named]) -> dict[Named, float]:
        found: dict[Named, float] = {}
        for word, value in _numbers("--marks", self.marks).items():
            try:
                quantity = named(word)
            except BackpropError as error:
                raise UsageError(f"--marks: {error.message}", hint=error.hint) from None
            if any(quantity.key == other.key for other in found):
                raise UsageError(f"--marks: {quantity.text} is there twice")
            found[quantity] = value
        return found

    def _check(self) -> None:
        """Refuse options that do not go together."""
        if self.sheet is None:
            if not self.claims:
                raise UsageError("no claims", hint="--claim dL/db=-6, or --claims FILE")
            for option, given in (("--student", self.student), ("--student-column", self.column)):
                if given is not None:
                    raise UsageError(f"{option} picks from --claims FILE")
        elif self.claims:
            raise UsageError("--claim and --claims do not go together")
        elif os.path.isdir(self.sheet) and self.column is not None:
            raise UsageError(
                "--student-column is for a table; in a folder the files have the students' names"
            )

    def _reading(self, fault_of: Callable[[str], BackpropError | None]) -> Reading:
        """Return everybody's claims, or those of the student asked for."""
        from ..checking.answers import split
        from ..checking.sheets import SIZE_LIMIT, Reading, Sheet, read_sheets
        from ..errors import nearest
        from ..tables.files import bytes_of

        path = self.sheet
        if path is None:
            return Reading([Sheet("", [split(text) for text in self.claims])], [])
        if os.path.isdir(path):
            reading = _folder(path, fault_of)
        else:
            reading = read_sheets(
                bytes_of(path, SIZE_LIMIT), "<stdin>" if path == "-" else path, fault_of, self.column
            )
        if self.student is None:
            return reading
        found = [s for s in reading.sheets if s.student == self.student]
        if not found:
            close = nearest(self.student, [s.student for s in reading.sheets])
            hint = f"did you mean {close}?" if close else None
            raise UsageError(f"{path} has no student {self.student}", hint=hint)
        return Reading(found, reading.notes)


def _folder(path: str, fault_of: Callable[[str], BackpropError | None]) -> Reading:
    """Read a folder with a file a student; one that cannot be read does not stop the others."""
    from collections import Counter

    from ..checking.sheets import MOST_PEOPLE, SIZE_LIMIT, Reading, Sheet, read_sheets
    from ..errors import DataError, FileError
    from ..tables.files import bytes_of

    def is_answer(name: str) -> bool:
        file = os.path.join(path, name)
        # a link to nowhere is somebody's, too
        return not name.startswith(".") and (os.path.isfile(file) or not os.path.exists(file))

    try:
        files = sorted(filter(is_answer, os.listdir(path)))
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from None
    if not files:
        raise DataError(f"{path} has no files of claims")
    if len(files) > MOST_PEOPLE:
        raise DataError(f"{path}: at most {MOST_PEOPLE:,} files are read")
    stems = [os.path.splitext(name)[0] for name in files]
    counts = Counter(stems)
    sheets, notes = [], []
    for name, stem in zip(files, stems, strict=True):
        student = stem if counts[stem] == 1 else name
        file = os.path.join(path, name)
        try:
            reading = read_sheets(bytes_of(file, SIZE_LIMIT), file, fault_of)
            if len(reading.sheets) > 1:
                raise DataError(f"these are the answers of {len(reading.sheets)} people", place=file)
        except BackpropError as error:
            sheets.append(Sheet(student, [], error))
        else:
            sheets.append(Sheet(student, reading.sheets[0].claims))
            notes += [f"{file}: {note}" for note in reading.notes]
    return Reading(sheets, notes)


def _numbers(option: str, text: str | None) -> dict[str, float]:
    """Read ``a=2,b=1``."""
    from math import isfinite

    found: dict[str, float] = {}
    for part in names_of(text or None) or ():
        name, equals, number = part.partition("=")
        try:
            value = float(number) if equals else float("nan")
        except ValueError:
            value = float("nan")
        if not isfinite(value) or value < 0.0 or not name.strip():
            raise UsageError(f"{option}: {part!r} is not NAME=NUMBER")
        if name.strip() in found:
            raise UsageError(f"{option}: {name.strip()} is there twice")
        found[name.strip()] = value
    return found
