"""Reading a pipe as it is written: what is there is taken, and only where nothing is there one waits."""

from __future__ import annotations

import select
from typing import Any, BinaryIO

from .arrays import MAGIC


class Pipe:
    """A stream whose `read` returns once there are bytes, not once there are as many as asked for.

    The first read goes on to the end of a line, so that the kind of a table shows.

    Args:
        stream: Opened for binary reading, buffered.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream: Any = stream
        self._begun = False

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes (all for -1); none at the end."""
        if size < 0:
            data: bytes = self._stream.read()
            return data
        parts: list[bytes] = []
        left = size
        while left and (not parts or self._goes_on(parts[-1])):
            data = self._stream.read1(left)
            if not data:
                break
            parts.append(data)
            left -= len(data)
        self._begun = True
        return b"".join(parts)

    def _goes_on(self, last: bytes) -> bool:
        if not self._begun and b"\n" not in last and b"\r" not in last and not MAGIC.startswith(last[:6]):
            return True
        try:
            return bool(select.select([self._stream], [], [], 0)[0])
        except (OSError, ValueError):  # Windows tells this of sockets alone
            return False

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()


def live(stream: BinaryIO) -> BinaryIO:
    """Return a `Pipe` on a stream that has a descriptor, else the stream."""
    try:
        stream.fileno()
    except (OSError, AttributeError):
        return stream
    return Pipe(stream) if hasattr(stream, "read1") else stream  # type: ignore[return-value]
