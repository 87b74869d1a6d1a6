"""A graph as an engine's instructions: the recorded program, in functions that the engine has.

Source:
    Griewank and Walther, Evaluating Derivatives (2008), section 3.2, on the sweep that is recorded; Aho, Lam,
    Sethi and Ullman, Compilers (2006), section 8.5, on equal parts of straight code, found by value number.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

from ..graph import NOWHERE, Graph
from ..ops import PRIMITIVES, Primitive, Shape
from .record import Recorder, Written
from .run import run

SQUARE_ROOT, DIVIDE = PRIMITIVES["sqrt"], PRIMITIVES["divide"]


def _sum(recorder: Recorder, a: Any, b: Any) -> Any:
    """Keep what a rule says of zeros: x + 0.0 is never -0.0."""
    if isinstance(a, Written) and not isinstance(b, Written) and b == 0.0 and not recorder.pulling:
        return None
    return Recorder.short["add"](recorder, a, b)


def _power(recorder: Recorder, a: Any, n: float) -> Any:
    """Powers by multiplication where that is as exact."""
    if n in (2.0, 3.0, 4.0):
        square = recorder.apply(PRIMITIVES["multiply"], a, a)
        return square if n == 2.0 else square * (a if n == 3.0 else square)
    if n in (-1.0, -2.0):
        return recorder.apply(DIVIDE, 1.0, recorder.xp.power(a, -n))
    if n == 0.5:
        return recorder.apply(SQUARE_ROOT, a)
    return Recorder.short["power_n"](recorder, a, n)


class Tape(Recorder):
    """The recorder of an engine: rows that the engine lacks are recorded by their own forward rules.

    Its nodes are the instructions, equal ones once. Equal parts of the forward pass and of the sweep are
    computed once, therefore, and so are parts of rows.

    Args:
        native: Rows that the engine has as functions; min and max of two operands.
    Attributes:
        values: What `record` gave for every node of the program: written, or a number.
        cotangents: The same of the sweep.
    """

    short: ClassVar[Mapping[str, Callable[..., Any]]] = {
        **Recorder.short,
        "add": _sum,
        "power_n": _power,
    }

    def __init__(self, native: Collection[str]) -> None:
        super().__init__()
        self.native = native
        self.values: list[Any] = []
        self.cotangents: list[Any] = []

    def leaf(self, name: str, shape: Shape) -> Written:
        """Write an array that comes from outside."""
        return Written(self, self.builder.array(name, shape, NOWHERE))

    def apply(self, op: Primitive, *operands: Any, **static: Any) -> Any:
        """Apply a primitive, by what the engine has."""
        if op.name not in self.native:
            return op.forward(self.xp, *operands, **static)
        if op.name in ("min", "max"):  # two by two
            found, *rest = operands
            for x in rest:
                found = super().apply(op, found, x)
            return found
        return super().apply(op, *operands, **static)

    def record(
        self,
        graph: Graph,
        leaves: Mapping[int, Any],
        wrt: Collection[int],
        needed: Sequence[bool] | None = None,
    ) -> None:
        """Record a program, and its reverse sweep where derivatives are asked for.

        Args:
            graph: The computation.
            leaves: A written number, or a plain one, for the id of every input and constant.
            wrt: Leaves to differentiate by.
            needed: Nodes to record; None records all.
        """
        self.values = run(graph, leaves, self.xp, needed)
        self.cotangents = self.pull(graph, self.values, wrt) if wrt else [0.0] * len(graph)
