"""Exercises as questions of learning platforms: Moodle's XML, QTI 1.2 as Canvas reads it, QTI 2.1.

Sources:
    Moodle, question/format/xml; IMS Question and Test Interoperability 1.2, ASI binding, and 2.1, information
    model; for Canvas, what its own exports look like.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..exercises.answers import Printed
from ..exercises.key import Key, labels
from ..exercises.tasks import Exercise, Option, Part, distractors
from .document import Element
from .exercises import DIGITS, asked_form, given_forms, rounding, where
from .writers import html, xml
from .writers.mathematics import Spelling

MISTAKES = 3
"""Wrong numbers that have a feedback of their own, where a number is asked for."""

QTI_1 = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"
QTI_2 = "http://www.imsglobal.org/xsd/imsqti_v2p1"
PACKAGE = "http://www.imsglobal.org/xsd/imscp_v1p1"
FULL = "100"


class Question(NamedTuple):
    """A question of one kind, whose variants go together.

    Attributes:
        label: On the sheet.
        ident: An identifier that no other question has.
        name: What a teacher sees.
        lines: Sentences, the formulas in LaTeX between ``\\\\(`` and ``\\\\)``.
        marks: What it is worth.
        answer: The right number.
        options: What to choose from; empty where a number is asked for.
        mistakes: Wrong numbers, and what to say of them.
    """

    label: str
    ident: str
    name: str
    lines: tuple[str, ...]
    marks: float
    answer: Printed
    options: tuple[Option, ...]
    mistakes: tuple[Option, ...]


def questions(key: Key) -> dict[str, list[Question]]:
    """Return all that is asked, by its label: a variant a person."""
    found: dict[str, list[Question]] = {}
    for name, slots in key.people.items():
        for label, exercise, part in labels([slot.exercise for slot in slots]):
            found.setdefault(label, []).append(_question(name, label, exercise, part))
    return found


def _question(name: str, label: str, exercise: Exercise, part: Part) -> Question:
    spelled = Spelling(DIGITS, latex=True)
    lines = [f"\\({' = '.join(map(spelled, forms))}\\)" for forms in given_forms(exercise.posed)]
    lines.append(where(exercise.posed))
    note = rounding(part)
    asked = f"\\({spelled(asked_form(exercise.posed, part.name))}\\) = ?" + (f" ({note})" if note else "")
    mistakes: Sequence[Option] = [option for option in part.options if option.mistake is not None]
    if not part.options:
        mistakes = distractors(exercise.posed, part.name, part.answer, exercise.printing, MISTAKES)
    return Question(
        label,
        f"t{exercise.code}-{label}",
        f"{label} {name}",
        (*lines, asked),
        part.marks,
        part.answer,
        part.options,
        tuple(mistakes),
    )


def _leaf(tag: str, text: str, **attributes: str) -> Element:
    return Element(tag, {key.rstrip("_"): value for key, value in attributes.items()}, (), text)


def _number(x: float) -> str:
    return f"{x:.10f}".rstrip("0").rstrip(".") or "0"


# Moodle


def moodle(key: Key) -> str:
    """Return questions for Moodle: a category for each label of the sheet, with a variant a person."""
    found = []
    for label, several in questions(key).items():
        path = f"$course$/{key.title.replace('/', '//')}/{label}"
        category = Element("category", {}, (_leaf("text", path),))
        found.append(Element("question", {"type": "category"}, (category,)))
        found += map(_of_moodle, several)
    return xml.write(Element("quiz", {}, found))


def _of_moodle(question: Question) -> Element:
    def said(tag: str, text: str) -> Element:
        return Element(tag, {"format": "html"}, (_leaf("text", text),))

    def answer(number: str, fraction: str, feedback: str) -> Element:
        parts = [_leaf("text", number), said("feedback", html.paragraphs([feedback]))]
        if not question.options:
            parts.append(_leaf("tolerance", _number(0.5 * question.answer.unit)))
        return Element("answer", {"fraction": fraction, "format": "moodle_auto_format"}, parts)

    head = [
        Element("name", {}, (_leaf("text", question.name),)),
        said("questiontext", html.paragraphs(question.lines)),
        said("generalfeedback", ""),
        _leaf("defaultgrade", _number(question.marks)),
        _leaf("penalty", "0"),
        _leaf("hidden", "0"),
        _leaf("idnumber", question.ident),
    ]
    if question.options:
        head += [
            _leaf("single", "true"),
            _leaf("shuffleanswers", "false"),
            _leaf("answernumbering", "ABCD"),
        ]
        answers = [answer(o.text, "0" if o.mistake else FULL, o.says) for o in question.options]
        return Element("question", {"type": "multichoice"}, [*head, *answers])
    answers = [answer(question.answer.text, FULL, "")]
    answers += [answer(o.text, "0", o.says) for o in question.mistakes]
    return Element("question", {"type": "numerical"}, [*head, *answers])


# QTI 1.2


def qti12(key: Key) -> dict[str, str]:
    """Return the files of a package for Canvas: a group for all that is asked under a label, of which each
    person is given one."""
    sections = []
    for label, several in questions(key).items():
        number = Element(
            "selection",
            {},
            (
                _leaf("selection_number", "1"),
                Element("selection_extension", {}, (_leaf("points_per_item", _number(several[0].marks)),)),
            ),
        )
        ordering = Element("selection_ordering", {}, (number,))
        sections.append(
            Element(
                "section", {"ident": f"task-{label}", "title": label}, [ordering, *map(_of_canvas, several)]
            )
        )
    root = Element("section", {"ident": "root_section"}, sections)
    assessment = Element("assessment", {"ident": "exercises", "title": key.title}, (root,))
    quiz = Element("questestinterop", {"xmlns": QTI_1}, (assessment,))
    return {"imsmanifest.xml": _manifest({"quiz.xml": "imsqti_xmlv1p2"}), "quiz.xml": xml.write(quiz)}


def _of_canvas(question: Question) -> Element:
    def field(label: str, entry: str) -> Element:
        return Element("qtimetadatafield", {}, (_leaf("fieldlabel", label), _leaf("fieldentry", entry)))

    def material(text: str) -> Element:
        return Element("material", {}, (_leaf("mattext", text, texttype="text/html"),))

    def score(value: str) -> Element:
        return _leaf("setvar", value, action="Set", varname="SCORE")

    def condition(*tests: Element, then: Sequence[Element], goes_on: str) -> Element:
        return Element("respcondition", {"continue": goes_on}, (Element("conditionvar", {}, tests), *then))

    kind = "multiple_choice_question" if question.options else "numerical_question"
    metadata = Element(
        "qtimetadata",
        {},
        (field("question_type", kind), field("points_possible", _number(question.marks))),
    )
    conditions, feedbacks = [], []
    names = {o.text: f"option{k}" for k, o in enumerate(question.options, 1)}
    for k, option in enumerate(question.mistakes, 1):
        shows = Element("displayfeedback", {"feedbacktype": "Response", "linkrefid": f"mistake{k}_fb"}, ())
        told = names.get(option.text, option.text)
        conditions.append(
            condition(_leaf("varequal", told, respident="response1"), then=[shows], goes_on="Yes")
        )
        flow = Element("flow_mat", {}, (material(html.paragraphs([option.says])),))
        feedbacks.append(Element("itemfeedback", {"ident": f"mistake{k}_fb"}, (flow,)))
    if question.options:
        labelled = [
            Element("response_label", {"ident": names[o.text]}, (material(o.text),)) for o in question.options
        ]
        render = Element("render_choice", {}, labelled)
        response = Element("response_lid", {"ident": "response1", "rcardinality": "Single"}, (render,))
        right = next(names[o.text] for o in question.options if o.mistake is None)
        tests = [_leaf("varequal", right, respident="response1")]
    else:
        render = Element(
            "render_fib", {"fibtype": "Decimal"}, (Element("response_label", {"ident": "answer1"}),)
        )
        response = Element("response_str", {"ident": "response1", "rcardinality": "Single"}, (render,))
        margin, number = 0.5 * question.answer.unit, question.answer.number
        exact = _leaf(
            "varequal",
            question.answer.text,
            respident="response1",
            margintype="absolute",
            margin=_number(margin),
        )
        between = (
            _leaf("vargte", _number(number - margin), respident="response1"),
            _leaf("varlte", _number(number + margin), respident="response1"),
        )
        tests = [Element("or", {}, (exact, Element("and", {}, between)))]
    conditions.append(condition(*tests, then=[score(FULL)], goes_on="No"))
    variable = {"maxvalue": FULL, "minvalue": "0", "varname": "SCORE", "vartype": "Decimal"}
    outcomes = Element("outcomes", {}, (Element("decvar", variable),))
    parts = [
        Element("itemmetadata", {}, (metadata,)),
        Element("presentation", {}, (material(html.paragraphs(question.lines)), response)),
        Element("resprocessing", {}, (outcomes, *conditions)),
        *feedbacks,
    ]
    return Element("item", {"ident": question.ident, "title": question.name}, parts)


# QTI 2.1


def qti21(key: Key) -> dict[str, str]:
    """Return the files of a package: an item for all that anybody is asked."""
    items = {
        f"items/{question.ident}.xml": xml.write(_of_qti(question))
        for several in questions(key).values()
        for question in several
    }
    return {"imsmanifest.xml": _manifest(dict.fromkeys(items, "imsqti_item_xmlv2p1")), **items}


def _of_qti(question: Question) -> Element:
    choice = bool(question.options)
    names = {o.text: f"option{k}" for k, o in enumerate(question.options, 1)}

    def given(number: str) -> Element:
        base = "identifier" if choice else "float"
        return _leaf("baseValue", names.get(number, number), baseType=base)

    def matches(number: str, margin: float) -> Element:
        variable = Element("variable", {"identifier": "RESPONSE"})
        if choice:
            return Element("match", {}, (variable, given(number)))
        tolerance = {"toleranceMode": "absolute", "tolerance": f"{_number(margin)} {_number(margin)}"}
        return Element("equal", tolerance, (variable, given(number)))

    def sets(name: str, base: str, value: str) -> Element:
        return Element("setOutcomeValue", {"identifier": name}, (_leaf("baseValue", value, baseType=base),))

    right = names.get(question.answer.text, question.answer.text)
    margin = 0.5 * question.answer.unit
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
        simple = [_leaf("simpleChoice", o.text, identifier=names[o.text]) for o in question.options]
        asks: Element = Element(
            "choiceInteraction",
            {"responseIdentifier": "RESPONSE", "shuffle": "false", "maxChoices": "1"},
            simple,
        )
    else:
        asks = Element("p", {}, (Element("textEntryInteraction", {"responseIdentifier": "RESPONSE"}),))
    parts.append(Element("itemBody", {}, (*(_leaf("p", line) for line in question.lines), asks)))
    tests = [
        Element(
            "responseIf",
            {},
            (matches(question.answer.text, margin), sets("SCORE", "float", _number(question.marks))),
        )
    ]
    tests += [
        Element(
            "responseElseIf", {}, (matches(o.text, margin), sets("FEEDBACK", "identifier", f"mistake{k}"))
        )
        for k, o in enumerate(question.mistakes, 1)
    ]
    parts.append(Element("responseProcessing", {}, (Element("responseCondition", {}, tests),)))
    for k, option in enumerate(question.mistakes, 1):
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
