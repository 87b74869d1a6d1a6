"""The plan of a network: values of a graph, and cotangents of its leaves, over fixed buffers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..graph import Graph, Node
from ..ops.primitive import broadcast
from ..ops.tensor import TENSORS, TensorPrimitive
from .numpy import NATIVE, VIEWS, NDArray, Steps
from .record import Cotangent, Written
from .tape import Tape


class TensorPlan:
    """Values of a graph, and cotangents of some of its leaves, computed again and again.

    It is an `Executor`.

    Args:
        graph: The computation; its last output is what cotangents are of, a single number.
        leaves: Id of every leaf that is no constant -> its array; the plan reads them where they are.
        gradients: Id of a leaf -> the array that its cotangent is written to.
        keep: Nodes whose values (and cotangents, where there is a sweep) stay readable after `run`.
        dtype: Of all arrays.
    """

    def __init__(
        self,
        graph: Graph,
        leaves: Mapping[int, NDArray],
        gradients: Mapping[int, NDArray] | None = None,
        keep: Collection[int] = (),
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        self.graph = graph
        self.dtype = np.dtype(dtype)
        tape = Tape(NATIVE)
        start: dict[int, Any] = dict(graph.constant_values())
        homes: dict[int, NDArray] = {}
        for id, array in leaves.items():
            start[id] = tape.leaf(graph.name(id), array.shape)
            homes[start[id].id] = array
        wanted = gradients or {}
        tape.record(graph, start, wanted)
        self._values, self._cotangents = tape.values, tape.cotangents
        nodes = tape.builder.nodes
        copies: list[tuple[NDArray, Any]] = []
        for id, array in wanted.items():
            g = tape.whole(self._cotangents[id], array.shape)
            if isinstance(g, Written) and nodes[g.id].op is TENSORS["shaped"]:
                g = Written(tape, nodes[g.id].inputs[0])  # written where its numbers come from
                array = array.reshape(g.shape)
            if isinstance(g, Written) and _has_buffer(nodes[g.id]) and g.id not in homes:
                homes[g.id] = array
            else:
                copies.append((array, g))
        kept = [self._values[i] for i in (*graph.outputs, *keep)]
        kept += [g.value for g in map(self._cotangents.__getitem__, keep) if isinstance(g, Cotangent)]
        kept += [g for _, g in copies]
        outputs = {x.id for x in kept if isinstance(x, Written)} | {
            k for k in homes if nodes[k].op is not None
        }
        self._steps = Steps(nodes, outputs, homes, dtype=self.dtype, images=set(self._images(tape)))
        self._copies = [(array, self._array(g)) for array, g in copies]

    @property
    def floats(self) -> int:
        """How many numbers the buffers hold."""
        return self._steps.floats

    def run(self) -> None:
        """Compute everything from what the leaves hold now; the caller sets ``numpy.errstate``."""
        self._steps.run()
        for array, g in self._copies:
            np.copyto(array, g)

    def value(self, id: int) -> NDArray:
        """Return the value of an output or kept node, a view that the next run changes."""
        return self._array(self._values[id])

    def cotangent(self, id: int) -> NDArray:
        """Return the cotangent of a kept node, in the node's shape."""
        g = self._cotangents[id]
        value = g.value if isinstance(g, Cotangent) else g
        return np.broadcast_to(self._array(0.0 if value is None else value), self.value(id).shape)

    def _array(self, x: Any) -> NDArray:
        return self._steps.homes[x.id] if isinstance(x, Written) else np.asarray(x, self.dtype)

    def _images(self, tape: Tape) -> Iterator[int]:
        """Yield the instructions that compute images: what rows over images read and make.

        Whatever goes number by number with an image is laid out like it.
        """
        nodes = tape.builder.nodes
        together: dict[int, set[int]] = {}
        for node in nodes:
            if len(node.shape) == 4 and node.op is not None and node.op.shape is broadcast:
                for i in node.inputs:
                    if nodes[i].shape == node.shape:
                        together.setdefault(node.id, set()).add(i)
                        together.setdefault(i, set()).add(node.id)
        rows = [n for n in self.graph.nodes if isinstance(n.op, TensorPrimitive) and n.op.images]
        found = {self._values[i] for node in rows for i in (*node.inputs, node.id)}
        waiting = [x.id for x in found if isinstance(x, Written) and len(x.shape) == 4]
        seen: set[int] = set()
        while waiting:
            k = waiting.pop()
            if k not in seen:
                seen.add(k)
                yield k
                waiting += together.get(k, ())


def _has_buffer(node: Node) -> bool:
    """Whether a result is written by its instruction: it is neither given nor a view."""
    return node.op is not None and node.op.name not in VIEWS
