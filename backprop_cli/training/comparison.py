"""Runs beside each other: how each ended, what it gave, and where their configs differ."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import BackpropError, CheckpointError, FileError
from ..tables.files import bytes_of
from . import config as configs
from .folder import CONFIG, LOG, SUMMARY, is_written, state_of

SIZE_LIMIT = 64 << 20
HELD_OUT = ("test", "validation", "training")
"""Where a run is judged: on the first of these sets that it has."""

_APART = ("name", "output", "checkpoint")


@dataclass(frozen=True)
class RunFacts:
    """A run, as its folder tells of it.

    Attributes:
        folder: Its path.
        state: ``finished``, ``unfinished`` or ``running``.
        epochs: How many it made.
        judged: The set that ``measures`` are of; None for a run without a summary.
        measures: Loss and metrics there; without a summary those of the last epoch.
        alarms: The kinds of its alarms, each once.
        seconds: How long it took; None for an unfinished run.
        config: Its keys and their values.
        results: Loss and metrics of all its sets; empty without a summary.
    """

    folder: str
    state: str
    epochs: int
    judged: str | None
    measures: dict[str, float]
    alarms: list[str] = field(default_factory=list)
    seconds: float | None = None
    config: dict[str, Any] = field(default_factory=dict)
    results: dict[str, dict[str, float]] = field(default_factory=dict)


def runs_in(folder: str) -> list[str]:
    """Return the folders of the runs in a folder, those of its sweeps too, ``iris-2`` before ``iris-10``.

    Raises:
        FileError: when it cannot be read.
    """
    try:
        names = sorted(os.listdir(folder), key=_natural)
    except (OSError, ValueError) as error:  # ValueError: what no name has
        reason = getattr(error, "strerror", None) or "no such name"
        raise FileError(f"{folder}: {reason}", hint="backprop train makes runs/NAME") from None
    paths = [os.path.join(folder, name) for name in names]
    states = {path: state_of(path) for path in paths if os.path.isdir(path)}
    found = []
    for path, state in states.items():
        found += runs_in(path) if state == "sweep" else [path] if state in ("finished", "unfinished") else []
    return found


def read_run(folder: str, judged_on: Sequence[str] = HELD_OUT) -> RunFacts:
    """Read what the folder of a run tells.

    Args:
        folder: Its path.
        judged_on: Sets; the measures are those of the first that the run has.
    Raises:
        CheckpointError: when it holds no run, or its files are damaged.
        FileError: when they cannot be read.
    """
    if not os.path.isdir(folder) or state_of(folder) not in ("finished", "unfinished"):
        raise CheckpointError(f"{folder} holds no run", hint="runs are the folders that backprop train makes")
    running = is_written(folder)
    path = os.path.join(folder, SUMMARY)
    if running or not os.path.exists(path):
        return _logged(folder, "running" if running else state_of(folder))
    try:
        facts = json.loads(bytes_of(path, SIZE_LIMIT))
        results = {
            str(part): {str(name): float(value) for name, value in measures.items()}
            for part, measures in facts["results"].items()
        }
        judged = next(name for name in judged_on if name in results)
        return RunFacts(
            folder,
            "finished",
            int(facts["epochs"]),
            judged,
            results[judged],
            list(dict.fromkeys(str(alarm["kind"]) for alarm in facts["alarms"])),
            float(facts["seconds"]),
            dict(configs.leaves(facts["config"])),
            results,
        )
    except (ValueError, TypeError, KeyError, AttributeError, StopIteration) as error:
        raise CheckpointError("the summary is damaged", place=path) from error


def _logged(folder: str, state: str) -> RunFacts:
    """Return what the log tells, to its last whole line, of a run without a summary."""
    values: dict[str, float] = {}
    try:
        for line in bytes_of(os.path.join(folder, LOG), SIZE_LIMIT).splitlines():
            values = {str(name): float(value) for name, value in json.loads(line).items()}
    except (BackpropError, ValueError, TypeError, AttributeError):
        pass  # not begun, or torn: what stands before it holds
    try:
        config = dict(configs.leaves(configs.resolved(configs.load(os.path.join(folder, CONFIG)).config)))
    except BackpropError:
        config = {}
    epochs = int(values.pop("epoch", 0))
    values.pop("learning_rate", None)
    return RunFacts(folder, state, epochs, None, values, config=config)


def differences(runs: Sequence[RunFacts]) -> list[str]:
    """Return the keys of the configs in which runs differ."""
    keys = dict.fromkeys(key for run in runs for key in run.config)
    return [
        key
        for key in keys
        if key.partition(".")[0] not in _APART
        and len({json.dumps(run.config.get(key)) for run in runs if run.config}) > 1
    ]


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d{1,9})", name)]
