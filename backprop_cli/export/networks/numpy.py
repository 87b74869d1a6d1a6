"""A network in NumPy, forward and backward pass written out layer by layer."""

from __future__ import annotations

from typing import NamedTuple

from ...networks.layers import dense, normalised, windows
from ...ops import PRIMITIVES
from .. import numpy as scalar
from ..handwritten import helpers
from ..writer import ATOM, Piece, expression, python_number
from . import Exported
from .common import (
    WITHOUT,
    Arrays,
    activation,
    clipped,
    gradients,
    header,
    network,
    penalties,
    predicting,
    update,
)
from .facts import Facts

LANGUAGE = "NumPy"
HELPERS = {
    "conv2d": '''def conv2d(x, weights, bias, stride, padding):
    """Cross-correlate images (rows, channels, height, width) with a kernel an output channel."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, weights.shape[2:], (2, 3))
    windows = windows[:, :, ::stride, ::stride]
    return np.einsum("nchwij,ocij->nohw", windows, weights) + bias[:, None, None]


def conv2d_back(g, x, weights, stride, padding):
    """Return the slopes in images, kernels and biases."""
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    back, slopes = np.zeros_like(padded), np.zeros_like(weights)
    height, width = g.shape[2:]
    for i in range(weights.shape[2]):
        for j in range(weights.shape[3]):
            rows, columns = slice(i, i + stride*height, stride), slice(j, j + stride*width, stride)
            slopes[:, :, i, j] = np.einsum("nohw,nchw->oc", g, padded[:, :, rows, columns])
            back[:, :, rows, columns] += np.einsum("nohw,oc->nchw", g, weights[:, :, i, j])
    inside = back[:, :, padding:padding + x.shape[2], padding:padding + x.shape[3]]
    return inside, slopes, g.sum((0, 2, 3))''',
    "max_pool2d": '''def windows_of(x, kernel, stride):
    view = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), (2, 3))
    return view[:, :, ::stride, ::stride]


def max_pool2d_back(g, x, y, kernel, stride):
    """Give a slope to the largest number of each window; ties share it."""
    share = g/(windows_of(x, kernel, stride) == y[..., None, None]).sum((4, 5))
    back = np.zeros_like(x)
    height, width = y.shape[2:]
    for i in range(kernel):
        for j in range(kernel):
            rows, columns = slice(i, i + stride*height, stride), slice(j, j + stride*width, stride)
            back[:, :, rows, columns] += share*(x[:, :, rows, columns] == y)
    return back''',
    "batch_norm": '''def batch_norm(x, p, name, eps, momentum, train):
    """Return normalised rows, what the way back needs, and the running mean and variance after them."""
    axes, place = (0, *range(2, x.ndim)), (-1, *[1] * (x.ndim - 2))
    mean, variance, states = p[f"{name}.running_mean"], p[f"{name}.running_variance"], {}
    if train:
        states[f"{name}.running_mean"] = (1 - momentum)*mean + momentum*x.mean(axes)
        states[f"{name}.running_variance"] = (1 - momentum)*variance + momentum*x.var(axes, ddof=1)
        mean, variance = x.mean(axes), x.var(axes)
    deviation = np.sqrt(variance.reshape(place) + eps)
    normal = (x - mean.reshape(place))/deviation
    y = normal*p[f"{name}.weights"].reshape(place) + p[f"{name}.bias"].reshape(place)
    return y, normal, deviation, states


def batch_norm_back(g, normal, deviation, weights):
    """Return the slopes in rows, weights and biases: mean and variance are of the batch, too."""
    axes, place = (0, *range(2, g.ndim)), (-1, *[1] * (g.ndim - 2))
    by_weights, by_bias = (g*normal).sum(axes), g.sum(axes)
    g = g*weights.reshape(place)
    back = g - g.mean(axes, keepdims=True) - normal*(g*normal).mean(axes, keepdims=True)
    return back/deviation, by_weights, by_bias''',
    "softmax": """def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e/e.sum(1, keepdims=True)""",
}
LOSSES: dict[str, tuple[list[str], str]] = {
    "mse": (["loss = np.mean((output - t)**2)"], "2*(output - t)/output.size"),
    "mae": (["loss = np.mean(np.abs(output - t))"], "np.sign(output - t)/output.size"),
    "sse": (["loss = np.sum((output - t)**2)"], "2*(output - t)"),
    "half_sse": (["loss = np.sum((output - t)**2)/2"], "output - t"),
    "binary_cross_entropy": (
        ["loss = np.mean(t*np.logaddexp(0, -output) + (1 - t)*np.logaddexp(0, output))"],
        "(sigmoid(output) - t)/output.size",
    ),
    "cross_entropy": (
        [
            "shifted = output - output.max(1, keepdims=True)",
            "loss = np.mean(np.log(np.exp(shifted).sum(1)) - (t*shifted).sum(1))",
        ],
        "(softmax(output) - t)/len(output)",
    ),
}


