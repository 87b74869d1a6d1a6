"""Digits of multi-precision numbers."""

from __future__ import annotations

from _thread import RLock  # what threading gives, without the import
from collections.abc import Iterator
from contextlib import contextmanager

_ONE_AT_A_TIME = RLock()


@contextmanager
def digits(count: int) -> Iterator[None]:
    """Compute with so many decimal digits in mpmath.

    Its precision is one for the whole program: two threads that set it would spoil each other's numbers,
    and leave the caller's mpmath as the first of them had it.
    """
    from mpmath import mp

    with _ONE_AT_A_TIME, mp.workdps(count):
        yield
