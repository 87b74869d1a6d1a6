"""What goes wrong in a training, with its cause: each alarm once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import inf, isfinite, log, sqrt
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np

from ..errors import NoSuchNumber, counted
from ..graph import CONSTANT
from ..language.numbers import brief, scientific
from ..networks.formula import FormulaNetwork
from ..networks.losses import Regularization
from ..networks.network import NDArray
from ..networks.runner import Bound
from ..ops.namespaces import arrays
from ..ops.tensor import TENSORS
from ..optimization.fit import NO_BETTER
from ..optimization.settings import LevenbergMarquardt
from .fitting import Fitting, fit_of
from .loop import Training

SATURATED = 1e-3  # largest local derivative of a unit that hardly learns
VANISHING = 1e-5  # of the last layer's gradient, by number
UNITS_NAMED = 8
EXPLODING = 1e4  # of the size of the weights

GROWN = 10.0  # times the first loss; a loss that still grows beyond it has diverged
LOST = 1000.0  # times the first loss; beyond it the loss has diverged whether it grows or not
GROWING = 1.25  # from each quarter of the epochs to the next


class Alarm(NamedTuple):
    """Something that keeps a network from learning.

    Attributes:
        kind: ``dead``, ``saturated``, ``vanishing``, ``exploding``, ``start``, ``unfinished``, ``useless``
            or ``diverged``.
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

    def look(self, epoch: int, last: bool = False) -> list[Alarm]:
        """Return what is new after an epoch; most epochs are not looked at.

        Args:
            epoch: From 1.
            last: The epoch is the last.
        """
        every = max(1, self.training.problem.config.training.epochs // 20)
        if not (epoch <= 5 or epoch % every == 0 or last):
            return []
        known = {(alarm.kind, alarm.where) for alarm in self.raised}
        new = [
            alarm
            for alarm in (
                *self._start(epoch),
                *self._units(epoch, last),
                *self._gradients(epoch),
                *(self._unfinished(epoch) if last else ()),
            )
            if (alarm.kind, alarm.where) not in known
        ]
        self._looked = epoch
        self.raised += new
        return new

    def end(self, history: Sequence[Mapping[str, float]], loss: float) -> list[Alarm]:
        """Return what the whole run shows, once it is over.

        Args:
            history: Every epoch's values.
            loss: Of the training rows with the final parameters.
        """
        new = [*self._diverged([values["loss"] for values in history], loss), *self._useless()]
        self.raised += new
        return new

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
            "a smaller optimizer.learning_rate, data.scaling: standard, or training.gradient_clip",
        )

    def _useless(self) -> Iterator[Alarm]:
        """A fitted formula that says less than the mean of its targets."""
        training = self.training
        network = training.runner.network
        if self.diverged or not isinstance(network, FormulaNetwork) or len(training.train) < 2:
            return
        explained = training.explained()
        if explained is None or explained > -NO_BETTER:
            fit = training.result if isinstance(training, Fitting) else None
            if fit is None or fit.converged or explained is None or explained > NO_BETTER:
                return
        told = brief(explained + 0.0, 3) if isfinite(explained) else "too far below 0 for a number"
        yield Alarm(
            "useless",
            "formula",
            training.progress.epoch,
            f"the formula fits {'worse' if explained < -NO_BETTER else 'no better'} than the mean of the"
            f" targets: R2 is {told}",
            "first values nearer to the answer (model.parameters), several of them, since least squares finds"
            " the next minimum only; or another formula",
        )

    def save(self) -> dict[str, Any]:
        """Return what `load` needs to go on: what was said already, and when was looked."""
        return {
            "raised": [list(alarm) for alarm in self.raised],
            "told": [[*key, sorted(units)] for key, units in sorted(self._told.items())],
            "looked": self._looked,
        }

    def load(self, facts: Mapping[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.raised = [Alarm(*fields) for fields in facts["raised"]]
        self._told = {(kind, layer): set(units) for kind, layer, units in facts["told"]}
        self._looked = facts["looked"]

    def _since(self, epoch: int) -> str:
        return (
            f"since epoch {epoch}"
            if self._looked >= epoch - 1
            else f"since epoch {self._looked + 1} to {epoch}"
        )

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
            f"the first loss is {brief(first, 3)}, far from ln({chances}) = {log(chances):.3g}, which equal"
            " chances give: the untrained outputs are too large",
            "data.scaling: standard, or smaller initial weights",
        )

    def _units(self, epoch: int, last: bool) -> Iterator[Alarm]:
        """Units whose activation has no slope, or hardly any, on every training row."""
        training = self.training
        largest: dict[str, NDArray] = {}
        names: dict[str, str] = {}
        for bound, _, _ in training.runner.blocks(training.train.inputs, None):
            for layer, slopes, op in _slopes(bound):
                names[layer] = op
                axes = (0, *range(2, slopes.ndim))
                block = np.abs(slopes).max(axis=axes)
                largest[layer] = np.maximum(largest[layer], block) if layer in largest else block
        for layer, slopes in largest.items():
            op, since = names[layer], self._since(epoch)
            dead = np.flatnonzero(slopes == 0.0).tolist()
            for where, units, are, its in self._fresh("dead", layer, dead, last):
                yield Alarm(
                    "dead",
                    where,
                    epoch,
                    f"{self._layer(layer)} {units} {are} dead: the slope of {its} {op} is 0 on every training"
                    f" row, so no gradient reaches {its} weights ({since})",
                    "another seed, a smaller learning rate, leaky_relu, or larger biases",
                )
            flat = np.flatnonzero((slopes < SATURATED) & (slopes > 0.0)).tolist()
            for where, units, are, its in self._fresh("saturated", layer, flat, last):
                yield Alarm(
                    "saturated",
                    where,
                    epoch,
                    f"{self._layer(layer)} {units} {are} saturated: the slope of {its} {op} is at most"
                    f" {scientific(slopes[flat].max(), 2)} on every training row ({since})",
                    "data.scaling: standard, or smaller initial weights",
                )

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
        last = layer == list(self.training.runner.network.parameters)[-1].layer
        return f"output layer {layer}:" if last else f"{layer}:"

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
                    "training.gradient_clip: 1, data.scaling: standard, or a smaller learning rate",
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
