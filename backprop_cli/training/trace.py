"""One training step written out in full: forward pass, loss, deltas, gradients, updates; as data.

The step is the one that training makes (its rows, masks, rate and rule are those of `Training`); the
lines come from the network unrolled into single numbers, run by the same engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod, sqrt
from typing import NamedTuple

import numpy as np

from ..engine.point import Edge
from ..errors import UsageError, counted
from ..explanation.expr import Apply, Expr, Number, Ref, add, multiply, subtract
from ..explanation.names import Name
from ..explanation.paper import Paper, evaluate, worked
from ..explanation.report import Explanation, explain_step
from ..language.format import node_text
from ..networks.network import LayerNetwork, NDArray, Parameter, ShapeError
from ..networks.point import NetworkPoint, NetworkProgram
from ..networks.random import stream
from ..networks.runner import Bound, Network
from ..networks.unrolled import PARTS, OneLayer, Unrolled
from ..ops.kinks import by_convention
from ..optimization import rules, settings
from .loop import Training, clip_factor
from .problem import Problem

PARAMETER_LIMIT = 300
"""Most parameters, and most units, of a network that is written out whole."""

LAYER_LIMIT = 3_000
"""The same for a layer that was asked for."""

WORK_LIMIT = 1_000_000
"""Most products of the forward pass over a batch."""

ALL_ROWS = 4
"""Rows that are all written out; of more, the first `FIRST_ROWS` are."""

FIRST_ROWS = 2
MOST_TERMS = 12
"""Terms of a sum over rows or places that are written one by one."""


class Line(NamedTuple):
    """A number and how it comes about.

    Attributes:
        name: What it is.
        written: How it is computed, then the same with what is rounded on the way; () for what is given.
        value: The number.
        row: Row of the batch, from 0; None for what belongs to none.
        remark: What else a reader should know.
    """

    name: Name
    written: tuple[Expr, ...]
    value: float
    row: int | None = None
    remark: str = ""


class Given(NamedTuple):
    """A row of the batch as it comes in."""

    row: int
    inputs: tuple[tuple[str, float], ...]
    targets: tuple[float, ...]


class Clipping(NamedTuple):
    """What became of the gradient before the update; the factor is 1 where it was short enough."""

    norm: float
    limit: float
    factor: float


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
class Step:
    """Which update it is.

    Attributes:
        name: Of the run.
        step: From 1.
        epoch: From 1.
        rows: Rows of the batch, as numbers of training rows from 1.
        of: How many training rows there are.
        learning_rate: Of this update.
        optimizer: Its name.
        loss: Its name.
        before: The loss of the batch before the update, penalties included.
        after: The same after it, of the same rows and masks.
    """

    name: str
    step: int
    epoch: int
    rows: tuple[int, ...]
    of: int
    learning_rate: float
    optimizer: str
    loss: str
    before: float
    after: float


@dataclass(frozen=True)
class Trace:
    """A training step written out.

    Attributes:
        step: Which.
        decimals: To which every result is rounded; None for none.
        layer: The one layer that is shown; None for all.
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
        notes: What a reader should know.
    """

    step: Step
    decimals: int | None
    layer: str | None
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
    notes: tuple[str, ...]


class Numbers(NamedTuple):
    """An array in short: the number where it is one, else its length and range."""

    number: float | None
    norm: float
    low: float
    high: float


class TableRow(NamedTuple):
    """A node of the array graph."""

    id: int
    name: str
    kind: str
    op: str | None
    inputs: tuple[int, ...]
    text: str
    shape: tuple[int, ...]
    value: Numbers
    gradient: Numbers | None


@dataclass(frozen=True)
class NodeTable:
    """The node table of a network, as `grad` has one of an expression; constants are among the rows."""

    step: Step
    rows: tuple[TableRow, ...]


def write_out(
    problem: Problem,
    *,
    at_step: int = 1,
    row: int | None = None,
    layer: str | None = None,
    decimals: int | None = None,
) -> Trace:
    """Write out one training step.

    Args:
        problem: Network and data.
        at_step: Which update, from 1; those before it are made first.
        row: The one row of the batch to write out, from 1; None chooses.
        layer: One layer alone.
        decimals: Round every result to so many, as on paper.
    Raises:
        UsageError: when the network is too large, or there is no such layer, step or row.
    """
    network = problem.network
    _check_layer(network, layer)
    whole = check_size(network, layer)
    made = Made(problem, at_step)
    if row is not None and row > len(made.rows):
        raise UsageError(f"--row {row}: the batch has {counted(len(made.rows), 'row')}")
    check_work(network, None if whole else layer, len(made.rows))
    return _Writing(made, row, layer, whole, Paper(decimals)).trace()


def explain_update(
    problem: Problem,
    source: str,
    *,
    wrt: Sequence[str] | None = None,
    detail: str = "normal",
    rate: float | None = None,
    decimals: int | None = None,
) -> Explanation:
    """Explain the loss of the first update as the program that it is.

    Args:
        problem: Network and data.
        source: What the network is called.
        wrt: Weights, biases and inputs to differentiate by; None for all parameters that are trained.
        detail: How much is told: ``short``, ``normal`` or ``full``.
        rate: Move what is differentiated by along its slopes, times this rate.
        decimals: Round every result to so many, as on paper.
    Raises:
        UsageError: when the network is too large, or for a name that is none.
    """
    check_size(problem.network, None)
    made = Made(problem, 1)
    check_work(problem.network, None, len(made.rows))
    point = NetworkProgram(made.unrolled(Paper()), source, wrt)
    if decimals is not None:
        point = NetworkProgram(made.unrolled(Paper(decimals)), source, wrt, point)
    step = f"{made.step.name}, update 1 on {counted(len(made.rows), 'row')}, {made.step.loss}"
    return explain_step(point, step, asked=wrt is not None, detail=detail, rate=rate)


def node_table(problem: Problem, *, at_step: int = 1) -> NodeTable:
    """Return the nodes of the array graph of one training step, with values and gradients."""
    made = Made(problem, at_step)
    kept = made.kept()
    graph, plan = kept.lowered.graph, kept.plan
    active = graph.depends_on([graph.inputs[p.name] for p in problem.network.parameters if p.trained])
    rows = []
    for node in graph.nodes:
        value = plan.value(node.id)
        gradient = _numbers(plan.cotangent(node.id)) if active[node.id] else None
        rows.append(
            TableRow(
                node.id,
                graph.own_name(node.id),
                node.kind,
                node.op.name if node.op else None,
                node.inputs,
                node_text(graph, node.id),
                value.shape,
                _numbers(value),
                gradient,
            )
        )
    return NodeTable(made.step, tuple(rows))


def _numbers(array: NDArray) -> Numbers:
    flat = np.asarray(array, float).reshape(-1)
    single = flat.item() if array.size == 1 else None
    return Numbers(single, sqrt(float(flat @ flat)), float(flat.min()), float(flat.max()))


# the step


class Made:
    """One update made by `Training`, with everything as it was before it.

    Attributes:
        old: Parameters and states before.
        new: After.
        bound: The plan with the batch in place; run over the old values.
        state: The optimizer's state before.
    """

    def __init__(self, problem: Problem, at_step: int) -> None:
        if isinstance(problem.config.optimizer, settings.LevenbergMarquardt):
            raise ShapeError(
                "optimizer",
                "levenberg_marquardt solves for all parameters at once: it makes no gradient step",
                hint="choose another: optimizer=sgd",
            )
        self.problem = problem
        self.training = training = Training(problem)
        progress, runner = training.progress, training.runner
        for target in (at_step - 1, at_step):
            if progress.step < target:
                for _ in training.run(lambda target=target: progress.step >= target):  # type: ignore[misc]
                    pass
            if progress.step < target:
                raise UsageError(
                    f"--at-step {at_step}: the training ends after {counted(progress.step, 'update')}"
                )
            if target < at_step:
                self.old = runner.snapshot()
                self.state = {name: array.copy() for name, array in training.state.items()}
        self.new = runner.snapshot()
        assert training.last_batch is not None
        self.bound: Bound = training.last_batch
        after = self._loss()
        runner.restore(self.old)
        before = self._loss()
        self.gradients = {name: array.copy() for name, array in runner.gradients.items()}
        self.rows = self._numbers()
        config = problem.config
        self.rate = training.rates.of_update(progress.epoch, progress.step - 1)
        self.step = Step(
            config.name or "run",
            at_step,
            progress.epoch + 1,
            self.rows,
            len(training.train),
            self.rate,
            config.optimizer.__struct_config__.tag,  # type: ignore[arg-type]
            config.loss.type,
            before,
            after,
        )

    def _loss(self) -> float:
        with np.errstate(all="ignore"):
            self.bound.plan.run()
        return float(self.bound.plan.value(self.bound.lowered.loss))

    def _numbers(self) -> tuple[int, ...]:
        training, config = self.training, self.problem.config
        stop, count = training.progress.row, len(self.bound.targets)
        order = np.arange(len(training.train))
        if config.training.shuffle and training.batch != len(order):
            order = stream(config.seed, "order", training.progress.epoch).permutation(len(order))
        return tuple(int(i) + 1 for i in order[stop - count : stop])

    @property
    def batch(self) -> dict[str, NDArray]:
        """Inputs, targets and masks."""
        return {n: a for n, a in self.bound.leaves.items() if n not in self.training.runner.values}

    def kept(self) -> Bound:
        """Return a plan that keeps every node, run."""
        kept = self.training.runner.bound(len(self.bound.targets), training=True, keep=True)
        for name, array in self.batch.items():
            kept.leaves[name][...] = array
        with np.errstate(all="ignore"):
            kept.plan.run()
        return kept

    def one_layer(self, layer: str) -> OneLayer:
        """Return a layer's inputs, and what comes back to it."""
        network = self.problem.network
        assert isinstance(network, LayerNetwork)
        kept = self.kept()
        names = [piece.name for piece in network.pieces]
        position = names.index(layer)
        source, before, part = _output_of(kept, names[:position])
        inputs = np.array(kept.plan.value(source))
        if layer == names[-1]:
            return OneLayer(layer, inputs, source, before, part, None, None)
        output, _, _ = _output_of(kept, names[: position + 1])
        return OneLayer(layer, inputs, source, before, part, output, np.array(kept.plan.cotangent(output)))

    def unrolled(self, paper: Paper, layer: str | None = None) -> Unrolled:
        """Return the step before the update number by number, all of it or one layer."""
        only = None if layer is None else self.one_layer(layer)
        return Unrolled(self.problem.network, self.bound.lowered, {**self.old, **self.batch}, paper, only)

    def updated(self, gradients: Mapping[str, NDArray], paper: Paper) -> dict[str, NDArray]:
        """Return the parameters after the optimizer's own step along other gradients."""
        trained = [p for p in self.problem.network.parameters if p.trained]
        theta = np.concatenate([_rounded(self.old[p.name], paper).reshape(-1) for p in trained])
        gradient = np.concatenate([np.asarray(gradients[p.name], theta.dtype).reshape(-1) for p in trained])
        rule = rules.make(self.problem.config.optimizer)
        rule.update(theta, gradient, {n: a.copy() for n, a in self.state.items()}, self.rate)
        theta = _rounded(theta, paper)
        found, start = {}, 0
        for p in trained:
            found[p.name] = theta[start : start + prod(p.shape)].reshape(p.shape)
            start += prod(p.shape)
        return found


