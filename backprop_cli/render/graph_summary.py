"""A graph that is too large to draw, in numbers, and what can be drawn of it."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import printable, shortened
from ..explanation.edges import GraphView, extent

TRIED = 3
"""Inputs of which the paths are counted."""


def summary(view: GraphView, write: Callable[[float], str], most: int) -> str:
    """Return the numbers of a graph, and how to see a part of it.

    Args:
        view: What would be shown.
        write: Numbers to text.
        most: Nodes that can be drawn.
    """
    graph = view.graph
    size = extent(view)
    output = shortened(printable(graph.name(graph.output)), 40)
    value = view.values[graph.output]
    head = output if value is None else f"{output} = {write(value)}"
    lines = [f"{head}: a graph of {size.nodes:,} nodes; {most} at most are drawn", ""]
    facts = {
        "inputs": f"{size.inputs:,}",
        "named steps": f"{size.named:,}",
        "edges": f"{size.edges:,}",
        "depth": f"{size.depth:,} steps on the longest path",
        "widest": f"{size.widest:,} {'node' if size.widest == 1 else 'nodes'} "
        f"at {size.at:,} {'step' if size.at == 1 else 'steps'} from the leaves",
    }
    lines += [f"  {name:<12} {fact}" for name, fact in facts.items()]
    lines += ["", "To see a part of it:"]
    hints = []
    reached = graph.needed()
    for name in list(graph.inputs)[:TRIED]:
        after = graph.depends_on([graph.inputs[name]])
        count = sum(after[id] and reached[id] for id in view.shown)
        fits = "" if count <= most else ", too many to draw"
        hints.append((f"--path {shortened(name, 24)}", f"{count:,} nodes on the paths to {output}{fits}"))
    late = _late(view, reached, most)
    if late is not None and not any(option.endswith(f" {late[0]}") for option, _ in hints):
        hints.append((f"--path {late[0]}", f"{late[1]:,} nodes on the paths to {output}"))
    if not view.named:
        named = size.inputs + size.named + (graph.nodes[graph.output].name is None)
        fits = "" if named <= most else ", too many to draw"
        hints.append(("--named", f"{named:,} nodes: inputs and named steps alone{fits}"))
    hints.append(("-o graph.dot", "all of it, for Graphviz; graph.mmd and graph.json, too"))
    wide = max(len(option) for option, _ in hints)
    lines += [f"  {option:<{wide}}  {text}" for option, text in hints]
    return "\n".join(lines) + "\n"


def _late(view: GraphView, reached: list[bool], most: int) -> tuple[str, int] | None:
    """Return a named step near the output whose paths are few enough to be drawn, with their nodes."""
    graph = view.graph
    last = view.shown[-most // 2 :]
    names = [name for name, id in graph.named.items() if id >= last[0] and id != graph.output and reached[id]]
    for name in names[:TRIED]:
        after = graph.depends_on([graph.named[name]])
        count = sum(after[id] and reached[id] for id in view.shown)
        if count <= most and len(name) <= 24:
            return name, count
    return None
