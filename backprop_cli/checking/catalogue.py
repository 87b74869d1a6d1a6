"""The catalogue of mistakes: each is tried on the graph, and its number compared with the claim.

A rule that is broken at one node changes the answer by the node's cotangent times the change of its
tangent, so that one sweep each way tries all rules at all nodes; broken everywhere, it takes a sweep of
its own. The work is a fixed number of runs of the program: `MOST_NODES` and `MOST_INPUTS` bound it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from math import isfinite, log, radians
from typing import Any, NamedTuple

from ..differentiation.forward import DUALS, Dual, tangent_of, value_of
from ..engine.run import run
from ..engine.sweep import active_nodes, sweep
from ..errors import BackpropError, joined
from ..graph import CONSTANT, Graph
from ..language.format import node_text
from ..language.numbers import exact_text
from ..ops import PRIMITIVES
from ..ops.namespaces import FLOATS, Namespace
from .answers import Target, shortened
from .derivatives import derivative, formula_text, reduced
from .ranking import AMONG_STEPS, BEHIND_SIGNS, EVERYWHERE, IN_BOTH, IN_FIRST, IN_SECOND, Told
from .rules import (
    ADDED,
    FUNCTIONS,
    HABITS,
    LOGARITHMS,
    OPERANDS,
    OPERATIONS,
    OWN,
    PRODUCT,
    SWAPPED,
    TENS,
    UNNAMED,
    WRITTEN_OUT,
    Place,
    Wrong,
    rules_for,
    sigmoid_of,
    wrong_values,
    wrongly,
)

MOST_NODES = 400
"""Nodes of a program up to which rules are broken one by one."""

MOST_INPUTS = 8
"""Inputs up to which other points are tried."""

OF_TERMS = frozenset(("product rule", "quotient rule", "term missing"))
DROPS = ("term missing", "constant dropped")
"""Mistakes in a value that few digits do not tell: there are as many as steps."""

MOST_TEXT = 48
"""Characters of a step's text that a sentence quotes."""

SAME = 1e-9
"""Relative difference up to which two mistakes give one number."""

ORDINALS = ("first", "second", "third")

MOST_HABITS = 60
"""Steps of a program up to which rules are taken to be wrong in both differentiations."""

MOST_EVERYWHERE = 40_000
"""Rules times steps of a program up to which a rule is broken everywhere: each takes a sweep of its own."""

DEGREE = radians(1.0)

IN_BOTH_OF_THEM = "in both differentiations, "
"""What is said in front of a mistake that is made twice on the way to a second derivative."""


class Mistake(NamedTuple):
    """A mistake that gives a number.

    Attributes:
        kind: Its name.
        says: What went wrong, one clause.
        rank: When it is told, see `ranking`.
        value: The number it gives.
    """

    kind: str
    says: str
    rank: int
    value: float

    @property
    def key(self) -> str:
        """What it is, without its number."""
        return f"{self.kind}: {self.says}"

    @property
    def numbers(self) -> tuple[float]:
        """What it gives."""
        return (self.value,)


