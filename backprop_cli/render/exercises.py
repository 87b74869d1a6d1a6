"""Exercises for people: what is given, what is asked for, and on request how it is worked out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ..errors import counted
from ..exercises.classes import most_shared, summaries
from ..exercises.handouts import Handout, Solutions
from ..exercises.key import Key, labels, stems, written
from ..exercises.posed import OfProgram, Posed
from ..exercises.steps import OfStep
from ..exercises.tasks import LETTERS, Exercise, Part
from ..explanation.report import explain
from ..language.format import format_items
from ..language.numbers import brief
from ..language.parser import parse
from .document import Document, Facts, Records, unformulated
from .explain_lines import page as explained
from .forms import Form, Formula, Named, Slope, Words
from .page import Block, Column, Equation, Equations, Grid, Heading, Kind, Lines, Row, Section, Text
from .writers import html, latex, write

SCHEMA = 1

BLANK = "______"
DIGITS = 6

ENDINGS = {"markdown": ".md", "latex": ".tex", "html": ".html", "json": ".json"}
TOGETHER = ("latex", "html")
"""What everybody's pages are written in besides, to be printed."""


def document(handout: Handout, solutions: Solutions = "none") -> Document:
    """Return exercises to be written.

    Args:
        handout: One person's.
        solutions: Whether answers are told below the tasks, ``short``, or how they are worked out, too.
    """
    return Document(
        page=lambda: page(handout, solutions), facts=lambda: Facts(facts(handout, solutions), "indented")
    )


def page(handout: Handout, solutions: Solutions) -> Iterator[Block]:
    """Yield the blocks of a handout."""
    yield Heading(handout.title, (handout.student,) if handout.student else ())
    asked = {id(part): label for label, _, part in labels(handout.exercises)}
    for k, exercise in enumerate(handout.exercises, 1):
        marks = f" ({_marks(exercise.marks)})" if exercise.marks != 1.0 else ""
        yield Section(f"Task {k}{marks}, {exercise.code}", _where(exercise.posed))
        yield _given(exercise.posed)
        yield Equations([_asked(exercise, part, asked[id(part)]) for part in exercise.parts], DIGITS)
    if solutions != "none":
        yield Heading("Answers")
        yield _answers(handout)
    if solutions == "explain":
        for k, exercise in enumerate(handout.exercises, 1):
            yield Section(f"Task {k}, worked out")
            yield from _worked(exercise.posed)


def _where(posed: Posed) -> str:
    """Say at what point, or in what step of what network."""
    if isinstance(posed, OfProgram):
        return f"at {', '.join(f'{name} = {x}' for name, x in posed.point.items())}"
    assert isinstance(posed, OfStep)
    step = posed.judge.made.step
    says = f"one step of {step.optimizer} with rate {brief(step.learning_rate)} on the loss {step.loss}"
    return says + (f"; every result rounded to {posed.decimals} decimals" if posed.decimals else "")


def _given(posed: Posed) -> Block:
    lines: list[tuple[Form, Form]] = []
    if isinstance(posed, OfProgram):
        output = posed.graph.own_name(posed.graph.output)
        program = parse(posed.program)
        lines = [(Named(s.name or output), Formula(format_items(s.items))) for s in program.statements]
    elif isinstance(posed, OfStep):
        lines = [(Words(name), Words(text)) for name, text in posed.given()]
    return Equations([Row(equations=(Equation(forms),)) for forms in lines], DIGITS)


def _asked(exercise: Exercise, part: Part, label: str) -> Row:
    words = []
    if part.options:
        words = [f"{LETTERS[k]}: {option.text}" for k, option in enumerate(part.options)]
    elif not part.answer.exact:
        words = [f"to {counted(part.answer.digits, 'significant digit')}"]
    if len({each.marks for each in exercise.parts}) > 1:
        words.append(_marks(part.marks))
    equation = Equation((_quantity(exercise.posed, part.name), Words(BLANK)))
    return Row(Words(label), (equation,), ", ".join(words))


def _marks(marks: float) -> str:
    return f"{brief(marks)} mark{'s' if marks != 1.0 else ''}"


def _quantity(posed: Posed, name: str) -> Form:
    if not isinstance(posed, OfProgram):
        return Words(name)
    target, own = posed.target(name), posed.graph.own_name
    if len(target.by) == 1:
        return Slope(own(target.of), own(target.by[0]))
    return Words(target.text) if target.by else Named(target.text)


def _answers(handout: Handout) -> Grid:
    rows = [
        (label, str(exercise.code), part.name, Text(part.answer.text, "good"))
        for label, exercise, part in labels(handout.exercises)
    ]
    kinds: dict[str, Kind] = {"task": "word", "code": "word", "of": "word", "answer": "number"}
    return Grid([Column(title, kind) for title, kind in kinds.items()], rows)


def _worked(posed: Posed) -> Iterator[Block]:
    """Yield how the answers come about."""
    if isinstance(posed, OfStep):
        from ..training.trace import write_out
        from .trace import document as traced

        with posed.problem() as problem:
            yield from traced(write_out(problem, decimals=posed.decimals), digits=DIGITS).page()
        return
    assert isinstance(posed, OfProgram)
    wrt = [posed.graph.own_name(i) for name in posed.ask for i in posed.target(name).by]
    told = explain(posed.graph, posed.inputs, wrt=list(dict.fromkeys(wrt)) or None, detail="short")
    yield from explained(told, DIGITS)


