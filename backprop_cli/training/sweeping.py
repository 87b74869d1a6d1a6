"""Runs over values of keys: what is asked for, checked before anything trains, and which run was best."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import isfinite, log, prod
from statistics import fmean, stdev

from ..errors import ConfigError, UsageError, counted
from ..language.numbers import brief
from . import schema
from .comparison import RunFacts
from .config import Loaded
from .metrics import METRICS, higher_is_better
from .problem import Problem, assemble

Results = Mapping[str, Mapping[str, float]]
"""Loss and metrics of each set."""

MOST_RUNS = 10_000
MOST_OF_A_RANGE = 1_000

HARMLESS = ("optimizer", "regularization", "seed", "checkpoint")
"""Sections that fit the data or do not whatever their values: runs that differ in them alone read it once."""

_RANGE = re.compile(r"([^:\s]+):([^:\s]+):(log)?(\d{1,9})")
_OPEN, _CLOSE = "([{", ")]}"


@dataclass(frozen=True)
class Axis:
    """A key and the values it takes.

    Attributes:
        key: As it was given: ``optimizer.learning_rate``.
        values: As ``KEY=VALUE`` has them.
        logarithmic: Whether equal steps are equal ratios.
    """

    key: str
    values: tuple[str, ...]
    logarithmic: bool = False

    @property
    def settings(self) -> list[str]:
        """``KEY=VALUE`` of each."""
        return [f"{self.key}={value}" for value in self.values]

    @property
    def numbers(self) -> list[float] | None:
        """The values as numbers; None where one of them is none."""
        try:
            found = [float(value) for value in self.values]
        except ValueError:
            return None
        return found if all(map(isfinite, found)) else None


FOLD = "data.fold"
"""The key that a sweep over folds goes along."""


@dataclass(frozen=True)
class Trial:
    """One run of a sweep.

    Attributes:
        number: From 1; its folder is called so.
        settings: ``KEY=VALUE`` of every axis.
    """

    number: int
    settings: tuple[str, ...]

    @property
    def values(self) -> dict[str, str]:
        """The keys and their values, as texts."""
        return _values(self.settings)


def _values(settings: Sequence[str]) -> dict[str, str]:
    return {key: value for key, _, value in (text.partition("=") for text in settings)}


def axis(text: str) -> Axis:
    """Read ``KEY=VALUES``: a list ``0,0.01,0.1``, or a range ``FROM:TO:COUNT``, ``FROM:TO:logCOUNT``.

    Raises:
        UsageError: for what is none of these.
    """
    key, sign, given = (part.strip() for part in text.partition("="))
    if not sign or not key or not given:
        raise UsageError(
            f"--sweep {text}: this is no KEY=VALUES",
            hint="--sweep optimizer.learning_rate=1e-4:1e-1:log4, or =0.001,0.01,0.1",
        )
    if key in ("name", "output", "output.dir"):
        raise UsageError(f"--sweep {key}: every run has a folder of its own already")
    if key in ("data.folds", FOLD):
        raise UsageError(f"--sweep {key}: data.folds=5 trains once for each of 5 folds by itself")
    if key == "optimizer.lr":
        key = "optimizer.learning_rate"
    found = _RANGE.fullmatch(given)
    if found is not None:
        return Axis(key, _range(key, given, found), found[3] is not None)
    values = _listed(given)
    if "" in values:
        raise UsageError(
            f"--sweep {key}: a value between the commas is missing", hint="null takes a key away"
        )
    twice = next((value for i, value in enumerate(values) if value in values[:i]), None)
    if twice is not None:
        raise UsageError(f"--sweep {key}: {twice} stands there twice")
    return Axis(key, tuple(values))


def _range(key: str, given: str, found: re.Match[str]) -> tuple[str, ...]:
    """Return the values of a range, written with few digits: they are what is trained with."""
    try:
        start, end, count = float(found[1]), float(found[2]), int(found[4])
    except ValueError:
        raise UsageError(
            f"--sweep {key}: {given} is no range of numbers",
            hint="FROM:TO:COUNT, such as 0:1:5 or 1e-4:1:log5",
        ) from None
    if not isfinite(start) or not isfinite(end) or start == end or count < 2:
        raise UsageError(f"--sweep {key}: {given} needs two different ends and a count of at least 2")
    if count > MOST_OF_A_RANGE:
        raise UsageError(f"--sweep {key}: {count:,} values are more than {MOST_OF_A_RANGE:,}")
    if not found[3]:
        inner = [start + (end - start) * i / (count - 1) for i in range(1, count - 1)]
        digits = 12
    else:
        if start <= 0.0 or end <= 0.0:
            raise UsageError(
                f"--sweep {key}: a logarithmic range lies above 0, {given} does not",
                hint="a list takes 0 besides: 0,0.01,0.1",
            )
        inner = [start * (end / start) ** (i / (count - 1)) for i in range(1, count - 1)]
        digits = 4
    values = (found[1], *(_short(value, digits) for value in inner), found[2])
    if len({float(value) for value in values}) < count:
        raise UsageError(f"--sweep {key}: {given} is too narrow for {count} values")
    return values


def _short(value: float, digits: int) -> str:
    """Return a number in so many digits, without an exponent where it needs none."""
    rounded = float(f"{value:.{digits}g}")
    return str(int(rounded)) if rounded == int(rounded) and abs(rounded) < 1e15 else repr(rounded)


def _listed(text: str) -> list[str]:
    """Part a text at its commas, but for those within brackets or quotes."""
    parts, depth, quote = [""], 0, ""
    for c in text:
        if c == "," and not depth and not quote:
            parts.append("")
            continue
        parts[-1] += c
        if quote:
            quote = "" if c == quote else quote
        elif c in "\"'":
            quote = c
        else:
            depth += (c in _OPEN) - (c in _CLOSE)
    return [part.strip() for part in parts]


def with_folds(
    axes: Sequence[Axis], load: Callable[[Sequence[str]], Loaded], overrides: Sequence[str]
) -> list[Axis]:
    """Return the axes, and that of the folds where the config asks for some and names none of them."""
    data = load([*overrides, *(each.settings[0] for each in axes)]).config.data
    if not data.several or data.folds is None:
        return list(axes)
    return [*axes, Axis(FOLD, tuple(str(i) for i in range(1, data.folds + 1)))]


def trials(axes: Sequence[Axis]) -> list[Trial]:
    """Return a run for each combination of values, those of the last axis changing first.

    Raises:
        UsageError: where a key stands in two axes, or there are too many.
    """
    for i, each in enumerate(axes):
        if each.key in [other.key for other in axes[:i]]:
            raise UsageError(f"--sweep {each.key} is given twice", hint="its values stand in one list")
    count = prod(len(each.values) for each in axes)
    if count > MOST_RUNS:
        raise UsageError(f"the sweep has {count:,} runs, more than {MOST_RUNS:,}")
    rows = product(*(each.settings for each in axes))
    return [Trial(number, settings) for number, settings in enumerate(rows, 1)]


def check(
    load: Callable[[Sequence[str]], Loaded], overrides: Sequence[str], planned: Sequence[Trial]
) -> Problem:
    """Read the config of every run, and hold it to its data, before anything is trained.

    Args:
        load: Reads the config with overrides.
        overrides: Those that all runs have.
        planned: The runs.
    Returns:
        What the first run trains.
    Raises:
        ConfigError: with every fault of every run, each once.
        DataError, FileError: for the data.
        UsageError: where the runs could not be compared.
    """
    faults: dict[str, ConfigError] = {}
    seen: dict[tuple[str, ...], Problem | None] = {}
    first: Problem | None = None
    losses = set()
    for trial in planned:
        try:
            loaded = load([*overrides, *trial.settings])
            data = loaded.config.data
            refuse_stdin(data.path, data.validation_path, data.test_path)
            apart = tuple(text for text in trial.settings if text.partition(".")[0] not in HARMLESS)
            if apart not in seen:
                seen[apart] = None
                problem = assemble(loaded)
                first = first or problem
                losses.add(repr(problem.config.loss))
        except ConfigError as error:
            for fault in error.faults or [error]:
                faults.setdefault(str(fault), fault)
    if faults:
        raise ConfigError.of(list(faults.values()))
    assert first is not None
    if len(losses) > 1 and measure_of(first) == "loss":
        metrics = [name for name, row in METRICS.items() if row.task == first.task]
        raise UsageError(
            "the runs have different losses, by which they cannot be compared",
            hint=f"training.metrics=[{metrics[0]}] measures them alike; others: {', '.join(metrics[1:])}",
        )
    return first


def refuse_stdin(*paths: str | None) -> None:
    """Refuse to read again and again what can be read once.

    Raises:
        UsageError: where one of the files is stdin.
    """
    if "-" in paths:
        raise UsageError("stdin can be read once, but several runs are asked for", hint="put it into a file")


def measure_of(problem: Problem) -> str:
    """Return the number by which runs are compared: what early stopping watches, else the first metric."""
    stopping = problem.config.training.early_stopping
    if stopping is not None and stopping.monitor is not None:
        watched = stopping.monitor.removeprefix("val_")
        if watched != "loss" or not problem.config.training.measured:
            return watched
    usual = "loss" if problem.world is None else schema.RETURN
    return next(iter(problem.config.training.measured), usual)


@dataclass(frozen=True)
class Combination:
    """One value of each key: a run, or one for each fold.

    Attributes:
        settings: ``KEY=VALUE`` of every key but the fold.
        runs: Those that were begun.
        means: Of each set the mean of each measure over the runs; None before all of them have ended.
        deviations: The standard deviations beside them, over n - 1; empty for one run.
    """

    settings: tuple[str, ...]
    runs: list[RunFacts]
    means: dict[str, dict[str, float]] | None
    deviations: dict[str, dict[str, float]]

    @property
    def values(self) -> dict[str, str]:
        """The keys and their values, as texts."""
        return _values(self.settings)


def combined(
    settings: tuple[str, ...], runs: Sequence[RunFacts], results: Sequence[Results], whole: bool
) -> Combination:
    """Return what the runs of a combination have in common.

    Args:
        settings: Of all of them.
        runs: In their order.
        results: What each gave.
        whole: Whether all of them have come to their end.
    """
    means: dict[str, dict[str, float]] = {}
    deviations: dict[str, dict[str, float]] = {}
    for part, measures in results[0].items() if whole else ():
        values = {name: [each[part][name] for each in results] for name in measures}
        means[part] = {name: fmean(some) for name, some in values.items()}
        if len(results) > 1:
            deviations[part] = {name: stdev(some) for name, some in values.items()}
    return Combination(settings, list(runs), means if whole else None, deviations)


@dataclass(frozen=True)
class Verdict:
    """Which combination was best, and why.

    Attributes:
        best: Its place among them; None where none has come to its end.
        measure: The number that decides.
        judged: Of which rows.
        why: A sentence.
    """

    best: int | None
    measure: str
    judged: str
    why: str


@dataclass(frozen=True)
class Swept:
    """What came out of a sweep.

    Attributes:
        folder: The one that holds the folders of the runs.
        axes: The keys and their values, without the folds.
        folds: How many there are; 0 without.
        combinations: Of values, as far as they were begun.
        commands: What trains each run by itself, by its folder.
        alone: What trains each combination by itself; with folds, on all rows.
        faults: Why a run has not come to its end, by its folder.
        verdict: Which is best, and why.
        notes: What to heed.
    """

    folder: str
    axes: list[Axis]
    folds: int
    combinations: list[Combination]
    commands: dict[str, str]
    alone: list[str]
    faults: dict[str, str]
    verdict: Verdict
    notes: list[str]

    @property
    def runs(self) -> list[RunFacts]:
        """All runs that were begun, in their order."""
        return [run for each in self.combinations for run in each.runs]

    @property
    def best(self) -> Combination | None:
        """The best combination; None where none has come to its end."""
        return None if self.verdict.best is None else self.combinations[self.verdict.best]

    def lines(self, across: Axis) -> Iterator[tuple[str, list[Combination | None]]]:
        """Yield the combinations along one axis, under what the other keys are; None for one not begun."""
        others = [each for each in self.axes if each is not across]
        known = {each.settings: each for each in self.combinations}
        for row in product(*(each.settings for each in others)):
            given = dict(zip((each.key for each in others), row, strict=True))
            named = (text.partition("=") for text in row)
            yield (
                ", ".join(f"{key.rpartition('.')[2]} {value}" for key, _, value in named),
                [known.get(tuple(given.get(each.key, own) for each in self.axes)) for own in across.settings],
            )


def judge(combinations: Sequence[Combination], measure: str, validated: bool) -> Verdict:
    """Choose the best of what has come to its end; of equal ones that of the lower loss."""
    judged = "validation" if validated else "training"
    high = higher_is_better(measure)
    found = {
        i: each.means[judged]
        for i, each in enumerate(combinations)
        if each.means is not None and measure in each.means[judged]
    }
    if not found:
        return Verdict(None, measure, judged, "no run has come to its end")

    def rank(i: int) -> tuple[float, float, int]:
        return (-found[i][measure] if high else found[i][measure], found[i].get("loss", 0.0), i)

    best = min(found, key=rank)
    value = found[best][measure]
    equal = sum(measures[measure] == value for measures in found.values()) - 1
    of = f"the {'highest' if high else 'lowest'} of {len(found)}" if len(found) > 1 else "the only one"
    if equal:
        of = f"as {counted(equal, 'other')} {'has' if equal == 1 else 'have'} it, " + (
            "and the first of them" if measure == "loss" else "and the lowest loss of them"
        )
    folds = len(combinations[best].runs)
    mean = f"mean {judged}" if folds > 1 else judged
    why = f"{mean} {measure} {brief(value, 5)}, {of}"
    if not validated and measure != schema.RETURN:
        why += "; no rows are held out: the best on its own training rows need not be on others"
    return Verdict(best, measure, judged, why)


def ratio(values: Sequence[float]) -> float:
    """Return how far apart values lie, as the natural logarithm of a ratio; 0 where one is not above 0."""
    return log(max(values) / min(values)) if min(values) > 0.0 else 0.0
