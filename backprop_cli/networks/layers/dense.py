"""Layers that take a row number by number, or all of it at once."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Annotated

from msgspec import Meta, field

from ...errors import ConfigError, counted
from ...language.numbers import brief
from ...ops import Shape
from ...settings import Count, Fault, Fraction, uneven
from ..lowering import Place
from .kind import Fitted, LayerKind, rows
from .weights import Declared, Frozen, Init, Noise, both_given, too_many, weights_and_bias, wrong_bias
from .writing import Flow, Size, Writing, present


class Linear(LayerKind, frozen=True, tag="linear"):
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

    aliases = ("dense",)
    dense = True
    letters = ("W", "b")

    @property
    def takes_units(self) -> bool:
        return self.activation is None and not self.frozen

    @property
    def width(self) -> int | None:
        return self.units

    def faults(self, key: str) -> Iterator[Fault]:
        units, weights = self.units, self.weights
        if units is not None:
            yield from too_many(f"{key}.units", units)
        if weights is not None:
            ragged = uneven(f"{key}.weights", weights)
            if ragged is not None:
                yield ragged
            elif units is not None and len(weights) != units:
                yield Fault(
                    f"{key}.weights",
                    f"{key}.weights has {counted(len(weights), 'row')}, units is {units}",
                    "weights are units x inputs: a row a unit",
                    (f"{key}.units",),
                )
            yield from both_given(self, key)
        yield from wrong_bias(self, key, units or (len(weights) if weights else None), "units")

    def fitted(self, name: str, shape: Shape, outputs: int) -> Fitted:
        if len(shape) != 1:
            raise ConfigError(
                f"{name} takes rows of numbers, but gets {rows(shape)}", hint="put {type: flatten} before it"
            )
        units, inputs = self.units or outputs, shape[0]
        return Fitted((units,), weights_and_bias(self, (units, inputs), (inputs, units), "units x inputs"))

    def lower(self, at: Place, x: int) -> int:
        return at.step("linear", x, at.parameter("weights"), at.parameter("bias"), part="z")

    def written(self, at: Writing, x: Flow) -> Flow:
        units: Size = self.units or (len(self.weights) if self.weights else "outputs")
        weights = Declared(shape=[units, x.size], init=self.init)
        w = at.parameter(
            "W",
            weights if self.weights is None else Declared(init=list(self.weights)),
            frozen="weights" in self.frozen,
        )
        bias = Declared(shape=units) if self.bias is None else Declared(init=list(self.bias))
        b = at.parameter("b", bias, frozen="bias" in self.frozen)
        text = f"{w}@{x.text} + {b}" if x.steps is None else f"{x.text}@{w}' + {b}"
        return Flow(text, units, x.steps)

    def torch(self, before: Shape, after: Shape, tied: bool) -> str:
        return f"torch.nn.Linear({before[0]}, {after[0]})"


class Activation(LayerKind, frozen=True, tag="activation"):
    """An activation as a layer of its own."""

    activation: Annotated[str, Meta(description="an elementwise primitive, or softmax")]

    @property
    def noun(self) -> str:
        return self.activation

    def fitted(self, name: str, shape: Shape, outputs: int) -> Fitted:
        if self.activation == "softmax" and len(shape) != 1:
            raise ConfigError(f"softmax takes rows of numbers, but gets {rows(shape)}")
        return Fitted(shape)

    def written(self, at: Writing, x: Flow) -> Flow:
        return x


class Dropout(LayerKind, frozen=True, tag="dropout"):
    """Inverted dropout: kept units are divided by 1 - rate; nothing happens when predicting."""

    rate: Annotated[Fraction, Meta(description="share of units set to 0")] = 0.5

    def fitted(self, name: str, shape: Shape, outputs: int) -> Fitted:
        return Fitted(shape, mask=self.rate)

    def lower(self, at: Place, x: int) -> int:
        if not (at.training and self.rate):
            return x
        return at.step("multiply", x, at.state("mask"), part="y")

    def written(self, at: Writing, x: Flow) -> Flow:
        if not self.rate:
            return x
        x = at.given(x)
        lengths = [x.size] if x.steps is None else [present(x.steps), x.size]
        at.noise[at.layer] = Noise(shape=lengths, dropout=self.rate)
        return x.with_text(f"{x.text}.*{at.layer}")

    def details(self) -> Iterator[tuple[str, str]]:
        yield "rate", f"{brief(self.rate)}"

    def torch(self, before: Shape, after: Shape, tied: bool) -> str:
        return f"torch.nn.Dropout({self.rate!r})"


class Flatten(LayerKind, frozen=True, tag="flatten"):
    """One row of numbers from channels, height and width."""

    def fitted(self, name: str, shape: Shape, outputs: int) -> Fitted:
        return Fitted((prod(shape),))

    def lower(self, at: Place, x: int) -> int:
        return at.step("flatten", x, part="y") if len(at.shape) > 1 else x

    def torch(self, before: Shape, after: Shape, tied: bool) -> str:
        return "x.flatten(1)"
