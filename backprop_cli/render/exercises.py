"""Exercises for people: what is given, what is asked for, and on request how it is worked out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import counted
from ..exercises.handouts import Handout, Solutions
from ..exercises.key import labels
from ..exercises.posed import OfFormula, OfProgram, Posed
from ..exercises.steps import OfStep
from ..exercises.tasks import LETTERS, Exercise, Part
from ..explanation.report import explain
from ..language.format import format_items
from ..language.numbers import brief
from ..language.parser import parse
from .document import Document, Facts
from .explain_lines import page as explained
from .forms import Form, Formula, Named, Slope, Words
from .page import Block, Column, Equation, Equations, Grid, Heading, Kind, Row, Section, Text

SCHEMA = 1

BLANK = "______"
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
    asked = {id(part): label for label, _, part in labels(handout.exercises)}
    for k, exercise in enumerate(handout.exercises, 1):
        marks = f" ({_marks(exercise.marks)})" if exercise.marks != 1.0 else ""
        yield Section(f"Task {k}{marks}, {exercise.code}", where(exercise.posed))
        yield _given(exercise.posed)
        yield Equations([_asked(exercise, part, asked[id(part)]) for part in exercise.parts], DIGITS)
    if solutions != "none":
        yield Heading("Answers")
        yield _answers(handout)
    if solutions == "explain":
        for k, exercise in enumerate(handout.exercises, 1):
            yield Section(f"Task {k}, worked out")
            yield from _worked(exercise.posed)


def where(posed: Posed) -> str:
    """Say at what point, or in what step of what network; "" where a formula is asked for."""
    if isinstance(posed, OfFormula):
        return ""
    if isinstance(posed, OfProgram):
        return f"at {', '.join(f'{name} = {x}' for name, x in posed.point.items())}"
    assert isinstance(posed, OfStep)
    step = posed.judge.made.step
    says = f"one step of {step.optimizer} with rate {brief(step.learning_rate)} on the loss {step.loss}"
    return says + (f"; every result rounded to {posed.decimals} decimals" if posed.decimals else "")


def _given(posed: Posed) -> Block:
    return Equations([Row(equations=(Equation(forms),)) for forms in given_forms(posed)], DIGITS)


def given_forms(posed: Posed) -> list[tuple[Form, Form]]:
    """Return names and what they are: the lines of a program, or the numbers of a network."""
    if isinstance(posed, OfProgram):
        output = posed.graph.own_name(posed.graph.output)
        program = parse(posed.program)
        return [(Named(s.name or output), Formula(format_items(s.items))) for s in program.statements]
    assert isinstance(posed, OfStep)
    return [(Words(name), Words(text)) for name, text in posed.given()]


def _asked(exercise: Exercise, part: Part, label: str) -> Row:
    words = [f"{LETTERS[k]}: {option.text}" for k, option in enumerate(part.options)]
    words += ["a formula"] if isinstance(exercise.posed, OfFormula) else []
    words += filter(None, [rounding(part)])
    if len({each.marks for each in exercise.parts}) > 1:
        words.append(_marks(part.marks))
    equation = Equation((asked_form(exercise.posed, part.name), Words(BLANK)))
    return Row(Words(label), (equation,), ", ".join(words))


def rounding(part: Part) -> str:
    """Say to how many digits a number is asked for; "" where it is exact, or there is a choice."""
    if part.options or part.answer.exact:
        return ""
    return f"to {counted(part.answer.digits, 'significant digit')}"


def _marks(marks: float) -> str:
    return f"{brief(marks)} mark{'s' if marks != 1.0 else ''}"


def asked_form(posed: Posed, name: str) -> Form:
    """Return what is asked for as mathematics."""
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
    point = {} if isinstance(posed, OfFormula) else posed.inputs
    told = explain(posed.graph, point, wrt=list(dict.fromkeys(wrt)) or None, detail="short")
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
        **{key: value for key, value in exercise.posed.facts.items() if key not in exercise.posed.hidden},
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
