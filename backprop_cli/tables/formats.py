"""What files are besides plain text: packed, in another encoding, of another program.

Everything that can be read is turned into CSV or JSON Lines in UTF-8, so that the readers know these alone;
the name in messages then says so, since lines and columns are those of what it became.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from io import BytesIO
from typing import Any, NamedTuple

import msgspec

from ..errors import DataError, UsageError, installing
from .chunks import CHUNK, Readable, Watched, read

GZIP = b"\x1f\x8b"
PARQUET, ARROW, FEATHER = b"PAR1", b"ARROW1", b"FEA1"
_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_ZIP = b"PK\x03\x04"

_CSV = "save it as CSV (UTF-8) there"
_FOREIGN: tuple[tuple[tuple[bytes, ...], str, str], ...] = (
    ((b"\xd0\xcf\x11\xe0",), "a spreadsheet or document of an old Office program", _CSV),
    (
        (b"MATLAB 5.0",),
        "a file of MATLAB",
        "in Python: numpy.savez('data.npz', **{k: v for k, v in scipy.io.loadmat('data.mat').items()"
        " if k[0] != '_'})",
    ),
    ((b"\x89HDF",), "an HDF5 file", "in Python: numpy.savez('data.npz', x=..., y=...)"),
    (
        (b"SQLite format 3",),
        "an SQLite database",
        "sqlite3 -csv -header FILE 'select * from TABLE' > data.csv",
    ),
    (_PICKLES, "a pickle, which is never loaded", "write it as CSV: frame.to_csv('data.csv', index=False)"),
    (
        (b"RDX2", b"RDX3", b"RDA2", b"RDA3"),
        "a file of R",
        "in R: write.csv(frame, 'data.csv', row.names=FALSE)",
    ),
    (
        (b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"\x28\xb5\x2f\xfd"),
        "packed",
        "unpack it, or pack it by gzip",
    ),
    (
        (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8"),
        "a document or picture, no table",
        "give a table of text",
    ),
    (
        (b"<!DOCTYPE", b"<!doctype", b"<html", b"<HTML", b"<?xml"),
        "a page of HTML or XML",
        "download the table itself",
    ),
)
"""First bytes of what is no table here; what it is, and what to do."""

_MARK_AND_BLANKS = b"\xef\xbb\xbf \t\r\n"


class Opened(NamedTuple):
    """A stream of text and how to speak of it.

    Attributes:
        stream: Where the bytes after ``head`` come from.
        head: The first ones.
        name: For messages.
        ending: Of the name, without that of the packing; it tells CSV from TSV.
    """

    stream: Readable
    head: bytes
    name: str
    ending: str


def refuse_foreign(head: bytes, name: str) -> None:
    """Refuse what other programs write and no table of text is.

    Raises:
        DataError: saying what it is and what to do.
    """
    for marks, what, hint in _FOREIGN:
        if head.startswith(marks):
            raise DataError(f"the file is {what}", place=name, hint=hint)
    if head.startswith(_ZIP):
        parts = (b"[Content_Types].xml", b"xl/", b"_rels/", b"mimetypeapplication/vnd.oasis")
        if any(part in head[:4096] for part in parts):
            raise DataError("the file is a spreadsheet, not text", place=name, hint=_CSV)


def opened(stream: Readable, name: str, ending: str, encoding: str | None = None) -> Opened:
    """Return a stream of UTF-8 text, whatever of the known kinds the file is.

    Args:
        stream: Opened for binary reading, at its start.
        name: For messages.
        ending: ``.csv`` of ``data.csv.gz``: without that of the packing.
        encoding: Of the text; None for UTF-8.
    Raises:
        DataError: when it is of a kind that cannot be read, or not of the encoding.
        FileError: when reading fails.
        UsageError: for an unknown encoding.
    """
    head = read(stream, CHUNK, name)
    if head.startswith(GZIP):
        stream = _Unpacked(_Joined(head, stream), name)
        head = stream.read(CHUNK)
    refuse_foreign(head, name)
    if head.startswith((PARQUET, ARROW, FEATHER)):
        return Opened(_columnar(stream, head, name), b"", f"{name} (as CSV)", ".csv")
    if encoding is not None:
        stream = _Recoded(_Joined(head, stream), name, encoding)
        head = stream.read(CHUNK)
    if ending not in (".csv", ".tsv", ".jsonl", ".ndjson") and head.lstrip(_MARK_AND_BLANKS).startswith(b"["):
        data = _records(head + _rest(stream, name), name)
        return Opened(BytesIO(data), b"", f"{name} (an object a line)", ".jsonl")
    if ending == ".json":
        _refuse_tree(head, name)
        ending = ".jsonl"
    return Opened(stream, head, name, ending)


def without_packing(name: str) -> str:
    """Return a file's name without the ``.gz`` at its end."""
    return name[:-3] if name.lower().endswith(".gz") else name


