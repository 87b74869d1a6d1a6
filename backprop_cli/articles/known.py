"""What a text has said so far: numbers by name, formulas, functions and derivatives."""

from __future__ import annotations

import re
from collections import ChainMap, deque
from collections.abc import Iterable, Mapping, Sequence

from ..graph import Graph
from ..language.operators import CONSTANTS
from ..language.parser import NAME_ITEM, Program
from ..language.tokens import NAME
from ..ops import FUNCTIONS
from .lines import Hint
from .numbers import NUMBER
from .programs import (
    LINE_LIMIT,
    NODES,
    lowered,
    names_in,
    program_in,
    slope_at,
    value_at,
    values_at,
    worked_out,
)
from .tape import Tape

ACTIVATION = "sigma"
"""The name that activation functions have in formulas."""

SIGMOID = "sigmoid(x)"
_RAISED = re.compile(rf"\b({NAME})\^\(([A-Za-z]\w*\d)\)")
_FACTORS = re.compile(rf"({NAME}|\))(\s*)(?=({NAME})|\(([^()]*))")
SYMBOL = re.compile(r"(?:[^\W\d_]|[a-z]+(?=_)|alpha|beta|gamma|delta|eta|lambda)\d*(?:_\w+)?")
_SUM = re.compile(r"(?!\s*[tnkij]\s*[-+]\s*\d+\s*$)[^-+−]*\S\s*[-+−]")
_CALLED = frozenset("fghpEJLC")
"""Letters that may be functions of what stands in brackets behind them."""

_DIFFERENTIAL = re.compile(r"\bd\s*/\s*d|\(\(d\)/")
STALE = 1e-3
"""By more than that, as a share, a number is another one, not one that rounded numbers led to."""

