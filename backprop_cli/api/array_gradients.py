"""Gradients of programs with arrays, which show themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..differentiation.arrays import ArrayReport
from ..language.format import node_text
from ..language.parser import Program
from .beside import Beside, Row, id_of

if TYPE_CHECKING:
    from ..render.document import Document


class ArrayGradient(Beside, ArrayReport):
    """An `ArrayReport` that shows itself; ``report["z"]`` is the row of a step."""

    __slots__ = ()

    def _document(self, format_: str) -> Document:
        from ..render.arrays import document

        return document(self)

    def _asked(self) -> tuple[Program, Mapping[str, Any]]:
        return Program(self.graph.source, []), self.inputs

    def __getitem__(self, key: Any) -> Any:
        """Return the row of an input or a step by its name, and what a tuple has by its place."""
        if not isinstance(key, str):
            return tuple.__getitem__(self, key)
        id = id_of(self.graph, key)
        return Row(
            key,
            node_text(self.graph, id),
            self.values[id],
            self.standing(id),
            self.formulas.get(id),
            {method: self.column(method, id) for method in self.methods},
            self.worst(id)[1].verdict,
        )