def write(facts: Facts, name: str) -> Exported:
    """Return the program."""
    arrays = Arrays(facts, name, "np.array({})", "{}", "numpy")
    used: set[str] = set()
    passes = _passes(facts, used)
    if facts.final is not None:
        used.add(facts.final)
    step = _step(facts, arrays, passes, used)
    final = f"{facts.final}({{}})" if facts.final else "{}"
    outputs = f"{network(facts, 'sample', False)}[-1]"
    own = helpers(scalar.HELPERS, scalar.NEEDS, used)
    imports = [text for text in own if text.startswith("from")]
    functions = [text for text in own if not text.startswith("from")]
    functions += [text for key, text in HELPERS.items() if key in used]
    logits = f"  # logits: {facts.final} makes probabilities of them" if facts.final else ""
    lines = [
        *header(facts, LANGUAGE),
        "",
        *arrays.imports[0],
        "import numpy as np",
        *arrays.imports[1],
        *imports,
        *(line for text in functions for line in ("", "", text)),
        "",
        "",
        f"def network(p, x0{', train' * bool(facts.network.states)}):",
        '    """Return what every layer makes, the outputs last: the way back needs all of it."""',
        *(f"    {line}" for line in passes.forward),
        f"    return {passes.names}{logits}",
        "",
        "",
        *predicting(facts, arrays, final.format(outputs)),
        *step,
    ]
    return Exported(("\n".join(lines) + "\n").encode(), arrays.beside)


class Passes(NamedTuple):
    """A network layer by layer.

    Attributes:
        forward: Lines from ``x0`` to the outputs.
        made: The names that they give, in order.
        backward: Lines from ``g``, the slope in the outputs, to ``gradient``.
        states: Those of the names that hold running means.
    """

    forward: list[str]
    made: list[str]
    backward: list[str]
    states: list[str]

    @property
    def names(self) -> str:
        """What the forward pass returns."""
        return ", ".join(self.made) + "," * (len(self.made) == 1)


def _passes(facts: Facts, used: set[str]) -> Passes:
    forward: list[str] = []
    made: list[str] = []
    states: list[str] = []
    back: list[list[str]] = []
    for k, (name, layer, before, _) in enumerate(facts.layers):
        x, z, y = f"x{k}", f"z{k + 1}", f"x{k + 1}"
        w, b = f'p["{name}.weights"]', f'p["{name}.bias"]'
        by_w, by_b = f'gradient["{name}.weights"]', f'gradient["{name}.bias"]'
        function = facts.activation(name, layer)
        result = z if function is not None else y
        parts: list[str] = []
        lines: list[str] = []
        if isinstance(layer, dense.Linear):
            text = f"{x} @ {w}.T + {b}"
            lines = [f"{by_w} = g.T @ {x}", f"{by_b} = g.sum(0)", f"g = g @ {w}"]
        elif isinstance(layer, windows.Conv2d):
            used.add("conv2d")
            sizes = f"{layer.stride}, {layer.zeros}"
            text = f"conv2d({x}, {w}, {b}, {sizes})"
            lines = [f"g, {by_w}, {by_b} = conv2d_back(g, {x}, {w}, {sizes})"]
        elif isinstance(layer, windows.MaxPool2d):
            used.add("max_pool2d")
            sizes = f"{layer.kernel_size}, {layer.stride or layer.kernel_size}"
            text = f"windows_of({x}, {sizes}).max((4, 5))"
            lines = [f"g = max_pool2d_back(g, {x}, {y}, {sizes})"]
        elif isinstance(layer, dense.Flatten):
            text = f"{x}.reshape(len({x}), -1)"
            lines = [f"g = g.reshape({x}.shape)"] if len(before) > 1 else []
        elif isinstance(layer, normalised.BatchNorm):
            used.add("batch_norm")
            parts = [f"{part}{k + 1}" for part in ("normal", "deviation", "states")]
            states.append(parts[-1])
            text = f'batch_norm({x}, p, "{name}", {layer.eps!r}, {layer.momentum!r}, train)'
            lines = [f"g, {by_w}, {by_b} = batch_norm_back(g, {parts[0]}, {parts[1]}, {w})"]
        else:
            text = x
        dropped = "  # dropout is not done here" * isinstance(layer, dense.Dropout)
        forward.append(f"{', '.join([result, *parts])} = {text}{dropped}")
        made += [result, *parts]
        if function == "softmax":
            used.add("softmax")
            forward.append(f"{y} = softmax({z})")
            lines.insert(0, f"g = {y}*(g - (g*{y}).sum(1, keepdims=True))")
        elif function is not None:
            forward.append(f"{y} = {activation(scalar.SPELLING, function, z, used)}")
            lines.insert(0, f"g = g*{_slope(function, z, y, used)}")
        if function is not None:
            made.append(y)
        back.append(lines)
    # nobody asks for the slope in the inputs
    first = next((k for k, lines in enumerate(back) if any("gradient[" in line for line in lines)), 0)
    if back[first][-1:] and back[first][-1].startswith("g = "):
        back[first].pop()
    backward = [line for lines in reversed(back[first:]) for line in lines]
    made.append(made.pop(made.index(f"x{len(facts.layers)}")))
    return Passes(forward, made, backward, states)


