"""What a function tends to where it has no value: ``backprop limit "sin(x)/x" --x 0``."""

from __future__ import annotations

from math import isinf
from typing import TYPE_CHECKING

from ..differentiation.symbolic.session import SESSION
from ..differentiation.tends import Tends
from ..differentiation.tends import tends as followed
from ..errors import BindingError, NoSuchNumber, UsageError
from ..graph import Graph
from ..language.numbers import brief
from .arguments import optional, text
from .programs import AnyProgram, Bindings, graph_of, merged, value_of
from .shown import Shown

if TYPE_CHECKING:
    from ..render.document import Document


class ValueLimit(Shown, Tends):
    """A `Tends` that shows itself."""

    __slots__ = ()

    def _document(self, format_: str) -> Document:
        from ..render.tends import document

        return document(self)


def tends(
    program: AnyProgram,
    bindings: Bindings = None,
    /,
    *,
    wrt: str | None = None,
    **values: float,
) -> ValueLimit:
    """Say what a program's value tends to as an input comes to where it is, from both sides.

    Args:
        program: Text, what `parse` or `trace` returned, or a Python function.
        bindings: Values by name, for names that are options here; that of the input may be infinite.
        wrt: The input that moves; None where there is one, or where one is infinite.
        values: Values by name.
    Raises:
        BackpropError: for wrong input, or where the program has no value on either side.
    """
    given = merged(bindings, values)
    far = {n: x for n, x in given.items() if isinstance(x, float) and isinf(x)}
    inputs = {n: value_of(n, x) for n, x in given.items() if n not in far}
    graph = graph_of(program, given)
    return tends_of(graph, inputs, optional(text, "wrt", wrt), far)


def tends_of(graph: Graph, inputs: dict[str, float], wrt: str | None, far: dict[str, float]) -> ValueLimit:
    """Follow the value of a program that has been read; see `tends`.

    Args:
        graph: The computation.
        inputs: Values of inputs.
        wrt: The input that moves.
        far: Inputs that go to infinity.
    """
    from ..engine.run import not_an_input

    for name in (*inputs, *far):
        if name not in graph.inputs:
            raise not_an_input(graph, name)
    names = [wrt] if wrt is not None else list(far or graph.inputs)
    if len(names) != 1 or names[0] not in graph.inputs or set(far) - set(names):
        raise UsageError(
            "what a value tends to is asked for by one input", hint=f"--wrt NAME: {', '.join(graph.inputs)}"
        )
    (name,) = names
    given = {**graph.defaults, **inputs, **far}
    missing = [n for n in graph.inputs if n not in given]
    if missing:
        raise BindingError(f"no value for {', '.join(missing)}", source=graph.source)
    with SESSION.lend() as process:
        found = followed(graph, {n: x for n, x in given.items() if n != name}, name, given[name], process)
    if found is None:
        raise NoSuchNumber(
            f"no value on any side of {name} = {brief(given[name])}: there is no limit", source=graph.source
        )
    return ValueLimit(*found)
