"""A network in NumPy, forward and backward pass written out node by node."""

from __future__ import annotations

from typing import Any

from ...language.operators import COMPARISON
from ...language.written import Piece, Table
from .. import numpy as scalar
from ..handwritten import helpers
from ..writer import spell
from . import Exported
from .arrays import ARRAYS, index_of, matrices, places
from .common import (
    WITHOUT,
    Arrays,
    clipped,
    dictionary,
    function,
    gradients,
    header,
    leaves,
    predictions,
    rows,
    update,
)
from .facts import Facts
from .nodes import NodeWriter
from .passes import backward, predicting, training

LANGUAGE = "NumPy"


def expanded(x: Piece, *, shape: tuple[int, ...]) -> Piece:
    """Write numbers along axes that they lack."""
    return Piece(f"np.full({shape}, {x})" if x.constant else f"np.broadcast_to({x}, {shape})")


def window(x: Piece, *, i: int, j: int, kernel: int, stride: int) -> Piece:
    """Write of every window one number."""
    return Piece(f"windows_of({x}, {kernel}, {stride})[..., {i}, {j}]")


def placed(*parts: Piece, shape: Any, at: Any, kernel: int, stride: int) -> Piece:
    """Write images from the numbers of their windows."""
    return Piece(f"placed([{', '.join(part.text for part in parts)}], {shape}, {list(at)}, {stride})")


def less(a: Piece, b: Piece) -> Piece:
    """Write a comparison with the number last."""
    return Piece(f"{b:+} > {a:+}" if a.constant else f"{a:+} < {b:+}", COMPARISON)


SPELLING: Table = {
    **scalar.SPELLING,
    **ARRAYS,
    **matrices("np"),
    "placed": lambda g, *, shape, key: Piece(f"put({g}, {shape}, np.s_[{places(key)}])"),
    "scattered": lambda g, k, *, shape, rows=0: Piece(f"scattered({g}, ({index_of(k, rows)}), {shape})"),
    "log_softmax": "log_softmax",
    "logsumexp": "np.logaddexp.reduce({0}, -1)",
    "less": less,
    "expand": expanded,
    "largest": "{0:!}.max({axis}, keepdims=True)",
    "softmax": lambda z, *, axis=-1: Piece(f"softmax({z})"),
    "cross_entropy": "cross_entropy",
    "max_pool2d": "windows_of({0}, {kernel}, {stride}).max((4, 5))",
    "patches": "patches({0}, {kernel}, {stride}, {padding})",
    "unpatches": "unpatches({0}, {shape}, {kernel}, {stride}, {padding})",
    "window": window,
    "place": placed,
}
HELPERS = {
    **scalar.HELPERS,
    "softmax": """def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e/e.sum(-1, keepdims=True)""",
    "put": '''def put(part, shape, places):
    """Return zeros with numbers in some places."""
    x = np.zeros(shape)
    x[places] = part
    return x''',
    "scattered": '''def scattered(rows, index, shape):
    """Return zeros with rows added where an index says."""
    x = np.zeros(shape)
    np.add.at(x, index, rows)
    return x''',
    "log_softmax": """def log_softmax(z):
    z = z - z.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))""",
    "cross_entropy": '''def cross_entropy(z, t):
    """Return -sum(t*log(softmax(z))), a number a row."""
    z = z - z.max(-1, keepdims=True)
    return -(t*(z - np.log(np.exp(z).sum(-1, keepdims=True)))).sum(-1)''',
    "windows_of": '''def windows_of(x, kernel, stride):
    """Return every window of images, (rows, channels, height, width, kernel, kernel)."""
    view = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), (2, 3))
    return view[:, :, ::stride, ::stride]''',
    "placed": '''def placed(parts, shape, at, stride):
    """Return images from what each window has in some places, added up where windows meet."""
    x = np.zeros(shape)
    for part, (i, j) in zip(parts, at):
        height, width = part.shape[2:]
        x[:, :, i:i + stride*height:stride, j:j + stride*width:stride] += part
    return x''',
    "patches": '''def patches(x, kernel, stride, padding):
    """Return the windows of images as columns: channel, row and column in the window by place and image."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), (2, 3))
    return windows[:, :, ::stride, ::stride].transpose(1, 4, 5, 2, 3, 0).reshape(x.shape[1]*kernel**2, -1)''',
    "unpatches": '''def unpatches(columns, shape, kernel, stride, padding):
    """Return images from columns of windows, added up where windows meet."""
    rows, channels, *sides = shape
    height, width = ((side + 2*padding - kernel)//stride + 1 for side in sides)
    parts = columns.reshape(channels, kernel, kernel, height, width, rows).transpose(5, 0, 3, 4, 1, 2)
    x = np.zeros((rows, channels, sides[0] + 2*padding, sides[1] + 2*padding))
    for i in range(kernel):
        for j in range(kernel):
            x[:, :, i:i + stride*height:stride, j:j + stride*width:stride] += parts[..., i, j]
    return x[:, :, padding:padding + sides[0], padding:padding + sides[1]]''',
    "conv2d": '''def conv2d(x, weights, bias, stride, padding):
    """Cross-correlate images (rows, channels, height, width) with a kernel an output channel."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, weights.shape[2:], (2, 3))
    windows = windows[:, :, ::stride, ::stride]
    return np.einsum("nchwij,ocij->nohw", windows, weights) + bias[:, None, None]''',
    "conv1d": '''def conv1d(x, weights, bias, stride, padding):
    """Cross-correlate (rows, channels, length) with a kernel an output channel."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, weights.shape[2], 2)[:, :, ::stride]
    return np.einsum("ncli,oci->nol", windows, weights) + bias[:, None]''',
}
ALONG = {
    "patches": '''def patches(x, kernel, stride, padding):
    """Return the windows of (rows, channels, length) as columns: channel and place in it by place and row."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel, 2)
    return windows[:, :, ::stride].transpose(1, 3, 2, 0).reshape(x.shape[1]*kernel, -1)''',
    "unpatches": '''def unpatches(columns, shape, kernel, stride, padding):
    """Return (rows, channels, length) from columns of windows, added up where windows meet."""
    rows, channels, length = shape
    places = (length + 2*padding - kernel)//stride + 1
    parts = columns.reshape(channels, kernel, places, rows).transpose(3, 0, 2, 1)
    x = np.zeros((rows, channels, length + 2*padding))
    for i in range(kernel):
        x[:, :, i:i + stride*places:stride] += parts[..., i]
    return x[:, :, padding:padding + length]''',
}
"""What stands in place of helpers where windows slide along one axis; a network slides along one or two."""
NEEDS = {
    **scalar.NEEDS,
    **{
        name: (name,)
        for name in ("softmax", "log_softmax", "cross_entropy", "conv1d", "conv2d", "patches", "unpatches")
    },
    "max_pool2d": ("windows_of",),
    "window": ("windows_of",),
    "place": ("placed",),
    "placed": ("put",),
    "scattered": ("scattered",),
}
RESERVED = scalar.RESERVED | {*HELPERS, "network", "step", "p"}


