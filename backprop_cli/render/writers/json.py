"""Facts as strict JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from json import dumps
from typing import Any

from ..document import Entries, Facts
from ..record import Record


class _Closing(Record):
    """Where the brackets close of a list with an entry a line, of an empty one, and of the object."""

    entries: str
    empty: str
    whole: str
    ascii: bool = True


_CLOSING = {
    "record": _Closing("\n]", "[\n\n]", "}\n"),
    "closed": _Closing("\n ]", "[]", "\n}\n"),
    "graph": _Closing("\n ]", "[\n ]", "}\n", ascii=False),
}


def write(facts: Facts) -> str:
    """Return an object, or a list of objects."""
    return "".join(lines(facts))


def lines(facts: Facts) -> Iterator[str]:
    """Yield the same piece by piece."""
    members = facts.members
    if facts.layout == "compact":
        yield dumps(members, allow_nan=False) + "\n"
    elif facts.layout == "indented":
        yield dumps(members, allow_nan=False, indent=1) + "\n"
    elif facts.layout == "document":
        yield dumps(members, ensure_ascii=False, indent=2) + "\n"
    elif isinstance(members, Entries):
        yield "[\n" + ",\n".join(dumps(entry, allow_nan=False) for entry in members.of) + "\n]\n"
    else:
        closing = _CLOSING[facts.layout]
        head = "{"
        for key, value in members.items():
            yield f"{head}{_json(key, closing)}: "
            if isinstance(value, Entries):
                yield from _entries(value, closing)
            else:
                yield _json(value, closing)
            head = ",\n "
        yield closing.whole


def _entries(entries: Entries, closing: _Closing) -> Iterator[str]:
    some = False
    for entry in entries.of:
        yield (",\n  " if some else "[\n  ") + _entry(entry, closing)
        some = True
    yield closing.entries if some else closing.empty


def _entry(entry: Any, closing: _Closing) -> str:
    """Return one entry in a line, but for a list of entries in it."""
    if not isinstance(entry, Mapping) or not any(isinstance(value, Entries) for value in entry.values()):
        return _json(entry, closing)
    members = []
    for key, value in entry.items():
        if isinstance(value, Entries):
            inner = "[\n   " + ",\n   ".join(_json(each, closing) for each in value.of) + "]"
        else:
            inner = _json(value, closing)
        members.append(f"{_json(key, closing)}: {inner}")
    return "{" + ", ".join(members) + "}"


def _json(value: Any, closing: _Closing) -> str:
    return dumps(value, ensure_ascii=closing.ascii, allow_nan=False)
