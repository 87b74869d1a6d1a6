"""The spellings of array primitives that NumPy, JAX and PyTorch share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ...language.operators import PRODUCT, SUM
from ...language.written import Piece, Table, template
from ...ops.matrices import ENTRIES, Key
from ..arrays import STANDARDIZED, made


def total(x: Piece, *, axes: tuple[int, ...] | None = None, keep: bool = False) -> Piece:
    """Write a sum over some axes, or all."""
    given = [str(axes[0] if len(axes) == 1 else axes)] if axes is not None else []
    return Piece(f"{x:!}.sum({', '.join([*given, *['keepdims=True'] * keep])})")


def transposed(x: Piece, *, axes: tuple[int, ...]) -> Piece:
    """Write numbers with their axes in another order."""
    return Piece(f"{x:!}.T" if axes == (1, 0) else f"{x:!}.transpose{axes}")


def indexed(x: Piece, *, key: Key, rows: bool = False) -> Piece:
    """Write a part of an array, or of every row."""
    return Piece(f"{x:!}[{places(key, rows)}]")


def places(key: Key, rows: bool = False) -> str:
    """Write what is picked along each axis."""
    parts = [":"] * rows + [str(k) if isinstance(k, int) else f"{k[0]}:{k[1]}" for k in key]
    return ", ".join(parts)


def index_of(k: Piece, rows: int, whole: str = "astype(int)", module: str = "np") -> str:
    """Write an index of data, which ``whole`` makes whole numbers of; each row's own into its own table."""
    index = f"{k:!}.{whole}"
    return f"{module}.arange(len({k})){'[:, None]' * (rows > 1)}, {index}" if rows else index


def looked_up(module: str, whole: str = "astype(int)") -> Callable[..., Piece]:
    """Return what writes the rows of a table that an index picks."""

    def write(table: Piece, k: Piece, *, rows: int = 0) -> Piece:
        return Piece(f"{table:!}[{index_of(k, rows, whole, module)}]")

    return write


def matrices(module: str) -> Table:
    """Return the spellings of the language's rows over vectors and matrices, in a library like NumPy."""

    def contracted(*operands: Piece, spec: str) -> Piece:
        words, value = spec.split("->")
        if len(operands) == 1 and words == value:
            return operands[0]
        terms = ", ".join(x.text for x in operands)
        return Piece(f'{module}.einsum("{spec}", {terms})')

    def extremum(name: str) -> Callable[..., Piece]:
        def write(x: Piece, *, rows: bool = False) -> Piece:
            reduce = {"torch": f"a{name}"}.get(module, name)  # its max gives the places, too
            return Piece(f"{x:!}.reshape({f'len({x})' if rows else ''}{', ' * rows}-1).{reduce}(-1)")

        return write

    return {
        **dict.fromkeys(CONTRACTIONS, contracted),
        "index": indexed,
        "stack": lambda *parts: Piece(f"{module}.stack([{', '.join(x.text for x in parts)}])"),
        "concat": lambda *parts: Piece(f"{module}.concatenate([{', '.join(x.text for x in parts)}], -1)"),
        "lookup": looked_up(module),
        "standardize": lambda x, *_, eps: template(STANDARDIZED.replace("M.", f"{module}."), PRODUCT)(
            x, Piece(repr(eps))
        ),
        "scale_rows": "{0:!}[..., None]*{1:^}",
        "reshape": lambda x, *_, shape: Piece(f"{x:!}.reshape({shape})"),
        "apart": f"{module}.diag({{0}})",
        "norm": f"{module}.linalg.norm({{0}})",
        "inv": f"{module}.linalg.inv({{0}})",
        "det": f"{module}.linalg.det({{0}})",
        "logdet": f"{module}.linalg.slogdet({{0}})[1]",
        "solve": f"{module}.linalg.solve({{0}}, {{1}})",
        "max of an array": extremum("max"),
        "min of an array": extremum("min"),
        **{name: partial(made, module, name) for name in ENTRIES},
    }


CONTRACTIONS = ("@", "'", "dot", "outer", "trace", "sum of an array", "rowsum", "colsum", "diag")

ARRAYS: Table = {
    "linear": ("{0:*} @ {1:!}.T + {2:*}", SUM),
    "matmul": ("{0:*} @ {1:^}", PRODUCT),
    "transpose": transposed,
    "shaped": lambda x, *, shape: Piece(f"{x:!}.reshape{shape or '(())'}"),
    "flatten": "{0:!}.reshape(len({0}), -1)",
    "sum": total,
    "mean": "{0:!}.mean()",
    "mean_over": lambda x, *, axes: Piece(f"{x:!}.mean({axes}, keepdims=True)"),
    "conv1d": "conv1d({0}, {1}, {2}, {stride}, {padding})",
    "conv2d": "conv2d({0}, {1}, {2}, {stride}, {padding})",
}
"""What NumPy and its kin write alike; the convolutions are helpers of each."""
