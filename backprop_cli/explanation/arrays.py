"""Both passes of a program with arrays for a reader: by matrices, by index, with one number worked out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..differentiation.arrays import ArrayReport
from ..differentiation.general import GeneralReport, adds_up
from ..engine.unroll import place_text
from ..graph import Graph, Node
from ..language.format import is_turned, node_text
from ..language.numbers import rounded
from ..language.operators import POWER
from ..language.written import behind, number
from ..ops.matrices import MatrixRow, by_index, index_text, labels

if TYPE_CHECKING:
    from ..differentiation.symbolic.process import SymbolicProcess

TERMS = 6
"""Products of a sum that is worked out; of a longer one the first are shown."""


class Use(NamedTuple):
    """What one use of a node brings to its derivative.

    Attributes:
        user: The step that uses it.
        text: In matrix notation.
        numbers: The same number by number, ``sum_i A[i,j]*dL/dy[i]``; empty where that says nothing.
        places: What the places of the node's numbers are called there: ``[j]``.
        worked: The first number worked out, ``1*(-4) + 3*(-2)``; empty where nothing is added or multiplied.
        value: That number; None where nothing is worked out.
    """

    user: int
    text: str
    numbers: str
    places: str
    worked: str = ""
    value: float | None = None


class ArrayExplanation(NamedTuple):
    """Both passes of a program with arrays.

    Attributes:
        report: Values, derivatives, formulas.
        uses: Node to what its uses bring, the last use first.
    """

    report: ArrayReport
    uses: Mapping[int, list[Use]]

    def slope(self, id: int) -> str:
        """Return how the derivative by a node is called: ``dL/dx``."""
        return slope_name(self.report.graph, id)


class GeneralExplanation(NamedTuple):
    """The backward pass of a program without values; the attributes are those of `ArrayExplanation`."""

    report: GeneralReport
    uses: Mapping[int, list[Use]]

    def slope(self, id: int) -> str:
        """Return how the derivative by a node is called: ``dL/dx``."""
        return slope_name(self.report.graph, id)


def slope_name(graph: Graph, id: int) -> str:
    """Return how the derivative by a node is called: ``dL/dx``."""
    return f"d{graph.own_name(graph.output)}/d{graph.own_name(id)}"


def explain_arrays(report: ArrayReport, process: SymbolicProcess, digits: int = 6) -> ArrayExplanation:
    """Say how each derivative of a report comes about.

    What the uses of a node bring is read again, and left out where it does not add up to the derivative.

    Args:
        report: From `differentiate_arrays`.
        process: A running `SymbolicProcess`.
        digits: Significant digits of what is worked out.
    """
    return ArrayExplanation(report, _uses(report, process, {}, digits))


def explain_general(report: GeneralReport, process: SymbolicProcess) -> GeneralExplanation:
    """Say the same of a program without values; see `explain_arrays`."""
    return GeneralExplanation(report, _uses(report, process, report.program.sizes))


def _uses(
    report: ArrayReport | GeneralReport, process: SymbolicProcess, sizes: Mapping[int, str], digits: int = 6
) -> dict[int, list[Use]]:
    graph = report.graph
    process.request_forms(graph, [graph.inputs[name] for name in report.wrt], names="all", sizes=sizes)
    steps: dict[int, list[tuple[int, int, str, str]]] = {}
    for step in process.answer().steps:
        id, _ = before_turns(graph, graph.nodes[step[0]].inputs[step[1]])
        steps.setdefault(id, []).append(step)
    return {
        id: [_use(report, graph.nodes[user], k, text, index, digits) for user, k, text, index in found]
        for id, found in steps.items()
        if adds_up(report, id, [text for _, _, text, _ in found])
    }


def before_turns(graph: Graph, id: int) -> tuple[int, bool]:
    """Return the array that transposes without a name are made of, and whether rows are columns of it."""
    turned = False
    while is_turned(graph, id):
        turned = turned != (len(graph.nodes[id].shape) == 2)
        (id,) = graph.nodes[id].inputs
    return id, turned


def _use(
    report: ArrayReport | GeneralReport, node: Node, position: int, text: str, index: str, digits: int
) -> Use:
    graph = report.graph
    axes = len(graph.nodes[node.inputs[position]].shape)
    _, turned = before_turns(graph, node.inputs[position])
    places = {0: "", 1: "[i]", 2: "[j,i]" if turned else "[i,j]"}[axes]
    if "spec" in node.static:
        return _contracted(report, node, position, text, digits)
    if index:
        onto_rows = (axes, len(node.shape)) == (1, 2)
        return Use(node.id, text, index if axes else "", "[j]" if onto_rows else places)
    if isinstance(node.op, MatrixRow):
        read = (node_text(graph, i) if is_turned(graph, i) else graph.own_name(i) for i in node.inputs)
        names = dict(zip(node.op.params, read, strict=False))
        last = node.id == graph.output  # whose own slope is 1
        names |= {"g": "1" if last else slope_name(graph, node.id), "y": graph.own_name(node.id)}
        names["n"] = report.numbers_of(node.inputs[position])
        found = by_index(node.op, position, names, max(axes, 1))
        return Use(node.id, text, re.sub(r"(?<![\w.])1\*", "", found) if last else found, places)
    return Use(node.id, text, "", places)


def _contracted(
    report: ArrayReport | GeneralReport, node: Node, position: int, text: str, digits: int
) -> Use:
    """Return a use in a product: the labels say which numbers meet."""
    graph = report.graph
    spelled, value = labels(node.static["spec"])
    read = [before_turns(graph, i) for i in node.inputs]
    words = [word[::-1] if turned else word for word, (_, turned) in zip(spelled, read, strict=True)]
    own = words[position]
    slope = slope_name(graph, node.id) if node.id != graph.output else ""
    others = [
        (graph.name(i), i, word)
        for k, ((i, _), word) in enumerate(zip(read, words, strict=True))
        if k != position
    ]
    if len(set(own)) < len(own):
        return Use(node.id, text, f"{slope or 1} where i = j, else 0", "[i,j]")
    factors = [(name, word) for name, _, word in others]
    if slope:
        factors.insert(0 if position == 0 else len(factors), (slope, value))  # as the matrices stand
    summed = [c for c in dict.fromkeys(value + "".join(word for _, _, word in others)) if c not in own]
    index = index_text(own, factors, summed)
    places = f"[{','.join(own)}]" if own else ""
    use = Use(node.id, text, index, places)
    if isinstance(report, GeneralReport):
        return use
    arrays = [(report.values[i], word) for _, i, word in others]
    g = report.cotangents[node.id]
    if slope and g is not None:
        arrays.insert(0 if position == 0 else len(arrays), (g, value))
    if not others or not own:
        return use
    return _worked(use, own, summed, arrays, digits)


def _worked(use: Use, own: str, summed: list[str], arrays: list[tuple[Any, str]], digits: int) -> Use:
    """Work the first number out."""
    sizes = {c: n for x, word in arrays for c, n in zip(word, x.shape, strict=True)}
    terms: list[str] = []
    total = 0.0
    for inner in np.ndindex(*(sizes[c] for c in summed)):
        at = dict.fromkeys(own, 0) | dict(zip(summed, inner, strict=True))
        numbers = [float(x[tuple(at[c] for c in word)]) for x, word in arrays]
        total += float(np.prod(numbers))
        first, *rest = (number(rounded(x, digits)) for x in numbers)
        lead = behind(first, POWER) if terms else first
        terms.append("*".join([lead.text, *(behind(x, POWER).text for x in rest)]))
    shown = terms[:TERMS] + (["..."] if len(terms) > TERMS else [])
    return use._replace(worked=" + ".join(shown), value=total)


def first_place(report: ArrayReport | GeneralReport, id: int) -> str:
    """Return how the first number of an array is told from the others: ``[0,0]``."""
    return place_text([0] * len(report.graph.nodes[id].shape))
