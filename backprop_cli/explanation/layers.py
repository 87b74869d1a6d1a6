"""The rules of a network's layers, for all numbers at once: dE/dW = delta@x', dE/dx = W'@delta."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..graph import INPUT
from .arrays import ArrayExplanation, Use, first_place


class LayerRule(NamedTuple):
    """How the derivative by an array of a network comes about.

    Attributes:
        name: What it is called: ``delta1``, ``dE/dW1``.
        meaning: ``dE/dz1`` of ``delta1``; else empty.
        text: In matrix notation.
        value: Its numbers.
        places: Its indices, ``[i,j]``; empty where nothing is said by index.
        by_index: The same number by number.
        worked: Its first number worked out, and which that is; empty where there is nothing to work out.
        first: That number.
        place: Where it stands: ``[0,0]``.
    """

    name: str
    meaning: str
    text: str
    value: Any
    places: str = ""
    by_index: str = ""
    worked: str = ""
    first: float | None = None
    place: str = ""


class LayerRules(NamedTuple):
    """The rules of a network's layers, last layer first.

    Attributes:
        program: The network as a program of arrays.
        names: What parameters are called there, by their names in the network.
        rules: One for each array.
    """

    program: str
    names: Mapping[str, str]
    rules: tuple[LayerRule, ...]


class Weighted(NamedTuple):
    """A layer of weighted sums at a step, a row each: ``z = W@x + b``.

    Attributes:
        weights: Shape (units, inputs).
        inputs: What comes in, shape (rows, inputs).
        delta: The slopes of the loss by z, shape (rows, units).
        back: Those by what comes in, shape (rows, inputs); None where it comes from outside.
        slope: Those by the weights, with all that the loss has; None where they stay.
    """

    weights: Any
    inputs: Any
    delta: Any
    back: Any
    slope: Any


def matrix_form(
    layers: Sequence[Weighted], near: Callable[[Any, Any], bool], z: str = "z", y: str = "y"
) -> Iterator[LayerRule]:
    """Yield how the slopes of layers in a row come about in matrix notation, last layer first.

    A batch of one row is a vector, of several a matrix with a row each. What is not the product of these
    matrices, as a penalty adds to it, is left out.

    Args:
        layers: First layer first.
        near: Whether two arrays of numbers are equal.
        z: What weighted sums are called.
        y: What activations are.
    """
    single = len(layers[0].delta) == 1
    for k in range(len(layers), 0, -1):
        layer, own = layers[k - 1], str(k) if len(layers) > 1 else ""
        delta, x = f"delta{own}", f"{y}{k - 1}" if k > 1 else "x"
        by_z = f"dE/d{y}{own}*d{y}{own}/d{z}{own}" if k < len(layers) else ""
        yield LayerRule(delta, f"dE/d{z}{own}", by_z, layer.delta[0] if single else layer.delta)
        if layer.slope is not None and near(layer.delta.T @ layer.inputs, layer.slope):
            text = f"{delta}@{x}'" if single else f"{delta}'@{x}"
            yield LayerRule(f"dE/dW{own}", "", text, layer.slope)
        if layer.back is not None and near(layer.delta @ layer.weights, layer.back):
            text = f"W{own}'@{delta}" if single else f"{delta}@W{own}"
            yield LayerRule(f"dE/d{x}", "", text, layer.back[0] if single else layer.back)


def layer_rules(told: ArrayExplanation, names: Mapping[str, str]) -> LayerRules:
    """Return the rules of a network.

    Args:
        told: Both passes of the network's program, in which ``z1`` are the values before activations.
        names: What its inputs are called, by their names in the network.
    """
    report = told.report
    graph = report.graph
    slopes: dict[int, str] = {}  # what comes back to a step, where that has a name
    rules = []
    for node in reversed(graph.nodes):
        uses = told.uses.get(node.id)
        if uses is None or node.id == graph.output:
            continue
        known = {told.slope(use.user): slopes[use.user] for use in uses if use.user in slopes}
        via = [_renamed(use, known) for use in uses] if len(known) == len({use.user for use in uses}) else []
        slope = told.slope(node.id)
        if node.name is None:
            if len(via) == 1 and via[0].text in known.values():  # a sum passes on what it gets
                slopes[node.id] = via[0].text
            continue
        delta = node.op is not None and re.fullmatch(r"z[0-9]*", node.name)
        name = slopes[node.id] = f"delta{node.name[1:]}" if delta else slope
        rule = LayerRule(name, slope if delta else "", "", report.standing(node.id))
        if via:
            total = " + ".join(use.text if len(via) == 1 else f"({use.text})" for use in via)
            rule = rule._replace(text=total)
            if len(via) == 1:
                use = via[0]
                rule = rule._replace(places=use.places if use.numbers else "", by_index=use.numbers)
                rule = rule._replace(worked=use.worked, first=use.value, place=first_place(report, node.id))
        elif node.id in report.formulas:
            places, by_index = report.by_index.get(node.id, ("", ""))
            rule = rule._replace(text=report.formulas[node.id], places=places, by_index=by_index)
        if rule.text and (node.kind != INPUT or node.name != "t"):
            rules.append(rule)
    return LayerRules(graph.source.text, names, tuple(rules))


def _renamed(use: Use, names: Mapping[str, str]) -> Use:
    """Return a use with other names for what comes back."""

    def plain(text: str) -> str:
        for slope, name in names.items():
            text = re.sub(rf"(?<!\w){re.escape(slope)}(?!\w)", name, text)
        return text

    return use._replace(text=plain(use.text), numbers=plain(use.numbers))
