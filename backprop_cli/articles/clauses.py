"""Lines of prose as clauses, each with whether it is in doubt what it claims."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ..language.tokens import NAME
from .latex import UPDATE, plain_math
from .numbers import NUMBER
from .programs import names_in, worked_out

BULLET = re.compile(r"^\s*(?:>\s+)*(?:(?:>>>|\.\.\.|In \[\d+\]:|[-*+>]|\d+[.)])\s+)?")
SIGN = re.compile(r"[\s>]*([-+])\s")
"""A mark of a list that may be a sign."""

GIVEN = re.compile(rf"({NAME})\s*=\s*({NUMBER})")
EQUALS = re.compile(rf"(?<![<>=!])(?:=|≈|{UPDATE})(?!=)")
MARKED = re.compile(r"`([^`]+)`|\$\$?([^$]+)\$\$?|\\\\?\((.+?)\\?\\\)|\\\\?\[(.+?)\\?\\\]")
_STRONG = re.compile(r"(?<![\w*)])(\*\*?)([A-Za-z][A-Za-z ',.:;]*)\1(?![\w*(])")
MARK = "\0"
_BREAK = re.compile(
    r"[,;.]\s+|(?<=\d):\s+|(?:^|(?<=[\s\0]))(?:and|so|when|where|with|if|for|at(?=\s+\w+\s*=)|thus|hence|then|gives"
    r"|(?:we|you)\s+(?:get|have|find|obtain))\s+",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"\b(?:when|where|with|if|for|at)\b", re.IGNORECASE)
_FOLLOWS = re.compile(r"\b(?:so|thus|hence|then|gives|we|you)\b", re.IGNORECASE)
_OPERATOR = re.compile(r"[*/^=<>≈%]|[-+−]\s")
_WORDS = re.compile(r"(?:(?:[A-Za-z][a-z']+|[aAI](?=\s))(?:[\s,.:;!?]+|$))*")
_SLOPE = re.compile(rf"(?<![\w/*^])[d∂]{NAME}/[d∂]{NAME}(?![\w/*^])")
_MENTIONED = re.compile(rf"{_SLOPE.pattern}|(?<=[a-z]\s)[A-Za-z](?=\s+[a-z]|[.,;]|$)")
"""Names and derivatives that a clause speaks of."""

_LABEL = re.compile(
    r"^(\s*(?:>\s*)*(?:[-*+]\s+|\d+[.)]\s+)?)"
    r"(?:\*\*[A-Za-z][^*=$`|]{0,60}[.:]\*\*:?|(?:Step|Part|Problem|Example)\s\w{1,3}[.:])\s+"
)
"""What a line is headed by: ``**Step 1.**``."""

_GIVES = re.compile(
    rf"(\b{NAME}\s*=\s*{NUMBER})\s+(?:(?:is|gives|yields)\s+(?={NAME}\s*=)"
    rf"|(?=(?:the|its|our)\s+(?:[a-z]+\s+){{1,4}}{NAME}\s*=))"
)
"""Between what is given and what comes out: "the loss with y = 5 is L = 9", "with y = 5 the loss is L"."""

_SETTING = re.compile(rf"(?:an?\s+|the\s+)?(?:[a-z]+\s+)+of\s+{NUMBER}")
"""What a clause sets that is none of the names: "a learning rate of 0.1"."""
_NUMBERED = re.compile(
    r"\b(?:epoch|step|iteration|example|class|layer|neuron|node|unit|sample|round|case|figure|equation|part)"
    r"s?\s+\d+(?:\.\d+)?(?![\w.,^*/+-])",
    re.IGNORECASE,
)
"""What has a number: "epoch 2", "class 1"."""

_PAIR = re.compile(r"\b(?:between|both|sum|product|difference|ratio|quotient|of)\b", re.IGNORECASE)
"""What an "and" may join two of."""

NAMED = re.compile(rf"(?:^|[\s(,;:])({NAME})\s*=(?!=)")

_DEFINED = re.compile(rf"(?<![\w\\])({NAME})\((?:{NAME}(?:\s*,\s*{NAME})*)\)\s*=(?!=)")


def defined_in(text: str) -> list[str]:
    """Return the functions that a text defines, or says to be equal to something: ``f(x) = ...``."""
    return _DEFINED.findall(text)


class _Clause(NamedTuple):
    """A clause of a line of prose.

    Attributes:
        lead: What parts it from the clause before: "," or "and", say.
        text: The clause.
    """

    lead: str
    text: str


def pieces(line: str) -> Iterator[tuple[str, bool]]:
    """Yield the clauses of a line of prose, and whether it is in doubt what each of them claims."""
    row = line.strip()
    if row.startswith("|") and row.endswith("|") and row.count("|") > 2:
        cells = row.strip("|").split("|")
        for cell in cells:
            yield from pieces(cell)
        if (
            not EQUALS.search(row)
            and len({_is_number(c) for c in cells if worked_out(c, {}) is not None}) == 2
        ):
            yield row, True  # a formula and a number: does the one claim to be the other?
        return
    if "#" in row and not MARKED.search(row):
        yield row, False
        return
    marks: list[str] = []

    def mark(match: re.Match[str]) -> str:
        marks.append(match[match.lastindex or 0])
        return MARK

    line = _GIVES.sub(r"\1, ", _LABEL.sub(r"\1", line))
    bullet = BULLET.match(line)
    start = bullet.end() if bullet else 0
    masked = _STRONG.sub(r"\2", MARKED.sub(mark, line[start:].replace(MARK, " ")))
    clauses = _unmarked(_clauses(plain_math(masked)), marks)
    sentence: list[_Clause] = []
    for i, clause in enumerate(clauses):
        if sentence and re.search("[;.]", clause.lead) and not _OPERATOR.match(clause.text):
            yield from _sentence(sentence)
            sentence = []
        # the mark of a list stays with the first clause: it may be a sign
        sentence.append(clause if i or MARK in masked else _Clause("", line[:start] + clause.text))
    yield from _sentence(sentence)


def _is_number(text: str) -> bool:
    return re.fullmatch(NUMBER, text.strip()) is not None


def _clauses(text: str) -> list[_Clause]:
    """Split a text into clauses, outside of brackets."""
    clauses: list[_Clause] = []
    lead, start, depth, seen = "", 0, 0, 0
    for match in _BREAK.finditer(text):
        for character in text[seen : match.start()]:
            depth = max(depth + (character in "([{") - (character in ")]}"), 0)
        seen = match.start()
        if depth:
            continue
        if clause := text[start : match.start()].strip():
            clauses.append(_Clause(lead, clause))
            lead = ""
        lead += match[0]
        start = match.end()
    clause = text[start:].strip()
    return [*clauses, _Clause(lead, clause)] if clause else clauses


def _unmarked(clauses: list[_Clause], marks: list[str]) -> list[_Clause]:
    """Put back what stands in backticks and dollars, each formula as clauses of its own."""
    left = iter(marks)
    found: list[_Clause] = []
    for lead, text in clauses:
        if MARK not in text:
            found.append(_Clause(lead, text))
            continue
        inner = [plain_math(next(left)) for _ in range(text.count(MARK))]
        outside = text.replace(MARK, "").strip().rstrip(".,;:").strip()
        whole = text
        for formula in inner:
            # a name that is only spoken of is a word: "the same for `o_2`"
            word = "it" if re.fullmatch(NAME, formula.strip()) and not _claims(outside) else formula
            whole = whole.replace(MARK, word, 1)
        if not any(_claims(i) or "#" in i for i in inner):
            # `2*3` = 6 is a claim; with words about it, who knows of what
            plain = re.fullmatch(rf"[=≈]\s*(?:{NUMBER})?", outside)
            found.append(_Clause(lead, whole if plain or not _claims(outside) else f"{MARK}{whole}"))
            continue
        if _claims(outside):
            found.append(_Clause(lead, f"{MARK}{whole}"))
            continue
        doubt = MARK if re.search(r"\d", text.partition(MARK)[2]) else ""  # `7/2 = 3` remainder 1
        for formula in inner:
            if "#" in formula or _claims(formula):
                parts = [_Clause("", formula)] if "#" in formula else _clauses(formula)
                found += [_Clause(lead + own or ", ", doubt + part) for own, part in parts]
                lead = ""
    return found


def _claims(text: str) -> bool:
    return EQUALS.search(text) is not None


def _worded(text: str) -> bool:
    """Return whether a clause has nothing but words, names that it speaks of, and numbers of examples."""
    plain = _MENTIONED.sub("it", _NUMBERED.sub("it", re.sub(r"[()]", "", text)))
    return _WORDS.fullmatch(re.sub(r"(?<=[a-z])/(?=[a-z])", " ", plain)) is not None


def _sentence(clauses: list[_Clause]) -> Iterator[tuple[str, bool]]:
    """Yield the clauses of one sentence, conditions ("when n = 5") before what they are about."""
    doubtful: set[int] = set()
    claims = [i for i, c in enumerate(clauses) if _claims(c.text) or "#" in c.text]
    for i, (lead, text) in enumerate(clauses):
        if i in claims:
            before = clauses[i - 1].text if i else ""
            joined = "and" in lead.lower() and i - 1 not in claims and not _SLOPE.search(before)
            if MARK in text or (joined and before and (_PAIR.search(before) or not _worded(before))):
                doubtful.add(i)
            if i and _OPERATOR.match(text):
                doubtful |= {i - 1, i}
        elif not _worded(text) or re.match(r"an?\s", text):
            if _SETTING.fullmatch(text.strip()) and i < max(claims, default=i):
                continue
            # "7/2 = 3, remainder 1", "between 5*2 and 3*2 = 4": part of the claim next to it
            doubtful |= {
                max((c for c in claims if c < i), default=i),
                min((c for c in claims if c > i), default=i),
            }
    given: dict[int, str] = {}
    conditions: list[int] = []
    for i in claims:
        text = clauses[i].text.rstrip(".,;:")
        if match := GIVEN.fullmatch(text):
            given[i] = match[1]
            if _CONDITION.search(clauses[i].lead) or (
                conditions and conditions[-1] == i - 1 and not _FOLLOWS.search(clauses[i].lead)
            ):
                conditions.append(i)
    once = [i for i in conditions if i not in doubtful and [*given.values()].count(given[i]) == 1]
    for i in claims:
        later = {
            n for j, n in given.items() if j > i and j not in once and not _FOLLOWS.search(clauses[j].lead)
        }
        own = re.match(rf"\s*{NAME}\(([\w\s,]+)\)\s*=", clauses[i].text)  # "f(x) = x^2, x = 3"
        if later & (names_in(clauses[i].text) - names_in(own[1] if own else "")) and i not in given:
            doubtful.add(i)
    for i in [*once, *(i for i in claims if i not in once)]:
        text = clauses[i].text.replace(MARK, "")
        if i not in doubtful or re.search(r"\d", text):
            yield text, i in doubtful
