"""Reverse mode against finite differences, parameter by parameter, before a training."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from math import inf, isfinite
from typing import NamedTuple

import msgspec
import numpy as np

from .fitting import training_of
from .problem import Problem

TOLERANCE = 1e-6
"""Largest difference that is no disagreement, as a share of the gradient and of its usual size."""

EPSILON = 2.0**-52
STEPS = (EPSILON ** (1.0 / 3.0), 3e-7, 1e-8)
"""Of differences, for parameters up to 1."""


class CheckedParameter(NamedTuple):
    """One array of parameters.

    Attributes:
        name: ``linear1.weights``.
        numbers: How many it has.
        difference: Largest relative difference between the two methods; None where one has no number.
        worst: Position of the number with that difference.
        kinks: How many numbers stand at a kink: left and right quotients differ there.
        agree: Whether all others agree.
    """

    name: str
    numbers: int
    difference: float | None
    worst: tuple[int, ...]
    kinks: int
    agree: bool


def check_gradients(problem: Problem) -> Iterator[CheckedParameter]:
    """Compare the gradient of the first batch's loss with central differences, in float64.

    Dropout masks and states stay as they are for the whole comparison.
    """
    exact = copy(problem)
    exact.config = msgspec.structs.replace(problem.config, dtype="float64")
    training = training_of(exact)
    runner = training.runner
    bound = training.first_batch()
    forward = runner.executor(
        bound.lowered.graph,
        {bound.lowered.graph.inputs[n]: a for n, a in bound.leaves.items()},
        dtype=np.float64,
    )

    def loss() -> float:
        forward.run()
        return float(forward.value(bound.lowered.loss))

    with np.errstate(all="ignore"):
        bound.plan.run()
        here = loss()
        usual = float(np.sqrt(np.mean(runner.gradient**2))) if runner.gradient.size else 0.0
        for parameter in runner.network.parameters:
            if not parameter.trained:
                continue
            values = runner.values[parameter.name].reshape(-1)
            gradient = runner.gradients[parameter.name].reshape(-1)
            worst, where, kinks = 0.0, 0, 0
            for i, old in enumerate(values.tolist()):
                # a large step may cross a kink that is near; a small one has fewer digits
                for part in STEPS:
                    h = part * max(1.0, abs(old))
                    values[i] = old + h
                    up, right = values[i] - old, loss()
                    values[i] = old - h
                    down, left = old - values[i], loss()
                    values[i] = old
                    quotient = (right - left) / (up + down)
                    scale = max(abs(gradient[i]), usual, EPSILON * abs(here) / h / TOLERANCE, 1e-300)
                    difference = float(abs(quotient - gradient[i]) / scale)
                    difference = difference if isfinite(difference) else inf
                    if difference <= TOLERANCE:
                        break
                if difference > TOLERANCE and _kink(here, left, right, down, up, float(gradient[i]), scale):
                    kinks += 1
                elif difference > worst:
                    worst, where = difference, i
            position = (
                tuple(int(k) for k in np.unravel_index(where, parameter.shape)) if parameter.shape else ()
            )
            found = worst if isfinite(worst) else None
            yield CheckedParameter(parameter.name, len(values), found, position, kinks, worst <= TOLERANCE)


def _kink(here: float, left: float, right: float, down: float, up: float, slope: float, scale: float) -> bool:
    """Whether the sides differ and the slope is one of theirs, or between them."""
    below, above = (here - left) / down, (right - here) / up
    least, most = min(below, above), max(below, above)
    margin = 1e-4 * scale
    return most - least > margin and least - margin <= slope <= most + margin
