"""Points in: files and pipes of CSV, TSV, JSON Lines or .npy as streams of blocks."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator
from types import TracebackType
from typing import BinaryIO, Protocol

from ..errors import DataError, FileError
from .arrays import MAGIC, ArrayReader, regular
from .block import Block, Variables
from .chunks import CHUNK, Chunks, Readable, read
from .delimited import DelimitedReader
from .dialect import PLAIN, Dialect, Translated
from .files import open_file
from .formats import opened, without_packing
from .jsonlines import JsonReader
from .pipe import live

KINDS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".npy": "npy"}


class _Reader(Protocol):
    names: list[str]
    columns: dict[str, str]

    def blocks(self) -> Iterator[Block]: ...


class PointSource:
    """A stream of points, read once from start to end; a context manager.

    Attributes:
        path: As given; ``-`` is stdin.
        kind: ``csv``, ``tsv``, ``jsonl`` or ``npy``.
        names: Names of all columns, in the order of the file.
        variables: Those variables that the file gives, in the order they were asked for.
        passed: Names of the columns that are no variables.
    """

    def __init__(
        self, path: str, kind: str, reader: _Reader, progress: Chunks | ArrayReader, stream: BinaryIO
    ) -> None:
        self.path = path
        self.kind = kind
        self.names = reader.names
        self.variables = list(reader.columns)
        used = set(reader.columns.values())
        self.passed = [name for name in reader.names if name not in used]
        self._reader = reader
        self._progress = progress
        self._stream = stream

    @property
    def fraction(self) -> float | None:
        """How much of the file is read, from 0 to 1; None for a pipe."""
        return self._progress.fraction

    def __iter__(self) -> Iterator[Block]:
        return self._reader.blocks()

    def __enter__(self) -> PointSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; stdin stays open."""
        if self.path != "-":
            self._stream.close()


def open_points(
    path: str,
    variables: Variables,
    *,
    optional: Collection[str] = (),
    block_rows: int = 65536,
    dialect: Dialect = PLAIN,
    lenient: bool = False,
) -> PointSource:
    """Open a table of points and read its header.

    The ending of the name says what it is; stdin (``-``) and other endings are told by their first bytes.

    Args:
        path: File, or ``-``.
        variables: The expression's variables, in order of first use; or what chooses them from the columns.
        optional: Those that have a value from elsewhere: their column is used where there is one.
        block_rows: Most rows of a block; blocks of text also end after 1 MiB.
        dialect: How it is written, where it is not plain CSV or TSV.
        lenient: Let ragged rows of CSV and TSV be faults of their block.
    Raises:
        FileError: when the file cannot be opened or read.
        DataError: when its header is wrong or lacks a variable.
    """
    stream = _open(path)
    try:
        return _source(stream, path, variables, optional, block_rows, dialect, lenient)
    except BaseException:
        if path != "-":
            stream.close()
        raise


def points_of(stream: BinaryIO, path: str) -> PointSource:
    """Return a stream of CSV, made of something else, as a table; ragged rows are faults of their block."""
    chunks = Chunks(stream, "<stdin>" if path == "-" else path)
    return PointSource(path, "csv", DelimitedReader(chunks, "csv", (), (), 65536, True), chunks, stream)


def _source(
    stream: BinaryIO,
    path: str,
    variables: Variables,
    optional: Collection[str],
    block_rows: int,
    dialect: Dialect,
    lenient: bool,
) -> PointSource:
    name = "<stdin>" if path == "-" else path
    ending = os.path.splitext(without_packing(path))[1].lower()
    source: Readable = stream
    if ending == ".npy":
        kind, head = "npy", read(stream, CHUNK, name)
    else:
        source, head, name, ending = opened(stream, name, ending, dialect.encoding)
        head = head or read(source, CHUNK, name)
        kind = KINDS.get(ending) or sniff(head)
    if kind not in ("csv", "tsv") and not dialect.is_plain:
        raise DataError(
            f"separator, comment, decimal and header are for tables of text, not for {kind}", place=name
        )
    if kind == "npy":
        array = ArrayReader(stream, name, variables, optional, block_rows, head, regular(path))
        return PointSource(path, kind, array, array, stream)
    size = os.path.getsize(path) if regular(path) and source is stream else None
    if dialect.is_plain:
        chunks = Chunks(source, name, head, size)
    else:
        translated = Translated(source, name, head, kind, dialect)
        chunks = Chunks(translated, name, translated.read(CHUNK))
        chunks.line = translated.first_line
    reader: _Reader
    if kind == "jsonl":
        reader = JsonReader(chunks, variables, optional, block_rows)
    else:
        reader = DelimitedReader(chunks, kind, variables, optional, block_rows, lenient)
    return PointSource(path, kind, reader, chunks, stream)


def sniff(head: bytes) -> str:
    """Tell the kind of a table from its first bytes."""
    if head.startswith(MAGIC):
        return "npy"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{"):
        return "jsonl"
    header = text.splitlines()[0] if text else b""
    return "tsv" if b"\t" in header else "csv"


def _open(path: str) -> BinaryIO:
    if path == "-":
        if sys.stdin is None:
            raise FileError("cannot read the points: stdin is closed")
        return live(sys.stdin.buffer)
    if os.path.isdir(path):
        raise FileError(f"cannot read {path}: it is a directory")
    try:
        stream = open_file(path)
        return stream if regular(path) else live(stream)
    except FileNotFoundError:
        raise FileError(f"cannot read {path}: there is no such file") from None
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise FileError(f"cannot read {path}: {reason}") from exc
