"""Finite differences: nudge one node, run again what depends on it, divide.

Values only; no rule of ours takes part. By default several step sizes are tried and the one with
the smallest error estimate answers; a quotient whose points lie on different pieces of a kinked
primitive is not used for a smooth answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import inf, isfinite, ulp
from typing import Any, NamedTuple

from ..engine.run import pieces
from ..graph import Graph, Node
from ..ops.kinks import between_pieces, neighbours
from ..ops.namespaces import FLOATS

EPS = 2.0**-52
RATIO = 4.0  # between neighbouring steps of a ladder
LANES_FROM = 60_000  # nodes times nudged nodes from which arrays pay, NumPy's import included
LANE_NODES = 64
BUDGET = 4_000_000  # primitives run before a large program gets its usual steps only: about a second
GOOD = 1e-7  # relative error estimate that ends the search for a better step
STEADY = 1e-4  # relative error estimate that a few steps are believed with
NOTHING = 1e-60
"""Quotients up to this are 0 where that is within their error: they are what is left of a step."""

DEEPER = [10.0**-k for k in range(20, 302, 4)]  # scales right beside 0, where 1/(1 + 1e300*x) lives
NUDGES = (2.0**-50, 2.0**-40, 2.0**-26)  # of a node's scale, where its neighbours are too near to be felt


class Quotient(NamedTuple):
    """What the differences say about one node.

    Attributes:
        value: The slope; None where there is none (a jump).
        error: Estimate of its absolute error.
        kind: ``smooth``, ``kink`` or ``jump``.
        left: One-sided slope from below, at kinks and jumps; None where it is infinite.
        right: The same from above.
        at: Id of the kinked node that is crossed, or None.
        spread: Largest change of the output that any nudge brought.
    """

    value: float | None
    error: float
    kind: str = "smooth"
    left: float | None = None
    right: float | None = None
    at: int | None = None
    spread: float = inf


class Sample(NamedTuple):
    """The output at a nudged node, and the pieces of the kinked primitives behind it."""

    f: float
    pieces: tuple[float, ...]


class Probe:
    """The output as a function of one node.

    Args:
        graph: The computation.
        values: The values where it stands.
        noise: Bound on the rounding error of the output.
        id: The node to nudge.
    """

    def __init__(self, graph: Graph, values: Sequence[float], noise: float, id: int) -> None:
        self.id = id
        self.output = graph.output
        self.x = values[id]
        self.f0 = values[graph.output]
        self.noise = noise
        self.values = values
        self.work = list(values)
        moved, reaches, needed = {id}, graph.needed(), graph.needed(values)
        self.steps = []
        self.kinks: list[Node] = []
        scales = []
        for node in graph.nodes[id + 1 : graph.output + 1]:
            if node.op is None or not reaches[node.id] or moved.isdisjoint(node.inputs):
                continue
            moved.add(node.id)
            self.steps.append((node.id, node.op, node.inputs))
            if node.op.piece is not None and needed[node.id]:  # another branch's are behind its condition
                self.kinks.append(node)
            if node.op.additive and id in node.inputs:
                scales += [abs(values[i]) for i in node.inputs if i != id]
        self.here = pieces(self.kinks, values)
        self.scale = max([abs(self.x), *scales]) if scales else max(abs(self.x), 1.0)
        self.scale = self.scale or 1.0
        self.spread = 0.0
        self.cost = 0  # primitives run so far
        self.patient = True  # may try many steps
        self.known: dict[float, Sample] = {}

    def __call__(self, x: float) -> Sample:
        sample = self.known.get(x) or self.run(x)
        if isfinite(sample.f):
            self.spread = max(self.spread, abs(sample.f - self.f0))
        return sample

    def run(self, x: float) -> Sample:
        work = self.work
        work[self.id] = x
        self.cost += len(self.steps)
        for k, op, inputs in self.steps:
            if len(inputs) == 2:
                work[k] = op.forward(FLOATS, work[inputs[0]], work[inputs[1]])
            else:
                work[k] = op.forward(FLOATS, *[work[i] for i in inputs])
        return Sample(work[self.output], pieces(self.kinks, work))

    def crossed(self, pieces: tuple[float, ...]) -> int | None:
        """Return the id of the first kinked node that is on another piece than at ``x``."""
        for node, p, q in zip(self.kinks, pieces, self.here, strict=True):
            if p != q:
                return node.id
        return None


def finite(
    graph: Graph,
    values: Sequence[float],
    id: int,
    noise: float,
    scheme: str = "central",
    step: float | None = None,
) -> Quotient:
    """Estimate the derivative of the output by one node.

    Args:
        graph: The computation.
        values: One value per node.
        id: The node, an input or a step.
        noise: Bound on the rounding error of the output.
        scheme: Of `SCHEMES`.
        step: Step size in the node's own units; the quotient is then exactly the textbook's.
    Source:
        Nocedal and Wright, Numerical Optimization (2006), section 8.1.
    """
    return _difference(Probe(graph, values, noise, id), graph, scheme, step)


def finite_all(
    graph: Graph,
    values: Sequence[float],
    ids: Sequence[int],
    noise: float,
    scheme: str = "central",
    step: float | None = None,
) -> dict[int, Quotient]:
    """Estimate the derivative by every node of ``ids``; see `finite`.

    A large program is run once for many nudges, over arrays with a lane for each.
    """
    found: dict[int, Quotient] = {}
    budget = BUDGET
    lanes = step is None and len(ids) * len(graph) > LANES_FROM
    for start in range(0, len(ids), LANE_NODES):
        probes = [Probe(graph, values, noise, id) for id in ids[start : start + LANE_NODES]]
        if lanes:
            _sample_lanes(graph, values, probes)
        for probe in probes:
            probe.patient = budget > 0
            found[probe.id] = _difference(probe, graph, scheme, step)
            budget -= probe.cost
    return found


def across(graph: Graph, values: Sequence[float], id: int, noise_at: Callable[[float], float]) -> Quotient:
    """Estimate the derivative at a point that a condition sets apart, from the points on both sides of it.

    Args:
        graph: The computation.
        values: The values where it stands.
        id: The node to nudge.
        noise_at: Bound on the rounding error of the output where the node is moved to: another branch has its
            own.
    """
    probe, best, before = Probe(graph, values, 0.0, id), Quotient(None, inf), None
    for j in range(24):
        h = 0.05 * probe.scale * RATIO**-j
        up, down = probe(probe.x + h), probe(probe.x - h)
        if h <= 8.0 * ulp(probe.x) or not (isfinite(up.f) and isfinite(down.f)):
            before = None
            continue
        value = (up.f - down.f) / (2.0 * h)
        noise = (noise_at(probe.x + h) + noise_at(probe.x - h)) / (2.0 * h) + 2.0 * EPS * abs(value)
        if before is not None and abs(value - before) + noise < best.error:
            best = Quotient(value, abs(value - before) + noise)
        before = value
    return best


def _sample_lanes(graph: Graph, values: Sequence[float], probes: Sequence[Probe]) -> None:
    """Run the program once for the usual nudges of several nodes and let their probes know."""
    import numpy as np

    from ..ops.namespaces import arrays

    xp = arrays()
    nudges = {p.id: [x for h in _usual(p.scale, 2) for x in (p.x + h, p.x - h)] for p in probes}
    own: dict[int, slice] = {}
    width = 0
    for id, xs in nudges.items():
        own[id], width = slice(width, width + len(xs)), width + len(xs)
    moved: dict[int, Any] = {}
    pieces: dict[int, Any] = {}
    with np.errstate(all="ignore"):
        for node in graph.nodes[probes[0].id : graph.output + 1]:
            if node.op is not None and any(i in moved for i in node.inputs):
                operands = [moved.get(i, values[i]) for i in node.inputs]
                moved[node.id] = node.op.forward(xp, *operands)
                if node.op.piece is not None:
                    pieces[node.id] = node.op.piece(xp, *operands)
            if node.id in own:
                lanes = np.array(np.broadcast_to(moved.get(node.id, values[node.id]), width), dtype=float)
                lanes[own[node.id]] = nudges[node.id]
                moved[node.id] = lanes
    output = np.broadcast_to(moved.get(graph.output, values[graph.output]), width).tolist()
    columns = {k: np.broadcast_to(p, width).tolist() for k, p in pieces.items()}
    for probe in probes:
        kinks = [columns[node.id] for node in probe.kinks]
        for lane, x in enumerate(nudges[probe.id], own[probe.id].start):
            probe.known[x] = Sample(output[lane], tuple(column[lane] for column in kinks))


def _difference(probe: Probe, graph: Graph, scheme: str, step: float | None) -> Quotient:
    op = graph.nodes[probe.id].op
    if not isfinite(probe.x) or (not probe.steps and probe.id != graph.output) or (op and op.truth):
        return Quotient(0.0, 0.0)
    if step is not None:
        found = _as_written(probe, scheme, step)
    else:
        found = _ridders(probe) if scheme == "ridders" else _best_of_ladder(probe, scheme)
        if found.value is not None and abs(found.value) <= min(found.error, NOTHING):
            found = found._replace(value=0.0)  # quotients that fall with h as far as it goes: x^1.5 at 0
    return found._replace(spread=probe.spread)


def _as_written(probe: Probe, scheme: str, h: float) -> Quotient:
    x, f0 = probe.x, probe.f0

    def quotient(h: float) -> tuple[float, Sample]:
        if scheme == "forward":
            up = probe(x + h)
            return (up.f - f0) / h, up
        if scheme == "backward":
            down = probe(x - h)
            return (f0 - down.f) / h, down
        up, down = probe(x + h), probe(x - h)
        return (up.f - down.f) / (2.0 * h), up if probe.crossed(up.pieces) is not None else down

    value, sample = quotient(h)
    if not isfinite(value):
        return Quotient(None, inf)
    half = quotient(h / 2.0)[0]
    error = 2.0 * abs(value - half) + 2.0 * probe.noise / h + EPS * abs(value) + EPS * abs(f0) / h
    if probe.crossed(sample.pieces) is not None:
        analysis = sides(probe)
        return analysis._replace(value=value) if analysis.kind != "smooth" else Quotient(value, inf)
    return Quotient(value, error if isfinite(error) else inf)


class Nudge(NamedTuple):
    """One difference quotient.

    Attributes:
        value: The quotient.
        crossed: A kink lies between its points.
        change: By how much the output changes at most, on one side.
        skew: What it may be off by since x + h and x - h, as floats, are not as far from x, and the output
            there, where it is larger than at x, is rounded more coarsely.
    """

    value: float
    crossed: bool
    change: float
    skew: float = 0.0


def _quotient(probe: Probe, scheme: str, h: float) -> Nudge | None:
    """Return one difference quotient; None off the domain."""
    x, f0 = probe.x, probe.f0
    if scheme == "central":
        up, down = probe(x + h), probe(x - h)
        crossed = up.pieces != probe.here or down.pieces != probe.here
        if isfinite(up.f) and isfinite(down.f):
            change = max(abs(up.f - f0), abs(down.f - f0))
            # exact, but for a small x
            uneven = EPS * h if h > abs(x) / 2.0 else abs(((x + h) - x) - (x - (x - h)))
            skew = uneven / 2.0 * abs((up.f - f0) + (down.f - f0)) / (h * h) if h * h > 0.0 else 0.0
            coarse = EPS * change / h
            return Nudge((up.f - down.f) / ((x + h) - (x - h)), crossed, change, skew + coarse)
        # the edge of a domain: a second-order quotient on the side that exists
        if not isfinite(up.f) and not isfinite(down.f):
            return None
        h = h if isfinite(up.f) else -h
        near, far = (up if h > 0 else down), probe(x + 2.0 * h)
        if not isfinite(far.f):
            return None
        d1, d2 = (x + h) - x, (x + 2.0 * h) - x
        q1, q2 = (near.f - f0) / d1, (far.f - f0) / d2
        crossed = crossed or far.pieces != probe.here
        return Nudge(q1 + (q1 - q2) * (d1 / (d2 - d1)), crossed, abs(near.f - f0))
    h = h if scheme == "forward" else -h
    side = probe(x + h)
    if not isfinite(side.f):
        return None
    return Nudge((side.f - f0) / ((x + h) - x), side.pieces != probe.here, abs(side.f - f0))


def _usual(scale: float, order: int) -> list[float]:
    """Return step sizes around the one that balances truncation and rounding."""
    base = EPS ** (1.0 / (order + 1))
    return [base * scale * factor for factor in (RATIO, 1.0, 1.0 / RATIO)]


def _steps(probe: Probe, order: int) -> Iterator[list[float]]:
    """Yield groups of falling step sizes: near the ideal one, near the node's own size, all, closer to 0."""
    smallest = 8.0 * ulp(probe.x)
    for scale in dict.fromkeys((probe.scale, abs(probe.x))):
        group = _usual(scale, order)
        if group[-1] > smallest:
            yield group
        if not probe.patient:
            return
    top = probe.scale * 0.05
    yield [h for h in (top * RATIO**-j for j in range(40)) if h > smallest]
    if abs(probe.x) < DEEPER[0] * probe.scale and not touches_kink(probe):
        yield from (group for scale in DEEPER if (group := _usual(scale, order))[-1] > smallest)