def _rest(stream: Readable, name: str) -> bytes:
    pieces = []
    while piece := read(stream, CHUNK, name):
        pieces.append(piece)
    return b"".join(pieces)


class _Joined:
    """A stream with the bytes in front that were already read from it."""

    def __init__(self, head: bytes, stream: Readable) -> None:
        self._head = head
        self._stream = stream

    def read(self, size: int = -1, /) -> bytes:
        if not self._head:
            return self._stream.read(size)
        data, self._head = (self._head, b"") if size < 0 else (self._head[:size], self._head[size:])
        return data + self._stream.read(-1) if size < 0 else data


class _Unpacked:
    """A gzip stream unpacked."""

    def __init__(self, stream: Any, name: str) -> None:
        self._name = name
        self._unpacker = gzip.GzipFile(fileobj=stream, mode="rb")

    def read(self, size: int, /) -> bytes:
        try:
            return self._unpacker.read(size)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DataError("the gzip file is damaged or cut short", place=self._name) from error


class _Recoded:
    """A stream of text turned into UTF-8."""

    def __init__(self, stream: Readable, name: str, encoding: str) -> None:
        try:
            codec = codecs.lookup(encoding)
            if not codec._is_text_encoding:
                raise LookupError
        except (LookupError, ValueError):
            raise UsageError(
                f"there is no encoding '{encoding}'", hint="such as latin-1, cp1252, utf-16, shift_jis"
            ) from None
        self._stream = stream
        self._name = name
        self._encoding = encoding
        self._decoder = codec.incrementaldecoder()
        self._ended = False

    def read(self, size: int, /) -> bytes:
        while not self._ended:
            data = read(self._stream, size, self._name)
            self._ended = not data
            try:
                text = self._decoder.decode(data, final=self._ended)
            except UnicodeError as error:
                raise DataError(
                    f"the text is not {self._encoding}: {getattr(error, 'reason', error)}", place=self._name
                ) from None
            if text:
                return text.encode()
        return b""


def _records(data: bytes, name: str) -> bytes:
    """Return a JSON list of objects as JSON Lines."""
    try:
        records = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=list[msgspec.Raw])
        lines = [bytes(record) for record in records]
        for at, line in enumerate(lines):
            if b"\n" in line or b"\r" in line:  # only between the parts: no string holds a bare line end
                lines[at] = line.replace(b"\r", b" ").replace(b"\n", b" ")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"the file is no JSON: {error}", place=name) from None
    if not lines or not lines[0].startswith(b"{"):
        raise DataError(
            "the file is a JSON list, but not of objects",
            place=name,
            hint='[{"x": 1, "y": 2}, ...]; with pandas: frame.to_json(path, orient=\'records\')',
        )
    return b"\n".join(lines) + b"\n"


def _refuse_tree(head: bytes, name: str) -> None:
    """Refuse a JSON object that is a whole table, column by column."""
    line = head.lstrip(_MARK_AND_BLANKS).partition(b"\n")[0]
    try:
        first = msgspec.json.decode(line, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        if line.count(b"{") <= line.count(b"}"):
            return  # the reader says what is wrong with the line
        first = {"": {}}
    if first and all(isinstance(value, dict | list) for value in first.values()):
        raise DataError(
            "the file is one JSON object, not one for each row",
            place=name,
            hint="a list of objects, or one a line; with pandas: frame.to_json(path, orient='records')",
        )


def _columnar(stream: Any, head: bytes, name: str) -> Readable:
    """Return a Parquet, Arrow or Feather file as a stream of CSV; what cannot be searched is taken whole."""
    try:
        from .columnar import Columnar
    except ImportError:
        kind = "a Parquet file" if head.startswith(PARQUET) else "an Arrow file"
        raise DataError(
            f"the file is {kind}, which takes the library pyarrow",
            place=name,
            hint=f"{installing('arrow')}, or write it as CSV",
        ) from None
    searched = hasattr(stream, "seekable") and stream.seekable()
    return Columnar(Watched(stream, name) if searched else BytesIO(head + _rest(stream, name)), head, name)
