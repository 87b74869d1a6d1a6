"""What the usual mistakes in a backward pass would have given, to name the one behind a wrong array."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import counted
from ..language.numbers import brief
from .functions import Array, Quotients, Subject, is_float

NEAR = 1e-4
"""Relative error up to which an array is what a mistake gives."""


class Candidate(NamedTuple):
    """An array that a mistake gives: its word, what it is, and the array."""

    kind: str
    says: str
    array: Array


def named(
    subject: Subject,
    place: int,
    given: Array,
    entries: Sequence[tuple[int, ...]],
    found: Quotients,
    wrong: npt.NDArray[np.bool_],
) -> tuple[str | None, str]:
    """Return the word for the mistake behind a wrong array, and the sentence with its cure."""
    name, x = subject.names[place], np.array(subject.inputs[place], float)
    right = found.slope.reshape(x.shape) if len(entries) == x.size else None
    if not np.all(np.isfinite(given)):
        return (
            "not finite",
            "it has entries that are nan or inf: a division by 0, or a log of 0, on the way back",
        )
    if right is not None:
        for candidate in _candidates(subject, place, right, entries):
            if candidate.array.shape == given.shape and near(given, candidate.array):
                return candidate.kind, candidate.says
        factor = _factor(given, right)
        if factor is not None:
            return _of_factor(factor, subject, place)
        pattern = _statistics(subject, given, right) or _pattern(subject, x, entries, wrong, name)
        if pattern is not None:
            return pattern
    claimed = np.array([given[entry] for entry in entries])
    count, off = int(wrong.sum()), np.abs(claimed - found.slope)
    largest = float(np.max(np.abs(found.slope), initial=0.0)) or 1.0
    share = f"{brief(off.max() / largest, 2)} of the largest slope"
    return None, f"{count:,} of {counted(len(entries), 'entry')} differ, by up to {share}"


def _candidates(
    subject: Subject, place: int, right: Array, entries: Sequence[tuple[int, ...]]
) -> Iterator[Candidate]:
    """Yield what the usual mistakes give, the plainest first."""
    name, x = subject.names[place], np.array(subject.inputs[place], float)
    dout, out = subject.dout, subject.out
    if np.any(right):
        yield Candidate("zero", "it is 0 all over: the gradient never reaches it", np.zeros_like(right))
    yield Candidate("sign", f"its sign is wrong: take -d{name}", -right)
    if dout.ndim and not near(dout, np.ones_like(dout)):
        plain = subject.quotients(place, entries, np.ones_like(dout)).slope.reshape(x.shape)
        yield Candidate("upstream", "dout is left out: multiply by what comes from above", plain)
    if x.ndim == 2 and x.shape[0] == x.shape[1]:
        yield Candidate("transposed", f"it is transposed: take d{name}.T", right.T)
    yield from _rows(subject, place, right, entries)
    yield from _products(subject, place, right)
    yield from _turned(subject, place, entries)
    if out.shape == x.shape and x.ndim:
        yield Candidate("slope", "it is dout itself: the slope of the function is left out", dout)
        yield Candidate(
            "value", "it is dout times the output: multiply by the slope, not by the value", dout * out
        )
        yield Candidate(
            "value", f"it is dout times {name}: multiply by the slope, not by the value", dout * x
        )
        own = _own(subject, place, entries).reshape(x.shape)
        yield Candidate("slope", "it is the local slope alone: multiply by dout", own)
        if np.all((own == 0.0) | (np.abs(own - 1.0) < NEAR)):
            yield Candidate(
                "gate", "the gate is the wrong way round: it lets through what it should stop", dout - right
            )
        if not near(own * dout, right):
            says = "it is the diagonal of the Jacobian alone: each output depends on other entries, too"
            yield Candidate("diagonal", says, own * dout)
    for axes in _flips(x.ndim):
        yield Candidate(
            "turned", "it is turned round: the kernel is flipped on one of the ways", np.flip(right, axes)
        )


def _rows(
    subject: Subject, place: int, right: Array, entries: Sequence[tuple[int, ...]]
) -> Iterator[Candidate]:
    """Yield what single rows of a batch, or single places of the output, bring to an array that all share."""
    dout, name = subject.dout, subject.names[place]
    if not dout.ndim or dout.size < 2:
        return
    adds = f"d{name} adds up over all of them, += in place of ="
    if not (right.ndim == dout.ndim and right.shape[:1] == dout.shape[:1]) and len(dout) > 1:
        for row, which in ((-1, "last"), (0, "first")):
            brought = subject.part(place, entries, (row,)).reshape(right.shape)
            yield Candidate("one row", f"it is what the {which} row of the batch brings: {adds}", brought)
    if dout.ndim > 1:
        brought = subject.part(place, entries, (-1,) * dout.ndim).reshape(right.shape)
        yield Candidate("one row", f"it is what the last entry of the output brings: {adds}", brought)


def _turned(subject: Subject, place: int, entries: Sequence[tuple[int, ...]]) -> Iterator[Candidate]:
    """Yield what comes of another array that is taken the wrong way round: a kernel in a convolution."""
    for k in subject.moved:
        other = np.array(subject.inputs[k])
        if k == place or other.ndim < 2 or max(other.shape[-2:]) < 2:
            continue
        turned = subject.with_input(k, np.flip(other, (-2, -1)))
        if turned is not None:
            name = subject.names[k]
            slopes = turned.quotients(place, entries).slope.reshape(np.shape(subject.inputs[place]))
            yield Candidate(
                "turned",
                f"it is worked out with {name} turned round: without the flip, or with one too many",
                slopes,
            )


def _products(subject: Subject, place: int, right: Array) -> Iterator[Candidate]:
    """Yield products of matrices at hand, with a transpose too many or too few, or swapped."""
    name = subject.names[place]
    at_hand = [
        ("dout", subject.dout),
        *((n, np.array(v)) for n, v in zip(subject.names, subject.inputs, strict=True) if is_float(v)),
    ]
    matrices = [(text, m) for n, a in at_hand if a.ndim == 2 for text, m in ((n, a), (f"{n}.T", a.T))]
    made: list[tuple[str, Array]] = []
    for (left, a), (by, b) in product(matrices, matrices):
        if (
            "dout" in (left.removesuffix(".T"), by.removesuffix(".T"))
            and a.shape[1] == b.shape[0]
            and left[:4] != by[:4]
        ):
            made.append((f"{left} @ {by}", a @ b))
    correct = next((text for text, p in made if p.shape == right.shape and near(p, right)), None)
    if correct is None:
        return
    for text, p in made:
        if text != correct:
            yield Candidate("factors", f"it is {text}: d{name} = {correct}", p)


def _own(subject: Subject, place: int, entries: Sequence[tuple[int, ...]]) -> Array:
    """Return the slope of each entry of the output by the same entry of an input: the Jacobian's diagonal."""
    found = []
    for entry in entries:
        alone = np.zeros_like(subject.dout)
        alone[entry] = 1.0
        found.append(subject.quotients(place, [entry], alone).slope[0])
    return np.array(found)