def _best_of_ladder(probe: Probe, scheme: str) -> Quotient:
    order = 2 if scheme == "central" else 1
    best = Quotient(None, inf)
    crossed_only = True
    for group in _steps(probe, order):
        found = [(h, _quotient(probe, scheme, h)) for h in group]
        usable = [(h, q) for h, q in found if q is not None and not q.crossed]
        crossed_only = crossed_only and not usable
        unexplained = _unexplained(usable, probe.noise)
        estimates = _estimates([(h, q.value) for h, q in usable], RATIO**order, probe.noise)
        for (value, error), (_, nudge) in zip(estimates, usable[1:], strict=True):
            error += unexplained + nudge.skew
            if best.value is None or _better(value, error, best.value, best.error):
                best = Quotient(value, error)
        if best.value is not None and best.error <= GOOD * max(abs(best.value), abs(probe.f0) / probe.scale):
            return best
    if not probe.patient:  # what a closer look would say is known where nothing is near but rounding
        steady = best.value is not None and best.error <= STEADY * abs(best.value) and not probe.kinks
        return best if steady else best._replace(error=inf)
    if best.value is not None and not touches_kink(probe):
        return best
    if crossed_only or touches_kink(probe):
        analysis = sides(probe)
        if analysis.value is not None or analysis.kind != "smooth":
            return analysis
    return best


