"""Relations that a sentence states: "with x = 2 it decreases", "from 2 to 2.0003", "is greater than -4".

Each is read where its subject is named, or the page has one alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..checking.answers import read_target
from ..checking.claims import Judge
from ..errors import BackpropError
from ..language.tokens import NAME
from .clauses import MARKED
from .known import ACTIVATION, Known
from .latex import plain_math
from .lines import Hint, Line, line_of
from .numbers import NUMBER, plain_number
from .programs import lowered

_NUMBER = r"([-+−]?\s*(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?)(?!\w|\.\d)"
_PLACES = rf"({NAME}\s*=\s*{NUMBER}(?:(?:,|,?\s+and|,?\s+or)\s+{NAME}\s*=\s*{NUMBER})*)"
_AT = r"(?:at|for|with|when|where|if)\s+"
_SLOPE = r"(?:slope|derivative|gradient)"
_SIGN = r"(?:\w+ly\s+)?(positive|negative|zero)"
_ITSELF = r"(?:it|the\s+(?:output|function|curve|value))"
_MOVES = r"(increases|rises|grows|decreases|falls|drops|is\s+increasing|is\s+decreasing)"
_END = r"(?=\s*(?:[.,;:)]|$)|\s+(?:while|whereas|but|and|because|since|here|there)\b)"
_SIGNS = (
    rf"{_AT}{_PLACES}\s*,?\s+we\s+(?:get|have|see|find|obtain|observe)\s+an?\s+{_SIGN}\s+{_SLOPE}{_END}",
    rf"{_AT}{_PLACES}\s*,?\s+(?:the|its)\s+{_SLOPE}\s+(?:is|becomes|will\s+be)\s+{_SIGN}{_END}",
    rf"{_AT}{_PLACES}\s*,?\s+{_ITSELF}\s+{_MOVES}{_END}",
)
_SIGNS_AT = (
    rf"\b(?:the|its)\s+{_SLOPE}\s+is\s+{_SIGN}\s+\(?(?:in\s+our\s+case,\s+)?{_AT}{_PLACES}{_END}",
    rf"\b{_ITSELF}\s+{_MOVES}\s+{_AT}{_PLACES}{_END}",
)
_RISING = ("positive", "increases", "rises", "grows", "is increasing")
_FALLING = ("negative", "decreases", "falls", "drops", "is decreasing")
_NEAR = 0.01
"""Share by which a number may be off that is still meant to be the one that came out."""

_DOUBT = re.compile(
    r"\b(?:not|never|if\s+it|would|might|wrong\w*|mistake\w*|instead)\b|n't|\?", re.IGNORECASE
)
_COMPARED = re.compile(
    rf"{_NUMBER}\s*,?\s+(?:which|that)\s+is\s+(?:\w+ly\s+)?(greater|larger|bigger|higher|more|less|smaller|lower)"
    rf"\s+than\s+{_NUMBER}",
    re.IGNORECASE,
)
_PROGRAM = re.compile(
    rf"\boutput\s+of\s+(?:the\s+)?(?:above|previous|this)\s+(?:program|code|block)\s+is\s+{_NUMBER}",
    re.IGNORECASE,
)
_VALUE = re.compile(
    rf"\bvalue\s+of\s+({NAME})\s+(?:to\s+be|is|equals)\s+{_NUMBER}|\bmakes?\s+({NAME})\s*=\s*{_NUMBER}"
    rf"|\b({NAME})\s+\(\s*=\s*{_NUMBER}\s*\)"
)
_FROM_TO = re.compile(
    rf"\b(?:output|value|result|function|loss|error)s?\s+(increases|rises|grows|decreases|falls|drops|changes|goes)\s+"
    rf"(?:\(here,\s+)?from\s+{_NUMBER}\s+to\s+{_NUMBER}",
    re.IGNORECASE,
)
_NUDGED = re.compile(
    rf"\badd(?:ing)?\b[^.;,=]{{0,40}}?\sto\s+({NAME})(?=[\s,.;)]|$)"
    rf"|\b(?:nudg|bump|increas|chang)(?:e|ing|)\s+({NAME})\s+by\b"
)
_EXACT = re.compile(rf"\bexact\s+{_SLOPE}\s+is\s+{_NUMBER}", re.IGNORECASE)
_MEANT = re.compile(
    rf"\b(?:{_SLOPE}\s+(?:is|will\s+be)\s+{_SIGN}|an?\s+{_SIGN}\s+{_SLOPE}){_END}", re.IGNORECASE
)
_ADDITION = re.compile(
    rf"\bderivatives?\s+(?:for|of|at)\s+(?:an?\s+|the\s+)?(?:addition|sum|plus|add)\s+(?:node|gate|operation)s?"
    rf"\s+(?:is|are)\s+(?:always\s+)?{_NUMBER}(.*?\bi\.e\.,?\s+the\s+derivative\s+is\s+{_NUMBER})?",
    re.IGNORECASE,
)


_SPEAKS = re.compile(
    r"slope|derivative|gradient|creas|rises|grows|falls|drops|change|goes|\sthan\s|\soutput\s|\svalue\s|make|\(=",
    re.I,
)
"""What any of the patterns needs."""


def related(line: str, number: int, known: Known) -> list[Line]:
    """Judge what the sentences of a line of prose say of functions and results that the page has."""
    try:
        return [*_related(line, number, known)]
    except BackpropError:  # 1e999 is none of our numbers
        return []


def _related(line: str, number: int, known: Known) -> Iterator[Line]:
    if not (_SPEAKS.search(line) and re.search(r"\d", line)):
        return
    text = " ".join(MARKED.sub(lambda m: f" {plain_math(m[m.lastindex or 0])} ", line).split())
    for sentence in re.split(r"(?<=[a-z\d)][.;])\s+(?=[A-Z(])", text):
        if not _DOUBT.search(sentence):
            yield from _signs(sentence, number, known)
            yield from _results(sentence, number, known)
    yield from _nudged(text, number, known)
    for match in _ADDITION.finditer(text):
        yield from (line_of(number, "d(u + v)/du", n, 1.0, about=False) for n in (match[1], match[3]) if n)


_ASKED = re.compile(rf"\b(?:what|how)\s+about\s+(d{NAME}/d{NAME})\s*\?")


def repeated(before: str, line: str, number: int) -> Iterator[Hint]:
    """Yield the derivatives that a sentence asks for and has just given; it may begin in the line before."""
    if "about" not in line:
        return
    text = MARKED.sub(lambda m: f" {plain_math(m[m.lastindex or 0])} ", f"{before} {line}")
    for match in _ASKED.finditer(text):
        sentence = re.split(r"[.?!]\s", text[: match.start()])[-1]
        if re.search(rf"(?<!\w){match[1]}\s*=", sentence):
            yield Hint(number, match[0], f"{match[1]} has just been given: another derivative may be meant")


def _signs(sentence: str, number: int, known: Known) -> Iterator[Line]:
    """Judge whether a function of one input increases at a place."""
    found = [(m[1], m[2]) for p in _SIGNS for m in re.finditer(p, sentence, re.IGNORECASE)]
    found += [(m[2], m[1]) for p in _SIGNS_AT for m in re.finditer(p, sentence, re.IGNORECASE)]
    for places, said in found:
        for name, at in re.findall(rf"({NAME})\s*=\s*({NUMBER})", places):
            functions = [
                f for f, graph in known.functions.items() if f != ACTIVATION and [*graph.inputs] == [name]
            ]
            if len(functions) != 1:
                continue
            graph = known.functions[functions[0]]
            at = at.strip().rstrip(".,")
            point = Judge(graph, {name: float(plain_number(at))})
            right = point.question(read_target(f"d{functions[0]}/d{name}", graph)).right.number
            if right is not None:
                yield from _sign(number, f"slope of {functions[0]} at {name} = {at}", said, right)


def _sign(number: int, text: str, said: str, right: float) -> Iterator[Line]:
    said = " ".join(said.lower().split())
    if said == "zero" or right:  # x^3 increases at 0, too
        good = right == 0.0 if said == "zero" else (right > 0.0) == (said in _RISING)
        yield Line(number, text, said, right, int(good), not good)


def _results(sentence: str, number: int, known: Known) -> Iterator[Line]:
    """Judge numbers that are compared, are the values of names, or are said to come out of the code above."""
    for match in _COMPARED.finditer(sentence):
        more, less = float(plain_number(match[1])), float(plain_number(match[3]))
        good = (more > less) == (match[2].lower() in ("greater", "larger", "bigger", "higher", "more"))
        text = f"{match[1].strip()} against {match[3].strip()}"
        yield Line(number, text, match[2], more - less, int(good), not good)
    for match in _PROGRAM.finditer(sentence):
        if known.results:
            yield line_of(number, known.results[-1][0], match[1], known.results[-1][1], about=False)
    for match in _VALUE.finditer(sentence):
        name, claimed = match[1] or match[3] or match[5], match[2] or match[4] or match[6]
        if (value := known.again(name)) is not None:
            yield line_of(number, name, claimed, value, about=False)
    for match in _FROM_TO.finditer(sentence):
        yield from _from_to(match, number, known)


def _from_to(match: re.Match[str], number: int, known: Known) -> Iterator[Line]:
    """Judge the numbers between which a result changes by two that the code above gave."""
    said, *claimed = match.groups()
    start, end = (float(plain_number(n)) for n in claimed)
    if said.lower() in (*_RISING, *_FALLING) and start != end:
        yield from _sign(number, f"from {claimed[0].strip()} to {claimed[1].strip()}", said, end - start)
    results = [*known.results]
    for k in range(len(results) - 1, 0, -1):
        lines = [
            line_of(number, results[j][0], n, results[j][1], False)
            for j, n in ((k - 1, claimed[0]), (k, claimed[1]))
        ]
        near = k == len(results) - 1 and abs(end - results[k][1]) <= _NEAR * abs(results[k][1])
        if not lines[0].wrong and (near or not lines[1].wrong):
            yield from lines
            return


def _nudged(text: str, number: int, known: Known) -> Iterator[Line]:
    """Judge the slope by a name that something is added to, of what the code above has with and without."""
    nudged, exact = _NUDGED.search(text), _EXACT.findall(text)
    if nudged is None or not (exact or _MEANT.search(text)):
        return
    name = nudged[1] or nudged[2]
    results = ["".join(formula.split()) for formula, _ in known.results]
    for formula in results:
        more = re.sub(rf"\b{name}\b", rf"({name}+h)", formula)
        if more == formula or more not in results:
            continue
        graph = lowered(formula)
        if graph is None or not graph.inputs.keys() <= known.values.keys() or _DOUBT.search(text):
            return
        point = Judge(graph, {n: known.values[n] for n in graph.inputs})
        right = point.question(read_target(name, graph)).right.number
        if right is None:
            return
        for claimed in exact:
            yield line_of(number, f"slope of {formula} by {name}", claimed, right, about=False)
        if meant := _MEANT.search(text):
            yield from _sign(number, f"slope of {formula} by {name}", meant[1] or meant[2], right)
        return
