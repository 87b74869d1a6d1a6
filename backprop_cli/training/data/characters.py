"""A text as a table: a line for each character, with the next one for its target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import DataError

CHARACTER, NEXT = "character", "next"


class CharacterTable:
    """A text, of which every character but the last is a row.

    Args:
        text: Of it.
        name: Of its file, for messages.
    Attributes:
        text: As it is read.
        vocabulary: Its characters, each once, in order.
        names: Of the columns.
        rows: How many rows.
    Raises:
        DataError: where there is nothing to tell apart.
    """

    vector = images = False
    shape: tuple[int, ...] | None = None

    def __init__(self, text: str, name: str) -> None:
        self.names = [CHARACTER, NEXT]
        self.targets: list[str] | None = [NEXT]
        self.parts: dict[str, Any] = {}
        self.text, self._name = text, name
        self.vocabulary = sorted({*text})
        self.rows = len(text) - 1
        if len(self.vocabulary) < 2:
            what = "one character alone, over and over" if text else "no characters"
            raise DataError(f"the text has {what}", place=name)
        self._cells = np.array([*text], dtype=object)

    @classmethod
    def read(cls, data: bytes, name: str, encoding: str | None = None) -> CharacterTable:
        """Return the text of a file; each of its lines ends with one character, however it is written.

        Raises:
            DataError: where its bytes are no text.
        """
        try:
            text = data.decode(encoding or "utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError(
                f"byte {error.start + 1} is no {encoding or 'UTF-8'}", place=name,
                hint="data.encoding: latin-1, for example",
            ) from None  # fmt: skip
        return cls(text.replace("\r\n", "\n").replace("\r", "\n"), name)

    def place(self, row: int, name: str) -> str:
        """Say where a character stands: ``file:line:column``."""
        before = self.text[: row + (name == NEXT)]
        return f"{self._name}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"

    def column(self, name: str, kind: Any = "auto") -> npt.NDArray[np.object_]:
        """Return a column, whatever it is wanted as."""
        return self._cells[:-1] if name == CHARACTER else self._cells[1:]

    def cells(self, name: str) -> list[str]:
        """Return a column as it is written."""
        return list(self.column(name))

    def written(self, name: str) -> tuple[list[str], Callable[[int, str], str]]:
        """Return the cells of a column, and what says where they are."""
        return self.cells(name), self.place
