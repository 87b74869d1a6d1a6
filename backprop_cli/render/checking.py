"""Judgements for people and for graders."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..articles.lines import Hint, Line
from ..articles.text import Article
from ..articles.unread import Missed
from ..checking.answers import shortened
from ..checking.gradcheck import Checked
from ..checking.grading import REPEATED, Judged, Judgement
from ..checking.verdicts import MISSING, NONE, RIGHT, UNREADABLE, WRONG, Verdict, told
from ..errors import BackpropError, counted, printable
from ..language.numbers import exact_text, rounded, scientific
from .document import Document, Element, Facts, Records, unformulated
from .page import WIDEST as PAGE
from .page import Block, Cell, Column, Grid, Lines, Only, Paragraph, Text, Tone

if TYPE_CHECKING:  # it imports NumPy
    from ..checking.functioncheck import CheckedArray

SCHEMA, WITH_ARRAYS = 1, 2
TONES: dict[str, Tone] = {"right": "good", "rounded": "good", "follows": "doubt", "wrong": "bad"}
MOST_MISTAKES = 2
"""Of a question, that are named in a table."""

SHORT = 48
PROGRAM = 72
MOST_INPUTS = 8
"""Characters of a claim's cells, and of a program and inputs of its point in a headline."""

INLINE = 24
"""Characters of an array in a headline."""

MOST_MISSED = 20
"""Numbers of an article that are listed as not checked."""

MOST_TEXT = 1_000
"""Characters of a row of an array that is shown."""


def document(judgement: Judgement, *, digits: int = 6) -> Document:
    """Return a judgement to be written; Gradescope takes one person.

    Args:
        judgement: What was judged.
        digits: Significant digits of right numbers in tables.
    """
    return Document(
        page=lambda: _page(judgement, digits),
        facts=lambda: _facts(judgement),
        records=lambda: _records(judgement),
        others={"junit": lambda: _junit(judgement), "gradescope": lambda: _gradescope(judgement)},
    )


def _page(judgement: Judgement, digits: int) -> Iterator[Block]:
    yield Paragraph([Text(_headline(judgement), "strong", "code")])
    several = len(judgement.people) > 1
    if several:
        yield _overview(judgement)
        yield _questions(judgement)
        yield Paragraph(_class_lines(judgement))
    for person in judgement.people:
        summary = _summary(person, judgement)
        named = several or bool(person.student)
        if named:
            yield Paragraph([(Text(person.student, "strong"), f": {summary}")], "strong")
        else:
            yield Only(("markdown",), Paragraph([summary]))
        if person.fault is not None:
            yield Paragraph([_told(person.fault)], "doubt", near=named)
        if person.verdicts:
            yield _grid(person, judgement, digits).replace(near=named or person.fault is not None)
        for note in () if judgement.for_student else _notes(person):
            yield Lines([note], "quiet", near=True)
        if not named:
            yield Only(("table",), Paragraph([summary]))


def words(verdict: Verdict, *, for_student: bool = False) -> str:
    """Return a verdict as people are told it, a student with what to do."""
    named = f"{verdict.verdict}: " if verdict.verdict in (WRONG, NONE, UNREADABLE, REPEATED) else ""
    if verdict.verdict == MISSING:
        return "no answer"
    read = f"read as {verdict.read_as}" if verdict.read_as else ""
    cure = verdict.cure if for_student else ""
    says = "; ".join(filter(None, (verdict.says, verdict.how, cure, read)))
    if not named:
        if verdict.verdict == RIGHT:
            return f"right ({says})" if says else "right"
        return says or verdict.verdict
    return f"{named}{says}" if says else verdict.verdict


def revealed(verdict: Verdict, digits: int) -> str:
    """Return the right number and formula as far as they are known."""
    formula = verdict.formula or ""
    if verdict.right is None:
        return formula
    value = _value_text(verdict.right, lambda x: rounded(x, digits))
    if not verdict.point:
        return f"{formula} = {value}" if formula else value
    at = ", ".join(f"{n} = {exact_text(x)}" for n, x in verdict.point.items())
    return f"{formula}{', ' if formula else ''}for instance {value} at {at}"


