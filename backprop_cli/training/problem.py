"""What is trained on what: a config and its data brought together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from math import log
from typing import Any, Literal

import msgspec
import numpy as np

from ..environments.worlds import world_of
from ..errors import ConfigError, nearest
from ..language.numbers import brief
from ..language.settle import Settled
from ..networks import reading
from ..networks.as_program import as_program
from ..networks.formula import FormulaNetwork, columns_of, split_formula
from ..networks.layers import Model
from ..networks.layers.places import ShapeError
from ..networks.layers.writing import LENGTH, STEPS
from ..networks.losses import FORMULA, LOSSES, PROGRAM, Loss, default
from ..networks.network import LayerNetwork, NDArray, Span
from ..networks.programmed import ProgramNetwork
from ..networks.reading import Steps
from ..networks.runner import Network, Runner
from ..ops import PRIMITIVES
from ..ops.namespaces import arrays
from ..optimization.fit import guessed
from ..tables.numerals import cut
from . import own_loss, schema
from .acting import Episodes, check_outputs, played, rows_of, splits_of
from .config import Loaded, loads, monitored, text_of, watched
from .config import load as read_config
from .config.acting import RATES
from .data import WEIGHTS, Rows, Spilled, Splits, load, load_formula, load_stream
from .data.encoding import Encoding, Feature
from .data.kept import Kept
from .metrics import METRICS, Tally, check, measure
from .sets import Set, Stream
from .start import Start, begun, going_on, kept_of, start_of, unused, values_of

MANY_ROWS = 10_000
"""Of so many the validation rows are no loss, and training twice takes time."""

LAST = "the layers last and mean make one of a sequence"

BATCH_NUMBERS = 1 << 27
"""Most numbers that the rows of a batch may take in the network."""


def assemble(loaded: Loaded, kept: Kept | None = None) -> Problem:
    """Read a config's data and make its network.

    Args:
        loaded: The config.
        kept: How its rows became inputs before, to become them again.
    Raises:
        ConfigError, DataError, FileError: with the place in config or data.
    """
    start = None if kept is not None and not kept.settled else start_of(loaded)
    if start is not None:
        loaded = begun(loaded, start)
        kept = kept or kept_of(start, loaded.config.model)
    try:
        problem = Problem(loaded.config, _splits(loaded, kept), loaded.folder)
        if start is not None:
            problem.begin_with(start)
        return problem
    except ShapeError as error:
        raise loaded.refused(error) from None


@contextmanager
def assembled(
    config: str | Mapping[str, Any], overrides: Sequence[str], *, resume: bool = False
) -> Iterator[Problem]:
    """Yield what a config describes; shapes that do not fit are faults of the config, with their place.

    Args:
        config: Path of the config, or its keys.
        overrides: Of its keys.
        resume: The rows are read as the run that is gone on with has read them.
    """
    if isinstance(config, str):
        loaded = read_config(config, overrides)
    else:
        loaded = loads(text_of(config), "config", overrides)
    try:
        yield assemble(loaded, going_on(loaded) if resume else None)
    except ShapeError as error:
        raise loaded.refused(error) from None


def _splits(loaded: Loaded, kept: Kept | None) -> Splits:
    """Return the rows; a formula's columns come as they are."""
    model = loaded.config.model
    if loaded.config.environment is not None:
        return splits_of(loaded.config)
    if model.formula is None:
        return (load_stream if loaded.config.data.stream else load)(loaded, kept)
    target, expression = split_formula(model.formula)
    used = columns_of(expression, model.first_values)
    found = load_formula(loaded, target, used)
    share = loaded.config.data.validation_split
    share = 0.0 if share == "auto" else share

    def rows(columns: Mapping[str, NDArray]) -> Rows:
        inputs = np.column_stack([columns[n] for n in used]) if used else np.empty((len(columns[target]), 0))
        return Rows(inputs, columns[target][:, None], columns.get(WEIGHTS))

    return Splits(
        rows(found.train),
        rows(found.validation) if found.validation is not None else None,
        rows(found.test) if found.test is not None else None,
        Encoding(
            [Feature(name, [name], None) for name in used],
            [target],
            None,
            (len(used),),
            np.zeros(len(used)),
            np.ones(len(used)),
            dict(found.fills),
        ),
        "regression",
        found.fingerprint,
        msgspec.structs.replace(
            loaded.config.data, scaling="none", target_scaling="none", validation_split=share
        ),
        found.dropped,
        found.notes,
        held_out=found.held_out,
    )


