"""The folder of a run: chosen, locked while it is written; nothing that another wrote is touched."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from itertools import count
from typing import Literal

from ..errors import CheckpointError, FileError
from . import checkpoint

LOG, CONFIG, MODEL, BEST, CURVE, SUMMARY, SWEEP = (
    "metrics.jsonl",
    "config.yaml",
    "model.safetensors",
    "best.safetensors",
    "loss.svg",
    "summary.json",
    "sweep.json",
)
CHECKPOINTS, EVENTS = "checkpoints", "events"
_CHECKPOINT = re.compile(r"epoch-\d+(-update-\d+)?\.safetensors")

State = Literal["empty", "finished", "unfinished", "sweep", "strange"]
TAKEN = ("finished", "unfinished", "sweep")
"""A folder of several runs, or of one, is never another's."""
ANOTHER = "output.dir names another folder"


class Lock:
    """A lock on a folder; a process that ends, in whatever way, lets go of it.

    Raises:
        BlockingIOError: when another has it.
    """

    def __init__(self, folder: str) -> None:
        self._descriptor = -1
        if sys.platform == "win32":
            import msvcrt

            self._descriptor = os.open(os.path.join(folder, ".lock"), os.O_RDWR | os.O_CREAT)
            try:
                msvcrt.locking(self._descriptor, msvcrt.LK_NBLCK, 1)
            except OSError:
                self.release()
                raise BlockingIOError from None
        else:
            import fcntl

            self._descriptor = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.release()
                raise
            except OSError:  # a file system without locks
                self.release()

    def release(self) -> None:
        """Let go of the folder."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        self.release()


class RunFolder:
    """A folder with its lock.

    Attributes:
        path: Of the folder.
        instead: Why it is not the one that was asked for: that one is ``finished``, ``unfinished``, a
            ``sweep`` or ``running``; None where it is.
        replaced: The state of the run whose place it takes, when told to.
    """

    def __init__(self, path: str, lock: Lock) -> None:
        self.path = path
        self.instead: str | None = None
        self.replaced: State | None = None
        self._lock = lock

    @classmethod
    def new(cls, path: str, *, force: bool = False, several: bool = False) -> RunFolder:
        """Return an empty folder: the one asked for, else ``path-2``, ``path-3`` and so on.

        Args:
            path: Asked for; made where it is not there.
            force: Take it from the run that is in it.
            several: It is to hold runs, not one.
        Raises:
            FileError: for a folder that holds something else, or that another training is writing.
            OSError: when it cannot be made.
        """
        instead: str | None = None
        for number in count(1):
            folder = path if number == 1 else f"{os.path.normpath(path)}-{number}"
            if number == 2 and os.path.basename(os.path.normpath(path)) in ("", ".", ".."):
                raise FileError(f"{path} holds a run", hint=f"{ANOTHER}; --force starts over in this one")
            found = cls._at(folder)
            state: State | None = None if found is None else state_of(folder)
            if state is None or state in TAKEN:
                instead = instead or state or "running"
                if not force:
                    continue
            if state == "sweep":
                raise FileError(f"{folder} holds several runs, of a sweep", hint=ANOTHER)
            if state == "strange":
                if number > 1:
                    continue
                raise FileError(f"{folder} is not empty and holds no run", hint=ANOTHER)
            if found is None:
                raise FileError(f"another training is writing {folder}", hint=ANOTHER)
            if state == "empty":
                found.instead = instead
            else:
                found.replaced = state
                found.clear()
            if not several:
                found.begin()
            return found
        raise AssertionError

    @classmethod
    def existing(cls, path: str, name: str | None = None) -> RunFolder:
        """Return the folder of a run that is gone on with.

        Args:
            path: Of the folder.
            name: Of the run: the last folder of that name that has checkpoints, of ``path``, ``path-2`` ...
        Raises:
            CheckpointError: where there is no folder.
            FileError: for one that holds something else, or that another training is writing.
        """
        folder = path if name is None else last_of(path, name)
        if not os.path.isdir(folder):
            raise CheckpointError(
                f"{folder} has no checkpoint to resume from", hint="without --resume a new run begins"
            )
        state = state_of(folder)
        if state == "sweep":
            raise CheckpointError(
                f"{folder} holds several runs, of a sweep", hint="output.dir names one of them"
            )
        if state == "strange":
            raise FileError(f"{folder} is not empty and holds no run", hint=ANOTHER)
        return cls._free(folder)

    @classmethod
    def of_sweep(cls, path: str) -> RunFolder:
        """Return the folder of a sweep that is gone on with: the last of ``path``, ``path-2``, ...

        Raises:
            CheckpointError: where there is none.
            FileError: for one that another process is writing.
        """
        found = [f for _, f in sorted(_numbered(path)) if os.path.isfile(os.path.join(f, SWEEP))]
        if not found:
            raise CheckpointError(
                f"{path} holds no sweep to go on with", hint="without --resume a new one begins"
            )
        return cls._free(found[-1])

    @classmethod
    def _free(cls, folder: str) -> RunFolder:
        found = cls._at(folder)
        if found is None:
            raise FileError(f"another training is writing {folder}", hint="wait for its end")
        return found

    @classmethod
    def _at(cls, folder: str) -> RunFolder | None:
        if os.path.lexists(folder) and not os.path.isdir(folder):
            raise FileError(f"{folder} is no folder", hint=ANOTHER)
        os.makedirs(folder, exist_ok=True)
        try:
            return cls(folder, Lock(folder))
        except BlockingIOError:
            return None

    def file(self, name: str) -> str:
        """Return the path of a file in it."""
        return os.path.join(self.path, name)

    def begin(self) -> None:
        """Make it ready to be written, without what a killed run left half-written."""
        os.makedirs(self.file(CHECKPOINTS), exist_ok=True)
        for folder in (self.path, self.file(CHECKPOINTS)):
            checkpoint.remove_leftovers(folder)

    def clear(self) -> None:
        """Remove the files of the run that is in it, and no others."""
        for name in (LOG, MODEL, BEST, CURVE, SUMMARY):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.file(name))
        for name in checkpoints_in(self.path):
            os.unlink(self.file(os.path.join(CHECKPOINTS, name)))
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(self.file(EVENTS)):
                os.unlink(self.file(os.path.join(EVENTS, name)))

    def release(self) -> None:
        """Let others write it."""
        self._lock.release()


def state_of(folder: str) -> State:
    """Return what is in a folder: nothing, a run that came to its end or did not, or something else.

    A run begins with its folder of checkpoints, before anything else.
    """
    names = {name for name in os.listdir(folder) if not checkpoint.is_leftover(name)} - {".lock"}
    if not names:
        return "empty"
    if SWEEP in names:
        return "sweep"
    if CHECKPOINTS not in names or (CONFIG not in names and names != {CHECKPOINTS}):
        return "strange"
    if CONFIG not in names and not checkpoints_in(folder):
        return "empty"
    return "finished" if MODEL in names else "unfinished"


def model_at(path: str) -> str:
    """Return the path of a model file: that of the trained model where a run's folder is named.

    Raises:
        CheckpointError: for a run that has none yet.
    """
    if not os.path.isdir(path):
        return path
    file = os.path.join(path, MODEL)
    state = state_of(path)
    if state == "sweep":
        raise CheckpointError(
            f"{path} holds several runs, of a sweep", hint=f"backprop runs {path} lists them: name one"
        )
    if state == "unfinished":
        best = os.path.join(path, BEST)
        raise CheckpointError(
            f"{path} holds no trained model: the run has not come to its end",
            hint=f"train with --resume; or the best so far: {best}" if os.path.exists(best) else None,
        )
    return file if os.path.exists(file) else path


def checkpoints_in(folder: str) -> list[str]:
    """Return the names of a run's checkpoints, oldest first."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        names = [n for n in os.listdir(os.path.join(folder, CHECKPOINTS)) if _CHECKPOINT.fullmatch(n)]
        return sorted(names, key=lambda n: [int(x) for x in re.findall(r"\d+", n)])
    return []


