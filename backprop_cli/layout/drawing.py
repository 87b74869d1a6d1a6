"""What is drawn of a graph: cards with texts, and arrows between them; the same for every format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from ..errors import shortened
from ..explanation.edges import MOST_PATHS, Edge, GraphView
from ..graph import CONSTANT
from ..language.format import headline
from . import Direction, Edges
from .picture import Role

SYMBOL = 24
"""Of a local derivative."""


class Pattern(NamedTuple):
    """How the paths of a group are drawn.

    Attributes:
        role: Their colour.
        dash: Lengths of dash and gap between round ends, unlike those of an arrow that is not `Arrow.taken`.
    """

    role: Role
    dash: tuple[float, ...]


PATTERNS = (
    Pattern("mark", ()),
    Pattern("third", (0.1, 5.5)),
    Pattern("fifth", (10.0, 5.5, 0.1, 5.5)),
    Pattern("first", (16.0, 6.5)),
    Pattern("second", (10.0, 5.5, 0.1, 5.5, 0.1, 5.5)),
)
"""Of groups of paths; the first ones are no colours of signs."""

Kind = Literal["input", "constant", "step", "output"]
Write = Callable[[float], str]


class Row(NamedTuple):
    """A line on a card: ``dL/dd`` and its number; further lines of an array have no name."""

    name: str
    text: str
    role: Role = "ink"

    @property
    def told(self) -> str:
        """``dL/dd = -2``."""
        return f"{self.name} = {self.text}" if self.name else self.text


class Card(NamedTuple):
    """A node, a unit or a layer.

    Attributes:
        id: Which no other has: ``n4``.
        name: What it is called.
        operation: How it is computed; "" for a leaf.
        rows: Its numbers.
        kind: What it is.
        marked: On a path that was asked for; None where none was.
        groups: Numbers of the groups of paths that it lies on; () where there is one group.
    """

    id: str
    name: str
    operation: str
    rows: tuple[Row, ...]
    kind: Kind
    marked: bool | None = None
    groups: tuple[int, ...] = ()

    @property
    def heading(self) -> str:
        """``d = a*b``."""
        return f"{self.name} = {self.operation}" if self.operation else self.name


IDLE = "a dashed arrow"
"""What a legend calls an arrow that is not `Arrow.taken`."""


class Arrow(NamedTuple):
    """From a card to one that reads it.

    Attributes:
        source: A card's id.
        target: A card's id.
        symbol: A local derivative, or the name of a weight.
        number: Its number.
        detail: A second line.
        role: By the number's sign.
        taken: False on the way into a choice that did not take this branch.
        marked: As of a card.
        groups: As of a card.
        two_way: It has a head at its source, too, and ``detail`` is what stands there for the way back.
    """

    source: str
    target: str
    symbol: str = ""
    number: str = ""
    detail: str = ""
    role: Role = "ink"
    taken: bool = True
    marked: bool | None = None
    groups: tuple[int, ...] = ()
    two_way: bool = False

    @property
    def label(self) -> str:
        """``b = -2``; the number alone where it is the symbol."""
        if not self.symbol or not self.number or self.symbol == self.number:
            return self.symbol or self.number
        return f"{self.symbol} = {self.number}"

    def bare(self) -> Arrow:
        """Return the same without texts."""
        return self._replace(symbol="", number="", detail="")


class Drawing(NamedTuple):
    """A graph ready to be drawn.

    Attributes:
        title: ``L = e*f = -4``.
        description: What is to be seen, in a sentence or two.
        legend: What stands where, a line each.
        cards: Sources before targets; for a large graph they can be gone through once.
        arrows: The same.
        keep_order: Cards of one column stay in their order.
        details: What the second lines at arrows are, for where they are left out.
        groups: What the groups of paths are, a line each; () where there is one.
        direction: Where arrows lead.
    """

    title: str
    description: str
    legend: tuple[str, ...]
    cards: Iterable[Card]
    arrows: Iterable[Arrow]
    keep_order: bool = False
    details: str = ""
    groups: tuple[str, ...] = ()
    direction: Direction = "auto"

    @property
    def rankdir(self) -> Direction:
        """Where arrows lead in a layout that is not ours."""
        return "LR" if self.direction == "auto" else self.direction

    def settled(self) -> Drawing:
        """Return the same with lists, to be gone through more than once."""
        return self._replace(cards=list(self.cards), arrows=list(self.arrows))

    def without_details(self) -> Drawing:
        """Return the same without second lines at arrows, and say so."""
        arrows = [arrow._replace(detail="") for arrow in self.arrows]
        legend = tuple(line.replace(f" and {self.details}", "") for line in self.legend)
        legend = (*legend, f"left out for want of room: {self.details}")
        return self._replace(arrows=arrows, legend=legend, details="")


def sign_of(value: float | None) -> Role:
    """Return the role of a number: positive, negative or zero."""
    if value is None:
        return "muted"
    return "positive" if value > 0 else "negative" if value < 0 else "zero"


def graph_title(view: GraphView, digits: int) -> str:
    """Return the output, how it is made, its value, and where."""
    inputs = view.point.inputs if view.point is not None else None
    return headline(view.graph, view.values[view.graph.output], inputs, digits)


def with_paths(
    drawing: Drawing,
    groups: Sequence[Sequence[str]],
    counts: Mapping[str, int],
    output: str,
    *,
    named: bool = False,
) -> Drawing:
    """Say how many paths are marked.

    Args:
        drawing: In which they are.
        groups: Names, group by group.
        counts: How many paths lead from each name to the output.
        output: What it is called.
        named: Steps without a name are not shown.
    """
    end = ", counted through every step" if named else ""
    lines = [
        ", ".join(_paths(name, counts[name], output) for name in names) + end for names in groups if names
    ]
    if len(lines) > 1:
        return drawing._replace(groups=tuple(lines))
    return drawing._replace(legend=(*drawing.legend, *(f"marked: {line}" for line in lines)))


def _paths(name: str, count: int, output: str) -> str:
    number = f"more than {MOST_PATHS:,}" if count >= MOST_PATHS else f"{count:,}"
    return f"{number if count else 'no'} {'path' if count == 1 else 'paths'} from {name} to {output}"


def graph_drawing(view: GraphView, title: str, write: Write, edges: Edges = "both") -> Drawing:
    """Return the drawing of a graph.

    Args:
        view: What is shown of it.
        title: Its headline.
        write: Numbers to text.
        edges: What stands at the arrows.
    """
    output = view.graph.name(view.graph.output)
    valued = view.point is not None
    shown = set(view.shown)
    inputs = [name for name, id in view.graph.inputs.items() if id in shown]
    named = ", ".join(inputs[:12]) + (", ..." if len(inputs) > 12 else "")
    description = f"The computation graph of {output}: {counted(len(shown), 'node')}"
    description += f", inputs {named}." if inputs else "."
    if valued and inputs:
        description += f" Each node has its value and the derivative of {output} by it."
    legend = []
    if valued and inputs:
        legend.append(f"in a box: the value, and the derivative of {output} by it")
    if edges != "none" and any(node.inputs for node in view.graph.nodes if node.kind != CONSTANT):
        what = manner(edges, valued)
        if view.named:
            legend.append(f"at an arrow: the derivative of the step by what it reads, {what}")
        else:
            legend.append(f"at an arrow: the local derivative, {what}")
    arrows = list(_arrows(view, write, edges))
    if not all(arrow.taken for arrow in arrows):
        legend.append(f"{IDLE}: {_why_idle(view)}")
    return Drawing(title, description, tuple(legend), _cards(view, output, write), arrows)


def manner(edges: Edges, valued: bool) -> str:
    """Say how derivatives stand at the arrows."""
    what = {"both": "in symbols and as a number", "symbol": "in symbols", "value": "as a number"}[edges]
    return what if valued else "in symbols"


def _cards(view: GraphView, output: str, write: Write) -> Iterator[Card]:
    graph, valued = view.graph, view.point is not None
    for id in view.shown:
        node = graph.nodes[id]
        name = graph.name(id)
        rows = []
        if valued:
            value, gradient = view.values[id], view.gradient[id]
            rows.append(Row("value", "not needed" if value is None else write(value), sign_of(value)))
            if gradient is not None:
                rows.append(Row(f"d{output}/d{name}", write(gradient), sign_of(gradient)))
        kind: Kind = "step" if node.op is not None else "input"
        kind = "constant" if node.kind == CONSTANT else "output" if id == graph.output else kind
        marked = view.marked[id] if view.marked is not None else None
        operation = "" if node.op is None else shortened(view.operation(id))
        yield Card(f"n{id}", name, operation, tuple(rows), kind, marked, view.groups(id))


def _arrows(view: GraphView, write: Write, edges: Edges) -> Iterator[Arrow]:
    shown = list(view.edges())
    ways = Counter(edge.source for edge in shown)
    for edge in shown:
        symbol, number = "", ""
        if edges in ("both", "symbol") or (edges == "value" and view.point is None):
            symbol = _symbol(view, edge, alone=ways[edge.source] == 1)
        if edges in ("both", "value") and edge.value is not None:
            number = write(edge.value)
        yield Arrow(
            f"n{edge.source}",
            f"n{edge.target}",
            symbol,
            number,
            "",
            sign_of(edge.value) if number else "ink",
            edge.taken,
            edge.marked if view.marked is not None else None,
            edge.groups,
        )


def _why_idle(view: GraphView) -> str:
    """Say why nothing needs what some arrows lead to: a branch that is not taken, a step that is not read."""
    read = view.graph.needed()
    idle = [edge for edge in view.edges() if not edge.taken]
    why = ["another branch was taken"] if any(read[edge.target] for edge in idle) else []
    if not all(read[edge.target] for edge in idle):
        why.append(f"{view.graph.name(view.graph.output)} does not read the step")
    return f"{', or '.join(why)}, so nothing here needs it"


def _symbol(view: GraphView, edge: Edge, *, alone: bool) -> str:
    """Return the local derivative where it is short, else what it is a derivative of.

    Args:
        view: What is shown of the graph.
        edge: To be written at an arrow.
        alone: No other arrow leaves its source, whose box has the derivative by all ways.
    """
    if len(edge.symbol) <= SYMBOL and "where" not in edge.symbol:
        return edge.symbol
    node = view.graph.nodes[edge.target]
    if node.op is not None and node.op.arity[0] == 1 and node.op.callable and not view.named:
        return f"{view.graph.called(node.op)}'({view.graph.own_name(edge.source)})"
    if edge.target == view.graph.output and not alone:
        return shortened(edge.symbol, SYMBOL)
    return f"d{view.graph.own_name(edge.target)}/d{view.graph.own_name(edge.source)}"


def counted(n: int, what: str) -> str:
    """Write ``1 node``, ``2 nodes``."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"
