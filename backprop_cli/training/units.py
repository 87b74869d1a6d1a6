"""Targets are learned standardised; everything that is shown or kept is in their own units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from ..errors import NoSuchNumber
from ..networks.layers import Model, named
from ..networks.losses import Loss
from ..networks.network import NDArray
from ..tables.block import Floats


@dataclass(frozen=True)
class Units:
    """How the targets of a regression became those that a network learns.

    A network whose last layer is linear gives ``shift + scale*y`` as well as y, with other numbers in that
    layer: so a model in units of the targets is the same network.

    Attributes:
        shift: Subtracted from each target, (outputs,).
        scale: What each is then divided by, (outputs,), above 0.
    """

    shift: Floats
    scale: Floats

    def standardised(self, targets: NDArray) -> NDArray:
        """Return targets (rows, outputs) as the network learns them."""
        return (targets - self.shift) / self.scale

    def undone(self, outputs: NDArray) -> NDArray:
        """Return outputs (rows, outputs) in the targets' units."""
        return outputs * self.scale + self.shift

    def loss(self, loss: Loss) -> Loss:
        """Return the loss whose value on standardised targets is that of ``loss``, but for `of_loss`."""
        if loss.delta is None:
            return loss
        return msgspec.structs.replace(loss, delta=loss.delta / float(self.scale[0]))

    def of_loss(self, loss: Loss) -> float:
        """Return what a loss of standardised targets is multiplied by for its value in the targets' units.

        Several targets of several units have a loss in none of them: it stays as it is.
        """
        degree = loss.row.degree
        return 1.0 if degree is None or len(self.scale) > 1 else float(self.scale[0] ** degree)

    def unfolded(self, values: Mapping[str, NDArray], last: str) -> dict[str, NDArray]:
        """Return a network's numbers with its last layer in standardised units; the inverse of `folded`."""
        weights, bias = values[f"{last}.weights"], values[f"{last}.bias"]
        return dict(values) | {
            f"{last}.weights": weights / self.scale[:, None],
            f"{last}.bias": (bias - self.shift) / self.scale,
        }

    def folded(self, values: Mapping[str, NDArray], last: str) -> dict[str, NDArray]:
        """Return a network's numbers with its last layer in the targets' units.

        Args:
            values: Arrays by name.
            last: The name of the last layer.
        Raises:
            NoSuchNumber: when they overflow.
        """
        weights, bias = values[f"{last}.weights"], values[f"{last}.bias"]
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = (weights * self.scale[:, None]).astype(weights.dtype)
            shifted = (bias * self.scale + self.shift).astype(bias.dtype)
        if not (np.isfinite(scaled).all() and np.isfinite(shifted).all()):
            raise NoSuchNumber(
                f"the numbers of {last} overflow in the units of the targets",
                hint="smaller units of the targets, or dtype: float64",
            )
        return dict(values) | {f"{last}.weights": scaled, f"{last}.bias": shifted}


def can_fold(model: Model, outputs: int) -> bool:
    """Tell whether a network's last layer can take its outputs into other units."""
    if model.formula is not None or model.program is not None or model.written or model.layers == []:
        return False
    name, last = named(model.chain(outputs))[-1]
    return last.takes_units and name not in (model.freeze or ())


def has_weights(model: Model) -> bool:
    """Tell whether a config gives numbers of its network, which are worked out by hand then."""
    return any(
        getattr(layer, name, None) is not None for layer in model.layers or () for name in ("weights", "bias")
    )


class Moments:
    """What columns are scaled by, from rows that come some at a time.

    Source:
        Chan, Golub and LeVeque (1983), Algorithms for computing the sample variance, eq. 2.1: means and sums
        of squared deviations are merged, so that no digits are lost to a large mean.
    """

    def __init__(self, width: int) -> None:
        self.count = 0
        self.mean, self.squares = np.zeros(width), np.zeros(width)
        self.low, self.high = np.full(width, np.inf), np.full(width, -np.inf)

    def add(self, columns: Floats) -> None:
        """Take rows in, (rows, width)."""
        if not len(columns):
            return
        with np.errstate(over="ignore", invalid="ignore"):
            mean = columns.mean(axis=0)
            total = self.count + len(columns)
            apart = mean - self.mean
            self.mean += apart * (len(columns) / total)
            self.squares += np.square(columns - mean).sum(axis=0)
            self.squares += np.square(apart) * (self.count * (len(columns) / total))
        self.low = np.minimum(self.low, columns.min(axis=0))
        self.high = np.maximum(self.high, columns.max(axis=0))
        self.count = total

    def fitted(self, scaling: str) -> tuple[Floats, Floats]:
        """Return what to subtract from each column and what to divide it by; a constant is only shifted."""
        with np.errstate(over="ignore", invalid="ignore"):
            if scaling == "minmax":
                shift, scale = self.low, self.high - self.low
            else:
                shift, scale = self.mean, np.sqrt(self.squares / self.count)
        # equal numbers may have a deviation of some 1e-17, which would make noise of nothing
        constant = self.low == self.high
        return np.where(constant, self.low, shift), np.where(constant | (scale == 0.0), 1.0, scale)
