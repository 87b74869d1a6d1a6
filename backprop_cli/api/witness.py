"""A traced function held to Python: what it does besides its operations is seen by no trace."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from inspect import Parameter
from typing import TYPE_CHECKING, Any

from ..differentiation.rounding import rounding_bounds
from ..engine.point import Point
from ..errors import BackpropError, UsageError
from ..graph import Graph
from ..language.numbers import brief
from ..language.traced import inputs_of
from .arguments import as_float

if TYPE_CHECKING:
    from ..language.settle import Settled

CLOSE = 1e-9
"""Relative, of what two ways of computing may differ by; of arrays, whose rounding is not bounded, `NEAR`."""
NEAR = 1e-6
BOUNDS = 100.0
"""Bounds of rounding that NumPy's floats and ours may lie apart."""


def hold(function: Callable[..., Any], graph: Graph, given: Mapping[str, float]) -> None:
    """Compare the value of a traced function at a point with Python's.

    Where there is none there is nothing to compare: some functions take traced values alone.

    Raises:
        UsageError: where they differ by more than rounding.
    """
    if any(name not in given and name not in graph.defaults for name in graph.inputs):
        return
    try:
        point = Point.at(graph, given, ())
    except BackpropError:
        return
    plain, ours = as_float(_plain(function, given)), point.value
    if plain is None or abs(plain - ours) <= CLOSE * max(abs(plain), abs(ours)):
        return
    if abs(plain - ours) > BOUNDS * rounding_bounds(point)[0]:
        raise _other(function, f"is {brief(plain)} in Python and {brief(ours)}")


def hold_arrays(function: Callable[..., Any], program: Settled, given: Mapping[str, Any]) -> None:
    """Compare the value of a traced function of arrays with Python's; see `hold`."""
    import numpy as np

    from ..differentiation.arrays import array_values

    try:
        ours = array_values(program, given).value
        plain = np.asarray(_plain(function, given), np.float64)
    except (BackpropError, TypeError, ValueError):
        return
    size = float(np.abs(ours).max(initial=0.0))
    if plain.shape != ours.shape or not np.allclose(plain, ours, rtol=NEAR, atol=NEAR * size, equal_nan=True):
        raise _other(function, "has another value in Python than")


def _plain(function: Callable[..., Any], given: Mapping[str, Any]) -> Any:
    """Return what Python computes; None where it computes nothing."""
    by_place = [n for n, p in inputs_of(function).items() if p.kind is Parameter.POSITIONAL_ONLY]
    by_name = {name: x for name, x in given.items() if name not in by_place}
    numpy = sys.modules.get("numpy")
    try:
        with numpy.errstate(all="ignore") if numpy is not None else nullcontext():
            return function(*(given[name] for name in by_place if name in given), **by_name)
    except Exception:  # whatever it raises
        return None


def _other(function: Callable[..., Any], says: str) -> UsageError:
    title = getattr(function, "__name__", type(function).__name__)
    return UsageError(
        f"{title} {says} as it was traced: a trace sees operations alone",
        hint="a traced function does the same for all numbers: where(...) chooses, not isinstance or a text",
    )
