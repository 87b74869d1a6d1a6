"""Claims of a text, each judged by what the text has said so far."""

from __future__ import annotations

import re

from ..checking.answers import read_target, written_digits
from ..checking.claims import Judge, read_claim
from ..checking.verdicts import LEAST_DIGITS, RIGHT, ROUNDED, WRONG
from ..errors import BackpropError
from ..graph import Graph
from ..language.numbers import brief
from ..language.operators import CONSTANTS
from ..language.tokens import NAME
from ..ops import FUNCTIONS
from .chains import DASH, NOISE, chain
from .clauses import BULLET, EQUALS, GIVEN, NAMED, SIGN
from .code import PROMPT
from .known import SLOPE, Known
from .latex import UPDATE, plain_math
from .lines import Hint, Line, cut_off, in_single, line_of, printed
from .notebook import shown_number
from .numbers import NUMBER, plain_number
from .programs import lowered, names_in, worked_out
from .prose import Said
from .tape import unsettles
from .unread import DOUBT

RESULT = re.compile(
    rf"(?:->|→|=>|=|≈|~|prints?|outputs?|gives|is)?\s*:?\s*({NUMBER})\s*(?:\.\.\.|…)?\s*[.;,]?\s*(?:\(.*\))?"
)
_WRAPS = re.compile(
    r"\b(?:torch|Tensor|tensor|Value|Variable|jnp|tf|float32)\b|\.(?:item|backward|grad|round)\b"
)
"""Code whose numbers are shown to fewer digits than floats have."""

_JOINED = re.compile(r";\s+(?=[A-Za-z_][\w.]*\s*=[^=])")
"""Between statements of code on one line."""

_PRINT = re.compile(r"^print\((.*)\)$")
_LINKS = frozenset(
    "is are be get gets have has had obtain obtains find compute computes yields equals let that set take say"
    " suppose assume see know consider given note means becomes gives try choose pick".split()
)


def judged_piece(
    piece: str, number: int, known: Known, fenced: bool, listed: bool = False
) -> list[Line] | None:
    """Judge a piece of text as `_judge` does; what is none of our numbers (1e999) cannot be read.

    Args:
        piece: Of a line.
        number: Of the line.
        known: What the text has said before.
        fenced: Whether the line is code.
        listed: Whether the line begins with what may be the mark of a list.
    """
    try:
        if fenced:
            return _judge(PROMPT.sub("", piece), number, known, fenced)
        plain = BULLET.sub("", piece)
        values = dict(known.values) if DASH.search(plain) else {}
        found = _judge(_bare(plain, known), number, known, fenced)
        if found and any(line.wrong for line in found) and (sign := SIGN.match(piece)):
            # "- 2*3 = -6": the mark of a list may be a sign
            signed = _judge(f"{sign[1]} {plain}", number, known, fenced)
            if signed and not any(line.wrong for line in signed):
                if listed:
                    known.doubts |= {plain_number(line.claimed).rstrip("."): DOUBT for line in signed}
                    known.forget(NAMED.findall(plain))
                    return None
                found = signed
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
    for dash in DASH.finditer(text):
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
    if fenced and _JOINED.search(piece):
        first, rest = _JOINED.split(piece, maxsplit=1)
        return [*(_judge(first, number, known, fenced) or []), *(_judge(rest, number, known, fenced) or [])]
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
        known.wrapped = known.wrapped or _WRAPS.search(code) is not None
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
        known.results.append((expression, value))
        line = line_of(number, written, result, value, "≈" in comment)
        line = in_single(line) if known.tape.single else line
        if fenced and not known.wrapped and (says := _shown(line, comment)):
            known.hints.append(Hint(number, f"{written}  # {result}", says))
        return [line]
    parts = [p.strip() for p in EQUALS.split(code)]
    if len(parts) < 2 or not all(parts):
        return None if "=" in text and re.search(r"\d", text) and not fenced else []
    about = "≈" in code
    first, *rest = [known.spelled(part) for part in parts]
    parts = [first, *(part if fenced else known.product(part) for part in rest)]
    update = not fenced and (UPDATE in code or first in names_in(parts[1]))
    stated = _stated(parts, number, known) if not (fenced or update) else None
    found = _claim(number, parts, known, fenced, about, update)
    if found is None and stated is not None:
        known.values.pop(first, None)  # whatever it was, this is what it is now
        known.given.add(first)
        return stated
    return found


def _claim(
    number: int, parts: list[str], known: Known, fenced: bool, about: bool, update: bool = False
) -> list[Line] | None:
    found = _OTHER if update else _of_defined(number, parts, known, about)
    return chain(number, parts, known, fenced, about, update) if found is _OTHER else found