def _unexplained(ladder: Sequence[tuple[float, Nudge]], noise: float) -> float:
    """Return what the output changes by however small the step, over the step; 0 where the changes fall.

    They do not across a pole: its two sides cancel in a central quotient that looks steady, and is wrong.
    """
    if len(ladder) < 2:
        return 0.0
    (_, wide), (h, narrow) = ladder[0], ladder[-1]
    return narrow.change / h if narrow.change > max(wide.change / 2.0, 4.0 * noise) else 0.0


def _better(value: float, error: float, best: float, best_error: float) -> bool:
    """Whether an estimate is better: relatively, as quotients across a pole look steady, but wrong.

    Where neither has a digit, the smaller error wins.
    """
    if 2.0 * error >= abs(value) and 2.0 * best_error >= abs(best):
        return error < best_error
    if not value or not best:
        return bool(value) and best_error > 0.0
    return error / abs(value) < best_error / abs(best)


def touches_kink(probe: Probe) -> bool:
    """Whether another piece begins right beside: at the next float, up or down.

    Rounding may swallow a move to the next float (``5e-324 - 1`` is -1): then a node that is itself
    between two pieces has to leave its own when the probed one moves by a little more.
    """
    if not probe.kinks:
        return False
    if any(probe(x).pieces != probe.here for x in neighbours(probe.x)):
        return True
    border = [
        node.op is not None and between_pieces(node.op, [probe.values[i] for i in node.inputs])
        for node in probe.kinks
    ]
    return any(border) and any(
        on_border and p != q
        for nudge in NUDGES
        for x in (probe.x - nudge * probe.scale, probe.x + nudge * probe.scale)
        for on_border, p, q in zip(border, probe(x).pieces, probe.here, strict=True)
    )


