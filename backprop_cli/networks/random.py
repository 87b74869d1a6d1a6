"""Random numbers: one stream for each purpose, so that none depends on how many another drew."""

from __future__ import annotations

from hashlib import sha256

import numpy as np


def stream(seed: int, purpose: str, epoch: int = 0) -> np.random.Generator:
    """Return the generator of one purpose in one epoch; the same on every machine and in every process."""
    # Python's own hash of a text changes from process to process
    key = int.from_bytes(sha256(purpose.encode()).digest()[:16], "little")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([key, epoch, seed])))
