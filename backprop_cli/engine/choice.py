"""Which engine computes: NumPy's, or one that an extra brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import UsageError, installing

if TYPE_CHECKING:
    from .executor import Executor

ENGINES = ("numpy", "jax")


def required(engine: str) -> None:
    """Refuse an engine that is not installed, without importing it.

    Raises:
        UsageError: with the command that installs it.
    """
    if engine != "jax":
        return
    from importlib.util import find_spec

    if find_spec("jax") is None:
        raise UsageError("the engine jax needs JAX, which is not installed", hint=installing("jax"))


def executor(engine: str) -> Executor:
    """Return an engine for graphs of arrays.

    Raises:
        UsageError: where it is not installed.
    """
    required(engine)
    if engine == "jax":
        from .jax import JaxPlan

        return JaxPlan
    from .tensors import TensorPlan

    return TensorPlan
