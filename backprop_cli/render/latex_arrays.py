"""Programs with arrays in LaTeX: matrix notation, a step a line, and the gradient by every input.

A sign is written by what it stands between: of two vectors ``*`` is a circle with a dot, never a dot product;
a bias that goes onto each row of a matrix is the product of ones and the bias lying down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .. import __version__
from ..differentiation.arrays import ArrayReport, read_formula
from ..graph import CONSTANT, Graph, Node
from ..language.format import is_turned
from ..language.operators import ATOM, POWER, PRODUCT, ROOT, SUM
from ..language.settle import Settled
from ..language.written import Piece, Rule, atom, bracketed, spell, template
from ..ops.matrices import by_number
from .arrays import slopes_of
from .latex import BRACKETS, LATEX, command, name_to_latex, number_piece, number_to_latex

MOST = 10
"""Rows and columns of an array that are written; MathJax and amsmath set no more columns by themselves."""

Write = Callable[[float], str]


def _rule(text: str, level: int = ATOM) -> Rule:
    return template(text, level, BRACKETS)


PRODUCT_OF = _rule(r"{0:*} \, {1:^}", PRODUCT)
TURNED = _rule(r"{0:!}^{\top}", POWER)
BY_NUMBER: Mapping[str, Rule] = {
    # a product of matrices binds tighter, and no factor of one is written without brackets
    "multiply": _rule(r"{0:*} \odot {1:*}", SUM),
    "divide": _rule(r"{0:*} \oslash {1:*}", SUM),
    "power": _rule(r"{0:!}^{\circ {1}}", POWER),
    "power_n": _rule(r"{0:!}^{\circ {1}}", POWER),
    "abs": _rule(command("abs")),
}
"""Primitives over numbers whose sign has another meaning between arrays."""

OF_ARRAYS: Mapping[str, Rule] = {
    "dot": _rule(r"\left\langle {0}, {1} \right\rangle"),
    "outer": _rule(r"{0:*} \otimes {1:^}", PRODUCT),
    "trace": _rule(command("tr")),
    "sum of an array": _rule(command("sum")),
    "max of an array": _rule(command("max")),
    "min of an array": _rule(command("min")),
    "apart": _rule(command("diag")),
    "norm": _rule(r"\left\lVert {0} \right\rVert"),
    "det": _rule(r"\det\left({0}\right)"),
    "logdet": _rule(r"\log\det\left({0}\right)"),
    "inv": _rule(r"{0:!}^{-1}", POWER),
    "solve": _rule(r"{0:!}^{-1} \, {1:^}", PRODUCT),
}
"""Rows over arrays; the others are functions by their names."""


SIZED = {"eye": "I", "ones": r"\mathbf{1}", "zeros": "0"}


class _Writer:
    """Writes the steps of a program of known kinds; some of its names stand for something written."""

    def __init__(self, program: Settled, written: Mapping[str, str] = {}) -> None:
        self.graph = program.graph
        self.kinds = program.kinds
        self.written = written

    def leaf(self, node: Node) -> Piece:
        if node.kind == CONSTANT:
            return number_piece(str(node.label))
        name = self.graph.own_name(node.id)
        return Piece(self.written[name], ROOT) if name in self.written else atom(name_to_latex(name))

    def step(self, node: Node, operands: Sequence[Piece]) -> Piece:
        """Write one step over written operands."""
        op = node.primitive
        kinds = [self.kinds[i] for i in node.inputs]
        number = by_number(op)
        if number is not None:
            several = sum(bool(kind.shape) for kind in kinds) > 1
            below = number.name == "divide" and bool(kinds[1].shape)
            raised = number.name in ("power", "power_n", "abs") and bool(node.shape)
            onto_rows = [self._onto_rows(node, k, x) for k, x in enumerate(operands)]
            if number.name in BY_NUMBER and (several or below or raised):
                return BY_NUMBER[number.name](*onto_rows)
            return spell(LATEX, number.name, onto_rows)
        spec = node.static.get("spec", "")
        match op.name:
            case "@":
                first, second = operands
                if len(kinds[0].shape) == 1 and not kinds[0].row and spec != "i,j->ij":
                    first = TURNED(first)
                return PRODUCT_OF(first, second)
            case "'" | "transpose":
                return TURNED(operands[0])
            case "index":
                ends = zip(node.static["key"], kinds[0].shape, strict=False)
                parts = [
                    str(k) if isinstance(k, int) else ":" if k == (0, n) else f"{k[0]}:{k[1]}"
                    for k, n in ends
                ]
                return atom(rf"\left[{operands[0]}\right]_{{{','.join(parts)}}}")  # x_0 is a name
            case "lookup":
                return atom(rf"\left[{operands[0]}\right]_{{{operands[1]}}}")
            case "stack":
                return self._stacked(node, operands)
            case "eye" | "ones" | "zeros":
                sizes = node.static["shape"][: 1 if op.name == "eye" else 2]
                return atom(SIZED[op.name] + "_{" + r" \times ".join(map(str, sizes)) + "}")
            case "norm" if len(kinds[0].shape) == 2:
                return Piece((OF_ARRAYS["norm"](*operands).parts, "_F"), POWER)
        rule = OF_ARRAYS.get(op.name) or _rule(command(op.name))
        return rule(*operands)

    def _onto_rows(self, node: Node, k: int, piece: Piece) -> Piece:
        """Write a vector that goes onto each row of a matrix as one of its own."""
        kind = self.kinds[node.inputs[k]]
        if len(kind.shape) != 1 or len(node.shape) != 2:
            return piece
        return PRODUCT_OF(atom(rf"\mathbf{{1}}_{{{node.shape[0]}}}"), piece if kind.row else TURNED(piece))

    def _stacked(self, node: Node, operands: Sequence[Piece]) -> Piece:
        turned = [
            x if self.kinds[i].row or not self.kinds[i].shape else TURNED(x)
            for i, x in zip(node.inputs, operands, strict=True)
        ]
        return atom(_in_brackets([x.text for x in turned]))

    def whole(self) -> Piece:
        """Write a program as one expression of its inputs."""
        pieces: list[Piece] = []
        for node in self.graph.nodes:
            operands = [pieces[i] for i in node.inputs]
            pieces.append(self.leaf(node) if node.op is None else self.step(node, operands))
        return pieces[self.graph.output]


def formula(text: str, report: ArrayReport) -> str:
    """Return a formula over a report's names, and derivatives by its steps, in LaTeX."""
    read = read_formula(report, text)
    return (
        _Writer(read.program, {name: _slope(report.graph, k) for name, k in read.slopes.items()}).whole().text
    )