def _output_of(kept: Bound, names: Sequence[str]) -> tuple[int, str | None, str]:
    """Return the node of the output of the last of these layers, which layer gives it, and as what."""
    graph = kept.lowered.graph
    for name in reversed(names):
        for part in ("y", "z"):
            if f"{name}.{part}" in graph.named:
                return graph.named[f"{name}.{part}"], name, part
    return graph.inputs["x"], None, "x"


def _rounded(array: NDArray, paper: Paper) -> NDArray:
    return array.copy() if paper.exact else np.vectorize(paper, otypes=[array.dtype])(array)


# size


def _check_layer(network: Network, layer: str | None) -> None:
    if layer is None:
        return
    if not isinstance(network, LayerNetwork):
        raise UsageError("--layer: a formula has no layers")
    names = [piece.name for piece in network.pieces]
    if layer not in names:
        raise UsageError(f"--layer {layer}: there is no such layer", hint=f"layers: {', '.join(names)}")


def _sizes(network: LayerNetwork) -> dict[str, tuple[int, int]]:
    """Return layer -> its parameters and its units."""
    sizes = {piece.name: (0, prod(piece.after)) for piece in network.pieces}
    for p in network.parameters:
        parameters, units = sizes[p.layer]
        sizes[p.layer] = parameters + prod(p.shape), units
    return sizes


