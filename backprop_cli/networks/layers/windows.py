"""Layers that slide a window along the axes of a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from math import prod
from typing import Annotated, Any, Literal

from msgspec import Meta, field

from ...errors import ConfigError, counted
from ...ops import Shape
from ...ops.tensor import windows_along
from ...settings import Count, Fault, Whole
from ..lowering import Place
from .kind import Fitted, LayerKind, rows
from .weights import Frozen, Init, both_given, too_many, weights_and_bias, wrong_bias


class Conv2d(LayerKind, frozen=True, tag="conv2d"):
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

    @property
    def zeros(self) -> int:
        """How many zeros stand on each side."""
        return self.kernel_size // 2 if isinstance(self.padding, str) else self.padding

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
        if len(shape) != 3:
            raise ConfigError(
                f"{name} takes channels, height and width, but gets {rows(shape)}",
                hint="data.shape: [1, 8, 8] says so",
            )
        k, padding = self.kernel_size, self.zeros
        if self.padding == "same" and (self.stride != 1 or k % 2 == 0):
            raise ConfigError(
                f"{name}: padding same needs stride 1 and an odd kernel_size, not {self.stride} and {k}"
            )
        inputs, *image = shape
        if min(s + 2 * padding for s in image) < k:
            raise ConfigError(f"{name}: a kernel of {k}x{k} does not fit into {rows(shape)}")
        places = tuple(windows_along(s, k, self.stride, padding) for s in image)
        fans = inputs * k * k, self.channels * k * k
        axes = "channels x inputs x height x width"
        return Fitted(
            (self.channels, *places),
            weights_and_bias(self, (self.channels, inputs, k, k), fans, axes),
            numbers=fans[0] * prod(places),
        )

    def lower(self, at: Place, x: int) -> int:
        operands = (x, at.parameter("weights"), at.parameter("bias"))
        return at.step("conv2d", *operands, part="z", stride=self.stride, padding=self.zeros)

    def details(self) -> Iterator[tuple[str, str]]:
        yield "kernel", f"{self.kernel_size}x{self.kernel_size}"

    def torch(self, before: Shape, after: Shape, tied: bool) -> str:
        sizes = f"{before[0]}, {after[0]}, {self.kernel_size}"
        return f"torch.nn.Conv2d({sizes}, stride={self.stride}, padding={self.zeros})"


def _wrong_kernels(layer: Conv2d, key: str) -> Iterator[Fault]:
    weights: Sequence[Any] = layer.weights or []
    where, size = f"{key}.weights", layer.kernel_size
    if len(weights) != layer.channels:
        message = f"{where} has {counted(len(weights), 'kernel')}, channels is {layer.channels}"
        yield Fault(where, message, None, (f"{key}.channels",))
    elif len({len(kernel) for kernel in weights}) > 1 or not weights[0]:
        yield Fault(where, f"{where}: every kernel needs the same number of input channels")
    elif any(
        len(plane) != size or any(len(row) != size for row in plane) for kernel in weights for plane in kernel
    ):
        yield Fault(
            where,
            f"{where}: a kernel is not {size} x {size}",
            "weights are channels x inputs x height x width",
            (f"{key}.kernel_size",),
        )


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
