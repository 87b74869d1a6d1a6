"""Both passes of a computation as a LaTeX document."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .. import __version__
from ..explanation.edges import Edge, GraphView
from ..graph import CONSTANT
from ..language.format import node_text
from ..language.operators import POWER, SUM
from ..language.written import behind, bracketed
from .latex import BRACKETS, formula, name_to_latex, number_to_latex, slope_piece, straight


def document(view: GraphView, write: Callable[[float], str]) -> str:
    """Return a document that amsmath alone can set: the forward pass, the reverse pass, the gradient."""
    return "\n".join(_lines(view, write)) + "\n"


def _lines(view: GraphView, write: Callable[[float], str]) -> Iterator[str]:
    graph = view.graph
    output = name_to_latex(graph.own_name(graph.output))

    def derivative(id: int) -> str:
        text = slope_piece(output, name_to_latex(graph.own_name(id))).text
        return straight(text) if len(graph.inputs) == 1 else text

    reached = graph.needed()
    nodes = [n for n in graph.nodes if n.kind != CONSTANT and (reached[n.id] or n.op is None)]
    yield f"% Value and gradient, written by backprop {__version__}."
    yield r"\documentclass{article}"
    yield r"\usepackage{amsmath}"
    yield r"\allowdisplaybreaks"
    yield r"\begin{document}"
    yield r"\subsection*{Forward pass}"
    yield r"\begin{align*}"
    rows = []
    for node in nodes:
        value = view.values[node.id]
        number = r"\text{not needed}" if value is None else number_to_latex(write(value))
        name = name_to_latex(graph.own_name(node.id))
        if node.op is None:
            rows.append(f"{name} &= {number}")
        else:
            made = bracketed(formula(node_text(graph, node.id)), SUM, BRACKETS)
            rows.append(f"{name} &= {made} = {number}")
    yield " \\\\\n".join(rows)
    yield r"\end{align*}"
    yield r"\subsection*{Reverse pass}"
    yield r"\begin{align*}"
    users: dict[int, list[Edge]] = {}
    for edge in view.edges():
        if edge.taken and edge.value is not None:
            users.setdefault(edge.source, []).append(edge)
    rows = []
    for node in reversed(nodes):
        slope = view.gradient[node.id]
        if slope is None or (node.op is not None and node.op.truth):
            continue
        head = derivative(node.id)
        number = number_to_latex(write(slope))
        terms = [
            rf"{derivative(e.target)} \cdot " + behind(formula(e.symbol), POWER, BRACKETS).text
            for e in users.get(node.id, ())
            if view.gradient[e.target] is not None
        ]
        if node.id == graph.output or not terms:
            rows.append(f"{head} &= {number}")
        else:
            rows.append(f"{head} &= {' + '.join(terms)} = {number}")
    yield " \\\\\n".join(rows)
    yield r"\end{align*}"
    yield r"\subsection*{Gradient}"
    names = [n for n, id in graph.inputs.items() if view.gradient[id] is not None]
    left = r" \\ ".join(derivative(graph.inputs[n]) for n in names)
    right = r" \\ ".join(number_to_latex(write(view.gradient[graph.inputs[n]] or 0.0)) for n in names)
    yield rf"\[ \nabla {output} = \begin{{pmatrix}} {left} \end{{pmatrix}}"
    yield rf"= \begin{{pmatrix}} {right} \end{{pmatrix}} \]"
    yield r"\end{document}"
