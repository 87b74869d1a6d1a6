"""One run of several, trained here or in a process beside; as a program it trains what stdin tells.

A process is told a task in a line of JSON and answers in one: it needs nothing of the program that began it,
not its main module, nor its memory. Where its stdin ends, whoever began it is gone, and it ends too.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

import msgspec
import numpy as np

from ..errors import BackpropError, NoSuchNumber
from ..training.config import Loaded, load, loads
from ..training.folder import MODEL, checkpoints_in
from ..training.problem import Problem, assemble
from ..training.run import Run
from ..training.start import going_on
from .training import finish

BEAT = 0.1
"""Seconds between two looks at what has been asked meanwhile."""


class Written(NamedTuple):
    """A config as it is to be read again and again.

    Attributes:
        path: As given.
        text: What stands for the file; None to read it.
        folder: What its paths start from, where there is a text.
        name: Of the run, where there is a text.
        target: What was asked for of a file of rows.
    """

    path: str
    text: str | None = None
    folder: str = os.curdir
    name: str = "run"
    target: str | None = None

    @property
    def words(self) -> list[str]:
        """What it is called by on a command line."""
        return [self.path, *([] if self.target is None else ["--target", self.target])]

    def load(self, overrides: Sequence[str]) -> Loaded:
        """Read it.

        Raises:
            ConfigError: with every fault.
            FileError: when the file cannot be read.
        """
        if self.text is None:
            return load(self.path, overrides)
        shown = f"config of {self.path}"
        return loads(self.text, shown, overrides, path=self.path, folder=self.folder, name=self.name)


class Task(msgspec.Struct, frozen=True):
    """What one run trains, and where.

    Attributes:
        number: Which of the runs.
        written: The config.
        overrides: Of its keys.
        folder: The run's.
        threads: Of matrix products.
    """

    number: int
    written: Written
    overrides: list[str]
    folder: str
    threads: int = 1


class Ended(msgspec.Struct, frozen=True):
    """How a run ended.

    Attributes:
        number: Which of the runs.
        state: ``finished``, ``interrupted``, ``diverged`` or ``failed``.
        fault: Why it is not finished.
        judged: Of the targets that its measures are held to.
    """

    number: int
    state: str
    fault: str | None = None
    judged: str | None = None


def train_one(task: Task, stop: Callable[[], bool]) -> Ended:
    """Train a run to its end, or until it is stopped; where it stopped before, go on."""
    began = time.monotonic()
    try:
        loaded = task.written.load([*task.overrides, f"output.dir={json.dumps(task.folder)}"])
        resume = not os.path.exists(os.path.join(task.folder, MODEL)) and bool(checkpoints_in(task.folder))
        problem = assemble(loaded, going_on(loaded) if resume else None)
        run = Run(problem, resume=resume, threads=task.threads)
        try:
            for _ in run.steps(stop):
                pass
        except NoSuchNumber as error:
            run.close()
            return Ended(task.number, "diverged", error.message)
        if run.training.interrupted:
            return Ended(task.number, "interrupted", "interrupted")
        finish(run, time.monotonic() - began)
    except BackpropError as error:
        return Ended(task.number, "failed", str(error).partition("\n")[0])
    return Ended(task.number, "finished", None, judged(problem))


def judged(problem: Problem) -> str:
    """Return a digest of the rows and targets by which a run is judged."""
    if problem.world is not None:
        return problem.fingerprint
    rows = problem.validation or problem.train
    answers = np.ascontiguousarray(rows.sample.answers)
    return sha256(problem.held_out.tobytes() + bytes(len(rows)) + answers.tobytes()).hexdigest()


def train_all(tasks: Sequence[Task], jobs: int, stop: Callable[[], bool]) -> Iterator[Ended]:
    """Train runs, some at once; each as it ends. What is trained does not depend on how many there are.

    Args:
        tasks: The runs.
        jobs: Processes.
        stop: Asked now and then; True ends those that train, with their state saved, and begins no more.
    """
    if jobs == 1 or len(tasks) < 2:
        for task in tasks:
            if stop():
                return
            yield train_one(task, stop)
        return
    ended: queue.Queue[Ended] = queue.Queue()
    waiting = list(reversed(tasks))
    workers = [_Worker(ended) for _ in range(min(jobs, len(tasks)))]
    try:
        for worker in workers:
            worker.begin(waiting.pop())
        stopped = False
        while any(worker.task for worker in workers):
            if not stopped and stop():
                stopped = True
                for worker in workers:
                    worker.stop()
            try:
                result = ended.get(timeout=BEAT)
            except queue.Empty:
                continue
            at = next(i for i, w in enumerate(workers) if w.task and w.task.number == result.number)
            workers[at].task = None
            if waiting and not stopped:
                if result.state == "failed" and workers[at].gone:
                    workers[at].close()
                    workers[at] = _Worker(ended)
                workers[at].begin(waiting.pop())
            yield result
    finally:
        for worker in workers:
            worker.close()


class _Worker:
    """A process that trains one run after another."""

    def __init__(self, ended: queue.Queue[Ended]) -> None:
        # -P: no module of the user's folder stands for one of ours; a session of its own: Ctrl-C is ours
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self.task: Task | None = None
        self.gone = False
        self._ended = ended
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def begin(self, task: Task) -> None:
        self.task = task
        self._tell(msgspec.json.encode(task))

    def stop(self) -> None:
        self._tell(b"null")

    def _tell(self, line: bytes) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended, as is heard from its stdout
            self.process.stdin.write(line + b"\n")
            self.process.stdin.flush()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._ended.put(msgspec.json.decode(line, type=Ended))
        task, self.gone = self.task, True
        if task is not None:
            code = self.process.wait()
            self._ended.put(Ended(task.number, "failed", f"its process ended with status {code}"))

    def close(self) -> None:
        assert self.process.stdin is not None
        if self.task is not None:
            self.process.kill()
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.wait()
        self._listener.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


def work() -> None:
    """Train what stdin tells, until it ends."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints does not print among the answers
    tasks: queue.Queue[Task | None] = queue.Queue()
    stopped = threading.Event()

    def listen() -> None:
        for line in sys.stdin.buffer:
            task = msgspec.json.decode(line, type=Task | None)
            if task is None:
                stopped.set()
            else:
                tasks.put(task)
        stopped.set()
        tasks.put(None)

    threading.Thread(target=listen, daemon=True).start()
    while (task := tasks.get()) is not None:
        answers.write(msgspec.json.encode(train_one(task, stopped.is_set)) + b"\n")
        answers.flush()


if __name__ == "__main__":
    work()