class Sweeps:
    """A program at a point with tangents and cotangents along one derivative.

    Args:
        graph: The computation; its output is what is differentiated.
        leaves: A value for every leaf.
        by: Node to differentiate by.
        xp: The namespace.
    """

    def __init__(self, graph: Graph, leaves: Mapping[int, Any], by: int, xp: Any = FLOATS,
                 values: Sequence[Any] | None = None) -> None:  # fmt: skip
        self.graph = graph
        self.xp = xp
        self.by = by
        self.values = list(values) if values is not None else run(graph, leaves, xp)
        self.active = active_nodes(graph)
        self.moves = graph.depends_on([by])
        self.needed = graph.needed([value_of(v) for v in self.values])
        self.cotangents = sweep(graph, self.values, self.active, xp)
        self.tangents = self.push()

    @property
    def right(self) -> Any:
        """The derivative."""
        return self.tangents[self.graph.output]

    def place(self, id: int, tangents: Sequence[Any]) -> Place:
        """Return a node with what flows in."""
        graph, node = self.graph, self.graph.nodes[id]
        assert node.op is not None
        ids = node.inputs
        return Place(
            self.xp,
            node.op,
            self.values[id],
            [self.values[i] for i in ids],
            [tangents[i] for i in ids],
            [self.moves[i] for i in ids],
            [graph.nodes[i].kind == CONSTANT for i in ids],
            [i == self.by for i in ids],
            self.values[self.by],
        )

    def steps(self) -> Iterator[int]:
        """Yield the nodes between what is differentiated by and the output."""
        for node in self.graph.nodes[self.by + 1 : self.graph.output + 1]:
            if node.op is not None and self.moves[node.id] and self.needed[node.id]:
                yield node.id

    def push(self, rule: Callable[[int, Place], Any] | None = None) -> list[Any]:
        """Return the tangents, with a rule of one's own where it answers."""
        tangents: list[Any] = [0.0] * len(self.graph)
        tangents[self.by] = 1.0
        for id in self.steps():
            place = self.place(id, tangents)
            found = rule(id, place) if rule is not None else None
            tangents[id] = place.right if found is None else found
        return tangents

    def uses(self, id: int) -> Iterator[tuple[int, Any]]:
        """Yield who reads a node on the way to the output, with what comes back from there."""
        for k in self.steps():
            node = self.graph.nodes[k]
            if id in node.inputs and value_of(self.cotangents[k]):
                assert node.op is not None
                partials = node.op.partials(self.xp, self.values[k], *(self.values[i] for i in node.inputs))
                for i, p in zip(node.inputs, partials, strict=True):
                    if i == id:
                        yield k, self.cotangents[k] * p

    def name(self, id: int) -> str:
        """Return what a node is called; a step without a name that nobody asked about, as it is written."""
        unseen = self.graph.nodes[id].name is None and id != self.by
        return self.text(id) if unseen else self.graph.own_name(id)

    def others(self) -> Iterator[int]:
        """Yield the nodes whose derivative may be taken for the one asked for."""
        yield from self.graph.inputs.values()
        for node in self.graph.nodes:
            if node.op is not None and node.kind != CONSTANT and node.name is not None:
                yield node.id

    def text(self, id: int) -> str:
        """Return a node as it is named and written."""
        return step_text(self.graph, id)

    def one_text(self, id: int) -> str:
        """Return a node as it is written, told apart from others that are written alike."""
        text = self.text(id)
        alike = self.alike.get(text, ())
        return f"{text} (the {ordinal(alike.index(id))})" if len(alike) > 1 else text

    def way_text(self, id: int, user: int, users: Sequence[int]) -> str:
        """Return a step through which a node counts; its operand, where others lead through the step, too."""
        text, node = self.one_text(user), self.graph.nodes[user]
        later = self.graph.depends_on([k for k in users if k < user])
        parts = OPERANDS.get(node.op.name) if node.op is not None else None
        if parts is None or not any(later[i] for i in node.inputs):
            return text
        return f"the {parts[node.inputs.index(id)]} of {text}"

    def other_text(self, id: int) -> str:
        """Return the operand of a step that does not vary, as it is named or written."""
        fixed = [i for i in self.graph.nodes[id].inputs if not self.moves[i]]
        if not fixed:
            return UNNAMED
        return self.graph.nodes[fixed[0]].name or self.text(fixed[0])

    def slope_text(self, id: int) -> str:
        """Write the derivative of a step by what is differentiated by."""
        slope = derivative(self.graph, id, self.by)
        return formula_text(slope, slope.output)

    @cached_property
    def alike(self) -> dict[str, list[int]]:
        """Return the steps by how they are written."""
        found: dict[str, list[int]] = {}
        for id in self.steps():
            found.setdefault(self.text(id), []).append(id)
        return found


class DerivedSweeps(Sweeps):
    """The sweeps of a first derivative; its steps are in no text of the user's."""

    def __init__(self, graph: Graph, leaves: Mapping[int, float], by: int) -> None:
        super().__init__(graph, {**leaves, **graph.constant_values()}, by)

    def text(self, id: int) -> str:
        """Return a node over names."""
        return formula_text(self.graph, id)


Found = Iterator[tuple[str, str, int, Any]]


def step_text(graph: Graph, id: int) -> str:
    """Return a node as it is named and written."""
    node = graph.nodes[id]
    text = " ".join(graph.text(id).split())
    if not text or "#" in text:
        text = node_text(graph, id)
    if node.name is None or text.startswith(f"{node.name} = "):
        return shortened(text, MOST_TEXT)
    return f"{node.name} = {text}" if len(text) <= MOST_TEXT else node.name


