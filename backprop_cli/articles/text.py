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
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import DataError
from ..language.tokens import NAME
from .clauses import GIVEN, MARKED, NAMED, SIGN, defined_in, pieces
from .code import FENCE, KEYWORD, MATH, changed, defined, fence_of, with_results
from .evidence import begins_part, scattered, trusted
from .judging import RESULT, judged_piece, judged_words
from .known import Known
from .latex import rows_of
from .lines import Hint, Line
from .networks import activation_in, activations_in
from .notebook import Cell, cells_of, numbers_of
from .numbers import plain_number
from .programs import LINE_LIMIT
from .prose import said
from .relations import related, repeated
from .tables import Table
from .tape import unsettles
from .unread import BLOCK, DOUBT, HEADING, LONG, PRINTED, TABLE, Missed, missed

PROSE_LIMIT = 4_000
MOST_LINES = 50_000
BLANKS = 4
"""Lines between which a list goes on."""

_ANEW = re.compile(
    r"\b(?:try|instead|another|example|suppose|this time"
    rf"|now,?\s+(?:(?:let|take|consider|assume|set|if|when|with|for|say)\b|[`$]*{NAME}(?:\([^()]*\))?\s*=))",
    re.IGNORECASE,
)
"""What leads to values that have nothing to do with those before."""


class Article(NamedTuple):
    """What was found in a text.

    Attributes:
        path: Its name.
        lines: Those that were judged.
        unread: Numbers of the lines with a claim in them that could not be read; of a notebook, of the cells.
        missed: Numbers that look like results and were not read, each with the reason.
        hints: What is odd without being wrong.
    """

    path: str
    lines: tuple[Line, ...]
    unread: tuple[int, ...]
    missed: tuple[Missed, ...]
    hints: tuple[Hint, ...] = ()

    @property
    def wrong(self) -> tuple[Line, ...]:
        """The lines whose number is wrong."""
        return tuple(line for line in self.lines if line.wrong)


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
    known = Known()
    known.scattered = scattered(line for cell in cells if not cell.code for line in cell.lines)
    judged: list[Line] = []
    unread: list[int] = []
    left_out: list[Missed] = []
    hints: list[Hint] = []
    for cell in cells:
        if cell.fresh:
            known.forget([*known.values, *known.functions])
        lines, unclear, others = _check(cell, known)
        judged += [line._replace(cell=cell.number) for line in lines]
        unread += unclear if cell.number is None else [cell.number] * bool(unclear)
        left_out += [other._replace(cell=cell.number) for other in others]
        hints += [hint._replace(cell=cell.number) for hint in known.hints]
        known.hints.clear()
    return Article(path, tuple(judged), tuple(dict.fromkeys(unread)), tuple(left_out), tuple(hints))


