"""One writer a format, over the blocks of any report; escaping and layout happen here alone."""

from __future__ import annotations

from ..document import Document, Element

__all__ = ["write"]


def write(document: Document, format_: str, *, to_file: bool = False) -> str:
    """Return a report as text.

    Args:
        document: What to write.
        format_: ``table``, ``markdown``, ``latex``, ``html``, ``json``, ``csv``, ``tsv``, ``value`` or one
            of its own.
        to_file: The text goes to a file, not to stdout.
    """
    if format_ in document.others:
        from . import json, xml

        part = document.others[format_]()
        return xml.write(part) if isinstance(part, Element) else json.write(part)
    if format_ == "json":
        from . import json

        return json.write(document.facts())
    if format_ in ("csv", "tsv"):
        from . import rows

        assert document.records is not None
        return rows.write(document.records(), "," if format_ == "csv" else "\t")
    if format_ == "value":
        from .rows import numbers

        assert document.values is not None
        return numbers(document.values())
    if format_ == "markdown":
        from . import markdown

        return markdown.write(document.page())
    if format_ == "latex":
        from . import latex

        return latex.write(document.page())
    if format_ == "html":
        from . import html

        return html.write(document.page())
    from . import terminal

    return terminal.write(document.page(), to_file=to_file)
