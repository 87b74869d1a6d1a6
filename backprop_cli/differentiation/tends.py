"""What a function tends to where it has no value: numbers in many digits on each side, and SymPy's limit.

A limit is stated where both witnesses agree. The numbers come closer by irrational parts of powers of ten, of
two kinds: whole multiples of anything, on which an oscillation would look steady, are never met.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from math import inf, isfinite, isinf
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ..engine.run import exact_leaves, meant, run
from ..errors import BackpropError
from ..graph import Graph
from ..ops.precision import digits

if TYPE_CHECKING:
    from .symbolic.process import SymbolicProcess

DIGITS = 260
"""Of the arithmetic: functions may lose as many as a point is near."""
CLOSEST = 60
"""Decimals of the nearest distance."""
PARTS = ("0.73908513321516064165", "0.31830988618379067154")
"""Of a power of ten: no whole multiples of each other, of pi, or of 1."""
SECONDS = 6.0
"""For SymPy, which may look for a limit for ever."""
SHOWN = 8
"""Rows of the table."""
SETTLED = 1e-15
"""Relative change of numbers that have settled."""
SAME = 1e-9
"""Relative difference of two witnesses that agree."""

Kind = Literal["limit", "one-sided", "infinite", "differ", "none", "undecided", "disagree"]


def _same(a: float, b: float) -> bool:
    """Whether two witnesses say the same."""
    return a == b or (isfinite(a) and isfinite(b) and abs(a - b) <= SAME * max(abs(a), abs(b), 1.0))


class Side(NamedTuple):
    """What a function does on one side of a point.

    Attributes:
        number: What its numbers settle on, which may be infinite; None where they settle on nothing.
        symbolic: SymPy's limit; None without one.
        text: The same, as it is written: ``1/2``.
        low: Where they settle on nothing, the least of the nearest numbers.
        high: The largest.
    """

    number: float | None
    symbolic: float | None
    text: str | None
    low: float | None
    high: float | None

    @property
    def agreed(self) -> float | None:
        """The limit on which both witnesses agree."""
        a, b = self.number, self.symbolic
        if a is None or b is None:
            return None
        return b if _same(a, b) else None

    @property
    def contradicts(self) -> bool:
        """Whether the witnesses say different things."""
        return self.number is not None and self.symbolic is not None and self.agreed is None


class Tends(NamedTuple):
    """What a program tends to as an input comes to a point where it has no value.

    Attributes:
        graph: The computation.
        name: The input.
        x: Where it comes to; may be infinite.
        inputs: Values of the others.
        reason: Why there is no value; "" at infinity.
        rows: Distance, or place where x is infinite; the numbers below and above; None without one.
        below: The side below; None where there is no value, or no such side.
        above: The side above.
        kind: ``limit`` from both sides, ``one-sided``, ``infinite``, two that ``differ``, ``none`` where
            numbers settle on nothing, ``undecided`` where a witness has no answer, or witnesses that
            ``disagree``.
        limit: Where there is one.
        notes: What a witness failed by.
    """

    graph: Graph
    name: str
    x: float
    inputs: dict[str, float]
    reason: str
    rows: tuple[tuple[float, float | None, float | None], ...]
    below: Side | None
    above: Side | None
    kind: Kind
    limit: float | None
    notes: tuple[str, ...] = ()

    @property
    def exists(self) -> bool:
        """Whether there is a limit that is a number."""
        return self.limit is not None and isfinite(self.limit)


def tends(
    graph: Graph, inputs: Mapping[str, float], name: str, x: float, process: SymbolicProcess
) -> Tends | None:
    """Return what the output tends to as an input comes to x; None where it has no value on either side.

    Args:
        graph: The computation.
        inputs: Values of the other inputs.
        name: The input that moves.
        x: Where to; may be infinite.
        process: For SymPy's limit.
    """
    ways = [-1 if x > 0 else 1] if isinf(x) else [-1, 1]
    others = {**graph.defaults, **inputs}
    others.pop(name, None)
    at = _function(graph, others, name, x)
    numbers: dict[int, tuple[float | None, float | None, float | None] | None] = {}
    with digits(DIGITS):
        for way in ways:
            numbers[way] = _settled(at, way, infinite=isinf(x))
        rows = tuple(_row(at, k, ways, infinite=isinf(x)) for k in range(1, SHOWN + 1))
    open_ = [way for way in ways if numbers[way] is not None]
    if not open_:
        return None
    process.request_limit(graph, name, x, others, open_)
    answer = process.answer(SECONDS)
    notes = (f"symbolic: {answer.failure}",) if answer.failure else ()
    sides: dict[int, Side] = {}
    for way in open_:
        found = numbers[way]
        assert found is not None
        number, low, high = found
        sides[way] = Side(number, answer.numbers.get(way), answer.formulas.get(way), low, high)
    kind, limit = _kind(list(sides.values()), both=len(open_) == 2 or isinf(x))
    reason = "" if isinf(x) else _reason(graph, {**others, name: x})
    return Tends(graph, name, x, others, reason, rows, sides.get(-1), sides.get(1), kind, limit, notes)


def _kind(sides: Sequence[Side], *, both: bool) -> tuple[Kind, float | None]:
    if any(side.contradicts for side in sides):
        return "disagree", None
    if all(side.agreed is not None for side in sides):
        agreed = [side.agreed for side in sides if side.agreed is not None]
        first = agreed[0]
        if not all(map(partial(_same, first), agreed)):
            return "differ", None
        if isinf(first):
            return "infinite", first
        return ("limit" if both else "one-sided"), first
    if all(side.number is None and side.symbolic is None for side in sides if side.agreed is None):
        return "none", None
    return "undecided", None


def _reason(graph: Graph, inputs: Mapping[str, float]) -> str:
    from ..engine.run import value_at

    try:
        value_at(graph, inputs)
    except BackpropError as error:
        return error.message
    return ""


def _function(graph: Graph, inputs: Mapping[str, float], name: str, x: float) -> Callable[[Any], Any]:
    """Return the output over how far the input is from x, or over the input where x is infinite."""
    from ..ops.namespaces import multiprecision

    def at(moved: Any) -> Any:
        here = 0.0 if isinf(x) else x
        point = dict(meant(graph, {**inputs, name: here}))
        point[name] = point[name] + moved
        return run(graph, exact_leaves(graph, point), multiprecision())[graph.output]

    return at


def _places(part: str, way: int, *, infinite: bool) -> list[Any]:
    from mpmath import mpf

    powers = (mpf(10) ** (k if infinite else -k) for k in range(20, CLOSEST + 1, 4))
    # towards infinity from below means upwards
    sign = -way if infinite else way
    return [sign * mpf(part) * power for power in powers]


def _settled(
    at: Callable[[Any], Any], way: int, *, infinite: bool
) -> tuple[float | None, float | None, float | None] | None:
    """Return what the numbers of one side settle on, and between what they lie; None without any."""
    from mpmath import mp

    found: list[float | None] = []
    everything: list[Any] = []
    for part in PARTS:
        values = [at(place) for place in _places(part, way, infinite=infinite)]
        if not all(map(mp.isfinite, values)):
            return None if not any(map(mp.isfinite, values)) else (None, None, None)
        everything += values
        found.append(_goes_to(values))
    first, second = found
    low, high = float(min(everything)), float(max(everything))
    if first is None or second is None:
        return None, low, high
    if not _same(first, second):
        return None, low, high
    return first, low, high


def _goes_to(values: Sequence[Any]) -> float | None:
    """Return what numbers go to as they come closer, which may be infinite; None for nothing."""
    moves = [b - a for a, b in pairwise(values)]
    last = values[-1]
    shrinks = all(abs(b) <= abs(a) / 2 or not b for a, b in pairwise(moves[-4:]))
    if shrinks and abs(moves[-1]) <= SETTLED * max(abs(last), 1):
        return float(last)
    tail = moves[-6:]
    if (all(m > 0 for m in tail) or all(m < 0 for m in tail)) and abs(moves[-1]) * 1.01 >= abs(moves[-6]):
        return inf if tail[-1] > 0 else -inf
    return None


def _row(
    at: Callable[[Any], Any], k: int, ways: Sequence[int], *, infinite: bool
) -> tuple[float, float | None, float | None]:
    from mpmath import mp, mpf

    size = mpf(10) ** (k if infinite else -k)
    cells: dict[int, float | None] = {-1: None, 1: None}
    for way in ways:
        value = at((-way if infinite else way) * size)
        cells[way] = float(value) if mp.isfinite(value) else None
    return float(f"1e{k if infinite else -k}"), cells[-1], cells[1]
