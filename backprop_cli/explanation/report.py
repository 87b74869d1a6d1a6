"""All that is explained of one program, as one frozen report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from ..differentiation.report import SUMMARY_FROM, rounding_warnings, warnings_of
from ..differentiation.rounding import rounding_bounds
from ..engine.point import check_wrt
from ..engine.run import bind, is_bound
from ..errors import UsageError, joined
from ..graph import CONSTANT, Graph
from .learned import learned
from .named import NamedPoint, NamedSymbols
from .passes import Backward, Forward, backward_lines, forward_lines, idle_steps, steps_to_write
from .paths import Reach, longest_path, reaches
from .point import WrittenPoint
from .steps import Derivation, derive
from .words import Cost, Direction, Nudge, Rule, Update, cost, direction, nudges, update

if TYPE_CHECKING:
    from .layers import LayerRules
    from .limits import Limit

MOST_LINES = {"short": 40, "normal": 60, "full": 1_000}
"""Steps that are written out; of larger programs, a summary is."""
MOST_PATHS = {"short": 0, "normal": 8, "full": 64}
"""Paths that are listed for an input."""
MOST_CHAINS = {"short": 0, "normal": 6, "full": 64}
"""Inputs whose chains are written where none was asked for by name."""
MOST_NUDGES = {"short": 0, "normal": 4, "full": 64}
MOST_DERIVATIONS = 6
SUMMARISED = 20  # named steps and inputs in a summary


class Summary(NamedTuple):
    """A program that is too large to be written out.

    Attributes:
        steps: That the output needs.
        through: Of them, those that a slope asked for goes through.
        depth: On the longest path.
        named: The named steps among them, the last ones of many.
        names: How many named steps there are.
        steepest: Inputs with the steepest slopes, steepest first.
    """

    steps: int
    through: int
    depth: int
    named: tuple[int, ...]
    names: int
    steepest: tuple[str, ...]


class Explanation(NamedTuple):
    """What is told of a program.

    Attributes:
        graph: The computation.
        wrt: Inputs asked for.
        asked: They were asked for by name.
        detail: ``short``, ``normal`` or ``full``.
        passes: The passes are part of it, not only rules and limits.
        point: The program at its point; None where nothing is bound.
        forward: Lines of the forward pass.
        backward: Lines of the backward pass, last step first.
        summary: In place of both, for large programs.
        chains: How inputs reach the output.
        nudges: What small moves do.
        direction: The gradient as a direction.
        update: One update, where asked for.
        rate: Of the update that is asked for where not every input has a value: there are rules, then.
        rules: The update of every input asked for in symbols, put in by whoever has a SymPy process.
        cost: Multiplications.
        derivations: Rule by rule, where asked for.
        limits: The limit definition, where asked for; None for one that cannot be worked out.
        formulas: SymPy's derivative by input, put in by whoever has a SymPy process.
        put_back: The same over inputs alone, where unknown functions make that another formula.
        unsimplified: Why those are missing, or None.
        warnings: What the user should know, one line each.
        notes: What was left out and why.
        step: Which training step it is, for a network; "" for a program.
        layers: The rules of a network's layers, put in by whoever has a SymPy process.
    """

    graph: Graph
    wrt: tuple[str, ...]
    asked: bool
    detail: str
    passes: bool
    point: WrittenPoint | None
    forward: tuple[Forward, ...] = ()
    backward: tuple[Backward, ...] = ()
    summary: Summary | None = None
    chains: tuple[Reach, ...] = ()
    nudges: tuple[Nudge, ...] = ()
    direction: Direction | None = None
    update: Update | None = None
    cost: Cost | None = None
    derivations: tuple[Derivation, ...] = ()
    limits: tuple[Limit | None, ...] = ()
    formulas: Mapping[str, str | None] = {}
    put_back: Mapping[str, str] = {}
    unsimplified: str | None = None
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    step: str = ""
    rate: float | None = None
    rules: tuple[Rule, ...] = ()
    layers: LayerRules | None = None


def explain(
    graph: Graph,
    bindings: Mapping[str, float],
    *,
    wrt: Sequence[str] | None = None,
    detail: str = "normal",
    symbolic: bool = False,
    limit: bool = False,
    rate: float | None = None,
    decimals: int | None = None,
    named: bool = False,
) -> Explanation:
    """Explain a program: at a point its passes, and on request the rules and the limit definition.

    Args:
        graph: The computation.
        bindings: Values of inputs over the program's own; with none at all for a program that needs some,
            there are rules and limits alone.
        wrt: Inputs to differentiate by; None for all, or for what is `learned` where a loss ends the program.
        detail: How much is told: ``short``, ``normal`` or ``full``.
        symbolic: Take the derivative rule by rule.
        limit: Work out the limit definition.
        rate: Make one update with this rate: positive goes up, negative goes down.
        decimals: Round every result to so many decimals, as on paper.
        named: The passes go from named step to named step.
    Raises:
        UsageError: for what does not go together.
        BindingError: for bindings that do not fit.
        NoSuchNumber: where a value or slope that the answer needs does not exist.
    """
    by = wrt if wrt is not None else learned(graph) or None
    asked = check_wrt(graph, by, steps=True)
    others = {"--symbolic": symbolic, "--definition": limit, "--round-each": decimals is not None}
    other = next((option for option, given in others.items() if named and given), None)
    if other is not None:
        raise UsageError(f"{other} does not go with --named: leave out one of them")
    bound = is_bound(graph, bindings)
    missing = not graph.inputs.keys() <= {*bindings, *graph.defaults}
    partly = rate is not None and missing
    if (symbolic or limit) and missing and not bindings:  # which a program's own values alone do not hinder
        bound = False
    if partly:  # the rules of the update are asked for, in symbols
        if bindings:
            bind(graph, {**dict.fromkeys(graph.inputs, 0.0), **bindings})
        symbolic, bound = not named and (symbolic or not bound), False
    passes = named or (bound and not (symbolic or limit))
    _check_rate(rate)
    step = next((name for name in asked if name not in graph.inputs), None)
    if rate is not None and step is not None:
        raise UsageError(
            f"an update moves inputs, and {step} is a step", hint=f"--wrt {step} without --update"
        )
    point: WrittenPoint | None = None
    if named:
        point = NamedPoint(graph, bindings, by) if bound else NamedSymbols(graph, by)
    elif bound:
        point = WrittenPoint(graph, bindings, by, decimals)
    warnings = [*warnings_of(graph)]
    if point is not None and bound and decimals is None and len(graph) <= SUMMARY_FROM:
        bounds = rounding_bounds(point.here)
        point.settle(*bounds)
        open_ = [name for name in asked if graph.id_of(name) not in point.zeros]
        warnings += rounding_warnings(point.here, open_, bounds)
    told = Explanation(graph, asked, wrt is not None, detail, passes, point, warnings=tuple(warnings))
    notes = [] if asked or wrt is not None else ["there is no variable to differentiate by"]
    if len(asked) < len(graph.inputs) and wrt is None:
        data = [name for name in graph.inputs if name not in asked]
        are = f"{joined(data)} {'is' if len(data) == 1 else 'are'} taken for data"
        notes.append(f"{are}, for a loss ends the program; --wrt names others")
    if named and not any(n.name and n.op and n.kind != CONSTANT for n in graph.nodes[: graph.output]):
        notes.append("no step has a name but the output; d = a*b; ... names one")
    if point is not None:
        told = _at(told, point, rate if bound else None)
    few = asked[:MOST_DERIVATIONS] if symbolic or limit else ()
    if len(few) < len(asked) and few:
        notes.append(f"{len(asked):,} inputs: the first {len(few)} are shown; --wrt names others")
    if symbolic or not (bound or partly or named):
        told = told._replace(
            derivations=tuple(derive(graph, name) for name in few or asked[:MOST_DERIVATIONS])
        )
    if limit:
        told = told._replace(limits=tuple(_limit(graph, name, point) for name in few))
    return told._replace(notes=tuple(notes), rate=rate if partly else None)


def _limit(graph: Graph, name: str, point: WrittenPoint | None) -> Limit | None:
    """Return the limit definition by an input, or by a step as if it were one."""
    from .limits import work_out

    cut = graph.with_input(name)
    if point is not None and cut is not graph:
        values = {n: point.here.values[id] for n, id in cut.inputs.items()}
        point = WrittenPoint(cut, values, [name], point.paper.decimals)
    return work_out(cut, name, point)


def explain_step(
    point: WrittenPoint, step: str, *, asked: bool, detail: str, rate: float | None
) -> Explanation:
    """Explain a training step of a network.

    Args:
        point: The network, number by number.
        step: Which step it is, in words.
        asked: What to differentiate by was asked for by name.
        detail: How much is told: ``short``, ``normal`` or ``full``.
        rate: Make one update with this rate of what is differentiated by.
    Raises:
        UsageError: for a rate that is none.
    """
    _check_rate(rate)
    told = Explanation(point.graph, point.wrt, asked, detail, True, point, step=step)
    return _at(told, point, rate)._replace(cost=None)  # a number may be a sum of hundreds of products


def _check_rate(rate: float | None) -> None:
    if rate is not None and (not isfinite(rate) or rate == 0.0):
        raise UsageError("the rate of an update is a number other than 0")


def _at(told: Explanation, point: WrittenPoint, rate: float | None) -> Explanation:
    if told.passes:
        told = _with_passes(told, point)
    return told._replace(update=update(point, rate)) if rate is not None and told.wrt else told


def _with_passes(told: Explanation, point: WrittenPoint) -> Explanation:
    graph, detail = point.graph, told.detail
    steps = steps_to_write(point)
    through = [id for id in steps if point.here.active[id]]
    most, shown = MOST_LINES[detail], steps
    if len(steps) > most and told.asked:
        shown = through
    if len(shown) > most:
        names = [id for id in steps if graph.nodes[id].name is not None]
        gradient = point.gradient
        order = sorted(told.wrt, key=lambda name: -abs(gradient[name]))
        summary = Summary(
            len(steps), len(through), longest_path(point), tuple(names[-SUMMARISED:]), len(names),
            tuple(order[:SUMMARISED]),
        )  # fmt: skip
        told = told._replace(summary=summary, forward=tuple(forward_lines(point, summary.named)))
    else:
        told = told._replace(
            forward=tuple(forward_lines(point, shown)), backward=tuple(backward_lines(point, through))
        )
    names_ = told.wrt
    if not told.asked and len(names_) > MOST_CHAINS[detail]:
        names_ = ()
    many = 200 if told.summary is None else 0  # a long chain says nothing
    chains = reaches(
        point, names_[:many] if many else (names_[:SUMMARISED] if told.asked else ()), MOST_PATHS[detail]
    )
    # what moves by less than the rounding cannot be seen, and an output that is an input needs no words
    output = graph.nodes[graph.output]
    told_in_words = detail != "short" and point.bound and point.paper.exact and output.op is not None
    moved = told.wrt if told.summary is None or told.asked else told.summary.steepest
    inputs_alone = all(name in graph.inputs for name in told.wrt)
    spent = cost(point) if point.bound and detail != "short" and told.wrt and inputs_alone else None
    return told._replace(
        chains=tuple(chains),
        nudges=tuple(nudges(point, moved[: MOST_NUDGES[detail] if told.asked or detail == "full" else 1]))
        if told_in_words
        else (),
        direction=direction(point) if told.wrt and told_in_words else None,
        cost=spent if spent is not None and spent.reverse else None,
    )


def idle(told: Explanation) -> tuple[list[int], list[int]]:
    """Return the nodes that the output never reads, and those it does not need at this point."""
    assert told.point is not None
    return idle_steps(told.point)
