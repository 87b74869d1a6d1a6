"""How many cores there is work for."""

from __future__ import annotations

import os


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def idle_cores() -> int:
    """Return how many of them others leave idle, by the load of the last minute; one at least.

    Threads that wait for one another, those of matrix products, take many times as long on a busy core.
    """
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else cores()
    return max(1, cores() - round(load))
