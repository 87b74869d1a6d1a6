"""Everybody's claims about one program or training step, read from sheets, judged and marked."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from ..differentiation.symbolic.session import SESSION
from ..engine.work import through
from ..errors import BackpropError, DataError, FileError, UsageError, nearest
from ..graph import CONSTANT, Graph
from ..language.fold import postfix
from ..language.format import written_text
from ..language.operators import CONSTANTS
from ..language.parser import NAME_ITEM
from ..tables.files import bytes_of
from .answers import Answer, Target, read_target, shortened
from .claims import Judge, read_claim
from .derivatives import formula_text
from .grading import Judged, Judgement, Named, best_of, entries, graded, repeated
from .judging import Claim
from .proof import Prover
from .sheets import MOST_PEOPLE, SIZE_LIMIT, Layout, Reading, Sheet, read_sheets
from .verdicts import Verdict

if TYPE_CHECKING:
    from ..language.settle import Settled

Pairs = list[tuple[str, str]]
"""Quantities and answers as written."""


class Subject(NamedTuple):
    """What claims are about.

    Attributes:
        title: What it is called.
        output: What a program's output is called; "" for a training step.
        inputs: Its point; None for formulas in general, and for a training step.
        judged: Judges one person's claims; raises at an unreadable one where it is told to.
        named: Reads the name of a quantity.
        meant: What names that the program does not have were taken for, a sentence each; grows with judging.
        has_arrays: Values are arrays.
    """

    title: str
    output: str
    inputs: Mapping[str, Any] | None
    judged: Callable[[Pairs, bool], list[Verdict]]
    named: Callable[[str], Named]
    meant: list[str]
    has_arrays: bool = False

    def asked(self, marks: Mapping[str, float]) -> dict[Named, float]:
        """Return what everybody is asked for, with its marks.

        Raises:
            UsageError: for a name that is none, or is there twice.
        """
        found: dict[Named, float] = {}
        for word, value in marks.items():
            try:
                quantity = self.named(word)
            except BackpropError as error:
                raise UsageError(f"--marks: {error.message}", hint=error.hint) from None
            if any(quantity.key == other.key for other in found):
                raise UsageError(f"--marks: {quantity.text} is there twice")
            found[quantity] = value
        return found

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
        """Judge everybody.

        Args:
            sheets: One a person.
            asked: Marks of what is asked of everybody; empty for 1 each of what is claimed.
            credit: Share of the marks by verdict, see `grading.CREDITS`.
            alone: There is one person, who hears of all answers, not of the first to each quantity alone, and
                to whom a single claim that cannot be read is an error.
            weighted: Marks or credit were given.
            reveal: Right numbers and formulas are shown.
            best: Of somebody's sheets the one with the most marks counts.
        Raises:
            BackpropError: for a single claim that cannot be read, where ``alone``.
        """
        marks = {quantity.key: value for quantity, value in asked.items()} if asked else None

        def known(word: str) -> Named | None:
            with suppress(BackpropError):
                return self.named(word)
            return None

        def one(sheet: Sheet) -> Judged:
            found = entries(sheet.claims, known, list(asked))
            wanted = [(each.name, each.answer) for each in found if each.first or alone]
            verdicts = iter(self.judged(wanted, alone and len(wanted) == 1))
            pairs = [(each, next(verdicts) if each.first or alone else repeated(each)) for each in found]
            return graded(sheet.student, pairs, marks, credit)._replace(fault=sheet.fault)

        people = [one(sheet) for sheet in through(sheets, "judging sheet")]
        if best:
            people = best_of(people, [sheet.again or sheet.student for sheet in sheets])
        return Judgement(
            self.title,
            self.output,
            self.inputs,
            tuple(people),
            weighted,
            reveal,
            tuple(quantity.text for quantity in asked),
            self.has_arrays,
        )

    def fault_of(self, word: str) -> BackpropError | None:
        """Return why a word names no quantity; None where it does."""
        try:
            self.named(word)
        except BackpropError as error:
            return error
        return None


def of_program(
    graph: Graph,
    values: Mapping[str, float],
    *,
    least_digits: int,
    reveal: bool = False,
    large: bool = False,
    strict: bool = False,
    proved: bool = True,
) -> Subject:
    """Return a program as what claims are about.

    Args:
        graph: The program.
        values: Its point; empty for a judgement of formulas in general.
        least_digits: Significant digits that a rounded number needs to be right.
        reveal: Put the right formulas into verdicts, as SymPy has them.
        large: The program was read with the limits on size lifted.
        strict: At a kink there is no derivative, whatever the convention.
        proved: Of right formulas SymPy is asked for a proof, which says so, but changes no verdict.
    Raises:
        BindingError: where some inputs have a value and others none.
    """
    prove = Prover(graph, SESSION) if proved else None
    judge = Judge(graph, values, least_digits=least_digits, strict=strict, prove=prove)
    meant: list[str] = []

    def judged(pairs: Pairs, strict: bool) -> list[Verdict]:
        read: list[Claim[Target, Answer]] = []
        for name, answer in pairs:
            read.append(read_claim(name, answer, graph, read))
        _raise_first([claim.error for claim in read] if strict else [])
        verdicts = judge.judge(read)
        meant.extend(_taken_for_the_output(read, verdicts, graph))
        return _with_formulas(verdicts, read, graph, large) if reveal else verdicts

    def named(word: str) -> Named:
        target = read_target(word, graph)
        here = inputs is not None and target.at in inputs.values()  # f'(3) where x is 3
        return Named(target.text, (target.of, *sorted(target.by), None if here else target.at))

    inputs = judge.ground.inputs if judge.ground is not None else None
    return Subject(graph.source.text, graph.own_name(graph.output), inputs, judged, named, meant)


def of_arrays(
    program: Settled, given: Mapping[str, Any] | None, *, least_digits: int, reveal: bool = False
) -> Subject:
    """Return a program with arrays as what claims are about.

    Args:
        program: The program.
        given: Its point; None for a judgement of formulas in general.
        least_digits: Significant digits that a rounded number needs to be right.
        reveal: Put the right formulas into verdicts.
    Raises:
        BindingError: for values that do not fit.
    """
    from .array_answers import read_array_target
    from .array_claims import ArrayJudge, read_array_claim, right_formulas

    judge = ArrayJudge(program, given, least_digits=least_digits)
    graph = program.graph

    def judged(pairs: Pairs, strict: bool) -> list[Verdict]:
        read = [read_array_claim(name, answer, program) for name, answer in pairs]
        _raise_first([claim.error for claim in read] if strict else [])
        verdicts = judge.judge(read)
        if not reveal:
            return verdicts
        formulas = right_formulas(program, judge.point)
        return [
            verdict._replace(formula=formulas.get(claim.target.quantity) if claim.target else None)
            for verdict, claim in zip(verdicts, read, strict=True)
        ]

    def named(word: str) -> Named:
        target = read_array_target(word, graph)
        return Named(target.text, (target.of, *sorted(target.by), target.place))

    inputs = {n: x.tolist() for n, x in judge.point.items()} if judge.point is not None else None
    return Subject(
        graph.source.text, graph.own_name(graph.output), inputs, judged, named, [], has_arrays=True
    )


def of_step(
    config: str | Mapping[str, Any], overrides: Sequence[str], *, at_step: int, least_digits: int
) -> Subject:
    """Return a training step as what claims are about.

    Args:
        config: Path of the config, or its keys.
        overrides: Of its keys.
        at_step: Which update, from 1.
        least_digits: Significant digits that a rounded number needs to be right.
    Raises:
        BackpropError: for a config that does not fit, and for networks too large to be written out.
    """
    from ..training.problem import assembled
    from .steps import StepJudge

    with assembled(config, overrides) as problem:
        judge = StepJudge(problem, at_step=at_step, least_digits=least_digits)

    def judged(pairs: Pairs, strict: bool) -> list[Verdict]:
        read = [judge.read(name, answer) for name, answer in pairs]
        _raise_first([claim.error for claim in read] if strict else [])
        return judge.judge(read)

    def named(word: str) -> Named:
        quantity = judge.quantity(word)
        return Named(quantity.text, (quantity.kind, quantity.id))

    step = judge.made.step
    return Subject(f"{step.name}: update {step.step} (epoch {step.epoch})", "", None, judged, named, [])


MOST_FOLDERS = 20
"""Folders between the answers that are named."""


def read_people(
    path: str, fault_of: Callable[[str], BackpropError | None], student: str | None, layout: Layout
) -> Reading:
    """Return everybody's claims, or those of one.

    Args:
        path: A file, ``-`` for stdin, or a folder with a file a student.
        fault_of: Why a word names no quantity; None where it does.
        student: Whose claims; None for all.
        layout: How a table is to be read.
    Raises:
        DataError, FileError: for what cannot be read.
        UsageError: for a student who is not there, and for a title that stands for no quantity.
    """
    for name in layout.columns.values():
        if fault := fault_of(name):
            raise UsageError(f"--columns: {fault.message}", hint=fault.hint)
    if os.path.isdir(path):
        reading = _folder(path, fault_of)
    else:
        shown = "<stdin>" if path == "-" else path
        reading = read_sheets(bytes_of(path, SIZE_LIMIT), shown, fault_of, layout)
    if student is None:
        return reading
    found = [s for s in reading.sheets if s.student == student]
    if not found:
        close = nearest(student, [s.student for s in reading.sheets])
        hint = f"did you mean {close}?" if close else None
        raise UsageError(f"{path} has no student {student}", hint=hint)
    return Reading(found, reading.notes)


def _folder(path: str, fault_of: Callable[[str], BackpropError | None]) -> Reading:
    """Read a folder with a file a student; one that cannot be read does not stop the others.

    What is handed in may be hostile: a link could lead to the solution, or to what nobody but the grader may
    read. It is somebody's answer that cannot be read, as a named pipe or a device is.
    """
    try:
        with os.scandir(path) as entries:
            shown = sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from None
    folders = [e.name for e in shown if e.is_dir(follow_symlinks=False)]
    files = [e.name for e in shown if not e.is_dir(follow_symlinks=False)]
    if not files:
        raise DataError(f"{path} has no files of claims")
    if len(files) > MOST_PEOPLE:
        raise DataError(f"{path}: at most {MOST_PEOPLE:,} files are read")
    stems = [os.path.splitext(name)[0] for name in files]
    counts = Counter(stems)
    sheets: list[Sheet] = []
    notes = [f"{os.path.join(path, name)} is a folder: it is not read" for name in folders[:MOST_FOLDERS]]
    for name, stem in zip(files, stems, strict=True):
        student = stem if counts[stem] == 1 else name
        file = os.path.join(path, name)
        try:
            reading = read_sheets(bytes_of(file, SIZE_LIMIT, links=False), file, fault_of)
            if len(reading.sheets) > 1:
                raise DataError(f"these are the answers of {len(reading.sheets)} people", place=file)
        except BackpropError as error:
            sheets.append(Sheet(student, [], error))
        else:
            sheets.append(Sheet(student, reading.sheets[0].claims))
            notes += [f"{file}: {note}" for note in reading.notes]
    return Reading(sheets, notes)


def _raise_first(errors: Sequence[BackpropError | None]) -> None:
    for error in errors:
        if error is not None:
            raise error


def _taken_for_the_output(
    claims: list[Claim[Target, Answer]], verdicts: list[Verdict], graph: Graph
) -> list[str]:
    """Say of names that the program does not have what they were taken for, where the answer is not right."""
    if graph.nodes[graph.output].name is not None:
        return []
    text = formula_text(graph, graph.output)
    shown = shortened(text, 60)
    return [
        f"{claim.target.text} is taken for the value of {shown}"
        for claim, verdict in zip(claims, verdicts, strict=True)
        if claim.target is not None and not claim.target.by and claim.target.of == graph.output
        if claim.target.text != graph.own_name(graph.output) and not verdict.good
    ]


def _claimable(formula: str, graph: Graph) -> bool:
    """Whether a formula is written in names that claims may have."""
    names = {item.text for item in postfix(formula) if item.arity == NAME_ITEM}
    return names <= {*graph.named, *CONSTANTS}


def _with_formulas(
    verdicts: list[Verdict], claims: list[Claim[Target, Answer]], graph: Graph, large: bool
) -> list[Verdict]:
    """Put the right formulas in, as SymPy has them."""
    first = [c.target for c in claims if c.target and len(c.target.by) == 1 and c.target.of == graph.output]
    formulas: dict[int, str] = {}
    if first:
        wanted = [n.id for n in graph.nodes if n.kind != CONSTANT]
        with SESSION.lend() as process:
            for inline in (False, True):  # long formulas have names of steps in them, and dL/dv4
                process.request(graph, None, wanted, [True] * len(graph), inline=inline, large=large)
                formulas = {
                    id: text for id, text in process.answer().formulas.items() if _claimable(text, graph)
                } | formulas
                if all(target.by[0] in formulas for target in first):
                    break
    found = []
    for verdict, claim in zip(verdicts, claims, strict=True):
        text = None
        if claim.target is not None and not claim.target.by:
            text = written_text(graph, claim.target.of)
        elif claim.target in first:
            text = formulas.get(claim.target.by[0])
        found.append(verdict._replace(formula=text))
    return found
