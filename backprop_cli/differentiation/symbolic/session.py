"""The one process that has SymPy, for everybody in this program who asks."""

from __future__ import annotations

import atexit
import os
from _thread import RLock  # what threading gives, without the import
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .process import SymbolicProcess


class Session:
    """Keeps a process and lends it to one thread at a time.

    Attributes:
        forks: Whether the process is forked: faster, but only for a program that has a single thread.
    """

    def __init__(self) -> None:
        self.forks = False
        self._one_at_a_time = RLock()
        # by the process that asks: a forked child of the caller's shares no pipes with its parent
        self._processes: dict[int, SymbolicProcess] = {}

    def start(self) -> SymbolicProcess:
        """Return the process, started by now."""
        process = self._processes.get(os.getpid())
        if process is None:
            from .process import SymbolicProcess

            process = self._processes[os.getpid()] = SymbolicProcess(fork=self.forks)
            atexit.register(process.close)
        return process

    @contextmanager
    def lend(self) -> Iterator[SymbolicProcess]:
        """Lend the process."""
        with self._one_at_a_time:
            yield self.start()

    def close(self) -> None:
        """End the process."""
        process = self._processes.pop(os.getpid(), None)
        if process is not None:
            process.close()
            atexit.unregister(process.close)


SESSION = Session()
