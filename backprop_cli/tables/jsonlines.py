"""JSON Lines points: one object a line, a key per variable."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from json import JSONDecoder
from operator import attrgetter

import msgspec
import numpy as np

from ..errors import DataError
from .block import Floats, Pending, TextBlock, Variables, chosen, column_of, missing_column
from .chunks import Chunks, check_text, unix
from .numerals import cut, lost_sign, number

_BLANK = b" \t"
_BYTE = re.compile(r"(.*) \(byte ([0-9]+)\)$")
_SPACE = re.compile(r"[ \t]*")
_objects = msgspec.json.Decoder(dict[str, object])
_raw = msgspec.json.Decoder(dict[str, msgspec.Raw])
# Numbers stay text: Python's int refuses more than 4,300 digits.
_member = JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


class JsonBlock(TextBlock):
    """Rows of a JSON Lines file."""

    kind = "jsonl"

    def passed(self) -> dict[str, list[object]]:
        """Return the values of the keys that are no variables; None where a row lacks one.

        Raises:
            DataError: for a key that the first line of the file lacks: a table has no column for it.
        """
        rows, known, used = self._objects(), set(self.names), set(self.columns.values())
        for i, row in enumerate(rows):
            extra = row.keys() - known
            if extra:
                raise DataError(
                    f"the key '{min(extra)}' is not in the first line",
                    place=self.place(i),
                    hint="a table needs the same keys in every line; JSON Lines output does not",
                )
        return {name: [row.get(name) for row in rows] for name in self.names if name not in used}

    def records(self) -> list[dict[str, object]]:
        """Return every row as key -> value, each with its own keys; variables are floats."""
        rows = self._objects()
        for variable, key in self.columns.items():
            for row, value in zip(rows, self.values[variable].tolist(), strict=True):
                row[key] = value
        return rows

    def keys(self) -> list[set[str]]:
        """Return the keys of every row."""
        return [set(row) for row in _raw.decode_lines(b"\n".join(self.lines))]

    def _objects(self) -> list[dict[str, object]]:
        try:
            return _objects.decode_lines(b"\n".join(self.lines))
        except msgspec.ValidationError:
            # A reader keeps what passes through as text, so only here a number can be too large.
            for i, line in enumerate(self.lines):
                for key, value in _raw.decode(line).items():
                    try:
                        msgspec.json.decode(value)
                    except msgspec.ValidationError as exc:
                        raise DataError(
                            f"'{key}': {cut(bytes(value).decode())} is too large for a number",
                            place=self.place(i),
                        ) from exc
            raise


class JsonReader:
    """Reads blocks from JSON Lines.

    A variable's key may stand once in an object; of two equal keys that pass through, the text keeps both
    and the records the last. The keys of the first object are the columns.

    Args:
        chunks: The text.
        variables: Names to look for, in order.
        optional: Those that need no key.
        block_rows: Most rows of a block.
    Raises:
        DataError: when the first object is missing or lacks a variable.
    """

    def __init__(
        self, chunks: Chunks, variables: Variables, optional: Collection[str], block_rows: int
    ) -> None:
        self._chunks = chunks
        self._path = chunks.path
        self._block_rows = block_rows
        self._first_row = 0
        self.names = self._first_keys()
        variables = chosen(variables, self.names)
        self.columns = column_of(self.names, variables)
        for variable in variables:
            if variable not in self.columns and variable not in optional:
                raise missing_column(variable, self.names, f"{self._path}:{chunks.line}:1")
        self._absent = [name for name in variables if name not in self.columns]
        self._keys = {name: msgspec.json.encode(key) for name, key in self.columns.items()}
        fields = {name: f"c{i}" for i, name in enumerate(self.columns)}
        row = msgspec.defstruct(
            "Row",
            [(field, float) for field in fields.values()],
            rename={field: self.columns[name] for name, field in fields.items()},
            gc=False,
        )
        self._decoder = msgspec.json.Decoder(row)
        self._getters = {name: attrgetter(field) for name, field in fields.items()}

    def blocks(self) -> Iterator[TextBlock]:
        """Yield the rows in blocks.

        Raises:
            DataError: for a line that is no JSON object, lacks a variable, has it twice, or has something
                else there than a finite number; with its place.
        """
        while data := self._chunks.take():
            lines = unix(data)
            rows = lines.count(b"\n")
            values = self._values(lines[:-1], rows) if rows <= self._block_rows else None
            if values is None:
                yield from self.exact(lines)
                continue
            line = self._chunks.line
            self._chunks.line += rows
            yield self._make(values, rows, lines, range(line, line + rows))

    def _make(
        self, values: dict[str, Floats], rows: int, text: bytes | list[bytes], lines: Sequence[int]
    ) -> TextBlock:
        first, self._first_row = self._first_row, self._first_row + rows
        return JsonBlock(values, rows, first, self.columns, self.names, text, lines, self._path)

    def _values(self, text: bytes, rows: int) -> dict[str, Floats] | None:
        """Read lines that are one object each; None when anything in them is unusual.

        The decoder takes objects however they lie on the lines. Between ``}`` and ``{`` JSON needs a comma
        inside anything, so where only a line end stands an object ends and the next begins: with as many
        objects as lines, each line is one. A key written twice, unless in escapes, is found by counting.
        """
        if not text.startswith(b"{") or not text.endswith(b"}") or text.count(b"}\n{") != rows - 1:
            return None
        if b"\\u" in text or any(f'"{name}"'.encode() in text for name in self._absent):
            return None
        if any(text.count(key) != rows for key in self._keys.values()):
            return None
        try:
            if not text.isascii():
                text.decode()
            objects = self._decoder.decode_lines(text)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        if len(objects) != rows:
            return None
        values = {
            name: np.fromiter(map(get, objects), np.float64, rows) for name, get in self._getters.items()
        }
        return None if any(lost_sign(column, text) for column in values.values()) else values

    def exact(self, data: bytes) -> Iterator[TextBlock]:
        """Read lines one by one: the definition of what this reader accepts."""
        pending = Pending(self.columns)
        for raw in data[:-1].split(b"\n"):
            line = self._chunks.line
            if raw.strip(_BLANK):
                pending.add(self._row(raw, line), raw.strip(_BLANK), line)
            self._chunks.line += 1
            if len(pending.text) == self._block_rows:
                yield self._make(*pending.take())
        if pending.text:
            yield self._make(*pending.take())

    def _row(self, raw: bytes, line: int) -> list[float]:
        text = check_text(raw, self._path, line)
        seen: dict[str, tuple[int, int]] = {}
        watched = {*self.columns.values(), *self._absent}
        for key, key_at, start, end in members(text, self._path, line):
            if key not in watched:
                continue
            if key in seen:
                raise self._error(f"the key '{key}' stands twice", line, key_at)
            if key in self._absent:
                raise self._error(f"the key '{key}' is not in the first line", line, key_at)
            seen[key] = start, end
        values = []
        for key in self.columns.values():
            if key not in seen:
                raise self._error(f"no key '{key}' in this line", line, 0)
            start, end = seen[key]
            value = text[start:end]
            if value[0] not in "-0123456789":
                raise self._error(f"'{key}' is {cut(value)}, not a number", line, start)
            try:
                values.append(number(value))
            except ValueError as exc:
                raise self._error(f"'{key}': {exc}", line, start) from None
        return values

    def _error(self, message: str, line: int, offset: int) -> DataError:
        return DataError(message, place=f"{self._path}:{line}:{offset + 1}")

    def _first_keys(self) -> list[str]:
        chunks = self._chunks
        while data := chunks.take():
            lines = unix(data).split(b"\n")
            for i, raw in enumerate(lines):
                if raw.strip(_BLANK):
                    text = check_text(raw, self._path, chunks.line)
                    names = [key for key, *_ in members(text, self._path, chunks.line)]
                    chunks.push(b"\n".join(lines[i:]))
                    return list(dict.fromkeys(names))
                chunks.line += i < len(lines) - 1
        raise DataError("the file is empty", place=f"{self._path}:1:1", hint="write one object a line")


def members(text: str, path: str, line: int) -> list[tuple[str, int, int, int]]:
    """Return key, offset of the key, start and end of the value for every member of a JSON object.

    Raises:
        DataError: when the line is not one strict JSON object.
    """
    try:
        _raw.decode(text.encode())
    except RecursionError:
        raise DataError("the object is nested too deeply", place=f"{path}:{line}:1") from None
    except msgspec.ValidationError:
        raise DataError(
            f"{cut(text)} is not a JSON object",
            place=f"{path}:{line}:1",
            hint='a line is an object with a key per variable: {"x": 1, "y": 2}',
        ) from None
    except msgspec.DecodeError as exc:
        found = _BYTE.match(str(exc))
        reason, at = (found[1], int(found[2])) if found else (str(exc), len(text.encode()))
        column = max(len(text.encode()[:at].decode(errors="replace")), 1)
        reason = reason.removeprefix("JSON is malformed: ").lower()
        raise DataError(f"not JSON: {reason}", place=f"{path}:{line}:{column}") from None
    found_members = []
    at = _skip(text, text.index("{") + 1)
    while text[at] != "}":
        key, colon = _member.raw_decode(text, at)
        start = _skip(text, _skip(text, colon) + 1)
        try:
            _, end = _member.raw_decode(text, start)
        except RecursionError:
            raise DataError("the object is nested too deeply", place=f"{path}:{line}:1") from None
        found_members.append((key, at, start, end))
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return found_members


def _skip(text: str, at: int) -> int:
    blank = _SPACE.match(text, at)
    return blank.end() if blank else at
