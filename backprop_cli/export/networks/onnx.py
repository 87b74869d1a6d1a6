"""A network as an ONNX model for prediction; run by onnxruntime where that is.

Layers are in single precision, as models are run elsewhere; programs in double, as far as runtimes have it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import __version__
from ...errors import UsageError, counted, installing
from ...graph import CONSTANT
from ...language.fold import fold, postfix
from ...language.parser import Item
from ...networks.network import LayerNetwork
from ...networks.programmed import ProgramNetwork
from ...ops import PRIMITIVES, Primitive, Shape
from ...ops.matrices import ENTRIES, Key, by_number
from . import Exported
from .arrays import CONTRACTIONS
from .facts import Facts, NDArray
from .passes import Rows

OPSET = 17
IR = 8
"""What runtimes of the last years read."""

INT_MAX = 2**31 - 1
"""As the end of a slice: to the last."""

TOLERANCE = {4: 1e-4, 8: 1e-10}
"""Relative to the largest prediction, by the bytes of a number."""

SINGLE = frozenset("Acos Acosh Asin Asinh Atan Atanh Cosh Det Elu Erf LeakyRelu Sinh Softplus Tan".split())
"""What onnxruntime has in single precision alone."""

REFUSED = {
    **dict.fromkeys(("gamma", "lgamma", "digamma"), "ONNX has no gamma function"),
    **dict.fromkeys(("inv", "solve", "logdet"), "ONNX solves no equations"),
    "acot": "ONNX has no arc tangent of two operands",
    "sinc_n": "ONNX has no such operation",
}


class Builder:
    """Collects nodes and weights.

    Args:
        helper: The module ``onnx.helper``.
        numpy_helper: The module ``onnx.numpy_helper``.
        dtype: Of all numbers.
    """

    def __init__(self, helper: Any, numpy_helper: Any, dtype: npt.DTypeLike) -> None:
        self.helper = helper
        self.numpy_helper = numpy_helper
        self.dtype = np.dtype(dtype)
        self.nodes: list[Any] = []
        self.weights: dict[str, Any] = {}

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        name = f"step {len(self.nodes)}"  # no parameter is called so
        self.nodes.append(self.helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def array(self, name: str, array: NDArray, dtype: npt.DTypeLike | None = None) -> str:
        """Add an array and return its name."""
        self.weights[name] = self.numpy_helper.from_array(np.asarray(array, dtype or self.dtype), name)
        return name

    def cast(self, x: str, dtype: npt.DTypeLike | None = None) -> str:
        """Add a conversion to another kind of number."""
        return self.op("Cast", x, to=self.helper.np_dtype_to_tensor_dtype(np.dtype(dtype or self.dtype)))

    def number(self, x: float) -> str:
        """Add a number and return its name."""
        return self.array(f"number {x!r}", np.array(x))

    def whole(self, *numbers: int) -> str:
        """Add whole numbers and return their name."""
        if any(isinstance(n, Rows) for n in numbers):
            parts = [
                self.op("Shape", "x", start=0, end=1) if isinstance(n, Rows) else self.whole(n)
                for n in numbers
            ]
            return self.op("Concat", *parts, axis=0)
        return self.array(f"numbers {numbers}", np.array(numbers), np.int64)


Made = Callable[..., str]
"""Builder and names of the operands, with what the node is told besides, to the name of the result."""


def direct(kind: str, **attributes: Any) -> Made:
    """Return what adds an operation that ONNX has."""
    return lambda b, *xs: b.op(kind, *xs, **attributes)


def _pooled(b: Builder, x: str, kernel: int, stride: int) -> str:
    return b.op("MaxPool", x, kernel_shape=[kernel] * 2, strides=[stride] * 2)


def _convolved(axes: int) -> Made:
    """Return what adds a convolution along some axes."""

    def made(b: Builder, x: str, w: str, bias: str, stride: int, padding: int) -> str:
        return b.op("Conv", x, w, bias, strides=[stride] * axes, pads=[padding] * 2 * axes)

    return made


def _window(b: Builder, x: str, i: int, j: int, kernel: int, stride: int) -> str:
    # an end of 0 would be the first row: what stands behind the last window is counted from the end
    ends = [INT_MAX if k == kernel - 1 else k + 1 - kernel for k in (i, j)]
    return b.op("Slice", x, b.whole(i, j), b.whole(*ends), b.whole(2, 3), b.whole(stride, stride))


def _dense(b: Builder, x: str, w: str, bias: str) -> str:
    return b.op("Add", b.op("MatMul", x, b.op("Transpose", w, perm=[1, 0])), bias)


def _contracted(b: Builder, *xs: str, spec: str) -> str:
    words, value = spec.split("->")
    return xs[0] if words == value else b.op("Einsum", *xs, equation=spec)


def _part(b: Builder, x: str, key: Key, rows: bool = False) -> str:
    places = [(axis, k if isinstance(k, tuple) else (k, k + 1)) for axis, k in enumerate(key, int(rows))]
    starts, ends = zip(*(ends for _, ends in places), strict=True)
    x = b.op("Slice", x, b.whole(*starts), b.whole(*ends), b.whole(*(axis for axis, _ in places)))
    single = [axis for axis, k in enumerate(key, int(rows)) if isinstance(k, int)]
    return b.op("Squeeze", x, b.whole(*single)) if single else x


def _extremum(kind: str) -> Made:
    """Return what adds the extremum of an array, or of every row."""

    def made(b: Builder, x: str, rows: bool = False) -> str:
        x = b.op("Reshape", x, b.whole(0, -1) if rows else b.whole(-1))
        return b.op(kind, x, axes=[-1], keepdims=0)

    return made


def _made(name: str) -> Made:
    """Return what adds an array of a size."""

    def made(b: Builder, *_: str, shape: Shape) -> str:
        array = np.fromfunction(np.vectorize(partial(ENTRIES[name], shape), otypes=[float]), shape)
        return b.array(f"{name} {shape}", array)

    return made


def _looked_up(b: Builder, table: str, k: str, rows: int = 0) -> str:
    index = b.cast(k, np.int64)
    if rows:
        return b.op("GatherND", table, b.op("Unsqueeze", index, b.whole(-1)), batch_dims=1)
    return b.op("Gather", table, index, axis=0)


def _standardized(b: Builder, x: str, *_: str, eps: float) -> str:
    centred = b.op("Sub", x, b.op("ReduceMean", x, axes=[-1], keepdims=1))
    variance = b.op("ReduceMean", b.op("Mul", centred, centred), axes=[-1], keepdims=1)
    return b.op("Div", centred, b.op("Sqrt", b.op("Add", variance, b.number(eps))))


MADE: dict[str, Made] = {
    **{
        name: direct(name.capitalize())
        for name in "relu sigmoid softplus tanh erf exp log sqrt abs sign floor".split()
    },
    **{
        name: direct(name.capitalize())
        for name in "ceil sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh".split()
    },
    "add": direct("Add"),
    "subtract": direct("Sub"),
    "multiply": direct("Mul"),
    "divide": direct("Div"),
    "power_n": direct("Pow"),
    "power": direct("Pow"),
    "min": direct("Min"),
    "max": direct("Max"),
    "negative": direct("Neg"),
    "identity": direct("Identity"),
    "round": direct("Round"),
    "where": direct("Where"),
    "less": direct("Less"),
    "less_equal": direct("LessOrEqual"),
    "greater": direct("Greater"),
    "greater_equal": direct("GreaterOrEqual"),
    "equal": direct("Equal"),
    "not_equal": lambda b, *xs: b.op("Not", b.op("Equal", *xs)),
    "leaky_relu": lambda b, x, slope: b.op("LeakyRelu", x, alpha=0.01),
    "elu": lambda b, x, scale: b.op("Elu", x, alpha=1.0),
    "silu": lambda b, x: b.op("Mul", x, b.op("Sigmoid", x)),
    "gelu": lambda b, x: b.op(
        "Mul",
        b.op("Mul", x, b.number(0.5)),
        b.op("Add", b.op("Erf", b.op("Mul", x, b.number(0.5**0.5))), b.number(1.0)),
    ),
    "erfc": lambda b, x: b.op("Sub", b.number(1.0), b.op("Erf", x)),
    "expm1": lambda b, x: b.op("Sub", b.op("Exp", x), b.number(1.0)),
    "log1p": lambda b, x: b.op("Log", b.op("Add", x, b.number(1.0))),
    "log2": lambda b, x: b.op("Div", b.op("Log", x), b.number(float(np.log(2.0)))),
    "log10": lambda b, x: b.op("Div", b.op("Log", x), b.number(float(np.log(10.0)))),
    "cbrt": lambda b, x: b.op("Mul", b.op("Sign", x), b.op("Pow", b.op("Abs", x), b.number(1.0 / 3.0))),
    "softmax": lambda b, x, axis=-1: b.op("Softmax", x, axis=axis),
    "linear": _dense,
    "matmul": direct("MatMul"),
    "transpose": lambda b, x, axes: b.op("Transpose", x, perm=list(axes)),
    "conv1d": _convolved(1),
    "conv2d": _convolved(2),
    "max_pool2d": _pooled,
    "window": _window,
    "flatten": lambda b, x: b.op("Flatten", x, axis=1),
    "shaped": lambda b, x, shape: b.op("Reshape", x, b.whole(*shape)),
    "mean_over": lambda b, x, axes: b.op("ReduceMean", x, axes=list(axes), keepdims=1),
    **dict.fromkeys(CONTRACTIONS, _contracted),
    **{name: _made(name) for name in ENTRIES},
    "index": _part,
    "stack": lambda b, *xs: b.op("Concat", *(b.op("Unsqueeze", x, b.whole(0)) for x in xs), axis=0),
    "concat": direct("Concat", axis=-1),
    "lookup": _looked_up,
    "standardize": _standardized,
    "scale_rows": lambda b, w, x: b.op("Mul", b.op("Unsqueeze", w, b.whole(-1)), x),
    "reshape": lambda b, x, *_, shape: b.op("Reshape", x, b.whole(*shape)),
    "expand": lambda b, x, shape: b.op("Expand", x, b.whole(*shape)),
    "mean": direct("ReduceMean", keepdims=0),
    "norm": direct("ReduceL2", keepdims=0),
    "max of an array": _extremum("ReduceMax"),
    "min of an array": _extremum("ReduceMin"),
    "log_softmax": direct("LogSoftmax", axis=-1),
    "logsumexp": direct("ReduceLogSumExp", axes=[-1], keepdims=0),
    "cross_entropy": lambda b, z, t: b.op(
        "Neg", b.op("ReduceSum", b.op("Mul", t, b.op("LogSoftmax", z, axis=-1)), b.whole(-1), keepdims=0)
    ),
    "apart": lambda b, x: b.op(
        "Mul", b.op("Unsqueeze", x, b.whole(-1)), b.op("EyeLike", b.op("Einsum", x, x, equation="i,j->ij"))
    ),
    "det": direct("Det"),
}


def write(facts: Facts, name: str) -> Exported:
    """Return the model, which takes raw rows and scales them itself.

    Raises:
        UsageError: without the ``[onnx]`` extra, or for an activation that ONNX does not have.
    """
    if find_spec("onnx") is None:
        raise UsageError("--to onnx needs the package onnx", hint=installing("onnx"))
    from onnx import checker, helper, numpy_helper

    program = isinstance(facts.network, ProgramNetwork)
    b, output = _nodes(facts, Builder(helper, numpy_helper, np.float64 if program else np.float32))
    if program and SINGLE & {node.op_type for node in b.nodes}:
        b, output = _nodes(facts, Builder(helper, numpy_helper, np.float32))
    kind = helper.np_dtype_to_tensor_dtype(b.dtype)
    b.nodes.append(helper.make_node("Identity", [output], ["predictions"], name="predictions"))
    # an activation's slope goes into an attribute, and runtimes warn of numbers that nothing reads
    read = {name for node in b.nodes for name in node.input}
    graph = helper.make_graph(
        b.nodes,
        "network",
        [helper.make_tensor_value_info("x", kind, ["rows", *facts.network.shape])],
        [helper.make_tensor_value_info("predictions", kind, ["rows", facts.network.outputs])],
        [array for name, array in b.weights.items() if name in read],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR,
        producer_name="backprop",
        producer_version=__version__,
    )
    inputs, outputs = facts.names
    helper.set_model_props(model, {"inputs": "\n".join(inputs), "outputs": "\n".join(outputs)})
    checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return Exported(content, None, *_checked(facts, content, b.dtype))


def _nodes(facts: Facts, b: Builder) -> tuple[Builder, str]:
    """Add the nodes of the predictions; return the name of these."""
    x = "x"
    if facts.scaled:
        # in double: what is subtracted may be large beside what is left
        x = b.cast(x, np.float64)
        x = b.op("Sub", x, b.array("shift", facts.shift, np.float64))
        x = b.op("Div", x, b.array("scale", facts.scale, np.float64))
        x = b.cast(x)
    lowered = facts.network.lower(Rows(len(facts.sample)), training=False, targets=False)
    graph = lowered.graph
    names = {id: x if name == "x" else b.array(name, facts.arrays[name]) for name, id in graph.inputs.items()}
    for node in graph.nodes:
        if node.op is None:
            if node.kind == CONSTANT:
                names[node.id] = b.number(node.value)
            continue
        op = by_number(node.op) or node.op
        operands = [names[i] for i in node.inputs]
        for k, i in enumerate(node.inputs):  # truth values are no numbers there
            given, taken = graph.nodes[i].op, op.name == "where" and k == 0
            if taken != (given is not None and given.truth):
                operands[k] = b.cast(operands[k], np.bool_ if taken else None)
        if op.name not in MADE and op.means and op.name not in REFUSED:
            names[node.id] = _composed(b, op, operands)
            continue
        if op.name not in MADE:
            reason = REFUSED.get(op.name, "ONNX has no such operation")
            what = "the activation " * isinstance(facts.network, LayerNetwork)
            raise UsageError(f"no export of {what}{op.name} to onnx: {reason}")
        names[node.id] = MADE[op.name](b, *operands, **node.static)
    return b, names[lowered.prediction]


def _composed(b: Builder, row: Primitive, operands: Sequence[str]) -> str:
    """Add the nodes of a primitive that others define; return the name of its value."""
    known = dict(zip(row.params, operands, strict=True))

    def apply(item: Item, taken: list[str]) -> str:
        name = PRIMITIVES[item.text].literal_form or item.text
        return MADE[name](b, *taken) if name in MADE else _composed(b, PRIMITIVES[name], taken)

    return fold(
        postfix(row.means),
        name=lambda item: known[item.text],
        number=lambda item: b.number(float(item.text)),
        apply=apply,
    )


def _checked(facts: Facts, content: bytes, dtype: npt.DTypeLike) -> tuple[str, bool]:
    """Run the model on the sample of rows; say how far it is from our predictions, and whether it agrees."""
    if find_spec("onnxruntime") is None:
        return "note: the model was not run: the package onnxruntime is not installed", True
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # it keeps a record of its sessions in the user's cache otherwise
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": facts.sample.astype(dtype)})
    difference = float(np.abs(found - facts.predictions).max())
    rows = counted(len(facts.sample), "row")
    if difference <= TOLERANCE[found.itemsize] * max(1.0, float(np.abs(facts.predictions).max())):
        return f"note: onnxruntime predicts the same for {rows}, to {difference:.1e}", True
    precision = ": single precision is too coarse here" if found.itemsize == 4 else ""
    return f"warning: onnxruntime predicts otherwise for {rows}, by up to {difference:.1e}{precision}", False
