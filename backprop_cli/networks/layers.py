"""The layers of a network: one struct a kind, one field a setting.

Names, shapes and defaults are PyTorch's where PyTorch has the thing.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from ..settings import Count, Fraction, Positive, Section, Whole


class Uniform(Section, frozen=True):
    """``init: {uniform: 0.1}``."""

    uniform: Annotated[Positive, Meta(description="weights between minus and plus this number")]


Init = Literal["auto", "he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "zeros"] | Uniform
Frozen = list[Literal["weights", "bias"]]


class Linear(Section, frozen=True, tag="linear"):
    """A dense layer y = W x + b; ``dense`` is the same."""

    units: Annotated[
        Count | None, Meta(description="outputs; by default what the target needs, in the last layer")
    ] = None
    activation: Annotated[str | None, Meta(description="an elementwise primitive, or softmax")] = None
    init: Annotated[Init, Meta(description="auto: he_normal for the relu family, else glorot_uniform")] = (
        "auto"
    )
    weights: Annotated[list[list[float]] | None, Meta(description="explicit weights, units x inputs")] = None
    bias: Annotated[list[float] | None, Meta(description="explicit biases; the default is 0")] = None
    frozen: Annotated[Frozen, Meta(description="what is not trained")] = field(default_factory=list)


class Activation(Section, frozen=True, tag="activation"):
    """An activation as a layer of its own."""

    activation: Annotated[str, Meta(description="an elementwise primitive, or softmax")]


class Dropout(Section, frozen=True, tag="dropout"):
    """Inverted dropout: kept units are divided by 1 - rate; nothing happens when predicting."""

    rate: Annotated[Fraction, Meta(description="share of units set to 0")] = 0.5


class BatchNorm(Section, frozen=True, tag="batch_norm"):
    """Batch normalisation with scale and shift, by unit or by channel."""

    momentum: Annotated[
        float, Meta(description="share of the new batch in the running mean and variance", ge=0, le=1)
    ] = 0.1
    eps: Annotated[Positive, Meta(description="added to the variance")] = 1e-5
    frozen: Annotated[Frozen, Meta(description="what is not trained")] = field(default_factory=list)


class Flatten(Section, frozen=True, tag="flatten"):
    """One row of numbers from channels, height and width."""


class Conv2d(Section, frozen=True, tag="conv2d"):
    """Cross-correlation of (channels, height, width) with one kernel an output channel."""

    channels: Annotated[Count, Meta(description="output channels")]
    kernel_size: Annotated[Count, Meta(description="side of the kernel")] = 3
    stride: Annotated[Count, Meta(description="step of the kernel")] = 1
    padding: Annotated[
        Whole | Literal["same"],
        Meta(description="zeros on each side; same keeps the size"),
    ] = 0
    activation: Annotated[str | None, Meta(description="an elementwise primitive")] = None
    init: Annotated[Init, Meta(description="as of linear")] = "auto"
    weights: Annotated[
        list[list[list[list[float]]]] | None, Meta(description="explicit, channels x inputs x height x width")
    ] = None
    bias: Annotated[list[float] | None, Meta(description="explicit biases; the default is 0")] = None
    frozen: Annotated[Frozen, Meta(description="what is not trained")] = field(default_factory=list)


class MaxPool2d(Section, frozen=True, tag="max_pool2d"):
    """The largest number of each window."""

    kernel_size: Annotated[Count, Meta(description="side of the window")] = 2
    stride: Annotated[Count | None, Meta(description="step of the window; by default its side")] = None


Layer = Linear | Activation | Dropout | BatchNorm | Flatten | Conv2d | MaxPool2d


class Model(Section, frozen=True):
    """``model``: exactly one of ``hidden``, ``layers`` and ``formula``."""

    hidden: Annotated[
        list[Count] | None, Meta(description="units of the hidden layers; the output layer is added")
    ] = None
    activation: Annotated[str, Meta(description="of the hidden layers")] = "relu"
    init: Annotated[Init, Meta(description="of layers that name none")] = "auto"
    layers: Annotated[list[Layer] | None, Meta(description="the network, layer by layer")] = None
    formula: Annotated[
        str | None, Meta(description="y ~ a*exp(-b*x) + c: a target and an expression to fit")
    ] = None
    parameters: Annotated[
        dict[str, float] | None, Meta(description="the formula's parameters and their first values")
    ] = None
