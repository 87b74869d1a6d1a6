"""The node table of a network at a training step: the array graph with values and gradients."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
from typing import NamedTuple

import numpy as np

from ..language.format import node_text
from ..networks.network import NDArray
from .problem import Problem
from .step import Made, Step, number

MOST = 1_000
"""Numbers of an array that are kept; of a larger one length and range are."""


class Numbers(NamedTuple):
    """An array: the number where it is one, its length and range; None where floats end.

    Attributes:
        array: All of it, with None for what is no number; None where there are more than `MOST`.
    """

    number: float | None
    norm: float | None
    low: float | None
    high: float | None
    array: NDArray | None = None


class TableRow(NamedTuple):
    """A node of the array graph."""

    id: int
    name: str
    kind: str
    op: str | None
    inputs: tuple[int, ...]
    text: str
    shape: tuple[int, ...]
    value: Numbers
    gradient: Numbers | None


@dataclass(frozen=True)
class NodeTable:
    """The node table of a network, as `grad` has one of an expression; constants are among the rows."""

    step: Step
    rows: tuple[TableRow, ...]


def node_table(problem: Problem, *, at_step: int = 1) -> NodeTable:
    """Return the nodes of the array graph of one training step, with values and gradients."""
    made = Made(problem, at_step)
    kept = made.kept()
    graph, plan = kept.lowered.graph, kept.plan
    active = graph.depends_on([graph.inputs[p.name] for p in problem.network.parameters if p.trained])
    rows = []
    for node in graph.nodes:
        value = plan.value(node.id)
        gradient = _numbers(plan.cotangent(node.id)) if active[node.id] else None
        rows.append(
            TableRow(
                node.id,
                graph.own_name(node.id),
                node.kind,
                node.op.name if node.op else None,
                node.inputs,
                node_text(graph, node.id),
                value.shape,
                _numbers(value),
                gradient,
            )
        )
    return NodeTable(made.step, tuple(rows))


def _numbers(array: NDArray) -> Numbers:
    flat = np.asarray(array, float).reshape(-1)
    single = number(flat.item()) if array.size == 1 else None
    whole = None
    if array.size <= MOST:
        whole = np.array([number(x) for x in flat.tolist()], object).reshape(array.shape)
    return Numbers(single, number(hypot(*flat)), number(flat.min()), number(flat.max()), whole)
