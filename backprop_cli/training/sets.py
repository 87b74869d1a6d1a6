"""Rows ready for a network, in memory or read from a file window by window; and their order in an epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..networks.network import NDArray, Span
from ..networks.random import stream
from ..networks.runner import Network
from .data.rows import Rows, Spilled

WINDOW_NUMBERS = 1 << 23
"""Numbers of the inputs that are in memory at one time while a stream is trained."""
WINDOW_BLOCKS = 64
"""Blocks of which a window is made: each is read at once, from anywhere in the file."""
PIECE_NUMBERS = 1 << 22
"""Numbers of the inputs that are measured at one time."""
SAMPLE_NUMBERS = 1 << 22
"""Numbers of the inputs that stand for all rows where what they show as a whole is judged, ..."""
BUCKETS = 8
"""Lengths that sequences are padded to, at most: each is a plan of its own."""
SAMPLE_ROWS = 1 << 16
"""... and rows."""


class Set:
    """Rows ready for a network.

    Attributes:
        encoded: Inputs, shape (rows, *shape of a row).
        inputs: The same by leaf of the network.
        targets: Shape (rows, outputs), of a formula (rows,); one-hot or shares for several classes, 0 and 1
            for two with one output.
        answers: Class ids (rows,), of shares the largest one's; or the same as ``targets``.
        counts: What each row counts in metrics, (rows,); None where all count alike.
        weights: What it counts in the loss, by its class too; None where all count alike. Of sequences with
            targets at each step both are of steps, (rows, steps).
        lengths: How many steps each row has, (rows,), where it is a sequence and they differ.
    """

    def __init__(
        self,
        encoded: NDArray,
        inputs: Mapping[str, NDArray],
        targets: NDArray,
        answers: NDArray,
        counts: NDArray | None = None,
        weights: NDArray | None = None,
        lengths: NDArray | None = None,
    ) -> None:
        self.lengths = lengths
        self.counts = counts
        self.weights = weights
        self.encoded = encoded
        self.inputs = inputs
        self.targets = targets
        self.answers = answers

    def __len__(self) -> int:
        return len(self.encoded)

    def of_type(self, dtype: npt.DTypeLike) -> Set:
        """Return the rows in another precision."""
        with np.errstate(over="ignore"):  # what float32 cannot hold is found by the first step
            return Set(
                self.encoded.astype(dtype, copy=False),
                {name: array.astype(dtype, copy=False) for name, array in self.inputs.items()},
                self.targets.astype(dtype, copy=False),
                self.answers,
                self.counts,
                self.weights,
                self.lengths,
            )

    @property
    def sample(self) -> Set:
        """Rows that stand for all: these are all."""
        return self

    @property
    def extremes(self) -> Set:
        """Rows among whose numbers are the least and the largest of all."""
        return self

    def pieces(self) -> Iterator[Set]:
        """Yield all rows, some at a time; but for sequences with many targets all at once."""
        step = max(1, PIECE_NUMBERS // self.targets[0].size) if self.targets.ndim > 2 else len(self)
        if step >= len(self):
            yield self
            return
        for start in range(0, len(self), step):
            some = slice(start, start + step)
            counts, weights, lengths = (
                None if array is None else array[some] for array in (self.counts, self.weights, self.lengths)
            )
            fed = {name: array[some] for name, array in self.inputs.items()}
            yield Set(
                self.encoded[some], fed, self.targets[some], self.answers[some], counts, weights, lengths
            )

    def of_classes(self, classes: int) -> NDArray:
        """Return how many rows each class has."""
        return np.bincount(self.answers, minlength=classes)

    def _buckets(self) -> NDArray | None:
        """Return to how many steps each row is padded, one of `BUCKETS`; None for rows of one length."""
        if self.lengths is None:
            return None
        longest = int(self.lengths.max())
        step = -(-longest // BUCKETS)
        padded: NDArray = np.minimum(-(-self.lengths // step) * step, longest)
        return padded

    def span(self, network: Network, which: NDArray | slice) -> Span | None:
        """Return how long some of the rows are as they are padded."""
        span, buckets = network.span(self.inputs), self._buckets()
        return span if span is None or buckets is None else span._replace(length=int(buckets[which].max()))

    def windows(self, seed: int, epoch: int, batch: int, shuffled: bool, row: int = 0) -> Iterator[Window]:
        """Yield the rows of an epoch: all at once, in the order that the seed gives."""
        if not shuffled:
            yield Window(0, self, None)
            return
        rng, buckets = stream(seed, "order", epoch), self._buckets()
        order = rng.permutation(len(self))
        if (
            buckets is not None
        ):  # rows of like length together, the batches in a drawn order, the shorter one last
            order = order[np.argsort(buckets[order], kind="stable")]
            whole = len(order) // batch * batch
            order[:whole] = rng.permutation(order[:whole].reshape(-1, batch)).ravel()
        yield Window(0, self, order)


class Window(NamedTuple):
    """Rows of an epoch that are in memory at one time.

    Attributes:
        start: How many rows of the epoch come before.
        rows: The rows.
        order: In which they come; None for as they stand.
        numbers: Which of the training rows they are, from 0; None for all in their order.
    """

    start: int
    rows: Set
    order: NDArray | None
    numbers: NDArray | None = None

    @property
    def stop(self) -> int:
        """How many rows of the epoch are through after it."""
        return self.start + len(self.rows)

    def picks(self, start: int, stop: int) -> NDArray:
        """Return which of the rows come from one row of the epoch to another."""
        start, stop = start - self.start, stop - self.start
        return np.arange(start, stop) if self.order is None else self.order[start:stop]


class Stream:
    """Rows that lie in a file and are ready for a network when they are read.

    Args:
        rows: In the file.
        make: Makes rows ready.
        dtype: Of what is made; None for as it comes.
    """

    def __init__(
        self, rows: Spilled, make: Callable[[Rows], Set], dtype: npt.DTypeLike | None = None
    ) -> None:
        self.spilled = rows
        self._make, self._dtype = make, dtype

    def __len__(self) -> int:
        return self.spilled.total

    def of_type(self, dtype: npt.DTypeLike) -> Stream:
        """Return the rows in another precision."""
        return Stream(self.spilled, self._make, dtype)

    def _made(self, rows: Rows) -> Set:
        made = self._make(rows)
        return made if self._dtype is None else made.of_type(self._dtype)

    def pieces(self) -> Iterator[Set]:
        """Yield all rows, some at a time."""
        step = max(1, PIECE_NUMBERS // self.spilled.width)
        for start in range(0, len(self), step):
            yield self._made(self.spilled.read(start, min(start + step, len(self))))

    @property
    def extremes(self) -> Set:
        """Two rows that have the least and the largest of each number."""
        return self._made(self.spilled.range())

    def of_classes(self, classes: int) -> NDArray:
        """Return how many rows each class has."""
        return self.spilled.labels

    @cached_property
    def sample(self) -> Set:
        """Rows that stand for all: as many as fit, at equal distances from the first on."""
        most = max(2, min(SAMPLE_ROWS, SAMPLE_NUMBERS // self.spilled.width))
        if len(self) <= most:
            return self._made(self.spilled.read(0, len(self)))
        return self._made(self.spilled.take(np.arange(most) * len(self) // most))

    def windows(self, seed: int, epoch: int, batch: int, shuffled: bool, row: int = 0) -> Iterator[Window]:
        """Yield the rows of an epoch, from the window on that a row of it is in.

        What one window holds is shuffled as rows in memory are. Otherwise the file is cut into blocks, from a
        place on that is drawn and around its end; blocks come in a drawn order, `WINDOW_BLOCKS` to a window,
        and the rows of a window in a drawn order. The last block is the shorter one, and is in the last
        window: so every batch but the last is whole.
        """
        rows = len(self)
        block = batch * max(1, round(WINDOW_NUMBERS / WINDOW_BLOCKS / self.spilled.width / batch))
        size = block * max(1, min(WINDOW_BLOCKS, WINDOW_NUMBERS // self.spilled.width // block))
        rng = stream(seed, "order", epoch)
        if rows <= size:
            order = rng.permutation(rows) if shuffled else None
            yield Window(0, self._made(self.spilled.read(0, rows)), order)
            return
        first = int(rng.integers(rows)) if shuffled else 0
        starts = np.arange(0, rows, block)
        if shuffled:
            starts[: rows // block] = rng.permutation(starts[: rows // block])
        for start in range(row // size * size, rows, size):
            some = starts[start // block : (start + size) // block].tolist()
            numbers = np.concatenate([np.arange(at, min(at + block, rows)) for at in some])
            numbers = (numbers + first) % rows
            made = self._made(self.spilled.take(numbers))
            order = stream(seed, f"order {start}", epoch).permutation(len(made)) if shuffled else None
            yield Window(start, made, order, numbers)
