"""Whether two formulas are equal, by SymPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy

from ...graph import Graph
from .constants import Constants, inlined
from .functions import defined


def equal(graph: Graph, of: int, by: Sequence[int], claim: Graph, names: Mapping[str, int]) -> bool:
    """Return whether SymPy finds the difference of a quantity and a formula to be 0.

    Args:
        graph: The computation.
        of: Node whose value or derivative the quantity is.
        by: Nodes to differentiate by, one after the other.
        claim: The formula's own graph.
        names: The node of ``graph`` for each input of the claim.
    """
    constants = Constants(graph)
    symbols = {id: sympy.Symbol(f"x{id}", real=True) for id in graph.inputs.values()}
    values = inlined(graph, constants, symbols, defined)
    cuts = {id: symbols.get(id) or sympy.Symbol(f"t{id}", real=True) for id in by}
    right = inlined(graph, constants, {**symbols, **cuts}, defined)[of]
    for id in by:
        right = right.diff(cuts[id])
    right = right.xreplace({cuts[id]: values[id] for id in by})
    leaves = {id: values[names[name]] for name, id in claim.inputs.items()}
    difference = inlined(claim, Constants(claim), leaves, defined)[claim.output] - right
    if difference == 0 or sympy.expand(difference) == 0:
        return True
    return bool(sympy.simplify(difference) == 0)
