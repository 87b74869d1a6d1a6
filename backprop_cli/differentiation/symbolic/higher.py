"""Higher derivatives: the inlined function, differentiated along one direction after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import sympy

from ...engine.run import evaluate
from ...graph import Graph
from .constants import Constants, inlined
from .functions import defined, is_formula, outermost_first, shown
from .printer import Printer
from .simpler import Simpler
from .tracked import Points, evaluate_formula

HIGHER_LIMIT = 400  # steps of a program that is differentiated more than once
WRITTEN_LIMIT = 300  # operations of a formula that is shown


def higher(
    graph: Graph,
    inputs: Mapping[str, float] | None,
    directions: Sequence[Sequence[Sequence[tuple[str, float]]]],
    found: dict[str, Any],
) -> None:
    """Differentiate the inlined function along one direction after the other.

    Args:
        graph: The computation.
        inputs: A value for every input; None for formulas alone.
        directions: Per answer, the directions in their order.
        found: Gets formulas and numbers by position, a formula as soon as it is there.
    """
    steps = sum(node.op is not None for node in graph.nodes)
    if steps > HIGHER_LIMIT:
        found["failure"] = f"{steps:,} steps are too many to differentiate more than once"
        return
    constants = Constants(graph)
    symbols = {id: sympy.Dummy(name, real=True) for name, id in graph.inputs.items()}
    decimal = any(n.label and "." in n.label for n in graph.nodes)
    decimal = decimal or any(w % 1.0 for along in directions for weights in along for _, w in weights)
    write = Printer(decimal, constants.written, outermost_first(graph)).write
    reached = graph.needed()

    def derived(known: dict[Any, Any], along: tuple[Any, ...]) -> Any:
        if along not in known:
            before = derived(known, along[:-1])
            known[along] = sympy.Add(
                *(
                    sympy.Rational(repr(w)) * before.diff(symbols[graph.inputs[name]])
                    for name, w in along[-1]
                    if w
                )
            )
        return known[along]

    keys = [tuple(tuple(map(tuple, weights)) for weights in along) for along in directions]
    function = {(): inlined(graph, constants, symbols, defined, reached)[graph.output]}
    names = {symbol: id for id, symbol in symbols.items()} | constants.values
    if inputs is not None:
        _, needed = evaluate(graph, inputs)
        points = Points(graph, inputs, needed)
        for k, key in enumerate(keys):
            formula = partial(evaluate_formula, derived(function, key), names)
            found["numbers"][k] = points.settle(formula)
    written = {(): inlined(graph, constants, symbols, shown, reached)[graph.output]}
    texts = found["formulas"]
    expressions: dict[int, Any] = {}
    steps_named = _named_steps(graph, constants, symbols, reached) if graph.source.unknown else {}
    for k, key in enumerate(keys):
        expression = sympy.powsimp(derived(written, key)).xreplace(steps_named)
        if is_formula(expression) and expression.count_ops(visual=False) <= WRITTEN_LIMIT:
            texts[k], expressions[k] = write((expression,)), expression

    def shorten() -> None:
        simpler = Simpler({})
        for k, expression in expressions.items():
            texts[k] = simpler.shortest(texts[k], expression, lambda e: write((e,)))

    found["later"] = shorten


def _named_steps(graph: Graph, constants: Constants, symbols: dict[int, Any], reached: list[bool]) -> Any:
    """Return the names of steps for what unknown functions are of them: ``g''(u)``, not ``g''(f(x))``."""
    built = inlined(graph, constants, symbols, shown, reached)
    return {
        built[node.id]: sympy.Dummy(node.name, real=True)
        for node in graph.nodes
        if node.op is not None and node.name is not None and node.id != graph.output and reached[node.id]
    }