class Problem:
    """A network and the rows it learns from.

    Args:
        config: Checked; its loss and task may be ``auto``.
        splits: From `data.load`.
        folder: What the config's data paths start from.
    Attributes:
        config: The same with nothing left to decide.
        task: ``classification`` or ``regression``.
        classes: Names of the classes; None for numbers.
        network: Layers or formula.
        notes: What was decided by looking at the data.
        boundary: Above it a single raw output says class 1.
        automatic: What was done to the data because nothing was said.
        entropies: Of a text: how uncertain its next character is, in nats, by what is known.
        held_out: The numbers of the validation rows in their table; empty where they have one of their own.
        units: How the targets become those that are learned; None where they are learned as they are.
        world: What is acted in; None where rows are learned from. The training rows are then those of the
            first batch of episodes.
    Raises:
        ShapeError: where layers, loss and data do not fit, with the key of the config.
    """

    def __init__(self, config: schema.Config, splits: Splits, folder: str = "") -> None:
        self.folder = folder
        self.encoding = splits.encoding
        self.task = splits.task
        self.classes: list[str] | None = splits.encoding.classes
        self.fingerprint: str = splits.fingerprint
        self.dropped = splits.dropped
        self.held_out = splits.held_out
        self.units = splits.units
        self.automatic = splits.automatic
        self.entropies = splits.entropies
        self.config = settled(config, splits)
        self._layers = len(config.model.layers or ()) if config.model.written else 0
        _check_metrics(self.config, splits)
        self.network = self._network()
        self._check_names()
        self.notes = splits.notes
        self.boundary = boundary_of(self.network, self.classes, self.config.threshold)
        self.monitor = _monitor(self.config, splits.validation is not None)
        environment = self.config.environment
        self.world = None if environment is None else world_of(environment)
        self.train = self._ready(splits.train) if self.world is None else self._first_episodes()
        self.validation = None if splits.validation is None else self._ready(splits.validation)
        self.test = None if splits.test is None else self._ready(splits.test)
        self._check_batches()
        self._check_lengths()
        self._check_targets()
        self._check_counts()
        self._guess()
        if self.config.loss.type == FORMULA:
            told = own_loss.check(self.config.loss, self.train.extremes.targets, self.classes)
            self.notes = [*self.notes, *told]

    def _guess(self) -> None:
        """Find the first values that the rows are to tell of a formula's parameters."""
        network, model, train = self.network, self.config.model, self.train
        if not isinstance(network, FormulaNetwork) or not model.guessed:
            return
        assert isinstance(train, Set)
        given = {name: None if name in model.guessed else x for name, x in model.first_values.items()}
        found = guessed(network.graph(), train.inputs, train.targets, given, train.weights, self.config.seed)
        network.begin({name: np.array(found[name]) for name in model.guessed})
        told = ", ".join(f"{name} = {brief(found[name])}" for name in model.guessed)
        self.notes = [*self.notes, f"first values by the rows: {told}"]

    def begin_with(self, start: Start) -> None:
        """Take the first numbers from a trained model.

        Raises:
            ShapeError: where a layer is not in it, or has another shape there.
        """
        network, model = self.network, self.config.model
        values = values_of(start, network, model, self.units)
        network.begin(values)
        if self.world is not None:
            self.train = self._first_episodes()
        rest = unused(start, values, model.fresh or ())
        if rest:
            self.notes = [*self.notes, f"of {start.where} {', '.join(rest)} has no place here"]

    def _check_names(self) -> None:
        """Hold ``freeze`` and ``fresh`` to the layers that there are, or a program's parameters."""
        network, what = self.network, "layer"
        names = [piece.name for piece in network.pieces] if isinstance(network, LayerNetwork) else []
        if isinstance(network, ProgramNetwork):
            names, what = [p.name for p in network.parameters], "parameter"
        for key in ("freeze", "fresh"):
            for name in getattr(self.config.model, key) or ():
                if name not in names:
                    close = nearest(name, names)
                    hint = f"did you mean {close}?" if close else f"{what}s: {', '.join(names)}"
                    raise ShapeError(f"model.{key}", f"model.{key}: there is no {what} {cut(name)}", hint)

    def first_row(self) -> tuple[Settled, dict[str, NDArray]]:
        """Return the program of the first row with its loss, and what it is given at the start."""
        network, train = self.network, self.train.sample
        assert isinstance(network, ProgramNetwork)
        x, target = train.encoded[0], train.targets[0]
        if train.lengths is not None:
            x = x[: train.lengths[0]]
            network = network.of_span(Span(len(x)))
        if network.answers_steps:
            target = target[: len(x)]
        row = {
            **{p.name: p.first for p in network.parameters},
            **network.first_noise,
            **{name: array[0] for name, array in network.feed(x[None]).items()},
            network.target: target if network.outputs > 1 else target[..., 0],
        }
        program = network.of_row()
        return program, {name: row[name] for name in program.graph.inputs}

    def _network(self) -> Network:
        config = self.config
        if self.units is not None:
            config = msgspec.structs.replace(config, loss=self.units.loss(config.loss))
        try:
            return network_of(config, self.encoding)
        except ShapeError as error:
            if not self._layers or error.source is None:
                raise
            # the program stands in no file: its last layer alone can be wrong for the data
            message = error.message.replace("the program gives", "the last layer gives")
            raise ShapeError(f"model.layers.{self._layers - 1}", message, LAST) from None

    @property
    def scaled(self) -> bool:
        """Whether features or targets are learned otherwise than they come."""
        return self.config.data.scaling != "none" or self.units is not None

    @property
    def loss_unit(self) -> float:
        """What a loss of the network is multiplied by for its value in the units of the targets."""
        return 1.0 if self.units is None else self.units.of_loss(self.config.loss)

    def whole(self) -> Problem:
        """Return the problem whose training rows are the validation rows, too."""
        assert isinstance(self.train, Set)
        assert isinstance(self.validation, Set)
        made = copy(self)
        parts = (self.train, self.validation)
        made.train = Set(
            np.concatenate([part.encoded for part in parts]),
            {name: np.concatenate([part.inputs[name] for part in parts]) for name in self.train.inputs},
            np.concatenate([part.targets for part in parts]),
            np.concatenate([part.answers for part in parts]),
            _joined(part.counts for part in parts),
            _joined(part.weights for part in parts),
        )
        made.validation = None
        made.monitor = "loss"
        training = msgspec.structs.replace(self.config.training, early_stopping=None, keep="last")
        made.config = msgspec.structs.replace(self.config, training=training)
        return made

    def in_units(self, values: Mapping[str, NDArray]) -> Mapping[str, NDArray]:
        """Return the network's numbers as a model has them, whose outputs are in the units of the targets."""
        if self.units is None:
            return values
        return self.units.folded(values, self.network.parameters[-1].layer)

    def _ready(self, rows: Rows | Spilled) -> Set | Stream:
        return Stream(rows, self._set) if isinstance(rows, Spilled) else self._set(rows)

    def _first_episodes(self) -> Set:
        """Return what the policy does before it has learned; of a table all states."""
        world, config, network = self.world, self.config, self.network
        assert world is not None
        if config.training.method in RATES:
            states = len(self.encoding.names)
            return self._set(Rows(np.eye(states), np.zeros(states, np.int64)))
        assert config.training.batch is not None
        numbers = config.training.batch * world.steps * network.row_numbers
        if numbers > BATCH_NUMBERS:
            raise ShapeError(
                "training.batch",
                f"{config.training.batch:,} episodes of up to {world.steps:,} steps take {numbers:,} numbers"
                f" in the network; {BATCH_NUMBERS:,} is the most",
                hint="a smaller training.batch, or fewer environment.steps",
            )
        return self.acted(played(config, world, Runner(network, config.dtype), 0))

    def acted(self, episodes: Episodes) -> Set:
        """Return what was done in some episodes, ready to be learned from."""
        return self._set(rows_of(episodes, self.config.training))

    def _set(self, rows: Rows) -> Set:
        encoded = rows.inputs
        targets = targets_of(rows.targets, self.network)
        if self.units is not None:
            targets = self.units.standardised(targets)
        if isinstance(self.network, FormulaNetwork):
            targets = targets[:, 0]
        answers = rows.targets.argmax(axis=-1) if self.encoding.shares else rows.targets
        counts: NDArray | None = rows.weights
        weights = weights_of(answers, counts, self.config.loss, self.classes)
        if self.encoding.answers_steps:
            counts = None if rows.lengths is None else rows.steps * 1.0
            weights = by_step(rows, weights, self.config.loss)
        fed = self.network.feed(encoded, rows.lengths)
        return Set(encoded, fed, targets, answers, counts, weights, rows.lengths)

    def _check_batches(self) -> None:
        every = [len(self.train)]
        if self.config.training.keep == "refit" and self.validation is not None:
            every.append(len(self.train) + len(self.validation))
        for rows in every:
            kind, batch = _lone_row(self.config, rows), _batch(self.config, rows)
            if kind is None:
                continue
            if rows == 1:
                raise ShapeError("model", f"{kind} needs rows to compare, but there is one training row")
            raise ShapeError(
                "training.batch_size",
                f"{kind} cannot normalise one row, but {rows} rows in batches of {batch} leave one",
                hint="choose another training.batch_size",
            )
        batch = _batch(self.config, every[-1])
        if batch * self.network.row_numbers > BATCH_NUMBERS:
            raise ShapeError(
                "training.batch_size",
                f"{batch:,} rows at once take {batch * self.network.row_numbers:,} numbers in the network;"
                f" {BATCH_NUMBERS:,} is the most",
                hint="a smaller training.batch_size, fewer units or channels",
            )

    def _check_lengths(self) -> None:
        """Refuse sequences that the model or the engine does not take."""
        loss = self.config.loss
        lengths = self.train.lengths if isinstance(self.train, Set) else None
        if isinstance(self.network, LayerNetwork) and (self.encoding.answers_steps or lengths is not None):
            raise ShapeError(
                "model.layers",
                "these layers take rows of one shape with one target, not sequences"
                + (" with a target at each step" if self.encoding.answers_steps else " of several lengths"),
                "model.program, or a layer that goes through the steps",
            )
        if self.config.training.engine == "jax" and lengths is not None:
            raise ShapeError(
                "training.engine",
                f"jax takes sequences of one length, and these have {lengths.min()} to {lengths.max()} steps",
                "training.engine: numpy",
            )
        if self.encoding.answers_steps and loss.type == PROGRAM and loss.class_weights is not None:
            raise ShapeError(
                "loss.class_weights", "each step has a class, but the program's own loss is of sequences"
            )

    def _check_targets(self) -> None:
        """Hold numbers that are taken for probabilities to 0..1; held-out rows may scale to a bit beyond."""
        loss, targets = self.config.loss, self.train.extremes.targets
        if loss.row.least is not None and (targets < loss.row.least).any():
            at = int((targets < loss.row.least).argmax())
            raise ShapeError(
                "loss",
                f"{loss.type} takes targets from {brief(loss.row.least)} on, but"
                f" '{self.encoding.targets[at % len(self.encoding.targets)]}' has"
                f" {brief(targets.flat[at])}",
                hint="loss: mse",
            )
        if not loss.probable or self.task != "regression":
            return
        wrong = (targets < 0.0) | (targets > 1.0)
        if wrong.any():
            at = int(wrong.argmax())
            name = self.encoding.targets[at % len(self.encoding.targets)]
            raise ShapeError(
                "loss",
                f"{loss.type} takes targets from 0 to 1, but '{name}' has {brief(targets.flat[at])}",
                hint="loss: mse, or data.scaling: minmax for an autoencoder",
            )

    def _check_counts(self) -> None:
        """Hold inputs that say which row of an array is meant to whole numbers that count these."""
        if not isinstance(self.network, ProgramNetwork):
            return
        for text, rows, key in self.network.lookups():
            for part in (self.train, self.validation, self.test):
                numbers = (
                    np.zeros(0) if part is None else part.extremes.encoded[(slice(None), *key)].reshape(-1)
                )
                wrong = (numbers != np.floor(numbers)) | (numbers < 0) | (numbers >= rows)
                if wrong.any():
                    x, scaled = brief(float(numbers[wrong][0])), self.config.data.scaling != "none"
                    raise ShapeError(
                        "data.scaling" if scaled else "data",
                        f"{text} takes whole numbers from 0 to {rows - 1}, but the inputs have {x}",
                        "data.scaling: none leaves them as they are" if scaled else
                        "data.coding: index counts texts so",
                    )  # fmt: skip

    def measure(
        self,
        outputs: NDArray,
        answers: NDArray,
        names: Sequence[str] | None = None,
        counts: NDArray | None = None,
    ) -> dict[str, float]:
        """Return metrics of raw outputs (rows, outputs), by default the config's; ``counts`` weigh rows."""
        names = self.config.training.measured if names is None else names
        outputs, answers = self._by_step(outputs), self._by_step(answers)
        counts = None if counts is None else counts.ravel()
        answered = self.answered(outputs)
        ranked = self.chances(outputs) if any(METRICS[name].ranks for name in names) else None
        return measure(names, answered, answers, self.task, self.boundary, counts, ranked)

    @property
    def tells_steps(self) -> bool:
        """Whether metrics are of steps, and told some at a time: all answers at once are many numbers."""
        ranked = any(METRICS[name].ranks for name in self.config.training.measured)
        return self.encoding.answers_steps and not ranked

    def _by_step(self, array: NDArray) -> NDArray:
        """Return outputs or answers of sequences with a row a step, where each step has them."""
        if not self.encoding.answers_steps:
            return array
        return array.reshape(-1, *([] if array.dtype.kind == "i" else [self.network.outputs]))

    def tally(self) -> Tally:
        """Return what the config's metrics of rows that come some at a time are made of."""
        return Tally(self.config.training.measured, self.task, self.network.outputs, self.boundary)

    def tell(self, tally: Tally, outputs: NDArray, rows: Set, which: NDArray | None = None) -> None:
        """Add the raw outputs of some rows to a tally, of all of them where ``which`` is None."""
        answers, counts = rows.answers, rows.counts
        if which is not None:
            answers, counts = answers[which], None if counts is None else counts[which]
        counts = None if counts is None else counts.ravel()
        tally.add(self.answered(self._by_step(outputs)), self._by_step(answers), counts)

    def chances(self, outputs: NDArray) -> NDArray:
        """Return what raw outputs of a classifier say of each class: probabilities, else scores."""
        fuses = self.config.loss.fuses
        if fuses == "softmax":
            powers: NDArray = np.exp(outputs - outputs.max(axis=1, keepdims=True))
            found: NDArray = powers / powers.sum(axis=1, keepdims=True)
            return found
        return outputs if fuses is None else PRIMITIVES[fuses].forward(arrays(), outputs)

    def answered(self, outputs: NDArray) -> NDArray:
        """Return raw outputs (rows, outputs) in the units of the answers; scores of classes as they are."""
        if self.units is not None:
            outputs = self.units.undone(outputs)
        fuses = self.config.loss.fuses
        if fuses is not None and self.task == "regression":
            outputs = PRIMITIVES[fuses].forward(
                arrays(), outputs
            )  # a logit answers with a probability, a logarithm with a rate
        return outputs


