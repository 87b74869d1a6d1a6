"""Plain values to YAML text: one text for one value, and it reads back as the same.

Written for YAML 1.2 and safe in 1.1: floats have a point and a signed exponent, words that 1.1
takes for truth values are quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

WIDTH = 96

_PLAIN = re.compile(r"[A-Za-z_/][\w ./~^*()+=|<>-]*", re.ASCII)
_BLOCK = re.compile(r"[!-~](?:[ -~]*[!-~])?\n(?:(?:[ -~]*[!-~])?\n)*[ -~]*[!-~]\n")
"""Lines that a block with ``|`` reads back as they are: several, none with blanks at its end."""
_WORDS = re.compile(r"(?:null|true|false|yes|no|on|off|y|n)", re.IGNORECASE)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def to_yaml(mapping: Mapping[str, Any], origins: Mapping[str, str] | None = None) -> str:
    """Return the YAML text of plain values.

    Args:
        mapping: Of texts, numbers, truth values, None, lists and mappings.
        origins: Where each value came from, by its dotted key: written as a comment beside it.
    """
    lines = list(_block(mapping, 0, ""))
    notes = [(origins or {}).get(key) for _, key in lines]
    column = max((len(text) for (text, _), note in zip(lines, notes, strict=True) if note), default=0)
    column = min(column, WIDTH // 2)
    return "".join(
        f"{text:<{column}}  # {note}\n" if note else f"{text}\n"
        for (text, _), note in zip(lines, notes, strict=True)
    )


def _block(mapping: Mapping[str, Any], indent: int, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield lines, each with the key whose value ends on it."""
    if not mapping:
        yield "{}", prefix.rstrip(".")
    pad = " " * indent
    for key, value in mapping.items():
        path, head = f"{prefix}{key}", f"{pad}{_text(str(key))}:"
        if isinstance(value, Mapping) and value:
            yield head, ""
            yield from _block(value, indent + 2, f"{path}.")
        elif isinstance(value, list | tuple) and value and all(map(_is_section, value)):
            yield head, ""
            for i, item in enumerate(value):
                (first, first_key), *rest = _block(item, indent + 4, f"{path}.{i}.")
                yield f"{pad}  - {first.strip()}", first_key
                yield from rest
        elif isinstance(value, str) and _BLOCK.fullmatch(value):
            yield f"{head} |", path
            for line in value.splitlines():
                yield f"{pad}  {line}".rstrip(), ""
        else:
            flow = to_flow(value)
            if isinstance(value, list | tuple) and len(head) + len(flow) > WIDTH and _has_rows(value):
                yield head, path
                for item in value:
                    yield f"{pad}  - {to_flow(item)}", ""
            else:
                yield f"{head} {flow}", path


def _is_section(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value)


def _has_rows(value: Any) -> bool:
    return bool(value) and isinstance(value[0], list | tuple)


def to_flow(value: Any) -> str:
    """Return a value on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(to_flow, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_text(str(k))}: {to_flow(v)}' for k, v in value.items())}}}"
    return _text(value) if isinstance(value, str) else str(value)


def number(value: float) -> str:
    """Return the shortest text that YAML, 1.2 or 1.1, reads back as this float."""
    text = repr(value)
    if "e" in text and "." not in text:
        mantissa, _, exponent = text.partition("e")
        return f"{mantissa}.0e{exponent}"
    return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(text, text)


def _text(value: str) -> str:
    if _PLAIN.fullmatch(value) and value[-1] != " " and not _WORDS.fullmatch(value):
        return value
    return f'"{"".join(map(_escaped, value))}"'


def _escaped(c: str) -> str:
    if c in _ESCAPES:
        return _ESCAPES[c]
    if c.isprintable():
        return c
    code = ord(c)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
