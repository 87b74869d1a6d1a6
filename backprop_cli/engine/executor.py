"""What an engine for graphs of arrays offers: NumPy's is `tensors.TensorPlan`, others stand beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ..graph import Graph

if TYPE_CHECKING:
    import numpy.typing as npt

    NDArray = npt.NDArray[Any]


class Compiled(Protocol):
    """A graph compiled for arrays of fixed shapes, run again and again."""

    def run(self) -> None:
        """Compute everything from what the leaves hold now; the caller sets ``numpy.errstate``."""

    def value(self, id: int) -> NDArray:
        """Return the value of an output or kept node, which the next run changes."""

    def cotangent(self, id: int) -> NDArray:
        """Return the cotangent of a kept node, in the node's shape."""


class Executor(Protocol):
    """Compiles a graph."""

    def __call__(
        self,
        graph: Graph,
        leaves: Mapping[int, NDArray],
        gradients: Mapping[int, NDArray] | None = None,
        keep: Collection[int] = (),
        dtype: npt.DTypeLike = float,
    ) -> Compiled:
        """Compile a graph.

        Args:
            graph: The computation; its last output is what cotangents are of, a single number.
            leaves: Id of every leaf that is no constant -> its array, which every run reads anew.
            gradients: Id of a leaf -> the array that its cotangent is written to.
            keep: Nodes whose values (and cotangents, where there is a sweep) stay readable after a run.
            dtype: Of all arrays.
        """