def _joined(parts: Iterable[NDArray | None]) -> NDArray | None:
    """Return what the rows of several sets count; None where all count alike."""
    given = [part for part in parts if part is not None]
    return np.concatenate(given) if given else None


def settled(config: schema.Config, splits: Splits) -> schema.Config:
    """Return the config with nothing left to decide: what ``auto`` is, and what is monitored."""
    task, classes = splits.task, splits.encoding.classes
    if config.model.written:
        known = steps_of(splits.encoding)
        model = as_program(config.model, tuple(splits.encoding.shape), known and known.sizes)
        config = msgspec.structs.replace(config, model=model)
    loss: str = config.loss.type
    model = config.model
    steps = steps_of(splits.encoding)
    if loss == "auto" and model.program is not None and reading.read(model, steps=steps).has_loss:
        loss = PROGRAM
    if loss == "auto":
        loss = default(task, single=_written(model, splits.encoding) == 1 and len(classes or []) == 2)
    if task == "classification" and model.formula is not None:
        raise ShapeError(
            "model.formula", "a formula gives numbers, but the target has classes", "task: regression"
        )
    if task == "classification" and LOSSES[loss].least is not None:
        raise ShapeError("loss", f"{loss} needs numbers, but the target has classes", "task: regression")
    if task == "regression" and LOSSES[loss].classes:
        raise ShapeError("loss", f"{loss} needs classes, but the target has numbers", "task: classification")
    signs = config.loss.signs
    if signs is not None and task == "regression":
        raise ShapeError(
            "loss.signs", "loss.signs is for classes, but the target has numbers: t is as it is there"
        )
    if signs is None and loss == FORMULA and task == "classification":
        signs = classes == ["-1", "1"]
    told = msgspec.structs.replace(
        config.loss, type=loss, signs=signs, class_weights=_class_weights(config.loss, splits)
    )
    _check_threshold(config, told, classes)
    training = config.training
    if training.metrics == "auto":
        training = msgspec.structs.replace(training, metrics=_usual_metrics(config, splits))
    config = msgspec.structs.replace(config, data=splits.data, task=task, loss=told, training=training)
    config = monitored(config, splits.validation is not None)
    training = msgspec.structs.replace(config.training, keep=_kept(config, splits))
    return msgspec.structs.replace(config, training=training)