def _slope(function: str, x: str, y: str, used: set[str]) -> str:
    """Write the local derivative of an activation over arrays."""
    row = PRIMITIVES[function]
    if function == "relu":
        return f"({x} > 0)"
    known = {row.params[0]: Piece(x, ATOM), "y": Piece(y, ATOM)}
    known |= {
        p: python_number(d, True)._replace(value=d)
        for p, d in zip(row.params[1:], row.defaults, strict=False)
    }
    return format(expression(row.exact[0], known, scalar.SPELLING, python_number, used), "!")


def _step(facts: Facts, arrays: Arrays, passes: Passes, used: set[str]) -> list[str]:
    step = facts.step
    if step is None:
        return [f"# no training step: {facts.reason}"]
    kind = facts.network.loss
    if kind.type == "huber":
        loss = [
            f"m = np.minimum(np.abs(output - t), {kind.delta!r})",
            "loss = np.mean(m*(np.abs(output - t) - m/2))",
        ]
        slope = f"np.clip(output - t, -{kind.delta!r}, {kind.delta!r})/output.size"
    else:
        loss, slope = LOSSES[kind.type]
    used.update({"binary_cross_entropy": ["sigmoid"], "cross_entropy": ["softmax"]}.get(kind.type, []))
    given = facts.network.penalties
    slopes = [
        f'gradient["{p.name}"] += {factor!r}*{by.format(f"""p["{p.name}"]""")}'
        for factor, by in ((given.l1, "np.sign({})"), (given.l2, "2*{}"))
        for p in facts.trained
        if factor and p.penalised
    ]
    frozen = [p.name for p in facts.network.parameters if not p.trained]
    trained = f"gradient = {{n: g for n, g in gradient.items() if n not in {frozen}}}".replace("'", '"')
    return [
        f"# one training step, forward pass and loss{WITHOUT * bool(facts.network.masks)}",
        arrays("x", step.inputs, "x" if facts.scaled else "x0"),
        *["x0 = scaled(x)"] * facts.scaled,
        arrays("t", step.targets, "t"),
        f"{passes.names} = network(p, x0{', train=True' * bool(facts.network.states)})",
        f"output = x{len(facts.layers)}",
        *loss,
        *penalties(facts, "np", "p"),
        'print("loss", loss)',
        f"np.testing.assert_allclose(loss, {step.loss!r}, rtol=1e-9, atol=1e-12)",
        "",
        "# backward pass: g is the slope of the loss in what a layer gives, then in what it takes",
        "gradient = {}",
        f"g = {slope}",
        *passes.backward,
        *slopes,
        *[f"{trained}  # the others are frozen"] * bool(frozen),
        *[f"states = {' | '.join(passes.states)}"] * bool(passes.states),
        "",
        *gradients(step, arrays),
        *clipped(step, "np"),
        *update(facts, arrays, "np"),
    ]
