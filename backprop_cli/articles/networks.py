"""Networks that a text works by hand: the activation that it chooses, numbers put in, rounding, mistakes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..checking.answers import written_digits
from ..checking.claims import Judge, read_claim
from ..checking.verdicts import LEAST_DIGITS, WRONG
from .known import SIGMOID, SLOPE, Known, stem
from .lines import Line, line_of
from .numbers import plain_number

_NAMED = "relu|sigmoid|logistic|tanh|hyperbolic tangent|the identity"
_OTHERWISE = {"logistic": SIGMOID, "hyperbolic tangent": "tanh(x)", "the identity": "x"}
_CHOSEN = re.compile(
    rf"(?:activation(?:\s+function)?s?\b|\\?\bsigma\b|σ)[^.;|]{{0,60}}?\b(?:is|be|to|as|use|uses|using|the)\s+"
    rf"(?:the\s+|an?\s+)?[`$*]*(?:{_NAMED})\b"
    rf"|\b(?:{_NAMED})\b[^.;|]{{0,30}}?\bas\s+(?:the\s+|our\s+|an?\s+)?activation",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\b(?:examples?|such|like|or|popular|common\w*|other|others|instead|not|never|if|could|can|may|might|often|usually"
    r"|leaky|parametric|hidden|output|layer|layers|compare\w*|than|vs|versus|e\.g)\b|\?",
    re.IGNORECASE,
)
"""Words of a sentence that does not choose one for the whole page."""


def activations_in(text: str) -> set[str]:
    """Return the activations that a text speaks of, as functions of x."""
    words = [n.lower() for n in re.findall(rf"\b(?:{_NAMED})\b", text, re.IGNORECASE)]
    return {_OTHERWISE.get(word, f"{word}(x)") for word in words}


def activation_in(line: str) -> str | None:
    """Return the function of x that a line of prose chooses for the activation; None where it chooses none.

    A sentence with two of them, or of one layer, chooses none.
    """
    for sentence in re.split(r"(?<=[.;])\s", line):
        named = activations_in(sentence)
        if len(named) == 1 and _CHOSEN.search(sentence) and not _OPEN.search(sentence):
            return named.pop()
    return None


_LITERAL = re.compile(r"(?<![\w.])(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])")
_PLAIN = frozenset((0.0, 0.5, 1.0, 2.0))
"""Numbers that formulas have by themselves."""


def literals(text: str) -> Iterator[float]:
    """Yield the numbers of an expression that a text may have put in for names."""
    yield from (x for x in map(float, _LITERAL.findall(text)) if x not in _PLAIN)


def spread(text: str, known: Known) -> float:
    """Return what an expression may be off by, of rounded numbers that stand in it."""
    over = known.written
    base = known.value(text, over)
    if base is None:
        return 0.0
    found = 0.0
    for literal in {m[0] for m in _LITERAL.finditer(text)} & known.units.keys():
        other = f"({float(literal) + known.units[literal]!r})"
        moved = known.value(re.sub(rf"(?<![\w.]){re.escape(literal)}(?![\w.])", other, text), over)
        found += abs(moved - base) if moved is not None else 0.0
    for name in {*known.names_of(text), *(m[0] for m in SLOPE.finditer(text))} & known.units.keys():
        value = over.get(name, known.slopes.get(name, known.values.get(name)))
        moved = None if value is None else known.value(text, {**over, name: value + known.units[name]})
        found += abs(moved - base) if moved is not None else 0.0
    return found


FEW = 3
"""Numbers that have to be those of this example, where one of them is of none."""


def is_of_this_example(text: str, left: str, known: Known) -> bool:
    """Return whether the numbers of an expression are those that the text has for its names now.

    Others are of another example, of which nobody knows the rest. One may be a slip: where it is the number
    of another name, or stands among several that are right.
    """
    put = {*literals(text)}
    pool = (known.values, known.written, known.updates, known.slopes)
    strange = put - {abs(x) for numbers in pool for x in numbers.values()}
    wanted = {
        abs(known.written.get(n, known.values[n]))
        for n in known.names_of(known.rules.get(left, ""))
        if n in known.values
    }
    absent = wanted - put - _PLAIN
    if left not in known.rules:
        return 2 * len(strange) <= len(put)
    if all(x.is_integer() for x in put):
        return False  # the same few numbers are in every example
    return len(absent) <= 1 and (not strange or (len(strange) == 1 and len(put) > FEW))


def mistake_in(line: Line, left: str, parts: Sequence[str], known: Known) -> str:
    """Return the mistake that gives a wrong number for a name or derivative; "" where none is known.

    Only what gives all its digits, three or more, is said.

    Args:
        line: The wrong number.
        left: What it is claimed for.
        parts: The formulas between.
        known: What the text has said.
    """
    plain, right = plain_number(line.claimed), line.right or 0.0
    if written_digits(plain) < LEAST_DIGITS:
        return ""

    def gives(value: float | None) -> bool:
        return value is not None and not line_of(line.number, "", plain, value, about=False).wrong

    slope = SLOPE.fullmatch(left)
    graph = known.program(slope[1] if slope else left)
    put = {x for part in parts for x in literals(part)}
    used = {name for part in parts for name in (*known.names_of(part), *(m[0] for m in SLOPE.finditer(part)))}
    used |= set() if slope or graph is None else graph.named.keys()
    new = {n.removesuffix("_new"): x for n, x in known.values.items() if n.endswith("_new")} | known.updates
    old = {*map(abs, known.values.values())} - {*map(abs, new.values())}
    updated = any(f"{name}_new" in used for name in new) or put & ({*map(abs, new.values())} - old)
    if slope and updated:
        return UPDATED
    for before, number in known.wrongs.items():
        if before != left and (number in put or before in used):
            return f"follows from {before}"
    if slope and new and any(gives(known.value(part, new)) for part in parts):
        return UPDATED
    for part in parts:
        value, other = known.value(part), known.value(_EXPONENT.sub(_turned, part))
        if (
            other is not None
            and value != other
            and (gives(other) or (gives(value) and abs(other - right) <= _CLOSE * abs(right)))
        ):
            return "minus of the exponent lost"
    for name, other_name in _alike(left, known):
        if gives(known.exact(left, {name: known.values[other_name]})):
            return f"{other_name} in place of {name}"
    if slope and graph and set(graph.inputs) <= known.values.keys():
        judge = Judge(graph, {n: known.values[n] for n in graph.inputs})
        verdict = judge.one(read_claim(left, plain, graph))
        return (verdict.mistake or "") if verdict.verdict == WRONG else ""
    return "sign lost" if gives(-right) else ""


UPDATED = "updated weights used"
_CLOSE = 1e-3
_EXPONENT = re.compile(r"(\be\^\(|\bexp\()\s*([-−]?)")


def _turned(match: re.Match[str]) -> str:
    return match[1] + ("" if match[2] else "-")


def _alike(left: str, known: Known) -> Iterator[tuple[str, str]]:
    """Yield the names of a formula, each with another that has the same stem: b_1, and b_2."""
    for name in sorted(known.names_of(known.rules.get(left, "")) & known.values.keys()):
        for other in sorted(known.values.keys() - {name, left}):
            if stem(other) == stem(name) and known.values[other] != known.values[name]:
                yield name, other