def _slope(graph: Graph, id: int) -> str:
    """Write the derivative of the output by a node."""
    of, by = (name_to_latex(graph.own_name(k)) for k in (graph.output, id))
    return rf"\frac{{\partial {of}}}{{\partial {by}}}"


def array_to_latex(x: Any, write: Write, *, row: bool = False) -> str:
    """Write a number, or an array: a vector stands, a row lies."""
    x = np.asarray(x, object)
    if x.ndim == 0:
        return number_to_latex(write(x.item()))
    rows = x.reshape((1, -1) if row else (-1, 1)) if x.ndim == 1 else x
    lines = [" & ".join(_few([number_to_latex(write(e)) for e in line], r"\cdots")) for line in rows]
    return _in_brackets(_few(lines, r"\vdots"))


def _in_brackets(rows: Sequence[str]) -> str:
    listed = r" \\ ".join(rows)
    return rf"\begin{{pmatrix}} {listed} \end{{pmatrix}}"


def _few(texts: list[str], dots: str) -> list[str]:
    return texts if len(texts) <= MOST else [*texts[: MOST - 2], dots, texts[-1]]


def document(report: ArrayReport, write: Write) -> str:
    """Return a document that amsmath alone can set: the forward pass, and the gradient in matrix notation."""
    return "\n".join(_lines(report, write)) + "\n"


def _lines(report: ArrayReport, write: Write) -> Iterator[str]:
    graph, kinds = report.graph, report.program.kinds
    yield f"% Value and gradient, written by backprop {__version__}."
    yield r"\documentclass{article}"
    yield r"\usepackage{amsmath}"
    yield r"\usepackage{amssymb}"
    yield r"\allowdisplaybreaks"
    yield r"\begin{document}"
    yield r"\subsection*{Forward pass}"
    yield r"\begin{align*}"
    rows = []
    for node, piece in zip(graph.nodes, _steps(report), strict=True):
        if node.kind == CONSTANT or (is_turned(graph, node.id) and node.id != graph.output):
            continue
        name = name_to_latex(graph.own_name(node.id))
        value = array_to_latex(report.values[node.id], write, row=kinds[node.id].row)
        made = "" if node.op is None else f"{bracketed(piece, SUM, BRACKETS)} = "
        rows.append(f"{name} &= {made}{value}")
    yield " \\\\\n".join(rows)
    yield r"\end{align*}"
    yield r"Signs with a circle, and functions of single numbers, go number by number."
    yield r"\subsection*{Gradient}"
    yield r"Each derivative has the shape of what it is by."
    yield r"\begin{align*}"
    rows = []
    formulas = dict(slopes_of(report))
    for name in dict.fromkeys((*report.wrt, *formulas)):
        id = graph.id_of(name)
        made = f"{formula(formulas[name], report)} = " if name in formulas else ""
        value = array_to_latex(report.standing(id), write, row=kinds[id].row)
        rows.append(f"{_slope(graph, id)} &= {made}{value}")
    yield " \\\\\n".join(rows)
    yield r"\end{align*}"
    yield r"\end{document}"


def _steps(report: ArrayReport) -> list[Piece]:
    """Write every step over the names of those before it; constants and transposes where they are read."""
    graph, write = report.graph, _Writer(report.program)
    read: list[Piece] = []
    made: list[Piece] = []
    for node in graph.nodes:
        piece = write.leaf(node) if node.op is None else write.step(node, [read[i] for i in node.inputs])
        here = node.kind == CONSTANT or is_turned(graph, node.id)
        made.append(piece)
        read.append(piece if here else atom(name_to_latex(graph.own_name(node.id))))
    return made