def _batch(config: schema.Config, rows: int) -> int:
    """Return how many of the rows make an update."""
    size = config.training.batch_size
    return rows if size == "full" else min(size, rows)


def _lone_row(config: schema.Config, rows: int) -> str | None:
    """Return the kind of layer that compares rows, where a batch of so many has one alone."""
    batch = _batch(config, rows)
    comparing = [layer.tag for layer in config.model.layers or [] if layer.compares_rows]
    return comparing[0] if comparing and (rows == 1 or 1 in (batch, rows % batch)) else None


def _kept(config: schema.Config, splits: Splits) -> Literal["last", "best", "refit"]:
    """Return what ``keep`` is."""
    training, schedule = config.training, config.schedule
    stopping, validated = training.early_stopping, splits.validation is not None
    watched = stopping is None or (stopping.monitor or "").startswith("val_")
    if training.keep == "refit" and not (validated and watched):
        raise ShapeError("training.keep", "training.keep: refit needs validation rows to choose the epoch by")
    if training.keep == "refit" and schedule is not None and schedule.watches:
        raise ShapeError(
            "training.keep", "training.keep: refit has no validation rows for the schedule to watch"
        )
    if training.keep != "auto":
        return training.keep
    if stopping is not None and not stopping.restore_best:
        return "last"
    if splits.lent and watched:
        rows = splits.train.total + splits.validation.total if splits.validation else 0
        watches = schedule is not None and schedule.watches
        plain = rows < MANY_ROWS and not watches and not _lone_row(config, rows)
        plain = plain and config.data.train_size is None  # few rows are what is asked for
        plain = plain and not config.data.stream
        return "refit" if plain else "best"
    return "best" if stopping is not None else "last"


