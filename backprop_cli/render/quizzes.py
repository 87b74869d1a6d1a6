"""Exercises as questions of learning platforms: Moodle's XML, QTI 1.2 as Canvas reads it, QTI 2.1.

Sources:
    Moodle, question/format/xml; IMS Question and Test Interoperability 1.2, ASI binding, and 2.1, information
    model; for Canvas, what its own exports look like.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import lcm
from string import ascii_lowercase
from typing import NamedTuple

from ..exercises.answers import Printed
from ..exercises.key import Key, labels
from ..exercises.manner import Manner
from ..exercises.tasks import Exercise, Option, Part, distractors
from ..language.numbers import exact_text
from .document import Element
from .exercises import DIGITS, asked_form, given_forms, rounding, where
from .forms import Decimals
from .writers import html, xml
from .writers.mathematics import Spelling

MISTAKES = 3
"""Wrong numbers that have a feedback of their own, where a number is asked for."""

QTI_1 = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"
QTI_2 = "http://www.imsglobal.org/xsd/imsqti_v2p1"
PACKAGE = "http://www.imsglobal.org/xsd/imscp_v1p1"
FULL = "100"


class Box(NamedTuple):
    """One thing that is asked for.

    Attributes:
        label: On the sheet.
        asked: What is asked for, in LaTeX between ``\\\\(`` and ``\\\\)``.
        note: How many digits are asked for; "" where nothing is to be said.
        marks: What it is worth.
        answer: The right number.
        options: What to choose from; empty where a number is asked for.
        mistakes: Wrong numbers, and what to say of them.
    """

    label: str
    asked: str
    note: str
    marks: float
    answer: Printed
    options: tuple[Option, ...]
    mistakes: tuple[Option, ...]

    @property
    def margin(self) -> str:
        """By how much a number may differ: half a unit of the last digit."""
        return _plain(Decimal(repr(self.answer.unit)) / 2)

    @property
    def ends(self) -> tuple[str, str]:
        """The least and the largest number that are right."""
        number, margin = Decimal(self.answer.text), Decimal(self.margin)
        return _plain(number - margin), _plain(number + margin)


class Question(NamedTuple):
    """A task of one person: what is asked for of the same numbers.

    Attributes:
        label: Of the task on the sheet, or of what is asked for; variants of one label go together.
        code: Of the exercise.
        person: Whose numbers they are.
        lines: What is given, the formulas in LaTeX.
        boxes: What is asked for.
    """

    label: str
    code: str
    person: str
    lines: tuple[str, ...]
    boxes: tuple[Box, ...]

    @property
    def ident(self) -> str:
        """An identifier that no other question has."""
        return f"t{self.code}-{self.label}"

    @property
    def name(self) -> str:
        """What a teacher sees."""
        return f"{self.label} {self.person}"

    @property
    def marks(self) -> float:
        """What all of it is worth."""
        return sum(box.marks for box in self.boxes)

    @property
    def apart(self) -> Iterator[Question]:
        """The same, a question for each thing that is asked for."""
        return (self._replace(label=box.label, boxes=(box,)) for box in self.boxes)


def questions(key: Key) -> list[Question]:
    """Return everybody's tasks, in order."""
    found = []
    for name, slots in key.people.items():
        exercises = [slot.exercise for slot in slots]
        asked = [
            (label, _box(label, exercise, part, key.manner)) for label, exercise, part in labels(exercises)
        ]
        for k, exercise in enumerate(exercises, 1):
            boxes = tuple(box for label, box in asked if label.rstrip(ascii_lowercase) == str(k))
            found.append(Question(str(k), str(exercise.code), name, _given(exercise, key.manner), boxes))
    return found


def _given(exercise: Exercise, manner: Manner) -> tuple[str, ...]:
    spelled = Spelling(DIGITS, latex=True)
    given = [
        [Decimals(form) if manner.comma else form for form in forms] for forms in given_forms(exercise.posed)
    ]
    lines = (f"\\({' = '.join(map(spelled, forms))}\\)" for forms in given)
    return (*lines, where(exercise.posed, manner))


