"""The article checker: lines of a text that claim a number, worked out again.

Read are ``expression = number`` (also chains, ``a*b = 3*(-2) = -6``), ``expression  # number`` and Python
assignments with the result in a comment; of functions and steps that the text defines, derivatives, too:
``f(x) = x^2``, then ``f'(3) = 6``; ``L = a*b``, then ``dL/da = 4``. Names keep the values that the text
gives them, until a line of code that cannot be read may have changed them. What cannot be read is counted,
not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from math import isfinite
from typing import NamedTuple

from ..differentiation.evaluate import leaf_values, run
from ..errors import BackpropError, DataError
from ..graph import Graph
from ..language.lower import lower
from ..language.operators import CONSTANTS
from ..language.parser import NAME_ITEM, parse
from ..language.tokens import NAME
from ..ops import FUNCTIONS
from .answers import read_answer, written_digits
from .claims import Judge, read_claim
from .verdicts import EXACT, RIGHT, ROOM, ROUNDED, WRONG, digits_right

LINE_LIMIT = 400
MOST_LINES = 50_000
NODES = 400
ZERO = 1e-14
"""What floats may give for 0, such as sin(pi)."""

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
        right: The number that comes out; None for a formula that is right.
        digits: To how many digits the claim is right.
        wrong: Whether it is neither the number nor its rounding.
    """

    number: int
    text: str
    claimed: str
    right: float | None
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


class _Known:
    """What the text has said so far.

    Attributes:
        values: Number by name.
        steps: Formula by name, in order.
        functions: Program by name.
        given: Names that a line gave a value.
        computed: Names whose value came of a formula.
    """

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.steps: dict[str, str] = {}
        self.functions: dict[str, Graph] = {}
        self.given: set[str] = set()
        self.computed: set[str] = set()

    def give(self, name: str, value: float, formula: str = "") -> None:
        """Give a name a value, by a formula where there is one."""
        again = name in self.values
        self.values[name] = value
        self.given.add(name)
        (self.computed.add if formula else self.computed.discard)(name)
        # what is assigned again is no step of one program
        for other in [n for n, f in self.steps.items() if n == name or (again and name in _names(f))]:
            del self.steps[other]
        if formula and name not in _names(formula) and not re.fullmatch(_NUMBER, formula):
            self.steps[name] = formula

    def forget(self, names: Iterable[str]) -> None:
        """Forget names that may have changed, and the steps over them."""
        for name in names:
            self.values.pop(name, None)
            self.functions.pop(name, None)
            for step in [n for n, f in self.steps.items() if n == name or name in _names(f)]:
                del self.steps[step]

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


def check_text(text: str, path: str) -> Article:
    """Judge the numbers that a text claims.

    Raises:
        DataError: for more lines than are read.
    """
    lines = text.splitlines()
    if len(lines) > MOST_LINES:
        raise DataError(f"{path} has {len(lines):,} lines: up to {MOST_LINES:,} are read")
    known = _Known()
    judged: list[Line] = []
    unread: list[int] = []
    fenced, margin = False, -1
    for number, raw in enumerate(lines, 1):
        if raw.lstrip().startswith(("```", "~~~")):
            fenced, margin = not fenced, -1
            continue
        if len(raw) > LINE_LIMIT:
            unread += [number] if "=" in raw else []
            known.forget(_changed(raw) if fenced else ())
            continue
        if fenced and raw.strip():
            indent = len(raw) - len(raw.lstrip())
            margin = indent if margin < 0 else margin
            if indent > margin or _KEYWORD.match(raw):
                # who knows how often, or with what, a block runs
                known.forget(_changed(raw))
                unread += [number] if _RESULT.match(raw.partition("#")[2].strip()) else []
                continue
        for piece in [raw] if fenced else list(_pieces(raw)):
            known.given.clear()
            try:
                outcome = _judge(piece, number, known, fenced)
            except BackpropError:  # no number of ours: 1e999, other digits than 0 to 9
                outcome = None
            given = _GIVEN.findall(piece) if outcome is None and not fenced else []
            for name, x in given:  # prose: "with a = 3 and b = -2"
                known.give(name, float(_plain_number(x)))
            if fenced:
                known.forget(_changed(piece) - known.given)
            if outcome is None and (fenced or len(given) < piece.count("=") + piece.count("≈")):
                unread.append(number)
            judged += outcome or []
    return Article(path, tuple(judged), tuple(dict.fromkeys(unread)))


