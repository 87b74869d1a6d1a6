"""The tensor primitives: rows whose local derivative is a linear map, not a number per element.

Rules are written over a namespace of arrays, which has ``matmul transpose reshape sum largest expand
patches unpatches window place`` (see `arrays`) beside the elementwise functions. Shapes are PyTorch's:
rows first, weights outputs x inputs, images (rows, channels, height, width).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from typing import Any

from .primitive import Primitive, Shape

TENSORS: dict[str, TensorPrimitive] = {}

Samples = tuple[tuple[tuple[Shape, ...], dict[str, Any]], ...]
"""Shapes of operands with static parameters."""


class Pull:
    """A local derivative as a linear map: the engine's ``cotangent * Pull`` applies its transpose.

    Args:
        transpose: Cotangent of the value -> cotangent of the operand.
        lazy: It takes a cotangent that is constant along an axis without that axis.
    """

    __slots__ = ("lazy", "transpose")

    def __init__(self, transpose: Callable[[Any], Any], *, lazy: bool = False) -> None:
        self.transpose = transpose
        self.lazy = lazy

    def __rmul__(self, g: Any) -> Any:
        return self.transpose(g)


class TensorPrimitive(Primitive):
    """A row over arrays.

    Args:
        samples: What tests run it on: shapes of the operands and static parameters.
        images: Arrays with four axes that it reads or makes are images, whose rows had better lie
            innermost: every window is made of long runs then.
    """

    __slots__ = ("images", "samples")

    def __init__(
        self,
        name: str,
        *,
        samples: Samples,
        images: bool = False,
        **row: Any,
    ) -> None:
        super().__init__(name, symbol=None, sample=(), **row)  # type: ignore[arg-type]
        self.samples = samples
        self.images = images


def tensor(name: str, **row: Any) -> None:
    """Enter one row."""
    TENSORS[name] = TensorPrimitive(name, **row)


def _lines(xp: Any, x: Any) -> Any:
    """Return an array as a matrix, a line for each place of all axes but the last."""
    return xp.reshape(x, (-1, x.shape[-1]))


def _linear(xp: Any, x: Any, w: Any, b: Any) -> Any:
    product = xp.matmul(_lines(xp, x), xp.transpose(w, (1, 0)))
    return xp.reshape(product, (*x.shape[:-1], w.shape[0])) + b


tensor(
    "linear",
    params=("x", "W", "b"),
    forward=_linear,
    partials=lambda xp, y, x, w, b: (
        Pull(lambda g: xp.reshape(xp.matmul(_lines(xp, g), w), x.shape)),
        Pull(lambda g: xp.matmul(xp.transpose(_lines(xp, g), (1, 0)), _lines(xp, x))),
        Pull(lambda g: xp.sum(_lines(xp, g), (0,))),
    ),
    shape=lambda x, w, b: (*x[:-1], w[0]),
    local=("g W", "g^T x", "the rows of g, summed"),
    samples=((((5, 3), (4, 3), (4,)), {}), (((1, 1), (2, 1), (2,)), {})),
    says="x W^T + b: a dense layer, a row of x a row of the result",
)


def windows_along(size: int, kernel: int, stride: int, padding: int = 0) -> int:
    """Return how many windows fit along an axis."""
    return (size + 2 * padding - kernel) // stride + 1


def windows_over(x: Shape, kernel: int, stride: int, padding: int = 0) -> Shape:
    """Return the sides of what has a number for each window of ``x``, (rows, channels, *sides)."""
    return tuple(windows_along(size, kernel, stride, padding) for size in x[2:])


def _cross_correlation(xp: Any, x: Any, w: Any, b: Any, *, stride: int, padding: int) -> Any:
    n, channels, k = x.shape[0], w.shape[0], w.shape[2]
    places = windows_over(x.shape, k, stride, padding)
    flat = xp.matmul(xp.reshape(w, (channels, -1)), xp.patches(x, k, stride, padding))
    count = 1 + len(places)
    image = xp.transpose(xp.reshape(flat, (channels, *places, n)), (count, *range(count)))
    return image + xp.reshape(b, (channels, *(1 for _ in places)))


def _cross_correlation_pulls(xp: Any, x: Any, w: Any, stride: int, padding: int) -> tuple[Pull, Pull, Pull]:
    k, sides = w.shape[2], range(2, len(w.shape))

    def columns(g: Any) -> Any:
        return xp.reshape(xp.transpose(g, (1, *sides, 0)), (w.shape[0], -1))

    def to_x(g: Any) -> Any:
        kernels = xp.transpose(xp.reshape(w, (w.shape[0], -1)), (1, 0))
        return xp.unpatches(xp.matmul(kernels, columns(g)), x.shape, k, stride, padding)

    def to_w(g: Any) -> Any:
        seen = xp.transpose(xp.patches(x, k, stride, padding), (1, 0))
        return xp.reshape(xp.matmul(columns(g), seen), w.shape)

    return Pull(to_x), Pull(to_w), Pull(lambda g: xp.sum(g, (0, *sides)))


def _convolution(name: str, says: str, samples: Samples, images: bool = False) -> None:
    tensor(
        name,
        params=("x", "W", "b"),
        images=images,
        forward=_cross_correlation,
        shape=lambda x, w, b, *, stride, padding: (x[0], w[0], *windows_over(x, w[2], stride, padding)),
        partials=lambda xp, y, x, w, b, *, stride, padding: _cross_correlation_pulls(
            xp, x, w, stride, padding
        ),
        local=(
            "g, times W turned, at every place",
            "g times the patches of x, summed",
            "g, summed over places",
        ),
        samples=samples,
        says=says,
    )


_convolution(
    "conv1d",
    "cross-correlation of (channels, length) with a kernel an output channel",
    (
        (((2, 3, 5), (4, 3, 3), (4,)), {"stride": 1, "padding": 1}),
        (((3, 1, 6), (2, 1, 2), (2,)), {"stride": 2, "padding": 0}),
    ),
)
_convolution(
    "conv2d",
    "cross-correlation of images with a kernel an output channel",
    (
        (((2, 3, 5, 4), (4, 3, 3, 3), (4,)), {"stride": 1, "padding": 1}),
        (((3, 1, 6, 7), (2, 1, 2, 2), (2,)), {"stride": 2, "padding": 0}),
        (((1, 2, 5, 5), (1, 2, 3, 3), (1,)), {"stride": 2, "padding": 2}),
    ),
    images=True,
)


def _places(kernel: int) -> tuple[tuple[int, int], ...]:
    """Return row and column of every number of a window."""
    return tuple((i, j) for i in range(kernel) for j in range(kernel))


def _windows(xp: Any, x: Any, kernel: int, stride: int) -> list[Any]:
    return [xp.window(x, i, j, kernel, stride) for i, j in _places(kernel)]


def _unpool(xp: Any, y: Any, x: Any, g: Any, kernel: int, stride: int) -> Any:
    ties = [xp.equal(part, y) for part in _windows(xp, x, kernel, stride)]
    total = ties[0]
    for tie in ties[1:]:
        total = total + tie
    share = xp.divide(g, total)
    return xp.place([share * tie for tie in ties], x.shape, _places(kernel), kernel, stride)


tensor(
    "max_pool2d",
    params=("x",),
    images=True,
    forward=lambda xp, x, *, kernel, stride: xp.max(*_windows(xp, x, kernel, stride)),
    shape=lambda x, *, kernel, stride: (*x[:2], *windows_over(x, kernel, stride)),
    partials=lambda xp, y, x, *, kernel, stride: (Pull(lambda g: _unpool(xp, y, x, g, kernel, stride)),),
    local=("g at the largest of each window, else 0",),
    samples=(
        (((2, 3, 4, 6),), {"kernel": 2, "stride": 2}),
        (((2, 1, 5, 5),), {"kernel": 3, "stride": 1}),
        (((1, 2, 7, 5),), {"kernel": 2, "stride": 3}),
    ),
    kinks="numbers tied for the largest of a window",
    convention="ties share equally: 1/n each",
    says="the largest number of each window",
)


def filled(shape: Shape, numbers: int) -> Shape:
    """Return a shape with its -1, where it has one, as what is left of so many numbers."""
    known = prod(s for s in shape if s >= 0)
    return tuple(numbers // known if s < 0 else s for s in shape)


tensor(
    "flatten",
    params=("x",),
    forward=lambda xp, x: xp.reshape(x, (x.shape[0], -1)),
    shape=lambda x: (x[0], prod(x[1:])),
    partials=lambda xp, y, x: (Pull(lambda g: xp.reshape(g, x.shape)),),
    local=("g, in the shape of x",),
    samples=((((2, 3, 4, 2),), {}),),
    says="each row's numbers as one line",
)
tensor(
    "shaped",
    params=("x",),
    forward=lambda xp, x, *, shape: xp.reshape(x, shape),
    shape=lambda x, *, shape: filled(shape, prod(x)),
    partials=lambda xp, y, x, *, shape: (Pull(lambda g: xp.reshape(g, x.shape)),),
    local=("g, in the shape of x",),
    samples=((((6,),), {"shape": (-1, 1, 1)}), (((1, 4),), {"shape": (-1,)})),
    says="the same numbers in another shape",
)


def _reduced(shape: Shape, axes: Iterable[int], keep: bool) -> Shape:
    """Return the shape of a sum over axes: gone, or kept with length 1."""
    gone = {i % len(shape) for i in axes}
    return tuple(1 if i in gone else s for i, s in enumerate(shape) if keep or i not in gone)


def _shape(x: Any) -> Shape:
    """Return the shape of an array, () for a number."""
    return getattr(x, "shape", ())


tensor(
    "sum",
    params=("x",),
    forward=lambda xp, x, *, axes=None, keep=False: xp.sum(x, axes, keep),
    shape=lambda x, *, axes=None, keep=False: _reduced(x, range(len(x)) if axes is None else axes, keep),
    # where axes are gone, the cotangent gets them back with length 1
    partials=lambda xp, y, x, *, axes=None, keep=False: (
        1.0
        if keep or axes is None
        else Pull(lambda g: xp.reshape(g, _reduced(x.shape, axes, True)) if _shape(g) else g, lazy=True),
    ),
    local=("g, at every number",),
    samples=((((3, 4),), {}), (((5,),), {})),
    says="the sum of all numbers",
)
tensor(
    "mean",
    params=("x",),
    forward=lambda xp, x: xp.sum(x, None) * (1.0 / prod(x.shape)),
    shape=lambda x: (),
    partials=lambda xp, y, x: (1.0 / prod(x.shape),),
    local=("g/n, at every number",),
    samples=((((3, 4),), {}), (((5,),), {})),
    says="the mean of all numbers",
)


def _spread(x: Any, y: Any) -> float:
    """Return one over how many numbers went into each mean."""
    return float(prod(y.shape)) / float(prod(x.shape))


tensor(
    "mean_over",
    params=("x",),
    forward=lambda xp, x, *, axes: (s := xp.sum(x, axes, keep=True)) * _spread(x, s),
    shape=lambda x, *, axes: _reduced(x, axes, True),
    partials=lambda xp, y, x, *, axes: (_spread(x, y),),
    local=("g/n, at every number",),
    samples=((((3, 4),), {"axes": (0,)}), (((2, 3, 4, 5),), {"axes": (0, 2, 3)})),
    says="the mean over rows (and places), kept as an axis of length 1",
)


def _exponentials(xp: Any, z: Any, axis: int) -> Any:
    """e^(z - largest): no overflow, and the same ratios."""
    return xp.exp(z - xp.largest(z, axis))


def _softmax(xp: Any, z: Any, *, axis: int = -1) -> Any:
    e = _exponentials(xp, z, axis)
    return xp.divide(e, xp.sum(e, (axis,), keep=True))


tensor(
    "softmax",
    params=("z",),
    forward=_softmax,
    partials=lambda xp, y, z, *, axis=-1: (Pull(lambda g: y * (g - xp.sum(g * y, (axis,), keep=True))),),
    local=("y*(g - sum(g*y)), row by row",),
    samples=((((3, 4),), {}), (((1, 2),), {})),
    probability=2,
    says="e^z over the sum of e^z, row by row",
)
tensor(
    "cross_entropy",
    params=("z", "t"),
    # log(sum(e^z)) - sum(t*z), with the largest z taken out of both
    forward=lambda xp, z, t: (
        xp.log(xp.sum(_exponentials(xp, z, -1), (-1,))) - xp.sum(t * (z - xp.largest(z, -1)), (-1,))
    ),
    shape=lambda z, t: z[:-1],
    # right where the targets of a row add up to 1
    partials=lambda xp, y, z, t: (
        Pull(lambda g: (xp.reshape(g, (*g.shape, 1)) if _shape(g) else g) * (_softmax(xp, z) - t), lazy=True),
        xp.nan,
    ),
    local=("g*(softmax(z) - t), row by row", ""),
    literal=1,
    samples=((((3, 4), (3, 4)), {}), (((1, 2), (1, 2)), {})),
    says="-sum(t*log(softmax(z))), a number a row; t are probabilities",
)
