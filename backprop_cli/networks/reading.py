"""A network's program as it is written: its statements, its parameters and sizes, the shapes of its steps."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from math import prod
from typing import NamedTuple

from ..errors import BackpropError, ExpressionError, Source, Span, nearest
from ..graph import Graph
from ..language import recurrence
from ..language.array_parser import whole_number
from ..language.operators import CONSTANTS
from ..language.parser import NAME_ITEM, NUMBER_ITEM, Program
from ..language.recurrence import LAST, MASK, STEP, Recurrence, Unrolling
from ..language.settle import Settled, settle
from ..language.settle import shape_of as shape_of_list
from ..language.tokens import NAME
from ..ops import Shape
from . import layers
from .layers.kind import rows
from .layers.places import HIGHEST_ROW, ShapeError
from .layers.weights import Declared
from .layers.writing import LENGTH, STEPS

KEY = "model.program"
INPUT = "x"
TARGETS = ("y", "t")
"""What a program may call its targets; the first where it is no name of the program's own."""

OUTPUTS = ("logits", "y")
"""What a program may call its output; without either the output is the last statement."""

LOSS = "loss"
SIZES = ("inputs", "outputs", STEPS, LENGTH, "vocabulary")
"""Sizes that the data gives: numbers of a row's inputs, and of its targets; of sequences how many steps a row
has at most (its inputs and targets are then those of a step) and how many the longest of a batch, and of how
many kinds of signs they are."""


class Steps(NamedTuple):
    """What a row is besides its shape, where it is a sequence.

    Attributes:
        sizes: Of `SIZES` those that sequences have, or have otherwise.
        each: Every step has targets of its own; else the row has.
        masked: It may end before the last step, as `recurrence.MASK` says.
        carried: What it begins with where it goes on from an earlier end, ``h[0]``, with the shapes.
    """

    sizes: Mapping[str, int]
    each: bool
    masked: bool = False
    carried: Mapping[str, Shape] | None = None


