"""Reports that show themselves: text in a console, a table or a picture in a notebook, JSON for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..layout.picture import Picture
    from ..render.document import Document


class Shown:
    """A report as text, in every format that the command has."""

    __slots__ = ()

    def _document(self, format_: str) -> Document:
        raise NotImplementedError

    def to_text(self, format: str = "table") -> str:
        """Return the report as the command prints it to a file.

        Args:
            format: ``table``, ``markdown``, ``html``, ``json`` and what else the command's ``--format`` has.
        """
        from ..render.writers import write

        return write(self._document(format), format, to_file=True)

    def to_json(self) -> str:
        """Return what the command prints with ``--format json``."""
        return self.to_text("json")

    def to_dict(self) -> dict[str, Any]:
        """Return the facts of `to_json` as Python's own dictionaries, lists and numbers."""
        import json

        found: dict[str, Any] = json.loads(self.to_json())
        return found

    def __repr__(self) -> str:
        """Return the report as plain text."""
        return self.to_text()

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return self.to_text("html")


def svg(picture: Picture) -> str:
    """Return a picture as SVG."""
    from ..render.pictures import picture_bytes

    return picture_bytes(picture, "picture.svg").decode()
