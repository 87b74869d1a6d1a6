"""Formulas with unknown functions, held to numbers: random functions are put in the places of the unknown."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from math import pi, prod

from ..engine.point import Point
from ..errors import BackpropError, Source
from ..graph import CONSTANT, NOWHERE, Graph, GraphBuilder
from ..language.lower import lower
from ..language.numbers import exact_text
from ..language.reader import read
from ..ops import PRIMITIVES
from ..ops.unknown import LEVEL, UnknownFunction, waves

TRIALS = 4
"""Choices of functions and points that a formula is held to."""

MOST_TRIALS = 40
"""Choices among which so many with numbers are looked for: a logarithm has none below 0."""

MOST_NODES = 2_000
"""Of a program whose formulas are tried."""

SAME = 1e-9
"""Relative difference of a formula and the sweep that rounding may make."""


def concrete(graph: Graph, seed: int) -> tuple[Graph, list[int]]:
    """Return a program with a random function in the place of each unknown one, and its node for each node.

    A function is a sum of waves, whose derivatives are waves again, written down in primitives: what they
    are differentiated to is the sweep's word. The same seed has the same functions in every program.
    """
    builder = GraphBuilder(Source(""))
    ids: list[int] = []
    for node in graph.nodes:
        if isinstance(node.op, UnknownFunction):
            id = _waves(builder, node.op, [ids[i] for i in node.inputs], seed)
        elif node.op is not None:
            id = builder.apply(node.op, tuple(ids[i] for i in node.inputs), node.span)
        elif node.kind == CONSTANT:
            id = builder.constant(node.value, node.label or "", node.span)
        else:
            id = builder.input(graph.name(node.id), node.span, node.kind)
        if node.op is not None and node.name is not None:
            if builder.nodes[id].name is not None:
                id = builder.apply(PRIMITIVES["identity"], (id,), node.span)
            builder.name(id, node.name)
        ids.append(id)
    return builder.build([ids[k] for k in graph.outputs], graph.defaults, graph.euler), ids


def _waves(builder: GraphBuilder, row: UnknownFunction, operands: Sequence[int], seed: int) -> int:
    def number(x: float) -> int:
        return builder.constant(x, exact_text(x), NOWHERE)

    def apply(name: str, *inputs: int) -> int:
        return builder.apply(PRIMITIVES[name], inputs, NOWHERE)

    total = number(LEVEL if not any(row.orders) else 0.0)
    for size, rates, phase in waves(row.function, len(operands), seed):
        angle = number(phase + sum(row.orders) * pi / 2.0)
        for rate, x in zip(rates, operands, strict=True):
            angle = apply("add", angle, apply("multiply", number(rate), x))
        factor = number(size * prod(rate**n for rate, n in zip(rates, row.orders, strict=True)))
        total = apply("add", total, apply("multiply", factor, apply("sin", angle)))
    return total


Slopes = Callable[[Graph, Mapping[str, float], Sequence[int]], Sequence[float]]
"""What formulas should come to: of a program, at a point, with its node for each node of the unknown one."""


def refuted(graph: Graph, formulas: Sequence[str | None], slopes: Slopes) -> list[int]:
    """Return the formulas that differ from the numbers of our own rules, by their places.

    Args:
        graph: A program with unknown functions.
        formulas: Over its inputs and steps, and over ``dL/dv4``.
        slopes: The numbers, of a program without unknown functions.
    Raises:
        ValueError: where no function that was tried has numbers.
    """
    wrong: set[int] = set()
    tried = 0
    for seed in range(1, MOST_TRIALS):
        chance = random.Random(seed)
        program, ids = concrete(graph, seed)
        inputs = {name: chance.uniform(0.4, 1.6) for name in program.inputs}
        try:
            point = Point.at(program, inputs)
            right = slopes(program, inputs, ids)
            named = {graph.own_name(k): point.values[id] for k, id in enumerate(ids)}
            steep = {graph.own_name(k): point.cotangents[id] for k, id in enumerate(ids)}
            found = [None if text is None else _value(text, graph, seed, named, steep) for text in formulas]
        except BackpropError:
            continue
        tried += 1
        scale = max(map(abs, right), default=0.0)
        wrong |= {
            k
            for k, (x, y) in enumerate(zip(found, right, strict=True))
            if x is not None and not abs(x - y) <= SAME * max(abs(x), abs(y)) + 1e-3 * SAME * scale
        }
        if tried == TRIALS:
            return sorted(wrong)
    if not tried:
        raise ValueError
    return sorted(wrong)


def _value(
    text: str, graph: Graph, seed: int, named: Mapping[str, float], steep: Mapping[str, float]
) -> float:
    """Return what a formula comes to with the functions of a seed."""
    slopes: dict[str, float] = {}

    def slope(match: re.Match[str]) -> str:
        name = f"slope_{len(slopes)}"
        slopes[name] = steep[match[1]]
        return name

    output = re.escape(graph.own_name(graph.output))
    plain = re.sub(rf"\bd{output}/d(\w+)", slope, text)
    program, _ = concrete(of_text(plain, graph), seed)
    known = {**named, **slopes}
    return Point.at(program, {name: known[name] for name in program.inputs}, ()).value


def of_text(text: str, graph: Graph) -> Graph:
    """Read a formula about a program with unknown functions."""
    program = read(text, graph.source.unknown)
    return lower(program, set(graph.named) & set(program.all_names()))


def without_refuted(
    graph: Graph, formulas: Mapping[int, str], slopes: Slopes | None = None
) -> tuple[dict[int, str], list[str]]:
    """Return the formulas that hold for random functions, and notes on those that do not.

    Args:
        graph: The program.
        formulas: By node, or by place in what ``slopes`` returns.
        slopes: The numbers; None for d output / d node by the sweep.
    """
    keys = list(formulas)
    if not graph.inputs:  # nothing to differentiate by
        return {}, []
    if len(graph) > MOST_NODES:
        return {}, [f"{len(graph):,} nodes are too many for formulas to be held to functions put in"]

    def swept(program: Graph, inputs: Mapping[str, float], ids: Sequence[int]) -> Sequence[float]:
        point = Point.at(program, inputs)
        return [point.cotangents[ids[k]] for k in keys]

    try:
        wrong = refuted(graph, [formulas[k] for k in keys], slopes or swept)
    except ValueError:
        return dict(formulas), ["no numbers were found that the formulas could be held to"]
    lost = {keys[k] for k in wrong}
    notes = (
        [f"{len(lost)} of the formulas did not hold for functions put in, and are left out"] if lost else []
    )
    return {k: text for k, text in formulas.items() if k not in lost}, notes