_LATEX = (
    (r"\\(?:left|right|,|;|!|quad|displaystyle)", " "),
    (r"\\[dt]?frac\s*\{\s*(?:d|\\partial)\s*(\w+)\s*\}\s*\{\s*(?:d|\\partial)\s*(\w+)\s*\}", r"d\1/d\2"),
    (r"\\partial\s*", "∂"),
    (r"\\(?:cdot|times)(?![a-zA-Z])", "*"),
    (r"\\approx(?![a-zA-Z])", "≈"),
    (r"\\(sin|cos|tan|exp|log|ln|sqrt|pi|tanh|sinh|cosh)(?![a-zA-Z])", r"\1"),
)
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_BRACED = re.compile(r"(\^|sqrt)\s*\{([^{}]*)\}")


def _plain_math(text: str) -> str:
    """Write the LaTeX of teaching articles in our own language; what else there is stays unreadable."""
    if "\\" not in text and "{" not in text:
        return text
    for pattern, plain in _LATEX:
        text = re.sub(pattern, plain, text)
    for _ in range(8):
        text = _BRACED.sub(r"\1(\2)", _FRACTION.sub(r"((\1)/(\2))", text))
    return text


def _pieces(line: str) -> Iterator[str]:
    """Yield the formulas of a line of prose: what stands in backticks or dollars, else the line."""
    if line.strip().startswith("|") and line.rstrip().endswith("|") and line.count("|") > 2:
        for cell in line.strip().strip("|").split("|"):
            yield from _pieces(cell)
        return
    marked = re.findall(r"`([^`]+)`|\$\$?([^$]+)\$\$?", line)
    if marked:
        for code, math in marked:
            text = code or math
            if "=" in text or "#" in text or "≈" in text:
                yield text
        if any("=" in (a or b) for a, b in marked):
            return
    yield _BULLET.sub("", line)


def _judge(piece: str, number: int, known: _Known, fenced: bool) -> list[Line] | None:
    """Judge a piece of text; [] where it claims nothing, None where it cannot be read."""
    text = _plain_math(_BULLET.sub("", piece)).strip().strip("*").strip()
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
        value = _value(expression, known.values)
        if name and value is not None:
            known.give(name, value, expression)
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
    found = _of_defined(number, parts, known)
    return _chain(number, parts, known, fenced) if found is _OTHER else found


_OTHER: list[Line] = []
"""Stands for a claim about nothing that the text defined."""

_SLOPE = re.compile(rf"[d∂]({NAME})\s*/\s*[d∂]({NAME})")
_CALL = re.compile(rf"({NAME})('{{1,2}}|′|″)?\(([^()]+)\)")