def write(facts: Facts, name: str) -> Exported:
    """Return the program."""
    arrays = Arrays(facts, name, "np.array({})", "{}", "numpy")
    forward = predicting(facts)
    writer = NodeWriter(forward.graph, SPELLING, leaves(forward.graph), RESERVED)
    logits = f"  # logits: {facts.final} makes predictions of them" if facts.final else ""
    body = [*writer.by_layer([forward.output]), f"return {writer.text(forward.output)}{logits}"]
    used = set(writer.used)
    step = _step(facts, arrays, used)
    call = Piece(f"network(p, {rows(facts, 'sample')})")
    if facts.final is not None:
        used.add(facts.final)
        call = spell(SPELLING, facts.final, [call])
    own = helpers(HELPERS | (ALONG if "conv1d" in used else {}), NEEDS, used)
    lines = [
        *header(facts, LANGUAGE),
        "",
        *arrays.imports[0],
        "import numpy as np",
        *arrays.imports[1],
        *(text for text in own if text.startswith("from")),
        *(line for text in own if not text.startswith("from") for line in ("", "", text)),
        "",
        "",
        *function("network(p, x)", "Return what the network gives for rows.", body),
        *predictions(facts, arrays, call.text),
        *step,
    ]
    return Exported(("\n".join(lines) + "\n").encode(), arrays.beside)


def _step(facts: Facts, arrays: Arrays, used: set[str]) -> list[str]:
    step = facts.step
    if step is None:
        return [f"# no training step: {facts.reason}"]
    forward = training(facts)
    both = backward(forward, [p.name for p in facts.trained])
    writer = NodeWriter(both.graph, SPELLING, leaves(both.graph), RESERVED)
    assert forward.loss is not None
    body = [
        f"# forward pass{WITHOUT * bool(facts.network.draws)}",
        *writer.by_layer([*forward.updates.values(), forward.loss]),
        "",
        "# backward pass: d_y is the slope of the loss in y",
        *(line for group in both.by_layer for line in writer.by_layer(group)),
    ]
    found = {name: writer.text(id) for name, id in both.gradient.items()}
    states = {name: writer.text(id) for name, id in forward.updates.items()}
    body += dictionary("gradient", found)
    body += dictionary("states", states) if states else []
    body.append(f"return {writer.text(forward.loss)}, gradient{', states' * bool(states)}")
    used |= writer.used
    says = "Return the loss and its gradient" + ", and the running means after the step" * bool(states)
    return [
        *function("step(p, x, t)", f"{says}.", body),
        "# one training step",
        arrays("x", step.inputs, "x"),
        arrays("t", step.targets, "t"),
        *([] if step.weights is None else [arrays("weights", step.weights, "weights")]),
        f"loss, gradient{', states' * bool(states)} = step(p, {rows(facts, 'x')}, t)",
        'print("loss", loss)',
        f"np.testing.assert_allclose(loss, {step.loss!r}, rtol=1e-9, atol=1e-12)",
        "",
        *gradients(step, arrays),
        *clipped(step, "np"),
        *update(facts, arrays, SPELLING, RESERVED),
    ]
