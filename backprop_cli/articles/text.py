"""The article checker: lines of a text that claim a number, worked out again.

Read are ``expression = number`` (also chains, ``a*b = 3*(-2) = -6``), ``expression  # number`` and Python
assignments with the result in a comment; of functions and steps that the text defines, derivatives, too:
``f(x) = x^2``, then ``f'(3) = 6``; ``L = a*b``, then ``dL/da = 4``. Names keep the values that the text
gives them, until a line that cannot be read may have changed them. A line of prose is read clause by clause.
What cannot be read is counted, not guessed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from typing import NamedTuple

from ..checking.answers import Answer, read_answer, read_target, written_digits
from ..checking.claims import Judge, read_claim
from ..checking.verdicts import EXACT, LEAST_DIGITS, RIGHT, ROOM, ROUNDED, WRONG, digits_right
from ..engine.run import leaf_values, run
from ..errors import BackpropError, DataError
from ..graph import Graph
from ..language.lower import lower
from ..language.numbers import brief
from ..language.operators import CONSTANTS
from ..language.parser import NAME_ITEM, parse
from ..language.tokens import NAME
from ..ops import FUNCTIONS
from .latex import plain_math, rows_of
from .notebook import Cell, cells_of, numbers_of
from .numbers import NUMBER, plain_number
from .prose import Said, said
from .unread import BLOCK, DOUBT, HEADING, LONG, PRINTED, Missed, missed

LINE_LIMIT = 400
PROSE_LIMIT = 4_000
MOST_LINES = 50_000
NODES = 400
NOISE = 1e-9
"""What floats may be off where a difference cancels, as a share of a whole number."""

ZERO = 1e-14
"""What floats may give for 0, such as sin(pi)."""

_RESULT = re.compile(
    rf"(?:->|→|=>|=|≈|~|prints?|outputs?|gives|is)?\s*:?\s*({NUMBER})\s*(?:\.\.\.|…)?\s*[.;,]?\s*(?:\(.*\))?"
)
_PROMPT = re.compile(r"^\s*(?:>>>|\.\.\.|In \[\d+\]:)\s+")
_BULLET = re.compile(r"^\s*(?:>\s+)*(?:(?:>>>|\.\.\.|In \[\d+\]:|[-*+>]|\d+[.)])\s+)?")
_PRINT = re.compile(r"^print\((.*)\)$")
_GIVEN = re.compile(rf"({NAME})\s*=\s*{NUMBER}")
_EQUALS = re.compile(r"(?<![<>=!])(?:=|≈)(?!=)")


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


class Article(NamedTuple):
    """What was found in a text.

    Attributes:
        path: Its name.
        lines: Those that were judged.
        unread: Numbers of the lines with a claim in them that could not be read; of a notebook, of the cells.
        missed: Numbers that look like results and were not read, each with the reason.
    """

    path: str
    lines: tuple[Line, ...]
    unread: tuple[int, ...]
    missed: tuple[Missed, ...]

    @property
    def wrong(self) -> tuple[Line, ...]:
        """The lines whose number is wrong."""
        return tuple(line for line in self.lines if line.wrong)


_SLOPE_AT = re.compile(rf"\b({NAME})['′]\(([^()]*)\)")


class _Known:
    """What the text has said so far.

    Attributes:
        values: Number by name.
        steps: Formula by name, in order.
        functions: Program by name.
        definitions: Definition by name, ``f(x) = x^2``.
        given: Names that a line gave a value.
        computed: Names whose value came of a formula.
        slopes: Derivatives that were worked out, ``dL/dw``.
        formulas: Names that had a formula: whether the last one could not be worked out.
    """

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.steps: dict[str, str] = {}
        self.functions: dict[str, Graph] = {}
        self.definitions: dict[str, str] = {}
        self.given: set[str] = set()
        self.computed: set[str] = set()
        self.slopes: dict[str, float] = {}
        self.formulas: dict[str, bool] = {}

    def give(self, name: str, value: float, formula: str = "") -> None:
        """Give a name a value, by a formula where there is one."""
        again = name in self.values
        if again and value != self.values[name]:
            self.slopes.clear()
        self.values[name] = value
        self.given.add(name)
        (self.computed.add if formula else self.computed.discard)(name)
        if formula:
            self.formulas[name] = False
        # what is assigned again is no step of one program
        for other in [n for n, f in self.steps.items() if n == name or (again and name in _names(f))]:
            del self.steps[other]
        if formula and name not in _names(formula) and not re.fullmatch(NUMBER, formula):
            self.steps[name] = formula

    def forget(self, names: Iterable[str]) -> None:
        """Forget names that may have changed, and the steps over them."""
        for name in names:
            if name in self.values:
                self.slopes.clear()
            self.values.pop(name, None)
            self.functions.pop(name, None)
            self.definitions.pop(name, None)
            for step in [n for n, f in self.steps.items() if n == name or name in _names(f)]:
                del self.steps[step]

    def value(self, text: str) -> float | None:
        """Work out an expression over names that have values, and functions that are defined."""
        text = _SLOPE_AT.sub(self._slope, text)
        text = _SLOPE.sub(lambda m: f"({self.slopes[m[0]]!r})" if m[0] in self.slopes else m[0], text)
        return _value(
            text, self.values, [d for n, d in self.definitions.items() if re.search(rf"\b{n}\(", text)]
        )

    def _slope(self, match: re.Match[str]) -> str:
        """Return the number that ``f'(0.4)`` stands for; what cannot be worked out stays as it is."""
        graph, at = self.functions.get(match[1]), self.value(match[2])
        if graph is None or at is None or len(graph.inputs) != 1:
            return match[0]
        ((name, _),), point = graph.inputs.items(), Judge(graph, dict.fromkeys(graph.inputs, at))
        right = point.question(read_target(f"d{match[1]}/d{name}", graph)).right.number
        return match[0] if right is None else f"({right!r})"

    def program(self, output: str) -> Graph | None:
        """Return the program of the steps up to one."""
        names = list(self.steps)
        if output not in names:
            return None
        wanted = {output}
        for name in reversed(names):
            wanted |= _names(self.steps[name]) if name in wanted else set()
        text = "; ".join(f"{n} = {f}" for n, f in self.steps.items() if n in wanted and n != output)
        return _lowered(f"{text}; {output} = {self.steps[output]}".lstrip("; "))


