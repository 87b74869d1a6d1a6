"""What goes wrong in a training, with its cause: each alarm once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import inf, isfinite, log, sqrt
from statistics import fmean, pvariance
from typing import Any, NamedTuple

import numpy as np

from ..errors import NoSuchNumber, counted
from ..graph import CONSTANT
from ..language.numbers import brief, scientific
from ..networks.formula import FormulaNetwork
from ..networks.losses import Regularization
from ..networks.network import LayerNetwork, NDArray
from ..networks.programmed import ProgramNetwork
from ..networks.runner import Bound
from ..ops.namespaces import arrays
from ..ops.tensor import TENSORS
from ..optimization.fit import BY_CHANCE, NO_BETTER
from ..optimization.settings import LevenbergMarquardt
from . import judgement
from .fitting import Fitting, fit_of
from .loop import Training
from .mends import either, steadier, unscaled
from .schema import RETURN
from .tabular import ValueIteration

SATURATED = 1e-3  # largest local derivative of a unit that hardly learns
VANISHING = 1e-5  # of the last layer's gradient, by number
UNITS_NAMED = 8
FADING = 1e-2
"""Of the slope by what a recurrence ends with, that by what its first step gives: less says little of it."""
FADES = 2
"""The epoch after which it is looked at, and after the last."""
EXPLAINED = 0.5
"""Answers so much better than a constant's need no more of the first steps."""
LOOKED_AT = 64
"""Rows of the shortest length that are answered alone, too."""
PADDED = 1e-3
"""Answers that differ less, as a share of the largest, do so by rounding."""
EXPLODING = 1e4  # of the size of the weights

BLAMED = ("range", "logits", "dead", "saturated", "exploding", "vanishing")
"""Alarms that explain answers which a constant beats."""
MATTERS = 0.5
"""Share of a layer's units that are missed where they learn nothing; fewer leave enough of it."""
RIGHT = 1e-6
"""An output that learns nothing and is this near to all its targets need not learn."""
GOOD = 0.9
"""Answers so much better than a constant's miss no units."""

LOST_AGAIN, SURELY = 0.5, 4.0
"""Share of what a policy had gained that is gone where it is told, and by how many standard errors."""

GROWN = 10.0  # times the first loss; a loss that still grows beyond it has diverged
LOST = 1000.0  # times the first loss; beyond it the loss has diverged whether it grows or not
GROWING = 1.25  # from each quarter of the epochs to the next


class Alarm(NamedTuple):
    """Something that keeps a network from learning.

    Attributes:
        kind: A row of the table in ``docs/training.md``: ``dead``, ``useless`` and so on.
        where: The layer, and units in brackets: ``linear2[0]``.
        epoch: When it was first seen.
        says: The whole sentence, with its cause.
        hint: What may help.
    """

    kind: str
    where: str
    epoch: int
    says: str
    hint: str


