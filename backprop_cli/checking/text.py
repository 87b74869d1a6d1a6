"""The article checker: lines of a text that claim a number, worked out again.

Read are ``expression = number`` (also chains, ``a*b = 3*(-2) = -6``), ``expression  # number`` and Python
assignments with the result in a comment. Names keep the values that the text gives them. What cannot be
read is counted, not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isfinite
from typing import NamedTuple

from ..differentiation.evaluate import run
from ..errors import BackpropError
from ..graph import CONSTANT
from ..language.lower import lower
from ..language.operators import CONSTANTS
from ..language.parser import NAME_ITEM, parse
from ..language.tokens import NAME
from .answers import read_answer, written_digits
from .claims import digits_right

LINE_LIMIT = 400
MOST_LINES = 50_000
NODES = 400
_NUMBER = r"[-+−]?\s*(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RESULT = re.compile(
    rf"(?:->|→|=>|=|≈|~|prints?|gives|is)?\s*:?\s*({_NUMBER})\s*(?:\.\.\.|…)?\s*[.;,]?\s*(?:\(.*\))?"
)
_BULLET = re.compile(r"^\s*(?:>>>|\.\.\.|In \[\d+\]:|[-*+>]|\d+[.)])\s+")
_PRINT = re.compile(r"^print\((.*)\)$")
_GIVEN = re.compile(
    rf"(?:^|[\s(,;:])({NAME})\s*=\s*([-+−]?\s*(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?=[\s,;.:)]|$)"
)
_WORDS = re.compile(r"[A-Za-z]{2,}\s+[A-Za-z]{2,}")


class Line(NamedTuple):
    """A line that claims a number.

    Attributes:
        number: From 1.
        text: What is claimed, as written.
        claimed: The number as written.
        right: The number that comes out.
        digits: To how many digits the claim is right.
        wrong: Whether it is neither the number nor its rounding.
    """

    number: int
    text: str
    claimed: str
    right: float
    digits: int
    wrong: bool


class Article(NamedTuple):
    """What was found in a text.

    Attributes:
        path: Its name.
        lines: Those that were judged.
        unread: Numbers of the lines with a claim in them that could not be read.
    """

    path: str
    lines: tuple[Line, ...]
    unread: tuple[int, ...]

    @property
    def wrong(self) -> tuple[Line, ...]:
        """The lines whose number is wrong."""
        return tuple(line for line in self.lines if line.wrong)


def check_text(text: str, path: str) -> Article:
    """Judge the numbers that a text claims."""
    values: dict[str, float] = {}
    judged: list[Line] = []
    unread: list[int] = []
    fenced = False
    for number, raw in enumerate(text.splitlines()[:MOST_LINES], 1):
        if raw.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
            continue
        if len(raw) > LINE_LIMIT:
            unread += [number] if "=" in raw else []
            continue
        pieces = [raw] if fenced else list(_pieces(raw))
        for piece in pieces:
            outcome = _judge(piece, number, values, fenced)
            given = _GIVEN.findall(piece) if outcome is None and not fenced else []
            if given:  # prose: "with a = 3 and b = -2"
                values.update((name, float(x.replace("−", "-").replace(" ", ""))) for name, x in given)
            if outcome is None and len(given) < piece.count("=") + piece.count("≈"):
                unread.append(number)
            judged += outcome or []
    return Article(path, tuple(judged), tuple(dict.fromkeys(unread)))


def _pieces(line: str) -> Iterator[str]:
    """Yield the formulas of a line of prose: what stands in backticks or dollars, else the line."""
    marked = re.findall(r"`([^`]+)`|\$\$?([^$]+)\$\$?", line)
    if marked:
        for code, math in marked:
            text = code or math
            if "=" in text or "#" in text or "≈" in text:
                yield text
        if any("=" in (a or b) for a, b in marked):
            return
    yield _BULLET.sub("", line)


def _judge(piece: str, number: int, values: dict[str, float], fenced: bool) -> list[Line] | None:
    """Judge a piece of text; [] where it claims nothing, None where it cannot be read."""
    text = _BULLET.sub("", piece).replace("\\cdot", "*").replace("\\times", "*").strip().strip("*|").strip()
    if not text or (text.startswith("#") and not fenced):
        return []
    code, mark, comment = text.partition("#")
    code = code.strip().rstrip(";:,.")
    printed = _PRINT.match(code)
    code = printed[1] if printed else code
    if mark:
        result = _RESULT.match(comment.strip())
        if not code:
            return []
        name, expression = _assigned(code)
        value = _value(expression, values)
        if name and value is not None:
            values[name] = value
        if result is None:
            return []
        if value is None:
            return None
        return [_line(number, code, result[1], value)]
    parts = [p.strip() for p in re.split(r"(?<![<>=!])(?:=|≈)(?!=)", code)]
    if len(parts) < 2 or not all(parts):
        return (
            None if "=" in text and re.search(r"\d", text) and not fenced and not _WORDS.search(text) else []
        )
    return _chain(number, parts, values, fenced)


def _assigned(code: str) -> tuple[str | None, str]:
    match = re.fullmatch(rf"({NAME})\s*=(?!=)\s*(.+)", code)
    return (match[1], match[2]) if match else (None, code)


def _chain(number: int, parts: list[str], values: dict[str, float], fenced: bool) -> list[Line] | None:
    """Judge ``name = expression = number``: every part that is a formula against the last number."""
    *before, last = parts
    last = last.rstrip(".,;…").strip()
    claimed = re.fullmatch(_NUMBER, last)
    name = parts[0] if re.fullmatch(NAME, parts[0]) else None
    if claimed is None:
        value = _value(last, values)
        if name and value is not None:
            values[name] = value
            return []
        return (
            []
            if fenced or value is not None or not re.search(r"\d", last) or _WORDS.search(" ".join(parts))
            else None
        )
    found: list[Line] = []
    read = False
    for part in before:
        if part == name and (len(before) > 1 or fenced or name not in values):
            read = read or len(before) == 1
            continue
        value = _value(part, values)
        if value is None:
            continue
        read = True
        if not re.fullmatch(_NUMBER, part):
            found.append(_line(number, part, last, value))
    if name:
        computed = [line.right for line in found]
        plain = _number(last)
        value = computed[0] if computed and len(before) > 1 else plain
        if value is not None:
            values[name] = value
    if not read and not found:
        return None if not _WORDS.search(" ".join(before)) else []
    return found


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "").replace("−", "-").replace(" ", ""))
    except ValueError:
        return None


def _value(text: str, values: dict[str, float]) -> float | None:
    """Work out an expression over the names that the text has given values; None where it cannot be."""
    text = text.replace("math.", "").replace("np.", "").replace("torch.", "").strip()
    if not text or len(text) > LINE_LIMIT:
        return None
    try:
        program = parse(text)
        if len(program.statements) > 1 or program.statements[0].name:
            return None
        names = {i.text for i in program.statements[0].items if i.arity == NAME_ITEM}
        bound = {n: values[n] for n in names if n in values}
        if names - set(bound) - set(CONSTANTS):
            return None
        graph = lower(program, bound)
        if len(graph) > NODES:
            return None
        leaves = {n.id: n.value for n in graph.nodes if n.op is None and n.kind == CONSTANT}
        leaves |= {id: bound[n] for n, id in graph.inputs.items()}
        value = float(run(graph, leaves)[graph.output])
    except (BackpropError, ArithmeticError, ValueError):
        return None
    return value if isfinite(value) else None


def _line(number: int, text: str, claimed: str, right: float) -> Line:
    plain = claimed.replace(",", "").replace("−", "-").replace(" ", "")
    value = float(plain)
    answer = read_answer(plain.lstrip("+"), lower(parse("0")))
    error = abs(value - right)
    # the last digit may be cut off instead of rounded
    good = error <= max(answer.unit * (1.0 + 1e-9), 1e-12 * abs(right), 1e-14)
    if answer.unit and error > 0.5 * answer.unit * (1.0 + 1e-9) and abs(value) > abs(right):
        good = error <= 1e-12 * abs(right)
    digits = written_digits(plain) if good else digits_right(value, right)
    return Line(number, text, claimed, right, digits, not good)
