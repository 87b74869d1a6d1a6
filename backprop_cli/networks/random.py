"""Random numbers: one stream for each purpose, so that none depends on how many another drew."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


def stream(seed: int, purpose: str, epoch: int = 0) -> np.random.Generator:
    """Return the generator of one purpose in one epoch; the same on every machine and in every process."""
    # Python's own hash of a text changes from process to process
    key = int.from_bytes(sha256(purpose.encode()).digest()[:16], "little")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([key, epoch, seed])))


class Draw(NamedTuple):
    """A leaf that is drawn anew for every row at every update.

    Attributes:
        purpose: Of its stream.
        fill: Puts the next numbers into an array.
        still: What it is where rows are predicted or measured.
    """

    purpose: str
    fill: Callable[[np.random.Generator, npt.NDArray[Any]], None]
    still: float


def dropping(name: str, rate: float) -> Draw:
    """Return what draws a mask of dropout, which layers and programs call by one name."""
    return Draw(f"dropout {name}.mask", dropout(rate), 1.0)


def dropout(rate: float) -> Callable[[np.random.Generator, npt.NDArray[Any]], None]:
    """Return what fills a mask: 0 for a share of the units, for the others what keeps the mean."""
    scale = 1.0 / (1.0 - rate)

    def fill(rng: np.random.Generator, mask: npt.NDArray[Any]) -> None:
        mask[...] = rng.random(mask.shape, mask.dtype) >= rate
        np.multiply(mask, scale, mask)

    return fill


def noise(rng: np.random.Generator, array: npt.NDArray[Any]) -> None:
    """Fill an array with standard normal numbers."""
    array[...] = rng.standard_normal(array.shape, array.dtype)
