"""All methods over a program with arrays.

The reverse column comes from cotangents that are arrays, the witnesses from the same program by single
numbers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Mapping, Sequence
from math import hypot, prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..engine.point import Point, check_wrt
from ..engine.run import not_an_input, written
from ..engine.singular import check_matrices, conditions, may_overflow, orders, shifted
from ..engine.sweep import active_nodes
from ..engine.tensors import TensorPlan
from ..engine.unroll import Unrolled, elements, place_text
from ..errors import BackpropError, BindingError, ExpressionError, NoSuchNumber, Source, UsageError
from ..graph import CONSTANT, Graph
from ..language.format import is_turned
from ..language.indices import free_letters
from ..language.settle import Settled, missing_value, read_arrays
from ..language.tokens import NAME
from ..ops.matrices import labels, sizes_of
from . import DEFAULT_METHODS
from .compare import AGREE, NOT_RUN, Verdict, gravity
from .report import GradientReport, differentiate, warnings_of
from .report import Unrolled as UnrolledPoint
from .sampled import Sampled, sampled

if TYPE_CHECKING:
    from .symbolic.process import SymbolicProcess

NDArray = npt.NDArray[Any]

UNIT = 4.0 * 2.0**-52
"""What a decomposition rounds at least, relative to the largest number of its result."""

SHARES = 1e-12
"""How near to 1 the targets of a row add up to be shares."""

HOLDS = 1e-8
"""How far a formula may be from the number that stands, relative to the largest of its array."""

RANGES = ((0.25, 0.75), (-1.0, 1.0), (1.25, 2.5))
"""Of values that are drawn: where logarithms are, where signs differ, where x > 1."""

NOTHING: Mapping[str, NDArray] = {}

UNROLLED = 4_000
"""Numbers of all steps from which reverse mode runs alone."""


class ArrayReport(NamedTuple):
    """The table of one program with arrays at one point.

    Attributes:
        program: The computation and the kinds of its values.
        inputs: A value for every input.
        values: Per node.
        cotangents: Per node, of reverse mode over arrays; None where there is none.
        numbers: All methods, number by number; None where reverse mode ran alone, and for values alone.
        unrolled: Which number there is which here; None with ``numbers``.
        methods: Those that ran, in the order of their columns.
        wrt: Inputs asked for.
        warnings: What the user should know, one line each.
        notes: Where a method has no answer and why.
        formulas: Node to its derivative in matrix notation, where it has one.
        chained: The same with the derivatives by the steps that have names, ``dL/dz@x'``.
        by_index: Node to its place, ``[i,j]``, and its derivative there, where that was asked for.
        checked: What differences say at numbers that were drawn, where there are too many for all of them.
    """

    program: Settled
    inputs: dict[str, NDArray]
    values: list[NDArray]
    cotangents: list[NDArray | None]
    numbers: GradientReport | None
    unrolled: Unrolled | None
    methods: tuple[str, ...]
    wrt: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    formulas: Mapping[int, str] = {}
    chained: Mapping[int, str] = {}
    by_index: Mapping[int, tuple[str, str]] = {}
    checked: Sampled | None = None

    @property
    def graph(self) -> Graph:
        """The computation."""
        return self.program.graph

    @property
    def value(self) -> NDArray:
        """The output."""
        return self.values[self.graph.output]

    def ids(self, id: int) -> NDArray:
        """Return the nodes of ``numbers`` that an array's numbers are, in its shape."""
        assert self.unrolled is not None
        return self.unrolled.ids(id)

    def column(self, method: str, id: int) -> NDArray:
        """Return what a method has for every number of a node, None where it has nothing, in its shape."""
        shape = self.graph.nodes[id].shape
        if self.numbers is not None:
            column = self.numbers.columns[method]
            found = [column[k] for k in self.ids(id).reshape(-1)]
        else:
            g = self.cotangents[id] if method == "reverse" else None
            found = [None] * prod(shape) if g is None else g.reshape(-1).tolist()
        return _objects(found, shape)

    def standing(self, id: int) -> NDArray:
        """Return the derivative by a node, in the numbers that stand."""
        if self.numbers is None:
            return self.column("reverse", id)
        found = [self.numbers.standing(int(k))[0] for k in self.ids(id).reshape(-1)]
        return _objects(found, self.graph.nodes[id].shape)

    def verdicts(self, id: int) -> list[Verdict]:
        """Return the verdict on every number of a node, in the order of its rows."""
        if self.numbers is None:
            return [Verdict(NOT_RUN)] * prod(self.graph.nodes[id].shape)
        return [self.numbers.verdicts[k] for k in self.ids(id).reshape(-1)]

    def judged(self, id: int) -> list[tuple[str, Verdict]]:
        """Return the numbers of a node that methods were compared on, by name, with their verdicts."""
        node = self.graph.nodes[id]
        if node.kind == CONSTANT or len(self.methods) < 2 or self.numbers is None:
            return []
        own = self.graph.own_name(id)
        names = (own + place_text(place) for place in np.ndindex(node.shape))
        pairs = zip(names, self.verdicts(id), strict=True)
        return [(name, verdict) for name, verdict in pairs if verdict.verdict != NOT_RUN]

    def worst(self, id: int) -> tuple[str, Verdict]:
        """Return the number of a node with the gravest verdict, by name."""
        judged = self.judged(id)
        return max(judged, key=lambda pair: gravity(pair[1])) if judged else ("", Verdict(NOT_RUN))

    @property
    def gradient(self) -> dict[str, NDArray]:
        """The derivative by every input asked for."""
        return {name: self.standing(self.graph.inputs[name]) for name in self.wrt} if self.methods else {}

    @property
    def norm(self) -> float | None:
        """Length of the gradient."""
        parts = [x for g in self.gradient.values() for x in g.reshape(-1).tolist()]
        return None if None in parts else hypot(*parts)

    @property
    def agree(self) -> bool | None:
        """False when a verdict is `disagree`; None with fewer than two methods."""
        if self.checked is not None:
            return not self.checked.wrong
        return self.numbers.agree if self.numbers is not None else None

    def shown(self, *, everything: bool = False) -> list[int]:
        """Return the nodes that a reader sees: no constants, and no transposes without a name."""
        return shown_nodes(self.graph, everything=everything)

    def shape_text(self, id: int) -> str:
        """Return the shape of a node as people write it."""
        return self.program.kinds[id].size

    def numbers_of(self, id: int) -> str:
        """Return how many numbers a node has, as people write it."""
        return str(prod(self.graph.nodes[id].shape))


