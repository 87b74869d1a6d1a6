"""A network as a pure function of its parameters, and one update by ``jax.value_and_grad``."""

from __future__ import annotations

from ...networks.layers import dense, normalised, windows
from .. import jax as scalar
from ..writer import Table
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

LANGUAGE = "JAX"
LOSSES = {
    "mse": "jnp.mean((output - t)**2)",
    "mae": "jnp.mean(jnp.abs(output - t))",
    "sse": "jnp.sum((output - t)**2)",
    "half_sse": "jnp.sum((output - t)**2)/2",
    "binary_cross_entropy": "jnp.mean(t*jax.nn.softplus(-output) + (1 - t)*jax.nn.softplus(output))",
    "cross_entropy": "jnp.mean(-jnp.sum(t*jax.nn.log_softmax(output), axis=1))",
}
HELPERS = {
    "conv2d": """def conv2d(x, weights, bias, stride, padding):
    sides = [(padding, padding)] * 2
    return jax.lax.conv_general_dilated(x, weights, (stride, stride), sides) + bias[:, None, None]""",
    "max_pool2d": '''def max_pool2d(x, kernel, stride):
    """Return the largest of each window; ties share its slope, of reduce_window the first has it."""
    down, right = (stride*((size - kernel)//stride + 1) for size in x.shape[2:])
    corners = [(i, j) for i in range(kernel) for j in range(kernel)]
    return jnp.stack([x[:, :, i:i + down:stride, j:j + right:stride] for i, j in corners]).max(0)''',
    "batch_norm": '''def batch_norm(p, name, x, eps, momentum, train):
    """Return normalised rows, and the running mean and variance after them."""
    axes, place = (0, *range(2, x.ndim)), (-1, *[1] * (x.ndim - 2))
    mean, variance, states = p[f"{name}.running_mean"], p[f"{name}.running_variance"], {}
    if train:
        states[f"{name}.running_mean"] = (1 - momentum)*mean + momentum*jnp.mean(x, axes)
        states[f"{name}.running_variance"] = (1 - momentum)*variance + momentum*jnp.var(x, axes, ddof=1)
        mean, variance = jnp.mean(x, axes), jnp.var(x, axes)
    y = (x - mean.reshape(place))/jnp.sqrt(variance.reshape(place) + eps)
    return y*p[f"{name}.weights"].reshape(place) + p[f"{name}.bias"].reshape(place), states''',
}
SPELLING: Table = {
    **scalar.SPELLING,
    # jax.nn.leaky_relu has the slope 1 at 0, where the pixels of an empty corner are
    "leaky_relu": "jnp.where({0} > 0, {0}, {1}*{0})",
}
FINAL = {"softmax": "jax.nn.softmax({})", "sigmoid": "jax.nn.sigmoid({})"}


def write(facts: Facts, name: str) -> Exported:
    """Return the program."""
    arrays = Arrays(facts, name, "jnp.array({})", "jnp.array({})", "numpy")
    used: set[str] = set()
    body = _forward(facts, used)
    logits = f"  # logits: {facts.final} makes probabilities of them" if facts.final else ""
    outputs = network(facts, "sample", False) + "[0]" * bool(facts.network.states)
    lines = [
        *header(facts, LANGUAGE),
        "",
        *arrays.imports[0],
        "import jax",
        "import jax.numpy as jnp",
        "import numpy as np",
        *arrays.imports[1],
        *["from jax.scipy import special"] * bool(scalar.SPECIAL & used),
        "",
        'jax.config.update("jax_enable_x64", True)  # double precision, as backprop computes',
        *(line for key, text in HELPERS.items() if key in used for line in ("", "", text)),
        "",
        "",
        f"def network(p, x{', train' * bool(facts.network.states)}):",
        *(f"    {line}" for line in body),
        f"    return x{', states' * bool(facts.network.states)}{logits}",
        "",
        "",
        *predicting(facts, arrays, FINAL.get(facts.final or "", "{}").format(outputs)),
        *_step(facts, arrays),
    ]
    return Exported(("\n".join(lines) + "\n").encode(), arrays.beside)


def _forward(facts: Facts, used: set[str]) -> list[str]:
    lines = ["states = {}"] * bool(facts.network.states)
    for name, layer, before, _ in facts.layers:
        if isinstance(layer, dense.Linear):
            lines.append(f'x = x @ p["{name}.weights"].T + p["{name}.bias"]')
        elif isinstance(layer, windows.Conv2d):
            used.add("conv2d")
            operands = f'p["{name}.weights"], p["{name}.bias"], {layer.stride}, {layer.zeros}'
            lines.append(f"x = conv2d(x, {operands})")
        elif isinstance(layer, windows.MaxPool2d):
            used.add("max_pool2d")
            lines.append(f"x = max_pool2d(x, {layer.kernel_size}, {layer.stride or layer.kernel_size})")
        elif isinstance(layer, dense.Flatten) and len(before) > 1:
            lines.append("x = x.reshape(len(x), -1)")
        elif isinstance(layer, normalised.BatchNorm):
            used.add("batch_norm")
            settings = f"{layer.eps!r}, {layer.momentum!r}"
            lines.append(f'x, new = batch_norm(p, "{name}", x, {settings}, train)')
            lines.append("states |= new")
        elif isinstance(layer, dense.Dropout):
            lines.append(
                f"# {name}: training sets {layer.rate:g} of x to 0, and makes up for it; not done here"
            )
        function = facts.activation(name, layer)
        if function == "softmax":
            lines.append("x = jax.nn.softmax(x)")
        elif function is not None:
            lines.append(f"x = {activation(SPELLING, function, 'x', used)}")
    return lines


def _step(facts: Facts, arrays: Arrays) -> list[str]:
    step = facts.step
    if step is None:
        return [f"# no training step: {facts.reason}"]
    kind = facts.network.loss
    huber = "m = jnp.minimum(jnp.abs(output - t), {0})\n    loss = jnp.mean(m*(jnp.abs(output - t) - m/2))"
    text = f"loss = {LOSSES[kind.type]}" if kind.type in LOSSES else huber.format(kind.delta)
    rest = [name for name in facts.arrays if name not in {p.name for p in facts.trained}]
    listed = ", ".join(f'"{name}"' for name in rest)
    own, every = ("trained", "{**p, **trained}") if rest else ("p", "p")
    states = ", states" * bool(facts.network.states)
    return [
        f"# one training step{WITHOUT * bool(facts.network.masks)}",
        arrays("x", step.inputs, "x"),
        arrays("t", step.targets, "t"),
        *[f"trained = {{name: array for name, array in p.items() if name not in {{{listed}}}}}"] * bool(rest),
        "",
        "",
        f"def loss_of({own}):",
        f"    output{states} = {network(facts, 'x', True, every)}",
        f"    {text}",
        *(f"    {line}" for line in penalties(facts, "jnp", own)),
        f"    return loss{states}",
        "",
        "",
        f"{f'(loss{states})' if states else 'loss'}, gradient = "
        f"jax.value_and_grad(loss_of{', has_aux=True' * bool(states)})({own})",
        'print("loss", loss)',
        f"np.testing.assert_allclose(loss, {step.loss!r}, rtol=1e-9, atol=1e-12)",
        "",
        *gradients(step, arrays),
        *clipped(step, "jnp"),
        *update(facts, arrays, "jnp"),
    ]