_SLOPE_AT = re.compile(rf"\b({NAME})['′]\(([^()]*)\)")
_CALLED_ONCE = re.compile(rf"(?<![\w.])({NAME})\(([^()]*)\)")
INLINED = 3
"""How deep calls of functions that the text defines are written out."""

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
        results: What code worked out last, the code and the number.
        made: Formula by name that gave a name its value; its names may have been given anew since.
        wrapped: Whether code has numbers that a library shows to fewer digits.
        hints: What is odd without being wrong.
        hidden: Functions of ours that the page defines in a way that is not read, or has not defined yet.
        rules: Formula over names by name, as the mathematics of the text has it, whatever numbers are put in.
        units: Half a unit of the last digit of what the text rounded, by name, derivative, and number.
        wrongs: Sizes of the wrong numbers of names and derivatives, by these.
        doubts: Why a number of a line was worked out and is not judged, by number.
        tape: The statements of code.
        activations: Functions that the text speaks of, of those that activate neurons.
        assumed: What stands for the activation where the text defines none.
    """

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.steps: dict[str, str] = {}
        self.laws: dict[str, str] = {}
        self.results: deque[tuple[str, float]] = deque(maxlen=4)
        self.made: dict[str, str] = {}
        self.wrapped = False
        self.hints: list[Hint] = []
        self.part = 0
        self.since: dict[str, int] = {}
        self.scattered: set[str] = set()
        self.hidden: set[str] = {ACTIVATION}
        self._users: dict[str, set[str]] = {}  # steps by what their formulas name
        self.functions: dict[str, Graph] = {}
        self.definitions: dict[str, str] = {}
        self.given: set[str] = set()
        self.computed: set[str] = set()
        self.slopes: dict[str, float] = {}
        self.formulas: dict[str, bool] = {}
        self.written: dict[str, float] = {}
        self.updates: dict[str, float] = {}
        self.rules: dict[str, str] = {}
        self.units: dict[str, float] = {}
        self.doubts: dict[str, str] = {}
        self.wrongs: dict[str, float] = {}
        self.tape = Tape()
        self.activations: set[str] = set()
        self.assumed = ""

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
        self.made.pop(name, None)
        if formula and name not in (used := names_in(formula)) and not re.fullmatch(NUMBER, formula):
            self.steps[name] = self.made[name] = formula
            for other in used:
                self._users.setdefault(other, set()).add(name)

    def claim(self, slope: str, value: float, written: float) -> None:
        """Give a derivative its number; the text may have written another."""
        self.slopes[slope] = value
        self.written.pop(slope, None)
        if written != value:
            self.written[slope] = written

    def roundness(self, left: str) -> float:
        """Return how far the numbers that lead to one were rounded, as a share of them, at most."""
        slope = SLOPE.fullmatch(left)
        of = slope[1] if slope else left
        names = {
            *(n for n in _in_order([of], self.rules) if n != of or not slope),
            *(s for s in self.slopes if s.startswith((f"d{of}/", f"∂{of}/"))),
        }
        sizes = {n: abs(self.written.get(n, 0.0)) for n in names if n in self.units}
        return max((self.units[n] / size for n, size in sizes.items() if size), default=0.0)

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
            self.rules.pop(name, None)
            self.functions.pop(name, None)
            self.definitions.pop(name, None)
            self.laws.pop(name, None)
            self.made.pop(name, None)
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
        self.hidden.discard(name)
        self.since[name] = self.part
        self.functions[name], self.definitions[name] = graph, text
        self.given |= {name, *inputs}
        return True

    def speak(self, functions: set[str], chosen: str | None) -> None:
        """Take in which activations a line speaks of, and which it chooses.

        Where it is the only one that the text speaks of, the sigmoid is what ``sigma`` stands for.
        """
        self.activations |= functions
        own = self.definitions.get(ACTIVATION, "")
        if chosen:
            self.define(ACTIVATION, ["x"], chosen)
        elif functions and own == self.assumed:
            alone = self.activations == {SIGMOID}
            if alone and self.define(ACTIVATION, ["x"], SIGMOID):
                self.assumed = self.definitions[ACTIVATION]
            elif own and not alone:
                self.forget([ACTIVATION])
                self.hidden.add(ACTIVATION)
                self.assumed = ""

    def spelled(self, text: str) -> str:
        """Write ``b^(c_0)`` as one name, of the bias of c_0, where b alone is none that has a value."""

        def joined(match: re.Match[str]) -> str:
            name = f"{match[1]}_{match[2]}"
            alone = match.span() == (0, len(text)) and match[1] not in CONSTANTS
            return name if match[1] not in self.values and (alone or name in self.values) else match[0]

        return _RAISED.sub(joined, text)

    def product(self, text: str) -> str:
        """Write ``w_1 x_1`` and ``y (1 - y)`` with a sign, where they are no formula without it."""
        text = re.sub(NAME, self._letters, text)
        if self.reads(text) or _DIFFERENTIAL.search(text):
            return text
        slopes = [match[0] for match in SLOPE.finditer(text)]
        for k, slope in enumerate(slopes):
            text = text.replace(slope, f"slope_{k}_", 1)

        def factors(match: re.Match[str]) -> str:
            left, gap, right, inside = match.groups()
            taken = {*FUNCTIONS, *self.functions}
            if left != ")" and (left in taken or not self._is_factor(left)):
                return match[0]
            if right:
                joins = right in taken or self._is_factor(right)
                return f"{left} * " if joins and (gap or left == ")") else match[0]
            return f"{left} * " if left == ")" or (_SUM.search(inside) and left not in _CALLED) else match[0]

        text = _FACTORS.sub(factors, text)
        return re.sub(r"slope_(\d+)_", lambda m: slopes[int(m[1])], text)

    def _letters(self, match: re.Match[str]) -> str:
        """Return ``w*x`` for the name ``wx`` that nothing was said of, where w and x have values."""
        name = match[0]
        own = name in self.values or name in self.rules or name in self.functions or name in FUNCTIONS
        product = len(name) == 2 and not own and all(c in self.values and c not in CONSTANTS for c in name)
        below = match.string[: match.start()].rstrip().endswith(("/", "^"))  # 1/wx
        return f"{name[0]}*{name[1]}" if product and not below else name

    def _is_factor(self, name: str) -> bool:
        return name in self.values or name in self.rules or SYMBOL.fullmatch(name) is not None

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

    def inlined(self, text: str) -> str:
        """Write the bodies of functions of one input that the text defines in place of their calls."""
        for _ in range(INLINED):
            text = _CALLED_ONCE.sub(self._body, text) if len(text) < LINE_LIMIT else text
        return text

    def _body(self, match: re.Match[str]) -> str:
        name, inside = match.groups()
        if name not in self.definitions or len(self.functions[name].inputs) != 1:
            return match[0]
        (of,) = self.functions[name].inputs
        body = self.definitions[name].partition("=")[2].strip()
        return "(" + re.sub(rf"(?<![\w.]){of}\b", lambda _: f"({inside})", body) + ")"

    def definitions_in(self, text: str) -> list[str]:
        """Return the definitions that an expression needs, each behind what it needs itself."""
        called = re.findall(rf"({NAME})\(", text)
        return [self.definitions[n] for n in _in_order(called, self.definitions)]

    def _slope(self, match: re.Match[str]) -> str:
        """Return the number that ``f'(0.4)`` stands for; what cannot be worked out stays as it is."""
        graph, at = self.functions.get(match[1]), self.value(match[2])
        if graph is None or at is None or len(graph.inputs) != 1:
            return match[0]
        (name,) = graph.inputs
        right = slope_at(graph, {name: at}, match[1], name)
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

    def rule(self, name: str, formulas: Iterable[str]) -> None:
        """Take the first of some formulas over other names for what a name is."""
        for formula in formulas:
            names = self.names_of(formula)
            if names and name not in names:
                self.rules[name] = formula
                return

    @staticmethod
    def reads(text: str) -> Program | None:
        """Return an expression as a program, derivatives in it as numbers; None where it is none."""
        return program_in(_SLOPE_AT.sub("0", SLOPE.sub("0", text)))

    def names_of(self, formula: str) -> set[str]:
        """Return the names of an expression that stand for numbers; none of what is no expression."""
        program = self.reads(formula)
        items = program.statements[0].items if program and len(program.statements) == 1 else ()
        return {item.text for item in items if item.arity == NAME_ITEM} - CONSTANTS.keys()

    def again(self, name: str) -> float | None:
        """Return the value of a name by the formula that gave it, over what its names are by now."""
        over: dict[str, float] = {}
        for step in _in_order([name], self.made):
            value = self.value(self.made[step], over)
            if value is None:
                return None
            over[step] = value
        return over.get(name, self.values.get(name))

    def program(self, output: str) -> Graph | None:
        """Return the program of the steps and rules up to one."""
        return self._program(output, ChainMap(self.rules, self.steps))

    def law(self, output: str) -> Graph | None:
        """Return the program of the formulas up to one, whether or not its inputs have values."""
        return self._program(output, self.laws)

    def _program(self, output: str, formulas: Mapping[str, str]) -> Graph | None:
        if output not in formulas:
            return None
        text = "; ".join(f"{n} = {formulas[n]}" for n in _in_order([output], formulas))
        return None if self.hides(text) else lowered("\n".join([*self.definitions_in(text), text]))

    def exact(self, left: str, over: Mapping[str, float] | None = None) -> float | None:
        """Work out a name or derivative by all formulas that lead to it, from the numbers that are given.

        Args:
            left: ``out_h1`` or ``dE/dw_1``.
            over: Other numbers for some names.
        """
        slope = SLOPE.fullmatch(left)
        graph = self.program(slope[1] if slope else left)
        values = ChainMap(dict(over or {}), self.values)
        if (
            graph is None
            or any(n not in values for n in graph.inputs)
            or (not slope and left not in self.rules)
        ):
            return None  # of other numbers that were put in, nobody knows whether they hold still
        at = {n: values[n] for n in graph.inputs}
        if self._stale(graph, at):
            return None
        if slope is None:
            return value_at(graph, at)
        return None if self._covers(graph) else slope_at(graph, at, slope[1], slope[2])

    def _stale(self, graph: Graph, at: Mapping[str, float]) -> bool:
        """Return whether a step has a number that its formula no longer gives: its names were given anew."""
        before = {name: self.values[name] for name in graph.named if name in self.computed}
        now = values_at(graph, at)
        return any(abs(x - now.get(name, x)) > STALE * abs(x) for name, x in before.items())

    def partial(self, left: str) -> float | None:
        """Work out a derivative of a name's own formula, other names in it held fixed; None without one."""
        slope = SLOPE.fullmatch(left)
        formula = ChainMap(self.rules, self.steps).get(slope[1]) if slope else None
        graph = lowered(f"{slope[1]} = {formula}") if slope and formula else None
        if not slope or graph is None or not {slope[2], *graph.inputs} <= self.values.keys():
            return None
        return slope_at(graph, {n: self.values[n] for n in graph.inputs}, slope[1], slope[2])

    def _covers(self, graph: Graph) -> bool:
        """Return whether an input of a program may depend on others: it was worked out, or its like was."""
        ruled = {stem(name) for name in self.rules}
        unruled = [n for n in graph.named if n in self.steps and n not in self.rules]
        hidden = [n for n in unruled if not self.names_of(self.steps[n])]
        return bool(hidden) or any(n in self.computed or stem(n) in ruled for n in graph.inputs)


def stem(name: str) -> str:
    """Return a name without its indices: net_h1 and net_o2 are both a net."""
    return re.sub(r"(?:_(?:layer_)?[A-Za-z]{0,2}\d+|\d+)+$", "", name)


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
