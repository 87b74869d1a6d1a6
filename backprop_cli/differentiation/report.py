"""All methods over one program, as one frozen report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import hypot, isfinite
from typing import NamedTuple

from ..engine.run import bind, evaluate, leaf_values
from ..engine.sweep import active_nodes, reverse
from ..errors import UsageError, nearest
from ..graph import CONSTANT, Graph
from .compare import DISAGREE, NOT_RUN, ROUNDING, Verdict, compare
from .finite import SCHEMES, Quotient
from .symbolic import SymbolicProcess

METHODS = ("symbolic", "reverse", "finite", "forward", "complex-step")
DEFAULT_METHODS = ("symbolic", "reverse", "finite")
KEPT_DIGITS = 3  # a number of which rounding may leave fewer is shown with a warning
SUMMARY_FROM = 2_000  # nodes from which reverse mode alone runs by default


class GradientReport(NamedTuple):
    """The table of one program at one point.

    Attributes:
        graph: The computation.
        inputs: Values of the inputs; None when nothing was bound and there are formulas alone.
        values: Per node; None for a branch not taken.
        methods: Those that ran, in the order of their columns.
        columns: Method to one derivative per node; None where there is none.
        formulas: Per node; None for constants and where SymPy did not finish.
        verdicts: Per node.
        wrt: Inputs asked for.
        warnings: What the user should know, one line each.
        notes: Where a method has no answer and why.
    """

    graph: Graph
    inputs: dict[str, float] | None
    values: list[float | None]
    methods: tuple[str, ...]
    columns: dict[str, list[float | None]]
    formulas: list[str | None] | None
    verdicts: list[Verdict]
    wrt: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def value(self) -> float | None:
        """The output."""
        return self.values[self.graph.output]

    @property
    def gradient(self) -> dict[str, float | None]:
        """The derivative by every input asked for: reverse mode's, else the first method's."""
        method = "reverse" if "reverse" in self.columns else next(iter(self.columns), None)
        if method is None:
            return dict.fromkeys(self.wrt)
        return {name: self.columns[method][self.graph.inputs[name]] for name in self.wrt}

    @property
    def settled(self) -> dict[str, float | None]:
        """The gradient, with the symbolic number where rounding spoilt the other."""
        settled = self.gradient
        for name in self.wrt:
            id = self.graph.inputs[name]
            if self.verdicts[id].verdict == ROUNDING and "symbolic" in self.columns:
                settled[name] = self.columns["symbolic"][id]
        return settled

    @property
    def norm(self) -> float | None:
        """Length of the settled gradient."""
        parts = [x for x in self.settled.values() if x is not None]
        return hypot(*parts) if len(parts) == len(self.wrt) and self.inputs is not None else None

    @property
    def agree(self) -> bool | None:
        """False when a verdict is `disagree`; None with fewer than two methods."""
        if len(self.columns) < 2:
            return None
        return all(v.verdict != DISAGREE for v in self.verdicts)


def _lost_digits(numbers: Mapping[str, tuple[float, float]]) -> list[str]:
    """Return a warning for every number that rounding may have spoilt, given as number and bound."""
    return [
        f"cancellation: rounding may leave fewer than {KEPT_DIGITS} digits of {what}"
        for what, (number, bound) in numbers.items()
        if number and bound > 10.0**-KEPT_DIGITS * abs(number)
    ]


def check_wrt(graph: Graph, wrt: Sequence[str] | None) -> tuple[str, ...]:
    """Return the inputs asked for, all by default."""
    if wrt is None:
        return tuple(graph.inputs)
    if isinstance(wrt, str):
        wrt = [wrt]
    for name in wrt:
        if not name:
            raise UsageError(
                "an empty name to differentiate by", hint=f"its inputs: {', '.join(graph.inputs)}"
            )
        if name not in graph.inputs:
            close = nearest(name, list(graph.inputs))
            raise UsageError(
                f"cannot differentiate by {name}: the expression has no input {name}",
                hint=f"did you mean {close}?" if close else f"its inputs: {', '.join(graph.inputs)}",
            )
    return tuple(dict.fromkeys(wrt))


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
) -> GradientReport:
    """Run the methods and compare them.

    Args:
        graph: The computation.
        bindings: Values of inputs over the program's own; with none at all for a program that
            needs some, the report has formulas alone.
        methods: Of `METHODS`.
        wrt: Inputs to differentiate by; None for all inputs and every step.
        scheme: Of the finite differences.
        step: Their step size; None for the best.
        inline: Write formulas over inputs alone.
        process: A running `SymbolicProcess`, needed for the symbolic method.
        large: The program was read with the limits on size lifted.
    Raises:
        BindingError: for bindings that do not fit.
        NoSuchNumber: where a value or slope that the answer needs does not exist.
    """
    for word, known, what in [*((m, METHODS, "method") for m in methods), (scheme, SCHEMES, "scheme")]:
        if word not in known:
            raise UsageError(f"no {what} {word!r}", hint=f"one of {', '.join(known)}")
    asked = check_wrt(graph, wrt)
    active = active_nodes(graph, None if wrt is None else asked)
    wanted = [n.id for n in graph.nodes if active[n.id]]
    if not bindings and not graph.defaults and graph.inputs:
        return _formulas_only(graph, asked, wanted, inline, process, large)
    inputs = bind(graph, bindings)
    raw, needed = evaluate(graph, inputs)
    columns: dict[str, list[float | None]] = {m: [None] * len(graph) for m in METHODS if m in methods}
    quotients: dict[int, Quotient] = {}
    explained = [0.0] * len(graph)
    # the sweep runs for every choice of methods: it is the one that finds slopes that do not exist
    cotangents = reverse(graph, raw, active)
    # only now: a request whose answer nobody fetches would answer the next one
    if "symbolic" in methods:
        assert process is not None, "the symbolic method needs its process"
        process.request(graph, inputs, wanted, needed, inline=inline, large=large)
    noise = 0.0
    warnings = list(warnings_of(graph))
    if len(columns) > 1 or "finite" in methods or len(graph) <= SUMMARY_FROM:
        from .rounding import rounding_bounds

        noise, explained = rounding_bounds(graph, leaf_values(graph, inputs), active)
        if "symbolic" not in methods:
            numbers = {f"the slope in {name}": graph.inputs[name] for name in asked}
            warnings += _lost_digits({what: (cotangents[k], explained[k]) for what, k in numbers.items()})
        warnings += _lost_digits({"the value": (raw[graph.output], noise)})
    for method, column in columns.items():
        if method == "reverse":
            for k in wanted:
                column[k] = cotangents[k]
        elif method == "finite":
            from .finite import finite_all

            quotients = finite_all(graph, raw, wanted, noise, scheme, step)
            for k in wanted:
                column[k] = quotients[k].value
        elif method == "forward":
            from .forward import push

            column_of = push(graph, raw, [k for k in wanted if needed[k]])
            for k in wanted:
                column[k] = column_of.get(k, 0.0)
        elif method == "complex-step":
            from .complex_step import complex_step

            for k in wanted:
                column[k] = complex_step(graph, raw, k) if needed[k] else 0.0
    formulas: list[str | None] | None = None
    notes: list[str] = []
    if "symbolic" in methods:
        assert process is not None
        answer = process.answer()
        formulas = [answer.formulas.get(k) for k in range(len(graph))]
        for k in wanted:
            columns["symbolic"][k] = answer.numbers.get(k)
        if answer.failure:
            notes.append(f"symbolic: {answer.failure}; the other columns stand")
        elif answer.route == "chain":
            notes.append("symbolic: numbers chained step by step, the program is too large to inline")
    verdicts = [
        compare(
            {m: column[k] for m, column in columns.items()},
            quotients.get(k),
            explained[k],
            raw[k] if needed[k] else 0.0,
            raw[graph.output],
        )
        if active[k] and len(columns) > 1
        else Verdict(NOT_RUN)
        for k in range(len(graph))
    ]
    values = shown_values(graph, raw, needed)
    return GradientReport(
        graph,
        inputs,
        values,
        tuple(columns),
        columns,
        formulas,
        verdicts,
        asked,
        tuple(warnings),
        tuple(notes),
    )


def forward_report(graph: Graph, bindings: Mapping[str, float]) -> GradientReport:
    """Return the values alone.

    Raises:
        BindingError, NoSuchNumber: as in `differentiate`.
    """
    inputs = bind(graph, bindings)
    raw, needed = evaluate(graph, inputs)
    verdicts = [Verdict(NOT_RUN)] * len(graph)
    values = shown_values(graph, raw, needed)
    warnings = list(warnings_of(graph))
    if len(graph) <= SUMMARY_FROM:
        from .rounding import value_bound

        bound = value_bound(graph, leaf_values(graph, inputs))
        warnings += _lost_digits({"the value": (raw[graph.output], bound)})
    return GradientReport(graph, inputs, values, (), {}, None, verdicts, (), tuple(warnings))


def shown_values(graph: Graph, raw: Sequence[float], needed: Sequence[bool]) -> list[float | None]:
    """Return the values that a reader sees: none for a branch not taken."""
    reached = graph.needed()
    return [
        v if needed[k] or graph.nodes[k].op is None or (not reached[k] and isfinite(v)) else None
        for k, v in enumerate(raw)
    ]


def _formulas_only(
    graph: Graph,
    wrt: tuple[str, ...],
    wanted: list[int],
    inline: bool,
    process: SymbolicProcess | None,
    large: bool,
) -> GradientReport:
    if process is None:
        bind(graph, {})
    assert process is not None
    process.request(graph, None, wanted, [True] * len(graph), inline=inline, large=large)
    answer = process.answer()
    notes = (f"symbolic: {answer.failure}",) if answer.failure else ()
    return GradientReport(
        graph,
        None,
        [None] * len(graph),
        (),
        {},
        [answer.formulas.get(k) for k in range(len(graph))],
        [Verdict(NOT_RUN)] * len(graph),
        wrt,
        warnings_of(graph),
        notes,
    )