def _stated(parts: list[str], number: int, known: Known) -> list[Line] | None:
    """Take in what a name is equal to, ``y = x^3``; return what else is equal to it; None for none."""
    name, *formulas = (part.rstrip(".,;") for part in parts)
    if not re.fullmatch(NAME, name) or any(worked_out(formula, {}) is not None for formula in formulas):
        return None
    known.state(name, formulas[0])
    graph = known.law(name)
    if graph is None:
        return None
    return [
        Line(number, name, formula, None, written_digits(formula), False)
        for formula in formulas[1:]
        if _same(graph, name, formula)
    ]


def _shown(line: Line, comment: str) -> str:
    """Return what is odd about a right number that is said to be shown; "" where nothing is."""
    if "≈" in comment or re.search(r"\.\.\.|…|\b(?:about|approx\w*|roughly|rounded)\b", comment):
        return ""
    if cut_off(line):
        return f"cut off, not rounded: {brief(line.right, 15)} comes out"
    if line.wrong or not re.match(r"\s*(?:prints?|outputs?)\b", comment):
        return ""
    shown, claimed = (brief(x, 12) for x in (line.right, float(plain_number(line.claimed))))
    return f"rounded: {shown} is shown" if shown != claimed else ""


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
        if re.fullmatch(NUMBER, rest[-1].strip()):
            return _OTHER
        graph = known.program(match[1])
        if graph is None or not graph.inputs.keys() <= known.values.keys():
            # the arithmetic right of it may be judged
            return _by_law(number, left, match, rest, known) or (_OTHER if len(rest) > 1 else None)
        if (set(graph.inputs) - set(graph.defaults)) & known.computed:
            return _by_law(number, left, match, rest, known)  # a name was given anew since
        return _verdicts(number, left, left, rest, graph, {n: known.values[n] for n in graph.inputs}, about)
    if operator := _OPERATOR_D.fullmatch(left):
        of = operator[3].strip()
        bracketed = re.fullmatch(r"[(\[]([^()\[\]]*(?:\([^()]*\)[^()\[\]]*)*)[)\]]", of)
        if not bracketed and re.search(r"[-+]", re.sub(r"\([^()]*\)", "", of)):
            return None  # who knows how far it reaches
        of = bracketed[1] if bracketed else of
        return _derivative(number, left, of, operator[1] or operator[2], {}, rest, known)
    match = _CALL.fullmatch(left)
    if match is None or (match[1] in FUNCTIONS and not match[2]):
        return _OTHER
    name, primes, inside = match[1], match[2] or "", [p.strip() for p in match[3].split(",")]
    by = inside[0]
    if len(primes) == 1 and re.fullmatch(NAME, match[3]) and by not in {*CONSTANTS, *known.values}:
        # "tanh'(z) = 1 - tanh(z)^2": the functions in the answer are those of the text
        written = {known.inlined(part): part for part in rest if worked_out(part, {}) is None}
        own = name in known.functions and by in known.functions[name].inputs
        if not (own and [*written] == [*written.values()]) and (
            found := _derivative(number, left, f"{name}({by})", by, {}, [*written], known)
        ):
            return [line._replace(claimed=written[line.claimed]) for line in found]
    if name in FUNCTIONS:
        return _OTHER
    graph = known.functions.get(name)
    if not primes and all(re.fullmatch(NAME, p) and p not in CONSTANTS for p in inside):
        called = graph is not None and inside != list(graph.inputs) and known.values.keys() >= set(inside)
        if not called:
            return _defined(number, left, rest, name, inside, known, about)
    if graph is None or len(inside) != len(graph.inputs) or (primes and len(inside) > 1):
        return None
    target = f"{name}{primes}" if primes else name
    if inside == list(graph.inputs):
        if not _steady(graph, target):  # "f'(x) = 0" is an equation
            rest = [part for part in rest if worked_out(part, {}) is None]
        return _verdicts(number, left, target, rest, graph, {}, about)
    at = [known.value(p) for p in inside]
    bound = {n: x for n, x in zip(graph.inputs, at, strict=True) if x is not None}
    if len(bound) < len(at):
        return None
    # a formula right of f(-x) is over another x
    rest = [part for part in rest if worked_out(part, {}) is not None]
    return _verdicts(number, left, target, rest, graph, bound, about)


def _by_law(number: int, left: str, slope: re.Match[str], rest: list[str], known: Known) -> list[Line] | None:
    """Judge the formulas of a derivative by those that the text has stated: ``dy/dx = 3x^2`` of y = x^3."""
    graph = known.law(slope[1])
    if graph is None or (slope[2] not in graph.inputs and slope[2] not in known.laws):
        return None
    found = [_verdicts(number, left, left, [p], graph, {}, False) for p in rest if worked_out(p, {}) is None]
    return [line for lines in found for line in lines or []] or None


