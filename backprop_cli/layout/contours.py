"""Contours of a function of two variables, given on a grid: marching squares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import wraps
from math import floor, isfinite, isnan, log10
from typing import Any, NamedTuple, ParamSpec, TypeVar

from ..language.numbers import brief
from .axis import Axis, round_step

P = ParamSpec("P")
T = TypeVar("T")
Grid = Sequence[Sequence[float]]
Line = list[tuple[float, float]]
Edge = tuple[int, int, int]  # 0 for the edge to the right of a grid point, 1 for the one above; row; column
LARGEST = 1e307  # heights whose differences are finite
FLAT = 0.2  # of the points at one height are a part to be named
THIN = 0.015  # of the points may lie beyond the first height and the last
NEAREST = 1e3  # times nearer to the lowest than the middle of the heights is
KEPT = 100  # answers, of which an animation asks for the same with every frame
SKEW = 0.2  # where half of the values lie in this share of the range, equal steps show a wall and a plain

# Which edge of a cell leads to which, by the corners above the level: 1, 2, 4, 8 anticlockwise from
# below on the left. The higher side is on the left of the way.
_BOTTOM, _RIGHT, _TOP, _LEFT = range(4)
_WAYS: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((_BOTTOM, _LEFT),),
    2: ((_RIGHT, _BOTTOM),),
    3: ((_RIGHT, _LEFT),),
    4: ((_TOP, _RIGHT),),
    6: ((_TOP, _BOTTOM),),
    7: ((_TOP, _LEFT),),
    8: ((_LEFT, _TOP),),
    9: ((_BOTTOM, _TOP),),
    11: ((_RIGHT, _TOP),),
    12: ((_LEFT, _RIGHT),),
    13: ((_BOTTOM, _RIGHT),),
    14: ((_LEFT, _BOTTOM),),
}
# two corners across: by whether the middle is above
_ACROSS = {
    (5, True): ((_BOTTOM, _RIGHT), (_TOP, _LEFT)),
    (5, False): ((_BOTTOM, _LEFT), (_TOP, _RIGHT)),
    (10, True): ((_LEFT, _BOTTOM), (_RIGHT, _TOP)),
    (10, False): ((_RIGHT, _BOTTOM), (_LEFT, _TOP)),
}


def _kept(function: Callable[P, T]) -> Callable[P, T]:
    """Keep the answers of a function of grids and numbers; a grid is told by which object it is."""
    known: dict[tuple[object, ...], tuple[object, T]] = {}

    @wraps(function)
    def found(*args: P.args, **more: P.kwargs) -> T:
        key: tuple[Any, ...] = tuple(a if isinstance(a, float | int) else id(a) for a in args)
        if more:
            return function(*args, **more)
        if key not in known:
            if len(known) >= KEPT:
                known.clear()
            known[key] = args, function(*args, **more)  # grids that live on keep what they are told by
        return known[key][1]

    return found


class Flat(NamedTuple):
    """A part without slope.

    Attributes:
        text: The height there.
        row: Of the point that is farthest from all that is not flat.
        column: The same point's.
    """

    text: str
    row: int
    column: int


@_kept
def flat(z: Grid) -> Flat | None:
    """Return the largest part on which all heights are the same; None where there is none to speak of."""
    height = _commonest(z)
    if height is None:
        return None
    # how many cells a point is from one that is not flat: by those above and to the left, then by the others
    rows, columns = len(z), len(z[0])
    off = [[0] * (columns + 2) for _ in range(rows + 2)]
    for r in range(1, rows + 1):
        for c in range(1, columns + 1):
            if z[r - 1][c - 1] == height:
                off[r][c] = 1 + min(*off[r - 1][c - 1 : c + 2], off[r][c - 1])
    best = 0, 0, 0
    for r in range(rows, 0, -1):
        for c in range(columns, 0, -1):
            if off[r][c]:
                off[r][c] = min(off[r][c], 1 + min(*off[r + 1][c - 1 : c + 2], off[r][c + 1]))
                best = max(best, (off[r][c], r - 1, c - 1))
    return Flat(brief(height + 0.0, 4), best[1], best[2])


def _commonest(z: Grid) -> float | None:
    """Return the height that a good part of the points share."""
    counts = Counter(v for row in z for v in row if abs(v) < LARGEST)
    if not counts:
        return None
    height, count = counts.most_common(1)[0]
    return height if count >= FLAT * counts.total() else None


@_kept
def levels(z: Grid, most: int = 12) -> list[tuple[float, str]]:
    """Return round heights, at most so many, that show the shape, with their texts.

    Equal steps; where most of the heights crowd at one end, steps that grow with the distance
    from there, down to the smallest that has some room. What is flat has no part in that.
    """
    level = _commonest(z)
    values = sorted(v for row in z for v in row if abs(v) < LARGEST and v != level)
    if not values or values[0] == values[-1]:
        return []
    low, middle, high = (_quantile(values, q) for q in (0.0, 0.5, 1.0))
    if level is not None:
        low, high = min(low, level), max(high, level)
    if middle - low < SKEW * (high - low):
        return _growing(low, _quantile(values, THIN), middle, _quantile(values, 1.0 - THIN), most, 1.0)
    if high - middle < SKEW * (high - low):
        return _growing(high, _quantile(values, 1.0 - THIN), middle, _quantile(values, THIN), most, -1.0)
    found = [t for t in Axis(low, high).ticks(most) if low < t[0] < high]
    return found or [(middle, brief(middle, 3))]


def _quantile(values: Sequence[float], share: float) -> float:
    return values[int(share * (len(values) - 1))]


def _growing(
    start: float, first: float, middle: float, end: float, most: int, sign: float
) -> list[tuple[float, str]]:
    """Return 1, 2, 5, 10, ... from the start: from the first that encloses something to the end."""
    near, far = abs(middle - start), abs(end - start)
    if near == 0.0 or far <= near:
        return [(middle, brief(middle, 3))]
    least = min(max(abs(first - start), near / NEAREST), near / 8)
    base = round(start / round_step(least)) * round_step(least)
    steps = [float(f"{m}e{d}") for d in range(floor(log10(least)), floor(log10(far)) + 1) for m in (1, 2, 5)]
    steps = [s for s in steps if least <= s < far]
    every = max(1, -(-len(steps) // most))
    heights = sorted(float(f"{base + sign * s:.12g}") for s in steps[::-1][::every])
    return [(h, brief(h)) for h in heights]


@_kept
def lines(x: Sequence[float], y: Sequence[float], z: Grid, level: float) -> list[Line]:
    """Return where the height is the level; a closed line ends where it begins.

    Args:
        x: Coordinate of every column.
        y: Of every row.
        z: Rows of heights; cells with a corner that has none are left out.
        level: The height.
    """
    return _lines(x, y, z, level)


def _lines(x: Sequence[float], y: Sequence[float], z: Grid, level: float) -> list[Line]:
    onward: dict[Edge, Edge] = {}
    for j in range(len(y) - 1):
        below, above = z[j], z[j + 1]
        low, high = [v >= level for v in below], [v >= level for v in above]
        for i in range(len(x) - 1):
            case = low[i] + 2 * low[i + 1] + 4 * high[i + 1] + 8 * high[i]
            if case == 0 or case == 15:
                continue
            corners = below[i], below[i + 1], above[i + 1], above[i]
            if any(map(isnan, corners)):
                continue
            edges = (0, j, i), (1, j, i + 1), (0, j + 1, i), (1, j, i)
            ways = _WAYS.get(case) or _ACROSS[case, sum(corners) / 4 >= level]
            for start, end in ways:
                onward[edges[start]] = edges[end]
    return [[_crossing(x, y, z, level, edge) for edge in chain] for chain in _chains(onward)]


def _chains(onward: dict[Edge, Edge]) -> list[list[Edge]]:
    """Return whole lines: open ones from their beginning, then closed ones."""
    entered = set(onward.values())
    found = []
    for start in [e for e in onward if e not in entered] + list(onward):
        chain = [start]
        while chain[-1] in onward:
            chain.append(onward.pop(chain[-1]))
        if len(chain) > 1:
            found.append(chain)
    return found


def _crossing(
    x: Sequence[float], y: Sequence[float], z: Grid, level: float, edge: Edge
) -> tuple[float, float]:
    up, j, i = edge
    a, b = z[j][i], z[j + 1][i] if up else z[j][i + 1]
    share = (level - a) / (b - a) if isfinite(b - a) and b != a else 0.5
    if up:
        return x[i], y[j] + share * (y[j + 1] - y[j])
    return x[i] + share * (x[i + 1] - x[i]), y[j]


@_kept
def region(x: Sequence[float], y: Sequence[float], z: Grid, level: float) -> Line:
    """Return the outline of all that is above the level, as one line to be filled.

    Several parts, and holes, are joined by ways there and back, which enclose nothing.
    """
    outside = level - 1.0 - abs(level)
    wide = [x[0], *x, x[-1]]
    tall = [y[0], *y, y[-1]]
    edge = [outside] * len(wide)
    padded = [edge, *[[outside, *(outside if isnan(v) else v for v in row), outside] for row in z], edge]
    loops = _lines(wide, tall, padded, level)
    if not loops:
        return []
    joined = list(loops[0])
    for loop in loops[1:]:
        joined += [*loop, loops[0][0]]
    return joined
