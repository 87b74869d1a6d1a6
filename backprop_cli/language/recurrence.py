"""Recurrences as equations over steps: ``h[0] = 0; h[t+1] = tanh(W@x[t] + U@h[t]); y = w'@h[end]``.

Statements with ``[t]`` are a loop, in their order, over the steps t = 0, 1, ..., T - 1; how many there are
says what is indexed by ``t`` and is no statement of the loop: the row's inputs, a parameter. ``mean_t(...)``
and ``sum_t(...)`` are over all steps, ``h[end]`` is the last of a sequence, its name alone the list of all.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from ..errors import ExpressionError, Source
from ..graph import Graph
from ..ops import Shape
from .array_parser import OVER_STEPS, STACK, parse_arrays
from .operators import BINARY
from .parser import NAME_ITEM, NUMBER_ITEM, Item, Program, Statement
from .tokens import NAME

STEP, END = "t", "end"
MASK, LAST = "mask", "mask[end]"
"""Of sequences that may be shorter than there are steps: 1 at each step of one; 1 at its last one alone."""
MEAN, TOTAL = OVER_STEPS
MOST_STEPS = 10_000
PLUS, MINUS, TIMES, OVER = (BINARY[sign][1] for sign in "+-*/")

_HEAD = re.compile(rf"(?:^|(?<=[;\n]))[ \t]*({NAME})[ \t]*(\[[^\[\]=;\n]*\])[ \t]*=(?!=)")
_STEP = re.compile(rf"({NAME})\[(-?\d+)\]")
_OFFSET = re.compile(r"\[t(?:([+-])(\d+))?\]")


class Place(NamedTuple):
    """Which step of a sequence: ``t``, ``t+1``, or one of all: ``0``.

    Attributes:
        offset: From ``t``, or from the first one.
        moves: It is counted from ``t``.
    """

    offset: int
    moves: bool

    def at(self, t: int) -> int:
        """Return the step that it is where the loop is at ``t``."""
        return self.offset + t * self.moves


def _place(text: str) -> Place | None:
    text = text.replace(" ", "").replace("\t", "")
    found = _OFFSET.fullmatch(text)
    if found is not None:
        return Place(int((found[1] or "") + (found[2] or "0")), moves=True)
    return Place(int(text[1:-1]), moves=False) if re.fullmatch(r"\[-?\d+\]", text) else None


class Recurrence(NamedTuple):
    """A program in which some statements are equations over steps.

    Attributes:
        program: Its statements as they are written; the name of one over steps is that of the sequence.
        places: Of a statement over steps what it gives, by the statement's number.
        masked: Sequences may end before the last step; see `masked`.
        carried: What sequences begin with is given from outside: they go on from an earlier end.
    """

    program: Program
    places: Mapping[int, Place]
    masked: bool = False
    carried: bool = False

    @property
    def begun(self) -> dict[str, list[Item]]:
        """What sequences begin with, by name."""
        statements = self.program.statements
        return {str(statements[k].name): statements[k].items for k, p in self.places.items() if not p.moves}

    @property
    def sequences(self) -> dict[str, Place]:
        """What the loop gives at each step, by name."""
        statements = self.program.statements
        return {str(statements[k].name): place for k, place in self.places.items() if place.moves}

    def without(self, wrong: Collection[int]) -> Recurrence:
        """Return the program without some statements, and without those that need them."""
        statements = self.program.statements
        left, names = set(wrong), {statements[k].name for k in wrong}
        for _ in statements:  # a step may ask of one behind it
            for k, statement in enumerate(statements):
                if statement.name in names or names & {
                    i.text for i in statement.items if i.arity == NAME_ITEM
                }:
                    left.add(k)
                    names.add(statement.name)
        kept = [k for k in range(len(statements)) if k not in left]
        places = {at: self.places[k] for at, k in enumerate(kept) if k in self.places}
        program = Program(self.program.source, [statements[k] for k in kept])
        return self._replace(program=program, places=places)

    def step_of(self, name: str) -> int | None:
        """Return the step of the loop that gives ``h[3]``; -1 before the first, None of other names."""
        found = _STEP.fullmatch(name)
        first = self.sequences.get(found[1]) if found is not None else None
        return None if found is None or first is None else max(-1, int(found[2]) - first.offset)

    def steps(self, graph: Graph) -> list[int | None]:
        """Return for every node of a program that is written out the step of the loop that it belongs to."""
        steps: list[int | None] = []
        now = None
        for node in reversed(graph.nodes):  # what has no name leads to the next that has one
            if node.op is not None and node.name is not None:
                now = self.step_of(node.name)
            steps.append(None if node.op is None else now)
        return steps[::-1]


def read(source: Source, sizes: Mapping[str, int]) -> Recurrence:
    """Read a program that may have equations over steps.

    Raises:
        ExpressionError: with the place.
    """
    heads = {m.start(1): m for m in _HEAD.finditer(source.text)}
    text = source.text
    for match in heads.values():
        start, end = match.span(2)
        text = f"{text[:start]}{'_' * (end - start)}{text[end:]}"
    try:
        program = parse_arrays(Source(text), sizes=sizes, steps=True)
    except ExpressionError as error:
        error.source = source  # the texts are equally long
        raise
    statements, places = [], {}
    for k, statement in enumerate(program.statements):
        head = heads.get(statement.span[0])
        if head is not None:
            name, place = head[1], _place(head[2])
            if place is None or place.offset not in ((0, 1) if place.moves else (0, -1)):
                raise ExpressionError(
                    f"{name}{head[2]} is no step that a statement gives", source=source, span=head.span(2),
                    hint=f"{name}[t] = ..., or {name}[0] = 0; {name}[t+1] = ...",
                )  # fmt: skip
            places[k] = place
            statement = statement._replace(name=name)
        statements.append(statement)
    return Recurrence(Program(source, statements), places)


def masked(recurrence: Recurrence) -> Recurrence:
    """Return a recurrence for sequences that may end before the last step, as `MASK` and `LAST` say.

    What a sequence carries from step to step stays as it is from there on; ``mean_t`` and ``sum_t`` are over
    the steps that it has, and ``[end]`` is the last of them.
    """
    found = recurrence._replace(masked=True)
    made = [
        statement._replace(items=_carried(found, statement, found.places.get(k)))
        for k, statement in enumerate(found.program.statements)
    ]
    return found._replace(program=found.program._replace(statements=made))


def _carried(recurrence: Recurrence, statement: Statement, place: Place | None) -> list[Item]:
    """Return the list of a statement of `masked`: mask[t]*(what it was) + (1 - mask[t])*(what was before)."""
    items, end = _masked(recurrence, statement.items), statement.items[-1]
    if place is None or not place.moves or statement.name not in recurrence.begun:
        return items
    one = end._replace(text="1", arity=NUMBER_ITEM)
    before = _at(end, str(statement.name), place.offset - 1)
    return [
        *items, *_at(end, MASK), _sign(end, TIMES),
        one, *_at(end, MASK), _sign(end, MINUS), *before, _sign(end, TIMES), _sign(end, PLUS),
    ]  # fmt: skip


def _masked(recurrence: Recurrence, items: Sequence[Item]) -> list[Item]:
    """Return a list whose sums over steps are over those that a sequence has, and whose end is its own."""
    over, begun = _over_steps(items).values(), recurrence.begun
    found: list[Item] = []
    for k, item in enumerate(items):
        whole = item._replace(text=TOTAL)
        if k in over:
            found += [*_at(item, MASK), _sign(item, TIMES), whole]
            if item.text == MEAN:
                found += [*_at(item, MASK), whole, _sign(item, OVER)]
        elif item.text == f"[{END}]" and items[k - 1].arity == NAME_ITEM and items[k - 1].text not in begun:
            name = found.pop().text
            offset = recurrence.sequences[name].offset if name in recurrence.sequences else 0
            found += [*_at(item, name, offset), *_at(item, LAST), _sign(item, TIMES), whole]
        else:
            found.append(item)
    return found


def _at(item: Item, name: str, offset: int = 0) -> list[Item]:
    """Return a step of a sequence, where an item stands."""
    index = f"[{STEP}{offset:+}]" if offset else f"[{STEP}]"
    return [item._replace(text=name, arity=NAME_ITEM), item._replace(text=index, arity=1)]


def _sign(item: Item, sign: str) -> Item:
    return item._replace(text=sign, arity=2)


class Unrolling:
    """Writes a recurrence out, a statement a step.

    Args:
        recurrence: As it is read.
        shapes: Of what is no statement: inputs, targets, parameters.
    Attributes:
        length: How many steps there are; 0 where nothing is over steps.
        given: Steps that are given before the loop, with the names of their sequences.
    Raises:
        ExpressionError: where nothing says how many steps there are.
    """

    def __init__(self, recurrence: Recurrence, shapes: Mapping[str, Shape]) -> None:
        self.recurrence = recurrence
        self.source = recurrence.program.source
        self.sequences = recurrence.sequences
        statements, places = recurrence.program.statements, recurrence.places
        self.given = {(str(statements[k].name), p.offset) for k, p in places.items() if not p.moves}
        self._unequal: list[tuple[int, ExpressionError]] = []
        self.length = self._length(shapes)

    def faults(self) -> list[tuple[int, ExpressionError]]:
        """Return what is wrong with lengths and steps, each once, with the number of its statement."""
        found = {error.span: (k, error) for k, error in self._unequal}
        for k, statement in enumerate(self.recurrence.program.statements):
            place = self.recurrence.places.get(k)
            # what a step lacks, the first one does, or the last
            for t in (0, self.length - 1) if place is not None and place.moves else (None,):
                try:
                    self.items(statement.items, t)
                except ExpressionError as error:
                    found.setdefault(error.span, (k, error))
        return list(found.values())

    def _length(self, shapes: Mapping[str, Shape]) -> int:
        length, where = 0, ""
        for k, statement in enumerate(self.recurrence.program.statements):
            for named, item in pairwise(statement.items):
                name = named.text if named.arity == NAME_ITEM else ""
                if item.text != f"[{STEP}]" or name in self.sequences or not shapes.get(name):
                    continue
                found = shapes[name][0]
                if length and found != length:
                    said = f"t has two lengths: {length} in {where}[t], {found} in {name}[t]"
                    self._unequal.append((k, self.error(said, item)))
                    continue
                length, where = found, name
        if not length and self.recurrence.places:
            first = self.recurrence.program.statements[next(iter(self.recurrence.places))]
            raise ExpressionError(
                "nothing says how many steps there are: no x[t]", source=self.source, span=first.span,
                hint="x[t] is a row of x, where data.shape is [steps, numbers]",
            )  # fmt: skip
        if length > MOST_STEPS:
            raise ExpressionError(f"{length:,} steps are more than {MOST_STEPS:,}", source=self.source)
        return length

    def error(self, message: str, item: Item, hint: str | None = None) -> ExpressionError:
        """Return an error at an item."""
        return ExpressionError(message, source=self.source, span=(item.start, item.end), hint=hint)

    def program(self, first: Mapping[str, Shape], wanted: Sequence[str] = (), mean: str = "") -> Program:
        """Return the program with every step written out; those of h are called ``h[0]``, ``h[1]``, ...

        Args:
            first: Shapes of the sequences that begin with one number for all of theirs.
            wanted: Sequences that are wanted as lists of all steps, under their own names.
            mean: A sequence that is wanted as the mean of its steps.
        """
        statements: list[Statement] = []
        loop: list[tuple[Statement, Place]] = []
        for k, statement in enumerate(self.recurrence.program.statements):
            place, name = self.recurrence.places.get(k), str(statement.name)
            if place is not None and place.moves:
                loop.append((statement, place))
                continue
            if place is not None and self.recurrence.carried:
                continue
            if place is None:
                statements += self._loop(loop, wanted, mean)
                loop = []
                statements.append(statement._replace(items=self.items(statement.items, None)))
            else:
                items = _spread(self.items(statement.items, None), first.get(name, ()))
                statements.append(statement._replace(name=f"{name}[{place.offset}]", items=items))
        statements += self._loop(loop, wanted, mean)
        return Program(self.source, statements)

    def _loop(
        self, loop: Sequence[tuple[Statement, Place]], wanted: Sequence[str], mean: str
    ) -> Iterator[Statement]:
        """Yield the statements of a loop step by step, then what is wanted of its sequences as a whole."""
        for t in range(self.length if loop else 0):
            for statement, place in loop:
                name = f"{statement.name}[{place.at(t)}]"
                yield statement._replace(name=name, items=self.items(statement.items, t))
        for statement, _ in loop:
            at = Item(str(statement.name), NAME_ITEM, *statement.span)
            if at.text == mean:
                items = [*_at(at, at.text, self.sequences[at.text].offset), at._replace(text=MEAN, arity=1)]
                if self.recurrence.masked:
                    items = _masked(self.recurrence, items)
                yield statement._replace(items=self.items(items, None))
            elif at.text in wanted:
                yield statement._replace(items=self.all_steps(at))

    def items(self, items: Sequence[Item], t: int | None) -> list[Item]:
        """Return a statement's list at a step; None outside of the loop."""
        over = _over_steps(items)
        stack: list[list[Item]] = []
        at = 0
        while at < len(items):
            if at in over:
                end = over[at]
                if t is not None:
                    raise self.error(
                        f"{items[end].text}(...) is over all steps, and stands in one", items[end]
                    )
                every = [self.items(items[at:end], step) for step in range(self.length)]
                stack.append(_summed(every, items[end]))
                at = end + 1
                continue
            item = items[at]
            at += 1
            if item.arity == NAME_ITEM and item.text in self.sequences and not _is_place(items[at : at + 1]):
                stack.append(self.all_steps(item))
            elif item.arity in (NAME_ITEM, NUMBER_ITEM):
                stack.append([item])
            else:
                operands = stack[len(stack) - item.arity :]
                del stack[len(stack) - item.arity :]
                if _is_place([item]):
                    stack.append(self._indexed(operands[0], item, t))
                else:
                    stack.append([*(x for operand in operands for x in operand), item])
        return stack[0]

    def _indexed(self, operand: list[Item], item: Item, t: int | None) -> list[Item]:
        """Return what an index of steps picks."""
        name = operand[0].text if len(operand) == 1 and operand[0].arity == NAME_ITEM else ""
        place = _place(item.text)
        if place is not None and place.moves and t is None:
            some = name or "x"
            raise self.error(
                f"{some}{item.text} stands outside of a loop",
                item,
                f"mean_t({some}{item.text}), or {some}[end]",
            )
        step = None if place is None else place.at(t or 0)
        if name not in self.sequences:
            if place is not None and place.moves and not 0 <= place.at(t or 0) < self.length:
                raise self.error(f"there is no {name}[{step}], which {name}{item.text} is at t = {t}", item)
            return [*operand, item._replace(text=f"[{-1 if step is None else step}]")]
        first = self.sequences[name].offset
        if step is None:
            step = first + self.length - 1
        if not first <= step < first + self.length and (name, step) not in self.given:
            whole = (
                f"{name}{item.text} at t = {t} needs {name}[{step}]"
                if t is not None
                else f"there is no {name}[{step}]"
            )
            begins = f"{name}[{step}] = 0 is what it begins with" if step == first - 1 else None
            raise self.error(whole, item, begins)
        return [Item(f"{name}[{step}]", NAME_ITEM, operand[0].start, item.end)]

    def _every(self, name: Item) -> list[list[Item]]:
        first = self.sequences[name.text].offset
        return [[name._replace(text=f"{name.text}[{first + t}]")] for t in range(self.length)]

    def all_steps(self, name: Item) -> list[Item]:
        """Return a sequence as the list of its steps."""
        every = [x for items in self._every(name) for x in items]
        return [*every, Item(STACK, len(every), name.start, name.end)]


