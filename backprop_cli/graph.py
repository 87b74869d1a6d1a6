"""The computation graph: a flat list of nodes in creation order (a Wengert list)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import chain, count
from typing import Any

from .errors import CallSpan, ExpressionError, Source, Span
from .ops import Primitive, Shape
from .ops.logarithm import LN, LOG, logarithm
from .ops.primitive import broadcast

INPUT, CONSTANT, STEP = "input", "constant", "step"
PARAMETER, STATE = "parameter", "state"
"""Leaves of a network: what is trained, and what a step is given besides (masks, running means)."""
NODE_LIMIT = 200_000
OUTPUT_NAMES = ("f", "y", "L", "z")
"""What an output without a name is called: the first of these that the program leaves free."""
NO_STATIC: Mapping[str, Any] = {}
NOWHERE: Span = (0, 0)
"""The span of what no user wrote."""


def free_name(names: Sequence[str], taken: Collection[str]) -> str:
    """Return the first of several names that is not taken; where all are, the first with a number: ``f2``."""
    numbered = (f"{names[0]}{n}" for n in count(2))
    return next(name for name in chain(names, numbered) if name not in taken)


class Node:
    """One row: a leaf, or a primitive applied to earlier rows.

    Attributes:
        id: Position in the list.
        op: The primitive; None for a leaf.
        inputs: Ids of the operands.
        name: What the user calls it; None for an unnamed step or a constant.
        kind: ``input``, ``constant`` (built from numbers alone), ``step``, ``parameter`` or ``state``.
        span: Where in the source it is written.
        value: The number of a constant leaf.
        label: How a constant leaf is written (``2.5``, ``pi``); what a step that no user wrote is part of.
        shape: Of its value; () for a single number.
        static: What the primitive is told besides its operands (an axis, a stride): keyword arguments
            of its rules.
    """

    __slots__ = ("id", "inputs", "kind", "label", "name", "op", "span", "value")

    # millions of single numbers do without: only an `ArrayNode` has its own
    shape: Shape = ()
    static: Mapping[str, Any] = NO_STATIC

    def __init__(
        self,
        id: int,
        op: Primitive | None,
        inputs: tuple[int, ...],
        kind: str,
        span: Span,
        name: str | None = None,
        value: float = 0.0,
        label: str | None = None,
    ) -> None:
        self.id = id
        self.op = op
        self.inputs = inputs
        self.kind = kind
        self.span = span
        self.name = name
        self.value = value
        self.label = label

    @property
    def primitive(self) -> Primitive:
        """What a step applies; a leaf is not asked."""
        assert self.op is not None
        return self.op

    def __repr__(self) -> str:
        what = f"{self.op.name}{self.inputs}" if self.op else self.label or ""
        return f"<node {self.id} {self.name or ''} {self.kind} {what}>"


class ArrayNode(Node):
    """A row with an array for its value, or with static parameters."""

    __slots__ = ("shape", "static")

    def __init__(
        self, *row: Any, shape: Shape = (), static: Mapping[str, Any] = NO_STATIC, **others: Any
    ) -> None:
        super().__init__(*row, **others)
        self.shape = shape
        self.static = static


class Graph:
    """A pure computation: nodes in creation order, inputs by name, one or more outputs.

    Attributes:
        source: The program text.
        nodes: Every node; operands come before their users.
        outputs: Ids of the outputs. A gradient is of the last one.
        inputs: Name to id, in order of first use (or of the header ``f(x, y) = ...``).
        defaults: Values that the program itself gives to inputs.
        named: Every user-given name to its node.
        euler: Where ``e`` was read as Euler's number, or None.
        shaped: Whether any node has a shape or static parameters.
    """

    __slots__ = (
        "_letter",
        "_logarithm",
        "_prefix",
        "defaults",
        "euler",
        "inputs",
        "named",
        "nodes",
        "outputs",
        "shaped",
        "source",
    )

    def __init__(
        self,
        source: Source,
        nodes: list[Node],
        outputs: tuple[int, ...],
        inputs: dict[str, int],
        defaults: dict[str, float],
        named: dict[str, int],
        euler: Span | None = None,
        shaped: bool = False,
    ) -> None:
        self.source = source
        self.nodes = nodes
        self.outputs = outputs
        self.inputs = inputs
        self.defaults = defaults
        self.named = named
        self.euler = euler
        self.shaped = shaped
        self._letter: tuple[int, str] | None = None
        self._prefix: str | None = None
        self._logarithm: str | None = None

    def __len__(self) -> int:
        return len(self.nodes)

    @property
    def output(self) -> int:
        """Id of the output that gradients are taken of."""
        return self.outputs[-1]

    def name(self, id: int) -> str:
        """Return what a node is called: the user's name, a constant's digits, or ``v4``."""
        node = self.nodes[id]
        if node.name is not None:
            return node.name
        return node.label if node.label is not None else self.own_name(id)

    def called(self, op: Primitive) -> str:
        """Return what a primitive is called in formulas."""
        return self.logarithm if op.name == LOG else op.name

    @property
    def logarithm(self) -> str:
        """What the program calls the natural logarithm: ``log``, or ``ln``."""
        if self._logarithm is None:
            own = LN in self.source.functions
            self._logarithm = LOG if own else logarithm(self.source.text)
        return self._logarithm

    def own_name(self, id: int) -> str:
        """Return a node's own name, which no other has: the user's, ``f`` for the output, or ``v4``."""
        node = self.nodes[id]
        if node.name is not None:
            return node.name
        if self._letter is None:
            self._letter = self.output, self.free(OUTPUT_NAMES)
        return self._letter[1] if id == self._letter[0] else self.numbered(id)

    @property
    def function(self) -> str:
        """What the program is called as a function: the output's name, or a letter where that is an input."""
        return self.free(OUTPUT_NAMES) if self.nodes[self.output].op is None else self.own_name(self.output)

    def free(self, names: Sequence[str]) -> str:
        """Return the first of several names that the program leaves free."""
        return free_name(names, self.taken)

    def numbered(self, id: int) -> str:
        """Return what a step without a name is called: ``v4``; an output without one answers to that, too."""
        if self._prefix is None:
            self._prefix = "v"
            # a user may call a variable v4; unnamed steps then step aside
            while any(n.startswith(self._prefix) and n[len(self._prefix) :].isdigit() for n in self.named):
                self._prefix += "_"
        return f"{self._prefix}{id}"

    @property
    def taken(self) -> set[str]:
        """Names that stand for something in the program: its variables, steps and functions."""
        return {*self.named, *self.source.functions}

    def text(self, id: int) -> str:
        """Return a node in the user's own words; "" for what a definition has, whose names are its own."""
        span = self.nodes[id].span
        return "" if isinstance(span, CallSpan) and not span.whole else self.source.text[slice(*span)]

    def id_of(self, name: str) -> int:
        """Return the node of a name: the user's, ``v4``, or the output's.

        Raises:
            KeyError: where there is none, or no input or step.
        """
        id = self.output if name == self.own_name(self.output) else self.named.get(name)
        digits = name.lstrip("v_")
        if (
            id is None
            and digits.isdecimal()
            and int(digits) < len(self)
            and self.numbered(int(digits)) == name
            and self.nodes[int(digits)].name is None
        ):
            id = int(digits)
        if id is None or self.nodes[id].kind == CONSTANT:
            raise KeyError(name)
        return id

    def with_input(self, name: str) -> Graph:
        """Return the program in which a step is an input; nodes keep their ids. Of an input it is itself."""
        id = self.id_of(name)
        if name in self.inputs:
            return self
        nodes = list(self.nodes)
        nodes[id] = Node(id, None, (), INPUT, nodes[id].span, name)
        inputs, named = ({**names, name: id} for names in (self.inputs, self.named))
        return self.replaced(nodes=nodes, inputs=inputs, named=named)

    def with_output(self, id: int) -> Graph:
        """Return the program with another output; all names are kept."""
        return self if self.outputs == (id,) else self.replaced(outputs=(id,))

    def replaced(self, **changed: Any) -> Graph:
        """Return the program with other nodes, outputs, inputs, defaults or names for them.

        Nodes without a name are called what they are called here.
        """
        self.own_name(self.output)
        kept = {name: getattr(self, name) for name in self.__slots__ if name[0] != "_"}
        found = Graph(**kept | changed)
        found._letter, found._prefix = self._letter, self._prefix
        return found

    def users(self) -> list[list[int]]:
        """Return for every node the ids of the nodes that read it, once per use."""
        users: list[list[int]] = [[] for _ in self.nodes]
        for node in self.nodes:
            for i in node.inputs:
                users[i].append(node.id)
        return users

    def depends_on(self, leaves: Sequence[int]) -> list[bool]:
        """Return for every node whether it is, or is computed from, one of ``leaves``."""
        active = [False] * len(self.nodes)
        for i in leaves:
            active[i] = True
        for node in self.nodes:
            for i in node.inputs:
                if active[i]:
                    active[node.id] = True
                    break
        return active

    def needed(self, values: Sequence[float] | None = None) -> list[bool]:
        """Return for every node whether the outputs need it.

        Args:
            values: A value per node, to tell which branch of a choice was taken;
                None counts every branch.
        """
        needed = [False] * len(self.nodes)
        for i in self.outputs:
            needed[i] = True
        for node in reversed(self.nodes):
            if not needed[node.id] or node.op is None:
                continue
            inputs = node.inputs
            if node.op.chosen and values is not None:
                inputs = tuple(inputs[k] for k in node.op.chosen(*(values[i] for i in inputs)))
            for i in inputs:
                needed[i] = True
        return needed

    def constant_values(self) -> dict[int, float]:
        """Return the value of every constant leaf."""
        return {n.id: n.value for n in self.nodes if n.op is None and n.kind == CONSTANT}


