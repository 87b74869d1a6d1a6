"""Derivatives for sizes that are not known: formulas alone.

A formula is derived once, with names for lengths. It is told where it holds, read again, for several draws of
lengths and values: against reverse mode, number by number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..engine.point import check_wrt
from ..errors import BackpropError, ExpressionError
from ..graph import Graph
from ..language.ranks import General
from ..language.settle import read_arrays
from ..language.tokens import NAME
from .arrays import (
    ArrayReport,
    NDArray,
    differentiate_arrays,
    drawn_values,
    fault_by_index,
    fault_of,
    index_text,
    places_of,
    shown_nodes,
)

if TYPE_CHECKING:
    from .symbolic.process import SymbolicProcess

DRAWS = 3
"""Sets of lengths at which every formula is held to reverse mode."""

TRIES = 12
"""Draws of which some may have no numbers: a logarithm below 0, an index that is not there."""


class GeneralReport(NamedTuple):
    """Formulas of one program for all sizes.

    Attributes:
        program: The computation, and what its lengths are called.
        wrt: Inputs asked for.
        formulas: Node to its derivative in matrix notation.
        by_index: Node to its place, ``[i,j]``, and its derivative there.
        lengths: At which the formulas were held to reverse mode, by name.
        notes: Where there is no formula and why.
        witnesses: Reverse mode there, in the order of ``lengths``.
    """

    program: General
    wrt: tuple[str, ...]
    formulas: Mapping[int, str]
    by_index: Mapping[int, tuple[str, str]]
    lengths: Sequence[Mapping[str, int]]
    notes: tuple[str, ...] = ()
    witnesses: Sequence[ArrayReport] = ()

    @property
    def graph(self) -> Graph:
        """The computation."""
        return self.program.program.graph

    def shown(self) -> list[int]:
        """Return the nodes that a reader sees."""
        return shown_nodes(self.graph)

    def shape_text(self, id: int) -> str:
        """Return the shape of a node with names for lengths: ``mxn``."""
        return self.program.named(self.program.program.kinds[id].size)

    def numbers_of(self, id: int) -> str:
        """Return how many numbers a node has: ``m*n``."""
        return "*".join(map(str, self.program.shape(id))) or "1"


def differentiate_general(
    program: General, process: SymbolicProcess, wrt: Sequence[str] | None = None, *, by_index: bool = False
) -> GeneralReport:
    """Return the derivatives of a program whose sizes are not known.

    Args:
        program: Its output is a number.
        process: A running `SymbolicProcess`.
        wrt: Inputs to differentiate by; None for all.
        by_index: With every derivative number by number; else where the program is written so.
    Raises:
        ExpressionError: where the program has a value at none of the points that are drawn.
    """
    graph = program.program.graph
    asked = tuple(name for name in check_wrt(graph, wrt) if name not in program.sizes.values())
    witnesses = list(_witnesses(program, asked))
    if not witnesses:
        raise ExpressionError(
            "the program has no value at the points that were drawn to check its formulas at",
            source=graph.source,
            span=graph.nodes[graph.output].span,
            hint="give values: a formula is shown where it was held to numbers",
        )
    active = graph.depends_on([graph.inputs[name] for name in asked])
    wanted = [k for k in shown_nodes(graph) if active[k]]
    places = places_of(program.program, asked, tuple(program.sizes.values()), everything=by_index)
    process.request_forms(graph, wanted, places=places, sizes=program.sizes)
    answer = process.answer()
    notes = [f"formulas: {answer.failure}"] if answer.failure else []
    formulas: dict[int, str] = {}
    for k, text in answer.formulas.items():
        faults = (fault_of(report, k, _with(text, at)) for at, report in witnesses)
        fault = next((f for f in faults if f is not None), None)
        if fault is None:
            formulas[k] = text
        elif graph.nodes[k].op is None:
            notes.append(f"the formula {text} for {graph.own_name(k)} {fault}")
    found = {
        k: (index_text(places[k]), text)
        for k, (text, read) in answer.by_index.items()
        if k in formulas
        and all(fault_by_index(report, k, places[k], _with(read, at)) is None for at, report in witnesses)
    }
    notes += [
        f"no formula for {name} was found"
        for name in asked
        if graph.inputs[name] not in formulas and not any(f" for {name} " in note for note in notes)
    ]
    lengths, reports = [at for at, _ in witnesses], [report for _, report in witnesses]
    return GeneralReport(program, asked, formulas, found, lengths, tuple(notes), reports)


def adds_up(report: ArrayReport | GeneralReport, id: int, texts: Sequence[str]) -> bool:
    """Whether what the uses of a node bring is the derivative by it, at every point there is."""
    total = " + ".join(f"({text})" for text in texts)
    if isinstance(report, GeneralReport):
        pairs = zip(report.lengths, report.witnesses, strict=True)
        return all(fault_of(witness, id, _with(total, at)) is None for at, witness in pairs)
    return fault_of(report, id, total) is None


def _with(text: str, lengths: Mapping[str, int]) -> str:
    """Return a formula with numbers for the names of lengths."""
    return re.sub(NAME, lambda match: str(lengths.get(match[0], match[0])), text)


def _witnesses(program: General, wrt: Sequence[str]) -> Iterator[tuple[Mapping[str, int], ArrayReport]]:
    """Yield lengths, the first of them all unlike, and reverse mode at a point with arrays of such."""
    draw = np.random.default_rng(2)
    names = list(dict.fromkeys(program.sizes.values()))
    source = program.program.graph.source
    found = 0
    for attempt in range(TRIES):
        unlike = draw.permutation(len(names)) + 2
        sizes = [*map(int, draw.integers(1, 6, len(names)) if found else unlike)]
        if attempt >= TRIES // 2:
            sizes = [n + attempt for n in sizes]  # for parts that are further in
        lengths = dict(zip(names, sizes, strict=True))
        try:
            settled = read_arrays(source, program.shapes(lengths), None)
            values: dict[str, NDArray] = drawn_values(settled, seed=attempt)
            for name in settled.graph.inputs:
                if name in lengths:
                    values[name] = np.asarray(float(lengths[name]))
            with np.errstate(all="ignore"):
                report = differentiate_arrays(settled, values, methods=("reverse",), wrt=wrt)
        except BackpropError:
            continue
        yield lengths, report
        found += 1
        if found == DRAWS:
            return
