"""Which rows train, which validate, which test: by the seed, class by class or group by group, or by time."""

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


class Sorts(NamedTuple):
    """What rows are parted by besides chance.

    Attributes:
        labels: The class of each row, to split class by class; None to draw from all rows alike.
        groups: A number for each row; rows of one number stay together. None where each is by itself.
        times: By which later rows are held out; None where it is by chance. Rows of one time stay together.
    """

    labels: npt.NDArray[Any] | None = None
    groups: Indices | None = None
    times: npt.NDArray[np.float64] | None = None


def split(loaded: Loaded, rows: int, sorts: Sorts, validation: float = 0.0) -> Parts:
    """Divide rows by ``data.validation_split`` and ``test_split``, or by ``folds``, and keep ``train_size``.

    A part has round(rows*share) rows, at least one where a share is given. Class by class, each class
    gives its share of them, by largest remainder, but keeps a row for training. Groups are drawn by chance
    until there are as many rows. In time, the test rows are the latest, and those to validate come before.

    Args:
        loaded: The config.
        rows: How many there are.
        sorts: What they are parted by.
        validation: What ``validation_split`` is where it is ``auto``: given up where too few rows are left.
    Raises:
        ConfigError: when too few rows are left.
    """
    data = loaded.config.data
    if data.folds is not None:
        validation = 0.0
    elif data.validation_split != "auto":
        validation = data.validation_split
    shares = {"test_split": data.test_split, "validation_split": validation}
    sizes = {key: max(1, round(rows * share)) if share else 0 for key, share in shares.items()}
    held_out = sum(sizes.values())
    optional = data.validation_split == "auto"
    given = "validation_split" if sizes["validation_split"] and not optional else "test_split"
    if held_out and held_out >= rows:
        raise loaded.error(
            f"data.{given}", f"no training rows are left: {held_out} of {rows} would be held out"
        )
    if sorts.times is not None:
        parts = _in_time(loaded, sorts.times, sizes)
    elif sorts.groups is not None:
        parts = _by_groups(loaded, sorts.groups, sizes)
    else:
        found = _by_chance(loaded, rows, sorts.labels, sizes, given)
        if found is None:
            return split(loaded, rows, sorts)
        parts = found
    if data.folds is not None:
        parts = _fold(loaded, parts, sorts)
    return parts if data.train_size is None else _some(loaded, parts, sorts)


def _by_chance(
    loaded: Loaded, rows: int, labels: npt.NDArray[Any] | None, sizes: dict[str, int], given: str
) -> Parts | None:
    """Draw rows, class by class; None where too few are left for what nobody asked for."""
    held_out = sum(sizes.values())
    rng = stream(loaded.config.seed, "split")
    queues = [rng.permutation(group) for group in _alike(rows, labels)]
    lengths = np.array([len(queue) for queue in queues])
    spare = lengths - (labels is not None)
    if held_out > spare.sum():
        if loaded.config.data.validation_split == "auto" and sizes["validation_split"]:
            return None
        raise loaded.error(
            f"data.{given}",
            f"{rows} rows are too few to hold out {held_out} and keep one of each class for training",
            "stratify: false draws from all rows alike",
        )
    parts = []
    for size in sizes.values():
        counts = _shares(lengths, size, spare)
        spare = spare - counts
        parts.append(np.sort(np.concatenate([q[:n] for q, n in zip(queues, counts, strict=True)])))
        queues = [q[n:] for q, n in zip(queues, counts, strict=True)]
    test, validation = parts
    return Parts(np.sort(np.concatenate(queues)), validation, test)


def _alike(rows: int, labels: npt.NDArray[Any] | None) -> list[Indices]:
    """Return the rows of each class; all of them in one where there are none."""
    if labels is None:
        return [np.arange(rows)]
    return [np.flatnonzero(labels == c) for c in sorted(set(labels.tolist()))]


def _by_groups(loaded: Loaded, groups: Indices, sizes: dict[str, int]) -> Parts:
    """Draw whole groups until a part has its rows, as nearly as they allow."""
    counts = np.bincount(groups)
    order = stream(loaded.config.seed, "split").permutation(len(counts))
    part = np.zeros(len(counts), dtype=np.int64)
    wanted = [(at, size) for at, size in enumerate(sizes.values(), 1) if size]
    if len(counts) <= len(wanted):
        raise loaded.error(
            "data.groups", f"there are {len(counts)} groups, too few for {len(wanted) + 1} parts of the rows"
        )
    free = list(order)
    for at, size in wanted:
        took = 0
        while len(free) > 1 and (not took or abs(took + counts[free[0]] - size) <= abs(took - size)):
            part[free[0]] = at
            took += int(counts[free.pop(0)])
    of = part[groups]
    return Parts(np.flatnonzero(of == 0), np.flatnonzero(of == 2), np.flatnonzero(of == 1))


