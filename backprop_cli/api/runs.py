"""Runs beside each other: what ``backprop runs`` answers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..training.comparison import RunFacts, read_run, runs_in
from ..training.folder import state_of
from .arguments import path
from .shown import Shown

if TYPE_CHECKING:
    from os import PathLike

    from ..render.document import Document

FOLDER = "runs"
"""Where runs are looked for."""


class Runs(Shown):
    """Runs in their order.

    Attributes:
        runs: What the folder of each tells.
    """

    __slots__ = ("runs",)

    def __init__(self, runs: list[RunFacts]) -> None:
        self.runs = runs

    def document(self, digits: int = 5) -> Document:
        """Return it, ready to be written, with so many significant digits."""
        from ..render.runs import document

        return document(self.runs, digits=digits)

    def _document(self, format_: str) -> Document:
        return self.document()


def runs(*folders: str | PathLike[str]) -> Runs:
    """Compare runs of ``train``.

    Args:
        folders: Of runs, or of folders that hold some; none is ``runs``.
    Raises:
        BackpropError: for a folder without a run, or one that cannot be read.
    """
    found: list[str] = []
    for folder in [path("folders", f) for f in folders] or [FOLDER]:
        own = os.path.isdir(folder) and state_of(folder) in ("finished", "unfinished")
        inside = [folder] if own else runs_in(folder)
        if not inside:
            raise UsageError(f"{folder} holds no run", hint="backprop train CONFIG makes runs/NAME")
        found += inside
    return Runs([read_run(folder) for folder in dict.fromkeys(found)])