def _flips(ndim: int) -> Iterator[tuple[int, ...]]:
    if ndim >= 1:
        yield (ndim - 1,)
    if ndim >= 2:
        yield (ndim - 2, ndim - 1)
        yield (ndim - 2,)


def of_shape(given: Array, right: Array, shape: tuple[int, ...]) -> tuple[str, str] | None:
    """Return the mistake of an array whose shape is not the input's."""
    has = f"it has the shape {shape_text(given.shape)} in place of {shape_text(shape)}"
    found = misshapen(given, right.reshape(shape), near)
    if found is None:
        return None
    kind, says, axis = found
    return kind, f"{has}: {says}" + (f", add .sum(axis={axis})" if axis is not None else "")


def misshapen(
    given: Array, right: Array, near: Callable[[Array, Array], bool]
) -> tuple[str, str, int | None] | None:
    """Return what is wrong with an array of another shape: a word, a clause, an axis to sum over.

    Args:
        given: What somebody has.
        right: What it should be.
        near: Whether two arrays are one.
    """
    shape = right.shape
    if given.ndim == 2 and near(given.T, right):
        return "transposed", "it is transposed", None
    if given.size == right.size and near(given.reshape(shape), right):
        return "shape", "its numbers are right, reshape it", None
    for axis in range(given.ndim):
        if near(given.sum(axis), right):
            over = "over the batch" if axis == 0 else f"over axis {axis}"
            return "not summed", f"it is not summed {over}", axis
        if given.shape[axis] > 1 and near(given.mean(axis), right):
            return "not summed", f"it lacks the mean over axis {axis}", None
    for axis in range(right.ndim):
        if near(given, right.sum(axis)):
            return "summed", f"it is summed over axis {axis}, which {shape_text(shape)} keeps", None
    return None


def _factor(given: Array, right: Array) -> float | None:
    """Return the number that a claimed array is too large by; None where it is no multiple."""
    size = float(np.sum(right * right))
    if size == 0.0:
        return None
    factor = float(np.sum(given * right)) / size
    return factor if factor != 0.0 and near(given, factor * right) else None


