"""Layers as the program that they stand for: ``h1 = relu(W1@x + b1); y = W2@h1 + b2``."""

from __future__ import annotations

from typing import Any

import msgspec

from ..errors import UsageError
from ..ops import PRIMITIVES
from . import layers
from .layers import named
from .layers.kind import LayerKind, Size
from .layers.weights import Declared


def as_program(model: layers.Model) -> dict[str, Any]:
    """Return a ``model`` section whose program is what its layers are: it trains to the same bytes.

    Raises:
        UsageError: for a layer that a program of one example has no words for, or with no layers at all.
    """
    if model.program is not None or model.formula is not None or (model.layers, model.hidden) == (None, None):
        raise UsageError("--program writes layers as a program, and the config has none")
    parameters: dict[str, Any] = {}
    lines: list[str] = []
    frozen: list[str] = []
    before, x = "inputs", "x"
    size: Size = before
    chain = named(model.chain(None))
    for at, (name, layer) in enumerate(chain):
        number = sum(other.tag == layer.tag for _, other in chain[: at + 1])
        written = layer.written(x, str(number), size)
        if written is None:
            raise UsageError(f"{name} has no words in a program of one example")
        for part, declared in written.parameters.items():
            parameters[part] = msgspec.to_builtins(_drawn(declared, model, layer))
            if part in written.frozen or name in (model.freeze or ()):
                frozen.append(part)
        text, size = written.text, written.size
        if layer.function is not None:
            text = f"{layer.function}({text})"
        last = at == len(chain) - 1
        if text != x or last:
            x = "y" if last else f"h{len(lines) + 1}"
            lines.append(f"{x} = {text}")
    found: dict[str, Any] = {"parameters": parameters, "program": "\n".join(lines) + "\n"}
    return found | ({"freeze": frozen} if frozen else {})


def _drawn(declared: Declared, model: layers.Model, layer: LayerKind) -> Declared:
    """Return a parameter with what ``auto`` is for its layer."""
    if declared.init != "auto" or not isinstance(declared.shape, list):
        return declared
    rectifies = layer.function in PRIMITIVES and PRIMITIVES[layer.function].rectifier
    init = model.init if model.init != "auto" else "he_normal" if rectifies else "glorot_uniform"
    return Declared(shape=declared.shape, init=init)