def _class_weights(loss: Loss, splits: Splits) -> dict[str, float] | None:
    """Return what a row of each class counts, by its name.

    Source:
        ``balanced`` as in scikit-learn's ``compute_class_weight``, of the classes that training has.
    """
    given, classes, key = loss.class_weights, splits.encoding.classes, "loss.class_weights"
    if given is None:
        return None
    if classes is None:
        raise ShapeError(key, f"{key} is for classes, but the target has numbers", "data.weights")
    if splits.encoding.shares:
        raise ShapeError(key, f"{key} needs rows of one class each, but they have shares of several")
    if given != "balanced":
        for name in given:
            if name not in classes:
                close = nearest(name, classes)
                hint = f"did you mean {close}?" if close else f"classes: {', '.join(classes[:12])}"
                raise ShapeError(f"{key}.{name}", f"{key}: there is no class '{name}'", hint)
        return {name: given.get(name, 1.0) for name in classes}
    train, size = splits.train, len(classes)
    labels = train.labels if isinstance(train, Spilled) else np.bincount(train.targets, minlength=size)
    counts = labels.tolist()
    rows, present = sum(counts), sum(count > 0 for count in counts)
    return {name: rows / (present * n) if n else 1.0 for name, n in zip(classes, counts, strict=True)}


def weights_of(
    answers: NDArray, counts: NDArray | None, loss: Loss, classes: Sequence[str] | None
) -> NDArray | None:
    """Return what rows count in the loss: their own weight times that of their class; None for all alike."""
    if not isinstance(loss.class_weights, dict):
        return counts
    of_class = np.array([loss.class_weights.get(name, 1.0) for name in classes or ()])[answers]
    return of_class if counts is None else counts * of_class


