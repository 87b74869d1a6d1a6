"""Encoded rows: in memory, or in a file that has no name."""

from __future__ import annotations

import os
import shutil
import tempfile
from hashlib import sha256
from itertools import pairwise
from typing import NamedTuple
from weakref import finalize

import numpy as np
import numpy.typing as npt

from ...errors import FileError
from ...tables.block import Floats
from ..units import Moments
from .encoding import Encoding

LARGE_FILES = "/var/tmp"
"""Where large temporary files belong, unless TMPDIR names another place: /tmp may be memory."""


class Rows(NamedTuple):
    """Encoded rows.

    Attributes:
        inputs: Shape (rows, *shape), scaled, of the type that is trained.
        targets: (rows, outputs) float64 for regression, (rows,) int64 class indices for classification; the
            shares of the classes (rows, classes) where each has a column.
        weights: What each row counts, (rows,); None where all count alike.
        lengths: How many steps each row has, (rows,), where it is a sequence and they differ: inputs, and
            targets of every step, are those of its last step beyond.
    """

    inputs: Floats
    targets: npt.NDArray[np.float64] | npt.NDArray[np.int64]
    weights: Floats | None = None
    lengths: npt.NDArray[np.int64] | None = None

    @property
    def total(self) -> int:
        """How many rows there are."""
        return len(self.inputs)

    @property
    def steps(self) -> npt.NDArray[np.bool_]:
        """Which steps the sequences have, (rows, steps)."""
        every = np.arange(self.inputs.shape[1])
        there: npt.NDArray[np.bool_] = every < (len(every) if self.lengths is None else self.lengths[:, None])
        return np.broadcast_to(there, (self.total, len(every)))

    def only(self, which: npt.NDArray[np.bool_]) -> Rows:
        """Return some of the rows."""
        if which.all():
            return self
        weights = None if self.weights is None else self.weights[which]
        return Rows(self.inputs[which], self.targets[which], weights)


class Spool:
    """Rows of float64 in a temporary file without a name: however the process ends, the file is gone.

    Args:
        width: Numbers of a row.
    """

    def __init__(self, width: int) -> None:
        self.width, self.total = width, 0
        own = not os.environ.get("TMPDIR") and os.path.isdir(LARGE_FILES) and os.access(LARGE_FILES, os.W_OK)
        self._folder = LARGE_FILES if own else tempfile.gettempdir()
        try:
            self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115
        except OSError as error:
            raise self._full(error) from None
        finalize(self, self._file.close)

    def expect(self, rows: int) -> None:
        """Refuse rows for which the disk has no place.

        Raises:
            FileError: saying how much is needed, and how much there is.
        """
        needed, free = 8 * self.width * rows, shutil.disk_usage(self._folder).free
        if needed > free:
            raise FileError(
                f"the rows take {needed / 1e9:,.1f} GB as numbers, and {self._folder} has"
                f" {free / 1e9:,.1f} GB left",
                hint="TMPDIR names another folder; fewer data.features take less",
            )

    def append(self, rows: Floats) -> None:
        """Write rows behind those that are there.

        Raises:
            FileError: where the disk is full.
        """
        data = np.ascontiguousarray(rows, np.float64).data.cast("B")
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            raise self._full(error) from None
        self.total += len(rows)

    def read(self, start: int, stop: int) -> Floats:
        """Return the rows from one number to another, (rows, width)."""
        rows = np.empty((stop - start, self.width))
        self._into(rows, start)
        return rows

    def take(self, numbers: npt.NDArray[np.int64]) -> Floats:
        """Return rows by their numbers, which are read together where they follow each other."""
        rows = np.empty((len(numbers), self.width))
        cuts = [0, *(np.flatnonzero(np.diff(numbers) != 1) + 1).tolist(), len(numbers)]
        for at, end in pairwise(cuts):
            self._into(rows[at:end], int(numbers[at]))
        return rows

    def _into(self, rows: Floats, start: int) -> None:
        self._file.seek(8 * self.width * start)
        rest = rows.data.cast("B") if rows.size else memoryview(b"")
        while rest:
            count = self._file.readinto(rest)
            if not count:
                raise FileError("a temporary file has been cut short")
            rest = rest[count:]

    def _full(self, error: OSError) -> FileError:
        return FileError(
            f"cannot keep the rows as numbers in {self._folder}: {error.strerror or error}",
            hint="TMPDIR names another folder; 8 bytes are written for each number of a row",
        )


class Spilled:
    """Rows in a file, as `Rows` when they are read.

    Of each row the file has the inputs before they are scaled, the targets, and a weight where rows have any.

    Args:
        encoding: Of the inputs, which scales nothing.
        outputs: Numbers of a row's targets; 0 where they are the inputs.
        weighted: Whether rows have weights.
    Attributes:
        encoding: May be replaced by one that scales its inputs.
        inputs: What inputs could be scaled by.
        targets: What targets could be scaled by.
        labels: How many rows each class has; empty for numbers.
        digest: SHA-256 of what is in the file.
    """

    def __init__(self, encoding: Encoding, outputs: int, *, weighted: bool) -> None:
        self.encoding = encoding
        self.width, self._end = len(encoding.shift), len(encoding.shift) + outputs
        self._weighted = weighted
        self.inputs, self.targets = Moments(self.width), Moments(outputs)
        self.labels = np.zeros(len(encoding.classes or ()), np.int64)
        self.digest = sha256()
        self._spool = Spool(self._end + weighted)

    @property
    def total(self) -> int:
        """How many rows there are."""
        return self._spool.total

    def expect(self, rows: int) -> None:
        """Refuse so many rows, in all parts together, where the disk has no place for them."""
        self._spool.expect(rows)

    def append(self, rows: Rows) -> None:
        """Add rows, which are not scaled."""
        records = np.empty((rows.total, self._spool.width))
        records[:, : self.width] = rows.inputs.reshape(rows.total, -1)
        if self._end > self.width:
            records[:, self.width : self._end] = rows.targets.reshape(rows.total, -1)
        if rows.weights is not None:
            records[:, self._end] = rows.weights
        self.inputs.add(records[:, : self.width])
        self.targets.add(records[:, self.width : self._end])
        if len(self.labels):
            ids = rows.targets.argmax(axis=1) if self.encoding.shares else rows.targets
            self.labels += np.bincount(ids, minlength=len(self.labels))
        self.digest.update(records.data)
        self._spool.append(records)

    def read(self, start: int, stop: int) -> Rows:
        """Return the rows from one number to another."""
        return self._rows(self._spool.read(start, stop))

    def take(self, numbers: npt.NDArray[np.int64]) -> Rows:
        """Return rows by their numbers."""
        return self._rows(self._spool.take(numbers))

    def range(self) -> Rows:
        """Return two rows that have the least and the largest of each number."""
        two = [np.stack([each.low, each.high]) for each in (self.inputs, self.targets)]
        return self._rows(np.concatenate([*two, np.ones((2, int(self._weighted)))], axis=1))

    def _rows(self, records: Floats) -> Rows:
        encoding = self.encoding
        inputs = encoding.scaled(records[:, : self.width].copy(), lambda row, name: "")
        targets = records[:, self.width : self._end]
        weights = records[:, self._end].copy() if self._weighted else None
        if len(self.labels) and not encoding.shares:
            return Rows(inputs, targets[:, 0].astype(np.int64), weights)
        if self._end == self.width:
            targets = inputs.reshape(len(inputs), -1)
        return Rows(inputs, targets.copy(), weights)
