"""Exercises for people: what is given, what is asked for, and on request how it is worked out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import counted
from ..exercises.handouts import Handout, Solutions
from ..exercises.posed import OfProgram, Posed
from ..exercises.tasks import Exercise, Part
from ..explanation.report import explain
from ..language.format import format_items
from ..language.numbers import brief
from ..language.parser import parse
from .document import Document, Facts
from .explain_lines import page as explained
from .forms import Formula, Named, Slope, Words
from .page import Block, Column, Equation, Equations, Grid, Heading, Kind, Row, Section, Text

SCHEMA = 1

BLANK = "______"
LETTERS = "ABCDEFGHIJ"
DIGITS = 6


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
    for k, exercise in enumerate(handout.exercises, 1):
        marks = f" ({_marks(exercise.marks)})" if exercise.marks != 1.0 else ""
        yield Section(f"Task {k}{marks}, {exercise.code}", _point(exercise.posed))
        yield _given(exercise.posed)
        yield Equations([_asked(exercise, part) for part in exercise.parts], DIGITS)
    if solutions != "none":
        yield Heading("Answers")
        yield _answers(handout)
    if solutions == "explain":
        for k, exercise in enumerate(handout.exercises, 1):
            yield Section(f"Task {k}, worked out")
            yield from _worked(exercise.posed)


def _point(posed: Posed) -> str:
    assert isinstance(posed, OfProgram)
    return f"at {', '.join(f'{name} = {x}' for name, x in posed.point.items())}"


def _given(posed: Posed) -> Block:
    assert isinstance(posed, OfProgram)
    output = posed.graph.own_name(posed.graph.output)
    program = parse(posed.program)
    lines = [(Named(s.name or output), Formula(format_items(s.items))) for s in program.statements]
    return Equations([Row(equations=(Equation(forms),)) for forms in lines], DIGITS)


def _asked(exercise: Exercise, part: Part) -> Row:
    words = []
    if part.options:
        words = [f"{LETTERS[k]}: {option.text}" for k, option in enumerate(part.options)]
    elif not part.answer.exact:
        words = [f"to {counted(part.answer.digits, 'significant digit')}"]
    if len({each.marks for each in exercise.parts}) > 1:
        words.append(_marks(part.marks))
    equation = Equation((_quantity(exercise.posed, part.name), Words(BLANK)))
    return Row(equations=(equation,), remark=", ".join(words))


def _marks(marks: float) -> str:
    return f"{brief(marks)} mark{'s' if marks != 1.0 else ''}"


def _quantity(posed: Posed, name: str) -> Slope | Named:
    assert isinstance(posed, OfProgram)
    target, own = posed.target(name), posed.graph.own_name
    return Slope(own(target.of), own(target.by[0])) if target.by else Named(name)


def _answers(handout: Handout) -> Grid:
    rows = [
        (str(k), str(exercise.code), part.name, Text(part.answer.text, "good"))
        for k, exercise in enumerate(handout.exercises, 1)
        for part in exercise.parts
    ]
    kinds: dict[str, Kind] = {"task": "number", "code": "word", "of": "word", "answer": "number"}
    return Grid([Column(title, kind) for title, kind in kinds.items()], rows)


def _worked(posed: Posed) -> Iterator[Block]:
    """Yield how the answers come about."""
    assert isinstance(posed, OfProgram)
    wrt = [posed.graph.own_name(i) for name in posed.ask for i in posed.target(name).by]
    told = explain(posed.graph, posed.inputs, wrt=list(dict.fromkeys(wrt)), detail="short")
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
