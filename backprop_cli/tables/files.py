"""A whole file, or stdin, at once."""

from __future__ import annotations

import sys

from ..errors import FileError


def bytes_of(path: str, most: int | None = None) -> bytes:
    """Return the bytes of a file, ``-`` being stdin.

    Args:
        path: As the user gave it.
        most: Of a larger file one byte more is read, which shows that it is too large.
    Raises:
        FileError: when it cannot be read.
    """
    size = -1 if most is None else most + 1
    try:
        if path == "-":
            if sys.stdin is None:
                raise FileError("stdin is closed")
            return sys.stdin.buffer.read(size)
        with open(path, "rb") as file:
            return file.read(size)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise FileError(f"{path or 'an empty name'}: {reason}") from None
