"""Processes that train together: which of them this one is, and where they meet."""

from __future__ import annotations

import os
import re
import socket
import time
from dataclasses import dataclass

from ..errors import ProcessError, UsageError

WAIT = 60
"""Seconds that processes wait for each other before they begin."""

BEATS = 20
"""Seconds without a sign of life after which a process is taken for dead."""

AGAIN = 0.2
"""Seconds between two tries to reach the coordinator."""


@dataclass(frozen=True)
class Place:
    """This process among the others.

    Attributes:
        number: From 0; process 0 writes what is written.
        count: Of all.
        host: Where process 0 is to be reached.
        port: The same.
    """

    number: int
    count: int
    host: str
    port: int

    @classmethod
    def of(cls, process: str | None, coordinator: str | None) -> Place | None:
        """Read ``0/2`` and ``HOST:PORT``; None where there is nothing to read.

        Raises:
            UsageError: for anything else.
        """
        if process is None and coordinator is None:
            return None
        if process is None or coordinator is None:
            raise UsageError("--process 0/2 and --coordinator HOST:PORT go together")
        said = re.fullmatch(r"(\d{1,6})/(\d{1,6})", process)
        if said is None or not int(said[1]) < int(said[2]):
            raise UsageError(
                f"--process {process}: which process of how many, counted from 0",
                hint="of two: --process 0/2 and --process 1/2",
            )
        host, _, port = coordinator.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
            raise UsageError(
                f"--coordinator {coordinator}: the host and a free port of process 0, as HOST:PORT",
                hint="on one machine: --coordinator 127.0.0.1:12345",
            )
        return cls(int(said[1]), int(said[2]), host, int(port))

    @property
    def named(self) -> str:
        """What it is called in messages."""
        return f"process {self.number} of {self.count}"

    @property
    def coordinator(self) -> str:
        """Where processes meet."""
        return f"{self.host}:{self.port}"

    def meet(self) -> None:
        """Look whether the port is free, or the coordinator answers.

        Raises:
            ProcessError: where it is not, or does not in a minute.
        """
        if self.number == 0:
            try:
                socket.create_server(("", self.port)).close()
            except OSError as error:
                raise ProcessError(
                    f"port {self.port} cannot be listened on: {os.strerror(error.errno or 0)}",
                    hint="another --coordinator HOST:PORT, the same for all processes",
                ) from None
            return
        end = time.monotonic() + WAIT
        while True:
            try:
                socket.create_connection((self.host, self.port), timeout=WAIT).close()
                return
            except OSError as error:
                if time.monotonic() > end or isinstance(error, socket.gaierror):
                    raise ProcessError(
                        f"{self.named}: the coordinator {self.coordinator} does not answer:"
                        f" {error.strerror or error}",
                        hint=f"process 0 has to begin within {WAIT} s, where all others reach it",
                    ) from None
            time.sleep(AGAIN)

    @property
    def words(self) -> list[str]:
        """The options that say it."""
        return ["--process", f"{self.number}/{self.count}", "--coordinator", self.coordinator]

    def vain(self) -> ProcessError:
        """Return what there is to say where not all processes came."""
        return ProcessError(
            f"{self.named}: not all of {self.count} processes came to {self.coordinator} within {WAIT} s",
            hint=f"--process 0/{self.count} to {self.count - 1}/{self.count}, each once",
        )

    def gone(self) -> ProcessError:
        """Return what there is to say where a process has ended amid the training."""
        return ProcessError(
            f"{self.named}: another process has ended, and with it the training",
            hint="all of them again with --resume go on from the last checkpoint",
        )


ENDING = 3600
"""Seconds that a process waits for others that still write, once it has nothing more to do."""


def joined(place: Place) -> None:
    """Make this process one of several, before anything is computed; what fails here ends it at once."""
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(
        place.coordinator,
        place.count,
        place.number,
        initialization_timeout=WAIT,
        heartbeat_timeout_seconds=BEATS,
        shutdown_timeout_seconds=ENDING,
    )


def parted() -> None:
    """Wait for the other processes to have nothing more to do."""
    import jax

    jax.distributed.shutdown()
