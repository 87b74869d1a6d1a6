"""Somebody's own backward pass held to difference quotients of their forward pass, array by array.

Each entry that the backward pass gives is compared with a quotient of ``sum(dout*out)``, and a wrong array
with what the usual mistakes would have given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from ..errors import ANSWERED, NO, NO_SUCH_NUMBER, counted
from .function_mistakes import named, of_shape, shape_text
from .functions import Array, Subject

Verdict = Literal["agree", "kink", "noise", "wrong"]

ROOM = 1e-6
"""Relative error up to which an entry agrees, however exact its quotient is."""

SLIGHT = 1e-9
"""Entries below this share of the array's largest are not told from 0."""

NOISY = 1e-2
"""Relative error of a quotient from which it says nothing."""

MOST = 2_000
"""Entries of an array that are compared; of a larger one so many, spread evenly."""


class CheckedArray(NamedTuple):
    """What was found of one array.

    Attributes:
        name: The forward pass's own name of it.
        shape: Of the array.
        given: The shape of what the backward pass gave for it; None where it gave nothing.
        compared: How many entries were compared; ``agree``, ``kinks``, ``noise`` and ``wrong`` of them.
        worst: Where the claimed number is furthest off, measured by what is allowed; () of a number.
        claimed: There, by the backward pass.
        finite: There, by difference quotients.
        verdict: The worst of the entries'; ``wrong`` as well where the shapes differ.
        mistake: A word for what gives the claimed array; None where none of the usual ones does.
        says: The verdict in a sentence, with the cure.
    """

    name: str
    shape: tuple[int, ...]
    given: tuple[int, ...] | None
    compared: int = 0
    agree: int = 0
    kinks: int = 0
    noise: int = 0
    wrong: int = 0
    worst: tuple[int, ...] | None = None
    claimed: float | None = None
    finite: float | None = None
    verdict: Verdict = "agree"
    mistake: str | None = None
    says: str = ""


def status(checked: Sequence[CheckedArray]) -> int:
    """Return the exit status: 1 where something is wrong, 3 where nothing could be judged."""
    if any(c.verdict == "wrong" for c in checked):
        return NO
    return ANSWERED if any(c.agree or c.kinks for c in checked) or not checked else NO_SUCH_NUMBER


def check(subject: Subject) -> list[CheckedArray]:
    """Compare the backward pass's arrays with difference quotients, entry by entry."""
    return [
        _checked(subject, place, given)
        for place, given in zip(subject.moved, subject.gradients(), strict=True)
    ]


def _checked(subject: Subject, place: int, given: Array | None) -> CheckedArray:
    name, x = subject.names[place], np.array(subject.inputs[place], float)
    if given is None:
        return CheckedArray(name, x.shape, None, says="no gradient is given for it")
    entries = _entries(x.shape)
    found = subject.quotients(place, entries)
    if given.shape != x.shape:
        whole = len(entries) == x.size
        kind, says = (whole and of_shape(given, found.slope.reshape(x.shape), x.shape)) or (
            "shape",
            f"it has the shape {shape_text(given.shape)}, and {name} is {shape_text(x.shape)}",
        )
        return CheckedArray(
            name,
            x.shape,
            given.shape,
            len(entries),
            wrong=len(entries),
            verdict="wrong",
            mistake=kind,
            says=says,
        )
    claimed = np.array([given[entry] for entry in entries])
    size = np.maximum(np.abs(claimed), np.abs(found.slope))
    largest = float(np.max(np.abs(found.slope), initial=0.0))
    room = 10.0 * found.error + ROOM * size + SLIGHT * max(largest, 1e-300)
    with np.errstate(all="ignore"):  # what is claimed may be infinite
        off = np.abs(claimed - found.slope)
        right = (off <= room) & np.isfinite(claimed)
        low, high = np.minimum(found.left, found.right), np.maximum(found.left, found.right)
        between = found.kink & (claimed >= low - 1e-3 * size) & (claimed <= high + 1e-3 * size)
    noise = ~between & right & (found.error > NOISY * np.maximum(size, 1e-3 * largest)) & (size > 0)
    wrong = ~between & ~right
    agree = right & ~between & ~noise
    with np.errstate(all="ignore"):
        share = np.where(between | (wrong != wrong.any()), 0.0, off / np.maximum(room, 1e-300))
    worst = int(np.argmax(np.where(np.isnan(share), np.inf, share)))
    mistake: str | None = None
    says = _good(int(between.sum()), int(noise.sum()), len(entries), name, x.size)
    if wrong.any():
        mistake, says = named(subject, place, given, entries, found, wrong)
    verdict: Verdict = (
        "wrong"
        if wrong.any()
        else "noise"
        if noise.all() and len(entries)
        else "kink"
        if between.any()
        else "agree"
    )
    return CheckedArray(
        name,
        x.shape,
        given.shape,
        len(entries),
        int(agree.sum()),
        int(between.sum()),
        int(noise.sum()),
        int(wrong.sum()),
        entries[worst],
        float(claimed[worst]),
        float(found.slope[worst]),
        verdict,
        mistake,
        says,
    )


def _good(kinks: int, noise: int, compared: int, name: str, size: int) -> str:
    parts = []
    if kinks:
        parts.append(f"{counted(kinks, 'entry')} on a kink, between the slopes of its sides")
    if noise:
        parts.append(f"{counted(noise, 'entry')} too small for a difference quotient to judge")
    if compared < size:
        parts.append(f"{compared:,} of {size:,} entries of {name} compared, spread evenly")
    return "; ".join(parts)


def _entries(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the entries that are compared: all, or so many spread evenly."""
    size = int(np.prod(shape, dtype=int))
    picked = np.arange(size) if size <= MOST else np.unique(np.linspace(0, size - 1, MOST).astype(int))
    return [tuple(map(int, np.unravel_index(k, shape))) if shape else () for k in picked]