def _of_defined(number: int, parts: list[str], known: _Known) -> list[Line] | None:
    """Judge a claim about what the text defined, or take in a definition; `_OTHER` where it is neither."""
    left, *rest = (part.rstrip(".,;") for part in parts)
    if match := _SLOPE.fullmatch(left):
        graph = known.program(match[1])
        if graph is None or not set(graph.inputs) <= set(known.values):
            return None
        if (set(graph.inputs) - set(graph.defaults)) & known.computed:
            return None  # of a name that was given anew since
        return _verdicts(number, left, left, rest, graph, {n: known.values[n] for n in graph.inputs})
    match = _CALL.fullmatch(left)
    if match is None or match[1] in FUNCTIONS:
        return _OTHER
    name, primes, inside = match[1], match[2] or "", [p.strip() for p in match[3].split(",")]
    if not primes and len(rest) == 1 and all(re.fullmatch(NAME, p) for p in inside):
        graph = _lowered(f"{name}({', '.join(inside)}) = {rest[0]}")
        if graph is None or set(graph.inputs) != set(inside):
            known.functions.pop(name, None)
            return None
        known.functions[name] = graph
        return []
    graph = known.functions.get(name)
    if graph is None or len(inside) != len(graph.inputs) or (primes and len(inside) > 1):
        return None
    target = f"{name}{primes}" if primes else name
    if inside == list(graph.inputs):
        return _verdicts(number, left, target, rest, graph, {})
    at = [_value(p, known.values) for p in inside]
    bound = {n: x for n, x in zip(graph.inputs, at, strict=True) if x is not None}
    return _verdicts(number, left, target, rest, graph, bound) if len(bound) == len(at) else None


def _verdicts(
    number: int, left: str, target: str, rest: list[str], graph: Graph, at: dict[str, float]
) -> list[Line] | None:
    """Judge what stands right of a derivative or value; None where nothing of it can be judged."""
    found = []
    for part in rest:
        try:
            verdict = Judge(graph, at, least_digits=1).one(read_claim(target, part, graph))
        except BackpropError:
            return None
        if verdict.verdict in (RIGHT, ROUNDED, WRONG):
            where = ", ".join(f"{n} = {x:g}" for n, x in (verdict.point or {}).items())
            text = f"{left} at {where}" if where else left
            digits = (
                verdict.digits if verdict.digits is not None else written_digits(part) if verdict.good else 0
            )
            found.append(Line(number, text, part, verdict.right, digits, not verdict.good))
    return found or None


def _assigned(code: str) -> tuple[str | None, str]:
    match = re.fullmatch(rf"({NAME})\s*=(?!=)\s*(.+)", code)
    return (match[1], match[2]) if match else (None, code)


def _chain(number: int, parts: list[str], known: _Known, fenced: bool) -> list[Line] | None:
    """Judge ``name = expression = number``: every part that is a formula against the last number."""
    values = known.values
    *before, last = parts
    last = last.rstrip(".,;…").strip()
    claimed = re.fullmatch(_NUMBER, last)
    name = parts[0] if re.fullmatch(NAME, parts[0]) else None
    if claimed is None:
        value = _value(last, values)
        if name and value is not None:
            known.give(name, value, last)
            return []
        return (
            []
            if fenced or value is not None or not re.search(r"\d", last) or _WORDS.search(" ".join(parts))
            else None
        )
    found: list[Line] = []
    read = False
    for part in before:
        # what was given before is given anew; what was computed is claimed again
        if part == name and (len(before) > 1 or fenced or name not in known.computed):
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
        value = computed[0] if computed and len(before) > 1 else float(_plain_number(last))
        if value is not None:
            known.give(name, value, parts[1] if len(before) > 1 else "")
    if not read and not found:
        return None if not _WORDS.search(" ".join(before)) else []
    return found


def _plain_number(text: str) -> str:
    """Write a number without commas and blanks, its minus as we write it."""
    return "".join(text.replace(",", "").replace("−", "-").split())


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
        value = float(run(graph, leaf_values(graph, bound))[graph.output])
    except (BackpropError, ArithmeticError, ValueError):
        return None
    return value if isfinite(value) else None


def _line(number: int, text: str, claimed: str, right: float) -> Line:
    plain = _plain_number(claimed)
    value = float(plain)
    answer = read_answer(plain.lstrip("+"), lower(parse("0")))
    error = abs(value - right)
    # the last digit may be cut off instead of rounded
    good = error <= max(answer.unit * ROOM, EXACT * abs(right), 0.0 if value else ZERO)
    if answer.unit and error > 0.5 * answer.unit * ROOM and abs(value) > abs(right):
        good = error <= EXACT * abs(right)
    digits = written_digits(plain) if good else digits_right(value, right)
    return Line(number, text, claimed, right, digits, not good)
