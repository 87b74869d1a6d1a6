"""The numbers that a text claims, worked out again: what ``backprop check --text`` answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..articles.text import Article, check_text
from ..checking.sheets import SIZE_LIMIT
from ..errors import DataError
from ..tables.files import bytes_of
from .arguments import path
from .shown import Shown

if TYPE_CHECKING:
    from os import PathLike

    from ..render.document import Document


class CheckedArticle(Shown, Article):
    """An `Article` that shows itself."""

    __slots__ = ()

    def _document(self, format_: str) -> Document:
        from ..render.checking import article_document

        return article_document(self)


def article(text: str | PathLike[str]) -> CheckedArticle:
    """Judge the numbers that an article claims.

    Args:
        text: Path of the article: Markdown, prose or code; ``-`` is stdin.
    Raises:
        BackpropError: for a file that cannot be read, or is too large.
    """
    file = path("text", text)
    shown = "<stdin>" if file == "-" else file
    data = bytes_of(file, SIZE_LIMIT)
    if len(data) > SIZE_LIMIT:
        raise DataError(f"{shown} is larger than {SIZE_LIMIT:,} bytes")
    return CheckedArticle(*check_text(data.decode("utf-8-sig", "replace"), shown))
