"""What the gradient means: small moves, the way up, one update, and what the slopes cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor, hypot, inf, isfinite, log10
from typing import NamedTuple

from ..differentiation.rounding import noise_at
from ..engine.run import leaf_values, run
from ..graph import CONSTANT, Graph
from ..language.fold import postfix
from ..language.operators import CONSTANTS
from ..language.parser import NAME_ITEM
from .expr import Apply, Expr, Number, Ref, read, times, unsigned
from .names import Name
from .paper import Paper
from .paper import evaluate as evaluated
from .point import WrittenPoint

NUDGE = 0.01
COUNTED = 50_000_000  # inputs times nodes up to which forward mode's multiplications are counted one by one


class Nudge(NamedTuple):
    """What happens when one input moves a little.

    Attributes:
        name: The input.
        step: By how much.
        about: What the slope says the output does.
        really: What it does; None where it has no value there.
    """

    name: str
    step: float
    about: float
    really: float | None

    @property
    def holds(self) -> bool:
        """Whether the slope foretells the change, to half of it."""
        if self.really is None:
            return False
        return abs(self.really - self.about) <= 0.5 * max(abs(self.really), abs(self.about))


class Direction(NamedTuple):
    """The gradient as a direction.

    Attributes:
        up: Inputs to raise for a higher output.
        down: Inputs to lower for it.
        flat: Inputs with slope 0.
        strongest: The input with the steepest slope; None where it is not one alone.
        length: Of the gradient.
        unit: The gradient over its length, by input; empty where it is 0.
    """

    up: tuple[str, ...]
    down: tuple[str, ...]
    flat: tuple[str, ...]
    strongest: str | None
    length: float
    unit: dict[str, float]


class Move(NamedTuple):
    """One input's update: new = old + rate*slope."""

    name: str
    old: float
    slope: float
    new: float


class Update(NamedTuple):
    """One step along the gradient, or against it.

    Attributes:
        rate: Positive goes up, negative goes down.
        moves: Per input.
        before: The output.
        after: The output at the new point; None where it has no value there.
        expected: What the slopes say it changes by: the rate times the length squared.
    """

    rate: float
    moves: tuple[Move, ...]
    before: float
    after: float | None
    expected: float


class Rule(NamedTuple):
    """The update of one input where not every input has a value.

    Attributes:
        name: The input.
        letter: What the rate is called: ``h`` up, ``alpha`` down.
        symbols: What the input becomes, over names; None where SymPy has no formula.
        numbers: The same with every value that was given put in; None where none of them is in it.
        value: Its value, where nothing is left of the names.
    """

    name: str
    letter: str
    symbols: Expr | None
    numbers: Expr | None
    value: float | None


class Cost(NamedTuple):
    """Multiplications: of the value, and of all slopes asked for by three methods.

    A division, a power and a function count as one each.

    Attributes:
        inputs: How many slopes are asked for.
        value: One forward pass.
        reverse: The sweep back: one product per use, for all inputs at once.
        forward: Forward mode: one product per use that the input moves, for every input.
        finite: Central differences: two forward passes for every input.
        exact: False where the count of forward mode is a bound.
    """

    inputs: int
    value: int
    reverse: int
    forward: int
    finite: int
    exact: bool


def output_at(point: WrittenPoint, moved: dict[str, float]) -> float | None:
    """Return the output with some inputs or steps moved; None where it has no value."""
    graph = point.here.graph
    force = {graph.id_of(name): x for name, x in moved.items() if name not in graph.inputs}
    values: list[float] = run(graph, leaf_values(graph, point.here.inputs | moved), force=force)
    if all(map(isfinite, values)):
        return values[graph.output]
    needed = graph.needed(values)
    fine = all(isfinite(v) for v, n in zip(values, needed, strict=True) if n)
    return values[graph.output] if fine else None


def nudges(point: WrittenPoint, names: Sequence[str]) -> list[Nudge]:
    """Return what a small move of each of these inputs does."""
    if not names:
        return []
    found = []
    gradient = point.gradient
    for name in names:
        id = point.graph.id_of(name)
        x, slope = point.here.values[id], gradient[name]
        size = abs(x)
        usual = size == 0.0 or 0.1 <= size < 1000.0
        step = NUDGE if usual else float(f"1e{floor(log10(size)) - 2}")
        after = output_at(point, {name: x + step})
        really = after - point.here.value if after is not None else None
        nudge = Nudge(name, step, slope * step, really)
        if really is not None and point.noise and not nudge.holds:
            rounding = point.noise + noise_at(point.here, id, x + step)
            if abs(really - nudge.about) <= rounding < inf:
                nudge = nudge._replace(really=nudge.about)
        found.append(nudge)
    return found


