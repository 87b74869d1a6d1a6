"""Configs to begin with: ``backprop config init NAME``."""

from __future__ import annotations

from importlib.resources import files

__all__ = ["starter_text", "starters"]


def starters() -> list[str]:
    """Return the names of the starter configs, simplest first."""
    found = {f.name.removesuffix(".yaml") for f in files(__name__).iterdir() if f.name.endswith(".yaml")}
    return [name for name in _ORDER if name in found] + sorted(found - {*_ORDER})


def starter_text(name: str) -> str:
    """Return the YAML text of a starter config."""
    return (files(__name__) / f"{name}.yaml").read_text("utf-8")


_ORDER = (
    *("hand", "xor", "iris", "spirals", "digits", "convnet", "autoencoder", "regression", "formula"),
    *("bandit", "gridworld", "cartpole"),
)
