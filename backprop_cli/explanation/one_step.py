"""One step of a program's loop, with what is outside of the loop: the other steps are alike.

What other steps give to it is an input of the program that is left.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..differentiation.arrays import ArrayReport
from ..errors import UsageError
from ..graph import CONSTANT, INPUT, ArrayNode, Graph, Node
from ..language.settle import Settled
from .array_view import ArrayView
from .arrays import ArrayExplanation


class OneStep(NamedTuple):
    """A step of a loop.

    Attributes:
        t: Which, from 0.
        of: How many there are.
        program: What follows from what it takes; the same nodes, as far as they are needed for that.
        comes: What it takes from other steps, and from which; -1 for what is there before the first.
        goes: What later steps take from it.
        here: The nodes of the step, those outside of the loop, and what comes.
        passed: Nodes outside of the loop that only bring steps together.
    """

    t: int
    of: int
    program: Settled
    comes: Mapping[int, int]
    goes: Collection[int]
    here: Collection[int]
    passed: Collection[int]


def one_step(program: Settled, steps: Sequence[int | None], t: int | None = None) -> OneStep:
    """Cut a step out of a program.

    Args:
        program: All steps, written out.
        steps: Of every node the step that it belongs to; None outside of the loop.
        t: Which step; None for the last.
    Raises:
        UsageError: where there is no such step.
    """
    graph = program.graph
    of = 1 + max(step for step in steps if step is not None)
    t = of - 1 if t is None else t
    if t >= of:
        raise UsageError(f"--step {t}: the loop has the steps t = 0 to {of - 1}")
    before = {id for id, step in enumerate(steps) if step is not None and step < t}
    after, here, passed = set[int](), set[int](), set[int]()
    for node in graph.nodes:
        ours = steps[node.id] == t
        if node.op is None or not (ours or (steps[node.id] is None and after.intersection(node.inputs))):
            continue
        after.add(node.id)
        brings = not ours and node.name is None and node.id != graph.output
        several = passed.intersection(node.inputs) or any(steps[i] not in (None, t) for i in node.inputs)
        (passed if brings and several else here).add(node.id)
    comes = {i: steps[i] or 0 for k in here if steps[k] == t for i in graph.nodes[k].inputs if i in before}
    goes = {i for node in graph.nodes if (steps[node.id] or 0) > t for i in node.inputs if steps[i] == t}
    waiting = list(after)
    while waiting:  # what is computed before the loop, and leaves
        for i in graph.nodes[waiting.pop()].inputs:
            if steps[i] is None and i not in here and i not in passed:
                here.add(i)
                waiting.append(i)
    left = _without(graph, before)
    return OneStep(t, of, program._replace(graph=left), comes, goes, here | comes.keys(), passed)


def _without(graph: Graph, before: Collection[int]) -> Graph:
    """Return a program in which some steps are inputs, as far as they are read."""
    nodes, inputs = list(graph.nodes), dict(graph.inputs)
    for id in before:
        node, name = nodes[id], graph.own_name(id)
        nodes[id] = ArrayNode(id, None, (), INPUT, node.span, name, shape=node.shape)
        inputs[name] = id
    needed = graph.replaced(nodes=nodes).needed()
    for id, node in enumerate(nodes):
        if not needed[id] and id not in graph.inputs.values():
            nodes[id] = Node(id, None, (), CONSTANT, node.span, label="0")
    inputs = {name: id for name, id in inputs.items() if nodes[id].kind != CONSTANT}
    named = {node.name: node.id for node in nodes if node.name is not None}
    return graph.replaced(nodes=nodes, inputs=inputs, named=named)


class StepView(ArrayView):
    """A program of which one step of its loop is shown.

    Args:
        step: Which.
        told: How the derivatives of the program that is left of it come about.
        report: The numbers of the whole program: a derivative is by all ways.
    """

    def __init__(self, step: OneStep, told: ArrayExplanation, report: ArrayReport, **shown: Any) -> None:
        super().__init__(told, **shown)
        self.report, self.step = report, step
        self.shown = [id for id in self.shown if id in step.here]

    def remarks(self, id: int) -> Iterator[tuple[str, str]]:
        """Yield where a node comes from, and where it goes to."""
        step = self.step
        if id in step.comes:
            before = step.comes[id]
            yield "comes", "before the first step" if before < 0 else f"from t = {before}"
        if id in step.goes:
            yield "goes", f"to t = {step.t + 1}"

    @property
    def part(self) -> dict[str, int]:
        """Which step is shown."""
        return {"step": self.step.t, "steps": self.step.of}

    def _sources(self, id: int) -> Iterator[int]:
        for i in super()._sources(id):
            if i in self.step.passed:
                yield from self._sources(i)
            else:
                yield i
