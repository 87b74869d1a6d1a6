"""A network, or one layer of it, as a graph of single numbers: a node a unit and row.

It is lowered a second time, for readers; the engine is the same. Nodes are kept in blocks: what a layer
computes in one sweep over its units.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..engine.run import run
from ..engine.sweep import sweep
from ..errors import NoSuchNumber, Source
from ..explanation.written import Apply, Expr, Name, Number, Paper, Ref, Row, on_paper, slope_of
from ..graph import CONSTANT, INPUT, PARAMETER, STATE, Graph, GraphBuilder
from ..language.numbers import brief
from ..networks.formula import FormulaNetwork
from ..networks.layers import dense, normalised, windows
from ..networks.losses import FUSED
from ..networks.lowering import NOWHERE
from ..networks.network import LayerNetwork, NDArray, Parameter
from ..networks.runner import Network
from ..ops import PRIMITIVES, Primitive
from ..ops.namespaces import FLOATS
from ..ops.tensor import windows_along
from .written import deviation, mean, mean_square, penalty, softmax, sum_of, weighted
from .written_losses import WrittenLoss

Ids = Any
"""An array of nodes."""

PARTS = {"weights": "w", "bias": "b"}


class Block:
    """Nodes of a layer that are computed together.

    Attributes:
        layer: The layer, "" for a formula.
        units: Nodes of one unit and row each, in creation order.
    """

    def __init__(self, layer: str) -> None:
        self.layer = layer
        self.units: list[tuple[int, ...]] = []


class Unrolled:
    """The graph of single numbers, with its numbers.

    Args:
        network: Layers or a formula.
        values: Parameters and states by name.
        leaves: What a batch brings: inputs, targets, masks.
        target: The leaf that holds the targets.
        paper: Rounds.
        only: One layer alone, with its inputs and what comes back to it given.
    Attributes:
        names: Node -> what it is called.
        row_of: Node -> row of the batch; rowless nodes are missing.
        parameters: Parameter -> array of nodes.
        blocks: In the order of the forward pass.
        data: Node of the loss without penalties; None without one.
        penalties: Nodes of the penalties.
        predictions: Nodes that only show what the loss takes.
        given: Node that stands for the layers after, where only one is unrolled.
    """

    def __init__(
        self,
        network: Network,
        values: Mapping[str, NDArray],
        leaves: Mapping[str, NDArray],
        target: str,
        paper: Paper,
        only: OneLayer | None = None,
    ) -> None:
        self.network = network
        self.paper = paper
        self.builder = GraphBuilder(Source(""), limit=10_000_000)
        self.names: dict[int, Name] = {}
        self.row_of: dict[int, int] = {}
        self.layer_of: dict[int, str] = {}
        self.parameters: dict[str, Ids] = {}
        self.blocks: list[Block] = []
        self.predictions: list[int] = []
        self.penalties: list[int] = []
        self.data: int | None = None
        self.given: int | None = None
        self.loss: WrittenLoss | None = None
        self._siblings: dict[int, list[int]] = {}
        self._leaves: dict[int, float] = {}
        self._numbers: dict[float, int] = {}
        self._rows: dict[Any, Primitive] = {}
        self._operands: dict[int, list[Expr]] = {}
        self._values = values
        self._batch = leaves
        for p in network.parameters:
            if only is None or p.layer == only.name:
                self._parameter(p)
        if isinstance(network, FormulaNetwork):
            output = self._formula(network)
        else:
            assert isinstance(network, LayerNetwork)
            output = self._layers(network, only)
        if only is not None and only.incoming is not None:
            flat = [float(g) for g in only.incoming.reshape(-1)]
            self.given = self._apply(sum_of(len(flat), paper, flat), output.reshape(-1), Name("given"))
            data = self.given
        else:
            data = self.data = self._loss(network, output, leaves[target])
        self._penalise(network)
        total = data
        if self.penalties:
            nodes = [data, *self.penalties]
            total = self._apply(sum_of(len(nodes), paper), nodes, Name("E"))
        self.graph: Graph = self.builder.build([total])
        self.constants = self.graph.constant_values()
        self.active = self.graph.depends_on([int(i) for a in self.parameters.values() for i in a.reshape(-1)])
        self.users = self.graph.users()
        self.values, self.slopes = self.run(), [0.0] * len(self.graph)
        self.slopes = self._pull()

    # numbers

    def run(self, parameters: Mapping[str, NDArray] | None = None) -> list[float]:
        """Return the value of every node, also for other parameters."""
        leaves = self._leaves | self.constants
        given = parameters or {}
        for name, ids in self.parameters.items() if given else ():
            for id, value in zip(ids.reshape(-1), given[name].reshape(-1), strict=True):
                leaves[int(id)] = self.paper(float(value))
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

    def _pull(self) -> list[float]:
        start: list[Any] = [0.0] * len(self.graph)
        seed = self.paper.number(1.0)
        return [float(g) for g in sweep(self.graph, self.values, self.active, FLOATS, seed, start)]

    def ref(self, id: int) -> Expr:
        """Return a node as an operand of a line."""
        if self.graph.nodes[id].kind == CONSTANT:
            return Number(self.values[id])
        return Ref(self.names[id], self.values[id])

    def slope_ref(self, id: int) -> Ref:
        """Return dE/d of a node as an operand of a line."""
        return Ref(self.names[id]._replace(of="E"), self.slopes[id])

    def operands(self, id: int) -> list[Expr]:
        """Return the operands of a node."""
        if id not in self._operands:
            self._operands[id] = [self.ref(i) for i in self.graph.nodes[id].inputs]
        return self._operands[id]

    def written(self, id: int) -> Expr:
        """Write how a node is computed."""
        node = self.graph.nodes[id]
        row, operands = node.op, self.operands(id)
        assert row is not None
        if isinstance(row, Row):
            return row.write(operands)
        return Apply(row.name, tuple(self._without_defaults(node.inputs, operands)))

    def slope(self, user: int, k: int) -> Expr:
        """Write the slope of a node by its operand number k."""
        node = self.graph.nodes[user]
        row, operands = node.op, self.operands(user)
        assert row is not None
        if isinstance(row, Row):
            others = [self.ref(i) for i in self._siblings.get(user, [])]
            return row.slope(k, operands, self.ref(user), others)
        return slope_of(row, k, operands, self.ref(user))

    def partial(self, user: int, k: int) -> float:
        """Return that slope's number as the sweep has it."""
        node = self.graph.nodes[user]
        assert node.op is not None
        return float(node.op.partials(FLOATS, self.values[user], *(self.values[i] for i in node.inputs))[k])

    def _without_defaults(self, inputs: Sequence[int], operands: list[Expr]) -> list[Expr]:
        defaults = set(self._numbers.values())
        return [o for i, o in zip(inputs, operands, strict=True) if i not in defaults]

    # building

    def _leaf(self, name: Name, value: float, kind: str, row: int | None = None) -> int:
        key = name.text if row is None else f"{name.text} of row {row + 1}"
        id = self.builder.input(key, NOWHERE, kind)
        self.names[id] = name
        self._leaves[id] = self.paper(float(value))
        return id

    def _number(self, value: float) -> int:
        if value not in self._numbers:
            self._numbers[value] = self.builder.constant(value, brief(value, 12), NOWHERE)
        return self._numbers[value]

    def _apply(self, row: Primitive, inputs: Iterable[int], name: Name, of_row: int | None = None) -> int:
        id = self.builder.apply(row, tuple(map(int, inputs)), NOWHERE)
        self.names[id] = name
        self.layer_of[id] = name.layer
        if of_row is not None:
            self.row_of[id] = of_row
        return id

    def _shared(self, make: Any, *arguments: Any) -> Primitive:
        """Return a row, made once."""
        key = (make, arguments)
        if key not in self._rows:
            self._rows[key] = make(*arguments, self.paper)
        return self._rows[key]

    def _registered(self, row: Primitive, inputs: Sequence[int]) -> Primitive:
        """Return a row of the registry, on paper, for these operands."""
        nodes = self.builder.nodes
        return self._shared(on_paper, row, tuple(nodes[i].kind == CONSTANT for i in inputs))

    def _parameter(self, p: Parameter) -> None:
        array: Ids = np.empty(p.shape, object)
        part = PARTS.get(p.name.rpartition(".")[2]) if p.layer else None
        for index in _indices(*p.shape):
            name = Name(part, p.layer, index[:1], index[1:]) if part else Name(p.name)
            array[index] = self._leaf(name, self._values[p.name][index].item(), PARAMETER)
        self.parameters[p.name] = array

    def _array(self, values: NDArray, names: Any, kind: str) -> Ids:
        """Return leaves for numbers of shape (rows, ...)."""
        ids: Ids = np.empty(values.shape, object)
        for row, *index in _indices(*values.shape):
            name = names(tuple(index))
            ids[row, *index] = self._leaf(name, values[row, *index], kind, row)
            self.row_of[ids[row, *index]] = row
        return ids

    def _block(self, layer: str) -> Block:
        self.blocks.append(Block(layer))
        return self.blocks[-1]

    def _elementwise(self, op: str, id: int, name: Name, row: int) -> int:
        primitive = PRIMITIVES[op]
        constants = [self._number(x) for x in primitive.defaults]
        return self._apply(self._registered(primitive, (id, *constants)), (id, *constants), name, row)

    # layers

    def _layers(self, network: LayerNetwork, only: OneLayer | None) -> Ids:
        if only is None:
            x = self._array(self._batch["x"], lambda i: Name("x", place=i), INPUT)
        else:
            x = self._array(only.inputs, lambda i: only.input_name(i), INPUT)
        for position, (name, layer) in enumerate(network.layers):
            if only is not None and name != only.name:
                continue
            if isinstance(layer, dense.Linear):
                x = self._linear(name, x)
            elif isinstance(layer, windows.Conv2d):
                x = self._convolved(name, layer, x)
            elif isinstance(layer, windows.MaxPool2d):
                x = self._pooled(name, layer, x)
            elif isinstance(layer, dense.Flatten):
                x = x.reshape(len(x), -1)
            elif isinstance(layer, normalised.BatchNorm):
                x = self._normalised(name, layer, x)
            elif isinstance(layer, dense.Dropout):
                x = self._dropped(name, x) if layer.rate else x
            activation = layer.function
            last = position == len(network.layers) - 1
            if activation is not None and not (last and network.fused):
                x = self._activated(name, activation, x)
        return x

    def _linear(self, name: str, x: Ids) -> Ids:
        w, b = self.parameters[f"{name}.weights"], self.parameters[f"{name}.bias"]
        row = self._shared(weighted, w.shape[1])
        z: Ids = np.empty((len(x), len(w)), object)
        block = self._block(name)
        for r, u in _indices(*z.shape):
            z[r, u] = self._apply(row, (*w[u], *x[r], b[u]), Name("z", name, (u,)), r)
            block.units.append((z[r, u],))
        return z

    def _convolved(self, name: str, layer: windows.Conv2d, x: Ids) -> Ids:
        w, b = self.parameters[f"{name}.weights"], self.parameters[f"{name}.bias"]
        k, stride, padding = layer.kernel_size, layer.stride, layer.zeros
        sides = tuple(windows_along(s, k, stride, padding) for s in x.shape[2:])
        z: Ids = np.empty((len(x), len(w), *sides), object)
        block = self._block(name)
        for r, c, i, j in _indices(*z.shape):
            weights, inputs = [], []
            for q, m, n in _indices(*w.shape[1:]):
                at = i * stride + m - padding, j * stride + n - padding
                if all(0 <= a < side for a, side in zip(at, x.shape[2:], strict=True)):
                    weights.append(w[c, q, m, n])
                    inputs.append(x[r, q, *at])
            row = self._shared(weighted, len(weights))
            z[r, c, i, j] = self._apply(row, (*weights, *inputs, b[c]), Name("z", name, (c, i, j)), r)
            block.units.append((z[r, c, i, j],))
        return z

    def _pooled(self, name: str, layer: windows.MaxPool2d, x: Ids) -> Ids:
        k, stride = layer.kernel_size, layer.stride or layer.kernel_size
        if k == 1:
            return x[:, :, ::stride, ::stride]
        sides = tuple(windows_along(s, k, stride) for s in x.shape[2:])
        y: Ids = np.empty((*x.shape[:2], *sides), object)
        block = self._block(name)
        for r, c, i, j in _indices(*y.shape):
            window: list[int] = list(
                x[r, c, i * stride : i * stride + k, j * stride : j * stride + k].reshape(-1)
            )
            y[r, c, i, j] = self._apply(
                self._registered(PRIMITIVES["max"], window), window, Name("y", name, (c, i, j)), r
            )
            block.units.append((y[r, c, i, j],))
        return y

    def _dropped(self, name: str, x: Ids) -> Ids:
        masks = self._array(self._batch[f"{name}.mask"], lambda i: Name("mask", name, i), STATE)
        y: Ids = np.empty(x.shape, object)
        block = self._block(name)
        for r, *index in _indices(*x.shape):
            at = (r, *index)
            operands = (x[at], masks[at])
            y[at] = self._apply(
                self._registered(PRIMITIVES["multiply"], operands), operands, Name("y", name, tuple(index)), r
            )
            block.units.append((y[at],))
        return y

    def _activated(self, name: str, activation: str, x: Ids) -> Ids:
        y: Ids = np.empty(x.shape, object)
        if activation == "softmax":
            block = self._block(name)
            for r in range(len(x)):
                y[r] = self._softmax(name, "y", x[r], r)
                block.units += [(id,) for id in y[r]]
            return y
        own = self.blocks[-1] if self.blocks and self.blocks[-1].layer == name else None
        block = own or self._block(name)
        units: list[tuple[int, ...]] = []
        for r, *index in _indices(*x.shape):
            at = (r, *index)
            y[at] = self._elementwise(activation, x[at], Name("y", name, tuple(index)), r)
            units.append((x[at], y[at]) if own else (y[at],))
        block.units = units
        return y

    def _softmax(self, name: str, part: str, z: Ids, r: int) -> list[int]:
        ids = [self._apply(self._shared(softmax, k), z, Name(part, name, (k,)), r) for k in range(len(z))]
        self._siblings.update(dict.fromkeys(ids, ids))
        return ids

    def _normalised(self, name: str, layer: normalised.BatchNorm, x: Ids) -> Ids:
        w, b = self.parameters[f"{name}.weights"], self.parameters[f"{name}.bias"]
        count = x.size // x.shape[1]

        def each(op: Primitive, part: str, *operands: Any) -> Ids:
            """Apply a row everywhere; an operand is an array of x's shape, or one by channel."""
            out: Ids = np.empty(x.shape, object)
            block = self._block(name)
            for r, *index in _indices(*x.shape):
                at = (r, *index)
                inputs = [o[at] if o.shape == x.shape and o.ndim > 1 else o[index[0]] for o in operands]
                out[at] = self._apply(op, inputs, Name(part, name, tuple(index)), r)
                block.units.append((out[at],))
            return out

        def by_channel(op: Primitive, part: str, operands: Any) -> Ids:
            out: Ids = np.empty(x.shape[1], object)
            block = self._block(name)
            for c in range(x.shape[1]):
                out[c] = self._apply(op, operands(c), Name(part, name, (c,)))
                block.units.append((out[c],))
            return out

        paper = self.paper
        plain = (False, False)
        means = by_channel(mean(count, paper), "mean", lambda c: x[:, c].reshape(-1))
        centred = each(on_paper(PRIMITIVES["subtract"], plain, paper), "centred", x, means)
        square = mean_square(count, paper)
        variances = by_channel(square, "variance", lambda c: centred[:, c].reshape(-1))
        deviations = by_channel(deviation(layer.eps, paper), "deviation", lambda c: [variances[c]])
        scaled = each(on_paper(PRIMITIVES["divide"], plain, paper), "normalised", centred, deviations)
        return each(weighted(1, paper), "y", w, scaled, b)

    # formulas

    def _formula(self, network: FormulaNetwork) -> Ids:
        graph = network.graph()
        rows = max((len(a) for a in self._batch.values()), default=0)
        output: Ids = np.empty((rows, 1), object)
        block = self._block("")
        for r in range(rows):
            ids: list[int] = []
            chain = []
            for node in graph.nodes:
                if node.op is not None:
                    constant = node.kind == CONSTANT
                    inputs = [ids[i] for i in node.inputs]
                    op = node.op if constant else self._registered(node.op, inputs)
                    id = self._apply(op, inputs, Name(graph.own_name(node.id)), r)
                    if not constant:
                        chain.append(id)
                elif node.kind == CONSTANT:
                    id = self.builder.constant(node.value, node.label or "", NOWHERE)
                elif node.name in self.parameters:
                    id = int(self.parameters[node.name][()])
                else:
                    assert node.name is not None
                    id = self._leaf(Name(node.name), self._batch[node.name][r], INPUT, r)
                    self.row_of[id] = r
                ids.append(id)
            output[r, 0] = ids[graph.output]
            block.units.append(tuple(chain))
        return output

    # the loss

    def _loss(self, network: Network, output: Ids, targets: NDArray) -> int:
        targets = targets.reshape(output.shape)
        ts = self._array(targets, lambda i: Name("t", place=i), INPUT)
        self.loss = WrittenLoss(network.loss, len(output), output.shape[1], self.paper)
        operands = [*output.reshape(-1), *ts.reshape(-1)]
        if network.loss.type in FUSED:
            last = network.layers[-1][0] if isinstance(network, LayerNetwork) else ""
            block = self._block(last)
            for r in range(len(output)):
                if network.loss.type == "cross_entropy":
                    ids = self._softmax(last, "p", output[r], r)
                else:
                    ids = [
                        self._elementwise("sigmoid", id, Name("p", last, (k,) if last else ()), r)
                        for k, id in enumerate(output[r])
                    ]
                block.units += [(id,) for id in ids]
                self.predictions += ids
            operands += self.predictions
        return self._apply(self.loss.row, operands, Name("E"))

    def _penalise(self, network: Any) -> None:
        weights = [
            id
            for p in network.parameters
            if p.penalised and p.trained and p.name in self.parameters
            for id in self.parameters[p.name].reshape(-1)
        ]
        for norm in ("l1", "l2"):
            factor = getattr(network.penalties, norm)
            if factor and weights:
                self.penalties.append(self._apply(penalty(factor, norm, self.paper), weights, Name(norm)))
        if self.penalties and self.data is not None:
            self.names[self.data] = Name("E_data")


class OneLayer:
    """A layer alone, with what comes in on both sides.

    Attributes:
        name: The layer.
        inputs: What the layers before give, shape (rows, ...).
        before: The layer before; None for the network's inputs.
        part: What its numbers are called.
        incoming: The slopes of the loss by the layer's outputs; None for the last layer.
    """

    def __init__(
        self, name: str, inputs: NDArray, before: str | None, part: str, incoming: NDArray | None
    ) -> None:
        self.name = name
        self.inputs = inputs
        self.before = before
        self.part = part
        self.incoming = incoming

    def input_name(self, index: tuple[int, ...]) -> Name:
        """Name an input as the layer before does."""
        return Name(self.part, self.before, index) if self.before else Name("x", place=index)


def _indices(*shape: int) -> Iterator[tuple[int, ...]]:
    return iter(np.ndindex(*shape))
