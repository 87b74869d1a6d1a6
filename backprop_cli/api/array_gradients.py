"""Gradients of programs with arrays, which show themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..differentiation.arrays import ArrayReport
from ..language.format import node_text
from ..language.parser import Program
from .beside import Beside, Row

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

    def _row(self, name: str, id: int) -> Row:
        return Row(
            name,
            node_text(self.graph, id),
            self.values[id],
            self.standing(id),
            self.formulas.get(id),
            {method: self.column(method, id) for method in self.methods},
            self.worst(id)[1].verdict,
        )