def _names(text: str) -> set[str]:
    return set(re.findall(NAME, text))


def _lowered(text: str) -> Graph | None:
    try:
        graph = lower(parse(text))
    except BackpropError:
        return None
    return graph if len(graph) <= NODES else None


_KEYWORD = re.compile(
    r"\s*(?:async|for|while|def|class|del|with|import|from|global|if|elif|else|try|except|match|case)\b"
)
_CHANGED = re.compile(r"([^=<>!]*?)(?:\*\*|//|<<|>>|[-+*/%&|^@:])?=(?!=)")


def _changed(code: str) -> set[str]:
    """Return the names that a line of code may give another value."""
    if _KEYWORD.match(code):
        return _names(code)
    return set().union(*(_names(left) for left in _CHANGED.findall(code.partition("#")[0])))


_ANEW = re.compile(r"\b(?:now|try|instead|another|example|suppose|this time)\b", re.IGNORECASE)
"""What leads to values that have nothing to do with those before."""

_MATH = "math"
"""A block of formulas, not of code; the word may stand in backticks, too."""

_FENCE = ("```", "~~~")
_DEFINED = re.compile(
    rf"\s*(?:>>> )?\s*def\s+({NAME})\(({NAME}(?:\s*,\s*{NAME})*)\)\s*(?:->\s*\w+\s*)?:\s*(?:return\s+(.+))?"
)


def _fence(line: str, fence: str) -> str:
    """Return the block that a line is in: its language, "code" without one, "" for prose."""
    if not line.lstrip().startswith(_FENCE):
        return fence
    return "" if fence else line.strip().strip("`~").strip() or "code"


