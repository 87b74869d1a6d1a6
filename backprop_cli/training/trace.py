"""One training step written out in full: forward pass, loss, deltas, gradients, updates; as data.

The lines come from the network unrolled into single numbers, run by the same engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import BackpropError, Source, UsageError, counted
from ..explanation.expr import Apply, Expr, Number, Ref, subtract
from ..explanation.layers import LayerRule, Weighted, matrix_form
from ..explanation.names import Name
from ..explanation.paper import Paper
from ..explanation.report import Explanation, explain_step
from ..language.numbers import brief
from ..networks.lines import Line, Lines, written_forms
from ..networks.losses import WEIGHTS
from ..networks.network import LayerNetwork, NDArray, Piece
from ..networks.point import NetworkPoint, NetworkProgram
from ..networks.programmed import ProgramNetwork
from ..networks.textbook import SIDES
from .problem import Problem
from .reinforcement import Reinforce
from .step import Clipping, Made, Step, check_layer, check_size, check_work, number, shown_steps, whole_step

if TYPE_CHECKING:
    from ..differentiation.symbolic.process import SymbolicProcess
    from ..explanation.layers import LayerRules

SINGLE, DOUBLE = 1e-4, 1e-9
"""How near the gradient of a network's program is to that of training, by its floats."""

ALL_ROWS = 4
"""Rows that are all written out; of more, the first `FIRST_ROWS` are."""

FIRST_ROWS = 2


class Given(NamedTuple):
    """A row of the batch as it comes in."""

    row: int
    inputs: tuple[tuple[str, float], ...]
    targets: tuple[float, ...]


class Played(NamedTuple):
    """A step of an episode that is learned from.

    Attributes:
        episode: From 1.
        step: Of it, from 1.
        action: What was done.
        logarithm: That of its probability.
        reward: What it brought.
        returned: The discounted sum of the rewards from here on.
        advantage: What the row counts in the loss.
    """

    episode: int
    step: int
    action: str
    logarithm: float
    reward: float
    returned: float
    advantage: float


class Update(NamedTuple):
    """A parameter before and after.

    Attributes:
        name: The parameter.
        frozen: It is not trained: it has no gradient here, and stays.
        old: Before.
        gradient: What the optimizer was given, clipped where that was asked for.
        new: After, as the optimizer left it.
        written: ``old - rate*gradient``, for plain gradient descent.
    """

    name: Name
    frozen: bool
    old: float
    gradient: float | None
    new: float
    written: tuple[Expr, ...] = ()


@dataclass(frozen=True)
class Trace:
    """A training step written out.

    Attributes:
        step: Which.
        decimals: To which every result is rounded; None for none.
        layer: The one layer that is shown; None for all.
        loop: Steps of a program's loop that are written out, from 0, and how many there are; None for all.
        shown: Rows of the batch that are written out, from 0.
        given: Those rows.
        forward: Every unit.
        loss: Term by term.
        deltas: Slopes of the loss by every unit, last layer first.
        gradients: Slopes by every trained parameter.
        clipping: None where none was asked for.
        updates: Every parameter.
        states: What else the step changes: running means and variances.
        plain: The updates are ``old - rate*gradient``.
        units: The network is made of layers, not of a formula.
        letters: What weighted sums and activations are called.
        notes: What a reader should know.
        matrices: The slopes in matrix notation, where layers of weighted sums are all that there is.
        played: The steps of the episodes that the rows are of; () where rows were given.
        discount: What a reward counts a step later there.
        baseline: What the advantages are above.
    """

    step: Step
    decimals: int | None
    layer: str | None
    loop: tuple[tuple[int, ...], int] | None
    shown: tuple[int, ...]
    given: tuple[Given, ...]
    forward: tuple[Line, ...]
    loss: tuple[Line, ...]
    deltas: tuple[Line, ...]
    gradients: tuple[Line, ...]
    clipping: Clipping | None
    updates: tuple[Update, ...]
    states: tuple[Update, ...]
    plain: bool
    units: bool
    letters: tuple[str, str]
    notes: tuple[str, ...]
    matrices: tuple[LayerRule, ...] = ()
    played: tuple[Played, ...] = ()
    discount: float = 1.0
    baseline: str = "none"


def write_out(
    problem: Problem,
    *,
    at_step: int = 1,
    row: int | None = None,
    layer: str | None = None,
    step: int | None = None,
    decimals: int | None = None,
) -> Trace:
    """Write out one training step.

    Args:
        problem: Network and data.
        at_step: Which update, from 1; those before it are made first.
        row: The one row of the batch to write out, from 1; None chooses.
        layer: One layer alone.
        step: One step of a program's loop alone, from 0; None for all, of many the first and the last.
        decimals: Round every result to so many, as on paper.
    Raises:
        UsageError: when the network is too large, or there is no such layer, step or row.
    """
    network = problem.network
    check_layer(network, layer)
    steps = shown_steps(network, step)
    whole = check_size(network, layer, steps)
    made = Made(problem, at_step)
    if row is not None and row > len(made.rows):
        raise UsageError(f"--row {row}: the batch has {counted(len(made.rows), 'row')}")
    check_work(network, None if whole else layer, len(made.rows))
    return _Writing(made, row, layer, steps, whole, Paper(decimals)).trace()