def _of_factor(factor: float, subject: Subject, place: int) -> tuple[str, str]:
    """Return the word and the sentence for an array that is a multiple of the right one."""
    out, name = subject.out, subject.names[place]
    sizes = {"the rows": np.shape(subject.inputs[place])[0] if np.ndim(subject.inputs[place]) else 0}
    for n, x in zip(subject.names, subject.inputs, strict=True):
        if np.ndim(x):
            sizes.setdefault(f"the rows of {n}", np.shape(x)[0])
            sizes.setdefault(f"the entries of {n}", np.size(x))
    if out.ndim:
        sizes |= {"the rows of the output": len(out), "the entries of the output": out.size}
        behind, rest = divmod(np.size(subject.inputs[place]), out.size)
        sizes |= {} if rest else {"the entries behind each output": behind}
    for what, size in sizes.items():
        if size > 2 and abs(factor - size) <= NEAR * size:
            return "mean", f"it is {size} times too large: divide by {what}, as the mean does"
        if size > 2 and abs(factor * size - 1.0) <= NEAR:
            return "mean", f"it is divided by {what}, {size}, and the forward pass takes no such mean"
    if abs(factor - 2.0) <= NEAR:
        return "factor", "it is twice too large: a factor 1/2 is missing, or it is added twice"
    if abs(factor - 0.5) <= NEAR:
        return "factor", "it is half of what it should be: the 2 of a square is missing"
    return "factor", f"it is {brief(factor)} times the right d{name}"


def _statistics(subject: Subject, given: Array, right: Array) -> tuple[str, str] | None:
    """Return the mistake of a normalisation that takes its mean or its variance for a constant.

    What is missing is then, in each column (of a batch) or row (of a layer), the same number, a multiple of
    the centred output, or both.
    """
    out = subject.out
    if out.shape != right.shape or out.ndim != 2:
        return None
    for missing, spread, over in ((given - right, out, "batch"), ((given - right).T, out.T, "layer")):
        if len(missing) < 4:
            continue  # three numbers are in the span of any two
        centred = spread - spread.mean(0)
        constant = np.broadcast_to(missing.mean(0), missing.shape)
        along = centred * np.sum(missing * centred, 0) / np.maximum(np.sum(centred * centred, 0), 1e-300)
        for part, what in (
            (constant, "the mean"),
            (along, "the variance"),
            (constant + along, "the mean and the variance"),
        ):
            if near(part, missing):
                return "statistics", f"what {what} of the {over} bring is left out: every entry moves them"
    return None


def _pattern(
    subject: Subject,
    x: Array,
    entries: Sequence[tuple[int, ...]],
    wrong: npt.NDArray[np.bool_],
    name: str,
) -> tuple[str, str] | None:
    """Return the mistake of an array that is wrong in a part that says which: one sign, one row, a border."""
    bad = np.zeros(x.shape, bool)
    for entry, is_wrong in zip(entries, wrong, strict=True):
        bad[entry] = is_wrong
    reads = subject.dout != 0.0 if subject.dout.shape == x.shape else np.ones(x.shape, bool)
    for where, part in (("< 0", x < 0), ("> 0", x > 0)):
        part = part & reads
        if part.any() and not part.all() and np.array_equal(bad & reads, part):
            return (
                "gate",
                f"it is wrong exactly where {name} {where}: the forward pass has another case there",
            )
    for n, labels in zip(subject.names, subject.inputs, strict=True):
        if (
            isinstance(labels, np.ndarray)
            and labels.dtype.kind in "iu"
            and x.ndim == 2
            and labels.shape == x.shape[:1]
        ):
            at_labels = np.zeros(x.shape, bool)
            at_labels[np.arange(len(x)), labels % x.shape[1]] = True
            if np.array_equal(bad, at_labels):
                return (
                    "label",
                    f"it is wrong exactly at the labels {n}: subtract 1 there, as the target is one-hot",
                )
    if x.ndim and bad.any() and not bad.all():
        rows: npt.NDArray[np.intp] | list[int] = (
            np.flatnonzero(bad.reshape(len(x), -1).any(axis=1)) if len(x) > 1 else []
        )
        if len(rows) == 1 and len(x) > 2:
            return "one row", f"it is wrong in row {rows[0]} alone"
        inner = tuple(slice(1, -1) if n > 2 else slice(None) for n in x.shape[-2:])
        core = bad[(..., *inner)]
        if x.ndim >= 2 and core.size and not core.any():
            return "border", "it is wrong at the border alone: the padding on the way back"
    return None


def near(given: Array, right: Array) -> bool:
    """Whether two arrays are one, but for the errors of quotients."""
    if given.shape != right.shape:
        return False
    size = float(np.max(np.abs(right), initial=0.0))
    return bool(np.all(np.abs(given - right) <= NEAR * np.abs(right) + NEAR * 1e-2 * size))


def shape_text(shape: tuple[int, ...]) -> str:
    """Write a shape: ``3x2``."""
    return "x".join(map(str, shape)) or "a number"
