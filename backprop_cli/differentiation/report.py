"""All methods over one program, as one frozen report."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from math import hypot, isfinite, isinf
from typing import TYPE_CHECKING, NamedTuple

from ..engine.point import Point, check_wrt, point_of
from ..engine.run import bind, matched, pieces, run_exactly
from ..engine.sweep import active_nodes
from ..graph import CONSTANT, Graph
from ..language.numbers import rounded
from ..ops.kinks import by_convention, is_own_piece
from . import DEFAULT_METHODS, METHODS
from .compare import (
    AGREE,
    BY_CONVENTION,
    DISAGREE,
    JUMP,
    KINK,
    NOISY,
    NOT_RUN,
    ROUNDING,
    UNDERFLOW,
    Verdict,
    between_sides,
    close,
    compare,
)
from .finite import Quotient

if TYPE_CHECKING:
    from .symbolic.process import SymbolicProcess

KEPT_DIGITS = 3  # a number of which rounding may leave fewer is shown with a warning
FEW_HOLD = f"fewer than {KEPT_DIGITS} digits hold"
MISLED = "finite differences are misled here: nearer to the point they tend to the others' slope"
TIE_DIGITS = 60  # that tell apart what floats do not
SUMMARY_FROM = 2_000  # nodes from which reverse mode alone runs by default


class GradientReport(NamedTuple):
    """The table of one program at one point.

    Attributes:
        graph: The computation.
        point: Where; None when nothing was bound and there are formulas alone.
        values: Per node; None for a branch not taken.
        methods: Those that ran, in the order of their columns.
        columns: Method to one derivative per node; None where there is none.
        formulas: Per node; None for constants and where SymPy did not finish.
        verdicts: Per node.
        wrt: Inputs and steps asked for.
        warnings: What the user should know, one line each.
        notes: Where a method has no answer and why.
        over: Long formulas by node once more, over the slopes of the steps that use it: ``b*(dg/dv3)``.
    """

    graph: Graph
    point: Point | None
    values: list[float | None]
    methods: tuple[str, ...]
    columns: dict[str, list[float | None]]
    formulas: list[str | None] | None
    verdicts: list[Verdict]
    wrt: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    over: Mapping[int, str] = {}

    @property
    def inputs(self) -> dict[str, float] | None:
        """Values of the inputs; None when nothing was bound."""
        return self.point.inputs if self.point is not None else None

    @property
    def value(self) -> float | None:
        """The output."""
        return self.values[self.graph.output]

    @property
    def gradient(self) -> dict[str, float | None]:
        """The derivative by everything asked for, in the number that stands."""
        return {name: self.standing(self.graph.id_of(name))[0] for name in self.wrt}

    @property
    def sources(self) -> dict[str, str | None]:
        """What each number of the gradient is from: a method, or ``limit``, that of the quotients."""
        return {name: self.standing(self.graph.id_of(name))[1] for name in self.wrt}

    @property
    def mixed(self) -> bool:
        """Whether some number of the gradient is another than that of the method which has the word else."""
        return any(source not in (None, self._first) for source in self.sources.values())

    @property
    def _first(self) -> str | None:
        return "reverse" if "reverse" in self.columns else next(iter(self.columns), None)

    def standing(self, id: int) -> tuple[float | None, str | None]:
        """Return a node's derivative and where it is from.

        Reverse mode's, else the first method's; the symbolic number where rounding spoilt the others, and the
        limit where the chain rule says nothing.
        """
        method = self._first
        if method is None or self.point is None:
            return None, None
        if id in self.point.limits:
            return self.point.cotangents[id], "limit"
        if self.verdicts[id].verdict == ROUNDING and "symbolic" in self.columns:
            method = "symbolic"
        return self.columns[method][id], method

    @property
    def by_inputs(self) -> bool:
        """Whether all that was asked for are inputs: what is by steps is no gradient."""
        return all(name in self.graph.inputs for name in self.wrt)

    @property
    def norm(self) -> float | None:
        """Length of the gradient; None where derivatives are by steps."""
        if not self.by_inputs:
            return None
        parts = [x for x in self.gradient.values() if x is not None]
        return hypot(*parts) if len(parts) == len(self.wrt) and self.inputs is not None else None

    @property
    def agree(self) -> bool | None:
        """False when a verdict is `disagree`; None with fewer than two methods."""
        if len(self.columns) < 2:
            return None
        return all(v.verdict != DISAGREE for v in self.verdicts)


def _lost_digits(graph: Graph, spoilt: Collection[int | None], asked: Sequence[str]) -> list[str]:
    """Return a warning for the value and every slope asked for of which rounding left too few digits."""
    named: dict[str, int | None] = {f"the slope in {name}": graph.id_of(name) for name in asked}
    named["the value"] = None
    return [
        f"cancellation: rounding may leave fewer than {KEPT_DIGITS} digits of {what}"
        for what, k in named.items()
        if k in spoilt
    ]


def rounding_warnings(point: Point, asked: Sequence[str], bounds: tuple[float, Sequence[float]]) -> list[str]:
    """Return what rounding has left of the value, of the slopes asked for and of steps, a line each.

    Args:
        point: The program at its point.
        asked: Inputs and steps whose slopes are.
        bounds: Of `rounding_bounds`.
    """
    from .rounding import are_spoilt

    ids = [None, *(point.graph.id_of(name) for name in asked)]
    spoilt = are_spoilt(point, *bounds, ids, 10.0**-KEPT_DIGITS)
    return _lost_digits(point.graph, spoilt, asked) + _zeros(point)


def _zeros(point: Point) -> list[str]:
    """Return a line for every step that stands for 0."""
    from .rounding import left_of_zero

    graph = point.graph
    return [
        f"rounding: {graph.own_name(k)} = {rounded(point.values[k], 6)} stands for 0"
        for k in left_of_zero(point)
        if k != graph.output
    ]


def warnings_of(graph: Graph) -> tuple[str, ...]:
    """Return what in a program is probably not meant."""
    reached = graph.needed()
    users = graph.users()
    warnings = []
    for node in graph.nodes:
        # the last step of an unread chain stands for the chain
        if not reached[node.id] and not users[node.id] and node.kind != CONSTANT:
            what = "input" if node.op is None else "step"
            warnings.append(f"the output does not use the {what} {graph.name(node.id)}")
    return tuple(warnings)


class Unrolled(NamedTuple):
    """A program with arrays at its point, by single numbers.

    Attributes:
        point: With cotangents that were pulled back over arrays.
        rounding: Bound on what arrays round besides, per node: decompositions of matrices.
    """

    point: Point
    rounding: list[float]


class Task(NamedTuple):
    """What a method is asked.

    Attributes:
        point: The program at its point.
        wanted: Nodes to differentiate by.
        noise: Bound on the rounding error of the output.
        scheme: Of the finite differences.
        step: Their step size; None for the best.
        inline: Write formulas over inputs alone.
        process: For SymPy.
        large: The program was read with the limits on size lifted.
        unrolled: The graph is not what its text says, but that text's arrays number by number.
    """

    point: Point
    wanted: list[int]
    noise: float
    scheme: str
    step: float | None
    inline: bool
    process: SymbolicProcess | None
    large: bool
    unrolled: bool = False


class Column(NamedTuple):
    """What a method answers.

    Attributes:
        numbers: Node to derivative; None, or missing, where the method has none.
        quotients: Node to what the differences say of it.
        formulas: Node to formula; None from a method without any.
        over: As of a `GradientReport`.
        notes: Where there is no answer and why.
    """

    numbers: Mapping[int, float | None]
    quotients: Mapping[int, Quotient] = {}
    formulas: Mapping[int, str] | None = None
    over: Mapping[int, str] = {}
    notes: tuple[str, ...] = ()


class Method(NamedTuple):
    """A way to the derivatives of all nodes.

    Attributes:
        column: Works them out.
        begin: Sets off what runs elsewhere meanwhile; such a method is waited for last.
        needs_noise: It needs the rounding error of the output.
    """

    column: Callable[[Task], Column]
    begin: Callable[[Task], None] | None = None
    needs_noise: bool = False


def _request(task: Task) -> None:
    assert task.process is not None, "the symbolic method needs its process"
    point = task.point
    task.process.request(
        point.graph, point.inputs, task.wanted, point.needed,
        inline=task.inline, large=task.large, unrolled=task.unrolled,
    )  # fmt: skip


def _symbolic(task: Task) -> Column:
    assert task.process is not None
    answer = task.process.answer()
    notes = []
    if answer.failure:
        notes.append(f"symbolic: {answer.failure}; the other columns stand")
    elif answer.route == "chain":
        notes.append("symbolic: numbers chained step by step, the program is too large to inline")
    numbers = {k: x for k, x in answer.numbers.items() if not task.point.is_apart(k)}
    return Column(numbers, formulas=answer.formulas, over=answer.over, notes=tuple(notes))


def _reverse(task: Task) -> Column:
    point = task.point
    return Column({k: point.cotangents[k] for k in task.wanted if k not in point.limits})


def _finite(task: Task) -> Column:
    from .finite import across, finite_all
    from .rounding import noise_at

    point = task.point
    found = finite_all(point.graph, point.values, task.wanted, task.noise, task.scheme, task.step)
    if task.step is None and task.scheme == "central":
        for k in filter(point.is_apart, task.wanted):
            found[k] = across(point.graph, point.values, k, partial(noise_at, point, k))
    return Column({k: found[k].value for k in task.wanted}, found)


def _forward(task: Task) -> Column:
    from .forward import push

    point = task.point
    by_rules = [k for k in task.wanted if k not in point.limits]
    found = push(point.graph, point.values, [k for k in by_rules if point.needed[k]])
    return Column({k: found.get(k, 0.0) for k in by_rules if isfinite(found.get(k, 0.0))})


def _complex_step(task: Task) -> Column:
    from .complex_step import complex_step

    point = task.point
    return Column(
        {
            k: complex_step(point.graph, point.values, k) if point.needed[k] else 0.0
            for k in task.wanted
            if not point.is_apart(k)
        }
    )


OPEN = 1e-6
"""Error of the sides of a kink, over what they differ by, from which many digits look at them."""

_COLUMNS = dict(
    zip(
        METHODS,
        (
            Method(_symbolic, begin=_request),
            Method(_reverse),
            Method(_finite, needs_noise=True),
            Method(_forward),
            Method(_complex_step),
        ),
        strict=True,
    )
)


def differentiate(
    graph: Graph,
    bindings: Mapping[str, float],
    *,
    methods: Sequence[str] = DEFAULT_METHODS,
    wrt: Sequence[str] | None = None,
    scheme: str = "central",
    step: float | None = None,
    inline: bool = False,
    process: SymbolicProcess | None = None,
    large: bool = False,
    unrolled: Unrolled | None = None,
) -> GradientReport:
    """Run the methods and compare them.

    Args:
        graph: The computation.
        bindings: Values of inputs over the program's own; with none at all for a program that
            needs some, the report has formulas alone.
        methods: Of `METHODS`.
        wrt: Inputs and steps to differentiate by; None for all.
        scheme: Of the finite differences.
        step: Their step size; None for the best.
        inline: Write formulas over inputs alone.
        process: A running `SymbolicProcess`, needed for the symbolic method and for formulas alone.
        large: The program was read with the limits on size lifted.
        unrolled: The program is one with arrays, by single numbers, and this its point.
    Raises:
        BindingError: for bindings that do not fit.
        NoSuchNumber: where a value or slope that the answer needs does not exist.
    """
    asked = check_wrt(graph, wrt, steps=True)
    # the sweep runs for every choice of methods: it is the one that finds slopes that do not exist
    point = unrolled.point if unrolled is not None else point_of(graph, bindings, wrt)
    if point is None:
        active = active_nodes(graph, None if wrt is None else asked)
        return _formulas_only(graph, asked, active, inline, process, large)
    chosen = {name: method for name, method in _COLUMNS.items() if name in methods}
    wanted = [n.id for n in graph.nodes if point.active[n.id]]
    task = Task(point, wanted, 0.0, scheme, step, inline, process, large, unrolled is not None)
    # only now: a request whose answer nobody fetches would answer the next one
    for method in chosen.values():
        if method.begin is not None:
            method.begin(task)
    warnings = [] if unrolled else list(warnings_of(graph))
    explained = [0.0] * len(graph)
    spoilt: Collection[int | None] = ()
    judged = len(chosen) > 1
    bounded = judged or any(m.needs_noise for m in chosen.values()) or len(graph) <= SUMMARY_FROM
    if bounded:
        from .rounding import rounding_bounds

        noise, explained = rounding_bounds(point)
        if unrolled is not None:
            explained = [a + b for a, b in zip(explained, unrolled.rounding, strict=True)]
        task = task._replace(noise=noise)
    waited_for_last = sorted(chosen.items(), key=lambda item: item[1].begin is not None)
    found = {name: method.column(task) for name, method in waited_for_last}
    nowhere = {k for k in point.limits if not isfinite(point.cotangents[k])}
    if bounded:
        from .rounding import are_spoilt

        # the symbolic method has slopes of its own; the steps are looked at where others are compared
        own: Mapping[int, float | None] = found["symbolic"].numbers if "symbolic" in found else {}
        looked_at = wanted if judged else [graph.id_of(name) for name in asked]
        ids = [None, *(k for k in looked_at if own.get(k) is None)]
        spoilt = are_spoilt(point, task.noise, explained, ids, 10.0**-KEPT_DIGITS)
        if None in spoilt:  # a slope from beside the point is that of numbers whose digits are as uncertain
            spoilt = {*spoilt, *(k for k in ids if k in point.limits)}
        warnings += _lost_digits(graph, spoilt, asked)
        if judged:
            warnings += _zeros(point)
    columns = {name: list(map(found[name].numbers.get, range(len(graph)))) for name in chosen}
    for numbers in columns.values():  # where there is no slope, a number would be none
        numbers[:] = [None if k in nowhere else x for k, x in enumerate(numbers)]
    quotients: dict[int, Quotient] = {}
    formulas: list[str | None] | None = None
    over: Mapping[int, str] = {}
    for column in found.values():
        quotients |= column.quotients
        if column.formulas is not None:
            formulas, over = list(map(column.formulas.get, range(len(graph)))), column.over
    verdicts = [
        compare(
            {name: column[k] for name, column in columns.items()} | point.limit(k),
            quotients.get(k),
            explained[k],
            point.values[k] if point.needed[k] else 0.0,
            point.value,
        )
        if judged and point.active[k]
        else Verdict(NOT_RUN)
        for k in range(len(graph))
    ]
    _arbitrate(point, columns, quotients, verdicts, explained)
    _excuse_ties(point, columns, quotients, verdicts)
    for k, verdict in enumerate(verdicts):
        if k in spoilt and verdict.verdict == AGREE:
            verdicts[k] = Verdict(ROUNDING, verdict.difference, 0, None, f"cancellation: {FEW_HOLD}")
    notes = tuple(note for name in chosen for note in found[name].notes)
    if point.limits:
        from ..engine.beside import notes as beside_notes

        notes += beside_notes(graph, point.limits, asked)
    return GradientReport(
        graph, point, point.shown(), tuple(chosen), columns, formulas, verdicts, asked,
        tuple(warnings), notes, over,
    )  # fmt: skip


def _arbitrate(
    point: Point,
    columns: Mapping[str, Sequence[float | None]],
    quotients: Mapping[int, Quotient],
    verdicts: list[Verdict],
    explained: Sequence[float],
) -> None:
    """Let quotients in many digits, right beside the point, judge what floats see too coarsely.

    That is where methods disagree, where a kink that the differences have crossed lies beside the point, and
    where one lies at it of which they have seen nothing: its step is below the output's rounding, or floats
    tie further than numbers do.
    """
    from ..engine.beside import beside, is_far

    behind = _behind_kinks(point) if quotients else {}
    # among such numbers a kink may be next to the point and at it for floats
    sure = (
        set()
        if is_far(point.graph, point.values)
        else set(filter(partial(_is_at_kink, point), behind.values()))
    )
    open_ = []
    for k, (word, seen) in enumerate((v.verdict, v.quotient) for v in verdicts):
        unsure = word == DISAGREE and seen is not None
        near = word in (KINK, JUMP) and seen is not None and (seen.at not in sure or _is_open(seen))
        unseen = word in (AGREE, NOISY) and k in behind and k in quotients and k not in point.limits
        if unsure or near or unseen:
            open_.append(k)
    for k, there in (beside(point.graph, point.values, open_, close=True) if open_ else {}).items():
        numbers = [x for m, column in columns.items() if m != "finite" and (x := column[k]) is not None]
        rounding = 2.0 * explained[k] + UNDERFLOW
        before = verdicts[k]
        silent = before.verdict in (AGREE, NOISY)
        if all(close(x, there.slope) or abs(x - there.slope) <= rounding for x in numbers):
            if not silent:
                verdicts[k] = before._replace(verdict=NOISY, quotient=None, reason=MISLED)
        elif before.verdict == KINK and before.quotient is not None and _is_open(before.quotient):
            if isfinite(there.left) and isfinite(there.right):
                seen = before.quotient._replace(left=there.left, right=there.right, error=0.0)
                verdicts[k] = before._replace(quotient=seen)
        elif silent and isfinite(there.slope):
            if not _tied_by_rounding(point, behind[k]):
                seen = Quotient(there.slope, 0.0, at=behind[k])
                verdicts[k] = Verdict(DISAGREE, before.difference, None, seen, BY_CONVENTION)
        elif silent and there.left == there.left and there.right == there.right:
            left, right = (None if isinf(x) else x for x in (there.left, there.right))
            seen = Quotient(None, 0.0, JUMP if there.leap else KINK, left, right, behind[k])
            verdicts[k] = Verdict(seen.kind, before.difference, None, seen, "the sides differ here")


def _is_open(seen: Quotient) -> bool:
    """Whether the sides of a kink are no nearer than floats get: abs(x)^1.01 has none, its slopes fade."""
    return (
        seen.left is not None and seen.right is not None and seen.error > OPEN * abs(seen.right - seen.left)
    )


def _is_at_kink(point: Point, id: int) -> bool:
    """Whether a step is right at a kink, and not a float away from it."""
    node = point.graph.nodes[id]
    return is_own_piece(node.primitive, [point.values[i] for i in node.inputs])


def _behind_kinks(point: Point) -> dict[int, int]:
    """Return the nodes that a step between two of its pieces reads, near or far, with that step."""
    behind: dict[int, int] = {}
    for node in reversed(point.graph.nodes):
        at = behind.get(node.id)
        if node.op is not None and node.op.piece is not None and point.needed[node.id]:
            operands = [point.values[i] for i in node.inputs]
            if by_convention(node.op, operands):
                at = node.id
        if at is not None:
            behind.update(dict.fromkeys(node.inputs, at))
    return behind


def _excuse_ties(
    point: Point,
    columns: Mapping[str, Sequence[float | None]],
    quotients: Mapping[int, Quotient],
    verdicts: list[Verdict],
) -> None:
    """Call it a kink where floats are tied that many digits tell apart, ``max(sin(x), x)`` at 1e-10.

    The symbolic number is of one piece then, that of the floats by the convention at the kink between them.
    """
    for k, verdict in enumerate(verdicts):
        seen = quotients.get(k)
        if verdict.verdict != DISAGREE or seen is None or seen.at is None or seen.kind != KINK:
            continue
        numbers = [
            x for method, column in columns.items() if method != "finite" and (x := column[k]) is not None
        ]
        if between_sides(seen, numbers) and _tied_by_rounding(point, seen.at):
            verdicts[k] = Verdict(KINK, verdict.difference, None, seen, "rounding makes a tie here")


def _tied_by_rounding(point: Point, id: int) -> bool:
    """Whether a node is on another piece in many digits than in floats."""
    from ..ops.precision import digits

    node = point.graph.nodes[id]
    with digits(TIE_DIGITS):
        exact = run_exactly(point.graph, matched(point.graph, point.inputs), point.needed)
        return pieces([node], exact) != pieces([node], point.values)


def forward_report(graph: Graph, bindings: Mapping[str, float]) -> GradientReport:
    """Return the values alone.

    Raises:
        BindingError, NoSuchNumber: as in `differentiate`.
    """
    point = Point.at(graph, bindings, ())
    warnings = list(warnings_of(graph))
    if len(graph) <= SUMMARY_FROM:
        from .rounding import are_spoilt, rounding_bounds

        spoilt = are_spoilt(point, *rounding_bounds(point), [None], 10.0**-KEPT_DIGITS)
        warnings += _lost_digits(graph, spoilt, ())
    verdicts = [Verdict(NOT_RUN)] * len(graph)
    return GradientReport(graph, point, point.shown(), (), {}, None, verdicts, (), tuple(warnings))


def _formulas_only(
    graph: Graph,
    asked: tuple[str, ...],
    active: Sequence[bool],
    inline: bool,
    process: SymbolicProcess | None,
    large: bool,
) -> GradientReport:
    if process is None:
        bind(graph, {})
    assert process is not None
    wanted = [n.id for n in graph.nodes if active[n.id]]
    process.request(graph, None, wanted, [True] * len(graph), inline=inline, large=large)
    answer = process.answer()
    notes: tuple[str, ...] = (f"symbolic: {answer.failure}",) if answer.failure else ()
    found: Mapping[int, str] = answer.formulas
    if graph.source.unknown:
        from .unknown import without_refuted

        found, lost = without_refuted(graph, found)
        notes += tuple(lost)
    return GradientReport(
        graph,
        None,
        [None] * len(graph),
        (),
        {},
        [found.get(k) for k in range(len(graph))],
        [Verdict(NOT_RUN)] * len(graph),
        asked,
        warnings_of(graph),
        notes,
        {} if graph.source.unknown else answer.over,
    )
