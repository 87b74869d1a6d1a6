"""Programs of which the text alone is known: which inputs are numbers, vectors and matrices, of which sizes.

Letters say it, as at matrixcalculus.org: a to g are numbers, h to z vectors, capitals matrices. Where the
program cannot be read so, or says itself what a name is (``y[j]``, the n of ``/n``), letters give way. Axes
have unlike lengths until an operation needs two of them to be equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..errors import ExpressionError, Source
from ..graph import INPUT, NODE_LIMIT, Graph
from ..ops import Shape
from ..ops.matrices import Clash, TwoReadings
from .array_parser import parse_arrays
from .operators import BINARY
from .parser import NAME_ITEM, Program
from .settle import Settled, Settling, lowered

AXES = {"number": 0, "vector": 1, "matrix": 2}
WORDS = {0: "number", 1: "vector", 2: "matrix"}

UNKNOWN, STEP = 1_000_003, 10_007
"""Lengths that stand for those that are not known: no program has so long an axis written out."""

NAMES = "mnkpqrsdhuvw"
"""What unknown lengths are called, the first that are free."""

CHANGES = 3
"""Inputs whose letters may be wrong."""

GREEK = set(
    "alpha beta gamma delta epsilon eps zeta eta iota kappa lam lambda mu nu xi rho sigma tau phi chi psi "
    "omega".split()
)
"""Names of letters that are numbers, as the letters themselves are; theta is a vector of parameters."""

SAY = "--shape NAME=matrix says what a name is"
SCALARS = "sum(...), norm(...), or a number of it: (...)[0]"

NUMBERS_BEHIND = {BINARY[sign][1] for sign in "/^"}
"""Operations whose second operand is a number where it is a name."""

Asked = Mapping[str, int | Sequence[int | str]]
"""What users say of inputs: how many axes one has, or their lengths, as numbers or by names."""


class General(NamedTuple):
    """A program over arrays of sizes that are not known.

    Attributes:
        program: With lengths from `UNKNOWN` on for those.
        sizes: What these are called.
        axes: How many each input has.
        guessed: The inputs whose kind nobody has said.
    """

    program: Settled
    sizes: Mapping[int, str]
    axes: Mapping[str, int]
    guessed: Sequence[str]

    def shape(self, id: int) -> tuple[int | str, ...]:
        """Return the shape of a node, with names for lengths."""
        return tuple(self.sizes.get(n, n) for n in self.program.kinds[id].shape)

    def named(self, text: str) -> str:
        """Write a text with names for lengths."""
        return _named(text, self.sizes)

    def shapes(self, lengths: Mapping[str, int]) -> dict[str, Shape]:
        """Return the shapes of the inputs that are arrays, for lengths by name."""
        graph = self.program.graph
        shapes = {name: self.shape(id) for name, id in graph.inputs.items() if name in self.axes}
        return {
            name: tuple(n if isinstance(n, int) else lengths[n] for n in shape)
            for name, shape in shapes.items()
            if shape
        }


def _named(text: str, sizes: Mapping[int, str]) -> str:
    return re.sub(r"[0-9]{7,}", lambda match: sizes.get(int(match[0]), match[0]), text)


def letters_axes(name: str) -> int:
    """Return how many axes an input has by its first letter."""
    if name in GREEK or not name[0].isascii():
        return 0
    return 2 if name[0].isupper() else 0 if name[0] <= "g" else 1


def general(source: Source, asked: Asked, *, large: bool = False) -> General:
    """Read a program without values or sizes.

    Args:
        source: The program.
        asked: What is known of inputs: how many axes, or their lengths, numbers or names.
        large: Lift the limit on the number of nodes.
    Raises:
        ExpressionError: for what cannot be read, whatever the inputs are.
    """
    return _Inference(parse_arrays(source), asked, large=large).found()


class _Inference:
    def __init__(self, program: Program, asked: Asked, *, large: bool) -> None:
        self.limit = 1 << 60 if large else NODE_LIMIT
        self.graph: Graph = lowered(program, asked, self.limit)
        self.free = [
            name
            for name, id in self.graph.inputs.items()
            if name not in self.graph.defaults and self.graph.nodes[id].kind == INPUT
        ]
        # a name that stands for a length is a number, if it is anything in the program
        lengths = {n: 0 for x in asked.values() if not isinstance(x, int) for n in x if isinstance(n, str)}
        if asked and not lengths and not any(isinstance(x, int) for x in asked.values()):
            lengths = dict.fromkeys(
                self.free, 0
            )  # all that is said is said in numbers: the others are numbers
        self.asked: Asked = {name: x for name, x in {**lengths, **asked}.items() if name in self.graph.inputs}
        self.sure = dict(self._said(program))
        self.first: tuple[Settling, Clash, Mapping[int, str]] | None = None
        self.vector: Clash | None = None  # the last program was one, but for its output

    def _said(self, program: Program) -> Iterator[tuple[str, int]]:
        """Yield what the program itself says of names: how many indices one has, and that one divides."""
        for statement in program.statements:
            for item, after in zip(statement.items, statement.items[1:], strict=False):
                if item.arity != NAME_ITEM:
                    continue
                if after.text[0] == "[":
                    yield item.text, after.text.count(",") + 1
                elif after.text in NUMBERS_BEHIND:
                    yield item.text, 0

    def found(self) -> General:
        axes = {}
        for name in self.free:
            known = self.asked.get(name)
            said = self.sure.get(name, letters_axes(name))
            axes[name] = said if known is None else known if isinstance(known, int) else len(known)
        for changes in range(CHANGES + 1):
            found = self._tried(axes, changes, frozenset(self.asked))
            if found is not None:
                return found
        assert self.first is not None
        settling, clash, sizes = self.first
        error = settling.refused(clash)
        raise ExpressionError(
            _named(error.message, sizes),
            source=error.source,
            span=error.span,
            hint=_named(error.hint or SAY, sizes),
        )

    def _tried(self, axes: Mapping[str, int], changes: int, fixed: frozenset[str]) -> General | None:
        """Return the program with these axes, or with some others where so many may be."""
        settling, sizes, result = self._settled(axes)
        if isinstance(result, Settled):
            self._check_parts(result, sizes)
            for node in result.graph.nodes:
                if node.op is None and node.value in sizes:
                    node.label = sizes[int(node.value)]
            return General(result, sizes, axes, [name for name in self.free if name not in self.asked])
        if self.first is None:
            self.first = settling, result, sizes
        if not changes or isinstance(result, TwoReadings):
            return None
        # of an output that is a vector, a factor may be a number; capitals are matrices unless one is told
        may = {1: 0} if result is self.vector else {1: 0, 0: 1}
        for name in self._inputs_of(settling.node.id):
            if name not in fixed and axes.get(name) in may:
                found = self._tried({**axes, name: may[axes[name]]}, changes - 1, fixed | {name})
                if found is not None:
                    return found
        return None

    def _check_parts(self, program: Settled, sizes: Mapping[int, str]) -> None:
        """Refuse parts that are counted from the end of an axis whose length is not known."""
        for node, kind in zip(program.graph.nodes, program.kinds, strict=True):
            places = [
                k for key in node.static.get("key", ()) for k in (key if isinstance(key, tuple) else (key,))
            ]
            if any(2 * n > UNKNOWN and n not in sizes for n in (*kind.shape, *places)):
                raise ExpressionError(
                    "a part counted from the end needs the length of its axis",
                    source=program.graph.source, span=node.span, hint="--shape NAME=3, or NAME=3x2",
                )  # fmt: skip

    def _inputs_of(self, id: int) -> list[str]:
        needed = [False] * len(self.graph)
        needed[id] = True
        for node in reversed(self.graph.nodes[: id + 1]):
            for i in node.inputs if needed[node.id] else ():
                needed[i] = True
        return [name for name, k in self.graph.inputs.items() if needed[k]]

    def _settled(self, axes: Mapping[str, int]) -> tuple[Settling, Mapping[int, str], Settled | Clash]:
        """Settle the program; where two lengths would have to be equal, they are from then on."""
        lengths: dict[tuple[str, int], int] = {}
        by_name: dict[str, int] = {}
        following = UNKNOWN
        for name, n in axes.items():
            known = self.asked.get(name)
            for axis in range(n):
                size = known[axis] if known is not None and not isinstance(known, int) else None
                if isinstance(size, int):
                    lengths[name, axis] = size
                    continue
                if size is None or size not in by_name:
                    following += STEP
                    if size is not None:
                        by_name[size] = following
                lengths[name, axis] = by_name[size] if size is not None else following
        while True:
            shapes = {name: tuple(lengths[name, k] for k in range(n)) for name, n in axes.items() if n}
            settling = Settling(self.graph, shapes, None, self.limit)
            try:
                program = settling.settled()
                kind = program.kinds[program.graph.output]
                result: Settled | Clash = program
                if kind.shape:
                    settling.node = self.graph.nodes[self.graph.output]
                    result = self.vector = Clash(
                        f"the output is {kind}, and a gradient is that of a number", SCALARS
                    )
            except Clash as clash:
                result = clash
                pair = next(((a, b) for a, b in clash.unequal if a != b and max(a, b) >= UNKNOWN), None)
                if pair is not None:
                    # a length that has a name, or is a number, stays
                    keep, give = sorted(pair, key=lambda n: (n >= UNKNOWN, n not in by_name.values(), n))
                    if not {keep, give} <= set(by_name.values()):
                        lengths = {place: keep if n == give else n for place, n in lengths.items()}
                        continue
            return settling, self._names(lengths, by_name), result

    def _names(self, lengths: Mapping[tuple[str, int], int], by_name: Mapping[str, int]) -> dict[int, str]:
        found = {n: name for name, n in by_name.items()}
        taken = {*self.graph.named, *by_name, *(name for name in self.graph.inputs)}
        unknown = [n for n in dict.fromkeys(lengths.values()) if n >= UNKNOWN and n not in found]
        names = NAMES if len(unknown) + len(found) > 1 else NAMES[1:]
        free = (c for c in (*names, *map("n{}".format, range(1, 999))) if c not in taken)
        return found | dict(zip(unknown, free, strict=False))