def _grid(person: Judged, judgement: Judgement, digits: int) -> Grid:
    """Return a row a claim; long cells are broken at words."""
    answers = [_cut(verdict.answer) for verdict in person.verdicts]
    # a short answer is not broken for a long verdict
    longest = max((len(word) for answer in answers for word in answer.split()), default=0)
    columns = [Column("claim", "code", whole=True), Column("answer", "code", floor=min(longest, SHORT // 2))]
    columns += [Column("marks", "share")] if judgement.weighted else []
    columns += [Column("verdict", most=PAGE - 10)]
    columns += [Column("right is", most=PAGE - 10)] if judgement.reveal else []
    rows = []
    for verdict, answer, mark, of in zip(person.verdicts, answers, person.marks, person.of, strict=True):
        row: list[Cell] = [Text(_cut(verdict.claim), "name"), answer]
        row += [_share(mark, of)] if judgement.weighted else []
        row.append(
            Text(words(verdict, for_student=judgement.for_student), TONES.get(verdict.verdict, "doubt"))
        )
        row += [revealed(verdict, digits)] if judgement.reveal else []
        rows.append(row)
    return Grid(columns, rows)


def _cut(text: str) -> str:
    return shortened(text, SHORT)


def _share(mark: float, of: float) -> str:
    return f"{_plain_number(mark)}/{_plain_number(of)}"


def _plain_number(mark: float) -> int | float:
    """Return whole marks without a decimal point; sums of shares without the rounding they bring."""
    return int(mark) if mark == int(mark) else round(mark, 10)


def _summary(person: Judged, judgement: Judgement) -> str:
    text = f"{person.right} of {person.claimed} right"
    marks = f"{_plain_number(person.total)} of {_plain_number(person.possible)} marks"
    return f"{text}, {marks}" if judgement.weighted else text


def _overview(judgement: Judgement) -> Grid:
    """Return a table of a class, a line a student."""
    columns = [Column("student", whole=True), Column("right", "share")]
    columns += [Column("marks", "share")] if judgement.weighted else []
    columns += [Column("not right", most=PAGE - 10)]
    rows = []
    for person in judgement.people:
        wrong = [v.claim for v in person.verdicts if not v.good and v.verdict != REPEATED]
        row: list[Cell] = [Text(_cut(person.student), "strong"), f"{person.right}/{person.claimed}"]
        row += [_share(person.total, person.possible)] if judgement.weighted else []
        row.append("unreadable" if person.fault is not None else ", ".join(map(_cut, wrong)))
        rows.append(row)
    return Grid(columns, rows)


def _notes(person: Judged) -> list[str]:
    """Return the mistakes that give the same number."""
    return [
        f"{verdict.claim}: the same comes out if {'; or '.join(verdict.others)}"
        for verdict in person.verdicts
        if verdict.others
    ]


def _told(fault: BackpropError) -> str:
    """Return why claims cannot be read, in one line."""
    return f"{fault.place}: {told(fault)}" if fault.place else told(fault)


def _headline(judgement: Judgement) -> str:
    """Return the statements, without comments and the values of inputs, and the point."""
    inputs = judgement.inputs or {}
    bare = ";".join(line.partition("#")[0] for line in judgement.program.splitlines())
    parts = [part.strip() for part in bare.split(";")]
    parts = [p for p in parts if p and (p.partition("=")[0].strip() not in inputs or p in inputs)]
    named = re.compile(rf"{re.escape(judgement.output)}\s*([(=]|$)")
    if judgement.output and not any(map(named.match, parts)):
        parts[-1] = f"{judgement.output} = {parts[-1]}"
    text = "; ".join(parts)
    text = shortened(text, PROGRAM)
    if inputs:
        given = list(inputs.items())[:MOST_INPUTS]
        shown = ", ".join(_at(n, x) for n, x in given)
        text += f" at {shown}" + (", ..." if len(inputs) > MOST_INPUTS else "")
    return printable(text)


def _at(name: str, x: Any) -> str:
    """Write a value of the point: of an array that is too long its shape."""
    text = _value_text(x, exact_text)
    if not isinstance(x, list) or len(text) <= INLINE:
        return f"{name} = {text}"
    return f"{name} ({'x'.join(str(len(part)) for part in _axes(x))})"


def _axes(x: Any) -> Iterator[list[Any]]:
    while isinstance(x, list):
        yield x
        x = x[0]


def _value_text(x: Any, write: Callable[[float], str], most: int = PROGRAM) -> str:
    """Write a number, or an array in one line; of one that is too long the first numbers."""
    if not isinstance(x, list):
        return write(x)
    return shortened(f"[{', '.join(_value_text(part, write, MOST_TEXT) for part in x)}]", most)


def _questions(judgement: Judgement) -> Grid:
    """Return a table of what was asked, a line a quantity."""
    columns = [Column("question", "code", whole=True), Column("right", "share"), Column("blank", "share")]
    rows: list[list[Cell]] = []
    for asked in judgement.questions:
        often = ", ".join(f"{kind} {count}" for kind, count in asked.mistakes[:MOST_MISTAKES])
        rows.append(
            [Text(_cut(asked.claim), "name"), f"{asked.right}/{asked.people}", str(asked.blank or "-"), often]
        )
    return Grid([*columns, Column("mistakes", most=PAGE - 10)], rows)


def _class_facts(judgement: Judgement) -> dict[str, Any]:
    questions = [
        {
            "claim": q.claim,
            "right": q.right,
            "blank": q.blank,
            "people": q.people,
            "mistakes": dict(q.mistakes),
        }
        for q in judgement.questions
    ]
    return {"average": judgement.average, "median": judgement.median, "questions": questions}


def _class_lines(judgement: Judgement) -> list[str]:
    people = judgement.people
    if judgement.weighted:
        full = sum(p.total >= p.possible and p.fault is None for p in people)
        mean, middle = (_plain_number(round(x, 2)) for x in (judgement.average, judgement.median))
        lines = [f"{full} of {len(people)} have full marks; {mean} on average, median {middle}"]
    else:
        good = sum(p.right == p.claimed and p.fault is None for p in people)
        lines = [f"{good} of {len(people)} have everything right"]
    counts: dict[str, int] = {}
    for person in people:
        for verdict in person.verdicts:
            if verdict.mistake:
                counts[verdict.mistake] = counts.get(verdict.mistake, 0) + 1
    if counts:
        order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        lines.append("mistakes: " + ", ".join(f"{kind} {count}" for kind, count in order))
    return lines


def as_dict(verdict: Verdict, judgement: Judgement, marks: float, of: float) -> dict[str, Any]:
    """Return a verdict as the JSON schema has it; what is right only where it is asked for."""
    found: dict[str, Any] = {
        "claim": verdict.claim,
        "answer": verdict.answer,
        "verdict": verdict.verdict,
        "digits": verdict.digits,
        "credit": verdict.credit,
        "mistake": verdict.mistake,
        "says": words(verdict, for_student=judgement.for_student),
        "others": [] if judgement.for_student else list(verdict.others),
        "cure": verdict.cure,
        "how": verdict.how,
        "read_as": verdict.read_as,
        "marks": _plain_number(marks),
        "of": _plain_number(of),
    }
    if judgement.has_arrays:
        found["elements"] = dict(verdict.elements) if verdict.elements else None
    if judgement.reveal:
        found |= {
            "right": verdict.right,
            "formula": verdict.formula,
            "point": dict(verdict.point) if verdict.point else None,
        }
    return found


def _facts(judgement: Judgement) -> Facts:
    people = [
        {
            "student": person.student or None,
            "right": person.right,
            "claims": person.claimed,
            "marks": _plain_number(person.total),
            "of": _plain_number(person.possible),
            "error": person.fault.as_dict() if person.fault is not None else None,
            "verdicts": [
                as_dict(v, judgement, m, o)
                for v, m, o in zip(person.verdicts, person.marks, person.of, strict=True)
            ],
        }
        for person in judgement.people
    ]
    several = len(people) > 1
    return Facts(
        {
            "schema": WITH_ARRAYS if judgement.has_arrays else SCHEMA,
            "expression": judgement.program,
            "output": judgement.output or None,
            "inputs": judgement.inputs,
            "status": judgement.status,
            "people": people,
            **({"class": _class_facts(judgement)} if several else {}),
        },
        "indented",
    )


def _records(judgement: Judgement) -> Records:
    """Return a row a student: marks, or verdicts where all claims are worth the same."""
    names = judgement.names
    faults = any(person.fault is not None for person in judgement.people)
    header = ["student", "marks", "of", *names, *(["problem"] if faults else [])]
    rows = []
    for person in judgement.people:
        found: dict[str, str | float] = {}
        for verdict, mark in zip(person.verdicts, person.marks, strict=True):
            if verdict.verdict != REPEATED:
                found.setdefault(
                    verdict.claim, _plain_number(mark) if judgement.weighted else verdict.verdict
                )
        row: list[Any] = [
            unformulated(person.student),
            _plain_number(person.total),
            _plain_number(person.possible),
        ]
        row += [found.get(name) for name in names]
        row += [unformulated(_told(person.fault)) if person.fault is not None else None] if faults else []
        rows.append(row)
    return Records([unformulated(title) for title in header], rows)


def _junit(judgement: Judgement) -> Element:
    return Element("testsuites", {}, [_suite(person, judgement) for person in judgement.people])


def _suite(person: Judged, judgement: Judgement) -> Element:
    verdicts, fault, name = person.verdicts, person.fault, person.student or "claims"
    cases = [_case(name, verdict, words(verdict, for_student=judgement.for_student)) for verdict in verdicts]
    if fault is not None:
        said = Element("error", {"type": UNREADABLE, "message": _told(fault)})
        cases.insert(0, Element("testcase", {"classname": name, "name": UNREADABLE}, [said]))
    counts = {
        "tests": len(cases),
        "failures": sum(v.verdict in (WRONG, MISSING) for v in verdicts),
        "errors": sum(v.verdict == UNREADABLE for v in verdicts) + (fault is not None),
        "skipped": sum(v.verdict in (NONE, REPEATED) for v in verdicts),
    }
    return Element("testsuite", {"name": name, **{key: str(n) for key, n in counts.items()}}, cases)


def _case(name: str, verdict: Verdict, message: str) -> Element:
    found = []
    if verdict.verdict in (NONE, REPEATED):
        found.append(Element("skipped", {"message": message}))
    elif not verdict.good:
        tag = "error" if verdict.verdict == UNREADABLE else "failure"
        kind = {"type": verdict.mistake or verdict.verdict, "message": message}
        found.append(Element(tag, kind, text=f"{verdict.claim} = {verdict.answer}"))
    return Element("testcase", {"classname": name, "name": verdict.claim}, found)


def _gradescope(judgement: Judgement) -> Facts:
    (person,) = judgement.people
    found: dict[str, Any] = {"score": _plain_number(person.total)}
    if person.fault is not None:
        found["output"] = printable(_told(person.fault))
    found["tests"] = [
        {
            "name": printable(verdict.claim),
            "score": _plain_number(mark),
            "max_score": _plain_number(of),
            "status": "passed" if verdict.good else "failed",
            "output": printable(_outcome(verdict, words(verdict, for_student=judgement.for_student))),
        }
        for verdict, mark, of in zip(person.verdicts, person.marks, person.of, strict=True)
    ]
    return Facts(found, "indented")


def _outcome(verdict: Verdict, told: str) -> str:
    answer = f"{verdict.claim} = {_cut(verdict.answer)}" if verdict.answer else verdict.claim
    return f"{answer}: {told}"


# the gradient check


def checked_document(checked: Sequence[Checked], program: str) -> Document:
    """Return a gradient check to be written."""
    found = {"schema": SCHEMA, "expression": program, "checks": [c._asdict() for c in checked]}
    return Document(page=lambda: _checked_page(checked), facts=lambda: Facts(found, "indented"))


def _checked_page(checked: Sequence[Checked]) -> Iterator[Block]:
    numbers = [Column(title, "number", whole=False) for title in ("quotient", "relative error", "order")]
    columns = [Column("input", "prose"), Column("slope", "number", whole=False), Column("from", "prose")]
    rows: list[list[Cell]] = [
        [
            c.name,
            rounded(c.slope, 10),
            c.source,
            rounded(c.finite, 10),
            scientific(c.error, 2),
            "-" if c.order is None else f"{c.order:.2f}",
            Text(c.verdict, TONES.get(c.verdict, "")),
        ]
        for c in checked
    ]
    if rows:
        yield Grid([*columns, *numbers, Column("verdict", "prose")], rows)
    yield Lines([f"{c.name}: {c.says}" for c in checked], most=None)


def arrays_document(checked: Sequence[CheckedArray], function: str) -> Document:
    """Return a check of somebody's backward pass, to be written."""
    found = {"schema": SCHEMA, "function": function, "inputs": [c._asdict() for c in checked]}
    return Document(page=lambda: _arrays_page(checked, function), facts=lambda: Facts(found, "indented"))


def _arrays_page(checked: Sequence[CheckedArray], function: str) -> Iterator[Block]:
    yield Paragraph([Text(printable(function), "strong", "code")])
    columns = [
        Column("input", "prose"),
        Column("shape", "prose"),
        Column("agree", "prose"),
        Column("worst at", "prose"),
        *(Column(title, "number", whole=False) for title in ("backward", "quotient")),
        Column("verdict", "prose"),
    ]
    rows: list[list[Cell]] = [
        [
            printable(c.name),
            "x".join(map(str, c.shape)) or "-",
            "-" if c.given is None else f"{c.agree:,} of {c.compared:,}",
            "-" if not c.worst else f"[{', '.join(map(str, c.worst))}]",
            rounded(c.claimed, 8),
            rounded(c.finite, 8),
            Text(
                "-" if c.given is None else c.verdict,
                TONES.get(c.verdict, "good" if c.verdict == "agree" else "doubt"),
            ),
        ]
        for c in checked
    ]
    yield Grid(columns, rows)
    if told := [f"{printable(c.name)}: {c.says}" for c in checked if c.says]:
        yield Lines(told, most=None)
    wrong = sum(c.verdict == "wrong" for c in checked)
    entries = sum(c.compared for c in checked)
    good = f"all {counted(entries, 'entry')} agree with difference quotients"
    yield Lines([f"{wrong} of {counted(len(checked), 'gradient')} wrong" if wrong else good], most=None)


# articles


def article_document(article: Article, *, digits: int = 6) -> Document:
    """Return what was found in an article, to be written."""
    found = {
        "schema": SCHEMA,
        "path": article.path,
        "claims": [line._asdict() for line in article.lines],
        "unread": list(article.unread),
        "missed": [number._asdict() for number in article.missed],
        "hints": [hint._asdict() for hint in article.hints],
    }
    return Document(page=lambda: _article_page(article, digits), facts=lambda: Facts(found, "indented"))


def _place(found: Line | Missed | Hint) -> str:
    return str(found.number) if found.cell is None else f"{found.cell}:{found.number}"


def _around(found: Missed) -> str:
    """Return the line, or what of it stands about the number."""
    at = found.text.find(found.claimed) + len(found.claimed)
    start = max(at + 8 - SHORT, 0)
    return _cut(found.text if start == 0 else "..." + found.text[start + 3 :])


def _article_page(article: Article, digits: int) -> Iterator[Block]:
    cells = any(line.cell is not None for line in article.lines) or any(
        m.cell is not None for m in article.missed
    )
    place = "cell:line" if cells else "line"
    rows = [
        [_place(w), _cut(w.text), w.claimed, rounded(w.right, max(digits, w.digits + 2)), str(w.digits)]
        for w in article.wrong
    ]
    if rows:
        numbers = [Column(title, "number", whole=False) for title in ("claimed", "right is")]
        columns = [Column(place, "number", whole=False), Column("claim", "code")]
        columns += [*numbers, Column("digits", "share", whole=False)]
        if any(w.mistake for w in article.wrong):
            columns.append(Column("mistake"))
            rows = [[*row, w.mistake or "-"] for row, w in zip(rows, article.wrong, strict=True)]
        yield Grid(columns, rows)
    if article.hints:
        columns = [Column(place, "number", whole=False), Column("odd", "code"), Column("why")]
        yield Grid(columns, [[_place(h), _cut(h.text), h.says] for h in article.hints])
    good = len(article.lines) - len(rows)
    lines = [f"{counted(len(article.lines), 'number')} checked: {good} right, {len(rows)} wrong"]
    if article.unread:
        listed = ", ".join(map(str, article.unread[:20])) + (", ..." if len(article.unread) > 20 else "")
        lines.append(f"{counted(len(article.unread), 'cell' if cells else 'line')} not read: {listed}")
    if missed := article.missed:
        looks = "looks like a result and is" if len(missed) == 1 else "look like results and are"
        lines.append(f"{counted(len(missed), 'number')} {looks} not checked:")
    yield Lines(lines, most=None)
    if missed:
        columns = [Column(place, "number", whole=False), Column("number", "number", whole=False)]
        rows = [[_place(m), m.claimed, _around(m), m.reason] for m in missed[:MOST_MISSED]]
        yield Grid([*columns, Column("text", "code"), Column("reason")], rows)
    if (more := len(missed) - MOST_MISSED) > 0:
        yield Lines([f"{more} more: --format json has them all"], most=None)