def _with_results(lines: list[str], code: bool) -> list[str]:
    """Return lines of code with what they are said to give behind them, where that stands on the next line.

    That is a comment, ``# 6``, or what an interpreter printed below ``>>> f(2)``. A function of one
    expression is written as a definition. A result stays on its line, and its code goes there.
    """
    found, fence = list(lines), "code" if code else ""
    for k, line in enumerate(found[:-1]):
        fence = fence if code else _fence(line, fence)
        following = found[k + 1]
        if fence in ("", _MATH) or not line.strip() or line.lstrip().startswith((*_FENCE, "#")):
            continue
        define = _DEFINED.fullmatch(line.rstrip())
        body = re.fullmatch(r"\s*return\s+([^#]+)", following) if define and not define[3] else None
        if define is not None and (define[3] or body):
            found[k] = f"{define[1]}({define[2]}) = {define[3] or (body and body[1]) or ''}".rstrip()
            found[k + 1] = "" if body else following
        elif "#" not in line and (
            result := _BELOW.fullmatch(following if following.strip()[:1] == "#" else "")
        ):
            found[k], found[k + 1] = "", f"{line.rstrip()}  # {result[1]}"
        elif "#" not in line and _PROMPT.match(line) and _BELOW.fullmatch(f"# {following}"):
            found[k], found[k + 1] = "", f"{line.rstrip()}  # {following.strip()}"
    return found


_BELOW = re.compile(rf"\s*#\s*({NUMBER})\s*")


def check_text(text: str, path: str) -> Article:
    """Judge the numbers that a text claims.

    Raises:
        DataError: for more lines than are read.
    """
    return check_cells([Cell(text.splitlines())], path)


def check_notebook(text: str, path: str) -> Article:
    """Judge the numbers that the cells of a notebook claim, and those that they printed.

    Raises:
        DataError: for what is no notebook, or has more lines than are read.
    """
    return check_cells(cells_of(text, path), path)


def check_cells(cells: Sequence[Cell], path: str) -> Article:
    """Judge the numbers of the cells of a text, one after the other.

    Raises:
        DataError: for more lines than are read.
    """
    if (count := sum(len(cell.lines) + len(cell.printed) for cell in cells)) > MOST_LINES:
        raise DataError(f"{path} has {count:,} lines: up to {MOST_LINES:,} are read")
    known = _Known()
    judged: list[Line] = []
    unread: list[int] = []
    left_out: list[Missed] = []
    for cell in cells:
        if cell.fresh:
            known.forget([*known.values, *known.functions])
        lines, unclear, others = _check(cell, known)
        judged += [line._replace(cell=cell.number) for line in lines]
        unread += unclear if cell.number is None else [cell.number] * bool(unclear)
        left_out += [other._replace(cell=cell.number) for other in others]
    return Article(path, tuple(judged), tuple(dict.fromkeys(unread)), tuple(left_out))