def shown_nodes(graph: Graph, *, everything: bool = False) -> list[int]:
    """Return the nodes that a reader sees: no constants, and no transposes without a name."""
    return [
        n.id
        for n in graph.nodes
        if everything or n.id == graph.output or not (n.kind == CONSTANT or is_turned(graph, n.id))
    ]


def _objects(found: Sequence[float | None], shape: tuple[int, ...]) -> NDArray:
    """Return numbers as an array, of objects where one of them is None."""
    array = np.empty(len(found), object)
    array[:] = found
    return array.reshape(shape) if None in found else array.astype(np.float64).reshape(shape)


def bind_arrays(program: Settled, given: Mapping[str, Any]) -> dict[str, NDArray]:
    """Return a value for every input: the given ones over the program's own.

    Raises:
        BindingError: for an unknown, missing or non-finite one.
    """
    graph = program.graph
    for name in given:
        if name not in graph.inputs:
            raise not_an_input(graph, name, given)
    known = {**graph.defaults, **program.defaults, **given}
    bound = {}
    for name, id in graph.inputs.items():
        if name not in known:
            raise missing_value(graph, name, graph.nodes[id].span)
        bound[name] = np.asarray(known[name], np.float64)
        if not np.isfinite(bound[name]).all():
            raise BindingError(f"{name} has a number that is not finite")
    return bound


def drawn_values(program: Settled, seed: int = 0) -> dict[str, NDArray]:
    """Return values for the inputs of a program, another range for each seed, matrices with an inverse."""
    draw = np.random.default_rng(seed + 1)
    found: dict[str, NDArray] = {}
    for name, id in program.graph.inputs.items():
        shape = program.kinds[id].shape
        found[name] = draw.uniform(*RANGES[seed % len(RANGES)], shape)
        if len(shape) == 2 and shape[0] == shape[1]:
            found[name] = found[name] + shape[0] * np.eye(shape[0])
    return found


