"""A layered drawing of a directed graph: columns, their order, positions, and ways that cross no node.

Coordinates are abstract: *along* the links, from column to column, and *across* them. What is drawn from
left to right has x along and y across; from top to bottom it is the other way round.

A link that passes a column has a place there, like a node; so has its label. Between two columns a way may
bend as it likes, within one it stays at its place: by this no way crosses a node or a label. The links of
one node share their way until they part.

Source:
    Sugiyama, Tagawa and Toda, Methods for Visual Understanding of Hierarchical System Structures (1981);
    Gansner, Koutsofios, North and Vo, A Technique for Drawing Directed Graphs (1993), for the transpositions.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Collection, Sequence
from itertools import pairwise
from math import inf
from typing import Literal, NamedTuple

from ..errors import UsageError

ITEM_LIMIT = 3_000
"""Most places (nodes, labels, passages) of a drawing."""

Kind = Literal["node", "label", "way"]


class Size(NamedTuple):
    """Of a node or label.

    Attributes:
        depth: Along the links.
        before: Across them, from the axis to the side that comes first.
        after: From the axis to the other side.
    """

    depth: float
    before: float
    after: float


class Link(NamedTuple):
    """An arrow between two nodes, by their positions in the list of nodes; ``label`` is its label's size."""

    source: int
    target: int
    label: Size | None = None


class Item:
    """A node, a label or a passage at its place.

    Attributes:
        kind: Which of them.
        owner: The node, the link of a label, or the node that a way comes from.
        column: From 0.
        size: Its extents.
        at: Across: where its axis is.
    """

    __slots__ = ("at", "column", "kind", "owner", "size")

    def __init__(self, kind: Kind, owner: int, column: int, size: Size) -> None:
        self.kind = kind
        self.owner = owner
        self.column = column
        self.size = size
        self.at = 0.0

    @property
    def first(self) -> float:
        """Where it begins across."""
        return self.at - self.size.before

    @property
    def last(self) -> float:
        """Where it ends across."""
        return self.at + self.size.after


class Arrangement(NamedTuple):
    """Where everything is.

    Attributes:
        items: The nodes first, in the order given.
        columns: Items of every column, in their order across.
        routes: Per link, the items on its way, source and target included.
        ports: Per link, where it enters its target, from the target's axis.
    """

    items: list[Item]
    columns: list[list[int]]
    routes: list[list[int]]
    ports: list[float]

    def depth(self, column: int) -> float:
        """Return how deep a column is."""
        return max((self.items[i].size.depth for i in self.columns[column]), default=0.0)

    def entry(self, link: int, k: int) -> float:
        """Return where the way of a link is at the k-th item of its route, coming in."""
        item = self.items[self.routes[link][k]]
        return item.at + (self.ports[link] if k == len(self.routes[link]) - 1 else 0.0)


class Spacing(NamedTuple):
    """Distances across.

    Attributes:
        nodes: Between two nodes.
        ways: Between anything else.
        port: Between two arrows into one node, at most.
        edge: Between an arrow and its node's corner, at least.
    """

    nodes: float
    ways: float
    port: float
    edge: float


def arrange(
    nodes: Sequence[Size],
    links: Sequence[Link],
    spacing: Spacing,
    *,
    whole: bool = False,
    keep_order: bool = False,
    pull: bool = False,
) -> Arrangement:
    """Lay a graph out.

    Args:
        nodes: In an order in which the sources of links come before their targets.
        links: At most one for a source and target.
        spacing: Distances.
        whole: Positions are whole numbers, for a grid of characters.
        keep_order: The nodes of a column stay in the order given.
        pull: Leaves stand before the first node that reads them, not all in the first column.
    Raises:
        UsageError: for more than can be drawn.
    """
    labelled = any(link.label is not None for link in links)
    ranks = _ranks(len(nodes), links, pull, 2 if labelled else 1)
    items = [Item("node", k, ranks[k], size) for k, size in enumerate(nodes)]
    routes = _routes(items, links)
    columns: list[list[int]] = [[] for _ in range(max(ranks, default=0) + 1)]
    for i, item in enumerate(items):
        columns[item.column].append(i)
    _order(items, columns, routes, keep_order)
    ports = _ports(items, columns, routes, links, spacing, whole)
    made = Arrangement(items, columns, routes, ports)
    settle(made, spacing, whole=whole)
    return made


