"""The devices that a program runs on: one, several of a process, or those of several processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
import numpy.typing as npt
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ..errors import ConfigError, UsageError
from .processes import parted

ROWS = "rows"

PIECE = 1 << 12
"""Bytes that processes tell each other at once."""


class Devices:
    """Devices side by side: each has all of the parameters and a share of every batch's rows.

    Args:
        count: How many of this process, the first ones; None for one.
    Raises:
        UsageError: where there are fewer.
    Attributes:
        first: Whether this is process 0, or the only one.
        several: Whether there are more processes.
    """

    def __init__(self, count: int | None = None) -> None:
        every = jax.local_devices()
        count = count or 1
        if count > len(every):
            there = ", ".join(f"{device.platform}:{device.id}" for device in every[:8])
            flag = f"XLA_FLAGS=--xla_force_host_platform_device_count={count}"
            raise UsageError(
                f"--devices {count}: there {'is' if len(every) == 1 else 'are'} {len(every)} here ({there})",
                hint=f"{flag} makes {count} of the processor" if every[0].platform == "cpu" else None,
            )
        # those of every process, in their order: each process names the same
        of: dict[int, list[Any]] = {}
        for device in jax.devices():
            of.setdefault(device.process_index, []).append(device)
        chosen = [device for devices in of.values() for device in devices[:count]]
        self.count = len(chosen)
        self.mesh = Mesh(np.array(chosen), (ROWS,))
        self.first, self.several = jax.process_index() == 0, jax.process_count() > 1
        self._same = NamedSharding(self.mesh, PartitionSpec())
        self._split = NamedSharding(self.mesh, PartitionSpec(ROWS))
        if self.several:
            # connections are made here, where all come at the same time: later one may compile for long
            np.asarray(self.compiled(lambda x: self.by_rows(x).sum())(self.everywhere(np.zeros(self.count))))

    @property
    def named(self) -> str:
        """What they are, in words."""
        first = self.mesh.devices.flat[0]
        return first.device_kind if self.count == 1 else f"{self.count} x {first.device_kind}"

    def everywhere(self, array: Any) -> jax.Array:
        """Return an array that every device has whole."""
        array = np.asarray(array)
        return jax.make_array_from_callback(array.shape, self._same, array.__getitem__)

    def by_rows(self, array: jax.Array) -> jax.Array:
        """Divide an array by its first axis, in a program that is traced."""
        return array if self.count == 1 else jax.lax.with_sharding_constraint(array, self._split)

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Compile a function of arrays that are everywhere, as its results are."""
        made: Callable[..., Any] = jax.jit(function, out_shardings=self._same)
        return made

    # of several processes

    def any_of(self, truth: bool) -> bool:
        """Return whether something is so in any of the processes, which all ask at the same time."""
        return bool(multihost_utils.process_allgather(np.array(truth)).any()) if self.several else truth

    def same(self, digests: Mapping[str, str]) -> None:
        """Hold what the processes train to that of process 0.

        Args:
            digests: SHA-256 in hexadecimal by what it is of.
        Raises:
            ConfigError: naming both, in every process.
        """
        own = np.array([list(bytes.fromhex(digest)) for digest in digests.values()], np.uint8)
        every = multihost_utils.process_allgather(own)
        for number, theirs in enumerate(every):
            for what, here, there in zip(digests, every[0], theirs, strict=True):
                if (here != there).any():
                    parted()  # each of them says it
                    raise ConfigError(
                        f"the processes differ in their {what}: SHA-256 {_short(there)} in process {number},"
                        f" {_short(here)} in process 0",
                        hint="the same config, overrides, rows and version of backprop for all processes",
                    )

    def of_first(self, data: bytes) -> bytes:
        """Return what process 0 has given; the others give anything."""
        head = len(data).to_bytes(8, "little") + data[: PIECE - 8]
        head = bytes(np.asarray(multihost_utils.broadcast_one_to_all(_bytes(head, PIECE))))
        length = int.from_bytes(head[:8], "little")
        if length <= PIECE - 8:
            return head[8 : 8 + length]
        whole = multihost_utils.broadcast_one_to_all(_bytes(data if self.first else b"", length))
        return np.asarray(whole).tobytes()


def _bytes(data: bytes, length: int) -> npt.NDArray[np.uint8]:
    return np.frombuffer(data.ljust(length, b"\0"), np.uint8)


def _short(digest: npt.NDArray[np.uint8]) -> str:
    return digest.tobytes().hex()[:12]