def explain_update(
    problem: Problem,
    source: str,
    *,
    wrt: Sequence[str] | None = None,
    detail: str = "normal",
    rate: float | None = None,
    decimals: int | None = None,
    process: SymbolicProcess | None = None,
) -> Explanation:
    """Explain the loss of the first update as the program that it is.

    Args:
        problem: Network and data.
        source: What the network is called.
        wrt: Weights, biases and inputs to differentiate by; None for all parameters that are trained.
        detail: How much is told: ``short``, ``normal`` or ``full``.
        rate: Move what is differentiated by along its slopes, times this rate.
        decimals: Round every result to so many, as on paper.
        process: A running `SymbolicProcess`, for the rules of whole layers; None leaves them out.
    Raises:
        UsageError: when the network is too large, or for a name that is none.
    """
    made = whole_step(problem)
    point = NetworkProgram(made.unrolled(Paper()), source, wrt)
    if decimals is not None:
        point = NetworkProgram(made.unrolled(Paper(decimals)), source, wrt, point)
    step = f"{made.step.name}, update 1 on {counted(len(made.rows), 'row')}, {made.step.loss}"
    told = explain_step(point, step, asked=wrt is not None, detail=detail, rate=rate)
    return told if process is None else told._replace(layers=rules_of_layers(made, process))


def rules_of_layers(made: Made, process: SymbolicProcess) -> LayerRules | None:
    """Return the derivatives of an update for whole layers, as matrices and by index.

    The network is read as a program of arrays, and its formulas are derived as those of any; None where our
    language has no word for a layer, or where the program's gradient is not the network's.
    """
    from ..differentiation.arrays import differentiate_arrays
    from ..explanation.arrays import explain_arrays
    from ..explanation.layers import layer_rules
    from ..language.settle import read_arrays
    from ..networks.program import array_program

    found = array_program(made.bound.lowered, {**made.old, **made.batch})
    if found is None:
        return None
    shapes = {name: x.shape for name, x in found.values.items()}
    try:
        program = read_arrays(Source(found.text), shapes, found.values)
        wrt = [name for name in program.graph.inputs if name != "t"]
        report = differentiate_arrays(
            program, found.values, methods=("reverse",), wrt=wrt, process=process, by_index=True
        )
    except BackpropError:
        return None
    close = SINGLE if made.problem.config.dtype == "float32" else DOUBLE
    for name, gradient in made.gradients.items():
        if not np.allclose(report.gradient[found.names[name]], gradient, rtol=close, atol=close):
            return None
    return layer_rules(explain_arrays(report, process), found.names)


