"""Reports that show themselves: text in a console, a table or a picture in a notebook, JSON for programs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import UsageError, installing
from .arguments import choice

if TYPE_CHECKING:
    from ..layout.chart import Chart
    from ..layout.picture import Picture
    from ..render.document import Document, Facts

STYLE = (
    # the notebook's own colours, light or dark; lines are see-through, formulas never break
    ".backprop table{border-collapse:collapse;margin:.4em 0}"
    ".backprop th,.backprop td{padding:.15em .7em;border-bottom:1px solid #8884;background:none;"
    "white-space:nowrap}"
    ".backprop th{border-bottom:2px solid #8888}"
    ".backprop p,.backprop pre{margin:.25em 0}"
    ".backprop code,.backprop pre{background:none;color:inherit;padding:0;white-space:pre-wrap}"
    ".backprop summary{cursor:pointer}.backprop svg{max-width:100%;height:auto}"
)
"""Of reports in notebooks."""


class Told(ABC):
    """An answer with a text and with facts."""

    __slots__ = ()

    @abstractmethod
    def to_text(self, format: str) -> str:
        """Return the answer in one of the command's formats."""

    @abstractmethod
    def to_json(self) -> str:
        """Return what the command prints with ``--format json``."""

    def to_dict(self) -> dict[str, Any]:
        """Return the facts of `to_json` as Python's own dictionaries, lists and numbers."""
        import json

        found: dict[str, Any] = json.loads(self.to_json())
        return found


class Shown(Told):
    """A report, in every format that its document has."""

    __slots__ = ()

    @abstractmethod
    def _document(self, format_: str) -> Document:
        """Return the report, ready to be written in a format."""

    def to_text(self, format: str = "table") -> str:
        """Return the report as the command prints it to a file.

        Args:
            format: ``table``, ``markdown``, ``html``, ``json`` and what else the command's ``--format`` has.
        Raises:
            UsageError: for a format that the report does not have.
        """
        from ..render.writers import write

        document = self._document(format)
        return write(document, choice("format", format, document.formats), to_file=True)

    def to_json(self) -> str:
        """Return what the command prints with ``--format json``."""
        return self.to_text("json")

    def to_frame(self) -> Any:
        """Return the rows that ``to_text("csv")`` has as a frame of pandas'.

        Raises:
            UsageError: for a report that has no rows, and where pandas is not installed.
        """
        records = self._document("csv").records
        if records is None:
            raise UsageError("this report has no rows", hint="to_dict() has all of it")
        found = records()
        return frame_of([*found.rows], columns=[*found.header])

    def __repr__(self) -> str:
        """Return the report as plain text."""
        return self.to_text()

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return f'<div class="backprop"><style>{STYLE}</style>{self.to_text("html")}{self._below()}</div>'

    def _below(self) -> str:
        """Return what a notebook has below the report, folded."""
        return ""


def frame_of(rows: Sequence[Any], **options: Any) -> Any:
    """Return a frame of pandas'.

    Raises:
        UsageError: where pandas is not installed.
    """
    try:
        from pandas import DataFrame
    except ImportError:
        raise UsageError("a frame takes pandas", hint=installing("pandas")) from None
    return DataFrame(rows, **options)


class Pictured(ABC):
    """What has a picture."""

    __slots__ = ()

    @property
    @abstractmethod
    def picture(self) -> Picture:
        """The picture, laid out."""

    def to_svg(self) -> str:
        """Return the picture as SVG."""
        from ..render.pictures import picture_bytes

        return picture_bytes(self.picture, "picture.svg").decode()


class Charted(Pictured):
    """What has a chart."""

    __slots__ = ()

    @abstractmethod
    def chart(self) -> Chart:
        """Return the chart."""

    @property
    def picture(self) -> Picture:
        """The chart, laid out."""
        return self.sized()

    def sized(self, width: float | None = None, height: float | None = None) -> Picture:
        """Return the picture in a size, in pixels; without one, in that which its panels need."""
        from ..layout.chart_picture import picture_of

        return picture_of(self.chart(), width, height)


class Graphic(Told, Pictured):
    """An answer that is a picture first."""

    __slots__ = ()

    @abstractmethod
    def facts(self) -> Facts:
        """Return what programs read."""

    def to_json(self) -> str:
        """Return what the command prints with ``--format json``."""
        from ..render.writers import json

        return json.write(self.facts())

    def _repr_svg_(self) -> str:
        return self.to_svg()