def ordinal(k: int) -> str:
    """Write which one of several it is, from 0 on."""
    return ORDINALS[k] if k < len(ORDINALS) else f"{k + 1}th"


def broken(sweeps: Sweeps) -> Found:
    """Yield every mistake that a broken rule makes, as kind, words, rank and number."""
    graph = sweeps.graph
    right = sweeps.right
    steps = list(sweeps.steps())
    if len(steps) > MOST_NODES:
        return
    everywhere: dict[Wrong, list[int]] = {}
    for id in steps:
        place = sweeps.place(id, sweeps.tangents)
        for wrong in rules_for(place.op):
            found = _tried(wrong, place)
            if found is None:
                continue
            change = found - place.right
            # at the output itself the wrong tangent is the answer: no cancellation
            value = found if id == graph.output else right + sweeps.cotangents[id] * change
            rank = wrong.rank + (AMONG_STEPS if wrong.kind in OF_TERMS and _of_steps(graph, id) else 0)
            rank += BEHIND_SIGNS if wrong is SWAPPED and id != graph.output else 0
            says = wrong.told(sweeps.one_text(id), sweeps.other_text(id))
            yield wrong.kind, says, rank, value
            everywhere.setdefault(wrong, []).append(id)
        yield from _written_out(sweeps, id)
    if len(everywhere) * len(steps) < MOST_EVERYWHERE:
        yield from _everywhere(sweeps, everywhere)
    yield from _forks(sweeps, steps)


def _written_out(sweeps: Sweeps, id: int) -> Found:
    """Yield the mistakes of sigmoid's rule where it is written out, 1/(1 + exp(-z))."""
    z = sigmoid_of(sweeps.graph, id)
    if z is None or not sweeps.moves[z]:
        return
    sigmoid = PRIMITIVES[WRITTEN_OUT]
    x, y, leaf = sweeps.values[z], sweeps.values[id], z == sweeps.by
    start = sweeps.values[sweeps.by]
    place = Place(sweeps.xp, sigmoid, y, [x], [sweeps.tangents[z]], [True], [False], [leaf], start)
    for wrong in (*OWN[WRITTEN_OUT], *FUNCTIONS):
        found = _tried(wrong, place)
        if found is not None:
            value = found
            if id != sweeps.graph.output:
                value = sweeps.right + sweeps.cotangents[id] * (found - place.right)
            yield wrong.kind, wrong.told(sweeps.one_text(id)), wrong.rank, value


def _everywhere(sweeps: Sweeps, places: Mapping[Wrong, Sequence[int]]) -> Found:
    """Yield what rules give that are broken wherever they can be; some of them together."""
    habits: dict[tuple[Wrong, ...], Sequence[int]] = {(wrong,): ids for wrong, ids in places.items()}
    for several in HABITS:
        both = tuple(wrong for wrong in places if wrong in several)
        if len(both) > 1:
            habits[both] = sorted({id for wrong in both for id in places[wrong]})
    for habit, ids in habits.items():
        if len(ids) > 1:
            tangents = sweeps.push(_all(habit))
            names = _listed([sweeps.text(i) for i in ids])
            wrong = habit[0]
            yield (
                wrong.kind,
                wrong.told(names),
                wrong.rank + EVERYWHERE,
                tangents[sweeps.graph.output],
            )


def _of_steps(graph: Graph, id: int) -> bool:
    """Whether a node is computed from named steps: its reader thinks of the graph, not of a formula."""
    operands = {graph.nodes[i] for i in graph.nodes[id].inputs}
    return len(operands) > 1 and all(n.op is not None and n.name is not None for n in operands)


def _all(habit: Sequence[Wrong]) -> Callable[[int, Place], Any]:
    return lambda _, place: wrongly(place, habit)


def _tried(wrong: Wrong, place: Place) -> Any:
    found = wrong.tangent(place)
    return None if found is None or not isfinite(value_of(found)) else found


def _listed(several: Sequence[str]) -> str:
    texts = list(dict.fromkeys(several))
    if len(texts) > 3:
        return f"{texts[0]} and {len(texts) - 1} other steps"
    return " and ".join(texts)


