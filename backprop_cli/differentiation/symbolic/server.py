"""The other end of the symbolic method: what runs in the process that has SymPy."""

from __future__ import annotations

import contextlib
import marshal
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

CPU_SECONDS = 4
LATER_SECONDS = 4.0
"""For what makes an answer better that is there already."""
MEMORY = 768 << 20
"""Address space that answers may take; what a forked process has from its parent is not counted."""
STACK = 64 << 20


def serve() -> None:
    """Serve jobs from stdin to stdout."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answer_jobs(sys.stdin.buffer, sys.stdout.buffer)


def answer_jobs(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer one job after the other until there are no more."""
    import gc
    import threading
    from functools import partial

    gc.disable()  # importing SymPy is a sixth faster without
    from .jobs import work

    limit_memory()
    threading.stack_size(STACK)
    sys.setrecursionlimit(30_000)
    while True:
        try:
            job = marshal.load(requests)
        except (EOFError, ValueError, TypeError):
            return
        limit_time()
        found: dict[str, Any] = {}

        def done(do: Callable[[], None], seconds: float | None) -> bool:
            worker = threading.Thread(target=do, daemon=True)
            worker.start()
            worker.join(seconds)
            return not worker.is_alive()

        done(partial(work, job, found), None)
        later = found.pop("later", None)
        last = later is not None and not done(later, LATER_SECONDS)
        marshal.dump((found, last), answers)
        answers.flush()
        if last:  # SymPy cannot be stopped; whoever asks next starts a process anew
            os._exit(0)


def limit_memory() -> None:
    """Give this process `MEMORY` more than it has, where the system can."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        limit = _address_space(resource.getpagesize()) + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _address_space(page: int) -> int:
    """Return the bytes of address space of this process; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * page
    except OSError:
        return 0


def limit_time() -> None:
    """Give this process `CPU_SECONDS` more from now on, where the system can."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        usage = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(usage.ru_utime + usage.ru_stime) + CPU_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
