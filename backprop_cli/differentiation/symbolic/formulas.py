"""The derivative by every node as a formula for readers: SymPy's derivative of each step, chained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import sympy

from ...graph import CONSTANT, Graph
from ...language.format import NAMED_FROM, by_name
from ...language.operators import PRODUCT
from ...language.written import Piece, atom
from .constants import Constants, guarded
from .functions import is_formula, outermost_first, shown
from .printer import Printer
from .simpler import Simpler

CHAIN_FROM = 30  # formulas with more operations than this are written dL/dv4 further down


LONG = 12  # characters of a formula that a table has room for


class Formula:
    """A derivative as a product of groups, one per named step it passes through."""

    __slots__ = ("groups",)

    def __init__(self, groups: tuple[Any, ...]) -> None:
        self.groups = groups

    def merged(self) -> Any:
        return prod(self.groups, start=sympy.S.One)


Texts = dict[int, str]
"""Formulas by node."""


def formulas(graph: Graph, wanted: Sequence[int], *, inline: bool = False) -> Texts:
    """Return the derivative of the output by each wanted node, written in the user's language.

    Args:
        graph: The computation.
        wanted: Node ids.
        inline: Write over inputs alone instead of over the names of steps.
    """
    texts, _, shorten = chained(graph, wanted, inline=inline)
    shorten()
    return texts


def chained(
    graph: Graph, wanted: Sequence[int], *, inline: bool = False
) -> tuple[Texts, Texts, Callable[[], None]]:
    """Return `formulas` as the chain rule puts them together.

    Returns:
        The formulas; those that are long over the slopes of the steps that use the node, as reverse mode adds
        them up, ``(dg/dc) + b*(dg/dv3)``; and what makes the former shorter in their place.
    """
    constants = Constants(graph)
    symbols = {n.id: sympy.Dummy(graph.name(n.id), real=True) for n in graph.nodes if n.kind != CONSTANT}
    decimal = any(n.label and not n.label.isdigit() and n.op is None and "." in n.label for n in graph.nodes)
    write = Printer(decimal, constants.written, outermost_first(graph)).write
    expressions: dict[int, Any] = {}
    templates: dict[tuple[Any, ...], Any] = {}
    limit = 400 if inline else NAMED_FROM
    for node in graph.nodes:
        if node.kind == CONSTANT:
            expressions[node.id] = constants(node.id)
        elif by_name(node, whole=inline):
            expressions[node.id] = symbols[node.id]
        else:
            assert node.op is not None
            operands = guarded(node.op, [expressions[i] for i in node.inputs], constants, node.inputs)
            expression = shown(node.op, operands)
            named = by_name(node, expression.count_ops(visual=False), limit, whole=inline)
            expressions[node.id] = symbols[node.id] if named else expression

    def local(id: int, position: int) -> Any:
        """SymPy's derivative of one step by one operand, over the operands' expressions."""
        node = graph.nodes[id]
        assert node.op is not None
        operands = guarded(node.op, [expressions[i] for i in node.inputs], constants, node.inputs)
        fixed = tuple(
            x if graph.nodes[i].kind == CONSTANT else None for i, x in zip(node.inputs, operands, strict=True)
        )
        key = (node.op.name, position, fixed)
        if key not in templates:
            places = [sympy.Dummy(f"u{k}", real=True) if f is None else f for k, f in enumerate(fixed)]
            derivative = sympy.powsimp(shown(node.op, places).diff(places[position]))
            templates[key] = places, derivative
        places, derivative = templates[key]
        return derivative.xreplace(
            {p: x for p, x, f in zip(places, operands, fixed, strict=True) if f is None}
        )

    users = graph.users()
    always = {graph.output}  # where a branch is not taken, the slope by its steps is 0, whatever they are
    for node in reversed(graph.nodes):
        if node.id in always and node.op is not None:
            always.update(node.inputs[:1] if node.op.chosen else node.inputs)
    found: dict[int, Formula] = {graph.output: Formula(())}
    needed = set(wanted)
    active = graph.depends_on(list(wanted))
    output = graph.name(graph.output)
    texts: Texts = {}
    over: Texts = {}

    slopes: dict[int, Any] = {graph.output: sympy.S.One}

    def slope_by(id: int) -> Any:
        if id not in slopes:
            slopes[id] = sympy.Dummy(f"d{output}/d{graph.name(id)}", real=True)
            constants.written[slopes[id]] = atom(f"({slopes[id].name})")
        return slopes[id]

    merged: dict[int, Callable[[], Any]] = {}
    for node in reversed(graph.nodes):
        k = node.id
        if not active[k] and k not in needed:
            continue
        added: list[Any] = []
        if k != graph.output:
            terms: list[tuple[Any, ...]] = []
            for j in dict.fromkeys(users[k]):
                above = found.get(j)
                if above is None:
                    continue
                step = sum(
                    (local(j, p) for p, i in enumerate(graph.nodes[j].inputs) if i == k), start=sympy.S.Zero
                )
                if step == 0:
                    continue
                added.append(slope_by(j) * step)
                groups = above.groups
                if groups and graph.nodes[j].name is None:
                    terms.append((*groups[:-1], groups[-1] * step))
                else:
                    terms.append((*groups, step))
            if inline or len(terms) > 1:
                terms = [(sympy.Add(*(prod(t, start=sympy.S.One) for t in terms)),)] if terms else []
            found[k] = Formula(terms[0] if terms else (sympy.S.Zero,))
        formula = found[k]
        if k in needed and all(map(is_formula, formula.groups)):
            whole = inline and len(formula.groups) == 1
            texts[k] = write((formula.merged(),) if whole else formula.groups)
            merged[k] = formula.merged
            brief = not inline and len(texts[k]) > LONG and always.issuperset(users[k])
            if brief and is_formula(total := sympy.Add(*added)):
                over[k] = write((total,))
        size = sum(g.count_ops(visual=False) for g in formula.groups)
        if size > (400 if inline else CHAIN_FROM):
            slope = f"d{output}/d{graph.name(k)}"
            further = sympy.Dummy(slope, real=True)
            constants.written[further] = Piece(slope, PRODUCT)
            found[k] = Formula((further,))

    def shorten() -> None:
        bodies = {}
        for node in graph.nodes if not inline else ():
            if node.op is not None and node.kind != CONSTANT and node.name and node.id != graph.output:
                operands = guarded(node.op, [expressions[i] for i in node.inputs], constants, node.inputs)
                bodies[symbols[node.id]] = shown(node.op, operands)
        simpler = Simpler(bodies)
        for k in sorted(merged, key=lambda k: graph.nodes[k].op is not None):
            texts[k] = simpler.shortest(texts[k], merged[k](), lambda e: write((e,)))

    return texts, over, shorten