class Reading(NamedTuple):
    """A program as it is read, before the data is known.

    Attributes:
        recurrence: Its statements, some of them over steps.
        declared: Its parameters.
        noise: The names of what is drawn for each row.
        sizes: Its lengths, those of `SIZES` as far as nothing else has their name.
        steps: Of rows that are sequences.
    """

    recurrence: Recurrence
    declared: Mapping[str, Declared]
    noise: Collection[str]
    sizes: Mapping[str, int]
    steps: Steps | None = None

    @property
    def program(self) -> Program:
        """Its statements as they are written."""
        return self.recurrence.program

    @property
    def assigned(self) -> dict[str, Span]:
        """The names of its statements, and where."""
        return {s.name: s.span for s in self.program.statements if s.name is not None and s.params is None}

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
                if item.arity == NAME_ITEM and item.text not in {*self.assigned, *(statement.params or ())}:
                    found.setdefault(item.text, (item.start, item.end))
        return found

    @property
    def masks(self) -> list[str]:
        """What it asks of which steps a sequence has."""
        return [name for name in (MASK, LAST) if self.steps is not None and name in self.free]

    @property
    def target(self) -> str | None:
        """What it calls its targets; None where it has none."""
        return next(iter(self._asked()), None)

    def _asked(self) -> list[str]:
        """Return the names of targets that it reads."""
        return [name for name in TARGETS if name in self.free and name not in {*self.declared, *self.noise}]

    @property
    def output(self) -> str | None:
        """What its output is called: logits or y, else the last statement that needs no target.

        None where that has no name, or where there is a loss alone.
        """
        for name in OUTPUTS:
            if name in self.assigned:
                return name
        last = self.program.statements[-1]
        if not self.has_loss or last.name is None:
            return last.name
        asking = {LOSS, self.target}
        for _ in self.recurrence.sequences or [""]:  # a step may ask of one before it
            for statement in self.program.statements:
                if asking & {item.text for item in statement.items if item.arity == NAME_ITEM}:
                    asking.add(statement.name)
        return next((s.name for s in reversed(self.program.statements) if s.name not in asking), None)

    def faults(self) -> Iterator[tuple[str, BackpropError]]:
        """Yield what is wrong whatever the data is, each with the key that it is about."""
        source, assigned, free = self.program.source, self.assigned, self.free
        known = [INPUT, *TARGETS, *self.masks, *self.declared, *self.noise, *CONSTANTS]
        last = self.program.statements[-1]
        if last.params is not None:
            yield (
                KEY,
                ExpressionError(
                    "the last statement is the output, no function", source=source, span=last.span
                ),
            )
        for name, span in assigned.items():
            what = "the row's inputs" if name == INPUT else "a parameter" if name in self.declared else ""
            what = "noise" if name in self.noise else what
            what = "one of model.dims" if name in self.sizes and name not in SIZES else what
            what = "which steps a sequence has" if name == MASK and self.steps is not None else what
            if what:
                message = f"{name} is {what}: a statement has another name"
                yield KEY, ExpressionError(message, source=source, span=(span[0], span[0] + len(name)))
        for name, span in free.items():
            if name not in known:
                close = nearest(name, [*known, *assigned])
                declares = f"model.parameters: {{{name}: [4]}} declares it"
                if source.text[span[0] - 1 : span[0]] == "[":
                    close, declares = None, "steps are counted by t: x[t]"
                yield (
                    KEY,
                    ExpressionError(
                        f"{name} is no parameter and no statement",
                        source=source,
                        span=span,
                        hint=f"did you mean {close}?" if close else declares,
                    ),
                )
        both = self._asked()
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
        given = {INPUT: "the row's inputs"} | ({MASK: "which steps a sequence has"} if self.steps else {})
        for name, what in given.items():
            if name in self.declared:
                yield f"model.parameters.{name}", ExpressionError(f"{name} is {what}, no parameter")
        for name in self.noise:
            if name == INPUT or name in self.declared:
                what = "the row's inputs" if name == INPUT else "a parameter"
                yield f"model.noise.{name}", ExpressionError(f"{name} is {what}, no noise")
        named = [("parameters", "parameter", self.declared), ("noise", "noise", self.noise)]
        for key, what, name in [(key, what, name) for key, what, names in named for name in names]:
            if name not in free and name not in assigned:
                close = nearest(name, [n for n in free if n not in known])
                hint = f"did you mean {close}?" if close else None
                yield (
                    f"model.{key}.{name}",
                    ExpressionError(f"the {what} {name} is not in the program", hint=hint),
                )
        if not self.declared:
            yield (
                "model",
                ExpressionError(
                    "a program needs model.parameters: what is trained",
                    hint="parameters: {W: [outputs, inputs]}",
                ),
            )


def read(
    model: layers.Model, inputs: int = 1, outputs: int = 1, more: str = "", steps: Steps | None = None
) -> Reading:
    """Read a model's program.

    Args:
        model: The ``model`` section.
        inputs: Numbers of a row; where the data is not known, any.
        outputs: Numbers of its targets.
        more: Statements that follow those of the program.
        steps: Of rows that are sequences.
    Raises:
        ExpressionError: for what cannot be read.
        ShapeError: for a size that is none.
    """
    text = model.program or ""
    source = Source(f"{text.rstrip()}\n{more}" if more else text)
    declared = {name: Declared.of(value) for name, value in (model.parameters or {}).items()}
    sizes = {"inputs": inputs, "outputs": outputs, **(steps.sizes if steps else {})}
    waiting = dict(model.dims or {})
    while waiting:  # one may be said by others, in any order
        ready = (n for n, size in waiting.items() if not {*re.findall(NAME, str(size))} & waiting.keys())
        name = next(ready, next(iter(waiting)))
        sizes[name] = _size(f"model.dims.{name}", waiting.pop(name), sizes)
    plain = recurrence.read(source, sizes)
    noise = model.noise or {}
    taken = {*declared, *noise, *(s.name for s in plain.program.statements)}
    sizes = {name: n for name, n in sizes.items() if name not in SIZES or name not in taken}
    found = recurrence.read(source, sizes)
    if steps is not None and steps.masked:
        found = recurrence.masked(found)
    if steps is not None and steps.carried is not None:
        found = found._replace(carried=True)
    return Reading(found, declared, noise, sizes, steps)


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
    if isinstance(declared.init, list):
        lists = [x if isinstance(x, list) else [x] for x in declared.init]
        alike = len({isinstance(x, list) for x in declared.init}) == 1
        if not lists or not lists[0] or not alike or len({*map(len, lists)}) > 1:
            raise ShapeError(
                f"{key}.init", f"{key}.init is a list of numbers, or of lists of numbers of one length"
            )
    if declared.shape is None:
        return shape_of_list(declared.init) if isinstance(declared.init, list) else ()
    return _lengths(key, declared.shape, sizes)