def _box(label: str, exercise: Exercise, part: Part, manner: Manner) -> Box:
    asked = f"\\({Spelling(DIGITS, latex=True)(asked_form(exercise.posed, part.name))}\\)"
    if part.options:  # texts; numbers to be typed are told to a platform with a point
        options = tuple(option._replace(text=manner.number(option.text)) for option in part.options)
        answer = part.answer._replace(text=manner.number(part.answer.text))
        part = part._replace(answer=answer, options=options)
    mistakes: Sequence[Option] = [option for option in part.options if option.mistake is not None]
    if not part.options:
        mistakes = distractors(exercise.posed, part.name, part.answer, exercise.printing, MISTAKES)
    return Box(
        label, asked, rounding(exercise, part, manner), part.marks, part.answer, part.options, tuple(mistakes)
    )


def _by_label(several: Iterable[Question]) -> dict[str, list[Question]]:
    found: dict[str, list[Question]] = {}
    for question in several:
        found.setdefault(question.label, []).append(question)
    return found


def _leaf(tag: str, text: str, **attributes: str) -> Element:
    return Element(tag, attributes, (), text)


def _plain(number: Decimal) -> str:
    """Write a number without an exponent: some readers take 5e-7 for the name of a variable."""
    return f"{number:f}"


def _asked(box: Box) -> str:
    return f"{box.asked} = ?" + (f" ({box.note})" if box.note else "")


# Moodle


def moodle(title: str, several: Iterable[Question]) -> str:
    """Return questions for Moodle: a category for each task of the sheet, with a variant a person."""
    found = []
    for label, variants in _by_label(several).items():
        path = f"$course$/{title.replace('/', '//')}/{label}"
        category = Element("category", {}, (_leaf("text", path),))
        found.append(Element("question", {"type": "category"}, (category,)))
        found += map(_of_moodle, variants)
    return xml.write(Element("quiz", {}, found))


def _of_moodle(question: Question) -> Element:
    if len(question.boxes) > 1:
        return _cloze(question)
    (box,) = question.boxes

    def answer(number: str, fraction: str, feedback: str) -> Element:
        parts = [_leaf("text", number), _said("feedback", html.paragraphs([feedback]))]
        if not box.options:
            parts.append(_leaf("tolerance", box.margin))
        return Element("answer", {"fraction": fraction, "format": "moodle_auto_format"}, parts)

    head = _head(question, html.paragraphs([*question.lines, _asked(box)]))
    head.append(_leaf("defaultgrade", exact_text(box.marks)))
    if box.options:
        head += [
            _leaf("single", "true"),
            _leaf("shuffleanswers", "false"),
            _leaf("answernumbering", "ABCD"),
        ]
        answers = [answer(o.text, "0" if o.mistake else FULL, o.says) for o in box.options]
        return Element("question", {"type": "multichoice"}, [*head, *answers])
    answers = [answer(box.answer.text, FULL, "")]
    answers += [answer(o.text, "0", o.says) for o in box.mistakes]
    return Element("question", {"type": "numerical"}, [*head, *answers])


def _said(tag: str, text: str) -> Element:
    return Element(tag, {"format": "html"}, (_leaf("text", text),))


def _head(question: Question, text: str) -> list[Element]:
    return [
        Element("name", {}, (_leaf("text", question.name),)),
        _said("questiontext", text),
        _said("generalfeedback", ""),
        _leaf("penalty", "0"),
        _leaf("hidden", "0"),
        _leaf("idnumber", question.ident),
    ]


def _cloze(question: Question) -> Element:
    """Return several boxes in one text; their marks are whole numbers there, in the same proportions."""
    marks = [Fraction(exact_text(box.marks)) for box in question.boxes]
    whole = lcm(*(each.denominator for each in marks))
    text = html.paragraphs(question.lines)
    for box, each in zip(question.boxes, marks, strict=True):
        note = f" ({box.note})" if box.note else ""
        text += f"<p>{html.escaped(box.asked)} = {_gap(box, each * whole)}{note}</p>"
    return Element("question", {"type": "cloze"}, _head(question, text))


def _gap(box: Box, marks: Fraction) -> str:
    """Return a box of Moodle's embedded answers: ``{2:NUMERICAL:=6:0.5~7:0.5#feedback}``."""

    def answer(number: str, *, right: bool, says: str) -> str:
        margin = "" if box.options else f":{box.margin}"
        told = html.escaped(html.paragraphs([says])).translate(_IN_GAP)
        return ("=" if right else "") + number + margin + (f"#{told}" if told else "")

    options = box.options or (Option(box.answer.text), *box.mistakes)
    answers = [answer(o.text, right=o.mistake is None, says=o.says) for o in options]
    return f"{{{marks}:{'MULTICHOICE_V' if box.options else 'NUMERICAL'}:{'~'.join(answers)}}}"