class Alarms:
    """Watches a training.

    Attributes:
        raised: Every alarm so far, each once.
    """

    def __init__(self, training: Training) -> None:
        self.training = training
        self.raised: list[Alarm] = []
        self._looked = 0
        self._told: dict[tuple[str, str], set[int]] = {}
        self._idle: dict[tuple[str, str], dict[int, tuple[int, int]]] = {}

    def look(self, epoch: int, last: bool = False) -> list[Alarm]:
        """Return what is new after an epoch; most epochs are not looked at.

        Args:
            epoch: From 1.
            last: The epoch is the last.
        """
        every = max(1, self.training.problem.config.training.rounds // 20)
        if not (epoch <= 5 or epoch % every == 0 or last):
            return []
        known = {(alarm.kind, alarm.where) for alarm in self.raised}
        new = [
            alarm
            for alarm in (
                *(() if self._looked else (*self._of_config(), *self._padding())),
                *(self._start(epoch) if self.training.judged else ()),
                *self._units(epoch, last),
                *self._gradients(epoch),
                *(self._recurrence(epoch) if last or epoch == FADES else ()),
                *(self._unfinished(epoch) if last else ()),
            )
            if (alarm.kind, alarm.where) not in known
        ]
        self._looked = epoch
        self.raised += new
        return new

    def end(
        self, history: Sequence[Mapping[str, float]], loss: float, final: Training | None = None
    ) -> list[Alarm]:
        """Return what the whole run shows, once it is over.

        Args:
            history: Every epoch's values.
            loss: Of the training rows with the final parameters.
            final: The training that has these, where it is another.
        """
        training = self.training
        if not training.judged:
            new = [*_of_acting(training, history)]
            self.raised += new
            return new
        new = [*self._diverged([values["loss"] for values in history], loss), *self._useless()]
        if not new and isinstance(training.runner.network, LayerNetwork):
            known = next((alarm.hint for alarm in self.raised if alarm.kind in BLAMED), None)
            new = [
                Alarm(kind, where, training.progress.epoch, says, hint)
                for kind, where, says, hint in judgement.of_run(training, final or training, history, known)
            ]
        self.raised += new
        return new

    def _of_config(self) -> Iterator[Alarm]:
        for kind, where, says, hint in judgement.of_config(self.training.problem):
            yield Alarm(kind, where, 1, says, hint)

    def _padding(self) -> Iterator[Alarm]:
        """Sequences that are answered otherwise beside longer ones: their padding is counted."""
        training, rows = self.training, self.training.train.sample
        network, predict = training.runner.network, training.runner.predict
        if rows.lengths is None or not isinstance(network, ProgramNetwork):
            return
        length = rows.lengths.min()
        which = np.flatnonzero(rows.lengths == length)[:LOOKED_AT]
        inputs, lengths = rows.encoded[which], rows.lengths[which]
        alone = predict(inputs[:, :length], raw=True).predictions
        beside = predict(inputs, raw=True, lengths=lengths).predictions
        if network.answers_steps:
            alone, beside = (a.reshape(len(which), -1, network.outputs)[:, :length] for a in (alone, beside))
        if not np.allclose(alone, beside, rtol=PADDED, atol=PADDED * np.abs(alone).max()):
            yield Alarm(
                "padding",
                str(network.reading.output),
                1,
                f"the answer to a sequence of {counted(int(length), 'step')} changes beside longer ones:"
                " the program counts steps that it does not have",
                "mean_t(x[t]) and sum_t(x[t]) are over its own steps; mask[t] is 0 at the others",
            )

    @property
    def diverged(self) -> bool:
        """Whether the run ended far from where it began, and worse than it began."""
        return any(alarm.kind == "diverged" for alarm in self.raised)

    def _diverged(self, losses: Sequence[float], loss: float) -> Iterator[Alarm]:
        """A loss that has left its first value behind, though no number overflowed.

        Both of it: far above where it began, and of no more use than a constant. A run that began badly
        or came back is below its first loss; one that bounces about a good answer is of use.
        """
        first = self.training.first_loss
        if not losses or first is None or loss <= GROWN * first:
            return
        factor = LOST if not _grows([*losses, loss]) else GROWN
        explained = self.training.explained()
        numbers = self.training.problem.task == "regression"
        worse = explained is None or (1.0 - explained >= factor if numbers else explained <= 0.0)
        if loss <= factor * first or not worse:
            return
        constant = (
            "" if explained is None or not isfinite(explained)
            else f"; always answering the mean would have {scientific(1.0 - explained, 1)} times less squared"
            " error" if numbers
            else "; always answering the most frequent class is right more often"
        )  # fmt: skip
        yield Alarm(
            "diverged",
            "loss",
            len(losses),
            f"the training has diverged: the loss has grown from {brief(first, 3)} to {brief(loss, 3)}"
            f"{constant}",
            steadier(self.training.problem),
        )

    def _useless(self) -> Iterator[Alarm]:
        """A fitted formula that says less than the mean of its targets."""
        training = self.training
        network = training.runner.network
        if self.diverged or not isinstance(network, FormulaNetwork) or len(training.train) < 2:
            return
        explained = training.explained()
        if explained is None:
            return
        fit = training.result if isinstance(training, Fitting) else None
        better = None if fit is None else fit.better
        useless = explained <= -NO_BETTER or (
            fit is not None and not fit.converged and explained <= BY_CHANCE
        )
        if not useless and better is None:
            return
        told = brief(explained + 0.0, 3) if isfinite(explained) else "too far below 0 for a number"
        beside = "worse" if explained < -NO_BETTER else "no better"
        says = f"the formula fits {beside} than the mean of the targets: R2 is {told}"
        if not useless:
            says = f"the fit has ended in a local minimum, at an R2 of {told}"
        hint = (
            "optimizer: {type: levenberg_marquardt, starts: 20}, since from one start least squares finds the"
            " next minimum only; or another formula"
        )
        if better is not None:
            first = ", ".join(f"{name}: {brief(value, 3)}" for name, value in better.items())
            hint = f"model.parameters: {{{first}}}, from where it fits better"
        yield Alarm("useless" if useless else "unfinished", "formula", training.progress.epoch, says, hint)

    def save(self) -> dict[str, Any]:
        """Return what `load` needs to go on: what was said already, and when was looked."""
        return {
            "raised": [list(alarm) for alarm in self.raised],
            "told": [[*key, sorted(units)] for key, units in sorted(self._told.items())],
            "idle": [
                [*key, [[unit, *when] for unit, when in units.items()]] for key, units in self._idle.items()
            ],
            "looked": self._looked,
        }

    def load(self, facts: Mapping[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.raised = [Alarm(*fields) for fields in facts["raised"]]
        self._told = {(kind, layer): set(units) for kind, layer, units in facts["told"]}
        self._idle = {
            (kind, layer): {unit: (after, by) for unit, after, by in units}
            for kind, layer, units in facts["idle"]
        }
        self._looked = facts["looked"]

    def _start(self, epoch: int) -> Iterator[Alarm]:
        """A first loss far above that of equal chances."""
        problem, first = self.training.problem, self.training.first_loss
        chances = problem.config.loss.row.equal_chances(len(problem.classes or []))
        if not chances or first is None or first < 2.0 * log(chances) + 0.5:
            return
        yield Alarm(
            "start",
            "loss",
            1,
            f"the first loss is {brief(first, 3)}, far from ln({chances}) = {brief(log(chances), 3)}, which"
            " equal chances give: the untrained outputs are too large",
            self._ways("smaller initial weights (init)"),
        )

    def _ways(self, *others: str) -> str:
        """Return what scales columns that are far from 1, before what else may help."""
        return either([*unscaled(self.training.problem), *others])

    def _units(self, epoch: int, last: bool) -> Iterator[Alarm]:
        """Units whose activation has no slope, or hardly any, on every training row."""
        training = self.training
        largest: dict[str, NDArray] = {}
        names: dict[str, str] = {}
        looked, every = len(training.train.sample), len(training.train)
        rows = "every training row" if looked == every else f"each of {looked:,} training rows"
        for bound, _, _ in training.runner.blocks(training.train.sample.inputs, None):
            for layer, slopes, op in _slopes(bound):
                names[layer] = op
                axes = (0, *range(2, slopes.ndim))
                block = np.abs(slopes).max(axis=axes)
                largest[layer] = np.maximum(largest[layer], block) if layer in largest else block
        for layer, slopes in largest.items():
            op = names[layer]
            dead = np.flatnonzero(slopes == 0.0).tolist()
            flat = np.flatnonzero((slopes < SATURATED) & (slopes > 0.0)).tolist()
            for kind, idle, others in (("dead", dead, flat), ("saturated", flat, dead)):
                since = self._note_idle(kind, layer, idle, epoch)
                if not self._missed(layer, len(slopes), idle, len(idle) + len(others), last):
                    continue
                for where, units, are, its in self._fresh(kind, layer, idle, last):
                    what = (
                        f"0 on {rows}, so no gradient reaches {its} weights" if kind == "dead"
                        else f"at most {scientific(slopes[flat].max(), 2)} on {rows}"
                    )  # fmt: skip
                    says = f"{self._layer(layer)} {units} {are} {kind}: the slope of {its} {op} is {what}"
                    yield Alarm(kind, where, epoch, f"{says} ({since})", self._livelier(kind, layer, op))

    def _note_idle(self, kind: str, layer: str, units: Sequence[int], epoch: int) -> str:
        """Remember since when units are idle; return since when all of them are."""
        known = self._idle.get((kind, layer), {})
        self._idle[kind, layer] = now = {unit: known.get(unit, (self._looked + 1, epoch)) for unit in units}
        after, by = max(now.values(), default=(epoch, epoch))
        return f"since epoch {by}" if after >= by else f"since epoch {after} to {by}"

    def _missed(self, layer: str, units: int, idle: Sequence[int], all_idle: int, last: bool) -> bool:
        """Whether units that learn nothing are missed.

        An output unit is, unless it is right; so is a layer of which none learns. Of a layer that has
        others, once the run is over, where they are the lesser part and the answers are not good.
        """
        training, train = self.training, self.training.train.sample
        if not idle:
            return False
        if self._is_output(layer):
            outputs = training.runner.predict(train.encoded, train.targets, raw=True)
            targets = train.targets.reshape(len(train), -1)
            return not np.allclose(outputs.predictions[:, idle], targets[:, idle], rtol=0.0, atol=RIGHT)
        if all_idle == units:
            return True
        if not last or all_idle < MATTERS * units or not training.judged:
            return False
        outputs = training.runner.predict(train.encoded, train.targets, raw=True)
        beside = judgement.beside_constant(training.problem, train, outputs.predictions)
        return beside is not None and beside.share < GOOD

    def _livelier(self, kind: str, layer: str, op: str) -> str:
        """Say what may bring idle units to life."""
        ways = [f"no activation at the end of {layer}"] if self._is_output(layer) else []
        if kind == "dead":
            return self._ways(
                *ways, f"leaky_relu in place of {op}", "a smaller optimizer.learning_rate", "another seed"
            )
        return self._ways(*ways, "smaller initial weights (init)", "a smaller optimizer.learning_rate")

    def _is_output(self, layer: str) -> bool:
        network = self.training.runner.network
        return isinstance(network, LayerNetwork) and layer == network.pieces[-1].name

    def _fresh(
        self, kind: str, layer: str, units: list[int], last: bool
    ) -> Iterator[tuple[str, str, str, str]]:
        """Yield the units not named before, as place and as words; once when first seen, once at the end."""
        told = self._told.setdefault((kind, layer), set())
        new = [unit for unit in units if unit not in told]
        if not new or (told and not last):
            return
        told.update(new)
        listed = ", ".join(map(str, new[:UNITS_NAMED])) + (", ..." if len(new) > UNITS_NAMED else "")
        if len(new) == 1:
            yield f"{layer}[{listed}]", f"unit {listed}", "is", "its"
        else:
            count = f"{len(new)} units ({listed})"
            yield (
                f"{layer}[{listed}]",
                f"{len(new)} more units ({listed})" if told - {*new} else count,
                "are",
                "their",
            )

    def _unfinished(self, epoch: int) -> Iterator[Alarm]:
        """A formula that a first-order method has not fitted yet, as Levenberg-Marquardt shows."""
        training = self.training
        config, network = training.problem.config, training.runner.network
        squares = config.loss.row.squares and config.regularization == Regularization()
        if not isinstance(network, FormulaNetwork) or isinstance(training, Fitting) or not squares:
            return
        try:
            fit = fit_of(training, LevenbergMarquardt(), 200)
            for _ in fit:
                pass
        except NoSuchNumber:
            return
        here, there = fit.iterations[0].loss, fit.iterations[-1].loss
        if there < 0.99 * here:
            name = config.optimizer.__struct_config__.tag
            yield Alarm(
                "unfinished",
                "formula",
                epoch,
                f"{name} has not reached the minimum: it ended at a mean square of {brief(here, 5)}, from"
                f" where Levenberg-Marquardt gets to {brief(there, 5)} in"
                f" {counted(len(fit.iterations) - 1, 'step')}",
                "optimizer: levenberg_marquardt",
            )

    def _layer(self, layer: str) -> str:
        return f"output layer {layer}:" if self._is_output(layer) else f"{layer}:"

    def _recurrence(self, epoch: int) -> Iterator[Alarm]:
        """Slopes that shrink from the last step of a recurrence, answered at its end, to the first."""
        training, batch = self.training, self.training.last_batch
        network = training.runner.network
        if not isinstance(network, ProgramNetwork) or batch is None or network.answers_steps:
            return
        carries = network.of_span(batch.span).carries
        if not carries:
            return
        kept = training.runner.kept(batch)
        ids, slope = kept.lowered.graph.named, kept.plan.cotangent

        def size(names: Iterable[str]) -> float:
            return sqrt(sum(_rms(slope(ids[name])) ** 2 for name in names))

        whole = size(carry.last for carry in carries)
        ratio = size(carry.first for carry in carries) / whole if whole else 1.0
        explained = training.explained() if ratio < FADING else None
        if explained is not None and explained < EXPLAINED:
            carry = carries[0]
            yield Alarm(
                "vanishing",
                carry.first,
                epoch,
                f"gradients vanish over the steps: dE/d{carry.first} is {scientific(ratio, 1)} of"
                f" dE/d{carry.last}, so that hardly anything is learned from the first steps",
                "a gru or an lstm, whose gates carry it on, or fewer steps",
            )

    def _gradients(self, epoch: int) -> Iterator[Alarm]:
        """Gradients that shrink, or grow, from the last layer to the first."""
        runner = self.training.runner
        trained = [p for p in runner.network.parameters if p.trained and p.penalised and p.shape]
        batch = self.training.last_batch
        if len(trained) < 2 or batch is None:
            return
        with np.errstate(all="ignore"):
            batch.plan.run()  # the update has overwritten the gradient
        sizes = {p.layer: _rms(runner.gradients[p.name]) for p in trained}
        every = list(sizes.items())
        (first, small), (last, large) = every[0], every[-1]
        if 0.0 < small < VANISHING * large:
            yield Alarm(
                "vanishing",
                first,
                epoch,
                f"gradients vanish: those of {first} are {scientific(small / large, 1)} of those of {last}",
                "relu instead of sigmoid or tanh, fewer layers, or batch_norm",
            )
        for p in trained:
            size, weight = sizes[p.layer], _rms(runner.values[p.name])
            if EXPLODING * max(weight, 1e-3) < size < inf:
                yield Alarm(
                    "exploding",
                    p.layer,
                    epoch,
                    f"gradients explode: those of {p.layer} are {scientific(size, 1)}, its weights"
                    f" {scientific(weight, 1)}",
                    steadier(self.training.problem),
                )


def _of_acting(training: Training, history: Sequence[Mapping[str, float]]) -> Iterator[Alarm]:
    """Yield values that still change, or what a policy has lost."""
    epochs = training.progress.epoch
    ended = training.progress.ended
    if isinstance(training, ValueIteration) and training.off is not None and not ended:
        says = f"the values still change, by up to {scientific(training.off, 2)} in the last of"
        endless = ", or a discount below 1: without one a policy that never ends has no value"
        hint = f"training.epochs: {10 * epochs}{endless if training.discount == 1.0 else ''}"
        yield Alarm("unfinished", "values", epochs, f"{says} {counted(epochs, 'sweep')}", hint)
    returns = [values[RETURN] for values in history if RETURN in values]
    width = max(3, len(returns) // 10)
    if len(returns) < 4 * width or training.kept_best:
        return
    means = [fmean(returns[i : i + width]) for i in range(len(returns) - width + 1)]
    top = max(range(len(means)), key=means.__getitem__)
    first, most, last = means[0], means[top], means[-1]
    noise = sqrt((pvariance(returns[top : top + width]) + pvariance(returns[-width:])) / width)
    if most - last > max(LOST_AGAIN * (most - first), SURELY * noise):
        yield Alarm(
            "lost",
            RETURN,
            epochs,
            f"the policy has lost what it had learned: the mean return was {brief(most, 3)} in rounds"
            f" {top + 1} to {top + width}, and is {brief(last, 3)} in the last {width}",
            "training.keep: best, a smaller optimizer.learning_rate, or training.baseline: standard",
        )


def _grows(losses: Sequence[float]) -> bool:
    """Whether losses grow to their end: each quarter of them over the one before; or each, of few."""
    count = min(4, len(losses))
    ends = [len(losses) * part // count for part in range(count + 1)]
    means = [fmean(losses[start:end]) for start, end in pairwise(ends)]
    return all(later > GROWING * before for before, later in pairwise(means))


def _rms(array: NDArray) -> float:
    largest = float(np.abs(array).max())
    if not 0.0 < largest < inf:
        return largest
    return largest * sqrt(float(np.mean(np.square(array / largest, dtype=np.float64))))


def _slopes(bound: Bound) -> Iterator[tuple[str, NDArray, str]]:
    """Yield the local derivatives of every activation: layer, array, name."""
    graph, plan = bound.lowered.graph, bound.plan
    for layer, (before, after) in bound.lowered.activations.items():
        node = graph.nodes[after]
        if node.op is None or node.op.name in TENSORS:
            continue
        constants = (graph.nodes[i].value for i in node.inputs if graph.nodes[i].kind == CONSTANT)
        with np.errstate(all="ignore"):
            slopes = node.op.partials(arrays(), plan.value(after), plan.value(before), *constants)[0]
        yield layer, np.broadcast_to(slopes, plan.value(after).shape), node.op.name
