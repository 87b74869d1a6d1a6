"""A network that the config writes as a program for one example: ``h = tanh(W@x + b); logits = U@h + c``.

The program has x, a row's inputs, and y, its targets (or t, where it calls its own output y); its parameters
are declared with their shapes. Over a batch an axis of rows stands before all that changes with the row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from functools import partial
from math import prod
from typing import NamedTuple

import msgspec
import numpy as np

from ..engine.batched import batched
from ..errors import UsageError, counted
from ..graph import PARAMETER, STATE, Graph
from ..language.array_parser import LOOKUP
from ..language.parser import NAME_ITEM
from ..language.recurrence import LAST, MASK, MEAN, STEP, TOTAL
from ..language.settle import Settled
from ..ops import Shape
from ..ops.matrices import MATRICES, Key, MatrixRow
from . import layers, losses
from .layers.kind import Array, rows, sides
from .layers.places import HIGHEST_PARAMETERS, ShapeError
from .layers.weights import Declared, Noise
from .layers.writing import LENGTH
from .lowering import Builder, Lowered
from .network import NDArray, OfRows, Parameter, Span, drawn, given, penalised
from .random import Draw, dropping, noise, stream
from .reading import INPUT, KEY, LOSS, OUTPUTS, TARGETS, Steps, output_of, read, settled, shapes_of


class Line(NamedTuple):
    """A statement of a program.

    Attributes:
        name: Its own.
        text: What stands behind the name.
        shape: Of its value for one row.
        reads: Names that no statement before it reads.
    """

    name: str
    text: str
    shape: Shape
    reads: set[str]


class Carry(NamedTuple):
    """What a sequence carries from step to step: ``h[0]``, ``h[1]``, ``h[20]``.

    Attributes:
        begin: What it begins with.
        first: What the first step makes of it.
        last: What the last step does, from which another sequence could go on.
    """

    begin: str
    first: str
    last: str


class ProgramNetwork(OfRows):
    """A network whose steps are written down.

    Args:
        model: The ``model`` section, with a program.
        shape: Of one row of inputs.
        outputs: Numbers of a row's targets, or of each step's.
        loss: Its type is a name, not ``auto``.
        penalties: The ``regularization`` section; they count parameters with two axes.
        seed: Of the first values.
        weighted: Rows have weights in the loss.
        steps: Of rows that are sequences.
    Attributes:
        reading: The program as it is written.
        settled: The program for one row, with the shape of every step.
        output: The step that gives the outputs.
    Raises:
        ShapeError: where the program is wrong, or its shapes do not fit each other or the data.
    """

    def __init__(
        self,
        model: layers.Model,
        shape: Shape,
        outputs: int,
        loss: losses.Loss,
        penalties: losses.Regularization,
        seed: int,
        weighted: bool = False,
        steps: Steps | None = None,
    ) -> None:
        self.shape, self.outputs, self.steps = shape, outputs, steps
        self._times = shape[:1] if steps is not None and steps.each else ()
        self.loss, self.penalties, self.weighted = loss, penalties, weighted
        self.states: dict[str, NDArray] = {}
        self.draws = {name: _draw(name, drawn) for name, drawn in model.drawn.items()}
        self.model = model
        self._seed = seed
        self._spans: dict[Span, ProgramNetwork] = {}
        self.reading = read(model, prod(shape), outputs, steps=steps)
        self._shapes = shapes = shapes_of(self.reading, model)
        self._settle()
        self.parameters = list(_parameters(self.reading.declared, shapes, model, seed))

    def _settle(self) -> None:
        """Find the shapes of its steps."""
        self.settled = settled(self.reading, self._shapes, self.shape, self.outputs, self.steps)
        self.output = output_of(self.reading, self.settled.graph)
        graph = self.settled.graph
        if graph.nodes[self.output].name is None:
            unnamed = OUTPUTS[1] if OUTPUTS[1] not in graph.taken else graph.own_name(self.output)
            graph.nodes[self.output].name = unnamed
            graph.named[unnamed] = self.output
        self.varies = graph.depends_on(
            [id for name, id in graph.inputs.items() if name not in self.reading.declared]
        )
        self._check()
        for name in self._shapes:
            if name in graph.inputs:
                graph.nodes[graph.inputs[name]].kind = STATE if name in self.draws else PARAMETER
        self.row_numbers = prod(self.shape) + sum(
            prod(node.shape) for node, varies in zip(graph.nodes, self.varies, strict=True) if varies
        )

    def span(self, fed: Mapping[str, NDArray]) -> Span | None:
        """Return how long the sequences of some rows are; None where rows are none."""
        return None if self.steps is None else Span(fed[INPUT].shape[1], MASK in fed)

    def of_span(self, span: Span | None) -> ProgramNetwork:
        """Return the network for sequences of another length."""
        if span is None or self.steps is None or span == Span(self.shape[0], self.steps.masked):
            return self
        if span not in self._spans:
            made = copy(self)
            made.shape = (span.length, *self.shape[1:])
            made._times = made.shape[: len(self._times)]
            carried = {c.begin: self._shape_of(c.begin) for c in self.carries} if span.carried else None
            sizes = {**self.steps.sizes, LENGTH: span.length}
            made.steps = self.steps._replace(sizes=sizes, masked=span.masked, carried=carried)
            own = self.loss.type == losses.PROGRAM
            made.weighted = self.weighted or bool(span.masked and made._times and not own)
            made.reading = read(self.model, prod(self.shape), self.outputs, steps=made.steps)
            made._shapes = shapes_of(made.reading, self.model)
            try:
                made._settle()
            except ShapeError as error:
                longest, has = self.shape[0], counted(span.length, "step")
                raise ShapeError(
                    error.key,
                    f"a sequence has {has}, but the program goes with {longest}, as many as the longest to"
                    f" learn from has: {error.message}",
                    f"position, and all that has a number for each step, knows none after the {longest}"
                    if span.length > longest
                    else "a step that is named, as x[1], has to be there; x[end] is the last",
                ) from None
            self._spans[span] = made
        return self._spans[span]

    @property
    def answers_steps(self) -> bool:
        """Whether every step of a row has targets of its own."""
        return bool(self._times)

    @property
    def carries(self) -> list[Carry]:
        """What sequences carry from step to step; none where a row's inputs are no steps."""
        recurrence, length = self.reading.recurrence, self.shape[0] if self.shape else 0
        names = [(str(self.reading.program.statements[k].name), p) for k, p in recurrence.places.items()]
        made = [
            Carry(*(f"{name}[{at}]" for at in (place.offset, place.offset + 1, place.offset + length)))
            for name, place in names
            if not place.moves and name in recurrence.sequences
        ]
        return [carry for carry in made if carry.last in self.settled.graph.named]

    def _shape_of(self, name: str) -> Shape:
        return self.settled.graph.nodes[self.settled.graph.named[name]].shape

    @property
    def target(self) -> str:
        """What the targets are called: as the program calls them, else t, or y where that is taken."""
        usual = TARGETS if self._times else reversed(TARGETS)  # t[t] would be read twice
        free = (name for name in usual if name not in self.settled.graph.taken)
        return self.reading.target or next(free, "targets")

    @property
    def first_noise(self) -> dict[str, NDArray]:
        """What the first row of the first update is given besides."""
        drawn = {name: np.empty(self._shapes[name]) for name in self.draws}
        for name, draw in self.draws.items():
            draw.fill(stream(self._seed, draw.purpose), drawn[name])
        return drawn

    def of_row(self) -> Settled:
        """Return the program of one row with its loss for its output.

        Raises:
            UsageError: for a loss that our language has no word for.
        """
        if self.reading.has_loss:
            return self.settled
        y, t = self.settled.graph.name(self.output), self.target
        at = f"[{STEP}]" if self._times else ""
        single = "[0]" if self.settled.graph.nodes[self.output].shape[len(self._times) :] == (1,) else ""
        loss = self.loss.of_row(y + at + single, t + at, self.outputs)
        if loss is None:
            raise UsageError(
                f"{self.loss.type} is no expression of a row", hint="backprop trace CONFIG writes it out"
            )
        end = next(name for name in ("E", "loss") if name not in self.settled.graph.taken)
        model, last = self.model, self.reading.program.statements[-1]
        if last.name is None:
            text = model.program or ""
            named = f"{text[: last.span[0]]}{y} = {text[last.span[0] :]}"
            model = msgspec.structs.replace(model, program=named)
        if self._times:
            loss = f"{TOTAL if self.loss.row.sums else MEAN}({loss})"
        reading = read(model, prod(self.shape), self.outputs, f"{end} = {loss}", self.steps)
        return settled(reading, self._shapes, self.shape, self.outputs, self.steps)

    def lookups(self) -> Iterator[tuple[str, int, Key]]:
        """Yield what inputs say the row of: the text, how many rows it has, and which part of the inputs."""
        graph = self.settled.graph
        for node in graph.nodes:
            if node.op is MATRICES[LOOKUP]:
                table, index = (graph.nodes[i] for i in node.inputs)
                part = index.op is MATRICES["index"]
                given = graph.nodes[index.inputs[0]] if part else index
                if given.name == INPUT and given.op is None:
                    yield graph.text(node.id), table.shape[0], index.static["key"] if part else ()

    def lines(self) -> Iterator[Line]:
        """Yield the statements."""
        graph, seen = self.settled.graph, set[str]()
        recurrence = self.reading.recurrence
        for k, statement in enumerate(recurrence.program.statements):
            if statement.params is not None:
                continue
            read = {item.text for item in statement.items if item.arity == NAME_ITEM} - seen
            seen |= read
            head, _, body = graph.source.text[slice(*statement.span)].partition("=")
            name = statement.name
            if name is None:
                head, body, name = graph.name(self.output), head, graph.name(self.output)
            elif k in recurrence.places:
                place = recurrence.places[k]
                name = f"{name}[{place.offset}]"
            yield Line(head.strip(), body.strip(), graph.nodes[graph.named[name]].shape, read)

    @property
    def units(self) -> int:
        """How many numbers of a row have a name."""
        return self.units_in(None)

    def units_in(self, steps: Collection[int] | None) -> int:
        """How many numbers of a row have a name, of a loop those of some steps; None for all."""
        graph, recurrence = self.settled.graph, self.reading.recurrence
        names = self.names
        if steps is not None:
            whole = {INPUT, *recurrence.sequences}
            names = {name for name in names - whole if recurrence.step_of(name) in (None, *steps)}
        return sum(prod(graph.nodes[graph.named[name]].shape) for name in names)

    @property
    def length(self) -> int:
        """How many steps a loop of the program has; 0 where it has none."""
        steps = map(self.reading.recurrence.step_of, self.names)
        return 1 + max((step for step in steps if step is not None), default=-1)

    @property
    def products(self) -> int:
        """How many numbers all steps of a row read, about."""
        nodes = self.settled.graph.nodes
        return sum(max(prod(nodes[i].shape) for i in node.inputs) for node in nodes if node.inputs)

    @property
    def names(self) -> set[str]:
        """What a reader knows by name: the statements, and what a row comes with."""
        graph = self.settled.graph
        steps = {name for name, id in graph.named.items() if graph.nodes[id].op is not None}
        return {INPUT, *self.reading.masks, *self.draws, *steps} - {LOSS}

    def _check(self) -> None:
        """Hold output and loss to the data.

        Raises:
            ShapeError: where they are something else.
        """
        graph, kinds, source = self.settled.graph, self.settled.kinds, self.reading.program.source
        node = graph.nodes[self.output]
        times = self._times
        if (
            node.shape[: len(times)] != times
            or len(node.shape) > 1 + len(times)
            or (prod(node.shape) != prod(times) * self.outputs)
        ):
            name = graph.name(node.id)
            which = name if name in self.reading.assigned else "the last statement"
            named = "" if which in OUTPUTS else f"; call another {' or '.join(OUTPUTS)}"
            raise ShapeError(
                KEY,
                f"the program gives {kinds[node.id]}, but the targets are {rows((*times, self.outputs))}",
                f"{which} is the output{named}", source=source, span=node.span,
            )  # fmt: skip
        if self.weighted and losses.WEIGHTS in graph.named:
            raise ShapeError(KEY, f"{losses.WEIGHTS} are those of the rows here: use another name")
        learns = graph.depends_on([id for name, id in graph.inputs.items() if name in self.reading.declared])
        for id in (self.output, *([graph.named[LOSS]] if self.reading.has_loss else [])):
            if not learns[id]:
                raise ShapeError(
                    KEY, "no parameter takes part in this: nothing would be learned",
                    source=source, span=graph.nodes[id].span,
                )  # fmt: skip
        for step in graph.nodes:
            if step.op is MATRICES[LOOKUP] and learns[step.inputs[1]]:
                learned = next(
                    n for n in self.reading.declared if graph.depends_on([graph.inputs[n]])[step.inputs[1]]
                )
                raise ShapeError(
                    KEY, f"an index is data, and {learned} takes part in this",
                    source=source, span=step.span,
                )  # fmt: skip
        asked = graph.inputs.get(self.target)
        if asked is not None and graph.depends_on([asked])[self.output]:
            raise ShapeError(
                KEY, f"the output needs {self.target}, the row's target, which it is to predict",
                "loss = ... is where the target has its place", source=source, span=graph.nodes[asked].span,
            )  # fmt: skip
        for step, varies in zip(graph.nodes, self.varies, strict=True):
            if varies and isinstance(step.op, MatrixRow) and step.op.number is None and not step.op.batched:
                raise ShapeError(
                    KEY, f"{step.op.name} is of what is the same for all rows, and x takes part in this",
                    source=source, span=step.span,
                )  # fmt: skip
        if self.reading.has_loss and graph.nodes[graph.named[LOSS]].shape:
            id = graph.named[LOSS]
            raise ShapeError(
                KEY, f"loss is one number a row, not {kinds[id]}", "mean(...) or sum(...) makes one of it",
                source=source, span=graph.nodes[id].span,
            )  # fmt: skip

    def lower(self, rows: int, *, training: bool, targets: bool = True) -> Lowered:
        """Return the graph for so many rows; see `LayerNetwork.lower`."""
        graph, target = self.settled.graph, self.target
        own = self.loss.type == losses.PROGRAM
        b = Builder()
        b.leaf(INPUT, (rows, *self.shape))

        def still(name: str) -> int:
            return b.step("expand", b.number(self.draws[name].still), shape=(rows, *self._shapes[name]))

        def wanted() -> int:
            t = b.leaf(target, (rows, *self._times, self.outputs))
            return t if self.outputs > 1 else b.step("shaped", t, shape=(-1, *self._times))

        ends = [self.output, *([graph.named[LOSS]] if own and targets else [])]
        goes_on = {} if targets or self.steps is None else {c.begin: c.last for c in self.carries}
        ends += [graph.named[last] for last in goes_on.values()]
        ids = batched(
            b.graph,
            graph,
            rows,
            list(self.reading.declared),
            _needed(graph, ends),
            {target: wanted} | ({} if training else {name: partial(still, name) for name in self.draws}),
        )

        def by_row(id: int, shape: Shape) -> int:
            if not self.varies[id]:
                return b.step("expand", b.step("shaped", ids[id], shape=(1, *shape[1:])), shape=shape)
            if b.graph.nodes[ids[id]].shape == shape:
                return ids[id]
            return b.step("shaped", ids[id], shape=(-1, *shape[1:]))

        output = prediction = by_row(self.output, (rows, *self._times, self.outputs))
        if self._times:
            output = prediction = b.step("shaped", output, shape=(-1, self.outputs))
        if self.loss.fuses is not None:
            prediction = b.step(self.loss.fuses, output, name="prediction")
        data_loss, outputs, leaf = None, [prediction], None
        if targets:
            leaf = target
            t = b.leaf(leaf, (rows, *self._times, self.outputs))
            if self._times:
                t = b.step("shaped", t, shape=(-1, self.outputs))
            if own:
                terms = by_row(graph.named[LOSS], (rows,))
                b.graph.name(terms, losses.OWN_TERMS)
                data_loss = self.loss.row.whole(b, terms, self.weighted)
            else:
                data_loss = self.loss.row.lower(b, self.loss, output, t, self.weighted)
            total = penalised(b, data_loss, self.parameters, self.penalties) if training else data_loss
            outputs = [*([] if training else outputs), data_loss, total]
        weights = losses.WEIGHTS if targets and self.weighted else None
        steps = {} if targets else self._steps(ids)
        carries = {
            name: by_row(graph.named[last], (rows, *self._shape_of(last))) for name, last in goes_on.items()
        }
        return Lowered(
            b.graph.build([*carries.values(), *outputs]), output, prediction, data_loss, leaf, {}, {}, steps,
            weights, carries,
        )  # fmt: skip

    def _steps(self, ids: Sequence[int]) -> dict[str, int]:
        """Return the steps with a name that the output needs and that change with the row."""
        graph = self.settled.graph
        named = {name: id for name, id in graph.named.items() if graph.nodes[id].op is not None}
        return {name: ids[id] for name, id in named.items() if ids[id] >= 0 and self.varies[id]}

    def begin(self, values: Mapping[str, NDArray]) -> None:
        """Take other first numbers for some parameters, by name."""
        self.parameters = [p._replace(first=values.get(p.name, p.first)) for p in self.parameters]

    def feed(self, inputs: NDArray, lengths: NDArray | None = None) -> dict[str, NDArray]:
        """Return the arrays of the leaves that rows come in by.

        Args:
            inputs: Shape (rows, *shape of a row).
            lengths: How many steps each has; None where all have all.
        Raises:
            ShapeError: where the program names a step, ``x[1]``, that the shortest has not.
        """
        if self.steps is None or (lengths is None and not self.reading.masks):
            return {INPUT: inputs}
        every = np.arange(inputs.shape[1])
        ends = np.full((len(inputs), 1), len(every)) if lengths is None else lengths[:, None]
        if ends.size and ends.min() < len(every):
            self.of_span(Span(int(ends.min()), True))  # padding would answer for what is not there
        return {INPUT: inputs, MASK: (every < ends) * 1.0, LAST: (every == ends - 1) * 1.0}