_IN_GAP = {ord(character): f"&#{ord(character)};" for character in "~}"}
"""What ends a feedback within a box, as HTML has it besides."""


# QTI 1.2


def qti12(title: str, several: Iterable[Question]) -> dict[str, str]:
    """Return the files of a package for Canvas: a group for all that is asked under a label, of which each
    person is given one."""
    sections = []
    for label, variants in _by_label(one for question in several for one in question.apart).items():
        number = Element(
            "selection",
            {},
            (
                _leaf("selection_number", "1"),
                Element(
                    "selection_extension", {}, (_leaf("points_per_item", exact_text(variants[0].marks)),)
                ),
            ),
        )
        ordering = Element("selection_ordering", {}, (number,))
        sections.append(
            Element(
                "section", {"ident": f"task-{label}", "title": label}, [ordering, *map(_of_canvas, variants)]
            )
        )
    root = Element("section", {"ident": "root_section"}, sections)
    assessment = Element("assessment", {"ident": "exercises", "title": title}, (root,))
    quiz = Element("questestinterop", {"xmlns": QTI_1}, (assessment,))
    return {"imsmanifest.xml": _manifest({"quiz.xml": "imsqti_xmlv1p2"}), "quiz.xml": xml.write(quiz)}


def _of_canvas(question: Question) -> Element:
    (box,) = question.boxes

    def field(label: str, entry: str) -> Element:
        return Element("qtimetadatafield", {}, (_leaf("fieldlabel", label), _leaf("fieldentry", entry)))

    def material(text: str) -> Element:
        return Element("material", {}, (_leaf("mattext", text, texttype="text/html"),))

    def score(value: str) -> Element:
        return _leaf("setvar", value, action="Set", varname="SCORE")

    def condition(*tests: Element, then: Sequence[Element], goes_on: str) -> Element:
        return Element("respcondition", {"continue": goes_on}, (Element("conditionvar", {}, tests), *then))

    kind = "multiple_choice_question" if box.options else "numerical_question"
    metadata = Element(
        "qtimetadata",
        {},
        (field("question_type", kind), field("points_possible", exact_text(box.marks))),
    )
    conditions, feedbacks = [], []
    names = {o.text: f"option{k}" for k, o in enumerate(box.options, 1)}
    for k, option in enumerate(box.mistakes, 1):
        shows = Element("displayfeedback", {"feedbacktype": "Response", "linkrefid": f"mistake{k}_fb"}, ())
        told = names.get(option.text, option.text)
        conditions.append(
            condition(_leaf("varequal", told, respident="response1"), then=[shows], goes_on="Yes")
        )
        flow = Element("flow_mat", {}, (material(html.paragraphs([option.says])),))
        feedbacks.append(Element("itemfeedback", {"ident": f"mistake{k}_fb"}, (flow,)))
    if box.options:
        labelled = [
            Element("response_label", {"ident": names[o.text]}, (material(o.text),)) for o in box.options
        ]
        render = Element("render_choice", {}, labelled)
        response = Element("response_lid", {"ident": "response1", "rcardinality": "Single"}, (render,))
        right = next(names[o.text] for o in box.options if o.mistake is None)
        tests = [_leaf("varequal", right, respident="response1")]
    else:
        render = Element(
            "render_fib", {"fibtype": "Decimal"}, (Element("response_label", {"ident": "answer1"}),)
        )
        response = Element("response_str", {"ident": "response1", "rcardinality": "Single"}, (render,))
        exact = _leaf(
            "varequal",
            box.answer.text,
            respident="response1",
            margintype="absolute",
            margin=box.margin,
        )
        between = [
            _leaf(tag, end, respident="response1")
            for tag, end in zip(("vargte", "varlte"), box.ends, strict=True)
        ]
        tests = [Element("or", {}, (exact, Element("and", {}, between)))]
    conditions.append(condition(*tests, then=[score(FULL)], goes_on="No"))
    variable = {"maxvalue": FULL, "minvalue": "0", "varname": "SCORE", "vartype": "Decimal"}
    outcomes = Element("outcomes", {}, (Element("decvar", variable),))
    shown = material(html.paragraphs([*question.lines, _asked(box)]))
    parts = [
        Element("itemmetadata", {}, (metadata,)),
        Element("presentation", {}, (shown, response)),
        Element("resprocessing", {}, (outcomes, *conditions)),
        *feedbacks,
    ]
    return Element("item", {"ident": question.ident, "title": question.name}, parts)


