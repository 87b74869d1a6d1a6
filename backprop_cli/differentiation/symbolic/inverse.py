"""What inverts a function that uses its variable once: undone operation by operation, as on paper.

Where several inverses exist, as of x^2, each is a candidate: whoever has the point takes the one that leads
back to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy

from ...graph import Graph
from .constants import Constants, inlined
from .functions import head, is_formula, shown
from .printer import Printer
from .simpler import Simpler

MOST_CANDIDATES = 8

UNDONE: dict[str, Callable[[Any], list[Any]]] = {
    "exp": lambda t: [sympy.log(t)],
    "log": lambda t: [sympy.exp(t)],
    "sin": lambda t: [sympy.asin(t), sympy.pi - sympy.asin(t)],
    "cos": lambda t: [sympy.acos(t), -sympy.acos(t)],
    "tan": lambda t: [sympy.atan(t)],
    "asin": lambda t: [sympy.sin(t)],
    "acos": lambda t: [sympy.cos(t)],
    "atan": lambda t: [sympy.tan(t)],
    "sinh": lambda t: [sympy.asinh(t)],
    "cosh": lambda t: [sympy.acosh(t), -sympy.acosh(t)],
    "tanh": lambda t: [sympy.atanh(t)],
    "asinh": lambda t: [sympy.sinh(t)],
    "atanh": lambda t: [sympy.tanh(t)],
    "sigmoid": lambda t: [sympy.log(t / (1 - t))],
    "softplus": lambda t: [sympy.log(sympy.exp(t) - 1)],
    "cbrt": lambda t: [t**3],
}
"""By the name of a function, what it may have been applied to."""


def inverses(graph: Graph, equation: int, x: str, y: str) -> list[tuple[str, str]]:
    """Return what x may be by y, and the derivative of that, as formulas.

    Args:
        graph: The nodes of ``y = f(x)``.
        equation: Left minus right side.
        x: What is solved for.
        y: The name on the left side.
    """
    constants = Constants(graph)
    symbols = {name: sympy.Dummy(name, real=True) for name in graph.inputs}
    leaves = {id: symbols[name] for name, id in graph.inputs.items()}
    f = inlined(graph, constants, leaves, shown)[graph.nodes[equation].inputs[1]]
    if symbols[y] in f.free_symbols:
        return []
    write = Printer(any(n.label and "." in n.label for n in graph.nodes), constants.written).write
    simpler = Simpler({})

    def text(e: Any) -> str:
        return simpler.shortest(write((e,)), e, lambda other: write((other,)))

    found = []
    for g in _undone(f, symbols[x], [symbols[y]]):
        slope = sympy.powsimp(g.diff(symbols[y]))
        if is_formula(g) and is_formula(slope):
            found.append((text(g), text(slope)))
    return found


def _undone(e: Any, x: Any, targets: list[Any]) -> list[Any]:
    """Return what x may be where e is one of the targets; nothing where that cannot be undone."""
    while e != x and targets:
        inner = [a for a in e.args if x in a.free_symbols]
        if len(inner) != 1 or len(targets) > MOST_CANDIDATES:
            return []
        (a,) = inner
        others = [b for b in e.args if b is not a]
        if e.is_Add:
            targets = [t - sympy.Add(*others) for t in targets]
        elif e.is_Mul:
            targets = [t / sympy.Mul(*others) for t in targets]
        elif e.is_Pow and a is e.base:
            targets = [root for t in targets for root in _roots(t, e.exp)]
        elif e.is_Pow:
            targets = [sympy.log(t) / sympy.log(e.base) for t in targets]
        elif type(e).__name__ in UNDONE and len(e.args) == 1:
            targets = [u for t in targets for u in UNDONE[type(e).__name__](t)]
        else:
            return []
        e = a
    return targets


def _roots(t: Any, n: Any) -> list[Any]:
    """Return what n-th powers of may be t."""
    if n.is_Integer and n < 0:
        t, n = 1 / t, -n
    if n == 1:
        return [t]
    if n == 3:
        return [head("cbrt")(t)]
    root = t ** (1 / n)
    if n.is_Integer:
        return [root, -root] if n % 2 == 0 else [root, -((-t) ** (1 / n))]
    return [root]
