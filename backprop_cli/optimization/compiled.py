"""Adam's update as one pass over memory, by machine code (the ``[fast]`` extra).

The operations are those of `rules.Adam.passes` in their order, each rounded once: the bits are the same with
and without LLVM.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine.lanes import Lane, Lanes
from ..engine.llvm import compiled, machine

Array = npt.NDArray[Any]
NUMBERS = 6
"""Of a step: rate, beta1, beta2, eps, decay, kept."""


def _adam(xp: Lanes, p: Lane, g: Lane, m: Lane, v: Lane, numbers: Sequence[Lane]) -> list[Lane]:
    rate, beta1, beta2, eps = numbers[:4]
    m = m * beta1 + g
    v = v * beta2 + g * g
    return [p - m / (xp.sqrt(v) + eps) * rate, m, v]


def _adam_decayed(xp: Lanes, p: Lane, g: Lane, m: Lane, v: Lane, numbers: Sequence[Lane]) -> list[Lane]:
    return _adam(xp, p, g + p * numbers[4], m, v, numbers)


def _adamw(xp: Lanes, p: Lane, g: Lane, m: Lane, v: Lane, numbers: Sequence[Lane]) -> list[Lane]:
    return _adam(xp, p * numbers[5], g, m, v, numbers)


RULES: dict[str, Callable[..., list[Lane]]] = {"adam": _adam, "adam_decayed": _adam_decayed, "adamw": _adamw}


def update(rule: str, dtype: npt.DTypeLike) -> Callable[..., None]:
    """Return ``(p, g, m, v, numbers)``, which changes all but g and the numbers of a step.

    Raises:
        NotCompiled: where there is no machine code.
    """
    kind, width = ("double", 1) if np.dtype(dtype) == np.float64 else ("float", 2)
    function = compiled(text(RULES[rule], kind, width * machine().width), "update", 5)

    def run(*arrays: Array) -> None:
        function(*(array.ctypes.data_as(ctypes.c_void_p) for array in arrays), arrays[0].size)

    return run


def text(rule: Callable[..., list[Lane]], kind: str, width: int) -> str:
    """Return the function ``update(p, g, m, v, numbers, count)``: vectors, and what is left one by one."""
    lines = [f"%left = urem i64 %count, {width}", "%whole = sub i64 %count, %left"]
    declared: dict[str, None] = {}
    before, first = "start", "0"
    for wide, last in ((width, "%whole"), (1, "%count")):
        xp, name = Lanes(wide, kind, f"by{wide}."), f"by{wide}"
        numbers = [xp.everywhere(xp.at("%numbers", str(k))) for k in range(NUMBERS)]
        lines += [*xp.lines, f"br label %{name}"]
        head = len(xp.lines)
        places = [xp.at(array, f"%{name}.i") for array in ("%p", "%g", "%m", "%v")]
        p, g, m, v = map(xp.load, places)
        results = rule(xp, p, g, m, v, numbers)
        for place, x in zip((places[0], *places[2:]), results, strict=True):
            xp.store(x, place)
        lines += [
            f"{name}:",
            f"%{name}.i = phi i64 [ {first}, %{before} ], [ %{name}.next, %{name}.body ]",
            f"%{name}.go = icmp slt i64 %{name}.i, {last}",
            f"br i1 %{name}.go, label %{name}.body, label %{name}.end",
            f"{name}.body:",
            *xp.lines[head:],
            f"%{name}.next = add i64 %{name}.i, {wide}",
            f"br label %{name}",
            f"{name}.end:",
        ]
        declared |= xp.declared
        before, first = f"{name}.end", "%whole"
    arguments = ", ".join(f"ptr %{array}" for array in ("p", "g", "m", "v", "numbers"))
    return "\n".join(
        (*declared, f"define void @update({arguments}, i64 %count) {{", "start:", *lines, "ret void", "}")
    )