def by_step(rows: Rows, weights: NDArray | None, loss: Loss) -> NDArray | None:
    """Return what each step counts in the loss, (rows, steps): those of a row are a row, however many it has.

    Args:
        rows: Sequences with targets at each step.
        weights: By the classes of the steps; None where all count alike.
        loss: Its own mean over steps, or another's.
    """
    if rows.lengths is None or loss.type == PROGRAM:
        return weights
    counts = rows.steps * (1.0 if loss.row.sums else rows.inputs.shape[1] / rows.lengths[:, None])
    return counts if weights is None else counts * weights


def _check_threshold(config: schema.Config, loss: Loss, classes: Sequence[str] | None) -> None:
    """Hold a threshold to two classes with probabilities."""
    if config.threshold is None:
        return
    if classes is None or len(classes) != 2:
        what = f"there are {len(classes)}" if classes else "the target has numbers"
        raise ShapeError("threshold", f"threshold parts two classes, but {what}")
    if not loss.probable:
        raise ShapeError(
            "threshold",
            f"threshold is a probability, but {loss.type} gives scores",
            "loss: binary_cross_entropy",
        )


def _usual_metrics(config: schema.Config, splits: Splits) -> list[schema.Metric]:
    """Return what ``metrics: auto`` is; what compares rows is left out where a set has only one."""
    if config.data.path is None or config.model.formula is not None:
        return []
    name: schema.Metric = "accuracy" if splits.task == "classification" else "r2"
    sets = (splits.train, splits.validation, splits.test)
    enough = all(rows.total >= METRICS[name].rows for rows in sets if rows is not None)
    return [name] if enough else []


