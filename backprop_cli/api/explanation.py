"""Why a gradient is what it is: what ``backprop explain`` tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, overload

from ..differentiation.symbolic.session import SESSION
from ..errors import UsageError
from ..explanation import DETAILS
from ..explanation.report import Explanation
from ..explanation.report import explain as explained
from ..explanation.words import rules
from ..graph import Graph
from .arguments import MOST_DIGITS, choice, flag, names, number, optional, whole
from .programs import AnyProgram, Bindings, bound, merged, wants_arrays
from .shown import Shown

if TYPE_CHECKING:
    from ..differentiation.symbolic.process import Symbolic
    from ..explanation.arrays import ArrayExplanation
    from ..render.document import Document

MOST_NODES = 2_000
"""With which derivatives taken rule by rule are simplified; as in `grad`, which has numbers alone above."""


class Explained(Shown, Explanation):
    """An `Explanation` that shows itself."""

    __slots__ = ()

    def _document(self, format_: str) -> Document:
        from ..render.explain import document

        return document(self)


class ExplainedArrays(Shown):
    """The explanation of a program with arrays, which shows itself.

    Attributes:
        told: Both passes.
    """

    __slots__ = ("told",)

    def __init__(self, told: ArrayExplanation) -> None:
        self.told = told

    @property
    def formulas(self) -> dict[str, str | None]:
        """The derivative by each input in matrix notation, where it has one."""
        report = self.told.report
        return {name: report.formulas.get(report.graph.inputs[name]) for name in report.wrt}

    def _document(self, format_: str) -> Document:
        from ..render.explain_arrays import document

        return document(self.told)


@overload
def explain(
    program: AnyProgram,
    bindings: Bindings = None,
    /,
    *,
    wrt: Sequence[str] | None = None,
    symbolic: bool = False,
    limit: bool = False,
    update: float | None = None,
    detail: str = "normal",
    round_each: int | None = None,
    named: bool = False,
    large: bool = False,
    overrides: Sequence[str] = (),
    **values: float,
) -> Explained: ...
@overload
def explain(
    program: AnyProgram,
    bindings: Mapping[str, object] | None = None,
    /,
    *,
    wrt: Sequence[str] | None = None,
    symbolic: bool = False,
    limit: bool = False,
    update: float | None = None,
    detail: str = "normal",
    round_each: int | None = None,
    named: bool = False,
    large: bool = False,
    overrides: Sequence[str] = (),
    **values: object,
) -> Explained | ExplainedArrays: ...
def explain(
    program: AnyProgram,
    bindings: Any = None,
    /,
    *,
    wrt: Sequence[str] | None = None,
    symbolic: bool = False,
    limit: bool = False,
    update: float | None = None,
    detail: str = "normal",
    round_each: int | None = None,
    named: bool = False,
    large: bool = False,
    overrides: Sequence[str] = (),
    **values: object,
) -> Explained | ExplainedArrays:
    """Explain the gradient of a program, step by step.

    Args:
        program: Text, what `parse` or `trace` returned, or a Python function; or the path of a config,
            ``hand.yaml``, for the loss of the first training step of its network, number by number.
        bindings: Values by name, for names such as ``limit`` that are options here.
        wrt: Inputs and steps to differentiate by; None for all inputs.
        symbolic: Take the derivative rule by rule.
        limit: Work out the limit definition.
        update: Make one update with this rate: positive goes up, negative goes down. In symbols where
            not every input has a value.
        detail: How much is told: ``short``, ``normal`` or ``full``.
        round_each: Round every result to so many decimals, as on paper.
        named: The passes go from named step to named step, one factor an arrow.
        large: Lift the limits on the program's size.
        overrides: Of a config, ``optimizer.learning_rate=0.1`` and the like.
        values: Values by name: numbers, NumPy arrays or lists; with none at all the derivative is taken rule
            by rule.
    Raises:
        BackpropError: for wrong input, or where there is no such number.
    """
    asked = optional(names, "wrt", wrt)
    told_in = choice("detail", detail, DETAILS)
    symbolic, limit = flag("symbolic", symbolic), flag("limit", limit)
    named = flag("named", named)
    rate = optional(number, "update", update)
    decimals = optional(whole, "round_each", round_each, 1, MOST_DIGITS)
    keys = names("overrides", overrides)
    if isinstance(program, str) and program.lower().endswith((".yaml", ".yml")):
        options = {"symbolic": symbolic, "limit": limit, "named": named, "a value": bindings or values}
        for option, given_ in options.items():
            if given_:
                raise UsageError(f"{option} is for expressions, {program} is a config")
        from ..training.problem import assembled
        from ..training.trace import explain_update

        whole_layers = asked is None and decimals is None and told_in != "short"
        lent = SESSION.lend() if whole_layers else nullcontext()
        with assembled(program, keys) as problem, lent as process:
            step = explain_update(
                problem, program, wrt=asked, detail=told_in, rate=rate, decimals=decimals, process=process
            )
        return Explained(*step)
    if keys:
        raise UsageError(f"{keys[0]} is for the network of a config", hint='explain("config.yaml", ...)')
    if wants_arrays(program, bindings, values):
        from .arrays import explanation_of, settled_of

        found = settled_of(program, merged(bindings, values), large=large)
        if found is not None:
            options = {"symbolic": symbolic, "limit": limit, "named": named, "update": rate is not None}
            options |= {"round_each": decimals is not None, "detail": told_in != "normal"}
            for option, given_ in options.items():
                if given_:
                    raise UsageError(f"{option} is for single numbers, and this program has arrays")
            return ExplainedArrays(explanation_of(*found, asked))
    graph, given = bound(program, bindings, values, large=large)
    told = explained(
        graph,
        given,
        wrt=asked,
        detail=told_in,
        symbolic=symbolic,
        limit=limit,
        rate=rate,
        decimals=decimals,
        named=named,
    )
    told = _simplified(told, graph, large)
    if told.rate is not None:
        formulas = {name: told.formulas.get(name) for name in told.wrt}
        told = told._replace(rules=rules(told.graph, given, formulas, told.rate))
    return Explained(*told)


def _simplified(told: Explanation, graph: Graph, large: bool) -> Explanation:
    """Put in what SymPy makes of derivatives that were taken rule by rule, or that an update goes along."""
    asked = told.wrt if told.rate is not None else [d.name for d in told.derivations]
    if not asked:
        return told
    if len(graph) > MOST_NODES:
        return told._replace(unsimplified=f"more than {MOST_NODES:,} nodes")
    ids = {name: graph.id_of(name) for name in asked}
    ask = partial(_formulas, graph, list(ids.values()), large)
    answer = ask()
    known: Mapping[int, str] = answer.formulas
    if graph.source.unknown:
        from ..differentiation.unknown import without_refuted

        known, lost = without_refuted(graph, known)
        whole, _ = without_refuted(graph, ask(inline=True).formulas)
        put_back = {name: whole[id] for name, id in ids.items() if id in whole}
        told = told._replace(notes=(*told.notes, *lost), put_back=put_back)
    return told._replace(
        formulas={name: known.get(id) for name, id in ids.items()}, unsimplified=answer.failure
    )


def _formulas(graph: Graph, wanted: list[int], large: bool, *, inline: bool = False) -> Symbolic:
    with SESSION.lend() as process:
        process.request(graph, None, wanted, [True] * len(graph), large=large, inline=inline)
        return process.answer()