def _estimates(
    ladder: Sequence[tuple[float, float]], shrink: float, noise: float
) -> Iterator[tuple[float, float]]:
    """Yield each quotient of a ladder with an estimate of its error.

    The truncation error is judged by how the differences between neighbours shrink: by ``shrink``
    per rung when the function is smooth on this scale; rounding adds ``noise/h``.
    """
    before = None
    for (_, wide), (h, narrow) in pairwise(ladder):
        change = abs(narrow - wide)
        floor = 2.0 * noise / h + 2.0 * EPS * abs(narrow)
        if before is None:
            truncation = change
        elif change <= 2.0 * before / shrink or change <= floor:
            truncation = 2.0 * change / (shrink - 1.0)
        elif change < before:
            truncation = change * max(1.0, change / (before - change))
        else:
            truncation = 10.0 * change
        before = change
        yield narrow, truncation + floor


def one_side(probe: Probe, way: float) -> tuple[float | None, float, int | None]:
    """Return the slope on one side (None: infinite), its error, and the kink's node."""
    x, f0 = probe.x, probe.f0
    rungs: list[tuple[float, float, tuple[float, ...]]] = []
    gaps: list[float] = []
    for j in range(18):
        h = way * probe.scale * EPS ** (1.0 / 3.0) * RATIO ** (2 - j)
        if abs(h) <= 8.0 * ulp(x):
            break
        sample = probe(x + h)
        if isfinite(sample.f):
            rungs.append((abs((x + h) - x), (sample.f - f0) / ((x + h) - x), sample.pieces))
            gaps.append(abs(sample.f - f0))
    if len(rungs) < 3:
        return None, inf, None
    pieces = rungs[-1][2]
    at = probe.crossed(pieces)
    same = [(h, q) for h, q, p in rungs if p == pieces]
    # a gap that stays while h falls by powers of 4 is a jump
    if gaps[-1] > 0.5 * gaps[-3] and gaps[-1] > 64.0 * probe.noise and gaps[-1] > 1e-9 * abs(f0):
        return None, inf, at
    # one extrapolation takes the first-order error out
    better = [(h, narrow + (narrow - wide) * h / (far - h)) for (far, wide), (h, narrow) in pairwise(same)]
    value, error = min(
        _estimates(better, RATIO**2, 3.0 * probe.noise + EPS * abs(f0)),
        key=lambda e: e[1],
        default=(None, inf),
    )
    return value, error, at


