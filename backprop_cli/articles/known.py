"""What a text has said so far: numbers by name, formulas, functions and derivatives."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence

from ..checking.answers import read_target
from ..checking.claims import Judge
from ..graph import Graph
from ..language.operators import CONSTANTS
from ..language.tokens import NAME
from .numbers import NUMBER
from .programs import NODES, lowered, names_in, worked_out
from .tape import Tape

_RAISED = re.compile(rf"\b({NAME})\^\(([A-Za-z]\w*\d)\)")
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
        written: Numbers of names and derivatives as the text has them, where others come out.
        updates: Numbers that names were updated to, until something is worked out from them.
        part: Number of the part of the page, such as an example, that is being read.
        since: Part in which a name or function was given last.
        scattered: Names that more than one part of the page gives.
        laws: Formula by name, whether or not its names have values, of the part that is being read.
        hidden: Functions of ours that the page defines in a way that is not read.
        tape: The statements of code.
    """

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.steps: dict[str, str] = {}
        self.laws: dict[str, str] = {}
        self.part = 0
        self.since: dict[str, int] = {}
        self.scattered: set[str] = set()
        self.hidden: set[str] = set()
        self._users: dict[str, set[str]] = {}  # steps by what their formulas name
        self.functions: dict[str, Graph] = {}
        self.definitions: dict[str, str] = {}
        self.given: set[str] = set()
        self.computed: set[str] = set()
        self.slopes: dict[str, float] = {}
        self.formulas: dict[str, bool] = {}
        self.written: dict[str, float] = {}
        self.updates: dict[str, float] = {}
        self.tape = Tape()

    def give(self, name: str, value: float, formula: str = "", written: float | None = None) -> None:
        """Give a name a value, by a formula where there is one; the text may have written another."""
        self.updates.pop(name, None)
        self.written.pop(name, None)
        if written is not None and written != value:
            self.written[name] = written
        again = name in self.values
        if again and value != self.values[name]:
            self.slopes.clear()
        self.values[name] = value
        self.since[name] = self.part
        self.given.add(name)
        (self.computed.add if formula else self.computed.discard)(name)
        if formula:
            self.formulas[name] = False
        self._drop(name, again)
        if formula and name not in (used := names_in(formula)) and not re.fullmatch(NUMBER, formula):
            self.steps[name] = formula
            for other in used:
                self._users.setdefault(other, set()).add(name)

    def _drop(self, name: str, again: bool) -> None:
        """Drop the step of a name, and where it is assigned again those over it: no steps of one program."""
        self.steps.pop(name, None)
        for step in self._users.pop(name, ()) if again else ():
            if name in names_in(self.steps.get(step, "")):
                del self.steps[step]

    def forget(self, names: Iterable[str]) -> None:
        """Forget names that may have changed, and the steps over them."""
        for name in names:
            self.tape.forget(name)
            if name in self.values:
                self.slopes.clear()
            self.values.pop(name, None)
            self.updates.pop(name, None)
            self.written.pop(name, None)
            self.functions.pop(name, None)
            self.definitions.pop(name, None)
            self.laws.pop(name, None)
            self._drop(name, True)

    def update(self, name: str, value: float) -> None:
        """Give a name another number; what was worked out from the one before may still be asked for."""
        self.values.setdefault(name, value)
        self.updates[name] = value
        self.given.add(name)

    def define(self, name: str, inputs: Sequence[str], body: str) -> bool:
        """Define a function; whether that can be read. One that cannot is known no more."""
        text = f"{name}({', '.join(inputs)}) = {body}"
        graph = lowered("\n".join([*self.definitions_in(body), text]))
        if graph is None or set(graph.inputs) != set(inputs) or self.hides(body):
            self.forget([name])
            return False
        self.since[name] = self.part
        self.functions[name], self.definitions[name] = graph, text
        self.given |= {name, *inputs}
        return True

    def spelled(self, text: str) -> str:
        """Write ``b^(c_0)`` as one name, of the bias of c_0, where b alone is none that has a value."""

        def joined(match: re.Match[str]) -> str:
            name = f"{match[1]}_{match[2]}"
            alone = match.span() == (0, len(text)) and match[1] not in CONSTANTS
            return name if match[1] not in self.values and (alone or name in self.values) else match[0]

        return _RAISED.sub(joined, text)

    def take(self, text: str) -> None:
        """Take the updated numbers of the names in a text for theirs."""
        for name in [n for n in names_in(text) if n in self.updates]:
            self.give(name, self.updates[name])

    def claims_again(self, name: str) -> bool:
        """Return whether a name that stands for itself, ``y = 6``, claims what was worked out."""
        return name in self.computed or name in self.updates

    def value(self, text: str, over: dict[str, float] | None = None) -> float | None:
        """Work out an expression over names that have values, and functions that are defined.

        Args:
            text: The expression.
            over: Other numbers for some names and derivatives.
        """
        over = over or {}
        if self.hides(text):
            return None
        text = _SLOPE_AT.sub(self._slope, text)
        slopes = ChainMap(over, self.slopes)
        text = SLOPE.sub(lambda m: f"({slopes[m[0]]!r})" if m[0] in slopes else m[0], text)
        return worked_out(text, ChainMap(over, self.values), self.definitions_in(text))

    def hides(self, text: str) -> bool:
        """Return whether an expression calls what the page has defined in a way that is not read."""
        return bool(self.hidden) and not self.hidden.isdisjoint(re.findall(rf"({NAME})\(", text))

    def definitions_in(self, text: str) -> list[str]:
        """Return the definitions that an expression needs, each behind what it needs itself."""
        called = re.findall(rf"({NAME})\(", text)
        return [self.definitions[n] for n in _in_order(called, self.definitions)]

    def _slope(self, match: re.Match[str]) -> str:
        """Return the number that ``f'(0.4)`` stands for; what cannot be worked out stays as it is."""
        graph, at = self.functions.get(match[1]), self.value(match[2])
        if graph is None or at is None or len(graph.inputs) != 1:
            return match[0]
        ((name, _),), point = graph.inputs.items(), Judge(graph, dict.fromkeys(graph.inputs, at))
        right = point.question(read_target(f"d{match[1]}/d{name}", graph)).right.number
        return match[0] if right is None else f"({right!r})"

    def state(self, name: str, formula: str) -> None:
        """Take in what a name is equal to; what was said of its names the other way round holds no more."""
        needed = _in_order(names_in(formula), self.laws)
        if name in names_in(formula) or lowered(formula) is None:
            self.laws.pop(name, None)
            return
        for other in [n for n in needed if n == name or name in names_in(self.laws[n])]:
            del self.laws[other]
        self.laws[name] = formula

    def program(self, output: str) -> Graph | None:
        """Return the program of the steps up to one."""
        return _program(output, self.steps)

    def law(self, output: str) -> Graph | None:
        """Return the program of the formulas up to one, whether or not its inputs have values."""
        return _program(output, self.laws)


def _program(output: str, formulas: Mapping[str, str]) -> Graph | None:
    if output not in formulas:
        return None
    return lowered("; ".join(f"{n} = {formulas[n]}" for n in _in_order([output], formulas)))


def _in_order(names: Iterable[str], formulas: Mapping[str, str]) -> list[str]:
    """Return those of some names that have a formula, each behind the names that its formula needs."""
    waiting, order, looks = [n for n in names if n in formulas], dict[str, None](), 0
    while waiting and (looks := looks + 1) < NODES:
        needed = names_in(formulas[waiting[-1]]) - {waiting[-1]}
        if before := sorted(n for n in needed if n in formulas and n not in order):
            waiting += before
        else:
            order[waiting.pop()] = None
    return list(order)
