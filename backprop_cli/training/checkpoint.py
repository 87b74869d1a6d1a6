"""Model and checkpoint files: arrays and facts in safetensors, written whole or not at all.

A file is a function of its content: one metadata key, ``backprop``, holds canonical JSON with the facts
and the SHA-256 of the whole file (its own digits read as zeros). Nothing in a file is ever executed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import CheckpointError, FileError
from ..tables.files import open_file

Array = npt.NDArray[Any]

SCHEMA = 1
KEY = "backprop"
HEADER_LIMIT = 16 << 20
DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8"}
BLANK = "0" * 64

_LEFTOVER = re.compile(r"\.[0-9]+-[0-9a-f]+\.backprop-tmp")
_DIGITS = re.compile(r"[0-9a-f]{64}")
_NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)


def write_atomic(path: str, data: bytes) -> None:
    """Write a file so that, whenever the machine stops, the old one or the new one is there.

    Raises:
        FileError: when writing fails; what was at ``path`` is still there.
    """
    path = os.path.realpath(path)  # a link stays a link
    folder = os.path.dirname(path)
    try:
        mode = os.stat(path).st_mode if os.path.exists(path) else None
        if mode is not None and not stat.S_ISREG(mode):
            with open(path, "wb") as device:  # a device or pipe cannot be replaced
                device.write(data)
            return
        # not after the file, whose name may be as long as names get
        temporary = os.path.join(folder, f".{os.getpid()}-{os.urandom(4).hex()}.backprop-tmp")
        try:
            with open(temporary, "xb") as file:
                file.write(data)
                file.flush()
                _sync(file.fileno())
            if mode is not None:
                shutil.copymode(path, temporary)
            os.replace(temporary, path)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from None
    with contextlib.suppress(OSError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


def is_leftover(name: str) -> bool:
    """Whether a file is one that `write_atomic` did not come to rename."""
    return _LEFTOVER.fullmatch(name) is not None


def remove_leftovers(folder: str) -> None:
    """Remove the temporary files that a killed run left in a folder (and in none below it)."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if is_leftover(entry.name) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)


def save(path: str, arrays: Mapping[str, Array], facts: Mapping[str, Any]) -> None:
    """Write arrays and facts to a safetensors file, atomically.

    Args:
        path: Where to.
        arrays: float32, float64 or int64, any shape.
        facts: What JSON can say; floats come back exactly, infinities and NaN too, keys sorted.
    Raises:
        FileError: when writing fails.
    """
    write_atomic(path, serialized(arrays, facts))


def serialized(arrays: Mapping[str, Array], facts: Mapping[str, Any]) -> bytes:
    """Return the bytes that `save` writes."""
    from safetensors.numpy import save as to_bytes

    # the library sorts by dtype and name: the order of the mapping does not show
    tensors = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in arrays.items()}
    for name, array in tensors.items():
        if array.dtype.str not in DTYPES.values():
            raise TypeError(f"array {name} is {array.dtype}, not float32, float64 or int64")
    if not {"schema", "sha256"}.isdisjoint(facts):
        raise ValueError("schema and sha256 are facts of the file format")
    text = json.dumps({**facts, "schema": SCHEMA, "sha256": BLANK}, sort_keys=True, separators=(",", ":"))
    data = to_bytes(tensors, {KEY: text})
    start = _digits_at(data, BLANK, len(data))
    digits = hashlib.sha256(data).hexdigest().encode()
    return data[:start] + digits + data[start + len(digits) :]


def _digits_at(data: bytes | bytearray, digits: str, end: int) -> int:
    """Return where the hash stands in the header: JSON within JSON, so its quotes are escaped."""
    field = rb"\"sha256\":\""
    return data.index(field + digits.encode(), 8, end) + len(field)


