"""Layers in their places: shapes that fit each other, and sizes that a network may have."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from ...errors import ConfigError
from ...ops import Shape
from . import Model, named
from .kind import Fitted, LayerKind, rows, sides

HIGHEST_PARAMETERS = 100_000_000
HIGHEST_ROW = 1 << 26
"""Most numbers that a layer may make of one row."""


class ShapeError(ConfigError):
    """Layers do not fit each other or the data; ``key`` is the place in the config, with the span's text."""

    def __init__(self, key: str, message: str, hint: str | None = None, **more: Any) -> None:
        super().__init__(message, hint=hint, **more)
        self.key = key


def placed(
    model: Model, shape: Shape | None, outputs: int | None
) -> Iterator[tuple[str, LayerKind, Shape, Fitted]]:
    """Yield each layer in its place: its name, itself, the shape of a row before it, what it makes of rows.

    Args:
        model: The ``model`` section.
        shape: Of one row of inputs; where it is not known, a layer whose own settings say what it gives is
            the first before others.
        outputs: Numbers a target row has; where they are not known, they are one or more.
    Raises:
        ShapeError: where shapes do not fit, or are too large.
    """
    count = 0
    for position, (name, layer) in enumerate(named(model.chain(outputs))):
        key = model.key_of(position)
        if shape is None:
            shape = None if layer.width is None else (layer.width,)
            continue
        try:
            fitted = layer.fitted(name, shape, outputs or 1)
        except ConfigError as error:
            raise ShapeError(key, error.message, error.hint) from None
        for array in fitted.parameters:
            count += prod(array.shape)
            if array.fans and count > HIGHEST_PARAMETERS:
                raise ShapeError(
                    key,
                    f"{name} has {sides(array.shape)} {array.part}:"
                    f" more than {HIGHEST_PARAMETERS:,} parameters in all",
                    hint="fewer units or channels, or fewer inputs",
                )
        if prod(fitted.shape) > HIGHEST_ROW:
            raise ShapeError(key, f"{name} makes {rows(fitted.shape)}: more than {HIGHEST_ROW:,} numbers")
        yield name, layer, shape, fitted
        shape = None if outputs is None and layer.dense and layer.width is None else fitted.shape
