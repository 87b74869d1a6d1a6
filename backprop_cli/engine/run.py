"""The forward pass: the value of every node, and which of them the answer needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from math import inf, isfinite, pi, ulp
from typing import Any

from ..errors import BindingError, DomainError, NoSuchNumber, RangeError, nearest
from ..graph import CONSTANT, Graph, Node
from ..language.format import beginning, node_text
from ..language.literals import exact_literal
from ..language.numbers import brief, exact_text, tidy
from ..ops.namespaces import FLOATS
from ..ops.unknown import UnknownFunction

MANY_DIGITS = 800
"""That tell cos(1e-300) from 1."""


def bind(graph: Graph, values: Mapping[str, float]) -> dict[str, float]:
    """Return a value for every input: the given ones over the program's own.

    Raises:
        BindingError: for an unknown, computed, missing or non-finite one, listing what there is.
    """
    for name in values:
        if name not in graph.inputs:
            raise not_an_input(graph, name)
    node = unknown_step(graph)
    if node is not None:
        raise without_numbers(graph, node)
    for name, value in values.items():
        if not isfinite(value):
            raise BindingError(f"{name} = {value} is not a finite number")
    bound = {name: values.get(name, graph.defaults.get(name)) for name in graph.inputs}
    missing = [name for name, value in bound.items() if value is None]
    if missing:
        raise BindingError(
            f"no value for {', '.join(missing[:12])}{' ...' if len(missing) > 12 else ''}",
            source=graph.source,
            span=graph.nodes[graph.inputs[missing[0]]].span,
            hint=_meant_as_product(graph, missing, bound)
            or f"the expression's variables: {_listed(list(graph.inputs))}",
        )
    return {name: float(value) for name, value in bound.items() if value is not None}


def is_bound(graph: Graph, bindings: Mapping[str, float]) -> bool:
    """Whether there is a point: with no value at all, a program that needs some is its symbols alone."""
    return bool(bindings or ((graph.defaults or not graph.inputs) and unknown_step(graph) is None))


def unknown_step(graph: Graph) -> Node | None:
    """Return the first step that is an unknown function's value."""
    steps = graph.nodes if graph.source.unknown else ()
    return next((node for node in steps if isinstance(node.op, UnknownFunction)), None)


def without_numbers(graph: Graph, node: Node) -> BindingError:
    """Say that a program with unknown functions has formulas alone."""
    assert isinstance(node.op, UnknownFunction)
    name = node.op.function
    says = f"{name} is an unknown function: there are formulas, but no numbers"
    operands = ", ".join(graph.name(i) for i in node.inputs)
    hint = f"define it before, {name}({', '.join(node.op.params)}) = ..."
    if len(node.inputs) == 1:
        text = re.sub(r"^[^(]*", "", graph.text(node.id)) or f"({operands})"
        hint += f", or write {name}*{text} to multiply"
    return BindingError(says, source=graph.source, span=node.span, hint=hint)


def not_an_input(graph: Graph, name: str, given: Collection[str] = ()) -> BindingError:
    """Say that there is no such input, and what there is.

    Args:
        graph: The computation.
        name: What is none of its inputs.
        given: Every name that has a value.
    """
    variables = list(graph.inputs)
    if name in graph.named:
        node = graph.nodes[graph.named[name]]
        return BindingError(
            f"{name} is computed ({name} = {node_text(graph, node.id)}), so it cannot be given a value",
            source=graph.source,
            span=node.span,
            hint=f"the expression's variables: {_listed(variables)}",
        )
    close = nearest(name, variables)
    listed = f"the expression's variables: {_listed(variables)}" if variables else "it has no variables"
    product = _meant_as_product(graph, variables, {name, *given})
    meant = f"{product}. " if product else f"did you mean {close}? " if close else ""
    return BindingError(f"the expression has no variable {name}", hint=meant + listed)