# QTI 2.1


def qti21(_: str, several: Iterable[Question]) -> dict[str, str]:
    """Return the files of a package: an item for all that anybody is asked."""
    items = {
        f"items/{one.ident}.xml": xml.write(_of_qti(one)) for question in several for one in question.apart
    }
    return {"imsmanifest.xml": _manifest(dict.fromkeys(items, "imsqti_item_xmlv2p1")), **items}


def _of_qti(question: Question) -> Element:
    (box,) = question.boxes
    choice = bool(box.options)
    names = {o.text: f"option{k}" for k, o in enumerate(box.options, 1)}

    def given(number: str) -> Element:
        base = "identifier" if choice else "float"
        return _leaf("baseValue", names.get(number, number), baseType=base)

    def matches(number: str) -> Element:
        variable = Element("variable", {"identifier": "RESPONSE"})
        if choice:
            return Element("match", {}, (variable, given(number)))
        tolerance = {"toleranceMode": "absolute", "tolerance": f"{box.margin} {box.margin}"}
        return Element("equal", tolerance, (variable, given(number)))

    def sets(name: str, base: str, value: str) -> Element:
        return Element("setOutcomeValue", {"identifier": name}, (_leaf("baseValue", value, baseType=base),))

    right = names.get(box.answer.text, box.answer.text)
    declared = {
        "identifier": "RESPONSE",
        "cardinality": "single",
        "baseType": "identifier" if choice else "float",
    }
    correct = Element("correctResponse", {}, (_leaf("value", right),))
    parts = [Element("responseDeclaration", declared, (correct,))]
    for name, base in (("SCORE", "float"), ("FEEDBACK", "identifier")):
        parts.append(
            Element("outcomeDeclaration", {"identifier": name, "cardinality": "single", "baseType": base})
        )
    if choice:
        simple = [_leaf("simpleChoice", o.text, identifier=names[o.text]) for o in box.options]
        asks: Element = Element(
            "choiceInteraction",
            {"responseIdentifier": "RESPONSE", "shuffle": "false", "maxChoices": "1"},
            simple,
        )
    else:
        asks = Element("p", {}, (Element("textEntryInteraction", {"responseIdentifier": "RESPONSE"}),))
    parts.append(
        Element("itemBody", {}, (*(_leaf("p", line) for line in (*question.lines, _asked(box))), asks))
    )
    tests = [
        Element(
            "responseIf",
            {},
            (matches(box.answer.text), sets("SCORE", "float", exact_text(box.marks))),
        )
    ]
    tests += [
        Element("responseElseIf", {}, (matches(o.text), sets("FEEDBACK", "identifier", f"mistake{k}")))
        for k, o in enumerate(box.mistakes, 1)
    ]
    parts.append(Element("responseProcessing", {}, (Element("responseCondition", {}, tests),)))
    for k, option in enumerate(box.mistakes, 1):
        shown = {"outcomeIdentifier": "FEEDBACK", "identifier": f"mistake{k}", "showHide": "show"}
        parts.append(Element("modalFeedback", shown, (), option.says))
    head = {
        "xmlns": QTI_2,
        "identifier": question.ident,
        "title": question.name,
        "adaptive": "false",
        "timeDependent": "false",
    }
    return Element("assessmentItem", head, parts)


def _manifest(files: Mapping[str, str]) -> str:
    """Return the list of a package's files, each with what it is."""
    resources = [
        Element(
            "resource",
            {"identifier": f"r{k}", "type": kind, "href": name},
            (Element("file", {"href": name}),),
        )
        for k, (name, kind) in enumerate(files.items(), 1)
    ]
    parts = (Element("organizations", {}), Element("resources", {}, resources))
    return xml.write(Element("manifest", {"xmlns": PACKAGE, "identifier": "exercises"}, parts))
