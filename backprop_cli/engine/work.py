"""Long work: who watches it hears how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")

Watch = Callable[[str, int, int | None], None]
"""Hears what is done, how much of it, and of how much where that is known; an empty word where it ends."""

WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)


def through(things: Sequence[T], what: str) -> Iterator[T]:
    """Yield things, and tell who watches of each.

    Args:
        things: All of them.
        what: What is done, in words that a count follows: ``judging sheet``.
    """
    watch = WATCH.get()
    if watch is None:
        yield from things
        return
    try:
        for k, thing in enumerate(things):
            watch(what, k + 1, len(things))
            yield thing
    finally:
        watch("", 0, None)