def _check_metrics(config: schema.Config, splits: Splits) -> None:
    """Hold the metrics to the task, which the data alone may have told, and to the rows there are."""
    sets = {"training": splits.train, "validation": splits.validation, "test": splits.test}
    stopping, schedule = config.training.early_stopping, config.schedule
    for key, watching in (("training.early_stopping.monitor", stopping), ("schedule.monitor", schedule)):
        monitor = watching.monitor if watching is not None else None
        if monitor is None:
            continue
        if monitor.startswith("val_") and splits.validation is None:
            raise ShapeError(key, f"{key}: {monitor} needs validation rows", "data.validation_split: 0.2")
        metric = monitor.removeprefix("val_")
        if metric not in (watched(config, False), "loss", *config.training.measured):
            raise ShapeError(key, f"{key}: {metric} is not measured", f"training.metrics: [{metric}]")
    for i, name in enumerate(config.training.measured):
        key = f"training.metrics.{i}"
        try:
            check(name, splits.task)
        except ConfigError as error:
            raise ShapeError(key, error.message, error.hint) from None
        row, classes = METRICS[name], splits.encoding.classes or []
        if row.binary and len(classes) != 2:
            raise ShapeError(
                key, f"{name} is of the second of two classes, but there are {len(classes)}", "macro_f1"
            )
        if name == "poisson_deviance" and config.loss.type != "poisson":
            raise ShapeError(key, f"{name} is of rates above 0, as loss: poisson gives them", "loss: poisson")
        for part, rows in sets.items():
            if rows is None:
                continue
            if rows.total < row.rows:
                raise ShapeError(key, f"{name} compares rows, but there is one {part} row")
            there: Collection[int] = range(len(classes))
            if row.ranks and isinstance(rows, Rows) and rows.targets.ndim == 1:
                there = {*rows.targets.tolist()}
            absent = [cut(classes[i]) for i in range(len(classes)) if i not in there]
            if absent:
                raise ShapeError(
                    key, f"{name} needs rows of every class, but no {part} row is of '{absent[0]}'"
                )


