"""Weights and biases as layers have them: their settings, what a config may say of them, first values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, Protocol

from msgspec import Meta

from ...errors import counted
from ...ops import Shape
from ...settings import Fault, Fraction, Positive, Section
from .kind import Array
from .writing import Size

HIGHEST_UNITS = 1_000_000


class Uniform(Section, frozen=True):
    """``init: {uniform: 0.1}``."""

    uniform: Annotated[Positive, Meta(description="weights between minus and plus this number")]


Init = Literal["auto", "he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "zeros"] | Uniform


class Declared(Section, frozen=True):
    """``parameters`` of a program: ``{W: {shape: [4*H, D], init: normal}}``, or the shape alone."""

    shape: Annotated[
        list[Size] | Size | None,
        Meta(description="lengths, which may be expressions of dims; none: one number"),
    ] = None
    init: Annotated[
        Init | Literal["normal"] | float | list[float | list[float]],
        Meta(
            description="auto: as layers have it for matrices, else 0; normal: standard normal numbers; a "
            "number, or every number"
        ),
    ] = "auto"

    @classmethod
    def of(cls, value: Declared | list[Size] | str | float) -> Declared:
        """Return what a shape alone stands for."""
        if isinstance(value, Declared):
            return value
        return cls(shape=int(value) if isinstance(value, float) else value)


class Noise(Section, frozen=True):
    """``noise`` of a program: ``{m: {shape: H, dropout: 0.1}}``, or the shape alone."""

    shape: Annotated[
        list[Size] | Size | None,
        Meta(description="lengths of what is drawn for a row; none: one number"),
    ] = None
    dropout: Annotated[
        Fraction | None,
        Meta(
            description="share of 0 among numbers that are else 1/(1 - dropout), all 1 where rows are "
            "predicted; none: standard normal numbers, 0 there"
        ),
    ] = None

    @classmethod
    def of(cls, value: Noise | list[Size] | Size) -> Noise:
        """Return what a shape alone stands for."""
        return value if isinstance(value, Noise) else cls(shape=value)


Frozen = list[Literal["weights", "bias"]]


class Weighted(Protocol):
    """The settings of a layer with weights."""

    @property
    def init(self) -> Init: ...
    @property
    def weights(self) -> Sequence[Any] | None: ...
    @property
    def bias(self) -> Sequence[float] | None: ...
    @property
    def frozen(self) -> Frozen: ...


def weights_and_bias(layer: Weighted, shape: Shape, fans: tuple[int, int], axes: str) -> tuple[Array, Array]:
    """Return the arrays of a layer with weights of ``shape``, whose first axis are its outputs."""
    weights = layer.init if layer.weights is None else layer.weights
    bias = 0.0 if layer.bias is None else layer.bias
    return (
        Array("weights", shape, weights, "weights" not in layer.frozen, True, fans, axes),
        Array("bias", shape[:1], bias, "bias" not in layer.frozen),
    )


def scale_and_shift(shape: Shape, frozen: Frozen) -> tuple[Array, Array]:
    """Return the arrays of a layer that normalises: factors, at first 1, and what is added, at first 0."""
    return (
        Array("weights", shape, 1.0, "weights" not in frozen),
        Array("bias", shape, 0.0, "bias" not in frozen),
    )


def too_many(key: str, units: int) -> Iterator[Fault]:
    """Yield the fault of a layer with more outputs than a network may have."""
    if units > HIGHEST_UNITS:
        yield Fault(key, f"{key} must be at most {HIGHEST_UNITS:,}, not {units}")


def both_given(layer: Weighted, key: str) -> Iterator[Fault]:
    """Yield the fault of weights that are given and drawn."""
    if layer.init != "auto":
        yield Fault(f"{key}.init", f"{key} has both weights and init", "give one", (f"{key}.weights",))


def wrong_bias(layer: Weighted, key: str, wanted: int | None, word: str) -> Iterator[Fault]:
    """Yield the fault of biases that are more or fewer than the outputs, which ``word`` sets."""
    if layer.bias is not None and wanted is not None and len(layer.bias) != wanted:
        yield Fault(
            f"{key}.bias",
            f"{key}.bias has {counted(len(layer.bias), 'number')} for {wanted} {word}",
            None,
            (f"{key}.{word}", f"{key}.weights"),
        )