def unrolled_size(graph: Graph, eliminated: Container[int] = ()) -> int:
    """Return about how many single numbers a program comes to: products count one by one.

    Args:
        graph: With the shape of every node.
        eliminated: The steps whose matrices are; others take cofactors.
    """
    total = 0
    for node in graph.nodes:
        shapes = [graph.nodes[i].shape for i in node.inputs]
        spec = node.static.get("spec")
        name = node.op.name if node.op else ""
        if spec is not None:
            total += prod(sizes_of(labels(spec)[0], shapes).values())
        elif name in ("inv", "det", "logdet", "solve"):
            n = shapes[0][0]
            right = {"inv": 2 * n, "solve": prod(node.shape) // n}.get(name, 0)
            total += n * n * (n + 3 * right) // 3 if node.id in eliminated else n * n * n * 2 ** min(n, 60)
        else:
            total += prod(node.shape)
    return total


def check_number(program: Settled) -> None:
    """Refuse an output that is an array.

    Raises:
        ExpressionError: with what to do.
    """
    graph = program.graph
    kind = program.kinds[graph.output]
    if kind.shape:
        node = graph.nodes[graph.output]
        text = written(graph, graph.output)
        raise ExpressionError(
            f"the output is {kind}, and a gradient is that of a number",
            source=graph.source,
            span=node.span,
            hint=f"sum({text}), norm({text}), or a number of it: ({text}){place_text([0] * len(kind.shape))}",
        )


class ByNumbers(NamedTuple):
    """A program with arrays as one over single numbers.

    Attributes:
        graph: The computation; its inputs are called ``w[0]``.
        inputs: A value for every input.
        wrt: Those asked for; None for all.
    """

    graph: Graph
    inputs: dict[str, float]
    wrt: list[str] | None


def by_numbers(
    program: Settled,
    given: Mapping[str, Any],
    wrt: Sequence[str] | None,
    *,
    each: bool = False,
    steps: bool = False,
) -> ByNumbers:
    """Write a program with arrays out number by number.

    Args:
        program: Its output is a single number.
        given: Arrays and numbers by name.
        wrt: Inputs to differentiate by, or numbers of them, ``x[0]``; None for all.
        each: Every number says how it is computed itself, not which step of the program it is of.
        steps: Those asked for may be steps, or numbers of one, too.
    Raises:
        ExpressionError: where the output is an array.
        UsageError: for more than `UNROLLED` numbers.
        BindingError: for values that do not fit.
    """
    graph = program.graph
    check_number(program)
    names = None if wrt is None else _numbers_named(graph, wrt, steps)
    inputs = bind_arrays(program, given)
    size = unrolled_size(graph)
    if size > UNROLLED:
        raise UsageError(
            f"the program comes to {size:,} single numbers, more than {UNROLLED:,}",
            hint="grad takes larger programs, by reverse mode alone",
        )
    # exports have no word for the largest number
    far = may_overflow(graph) and not each
    large = shifted(graph, _planned(graph, inputs, {})[1]) if far else ()
    unrolled = elements(graph, shifted=large, each=each)
    numbers = unrolled.graph_of(graph)
    return ByNumbers(numbers, _numbers_of(unrolled, graph, inputs), names)


def _numbers_named(graph: Graph, wrt: Sequence[str], steps: bool) -> list[str]:
    """Return the numbers of inputs, or the ones of arrays that names are of."""
    found: list[str] = []
    for name in wrt:
        if is_number_of(graph, name, steps=steps):
            found.append(name)
            continue
        (asked,) = check_wrt(graph, [name], steps=steps)
        shape = graph.nodes[graph.id_of(asked)].shape
        found += (asked + place_text(place) for place in np.ndindex(shape))
    return list(dict.fromkeys(found))


def is_number_of(graph: Graph, name: str, *, steps: bool = False) -> bool:
    """Whether a name is that of a number of an input's array: ``A[0,1]``; with ``steps``, or of a step's."""
    array, _, places = name.removesuffix("]").partition("[")
    known = graph.named if steps else graph.inputs
    if not places or array not in known:
        return False
    shape = graph.nodes[known[array]].shape
    return name in {array + place_text(place) for place in np.ndindex(shape)}


class _Run(NamedTuple):
    """A program run over arrays.

    Attributes:
        values: Per node.
        cotangents: Per node, None where the gradient asked for does not go.
        warnings: On matrices that are nearly singular.
    """

    values: list[NDArray]
    cotangents: list[NDArray | None]
    warnings: list[str]


def _run(program: Settled, inputs: Mapping[str, NDArray], active: Sequence[bool], *, sweep: bool) -> _Run:
    graph = program.graph
    inner = [id for id in graph.inputs.values() if sweep and active[id]]
    wanted = {id: np.zeros(graph.nodes[id].shape) for id in inner}
    plan, values = _planned(graph, inputs, wanted)
    cotangents: list[NDArray | None] = []
    for k in range(len(graph)):
        g = wanted.get(k)
        if g is None and sweep and active[k]:
            g = np.broadcast_to(plan.cotangent(k), graph.nodes[k].shape).copy()
        cotangents.append(g)
    return _Run(values, cotangents, check_matrices(graph, values))


def _planned(
    graph: Graph, inputs: Mapping[str, NDArray], wanted: Mapping[int, NDArray]
) -> tuple[TensorPlan, list[NDArray]]:
    """Run a program over arrays, with the slopes that are wanted; return it and the value of every node."""
    leaves = {id: inputs[name] for name, id in graph.inputs.items()}
    every = range(len(graph))
    plan = TensorPlan(graph, leaves, wanted, keep=[k for k in every if graph.nodes[k].op is not None])
    with np.errstate(all="ignore"):
        plan.run()
    values = [
        leaves[k] if k in leaves else np.broadcast_to(plan.value(k), graph.nodes[k].shape).copy()
        for k in every
    ]
    return plan, values


def _check_finite(graph: Graph, run: _Run, needed: Sequence[bool]) -> None:
    """Refuse values, and slopes, that are no numbers, where no witness says why.

    Raises:
        NoSuchNumber: at the first.
    """
    for found, what in ((run.values, "a value"), (run.cotangents, "a slope")):
        for node in graph.nodes:
            x = found[node.id]
            if needed[node.id] and x is not None and not np.isfinite(x).all():
                places = np.argwhere(~np.isfinite(x))
                at = place_text([int(i) for i in places[0]])
                raise NoSuchNumber(
                    f"{written(graph, node.id)}{at} has no finite number for {what}",
                    source=graph.source,
                    span=node.span,
                )


def array_values(program: Settled, given: Mapping[str, Any]) -> ArrayReport:
    """Return the values alone.

    Raises:
        BindingError, NoSuchNumber: as in `differentiate_arrays`.
    """
    graph = program.graph
    inputs = bind_arrays(program, given)
    run = _run(program, inputs, [False] * len(graph), sweep=False)
    needed = graph.needed()
    broken = any(needed[k] and not np.isfinite(x).all() for k, x in enumerate(run.values))
    if broken and unrolled_size(graph) <= UNROLLED:
        unrolled = elements(graph)  # says where, in single numbers; a branch not taken may have none
        numbers = unrolled.graph_of(graph)
        point = Point.at(numbers, _numbers_of(unrolled, graph, inputs), ())
        values = [np.array(point.values, float)[unrolled.ids(k)] for k in range(len(graph))]
        run = run._replace(values=values)
    elif broken:
        _check_finite(graph, run, needed)
    return ArrayReport(
        program, inputs, run.values, [None] * len(graph), None, None, (), (),
        (*warnings_of(graph), *run.warnings),
    )  # fmt: skip


def _numbers_of(unrolled: Unrolled, graph: Graph, inputs: Mapping[str, NDArray]) -> dict[str, float]:
    """Return the value of every single number that is an input."""
    nodes = unrolled.recorder.builder.nodes
    return {
        str(nodes[k].name): float(x)
        for name, id in graph.inputs.items()
        for k, x in zip(unrolled.ids(id).reshape(-1), inputs[name].reshape(-1), strict=True)
    }


def differentiate_arrays(
    program: Settled,
    given: Mapping[str, Any],
    *,
    methods: Sequence[str] | None = None,
    wrt: Sequence[str] | None = None,
    scheme: str = "central",
    step: float | None = None,
    process: SymbolicProcess | None = None,
    formulas: bool = True,
    by_index: bool = False,
) -> ArrayReport:
    """Run the methods and compare them.

    Args:
        program: The computation; its output is a single number.
        given: Arrays and numbers by name, over the program's own.
        methods: Of `METHODS`; None for the usual ones, of a large program reverse mode alone.
        wrt: Inputs to differentiate by; None for all inputs and every step.
        scheme: Of the finite differences.
        step: Their step size; None for the best.
        process: A running `SymbolicProcess`, needed for the symbolic method.
        formulas: With derivatives in matrix notation.
        by_index: With those by inputs number by number, too, whether or not the program is written so.
    Raises:
        ExpressionError: where the output is an array.
        BindingError: for values that do not fit.
        NoSuchNumber: where a value or slope that the answer needs does not exist.
    """
    graph = program.graph
    check_number(program)
    asked = check_wrt(graph, wrt)
    active = active_nodes(graph, None if wrt is None else asked)
    inputs = bind_arrays(program, given)
    run = _run(program, inputs, active, sweep=True)
    eliminated = orders(graph, run.values)
    size = unrolled_size(graph, eliminated)
    warnings = [*warnings_of(graph), *run.warnings]
    large = size > UNROLLED
    if large and methods and tuple(methods) != ("reverse",):
        others = ", ".join(m for m in methods if m != "reverse")
        raise UsageError(
            f"the program comes to {size:,} single numbers, and {others} would go through them one by one",
            hint=f"reverse mode alone takes more than {UNROLLED:,}",
        )
    if large:
        _check_finite(graph, run, graph.needed())
        memory = sum(x.nbytes for x in (*run.values, *(g for g in run.cotangents if g is not None)))
        notes = [f"{size:,} single numbers: reverse mode alone, in {max(1, memory >> 20):,} MB"]
        checked = None
        if not methods:
            gradient = {name: run.cotangents[graph.inputs[name]] for name in asked}
            checked = sampled(graph, inputs, {name: g for name, g in gradient.items() if g is not None})
            notes.append(str(checked))
        alone = ArrayReport(
            program, inputs, run.values, run.cotangents, None, None, ("reverse",), asked,
            tuple(warnings), tuple(notes), checked=checked,
        )  # fmt: skip
        return with_formulas(alone, process if formulas else None, by_index=by_index)
    unrolled = elements(graph, eliminated, shifted(graph, run.values))
    numbers = unrolled.graph_of(graph)
    names = None
    if wrt is not None:
        names = [
            numbers.own_name(int(k)) for name in asked for k in unrolled.ids(graph.inputs[name]).reshape(-1)
        ]
    point = Point.at(numbers, _numbers_of(unrolled, graph, inputs), names)
    values = [np.array(point.values, float)[unrolled.ids(k)] for k in range(len(graph))]
    if any((np.isfinite(x) & ~np.isfinite(y)).any() for x, y in zip(values, run.values, strict=True)):
        # squares of a norm overflow over arrays, not by hypot: nor are slopes those of arrays then
        swept = np.array(point.cotangents, float)
        cotangents = [None if g is None else swept[unrolled.ids(k)] for k, g in enumerate(run.cotangents)]
        run = run._replace(cotangents=cotangents)
    point = point._replace(cotangents=_pulled(point, unrolled, run.cotangents))
    report = differentiate(
        numbers, point.inputs, methods=methods or DEFAULT_METHODS, wrt=names, scheme=scheme, step=step,
        process=process, unrolled=rounded_by(point, unrolled, run, conditions(graph, run.values)),
    )  # fmt: skip
    found = ArrayReport(
        program, inputs, values, run.cotangents, report, unrolled, report.methods, asked,
        (*warnings, *report.warnings), report.notes,
    )  # fmt: skip
    return with_formulas(found, process if formulas else None, by_index=by_index)


def with_formulas(
    report: ArrayReport, process: SymbolicProcess | None, *, by_index: bool = False
) -> ArrayReport:
    """Return a report with its derivatives in matrix notation, each read again and held to the numbers."""
    if process is None:
        return report
    graph = report.graph
    shares = target_shares(report)
    wanted = [k for k in report.shown() if report.cotangents[k] is not None]
    steps = [n.name for n in graph.nodes if by_index and n.op is not None and n.name is not None]
    places = places_of(report.program, [*report.wrt, *steps], everything=by_index)
    process.request_forms(graph, wanted, shares, places=places)
    answer = process.answer()
    notes = [f"formulas: {answer.failure}"] if answer.failure else []
    formulas: dict[int, str] = {}
    for k, text in answer.formulas.items():
        fault = fault_of(report, k, text)
        if fault is None:
            formulas[k] = text
        elif report.graph.nodes[k].op is None:
            notes.append(f"the formula {text} for {graph.own_name(k)} {fault}")
    found = {
        k: (index_text(places[k]), text)
        for k, (text, read) in answer.by_index.items()
        if k in formulas and fault_by_index(report, k, places[k], read) is None
    }
    if shares:
        notes.append("formulas: the targets of cross_entropy add up to 1 here, and are taken to")
    chained = {k: text for k, text in answer.chained.items() if fault_of(report, k, text) is None}
    told = (*report.notes, *notes)
    return report._replace(formulas=formulas, chained=chained, by_index=found, notes=told)


def places_of(
    program: Settled, names: Sequence[str], taken: Collection[str] = (), *, everything: bool
) -> dict[int, tuple[str, ...]]:
    """Return the indices of the nodes whose derivatives are told by index: as written, or free letters.

    Args:
        program: The computation.
        names: Of inputs and steps.
        taken: Further names that no index has.
        everything: Of all arrays; not only of those that the program itself has by index.
    """
    graph = program.graph
    letters = tuple(free_letters({*graph.named, *taken}))
    found = {}
    for id in (graph.named[name] for name in names):
        axes = len(program.kinds[id].shape)
        if id in program.indices or (everything and axes):
            found[id] = program.indices.get(id, letters[:axes])
    return found


def index_text(places: Sequence[str]) -> str:
    """Return a place by its indices: ``[i,j]``."""
    return f"[{','.join(places)}]"


def target_shares(report: ArrayReport) -> list[int]:
    """Return the targets of `cross_entropy` whose rows add up to 1."""
    nodes = report.graph.nodes
    targets = {n.inputs[1] for n in nodes if n.op is not None and n.op.name == "cross_entropy"}
    return [k for k in targets if adds_up(report.values[k])]


def adds_up(x: NDArray) -> bool:
    """Whether the numbers of a vector, or of each row of a matrix, add up to 1."""
    return bool(np.allclose(x.sum(-1), 1.0, rtol=SHARES, atol=0.0))


def named_slopes(report: ArrayReport, text: str) -> dict[str, int]:
    """Return the derivatives by steps that a formula has in it: ``dL/dz`` and the step.

    Where a variable is called ``dL``, it is a quotient.
    """
    graph = report.graph
    output = graph.own_name(graph.output)
    if f"d{output}" in graph.named:
        return {}
    slopes = {f"d{output}/d{graph.own_name(n.id)}": n.id for n in graph.nodes if n.op is not None}
    found = re.findall(rf"(?<!\w)d{re.escape(output)}/d\w+", text)
    return {slope: slopes[slope] for slope in found if slope in slopes}


def value_of_text(report: ArrayReport, text: str, more: Mapping[str, NDArray] = NOTHING) -> NDArray | None:
    """Return what a formula over a program's names, and more, gives at its point; None for no value.

    ``dL/dz`` is the derivative by a step.
    """
    try:
        program, known, _ = read_formula(report, text, more)
        return array_values(program, {n: known[n] for n in program.graph.inputs}).value
    except BackpropError:
        return None


class Formula(NamedTuple):
    """A formula over a program's names, read as a program of its own.

    Attributes:
        program: With the names for inputs.
        known: Their values.
        slopes: Its names for derivatives by steps, ``dL/dz``, and which steps these are.
    """

    program: Settled
    known: dict[str, NDArray]
    slopes: dict[str, int]


def read_formula(report: ArrayReport, text: str, more: Mapping[str, NDArray] = NOTHING) -> Formula:
    """Read a formula over a program's names, and more; ``dL/dz`` is the derivative by a step.

    Raises:
        BackpropError: for what is no formula.
    """
    graph, known, slopes = report.graph, dict(more), dict[str, int]()
    for slope, k in named_slopes(report, text).items():
        name = f"slope_{k}_"
        text = re.sub(rf"(?<!\w){re.escape(slope)}(?!\w)", name, text)
        known[name] = np.asarray(report.cotangents[k], float)
        slopes[name] = k
    names = set(re.findall(NAME, text))
    known |= {name: report.values[n.id] for n in graph.nodes if (name := graph.own_name(n.id)) in names}
    program = read_arrays(Source(text), {n: x.shape for n, x in known.items() if x.shape}, known)
    return Formula(program, known, slopes)


def fault_of(report: ArrayReport, id: int, text: str) -> str | None:
    """Return what is wrong with a formula at the point; None where it gives the numbers that stand."""
    value = value_of_text(report, text)
    standing = report.standing(id)
    if value is not None and value.shape != standing.shape:
        return f"has another shape: {value.shape}"
    return _unlike(value, _numbers(standing))


def fault_by_index(report: ArrayReport, id: int, places: Sequence[str], text: str) -> str | None:
    """Return what is wrong with a formula by index: it is summed over its places with drawn weights."""
    right = _numbers(report.standing(id))
    if not np.isfinite(right).all():
        return "has no numbers to be held to"
    weight = next(
        name for name in ("w", "w_", *map("w_{}".format, range(99))) if name not in report.graph.named
    )
    for seed in range(2):
        weights = np.random.default_rng(seed).normal(size=right.shape)
        whole = f"{weight}{index_text(places)}*({text})"
        for index in reversed(places):
            whole = f"sum({index}, {whole})"
        fault = _unlike(value_of_text(report, whole, {weight: weights}), np.asarray((weights * right).sum()))
        if fault is not None:
            return fault
    return None


def _numbers(found: NDArray) -> NDArray:
    """Return numbers as floats, nan where there is none."""
    return np.array([np.nan if x is None else x for x in found.reshape(-1)]).reshape(found.shape)


def _unlike(value: NDArray | None, right: NDArray) -> str | None:
    """Return how a value differs from what it has to be, relative to the largest number; None for not."""
    if value is None:
        return "has no value here"
    wrong = np.abs(value - right) > HOLDS * max(1.0, float(np.abs(right).max(initial=0.0)))
    return "does not hold here" if wrong.any() else None


def rounded_by(point: Point, unrolled: Unrolled, run: _Run, condition: float) -> UnrolledPoint:
    """Return a point with what decompositions of its matrices may have rounded, relative to each array."""
    rounding = [0.0] * len(point.graph)
    if condition:
        for node, g in enumerate(run.cotangents):
            if g is not None and g.size:
                bound = UNIT * condition * float(np.abs(g).max())
                for k in unrolled.ids(node).reshape(-1).tolist():
                    rounding[k] = bound
    return UnrolledPoint(point, rounding)


def _pulled(point: Point, unrolled: Unrolled, cotangents: Sequence[NDArray | None]) -> list[float]:
    """Return the cotangents of single numbers, from those of arrays where there are such.

    Where 0 meets an infinite slope, arrays have no number: the sweep over floats stops at a 0.
    """
    found = list(point.cotangents)
    for node, g in enumerate(cotangents):
        if g is None:
            continue
        for k, x in zip(unrolled.ids(node).reshape(-1), g.reshape(-1), strict=True):
            if k not in point.limits and np.isfinite(x) and point.active[k]:
                found[k] = float(x)
    return found


def agreeing(report: ArrayReport, id: int) -> tuple[int, int]:
    """Return how many numbers of a node have every method say the same, and how many were compared."""
    judged = report.judged(id)
    lacks = sum(any(x is None for x in slopes) for slopes in _slopes(report, id)) if judged else 0
    good = sum(verdict.verdict == AGREE for _, verdict in judged)
    return good - lacks, len(judged)


def _slopes(report: ArrayReport, id: int) -> Sequence[tuple[float | None, ...]]:
    """Return for every number of a node on which methods agree what each of them says."""
    columns = [report.column(method, id).reshape(-1) for method in report.methods]
    rows = zip(report.verdicts(id), zip(*columns, strict=True), strict=True)
    return [slopes for verdict, slopes in rows if verdict.verdict == AGREE]