class GraphBuilder:
    """Appends nodes; operands must exist before their users.

    Args:
        source: The program text, for errors.
        limit: Largest number of nodes.
    """

    __slots__ = ("inputs", "limit", "named", "nodes", "source")

    def __init__(self, source: Source, limit: int = NODE_LIMIT) -> None:
        self.source = source
        self.limit = limit
        self.nodes: list[Node] = []
        self.inputs: dict[str, int] = {}
        self.named: dict[str, int] = {}

    def input(self, name: str, span: Span, kind: str = INPUT) -> int:
        """Add an input (or another kind of leaf), or return the one of that name."""
        id = self.inputs.get(name)
        if id is None:
            id = self._append(Node(len(self.nodes), None, (), kind, span, name))
            self.inputs[name] = self.named[name] = id
        return id

    def constant(self, value: float, label: str, span: Span) -> int:
        """Add a constant leaf."""
        return self._append(Node(len(self.nodes), None, (), CONSTANT, span, None, value, label))

    def apply(self, op: Primitive, inputs: tuple[int, ...], span: Span) -> int:
        """Add a primitive applied to earlier nodes."""
        nodes = self.nodes
        id = len(nodes)
        kind = CONSTANT
        for i in inputs:
            if nodes[i].kind != CONSTANT:
                kind = STEP
                break
        nodes.append(Node(id, op, inputs, kind, span))
        if id >= self.limit:
            raise self._too_large()
        return id

    def name(self, id: int, name: str) -> None:
        """Give a node the user's name."""
        self.nodes[id].name = name
        self.named[name] = id

    def build(
        self, outputs: Sequence[int], defaults: Mapping[str, float] | None = None, euler: Span | None = None
    ) -> Graph:
        """Return the finished graph."""
        return Graph(
            self.source, self.nodes, tuple(outputs), self.inputs, dict(defaults or {}), self.named, euler
        )

    def _append(self, node: Node) -> int:
        self.nodes.append(node)
        if node.id >= self.limit:
            raise self._too_large()
        return node.id

    def _too_large(self) -> ExpressionError:
        return ExpressionError(
            f"the program has more than {self.limit:,} nodes", hint="--large lifts the limits on size"
        )