def sides(probe: Probe) -> Quotient:
    """Return what the quotients tend to from below and from above, and what follows."""
    left, left_error, left_at = one_side(probe, -1.0)
    right, right_error, right_at = one_side(probe, 1.0)
    at = right_at if right_at is not None else left_at
    if left is None or right is None:
        if at is None:
            return Quotient(None, inf)
        return Quotient(None, inf, "jump", left, right, at)
    error = left_error + right_error
    if abs(left - right) <= 8.0 * error + 1e-6 * max(abs(left), abs(right)):
        return Quotient((left + right) / 2.0, error, at=at)
    return Quotient((left + right) / 2.0, error, "kink", left, right, at)


def _ridders(probe: Probe) -> Quotient:
    """Extrapolate central differences to h = 0.

    Source: Ridders, Accurate computation of F'(x) and F'(x) F''(x) (1982).
    """
    if touches_kink(probe):
        analysis = sides(probe)
        if analysis.value is not None or analysis.kind != "smooth":
            return analysis
    best = Quotient(None, inf)
    for start in (0.05 * probe.scale, 0.05 * abs(probe.x) or 1e-8 * probe.scale, 1e-4 * abs(probe.x)):
        found = _neville(probe, start)
        if found.error < best.error:
            best = found
    return best


def _neville(probe: Probe, h: float) -> Quotient:
    shrink, best = 1.4, Quotient(None, inf)
    previous: list[float] = []
    for _ in range(24):
        found = _quotient(probe, "central", h) if h > 8.0 * ulp(probe.x) else None
        h /= shrink
        if found is None or found.crossed:
            previous = []
            continue
        row, factor = [found.value], shrink * shrink
        for older in previous:
            row.append((row[-1] * factor - older) / (factor - 1.0))
            factor *= shrink * shrink
            error = max(abs(row[-1] - row[-2]), abs(row[-1] - older)) + 2.0 * probe.noise / (h * shrink)
            if error < best.error:
                best = Quotient(row[-1], error)
        previous = row
    return best
