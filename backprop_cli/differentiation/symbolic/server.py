"""The other end of the symbolic method: what runs in the process that has SymPy."""

from __future__ import annotations

import contextlib
import marshal
import signal
import sys
from typing import Any, BinaryIO

CPU_SECONDS = 4
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
        worker = threading.Thread(target=work, args=(job, found))
        worker.start()
        worker.join()
        marshal.dump(found, answers)
        answers.flush()


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
