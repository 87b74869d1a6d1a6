"""The same computation in other languages and frameworks: one file per target."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..errors import UsageError, nearest
from .program import Program, program_of

__all__ = [
    "BY_NUMBER",
    "ENDINGS",
    "NETWORK_TARGETS",
    "RENDERED",
    "TARGETS",
    "Program",
    "export",
    "module_of",
    "program_of",
    "target_named",
]

TARGETS = {
    name: name
    for name in (
        *("pytorch", "jax", "numpy", "autograd", "micrograd", "sympy", "casadi", "c", "javascript", "python"),
    )
}
"""Target -> its module here."""

BY_NUMBER = ("c", "javascript")
"""Targets that take arrays and compute with their numbers one by one."""

RENDERED = ("latex", "mermaid")
"""Targets that are drawn or set, not run."""

NETWORK_TARGETS = ("pytorch", "jax", "numpy", "onnx")
"""Targets of networks: modules of ``networks``."""

ENDINGS = {
    ".c": "c",
    ".js": "javascript",
    ".mjs": "javascript",
    ".tex": "latex",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".onnx": "onnx",
}


def target_named(name: str, known: tuple[str, ...]) -> str:
    """Return a target, or say which there are.

    Raises:
        UsageError: when there is none of that name.
    """
    if name in known:
        return name
    close = nearest(name.lower(), list(known))
    raise UsageError(
        f"no target {name}",
        hint=f"did you mean {close}?" if close else f"targets: {', '.join(known)}",
    )


def module_of(target: str) -> Any:
    """Return a target's module: ``SPELLING``, ``LANGUAGE``, ``write``."""
    return import_module(f".{TARGETS[target]}", __name__)


def export(program: Program, target: str) -> str:
    """Return a program in a target's language.

    Raises:
        UsageError: where the target lacks a primitive, with the reason.
    """
    text: str = module_of(target).write(program)
    return text
