"""Texts as programs of the language, and what they come to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import isfinite

from ..checking.answers import read_target
from ..checking.claims import Judge
from ..engine.run import leaf_values, run
from ..errors import BackpropError
from ..graph import Graph
from ..language.lower import lower
from ..language.operators import CONSTANTS
from ..language.parser import NAME_ITEM, Program, readable
from ..language.tokens import NAME

LINE_LIMIT = 400
NODES = 400


def names_in(text: str) -> set[str]:
    """Return the names in a text."""
    return set(re.findall(NAME, text))


@lru_cache(maxsize=1024)
def program_in(text: str) -> Program | None:
    """Return the program that a text is; None where it is none. A line asks for it more than once."""
    return readable(text)


def lowered(text: str) -> Graph | None:
    """Return the program that a text is; None where it is none, or too long a one."""
    program = program_in(text)
    try:
        graph = lower(program) if program else None
    except BackpropError:
        return None
    return graph if graph and len(graph) <= NODES else None


def worked_out(text: str, values: Mapping[str, float], definitions: Sequence[str] = ()) -> float | None:
    """Work out an expression over the names that the text has given values; None where it cannot be."""
    text = text.replace("math.", "").replace("np.", "").replace("torch.", "").strip()
    if not text or len(text) > LINE_LIMIT:
        return None
    program = program_in("\n".join([*definitions, text]))
    if program is None:
        return None
    try:
        *before, last = program.statements
        if len(before) > len(definitions) or last.name:
            return None
        names = {i.text for i in last.items if i.arity == NAME_ITEM}
        bound = {n: values[n] for n in names if n in values}
        if names - set(bound) - set(CONSTANTS):
            return None
        graph = lower(program, bound)
    except BackpropError:
        return None
    return value_at(graph, bound) if len(graph) <= NODES else None


def value_at(graph: Graph, at: Mapping[str, float]) -> float | None:
    """Work out a program at a point; None where it has no value."""
    try:
        value = float(run(graph, leaf_values(graph, dict(at)))[graph.output])
    except (BackpropError, ArithmeticError, ValueError):
        return None
    return value if isfinite(value) else None


def values_at(graph: Graph, at: Mapping[str, float]) -> dict[str, float]:
    """Return the numbers of a program's steps with a name, but for the last, at a point; {} without any."""
    try:
        values = run(graph, leaf_values(graph, dict(at)))
    except (BackpropError, ArithmeticError, ValueError):
        return {}
    return {name: float(values[id]) for name, id in graph.named.items() if id != graph.output}


def slope_at(graph: Graph, at: Mapping[str, float], of: str, by: str) -> float | None:
    """Work out a derivative of a program at a point; None where there is none."""
    try:
        return Judge(graph, dict(at)).question(read_target(f"d{of}/d{by}", graph)).right.number
    except BackpropError:
        return None
