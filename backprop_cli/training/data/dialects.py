"""How a table of text is written, told by its first lines: a proposal with its evidence."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ...tables.chunks import CHUNK
from ...tables.dialect import BLANKS, CALLED, DECIMAL_COMMA, Dialect
from ...tables.formats import opened, without_packing
from ...tables.numerals import is_numeral

LINES = 200
"""So many of the first lines are looked at."""
SIGNS = (",", ";", "\t", "|", BLANKS)


class Guess(NamedTuple):
    """A key of ``data`` and why it is proposed."""

    key: str
    value: str
    why: str


def dialect_of(path: str) -> list[Guess]:
    """Return what has to be said of a table of text that is not plain CSV.

    Raises:
        BackpropError: when the file cannot be read or is of a kind that is no table.
    """
    ending = os.path.splitext(without_packing(path))[1].lower()
    with open(path, "rb") as stream:
        found = opened(stream, path, ending)
        head = found.head or found.stream.read(CHUNK)
    if found.ending == ".jsonl" or found.name != path:
        return []
    guesses: list[Guess] = []
    text, encoding = _decoded(head)
    if encoding is not None:
        doubt = "" if encoding == "utf-16" else "; another, such as cp1250 or shift_jis, is as possible"
        guesses.append(Guess("encoding", encoding, f"the text is not UTF-8{doubt}"))
    lines = [line for line in text.splitlines()[: LINES + 1] if line.strip()]
    if len(head) == CHUNK or len(lines) > LINES:
        lines = lines[:-1]
    sign = next((s for s in ("#", "//", "%") if lines and lines[0].lstrip().startswith(s)), None)
    if sign is not None:
        guesses.append(Guess("comment", sign, f"the first line begins with {sign}"))
        lines = [line for line in lines if not line.lstrip().startswith(sign)]
    if not lines:
        return guesses
    plain = "\t" if ending == ".tsv" or (ending != ".csv" and "\t" in lines[0]) else ","
    separator, rows = _separated(lines, plain)
    if separator != plain:
        otherwise = f"{_count(lines[0], plain)} by {'commas' if plain == ',' else 'tabs'}"
        why = f"{len(rows[0])} cells stand in a line so, {otherwise}"
        guesses.append(Guess("separator", CALLED[separator], why))
    cells = [cell.strip() for row in rows[1:] for cell in row]
    commas = sum(bool(DECIMAL_COMMA.fullmatch(cell)) and "," in cell for cell in cells)
    if separator != "," and commas and not any(is_numeral(cell) and "." in cell for cell in cells):
        guesses.append(Guess("decimal", "comma", f"{commas} cells such as {_example(cells)}"))
    if all(is_numeral(cell) or DECIMAL_COMMA.fullmatch(cell) for cell in rows[0]):
        guesses.append(Guess("header", "none", "the first line is numbers: the columns are c1, c2, ..."))
    return guesses


def dialect_from(guesses: Sequence[Guess]) -> Dialect:
    """Return the dialect that guesses make."""
    return Dialect.of(**{guess.key: guess.value for guess in guesses})


def _decoded(head: bytes) -> tuple[str, str | None]:
    """Return the text, and its encoding where it is not UTF-8."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", errors="replace"), "utf-16"
    try:
        return head.removeprefix(b"\xef\xbb\xbf").decode(), None
    except UnicodeDecodeError as error:
        if error.start > len(head) - 4:  # a character may be cut where the head ends
            return head[: error.start].decode(), None
        return head.decode("cp1252", errors="replace"), "cp1252"


def _separated(lines: Sequence[str], plain: str) -> tuple[str, list[list[str]]]:
    """Return the sign by which the lines have most alike many cells, and the cells."""
    best = (plain, _cells(lines, plain))
    score = _alike(best[1])
    for sign in SIGNS:
        rows = _cells(lines, sign)
        # blanks and bars stand in texts, too: only a sign that fits every line is one
        own = _alike(rows) if sign in (",", plain) or len({len(row) for row in rows}) == 1 else 0.0
        if own > score:
            best, score = (sign, rows), own
    return best


def _alike(rows: Sequence[Sequence[str]]) -> float:
    """Return the share of rows of the commonest length, 0 where that is one cell."""
    length, count = Counter(map(len, rows)).most_common(1)[0]
    return count / len(rows) if length > 1 else 0.0


def _cells(lines: Sequence[str], sign: str) -> list[list[str]]:
    if sign == BLANKS:
        return [line.split() for line in lines]
    try:
        return list(csv.reader(lines, delimiter=sign)) or [[]]
    except csv.Error:
        return [line.split(sign) for line in lines]


def _count(line: str, sign: str) -> int:
    return len(_cells([line], sign)[0])


def _example(cells: Sequence[str]) -> str:
    return next(cell for cell in cells if "," in cell and DECIMAL_COMMA.fullmatch(cell))
