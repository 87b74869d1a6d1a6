"""Elements as XML."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

from ...errors import printable
from ..document import Element

INDENTED = 2
"""Depth from which on an element stands on one line; one that others are not in always does."""


def write(root: Element) -> str:
    """Return a document."""
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', *_lines(root, 0)]) + "\n"


def _lines(element: Element, depth: int) -> Iterator[str]:
    indent = "  " * depth
    if depth >= INDENTED or not element.children:
        yield indent + _inline(element)
        return
    yield f"{indent}<{_head(element)}>"
    for child in element.children:
        yield from _lines(child, depth + 1)
    yield f"{indent}</{element.tag}>"


def _inline(element: Element) -> str:
    inside = _text(element.text) + "".join(map(_inline, element.children))
    return f"<{_head(element)}>{inside}</{element.tag}>" if inside else f"<{_head(element)}/>"


def _head(element: Element) -> str:
    return "".join([element.tag, *(f' {key}="{_text(value)}"' for key, value in element.attributes.items())])


def _text(plain: str) -> str:
    """Escape text; what XML has no character for is written out."""
    return escape(printable(plain), {'"': "&quot;"})
