"""Claims about arrays: a quantity or a part of it on the left, an array or a matrix formula on the right."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..engine.unroll import place_text
from ..errors import BackpropError, ExpressionError, Source
from ..graph import Graph
from ..language.array_parser import STACK, parse_arrays
from ..language.fold import fold
from ..language.lower import lower
from ..language.parser import NAME_ITEM, Item, Program, parse
from ..language.settle import Settled, settle, shape_of
from ..language.tokens import is_array_text
from ..ops import PRIMITIVES, Shape
from ..tables.matrix import read_matrix
from .answers import (
    TEXT_LIMIT,
    UNDEFINED,
    Answer,
    names_of,
    read_answer,
    read_target,
    shortened,
    told_in_quotients,
    unknown,
)
from .array_spelling import array_readings, is_list

NDArray = npt.NDArray[Any]
_PLACE = re.compile(r"\[(-?[0-9]+(?:,-?[0-9]+)*)\]")
_EMPTY = lower(parse("0"))


class ArrayTarget(NamedTuple):
    """A quantity of a program with arrays, or a part of one.

    Attributes:
        text: As it is shown, ``dL/dW``, ``dL/dW[0,1]``.
        of: Node whose value or slope it is.
        by: Nodes to differentiate by: none for a value, two for the second order.
        whole: Shape of the quantity: the axes of ``of``, then those of ``by``.
        place: Which part of it, along its first axes.
    """

    text: str
    of: int
    by: tuple[int, ...]
    whole: Shape
    place: tuple[int, ...] = ()

    @property
    def shape(self) -> Shape:
        """Of what is claimed."""
        return self.whole[len(self.place) :]

    @property
    def quantity(self) -> tuple[int, tuple[int, ...]]:
        """The quantity that it is, or is a part of."""
        return self.of, self.by


def read_array_target(text: str, graph: Graph) -> ArrayTarget:
    """Read the left side of a claim.

    Raises:
        ExpressionError: for a quantity that the program does not have, and for places outside of it.
    """
    plain = "".join(text.split())[: TEXT_LIMIT + 1]
    above, slash, below = plain.partition("/")
    places = [tuple(int(k) for m in _PLACE.findall(part) for k in m.split(",")) for part in (above, below)]
    bare = [_PLACE.sub("", part) for part in (above, below)]
    found = read_target(bare[0] + slash + bare[1], graph)
    of, by = graph.nodes[found.of].shape, [graph.nodes[i].shape for i in found.by]
    whole = (*of, *(n for shape in by for n in shape))
    if not slash and found.by:
        places.reverse()  # W[0,1] is a number of dL/dW
    if places[1] and len(places[0]) < len(of):
        raise ExpressionError(
            f"{shortened(plain)} does not say which number of {graph.own_name(found.of)}",
            hint=f"d{graph.own_name(found.of)}{place_text([0] * len(of))}/d...",
        )
    place = (*places[0], *places[1])
    if len(places[0]) > len(of) or len(place) > len(whole):
        raise ExpressionError(f"{shortened(plain)}: too many indices for an array of {_size(whole)}")
    for k, n in zip(place, whole, strict=False):
        if not -n <= k < n:
            raise ExpressionError(f"index {k} of {shortened(plain)} is outside: it goes from 0 to {n - 1}")
    place = tuple(k % n for k, n in zip(place, whole, strict=False))
    over, slash, under = found.text.partition("/")
    shown = over + place_text(place[: len(of)]) + slash + under + place_text(place[len(of) :])
    target = ArrayTarget(shown, found.of, found.by, whole, place)
    if len(target.shape) > 2:
        first = over + place_text([0] * len(of)) + slash + under
        raise ExpressionError(
            f"{shown} has {len(whole)} axes: it is no array that can be written",
            hint=f"claim a part of it: {first if of else shown + place_text([0] * (len(whole) - 1))}",
        )
    return target


def _size(shape: Shape) -> str:
    return "x".join(map(str, shape)) or "one number"


class ArrayAnswer(NamedTuple):
    """An array of numbers or a formula, as somebody wrote it.

    Attributes:
        text: As written.
        entries: Its numbers in the order of their rows; None for a formula.
        formula: Over the program's names; None for numbers.
        names: The names in the formula, and the program's node for each.
        slopes: The derivatives of the output in it, ``dL_dz`` for ``dL/dz``, and the step of each.
        shape: Of its value; None for the claim that there is no such number, and where operands clash.
        clash: Why the formula's operands do not go together.
        read_as: How it was read, where it is not in our language.
    """

    text: str
    entries: tuple[Answer, ...] | None = None
    formula: Settled | None = None
    names: Mapping[str, int] = MappingProxyType({})
    slopes: Mapping[str, int] = MappingProxyType({})
    shape: Shape | None = None
    clash: ExpressionError | None = None
    read_as: str | None = None
    members: tuple[Answer, ...] = ()

    @property
    def values(self) -> NDArray:
        """The numbers of an array that is written out."""
        assert self.entries is not None
        assert self.shape is not None
        return np.array([e.value for e in self.entries], float).reshape(self.shape)


def read_array_answer(text: str, program: Settled, asked: ArrayTarget | None = None) -> ArrayAnswer:
    """Read the right side of a claim, generously where it is not in our language.

    Args:
        text: As written.
        program: The program.
        asked: The quantity that it is about; None for our language alone.
    Raises:
        BackpropError: for what is neither an array, nor a file of one, nor an expression over the program's
            names.
    """
    strictly: ArrayAnswer | None = None
    try:
        strictly = _read(text, program)
        doubtful = asked is not None and is_list(text) and strictly.shape != asked.shape  # [1. -2.] of NumPy
        if asked is None or (strictly.clash is None and not doubtful):
            return strictly
    except ExpressionError:
        if asked is None or len(text) > TEXT_LIMIT:
            raise
        if (found := _read_generously(text, program, asked)) is None:
            raise
        return found
    return _read_generously(text, program, asked) or strictly


def _read_generously(text: str, program: Settled, asked: ArrayTarget) -> ArrayAnswer | None:
    """Read what students write; None where nothing fits, or two readings do."""
    graph = program.graph
    known = names_of(graph)
    scalars = {name: not graph.nodes[id].shape for name, id in known.items()}
    found: dict[str, ArrayAnswer] = {}
    for plain in array_readings(text, scalars, asked.shape):
        with suppress(BackpropError):
            answer = _read(plain, program)
            if answer.clash is None and (answer.formula is not None or answer.shape == asked.shape):
                found[plain] = answer
    if len(found) != 1:
        return None
    ((plain, answer),) = found.items()
    return answer._replace(text=text, read_as=plain)


def _read(text: str, program: Settled) -> ArrayAnswer:
    """Read an answer in our language."""
    if " ".join(text.lower().split()) in UNDEFINED:
        return ArrayAnswer(text)
    if is_array_text(text) and text.strip()[0] != "[":
        found = read_matrix(text.strip())
        entries = tuple(read_answer(repr(x), _EMPTY) for x in found.reshape(-1).tolist())
        return ArrayAnswer(text, entries, shape=found.shape)
    if len(text) > TEXT_LIMIT and text.strip()[:1] != "[":
        raise ExpressionError(f"a claimed formula may have {TEXT_LIMIT:,} characters")
    plain, slopes = _with_slopes(text, program.graph)
    try:
        answer = _parsed(text, plain, program, slopes)
    except ExpressionError as error:
        raise told_in_quotients(error, slopes) from None
    return answer._replace(clash=told_in_quotients(answer.clash, slopes)) if answer.clash else answer


def _parsed(text: str, plain: str, program: Settled, slopes: Mapping[str, int]) -> ArrayAnswer:
    """Read numbers or a formula, with names for the derivatives in it."""
    written = parse_arrays(Source(plain), alone=text.strip()[:1] == "[" and text.strip()[-1:] == "]")
    if len(written.statements) > 1 or written.statements[0].name:
        raise ExpressionError(
            "a claim has one expression on the right", source=written.source, span=written.statements[-1].span
        )
    items = written.statements[0].items
    numbers = _numbers(written, items) if items[-1].text == STACK or len(items) <= 2 else None
    if numbers is None:
        return _formula(text, written, program, slopes)
    entries = tuple(read_answer(entry, _EMPTY) for entry in np.array(numbers, object).reshape(-1))
    return ArrayAnswer(text, entries, shape=shape_of(numbers))


def _numbers(written: Program, items: Sequence[Item]) -> Any:
    """Return the texts of a number or of a list of numbers; None for anything else."""
    source = written.source.text

    def of(item: Item) -> Any:
        return source[item.start : item.end]

    def apply(item: Item, operands: list[Any]) -> Any:
        if item.text == STACK:
            return None if None in operands else operands
        single = item.text in PRIMITIVES and all(isinstance(x, str) for x in operands)
        return of(item) if single else None

    if any(item.arity == NAME_ITEM for item in items):
        return None
    found = fold(items, name=of, number=of, apply=apply)
    if isinstance(found, list):
        shapes = {shape_of(x) for x in found}
        if len(shapes) > 1 or max(map(len, shapes)) > 1:
            return None
    return found


def _with_slopes(text: str, graph: Graph) -> tuple[str, dict[str, int]]:
    """Return a formula with ``dL_dz`` for ``dL/dz``, the derivative by a step, and the steps of these."""
    found: dict[str, int] = {}
    named = names_of(graph)
    output = graph.own_name(graph.output)

    def name(match: re.Match[str]) -> str:
        short = f"d{output}_d{match[1]}"
        if match[1] not in named or short in named:
            return match[0]
        found[short] = named[match[1]]
        return short

    return re.sub(rf"(?<!\w)[d∂]{re.escape(output)}/[d∂](\w+)", name, text), found


def _formula(text: str, written: Program, program: Settled, slopes: Mapping[str, int]) -> ArrayAnswer:
    graph = program.graph
    known = {**names_of(graph), **slopes}
    shapes = {name: graph.nodes[id].shape for name, id in known.items() if graph.nodes[id].shape}
    for item in written.statements[0].items:
        if item.arity == NAME_ITEM and item.text not in known and item.text not in ("pi", "e", "tau"):
            error = unknown(item.text, graph)
            error.source, error.span = written.source, (item.start, item.end)
            raise error
    try:
        formula = settle(written, shapes, known)
    except ExpressionError as error:
        items = written.statements[0].items
        if items[-1].text == STACK and not any(item.arity == NAME_ITEM for item in items):
            raise  # a list whose rows differ
        return ArrayAnswer(text, clash=error)
    names = {name: known[name] for name in formula.graph.inputs if name not in slopes}
    used = {name: known[name] for name in formula.graph.inputs if name in slopes}
    return ArrayAnswer(text, None, formula, names, used, formula.kinds[formula.graph.output].shape)
