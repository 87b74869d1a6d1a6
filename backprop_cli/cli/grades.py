"""Claims and marks from the options of ``check``: one person's, a table's, a folder's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from ..errors import BackpropError, FileError, UsageError, counted
from .common import names_of
from .output import Output

if TYPE_CHECKING:
    from ..checking.grading import Judgement
    from ..checking.individual import Individual
    from ..checking.people import Subject
    from ..checking.sheets import Layout, Reading
    from ..exercises.marking import Marking

DOCUMENTS = ("gradescope", "junit")
"""Formats in which graders expect a report, even on claims that cannot be read."""

OF_ONE = {"table": ".txt", "json": ".json", "junit": ".xml", "gradescope": ".json", "markdown": ".md"}
"""Formats of a report on one person, with the endings of files; the others have a row a person."""


class Grades(NamedTuple):
    """What the options say of claims and marks."""

    claims: tuple[str, ...]
    sheet: str | None
    student: str | None
    layout: Layout
    reveal: bool
    marks: str | None
    credit: str | None
    output: Output
    for_student: bool = False

    def give(self, subject: Subject | Individual | Marking) -> int:
        """Judge everybody, print it, and return the exit status.

        Args:
            subject: What the claims are about.
        Raises:
            BackpropError: for claims that cannot be read, after the report where the format wants one.
        """
        from dataclasses import replace

        from ..checking.grading import read_credit
        from ..checking.sheets import Reading, Sheet

        alone = self.sheet is None
        asked = subject.asked(_numbers("--marks", self.marks))
        credit = read_credit(_numbers("--credit", self.credit))
        self._check()
        broken: BackpropError | None = None
        try:
            reading = self._reading(subject)
            people = len(reading.sheets)
            if self.output.format == "gradescope" and people > 1 and not self.output.to_folder:
                raise UsageError(
                    f"a submission to Gradescope is one person's; here are {people}",
                    hint="-o results/ writes a file for each; --student NAME picks one",
                )
        except BackpropError as error:
            if alone or self.output.format not in DOCUMENTS or self.output.to_folder:
                raise
            broken = error
            reading = Reading([Sheet(self.student or "", [], error)], [])
        judgement = subject.judgement(
            reading.sheets,
            asked,
            credit,
            alone=alone,
            weighted=self.marks is not None or self.credit is not None,
            reveal=self.reveal,
            best=self.layout.keep == "best",
        )
        judgement = replace(judgement, for_student=self.for_student)
        self._write(judgement)
        if broken is not None:
            raise broken
        for line in reading.notes:
            self.output.note(f"note: {line}")
        for sheet in reading.sheets:
            if sheet.fault is not None:
                self.output.note("warning: {}".format(str(sheet.fault).replace("\n  hint: ", "; ")))
        return judgement.status

    def _write(self, judgement: Judgement) -> None:
        """Write a report on everybody, or a file for each into a folder."""
        from dataclasses import replace

        from ..render.checking import document
        from ..tables.files import stems

        output = self.output
        if not output.to_folder:
            output.show(document(judgement, digits=output.digits))
            return
        assert output.file is not None
        try:
            os.makedirs(output.file, exist_ok=True)
        except OSError as error:
            raise FileError(f"{output.file}: {error.strerror}") from None
        names = stems(person.student for person in judgement.people)
        for person in judgement.people:
            own = document(replace(judgement, people=(person,)), digits=output.digits)
            output.at(os.path.join(output.file, names[person.student] + OF_ONE[output.format])).show(own)
        output.note(f"wrote {counted(len(names), 'file')} to {output.file}")

    def _check(self) -> None:
        """Refuse options that do not go together."""
        if self.output.to_folder and self.output.format not in OF_ONE:
            raise UsageError(
                f"-o {self.output.file}: {self.output.format} has a row a person, in one file",
                hint=f"-o marks.{self.output.format}; a file for each: --format {', '.join(OF_ONE)}",
            )
        if self.sheet is None:
            if self.output.to_folder:
                raise UsageError(f"-o {self.output.file}: a file for each person is for --claims FILE")
            if not self.claims:
                raise UsageError("no claims", hint="--claim dL/db=-6, or --claims FILE")
            for option, given in (("--student", self.student), *self._of_tables()):
                if given:
                    raise UsageError(f"{option} is for --claims FILE")
        elif self.claims:
            raise UsageError("--claim and --claims do not go together")
        elif os.path.isdir(self.sheet):
            if self.output.to_folder and os.path.realpath(self.output.file or "") == os.path.realpath(
                self.sheet
            ):
                raise UsageError(f"-o {self.output.file}: the answers are there", hint="-o feedback/")
            for option, given in self._of_tables():
                if given:
                    says = f"{option} is for a table; in a folder the files have the students' names"
                    raise UsageError(says)

    def _of_tables(self) -> tuple[tuple[str, object], ...]:
        column, columns, keep = self.layout
        return ("--student-column", column), ("--columns", columns), ("--keep", keep)

    def _reading(self, subject: Subject | Individual | Marking) -> Reading:
        """Return everybody's claims, or those of the student asked for."""
        from ..checking.answers import split
        from ..checking.individual import of_student
        from ..checking.people import Subject, read_people
        from ..checking.sheets import Reading, Sheet

        if self.sheet is None:
            if len(self.claims) == 1:
                return Reading([Sheet("", [split(self.claims[0])])], [])
            pairs = [text.partition("=") for text in self.claims]
            return Reading([Sheet("", [(left.strip(), right.strip()) for left, _, right in pairs])], [])
        if self.student is None or isinstance(subject, Subject):
            return read_people(self.sheet, subject.fault_of, self.student, self.layout)
        reading = read_people(self.sheet, subject.fault_of, None, self.layout)
        return of_student(reading, self.student, subject.whose)


def columns_of(text: str | None) -> dict[str, str]:
    """Read ``Response 1=z,Response 2=dL/da``: titles with the quantities that they stand for.

    Raises:
        UsageError: for what is none.
    """
    found: dict[str, str] = {}
    for part in names_of(text or None) or ():
        title, equals, name = part.rpartition("=")
        if not equals or not title.strip() or not name.strip() or title.strip() in found:
            raise UsageError(f"--columns: {part!r} is not TITLE=NAME", hint="Response 1=z,Response 2=dL/da")
        found[title.strip()] = name.strip()
    return found


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
