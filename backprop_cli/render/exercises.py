"""Exercises for people: what is given, what is asked for, and on request how it is worked out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..exercises.handouts import Handout, Solutions
from ..exercises.key import labels
from ..exercises.manner import Manner
from ..exercises.posed import OfFormula, OfProgram, Posed
from ..exercises.steps import OfStep
from ..exercises.tasks import LETTERS, Exercise, Part
from ..explanation.report import explain
from ..language.format import format_items
from ..language.numbers import brief
from ..language.parser import parse
from .document import Document, Facts
from .explain_lines import page as explained
from .forms import Decimals, Form, Formula, Named, Slope, Words
from .page import Block, Column, Equation, Equations, Grid, Heading, Kind, Row, Section, Text
from .record import Record

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
    yield Heading(Text(handout.title, "strong", "prose"), (handout.student,) if handout.student else ())
    yield from in_manner(_tasks(handout, solutions), handout.manner)


def in_manner(blocks: Iterable[Block], manner: Manner) -> Iterator[Block]:
    """Yield blocks with the decimals of their numbers as they are written in a manner."""

    def written(part: Any) -> Any:
        if isinstance(part, str):
            return manner.number(part)
        if isinstance(part, Form):
            return Decimals(part)
        if isinstance(part, (tuple, list)):
            return type(part)(map(written, part))
        if isinstance(part, Record):
            return part.replace(**{field: written(getattr(part, field)) for field in part.__match_args__})
        return part

    yield from map(written, blocks) if manner.comma else blocks


def _tasks(handout: Handout, solutions: Solutions) -> Iterator[Block]:
    manner = handout.manner
    asked = {id(part): label for label, _, part in labels(handout.exercises)}
    for k, exercise in enumerate(handout.exercises, 1):
        marks = f" ({_marks(exercise.marks, manner)})" if exercise.marks != 1.0 else ""
        title = f"{manner.says('task', k=k)}{marks}, {exercise.code}"
        yield Section(title, where(exercise.posed, manner))
        yield _given(exercise.posed)
        rows = [_asked(exercise, part, asked[id(part)], manner) for part in exercise.parts]
        yield Equations(rows, DIGITS)
    if solutions != "none":
        yield Heading(manner.says("answers"))
        yield _answers(handout)
    if solutions == "explain":
        for k, exercise in enumerate(handout.exercises, 1):
            yield Section(manner.says("worked out", k=k))
            yield from _worked(exercise.posed)


def where(posed: Posed, manner: Manner) -> str:
    """Say at what point, or in what step of what network; "" where a formula is asked for."""
    if isinstance(posed, OfFormula):
        return ""
    if isinstance(posed, OfProgram):
        point = manner.several(f"{name} = {manner.number(x)}" for name, x in posed.point.items())
        return manner.says("at", point=point)
    assert isinstance(posed, OfStep)
    step = posed.judge.made.step
    rate = manner.number(brief(step.learning_rate))
    says = manner.says("step", optimizer=step.optimizer, rate=rate, loss=step.loss)
    if not posed.decimals:
        return says
    return f"{says}; {manner.says('rounded' if posed.decimals > 1 else 'rounded once', n=posed.decimals)}"


def _given(posed: Posed) -> Block:
    return Equations([Row(equations=(Equation(forms),)) for forms in given_forms(posed)], DIGITS)


def given_forms(posed: Posed) -> list[tuple[Form, Form]]:
    """Return names and what they are: the lines of a program, or the numbers of a network."""
    if isinstance(posed, OfProgram):
        output = posed.graph.own_name(posed.graph.output)
        told = [s for s in parse(posed.program).statements if s.name not in posed.point]
        return [(Named(s.name or output), Formula(format_items(s.items))) for s in told]
    assert isinstance(posed, OfStep)
    return [(Words(name), Words(text)) for name, text in posed.given()]


def _asked(exercise: Exercise, part: Part, label: str, manner: Manner) -> Row:
    words = [f"{LETTERS[k]}: {option.text}" for k, option in enumerate(part.options)]
    words += [manner.says("formula")] if isinstance(exercise.posed, OfFormula) else []
    words += filter(None, [rounding(exercise, part, manner)])
    if len({each.marks for each in exercise.parts}) > 1:
        words.append(_marks(part.marks, manner))
    equation = Equation((asked_form(exercise.posed, part.name), Words(BLANK)))
    return Row(Words(label), (equation,), manner.several(words))


def rounding(exercise: Exercise, part: Part, manner: Manner) -> str:
    """Say to how many digits or decimals a number is asked for; "" for an exact one, and for a choice."""
    if part.options or part.answer.exact:
        return ""
    decimals = exercise.printing.decimals
    what, n = ("digit", part.answer.digits) if decimals is None else ("decimal", decimals)
    return manner.says(what if n == 1 else f"{what}s", n=n)


def _marks(marks: float, manner: Manner) -> str:
    return manner.says("marks" if marks != 1.0 else "mark", n=brief(marks))


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
    kinds: dict[str, Kind] = {"of task": "word", "code": "word", "of": "word", "answer": "number"}
    return Grid([Column(handout.manner.says(title), kind) for title, kind in kinds.items()], rows)


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
    told = explain(posed.graph, point, wrt=list(dict.fromkeys(wrt)) or None, detail="full")
    # what small moves do, and what it costs, nobody has asked for
    yield from explained(told._replace(nudges=(), direction=None, cost=None), DIGITS)


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