class _Writing:
    """From an update to its lines."""

    def __init__(
        self,
        made: Made,
        row: int | None,
        layer: str | None,
        steps: tuple[int, ...] | None,
        whole: bool,
        paper: Paper,
    ) -> None:
        self.made = made
        self.steps = steps
        self.paper = paper
        self.layer = layer
        self.network = made.problem.network
        self.config = made.problem.config
        target = made.bound.lowered.target
        assert target is not None
        self.target = target
        self.narrowed = not whole
        self.point = NetworkPoint(made.unrolled(paper, None if whole else layer))
        self.u = self.point.unrolled
        count = len(made.rows)
        some = range(count) if count <= ALL_ROWS else range(FIRST_ROWS)
        self.shown = (row - 1,) if row is not None else tuple(some)
        self.letters = ("z", "y") if made.textbook is None else (SIDES["z"], SIDES["y"])
        self.lines = Lines(self.point, self.shown, layer, steps)

    def trace(self) -> Trace:
        made, lines, paper = self.made, self.lines, self.paper
        gradients = self.u.by_parameter(self.point.here.cotangents)
        gradients = {n: g for n, g in gradients.items() if n in made.gradients}
        # of a layer alone the length of the whole gradient is not known on paper
        whole = made.gradients if paper.exact or self.narrowed else gradients
        clipping = made.clipping(whole, paper)
        clipped = made.clipped(gradients, clipping, paper)
        step, new = made.step, made.new
        if not paper.exact and not self.narrowed:
            new = made.new | made.updated(clipped, paper)
            before, after = self.point.here.value, self.u.run(new)[self.u.graph.output]
            step = replace(step, before=before, after=number(after))
        return Trace(
            step,
            paper.decimals,
            self.layer,
            self._loop(),
            self.shown,
            tuple(self._given()),
            lines.forward(),
            tuple(lines.loss()),
            lines.deltas(),
            tuple(lines.gradients()),
            clipping,
            tuple(self._updates(clipped, new)),
            tuple(self._states()),
            made.plain,
            isinstance(self.network, LayerNetwork),
            self.letters,
            tuple(self._notes()),
            tuple(self._matrices()),
            tuple(self._played()),
            self.config.training.discount or 0.0,
            self.config.training.baseline or "none",
        )

    def _played(self) -> Iterator[Played]:
        training, discount = self.made.training, self.config.training.discount
        if not isinstance(training, Reinforce):
            return
        assert discount is not None
        made, actions = training.episodes, self.made.problem.classes or ()
        returns, above = made.returns(discount), self.made.batch[WEIGHTS].reshape(-1)
        for episode, (start, length) in enumerate(zip(made.starts, made.lengths, strict=True), 1):
            for step in range(length):
                at = start + step
                numbers = (log(made.chances[at]), made.rewards[at], returns[at], above[at])
                rounded_ = map(self.paper, map(float, numbers))
                yield Played(episode, step + 1, actions[made.actions[at]], *rounded_)

    def _loop(self) -> tuple[tuple[int, ...], int] | None:
        if self.steps is None:
            return None
        assert isinstance(self.network, ProgramNetwork)
        return self.steps, self.network.length

    def _given(self) -> Iterator[Given]:
        batch = self.made.batch
        targets = batch[self.target].reshape(self.u.rows, -1)
        for r in self.shown:
            inputs = []
            for name, array in batch.items():
                if name in (self.target, WEIGHTS) or name.endswith(".mask"):
                    continue
                for index in np.ndindex(*array.shape[1:]):
                    shown = Name(name, place=index).text
                    inputs.append((shown, self.paper(float(array[r, *index]))))
            yield Given(r, tuple(inputs), tuple(self.paper(float(t)) for t in targets[r]))

    def _updates(self, gradients: Mapping[str, NDArray], new: Mapping[str, NDArray]) -> Iterator[Update]:
        for p, index, id in self.lines.entries():
            name, old = self.u.names[id], self.point.here.values[id]
            if not p.trained:
                yield Update(name, True, old, None, old)
                continue
            gradient = float(gradients[p.name][index])
            value = float(new[p.name][index])
            forms: tuple[Expr, ...] = ()
            if self.made.plain:
                step = Apply("multiply", (Number(self.made.rate), Ref(name._replace(of="E"), gradient)))
                forms = written_forms(subtract(Ref(name, old), step), self.paper)
            yield Update(name, False, old, gradient, value, forms)

    def _states(self) -> Iterator[Update]:
        for name in self.made.bound.lowered.updates:
            layer, _, part = name.rpartition(".")
            if self.layer in (None, layer):
                for k, (old, new) in enumerate(zip(self.made.old[name], self.made.new[name], strict=True)):
                    yield Update(Name(part, layer, (k,)), False, float(old), None, float(new))

    def _matrices(self) -> Iterator[LayerRule]:
        u, here, network = self.u, self.point.here, self.network
        if not isinstance(network, LayerNetwork) or self.narrowed or len(self.shown) < u.rows:
            return
        pieces = network.pieces
        if not all(piece.layer.dense for piece in pieces) or "x" not in self.made.batch:
            return
        ids = {(n.layer, n.part, *n.unit, u.row_of[id]): id for id, n in u.names.items() if id in u.row_of}

        def of(piece: Piece, parts: str, numbers: Sequence[float]) -> NDArray:
            part = next(part for part in parts if (piece.name, part, 0, 0) in ids)
            units = range(*piece.after)
            return np.array([[numbers[ids[piece.name, part, k, r]] for k in units] for r in range(u.rows)])

        slopes, layers = u.by_parameter(here.cotangents), []
        x: NDArray = np.vectorize(self.paper)(self.made.batch["x"].reshape(u.rows, -1))
        back: NDArray | None = None
        for piece in pieces:
            name = f"{piece.name}.weights"
            weights = np.array(here.values)[u.parameters[name]]
            slope = slopes[name] if name in self.made.gradients else None
            layers.append(Weighted(weights, x, of(piece, "z", here.cotangents), back, slope))
            x, back = (of(piece, "yz", numbers) for numbers in (here.values, here.cotangents))
        off = DOUBLE if self.paper.decimals is None else u.rows * 10.0**-self.paper.decimals
        yield from matrix_form(layers, lambda a, b: np.allclose(a, b, rtol=DOUBLE, atol=off), *self.letters)

    def _notes(self) -> Iterator[str]:
        if self.config.dtype == "float32":
            yield "the run computes in float32; the lines here are float64 over the same numbers"
        if not self.paper.exact and self.made.step.step > 1:
            yield "the updates before this one were not rounded"
        if not self.paper.exact and self.narrowed:
            yield "what comes into the layer was computed without rounding; so were the new values"
        if self.narrowed and self.u.penalties:
            yield "the penalty's share is in the gradients"
        if self.network.weighted:
            shown = ", ".join(
                brief(float(w), 4) for w in self.made.batch[WEIGHTS].reshape(-1)[list(self.shown)]
            )
            what = (
                "their advantages" if self.made.problem.world is not None
                else "their weights" if self.config.loss.row.sums
                else "their weights over the mean of the batch"
            )  # fmt: skip
            yield f"the rows count {shown}: {what}"
