"""A network as an ONNX model in single precision, for prediction; run by onnxruntime where that is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import __version__
from ...errors import UsageError, counted, installing
from ...graph import CONSTANT
from ...language.fold import fold, postfix
from ...language.parser import Item
from ...ops import PRIMITIVES, Primitive
from . import Exported
from .facts import Facts, NDArray

OPSET = 17
IR = 8
"""What runtimes of the last years read."""

INT_MAX = 2**31 - 1
"""As the end of a slice: to the last."""

TOLERANCE = 1e-4
"""Of single precision, relative to the largest prediction."""

REFUSED = dict.fromkeys(("gamma", "lgamma", "digamma"), "ONNX has no gamma function") | {
    "acot": "ONNX has no arc tangent of two operands",
    "sinc_n": "ONNX has no such operation",
}


class Builder:
    """Collects nodes and weights.

    Args:
        helper: The module ``onnx.helper``.
        numpy_helper: The module ``onnx.numpy_helper``.
    """

    def __init__(self, helper: Any, numpy_helper: Any) -> None:
        self.helper = helper
        self.numpy_helper = numpy_helper
        self.nodes: list[Any] = []
        self.weights: dict[str, Any] = {}

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        name = f"v{len(self.nodes)}"
        self.nodes.append(self.helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def array(self, name: str, array: NDArray, dtype: npt.DTypeLike = np.float32) -> str:
        """Add an array and return its name."""
        self.weights[name] = self.numpy_helper.from_array(np.asarray(array, dtype), name)
        return name

    def number(self, x: float) -> str:
        """Add a number and return its name."""
        return self.array(f"number {x!r}", np.array(x))

    def whole(self, *numbers: int) -> str:
        """Add whole numbers and return their name."""
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
    "negative": direct("Neg"),
    "identity": direct("Identity"),
    "round": direct("Round"),
    "where": direct("Where"),
    "less": direct("Less"),
    "less_equal": direct("LessOrEqual"),
    "greater": direct("Greater"),
    "greater_equal": direct("GreaterOrEqual"),
    "equal": direct("Equal"),
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
}


def write(facts: Facts, name: str) -> Exported:
    """Return the model, which takes raw rows and scales them itself.

    Raises:
        UsageError: without the ``[onnx]`` extra, or for an activation that ONNX does not have.
    """
    if find_spec("onnx") is None:
        raise UsageError("--to onnx needs the package onnx", hint=installing("onnx"))
    from onnx import TensorProto, checker, helper, numpy_helper

    b = Builder(helper, numpy_helper)
    x = "x"
    if facts.scaled:
        # in double: what is subtracted may be large beside what is left
        x = b.op("Cast", x, to=TensorProto.DOUBLE)
        x = b.op("Sub", x, b.array("shift", facts.shift, np.float64))
        x = b.op("Div", x, b.array("scale", facts.scale, np.float64))
        x = b.op("Cast", x, to=TensorProto.FLOAT)
    output = _nodes(facts, b, x)
    b.nodes.append(helper.make_node("Identity", [output], ["predictions"], name="predictions"))
    # an activation's slope goes into an attribute, and runtimes warn of numbers that nothing reads
    read = {name for node in b.nodes for name in node.input}
    graph = helper.make_graph(
        b.nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", *facts.network.shape])],
        [helper.make_tensor_value_info("predictions", TensorProto.FLOAT, ["rows", facts.network.outputs])],
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
    return Exported(content, None, *_checked(facts, content))


def _nodes(facts: Facts, b: Builder, x: str) -> str:
    """Add the nodes of the predictions; return the name of these."""
    lowered = facts.network.lower(len(facts.sample), training=False, targets=False)
    graph = lowered.graph
    names = {id: x if name == "x" else b.array(name, facts.arrays[name]) for name, id in graph.inputs.items()}
    for node in graph.nodes:
        if node.op is None:
            if node.kind == CONSTANT:
                names[node.id] = b.number(node.value)
            continue
        if node.op.name not in MADE and node.op.means and node.op.name not in REFUSED:
            names[node.id] = _composed(b, node.op, [names[i] for i in node.inputs])
            continue
        if node.op.name not in MADE:
            reason = REFUSED.get(node.op.name, "ONNX has no such operation")
            raise UsageError(f"no export of the activation {node.op.name} to onnx: {reason}")
        names[node.id] = MADE[node.op.name](b, *(names[i] for i in node.inputs), **node.static)
    return names[lowered.prediction]


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


def _checked(facts: Facts, content: bytes) -> tuple[str, bool]:
    """Run the model on the sample of rows; say how far it is from our predictions, and whether it agrees."""
    if find_spec("onnxruntime") is None:
        return "note: the model was not run: the package onnxruntime is not installed", True
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # it keeps a record of its sessions in the user's cache otherwise
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": facts.sample.astype(np.float32)})
    difference = float(np.abs(found - facts.predictions).max())
    rows = counted(len(facts.sample), "row")
    if difference <= TOLERANCE * max(1.0, float(np.abs(facts.predictions).max())):
        return f"note: onnxruntime predicts the same for {rows}, to {difference:.1e}", True
    return (
        f"warning: onnxruntime predicts otherwise for {rows}, by up to {difference:.1e}: "
        "single precision is too coarse here",
        False,
    )