def shapes_of(reading: Reading, model: layers.Model) -> dict[str, Shape]:
    """Return the shapes of a program's parameters, and of its noise for a row.

    Raises:
        ShapeError: for a size that is none.
    """
    found = {name: shape_of(name, declared, reading.sizes) for name, declared in reading.declared.items()}
    drawn = {
        name: () if x.shape is None else _lengths(f"model.noise.{name}", x.shape, reading.sizes)
        for name, x in model.drawn.items()
    }
    return drawn | found


def _lengths(key: str, shape: list[int | str] | int | str, sizes: Mapping[str, int]) -> Shape:
    lengths = shape if isinstance(shape, list) else [shape]
    if len(lengths) > 2:
        raise ShapeError(key, f"{key} has {len(lengths)} axes: an array has rows and columns, no more")
    return tuple(_size(key, length, sizes) for length in lengths)


def settled(
    reading: Reading, shapes: Mapping[str, Shape], shape: Shape, outputs: int, steps: Steps | None = None
) -> Settled:
    """Find the shape of every step for one row.

    Args:
        reading: The program.
        shapes: Of its parameters and its noise.
        shape: Of a row of inputs.
        outputs: Numbers of its targets.
    Raises:
        ShapeError: for steps whose operands do not go together, all of them.
    """
    if len(shape) > 2:
        raise ShapeError(
            KEY,
            f"a program takes rows that are vectors or matrices, not {rows(shape)}",
            "data.shape: [" + str(prod(shape)) + "]",
        )
    carried = (steps.carried if steps is not None else None) or {}
    given = {**shapes, INPUT: shape} | dict.fromkeys(reading.masks, shape[:1]) | {**carried}
    if reading.target is not None:
        given[reading.target] = _of_target(shape, outputs, steps)
    faults: list[BackpropError] = []
    wrong: list[tuple[int, ExpressionError]] = []
    try:
        unrolling = Unrolling(reading.recurrence, {**_before_loops(reading, given), **given})
        wrong = unrolling.faults()
        if wrong:  # what does not need these statements may be wrong, too
            reading = reading._replace(recurrence=reading.recurrence.without([k for k, _ in wrong]))
            if not reading.program.statements:
                raise wrong[0][1]
            unrolling = Unrolling(reading.recurrence, given)
        begins = _first_shapes(reading, unrolling, given) if unrolling.length and not carried else {}
        found = settled_as(reading, unrolling, given, begins, faults)
    except BackpropError as error:
        faults = faults or [error] * (not wrong)
    faults = [*(error for _, error in wrong), *faults]
    faults = list({(e.message, e.span): e for e in faults}.values())  # every step has the same
    if not faults and not carried:
        faults = list(_changing(reading, found))
    if faults:
        first = faults[0]
        every = [
            # no option of a command lifts the limit here
            ShapeError(
                KEY, e.message, None if "--large" in (e.hint or "") else e.hint, source=e.source, span=e.span
            )
            for e in faults
        ]
        raise ShapeError(KEY, first.message, first.hint, faults=every)
    return found


def _of_target(shape: Shape, outputs: int, steps: Steps | None) -> Shape:
    """Return the shape of a row's targets, as the program has them."""
    return (shape[:1] if steps is not None and steps.each else ()) + ((outputs,) if outputs > 1 else ())


