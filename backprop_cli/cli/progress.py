"""What a terminal shows while it takes time: bytes that are read, updates that are made."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..language.numbers import brief

if TYPE_CHECKING:
    from ..training.run import Run
    from .output import Output

AFTER = 0.5
"""Seconds after which reading is shown: what is over by then needs no bar."""
BEAT = 0.1
"""Seconds between two looks at how far it is."""


def shows(output: Output) -> bool:
    """Whether there is a terminal to show anything on."""
    return not output.quiet and sys.stderr is not None and sys.stderr.isatty()


@contextmanager
def working() -> Iterator[None]:
    """Show in a line how far long work is, once it takes longer than a moment."""
    from ..engine.work import WATCH

    line = _WorkLine()
    token = WATCH.set(line)
    try:
        yield
    finally:
        WATCH.reset(token)
        line("", 0, None)


class _WorkLine:
    """Told of work by what does it; the line goes when the work is done."""

    def __init__(self) -> None:
        self._began = self._looked = 0.0
        self._what = ""
        self._shown = False

    def __call__(self, what: str, done: int, of: int | None) -> None:
        if not what:
            if self._shown:
                self._write("")
            self._what, self._shown = "", False
            return
        now = time.monotonic()
        if what != self._what:
            self._what, self._began, self._looked = what, now, 0.0
        if now - self._began >= AFTER and now - self._looked >= BEAT:
            self._looked, self._shown = now, True
            self._write(f"{what} {done:,}" + (f" of {of:,}" if of is not None else ""))

    @staticmethod
    def _write(text: str) -> None:
        room = os.get_terminal_size(sys.stderr.fileno()).columns - 1
        end = "" if text else "\r"
        print(f"\r{text[:room]:<{room}}", end=end, file=sys.stderr, flush=True)


def _console() -> Any:
    from rich.console import Console

    return Console(stderr=True, markup=False, highlight=False, emoji=False)


@contextmanager
def reading(output: Output) -> Iterator[None]:
    """Show how much of each file has been read, once it takes longer than a moment."""
    from ..tables.chunks import WATCH

    if not shows(output):
        yield
        return
    bar = _ReadingBar()
    token = WATCH.set(bar)
    try:
        yield
    finally:
        WATCH.reset(token)
        bar.stop()


class _ReadingBar:
    """Told of bytes by what reads them."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._read: dict[str, int] = {}
        self._tasks: dict[str, Any] = {}
        self._bar: Any = None

    def __call__(self, path: str, count: int) -> None:
        self._read[path] = self._read.get(path, 0) + count
        if time.monotonic() - self._began < AFTER:
            return
        if self._bar is None:
            self._bar = self._made()
            self._bar.start()
        if path not in self._tasks:
            name = "stdin" if path in ("-", "<stdin>") else os.path.basename(path)
            self._tasks[path] = self._bar.add_task(name, total=_size(path))
        task = self._tasks[path]
        read, total = self._read[path], self._bar.tasks[self._bar.task_ids.index(task)].total
        # a packed file has more in it than it is long
        self._bar.update(task, completed=read, total=total if total is None or read <= total else None)

    @staticmethod
    def _made() -> Any:
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.table import Column

        narrow = Column(no_wrap=True)
        return Progress(
            TextColumn(
                "reading {task.description}", markup=False, table_column=Column(no_wrap=True, ratio=2)
            ),
            BarColumn(bar_width=None, table_column=Column(ratio=3)),
            DownloadColumn(table_column=narrow),
            TimeRemainingColumn(compact=True, table_column=narrow),
            console=_console(),
            transient=True,
            expand=True,
        )

    def stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()


def _size(path: str) -> int | None:
    try:
        return os.path.getsize(path) or None
    except OSError:
        return None


class TrainingBar:
    """Updates of a run as they are made, with the loss so far and what is left; as wide as the terminal.

    Args:
        run: Before its steps.
    """

    def __init__(self, run: Run) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.table import Column

        self._run = run
        self._word = run.problem.config.training.round
        self._epochs = run.problem.config.training.rounds
        self._looked = 0.0
        self._told = ""
        self.console = _console()
        narrow = Column(no_wrap=True)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False, table_column=narrow),
            BarColumn(bar_width=None, table_column=Column(ratio=2)),
            TimeRemainingColumn(compact=True, table_column=narrow),
            TextColumn(
                "{task.fields[values]}",
                markup=False,
                table_column=Column(ratio=3, no_wrap=True, overflow="ellipsis"),
            ),
            console=self.console,
            transient=True,
            expand=True,
        )
        total = self._epochs * run.training.updates
        self._task = self._bar.add_task(self._epoch(), total=total, completed=self._made(), values="")

    def __enter__(self) -> TrainingBar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def _made(self) -> int:
        progress = self._run.training.progress
        return progress.epoch * self._run.training.updates + progress.batches

    def _epoch(self) -> str:
        progress, training = self._run.training.progress, self._run.training
        if training.progress.row == len(training.train):
            return f"{self._word} {progress.epoch + 1}/{self._epochs}, measuring"
        return f"{self._word} {min(progress.epoch + 1, self._epochs)}/{self._epochs}"

    def says(self, text: str) -> None:
        """Show what takes its time, until the next update."""
        self._bar.update(self._task, description=text)

    def beat(self) -> None:
        """Show where the run is; called after every update, and between blocks of rows that are measured."""
        now = time.monotonic()
        if now - self._looked < BEAT:
            return
        self._looked = now
        training = self._run.training
        progress = training.progress
        text, done = self._epoch(), self._made()
        final = self._run.final
        if final is not training:
            text = f"anew on all rows, epoch {min(final.progress.epoch + 1, final.until)}/{final.until}"
        values = self._told
        if progress.batches:
            loss = progress.loss / progress.batches * self._run.problem.loss_unit
            values = f"loss {brief(loss, 3)}  {self._told}".rstrip()
        self._bar.update(self._task, description=text, completed=done, values=values)

    def epoch(self) -> None:
        """Show what an epoch has given."""
        given = {n: v for n, v in self._run.history[-1].items() if n not in ("epoch", "learning_rate")}
        shown = {n: v for n, v in given.items() if n != "loss"}
        self._told = "  ".join(f"{name} {brief(value, 3)}" for name, value in shown.items())
        values = "  ".join(f"{name} {brief(value, 3)}" for name, value in given.items())
        self._bar.update(self._task, description=self._epoch(), completed=self._made(), values=values)


def watched(stop: Callable[[], bool], beat: Callable[[], None]) -> Callable[[], bool]:
    """Return ``stop``, which moves the bar whenever it is asked."""

    def asked() -> bool:
        beat()
        return stop()

    return asked
