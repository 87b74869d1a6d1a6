"""PyTorch, as a teacher writes it: tensors that require a gradient, ``backward()``, ``.grad``."""

from __future__ import annotations

import struct
from collections.abc import Callable

from ..language.operators import PRODUCT
from ..language.written import INFIX, Piece, Table, template
from . import python
from .page import PYTHON_WORDS, conventions, header, joined, python_assertions
from .program import Program
from .writer import Names, Writer, python_number, real

LANGUAGE = "PyTorch"


def tensors(name: str) -> Callable[..., Piece]:
    """Write a function that takes tensors alone: numbers become tensors."""

    def write(*operands: Piece) -> Piece:
        return Piece(f"{name}({', '.join(map(tensor, operands))})")

    return write


def tensor(x: Piece) -> str:
    """Write an operand as a tensor."""
    return f"torch.tensor({real(x)})" if x.constant else x.text


def extremum(name: str) -> Callable[..., Piece]:
    """Write min or max: of three and more by one reduction, which shares ties equally."""

    def write(*operands: Piece) -> Piece:
        texts = ", ".join(map(tensor, operands))
        return Piece(
            f"torch.{name}imum({texts})" if len(operands) == 2 else f"torch.a{name}(torch.stack([{texts}]))"
        )

    return write


def where(condition: Piece, a: Piece, b: Piece) -> Piece:
    """Write a choice; of two numbers as tensors, which have the precision of the program."""
    condition = Piece(f"torch.tensor({condition})") if condition.constant else condition
    if a.constant and b.constant:
        return Piece(f"torch.where({condition}, {tensor(a)}, {tensor(b)})")
    return Piece(f"torch.where({condition}, {real(a)}, {real(b)})")


def slope(number: str, tensor_form: str) -> Callable[..., Piece]:
    """Write an activation with a slope: PyTorch's own takes a number, not a variable."""

    def write(x: Piece, s: Piece) -> Piece:
        return template(number if s.constant else tensor_form)(Piece(tensor(x)) if x.constant else x, s)

    return write


SPELLING: Table = {
    **INFIX,
    **{name: f"torch.{name}" for name in "sin cos tan asin acos atan sinh cosh tanh asinh acosh".split()},
    **{name: f"torch.{name}" for name in "atanh exp expm1 log log1p log2 log10 sqrt abs sign".split()},
    **{name: f"torch.{name}" for name in "floor ceil round relu sigmoid erf erfc lgamma digamma".split()},
    **{name: tensors(f"torch.{name}") for name in ("atan2", "hypot")},
    "log_base": lambda x, b: Piece(f"torch.log({tensor(x)})/torch.log({tensor(b)})", PRODUCT),
    "power": python.power,
    "power_n": python.power,
    "cbrt": ("torch.sign({0})*torch.abs({0})**(1/3)", PRODUCT),
    "min": extremum("min"),
    "max": extremum("max"),
    "leaky_relu": slope(
        "torch.nn.functional.leaky_relu({0}, {1})",
        "torch.where({0:+} > 0, {0}, {1:*}*{0:^})",
    ),
    "elu": slope(
        "torch.nn.functional.elu({0}, {1})",
        "torch.where({0:+} > 0, {0}, {1:*}*torch.expm1(torch.clamp({0}, max=0)))",
    ),
    # F.softplus leaves e^-x out above 20
    "softplus": "torch.logaddexp({0}, torch.tensor(0.0))",
    "silu": "torch.nn.functional.silu",
    "gelu": "torch.nn.functional.gelu",
    "gamma": "gamma",
    "polygamma": lambda n, x: Piece(f"torch.polygamma({int(n.value or 0)}, {x})"),
    "where": where,
}
HELPERS = {
    "gamma": '''def gamma(x):
    """Return the gamma function: PyTorch has its logarithm."""
    sign = torch.where((x > 0) | (torch.floor(x) % 2 == 0), 1.0, -1.0)
    return sign * torch.exp(torch.lgamma(x))''',
}
KINKED = frozenset("abs sign floor ceil min max relu leaky_relu elu power power_n atan2".split())
"""PyTorch has our convention at these kinks."""

RESERVED = PYTHON_WORDS | {"torch", "gamma", "math"}


def write(program: Program) -> str:
    """Return the program."""
    graph = program.graph
    names = Names(RESERVED)
    writer = Writer(program, SPELLING, names, number=python_number, constants=python.NUMBERS)
    notes, open_ = conventions(program, LANGUAGE, KINKED)
    out = writer.output
    inputs = [
        f"{writer.variable(id)} = torch.tensor({program.point.inputs[name]!r}"
        + (", requires_grad=True)" if name in program.wrt else ")")
        for name, id in graph.inputs.items()
    ]
    slopes = {
        name: f"{writer.variable(graph.inputs[name])}.grad.item()"
        for name in program.wrt
        if program.linked[graph.inputs[name]]
    }
    flat = [name for name in program.wrt if name not in slopes]
    steps = [
        f"{line.name} = {line.text}" + "  # finite in the other branch too" * line.safe
        for line in writer.lines
    ]
    safe = ["# 0 times an infinite slope would be NaN: a branch not taken is kept finite"] * any(
        line.safe for line in writer.lines
    )
    back = [f"{out}.backward()"] if slopes else [f"# {out} is flat: there is nothing to go back through"]
    shown = [f'print("{out} =", {out}.item())']
    shown += [f'print("d{out}/d{name} =", {text})' for name, text in slopes.items()]
    unread = [
        f"assert {writer.variable(graph.inputs[name])}.grad is None  # {out} has the slope 0 in it"
        for name in flat
    ]
    return joined(
        [
            header(program, names, LANGUAGE),
            ["import math", "", "import torch"],
            [] if exact(program) else ["torch.set_default_dtype(torch.float64)  # as backprop computes"],
            *python.definitions([HELPERS["gamma"]] if "gamma" in writer.used else []),
            inputs,
            [*safe, *steps],
            back,
            shown,
            [
                *notes,
                *python_assertions(program, f"{out}.item()", slopes, skip=open_),
                *unread,
            ],
        ]
    )


def exact(program: Program) -> bool:
    """Whether single precision, PyTorch's default, gives the same numbers: small whole ones."""
    numbers = [*program.point.values, *program.point.cotangents]
    plain = {"add", "subtract", "multiply", "negative", "power_n", "identity", "relu", "abs", "min", "max"}
    ops = {node.op.name for node in program.steps if node.op is not None}
    return ops <= plain and all(_single(x) and abs(x) < 1e6 and (x * 1024).is_integer() for x in numbers)


def _single(x: float) -> bool:
    try:
        return bool(struct.unpack("f", struct.pack("f", x))[0] == x)
    except OverflowError:
        return False