def facts(handout: Handout, solutions: Solutions) -> dict[str, Any]:
    """Return what programs read; answers where they are asked for."""
    return {
        "schema": SCHEMA,
        "title": handout.title,
        "student": handout.student or None,
        "tasks": [_task(exercise, solutions) for exercise in handout.exercises],
    }


def _task(exercise: Exercise, solutions: Solutions) -> dict[str, Any]:
    told = solutions != "none"
    return {
        "code": str(exercise.code),
        **{key: value for key, value in exercise.posed.facts.items() if key != "ask"},
        "asked": [
            {
                "name": part.name,
                "marks": part.marks,
                **({"options": [option.text for option in part.options]} if part.options else {}),
                **({"answer": part.answer.text, "exact": part.answer.exact} if told else {}),
            }
            for part in exercise.parts
        ],
    }


def key_document(key: Key) -> Document:
    """Return everybody's answers: a row a number that is asked for."""
    titles = ("student", "task", "code", "attempt", "of", "answer", "marks")

    def rows() -> Iterator[tuple[Any, ...]]:
        for name, slots in key.people.items():
            attempts = {str(slot.exercise.code): slot.attempt for slot in slots}
            for label, exercise, part in labels([slot.exercise for slot in slots]):
                code = str(exercise.code)
                yield name, label, code, attempts[code], part.name, part.answer.text, part.marks

    def grid() -> Grid:
        kinds: Sequence[Kind] = ("text", "word", "word", "number", "word", "number", "number")
        cells = [[brief(x) if isinstance(x, float) else str(x) for x in row] for row in rows()]
        return Grid([Column(title, kind) for title, kind in zip(titles, kinds, strict=True)], cells)

    return Document(
        page=lambda: [Heading(f"{key.title}, seed {key.seed}: answers"), grid()],
        facts=lambda: Facts({}),
        records=lambda: Records(titles, ([unformulated(str(x)) for x in row] for row in rows())),
    )


def report(key: Key) -> Document:
    """Return what the tasks are like over the class."""

    def ends(pair: tuple[int, int]) -> str:
        return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]} to {pair[1]}"

    def blocks() -> Iterator[Block]:
        yield Heading(f"{key.title}, seed {key.seed}, for {counted(len(key.people), 'student')}")
        titles = ("task", "level", "effort", "ratio", "different answers", "exact")
        cells = [
            (
                str(k),
                ends(each.levels),
                ends(each.efforts),
                brief(each.efforts[1] / each.efforts[0], 3),
                f"{each.different}/{each.of}",
                f"{each.exact}/{each.of}",
            )
            for k, each in enumerate(summaries(key), 1)
        ]
        kinds: Sequence[Kind] = ("number", "word", "word", "number", "share", "share")
        yield Grid([Column(title, kind) for title, kind in zip(titles, kinds, strict=True)], cells)
        shared = most_shared(key)
        says = (
            f"two people share {counted(shared, 'answer')} at most" if shared else "nobody shares an answer"
        )
        yield Lines([says, *key.notes])

    return Document(page=blocks, facts=lambda: Facts({}))


def stress(counts: Mapping[str, Mapping[str, int]]) -> Document:
    """Return how many draws make exercises, and why the others do not.

    Args:
        counts: By task, and by reason; "" for those that do.
    """
    kinds: dict[str, Kind] = {"task": "text", "draws": "number", "good": "number", "why not": "prose"}
    rows = [
        (
            title,
            str(sum(found.values())),
            str(found.get("", 0)),
            ", ".join(f"{n} {why}" for why, n in sorted(found.items(), key=lambda each: -each[1]) if why)
            or "-",
        )
        for title, found in counts.items()
    ]
    columns = [Column(title, kind) for title, kind in kinds.items()]
    return Document(
        page=lambda: [Grid(columns, rows)],
        facts=lambda: Facts({"schema": SCHEMA, "tasks": counts}, "indented"),
    )


def files(key: Key, formats: Collection[str], solutions: Solutions) -> Iterator[tuple[str, str]]:
    """Yield the files of a class, name and text: everybody's, all together, and those for the teacher.

    Args:
        key: Everybody's draws.
        formats: Of handouts, see `ENDINGS`.
        solutions: Whether there are worked solutions besides, in files of their own.
    """
    handouts = {
        stem: Handout(key.title, name, [slot.exercise for slot in key.people[name]])
        for name, stem in stems(key.people).items()
    }
    kept: Sequence[tuple[str, Solutions]] = [("student", "none")]
    if solutions != "none":
        kept = [*kept, ("solutions", solutions)]
    for folder, told in kept:
        for format_ in formats:
            if format_ not in ENDINGS:
                continue
            for stem, handout in handouts.items():
                yield f"{folder}/{stem}{ENDINGS[format_]}", handed([handout], format_, told)
            if format_ in TOGETHER:
                yield f"{folder}{ENDINGS[format_]}", handed(list(handouts.values()), format_, told)
    yield "key.csv", write(key_document(key), "csv", to_file=True)
    yield "key.md", write(key_document(key), "markdown", to_file=True)
    yield "report.txt", write(report(key), "table", to_file=True)
    yield "key.json", written(key)


def handed(handouts: Sequence[Handout], format_: str, solutions: Solutions) -> str:
    """Return handouts as a file that stands by itself, a page each."""
    if format_ == "html":
        return html.document(handouts[0].title, (page(each, solutions) for each in handouts))
    if format_ == "latex":
        return latex.document(page(each, solutions) for each in handouts)
    return write(document(handouts[0], solutions), format_, to_file=True)