def _check(cell: Cell, known: Known) -> tuple[list[Line], list[int], list[Missed]]:
    """Return what was judged of a cell, its lines that could not be read, and the numbers missed."""
    judged: list[Line] = []
    unread: list[int] = []
    left_out: list[Missed] = []
    fence, margin, table, before = "code" if cell.code else "", -1, Table(), ""
    lines = with_results(cell.lines, cell.code)
    rows = [*(enumerate(lines, 1) if cell.code else rows_of(lines))]
    for k, (number, raw) in enumerate(rows):
        if raw.lstrip().startswith(FENCE) and not cell.code:
            fence, margin = fence_of(raw, fence), -1
            continue
        fenced = fence not in ("", MATH)
        if fenced and raw.startswith("$ "):
            known.forget([*known.values, *known.functions])  # a command knows nothing of them
            continue
        reason, found = _nothing_read(raw, fenced, margin), Counter[str]()
        doubts: dict[str, str] = {}
        if not fenced and begins_part(raw):
            known.part += 1
            known.laws.clear()
            known.forget(defined_in(raw) if reason == HEADING else ())
        if fenced and raw.strip() and margin < 0:
            margin = len(raw) - len(raw.lstrip())
        if reason == LONG:
            unread += [number] if "=" in raw else []
            known.forget(changed(raw) if fenced else ())
        elif reason == BLOCK:
            known.forget([*known.values] if unsettles(raw) else changed(raw))
            known.hidden |= defined(raw)
            unread += [number] if RESULT.match(raw.partition("#")[2].strip()) else []
        elif not fenced and _ANEW.search(raw):
            known.computed.clear()
            known.slopes.clear()
            known.laws.clear()
        if not (reason or fenced) and (functions := activations_in(raw)):
            known.speak(functions, activation_in(raw))
        prose, later = raw, []
        for claim in [] if reason or fenced else said(raw):
            if outcome := judged_words(claim, number, known):
                judged += (outcome := trusted(outcome, raw, known, doubts))
                found.update(_claimed(outcome))
                prose = prose.replace(raw[claim.start : claim.end], ". ")
            else:
                later.append(claim)  # of what the rest of the line defines
        row = None if fenced else table.equation(raw)
        listed = not fenced and _listed(rows, k)
        for piece, doubtful in (
            [] if reason else [(raw, False)] if fenced else [(row, False)] if row else pieces(prose)
        ):
            known.given.clear()
            outcome = None if doubtful else judged_piece(piece, number, known, fenced, listed)
            if fenced:
                known.forget(changed(piece) - known.given)
            elif outcome is None:
                known.forget({*NAMED.findall(piece), *defined_in(piece)} - known.given)
            elif outcome:
                outcome = trusted(outcome, raw, known, doubts) or None
            elif given := GIVEN.search(piece):
                found[plain_number(given[2])] += known.formulas.get(given[1]) is False
            unread += [number] if outcome is None else []
            judged += outcome or []
            found.update(_claimed(outcome or []))
            reason = DOUBT if doubtful else reason
        for claim in later:
            outcome = trusted(judged_words(claim, number, known) or [], raw, known, doubts)
            judged += outcome
            found.update(_claimed(outcome))
        if not (reason in (LONG, BLOCK, HEADING) or fenced):
            known.hints += repeated(before, raw, number)
            outcome = trusted(related(raw, number, known), raw, known, doubts)
            judged += outcome
            found.update(plain_number(line.claimed).rstrip(".") for line in outcome)
        left_out += missed(
            number,
            raw,
            fenced,
            found,
            reason,
            known.values,
            known.functions,
            known.formulas,
            known.doubts | doubts,
        )
        left_out += [
            Missed(number, raw.strip(), claimed, TABLE)
            for claimed in ([] if fenced else table.results(known.functions))
            if not found[plain_number(claimed).rstrip(".")]
        ]
        known.doubts.clear()
        before = raw
    end = len(cell.lines)
    left_out += [Missed(end, line.strip(), n, PRINTED) for line in cell.printed for n in numbers_of(line)]
    return judged, unread, left_out


def _listed(rows: Sequence[tuple[int, str]], k: int) -> bool:
    """Return whether the sign that a line begins with may be the mark of a list: it has lines about it."""
    text = rows[k][1]
    if not SIGN.match(text) or MARKED.search(text):  # in marks a sign is one
        return False
    before = [line.strip() for _, line in rows[max(k - BLANKS, 0) : k]][::-1]
    after = [line.strip() for _, line in rows[k + 1 : k + 1 + BLANKS]]
    if any(near and near[0] for near in (before, after)):
        return True
    ahead, behind = (next(filter(None, near), "") for near in (before, after))
    return ahead.endswith(":") or SIGN.match(ahead) is not None or SIGN.match(behind) is not None


def _claimed(lines: list[Line]) -> set[str]:
    return {plain_number(line.claimed).rstrip(".") for line in lines}


def _nothing_read(line: str, fenced: bool, margin: int) -> str:
    """Return why nothing of a line is read, or ""; the margin is that of its block of code, or -1."""
    if len(line) > (LINE_LIMIT if fenced else PROSE_LIMIT):
        return LONG
    if fenced and line.strip():
        # who knows how often, or with what, a block runs
        indent = len(line) - len(line.lstrip())
        return BLOCK if 0 <= margin < indent or KEYWORD.match(line) else ""
    return HEADING if line.lstrip().startswith("#") and not fenced else ""
