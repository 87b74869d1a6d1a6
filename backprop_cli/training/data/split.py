"""Which rows train, which validate, which test: by the seed, class by class where asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...networks.random import stream

if TYPE_CHECKING:
    from ..config import Loaded

Indices = npt.NDArray[np.int64]


class Parts(NamedTuple):
    """Row numbers of each part, in the order of the table."""

    train: Indices
    validation: Indices
    test: Indices


def split(loaded: Loaded, rows: int, labels: npt.NDArray[Any] | None, validation: float = 0.0) -> Parts:
    """Divide rows by ``data.validation_split`` and ``data.test_split``.

    A part has round(rows*share) rows, at least one where a share is given. Class by class, each class
    gives its share of them, by largest remainder, but keeps a row for training.

    Args:
        loaded: The config.
        rows: How many there are.
        validation: What ``validation_split`` is where it is ``auto``: given up where too few rows are left.
        labels: The class of each row, to split class by class; None to draw from all rows alike.
    Raises:
        ConfigError: when too few rows are left.
    """
    data = loaded.config.data
    optional = data.validation_split == "auto"
    if data.validation_split != "auto":
        validation = data.validation_split
    shares = {"test_split": data.test_split, "validation_split": validation}
    sizes = {key: max(1, round(rows * share)) if share else 0 for key, share in shares.items()}
    held_out = sum(sizes.values())
    given = "validation_split" if sizes["validation_split"] and not optional else "test_split"
    if held_out and held_out >= rows:
        raise loaded.error(
            f"data.{given}", f"no training rows are left: {held_out} of {rows} would be held out"
        )
    rng = stream(loaded.config.seed, "split")
    groups = (
        [np.arange(rows)]
        if labels is None
        else [np.flatnonzero(labels == c) for c in sorted(set(labels.tolist()))]
    )
    queues = [rng.permutation(group) for group in groups]
    spare = np.array([len(queue) - (labels is not None) for queue in queues])
    if held_out > spare.sum():
        if optional and validation:
            return split(loaded, rows, labels)
        raise loaded.error(
            f"data.{given}",
            f"{rows} rows are too few to hold out {held_out} and keep one of each class for training",
            "stratify: false draws from all rows alike",
        )
    parts = []
    for size in sizes.values():
        counts = _shares(np.array([len(group) for group in groups]), size, spare)
        spare = spare - counts
        parts.append(np.sort(np.concatenate([q[:n] for q, n in zip(queues, counts, strict=True)])))
        queues = [q[n:] for q, n in zip(queues, counts, strict=True)]
    test, held_out_rows = parts
    return Parts(np.sort(np.concatenate(queues)), held_out_rows, test)


def _shares(weights: Indices, size: int, most: Indices) -> Indices:
    """Divide ``size`` rows in proportion to ``weights``, none above ``most``, by largest remainder."""
    exact = weights * (size / weights.sum())
    counts: Indices = np.minimum(np.floor(exact).astype(np.int64), most)
    while counts.sum() < size:
        # a class that has nothing more to give is passed over
        need = np.where(counts < most, exact - counts, -np.inf)
        counts[int(need.argmax())] += 1
    return counts