def _forks(sweeps: Sweeps, steps: Sequence[int]) -> Found:
    """Contributions of several users that are not summed."""
    graph, right = sweeps.graph, sweeps.right
    forked, told = [], []
    for id in (sweeps.by, *steps):
        uses = list(sweeps.uses(id))
        if len(uses) < 2:
            continue
        forked.append(id)
        name, t = sweeps.name(id), sweeps.tangents[id]
        total = sweeps.cotangents[id]
        users = [k for k, _ in uses]
        for k, share in uses:
            only = f"the contributions of {name} are not summed (= instead of +=): only the one through"
            told.append(right - t * (total - share))
            yield "fork not summed", f"{only} {sweeps.way_text(id, k, users)} counts", Told.FORK, told[-1]
        if len(uses) > 2:
            for k, share in uses:
                way = sweeps.way_text(id, k, users)
                says = f"of the contributions of {name} the one through {way} is missing"
                told.append(right - t * share)
                yield "fork not summed", says, Told.FORK, told[-1]
    for id in steps:
        node = graph.nodes[id]
        held = right - sweeps.tangents[id] * sweeps.cotangents[id]
        mixed = sum(later[id] for later in map(graph.depends_on, ([i] for i in graph.inputs.values()))) > 1
        unlike = all(abs(value_of(held - x)) > SAME * abs(value_of(held)) for x in told)
        if node.name is not None and id != graph.output and mixed and value_of(held) and unlike:
            # a mean, a variance: more than a term that is left out
            says = f"{node.name} is taken for a constant, and depends on {sweeps.name(sweeps.by)}"
            yield "taken for a constant", says, Told.ORDER, held
    if len(forked) > 1:
        # the sweep itself with = in place of +=: what is written last stays
        through = [a and n for a, n in zip(sweeps.active, sweeps.needed, strict=True)]
        g = sweep(graph, sweeps.values, through, sweeps.xp, join=lambda before, amount, *_: amount)
        names = _listed([sweeps.name(i) for i in forked])
        says = f"the contributions of {names} are not summed (= instead of +=)"
        yield "fork not summed", says, Told.FORK, g[sweeps.by]


def whole(sweeps: Sweeps) -> Found:
    """Yield the mistakes about the answer as a whole."""
    graph, right = sweeps.graph, sweeps.right
    out, by = graph.output, sweeps.by
    name, variable = graph.own_name(out), sweeps.name(by)
    if by != out:
        yield (
            "value instead",
            f"this is the value of {name}, not a derivative",
            Told.VALUE,
            sweeps.values[out],
        )
        yield (
            "value instead",
            f"this is the value of {variable}, not a derivative",
            Told.ANOTHER,
            sweeps.values[by],
        )
        yield "taken for a constant", f"{variable} is taken for a constant", Told.ZERO, 0.0 * right
    for other in sweeps.others():
        if other not in (by, out) and other < out and sweeps.needed[other]:
            says = f"this is the derivative by {sweeps.name(other)}, not by {variable}"
            yield "another variable", says, Told.ANOTHER, sweeps.cotangents[other]
    for k, _ in sweeps.uses(by):
        if k != out and value_of(sweeps.cotangents[k]):
            step = sweeps.one_text(k)
            says = f"only the local derivative of {step} is taken: what comes back to it is missing"
            local = sweeps.place(k, sweeps.tangents).right
            yield "upstream missing", says, Told.DROPPED, local
        says = f"what comes back to {sweeps.one_text(k)} is taken as it is: its local derivative is missing"
        yield "local derivative missing", says, Told.ANOTHER, sweeps.cotangents[k]
    used = {k for k, _ in sweeps.uses(by)}
    for id in sweeps.steps():
        if graph.nodes[id].name is not None and id not in (by, out):
            step = graph.own_name(id)
            if id not in used:
                says = f"this is the derivative of {step}: what comes back to it is missing"
                yield "upstream missing", says, Told.DROPPED, sweeps.tangents[id]
            says = f"this is the value of {step}, not a derivative"
            yield "value instead", says, Told.ANOTHER, sweeps.values[id]
    if len(graph.inputs) > 1 and by in graph.inputs.values():
        fixed = [name for name, id in graph.inputs.items() if id != by]
        total = sum((sweeps.cotangents[id] for id in graph.inputs.values()), start=0.0 * right)
        says = f"the derivatives by all variables are added, and {joined(fixed)}"
        says += " is held fixed" if len(fixed) == 1 else " are held fixed"
        yield "another variable", says, Told.RARE, total
    yield "sign lost", "the sign is wrong", Told.SIGN_OF_ALL, -right
    yield "factor", "a factor 2 is too many", Told.MULTIPLE, 2.0 * right
    yield "factor", "a factor 2 is missing", Told.MULTIPLE, 0.5 * right
    count = len(graph.inputs)
    if count > 2:
        yield "factor", f"a factor {count} is too many: 1/n is missing", Told.POINT, count * right
        yield "factor", f"a factor 1/{count} is too many", Told.POINT, right * (1.0 / count)
    if value_of(right):
        yield "upside down", "this is one over the derivative", Told.MULTIPLE, sweeps.xp.divide(1.0, right)