def _defined(
    number: int, left: str, rest: list[str], name: str, inside: list[str], known: Known, about: bool
) -> list[Line] | None:
    """Take in a definition, ``f(x) = (x - 1)^2 = x^2 - 2x + 1``, and judge what else stands in its line."""
    formulas = [part for part in rest if worked_out(part, {}) is None]
    body = next((part for part in formulas if known.define(name, inside, part)), None)
    if body is None:
        return None
    found = []
    for part in rest[rest.index(body) + 1 :]:
        if part in formulas:
            found += _verdicts(number, left, name, [part], known.functions[name], {}, about) or []
        elif re.fullmatch(NUMBER, part) and (value := known.value(body)) is not None:
            found.append(line_of(number, body, part, value, about))
    for part in rest[: rest.index(body)]:
        if (slope := _CALL.fullmatch(part)) and slope[2]:
            found += _of_defined(number, [part, body], known, about) or []
    return found


_OPERATOR_D = re.compile(rf"(?:\(\(d\)/\(d({NAME})\)\)|d\s*/\s*d({NAME}))\s*\*?\s*(?=[\s(\[])(.+)")
"""``d/dx (x^2)``, ``\\frac{d}{dx}``."""


def judged_words(claim: Said, number: int, known: Known) -> list[Line] | None:
    """Judge a derivative claimed in words; None where it is of nothing that the text says."""
    try:
        if claim.of == claim.by and re.fullmatch(NAME, claim.of) and re.fullmatch(NUMBER, claim.answer):
            return [line_of(number, claim.text, claim.answer, 1.0, about=False)]
        if claim.by and claim.at is None and re.fullmatch(NAME, claim.of) and claim.of in known.steps:
            parts = [f"d{claim.of}/d{claim.by}", claim.answer]
            lines = _claim(number, parts, known, fenced=False, about=False)
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
    if not re.search(r"[A-Za-z]", of) or re.fullmatch(NAME, of) or known.hides(of):
        return None  # "the slope of L is 3"
    graph = lowered("\n".join([*definitions, f"{output} = {of}"]))
    if graph is None or (not by and len(graph.inputs) != 1) or (by and by not in graph.inputs):
        return None
    by = by or next(iter(graph.inputs))
    if at and set(at) != set(graph.inputs):
        return None
    target = f"d{output}/d{by}"
    numbers = any(worked_out(answer, {}) is not None for answer in answers)
    if not at and numbers and not _steady(graph, target):
        return None
    return _verdicts(number, text, target, answers, graph, at, about=False)


def _steady(graph: Graph, target: str) -> bool:
    """Return whether a value or derivative is the same number everywhere."""
    points = [Judge(graph, dict.fromkeys(graph.inputs, x)) for x in (-1.3, 0.71, 1.83)]
    found = [point.question(read_target(target, graph)).right.number for point in points]
    rights = [right for right in found if right is not None]
    return len(rights) > 1 and max(rights) - min(rights) <= NOISE


def _same(graph: Graph, target: str, formula: str) -> bool:
    """Return whether a formula is the value or derivative at some points, which few wrong ones are."""
    agree = 0
    for x in (-1.37, 0.61, 1.83, 2.71):
        at = {name: x * (1 + k / 7) for k, name in enumerate(graph.inputs)}
        claimed = worked_out(formula, at)
        right = (
            Judge(graph, at).question(read_target(target, graph)).right.number
            if claimed is not None
            else None
        )
        if claimed is None or right is None:
            continue
        if abs(claimed - right) > NOISE * max(abs(right), 1.0):
            return False
        agree += 1
    return agree > 2


def _verdicts(
    number: int, left: str, target: str, rest: list[str], graph: Graph, at: dict[str, float], about: bool
) -> list[Line] | None:
    """Judge what stands right of a derivative or value; None where nothing of it can be judged."""
    found = []
    for part in rest:
        if not at and _same(graph, target, part):
            found.append(Line(number, left, part, None, written_digits(part), False))
            continue
        try:
            claim = read_claim(target, part, graph)
            # decimals may be rounded to any digit; 3x is not 2x to one
            plain = "." in part or (claim.answer is not None and claim.answer.value is not None)
            verdict = Judge(graph, at, least_digits=1 if plain else LEAST_DIGITS).one(claim)
        except BackpropError:
            return None
        if verdict.verdict in (RIGHT, ROUNDED, WRONG):
            # what has no value at places, y^(-2/3), is right where it has one
            answer, right, good = claim.answer, verdict.right, verdict.good or verdict.mistake == "no value"
            if verdict.verdict != RIGHT and right is not None and answer and answer.value is not None:
                good = printed(answer, answer.value, right, about)
            if about and not good and worked_out(part, {}) is not None and not re.fullmatch(NUMBER, part):
                continue  # of rounded numbers: "≈ 0.54 - 1"
            where = ", ".join(f"{n} = {brief(x)}" for n, x in (verdict.point or {}).items())
            text = f"{left} at {where}" if where else left
            digits = verdict.digits if verdict.digits is not None else written_digits(part) if good else 0
            found.append(Line(number, text, part, right, digits, not good))
    return found or None


def _assigned(code: str) -> tuple[str | None, str]:
    match = re.fullmatch(rf"({NAME})\s*=(?!=)\s*(.+)", code)
    return (match[1], match[2]) if match else (None, code)
