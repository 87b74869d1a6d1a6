"""Functions of the language for Python: of numbers, arrays and traced values.

``from backprop_cli.functions import sin, where, softmax``: inside a traced function they are recorded, with
numbers and arrays they are computed, as `backprop_cli.eval` does it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .api.gradients import eval
from .language.traced import called, has_traced
from .ops import FUNCTIONS
from .ops.matrices import CALLED, MATRICES

NAMES = sorted({*FUNCTIONS, *CALLED} - {"eye", "tril", "ones", "zeros"})
"""Of all functions: those of numbers, which go number by number over arrays, and those of arrays."""

__all__ = [*NAMES]


def __getattr__(name: str) -> Callable[..., Any]:
    if name not in NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def function(*operands: Any) -> Any:
        if has_traced(operands):
            return called(name, *operands)
        if name == "where":
            return _where(*operands)
        words = [f"x{k}" for k in range(len(operands))]
        return eval(f"{name}({', '.join(words)})", dict(zip(words, operands, strict=True)))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (FUNCTIONS.get(name) or MATRICES[name]).says
    globals()[name] = function
    return function


def _where(condition: Any, a: Any, b: Any) -> Any:
    if getattr(condition, "ndim", 0):
        import numpy as np

        return np.where(condition, a, b)
    return a if condition else b


def __dir__() -> list[str]:
    return NAMES