def _check(cell: Cell, known: _Known) -> tuple[list[Line], list[int], list[Missed]]:
    """Return what was judged of a cell, its lines that could not be read, and the numbers missed."""
    judged: list[Line] = []
    unread: list[int] = []
    left_out: list[Missed] = []
    fence, margin = "code" if cell.code else "", -1
    lines = _with_results(cell.lines, cell.code)
    for number, raw in enumerate(lines, 1) if cell.code else rows_of(lines):
        if raw.lstrip().startswith(_FENCE) and not cell.code:
            fence, margin = _fence(raw, fence), -1
            continue
        fenced = fence not in ("", _MATH)
        if fenced and raw.startswith("$ "):
            known.forget([*known.values, *known.functions])  # a command knows nothing of them
            continue
        reason, found = _nothing_read(raw, fenced, margin), Counter[str]()
        if fenced and raw.strip() and margin < 0:
            margin = len(raw) - len(raw.lstrip())
        if reason == LONG:
            unread += [number] if "=" in raw else []
            known.forget(_changed(raw) if fenced else ())
        elif reason == BLOCK:
            known.forget(_changed(raw))
            unread += [number] if _RESULT.match(raw.partition("#")[2].strip()) else []
        elif not fenced and _ANEW.search(raw):
            known.computed.clear()
            known.slopes.clear()
        prose, later = raw, []
        for claim in [] if reason or fenced else said(raw):
            if outcome := _said(claim, number, known):
                judged += outcome
                found.update(_claimed(outcome))
                prose = prose.replace(raw[claim.start : claim.end], " ")
            else:
                later.append(claim)  # of what the rest of the line defines
        for piece, doubtful in [] if reason else [(raw, False)] if fenced else _pieces(prose):
            known.given.clear()
            outcome = None if doubtful else _outcome(piece, number, known, fenced)
            if fenced:
                known.forget(_changed(piece) - known.given)
            elif outcome is None:
                known.forget(set(_NAMED.findall(piece)) - known.given)
            unread += [number] if outcome is None else []
            judged += outcome or []
            found.update(_claimed(outcome or []))
            reason = DOUBT if doubtful else reason
        for claim in later:
            outcome = _said(claim, number, known) or []
            judged += outcome
            found.update(_claimed(outcome))
        left_out += missed(number, raw, fenced, found, reason, known.values, known.functions, known.formulas)
    end = len(cell.lines)
    left_out += [Missed(end, line.strip(), n, PRINTED) for line in cell.printed for n in numbers_of(line)]
    return judged, unread, left_out


def _claimed(lines: list[Line]) -> set[str]:
    return {plain_number(line.claimed).rstrip(".") for line in lines}


def _nothing_read(line: str, fenced: bool, margin: int) -> str:
    """Return why nothing of a line is read, or ""; the margin is that of its block of code, or -1."""
    if len(line) > (LINE_LIMIT if fenced else PROSE_LIMIT):
        return LONG
    if fenced and line.strip():
        # who knows how often, or with what, a block runs
        indent = len(line) - len(line.lstrip())
        return BLOCK if 0 <= margin < indent or _KEYWORD.match(line) else ""
    return HEADING if line.lstrip().startswith("#") and not fenced else ""


def _outcome(piece: str, number: int, known: _Known, fenced: bool) -> list[Line] | None:
    """Judge a piece of text as `_judge` does; what is none of our numbers (1e999) cannot be read."""
    try:
        if fenced:
            return _judge(_PROMPT.sub("", piece), number, known, fenced)
        plain, values = _BULLET.sub("", piece), dict(known.values)
        found = _judge(_bare(plain, known), number, known, fenced)
        if found and found[0].wrong and (sign := re.match(r"[\s>]*([-+])\s", piece)):
            # "- 2*3 = -6": the mark of a list may be a sign
            signed = _judge(f"{sign[1]} {plain}", number, known, fenced)
            found = signed if signed and not signed[0].wrong else found
        if found and any(line.wrong for line in found) and _dashed(plain, number, known, values):
            known.forget(_names(plain))
            known.given.clear()
            return None
        return found
    except BackpropError:
        return None


def _dashed(text: str, number: int, known: _Known, values: dict[str, float]) -> bool:
    """Return whether a claim is right where a minus is read as a dash: "1 + 1 = 2 - 3*4 = 12"."""
    known.values = values  # those before this text was judged
    for dash in _DASH.finditer(text):
        after = text[dash.end() :]
        found = _judge(after, number, known, fenced=False)
        if (found and not any(line.wrong for line in found)) or _GIVEN.fullmatch(after.rstrip(".,;:")):
            return True
    return False


_DASH = re.compile(rf"([=≈]\s*{NUMBER})\s+[-–—]\s+")
_MARKED = re.compile(r"`([^`]+)`|\$\$?([^$]+)\$\$?|\\\((.+?)\\\)|\\\[(.+?)\\\]")
_STRONG = re.compile(r"(?<![\w*)])(\*\*?)([A-Za-z][A-Za-z ',.:;]*)\1(?![\w*(])")
_MARK = "\0"
_BREAK = re.compile(
    r"[,;.]\s+|(?:^|(?<=[\s\0]))(?:and|so|when|where|with|if|for|thus|hence|then|gives|we\s+(?:get|have|find|obtain))\s+",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"\b(?:when|where|with|if|for)\b", re.IGNORECASE)
