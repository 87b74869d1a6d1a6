"""Programs with arrays as NumPy, PyTorch and JAX: value and gradient computed there, and held to our numbers.

NumPy has no reverse mode: its gradient is the formula in matrix notation, read again and spelled as NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ..differentiation.arrays import ArrayReport
from ..errors import Source, UsageError
from ..graph import CONSTANT, Graph, Node
from ..language.operators import ATOM, POWER, PRODUCT, UNARY
from ..language.settle import read_arrays
from ..language.written import Piece, Table, bracketed, spell, template
from ..ops import Shape
from ..ops.matrices import ENTRIES, by_number
from . import BY_NUMBER, jax, numpy, python, pytorch
from .page import PYTHON_WORDS

TOLERANCE = "rtol=1e-9, atol=1e-12"
"""What the numbers of another library may differ by: sums go in another order there."""


class Target(NamedTuple):
    """How a library spells arrays.

    Attributes:
        module: What its functions are called by.
        table: Primitive -> spelling, of the rows over numbers.
        array: A literal of numbers.
        own: Rows over arrays that are not called as in NumPy.
        head: The first lines.
    """

    module: str
    table: Table
    array: str
    own: Mapping[str, str]
    head: Sequence[str]


_HELPERS = {
    "log_softmax": [
        "",
        "",
        "def log_softmax(z):",
        '    """Return log(e^z over the sum of e^z), row by row, without overflow."""',
        "    z = z - np.max(z, -1, keepdims=True)",
        "    return z - np.log(np.sum(np.exp(z), -1, keepdims=True))",
    ],
    **{name: ["", "", *text.splitlines()] for name, text in numpy.HELPERS.items() if name == "sigmoid"},
}
"""What NumPy lacks, where it is used."""

LAYER_NORM = "torch.nn.functional.layer_norm({0}, {0:!}.shape[-1:], eps={1})"
STANDARDIZED = "({0:+} - M.mean({0}, -1, keepdims=True))/M.sqrt(M.var({0}, -1, keepdims=True) + {1})"
"""`standardize` in PyTorch, and in NumPy and its kin, whose variance divides by n."""

TARGETS: dict[str, Target] = {
    "numpy": Target(
        "np",
        numpy.SPELLING,
        "np.array({})",
        {
            "softmax": "np.exp(log_softmax({0}))",
            "log_softmax": "log_softmax({0})",
            "logsumexp": "np.logaddexp.reduce({0}, -1)",
            "cross_entropy": "np.sum(-{1:^}*log_softmax({0}), -1)",
        },
        ["import numpy as np"],
    ),
    "pytorch": Target(
        "torch",
        pytorch.SPELLING,
        "torch.tensor({})",
        {
            "softmax": "torch.softmax({0}, -1)",
            "log_softmax": "torch.log_softmax({0}, -1)",
            "logsumexp": "torch.logsumexp({0}, -1)",
            "cross_entropy": "torch.sum(-{1:^}*torch.log_softmax({0}, -1), -1)",
            "max of an array": "torch.amax({0})",
            "min of an array": "torch.amin({0})",
            "logdet": "torch.logdet({0})",
            "standardize": LAYER_NORM,
        },
        [
            "import math",
            "",
            "import torch",
            "",
            "torch.set_default_dtype(torch.float64)  # as backprop computes",
        ],
    ),
    "jax": Target(
        "jnp",
        jax.SPELLING,
        "jnp.array({})",
        {
            "softmax": "jax.nn.softmax({0}, -1)",
            "log_softmax": "jax.nn.log_softmax({0}, -1)",
            "logsumexp": "jax.nn.logsumexp({0}, -1)",
            "cross_entropy": "jnp.sum(-{1:^}*jax.nn.log_softmax({0}, -1), -1)",
        },
        [
            "import jax",
            "import jax.numpy as jnp",
            "",
            'jax.config.update("jax_enable_x64", True)  # double precision, as backprop computes',
        ],
    ),
}

SHARED = {
    "dot": "{0:^} @ {1:^}",
    "outer": "M.outer({0}, {1})",
    "trace": "M.trace({0})",
    "sum of an array": "M.sum({0})",
    "mean": "M.mean({0})",
    "rowsum": "M.sum({0}, 1)",
    "colsum": "M.sum({0}, 0)",
    "diag": "M.diag({0})",
    "apart": "M.diag({0})",
    "scale_rows": "{0:!}[:, None]*{1:^}",
    "norm": "M.linalg.norm({0})",
    "det": "M.linalg.det({0})",
    "logdet": "M.linalg.slogdet({0})[1]",
    "inv": "M.linalg.inv({0})",
    "solve": "M.linalg.solve({0}, {1})",
    "max of an array": "M.max({0})",
    "min of an array": "M.min({0})",
}
"""Rows over arrays in all three, M being the module."""


SIZED = {"eye": "M.eye({0})", "tril": "M.tril(M.ones(({0}, {0})))"}
"""Square arrays of a size in all three."""


def made(module: str, name: str, *_: object, shape: Shape) -> Piece:
    """Write an array of a size."""
    if name not in SIZED:
        return Piece(f"{module}.{name}({shape})")
    return Piece(SIZED[name].replace("M.", f"{module}.").format(shape[0]))


class _Expressions:
    """Writes steps of a graph in a library's words."""

    def __init__(self, target: Target, names: Mapping[str, str]) -> None:
        self.target = target
        self.names = names

    def step(self, node: Node, operands: Sequence[Piece]) -> Piece:
        assert node.op is not None
        name, target = node.op.name, self.target
        spec = node.static.get("spec", "")
        if name in ("@", "outer", "dot") and spec == "i,j->ij":
            return self._template("M.outer({0}, {1})")(*operands)
        if name in ("@", "dot"):
            return template("{0:*} @ {1:^}", PRODUCT)(*operands)
        if name == "'":
            return operands[0] if spec == "i->i" else Piece((bracketed(operands[0], ATOM).parts, ".T"))
        if name == "index":
            parts = [str(k) if isinstance(k, int) else f"{k[0]}:{k[1]}" for k in node.static["key"]]
            return Piece((bracketed(operands[0], ATOM).parts, f"[{', '.join(parts)}]"))
        if name == "stack":
            return self._stacked(operands)
        if name == "concat":
            joined = "torch.cat" if target.module == "torch" else f"{target.module}.concatenate"
            return Piece(f"{joined}([{', '.join(x.text for x in operands)}], -1)")
        if name == "standardize":
            eps = Piece(repr(node.static["eps"]))
            return self._template(target.own.get(name) or STANDARDIZED)(operands[0], eps)
        if name == "reshape":
            return Piece(f"{target.module}.reshape({operands[0]}, {node.static['shape']})")
        if name in ENTRIES:
            return made(target.module, name, shape=node.static["shape"])
        if name in target.own or name in SHARED:
            return self._template(target.own.get(name) or SHARED[name])(*operands)
        number = by_number(node.op)
        name = name if number is None else number.name
        if target.module == "torch" and node.kind == CONSTANT and name in python.NUMBERS:
            return spell(python.NUMBERS, name, operands)  # torch.sqrt takes no number
        if name not in target.table:
            raise UsageError(f"{target.module} has no {name} for arrays here")
        return spell(target.table, name, operands)

    def _template(self, text: str) -> Callable[..., Piece]:
        return template(text.replace("M.", f"{self.target.module}."))

    def _stacked(self, operands: Sequence[Piece]) -> Piece:
        module = self.target.module
        if module == "torch":
            parts = [f"torch.tensor({float(x.value)!r})" if x.value is not None else x.text for x in operands]
            return Piece(f"torch.stack([{', '.join(parts)}])")
        return Piece(f"{module}.array([{', '.join(x.text for x in operands)}])")

    def leaf(self, node: Node, graph: Graph) -> Piece:
        if node.kind != CONSTANT:
            name = graph.own_name(node.id)
            return Piece(self.names.get(name, name))
        written = node.label if (node.label or "").replace(".", "", 1).isdigit() else repr(node.value)
        return Piece(str(written), UNARY if node.value < 0 else ATOM, node.value)

    def whole(self, graph: Graph) -> str:
        """Write a program as one expression of its inputs."""
        pieces: list[Piece] = []
        for node in graph.nodes:
            if node.op is None:
                pieces.append(self.leaf(node, graph))
            else:
                pieces.append(self.step(node, [pieces[i] for i in node.inputs]))
        return pieces[graph.output].text


