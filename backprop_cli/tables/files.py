"""Files that are read: opened without waiting, or taken whole, or stdin."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Iterable
from io import BufferedReader
from itertools import chain, count

from ..errors import FileError

_HANDED = re.compile(r"/dev/(fd/[0-9]+|stdin)|/proc/(self|[0-9]+)/fd/[0-9]+")
"""What a shell hands over by a name, as in ``<(command)``."""


def open_file(path: str, *, links: bool = True) -> BufferedReader:
    """Open a file for reading that does not wait: not a named pipe, whose writer may never come.

    Args:
        path: As the user gave it.
        links: Whether a link is followed; if not, devices are refused, too.
    Raises:
        OSError: for such a one, too, and for a terminal.
    """
    flags = (
        os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
    )
    if not links:
        if os.path.islink(path):
            raise OSError(errno.EINVAL, "it is a link, and those are not followed here", path)
        flags |= getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        waits = stat.S_ISFIFO(mode) or os.isatty(descriptor)
        if (waits and not _HANDED.fullmatch(path)) or not (links or stat.S_ISREG(mode)):
            raise OSError(errno.EINVAL, "it is no regular file", path)
        if not stat.S_ISREG(mode):
            os.set_blocking(descriptor, True)
        return open(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def bytes_of(path: str, most: int | None = None, *, links: bool = True) -> bytes:
    """Return the bytes of a file, ``-`` being stdin.

    Args:
        path: As the user gave it.
        most: Of a larger file one byte more is read, which shows that it is too large.
        links: Whether a link is followed, and a device read.
    Raises:
        FileError: when it cannot be read.
    """
    size = -1 if most is None else most + 1
    try:
        if path == "-":
            if sys.stdin is None:
                raise FileError("stdin is closed")
            return sys.stdin.buffer.read(size)
        with open_file(path, links=links) as file:
            return file.read(size)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise FileError(f"{path or 'an empty name'}: {reason}") from None


MOST_BYTES = 200
"""Of a name of a file, without its ending: file systems take 255."""


def stems(people: Iterable[str]) -> dict[str, str]:
    """Return names of files for people: their own, without what no file's name has.

    No two differ by capitals alone: some file systems do not tell these apart.
    """
    found: dict[str, str] = {}
    taken = set[str]()
    for name in people:
        plain = re.sub(r'[/\\:*?"<>|\x00-\x1f]', "_", name)
        plain = plain.encode("utf-8", "replace")[:MOST_BYTES].decode("utf-8", "ignore").strip(" .") or "_"
        numbered = (f"{plain}_{n}" for n in count(2))
        found[name] = next(stem for stem in chain([plain], numbered) if stem.casefold() not in taken)
        taken.add(found[name].casefold())
    return found
