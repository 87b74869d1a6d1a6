"""Rows that are sequences: windows of a text, or the lines of a table that belong together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from math import log

import numpy as np
import numpy.typing as npt

from ...errors import DataError, counted
from ...tables.numerals import cut
from .encoding import Folding
from .rows import Rows
from .source import Column, number_name

WINDOW = 32
"""Characters of a window of a text where nothing is said."""
TIME = re.compile(r"(\d{4}-\d\d(-\d\d)?)?[T ]?(\d\d:\d\d(:\d\d(\.\d+)?)?)?Z?", re.ASCII)
"""Texts of one length that are in time's order as texts are: dates and hours of ISO 8601."""
MANY_CHARACTERS = 10_000
"""Of a longer text each character is in one window alone."""


def windows(lines: Rows, length: int, stride: int, what: str = "text") -> Rows:
    """Return the windows of a text, of which a line is a character with the next one.

    Raises:
        DataError: where the text is shorter than one.
    """
    if lines.total < length:
        raise DataError(
            f"the {what} has {counted(lines.total + 1, 'character')}: too few for a window of {length} and"
            " the next one",
            hint=f"data.length: {max(1, lines.total)} or less",
        )
    starts = np.arange(0, lines.total - length + 1, stride)
    which = starts[:, None] + np.arange(length)
    return Rows(lines.inputs[which], lines.targets[which])


def stride_of(stride: int | None, characters: int, length: int) -> int:
    """Return how far apart windows begin."""
    return stride or (1 if characters <= MANY_CHARACTERS else length)


def entropies(text: str) -> dict[str, float]:
    """Return how uncertain the next character of a text is, in nats, for who knows so many before it.

    The n-gram's is sum p(w c) log 1/p(c | w) over the text's own counts, c after n - 1 characters w.
    """
    found = {"uniform": log(len({*text}))}
    for n, name in enumerate(("unigram", "bigram", "trigram"), 1):
        whole = Counter(text[i : i + n] for i in range(len(text) - n + 1))
        before: Counter[str] = Counter()
        for gram, count in whole.items():
            before[gram[:-1]] += count
        every = sum(whole.values())
        found[name] = sum(c / every * log(before[gram[:-1]] / c) for gram, c in whole.items())
    return found


def is_of_sequences(targets: Column, by: Column) -> bool:
    """Whether the lines of each sequence have one target."""
    known: dict[object, object] = {}
    return all(known.setdefault(id, t) == t for id, t in zip(by.tolist(), targets.tolist(), strict=True))


def lasts(by: Sequence[object], order: Column | None) -> npt.NDArray[np.int64]:
    """Return for each line the last one of its sequence; ``by`` and ``order`` are those of `folded`."""
    lines = range(len(by)) if order is None else np.argsort(order, kind="stable").tolist()
    last = {by[line]: line for line in lines}
    return np.array([last[cell] for cell in by], np.int64)


def folded(
    lines: Rows,
    by: Column,
    order: Column | None,
    folding: Folding,
    place: Callable[[int, str], str],
    most: int | None = None,
) -> Rows:
    """Return the sequences whose steps are the lines of a table, in the order of their first lines.

    Args:
        lines: A row each.
        by: The same in the lines of one sequence.
        order: By which they are put in order; None for as they stand.
        folding: What a row is then.
        place: Says where a line's cell in a column stands.
        most: Steps that a sequence may have; None for any number.
    Raises:
        DataError: for a sequence with more steps, and for two lines that would be the same step.
    """
    if order is not None and order.dtype == object:
        _ordered(order, folding, place)
    known: dict[object, int] = {}
    ids = np.array([known.setdefault(cell, len(known)) for cell in by.tolist()], np.int64)
    sorted_ = np.lexsort((ids,) if order is None else (order, ids))
    lengths = np.bincount(ids)
    ends = lengths.cumsum()
    steps = np.arange(len(ids)) - np.repeat(ends - lengths, lengths)
    assert folding.by is not None
    if most is not None and lengths.max() > most:
        at = int((steps == most).argmax())
        line, whose = int(sorted_[at]), int(ids[sorted_[at]])
        raise DataError(
            f"the sequence '{_called(by[line])}' has {lengths[whose]} steps, more than data.length: {most}",
            place=place(line, folding.by),
        )
    if order is not None:
        assert folding.order is not None
        twice = (ids[sorted_][1:] == ids[sorted_][:-1]) & (order[sorted_][1:] == order[sorted_][:-1])
        if twice.any():
            line = int(sorted_[int(twice.argmax()) + 1])
            raise DataError(
                f"two lines of the sequence '{_called(by[line])}' have '{folding.order}'"
                f" {_called(order[line])}: nothing says which comes first",
                place=place(line, folding.order),
            )
    # beyond its end a sequence goes on with its last step: what has a value there has one everywhere
    lines_of = np.repeat(sorted_[ends - 1][:, None], lengths.max(), axis=1)
    lines_of[ids[sorted_], steps] = sorted_

    even = lengths.min() == lengths.max()
    targets = lines.targets[lines_of if folding.each else sorted_[ends - 1]]
    return Rows(lines.inputs[lines_of], targets, None, None if even else lengths)


def _ordered(order: Column, folding: Folding, place: Callable[[int, str], str]) -> None:
    """Refuse texts whose order as texts is none in time: of 10/1/2024 and 9/2/2024, of step10 and step2.

    Raises:
        DataError: for such.
    """
    assert folding.order is not None
    digits = re.compile("[0-9]")
    first = digits.sub("0", order[0])
    for line, cell in enumerate(order.tolist()):
        if not TIME.fullmatch(cell) or digits.sub("0", cell) != first:
            raise DataError(
                f"'{folding.order}' is to put lines in order, but '{cut(cell)}' is a text",
                place=place(line, folding.order),
                hint=f"data.dates: ['{folding.order}'] reads dates; without order lines go as they stand",
            )


def _called(cell: str | float) -> str:
    return cut(cell) if isinstance(cell, str) else number_name(float(cell))
