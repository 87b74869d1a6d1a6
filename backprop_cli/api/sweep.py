"""Several runs of one config, over values of its keys: what ``backprop train --sweep`` answers."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from ..errors import BackpropError, CheckpointError, FileError, UsageError
from ..training import schema, sweeping
from ..training.checkpoint import write_atomic
from ..training.comparison import HELD_OUT, RunFacts, read_run
from ..training.config import resolved
from ..training.config.yaml_source import read
from ..training.folder import MODEL, SUMMARY, SWEEP, RunFolder
from ..training.sweeping import FOLD, Axis, Combination, Swept, Trial, combined
from .arguments import flag, mapping, names, path, text, whole
from .shown import Pictured, Shown
from .trials import Ended, Task, Written, train_all

if TYPE_CHECKING:
    from os import PathLike

    from ..layout.picture import Picture
    from ..render.document import Document


class Sweep(Shown, Pictured):
    """Runs over values of keys, in the order of the values.

    Attributes:
        swept: All that came out: the runs, the commands, which run is best and why.
    """

    __slots__ = ("swept",)

    def __init__(self, swept: Swept) -> None:
        self.swept = swept

    @property
    def runs(self) -> list[RunFacts]:
        """What the folder of each run tells."""
        return self.swept.runs

    @property
    def best(self) -> Combination | None:
        """The best combination of values, with its runs and means; None where none has come to its end."""
        return self.swept.best

    @property
    def picture(self) -> Picture:
        """The measure over the values."""
        from ..render.sweep import picture

        return picture(self.swept)

    def document(self, digits: int = 5) -> Document:
        """Return it, ready to be written, with so many significant digits."""
        from ..render.sweep import document

        return document(self.swept, digits=digits)

    def _document(self, format_: str) -> Document:
        return self.document()


class Sweeping:
    """A sweep that is trained, run by run.

    Args:
        written: The config.
        overrides: Of all runs.
        axes: The keys and their values.
        jobs: Runs at once.
        threads: Of the matrix products of each.
        resume: Go on with the last sweep of this name: what is finished stays, what is not goes on.
    Attributes:
        trials: The runs.
        folder: Where their folders are.
        instead: What is in the folder asked for, where another was taken.
        kept: How many runs of an earlier part are finished already.
        measure: The number by which they are compared.
    Raises:
        ConfigError, DataError, FileError, UsageError: for any run, before one is trained.
        CheckpointError: when there is nothing to go on with, or it is another sweep.
    """

    def __init__(
        self,
        written: Written,
        overrides: Sequence[str],
        axes: Sequence[Axis],
        *,
        jobs: int = 1,
        threads: int = 1,
        resume: bool = False,
    ) -> None:
        self.written = written
        sweeping.refuse_stdin(written.path)
        self.axes = sweeping.with_folds(axes, written.load, overrides)
        self.jobs = jobs
        self.threads = threads
        if not self.axes:
            raise UsageError(
                "there is one run: neither a key with values nor folds", hint="data.folds=5, or a sweep"
            )
        self.trials = sweeping.trials(self.axes)
        self.overrides = [text for text in overrides if text.partition("=")[0].strip() != "output.dir"]
        self.problem = sweeping.check(written.load, overrides, self.trials)
        config = self.problem.config
        self.measure = sweeping.measure_of(self.problem)
        self.validated = self.problem.validation is not None
        self.ended: dict[int, Ended] = {}
        asked = config.output.dir or os.path.join("runs", config.name or "run")
        self.asked = asked
        try:
            self._folder = RunFolder.of_sweep(asked) if resume else RunFolder.new(asked, several=True)
        except OSError as error:
            raise FileError(f"{error.filename or asked}: {error.strerror}") from None
        self.folder = self._folder.path
        self.instead = self._folder.instead
        if resume:
            self._go_on()
        self.kept = len(self.ended)
        self._note()

    @property
    def _file(self) -> str:
        return os.path.join(self.folder, SWEEP)

    def folder_of(self, trial: Trial) -> str:
        """Return the folder of a run."""
        return os.path.join(self.folder, str(trial.number))

    def command(self, settings: Sequence[str]) -> str:
        """Return the command that trains with some settings; where they name no fold, on all rows."""
        folded = len(settings) < len(self.axes)
        words = ["backprop", "train", *self.written.words]
        words += [text for text in self.overrides if not (folded and text.startswith("data.folds="))]
        words += [*settings, *(["data.folds=null"] if folded else [])]
        return shlex.join([*words, *(["--threads", str(self.threads)] if self.threads > 1 else [])])

    def _asked(self) -> dict[str, Any]:
        """Return what is trained, to be held against what was."""
        return {
            "schema": 1,
            "config": [
                resolved(_anywhere(self.written.load([*self.overrides, *trial.settings]).config))
                for trial in self.trials
            ],
            "fingerprint": self.problem.fingerprint,
        }

    def _note(self) -> None:
        write_atomic(self._file, json.dumps(self._asked()).encode())

    def _go_on(self) -> None:
        try:
            with open(self._file, encoding="utf-8") as file:
                before = json.load(file)
        except (OSError, ValueError):
            raise CheckpointError(f"{self._file} is damaged: the sweep cannot go on") from None
        if before != json.loads(json.dumps(self._asked())):
            raise CheckpointError(
                f"{self.folder} holds a sweep of another config, other values or other data",
                hint="without --resume a new one begins",
            )
        for trial in self.trials:
            names_ = [os.path.join(self.folder_of(trial), name) for name in (MODEL, SUMMARY)]
            if all(map(os.path.exists, names_)):
                self.ended[trial.number] = Ended(trial.number, "finished", None, None)

    def steps(self, stop: Callable[[], bool] = lambda: False) -> Iterator[tuple[Trial, RunFacts]]:
        """Train the runs; each as it ends, with what its folder tells."""
        tasks = [
            Task(
                trial.number,
                self.written,
                [*self.overrides, *trial.settings],
                self.folder_of(trial),
                self.threads,
            )
            for trial in self.trials
            if trial.number not in self.ended
        ]
        try:
            for ended in train_all(tasks, self.jobs, stop):
                self.ended[ended.number] = ended
                trial = self.trials[ended.number - 1]
                yield trial, self._facts(trial)
        finally:
            self._folder.release()

    def _facts(self, trial: Trial) -> RunFacts:
        folder, ended = self.folder_of(trial), self.ended[trial.number]
        settings = {key: _read(value) for key, value in trial.values.items()}
        try:
            facts = read_run(folder, HELD_OUT[1:])
        except BackpropError:
            facts = RunFacts(folder, ended.state, 0, None, {})
        state = facts.state if ended.state == "finished" else ended.state
        measures = facts.measures
        if (
            facts.judged is None and self.validated
        ):  # its last epoch, on the rows that the others are judged on
            measures = {n.removeprefix("val_"): v for n, v in measures.items() if n.startswith("val_")}
        return replace(facts, state=state, config=settings, measures=measures)

    def result(self) -> Sweep:
        """Return what came out so far."""
        axes = [each for each in self.axes if each.key != FOLD]
        folds = len(self.axes[-1].values) if len(axes) < len(self.axes) else 0
        several: dict[tuple[str, ...], list[Trial]] = {}
        for trial in self.trials:
            if trial.number in self.ended:
                several.setdefault(trial.settings[: len(axes)], []).append(trial)
        combinations = []
        commands, faults = {}, {}
        for settings, some in several.items():
            runs = [self._facts(trial) for trial in some]
            for trial, run in zip(some, runs, strict=True):
                commands[run.folder] = self.command(trial.settings)
                if (fault := self.ended[trial.number].fault) is not None:
                    faults[run.folder] = fault
            whole = len(some) == max(folds, 1) and all(run.state == "finished" for run in runs)
            combinations.append(combined(settings, runs, [run.results for run in runs], whole))
        alone = [self.command(each.settings) for each in combinations]
        verdict = sweeping.judge(combinations, self.measure, self.validated)
        notes = [*self._notes(folds)]
        return Sweep(Swept(self.folder, axes, folds, combinations, commands, alone, faults, verdict, notes))

    def _notes(self, folds: int) -> Iterator[str]:
        """Yield what to heed."""
        rows: dict[int, set[str]] = {}
        for ended in self.ended.values():
            if ended.judged is not None:
                rows.setdefault(ended.number % max(folds, 1), set()).add(ended.judged)
        if any(len(some) > 1 for some in rows.values()):
            yield (
                "the runs are judged on different rows or targets: differences between them are partly those"
            )
        if len(self.ended) < len(self.trials):
            yield f"{len(self.trials) - len(self.ended)} of {len(self.trials)} runs were not begun"


def _anywhere(config: schema.Config) -> schema.Config:
    """Return a config as it is wherever its run lies."""
    return msgspec.structs.replace(config, output=schema.Output())


def _read(text: str) -> Any:
    """Return the value of a text of a config."""
    node = read(text, "", [])
    return _plain(node)


def _plain(node: Any) -> Any:
    if node.kind == "mapping":
        return {key: _plain(child) for key, child in node.value.items()}
    if node.kind == "list":
        return [_plain(child) for child in node.value]
    return node.value


def sweep(
    config: str | PathLike[str],
    *overrides: str,
    over: Mapping[str, str] = MappingProxyType({}),
    jobs: int = 1,
    resume: bool = False,
) -> Sweep:
    """Train a config over values of its keys, and over the folds of its data, each run into its folder.

    Args:
        config: Path of the config.
        overrides: ``training.epochs=20`` and the like, of all runs.
        over: A key and its values: ``{"optimizer.learning_rate": "1e-4:1e-1:log4"}``, as in ``--sweep``.
        jobs: Runs at once, each in a process of its own; the numbers do not depend on it.
        resume: Go on with the last sweep of this name.
    Raises:
        BackpropError: for a config, data or shapes that do not fit in any of the runs; nothing is trained.
    """
    axes = [sweeping.axis(f"{key}={text('over', values)}") for key, values in mapping("over", over).items()]
    found = Sweeping(
        Written(path("config", config)),
        names("overrides", overrides),
        axes,
        jobs=whole("jobs", jobs, 1),
        resume=flag("resume", resume),
    )
    for _ in found.steps():
        pass
    return found.result()