def export_arrays(report: ArrayReport, to: str) -> str:
    """Return a program with arrays in another library, with assertions of our numbers.

    Args:
        report: At its point, with formulas.
        to: ``numpy``, ``pytorch`` or ``jax``.
    Raises:
        UsageError: for another target, and where the target lacks something.
    """
    if to not in TARGETS:
        known = ", ".join((*TARGETS, *BY_NUMBER, "latex"))
        raise UsageError(f"{to} has no arrays here", hint=f"targets for arrays: {known}")
    target, graph = TARGETS[to], report.graph
    reserved = PYTHON_WORDS | {
        "np",
        "torch",
        "jax",
        "jnp",
        "log_softmax",
        "sigmoid",
        "program",
        "value",
        "gradient",
    }
    every = [graph.own_name(n.id) for n in graph.nodes if n.op is None or n.kind != CONSTANT]
    names = {name: f"{name}_" if name in reserved else name for name in every}
    last = graph.nodes[graph.output]
    write = _Expressions(target, names)
    lines: list[str] = []
    pieces: list[Piece] = []
    for node in graph.nodes:
        if node.op is None:
            pieces.append(write.leaf(node, graph))
            continue
        piece = write.step(node, [pieces[i] for i in node.inputs])
        if node.kind == CONSTANT or (node.op.name == "'" and node.name is None):
            pieces.append(bracketed(piece, POWER))
            continue
        name = names[graph.own_name(node.id)]
        lines.append(f"{name} = {piece.text}")
        pieces.append(Piece(name))
    body = _BODIES[to](report, target, names, lines, names[graph.own_name(last.id)])
    head = f'"""{" ".join(graph.source.text.split())}"""'.replace("\\", "/")
    used = [line for name, lines in _HELPERS.items() if f"{name}(" in "\n".join(body) for line in lines]
    helpers = [*used, ""] if used and to == "numpy" else []
    return "\n".join([head, "", *target.head, *helpers, "", *body, ""])


