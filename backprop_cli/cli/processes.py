"""One of several processes that train together: how it ends is told in a line, whatever ends it.

Libraries that connect processes abort theirs where another one goes, and print what only they understand. So
the training is in a process below this one, which waits for it and says what became of it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from io import TextIOWrapper
from typing import Any

from ..engine.processes import Place
from ..errors import ANSWERED, INTERRUPTED, NO, NO_SUCH_NUMBER, TERMINATED
from .main import ended

GONE = 75
"""Status of the process below where another one has gone: it says nothing itself."""

TOGETHER = (ANSWERED, NO, NO_SUCH_NUMBER, INTERRUPTED, TERMINATED)
"""Statuses that all processes come to."""

LOST = ("gloo", "nccl", "coordination", "unavailable", "deadline", "connection")
"""What is in errors that other processes are to blame for."""


def apart(place: Place, join: Callable[[], None], run: Callable[[], int]) -> int:
    """Run a part of a training in a process below this one, and return its status.

    Args:
        place: Which part.
        join: Meets the others.
        run: Takes part, and returns a status.
    Raises:
        ProcessError: where the others do not come, or one of them goes.
    """
    place.meet()
    if not hasattr(os, "fork"):
        join()
        return run()
    alive, held = os.pipe()
    come, told = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)  # Ctrl-C comes through the process above, once
        os.close(held)
        threading.Thread(target=_until_closed, args=(alive,), daemon=True).start()
        _speak_past_libraries()

        def joined() -> int:
            join()
            os.write(told, b".")
            return run()

        _leave(ended(lambda: _guarded(joined), sys.argv[1:]))
    os.close(told)
    os.close(alive)
    status = _waited(child)
    if status in (GONE, -signal.SIGABRT):
        raise place.gone() if os.read(come, 1) else place.vain()
    return status if status >= 0 else 128 - status


def _guarded(run: Callable[[], int]) -> int:
    try:
        return run()
    except (RuntimeError, ValueError) as error:
        if any(word in str(error).lower() for word in LOST):
            os._exit(GONE)
        raise


def _leave(status: int) -> None:
    """End the process below: with the others, where all end so, and at once where it alone cannot go on."""
    from ..engine.processes import parted

    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if status in TOGETHER:
        parted()
    os._exit(status)


def _waited(child: int) -> int:
    """Wait for the process below, passing on what this one is told to do; the second time it is killed."""
    told: list[int] = []

    def pass_on(number: int, _: Any) -> None:
        told.append(number)
        os.kill(child, number if len(told) == 1 else signal.SIGKILL)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _until_closed(alive: int) -> None:
    """End this process when the one above has gone."""
    os.read(alive, 1)
    os._exit(128 + signal.SIGKILL)


def _speak_past_libraries() -> None:
    """Keep stdout and stderr for Python: what libraries write to them goes nowhere."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        own = os.dup(stream.fileno())
        binary = os.fdopen(own, "wb")
        made = TextIOWrapper(binary, stream.encoding, stream.errors, line_buffering=stream.line_buffering)
        setattr(sys, name, made)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
