"""What would mend a training that goes wrong: keys of its config, the likeliest first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..networks.formula import FormulaNetwork
from ..networks.network import NDArray
from .config.acting import RATES
from .problem import Problem
from .units import can_fold

TOO_LARGE = 10.0
TOO_SMALL = 0.1
"""Columns whose mean size is beyond these are far from the 1 that first weights and rates are made for."""


def steadier(problem: Problem) -> str:
    """Say what keeps steps small enough: the likeliest first, what is done already left out."""
    config = problem.config
    ways = [*unscaled(problem), "a smaller optimizer.learning_rate"]
    if config.training.method in RATES:
        return either(["smaller rewards", *ways])
    if config.training.gradient_clip is None:
        ways.append("training.gradient_clip: 1")
    return either(ways)


def unscaled(problem: Problem) -> list[str]:
    """Return the keys that scale what is far from 1, as one way; none where nothing is."""
    config, ways = problem.config, []
    if isinstance(problem.network, FormulaNetwork):
        return []
    train = problem.train.sample
    if config.data.scaling == "none" and _far(train.encoded.reshape(len(train), -1)):
        ways.append("data.scaling: standard")
    degree = config.loss.row.degree
    folds = can_fold(config.model, problem.network.outputs)
    numbers = problem.task == "regression" and config.data.target != "features"
    if numbers and problem.units is None and degree is not None and folds and _far(train.targets):
        ways.append("data.target_scaling: standard")
    return [" and ".join(ways)] if ways else []


def _far(columns: NDArray) -> bool:
    """Whether a column's numbers are far from 1, in the mean of their sizes."""
    with np.errstate(over="ignore"):
        sizes = np.abs(columns).mean(axis=0)
    return bool((sizes > TOO_LARGE).any() or (sizes.max(initial=0.0) < TOO_SMALL and sizes.any()))


def either(ways: Sequence[str]) -> str:
    """Return ``a, b, or c``."""
    before = ", ".join(ways[:-1])
    return f"{before}{', or ' if len(ways) > 2 else ' or ' if before else ''}{ways[-1]}"