def _before_loops(reading: Reading, given: Mapping[str, Shape]) -> dict[str, Shape]:
    """Return the shapes of the statements before the first over steps: their z[t] says how many these are."""
    places, statements = reading.recurrence.places, reading.program.statements
    over = (k for k, s in enumerate(statements) if k in places or any(i.text == f"[{STEP}]" for i in s.items))
    program = Program(reading.program.source, statements[: next(over, 0)])
    if not program.statements:
        return {}
    shapes = {name: shape for name, shape in given.items() if shape}
    graph = settle(program, shapes, [*given, *TARGETS], faults=[], fixed=True).graph
    return {name: graph.nodes[id].shape for name, id in graph.named.items()}


def settled_as(
    reading: Reading,
    unrolling: Unrolling,
    given: Mapping[str, Shape],
    first: Mapping[str, Shape],
    faults: list[BackpropError],
) -> Settled:
    """Return a program with its steps written out, and their shapes."""
    program = unrolling.program(first, [reading.output or ""], LOSS)
    return settle(
        program, {n: s for n, s in given.items() if s}, [*given, *TARGETS], faults=faults, fixed=True
    )


def _first_shapes(reading: Reading, unrolling: Unrolling, given: Mapping[str, Shape]) -> dict[str, Shape]:
    """Return the shapes of the sequences that begin with a number alone, ``h[0] = 0``: those they go on with.

    ``W@h[t]`` says what h is; what nothing says begins as a number, and takes the shape of what follows.
    """
    recurrence = reading.recurrence
    plain = [name for name, items in recurrence.begun.items() if all(i.arity == NUMBER_ITEM for i in items)]
    found: dict[str, Shape] = dict.fromkeys(plain, ())
    for statement in reading.program.statements:
        items = statement.items
        for matrix, read, _, sign in zip(items, items[1:], items[2:], items[3:], strict=False):
            if sign.text == "@" and read.text in found and len(given.get(matrix.text, ())) == 2:
                found[read.text] = given[matrix.text][1:]
    length, unrolling.length = unrolling.length, 1
    for _ in range(len(found) + 1):
        graph = settled_as(reading, unrolling, given, found, []).graph
        before = dict(found)
        for name in plain:
            after = (
                graph.named.get(f"{name}[{recurrence.sequences[name].offset}]")
                if name in recurrence.sequences
                else None
            )
            if after is not None:
                found[name] = graph.nodes[after].shape
        if found == before:
            break
    unrolling.length = length
    return found


def _changing(reading: Reading, found: Settled) -> Iterator[ExpressionError]:
    """Yield what sequences begin with that has another shape than what they go on with."""
    named = found.graph.named
    for k, place in reading.recurrence.places.items():
        statement = reading.program.statements[k]
        name = str(statement.name)
        if place.moves or name not in reading.recurrence.sequences:
            continue
        begins = named[f"{name}[{place.offset}]"]
        goes_on = named[f"{name}[{reading.recurrence.sequences[name].offset}]"]
        if found.kinds[begins] != found.kinds[goes_on]:
            yield ExpressionError(
                f"{name} begins with {found.kinds[begins]} and goes on with {found.kinds[goes_on]}",
                source=reading.program.source, span=statement.span,
            )  # fmt: skip


def output_of(reading: Reading, graph: Graph) -> int:
    """Return the step that gives the outputs.

    Raises:
        ShapeError: where there is a loss alone.
    """
    name = reading.output
    if name is None and reading.program.statements[-1].name is not None:
        raise ShapeError(
            KEY, "the program has a loss, but no statement is its output", "logits = ... before the loss",
            source=reading.program.source, span=graph.nodes[graph.named[LOSS]].span,
        )  # fmt: skip
    return graph.output if name is None else graph.named[name]


def width(model: layers.Model, shape: Shape, outputs: int, steps: Steps | None = None) -> int | None:
    """Return how many numbers a program gives for a row's targets; None where it is wrong.

    Args:
        model: The ``model`` section, with a program.
        shape: Of one row of inputs.
        outputs: What its size of that name is.
        steps: Of rows that are sequences.
    """
    try:
        reading = read(model, prod(shape), outputs, steps=steps)
        graph = settled(reading, shapes_of(reading, model), shape, outputs, steps).graph
        found = graph.nodes[output_of(reading, graph)].shape
        return prod(found[1:] if steps is not None and steps.each else found)
    except BackpropError:
        return None
