"""Formulas judged at points: where two of them differ is a proof, and where they agree is evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from random import Random
from typing import Any, NamedTuple

from ..differentiation.evaluate import leaf_values, run
from ..differentiation.reverse import sweep
from ..errors import BackpropError
from ..graph import CONSTANT, Graph
from .answers import Answer, Target
from .derivatives import reduced

POINTS = 200
LEAST_POINTS = 8
WORK = 120_000
"""Primitives that may run in multi-precision for one claim: a second or two."""

MOST_NODES = 5_000
"""Nodes of a program up to which many digits and many points are taken."""

DIGITS = 40
RANGES = (
    (-3.0, 3.0),
    (0.1, 3.0),
    (0.05, 0.95),
    (-0.95, 0.95),
    (1.1, 6.0),
    (-8.0, 8.0),
    (2.0, 40.0),
    (-3.0, -0.1),
)
SAME = 1e-11
"""Relative difference of two numbers that are one: rules carry constants of 16 digits."""


class Sample(NamedTuple):
    """A point of the domain.

    Attributes:
        inputs: Value by input.
        values: The program's floats.
        right: The quantity.
        exact: The program's values to many digits.
        precise: The quantity to many digits.
    """

    inputs: dict[str, float]
    values: list[float]
    right: float
    exact: list[Any]
    precise: Any


class Agreement(NamedTuple):
    """What the points say of a formula.

    Attributes:
        points: At how many it was compared.
        worst: Largest relative difference.
        sample: The point of that difference, or where the formula has no value.
        claimed: The formula there; None where it has none.
    """

    points: int
    worst: float
    sample: Sample | None
    claimed: float | None


def literal(label: str, value: float) -> Any:
    """Return a constant to the working precision."""
    from mpmath import mp, mpf

    if label in ("pi", "π"):
        return +mp.pi
    if label in ("tau", "e"):
        return 2 * mp.pi if label == "tau" else +mp.e
    return mpf(label) if label and label[0] in "0123456789." else mpf(value)


def exact_leaves(graph: Graph, inputs: Mapping[str, float]) -> dict[int, Any]:
    """Return every leaf to the working precision; inputs are exact as given."""
    from mpmath import mpf

    leaves = {
        n.id: literal(n.label or "", n.value) for n in graph.nodes if n.op is None and n.kind == CONSTANT
    }
    return leaves | {id: mpf(inputs[name]) for name, id in graph.inputs.items()}


def precise(
    graph: Graph, inputs: Mapping[str, float], by: int | None, needed: Sequence[bool]
) -> tuple[list[Any], Any]:
    """Return values and the output, or its derivative by a node, to `DIGITS` digits; nan for none."""
    from mpmath import mp

    from ..ops.namespaces import multiprecision

    xp = multiprecision()
    with mp.workdps(DIGITS):
        # a branch that is not taken may be of any size
        values = run(graph, exact_leaves(graph, inputs), xp, needed)
        if by is None:
            return values, values[graph.output]
        start: list[Any] = [mp.zero] * len(graph)
        active = [n.kind != CONSTANT for n in graph.nodes]
        return values, sweep(graph, values, active, xp, mp.one, start)[by]


def right_at(graph: Graph, inputs: Mapping[str, float], target: Target) -> Sample | None:
    """Return the quantity at a point, None outside the domain."""
    from mpmath import mp

    cut, by = reduced(graph, target)
    values = run(cut, leaf_values(cut, inputs))
    needed = cut.needed(values)
    if not all(isfinite(v) for v, n in zip(values, needed, strict=True) if n):
        return None
    exact, number = precise(cut, inputs, by, needed)
    if not mp.isfinite(number) or abs(number) > 1e300:
        return None
    return Sample(dict(inputs), values, float(number), exact, number)


def points(graph: Graph) -> Iterator[dict[str, float]]:
    """Yield points, always the same ones: of short decimals, from ranges where domains usually are."""
    random = Random(f"points of {graph.source.text}")
    for k in range(20 * POINTS):
        alone = RANGES[(k // 2) % len(RANGES)]
        yield {
            name: round(random.uniform(*(alone if k % 2 else random.choice(RANGES))), 3)
            for name in graph.inputs
        }


def samples(graph: Graph, target: Target) -> list[Sample]:
    """Return points of the domain, fewer of larger programs."""
    if len(graph) > MOST_NODES:
        return []
    wanted = max(LEAST_POINTS, min(POINTS, WORK // (3 * len(graph))))
    found: list[Sample] = []
    for tried, inputs in enumerate(points(graph)):
        if len(found) >= wanted or tried > 10 * wanted + 200:
            break
        try:
            sample = right_at(graph, inputs, target)
        except (BackpropError, ArithmeticError, ValueError):
            continue
        if sample is not None:
            found.append(sample)
        if not graph.inputs:
            break
    return found


def value_at(answer: Answer, sample: Sample) -> Any:
    """Return the formula at a point, in the numbers of the sample; None where it has no value."""
    from mpmath import mp

    from ..ops.namespaces import multiprecision

    found, tame = answer.runs(sample.values)
    # what overflows on the way may have too many digits for any memory
    if not tame:
        return found if isfinite(found) else None
    with mp.workdps(DIGITS):
        precise_value = answer.at(sample.exact, multiprecision(), literal)
        return precise_value if mp.isfinite(precise_value) else None


def compare(answer: Answer, found: Sequence[Sample]) -> Agreement:
    """Compare a formula with a quantity at points; stop where it has no value."""
    worst, at, claimed = 0.0, None, None
    for sample in found:
        value = value_at(answer, sample)
        if value is None:
            return Agreement(len(found), float("inf"), sample, None)
        gap = float(difference(value, sample))
        if gap > worst:
            worst, at, claimed = gap, sample, float(value)
    return Agreement(len(found), worst, at, claimed)


def difference(value: Any, sample: Sample) -> Any:
    """Return the relative difference from the right number."""
    from mpmath import mp

    with mp.workdps(DIGITS):
        gap = abs(value - sample.precise)
        size = max(abs(value), abs(sample.precise))
        return gap / size if size > 1e-25 and gap else 0.0
