"""Functions that are defined by cases, in LaTeX and AsciiMath, as our own ``where``."""

from __future__ import annotations

import re
from collections.abc import Sequence

MOST_LINES = 10
"""Lines of one definition."""

_LATEX = re.compile(
    r"(?:\\left\s*\\?\\\{\s*)?\\begin\{d?cases\}(.*?)\\end\{d?cases\}(?:\s*\\right\s*\.)?", re.DOTALL
)
_ASCII = re.compile(r"\{((?:\([^{}]*\),?\s*)+):\}")
_ROWS = re.compile(r"\)\s*,\s*\((?=[^()]*[\",])")
_OTHERWISE = re.compile(r"\W*(?:otherwise|else)\W*")
_WORD = re.compile(
    r"\\(?:text|mathrm|mbox)\s*\{\s*(?:if|for|when)?\s*\}|\"(?:if|for|when)?\s*\"|\b(?:if|for|when)\b|\$"
)
_COMPARED = re.compile(r"([^<>=&]+?)(<=|>=|<|>)([^<>=&]+)")
_SIGNS = (
    (r"\\(?:geq?|geqslant)(?![a-zA-Z])|≥", ">="),
    (r"\\(?:leq?|leqslant)(?![a-zA-Z])|≤", "<="),
    (r"\\gt(?![a-zA-Z])|&gt;", ">"),
    (r"\\lt(?![a-zA-Z])|&lt;", "<"),
    (r"\\(?:text|mathrm|mbox)\s*\{\s*(otherwise|else)\s*\.?\}", r"\1"),
)


def with_cases(lines: Sequence[str]) -> Sequence[str]:
    """Return the lines of a text, each definition by cases on its first line; one that is not read stays."""
    if not any("cases}" in line or ":}" in line for line in lines):
        return lines
    found = list(lines)
    for k, line in enumerate(lines):
        if r"\begin{cases}" in line or r"\begin{dcases}" in line:
            near = range(k, min(k + MOST_LINES, len(lines)))
            end = next((j for j in near if re.search(r"\\end\{d?cases\}", lines[j])), None)
            if end is None:
                continue
            whole = " ".join(lines[k : end + 1])
            written = _LATEX.sub(lambda m: _where(re.split(r"\\\\(?:\[[^\]]*\])?", m[1]), "&") or m[0], whole)
            if written != whole:
                found[k : end + 1] = [written, *[""] * (end - k)]
        elif ":}" in line:
            found[k] = _ASCII.sub(lambda m: _where(_ROWS.split(m[1].strip(" ,")[1:-1]), ",") or m[0], line)
    return found


def _where(rows: list[str], between: str) -> str:
    """Return cases as nested ``where``; "" where one of them is not read."""
    cases: list[tuple[str, re.Match[str] | None]] = []
    for row in rows:
        if not row.strip():
            continue
        for pattern, sign in _SIGNS:
            row = re.sub(pattern, sign, row)
        value, _, condition = row.partition(between)
        plain = _WORD.sub(" ", condition).strip(" .,;")
        compared = _COMPARED.fullmatch(plain)
        if not value.strip(" ,") or (compared is None and not _OTHERWISE.fullmatch(plain)):
            return ""
        cases.append((value.strip(" ,"), compared))
    if len(cases) < 2 or any(compared is None for _, compared in cases[:-1]):
        return ""
    *before, (text, last) = cases
    if last is not None:
        rest = _rest(before, last)
        if rest is None:
            return ""
        text = rest.replace("_", text) if rest else text
    for value, compared in reversed(before):
        text = f"where({compared[0] if compared else ''}, {value}, {text})"
    return text


def _rest(before: list[tuple[str, re.Match[str] | None]], last: re.Match[str]) -> str | None:
    """Return what the last of two cases is written as, its value ``_``; None where they are no two halves."""
    first = before[0][1]
    if len(before) > 1 or first is None:
        return None
    sides = [["".join(case[k].split()) for k in (1, 3)] for case in (first, last)]
    if sides[0] != sides[1] or first[2][0] == last[2][0]:
        return None
    equal = ("=" in first[2]) + ("=" in last[2])
    if equal == 0:  # x < 0 and x > 0: at 0 there is no value
        return f"where({last[0]}, _, 0/(({last[1]}) - ({last[3]})))"
    return "" if equal == 1 else None
