"""The catalogue of mistakes over arrays: every one is a program beside the right one.

A rule is broken at one step, or wherever it can be, and the sweep written with it; equal parts of all these
sweeps are there once. One run tells what each mistake gives at a point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..engine.unroll import place_text
from ..errors import BackpropError
from ..graph import CONSTANT, Graph, Node
from ..language.format import node_text
from ..ops import Shape
from ..ops.tensor import Pull
from .answers import shortened
from .array_answers import ArrayTarget
from .array_programs import Runs, quantity
from .array_rules import Step, WrongPull, wrong_pulls
from .catalogue import MOST_TEXT
from .cures import cure_of
from .ranking import Told

MOST_STEPS = 80
"""Steps of a program up to which rules are broken one by one."""

MOST_PLACES = 9
"""Numbers of what is differentiated up to which rules are broken: each takes a sweep of its own."""

MOST_NUMBERS = 20_000
"""Numbers of a quantity up to which its mistakes are worked out."""


PRODUCTS = ("ij,jk->ik", "ij,j->i")
"""Products of a matrix with a matrix or a column, which share a rule."""

TAKEN = {
    -1.0: ("sign lost", "{} has the wrong sign"),
    2.0: ("factor", "{} has a factor 2 too many"),
    0.5: ("factor", "{} lacks a factor 2"),
}
"""By what one of several contributions is multiplied, and what is said then."""


class ArrayMistake(NamedTuple):
    """A mistake that gives an array.

    Attributes:
        kind: Its name.
        says: What went wrong, one clause.
        rank: When it is told, see `ranking`.
        numbers: What it gives, in the order of rows.
    """

    kind: str
    says: str
    rank: int
    numbers: tuple[float, ...]

    @property
    def key(self) -> str:
        """What it is, without its numbers."""
        return f"{self.kind}: {self.says}"


class _Entry(NamedTuple):
    """A mistake in the catalogue, with the output that it gives."""

    kind: str
    says: str
    rank: int
    output: int


Broken = Mapping[tuple[int, int], Any]
"""What stands in place of a local derivative, by step and operand."""


class ArrayCatalogue:
    """Every mistake for a quantity of a program.

    Args:
        graph: The program.
        target: The quantity, or a part of it.
    Attributes:
        shapes: Of what mistakes give: the quantity's own, and for a matrix that of its transpose.
    """

    def __init__(self, graph: Graph, target: ArrayTarget) -> None:
        self.graph = graph
        self.target = target
        self.pen, self.right = quantity(graph, target)
        self._outputs: list[Any] = []
        self._entries: list[_Entry] = []
        self.write()
        self.runs = Runs(self.pen.done(*self._outputs)) if self._outputs else None

    def at(self, inputs: Mapping[str, Any]) -> dict[str, ArrayMistake]:
        """Return the mistakes at a point, by what they are; those that have no number there are left out."""
        found: dict[str, ArrayMistake] = {}
        values = self.runs(inputs) if self.runs is not None else []
        for entry in self._entries:
            value = values[entry.output]
            if np.isfinite(value).all():
                numbers = tuple(value.reshape(-1).tolist())
                mistake = ArrayMistake(entry.kind, entry.says, entry.rank, numbers)
                found.setdefault(mistake.key, mistake)
        return found

    def take(self, kind: str, says: str, rank: int, value: Any) -> None:
        """Enter a mistake that gives an array of the quantity's shape."""
        if _shape(value) != self.target.shape:
            return
        self._outputs.append(value)
        self._entries.append(_Entry(kind, says, rank, len(self._outputs) - 1))

    def write(self) -> None:
        """Write all mistakes behind the program."""
        target, pen, right = self.target, self.pen, self.right
        if prod(target.whole) > MOST_NUMBERS:
            return
        self.take("sign lost", "the sign is wrong", Told.SIGN_OF_ALL, -right)
        self.take("factor", "a factor 2 is too many", Told.MULTIPLE, 2.0 * right)
        self.take("factor", "a factor 2 is missing", Told.MULTIPLE, 0.5 * right)
        if len(target.shape) == 2 and len(set(target.shape)) == 1:
            says = "it is transposed" if target.by else "this is the transpose"
            self.take("transposed", says, Told.WHOLE_ARRAY, pen.xp.contract("ij->ji", right))
        self._other_places()
        if len(target.by) == 1:
            self._of_slope()
        elif not target.by:
            self._of_value()

    def _other_places(self) -> None:
        """Enter the other numbers of the array that a number is claimed of."""
        target = self.target
        if not target.place or target.shape:
            return
        pen, full = self.pen, self._whole()
        for place in np.ndindex(target.whole):
            if place != target.place:
                swapped = place == target.place[::-1]
                says = f"this is the number at {place_text(place)}"
                kind, rank = ("transposed", Told.WHOLE_ARRAY) if swapped else ("another number", Told.ANOTHER)
                says += ": the indices are swapped" if swapped else ""
                self.take(kind, says, rank, pen.xp.index(full, place))

    def _whole(self) -> Any:
        """Write the whole of a quantity of which a part is claimed."""
        target, pen = self.target, self.pen
        if not target.by:
            return pen.expanded(pen.values[target.of], target.whole)
        return pen.operand(pen.builder.nodes[self.right.id], 0)

    # values

    def _of_value(self) -> None:
        graph, pen, target = self.graph, self.pen, self.target
        for node in graph.nodes:
            if node.id != target.of and node.name is not None:
                says = f"this is the value of {node.name}, not of {target.text}"
                self.take("another step", says, Told.ANOTHER, self._part(pen.values[node.id], node.shape))
        node = graph.nodes[target.of]
        if node.op is not None and node.op.name == "mean":
            total = pen.xp.sum(pen.values[node.inputs[0]], None)
            self.take("sum for mean", "this is the sum, not the mean", Told.ARRAY_RULE, total)
        if node.op is not None and node.op.name == "sum of an array":
            mean = self.right * (1.0 / prod(graph.nodes[node.inputs[0]].shape))
            self.take("mean for sum", "this is the mean, not the sum", Told.ARRAY_RULE, mean)
        if target.of != graph.output and not graph.nodes[graph.output].shape:
            slope = pen.by(graph.output, target.of)
            says = f"this is the derivative by {target.text}, not its value"
            self.take("derivative instead", says, Told.ANOTHER, self._part(slope, node.shape))

    def _part(self, whole: Any, shape: Shape) -> Any:
        """Write the same part of another array of the quantity's whole shape."""
        if shape != self.target.whole:
            return None
        return self.pen.part(whole, self.target)

    # slopes

    def _of_slope(self) -> None:
        graph, pen, target = self.graph, self.pen, self.target
        by = target.by[0]
        variable = graph.own_name(by)
        self.take("taken for a constant", f"{variable} is taken for a constant", Told.ZERO, self._zero())
        scalar = not graph.nodes[target.of].shape
        for node in graph.nodes:
            named = node.op is None or node.name is not None or node.id == by
            if node.kind == CONSTANT or not named or node.id == target.of:
                continue
            rank = Told.VALUE if node.id == by else Told.RARE
            says = f"this is the value of {graph.own_name(node.id)}, not a derivative"
            self.take("value instead", says, rank, self._part(pen.values[node.id], node.shape))
            if scalar and node.id < target.of and node.id != by and node.shape == target.whole:
                says = f"this is the derivative by {graph.own_name(node.id)}, not by {variable}"
                self.take(
                    "another variable", says, Told.ANOTHER, self._part(pen.by(target.of, node.id), node.shape)
                )
        self._counted()
        self._broken()

    def _zero(self) -> Any:
        return self.pen.expanded(0.0, self.target.shape)

    def _counted(self) -> None:
        """Enter what is as many times too large or small as arrays of the program have numbers."""
        sizes: dict[int, None] = {}
        for node in self.graph.nodes:
            if node.kind != CONSTANT:
                for n in (*node.shape, prod(node.shape)):
                    sizes[n] = None
        for n in sizes:
            if n > 2:
                says = f"{n:.0f} times too large: the division by n = {n:.0f} is missing"
                self.take("sum for mean", says, Told.POINT, self.right * float(n))
                says = f"divided by n = {n:.0f}, and no such mean is taken"
                self.take("mean for sum", says, Told.POINT, self.right * (1.0 / n))

    def _steps(self) -> Iterator[Node]:
        """Yield the steps between what is differentiated by and the output."""
        by, of = self.target.by[0], self.target.of
        moves = self.graph.depends_on([by])
        needed = _leading_to(self.graph, of)
        for node in self.graph.nodes[by + 1 : of + 1]:
            if node.op is not None and moves[node.id] and needed[node.id]:
                yield node

    def _broken(self) -> None:
        steps = list(self._steps())
        shape = self.graph.nodes[self.target.of].shape
        if len(steps) > MOST_STEPS or prod(shape) > MOST_PLACES:
            return
        moves = self.graph.depends_on([self.target.by[0]])
        everywhere: dict[tuple[str, str], dict[tuple[int, int], Any]] = {}
        for node in steps:
            # what goes wrong with a rule goes wrong for all its operands, unless it is about one
            rules: dict[tuple[str, str], tuple[WrongPull, dict[tuple[int, int], Any]]] = {}
            for k, i in enumerate(node.inputs):
                if not moves[i]:
                    continue
                for wrong in self._wrong(node, k, moves):
                    plain = (wrong.kind, wrong.says)
                    says = wrong.says.format(**self._texts(node, k))
                    rules.setdefault((wrong.kind, says), (wrong, {}))[1][node.id, k] = wrong.partial
                    everywhere.setdefault(plain, {})[node.id, k] = wrong.partial
            for (kind, says), (wrong, broken) in rules.items():
                self._swept(kind, says, wrong.rank, broken)
        for (kind, says), broken in everywhere.items():
            ids = list(dict.fromkeys(id for id, _ in broken))
            if kind == "sign lost":  # twice it is none
                continue
            if len(ids) > 1 and "{x}" not in says and "{other}" not in says:
                names = " and ".join(dict.fromkeys(self.text(i) for i in ids[:3]))
                self._swept(kind, says.format(node=names), Told.ANOTHER, broken)
        self._forks(steps)

    def _wrong(self, node: Node, k: int, moves: Sequence[bool]) -> Iterator[WrongPull]:
        assert node.op is not None
        pen, nodes = self.pen, self.graph.nodes
        step = Step(
            pen.xp, node.op, node.static, pen.values[node.id], [pen.values[i] for i in node.inputs], k,
            [moves[i] for i in node.inputs], [nodes[i].kind == CONSTANT for i in node.inputs],
            self._rights(node),
        )  # fmt: skip
        return wrong_pulls(step)

    def _rights(self, node: Node) -> list[Any]:
        """Return the right local derivatives of a step."""
        assert node.op is not None
        values = self.pen.values
        x = [values[i] for i in node.inputs]
        return list(node.op.partials(self.pen.xp, values[node.id], *x, **node.static))

    def _swept(self, kind: str, says: str, rank: int, broken: Broken) -> None:
        """Enter what the sweep gives with some local derivatives replaced."""
        pen, target = self.pen, self.target

        def partials(node: Node) -> Sequence[Any]:
            return [broken.get((node.id, k), p) for k, p in enumerate(self._rights(node))]

        try:
            found = pen.by(target.of, target.by[0], partials)
            self.take(kind, says, rank, pen.part(found, target))
        except (BackpropError, ValueError, TypeError, AttributeError, AssertionError):
            return  # what a mistake gives has not the shape that goes on

    def _forks(self, steps: Sequence[Node]) -> None:
        """Enter contributions of several users that are not summed."""
        for id in (self.target.by[0], *(n.id for n in steps)):
            uses = [(n, k) for n in steps for k, i in enumerate(n.inputs) if i == id]
            if len(uses) < 2:
                continue
            name = self.name(id)
            for user, k in uses:
                through = f"through {self.text(user.id)}"
                place, right = (user.id, k), self._rights(user)[k]
                rest = {(n.id, j): 0.0 for n, j in uses if (n.id, j) != place}
                only = f"the contributions of {name} are not summed (= instead of +=): only the one"
                self._swept("fork not summed", f"{only} {through} counts", Told.FORK, rest)
                if len(uses) > 2:
                    says = f"of the contributions of {name} the one {through} is missing"
                    self._swept("fork not summed", says, Told.LOCAL, {place: 0.0})
                elif any("spec" in n.static for n, _ in uses):
                    says = f"what comes to {name} {through} is taken twice, as for a symmetric matrix"
                    self._swept("taken for symmetric", says, Told.RULE, {**rest, place: _times(right, 2.0)})
                for factor, (kind, says) in TAKEN.items():
                    told = says.format(f"of the contributions of {name} the one {through}")
                    self._swept(kind, told, Told.ANYWHERE, {place: _times(right, factor)})

    # words

    def name(self, id: int) -> str:
        """Return what a node is called; a step without a name as it is written."""
        return self.text(id) if self.graph.nodes[id].name is None else self.graph.own_name(id)

    def text(self, id: int) -> str:
        """Return a node as it is named and written."""
        node = self.graph.nodes[id]
        start, end = node.span
        text = " ".join(self.graph.source.text[start:end].split())
        if not text or "#" in text or node.op is None:
            text = node_text(self.graph, id)
        if node.name is None or node.op is None:
            return shortened(text, MOST_TEXT)
        return f"{node.name} = {text}" if len(text) <= MOST_TEXT else node.name

    def rule_in(self, says: str) -> str:
        """Return the rule of the step that a sentence is about; "" where it is about none."""
        texts = {node.id: self.text(node.id) for node in self._steps()}
        ids = [id for id, text in texts.items() if text in says]
        if len(self.target.by) != 1 or not ids:
            return ""
        node = self.graph.nodes[max(ids, key=lambda id: len(texts[id]))]
        if node.static.get("spec") not in PRODUCTS:
            return cure_of(node.primitive)
        a, b = (self.graph.nodes[i].name or f"({self.text(i)})" for i in node.inputs)
        back = f"what comes back to {node.name or self.text(node.id)}, g,"
        return f"{back} goes on as g@{b}' to {a}, {a}'@g to {b}"

    def _texts(self, node: Node, k: int) -> dict[str, str]:
        names = [self.graph.nodes[i].name or self.text(i) for i in node.inputs]
        other = names[1 - k] if len(names) == 2 else ""
        return {"node": self.text(node.id), "x": names[k], "other": other}


def _times(right: Any, factor: float) -> Any:
    """Return a local derivative with a factor."""
    return Pull(lambda g: right.transpose(factor * g)) if isinstance(right, Pull) else factor * right


def _shape(x: Any) -> Shape | None:
    return None if x is None else getattr(x, "shape", ())


def _leading_to(graph: Graph, of: int) -> list[bool]:
    """Return which nodes a node needs."""
    needed = [False] * len(graph)
    needed[of] = True
    for node in reversed(graph.nodes[: of + 1]):
        if needed[node.id]:
            for i in node.inputs:
                needed[i] = True
    return needed
