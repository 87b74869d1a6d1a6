"""Ways on a grid of characters: between two columns every way that bends gets a track of its own.

A way comes level from its column, turns into its track, and leaves it level for where it ends. Two ways
share neither a piece of track nor a level piece; they may cross.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from .layered import Arrangement, Spacing

TURNS = 400
"""How often places are moved before a drawing is given up."""


class Net(NamedTuple):
    """The ways of one item to the next column; they part on the way.

    Attributes:
        item: Where they come from.
        start: Its place across.
        ends: Places that they reach in the next column, with the links that go there.
    """

    item: int
    start: int
    ends: dict[int, list[int]]

    @property
    def low(self) -> int:
        """The least place that is passed."""
        return min(self.start, *self.ends)

    @property
    def high(self) -> int:
        """The greatest place that is passed."""
        return max(self.start, *self.ends)

    @property
    def bent(self) -> bool:
        """Whether it needs a track."""
        return self.low != self.high


def nets(made: Arrangement, column: int) -> list[Net]:
    """Return the ways from a column to the next, in the order of where they start."""
    found: dict[int, Net] = {}
    for k, route in enumerate(made.routes):
        n = column - made.items[route[0]].column
        if 0 <= n < len(route) - 1:
            i = route[n]
            net = found.setdefault(i, Net(i, round(made.items[i].at), {}))
            net.ends.setdefault(round(made.entry(k, n + 1)), []).append(k)
    return sorted(found.values(), key=lambda net: net.start)


def tracks(ways: list[Net]) -> list[int] | None:
    """Return the track of every net, from 0, -1 for a straight one; None where no order of them works."""
    bent = [k for k, net in enumerate(ways) if net.bent]
    # what starts at the place where another ends must turn before that one arrives there
    before: dict[int, set[int]] = {
        k: {j for j in bent if j != k and ways[j].start in ways[k].ends} for k in bent
    }
    # in this order ways that go the same direction cross least
    waiting = sorted(
        bent,
        key=lambda k: (-ways[k].start if max(ways[k].ends) > ways[k].start else ways[k].start, k),
    )
    found = [-1] * len(ways)
    taken: list[list[tuple[int, int]]] = []
    while waiting:
        ready = next((k for k in waiting if before[k].isdisjoint(waiting)), None)
        if ready is None:
            return None
        waiting.remove(ready)
        net = ways[ready]
        track = max((found[j] + 1 for j in before[ready]), default=0)
        while track < len(taken) and any(low <= net.high and net.low <= high for low, high in taken[track]):
            track += 1
        while len(taken) <= track:
            taken.append([])
        taken[track].append((net.low, net.high))
        found[ready] = track
    return found


def untangle(made: Arrangement, spacing: Spacing) -> bool:
    """Move items until every gap between columns has an order of tracks; return whether that came about."""
    for column in range(len(made.columns) - 1):
        for _ in range(TURNS):
            ways = nets(made, column)
            if tracks(ways) is not None:
                break
            starts = {net.start for net in ways if net.bent}
            knots = [
                end for net in ways if net.bent for end in net.ends if end in starts and end != net.start
            ]
            following = made.columns[column + 1]
            first = next(k for k, i in enumerate(following) if made.items[i].last + 1 > min(knots))
            made.items[following[first]].at += 1
            _push(made, following, spacing)
        else:
            return False
    return True


def _push(made: Arrangement, column: list[int], spacing: Spacing) -> None:
    for a, b in pairwise(made.items[i] for i in column):
        room = spacing.nodes if a.kind == b.kind == "node" else spacing.ways
        b.at = max(b.at, a.last + room + b.size.before)
