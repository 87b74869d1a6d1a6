"""A run and its folder: config, log, checkpoints, the final model; and going on where it stopped."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from typing import Any, NamedTuple

from ..errors import CheckpointError, FileError
from . import checkpoint
from .alarms import Alarm, Alarms
from .config import leaves, resolved, to_yaml
from .events import Events
from .fitting import training_of
from .loop import Diverged, EpochRecord
from .model import model_facts, save_model, versions
from .problem import Problem

LOG, CONFIG, MODEL, BEST, CURVE = (
    "metrics.jsonl",
    "config.yaml",
    "model.safetensors",
    "best.safetensors",
    "loss.svg",
)
CHECKPOINTS, EVENTS = "checkpoints", "events"
_CHECKPOINT = re.compile(r"epoch-\d+(-update-\d+)?\.safetensors")
_FREE = ("output", "name", "checkpoint")
"""Sections that may change between a run and its resumption."""


class Step(NamedTuple):
    """What a run reports: an epoch that ended, and the alarms it raised."""

    record: EpochRecord
    alarms: list[Alarm]


class Run:
    """A training with its folder.

    Args:
        problem: What is trained.
        resume: Go on from the folder's newest checkpoint.
        threads: Of the matrix products.
    Attributes:
        folder: Path of the run folder.
        history: Every epoch's values, those of an earlier part included.
        results: Loss and metrics of each set at the end, with the final parameters.
        resumed: The checkpoint it went on from; None for a new run.
        replaced: What stood in the folder and is started over: an ``unfinished`` run, an ``earlier`` one that
            had come to its end; None where there was none.
        ending: The alarms that the whole run raised, once it is over.
        broken: Damaged checkpoints that were passed over.
    Raises:
        CheckpointError: when there is nothing to resume, or it is of another config, data or version.
        FileError: when the folder cannot be written, or is not a run's.
    """

    def __init__(self, problem: Problem, *, resume: bool = False, threads: int = 1) -> None:
        self.problem = problem
        self.threads = threads
        name = problem.config.name or "run"
        self.folder = problem.config.output.dir or os.path.join("runs", name)
        self.training = training_of(problem)
        self.alarms = Alarms(self.training)
        self.history: list[dict[str, float]] = []
        self.resumed: str | None = None
        self.replaced: str | None = None
        self.broken: list[str] = []
        self._events: Events | None = None
        self.results: dict[str, dict[str, float]] = {}
        self.ending: list[Alarm] = []
        self._saved_best = 0
        self._prepare(resume)

    def path(self, name: str) -> str:
        """Return the path of a file of the run."""
        return os.path.join(self.folder, name)

    def _prepare(self, resume: bool) -> None:
        folder = self.folder
        try:
            if os.path.lexists(folder) and not os.path.isdir(folder):
                raise FileError(f"{folder} is no folder", hint="output.dir names another one")
            if os.path.isdir(folder) and self._is_strange():
                raise FileError(
                    f"{folder} is not empty and holds no run", hint="output.dir names another folder"
                )
            if resume:
                self._resume()
            os.makedirs(self.path(CHECKPOINTS), exist_ok=True)
            for each in (folder, self.path(CHECKPOINTS)):
                checkpoint.remove_leftovers(each)
            if not resume:
                if os.path.exists(self.path(MODEL)):
                    self.replaced = "earlier"
                elif self._checkpoints():
                    self.replaced = "unfinished"
                self._clear()
            checkpoint.write_atomic(self.path(CONFIG), to_yaml(self._config()).encode())
            if self.problem.config.output.log == "tensorboard":
                self._events = Events(self.path(EVENTS), self.training.progress.epoch)
        except OSError as error:
            raise FileError(f"{error.filename or folder}: {error.strerror}") from None

    def _is_strange(self) -> bool:
        """Whether the folder holds what no run has left; one killed at its start has no config yet."""
        names = os.listdir(self.folder)
        return CONFIG not in names and any(n != CHECKPOINTS and not checkpoint.is_leftover(n) for n in names)

    def _config(self) -> dict[str, Any]:
        """Return the resolved config as it reads from the run's folder: with its paths from there."""
        config, folder = resolved(self.problem.config), self.problem.folder
        for key in ("path", "validation_path", "test_path"):
            path = config["data"][key]
            if path not in (None, "-") and not os.path.isabs(path):
                config["data"][key] = os.path.relpath(os.path.join(folder, path), self.folder)
        return config

    def _clear(self) -> None:
        """Remove what an earlier run left, so that no file of it passes for one of this run."""
        for name in (LOG, MODEL, BEST, CURVE):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path(name))
        for name in self._checkpoints():
            os.unlink(os.path.join(self.folder, CHECKPOINTS, name))
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(self.path(EVENTS)):
                os.unlink(os.path.join(self.folder, EVENTS, name))

    def _checkpoints(self) -> list[str]:
        """Return the names of the checkpoints, oldest first."""
        with contextlib.suppress(FileNotFoundError):
            names = [n for n in os.listdir(self.path(CHECKPOINTS)) if _CHECKPOINT.fullmatch(n)]
            return sorted(names, key=lambda n: [int(x) for x in re.findall(r"\d+", n)])
        return []

    def _resume(self) -> None:
        for name in reversed(self._checkpoints()):
            path = os.path.join(self.folder, CHECKPOINTS, name)
            try:
                arrays, facts = checkpoint.load(path)
            except CheckpointError as error:
                self.broken.append(f"{path}: {error.message}")
                continue
            try:
                self._check_same(path, facts)
                self._check_threads(path, facts)
                self.training.load(arrays, facts["training"])
                if self.training.progress.epoch:  # a fit starts over
                    self.alarms.load(facts["alarms"])
            except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
                raise CheckpointError(f"{path} is no checkpoint of this version: {error}") from None
            self.resumed = path
            self.history = _log(self.path(LOG), self.training.progress.epoch)
            return
        raise CheckpointError(
            f"{self.folder} has no checkpoint to resume from"
            + (f": {self.broken[0]}" if self.broken else ""),
            hint="without --resume the run starts from its beginning",
        )

    def _check_threads(self, path: str, facts: Mapping[str, Any]) -> None:
        if facts["threads"] != self.threads:
            raise CheckpointError(
                f"{path} was made with --threads {facts['threads']}, not {self.threads}",
                hint="sums over several threads are rounded otherwise: use the same, or start over",
            )

    def _check_same(self, path: str, facts: Mapping[str, Any]) -> None:
        """Refuse to go on with another config, data or library: the bits would be others."""
        if facts.get("kind") != "checkpoint":
            raise CheckpointError(f"{path} is no checkpoint of a run")
        before, now = dict(leaves(facts["config"])), dict(leaves(_as_saved(resolved(self.problem.config))))
        for key in sorted({*before, *now}):
            if key.partition(".")[0] not in _FREE and before.get(key) != now.get(key):
                raise CheckpointError(
                    f"the config has changed since {path}: {key} was {json.dumps(before.get(key))}, is"
                    f" {json.dumps(now.get(key))}",
                    hint="put it back, or start over without --resume",
                )
        if facts["fingerprint"] != self.problem.fingerprint:
            raise CheckpointError(
                f"the data has changed since {path}", hint="put it back, or start over without --resume"
            )
        for name, version in versions().items():
            if facts["versions"].get(name) != version:
                raise CheckpointError(
                    f"{path} is from {name} {facts['versions'].get(name)}, but this is {name} {version}",
                    hint="install that version, or start over without --resume",
                )

    def steps(self, stop: Callable[[], bool] = lambda: False) -> Iterator[Step]:
        """Train, log and save, epoch by epoch.

        Args:
            stop: Asked after every update; True saves a checkpoint and ends the run.
        Raises:
            Diverged: after the best epoch's model was saved, where there is one.
        """
        training, settings = self.training, self.problem.config.checkpoint
        epochs = self.problem.config.training.epochs
        kept = "".join(json.dumps(values) + "\n" for values in self.history)
        checkpoint.write_atomic(self.path(LOG), kept.encode())
        with open(self.path(LOG), "a", encoding="utf-8", newline="\n") as log:
            try:
                for record in training.epochs(stop):
                    self.history.append({"epoch": record.epoch, **record.values})
                    log.write(json.dumps(self.history[-1]) + "\n")
                    log.flush()
                    if self._events:
                        self._events.add(record)
                    last = record.epoch == epochs or bool(training.progress.ended)
                    alarms = self.alarms.look(record.epoch, last)
                    if settings.every and record.epoch % settings.every == 0 and not last:
                        os.fsync(log.fileno())
                        self._save(f"epoch-{record.epoch:04d}.safetensors")
                    yield Step(record, alarms)
                if training.interrupted:
                    os.fsync(log.fileno())
            except Diverged as error:
                self._save_best()
                if self._saved_best:
                    error.hint = (
                        f"{error.hint}; the model of epoch {self._saved_best} is in {self.path(BEST)}"
                    )
                raise
            finally:
                if self._events:
                    self._events.close()
        if training.interrupted:
            progress = training.progress
            self._save(f"epoch-{progress.epoch:04d}-update-{progress.step:06d}.safetensors")
            return
        if settings.best:
            self._save_best()
        self.results = self._evaluated()
        self.ending = self.alarms.end(self.history, self.results["training"]["loss"])
        save_model(self.path(MODEL), training)

    def _evaluated(self) -> dict[str, dict[str, float]]:
        """Return loss and metrics of each set with the final parameters.

        Raises:
            Diverged: naming the first that is no number.
        """
        training, problem = self.training, self.problem
        sets = {"training": training.train, "validation": training.validation, "test": problem.test}
        results = {
            name: training.evaluate(rows.of_type(training.runner.dtype))
            for name, rows in sets.items()
            if rows is not None
        }
        for part, values in results.items():
            for name, value in values.items():
                if not isfinite(value):
                    raise training.diverged("the last update", f"{name} of the {part} rows", value)
        return results

    def _save(self, name: str) -> None:
        arrays, facts = self.training.save()
        facts = model_facts(self.problem, self.folder) | {
            "kind": "checkpoint",
            "training": facts,
            "alarms": self.alarms.save(),
            "threads": self.threads,
        }
        checkpoint.save(os.path.join(self.folder, CHECKPOINTS, name), arrays, facts)
        if self.problem.config.checkpoint.best:
            self._save_best()
        self._prune(self.problem.config.checkpoint.keep)

    def _save_best(self) -> None:
        """Write the best epoch's model, unless it is there already."""
        training = self.training
        if training.best and training.progress.best_epoch != self._saved_best:
            facts = model_facts(self.problem, self.folder) | {"epoch": training.progress.best_epoch}
            checkpoint.save(self.path(BEST), self.problem.in_units(training.best), facts)
            self._saved_best = training.progress.best_epoch

    def _prune(self, keep: int) -> None:
        for name in self._checkpoints()[:-keep]:
            os.unlink(os.path.join(self.folder, CHECKPOINTS, name))


def _as_saved(config: Mapping[str, Any]) -> Any:
    """Return a config as it comes back from a file: tuples are lists."""
    return json.loads(json.dumps(config))


def _log(path: str, epochs: int) -> list[dict[str, float]]:
    """Return the first epochs of a log."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file.readlines()[:epochs]]
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise CheckpointError(f"{path} is damaged: the run cannot be resumed") from None
    if [isinstance(line, dict) and line.get("epoch") for line in lines] != list(range(1, epochs + 1)):
        raise CheckpointError(f"{path} lacks epochs up to {epochs}: the run cannot be resumed")
    lines_: list[dict[str, float]] = lines
    return lines_
