"""A byte stream as chunks of whole lines, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, BinaryIO, Protocol

from ..errors import DataError, FileError

LINE_LIMIT = 1 << 20
CHUNK = 1 << 20  # not above LINE_LIMIT: a line that is too long must cross the end of a chunk

_NOT_TEXT = "a table is UTF-8 text: CSV, TSV or JSON Lines"


WATCH: ContextVar[Callable[[str, int], None] | None] = ContextVar("watch", default=None)
"""Told of bytes as they are read: the path, and how many."""


class Readable(Protocol):
    """What bytes come from: a file, a pipe, or what is made of one."""

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes, none at the end."""


class Chunks:
    """Reads a stream in chunks that end where a line ends.

    Args:
        stream: Opened for binary reading.
        path: Name of the stream, for messages.
        head: Bytes that were already read from it.
        size: Bytes in all, when known.

    Attributes:
        line: Number of the first line of the next chunk, from 1; kept by whoever takes the chunks.
    """

    def __init__(self, stream: Readable, path: str, head: bytes = b"", size: int | None = None) -> None:
        self.path = path
        self.line = 1
        self._stream = stream
        self._head = self._without_mark(head or read(stream, 4, path))
        self._carry = b""
        self._pushed: list[bytes] = []
        self._size = size
        self._read = max(len(head), 4)

    @property
    def fraction(self) -> float | None:
        """How much of the stream is read, from 0 to 1; None when its size is not known."""
        return min(self._read / self._size, 1.0) if self._size else None

    def push(self, data: bytes) -> None:
        """Put back the end of a chunk, to be taken next."""
        if data:
            self._pushed.append(data)

    def take(self) -> bytes:
        """Return the next whole lines, line ends as they are; empty at the end of the stream.

        Raises:
            DataError: for a line above `LINE_LIMIT` bytes.
            FileError: when reading fails.
        """
        if self._pushed:
            return self._pushed.pop()
        while True:
            data = self._next()
            if not data:
                whole, self._carry = self._carry, b""
                return whole
            if not self._carry.endswith(b"\r"):
                self._check_length(data)
            # A carriage return in the last place may be half of a CRLF: its line waits.
            end = max(data.rfind(b"\n"), data.rfind(b"\r", 0, -1)) + 1
            if end == 0 and self._carry.endswith(b"\r"):
                whole, self._carry = self._carry, data
                return whole
            if end:
                whole, self._carry = self._carry + data[:end], data[end:]
                return whole
            self._carry += data

    def _next(self) -> bytes:
        data, self._head = self._head, b""
        if not data:
            data = read(self._stream, CHUNK, self.path)
            self._read += len(data)
        return data

    def _without_mark(self, data: bytes) -> bytes:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise DataError(
                "the text is UTF-16, not UTF-8",
                place=f"{self.path}:1:1",
                hint="data.encoding: utf-16 in a config, --encoding utf-16 on the command line",
            )
        return data.removeprefix(b"\xef\xbb\xbf")

    def _check_length(self, data: bytes) -> None:
        ends = [at for at in (data.find(b"\n"), data.find(b"\r")) if at >= 0]
        end = min(ends, default=len(data))
        if len(self._carry) + end <= LINE_LIMIT:
            return
        nul = (start := self._carry + data[:end]).find(b"\0")
        if nul >= 0:
            check_text(start[: nul + 1], self.path, self.line)
        raise DataError(f"the line is longer than {LINE_LIMIT >> 20} MiB", place=f"{self.path}:{self.line}:1")


def read(stream: Readable, size: int, path: str) -> bytes:
    """Read up to ``size`` bytes (all for -1); a failure is a `FileError`."""
    try:
        data = stream.read(size)
        if (watch := WATCH.get()) is not None:
            watch(path, len(data))
        return data
    except OSError as exc:
        raise FileError(f"cannot read {path}: {exc.strerror or exc}") from exc


class Watched:
    """A file that others read, whose bytes are told of."""

    def __init__(self, file: BinaryIO, path: str) -> None:
        self._file, self._path = file, path
        self._watch = WATCH.get()

    def read(self, size: int = -1) -> bytes:
        """Read as the file does."""
        data = self._file.read(size)
        if self._watch is not None:
            self._watch(self._path, len(data))
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def unix(data: bytes) -> bytes:
    """Return text with CRLF and lone CR as LF, and one at its end."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data if data.endswith(b"\n") else data + b"\n"


def check_text(line: bytes, path: str, number: int) -> str:
    """Decode one line.

    Raises:
        DataError: for a NUL byte or a byte that is not UTF-8, with its place.
    """
    nul = line.find(b"\0")
    if nul >= 0:
        column = len(line[:nul].decode(errors="replace")) + 1
        raise DataError("a NUL byte: the file is not text", place=f"{path}:{number}:{column}", hint=_NOT_TEXT)
    try:
        return line.decode()
    except UnicodeDecodeError as exc:
        column = len(line[: exc.start].decode()) + 1
        raise DataError(
            f"byte 0x{line[exc.start]:02x} is not UTF-8",
            place=f"{path}:{number}:{column}",
            hint=f"{_NOT_TEXT}; of another encoding where that is said:"
            " data.encoding: latin-1 in a config, --encoding latin-1 on the command line",
        ) from None
