"""Layers as the program that they stand for: ``h1 = relu(W1@x + b1); y = W2@h1 + b2``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod

from ..errors import ConfigError, UsageError, nearest
from ..ops import Shape
from . import layers
from .layers.places import ShapeError
from .layers.writing import STEPS, Flow, Writing


def as_program(
    model: layers.Model, shape: Shape | None = None, sequences: Mapping[str, int] | None = None
) -> layers.Model:
    """Return a ``model`` section whose program is what its layers are: it trains to the same bytes.

    Args:
        model: The section.
        shape: Of one row of inputs; None where it is not known.
        sequences: Rows are sequences: what the data calls lengths, as far as these are known.
    Raises:
        UsageError: where there are no layers at all.
        ShapeError: for a layer that a program of one example has no words for, or that takes no such rows.
    """
    if model.program is not None or model.formula is not None or (model.layers, model.hidden) == (None, None):
        raise UsageError("--program writes layers as a program, and the config has none")
    known = {} if shape is None else {"inputs": prod(shape)}
    at = Writing(known | dict(sequences or {}), model.init)
    chain = model.chain(None)
    x = _inputs(shape, sequences is not None, model.counts)
    for position, layer in enumerate(chain):
        try:
            after = at.through(layer, x)
        except ConfigError as error:
            raise ShapeError(model.key_of(position), error.message, error.hint) from None
        last = position == len(chain) - 1
        states = after.text.isidentifier() and after.text != x.text  # of a loop, which is the output then
        x = at.given(after, "y" if last and not states else None)
    return layers.Model(
        dims=at.dims or None,
        noise=at.noise or None,
        parameters=at.parameters,
        program="\n".join(at.program) + "\n",
        freeze=[*at.frozen, *_parameters(at, "freeze", model.freeze)] or None,
        fresh=[*_parameters(at, "fresh", model.fresh)] or None,
        from_=model.from_,
    )


def _inputs(shape: Shape | None, sequences: bool, counted: bool) -> Flow:
    """Return what the first layer takes.

    Args:
        shape: Of a row.
        sequences: Rows are sequences.
        counted: Their steps are whole numbers where nothing else is known.
    """
    if sequences:
        single = counted if shape is None else len(shape) == 1
        return Flow("x", STEPS) if single else Flow("x", "inputs", STEPS)
    if shape is not None and len(shape) == 2:
        return Flow("x", shape[1], shape[0])
    return Flow("x", "inputs")


def _parameters(at: Writing, key: str, names: Sequence[str] | None) -> Iterator[str]:
    """Yield the parameters of some layers."""
    for name in names or ():
        if name not in at.layers:
            close = nearest(name, list(at.layers))
            hint = f"did you mean {close}?" if close else f"layers: {', '.join(at.layers)}"
            raise ShapeError(f"model.{key}", f"model.{key}: there is no layer {name}", hint)
        yield from at.layers[name]
