"""Programs as functions of single numbers: arrays written out number by number, or followed along a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import hypot
from typing import Any

from ..differentiation.forward import hessian_product
from ..engine.line import Line, line_name, line_through
from ..engine.point import Point, check_wrt
from ..errors import UsageError
from ..graph import Graph
from ..language.numbers import brief
from .arguments import as_float
from .programs import AnyProgram, bound, merged, wants_arrays

GRADIENT, DOWNHILL = "gradient", "-gradient"
"""Words for directions."""

WAYS = f'{GRADIENT}, {DOWNHILL}, or how fast each input moves: --along "x=[1, 0]"'

SHOWN = 4
"""Numbers of a direction that are shown, of each input."""

Direction = Mapping[str, Any] | str
"""How fast inputs move, each by a number or an array; or one of the words."""


def single_numbers(
    program: AnyProgram,
    bindings: Mapping[str, object] | None,
    values: Mapping[str, object],
    wrt: Sequence[str] | None = None,
    *,
    large: bool = False,
    each: bool = False,
    steps: bool = False,
) -> tuple[Graph, dict[str, float], Sequence[str] | None]:
    """Return a program's graph, values and inputs to differentiate by; one with arrays number by number.

    Args:
        program: Text, what `parse` or `trace` returned, or a Python function.
        bindings: Values by name.
        values: More of them.
        wrt: Inputs asked for, or numbers of arrays, ``x[0]``.
        large: Lift the limits on the program's size.
        each: As of `by_numbers`.
        steps: The same.
    Raises:
        BackpropError: as `bound`, and where the output is an array, or there are too many numbers.
    """
    if wants_arrays(program, bindings, values):
        from ..differentiation.arrays import by_numbers
        from .arrays import settled_of

        found = settled_of(program, merged(bindings, values), large=large)
        if found is not None:
            return by_numbers(*found, wrt, each=each, steps=steps)
    return *bound(program, bindings, values, large=large), wrt


def followed(
    graph: Graph, inputs: Mapping[str, float], direction: Direction, wrt: Sequence[str] | None = None
) -> Line:
    """Return a program of single numbers along a line through a point.

    Args:
        graph: The computation; the numbers of an array are called ``x[0]``.
        inputs: The point.
        direction: Where to.
        wrt: Inputs that the gradient is of; None for all.
    Raises:
        UsageError: for a direction that does not fit.
    """
    name = line_name(graph)
    if not isinstance(direction, (str, Mapping)):
        raise UsageError(f"along is how fast each input moves, or a word, not {direction!r:.40}", hint=WAYS)
    if isinstance(direction, str):
        if direction not in (GRADIENT, DOWNHILL):
            raise UsageError(f"no direction {direction}", hint=WAYS)
        asked = check_wrt(graph, wrt)
        point = Point.at(graph, inputs, asked)
        gradient = point.gradient(asked)
        if not any(gradient.values()):
            raise UsageError("the gradient is 0 here: it has no direction", hint='--along "x=[1, 0]"')
        sign = -1.0 if direction == DOWNHILL else 1.0
        slopes = {x: sign * slope for x, slope in gradient.items()}
        by = "" if wrt is None else f" in {', '.join(_grouped(slopes))}"
        downhill = f"the negative gradient{by}, {name} the rate of an update"
        return line_through(graph, point.inputs, slopes, f"the gradient{by}" if sign > 0 else downhill)
    if wrt is not None:
        raise UsageError("--wrt says which gradient, and a direction is given", hint=f"--along {DOWNHILL}")
    speeds: dict[str, float] = {}
    says = []
    for x, given in direction.items():
        found, text = _by_number(graph, x, given)
        speeds |= found
        says.append(f"{x} + {name}" + (f"*{text}" if text != "1" else ""))
    if not any(speeds.values()):
        raise UsageError("a direction with a length: this one is 0")
    return line_through(graph, Point.at(graph, inputs, ()).inputs, speeds, ", ".join(says))


def _grouped(names: Mapping[str, float]) -> list[str]:
    """Return the arrays and numbers that names are of."""
    return list(dict.fromkeys(name.partition("[")[0] for name in names))


def _by_number(graph: Graph, name: str, given: Any) -> tuple[dict[str, float], str]:
    """Return how fast the numbers of an input move, and how that is written."""
    number = as_float(given)
    if number is not None:
        if name not in graph.inputs:
            raise _unfit(graph, name, "a number")
        return {name: number}, brief(number)
    import numpy as np

    from ..engine.unroll import place_text

    try:
        array = np.array(given, np.float64)
    except (TypeError, ValueError):
        raise UsageError(f"the direction of {name} is {given!r:.40}: no number, and no array") from None
    speeds = {name + place_text(place): float(array[place]) for place in np.ndindex(array.shape)}
    of = [x for x in graph.inputs if x.partition("[")[0] == name]
    if of != list(speeds):
        raise _unfit(graph, name, f"{'x'.join(map(str, array.shape))} numbers")
    row = [brief(x, SHOWN) for x in array.reshape(-1)[:SHOWN]]
    rows = "" if array.ndim < 2 else f" of {len(array)} rows"
    return speeds, f"[{', '.join([*row, '...'] if array.size > SHOWN else row)}]{rows}"


def _unfit(graph: Graph, name: str, has: str) -> UsageError:
    of = [x for x in graph.inputs if x.partition("[")[0] == name]
    if not of:
        listed = ", ".join(_grouped(dict.fromkeys(graph.inputs, 0.0)))
        return UsageError(f"--along: the expression has no input {name}", hint=f"its inputs: {listed}")
    last = of[-1][len(name) + 1 : -1]
    shape = "a number" if of == [name] else "x".join(str(int(k) + 1) for k in last.split(",")) + " numbers"
    return UsageError(f"--along: the direction of {name} is {has}, and {name} is {shape}")


def reach(line: Line) -> tuple[float, float]:
    """Return where to look along a line downhill: from its point to twice as far as the lowest value.

    Its curvature says how far that is; where the function does not bend up, the length of the slope.
    """
    slopes, curvatures = hessian_product(line.graph, line.inputs, {line.name: 1.0})
    slope, curvature = slopes[line.name], curvatures[line.name]
    far = -slope / curvature if curvature > 0.0 > slope else 1.0 / hypot(1.0, slope)
    return 0.0, float(f"{2.0 * far:.2g}")