_FOLLOWS = re.compile(r"\b(?:so|thus|hence|then|gives|we)\b", re.IGNORECASE)
_OPERATOR = re.compile(r"[*/^=<>≈%]|[-+−]\s")
_WORDS = re.compile(r"(?:(?:[A-Za-z][a-z']+|[aAI](?=\s))(?:[\s,.:;!?]+|$))*")
_NAMED = re.compile(rf"(?:^|[\s(,;:])({NAME})\s*=(?!=)")
_LINKS = frozenset(
    "is are be get gets have has had obtain obtains find compute computes yields equals let that set take say"
    " suppose assume see given note means becomes gives try choose pick".split()
)


class _Clause(NamedTuple):
    """A clause of a line of prose.

    Attributes:
        lead: What parts it from the clause before: "," or "and", say.
        text: The clause.
    """

    lead: str
    text: str


def _pieces(line: str) -> Iterator[tuple[str, bool]]:
    """Yield the clauses of a line of prose, and whether it is in doubt what each of them claims."""
    row = line.strip()
    if row.startswith("|") and row.endswith("|") and row.count("|") > 2:
        cells = row.strip("|").split("|")
        for cell in cells:
            yield from _pieces(cell)
        if not _EQUALS.search(row) and len({_is_number(c) for c in cells if _value(c, {}) is not None}) == 2:
            yield row, True  # a formula and a number: does the one claim to be the other?
        return
    if "#" in row and not _MARKED.search(row):
        yield row, False
        return
    marks: list[str] = []

    def mark(match: re.Match[str]) -> str:
        marks.append(match[match.lastindex or 0])
        return _MARK

    bullet = _BULLET.match(line)
    start = bullet.end() if bullet else 0
    masked = _STRONG.sub(r"\2", _MARKED.sub(mark, line[start:].replace(_MARK, " ")))
    clauses = _unmarked(_clauses(plain_math(masked)), marks)
    sentence: list[_Clause] = []
    for i, clause in enumerate(clauses):
        if sentence and re.search("[;.]", clause.lead) and not _OPERATOR.match(clause.text):
            yield from _sentence(sentence)
            sentence = []
        # the mark of a list stays with the first clause: it may be a sign
        sentence.append(clause if i or _MARK in masked else _Clause("", line[:start] + clause.text))
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
        if _MARK not in text:
            found.append(_Clause(lead, text))
            continue
        inner = [plain_math(next(left)) for _ in range(text.count(_MARK))]
        outside = text.replace(_MARK, "").strip().rstrip(".,;:").strip()
        whole = text
        for formula in inner:
            whole = whole.replace(_MARK, formula, 1)
        if not any(_claims(i) or "#" in i for i in inner):
            # `2*3` = 6 is a claim; with words about it, who knows of what
            plain = re.fullmatch(rf"[=≈]\s*(?:{NUMBER})?", outside)
            found.append(_Clause(lead, whole if plain or not _claims(outside) else f"{_MARK}{whole}"))
            continue
        if _claims(outside):
            found.append(_Clause(lead, f"{_MARK}{whole}"))
            continue
        doubt = _MARK if re.search(r"\d", text.partition(_MARK)[2]) else ""  # `7/2 = 3` remainder 1
        for formula in inner:
            if "#" in formula or _claims(formula):
                parts = [_Clause("", formula)] if "#" in formula else _clauses(formula)
                found += [_Clause(lead + own or ", ", doubt + part) for own, part in parts]
                lead = ""
    return found


def _claims(text: str) -> bool:
    return _EQUALS.search(text) is not None


