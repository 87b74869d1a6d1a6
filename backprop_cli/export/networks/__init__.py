"""Networks in other frameworks: the layers, the weights, a sample of rows, one training step."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

from .facts import Facts, facts_of_config, facts_of_model

__all__ = ["INLINE", "Exported", "Facts", "export", "facts_of_config", "facts_of_model"]

INLINE = 1000
"""Numbers that a program holds itself; more go to a file beside it."""


class Exported(NamedTuple):
    """What is to be written.

    Attributes:
        content: The program, or the model.
        beside: Content of the safetensors file that it reads; None where it holds all itself.
        note: What came of running it, where it was run.
        agrees: False where that gave other numbers.
    """

    content: bytes
    beside: bytes | None = None
    note: str | None = None
    agrees: bool = True


def export(facts: Facts, target: str, name: str) -> Exported:
    """Return a network in a target's language.

    Args:
        facts: The network with its numbers.
        target: Of `NETWORK_TARGETS`.
        name: What the file of arrays is called, without its ending.
    Raises:
        UsageError: where the target lacks a layer or an activation, with the reason.
    """
    exported: Exported = import_module(f".{target}", __name__).write(facts, name)
    return exported