def check_size(network: Network, layer: str | None) -> bool:
    """Return whether the network is small enough to be unrolled whole.

    Raises:
        UsageError: where the layer alone, or with none the whole, is too large.
    """
    if not isinstance(network, LayerNetwork):
        return True
    sizes = _sizes(network)
    parameters, units = (sum(size[i] for size in sizes.values()) for i in (0, 1))
    whole = max(parameters, units) <= PARAMETER_LIMIT
    if whole:
        return True
    listed = ", ".join(f"{name} ({counted(p, 'parameter')})" for name, (p, _) in sizes.items() if p)
    if layer is None:
        what = counted(parameters, "parameter") if parameters > PARAMETER_LIMIT else f"{units:,} units"
        raise UsageError(
            f"the network has {what}: a step is written out up to {PARAMETER_LIMIT}",
            hint=f"--layer NAME writes out one layer: {listed}; --table lists the nodes of any network",
        )
    if max(sizes[layer]) > LAYER_LIMIT:
        count = (
            counted(sizes[layer][0], "parameter")
            if sizes[layer][0] > LAYER_LIMIT
            else f"{sizes[layer][1]:,} units"
        )
        raise UsageError(
            f"{layer} has {count}: a layer is written out up to {LAYER_LIMIT:,}",
            hint=f"layers: {listed}; --table lists the nodes of any network",
        )
    return False


