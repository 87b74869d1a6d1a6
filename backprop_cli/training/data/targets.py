"""Targets that are learned as formulas of a column, ``log(price)``, and answered as the column itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...engine.plan import Plan
from ...errors import ExpressionError
from ...graph import Graph, Node
from ...language.lower import constant, lower
from ...language.parser import parse
from ...tables.block import Floats, canonical
from .formulas import Place, computed

CLOSE = 1e-6
"""How near the formula of an answer has to come to what was predicted: far above rounding."""

_INVERSES = {
    "log": "exp({z})",
    "log1p": "expm1({z})",
    "log2": "2^({z})",
    "log10": "10^({z})",
    "exp": "log({z})",
    "expm1": "log1p({z})",
    "sqrt": "({z})^2",
    "cbrt": "({z})^3",
    "negative": "-({z})",
    "sinh": "asinh({z})",
    "asinh": "sinh({z})",
    "logit": "sigmoid({z})",
    "sigmoid": "logit({z})",
    "tanh": "atanh({z})",
}
"""What undoes a function, in our language."""
_WITH_NUMBER = {
    ("add", 0): "({z}) - ({c})",
    ("add", 1): "({z}) - ({c})",
    ("subtract", 0): "({z}) + ({c})",
    ("subtract", 1): "({c}) - ({z})",
    ("multiply", 0): "({z})/({c})",
    ("multiply", 1): "({z})/({c})",
    ("divide", 0): "({z})*({c})",
    ("divide", 1): "({c})/({z})",
    ("log_base", 0): "({c})^({z})",
}
"""The same with a number c beside it, by where the column stands: before it, or after."""


@dataclass(frozen=True)
class TargetFormula:
    """A target that is a formula of one column, and the way back.

    Attributes:
        text: The formula, as in the config.
        column: What it reads.
        inverse: The column by the formula's value ``z``, in our language.
    """

    text: str
    column: str
    inverse: str

    def values(self, column: Floats, place: Place) -> Floats:
        """Return what is learned.

        Raises:
            DataError: where the formula has no value, with the place.
        """
        return computed(self.text, [self.column], {self.column: column}, len(column), place)

    def undone(self, predicted: Floats) -> Floats:
        """Return the column for what was predicted of the formula; NaN where that is of no number."""
        found = _run(lower(parse(self.inverse), ["z"]), "z", predicted)
        name = canonical(self.column)
        again = _run(lower(parse(self.text), [name]), name, found)
        with np.errstate(invalid="ignore"):
            near = np.abs(again - predicted) <= CLOSE * (1.0 + np.abs(predicted))
        return np.where(near, found, np.nan)


def _run(graph: Graph, name: str, values: Floats) -> Floats:
    """Return the values of a formula row by row; NaN where there is none."""
    good: npt.NDArray[np.bool_] = np.isfinite(values)
    inputs = {name: np.where(good, values, 1.0)}
    (found,), bad = Plan(graph, [name], {}, ()).run(inputs, len(values))
    found = np.array(found)
    found[~good] = np.nan
    found[np.asarray(bad, dtype=np.int64)] = np.nan
    return found


def sources_of(targets: Sequence[str], formulas: Mapping[str, TargetFormula]) -> list[str]:
    """Return the columns that targets are read from."""
    return list(dict.fromkeys(formulas[name].column if name in formulas else name for name in targets))


def target_formula(text: str, names: Sequence[str]) -> TargetFormula | None:
    """Read a target as a formula of one of the columns; None where it reads none or several.

    Raises:
        ExpressionError: when it is no formula, or one that cannot be undone.
    """
    spelled = {canonical(name): name for name in names}
    graph = lower(parse(text), list(spelled))
    read = list(graph.inputs)
    if len(read) != 1 or read[0] not in spelled:
        return None
    return TargetFormula(text, spelled[read[0]], _inverse(graph))


def _inverse(graph: Graph) -> str:
    """Walk from the output to the one column, undoing step by step."""
    depends = [False] * len(graph.nodes)
    for node in graph.nodes:
        depends[node.id] = node.kind == "input" or any(depends[i] for i in node.inputs)
    text, node = "z", graph.nodes[graph.output]
    while node.kind != "input":
        inner = [i for i in node.inputs if depends[i]]
        undone = _undone(node, graph, depends, text) if len(inner) == 1 else None
        if undone is None:
            raise ExpressionError(
                f"'{graph.source.text}' cannot be undone",
                hint="log, log1p, log10, sqrt, cbrt, asinh and the like of a column, times or plus numbers",
            )
        text, node = undone, graph.nodes[inner[0]]
    return text


def _undone(node: Node, graph: Graph, depends: Sequence[bool], z: str) -> str | None:
    assert node.op is not None
    name = node.op.name
    if len(node.inputs) == 1:
        return _INVERSES[name].format(z=z) if name in _INVERSES else None
    at = 0 if depends[node.inputs[0]] else 1
    start, end = graph.nodes[node.inputs[1 - at]].span
    written = graph.source.text[start:end]
    number = constant(written)
    if name in ("power", "power_n") and at == 0:
        if number % 2 == 0:
            return None  # two columns have the same square
        return f"sign({z})*abs({z})^(1/({written}))" if number % 2 == 1 else f"({z})^(1/({written}))"
    form = _WITH_NUMBER.get((name, at))
    return None if form is None else form.format(z=z, c=written)
