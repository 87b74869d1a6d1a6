"""A loss that the config writes down, tried before training: its slope, and where it parts two classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from ..differentiation.compare import DISAGREE
from ..differentiation.report import differentiate
from ..engine.point import Point
from ..errors import NoSuchNumber
from ..language.numbers import brief
from ..networks.layers.places import ShapeError
from ..networks.losses import Loss
from ..networks.network import NDArray

KEY = "loss.formula"
OUTPUTS = 17
"""At so many outputs the slope is tried, for each target."""

REACH = np.sinh(np.linspace(-8.0, 8.0, 161))
"""Outputs among which the one that parts two classes is looked for: dense at 0, up to 1,500."""

NEGLIGIBLE = 1e-9
"""Share of the loss that is no jump."""

Here = tuple[float, float]
"""Value and slope."""


def boundary(loss: Loss) -> float:
    """Return the raw output above which a single output says class 1: where the losses of both are equal.

    Raises:
        ShapeError: where a formula does not part the classes there.
    """
    if loss.fuses is not None:
        return 0.0
    return 0.5 if loss.text is None else _parted(loss)


class _Curve:
    """A formula's loss over the output, for one target."""

    def __init__(self, loss: Loss, target: float) -> None:
        self.graph = loss.graph()
        self.target = target
        self._given = {**loss.numbers(self.graph), "t": target}
        self.fault: tuple[float, str] | None = None

    def bindings(self, y: float) -> dict[str, float]:
        return {name: self._given.get(name, y) for name in self.graph.inputs}

    def at(self, y: float) -> Here | None:
        """Return value and slope; None, and the reason noted, where there is one of them missing."""
        try:
            point = Point.at(self.graph, self.bindings(y), ["y"])
        except NoSuchNumber as error:
            self.fault = self.fault or (y, error.message)
            return None
        return point.value, point.gradient(["y"])["y"]

    def jump(self, a: float, b: float) -> float | None:
        """Return where the loss jumps between two outputs; None where its slopes account for its change.

        What the mean of the slopes at both ends leaves of the change is halved at least, and of a smooth loss
        an eighth, in the half of the interval that has more of it; a jump stays as it is.
        """
        left, right = self.at(a), self.at(b)
        while left is not None and right is not None:
            if abs(_left_over(a, b, left, right)) <= NEGLIGIBLE * max(1.0, abs(left[0]), abs(right[0])):
                return None
            middle = (a + b) / 2.0
            if middle in (a, b):
                return b
            here = self.at(middle)
            if here is None:
                return None
            if abs(_left_over(a, middle, left, here)) > abs(_left_over(middle, b, here, right)):
                b, right = middle, here
            else:
                a, left = middle, here
        return None


def _left_over(a: float, b: float, left: Here, right: Here) -> float:
    """Return what the trapezoid over the slopes leaves of the change between two outputs."""
    return right[0] - left[0] - (b - a) * (left[1] + right[1]) / 2.0


def check(loss: Loss, targets: NDArray, classes: Sequence[str] | None) -> Iterator[str]:
    """Try a formula's slope by the output against finite differences.

    Args:
        loss: A formula.
        targets: Numbers that it is to be trained with, any shape; of classes it has its own.
        classes: Names of the classes; None for numbers.
    Yields:
        What a reader should know: jumps, and outputs at which there is no loss.
    Raises:
        ShapeError: where the slope is wrong, or 0 wherever it was tried.
    """
    if classes is None:
        finite = targets[np.isfinite(targets)]
        wanted = sorted({float(finite.min()), float(np.median(finite)), float(finite.max())})
        width = (wanted[-1] - wanted[0]) or max(1.0, abs(wanted[0]))
        outputs = np.linspace(wanted[0] - width, wanted[-1] + width, OUTPUTS)
    else:
        wanted = [-1.0 if loss.signed else 0.0, 1.0]
        outputs = np.linspace(-3.0, 3.0, OUTPUTS)
        yield f"{KEY}: t is 1 for the class of a row, {brief(wanted[0])} for every other"
    moves, told = False, set()
    for target in wanted:
        curve = _Curve(loss, target)
        found = [(y, at) for y in map(float, outputs) if (at := curve.at(y)) is not None]
        if not found:
            assert curve.fault is not None
            raise ShapeError(KEY, f"{KEY} has no value where {_where(*curve.fault, target)}")
        slopes = any(slope != 0.0 for _, (_, slope) in found)
        if classes is not None and not slopes:
            signs = "" if loss.signed else "loss.signs: true, where the formula takes t for 1 and -1"
            raise ShapeError(
                KEY,
                f"{KEY} has slope 0 in y wherever t is {brief(target)}: such rows would teach nothing",
                signs or "a loss that changes with y for every t",
            )
        moves = moves or slopes
        for y, _ in found:
            _compare(curve, y)
        if curve.fault is not None and "fault" not in told:
            told.add("fault")
            yield f"{KEY} has no value or slope where {_where(*curve.fault, target)}"
        jumps = (curve.jump(a, b) for (a, _), (b, _) in pairwise(found))
        jump = next((y for y in jumps if y is not None), None) if "jump" not in told else None
        if jump is not None:
            told.add("jump")
            yield (
                f"{KEY} jumps at y = {brief(jump)} (t = {brief(target)}): no slope tells of it, and no step"
                " will be made for it"
            )
    if classes is not None:
        boundary(loss)
    if not moves:
        raise ShapeError(
            KEY,
            f"{KEY} has slope 0 in y wherever it was tried: nothing would be learned",
            "a loss that changes with y little by little",
        )


def _where(y: float, message: str, target: float) -> str:
    return f"y = {brief(y)} and t = {brief(target)}: {message}"


def _compare(curve: _Curve, y: float) -> None:
    """Hold the slope by the rules to that by differences."""
    report = differentiate(curve.graph, curve.bindings(y), methods=("reverse", "finite"), wrt=["y"])
    id = curve.graph.inputs["y"]
    if report.verdicts[id].verdict == DISAGREE:
        rule, quotient = (brief(report.columns[name][id] or 0.0) for name in ("reverse", "finite"))
        raise ShapeError(
            KEY,
            f"{KEY}: at y = {brief(y)} and t = {brief(curve.target)} its slope in y is {rule} by the rules,"
            f" but {quotient} by finite differences",
        )


def _parted(loss: Loss) -> float:
    """Return the output at which a formula changes from preferring class 0 to preferring class 1."""
    no, yes = _Curve(loss, -1.0 if loss.signed else 0.0), _Curve(loss, 1.0)

    def preference(y: float) -> float:
        """How much larger the loss is for class 1; 0 where one of them has no value."""
        ends = yes.at(y), no.at(y)
        return 0.0 if ends[0] is None or ends[1] is None else ends[0][0] - ends[1][0]

    signs = [(float(y), preference(float(y))) for y in REACH]
    below, above = [y for y, d in signs if d > 0.0], [y for y, d in signs if d < 0.0]
    if not below or not above or below[-1] > above[0]:
        raise ShapeError(
            KEY,
            f"{KEY} does not part two classes: no y has it smaller for t = 1 above, and below"
            f" for t = {brief(no.target)}",
            "a loss in which a large y speaks for t = 1",
        )
    a, b = below[-1], above[0]
    while (middle := (a + b) / 2.0) not in (a, b):
        d = preference(middle)
        if d == 0.0:
            return middle
        a, b = (middle, b) if d > 0.0 else (a, middle)
    return b
