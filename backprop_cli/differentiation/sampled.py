"""A witness for programs of many numbers: differences at some of them, and along a direction through all."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..engine.tensors import TensorPlan
from ..engine.unroll import place_text
from ..errors import joined
from ..graph import Graph

NDArray = npt.NDArray[Any]

MOST = 64
"""Numbers of an input that are moved."""

SECONDS = 1.0
"""What the runs may take; of slow programs fewer numbers are moved."""

STEP = 1e-5
"""Of the differences, relative to numbers above 1: small, as a step through many kinks meets some of them."""

ROUNDING = 64 * 2.0**-52
"""What a value may be rounded by, relative to it: sums of many terms round more than single steps."""

NEAR = 1e-6
"""How near reverse mode has to be to a difference, relative to both."""

UNEVEN = 4
"""How many times the difference of two steps reverse mode may be off: that is how well it is known."""

HALVED = 0.75
"""Of the bend over a step half as long: at a kink it is as large, elsewhere half."""


class Sampled(NamedTuple):
    """What differences say of reverse mode at numbers that were drawn.

    Attributes:
        inputs: Those that were moved.
        numbers: How many of them, and the direction, were compared and agree.
        kinks: How many were not, where the slope changes within a step.
        wrong: Names of those that differ; ``the direction`` for that through all inputs.
    """

    inputs: Sequence[str]
    numbers: int
    kinks: int
    wrong: Sequence[str]

    def __str__(self) -> str:
        """Say it in a sentence."""
        if self.wrong:
            some = ", ".join(self.wrong[:4]) + (", ..." if len(self.wrong) > 4 else "")
            return f"central differences disagree with reverse mode at {some}"
        kinks = f", {self.kinks} more lie at kinks" if self.kinks else ""
        return (
            f"central differences agree at {self.numbers:,} places: numbers drawn from {joined(self.inputs)},"
            f" and one direction through all of them{kinks}"
        )


def sampled(graph: Graph, inputs: Mapping[str, NDArray], gradient: Mapping[str, NDArray]) -> Sampled:
    """Hold a gradient to central differences at numbers that are drawn, and along one direction.

    Args:
        graph: The computation; its output is a single number.
        inputs: A value for every input.
        gradient: By the inputs asked for, of reverse mode.
    """
    draw = np.random.default_rng(0)
    at = {name: np.array(x, np.float64) for name, x in inputs.items()}
    plan = TensorPlan(graph, {id: at[name] for name, id in graph.inputs.items()})

    def value() -> float:
        with np.errstate(all="ignore"):
            plan.run()
        return float(plan.value(graph.output))

    def moved(name: str, k: int, by: float) -> float:
        """Return the value with one number moved."""
        flat = at[name].reshape(-1)
        before = flat[k]
        flat[k] += by
        found = value()
        flat[k] = before
        return found

    def along(by: float) -> float:
        """Return the value with all numbers moved."""
        for name, d in direction.items():
            np.add(inputs[name], by * d, out=at[name])
        found = value()
        for name in direction:
            np.copyto(at[name], inputs[name])
        return found

    middle = value()
    start = time.perf_counter()
    value()
    spent = max(time.perf_counter() - start, 1e-9)
    names = list(gradient)
    direction = {name: draw.choice([-1.0, 1.0], at[name].shape) for name in names}
    each = int(min(MOST, max(1.0, SECONDS / (4.0 * spent * max(len(names), 1)))))
    total = sum(float(np.vdot(d, gradient[name])) for name, d in direction.items())
    verdicts = {"the direction": _judged(along, middle, total, STEP)}
    for name in names:
        slopes, flat = gradient[name].reshape(-1), at[name].reshape(-1)
        for k in draw.permutation(flat.size)[:each].tolist():
            place = place_text([int(i) for i in np.unravel_index(k, at[name].shape)])
            h = STEP * max(1.0, abs(float(flat[k])))
            verdicts[name + place] = _judged(partial(moved, name, k), middle, float(slopes[k]), h)
    agree = sum(verdict is True for verdict in verdicts.values())
    kinks = sum(verdict is None for verdict in verdicts.values())
    return Sampled(names, agree, kinks, [name for name, verdict in verdicts.items() if verdict is False])


def _judged(f: Callable[[float], float], middle: float, slope: float, h: float) -> bool | None:
    """Whether a slope is the difference quotient of a function of a step; None where that has a kink."""
    right, left, nearer, lefter = f(h), f(-h), f(h / 2.0), f(-h / 2.0)
    far, near = (right - left) / (2.0 * h), (nearer - lefter) / h
    if not np.isfinite(far + near):
        return None
    rounded = ROUNDING * max(map(abs, (middle, right, left))) / h
    if abs(near - slope) <= rounded + NEAR * (abs(near) + abs(slope)) + UNEVEN * abs(near - far):
        return True
    bend, half = abs(right - 2.0 * middle + left) / h, 2.0 * abs(nearer - 2.0 * middle + lefter) / h
    return None if half > rounded and half > HALVED * bend else False