def _inputs(
    report: ArrayReport, target: Target, names: Mapping[str, str], trained: bool = False
) -> list[str]:
    lines = []
    for name, x in report.inputs.items():
        made = target.array.format(repr(x.tolist()))
        if trained and name in report.wrt:
            made = f"{made[:-1]}, requires_grad=True)"
        lines.append(f"{names[name]} = {made}")
    return lines


def _right(report: ArrayReport, name: str) -> str:
    slopes = report.cotangents[report.graph.inputs[name]]
    assert slopes is not None
    return repr(slopes.tolist())


def _numpy(
    report: ArrayReport, target: Target, names: Mapping[str, str], lines: Sequence[str], output: str
) -> list[str]:
    graph = report.graph
    write = _Expressions(target, names)
    known = {name: report.values[k] for name, k in graph.named.items()}
    slopes = []
    for name in report.wrt:
        formula = report.formulas.get(graph.inputs[name])
        if formula is None:
            raise UsageError(
                f"the derivative by {name} has no formula, and NumPy no reverse mode", hint="--to jax"
            )
        shapes = {n: x.shape for n, x in known.items() if x.shape}
        text = write.whole(read_arrays(Source(formula), shapes, known).graph)
        slopes.append((f"d{output}_d{names[name]}", text, formula, name))
    return [
        *_inputs(report, target, names),
        "",
        *lines,
        "",
        *(f"{slope} = {text}  # {formula}" for slope, text, formula, _ in slopes),
        "",
        f'print("{output} =", {output})',
        *(f'print("d{output}/d{name} =", {slope})' for slope, _, _, name in slopes),
        "",
        f"np.testing.assert_allclose({output}, {float(report.value)!r}, {TOLERANCE})",
        *(
            f"np.testing.assert_allclose({slope}, {_right(report, name)}, {TOLERANCE})"
            for slope, _, _, name in slopes
        ),
    ]


def _torch(
    report: ArrayReport, target: Target, names: Mapping[str, str], lines: Sequence[str], output: str
) -> list[str]:
    return [
        *_inputs(report, target, names, trained=True),
        "",
        *lines,
        f"{output}.backward()",
        "",
        f'print("{output} =", {output}.item())',
        *(f'print("d{output}/d{name} =", {names[name]}.grad)' for name in report.wrt),
        "",
        f"torch.testing.assert_close({output}.detach(), torch.tensor({float(report.value)!r}), {TOLERANCE})",
        *(
            f"torch.testing.assert_close({names[n]}.grad, torch.tensor({_right(report, n)}), {TOLERANCE})"
            for n in report.wrt
        ),
    ]


def _jax(
    report: ArrayReport, target: Target, names: Mapping[str, str], lines: Sequence[str], output: str
) -> list[str]:
    given = ", ".join(names[name] for name in report.inputs)
    places = tuple(k for k, name in enumerate(report.inputs) if name in report.wrt)
    order = [name for name in report.inputs if name in report.wrt]
    return [
        *_inputs(report, target, names),
        "",
        "",
        f"def program({given}):",
        *(f"    {line}" for line in lines),
        f"    return {output}",
        "",
        "",
        f"value, gradient = jax.value_and_grad(program, argnums={places})({given})",
        f'print("{output} =", value)',
        *(f'print("d{output}/d{name} =", gradient[{k}])' for k, name in enumerate(order)),
        "",
        f"assert jnp.allclose(value, {float(report.value)!r}, {TOLERANCE})",
        *(
            f"assert jnp.allclose(gradient[{k}], jnp.array({_right(report, name)}), {TOLERANCE})"
            for k, name in enumerate(order)
        ),
    ]


_BODIES: dict[str, Callable[..., list[str]]] = {"numpy": _numpy, "pytorch": _torch, "jax": _jax}