def _in_time(loaded: Loaded, times: npt.NDArray[np.float64], sizes: dict[str, int]) -> Parts:
    """Hold out the latest rows to test, and those before them to validate."""
    order = np.argsort(times, kind="stable")
    rows = len(order)
    test = _parted(times[order], rows - sizes["test_split"]) if sizes["test_split"] else rows
    wanted = sizes["validation_split"]
    validation = _parted(times[order][:test], test - wanted) if wanted else test
    if 0 in (test, validation) or (sizes["test_split"] and test == rows) or (wanted and validation == test):
        raise loaded.error(
            "data.split", "too many rows have one time: earlier and later rows are not told apart"
        )
    return Parts(*(np.sort(part) for part in np.split(order, [validation, test])))


def _parted(times: npt.NDArray[np.float64], at: int) -> int:
    """Return the nearest place that parts sorted times with none on both sides; 0 where there is none."""
    places = np.flatnonzero(np.diff(times) > 0.0) + 1
    return int(places[np.abs(places - at).argmin()]) if len(places) else 0


def _fold(loaded: Loaded, parts: Parts, sorts: Sorts) -> Parts:
    """Take one of the folds of the training rows to validate.

    Source:
        In time each fold is trained on what is before it, as in scikit-learn's ``TimeSeriesSplit``; groups go
        to the smallest fold, largest first, as in its ``GroupKFold``.
    """
    data, train = loaded.config.data, parts.train
    folds, fold = data.folds, data.fold or 1
    assert folds is not None
    rows = len(train)
    if sorts.times is not None:
        order = train[np.argsort(sorts.times[train], kind="stable")]
        size, times = rows // (folds + 1), sorts.times[order]
        ends = [rows - (folds - i) * size for i in range(folds)]
        ends = [_parted(times, end) if size else 0 for end in ends] + [rows]
        if ends[0] == 0 or len(set(ends)) <= folds:
            raise loaded.error("data.folds", f"{rows} rows have too few different times for {folds} folds")
        before, held = order[: ends[fold - 1]], order[ends[fold - 1] : ends[fold]]
        return Parts(np.sort(before), np.sort(held), parts.test)
    rng = stream(loaded.config.seed, "folds")
    if sorts.groups is not None:
        own = sorts.groups[train]
        counts = np.bincount(own)
        some = rng.permutation(np.flatnonzero(counts))
        if len(some) < folds:
            raise loaded.error("data.folds", f"{len(some)} groups are too few for {folds} folds")
        sizes, of_group = np.zeros(folds, dtype=np.int64), np.zeros(len(counts), dtype=np.int64)
        for group in some[np.argsort(-counts[some], kind="stable")]:
            of_group[group] = sizes.argmin()
            sizes[sizes.argmin()] += counts[group]
        of = of_group[own]
    else:
        alike = _alike(rows, None if sorts.labels is None else sorts.labels[train])
        if rows < folds:
            raise loaded.error("data.folds", f"{rows} rows are too few for {folds} folds")
        # dealt out one by one, class after class: no fold has more than one row more of any
        dealt = np.concatenate([rng.permutation(some) for some in alike])
        of = np.empty(rows, dtype=np.int64)
        of[dealt] = np.arange(rows) % folds
    return Parts(train[of != fold - 1], train[of == fold - 1], parts.test)


def _some(loaded: Loaded, parts: Parts, sorts: Sorts) -> Parts:
    """Keep ``train_size`` of the training rows: the more, the same and others; in time the latest."""
    size, train = loaded.config.data.train_size, parts.train
    assert size is not None
    count = int(size) if size > 1 else max(1, round(len(train) * size))
    if count > len(train):
        raise loaded.error("data.train_size", f"there are {len(train)} training rows, not {count}")
    if sorts.times is not None:
        order = train[np.argsort(-sorts.times[train], kind="stable")]
    else:
        rng = stream(loaded.config.seed, "train size")
        alike = _alike(len(train), None if sorts.labels is None else sorts.labels[train])
        if count < len(alike):
            raise loaded.error("data.train_size", f"{count} rows are too few for {len(alike)} classes")
        dealt = [rng.permutation(some) for some in alike]
        # the first of each class, then each class in its proportion
        rank = [np.where(np.arange(len(d)) == 0, -1.0, np.arange(len(d)) / len(d)) for d in dealt]
        order = train[np.concatenate(dealt)[np.argsort(np.concatenate(rank), kind="stable")]]
    return parts._replace(train=np.sort(order[:count]))


def _shares(weights: Indices, size: int, most: Indices) -> Indices:
    """Divide ``size`` rows in proportion to ``weights``, none above ``most``, by largest remainder."""
    exact = weights * (size / weights.sum())
    counts: Indices = np.minimum(np.floor(exact).astype(np.int64), most)
    while counts.sum() < size:
        # a class that has nothing more to give is passed over
        need = np.where(counts < most, exact - counts, -np.inf)
        counts[int(need.argmax())] += 1
    return counts