def both_variables(graph: Graph, leaves: Mapping[int, float], sweeps: Sweeps) -> Found:
    """Yield products and sums whose parts are both differentiated, each by its own variable."""
    inputs = list(graph.inputs.values())
    if len(inputs) < 2 or len(inputs) > MOST_INPUTS:
        return
    above = {id: graph.depends_on([id]) for id in inputs}
    others = {id: Sweeps(graph, leaves, id) for id in inputs if id != sweeps.by}
    for id in sweeps.steps():
        node = graph.nodes[id]
        if node.op is None or node.op.name not in (*PRODUCT, *ADDED):
            continue
        fixed = [i for i in node.inputs if not sweeps.moves[i]]
        moved = [k for i in fixed for k, later in above.items() if later[i] and k in others]
        if len(fixed) == 1 and len(moved) == 1:
            (varied,) = (i for i in node.inputs if i != fixed[0])
            besides, name = others[moved[0]].tangents[fixed[0]], graph.own_name(moved[0])
            kind, parts = "product rule", "factors"
            if node.op.name in ADDED:
                kind, parts = "constant kept", "terms"
                partials = node.op.partials(sweeps.xp, *(sweeps.values[i] for i in (id, *node.inputs)))
                change = besides * partials[node.inputs.index(fixed[0])]
            else:
                change = sweeps.tangents[varied] * besides - sweeps.tangents[id]
            says = f"in {sweeps.one_text(id)} both {parts} are differentiated, and {name} is held fixed"
            yield kind, says, Told.ANYWHERE, sweeps.right + sweeps.cotangents[id] * change


def _functions() -> dict[str, Any]:
    return {name: function for name, function in vars(FLOATS).items() if name != "name"}


def tens() -> Namespace:
    """Return floats whose natural logarithms are those to base 10."""
    return Namespace(
        "tens", {**_functions(), **{name: getattr(FLOATS, other) for name, other in TENS.items()}}
    )


def degrees() -> Namespace:
    """Return floats whose angles are degrees."""
    forward = {n: _scaled(n) for n, row in PRIMITIVES.items() if row.angle == "operand"}
    back = {n: _scaled_back(n) for n, row in PRIMITIVES.items() if row.angle == "value"}
    return Namespace("degrees", {**_functions(), **forward, **back})


def _scaled(name: str) -> Callable[[float], float]:
    function = getattr(FLOATS, name)
    return lambda x: float(function(x * DEGREE))


def _scaled_back(name: str) -> Callable[..., float]:
    function = getattr(FLOATS, name)
    return lambda *xs: float(function(*xs) / DEGREE)


def _per_degree(_: int, place: Place) -> Any:
    if place.op.angle == "operand":
        return place.right * DEGREE
    return place.right / DEGREE if place.op.angle == "value" else None


def _per_ten(_: int, place: Place) -> Any:
    return place.right / log(10.0) if place.op.name in TENS else None