def _meant_as_product(graph: Graph, names: Sequence[str], known: Collection[str]) -> str | None:
    """Return a sentence on names that were likely meant as products or as calls."""
    if graph.shaped:
        return None
    from ..language.parser import parse_here
    from ..language.readings import product_note  # where an answer fails, and only there: start-up time

    return product_note(graph.source.text, names, {*graph.named, *known}, parse_here)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def run(
    graph: Graph,
    leaves: Mapping[int, Any],
    xp: Any = FLOATS,
    needed: Sequence[bool] | None = None,
    *,
    apply: Callable[..., Any] | None = None,
    force: Mapping[int, Any] | None = None,
) -> list[Any]:
    """Run the program over any number system.

    Args:
        graph: The computation.
        leaves: A value for the id of every input and constant.
        xp: The namespace the values belong to.
        needed: Nodes to compute; the others are nan. None computes all.
        apply: How a primitive is applied, ``apply(op, *operands, **static)``; None for its forward rule.
        force: Values that nodes have whatever their operands are.
    Returns:
        One value per node; non-finite ones are left for `check_values`.
    """
    if apply is not None or force:
        return _run_by(graph, leaves, xp, needed, apply, force or {})
    values: list[Any] = []
    append = values.append
    plain = not graph.shaped
    for node in graph.nodes:
        op = node.op
        if op is None:
            append(leaves[node.id])
            continue
        if needed is not None and not needed[node.id]:
            append(xp.nan)
            continue
        inputs = node.inputs
        if plain and len(inputs) == 2:
            append(op.forward(xp, values[inputs[0]], values[inputs[1]]))
        elif plain and len(inputs) == 1:
            append(op.forward(xp, values[inputs[0]]))
        else:
            append(op.forward(xp, *[values[i] for i in inputs], **node.static))
    return values


def _run_by(
    graph: Graph,
    leaves: Mapping[int, Any],
    xp: Any,
    needed: Sequence[bool] | None,
    apply: Callable[..., Any] | None,
    force: Mapping[int, Any],
) -> list[Any]:
    """Run the program by a caller's rules: apart from `run`, whose loop is most of the work of a float."""
    values: list[Any] = []
    for node in graph.nodes:
        operands = [values[i] for i in node.inputs]
        if node.id in force:
            values.append(force[node.id])
        elif node.op is None:
            values.append(leaves[node.id])
        elif needed is not None and not needed[node.id]:
            values.append(xp.nan)
        elif apply is not None:
            values.append(apply(node.op, *operands, **node.static))
        else:
            values.append(node.op.forward(xp, *operands, **node.static))
    return values


def leaf_values(graph: Graph, inputs: Mapping[str, float]) -> dict[int, float]:
    """Return the value of every leaf: inputs as bound, constants as written."""
    leaves = graph.constant_values()
    for name, id in graph.inputs.items():
        leaves[id] = inputs[name]
    return leaves


def exact_leaves(graph: Graph, inputs: Mapping[str, Any]) -> dict[int, Any]:
    """Return every leaf to mpmath's working precision; inputs are exact as given."""
    from mpmath import mpf

    leaves = {
        n.id: exact_literal(n.label) if n.label else mpf(n.value)
        for n in graph.nodes
        if n.op is None and n.kind == CONSTANT
    }
    return leaves | {id: mpf(inputs[name]) for name, id in graph.inputs.items()}


def matched(graph: Graph, inputs: Mapping[str, float]) -> dict[str, Any]:
    """Return the inputs, exact as given, but what equals a constant of the program is that: 0.1, or pi."""
    from mpmath import mpf

    exact = exact_leaves(graph, inputs)
    values = graph.constant_values()
    known = {sign * x: sign * exact[id] for id, x in values.items() for sign in (1, -1)}
    return {name: known.get(x, mpf(x)) for name, x in inputs.items()}


def meant(graph: Graph, inputs: Mapping[str, float]) -> dict[str, Any]:
    """Return the inputs as they are meant: as `matched`, and 0.1 is the decimal, 3*pi/2 that part of pi.

    A whole number is itself: 1e300 is the float that the others compute with.
    """
    from mpmath import mpf

    found = matched(graph, inputs)
    return {
        k: x if x != inputs[k] or inputs[k].is_integer() else _part_of_pi(inputs[k]) or mpf(repr(inputs[k]))
        for k, x in found.items()
    }