def _ranks(count: int, links: Sequence[Link], pull: bool, step: int) -> list[int]:
    ranks = [0] * count
    leaf = [True] * count
    for link in sorted(links, key=lambda link: link.target):
        ranks[link.target] = max(ranks[link.target], ranks[link.source] + step)
        leaf[link.target] = False
    if pull:
        first: dict[int, int] = {}
        for link in links:
            before = ranks[link.target] - step
            first[link.source] = min(first.get(link.source, before), before)
        ranks = [first.get(k, 0) if leaf[k] else rank for k, rank in enumerate(ranks)]
    return ranks


def _routes(items: list[Item], links: Sequence[Link]) -> list[list[int]]:
    """Add the labels and passages, and return the ways through them."""
    trunks: dict[tuple[int, int], int] = {}
    routes = []
    for k, link in enumerate(links):
        start, end = items[link.source].column, items[link.target].column
        route = [link.source]
        for column in range(start + 1, end - (link.label is not None)):
            key = link.source, column
            if key not in trunks:
                trunks[key] = len(items)
                items.append(Item("way", link.source, column, Size(0.0, 0.0, 0.0)))
            route.append(trunks[key])
        if link.label is not None:
            route.append(len(items))
            items.append(Item("label", k, end - 1, link.label))
        if len(items) > ITEM_LIMIT:
            raise UsageError(
                "the graph is too entangled to be drawn",
                hint="--path NAME or --named shows less; --format dot has no limit",
            )
        routes.append([*route, link.target])
    return routes


# the order in every column


def _order(
    items: Sequence[Item], columns: list[list[int]], routes: Sequence[Sequence[int]], keep: bool
) -> None:
    """Find an order with few crossings."""
    before: list[set[int]] = [set() for _ in items]
    after: list[set[int]] = [set() for _ in items]
    for route in routes:
        for a, b in pairwise(route):
            after[a].add(b)
            before[b].add(a)
    place = [0.0] * len(items)
    _begin(items, columns, before, place)
    gaps = range(len(columns) - 1)

    def crossings() -> int:
        return sum(_crossings(columns[c], place, after) for c in gaps)

    fixed = [keep and item.kind == "node" for item in items]
    best, fewest = [list(column) for column in columns], crossings()
    for turn in range(24 if len(items) < 1_000 else 8):
        if not fewest:
            break
        down = turn % 2 == 0
        for column in columns if down else columns[::-1]:
            _sort(column, before if down else after, place, fixed)
        _transpose(columns, before, after, place, fixed, rounds=4 if len(items) < 400 else 1)
        found = crossings()
        if found < fewest:
            best, fewest = [list(column) for column in columns], found
    columns[:] = best


def _begin(
    items: Sequence[Item], columns: list[list[int]], before: Sequence[set[int]], place: list[float]
) -> None:
    """Nodes in their own order; what is on the way to a node, beside what it comes from."""
    for column in columns:
        wanted = {
            i: (sum(place[j] for j in before[i]) / len(before[i])) if before[i] else float(k)
            for k, i in enumerate(column)
        }
        if all(items[i].kind == "node" for i in column):
            wanted = {i: float(i) for i in column}
        column.sort(key=lambda i: (wanted[i], i))
        _number(column, place)


def _number(column: Sequence[int], place: list[float]) -> None:
    for k, i in enumerate(column):
        place[i] = float(k)


def _sort(column: list[int], sides: Sequence[set[int]], place: list[float], fixed: Sequence[bool]) -> None:
    """Bring a column in the order of the mean places of its neighbours; what has none stays."""
    free = [k for k, i in enumerate(column) if sides[i] and not fixed[i]]
    moved = sorted(
        (column[k] for k in free), key=lambda i: (sum(place[j] for j in sides[i]) / len(sides[i]), place[i])
    )
    for k, i in zip(free, moved, strict=True):
        column[k] = i
    _number(column, place)


