"""The spellings of array primitives that NumPy and JAX share."""

from __future__ import annotations

from ...language.operators import PRODUCT, SUM
from ...language.written import Piece, Table


def total(x: Piece, *, axes: tuple[int, ...] | None = None, keep: bool = False) -> Piece:
    """Write a sum over some axes, or all."""
    given = [str(axes[0] if len(axes) == 1 else axes)] if axes is not None else []
    return Piece(f"{x:!}.sum({', '.join([*given, *['keepdims=True'] * keep])})")


def transposed(x: Piece, *, axes: tuple[int, ...]) -> Piece:
    """Write numbers with their axes in another order."""
    return Piece(f"{x:!}.T" if axes == (1, 0) else f"{x:!}.transpose{axes}")


ARRAYS: Table = {
    "linear": ("{0:*} @ {1:!}.T + {2:*}", SUM),
    "matmul": ("{0:*} @ {1:^}", PRODUCT),
    "transpose": transposed,
    "shaped": "{0:!}.reshape{shape}",
    "flatten": "{0:!}.reshape(len({0}), -1)",
    "sum": total,
    "mean": "{0:!}.mean()",
    "mean_over": lambda x, *, axes: Piece(f"{x:!}.mean({axes}, keepdims=True)"),
    "conv1d": "conv1d({0}, {1}, {2}, {stride}, {padding})",
    "conv2d": "conv2d({0}, {1}, {2}, {stride}, {padding})",
}
"""What NumPy and its kin write alike; the convolutions are helpers of each."""
