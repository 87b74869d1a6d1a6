"""Answers given anew whenever a file changes: ``--watch``."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

import click

from ..errors import BROKEN_PIPE, INTERRUPTED, TERMINATED, UsageError
from .stderr import at_words

BEAT = 0.2
"""Seconds between two looks at a file; what is written over several of them is read when it rests."""

CLEAR = "\x1b[H\x1b[2J"
"""A terminal's screen emptied."""

ENDS = (INTERRUPTED, TERMINATED, BROKEN_PIPE)
"""Statuses after which nothing is waited for."""

State = tuple[int, int] | None


def watch_option(function: Callable[..., int]) -> Callable[..., int]:
    """Add ``--watch`` to a command, which then answers again and again."""

    @wraps(function)
    def command(*args: Any, watch: bool, **options: Any) -> int:
        if not watch:
            return function(*args, **options)
        from .main import ended

        files = files_of(options)
        told = at_words(f"note: watching {', '.join(files)}; Ctrl-C ends")
        while True:
            if options.get("output") is None and sys.stdout is not None and sys.stdout.isatty():
                click.echo(CLEAR, nl=False)
            before = [state(file) for file in files]
            status = ended(lambda: function(*args, **options), sys.argv[1:])
            if status in ENDS:
                return status
            if sys.stdout is not None:
                sys.stdout.flush()
            if not options["quiet"]:
                click.echo(told, err=True)
            wait(files, before)
            if "open_" in options:
                options["open_"] = False  # the browser has the page

    option = click.option("--watch", is_flag=True, help="Answer anew whenever a file that is read changes.")
    return option(command)


def files_of(options: Mapping[str, Any]) -> list[str]:
    """Return the files that a command reads: the program's, the points', values' and a config.

    Raises:
        UsageError: where there are none.
    """
    named = [word for key in ("file", "config") if (word := options.get(key)) is not None]
    maybe = [options.get("expression") or "", *(binding.text for binding in options["bindings"])]
    for part in (options.get("points") or "").split(","):
        maybe += [part, part.partition("=")[2]]
    found = [*named, *(word for word in maybe if word and "\n" not in word and os.path.isfile(word))]
    files = list(dict.fromkeys(file for file in found if file != "-"))
    if not files:
        raise UsageError("--watch waits for a file to change, and none is read", hint="--file program.bp")
    return files


def state(file: str) -> State:
    """Return when a file was written and how long it is; None while there is none."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def wait(files: Sequence[str], before: Sequence[State]) -> None:
    """Wait until a file is another one than it was, and rests."""
    now = list(before)
    while True:
        time.sleep(BEAT)
        last, now = now, [state(file) for file in files]
        if now == last != list(before) and None not in now:
            return
