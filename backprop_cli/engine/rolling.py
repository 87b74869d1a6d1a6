"""Loops in straight code: instructions that go on alike, one step after another, as one step and how often.

A recurrence is written out step by step, and so is its sweep. What of them repeats is found again here:
a step reads itself, the steps before it, what all steps share, and what goes along with them.

Source:
    Stitt and Vahid, New decompilation techniques for binary-level co-processor generation (2005), on loops
    that are rolled up again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..graph import Node

LONGEST = 2_048
"""Most instructions of a step that is looked for."""

FEWEST = 4
"""Steps that are worth a loop."""

LEAST = 64
"""Instructions that a loop has to save: compiling one takes as long as that of so many."""

MOST_BACK = 8
"""Steps before it that a step may read."""

WIDEST = 8
"""Operands of an instruction that is compared with others."""

VIEWS = ("transpose", "shaped", "expand", "ones", "zeros", "eye")
"""What is made of leaves alone, once for all steps: it stands amid the step that needs it first."""

Ints = npt.NDArray[np.int64]


class Own(NamedTuple):
    """An instruction of the same step, or of one so many steps before."""

    at: int
    back: int = 0


class Shared(NamedTuple):
    """What all steps read."""

    id: int


class Along(NamedTuple):
    """What goes along with the steps: one instruction for each."""

    ids: tuple[int, ...]


Operand = Own | Shared | Along


class Loop(NamedTuple):
    """A step, and how often it is made.

    Attributes:
        ids: The instructions of every step, in order.
        operands: Of the first step's instructions.
        keys: How far the places that an instruction picks move from step to step; none for most.
    """

    ids: tuple[tuple[int, ...], ...]
    operands: tuple[tuple[Operand, ...], ...]
    keys: tuple[tuple[int, ...], ...]


Stretch = int | Loop
"""A single instruction, or a loop."""


def rolled(nodes: Sequence[Node], order: Sequence[int]) -> list[Stretch]:
    """Return instructions in their order, with what repeats in loops.

    Args:
        nodes: All instructions, leaves and constants among them.
        order: The steps that are made.
    """
    ready = {k for k in order if nodes[k].op is None}
    for k in order:
        if k not in ready and nodes[k].primitive.name in VIEWS and ready.issuperset(nodes[k].inputs):
            ready.add(k)
    views = [k for k in order if k in ready and nodes[k].op is not None]
    steps = [k for k in order if k not in ready]
    return [*views, *_Rolling(nodes, steps).stretches(0, len(steps))]


SHARED, ALONG = "shared", "along"
Role = Own | str
"""What an operand is for a step."""


class _Found(NamedTuple):
    """A loop: where it begins, how long a step is, how often it is made, what the operands are."""

    first: int
    period: int
    times: int
    roles: list[list[Role]]

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.first + self.period * self.times


class _Rolling:
    def __init__(self, nodes: Sequence[Node], order: Sequence[int]) -> None:
        self.nodes, self.order = nodes, order
        place = {id: at for at, id in enumerate(order)}
        kinds: dict[Any, int] = {}
        self.kinds = np.empty(len(order), np.int64)
        self.reads = np.zeros((len(order), WIDEST), np.int64)  # where operands stand
        self.picks = np.zeros((len(order), WIDEST), np.int64)  # places that an index picks
        for at, id in enumerate(order):
            node = nodes[id]
            picks = [k for k in node.static.get("key", ()) if isinstance(k, int)]
            given = {name: x for name, x in node.static.items() if name != "key"}
            given["key"] = tuple(None if isinstance(k, int) else k for k in node.static.get("key", ()))
            # leaves are the same for every step
            leaves = tuple(-1 if i in place else i for i in node.inputs)
            alike = (
                node.op,
                leaves,
                tuple(nodes[i].shape for i in node.inputs),
                node.shape,
                *sorted(given.items()),
            )
            wide = len(node.inputs) > WIDEST or len(picks) > WIDEST
            self.kinds[at] = kinds.setdefault(id if wide else alike, len(kinds))
            if not wide:
                self.reads[at, : len(node.inputs)] = [place.get(i, -1) for i in node.inputs]
                self.picks[at, : len(picks)] = picks

    def stretches(self, start: int, end: int) -> Iterator[Stretch]:
        """Yield what is there, the loop that saves most first of all looked for."""
        found = self._best(start, end)
        if found is None:
            yield from self.order[start:end]
            return
        found = self._longer(found, start, end)
        yield from self.stretches(start, found.first)
        yield self._loop(found)
        yield from self.stretches(found.first + found.period * found.times, end)

    def _best(self, start: int, end: int) -> _Found | None:
        """Return the loop that saves most."""
        best, saved = None, LEAST - 1
        kinds = self.kinds[start:end]
        columns = np.concatenate([self.reads[start:end], self.picks[start:end]], 1)
        for period in range(1, min(LONGEST, (end - start) // FEWEST) + 1):
            same = kinds[:-period] == kinds[period:]
            if _longest(same) < (FEWEST - 1) * period:
                continue
            moved = columns[period:] - columns[:-period]
            evenly = (moved[:-period] == moved[period:]).all(1) & same[:-period] & same[period:]
            for first, length in _runs(evenly):
                count = (length + 2 * period) // period
                while count >= FEWEST and period * (count - 1) > saved:
                    found = self._found(start + first, period, count)
                    if found is not None:
                        best, saved = found, period * (count - 1)
                        break
                    first, count = first + period, count - 1
        return best

    def _found(self, first: int, period: int, count: int) -> _Found | None:
        """Return a loop; None where a step reads what no loop can."""
        roles: list[list[Role]] = []
        for at in range(first, first + period):
            roles.append([])
            for read, move in zip(self._reads(at), self._reads(at + period) - self._reads(at), strict=True):
                back = -((read - first) // period)
                if read < 0:
                    roles[-1].append(SHARED)
                elif move == period and back <= min(MOST_BACK, count - 1):
                    roles[-1].append(Own(int(read - first + back * period), int(back)))
                elif max(read, read + move * (count - 1)) >= first:
                    return None
                else:
                    roles[-1].append(ALONG if move else SHARED)
        return _Found(first, period, count, roles)

    def _reads(self, at: int) -> Ints:
        """Return where the operands of an instruction stand; -1 of leaves."""
        return self.reads[at, : len(self.nodes[self.order[at]].inputs)]

    def _longer(self, found: _Found, start: int, end: int) -> _Found:
        """Return a loop with the steps at its ends, whose beginnings and places are uneven."""
        while found.first - found.period >= start and self._joins(found, found.first - found.period):
            found = found._replace(first=found.first - found.period, times=found.times + 1)
        while found.end + found.period <= end and self._joins(found, found.end):
            found = found._replace(times=found.times + 1)
        return found

    def _joins(self, found: _Found, at: int) -> bool:
        """Whether what begins there is one more step, in front or behind."""
        first, period = min(found.first, at), found.period
        ahead = at < found.first
        beside = slice(found.first, found.first + period) if ahead else slice(found.end - period, found.end)
        here = slice(at, at + period)
        way = 1 if ahead else -1
        usual = (
            self.picks[found.first + period : found.first + 2 * period]
            - self.picks[found.first : found.first + period]
        )
        if (self.kinds[here] != self.kinds[beside]).any() or (
            way * (self.picks[beside] - self.picks[here]) != usual
        ).any():
            return False
        begins: dict[Own, int] = {}
        for k, roles in enumerate(found.roles):
            for slot, (role, read) in enumerate(zip(roles, self._reads(at + k), strict=True)):
                if isinstance(role, Own):
                    even = read == at + role.at - role.back * period
                    if role.back and ahead:
                        # with one step back alone nothing else says what a sequence begins with
                        even = role.back == 1 and read < first and begins.setdefault(role, read) == read
                    if not even:
                        return False
                    continue
                others = self.reads[found.first + k : found.end : period, slot]
                if (role == SHARED and read != others[0]) or max(read, others.max()) >= first:
                    return False
        return True

    def _loop(self, found: _Found) -> Loop:
        first, period = found.first, found.period
        steps = [tuple(self.order[at : at + period]) for at in range(first, found.end, period)]

        def operand(k: int, slot: int, role: Role) -> Operand:
            if isinstance(role, Own):
                return role
            ids = tuple(self.nodes[step[k]].inputs[slot] for step in steps)
            return Shared(ids[0]) if role == SHARED else Along(ids)

        moved = self.picks[first + period : first + 2 * period] - self.picks[first : first + period]
        return Loop(
            tuple(steps),
            tuple(tuple(operand(k, *x) for x in enumerate(roles)) for k, roles in enumerate(found.roles)),
            tuple(tuple(key.tolist()) if key.any() else () for key in moved),
        )


def _runs(truth: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield where a condition begins to hold, and for how long."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], truth, [False]]).astype(np.int8)))
    yield from ((int(a), int(b - a)) for a, b in edges.reshape(-1, 2))


def _longest(truth: npt.NDArray[np.bool_]) -> int:
    gaps = np.flatnonzero(~truth)
    ends = np.concatenate([[-1], gaps, [len(truth)]])
    return int(np.diff(ends).max()) - 1


def read_outside(
    nodes: Sequence[Node], order: Collection[int], outputs: Collection[int], loop: Loop
) -> dict[int, set[int]]:
    """Return which instructions of a loop others read, and of which steps."""
    at = {id: (k, step) for step, ids in enumerate(loop.ids) for k, id in enumerate(ids)}
    found: dict[int, set[int]] = {}
    for id in (*outputs, *(i for k in order if k not in at for i in nodes[k].inputs)):
        if id in at:
            k, step = at[id]
            found.setdefault(k, set()).add(step)
    return found
