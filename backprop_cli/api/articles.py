"""The numbers that a text claims, worked out again: what ``backprop check --text`` answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..articles.text import Article, check_notebook, check_text
from ..checking.sheets import SIZE_LIMIT
from ..errors import DataError
from ..tables.files import bytes_of
from .arguments import path
from .shown import Shown

if TYPE_CHECKING:
    from os import PathLike

    from ..render.document import Document


PICTURES = 32 << 20
"""Bytes of a notebook, most of which are pictures."""


class CheckedArticle(Shown, Article):
    """An `Article` that shows itself."""

    __slots__ = ()

    def _document(self, format_: str) -> Document:
        from ..render.checking import article_document

        return article_document(self)


def article(text: str | PathLike[str]) -> CheckedArticle:
    """Judge the numbers that an article claims.

    Args:
        text: Path of the article: Markdown, prose or code, or a notebook (``.ipynb``); ``-`` is stdin.
    Raises:
        BackpropError: for a file that cannot be read, is too large, or is no notebook by its contents.
    """
    file = path("text", text)
    shown = "<stdin>" if file == "-" else file
    notebook = file.endswith(".ipynb")
    limit = PICTURES if notebook else SIZE_LIMIT
    data = bytes_of(file, limit)
    if len(data) > limit:
        raise DataError(f"{shown} is larger than {limit:,} bytes")
    check = check_notebook if notebook else check_text
    return CheckedArticle(*check(data.decode("utf-8-sig", "replace"), shown))
