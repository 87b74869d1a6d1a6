"""What rules do to arrays besides arithmetic: rows of their own, which graphs of derivatives are made of.

Each is the namespace's function of the same name; static parameters come after the operands there.
"""

from __future__ import annotations

from math import prod
from typing import Any

from .primitive import Shape, broadcast
from .tensor import Pull, TensorPrimitive, windows_over

ARRAYS: dict[str, TensorPrimitive] = {}


def array(name: str, **row: Any) -> None:
    """Enter one row."""
    ARRAYS[name] = TensorPrimitive(name, **row)


def _turned(xp: Any, a: Any) -> Any:
    """Return an array with its last two axes swapped."""
    batch = range(len(a.shape) - 2)
    return xp.transpose(a, (*batch, len(a.shape) - 1, len(a.shape) - 2))


def _summed_to(xp: Any, a: Any, shape: Shape) -> Any:
    """Sum over the axes along which a product repeated an operand of a shape."""
    extra = len(a.shape) - len(shape)
    repeated = [i for i, size in enumerate(a.shape) if i < extra or (size != 1 and shape[i - extra] == 1)]
    return xp.reshape(xp.sum(a, tuple(repeated), keep=True), shape) if repeated else a


array(
    "matmul",
    params=("A", "B"),
    forward=lambda xp, a, b: xp.matmul(a, b),
    partials=lambda xp, y, a, b: (
        Pull(lambda g: _summed_to(xp, xp.matmul(g, _turned(xp, b)), a.shape)),
        Pull(lambda g: _summed_to(xp, xp.matmul(_turned(xp, a), g), b.shape)),
    ),
    shape=lambda a, b: (*broadcast(a[:-2], b[:-2]), a[-2], b[-1]),
    local=("B^T", "A^T"),
    samples=((((5, 3), (3, 4)), {}), (((2, 3, 4), (2, 4, 1)), {}), (((2, 1, 2, 3), (3, 3, 2)), {})),
    says="the product of two matrices, for every place of the axes before",
)


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))


array(
    "transpose",
    params=("A",),
    forward=lambda xp, a, *, axes: xp.transpose(a, axes),
    partials=lambda xp, y, a, *, axes: (Pull(lambda g: xp.transpose(g, _inverse(axes))),),
    shape=lambda a, *, axes: tuple(a[i] for i in axes),
    local=("1",),
    samples=((((2, 3),), {"axes": (1, 0)}), (((2, 3, 4, 5),), {"axes": (3, 0, 1, 2)})),
    says="the same numbers with the axes in another order",
)


def _ties(xp: Any, y: Any, x: Any, axis: int) -> Any:
    ties = xp.equal(x, y)
    return xp.divide(ties, xp.sum(ties, (axis,), keep=True))


array(
    "largest",
    params=("x",),
    forward=lambda xp, x, *, axis: xp.largest(x, axis),
    partials=lambda xp, y, x, *, axis: (_ties(xp, y, x, axis),),
    shape=lambda x, *, axis: tuple(1 if i == axis % len(x) else s for i, s in enumerate(x)),
    local=("1 at the largest, else 0",),
    samples=((((3, 4),), {"axis": 1}), (((2, 3, 4),), {"axis": 1})),
    kinks="numbers tied for the largest",
    convention="ties share equally: 1/n each",
    says="the largest number along an axis, kept as an axis of length 1",
)
array(
    "expand",
    params=("x",),
    forward=lambda xp, x, *, shape: xp.expand(x, shape),
    partials=lambda xp, y, x, *, shape: (1.0,),
    shape=lambda x, *, shape: shape,
    local=("1",),
    samples=((((3, 1),), {"shape": (3, 4)}), (((4,),), {"shape": (2, 3, 4)}), (((),), {"shape": (2, 2)})),
    says="the same numbers along axes that they lack",
)
array(
    "patches",
    params=("x",),
    forward=lambda xp, x, *, kernel, stride, padding: xp.patches(x, kernel, stride, padding),
    partials=lambda xp, y, x, *, kernel, stride, padding: (
        Pull(lambda g: xp.unpatches(g, x.shape, kernel, stride, padding)),
    ),
    shape=lambda x, *, kernel, stride, padding: (
        x[1] * kernel ** len(x[2:]),
        prod(windows_over(x, kernel, stride, padding)) * x[0],
    ),
    local=("1 where a number is seen",),
    samples=((((2, 2, 4, 3),), {"kernel": 2, "stride": 2, "padding": 1}),),
    says="the windows of images as columns: channel, row and column of the window by place and image",
)
array(
    "unpatches",
    params=("columns",),
    forward=lambda xp, c, *, shape, kernel, stride, padding: xp.unpatches(c, shape, kernel, stride, padding),
    partials=lambda xp, y, c, *, shape, kernel, stride, padding: (
        Pull(lambda g: xp.patches(g, kernel, stride, padding)),
    ),
    shape=lambda c, *, shape, kernel, stride, padding: shape,
    local=("1 where a number is seen",),
    samples=((((8, 12),), {"shape": (2, 2, 4, 3), "kernel": 2, "stride": 2, "padding": 1}),),
    says="images from columns of windows, added up where these overlap",
)
array(
    "window",
    params=("x",),
    forward=lambda xp, x, *, i, j, kernel, stride: xp.window(x, i, j, kernel, stride),
    partials=lambda xp, y, x, *, i, j, kernel, stride: (
        Pull(lambda g: xp.place([g], x.shape, ((i, j),), kernel, stride)),
    ),
    shape=lambda x, *, i, j, kernel, stride: (*x[:2], *windows_over(x, kernel, stride)),
    local=("1 where a number is seen",),
    samples=((((2, 1, 5, 4),), {"i": 1, "j": 0, "kernel": 2, "stride": 1}),),
    says="of every window of images the number in row i, column j",
)


def _picked(xp: Any, i: int, j: int, kernel: int, stride: int) -> Pull:
    return Pull(lambda g: xp.window(g, i, j, kernel, stride))


array(
    "place",
    params=("x",),
    arity=(1, None),
    forward=lambda xp, *parts, shape, at, kernel, stride: xp.place(parts, shape, at, kernel, stride),
    partials=lambda xp, y, *parts, shape, at, kernel, stride: tuple(
        _picked(xp, i, j, kernel, stride) for i, j in at
    ),
    shape=lambda *parts, shape, at, kernel, stride: shape,
    local=("1 where a number is put",),
    samples=(
        (
            ((2, 1, 2, 2), (2, 1, 2, 2)),
            {"shape": (2, 1, 4, 4), "at": ((0, 0), (1, 1)), "kernel": 2, "stride": 2},
        ),
    ),
    says="images from what each window has in row i, column j, added up where these meet",
)