def _needed(graph: Graph, ends: Sequence[int]) -> list[bool]:
    return Graph(graph.source, graph.nodes, tuple(ends), graph.inputs, {}, graph.named).needed()


def _draw(name: str, drawn: Noise) -> Draw:
    return Draw(f"noise {name}", noise, 0.0) if drawn.dropout is None else dropping(name, drawn.dropout)


def _parameters(
    declared: Mapping[str, Declared], shapes: Mapping[str, Shape], model: layers.Model, seed: int
) -> Iterator[Parameter]:
    """Yield the parameters with first values; the k-th matrix draws what the k-th linear layer would."""
    matrices = count = 0
    for name in declared:
        shape, key, init = shapes[name], f"model.parameters.{name}", declared[name].init
        matrix = len(shape) == 2
        matrices += matrix
        count += prod(shape)
        if count > HIGHEST_PARAMETERS:
            raise ShapeError(
                key, f"{name} is {sides(shape)}: more than {HIGHEST_PARAMETERS:,} parameters in all"
            )
        if init == "auto":
            init = (model.init if model.init != "auto" else "glorot_uniform") if matrix else 0.0
        if isinstance(init, float | int | list):
            array = Array(name, shape, float(init) if not isinstance(init, list) else init)
            if isinstance(init, list) and np.shape(init) != shape:
                raise ShapeError(
                    f"{key}.init", f"{key}.init is {sides(np.shape(init))}, but its shape is {sides(shape)}"
                )
            first = given(name, array)
        else:
            fans = (shape[-1] if shape else 1, shape[0] if matrix else 1)
            first = drawn(
                init,
                Array(name, shape, init, fans=fans),
                stream(seed, f"init linear{matrices}" if matrix else f"init {name}"),
            )
        yield Parameter(name, shape, first, name not in (model.freeze or ()), penalised=matrix)
