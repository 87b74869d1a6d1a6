"""A network, or one layer of it, number by number, as it is read: every number by its name.

The lowered graph unrolled has a node for every operation; here each number with a name is one node, with
what leads to it in one line.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..engine import unroll
from ..engine.record import Written
from ..engine.run import run
from ..engine.unroll import Scalars
from ..errors import NoSuchNumber, Source
from ..explanation.expr import ONE, Expr, Exprs, Number, multiply, subtract
from ..explanation.names import Name
from ..explanation.paper import Paper, Row, on_paper
from ..explanation.region import Region
from ..graph import CONSTANT, INPUT, NOWHERE, PARAMETER, Graph, GraphBuilder, Node
from ..language.lower import lower
from ..language.numbers import brief
from ..language.parser import parse
from ..ops import PRIMITIVES, Primitive
from ..ops.namespaces import FLOATS
from ..ops.sums import DOT, SUM
from ..ops.tensor import TENSORS
from .formula import FormulaNetwork
from .losses import OWN_TERMS, PROGRAM
from .lowering import Lowered
from .network import LayerNetwork, NDArray, Parameter
from .programmed import ProgramNetwork
from .runner import Network
from .written_loss import WrittenLoss

PARTS = {"weights": "w", "bias": "b"}
NORMS = ("l1", "l2")

Ids = npt.NDArray[np.int64]
"""An array of nodes."""


class Block:
    """Nodes of a layer that are computed together.

    Attributes:
        layer: The layer, "" for a formula.
        units: Nodes of one unit and row each, in creation order.
    """

    def __init__(self, layer: str) -> None:
        self.layer = layer
        self.units: list[tuple[int, ...]] = []


class OneLayer(NamedTuple):
    """A layer alone, with what comes in on both sides.

    Attributes:
        name: The layer.
        inputs: What the layers before give, shape (rows, ...).
        source: The node of the lowered graph that gives it.
        before: Its layer; None for the network's inputs.
        part: What its numbers are called.
        output: The node of what the layer gives; None for the last layer.
        incoming: The slopes of the loss by it.
    """

    name: str
    inputs: NDArray
    source: int
    before: str | None
    part: str
    output: int | None
    incoming: NDArray | None


class Unrolled:
    """The graph of single numbers, with the values of its leaves.

    Args:
        network: Layers or a formula.
        lowered: Its graph for the batch, for training.
        leaves: Parameters, states and what the batch brings, by name.
        paper: Rounds.
        only: One layer alone, with its inputs and what comes back to it given.
        called: Gives numbers names of their own, or "".
    Attributes:
        only: The one layer; None where all are there.
        rows: Of the batch.
        names: Node -> what it is called.
        row_of: Node -> row of the batch; rowless nodes are missing.
        layer_of: Step -> its layer.
        parameters: Parameter -> array of nodes.
        blocks: In the order of the forward pass.
        data: Node of the loss without penalties; None without one.
        penalties: Nodes of the penalties.
        targets: Leaves that hold the targets.
        predictions: Nodes that only show what the loss takes.
        given: Node that stands for the layers after, where only one is unrolled.
        siblings: Probability -> those of its row, over which slopes by its operands are written.
    """

    def __init__(
        self,
        network: Network,
        lowered: Lowered,
        leaves: Mapping[str, NDArray],
        paper: Paper,
        only: OneLayer | None = None,
        called: Callable[[Name], str] | None = None,
    ) -> None:
        self.network = network
        self.paper = paper
        self.names: dict[int, Name] = {}
        self.row_of: dict[int, int] = {}
        self.layer_of: dict[int, str] = {}
        self.parameters: dict[str, Ids] = {}
        self.blocks: list[Block] = []
        self.targets: list[int] = []
        self.predictions: list[int] = []
        self.penalties: list[int] = []
        self.data: int | None = None
        self.given: int | None = None
        self.siblings: dict[int, list[int]] = {}
        self.loss: WrittenLoss | None = None
        self.only = only
        self._called = called
        self._lowered, self._arrays = lowered, leaves
        self._builder = GraphBuilder(Source(""), sys.maxsize)
        self._leaves: dict[int, float] = {}
        self._numbers: dict[float, int] = {}
        self._on_paper: dict[tuple[Primitive, tuple[bool, ...]], Primitive] = {}
        self._unit: dict[tuple[Block, int], int] = {}
        assert lowered.target is not None
        self.rows = lowered.shapes[lowered.target][0]
        self._layers = [piece.name for piece in network.pieces] if isinstance(network, LayerNetwork) else []
        self._by_row = self._rows_apart()
        self._scalars = self._unroll()
        self._recorder = self._scalars.recorder
        self._ids: dict[int, int] = {}  # of what is recorded -> of what has a name
        for p in network.parameters:
            if only is None or p.layer == only.name:
                self._parameter(p)
        self._steps()
        self.graph: Graph = self._builder.build([self._output()])

    # numbers

    def run(self, parameters: Mapping[str, NDArray] | None = None) -> list[float]:
        """Return the value of every node, also for other parameters."""
        leaves = self._leaves | self.graph.constant_values()
        given = parameters or {}
        for name, ids in self.parameters.items() if given else ():
            for id, value in zip(ids.reshape(-1).tolist(), given[name].reshape(-1).tolist(), strict=True):
                leaves[id] = self.paper(value)
        values = run(self.graph, leaves)
        needed = self.graph.needed(values) if not np.isfinite(values).all() else []
        for id, (value, wanted) in enumerate(zip(values, needed, strict=False)):
            if wanted and not np.isfinite(value):
                shown = self.names[id].text if id in self.names else "a number"
                raise NoSuchNumber(
                    f"{shown} has no value" + ("" if self.paper.exact else " after rounding"),
                    hint=None if self.paper.exact else "more --digits",
                )
        return values

    def by_parameter(self, numbers: Sequence[float]) -> dict[str, NDArray]:
        """Return the numbers of the parameters' nodes, an array each."""
        every = np.array(numbers)
        return {name: every[ids] for name, ids in self.parameters.items()}

    @property
    def weights(self) -> list[str]:
        """The names of all parameters, number by number."""
        inputs, nodes = self.graph.inputs, self.graph.nodes
        return [name for name, id in inputs.items() if nodes[id].kind == PARAMETER]

    def own_name(self, id: int) -> Name:
        """Return what only this node is called: with its row, where the batch has several."""
        return self._own(self.names[id], self.row_of.get(id))

    def _own(self, name: Name, row: int | None) -> Name:
        if row is None or self.rows == 1:
            return name
        layer = ".".join(filter(None, (f"row{row + 1}", name.layer)))
        return name._replace(layer=layer, called=name.called and f"row{row + 1}.{name.called}")

    @property
    def _own_loss(self) -> bool:
        """Whether the loss is a statement of a program, whose numbers are its rows'."""
        return self.network.loss.type == PROGRAM

    def _rows_apart(self) -> list[bool]:
        """Return for every array whether it has a line for each row of the batch."""
        graph = self._lowered.graph
        if not isinstance(self.network, ProgramNetwork):
            return [node.shape[:1] == (self.rows,) for node in graph.nodes]
        own = {p.name for p in self.network.parameters}
        return graph.depends_on([id for name, id in graph.inputs.items() if name not in own])

    # from arrays to numbers

    def _unroll(self) -> unroll.Unrolled:
        lowered, only = self._lowered, self.only
        graph = lowered.graph
        ends = [id for norm in NORMS for id in self._penalty_nodes(norm)]
        if only is not None and only.output is not None:
            ends.append(only.output)
        else:
            assert lowered.data_loss is not None
            ends += [lowered.data_loss, lowered.prediction]
        start = None if only is None else only.source

        def given(recorder: Scalars) -> dict[int, unroll.Numbers]:
            found: dict[int, unroll.Numbers] = {}
            if start is not None:
                found[start] = recorder.leaves(graph.nodes[start])
            # a formula is worked out row by row, what no column enters into, too
            for p in self.network.parameters if isinstance(self.network, FormulaNetwork) else ():
                if p.name in graph.inputs:
                    id = graph.inputs[p.name]
                    found[id] = np.broadcast_to(recorder.leaves(graph.nodes[id]), (self.rows,))
            return found

        return unroll.unroll(graph, _between(graph, ends, start), given)

    def _penalty_nodes(self, norm: str) -> Iterator[int]:
        """Yield the arrays' shares in a penalty."""
        named = self._lowered.graph.named
        for p in self.network.parameters:
            if (self.only is None or p.layer == self.only.name) and f"{p.name}.{norm}" in named:
                yield named[f"{p.name}.{norm}"]

    # nodes

    def _enter(self, recorded: int | None, id: int, name: Name, row: int | None) -> int:
        if recorded is not None:
            self._ids[recorded] = id
        self.names[id] = self._titled(name)
        if row is not None:
            self.row_of[id] = row
        return id

    def _titled(self, name: Name) -> Name:
        return name if self._called is None else name._replace(called=self._called(name))

    def _leaf(self, recorded: int | None, name: Name, value: float, kind: str, row: int | None = None) -> int:
        id = self._builder.input(self._own(self._titled(name), row).text, NOWHERE, kind)
        self._leaves[id] = self.paper(float(value))
        return self._enter(recorded, id, name, row)

    def _number(self, value: float) -> int:
        if value not in self._numbers:
            self._numbers[value] = self._builder.constant(value, brief(value, 12), NOWHERE)
        return self._numbers[value]

    def _apply(
        self, recorded: int | None, row: Primitive, inputs: Iterable[int], name: Name, of: int | None = None
    ) -> int:
        id = self._builder.apply(row, tuple(map(int, inputs)), NOWHERE)
        self.layer_of[id] = name.layer
        return self._enter(recorded, id, name, of)

    def _step(self, recorded: int, name: Name, row: int | None = None) -> int:
        """Add a number with a name: one operation as it is, several as one line."""
        nodes = self._recorder.builder.nodes
        node = nodes[recorded]
        op = node.primitive
        if PRIMITIVES.get(op.name) is op and all(
            i in self._ids or nodes[i].kind == CONSTANT for i in node.inputs
        ):
            fixed = tuple(nodes[i].kind == CONSTANT for i in node.inputs)
            key = op, fixed
            if key not in self._on_paper:
                self._on_paper[key] = on_paper(op, fixed, self.paper)
            inputs = [
                self._number(self._region(i).forward() if nodes[i].op else nodes[i].value)
                if constant
                else self._ids[i]
                for i, constant in zip(node.inputs, fixed, strict=True)
            ]
            return self._apply(recorded, self._on_paper[key], inputs, name, row)
        region = self._region(recorded)
        line = Row(
            name.part, self.paper, region.written, lambda k, o, y, _: region.slope(k, o, y), region.forward
        )
        if self.paper.exact:
            line.partials = lambda xp, y, *xs: region.partials(*xs)
        return self._apply(recorded, line, (self._ids[i] for i in region.operands), name, row)

    def _region(self, recorded: int, operands: Sequence[int] | None = None) -> Region:
        nodes = self._recorder.builder.nodes
        region = Region(nodes, recorded, self._ids, operands)
        for id in region.steps:
            for i in nodes[id].inputs:
                known = nodes[i].op is not None or nodes[i].kind == CONSTANT or i in self._ids
                assert known, f"{nodes[i].name} has no number here"  # it would be read as 0
        return region

    def _parameter(self, p: Parameter) -> None:
        part = PARTS.get(p.name.rpartition(".")[2]) if p.layer else None
        node = self._lowered.graph.inputs.get(p.name)
        recorded = None
        if node is not None:
            ids = self._scalars.ids(node)
            # the rows of a formula share their parameters' leaves
            recorded = ids[0] if isinstance(self.network, FormulaNetwork) else ids
        array = np.empty(p.shape, np.int64)
        for index in np.ndindex(*p.shape):
            name = Name(part, p.layer, index[:1], index[1:]) if part else Name(p.name, place=index)
            id = None if recorded is None else int(recorded[index])
            array[index] = self._leaf(id, name, self._arrays[p.name][index].item(), PARAMETER)
        self.parameters[p.name] = array

    # arrays

    def _steps(self) -> None:
        """Enter the numbers of all arrays with a name, row by row as far as rows stand for themselves."""
        waiting: list[tuple[Node, str, str, Block | None]] = []

        def enter() -> None:
            for r in range(self.rows):
                for each in waiting:
                    self._row(*each, r)
            waiting.clear()

        for node in self._lowered.graph.nodes:
            named = self._named(node)
            if named is None or node.id not in self._scalars.numbers:
                continue
            layer, part = named
            if not self._by_row[node.id]:  # what all rows share, of a layer a number a channel
                enter()
                block = self._block(layer)
                ids = self._scalars.ids(node.id)
                for place in np.ndindex(ids.shape):
                    name = Name(part, layer, place[-1:]) if layer else Name(part, place=place)
                    block.units.append((self._step(int(ids[place]), name),))
            else:
                waiting.append((node, layer, part, self._block_of(node, layer)))
        enter()
        self.blocks = [block for block in self.blocks if block.units]

    def _named(self, node: Node) -> tuple[str, str] | None:
        """Return layer and part of an array whose numbers have names; None for others."""
        graph, only = self._lowered.graph, self.only
        if only is not None and node.id == only.source:
            return only.before or "", only.part
        if node.kind in (CONSTANT, PARAMETER) or (node.name == self._lowered.target and not self._own_loss):
            return None
        if isinstance(self.network, FormulaNetwork):
            return ("", graph.own_name(node.id)) if node.id <= self._lowered.output else None
        if isinstance(self.network, ProgramNetwork):
            if self._own_loss and node.name in (OWN_TERMS, self._lowered.target):
                return "", str(node.name).removesuffix(".terms")
            return ("", node.name) if node.name in self.network.names else None
        layer, _, part = (node.name or "").rpartition(".")
        return (layer, part) if layer in self._layers or node.name == "x" else None

    def _block(self, layer: str) -> Block:
        self.blocks.append(Block(layer))
        return self.blocks[-1]

    def _block_of(self, node: Node, layer: str) -> Block | None:
        """Return the block of an array: what is a function of a unit's sum stands with the sum."""
        if node.op is None or (self.only is not None and node.id == self.only.source):
            return None
        nodes, last = self._lowered.graph.nodes, self.blocks[-1] if self.blocks else None
        moving = [i for i in node.inputs if nodes[i].kind != CONSTANT]
        joins = not layer or (node.op.name in PRIMITIVES and len(moving) == 1)
        return last if last is not None and last.layer == layer and joins else self._block(layer)

    def _row(self, node: Node, layer: str, part: str, block: Block | None, r: int) -> None:
        """Enter the numbers of one row of an array."""
        ids = self._scalars.ids(node.id)[r]
        names = {i: Name(part, layer, i) if layer else Name(part, place=i) for i in np.ndindex(ids.shape)}
        if block is None:
            array = self.only.inputs if self.only else self._arrays[node.name or ""]
            kind = node.kind if node.op is None else INPUT
            for index, name in names.items():
                leaf = self._leaf(int(ids[index]), name, array[(r, *index)].item(), kind, r)
                if node.name == self._lowered.target:
                    self.targets.append(leaf)
        elif node.op is TENSORS["softmax"]:
            block.units += [(id,) for id in self._softmax(node, layer, part, r, r)]
        else:
            for index, name in names.items():
                if int(ids[index]) not in self._ids:  # else the same numbers, in another shape
                    self._join(block, self._step(int(ids[index]), name, r), r)

    def _join(self, block: Block, id: int, r: int) -> None:
        """Put a number into the unit of what it is computed from, where that is of the block."""
        first = self._builder.nodes[id].inputs[0]
        unit = r if not block.layer and len(block.units) > r else self._unit.get((block, first))
        if unit is None:
            unit = len(block.units)
            block.units.append(())
        block.units[unit] += (id,)
        self._unit[block, id] = unit

    def _softmax(self, node: Node, layer: str, part: str, at: int, r: int) -> list[int]:
        """Enter a line of probabilities, of a row; their slopes are written over all of them."""
        zs, ys = (self._scalars.ids(i)[at].tolist() for i in (node.inputs[0], node.id))
        rows: list[Row] = []

        @lru_cache(maxsize=1)
        def probabilities(zs: tuple[float, ...]) -> list[float]:
            return [row.forward(FLOATS, *zs) for row in rows]

        found = []
        for i, y in enumerate(ys):
            region, slope = self._region(y, zs), partial(softmax_slope, i)
            row = Row("softmax", self.paper, region.written, slope, region.forward, probabilities)
            rows.append(row)
            name = Name(part, layer, (i,)) if layer else Name(part, place=(i,))
            found.append(self._apply(y, row, (self._ids[z] for z in zs), name, r))
        self.siblings.update(dict.fromkeys(found, found))
        return found

    # the loss

    def _output(self) -> int:
        """Enter what the layers give to the loss, or to the layers after, and return what slopes are of."""
        only, recorder = self.only, self._recorder
        if only is not None and only.incoming is not None:
            assert only.output is not None
            fixed = [recorder.constant(float(g)) for g in only.incoming.reshape(-1)]
            whole = recorder.apply(DOT, *fixed, *self._scalars.numbers[only.output].reshape(-1))
            data = self.given = self._step(whole.id, Name("given"))
        else:
            whole, data = self._loss()
        sums = [whole]
        for norm in NORMS:
            terms = list(self._penalised(norm))
            if terms:
                factor = recorder.constant(getattr(self.network.penalties, norm))
                sums.append(recorder.apply(PRIMITIVES["multiply"], factor, recorder.apply(SUM, *terms)))
                self.penalties.append(self._step(sums[-1].id, Name(norm)))
        if not self.penalties:
            return data
        if self.data is not None:
            self.names[self.data] = Name("E_data")
        return self._step(recorder.apply(SUM, *sums).id, Name("E"))

    def _penalised(self, norm: str) -> Iterator[Written]:
        """Yield the terms of a penalty, of all weights."""
        nodes = self._recorder.builder.nodes
        for id in self._penalty_nodes(norm):
            _, total = nodes[int(self._scalars.ids(id))].inputs
            # by weight: a formula has every row's own
            terms = {nodes[i].inputs[0]: i for i in nodes[total].inputs}
            yield from (Written(self._recorder, i) for i in terms.values())

    def _loss(self) -> tuple[Written, int]:
        """Enter the loss: a factor times the sum of one term an output."""
        lowered, loss = self._lowered, self.network.loss
        graph = lowered.graph
        assert lowered.target is not None
        assert lowered.data_loss is not None
        if self._own_loss:
            self._weights((self.rows, 1))
            whole = self._scalars.numbers[lowered.data_loss].item()
            self.data = self._step(whole.id, Name("E"))
            return whole, self.data
        y = self._scalars.ids(lowered.output).reshape(self.rows, -1)
        t = self._scalars.ids(graph.inputs[lowered.target]).reshape(y.shape)
        targets = self._arrays[lowered.target].reshape(y.shape)
        outputs = self.network.outputs
        for r, k in np.ndindex(*y.shape):
            name = Name("t", place=(k,))
            if y.shape[1] > outputs:  # of every step
                name = Name(f"t[{k // outputs}]", place=(k % outputs,))
            self.targets.append(self._leaf(int(t[r, k]), name, targets[r, k].item(), INPUT, r))
        operands = [y, t]
        if loss.row.probable:
            operands.append(self._predictions().reshape(y.shape))
        weights = self._weights(y.shape)
        node, share = graph.nodes[lowered.data_loss], 1.0
        if node.op is PRIMITIVES["multiply"]:
            share, node = graph.nodes[node.inputs[0]].value, graph.nodes[node.inputs[1]]
        terms = self._scalars.ids(node.inputs[0])
        count = terms.size if node.op is TENSORS["mean"] else 1
        if loss.row.term is not None:
            terms = self._terms(operands, weights)
        operands += [] if weights is None else [weights]
        flat = [id for a in operands for id in a.reshape(-1).tolist()]
        whole = self._scalars.numbers[lowered.data_loss].item()
        regions = [[self._region(id) for id in row] for row in terms.reshape(y.shape).tolist()]
        own = flat[: 2 * y.size] + ([] if weights is None else flat[-y.size :])
        exact = self._region(whole.id, own) if loss.row.probable else None
        weighted = weights is not None
        self.loss = WrittenLoss(loss.type, self.paper, regions, flat, (share, count), exact, weighted)
        self.data = self._apply(whole.id, self.loss.row, (self._ids[i] for i in flat), Name("E"))
        return whole, self.data

    def _weights(self, shape: tuple[int, ...]) -> Ids | None:
        """Enter what the rows count, and return it for each output; None where all count alike."""
        name = self._lowered.weights
        if name is None:
            return None
        ids = self._scalars.ids(self._lowered.graph.inputs[name]).reshape(-1)
        steps = len(ids) // self.rows
        for at, weight in enumerate(self._arrays[name].reshape(-1).tolist()):
            r, t = divmod(at, steps)
            called = Name(f"weight[{t}]" if steps > 1 else "weight")
            self.targets.append(self._leaf(int(ids[at]), called, weight, INPUT, r))
        return np.repeat(ids.reshape(self.rows, -1), shape[1] * self.rows // len(ids), axis=1)  # of steps

    def _predictions(self) -> Ids:
        """Enter what the loss makes of its logits."""
        last = self._layers[-1] if self._layers else ""
        node = self._lowered.graph.nodes[self._lowered.prediction]
        block = self._block(last)
        ids = self._scalars.ids(node.id)
        steps = len(ids) // self.rows
        for at in range(len(ids)):
            r, t = divmod(at, steps)
            part = f"p[{t}]" if steps > 1 else "p"
            if node.op is TENSORS["softmax"]:
                found = self._softmax(node, last, part, at, r)
            else:
                found = [
                    self._step(id, Name(part, last, (k,) if last else ()), r)
                    for k, id in enumerate(ids[at].reshape(-1).tolist())
                ]
            block.units += [(id,) for id in found]
            self.predictions += found
        return ids

    def _terms(self, operands: Sequence[Ids], weights: Ids | None) -> Ids:
        """Record the terms of the loss as a reader is shown them."""
        recorder, loss = self._recorder, self.network.loss
        assert loss.row.term is not None
        graph = lower(parse(loss.row.term))
        constants = {id: recorder.constant(x) for id, x in graph.constant_values().items()}
        found = np.empty_like(operands[0])
        for index in np.ndindex(found.shape):
            known = {n: Written(recorder, int(a[index])) for n, a in zip("ytp", operands, strict=False)}
            known |= {name: recorder.constant(getattr(loss, name)) for name in loss.row.settings}
            leaves = {id: known[name] for name, id in graph.inputs.items()}
            term = run(graph, constants | leaves, apply=recorder.apply)[graph.output]
            if weights is not None:
                term = recorder.apply(PRIMITIVES["multiply"], Written(recorder, int(weights[index])), term)
            found[index] = term.id
        return found


def softmax_slope(i: int, k: int, operands: Exprs, y: Expr, ys: Exprs) -> Expr:
    """Write the slope of probability ``i`` by its operand ``k``."""
    return multiply(y, subtract(ONE, y)) if k == i else multiply(Number(-1.0), y, ys[k])


def _between(graph: Graph, ends: Iterable[int], start: int | None) -> list[bool]:
    """Return for every node whether some of the ends need it, once the start is given."""
    needed = [False] * len(graph)
    for id in ends:
        needed[id] = True
    for node in reversed(graph.nodes):
        if needed[node.id] and node.id != start:
            for i in node.inputs:
                needed[i] = True
    return needed