MOST_TURNS = 16
"""Within which a float is an angle; further out any is near a multiple of pi/12."""


def _part_of_pi(x: float) -> Any:
    """Return the multiple of pi/12 that a float stands for; None for any other."""
    from mpmath import mp

    twelfths = round(x / (pi / 12.0)) if abs(x) < MOST_TURNS * 2.0 * pi else 0
    return twelfths * mp.pi / 12 if twelfths and abs(x - twelfths * pi / 12.0) <= ulp(x) else None


def run_exactly(graph: Graph, inputs: Mapping[str, Any], needed: Sequence[bool] | None = None) -> list[Any]:
    """Run the program to mpmath's working precision.

    Args:
        graph: The computation.
        inputs: Floats, exact as given, or numbers of mpmath's.
        needed: As of `run`.
    """
    from ..ops.namespaces import multiprecision

    return run(graph, exact_leaves(graph, inputs), multiprecision(), needed)


def constants(graph: Graph) -> list[float]:
    """Return the value of every node that is built from single numbers alone, nan for the others."""
    leaves = dict.fromkeys(graph.inputs.values(), FLOATS.nan) | graph.constant_values()
    return run(graph, leaves, needed=single_constants(graph))


def single_constants(graph: Graph) -> list[bool]:
    """Return which nodes are built from single numbers alone, with no array on the way."""
    found: list[bool] = []
    for node in graph.nodes:
        plain = node.kind == CONSTANT and not node.shape
        found.append(plain and all(found[i] for i in node.inputs) if graph.shaped else plain)
    return found


def evaluate(graph: Graph, inputs: Mapping[str, float]) -> tuple[list[float], list[bool]]:
    """Return the value of every node and whether the outputs need it.

    Raises:
        DomainError, RangeError: at the first value that the outputs need and that is not finite.
    """
    values = run(graph, leaf_values(graph, inputs))
    return values, check_values(graph, values)


def check_values(graph: Graph, values: Sequence[float]) -> list[bool]:
    """Return which nodes the outputs need here.

    Raises:
        DomainError, RangeError: as in `evaluate`.
    """
    needed = graph.needed(values)
    if not all(map(isfinite, values)):
        for node in graph.nodes:
            if needed[node.id] and not isfinite(values[node.id]):
                raise no_value(graph, values, node.id)
    return needed


def value_at(graph: Graph, inputs: Mapping[str, float]) -> float:
    """Return the output alone.

    Raises:
        DomainError, RangeError: as in `evaluate`.
    """
    return evaluate(graph, inputs)[0][graph.output]


def pieces(nodes: Iterable[Node], values: Sequence[float]) -> tuple[float, ...]:
    """Return a number for every kinked one of some nodes that changes where another piece begins.

    What has no value, in a branch not taken, is on the same piece wherever it has none.
    """
    found = (
        node.op.piece(FLOATS, *[values[i] for i in node.inputs])
        for node in nodes
        if node.op is not None and node.op.piece is not None
    )
    return tuple(inf if piece != piece else piece for piece in found)


def kinked(graph: Graph) -> list[Node]:
    """Return the nodes whose primitives have pieces."""
    return [node for node in graph.nodes if node.op is not None and node.op.piece is not None]


def edges(graph: Graph) -> list[tuple[Node, int, Callable[..., Any]]]:
    """Return the nodes at whose operands a domain may end, the operand, and the rule that says where."""
    found: list[tuple[Node, int, Callable[..., Any]]] = []
    limited: list[bool] = []
    for node in graph.nodes:
        if node.op is not None and node.op.edges:
            if node.op.domain is None:
                limited = limited or _limited(graph)
                if not limited[node.id]:
                    continue
            found += [(node, node.inputs[k], ends) for k, ends in node.op.edges]
    return found


def _limited(graph: Graph) -> list[bool]:
    """Return the nodes that a primitive reads, near or far, that is not defined for all of their values."""
    limited = [False] * len(graph)
    for node in reversed(graph.nodes):
        op = node.op
        for k, i in enumerate(node.inputs if op is not None else ()):
            assert op is not None
            here = op.domain is not None and (k,) not in op.linear
            limited[i] = limited[i] or limited[node.id] or here
    return limited


