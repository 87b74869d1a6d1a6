"""Kinds of values through a program: what every step is, and which primitive its sign stands for there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import BackpropError, BindingError, CallSpan, ExpressionError, Source, Span
from ..graph import CONSTANT, NO_STATIC, NODE_LIMIT, ArrayBuilder, Graph, Node
from ..ops import PRIMITIVES, Primitive, Shape
from ..ops.matrices import (
    MATRICES,
    NUMBER,
    TOO_DEEP,
    Applied,
    Clash,
    Kind,
    MatrixRow,
    Operand,
    TwoReadings,
    indexed,
    matrix_product,
    together,
)
from .array_parser import STACK, parse_arrays
from .fold import fold
from .format import beginning, node_text
from .indices import Labelled, Sums, index_names
from .lower import Lowering, checked_constant
from .parser import SUM_OVER, Item, Program

Nested = float | list[Any]
"""A number, or a list of them, or a list of lists of one length."""


class Settled(NamedTuple):
    """A program over arrays of known shapes.

    Attributes:
        graph: The computation, with the shape of every node.
        kinds: What every node's value is.
        defaults: Arrays that the program itself gives to inputs; its numbers are the graph's.
        indices: The indices that nodes have where they are first written by index.
    """

    graph: Graph
    kinds: list[Kind]
    defaults: dict[str, Nested]
    indices: Mapping[int, tuple[str, ...]] = {}

    @property
    def has_arrays(self) -> bool:
        """Whether any value is one."""
        return any(kind.shape for kind in self.kinds)


def shape_of(value: Nested) -> Shape:
    """Return the shape of a number, a list, or a list of lists."""
    return (len(value), *shape_of(value[0])) if isinstance(value, list) else ()


class _Rows(dict[str, Primitive]):
    """Rows by the text of an item; an index and a sum over one have rows of their own."""

    def __missing__(self, text: str) -> Primitive:
        over = text.startswith(SUM_OVER)
        if text[0] != "[" and not over:
            raise KeyError(text)
        row = self[text] = MatrixRow(
            text, typed=None if over else indexed(text), params=("x",), forward=None, partials=None,
            samples=(), says="a sum" if over else "a part",
        )  # fmt: skip
        return row


ROWS = _Rows(PRIMITIVES | MATRICES)


class _Lowering(Lowering):
    rows = ROWS

    def default(self, items: list[Item]) -> Any:
        """Return the value of a constant statement: a number, or a literal of numbers."""
        if not any((item.arity >= 0 and item.text in MATRICES) or item.text[0] == "[" for item in items):
            return super().default(items)
        return literal(items, self.own, self.source)


class _Fixed(_Lowering):
    def default(self, items: list[Item]) -> Any:
        return None

    def number(self, id: int) -> float | None:
        return None


def literal(items: Sequence[Item], own: Collection[str], source: Source) -> Nested | None:
    """Return what a postfix list of lists of numbers comes to; None for anything else.

    Raises:
        ExpressionError: for rows of several lengths.
    """

    def leaf(item: Item) -> _Part:
        return None, [item]

    def apply(item: Item, operands: list[_Part]) -> _Part:
        if item.text != STACK:
            if (
                any(found is not None for found, _ in operands)
                or item.text in MATRICES
                or item.text[0] == "["
            ):
                raise _NotConstant
            return None, [*(x for _, inner in operands for x in inner), item]
        values = [
            found if found is not None else checked_constant(inner, own, source) for found, inner in operands
        ]
        first = values[0]
        for value in values:
            if value is None or first is None:
                raise _NotConstant
            if shape_of(value) != shape_of(first):
                unlike = f"{Kind(shape_of(first))} meets {Kind(shape_of(value))}"
                raise ExpressionError(
                    f"the rows of an array are alike, but here {unlike}",
                    source=source, span=(item.start, item.end),
                )  # fmt: skip
        if first is not None and len(shape_of(first)) > 1:
            raise ExpressionError(TOO_DEEP, source=source, span=(item.start, item.end))
        return values, [item]

    try:
        return fold(items, name=leaf, number=leaf, apply=apply)[0]
    except _NotConstant:
        return None


_Part = tuple[Nested | None, list[Item]]
"""An array, or the items of a number."""


class _NotConstant(Exception):
    """A list has an entry that is no number."""


def read_arrays(
    source: Source, shapes: Mapping[str, Shape], bound: Collection[str] | None = (), *, large: bool = False
) -> Settled:
    """Read a program over arrays.

    Args:
        source: The program.
        shapes: Of the inputs that are arrays; the others are numbers, or what the program gives them.
        bound: Names that have a value; None where values do not count.
        large: Lift the limit on the number of nodes.
    Raises:
        ExpressionError: for what cannot be read, and for operands that do not go together, with both shapes.
    """
    return settle(parse_arrays(source), shapes, bound, large=large)


def settle(
    program: Program,
    shapes: Mapping[str, Shape],
    bound: Collection[str] | None = (),
    *,
    large: bool = False,
    faults: list[BackpropError] | None = None,
    fixed: bool = False,
) -> Settled:
    """Find out what every step of a program is; see `read_arrays`.

    Args:
        program: From `parse_arrays`.
        shapes: Of the inputs that are arrays.
        bound: Names that have a value; None where values do not count.
        large: Lift the limit on the number of nodes.
        faults: Gets every step whose operands do not go together, and what needs such a step is left out of
            the program; None raises the first.
        fixed: What a program gives a name is no default that a user may change.
    """
    limit = 1 << 60 if large else NODE_LIMIT
    graph = (_Fixed if fixed else _Lowering)(program, {*(bound or ()), *shapes}, limit).graph()
    settling = Settling(graph, shapes, bound, limit)
    try:
        return settling.settled(faults)
    except Clash as clash:
        raise settling.refused(clash) from None


def lowered(program: Program, names: Collection[str], limit: int) -> Graph:
    """Return the graph of a program with arrays in which signs are not told apart yet.

    Args:
        program: From `parse_arrays`.
        names: Names that are variables, whatever they are elsewhere: ``e``.
        limit: Largest number of nodes.
    Raises:
        ExpressionError: as `lower`.
    """
    return _Lowering(program, names, limit).graph()


class Settling:
    """Finds out what every step of a graph is, in which signs are not told apart yet.

    Args:
        graph: The program as it is written.
        shapes: Of the inputs that are arrays.
        bound: Names that have a value; None where values do not count.
        limit: Largest number of nodes.
    Attributes:
        node: Which node of the graph is settled.
    """

    def __init__(
        self, graph: Graph, shapes: Mapping[str, Shape], bound: Collection[str] | None, limit: int
    ) -> None:
        self.graph = graph
        self.bound = bound
        self.defaults: dict[str, Nested] = {
            name: value
            for name, value in graph.defaults.items()
            if isinstance(value, list) and name not in shapes
        }
        self.numbers = {name: value for name, value in graph.defaults.items() if not isinstance(value, list)}
        self.given = {**{name: shape_of(value) for name, value in self.defaults.items()}, **shapes}
        self.builder = ArrayBuilder(graph.source, limit)
        self.kinds: list[Kind] = []
        self.written: list[int] = []  # which node of the graph each of ours is, or is a part of
        self.sums = Sums(self)

    def settled(self, faults: list[BackpropError] | None = None) -> Settled:
        """Go through the graph.

        Args:
            faults: As `settle` takes them.
        Raises:
            Clash: at ``node``, for operands that do not go together.
        """
        graph, builder = self.graph, self.builder
        found: list[int | Labelled | None] = []
        value: int | Labelled | None
        for node in graph.nodes:
            self.node = node
            if node.op is not None:
                operands = [found[i] for i in node.inputs]
                try:
                    value = (
                        None if None in operands else self._applied([x for x in operands if x is not None])
                    )
                except Clash as clash:
                    if faults is None:
                        raise
                    faults.append(self.refused(clash))
                    value = None
                if node.name is not None and value is not None:
                    assert isinstance(value, int)
                    builder.name(value, node.name)
            elif node.kind == CONSTANT:
                value = builder.constant(node.value, graph.name(node.id), node.span)
                self._note(NUMBER)
            else:
                assert node.name is not None
                kind = Kind(self.given.get(node.name, ()))
                value = builder.array(node.name, kind.shape, node.span, node.kind)
                self._note(kind)
            found.append(value)
        outputs = [k for k in (found[i] for i in graph.outputs) if isinstance(k, int)]
        built = builder.build(outputs, self.numbers, graph.euler)
        return Settled(built, self.kinds, self.defaults, self.sums.typed)

    def _note(self, kind: Kind) -> None:
        self.kinds.append(kind)
        self.written.append(self.node.id)

    def _applied(self, operands: Sequence[int | Labelled]) -> int | Labelled:
        """Return what a step is: a node, or numbers by index."""
        row = self.node.primitive
        if row.name.startswith(SUM_OVER) or index_names(row.name):
            return self.sums.applied(row.name, operands[0])
        whole = [x for x in operands if isinstance(x, int)]
        if len(whole) < len(operands):
            return self.sums.by_number(row, operands)
        return self.add(_applied(self.graph, self.node, [self.operand(i) for i in whole]), whole)

    def add(self, applied: Applied, operands: Sequence[int]) -> int:
        """Add a step."""
        row, kind, static = applied
        self.builder.shaped = True
        id = self.builder.apply(row, tuple(operands), self.node.span, static or NO_STATIC)
        self._note(kind)
        return id

    def size(self, n: int) -> int:
        """Add the length of an axis as a number."""
        id = self.builder.constant(float(n), str(n), self.node.span)
        self._note(NUMBER)
        return id

    def operand(self, id: int) -> Operand:
        """Return what a node is, as it is written."""
        node = self.graph.nodes[self.written[id]]
        text = self.graph.text(node.id)
        short = 0 < len(text) <= 24 and "\n" not in text
        plain = text if short else beginning(node_text(self.graph, node.id))
        if node.op is not None and node.op.infix not in (None, "'", "") and text[:1] != "|":
            plain = f"({plain})"
        constant = node.op is None and node.kind == CONSTANT
        return Operand(self.kinds[id], plain, node.value if constant else None)

    def refused(self, clash: Clash) -> BackpropError:
        """Say why a step cannot be; first of all, what has no value."""
        graph = self.graph
        known = graph.inputs if self.bound is None else {*self.given, *self.bound, *self.numbers}
        for name, id in graph.inputs.items():
            if name not in known:
                return missing_value(graph, name, graph.nodes[id].span)
        return ExpressionError(clash.message, source=graph.source, span=self.node.span, hint=clash.hint)


def _applied(graph: Graph, node: Node, operands: Sequence[Operand]) -> Applied:
    row = node.primitive
    if isinstance(row, MatrixRow):
        assert row.typed is not None
        return row.typed(*operands)
    axes = [x.axes for x in operands]
    extremum = MATRICES.get(f"{row.name} of an array")
    if extremum is not None and len(operands) == 1:
        if not axes[0]:
            raise Clash(f"{row.name} takes 2 or more operands, here it has 1", row.signature)
        return Applied(extremum, NUMBER)
    span = node.span.inside if isinstance(node.span, CallSpan) else node.span
    text = graph.source.text[slice(*span)]
    if len(operands) == 1 and axes[0] and text[:1] == text[-1:] == "|":
        x = operands[0]
        raise TwoReadings(
            f"|{x.text}| of {x.kind} can be read in two ways",
            f"norm({x.text}) is its length, abs({x.text}) goes element by element",
        )
    if row.infix in ("*", "/", "^") and any(axes):
        return _signed(graph, row, node, operands)
    return Applied(row, together(*operands))


def _signed(graph: Graph, row: Primitive, node: Node, operands: Sequence[Operand]) -> Applied:
    """Return what ``*``, ``/`` and ``^`` are, which have one reading for some kinds alone."""
    a, b = operands
    matrices = [x for x in operands if x.axes == 2]
    lying = sum(x.kind.row for x in operands)
    text = f"{a.text}{row.infix}{b.text}"
    if row.infix == "*":
        if a.axes and b.axes and lying and (matrices or lying == 1):
            return matrix_product(a, b)
        if matrices and a.axes and b.axes:
            raise TwoReadings(
                f"{text} can be read in two ways: {a.kind} and {b.kind}",
                f"write {a.text}@{b.text} for the matrix product or {a.text}.*{b.text} element by element",
            )
    elif row.infix == "/":
        if b.axes == 2 or (a.axes == 2 and b.axes):
            inverse = f"{a.text}{'@' if a.axes else '*'}inv({b.text})"
            solved = f" or {inverse}" if b.axes == 2 else ""
            raise TwoReadings(
                f"{text} can be read in two ways: {a.kind} and {b.kind}",
                f"write {a.text}./{b.text} element by element{solved}",
            )
    elif matrices or (a.axes and b.axes and a.kind != b.kind):
        if b.text == "T" or (a.axes == 2 and text.endswith("^T")):
            raise Clash(f"{text}: T is a name here", f"the transpose is {a.text}'")
        base = a if a.axes == 2 else b
        what = "a power of" if a.axes == 2 else "a power to"
        raise TwoReadings(
            f"{what} {base.kind} can be read in two ways",
            f"{a.text}.^{b.text} goes element by element; {a.text}@{a.text} and inv({a.text}) are matrices"
            if a.axes == 2
            else f"{a.text}.^{b.text} goes element by element",
        )
    return Applied(row, together(a, b))


def missing_value(graph: Graph, name: str, span: Span) -> BindingError:
    """Say that an input has no value; a T behind a power is a transpose."""
    hint = None
    before = graph.source.text[: span[0]].rstrip()
    if name == "T" and before.endswith("^"):
        hint = f"the transpose of A is A' or A.T, not A^{name}"
    return BindingError(f"no value for {name}", source=graph.source, span=span, hint=hint)


def array_literal(text: str) -> Nested:
    """Return the value of a literal such as ``[[1, 2], [3, pi/2]]``.

    Raises:
        ExpressionError: for what is no list of numbers, or of lists of one length.
    """
    program = parse_arrays(Source(text), alone=True)
    statement = program.statements[-1]
    found = literal(statement.items, (), program.source) if len(program.statements) == 1 else None
    if not isinstance(found, list):
        raise ExpressionError(
            "an array is a list of numbers, or of lists of numbers",
            source=program.source,
            span=statement.span,
        )
    return found
