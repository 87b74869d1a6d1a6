"""What is learned in a program that a loss ends: its weights, not its data."""

from __future__ import annotations

import re

from ..graph import Graph

LOSSES = {"L", "E", "J", "C", "loss", "Loss", "cost", "error"}
_WEIGHT = re.compile(r"(w|W|theta|θ|beta|β|weight)_?\d*")
_BIAS = re.compile(r"(b|bias)_?\d*")
_DATA = re.compile(r"(x|y|t|target|label)_?\d*")


def learned(graph: Graph) -> tuple[str, ...]:
    """Return the inputs that are learned; none where the names do not tell every input's part."""
    names = tuple(graph.inputs)
    data = [name for name in names if _DATA.fullmatch(name)]
    weights = [name for name in names if _WEIGHT.fullmatch(name)]
    if graph.nodes[graph.output].name not in LOSSES or not data or not weights:
        return ()
    found = tuple(name for name in names if name in weights or _BIAS.fullmatch(name))
    return found if len(found) + len(data) == len(names) else ()
