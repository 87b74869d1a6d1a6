"""A run and its folder: config, log, checkpoints, the final model; and going on where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from math import isfinite, nan
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from ..errors import CheckpointError, FileError
from . import checkpoint
from .alarms import Alarm, Alarms
from .config import leaves, resolved, to_yaml
from .events import Events
from .fitting import refitted, training_of
from .folder import BEST, CHECKPOINTS, CONFIG, EVENTS, LOG, MODEL, RunFolder, State, checkpoints_in
from .judgement import BetterThreshold, better_threshold
from .loop import Diverged, EpochRecord, Stopped
from .model import model_facts, save_model, versions
from .problem import Problem
from .units import Units

if TYPE_CHECKING:
    from ..engine.devices import Devices

_FREE = ("output", "name", "checkpoint")
"""Sections that may change between a run and its resumption."""

_CHANGEABLE = (
    "training.epochs",
    "training.episodes",
    "training.early_stopping",
    "training.engine",
    "training.gradient_clip",
    "training.keep",
    "optimizer.learning_rate",
    "schedule",
    "regularization",
    "data",
)
"""Keys that may change, too, so that the run goes on another way; what changed is said."""


class Step(NamedTuple):
    """What a run reports: an epoch that ended, and the alarms it raised."""

    record: EpochRecord
    alarms: list[Alarm]


class Run:
    """A training with its folder.

    Args:
        problem: What is trained.
        resume: Go on from the newest checkpoint of the last run of this name, or of that in ``output.dir``.
        force: Start over in the folder, though a run is in it; without it a new one is made beside.
        threads: Of the matrix products.
        devices: Where it is trained; None for the engine's first one.
    Attributes:
        folder: Path of the run folder, which is locked while it is written.
        history: Every epoch's values, those of an earlier part included.
        results: Loss and metrics of each set at the end, with the final parameters; of the validation rows
            those of the best epoch where the model was then trained anew on them, too.
        final: The training whose parameters the model has: the run's, or that anew on all rows.
        resumed: The checkpoint it went on from; None for a new run.
        changes: What was changed on the way: the epoch, the key, what it was, what it is.
        instead: What is in the folder asked for, where another was taken: a run that is ``finished``,
            ``unfinished`` or ``running``.
        replaced: The state of the run that it started over; None where there was none.
        better: A threshold that serves two classes better; None where there is none.
        ending: The alarms that the whole run raised, once it is over.
        broken: Damaged checkpoints that were passed over.
    Raises:
        CheckpointError: when there is nothing to resume, or it is of another config, data or version.
        FileError: when the folder cannot be written, is not a run's, or is being written.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        resume: bool = False,
        force: bool = False,
        threads: int = 1,
        devices: Devices | None = None,
    ) -> None:
        self.problem = problem
        self.threads = threads
        self.devices = devices
        self.asked = problem.config.output.dir or os.path.join("runs", problem.config.name or "run")
        self.training = self.final = training_of(problem, devices)
        self.alarms = Alarms(self.training)
        self.history: list[dict[str, float]] = []
        self.resumed: str | None = None
        self.changes: list[tuple[int, str, Any, Any]] = []
        self.broken: list[str] = []
        self._events: Events | None = None
        self.results: dict[str, dict[str, float]] = {}
        self.ending: list[Alarm] = []
        self.better: BetterThreshold | None = None
        self._saved_best = 0
        try:
            self._folder = self._prepared(resume, force)
        except OSError as error:
            raise FileError(f"{error.filename or self.asked}: {error.strerror}") from None
        self.folder = self._folder.path

    @property
    def instead(self) -> str | None:
        return self._folder.instead

    @property
    def replaced(self) -> State | None:
        return self._folder.replaced

    def path(self, name: str) -> str:
        """Return the path of a file of the run."""
        return os.path.join(self.folder, name)

    def _prepared(self, resume: bool, force: bool) -> RunFolder:
        config = self.problem.config
        if resume:
            folder = RunFolder.existing(self.asked, None if config.output.dir else config.name)
            self.folder = folder.path
            self._resume()
            folder.begin()
        else:
            folder = RunFolder.new(self.asked, force=force)
            self.folder = folder.path
        checkpoint.write_atomic(self.path(CONFIG), to_yaml(self._config()).encode())
        if config.output.log == "tensorboard":
            self._events = Events(self.path(EVENTS), self.training.progress.epoch)
        return folder

    def _config(self) -> dict[str, Any]:
        """Return the resolved config as it reads from the run's folder: with its paths from there."""
        config, folder = resolved(self.problem.config), self.problem.folder
        for key in ("path", "validation_path", "test_path"):
            path = config["data"][key]
            if path not in (None, "-") and not os.path.isabs(path):
                config["data"][key] = os.path.relpath(os.path.join(folder, path), self.folder)
        return config

    def _resume(self) -> None:
        for name in reversed(checkpoints_in(self.folder)):
            path = os.path.join(self.folder, CHECKPOINTS, name)
            try:
                arrays, facts = checkpoint.load(path)
            except CheckpointError as error:
                self.broken.append(f"{path}: {error.message}")
                continue
            try:
                changed = self._changed(path, facts)
                self._check_threads(path, facts)
                self.training.load(arrays, facts["training"], new=changed)
                epoch = self.training.progress.epoch
                self.changes = [(at, key, *values) for at, key, *values in facts["changes"]]
                self.changes += [(epoch, key, *values) for key, values in changed.items()]
                self._keep_what_cannot_be_made_again()
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
            hint="without --resume a new run begins",
        )

    def _keep_what_cannot_be_made_again(self) -> None:
        """Keep the best epoch where another way was taken in the middle: training anew would not take it."""
        training = self.problem.config.training
        if training.keep == "refit" and any(not key.startswith("training.") for _, key, *_ in self.changes):
            training = msgspec.structs.replace(training, keep="best")
            self.problem.config = msgspec.structs.replace(self.problem.config, training=training)

    def _check_threads(self, path: str, facts: Mapping[str, Any]) -> None:
        if facts["threads"] != self.threads:
            raise CheckpointError(
                f"{path} was made with --threads {facts['threads']}, not {self.threads}",
                hint="sums over several threads are rounded otherwise: use the same, or start a new run",
            )

    def _changed(self, path: str, facts: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        """Return the keys that have another value than in the checkpoint's config, with both.

        Raises:
            CheckpointError: for one that a run cannot go on with, and for other data or another library where
                the config is the same: the bits would be others.
        """
        if facts.get("kind") != "checkpoint":
            raise CheckpointError(f"{path} is no checkpoint of a run")
        before, now = dict(leaves(facts["config"])), dict(leaves(_as_saved(resolved(self.problem.config))))
        changed = {}
        for key in sorted({*before, *now}):
            if key.partition(".")[0] in _FREE or before.get(key) == now.get(key):
                continue
            if not any(key == free or key.startswith(f"{free}.") for free in _CHANGEABLE):
                raise CheckpointError(
                    f"the config has changed since {path}: {key} was {json.dumps(before.get(key))}, is"
                    f" {json.dumps(now.get(key))}",
                    hint="put it back, or start a new run without --resume",
                )
            changed[key] = before.get(key), now.get(key)
        for key, (old, new) in changed.items():
            if key.startswith(("data.scaling", "data.target_scaling")):
                raise CheckpointError(
                    f"{key} was {json.dumps(old)} in {path}, is {json.dumps(new)}: the numbers of the network"
                    " are for rows as they were scaled",
                    hint="put it back, or start a new run without --resume",
                )
        others = any(key.startswith("data.") for key in changed)
        if facts["fingerprint"] != self.problem.fingerprint and not others:
            raise CheckpointError(
                f"the data has changed since {path}",
                hint="put it back, or name other rows: data.path=FILE",
            )
        if others and facts["encoding"] != _as_saved(self.problem.encoding.as_dict()):
            raise CheckpointError(
                f"the other data has other columns, classes or scaling than {path} learned from",
                hint="the same columns and classes, or a new run without --resume",
            )
        if others and facts["training"]["progress"]["row"]:
            raise CheckpointError(
                f"{path} stands amid an epoch, which goes on with the rows that it began with",
                hint="with the same data to the end of the epoch first",
            )
        for name, version in versions().items():
            if facts["versions"].get(name) != version:
                raise CheckpointError(
                    f"{path} is from {name} {facts['versions'].get(name)}, but this is {name} {version}",
                    hint="install that version, or start a new run without --resume",
                )
        return changed

    def steps(self, stop: Callable[[], bool] = lambda: False) -> Iterator[Step]:
        """Train, log and save, epoch by epoch.

        Args:
            stop: Asked after every update; True saves a checkpoint and ends the run.
        Raises:
            Diverged: after the best epoch's model was saved, where there is one.
        """
        training, settings = self.training, self.problem.config.checkpoint
        epochs = self.problem.config.training.rounds
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
                    try:
                        alarms = self.alarms.look(record.epoch, last)
                    except Stopped:
                        alarms = []  # the next look sees what is there then
                        training.interrupted = True
                    if settings.every and (record.epoch % settings.every == 0 or last):
                        os.fsync(log.fileno())
                        self._save(f"epoch-{record.epoch:04d}.safetensors")
                    yield Step(record, alarms)
                    if training.interrupted:
                        break
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
            self._folder.release()
            return
        if settings.best:
            self._save_best()
        try:
            done = self._refit(stop)
            if done:
                self.results = self._evaluated()
                self.better = better_threshold(training)
                loss = self.results["training"].get("loss", nan)  # episodes have none
                self.ending = self.alarms.end(self.history, loss, self.final)
        except Stopped:
            done = False
        if not done:
            training.interrupted = True
            if not checkpoints_in(self.folder):
                self._save(f"epoch-{training.progress.epoch:04d}.safetensors")
            self._folder.release()
            return
        save_model(self.path(MODEL), self.final, self.problem)

    def _refit(self, stop: Callable[[], bool]) -> bool:
        """Train anew on all rows, where the config says so; return whether it came to its end.

        It is not saved on the way: whoever goes on does it again, to the same bits.
        """
        final = refitted(self.training, self.devices)
        if final is None:
            return True
        self.final = final
        for _ in self.final.run(stop):
            pass
        return not self.final.interrupted

    def close(self) -> None:
        """Let others write the folder: all is written."""
        self._folder.release()

    def _evaluated(self) -> dict[str, dict[str, float]]:
        """Return loss and metrics of each set with the final parameters.

        Raises:
            Diverged: naming the first that is no number.
        """
        training = self.training
        results = training.results(self.final)
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
            "changes": self.changes,
            "units": _of_targets(self.problem.units),
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
        for name in checkpoints_in(self.folder)[:-keep]:
            os.unlink(os.path.join(self.folder, CHECKPOINTS, name))


def digests(problem: Problem) -> dict[str, str]:
    """Return the SHA-256 of what processes that train together have to have alike, by what it is."""
    config = {k: v for k, v in resolved(problem.config).items() if k not in _FREE}
    parts = {
        "config": config,
        "data": (problem.fingerprint, problem.encoding.as_dict()),
        "version": versions(),
    }
    return {what: sha256(json.dumps(x, sort_keys=True).encode()).hexdigest() for what, x in parts.items()}


def _of_targets(units: Units | None) -> list[list[float]] | None:
    """Return how targets are scaled, as JSON has it."""
    return None if units is None else [units.shift.tolist(), units.scale.tolist()]


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