def _sentence(clauses: list[_Clause]) -> Iterator[tuple[str, bool]]:
    """Yield the clauses of one sentence, conditions ("when n = 5") before what they are about."""
    doubtful: set[int] = set()
    claims = [i for i, c in enumerate(clauses) if _claims(c.text) or "#" in c.text]
    for i, (lead, text) in enumerate(clauses):
        if i in claims:
            before = clauses[i - 1].text if i else ""
            if _MARK in text or (i and "and" in lead.lower() and i - 1 not in claims and before):
                doubtful.add(i)
            if i and _OPERATOR.match(text):
                doubtful |= {i - 1, i}
        elif not _WORDS.fullmatch(text) or re.match(r"an?\s", text):
            # "7/2 = 3, remainder 1", "between 5*2 and 3*2 = 4": part of the claim next to it
            doubtful |= {
                max((c for c in claims if c < i), default=i),
                min((c for c in claims if c > i), default=i),
            }
    given: dict[int, str] = {}
    conditions: list[int] = []
    for i in claims:
        text = clauses[i].text.rstrip(".,;:")
        if match := _GIVEN.fullmatch(text):
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
        if later & (_names(clauses[i].text) - _names(own[1] if own else "")) and i not in given:
            doubtful.add(i)
    for i in [*once, *(i for i in claims if i not in once)]:
        text = clauses[i].text.replace(_MARK, "")
        if i not in doubtful or re.search(r"\d", text):
            yield text, i in doubtful


def _bare(text: str, known: _Known) -> str:
    """Drop the words that lead to a formula ("the loss is", "we get"), where none can be a part of it."""
    words = text.split()
    taken = set(known.values) | set(known.functions) | set(FUNCTIONS) | set(CONSTANTS)
    cut = 0
    for i, word in enumerate(words, 1):
        plain = word.rstrip(",:")
        if plain in taken or not re.fullmatch(r"[A-Za-z][a-z']+|[aAI]", plain):
            break
        cut = i if plain.lower() in _LINKS or word.endswith(":") else cut
    return " ".join(words[cut:]) if cut else text


def _judge(piece: str, number: int, known: _Known, fenced: bool) -> list[Line] | None:
    """Judge a piece of text; [] where it claims nothing, None where it cannot be read."""
    text = plain_math(piece).strip().strip("*").strip()
    code, mark, comment = text.partition("#")
    code = code.strip().rstrip(";:,.")
    printed = _PRINT.match(code)
    code = printed[1] if printed else code
    if mark:
        result = _RESULT.match(comment.strip())
        if not code:
            return []
        name, expression = _assigned(code)
        value = known.value(expression)
        if name and value is not None:
            known.give(name, value, expression)
        if result is None:
            return []
        if value is None or result.end() < len(comment.strip()):
            return None  # "x*2  # 2 times x" claims no 2
        return [_line(number, code, result[1], value, "≈" in comment)]
    parts = [p.strip() for p in _EQUALS.split(code)]
    if len(parts) < 2 or not all(parts):
        return None if "=" in text and re.search(r"\d", text) and not fenced else []
    about = "≈" in code
    found = _of_defined(number, parts, known, about)
    if found is _OTHER:
        found = _chain(number, parts, known, fenced, about)
    if found and _SLOPE.fullmatch(parts[0]):
        known.slopes.pop(parts[0], None)
        if not any(line.wrong or line.right is None for line in found):
            known.slopes[parts[0]] = float(found[0].right or 0.0)
    return found


_OTHER: list[Line] = []
"""Stands for a claim about nothing that the text defined."""

_SLOPE = re.compile(rf"[d∂]({NAME})\s*/\s*[d∂]({NAME})")
_CALL = re.compile(rf"({NAME})('{{1,2}}|′|″)?\(([^()]+)\)")


def _of_defined(number: int, parts: list[str], known: _Known, about: bool) -> list[Line] | None:
    """Judge a claim about what the text defined, or take in a definition; `_OTHER` where it is neither."""
    left, *rest = (part.rstrip(".,;") for part in parts)
    if match := _SLOPE.fullmatch(left):
        graph = known.program(match[1])
        if graph is None or not set(graph.inputs) <= set(known.values):
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
        graph = _lowered(f"{name}({', '.join(inside)}) = {rest[0]}")
        if graph is None or set(graph.inputs) != set(inside):
            known.forget([name])
            return None
        known.functions[name] = graph
        known.definitions[name] = f"{name}({', '.join(inside)}) = {rest[0]}"
        known.given |= {name, *inside}
        return []
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


