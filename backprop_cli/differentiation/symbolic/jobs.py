"""The kinds of jobs for SymPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import Source
from ...graph import NOWHERE, ArrayNode, Graph, Node
from ...language.lower import lower
from ...language.reader import read
from ...ops import PRIMITIVES, Primitive
from ...ops.matrices import MATRICES
from ...ops.sums import DOT, LARGEST, SUM
from .formulas import chained
from .higher import higher
from .numbers import numbers
from .proof import equal

INLINED = 40  # nodes of arrays unrolled, which have many paths each, from which steps are chained

Job = dict[str, Any]
Found = dict[str, Any]
"""The fields of `process.Symbolic`, filled as far as SymPy comes; ``later`` is what makes them better."""


def work(job: Job, found: Found) -> None:
    """Do one job.

    Args:
        job: Its kind, the program's text and what the kind asks for, from `process.SymbolicProcess`.
        found: Gets the answer.
    """
    found.update(formulas={}, numbers={})
    try:
        if job.get("rows"):
            graph = _unlisted(job["rows"], job["output"], job.get("arrays"))
        else:
            graph = lower(read(job["text"], large=job["large"]), job["bound"], large=job["large"])
        JOBS[job["kind"]](graph, job, found)
    except MemoryError:
        found["failure"] = "SymPy ran out of memory"
    except Exception as error:  # SymPy raises all kinds; its column says so and the others stand
        found["failure"] = f"SymPy failed ({type(error).__name__})"


def _unlisted(rows: list[Any], output: int, arrays: list[Any] | None) -> Graph:
    """Return the graph that `process.listed` wrote down, of single numbers or of arrays."""
    others = (DOT, SUM, LARGEST) if arrays is None else MATRICES.values()
    ops: dict[str, Primitive] = PRIMITIVES | {row.name: row for row in others}
    plain: list[tuple[Any, ...]] = [
        (id, None if op is None else ops[op], tuple(inputs), kind, NOWHERE, name, value, label)
        for id, (op, inputs, kind, name, value, label) in enumerate(rows)
    ]
    nodes = [Node(*row) for row in plain]
    if arrays is not None:
        nodes = [
            ArrayNode(*row, shape=tuple(shape), static=static)
            for row, (shape, static) in zip(plain, arrays, strict=True)
        ]
    inputs = {node.name: node.id for node in nodes if node.op is None and node.name is not None}
    named = {node.name: node.id for node in nodes if node.name is not None}
    return Graph(Source(""), nodes, (output,), inputs, {}, named)


def _gradient(graph: Graph, job: Job, found: Found) -> None:
    unrolled = job["rows"] is not None
    if not unrolled:
        found["formulas"], found["over"], found["later"] = chained(graph, job["wanted"], inline=job["inline"])
    if job["inputs"] is not None:
        chain = unrolled and len(graph) > INLINED
        found["numbers"], found["route"] = numbers(
            graph, job["inputs"], job["wanted"], job["needed"], chain=chain
        )


def _forms(graph: Graph, job: Job, found: Found) -> None:
    from .matrices import Derivatives

    derivatives = Derivatives(graph, job["shares"], job["names"], job["sizes"])
    if job["names"] == "all":
        found["steps"] = derivatives.steps(job["wanted"])
        return
    if graph.nodes[graph.output].shape:
        found["formulas"] = derivatives.jacobians(job["wanted"])
        return
    found["formulas"] = derivatives.gradients(job["wanted"], job["places"])
    found["by_index"] = {id: tuple(written) for id, written in derivatives.by_index.items()}
    if job["names"] == "own":
        found["chained"] = derivatives.gradients(job["wanted"], chained=True)


def _higher(graph: Graph, job: Job, found: Found) -> None:
    higher(graph, job["inputs"], job["directions"], found)


def _implicit(graph: Graph, job: Job, found: Found) -> None:
    from .implicit import implicit

    implicit(graph, job["equations"], job["solved"], job["by"], job["order"], job["inputs"], found)
    if job["inverse"]:
        from .inverse import inverses

        found["inverses"] = inverses(graph, job["equations"][0], job["solved"][0], job["by"][0])


def _limit(graph: Graph, job: Job, found: Found) -> None:
    from .limit import limits

    limits(graph, job["name"], job["x"], job["inputs"], job["ways"], found)


def _proof(graph: Graph, job: Job, found: Found) -> None:
    claim = lower(read(job["claim"], graph.source.unknown), job["claim_bound"])
    found["proved"] = equal(graph, job["of"], job["by"], claim, job["names"])


JOBS: dict[str, Callable[[Graph, Job, Found], None]] = {
    "gradient": _gradient,
    "forms": _forms,
    "higher": _higher,
    "implicit": _implicit,
    "limit": _limit,
    "proof": _proof,
}
