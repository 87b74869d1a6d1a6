"""What a text has said so far: numbers by name, formulas, functions and derivatives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from math import isfinite

from ..checking.answers import read_target
from ..checking.claims import Judge
from ..engine.run import leaf_values, run
from ..errors import BackpropError
from ..graph import Graph
from ..language.lower import lower
from ..language.operators import CONSTANTS
from ..language.parser import NAME_ITEM, parse
from ..language.tokens import NAME
from .numbers import NUMBER

LINE_LIMIT = 400
NODES = 400
_SLOPE_AT = re.compile(rf"\b({NAME})['′]\(([^()]*)\)")
SLOPE = re.compile(rf"[d∂]({NAME})\s*/\s*[d∂]({NAME})")


class Known:
    """What the text has said so far.

    Attributes:
        values: Number by name.
        steps: Formula by name, in order.
        functions: Program by name.
        definitions: Definition by name, ``f(x) = x^2``.
        given: Names that a line gave a value.
        computed: Names whose value came of a formula.
        slopes: Derivatives that were worked out, ``dL/dw``.
        formulas: Names that had a formula: whether the last one could not be worked out.
    """

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.steps: dict[str, str] = {}
        self.functions: dict[str, Graph] = {}
        self.definitions: dict[str, str] = {}
        self.given: set[str] = set()
        self.computed: set[str] = set()
        self.slopes: dict[str, float] = {}
        self.formulas: dict[str, bool] = {}

    def give(self, name: str, value: float, formula: str = "") -> None:
        """Give a name a value, by a formula where there is one."""
        again = name in self.values
        if again and value != self.values[name]:
            self.slopes.clear()
        self.values[name] = value
        self.given.add(name)
        (self.computed.add if formula else self.computed.discard)(name)
        if formula:
            self.formulas[name] = False
        # what is assigned again is no step of one program
        for other in [n for n, f in self.steps.items() if n == name or (again and name in names_in(f))]:
            del self.steps[other]
        if formula and name not in names_in(formula) and not re.fullmatch(NUMBER, formula):
            self.steps[name] = formula

    def forget(self, names: Iterable[str]) -> None:
        """Forget names that may have changed, and the steps over them."""
        for name in names:
            if name in self.values:
                self.slopes.clear()
            self.values.pop(name, None)
            self.functions.pop(name, None)
            self.definitions.pop(name, None)
            for step in [n for n, f in self.steps.items() if n == name or name in names_in(f)]:
                del self.steps[step]

    def value(self, text: str) -> float | None:
        """Work out an expression over names that have values, and functions that are defined."""
        text = _SLOPE_AT.sub(self._slope, text)
        text = SLOPE.sub(lambda m: f"({self.slopes[m[0]]!r})" if m[0] in self.slopes else m[0], text)
        return worked_out(
            text, self.values, [d for n, d in self.definitions.items() if re.search(rf"\b{n}\(", text)]
        )

    def _slope(self, match: re.Match[str]) -> str:
        """Return the number that ``f'(0.4)`` stands for; what cannot be worked out stays as it is."""
        graph, at = self.functions.get(match[1]), self.value(match[2])
        if graph is None or at is None or len(graph.inputs) != 1:
            return match[0]
        ((name, _),), point = graph.inputs.items(), Judge(graph, dict.fromkeys(graph.inputs, at))
        right = point.question(read_target(f"d{match[1]}/d{name}", graph)).right.number
        return match[0] if right is None else f"({right!r})"

    def program(self, output: str) -> Graph | None:
        """Return the program of the steps up to one."""
        names = list(self.steps)
        if output not in names:
            return None
        wanted = {output}
        for name in reversed(names):
            wanted |= names_in(self.steps[name]) if name in wanted else set()
        text = "; ".join(f"{n} = {f}" for n, f in self.steps.items() if n in wanted and n != output)
        return lowered(f"{text}; {output} = {self.steps[output]}".lstrip("; "))


def names_in(text: str) -> set[str]:
    """Return the names in a text."""
    return set(re.findall(NAME, text))


def lowered(text: str) -> Graph | None:
    """Return the program that a text is; None where it is none, or too long a one."""
    try:
        graph = lower(parse(text))
    except BackpropError:
        return None
    return graph if len(graph) <= NODES else None


def worked_out(text: str, values: dict[str, float], definitions: Sequence[str] = ()) -> float | None:
    """Work out an expression over the names that the text has given values; None where it cannot be."""
    text = text.replace("math.", "").replace("np.", "").replace("torch.", "").strip()
    if not text or len(text) > LINE_LIMIT:
        return None
    try:
        program = parse("\n".join([*definitions, text]))
        *before, last = program.statements
        if len(before) > len(definitions) or last.name:
            return None
        names = {i.text for i in last.items if i.arity == NAME_ITEM}
        bound = {n: values[n] for n in names if n in values}
        if names - set(bound) - set(CONSTANTS):
            return None
        graph = lower(program, bound)
        if len(graph) > NODES:
            return None
        value = float(run(graph, leaf_values(graph, bound))[graph.output])
    except (BackpropError, ArithmeticError, ValueError):
        return None
    return value if isfinite(value) else None
