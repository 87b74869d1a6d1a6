"""A network as a pure function of its parameters, node by node, and one update by ``jax.value_and_grad``."""

from __future__ import annotations

from collections.abc import Callable

from ...language.operators import PRODUCT
from ...language.written import Piece, Table
from ...networks.losses import PROGRAM
from .. import jax as scalar
from ..functional import array_extremum
from ..handwritten import helpers
from ..writer import spell
from . import Exported
from .arrays import ARRAYS, matrices
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
from .passes import predicting, training

LANGUAGE = "JAX"


def window(x: Piece, *, i: int, j: int, kernel: int, stride: int) -> Piece:
    """Write of every window one number."""
    return Piece(f"window({x}, {i}, {j}, {kernel}, {stride})")


def extremum(name: str) -> Callable[..., Piece]:
    """Write min or max of arrays and numbers; of three and more element by element, ties shared equally."""

    def write(*operands: Piece) -> Piece:
        if len(operands) == 2:
            return array_extremum("jnp", name)(*operands)
        texts = ", ".join(x.text for x in operands)
        return Piece(f"jnp.stack(jnp.broadcast_arrays({texts})).{name}(0)")

    return write


SPELLING: Table = {
    **scalar.SPELLING,
    **ARRAYS,
    **matrices("jnp"),
    "log_softmax": "jax.nn.log_softmax({0})",
    "logsumexp": "jax.nn.logsumexp({0}, -1)",
    "expand": "jnp.broadcast_to({0}, {shape})",
    "largest": "{0:!}.max({axis}, keepdims=True)",
    "min": extremum("min"),
    "max": extremum("max"),
    # jax.nn.leaky_relu has the slope 1 at 0, where the pixels of an empty corner are
    "leaky_relu": "jnp.where({0} > 0, {0}, {1}*{0})",
    "softmax": lambda z, *, axis=-1: Piece(f"jax.nn.softmax({z})"),
    "cross_entropy": ("-jnp.sum({1:*}*jax.nn.log_softmax({0}), -1)", PRODUCT),
    "max_pool2d": "max_pool2d({0}, {kernel}, {stride})",
    "window": window,
}
HELPERS = {
    "conv1d": """def conv1d(x, weights, bias, stride, padding):
    sides = [(padding, padding)]
    return jax.lax.conv_general_dilated(x, weights, (stride,), sides) + bias[:, None]""",
    "conv2d": """def conv2d(x, weights, bias, stride, padding):
    sides = [(padding, padding)] * 2
    return jax.lax.conv_general_dilated(x, weights, (stride, stride), sides) + bias[:, None, None]""",
    "window": '''def window(x, i, j, kernel, stride):
    """Return of every window of images the number in row i, column j."""
    down, right = (stride*((size - kernel)//stride + 1) for size in x.shape[2:])
    return x[:, :, i:i + down:stride, j:j + right:stride]''',
    "max_pool2d": '''def max_pool2d(x, kernel, stride):
    """Return the largest of each window; ties share its slope, of reduce_window the first has it."""
    corners = [(i, j) for i in range(kernel) for j in range(kernel)]
    return jnp.stack([window(x, i, j, kernel, stride) for i, j in corners]).max(0)''',
}
NEEDS = {
    **{name: (name,) for name in ("conv1d", "conv2d", "window")},
    "max_pool2d": ("window", "max_pool2d"),
}
RESERVED = scalar.RESERVED | {*HELPERS, "np", "network", "loss_of", "p"}


def write(facts: Facts, name: str) -> Exported:
    """Return the program."""
    arrays = Arrays(facts, name, "jnp.array({})", "jnp.array({})", "numpy")
    forward = predicting(facts)
    writer = NodeWriter(forward.graph, SPELLING, leaves(forward.graph), RESERVED)
    body = list(writer.by_layer([forward.output]))
    given = f"return {writer.text(forward.output)}"
    if facts.final:
        given += f"  # logits: {facts.final} makes predictions of them"
    used = set(writer.used)
    step = _step(facts, arrays, body, used)
    call = Piece(f"network(p, {rows(facts, 'sample')})")
    if facts.final is not None:
        call = spell(SPELLING, facts.final, [call])
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
        *(line for text in helpers(HELPERS, NEEDS, used) for line in ("", "", text)),
        "",
        "",
        *function("network(p, x)", "Return what the network gives for rows.", [*body, given]),
        *predictions(facts, arrays, call.text),
        *step,
    ]
    return Exported(("\n".join(lines) + "\n").encode(), arrays.beside)


def _step(facts: Facts, arrays: Arrays, network: list[str], used: set[str]) -> list[str]:
    step = facts.step
    if step is None:
        return [f"# no training step: {facts.reason}"]
    forward = training(facts)
    writer = NodeWriter(forward.graph, SPELLING, leaves(forward.graph), RESERVED)
    assert forward.loss is not None
    body = list(writer.by_layer([*forward.updates.values(), forward.output]))
    if body == network and facts.network.loss.type != PROGRAM:  # the same pass as for predictions
        body = [f"{writer.text(forward.output)} = network(p, x)"]
    body += writer.by_layer([forward.loss])
    used |= writer.used
    states = {name: writer.text(id) for name, id in forward.updates.items()}
    body += dictionary("states", states) if states else []
    also = ", states" * bool(states)
    rest = [name for name in facts.arrays if name not in {p.name for p in facts.trained}]
    listed = ", ".join(f'"{name}"' for name in rest)
    own, every = ("trained", "{**p, **trained}") if rest else ("p", "p")
    more = ", has_aux=True" * bool(states)
    return [
        *function("loss_of(p, x, t)", "", [*body, f"return {writer.text(forward.loss)}{also}"]),
        f"# one training step{WITHOUT * bool(facts.network.draws)}",
        arrays("x", step.inputs, "x"),
        arrays("t", step.targets, "t"),
        *([] if step.weights is None else [arrays("weights", step.weights, "weights")]),
        *[f"trained = {{name: array for name, array in p.items() if name not in {{{listed}}}}}"] * bool(rest),
        f"of_trained = jax.value_and_grad(lambda {own}: loss_of({every}, {rows(facts, 'x')}, t){more})",
        f"{'(loss, states)' if states else 'loss'}, gradient = of_trained({own})",
        'print("loss", loss)',
        f"np.testing.assert_allclose(loss, {step.loss!r}, rtol=1e-9, atol=1e-12)",
        "",
        *gradients(step, arrays),
        *clipped(step, "jnp"),
        *update(facts, arrays, SPELLING, RESERVED),
    ]
