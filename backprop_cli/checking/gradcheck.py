"""The gradient check as it is taught, and the one that needs no tolerance.

The relative error against difference quotients is read on the usual scale: 1e-7 and below is fine, 1e-4
fine only with kinks, above 1e-2 wrong. The Taylor remainder f(x + h) - f(x) - h*g falls with h^2 where g is
the slope, and with h where it is not; taken to 60 digits, rounding has no part in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf, isfinite, ulp
from statistics import median
from typing import NamedTuple

from ..differentiation.finite import EPS, Probe, Quotient, finite
from ..engine.point import Point
from ..engine.run import run_exactly, written
from ..engine.work import through
from ..errors import ANSWERED, NO, NO_SUCH_NUMBER, UsageError
from ..graph import Graph
from ..language.numbers import brief, scientific
from ..ops.precision import digits
from .answers import Answer, shortened

FINE, KINKED, WRONG = 1e-7, 1e-4, 1e-2
DIGITS = 60
RUNGS = 18
"""Steps of the remainder, each a quarter of the one before: h falls by ten digits, h^2 by twenty."""

BETWEEN = 1.5
"""Orders above this are 2, those below are 1."""

NOTHING = 1e-30
"""Slopes up to this are 0 where a relative error is asked for."""

SIDES = 1e-6
"""Relative error of the slopes on the sides of a kink: they come of quotients."""

LEAST = 10**6
"""Bits after the point from which a remainder is 0."""

LINEAR = 1e-13
"""Share of h*g below which a remainder is the rounding of g itself."""


class Checked(NamedTuple):
    """The check by one input.

    Attributes:
        name: The input.
        source: ``claimed`` or ``reverse``.
        slope: What is checked; None where a claimed formula has no value.
        finite: The difference quotient; None where there is none.
        error: Relative error between them.
        order: Order of the Taylor remainder; None where it vanishes.
        step: Largest step of the remainder that crosses no kink; None at a kink.
        crossed: A kink that larger steps cross, as text.
        verdict: ``right``, ``wrong`` or ``kink``.
        says: Which it is and why, one sentence.
    """

    name: str
    source: str
    slope: float | None
    finite: float | None
    error: float | None
    order: float | None
    step: float | None
    crossed: str | None
    verdict: str
    says: str


def status(checked: Sequence[Checked]) -> int:
    """Return the exit status: wrong before kinks."""
    verdicts = {c.verdict for c in checked}
    return NO if "wrong" in verdicts else NO_SUCH_NUMBER if "kink" in verdicts else ANSWERED


def check(graph: Graph, bindings: Mapping[str, float], claimed: Mapping[str, Answer]) -> list[Checked]:
    """Check a gradient, our own where nothing is claimed.

    Args:
        graph: The program.
        bindings: Values of its inputs.
        claimed: Numbers or formulas of slopes by input, in place of reverse mode's.
    Raises:
        BindingError, NoSuchNumber: as in `differentiate`.
    """
    names = list(claimed) or list(graph.inputs)
    point = Point.at(graph, bindings, names)
    if not names:
        raise UsageError("the expression has no variable to differentiate by")
    noise = 4.0 * EPS * abs(point.value)
    found = []
    for name, slope in through([*point.gradient(names).items()], "checking slope"):
        quotient = finite(graph, point.values, graph.inputs[name], noise)
        source = "reverse"
        if name in claimed:
            answer, source = claimed[name], "claimed"
            if answer.first_fault(point.values) is not None:
                found.append(_without_value(name, answer, quotient))
                continue
            slope = float(answer.at(point.values))
        found.append(_one(point, name, slope, source, quotient))
    return found


def relative(a: float, b: float) -> float:
    """Return |a - b|/max(|a|, |b|), 0 where both are as good as 0."""
    size = max(abs(a), abs(b))
    return abs(a - b) / size if size > NOTHING else 0.0


def beyond(quotient: Quotient, slope: float) -> bool:
    """Whether a slope is none of those at a kink: neither on one of its sides nor between them."""
    if quotient.left is None or quotient.right is None:
        return False
    low, high = sorted((quotient.left, quotient.right))
    spare = SIDES * max(abs(low), abs(high))
    return not low - spare <= slope <= high + spare


def _without_value(name: str, answer: Answer, quotient: Quotient) -> Checked:
    says = f"wrong: {shortened(answer.text)} has no value here"
    return Checked(name, "claimed", None, quotient.value, None, None, None, None, "wrong", says)


def _one(point: Point, name: str, slope: float, source: str, quotient: Quotient) -> Checked:
    graph = point.graph
    step, crossed = _clear_step(graph, point.values, graph.inputs[name])
    error = relative(slope, quotient.value) if quotient.value is not None else None
    where = written(graph, crossed) if crossed is not None else None
    base = Checked(name, source, slope, quotient.value, error, None, step, where, "kink", "")
    if step is None or quotient.kind != "smooth":
        at = quotient.at if quotient.at is not None else crossed
        op = graph.nodes[at].op if at is not None else None
        left, right = (brief(s) if s is not None else "infinite" for s in (quotient.left, quotient.right))
        text = written(graph, at) if at is not None else "the point"
        by = f"; the convention is {op.convention}" if op is not None and op.convention else ""
        says = (
            f"{text} is at a {'jump' if quotient.kind == 'jump' else 'kink'}: the slope is {left} on the left"
        )
        if source == "claimed" and quotient.kind == "kink" and beyond(quotient, slope):
            says = f"wrong: {says}, {right} on the right, and this is neither"
            return base._replace(verdict="wrong", says=says)
        return base._replace(says=f"no check here: {says}, {right} on the right{by}")
    order, share = _order(graph, point.inputs, name, slope, step)
    base = base._replace(order=order)
    kink = f"; steps above {scientific(step, 1)} cross the kink of {where}" if where else ""
    if order is None:
        return base._replace(verdict="right", says=f"right: nothing is left of f(x + h) - f(x) - h*g{kink}")
    if order > BETWEEN:
        off = error is not None and error > FINE
        own = f"; the quotient is off by {scientific(error, 1)}, an error of its own" if off else ""
        says = f"right: the remainder falls with h^{brief(order, 2)}{own}{kink}"
        return base._replace(verdict="right", says=says)
    if share <= FINE:
        says = f"right to the digits given: the slope is off by {scientific(share, 1)} of itself{kink}"
        return base._replace(verdict="right", says=says)
    says = f"wrong: the remainder falls with h^{brief(order, 2)}, for a part of the slope is left over"
    return base._replace(verdict="wrong", says=f"{says}: {_size(share)}{kink}")


def _size(share: float) -> str:
    """Say how far a slope is off."""
    if share > WRONG:
        return "it is clearly wrong"
    return "it is off" if share > KINKED else "it is slightly off, as a rounded number is"


def _clear_step(graph: Graph, values: list[float], id: int) -> tuple[float | None, int | None]:
    """Return a step below which no kink is crossed, and the kink that larger ones cross."""
    probe = Probe(graph, values, 0.0, id)
    crossed = None
    for k in range(3, 100):
        h = probe.scale * 2.0**-k
        if h < 16.0 * ulp(probe.x):
            break
        kinks = [probe.crossed(probe(probe.x + s).pieces) for s in (h, -h)]
        outside = not all(isfinite(probe(probe.x + s).f) for s in (h, -h))
        if all(at is None for at in kinks) and not outside:
            return h, crossed
        crossed = next((at for at in kinks if at is not None), crossed)
    return None, crossed


def _order(
    graph: Graph, inputs: Mapping[str, float], name: str, slope: float, step: float
) -> tuple[float | None, float]:
    """Return the order of the remainder, None where there is none, and its last share of h*g."""
    from mpmath import mp, mpf

    with digits(DIGITS):
        x = mpf(inputs[name])
        here = run_exactly(graph, inputs)[graph.output]
        sizes: list[float] = []
        share = inf
        for k in range(RUNGS):
            h = mpf(step) / 2 ** (2 * k)
            there = run_exactly(graph, {**inputs, name: x + h})[graph.output]
            left = abs(there - here - h * mpf(slope))
            unit = max(abs(h * mpf(slope)), abs(there - here))
            share = float(left / unit) if unit else 0.0
            if share <= LINEAR or mp.mag(left) < -LEAST:
                break
            sizes.append(float(mp.log(left, 2)))
    if len(sizes) < 3:
        return None, share
    orders = [(a - b) / 2.0 for a, b in pairwise(sizes)]
    return median(orders[-3:]), share
