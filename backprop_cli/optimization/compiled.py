"""Adam's update as one pass over memory, compiled by Numba (the ``[fast]`` extra).

The operations are those of `rules.Adam.passes` in their order, each rounded once (no fast
math, no fused multiply-add): the bits are the same with and without Numba. Machine code is cached on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

numba: Any = import_module("numba")


def _adam(p: Any, g: Any, m: Any, v: Any, numbers: Any) -> None:
    rate, beta1, beta2, eps = numbers[0], numbers[1], numbers[2], numbers[3]
    for i in range(p.size):
        gi = g[i]
        m[i] = mi = m[i] * beta1 + gi
        v[i] = vi = v[i] * beta2 + gi * gi
        p[i] -= mi / (np.sqrt(vi) + eps) * rate


def _adam_decayed(p: Any, g: Any, m: Any, v: Any, numbers: Any) -> None:
    rate, beta1, beta2, eps, decay = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]
    for i in range(p.size):
        gi = g[i] + p[i] * decay
        m[i] = mi = m[i] * beta1 + gi
        v[i] = vi = v[i] * beta2 + gi * gi
        p[i] -= mi / (np.sqrt(vi) + eps) * rate


def _adamw(p: Any, g: Any, m: Any, v: Any, numbers: Any) -> None:
    rate, beta1, beta2, eps, kept = numbers[0], numbers[1], numbers[2], numbers[3], numbers[5]
    for i in range(p.size):
        gi = g[i]
        m[i] = mi = m[i] * beta1 + gi
        v[i] = vi = v[i] * beta2 + gi * gi
        p[i] = p[i] * kept - mi / (np.sqrt(vi) + eps) * rate


def _compile(kernel: Callable[..., None]) -> Callable[..., None]:
    compiled: Callable[..., None] = numba.njit(cache=True, error_model="numpy")(kernel)
    return compiled


adam = _compile(_adam)
adam_decayed = _compile(_adam_decayed)
adamw = _compile(_adamw)