def check_work(network: Network, layer: str | None, rows: int) -> None:
    """Refuse a batch that is too large to be unrolled.

    Raises:
        UsageError: with what makes it smaller.
    """
    if not isinstance(network, LayerNetwork):
        work = rows * len(network.lower(1, training=True).graph)
    else:
        sizes = _sizes(network)
        work = 0
        for piece in network.pieces:
            if layer in (None, piece.name):
                places = prod(piece.after[1:])
                work += rows * (sizes[piece.name][0] * places + prod(piece.after))
    if work > WORK_LIMIT:
        raise UsageError(
            f"{rows:,} rows at once are too many to write out: {work:,} products of at most {WORK_LIMIT:,}",
            hint="training.batch_size=16 makes smaller batches; --table lists the nodes of any network",
        )


# the lines


class _Writing:
    """From an update to its lines."""

    def __init__(self, made: Made, row: int | None, layer: str | None, whole: bool, paper: Paper) -> None:
        self.made = made
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
        self.count = count

    def trace(self) -> Trace:
        made, config, paper = self.made, self.config, self.paper
        gradients = {
            name: np.array(self.point.here.cotangents)[ids] for name, ids in self.u.parameters.items()
        }
        clipping = self._clipping(gradients)
        optimizer = config.optimizer
        plain = isinstance(optimizer, settings.FirstOrderKind) and optimizer.plain
        trained = {p.name for p in self.network.parameters if p.trained}
        clipped = {
            n: _rounded(g * clipping.factor if clipping else g, paper)
            for n, g in gradients.items()
            if n in trained
        }
        step, new = made.step, made.new
        if not paper.exact and not self.narrowed:
            new = made.new | (self._descended(clipped) if plain else made.updated(clipped, paper))
            before, after = self.point.here.value, self.u.run(new)[self.u.graph.output]
            step = replace(step, before=before, after=after)
        return Trace(
            step,
            paper.decimals,
            self.layer,
            self.shown,
            tuple(self._given()),
            self._by_row(self._forward()),
            tuple(self._loss()),
            self._by_row(self._deltas()),
            tuple(self._gradients()),
            clipping,
            tuple(self._updates(clipped, new, plain)),
            tuple(self._states()),
            plain,
            isinstance(self.network, LayerNetwork),
            tuple(self._notes()),
        )

    def _descended(self, gradients: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Return old - rate*gradient, both rounded."""
        paper, found = self.paper, {}
        for name, gradient in gradients.items():
            old = _rounded(self.made.old[name], paper)
            found[name] = _rounded(old - _rounded(self.made.rate * gradient, paper), paper)
        return found

    def _line(self, id: int, written: Expr | None, name: Name | None = None, remark: str = "") -> Line:
        value = self.point.here.values[id]
        return self._written(name or self.u.names[id], written, value, self.u.row_of.get(id), remark)

    def _written(
        self, name: Name, written: Expr | None, value: float, row: int | None = None, remark: str = ""
    ) -> Line:
        forms = () if written is None else (written,)
        again = worked(written, self.paper) if written is not None else None
        return Line(name, (*forms, again) if again is not None else forms, value, row, remark)

    def _seen(self, id: int) -> bool:
        row = self.u.row_of.get(id)
        return (row is None or row in self.shown) and self.layer in (None, self.u.layer_of[id])

    def _given(self) -> Iterator[Given]:
        batch = self.made.batch
        targets = batch[self.target].reshape(self.count, -1)
        for r in self.shown:
            inputs = []
            for name, array in batch.items():
                if name == self.target or name.endswith(".mask"):
                    continue
                for index in np.ndindex(*array.shape[1:]):
                    shown = Name(name, place=index).text
                    inputs.append((shown, self.paper(float(array[r, *index]))))
            yield Given(r, tuple(inputs), tuple(self.paper(float(t)) for t in targets[r]))

    # forward

    def _forward(self) -> Iterator[list[Line]]:
        """Yield the lines of each block."""
        for block in self.u.blocks:
            ids = [id for unit in block.units for id in unit if self._seen(id)]
            yield [self._line(id, self.point.operation(id)) for id in ids]

    def _by_row(self, blocks: Iterator[list[Line]]) -> tuple[Line, ...]:
        """Put the lines of each row together, as far as rows have nothing to do with each other."""
        found: list[Line] = []
        run: list[Line] = []

        def end() -> None:
            found.extend(sorted(run, key=lambda line: line.row or 0))
            run.clear()

        for lines in blocks:
            if any(line.row is None for line in lines):
                end()
                found.extend(lines)
            else:
                run.extend(lines)
        end()
        return tuple(found)

    # loss

    def _loss(self) -> Iterator[Line]:
        u, paper = self.u, self.paper
        if u.data is None or u.loss is None or self.layer not in (None, _last_layer(self.network)):
            return
        operands = self.point.operands(u.data)
        if self.count == 1:
            yield self._line(u.data, self.point.operation(u.data))
        else:
            sums = [(r, u.loss.terms(operands, r)) for r in range(self.count)]
            terms: list[Expr] = []
            rest = 0.0
            for r, written in sums:
                value = evaluate(written, paper)
                if r in self.shown:
                    name = Name("S", place=(r + 1,))
                    yield self._written(name, written, value, r)
                    terms.append(Ref(name, value))
                else:
                    rest = paper(rest + value)
            if len(self.shown) < self.count:
                terms.append(Ref(Name("rest"), rest))
            yield self._line(u.data, multiply(u.loss.factor, add(*terms)), remark=self._others())
        if u.penalties and not self.narrowed:
            for id in u.penalties:
                yield self._line(id, self.point.operation(id))
            yield self._line(u.graph.output, self.point.operation(u.graph.output))

    def _others(self) -> str:
        left = self.count - len(self.shown)
        if left == 1:
            return "the last term is the other row"
        return f"the last term is the other {left:,} rows" if left else ""

    # deltas

    def _deltas(self) -> Iterator[list[Line]]:
        active = self.point.here.active
        for block in reversed(self.u.blocks):
            lines = []
            for unit in block.units:
                for id in reversed(unit):
                    if active[id] and self._seen(id):
                        lines += self._delta(id, unit)
            yield lines

    def _delta(self, id: int, unit: tuple[int, ...]) -> list[Line]:
        u, point = self.u, self.point
        name, row, value = u.names[id], u.row_of.get(id), point.here.cotangents[id]
        slope = name._replace(of="E")
        uses = point.uses[id]
        if u.given is not None and uses and uses[0].user == u.given:
            return [Line(slope, (), value, row, "given by the layers after")]
        if len(uses) == 1 and uses[0].user in unit and name.layer:
            (use,) = uses
            user = point.graph.nodes[use.user]
            local = name._replace(of=u.names[user.id].part)
            at_kink = by_convention(user.primitive, [point.here.values[i] for i in user.inputs])
            remark = f"by convention {user.primitive.convention}" if at_kink else ""
            partial = point.local_derivatives(user.id)[use.position]
            product = multiply(point.slope_ref(user.id), Ref(local, partial))
            return [
                self._written(local, point.local(use), partial, row, remark),
                self._written(slope, product, value, row),
            ]
        return [self._written(slope, add(*map(self._term, uses)), value, row)]

    def _term(self, use: Edge) -> Expr:
        """Write what one user sends back."""
        u, local = self.u, self.point.local(use)
        if use.user in (u.data, u.graph.output, *u.penalties):
            return local
        return multiply(self.point.slope_ref(use.user), local)

    # gradients and updates

    def _gradients(self) -> Iterator[Line]:
        for p, _, id in self._entries():
            if p.trained:
                yield self._gradient(id)

    def _entries(self) -> Iterator[tuple[Parameter, tuple[int, ...], int]]:
        """Yield every parameter that is shown, number by number, unit by unit."""
        parameters = [p for p in self.network.parameters if p.name in self.u.parameters]
        if self.layer is not None:
            parameters = [p for p in parameters if p.layer == self.layer]
        for group in _grouped(parameters):
            units = group[0].shape[:1] if len(group) > 1 else ()
            for unit in range(units[0]) if units else (None,):
                for p in group:
                    ids = self.u.parameters[p.name]
                    for index in np.ndindex(*p.shape):
                        if unit is None or index[0] == unit:
                            yield p, index, int(ids[index])

    def _gradient(self, id: int) -> Line:
        u, point = self.u, self.point
        terms: list[Expr] = []
        last: list[Expr] = []
        rest, left, rows = 0.0, 0, set()
        for use in point.uses[id]:
            user, k, _ = use
            row = u.row_of.get(user)
            if user in u.penalties:
                last.append(self._term(use))
            elif (row is None or row in self.shown) and len(terms) < MOST_TERMS:
                terms.append(self._term(use))
            else:
                amount = point.here.cotangents[user] * point.local_derivatives(user)[k]
                rest = self.paper(rest + self.paper(amount))
                left += 1
                rows.add(row)
        remark = ""
        if left:
            terms.append(Ref(Name("rest"), rest))
            whole = not rows & set(self.shown)
            remark = self._others() if whole else f"the last term is the {left:,} other products"
        every = [*terms, *last]
        written = add(*every) if every else Number(0.0)
        return self._written(u.names[id]._replace(of="E"), written, point.here.cotangents[id], None, remark)

    def _clipping(self, gradients: Mapping[str, NDArray]) -> Clipping | None:
        limit = self.config.training.gradient_clip
        if limit is None:
            return None
        exact = self.paper.exact or self.narrowed
        source = self.made.gradients if exact else {n: gradients[n] for n in self.made.gradients}
        norm = self.paper(sqrt(sum(float(np.vdot(g, g)) for g in source.values())))
        return Clipping(norm, limit, self.paper(clip_factor(norm, limit)))

    def _updates(
        self, gradients: Mapping[str, NDArray], new: Mapping[str, NDArray], plain: bool
    ) -> Iterator[Update]:
        for p, index, id in self._entries():
            name, old = self.u.names[id], self.point.here.values[id]
            if not p.trained:
                yield Update(name, True, old, None, old)
                continue
            gradient = float(gradients[p.name][index])
            value = float(new[p.name][index])
            forms: tuple[Expr, ...] = ()
            if plain:
                step = Apply("multiply", (Number(self.made.rate), Ref(name._replace(of="E"), gradient)))
                written = subtract(Ref(name, old), step)
                again = worked(written, self.paper)
                forms = (written,) if again is None else (written, again)
            yield Update(name, False, old, gradient, value, forms)

    def _states(self) -> Iterator[Update]:
        for name in self.made.bound.lowered.updates:
            layer, _, part = name.rpartition(".")
            if self.layer in (None, layer):
                for k, (old, new) in enumerate(zip(self.made.old[name], self.made.new[name], strict=True)):
                    yield Update(Name(part, layer, (k,)), False, float(old), None, float(new))

    def _notes(self) -> Iterator[str]:
        if self.config.dtype == "float32":
            yield "the run computes in float32; the lines here are float64 over the same numbers"
        if not self.paper.exact and self.made.step.step > 1:
            yield "the updates before this one were not rounded"
        if not self.paper.exact and self.narrowed:
            yield "what comes into the layer was computed without rounding; so were the new values"
        if self.narrowed and self.u.penalties:
            yield "the penalty's share is in the gradients"


def _last_layer(network: Network) -> str | None:
    return network.pieces[-1].name if isinstance(network, LayerNetwork) else None


def _grouped(parameters: Sequence[Parameter]) -> Iterator[list[Parameter]]:
    """Yield weights and bias of a layer together, what stands alone alone."""
    group: list[Parameter] = []
    for p in parameters:
        paired = p.layer and p.name.rpartition(".")[2] in PARTS
        if group and not (paired and group[0].layer == p.layer):
            yield group
            group = []
        group.append(p)
    if group:
        yield group