def is_written(folder: str) -> bool:
    """Whether a training is writing a folder."""
    try:
        Lock(folder).release()
    except BlockingIOError:
        return True
    return False


def last_of(path: str, name: str) -> str:
    """Return the last of ``path``, ``path-2``, ... that has checkpoints of a run of that name."""
    found = [(number, f) for number, f in _numbered(path) if checkpoints_in(f)]
    own = os.path.normpath(path)
    return max([(0, path), *((n, f) for n, f in found if f == own or _name_of(f) == name)])[1]


def _numbered(path: str) -> Iterator[tuple[int, str]]:
    """Yield ``path``, ``path-2``, ... as far as they are there, with their numbers, in no order."""
    above, base = os.path.split(os.path.normpath(path))
    numbered = re.compile(re.escape(base) + r"(?:-([0-9]{1,9}))?")
    with contextlib.suppress(OSError):
        for entry in os.listdir(above or os.curdir):
            match = numbered.fullmatch(entry)
            if match:
                yield int(match[1] or 1), os.path.join(above, entry)


def _name_of(folder: str) -> str | None:
    """Return the name of the run in a folder, as its config has it."""
    try:
        with open(os.path.join(folder, CONFIG), encoding="utf-8") as file:
            found = re.search(r"^name: (.*)$", file.read(), re.MULTILINE)
    except (OSError, ValueError):
        return None
    return found[1].strip("\"'") if found else None