def elsewhere(graph: Graph, leaves: Mapping[int, float], target: Target) -> Found:
    """Yield what the right rules give with angles in degrees, or at other points."""
    if any(n.op is not None and n.op.angle for n in graph.nodes):
        found = quantity(graph, leaves, target, degrees())
        yield "degrees", "the angles are taken in degrees, not in radians", Told.RULE, found
        if len(target.by) == 1:
            cut = graph.with_output(target.of)
            sweeps = Sweeps(cut, leaves, target.by[0], degrees())
            says = "the function is taken in degrees, with the factor pi/180 of its slope"
            yield "degrees", says, Told.RULE, sweeps.push(_per_degree)[cut.output]
    if any(n.op is not None and n.op.name in LOGARITHMS for n in graph.nodes):
        says = "the logarithm is taken to base 10, not to base e"
        yield "log base", says, Told.RULE, quantity(graph, leaves, target, tens())
        if len(target.by) == 1:
            cut = graph.with_output(target.of)
            sweeps = Sweeps(cut, leaves, target.by[0], tens())
            says = "the logarithm is taken to base 10, with the factor 1/ln(10) of its slope"
            yield "log base", says, Told.RULE, sweeps.push(_per_ten)[cut.output]
    inputs = list(graph.inputs.items())
    if len(inputs) > MOST_INPUTS:
        return
    for k, (name, id) in enumerate(inputs):
        tries = [
            (x, f"{name} = {exact_text(x)}")
            for x in (-leaves[id], 0.0, 1.0, leaves[id] + 1.0, leaves[id] - 1.0)
        ]
        for x, at in tries:
            if x != leaves[id]:
                value = quantity(graph, {**leaves, id: x}, target)
                yield "wrong point", f"this is the answer at {at}, another point", Told.POINT, value
        for other, i in inputs[k + 1 :]:
            if leaves[i] != leaves[id]:
                moved = {**leaves, id: leaves[i], i: leaves[id]}
                says = f"the values of {name} and {other} are exchanged"
                yield "wrong point", says, Told.POINT, quantity(graph, moved, target)


def quantity(graph: Graph, leaves: Mapping[int, float], target: Target, xp: Any = FLOATS) -> float:
    """Return a value or a derivative; nan where there is none."""
    cut, by = reduced(graph, target)
    values = run(cut, {**leaves, **cut.constant_values()}, xp)
    if by is None:
        return float(values[cut.output])
    return float(sweep(cut, values, active_nodes(cut), xp)[by])


def mistakes(graph: Graph, leaves: Mapping[int, float], target: Target) -> dict[str, Mistake]:
    """Return every mistake of the catalogue for a quantity at a point, by what it is.

    Args:
        graph: The program.
        leaves: A value for every leaf.
        target: The quantity.
    """
    found: dict[str, Mistake] = {}

    def take(several: Found) -> None:
        try:
            for kind, says, rank, value in several:
                plain = value_of(value)
                if isfinite(plain):
                    mistake = Mistake(kind, says, rank, float(plain))
                    found.setdefault(mistake.key, mistake)
        except (BackpropError, ArithmeticError, ValueError):
            return

    if len(target.by) == 1:
        sweeps = Sweeps(graph.with_output(target.of), leaves, target.by[0])
        take(broken(sweeps))
        take(whole(sweeps))
        take(both_variables(sweeps.graph, leaves, sweeps))
        take(elsewhere(graph, leaves, target))
        take(_twice(graph, leaves, target))
        take(_integrated(sweeps))
    else:
        take((_of_second if target.by else _of_values)(graph, leaves, target))
        take(elsewhere(graph, leaves, target))
    return found


def _twice(graph: Graph, leaves: Mapping[int, float], target: Target) -> Found:
    """The second derivative in place of the first."""
    (by,) = target.by
    value = quantity(graph, leaves, target._replace(by=(by, by)))
    yield "second derivative instead", "this is the second derivative", Told.RARE, value


