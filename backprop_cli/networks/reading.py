"""A network's program as it is written: its statements, its parameters and sizes, the shapes of its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import NamedTuple

from ..errors import BackpropError, ExpressionError, Source, Span, nearest
from ..graph import Graph
from ..language.array_parser import parse_arrays, whole_number
from ..language.parser import NAME_ITEM, Program
from ..language.settle import Settled, settle
from ..language.settle import shape_of as shape_of_list
from ..ops import Shape
from . import layers
from .layers.kind import rows
from .layers.places import HIGHEST_ROW, ShapeError
from .layers.weights import Declared

KEY = "model.program"
INPUT = "x"
TARGETS = ("y", "t")
"""What a program may call its targets; the first where it is no name of the program's own."""

OUTPUTS = ("logits", "y")
"""What a program may call its output; without either the output is the last statement."""

LOSS = "loss"
SIZES = ("inputs", "outputs")
"""Sizes that the data gives: numbers of a row's inputs, and of its targets."""


class Reading(NamedTuple):
    """A program as it is read, before the data is known.

    Attributes:
        program: Its statements.
        declared: Its parameters.
        sizes: Its lengths, those of `SIZES` as far as nothing else has their name.
    """

    program: Program
    declared: Mapping[str, Declared]
    sizes: Mapping[str, int]

    @property
    def assigned(self) -> dict[str, Span]:
        """The names of its statements, and where."""
        return {s.name: s.span for s in self.program.statements if s.name is not None}

    @property
    def has_loss(self) -> bool:
        """Whether it has a loss of its own."""
        return LOSS in self.assigned

    @property
    def free(self) -> dict[str, Span]:
        """The names that it does not assign itself, each where it is first read."""
        found: dict[str, Span] = {}
        for statement in self.program.statements:
            for item in statement.items:
                if item.arity == NAME_ITEM and item.text not in self.assigned:
                    found.setdefault(item.text, (item.start, item.end))
        return found

    @property
    def target(self) -> str | None:
        """What it calls its targets; None where it has none."""
        return next((name for name in TARGETS if name in self.free and name not in self.declared), None)

    def faults(self) -> Iterator[tuple[str, BackpropError]]:
        """Yield what is wrong whatever the data is, each with the key that it is about."""
        source, assigned, free = self.program.source, self.assigned, self.free
        known = [INPUT, *TARGETS, *self.declared]
        for name, span in assigned.items():
            what = "the row's inputs" if name == INPUT else "a parameter" if name in self.declared else ""
            what = "one of model.dims" if name in self.sizes and name not in SIZES else what
            if what:
                message = f"{name} is {what}: a statement has another name"
                yield KEY, ExpressionError(message, source=source, span=(span[0], span[0] + len(name)))
        for name, span in free.items():
            if name not in known:
                close = nearest(name, [*known, *assigned])
                declares = f"model.parameters: {{{name}: [4]}} declares it"
                yield (
                    KEY,
                    ExpressionError(
                        f"{name} is no parameter and no statement",
                        source=source,
                        span=span,
                        hint=f"did you mean {close}?" if close else declares,
                    ),
                )
        both = [name for name in TARGETS if name in free and name not in self.declared]
        if len(both) > 1:
            message = f"{' and '.join(both)} would both be the targets"
            yield (
                KEY,
                ExpressionError(message, source=source, span=free[both[1]], hint="use one of the names"),
            )
        if INPUT not in free:
            end = len(source.text.rstrip())
            yield (
                KEY,
                ExpressionError(
                    "the program has no x: no row's inputs", source=source, span=(max(0, end - 1), end)
                ),
            )
        if INPUT in self.declared:
            yield f"model.parameters.{INPUT}", ExpressionError(f"{INPUT} is the row's inputs, no parameter")
        for name in self.declared:
            if name not in free and name not in assigned:
                close = nearest(name, [n for n in free if n not in known])
                hint = f"did you mean {close}?" if close else None
                yield (
                    f"model.parameters.{name}",
                    ExpressionError(f"the parameter {name} is not in the program", hint=hint),
                )
        if not self.declared:
            yield (
                "model",
                ExpressionError(
                    "a program needs model.parameters: what is trained",
                    hint="parameters: {W: [outputs, inputs]}",
                ),
            )


