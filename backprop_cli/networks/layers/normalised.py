"""Layers that bring numbers to mean 0 and variance 1."""

from __future__ import annotations

from math import prod
from typing import Annotated, Literal

from msgspec import Meta, field

from ...language.numbers import exact_text
from ...ops import Shape
from ...settings import Positive
from ..lowering import Place
from .kind import Array, Fitted, LayerKind
from .weights import Declared, Frozen, scale_and_shift
from .writing import Flow, Writing


def _variance(at: Place, centred: int, axes: tuple[int, ...]) -> int:
    return at.step("mean_over", at.step("power_n", centred, at.number(2.0)), part="variance", axes=axes)


def _scaled(at: Place, centred: int, variance: int, eps: float) -> int:
    deviation = at.step("sqrt", at.step("add", variance, at.number(eps)), part="deviation")
    return at.step("divide", centred, deviation, part="normalised")


class BatchNorm(LayerKind, frozen=True, tag="batch_norm"):
    """Batch normalisation with scale and shift, by unit or by channel."""

    momentum: Annotated[
        float, Meta(description="share of the new batch in the running mean and variance", ge=0, le=1)
    ] = 0.1
    eps: Annotated[Positive, Meta(description="added to the variance")] = 1e-5
    frozen: Annotated[Frozen, Meta(description="what is not trained")] = field(default_factory=list)

    compares_rows = True

    def fitted(self, name: str, shape: Shape, outputs: int) -> Fitted:
        channels = shape[:1]
        running = (Array("running_mean", channels, 0.0), Array("running_variance", channels, 1.0))
        return Fitted(shape, scale_and_shift(channels, self.frozen), running)

    def lower(self, at: Place, x: int) -> int:
        """(x - mean)/sqrt(variance + eps)*weights + bias (Ioffe and Szegedy 2015)."""
        place = (-1, *[1] * (len(at.shape) - 1))
        mean, variance = at.state("running_mean"), at.state("running_variance")
        if at.training:
            axes = (0, *range(2, len(at.shape) + 1))
            mean_here = at.step("mean_over", x, part="mean", axes=axes)
            centred = at.step("subtract", x, mean_here, part="centred")
            variance_here = _variance(at, centred, axes)
            self._renew(at, mean, variance, mean_here, variance_here)
        else:
            mean_here, variance_here = (at.step("shaped", s, shape=place) for s in (mean, variance))
            centred = at.step("subtract", x, mean_here, part="centred")
        scaled = _scaled(at, centred, variance_here, self.eps)
        weights, bias = (at.step("shaped", at.parameter(p), shape=place) for p in ("weights", "bias"))
        return at.step("add", at.step("multiply", scaled, weights), bias, part="y")

    def _renew(self, at: Place, mean: int, variance: int, batch_mean: int, batch_variance: int) -> None:
        """Move the running mean and the running variance, which is unbiased, towards those of the batch."""
        count = at.rows * prod(at.shape[1:])
        flat = at.step("shaped", batch_mean, shape=(-1,))
        spread = at.step("shaped", batch_variance, shape=(-1,))
        unbiased = at.step("multiply", spread, at.number(count / (count - 1.0) if count > 1 else 1.0))
        for part, state, new in (("running_mean", mean, flat), ("running_variance", variance, unbiased)):
            old = at.step("multiply", at.number(1.0 - self.momentum), state)
            share = at.step("multiply", at.number(self.momentum), new)
            at.renew(part, at.step("add", old, share, part=f"{part}.new"))

    def torch(self, before: Shape, after: Shape, tied: bool) -> str:
        settings = f"eps={self.eps!r}, momentum={self.momentum!r}"
        return f"torch.nn.BatchNorm{1 if len(before) < 3 else 2}d({before[0]}, {settings})"


class LayerNorm(LayerKind, frozen=True, tag="layer_norm"):
    """Layer normalisation with scale and shift: each row by itself, in training and after."""

    axes: Annotated[
        Literal["all", "last"] | None,
        Meta(
            description="what is normalised together: all numbers of a row, or those along its last axis; by "
            "default all, and those of a step where the network is a program"
        ),
    ] = None
    eps: Annotated[Positive, Meta(description="added to the variance")] = 1e-5
    frozen: Annotated[Frozen, Meta(description="what is not trained")] = field(default_factory=list)

    letters = ("g", "s")

    def _together(self, shape: Shape) -> Shape:
        return shape[-1:] if self.axes == "last" else shape

    def fitted(self, name: str, shape: Shape, outputs: int) -> Fitted:
        return Fitted(shape, scale_and_shift(self._together(shape), self.frozen))

    def lower(self, at: Place, x: int) -> int:
        """(x - mean)/sqrt(variance + eps)*weights + bias (Ba, Kiros and Hinton 2016)."""
        count = len(at.shape)
        axes = tuple(range(count + 1 - len(self._together(at.shape)), count + 1))
        centred = at.step("subtract", x, at.step("mean_over", x, part="mean", axes=axes), part="centred")
        scaled = _scaled(at, centred, _variance(at, centred, axes), self.eps)
        return at.step(
            "add", at.step("multiply", scaled, at.parameter("weights")), at.parameter("bias"), part="y"
        )

    def written(self, at: Writing, x: Flow) -> Flow | None:
        if x.steps is not None and self.axes == "all":
            return None
        gain, shift = (
            at.parameter(letter, Declared(shape=x.size, init=first), frozen=part in self.frozen)
            for letter, first, part in (("g", 1.0, "weights"), ("s", 0.0, "bias"))
        )
        times = "*" if x.steps is None else ".*"
        return x.with_text(f"standardize({x.text}, {exact_text(self.eps)}){times}{gain} + {shift}")

    def torch(self, before: Shape, after: Shape, tied: bool) -> str:
        return f"torch.nn.LayerNorm({list(self._together(before))}, eps={self.eps!r})"
