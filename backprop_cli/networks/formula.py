"""A formula as a network: its parameters are trained, its columns come row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..graph import PARAMETER, Graph
from ..language.lower import lower
from ..language.parser import parse
from . import losses
from .lowering import Builder, Lowered
from .network import NDArray, OfRows, Parameter, penalised
from .random import Draw


class FormulaNetwork(OfRows):
    """An expression whose parameters are fitted.

    Args:
        formula: ``y ~ a*exp(-b*x) + c``.
        first: The parameters' first values.
        loss: Its type is a name, not ``auto``.
        penalties: The ``regularization`` section; they count every parameter.
        weighted: Rows have weights in the loss.
    """

    outputs = 1

    def __init__(
        self,
        formula: str,
        first: Mapping[str, float],
        loss: losses.Loss,
        penalties: losses.Regularization,
        weighted: bool = False,
    ) -> None:
        self.weighted = weighted
        self.target, self.expression = split_formula(formula)
        self.loss = loss
        self.penalties = penalties
        self.parameters = [Parameter(n, (), np.array(float(v)), penalised=True) for n, v in first.items()]
        self.columns = columns_of(self.expression, first)
        self.shape = (len(self.columns),)
        self.row_numbers = len(self.graph().nodes)
        self.states: dict[str, NDArray] = {}
        self.draws: dict[str, Draw] = {}

    def graph(self) -> Graph:
        """Return the graph of the expression alone."""
        return formula_graph(self.expression, [*(p.name for p in self.parameters), *self.columns])

    def lower(self, rows: int, *, training: bool, targets: bool = True) -> Lowered:
        """Return the graph for so many rows; see `LayerNetwork.lower`."""
        graph = self.graph()
        names = {p.name for p in self.parameters}
        for name, id in graph.inputs.items():
            if name in names:
                graph.nodes[id].kind = PARAMETER
        b = Builder()
        ids = b.graph.insert(graph, dict.fromkeys(self.columns, (rows,)))
        output = prediction = ids[graph.output]
        if self.loss.fuses is not None:
            prediction = b.step(self.loss.fuses, output, name="prediction")
        data_loss, outputs, target = None, [prediction], None
        if targets:
            target = f"data.{self.target}"  # no name of a user's has a dot
            t = b.leaf(target, (rows,))
            data_loss = self.loss.row.lower(b, self.loss, output, t, self.weighted)
            total = penalised(b, data_loss, self.parameters, self.penalties) if training else data_loss
            outputs = [*([] if training else outputs), data_loss, total]
        weights = losses.WEIGHTS if targets and self.weighted else None
        graph = b.graph.build(outputs)
        return Lowered(graph, output, prediction, data_loss, target, {}, {}, {}, weights)

    def begin(self, values: Mapping[str, NDArray]) -> None:
        """Take other first numbers for some parameters, by name."""
        self.parameters = [p._replace(first=values.get(p.name, p.first)) for p in self.parameters]

    def feed(self, inputs: NDArray, lengths: NDArray | None = None) -> dict[str, NDArray]:
        """Return the arrays of the leaves that rows come in by: a column each."""
        return {name: np.ascontiguousarray(inputs[:, i]) for i, name in enumerate(self.columns)}


def split_formula(formula: str) -> tuple[str, str]:
    """Return target and expression of ``y ~ expression``."""
    target, _, expression = formula.partition("~")
    return target.strip(), expression.strip()


def formula_graph(expression: str, bound: Sequence[str]) -> Graph:
    """Return the graph of an expression in which ``bound`` are variables."""
    return lower(parse(expression), bound)


def columns_of(expression: str, parameters: Mapping[str, float]) -> list[str]:
    """Return the variables of an expression that are no parameters, in order of first use."""
    return [name for name in formula_graph(expression, list(parameters)).inputs if name not in parameters]