def _said(claim: Said, number: int, known: _Known) -> list[Line] | None:
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
    number: int, text: str, of: str, by: str, at: dict[str, float], answers: list[str], known: _Known
) -> list[Line] | None:
    """Judge the derivative of an expression, or of a function that the text defines.

    Without a point, a number is only judged where the derivative is the same everywhere.
    """
    if function := known.functions.get(of):
        of = f"{of}({', '.join(function.inputs)})"
    definitions = [d for n, d in known.definitions.items() if re.search(rf"\b{n}\(", of)]
    output = next(n for n in ("y", "z", "out", "result_") if n not in _names(of) and n != by)
    if not re.search(r"[A-Za-z]", of) or re.fullmatch(NAME, of):
        return None  # "the slope of L is 3"
    graph = _lowered("\n".join([*definitions, f"{output} = {of}"]))
    if graph is None or (not by and len(graph.inputs) != 1) or (by and by not in graph.inputs):
        return None
    by = by or next(iter(graph.inputs))
    if at and set(at) != set(graph.inputs):
        return None
    target = f"d{output}/d{by}"
    if not at and any(_value(answer, {}) is not None for answer in answers):
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


def _chain(number: int, parts: list[str], known: _Known, fenced: bool, about: bool) -> list[Line] | None:
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
            known.give(name, value, last)
            return []
        if name and name not in _names(last):
            known.formulas[name] = True
        return None if not fenced and re.search(r"\d", " ".join(parts)) else []
    # left of what cannot be read, another claim may have ended: "2*3 = 6 apples = 5"
    unclear = [i for i, part in enumerate(before) if part != name and known.value(part) is None]
    if unclear and unclear[-1]:
        if name and not _DASH.search(" = ".join(parts)) and all(_lowered(part) for part in before[1:]):
            known.give(name, float(plain_number(last)))
        name, before = None, before[unclear[-1] + 1 :]
    found: list[Line] = []
    read = False
    for part in before:
        # what was given before is given anew; what was computed is claimed again
        if part == name and (len(before) > 1 or fenced or name not in known.computed):
            read = read or len(before) == 1
            continue
        value = known.value(part)
        if value is None:
            continue
        read = True
        if not re.fullmatch(NUMBER, part):
            stated = float(plain_number(last))
            if not fenced and stated.is_integer() and abs(stated - value) <= NOISE * max(abs(stated), 1.0):
                value = stated  # a formula is of real numbers, not of floats: (L + h - L)/h = 1
            found.append(_line(number, part, last, value, about))
    if name:
        computed = [line.right for line in found]
        value = computed[0] if computed and len(before) > 1 else float(plain_number(last))
        if value is not None:
            known.give(name, value, parts[1] if len(before) > 1 else "")
    return found if read or found else None


def _value(text: str, values: dict[str, float], definitions: Sequence[str] = ()) -> float | None:
    """Work out an expression over the names that the text has given values; None where it cannot be."""
    text = text.replace("math.", "").replace("np.", "").replace("torch.", "").strip()
    if not text or len(text) > LINE_LIMIT:
        return None
    try:
        program = parse("\n".join([*definitions, text]))
        *before, last = program.statements
        if len(before) > len(definitions) or last.name:
            return None
        names = {i.text for i in last.items if i.arity == NAME_ITEM}
        bound = {n: values[n] for n in names if n in values}
        if names - set(bound) - set(CONSTANTS):
            return None
        graph = lower(program, bound)
        if len(graph) > NODES:
            return None
        value = float(run(graph, leaf_values(graph, bound))[graph.output])
    except (BackpropError, ArithmeticError, ValueError):
        return None
    return value if isfinite(value) else None


def _line(number: int, text: str, claimed: str, right: float, about: bool) -> Line:
    plain = plain_number(claimed)
    value = float(plain)
    good = _printed(read_answer(plain.lstrip("+"), lower(parse("0"))), value, right, about)
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
