"""TensorBoard's event files, by the tensorboard extra."""

from __future__ import annotations

from typing import Any

from ..errors import ConfigError, installing
from .loop import EpochRecord


class Events:
    """Writes every epoch's numbers into a folder that TensorBoard reads.

    Args:
        folder: Where to.
        epoch: The last epoch of an earlier part of the run; what is there of later ones is void.
    Raises:
        ConfigError: when the extra is not installed.
    """

    def __init__(self, folder: str, epoch: int = 0) -> None:
        try:
            from tensorboardX.writer import SummaryWriter
        except ImportError:
            raise ConfigError(
                "output.log: tensorboard needs a library that is not installed",
                hint=installing("tensorboard"),
            ) from None
        self._writer: Any = SummaryWriter(folder, purge_step=epoch + 1 if epoch else None)

    def add(self, record: EpochRecord) -> None:
        """Write an epoch; training and validation share a chart: ``loss/train``, ``loss/validation``."""
        for name, value in record.values.items():
            plain = name.removeprefix("val_")
            side = "validation" if name.startswith("val_") else "train"
            tag = plain if plain == "learning_rate" else f"{plain}/{side}"
            self._writer.add_scalar(tag, value, record.epoch)

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()
