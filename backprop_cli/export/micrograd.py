"""micrograd: scalar ``Value`` objects; what it has no operation for is added in its own way."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..language.operators import CHOICE, COMPARISON, POWER, PRODUCT
from ..language.written import INFIX, Piece, Table, bracketed
from ..ops import PRIMITIVES
from . import python
from .handwritten import helpers
from .page import PYTHON_WORDS, conventions, header, joined, python_assertions
from .program import Program
from .writer import NOT_CLOSED, Names, Writer, expression, python_number, spell

LANGUAGE = "micrograd"


def value(x: Piece) -> str:
    """Write an operand as a Value."""
    return f"Value({x})" if x.constant else x.text


def data(x: Piece) -> str:
    """Write the number of an operand."""
    return f"{x:^}" if x.constant else f"{x:!}.data"


def added(name: str) -> Callable[..., Piece]:
    """Write a function that the program defines itself."""

    def write(*operands: Piece) -> Piece:
        return Piece(f"{OWN.get(name, name)}({', '.join(map(value, operands))})")

    return write


def comparison(sign: str) -> Callable[..., Piece]:
    """Write a comparison of the numbers."""
    return lambda a, b: Piece(f"{data(a)} {sign} {data(b)}", COMPARISON)


def power_n(a: Piece, n: Piece) -> Piece:
    """Write a power; micrograd's own has no slope for x^0 at 0."""
    if n.value == 0.0:
        return Piece(f"(0*{a:^} + 1)")
    return Piece(f"{a:!}**{n:!}", POWER)


def literal_first(n: Piece, x: Piece) -> Piece:
    """Write polygamma: its order is no Value."""
    return Piece(f"polygamma({n}, {x})")


OWN = {"min": "smallest", "max": "largest", "abs": "absolute", "power": "power", "round": "rounded"}
NATIVE = frozenset("add subtract multiply divide negative identity power_n relu where".split())
SPELLING: dict[str, Any] = {
    **{name: added(name) for name, row in PRIMITIVES.items() if name not in NATIVE and not row.truth},
    **INFIX,
    **{name: comparison(row.infix or "") for name, row in PRIMITIVES.items() if row.truth},
    "power_n": power_n,
    "relu": lambda x: Piece(f"{x:!}.relu()"),
    "polygamma": literal_first,
    "sinc_n": NOT_CLOSED,
    "where": lambda c, a, b: Piece(f"{value(bracketed(a, COMPARISON))} if {c:<} else {value(b)}", CHOICE),
}
RESERVED = PYTHON_WORDS | {"Value", *PRIMITIVES, *OWN.values(), *python.HELPERS}


SLOPES = {("power", "a"): "where(b < 1, where(a == 0, 0, b*a^(b - 1)), b*a^(b - 1))"}
"""Of operands that may be numbers, whose slope is computed too: 0^y has none."""


def definition(name: str, used: set[str]) -> str:
    """Return a new operation, made as micrograd makes its own."""
    row = PRIMITIVES[name]
    own = OWN.get(name, name)
    if row.wins:
        return f'''def {own}(*operands):
    """Return the {row.says.split(" of ")[0]}; ties share the slope."""
    y = {name}(x.data for x in operands)
    out = Value(y, operands, "{name}")

    def _backward():
        ties = sum(x.data == y for x in operands)
        for x in operands:
            x.grad += (x.data == y) / ties * out.grad

    out._backward = _backward
    return out'''
    params = [p for k, p in enumerate(row.params) if k != row.literal]
    known = {p: Piece(p if p not in params else f"{p}.data") for p in row.params} | {"y": Piece("out.data")}
    used.add(name)
    forward = spell(SCALAR, name, [known[p] for p in row.params], number=python_number, used=used)
    slopes = []
    for p, text in zip(row.params, row.exact, strict=False):
        if p in params:
            slope = expression(SLOPES.get((name, p), text), known, SCALAR, python_number, used)
            slopes.append(f"{p}.grad += {slope:^} * out.grad")
    children = ", ".join(params) + "," * (len(params) == 1)
    lines = "\n        ".join(slopes)
    return f'''def {own}({", ".join(row.params)}):
    """{row.says[0].upper() + row.says[1:]}: micrograd has no such operation."""
    out = Value({forward}, ({children}), "{name}")

    def _backward():
        {lines}

    out._backward = _backward
    return out'''


SCALAR: Table = {
    **python.SPELLING,
    **{
        name: f"_{spelling}"
        for name, spelling in python.SPELLING.items()
        if isinstance(spelling, str) and spelling in python.HELPERS
    },
    "silu": ("{0:*}*_sigmoid({0})", PRODUCT),
}
"""Plain numbers, by helpers whose names are not those of the operations."""


def write(program: Program) -> str:
    """Return the program."""
    graph = program.graph
    names = Names(RESERVED)
    writer = Writer(program, SPELLING, names, number=python_number, constants=SCALAR)
    notes, open_ = conventions(program, LANGUAGE, python.KINKED)
    mine = [op for op in PRIMITIVES if op in _applied(program) - NATIVE and not PRIMITIVES[op].truth]
    used = set(_constants(program))
    added_texts = [definition(name, used) for name in mine]
    scalar = [_underscored(text) for text in helpers(python.HELPERS, python.NEEDS, used)]
    out = writer.output
    slopes = {name: f"{writer.variable(graph.inputs[name])}.grad" for name in program.wrt}
    deep = ["import sys", "", "sys.setrecursionlimit(100_000)  # micrograd walks the graph by recursion"]
    return joined(
        [
            header(program, names, LANGUAGE),
            ["import math"],
            deep if len(graph) > 300 else [],
            ["from micrograd.engine import Value"],
            *python.definitions([*scalar, *added_texts]),
            [""] * bool(added_texts)
            + [f"{writer.variable(graph.inputs[n])} = Value({x!r})" for n, x in program.point.inputs.items()],
            [
                f"{line.name} = {line.text}" + "  # finite in the other branch too" * line.safe
                for line in writer.lines
            ],
            [f"{out}.backward()"],
            [
                f'print("{out} =", {out}.data)',
                *(f'print("d{out}/d{name} =", {text})' for name, text in slopes.items()),
            ],
            [*notes, *python_assertions(program, f"{out}.data", slopes, skip=open_)],
        ]
    )


def _applied(program: Program) -> set[str]:
    return {node.op.name for node in program.steps if node.op is not None}


def _constants(program: Program) -> set[str]:
    """Return the primitives in what is built from numbers alone."""
    return {n.op.name for n in program.graph.nodes if n.op is not None and n.kind == "constant"}


def _underscored(text: str) -> str:
    """Give helpers of plain numbers names that are not those of the operations."""
    for name in python.HELPERS:
        if name.islower():
            text = re.sub(rf"\b{name}\(", f"_{name}(", text)
    return text