def _of_values(graph: Graph, leaves: Mapping[int, float], target: Target) -> Found:
    values = run(graph, leaves)
    right = values[target.of]
    name = target.text
    yield "sign lost", "the sign is wrong", Told.GATE, -right
    for node in graph.nodes:
        if node.id != target.of and node.name is not None:
            says = f"this is the value of {node.name}, not of {name}"
            yield "another step", says, Told.POINT if node.op is None else Told.ANOTHER, values[node.id]
    yield from _carried_forward(graph, leaves, target.of, values)
    node = graph.nodes[target.of]
    if node.op is not None and len(node.inputs) == 2:
        operands = [values[i] for i in node.inputs]
        for op, words in OPERATIONS.items():
            if op != node.op.name:
                value = PRIMITIVES[op].forward(FLOATS, *operands)
                yield "another operation", f"the operands are {words}", Told.RARE, value
    if target.of != graph.output:
        g = sweep(graph, values, active_nodes(graph))
        says = f"this is the derivative by {name}, not its value"
        yield "derivative instead", says, Told.ANOTHER, g[target.of]
    cut = graph.with_output(target.of)
    for id in graph.inputs.values():
        if id < target.of:
            says = f"this is the derivative of {name} by {graph.own_name(id)}, not its value"
            yield "derivative instead", says, Told.RARE, sweep(cut, values, graph.depends_on([id]))[id]
    yield "factor", "a factor 2 is too many", Told.MULTIPLE, 2.0 * right
    yield "factor", "a factor 2 is missing", Told.MULTIPLE, 0.5 * right


def _carried_forward(graph: Graph, leaves: Mapping[int, float], of: int, values: Sequence[float]) -> Found:
    """Yield what a value is where one step on the way to it is taken for something else."""
    cut = graph.with_output(of)
    on_the_way = cut.needed(values)
    steps = [node for node in cut.nodes[: of + 1] if node.kind != CONSTANT and on_the_way[node.id]]
    for node in steps if len(steps) <= MOST_HABITS else ():
        if node.op is None:
            continue
        named = [values[i] for i in node.inputs if graph.nodes[i].name is not None]
        for kind, says, value in wrong_values(node.op, [values[i] for i in node.inputs]):
            if node.id != of:
                found = run(cut, leaves, force={node.id: value})[of]
                rank = Told.POINT if kind in DROPS else Told.RARE
                yield kind, says.format(node=step_text(graph, node.id)), rank, found
            elif kind not in DROPS or value not in named:  # else it is the value of another step
                yield kind, says.format(node=graph.own_name(of)), Told.TERM, value


def _of_second(graph: Graph, leaves: Mapping[int, float], target: Target) -> Found:
    """Yield what goes wrong on the way to a second derivative: in a step, in both, in the question."""
    first, second = target.by
    cut = graph.with_output(target.of)
    yield from _instead_of_second(cut, leaves, first, second)
    for a, b in dict.fromkeys([(first, second), (second, first)]):
        x, y = cut.own_name(a), cut.own_name(b)
        seeded = Sweeps(cut, {**leaves, b: Dual(leaves[b], 1.0)}, a, DUALS) if b in leaves else None
        for kind, says, rank, value in broken(seeded) if seeded is not None else ():
            yield kind, in_the_first(x, says), rank + IN_FIRST, tangent_of(value)
        slope = derivative(graph, target.of, a)
        for kind, says, rank, value in broken(DerivedSweeps(slope, leaves, b)):
            yield kind, in_the_second(y, says), rank + IN_SECOND, value
        for kind, says, rank, habit in _habits(graph, target.of, a):
            again = DerivedSweeps(derivative(graph, target.of, a, habit), leaves, b)
            value = again.push(_all(habit))[again.graph.output]
            yield kind, f"{IN_BOTH_OF_THEM}{says}", rank + IN_BOTH, value


def in_the_first(x: str, says: str) -> str:
    """Say of a mistake in a first derivative that it is one on the way to a second."""
    return f"in the first derivative by {x}, {says}"


def in_the_second(y: str, says: str) -> str:
    """Say the same of a mistake in the derivative of the first one."""
    return f"in the second differentiation, by {y}, {says}"


def found_in(
    graph: Graph, leaves: Mapping[int, float], target: Target, says: str
) -> Iterator[tuple[Sweeps, str]]:
    """Yield the sweeps in which a mistake was made, with what is said of it there.

    Args:
        graph: The program.
        leaves: A value for every leaf.
        target: The derivative.
        says: What went wrong, as the verdict says.
    """
    cut = graph.with_output(target.of)
    if len(target.by) == 1:
        yield Sweeps(cut, leaves, target.by[0]), says
    for a, b in dict.fromkeys([target.by, target.by[::-1]]) if len(target.by) == 2 else ():
        for start in (in_the_first(cut.own_name(a), ""), IN_BOTH_OF_THEM):
            if says.startswith(start):
                yield Sweeps(cut, leaves, a), says.removeprefix(start)
        start = in_the_second(cut.own_name(b), "")
        if says.startswith(start):
            yield DerivedSweeps(derivative(graph, target.of, a), leaves, b), says.removeprefix(start)