def load(path: str) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read a file that `save` wrote and check every bit of it.

    No more memory is taken than the file has bytes, and none before its header is found plausible.

    Returns:
        The arrays, writable, and the facts.
    Raises:
        CheckpointError: for a file that is damaged or is something else; it says what.
        FileError: when reading fails.
    """
    data = _read(path)
    try:
        return parsed(data, path)
    except (MemoryError, RecursionError):
        raise _damaged(path, "its header is nested too deeply or names too large an array") from None


def _read(path: str) -> bytearray:
    try:
        with open_file(path) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise FileError(f"cannot read {path}: it is no regular file")
            size = status.st_size
            head = file.read(8)
            _check_header_size(head, size, path, file.read(256))
            file.seek(0)
            data = bytearray(size)
            if file.readinto(data) != size or file.read(1):
                raise _damaged(path, "its size changed while it was read")
            return data
    except FileNotFoundError:
        raise FileError(f"cannot read {path}: there is no such file") from None
    except (IsADirectoryError, PermissionError) as error:
        if os.path.isdir(path):  # Windows says that permission is missing
            raise FileError(f"cannot read {path}: it is a directory") from None
        raise FileError(f"cannot read {path}: {error.strerror}") from None
    except MemoryError:
        raise FileError(f"cannot read {path}: it does not fit into memory") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise FileError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None


def _check_header_size(head: bytes, size: int, path: str, more: bytes) -> None:
    if size == 0:
        raise CheckpointError("the file is empty", place=path)
    length = int.from_bytes(head, "little")
    plausible = len(head) == 8 and 2 <= length <= HEADER_LIMIT and more[:1] in (b"{", b"")
    if plausible and 8 + length <= size:
        return
    if plausible:
        raise _damaged(path, f"it ends after {size:,} bytes, inside its header")
    kind = _kind(head + more)
    if kind is None:
        raise _damaged(path, "it does not begin as a safetensors file does")
    raise CheckpointError(
        f"this is {kind}, not a model file",
        place=path,
        hint="backprop train writes runs/NAME/model.safetensors",
    )


def _kind(head: bytes) -> str | None:
    """Say what a file is by its first bytes; None when they tell nothing."""
    for start, kind in (
        (b"PK", "a zip archive (NumPy's .npz, PyTorch's .pt)"),
        (b"\x93NUMPY", "a NumPy array"),
        (b"\x89HDF", "an HDF5 file"),
        (b"\x1f\x8b", "a gzip file"),
        (b"%PDF", "a PDF"),
        (b"\x89PNG", "a PNG image"),
    ):
        if head.startswith(start):
            return kind
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05":
        return "a Python pickle (which can run code when it is read)"
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        text = head[: error.start].decode() if error.start > len(head) - 4 else "\0"
    return "text" if all(c.isprintable() or c in "\t\r\n\ufeff" for c in text) else None


def parsed(data: bytearray, path: str) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return what `serialized` was given, checked to the bit; ``path`` says whose bytes they are."""
    end = 8 + int.from_bytes(data[:8], "little")
    try:
        header = json.loads(data[8:end])
        tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
        metadata = header.get("__metadata__") or {}
    except (ValueError, AttributeError):
        raise _damaged(path, "its header is not JSON") from None
    if not isinstance(metadata, dict) or not isinstance(metadata.get(KEY), str):
        known = all(
            isinstance(e, dict) and {"dtype", "shape", "data_offsets"} <= set(e) for e in tensors.values()
        )
        if known and KEY.encode() not in data[8:end]:
            raise CheckpointError("a safetensors file, but none that backprop wrote", place=path)
        raise _damaged(path, "its header has lost its facts")
    try:
        facts = json.loads(metadata[KEY])
        schema, digits = facts.pop("schema"), facts.pop("sha256")
        start = _digits_at(data, digits, end)
        if not _DIGITS.fullmatch(digits):
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError):
        raise _damaged(path, "its facts cannot be read") from None
    _check_whole(data, tensors, end, path)
    hashed = hashlib.sha256(memoryview(data)[:start])
    hashed.update(BLANK.encode())
    hashed.update(memoryview(data)[start + len(BLANK) :])
    if hashed.hexdigest() != digits:
        raise _damaged(path, "its content is not what its SHA-256 says")
    if schema != SCHEMA:
        raise CheckpointError(
            f"format {schema} of model files; this backprop reads format {SCHEMA}",
            place=path,
            hint="use the version of backprop that wrote it",
        )
    return {name: _array(data, end, entry) for name, entry in tensors.items()}, facts


def _check_whole(data: bytearray, tensors: Mapping[str, Any], end: int, path: str) -> None:
    """Hold the header to what the file has: arrays side by side, from the header's end to the file's."""
    at = 0
    try:
        for entry in sorted(tensors.values(), key=lambda entry: tuple(entry["data_offsets"])):
            size = np.dtype(DTYPES[entry["dtype"]]).itemsize
            for length in entry["shape"]:
                if type(length) is not int or length < 0:
                    raise ValueError
                size *= length
            if entry["data_offsets"] != [at, at + size]:
                raise ValueError
            at += size
    except (ValueError, TypeError, KeyError):
        raise _damaged(path, "its header describes no arrays") from None
    if end + at > len(data):
        raise _damaged(path, f"it ends after {len(data):,} of {end + at:,} bytes")
    if end + at < len(data):
        raise _damaged(path, f"{len(data) - end - at:,} bytes too many follow its arrays")


def _array(data: bytearray, end: int, entry: Mapping[str, Any]) -> Array:
    start, stop = entry["data_offsets"]
    count = (stop - start) // np.dtype(DTYPES[entry["dtype"]]).itemsize
    flat = np.frombuffer(data, DTYPES[entry["dtype"]], count, end + start)
    return flat.reshape(entry["shape"])


def _damaged(path: str, why: str) -> CheckpointError:
    return CheckpointError(f"the file is damaged: {why}", place=path)
