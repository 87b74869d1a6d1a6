"""Claims of a text, each judged by what the text has said so far."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..checking.answers import Answer, read_answer, read_target, written_digits
from ..checking.claims import Judge, read_claim
from ..checking.verdicts import EXACT, LEAST_DIGITS, RIGHT, ROOM, ROUNDED, WRONG, digits_right, is_slip
from ..errors import BackpropError
from ..graph import Graph
from ..language.lower import lower
from ..language.numbers import brief
from ..language.operators import CONSTANTS
from ..language.parser import parse
from ..language.tokens import NAME
from ..ops import FUNCTIONS
from .clauses import BULLET, EQUALS, GIVEN
from .code import PROMPT
from .known import SLOPE, Known
from .latex import UPDATE, plain_math
from .notebook import shown_number
from .numbers import NUMBER, plain_number
from .programs import lowered, names_in, worked_out
from .prose import Said
from .tape import unsettles

NOISE = 1e-9
"""What floats may be off where a difference cancels, as a share of a whole number."""

ZERO = 1e-14
"""What floats may give for 0, such as sin(pi)."""

RESULT = re.compile(
    rf"(?:->|→|=>|=|≈|~|prints?|outputs?|gives|is)?\s*:?\s*({NUMBER})\s*(?:\.\.\.|…)?\s*[.;,]?\s*(?:\(.*\))?"
)
_PRINT = re.compile(r"^print\((.*)\)$")
_DASH = re.compile(rf"([=≈]\s*{NUMBER})\s+[-–—]\s+")
_LINKS = frozenset(
    "is are be get gets have has had obtain obtains find compute computes yields equals let that set take say"
    " suppose assume see given note means becomes gives try choose pick".split()
)


class Line(NamedTuple):
    """A line that claims a number.

    Attributes:
        number: From 1.
        text: What is claimed, as written.
        claimed: The number as written.
        right: The number that comes out; None for a formula that is right.
        digits: To how many digits the claim is right.
        wrong: Whether it is neither the number nor its rounding.
        cell: Of a notebook, from 1; the lines are then those of the cell.
    """

    number: int
    text: str
    claimed: str
    right: float | None
    digits: int
    wrong: bool
    cell: int | None = None


def judged_piece(piece: str, number: int, known: Known, fenced: bool) -> list[Line] | None:
    """Judge a piece of text as `_judge` does; what is none of our numbers (1e999) cannot be read."""
    try:
        if fenced:
            return _judge(PROMPT.sub("", piece), number, known, fenced)
        plain = BULLET.sub("", piece)
        values = dict(known.values) if _DASH.search(plain) else {}
        found = _judge(_bare(plain, known), number, known, fenced)
        if found and found[0].wrong and (sign := re.match(r"[\s>]*([-+])\s", piece)):
            # "- 2*3 = -6": the mark of a list may be a sign
            signed = _judge(f"{sign[1]} {plain}", number, known, fenced)
            found = signed if signed and not signed[0].wrong else found
        if found and any(line.wrong for line in found) and _dashed(plain, number, known, values):
            known.forget(names_in(plain))
            known.given.clear()
            return None
        return found
    except BackpropError:
        return None


def _dashed(text: str, number: int, known: Known, values: dict[str, float]) -> bool:
    """Return whether a claim is right where a minus is read as a dash: "1 + 1 = 2 - 3*4 = 12"."""
    judged, known.values = known.values, values  # those before this text was judged
    for dash in _DASH.finditer(text):
        after = text[dash.end() :]
        found = _judge(after, number, known, fenced=False)
        if (found and not any(line.wrong for line in found)) or GIVEN.fullmatch(after.rstrip(".,;:")):
            return True
    known.values = judged
    return False


def _bare(text: str, known: Known) -> str:
    """Drop the words that lead to a formula ("the loss is", "we get"), where none can be a part of it."""
    words = text.split()
    taken = known.values, known.functions, FUNCTIONS, CONSTANTS
    cut = 0
    for i, word in enumerate(words, 1):
        plain = word.rstrip(",:")
        if any(plain in names for names in taken) or not re.fullmatch(r"[A-Za-z][a-z']+|[aAI]", plain):
            break
        cut = i if plain.lower() in _LINKS or word.endswith(":") else cut
    return " ".join(words[cut:]) if cut else text


def _judge(piece: str, number: int, known: Known, fenced: bool) -> list[Line] | None:
    """Judge a piece of text; [] where it claims nothing, None where it cannot be read."""
    text = plain_math(piece).strip().strip("*").strip()
    code, mark, comment = text.partition("#")
    code = code.strip().rstrip(";:,.")
    printed = _PRINT.match(code)
    code = printed[1] if printed else code
    written = code
    if fenced and code:
        plain = known.tape.read(code, known.values, [*known.definitions.values()])
        known.given |= set() if plain else names_in(code)
        if unsettles(plain):
            known.forget([*known.values])
        code = plain
    if mark:
        result = _result(comment.strip())
        if not code:
            return []
        name, expression = _assigned(code)
        value = known.value(expression)
        if name and value is not None:
            known.give(name, value, expression)
        if result is None:
            return []
        if value is None or not result:
            return None
        return [_line(number, written, result, value, "≈" in comment)]
    parts = [p.strip() for p in EQUALS.split(code)]
    if len(parts) < 2 or not all(parts):
        return None if "=" in text and re.search(r"\d", text) and not fenced else []
    about = "≈" in code
    parts = [known.spelled(part) for part in parts]
    update = not fenced and (UPDATE in code or parts[0] in names_in(parts[1]))
    found = _OTHER if update else _of_defined(number, parts, known, about)
    if found is _OTHER:
        found = _chain(number, parts, known, fenced, about, update)
    if found and SLOPE.fullmatch(parts[0]):
        known.slopes.pop(parts[0], None)
        if not any(line.wrong or line.right is None for line in found):
            known.slopes[parts[0]] = float(found[0].right or 0.0)
    return found


def _result(comment: str) -> str | None:
    """Return the number that a comment says comes out; "" where it may say something else of it."""
    result = RESULT.match(comment)
    if result is None:
        return shown_number(comment) or None
    rest = comment[result.end() :]
    # "x*2  # 2 times x" claims no 2; "# prints 24.7, the outcome" claims 24.7
    told = re.match(r"(?:->|→|=>|=|prints?|outputs?)", comment) and re.search(r"[,;]\s*$", result[0])
    return result[1] if not rest or (told and not re.search(r"\d", rest)) else ""


_OTHER: list[Line] = []
"""Stands for a claim about nothing that the text defined."""
_CALL = re.compile(rf"({NAME})('{{1,2}}|′|″)?\(([^()]+)\)")


def _of_defined(number: int, parts: list[str], known: Known, about: bool) -> list[Line] | None:
    """Judge a claim about what the text defined, or take in a definition; `_OTHER` where it is neither."""
    left, *rest = (part.rstrip(".,;") for part in parts)
    if match := SLOPE.fullmatch(left):
        graph = known.program(match[1])
        if graph is None or not graph.inputs.keys() <= known.values.keys():
            return _OTHER if len(rest) > 1 else None  # the arithmetic right of it may be judged
        if (set(graph.inputs) - set(graph.defaults)) & known.computed:
            return None  # of a name that was given anew since
        return _verdicts(number, left, left, rest, graph, {n: known.values[n] for n in graph.inputs}, about)
    if operator := _OPERATOR_D.fullmatch(left):
        of = operator[3].strip()
        bracketed = re.fullmatch(r"[(\[]([^()\[\]]*(?:\([^()]*\)[^()\[\]]*)*)[)\]]", of)
        if not bracketed and re.search(r"[-+]", re.sub(r"\([^()]*\)", "", of)):
            return None  # who knows how far it reaches
        of = bracketed[1] if bracketed else of
        return _derivative(number, left, of, operator[1] or operator[2], {}, rest, known)
    match = _CALL.fullmatch(left)
    if match is None or match[1] in FUNCTIONS:
        return _OTHER
    name, primes, inside = match[1], match[2] or "", [p.strip() for p in match[3].split(",")]
    if not primes and len(rest) == 1 and all(re.fullmatch(NAME, p) for p in inside):
        return [] if known.define(name, inside, rest[0]) else None
    graph = known.functions.get(name)
    if graph is None or len(inside) != len(graph.inputs) or (primes and len(inside) > 1):
        return None
    target = f"{name}{primes}" if primes else name
    if inside == list(graph.inputs):
        return _verdicts(number, left, target, rest, graph, {}, about)
    at = [known.value(p) for p in inside]
    bound = {n: x for n, x in zip(graph.inputs, at, strict=True) if x is not None}
    return _verdicts(number, left, target, rest, graph, bound, about) if len(bound) == len(at) else None


_OPERATOR_D = re.compile(rf"(?:\(\(d\)/\(d({NAME})\)\)|d\s*/\s*d({NAME}))\s*\*?\s*(?=[\s(\[])(.+)")
"""``d/dx (x^2)``, ``\\frac{d}{dx}``."""


def judged_words(claim: Said, number: int, known: Known) -> list[Line] | None:
    """Judge a derivative claimed in words; None where it is of nothing that the text says."""
    try:
        if claim.by and claim.at is None and re.fullmatch(NAME, claim.of) and claim.of in known.steps:
            lines = _of_defined(number, [f"d{claim.of}/d{claim.by}", claim.answer], known, about=False)
        else:
            at = {claim.at[0]: float(plain_number(claim.at[1]))} if claim.at else {}
            lines = _derivative(number, claim.text, claim.of, claim.by, at, [claim.answer], known)
    except BackpropError:
        return None
    return [line._replace(text=claim.text) for line in lines] if lines else None


def _derivative(
    number: int, text: str, of: str, by: str, at: dict[str, float], answers: list[str], known: Known
) -> list[Line] | None:
    """Judge the derivative of an expression, or of a function that the text defines.

    Without a point, a number is only judged where the derivative is the same everywhere.
    """
    if function := known.functions.get(of):
        of = f"{of}({', '.join(function.inputs)})"
    definitions = known.definitions_in(of)
    output = next(n for n in ("y", "z", "out", "result_") if n not in names_in(of) and n != by)
    if not re.search(r"[A-Za-z]", of) or re.fullmatch(NAME, of):
        return None  # "the slope of L is 3"
    graph = lowered("\n".join([*definitions, f"{output} = {of}"]))
    if graph is None or (not by and len(graph.inputs) != 1) or (by and by not in graph.inputs):
        return None
    by = by or next(iter(graph.inputs))
    if at and set(at) != set(graph.inputs):
        return None
    target = f"d{output}/d{by}"
    if not at and any(worked_out(answer, {}) is not None for answer in answers):
        points = [Judge(graph, dict.fromkeys(graph.inputs, x)) for x in (-1.3, 0.71, 1.83)]
        found = [point.question(read_target(target, graph)).right.number for point in points]
        rights = [right for right in found if right is not None]
        if len(rights) < 2 or max(rights) - min(rights) > NOISE:
            return None
    return _verdicts(number, text, target, answers, graph, at, about=False)


def _verdicts(
    number: int, left: str, target: str, rest: list[str], graph: Graph, at: dict[str, float], about: bool
) -> list[Line] | None:
    """Judge what stands right of a derivative or value; None where nothing of it can be judged."""
    found = []
    for part in rest:
        try:
            claim = read_claim(target, part, graph)
            # decimals may be rounded to any digit; 3x is not 2x to one
            plain = "." in part or (claim.answer is not None and claim.answer.value is not None)
            verdict = Judge(graph, at, least_digits=1 if plain else LEAST_DIGITS).one(claim)
        except BackpropError:
            return None
        if verdict.verdict in (RIGHT, ROUNDED, WRONG):
            answer, right, good = claim.answer, verdict.right, verdict.good
            if verdict.verdict != RIGHT and right is not None and answer and answer.value is not None:
                good = _printed(answer, answer.value, right, about)
            where = ", ".join(f"{n} = {brief(x)}" for n, x in (verdict.point or {}).items())
            text = f"{left} at {where}" if where else left
            digits = verdict.digits if verdict.digits is not None else written_digits(part) if good else 0
            found.append(Line(number, text, part, right, digits, not good))
    return found or None


def _assigned(code: str) -> tuple[str | None, str]:
    match = re.fullmatch(rf"({NAME})\s*=(?!=)\s*(.+)", code)
    return (match[1], match[2]) if match else (None, code)


def _chain(
    number: int, parts: list[str], known: Known, fenced: bool, about: bool, update: bool = False
) -> list[Line] | None:
    """Judge ``name = expression = number``: every part that is a formula against the last number."""
    while (
        len(parts) > 2
        and not re.fullmatch(NUMBER, parts[-1].rstrip(".,;…").strip())
        and any(re.fullmatch(NUMBER, part) for part in parts[1:-1])
    ):
        parts = parts[:-1]  # "2*3 = 6 = 12/2"
    *before, last = parts
    last = last.rstrip(".,;…").strip()
    claimed = re.fullmatch(NUMBER, last)
    name = parts[0] if re.fullmatch(NAME, parts[0]) else None
    if claimed is None:
        value = known.value(last)
        if name and value is not None:
            if update:
                known.update(name, value)
            else:
                known.give(name, value, last)
            return []
        if name and name not in names_in(last):
            known.formulas[name] = True
        return None if not fenced and re.search(r"\d", " ".join(parts)) else []
    # left of what cannot be read, another claim may have ended: "2*3 = 6 apples = 5"
    owner = name
    unclear = [i for i, part in enumerate(before) if part != name and known.value(part) is None]
    if unclear and unclear[-1]:
        if _DASH.search(" = ".join(parts)) or not all(lowered(part) for part in before[1:]):
            owner = None
        name, before = None, before[unclear[-1] + 1 :]
    found = _started(number, name, before[1], known) if name and update and len(before) > 1 else []
    starts, read = len(found), False
    for part in before:
        # what was given before is given anew; what was computed is claimed again
        if part == name and (len(before) > 1 or fenced or not known.claims_again(name)):
            read = read or len(before) == 1
        elif re.fullmatch(NUMBER, part):
            read = True
        elif line := _worked_out(number, part, last, known, about, fenced):
            read = True
            found.append(line)
    if owner:
        written = float(plain_number(last))
        if update and len(parts) > 2:
            known.update(owner, written)
        else:
            computed = [line.right for line in found[starts:] if len(parts) > 2 and line.right is not None]
            known.give(
                owner, computed[0] if computed else written, parts[1] if len(parts) > 2 else "", written
            )
    return found if read or found else None


_NO_NAMES = lower(parse("0"))
"""What a number is read over."""


def _worked_out(number: int, part: str, last: str, known: Known, about: bool, fenced: bool) -> Line | None:
    """Judge a number by an expression; None where that cannot be worked out.

    In formulas it is right, too, where it comes of the rounded numbers that the text wrote, or of those that
    names were updated to.
    """
    stated = float(plain_number(last))
    first: Line | None = None
    for over in ({}, known.written, known.updates) if not fenced else ({},):
        value = known.value(part, over)
        if value is None:
            return first
        if not fenced and stated.is_integer() and abs(stated - value) <= NOISE * max(abs(stated), 1.0):
            value = stated  # a formula is of real numbers, not of floats: (L + h - L)/h = 1
        line = _line(number, part, last, value, about)
        if not line.wrong and over is known.updates:
            known.take(part)
        if not line.wrong or part in over:
            return line
        first = first or line
    return first


def _started(number: int, name: str, formula: str, known: Known) -> list[Line]:
    """Judge the number that a step starts from, ``x ← 0.4 - ...``, by the one that the step before ended in.

    Only what looks like that one with a slip in it is wrong: one may start elsewhere.
    """
    start = re.match(rf"\(?({NUMBER})\)?\s*[-+−]", formula)
    if start is None or name not in known.updates:
        return []
    line = _line(number, f"{name} before the step", start[1].strip(), known.updates[name], about=False)
    value = float(plain_number(start[1]))
    slip = is_slip(read_answer(plain_number(start[1]), _NO_NAMES), value, known.updates[name])
    return [line] if line.wrong and slip else []


def _line(number: int, text: str, claimed: str, right: float, about: bool) -> Line:
    plain = plain_number(claimed)
    value = float(plain)
    good = _printed(read_answer(plain.lstrip("+"), _NO_NAMES), value, right, about)
    digits = written_digits(plain) if good else digits_right(value, right)
    return Line(number, text, claimed, right, digits, not good)


def _printed(answer: Answer, value: float, right: float, about: bool) -> bool:
    """Return whether a number of a text is the right one, as it may be printed.

    A decimal may be rounded or cut off at its last digit. A whole number is meant as it stands where the
    right one is whole, too; else it may be rounded, to three digits or more. Behind ``≈`` it may be rounded
    anyway, the zeros at its end with it.
    """
    error = abs(value - right)
    if error <= max(EXACT * abs(right), 0.0 if value else ZERO):
        return True
    if answer.unit:
        return error <= answer.unit * ROOM * (0.5 if abs(value) > abs(right) else 1.0)
    steps = [step for step, digits in answer.readings if about or (step == 1.0 and digits >= LEAST_DIGITS)]
    return (about or right % 1.0 != 0.0) and any(error <= 0.5 * step * ROOM for step in steps)