def _instead_of_second(cut: Graph, leaves: Mapping[int, float], first: int, second: int) -> Found:
    """Yield the right answers to other questions than a second derivative."""
    values = run(cut, leaves)
    g = sweep(cut, values, active_nodes(cut))
    for id in dict.fromkeys((first, second)):
        says = f"this is the first derivative by {cut.own_name(id)}"
        yield "first derivative instead", says, Told.INSIDE, g[id]
    product = "square of the first derivative" if first == second else "product of the first derivatives"
    yield "squared instead", f"this is the {product}", Told.LOCAL, g[first] * g[second]
    yield "value instead", "this is the value, not a derivative", Told.GATE, values[cut.output]
    slope = derivative(cut, cut.output, first)
    again = DerivedSweeps(slope, leaves, second)
    yield "sign lost", "the sign is wrong", Told.GATE, -again.right
    yield "factor", "a factor 2 is too many", Told.MULTIPLE, 2.0 * again.right
    yield "factor", "a factor 2 is missing", Told.MULTIPLE, 0.5 * again.right
    if first == second:
        third = DerivedSweeps(derivative(slope, slope.output, second), leaves, second).right
        yield "third derivative instead", "this is the third derivative", Told.RARE, third
    inputs = list(cut.inputs.items())
    if len(inputs) > MOST_INPUTS:
        return
    for name, a in inputs:
        slopes = derivative(cut, cut.output, a)
        for other, b in inputs:
            if a <= b and {a, b} != {first, second}:
                pair = f"{name} twice" if a == b else f"{name} and {other}"
                says = f"this is the second derivative by {pair}"
                yield "another variable", says, Told.ANOTHER, DerivedSweeps(slopes, leaves, b).right


def _habits(graph: Graph, of: int, by: int) -> Iterator[tuple[str, str, int, tuple[Wrong, ...]]]:
    """Yield rules that may be wrong every time, one or all of a kind, as kind, words, rank and rules."""
    moves = graph.depends_on([by])
    steps = [node for node in graph.nodes[by + 1 : of + 1] if node.op is not None and moves[node.id]]
    if len(steps) > MOST_HABITS:
        return
    places: dict[Wrong, list[int]] = {}
    for node in steps:
        assert node.op is not None
        for wrong in rules_for(node.op):
            places.setdefault(wrong, []).append(node.id)
    kinds: dict[str, list[Wrong]] = {}
    for wrong, ids in places.items():
        kinds.setdefault(wrong.kind, []).append(wrong)
        says = wrong.told(_listed([formula_text(graph, i) for i in ids]))
        yield wrong.kind, says, wrong.rank, (wrong,)
    for kind, several in kinds.items():
        if len(several) > 1:
            yield kind, kind, Told.ANOTHER, tuple(several)


def _integrated(sweeps: Sweeps) -> Found:
    """The antiderivative in place of the derivative, where the steps are of the simplest kinds."""
    graph, by, values = sweeps.graph, sweeps.by, sweeps.values
    x = values[by]
    totals: dict[int, float | None] = {by: 0.5 * x * x}

    def of(id: int) -> float | None:
        return totals.get(id) if sweeps.moves[id] else values[id] * x

    for id in sweeps.steps():
        op, ids = graph.nodes[id].op, graph.nodes[id].inputs
        assert op is not None
        moving = {k for k, i in enumerate(ids) if sweeps.moves[i]}
        found: float | None = None
        for group in op.linear:
            parts = [of(i) if k in group else values[i] for k, i in enumerate(ids)]
            if moving <= set(group) and None not in parts:
                found = op.forward(FLOATS, *parts)
        if op.antiderivative is not None:
            k, rule = op.antiderivative
            if moving == {k} and ids[k] == by:
                found = rule(FLOATS, *(values[i] for i in ids))
        totals[id] = found
    total = totals.get(graph.output)
    if total is not None:
        yield (
            "integrated",
            f"this is the integral by {graph.own_name(by)}, not the derivative",
            Told.INTEGRAL,
            total,
        )