def _transpose(
    columns: Sequence[list[int]],
    before: Sequence[set[int]],
    after: Sequence[set[int]],
    place: list[float],
    fixed: Sequence[bool],
    rounds: int,
) -> None:
    """Exchange neighbours as long as crossings become fewer."""
    for _ in range(rounds):
        better = False
        for column in columns:
            for k in range(len(column) - 1):
                i, j = column[k], column[k + 1]
                if fixed[i] and fixed[j]:
                    continue
                as_is = _pair(before[i], before[j], place) + _pair(after[i], after[j], place)
                turned = _pair(before[j], before[i], place) + _pair(after[j], after[i], place)
                if turned < as_is:
                    column[k], column[k + 1] = j, i
                    place[i], place[j] = place[j], place[i]
                    better = True
        if not better:
            return


def _pair(upper: set[int], lower: set[int], place: Sequence[float]) -> int:
    return sum(place[a] > place[b] for a in upper for b in lower)


def _crossings(column: Sequence[int], place: Sequence[float], after: Sequence[set[int]]) -> int:
    """Count the crossings between a column and the next."""
    seen: list[float] = []
    total = 0
    for i in column:
        ends = sorted(place[j] for j in after[i])
        total += sum(len(seen) - bisect_right(seen, end) for end in ends)
        for end in ends:
            insort(seen, end)
    return total


# positions