def operands_text(graph: Graph, values: Sequence[float], id: int) -> str:
    """Return ``a = 1, b = 0`` for the operands of a node that are not constants."""
    seen = dict.fromkeys(i for i in graph.nodes[id].inputs if graph.nodes[i].kind != CONSTANT)
    return beginning(", ".join(f"{written(graph, i)} = {exact_text(values[i])}" for i in seen))


def written(graph: Graph, id: int) -> str:
    """Return a node as the user wrote it where that is short, else as one operation over names."""
    node = graph.nodes[id]
    if node.name is not None:
        return node.name if node.op is None else beginning(node_text(graph, id))
    text = graph.text(id)
    return text if 0 < len(text) <= 32 and "\n" not in text else beginning(node_text(graph, id))


def no_value(graph: Graph, values: Sequence[float], id: int) -> NoSuchNumber:
    """Say why a node has no finite value."""
    node = graph.nodes[id]
    op = node.op
    if op is None:  # an input that a search has taken beyond the floats
        return RangeError(f"{graph.name(id)} overflows: a float64 ends at 1.8e308")
    operands = [values[i] for i in node.inputs]
    text = written(graph, id)
    where = operands_text(graph, values, id)
    at = f" at {where}" if where else ""
    kind: type[NoSuchNumber]
    hint: str | Callable[[], str | None] | None
    if op.domain is not None and not op.domain(*operands):
        kind, hint = DomainError, op.hint
        if any(graph.nodes[i].op is not None for i in node.inputs):
            inputs = {name: values[k] for name, k in graph.inputs.items()}
            hint = partial(_domain_hint, graph, inputs, id, operands)
        message = f"{text} has no value{at}: {op.signature} is defined where {op.defined}"
    else:
        kind, hint = RangeError, op.overflow_hint if where else None
        message = f"{text} overflows{at}: a float64 ends at 1.8e308"
    return kind(message, source=graph.source, span=node.span, hint=hint)


def _domain_hint(graph: Graph, inputs: Mapping[str, float], id: int, operands: Sequence[float]) -> str | None:
    """Return what helps outside a domain: it may be rounding alone that has led there."""
    from mpmath import mp, mpf

    from ..ops.namespaces import multiprecision
    from ..ops.precision import digits

    node = graph.nodes[id]
    assert node.op is not None
    assert node.op.domain is not None
    with digits(MANY_DIGITS):
        needed = [k <= id for k in range(len(graph))]
        exact = run_exactly(graph, meant(graph, inputs), needed)
        # a decimal has no end in binary: what is left of a whole number is that
        rest = mpf(10) ** (20 - MANY_DIGITS) * max((abs(x) for x in exact if mp.isfinite(x)), default=1)
        there = [
            mp.nint(x) if mp.isfinite(x) and abs(x - mp.nint(x)) <= rest else x
            for x in map(exact.__getitem__, node.inputs)
        ]
        y = node.op.forward(multiprecision(), *there)
        if not (all(map(mp.isfinite, (y, *there))) and node.op.domain(*there)):
            return node.op.hint
        moved = [
            f"{written(graph, i)} is {_beside_float(x, near)}"
            for i, x, near in zip(node.inputs, there, operands, strict=True)
            if x != near and graph.nodes[i].op is not None
        ]
        return (
            f"rounding alone leads there: in many digits {' and '.join(dict.fromkeys(moved))}, "
            f"and {written(graph, id)} is {_beside_float(y, inf)}"
        )


def _beside_float(x: Any, near: float) -> str:
    """Write a number in few digits, or by what separates it from a float that has the same."""
    from mpmath import mp

    text = brief(float(x)) if 1e-300 < abs(x) < 1e300 or not x else tidy(mp.nstr(x, 6))
    if near and text == brief(near):
        text = f"{exact_text(near)} {'+' if x > near else '-'} {tidy(mp.nstr(abs(x - near), 2))}"
    return text
