"""Losses as graph nodes: from outputs and targets to one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from msgspec import Meta

from ..settings import NotNegative, Positive, Section
from .lowering import Builder


class Loss(Section, frozen=True):
    """``loss``: a name, or a mapping where it has a parameter."""

    type: Annotated[
        Literal["auto", "mse", "mae", "huber", "sse", "half_sse", "binary_cross_entropy", "cross_entropy"],
        Meta(description="auto: cross-entropy for classes, mse for numbers"),
    ] = "auto"
    delta: Annotated[Positive, Meta(description="huber: where the square ends")] = 1.0


class Regularization(Section, frozen=True):
    """``regularization``: added to the loss; biases are exempt."""

    l1: Annotated[NotNegative, Meta(description="times the sum of |w|")] = 0.0
    l2: Annotated[NotNegative, Meta(description="times the sum of w^2")] = 0.0


FUSED = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}
"""Losses that take logits, and the activation that turns these into probabilities."""

WRITTEN = {
    "huber": "where(abs(y - t) <= delta, 1/2*(y - t)^2, delta*(abs(y - t) - delta/2))",
    "binary_cross_entropy": "t*log(p) + (1 - t)*log(1 - p)",
    "cross_entropy": "t*log(p)",
}
"""What a reader is shown as the term of an output, where it is computed otherwise.

``y`` is the output, ``t`` its target, ``p`` its probability; the losses that take logits are minus these.
"""

SUMS = ("sse", "half_sse")
"""Losses that add up over rows; the others are means."""


def lower_loss(builder: Builder, loss: Loss, outputs: int, targets: int) -> int:
    """Add a loss and return the node of its number.

    Args:
        builder: Where to.
        loss: Which, with its parameter.
        outputs: Node (rows, outputs); logits for the cross-entropies.
        targets: Node of the same shape; one-hot rows for `cross_entropy`.
    """
    return _LOSSES[loss.type](builder, loss, outputs, targets)


def _difference(b: Builder, y: int, t: int) -> int:
    return b.step("subtract", y, t, name="loss.difference")


def _squares(b: Builder, y: int, t: int) -> int:
    return b.step("power_n", _difference(b, y, t), b.number(2.0), name="loss.squares")


def _half_sse(b: Builder, loss: Loss, y: int, t: int) -> int:
    return b.step(
        "multiply", b.number(0.5), b.step("sum", _squares(b, y, t), name="loss.sum"), name="loss.data"
    )


def _mae(b: Builder, loss: Loss, y: int, t: int) -> int:
    return b.step("mean", b.step("abs", _difference(b, y, t), name="loss.distances"), name="loss.data")


def _huber(b: Builder, loss: Loss, y: int, t: int) -> int:
    """m(|d| - m/2) with m = min(|d|, delta): d^2/2 up to delta, a line beyond (Huber 1964)."""
    distance = b.step("abs", _difference(b, y, t), name="loss.distances")
    near = b.step("min", distance, b.number(loss.delta), name="loss.near")
    rest = b.step("subtract", distance, b.step("multiply", b.number(0.5), near))
    return b.step("mean", b.step("multiply", near, rest, name="loss.terms"), name="loss.data")


def _binary(b: Builder, loss: Loss, z: int, t: int) -> int:
    """t*softplus(-z) + (1 - t)*softplus(z): exact where the other term would swallow it."""
    yes = b.step("multiply", t, b.step("softplus", b.step("negative", z)))
    no = b.step("multiply", b.step("subtract", b.number(1.0), t), b.step("softplus", z))
    return b.step("mean", b.step("add", yes, no, name="loss.terms"), name="loss.data")


_LOSSES: dict[str, Callable[[Builder, Loss, int, int], int]] = {
    "mse": lambda b, loss, y, t: b.step("mean", _squares(b, y, t), name="loss.data"),
    "sse": lambda b, loss, y, t: b.step("sum", _squares(b, y, t), name="loss.data"),
    "half_sse": _half_sse,
    "mae": _mae,
    "huber": _huber,
    "binary_cross_entropy": _binary,
    "cross_entropy": lambda b, loss, z, t: b.step(
        "mean", b.step("cross_entropy", z, t, name="loss.terms"), name="loss.data"
    ),
}