def spread(count: int, reach: float, step: float, whole: bool) -> list[float]:
    """Return where so many arrows enter, around an axis, at most ``reach`` from it."""
    if count < 2:
        return [0.0] * count
    step = min(step, 2.0 * reach / (count - 1))
    found = [(k - (count - 1) / 2.0) * step for k in range(count)]
    if not whole:
        return found
    if count == 2 and reach >= 1:
        return [-1.0, 1.0]
    start = -((count - 1) // 2)
    return [float(start + k) for k in range(count)]


def _ports(
    items: Sequence[Item],
    columns: Sequence[Sequence[int]],
    routes: Sequence[Sequence[int]],
    links: Sequence[Link],
    spacing: Spacing,
    whole: bool,
) -> list[float]:
    place = {i: k for column in columns for k, i in enumerate(column)}
    into: dict[int, list[int]] = {}
    for k, link in enumerate(links):
        into.setdefault(link.target, []).append(k)
    ports = [0.0] * len(links)
    for target, arriving in into.items():
        arriving.sort(key=lambda k: (place[routes[k][-2]], k))
        size = items[target].size
        reach = max(0.0, min(size.before, size.after) - spacing.edge)
        for k, port in zip(arriving, spread(len(arriving), reach, spacing.port, whole), strict=True):
            ports[k] = port
    return ports


Pull = tuple[int, float, float]
"""Another item, how far from it one wants to be, how much."""


def settle(made: Arrangement, spacing: Spacing, cuts: Collection[int] = (), *, whole: bool = False) -> None:
    """Bring items where their ways are straight, in their order; see `arrange`.

    Args:
        made: Whose items are moved.
        spacing: Distances.
        cuts: Columns that do not follow the one before, but begin a row of their own.
        whole: Positions are whole numbers.
    """
    items, columns = made.items, made.columns
    left: list[list[Pull]] = [[] for _ in items]
    right: list[list[Pull]] = [[] for _ in items]
    seen: set[tuple[int, int]] = set()
    for k, route in enumerate(made.routes):
        for a, b in pairwise(route):
            if (a, b) in seen or items[b].column in cuts:
                continue
            seen.add((a, b))
            shift = made.ports[k] if b == route[-1] else 0.0
            loose = sum(items[i].kind == "node" for i in (a, b))
            weight = (8.0, 2.0, 1.0)[loose]
            right[a].append((b, -shift, weight))
            left[b].append((a, shift, weight))
    gaps = [
        [
            items[a].size.after
            + items[b].size.before
            + (spacing.nodes if items[a].kind == items[b].kind == "node" else spacing.ways)
            for a, b in pairwise(column)
        ]
        for column in columns
    ]
    both = [a + b for a, b in zip(left, right, strict=True)]
    for column, distances in zip(columns, gaps, strict=True):
        _settle(items, column, distances, [[]] * len(items))
    for turn in range(16):
        sides = left if turn % 2 == 0 else right
        ordered = list(zip(columns, gaps, strict=True))
        for column, distances in ordered if turn % 2 == 0 else ordered[::-1]:
            _settle(items, column, distances, sides if turn < 12 else both)
    if whole:
        for column, distances in zip(columns, gaps, strict=True):
            for k, i in enumerate(column):
                at = float(round(items[i].at))
                items[i].at = max(at, items[column[k - 1]].at + distances[k - 1]) if k else at
    for turn in range(8):
        ordered = list(zip(columns, gaps, strict=True))
        for column, distances in ordered if turn % 2 else ordered[::-1]:
            _straighten(items, column, distances, both, whole)
    _level(made, gaps, cuts)


def _settle(
    items: Sequence[Item], column: Sequence[int], gaps: Sequence[float], pulls: Sequence[Sequence[Pull]]
) -> None:
    """Move a column's items to where they are pulled, in their order and at their distances.

    The squares of what is missing are least: pool adjacent violators.
    """
    blocks: list[tuple[float, float, int]] = []  # weighted mean, weight, how many
    offset, offsets = 0.0, []
    for k, i in enumerate(column):
        offset += gaps[k - 1] if k else 0.0
        offsets.append(offset)
        weight = sum(w for _, _, w in pulls[i])
        wish = sum(w * (items[j].at - d) for j, d, w in pulls[i]) / weight if weight else items[i].at
        mean, weight, count = wish - offset, weight or 0.01, 1
        while blocks and blocks[-1][0] > mean:
            above, heavy, many = blocks.pop()
            mean = (above * heavy + mean * weight) / (heavy + weight)
            weight, count = heavy + weight, many + count
        blocks.append((mean, weight, count))
    means = [mean for mean, _, count in blocks for _ in range(count)]
    for i, mean, offset in zip(column, means, offsets, strict=True):
        items[i].at = mean + offset


def _straighten(
    items: Sequence[Item],
    column: Sequence[int],
    gaps: Sequence[float],
    pulls: Sequence[Sequence[Pull]],
    whole: bool,
) -> None:
    """Move items so that as many of their ways as can be are straight."""
    for k, i in enumerate(column):
        wishes = sorted((items[j].at - d, w) for j, d, w in pulls[i])
        if not wishes:
            continue
        half, heard = sum(w for _, w in wishes) / 2.0, 0.0
        wish = next(at for at, w in wishes if (heard := heard + w) >= half)
        low = items[column[k - 1]].at + gaps[k - 1] if k else -inf
        high = items[column[k + 1]].at - gaps[k] if k + 1 < len(column) else inf
        wish = min(max(wish, low), high)
        if not whole or abs(_strain(items, pulls[i], wish)) <= abs(_strain(items, pulls[i], items[i].at)):
            items[i].at = wish


def _level(made: Arrangement, gaps: Sequence[Sequence[float]], cuts: Collection[int]) -> None:
    """Bring the passages of a way to one level, as far as there is room; in every row to one of its own."""
    items = made.items
    where = {i: (c, k) for c, column in enumerate(made.columns) for k, i in enumerate(column)}

    def room(i: int) -> tuple[float, float]:
        c, k = where[i]
        column = made.columns[c]
        low = items[column[k - 1]].at + gaps[c][k - 1] if k else -inf
        return low, items[column[k + 1]].at - gaps[c][k] if k + 1 < len(column) else inf

    done: set[int] = set()
    for n, route in enumerate(made.routes):
        run: list[int] = []
        low, high = -inf, inf
        for i in [*reversed(route[1:-1]), -1]:
            least, most = room(i) if i >= 0 and i not in done else (inf, -inf)
            ends = bool(run) and items[run[-1]].column in cuts
            if max(low, least) <= min(high, most) and not ends:
                run.append(i)
                low, high = max(low, least), min(high, most)
                continue
            if len(run) > 1:
                # the level of the last one, or of the arrow's end where that is near
                end = made.entry(n, len(route) - 1)
                at = items[run[0]].at
                at = end if run[0] == route[-2] and abs(end - at) < 4.0 else at
                for j in run:
                    items[j].at = min(max(at, low), high)
            done.update(run)
            run, low, high = ([i], least, most) if least <= most else ([], -inf, inf)


def _strain(items: Sequence[Item], pulls: Sequence[Pull], at: float) -> float:
    return sum(w * abs(items[j].at - d - at) for j, d, w in pulls)


def positions(made: Arrangement, gaps: Sequence[float]) -> list[float]:
    """Return where every column begins; a gap is the room between a column and the next one."""
    starts, at = [], 0.0
    for c in range(len(made.columns)):
        starts.append(at)
        at += made.depth(c) + (gaps[c] if c + 1 < len(made.columns) else 0.0)
    return starts