def _is_place(items: Sequence[Item]) -> bool:
    """Whether an item is an index of steps."""
    return (
        bool(items)
        and items[0].arity == 1
        and (items[0].text == f"[{END}]" or _place(items[0].text) is not None)
    )


def _over_steps(items: Sequence[Item]) -> dict[int, int]:
    """Return where the operands of ``mean_t`` and ``sum_t`` begin, and where these stand; the outer ones."""
    starts: list[int] = []
    found: dict[int, int] = {}
    for at, item in enumerate(items):
        if item.arity < 0:
            starts.append(at)
            continue
        del starts[len(starts) - item.arity + 1 :]
        if item.text in (MEAN, TOTAL):
            found[starts[-1]] = at
    return found


def _summed(every: Sequence[list[Item]], over: Item) -> list[Item]:
    """Return the sum over steps, or the mean."""
    found = list(every[0])
    for items in every[1:]:
        found += [*items, over._replace(text=PLUS, arity=2)]
    if over.text == MEAN:
        found += [
            over._replace(text=str(len(every)), arity=NUMBER_ITEM),
            over._replace(text=OVER, arity=2),
        ]
    return found


def _spread(items: list[Item], shape: Shape) -> list[Item]:
    """Return a number as an array of a shape, every one of its numbers."""
    if not shape:
        return items
    start, end = items[0].start, items[-1].end
    sizes = [Item(str(n), NUMBER_ITEM, start, end) for n in shape]
    return [*items, *sizes, Item("ones", len(sizes), start, end), Item(TIMES, 2, start, end)]
