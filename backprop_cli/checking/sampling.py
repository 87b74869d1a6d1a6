"""Formulas judged at points: where two of them differ is a proof, and where they agree is evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import floor, inf, isfinite, isinf, log10
from random import Random
from typing import Any, NamedTuple

from ..engine.run import kinked, leaf_values, pieces, run, run_exactly
from ..engine.sweep import active_nodes, sweep
from ..errors import BackpropError
from ..graph import Graph, Node
from ..ops import precision
from ..ops.kinks import between_pieces
from .answers import Answer, Target
from .derivatives import claimed, reduced

POINTS = 200
LEAST_POINTS = 8
WORK = 120_000
"""Primitives that may run in multi-precision for one claim: a second or two."""

MOST_NODES = 5_000
"""Operations of a program up to which many digits and many points are taken."""

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
FAR = (0.001, -0.001, 97.3, -97.3, 1013.7, -1013.7, 10007.3, -10007.3, 1.000003e8, -1.000003e8)
"""Points away from where domains usually are."""

ROUND = (0.0, 1.0, -1.0)
"""Points of which formulas often make something special; kinks are there, too."""

EQUAL = 1e-32
"""Relative difference of two numbers that are one to the digits taken."""

SAME = 1e-11
"""The same where a rule carries a constant of 16 digits, such as log(2)."""

MORE = (2 * DIGITS, 4 * DIGITS, 10 * DIGITS)
"""Digits that are taken where cancellation may have eaten the first ones."""

ROUGH = 1e-6
"""Relative error of floats from which the digits may have cancelled."""

SETTLED = 1e-20
"""Relative change from fewer digits up to which a number stands."""

LARGEST = 1e300
"""Numbers beyond this leave no room for comparing them in floats."""

SPARE = 20
"""Digits that a number has to keep of those taken."""

KNOWN = 1e-3
"""Relative change from fewer digits up to which a number is known."""

NOISE = 1e-25
"""What is left of rounding when there are twice the digits, as a share of it."""

BESIDE = 1e-9
"""How far from a kink, as a share of the way between two points."""

CROSSINGS = 12
"""Kinks beside which formulas are compared, at most, and pairs of points between which they are sought."""


class Sample:
    """A point of the domain.

    Args:
        graph: The program whose output, or its derivative by a node, is the quantity.
        by: That node; None for the output.
        inputs: Value by input.
        values: The program's floats.
        needed: Nodes that the quantity needs.
        rough: The quantity in floats, as they come.
    Attributes:
        exact: The program's values to many digits.
        precise: The quantity to many digits.
        right: The same in floats.
    """

    def __init__(self, graph: Graph, by: int | None, inputs: Mapping[str, float], values: list[float],
                 needed: list[bool], rough: float) -> None:  # fmt: skip
        self.graph, self.by, self.needed = graph, by, needed
        self.inputs = dict(inputs)
        self.values = values
        self.exact, self.precise = self.taken(DIGITS)
        # what cancels so far that 40 digits do not hold is far off in floats
        if not abs(rough - self.precise) <= ROUGH * abs(self.precise):
            self.precise = self.settled()
        self.right = float(self.precise)

    def taken(self, digits: int) -> tuple[list[Any], Any]:
        """Return values and quantity to so many digits."""
        return precise(self.graph, self.inputs, self.by, self.needed, digits)

    def settled(self) -> Any:
        """Return the quantity to as many digits as it takes; what shrinks with the rounding is 0."""
        last = self.precise
        for digits in MORE:
            more = self.taken(digits)[1]
            change = abs(more - last)
            if change <= SETTLED * abs(more):
                return more
            last = more
            if abs(more) <= NOISE * change:
                return 0 * more
        return last


class Agreement(NamedTuple):
    """What the points say of a formula.

    Attributes:
        points: At how many it was compared.
        worst: Largest relative difference.
        sample: The point of that difference, or where the formula has no value.
        claimed: The formula there; None where it has none.
        gaps: Points where the quantity has a value and the formula none; they do not count as compared.
        where: Where the formula has a value, in words: ``for y > 0``.
    """

    points: int
    worst: float
    sample: Sample | None
    claimed: float | None
    gaps: tuple[Sample, ...] = ()
    where: str = ""

    @property
    def digits(self) -> int:
        """To how many digits the formula is right everywhere."""
        return digits_of(self.worst)


def digits_of(worst: float) -> int:
    """Return to how many digits what differs by so much, relatively, is right."""
    return max(0, min(DIGITS, floor(-log10(2.0 * worst)) + 1)) if 0.0 < worst < inf else 0


def work(graph: Graph) -> int:
    """Return about how many operations a run in multi-precision costs."""
    literals = [n.value for n in graph.nodes]
    costs = (_cost(n, literals) for n in graph.nodes)
    return int(sum(costs))


def _cost(node: Node, values: Sequence[float]) -> float:
    if node.op is None or node.op.cost is None:
        return 1.0
    return node.op.cost(*(values[i] for i in node.inputs))


def precise(
    graph: Graph, inputs: Mapping[str, float], by: int | None, needed: Sequence[bool], digits: int = DIGITS
) -> tuple[list[Any], Any]:
    """Return values and the output, or its derivative by a node, to so many digits; nan for none."""
    from mpmath import mp

    from ..ops.namespaces import multiprecision

    with precision.digits(digits):
        # a branch that is not taken may be of any size
        values = run_exactly(graph, inputs, needed)
        if by is None:
            return values, values[graph.output]
        start: list[Any] = [mp.zero] * len(graph)
        return values, sweep(graph, values, active_nodes(graph), multiprecision(), mp.one, start)[by]


def right_at(graph: Graph, inputs: Mapping[str, float], target: Target) -> Sample | None:
    """Return the quantity at a point, None outside the domain."""
    from mpmath import mp

    cut, by = reduced(graph, target)
    values = run(cut, leaf_values(cut, inputs))
    needed = cut.needed(values)
    if not all(isfinite(v) for v, n in zip(values, needed, strict=True) if n):
        return None
    rough = values[cut.output] if by is None else sweep(cut, values, active_nodes(cut))[by]
    sample = Sample(cut, by, inputs, values, needed, rough)
    return sample if mp.isfinite(sample.precise) and abs(sample.precise) <= LARGEST else None


def points(graph: Graph) -> Iterator[dict[str, float]]:
    """Yield points, always the same ones: of short decimals, from ranges where domains usually are."""
    random = Random(f"points of {graph.source.text}")
    for k in range(20 * POINTS):
        alone = RANGES[(k // 2) % len(RANGES)]
        yield {
            name: round(random.uniform(*(alone if k % 2 else random.choice(RANGES))), 3)
            for name in graph.inputs
        }


def outskirts(graph: Graph) -> Iterator[dict[str, float]]:
    """Yield points where formulas may differ that agree everywhere else."""
    random = Random(f"outskirts of {graph.source.text}")
    # by convention a kink has one slope of several: no place to compare formulas
    # nor is one where all inputs have one value, a kink of max and min
    several, apart = (FAR, 0.37) if kinked(graph) else (FAR + ROUND, 0.0)
    for x in several:
        yield {name: x * (1.0 + apart * k) for k, name in enumerate(graph.inputs)}
        if len(graph.inputs) > 1:
            yield {n: random.choice(several) * (1.0 + apart * k) for k, n in enumerate(graph.inputs)}


def side_of(graph: Graph, inputs: Mapping[str, float]) -> tuple[float, ...]:
    """Return on which pieces of its kinked steps a program is at a point; nothing without such steps."""
    nodes = kinked(graph)
    return pieces(nodes, run(graph, leaf_values(graph, inputs))) if nodes else ()


def samples(
    graph: Graph,
    target: Target,
    kept: Mapping[str, float] | None = None,
    most: int = POINTS,
    side: tuple[float, ...] = (),
) -> list[Sample]:
    """Return points of the domain, fewer of larger programs.

    Args:
        graph: The program.
        target: The quantity.
        kept: Inputs that have one value at all of them.
        most: As many at most.
        side: The pieces that all of them are on, see `side_of`; any of them without.
    """
    if work(graph) > MOST_NODES:
        return []
    wanted = max(LEAST_POINTS, min(most, WORK // (3 * work(graph))))
    found: list[Sample] = []
    ties: list[Sample] = []
    for tried, inputs in enumerate(points(graph)):
        if len(found) >= wanted or tried > 10 * wanted + 200:
            break
        point = {**inputs, **(kept or {})}
        if side and side_of(graph, point) != side:
            continue
        for sample in at_points(graph, target, [point]):
            (ties if target.by and _on_a_kink(sample) else found).append(sample)
        if not graph.inputs:
            break
    return found or ties[:wanted]


def _on_a_kink(sample: Sample) -> bool:
    """Whether a point has several slopes, of which a convention chooses: no place to compare formulas."""
    return any(
        between_pieces(node.primitive, [sample.values[i] for i in node.inputs])
        for node in kinked(sample.graph)
        if sample.needed[node.id]
    )


def at_points(graph: Graph, target: Target, several: Iterable[Mapping[str, float]]) -> list[Sample]:
    """Return those of some points where there is such a quantity."""
    found = []
    for inputs in several:
        try:
            sample = right_at(graph, inputs, target)
        except (BackpropError, ArithmeticError, ValueError):
            continue
        found += [sample] if sample is not None else []
    return found


def beside_kinks(graph: Graph, answer: Answer, found: Sequence[Sample]) -> Iterator[dict[str, float]]:
    """Yield points on both sides of kinks of the program or of a formula, between some points."""
    both = claimed(graph, answer)
    nodes = kinked(both)
    if not nodes:
        return

    def pieces_at(inputs: Mapping[str, float]) -> tuple[float, ...]:
        return pieces(nodes, run(both, leaf_values(both, inputs)))

    crossed: set[int] = set()
    for one, other in pairwise(found[: CROSSINGS + 1]):
        ends = one.inputs, other.inputs
        differ = [k for k, (p, q) in enumerate(zip(*map(pieces_at, ends), strict=True)) if p != q]
        for k in differ:
            if k in crossed or len(crossed) >= CROSSINGS:
                continue
            crossed.add(k)

            def between(t: float, ends: Any = ends) -> dict[str, float]:
                return {n: (1.0 - t) * ends[0][n] + t * ends[1][n] for n in graph.inputs}

            low, high = 0.0, 1.0
            first = pieces_at(ends[0])[k]
            for _ in range(50):
                middle = 0.5 * (low + high)
                low, high = (middle, high) if pieces_at(between(middle))[k] == first else (low, middle)
            yield between(low - BESIDE)
            yield between(high + BESIDE)


def value_at(answer: Answer, sample: Sample, digits: int = DIGITS) -> Any:
    """Return a formula at a point, to so many digits; None where it has no value, inf where it is too large.

    What overflows on the way may have too many digits for any memory: it is not worked out.
    """
    from mpmath import mp

    assert answer.graph is not None
    fault = answer.first_fault(sample.values)
    if fault is not None:
        # a root of what is below 0 by rounding alone is no gap
        there = isinf(fault[1]) or mp.isfinite(_precise_at(answer, sample.exact, fault[0], DIGITS))
        return inf if there else None
    values = sample.exact if digits == DIGITS else sample.taken(digits)[0]
    value = _precise_at(answer, values, answer.graph.output, digits)
    return value if mp.isfinite(value) else None


def _precise_at(answer: Answer, values: Sequence[Any], node: int, digits: int) -> Any:
    """Return a node of a formula to so many digits; what comes behind it is not worked out."""
    graph = answer.graph
    assert graph is not None
    with precision.digits(digits):
        inputs = {name: values[id] for name, id in answer.names.items()}
        return run_exactly(graph, inputs, [k <= node for k in range(len(graph))])[node]


def compare(answer: Answer, found: Sequence[Sample]) -> Agreement:
    """Compare a formula with a quantity at the points where both have a value."""
    assert answer.graph is not None
    found = found[: max(LEAST_POINTS, WORK // (3 * work(answer.graph)))]
    worst, at, number = 0.0, None, None
    compared: list[Sample] = []
    gaps: list[Sample] = []
    for sample in found:
        value = value_at(answer, sample)
        if value is None:
            gaps.append(sample)
            continue
        if value == inf:
            at = at or sample
            continue
        compared.append(sample)
        gap = difference(answer, sample, value, worst)
        if gap > worst:
            worst, at, number = gap, sample, float(value)
    count = len(compared)
    if count < min(LEAST_POINTS, len(found)):
        return Agreement(count, inf, gaps[0] if gaps else at, None)
    return Agreement(count, worst, at, number, tuple(gaps), _apart(compared, gaps) if gaps else "")


def _apart(compared: Sequence[Sample], gaps: Sequence[Sample]) -> str:
    """Say what sets points apart from others: the sign of an input, or nothing simple."""
    for name in gaps[0].inputs:
        signs = [{x.inputs[name] > 0.0 for x in some if x.inputs[name]} for some in (compared, gaps)]
        if signs in ([{True}, {False}], [{False}, {True}]):
            return f"for {name} {'>' if signs[0] == {True} else '<'} 0"
    return "where it has a value"


def besides(answer: Answer, agreement: Agreement, odd: Sequence[Sample], size: float) -> Agreement:
    """Hold a formula that agrees with a quantity to odd points, too.

    Where it has no value, or numbers are too large or small for floats, such a point decides nothing.

    Args:
        answer: The formula.
        agreement: What the other points say of it.
        odd: The points.
        size: Of the quantity elsewhere: a difference is measured by it where the quantity is 0.
    """
    for sample in odd:
        value = value_at(answer, sample)
        if value is None or value == inf or answer.vanishes(sample.values):
            continue
        gap = difference(answer, sample, value, agreement.worst)
        own = max(abs(float(value)), abs(sample.right))
        share = gap * own / max(own, size) if own else 0.0
        if share > SAME:
            # what holds at all others is no matter of digits
            return Agreement(agreement.points, inf, sample, float(value))
        if gap > EQUAL:
            agreement = agreement._replace(worst=max(agreement.worst, share, 2.0 * EQUAL))
    return agreement


def difference(answer: Answer, sample: Sample, value: Any, least: float = 0.0) -> float:
    """Return the relative difference of a formula from the right number, to as many digits as it takes.

    Args:
        answer: The formula.
        sample: The point.
        value: The formula there to `DIGITS` digits.
        least: Differences up to this need not be told apart.
    """
    from mpmath import mp

    right = sample.precise
    gap, largest = _relative(value, right), _largest(answer, sample)
    for digits in MORE:
        if gap <= max(EQUAL, least):
            return gap
        again, exact = value_at(answer, sample, digits), sample.taken(digits)[1]
        if again is None or not mp.isfinite(exact):
            return gap
        with precision.digits(digits):
            noise = abs(again - value) + abs(exact - right)
            # what is rounding on both sides is nothing
            gap = 0.0 if abs(again - exact) <= NOISE * noise else _relative(again, exact)
            # of numbers so small beside those on the way these digits may leave nothing
            lost = max(abs(again), abs(exact)) < largest * mp.mpf(10) ** (SPARE - digits)
            known = abs(again - value) <= KNOWN * abs(again) and abs(exact - right) <= KNOWN * abs(exact)
            # so may a 0 be what cancelled: cosh(x)^2 - sinh(x)^2 is 1 from 2*x/log(10) digits on
            known = known and (bool(again and exact) or digits == MORE[-1])
        if known and not lost:
            return gap
        value, right = again, exact
    # what is not known to so many digits decides nothing
    return gap if gap <= max(EQUAL, least) else 0.0


def _largest(answer: Answer, sample: Sample) -> float:
    """Return the largest number on the way to a formula and to the quantity, at least 1."""
    numbers = (1.0, *answer.floats(sample.values), *sample.values)
    return max(abs(x) for x in numbers if isfinite(x))


def _relative(a: Any, b: Any) -> float:
    gap = abs(a - b)
    return float(gap / max(abs(a), abs(b))) if gap else 0.0