def direction(point: WrittenPoint) -> Direction:
    """Return the gradient as a direction."""
    gradient = point.gradient
    length = hypot(*gradient.values())
    steepest = max(map(abs, gradient.values()), default=0.0)
    strongest = [n for n, g in gradient.items() if abs(g) == steepest]
    return Direction(
        tuple(n for n, g in gradient.items() if g > 0.0),
        tuple(n for n, g in gradient.items() if g < 0.0),
        tuple(n for n, g in gradient.items() if g == 0.0),
        strongest[0] if length and len(strongest) == 1 else None,
        length,
        {n: g / length for n, g in gradient.items()} if length and isfinite(length) else {},
    )


def update(point: WrittenPoint, rate: float) -> Update:
    """Return one step of every input asked for: by the rate times its slope."""
    paper, moves = point.paper, []
    for name, slope in point.gradient.items():
        old = point.here.inputs[name]
        moves.append(Move(name, old, slope, paper(old + paper(rate * slope))))
    after = output_at(point, {move.name: move.new for move in moves})
    expected = paper(sum(rate * move.slope * move.slope for move in moves))
    return Update(rate, tuple(moves), point.here.value, after, expected)


def rules(
    graph: Graph, bindings: Mapping[str, float], formulas: Mapping[str, str | None], rate: float
) -> tuple[Rule, ...]:
    """Return the update of every input with a formula for its slope, and the values that are given put in.

    A step has its value where all it is computed from is given; what is not keeps its name.

    Args:
        graph: The computation.
        bindings: Values of some inputs over the program's own.
        formulas: SymPy's slope by input, over the names of steps.
        rate: Positive goes up, negative goes down.
    """
    given = {**graph.defaults, **bindings}
    unknown = graph.depends_on([id for name, id in graph.inputs.items() if name not in given])
    leaves = leaf_values(graph, {name: given.get(name, 0.0) for name in graph.inputs})
    # what an unknown function is applied to is a name, whatever is known of it
    steps = not graph.source.unknown
    values = run(graph, leaves, needed=[steps and not u for u in unknown])
    known = {
        graph.own_name(k): v
        for k, v in enumerate(values)
        if not unknown[k] and graph.nodes[k].kind != CONSTANT and isfinite(v)
    }
    step = graph.free(("h", "k", "s") if rate > 0 else ("alpha", "eta", "lr"))
    found = []
    for name, text in formulas.items():
        if text is None:
            found.append(Rule(name, step, None, None, None))
            continue
        names = {item.text for item in postfix(text) if item.arity == NAME_ITEM}
        symbols = {n: Ref(Name(n), 0.0) for n in names if n not in CONSTANTS or n in graph.named}
        whole = _moved(name, step, read(text, symbols), down=rate < 0)
        numbers = value = None
        if known.keys() & {name, *symbols}:
            numbers = _put_in(whole, {**known, step: abs(rate)})
            if symbols.keys() | {name} <= known.keys():
                value = evaluated(numbers, Paper(None))
        found.append(Rule(name, step, whole, numbers, value))
    return tuple(found)


def _moved(name: str, step: str, slope: Expr, *, down: bool) -> Expr:
    """Write ``a + h*slope``, or with a minus; a sign in front of the slope goes into it."""
    minus, amount = unsigned(times(Ref(Name(step), 0.0), slope))
    return Apply("subtract" if down ^ minus else "add", (Ref(Name(name), 0.0), amount))


def _put_in(e: Expr, known: Mapping[str, float]) -> Expr:
    """Return an expression with numbers for the names that have one."""
    if isinstance(e, Apply):
        return Apply(e.op, tuple(_put_in(o, known) for o in e.operands))
    return Number(known[e.name.text]) if isinstance(e, Ref) and e.name.text in known else e


def cost(point: WrittenPoint) -> Cost:
    """Count the multiplications that the value and the slopes take on this graph."""
    graph = point.graph
    count = len(point.wrt)
    exact = count * len(graph) <= COUNTED
    place = {graph.inputs[name]: k for k, name in enumerate(point.wrt)}
    # the inputs asked for that move a node, as bits
    moved = [0] * len(graph)
    value = reverse = forward = 0
    for node in graph.nodes[: graph.output + 1]:
        if node.op is None:
            if exact and node.id in place:
                moved[node.id] = 1 << place[node.id]
            continue
        if node.kind == CONSTANT or not point.here.needed[node.id]:
            continue
        # what rounds nothing multiplies nothing: signs, choices; sums add
        value += not (node.op.additive or node.op.ulp == 0.0)
        for edge in point.here.edges(node.id):
            reverse += 1
            if exact:
                moved[node.id] |= moved[edge.source]
                forward += moved[edge.source].bit_count()
    return Cost(count, value, reverse, forward if exact else reverse * count, 2 * count * value, exact)
