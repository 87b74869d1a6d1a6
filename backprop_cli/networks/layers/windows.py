"""Layers that slide a window along the axes of a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from math import prod
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, field

from ...errors import ConfigError, counted
from ...ops import Shape
from ...ops.tensor import windows_along
from ...settings import Count, Fault, Whole
from ..lowering import Place
from .kind import Fitted, LayerKind, rows, sides
from .weights import Frozen, Init, both_given, too_many, weights_and_bias, wrong_bias


class Convolution(LayerKind, frozen=True):
    """Cross-correlation of (channels, *axes) with one kernel an output channel, as long along every axis.

    Attributes:
        axes: Along which the kernel slides.
        example: ``data.shape`` of such rows, for a hint.
    """

    channels: Annotated[Count, Meta(description="output channels")]
    kernel_size: Annotated[Count, Meta(description="side of the kernel")] = 3
    stride: Annotated[Count, Meta(description="step of the kernel")] = 1
    padding: Annotated[
        Whole | Literal["same"],
        Meta(description="zeros on each side; same keeps the size"),
    ] = 0
    activation: Annotated[str | None, Meta(description="an elementwise primitive")] = None
    init: Annotated[Init, Meta(description="as of linear")] = "auto"
    weights: Sequence[Any] | None = None
    bias: Annotated[list[float] | None, Meta(description="explicit biases; the default is 0")] = None
    frozen: Annotated[Frozen, Meta(description="what is not trained")] = field(default_factory=list)

    axes: ClassVar[tuple[str, ...]]
    example: ClassVar[str]

    @property
    def zeros(self) -> int:
        """How many zeros stand on each side."""
        return self.kernel_size // 2 if isinstance(self.padding, str) else self.padding

    @property
    def kernel(self) -> tuple[int, ...]:
        """The sides of a kernel."""
        return (self.kernel_size,) * len(self.axes)

    def faults(self, key: str) -> Iterator[Fault]:
        yield from too_many(f"{key}.channels", self.channels)
        if self.activation == "softmax":
            yield Fault(f"{key}.activation", f"softmax goes with linear layers, not with {self.tag}")
        if self.padding == "same" and self.stride != 1:
            yield Fault(
                f"{key}.padding", f"padding: same needs stride 1, not {self.stride}", None, (f"{key}.stride",)
            )
        if self.weights is not None:
            yield from _wrong_kernels(self, key)
            yield from both_given(self, key)
        yield from wrong_bias(self, key, self.channels, "channels")

    def fitted(self, name: str, shape: Shape, outputs: int) -> Fitted:
        if len(shape) != 1 + len(self.axes):
            words = ", ".join(("channels", *self.axes[:-1]))
            raise ConfigError(
                f"{name} takes {words} and {self.axes[-1]}, but gets {rows(shape)}",
                hint=f"data.shape: {self.example} says so",
            )
        k, padding = self.kernel_size, self.zeros
        if self.padding == "same" and (self.stride != 1 or k % 2 == 0):
            raise ConfigError(
                f"{name}: padding same needs stride 1 and an odd kernel_size, not {self.stride} and {k}"
            )
        inputs, *image = shape
        if min(s + 2 * padding for s in image) < k:
            raise ConfigError(f"{name}: a kernel of {sides(self.kernel)} does not fit into {rows(shape)}")
        places = tuple(windows_along(s, k, self.stride, padding) for s in image)
        fans = inputs * prod(self.kernel), self.channels * prod(self.kernel)
        axes = " x ".join(("channels", "inputs", *self.axes))
        return Fitted(
            (self.channels, *places),
            weights_and_bias(self, (self.channels, inputs, *self.kernel), fans, axes),
            numbers=fans[0] * prod(places),
        )

    def lower(self, at: Place, x: int) -> int:
        operands = (x, at.parameter("weights"), at.parameter("bias"))
        return at.step(self.tag, *operands, part="z", stride=self.stride, padding=self.zeros)

    def details(self) -> Iterator[tuple[str, str]]:
        yield "kernel", sides(self.kernel)

    def torch(self, before: Shape, after: Shape, tied: bool) -> str:
        sizes = f"{before[0]}, {after[0]}, {self.kernel_size}"
        return f"torch.nn.{self.tag.capitalize()}({sizes}, stride={self.stride}, padding={self.zeros})"


def _wrong_kernels(layer: Convolution, key: str) -> Iterator[Fault]:
    weights: Sequence[Any] = layer.weights or []
    where, size = f"{key}.weights", layer.kernel_size
    if len(weights) != layer.channels:
        message = f"{where} has {counted(len(weights), 'kernel')}, channels is {layer.channels}"
        yield Fault(where, message, None, (f"{key}.channels",))
    elif len({len(kernel) for kernel in weights}) > 1 or not weights[0]:
        yield Fault(where, f"{where}: every kernel needs the same number of input channels")
    elif {n for kernel in weights for part in kernel for n in _lengths(part, len(layer.axes))} != {size}:
        wanted = " x ".join(map(str, layer.kernel)) if len(layer.axes) > 1 else f"{size} long"
        yield Fault(
            where,
            f"{where}: a kernel is not {wanted}",
            f"weights are {' x '.join(('channels', 'inputs', *layer.axes))}",
            (f"{key}.kernel_size",),
        )


def _lengths(nested: Sequence[Any], axes: int) -> Iterator[int]:
    """Yield the lengths of lists in lists."""
    yield len(nested)
    if axes > 1:
        for part in nested:
            yield from _lengths(part, axes - 1)


class Conv1d(Convolution, frozen=True, tag="conv1d"):
    """Cross-correlation of (channels, length) with one kernel an output channel."""

    weights: Annotated[
        list[list[list[float]]] | None, Meta(description="explicit, channels x inputs x length")
    ] = None

    axes = ("length",)
    example = "[1, 64]"


class Conv2d(Convolution, frozen=True, tag="conv2d"):
    """Cross-correlation of (channels, height, width) with one kernel an output channel."""

    weights: Annotated[
        list[list[list[list[float]]]] | None, Meta(description="explicit, channels x inputs x height x width")
    ] = None

    axes = ("height", "width")
    example = "[1, 8, 8]"


class Pool2d(LayerKind, frozen=True):
    """One number for each window of images."""

    kernel_size: Annotated[Count, Meta(description="side of the window")] = 2
    stride: Annotated[Count | None, Meta(description="step of the window; by default its side")] = None

    @property
    def step(self) -> int:
        """How far a window is from the next."""
        return self.stride or self.kernel_size

    def fitted(self, name: str, shape: Shape, outputs: int) -> Fitted:
        k = self.kernel_size
        if len(shape) != 3 or min(shape[1:]) < k:
            raise ConfigError(f"{name}: a window of {k}x{k} does not fit into {rows(shape)}")
        return Fitted((shape[0], *(windows_along(s, k, self.step) for s in shape[1:])))

    def details(self) -> Iterator[tuple[str, str]]:
        yield "kernel", f"{self.kernel_size}x{self.kernel_size}"


class MaxPool2d(Pool2d, frozen=True, tag="max_pool2d"):
    """The largest number of each window."""

    def lower(self, at: Place, x: int) -> int:
        return at.step("max_pool2d", x, part="y", kernel=self.kernel_size, stride=self.step)

    def torch(self, before: Shape, after: Shape, tied: bool) -> str:
        sizes = f"{self.kernel_size}, {self.step}"
        if tied:
            return f"x.unfold(2, {sizes}).unfold(3, {sizes}).amax((-2, -1))"
        return f"F.max_pool2d(x, {sizes})"

    def tied(self, x: Any, cotangent: Any) -> bool:
        import numpy as np

        def windows(array: Any) -> Any:
            every = np.lib.stride_tricks.sliding_window_view(array, (self.kernel_size,) * 2, (2, 3))
            return every[:, :, :: self.step, :: self.step]

        shown = windows(x)
        largest = shown == shown.max((-2, -1), keepdims=True)
        live = largest & (windows(cotangent) != 0.0)
        return bool(((largest.sum((-2, -1)) > 1) & live.any((-2, -1))).any())


class AveragePool2d(Pool2d, frozen=True, tag="average_pool2d"):
    """The mean of each window."""

    def fitted(self, name: str, shape: Shape, outputs: int) -> Fitted:
        fitted = super().fitted(name, shape, outputs)
        return fitted._replace(numbers=(self.kernel_size**2 - 1) * prod(fitted.shape))

    def lower(self, at: Place, x: int) -> int:
        size = self.kernel_size
        first, *others = (
            at.step("window", x, i=i, j=j, kernel=size, stride=self.step)
            for i in range(size)
            for j in range(size)
        )
        total = reduce(lambda a, b: at.step("add", a, b), others, first)
        return at.step("divide", total, at.number(float(size * size)), part="y")

    def torch(self, before: Shape, after: Shape, tied: bool) -> str:
        return f"F.avg_pool2d(x, {self.kernel_size}, {self.step})"