def network_of(config: schema.Config, encoding: Encoding) -> Network:
    """Return the network that a settled config describes."""
    weighted = config.data.counting is not None or config.loss.class_weights is not None
    weighted = weighted or config.training.method == "reinforce"
    if config.model.formula is not None:
        return FormulaNetwork(
            config.model.formula, config.model.first_values, config.loss, config.regularization, weighted
        )
    if config.environment is not None:
        check_outputs(config, encoding.classes or [], _written(config.model, encoding))
    outputs = outputs_of(config, encoding)
    shape = tuple(encoding.shape)
    of_row = (config.model, shape, outputs, config.loss, config.regularization, config.seed, weighted)
    if config.model.program is None:
        return LayerNetwork(*of_row)
    return ProgramNetwork(*of_row, steps_of(encoding))


def steps_of(encoding: Encoding) -> Steps | None:
    """Return what a program is told of rows that are sequences."""
    if encoding.folding is None:
        return None
    signs = encoding.vocabulary
    steps = encoding.shape[0]
    sizes = {STEPS: steps, LENGTH: steps, "inputs": len(encoding.names)}
    if signs is not None:
        sizes |= {"vocabulary": len(signs), "inputs": len(signs)}
    return Steps(sizes, encoding.folding.each)


def boundary_of(network: Network, classes: Sequence[str] | None, threshold: float | None = None) -> float:
    """Return the raw output above which a single output says class 1; of two outputs, their difference."""
    if threshold is not None:
        return log(threshold / (1.0 - threshold))
    if network.loss.type == PROGRAM and classes and network.outputs == 1:
        raise ShapeError(
            reading.KEY,
            "a loss of the program's own does not say above which output two classes part",
            "an output a class, or loss: binary_cross_entropy",
        )
    return own_loss.boundary(network.loss) if classes and network.outputs == 1 else 0.0


def outputs_of(config: schema.Config, encoding: Encoding) -> int:
    """Return how many numbers the last layer has to give."""
    if encoding.classes is None:
        return len(encoding.targets)
    count, written = len(encoding.classes), _written(config.model, encoding)
    loss = config.loss
    if loss.row.single:
        return 1 if count == 2 and written != 2 else count
    return 1 if count == 2 and written == 1 and not loss.row.classes else count


def _written(model: Model, encoding: Encoding) -> int | None:
    """Return how many outputs the model itself says that it has; None where it says nothing of it."""
    if model.program is None:
        return model.written_units
    wanted = len(encoding.targets if encoding.classes is None else encoding.classes)
    return reading.width(model, tuple(encoding.shape), wanted, steps_of(encoding))


def targets_of(answers: NDArray, network: Network) -> NDArray:
    """Return the numbers a network is to give: one-hot rows for classes, smoothed where the loss says so."""
    outputs, smoothing = network.outputs, network.loss.label_smoothing
    if answers.ndim == 2 and answers.dtype.kind == "i":  # classes at every step
        return targets_of(answers.ravel(), network).reshape(*answers.shape, outputs)
    if answers.ndim == 1 and outputs == 1:
        return answers.astype(float)[:, None]
    if answers.ndim == 1:
        hot = np.zeros((len(answers), outputs))
        hot[np.arange(len(answers)), answers] = 1.0
    else:
        hot = answers.astype(float)
    return hot * (1.0 - smoothing) + smoothing / outputs if smoothing else hot


def _monitor(config: schema.Config, validated: bool) -> str:
    stopping = config.training.early_stopping
    return (stopping and stopping.monitor) or watched(config, validated)
