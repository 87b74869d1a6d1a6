"""Gradients that code asks a library for: ``x.grad`` after ``L.backward()``, by the statements before it.

The statements are kept as one program, in which a name that is assigned again is another one. Nothing is run.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from ..language.operators import CONSTANTS
from ..language.parser import NAME_ITEM
from ..language.tokens import NAME
from .numbers import NUMBER, plain_number
from .programs import lowered, names_in, program_in, slope_at

_LIBRARY = re.compile(
    r"\b(?:math|np|numpy|torch(?:\.nn\.functional|\.autograd)?|F|tf|jnp|jax|nn\.functional)\.(?=\w)"
)
_MADE = re.compile(
    # a number as libraries wrap it: Value(2.0, label="a"), tensor([3.0], requires_grad=True)
    rf"\b(?:Value|Scalar|Var|Variable|[Tt]ensor|Parameter|constant|array|asarray|float|float32|float64|double)"
    rf"\(\s*\[?\s*({NUMBER})\s*\]?\s*(?:,\s*[^()\[\]]*)?\)"
)
_UNWRAPPED = re.compile(
    r"(?<=[\w)\]])\.(?:data|item\(\)|detach\(\)|numpy\(\)|double\(\)|float\(\)|value)(?![\w(])"
)
_METHOD = re.compile(
    rf"({NAME}|\([^()]*(?:\([^()]*\)[^()]*)*\))\.(relu|tanh|sigmoid|exp|log|sin|cos|sqrt|abs|pow)\(([^()]*)\)"
)
_FORMATTED = re.compile(r"\bf(['\"])\{([^{}:!]+)(?::[^{}]*)?\}\1")
_SLOPE_OF = re.compile(rf"\bgrad\(({NAME})\)\(")
_ADDED = re.compile(rf"({NAME})\s*(\*\*|[-+*/])=(?!=)\s*(.+)")
_ASSIGNED = re.compile(rf"({NAME})\s*=(?!=)\s*(.+)")
_BACKWARD = re.compile(rf"({NAME})\.backward\((?:retain_graph\s*=\s*True)?\)")
_GRADIENT = re.compile(rf"\b({NAME})\.grad\b(?![(\w]|\s*=(?!=)|\.(?!item\(\)|data\b(?!\.)|detach))")
_ZEROED = re.compile(rf"({NAME})\.grad(?:\.zero_\(\)|\.data\.zero_\(\)|\s*=\s*(?:None|0(?:\.0*)?))")
_KEPT = re.compile(
    rf"{NAME}\.(?:requires_grad(?:_\(\w*\)|\s*=\s*True)|retain_grad\(\)|(?:label|name)\s*=\s*(['\"])[^'\"]*\1)"
)
_SINGLE = re.compile(r"\b(?:torch|tf|jnp|jax)\.|\b[Tt]ensor\(")
_IN_PLACE = re.compile(rf"{NAME}(?:\.data\b|\s*(?:\*\*|[-+*/])=)")
_UNSETTLED = re.compile(r"\.(?:step|zero_grad|backward|apply_gradients|minimize|fit|train)\(")


def spelled(code: str) -> str:
    """Write what libraries call numbers and functions in our own language."""
    code = _FORMATTED.sub(r"\2", _LIBRARY.sub("", code))
    code = _UNWRAPPED.sub("", _MADE.sub(r"(\1)", code))
    while (plain := _METHOD.sub(_called, code)) != code:
        code = plain
    code = _SLOPE_OF.sub(r"\1'(", code)
    added = _ADDED.fullmatch(code.strip())
    return f"{added[1]} = {added[1]} {added[2]} ({added[3]})" if added else code


def unsettles(code: str) -> bool:
    """Return whether nobody knows what numbers there are after a statement: of an optimizer, say."""
    return _UNSETTLED.search(code) is not None


def _called(match: re.Match[str]) -> str:
    return f"{match[2]}({match[1]}{', ' if match[3] else ''}{match[3]})"


class Tape:
    """The statements of the code of a text, as one program, and what ``backward`` was called on.

    Attributes:
        single: Whether numbers are those of a library that has single precision where none is asked for.
    """

    def __init__(self) -> None:
        self.single = False
        self._names: dict[str, str] = {}
        self._steps: dict[str, str] = {}
        self._leaves: dict[str, float] = {}
        self._versions: Counter[str] = Counter()
        self._outputs: list[tuple[str, set[str]]] = []
        self._mixed: set[str] = set()

    def read(self, code: str, values: Mapping[str, float], definitions: Sequence[str]) -> str:
        """Take in a statement, and return it in our own language, gradients as their numbers.

        Args:
            code: The statement, without its comment; "" is returned where nothing is left of it.
            values: What names that no statement has assigned stand for.
            definitions: Functions, ``f(x) = x^2``.
        """
        code = code.strip()
        self.single = self.single or _SINGLE.search(code) is not None
        if (called := _BACKWARD.fullmatch(code)) and called[1] in self._names:
            self._outputs.append((self._names[called[1]], set()))
            return ""
        if zeroed := _ZEROED.fullmatch(code):
            self._mixed.discard(zeroed[1])
            for _, without in self._outputs:
                without.add(self._names.get(zeroed[1], ""))
            return ""
        if _KEPT.fullmatch(code):
            return ""
        plain = spelled(_GRADIENT.sub(lambda m: self._gradient(m, definitions), code))
        if assigned := _ASSIGNED.fullmatch(plain):
            name, formula = assigned.groups()
            if self._outputs and (_IN_PLACE.match(code) or name in self._mixed):
                self._mixed.add(name)  # its gradient stays, and another may be added to it
            self._assign(name, formula, values)
        return plain

    def forget(self, name: str) -> None:
        """Forget a name that may stand for something else now."""
        self._names.pop(name, None)

    def _assign(self, name: str, formula: str, values: Mapping[str, float]) -> None:
        own = self._own(formula, values)
        if own is None:
            self.forget(name)
        elif number := re.fullmatch(rf"\(?\s*({NUMBER})\s*\)?", formula):
            self._leaves[self._anew(name)] = float(plain_number(number[1]))
        else:
            self._steps[self._anew(name)] = re.sub(NAME, lambda m: own.get(m[0], m[0]), formula)

    def _own(self, formula: str, values: Mapping[str, float]) -> dict[str, str] | None:
        """Return what the names of a formula are called in the program; None where one is not known."""
        program = program_in(formula)
        if program is None or len(program.statements) != 1:
            return None
        words = {item.text for item in program.statements[0].items if item.arity == NAME_ITEM}
        for word in sorted(words - self._names.keys() & values.keys()):
            self._leaves[self._anew(word)] = values[word]
        known = words & self._names.keys()
        return {word: self._names[word] for word in known} if words - known <= CONSTANTS.keys() else None

    def _anew(self, name: str) -> str:
        """Return what a name is called in the program from now on."""
        self._versions[name] += 1
        count = self._versions[name]
        self._names[name] = name if count == 1 else f"{name}_again_{count}"
        return self._names[name]

    def _gradient(self, match: re.Match[str], definitions: Sequence[str]) -> str:
        """Return the number that ``x.grad`` stands for; what cannot be worked out stays as it is."""
        own = self._names.get(match[1])
        if own is None or match[1] in self._mixed:
            return match[0]
        reached = [
            (output, steps)
            for output, without in self._outputs
            if own not in without and own in (steps := self._before(output))
        ]
        if len(reached) != 1:
            return match[0]  # of two the second is added to the first, of inner nodes in ways that differ
        ((output, steps),) = reached
        number = 1.0 if own == output else self._slope(output, own, steps, definitions)
        return match[0] if number is None else f"({number!r})"

    def _before(self, output: str) -> set[str]:
        """Return what an output depends on, itself included."""
        found = {output}
        for version in reversed(self._steps):
            found |= names_in(self._steps[version]) if version in found else set()
        return found

    def _slope(self, output: str, by: str, steps: set[str], definitions: Sequence[str]) -> float | None:
        program = [f"{version} = {self._steps[version]}" for version in self._steps if version in steps]
        graph = lowered("\n".join([*definitions, *program]))
        if graph is None or not set(graph.inputs) <= self._leaves.keys():
            return None
        return slope_at(graph, {name: self._leaves[name] for name in graph.inputs}, output, by)
