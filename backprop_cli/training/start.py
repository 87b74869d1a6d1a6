"""What a training begins with: another model's numbers, or how its own run has read its rows."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from ..errors import BackpropError, CheckpointError, ConfigError
from ..networks.layers import Model, named
from ..networks.layers.places import ShapeError
from ..networks.network import NDArray
from ..networks.runner import Network
from . import checkpoint, schema
from .config import Loaded, from_resolved
from .data.encoding import Encoding
from .data.kept import Kept
from .folder import CHECKPOINTS, checkpoints_in, last_of, model_at
from .units import Units

KEY = "model.from"

OF_THE_ROWS = (
    "categories",
    "numbers",
    "dates",
    "date_order",
    "shape",
    "layout",
    "missing",
    "missing_values",
    "unknown",
)
"""Keys of ``data`` that say how columns become inputs: these are the model's."""


class Start(NamedTuple):
    """A trained model to begin with.

    Attributes:
        where: As in the config.
        config: Settled.
        encoding: Columns to inputs.
        arrays: Parameters and states by name, in the units of the targets.
    """

    where: str
    config: schema.Config
    encoding: Encoding
    arrays: Mapping[str, NDArray]


KINDS = ("hidden", "layers", "formula", "program")
"""Keys of ``model`` that say what it is."""


def start_of(loaded: Loaded) -> Start | None:
    """Read the model that a config begins with; None where it names none.

    Raises:
        ConfigError: at the key, where there is none.
    """
    where = loaded.config.model.from_
    if where is None:
        return None
    try:
        arrays, facts = checkpoint.load(model_at(where))
        if facts.get("kind") != "model":
            raise CheckpointError(f"{where} holds no model")
        config, encoding = from_resolved(facts["config"]), Encoding.from_dict(facts["encoding"])
    except BackpropError as error:
        told = f"{error.place}: {error.message}" if error.place else error.message
        raise loaded.error(KEY, f"{KEY}: {told}", error.hint) from None
    except (KeyError, TypeError, ValueError) as error:
        raise loaded.error(KEY, f"{KEY}: {where} is no model of this version: {error}") from None
    return Start(where, config, encoding, arrays)


def begun(loaded: Loaded, start: Start) -> Loaded:
    """Return a config with what the model brings along: its layers where there are none, how it reads rows.

    Raises:
        ConfigError: for keys that would read rows otherwise.
    """
    config, own = loaded.config, start.config
    model = config.model
    replace = msgspec.structs.replace
    if all(getattr(model, kind) is None for kind in KINDS):
        bare = {name: getattr(own.model, name) for name in (*KINDS, "activation", "init", "dims")}
        model = replace(model, **bare, parameters=model.parameters or own.model.parameters)
    data = config.data
    if model.formula is not None:
        return dataclasses.replace(loaded, config=replace(config, model=model))
    features = [feature.text for feature in start.encoding.features]
    if data.features not in (None, features):
        raise _brought(loaded, "data.features", start.where)
    given: dict[str, Any] = {"features": features, "exclude": None}
    for key in OF_THE_ROWS:
        mine, theirs = getattr(data, key), getattr(own.data, key)
        default = msgspec.structs.fields(schema.Data)
        usual = next(f.default for f in default if f.name == key)
        if mine not in (usual, theirs):
            raise _brought(loaded, f"data.{key}", start.where)
        given[key] = theirs
    if data.scaling not in ("auto", own.data.scaling):
        raise _brought(loaded, "data.scaling", start.where)
    if data.path is None:  # only files have such keys
        given = {"features": features, "shape": given["shape"]}
    config = replace(config, model=model, data=replace(data, **given))
    return dataclasses.replace(loaded, config=config)


def _brought(loaded: Loaded, key: str, where: str) -> ConfigError:
    return loaded.error(key, f"{key} is another than in {where}, whose numbers are for rows as it reads them")


def kept_of(start: Start, model: Model) -> Kept:
    """Return how a model that is begun with reads rows; its classes too, unless the last layer is fresh."""
    last = named(model.chain(1))[-1][0] if model.formula is None and model.program is None else ""
    return Kept(start.encoding, start.where, start.config.data.scaling, last not in (model.fresh or ()))


def values_of(start: Start, network: Network, model: Model, units: Units | None) -> dict[str, NDArray]:
    """Return the numbers that a network begins with, by name; those of fresh layers are its own.

    Args:
        start: The model.
        network: What is trained.
        model: Its section of the config.
        units: Of the targets that are learned, which the model's last layer has not.
    Raises:
        ShapeError: where a layer is not in the model, or has another shape there.
    """
    fresh = set(model.fresh or ())
    own = {p.name: p.first for p in network.parameters} | dict(network.states)
    found: dict[str, NDArray] = {}
    for name, first in own.items():
        layer = name.rpartition(".")[0]
        anew = layer or (name if model.program is not None else "")
        if anew and anew in fresh:
            continue
        hint = f"model.fresh: [{anew}] begins it anew" if anew else None
        what = layer or f"parameter {name}"
        if name not in start.arrays:
            raise ShapeError(KEY, f"{KEY}: {start.where} has no {what}", hint)
        given = start.arrays[name]
        if given.shape != np.shape(first):
            sizes = [" x ".join(map(str, shape)) or "1" for shape in (given.shape, np.shape(first))]
            part = name.rpartition(".")[2]
            raise ShapeError(
                KEY, f"{KEY}: the {part} of {what} are {sizes[0]} in {start.where}, but {sizes[1]} here", hint
            )
        found[name] = given.astype(np.float64)
    if units is not None:
        last = network.parameters[-1].layer
        if last not in fresh:
            found = units.unfolded(found, last)
    return found


def unused(start: Start, values: Mapping[str, NDArray], fresh: Sequence[str]) -> list[str]:
    """Return the layers of a model that are not taken, and are not begun anew."""
    layers = dict.fromkeys(name.rpartition(".")[0] for name in start.arrays if name not in values)
    return [layer for layer in layers if layer and layer not in fresh]


def going_on(loaded: Loaded) -> Kept | None:
    """Return how a run that is gone on with read its rows; None where it has no checkpoint that tells."""
    config = loaded.config
    asked = config.output.dir or os.path.join("runs", config.name or "run")
    folder = asked if config.output.dir else last_of(asked, config.name or "run")
    for name in reversed(checkpoints_in(folder)):
        try:
            _, facts = checkpoint.load(os.path.join(folder, CHECKPOINTS, name))
            encoding = Encoding.from_dict(facts["encoding"])
            units = facts["units"]
            scale = None if units is None else Units(*(np.array(part) for part in units))
            scaling = from_resolved(facts["config"]).data.scaling
        except (BackpropError, KeyError, TypeError, ValueError):
            continue  # the run says what is wrong with it
        return Kept(encoding, folder, scaling, True, scale, True)
    return None