def read(model: layers.Model, inputs: int = 1, outputs: int = 1, more: str = "") -> Reading:
    """Read a model's program.

    Args:
        model: The ``model`` section.
        inputs: Numbers of a row; where the data is not known, any.
        outputs: Numbers of its targets.
        more: Statements that follow those of the program.
    Raises:
        ExpressionError: for what cannot be read.
        ShapeError: for a size that is none.
    """
    text = model.program or ""
    source = Source(f"{text.rstrip()}\n{more}" if more else text)
    declared = {name: Declared.of(value) for name, value in (model.parameters or {}).items()}
    sizes = dict(zip(SIZES, (inputs, outputs), strict=True))
    for name, size in (model.dims or {}).items():
        sizes[name] = _size(f"model.dims.{name}", size, sizes)
    plain = parse_arrays(source, sizes=sizes)
    taken = {*declared, *(s.name for s in plain.statements)}
    sizes = {name: n for name, n in sizes.items() if name not in SIZES or name not in taken}
    return Reading(parse_arrays(source, sizes=sizes), declared, sizes)


def _size(key: str, size: int | str, sizes: Mapping[str, int]) -> int:
    try:
        found = size if isinstance(size, int) else whole_number(size, sizes)
    except BackpropError as error:
        raise ShapeError(key, f"{key}: {error.message}", f"sizes: {', '.join(sizes)}") from None
    if not 1 <= found <= HIGHEST_ROW:
        raise ShapeError(key, f"{key} must be from 1 to {HIGHEST_ROW:,}, not {found}")
    return found


def shape_of(name: str, declared: Declared, sizes: Mapping[str, int]) -> Shape:
    """Return the shape of a parameter.

    Raises:
        ShapeError: for a size that is none.
    """
    key = f"model.parameters.{name}"
    if declared.shape is None:
        return shape_of_list(declared.init) if isinstance(declared.init, list) else ()
    lengths = declared.shape if isinstance(declared.shape, list) else [declared.shape]
    if len(lengths) > 2:
        raise ShapeError(key, f"{key} has {len(lengths)} axes: an array has rows and columns, no more")
    return tuple(_size(key, length, sizes) for length in lengths)


def settled(reading: Reading, shapes: Mapping[str, Shape], shape: Shape, outputs: int) -> Settled:
    """Find the shape of every step for one row.

    Raises:
        ShapeError: for steps whose operands do not go together, all of them.
    """
    if len(shape) > 2:
        raise ShapeError(
            KEY,
            f"a program takes rows that are vectors or matrices, not {rows(shape)}",
            "data.shape: [" + str(prod(shape)) + "]",
        )
    given = {**shapes, INPUT: shape}
    if reading.target is not None and outputs > 1:
        given[reading.target] = (outputs,)
    faults: list[BackpropError] = []
    bound = [*given, *TARGETS]
    try:
        found = settle(reading.program, {n: s for n, s in given.items() if s}, bound, faults=faults)
    except BackpropError as error:
        faults = [error]
    if faults:
        first = faults[0]
        every = [ShapeError(KEY, e.message, e.hint, source=e.source, span=e.span) for e in faults]
        raise ShapeError(KEY, first.message, first.hint, faults=every)
    return found


def output_of(reading: Reading, graph: Graph) -> int:
    """Return the step that gives the outputs: ``logits``, ``y``, else the last one that asks no target."""
    for name in OUTPUTS:
        if name in reading.assigned:
            return graph.named[name]
    if not reading.has_loss:
        return graph.output
    asks = graph.depends_on(
        [graph.inputs[n] for n in TARGETS if n in graph.inputs and n not in reading.declared]
    )
    steps = [graph.named[name] for name in reading.assigned if name != LOSS and not asks[graph.named[name]]]
    if not steps:
        raise ShapeError(
            KEY, "the program has a loss, but no statement is its output", "logits = ... before the loss",
            source=reading.program.source, span=graph.nodes[graph.named[LOSS]].span,
        )  # fmt: skip
    return max(steps)


def width(model: layers.Model, shape: Shape, outputs: int) -> int | None:
    """Return how many numbers a program gives for a row; None where it is wrong.

    Args:
        model: The ``model`` section, with a program.
        shape: Of one row of inputs.
        outputs: What its size of that name is.
    """
    try:
        reading = read(model, prod(shape), outputs)
        shapes = {name: shape_of(name, d, reading.sizes) for name, d in reading.declared.items()}
        graph = settled(reading, shapes, shape, outputs).graph
        return prod(graph.nodes[output_of(reading, graph)].shape)
    except BackpropError:
        return None
