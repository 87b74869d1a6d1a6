"""The limit definition at work: difference quotients as h shrinks, and how far they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import copysign, inf, isfinite, isinf, log, nextafter, ulp
from typing import Literal, NamedTuple

from ..engine.beside import Beside, beside
from ..engine.point import Point
from ..engine.reverse import reverse
from ..engine.run import leaf_values, run_exactly
from ..errors import NoSuchNumber
from ..graph import Graph
from ..ops.kinks import between_pieces
from ..ops.precision import digits
from .complex_step import complex_step
from .finite import Probe, Quotient, finite, one_side, sides, touches_kink
from .rounding import rounding_bounds
from .series import along

EPS = 2.0**-52
STEPS = tuple(float(f"1e-{k}") for k in range(1, 16))
SETTLED = 0.15  # how much the order of neighbouring steps may differ where the fit begins
ABOVE_ROUNDING = 10.0  # an error so many times what rounding can do is truncation
GROWS = -0.04  # exponent of h from which quotients count as growing without end
GAP = -0.9  # exponent from which it is the quotient of a gap that stays
GAP_AT = 1e-9  # of the scale: where a gap is looked at that is a jump for sure

LARGEST = 2.0**1023  # about the largest float
EXACT = 60  # digits in which a value is looked for where floats underflow
CHECKED_TO = 20_000  # nodes up to which the slope is held to the quotients

Kind = Literal["derivative", "edge", "kink", "jump", "vertical", "unsettled", "overflow", "disagree"]
Source = Literal["eps*|f|", "eps/2*|x*f'|", "cancellation"]


class Row(NamedTuple):
    """The quotients of one step size; None where f has no value.

    Attributes:
        h: The step size.
        above: f(x + h).
        below: f(x - h).
        forward: (f(x + h) - f(x))/h, in the order written, as the others.
        backward: (f(x) - f(x - h))/h.
        central: (f(x + h) - f(x - h))/(2h).
        complex: Im f(x + ih)/h; None where no complex form exists.
        merged: x + h rounds to x itself.
    """

    h: float
    above: float | None
    below: float | None
    forward: float | None
    backward: float | None
    central: float | None
    complex: float | None
    merged: bool


class Fit(NamedTuple):
    """What the errors of one scheme say.

    Attributes:
        order: Slope of log|error| over log h where truncation rules; None where it never does.
        first: Largest step size of that range.
        last: Smallest.
        best: Step size with the smallest error; None without any.
        error: That error.
        meet: Step size at which rounding and truncation are about equal; None where one is missing.
        factor: The truncation error is about ``factor * h^power``; None where unknown.
        power: See ``factor``.
    """

    order: float | None
    first: float | None
    last: float | None
    best: float | None
    error: float | None
    meet: float | None
    factor: float | None
    power: int


class Limit(NamedTuple):
    """The quotients by one input.

    Attributes:
        name: The input.
        x: Where.
        kind: What the quotients tend to: a ``derivative``; one side alone (``edge``); two slopes
            (``kink``), a gap (``jump``), nothing finite (``vertical``), nothing that shows
            (``unsettled``), a number that no float holds (``overflow``), or one that is not the rules'
            (``disagree``: left and right hold it).
        slope: The reference; at kinks and jumps what the rules take by convention; None without.
        left: What the quotients from below tend to, where it is not ``slope``.
        right: The same from above.
        infinite: Signs of one-sided quotients that grow without end: left, right; 0 where they do not.
        growth: The exponent of h with which they grow.
        outside: f has no value below x (-1) or above (1) however small h; 0 where it has.
        at: Id of the kinked node, or None; where rules and quotients disagree, conventions are why.
        reason: Why the rules give no slope, or None.
        rows: By falling h.
        fits: By scheme: ``forward``, ``central``, ``complex``; empty without a slope.
        second: f''; None where it does not exist.
        third: About f'''.
        rounding: Rounding of the difference f(x + h) - f(x), about.
        source: Where most of that comes from.
        beside: What stands beside the point where the rules have no slope, and that is the limit there.
    """

    name: str
    x: float
    kind: Kind
    slope: float | None
    left: float | None
    right: float | None
    infinite: tuple[int, int]
    growth: float | None
    outside: int
    at: int | None
    reason: str | None
    rows: tuple[Row, ...]
    fits: dict[str, Fit]
    second: float | None
    third: float | None
    rounding: float
    source: Source
    beside: Beside | None = None

    def error(self, quotient: float | None) -> float | None:
        """Return how far a quotient is from the slope."""
        return None if quotient is None or self.slope is None else _number(quotient - self.slope)

    @property
    def why(self) -> str:
        """What makes the rules say another number than the quotients tend to, where they do."""
        if self.at is not None:
            return "the conventions at the kinks add up to a slope that the function does not have"
        return "a slope that does not exist met a factor 0 on the way, and the rules leave such a product out"

    @property
    def apart(self) -> bool:
        """Whether the sides do not meet in a number."""
        return self.kind in ("kink", "jump", "vertical")

    @property
    def exists(self) -> bool:
        """Whether the limit of the quotients is a number."""
        return self.kind in ("derivative", "edge")


class Limits(NamedTuple):
    """The limit definition by every input asked for.

    Attributes:
        graph: The computation.
        inputs: Values of all inputs.
        value: f there.
        reference: What the errors are measured against: ``reverse`` or ``symbolic``.
        limits: One an input.
        notes: Where a method has no answer and why.
        along: The line that the program is followed along, in words; "" for inputs of its own.
    """

    graph: Graph
    inputs: dict[str, float]
    value: float
    reference: str
    limits: tuple[Limit, ...]
    notes: tuple[str, ...] = ()
    along: str = ""


def converge(
    graph: Graph,
    bindings: Mapping[str, float],
    names: Sequence[str],
    steps: Sequence[float] = STEPS,
    exact: Mapping[str, float] | None = None,
    *,
    fit: bool = True,
) -> Limits:
    """Follow the difference quotients by every one of ``names`` as h shrinks.

    Args:
        graph: The computation.
        bindings: Values of inputs over the program's own.
        names: Inputs and steps.
        steps: Step sizes, falling.
        exact: Symbolic numbers to measure errors against; None for reverse mode's.
        fit: Say with which order the errors fall, too.
    Raises:
        BindingError: for bindings that do not fit.
        DomainError, RangeError: where f itself has no value.
    """
    # the values alone: what has no slope has a limit to look for
    point = Point.at(graph, bindings, ())
    noise, _ = rounding_bounds(point)
    if not isfinite(noise):  # an infinite slope on the way
        noise = EPS * abs(point.value)
    limits = tuple(
        _limit(graph.with_input(name), point.inputs, point.values, noise, name, steps, exact, fit)
        for name in names
    )
    reference = "symbolic" if exact is not None else "reverse"
    return Limits(graph, point.inputs, point.value, reference, limits)


def _limit(
    graph: Graph,
    inputs: Mapping[str, float],
    values: Sequence[float],
    noise: float,
    name: str,
    steps: Sequence[float],
    exact: Mapping[str, float] | None,
    fit: bool,
) -> Limit:
    from ..errors import SlopeError

    id = graph.inputs[name]
    x, f0 = values[id], values[graph.output]
    inputs = {n: values[i] for n, i in graph.inputs.items()}
    slope, reason = None, None
    limits: dict[int, Beside] = {}
    try:
        slope = reverse(graph, values, graph.depends_on([id]), limits)[id]
    except SlopeError as error:
        reason = error.message
    if exact is not None and slope is not None:
        slope = exact.get(name, slope)
    probe = Probe(graph, values, noise, id)
    moves = bool(probe.steps) or id == graph.output
    rows = tuple(
        row(probe, h)._replace(complex=complex_step(graph, values, id, h) if moves else 0.0) for h in steps
    )
    outside = _outside(probe, graph, inputs, name)
    kind: Kind = "edge" if outside else "derivative"
    left = right = None
    infinite, growth = (0, 0), None
    at = None
    pieced = touches_kink(probe) or any(
        node.op is not None and between_pieces(node.op, [values[i] for i in node.inputs])
        for node in probe.kinks
    )
    if slope is None or pieced or id in limits:
        kind, found, infinite, growth = _one_sided(probe, outside)
        there = limits.get(id) or beside(graph, values, [id]).get(id)
        if there is not None:
            kind, found, infinite = _judged(there, outside, kind, found, infinite)
        left, right, at = found.left, found.right, found.at
        if slope is None:
            slope = found.value if kind in ("derivative", "edge") else None
        elif kind == "derivative" and found.value is not None:
            tends = found.value
            # conventions may add up to a slope that the function does not have, where it has none, too
            if _apart(slope, tends, found.error, max(abs(slope), abs(tends))):
                kind, left, right = "disagree", tends, tends
    elif len(graph) <= CHECKED_TO:
        found = _tends(graph, values, probe, outside)
        # far from its own scale a flat quotient may be rounding alone
        if found.value is not None and _apart(slope, found.value, found.error, abs(found.value)):
            kind, left, right = "disagree", found.value, found.value
    second = third = None
    if fit and kind == "derivative":
        if pieced:  # rules are one piece's, or a convention's
            from .higher import limit_of

            second = limit_of(graph, inputs, (((name, 1.0),),) * 2)
        else:
            second, third = _curvature(graph, inputs, name, probe.scale)
    rounding, source = _rounding(x, f0, slope or 0.0, noise)
    if source == "cancellation":  # it spoils second derivatives first
        second = third = None
    exists = kind in ("derivative", "edge") and id not in limits
    fits = _fits(rows, slope, second, third, rounding, outside) if fit and exists else {}
    return Limit(
        name, x, kind, slope, left, right, infinite, growth, outside, at, reason, rows, fits,
        second, third, rounding, source, limits.get(id),
    )  # fmt: skip


def _judged(
    there: Beside, outside: int, kind: Kind, found: Quotient, infinite: tuple[int, int]
) -> tuple[Kind, Quotient, tuple[int, int]]:
    """Correct what the floats beside a point say by what many digits say much nearer to it."""
    ways = [there.left, there.right] if not outside else [there.right if outside < 0 else there.left]
    if there.beyond:
        return "overflow", Quotient(None, inf, at=found.at), (0, 0)
    if any(side != side for side in ways):
        return "unsettled", Quotient(None, inf, at=found.at), (0, 0)
    if not all(map(isfinite, ways)):
        signs = tuple(int(copysign(1.0, side)) if isinf(side) else 0 for side in (there.left, there.right))
        left, right = (side if isfinite(side) else None for side in (there.left, there.right))
        grows: Kind = kind if kind in ("jump", "vertical") else "vertical"
        return grows, Quotient(None, inf, grows, left, right, found.at), (signs[0], signs[1])
    if outside:
        return "edge", Quotient(ways[0], 0.0, at=found.at), (0, 0)
    if isfinite(there.slope):
        return "derivative", Quotient(there.slope, 0.0, at=found.at), (0, 0)
    middle = (there.left + there.right) / 2.0
    return "kink", Quotient(middle, 0.0, "kink", there.left, there.right, found.at), (0, 0)


def _tends(graph: Graph, values: Sequence[float], probe: Probe, outside: int) -> Quotient:
    """Return what the quotients tend to, and about how exactly that is known."""
    if outside:
        value, error, _ = one_side(probe, -float(outside))
        return Quotient(value, error)
    return finite(graph, values, probe.id, probe.noise)


def _apart(slope: float, tends: float, error: float, beside: float) -> bool:
    """Whether the quotients clearly tend to another number than the rules'.

    Args:
        slope: The rules' number.
        tends: The quotients'.
        error: How exactly that is known, about.
        beside: What the error is small beside, or the quotients say nothing.
    """
    return abs(slope - tends) > 8.0 * error + 1e-4 * max(abs(slope), abs(tends)) and 16.0 * error < beside


def row(probe: Probe, h: float) -> Row:
    """Return the real quotients of one step size."""
    x, f0 = probe.x, probe.f0
    up, down = probe(x + h).f, probe(x - h).f
    return Row(
        h,
        _number(up),
        _number(down),
        _number((up - f0) / h),
        _number((f0 - down) / h),
        _number((up - down) / (2.0 * h)),
        None,
        x + h == x,
    )


def _number(x: float) -> float | None:
    return x if isfinite(x) else None


def _outside(probe: Probe, graph: Graph, inputs: Mapping[str, float], name: str) -> int:
    """Return the side on which even the nearest floats have no value."""
    for way in (-1.0, 1.0):
        next_ = nextafter(probe.x, way * inf)
        near = [probe.x + way * probe.scale * 2.0**-k for k in (40, 26, 16)]
        if any(isfinite(probe(x).f) for x in near):
            continue
        # right beside the point a float may have underflowed, as x^3 below sqrt(x^3) at 0
        if not isfinite(probe(next_).f) or not _has_value(graph, {**inputs, name: next_}):
            return int(way)
    return 0


def _has_value(graph: Graph, inputs: Mapping[str, float]) -> bool:
    """Whether there is a value, however small the numbers on the way."""
    with digits(EXACT):
        try:
            value = run_exactly(graph, inputs, graph.needed())[graph.output]
        except (NoSuchNumber, ArithmeticError, ValueError):
            return False
        return bool(abs(value) < inf)


def _one_sided(probe: Probe, outside: int) -> tuple[Kind, Quotient, tuple[int, int], float | None]:
    """Judge a point at which the rules have no slope, or which lies between two pieces."""
    growths = [None if outside == way else _growth(probe, way) for way in (-1, 1)]
    endless = [g is not None and g[0] < GROWS for g in growths]
    found = sides(probe)
    if any(endless):
        signs = [g[1] if g is not None and e else 0 for g, e in zip(growths, endless, strict=True)]
        steepest = min(g[0] for g, e in zip(growths, endless, strict=True) if g is not None and e)
        kind: Kind = "jump" if steepest < GAP else "vertical"
        left, right = (
            None if e or outside == way else side if side is not None else found.value
            for e, way, side in zip(endless, (-1, 1), (found.left, found.right), strict=True)
        )
        return kind, Quotient(None, inf, kind, left, right, found.at), (signs[0], signs[1]), steepest
    if found.kind == "kink" and not outside:
        return "kink", found, (0, 0), None
    if found.kind == "jump" and not outside:
        left, right = (
            _gap(probe, way) if side is None else 0 for way, side in ((-1, found.left), (1, found.right))
        )
        return "jump", found, (left, right), None
    if outside:
        return "edge", found, (0, 0), None
    return ("derivative" if found.value is not None else "unsettled"), found, (0, 0), None


def _gap(probe: Probe, way: int) -> int:
    """Return the sign of the quotient over the gap on one side."""
    h = way * probe.scale * GAP_AT
    return int(copysign(1.0, (probe(probe.x + h).f - probe.f0) / h))


def _growth(probe: Probe, way: int) -> tuple[float, int] | None:
    """Return the exponent of h with which a one-sided quotient grows as h falls, and its sign."""
    points = []
    sign = 0
    for k in range(3, 13):
        h = way * probe.scale * 10.0**-k
        if abs(h) < 64.0 * ulp(probe.x):
            break
        gap = probe(probe.x + h).f - probe.f0
        if isfinite(gap) and abs(gap) > 64.0 * max(probe.noise, EPS * abs(probe.f0)):
            points.append((log(abs(h)), log(abs(gap / h))))
            sign = int(copysign(1.0, gap / h))
    if len(points) < 4 or any(b <= a for (_, a), (_, b) in pairwise(points)):
        return None
    return _slope(points[-5:]), sign


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the least-squares slope through points."""
    n = len(points)
    mx, my = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    return sum((x - mx) * (y - my) for x, y in points) / sum((x - mx) ** 2 for x, _ in points)


def _curvature(
    graph: Graph, inputs: Mapping[str, float], name: str, scale: float
) -> tuple[float | None, float | None]:
    """Return f'' and f''' by power series; 0 for what is rounding beside the other."""
    _, _, here, third = along(graph, leaf_values(graph, inputs), {name: 1.0}, 3)
    if not isfinite(here):
        return None, None
    if not isfinite(third):
        return here, None
    return here, third if abs(third) * scale > 1e-9 * abs(here) else 0.0


def _rounding(x: float, f: float, slope: float, noise: float) -> tuple[float, Source]:
    """Return about how much rounding moves f(x + h) - f(x), and most of it comes from where.

    f(x) is rounded, and so is x + h before f sees it.
    """
    of_f, of_x = EPS * abs(f), min(abs(EPS / 2.0 * x * slope), LARGEST)  # x*f' alone may overflow
    if noise > max(16.0 * of_f, 16.0 * of_x, 1e-300):
        return noise, "cancellation"
    return (of_f, "eps*|f|") if of_f >= of_x else (of_x, "eps/2*|x*f'|")


def _fits(
    rows: Sequence[Row],
    slope: float | None,
    second: float | None,
    third: float | None,
    rounding: float,
    outside: int,
) -> dict[str, Fit]:
    if slope is None:
        return {}
    half = second / 2.0 if second else None
    sixth = third / 6.0 if third else None
    forward = (half, 1) if half or not sixth else (sixth, 2)
    one_sided = "backward" if outside == 1 else "forward"
    terms: dict[str, tuple[float | None, int]] = {one_sided: forward}
    if not outside:
        terms |= {"central": (sixth, 2), "complex": (-sixth if sixth else None, 2)}
    fits = {}
    for scheme, (factor, power) in terms.items():
        quotients = [(row.h, getattr(row, scheme)) for row in rows if not row.merged]
        errors = [(h, abs(q - slope)) for h, q in quotients if q is not None and isfinite(q - slope)]
        noise = 0.0 if scheme == "complex" else rounding
        floor = EPS * abs(slope)
        above = [(h, e) if e > ABOVE_ROUNDING * (noise / h + floor) else None for h, e in errors]
        ruled = _ruled(above, power)
        order = _slope([(log(h), log(e)) for h, e in ruled]) if ruled else None
        best = min(errors, key=lambda pair: pair[1], default=None)
        meet = (noise / abs(factor)) ** (1.0 / (power + 1)) if noise and factor else None
        if meet is not None and not isfinite(meet):  # f turns so little that it never matters
            meet = factor = None
        fits[scheme] = Fit(
            order,
            ruled[0][0] if order is not None else None,
            ruled[-1][0] if order is not None else None,
            best[0] if best else None,
            best[1] if best else None,
            meet,
            factor,
            power,
        )
    return fits


def _ruled(above: Sequence[tuple[float, float] | None], power: int) -> list[tuple[float, float]]:
    """Return the errors in which truncation rules.

    Of the first unbroken run above rounding it is the part with the smallest h in which neighbours
    agree about the order: at larger h higher terms have a say.
    """
    run: list[tuple[float, float]] = []
    for pair in above:
        if pair is not None:
            run.append(pair)
        elif run:
            break
    if len(run) < 2:
        return []
    parts = [run[:2]]
    orders = [log(a / b) / log(g / h) for (g, a), (h, b) in pairwise(run)]
    for before, order, pair in zip(orders, orders[1:], run[2:], strict=False):
        if abs(order - before) <= SETTLED:
            parts[-1].append(pair)
        else:
            parts.append([parts[-1][-1], pair])
    for part in reversed(parts):
        (g, a), (h, b) = part[0], part[-1]
        if len(part) > 2 and log(a / b) / log(g / h) > SETTLED:
            return part
    return run if len(run) == 2 and abs(orders[0] - power) <= SETTLED else []