class ArrayBuilder(GraphBuilder):
    """Appends nodes that may have arrays for their values; every node gets its shape.

    Attributes:
        shaped: Whether there are arrays or static parameters so far.
    """

    __slots__ = ("shaped",)

    def __init__(self, source: Source, limit: int = NODE_LIMIT) -> None:
        super().__init__(source, limit)
        self.shaped = False

    def array(self, name: str, shape: Shape, span: Span, kind: str = INPUT) -> int:
        """Add a leaf of a shape, or return the one of that name."""
        id = self.inputs.get(name)
        if id is None:
            id = self._append(ArrayNode(len(self.nodes), None, (), kind, span, name, shape=shape))
            self.inputs[name] = self.named[name] = id
            self.shaped = self.shaped or shape != ()
        return id

    def apply(
        self, op: Primitive, inputs: tuple[int, ...], span: Span, static: Mapping[str, Any] = NO_STATIC
    ) -> int:
        """Add a primitive applied to earlier nodes.

        Args:
            op: The primitive.
            inputs: Ids of its operands.
            span: Where in the source it is written.
            static: Keyword arguments of its rules.
        Raises:
            ValueError: where the operands' shapes do not go together.
        """
        if not self.shaped and not static and op.shape is broadcast:
            return super().apply(op, inputs, span)
        self.shaped = True
        operands = [self.nodes[i] for i in inputs]
        kind = CONSTANT if all(node.kind == CONSTANT for node in operands) else STEP
        shape = op.shape(*(node.shape for node in operands), **static)
        return self._append(ArrayNode(len(self.nodes), op, inputs, kind, span, shape=shape, static=static))

    def insert(self, graph: Graph, shapes: Mapping[str, Shape]) -> tuple[int, ...]:
        """Add a program's nodes; its inputs are arrays of these shapes, or numbers.

        Returns:
            The ids of its nodes here.
        """
        ids: list[int] = []
        for node in graph.nodes:
            if node.op is not None:
                id = self.apply(node.op, tuple(ids[i] for i in node.inputs), node.span, node.static)
                if node.name is not None:
                    self.name(id, node.name)
            elif node.kind == CONSTANT:
                id = self.constant(node.value, graph.name(node.id), node.span)
            else:
                name = graph.name(node.id)
                id = self.array(name, shapes.get(name, node.shape), node.span, node.kind)
            ids.append(id)
        return tuple(ids)

    def build(
        self, outputs: Sequence[int], defaults: Mapping[str, float] | None = None, euler: Span | None = None
    ) -> Graph:
        """Return the finished graph."""
        graph = super().build(outputs, defaults, euler)
        graph.shaped = self.shaped
        return graph
